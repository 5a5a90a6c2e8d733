"""What must be true before an order goes out: `CHECKS`, in order; the first refusal ends the journey."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo

from bridge.accounts.model import SIDES_ALLOWED
from bridge.domain.instrument import InstrumentKind
from bridge.domain.intent import Intent, OrderType, Side
from bridge.domain.refusal import Refusal
from bridge.orders.situation import Candidate, Situation
from bridge.orders.sizing import step_of

QUANTITY_MAX = 10**12
SLICES_MAX = 10  # what Indian brokers take per request
SPLIT_MAX = 100  # orders that one message may ask to be cut into
BY_OWNER = "by_owner"  # in the extras of a cancel; no dialect writes it
CLOCK_SKEW_MAX_S = 30.0  # a message from further in the future means that one of two clocks is wrong

Check = Callable[[Candidate, Situation], Refusal | None]


def trading_is_not_stopped(candidate: Candidate, situation: Situation) -> Refusal | None:
    """No kill switch stands over this order. Whoever may stop may also cancel."""
    stop = situation.stop
    if stop is None or _is_owners_cancel(candidate):
        return None
    what = "everything" if stop.scope == "global" else f"this {stop.scope}"
    return Refusal(
        "stopped", f"Trading is stopped for {what}: {stop.reason or 'no reason given'}.", {"scope": stop.scope}
    )


def _is_owners_cancel(candidate: Candidate) -> bool:
    """Asked for by a key of the owner's own, not by an alert."""
    return candidate.intent.intent is Intent.CANCEL_ORDERS and bool(candidate.intent.extras.get(BY_OWNER))


def owner_may_trade(_: Candidate, situation: Situation) -> Refusal | None:
    """The strategy's owner is there, switched on, and more than a viewer."""
    user = situation.user
    if user is None or user.disabled or user.role == "viewer":
        return Refusal("user_may_not_trade", "The owner of this strategy may not trade.")
    return None


def strategy_is_on(candidate: Candidate, situation: Situation) -> Refusal | None:
    """The strategy is switched on."""
    if not situation.strategy.enabled and not _is_owners_cancel(candidate):
        return Refusal("strategy_disabled", f"The strategy {situation.strategy.name} is switched off.")
    return None


def account_is_usable(_: Candidate, situation: Situation) -> Refusal | None:
    """The account exists, is its owner's, and a broker stands behind it."""
    account = situation.account
    if account is None or account.user_id != situation.strategy.user_id:
        return Refusal("account_unknown", "The strategy feeds an account that is not there any more.")
    if account.disabled:
        return Refusal("account_disabled", f"The account {account.name} is switched off.")
    if situation.capabilities is None:
        return Refusal("broker_unknown", f"No broker is called {account.broker}.")
    return None


def alert_is_fresh(candidate: Candidate, situation: Situation) -> Refusal | None:
    """A late signal is a different signal."""
    age = situation.alert_age_s
    if situation.unreadable_time and candidate.is_entry:
        said = situation.unreadable_time
        return Refusal(
            "time_unreadable",
            f"The message's time “{said}” cannot be read, so nobody knows how old it is. Send ISO 8601.",
        )
    if age is None:
        return None
    if age < -CLOCK_SKEW_MAX_S:
        return Refusal(
            "alert_from_the_future",
            f"The alert says it was sent {-age:.0f} s from now. A time that names no zone is read as UTC; else one of the two clocks"
            " is wrong.",
            {"age_s": round(age, 3)},
        )
    settings = situation.strategy.settings
    limit = settings.entry_max_age_s if candidate.is_entry else settings.exit_max_age_s
    limit = min(limit, situation.message_max_age_s) if situation.message_max_age_s is not None else limit
    if age <= limit:
        return None
    return Refusal(
        "alert_too_old",
        f"The alert was {age:.0f} s old and the limit is {limit:g} s. Nothing was sent.",
        {"age_s": round(age, 3), "limit_s": limit},
    )


def clock_is_steady(candidate: Candidate, situation: Situation) -> Refusal | None:
    """While the machine's clock is being set, nobody can say how old a signal is."""
    if not situation.clock_jumped or not candidate.is_entry:
        return None
    return Refusal(
        "clock_jumped",
        "This machine's clock was set by more than 30 s a moment ago. Entries are taken again after a minute.",
    )


def direction_is_allowed(candidate: Candidate, situation: Situation) -> Refusal | None:
    """A long-only strategy never sells short, a short-only one never buys."""
    direction = situation.strategy.settings.direction
    if not candidate.is_entry or candidate.side is None or candidate.side in SIDES_ALLOWED[direction]:
        return None
    return Refusal(
        "direction_not_allowed",
        f"{situation.strategy.name} is {direction}-only, and this would open a position by {candidate.side.value}ing.",
        {"direction": direction, "side": candidate.side.value},
    )


def symbol_is_allowed(candidate: Candidate, situation: Situation) -> Refusal | None:
    """The strategy trades this symbol; what it holds of one that left its list can still be closed."""
    if not candidate.is_entry:
        return None
    settings = situation.strategy.settings
    if settings.any_symbol or situation.written in settings.symbols:
        return None
    key = candidate.instrument.key
    if any(f"{m.exchange}:{m.symbol}" == key for m in settings.symbols.values()):
        return None
    return Refusal(
        "symbol_not_allowed",
        f"{situation.strategy.name} does not trade {candidate.instrument.symbol}. Add it to the strategy's symbols.",
        {"symbol": candidate.instrument.key},
    )


def instrument_is_tradable(candidate: Candidate, _: Situation) -> Refusal | None:
    """An index is a number, not a contract."""
    if candidate.instrument.kind is not InstrumentKind.INDEX:
        return None
    name = candidate.instrument.symbol
    return Refusal("index_not_tradable", f"{name} is an index; name its future or an option, for example {name}1!.")


def alert_is_in_order(candidate: Candidate, situation: Situation) -> Refusal | None:
    """An older bar that arrives after a newer one no longer means what it says."""
    if situation.out_of_order is None:
        return None
    return Refusal("out_of_order", situation.out_of_order)


def window_is_open(candidate: Candidate, situation: Situation) -> Refusal | None:
    """The strategy's own trading hours are for entries; a way out is always open."""
    if not candidate.is_entry:
        return None
    window = situation.strategy.settings.window
    clock = situation.now.astimezone(ZoneInfo(window.zone)).time()
    last = min(filter(None, (window.end, window.square_off)), default=None)
    if (window.start is None or clock >= window.start) and (last is None or clock <= last):
        return None
    span = f"{window.start or 'any time'} to {last or 'any time'} {window.zone}"
    return Refusal("outside_window", f"This strategy trades from {span}; it is {clock:%H:%M:%S} there.")


def market_is_open(candidate: Candidate, situation: Situation) -> Refusal | None:
    """The exchange takes orders for this instrument now."""
    if situation.session.is_open:
        return None
    return Refusal(
        "market_closed", f"{situation.session.sentence}. Nothing was sent.", {"exchange": candidate.instrument.exchange}
    )


def intraday_is_still_possible(candidate: Candidate, situation: Situation) -> Refusal | None:
    """Nobody opens what the square-off would close in the next minute, or would never see."""
    if situation.square_off_passed is None or not candidate.is_entry:
        return None
    return Refusal("after_square_off", situation.square_off_passed)


def broker_can_say_it(candidate: Candidate, situation: Situation) -> Refusal | None:
    """The broker has words for this exchange, order type, product and validity."""
    can = situation.capabilities
    if can is None:
        return None
    wants = (
        ("exchange", candidate.instrument.exchange, can.exchanges),
        ("order type", candidate.order_type, can.order_types),
        ("product", candidate.product, can.products),
        ("validity", candidate.time_in_force, can.time_in_force),
    )
    for what, value, known in wants:
        if value not in known:
            name = situation.account.name if situation.account else "this account"
            return Refusal("unsupported_by_broker", f"{name} has no {what} {value}.", {what: str(value)})
    return None


def quantity_is_tradable(candidate: Candidate, situation: Situation) -> Refusal | None:
    """More than nothing, whole units where fractions are not traded, whole lots for derivatives.

    A way out may be an odd rest: lots change while a position is held, and then it is the exchange's to refuse.
    """
    quantity = candidate.quantity
    if quantity is None:
        return None
    if quantity <= 0:
        how = candidate.notes[-1] if candidate.notes else "the number was not above 0"
        return Refusal("quantity_zero", f"The size comes to nothing: {how}.")
    if quantity > QUANTITY_MAX:
        return Refusal("quantity_beyond_reason", "Nobody trades that many units; the number must be a mistake.")
    instrument = candidate.instrument
    if instrument.kind is InstrumentKind.CRYPTO:
        if quantity % step_of(instrument) == 0:
            return None
        return Refusal(
            "quantity_too_fine", f"{quantity.normalize():f} {instrument.symbol} has more than eight decimals."
        )
    if quantity != quantity.to_integral_value():
        return Refusal(
            "quantity_fraction",
            f"{instrument.symbol} trades in whole units, and {quantity.normalize():f} is not whole.",
        )
    if not candidate.reduces and quantity % step_of(instrument):
        return Refusal(
            "quantity_not_in_lots",
            f"{quantity:f} is no multiple of {instrument.symbol}'s lot of {instrument.lot_size:f}.",
            {"quantity": quantity, "lot": instrument.lot_size},
        )
    return None


def prices_are_sound(candidate: Candidate, _: Situation) -> Refusal | None:
    """Limits and triggers are there when the type needs them, above zero and on the tick."""
    needs = {
        OrderType.LIMIT: ("price",),
        OrderType.STOP: ("trigger_price",),
        OrderType.STOP_LIMIT: ("price", "trigger_price"),
    }.get(candidate.order_type, ())
    for name in ("price", "trigger_price"):
        value: Decimal | None = getattr(candidate, name)
        words = name.replace("_", " ")
        if value is None:
            if name in needs and candidate.side is not None:
                return Refusal(
                    f"{name}_missing", f"A {candidate.order_type.value.replace('_', '-')} order needs a {words}."
                )
            continue
        if value <= 0:
            return Refusal(f"{name}_not_positive", f"The {words} {value:f} is not above zero.")
        if value % candidate.instrument.tick_size:
            tick = candidate.instrument.tick_size
            return Refusal(
                f"{name}_off_tick", f"The {words} {value:f} is no multiple of the tick {tick:f}.", {"tick": tick}
            )
    return _limit_beyond_trigger(candidate)


def _limit_beyond_trigger(candidate: Candidate) -> Refusal | None:
    """A stop-limit whose limit lies before its trigger could never fill when it is triggered."""
    price, trigger, side = candidate.price, candidate.trigger_price, candidate.side
    if price is None or trigger is None or side is None or (price - trigger) * side.sign >= 0:
        return None
    where = "below" if side is Side.BUY else "above"
    return Refusal(
        "limit_beyond_trigger", f"The limit {price:f} lies {where} the trigger {trigger:f}; such an order cannot fill."
    )


def quantity_within_limit(candidate: Candidate, situation: Situation) -> Refusal | None:
    """The strategy's cap on one order; an exit may always be as large as the position."""
    limit = situation.strategy.settings.quantity_max
    if candidate.quantity is None or limit is None or candidate.reduces or candidate.quantity <= limit:
        return None
    return Refusal(
        "quantity_above_limit",
        f"{candidate.quantity:f} units are above the strategy's limit of {limit:f}.",
        {"quantity": candidate.quantity, "limit": limit},
    )


def value_within_limit(candidate: Candidate, situation: Situation) -> Refusal | None:
    """Money at stake under the strategy's and the account's caps; not knowing a price is not a way around a cap."""
    limits = [situation.strategy.settings.value_max]
    limits.append(situation.account.settings.order_value_max if situation.account else None)
    limit = min((found for found in limits if found is not None), default=None)
    if limit is None or candidate.quantity is None or candidate.reduces:
        return None
    price = candidate.price or candidate.trigger_price or (situation.quote.last if situation.quote else None)
    if price is None:
        return Refusal(
            "price_unknown", f"There is no price for {candidate.instrument.symbol} to hold against the value limit."
        )
    value = price * candidate.quantity
    if value <= limit:
        return None
    return Refusal(
        "value_above_limit",
        f"The order is worth {value:,.2f} and the limit is {limit:,.2f}.",
        {"value": value, "limit": limit},
    )


def size_can_be_sliced(candidate: Candidate, situation: Situation) -> Refusal | None:
    """Above the freeze quantity an entry is cut, if the figure of the day is known, into ten pieces at most.

    A way out is cut into as many as it takes, where need be by the smallest figure known.
    """
    freeze, quantity = situation.freeze, candidate.quantity
    if candidate.reduces or freeze is None or freeze.quantity is None:
        return None
    if quantity is None or quantity <= freeze.quantity:
        return None
    numbers = {"quantity": quantity, "freeze": freeze.quantity, "rule": freeze.rule}
    if not freeze.may_slice:
        return Refusal("freeze_quantity_unknown", freeze.sentence, numbers)
    if quantity <= freeze.quantity * SLICES_MAX:
        return None
    sentence = f"{quantity:f} units would need more than {SLICES_MAX} orders of {freeze.quantity:f} each."
    return Refusal("too_many_slices", sentence, numbers)


def split_is_possible(candidate: Candidate, _: Situation) -> Refusal | None:
    """The pieces that the message asks for are whole lots, and not too many; a way out is never held up by them."""
    piece, quantity, lot = candidate.intent.split_size, candidate.quantity, step_of(candidate.instrument)
    if piece is None or quantity is None or candidate.reduces:
        return None
    if piece <= 0 or piece % lot:
        text = f"A split size of {piece:f} is no multiple of {candidate.instrument.symbol}'s lot of {lot:f}."
        return Refusal("split_not_in_lots", text, {"split_size": piece, "lot": lot})
    if quantity <= piece * SPLIT_MAX:
        return None
    return Refusal(
        "split_too_small", f"{quantity:f} units in pieces of {piece:f} would be more than {SPLIT_MAX} orders."
    )


def orders_within_rate(candidate: Candidate, situation: Situation) -> Refusal | None:
    """A runaway sender is stopped here; a way out of a position is never counted."""
    if not candidate.is_entry:
        return None
    mine, ours = situation.strategy.settings, situation.account.settings if situation.account else None
    limits = (
        ("strategy", "minute", situation.strategy_use.last_minute, mine.orders_per_minute),
        ("strategy", "day", situation.strategy_use.today, mine.orders_per_day),
        ("account", "minute", situation.account_use.last_minute, ours.orders_per_minute if ours else None),
        ("account", "day", situation.account_use.today, ours.orders_per_day if ours else None),
    )
    for whose, span, used, limit in limits:
        if limit is not None and used >= limit:
            return Refusal(
                f"{whose}_orders_per_{span}",
                f"This {whose} has had its {limit} orders of the {span}.",
                {"used": used, "limit": limit},
            )
    return None


def daily_loss_not_reached(candidate: Candidate, situation: Situation) -> Refusal | None:
    """After the day's loss limit only exits go out."""
    if not candidate.is_entry:
        return None
    account_limit = situation.account.settings.daily_loss_max if situation.account else None
    losses = (
        ("strategy", situation.strategy_loss, situation.strategy.settings.daily_loss_max),
        ("account", situation.account_loss, account_limit),
    )
    for whose, loss, limit in losses:
        if limit is not None and loss >= limit:
            return Refusal(
                "daily_loss_reached",
                f"The {whose}'s daily loss of {limit:,.2f} is reached ({loss:,.2f}). New entries are refused.",
                {"loss": loss, "limit": limit},
            )
    return None


# Conditions that some dialects can put on an order and nobody here would watch.
CONDITIONS = frozenset(
    {
        "account_filter",
        "after_market",
        "atr_trailing",
        "chase",
        "dca_orders",
        "double_to_reverse",
        "entries",
        "entry_zone",
        "good_till",
        "iceberg",
    }
    | {
        "limit_offset",
        "max_position_cash",
        "max_spread_pips",
        "oco",
        "on_out_of_sync",
        "post_only",
        "scaled",
        "steppedmarket",
        "variety",
    }
)


def conditions_are_kept(candidate: Candidate, _: Situation) -> Refusal | None:
    """A condition that nobody keeps would make another order of it. An exit goes out all the same, but for a trade by number."""
    extras = candidate.intent.extras
    if "trade_id" in extras:
        return Refusal(
            "trade_number_unknown", "The message names a trade by a number that this installation does not know."
        )
    if not candidate.is_entry:
        return None
    unmet = sorted(name for name in CONDITIONS & extras.keys() if extras[name])
    if extras.get("allow_add") is False:
        unmet.append("no adding to a position")
    if not unmet:
        return None
    named = ", ".join(name.replace("_", " ") for name in unmet)
    return Refusal(
        "condition_unsupported", f"The message sets a condition that would not be kept: {named}. Nothing was sent."
    )


def attached_exits_are_understood(candidate: Candidate, situation: Situation) -> Refusal | None:
    """A stop or target that nobody would place must not be swallowed in silence."""
    intent = candidate.intent
    attached = intent.take_profit or intent.stop_loss or intent.trailing or intent.break_even
    if not attached or not candidate.is_entry or situation.strategy.settings.attached_exits == "note":
        return None
    return Refusal(
        "attached_exits_unsupported",
        "The message brings a stop or target along, and no order would be placed for it. Let the strategy send its exits,"
        " or set attached exits to 'note' to trade without them.",
    )


APPROVAL_WANTED = "approval_wanted"  # the one "no" that ends nothing: the intent waits for a person


def approval_is_given(candidate: Candidate, situation: Situation) -> Refusal | None:
    """Where a person is asked first, one has said yes. Cancels, stops and what ends the day wait for nobody."""
    approval = situation.approval
    if approval.given_by is not None or candidate.intent.intent is Intent.CANCEL_ORDERS:
        return None
    if candidate.only_closes and (approval.exempt or candidate.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)):
        return None
    why = "the key that sent it asks before every order" if approval.forced else _asks_first(candidate, situation)
    return Refusal(APPROVAL_WANTED, f"It waits for your yes: {why}.") if why else None


def _asks_first(candidate: Candidate, situation: Situation) -> str | None:
    """Why the strategy's settings ask a person, if they do; a value that nobody knows is above every limit."""
    settings = situation.strategy.settings
    if settings.approval == "all":
        return "the strategy asks before every order"
    if not candidate.is_entry:
        return None
    if settings.approval == "entries":
        return "the strategy asks before every entry"
    limit = settings.approval_above
    if limit is None:
        return None
    price = candidate.price or candidate.trigger_price or (situation.quote.last if situation.quote else None)
    if price is None or candidate.quantity is None:
        return f"the strategy asks from {limit:,.2f} on, and nobody knows what it is worth"
    value = abs(price * candidate.quantity)
    return f"it is worth {value:,.2f}, and the strategy asks from {limit:,.2f} on" if value >= limit else None


CHECKS: tuple[Check, ...] = (
    trading_is_not_stopped,  # first: the brake works whatever else is wrong
    owner_may_trade,
    strategy_is_on,
    account_is_usable,  # the checks below may look at the account
    clock_is_steady,
    alert_is_fresh,
    alert_is_in_order,
    symbol_is_allowed,
    instrument_is_tradable,
    direction_is_allowed,
    window_is_open,
    market_is_open,
    intraday_is_still_possible,
    broker_can_say_it,
    conditions_are_kept,
    attached_exits_are_understood,
    quantity_is_tradable,
    prices_are_sound,
    size_can_be_sliced,
    split_is_possible,
    quantity_within_limit,
    value_within_limit,
    orders_within_rate,  # after everything that refuses for good: a refused order uses no allowance
    daily_loss_not_reached,
    approval_is_given,  # last: nobody is asked about what is refused all the same
)


def first_refusal(candidate: Candidate, situation: Situation, checks: tuple[Check, ...] = CHECKS) -> Refusal | None:
    """The first "no", or None."""
    return next((no for check in checks if (no := check(candidate, situation))), None)
