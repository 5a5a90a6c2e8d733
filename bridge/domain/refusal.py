"""Why something was not done, in a stable code and a sentence a trader understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recorded "no". `code` never changes between releases; `message` is for people.

    `numbers` holds the figures a check compared, so that the page can show them.
    """

    code: str
    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
