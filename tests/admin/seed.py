"""A morning of two people: filled, working, part filled, rejected, parked, unknown, refused, repeated and noted alerts.

Rows look as the pipeline writes them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.accounts.model import Feed, Role, StrategySettings
from bridge.accounts.service import Accounts
from bridge.kit.clock import micros
from bridge.kit.database import Transaction, Writer
from tests.admin.rows import CHART, MINUTE, RAVIS, SCAN, SECOND, SHEET, Rows, Seeded, trace
from tests.admin.troubles import FUTURE, note, parked, refused, rejected, repeated, unknown

NOW = datetime(2026, 11, 20, 6, 12, 7, tzinfo=UTC)  # 11:42:07 IST, a Friday
PASSWORD = "correct horse battery staple"
SOURCES = {CHART: "TradingView", SCAN: "Chartink", SHEET: "Google Sheet", RAVIS: "TradingView of Ravi"}


async def seed(accounts: Accounts, writer: Writer, now: datetime = NOW) -> Seeded:
    """People, accounts, strategies, sources, and their morning up to `now`."""
    ids = Seeded()
    ids.asha = await accounts.add_user("asha", PASSWORD, Role.OWNER)
    ids.ravi = await accounts.add_user("ravi", PASSWORD, Role.TRADER)
    ids.zerodha = await accounts.add_account(ids.asha, "Asha · Zerodha", "zerodha")
    ids.samco = await accounts.add_account(ids.asha, "Ravi · Samco", "samco")
    ids.practice = await accounts.add_account(ids.asha, "Practice", "paper")
    ids.ravis_account = await accounts.add_account(ids.ravi, "Ravi’s own", "zerodha")
    for name, owner, fed in (
        (CHART, ids.asha, (ids.zerodha, ids.samco)),
        (SCAN, ids.asha, (ids.zerodha,)),
        (SHEET, ids.asha, (ids.practice,)),
        (RAVIS, ids.ravi, (ids.ravis_account,)),
    ):
        settings = StrategySettings(accounts=tuple(Feed(account_id=account) for account in fed))
        ids.strategies[name] = await accounts.add_strategy(owner, name, settings)
        ids.sources[name] = (await accounts.add_source(owner, ids.strategies[name], SOURCES[name])).source_id

    def morning(tx: Transaction) -> None:
        rows = Rows(tx, ids, micros(now))
        for happening in MORNING:
            happening(rows)

    await writer.run(morning)
    return ids


def paper_filled(rows: Rows) -> None:
    """Bought on paper."""
    alert = rows.sheet("al_paper", 27 * MINUTE, '{"symbol": "TCS", "side": "buy", "quantity": 50}')
    order = rows.order(
        "or_paper", alert, rows.ids.practice, "buy", 50, "TCS", number="P1",
        state="FILLED", filled="50", average_price="3198.4",
    )  # fmt: skip
    rows.sent(order)
    rows.filled(order, "book", 180)


def paper_working(rows: Rows) -> None:
    """A stop that waits on paper."""
    alert = rows.sheet("al_stop", 7 * MINUTE, '{"symbol": "TCS", "side": "buy", "type": "stop", "trigger": 3212}')
    rows.taken(rows.order("or_stop", alert, rows.ids.practice, "buy", 50, "TCS", stop="3212", number="P2"))


def cancel_asked(rows: Rows) -> None:
    """Asha wants it back."""
    alert = rows.scan("al_cancel", 3 * MINUTE + 20 * SECOND, '{"stocks": "ITC"}')
    order = rows.order(
        "or_cancel", alert, rows.ids.samco, "sell", 500, "ITC", limit="431.2", number="26112000008001", pending_op="cancel"
    )  # fmt: skip
    rows.taken(order)
    changes = {"state": "WORKING", "pending_op": "cancel"}
    rows.event(order, "order.changed", "person", 60_000, changes, why="cancel asked: by asha")


def part_filled(rows: Rows) -> None:
    """Most of it is bought."""
    alert = rows.scan("al_part", 105 * SECOND, '{"stocks": "RELIANCE"}')
    order = rows.order(
        "or_part", alert, rows.ids.zerodha, "buy", 200, "RELIANCE", limit="1541.5", number="261120000190001",
        state="PARTIALLY_FILLED", filled="120", average_price="1541.4",
    )  # fmt: skip
    rows.taken(order)
    rows.filled(order, "stream", 900)


def filled(rows: Rows) -> None:
    """All of it is bought."""
    alert = rows.scan("al_filled", 14 * SECOND, '{"stocks": "SBIN"}')
    order = rows.order(
        "or_filled", alert, rows.ids.zerodha, "buy", 400, "SBIN", number="261120000190077",
        state="FILLED", filled="400", average_price="982.4",
    )  # fmt: skip
    rows.taken(order)
    rows.filled(order, "book", 240)


def of_ravi(rows: Rows) -> None:
    """What Asha must never see."""
    steps = trace("TradersPost JSON")
    alert = rows.alert("al_ravi", RAVIS, 30 * SECOND, '{"ticker": "RAVIS-SECRET"}', steps, user=rows.ids.ravi)
    mine = rows.ids.ravis_account
    rows.sent(rows.order("or_ravi", alert, mine, "buy", 10, "WIPRO", limit="500", number="R1"))
    rows.order("or_ravi_parked", alert, mine, "buy", 11, "WIPRO", limit="501", state="PARKED")


def positions(rows: Rows) -> None:
    """What all of that left behind."""
    ids = rows.ids
    rows.position(ids.zerodha, CHART, FUTURE, "65", "26481.35", realised="12211.25")
    rows.position(ids.zerodha, SCAN, "SBIN", "400", "982.4")
    rows.position(ids.zerodha, SCAN, "RELIANCE", "120", "1541.4", realised="-310.5")
    rows.position(ids.zerodha, SCAN, "HDFCBANK", "0", "0", realised="1804")
    rows.position(ids.practice, SHEET, "TCS", "50", "3198.4")
    rows.position(ids.ravis_account, RAVIS, "WIPRO", "999", "500", user=ids.ravi)


# Oldest first.
MORNING = (
    note, paper_filled, rejected, refused, parked, repeated, paper_working, cancel_asked, part_filled, unknown, filled,
    of_ravi, positions,
)  # fmt: skip
