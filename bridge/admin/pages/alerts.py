"""Alerts: find any message ever received, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from bridge.accounts.model import Role
from bridge.admin import figures, sheets
from bridge.admin.names import Names
from bridge.admin.order_lines import OrderLine, order_line
from bridge.admin.queries import PAGE, AlertFilter, Cursor
from bridge.admin.stories import alert_title, day_sum, outcome_badge
from bridge.admin.timeline import as_steps
from bridge.admin.visit import Entry, Route, Visit, address
from bridge.admin.words import OUTCOME_LINES, Badge, dialect_title
from bridge.kit.database import Row

MENU = Entry(label="Alerts", path="/alerts", icon="inbox", place=20, group="Today", counts="parked_alerts", in_bar=True)
_MEMBERS = ("outcome", "source", "dialect", "q", "date")
_FIRST_LINE = 120
_AT_ONCE = 50  # rows in memory while a sheet is made: each may carry a body of 64 KiB
_SHEET_HEAD = (
    "Received (IST)", "Alert", "Source", "Strategy", "Dialect", "Outcome", "Meaning", "Code", "Message", "Sender",
    "Repeat of", "Received text, its beginning",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One alert of the list."""

    id: str
    at: str
    source: str
    dialect: str
    first_line: str
    title: str
    badge: Badge
    spent: str
    repeat_of: str
    repeats: int


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """How often one reason kept messages of one source out on one day."""

    day: str
    source: str
    reason: str
    number: int


def turned_away(visit: Visit) -> list[TurnedAway]:
    """What the door refused of this person's sources; who knew no address of ours, only the owner sees."""
    shown: dict[str | None, str] = {source.id: source.name for source in visit.names.sources()}
    if visit.user.role is Role.OWNER:
        shown[None] = "No address of ours"
    return [
        TurnedAway(f"{day.day} {day:%b}", shown[source_id], code.replace("_", " ").capitalize(), number)
        for day, source_id, code, number in visit.ports.turned_away()
        if source_id in shown
    ]


async def alerts(visit: Visit) -> Response:
    """The list."""
    asked = {name: visit.asked(name) for name in _MEMBERS}
    day = _day(asked["date"])
    wanted = alert_filter(asked, day)
    found = await visit.queries.alerts(visit.user.id, wanted, Cursor.parse(visit.asked("before")))
    rows = found[:PAGE]
    counted_day = day or figures.day_of(visit.now)
    start, end = figures.day_bounds(counted_day)
    counts = await visit.queries.alert_counts(visit.user.id, alert_filter(asked, counted_day))
    sums, whole = day_sum(counts)
    older = Cursor(rows[-1]["received_at"], rows[-1]["id"]) if len(found) > PAGE else None
    return await visit.show(
        "alerts",
        lines=await _lines(visit, rows),
        asked=asked,
        filtered=any(asked.values()),
        day="today" if start <= visit.now < end else f"on {counted_day.day} {counted_day:%b %Y}",
        sums=sums,
        whole=whole,
        outcomes=OUTCOME_LINES,
        sources=visit.names.sources(),
        dialects=sorted({row["dialect"] for row in rows} | ({asked["dialect"]} - {""})),
        last_alert_at=await visit.queries.last_alert_at(visit.user.id) if not rows else None,
        turned_away=turned_away(visit),
        sheet_link=address("/alerts.csv", asked),
        sheet_rows=sheets.ROWS_MAX,
        older=address("/alerts", asked | {"before": str(older)}) if older else "",
        newest=address("/alerts", asked) if visit.asked("before") else "",
        outcome_links={name: address("/alerts", asked | {"outcome": name}) for name in OUTCOME_LINES},
    )


async def alerts_sheet(visit: Visit) -> Response:
    """What the same address would show on all its pages, as CSV: the newest."""
    asked = {name: visit.asked(name) for name in _MEMBERS}
    wanted = alert_filter(asked, _day(asked["date"]))
    written: list[list[sheets.Cell]] = []
    before = None
    while len(written) < sheets.ROWS_MAX:
        found = await visit.queries.alerts(visit.user.id, wanted, before, limit=_AT_ONCE)
        rows = found[:_AT_ONCE]
        written += [_sheet_row(row, line, visit) for row, line in zip(rows, await _lines(visit, rows), strict=True)]
        if len(found) <= _AT_ONCE:
            break
        before = Cursor(rows[-1]["received_at"], rows[-1]["id"])
    return sheets.sheet("alerts", _SHEET_HEAD, written)


def _sheet_row(row: Row, line: AlertLine, visit: Visit) -> list[sheets.Cell]:
    return [
        figures.sheet_time(row["received_at"]),
        row["id"],
        line.source,
        visit.names.strategy(row["strategy_id"]),
        line.dialect,
        row["outcome"],
        line.title,
        row["code"],
        row["message"],
        row["sender"],
        line.repeat_of,
        line.first_line,
    ]


def alert_filter(asked: Mapping[str, str], day: date | None) -> AlertFilter:
    """The filter that an address asks for; an outcome that is none asks for all."""
    start, end = figures.day_bounds(day) if day else (None, None)
    outcome = asked["outcome"]
    return AlertFilter(
        outcome=outcome if outcome in OUTCOME_LINES else "",
        source=asked["source"],
        dialect=asked["dialect"],
        text=asked["q"],
        start=start,
        end=end,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


async def _lines(visit: Visit, rows: Sequence[Row]) -> list[AlertLine]:
    ids = [row["id"] for row in rows]
    intents = _by_alert(await visit.queries.intents_of(visit.user.id, ids))
    orders = _by_alert(await visit.queries.orders_of(visit.user.id, ids))
    repeats = await visit.queries.repeats(visit.user.id, rows)
    names, now = visit.names, visit.now
    return [
        alert_line(
            row,
            intents[row["id"]],
            orders[row["id"]],
            len(repeats[row["id"]]),
            names,
            now,
        )
        for row in rows
    ]


def _by_alert(rows: Sequence[Row]) -> defaultdict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["alert_id"]].append(row)
    return found


def alert_line(
    row: Row, intents: Sequence[Row], orders: Sequence[Row], repeats: int, names: Names, now: int
) -> AlertLine:
    """One alert with what it meant and what became of it."""
    lines: list[OrderLine] = [order_line(order, names, now) for order in orders]
    spent = max((figures.decimal(step.get("ms")) or 0 for step in as_steps(row["trace"])), default=None)
    body = row["body"].strip()
    first = " ".join(body[: _FIRST_LINE * 2].split())
    return AlertLine(
        id=row["id"],
        at=figures.short_time(row["received_at"], now),
        source=names.source(row["source_id"]),
        dialect=dialect_title(row["dialect"]),
        first_line=first if len(first) <= _FIRST_LINE else f"{first[:_FIRST_LINE]}…",
        title=alert_title(row, intents, orders, lines),
        badge=outcome_badge(row, lines),
        spent="" if spent is None else figures.span(int(spent * 1000)),
        repeat_of=row["duplicate_of"] or "",
        repeats=repeats,
    )


ROUTES = (
    Route("GET", "/alerts", alerts),
    Route("GET", "/alerts.csv", alerts_sheet),
)
