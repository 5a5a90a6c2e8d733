"""Whether an order may go out now, must wait, or never may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge.accounts.model import Role
from bridge.domain.intent import OrderType, Side
from bridge.domain.lifecycle import AT_BROKER, UNCERTAIN, OrderState
from bridge.domain.refusal import Refusal
from bridge.kit.clock import micros
from bridge.orders.baskets import FAILED
from bridge.orders.records import IntentRecord, Lane, OrderRecord, describe

if TYPE_CHECKING:
    from bridge.orders.desk import AccountDesk, Services

Work = IntentRecord | OrderRecord
INDEPENDENT = (None, "continue", "buys_first")  # no leg fails because another one did
ON_THE_WAY = (OrderState.QUEUED, OrderState.SENDING, OrderState.UNKNOWN, OrderState.PARKED)


def _closes(item: Work) -> bool:
    """It takes a position towards zero or cancels: no other leg's failure is a reason to hold it back."""
    return item.reduces if isinstance(item, OrderRecord) else not item.opens


class Gate:
    """What stands between a queued order and its broker, judged again each time it is asked."""

    def __init__(self, desk: AccountDesk, shared: Services, unresolved: Mapping[str, set[int]]) -> None:
        self._desk = desk
        self._shared = shared
        self._clock = shared.clock
        self._unresolved = unresolved
        self._due: dict[str, float] = {}

    # -- time -----------------------------------------------------------------------------------------------------

    def set_deadline(self, item: Work) -> None:
        """Start the item's time on a clock that cannot be set: a wall clock put back an hour must not make it young."""
        born = item.queued_at if isinstance(item, OrderRecord) else item.not_before
        left = item.deadline - max(born, micros(self._clock.now()))
        self._due[item.id] = self._clock.monotonic() + max(left, 0) / 1e6

    def inherit_deadline(self, item: Work, intent: IntentRecord) -> None:
        """What an intent led to has the time that the intent had left."""
        self._due[item.id] = self._due.get(intent.id, self._clock.monotonic() + self.time_left(intent))

    def forget(self, item: Work) -> None:
        """The item has come to an end."""
        self._due.pop(item.id, None)

    def time_left(self, item: Work) -> float:
        """Seconds until the item is too old to go out, by both clocks."""
        by_wall = (item.deadline - micros(self._clock.now())) / 1e6
        now = self._clock.monotonic()
        return min(self._due.get(item.id, by_wall + now) - now, by_wall)

    # -- never ----------------------------------------------------------------------------------------------------

    def refusal(self, order: OrderRecord) -> Refusal | None:
        """Why the order may never go out, or None."""
        if self.time_left(order) <= 0:
            return Refusal("deadline_passed", "The order was too old to be sent when its turn came.")
        return self._stopped(order) or self._closed(order) or self.basket_failed(order)

    def _stopped(self, order: OrderRecord) -> Refusal | None:
        """A kill switch, a disabled account or an owner who may not trade any more stands over the order."""
        snapshot = self._shared.directory.snapshot
        stop = snapshot.stop(user=order.user_id, account=order.account_id, strategy=order.strategy_id)
        if stop:
            return Refusal("stopped", f"Trading is stopped ({stop.scope}): {stop.reason}.")
        account = snapshot.accounts.get(order.account_id)
        if account is None or account.disabled:
            return Refusal("account_disabled", "The account was switched off before the order could be sent.")
        user = snapshot.users.get(order.user_id)
        if not order.reduces and (user is None or user.disabled or user.role is Role.VIEWER):
            return Refusal("user_may_not_trade", "The owner of this strategy may not trade any more.")
        return None

    def _closed(self, order: OrderRecord) -> Refusal | None:
        instrument = self._shared.market.instrument(order.exchange, order.symbol)
        if instrument is None:
            return Refusal("symbol_unknown", f"{order.symbol} is not in the instrument master any more.")
        return self._shared.survey.session_refusal(instrument)

    def basket_failed(self, item: Work) -> Refusal | None:
        """Why a leg of a basket is not sent: an earlier one failed, and the user's policy is not to continue."""
        if item.basket in INDEPENDENT or _closes(item):
            return None
        legs = [o for o in self.legs_before(item) if o.state in FAILED]
        if not legs:
            return None
        return Refusal("basket_stopped", f"An earlier leg of the same basket failed: {describe(legs[0])}.")

    # -- not yet --------------------------------------------------------------------------------------------------

    def legs_before(self, item: Work) -> list[OrderRecord]:
        """The orders of the same basket that come before the item."""
        leg = item.leg if isinstance(item, OrderRecord) else item.number * 100
        return [o for o in self._desk.ledger.of_basket(item.alert_id) if o.leg < leg and o.basket == item.basket]

    def _legs_to_come(self, item: Work) -> bool:
        """Whether an earlier leg still waits for its position."""
        number = item.leg // 100 if isinstance(item, OrderRecord) else item.number
        waiting = self._unresolved.get(item.alert_id, ())
        return any(earlier < number for earlier in waiting)

    def leg_waits(self, item: Work) -> bool:
        """Whether an earlier leg of the basket is not accepted yet."""
        return self._legs_to_come(item) or any(o.state in ON_THE_WAY for o in self.legs_before(item))

    def _buy_waits(self, order: OrderRecord) -> bool:
        """Whether a buy that the order was to come after has no answer yet. A lane keeps its own order, and a way out waits for none."""
        if order.side is Side.BUY or order.reduces:
            return False
        buys = (o for o in self.legs_before(order) if o.side is Side.BUY and o.lane != order.lane)
        return self._legs_to_come(order) or any(o.state in ON_THE_WAY for o in buys)

    def obstacle(self, order: OrderRecord) -> str | None:
        """What the order must wait for, as a sentence; None when nothing is in its way."""
        if not self._desk.lease.valid(self._clock):
            return "this process is not sure that it still sends for the account"
        if self._desk.book.login_lost:
            return "the broker login is over"
        if order.queued_at < self._desk.opened_at and not self._desk.book.was_read:
            # Our own tables may have been put back to an earlier state (a backup, a damaged log); the broker's book has not.
            return "it was queued before this desk opened, and the broker's book has not been read since"
        if not order.reduces and self._desk.ledger.is_uncertain(order.lane):
            return "an earlier order of this strategy in this instrument is not accounted for"
        if order.basket not in INDEPENDENT and self.leg_waits(order):
            return "the leg before it has not been accepted yet"
        if order.basket == "buys_first" and self._buy_waits(order):
            return "a buy of the same basket has not been answered yet"
        return None

    def settled(self, lane: Lane) -> bool:
        """No order of the lane is on its way, unknown, or a market order still to be filled. Queued ones come later."""
        moving = (OrderState.SENDING, *UNCERTAIN)
        return not any(
            o.state in moving or (o.state in AT_BROKER and o.order_type is OrderType.MARKET)
            for o in self._desk.ledger.open_in(lane)
        )
