"""AlgoWay's JSON for MetaTrader, brokers and crypto exchanges. https://docs.algoway.trade/docs/tradingview/json-schema"""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import level, some
from bridge.dialects.families.positions import LEAVE, PLAIN, SIDE_OF, STANCES
from bridge.dialects.families.values import (
    ZERO,
    absent,
    object_of,
    optional_positive,
    optional_text,
    optional_word,
    positive,
    symbol,
    unless_zero,
    word,
)
from bridge.domain.intent import (
    BreakEven,
    Intent,
    Kind,
    Level,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
    Trailing,
)

ACTIONS = {
    "buy": Intent.BUY,
    "long": Intent.BUY,
    "sell": Intent.SELL,
    "short": Intent.SELL,
    "flat": Intent.EXIT,
    "close": Intent.EXIT,
    "closeall": Intent.EXIT,
    "breakeven": Intent.MODIFY_POSITION,
    "modify": Intent.MODIFY_POSITION,
}
ORDER_TYPES = {"market": OrderType.MARKET, "limit": OrderType.LIMIT, "stop": OrderType.STOP}
TRADE_TYPES = {name: name for name in ("hedge", "netting", "reverse", "opposite", "inverse")}
# hedge keeps the opposite position, opposite closes it first; the others leave that to the account.
CLOSES_OPPOSITE = {"hedge": False, "opposite": True}
CLOSE_SIDES = {name: STANCES[name] for name in ("long", "buy", "short", "sell")}
COUNTS_LOTS = frozenset(
    {"metatrader4", "metatrader5", "mt4", "mt5", "ctrader", "tradelocker", "matchtrader", "match-trader", "dxtrade"}
)
SIZES = ("volume", "order_contracts", "qty")

# With one of these the body is a strategy's own object, not AlgoWay's.
_FOREIGN = frozenset(
    {"passphrase", "bar", "order_price", "market_position", "prev_market_position", "position_size", "strategy"}
    | {"contracts", "quantity", "size", "amount", "lots", "shares"}
)


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict) and "order_action" in body and ("platform_name" in body or not _FOREIGN & body.keys()):
        return "it has an order_action"
    return None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    action = word(body.get("order_action"), "order_action", ACTIONS, code="unknown_action")
    platform = optional_text(body.get("platform_name"), "platform_name")
    trade_type = optional_word(body.get("trade_type"), "trade_type", TRADE_TYPES)
    said = {"symbol": _symbol(body), "tag": _comment(body), "extras": {"trade_type": trade_type} if trade_type else {}}
    if action is Intent.MODIFY_POSITION:
        order = _change(body, said)
    elif action is Intent.EXIT:
        order = _exit(body, said)
    else:
        order = _entry(body, SIDE_OF[action], platform, trade_type, said)
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.MODIFY if action is Intent.MODIFY_POSITION else Kind.ORDER,
        orders=(order,),
        extras={"broker": platform} if platform else {},
    )


def _symbol(body: dict[str, Any]) -> str:
    name = "symbol" if absent(body.get("ticker")) else "ticker"
    return symbol(body.get(name), name)


def _comment(body: dict[str, Any]) -> str | None:
    said = body.get("comment")
    return said if isinstance(said, str) and said else None


def _exit(body: dict[str, Any], said: dict[str, Any]) -> OrderIntent:
    """Closes all of the symbol, or of one side of it; a size beside it limits nothing."""
    one_side = optional_word(body.get("close_side"), "close_side", CLOSE_SIDES, code="unknown_side")
    intent = LEAVE[one_side] if one_side else Intent.EXIT
    return OrderIntent(
        intent=intent,
        side=SIDE_OF.get(intent),
        quantity_type=QuantityType.FULL_POSITION,
        order_type=OrderType.MARKET,
        scope="symbol",
        **said,
    )


def _change(body: dict[str, Any], said: dict[str, Any]) -> OrderIntent:
    if str(body["order_action"]).strip().casefold() == "breakeven":
        return OrderIntent(intent=Intent.MODIFY_POSITION, break_even=BreakEven(trigger=ZERO, unit="points"), **said)
    take_profit, stop_loss, trailing = _level(body, "tp_price", "take_profit"), _stop_loss(body), _trailing(body)
    if not (take_profit or stop_loss or trailing):
        raise Unreadable(
            "missing_member", "modify needs a new stop or target: sl_price, stop_loss, tp_price or take_profit"
        )
    return OrderIntent(
        intent=Intent.MODIFY_POSITION, take_profit=some(take_profit), stop_loss=stop_loss, trailing=trailing, **said
    )


def _entry(
    body: dict[str, Any], side: Side, platform: str | None, trade_type: str | None, said: dict[str, Any]
) -> OrderIntent:
    side = side.opposite if trade_type == "inverse" else side
    quantity, quantity_type = _size(body, platform)
    return OrderIntent(
        intent=PLAIN[side],
        side=side,
        quantity=quantity,
        quantity_type=quantity_type,
        **_prices(body),
        take_profit=some(_level(body, "tp_price", "take_profit")),
        stop_loss=_stop_loss(body),
        trailing=_trailing(body),
        close_opposite=CLOSES_OPPOSITE.get(trade_type or ""),
        **said,
    )


def _size(body: dict[str, Any], platform: str | None) -> tuple[Any, QuantityType]:
    sent = next((name for name in SIZES if not absent(body.get(name))), "order_contracts")
    lots = sent == "volume" or (platform or "").casefold() in COUNTS_LOTS
    return positive(body.get(sent), sent), QuantityType.LOTS if lots else QuantityType.CONTRACTS


def _prices(body: dict[str, Any]) -> dict[str, Any]:
    order_type = optional_word(body.get("order_type"), "order_type", ORDER_TYPES) or OrderType.MARKET
    if order_type is OrderType.MARKET:
        return {"order_type": order_type, "signal_price": optional_positive(body.get("price"), "price")}
    member = "price" if order_type is OrderType.LIMIT else "trigger_price"
    return {"order_type": order_type, member: positive(body.get("price"), "price")}


def _stop_loss(body: dict[str, Any]) -> Level | None:
    return _level(body, "sl_price", "stop_loss")


def _level(body: dict[str, Any], absolute: str, distance: str) -> Level | None:
    """The absolute price wins over the distance in points."""
    at, away = level("price", body.get(absolute), absolute), level("points", body.get(distance), distance)
    return at or away


def _trailing(body: dict[str, Any]) -> Trailing | None:
    if pips := unless_zero(body.get("trailing_pips"), "trailing_pips"):
        return Trailing(type="pips", distance=pips, step=pips)  # one figure serves as both
    if step := unless_zero(body.get("trailing_step"), "trailing_step"):
        return Trailing(type="setting", step=step)
    return None


DIALECT = Dialect(name="algoway", title="AlgoWay", rank=30, recognise=_recognise, read=_read)
