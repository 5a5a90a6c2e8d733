"""Getting in, staying in, getting out."""

from __future__ import annotations

import httpx
import pytest

from bridge.kit.database import StorageUnavailable
from tests.admin.seed import PASSWORD
from tests.admin.world import FROM_HERE, World, post, sign_in, token_of


async def test_name_and_password_open_the_pages(world: World) -> None:
    browser = world.visitor()

    answer = await sign_in(browser, "asha", PASSWORD)

    assert answer.headers["location"] == "/"
    assert (await browser.get("/")).status_code == 200


async def test_every_wrong_entry_gets_the_same_words(world: World) -> None:
    pages = [
        (await sign_in(world.visitor(), name, password)).text
        for name, password in (("asha", "wrong"), ("nobody", "wrong"), ("nobody", PASSWORD), ("asha", ""))
    ]

    assert all("Name and password do not belong together." in page for page in pages)


async def test_guessing_gets_slower_and_the_right_password_is_not_even_looked_at(world: World) -> None:
    browser = world.visitor()
    for _ in range(3):
        wrong = await sign_in(browser, "asha", "wrong")
    early = await sign_in(browser, "asha", PASSWORD)
    world.clock.advance(2)
    later = await sign_in(browser, "asha", PASSWORD)

    assert "The next try is looked at in 1 s." in wrong.text
    assert early.status_code == 401
    assert later.status_code == 303


async def test_guessers_elsewhere_do_not_keep_the_owner_out(world: World) -> None:
    stranger = httpx.AsyncClient(
        transport=httpx.ASGITransport(world.app, client=("203.0.113.9", 1)), base_url="http://bridge.test"
    )
    for _ in range(5):
        await sign_in(stranger, "asha", "wrong")

    assert (await sign_in(world.visitor(), "asha", PASSWORD)).status_code == 303


async def test_a_session_ends_after_half_an_hour_without_use(world: World, asha: httpx.AsyncClient) -> None:
    world.clock.advance(29 * 60)
    assert (await asha.get("/")).status_code == 200
    world.clock.advance(29 * 60)
    assert (await asha.get("/")).status_code == 200
    world.clock.advance(30 * 60)

    assert (await asha.get("/")).status_code == 303


async def test_a_session_ends_after_twelve_hours_however_busy(world: World, asha: httpx.AsyncClient) -> None:
    for _ in range(12 * 3 - 1):
        world.clock.advance(20 * 60)
        assert (await asha.get("/more")).status_code == 200
    world.clock.advance(20 * 60)

    assert (await asha.get("/more")).status_code == 303


async def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(world: World, asha: httpx.AsyncClient) -> None:
    copy = world.visitor()
    copy.cookies.set("bridge", asha.cookies["bridge"])
    assert (await copy.get("/")).status_code == 200

    await post(asha, "/signout")

    assert (await copy.get("/")).status_code == 303


async def test_a_new_password_ends_every_session_of_that_person(world: World, asha: httpx.AsyncClient) -> None:
    await world.accounts.set_password(world.ids.asha, "another long password")

    assert (await asha.get("/")).status_code == 303


async def test_a_disabled_person_is_out_at_once_and_cannot_come_back(world: World, asha: httpx.AsyncClient) -> None:
    await world.accounts.disable_user(world.ids.asha)

    assert (await asha.get("/")).status_code == 303
    assert (await sign_in(world.visitor(), "asha", PASSWORD)).status_code == 401


async def test_the_database_knows_only_hashes_of_sessions(world: World, asha: httpx.AsyncClient) -> None:
    rows = await world.reader.rows("SELECT * FROM sessions")

    assert len(asha.cookies["bridge"]) == 43  # 256 bits
    assert all(asha.cookies["bridge"] not in str(row) for row in rows)


async def test_signing_in_again_makes_a_new_session_and_ends_the_one_before(world: World) -> None:
    browser, copy = world.visitor(), world.visitor()
    form = {"csrf": token_of((await browser.get("/signin")).text), "name": "asha", "password": PASSWORD}
    visitor = browser.cookies["bridge_visitor"]
    await browser.post("/signin", data=form, headers=FROM_HERE)
    copy.cookies.set("bridge", browser.cookies["bridge"])
    assert (await copy.get("/")).status_code == 200

    browser.cookies.set("bridge_visitor", visitor)  # as a second tab that was sent in the same moment still has it
    again = await browser.post("/signin", data=form, headers=FROM_HERE)

    assert again.status_code == 303
    assert (await browser.get("/")).status_code == 200
    assert (await copy.get("/")).status_code == 303


async def test_a_session_chosen_by_somebody_else_is_not_taken_over(world: World) -> None:
    browser = world.visitor()
    browser.cookies.set("bridge", "chosen-by-somebody-else")

    await sign_in(browser, "asha", PASSWORD)

    assert len(str(browser.cookies.get("bridge", domain="bridge.test"))) == 43


async def test_the_sign_in_form_of_one_visitor_is_no_use_to_another(world: World) -> None:
    attacker, victim = world.visitor(), world.visitor()
    page = await attacker.get("/signin")
    await victim.get("/signin")
    stolen = page.text.partition('name="csrf" value="')[2][:64]

    answer = await victim.post(
        "/signin", data={"csrf": stolen, "name": "asha", "password": PASSWORD}, headers=FROM_HERE
    )

    assert answer.status_code == 403


async def test_somebody_who_is_signed_in_is_not_asked_again(asha: httpx.AsyncClient) -> None:
    answer = await asha.get("/signin?next=/orders")

    assert answer.headers["location"] == "/orders"


async def test_a_form_sent_after_the_session_ended_does_nothing_and_says_so(
    world: World, asha: httpx.AsyncClient
) -> None:
    world.clock.advance(31 * 60)
    answer = await asha.post("/orders/or_part/cancel", data={"csrf": "x"}, headers=FROM_HERE)

    assert "Your session ended. Nothing was done" in (await asha.get(answer.headers["location"])).text
    assert world.pipeline.asked == []


async def test_a_full_disk_keeps_nobody_from_looking(
    world: World, asha: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(work: object, *, urgent: bool = False) -> object:
        raise StorageUnavailable("the disk is full")

    world.clock.advance(120)
    monkeypatch.setattr(world.writer, "run", full)

    assert (await asha.get("/orders")).status_code == 200
    assert (await world.visitor().get("/signin")).status_code == 200


async def test_what_cannot_be_stored_is_said_plainly(
    world: World, asha: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(work: object, *, urgent: bool = False) -> object:
        raise StorageUnavailable("the disk is full")

    monkeypatch.setattr(world.writer, "run", full)
    answer = await post(asha, "/signout")

    assert answer.status_code == 503
    assert "We cannot store anything" in answer.text
