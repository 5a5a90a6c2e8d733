"""The rooms in which people, strategies and sources are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from bridge.accounts import tables
from bridge.accounts.directory import Directory
from bridge.accounts.service import Accounts
from bridge.kit.database import Reader, Writer, connect, metadata
from bridge.kit.vault import Vault
from tests.support.clock import IdleClock

assert tables.users.metadata is metadata


class Office:
    """Accounts, and a directory beside them."""

    def __init__(self, folder: Path) -> None:
        self.engine = connect(f"sqlite:///{folder / 'x.db'}")
        metadata.create_all(self.engine)
        self.clock = IdleClock()
        self.writer, self.reader = Writer(self.engine), Reader(self.engine)
        self.vault = Vault(b"pepper" * 6, [Fernet.generate_key()])
        self.accounts = Accounts(self.writer, self.vault, self.clock)
        self.directory = Directory(self.reader, self.clock)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.reader.read(sql)
