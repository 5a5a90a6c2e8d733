"""Orders: see and steer what is at the broker."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from starlette.responses import Response

from bridge.admin import figures, sheets
from bridge.admin.decisions import NONE_OF_THEM
from bridge.admin.order_lines import GROUPS, order_line
from bridge.admin.pages.alert import show_alert
from bridge.admin.queries import PAGE, Cursor, OrderFilter
from bridge.admin.visit import Entry, NotFound, Route, Visit, address
from bridge.domain.lifecycle import UNCERTAIN, OrderState
from bridge.kit.database import Row
from bridge.orders.parked import candidates

MENU = Entry(
    label="Orders", path="/orders", icon="list-ordered", place=30, group="Today", counts="parked_orders", in_bar=True
)
_MEMBERS = ("money", "group", "account", "strategy", "q")
_SHEET_HEAD = (
    "Queued (IST)", "Order", "Our reference", "Broker order", "Alert", "Account", "Money", "Strategy", "Exchange",
    "Symbol", "Product", "Side", "Quantity", "Filled", "Type", "Price", "Trigger", "Average", "State", "Code", "Message",
    "Updated (IST)",
)  # fmt: skip


async def orders(visit: Visit) -> Response:
    """The groups: what needs a person, what is open, what is done."""
    asked = {name: visit.asked(name) for name in _MEMBERS}
    wanted = order_filter(asked, visit)
    before = Cursor.parse(visit.asked("before"))
    today, _ = figures.day_bounds(figures.day_of(visit.now))
    shown = _groups(asked["group"], later=before is not None)
    found = {group: await visit.queries.orders(visit.user.id, group, wanted, before) for group in shown}
    done = found.get("done", [])
    older = Cursor(done[PAGE - 1]["queued_at"], done[PAGE - 1]["id"]) if len(done) > PAGE else None
    limit = {"done": PAGE}
    return await visit.show(
        "orders",
        groups=[
            (GROUPS[group], group, [order_line(row, visit.names, visit.now) for row in rows[: limit.get(group)]])
            for group, rows in found.items()
        ],
        counts={
            group: await visit.queries.order_count(visit.user.id, group, wanted, today if group == "done" else 0)
            for group in GROUPS
        },
        asked=asked,
        filtered=any(asked.values()),
        accounts=visit.names.accounts(),
        strategies=visit.names.strategies(),
        states=GROUPS,
        money_links={word: address("/orders", asked | {"money": word}) for word in ("", "live", "paper")},
        sheet_link=address("/orders.csv", asked),
        sheet_rows=sheets.ROWS_MAX,
        older=address("/orders", asked | {"before": str(older)}) if older else "",
        newest=address("/orders", asked) if before else "",
        last_alert_at=await visit.queries.last_alert_at(visit.user.id),
    )


async def orders_sheet(visit: Visit) -> Response:
    """What the same address would show on all its pages, as CSV: what is open, and the newest of what is done."""
    asked = {name: visit.asked(name) for name in _MEMBERS}
    wanted = order_filter(asked, visit)
    found: list[Row] = []
    for group in _groups(asked["group"], later=False):
        rows = await visit.queries.orders(visit.user.id, group, wanted, limit=sheets.ROWS_MAX)
        found += rows[: sheets.ROWS_MAX]
    return sheets.sheet("orders", _SHEET_HEAD, [_sheet_row(row, visit) for row in found])


def _sheet_row(row: Row, visit: Visit) -> list[sheets.Cell]:
    account, state = visit.names.account(row["account_id"]), OrderState(row["state"])
    quantity, filled = Decimal(row["quantity"]), Decimal(row["filled"])
    money = "paper" if account.is_paper else "live"
    return [
        figures.sheet_time(row["queued_at"]),
        row["id"],
        row["ref"],
        row["broker_order_id"],
        row["alert_id"],
        account.name,
        f"{money}, SIMULATED prices" if visit.ports.market.simulated else money,
        visit.names.strategy(row["strategy_id"]),
        row["exchange"],
        row["symbol"],
        row["product"],
        str(row["side"]).upper(),
        quantity,
        f"{filled:f} or {quantity:f}" if state in UNCERTAIN else filled,
        row["order_type"],
        figures.decimal(row["price"]),
        figures.decimal(row["trigger_price"]),
        figures.decimal(row["average_price"]),
        state,
        row["code"],
        row["message"],
        figures.sheet_time(row["updated_at"]),
    ]


def order_filter(asked: Mapping[str, str], visit: Visit) -> OrderFilter:
    """The filter that an address asks for."""
    money = asked["money"]
    chosen = [a.id for a in visit.names.accounts() if a.is_paper is (money == "paper")]
    return OrderFilter(
        account=asked["account"],
        strategy=asked["strategy"],
        text=asked["q"],
        account_ids=chosen if money in ("live", "paper") else None,
    )


def _groups(asked: str, *, later: bool) -> list[str]:
    if later:
        return ["done"]
    return [asked] if asked in GROUPS else list(GROUPS)


async def cancel(visit: Visit) -> Response:
    """Asks the broker to cancel one order; it stays open until the broker says so."""
    order = await _own(visit)
    return visit.go("/orders", await visit.ports.cancel(order["id"], visit.user))


async def decide(visit: Visit) -> Response:
    """A person says which of the broker's orders is ours. Asks for the password."""
    order = await _own(visit)
    choice = visit.form.get("choice", "")
    if order["state"] != "PARKED":
        return visit.go(f"/alerts/{order['alert_id']}", "This order was settled meanwhile. Nothing was changed.")
    problem = (
        "" if choice in await _choices(visit, order) else "Choose one of the orders, or say that it is none of them."
    )
    problem = problem or await visit.confirmed()
    if problem:
        return await show_alert(
            visit, order["alert_id"], status=403, decide_error=problem, decide_order=order["id"], chosen=choice
        )
    broker_order_id = None if choice == NONE_OF_THEM else choice
    said = await visit.ports.decide(order["id"], visit.user, broker_order_id)
    return visit.go(f"/alerts/{order['alert_id']}", said)


async def _choices(visit: Visit, order: Row) -> set[str]:
    events = await visit.queries.candidates_of(visit.user.id, [order["id"]])
    return {NONE_OF_THEM} | {str(found["broker_order_id"]) for found in candidates(events)}


async def _own(visit: Visit) -> Row:
    row = await visit.queries.order(visit.user.id, visit.part("order_id"))
    if row is None:
        raise NotFound
    return row


ROUTES = (
    Route("GET", "/orders", orders),
    Route("GET", "/orders.csv", orders_sheet),
    Route("POST", "/orders/{order_id}/cancel", cancel),
    Route("POST", "/orders/{order_id}/decide", decide),
)
