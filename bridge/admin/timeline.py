"""What happened to one alert, step by step: its trace up to the commit, then a lane per account from the journal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bridge.admin import figures
from bridge.admin.names import Names
from bridge.admin.order_lines import OrderLine
from bridge.admin.words import ORDER_BADGES, PENDING_WORDS, PROVENANCE_WORDS
from bridge.domain.lifecycle import OrderState
from bridge.kit.database import Row

_QUIET_INTENTS = ("intent.planned", "intent.received")  # the trace and the order's own events say it better
_BAD = frozenset({OrderState.REJECTED, OrderState.NOT_SENT, OrderState.NOT_PLACED})
_ASK = frozenset({OrderState.UNKNOWN, OrderState.PARKED})


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check with its numbers."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened. `mark` is ok, bad, ask or note; `said` are somebody else's words, shown in quotes."""

    title: str
    after: str = ""
    detail: str = ""
    said: str = ""
    mark: str = "ok"
    icon: str = "check"
    checks: tuple[CheckLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What happened at one account."""

    account: str
    paper: bool
    orders: tuple[OrderLine, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the time bar: who took how long, and where it stands on a scale of a thousand."""

    name: str
    form: str
    spent: str
    note: str
    x: int
    width: int


def shared_steps(trace: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The steps that concern the whole alert."""
    return tuple(_trace_step(step) for step in trace if not step.get("account"))


def lanes(
    alert: Row,
    trace: Sequence[Mapping[str, Any]],
    lines: Sequence[OrderLine],
    orders: Sequence[Row],
    events: Sequence[Row],
    names: Names,
) -> tuple[Lane, ...]:
    """One lane for each account that the alert concerned, in the order in which they came up."""
    of_order = {row["id"]: row["account_id"] for row in orders}
    where = {id(event): event["account_id"] or of_order.get(event["order_id"] or "", "") for event in events}
    account_ids = dict.fromkeys(
        filter(None, [*(str(s.get("account") or "") for s in trace), *of_order.values(), *where.values()])
    )
    return tuple(
        Lane(
            account=names.account(account_id).name,
            paper=names.account(account_id).is_paper,
            orders=tuple(line for line in lines if of_order[line.id] == account_id),
            steps=(
                *(_trace_step(step) for step in trace if step.get("account") == account_id),
                *_event_steps([e for e in events if where[id(e)] == account_id], alert, orders, names),
            ),
        )
        for account_id in account_ids
    )


def loose_steps(alert: Row, orders: Sequence[Row], events: Sequence[Row], names: Names) -> tuple[Step, ...]:
    """Journal events that belong to the alert but to no account."""
    known = {row["id"] for row in orders}
    loose = [
        e for e in events if not e["account_id"] and e["order_id"] not in known and not e["type"].startswith("alert.")
    ]
    return tuple(_event_steps(loose, alert, orders, names))


def _trace_step(step: Mapping[str, Any]) -> Step:
    checks = tuple(
        CheckLine(str(c.get("name", "")).replace("_", " ").capitalize(), bool(c.get("ok")), str(c.get("detail") or ""))
        for c in step.get("checks") or ()
    )
    failed = step.get("ok") is False or any(not check.ok for check in checks)
    # A refusal's reader wants the check that said no before those that did not.
    ordered = tuple(sorted(checks, key=lambda check: check.ok))
    spent = figures.decimal(step.get("ms"))
    return Step(
        title=str(step.get("title") or step.get("step") or "") + (", repaired" if step.get("repaired") else ""),
        after="" if spent is None else f"+{figures.span(int(spent * 1000))}",
        detail=_sentence(str(step.get("detail") or "")),
        mark="bad" if failed else "ok",
        icon="x" if failed else "check",
        checks=ordered,
    )


def _event_steps(events: Sequence[Row], alert: Row, orders: Sequence[Row], names: Names) -> list[Step]:
    rows = {row["id"]: row for row in orders}
    here = {event["order_id"] for event in events} & rows.keys()
    several = len({rows[order_id]["symbol"] for order_id in here}) > 1
    steps = []
    for event in events:
        if event["type"] in _QUIET_INTENTS and event["provenance"] != "person":
            continue
        order = rows.get(event["order_id"] or "")
        step = _order_step(event, order, names) if order else _other_step(event)
        if order and several:
            step = replace(step, title=f"{step.title} · {order['symbol']}")
        steps.append(replace(step, after=_after(event["at"], alert["received_at"])))
    return steps


def _after(at: int, received_at: int) -> str:
    spent = at - received_at
    return f"+{figures.span(spent)}" if spent < 3_600_000_000 else figures.short_time(at, received_at)


def _order_step(event: Row, order: Row, names: Names) -> Step:
    payload = as_object(event["payload"])
    changes: dict[str, Any] = payload.get("set") or {}
    state = _state(changes.get("state") or event["type"].removeprefix("order.").upper())
    if state is None or (event["type"] == "order.changed" and "filled" not in changes):
        return _change_step(event, payload, changes, names.account(order["account_id"]).broker.capitalize())
    broker = names.account(order["account_id"]).broker.capitalize()
    if state is OrderState.QUEUED and "from" in payload:
        return Step(
            title="Back in the queue", detail=_sentence(f"No byte had left for {broker}", str(payload.get("why") or ""))
        )
    mark = "bad" if state in _BAD else "ask" if state in _ASK else "ok"
    own_words = state in (OrderState.REJECTED, OrderState.CANCELLED, OrderState.EXPIRED_AT_BROKER)
    said = str(changes.get("message") or "") if own_words else ""
    why = str(payload.get("why") or "")
    return Step(
        title=_title(state, broker, {**order, **changes}, names),
        detail=_sentence(
            _about(state, order, changes),
            why if why != said else "",
            PROVENANCE_WORDS.get(event["provenance"], "")
            if state not in (OrderState.QUEUED, OrderState.SENDING)
            else "",
        ),
        said=said,
        mark=mark,
        icon=ORDER_BADGES[state].icon if mark != "ok" else "check",
    )


def _title(state: OrderState, broker: str, order: Mapping[str, Any], names: Names) -> str:
    wanted, filled = (
        names.quantity(order["exchange"], order["symbol"], Decimal(order[name])) for name in ("quantity", "filled")
    )
    average = order["average_price"]
    at = f" at {names.price(order['exchange'], order['symbol'], Decimal(average))}" if average else ""
    return {
        OrderState.QUEUED: f"Planned {str(order['side']).upper()} {wanted} {order['symbol']}",
        OrderState.SENDING: f"Sent to {broker}",
        OrderState.UNKNOWN: f"No clear answer from {broker}",
        OrderState.PARKED: "Parked: a person must decide",
        OrderState.WORKING: f"{broker} took it",
        OrderState.PARTIALLY_FILLED: f"Filled {filled} of {wanted}{at}",
        OrderState.FILLED: f"Filled {wanted}{at}",
        OrderState.CANCELLED: f"Cancelled, {filled} of {wanted} filled",
        OrderState.EXPIRED_AT_BROKER: f"Expired at {broker}, {filled} of {wanted} filled",
        OrderState.REJECTED: f"Rejected by {broker}",
        OrderState.NOT_SENT: "Not sent",
        OrderState.NOT_PLACED: "Not placed, proved",
    }[state]


def _about(state: OrderState, order: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    if state is OrderState.SENDING:
        return f"Our reference {order['ref']}"
    if state is OrderState.UNKNOWN:
        return "Treated as unknown, never as failed. Nothing will be sent twice"
    if state is OrderState.WORKING and (number := changes.get("broker_order_id")):
        return f"Order {number}"
    return str(changes.get("message") or "") if state in (OrderState.NOT_SENT, OrderState.NOT_PLACED) else ""


def _change_step(event: Row, payload: Mapping[str, Any], changes: Mapping[str, Any], broker: str) -> Step:
    asked = PENDING_WORDS.get(str(changes.get("pending_op") or ""))
    return Step(
        title=asked or str(payload.get("title") or "") or _humanised(event["type"]),
        detail=_sentence(
            f"Still open until {broker} confirms" if asked else "",
            str(payload.get("why") or payload.get("detail") or ""),
            PROVENANCE_WORDS.get(event["provenance"], ""),
        ),
        mark="note",
        icon="circle-dot",
    )


def _other_step(event: Row) -> Step:
    payload = as_object(event["payload"])
    kind = event["type"]
    bad = kind in ("intent.refused", "intent.expired")
    return Step(
        title=str(payload.get("title") or "") or _humanised(kind),
        detail=str(payload.get("message") or payload.get("why") or payload.get("detail") or ""),
        mark="bad" if bad else "note",
        icon="x" if bad else "circle-dot",
    )


def _humanised(kind: str) -> str:
    scope, _, what = kind.partition(".")
    words = (what or scope).replace("_", " ").replace(".", " ").capitalize()
    return {"Done": "Finished", "Changed": "Updated"}.get(words, words)


def _sentence(*parts: str) -> str:
    said = [part.strip().rstrip(".") for part in parts if part.strip()]
    return ". ".join(part[:1].upper() + part[1:] for part in said)


def _state(text: object) -> OrderState | None:
    try:
        return OrderState(str(text))
    except ValueError:
        return None


def as_object(text: str) -> dict[str, Any]:
    """A column's JSON object; anything else is an empty one."""
    value = json.loads(text or "{}")
    return value if isinstance(value, dict) else {}


def as_steps(text: str) -> list[dict[str, Any]]:
    """A trace column's steps."""
    value = json.loads(text or "[]")
    return [step for step in value if isinstance(step, dict)] if isinstance(value, list) else []


def time_bar(
    alert: Row, trace: Sequence[Mapping[str, Any]], orders: Sequence[Row], events: Sequence[Row]
) -> list[Segment]:
    """Bridge, broker, exchange: from receipt to the first send, to the broker's word, to the last fill."""
    decided = max((int((figures.decimal(s.get("ms")) or 0) * 1000) for s in trace), default=0)
    received = alert["received_at"]
    sent = min((row["sent_at"] for row in orders if row["sent_at"]), default=None)
    proved = [
        e["at"] for e in events if e["provenance"] in ("broker_reply", "book", "stream") and sent and e["at"] >= sent
    ]
    filled = [e["at"] for e in events if e["type"] in ("order.filled", "order.partially_filled") and proved]
    spans = [
        ("Bridge", "ink", received, sent or received + decided, f"decided at {figures.span(decided)}" if sent else "")
    ]
    if sent and proved:
        spans.append(("Broker", "buy", sent, min(proved), "to its first word"))
    if filled and max(filled) > min(proved):
        spans.append(("Exchange", "good", min(proved), max(filled), "to the last fill"))
    return _segments([(name, form, max(0, end - start), note) for name, form, start, end, note in spans])


def _segments(spans: Sequence[tuple[str, str, int, str]]) -> list[Segment]:
    whole = sum(spent for *_, spent, _ in spans) or 1
    least = 8  # a stretch too short to scale is still there to be seen
    room = 1000 - least * len(spans)
    found, x = [], 0
    for name, form, spent, note in spans:
        width = least + room * spent // whole
        found.append(Segment(name, form, figures.span(spent), note, x, width))
        x += width
    return found
