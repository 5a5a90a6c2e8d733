"""Orders for options by their distance from the money: the contract is found here, the order goes the way of every order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from bridge.api.openalgo.baskets import buys_first
from bridge.api.openalgo.options import RIGHTS, Expiry, OptionType
from bridge.api.openalgo.orders import Desk, Traded, Whole, refuse_many
from bridge.api.openalgo.wire import Body, Call, Name, Refused, Upper, Wire, plain_number
from bridge.api.openalgo.words import Exchange
from bridge.api.ports import Ports
from bridge.domain.intent import OrderIntent
from bridge.market.chain import ChosenOption, OptionBoard
from bridge.market.contracts import is_live
from bridge.market.view import NoStrikes, OptionsError, base_of
from bridge.orders.placing import Placed

MOST_LEGS = 20
_OPTION = "option"  # in the extras of an intent: what the reply says of the contract, so that a repeated request is told the same


def _offset(value: str) -> str:
    if not re.fullmatch(r"ATM|[IO]TM([1-9]|[1-4]\d|50)", value):
        raise ValueError("expected ATM, ITM1 to ITM50 or OTM1 to OTM50")
    return value


class OptionTerms(Traded):
    """An option by its distance from the money, and how it is to trade."""

    offset: Annotated[Upper, AfterValidator(_offset)]
    option_type: OptionType
    quantity: Annotated[Whole, Field(ge=1)]
    product: Literal["MIS", "NRML"] = "MIS"
    expiry_date: Expiry = None
    splitsize: Annotated[Whole, Field(ge=0)] = Decimal(0)


class OptionsOrder(OptionTerms):
    """One option of an underlying. `strike_int` is not used: strikes are those that are listed."""

    strategy: Name
    underlying: Upper
    exchange: Exchange
    strike_int: Any = None


class OptionsMultiOrder(Body):
    """Up to 20 options of one underlying."""

    strategy: Name
    underlying: Upper
    exchange: Exchange
    legs: Annotated[tuple[OptionTerms, ...], Field(min_length=1, max_length=MOST_LEGS)]
    expiry_date: Expiry = None
    strike_int: Any = None


class Finder:
    """Finds options, beside the event loop as `options.py` does: a market may have a long list to look through."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def options(
        self, underlying: str, exchange: str, legs: Sequence[OptionTerms], expiry: date | None = None
    ) -> Sequence[ChosenOption | OptionsError]:
        """For each leg the option that it means, or why there is none; a leg's own expiry goes before the request's."""
        board = OptionBoard(self._ports.market, self._ports.clock.now(), self._ports.calendar)

        def one(terms: OptionTerms) -> ChosenOption | OptionsError:
            right, day = RIGHTS[terms.option_type], terms.expiry_date or expiry
            try:
                found = board.option(exchange, underlying, day, right, terms.offset)
            except OptionsError as problem:
                return problem
            if not is_live(found.option, board.moment, board.calendar):
                return NoStrikes(f"{found.option.symbol} can no longer be traded.")
            return found

        return await asyncio.to_thread(lambda: [one(terms) for terms in legs])


def add(wire: Wire, desk: Desk) -> None:
    """The endpoints of this module."""
    finder = Finder(wire.ports)

    async def optionsorder(call: Call, body: OptionsOrder) -> Mapping[str, Any]:
        """Place an order for the option that lies `offset` listed strikes from the money."""
        (found,) = await finder.options(body.underlying, body.exchange, [body])
        if isinstance(found, OptionsError):
            raise _not_found(found)
        _refuse_pieces([body])
        wish = _wish(body, body.underlying, found, {})
        placed = await desk.submit(call, "optionsorder", body.strategy, [wish])
        told = {**_contract(_taken(placed, [wish])[0]), "offset": body.offset, "option_type": body.option_type}
        if not body.splitsize or not placed.orders:
            return wire.marked(call, {**desk.result(placed), **told})
        return desk.legs(call, placed, desk.pieces(placed), **told, **_sizes(body))

    async def optionsmultiorder(call: Call, body: OptionsMultiOrder) -> Mapping[str, Any]:
        """Place up to 20 options of one underlying. Each leg stands for itself and is answered for itself.

        A sell that opens a position is sent when every buy has been answered; nothing is taken back when a leg fails.
        """
        _refuse_pieces(body.legs)
        found = await finder.options(body.underlying, body.exchange, body.legs, body.expiry_date)
        failed = {place: problem for place, problem in enumerate(found) if isinstance(problem, OptionsError)}
        if len(failed) == len(body.legs):
            results = [_refused_leg(leg, place, str(failed[place])) for place, leg in enumerate(body.legs)]
            raise _not_found(failed[0], results=results)
        told = {str(place): str(problem) for place, problem in failed.items()}
        wishes = [
            _wish(body.legs[place], body.underlying, chosen, {"place": place, "failed": told})
            for place in buys_first(body.legs)
            if isinstance(chosen := found[place], ChosenOption)
        ]
        placed = await desk.place(call, "optionsmultiorder", body.strategy, wishes)
        return _told_of_legs(desk, call, body, placed, wishes)

    wire.post("optionsorder", OptionsOrder, optionsorder, scope="orders:write", pace="orders", fault="Validation error")
    wire.post(
        "optionsmultiorder",
        OptionsMultiOrder,
        optionsmultiorder,
        scope="orders:write",
        pace="orders",
        fault="Validation error",
    )


def _not_found(problem: OptionsError, **more: Any) -> Refused:
    """The error that says why there is no such option: 404 where none are listed, 400 for a request that asks wrongly."""
    return Refused(404 if isinstance(problem, NoStrikes) else 400, str(problem), **more)


def _refuse_pieces(legs: Sequence[OptionTerms]) -> None:
    """Raises `Refused` for a leg that would be sent in too many pieces."""
    for leg in legs:
        if leg.splitsize:
            refuse_many(leg.quantity, leg.splitsize)


def _wish(terms: OptionTerms, underlying: str, chosen: ChosenOption, more: Mapping[str, Any]) -> OrderIntent:
    option = chosen.option
    said = {
        "symbol": option.symbol,
        "exchange": option.exchange,
        "underlying": base_of(underlying),
        "underlying_ltp": str(chosen.underlying_quote.last),
        **more,
    }
    return terms.on(option.exchange, option.symbol, extras={_OPTION: said}, split_size=terms.splitsize or None)


def _taken(placed: Placed, wishes: Sequence[OrderIntent]) -> list[Mapping[str, Any]]:
    """What was said of each leg's contract when the request was taken: a repeated one chose by another price meanwhile."""
    taken = [intent.wish for intent in placed.intents] or wishes
    return [wish.extras[_OPTION] for wish in taken]


def _contract(said: Mapping[str, Any]) -> dict[str, Any]:
    members = {name: said[name] for name in ("symbol", "exchange", "underlying")}
    return {**members, "underlying_ltp": float(said["underlying_ltp"])}


def _sizes(terms: OptionTerms) -> dict[str, Any]:
    return {"total_quantity": plain_number(terms.quantity), "split_size": plain_number(terms.splitsize)}


def _named(leg: OptionTerms, place: int) -> dict[str, Any]:
    same = {name: getattr(leg, name) for name in ("product", "offset", "option_type", "action")}
    return {"leg": place + 1, **same}


def _refused_leg(leg: OptionTerms, place: int, message: str) -> dict[str, Any]:
    return {**_named(leg, place), "status": "error", "message": message}


def _told_of_legs(
    desk: Desk, call: Call, body: OptionsMultiOrder, placed: Placed, wishes: Sequence[OrderIntent]
) -> dict[str, Any]:
    """The reply, in the order of the request. The alert has only the legs whose contract was found, buys first."""
    taken = _taken(placed, wishes)
    numbers = {said["place"]: number for number, said in enumerate(taken, start=1)}
    results = []
    for place, leg in enumerate(body.legs):
        number = numbers.get(place)
        if number is None:
            results.append(_refused_leg(leg, place, taken[0]["failed"][str(place)]))
            continue
        contract = {name: taken[number - 1][name] for name in ("symbol", "exchange")}
        results.append({**_named(leg, place), **contract, **_outcome(desk, call, placed, number, leg)})
    whole = {name: value for name, value in _contract(taken[0]).items() if name.startswith("underlying")}
    return desk.legs(call, placed, results, **whole)


def _outcome(desk: Desk, call: Call, placed: Placed, number: int, leg: OptionTerms) -> dict[str, Any]:
    """One leg's status with its order id, its pieces or its message."""
    pieces = desk.pieces(placed, number) if leg.splitsize else []
    if not pieces:
        return desk.wire.marked(call, desk.leg(placed, number))
    good = any(piece["status"] == "success" for piece in pieces)
    told = {"status": "success" if good else "error", **_sizes(leg), "split_results": pieces}
    return desk.wire.marked(call, told if good else {**told, "message": pieces[0]["message"]})
