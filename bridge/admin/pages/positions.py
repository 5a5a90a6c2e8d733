"""Positions: what do I hold, what does it earn now, which strategy owns it."""

from __future__ import annotations

from itertools import groupby

from starlette.responses import Response

from bridge.admin.book import position_lines, totals
from bridge.admin.visit import Entry, Route, Visit

MENU = Entry(label="Positions", path="/positions", icon="layers", place=40, group="Today", in_bar=True)


async def positions(visit: Visit) -> Response:
    """Holdings by account, open ones first, then what was closed."""
    rows = await visit.queries.positions(visit.user.id)
    lines = position_lines(rows, await visit.queries.uncertain(visit.user.id), visit.names, visit.now)
    held = sorted(
        (line for line in lines if line.side != "flat" or line.uncertain),
        key=lambda line: (line.paper, line.account.lower(), line.strategy.lower(), line.symbol),
    )
    return await visit.show(
        "positions",
        totals=totals(lines),
        groups=[(key, list(found)) for key, found in groupby(held, key=lambda line: (line.account, line.paper))],
        closed=[line for line in lines if line.side == "flat" and not line.uncertain],
        priced_by_simulation=visit.ports.market.simulated,
    )


ROUTES = (Route("GET", "/positions", positions),)
