"""Backups, and what is found when a database is looked at."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bridge.kit import schema
from bridge.kit.database import Transaction, Writer, connect
from bridge.orders import tables
from tests.api.world import Person as Owner
from tests.api.world import event, order
from tests.cli.terminal import Terminal


@contextmanager
def in_use(database: Path) -> Iterator[sqlite3.Connection]:
    """As a running server has it."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("SELECT * FROM users").fetchall()
        yield connection


def names(terminal: Terminal) -> list[str]:
    return [each["name"] for each in terminal.json("user", "list")]


def add_ravi(terminal: Terminal) -> None:
    terminal("user", "add", "ravi", "--password-file", "-", said="correct horse battery staple\n")


def backup(terminal: Terminal) -> Path:
    return Path(terminal.json("db", "backup")["backup"])


def test_an_upgrade_says_from_where_to_where(bridge: Terminal) -> None:
    assert bridge.json("db", "upgrade") == {"before": None, "now": schema.HEAD}
    assert bridge.json("db", "upgrade") == {"before": schema.HEAD, "now": schema.HEAD}


def test_a_backup_is_whole_private_and_made_while_the_database_is_written(asha: Terminal) -> None:
    with in_use(asha.database) as server:
        server.execute("INSERT INTO revision (id, number) VALUES (7, 7)")  # not committed

        made = backup(asha)

    with closing(sqlite3.connect(made)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT name FROM users").fetchall() == [("asha",)]
        assert copy.execute("SELECT * FROM revision WHERE id = 7").fetchall() == []
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert [each.name for each in made.parent.iterdir()] == [made.name]


def test_a_backup_never_replaces_a_file(asha: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "mine.db"
    file.write_text("precious")

    assert "is there already" in asha("db", "backup", "--out", str(file), fails=1)
    assert file.read_text() == "precious"


def test_there_is_no_backup_of_nothing(bridge: Terminal) -> None:
    assert "yet" in bridge("db", "backup", fails=1)
    assert not bridge.database.exists()


def test_a_restore_brings_the_backup_back_keeps_the_old_one_and_stops_trading(asha: Terminal) -> None:
    made = backup(asha)
    add_ravi(asha)

    told = asha.json("db", "restore", str(made), said="y\n")

    assert names(asha) == ["asha"]
    assert asha.rows("SELECT scope, stopped, reason FROM switches") == [("global", 1, f"restored from {made.name}")]
    with closing(sqlite3.connect(told["old_database"])) as old:
        assert [name for (name,) in old.execute("SELECT name FROM users ORDER BY name")] == ["asha", "ravi"]
    asha("panic", "--release", "--yes")
    assert asha.rows("SELECT stopped FROM switches") == [(0,)]


def test_a_restore_asks_first(asha: Terminal) -> None:
    made = backup(asha)
    add_ravi(asha)

    asha("db", "restore", str(made), said="n\n", fails=1)

    assert names(asha) == ["asha", "ravi"]


def test_a_database_in_use_is_not_replaced(asha: Terminal) -> None:
    made = backup(asha)
    add_ravi(asha)

    with in_use(asha.database):
        shown = asha("db", "restore", str(made), "--yes", fails=1)

    assert "in use: stop every bridge process first" in shown
    assert names(asha) == ["asha", "ravi"]
    assert sorted(each.name for each in asha.folder.glob("bridge.db*")) == ["bridge.db"]


@pytest.mark.parametrize(
    ("damage", "said"), [("words", "no backup of this program"), ("short", "malformed"), ("flipped", "is damaged")]
)
def test_a_damaged_backup_is_refused(asha: Terminal, tmp_path: Path, damage: str, said: str) -> None:
    content = backup(asha).read_bytes()
    bad = tmp_path / "bad.db"
    place = content.index(b"asha")  # in the row or in its index: afterwards the two disagree
    bad.write_bytes(
        {
            "words": b"not a database at all",
            "short": content[:100_000],
            "flipped": content[:place] + b"xsha" + content[place + 4 :],
        }[damage]
    )

    shown = asha("db", "restore", str(bad), "--yes", fails=1)

    assert said in shown
    assert names(asha) == ["asha"]


def test_a_database_of_another_program_is_refused(asha: Terminal, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE users (name TEXT)")

    assert "no backup of this program" in asha("db", "restore", str(tmp_path / "other.db"), "--yes", fails=1)


@pytest.mark.parametrize("damage", [b"garbage", b""])
def test_a_damaged_database_is_named_and_can_be_replaced(asha: Terminal, damage: bytes) -> None:
    made = backup(asha)
    asha.database.write_bytes(damage or asha.database.read_bytes()[:90_000])

    assert "bridge db restore" in asha("db", "check", fails=1)
    asha("db", "restore", str(made), "--yes")

    assert names(asha) == ["asha"]
    assert "problem" in asha("db", "check")


@pytest.mark.parametrize(
    ("words", "instead"), [(("backup",), "pg_dump"), (("restore", "pyproject.toml"), "pg_restore")]
)
def test_postgresql_is_left_to_its_own_tools(
    bridge: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], instead: str
) -> None:
    Path("pyproject.toml").touch()
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "postgresql://127.0.0.1:1/bridge")

    assert instead in bridge("db", *words, fails=1)


@pytest.fixture
def with_order(asha: Terminal) -> Terminal:
    """An order and the event that explains it."""
    engine = connect(f"sqlite:///{asha.database}")
    writer = Writer(engine)
    owner = Owner("us_1", "", "al_1", "or_1")

    def work(tx: Transaction) -> None:
        tx.insert(tables.orders, order("or_1", "al_1", "us_1", 1))
        tx.insert(tables.events, event(owner, 1))

    writer.submit(work).result()
    writer.close()
    engine.dispose()
    return asha


def test_a_sound_database_passes(with_order: Terminal) -> None:
    assert {each["checked"]: each["ok"] for each in with_order.json("db", "check")} == {
        "schema version": True,
        "pages": True,
        "references": True,
        "journal": True,
    }


def test_an_order_that_was_changed_behind_the_journals_back_is_found(with_order: Terminal) -> None:
    with_order.rows("UPDATE orders SET state = 'FILLED' WHERE id = 'or_1'")

    found = with_order.json("db", "check", "--quick", fails=1)

    (problem,) = [each["problem"] for each in found if not each["ok"]]
    assert "or_1 (state)" in problem
