"""Secrets at rest: keys in a file of mode 0600, Fernet for what must be read again, HMAC for what must only be recognised."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class KeyFileProblem(Exception):
    """The key file cannot be used; the message says what to do."""


class Vault:
    """Encrypts, decrypts and fingerprints with the keys of one file: first line the pepper, then Fernet keys, newest first."""

    def __init__(self, pepper: bytes, keys: list[bytes]) -> None:
        self._pepper = pepper
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def open(cls, path: Path, *, first_start: bool = True) -> Vault:
        """The vault of a key file, made with fresh keys on first start. Refuses a file that others can read.

        `first_start` False: the database holds what the missing keys had sealed, and new ones would open nothing.
        """
        if not path.exists() and not first_start:
            raise KeyFileProblem(
                f"{path} is gone, and the database was written with its keys: put it back, then start again"
            )
        if not path.exists():
            _create(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyFileProblem(f"{path} can be read by others: chmod 600 it, then start again")
        unusable = f"{path} holds no usable keys: restore it from your backup of the keys"
        try:
            pepper, *keys = (base64.urlsafe_b64decode(line) for line in path.read_bytes().split())
        except ValueError as problem:
            raise KeyFileProblem(unusable) from problem
        if len(pepper) < 32 or not keys or any(len(key) != 32 for key in keys):
            raise KeyFileProblem(unusable)
        return cls(pepper, [base64.urlsafe_b64encode(key) for key in keys])

    def fingerprint(self, token: str) -> str:
        """A keyed hash of a high-entropy token: what tables keep in its place."""
        return hmac.new(self._pepper, token.encode(), hashlib.sha256).hexdigest()

    def matches(self, token: str, fingerprint: str) -> bool:
        """Whether the token has that fingerprint, in constant time."""
        return hmac.compare_digest(self.fingerprint(token), fingerprint)

    def seal(self, value: str, context: str) -> str:
        """Encrypt. `context` (table, row, column) is bound in, so that a sealed value is worthless in another row."""
        return self._fernet.encrypt(json.dumps([context, value]).encode()).decode()

    def unseal(self, sealed: str, context: str) -> str:
        """Decrypt; raises `KeyFileProblem` when the keys are wrong or the value belongs elsewhere."""
        try:
            bound, value = json.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken as problem:
            raise KeyFileProblem(
                "a stored secret was sealed with other keys: restore the key file it belongs to"
            ) from problem
        if bound != context:
            raise KeyFileProblem(f"a stored secret belongs to {bound}, not to {context}")
        return str(value)

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, the same at every start."""
        return hmac.new(self._pepper, purpose.encode(), hashlib.sha256).digest()


def _create(path: Path) -> None:
    """Make the file, whole at once: another process that starts at the same time makes its own or finds this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = base64.urlsafe_b64encode(secrets.token_bytes(32)) + b"\n" + Fernet.generate_key() + b"\n"
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(lines)
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # the other's keys stand
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
