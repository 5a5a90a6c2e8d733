"""How old an alert is, from what it says about its own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.intent import Kind, Reading
from bridge.orders.timing import age_of, bar_end, interval_of, stamp

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def reading(timestamp: str | None, interval: str | None = None) -> Reading:
    return Reading(dialect="test", kind=Kind.ORDER, timestamp=timestamp, interval=interval)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T12:00:00Z",
        "2026-01-05T17:30:00+05:30",
        "2026-01-05 12:00",
        " 2026-01-05T12:00:00 ",
        "1767614400",
        "1767614400.0",
        "1767614400000",
    ],
)
def test_times_are_read_in_every_usual_form(text: str) -> None:
    assert stamp(text) == NOON


@pytest.mark.parametrize("text", [None, "", "  ", "now", "12:00", "2026-13-45", "{{time}}", "12345678", "9" * 15])
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert stamp(text) is None


def test_an_alert_without_a_time_has_no_age() -> None:
    assert age_of(reading(None), NOON) is None
    assert bar_end(reading(None)) is None


def test_the_age_is_the_time_since_the_signal() -> None:
    assert age_of(reading("2026-01-05T11:59:30Z"), NOON) == 30
    assert age_of(reading("2026-01-05T12:01:00Z"), NOON) == -60
    assert bar_end(reading("2026-01-05T11:59:30Z")) == NOON - timedelta(seconds=30)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("5", 5), ("60", 60), ("1m", 1), ("4h", 240), ("4H", 240), ("D", 1440), ("1d", 1440), ("W", 10080), ("5 min", 5)],
)
def test_intervals_are_read_as_charts_write_them(text: str, minutes: int) -> None:
    assert interval_of(text) == timedelta(minutes=minutes)


def test_an_interval_may_be_seconds_or_months() -> None:
    assert interval_of("30S") == interval_of("30s") == timedelta(seconds=30)
    assert interval_of("M") == timedelta(days=31)


@pytest.mark.parametrize("text", [None, "", "?", "5.5", "{{interval}}"])
def test_what_is_no_interval_is_zero(text: str | None) -> None:
    assert interval_of(text) == timedelta(0)


def test_a_bar_counts_from_its_end() -> None:
    assert age_of(reading("2026-01-05T11:55:00Z", "5"), NOON) == 0
    assert age_of(reading("2026-01-05T11:50:00Z", "5"), NOON) == 300
    assert age_of(reading("2026-01-04T00:00:00Z", "D"), NOON) == 12 * 3600


def test_a_bar_that_is_not_over_yet_is_fresh() -> None:
    assert age_of(reading("2026-01-05T11:58:00Z", "2"), NOON - timedelta(seconds=30)) == 0


def test_a_time_off_the_bars_is_the_time_of_the_alert_itself() -> None:
    assert age_of(reading("2026-01-05T11:57:13Z", "5"), NOON) == 167


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_spelling_of_time_or_interval_breaks_anything(timestamp: str, interval: str) -> None:
    assert isinstance(age_of(reading(timestamp, interval), NOON), float | None)


@pytest.mark.parametrize("timestamp", ["9999-12-31T00:00:00Z", "0001-01-01T00:00:00+14:00", "99999999999999"])
@pytest.mark.parametrize("interval", ["D", "99999999999999999", "12M", None])
def test_the_ends_of_the_calendar_break_nothing(timestamp: str, interval: str | None) -> None:
    assert isinstance(age_of(reading(timestamp, interval), NOON), float)
