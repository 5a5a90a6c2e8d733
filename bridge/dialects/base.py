"""The port of a dialect: pure text in, values out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.domain.intent import Reading
from bridge.domain.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Message:
    """One alert as received, parsed once for all dialects.

    `json` is the parsed body (objects as dict, numbers as `Decimal`) or `None` when the body is no JSON;
    `repairs` says in sentences what had to be mended to parse it; `text` is the body without byte-order mark and
    surrounding blanks. `content_type` is a hint, never trusted.
    """

    content_type: str
    text: str
    json: Any = None
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What the receiver knows and the message does not: settings of the source or strategy.

    `trading_mode` is LONG, SHORT, BOTH or None (not known); `endpoint` the OpenAlgo endpoint it was posted to, if any.
    """

    trading_mode: str | None = None
    endpoint: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


class Unreadable(Exception):
    """Raised by a dialect whose grammar the message breaks; becomes a refusal of kind `invalid`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A way to write an alert. Every folder of `bridge.dialects` has one as `DIALECT`.

    `recognise` says why the message is in this dialect ("it has `ticker` and `action`") or `None`;
    dialects are asked in the order of `rank`, most particular first (10 = cannot be anything else, 50 = usual, 90 = catch-all).
    `read` gives the meaning or raises `Unreadable`.
    """

    name: str
    title: str
    rank: int
    recognise: Callable[[Message], str | None]
    read: Callable[[Message, Context], Reading]
