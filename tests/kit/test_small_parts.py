"""Clock, identifiers, disk, fail-points, settings and vault."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.kit import failpoints
from bridge.kit.clock import Drift, ScaledClock, SystemClock, from_micros, micros, wait_for
from bridge.kit.disk import Reserve
from bridge.kit.ids import new_id, new_ref
from bridge.kit.settings import Settings
from bridge.kit.vault import KeyFileProblem, Vault
from tests.support.clock import IdleClock

# -- time -------------------------------------------------------------------------------------------------------------------


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_the_table(moment: datetime) -> None:
    assert from_micros(micros(moment)) == moment


def test_a_moment_is_the_same_in_every_zone() -> None:
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)

    assert micros(noon.astimezone(timezone(timedelta(hours=5, minutes=30)))) == micros(noon)


async def test_the_machines_clock_is_in_utc_and_goes_on() -> None:
    clock = SystemClock()
    began, wall = clock.monotonic(), clock.now()
    await clock.sleep(0.01)

    assert clock.monotonic() - began >= 0.009
    assert clock.now() > wall
    assert wall.tzinfo is UTC


async def test_a_scaled_clock_runs_an_hour_in_a_moment() -> None:
    clock = ScaledClock(100_000, datetime(2026, 1, 5, tzinfo=UTC))
    began, wall, real = clock.monotonic(), clock.now(), time.monotonic()
    await clock.sleep(3600)

    assert clock.monotonic() - began >= 3500
    assert clock.now() - wall >= timedelta(seconds=3500)
    assert time.monotonic() - real < 5


async def test_waiting_ends_with_the_event_or_with_the_time() -> None:
    clock, event = IdleClock(), asyncio.Event()
    assert not await wait_for(event, 0, clock)

    in_vain = asyncio.ensure_future(wait_for(event, 5, clock))
    await clock.run(5.1)
    assert not in_vain.result()

    waiting = asyncio.ensure_future(wait_for(event, 5, clock))
    await clock.run(1)
    event.set()
    assert await waiting
    assert await wait_for(event, 5, clock)


def test_somebody_who_sets_the_clock_is_noticed() -> None:
    clock = IdleClock()
    drift = Drift(clock)
    clock.advance(100)
    assert drift.jumped() == 0

    clock.set(clock.now() + timedelta(hours=1))
    assert drift.jumped() == 3600
    clock.set(clock.now() - timedelta(seconds=5))
    assert drift.jumped() == -5
    assert drift.jumped() == 0


# -- identifiers ----------------------------------------------------------------------------------------------------------


def test_ids_sort_by_birth_and_are_never_the_same() -> None:
    first = new_id("al")
    time.sleep(0.002)
    many = {new_id("al") for _ in range(1000)}

    assert len(many) == 1000
    assert all(first < later for later in many)
    assert first.startswith("al_")
    assert len(first) == 29


def test_references_fit_the_narrowest_tag_field() -> None:
    refs = {new_ref() for _ in range(1000)}

    assert len(refs) == 1000
    assert all(len(ref) == 10 and ref.isalnum() and ref.isupper() for ref in refs)
    assert set("".join(refs)) == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


# -- disk -------------------------------------------------------------------------------------------------------------------

Room = namedtuple("Room", "f_bavail f_frsize")


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many bytes are free, and what time it is."""
    found = {"free": 1000, "now": 0}
    monkeypatch.setattr(os, "statvfs", lambda _: Room(found["free"], 1))
    monkeypatch.setattr(time, "monotonic", lambda: float(found["now"]))
    return found


def test_a_ballast_is_laid_up_while_there_is_room_and_burnt_once(tmp_path: Path, room: dict[str, int]) -> None:
    reserve = Reserve(tmp_path, ballast_bytes=100, watermark_bytes=500)
    assert reserve.accepting()
    assert (tmp_path / "ballast").stat().st_size == 100

    assert reserve.release()
    assert not reserve.release()
    room["now"] = 1
    assert reserve.accepting()
    assert (tmp_path / "ballast").exists()


def test_below_the_watermark_nothing_new_is_taken(tmp_path: Path, room: dict[str, int]) -> None:
    room["free"] = 499
    reserve = Reserve(tmp_path, ballast_bytes=100, watermark_bytes=500)

    assert not reserve.accepting()
    assert not (tmp_path / "ballast").exists()


def test_room_for_the_watermark_alone_lays_up_no_ballast(tmp_path: Path, room: dict[str, int]) -> None:
    room["free"] = 599
    assert Reserve(tmp_path, ballast_bytes=100, watermark_bytes=500).accepting()
    assert not (tmp_path / "ballast").exists()


def test_alerts_are_taken_where_no_ballast_can_be_laid_up(tmp_path: Path, room: dict[str, int]) -> None:
    (tmp_path / "ballast").symlink_to(tmp_path / "quota" / "reached")

    assert Reserve(tmp_path, ballast_bytes=100, watermark_bytes=500).accepting()


def test_a_ballast_that_cannot_be_burnt_is_none(tmp_path: Path, room: dict[str, int]) -> None:
    (tmp_path / "ballast").mkdir()

    assert not Reserve(tmp_path, ballast_bytes=100, watermark_bytes=500).release()


def test_the_disk_is_looked_at_twice_a_second_only(tmp_path: Path, room: dict[str, int]) -> None:
    reserve = Reserve(tmp_path, ballast_bytes=0, watermark_bytes=500)
    assert reserve.accepting()
    room["free"] = 0
    assert reserve.accepting()
    room["now"] = 1

    assert not reserve.accepting()


def test_the_real_disk_has_some_room(tmp_path: Path) -> None:
    assert Reserve(tmp_path).free() > 0


# -- fail-points -------------------------------------------------------------------------------------------------------------


def passing(points: str, script: str) -> subprocess.CompletedProcess[str]:
    """A program with these fail-points."""
    code = f"from bridge.kit import failpoints\nfor _ in range(3): failpoints.reach('accept.read')\n{script}"
    environment = {"BRIDGE_FAILPOINTS": points, "PATH": "/usr/bin:/bin"}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30)


def test_a_fail_point_kills_at_its_passage() -> None:
    assert passing("accept.read=kill@3", "print('alive')").returncode == -signal.SIGKILL
    assert passing("accept.read=kill@4", "print('alive')").stdout == "alive\n"


def test_a_fail_point_raises_or_is_unknown() -> None:
    raised = passing("accept.read=error", "")
    unknown = passing("accept.raed=kill", "")

    assert "OSError: fail-point accept.read" in raised.stderr
    assert "no point is called 'accept.raed'" in unknown.stderr


def test_without_arming_fail_points_do_nothing() -> None:
    for point in failpoints.POINTS:
        failpoints.reach(point)


def test_every_fail_point_is_reached_somewhere() -> None:
    sources = "\n".join(path.read_text() for path in Path(failpoints.__file__).parents[1].rglob("*.py"))

    assert [point for point in failpoints.POINTS if f'"{point}"' not in sources.replace(f'    "{point}",\n', "")] == []


# -- settings ----------------------------------------------------------------------------------------------------------------


def test_settings_come_from_variables_and_secret_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "url").write_text("postgresql://db/bridge\n")
    monkeypatch.setenv("BRIDGE_PORT", "9000")
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "sqlite:///ignored.db")
    monkeypatch.setenv("BRIDGE_DATABASE_URL_FILE", str(tmp_path / "url"))

    settings = Settings()

    assert (settings.port, settings.database) == (9000, "postgresql://db/bridge")
    assert settings.base_url == "http://127.0.0.1:9000"


def test_without_a_word_everything_lies_in_the_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("BRIDGE_DATABASE_URL", "BRIDGE_KEY_FILE", "BRIDGE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(data_dir=Path("/data"), public_url="https://bridge.example/")

    assert settings.database == "sqlite:////data/bridge.db"
    assert settings.keys == Path("/data/master.key")
    assert settings.base_url == "https://bridge.example"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "99999"),
        ("WS_PORT", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "mysql://db/bridge"),
        ("MAX_IN_FLIGHT", "0"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"BRIDGE_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


# -- vault -------------------------------------------------------------------------------------------------------------------


def test_a_vault_is_made_on_first_use_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    first, second = Vault.open(path), Vault.open(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert second.unseal(first.seal("hunter2", "accounts.1"), "accounts.1") == "hunter2"
    assert second.fingerprint("token") == first.fingerprint("token")
    assert second.derive("sessions") == first.derive("sessions") != first.derive("forms")


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    Vault.open(path)
    path.chmod(0o640)

    with pytest.raises(KeyFileProblem, match="chmod 600"):
        Vault.open(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"c2hvcnQ=\n", b"c2hvcnQ=\nc2hvcnQ=\n", b"no keys at all", Fernet.generate_key() + b"\nc2hvcnQ=\n"],
    ids=["empty", "short pepper", "short pepper and key", "no keys", "short key"],
)
def test_a_damaged_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(KeyFileProblem, match="restore it"):
        Vault.open(path)


def test_two_processes_that_start_at_once_have_the_same_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "master.key", os.link
    others: list[Vault] = []

    def overtaken(draft: Path, name: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        others.append(Vault.open(name))
        link(draft, name)

    monkeypatch.setattr(os, "link", overtaken)
    mine = Vault.open(path)

    assert mine.fingerprint("token") == others[0].fingerprint("token")
    assert [each.name for each in tmp_path.iterdir()] == ["master.key"]


def vault() -> Vault:
    return Vault(b"pepper" * 6, [Fernet.generate_key()])


def test_a_sealed_value_is_worthless_elsewhere() -> None:
    mine = vault()
    sealed = mine.seal("hunter2", "accounts.1")

    assert "hunter2" not in sealed
    with pytest.raises(KeyFileProblem, match=r"belongs to accounts\.1"):
        mine.unseal(sealed, "accounts.2")
    with pytest.raises(KeyFileProblem, match="other keys"):
        vault().unseal(sealed, "accounts.1")


def test_old_keys_still_open_what_they_sealed() -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    sealed = Vault(b"pepper" * 6, [old]).seal("hunter2", "x")

    assert Vault(b"pepper" * 6, [new, old]).unseal(sealed, "x") == "hunter2"


def test_fingerprints_recognise_a_token_and_nothing_else() -> None:
    mine = vault()

    assert mine.matches("token", mine.fingerprint("token"))
    assert not mine.matches("tokem", mine.fingerprint("token"))
    assert not mine.matches("token", Vault(b"another" * 6, [Fernet.generate_key()]).fingerprint("token"))
