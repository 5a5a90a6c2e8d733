"""The paper books against a reference book that was written on its own: equal to the paisa, whatever happens to either."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.brokers.base import Unavailable
from bridge.kit.clock import micros
from tests.brokers.paper_bench import Bench
from tests.brokers.paper_script import INDIA, TRADED, Hours, Script, Step, act, move_world
from tests.brokers.reference import HALF_A_PAISA, ReferenceBook
from tests.support.orphans import bound

ORDERS = {"sample": 200, "pr": 2_000, "night": 10_000}
LIVES = {"sample": 3, "pr": 30, "night": 300}  # of the process that is killed
CAPITAL = {"INR": Decimal(2_000_000), "USDT": Decimal(100_000)}
TERMS: Mapping[str, Mapping[str, Any]] = {
    "kind": {},
    "strict": {
        "partial_fills": True,
        "costs": "india",
        "slippage_percent": "0.02",
        "block_trigger_margin": True,
    },
}


def opened(path: Path, terms: str, database: str = "") -> Bench:
    settings = {"match_every_s": 0, "capital": CAPITAL["INR"], "other_capital": CAPITAL["USDT"], **TERMS[terms]}
    services = {"calendar": Hours()}
    return Bench(path, settings=settings, services=services, instruments=TRADED, database=database)


def reference(bench: Bench, terms: str) -> ReferenceBook:
    chosen = TERMS[terms]
    return ReferenceBook(
        traded={each.key: each for each in TRADED},
        now=bench.clock.now(),
        partial="partial_fills" in chosen,
        costs="costs" in chosen,
        slippage=Decimal(chosen.get("slippage_percent", 0)),
        keeps_margin="block_trigger_margin" in chosen,
        begins_with=CAPITAL,
    )


async def shown(bench: Bench) -> dict[str, Any]:
    """Everything a trader could see, in the form of `ReferenceBook.facts`."""
    money = {currency: await funds(bench, currency) for currency in CAPITAL}
    (account,) = bench.rows("SELECT * FROM paper_accounts")
    day = date.fromisoformat(account["trading_date"])
    since = micros(datetime(day.year, day.month, day.day, tzinfo=INDIA))
    triggers = bench.rows("SELECT id, ref, state FROM paper_triggers")
    placed_by = {each["id"]: f"T:{each['ref']}" for each in triggers}
    orders = bench.rows(
        "SELECT ref, state, filled, value, triggered FROM paper_orders WHERE updated_at >= :since"
        " OR state IN ('open', 'trigger_pending', 'partially_filled')",
        since=since,
    )
    positions = {
        (f"{row['exchange']}:{row['symbol']}", row["product"]): _figures(row, "quantity", "cost", "margin", "realised")
        for row in bench.rows("SELECT * FROM paper_positions")
    }
    stock = bench.rows("SELECT * FROM paper_holdings WHERE quantity <> '0'")
    return {
        "funds": money,
        "positions": {place: found for place, found in positions.items() if found[0] or abs(found[3]) > HALF_A_PAISA},
        "stock": {f"{row['exchange']}:{row['symbol']}": _figures(row, "quantity", "cost") for row in stock},
        "orders": {
            placed_by.get(row["ref"], row["ref"]): [
                row["state"],
                *_figures(row, "filled", "value"),
                bool(row["triggered"]),
            ]
            for row in orders
        },
        "triggers": {each["ref"]: each["state"] for each in triggers},
        "resets": account["resets"],
    }


def _figures(row: Mapping[str, Any], *names: str) -> list[Decimal]:
    return [Decimal(row[name]) for name in names]


async def funds(bench: Bench, currency: str) -> dict[str, Decimal]:
    try:
        found = await bench.broker.funds(currency)
    except Unavailable:  # nobody has traded in it yet
        nothing = Decimal(0)
        untouched = CAPITAL[currency]
        return {
            "available": untouched,
            "used": nothing,
            "realised": nothing,
            "unrealised": nothing,
            "capital": untouched,
        }
    return {
        "available": found.available,
        "used": found.used_margin,
        "realised": found.realised,
        "unrealised": found.unrealised,
        "capital": found.capital,
    }


def differences(found: Any, expected: Any, where: str = "") -> Iterator[str]:
    """Where the two say something else; amounts that round to the same paisa are the same."""
    if isinstance(expected, dict) and found.keys() == expected.keys():
        for name, value in expected.items():
            yield from differences(found[name], value, f"{where} {name}")
    elif isinstance(expected, list) and len(found) == len(expected):
        for place, value in enumerate(expected):
            yield from differences(found[place], value, f"{where} {place}")
    elif isinstance(expected, Decimal):
        if abs(found - expected) >= HALF_A_PAISA:
            yield f"{where}: {found}, not {expected}"
    elif found != expected:
        yield f"{where}: {found}, not {expected}"


@pytest.mark.parametrize("terms", TERMS)
async def test_after_every_step_the_books_are_those_of_the_reference(
    tmp_path: Path, terms: str, reliability: str
) -> None:
    seen = await compared(opened(tmp_path, terms), terms, ORDERS[reliability])
    assert seen >= {"filled", "cancelled", "expired", "rejected", "triggered", "active", "trigger_pending"}
    assert seen >= {"insufficient_margin", "insufficient_holdings", "order_not_working", "modify_not_allowed"}


async def test_the_books_are_the_same_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    assert "triggered" in await compared(opened(tmp_path, "strict", postgres_url), "strict", orders=60)


async def compared(bench: Bench, terms: str, orders: int) -> set[str]:
    """Let both play so many orders; the states and refusals that were seen."""
    book = reference(bench, terms)
    seen: set[str] = set()
    for number, step in enumerate(Script(seed=len(terms)).steps(orders)):
        said = await act(bench, step)
        assert said == whole(book, step), f"step {number}: {step}"
        book.read()
        found = await shown(bench)
        assert list(differences(found, book.facts())) == [], f"step {number}: {step}"
        seen |= {said, *(each[0] for each in found["orders"].values()), *found["triggers"].values()}
    await bench.close()
    return seen


def whole(book: ReferenceBook, step: Step) -> str:
    """Let a step happen from end to end."""
    course = book.act(step)
    while True:
        try:
            next(course)
        except StopIteration as end:
            return str(end.value)


_VICTIM = """
import asyncio, sys
from pathlib import Path
from tests.brokers.paper_script import Script, act, move_world
from tests.brokers.test_paper_reference import opened

async def trade(path, terms, seed, orders, start):
    bench = opened(Path(path), terms)
    steps = Script(int(seed)).steps(int(orders))
    for step in steps[:int(start)]:
        move_world(bench, step)
    for number, step in enumerate(steps[int(start):], int(start)):
        await act(bench, step)
        print(number, flush=True)

asyncio.run(trade(*sys.argv[1:]))
"""


def killed(chance: random.Random, start: int, *arguments: str) -> int:
    """Let another process go on from that step and kill it somewhere; the step it was at."""
    command = bound([sys.executable, "-c", _VICTIM, *arguments, str(start)])
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    lines = [victim.stdout.readline() for _ in range(chance.randint(1, 80))]
    time.sleep(chance.random() / 50)  # anywhere within the next steps
    os.kill(victim.pid, signal.SIGKILL)
    lines += victim.stdout.readlines()
    victim.stdout.close()
    victim.wait()
    assert lines[0], "the process died by itself"
    return int([line for line in lines if line.endswith("\n")][-1]) + 1


@pytest.mark.parametrize("terms", TERMS)
async def test_a_process_killed_anywhere_leaves_the_books_of_a_moment_between_two_commits(
    tmp_path: Path, terms: str, reliability: str
) -> None:
    lives, chance = LIVES[reliability], random.Random(5)
    orders = 60 * lives + 100
    steps = Script(seed=77).steps(orders)
    bench = opened(tmp_path, terms)
    book = reference(bench, terms)
    at = 0
    for _ in range(lives):
        before, at = at, killed(chance, at, str(tmp_path), terms, "77", str(orders))
        assert at < len(steps), "the script was too short"
        for step in steps[before:at]:
            move_world(bench, step)
            whole(book, step)
        move_world(bench, steps[at])
        book = await found_among(moments(book, steps[at]), bench)
        book.eaten.clear()
        book.looked.clear()
        at += 1
    await bench.close()


def moments(book: ReferenceBook, step: Step) -> list[ReferenceBook]:
    """The book before a step, after each of its commits, and after it."""
    return [book.copied() for _ in book.act(step)]


async def found_among(candidates: list[ReferenceBook], bench: Bench) -> ReferenceBook:
    """The one that the file on disk is equal to."""
    await bench.close()
    bench.broker = bench.open()
    found = await shown(bench)
    told = []
    for candidate in reversed(candidates):
        candidate.read()
        told.append(list(differences(found, candidate.facts())))
        if not told[-1]:
            return candidate
    pytest.fail(f"the books are those of no moment: {told}")
