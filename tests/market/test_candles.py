"""Bars read in pieces are the bars read at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bridge.market.calendar import CALENDAR, segment_of
from bridge.market.candles import UnknownInterval, in_pieces
from bridge.market.replay import ReplayMarket
from bridge.market.simulated import SimulatedMarket
from tests.support.clock import FakeClock

NOW = datetime(2026, 11, 25, 6, 30, 7, tzinfo=UTC)
IST = ZoneInfo("Asia/Kolkata")
KEYS = ("NSE:RELIANCE", "NFO:NIFTY29DEC2626000CE", "NASDAQ:AAPL", "CME:ES18DEC26FUT", "CRYPTO:BTCUSDT")
SPANS = {
    "10s": timedelta(hours=30),
    "1m": timedelta(days=2),
    "45s": timedelta(days=1),
    "4h": timedelta(days=90),
    "D": timedelta(days=200),
    "W": timedelta(days=200),
    "M": timedelta(days=400),
}


@pytest.mark.parametrize("interval", SPANS)
@pytest.mark.parametrize("key", KEYS)
def test_the_pieces_are_the_whole(key: str, interval: str) -> None:
    market = SimulatedMarket(FakeClock(NOW), calendar=CALENDAR)
    instrument = market.instrument(*key.split(":"))
    assert instrument
    zone = segment_of(instrument).zone
    start = (NOW - SPANS[interval]).astimezone(zone).replace(hour=0, minute=0, second=0)
    end = NOW.astimezone(zone) + timedelta(days=3)

    pieces = list(in_pieces(market, instrument, interval, start, end))

    bars = [bar for piece in pieces for bar in piece]
    assert bars == list(market.history(instrument, interval, start, end))
    assert all(a.at.astimezone(UTC) < b.at.astimezone(UTC) for a, b in pairwise(bars))
    assert bars
    assert max(map(len, pieces)) <= 200


def test_an_unknown_interval_is_no_bars_but_an_error() -> None:
    market = SimulatedMarket(FakeClock(NOW))
    reliance = market.instrument("NSE", "RELIANCE")
    assert reliance
    with pytest.raises(UnknownInterval, match="7m"):
        list(in_pieces(market, reliance, "7m", NOW, NOW + timedelta(days=1)))


@pytest.mark.parametrize(("interval", "starts"), [("1m", (0, 1, 15, 16)), ("5m", (0, 15)), ("1h", (-15,))])
def test_a_recordings_pieces_lose_no_price(interval: str, starts: tuple[int, ...]) -> None:
    nine = datetime(2026, 11, 23, 9, 15, tzinfo=IST)
    moves = [
        {
            "timestamp": (nine + timedelta(seconds=after)).isoformat(),
            "symbol": "RELIANCE",
            "exchange": "NSE",
            "last": str(1500 + after),
            "volume": "1",
        }
        for after in (0, 59, 60, 900, 960, 999)
    ]
    market = ReplayMarket(FakeClock(nine + timedelta(days=1)), moves)
    reliance = market.instrument("NSE", "RELIANCE")
    assert reliance
    midnight = nine.replace(hour=0, minute=0)

    pieces = in_pieces(market, reliance, interval, midnight, midnight + timedelta(days=2))
    bars = [bar for piece in pieces for bar in piece]

    assert [bar.at for bar in bars] == [nine + timedelta(minutes=minutes) for minutes in starts]
    assert sum(bar.volume for bar in bars) == len(moves)
