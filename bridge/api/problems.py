"""Errors as RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import ValidationError
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException
from starlette.types import Message

from bridge.api.queries import BadCursor
from bridge.kit.database import StorageUnavailable

MEDIA_TYPE = "application/problem+json"
LARGEST_BODY = 64 * 1024


class Problem(Exception):
    """An answer that is none. `code` is for programs, `detail` says what was found and what to do."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers

    def response(self) -> Response:
        """As it is sent."""
        content = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        return JSONResponse(content, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def not_found(kind: str) -> Problem:
    """Nothing of that id belongs to the caller; whether it belongs to somebody else is not told."""
    return Problem(404, "not_found", f"you have no such {kind}")


def misfit(error: ValidationError) -> Problem:
    """Members that fit one by one, but not with each other or with what is stored."""
    return Problem(400, "bad_request", _faults([dict(each) for each in error.errors()]))


class ProblemRoute(APIRoute):
    """A route whose errors are problem details."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with its errors translated."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request if request.method == "GET" else await _read(request))
            except Problem as problem:
                return problem.response()
            except RequestValidationError as error:
                return _misread(error).response()
            except HTTPException:
                return Problem(400, "bad_request", "the body cannot be read: send JSON in UTF-8").response()
            except BadCursor:
                return Problem(400, "bad_request", "cursor: not one that a page gave").response()
            except DataError:  # a NUL, a number beyond the column: only what callers sent is bound
                return Problem(400, "bad_request", "a value in the request is none that could be stored").response()
            except (DBAPIError, StorageUnavailable):
                detail = "the database does not answer; ask again"
                return Problem(503, "unavailable", detail, {"Retry-After": "1"}).response()

        return answer


async def _read(request: Request) -> Request:
    """The request with its body in memory: the framework would read it to its end, however long, before it asks for a key."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Problem(413, "too_large", f"the body is larger than {LARGEST_BODY // 1024} KiB")

    async def whole() -> Message:
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return Request(request.scope, whole)


def _misread(error: RequestValidationError) -> Problem:
    return Problem(400, "bad_request", _faults([{**each, "loc": each["loc"][1:]} for each in error.errors()]))


def _faults(errors: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in errors)
