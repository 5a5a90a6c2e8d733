"""Nobody reaches what is another's, and nobody acts without a key that may: every route there is, tried."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

import httpx

from bridge.accounts.service import touch
from bridge.app import Bridge
from bridge.kit.database import Row, Transaction, metadata
from tests.acceptance.strangers import _walk
from tests.api.openalgo.conftest import ORDER, Trader
from tests.api.program import Program, address, alert, noticed, parked, program

# How each of our own routes is tried: its body, with the first person's ids in it; None: it has none.
# A route that is missing here makes `test_every_route_is_tried` fail: say how to try it.
OWN: Mapping[tuple[str, str], Any] = {
    ("GET", "/alerts"): None,
    ("GET", "/alerts/{alert_id}"): None,
    ("POST", "/alerts/{alert_id}/replay"): {"live": True},
    ("GET", "/orders"): None,
    ("GET", "/orders/{order_id}"): None,
    ("DELETE", "/orders/{order_id}"): None,
    ("POST", "/orders/{parked_id}/decide"): {"broker_order_id": None},
    ("GET", "/positions"): None,
    ("GET", "/strategies"): None,
    ("POST", "/strategies"): {"name": "Mine", "settings": {"accounts": [{"account_id": "{account_id}"}]}},
    ("GET", "/strategies/{strategy_id}"): None,
    ("PATCH", "/strategies/{strategy_id}"): {"settings": {"direction": "long"}, "enabled": True},
    ("POST", "/strategies/{strategy_id}/enable"): None,
    ("POST", "/strategies/{strategy_id}/disable"): None,
    ("GET", "/strategies/{strategy_id}/book"): None,
    ("GET", "/sources"): None,
    ("POST", "/sources"): {"name": "Mine", "strategy_id": "{strategy_id}"},
    ("GET", "/sources/{source_id}"): None,
    ("POST", "/sources/{source_id}/rotate"): None,
    ("POST", "/sources/{source_id}/disable"): None,
    ("POST", "/sources/{source_id}/enable"): None,
    ("GET", "/accounts"): None,
    ("GET", "/accounts/{account_id}"): None,
    ("GET", "/accounts/{account_id}/funds"): None,
    ("POST", "/accounts/{account_id}/test"): None,
    ("GET", "/limits"): None,
    ("PATCH", "/limits/accounts/{account_id}"): {"orders_per_day": 500},
    ("PATCH", "/limits/strategies/{strategy_id}"): {"orders_per_day": 500},
    ("GET", "/keys"): None,
    ("POST", "/keys"): {"name": "Mine", "settings": {"account_id": "{account_id}"}},
    ("GET", "/keys/{key_id}"): None,
    ("PATCH", "/keys/{key_id}"): {"settings": {"analyze": True}},
    ("DELETE", "/keys/{key_id}"): None,
    ("GET", "/notices"): None,
    ("POST", "/panic"): {"scope": "account", "scope_id": "{account_id}", "stopped": True},
}
# As the route has it, where the one to try is not just any of its kind.
SPECIAL = {"parked_id": "order_id"}
# What changes nothing, though its method could: a viewer may ask it.
ASKS = frozenset({("POST", "/accounts/{account_id}/test")})

FUTURE = {**ORDER, "symbol": "NIFTY24NOV26FUT", "exchange": "NFO"}
OPTION = {
    "underlying": "NIFTY",
    "exchange": "NSE_INDEX",
    "expiry_date": "24NOV26",
    "offset": "ATM",
    "option_type": "CE",
}
TRIGGER = {"trigger_type": "SINGLE", "pricetype": "LIMIT", "triggerprice_sl": "90", "product": "CNC"}
HOLDING = {"symbol": "INFY", "exchange": "NSE", "weight": 100}
ONE = {"symbol": "RELIANCE", "exchange": "NSE"}
# The same for OpenAlgo's endpoints: everything its contract names, served by now or not.
TRADES: Mapping[str, Mapping[str, Any]] = {
    "placeorder": ORDER,
    "placesmartorder": {**ORDER, "position_size": "5"},
    "modifyorder": {**ORDER, "orderid": "{order_id}", "pricetype": "LIMIT", "price": "99"},
    "cancelorder": {"strategy": "Python", "orderid": "{order_id}"},
    "cancelallorder": {"strategy": "Python"},
    "closeposition": {"strategy": "Python"},
    "basketorder": {"strategy": "Python", "orders": [ORDER]},
    "splitorder": {**ORDER, "splitsize": "5"},
    "optionsorder": {"strategy": "Python", **OPTION, "action": "BUY", "quantity": "65"},
    "optionsmultiorder": {
        "strategy": "Python",
        **OPTION,
        "legs": [{"offset": "ATM", "option_type": "CE", "action": "BUY", "quantity": "65"}],
    },
    "placegttorder": {**ORDER, **TRIGGER, "price": "91"},
    "modifygttorder": {**ORDER, **TRIGGER, "price": "91", "trigger_id": "{order_id}"},
    "cancelgttorder": {"strategy": "Python", "trigger_id": "{order_id}"},
}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "analyzer/toggle": {"mode": True},
    "chart": {"layout": "dark"},
    "telegram/config": {},
    "telegram/start": {},
    "telegram/stop": {},
    "telegram/webhook": {},
    "telegram/broadcast": {"message": "hello"},
    "telegram/notify": {"username": "ravi", "message": "hello"},
    "telegram/preferences": {},
    "whatsapp/notify": {"self": True, "message": "hello"},
}
ASKED: Mapping[str, Mapping[str, Any]] = {
    "gttorderbook": {},
    "funds": {},
    "orderbook": {},
    "tradebook": {},
    "positionbook": {},
    "holdings": {},
    "orderstatus": {"strategy": "Python", "orderid": "{order_id}"},
    "openposition": {"strategy": "Python", **ONE, "product": "MIS"},
    "margin": {"positions": [ORDER]},
    "quotes": ONE,
    "multiquotes": {"symbols": [ONE]},
    "depth": ONE,
    "history": {**ONE, "interval": "D", "start_date": "2026-11-01", "end_date": "2026-11-20"},
    "intervals": {},
    "symbol": ONE,
    "search": {"query": "RELIANCE"},
    "expiry": {"symbol": "NIFTY", "exchange": "NFO", "instrumenttype": "futures"},
    "optionsymbol": OPTION,
    "optionchain": OPTION,
    "optiongreeks": {"symbol": "NIFTY24NOV2626000CE", "exchange": "NFO"},
    "multioptiongreeks": {"symbols": [{"symbol": "NIFTY24NOV2626000CE", "exchange": "NFO"}]},
    "syntheticfuture": OPTION,
    "instruments": {"exchange": "NSE"},
    "ticker/{symbol}": {"interval": "D", "from": "2026-11-01", "to": "2026-11-20"},
    "market/holidays": {"year": "2026"},
    "market/timings": {"date": "2026-11-20"},
    "analyzer": {},
    "ping": {},
    "pnl/symbols": {},
    "telegram/users": {},
    "telegram/stats": {"days": "7"},
    "portfolio/benchmarks": {},
    "portfolio/backtest": {"holdings": [HOLDING]},
    "portfolio/tearsheet": {"holdings": [HOLDING]},
    "portfolio/holdings": {},
    "sip/frequencies": {},
    "sip/backtest": {"holdings": [HOLDING]},
}
OPENALGO = {**TRADES, **CHANGES, **ASKED}
# A person's own preferences, which trade nothing: any of their keys may change them.
PREFERENCES = frozenset({("POST", "/chart"), ("POST", "/chart/")})
FAST: Mapping[str, Any] = {"orders_per_second": 1000, "requests_per_second": 1000}
PUBLIC_WORDS = {"symbol": "NSE:RELIANCE"}  # what stands in an address and is nobody's
VOLATILE = {"api_keys": "last_used_at"}  # notes of use; they count nothing


@dataclass(frozen=True)
class Try:
    """One request. `own` for our own routes; `acts` when it would change something."""

    method: str
    path: str
    body: Any
    own: bool
    acts: bool
    names_things: bool

    async def send(self, client: httpx.AsyncClient, key: str | None) -> httpx.Response:
        """The answer. The key goes in a header, which both families read."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        sent = {"params": self.body} if self.method == "GET" else {"json": self.body}
        return await client.request(self.method, f"/api/v1{self.path}", headers=headers, **sent)


def routes(house: Bridge) -> list[tuple[str, str]]:
    """Method and path below `/api/v1` of every route of both families, as the application has them."""
    found = [(method, route.path) for route in _walk(house._site().routes) for method in route.methods]
    return sorted((m, p.removeprefix("/api/v1")) for m, p in found if p.startswith("/api/v1/") and m != "HEAD")


def tries(house: Bridge, things: Mapping[str, str]) -> Iterator[Try]:
    """Every route with those things in its address and body."""
    own = {(method, _as_routed(path)): (path, body) for (method, path), body in OWN.items()}
    for method, routed in routes(house):
        if (method, routed) in own:
            path, body = own[method, routed]
            acts = method != "GET" and (method, path) not in ASKS
        else:
            name = routed.strip("/")
            path, body = routed, OPENALGO[name]
            acts = name in TRADES or (name in CHANGES and method == "POST")
        named = {word for word in _words([path, body]) if word in things}
        yield Try(method, _filled(path, things), _filled(body, things), (method, routed) in own, acts, bool(named))


def _as_routed(path: str) -> str:
    for word, routed in SPECIAL.items():
        path = path.replace(f"{{{word}}}", f"{{{routed}}}")
    return path


def _words(value: Any) -> Iterator[str]:
    """The names in braces, however deep."""
    if isinstance(value, str):
        yield from (name for _, name, _, _ in Formatter().parse(value) if name)
    elif isinstance(value, Mapping):
        yield from _words(list(value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from _words(each)


def _filled(value: Any, things: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map({**PUBLIC_WORDS, **things}) if "{" in value else value
    if isinstance(value, Mapping):
        return {name: _filled(member, things) for name, member in value.items()}
    return [_filled(each, things) for each in value] if isinstance(value, list) else value


async def things_of(trader: Trader) -> dict[str, str]:
    """One of everything that belongs to that person, by the word that stands for it."""
    await trader.order()
    await trader.order(action="SELL", quantity="4")
    resting = await trader.order(pricetype="LIMIT", price="2000", symbol="TCS")
    to = await address(trader, f"Secret of {trader.user_id}")
    alert_id = await alert(trader, to)
    await noticed(trader, f"Told only {trader.user_id}.")
    await _quiet(trader, resting["orderid"])
    return {
        "alert_id": alert_id,
        "order_id": resting["orderid"],
        "parked_id": await parked(trader, resting["orderid"]),
        "strategy_id": to.strategy_id,
        "source_id": to.source_id,
        "account_id": trader.account_id,
        "key_id": trader.key.split("_")[1],
    }


async def _quiet(trader: Trader, resting: str) -> None:
    """Until nothing of the person's moves by itself any more."""
    moving = (
        "SELECT id FROM orders WHERE id <> :resting AND state IN ('QUEUED', 'SENDING', 'WORKING', 'PARTIALLY_FILLED')"
    )
    desk = trader.house.dispatcher.desks[trader.account_id]
    while await trader.house.reader.rows(moving, {"resting": resting}):
        await desk.change(0.05)


def rows_of(house: Bridge, user_id: str) -> dict[str, list[Row]]:
    """Every row that belongs to that person, and every kill switch."""
    found: dict[str, list[Row]] = {"switches": house.reader.read("SELECT * FROM switches")}
    for table in metadata.sorted_tables:
        if "user_id" in table.c:
            rows = house.reader.read(f"SELECT * FROM {table.name} WHERE user_id = :user", {"user": user_id})
            found[table.name] = [{n: v for n, v in row.items() if n != VOLATILE.get(table.name)} for row in rows]
    return found


def counts(house: Bridge) -> dict[str, int]:
    """How many rows each table has."""
    tables = metadata.sorted_tables
    return {t.name: house.reader.read(f"SELECT COUNT(*) AS n FROM {t.name}")[0]["n"] for t in tables}


def test_every_route_is_tried(house: Bridge) -> None:
    known = {(method, _as_routed(path)) for method, path in OWN}

    unknown = [
        (method, path)
        for method, path in routes(house)
        if (method, path) not in known and path.strip("/") not in OPENALGO
    ]

    assert unknown == [], "say in OWN or OPENALGO how these are tried"
    assert known <= set(routes(house)), "these are gone"


async def test_nobody_reaches_by_any_route_what_is_anothers(asha: Trader, theirs: Program) -> None:
    things = await things_of(asha)
    before, tried = rows_of(asha.house, asha.user_id), 0

    for each in tries(asha.house, things):
        answer = await each.send(asha.client, theirs.key)

        told = {word: thing for word, thing in things.items() if thing in answer.text}
        said = str(each.body) + each.path
        assert all(thing in said for thing in told.values()), (each, told)
        assert asha.user_id not in answer.text, each
        if each.names_things:
            assert answer.status_code in (403, 404), (each, answer.text)
            # After each of them: what one route switches off, the next may switch on again.
            assert rows_of(asha.house, asha.user_id) == before, each
            tried += 1
    assert rows_of(asha.house, asha.user_id) == before
    assert tried >= 20


async def test_another_spelling_of_an_id_is_no_way_around(asha: Trader, theirs: Program) -> None:
    things = await things_of(asha)
    before = rows_of(asha.house, asha.user_id)

    for spell in (str.upper, " {}".format, "{}%".format, "{} ".format, str.title):
        spelled = {word: spell(thing) for word, thing in things.items()}
        answers = [await each.send(asha.client, theirs.key) for each in tries(asha.house, spelled) if each.names_things]
        assert {answer.status_code for answer in answers} <= {403, 404}
    assert rows_of(asha.house, asha.user_id) == before


async def _keys(trader: Trader) -> dict[str, str | None]:
    """Keys that open nothing."""
    house = trader.house
    revoked = await program(trader)
    await house.accounts.revoke_key(trader.user_id, revoked.key_id)
    expired = await program(trader, days=1)
    past = {"id": expired.key_id}
    await house.writer.run(lambda tx: tx.execute("UPDATE api_keys SET expires_at = 1 WHERE id = :id", past))
    return {
        "none": None,
        "revoked": revoked.key,
        "expired": expired.key,
        "scopeless": (await program(trader, (), **FAST)).key,
        "elsewhere": (await program(trader, allowed_senders=("192.0.2.7",), **FAST)).key,
        "unknown": "brk_unknown_secret",
    }


async def test_no_route_answers_a_key_that_opens_nothing(asha: Trader) -> None:
    things, app = await things_of(asha), asha.house.asgi()
    keys = await _keys(asha)
    before, rows = counts(asha.house), rows_of(asha.house, asha.user_id)

    for (kind, key), (number, each) in itertools.product(keys.items(), enumerate(tries(asha.house, things))):
        # Each from an address of its own: who shows many bad keys is only told to wait.
        transport = httpx.ASGITransport(app, client=(f"198.51.100.{number}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge.test") as stranger:
            answer = await each.send(stranger, key)
        assert answer.status_code in ((400, 401) if kind == "none" else (401, 403)), (kind, each, answer.text)
    assert counts(asha.house) == before
    assert rows_of(asha.house, asha.user_id) == rows


async def test_a_viewer_changes_nothing_by_any_route_whatever_the_key_may(asha: Trader, mine: Program) -> None:
    things = await things_of(asha)

    def make_viewer(tx: Transaction) -> None:
        tx.execute("UPDATE users SET role = 'viewer' WHERE id = :id", {"id": asha.user_id})
        touch(tx)

    await asha.house.writer.run(make_viewer)
    await asha.house.directory.refresh()
    before, rows = counts(asha.house), rows_of(asha.house, asha.user_id)

    for each in tries(asha.house, things):
        answer = await each.send(asha.client, mine.key)

        if each.acts or each.path.startswith("/keys"):
            assert answer.status_code == 403, (each, answer.text)
        else:
            assert answer.status_code < 500 or answer.status_code == 501, (each, answer.text)
    assert counts(asha.house) == before
    assert rows_of(asha.house, asha.user_id) == rows


async def test_a_key_with_one_scope_acts_by_no_route_that_asks_for_another(asha: Trader) -> None:
    things = await things_of(asha)
    reader = await program(asha, ("read", "stream"), **FAST)
    rows = rows_of(asha.house, asha.user_id)

    acts = [t for t in tries(asha.house, things) if t.acts and (t.method, t.path) not in PREFERENCES]
    answers = [await each.send(asha.client, reader.key) for each in acts]

    assert {answer.status_code for answer in answers} == {403}
    assert rows_of(asha.house, asha.user_id) == rows


async def test_the_tries_would_do_what_they_say_with_the_right_key(asha: Trader, mine: Program) -> None:
    things = await things_of(asha)
    late = ("DELETE", "/panic")  # what ends the key or the trading comes last

    def lateness(each: Try) -> bool:
        return each.method == late[0] or each.path == late[1]

    wanted = sorted((each for each in tries(asha.house, things) if each.own), key=lateness)
    answers = {(each.method, each.path): await each.send(asha.client, mine.key) for each in wanted}

    assert {(m, p): a.text for (m, p), a in answers.items() if a.status_code >= 300} == {}
    assert len(answers) == len(OWN)
