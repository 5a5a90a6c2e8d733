"""What a page's function gets and gives: one request of one signed-in person, and the answers it can have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bridge.accounts.model import Role, Stop, User
from bridge.accounts.signin import Denied, Session, SignIn
from bridge.admin import flash, theme
from bridge.admin.market_clock import market_clock
from bridge.admin.names import Names
from bridge.admin.ports import Ports
from bridge.admin.queries import Queries
from bridge.admin.stories import stop_sentence
from bridge.admin.templating import Templates
from bridge.kit.clock import from_micros, micros
from bridge.kit.settings import Settings

Group = Literal["", "Today", "Guard"]


class NotFound(Exception):
    """There is no such page, or it is somebody else's, which is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the menu. `place` orders lines; `counts` names what its number counts: what needs a person."""

    label: str
    path: str
    icon: str
    place: int
    group: Group = ""
    counts: Literal["", "parked_alerts", "parked_orders", "waiting"] = ""
    in_bar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request. `form` has what was posted; `now` is microseconds, the same for everything on the page."""

    ports: Ports
    queries: Queries
    signin: SignIn
    templates: Templates
    menu: tuple[Entry, ...]
    request: Request
    session: Session
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    now: int

    @property
    def user(self) -> User:
        """Who asks."""
        return self.session.user

    @property
    def names(self) -> Names:
        """Names and decimals for this person's rows."""
        return Names(self.user.id, self.ports.directory.snapshot, self.ports.market)

    @property
    def stop(self) -> Stop | None:
        """The switch that stops everything this person does, if one is on."""
        return self.ports.directory.snapshot.stop(user=self.user.id)

    @property
    def may_act(self) -> bool:
        """Viewers look."""
        return self.user.role is not Role.VIEWER

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def asked(self, name: str) -> str:
        """A member of the address's query, without blanks around it; empty when it is not there."""
        return self.request.query_params.get(name, "").strip()[:200]

    async def confirmed(self) -> str:
        """Checks the password posted with a dangerous form; empty when it was right, else what to tell."""
        denied = await self.signin.confirms(self.user, self.form.get("password", ""), address_of(self.request))
        return wrong_password(denied) if denied else ""

    async def show(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The page, in the frame with menu, clock and Stop."""
        parked = await self.queries.parked(self.user.id)
        stop = self.stop
        frame = {
            "user": self.user,
            "csrf": self.session.csrf,
            "menu": self.menu,
            "here": self.request.url.path,
            "back": self._back(),
            "theme": theme.chosen(self.request),
            "now": self.now,
            "market_clock": market_clock(self.ports.calendar, from_micros(self.now)),
            "may_act": self.may_act,
            "simulated": self.ports.market.simulated,
            "stop_said": stop_sentence(stop, "") if stop else "",
            "stop_reason": stop.reason if stop else "",
            "parked_orders": len(parked),
            "waiting": await self.queries.waiting_count(self.user.id, self.now),
            "parked_alerts": len({row["alert_id"] for row in parked}),
            "said": flash.read(self.request, self.ports.vault),
        }
        response = HTMLResponse(self.templates.render(f"{template}.html", frame | values), status)
        flash.clear(self.request, response)
        return response

    def _back(self) -> str:
        """The address of this page, for a form that leads back to it; a page that answered a form has none."""
        url = self.request.url
        if self.request.method != "GET":
            return "/"
        return f"{url.path}?{url.query}" if url.query else url.path

    def go(self, path: str, said: str = "") -> Response:
        """To another page after something was done, where `said` is shown once."""
        response = RedirectResponse(path, 303)
        if said:
            flash.write(response, said, self.ports.vault, secure=is_secure(self.ports.settings))
        return response


def address(path: str, members: Mapping[str, str]) -> str:
    """A path with those members that are not empty in its query."""
    given = {name: value for name, value in members.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def is_secure(settings: Settings) -> bool:
    """Whether people come by https, so that cookies are for https only."""
    return settings.secure_cookies or settings.base_url.startswith("https://")


def address_of(request: Request) -> str:
    """Who asks, for slowing down guesses; behind a proxy the server puts the forwarded address there."""
    return request.client.host if request.client else ""


def wrong_password(denied: Denied) -> str:
    """One wording, whatever was wrong."""
    wait = f" The next try is looked at in {denied.wait_s} s." if denied.wait_s else ""
    return f"That is not your password.{wait} Nothing was done."


Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """A page's address and function. GET only looks; POST needs a form made for this session by somebody who may act."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    viewers: bool = False  # a POST that viewers may send, too


def now_of(ports: Ports) -> int:
    """The clock in microseconds."""
    return micros(ports.clock.now())
