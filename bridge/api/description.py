"""What FastAPI cannot know of our own resources: how their key is sent, and the errors that they answer with."""

from __future__ import annotations

from typing import Any

from bridge.api.problems import MEDIA_TYPE

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "For programs; it does not change."},
        "detail": {"type": "string", "description": "For people: what was found and what to do."},
    },
}
_ERRORS = {
    "400": "A value in the address is wrong.",
    "401": "No API key, or not a good one.",
    "403": "The key lacks the scope.",
    "404": "You have no such thing.",
    "429": "Too fast; wait for `Retry-After`.",
    "503": "The database does not answer; ask again after `Retry-After`.",
}
_KEYS: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, made with `bridge key create`."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-KEY"},
}


def complete(schema: dict[str, Any]) -> None:
    """Put both into the schema of the whole application."""
    schema.setdefault("components", {})["securitySchemes"] = _KEYS
    for operations in schema["paths"].values():
        for operation in operations.values():
            if "api" in operation.get("tags", ()):
                operation["security"] = [{name: []} for name in _KEYS]
                operation["responses"].pop("422", None)  # what FastAPI misreads is a 400 here
                for status, said in _ERRORS.items():
                    answer = {"description": said, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
                    operation["responses"].setdefault(status, answer)
