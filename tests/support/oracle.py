"""The judge of order-lifecycle.md: three ledgers (sender, journal, broker) compared, and the invariants that must always hold.

`Oracle(house).judge()` returns sentences, each beginning with the invariant it breaks; none is good.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.brokers.base import BrokerState
from bridge.domain.lifecycle import FINAL_AT_BROKER, TERMINAL, OrderState
from bridge.kit.clock import from_micros, micros
from bridge.orders.situation import EXIT_INTENTS
from bridge.orders.updates import SEEN
from tests.support.house import House
from tests.support.wire import Wire

Row = dict[str, Any]

OWNER_DEAD_MAX_S = 30.0
SWEPT_WITHIN_S = 35.0  # the idle read of the book, and the reading
GRACE_S = 20.0  # after a deadline: a slow answer before it in its lane, a look at the tables
VISIBLE_WITHIN_S = 60.0
UNSETTLED = {"QUEUED", "SENDING", "UNKNOWN", "PARKED", "WORKING", "PARTIALLY_FILLED"}


@dataclass
class Pages:
    """The journal as it stands."""

    orders: list[Row]
    attempts: list[Row]
    events: list[Row]
    fills: list[Row]
    intents: list[Row]
    alerts: list[Row]
    outbox: list[Row]
    positions: list[Row]


@dataclass
class Oracle:
    """Judges one house. `disturbed()` says that something outside the product keeps it from its work."""

    house: House
    calm_since: float = 0.0
    _before: dict[str, tuple[str, Decimal, str | None]] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.calm_since = self.house.clock.monotonic()
        self._reads = sqlite3.connect(self.house.url.removeprefix("sqlite:///"))
        self._reads.row_factory = lambda cursor, values: {
            column[0]: value for column, value in zip(cursor.description, values, strict=True)
        }

        self._wire = Wire(self.house, self._all)

    def close(self) -> None:
        """Let go of the file."""
        self._reads.close()

    def disturbed(self) -> None:
        """From now on the product has its usual time again to come to rest."""
        self.calm_since = self.house.clock.monotonic()

    def _calm_for(self) -> float:
        broker = self.house.broker
        if not self.house.process.life.alive or broker.login_over or broker.book_problem:
            self.disturbed()
        return self.house.clock.monotonic() - self.calm_since

    def _all(self, sql: str, *values: Any) -> list[Row]:
        return list(self._reads.execute(sql, values))

    def pages(self) -> Pages:
        """Everything, read at once."""
        return Pages(
            **{
                name: self._all(f"SELECT * FROM {name} ORDER BY rowid")
                for name in ("orders", "attempts", "events", "fills", "intents", "alerts", "outbox", "positions")
            }
        )

    # -- after every step -----------------------------------------------------------------------------------------------

    def judge(self) -> list[str]:
        """Every broken invariant."""
        pages = self.pages()
        found = list(self._wire.objections)
        for judged in (
            self._one_order_each,
            self._nobody_was_passed_over,
            self._nothing_lost,
            self._one_attempt_each,
            self._ends_stay,
            self._ends_are_proved,
            self._fills_add_up,
            self._sizes_fit,
            self._events_tell_it_all,
            self._nothing_hidden,
            self._owners_live,
            self._nobody_elses,
            self._truth_is_seen,
            self._nothing_stuck,
        ):
            found += judged(pages)
        self._before = {o["id"]: (o["state"], Decimal(o["filled"]), o["broker_order_id"]) for o in pages.orders}
        return found

    def _one_order_each(self, pages: Pages) -> Iterator[str]:
        """INV-1."""
        at_broker = Counter(resting.ref for resting in self.house.broker.orders.values() if resting.ref)
        for ref, count in at_broker.items():
            if count > 1:
                yield f"INV-1 DUPLICATE: the broker has {count} orders called {ref}"
        linked = Counter(o["broker_order_id"] for o in pages.orders if o["broker_order_id"])
        yield from (f"INV-1: {count} rows are linked to {number}" for number, count in linked.items() if count > 1)
        for order in pages.orders:
            resting = self.house.broker.orders.get(order["broker_order_id"] or "")
            mine = resting is None or resting.row.ref is None or resting.ref == order["ref"]
            if not mine and not _decided_by_person(order, pages):
                yield f"INV-1: {order['ref']} is linked to {order['broker_order_id']}, which is another's"

    def _nobody_was_passed_over(self, pages: Pages) -> Iterator[str]:
        """What a key asks a person about leads to an order only after a yes, and to nothing after a no."""
        answers = {(e["intent_id"], e["type"]) for e in pages.events if e["provenance"] == "person"}
        with_orders = {order["intent_id"] for order in pages.orders}
        for intent in pages.intents:
            asked = json.loads(intent["plan"]).get("approval", {}).get("forced")
            if asked and intent["id"] in with_orders and (intent["id"], "intent.received") not in answers:
                yield f"UNASKED: {intent['id']} has orders, and nobody said yes"
            if intent["id"] in with_orders and (intent["id"], "intent.refused") in answers:
                yield f"UNASKED: {intent['id']} has orders, and a person said no"

    def _nothing_lost(self, pages: Pages) -> Iterator[str]:
        """INV-2, and one acceptance for each key of the sender."""
        alerts = {alert["id"]: alert for alert in pages.alerts}
        with_intents = {intent["alert_id"] for intent in pages.intents}
        for body, answer in self.house.answers:
            if not 200 <= answer.status < 300 or answer.content.get("dry_run"):
                continue
            alert = alerts.get(answer.content["alert_id"])
            if alert is None:
                yield f"INV-2 LOST: {body} was answered {answer.status} and is not in the journal"
            elif alert["status"] == "accepted" and alert["id"] not in with_intents:
                yield f"INV-2 LOST: {alert['id']} was accepted and led to no intent"
        keys = Counter((a["source_id"], a["dedupe_key"]) for a in pages.alerts if a["status"] == "accepted")
        for (_, key), count in keys.items():
            if count > 1 and key.startswith("id:"):
                yield f"DUPLICATE: {count} alerts were accepted under {key}"
        yield from (
            f"INV-2: {alert['id']} repeats an alert that is not there"
            for alert in pages.alerts
            if alert["status"] == "duplicate" and alert["duplicate_of"] not in alerts
        )

    def _one_attempt_each(self, pages: Pages) -> Iterator[str]:
        """INV-4, and bytes only under an attempt."""
        opened = Counter(a["order_id"] for a in pages.attempts if a["closed_at"] is None)
        yield from (f"INV-4: {count} attempts of {order} are open" for order, count in opened.items() if count > 1)
        refs = {order["id"]: order["ref"] for order in pages.orders}
        attempts = Counter(refs[a["order_id"]] for a in pages.attempts if a["operation"] == "place")
        sent = Counter(s.ref for s in self.house.broker.sent if s.what == "place")
        for ref, count in sent.items():
            if count > attempts[ref]:
                yield f"INV-3: {ref} was sent {count} times under {attempts[ref]} attempts"

    def _ends_stay(self, pages: Pages) -> Iterator[str]:
        """INV-5 and 7: what the broker ended stays ended, what it filled stays filled."""
        for order in pages.orders:
            state, filled, broker_order_id = self._before.get(order["id"], ("", Decimal(0), None))
            if Decimal(order["filled"]) < filled:
                yield f"INV-7: {order['ref']} fell from {filled} to {order['filled']} filled"
            if state in FINAL_AT_BROKER and broker_order_id and OrderState(order["state"]) not in FINAL_AT_BROKER:
                yield f"INV-5: {order['ref']} was {state} and is {order['state']}"

    def _ends_are_proved(self, pages: Pages) -> Iterator[str]:
        """INV-6."""
        sent = {s.ref for s in self.house.broker.sent if s.what == "place"}
        for order in pages.orders:
            ref, state = order["ref"], order["state"]
            if state == "NOT_SENT" and ref in sent:
                yield f"INV-6: {ref} is NOT_SENT, and its bytes left"
            if state == "REJECTED" and not order["broker_order_id"] and ref not in self.house.broker.refused:
                yield f"INV-6: {ref} is REJECTED, and the broker never refused it"
            if state == "NOT_PLACED":
                yield from self._absence(order, pages)

    def _absence(self, order: Row, pages: Pages) -> Iterator[str]:
        moves = [e for e in pages.events if e["order_id"] == order["id"] and e["type"] == "order.not_placed"]
        if not moves or moves[-1]["provenance"] == "person":
            if not moves:
                yield f"INV-6: {order['ref']} is NOT_PLACED without an event"
            return
        proof = json.loads(moves[-1]["payload"])
        quiet = max(VISIBLE_WITHIN_S, self.house.broker.capabilities.visibility_lag_max_s)
        if proof.get("reads", 0) < 3 or (moves[-1]["at"] - (order["closed_at"] or 0)) / 1e6 < quiet:
            yield f"INV-6: {order['ref']} is NOT_PLACED without a quiet period and three reads: {proof}"
        for resting in self.house.broker.of(order["ref"]):
            created = micros(resting.row.placed_at) if resting.row.placed_at else 0
            if created <= (order["closed_at"] or 0):
                yield f"INV-6 WRONG: {order['ref']} is NOT_PLACED, and the broker had it before we began to look"

    def _fills_add_up(self, pages: Pages) -> Iterator[str]:
        """INV-7: each fill once, none that the broker does not know, positions made of fills."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        orders = {order["id"]: order for order in pages.orders}
        for fill in pages.fills:
            order = orders[fill["order_id"]]
            sums[order["id"]] += Decimal(fill["quantity"])
            sign = 1 if order["side"] == "buy" else -1
            held[order["strategy_id"], order["symbol"]] += sign * Decimal(fill["quantity"])
        for order in pages.orders:
            filled, quantity = Decimal(order["filled"]), Decimal(order["quantity"])
            if not 0 <= filled <= quantity or sums[order["id"]] != filled:
                yield f"INV-7: {order['ref']} has {filled} of {quantity}, its fills {sums[order['id']]}"
            truth = self.house.broker.orders.get(order["broker_order_id"] or "")
            if filled and (truth is None or truth.row.filled < filled):
                yield f"INV-7 GHOST: {order['ref']} has {filled} filled, the broker {truth and truth.row.filled}"
        for row in pages.positions:
            if Decimal(row["quantity"]) != held[row["strategy_id"], row["symbol"]]:
                yield f"INV-7: {row['symbol']} stands at {row['quantity']}, its fills make {held[row['strategy_id'], row['symbol']]}"

    def _sizes_fit(self, pages: Pages) -> Iterator[str]:
        """INV-8."""
        planned: dict[str, Decimal] = defaultdict(Decimal)
        for order in pages.orders:
            if not _replaces(order, pages):
                planned[order["intent_id"]] += Decimal(order["quantity"])
        for intent in pages.intents:
            wanted = json.loads(intent["payload"]).get("quantity")
            if wanted is not None and planned[intent["id"]] > Decimal(wanted):
                yield f"INV-8: {intent['id']} asked for {wanted} and planned {planned[intent['id']]}"
        held = {(p["strategy_id"], p["symbol"], p["product"]): Decimal(p["quantity"]) for p in pages.positions}
        leaving: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        # A plain sell that happens to reduce is as large as its alert said; only what was asked to close must not do more.
        closing = {i["id"] for i in pages.intents if json.loads(i["payload"])["intent"] in EXIT_INTENTS}
        for order in pages.orders:
            if order["intent_id"] in closing and order["state"] in UNSETTLED:
                rest = Decimal(order["quantity"]) - Decimal(order["filled"])
                leaving[order["strategy_id"], order["symbol"], order["product"]] += rest
        for lane, rest in leaving.items():
            if rest > abs(held.get(lane, Decimal(0))):
                yield f"INV-8: exits over {rest} are out for a position of {held.get(lane, 0)} in {lane}"

    def _events_tell_it_all(self, pages: Pages) -> Iterator[str]:
        """INV-9: the events, replayed, make the rows."""
        rebuilt: dict[str, Row] = {}
        for event in pages.events:
            if event["order_id"] and event["type"].startswith("order."):
                rebuilt.setdefault(event["order_id"], {}).update(json.loads(event["payload"])["set"])
        for order in pages.orders:
            differs = {k: (v, rebuilt.get(order["id"], {}).get(k)) for k, v in order.items()}
            differs = {k: pair for k, pair in differs.items() if pair[0] != pair[1]}
            if differs:
                yield f"INV-9: the events of {order['ref']} do not make its row: {differs}"
        states: dict[str, str] = {}
        for event in pages.events:
            if event["intent_id"] and event["type"].startswith("intent."):
                states[event["intent_id"]] = event["type"].removeprefix("intent.").upper()
        for intent in pages.intents:
            if states.get(intent["id"], intent["state"]) != intent["state"]:
                yield f"INV-9: the last event of {intent['id']} says {states[intent['id']]}, its row {intent['state']}"

    def _nothing_hidden(self, pages: Pages) -> Iterator[str]:
        """INV-11."""
        told = {notice["order_id"] for notice in pages.outbox}
        now = micros(self.house.clock.now())
        for order in pages.orders:
            waited = (now - order["updated_at"]) / 1e6
            if order["state"] in ("UNKNOWN", "PARKED") and waited > VISIBLE_WITHIN_S and order["id"] not in told:
                yield f"INV-11 HIDDEN: {order['ref']} is {order['state']} for {waited:.0f} s and nobody was told"

    def _owners_live(self, pages: Pages) -> Iterator[str]:
        """INV-12."""
        if self._calm_for() < OWNER_DEAD_MAX_S:
            return
        now = micros(self.house.clock.now())
        for order in pages.orders:
            if order["state"] == "SENDING" and now - (order["sent_at"] or 0) > OWNER_DEAD_MAX_S * 1e6:
                yield f"INV-12: {order['ref']} is SENDING since {from_micros(order['sent_at']):%H:%M:%S} and nobody sends it"

    def _nobody_elses(self, pages: Pages) -> Iterator[str]:
        """INV-14."""
        owners = {row["id"]: row["user_id"] for row in self._all("SELECT id, user_id FROM accounts")}
        for kind in ("orders", "intents", "attempts", "fills", "positions"):
            for row in getattr(pages, kind):
                if owners.get(row["account_id"]) != row["user_id"]:
                    yield f"INV-14: one of {row['user_id']}'s {kind} is at another's account {row['account_id']}"

    def _truth_is_seen(self, pages: Pages) -> Iterator[str]:
        """Late evidence wins: what the book has shown long enough, our rows say too."""
        calm = self._calm_for()
        if calm < SWEPT_WITHIN_S:
            return
        rows = {order["ref"]: order for order in pages.orders}
        now = self.house.clock.monotonic()
        for resting in self.house.broker.orders.values():
            order = rows.get(resting.ref)
            if order is None or resting.row.ref is None or now - resting.changed_at < SWEPT_WITHIN_S:
                continue
            if now - resting.visible_at < SWEPT_WITHIN_S:
                continue
            wanted = (str(SEEN[resting.row.state]), resting.row.filled)
            if (order["state"], Decimal(order["filled"])) != wanted:
                yield f"GHOST: {order['ref']} is {order['state']} with {order['filled']}, the broker has had {wanted} for long"

    def _nothing_stuck(self, pages: Pages) -> Iterator[str]:
        """Whatever was accepted comes to an end, or stands where a person sees it."""
        if self._calm_for() < GRACE_S:
            return
        limit = micros(self.house.clock.now()) - int(GRACE_S * 1e6)
        for order in pages.orders:
            if order["state"] == "QUEUED" and order["deadline"] < limit:
                yield f"LOST: {order['ref']} is QUEUED after its deadline"
        for intent in pages.intents:
            if intent["state"] in ("RECEIVED", "HELD", "AWAITING_CONFIRM") and intent["deadline"] < limit:
                yield f"LOST: {intent['id']} is {intent['state']} after its deadline"
        if self._calm_for() > 620:
            closed = [o["ref"] for o in pages.orders if o["state"] == "UNKNOWN" and o["updated_at"] < limit - 612e6]
            yield from (f"HIDDEN: {ref} is UNKNOWN for more than ten minutes" for ref in closed)

    def at_rest(self) -> list[str]:
        """Besides, for the end of a story: nothing is on its way any more, and both sides agree."""
        found = self.judge()
        for order in self.pages().orders:
            state = OrderState(order["state"])
            known = [r for r in self.house.broker.of(order["ref"]) if r.row.ref is not None]
            if known and state not in TERMINAL | {OrderState.WORKING, OrderState.PARTIALLY_FILLED}:
                found.append(f"STUCK: {order['ref']} is {state}, and the broker shows it")
            if state in (OrderState.WORKING, OrderState.PARTIALLY_FILLED) and not _at_broker(self.house, order):
                found.append(f"GHOST: {order['ref']} is {state}, and the broker has no such order")
        return found


def _at_broker(house: House, order: Row) -> bool:
    resting = house.broker.orders.get(order["broker_order_id"] or "")
    return resting is not None and resting.row.state in (
        BrokerState.OPEN,
        BrokerState.TRIGGER_PENDING,
        BrokerState.PARTIALLY_FILLED,
    )


def _decided_by_person(order: Row, pages: Pages) -> bool:
    return any(e["order_id"] == order["id"] and e["provenance"] == "person" for e in pages.events)


def _replaces(order: Row, pages: Pages) -> bool:
    """A new row for an exit that is proved not to have been placed."""
    for event in pages.events:
        if event["order_id"] == order["id"] and event["type"] == "order.queued":
            return str(json.loads(event["payload"])["why"]).startswith("replaces ")
    return False
