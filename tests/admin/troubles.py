"""The alerts of the morning that did not simply trade."""

from __future__ import annotations

from tests.admin.rows import CHART, MINUTE, SECOND, Rows, candidate, step, trace

FUTURE = "NIFTY23NOV26FUT"
OPTION = "BANKNIFTY23NOV2658900CE"
CHECKS = [
    {"name": "alert_is_fresh", "ok": True, "detail": "0.9 of 60 s"},
    {"name": "order_value_within_limit", "ok": True, "detail": "₹17.2 of 25 lakh"},
    {"name": "orders_today_within_limit", "ok": True, "detail": "8 of 20"},
]
TOO_OLD = {"name": "alert_is_fresh", "ok": False, "detail": "94 of 60 s"}


def note(rows: Rows) -> None:
    """A sentence for people."""
    rows.alert(
        "al_note",
        CHART,
        52 * MINUTE,
        "Supertrend flipped, no trade",
        trace("plain text", said="A sentence without an order."),
        dialect="plain_text",
        kind="notify",
        status="noted",
        message="A note for people: it asks for no trade.",
    )


def rejected(rows: Rows) -> None:
    """The broker had too little margin for it."""
    alert = rows.scan(
        "al_rejected",
        20 * MINUTE,
        '{"stocks": "ADANIENT", "trigger_prices": "2455.0", "scan_name": "Breakout", "triggered_at": "11:22 am"}',
        step("mapped", 0.4, "Mapped ADANIENT to NSE:ADANIENT", "Spelled as the exchange does."),
        step("checks", 0.7, "3 of 3 checks passed", checks=CHECKS, account=rows.ids.zerodha),
    )
    said = "Margin shortfall 41,250.00"
    order = rows.order(
        "or_rejected", alert, rows.ids.zerodha, "buy", 100, "ADANIENT", limit="2455.0",
        state="REJECTED", code="margin_shortfall", message=said,
    )  # fmt: skip
    rows.sent(order)
    rows.event(order, "order.rejected", "broker_reply", 96, {"state": "REJECTED", "message": said}, why=said)


def refused(rows: Rows) -> None:
    """We did not send it: it was too old."""
    rows.chart(
        "al_refused",
        16 * MINUTE,
        '{"ticker": "NIFTY1!", "action": "buy", "time": "2026-11-20T05:54:33Z"}',
        step(
            "refused",
            0.9,
            "Refused: the alert was too old",
            "94 s, allowed are 60 s.",
            checks=[TOO_OLD, *CHECKS[1:]],
        ),
        status="refused",
        code="alert_too_old",
        message="The alert was 94 s old and your limit is 60 s. Nothing was sent.",
    )


def parked(rows: Rows) -> None:
    """One account filled; the other's broker fell silent, and its book has two orders that may be ours."""
    alert = rows.chart(
        "al_parked",
        12 * MINUTE + 7 * SECOND,
        '{\n  "ticker": "NIFTY1!",\n  "action": "buy",\n  "sentiment": "long",\n  "quantity": "1",\n  "price": "26480.5"\n}',
        step("repaired", 0.3, "Repaired", "A comma too many in line 6 was taken out."),
        step("mapped", 0.4, f"Mapped NIFTY1! to {FUTURE}", "Lot 65. Expiry is Monday 23 Nov, because Tuesday 24 is a holiday."),
        step("sized", 0.5, "Sized 65 for each account", "1 lot, multiplier 1 at both. About ₹17.2 lakh each."),
        step("checks", 0.8, "3 of 3 checks passed", checks=CHECKS),
        step("committed", 1.9, "Stored, then answered 202", "On disk before the answer."),
    )  # fmt: skip
    done = rows.order(
        "or_pair", alert, rows.ids.zerodha, "buy", 65, FUTURE, limit="26485", number="261120000184213",
        state="FILLED", filled="65", average_price="26481.35",
    )  # fmt: skip
    rows.taken(done)
    rows.filled(done, "stream", 220)
    rows.intent("in_parked", alert, rows.ids.samco, FUTURE)
    open_question = rows.order(
        "or_parked", alert, rows.ids.samco, "buy", 65, FUTURE, limit="26485",
        state="PARKED", message="Samco did not answer in 10 s", updated=12 * MINUTE,
    )  # fmt: skip
    rows.unknown(open_question, 10_004)
    rows.event(
        open_question,
        "order.parked",
        "policy",
        14_900,
        {"state": "PARKED"},
        why="the book shows rows that may be this order",
        candidates=[
            candidate("26112000007731", "26482.10", "06:00:01"),
            candidate("26112000007764", "26484.50", "06:00:06"),
        ],
    )


def repeated(rows: Rows) -> None:
    """The sender sent the same again, twice."""
    for number in (1, 2):
        rows.chart(
            f"al_repeat{number}",
            12 * MINUTE - number * 3 * SECOND,
            '{"ticker": "NIFTY1!", "action": "buy"}',
            status="duplicate",
            duplicate_of="al_parked",
            code="duplicate",
            message="Second of up to four sends by TradingView.",
        )


def unknown(rows: Rows) -> None:
    """The connection broke after sending; we are asking."""
    alert = rows.chart("al_unknown", 57 * SECOND, '{"ticker": "BANKNIFTY", "action": "sell"}')
    order = rows.order(
        "or_unknown", alert, rows.ids.zerodha, "sell", 30, OPTION, limit="214.5",
        state="UNKNOWN", message="connection reset after sending",
    )  # fmt: skip
    rows.unknown(order, 3_200)
