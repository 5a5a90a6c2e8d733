"""The synonyms that home-made `key=value` messages use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import Intent, OrderType, Side


def _synonyms(**groups: str) -> dict[str, str]:
    return {name: meaning for meaning, names in groups.items() for name in names.split()}


# Keys are compared without case, blanks, `_` and `-`.
KEYS: Mapping[str, str] = _synonyms(
    symbol="symbol ticker instrument pair market sym asset coin tradesymbol tradingsymbol",
    side="side action signal direction orderaction position order cmd command",
    units="quantity qty size amount contracts volume shares units",
    lots="lots lot lotsize vollots",
    cash="cash notional sizeusd usd",
    order_type="ordertype type",
    limit="limitprice limit",
    trigger="stopprice triggerprice trigger",
    entry="entry entryprice price close signalprice",
    stop="sl stoploss slprice",
    leverage="leverage lev",
    margin="marginmode margintype",
    exchange="exchange exch",
    account="account accountid",
    strategy="strategy strategyname bot botname",
    secret="secret key token passphrase authkey password apikey",  # noqa: S106 – names of keys
    comment="comment note message text name",
    time="time timestamp timenow date alerttime",
    interval="interval timeframe tf",
)
_TARGET = re.compile(r"(?:tp|target|takeprofit|tpprice)(\d{0,2})")
_NOISE = re.compile(r"[\s_-]")

ENTRIES: Mapping[str, tuple[Side, Intent]] = {
    "buy": (Side.BUY, PLAIN[Side.BUY]),
    "sell": (Side.SELL, PLAIN[Side.SELL]),
    **dict.fromkeys(
        ("long", "bull", "bullish", "enterlong", "entrylong", "longentry", "openlong", "longopen", "golong"),
        (Side.BUY, Intent.ENTER_LONG),
    ),
    **dict.fromkeys(
        ("short", "bear", "bearish", "entershort", "entryshort", "shortentry", "openshort", "shortopen", "goshort"),
        (Side.SELL, Intent.ENTER_SHORT),
    ),
}
ENTERED = {Side.BUY: "long", Side.SELL: "short"}
CLOSES: Mapping[str, Literal["long", "short", "both"]] = {
    **dict.fromkeys(("close", "exit", "flat"), "both"),
    **dict.fromkeys(("closelong", "exitlong", "longexit", "longclose"), "long"),
    **dict.fromkeys(("closeshort", "exitshort", "shortexit", "shortclose", "cover"), "short"),
}
CANCELS = frozenset({"cancel", "cancelorder", "cancelorders"})
# What concerns every symbol and names none.
ALL: Mapping[str, Literal["close", "cancel"]] = {
    **dict.fromkeys(("closeall", "exitall", "flatten", "flattenall", "closeallpositions"), "close"),
    **dict.fromkeys(("cancelall", "cancelallorders"), "cancel"),
}
OPENS = frozenset({"open", "entry", "enter", "new"})  # says nothing without a direction
ORDER_TYPES: Mapping[str, OrderType] = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
    "stoplimit": OrderType.STOP_LIMIT,
}


def plain(word: str) -> str:
    """A word without case, blanks and hyphens."""
    return _NOISE.sub("", word).casefold()


def together(first: str, second: str) -> str | None:
    """One verb of two words in either order, `close` and `long`; opening adds nothing to a side."""
    for said, other in ((plain(first), plain(second)), (plain(second), plain(first))):
        if said + other in ENTRIES or said + other in CLOSES:
            return said + other if said and other else None
        if said in OPENS and other in ENTRIES:
            return ENTERED[ENTRIES[other][0]]
    return None


def meaning(key: str) -> str | None:
    """What a key stands for, `tp1` … for targets; `None` when nobody said."""
    bare = plain(key)
    if found := _TARGET.fullmatch(bare):
        return f"tp{found[1]}"
    return KEYS.get(bare)
