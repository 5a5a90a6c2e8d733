"""Options: the contract an offset means, chains, greeks, the future that options make."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from bridge.api.openalgo.instruments import freeze_figure
from bridge.api.openalgo.wire import Body, Call, Name, Number, Positive, Refused, Upper, Wire, misfit, plain_number
from bridge.api.openalgo.words import DerivativesExchange, Exchange
from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight, expiry_code
from bridge.market import black76
from bridge.market.base import Quote
from bridge.market.chain import Chain, ChainSide, OptionBoard
from bridge.market.contracts import cash_exchanges
from bridge.market.sessions import IST
from bridge.market.valuation import OptionGreeks, Terms, forward_of
from bridge.market.view import ExpiryNeeded, NoPrice, NotAnOption, OffsetOutOfRange, OptionsError, base_of

T = TypeVar("T")

RIGHTS = {"CE": OptionRight.CALL, "PE": OptionRight.PUT}
_WORDS = {right: word for word, right in RIGHTS.items()}
_UNANSWERED = (OptionsError, black76.BadFigure, black76.NoVolatility)
_MEMBER: Mapping[type[Exception], str] = {  # whose fault it is that there is no answer
    ExpiryNeeded: "expiry_date",
    OffsetOutOfRange: "offset",
    NotAnOption: "symbol",
}


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _expiry(value: Any) -> date | None:
    """A day as `30DEC25`, or as `30-DEC-25`, the way expiries are listed; None for an empty text."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"\d\d(-?)[A-Za-z]{3}\1\d\d", value.strip()):
        try:
            return datetime.strptime(value.strip().replace("-", ""), "%d%b%y").replace(tzinfo=UTC).date()
        except ValueError:
            raise ValueError("expected a day that the calendar has, as DDMMMYY") from None
    raise ValueError("expected a day as DDMMMYY, such as 30DEC25")


def _hour(value: Any) -> time | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value.strip()):
        return time.fromisoformat(value.strip())
    raise ValueError("expected a time of day as HH:MM, such as 15:30")


Expiry = Annotated[
    date | None, BeforeValidator(_expiry), WithJsonSchema({"type": ["string", "null"], "examples": ["30DEC25"]})
]
Hour = Annotated[
    time | None, BeforeValidator(_hour), WithJsonSchema({"type": ["string", "null"], "examples": ["15:30"]})
]
OptionType = Annotated[Literal["CE", "PE"], BeforeValidator(_upper)]


class OnUnderlying(Body):
    """Options on a name. `underlying` may be a contract's symbol, such as NIFTY30DEC25FUT: it then says the expiry too."""

    underlying: Upper
    exchange: Exchange
    expiry_date: Expiry = None


class OptionSymbol(OnUnderlying):
    """An option by its distance from the money. `strike_int` and `strategy` are of older clients and mean nothing."""

    offset: Upper
    option_type: OptionType
    strike_int: Number | None = None
    strategy: Name | None = None


class OptionChain(OnUnderlying):
    """Strikes around the money: so many on each side, or all."""

    strike_count: Annotated[Number, Field(ge=1, le=100, multiple_of=1)] | None = None
    with_greeks: bool = False
    interest_rate: Annotated[Number, Field(ge=0, le=100)] = Decimal(0)


class Priced(Body):
    """One option, and what it is held against if not the usual."""

    symbol: Upper
    exchange: DerivativesExchange
    underlying_symbol: Upper | None = None
    underlying_exchange: Exchange | None = None


class Figures(Body):
    """What options are valued with: `interest_rate` in percent a year, `expiry_time` by the exchange's clock."""

    interest_rate: Number = Decimal(0)
    expiry_time: Hour = None


class GreeksOf(Priced, Figures):
    """One option and the figures it is valued with."""

    forward_price: Positive | None = None


class GreeksOfMany(Figures):
    """Up to 50 options, valued with the same figures."""

    symbols: Annotated[list[Priced], Field(min_length=1, max_length=50)]


class Boards:
    """Asking what the market shows of options."""

    def __init__(self, wire: Wire) -> None:
        self._ports = wire.ports
        self._turn = asyncio.Lock()

    async def say(self, question: Callable[[OptionBoard], T]) -> T:
        """The answer at this moment. Raises `Refused`, or `ValidationError` when a member of the body is to blame.

        A long chain takes a tenth of a second: too long for the event loop. One is made at a time, so that they never
        take all the threads that the database is read in.
        """
        async with self._turn:
            board = OptionBoard(self._ports.market, self._ports.clock.now(), self._ports.calendar)
            try:
                return await asyncio.to_thread(question, board)
            except _UNANSWERED as problem:
                if member := _MEMBER.get(type(problem)):
                    raise misfit(member, str(problem)) from None
                raise Refused(404 if isinstance(problem, OptionsError) else 400, str(problem)) from None


def add(wire: Wire) -> None:
    """The endpoints of this module."""
    boards = Boards(wire)

    async def optionsymbol(call: Call, body: OptionSymbol) -> Mapping[str, Any]:
        """The option so many listed strikes from the money (`offset` ATM, ITM1 to ITM50, OTM1 to OTM50)."""
        return await boards.say(lambda board: _chosen(board, body))

    async def optionchain(call: Call, body: OptionChain) -> Mapping[str, Any]:
        """The options of an expiry, by strike; prices are 0 where nobody quotes, greeks null where no model gives them.

        `expiry_ts` and `server_ts` are epoch seconds, quantities are in units, `implied_volatility` in percent.
        """
        return await boards.say(lambda board: _chain(board, body))

    async def optiongreeks(call: Call, body: GreeksOf) -> Mapping[str, Any]:
        """Volatility (percent) and greeks of an option at its last price, by Black-76 on `forward_price`.

        Theta is of a calendar day, vega and rho of one percentage point. A price without time value has volatility 0, the
        greeks of a certain exercise, and a `note`.
        """
        return await boards.say(lambda board: _greeks(board, body, body, body.forward_price))

    async def multioptiongreeks(call: Call, body: GreeksOfMany) -> Mapping[str, Any]:
        """Greeks of up to 50 options; one without an answer says why in its place."""
        found = await boards.say(lambda board: [_greeks_or_why(board, each, body) for each in body.symbols])
        succeeded = sum(each["status"] == "success" for each in found)
        summary = {"total": len(found), "success": succeeded, "failed": len(found) - succeeded}
        return {"data": found, "summary": summary}

    async def syntheticfuture(call: Call, body: OnUnderlying) -> Mapping[str, Any]:
        """What a future costs that is made of the call bought and the put sold at the money."""
        return await boards.say(lambda board: _synthetic(board, body))

    wire.post("optionsymbol", OptionSymbol, optionsymbol, fault="Validation error")
    wire.post("optionchain", OptionChain, optionchain, fault="Validation error")
    wire.post("syntheticfuture", OnUnderlying, syntheticfuture, fault="Validation error")
    wire.post("optiongreeks", GreeksOf, optiongreeks, pace="greeks", fault="Validation failed")
    wire.post("multioptiongreeks", GreeksOfMany, multioptiongreeks, pace="greeks", fault="Validation failed")


# -- asking -------------------------------------------------------------------------------------------------------


def _chosen(board: OptionBoard, body: OptionSymbol) -> dict[str, Any]:
    right = RIGHTS[body.option_type]
    found = board.option(body.exchange, body.underlying, body.expiry_date, right, body.offset)
    return {
        "symbol": found.option.symbol,
        "exchange": found.option.exchange,
        **_steps(found.option),
        "freeze_qty": freeze_figure(found.option, board.moment.astimezone(IST).date()),
        "underlying_ltp": plain_number(found.underlying_quote.last),
    }


def _chain(board: OptionBoard, body: OptionChain) -> dict[str, Any]:
    each_side = None if body.strike_count is None else int(body.strike_count)
    terms = Terms(interest_rate=float(body.interest_rate))
    where = (body.exchange, body.underlying, body.expiry_date)
    chain = board.chain(*where, each_side, terms if body.with_greeks else None)
    forward = chain.forward or forward_of(board, _any_option(chain), terms)
    return {
        "underlying": chain.underlying,
        "underlying_ltp": plain_number(chain.underlying_quote.last),
        "underlying_prev_close": plain_number(chain.underlying_quote.previous_close),
        "expiry_date": expiry_code(chain.expiry),
        "expiry_ts": int(chain.expires_at.timestamp()),
        "server_ts": int(board.moment.timestamp()),
        "atm_strike": plain_number(chain.atm_strike),
        "quotes_included": True,
        "greeks_included": body.with_greeks,
        "forward_price": forward.price,
        "chain": [
            {
                "strike": plain_number(row.strike),
                "ce": _side(row.call, body.with_greeks),
                "pe": _side(row.put, body.with_greeks),
            }
            for row in chain.rows
        ],
    }


def _greeks(board: OptionBoard, which: Priced, figures: Figures, forward: Decimal | None = None) -> dict[str, Any]:
    terms = Terms(
        interest_rate=float(figures.interest_rate),
        forward=forward,
        underlying=_held_against(board, which),
        expiry_time=figures.expiry_time,
    )
    return _written(board.greeks(which.exchange, which.symbol, terms))


def _greeks_or_why(board: OptionBoard, which: Priced, figures: Figures) -> dict[str, Any]:
    try:
        return {"status": "success", **_greeks(board, which, figures)}
    except _UNANSWERED as problem:
        return {"status": "error", "symbol": which.symbol, "exchange": which.exchange, "message": str(problem)}


def _synthetic(board: OptionBoard, body: OnUnderlying) -> dict[str, Any]:
    found = board.synthetic_future(body.exchange, body.underlying, body.expiry_date)
    return {
        "underlying": found.underlying,
        "underlying_ltp": plain_number(found.underlying_quote.last),
        "expiry": expiry_code(found.expiry),
        "atm_strike": plain_number(found.atm_strike),
        "synthetic_future_price": plain_number(found.price),
    }


def _held_against(board: OptionBoard, body: Priced) -> Instrument | None:
    """The instrument the body names as the underlying; None when it names none. Raises NoPrice when it is not listed."""
    if body.underlying_symbol is None and body.underlying_exchange is None:
        return None
    symbol = body.underlying_symbol or base_of(body.symbol)
    usual = (*cash_exchanges(body.exchange), body.exchange)
    exchanges = (body.underlying_exchange,) if body.underlying_exchange else usual
    for exchange in exchanges:
        found = board.market.instrument(exchange, symbol)
        if found is not None and found.kind is not InstrumentKind.OPTION:
            return found
    raise NoPrice(f"{symbol} is not listed on {' or '.join(exchanges)} as anything that options are written on.")


# -- writing ------------------------------------------------------------------------------------------------------


def _any_option(chain: Chain) -> Instrument:
    """What is asked of it is the same of all of them."""
    return next(side.option for row in chain.rows for side in (row.call, row.put) if side)


def _steps(option: Instrument) -> dict[str, Any]:
    return {"lotsize": plain_number(option.lot_size), "tick_size": plain_number(option.tick_size)}


def _side(side: ChainSide | None, with_greeks: bool) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "symbol": side.option.symbol,
        "label": side.label,
        **_quoted(side.quote),
        **_steps(side.option),
        **(_sensitivities(side.value) if with_greeks else {}),
    }


def _quoted(quote: Quote | None) -> dict[str, Any]:
    """The prices of an option; no market here counts open interest."""
    if quote is None:
        names = ("ltp", "bid", "ask", "bid_qty", "ask_qty", "open", "high", "low", "prev_close", "volume", "oi")
        return dict.fromkeys(names, 0)
    return {
        "ltp": plain_number(quote.last),
        "bid": plain_number(quote.bid),
        "ask": plain_number(quote.ask),
        "bid_qty": plain_number(quote.bids[0].quantity) if quote.bids else 0,
        "ask_qty": plain_number(quote.asks[0].quantity) if quote.asks else 0,
        "open": plain_number(quote.open),
        "high": plain_number(quote.high),
        "low": plain_number(quote.low),
        "prev_close": plain_number(quote.previous_close),
        "volume": plain_number(quote.volume),
        "oi": 0,
    }


def _sensitivities(value: OptionGreeks | None) -> dict[str, float | None]:
    if value is None:
        return dict.fromkeys(("implied_volatility", "delta", "gamma", "theta", "vega"))
    greeks = value.greeks
    return {
        "implied_volatility": value.implied_volatility or 0.0,
        "delta": greeks.delta,
        "gamma": greeks.gamma,
        "theta": greeks.theta,
        "vega": greeks.vega,
    }


def _written(value: OptionGreeks) -> dict[str, Any]:
    option, greeks = value.option, value.greeks
    if option.strike is None or option.right is None or option.expiry is None:
        raise NotAnOption(f"{option.key} is no option.")
    return {
        "symbol": option.symbol,
        "exchange": option.exchange,
        "underlying": base_of(option.symbol),
        "strike": plain_number(option.strike),
        "option_type": _WORDS[option.right],
        "expiry_date": option.expiry.strftime("%d-%b-%Y"),
        "days_to_expiry": value.forward.days,
        "spot_price": plain_number(value.forward.underlying_price),
        "forward_price": value.forward.price,
        "option_price": plain_number(value.price),
        "interest_rate": value.interest_rate,
        "implied_volatility": value.implied_volatility or 0.0,
        "greeks": {
            "delta": greeks.delta,
            "gamma": greeks.gamma,
            "theta": greeks.theta,
            "vega": greeks.vega,
            "rho": greeks.rho,
        },
        "intrinsic_value": plain_number(value.intrinsic_value),
        "time_value": plain_number(value.time_value),
        **({"note": value.note} if value.note else {}),
    }
