"""How much of everything a run does: a glance at each change, the full figures before a merge, many times that at night."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Spans are seconds; everything else is a count."""

    steady_s: int  # B1: 100 alerts a second
    bursts: int  # B2: 1,000 alerts each
    one_by_one: int  # B3: alerts to an idle house
    paced_s: int  # B3: 8 orders a second
    throttled_s: int  # B4: three times what the account may send
    fuzzed: int  # C1: requests
    examples: int  # C2: for each operation and caller, beside those that the description itself suggests


SIZES = {
    "sample": Size(steady_s=5, bursts=1, one_by_one=100, paced_s=4, throttled_s=8, fuzzed=3_000, examples=2),
    "pr": Size(steady_s=60, bursts=1, one_by_one=1_000, paced_s=60, throttled_s=60, fuzzed=50_000, examples=30),
    "night": Size(
        steady_s=600, bursts=20, one_by_one=5_000, paced_s=600, throttled_s=3_600, fuzzed=1_000_000, examples=300
    ),
}
