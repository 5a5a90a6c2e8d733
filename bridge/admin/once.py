"""A form that must count only once, however often its button is pressed and whichever process hears it."""

from __future__ import annotations

import secrets

from bridge.admin.visit import Visit
from bridge.kit.database import Row
from bridge.orders.journal import Claim, claim

_KEPT_MICROS = 86_400 * 1_000_000


def ticket() -> str:
    """A fresh form's number."""
    return secrets.token_urlsafe(16)


async def is_first(visit: Visit, alert: Row) -> bool:
    """Takes the posted form's ticket in the table that tells repeated alerts; False when it was taken before."""
    number = visit.form.get("ticket", "")[:100]
    if not number:
        return False
    wanted = Claim(f"form:{number}", visit.now + _KEPT_MICROS, strict=False)
    seen = await visit.ports.writer.run(
        lambda tx: claim(tx, alert["source_id"], wanted, alert["id"], alert["body_hash"], visit.now)
    )
    return seen is None
