"""What an account's owner may choose about their paper broker."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bridge.brokers.paper.costs import CostTable
from bridge.kit.clock import known_zone


class _Chosen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Leverage(_Chosen):
    """How many times its margin an opening order may be worth. A written option has a percentage instead."""

    equity_mis: Decimal = Field(Decimal(5), ge=1, le=200)
    equity_cnc: Decimal = Field(Decimal(1), ge=1, le=200)
    futures: Decimal = Field(Decimal(10), ge=1, le=200)
    option_buy: Decimal = Field(Decimal(1), ge=1, le=200)
    crypto: Decimal = Field(Decimal(1), ge=1, le=200)
    forex: Decimal = Field(Decimal(20), ge=1, le=200)


class PaperSettings(_Chosen):
    """Money in `currency` unless said; percentages as 15 for 15 %.

    An instrument in another currency trades in a pocket of its own, opened with `other_capital` of that currency.
    """

    capital: Decimal = Field(Decimal(10_000_000), gt=0, le=10**15)
    currency: str = Field("INR", min_length=2, max_length=8)
    other_capital: Decimal = Field(Decimal(100_000), ge=0, le=10**15)
    zone: Annotated[str, AfterValidator(known_zone)] = "Asia/Kolkata"  # whose midnight ends the account's day
    leverage: Leverage = Leverage()
    option_sell_percent: Decimal = Field(Decimal(15), ge=0, le=100)  # of the strike's value, on top of the premium
    exposure_percent: Decimal = Field(
        Decimal(2), ge=0, le=100
    )  # of a derivative's value: what an estimate calls exposure
    block_trigger_margin: bool = False  # True: a GTT blocks the margin of its dearer leg from the start
    partial_fills: bool = False  # True: no more than the quoted depth fills at once
    slippage_percent: Decimal = Field(Decimal(0), ge=0, le=10)  # market orders fill that much worse
    costs: Literal["none", "india"] | CostTable = "none"
    match_every_s: float = Field(0.25, ge=0)  # 0: only when `match_now` is called
