"""The pages in a real browser: a phone and a desktop, by day and by night, with scripts switched off.

Needs Debian's `chromium`; the accessibility check also `npm install` in `frontend/`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bridge.kit.settings import Settings
from tests.admin.rows import Seeded
from tests.admin.seed import PASSWORD
from tests.admin.world import build

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (
    "/",
    "/alerts",
    "/alerts/al_parked",
    "/alerts/al_refused",
    "/orders",
    "/approvals",
    "/positions",
    "/stop",
    "/more",
    "/alerts/none",
)
SIZES = {"small phone": (320, 640), "phone": (390, 844), "desktop": (1440, 900)}
LEAST_HEIGHT = 35.5  # 36 px, less a rounding
# A browser's own calls home are none of ours.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, chromium_sandbox=False, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def address(tmp_path: Path, morning: tuple[Path, Seeded]) -> Iterator[str]:
    """A server of its own for every test, on a port that is free, in a thread: the browser's side has the main one."""
    folder, ids = morning
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    listener = socket.create_server(("127.0.0.1", 0))
    started: Future[uvicorn.Server] = Future()

    async def serve() -> None:
        world = await build(tmp_path, ids=ids, settings=Settings(_env_file=None))
        server = uvicorn.Server(uvicorn.Config(world.app, log_level="error", ws="none", lifespan="off"))
        started.set_result(server)
        await server.serve(sockets=[listener])
        world.close()

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(asyncio.run, serve())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        started.result().should_exit = True
        running.result()
    listener.close()


class Visitor:
    """A person with a browser window, and what the browser said about our pages."""

    def __init__(self, browser: Browser, address: str, size: str, *, scripts: bool = True, **more: object) -> None:
        width, height = SIZES[size]
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height},
            base_url=address,
            java_script_enabled=scripts,
            **more,  # type: ignore[arg-type]
        )
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def sign_in(self) -> None:
        self.page.goto("/signin")
        self.page.get_by_label("Name").fill("asha")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/")


@pytest.mark.parametrize("size", SIZES)
def test_no_page_scrolls_sideways_and_nothing_is_asked_of_anybody_else(
    chromium: Browser, address: str, size: str
) -> None:
    visitor = Visitor(chromium, address, size)
    visitor.sign_in()

    for path in PAGES:
        visitor.page.goto(path)
        wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, path
    assert {url.partition("//")[2].partition(":")[0] for url in visitor.asked} == {"127.0.0.1"}
    assert [said for said in visitor.complaints if "404" not in said] == []
    visitor.context.close()


def test_the_fonts_are_ours(chromium: Browser, address: str) -> None:
    visitor = Visitor(chromium, address, "desktop")
    visitor.sign_in()
    visitor.page.goto("/alerts/al_parked")

    loaded = visitor.page.evaluate(
        "document.fonts.ready.then(all => [...all].filter(f => f.status == 'loaded').map(f => f.family))"
    )

    assert {name.strip('"') for name in loaded} == {"Inter", "JetBrains Mono"}
    visitor.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_axe_finds_nothing(chromium: Browser, address: str, size: str, scheme: str) -> None:
    if not AXE.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("axe-core is not here: run `npm install` in frontend/")
    visitor = Visitor(chromium, address, size, color_scheme=scheme, bypass_csp=True)
    found = {"/signin": violations(visitor.page, "/signin")}
    visitor.sign_in()

    found |= {path: violations(visitor.page, path) for path in PAGES}

    assert {path: problems for path, problems in found.items() if problems} == {}
    visitor.context.close()


def violations(page: Page, path: str) -> list[str]:
    page.goto(path)
    for folded in page.locator("main details:not([open]) > summary").all():
        if folded.is_visible():
            folded.click()
    page.add_script_tag(path=AXE)
    report = page.evaluate("axe.run()")
    return [
        f"{found['id']}: {node['html'][:200]} {node['failureSummary']}"
        for found in report["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_systems_day_and_night(chromium: Browser, address: str, scheme: str) -> None:
    visitor = Visitor(chromium, address, "phone", color_scheme=scheme)
    visitor.page.goto("/signin")

    colour = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert colour == {"light": "rgb(244, 245, 247)", "dark": "rgb(14, 18, 23)"}[scheme]
    visitor.context.close()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_other_theme_is_one_press_away_without_scripts(chromium: Browser, address: str, system: str) -> None:
    visitor = Visitor(chromium, address, "desktop", scripts=False, color_scheme=system)
    visitor.sign_in()
    there, back = ("Dark colours", "Light colours") if system == "light" else ("Light colours", "Dark colours")
    colours = [shade(visitor.page)]
    for name in (there, back):
        with visitor.page.expect_navigation():
            visitor.page.get_by_role("button", name=name).click()
        colours.append(shade(visitor.page))

    day, night = "rgb(244, 245, 247)", "rgb(14, 18, 23)"
    assert colours == ([day, night, day] if system == "light" else [night, day, night])
    visitor.context.close()


def shade(page: Page) -> str:
    """The colour of the page; the evaluation is the debugger's, the page's own scripts are off."""
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_the_whole_journey_works_without_scripts(chromium: Browser, address: str, size: str) -> None:
    visitor = Visitor(chromium, address, size, scripts=False)
    page = visitor.page
    visitor.sign_in()

    page.get_by_role("link", name="Look and decide").click()
    page.get_by_label("BUY 65, limit 26,485.00, filled at 26,482.10").check()
    decide = page.locator("form[action$='/decide']")
    decide.get_by_label("Your password, to make sure it is you").fill(PASSWORD)
    decide.get_by_role("button", name="Decide BUY 65").click()
    expect(page.get_by_role("status").get_by_text("Booked: 65 at 26,482.10.")).to_be_visible()

    page.goto("/orders")
    page.get_by_role("button", name="Cancel BUY 200 RELIANCE, live").click()
    expect(page.get_by_text("Cancel asked. It is still open")).to_be_visible()

    page.get_by_role("banner").get_by_role("link", name="Stop").click()
    page.get_by_label("Type STOP to confirm").fill("STOP")
    page.get_by_role("button", name="Stop what is chosen").click()
    page.get_by_text("Start again").click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Start Everything, all people").click()
    expect(page.get_by_text("Trading again: Everything, all people.")).to_be_visible()

    page.goto("/more")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.goto("/orders")
    assert "/signin" in page.url
    visitor.context.close()


def test_orders_can_be_filtered_without_scripts(chromium: Browser, address: str) -> None:
    visitor = Visitor(chromium, address, "phone", scripts=False)
    visitor.sign_in()
    visitor.page.goto("/orders")
    visitor.page.get_by_text("Filter", exact=True).click()
    visitor.page.get_by_label("Symbol or reference").fill("sbin")
    visitor.page.get_by_role("button", name="Show").click()

    assert "q=sbin" in visitor.page.url
    assert visitor.page.locator("tr.item").count() == 1
    visitor.context.close()


def test_everything_can_be_reached_with_the_keyboard_and_the_focus_is_seen(chromium: Browser, address: str) -> None:
    visitor = Visitor(chromium, address, "desktop")
    visitor.sign_in()
    visitor.page.keyboard.press("Tab")

    assert visitor.page.evaluate("document.activeElement.textContent") == "Skip to content"
    assert visitor.page.get_by_role("link", name="Skip to content").bounding_box()["height"] > 20  # type: ignore[index]
    visitor.context.close()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_targets_are_large_enough_for_a_thumb(chromium: Browser, address: str, size: str) -> None:
    visitor = Visitor(chromium, address, size)
    visitor.sign_in()
    for path in ("/", "/orders", "/stop", "/alerts/al_parked"):
        visitor.page.goto(path)
        for button in visitor.page.locator(".btn, .input, .select, .choice, .nav-a, .bar-a").all():
            if button.is_visible():
                box = button.bounding_box()
                assert box
                assert box["height"] >= LEAST_HEIGHT, (path, button.inner_text())
    visitor.context.close()
