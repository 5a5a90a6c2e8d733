"""What a person sees of what waits for their yes, and what the two buttons do."""

from __future__ import annotations

import re

import httpx
import pytest

from bridge.accounts.model import Role
from bridge.kit.clock import micros
from bridge.kit.database import Transaction, dumps
from bridge.orders.arrival import Answer
from tests.admin.rows import MINUTE, SECOND, Rows
from tests.admin.seed import NOW, PASSWORD
from tests.admin.test_acts import after
from tests.admin.test_pages import text_of
from tests.admin.world import World, post

PLAN = {"multiplier": "1", "quantity": None, "product": "MIS", "basket": None, "opens_until": 0, "reduces": False}


@pytest.fixture
async def asked(world: World) -> World:
    """A paper buy that waits, and one of Ravi's."""

    def wait(tx: Transaction) -> None:
        rows, ids = Rows(tx, world.ids, micros(NOW)), world.ids
        approval = {"price": "3150", "side": "buy", "quantity": "20"}
        waits = {"state": "AWAITING_CONFIRM", "payload": '{"intent": "buy", "symbol": "TCS", "price": "3155"}'}
        waits |= {"plan": dumps({**PLAN, "approval": approval}), "code": "approval_wanted"}
        waits |= {"message": "It waits for your yes: the strategy asks before every entry."}
        alert = rows.sheet("al_asked", 20 * SECOND, '{"symbol": "TCS"}')
        rows.intent("in_asked", alert, ids.practice, "TCS", deadline=micros(NOW) + 4 * MINUTE, **waits)
        theirs = {**alert, "id": "al_ravi", "user_id": ids.ravi}
        rows.intent("in_ravi", theirs, ids.ravis_account, "WIPRO", deadline=micros(NOW) + MINUTE, **waits)

    await world.writer.run(wait)
    return world


async def test_what_waits_is_shown_with_its_prices_and_how_long_it_lasts(asked: World) -> None:
    page = text_of(await (await asked.signed_in()).get("/approvals"))

    assert "One order waits for your yes." in page
    assert "Waits for you, 4 min left BUY 20 TCS Practice" in page
    assert "Order Limit 3,155.00 Price then 3,150.00 Price now 3,186.00 +1.14 % Worth about ₹63,720.00" in page
    assert "the strategy asks before every entry" in page
    assert "WIPRO" not in page


async def test_where_nothing_waits_the_page_says_so(asha: httpx.AsyncClient) -> None:
    assert "Nothing waits." in text_of(await asha.get("/approvals"))


async def test_what_waits_is_counted_in_the_menu_and_on_the_first_page(asked: World) -> None:
    page = await (await asked.signed_in()).get("/")

    assert re.search(r'Approvals<span class="count[^>]*>1<', page.text)
    assert "One order to approve or refuse." in text_of(page)


async def test_the_alerts_page_has_both_buttons(asked: World) -> None:
    page = (await (await asked.signed_in()).get("/alerts/al_asked")).text

    assert 'action="/approvals/in_asked/approve"' in page
    assert 'action="/approvals/in_asked/refuse"' in page
    assert "Waits for you: TCS" in page


@pytest.mark.parametrize(
    ("act", "given", "heard", "said"),
    [
        ("approve", {}, ("approve", "in_asked", "asha"), "Approved: BUY 20 TCS."),
        ("refuse", {"reason": "no"}, ("refuse", "in_asked", "asha", "no"), "Refused by asha. Nothing was sent."),
    ],
)
async def test_a_button_asks_once_and_leads_back(
    asked: World, act: str, given: dict[str, str], heard: tuple[str, ...], said: str
) -> None:
    asha = await asked.signed_in()

    answer = await post(asha, f"/approvals/in_asked/{act}", back="/alerts/al_asked", **given)

    assert answer.headers["location"] == "/alerts/al_asked"
    assert said in await after(asha, answer)
    assert asked.pipeline.asked == [heard]


async def test_a_button_leads_nowhere_else(asked: World) -> None:
    answer = await post(await asked.signed_in(), "/approvals/in_asked/approve", back="https://elsewhere.test/")

    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("path", ["/approvals/in_ravi/approve", "/approvals/in_ravi/refuse", "/approvals/x/approve"])
async def test_what_is_anothers_cannot_be_answered(asked: World, path: str) -> None:
    answer = await post(await asked.signed_in(), path)

    assert answer.status_code == 404
    assert asked.pipeline.asked == []


async def test_without_the_pages_own_form_nothing_is_approved(asked: World) -> None:
    asha = await asked.signed_in()

    answer = await post(asha, "/approvals/in_asked/approve", csrf="0" * 64)

    assert answer.status_code == 403
    assert asked.pipeline.asked == []


async def test_a_viewer_sees_no_buttons_and_may_not_press_them(asked: World) -> None:
    await asked.accounts.add_user("vera", PASSWORD, Role.VIEWER)
    vera = await asked.signed_in("vera")

    answers = [await post(vera, f"/approvals/in_asked/{act}") for act in ("approve", "refuse")]

    assert {answer.status_code for answer in answers} == {403}
    assert asked.pipeline.asked == []


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        ("/alerts/al_filled/replay", {}, "SBIN Would wait for your yes"),
        (
            "/alerts/al_filled/replay-live",
            {"ticket": "x", "password": PASSWORD},
            "0 planned at once, 1 for you to approve.",
        ),
    ],
)
async def test_a_replay_says_that_it_waits(
    world: World, asha: httpx.AsyncClient, path: str, given: dict[str, str], said: str
) -> None:
    line = {"order_id": None, "symbol": "SBIN", "side": "buy", "quantity": 400, "state": "awaiting_confirm"}
    world.pipeline.answer = Answer(202, {"alert_id": "al_filled", "status": "accepted", "orders": [line]})

    answer = await post(asha, path, **given)
    page = text_of(answer) if answer.status_code == 200 else await after(asha, answer)

    assert said in page


async def test_who_approved_it_stands_in_the_steps(asked: World) -> None:
    def approved(tx: Transaction) -> None:
        at = micros(NOW)
        tx.execute(
            "INSERT INTO events (at, user_id, account_id, alert_id, intent_id, type, provenance, payload) VALUES"
            " (:at, :user, :account, 'al_asked', 'in_asked', 'intent.received', 'person', :payload)",
            {
                "at": at,
                "user": asked.ids.asha,
                "account": asked.ids.practice,
                "payload": dumps({"title": "Approved by asha", "who": "asha"}),
            },
        )

    await asked.writer.run(approved)

    assert "Approved by asha" in text_of(await (await asked.signed_in()).get("/alerts/al_asked"))
