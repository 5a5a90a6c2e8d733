"""What a broker's answer means: the five words, judged by lists that an adapter states as data.

Bytes were written, so silence and nonsense prove nothing: an answer to an order that is neither a success of the
expected shape nor on a list is `OutcomeUnknown`. The same of a read is `Unavailable`: reading again is safe, and an
unreadable book must never look like an empty one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from bridge.brokers.base import BrokerError, LoginRequired, OutcomeUnknown, Rejected, Unavailable
from bridge.brokers.families.http import Reply, masked

Listed = frozenset[tuple[str, int]]

# some brokers say this under a code that otherwise refuses
_CHECK_THE_BOOK = re.compile(r"time[d\s-]*out|check (?:the |your )?order ?book", re.IGNORECASE)


class Failure(NamedTuple):
    """A broker's own account of a failure; `code` is its word for it, empty if it has none."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRules:
    """How one broker's answers are judged: `(code, HTTP status)` pairs, each proved by a recording.

    `failure` finds the broker's error in a decoded body, `None` when the body says success. `throttled` are refusals
    documented to happen before the order system: safe to send again.
    """

    failure: Callable[[Any], Failure | None]
    refused: Listed = frozenset()
    login: Listed = frozenset()
    throttled: Listed = frozenset()
    success: frozenset[int] = frozenset({200})

    def sent(self, reply: Reply) -> Any:
        """The success body of a `send`. Raises `Rejected`, `LoginRequired`, `Unavailable` or `OutcomeUnknown`."""
        return self._judge(reply, OutcomeUnknown)

    def seen(self, reply: Reply) -> Any:
        """The success body of a `read`. Raises `LoginRequired`, else `Unavailable`."""
        return self._judge(reply, Unavailable)

    def _judge(self, reply: Reply, otherwise: type[BrokerError]) -> Any:
        with shaped(reply, otherwise):
            body = json.loads(reply.body, parse_float=Decimal, parse_constant=_not_a_number)
            failure = self.failure(body)
        if failure is None and reply.status in self.success:
            return body
        code, message = failure or Failure("", f"HTTP {reply.status}")
        word = self._word(code, message, reply.status, otherwise)
        raise word(message, code=code or str(reply.status), reply=reply.text)

    def _word(self, code: str, message: str, status: int, otherwise: type[BrokerError]) -> type[BrokerError]:
        if (code, status) in self.login:
            return LoginRequired
        if (code, status) in self.throttled:
            return Unavailable
        refused = (code, status) in self.refused and not _CHECK_THE_BOOK.search(message)
        return Rejected if refused and otherwise is OutcomeUnknown else otherwise


@contextmanager
def shaped(reply: Reply, otherwise: type[BrokerError]) -> Iterator[None]:
    """Inside, a body that is not as expected becomes the word, with the reply for the journal."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as odd:
        why = masked(str(odd).encode(), reply.secrets)[:200]
        message = f"HTTP {reply.status}, not as expected: {type(odd).__name__} {why}"
        raise otherwise(message, code=str(reply.status), reply=reply.text) from odd


def _not_a_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def identifier(value: Any) -> str:
    """An id as text, from text or a whole number; anything else raises `TypeError`."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError("not an id")


def rows(value: Any) -> list[Any]:
    """A list as such; anything else raises `TypeError`, because an empty object must not look like an empty book."""
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def decimal(value: Any) -> Decimal:
    """An exact, finite number, from a JSON number or text; anything else raises `TypeError` or an arithmetic error."""
    if not isinstance(value, int | str | Decimal) or isinstance(value, bool):
        raise TypeError("not a number")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("not a finite number")
    return number


def optional(value: Any) -> Decimal | None:
    """`decimal`, or `None` for a member left empty."""
    return None if value in (None, "") else decimal(value)
