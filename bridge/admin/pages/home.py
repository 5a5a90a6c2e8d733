"""Home: is everything all right, and what needs me."""

from __future__ import annotations

from starlette.responses import Response

from bridge.admin import figures
from bridge.admin.book import position_lines, totals
from bridge.admin.decisions import decision_cards
from bridge.admin.order_lines import order_line
from bridge.admin.queries import AlertFilter
from bridge.admin.stories import day_sum, headline
from bridge.admin.visit import Entry, Route, Visit

MENU = Entry(label="Home", path="/", icon="house", place=10, in_bar=True)
_JUST_NOW = 6


async def home(visit: Visit) -> Response:
    """The page."""
    user, names, queries = visit.user.id, visit.names, visit.queries
    today, tomorrow = figures.day_bounds(figures.day_of(visit.now))
    counts = await queries.alert_counts(user, AlertFilter(start=today, end=tomorrow))
    last_alert_at = await queries.last_alert_at(user)
    lines, whole = day_sum(counts)
    book = position_lines(await queries.positions(user), await queries.uncertain(user), names, visit.now)
    return await visit.show(
        "home",
        headline=headline(await queries.unfinished(user), visit.stop, last_alert_at),
        last_alert_at=last_alert_at,
        accounts=names.accounts(),
        parked=await decision_cards(visit, await queries.parked(user)),
        lines=lines,
        whole=whole,
        latest=[order_line(row, names, visit.now) for row in await queries.latest_orders(user, _JUST_NOW)],
        totals=totals(book),
        strategies=len(names.strategies()),
        switched_off=[strategy.name for strategy in names.strategies() if not strategy.enabled],
    )


ROUTES = (Route("GET", "/", home),)
