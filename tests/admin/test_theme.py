"""Day or night by choice, without scripts."""

from __future__ import annotations

import httpx
import pytest

from tests.admin.world import World, post


async def test_the_choice_holds_for_every_page_and_for_signing_in(asha: httpx.AsyncClient) -> None:
    answer = await post(asha, "/theme", theme="night", back="/orders?money=paper")

    assert answer.headers["location"] == "/orders?money=paper"
    assert 'data-theme="night"' in (await asha.get("/orders")).text
    await post(asha, "/signout")
    assert 'data-theme="night"' in (await asha.get("/signin")).text


async def test_without_a_choice_the_system_decides(asha: httpx.AsyncClient) -> None:
    assert "data-theme" not in (await asha.get("/")).text
    await post(asha, "/theme", theme="day")
    assert 'data-theme="daylight"' in (await asha.get("/")).text
    await post(asha, "/theme", theme="")
    assert "data-theme" not in (await asha.get("/")).text


@pytest.mark.parametrize("words", ['"><script>', "nightly", "daylight"])
async def test_words_that_are_no_theme_reach_no_page(asha: httpx.AsyncClient, words: str) -> None:
    assert (await post(asha, "/theme", theme=words)).status_code == 404
    asha.cookies.set("bridge_theme", words)
    assert "data-theme" not in (await asha.get("/")).text


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_the_way_back_leads_nowhere_else(asha: httpx.AsyncClient, back: str) -> None:
    assert (await post(asha, "/theme", theme="day", back=back)).headers["location"] == "/"


async def test_a_page_that_answers_a_form_leads_back_to_an_address_that_can_be_opened(
    world: World, asha: httpx.AsyncClient
) -> None:
    page = await post(asha, "/alerts/al_filled/replay")

    assert 'name="back" value="/"' in page.text
    assert 'name="back" value="/alerts?q=a&amp;outcome=done"' in (await asha.get("/alerts?q=a&outcome=done")).text
