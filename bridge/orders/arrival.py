"""What comes in at the door of the pipeline, and what goes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.accounts.model import Source, Strategy
from bridge.domain.intent import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An alert whose sender has been let in, not yet read.

    `body` is the raw body as text; `sender` an address or a person's identity; `proofs` are sentences on what the sender proved
    ("from TradingView's address"); `idempotency_key` is the sender's own id from a header, if any. `started` is a
    monotonic second from which the time-line counts. `dry_run` goes the whole way but commits and sends nothing.
    `needs_approval`: the sender's key is semi-automatic, so that a person is asked whatever the strategy says.
    `conditional`: the caller hands a conditional order to a broker that watches for its moment.
    """

    source: Source
    content_type: str
    body: str
    sender: str
    received_at: datetime
    started: float
    idempotency_key: str | None = None
    proofs: tuple[str, ...] = ()
    dry_run: bool = False
    replay_of: str | None = None
    reading: Reading | None = None  # given when the caller has read the alert already
    strategy: Strategy | None = None  # given when the caller decides which account it trades on; else the source's
    needs_approval: bool = False
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told: an HTTP status and a JSON object."""

    status: int
    content: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
