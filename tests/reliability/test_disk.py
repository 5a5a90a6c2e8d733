"""A9: the disk fills up, is mounted read-only, or reads and writes fail, at random moments of the load."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.rig import Rig
from tests.reliability.sender import mixed

DISK_BYTES = 96 * 1024 * 1024
CHUNK = b"\0" * (1 << 16)
LOOKED_AT_EVERY_REAL_S = 0.6  # the program looks at its disk twice a second
WRITE_POINTS = (
    "accept.before_commit",
    "outcome.before_commit",
    "fill.before_commit",
    "book.read",
    "claim.before_commit",
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small disk of its own needs the right to mount one")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(place: Path, leave: int) -> Path:
    """Use up the disk but for so many bytes."""
    filler = place / "filler"
    with filler.open("wb") as file:
        while (free := os.statvfs(place).f_bavail * os.statvfs(place).f_frsize) > leave:
            try:
                file.write(CHUNK[: min(len(CHUNK), free - leave)])
                file.flush()
            except OSError:
                break
    return filler


async def test_a_full_disk_refuses_new_alerts_and_keeps_the_outcome_of_old_ones(
    rig: Callable[..., Rig], sized: Callable[[Any, Any, Any], Any], disk: Path
) -> None:
    rehearsal = rig(91, home=disk / "home", faults={"slow": 0.5, "accept_then_drop": 0.05})
    dice = random.Random(rehearsal.seed)
    await rehearsal.start()
    sender = rehearsal.sender()
    fillings = sized(2, 5, 100)
    sending = asyncio.create_task(sender.send_all(mixed(dice, 40 * fillings), gap_real_s=0.02))
    for number in range(fillings):
        await asyncio.sleep(dice.uniform(0, 0.5))
        filler = _fill(disk, leave=dice.choice((0, 0, 16 * 1024, 1024 * 1024)))
        await asyncio.sleep(LOOKED_AT_EVERY_REAL_S + dice.uniform(0, 0.5))
        probe = await sender.send(mixed(dice, 1, prefix=f"full-{number}-")[0])
        filler.unlink()
        assert probe.tries[0].status == 503, f"seed 91: {probe.tries} with a full disk"
    await sending
    probe = await sender.send(mixed(dice, 1, prefix="room-")[0])
    assert probe.taken, f"seed 91: {probe.tries} although there is room again"
    await rehearsal.conclude()


async def test_a_disk_that_is_read_only_at_the_start_takes_nothing_and_loses_nothing(
    rig: Callable[..., Rig], disk: Path
) -> None:
    rehearsal = rig(92, home=disk / "home", faults={"accept_then_drop": 0.2})
    program = await rehearsal.start()
    sender = rehearsal.sender(patience_real_s=1.0)
    await sender.send_all(mixed(random.Random(92), 20))
    program.kill()
    _remount(disk, "ro")
    blocked = rehearsal.spawn()
    await sender.send(mixed(random.Random(92), 1, prefix="read-only-")[0])
    assert not any(each.status == 202 for each in sender.sent[-1].tries), f"seed 92: {sender.sent[-1].tries}"
    blocked.kill()
    _remount(disk, "rw")
    await rehearsal.start()
    await rehearsal.conclude()


def _remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True, capture_output=True)


@pytest.mark.parametrize("point", WRITE_POINTS)
async def test_an_error_of_the_system_at_a_named_place_loses_nothing(rig: Callable[..., Rig], point: str) -> None:
    rehearsal = rig(93)
    dice = random.Random(93)
    await rehearsal.start(failpoints=f"{point}=error@{dice.randint(1, 3)}")
    sender = rehearsal.sender()
    await sender.send_all(mixed(dice, 12), at_once=2)
    await rehearsal.until_rest(200)
    rehearsal.programs[-1].kill()
    await rehearsal.start()
    await rehearsal.conclude(note=point)
