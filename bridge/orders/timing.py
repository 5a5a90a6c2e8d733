"""How old an alert is, from what it says about its own time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bridge.domain.intent import Reading

_INTERVAL = re.compile(r"(?P<count>\d{0,6})\s*(?P<unit>[smhdwSHDWM]?)[a-z]*")
_SECONDS = {
    "s": 1,
    "S": 1,
    "": 60,
    "m": 60,
    "h": 3600,
    "H": 3600,
    "d": 86400,
    "D": 86400,
    "w": 604800,
    "W": 604800,
    "M": 2678400,
}
LAST_YEAR = 7000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MILLISECONDS_FROM = 10**11


def stamp(text: str | None) -> datetime | None:
    """An ISO time (UTC when it names no zone) or epoch seconds or milliseconds; None when it is neither."""
    if not text:
        return None
    text = text.strip()
    try:
        if re.fullmatch(r"\d{9,14}(\.\d+)?", text):
            number = float(text)
            return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_FROM else number, UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def interval_of(text: str | None) -> timedelta:
    """A chart interval as TradingView writes it (`5` minutes, `4h`, `D`); zero when there is none."""
    match = _INTERVAL.fullmatch(text.strip()) if text else None
    if match is None or not (match["count"] or match["unit"]):
        return timedelta(0)
    return timedelta(seconds=int(match["count"] or 1) * _SECONDS[match["unit"]])


def bar_end(reading: Reading) -> datetime | None:
    """When the bar ended that fired the alert, or when the alert says it was sent; None when it says neither.

    `{{time}}` is the start of the bar that fired the alert at its close, so a time that lies exactly on a bar's start counts
    from that bar's end.
    """
    moment = stamp(reading.timestamp)
    # A time at the very end of the calendar has no bar behind it.
    if moment is None or moment.year >= LAST_YEAR:
        return moment
    length = interval_of(reading.interval)
    on_bar = length and not (moment - _EPOCH) % min(length, _DAY)
    return moment + length if on_bar else moment


def age_of(reading: Reading, received_at: datetime) -> float | None:
    """Seconds between the signal and its arrival; None when the alert names no time."""
    moment, end = stamp(reading.timestamp), bar_end(reading)
    if moment is None or end is None:
        return None
    # A bar that has not ended yet fired its alert inside: then the alert is as old as nothing.
    return (received_at - max(moment, min(end, received_at))).total_seconds()
