"""A person's yes or no to intents that wait for it. Whatever goes wrong on the way, nothing is sent.

A yes makes the intent as new: its account's desk sizes and checks it again as if it had come that moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from bridge.accounts.model import Role, User
from bridge.domain.intent import Intent
from bridge.domain.lifecycle import IntentState, Provenance
from bridge.domain.refusal import Refusal
from bridge.kit import failpoints
from bridge.kit.clock import Clock, from_micros, micros
from bridge.kit.database import Reader, Row, Transaction, Writer
from bridge.orders import asking, journal
from bridge.orders.asking import describe_wish
from bridge.orders.records import IntentRecord, readable
from bridge.orders.survey import Survey

if TYPE_CHECKING:
    from bridge.orders.pipeline import Pipeline

REASON_MAX = 200
# Through the accounts, because that way leads over an index that does not grow with the journal.
_WAITING = (
    "SELECT * FROM intents WHERE user_id = :user AND account_id IN (SELECT id FROM accounts WHERE user_id = :user)"
    " AND state = 'AWAITING_CONFIRM' AND deadline > :now ORDER BY deadline, number, id"
)
_REFUSED = "approval_refused"
_UNREADABLE = Refusal("unreadable", "It was stored by another version and cannot be read. Nothing was sent.")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An intent that waits, and its instrument's last price now (None: not known)."""

    intent: IntentRecord
    price_now: Decimal | None

    @property
    def moved_percent(self) -> Decimal | None:
        """How far the price has gone since the intent began to wait, up or down by its sign."""
        return moved_percent(self.intent.approval.price, self.price_now)


class Approvals:
    """What waits for a person, and what they say to it. Another's intent is simply not there."""

    def __init__(self, pipeline: Pipeline, survey: Survey, writer: Writer, reader: Reader, clock: Clock) -> None:
        self._pipeline = pipeline
        self._survey = survey
        self._writer = writer
        self._reader = reader
        self._clock = clock

    async def waiting(self, user: User) -> list[Waiting]:
        """What waits for this person, the soonest end first."""
        now = micros(self._clock.now())
        found, _ = readable(await self._reader.rows(_WAITING, {"user": user.id, "now": now}))
        return [Waiting(intent, self._price(intent)) for intent in found]

    async def approve(self, intent_id: str, user: User) -> str:
        """Let an intent go on, with the other legs of its basket; a sentence that says what came of it.

        Raises `LookupError` for what is not this person's, `PermissionError` for a viewer.
        """
        rows = await self._waiting_together(intent_id, user)
        if not rows:
            return await self._what_became_of(intent_id, user)
        legs, unreadable = readable(rows)
        objection = _UNREADABLE if unreadable else next(filter(None, map(self._objection, legs)), None)
        work = _Answer([row["id"] for row in rows], user, micros(self._clock.now()), objection)
        failpoints.reach("approve.before_commit")
        verdict = await self._writer.run(work)
        failpoints.reach("approve.committed")
        for intent in verdict.released:
            self._survey.bars.taken(intent)
            self._pipeline.offer(intent.account_id, [intent])
        return verdict.said or await self._what_became_of(intent_id, user)

    async def refuse(self, intent_id: str, user: User, reason: str = "") -> str:
        """End an intent, with the other legs of its basket; a sentence. Raises as `approve` does."""
        rows = await self._waiting_together(intent_id, user)
        if not rows:
            return await self._what_became_of(intent_id, user)
        because = f": {reason.strip()[:REASON_MAX]}" if reason.strip() else ""
        no = Refusal(_REFUSED, f"Refused by {user.name}{because}. Nothing was sent.")
        work = _Answer([row["id"] for row in rows], user, micros(self._clock.now()), no)
        return (await self._writer.run(work)).said or await self._what_became_of(intent_id, user)

    # -- what is meant --------------------------------------------------------------------------------------------

    async def _waiting_together(self, intent_id: str, user: User) -> list[Row]:
        """The intent, and the legs of its basket that wait with it; none when it waits no more."""
        if user.disabled or user.role is Role.VIEWER:
            raise PermissionError("only a trader or the owner may approve or refuse")
        sql = (
            "SELECT * FROM intents WHERE user_id = :user AND alert_id = (SELECT alert_id FROM intents WHERE id = :id"
            " AND user_id = :user) ORDER BY number, id"
        )
        rows = await self._reader.rows(sql, {"id": intent_id, "user": user.id})
        asked = next((row for row in rows if row["id"] == intent_id), None)
        if asked is None:
            raise LookupError(f"no intent {intent_id}")
        if asked["state"] != IntentState.AWAITING_CONFIRM:
            return []
        return [row for row in rows if row is asked or (_basket(asked) and _basket(row) == _basket(asked))]

    async def _what_became_of(self, intent_id: str, user: User) -> str:
        sql = "SELECT symbol, state, message FROM intents WHERE id = :id AND user_id = :user"
        row = await self._reader.row(sql, {"id": intent_id, "user": user.id})
        if row is None:
            raise LookupError(f"no intent {intent_id}")
        state = str(row["state"]).lower().replace("_", " ")
        told = f" {row['message']}" if row["message"] else ""
        return f"{row['symbol'] or 'It'} waits for nobody any more: it is {state}.{told}"

    # -- what stands against a yes ----------------------------------------------------------------------------------

    def _price(self, intent: IntentRecord) -> Decimal | None:
        instrument = self._survey.market.instrument(intent.exchange, intent.symbol)
        quote = self._survey.market.quote(instrument) if instrument else None
        return quote.last if quote else None

    def _objection(self, intent: IntentRecord) -> Refusal | None:
        bar = from_micros(intent.bar) if intent.bar is not None else None
        key = f"{intent.exchange}:{intent.symbol}"
        if late := self._survey.bars.too_late(intent.strategy_id, key, bar, opens=intent.opens):
            return Refusal("out_of_order", late)
        # The way out is open at any price.
        return self._price_moved(intent) if intent.opens else None

    def _price_moved(self, intent: IntentRecord) -> Refusal | None:
        limit = intent.settings.approval_price_move_max_percent
        if limit is None:
            return None
        then, now = intent.approval.price, self._price(intent)
        moved = moved_percent(then, now)
        if moved is None:
            text = f"There is no price for {intent.symbol} to hold against the limit of {limit:f} %. Nothing was sent."
            return Refusal("price_unknown", text)
        if abs(moved) <= limit:
            return None
        text = (
            f"{intent.symbol} was at {then:f} when it came and is at {now:f}: it moved by {moved:+.2f} %, and the limit is"
            f" {limit:f} %. Nothing was sent."
        )
        return Refusal("price_moved", text, {"then": then, "now": now, "moved_percent": moved, "limit_percent": limit})


def moved_percent(then: Decimal | None, now: Decimal | None) -> Decimal | None:
    """From one price to another, in percent of the first; None where one of them is not known."""
    return (now - then) * 100 / then if now is not None and then else None


def _basket(row: Row) -> tuple[str, str] | None:
    """Legs that stand or fall together are approved or refused together."""
    found, _ = readable([row])
    basket = found[0].basket if found else None
    waits = row["state"] == IntentState.AWAITING_CONFIRM
    return (row["account_id"], basket) if waits and basket in ("stop", "unwind") else None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What was done in the transaction; nothing (`said` is empty) when somebody else was first."""

    said: str
    released: Sequence[IntentRecord] = ()


class _Answer:
    """A person's word about intents that wait, as one transaction: all of them move, or none that somebody else has moved."""

    def __init__(self, ids: Sequence[str], user: User, at: int, objection: Refusal | None) -> None:
        self._ids = ids
        self._user = user
        self._at = at
        self._objection = objection
        self._by: Mapping[str, str] = {"who": user.name}

    def __call__(self, tx: Transaction) -> _Verdict:
        lock = " FOR UPDATE" if tx.postgres else ""
        sql = f"SELECT * FROM intents WHERE id = :id AND state = 'AWAITING_CONFIRM'{lock}"  # noqa: S608 - our words
        found = [tx.row(sql, {"id": intent_id}) for intent_id in self._ids]
        rows = [row for row in found if row is not None]
        if len(rows) < len(self._ids):
            return _Verdict("")
        legs, unreadable = readable(rows)
        no = self._too_late(rows) or self._objection or (_UNREADABLE if unreadable else self._outdated(tx, legs))
        if no is not None:
            return self._end(tx, rows, no)
        released = [self._as_new(leg) for leg in legs]
        for leg in released:
            journal.release_intent(tx, leg, self._at, {"title": f"Approved by {self._user.name}", **self._by})
        what = ", ".join(map(describe_wish, released))
        return _Verdict(f"Approved: {what}. Every check is made once more before it is sent.", released)

    def _too_late(self, rows: Sequence[Row]) -> Refusal | None:
        return asking.EXPIRED if any(row["deadline"] <= self._at for row in rows) else None

    def _outdated(self, tx: Transaction, legs: Sequence[IntentRecord]) -> Refusal | None:
        """What must not be begun any more: its strategy was switched off, or its exit has come already."""
        if not any(leg.opens for leg in legs):
            return None
        strategy = tx.row("SELECT enabled FROM strategies WHERE id = :id", {"id": legs[0].strategy_id})
        if strategy is None or not strategy["enabled"]:
            return Refusal("strategy_disabled", "The strategy was switched off while it waited. Nothing was sent.")
        if any(_overtaken(tx, leg) for leg in legs if leg.opens):
            return Refusal("overtaken", "An exit came while this entry waited. Nothing was sent.")
        return None

    def _end(self, tx: Transaction, rows: Sequence[Row], no: Refusal) -> _Verdict:
        state = IntentState.EXPIRED if no.code == asking.EXPIRED.code else IntentState.REFUSED
        provenance = Provenance.PERSON if no.code == _REFUSED else Provenance.POLICY
        extra = {**self._by, "numbers": dict(no.numbers)}
        for row in rows:
            journal.end_intent(tx, row, state, self._at, no.code, no.message, provenance=provenance, extra=extra)
        return _Verdict(no.message)

    def _as_new(self, leg: IntentRecord) -> IntentRecord:
        """With all the time that a new alert has, from now or from the hour that it waits for."""
        start = max(self._at, leg.not_before)
        opens_until = start + int(leg.settings.entry_max_age_s * 1_000_000)
        closes_until = start + int(leg.settings.exit_max_age_s * 1_000_000)
        return replace(
            leg,
            state=IntentState.RECEIVED,
            code=None,
            message=None,
            created_at=self._at,
            opens_until=opens_until,
            deadline=opens_until if leg.opens else closes_until,
            approval=replace(leg.approval, given_by=self._user.name),
        )


def _overtaken(tx: Transaction, entry: IntentRecord) -> bool:
    """Whether an alert that came later closes or cancels all that the entry would open."""
    rows = tx.rows(
        "SELECT * FROM intents WHERE state IN ('RECEIVED', 'HELD', 'PLANNED', 'DONE') AND deadline > :came"
        " AND created_at > :came AND account_id = :account AND strategy_id = :strategy"
        " AND (symbol = '' OR (symbol = :symbol AND exchange = :exchange))",
        {
            "came": entry.created_at,
            "account": entry.account_id,
            "strategy": entry.strategy_id,
            "symbol": entry.symbol,
            "exchange": entry.exchange,
        },
    )
    later, _ = readable(rows)
    return any(_undoes(intent, entry) for intent in later)


def _undoes(later: IntentRecord, entry: IntentRecord) -> bool:
    if later.wish.intent is Intent.CANCEL_ORDERS:
        return not later.wish.order_id
    meant = (later.wish.filter or {}).get("product")
    return later.ends_all and meant in (None, entry.product)
