"""Room to finish: a watermark below which nothing new is taken, and a ballast file that outcomes may burn."""

from __future__ import annotations

import os
import time
from pathlib import Path

import structlog

BALLAST_BYTES = 8 * 1024 * 1024
WATERMARK_BYTES = 32 * 1024 * 1024
_LOOK_EVERY_S = 0.5
_log = structlog.get_logger(__name__)


class Reserve:
    """Watches the disk that holds `folder`. `accepting()` is cheap enough to be asked for every alert."""

    def __init__(
        self, folder: Path, *, ballast_bytes: int = BALLAST_BYTES, watermark_bytes: int = WATERMARK_BYTES
    ) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"
        self._ballast_bytes = ballast_bytes
        self._watermark = watermark_bytes
        self._looked = -_LOOK_EVERY_S
        self._enough = True

    def accepting(self) -> bool:
        """False while the disk has less room than the watermark."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_EVERY_S:
            self._looked = now
            self._enough = self.free() >= self._watermark
            if self._enough:
                self._restore()
        return self._enough

    def free(self) -> int:
        """Bytes left on the disk."""
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize

    def release(self) -> bool:
        """Give the ballast back to the disk; False when there was none left."""
        try:
            self._ballast.unlink()
        except FileNotFoundError:  # burnt already, maybe by another process
            return False
        except OSError as problem:
            _log.error("ballast_not_released", problem=str(problem))
            return False
        return True

    def _restore(self) -> None:
        if self._ballast_bytes and not self._ballast.exists() and self.free() >= self._watermark + self._ballast_bytes:
            try:
                with self._ballast.open("wb") as file:
                    file.write(b"\0" * self._ballast_bytes)
                    os.fsync(file.fileno())
            except OSError as problem:  # a quota, say: there is room for alerts all the same
                _log.error("ballast_not_laid_up", problem=str(problem))
