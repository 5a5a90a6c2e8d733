"""Stop trading: at once, after reading what it does. Starting again asks for the password."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.responses import Response

from bridge.accounts.model import Role, Stop
from bridge.admin.book import position_lines, totals
from bridge.admin.order_lines import order_line
from bridge.admin.queries import OrderFilter
from bridge.admin.visit import Entry, NotFound, Route, Visit

MENU = Entry(label="Stop trading", path="/stop", icon="octagon-x", place=80, group="Guard")
_CONFIRMATION = "STOP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a switch can stop. `key` is what the form sends, `paper` marks practice accounts; `off` is what trades
    in no case, because its settings say so."""

    kind: str
    id: str
    level: str
    name: str
    paper: bool = False
    off: bool = False
    stop: Stop | None = None

    @property
    def key(self) -> str:
        """`account:ac_…`."""
        return f"{self.kind}:{self.id}"


def scopes(visit: Visit) -> list[Scope]:
    """Everything this person may stop, widest first. Only the owner stops everybody."""
    stops = visit.ports.directory.snapshot.stops
    names, user = visit.names, visit.user
    everybody = Scope(kind="global", id="", level="Installation", name="Everything, all people")
    found = [everybody] if user.role is Role.OWNER else []
    found.append(Scope(kind="user", id=user.id, level="Person", name=f"Everything of {user.name}"))
    found += [
        Scope(kind="account", id=a.id, level="Account", name=a.name, paper=a.is_paper, off=a.disabled)
        for a in names.accounts()
    ]
    found += [
        Scope(kind="strategy", id=s.id, level="Strategy", name=s.name, off=not s.enabled) for s in names.strategies()
    ]
    found += [Scope(kind="source", id=s.id, level="Source", name=s.name, off=s.disabled) for s in names.sources()]
    return [replace(scope, stop=stops.get((scope.kind, scope.id))) for scope in found]


async def stop_page(visit: Visit) -> Response:
    """What it will do, the form, and the switches."""
    return await _show(visit)


async def stop(visit: Visit) -> Response:
    """Throws a switch, for who typed STOP."""
    scope = _chosen(visit)
    if visit.form.get("confirm", "").strip() != _CONFIRMATION:
        return await _show(visit, stop_error="Type STOP in capitals to confirm. Trading goes on.", status=422)
    reason = visit.form.get("reason", "").strip()[:200] or f"stopped by {visit.user.name}"
    await _throw(visit, scope, stopped=True, reason=reason)
    return visit.go("/stop", f"Stopped: {scope.name}. Nothing new goes out.")


async def resume(visit: Visit) -> Response:
    """Lets go again, for who knows the password."""
    scope = _chosen(visit)
    if problem := await visit.confirmed():
        return await _show(visit, resume_error=problem, resume_key=scope.key, status=403)
    await _throw(visit, scope, stopped=False, reason=f"started again by {visit.user.name}")
    return visit.go("/stop", f"Trading again: {scope.name}.")


def _chosen(visit: Visit) -> Scope:
    wanted = visit.form.get("scope", "")
    for scope in scopes(visit):
        if scope.key == wanted:
            return scope
    raise NotFound


async def _throw(visit: Visit, scope: Scope, *, stopped: bool, reason: str) -> None:
    await visit.ports.panic(scope.kind, scope.id, stopped, reason, visit.user)
    await visit.ports.directory.refresh()  # the next page must not show the switch as it was


async def _show(
    visit: Visit, *, status: int = 200, stop_error: str = "", resume_error: str = "", resume_key: str = ""
) -> Response:
    rows = await visit.queries.orders(visit.user.id, "open", OrderFilter())
    lines = [order_line(row, visit.names, visit.now) for row in rows]
    queued = [line for line, row in zip(lines, rows, strict=True) if row["state"] == "QUEUED"]
    book = position_lines(await visit.queries.positions(visit.user.id), (), visit.names, visit.now)
    return await visit.show(
        "stop",
        status=status,
        scopes=scopes(visit),
        queued=queued,
        working=[line for line in lines if line not in queued],
        totals=totals(book),
        typed=visit.form.get("confirm", ""),
        reason=visit.form.get("reason", ""),
        chosen=visit.form.get("scope", ""),
        stop_error=stop_error,
        resume_error=resume_error,
        resume_key=resume_key,
    )


ROUTES = (
    Route("GET", "/stop", stop_page),
    Route("POST", "/stop", stop),
    Route("POST", "/stop/resume", resume),
)
