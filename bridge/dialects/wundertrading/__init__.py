"""WunderTrading's signal bot: JSON around the bot's own comment, or only that comment as text.

Source: https://help.wundertrading.com/en/articles/10475473. Percentages are fractions here (0.02 is 2 percent), and the
symbol is the bot's. The comments are exact; the bot's settings may have other ones, in `codes` (comment to verb).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.levels import ORDER_TYPES, fraction_as_percent, level
from bridge.dialects.families.positions import SIDE_OF
from bridge.dialects.families.values import (
    HUNDRED,
    absent,
    object_of,
    objects_of,
    optional_boolean,
    optional_positive,
    optional_word,
    shown,
    text,
    unless_zero,
    word,
)
from bridge.domain.intent import Intent, Kind, Level, OrderIntent, OrderType, QuantityType, Reading

CODES = {
    "Enter-Long": Intent.ENTER_LONG,
    "Enter-Short": Intent.ENTER_SHORT,
    "Exit-Long": Intent.EXIT_LONG,
    "Exit-Short": Intent.EXIT_SHORT,
    "Exit-All": Intent.FLATTEN,
}
AMOUNT_TYPES = {
    "quote": QuantityType.QUOTE,
    "$": QuantityType.CASH,
    "base": QuantityType.BASE,
    "percents": QuantityType.PERCENT_EQUITY,
    "contracts": QuantityType.CONTRACTS,
}

_EXITS = frozenset({Intent.EXIT_LONG, Intent.EXIT_SHORT})
_BESIDE = frozenset(
    {"orderType", "amountPerTrade", "amountPerTradeType", "takeProfits", "takeProfit", "stopLoss", "reduceOnly"}
    | {"placeConditionalOrdersOnExchange"}
)
# The bot proposes comments of this shape: ENTER-LONG_exchange_pair_name_timeframe_id
_PROPOSED = re.compile(r"(ENTER|EXIT)-(LONG|SHORT|ALL)(?:_[\w .+-]{0,200})?", re.ASCII)


def _recognise(message: Message) -> str | None:
    body = message.json
    if isinstance(body, dict):
        code = body.get("code")
        ours = isinstance(code, str) and (_BESIDE & body.keys() or _known(code, {}))
        return "it has a bot's code" if ours else None
    if body is None and message.text.title() in CODES:
        return "it is one of the bot's comments"
    return "it is a comment that the bot proposes" if body is None and _known(message.text, {}) else None


def _read(message: Message, context: Context) -> Reading:
    lone = message.json is None
    body = {"code": message.text} if lone else object_of(message.json)
    code = text(body.get("code"), "code")
    codes = context.settings.get("codes")
    intent = _known(code, codes if isinstance(codes, Mapping) else {})
    if intent is None:
        raise Unreadable(
            "unknown_code", f'code: "{shown(code)}" is none of this bot\'s comments; they are exact, capitals included'
        )
    return Reading(dialect=DIALECT.name, kind=Kind.ORDER, orders=(_order(body, intent),), extras={"code": code})


def _known(code: str, settings: Mapping[str, str]) -> Intent | None:
    if code in settings:
        return Intent(settings[code])
    proposed = _PROPOSED.fullmatch(code)
    return CODES.get(f"{proposed[1].title()}-{proposed[2].title()}" if proposed else code)


def _order(body: dict[str, Any], intent: Intent) -> OrderIntent:
    entry = _entry(body)
    if intent is Intent.FLATTEN:
        return OrderIntent(intent=intent, scope="bot", symbol_from="bot settings", order_type=entry["order_type"])
    quantity, quantity_type = _size(body, intent)
    return OrderIntent(
        intent=intent,
        symbol_from="bot settings",
        side=SIDE_OF[intent],
        quantity=quantity,
        quantity_type=quantity_type,
        **entry,
        take_profit=_take_profits(body.get("takeProfit") if absent(body.get("takeProfits")) else body["takeProfits"]),
        stop_loss=None if absent(body.get("stopLoss")) else _level(object_of(body["stopLoss"], "stopLoss"), "stopLoss"),
        reduce_only=optional_boolean(body.get("reduceOnly"), "reduceOnly"),
        leverage=optional_positive(body.get("leverage"), "leverage"),
    )


def _entry(body: dict[str, Any]) -> dict[str, Any]:
    order_type = optional_word(body.get("orderType"), "orderType", ORDER_TYPES) or OrderType.DEFAULT
    price = unless_zero(body.get("price"), "price")
    return {"order_type": order_type} | ({"price": price} if order_type is OrderType.LIMIT else {"signal_price": price})


def _size(body: dict[str, Any], intent: Intent) -> tuple[Any, QuantityType]:
    amount = unless_zero(body.get("amountPerTrade"), "amountPerTrade")
    if amount is None:
        return None, QuantityType.FULL_POSITION if intent in _EXITS else QuantityType.DEFAULT
    kind = word(body.get("amountPerTradeType"), "amountPerTradeType", AMOUNT_TYPES)
    if kind is not QuantityType.PERCENT_EQUITY:
        return amount, kind
    # The documentation writes fractions up to 1, but users also write whole percents.
    return amount * HUNDRED if amount <= 1 else amount, kind


def _take_profits(block: Any) -> tuple[Level, ...]:
    if absent(block) or block == []:
        return ()
    steps = [_step(part) for part in objects_of(block, "takeProfits")]
    portions = [step.portion_percent for step in steps if step.portion_percent is not None]
    if portions and sum(portions) != HUNDRED:
        raise Unreadable("portions_do_not_add_up", "takeProfits: the portfolio of all targets must add up to 1")
    return tuple(steps)


def _step(part: dict[str, Any]) -> Level:
    found = _level(part, "takeProfits")
    portion = fraction_as_percent(part.get("portfolio"), "takeProfits portfolio")
    return Level(type=found.type, value=found.value, portion_percent=portion)


def _level(part: dict[str, Any], name: str) -> Level:
    if found := level("price", part.get("price"), f"{name} price"):
        return found
    deviation = fraction_as_percent(part.get("priceDeviation"), f"{name} priceDeviation")
    if deviation is None:
        raise Unreadable("missing_member", f"{name}: needs a price or a priceDeviation")
    return Level(type="percent", value=deviation)


DIALECT = Dialect(name="wundertrading", title="WunderTrading", rank=30, recognise=_recognise, read=_read)
