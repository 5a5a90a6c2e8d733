"""How much: from whatever unit a message counts in to units of the instrument. All pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from bridge.accounts.model import Feed, StrategySettings
from bridge.brokers.base import Funds
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import OrderIntent, Product, QuantityType, Side
from bridge.domain.refusal import Refusal
from bridge.market.base import Quote

COUNTED = frozenset({QuantityType.UNITS, QuantityType.BASE, QuantityType.CONTRACTS})
OF_FUNDS = frozenset(
    {
        QuantityType.PERCENT_EQUITY,
        QuantityType.PERCENT_AVAILABLE,
        QuantityType.PERCENT_MARGIN,
        QuantityType.RISK_PERCENT,
    }
)
CURRENCIES = {"USDT": "USD", "USDC": "USD"}  # coins that stand for a currency
STEPS = {InstrumentKind.CRYPTO: Decimal("0.00000001"), InstrumentKind.FOREX: Decimal(1)}


@dataclass(frozen=True, slots=True)
class Mapped:
    """The instrument a spelling means, the sentences that explain it, and the mapping's own size and product."""

    instrument: Instrument
    said: tuple[str, ...] = ()
    quantity: Decimal | None = None
    product: Product | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """What sizing may need to know: the price now and the account's funds. None: not known."""

    quote: Quote | None
    funds: Funds | None


class NotPlanned(Exception):
    """Carries a refusal out of nested planning."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


def step_of(instrument: Instrument) -> Decimal:
    """The smallest amount that is traded: a lot, a unit of a currency, a hundred-millionth of a coin."""
    return STEPS.get(instrument.kind, instrument.lot_size)


def floor(units: Decimal, instrument: Instrument) -> Decimal:
    """Down to what is traded."""
    step = step_of(instrument)
    return (units / step).to_integral_value(ROUND_DOWN) * step


def pip_of(instrument: Instrument) -> Decimal:
    """A currency pair's pip; raises `NotPlanned` for what has none."""
    if instrument.kind is not InstrumentKind.FOREX:
        raise NotPlanned("pips_unknown", f"{instrument.symbol} has no pips. Send a price or a percentage.")
    return Decimal("0.01") if instrument.currency == "JPY" else Decimal("0.0001")


def size(
    intent: OrderIntent,
    side: Side | None,
    mapped: Mapped,
    settings: StrategySettings,
    feed: Feed,
    money: Money,
    price: Decimal | None,
) -> tuple[Decimal, str]:
    """Units, and the sentence that says how the number came about."""
    number, unit = _asked(intent, mapped, settings)
    units = _units(number, unit, intent, side, mapped.instrument, money, price)
    exact = (
        unit in COUNTED and feed.multiplier == 1
    )  # a number of units is taken as it is, so that a wrong one is refused
    whole = units if exact else floor(units * feed.multiplier, mapped.instrument)
    times = "" if feed.multiplier == 1 else f" × {feed.multiplier.normalize():f}"
    return whole, f"{number.normalize():f} {unit.value.replace('_', ' ')}{times} = {whole.normalize():f} units"


def _asked(intent: OrderIntent, mapped: Mapped, settings: StrategySettings) -> tuple[Decimal, QuantityType]:
    """The message's number and unit; where it has none, the symbol line's, else the strategy's."""
    number, unit = intent.quantity, intent.quantity_type
    if number is None:
        if mapped.quantity:
            return mapped.quantity, QuantityType.UNITS
        return settings.quantity, settings.quantity_type
    if unit is QuantityType.SETTING:
        return number, settings.number_unit
    return number, QuantityType.UNITS if unit is QuantityType.DEFAULT else unit


def _units(
    number: Decimal,
    unit: QuantityType,
    intent: OrderIntent,
    side: Side | None,
    instrument: Instrument,
    money: Money,
    price: Decimal | None,
) -> Decimal:
    if unit in COUNTED:
        return number
    if unit is QuantityType.LOTS:
        return number * instrument.lot_size
    at = price or (money.quote.last if money.quote else None)
    if at is None or at <= 0:
        raise NotPlanned("price_unknown", f"There is no price for {instrument.symbol} to turn {unit.value} into units.")
    if unit in (QuantityType.CASH, QuantityType.QUOTE):
        return number / at
    if unit is QuantityType.RISK_CASH:
        return number / _risk_per_unit(intent, side, instrument, at)
    funds = _funds(money, unit, instrument)
    equity = funds.available + funds.used_margin + funds.unrealised
    if unit is QuantityType.RISK_PERCENT:
        return equity * number / 100 / _risk_per_unit(intent, side, instrument, at)
    if unit is QuantityType.PERCENT_EQUITY:
        return equity * number / 100 / at
    if unit is QuantityType.PERCENT_AVAILABLE:
        return funds.available * number / 100 / at
    if unit is QuantityType.PERCENT_MARGIN:
        return funds.available * number / 100 * (intent.leverage or 1) / at
    raise NotPlanned("size_unit_unknown", f"A size in {unit.value} cannot be turned into units here.")


def _funds(money: Money, unit: QuantityType, instrument: Instrument) -> Funds:
    """The account's funds, in the currency in which the instrument is quoted."""
    funds = money.funds
    if funds is None:
        raise NotPlanned("funds_unknown", f"The account's funds are not known yet, and {unit.value} needs them.")
    mine, theirs = (CURRENCIES.get(name, name) for name in (funds.currency, instrument.currency))
    if mine != theirs:
        raise NotPlanned(
            "currency_differs",
            f"The account's money is {funds.currency} and {instrument.symbol} is quoted in {instrument.currency}:"
            " a share of the one is no size in the other. Send units or an amount.",
        )
    return funds


def _risk_per_unit(intent: OrderIntent, side: Side | None, instrument: Instrument, at: Decimal) -> Decimal:
    """Money lost per unit when the stop is hit."""
    stop = intent.stop_loss
    if stop is None or stop.value is None:
        raise NotPlanned("stop_missing", "A size by risk needs a stop loss in the message.")
    if stop.type == "price":
        risk = (at - stop.value) * (side.sign if side else 1)
    elif stop.type == "percent":
        risk = at * stop.value / 100
    elif stop.type in ("offset", "pips"):
        risk = stop.value * (pip_of(instrument) if stop.type == "pips" else 1)
    else:
        raise NotPlanned("stop_unit_unknown", f"A stop in {stop.type} gives no amount of money per unit.")
    if risk <= 0:
        raise NotPlanned(
            "stop_on_wrong_side",
            f"The stop is not on the losing side of {at.normalize():f}, so there is no risk to size by.",
        )
    return risk
