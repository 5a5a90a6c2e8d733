"""Grammars that read an alert into order intents; one folder a dialect, found by name.

`read` is the way in: it parses the body once, asks the dialects in the order of their rank whether the message is
theirs, and lets the first that says why read it. Whatever goes wrong ends in a `Reading` with a refusal, never in an
exception.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families.repair import mend
from bridge.dialects.families.strict_json import MOST_KEYS, parse
from bridge.dialects.families.values import PLACEHOLDER, refuse_placeholder, symbol
from bridge.domain.intent import Kind, Reading
from bridge.domain.refusal import Refusal

P = ParamSpec("P")
T = TypeVar("T")

NO_CONTEXT = Context()
CATCH_ALL = 80  # from this rank on a dialect takes what no particular one wanted
UNKNOWN = "unknown"  # the dialect's name in a reading that never came to a dialect

_SHARED = "families"  # what several dialects share; not a dialect
_NEVER_ORDERS = frozenset({Kind.NOTIFY, Kind.INVALID, Kind.MALFORMED, Kind.QUERY})
_BRACE_LOST = re.compile(r'["“”]\w+["“”]\s*:\s*["“”\d\[{tfn-]')
_LIKE_JSON = re.compile(r'\{(?!!)|\[\s*[\[{"]')
_QUERY = re.compile(r"[^=&\s{}()]++=[^&\s]*+(?:&[^=&\s]++=[^&\s]*+)*+")
_FORM = re.compile(r"[\w.-]++=[^&\n]*+(?:&[\w.-]++=[^&\n]*+)*+")  # declared as a form, blanks may stand unquoted
_ENVELOPES = frozenset({"message", "payload", "data", "body", "text", "alert", "json"})
# What stands in these members never changes an order, so a placeholder left in them does no harm.
_FREE_TEXT = frozenset(
    {"comment", "message", "msg", "text", "note", "notes", "description", "title", "content", "reason"}
    | {"extras", "meta", "metadata", "alert_message", "alertmessage", "alert_name", "alertname"}
)


@cache
def discover() -> tuple[Dialect, ...]:
    """Every dialect, the most particular first: the `DIALECT` of each folder of this package."""
    modules = pkgutil.iter_modules(__path__)
    folders = (module.name for module in modules if module.ispkg and module.name != _SHARED)
    found: list[Dialect] = [importlib.import_module(f"{__name__}.{folder}").DIALECT for folder in folders]
    return tuple(sorted(found, key=lambda dialect: (dialect.rank, dialect.name)))


def read(content_type: str, body: bytes | str, *, context: Context = NO_CONTEXT, pinned: str | None = None) -> Reading:
    """What one alert means. `pinned` names the dialect to use, without detection. Never raises."""
    try:
        message = _message(content_type, body)
        dialect, because = _pinned(pinned) if pinned else _detected(message)
    except Unreadable as fault:
        kind = Kind.MALFORMED if fault.refusal.code == "malformed_json" else Kind.INVALID
        return Reading(dialect=pinned or UNKNOWN, kind=kind, refusal=fault.refusal)
    reading = _guarded(dialect, _judged, dialect, message, context)
    if isinstance(reading, Refusal):
        reading = Reading(dialect=dialect.name, kind=Kind.INVALID, refusal=reading)
    return replace(
        reading,
        because=(because, *message.repairs, *reading.because),
        repaired=bool(message.repairs) or reading.repaired,
    )


def _guarded(dialect: Dialect, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | Refusal:
    """What the dialect answers, or the refusal that it or its failure amounts to."""
    try:
        return call(*arguments, **named)
    except Unreadable as fault:
        return fault.refusal
    except Exception as fault:  # noqa: BLE001 - the boundary: a bug in one dialect refuses its alert and harms no other
        return Refusal("dialect_failed", f"the reader of {dialect.name} failed on this message: {type(fault).__name__}")


def _message(content_type: str, body: bytes | str) -> Message:
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
    except UnicodeDecodeError as fault:
        raise Unreadable(
            "bad_encoding", f"the message is not UTF-8 text: {fault.reason} at byte {fault.start}"
        ) from None
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise Unreadable("empty_message", "the message is empty; write what should be done into the alert")
    if _LIKE_JSON.match(text):
        try:
            return Message(content_type, text, parse(text))
        except ValueError:
            refuse_placeholder(text, "message")
            value, repairs = mend(text)
            return Message(content_type, text, value, repairs)
    if _BRACE_LOST.match(text):
        raise Unreadable(
            "malformed_json", "the message begins like the inside of a JSON object; the opening brace is missing"
        )
    fields = _form(content_type, text)
    if fields and fields.keys() <= _ENVELOPES and len(fields) == 1:
        return _message("", fields.popitem()[1])  # the form has one field, which holds the whole message
    return Message(content_type, text, fields)


def _form(content_type: str, text: str) -> dict[str, str] | None:
    """Form fields or a query string as a flat object, like the JSON the same sender could have sent."""
    text = text.removeprefix("?")
    declared = "form" in content_type
    if not (declared or "&" in text) or not (_FORM if declared and "&" in text else _QUERY).fullmatch(text):
        return None
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_KEYS, errors="strict")
    except ValueError:
        raise Unreadable("bad_form", f"the form fields are not UTF-8 or are more than {MOST_KEYS}") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Unreadable("duplicate_key", "a form field is there twice; it is not clear which one counts")
    return fields


def _pinned(name: str) -> tuple[Dialect, str]:
    for dialect in discover():
        if dialect.name == name:
            return dialect, f"read as {name} because the source says so"
    raise Unreadable(
        "unknown_dialect", f"there is no dialect {name[:40]}; choose one of the list or let it be detected"
    )


def _detected(message: Message) -> tuple[Dialect, str]:
    failed: Refusal | None = None
    for dialect in discover():
        why = _guarded(dialect, dialect.recognise, message)
        if isinstance(why, Refusal):
            failed = failed or why
        elif why:
            if failed and dialect.rank >= CATCH_ALL:
                # It may have been the failing dialect's own alert; a catch-all could read another order into it.
                raise Unreadable(failed.code, failed.message)
            return dialect, f"read as {dialect.name} because {why}"
    raise Unreadable("unknown_dialect", "the message is in no dialect that is known here")


def _judged(dialect: Dialect, message: Message, context: Context) -> Reading:
    if dialect.name != "notify":
        _refuse_placeholders(message)
    return _checked(dialect.read(message, context))


def _checked(reading: Reading) -> Reading:
    """What holds for every dialect: telling is never trading, and no symbol hides odd characters."""
    if reading.orders and (reading.kind in _NEVER_ORDERS or reading.refusal):
        return replace(reading, orders=())
    for order in reading.orders:
        if order.symbol is not None:
            symbol(order.symbol)
    return reading


def _refuse_placeholders(message: Message) -> None:
    if not PLACEHOLDER.search(message.text):
        return
    for name, value in _words(message.json) if message.json is not None else [("message", message.text)]:
        refuse_placeholder(value, name)


def _words(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a parsed body that matters, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, member in value.items():
            if name.casefold() not in _FREE_TEXT:
                yield from _words(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            yield from _words(member, path)
