"""People, their sources, strategies and broker accounts, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from bridge.domain.intent import OrderType, Product, QuantityType, Side
from bridge.kit.clock import known_zone


class Role(StrEnum):
    """What a person may do: everything, trade for themselves, or look."""

    OWNER = "owner"
    TRADER = "trader"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person."""

    id: str
    name: str
    role: Role
    disabled: bool = False


_NUMBERS = (int, int | None, float, Decimal, Decimal | None)


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _kinds_are_told_apart(cls, value: Any, info: ValidationInfo) -> Any:
        """A limit of `true` would be a limit of 1, a time of 900 a quarter past midnight: somebody meant something else."""
        wanted = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and wanted in _NUMBERS:
            raise ValueError("expected a number")
        if wanted is bool and isinstance(value, int | float) and not isinstance(value, bool):
            raise ValueError("expected true or false")
        if wanted in (time, time | None) and isinstance(value, int | float):
            raise ValueError("expected a time such as 15:15")
        return value


class SymbolMapping(_Settings):
    """What one spelling of the sender means. Members that are empty come from the strategy."""

    exchange: str
    symbol: str
    quantity: Decimal | None = Field(None, gt=0)
    product: Product | None = None


class Feed(_Settings):
    """An account that a strategy trades on; `multiplier` scales every quantity."""

    account_id: str
    multiplier: Decimal = Field(Decimal(1), gt=0)


class Window(_Settings):
    """When entries may go out, exchange time, and when intraday positions are closed."""

    start: time | None = None
    end: time | None = None
    square_off: time | None = None
    zone: Annotated[str, AfterValidator(known_zone)] = "Asia/Kolkata"


class StrategySettings(_Settings):
    """The user's settings for what a source sends.

    Quantities are units unless their type says otherwise; money is in the account's currency; ages in seconds.
    """

    direction: Literal["both", "long", "short"] = "both"
    accounts: tuple[Feed, ...] = ()
    any_symbol: bool = False  # True: every instrument of the master; False: only `symbols`
    symbols: Mapping[str, SymbolMapping] = Field(default_factory=dict)
    exchange: str | None = None  # where to look for a symbol that names none
    quantity: Decimal = Field(Decimal(1), gt=0)
    quantity_type: QuantityType = QuantityType.UNITS
    number_unit: QuantityType = QuantityType.UNITS  # what a number without a unit (`setting`) counts
    order_type: OrderType = OrderType.MARKET
    product: Product | None = None
    scan_side: Literal["buy", "sell", "exit_long", "exit_short", "keyword"] | None = None
    scan_repeats: Literal["hold", "add"] = "hold"  # what a scan hit does when the strategy holds the symbol already
    scan_symbols_max: int = Field(10, ge=1)
    window: Window = Window()
    entry_max_age_s: float = Field(60, gt=0)
    exit_max_age_s: float = Field(300, gt=0)
    dedupe_window_s: float = Field(10, ge=0)
    quantity_max: Decimal | None = Field(None, gt=0)
    value_max: Decimal | None = Field(None, gt=0)
    orders_per_minute: int | None = Field(60, gt=0)
    orders_per_day: int | None = Field(1000, gt=0)
    daily_loss_max: Decimal | None = Field(None, gt=0)
    # What the other legs do when one fails; `buys_first`: they go on, and a sell that opens waits for the buys' answers.
    basket_policy: Literal["stop", "continue", "unwind", "buys_first"] = "stop"
    attached_exits: Literal["refuse", "note"] = "refuse"  # entries that bring a stop or target along
    approval: Literal["off", "entries", "all"] = "off"  # what waits until a person says yes
    approval_above: Decimal | None = Field(None, ge=0)  # entries worth as much wait although `approval` is off
    approval_expires_s: float = Field(300, gt=0)
    approval_price_move_max_percent: Decimal | None = Field(Decimal(1), gt=0)  # since it came; None: however far
    dialect: str | None = None

    @field_validator("symbols", mode="before")
    @classmethod
    def _upper_spellings(cls, value: Any) -> Any:
        return {str(k).upper(): v for k, v in value.items()} if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _distinct_accounts(self) -> StrategySettings:
        ids = [feed.account_id for feed in self.accounts]
        if len(ids) != len(set(ids)):
            raise ValueError("accounts: the same account stands twice")
        return self


class AccountSettings(_Settings):
    """Limits of one broker account that hold whatever a strategy says."""

    orders_per_second: int | None = Field(8, ge=1)
    orders_per_minute: int | None = Field(200, ge=1)
    orders_per_day: int | None = Field(3000, ge=1)
    order_value_max: Decimal | None = Field(None, gt=0)
    daily_loss_max: Decimal | None = Field(None, gt=0)
    resend_exits_after_proof: bool = False
    in_flight_max: int = Field(8, ge=1, le=64)
    requests_per_second: int | None = Field(100, ge=1)  # of programs at /api/v1, all their keys together
    broker: Mapping[str, Any] = Field(default_factory=dict)  # what the adapter itself understands


class SourceSettings(_Settings):
    """Who may send to an address, how fast, and how it proves itself."""

    preset: Literal["any", "tradingview", "chartink"] = "any"
    allowed_senders: tuple[str, ...] = ()  # addresses or networks; empty = anyone who knows the address
    body_secret_hash: str | None = None
    signing_secret: str | None = Field(None, repr=False)  # sealed; Standard Webhooks HMAC when set
    rate_per_minute: int = Field(60, ge=1)
    burst: int = Field(30, ge=1)
    dialect: str | None = None


class KeySettings(_Settings):
    """What a key of the API may do beyond its scopes: for which account, from where, how fast."""

    account_id: str | None = None  # where its orders go; None: the person's only account
    paper_account_id: str | None = None  # where they go while `analyze` is on; None: the person's first paper account
    analyze: bool = False
    order_mode: Literal["auto", "semi_auto"] = "auto"  # semi_auto: its orders wait until a person approves them
    allowed_senders: tuple[str, ...] = ()  # addresses or networks; empty = from anywhere
    orders_per_second: int = Field(10, ge=1, le=1000)
    requests_per_second: int = Field(50, ge=1, le=1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One connection to one broker."""

    id: str
    user_id: str
    name: str
    broker: str
    settings: AccountSettings = field(default_factory=AccountSettings)
    sealed_credentials: str = field(default="", repr=False)
    rest_url: str | None = None
    stream_url: str | None = None
    disabled: bool = False

    @property
    def is_paper(self) -> bool:
        """Practice money."""
        return self.broker == "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A user's rules for what their sources send."""

    id: str
    user_id: str
    name: str
    enabled: bool
    settings: StrategySettings
    settings_text: str = field(default="{}", repr=False)  # as stored: the snapshot that plans keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where alerts come from: a webhook address. Only fingerprints of its secrets are kept."""

    id: str
    public_id: str
    user_id: str
    strategy_id: str
    name: str
    secret_hash: str = field(repr=False)
    old_secret_hash: str | None = field(default=None, repr=False)
    old_secret_until: int | None = None
    settings: SourceSettings = field(default_factory=SourceSettings)
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """A kill switch that is on."""

    scope: str
    scope_id: str
    reason: str
    changed_at: int
    changed_by: str


# The sides in which a strategy of that direction may enter.
SIDES_ALLOWED = {
    "both": frozenset({Side.BUY, Side.SELL}),
    "long": frozenset({Side.BUY}),
    "short": frozenset({Side.SELL}),
}
