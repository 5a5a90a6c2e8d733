"""What the API is built on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from bridge.accounts.directory import Directory
from bridge.accounts.model import Account, User
from bridge.accounts.service import Accounts
from bridge.brokers.base import Broker, Capabilities
from bridge.kit.clock import Clock
from bridge.kit.database import Reader, Writer
from bridge.kit.vault import Vault
from bridge.market.base import Market
from bridge.market.calendar import Calendar
from bridge.orders.arrival import Answer, Arrival
from bridge.orders.desk import AccountDesk
from bridge.orders.placing import Placed
from bridge.orders.records import OrderRecord


class Place(Protocol):
    """Hand an alert for one account to the pipeline and wait for its broker's answer: `Placing.place`."""

    def __call__(self, arrival: Arrival, account_id: str, within_s: float = ..., /) -> Awaitable[Placed]: ...


class Watch(Protocol):
    """Wait until orders stand as wished: `Placing.watch`."""

    def __call__(
        self, account_id: str, order_ids: Collection[str], done: Callable[[OrderRecord], bool], within_s: float, /
    ) -> Awaitable[Mapping[str, OrderRecord]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything a route may use. `broker` gives an account's connection for reading, this process's desk's if it has one."""

    reader: Reader
    writer: Writer
    vault: Vault
    clock: Clock
    directory: Directory
    accounts: Accounts
    market: Market
    calendar: Calendar
    place: Place
    watch: Watch
    desk: Callable[[str], AccountDesk | None]
    broker: Callable[[Account], Awaitable[Broker]]
    capabilities: Callable[[str], Capabilities | None]
    replay: Callable[[str, User, bool, str | None], Awaitable[Answer]]
    cancel: Callable[[str, User], Awaitable[str]]
    decide: Callable[[str, User, str | None], Awaitable[str]]
    panic: Callable[[str, str, bool, str, User], Awaitable[None]]
    base_url: str = ""  # where senders reach this installation
    trusted_proxies: str = ""  # comma list of those whose X-Forwarded-For is believed
