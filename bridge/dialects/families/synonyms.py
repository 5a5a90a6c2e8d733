"""The many names under which home-made alerts send the same few things.

A body is flattened (`{"strategy": {"order": {"action": …}}}` and `strategy-order-action` are the same member) and every
member gets a role. A member without a role is harmless metadata, unless its name sounds as if it could change the order:
then it is refused by name rather than left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from bridge.dialects.base import Unreadable
from bridge.dialects.families.values import absent
from bridge.domain.intent import DistanceType

_ROLES = {
    "symbol": "symbol ticker instrument pair market sym tsym tradingsymbol asset coin scrip security underlying",
    "exchange": "exchange exch exchangename tvexchange venue",
    "action": "action side signal direction orderaction orderside transactiontype tradeaction tradeside command cmd "
    "operation buysell tradedirection signalaction act trantype",
    "type": "type tradetype signaltype order event eventtype intent",
    "position": "position pos",
    "position_side": "positionside",
    "buy": "buy",
    "sell": "sell",
    "long": "long",
    "short": "short",
    "cover": "cover",
    "quantity": "quantity qty contracts ordercontracts shares units size amount ordersize orderqty orderquantity "
    "orderamount positionamount",
    "volume": "volume ordervolume",
    "lots": "lots lot lotsize volumelots",
    "cash": "cash notional usd dollars amountusd sizeusd usdamount usdtamount quoteamount quoteqty dollaramount cost "
    "stake stakeamount notionalusd sizeinusd",
    "percent": "percent percentage percentequity equitypercent percentofequity sizepercent amountpercent "
    "quantitypercent qtypercent qtypct sizepct equitypct balancepercent",
    "risk": "risk riskpercent riskpct riskpercentage riskpertrade",
    "quantity_type": "qtytype quantitytype sizetype amounttype unit",
    "strike": "strike strikeprice",
    "right": "optiontype right callput putcall cepe",
    "expiry": "expiry expirydate expiration expirationdate",
    "trailing": "trailingstop trail trailing trailstop trailpercent trailpct trailingpercent trailingstoppercent "
    "trailamount trailoffset trailingamount trailingoffset trailingdistance",
    "order_type": "ordertype pricetype entrytype executiontype prctyp",
    "limit": "limitprice limit",
    "trigger": "triggerprice trigger stopprice",
    "price": "price entryprice entry orderprice prc",
    "reference": "close closeprice currentprice lastprice last ltp marketprice signalprice alertprice",
    "position_after": "marketposition currentposition newposition positionafter sentiment",
    "position_before": "prevmarketposition prevposition previousposition previousmarketposition positionbefore",
    "size_after": "marketpositionsize",
    "size_before": "prevmarketpositionsize",
    "target": "positionsize targetposition netposition",
    "time_in_force": "timeinforce tif validity",
    "product": "product producttype prd",
    "leverage": "leverage lev",
    "margin_mode": "marginmode margintype",
    "reduce_only": "reduceonly closeonly",
    "strategy": "strategy strategyname strategyid strategytitle alertname system",
    "account": "account accountname accountid acct actid",
    "bot": "bot botid botname",
    "timestamp": "timestamp timenow datetime date time ts alerttime bartime timefired",
    "max_age": "maxlag maxage",
    "interval": "interval timeframe period tf resolution",
    "secret": "secret key token passphrase authkey password apikey webhooksecret webhookkey auth authtoken passcode "
    "webhookpassphrase secretkey apisecret pass",
    "dedupe": "nonce signalid alertid idempotencykey uuid eventid messageid",
    "signal_id": "id orderid tradeid",
    "do_trade": "dotrade",
    "dry_run": "validate dryrun test paper simulate simulated",
    "heartbeat": "heartbeat ping",
    "con_id": "conid",
    "security_type": "sectype securitytype assettype",
    "note": "message msg text comment note notes description ordercomment alertmessage title content reason name "
    "orderalertmessage",
}
ROLE = {name: role for role, names in _ROLES.items() for name in names.split()}

_LEVEL = re.compile(
    r"(?P<base>stoploss|sl|stop|takeprofits?|tps?|targets?|profittarget)(?P<place>\d{0,2})"
    r"(?P<unit>price|offset|distance|percentage|percent|pct|pips|points)?"
)
_UNITS: dict[str, DistanceType] = {
    "price": "price",
    "offset": "offset",
    "distance": "offset",
    "percentage": "percent",
    "percent": "percent",
    "pct": "percent",
    "pips": "pips",
    "points": "points",
}
# Objects that hold stops and targets only: `{"risk": {"sl": 1.07}}`.
_EXITS_GROUP = re.compile(r"^(?:risk(?:management)?|exits?|bracket)(?=sl|tp|stop|take|target)")
_WRAPPERS = ("data", "payload", "alert", "message", "signal", "trade", "body", "webhook", "tv", "order", "strategy")
_ASIDE = frozenset(
    {"bar", "candle", "ohlc", "ohlcv", "extras", "extra", "meta", "metadata", "indicators", "plots", "info", "context"}
)
_BAR = frozenset({"open", "high", "low", "close"})
_HARMLESS = frozenset(
    {"open", "high", "low", "openprice", "highprice", "lowprice", "prevclose", "avgprice", "profit", "pnl", "netprofit"}
    | {
        "ordertime",
        "orderdate",
        "alerttype",
        "signalname",
        "orderref",
        "riskreward",
        "rr",
        "pricesource",
        "basecurrency",
    }
    | {"slippage", "deviation", "triggertime"}  # how much worse a fill may be, which no order here can say
    | {"signalstrength", "priceaction", "priceactionevent", "stopwatch", "positiontime", "closetime", "opentime"}
)
_WEIGHTY = re.compile(
    r"qty|quantity|size|lots?$|contracts|amount|risk|leverage|price|limit|stop|loss|profit|target|trail|trigger|side$"
    r"|action|order|close|exit|cancel|reduce|hedge|expir|strike|option|force|offset|distance|^tp|^sl"
)


class Member(NamedTuple):
    """A member's own name, for refusals, and what it holds."""

    name: str
    value: Any


class ExitMember(NamedTuple):
    """A stop or target: how its name measures it (`None` when it does not say) and what it holds."""

    name: str
    unit: DistanceType | None
    value: Any


class Roles:
    """A flattened body: the members by role, in the order they were sent."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.members: dict[str, list[Member]] = {}
        self.stops: list[ExitMember] = []
        self.targets: list[ExitMember] = []
        self.unknown: list[Member] = []
        for name, plain_name, value in _flat(body):
            if not absent(value):
                self._place(name, plain_name, value)
        if any(bare_name(member.name) in _BAR for member in (*self.unknown, *self.all("reference"))):
            self.members.pop("volume", None)  # the bar's, not the order's

    def _place(self, name: str, plain_name: str, value: Any) -> None:
        short = _unwrapped(plain_name)
        if role := ROLE.get(short):
            self.members.setdefault(role, []).append(Member(name, value))
        elif match := _LEVEL.fullmatch(_EXITS_GROUP.sub("", short)):
            exits = self.stops if match["base"] in ("stoploss", "sl", "stop") else self.targets
            exits.append(ExitMember(name, _UNITS.get(match["unit"] or ""), value))
        else:
            self.unknown.append(Member(name, value))

    def __contains__(self, role: str) -> bool:
        return role in self.members

    def first(self, role: str) -> Member:
        """The first member of that role; its value is `None` when none was sent."""
        return self.members[role][0] if role in self.members else Member(role, None)

    def value(self, role: str) -> Any:
        """What the first member of that role holds, or `None`."""
        return self.first(role).value

    def all(self, role: str) -> list[Member]:
        """Every member of that role."""
        return self.members.get(role, [])

    def refuse_weighty(self) -> None:
        """Refuse a member that is not understood and whose name says that it may matter."""
        for name, value in self.unknown:
            plain_name = bare_name(name)
            if (
                value is False
                or value == 0
                or plain_name in _HARMLESS
                or bare_name(name.rsplit(".", 1)[-1]) in _HARMLESS
            ):
                continue
            if _WEIGHTY.search(plain_name):
                raise Unreadable(
                    "unknown_member",
                    f"{name[:60]}: is not understood here and may change the order; remove it or use a known format",
                )


@lru_cache(maxsize=1024)
def bare_name(name: str) -> str:
    """`strategy.order_action` and `strategyOrderAction` alike."""
    return "".join(character for character in name.casefold() if character.isalnum())


def _flat(body: dict[str, Any], path: str = "") -> Iterator[tuple[str, str, Any]]:
    for name, value in body.items():
        full = f"{path}.{name}" if path else name
        plain_name = bare_name(full)
        # An empty object is no group of members: it stays, so that whoever reads the member refuses it.
        if (
            isinstance(value, dict)
            and value
            and bare_name(name) not in _ASIDE
            and not _LEVEL.fullmatch(_unwrapped(plain_name))
        ):
            yield from _flat(value, full)
        elif bare_name(name) not in _ASIDE:
            yield full, plain_name, value


@lru_cache(maxsize=1024)
def _unwrapped(plain_name: str) -> str:
    """The name without the objects around it, as far as it takes to know it."""
    while plain_name not in ROLE:
        wrapper = next((w for w in _WRAPPERS if plain_name.startswith(w) and plain_name != w), None)
        if wrapper is None:
            break
        plain_name = plain_name.removeprefix(wrapper)
    return plain_name
