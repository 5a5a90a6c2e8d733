"""AlgoTest trade signals: `TICKER buy|sell QTY`, several with commas, https://docs.algotest.in/signals/trade-signals."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.pairs import is_text
from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import InstrumentHint, Kind, OrderIntent, QuantityType, Reading, Side

_TRADE = re.compile(r"([A-Z0-9][A-Z0-9&_.!:-]{0,40})[ \t]+(buy|sell)[ \t]+(\S{1,48})", re.IGNORECASE)
_CAPITALS = re.compile(r"[A-Z0-9&_.!:-]+")
_OPTION = re.compile(r"([A-Z&-]{1,20})(\d{6})([CP])(\d{1,7}(?:\.\d{1,2})?)")
_FUTURE = re.compile(r"([A-Z&-]{1,20})([12])!")
_MONTHS = {"1": "+0 months", "2": "+1 months"}


def recognise(message: Message) -> str | None:
    """It begins with a ticker in capitals, buy or sell, and something with a digit."""
    if not is_text(message):
        return None
    found = _TRADE.fullmatch(message.text.split(",", 1)[0].strip())
    if not found or not _CAPITALS.fullmatch(found[1]) or not any(mark.isdigit() for mark in found[3]):
        return None
    return f'"{found[0]}" is ticker, side and quantity'


def read(message: Message, context: Context) -> Reading:
    """The trades in order; market or limit is a setting of the signal."""
    parts = [part.strip() for part in re.split("[,\n]", message.text) if part.strip()]
    moves.refuse_many(len(parts))
    return Reading(dialect=DIALECT.name, kind=Kind.ORDER, orders=tuple(map(_order, parts)))


def _order(part: str) -> OrderIntent:
    found = _TRADE.fullmatch(part)
    if not found:
        raise Unreadable("bad_trade", f'expected TICKER buy|sell QTY, was "{values.shown(part)}"')
    ticker, side = values.symbol(found[1]), Side(found[2].casefold())
    contract = _contract(ticker.upper())
    # The page does not say whether a derivative's quantity counts lots or units.
    unit = QuantityType.UNITS if contract.kind == "equity" else QuantityType.SETTING
    return OrderIntent(
        intent=PLAIN[side],
        symbol=ticker,
        side=side,
        quantity=values.positive(found[3], "quantity"),
        quantity_type=unit,
        instrument=contract,
    )


def _contract(ticker: str) -> InstrumentHint:
    if found := _FUTURE.fullmatch(ticker):
        return InstrumentHint(kind="future", underlying=found[1], expiry=_MONTHS[found[2]])
    found = _OPTION.fullmatch(ticker)
    if not found:
        return InstrumentHint(kind="equity")
    return InstrumentHint(
        kind="option",
        underlying=found[1],
        expiry=_expiry(found[2], ticker).isoformat(),
        right="call" if found[3] == "C" else "put",
        strike=Decimal(found[4]),
    )


def _expiry(digits: str, ticker: str) -> date:
    try:
        return date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        raise Unreadable("bad_expiry", f'{ticker}: "{digits}" is no date; the expiry is written yyMMdd') from None


DIALECT = Dialect(name="algotest", title="AlgoTest trade signals", rank=30, recognise=recognise, read=read)
