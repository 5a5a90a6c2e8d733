"""One time for a whole rehearsal: every process of it, also one that starts later, reads the same clock."""

from __future__ import annotations

import json
import mmap
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.kit.clock import ScaledClock

MONDAY_MORNING = datetime(2026, 1, 5, 4, 0, tzinfo=UTC).timestamp()  # 09:30 in Mumbai
_SHIFT = struct.Struct("dd")  # seconds by which the wall clock is wrong, and by how much more each second


@dataclass(frozen=True, slots=True)
class Epoch:
    """`wall` (seconds since 1970) was shown when the machine's monotonic clock read `monotonic`; it runs `speed` times as fast."""

    speed: float
    wall: float
    monotonic: float

    @classmethod
    def begin(cls, speed: float) -> Epoch:
        """A rehearsal that starts now, on a Monday morning."""
        return cls(speed, MONDAY_MORNING, time.monotonic())

    @classmethod
    def of(cls, text: str) -> Epoch:
        """From a command line."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """For a command line."""
        return json.dumps(asdict(self))

    def now(self) -> float:
        """Rehearsal seconds since 1970, however wrong any program's clock is."""
        return self.wall + (time.monotonic() - self.monotonic) * self.speed

    def real(self, seconds: float) -> float:
        """How long so many rehearsal seconds take."""
        return seconds / self.speed


class JumpClock(ScaledClock):
    """The program's clock. Its wall time can be put wrong from outside; its monotonic time cannot."""

    def __init__(self, epoch: Epoch, shift: Path | None = None) -> None:
        super().__init__(epoch.speed, datetime.fromtimestamp(epoch.now(), UTC))
        self._shift = shift.open("r+b") if shift else None
        self._map = mmap.mmap(self._shift.fileno(), _SHIFT.size) if self._shift else None

    def now(self) -> datetime:
        """Wall time, as wrong as the shift file says."""
        right = super().now()
        if self._map is None:
            return right
        offset, drift = _SHIFT.unpack(self._map[:])
        return right + timedelta(seconds=offset + drift * (time.monotonic() - self._start) * self.speed)


class Shift:
    """The outside's hand on a `JumpClock`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(_SHIFT.pack(0, 0))

    def set(self, seconds: float, drift: float = 0.0) -> None:
        """From now on the wall clock is `seconds` ahead, and gains `drift` seconds with each."""
        with self._opened() as view:
            view[:] = _SHIFT.pack(seconds, drift)

    @contextmanager
    def _opened(self) -> Iterator[mmap.mmap]:
        with self.path.open("r+b") as file, mmap.mmap(file.fileno(), _SHIFT.size) as view:
            yield view
