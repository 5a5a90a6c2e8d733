"""The catch-all for JSON: one-off schemas, read by their synonyms, and refused when a doubtful member could matter."""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.home_made import SIZES, read_objects
from bridge.dialects.families.postbacks import reports_an_order
from bridge.dialects.families.synonyms import Roles
from bridge.dialects.families.values import objects_of
from bridge.dialects.families.verbs import known_verb
from bridge.domain.intent import Reading

_FLAGS = ("buy", "sell", "long", "short", "cover")
_TELLS = ("note", "price", "reference")


def _recognise(message: Message) -> str | None:
    parts = message.json if isinstance(message.json, list) else [message.json]
    if parts and all(isinstance(part, dict) and _asks(part) for part in parts):
        return "it has a symbol or an action under names that many senders use"
    return None


def _asks(body: dict[str, Any]) -> bool:
    """Whether the object asks for something; a symbol with a text or a price and no action only tells."""
    if reports_an_order(body):
        return False
    said = Roles(body)
    if any(isinstance(member.value, bool) for name in _FLAGS for member in said.all(name)):
        return True
    if "action" in said or "position" in said or any(known_verb(member.value) for member in said.all("type")):
        return "symbol" in said or "con_id" in said or any(known_verb(m.value) for m in said.all("action"))
    if "symbol" not in said:
        return False
    sized = any(role in said for role in SIZES if role != "volume")
    return sized or bool(said.stops or said.targets) or not any(role in said for role in _TELLS)


def _read(message: Message, context: Context) -> Reading:
    return read_objects(DIALECT.name, objects_of(message.json))


DIALECT = Dialect(name="generic_json", title="Any JSON with known names", rank=90, recognise=_recognise, read=_read)
