"""What can be made to go wrong, when, and how often."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from tests.fakebroker import fills
from tests.fakebroker.pace import Span
from tests.fakebroker.replies import BAD_REPLIES

Json = dict[str, Any]

REFUSALS: dict[str, tuple[int, str, str]] = {
    "refuse_margin": (400, "MarginException", "Insufficient funds. Required 80000, available 12.5"),
    "refuse_holding": (400, "HoldingException", "Holdings are less than the quantity sold"),
    "refuse_input": (400, "InputException", "Quantity should be a multiple of the lot size"),
    "refuse_permission": (403, "PermissionException", "This segment is not enabled"),
    "refuse_token": (403, "TokenException", "Incorrect token or session expired"),
    "refuse_rate": (429, "RateException", "Too many requests: stopped at the gateway"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to fail: is the order accepted, what is answered, and how long each step takes (broker seconds)."""

    reply: str = "good"
    placed: bool = False
    until_gone: bool = False  # first wait until the client has closed its connection
    hold_s: Span = 0  # before the order is accepted
    delay_s: Span = 0  # between that and the answer


FAULTS: dict[str, Fault] = {name: Fault(reply=name) for name in (*BAD_REPLIES, *REFUSALS)} | {
    "drop_request": Fault(reply="drop"),
    "accept_then_drop": Fault(reply="drop", placed=True),
    "accept_then_reset": Fault(reply="reset", placed=True),
    "accept_then_hold": Fault(reply="good", placed=True, delay_s=60),
    "never_answer": Fault(reply="drop", delay_s=3600),
    "late_accept": Fault(reply="drop", placed=True, until_gone=True, hold_s=[0, 120]),
    "slow": Fault(reply="good", placed=True, delay_s=[1, 5]),
    "timeout_400_placed": Fault(reply="timeout_400", placed=True),
    "partial_slices": Fault(reply="slices", placed=True),
    # for the books
    "book_error": Fault(reply="http_500"),
    "book_cut": Fault(reply="rows_missing"),
    "book_lost_page": Fault(reply="pages_missing"),
}


@dataclass(slots=True)
class Rule:
    """When a fault strikes: every condition given must hold; then `p` decides; `times` bounds it."""

    fault: Fault
    name: str
    p: float = 1.0
    route: str = "place"
    nth: frozenset[int] = frozenset()
    every: int = 0
    tag: str | None = None
    symbol: str | None = None
    account: str | None = None
    times: int | None = None

    def strikes(self, route: str, n: int, fields: Mapping[str, Any], dice: random.Random) -> bool:
        """Does this call fail?"""
        wanted = (self.tag, self.symbol, self.account)
        given = (fields.get("tag"), fields.get("symbol"), fields.get("account"))
        if self.route not in (route, "*") or self.times == 0:
            return False
        if any(want not in (None, got) for want, got in zip(wanted, given, strict=True)):
            return False
        if (self.nth and n not in self.nth) or (self.every and n % self.every):
            return False
        if self.p < 1 and dice.random() >= self.p:
            return False
        if self.times is not None:
            self.times -= 1
        return True


_FAULT_FIELDS = {each.name for each in fields(Fault)}
_USUAL_ROUTE = {"book_error": "orders", "book_cut": "orders", "book_lost_page": "orders"}
_RULE_FIELDS = {"p", "route", "nth", "every", "tag", "symbol", "account", "times"}


def rule_of(said: Mapping[str, Any]) -> Rule:
    """`{"do": "html_page", "p": 0.2}` → a rule; raises `ValueError` naming what is wrong."""
    name = said.get("do")
    if name not in FAULTS:
        raise ValueError(f"faults: no fault is called {name!r}")
    odd = set(said) - _FAULT_FIELDS - _RULE_FIELDS - {"do"}
    if odd:
        raise ValueError(f"faults: {name} has no setting {sorted(odd)}")
    base = {each: getattr(FAULTS[name], each) for each in _FAULT_FIELDS}
    fault = Fault(**base | {key: value for key, value in said.items() if key in _FAULT_FIELDS})
    rule: Json = {"route": _USUAL_ROUTE.get(name, "place")}
    rule |= {key: value for key, value in said.items() if key in _RULE_FIELDS}
    nth = rule.pop("nth", ())
    return Rule(fault=fault, name=name, nth=frozenset([nth] if isinstance(nth, int) else nth), **rule)


@dataclass(slots=True)
class Knobs:
    """Every setting, as JSON has it; `README.md` says what each does."""

    faults: Any = field(default_factory=list)
    latency_s: Span = 0
    fill: Any = "instant"
    prices: dict[str, Any] = field(default_factory=dict)
    visibility_lag_s: Span = 0
    tag_echo: bool = True
    clock_offset_s: float = 0.0
    rate_limit: int | None = None
    page_size: int = 500
    slice_above: float | None = None
    session_expired: bool = False
    session_expires_in_s: float | None = None
    session_style: str = "error"  # error | empty
    bad_tokens: list[str] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    holdings: dict[str, list[Json]] = field(default_factory=dict)
    capital: float = 1_000_000
    postbacks: Json = field(default_factory=dict)
    refuse_connections_for_s: float = 0

    def change(self, said: Mapping[str, Any]) -> list[Rule] | None:
        """Take new values; returns the new rules if faults changed. Raises `ValueError` and changes nothing."""
        odd = set(said) - {each.name for each in fields(self)}
        if odd:
            raise ValueError(f"no knob is called {sorted(odd)}")
        rules = rules_of(said["faults"]) if "faults" in said else None
        fills.check(said.get("fill", self.fill))
        for name, value in said.items():
            setattr(self, name, value)
        return rules

    def shown(self) -> Json:
        """All values."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def rules_of(faults: Any) -> list[Rule]:
    """A list of rules, or the short form `{"html_page": 0.2}`."""
    if isinstance(faults, Mapping):
        faults = [{"do": name, "p": p} for name, p in faults.items()]
    return [rule_of(said) for said in faults]
