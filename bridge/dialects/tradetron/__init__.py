"""Tradetron's variables: key and value, then key1 and value1 and so on, as JSON or in the query. https://help.tradetron.tech

They set numbers in the user's own strategy there; whether that trades is its decision.
"""

from __future__ import annotations

import re
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.values import object_of, optional_text, text
from bridge.domain.intent import Intent, Kind, OrderIntent, Reading

_KEY = re.compile(r"key(\d{0,3})")


def _recognise(message: Message) -> str | None:
    body = message.json
    return "it has an auth-token and keys" if isinstance(body, dict) and {"auth-token", "key"} <= body.keys() else None


def _read(message: Message, context: Context) -> Reading:
    body = object_of(message.json)
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.VARIABLE,
        orders=tuple(_variable(body, match[1]) for name in body if (match := _KEY.fullmatch(name))),
        secret=optional_text(body.get("auth-token"), "auth-token"),
    )


def _variable(body: dict[str, Any], number: str) -> OrderIntent:
    if f"value{number}" not in body:
        raise Unreadable("missing_member", f"value{number}: is missing beside key{number}")
    variable = {
        "variable": text(body[f"key{number}"], f"key{number}"),
        "value": text(body[f"value{number}"], f"value{number}"),
    }
    return OrderIntent(intent=Intent.SET_VARIABLE, symbol_from="strategy", extras=variable)


DIALECT = Dialect(name="tradetron", title="Tradetron", rank=10, recognise=_recognise, read=_read)
