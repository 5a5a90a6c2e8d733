"""What the paper broker's books must say: slow, written on its own from the rules in its README, lists and Decimals only.

Nothing is kept that can be counted again: positions, margin and results are added up from the day's trades each time they
are asked for. A step is a generator that stops before the broker's first commit and after each, so that the books left by a
killed process can be found among the states in between.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, TypeAlias

from bridge.brokers.base import OrderRequest, TriggerRequest
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import OrderType, Product, TimeInForce
from tests.brokers.paper_script import INDIA, Quoted, Step, squared_off

ZERO = Decimal(0)
HAIR = Decimal("0.000001")  # by which sums of rounded thirds may differ
HALF_A_PAISA = Decimal("0.005")
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT)
Place: TypeAlias = tuple[str, Product]  # an instrument's key and a product
Level: TypeAlias = tuple[Decimal, Decimal]
Course: TypeAlias = Generator[None, None, str]  # stops at each commit, ends with a refusal's code

# Percent of a trade: brokerage, exchange, transaction tax on buys and on sells, stamp on buys.
INDIA_RATES: Mapping[str, Sequence[str]] = {
    "intraday": ("0.03", "0.00297", "0", "0.025", "0.003"),
    "delivery": ("0", "0.00297", "0.1", "0.1", "0.015"),
    "futures": ("0.03", "0.00173", "0", "0.02", "0.002"),
    "options": ("100", "0.03503", "0", "0.1", "0.003"),
}
TAXES_ROSE = date(2026, 4, 1)
RISEN = {"futures": Decimal("0.05"), "options": Decimal("0.15")}  # on sells


@dataclass(slots=True)
class Order:
    """One order as it stands."""

    ref: str
    instrument: Instrument
    sign: int
    product: Product
    quantity: Decimal
    order_type: OrderType
    price: Decimal | None
    trigger: Decimal | None
    tif: TimeInForce
    unit: Decimal
    filled: Decimal = ZERO
    value: Decimal = ZERO
    state: str = "open"
    triggered: bool = False
    came_at: Decimal | None = None  # the last price when it came to rest

    @property
    def key(self) -> Place:
        return self.instrument.key, self.product

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def works(self) -> bool:
        return self.state in ("open", "trigger_pending", "partially_filled")

    @property
    def sleeps(self) -> bool:
        return self.order_type in STOPS and not self.triggered

    @property
    def limit(self) -> Decimal | None:
        return self.price if self.order_type in LIMITS else None


@dataclass(slots=True)
class Waiting:
    """One trigger as it stands. `legs` are (trigger price, does it wait for a rise, limit or None)."""

    ref: str
    request: TriggerRequest
    legs: list[tuple[Decimal, bool, Decimal | None]]
    unit: Decimal
    expires: datetime
    state: str = "active"

    def reached(self, last: Decimal) -> tuple[Decimal, bool, Decimal | None] | None:
        hit = [leg for leg in self.legs if (last >= leg[0] if leg[1] else last <= leg[0])]
        return hit[0] if hit else None


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution: `sign` +1 for a purchase."""

    place: Place
    sign: int
    quantity: Decimal
    price: Decimal
    costs: Decimal
    unit: Decimal


@dataclass(slots=True)
class Stand:
    """What is held of one instrument and product, and what it made today."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    margin: Decimal = ZERO
    realised: Decimal = ZERO


@dataclass(slots=True)
class ReferenceBook:
    """The account."""

    traded: Mapping[str, Instrument]
    now: datetime
    partial: bool = False
    costs: bool = False
    slippage: Decimal = ZERO
    keeps_margin: bool = False  # triggers block theirs from the start
    begins_with: Mapping[str, Decimal] = field(default_factory=dict)
    capital: dict[str, Decimal] = field(default_factory=dict)
    day: date = date.min
    opening: dict[Place, Stand] = field(default_factory=dict)
    stock: dict[str, Stand] = field(default_factory=dict)  # delivered, at the start of the day
    trades: list[Trade] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    older: set[str] = field(default_factory=set)  # refs of orders that were over before today
    triggers: list[Waiting] = field(default_factory=list)
    quotes: dict[str, Quoted] = field(default_factory=dict)
    eaten: dict[tuple[str, int], Decimal] = field(default_factory=dict)
    looked: set[str] = field(default_factory=set)  # intraday orders that were seen after the square-off time
    resets: int = 0

    def __post_init__(self) -> None:
        self.capital = dict(self.begins_with)
        self.day = self._today()

    # What happens

    def act(self, step: Step) -> Course:
        """Let the step happen, commit by commit."""
        if step.quoted is not None:
            self.now += timedelta(seconds=1)
            self.quotes[step.quoted.key] = step.quoted
            self.eaten = {place: units for place, units in self.eaten.items() if place[0] != step.quoted.key}
        self.now += timedelta(seconds=step.seconds)
        if step.kind == "reopen":
            self.eaten.clear()
            self.looked.clear()
        yield
        if step.kind in ("price", "sleep", "reopen"):
            return ""
        self.read()
        yield
        if step.kind == "match":
            yield from self._match()
            return ""
        code = _ACTS[step.kind](self, step)
        yield
        return code

    def read(self) -> None:
        """What any look at the books does first."""
        if self.day < self._today():
            self._turn()

    def copied(self) -> ReferenceBook:
        """Another book that stands where this one does."""
        other = copy.copy(self)
        other.capital, other.opening, other.stock = dict(self.capital), dict(self.opening), dict(self.stock)
        other.trades, other.quotes, other.eaten = [*self.trades], dict(self.quotes), dict(self.eaten)
        other.orders = [copy.copy(order) for order in self.orders]
        other.triggers = [copy.copy(trigger) for trigger in self.triggers]
        other.older, other.looked = {*self.older}, {*self.looked}
        return other

    def _place(self, step: Step) -> str:
        assert step.order is not None
        return self._enter(self._order(step.order), step.order)

    def _modify(self, step: Step) -> str:
        assert step.order is not None
        return self._change(step.ref, step.order)

    def _cancel(self, step: Step) -> str:
        order, code = self._working(step.ref)
        if order is not None:
            order.state = "cancelled"
        return code

    def _keep(self, step: Step) -> str:
        assert step.trigger is not None
        if code := self._trigger_refusal(step.trigger):
            return code
        waiting = self._waiting(step.trigger)
        before = self.copied()
        self.triggers.append(waiting)
        if self.keeps_margin and self._short_of(before, waiting.request, waiting.request.quantity):
            self.triggers.remove(waiting)
            return "insufficient_margin"
        return ""

    def _modify_trigger(self, step: Step) -> str:
        assert step.trigger is not None
        old, code = self._active(step.ref)
        if old is None:
            return code
        asked = step.trigger
        known = old.request
        if (asked.instrument, asked.side, len(asked.legs)) != (known.instrument, known.side, len(known.legs)):
            return "modify_not_allowed"
        if code := self._trigger_refusal(asked):
            return code
        where = self.triggers.index(old)
        without = self.copied()
        del without.triggers[where]
        self.triggers[where] = self._waiting(asked)
        if self.keeps_margin and self._short_of(without, asked, asked.quantity):
            self.triggers[where] = old
            return "insufficient_margin"
        return ""

    def _cancel_trigger(self, step: Step) -> str:
        trigger, code = self._active(step.ref)
        if trigger is not None:
            trigger.state = "cancelled"
        return code

    def _match(self) -> Generator[None, None, None]:
        """Who would react to the prices as they stand is asked of all first; then one after the other."""
        springing = [each for each in self.triggers if each.state == "active" and self._would_spring(each)]
        reacting = [order.ref for order in self.orders if order.works and self._would_react(order)]
        for trigger in springing:
            self._spring(trigger)
            yield
        for order in [each for ref in reacting for each in self.orders if each.ref == ref]:
            if self._too_late(order):
                order.state = "cancelled"
            else:
                self._carry_out(order)
            yield

    def _reset(self, step: Step) -> str:
        self.orders = [order for order in self.orders if order.works]
        for order in self.orders:
            order.state = "cancelled"
        self.capital = dict(self.begins_with)
        self.opening, self.stock, self.eaten = {}, {}, {}
        self.trades, self.older = [], set()
        refs = {order.ref for order in self.orders}
        self.triggers = [each for each in self.triggers if each.state == "active" or f"T:{each.ref}" in refs]
        for each in self.triggers:
            each.state = "cancelled" if each.state == "active" else each.state
        self.resets += 1
        return ""

    # The day

    def _today(self) -> date:
        return self.now.astimezone(INDIA).date()

    def _turn(self) -> None:
        """Orders expire, contracts end at the last price, deliveries arrive, results become capital."""
        self.day = self._today()
        self.looked.clear()
        self.older |= {order.ref for order in self.orders if not order.works}
        self.orders = [order for order in self.orders if order.works]
        for order in self.orders:
            if order.tif is not TimeInForce.GTC or self._is_over(order.instrument):
                order.state = "expired"
        for trigger in self.triggers:
            if trigger.state == "active" and trigger.expires <= self.now:
                trigger.state = "expired"
        for place, stand in self.stands()[0].items():
            if stand.quantity and self._is_over(self.traded[place[0]]):
                sign = -1 if stand.quantity > 0 else 1
                price = self.quotes[place[0]].last
                self.trades.append(Trade(place, sign, abs(stand.quantity), price, ZERO, ZERO))
        positions, stock = self.stands()
        for currency in self.capital:
            self.capital[currency] += self._made(positions, currency) - self._paid(currency)
        self.opening, self.stock, self.trades = {}, stock, []
        for (key, product), stand in positions.items():
            if product is Product.CNC and stand.quantity:
                held = self.stock.setdefault(key, Stand())
                held.quantity += stand.quantity
                held.cost += stand.cost
            elif stand.quantity:
                self.opening[key, product] = Stand(stand.quantity, stand.cost, stand.margin)

    def _is_over(self, instrument: Instrument) -> bool:
        return instrument.expiry is not None and instrument.expiry < self.day

    # Counting

    def stands(self) -> tuple[dict[Place, Stand], dict[str, Stand]]:
        """Positions and delivered stock, from the start of the day through every trade."""
        positions, stock = copy.deepcopy(self.opening), copy.deepcopy(self.stock)
        for trade in self.trades:
            stand = positions.setdefault(trade.place, Stand())
            left = trade.quantity
            if stand.quantity * trade.sign < 0:
                closed = min(left, abs(stand.quantity))
                _take(stand, stand, closed, trade.price, -trade.sign)
                left -= closed
            if left and trade.place[1] is Product.CNC and trade.sign < 0:
                _take(stock[trade.place[0]], stand, left, trade.price, 1)
            elif left:
                stand.quantity += trade.sign * left
                stand.cost += left * trade.price
                stand.margin += left * trade.unit
        return positions, stock

    def funds(self, currency: str) -> dict[str, Decimal]:
        """Available, used, realised after costs, unrealised and capital."""
        positions, stock = self.stands()
        mine = {place: stand for place, stand in positions.items() if self._currency(place[0]) == currency}
        delivered = {key: stand for key, stand in stock.items() if self._currency(key) == currency}
        used = sum((stand.margin for stand in mine.values()), ZERO)
        used += sum((stand.cost for stand in delivered.values()), ZERO)
        for place in {*mine, *(each[0] for each in self._claims() if self._currency(each[0][0]) == currency)}:
            used += self._blocked(place, positions.get(place, Stand()))
        realised = self._made(positions, currency) - self._paid(currency)
        open_ones = [(place[0], stand) for place, stand in mine.items()] + list(delivered.items())
        worth = [(stand, self.quotes[key].last) for key, stand in open_ones]
        gains = (stand.quantity * last - (stand.cost if stand.quantity > 0 else -stand.cost) for stand, last in worth)
        return {
            "available": self.capital[currency] + realised - used,
            "used": used,
            "realised": realised,
            "unrealised": sum(gains, ZERO),
            "capital": self.capital[currency],
        }

    def _currency(self, key: str) -> str:
        return self.traded[key].currency

    def _made(self, positions: Mapping[Place, Stand], currency: str) -> Decimal:
        return sum((stand.realised for place, stand in positions.items() if self._currency(place[0]) == currency), ZERO)

    def _paid(self, currency: str) -> Decimal:
        return sum((trade.costs for trade in self.trades if self._currency(trade.place[0]) == currency), ZERO)

    def _claims(self) -> list[tuple[Place, int, Decimal, Decimal]]:
        """(place, sign, units, margin a unit) of everything that waits to trade."""
        found = [(order.key, order.sign, order.left, order.unit) for order in self.orders if order.works]
        if self.keeps_margin:
            for each in self.triggers:
                asked = each.request
                if each.state == "active":
                    found.append(((asked.instrument.key, asked.product), asked.side.sign, asked.quantity, each.unit))
        return found

    def _blocked(self, place: Place, stand: Stand) -> Decimal:
        """The dearer side of what waits. What closes is free; it closes with the cheapest."""
        sides = []
        for sign in (1, -1):
            if place[1] is Product.CNC and sign < 0:
                continue
            closing = max(-sign * stand.quantity, ZERO)
            needed = ZERO
            waiting = sorted((claim[3], claim[2]) for claim in self._claims() if claim[:2] == (place, sign))
            for unit, units in waiting:
                closes = min(units, closing)
                closing -= closes
                needed += (units - closes) * unit
            sides.append(max(needed - stand.margin, ZERO) if sign * stand.quantity < 0 else needed)
        return max(sides)

    def _closable(self, place: Place, sign: int, own: str = "") -> Decimal:
        """Units of that side that only reduce what is there, after what the other orders already want."""
        positions, stock = self.stands()
        held = max(-sign * positions.get(place, Stand()).quantity, ZERO)
        if place[1] is Product.CNC and sign < 0:
            held += stock.get(place[0], Stand()).quantity
        wanted = [o.left for o in self.orders if o.works and (o.key, o.sign) == (place, sign) and o.ref != own]
        return max(held - sum(wanted, ZERO), ZERO)

    # Rules

    def _order(self, request: OrderRequest) -> Order:
        return Order(
            ref=request.ref,
            instrument=request.instrument,
            sign=request.side.sign,
            product=request.product,
            quantity=request.quantity,
            order_type=request.order_type,
            price=request.price,
            trigger=request.trigger_price,
            tif=request.time_in_force,
            unit=self._unit(request.instrument, request.product, request.side.sign, self._assumed(request)),
        )

    def _assumed(self, request: OrderRequest) -> Decimal:
        if request.order_type in LIMITS and request.price is not None:
            return request.price
        if request.order_type is OrderType.STOP and request.trigger_price is not None:
            return request.trigger_price
        quoted = self.quotes[request.instrument.key]
        facing = quoted.asks if request.side.sign > 0 else quoted.bids
        return facing[0][0] if facing else quoted.last

    def _unit(self, instrument: Instrument, product: Product, sign: int, price: Decimal) -> Decimal:
        if instrument.kind is InstrumentKind.EQUITY:
            return price if product is Product.CNC else price / 5
        if instrument.kind is InstrumentKind.FUTURE:
            return price / 10
        if instrument.kind is InstrumentKind.OPTION and sign < 0:
            assert instrument.strike is not None
            return price + instrument.strike * Decimal("0.15")
        return price

    def _refusal(self, request: OrderRequest, order_type: OrderType) -> str:
        """The first thing that is wrong with an order, were it of that type."""
        instrument, quantity = request.instrument, request.quantity
        last, sign = self.quotes[instrument.key].last, request.side.sign
        if instrument.expiry is not None and instrument.expiry < self.day:
            return "contract_expired"
        if request.product is Product.NRML and instrument.kind is InstrumentKind.EQUITY:
            return "product_not_allowed"
        if request.product is Product.CNC and instrument.is_derivative:
            return "product_not_allowed"
        if instrument.kind is not InstrumentKind.CRYPTO and quantity % instrument.lot_size:
            return "not_whole_lots"
        if instrument.freeze_quantity is not None and quantity > instrument.freeze_quantity:
            return "quantity_above_freeze"
        trigger, price = request.trigger_price, request.price
        if trigger is not None and order_type in STOPS:
            if order_type is OrderType.STOP_LIMIT and price is not None and sign * trigger > sign * price:
                return "trigger_beyond_limit"
            if sign * trigger < sign * last:
                return "trigger_passed"
        return ""

    def _trigger_refusal(self, request: TriggerRequest) -> str:
        if request.product is Product.MIS:
            return "product_not_allowed"
        bare = OrderRequest(
            ref=request.ref,
            instrument=request.instrument,
            side=request.side,
            quantity=request.quantity,
            order_type=OrderType.MARKET,
            product=request.product,
        )
        if code := self._refusal(bare, OrderType.MARKET):
            return code
        last = self.quotes[request.instrument.key].last
        above = [leg.trigger_price > last for leg in request.legs]
        on_it = any(leg.trigger_price == last for leg in request.legs)
        return "trigger_passed" if on_it or (len(above) == 2 and above[0] == above[1]) else ""

    def _too_late(self, order: Order) -> bool:
        if order.product is not Product.MIS or not squared_off(self.now):
            return False
        return order.left > -order.sign * self.stands()[0].get(order.key, Stand()).quantity

    def _enter(self, order: Order, request: OrderRequest) -> str:
        """A new order, with all it does at once; refused, it stands in the book as rejected."""
        code = self._refusal(request, order.order_type) or self._try(order, None)
        if code:
            order.state = "rejected"
            self.orders.append(order)
        return code

    def _change(self, ref: str, request: OrderRequest) -> str:
        old, code = self._working(ref)
        if old is None:
            return code
        asked = (request.instrument.key, request.side.sign, request.product)
        if asked != (old.instrument.key, old.sign, old.product) or request.quantity <= old.filled:
            return "modify_not_allowed"
        became = {OrderType.STOP: OrderType.MARKET, OrderType.STOP_LIMIT: OrderType.LIMIT}
        order_type = became.get(request.order_type, request.order_type) if old.triggered else request.order_type
        if code := self._refusal(request, order_type):
            return code
        new = self._order(request)
        new.filled, new.value = old.filled, old.value
        new.triggered = old.triggered and request.order_type in STOPS
        return self._try(new, old)

    def _try(self, order: Order, old: Order | None) -> str:
        """Put the order into the book, in place of `old`, unless stock, hour or money are against it."""
        closable = self._closable(order.key, order.sign, order.ref)
        if order.product is Product.CNC and order.sign < 0 and order.left > closable:
            return "insufficient_holdings"
        if self._too_late(order):
            return "after_square_off"
        wanted = order.left
        after, mine = self.copied(), copy.copy(order)
        if old is None:
            after.orders.append(mine)
        else:
            after.orders[self.orders.index(old)] = mine
        after._carry_out(mine)
        currency = order.instrument.currency
        there, then = (book.funds(currency)["available"] for book in (self, after))
        if wanted > closable and then < min(there, ZERO) - HAIR:
            return "insufficient_margin"
        self.orders, self.trades, self.eaten = after.orders, after.trades, after.eaten
        return ""

    def _short_of(self, before: ReferenceBook, asked: TriggerRequest, units: Decimal) -> bool:
        place, currency = (asked.instrument.key, asked.product), asked.instrument.currency
        there, then = (book.funds(currency)["available"] for book in (before, self))
        return units > before._closable(place, asked.side.sign) and then < min(there, ZERO) - HAIR

    # The market

    def _carry_out(self, order: Order) -> None:
        quoted = self.quotes[order.instrument.key]
        reached = order.trigger is not None and order.sign * quoted.last >= order.sign * order.trigger
        if order.sleeps and reached:
            order.triggered, order.came_at = True, None
        if not order.sleeps:
            fills = self._fills(order, quoted)
            whole = sum((units for _, units in fills), ZERO) == order.left
            for price, units in fills if whole or order.tif is not TimeInForce.FOK else ():
                self._fill(order, price, units)
        if not order.left:
            order.state = "filled"
        elif order.sleeps:
            order.state = "trigger_pending"
        elif order.tif in (TimeInForce.IOC, TimeInForce.FOK):
            order.state = "cancelled"
        else:
            order.state = "partially_filled" if order.filled else "open"
            order.came_at = quoted.last if order.came_at is None else order.came_at

    def _fills(self, order: Order, quoted: Quoted) -> list[Level]:
        """(price, units) the market gives the order now."""
        limit = order.limit
        levels = [*(quoted.asks if order.sign > 0 else quoted.bids)]
        if not quoted.asks and not quoted.bids:
            levels = [(quoted.last, Decimal("Infinity"))]
        within = [level for level in levels if limit is None or order.sign * level[0] <= order.sign * limit]
        if limit is not None and order.came_at is not None:
            if not within and order.sign * order.came_at > order.sign * limit >= order.sign * quoted.last:
                within = levels[:1]
            within = [(limit, units) for _, units in within]
        eaten = self.eaten.get((quoted.key, order.sign), ZERO) if self.partial else ZERO
        wanted, fills = order.left, []
        for price, units in within:
            gone = min(eaten, units)
            eaten -= gone
            taken = min(units - gone, wanted)
            wanted -= taken
            fills.append((price, taken))
        if wanted and within and not self.partial:
            fills.append((within[-1][0], wanted))
        prices = list(dict.fromkeys(price for price, units in fills if units))
        joined = [(price, sum((units for at, units in fills if at == price), ZERO)) for price in prices]
        return [(self._slipped(order, price), units) for price, units in joined] if limit is None else joined

    def _slipped(self, order: Order, price: Decimal) -> Decimal:
        tick = order.instrument.tick_size
        worse = price * (1 + order.sign * self.slippage / 100)
        return (worse / tick).to_integral_value(ROUND_CEILING if order.sign > 0 else ROUND_FLOOR) * tick

    def _fill(self, order: Order, price: Decimal, units: Decimal) -> None:
        costs = self._costs(order, order.value + units * price) - self._costs(order, order.value)
        unit = self._unit(order.instrument, order.product, order.sign, price)
        self.trades.append(Trade(order.key, order.sign, units, price, costs, unit))
        order.filled += units
        order.value += units * price
        if self.partial:
            place = order.instrument.key, order.sign
            self.eaten[place] = self.eaten.get(place, ZERO) + units

    def _costs(self, order: Order, value: Decimal) -> Decimal:
        kind = order.instrument.kind
        if not self.costs or kind is InstrumentKind.CRYPTO:
            return ZERO
        equity = "delivery" if order.product is Product.CNC else "intraday"
        name = {InstrumentKind.FUTURE: "futures", InstrumentKind.OPTION: "options"}.get(kind, equity)
        brokerage, exchange, buying, selling, stamp = (value * Decimal(rate) / 100 for rate in INDIA_RATES[name])
        if self.day >= TAXES_ROSE and name in RISEN:
            selling = value * RISEN[name] / 100
        services = min(brokerage, Decimal(20)) + exchange + value * Decimal("0.0001") / 100
        return services * Decimal("1.18") + (buying + stamp if order.sign > 0 else selling)

    def _would_react(self, order: Order) -> bool:
        if squared_off(self.now) and order.product is Product.MIS and order.ref not in self.looked:
            self.looked.add(order.ref)
            return True
        tried = copy.copy(order)
        self.copied()._carry_out(tried)
        return tried != order

    def _would_spring(self, trigger: Waiting) -> bool:
        last = self.quotes[trigger.request.instrument.key].last
        return trigger.expires <= self.now or trigger.reached(last) is not None

    def _spring(self, trigger: Waiting) -> None:
        asked = trigger.request
        leg = trigger.reached(self.quotes[asked.instrument.key].last)
        if trigger.expires <= self.now or leg is None:
            trigger.state = "expired"
            return
        trigger.state = "triggered"
        request = OrderRequest(
            ref=f"T:{trigger.ref}",
            instrument=asked.instrument,
            side=asked.side,
            quantity=asked.quantity,
            order_type=OrderType.MARKET if leg[2] is None else OrderType.LIMIT,
            product=asked.product,
            price=leg[2],
        )
        self._enter(self._order(request), request)

    def _waiting(self, request: TriggerRequest) -> Waiting:
        last = self.quotes[request.instrument.key].last
        expires = self.now + timedelta(days=365)
        if request.instrument.expiry is not None:
            midnight = datetime.combine(request.instrument.expiry + timedelta(days=1), time(0), INDIA)
            expires = min(expires, midnight)
        prices = [leg.trigger_price if leg.price is None else leg.price for leg in request.legs]
        units = [self._unit(request.instrument, request.product, request.side.sign, price) for price in prices]
        legs = [(leg.trigger_price, leg.trigger_price > last, leg.price) for leg in request.legs]
        return Waiting(request.ref, request, legs, max(units), expires)

    # Finding

    def _working(self, ref: str) -> tuple[Order | None, str]:
        found = next((order for order in self.orders if order.ref == ref), None)
        if found is None:
            return None, "order_not_working" if ref in self.older else "order_not_found"
        return (found, "") if found.works else (None, "order_not_working")

    def _active(self, ref: str) -> tuple[Waiting | None, str]:
        found = next((each for each in self.triggers if each.ref == ref), None)
        if found is None:
            return None, "trigger_not_found"
        return (found, "") if found.state == "active" else (None, "trigger_not_active")

    def facts(self) -> dict[str, Any]:
        """Everything a trader could see, as `paper_facts` shows it of the broker."""
        positions, stock = self.stands()
        return {
            "funds": {currency: self.funds(currency) for currency in self.capital},
            "positions": {
                (key, product.value): [stand.quantity, stand.cost, stand.margin, stand.realised]
                for (key, product), stand in positions.items()
                if stand.quantity or abs(stand.realised) > HALF_A_PAISA
            },
            "stock": {key: [stand.quantity, stand.cost] for key, stand in stock.items() if stand.quantity},
            "orders": {order.ref: [order.state, order.filled, order.value, order.triggered] for order in self.orders},
            "triggers": {each.ref: each.state for each in self.triggers},
            "resets": self.resets,
        }


_ACTS: Mapping[str, Callable[[ReferenceBook, Step], str]] = {
    "place": ReferenceBook._place,
    "modify": ReferenceBook._modify,
    "cancel": ReferenceBook._cancel,
    "keep": ReferenceBook._keep,
    "change": ReferenceBook._modify_trigger,
    "drop": ReferenceBook._cancel_trigger,
    "reset": ReferenceBook._reset,
}


def _take(source: Stand, result: Stand, units: Decimal, price: Decimal, direction: int) -> None:
    """Take units out of what is held at what they cost on average; the difference to the price is made or lost."""
    share = units / abs(source.quantity)
    result.realised += direction * (units * price - source.cost * share)
    source.cost -= source.cost * share
    source.margin -= source.margin * share
    source.quantity -= direction * units
