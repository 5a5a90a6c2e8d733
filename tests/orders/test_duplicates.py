"""An alert counts once, whatever its sender, its platform or a crash makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.domain.intent import Intent, Kind
from bridge.kit.database import StorageUnavailable
from bridge.orders.accepting import Accept
from tests.orders.conftest import OpenHouse
from tests.support.house import House, buy, wish
from tests.support.life import Killed


async def test_a_repeated_alert_is_answered_but_not_sent_twice(house: House) -> None:
    arrival = house.arrival(buy(), key="42")

    first = await house.send(arrival)
    await house.run(3600)
    again = await house.send(replace(arrival, received_at=house.clock.now()))
    await house.run(5)

    assert again.status == 202
    assert again.content == {**first.content, "status": "duplicate"}
    assert house.sent() == 1
    assert [row["status"] for row in house.rows("SELECT status FROM alerts ORDER BY rowid")] == [
        "accepted",
        "duplicate",
    ]


async def test_the_same_id_with_another_content_is_an_alarm(house: House) -> None:
    await house.alert(buy(), key="42", body="one")

    answer = await house.alert(buy(), key="42", body="two")

    assert (answer.status, answer.content["code"]) == (409, "id_reused")
    assert "id_reused" in house.notices()
    assert house.rows("SELECT status, code FROM alerts ORDER BY rowid")[1] == {"status": "refused", "code": "id_reused"}


async def test_ids_are_kept_for_a_week(house: House) -> None:
    arrival = house.arrival(buy(), key="42")
    await house.send(arrival)

    in_time = await house.send(replace(arrival, received_at=arrival.received_at + timedelta(days=7, microseconds=-1)))
    after = await house.send(replace(arrival, received_at=arrival.received_at + timedelta(days=7)))

    assert (in_time.content["status"], after.content["status"]) == ("duplicate", "accepted")


async def test_an_id_in_the_body_counts_like_one_in_the_header(house: House) -> None:
    arrival = house.arrival(buy(), dedupe_value="7")
    await house.send(arrival)

    assert (await house.send(arrival)).content["status"] == "duplicate"


async def test_without_an_id_the_same_body_counts_once_within_the_window(house: House) -> None:
    arrival = house.arrival(buy(), body="BUY INFY")
    await house.send(arrival)

    within = await house.send(replace(arrival, received_at=arrival.received_at + timedelta(seconds=9.9)))
    after = await house.send(replace(arrival, received_at=arrival.received_at + timedelta(seconds=10)))

    assert (within.content["status"], after.content["status"]) == ("duplicate", "accepted")


async def test_tradingviews_own_resends_are_never_new_alerts(house: House) -> None:
    arrival = house.arrival(buy(), body="BUY INFY", source_settings={"preset": "tradingview"})
    await house.send(arrival)

    resent = await house.send(replace(arrival, received_at=arrival.received_at + timedelta(seconds=19)))

    assert resent.content["status"] == "duplicate"


async def test_a_screeners_hit_counts_once_in_ten_minutes(open_house: OpenHouse) -> None:
    house = await open_house(scan_side="buy")
    scan = house.arrival(wish(Intent.SCAN_HIT, "INFY", 1), body="scan", kind=Kind.SCAN, alert_time="9:45 am")
    await house.send(scan)

    again = await house.send(replace(scan, received_at=scan.received_at + timedelta(minutes=9)))

    assert again.content["status"] == "duplicate"


async def test_a_refusal_takes_no_key(house: House) -> None:
    """What stood in the way may be gone when the same alert comes again."""
    house.stop_trading()
    arrival = house.arrival(buy(), key="42")
    refused = await house.send(arrival)
    house.stop_trading(stopped=False)

    assert refused.content["code"] == "stopped"
    assert (await house.send(arrival)).content["status"] == "accepted"


async def test_a_repeated_alert_is_a_duplicate_even_when_it_would_be_refused_now(house: House) -> None:
    arrival = house.arrival(buy(), key="42")
    await house.send(arrival)
    house.stop_trading()

    assert (await house.send(arrival)).content["status"] == "duplicate"


async def test_redeliveries_use_up_no_allowance(open_house: OpenHouse) -> None:
    house = await open_house(orders_per_minute=3)
    arrival = house.arrival(buy(), key="42")
    for _ in range(5):
        await house.send(arrival)

    assert (await house.alert(buy("SBIN"))).status == 202


async def test_a_commit_that_fails_gives_no_answer_and_uses_no_allowance(open_house: OpenHouse) -> None:
    house = await open_house(orders_per_minute=1)
    house.process.writer.faulty, house.process.writer.fails = lambda work, _: isinstance(work, Accept), 1
    with pytest.raises(StorageUnavailable):
        await house.alert(buy())

    assert house.orders() == []
    assert (await house.alert(buy())).status == 202


async def test_a_crash_before_the_commit_leaves_nothing_and_after_it_everything(house: House) -> None:
    house.process.life.dies_at("accept.before_commit")
    with pytest.raises(Killed):
        await house.alert(buy("INFY"), key="1")
    await house.crash()
    await house.start()
    assert house.orders() == []

    house.process.life.dies_at("accept.committed")
    with pytest.raises(Killed):
        await house.alert(buy("SBIN"), key="2")
    await house.crash()
    await house.start()
    await house.run(3)
    again = await house.alert(buy("SBIN"), key="2", body=house.rows("SELECT body FROM alerts")[0]["body"])

    assert again.content["status"] == "duplicate"
    assert (house.states(), house.sent()) == (["WORKING"], 1)
