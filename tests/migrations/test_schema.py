"""The scripts make the tables that the code knows, once, whole, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from bridge.kit import schema
from bridge.kit.database import connect, metadata

PACKAGE = Path(schema.__file__).parents[1]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    made = connect(f"sqlite:///{tmp_path / 'bridge.db'}")
    yield made
    made.dispose()


def everything_known() -> sa.MetaData:
    for file in PACKAGE.rglob("tables.py"):
        import_module(".".join(("bridge", *file.relative_to(PACKAGE).with_suffix("").parts)))
    return metadata


def described(engine: Engine) -> dict[str, Any]:
    """The tables as the database itself describes them."""
    inspector = sa.inspect(engine)
    return {
        table: {
            "columns": {
                column["name"]: (repr(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            },
            "key": inspector.get_pk_constraint(table)["constrained_columns"],
            "indexes": sorted(
                (index["name"] or "", tuple(index["column_names"]), bool(index["unique"]))
                for index in inspector.get_indexes(table)
            ),
            "unique": sorted(tuple(each["column_names"]) for each in inspector.get_unique_constraints(table)),
            "foreign": inspector.get_foreign_keys(table),
        }
        for table in sorted(inspector.get_table_names())
        if table != "alembic_version"
    }


def test_the_scripts_make_exactly_the_tables_that_the_code_knows(engine: Engine) -> None:
    schema.upgrade(engine)
    migrated = described(engine)
    with engine.begin() as connection:
        everything_known().drop_all(connection)
        metadata.create_all(connection)
    created = described(engine)

    # The one thing a script says that `tables.py` cannot: it depends on the engine.
    if engine.dialect.name == "postgresql":
        kind, nullable, _ = created["events"]["columns"]["txid"]
        created["events"]["columns"]["txid"] = (kind, nullable, "txid_current()")

    assert migrated == created, "a table changed: write a script for it in bridge/migrations/versions"


def test_an_event_on_postgresql_carries_the_number_of_its_transaction(postgres_url: str) -> None:
    engine = connect(postgres_url)
    schema.upgrade(engine)

    with engine.begin() as connection:
        columns = "at, user_id, type, provenance, payload"
        connection.exec_driver_sql(f"INSERT INTO events ({columns}) VALUES (1, 'us', 'alert.noted', 'policy', '{{}}')")
        written, running = connection.exec_driver_sql("SELECT txid, txid_current() FROM events").one()

    engine.dispose()
    assert written == running


def test_the_newest_script_is_the_version_the_program_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.SCRIPTS))

    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_an_upgrade_is_done_once(engine: Engine) -> None:
    assert schema.current(engine) is None
    assert not schema.is_current(engine)

    assert schema.upgrade(engine) is True
    assert schema.upgrade(engine) is False
    assert schema.is_current(engine)


def test_processes_that_start_together_upgrade_once(database_url: str) -> None:
    def start(_: int) -> bool:
        engine = connect(database_url)
        try:
            return schema.upgrade(engine)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        did_it = list(pool.map(start, range(4)))

    assert sorted(did_it) == [False, False, False, True]


def test_an_upgrade_that_fails_half_way_leaves_nothing_behind(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE paper_holdings (in_the_way INTEGER)")  # of the last script

    with pytest.raises(sa.exc.DBAPIError):
        schema.upgrade(engine)

    assert sa.inspect(engine).get_table_names() == ["paper_holdings"]


def test_a_database_of_a_newer_program_is_left_alone(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(schema.SchemaTooNew, match="has version 9999, this program knows"):
        schema.upgrade(engine)
    assert schema.current(engine) == "9999"


def test_alembic_is_not_loaded_when_there_is_nothing_to_do(sqlite: Engine) -> None:
    schema.upgrade(sqlite)
    program = (
        "import sys; from bridge.kit import schema, database;"
        f"assert not schema.upgrade(database.connect({str(sqlite.url)!r})); sys.exit('alembic' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_sound_database_has_no_problems(engine: Engine) -> None:
    schema.upgrade(engine)

    findings = schema.check(engine)

    assert [found.problem for found in findings] == [""] * len(findings)


def test_a_check_says_that_the_tables_are_old(engine: Engine) -> None:
    problems = [found.problem for found in schema.check(engine) if found.problem]

    assert problems == [f"the tables have version None, the program knows {schema.HEAD}: bridge db upgrade"]


def test_a_check_finds_a_flipped_bit_in_an_index(sqlite: Engine, tmp_path: Path) -> None:
    schema.upgrade(sqlite)
    with sqlite.begin() as connection:
        names = ", ".join(f"('us_{number}', 'user {number}', 'owner', '-', 1)" for number in range(50))
        connection.exec_driver_sql(f"INSERT INTO users (id, name, role, password_hash, created_at) VALUES {names}")
    sqlite.dispose()
    file = tmp_path / "bridge.db"
    content = bytearray(file.read_bytes())
    content[content.rindex(b"user 7")] ^= 0x20
    file.write_bytes(content)

    (pages,) = [found for found in schema.check(sqlite) if found.name == "pages"]

    assert "damaged" in pages.problem
    assert "bridge db restore" in pages.problem
