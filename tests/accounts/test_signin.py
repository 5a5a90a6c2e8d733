"""Signing in with name and password, and being slowed down for guessing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.accounts.model import Role, User
from bridge.accounts.signin import _NOBODY, ABSOLUTE, IDLE, Denied, SignIn, SlowDown
from bridge.kit.database import StorageUnavailable
from tests.accounts.office import Office
from tests.support.clock import IdleClock


@pytest.fixture
async def desk(office: Office) -> SignIn:
    await office.accounts.add_user("Ann", "correct horse", Role.TRADER)
    return SignIn(office.reader, office.writer, office.vault, office.clock)


async def enter(desk: SignIn, password: str = "correct horse", name: str = "Ann") -> str | Denied:
    return await desk.open(name, password, "203.0.113.9")


async def test_the_right_password_opens_a_session(desk: SignIn) -> None:
    token = await enter(desk)

    assert isinstance(token, str)
    session = await desk.find(token)
    assert session is not None
    assert (session.user.name, session.user.role, session.csrf) == ("Ann", Role.TRADER, desk.csrf(token))
    assert await desk.find("another token") is None
    await desk.close(session.id_hash)
    assert await desk.find(token) is None


@pytest.mark.parametrize(("name", "password"), [("Ann", "wrong"), ("Nobody", "correct horse")])
async def test_wrong_names_and_wrong_passwords_look_the_same(desk: SignIn, name: str, password: str) -> None:
    assert await enter(desk, password, name) == Denied(0)


async def test_a_name_that_is_nobodys_takes_the_same_check(office: Office, desk: SignIn) -> None:
    (ann,) = office.rows("SELECT password_hash FROM users")

    assert ann["password_hash"].split("$")[:4] == _NOBODY.split("$")[:4]  # algorithm, version and costs


async def test_guessing_is_slowed_down_and_the_right_password_starts_over(desk: SignIn, office: Office) -> None:
    waits = [await enter(desk, "wrong") for _ in range(3)]
    assert waits == [Denied(0), Denied(0), Denied(1)]
    assert await enter(desk) == Denied(2)  # not even looked at

    office.clock.advance(2)
    assert isinstance(await enter(desk), str)
    assert await enter(desk, "wrong") == Denied(0)


async def test_a_session_ends_when_idle_and_after_half_a_day(desk: SignIn, office: Office) -> None:
    token = await enter(desk)
    assert isinstance(token, str)
    for _ in range(3):
        office.clock.advance(IDLE.total_seconds() - 1)
        assert await desk.find(token) is not None
    office.clock.advance(IDLE.total_seconds())
    assert await desk.find(token) is None

    token = await enter(desk)
    assert isinstance(token, str)
    for _ in range(ABSOLUTE // timedelta(minutes=20) - 1):
        office.clock.advance(20 * 60)
        assert await desk.find(token) is not None
    office.clock.advance(20 * 60)
    assert await desk.find(token) is None


async def test_a_person_who_is_disabled_is_out_at_once(desk: SignIn, office: Office) -> None:
    token = await enter(desk)
    assert isinstance(token, str)
    (user,) = office.rows("SELECT id FROM users")
    await office.accounts.disable_user(user["id"])

    assert await desk.find(token) is None
    assert isinstance(await enter(desk), Denied)


async def test_dangerous_things_ask_for_the_password_again(desk: SignIn) -> None:
    ann = User(id="us", name="Ann", role=Role.TRADER)

    assert await desk.confirms(ann, "correct horse", "203.0.113.9") is None
    assert await desk.confirms(ann, "wrong", "203.0.113.9") == Denied(0)


async def test_a_password_changed_meanwhile_opens_nothing(
    desk: SignIn, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = desk._keep

    async def after_a_change(token: str, user: dict[str, object]) -> bool:
        await office.accounts.set_password(str(user["id"]), "new")
        return await keep(token, user)

    monkeypatch.setattr(desk, "_keep", after_a_change)

    assert isinstance(await enter(desk), Denied)
    assert office.rows("SELECT * FROM sessions") == []


async def test_a_full_disk_keeps_nobody_from_looking(
    desk: SignIn, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await enter(desk)
    assert isinstance(token, str)
    office.clock.advance(120)

    def full(*_: object, **__: object) -> None:
        raise StorageUnavailable("the disk is full")

    monkeypatch.setattr(office.writer, "run", full)

    assert await desk.find(token) is not None


def test_of_a_hundred_guesses_at_once_three_are_looked_at() -> None:
    slow = SlowDown(IdleClock())

    assert sum(slow.claim("Ann") == 0 for _ in range(100)) == 3


def test_nobody_is_remembered_for_ever() -> None:
    slow = SlowDown(IdleClock())
    for number in range(10_050):
        slow.claim(f"guess {number}")

    assert len(slow._failures) == 10_000
    assert slow.left("guess 0") == 0


def test_the_wait_doubles_up_to_a_minute() -> None:
    clock = IdleClock()
    slow = SlowDown(clock)
    waits = []
    for _ in range(12):
        assert slow.claim("Ann") == 0
        waits.append(slow.left("Ann"))
        clock.advance(slow.left("Ann"))
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
