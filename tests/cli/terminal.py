"""What a person at a terminal does and sees."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from bridge.cli import main


class Terminal:
    """Runs commands in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "bridge.db"

    def __call__(self, *words: str, said: str | None = None, fails: int = 0) -> str:
        """Everything one command printed. `said` is typed in; `fails` is the exit status it is to end with."""
        result = CliRunner().invoke(main, list(words), input=said, catch_exceptions=False)
        assert result.exit_code == fails, result.output
        return result.output

    def json(self, *words: str, said: str | None = None, fails: int = 0) -> Any:
        """What a command printed as JSON."""
        return json.loads(self(*words, "--json", said=said, fails=fails).splitlines()[-1])

    def id(self, *words: str, said: str | None = None) -> str:
        """The id of what a command made."""
        return str(self.json(*words, said=said)["id"])

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What is in the database."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(sql, values).fetchall()
