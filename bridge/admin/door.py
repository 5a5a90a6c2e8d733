"""The one door to every page: who is there, was the form ours, and what no answer goes out without.

Closed by default: a route is reached only through `Door.look` or `Door.act`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest
from urllib.parse import parse_qsl, quote, urlsplit

from sqlalchemy.exc import DataError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bridge.accounts.signin import Session, SignIn
from bridge.admin.ports import Ports
from bridge.admin.queries import Queries
from bridge.admin.templating import Templates
from bridge.admin.visit import Entry, NotFound, Route, Visit, is_secure, now_of
from bridge.kit.database import StorageUnavailable
from bridge.kit.settings import Settings

FORM_BYTES_MAX = 64 * 1024
_FIELDS_MAX = 50
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " object-src 'none'; require-trusted-types-for 'script'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Endpoint = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """The request is turned away with this status and these words."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text


class Door:
    """Wraps page functions into endpoints."""

    def __init__(self, ports: Ports, signin: SignIn, templates: Templates, menu: tuple[Entry, ...]) -> None:
        self.ports = ports
        self.signin = signin
        self.templates = templates
        self.secure = is_secure(ports.settings)
        # With `__Host-` no other host of the domain can plant or read the cookie.
        self.cookie = "__Host-bridge" if self.secure else "bridge"
        self._menu = menu
        self._queries = Queries(ports.reader)

    def guard(self, route: Route) -> Endpoint:
        """The endpoint of a page."""
        return self.endpoint(self._act(route) if route.method == "POST" else self._look(route))

    def endpoint(self, inner: Endpoint) -> Endpoint:
        """Adds the headers, and turns what may go wrong into a page."""

        async def answer(request: Request) -> Response:
            try:
                response = await inner(request)
            except NotFound:
                response = self.problem(
                    404, "There is no such page", "It may have been removed, or the address is wrong."
                )
            except Refused as refused:
                response = self.problem(refused.status, refused.title, refused.text)
            except DataError:  # a NUL in an address, say: only what people typed is bound
                response = self.problem(400, "This cannot be read", "Nothing was done. Something in it is no text.")
            except StorageUnavailable as problem:
                response = self.problem(503, "We cannot store anything", f"Nothing was done: {problem}. Try again.")
            return self.seal(response)

        return answer

    def seal(self, response: Response) -> Response:
        """The headers no page goes out without."""
        response.headers.update(_HEADERS)
        if "cache-control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        if self.secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response

    def problem(self, status: int, title: str, text: str) -> Response:
        """A page that says what went wrong."""
        return HTMLResponse(self.templates.render("problem.html", {"title": title, "text": text}), status)

    async def session(self, request: Request) -> Session | None:
        """Who is signed in, if anybody."""
        token = request.cookies.get(self.cookie)
        return await self.signin.find(token) if token else None

    async def posted(self, request: Request) -> dict[str, str]:
        """The fields of a form from our own pages; `Refused` for what no form of ours can send."""
        if not is_from_here(request.headers, self.ports.settings):
            raise Refused(
                403,
                "This did not come from one of our pages",
                "Nothing was done. Open Bridge by its own address, over https or on the machine itself, and try again.",
            )
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            raise Refused(415, "This is not a form", "Nothing was done.")
        return _fields(await _body(request))

    def check_form(self, form: Mapping[str, str], csrf: str) -> None:
        """Raises `Refused` unless the form carries that proof."""
        if not compare_digest(form.get("csrf", "").encode(), csrf.encode()):
            raise Refused(
                403,
                "This form is out of date",
                "Nothing was done. Go back, load the page again, and send it once more.",
            )

    def _look(self, route: Route) -> Endpoint:
        async def look(request: Request) -> Response:
            session = await self.session(request)
            if session is None:
                return self._to_sign_in(request)
            return await route.handler(self._visit(request, session, {}))

        return look

    def _act(self, route: Route) -> Endpoint:
        async def act(request: Request) -> Response:
            form = await self.posted(request)
            session = await self.session(request)
            if session is None:
                return RedirectResponse("/signin?ended=1", 303)
            self.check_form(form, session.csrf)
            visit = self._visit(request, session, form)
            if not (visit.may_act or route.viewers):
                raise Refused(
                    403, "You may look, not act", "Nothing was done. The owner of this server can change your role."
                )
            return await route.handler(visit)

        return act

    def _to_sign_in(self, request: Request) -> Response:
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("sec-fetch-site") == "cross-site":
            # A link in a chat or mail: SameSite=Strict kept the cookie back. Coming once more from here, it is sent.
            return HTMLResponse(self.templates.render("again.html", {"address": address}))
        return RedirectResponse(f"/signin?next={quote(address, safe='')}", 303)

    def _visit(self, request: Request, session: Session, form: dict[str, str]) -> Visit:
        return Visit(
            ports=self.ports,
            queries=self._queries,
            signin=self.signin,
            templates=self.templates,
            menu=self._menu,
            request=request,
            session=session,
            form=form,
            now=now_of(self.ports),
        )


def is_from_here(headers: Mapping[str, str], settings: Settings) -> bool:
    """Whether the browser says that one of our pages sent this. Silence is a no."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin", "")
    if site is not None and site != "same-origin":
        return False
    if origin in ("", "null"):  # our Referrer-Policy makes browsers say `null`; those that do say Sec-Fetch-Site
        return site is not None
    return urlsplit(origin).netloc in {headers.get("host", ""), urlsplit(settings.base_url).netloc} - {""}


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise Refused(413, "This is too much", "Nothing was done.")
    return bytes(body)


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs: list[tuple[str, str]] = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict"
        )
    except ValueError:
        raise Refused(400, "This form cannot be read", "Nothing was done.") from None
    if any("\0" in value for _, value in pairs):  # PostgreSQL keeps none, and no keyboard has it
        raise Refused(400, "This form cannot be read", "Nothing was done.")
    return dict(pairs)


def local_path(address: str) -> str:
    """An address on this server to go on to after signing in; anything else becomes the home page."""
    parts = urlsplit(address)
    safe = address.startswith("/") and not address.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return address if safe and address.isprintable() and "\\" not in address else "/"
