"""Strangers, neighbours, other sites' pages and messages that want to be programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from bridge.kit.database import Transaction
from bridge.kit.settings import Settings
from tests.admin.seed import PASSWORD
from tests.admin.world import FROM_HERE, ORIGIN, World, build, post, sign_in, token_of

# Every address with an id of somebody, and every form, as the router has them.
OPEN = {"/signin", "/static/{version}/{name}"}
IDS = {"alert_id": "al_parked", "order_id": "or_part", "intent_id": "in_parked"}


def routes(world: World) -> list[tuple[str, str]]:
    """Method and path of every route but the open ones, ids filled in with Asha's."""
    found = [
        (method, route.path)
        for route in _flat(world.app.routes)
        for method in route.methods or ()
        if method != "HEAD" and route.path not in OPEN and not route.path.startswith(("/docs", "/openapi", "/redoc"))
    ]
    return sorted((method, path.format(**IDS)) for method, path in found)


def _flat(found: Iterable[Any]) -> Iterator[Any]:
    for route in found:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _flat(inner.routes)
        elif hasattr(route, "methods"):
            yield route


def posts(world: World) -> list[str]:
    return [path for method, path in routes(world) if method == "POST"]


async def test_the_walk_over_all_routes_sees_them(world: World) -> None:
    assert {"/alerts/al_parked/replay-live", "/orders/or_part/decide", "/stop", "/signout"} <= set(posts(world))
    assert ("GET", "/alerts/al_parked") in routes(world)


async def test_a_stranger_gets_nothing_but_the_way_to_sign_in(world: World) -> None:
    stranger = world.visitor()

    for method, path in routes(world):
        answer = await stranger.request(method, path, headers=FROM_HERE, data={"x": ""} if method == "POST" else None)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/signin"), path
    assert world.pipeline.asked == []


async def test_another_persons_rows_are_not_there(world: World) -> None:
    ravi = await world.signed_in("ravi")

    for method, path in routes(world):
        if not any(own in path for own in IDS.values()):
            continue
        answer = await (
            ravi.get(path) if method == "GET" else post(ravi, path, choice="none", password=PASSWORD, ticket="x")
        )
        assert answer.status_code == 404, path
    assert world.pipeline.asked == []


@pytest.mark.parametrize(
    "path", ["/", "/alerts", "/alerts?q=ravis", "/orders", "/orders?q=wipro", "/positions", "/stop"]
)
async def test_lists_show_nothing_of_another_person(asha: httpx.AsyncClient, path: str) -> None:
    page = (await asha.get(path)).text

    assert not re.search(r"WIPRO|RAVIS-SECRET|Ravi’s own|al_ravi|TradingView of Ravi|Ravi’s strategy", page)


async def test_a_stop_cannot_reach_what_is_another_persons(world: World) -> None:
    ravi = await world.signed_in("ravi")

    for scope in (f"user:{world.ids.asha}", f"account:{world.ids.zerodha}", "account:", "global:x", ""):
        assert (await post(ravi, "/stop", scope=scope, confirm="STOP")).status_code == 404
    assert world.pipeline.asked == []


async def test_an_account_filter_cannot_reach_another_persons_account(world: World, asha: httpx.AsyncClient) -> None:
    page = (await asha.get(f"/orders?account={world.ids.ravis_account}")).text

    assert "No order is like that." in page


async def test_every_form_needs_the_proof_of_its_session(world: World, asha: httpx.AsyncClient) -> None:
    others = token_of((await (await world.signed_in("ravi")).get("/more")).text)

    for path in posts(world):
        for data in ({"x": ""}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": others}, {"csrf": "é"}):
            answer = await asha.post(path, data=data, headers=FROM_HERE)
            assert answer.status_code == 403, (path, data)
    assert world.pipeline.asked == []
    assert (await asha.get("/")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://bridge.test.evil.example"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
        {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_no_form_is_taken_from_another_site(
    world: World, asha: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    csrf = token_of((await asha.get("/more")).text)

    for path in [*posts(world), "/signin"]:
        answer = await asha.post(path, data={"csrf": csrf, "name": "asha", "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403, path
    assert world.pipeline.asked == []


@pytest.mark.parametrize(
    "headers",
    [{"origin": ORIGIN}, {"origin": "null", "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "same-origin"}],
)
async def test_our_own_pages_are_believed_in_every_way_browsers_say_it(
    asha: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    csrf = token_of((await asha.get("/more")).text)

    assert (await asha.post("/orders/or_part/cancel", data={"csrf": csrf}, headers=headers)).status_code == 303


async def test_what_is_no_form_is_not_read(world: World, asha: httpx.AsyncClient) -> None:
    csrf = token_of((await asha.get("/more")).text)
    as_json = await asha.post("/orders/or_part/cancel", json={"csrf": csrf}, headers=FROM_HERE)
    as_parts = await asha.post("/orders/or_part/cancel", files={"csrf": (None, csrf)}, headers=FROM_HERE)
    too_much = await asha.post("/orders/or_part/cancel", data={"csrf": csrf, "x": "x" * 70_000}, headers=FROM_HERE)
    too_many = await asha.post(
        "/orders/or_part/cancel", data={"csrf": csrf} | {f"x{n}": "" for n in range(99)}, headers=FROM_HERE
    )

    assert [a.status_code for a in (as_json, as_parts, too_much, too_many)] == [415, 415, 413, 400]
    assert world.pipeline.asked == []


async def test_what_no_column_can_hold_is_the_askers_mistake(tmp_path: Path, postgres_url: str) -> None:
    world = await build(tmp_path, database_url=postgres_url)  # SQLite would keep it
    asha = await world.signed_in()
    looks = ["/alerts?q=%00", "/alerts?before=1.%00", "/alerts/al%00", "/orders?account=%00", "/alerts.csv?dialect=%00"]

    answers = [await asha.get(path) for path in looks]
    answers.append(await post(asha, "/stop", scope="global:", confirm="STOP", reason="\0"))
    answers.append(await sign_in(world.visitor(), "as\0ha", PASSWORD))
    world.close()

    assert [answer.status_code for answer in answers] == [400] * len(answers)


async def test_looking_changes_nothing(world: World, asha: httpx.AsyncClient) -> None:
    for path in posts(world):
        assert (await asha.get(path)).status_code in (200, 404, 405), path
    assert world.pipeline.asked == []
    assert (await asha.get("/")).status_code == 200  # nor was the session ended


async def test_every_answer_carries_the_headers(world: World, asha: httpx.AsyncClient) -> None:
    answers = [
        *[await asha.get(path) for method, path in routes(world) if method == "GET"],
        await asha.get("/alerts/unknown"),
        await asha.post("/stop"),
        await world.visitor().get("/signin"),
        await world.visitor().get("/orders"),
    ]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


async def test_no_page_has_a_script_or_style_of_its_own(world: World, asha: httpx.AsyncClient) -> None:
    for method, path in routes(world):
        if method == "GET":
            page = (await asha.get(path)).text
            assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|https?://", page), path


async def test_style_fonts_and_icons_come_from_here_and_may_be_kept(world: World) -> None:
    page = (await world.visitor().get("/signin")).text
    address = re.search(r'href="(/static/\w+/app\.css)"', page)
    assert address
    style = await world.visitor().get(address[1])
    font = await world.visitor().get(address[1].replace("app.css", "inter.woff2"))

    assert style.headers["content-type"].startswith("text/css")
    assert "immutable" in font.headers["cache-control"]
    assert font.content[:4] == b"wOF2"


@pytest.mark.parametrize("name", ["..%2f__init__.py", "%2e%2e/site.py", "nothing.css", "app.css%00"])
async def test_no_other_file_can_be_had(world: World, name: str) -> None:
    page = (await world.visitor().get("/signin")).text
    version = re.search(r"/static/(\w+)/", page)
    assert version

    assert (await world.visitor().get(f"/static/{version[1]}/{name}")).status_code == 404


# A few of each kind; the words must come out as they went in, and never as marks.
SCRIPTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</pre><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% if 1 %}",
    "<a href='javascript:x'>",
    '" autofocus onfocus="alert(1)',
    "\u003cscript\u003e",
    "<!--<ScRiPt>",
    "]]><script>",
    "&lt;b&gt;",
]


@pytest.mark.parametrize("words", SCRIPTS)
async def test_nothing_a_sender_or_broker_writes_becomes_a_mark(world: World, words: str) -> None:
    account = await world.accounts.add_account(world.ids.asha, f"A{words}"[:90], "zerodha")
    ruled = {"words": words, "account": account, "steps": _steps(words)}

    def poison(tx: Transaction) -> None:
        tx.execute("UPDATE strategies SET name = 'S' || :words", ruled)
        tx.execute("UPDATE sources SET name = 'N' || :words", ruled)
        tx.execute("UPDATE revision SET number = number + 1")
        tx.execute(
            "UPDATE alerts SET body = :words, message = :words, code = :words, dialect = substr(:words, 1, 40),"
            " content_type = :words, sender = :words, trace = :steps",
            ruled,
        )
        tx.execute(
            "UPDATE orders SET message = :words, code = :words, broker_order_id = id || :words, symbol = :words, ref = id",
            ruled,
        )
        tx.execute("UPDATE intents SET message = :words, symbol = :words", ruled)
        tx.execute("UPDATE positions SET symbol = :words || account_id || strategy_id || symbol", ruled)
        tx.execute(
            "UPDATE events SET payload = replace(payload, 'Margin shortfall', :inside)", {"inside": _inside(words)}
        )
        tx.execute(
            "UPDATE events SET payload = replace(payload, '26112000007731', :inside)", {"inside": _inside(words)}
        )
        tx.execute("UPDATE events SET payload = replace(payload, 'one lot', :inside)", {"inside": _inside(words)})

    await world.writer.run(poison)
    await world.directory.refresh()
    asha = await world.signed_in()
    await post(asha, "/stop", scope=f"account:{account}", confirm="STOP", reason=words)

    for path in POISONED:
        page = await asha.get(path, params={"q": words} if path in ("/alerts", "/orders") else None)
        assert page.status_code == 200, path
        found = Marks()
        found.feed(page.text)
        assert found.strange == [], path
        assert words in found.text, path


POISONED = (
    "/",
    "/alerts",
    "/alerts/al_parked",
    "/alerts/al_rejected",
    "/alerts/al_refused",
    "/orders",
    "/positions",
    "/stop",
)


class Marks(HTMLParser):
    """Reads a page as a browser does: collects its text, and the elements and attributes that no template of ours has."""

    # fmt: off
    KNOWN = frozenset((
        "a", "aside", "body", "button", "dd", "details", "div", "dl", "dt", "fieldset", "form", "h1", "h2", "h3", "head",
        "header", "html", "input", "label", "legend", "li", "link", "main", "meta", "nav", "ol", "option", "p", "path",
        "pre", "rect", "section", "select", "span", "strong", "summary", "svg", "table", "tbody", "td", "th", "thead",
        "title", "tr", "ul", "use", "wbr",
    ))
    # fmt: on

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.strange: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in self.KNOWN:
            self.strange.append(tag)
        for name, value in attributes:
            if tag == "wbr" or name.startswith("on") or name in ("style", "srcdoc", "formaction", "autofocus"):
                self.strange.append(f"{tag} {name}")
            if name in ("href", "action", "src") and not str(value).startswith(("/", "#")):
                self.strange.append(f"{tag} {name}={value}")


def _inside(words: str) -> str:
    return words.replace("\\", "\\\\").replace('"', '\\"')


def _steps(words: str) -> str:
    inside = _inside(words)
    check = f'{{"name":"{inside}","ok":false,"detail":"{inside}"}}'
    return f'[{{"step":"x","ms":1,"title":"{inside}","detail":"{inside}","checks":[{check}]}}]'


async def test_a_link_from_a_chat_opens_the_page_for_who_is_signed_in(world: World, asha: httpx.AsyncClient) -> None:
    first = await world.visitor().get("/alerts/al_parked", headers={"sec-fetch-site": "cross-site"})

    assert first.status_code == 200
    assert '<meta http-equiv="refresh" content="0">' in first.text
    assert (await asha.get("/alerts/al_parked", headers={"sec-fetch-site": "same-origin"})).status_code == 200


@pytest.mark.parametrize(
    "address", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "\\\\evil", "/a\n/b", ""]
)
async def test_signing_in_leads_nowhere_else(world: World, address: str) -> None:
    answer = await sign_in(world.visitor(), "asha", PASSWORD, next=address)

    assert answer.headers["location"] == "/"


async def test_signing_in_goes_on_to_the_page_that_was_asked_for(world: World) -> None:
    browser = world.visitor()
    sent_away = await browser.get("/orders?money=paper")
    page = await browser.get(sent_away.headers["location"])
    forward = re.search(r'name="next" value="([^"]*)"', page.text)
    assert forward

    answer = await sign_in(browser, "asha", PASSWORD, next=unquote(forward[1]))

    assert answer.headers["location"] == "/orders?money=paper"


async def test_behind_https_cookies_are_for_https_and_this_host_only(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, public_url="https://bridge.test")
    world = await build(tmp_path, settings=settings)
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url="https://bridge.test")
    page = await browser.get("/signin")
    data = {"csrf": token_of(page.text), "name": "asha", "password": PASSWORD}
    answer = await browser.post("/signin", data=data, headers={"origin": "https://bridge.test"})
    world.close()

    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-bridge="))
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "max-age" in answer.headers["strict-transport-security"]
