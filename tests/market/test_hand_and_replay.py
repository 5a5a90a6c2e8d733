"""Markets whose prices a test or a recording decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.domain.instrument import Instrument
from bridge.market.base import DepthLevel, Market
from bridge.market.hand import Book, HandMarket
from bridge.market.replay import BadRecording, ReplayMarket
from tests.support.clock import FakeClock

NINE = datetime(2026, 11, 23, 3, 45, tzinfo=UTC)  # 09:15 in India

BARS = """timestamp,symbol,exchange,open,high,low,close,volume
2026-11-23T09:15:00+05:30,RELIANCE,NSE,1540,1550,1535,1548,400
2026-11-23T09:20:00+05:30,RELIANCE,NSE,1548,1549,1530,1532,800
"""
TICKS = """timestamp,symbol,exchange,last,bid,ask,volume
2026-11-23T09:15:00+05:30,INFY,NSE,1560,1559.9,1560.1,10
2026-11-23T09:15:02+05:30,INFY,NSE,1561,,,5
"""


def figures(*values: int | str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, values))


def reliance(market: Market) -> Instrument:
    found = market.instrument("NSE", "RELIANCE")
    assert found
    return found


def test_a_price_that_nobody_set_does_not_exist() -> None:
    market = HandMarket(FakeClock(NINE))
    assert market.quote(reliance(market)) is None


def test_a_hand_set_price_is_quoted_until_the_next() -> None:
    market = HandMarket(FakeClock(NINE))
    market.set_price("NSE:RELIANCE", 1540)
    market.set_price("NSE:RELIANCE", "1530.5", bid=1530, ask=1531)
    quote = market.quote(reliance(market))
    assert quote
    assert (quote.last, quote.bid, quote.ask) == figures("1530.5", 1530, 1531)
    assert (quote.open, quote.high, quote.low, quote.previous_close) == figures(1540, 1540, "1530.5", 1540)
    assert quote.simulated
    market.forget_price("NSE:RELIANCE")
    assert market.quote(reliance(market)) is None


def test_depth_can_be_given() -> None:
    market = HandMarket(FakeClock(NINE))
    book = Book(bids=(DepthLevel(Decimal(99), Decimal(5)),), asks=(DepthLevel(Decimal(101), Decimal(7)),))
    assert market.set_price("NSE:RELIANCE", 100, 99, 101, book).asks[0].quantity == 7


def test_a_price_for_an_unknown_key_is_a_mistake_in_the_test() -> None:
    with pytest.raises(KeyError, match="NSE:ACME"):
        HandMarket(FakeClock(NINE)).set_price("NSE:ACME", 1)


def test_hand_set_prices_make_bars() -> None:
    clock = FakeClock(NINE)
    market = HandMarket(clock)
    for price in (10, 14, 12):
        market.set_price("NSE:RELIANCE", price)
        clock.advance(100)
    found = market.history(reliance(market), "5m", NINE, NINE + timedelta(hours=1))
    assert [(bar.open, bar.high, bar.low, bar.close) for bar in found] == [figures(10, 14, 10, 12)]


def recorded(tmp_path: Path, text: str, clock: FakeClock) -> ReplayMarket:
    path = tmp_path / "recording.csv"
    path.write_text(text, encoding="utf-8")
    return ReplayMarket(clock, path)


def test_a_recorded_bar_is_played_from_its_open_over_its_extremes_to_its_close(tmp_path: Path) -> None:
    clock = FakeClock(NINE - timedelta(seconds=1))
    market = recorded(tmp_path, BARS, clock)
    assert market.quote(reliance(market)) is None
    seen = []
    for _ in range(10):
        clock.advance(61)
        if quote := market.quote(reliance(market)):
            seen.append(int(quote.last))
    assert seen == [1540, 1535, 1550, 1550, 1548, 1548, 1549, 1530, 1530, 1532]


def test_a_replay_never_shows_a_bar_that_has_not_begun(tmp_path: Path) -> None:
    clock = FakeClock(NINE + timedelta(minutes=4, seconds=59))
    market = recorded(tmp_path, BARS, clock)
    quote = market.quote(reliance(market))
    assert quote
    assert (quote.high, quote.low, quote.last, quote.volume) == figures(1550, 1535, 1548, 400)
    history = market.history(reliance(market), "5m", NINE, NINE + timedelta(hours=1))
    assert [(bar.open, bar.high, bar.low, bar.close) for bar in history] == [figures(1540, 1550, 1535, 1548)]


def test_a_recorded_tick_keeps_its_spread_and_grows_old(tmp_path: Path) -> None:
    clock = FakeClock(NINE)
    market = recorded(tmp_path, TICKS, clock)
    infosys = market.instrument("NSE", "INFY")
    assert infosys
    quote = market.quote(infosys)
    assert quote
    assert (quote.bid, quote.last, quote.ask) == figures("1559.9", 1560, "1560.1")
    clock.advance(2)
    later = market.quote(infosys)
    assert later
    assert (later.bid, later.last, later.volume) == figures(1561, 1561, 15)
    clock.advance(301)
    assert market.quote(infosys) is None


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"timestamp": "yesterday", "last": "1"}, "line 2: timestamp is no ISO time"),
        ({"timestamp": "2026-11-23T09:15:00", "last": "1"}, "line 2: .* has no offset"),
        ({"timestamp": "2026-11-23T09:15:00+05:30", "last": "ten"}, "line 2: last is no number: 'ten'"),
        (
            {"timestamp": "2026-11-23T09:15:00+05:30", "open": "1", "high": "2", "low": "1"},
            "line 2: close is no number",
        ),
    ],
)
def test_a_bad_row_is_named_by_its_line(row: dict[str, str], complaint: str) -> None:
    with pytest.raises(BadRecording, match=complaint):
        ReplayMarket(FakeClock(NINE), [{"symbol": "RELIANCE", "exchange": "NSE"} | row])
