"""The judge itself: each difference between the books is seen, and time is measured against the slowest turn of the floor."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.cli.benching.load import Shot
from tests.acceptance.books import Books
from tests.acceptance.floor import TIMES, Crowd, Floor, Took
from tests.acceptance.load import Alerts

TAKEN, REFUSED = Shot(0, 0.001, 202), Shot(0, 0.001, 429)


@dataclass
class Recorded:
    """A stage of which only the records are left."""

    arrived: list[int]
    ended: dict[int, str | None] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    @property
    def broker(self) -> Recorded:
        return self

    def sent(self) -> list[dict[str, Any]]:
        return [{"body": {"quantity": str(number)}} for number in self.arrived]

    def rows(self, _: str) -> list[dict[str, Any]]:
        return [{"quantity": str(number), "code": code} for number, code in self.ended.items()]

    def wait_until_none(self, *_: object) -> None:
        return None

    def complaints(self) -> list[str]:
        return self.log


def books_of(stage: Recorded, *answers: Shot) -> tuple[Books, list[str]]:
    books = Books(stage)  # type: ignore[arg-type]  # stands in for the real stage
    bodies = Alerts().take(len(answers))
    books.note(bodies, answers)
    return books, bodies


def test_alerts_that_were_sent_or_ended_with_a_reason_agree() -> None:
    books, bodies = books_of(Recorded([1], {2: "deadline_passed"}), TAKEN, TAKEN, REFUSED)

    found = books.agree(bodies)

    assert (found.sent, dict(found.ended)) == (1, {"deadline_passed": 1})


@pytest.mark.parametrize(
    "stage",
    [
        Recorded([1]),  # the second was taken and is nowhere
        Recorded([1], {2: None}),  # it ended, but nobody knows why
        Recorded([1, 2, 2]),  # it was sent twice
        Recorded([1, 2, 3]),  # the third was refused and sent all the same
        Recorded([1, 2], log=['"level": "error"']),
    ],
)
def test_every_other_outcome_is_seen(stage: Recorded) -> None:
    books, bodies = books_of(stage, TAKEN, TAKEN, REFUSED)

    with pytest.raises(AssertionError):
        books.agree(bodies)


def test_a_percentile_is_a_time_within_which_that_share_was_done() -> None:
    took = Took(tuple(float(ms) for ms in range(1, 101)))

    assert (took.at(0.5), took.at(0.99), took.at(1)) == (50, 99, 100)


def test_only_a_crowded_machine_moves_the_pass_figure() -> None:
    quick, slow = Took((1.0,)), Took((30.0,))

    assert Floor(0.1, quick, slow).allows(250, 0.99) == 250
    assert Floor(0.6, quick, quick).allows(250, 0.99) == 250
    assert Floor(0.6, quick, slow).allows(250, 0.99) == TIMES * 30


def test_our_own_work_is_no_crowd() -> None:
    crowd = Crowd()
    before = time.process_time()

    while time.process_time() - before < 0.3:
        sum(range(10_000))

    assert 0 <= crowd.share() <= 1
