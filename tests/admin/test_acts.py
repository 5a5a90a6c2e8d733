"""What the buttons do, and what they ask first."""

from __future__ import annotations

import re

import httpx
import pytest

from bridge.accounts.model import Role
from bridge.orders.arrival import Answer
from tests.admin.seed import PASSWORD
from tests.admin.world import World, post


async def after(browser: httpx.AsyncClient, answer: httpx.Response) -> str:
    """The page that a form leads to."""
    assert answer.status_code == 303, answer.text
    return (await browser.get(answer.headers["location"])).text


async def test_cancel_asks_the_broker_and_says_that_the_order_is_still_open(
    world: World, asha: httpx.AsyncClient
) -> None:
    page = await after(asha, await post(asha, "/orders/or_part/cancel"))

    assert world.pipeline.asked == [("cancel", "or_part", "asha")]
    assert "Cancel asked. It is still open and can still fill" in page


async def test_what_was_said_is_said_only_once(asha: httpx.AsyncClient) -> None:
    await after(asha, await post(asha, "/orders/or_part/cancel"))

    assert "Cancel asked. It is still open" not in (await asha.get("/orders")).text


async def test_a_decision_with_the_password_books_the_chosen_order(world: World, asha: httpx.AsyncClient) -> None:
    answer = await post(asha, "/orders/or_parked/decide", choice="26112000007731", password=PASSWORD)

    assert "Booked: 65 at 26,482.10." in await after(asha, answer)
    assert world.pipeline.asked == [("decide", "or_parked", "asha", "26112000007731")]


async def test_none_of_them_is_a_decision_too(world: World, asha: httpx.AsyncClient) -> None:
    await post(asha, "/orders/or_parked/decide", choice="none", password=PASSWORD)

    assert world.pipeline.asked == [("decide", "or_parked", "asha", None)]


@pytest.mark.parametrize(
    ("choice", "password", "said"),
    [
        ("", PASSWORD, "Choose one of the orders"),
        ("99999999999999", PASSWORD, "Choose one of the orders"),
        ("26112000007731", "wrong", "That is not your password."),
        ("26112000007731", "", "That is not your password."),
    ],
)
async def test_no_decision_without_a_real_choice_and_the_password(
    world: World, asha: httpx.AsyncClient, choice: str, password: str, said: str
) -> None:
    answer = await post(asha, "/orders/or_parked/decide", choice=choice, password=password)

    assert answer.status_code == 403
    assert said in answer.text
    assert world.pipeline.asked == []


async def test_a_wrong_password_does_not_lose_the_choice(asha: httpx.AsyncClient) -> None:
    answer = await post(asha, "/orders/or_parked/decide", choice="26112000007764", password="wrong")

    assert re.search(r'value="26112000007764" required checked>', answer.text)


async def test_an_order_that_was_settled_meanwhile_is_not_decided_again(world: World, asha: httpx.AsyncClient) -> None:
    page = await after(asha, await post(asha, "/orders/or_filled/decide", choice="none", password=PASSWORD))

    assert "settled meanwhile" in page
    assert world.pipeline.asked == []


async def test_a_dry_run_shows_what_would_happen_and_asks_for_nothing(world: World, asha: httpx.AsyncClient) -> None:
    answer = await post(asha, "/alerts/al_filled/replay")

    assert world.pipeline.asked == [("replay", "al_filled", "asha", False)]
    assert "Under today’s settings it would do this" in answer.text
    assert "nothing was kept, nothing was sent" in answer.text


async def test_a_dry_run_that_would_be_refused_says_why(world: World, asha: httpx.AsyncClient) -> None:
    world.pipeline.answer = Answer(422, {"status": "refused", "code": "stopped", "message": "Trading is stopped."})

    answer = await post(asha, "/alerts/al_filled/replay")

    assert "it would be refused" in answer.text
    assert "Trading is stopped." in answer.text


async def ticket(browser: httpx.AsyncClient) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', (await browser.get("/alerts/al_filled")).text)
    assert found
    return found[1]


async def test_a_live_replay_names_the_accounts_it_reaches(asha: httpx.AsyncClient) -> None:
    page = (await asha.get("/alerts/al_parked")).text

    assert "Replay live on two accounts" in page


async def test_a_live_replay_asks_for_the_password(world: World, asha: httpx.AsyncClient) -> None:
    answer = await post(asha, "/alerts/al_filled/replay-live", ticket=await ticket(asha), password="wrong")

    assert answer.status_code == 403
    assert "That is not your password." in answer.text
    assert world.pipeline.asked == []


async def test_a_live_replay_counts_once_however_often_it_is_pressed(world: World, asha: httpx.AsyncClient) -> None:
    number = await ticket(asha)
    first = await post(asha, "/alerts/al_filled/replay-live", ticket=number, password=PASSWORD)
    second = await post(asha, "/alerts/al_filled/replay-live", ticket=number, password=PASSWORD)

    assert world.pipeline.asked == [("replay", "al_filled", "asha", True)]
    assert first.status_code == 303
    assert "sent already. Nothing was sent again." in await after(asha, second)


async def test_a_live_replay_without_a_ticket_does_nothing(world: World, asha: httpx.AsyncClient) -> None:
    await post(asha, "/alerts/al_filled/replay-live", password=PASSWORD)

    assert world.pipeline.asked == []


async def test_stopping_takes_the_word_stop_and_shows_at_once(world: World, asha: httpx.AsyncClient) -> None:
    answer = await post(asha, "/stop", scope="global:", confirm="STOP", reason="news")

    assert "Stopped: Everything, all people." in await after(asha, answer)
    assert world.pipeline.asked == [("panic", "global", "", True, "news", "asha")]
    assert "Trading is stopped for everyone since 11:42:07 IST." in (await asha.get("/")).text


async def test_what_is_switched_off_is_not_said_to_trade(world: World, asha: httpx.AsyncClient) -> None:
    strategy = world.ids.strategies["Sheet ideas"]
    await world.accounts.change_strategy(world.ids.asha, strategy, enabled=False)
    await world.directory.refresh()

    switches = (await asha.get("/stop")).text.partition('id="switches"')[2]
    line = next(item for item in switches.split("<li") if f"bridge strategy enable {strategy}" in item)
    assert "Switched off" in line
    assert "Trading</span>" not in line
    assert "Switched off: Sheet ideas." in (await asha.get("/")).text


async def test_where_nothing_is_open_stop_says_so(empty: World) -> None:
    page = (await (await empty.signed_in()).get("/stop")).text

    assert "Nothing waits in the queue." in page
    assert "Nothing is open at a broker." in page


async def test_anything_but_stop_does_not_stop(world: World, asha: httpx.AsyncClient) -> None:
    answer = await post(asha, "/stop", scope="global:", confirm="stop it", reason="my reason")

    assert answer.status_code == 422
    assert "Trading goes on" in answer.text
    assert 'value="my reason"' in answer.text
    assert world.pipeline.asked == []


async def test_starting_again_asks_for_the_password(world: World, asha: httpx.AsyncClient) -> None:
    await post(asha, "/stop", scope=f"account:{world.ids.samco}", confirm="STOP")

    wrong = await post(asha, "/stop/resume", scope=f"account:{world.ids.samco}", password="wrong")
    right = await post(asha, "/stop/resume", scope=f"account:{world.ids.samco}", password=PASSWORD)

    assert wrong.status_code == 403
    assert "Trading again: Ravi · Samco." in await after(asha, right)
    assert [asked[3] for asked in world.pipeline.asked] == [True, False]


async def test_only_the_owner_stops_everybody(world: World) -> None:
    ravi = await world.signed_in("ravi")

    everybody = await post(ravi, "/stop", scope="global:", confirm="STOP")
    own = await post(ravi, "/stop", scope=f"user:{world.ids.ravi}", confirm="STOP")

    assert everybody.status_code == 404
    assert own.status_code == 303
    assert world.pipeline.asked == [("panic", "user", world.ids.ravi, True, "stopped by ravi", "ravi")]


async def test_a_viewer_looks_and_cannot_act(world: World) -> None:
    await world.accounts.add_user("vera", PASSWORD, Role.VIEWER)
    vera = await world.signed_in("vera")

    answers = [
        await post(vera, path, scope=f"user:{world.ids.asha}", confirm="STOP", password=PASSWORD)
        for path in (
            "/stop",
            "/stop/resume",
            "/orders/or_part/cancel",
            "/orders/or_parked/decide",
            "/alerts/al_filled/replay-live",
        )
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert world.pipeline.asked == []
