"""What a message says of a contract beside its symbol: expiry, right, strike or distance from the money."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from bridge.domain.instrument import Instrument, InstrumentKind, OptionRight
from bridge.domain.intent import InstrumentHint
from bridge.domain.refusal import Refusal
from bridge.market.contracts import (
    derivatives_exchange,
    live_futures,
    live_option_expiries,
    option_by_rule,
    option_by_strike,
)
from bridge.market.lookups import Resolution, Search
from bridge.market.spellings import future_month

_RIGHTS = {"call": OptionRight.CALL, "put": OptionRight.PUT}


def asks_for_option(hint: InstrumentHint) -> bool:
    """Whether the hint names an option, by word or by one of its parts."""
    return hint.kind == "option" or any((hint.right, hint.strike, hint.strike_rule))


def narrowed(search: Search, found: Resolution, hint: InstrumentHint) -> Resolution | Refusal:
    """The contract on `found` that the hint describes; `found` itself when the hint asks for nothing more."""
    if found.instrument.kind is InstrumentKind.OPTION:
        return _agreeing(found, hint, search.moment.date())
    if asks_for_option(hint):
        return _option(search, found, hint)
    if (hint.kind == "future" or hint.expiry) and found.instrument.kind is not InstrumentKind.FUTURE:
        return future_on(search, found.instrument.exchange, found.instrument.symbol, hint)
    return found


def future_on(search: Search, exchange: str, name: str, hint: InstrumentHint) -> Resolution | Refusal:
    """The future the hint describes; the nearest when it names no expiry."""
    futures = live_futures(search.market, derivatives_exchange(exchange), name, search.moment, search.calendar)
    expiry = _expiry(hint.expiry, [f.expiry for f in futures if f.expiry], search.moment, name)
    if isinstance(expiry, Refusal):
        return expiry
    contract = next(f for f in futures if f.expiry == expiry)
    return Resolution(contract, (f"The future on {name} is {contract.symbol}, which expires {_said(expiry)}.",))


def option_on(search: Search, underlying: Instrument, hint: InstrumentHint) -> Resolution | Refusal:
    """The option on an underlying that the hint describes; the nearest expiry when it names none."""
    right = _RIGHTS.get(hint.right or "")
    if right is None:
        return Refusal("option_right_needed", f"An option on {underlying.symbol} needs one right, call or put.")
    name = underlying.underlying or underlying.symbol
    listed = live_option_expiries(
        search.market, derivatives_exchange(underlying.exchange), name, search.moment, search.calendar
    )
    # an option asked for on a future expires with that future unless the message says otherwise
    asked = hint.expiry or (underlying.expiry.isoformat() if underlying.expiry else None)
    expiry = _expiry(asked, listed, search.moment, name)
    if isinstance(expiry, Refusal):
        return expiry
    option = _by_strike_or_rule(search, underlying, expiry, right, hint)
    if isinstance(option, Refusal):
        return option
    how = f" ({hint.strike_rule})" if hint.strike is None else ""
    return Resolution(option, (f"The {right} on {name}{how} is {option.symbol}, which expires {_said(expiry)}.",))


def _agreeing(found: Resolution, hint: InstrumentHint, today: date) -> Resolution | Refusal:
    """An option whose symbol says everything; refused when the rest of the message says something else."""
    option = found.instrument
    listed = [option.expiry] if option.expiry else []
    disagreements = (
        hint.right is not None and _RIGHTS.get(hint.right) is not option.right,
        hint.strike is not None and hint.strike != option.strike,
        hint.expiry is not None and _matching(hint.expiry.strip().upper(), listed, today) is None,
    )
    if any(disagreements):
        return Refusal(
            "contract_conflict", f"The symbol means {option.symbol}, but the message describes another contract."
        )
    return found


def _option(search: Search, found: Resolution, hint: InstrumentHint) -> Resolution | Refusal:
    option = option_on(search, found.instrument, hint)
    return option if isinstance(option, Refusal) else Resolution(option.instrument, (*found.said, *option.said))


def _by_strike_or_rule(
    search: Search, underlying: Instrument, expiry: date, right: OptionRight, hint: InstrumentHint
) -> Instrument | Refusal:
    if hint.strike is not None:
        return option_by_strike(search.market, underlying, expiry, right, hint.strike)
    if hint.strike_rule is None:
        return Refusal("strike_needed", f"An option on {underlying.symbol} needs a strike, or ATM, ITM1… or OTM1….")
    quote = search.market.quote(underlying)
    if quote is None:
        return Refusal("no_price", f"{underlying.symbol} has no price now, so {hint.strike_rule} cannot be found.")
    return option_by_rule(search.market, underlying, expiry, right, hint.strike_rule, quote.last)


def _expiry(asked: str | None, listed: Sequence[date], moment: datetime, name: str) -> date | Refusal:
    """The listed expiry a message asks for: a date, a month, `+6 months`; the nearest when it asks for none."""
    if not listed:
        return Refusal("contract_unknown", f"No such contracts on {name} are listed.")
    if asked is None:
        return listed[0]
    found = _matching(asked.strip().upper(), listed, moment.date())
    if found:
        return found
    known = ", ".join(map(_said, listed[:4]))
    if _is_past(asked.strip().upper(), moment.date()):
        return Refusal(
            "contract_expired", f"The {name} contracts of {asked} have expired; the next ones expire {known}."
        )
    return Refusal("expiry_unknown", f"{name} has no expiry {asked!r}; the next ones are {known}.")


def _matching(asked: str, listed: Sequence[date], today: date) -> date | None:
    if match := re.fullmatch(r"\+\s*(\d{1,3})\s*(DAY|WEEK|MONTH)S?", asked):
        earliest = _later(today, int(match[1]), match[2])
        return next((e for e in listed if e >= earliest), None)
    if month := future_month(asked):
        return next((e for e in reversed(listed) if (e.year, e.month) == month), None)
    return next((e for e in listed if asked in (e.isoformat(), f"{e:%d%b%y}".upper(), f"{e:%d-%b-%y}".upper())), None)


def _is_past(asked: str, today: date) -> bool:
    if month := future_month(asked):
        return month < (today.year, today.month)
    for pattern in ("%Y-%m-%d", "%d%b%y", "%d-%b-%y"):
        try:
            return datetime.strptime(asked, pattern).date() < today  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
    return False


def _later(day: date, count: int, unit: str) -> date:
    if unit != "MONTH":
        return day + timedelta(days=count * (7 if unit == "WEEK" else 1))
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _said(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
