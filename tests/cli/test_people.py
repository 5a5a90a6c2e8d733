"""Users and their keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.kit.vault import Vault
from tests.cli.terminal import Terminal

PASSWORD = "correct horse battery staple\n"


@pytest.mark.parametrize("name", ["", " asha", "as\nha", "\x1b[2J", "x" * 101])
def test_a_name_can_be_read_and_typed(bridge: Terminal, name: str) -> None:
    shown = bridge("user", "add", name, "--password-file", "-", said=PASSWORD, fails=2)

    assert "1 to 100 visible characters" in shown
    assert bridge.json("user", "list") == []


def test_a_password_file_that_is_no_text_is_said_so(bridge: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"\xff\xfe")

    assert "is no text" in bridge("user", "add", "asha", "--password-file", str(file), fails=1)


def test_the_first_person_is_the_owner_and_the_next_a_trader(bridge: Terminal) -> None:
    first = bridge.json("user", "add", "asha", "--password-file", "-", said=PASSWORD)
    second = bridge.json("user", "add", "ravi", "--password-file", "-", said=PASSWORD)

    assert (first["role"], second["role"]) == ("owner", "trader")
    assert [each["name"] for each in bridge.json("user", "list")] == ["asha", "ravi"]


def test_a_password_is_asked_for_twice_and_not_shown(bridge: Terminal) -> None:
    shown = bridge("user", "add", "asha", said=PASSWORD * 2)

    assert "Password" in shown
    assert PASSWORD.strip() not in shown
    assert PASSWORD.strip() not in str(bridge.rows("SELECT * FROM users"))


def test_a_short_password_is_refused(bridge: Terminal) -> None:
    assert "12 to 128 characters" in bridge("user", "add", "asha", "--password-file", "-", said="short\n", fails=1)
    assert bridge.json("user", "list") == []


def test_a_name_is_given_once(asha: Terminal) -> None:
    shown = asha("user", "add", "asha", "--password-file", "-", said=PASSWORD, fails=1)

    assert "already a user called asha" in shown


def test_a_new_password_replaces_the_old_one(asha: Terminal) -> None:
    before = asha.rows("SELECT password_hash FROM users")

    asha("user", "password", "asha", "--password-file", "-", said="another horse battery\n")

    assert asha.rows("SELECT password_hash FROM users") != before


def test_the_last_owner_cannot_be_disabled(asha: Terminal) -> None:
    assert "last owner" in asha("user", "disable", "asha", "--yes", fails=1)

    asha("user", "add", "ravi", "--role", "owner", "--password-file", "-", said=PASSWORD)
    asha("user", "disable", "asha", said="y\n")

    assert {each["name"]: each["disabled"] for each in asha.json("user", "list")} == {"asha": True, "ravi": False}


def test_whose_it_is_must_be_said_where_there_are_several_people(asha: Terminal) -> None:
    asha("user", "add", "ravi", "--password-file", "-", said=PASSWORD)

    assert "say which --user: there is asha, ravi" in asha("key", "create", "laptop", fails=1)
    assert "no user nobody" in asha("key", "create", "laptop", "--user", "nobody", fails=1)
    assert asha("key", "create", "laptop", "--user", "ravi")


def test_a_key_is_shown_once_and_kept_as_a_fingerprint(asha: Terminal) -> None:
    key = asha.json("key", "create", "laptop")["key"]

    assert key not in asha("key", "list")
    assert key not in str(asha.rows("SELECT * FROM api_keys"))
    assert [found for (found,) in asha.rows("SELECT key_hash FROM api_keys")] == [
        Vault.open(asha.folder / "master.key").fingerprint(key)
    ]


def test_a_key_may_only_read_unless_more_is_said(asha: Terminal) -> None:
    asha("key", "create", "laptop")
    asha("key", "create", "robot", "--scope", "alerts:write", "--scope", "read")

    assert [each["scopes"] for each in asha.json("key", "list")] == ["read", "alerts:write read"]


def test_only_its_person_can_revoke_a_key_and_only_once(asha: Terminal) -> None:
    asha("user", "add", "ravi", "--password-file", "-", said=PASSWORD)
    key_id = asha.id("key", "create", "laptop", "--user", "asha")

    assert "no key" in asha("key", "revoke", key_id, "--user", "ravi", fails=1)
    assert "revoked" in asha("key", "revoke", key_id, "--user", "asha")
    assert "no key" in asha("key", "revoke", key_id, "--user", "asha", fails=1)
    assert asha.json("key", "list", "--user", "asha")[0]["revoked_at"]


def test_a_key_says_where_when_and_for_which_account_it_may_be_used(asha: Terminal) -> None:
    account = asha.id("account", "add", "Practice", "--broker", "paper")

    asha(
        "key", "create", "robot", "--account", account, "--paper-account", account, "--order-mode", "semi_auto",
        "--from", "192.0.2.0/24", "--from", "2001:db8::7", "--rate", "5", "--order-rate", "2",
    )  # fmt: skip

    (shown,) = asha.json("key", "list")
    assert (shown["account"], shown["paper_account"], shown["order_mode"]) == (account, account, "semi_auto")
    assert (shown["from"], shown["rate"], shown["order_rate"]) == ("192.0.2.0/24 2001:db8::7", 5, 2)
    assert shown["last_used_at"] is None
    assert not {"key_hash", "user_id"} & shown.keys()


def test_a_change_of_a_key_leaves_what_is_not_named(asha: Terminal) -> None:
    key_id = asha.id("key", "create", "robot", "--from", "192.0.2.7", "--rate", "5")

    asha("key", "change", key_id, "--order-mode", "semi_auto")
    (shown,) = asha.json("key", "list")
    assert (shown["order_mode"], shown["from"], shown["rate"]) == ("semi_auto", "192.0.2.7", 5)

    asha("key", "change", key_id, "--from-anywhere")
    assert asha.json("key", "list")[0]["from"] == "anywhere"


def test_a_key_is_changed_only_by_its_person_and_only_to_what_is_theirs(asha: Terminal) -> None:
    asha("user", "add", "ravi", "--password-file", "-", said=PASSWORD)
    key_id = asha.id("key", "create", "robot", "--user", "asha")
    theirs = asha.id("account", "add", "Practice", "--broker", "paper", "--user", "ravi")

    assert "no key" in asha("key", "change", key_id, "--rate", "1", "--user", "ravi", fails=1)
    assert "no account" in asha("key", "change", key_id, "--account", theirs, "--user", "asha", fails=1)
    assert "no account" in asha("key", "create", "x", "--paper-account", theirs, "--user", "asha", fails=1)
    assert "say what to change" in asha("key", "change", key_id, "--user", "asha", fails=2)
    assert "192.0.2.0/33" in asha("key", "change", key_id, "--from", "192.0.2.0/33", "--user", "asha", fails=2)
