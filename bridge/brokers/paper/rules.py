"""What the paper broker refuses, in a broker's words, and what it wants as margin. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from bridge.brokers.base import OrderRequest
from bridge.brokers.paper.money import money
from bridge.brokers.paper.records import STOPS
from bridge.brokers.paper.settings import PaperSettings
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import OrderType, Product, Side
from bridge.domain.refusal import Refusal
from bridge.market.base import Quote


class Code(StrEnum):
    """Every code of a `Rejected` from here; `tests/brokers/test_paper_refusals.py` provokes each one."""

    DUPLICATE_REF = "duplicate_ref"
    NOT_TRADABLE = "not_tradable"
    CONTRACT_EXPIRED = "contract_expired"
    MARKET_CLOSED = "market_closed"
    PRODUCT_NOT_ALLOWED = "product_not_allowed"
    QUANTITY_INVALID = "quantity_invalid"
    NOT_WHOLE_LOTS = "not_whole_lots"
    QUANTITY_ABOVE_FREEZE = "quantity_above_freeze"
    PRICE_MISSING = "price_missing"
    OFF_TICK = "off_tick"
    TRIGGER_BEYOND_LIMIT = "trigger_beyond_limit"
    TRIGGER_PASSED = "trigger_passed"
    NO_QUOTE = "no_quote"
    AFTER_SQUARE_OFF = "after_square_off"
    VALUE_TOO_LARGE = "value_too_large"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    INSUFFICIENT_HOLDINGS = "insufficient_holdings"
    ORDER_NOT_FOUND = "order_not_found"
    ORDER_NOT_WORKING = "order_not_working"
    MODIFY_NOT_ALLOWED = "modify_not_allowed"
    TRIGGER_LEGS = "trigger_legs"
    TRIGGER_EXPIRY = "trigger_expiry"
    TRIGGER_NOT_FOUND = "trigger_not_found"
    TRIGGER_NOT_ACTIVE = "trigger_not_active"


REFUSALS = frozenset(code.value for code in Code)

_VALUE_MAX = Decimal(10) ** 15
_SMALLEST_FRACTION = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Ask:
    """An order as it stands before the broker, with what its checks look at. `closed` says why the market takes none now."""

    request: OrderRequest
    quote: Quote | None
    today: date
    closed: str | None = None


Check = Callable[[Ask], Refusal | None]


def refusal(ask: Ask, checks: Sequence[Check] | None = None) -> Refusal | None:
    """The first check that says no, of all or of these; the account's money and stock are the desk's to check."""
    return next((found for check in checks or CHECKS if (found := check(ask))), None)


def instrument_is_tradable(ask: Ask) -> Refusal | None:
    """An index is a number; its derivatives are traded."""
    if ask.request.instrument.kind is InstrumentKind.INDEX:
        return _no(Code.NOT_TRADABLE, f"{ask.request.instrument.symbol} is an index and cannot be traded")
    return None


def contract_is_alive(ask: Ask) -> Refusal | None:
    """An expired contract does not come back."""
    expiry = ask.request.instrument.expiry
    if expiry is not None and expiry < ask.today:
        return _no(Code.CONTRACT_EXPIRED, f"{ask.request.instrument.symbol} expired on {expiry}")
    return None


def market_is_open(ask: Ask) -> Refusal | None:
    """Orders outside the session would wait for a price nobody saw."""
    return _no(Code.MARKET_CLOSED, f"Markets are closed right now: {ask.closed}") if ask.closed else None


def product_fits(ask: Ask) -> Refusal | None:
    """Delivery is for what can be delivered, carrying for what has margin."""
    instrument, product = ask.request.instrument, ask.request.product
    if product is Product.NRML and instrument.kind is InstrumentKind.EQUITY:
        return _no(Code.PRODUCT_NOT_ALLOWED, f"NRML is not allowed in cash equity ({instrument.key}); use CNC or MIS")
    if product is Product.CNC and instrument.is_derivative:
        return _no(Code.PRODUCT_NOT_ALLOWED, f"CNC is not allowed for derivatives ({instrument.key}); use NRML or MIS")
    return None


def figures_are_countable(ask: Ask) -> Refusal | None:
    """Before anything is reckoned with them: beyond this, sums would lose their last digits."""
    for figure in (ask.request.quantity, ask.request.price, ask.request.trigger_price):
        if figure is not None and figure.is_finite() and not is_countable(figure):
            return _no(Code.VALUE_TOO_LARGE, f"The figure {figure:.3g} is above {_VALUE_MAX:f}")
    return None


def is_countable(figure: Decimal) -> bool:
    """Whether sums with it are exact."""
    return figure.is_finite() and abs(figure) <= _VALUE_MAX


def quantity_is_right(ask: Ask) -> Refusal | None:
    """Positive, in whole lots and below the freeze limit."""
    instrument, quantity = ask.request.instrument, ask.request.quantity
    if not quantity.is_finite() or quantity <= 0:
        return _no(Code.QUANTITY_INVALID, f"Quantity must be above zero, was {quantity}")
    if quantity % _step(instrument):
        return _no(
            Code.NOT_WHOLE_LOTS, f"Quantity {quantity:f} is not a multiple of the lot size {_step(instrument):f}"
        )
    limit = instrument.freeze_quantity
    if limit is not None and quantity > limit:
        return _no(
            Code.QUANTITY_ABOVE_FREEZE, f"Quantity {quantity:f} exceeds the freeze quantity {limit:f}; slice the order"
        )
    return None


def _step(instrument: Instrument) -> Decimal:
    # A coin whose master names no step can be divided; a lot of 1 means whole units everywhere else.
    if instrument.kind is InstrumentKind.CRYPTO and instrument.lot_size >= 1:
        return _SMALLEST_FRACTION
    # A currency's lot is a habit of counting, not a step.
    return Decimal(1) if instrument.kind is InstrumentKind.FOREX else instrument.lot_size


def prices_are_given(ask: Ask) -> Refusal | None:
    """Each order type needs its prices."""
    for name, price in _prices(ask.request).items():
        if price is None or not price.is_finite() or price <= 0:
            return _no(
                Code.PRICE_MISSING, f"A {ask.request.order_type.value} order needs a {name} above zero, was {price}"
            )
    return None


def _prices(request: OrderRequest) -> dict[str, Decimal | None]:
    needed: dict[str, Decimal | None] = {}
    if request.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        needed["price"] = request.price
    if request.order_type in STOPS:
        needed["trigger price"] = request.trigger_price
    return needed


def prices_fit_the_tick(ask: Ask) -> Refusal | None:
    """The exchange has no price between two ticks."""
    tick = ask.request.instrument.tick_size
    for name, price in _prices(ask.request).items():
        if tick and price is not None and price % tick:
            return _no(Code.OFF_TICK, f"The {name} {price:f} is not a multiple of the tick size {tick:f}")
    return None


def value_is_countable(ask: Ask) -> Refusal | None:
    """Beyond any account, and beyond exact sums."""
    price = assumed_price(ask.request, ask.quote)
    if price is not None and price * ask.request.quantity > _VALUE_MAX:
        return _no(Code.VALUE_TOO_LARGE, f"The order's value is above {_VALUE_MAX:f}")
    return None


def stop_is_in_order(ask: Ask) -> Refusal | None:
    """A stop-limit whose limit lies before its trigger could not fill when it fires."""
    request = ask.request
    if request.order_type is not OrderType.STOP_LIMIT or request.price is None or request.trigger_price is None:
        return None
    if (request.trigger_price - request.price) * request.side.sign > 0:
        where = "above" if request.side is Side.BUY else "below"
        said = f"Trigger price {request.trigger_price:f} cannot be {where} the limit price {request.price:f}"
        return _no(Code.TRIGGER_BEYOND_LIMIT, f"{said} for a {request.side.value}")
    return None


def trigger_is_ahead(ask: Ask) -> Refusal | None:
    """A stop waits for the price to come; brokers refuse one that has already passed."""
    request, quote = ask.request, ask.quote
    if request.order_type not in STOPS or request.trigger_price is None or quote is None:
        return None
    if (request.trigger_price - quote.last) * request.side.sign < 0:
        where = "below" if request.side is Side.BUY else "above"
        said = f"Trigger price {request.trigger_price:f} cannot be {where} the last traded price {quote.last:f}"
        return _no(Code.TRIGGER_PASSED, f"{said} for a {request.side.value}")
    return None


def there_is_a_price(ask: Ask) -> Refusal | None:
    """A market order without a market would have no margin and no fill."""
    if assumed_price(ask.request, ask.quote) is None:
        return _no(Code.NO_QUOTE, f"There is no price for {ask.request.instrument.key} at the moment")
    return None


CHECKS: tuple[Check, ...] = (
    instrument_is_tradable,
    contract_is_alive,
    market_is_open,
    product_fits,
    figures_are_countable,
    quantity_is_right,
    prices_are_given,
    prices_fit_the_tick,
    stop_is_in_order,
    there_is_a_price,
    value_is_countable,
    trigger_is_ahead,
)


def assumed_price(request: OrderRequest, quote: Quote | None) -> Decimal | None:
    """The price margin is counted at: the limit, else the trigger, else the other side of the market."""
    if request.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        return request.price
    if request.order_type is OrderType.STOP:
        return request.trigger_price
    if quote is None:
        return None
    facing = quote.ask if request.side is Side.BUY else quote.bid
    price = facing if facing > 0 else quote.last
    return price if price > 0 else None


def unit_margin(
    settings: PaperSettings, instrument: Instrument, product: Product, side: Side, price: Decimal
) -> Decimal:
    """What a unit that opens or enlarges a position at `price` needs."""
    leverage = settings.leverage
    if instrument.kind is InstrumentKind.OPTION and side is Side.SELL:
        # The strike stands in for the underlying's price, which the writer owes in the end.
        return money(price + (instrument.strike or price) * settings.option_sell_percent / 100)
    times = {
        InstrumentKind.EQUITY: leverage.equity_cnc if product is Product.CNC else leverage.equity_mis,
        InstrumentKind.FUTURE: leverage.futures,
        InstrumentKind.OPTION: leverage.option_buy,
        InstrumentKind.CRYPTO: leverage.crypto,
        InstrumentKind.FOREX: leverage.forex,
        InstrumentKind.INDEX: Decimal(1),
    }[instrument.kind]
    return money(price / times)


def unit_exposure(settings: PaperSettings, instrument: Instrument, side: Side, price: Decimal) -> Decimal | None:
    """What of a unit's margin is called exposure; `None` for what is paid in full or lent on, and has neither exposure nor span."""
    written = instrument.kind is InstrumentKind.OPTION and side is Side.SELL
    if not written and instrument.kind is not InstrumentKind.FUTURE:
        return None
    return money((instrument.strike or price) * settings.exposure_percent / 100)


def _no(code: Code, message: str) -> Refusal:
    return Refusal(code.value, message)
