"""States of orders and intents: the only ways between them."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.lifecycle import (
    AT_BROKER,
    ENDED_HERE,
    FINAL_AT_BROKER,
    TERMINAL,
    UNCERTAIN,
    Change,
    IllegalMove,
    Local,
    OrderState,
    Standing,
    after,
    after_broker,
    intent_result,
)

QUEUED, SENDING, UNKNOWN, PARKED = OrderState.QUEUED, OrderState.SENDING, OrderState.UNKNOWN, OrderState.PARKED
WORKING, PARTLY, FILLED = OrderState.WORKING, OrderState.PARTIALLY_FILLED, OrderState.FILLED
CANCELLED, REJECTED, EXPIRED = OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED_AT_BROKER
NOT_SENT, NOT_PLACED = OrderState.NOT_SENT, OrderState.NOT_PLACED

# The table of order-lifecycle.md, written down a second time.
WAYS = {
    (QUEUED, "withdrawn"): NOT_SENT,
    (QUEUED, "attempt_opened"): SENDING,
    (SENDING, "no_bytes"): QUEUED,
    (SENDING, "no_bytes_again"): NOT_SENT,
    (SENDING, "accepted"): WORKING,
    (SENDING, "refused"): REJECTED,
    (SENDING, "unclear"): UNKNOWN,
    (UNKNOWN, "absence_proved"): NOT_PLACED,
    (UNKNOWN, "unresolved"): PARKED,
    (UNKNOWN, "dismissed"): NOT_PLACED,
    (UNKNOWN, "linked"): WORKING,
    (PARKED, "absence_proved"): NOT_PLACED,
    (PARKED, "dismissed"): NOT_PLACED,
    (PARKED, "linked"): WORKING,
}


def standing(state: OrderState, filled: int = 0, quantity: int = 10, *, known: bool = True) -> Standing:
    return Standing(state, Decimal(quantity), Decimal(filled), known)


def seen(state: Standing, report: OrderState, filled: int = 0) -> Change:
    return after_broker(state, report, Decimal(filled))


@pytest.mark.parametrize(("state", "evidence"), list(product(OrderState, Local)))
def test_our_own_evidence_follows_the_table_and_nothing_else(state: OrderState, evidence: Local) -> None:
    wanted = WAYS.get((state, evidence.value))
    if wanted is not None:
        assert after(state, evidence) is wanted
        return
    with pytest.raises(IllegalMove, match=f"^{evidence.value} cannot move an order that is {state.value}$"):
        after(state, evidence)


def test_the_groups_of_states_are_those_of_the_document() -> None:
    assert {FILLED, CANCELLED, REJECTED, EXPIRED} == FINAL_AT_BROKER
    assert {NOT_SENT, NOT_PLACED} == ENDED_HERE
    assert TERMINAL == FINAL_AT_BROKER | ENDED_HERE
    assert {UNKNOWN, PARKED} == UNCERTAIN
    assert {WORKING, PARTLY} == AT_BROKER


def test_every_state_is_left_or_is_an_end() -> None:
    left = {state for state, _ in WAYS} | AT_BROKER  # those two are left by the broker's reports

    assert left | TERMINAL == set(OrderState)
    assert not left & TERMINAL


@pytest.mark.parametrize("state", [QUEUED, UNKNOWN, PARKED, NOT_SENT, NOT_PLACED])
def test_what_the_broker_has_is_working_whatever_we_thought(state: OrderState) -> None:
    assert seen(standing(state, known=False), WORKING).state is WORKING


@pytest.mark.parametrize("state", [QUEUED, NOT_SENT, NOT_PLACED])
def test_what_we_had_written_off_and_the_broker_has_is_late_evidence(state: OrderState) -> None:
    for report, filled in ((WORKING, 0), (PARTLY, 3), (FILLED, 10), (CANCELLED, 0)):
        assert seen(standing(state, known=False), report, filled).late


@pytest.mark.parametrize("state", [UNKNOWN, PARKED, WORKING, PARTLY, FILLED, CANCELLED, EXPIRED])
def test_what_we_expected_is_no_late_evidence(state: OrderState) -> None:
    assert not seen(standing(state), WORKING).late
    assert not seen(standing(state), FILLED, 10).late


def test_an_order_refused_by_reply_that_shows_up_is_late_evidence() -> None:
    change = seen(standing(REJECTED, known=False), PARTLY, 4)

    assert change == Change(PARTLY, Decimal(4), late=True)


def test_an_order_that_the_broker_itself_rejected_is_no_late_evidence() -> None:
    assert seen(standing(REJECTED), REJECTED) == Change(REJECTED, Decimal(0), late=False)


def test_an_order_that_is_being_sent_belongs_to_its_sender() -> None:
    with pytest.raises(IllegalMove, match=r"^the reply of an order that is being sent is still out$"):
        seen(standing(SENDING, known=False), FILLED, 10)


def test_the_filled_quantity_never_falls() -> None:
    assert seen(standing(PARTLY, 6), PARTLY, 4) == Change(PARTLY, Decimal(6), late=False)
    assert seen(standing(PARTLY, 6), WORKING, 0) == Change(PARTLY, Decimal(6), late=False)


def test_more_than_was_ordered_is_never_filled() -> None:
    assert seen(standing(WORKING), PARTLY, 99) == Change(FILLED, Decimal(10), late=False)


def test_the_last_unit_fills_the_order_whatever_the_report_calls_it() -> None:
    assert seen(standing(PARTLY, 9), WORKING, 10).state is FILLED
    assert seen(standing(PARTLY, 9), CANCELLED, 10).state is FILLED


def test_a_report_of_a_full_fill_without_a_quantity_is_a_full_fill() -> None:
    assert seen(standing(WORKING), FILLED, 0) == Change(FILLED, Decimal(10), late=False)


def test_a_working_order_with_executions_is_partially_filled() -> None:
    assert seen(standing(WORKING), WORKING, 1).state is PARTLY
    assert seen(standing(WORKING), PARTLY, 0).state is WORKING


@pytest.mark.parametrize("end", [CANCELLED, REJECTED, EXPIRED])
def test_an_end_is_kept_against_an_older_report_that_arrives_later(end: OrderState) -> None:
    assert seen(standing(end, 4), WORKING, 0) == Change(end, Decimal(4), late=False)
    assert seen(standing(end, 4), PARTLY, 5) == Change(end, Decimal(5), late=False)


@pytest.mark.parametrize("end", [CANCELLED, REJECTED, EXPIRED])
def test_an_end_keeps_what_was_filled_before_it(end: OrderState) -> None:
    assert seen(standing(PARTLY, 4), end, 3) == Change(end, Decimal(4), late=False)


def test_a_full_fill_outlasts_every_other_report() -> None:
    for report in (WORKING, PARTLY, CANCELLED, REJECTED, EXPIRED):
        assert seen(standing(FILLED, 10), report, 0) == Change(FILLED, Decimal(10), late=False)


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [(CANCELLED, EXPIRED, CANCELLED), (CANCELLED, REJECTED, CANCELLED), (EXPIRED, REJECTED, EXPIRED)],
)
def test_of_two_reported_ends_the_same_wins_in_either_order(
    first: OrderState, second: OrderState, winner: OrderState
) -> None:
    assert seen(standing(first), second).state is winner
    assert seen(standing(second), first).state is winner


REPORTS = st.lists(
    st.tuples(st.sampled_from([WORKING, PARTLY, CANCELLED, REJECTED, EXPIRED]), st.integers(0, 12)),
    min_size=1,
    max_size=4,
)


@given(REPORTS)
def test_reports_lead_to_the_same_end_in_whatever_order_they_come(reports: list[tuple[OrderState, int]]) -> None:
    ends = set()
    for history in permutations(reports):
        order = standing(WORKING)
        for report, filled in history:
            change = seen(order, report, filled)
            assert order.filled <= change.filled <= order.quantity
            assert order.state not in FINAL_AT_BROKER or change.state in FINAL_AT_BROKER
            order = Standing(change.state, order.quantity, change.filled, known_at_broker=True)
        ends.add((order.state, order.filled))
    assert len(ends) == 1


def result(*orders: tuple[OrderState, int, int]) -> str | None:
    states, filled, quantities = zip(*orders, strict=True)
    return intent_result(list(states), [Decimal(f) for f in filled], [Decimal(q) for q in quantities])


def test_an_intent_is_done_when_its_last_order_is() -> None:
    assert result((FILLED, 10, 10), (WORKING, 0, 5)) is None
    assert result((FILLED, 10, 10), (UNKNOWN, 0, 5)) is None
    assert result((FILLED, 10, 10), (CANCELLED, 0, 5)) == "partial"


def test_an_intent_is_full_when_every_order_is_filled() -> None:
    assert result((FILLED, 10, 10), (FILLED, 5, 5)) == "full"


def test_an_intent_is_partial_when_anything_is_filled() -> None:
    assert result((CANCELLED, 1, 10)) == "partial"
    assert result((NOT_SENT, 0, 10), (FILLED, 5, 5)) == "partial"


@pytest.mark.parametrize("state", sorted(TERMINAL - {FILLED}))
def test_an_intent_of_which_nothing_was_filled_is_none(state: OrderState) -> None:
    assert result((state, 0, 10)) == "none"


@pytest.mark.parametrize("end", [REJECTED, CANCELLED, EXPIRED])
def test_a_row_without_quantity_is_no_fill(end: OrderState) -> None:
    assert seen(standing(WORKING, quantity=0), end) == Change(end, Decimal(0), late=False)


def test_a_single_unit_is_a_full_fill() -> None:
    assert seen(standing(WORKING, quantity=1), WORKING, filled=1) == Change(FILLED, Decimal(1), late=False)


def test_figures_of_different_orders_are_not_taken_for_a_result() -> None:
    with pytest.raises(ValueError, match="shorter"):
        intent_result([FILLED, FILLED], [Decimal(1), Decimal(1)], [Decimal(1)])
