"""`key|strategy|buy or sell|ticker[|market position[|previous position]]`, or `action|ticker|price`.

Source: github.com/bitcoinvsalts/tradingview-alert-binance-trader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.pairs import is_text, items
from bridge.dialects.families.positions import ENTER, LEAVE, PLAIN, STANCES, TOWARDS, claim, intent_between
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, PositionClaim, QuantityType, Reading, Side

_ENTRIES: Mapping[str, tuple[Side, Intent]] = {
    "buy": (Side.BUY, PLAIN[Side.BUY]),
    "sell": (Side.SELL, PLAIN[Side.SELL]),
    "long": (Side.BUY, Intent.ENTER_LONG),
    "short": (Side.SELL, Intent.ENTER_SHORT),
}
_CLOSES: Mapping[str, Literal["long", "short", "both"]] = {
    **dict.fromkeys(("close", "exit", "flat"), "both"),
    **dict.fromkeys(("close_long", "closelong", "exit_long"), "long"),
    **dict.fromkeys(("close_short", "closeshort", "exit_short"), "short"),
}
_ACTIONS = frozenset({*_ENTRIES, *_CLOSES})
_WORD = re.compile(r"[A-Za-z_]{3,12}")
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9.:/!&_-]{2,31}")
_PRICE = re.compile(r"[\d.,]{1,32}")


def recognise(message: Message) -> str | None:
    """Items between `|`, with the action first of three or third of four and more; it may be misspelt."""
    if not is_text(message) or "|" not in message.text or "=" in message.text or "\n" in message.text:
        return None
    said = [item.strip() for item in message.text.split("|", 8)]
    place = 0 if len(said) <= 3 else 2
    known = said[place].casefold() in (_ENTRIES if place else _ACTIONS)
    if known or (_WORD.fullmatch(said[place]) and _TICKER.fullmatch(said[place + 1]) and _shaped(said, place)):
        return f'"{values.shown(said[place])}" stands {"third" if place else "first"} between bars'
    return None


def _shaped(said: list[str], place: int) -> bool:
    """Whether what stands behind the ticker is what this grammar has there."""
    behind = said[place + 2 :]
    if not place:
        return len(behind) == 1 and bool(_PRICE.fullmatch(behind[0]))
    return 0 < len(behind) <= 2 and all(item.casefold() in STANCES for item in behind)


def read(message: Message, context: Context) -> Reading:
    """One order. Without a market position the side alone counts."""
    said = items(message.text, "|", 2, "key|strategy|side|ticker")
    if len(said) <= 3:
        return _short(said)
    if not 4 <= len(said) <= 6:
        raise Unreadable("bad_items", "expected key|strategy|side|ticker, the position and at most the one before")
    key, strategy, action, ticker, *positions = said
    after, before = (claim(word, None, "market position") for word in (*positions, "", "")[:2])
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.ORDER,
        orders=(_order(action.casefold(), ticker, before, after),),
        strategy=strategy or None,
        secret=key or None,
    )


def _order(action: str, ticker: str, before: PositionClaim | None, after: PositionClaim | None) -> OrderIntent:
    side, intent = values.word(action, "side", _ENTRIES, code="unknown_side")
    if before or (after and after.side == "flat"):
        intent = intent_between(before.side if before else None, after.side if after else None, side)
    elif after and after.side == TOWARDS[side]:
        intent = ENTER[after.side]
    leaves = intent in LEAVE.values() and (after is None or after.side == "flat")
    return OrderIntent(
        intent=intent,
        symbol=values.symbol(ticker, "ticker"),
        side=side,
        quantity_type=QuantityType.FULL_POSITION if leaves else QuantityType.DEFAULT,
        position_before=before,
        position_after=after,
        sentiment_after=after.side if after else None,
    )


def _short(said: list[str]) -> Reading:
    action, ticker = said[0].casefold(), values.symbol(said[1], "ticker")
    price = values.unless_zero(said[2], "price") if len(said) > 2 else None
    if action in _CLOSES:
        order = moves.leave(_CLOSES[action], symbol=ticker, signal_price=price, order_type=OrderType.DEFAULT)
    else:
        side, intent = values.word(action, "action", _ENTRIES, code="unknown_side")
        order = OrderIntent(intent=intent, symbol=ticker, side=side, signal_price=price)
    return Reading(dialect=DIALECT.name, kind=moves.kind_of([order]), orders=(order,))


DIALECT = Dialect(name="pipe_bva", title="Items between bars (BVA)", rank=30, recognise=recognise, read=read)
