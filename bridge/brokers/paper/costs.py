"""What a broker, an exchange and the state take from a trade."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from bridge.brokers.paper.money import ZERO, money
from bridge.domain.instrument import InstrumentKind
from bridge.domain.intent import Product, Side


class CostRates(BaseModel):
    """Percentages of a trade's value, 0.1 for 0.1 %. Brokerage is the smaller of its percentage and `brokerage_cap` an order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    brokerage_percent: Decimal = Field(ZERO, ge=0, le=100)
    brokerage_cap: Decimal | None = Field(None, ge=0)
    exchange_percent: Decimal = Field(ZERO, ge=0, le=100)
    regulator_percent: Decimal = Field(ZERO, ge=0, le=100)
    tax_buy_percent: Decimal = Field(ZERO, ge=0, le=100)  # securities transaction tax
    tax_sell_percent: Decimal = Field(ZERO, ge=0, le=100)
    stamp_buy_percent: Decimal = Field(ZERO, ge=0, le=100)
    service_tax_percent: Decimal = Field(ZERO, ge=0, le=100)  # on brokerage, exchange and regulator: GST

    def of(self, side: Side, value: Decimal) -> Decimal:
        """What an order that traded `value` has cost so far."""
        brokerage = _part(value, self.brokerage_percent)
        if self.brokerage_cap is not None:
            brokerage = min(brokerage, self.brokerage_cap)
        services = brokerage + _part(value, self.exchange_percent) + _part(value, self.regulator_percent)
        buying = side is Side.BUY
        duties = _part(value, self.tax_buy_percent if buying else self.tax_sell_percent)
        duties += _part(value, self.stamp_buy_percent) if buying else ZERO
        return money(services + _part(services, self.service_tax_percent) + duties)


def _part(value: Decimal, percent: Decimal) -> Decimal:
    return value * percent / 100


class CostTable(BaseModel):
    """Rates by class of trade; a class without rates is free."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    equity_intraday: CostRates = CostRates()
    equity_delivery: CostRates = CostRates()
    futures: CostRates = CostRates()
    options: CostRates = CostRates()
    crypto: CostRates = CostRates()

    def rates(self, kind: InstrumentKind, product: Product) -> CostRates:
        """The rates of one class."""
        if kind is InstrumentKind.EQUITY:
            return self.equity_delivery if product is Product.CNC else self.equity_intraday
        by_kind = {
            InstrumentKind.FUTURE: self.futures,
            InstrumentKind.OPTION: self.options,
            InstrumentKind.CRYPTO: self.crypto,
        }
        return by_kind.get(kind, CostRates())


def _indian(**rates: str) -> CostRates:
    shared = {"regulator_percent": "0.0001", "service_tax_percent": "18", "brokerage_cap": "20"}
    return CostRates.model_validate(shared | rates)


def _india(tax_futures: str, tax_options: str) -> CostTable:
    return CostTable(
        equity_intraday=_indian(
            brokerage_percent="0.03", exchange_percent="0.00297", tax_sell_percent="0.025", stamp_buy_percent="0.003"
        ),
        equity_delivery=_indian(
            exchange_percent="0.00297", tax_buy_percent="0.1", tax_sell_percent="0.1", stamp_buy_percent="0.015"
        ),
        futures=_indian(
            brokerage_percent="0.03",
            exchange_percent="0.00173",
            tax_sell_percent=tax_futures,
            stamp_buy_percent="0.002",
        ),
        options=_indian(
            brokerage_percent="100", exchange_percent="0.03503", tax_sell_percent=tax_options, stamp_buy_percent="0.003"
        ),
    )


# Rates of a usual discount broker at NSE, by the first day they hold. The taxes on derivatives rose with the Finance Act 2026.
INDIA: Mapping[date, CostTable] = {
    date(2024, 10, 1): _india(tax_futures="0.02", tax_options="0.1"),
    date(2026, 4, 1): _india(tax_futures="0.05", tax_options="0.15"),
}
FREE = CostTable()


def cost_table(chosen: str | CostTable, currency: str, day: date) -> CostTable:
    """The table that a setting means for trades in `currency` on `day`; India's concerns rupees only."""
    if isinstance(chosen, CostTable):
        return chosen
    if chosen == "none" or currency != "INR":
        return FREE
    return INDIA[max((since for since in INDIA if since <= day), default=min(INDIA))]
