"""Compares the three ledgers and names every loss, duplicate, ghost, wrong, late or hidden order: all must be none.

The judge is called when the program has come to rest. Words as in the failure model: LOST, an alert was answered 2xx and
there is neither order, refusal nor parked item; DUPLICATE, more orders at the broker than planned; GHOST, we say working
or filled and the broker has none; WRONG, a field differs from the plan; LATE, sent after its deadline; HIDDEN, unknown
or parked and nobody told within a minute. BROKEN is a row that breaks an invariant of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.reliability.ledgers import Ledgers, Row, Sent, payload
from tests.reliability.replaying import replay

KINDS = ("LOST", "DUPLICATE", "GHOST", "WRONG", "LATE", "HIDDEN", "BROKEN")
VISIBLE_WITHIN_S = 60
SEND_BY_S = 2.0  # between the commit that checks the deadline and the first byte
ORDERS_PER_SECOND = 10
UNFINISHED = ("QUEUED", "SENDING", "UNKNOWN")
AT_BROKER = ("WORKING", "PARTIALLY_FILLED", "FILLED", "CANCELLED", "EXPIRED_AT_BROKER")
OPEN = ("OPEN", "TRIGGER PENDING")
SEEN = {
    "WORKING": OPEN,
    "PARTIALLY_FILLED": OPEN,
    "FILLED": ("COMPLETE",),
    "CANCELLED": ("CANCELLED",),
    "EXPIRED_AT_BROKER": ("EXPIRED",),
    "REJECTED": ("REJECTED",),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not have happened."""

    kind: str
    what: str


Findings = Iterator[Finding]


# -- what the sender was promised ---------------------------------------------------------------------------------


def lost(ledgers: Ledgers) -> Findings:
    """Alerts that were answered 2xx and came to nothing that anybody could see."""
    journal = ledgers.journal
    alerts = {row["id"]: row for row in journal.alerts}
    intents, orders = journal.by("intents", "alert_id"), journal.by("orders", "alert_id")
    for sent in ledgers.sent:
        if sent.taken is None:
            continue
        alert_id = str(sent.taken.content.get("alert_id"))
        if alert_id not in alerts:
            yield Finding("LOST", f"{sent.key}: answered {sent.taken.status}, and there is no alert {alert_id}")
            continue
        for why in _came_to_nothing(sent, ledgers, intents[alert_id], orders[alert_id]):
            yield Finding("LOST", f"{sent.key} ({alert_id}): {why}")


def _came_to_nothing(sent: Sent, ledgers: Ledgers, intents: list[Row], orders: list[Row]) -> Iterator[str]:
    served = {ledgers.accounts.get(row["account_id"]) for row in intents}
    for account in {wish.account for wish in sent.wishes} - served:
        yield f"no intent for {account}"
    with_orders = {row["intent_id"] for row in orders}
    for row in intents:
        if row["state"] in ("RECEIVED", "HELD", "AWAITING_CONFIRM"):
            yield f"intent {row['id']} still waits: {row['state']}"
        elif row["id"] not in with_orders and row["state"] == "PLANNED":
            yield f"intent {row['id']} is planned without an order"
        elif row["id"] not in with_orders and not (row["code"] or row["message"] or row["result"]):
            yield f"intent {row['id']} ended {row['state']} without order or reason"
    for row in orders:
        if row["state"] in UNFINISHED:
            yield f"order {row['ref']} came to rest as {row['state']}"
    known = {row["id"] for row in orders}
    for line in (sent.taken.content if sent.taken else {}).get("orders", ()):
        if line["order_id"] is not None and line["order_id"] not in known:
            yield f"the answer names order {line['order_id']}, which is not there"


def duplicate(ledgers: Ledgers) -> Findings:
    """More orders at the broker than were planned, or planned than were asked for."""
    journal = ledgers.journal
    for tag, ids in ledgers.accepted.items():
        if len(ids) > 1:
            yield Finding("DUPLICATE", f"{tag} is at the broker {len(ids)} times: {ids}")
        if tag not in journal.order_by_ref:
            yield Finding("DUPLICATE", f"the broker has {tag} ({ids}), which the journal does not know")
    yield from _asked_twice(ledgers)
    links = Counter((row["account_id"], row["trading_date"], row["broker_order_id"]) for row in journal.orders)
    for link, times in links.items():
        if link[2] and times > 1:
            yield Finding("DUPLICATE", f"broker order {link[2]} is linked to {times} orders")
    yield from _taken_twice(ledgers)


def _asked_twice(ledgers: Ledgers) -> Findings:
    """The same request twice, although the first was not turned away at the gateway."""
    seen: dict[str, str | None] = {}
    for row in ledgers.placements:
        if row["tag"] in seen and seen[row["tag"]] != "RateException":
            yield Finding("DUPLICATE", f"{row['tag']} was sent again after {seen[row['tag']] or 'no refusal'}")
        seen[row["tag"]] = row["refused"]


def _taken_twice(ledgers: Ledgers) -> Findings:
    """One alert of the sender with more orders than it asked for, however many deliveries it took."""
    orders = ledgers.journal.by("orders", "alert_id")
    for sent in ledgers.sent:
        alert_ids = {each.content["alert_id"] for each in sent.tries if each.content.get("alert_id")}
        alert_ids |= {row["id"] for row in ledgers.journal.alerts if _key_of(row) == sent.key}
        planned = [row for alert_id in alert_ids for row in orders.get(alert_id, ())]
        if len(planned) > len(sent.wishes):
            refs = [row["ref"] for row in planned]
            yield Finding("DUPLICATE", f"{sent.key} asked for {len(sent.wishes)} orders and has {refs}")


def _key_of(alert: Row) -> str:
    return str(alert["dedupe_key"] or "").removeprefix("id:")


# -- what we say and what the broker has --------------------------------------------------------------------------


def ghost(ledgers: Ledgers) -> Findings:
    """Orders that we show as being at the broker, and it has none, or not so much of it."""
    for row in ledgers.journal.orders:
        if row["state"] not in AT_BROKER:
            continue
        found = ledgers.book.get(row["broker_order_id"] or "")
        if found is None or found.account != ledgers.accounts.get(row["account_id"]):
            yield Finding("GHOST", f"{row['ref']} is {row['state']} as {row['broker_order_id']}, which does not exist")
        elif Decimal(row["filled"]) > found.filled:
            yield Finding("GHOST", f"{row['ref']} has {row['filled']} filled, at the broker {found.filled}")


def wrong(ledgers: Ledgers) -> Findings:
    """A field that differs between what was asked for, planned, sent and shown."""
    yield from _sent_otherwise(ledgers)
    yield from _planned_otherwise(ledgers)
    yield from _shown_otherwise(ledgers)
    yield from _called_refused(ledgers)


def _sent_otherwise(ledgers: Ledgers) -> Findings:
    for request in ledgers.placements:
        row, said = ledgers.journal.order_by_ref.get(request["tag"]), request["body"]
        if row is None or not isinstance(said, dict):
            continue
        if request["account"] != ledgers.accounts.get(row["account_id"]):
            yield Finding("WRONG", f"{row['ref']} of {row['account_id']} went to {request['account']}")
        for name, planned, sent in _fields(row, said):
            if planned != sent:
                yield Finding("WRONG", f"{row['ref']}: {name} planned {planned}, sent {sent}")


_TYPES = {"market": "MARKET", "limit": "LIMIT", "stop": "SL-M", "stop_limit": "SL"}


def _fields(row: Row, said: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in ("symbol", "exchange", "product"):
        yield name, row[name], said.get(name)
    yield "side", row["side"].upper(), said.get("side")
    yield "order type", _TYPES.get(row["order_type"]), said.get("order_type")
    for name in ("quantity", "price", "trigger_price"):
        yield name, _number(row[name]), _number(said.get(name))


def _number(text: Any) -> Decimal | None:
    return None if text is None else Decimal(str(text))


def _planned_otherwise(ledgers: Ledgers) -> Findings:
    """Less than was asked for is right where it only closes what was held: what would have opened beyond was refused."""
    orders = ledgers.journal.by("orders", "alert_id")
    for sent in ledgers.sent:
        if sent.taken is None:
            continue
        wishes = list(sent.wishes)
        for row in orders.get(str(sent.taken.content.get("alert_id")), ()):
            account, quantity = ledgers.accounts.get(row["account_id"]), Decimal(row["quantity"])
            fits = [
                wish
                for wish in wishes
                if (wish.account, wish.symbol, wish.side) == (account, row["symbol"], row["side"])
                and (quantity == wish.quantity or (quantity < wish.quantity and (wish.at_most or row["reduces"])))
            ]
            if not fits:
                yield Finding(
                    "WRONG", f"{sent.key}: {account} {row['side']} {quantity} {row['symbol']} was not asked for"
                )
            else:
                wishes.remove(fits[0])


def _shown_otherwise(ledgers: Ledgers) -> Findings:
    """At rest, a state that is not the broker's. PARKED claims nothing."""
    for row in ledgers.journal.orders:
        at_broker = ledgers.accepted.get(row["ref"], [])
        linked = row["broker_order_id"]
        if row["state"] == "PARKED":
            continue
        if at_broker and linked != at_broker[0]:
            yield Finding(
                "WRONG", f"{row['ref']} is {row['state']} ({linked}), and the broker has it as {at_broker[0]}"
            )
        if linked in ledgers.book and row["state"] in SEEN:
            found = ledgers.book[linked]
            if found.status not in SEEN[row["state"]] or found.filled != Decimal(row["filled"]):
                theirs = f"{found.status} with {found.filled}"
                yield Finding("WRONG", f"{row['ref']} is {row['state']} with {row['filled']}, at the broker {theirs}")


def _called_refused(ledgers: Ledgers) -> Findings:
    """Orders that at any time counted as refused by a reply, and the broker had refused nothing."""
    refused = {request["tag"] for request in ledgers.placements if request["refused"]}
    orders = {row["id"]: row for row in ledgers.journal.orders}
    for event in ledgers.journal.events:
        order = orders.get(event["order_id"])
        by_reply = (event["type"], event["provenance"]) == ("order.rejected", "broker_reply")
        if by_reply and order is not None and order["ref"] not in refused:
            yield Finding("WRONG", f"{order['ref']} was called rejected, and the broker had not refused it")


def late(ledgers: Ledgers) -> Findings:
    """Requests that reached the broker after their deadline, by the rehearsal's clock."""
    grace = SEND_BY_S + 0.25 * ledgers.speed  # a quarter of a real second for a busy machine
    for request in ledgers.placements:
        row = ledgers.journal.order_by_ref.get(request["tag"])
        if row is not None and request["clock"] > row["deadline"] / 1e6 + grace:
            after = request["clock"] - row["deadline"] / 1e6
            yield Finding("LATE", f"{row['ref']} reached the broker {after:.1f} s after its deadline")


def hidden(ledgers: Ledgers) -> Findings:
    """Orders that became unknown or parked, and nobody was told within a minute."""
    told = ledgers.journal.by("outbox", "order_id")
    for event in ledgers.journal.events:
        if event["type"] not in ("order.unknown", "order.parked"):
            continue
        until = event["at"] + VISIBLE_WITHIN_S * 1_000_000
        if not any(event["at"] <= notice["at"] <= until for notice in told.get(event["order_id"], ())):
            yield Finding("HIDDEN", f"{event['order_id']} became {event['type']} and nobody was told")


# -- what every row must hold by itself ---------------------------------------------------------------------------


def broken(ledgers: Ledgers) -> Findings:
    """Rows that break an invariant, whatever the others say."""
    yield from broken_by_any_clock(ledgers)
    for what in _one_attempt_at_a_time(ledgers):
        yield Finding("BROKEN", what)


def broken_by_any_clock(ledgers: Ledgers) -> Findings:
    """`broken` without what compares times of the program's own wall clock."""
    for check in (_replays, _bytes_after_an_attempt, _filled, _held, _proved, _within_rate):
        for what in check(ledgers):
            yield Finding("BROKEN", what)


def _replays(ledgers: Ledgers) -> Iterator[str]:
    events = ledgers.journal.by("events", "order_id")
    for row in ledgers.journal.orders:
        yield from replay(row, events.get(row["id"], []))


def _one_attempt_at_a_time(ledgers: Ledgers) -> Iterator[str]:
    attempts = ledgers.journal.by("attempts", "order_id")
    for row in ledgers.journal.orders:
        for before, after in pairwise(sorted(attempts.get(row["id"], ()), key=lambda each: each["number"])):
            if before["closed_at"] is None or before["closed_at"] > after["opened_at"]:
                yield f"{row['ref']}: attempt {after['number']} was opened before {before['number']} was closed"


def _bytes_after_an_attempt(ledgers: Ledgers) -> Iterator[str]:
    """Nothing was sent without an attempt, and none stays open when the order is not at the broker."""
    attempts = ledgers.journal.by("attempts", "order_id")
    opened: dict[str, int] = defaultdict(int)
    for row in ledgers.journal.orders:
        mine = attempts.get(row["id"], ())
        opened[row["ref"]] = sum(each["operation"] == "place" for each in mine)
        if row["state"] not in ("SENDING", *AT_BROKER) and any(each["closed_at"] is None for each in mine):
            yield f"{row['ref']} is {row['state']} with an open attempt"
    for tag, times in Counter(request["tag"] for request in ledgers.placements).items():
        if times > opened[tag]:
            yield f"{tag}: {times} requests, {opened[tag]} attempts"


def _filled(ledgers: Ledgers) -> Iterator[str]:
    fills = ledgers.journal.by("fills", "order_id")
    for row in ledgers.journal.orders:
        total = sum((Decimal(fill["quantity"]) for fill in fills.get(row["id"], ())), Decimal(0))
        if total != Decimal(row["filled"]):
            yield f"{row['ref']}: fills add up to {total}, the row says {row['filled']}"
        if not 0 <= Decimal(row["filled"]) <= Decimal(row["quantity"]):
            yield f"{row['ref']}: {row['filled']} filled of {row['quantity']}"


def _held(ledgers: Ledgers) -> Iterator[str]:
    """What strategies hold is what their fills add up to."""
    orders = {row["id"]: row for row in ledgers.journal.orders}
    names = ("account_id", "strategy_id", "exchange", "symbol", "product")
    total: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for fill in ledgers.journal.fills:
        order = orders.get(fill["order_id"])
        if order is None:
            yield f"a fill of {fill['order_id']}, which is not there"
            continue
        signed = Decimal(fill["quantity"]) * (1 if order["side"] == "buy" else -1)
        total[tuple(order[name] for name in names)] += signed
    for row in ledgers.journal.positions:
        key = tuple(row[name] for name in names)
        if Decimal(row["quantity"]) != total.pop(key, Decimal(0)):
            yield f"position {key} is {row['quantity']}, its fills add up to something else"
    for key in total:
        yield f"fills of {key} made no position"


def _proved(ledgers: Ledgers) -> Iterator[str]:
    """NOT_SENT wrote no bytes; NOT_PLACED has its proof."""
    answered = {request["tag"] for request in ledgers.placements if request["refused"] != "RateException"}
    proofs = {event["order_id"]: event for event in ledgers.journal.events if event["type"] == "order.not_placed"}
    for row in ledgers.journal.orders:
        if row["state"] == "NOT_SENT" and row["ref"] in answered:
            yield f"{row['ref']} is NOT_SENT, and its request reached the broker"
        if row["state"] == "NOT_PLACED":
            event = proofs.get(row["id"])
            if event is None or not (payload(event).get("reads", 0) >= 3 or event["provenance"] == "person"):
                yield f"{row['ref']} is NOT_PLACED without proof"


def _within_rate(ledgers: Ledgers) -> Iterator[str]:
    """At most ten orders in any second, by account and exchange, on the broker's clock."""
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for request in ledgers.placements:
        if isinstance(request["body"], dict):
            times[request["account"], request["body"].get("exchange", "")].append(request["clock"])
    for key, clocks in times.items():
        clocks.sort()
        for place, clock in enumerate(clocks[ORDERS_PER_SECOND:]):
            if clock - clocks[place] < 1:
                yield f"{key}: more than {ORDERS_PER_SECOND} orders in the second from {clocks[place]:.3f}"
                break


Judge = Callable[[Ledgers], Findings]
JUDGES: tuple[Judge, ...] = (lost, duplicate, ghost, wrong, late, hidden, broken)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything that was found, and the seed that shows it again."""

    findings: tuple[Finding, ...]
    seed: object

    def count(self, kind: str) -> int:
        """How many of that kind."""
        return sum(finding.kind == kind for finding in self.findings)

    @property
    def summary(self) -> str:
        """How many of each, and the seed."""
        return f"seed {self.seed}: " + ", ".join(f"{self.count(kind)} {kind}" for kind in KINDS)

    def __str__(self) -> str:
        lines = [f"  {finding.kind}: {finding.what}" for finding in self.findings[:40]]
        return "\n".join((self.summary, *lines))


def judge(ledgers: Ledgers, seed: object, judges: Sequence[Judge] = JUDGES) -> Verdict:
    """All that the judges find."""
    return Verdict(tuple(finding for each in judges for finding in each(ledgers)), seed)


def assert_clean(ledgers: Ledgers, seed: object, judges: Sequence[Judge] = JUDGES) -> Verdict:
    """Zero of everything, or an error that shows all of it."""
    verdict = judge(ledgers, seed, judges)
    assert not verdict.findings, str(verdict)
    return verdict
