"""The catch-all for JSON: one-off schemas, read by their synonyms, and refused when a doubtful member could matter."""

from __future__ import annotations

from typing import Any

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.home_made import SIZES, read_objects
from bridge.dialects.families.postbacks import reports_an_order
from bridge.dialects.families.synonyms import Roles, bare_name
from bridge.dialects.families.values import objects_of
from bridge.dialects.families.verbs import known_verb
from bridge.domain.intent import Intent, Reading

_HELD = ("marketposition", "currentposition", "newposition")
_FLAGS = ("buy", "sell", "long", "short", "cover")
_TELLS = ("note", "price", "reference")
_LISTS = ("orders", "signals", "alerts", "trades", "legs", "messages")
_WITHOUT_SYMBOL = (Intent.FLATTEN, Intent.CANCEL_ORDERS)


def _recognise(message: Message) -> str | None:
    parts = _parts(message.json)
    if parts and all(isinstance(part, dict) and _asks(part) for part in parts):
        return "it has a symbol or an action under names that many senders use"
    return None


def _parts(value: Any) -> list[Any]:
    """The objects that ask for something: the body, a list of them, or those in its one list, with what stands around it."""
    if isinstance(value, list):
        return value
    name = next((name for name in _LISTS if isinstance(value, dict) and isinstance(value.get(name), list)), None)
    if name is None or not all(isinstance(part, dict) for part in value[name]):
        return [value]
    around = {member: held for member, held in value.items() if member != name}
    return [around | part for part in value[name]]


def _asks(body: dict[str, Any]) -> bool:
    """Whether the object asks for something; a symbol with a text or a price and no action only tells."""
    if reports_an_order(body):
        return False
    said = Roles(body)
    if any(isinstance(member.value, bool) for name in _FLAGS for member in said.all(name)):
        return True
    if "action" in said or "position" in said or any(known_verb(member.value) for member in said.all("type")):
        alone = any(known_verb(member.value) in _WITHOUT_SYMBOL for member in said.all("type"))
        return alone or "symbol" in said or "con_id" in said or any(known_verb(m.value) for m in said.all("action"))
    if "symbol" not in said:
        return False
    if "target" in said or "position_before" in said or bare_name(said.first("position_after").name) in _HELD:
        return True
    sized = any(role in said for role in SIZES if role != "volume")
    return sized or bool(said.stops or said.targets) or not any(role in said for role in _TELLS)


def _read(message: Message, context: Context) -> Reading:
    return read_objects(DIALECT.name, objects_of(_parts(message.json)))


DIALECT = Dialect(name="generic_json", title="Any JSON with known names", rank=90, recognise=_recognise, read=_read)
