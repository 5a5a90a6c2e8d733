"""What rows become before a template prints them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.accounts.directory import Snapshot
from bridge.accounts.model import Account, Stop
from bridge.admin import figures, timeline
from bridge.admin.book import lots_words, opened, position_lines, totals, uncertain_words
from bridge.admin.decisions import why
from bridge.admin.names import Names
from bridge.admin.order_lines import asked_words, order_badge, order_line
from bridge.admin.queries import Cursor
from bridge.admin.stories import alert_title, day_sum, headline
from bridge.admin.templating import breakable
from bridge.admin.words import INTENT_BADGES, ORDER_BADGES
from bridge.domain.lifecycle import IntentState, OrderState
from bridge.kit.clock import micros
from bridge.kit.database import dumps
from bridge.orders.parked import candidates
from tests.admin.world import FakeMarket

NOW = micros(datetime(2026, 11, 20, 6, 0, tzinfo=UTC))
ACCOUNT = Account(id="ac", user_id="us", name="Asha · Zerodha", broker="zerodha")
NAMES = Names("us", Snapshot(accounts={"ac": ACCOUNT}), FakeMarket())


def an_order(**more: Any) -> dict[str, Any]:
    return {
        "id": "or", "alert_id": "al", "account_id": "ac", "strategy_id": "st", "ref": "K7Q2M9XA4T", "exchange": "NSE",
        "symbol": "SBIN", "product": "MIS", "side": "buy", "quantity": "100", "filled": "0", "order_type": "limit",
        "price": "982.4", "trigger_price": None, "protection": None, "state": "WORKING", "code": None, "message": None,
        "average_price": None, "pending_op": None, "broker_order_id": None, "queued_at": NOW, "sent_at": NOW, "updated_at": NOW,
    } | more  # fmt: skip


def an_alert(**more: Any) -> dict[str, Any]:
    return {"status": "accepted", "outcome": "done", "message": None, "code": None, "received_at": NOW} | more


# -- figures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "currency", "words"),
    [
        ("1234567.5", "INR", "₹12,34,567.50"),
        ("-25000", "INR", "−₹25,000.00"),
        ("999.995", "INR", "₹1,000.00"),
        ("1234567.5", "USD", "$1,234,567.50"),
        ("12", "CHF", "CHF 12.00"),
        ("-0.001", "INR", "−₹0.00"),
    ],
)
def test_money_is_grouped_as_its_country_does(value: str, currency: str, words: str) -> None:
    assert figures.money(Decimal(value), currency) == words


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=4), st.integers(0, 4), st.booleans())
def test_grouping_loses_no_digit(value: Decimal, places: int, indian: bool) -> None:
    printed = figures.grouped(value, places, indian=indian)

    assert Decimal(printed.replace(",", "").replace("−", "-")) == round(value, places)


@pytest.mark.parametrize(
    ("value", "words"), [("1720000", "₹17.2 lakh"), ("34000000", "₹3.4 crore"), ("99999", "₹99,999.00")]
)
def test_prose_speaks_of_lakh_and_crore(value: str, words: str) -> None:
    assert figures.in_prose(Decimal(value)) == words


@pytest.mark.parametrize(
    ("value", "words"), [("65", "65"), ("1250", "1,250"), ("0.0150", "0.015"), ("100", "100"), ("-30", "−30")]
)
def test_quantities_have_no_needless_decimals(value: str, words: str) -> None:
    assert figures.quantity(Decimal(value)) == words


@pytest.mark.parametrize(
    ("tick", "words"), [("0.05", "982.40"), ("0.0025", "982.4000"), (None, "982.40"), ("1", "982.40")]
)
def test_prices_have_the_decimals_of_their_tick(tick: str | None, words: str) -> None:
    assert figures.price(Decimal("982.4"), Decimal(tick) if tick else None) == words


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        (1_900, "1.9 ms"),
        (96_000, "96 ms"),
        (10_004_000, "10.0 s"),
        (725_000_000, "12 min"),
        (9_000_000_000, "2 h"),
        (-5, "0.0 ms"),
    ],
)
def test_spans_are_as_fine_as_they_are_short(spent: int, words: str) -> None:
    assert figures.span(spent) == words


def test_a_day_is_the_exchanges_day() -> None:
    late_evening_utc = micros(datetime(2026, 11, 19, 19, 0, tzinfo=UTC))

    start, end = figures.day_bounds(figures.day_of(late_evening_utc))

    assert figures.day_of(late_evening_utc) == date(2026, 11, 20)
    assert start <= late_evening_utc < end
    assert end - start == 86_400_000_000


def test_yesterdays_times_carry_their_day() -> None:
    assert figures.short_time(NOW, NOW) == "11:30:00"
    assert figures.short_time(NOW - 86_400_000_000, NOW) == "19 Nov 11:30"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "no order"), (1, "one order"), (2, "two orders"), (1200, "1,200 orders")]
)
def test_small_numbers_are_words(number: int, words: str) -> None:
    assert figures.counted(number, "order") == words


@given(st.text(max_size=40))
def test_no_address_breaks_the_cursor(text: str) -> None:
    cursor = Cursor.parse(text)

    assert cursor is None or Cursor.parse(str(cursor)) == cursor


@given(st.integers(0, 10**17), st.from_regex(r"[a-z]{2}_[0-9a-z]{26}", fullmatch=True))
def test_a_cursor_comes_back_as_it_was(at: int, row_id: str) -> None:
    assert Cursor.parse(str(Cursor(at, row_id))) == Cursor(at, row_id)


@pytest.mark.parametrize(
    ("symbol", "marked"),
    [
        ("NIFTY23NOV26FUT", "NIFTY<wbr>23NOV26<wbr>FUT"),
        ("BANKNIFTY23NOV2658900CE", "BANKNIFTY<wbr>23NOV26<wbr>58900CE"),
        ("M&M", "M&amp;M"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_a_symbol_breaks_only_between_its_parts(symbol: str, marked: str) -> None:
    assert str(breakable(symbol)) == marked


# -- orders ---------------------------------------------------------------------------------------------------------


def test_every_state_has_its_word_and_form() -> None:
    assert set(ORDER_BADGES) == set(OrderState)
    assert set(INTENT_BADGES) == set(IntentState)
    assert [state for state, badge in ORDER_BADGES.items() if badge.form == "act"] == [OrderState.PARKED]


@pytest.mark.parametrize("state", ["PARKED", "UNKNOWN"])
def test_what_is_not_proved_reads_as_either_or(state: str) -> None:
    line = order_line(an_order(state=state, filled="20"), NAMES, NOW)

    assert line.filled == "20 or 100"
    assert not line.certain
    assert not line.can_cancel


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"state": "PARKED", "updated_at": NOW - 720_000_000}, "Parked 12 min"),
        ({"state": "PARTIALLY_FILLED", "filled": "60"}, "Part filled 60/100"),
        ({"state": "REJECTED", "code": "margin_shortfall"}, "Rejected: margin shortfall"),
        ({"state": "WORKING", "pending_op": "cancel"}, "Cancel asked"),
        ({"state": "WORKING", "pending_op": "modify"}, "Change asked"),
        ({"state": "FILLED", "pending_op": "cancel"}, "Filled"),
        ({"state": "NOT_SENT", "code": None}, "Not sent"),
    ],
)
def test_a_badge_says_age_reason_or_figures(changes: dict[str, Any], word: str) -> None:
    assert order_badge(an_order(**changes), NAMES, NOW).word == word


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Limit 982.40"),
        ({"order_type": "market", "price": None}, "Market"),
        ({"order_type": "market", "price": None, "protection": "1"}, "Market, protected"),
        ({"order_type": "stop", "price": None, "trigger_price": "990"}, "Stop 990.00"),
        ({"order_type": "stop_limit", "trigger_price": "980"}, "Stop 980.00, limit 982.40"),
        ({"order_type": "trailing_stop", "price": None, "trigger_price": "980"}, "Trailing stop 980.00"),
    ],
)
def test_the_price_asked_is_said_in_words(changes: dict[str, Any], words: str) -> None:
    assert asked_words(an_order(**changes), NAMES) == words


def test_an_order_of_a_removed_account_is_still_readable() -> None:
    assert order_line(an_order(account_id="gone"), NAMES, NOW).account == "A removed account"


def test_another_persons_names_are_not_told() -> None:
    stranger = Names("somebody", NAMES.snapshot, NAMES.market)

    assert stranger.account("ac").name == "A removed account"


# -- sentences ------------------------------------------------------------------------------------------------------


def test_titles_say_what_was_wanted_and_how_it_ended() -> None:
    def title(*orders: dict[str, Any]) -> str:
        return alert_title(an_alert(), [], orders, [order_line(order, NAMES, NOW) for order in orders])

    filled, parked = an_order(state="FILLED", average_price="982.4"), an_order(state="PARKED", account_id="other")

    assert title(filled) == "Buy 100 SBIN: filled at 982.40"
    assert title(filled, parked) == "Buy SBIN on two accounts: one filled, one needs you"
    assert title(parked, parked) == "Buy SBIN on one account: two need you"
    assert (
        title(filled, an_order(side="sell", symbol="ITC", state="REJECTED"))
        == "Trade two symbols on one account: one rejected, one filled"
    )
    assert title(filled, filled) == "Buy SBIN on one account: all filled"


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        ({"status": "duplicate"}, "A repeat, which changed nothing"),
        ({"status": "noted", "message": "A note."}, "A note"),
        ({"status": "refused", "outcome": "refused", "message": "Too old."}, "Refused: Too old"),
        ({"status": "accepted"}, "Accepted"),
    ],
)
def test_titles_of_alerts_without_orders(alert: dict[str, Any], words: str) -> None:
    assert alert_title(an_alert(**alert), [], [], []) == words


@given(
    st.dictionaries(
        st.sampled_from(["done", "working", "refused", "parked", "duplicate", "noted"]), st.integers(0, 10_000)
    )
)
def test_the_days_sum_adds_up_and_fits_its_bar(counts: dict[str, int]) -> None:
    lines, whole = day_sum(counts)

    assert sum(line.number for line in lines) == whole == sum(counts.values())
    assert all(line.x + line.width <= 1000 for line in lines)


@pytest.mark.parametrize(
    ("unfinished", "stopped", "sentence"),
    [
        ({}, False, "Everything is in order."),
        ({"PARKED": 1}, False, "One order needs you. The rest is in order."),
        ({"PARKED": 2, "UNKNOWN": 1}, False, "Two orders need you. Others are being checked."),
        ({"PARKED": 1}, True, "One order needs you. Trading is stopped."),
        ({"UNKNOWN": 1}, False, "We are asking about one order. You need do nothing."),
        ({"AWAITING_CONFIRM": 2}, False, "Two orders wait for your yes."),
        ({"WORKING": 5}, True, "Trading is stopped."),
    ],
)
def test_the_first_sentence_says_what_matters_most(unfinished: dict[str, int], stopped: bool, sentence: str) -> None:
    stop = Stop("global", "", "", NOW, "asha") if stopped else None

    assert headline(unfinished, stop, NOW).sentence == sentence


# -- time-line ------------------------------------------------------------------------------------------------------


def an_event(kind: str, provenance: str = "policy", at: int = 0, came_from: str = "", **payload: Any) -> dict[str, Any]:
    said = dumps(payload | ({"from": came_from} if came_from else {}))
    return {
        "type": kind, "provenance": provenance, "at": NOW + at, "payload": said, "account_id": "ac", "alert_id": "al",
        "order_id": "or", "intent_id": None,
    }  # fmt: skip


def steps(*events: dict[str, Any], **order: Any) -> list[timeline.Step]:
    row = an_order(**order)
    (lane,) = timeline.lanes(an_alert(), [], [order_line(row, NAMES, NOW)], [row], events, NAMES)
    return list(lane.steps)


def test_each_entry_of_the_journal_becomes_a_step_with_its_time() -> None:
    (asked,) = steps(
        an_event(
            "order.changed",
            "person",
            60_000_000,
            set={"state": "WORKING", "pending_op": "cancel"},
            why="cancel asked: by asha",
        )
    )

    assert (asked.title, asked.after) == ("Cancel asked", "+1 min")
    assert asked.detail == "Still open until Zerodha confirms. Cancel asked: by asha. Decided by a person"


def test_a_further_fill_in_the_same_state_is_told_as_a_fill() -> None:
    (fill,) = steps(
        an_event("order.changed", "stream", set={"state": "PARTIALLY_FILLED", "filled": "70", "average_price": "982.1"})
    )

    assert fill.title == "Filled 70 of 100 at 982.10"


def test_an_order_that_went_back_to_the_queue_is_not_told_as_planned_again() -> None:
    (back,) = steps(
        an_event("order.queued", "local_proof", set={"state": "QUEUED"}, why="connection refused", came_from="SENDING")
    )

    assert back.title == "Back in the queue"
    assert "No byte had left for Zerodha" in back.detail


def test_a_word_the_page_does_not_know_is_shown_as_it_is() -> None:
    (unknown,) = steps(an_event("order.looked_twice", "book", why="to be sure"))

    assert unknown.title == "Looked twice"
    assert unknown.detail == "To be sure. Proved by the order book"


def test_steps_of_a_basket_name_their_symbol() -> None:
    rows = [an_order(), an_order(id="or2", symbol="ITC")]
    events = [an_event("order.sending"), an_event("order.sending") | {"order_id": "or2"}]
    (lane,) = timeline.lanes(an_alert(), [], [order_line(row, NAMES, NOW) for row in rows], rows, events, NAMES)

    assert [step.title for step in lane.steps] == ["Sent to Zerodha · SBIN", "Sent to Zerodha · ITC"]


def test_a_refusal_of_one_account_stands_in_its_lane() -> None:
    event = an_event("intent.refused", message="Margin is too small.") | {"order_id": None}
    (lane,) = timeline.lanes(an_alert(), [], [], [], [event], NAMES)

    assert (lane.account, lane.steps[0].mark, lane.steps[0].detail) == ("Asha · Zerodha", "bad", "Margin is too small.")


def test_a_step_that_failed_is_marked_also_without_checks() -> None:
    (failed,) = timeline.shared_steps(
        [{"step": "mapped", "ms": 1, "title": "X: not mapped", "detail": "no such symbol", "ok": False}]
    )

    assert (failed.mark, failed.detail) == ("bad", "No such symbol")


def test_a_repaired_message_is_said_to_be_repaired() -> None:
    (read,) = timeline.shared_steps(
        [{"step": "read", "ms": 1, "title": "Read as chartink", "detail": "", "repaired": True}]
    )

    assert read.title == "Read as chartink, repaired"


def test_a_trace_that_is_not_what_it_should_be_is_no_trouble() -> None:
    assert timeline.as_steps("{}") == []
    assert timeline.as_steps("") == []
    assert timeline.shared_steps([{"step": "odd", "ms": "soon"}])[0].title == "odd"


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=3))
def test_the_time_bar_shows_every_stretch_and_never_overflows(gaps: list[int]) -> None:
    sent = NOW + gaps[0]
    events = [
        an_event("order.working", "broker_reply", gaps[0] + sum(gaps[1:2])),
        an_event("order.filled", "book", sum(gaps)),
    ]

    bar = timeline.time_bar(an_alert(), [{"ms": 1.9}], [an_order(sent_at=sent)], events)

    assert all(part.width >= 8 for part in bar)
    assert sum(part.width for part in bar) <= 1000


# -- decisions and positions ----------------------------------------------------------------------------------------


def test_the_newest_candidates_count_and_bare_numbers_are_candidates_too() -> None:
    events = [
        an_event("order.parked", candidates=[{"broker_order_id": "1"}]),
        an_event("order.parked", candidates=["2", {"broker_order_id": ""}]),
        an_event("order.changed"),
    ]

    assert [found["broker_order_id"] for found in candidates(events)] == ["2"]


def test_a_parked_order_says_what_made_it_uncertain_and_why_it_is_parked() -> None:
    events = [an_event("order.parked", why="the book shows rows that may be this order")]

    assert why(an_order(message="timed out"), events) == "Timed out. The book shows rows that may be this order."


@pytest.mark.parametrize(
    ("net", "orders", "words"),
    [
        ("0", [("buy", "65", "0")], "0 or +65"),
        ("65", [("sell", "65", "0")], "+65 or 0"),
        ("65", [("sell", "130", "0")], "+65 or −65"),
        ("0", [("buy", "65", "20")], "0 or +45"),
        ("10", [("buy", "5", "0"), ("sell", "20", "0")], "−10 to +15"),
        ("10", [], ""),
    ],
)
def test_an_undecided_order_makes_a_range_of_a_holding(
    net: str, orders: list[tuple[str, str, str]], words: str
) -> None:
    rows = [an_order(side=side, quantity=quantity, filled=filled) for side, quantity, filled in orders]

    assert uncertain_words(Decimal(net), rows) == words


def test_what_trades_in_another_currency_is_not_counted_in_lakhs() -> None:
    dollars = an_order(exchange="FOREX", symbol="EURUSD", quantity="250000", filled="100000", price="123456.5")
    line = order_line(dollars | {"state": "PARTIALLY_FILLED"}, NAMES, NOW)
    rupees = order_line(an_order(quantity="250000", filled="100000", state="PARTIALLY_FILLED"), NAMES, NOW)

    assert (line.filled, line.quantity, line.badge.word) == ("100,000", "250,000", "Part filled 100,000/250,000")
    assert line.asked == "Limit 123,456.50"
    assert (rupees.filled, rupees.quantity) == ("1,00,000", "2,50,000")


@pytest.mark.parametrize(("net", "words"), [("130", "2 lots"), ("-65", "1 lot"), ("1", ""), ("0", "")])
def test_lots_are_counted_where_a_holding_is_some(net: str, words: str) -> None:
    assert lots_words(Decimal(net), Decimal(65)) == words


def test_no_result_is_claimed_where_none_can_be_known() -> None:
    assert opened(Decimal(65), Decimal(100), Decimal(110), certain=True) == 650
    assert opened(Decimal(-65), Decimal(100), Decimal(110), certain=True) == -650
    assert opened(Decimal(65), Decimal(100), None, certain=True) is None
    assert opened(Decimal(0), Decimal(0), Decimal(110), certain=False) is None
    assert opened(Decimal(0), Decimal(0), None, certain=True) == 0


def test_a_total_says_what_it_leaves_out() -> None:
    position = an_order(symbol="ITC") | {
        "quantity": "100",
        "average_price": "430",
        "realised": "12.5",
        "updated_at": NOW,
    }
    (total,) = totals(position_lines([position], [an_order(symbol="SBIN", state="PARKED")], NAMES, NOW))

    assert total.realised_words == "+₹12.50"
    assert total.left_out == "one position without a price and one undecided order left out"
