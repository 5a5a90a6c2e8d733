"""Structured logs that cannot tell a secret.

First wall: `Secret` prints as `***`, and text under a field that is not in `FIELDS` is withheld. Second wall: what is
written is searched for anything that looks like a credential, exception texts and other libraries' lines included.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import re
import sys
import threading
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import unquote_plus

import structlog
from structlog.typing import EventDict, Processor

from bridge.kit.settings import Settings

MASK = "***"
FILE_BYTES = 10_000_000
FILES_KEPT = 5

# Fields whose text may be written (masked all the same). Numbers and flags may stand under any name.
_FIELD_NAMES = """
    event exception level logger timestamp account account_id action address alert alert_id attempt attempt_id broker
    broker_order_id channel chat check code command database dialect errand error exchange feed file host instrument
    intent item job key_id kind lane method mode name order order_id outcome page path platform problem product quantity
    reason ref row run script sender service setting side source source_id state status step strategy strategy_id
    symbol table task topic trace user user_id version worker
"""
FIELDS = frozenset(_FIELD_NAMES.split())
_LONGEST = 32_768  # characters of one text; the rest is cut before anybody searches it
_DEEPEST = 8  # levels of lists and mappings


class Secret:
    """A text that prints as `***` wherever it goes; `reveal` gives it. Not a `str`, so that no serialiser sees inside."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not pickled")


# ---- what a credential looks like ----

_NAME = (
    r"(?:secret|passw|passphrase|passcode|pwd|(?<!instrument[_-])(?<!exchange[_-])(?<!symbol)(?<!symbol[_-])token"
    r"|(?:api|app|access|private|consumer|client|master|signing|encryption|auth)[_-]?key|authori[sz]ation|cookie"
    r"|credential|signature|pepper|(?<![a-z])(?:jwt|m?pin|t?otp|sid)(?![a-z]))"
)
_SENSITIVE_NAME = re.compile(_NAME, re.IGNORECASE)
# Repetitions are bounded: nobody must be able to send what makes a line slow to write.
_QUOTE = r"""\\{0,16}["']"""  # escaped as often as JSON within JSON within JSON does
_BLANKS = r"(?:\s|\\{1,16}[nrt]){0,8}"
_QUOTED = rf"b?(?P<quote>{_QUOTE})(?:(?!(?<!\\)(?P=quote)).)*(?:(?P=quote)|\Z)"
_BRACKETED = r"[\[({][^\[\](){}]*[\])}]"
_BARE = r"""[^\s"'\\,;&<>(){}\[\]]+"""
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Authorization: token key:secret · Cookie: a=b; c=d — to the end of the line or of the quotes
    (
        re.compile(rf"""(?i)((?:authorization|cookie){_BLANKS}[:=]{_BLANKS})(?!{_QUOTE})[^\r\n"'\\]+"""),
        rf"\1{MASK}",
    ),
    # "secret": "…" · 'secret': '…' · secret=… · \"secret\":\"…\" · (b'x-api-key', b'…')
    (
        re.compile(
            rf"(?is)({_NAME}[\w-]{{0,40}}(?:(?:{_QUOTE})?{_BLANKS}(?:[:=]|%3[ad])|{_QUOTE}{_BLANKS},){_BLANKS})"
            rf"(?:{_QUOTED}|{_BRACKETED}|{_BARE})"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|basic|digest)(\s+)[\w.~+/=:-]{6,}"), rf"\1\2{MASK}"),
    # our own addresses, percent-encoded too
    (re.compile(r"""(?i)(hook(?:\\{0,16}/|%(?:25){0,4}2f)+)[^\s"'<>?#)]+"""), rf"\1{MASK}"),
    # user:password@host; `Path` makes one slash of two
    (re.compile(r"""(:/{1,2}[^/\s:@"']*:)[^\s"'/]+@"""), rf"\1{MASK}@"),
    # our keys, signing secrets, chat platforms' tokens, sealed values, JSON web tokens
    (
        re.compile(
            r"\bbrk_[\w-]+|\bwhsec_[\w+/=-]+|\bxox[a-z]-[\w-]+|\bxapp-[\w-]+|\d{6,12}:[\w-]{30,}|\bgAAAA[\w-]+=*"
            r"|(?<![\w-])eyJ[\w-]+\.[\w.-]+"
        ),
        MASK,
    ),
    # any long run that only chance writes: upper and lower case, and something besides letters unless it is very long
    (
        re.compile(
            r"(?<![\w-])(?=[\w-]{0,99}[A-Z])(?=[\w-]{0,99}[a-z])"
            r"(?:[A-Za-z0-9_-]{40,}|(?=[\w-]{0,99}[\d_-])[A-Za-z0-9_-]{32,})"
        ),
        MASK,
    ),
)
_WORD = re.compile(r"\S+")
_URL_SAFE = str.maketrans("-_", "+/")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and newline: a log is read on terminals


def mask(text: str) -> str:
    """The text with everything that looks like a credential replaced, encoded forms included."""
    return _mask_short(text) if len(text) <= 128 else _mask(text)


def _mask(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text)} characters)"
    text = _mask_plain(text)
    if "%" in text:
        text = _WORD.sub(_mask_percent, text)
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _BASE64.sub(_mask_base64, text))


_mask_short = lru_cache(maxsize=2048)(_mask)  # ids, codes and event names come again and again


def _mask_plain(text: str) -> str:
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _mask_percent(word: re.Match[str]) -> str:
    once = unquote_plus(word[0])
    twice = unquote_plus(once)
    return word[0] if _mask_plain(once) == once and _mask_plain(twice) == twice else MASK


def _mask_base64(run: re.Match[str]) -> str:
    text = run[0].rstrip("=")  # the URL-safe alphabet and a missing padding are both usual
    try:
        decoded = base64.b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return run[0]
    return run[0] if _mask_plain(decoded) == decoded else MASK


def _is_sensitive(name: str) -> bool:
    return _SENSITIVE_NAME.search(name) is not None


_is_sensitive_field = lru_cache(maxsize=512)(_is_sensitive)  # the names that programs give come again and again


# ---- what stands in an event ----

_TAME = (int, float, bool, type(None), Decimal, date, datetime, timedelta)
_FORMATTING = frozenset({"_record", "_from_structlog"})
_OURS = FIELDS | _FORMATTING


def guard(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """structlog processor: masks every value of an event, and withholds text under names that are not in `FIELDS`."""
    return {
        name if name in _OURS else mask(name): value if name in _FORMATTING else _guarded(name, value)
        for name, value in event.items()
    }


def _guarded(name: str, value: Any) -> Any:
    if _is_sensitive_field(name):
        return MASK
    if isinstance(value, _TAME):
        return value
    if name not in FIELDS:
        return f"withheld: bridge.kit.logs.FIELDS does not list {mask(name)}"
    cleaned = _clean(value)
    return cleaned.replace("\n", "\\n") if isinstance(cleaned, str) and name != "exception" else cleaned


def _clean(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, _TAME):
        return value
    if isinstance(value, Enum):
        return _clean(value.value)
    if isinstance(value, bytes):
        return mask(value.decode("latin-1"))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _clean_members(value, depth + 1) if depth < _DEEPEST else "…"
    return mask(repr(value))


def _clean_members(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {_clean(name): _clean_member(name, inner, depth) for name, inner in value.items()}
    if isinstance(value, tuple) and len(value) == 2:  # a header: a name, and what must not be told
        return [_clean(value[0], depth), _clean_member(value[0], value[1], depth)]
    return [_clean(inner, depth) for inner in value]


def _clean_member(name: Any, value: Any, depth: int) -> Any:
    text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
    return MASK if _is_sensitive(text) else _clean(value, depth)


# ---- where it goes ----

_QUERY = re.compile(r"\?[^\s\"]*")


def _without_query(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A server's access line, without what stands after the path."""
    if event["_record"].name.endswith(".access"):
        event["event"] = _QUERY.sub("", event["event"])
    return event


_SHARED: tuple[Processor, ...] = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.format_exc_info,
    guard,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send this process's logs to `stream` (standard error) and the settings' file. May be called again."""
    stream = stream or sys.stderr
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and stream.isatty())
    handlers: list[logging.Handler] = [logging.StreamHandler(stream)]
    handlers[0].setFormatter(_formatter(_text_renderer(stream) if as_text else _json))
    if settings.log_file is not None:
        handlers.append(_file_handler(settings.log_file))
    logging.basicConfig(level=settings.log_level.upper(), handlers=handlers, force=True)
    logging.raiseExceptions = False  # a line that cannot be formatted would be printed raw
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # nobody prints them
    _adopt_servers_loggers()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


_encode = json.JSONEncoder(default=str).encode  # made once: making one costs as much as using it


def _json(_logger: Any, _method: str, event: EventDict) -> str:
    return _encode(event)


def _text_renderer(stream: TextIO) -> Processor:
    # the other exception formatters show local variables
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)


def _formatter(renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_without_query, *_SHARED],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _file_handler(path: Path) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    handler.setFormatter(_formatter(_json))
    return handler


def _adopt_servers_loggers() -> None:
    """uvicorn brings handlers of its own, which would write past ours. Start it with `log_config=None`."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def _log_uncaught(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, problem, trace)
        return
    structlog.get_logger(__name__).critical("crashed", exc_info=(kind, problem, trace))


def _log_uncaught_in_thread(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None:
        _log_uncaught(crash.exc_type, crash.exc_value, crash.exc_traceback)
