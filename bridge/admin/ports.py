"""What the pages need from the rest of the house."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date

from bridge.accounts.directory import Directory
from bridge.accounts.model import User
from bridge.accounts.service import Accounts
from bridge.kit.clock import Clock
from bridge.kit.database import Reader, Writer
from bridge.kit.settings import Settings
from bridge.kit.vault import Vault
from bridge.market.base import Market
from bridge.market.calendar import Calendar
from bridge.orders.approvals import Waiting
from bridge.orders.arrival import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Plumbing, the prices and trading hours, and the acts a page can ask of the pipeline.

    `replay(alert_id, user, live)` sends an alert through again (dry unless live); `cancel(order_id, user)` and
    `decide(order_id, user, broker_order_id or None)` answer with a sentence for the person;
    `panic(scope, scope_id, stopped, reason, user)` throws a kill switch. `waiting(user)` is what waits for a yes;
    `approve(intent_id, user)` and `refuse(intent_id, user, reason)` answer with a sentence. Pages call them only for what the
    user owns.
    `turned_away()` counts what this process refused at the door: day, source id (None: no address of ours), reason, how often.
    """

    reader: Reader
    writer: Writer
    directory: Directory
    accounts: Accounts
    vault: Vault
    clock: Clock
    settings: Settings
    market: Market
    calendar: Calendar
    replay: Callable[[str, User, bool], Awaitable[Answer]]
    cancel: Callable[[str, User], Awaitable[str]]
    decide: Callable[[str, User, str | None], Awaitable[str]]
    panic: Callable[[str, str, bool, str, User], Awaitable[None]]
    waiting: Callable[[User], Awaitable[Sequence[Waiting]]]
    approve: Callable[[str, User], Awaitable[str]]
    refuse: Callable[[str, User, str], Awaitable[str]]
    turned_away: Callable[[], Sequence[tuple[date, str | None, str, int]]] = tuple
