"""Reads an order out of a home-made object: any names of `synonyms`, any words of `verbs`, positions when it has them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.dialects.base import Unreadable
from bridge.dialects.families.exits import levels
from bridge.dialects.families.levels import NEEDS_LIMIT, NEEDS_TRIGGER, ORDER_TYPES, PRODUCTS, TIME_IN_FORCE
from bridge.dialects.families.positions import PLAIN, SIDE_OF, Stance, claim, intent_between, side_of, stance_of
from bridge.dialects.families.synonyms import Member, Roles, bare_name
from bridge.dialects.families.values import (
    absent,
    amount,
    boolean,
    not_negative,
    number,
    optional_boolean,
    optional_positive,
    optional_word,
    positive,
    shown,
    symbol,
    text,
    unless_zero,
    word,
)
from bridge.dialects.families.verbs import LEAVING, NOTHING, known_verb, type_in_verb, verb_of
from bridge.domain.intent import (
    InstrumentHint,
    Intent,
    Kind,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
    Trailing,
)

QUANTITY_TYPES = {
    "fixed": QuantityType.UNITS,
    "units": QuantityType.UNITS,
    "shares": QuantityType.UNITS,
    "contracts": QuantityType.CONTRACTS,
    "base": QuantityType.BASE,
    "quote": QuantityType.QUOTE,
    "lots": QuantityType.LOTS,
    "lot": QuantityType.LOTS,
    "cash": QuantityType.CASH,
    "usd": QuantityType.CASH,
    "percent": QuantityType.PERCENT_EQUITY,
    "percent_of_equity": QuantityType.PERCENT_EQUITY,
    "percent_equity": QuantityType.PERCENT_EQUITY,
    "fixed_quantity": QuantityType.UNITS,
    "dollar_amount": QuantityType.CASH,
    "percent_of_position": QuantityType.PERCENT_POSITION,
}
SIZES = {
    "quantity": QuantityType.UNITS,
    "lots": QuantityType.LOTS,
    "cash": QuantityType.CASH,
    "percent": QuantityType.PERCENT_EQUITY,
    "risk": QuantityType.RISK_PERCENT,
    "volume": QuantityType.UNITS,  # last: next to another size it is the bar's
}
MORE_ORDER_TYPES = ORDER_TYPES | {
    "mkt": OrderType.MARKET,
    "lmt": OrderType.LIMIT,
    "stp": OrderType.STOP,
    "stopmarket": OrderType.STOP,
    "stoplimit": OrderType.STOP_LIMIT,
    "sl": OrderType.STOP_LIMIT,
    "sl-m": OrderType.STOP,
    "sl-lmt": OrderType.STOP_LIMIT,
    "sl-mkt": OrderType.STOP,
}
SECURITY_TYPES: dict[str, Any] = {
    "stk": "equity",
    "stock": "equity",
    "equity": "equity",
    "fut": "future",
    "future": "future",
    "opt": "option",
    "option": "option",
    "ind": "index",
    "cash": "forex",
    "forex": "forex",
    "crypto": "crypto",
}
RIGHTS: dict[str, Any] = {"ce": "call", "call": "call", "c": "call", "pe": "put", "put": "put", "p": "put"}
MARGIN_MODES: dict[str, Any] = {"isolated": "isolated", "cross": "cross", "crossed": "cross"}

_NO_SIZE = frozenset({Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT, Intent.FLATTEN})


def read_objects(dialect: str, bodies: list[dict[str, Any]]) -> Reading:
    """One reading of all the objects of a message; what concerns the whole message is taken from the first."""
    said = [Roles(body) for body in bodies]
    orders = [_order(roles) for roles in said]
    kinds = {kind for kind, _ in orders}
    if len(kinds) > 1:
        raise Unreadable(
            "mixed_kinds", "the messages of one alert ask for different kinds of things; send them one by one"
        )
    return _reading(dialect, kinds.pop(), tuple(order for _, order in orders if order), said[0])


def _reading(dialect: str, kind: Kind, orders: tuple[OrderIntent, ...], said: Roles) -> Reading:
    dedupe, signal_id = said.first("dedupe"), said.value("signal_id")
    return Reading(
        dialect=dialect,
        kind=kind,
        orders=orders,
        strategy=_word(said, "strategy"),
        account=_word(said, "account"),
        bot=_word(said, "bot"),
        timestamp=_word(said, "timestamp"),
        interval=_word(said, "interval"),
        max_age_s=optional_positive(said.value("max_age"), said.first("max_age").name),
        dedupe_key=None if dedupe.value is None else dedupe.name,
        dedupe_value=None if dedupe.value is None else text(dedupe.value, dedupe.name),
        dry_run=_dry_run(said),
        secret=_word(said, "secret"),
        notify=_word(said, "note") if kind is Kind.NOTIFY else None,
        extras={"signal_id": signal_id} if isinstance(signal_id, str) else {},
    )


def _word(said: Roles, role: str) -> str | None:
    value = said.value(role)
    return text(value, role) if isinstance(value, str | Decimal) and not absent(value) else None


def _dry_run(said: Roles) -> bool | None:
    trade, test = said.first("do_trade"), said.first("dry_run")
    dry = trade.value is not None and not boolean(trade.value, trade.name)
    return True if dry or (test.value is not None and boolean(test.value, test.name)) else None


def _order(said: Roles) -> tuple[Kind, OrderIntent | None]:
    beat = said.first("heartbeat")
    if beat.value is not None and boolean(beat.value, beat.name):
        return Kind.NOTIFY, None
    if _only_target(said):
        said.refuse_weighty()
        return Kind.ORDER, _towards_target(said)
    verb, side = verb_of(said)
    if verb == NOTHING:
        return Kind.NOTIFY, None
    said.refuse_weighty()
    _refuse_leaving(said)
    if verb is Intent.CANCEL_ORDERS:
        return Kind.CANCEL, _cancel(said)
    if verb is Intent.FLATTEN and "symbol" not in said:
        return Kind.FLATTEN, OrderIntent(intent=Intent.FLATTEN, scope="all")
    if not isinstance(verb, Intent) or (verb is Intent.REVERSE and side is None):
        raise Unreadable("missing_side", f"the message says {verb} but not on which side; add long or short")
    return Kind.ORDER, _trade(said, Intent.EXIT if verb is Intent.FLATTEN else verb, side)


def _refuse_leaving(said: Roles) -> None:
    """A member nobody knows that says close or cancel may turn an entry into its opposite."""
    for name, value in said.unknown:
        if known_verb(value) in LEAVING:
            raise Unreadable("unknown_member", f"{name[:60]}: whether {shown(value)} is asked for here is not clear")


def _only_target(said: Roles) -> bool:
    """Whether the message says nothing but which position to hold."""
    named = bare_name(said.first("target").name)
    return named in ("targetposition", "netposition") and not any(role in said for role in ("action", "position"))


def _towards_target(said: Roles) -> OrderIntent:
    return OrderIntent(
        intent=Intent.TARGET_POSITION,
        target_position=number(said.value("target"), said.first("target").name),
        **_instrument(said),
        **_entry(said),
    )


def _cancel(said: Roles) -> OrderIntent:
    if "symbol" not in said:
        return OrderIntent(intent=Intent.CANCEL_ORDERS, scope="all")
    return OrderIntent(intent=Intent.CANCEL_ORDERS, scope="symbol", **_instrument(said))


def _trade(said: Roles, verb: Intent, side: Side | None) -> OrderIntent:
    entry = _entry(said)
    quantity, quantity_type = _size(said, verb)
    stop_loss, take_profit = levels(said.stops, said.targets, side, entry.get("price") or entry["signal_price"])
    if quantity_type is QuantityType.RISK_PERCENT and stop_loss is None:
        raise Unreadable("risk_needs_a_stop", f"{said.first('risk').name}: a size by risk needs a stop loss")
    meant = _verb(said, verb, side, quantity)
    if quantity_type is QuantityType.DEFAULT and meant["intent"] in _NO_SIZE:
        quantity_type = QuantityType.FULL_POSITION
    return OrderIntent(
        **_instrument(said),
        **meant,
        **entry,
        trailing=_trailing(said),
        quantity=quantity,
        quantity_type=quantity_type,
        stop_loss=stop_loss,
        take_profit=take_profit,
        time_in_force=optional_word(said.value("time_in_force"), said.first("time_in_force").name, TIME_IN_FORCE),
        product=optional_word(said.value("product"), said.first("product").name, PRODUCTS),
        leverage=optional_positive(said.value("leverage"), said.first("leverage").name),
        margin_mode=optional_word(said.value("margin_mode"), said.first("margin_mode").name, MARGIN_MODES),
        reduce_only=optional_boolean(said.value("reduce_only"), said.first("reduce_only").name),
    )


def _instrument(said: Roles) -> dict[str, Any]:
    exchange = _word(said, "exchange")
    if "con_id" in said:  # an Interactive Brokers contract: the number names it, any name is only a label
        kind = optional_word(said.value("security_type"), said.first("security_type").name, SECURITY_TYPES)
        hint = InstrumentHint(kind=kind, con_id=text(said.value("con_id"), said.first("con_id").name))
        return {"symbol_from": "con_id", "exchange": exchange, "instrument": hint}
    if "symbol" not in said:
        raise Unreadable("missing_symbol", "the message does not say what to trade; add a symbol")
    name, value = said.first("symbol")
    prefix, mark, rest = symbol(value, name).rpartition(":")
    if exchange and mark:  # two places: whoever looks the symbol up must see both
        return {"symbol": symbol(value, name), "exchange": exchange, "instrument": _option(said, rest)}
    return {"symbol": rest, "exchange": exchange or (prefix if mark else None), "instrument": _option(said, rest)}


def _option(said: Roles, underlying: str) -> InstrumentHint | None:
    """The contract, when its strike and right stand beside the symbol."""
    strike = optional_positive(said.value("strike"), said.first("strike").name)
    right = optional_word(said.value("right"), said.first("right").name, RIGHTS)
    expiry = _word(said, "expiry")
    if strike is None and right is None:
        if expiry is None:
            return None
        # Alone it may be the contract's or the order's.
        raise Unreadable("unknown_member", f"{said.first('expiry').name}: what expires then is not clear; remove it")
    return InstrumentHint(kind="option", underlying=underlying, expiry=expiry, right=right, strike=strike)


def _trailing(said: Roles) -> Trailing | None:
    """A stop that follows, if the message says whether its figure counts percent or price."""
    name, value = said.first("trailing")
    if absent(value) or value is False or value == 0:
        return None
    figure, is_percent = amount(value, name)
    plain = bare_name(name)
    if is_percent or plain.endswith(("percent", "pct")):
        return Trailing(type="trail_percent", distance=figure)
    if plain.endswith(("amount", "offset", "distance")):
        return Trailing(type="trail_offset", distance=figure)
    raise Unreadable("unknown_member", f"{name[:60]}: write a percent, or name it trailPercent or trailAmount")


def _verb(said: Roles, verb: Intent, side: Side | None, quantity: Decimal | None) -> dict[str, Any]:
    """The intent, from the positions around the order when the message has them, else from its words."""
    target = None if "target" not in said else number(said.value("target"), said.first("target").name)
    after = _claim(said, "position_after", "size_after") or _position_after(said, verb)
    before = _claim(said, "position_before", "size_before")
    if side is not None and verb is PLAIN[side]:
        stance_before = side_of(before) or _before(target, quantity, side)
        stance_after = side_of(after) or (None if target is None else stance_of(target))
        verb = intent_between(stance_before, stance_after, side)
    return {
        "intent": verb,
        "side": side or SIDE_OF.get(verb),
        "target_position": target,
        "position_after": after,
        "position_before": before,
    }


def _claim(said: Roles, stance: str, size: str) -> Any:
    return claim(said.value(stance), said.value(size), said.first(stance).name)


def _position_after(said: Roles, verb: Intent) -> Any:
    """`position` beside an action says where the strategy stands afterwards."""
    if "action" not in said or not isinstance(said.value("position"), str):
        return None
    return claim(said.value("position"), None, said.first("position").name)


def _before(target: Decimal | None, quantity: Decimal | None, side: Side) -> Stance | None:
    """Where the position stood: what is held now without what was just traded."""
    if target is None or quantity is None:
        return None
    return stance_of(target - side.sign * quantity)


OWN_SIZES = ("quantity", "lots", "cash", "percent")


def _size(said: Roles, verb: Intent) -> tuple[Decimal | None, QuantityType]:
    role = next((role for role in SIZES if role in said), None)
    member = said.first(role or "quantity")
    if role is None or (_explicit_zero(member) and verb in _NO_SIZE):
        return None, QuantityType.FULL_POSITION if verb in _NO_SIZE else QuantityType.DEFAULT
    _refuse_two(said.all(role))
    _refuse_two_kinds(said, role)
    quantity, is_percent = amount(member.value, member.name)
    if is_percent and role not in ("risk", "percent"):
        return quantity, QuantityType.PERCENT_POSITION if verb in _NO_SIZE else QuantityType.PERCENT_EQUITY
    named = optional_word(said.value("quantity_type"), said.first("quantity_type").name, QUANTITY_TYPES)
    return quantity, named or SIZES[role]


def _explicit_zero(member: Member) -> bool:
    """Whether the size is an explicit zero, with which senders of an exit mean all of it."""
    if isinstance(member.value, str) and member.value.rstrip().endswith("%"):
        return False
    return not_negative(member.value, member.name) == 0


def _refuse_two(members: list[Member]) -> None:
    if len({str(member.value) for member in members}) > 1:
        raise Unreadable("two_sizes", f"{members[0].name} and {members[1].name} differ; send only one size")


def _refuse_two_kinds(said: Roles, role: str) -> None:
    """Units, lots and money at once: nobody can say which counts. A volume or a risk beside them may be information."""
    other = next((name for name in OWN_SIZES if name != role and name in said), None)
    if role in OWN_SIZES and other:
        first, second = said.first(role).name, said.first(other).name
        raise Unreadable("two_sizes", f"{first} and {second} both say how much; send only one size")


def _entry(said: Roles) -> dict[str, Any]:
    order_type = _order_type(said)
    price, limit = said.first("price"), said.first("limit")
    if limit.value is None and order_type in NEEDS_LIMIT:
        limit, price = price, Member("price", None)
    trigger = said.first("trigger")
    if trigger.value is None and order_type is OrderType.STOP:
        trigger, price = price, Member("price", None)
    if trigger.value is not None and order_type not in NEEDS_TRIGGER and unless_zero(trigger.value, trigger.name):
        raise Unreadable(
            "ambiguous_exit", f"{trigger.name}: say order_type stop for a stop order, or name it stop_loss"
        )
    return {
        "order_type": order_type,
        "price": positive(limit.value, limit.name) if order_type in NEEDS_LIMIT else None,
        "trigger_price": positive(trigger.value, trigger.name) if order_type in NEEDS_TRIGGER else None,
        "signal_price": _signal_price(said, price),
    }


def _order_type(said: Roles) -> OrderType:
    if "order_type" in said:
        return word(
            said.value("order_type"), said.first("order_type").name, MORE_ORDER_TYPES, code="unknown_order_type"
        )
    named = (MORE_ORDER_TYPES.get(str(member.value).strip().casefold()) for member in said.all("type"))
    found = next((order_type for order_type in named if order_type), None) or type_in_verb(said)
    if found is None and unless_zero(said.value("limit"), said.first("limit").name):
        return OrderType.LIMIT
    return found or OrderType.DEFAULT


def _signal_price(said: Roles, price: Member) -> Decimal | None:
    """The price at the alert: the order's own before the bar's."""
    own = next((member for member in said.all("price") if member.name.casefold().endswith("order_price")), None)
    chosen = own if own and price.value is not None else price if price.value is not None else said.first("reference")
    return unless_zero(chosen.value, chosen.name)
