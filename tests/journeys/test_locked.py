"""Another program holds the database for seconds: senders are told to come again, and nothing is promised that is not kept."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from tests.journeys.books import SYMBOLS, assert_agree, until_filled
from tests.journeys.installation import Installation
from tests.journeys.sender import Sender, burst
from tests.journeys.waiting import until

LOCKED_S = 4.0


def test_a_database_locked_for_four_seconds_is_answered_with_503_and_loses_nothing(small_house: Installation) -> None:
    before, during = (burst(seed=7, count=8, symbols=SYMBOLS, prefix=when) for when in ("before", "during"))
    with Sender(small_house.furnish(orders_per_second=None)) as sender:
        small_house.start("up")
        assert {answer.result().status for answer in sender.send_all(before)} == {202}
        with closing(sqlite3.connect(small_house.folder.parent / "bridge.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            locked = time.monotonic()
            answers = [answer.result() for answer in sender.send_all(during)]
            until(lambda: time.monotonic() - locked >= LOCKED_S, "the four seconds to pass")
            other.execute("ROLLBACK")
        assert [(answer.status, answer.retry_after) for answer in answers] == [(503, "2")] * len(during)
        assert {answer.content["code"] for answer in answers} == {"cannot_store"}
        assert small_house.count("SELECT id FROM alerts") == len(before)

        again = [tries.result()[-1].content["status"] for tries in sender.insist_on_all(during)]

    until_filled(small_house, len(before + during))
    assert again == ["accepted"] * len(during)
    assert_agree(small_house, before + during)
    assert small_house.complaints() == []
