"""Another program holds the database: senders are told to come again, and nothing is promised that is not kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.journeys.books import SYMBOLS, assert_agree, until_filled
from tests.journeys.installation import Installation
from tests.journeys.sender import Sender, burst


def test_what_comes_while_the_database_is_locked_is_answered_with_503_and_not_lost(small_house: Installation) -> None:
    before, during = (burst(seed=7, count=8, symbols=SYMBOLS, prefix=when) for when in ("before", "during"))
    with Sender(small_house.furnish(orders_per_second=None)) as sender:
        small_house.start("up")
        assert {answer.result().status for answer in sender.send_all(before)} == {202}
        with closing(sqlite3.connect(small_house.folder.parent / "bridge.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answers = [answer.result() for answer in sender.send_all(during)]
            other.execute("ROLLBACK")
        assert [(answer.status, answer.retry_after) for answer in answers] == [(503, "2")] * len(during)
        assert {answer.content["code"] for answer in answers} == {"cannot_store"}
        assert small_house.count("SELECT id FROM alerts") == len(before)

        again = [tries.result()[-1].content["status"] for tries in sender.insist_on_all(during)]

    until_filled(small_house, len(before + during))
    assert again == ["accepted"] * len(during)
    assert_agree(small_house, before + during)
    assert small_house.complaints() == []
