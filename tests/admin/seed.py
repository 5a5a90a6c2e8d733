"""A morning of two people: filled, working, part filled, rejected, parked, unknown, refused, repeated and noted alerts.

Rows look as the pipeline writes them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.accounts.model import Feed, Role, StrategySettings
from bridge.accounts.service import Accounts
from bridge.kit.clock import micros
from bridge.kit.database import Writer
from bridge.orders import tables
from tests.admin.rows import MINUTE, SECOND, Seeded
from tests.admin.troubles import FUTURE, Troubles, trace

NOW = datetime(2026, 11, 20, 6, 12, 7, tzinfo=UTC)  # 11:42:07 IST, a Friday
PASSWORD = "correct horse battery staple"


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
        ("NIFTY Supertrend 5m", ids.asha, (ids.zerodha, ids.samco)),
        ("Chartink breakout", ids.asha, (ids.zerodha,)),
        ("Sheet ideas", ids.asha, (ids.practice,)),
        ("Ravi’s strategy", ids.ravi, (ids.ravis_account,)),
    ):
        settings = StrategySettings(accounts=tuple(Feed(account_id=account) for account in fed))
        ids.strategies[name] = await accounts.add_strategy(owner, name, settings)
        new = await accounts.add_source(owner, ids.strategies[name], _SOURCES[name])
        ids.sources[name] = new.source_id
    await writer.run(lambda tx: Morning(tx, ids, micros(now)).write())
    return ids


_SOURCES = {
    "NIFTY Supertrend 5m": "TradingView",
    "Chartink breakout": "Chartink",
    "Sheet ideas": "Google Sheet",
    "Ravi’s strategy": "TradingView of Ravi",
}


class Morning(Troubles):
    """Writes the rows, oldest first."""

    def write(self) -> None:
        """Everything that happened."""
        self._note()
        self._rejected()
        self._refused()
        self._parked()
        self._repeat()
        self._paper_filled()
        self._paper_working()
        self._cancel_asked()
        self._part_filled()
        self._unknown()
        self._filled()
        self._of_ravi()
        self._positions()

    # -- one alert each -----------------------------------------------------------------------------------------

    def _paper_filled(self) -> None:
        alert = self.alert(
            "al_paper",
            "Sheet ideas",
            27 * MINUTE,
            dialect="generic_json",
            body='{"symbol": "TCS", "side": "buy", "quantity": 50}',
            steps=trace(dialect="plain JSON"),
        )
        order = self.order(
            "or_paper",
            alert,
            self._ids.practice,
            "TCS",
            "buy",
            "50",
            order_type="market",
            protection="1",
            state="FILLED",
            filled="50",
            average_price="3198.4",
            broker_order_id="P1",
        )
        self.sent(order)
        self.event(order, "order.filled", "book", 180, {"state": "FILLED", "filled": "50", "average_price": "3198.4"})

    def _paper_working(self) -> None:
        alert = self.alert(
            "al_stop",
            "Sheet ideas",
            7 * MINUTE,
            dialect="generic_json",
            body='{"symbol": "TCS", "side": "buy", "type": "stop", "trigger": 3212}',
            steps=trace(dialect="plain JSON"),
        )
        order = self.order(
            "or_stop",
            alert,
            self._ids.practice,
            "TCS",
            "buy",
            "50",
            order_type="stop",
            trigger_price="3212",
            state="WORKING",
            broker_order_id="P2",
        )
        self.sent(order)
        self.took(order)

    def _cancel_asked(self) -> None:
        alert = self.alert(
            "al_cancel",
            "Chartink breakout",
            3 * MINUTE + 20 * SECOND,
            dialect="chartink",
            kind="scan",
            body='{"stocks": "ITC"}',
            steps=trace(dialect="Chartink"),
        )
        order = self.order(
            "or_cancel",
            alert,
            self._ids.samco,
            "ITC",
            "sell",
            "500",
            order_type="limit",
            price="431.2",
            state="WORKING",
            pending_op="cancel",
            broker_order_id="26112000008001",
        )
        self.sent(order)
        self.took(order)
        self.event(
            order,
            "order.changed",
            "person",
            60_000,
            {"state": "WORKING", "pending_op": "cancel"},
            why="cancel asked: by asha",
        )

    def _part_filled(self) -> None:
        alert = self.alert(
            "al_part",
            "Chartink breakout",
            105 * SECOND,
            dialect="chartink",
            kind="scan",
            body='{"stocks": "RELIANCE"}',
            steps=trace(dialect="Chartink"),
        )
        order = self.order(
            "or_part",
            alert,
            self._ids.zerodha,
            "RELIANCE",
            "buy",
            "200",
            order_type="limit",
            price="1541.5",
            state="PARTIALLY_FILLED",
            filled="120",
            average_price="1541.4",
            broker_order_id="261120000190001",
        )
        self.sent(order)
        self.took(order)
        self.event(
            order,
            "order.partially_filled",
            "stream",
            900,
            {"state": "PARTIALLY_FILLED", "filled": "120", "average_price": "1541.4"},
        )

    def _filled(self) -> None:
        alert = self.alert(
            "al_filled",
            "Chartink breakout",
            14 * SECOND,
            dialect="chartink",
            kind="scan",
            body='{"stocks": "SBIN"}',
            steps=trace(dialect="Chartink"),
        )
        order = self.order(
            "or_filled",
            alert,
            self._ids.zerodha,
            "SBIN",
            "buy",
            "400",
            order_type="market",
            protection="1",
            state="FILLED",
            filled="400",
            average_price="982.4",
            broker_order_id="261120000190077",
        )
        self.sent(order)
        self.took(order)
        self.event(order, "order.filled", "book", 240, {"state": "FILLED", "filled": "400", "average_price": "982.4"})

    def _of_ravi(self) -> None:
        alert = self.alert(
            "al_ravi",
            "Ravi’s strategy",
            30 * SECOND,
            user=self._ids.ravi,
            body='{"ticker": "RAVIS-SECRET"}',
            steps=trace(),
        )
        order = self.order(
            "or_ravi",
            alert,
            self._ids.ravis_account,
            "WIPRO",
            "buy",
            "10",
            state="WORKING",
            price="500",
            order_type="limit",
            broker_order_id="R1",
        )
        self.sent(order)
        self.order(
            "or_ravi_parked",
            alert,
            self._ids.ravis_account,
            "WIPRO",
            "buy",
            "11",
            state="PARKED",
            price="501",
            order_type="limit",
        )

    def _positions(self) -> None:
        names = self._ids.strategies
        for account, strategy, exchange, symbol, quantity, average, realised, user in (
            (
                self._ids.zerodha,
                names["NIFTY Supertrend 5m"],
                "NFO",
                FUTURE,
                "65",
                "26481.35",
                "12211.25",
                self._ids.asha,
            ),
            (self._ids.zerodha, names["Chartink breakout"], "NSE", "SBIN", "400", "982.4", "0", self._ids.asha),
            (
                self._ids.zerodha,
                names["Chartink breakout"],
                "NSE",
                "RELIANCE",
                "120",
                "1541.4",
                "-310.5",
                self._ids.asha,
            ),
            (self._ids.zerodha, names["Chartink breakout"], "NSE", "HDFCBANK", "0", "0", "1804", self._ids.asha),
            (self._ids.practice, names["Sheet ideas"], "NSE", "TCS", "50", "3198.4", "0", self._ids.asha),
            (self._ids.ravis_account, names["Ravi’s strategy"], "NSE", "WIPRO", "999", "500", "0", self._ids.ravi),
        ):
            self._tx.insert(
                tables.positions,
                {
                    "account_id": account,
                    "strategy_id": strategy,
                    "exchange": exchange,
                    "symbol": symbol,
                    "product": "NRML" if exchange == "NFO" else "MIS",
                    "user_id": user,
                    "quantity": quantity,
                    "average_price": average,
                    "realised": realised,
                    "updated_at": self._now - 12 * SECOND,
                },
            )
