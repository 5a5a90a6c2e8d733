"""Begin anew with practice money: the exchange's books and what strategies hold by them, one after the other.

Whoever does it holds the account's lease, so that nobody sends meanwhile. Broken off between the two, it is done again.
"""

from __future__ import annotations

from bridge.accounts.model import Account
from bridge.brokers.base import PracticeBroker
from bridge.domain.lifecycle import Provenance
from bridge.domain.refusal import Refusal
from bridge.kit.clock import Clock, micros
from bridge.kit.database import Transaction, Writer
from bridge.orders import journal, lease
from bridge.orders.lease import Lease

# In all of them an order may come, or its outcome is not known: recovery would take one that is gone for one that never came.
_UNFINISHED = (
    (
        "orders",
        "SELECT COUNT(*) AS n FROM orders WHERE account_id = :id"
        " AND state IN ('QUEUED', 'SENDING', 'UNKNOWN', 'PARKED', 'WORKING', 'PARTIALLY_FILLED')",
    ),
    (
        "requests",
        "SELECT COUNT(*) AS n FROM intents WHERE account_id = :id AND state IN ('RECEIVED', 'HELD', 'AWAITING_CONFIRM')",
    ),
    (
        "GTT orders without an answer",
        "SELECT COUNT(*) AS n FROM intents i JOIN alerts a ON a.id = i.alert_id WHERE i.account_id = :id"
        " AND i.state = 'PLANNED' AND a.kind = 'conditional'",
    ),
)
_HELD = "SELECT strategy_id, exchange, symbol, product, quantity FROM positions WHERE account_id = :id"


async def begin_anew(
    account: Account, broker: PracticeBroker, held: Lease, writer: Writer, clock: Clock, who: str
) -> Refusal | None:
    """Empty the practice books and what strategies hold at the account; a refusal while anything is unfinished there.

    Orders, fills and the journal stay: what was lost today still counts against the day's limits. Raises what
    `PracticeBroker.reset` raises.
    """

    def told(tx: Transaction, kind: str, **more: object) -> None:
        if not lease.holds(tx, held):
            raise LookupError("another process serves the account now")
        at = micros(clock.now())
        journal.event(tx, kind, Provenance.PERSON, at, account.user_id, {"who": who, **more}, account_id=account.id)

    def begin(tx: Transaction) -> Refusal | None:
        for what, sql in _UNFINISHED:
            found = tx.row(sql, {"id": account.id})
            if found and found["n"]:
                said = f"{account.name} has {found['n']} {what} that are not finished: cancel or settle them first."
                return Refusal("account_busy", said)
        told(tx, "account.reset_asked", held=tx.rows(_HELD, {"id": account.id}))
        return None

    def finish(tx: Transaction) -> None:
        told(tx, "account.reset")
        tx.execute("DELETE FROM positions WHERE account_id = :id", {"id": account.id})

    if refusal := await writer.run(begin):
        return refusal
    await broker.reset()
    await writer.run(finish)
    return None
