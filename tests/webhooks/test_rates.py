"""Buckets and guessers, by the second."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.accounts.model import SourceSettings
from bridge.webhooks.rates import BadTokens, Bucket

STRANGER = IPv4Address("203.0.113.9")


def taken(bucket: Bucket, now: float, tries: int) -> int:
    return sum(bucket.take(now) == 0 for _ in range(tries))


def test_a_bucket_holds_its_burst_and_fills_at_its_rate() -> None:
    bucket = Bucket(60, 30, now=0)
    assert taken(bucket, 0, 100) == 30
    assert taken(bucket, 10, 100) == 10
    assert taken(bucket, 1_000_000, 100) == 30


def test_it_says_how_long_to_wait_and_that_is_enough() -> None:
    bucket = Bucket(20, 1, now=0)
    assert bucket.take(0) == 0
    assert bucket.take(1) == pytest.approx(2)
    assert bucket.take(3) == 0


@given(st.lists(st.floats(0, 5), max_size=200), st.integers(1, 600), st.integers(1, 50))
def test_no_pattern_of_alerts_gets_more_than_burst_and_rate_allow(
    gaps: list[float], per_minute: int, burst: int
) -> None:
    bucket, now, passed = Bucket(per_minute, burst, now=0), 0.0, 0
    for gap in gaps:
        now += gap
        passed += bucket.take(now) == 0
    assert passed <= burst + now * per_minute / 60 + 1e-6


@pytest.mark.parametrize(
    ("settings", "figures"),
    [
        (SourceSettings(), (60, 30)),
        (SourceSettings(rate_per_minute=6, burst=2), (6, 2)),
        (SourceSettings(preset="tradingview"), (334, 1000)),
        (SourceSettings(preset="chartink"), (120, 60)),
        (SourceSettings(preset="chartink", rate_per_minute=1000), (1000, 60)),
    ],
)
def test_a_preset_allows_at_least_what_its_sender_needs(settings: SourceSettings, figures: tuple[int, int]) -> None:
    bucket = Bucket.of(settings, now=0)
    assert (bucket.per_minute, bucket.burst) == figures


def test_a_tradingview_watch_list_may_fire_its_thousand_alerts_at_once() -> None:
    bucket = Bucket.of(SourceSettings(preset="tradingview"), now=0)
    assert taken(bucket, 0, 1000) == 1000
    assert taken(bucket, 180, 1000) == 1000


def test_twenty_wrong_secrets_a_minute_are_borne_for_ever() -> None:
    bad = BadTokens()
    assert {bad.count(STRANGER, now=second * 3.0) for second in range(1000)} == {0.0}


def test_the_twenty_first_within_a_minute_blocks_however_the_minute_lies() -> None:
    bad = BadTokens()
    assert {bad.count(STRANGER, now) for now in [0.0] * 10 + [59.0] * 10} == {0.0}
    assert bad.count(STRANGER, 61.0) == 0.0  # the first ten are forgotten
    assert {bad.count(STRANGER, 62.0) for _ in range(9)} == {0.0}
    assert bad.count(STRANGER, 63.0) == 900.0


def test_a_block_ends_after_fifteen_minutes_and_is_not_drawn_out_by_knocking() -> None:
    bad = BadTokens()
    for _ in range(21):
        bad.count(STRANGER, 0.0)
    assert bad.count(STRANGER, 600.0) == 300.0
    assert bad.count(STRANGER, 900.0) == 0.0


def test_addresses_are_counted_apart_but_a_hosts_ipv6_network_together() -> None:
    bad = BadTokens()
    for number in range(21):
        bad.count(ip_address(f"2001:db8::{number:x}"), 0.0)
    assert bad.count(ip_address("2001:db8::ffff"), 0.0) > 0
    assert bad.count(ip_address("2001:db8:0:1::1"), 0.0) == 0
    assert bad.count(STRANGER, 0.0) == 0


def test_memory_is_bounded_and_who_knocked_longest_ago_is_forgotten_first() -> None:
    bad = BadTokens(capacity=2)
    for _ in range(21):
        bad.count(STRANGER, 0.0)
    for number in range(1000):
        bad.count(IPv4Address(number), 0.0)
        assert bad.count(STRANGER, 0.0) == 900.0
    assert len(bad) == 2
