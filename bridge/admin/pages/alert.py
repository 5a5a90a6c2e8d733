"""One alert: prove what happened, decide what is parked, try it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from bridge.accounts.model import Account
from bridge.admin import once, timeline
from bridge.admin.asks import ask_cards
from bridge.admin.book import PositionLine, position_lines
from bridge.admin.decisions import decision_cards
from bridge.admin.order_lines import order_line
from bridge.admin.stories import alert_title, intent_badge
from bridge.admin.visit import NotFound, Route, Visit
from bridge.admin.words import dialect_title
from bridge.kit.database import Row
from bridge.orders.arrival import Answer


@dataclass(frozen=True, slots=True)
class FedAccount:
    """An account that a live replay would reach."""

    account: Account
    multiplier: str


async def alert(visit: Visit) -> Response:
    """The page."""
    return await show_alert(visit, visit.part("alert_id"))


async def replay_dry(visit: Visit) -> Response:
    """What the message would do under today's settings; nothing is kept or sent."""
    row = await _own(visit, visit.part("alert_id"))
    answer = await visit.ports.replay(row["id"], visit.user, False)
    return await show_alert(visit, row["id"], dry=answer)


async def replay_live(visit: Visit) -> Response:
    """The message once more, for real: asks for the password, and counts once however often it is pressed."""
    row = await _own(visit, visit.part("alert_id"))
    if problem := await visit.confirmed():
        return await show_alert(visit, row["id"], live_error=problem, status=403)
    if not await once.is_first(visit, row):
        return visit.go(f"/alerts/{row['id']}", "This replay was sent already. Nothing was sent again.")
    answer = await visit.ports.replay(row["id"], visit.user, True)
    again = answer.content.get("alert_id")
    said = f"Sent through again: {_answer_words(answer)}"
    return visit.go(f"/alerts/{again or row['id']}", said)


def _answer_words(answer: Answer) -> str:
    if answer.content.get("message"):
        return str(answer.content["message"])
    lines = answer.content.get("orders") or ()
    waiting = sum(line.get("state") == "awaiting_confirm" for line in lines)
    asks = f", {waiting} for you to approve" if waiting else ""
    return f"{answer.content.get('status', 'answered')}, {len(lines) - waiting} planned at once{asks}."


async def _own(visit: Visit, alert_id: str) -> Row:
    row = await visit.queries.alert(visit.user.id, alert_id)
    if row is None:
        raise NotFound
    return row


async def show_alert(
    visit: Visit,
    alert_id: str,
    *,
    status: int = 200,
    dry: Answer | None = None,
    live_error: str = "",
    decide_error: str = "",
    decide_order: str = "",
    chosen: str = "",
) -> Response:
    """The page of an alert that is this person's, with what a form on it came to."""
    row = await _own(visit, alert_id)
    intents = await visit.queries.intents_of(visit.user.id, [alert_id])
    orders = await visit.queries.orders_of(visit.user.id, [alert_id])
    events = await visit.queries.events_of(visit.user.id, alert_id)
    lines = [order_line(order, visit.names, visit.now) for order in orders]
    trace = timeline.as_steps(row["trace"])
    parked = [order for order in orders if order["state"] == "PARKED"]
    return await visit.show(
        "alert",
        status=status,
        alert=row,
        title=alert_title(row, intents, orders, lines),
        strategy=visit.names.strategy(row["strategy_id"]),
        source=visit.names.source(row["source_id"]),
        dialect=dialect_title(row["dialect"]),
        cards=await decision_cards(visit, parked),
        asks=[card for card in await ask_cards(visit) if card.alert_id == alert_id],
        intents=[(intent, intent_badge(intent), visit.names.account(intent["account_id"])) for intent in intents],
        bar=timeline.time_bar(row, trace, orders, events),
        steps=(*timeline.shared_steps(trace), *timeline.loose_steps(row, orders, events, visit.names)),
        lanes=timeline.lanes(row, trace, lines, orders, events, visit.names),
        holdings=await _holdings(visit, row["strategy_id"], {order["symbol"] for order in orders}),
        repeats=(await visit.queries.repeats(visit.user.id, [row]))[alert_id],
        size=len(row["body"].encode()),
        dry=_dry_run(dry, visit) if dry else None,
        fed=_fed(visit, row["strategy_id"]),
        ticket=once.ticket(),
        live_error=live_error,
        decide_error=decide_error,
        decide_order=decide_order,
        chosen=chosen,
    )


async def _holdings(visit: Visit, strategy_id: str, symbols: set[str]) -> list[PositionLine]:
    rows = [row for row in await visit.queries.positions(visit.user.id) if row["strategy_id"] == strategy_id]
    uncertain = [row for row in await visit.queries.uncertain(visit.user.id) if row["strategy_id"] == strategy_id]
    found = position_lines(rows, uncertain, visit.names, visit.now)
    return [line for line in found if line.symbol in symbols]


def _fed(visit: Visit, strategy_id: str) -> list[FedAccount]:
    strategy = next((s for s in visit.names.strategies() if s.id == strategy_id), None)
    feeds = strategy.settings.accounts if strategy else ()
    return [FedAccount(visit.names.account(feed.account_id), f"{feed.multiplier.normalize():f}") for feed in feeds]


def _dry_run(answer: Answer, visit: Visit) -> dict[str, Any]:
    content = answer.content
    orders = [o for o in content.get("orders") or () if isinstance(o, dict)]
    names = {account.id: account for account in visit.names.accounts()}
    trace = content.get("trace")
    return {
        "ok": answer.status < 400,
        "code": content.get("code") or "",
        "message": content.get("message") or "",
        "orders": [order | {"account": _account_name(order.get("account"), names)} for order in orders],
        "steps": timeline.shared_steps([s for s in trace if isinstance(s, dict)]) if isinstance(trace, list) else (),
    }


def _account_name(told: object, names: dict[str, Account]) -> str:
    found = names.get(str(told))
    return found.name if found else str(told or "")


ROUTES = (
    Route("GET", "/alerts/{alert_id}", alert),
    Route("POST", "/alerts/{alert_id}/replay", replay_dry),
    Route("POST", "/alerts/{alert_id}/replay-live", replay_live),
)
