"""From a sender's spelling to exactly one instrument, or a refusal that says why not. Never a guess.

A spelling is read in every known way (`spellings`); only what is in the market's list counts, and only when all
readings found there mean the same instrument.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches

from bridge.domain.intent import InstrumentHint
from bridge.domain.refusal import Refusal
from bridge.market.base import Market
from bridge.market.calendar import CALENDAR, Calendar
from bridge.market.contracts import option_by_rule, option_by_strike
from bridge.market.hints import asks_for_option, future_on, narrowed
from bridge.market.listings import listings, underlyings
from bridge.market.lookups import EVERYWHERE, Resolution, Search, look_up, only_one, undated
from bridge.market.spellings import readings
from bridge.market.venues import Venue, is_delayed, nearest_venues, venue_of

__all__ = ["Resolution", "option_by_rule", "option_by_strike", "resolve"]

_LONGEST = 64
_TELLING = ("contract_expired", "contract_unknown")  # of several failed readings these say most


def resolve(
    market: Market,
    spelling: str | None,
    exchange: str | None,
    hint: InstrumentHint | None,
    moment: datetime,
    *,
    calendar: Calendar = CALENDAR,
) -> Resolution | Refusal:
    """The instrument that `spelling` means at `moment`.

    `exchange` is the sender's word for the place, if any; `hint` what the message says of a contract beside its symbol.
    Codes: symbol_missing, symbol_characters, symbol_unknown, symbol_ambiguous, exchange_unknown, exchange_conflict,
    contract_expired, contract_unknown, contract_needed, contract_conflict, expiry_unknown, option_right_needed,
    strike_needed, strike_unknown, strike_rule_unknown, no_price.
    """
    text = _clean(spelling or (hint and hint.underlying) or "")
    if isinstance(text, Refusal):
        return text
    prefix, _, symbol = text.rpartition(":")
    venue = _venue(prefix, exchange or "")
    if isinstance(venue, Refusal):
        return venue
    found = _resolved(Search(market, venue, moment, calendar), symbol.strip(), hint or InstrumentHint())
    if isinstance(found, Resolution) and any(is_delayed(word) for word in (prefix, exchange or "")):
        return replace(found, said=(*found.said, "The alert came from a delayed feed: its prices are old."))
    return found


def _clean(spelling: str) -> str | Refusal:
    """The spelling in capitals without blanks around it; refused when a character could pass for another."""
    text = unicodedata.normalize("NFC", spelling).strip()
    if not text:
        return Refusal("symbol_missing", "The message names no symbol.")
    if len(text) > _LONGEST:
        return Refusal("symbol_characters", f"The symbol has {len(text)} characters; none has more than {_LONGEST}.")
    for character in text:
        if not " " <= character <= "~":
            name = unicodedata.name(character, f"U+{ord(character):04X}")
            return Refusal("symbol_characters", f"The symbol contains {name}, which no exchange uses: type it again.")
    return text.upper()


def _venue(prefix: str, exchange: str) -> Venue | Refusal:
    """The place that the symbol's prefix and the message's exchange agree on."""
    known: list[Venue] = []
    for word in (prefix, exchange):
        if not word.strip():
            continue
        place = venue_of(word)
        if place is None:
            return Refusal(
                "exchange_unknown", f"Exchange {word[:_LONGEST]!r} is not known{_nearest(nearest_venues(word))}."
            )
        known.append(place)
    if not known:
        return EVERYWHERE
    common = tuple(e for e in known[0].exchanges if all(e in place.exchanges for place in known))
    if not common:
        return Refusal("exchange_conflict", f"The symbol says {prefix!r}, the message says {exchange!r}: which is it?")
    return Venue(common, any(place.perpetual for place in known))


def _resolved(search: Search, symbol: str, hint: InstrumentHint) -> Resolution | Refusal:
    found = only_one(search, symbol, search.named(symbol), ()) or _read(search, symbol)
    if isinstance(found, Resolution):
        return narrowed(search, found, hint)
    if found is None and (bare := undated(search, symbol)):
        return _hinted_future(search, symbol, hint) or bare
    return found or _unknown(search, symbol)


def _read(search: Search, symbol: str) -> Resolution | Refusal | None:
    """What the other spellings give, when they all give the same; else the most telling refusal."""
    outcomes = [look_up(search, symbol, reading) for reading in readings(symbol, search.moment.date())]
    found = {o.instrument.key: o for o in outcomes if isinstance(o, Resolution)}
    if len(found) > 1:
        return Refusal("symbol_ambiguous", f"{symbol} may mean {' or '.join(found)}: write one of them.")
    if found:
        return next(iter(found.values()))
    refusals = [o for o in outcomes if isinstance(o, Refusal)]
    return min(refusals, key=_telling, default=None)


def _telling(refusal: Refusal) -> int:
    return _TELLING.index(refusal.code) if refusal.code in _TELLING else len(_TELLING)


def _hinted_future(search: Search, symbol: str, hint: InstrumentHint) -> Resolution | Refusal | None:
    """A bare name of which the message says elsewhere that its future, or an option on that future, is meant."""
    exchange, name = search.written_on(symbol)[0]
    if asks_for_option(hint):
        # commodities and currencies have no traded spot: distance from the money is measured on the nearest future
        future = future_on(search, exchange, name, InstrumentHint())
        return narrowed(search, future, hint) if isinstance(future, Resolution) else future
    return future_on(search, exchange, name, hint) if hint.kind == "future" or hint.expiry else None


def _unknown(search: Search, symbol: str) -> Refusal:
    """Not in the list. What looks alike is named for the reader and never acted on."""
    exchanges = search.venue.exchanges
    names = {listing.symbol for listing in listings().values() if listing.exchange in exchanges}
    names |= {name for exchange, name in underlyings() if exchange in exchanges}
    alike = get_close_matches(symbol, sorted(n for n in names if n[:1] == symbol[:1]), n=3)
    place = "" if search.venue is EVERYWHERE else f" of {' or '.join(search.venue.exchanges)}"
    return Refusal("symbol_unknown", f"{symbol!r} is not in the instrument list{place}{_nearest(alike)}.")


def _nearest(alike: list[str]) -> str:
    return f"; the nearest are {', '.join(alike)}" if alike else ""
