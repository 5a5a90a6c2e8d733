"""Who is who, and what things cost: names of a person's accounts, strategies and sources, decimals of an instrument."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bridge.accounts.directory import Snapshot
from bridge.accounts.model import Account, Source, Strategy
from bridge.admin import figures
from bridge.domain.instrument import Instrument
from bridge.market.base import Market


@dataclass(frozen=True, slots=True)
class Names:
    """Looks up what ids in one person's rows stand for. What was deleted since keeps a readable name."""

    user_id: str
    snapshot: Snapshot
    market: Market

    def account(self, account_id: str) -> Account:
        """That account, also when it is gone."""
        found = self.snapshot.accounts.get(account_id)
        if found is None or found.user_id != self.user_id:
            return Account(id=account_id, user_id=self.user_id, name="A removed account", broker="its broker")
        return found

    def strategy(self, strategy_id: str) -> str:
        """Its name."""
        found = self.snapshot.strategies.get(strategy_id)
        return found.name if found and found.user_id == self.user_id else "A removed strategy"

    def source(self, source_id: str) -> str:
        """Its name."""
        found = self.snapshot.sources.get(source_id)
        return found.name if found and found.user_id == self.user_id else "A removed source"

    def accounts(self) -> list[Account]:
        """This person's accounts by name."""
        return sorted(
            (a for a in self.snapshot.accounts.values() if a.user_id == self.user_id), key=lambda a: a.name.lower()
        )

    def strategies(self) -> list[Strategy]:
        """This person's strategies by name."""
        return sorted(
            (s for s in self.snapshot.strategies.values() if s.user_id == self.user_id), key=lambda s: s.name.lower()
        )

    def sources(self) -> list[Source]:
        """This person's sources by name."""
        return sorted(
            (s for s in self.snapshot.sources.values() if s.user_id == self.user_id), key=lambda s: s.name.lower()
        )

    def instrument(self, exchange: str, symbol: str) -> Instrument | None:
        """The contract, if the master has it."""
        return self.market.instrument(exchange, symbol)

    def indian(self, exchange: str, symbol: str) -> bool:
        """Whether that instrument's figures are grouped in lakhs: what trades in another currency is not."""
        known = self.instrument(exchange, symbol)
        return known is None or known.currency == "INR"

    def quantity(self, exchange: str, symbol: str, value: Decimal) -> str:
        """Units of that instrument."""
        return figures.quantity(value, indian=self.indian(exchange, symbol))

    def price(self, exchange: str, symbol: str, value: Decimal) -> str:
        """A price with that instrument's decimals."""
        known = self.instrument(exchange, symbol)
        tick = known.tick_size if known else None
        return figures.price(value, tick, indian=self.indian(exchange, symbol))
