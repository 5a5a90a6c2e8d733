"""Market rules as dated data: what was in force on a day, and which version of it decided.

A rule is named by what it rules (`freeze_quantity`) and whom (`NFO:NIFTY`, `NFO`, `IN`); the narrowest scope wins.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache

from bridge.domain.instrument import Instrument
from bridge.market.bundled import rows

INDIAN_EXCHANGES = frozenset(
    {"NSE", "BSE", "NSE_INDEX", "BSE_INDEX", "NFO", "BFO", "CDS", "BCD", "MCX", "NCDEX", "NCO"}
)
US_EXCHANGES = frozenset({"NASDAQ", "NYSE", "AMEX", "OPRA"})

_FILES = {"rules": None, "lots": "lot_size", "freeze": "freeze_quantity"}  # table → the one rule it holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One dated row. `valid_to` is the last day it holds, `None` for ever; `verify` says its source was not seen."""

    name: str
    scope: str
    value: str
    valid_from: date
    valid_to: date | None
    source: str
    verify: bool = False

    @property
    def version(self) -> str:
        """What a decision records: `freeze_quantity NFO:NIFTY from 2026-07-01`."""
        return f"{self.name} {self.scope} from {self.valid_from.isoformat()}"

    def holds_on(self, day: date) -> bool:
        """Whether the rule is in force that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def rule_of(row: Mapping[str, str], name: str | None = None) -> Rule:
    """The rule in one row of a table; `name` when the whole table is about one rule."""
    return Rule(
        name=name or row["rule"],
        scope=row["scope"],
        value=row["value"],
        valid_from=date.fromisoformat(row["valid_from"]),
        valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        source=row["source"],
        verify=bool(row["verify"]),
    )


class RuleBook:
    """Every rule, found by name, scope and day in a few memory reads. Of two rules for a day the later-dated wins."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        by_key: dict[tuple[str, str], list[Rule]] = defaultdict(list)
        for rule in self._rules:
            by_key[rule.name, rule.scope].append(rule)
        self._by_key = {key: sorted(found, key=lambda r: r.valid_from) for key, found in by_key.items()}

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def find(self, name: str, scopes: Sequence[str], day: date) -> Rule | None:
        """The rule in force that day for the first of `scopes` that has one."""
        for scope in scopes:
            dated = self._by_key.get((name, scope), ())
            until_day = bisect_right(dated, day, key=lambda r: r.valid_from)
            for rule in reversed(dated[:until_day]):
                if rule.holds_on(day):
                    return rule
        return None

    def known(self, name: str, scope: str) -> Sequence[Rule]:
        """Every version of a rule, oldest first."""
        return self._by_key.get((name, scope), ())

    def amended(self, rules: Iterable[Rule]) -> RuleBook:
        """A book in which these rules stand beside the present ones; a same-dated one replaces its predecessor."""
        new = tuple(rules)
        replaced = {(r.name, r.scope, r.valid_from) for r in new}
        return RuleBook((*(r for r in self._rules if (r.name, r.scope, r.valid_from) not in replaced), *new))


@cache
def bundled_rules() -> RuleBook:
    """The rules that ship with the package."""
    return RuleBook(rule_of(row, name) for table, name in _FILES.items() for row in rows(table))


class MarketOrders(StrEnum):
    """What an exchange does with a bare market order of an algorithm."""

    ALLOWED = "allowed"
    REFUSED_FROM_ALGORITHMS = "refused_from_algorithms"


@dataclass(frozen=True, slots=True)
class FreezeLimit:
    """The largest single order in units.

    Without a figure for the day `may_slice` is false and `quantity` is the smallest figure ever known, or `None`
    when the exchange's figure was never read.
    """

    quantity: Decimal | None
    may_slice: bool
    rule: str
    sentence: str


def region_of(exchange: str) -> str:
    """`IN`, `US`, or the exchange itself where no region has common rules."""
    if exchange in INDIAN_EXCHANGES:
        return "IN"
    return "US" if exchange in US_EXCHANGES else exchange


def scopes_of(exchange: str, underlying: str | None = None) -> tuple[str, ...]:
    """From narrow to wide: `NFO:NIFTY`, `NFO`, `IN`."""
    narrow = (f"{exchange}:{underlying}",) if underlying else ()
    return (*narrow, exchange, region_of(exchange))


def freeze_limit(instrument: Instrument, day: date, book: RuleBook | None = None) -> FreezeLimit | None:
    """The freeze quantity of a derivative on that day; `None` for what has no such limit (not a listed derivative)."""
    if not instrument.is_derivative or instrument.exchange not in ("NFO", "BFO"):
        return None
    book = book or bundled_rules()
    scope = f"{instrument.exchange}:{instrument.underlying}"
    if rule := book.find("freeze_quantity", (scope,), day):
        text = f"{instrument.underlying} freezes above {rule.value} units since {rule.valid_from:%-d %b %Y}."
        return FreezeLimit(Decimal(rule.value), True, rule.version, text)
    earlier = [r for r in book.known("freeze_quantity", scope) if r.valid_from <= day]
    if not earlier:
        text = f"No freeze quantity of {instrument.underlying} is known, so its orders are not sliced."
        return FreezeLimit(None, False, f"freeze_quantity {scope} unknown", text)
    least = min(Decimal(r.value) for r in earlier)
    text = (
        f"The freeze quantity of {instrument.underlying} for {day:%-d %b %Y} is not known: orders are not sliced and "
        f"may have at most {least} units, the smallest figure known so far."
    )
    return FreezeLimit(least, False, f"freeze_quantity {scope} unknown on {day.isoformat()}", text)


def lot_rule(exchange: str, underlying: str, expiry: date, book: RuleBook | None = None) -> Rule | None:
    """The lot size of the series that expires then; lots change with the series, not with the day."""
    return (book or bundled_rules()).find("lot_size", scopes_of(exchange, underlying), expiry)


def order_rate(exchange: str, day: date, book: RuleBook | None = None) -> Rule | None:
    """Orders a second an unregistered algorithm may send per exchange and segment, as the rule's `value`."""
    return (book or bundled_rules()).find("order_rate", scopes_of(exchange), day)


def market_orders(exchange: str, day: date, book: RuleBook | None = None) -> tuple[MarketOrders, str]:
    """The exchange's policy for bare market orders, and the version of the rule that says so."""
    rule = (book or bundled_rules()).find("market_order", scopes_of(exchange), day)
    return (MarketOrders(rule.value), rule.version) if rule else (MarketOrders.ALLOWED, "market_order default")
