"""What only tells: prose, message objects, brokers' reports. It is shown and never becomes an order."""

from __future__ import annotations

import re
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.postbacks import reports_an_order
from bridge.dialects.families.synonyms import ROLE, bare_name
from bridge.dialects.families.values import refuse_placeholder
from bridge.domain.intent import Kind, Reading

_TEXTS = ("message", "text", "msg", "content", "comment", "note")
_SECRETS = ("secret", "key", "token", "passphrase", "password")
_MEMBER = re.compile(r"[\"“”]\s{0,3}(\w{1,40})\s{0,3}\\?[\"“”]\s{0,3}:", re.ASCII)
_ASKING = frozenset({"symbol", "action", "position", "quantity"})
_TRADING = re.compile(r"\b(?:buy|sell|long|short|close|exit|flatten|reverse)\b", re.IGNORECASE)


def _recognise(message: Message) -> str | None:
    if isinstance(message.json, dict) and reports_an_order(message.json):
        return "it is a broker's report about an order"
    return "nothing in it asks for an order"


def _read(message: Message, context: Context) -> Reading:
    if message.json is None:
        _refuse_json_inside(message.text)
    if _TRADING.search(message.text):
        # A failed order and no news: whoever wrote a trading word around a placeholder should hear about it.
        refuse_placeholder(message.text, "message")
    body = message.json if isinstance(message.json, dict) else {}
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.NOTIFY,
        notify=message.text if message.json is None else _first(body, _TEXTS),
        secret=_first(body, _SECRETS),
    )


def _refuse_json_inside(text: str) -> None:
    """Text around an order's JSON, or quotation marks around all of it, keep every other dialect from seeing it."""
    roles = {ROLE.get(bare_name(match[1])) for match in _MEMBER.finditer(text)}
    if len(_ASKING & roles) > 1:
        raise Unreadable(
            "malformed_json", "the message has the members of an order but is no JSON; send the object and nothing else"
        )


def _first(body: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((body[name] for name in names if isinstance(body.get(name), str)), None)


DIALECT = Dialect(name="notify", title="Messages for people", rank=99, recognise=_recognise, read=_read)
