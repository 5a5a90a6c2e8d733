"""From an intent to orders: mapped to an instrument, sized in units, resolved against a position, cut into slices. All pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from bridge.accounts.model import Feed, StrategySettings
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import Intent, Level, OrderIntent, OrderType, Product, QuantityType, Side, TimeInForce
from bridge.domain.refusal import Refusal
from bridge.market.base import Quote
from bridge.orders.situation import EXIT_INTENTS, POSITION_INTENTS, WORKING_ORDER_INTENTS, Candidate, Standing
from bridge.orders.sizing import COUNTED, OF_FUNDS, Mapped, Money, NotPlanned, floor, pip_of, size

TRADABLE = frozenset(Intent) - {Intent.MODIFY_POSITION, Intent.SET_VARIABLE}
OPENS_WHEN_FLAT = "opens_when_flat"  # in the extras of a target; no dialect writes it
LONG_INTENTS = frozenset({Intent.BUY, Intent.ENTER_LONG, Intent.EXIT_SHORT, Intent.START_DEAL})
SHORT_INTENTS = frozenset({Intent.SELL, Intent.ENTER_SHORT, Intent.EXIT_LONG})


Know = Callable[[Instrument, Product], Standing | None]


def unsure(_: Instrument, __: Product) -> Standing | None:
    """Nobody here knows what the strategy holds."""
    return None


OF_ACCOUNT = OF_FUNDS | {QuantityType.PERCENT_POSITION, QuantityType.FULL_POSITION}


def candidate(
    intent: OrderIntent,
    mapped: Mapped,
    settings: StrategySettings,
    feed: Feed,
    money: Money,
    know: Know = unsure,
) -> Candidate | Refusal:
    """One intent for one account, as far as it can be decided without the account's position.

    `know(instrument, product)` is what the strategy holds, None where nobody here knows. With it, an order that would close the
    opposite first can be sized at once when there is no opposite, and a plain order that may close something waits for its desk.
    """
    try:
        return _candidate(intent, mapped, settings, feed, money, know)
    except NotPlanned as no:
        return no.refusal


def _candidate(
    intent: OrderIntent, mapped: Mapped, settings: StrategySettings, feed: Feed, money: Money, know: Know
) -> Candidate:
    if intent.intent not in TRADABLE:
        raise NotPlanned(
            f"{intent.intent.value}_unsupported",
            f"“{intent.intent.value.replace('_', ' ')}” asks for something that no order can do: Bridge keeps no stop or target with"
            " a position, and no variables.",
        )
    intent = scan_as_order(intent, settings)
    side = side_of(intent)
    reduces = _reduces(intent, side, settings)
    order_type = intent.order_type
    if order_type is OrderType.DEFAULT:
        order_type = _implied_type(intent) or (OrderType.MARKET if reduces else settings.order_type)
    product = intent.product or mapped.product or settings.product or _usual_product(mapped.instrument)
    standing = know(mapped.instrument, product)
    may_close = side is None or (standing is not None and standing.may_close(side))
    decided_there = reduces or _needs_position(intent) or intent.intent in WORKING_ORDER_INTENTS
    needs_position = decided_there or may_close or _must_be_sure(intent, settings, standing)
    price, trigger = _prices(intent, side, order_type, mapped.instrument, money.quote)
    quantity, note = (
        (None, "decided by the position")
        if needs_position
        else size(intent, side, mapped, settings, feed, money, price or trigger)
    )
    return Candidate(
        intent=intent,
        instrument=mapped.instrument,
        side=side,
        quantity=quantity,
        order_type=order_type,
        product=product,
        time_in_force=intent.time_in_force or TimeInForce.DAY,
        price=price,
        trigger_price=trigger,
        reduces=reduces,
        needs_position=needs_position,
        opens_for_sure=standing is not None and not may_close and intent.intent not in POSITION_INTENTS,
        mapped_quantity=mapped.quantity,
        notes=(*mapped.said, note),
    )


def scan_as_order(intent: OrderIntent, settings: StrategySettings) -> OrderIntent:
    """A screener's hit with the side that the strategy's settings give it; the message never decides it."""
    if intent.intent is not Intent.SCAN_HIT:
        return intent
    keyword = intent.extras.get("keyword_action")
    action = keyword if settings.scan_side == "keyword" else settings.scan_side
    verb = {
        "buy": Intent.ENTER_LONG,
        "sell": Intent.ENTER_SHORT,
        "enter_long": Intent.ENTER_LONG,
        "enter_short": Intent.ENTER_SHORT,
        "exit_long": Intent.EXIT_LONG,
        "exit_short": Intent.EXIT_SHORT,
    }.get(str(action))
    if verb is None:
        raise NotPlanned(
            "scan_side_missing", "A scan has no side. Set in the strategy whether its symbols are bought or sold."
        )
    # The screener's trigger price is the price at the scan, not a stop.
    extras = {**intent.extras, "scan": True}
    return replace(intent, intent=verb, trigger_price=None, signal_price=intent.trigger_price, extras=extras)


def _must_be_sure(intent: OrderIntent, settings: StrategySettings, standing: Standing | None) -> bool:
    """Whether it matters what is held, and that is not known here. (Whether the order may close something was asked before.)"""
    if _asks_if_held(intent, settings):
        return standing is None or not standing.certain or standing.held != 0
    return standing is None and bool(intent.close_opposite or intent.extras.get("trade_type"))


def _asks_if_held(intent: OrderIntent, settings: StrategySettings) -> bool:
    """A screener names a symbol again as long as it stays in the scan; that is not a wish for more of it."""
    return bool(intent.extras.get("scan")) and settings.scan_repeats == "hold"


def side_of(intent: OrderIntent) -> Side | None:
    """The side an intent trades on, None where the position decides."""
    if intent.intent in LONG_INTENTS:
        return Side.BUY
    if intent.intent in SHORT_INTENTS:
        return Side.SELL
    return None if intent.intent in (Intent.EXIT, Intent.FLATTEN, Intent.TARGET_POSITION) else intent.side


def _reduces(intent: OrderIntent, side: Side | None, settings: StrategySettings) -> bool:
    """A sell in a long-only strategy (a buy in a short-only one) is the way out, as OpenAlgo's users mean it."""
    if intent.intent in EXIT_INTENTS or intent.reduce_only:
        return True
    if intent.intent is Intent.TARGET_POSITION:
        return intent.target_position == 0 and not _opens_when_flat(intent)
    plain = intent.intent in (Intent.BUY, Intent.SELL)
    return plain and side is not None and settings.direction == ("long" if side is Side.SELL else "short")


def _opens_when_flat(intent: OrderIntent) -> bool:
    """A target of zero that means "close what is held; where nothing is held, place the order that I describe"."""
    return bool(intent.extras.get(OPENS_WHEN_FLAT)) and intent.target_position == 0


def _needs_position(intent: OrderIntent) -> bool:
    """Whether only the account's desk, which knows its position and its funds, can say how much."""
    return intent.intent in POSITION_INTENTS or bool(intent.cancel_open_orders) or intent.quantity_type in OF_ACCOUNT


def _implied_type(intent: OrderIntent) -> OrderType | None:
    """A price in a message that names no type says the type; a mere price at the alert stands in `signal_price`."""
    given = (intent.price is not None, intent.trigger_price is not None)
    return {(True, True): OrderType.STOP_LIMIT, (True, False): OrderType.LIMIT, (False, True): OrderType.STOP}.get(
        given
    )


def _usual_product(instrument: Instrument) -> Product:
    return Product.MIS if instrument.kind in (InstrumentKind.EQUITY, InstrumentKind.INDEX) else Product.NRML


def priced(wish: Candidate, side: Side, quote: Quote | None) -> Candidate | Refusal:
    """The candidate on the side that the position decided, with the prices that depend on it."""
    try:
        price, trigger = _prices(wish.intent, side, wish.order_type, wish.instrument, quote)
    except NotPlanned as no:
        return no.refusal
    return replace(wish, side=side, price=price, trigger_price=trigger)


def _prices(
    intent: OrderIntent, side: Side | None, order_type: OrderType, instrument: Instrument, quote: Quote | None
) -> tuple[Decimal | None, Decimal | None]:
    """Limit and trigger price; a distance is taken from the last price: a limit waits below for a buy, a stop above."""
    price, trigger = intent.price, intent.trigger_price
    offset = intent.entry or intent.price_offset
    wanted = {OrderType.LIMIT: "price", OrderType.STOP: "trigger", OrderType.STOP_LIMIT: "trigger"}.get(order_type)
    if wanted and offset is not None and side and (price if wanted == "price" else trigger) is None:
        down = side is Side.BUY if wanted == "price" else side is Side.SELL
        found = _from_distance(offset, -1 if down else 1, intent.side is not None, instrument, quote)
        price, trigger = (found, trigger) if wanted == "price" else (price, found)
    uses_price = order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    uses_trigger = order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
    return (price if uses_price else None), (trigger if uses_trigger else None)


def _from_distance(
    offset: Level | Decimal, sign: int, side_was_said: bool, instrument: Instrument, quote: Quote | None
) -> Decimal:
    level = offset if isinstance(offset, Level) else Level(type="offset", value=offset)
    if level.signed or (not isinstance(offset, Level) and side_was_said):
        sign = 1  # a sender who knows the side says by the number's own sign whether it is up or down from the market
    if level.value is None or level.type in ("setting", "trail_percent", "trail_offset"):
        raise NotPlanned(
            "price_unit_unknown",
            "The entry is a number without a unit. Let the sender say whether it is a price, a percentage or pips.",
        )
    if level.type == "price":
        return level.value
    if quote is None:
        raise NotPlanned(
            "price_unknown", f"There is no price for {instrument.symbol} from which to count the distance."
        )
    found = quote.last + sign * level.value * _unit(level, quote, instrument)
    return (found / instrument.tick_size).to_integral_value() * instrument.tick_size


@dataclass(frozen=True, slots=True)
class Step:
    """One order that a position calls for. `opens` is the part beyond zero (only when it crosses or starts there).

    `asked` is the part beyond zero that was cut off, because a person is asked for it first.
    """

    side: Side
    quantity: Decimal
    reduces: bool
    opens: Decimal
    why: str
    asked: Decimal = Decimal(0)


def against_position(
    wish: Candidate,
    held: Decimal,
    settings: StrategySettings,
    feed: Feed,
    money: Money,
    mapped: Mapped,
    leaving: Decimal = Decimal(0),
) -> Step | Refusal | None:
    """What an intent that depends on the position asks for when the strategy holds `held` signed units; None: nothing to do.

    `leaving` units beyond `held` are on their way out already; a share counts from both together.
    """
    try:
        target = _target(wish, held, settings, feed, money, mapped, leaving)
    except NotPlanned as no:
        return no.refusal
    change = target - held
    if change == 0:
        return None
    reduces = abs(target) < abs(held) and target * held >= 0
    opens = abs(target) if target * held < 0 or held == 0 else max(abs(target) - abs(held), Decimal(0))
    side = Side.BUY if change > 0 else Side.SELL
    why = f"holds {held.normalize():f}, wants {target.normalize():f}: {side.value} {abs(change).normalize():f}"
    return Step(side, abs(change), reduces, opens, why)


def _unit(level: Level, quote: Quote, instrument: Instrument) -> Decimal:
    """What one of a distance's units is in price."""
    if level.type == "percent":
        return quote.last / 100
    if level.type == "pips":
        return pip_of(instrument)
    return instrument.tick_size if level.type == "points" else Decimal(1)


def _target(
    wish: Candidate,
    held: Decimal,
    settings: StrategySettings,
    feed: Feed,
    money: Money,
    mapped: Mapped,
    leaving: Decimal,
) -> Decimal:
    """The signed position that the intent wants."""
    intent = wish.intent
    if held and not wish.reduces and _asks_if_held(intent, settings):
        raise NotPlanned(
            "already_held", f"The strategy holds {wish.instrument.symbol} already, and the scan names it again."
        )
    if wish.reduces and intent.intent is not Intent.TARGET_POSITION:
        return _after_exit(wish, held, settings, feed, leaving)
    if _opens_when_flat(intent) and held == 0 and intent.quantity and intent.side is not None:
        units, how = size(intent, intent.side, mapped, settings, feed, money, wish.price)
        if not units:
            raise NotPlanned("quantity_zero", f"The size comes to nothing: {how}.")
        return intent.side.sign * units
    if intent.target_position is not None and intent.intent in (Intent.TARGET_POSITION, Intent.REVERSE):
        wanted = intent.target_position
        return wanted if feed.multiplier == 1 else _signed_floor(wanted * feed.multiplier, wish.instrument)
    if intent.intent is Intent.TARGET_POSITION:
        if intent.quantity is None or intent.side is None:
            raise NotPlanned("target_missing", "The message asks for a position but does not say which.")
        return intent.side.sign * size(intent, intent.side, mapped, settings, feed, money, wish.price)[0]
    if intent.intent is Intent.REVERSE and intent.position_after and intent.position_after.size is not None:
        sign = {"long": 1, "short": -1, "flat": 0}[intent.position_after.side]
        return _signed_floor(sign * intent.position_after.size * feed.multiplier, wish.instrument)
    if intent.intent is Intent.REVERSE:
        return _reversed(wish, held, settings, feed, money, mapped)
    if intent.intent is Intent.ADD:
        if held == 0:
            raise NotPlanned("nothing_to_add_to", f"There is no {wish.instrument.symbol} position to add to.")
        return held + (1 if held > 0 else -1) * size(intent, wish.side, mapped, settings, feed, money, wish.price)[0]
    if wish.side is None:
        raise NotPlanned("side_missing", "The message does not say whether to buy or to sell.")
    opposite = held * wish.side.sign < 0
    if opposite and intent.extras.get("trade_type") == "hedge":
        text = "The message wants both sides held at once; this account keeps one position for each instrument."
        raise NotPlanned("hedge_unsupported", text)
    if opposite and intent.extras.get("trade_type") == "reverse":  # in that sender's words: a signal that only closes
        return Decimal(0)
    # close_opposite or a size relative to the position
    kept = held if held * wish.side.sign > 0 else Decimal(0)
    if intent.quantity_type in (QuantityType.PERCENT_POSITION, QuantityType.FULL_POSITION):
        share = intent.quantity if intent.quantity_type is QuantityType.PERCENT_POSITION else Decimal(100)
        return held + wish.side.sign * floor(abs(held) * (share or 0) / 100, wish.instrument)
    start = kept if intent.close_opposite else held
    return start + wish.side.sign * size(intent, wish.side, mapped, settings, feed, money, wish.price)[0]


def _reversed(
    wish: Candidate, held: Decimal, settings: StrategySettings, feed: Feed, money: Money, mapped: Mapped
) -> Decimal:
    """To the other side: by the message's side and size, else by the present size."""
    side = wish.intent.side or (Side.SELL if held > 0 else Side.BUY)
    if held * side.sign > 0:
        return held  # on that side already
    if wish.intent.quantity is None and held != 0:
        return -held
    return side.sign * size(wish.intent, side, mapped, settings, feed, money, wish.price)[0]


def _after_exit(wish: Candidate, held: Decimal, settings: StrategySettings, feed: Feed, leaving: Decimal) -> Decimal:
    """What is left after an exit: never beyond zero, untouched when the exit is for the other side."""
    if wish.side is not None and held * wish.side.sign >= 0:
        return held
    intent, held_size = wish.intent, abs(held)
    flat_after = intent.position_after is not None and intent.position_after.side == "flat"
    if intent.quantity is None or intent.target_position == 0 or flat_after:
        return Decimal(0)
    if intent.quantity_type is QuantityType.FULL_POSITION:
        return Decimal(0)
    if intent.quantity <= 0:
        raise NotPlanned("quantity_zero", f"An exit of {intent.quantity.normalize():f} closes nothing.")
    out = _exit_size(wish, held_size + leaving, settings, feed)
    if out == 0 and held_size:
        lot = wish.instrument.lot_size.normalize()
        raise NotPlanned(
            "exit_below_lot",
            f"That share of {held_size.normalize():f} is less than one lot of {lot:f}. Nothing was sent.",
        )
    left = max(held_size - out, Decimal(0))
    return left if held > 0 else -left


def _exit_size(wish: Candidate, held_size: Decimal, settings: StrategySettings, feed: Feed) -> Decimal:
    """Units to close, never more than is held is checked by the caller."""
    intent = wish.intent
    number = intent.quantity or Decimal(0)
    unit = settings.number_unit if intent.quantity_type is QuantityType.SETTING else intent.quantity_type
    if unit is QuantityType.PERCENT_POSITION:
        return floor(held_size * number / 100, wish.instrument)
    if unit is not QuantityType.LOTS and unit is not QuantityType.DEFAULT and unit not in COUNTED:
        raise NotPlanned("size_unit_unknown", f"An exit of {unit.value} cannot be turned into units.")
    units = number * (wish.instrument.lot_size if unit is QuantityType.LOTS else 1)
    return units if feed.multiplier == 1 else floor(units * feed.multiplier, wish.instrument)


def _signed_floor(units: Decimal, instrument: Instrument) -> Decimal:
    return floor(abs(units), instrument).copy_sign(units)


def slices(quantity: Decimal, freeze: Decimal | None, lot: Decimal) -> list[Decimal]:
    """The quantity in pieces no larger than the freeze quantity, each of whole lots; in one where not even a lot fits in."""
    if freeze is None or quantity <= freeze or freeze < lot:
        return [quantity]
    piece = (freeze / lot).to_integral_value(ROUND_DOWN) * lot
    whole, rest = divmod(quantity, piece)
    return [piece] * int(whole) + ([rest] if rest else [])
