"""Five thousand bad orders: every flaw in every dialect that can have it, with the reason it must be refused with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.acceptance import flaws
from tests.acceptance.forms import GONE, JSON_FORMS, TEXT_FORMS, Form, TextForm, code_of
from tests.acceptance.singles import AFTERWARDS, JSON, SINGLES, TEXT, Single

TAKEN = "202 accepted"
OPEN = "open"  # the lane of a strategy that trades everything
RAW = "@raw@"  # stands where a number will that JSON does not know


@dataclass(frozen=True, slots=True)
class Case:
    """One bad order, and the code of its refusal."""

    dialect: str
    flaw: str
    body: str
    code: str
    lane: str = OPEN
    content_type: str = JSON

    @property
    def name(self) -> str:
        """For a report."""
        return f"{self.flaw} [{self.lane}]"


def cases() -> list[Case]:
    """All of them."""
    found = [case for form in JSON_FORMS for case in _of_json(form)]
    found += [case for form in TEXT_FORMS for case in _of_text(form)]
    return [*found, *map(_single, SINGLES)]


def late_cases() -> list[Case]:
    """Those of which only the account's position tells that they are bad."""
    return list(map(_single, AFTERWARDS))


def good_cases() -> list[Case]:
    """Every form without a flaw: were these refused, the others would prove nothing."""
    texts = [Case(form.dialect, "none", form.write({}), TAKEN, form.dialect, TEXT) for form in TEXT_FORMS]
    return [*(Case(form.dialect, "none", form.write({}), TAKEN) for form in JSON_FORMS), *texts]


def _single(said: Single) -> Case:
    dialect, flaw, content_type, body, code, lane = said
    return Case(dialect, flaw, body, code, lane, content_type)


def _of_json(form: Form) -> Iterator[Case]:
    for maker in (_members, _missing, _raw_numbers, _broken, _market, _triggers, _limits):
        yield from maker(form)


def _bad(form: Form, flaw: str, changes: Mapping[str, Any], code: str, lane: str = OPEN) -> Case:
    return Case(form.dialect, flaw, form.write(changes), code, lane)


def _members(form: Form) -> Iterator[Case]:
    """Wrong words and numbers, one member at a time."""
    tables: Sequence[tuple[str, Mapping[str, Sequence[Any]]]] = (
        ("size", flaws.NUMBERS), ("size", flaws.JSON_NUMBERS), ("size", {"number_zero": (*flaws.ZEROS, 0, 0.0)}),
        ("price", flaws.NUMBERS), ("price", flaws.JSON_NUMBERS), ("price", {"number_zero": (*flaws.ZEROS, 0)}),
        ("side", flaws.SIDES), ("side", flaws.JSON_SIDES),
        ("symbol", flaws.SYMBOLS), ("symbol", flaws.JSON_SYMBOLS),
        ("type", flaws.TYPES), ("product", flaws.PRODUCTS), ("validity", flaws.VALIDITIES),
    )  # fmt: skip
    for member, table in tables:
        for usual, values in table.items() if member in form.places else ():
            for value in values:
                if not is_no_fault(form, member, value):
                    yield _bad(form, f"{member} {short(value)}", {member: value}, code_of(form, member, usual))


def is_no_fault(form: Form, member: str, value: Any) -> bool:
    """Whether this dialect reads something sensible there."""
    # a plain comparison would take True for 1
    known = any(name == member and type(said) is type(value) and said == value for name, said in form.reads)
    return known or (form.looks_inside and isinstance(value, dict) and (bool(value) or member != "size"))


def _missing(form: Form) -> Iterator[Case]:
    for member in sorted(form.needs):
        for value in (GONE, None, "", "   "):
            yield _bad(form, f"{member} {short(value)}", {member: value}, code_of(form, member, "missing_member"))


def _raw_numbers(form: Form) -> Iterator[Case]:
    """Numbers that Python's JSON has and JSON has not, and those that nobody means."""
    for member in ("size", "price"):
        for code, values in flaws.RAW_NUMBERS.items() if member in form.places else ():
            for value in values:
                body = form.write({member: RAW}).replace(f'"{RAW}"', value)
                yield Case(form.dialect, f"{member} raw {short(value)}", body, code)


def _broken(form: Form) -> Iterator[Case]:
    """JSON that is none, says something twice, or is beyond all bounds."""
    good = form.write({})
    first = good[1 : good.index(",")] if "," in good else good[1:-1]
    members = ",".join(f'"m{n}":{n}' for n in range(501))
    more = {
        "malformed_json": (
            good[:-3],
            good + "}",
            good + " and more",
            good.replace(":", "=", 1),
            good.replace('"', "'"),
            good[1:],
            "{" + good,
        ),
        "duplicate_key": ("{" + first + "," + good[1:],) if first.count("{") == first.count("}") else (),
        "json_too_deep": ('{"deep":' + "[" * 20 + "]" * 20 + "," + good[1:],),
        "json_too_many_keys": ("{" + members + "," + good[1:],),
        "json_long_string": ('{"note":"' + "x" * 5000 + '",' + good[1:],),
        "number_nan": ('{"more":NaN,' + good[1:],),
        "number_too_long": ('{"more":' + "7" * 50 + "," + good[1:],),
    }
    for code, bodies in more.items():
        for number, body in enumerate(bodies):
            yield Case(form.dialect, f"{code} {number}", body, code)


def _market(form: Form) -> Iterator[Case]:
    """Right to read, and yet no order that this market takes."""
    for fraction in flaws.FRACTIONS:
        yield _bad(form, f"size {fraction}", {"size": fraction}, "quantity_fraction")
    for symbol in flaws.UNKNOWN_SYMBOLS:
        yield _bad(form, f"symbol {symbol}", {"symbol": symbol}, "symbol_unknown")
    for code, contracts in flaws.CONTRACTS.items():
        for exchange, symbol in contracts:
            yield _bad(form, f"symbol {exchange}:{symbol}", _where(form, exchange, symbol), code)
    future = _where(form, "NFO", "NIFTY27JAN26FUT")
    for size in flaws.NOT_LOTS:
        yield _bad(form, f"size {size} of a future", future | {"size": size}, "quantity_not_in_lots")
    for size in flaws.ABOVE_FREEZE:
        yield _bad(form, f"size {size} of a future", future | {"size": size}, "too_many_slices")
    if "exchange" in form.places:
        yield _bad(form, "two exchanges", {"symbol": "BSE:SBIN", "exchange": "NSE"}, "exchange_conflict")
    if "price" in form.places:
        for price in flaws.OFF_TICK:
            yield _bad(form, f"price {price}", {"price": price}, "price_off_tick")


def _triggers(form: Form) -> Iterator[Case]:
    """Stop orders, whose trigger is as bad as a price can be."""
    if "trigger" not in form.places:
        return
    stop = {"type": form.words["stop"]}
    yield _bad(form, "no trigger", stop, form.missing_trigger)
    for code, values in {**flaws.NUMBERS, "number_zero": flaws.ZEROS[:2]}.items():
        for value in values[:3]:
            yield _bad(form, f"trigger {short(value)}", stop | {"trigger": value}, code)
    for value in flaws.OFF_TICK:
        yield _bad(form, f"trigger {value}", stop | {"trigger": value}, "trigger_price_off_tick")
        yield _bad(
            form,
            f"stop-limit {value}",
            {"type": form.words["stop_limit"], "trigger": "985", "price": value},
            "price_off_tick",
        )


def _where(form: Form, exchange: str, symbol: str) -> dict[str, Any]:
    if "exchange" in form.places:
        return {"exchange": exchange, "symbol": symbol}
    return {"symbol": f"{exchange}:{symbol}"}


def _limits(form: Form) -> Iterator[Case]:
    """Good orders that the strategy's own settings do not want."""
    yield _bad(form, "more than the strategy may", {"size": 6}, "quantity_above_limit", "capped")
    yield _bad(form, "dearer than the strategy may", {"size": 2}, "value_above_limit", "thrifty")
    yield _bad(form, "a symbol of no business", {}, "symbol_not_allowed", "listed")
    yield _bad(form, "out of hours", {}, "outside_window", "nightly")


def _of_text(form: TextForm) -> Iterator[Case]:
    """The same for plain text, sent to a source that knows its dialect."""
    numbers = {**flaws.NUMBERS, "number_zero": flaws.ZEROS}
    tables = (("size", numbers), ("price", numbers), ("side", flaws.SIDES), ("symbol", flaws.SYMBOLS))
    for member, table in tables:
        for usual, values in table.items() if member in form.members else ():
            for value in values:
                if not any(cut in value for cut in form.cuts) and (member, value) not in form.reads:
                    yield _text(form, f"{member} {short(value)}", {member: value}, code_of(form, member, usual))
    for symbol in flaws.UNKNOWN_SYMBOLS:
        if " " not in symbol:
            yield _text(form, f"symbol {symbol}", {"symbol": symbol}, "symbol_unknown")
    for price in flaws.OFF_TICK if "price" in form.members else ():
        yield _text(form, f"price {price}", {"price": price}, "price_off_tick")
    for size in flaws.FRACTIONS if "size" in form.members else ():
        if ("size", size) not in form.reads:
            yield _text(form, f"size {size}", {"size": size}, "quantity_fraction")


def _text(form: TextForm, flaw: str, changes: Mapping[str, Any], code: str) -> Case:
    return Case(form.dialect, flaw, form.write(changes), code, form.dialect, TEXT)


def short(value: Any) -> str:
    """A value as a report may show it."""
    said = "gone" if value is GONE else ascii(value)
    return said if len(said) <= 40 else f"{said[:36]}… ({len(said)})"
