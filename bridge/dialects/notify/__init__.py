"""What only tells: prose, message objects, brokers' reports. It is shown and never becomes an order."""

from __future__ import annotations

import re
from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.postbacks import reports_an_order
from bridge.dialects.families.values import refuse_placeholder
from bridge.domain.intent import Kind, Reading

_TEXTS = ("message", "text", "msg", "content", "comment", "note")
_SECRETS = ("secret", "key", "token", "passphrase", "password")
_TRADING = re.compile(r"\b(?:buy|sell|long|short|close|exit|flatten|reverse)\b", re.IGNORECASE)


def _recognise(message: Message) -> str | None:
    if isinstance(message.json, dict) and reports_an_order(message.json):
        return "it is a broker's report about an order"
    return "nothing in it asks for an order"


def _read(message: Message, context: Context) -> Reading:
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


def _first(body: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((body[name] for name in names if isinstance(body.get(name), str)), None)


DIALECT = Dialect(name="notify", title="Messages for people", rank=99, recognise=_recognise, read=_read)
