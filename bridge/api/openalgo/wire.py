"""What every endpoint shares: reading a body, letting its key in, and answering in OpenAlgo's envelope.

`{"status": "success", …}` or `{"status": "error", "message": …}`; a message about the body names the field and what
was expected. A member that is not known is ignored and told of in `warnings`, or refused when the body says
`"strict": true`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from inspect import getdoc
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from sqlalchemy.exc import DataError, DBAPIError

from bridge.accounts.model import Account
from bridge.api.keys import Caller, Keys
from bridge.api.openalgo.encoding import reply
from bridge.api.openalgo.long import Long
from bridge.api.ports import Ports
from bridge.api.rates import Rates
from bridge.brokers.base import BrokerError, LoginRequired
from bridge.kit.database import StorageUnavailable

B = TypeVar("B", bound="Body")
Content = Mapping[str, Any] | Long | Response  # what a handler answers: members of the envelope, or all of it

LARGEST_BODY = 256 * 1024
_BAD_KEYS = RateLimitItemPerMinute(30)
_SPARSE = {"greeks": RateLimitItemPerMinute(30), "chat": RateLimitItemPerMinute(30)}
_WRONG_KEY = {"greeks": 401, "chat": 401}  # 403 elsewhere, as OpenAlgo has it
_OURS = ("apikey", "strict", "client_order_id")
_FLAGS = (bool, bool | None)
_WHOLE_NUMBERS = (int, int | None)
_PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")

Pace = Literal["orders", "requests", "greeks", "chat"]
# How a family of endpoints words what is wrong with a body: as text, as an object, or beside a fixed message.
Fault = Literal["text", "object", "Validation error", "Validation failed"]


class Refused(Exception):
    """An error in the envelope. `message` is text or the object of field errors; `more` stands beside it."""

    def __init__(self, status: int, message: Any, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(str(message))
        self.status = status
        self.content = {"status": "error", "message": message, **more}
        self.headers = dict(headers or {})


def _decimal(value: Any) -> Any:
    """Numbers may come as text, as OpenAlgo's own client sends them."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("expected a number")
    text = str(value).strip()
    if not _PLAIN.fullmatch(text):
        raise ValueError("expected a number")
    number = Decimal(text)
    if abs(number.adjusted()) > 15:
        raise ValueError("expected a number of ordinary size")
    return number


def upper(value: Any) -> Any:
    """Words may come in any case."""
    return value.strip().upper() if isinstance(value, str) else value


def _flag(value: Any) -> Any:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if value is not None and not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def misfit(field: str, said: str) -> ValidationError:
    """What a validator over several members raises, so that the fault is told of the member that is wrong."""
    fault = InitErrorDetails(type=PydanticCustomError("misfit", "{said}", {"said": said}), loc=(field,), input=None)
    return ValidationError.from_exception_data("body", [fault])


def _in_words(**bounds: int) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"type": "number", **bounds}, {"type": "string", "pattern": f"^{_PLAIN.pattern}$"}]}
    )


Number = Annotated[Decimal, BeforeValidator(_decimal), _in_words()]
Positive = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0), _in_words(exclusiveMinimum=0)]
NotNegative = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0), _in_words(minimum=0)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Upper = Annotated[Name, BeforeValidator(upper)]


class Body(BaseModel):
    """The members of one endpoint's body, without those that every endpoint has (`apikey`, `strict`, `client_order_id`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @field_validator("*", mode="before")
    @classmethod
    def _flags_are_no_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """True and false may come as text, as numbers may; 1 is not true, and true is not 1."""
        wanted = cls.model_fields[str(info.field_name)].annotation
        if wanted in _FLAGS:
            return _flag(value)
        if wanted in _WHOLE_NUMBERS and isinstance(value, bool):
            raise ValueError("expected a whole number")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that was let in: who asks, for which account, and what it said beside its members."""

    caller: Caller
    address: str
    started: float
    client_order_id: str | None  # from the body or the Idempotency-Key header
    raw: Mapping[str, Any]  # the body without its key


def plain_number(value: Decimal) -> int | float:
    """A decimal as JSON carries it: whole numbers without a point."""
    return int(value) if value == value.to_integral_value() else float(value)


class Wire:
    """The router, and what handlers ask about the caller."""

    def __init__(self, ports: Ports, keys: Keys, rates: Rates) -> None:
        self.ports = ports
        self.router = APIRouter(prefix="/api/v1", tags=["openalgo"])
        self._keys = keys
        self._rates = rates

    # -- routes -------------------------------------------------------------------------------------------------

    def post(
        self,
        path: str,
        body: type[B],
        handler: Callable[[Call, B], Awaitable[Content]],
        *,
        scope: str = "read",
        pace: Pace = "requests",
        fault: Fault = "object",
    ) -> None:
        """Serve `POST /api/v1/{path}`: the handler's members in a success envelope, or what it raised as `Refused`."""

        async def endpoint(request: Request) -> Response:
            given = await _object(request)
            return await self._answered(request, given, body, handler, scope, pace, fault)

        self._serve(path, "POST", endpoint, getdoc(handler), body=body)

    def get(
        self,
        path: str,
        query: type[B],
        handler: Callable[[Call, B], Awaitable[Content]],
        *,
        scope: str = "read",
        pace: Pace = "requests",
        fault: Fault = "object",
        also: Sequence[str] = (),
    ) -> None:
        """Serve `GET /api/v1/{path}`: as `post`, with the members in the query. `also`: content types beside JSON."""

        async def endpoint(request: Request) -> Response:
            given = {**request.path_params, **request.query_params}
            return await self._answered(request, given, query, handler, scope, pace, fault)

        self._serve(path, "GET", endpoint, getdoc(handler), query=query, also=also)

    def _serve(
        self,
        path: str,
        method: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        said: str | None,
        *,
        body: type[Body] | None = None,
        query: type[Body] | None = None,
        also: Sequence[str] = (),
    ) -> None:
        done = _RESPONSES[200] | {"content": _SHOWN["content"] | dict.fromkeys(also, _TEXT)}

        async def guarded(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Refused as no:
                return await reply(no.content, no.status, no.headers)

        for spelling in (f"/{path}", f"/{path}/"):  # OpenAlgo takes both
            self.router.add_api_route(
                spelling,
                guarded,
                methods=[method],
                summary=path.split("/{")[0],
                description=said,
                include_in_schema=not spelling.endswith("/"),
                openapi_extra=_described(path, body, query),
                responses=_RESPONSES | {200: done},
                name=f"{method} {spelling}",
            )

    async def _answered(
        self,
        request: Request,
        given: dict[str, Any],
        body: type[B],
        handler: Callable[[Call, B], Awaitable[Content]],
        scope: str,
        pace: Pace,
        fault: Fault,
    ) -> Response:
        caller = await self._let_in(request, given, scope, pace, fault)
        try:
            address = str(self._keys.sender(request) or "")
            call, members, warnings = _read(request, given, caller, body, address, self.ports.clock.monotonic())
            content = await handler(call, members)
        except ValidationError as error:
            raise _misread(_faults(error), fault) from None
        except StorageUnavailable as problem:
            raise Refused(503, "The database does not answer; ask again.", headers={"Retry-After": "1"}) from problem
        except DataError as problem:  # a NUL, a number beyond the column: only what callers sent is bound
            raise Refused(400, "A value in the request is none that could be stored.") from problem
        except DBAPIError as problem:
            raise Refused(503, "The database does not answer; ask again.", headers={"Retry-After": "1"}) from problem
        except LoginRequired as problem:
            raise Refused(403, f"The broker login is over: log in to the broker again. ({problem})") from problem
        except BrokerError as problem:
            raise Refused(502, f"The broker did not answer: {problem}") from problem
        if isinstance(content, Response):
            return content
        told = {"warnings": warnings} if warnings else {}
        if isinstance(content, Long):
            return content.response(told)
        return await reply({"status": "success", **content, **told})

    # -- who asks -----------------------------------------------------------------------------------------------

    async def _let_in(self, request: Request, given: dict[str, Any], scope: str, pace: Pace, fault: Fault) -> Caller:
        key = _key_of(request, given)
        if key is None:
            status = 401 if request.method == "GET" else 400
            raise _misread({"apikey": ["Missing data for required field."]}, fault, status)
        sender, caller = self._keys.sender(request), await self._keys.caller(key)
        if caller is None or not caller.may_come_from(sender):
            _slow_down(self._rates.hit(_BAD_KEYS, "bad keys", str(sender)))
            if caller is None:
                raise Refused(_WRONG_KEY.get(pace, 403), "Invalid API key: it is not known here, or no longer good.")
            raise Refused(403, f"This API key may not be used from {sender}.")
        _slow_down(self._rates.hit(self._limit(caller, pace), "key", caller.key_id, pace))
        if said := caller.lack(scope):
            raise Refused(403, f"{said[0].upper()}{said[1:]}.")
        if isinstance(account := self._account_of(caller), Account):
            _slow_down(self._rates.hit_account(account))
        self._keys.note_use(caller)
        return caller

    def _limit(self, caller: Caller, pace: Pace) -> RateLimitItem:
        if sparse := _SPARSE.get(pace):
            return sparse
        per_second = caller.settings.orders_per_second if pace == "orders" else caller.settings.requests_per_second
        return RateLimitItemPerSecond(per_second)

    def account(self, call: Call) -> Account:
        """The account a key's orders go to: the one it names, or its person's only one; while it analyses, a paper account."""
        found = self._account_of(call.caller)
        if isinstance(found, Refused):
            raise found
        return found

    def _account_of(self, caller: Caller) -> Account | Refused:
        settings, accounts = caller.settings, self.ports.directory.snapshot.accounts
        mine = [a for a in accounts.values() if a.user_id == caller.user.id and not a.disabled]
        named = settings.paper_account_id if settings.analyze else settings.account_id
        if named is not None:
            found = next((account for account in mine if account.id == named), None)
            if found is None:
                return Refused(403, "The account that this API key trades on is gone or switched off.")
            if (
                settings.analyze and not found.is_paper
            ):  # a setting that names the wrong account must not cost real money
                return Refused(
                    403, "This API key only practises, and the account that it names for that is no paper account."
                )
            return found
        fitting = [account for account in mine if account.is_paper] if settings.analyze else mine
        if settings.analyze and fitting:
            return min(fitting, key=lambda account: account.id)
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            kind = "paper account" if settings.analyze else "account"
            return Refused(403, f"There is no {kind} that this API key could trade on. Make one: bridge account add.")
        return Refused(
            403, "This API key does not say which of your accounts it trades on: bridge key change --account."
        )

    async def analyse(self, call: Call, on: bool) -> Call:
        """Send the key's orders to practice money, or no longer; the call as its key is from now on.

        Raises `Refused` when there is no practice money.
        """
        after = _analysing(call, on)
        try:
            if on:
                self.account(after)
        except Refused as no:
            raise Refused(400, no.content["message"]) from None
        caller = call.caller
        try:
            settings = await self.ports.accounts.change_key(caller.user.id, caller.key_id, analyze=on)
        finally:
            self._keys.forget(caller.key_id)
        if settings is None:
            raise Refused(403, "Invalid API key: it is not known here, or no longer good.")
        return after

    def marked(self, call: Call, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content with OpenAlgo's mark of a key whose orders go to practice money."""
        return {**content, "mode": "analyze"} if call.caller.settings.analyze else dict(content)


def _analysing(call: Call, on: bool) -> Call:
    settings = call.caller.settings.model_copy(update={"analyze": on})
    return replace(call, caller=replace(call.caller, settings=settings))


def _slow_down(wait: int | None) -> None:
    if wait is not None:
        message = "Rate limit exceeded. Please slow down your requests."
        raise Refused(429, message, headers={"Retry-After": str(wait)}, retry_after=wait)


# -- reading ------------------------------------------------------------------------------------------------------


async def _object(request: Request) -> dict[str, Any]:
    """The body as one JSON object, with exact decimals. Whatever it is declared as: spreadsheets say form or text."""
    length = request.headers.get("content-length", "0")
    raw = b""
    if length.isdigit() and int(length) <= LARGEST_BODY:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > LARGEST_BODY:
                break
    if len(raw) > LARGEST_BODY or (length.isdigit() and int(length) > LARGEST_BODY):
        raise Refused(413, f"The body is larger than {LARGEST_BODY // 1024} KiB.")
    try:
        found = json.loads(raw.decode(), parse_float=Decimal, parse_constant=_not_json, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not a JSON object: send application/json, each member once.") from None
    if not isinstance(found, dict):
        raise Refused(400, "The body is not a JSON object: it must begin with {.")
    return found


def _not_json(word: str) -> Any:
    raise ValueError(word)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _key_of(request: Request, given: dict[str, Any]) -> str | None:
    """From the body (or query), `X-API-KEY` or a Bearer header; the body's member goes no further than here."""
    if "apikey" in given:  # what stands there counts, also when it is none: no other key answers for it
        in_body = given.pop("apikey")
        return in_body.strip() or None if isinstance(in_body, str) else None
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if header := request.headers.get("x-api-key", "").strip():
        return header
    return bearer.strip() or None if scheme.lower() == "bearer" else None


def _read(
    request: Request, given: dict[str, Any], caller: Caller, body: type[B], address: str, started: float
) -> tuple[Call, B, list[str]]:
    members = body.model_validate(given)
    known = {field.alias or name for name, field in body.model_fields.items()}
    takes_any = body.model_config.get("extra") == "allow"
    unknown = [] if takes_any else [name for name in given if name not in known and name not in _OURS]
    if unknown and given.get("strict") is True:
        raise Refused(400, {name: ["Unknown field."] for name in unknown})
    own_id = given.get("client_order_id") or request.headers.get("idempotency-key")
    if own_id is not None and not (isinstance(own_id, str) and own_id.isprintable() and 0 < len(own_id) <= 150):
        raise Refused(400, {"client_order_id": ["expected 1 to 150 printable characters"]})
    call = Call(caller=caller, address=address, started=started, client_order_id=own_id, raw=given)
    return call, members, [f"{name[:50]}: not known here, ignored" for name in unknown[:20]]


def _faults(error: ValidationError) -> dict[str, Any]:
    """Field errors as OpenAlgo nests them: `{"orders": {"0": {"symbol": ["…"]}}}`."""
    found: dict[str, Any] = {}
    for each in error.errors():
        *path, last = [str(part) for part in each["loc"]] or ["body"]
        place = found
        for part in path:
            inner = place.setdefault(part, {})
            place = inner if isinstance(inner, dict) else {}
        said = "Missing data for required field." if each["type"] == "missing" else each["msg"]
        if isinstance(place.setdefault(last, []), list):
            place[last].append(said.removeprefix("Value error, "))
    return found


def _misread(faults: dict[str, Any], fault: Fault, status: int = 400) -> Refused:
    if fault == "text":
        return Refused(status, str(faults))
    if fault == "object":
        return Refused(status, faults)
    return Refused(status, fault, errors=faults)


# -- what the documentation shows ---------------------------------------------------------------------------------

_ENVELOPE = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"enum": ["success", "error"]}},
}
_SHOWN = {"content": {"application/json": {"schema": _ENVELOPE}}}
_TEXT = {"schema": {"type": "string"}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "Done.", **_SHOWN},
    **{
        status: {"description": said, **_SHOWN}
        for status, said in (
            (400, "The request is wrong; `message` names the field."),
            (401, "No API key, or a wrong one."),
            (403, "The key is not good, lacks the scope, or the broker login is over."),
            (404, "Not there."),
            (409, "The same id came before with another content, or what is asked for is not running here."),
            (413, "Too large."),
            (429, "Too fast."),
            (501, "This broker cannot do that."),
            (502, "The broker did not answer."),
            (503, "The database does not answer."),
        )
    },
}
_KEY = {"type": "string", "minLength": 1, "maxLength": 256, "description": "API key; or in X-API-KEY or Authorization."}


@cache
def _described(path: str, body: type[Body] | None, query: type[Body] | None) -> dict[str, Any]:
    if body is not None:
        schema = body.model_json_schema()
        schema.setdefault("properties", {})["apikey"] = _KEY
        schema["required"] = ["apikey", *schema.get("required", [])]
        shown = _as_taken(_inlined(schema))
        return {"requestBody": {"required": True, "content": {"application/json": {"schema": shown}}}}
    shape = _inlined(query.model_json_schema()) if query is not None else {}
    needed = shape.get("required", [])
    parameters = [
        {
            "name": name,
            "in": "path" if f"{{{name}}}" in path else "query",
            "required": name in needed or f"{{{name}}}" in path,
            "schema": schema,
        }
        for name, schema in shape.get("properties", {}).items()
    ]
    return {"parameters": [{"name": "apikey", "in": "query", "required": False, "schema": _KEY}, *parameters]}


_AS_TEXT = {
    "integer": {"type": "string"},
    "boolean": {"type": "string", "pattern": "^([Tt]rue|TRUE|[Ff]alse|FALSE)$"},
}


def _as_taken(value: Any) -> Any:
    """The schema with the text that stands for a number or a flag as well."""
    if isinstance(value, list):
        return [_as_taken(each) for each in value]
    if not isinstance(value, dict):
        return value
    told = {name: _as_taken(member) for name, member in value.items()}
    kind = told.get("type")
    if not isinstance(kind, str) or kind not in _AS_TEXT:
        return told
    said = {name: told.pop(name) for name in ("title", "default", "description") if name in told}
    return {**said, "anyOf": [told, _AS_TEXT[kind]]}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to written in its place: a body's parts have no other use."""
    parts = schema.pop("$defs", {})

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return filled(parts[value["$ref"].rsplit("/", 1)[-1]])
            return {name: filled(member) for name, member in value.items()}
        return [filled(member) for member in value] if isinstance(value, list) else value

    inlined: dict[str, Any] = filled(schema)
    return inlined
