"""Settings that a person's charting programs keep here, to find them again on another machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict

from bridge.accounts.model import Role
from bridge.api.openalgo.account import Nothing
from bridge.api.openalgo.wire import Body, Call, Refused, Wire
from bridge.api.tables import chart_settings
from bridge.kit.clock import micros
from bridge.kit.database import Transaction

AT_ONCE = 50  # settings in one request
MOST = 200  # settings of one person
LARGEST = 1024 * 1024  # characters of JSON, all settings of a person together
LONGEST_NAME = 50


class Chart(Body):
    """Settings by name. `null` forgets one."""

    model_config = ConfigDict(frozen=True, extra="allow")


def add(wire: Wire) -> None:
    """The endpoints of this module."""

    async def load(call: Call, _: Nothing) -> Mapping[str, Any]:
        """All settings that the person's charting programs have kept."""
        rows = await wire.ports.reader.rows(
            "SELECT name, value FROM chart_settings WHERE user_id = :user ORDER BY name", {"user": call.caller.user.id}
        )
        return {"data": {row["name"]: json.loads(row["value"]) for row in rows}}

    async def keep(call: Call, body: Chart) -> Mapping[str, Any]:
        """Keep up to 50 settings: a name of up to 50 characters and any value; `null` forgets one. Others stay as they are."""
        if call.caller.user.role is Role.VIEWER:
            raise Refused(403, "A viewer may only read.")
        given = _given(body)
        user, now = call.caller.user.id, micros(wire.ports.clock.now())

        def work(tx: Transaction) -> bool:
            sizes = "SELECT name, LENGTH(value) AS size FROM chart_settings WHERE user_id = :user"
            kept = {row["name"]: row["size"] for row in tx.rows(sizes, {"user": user})}
            kept |= {name: len(value) for name, value in given.items()}
            kept = {name: size for name, size in kept.items() if given.get(name) != "null"}
            if len(kept) > MOST or sum(kept.values()) > LARGEST:
                return False
            for name, value in given.items():
                tx.execute(
                    "DELETE FROM chart_settings WHERE user_id = :user AND name = :name", {"user": user, "name": name}
                )
                if value != "null":
                    tx.insert(chart_settings, {"user_id": user, "name": name, "value": value, "updated_at": now})
            return True

        if not await wire.ports.writer.run(work):
            limit = f"a person may keep {MOST} settings, {LARGEST // 1024} KiB together"
            raise Refused(400, f"Nothing was kept: {limit}. Send null for those that nobody needs.")
        return {"message": "Settings kept.", "data": {"updated": sorted(given)}}

    wire.get("chart", Nothing, load)
    wire.post("chart", Chart, keep)


def _given(body: Chart) -> dict[str, str]:
    """The values as JSON text. Raises `Refused`."""
    members = body.model_extra or {}
    if not members:
        raise Refused(400, "There are no settings in the request.")
    if len(members) > AT_ONCE:
        raise Refused(400, f"There are more than {AT_ONCE} settings in the request.")
    for name in members:
        if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
            raise Refused(400, {name[:LONGEST_NAME]: [f"expected a name of 1 to {LONGEST_NAME} printable characters"]})
    return {name: json.dumps(value, default=float) for name, value in members.items()}
