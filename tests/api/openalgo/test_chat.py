"""`telegram/notify`, which keeps a notice, and what there is no bot for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.openalgo.conftest import Trader, trader

# As OpenAlgo's client sends it.
MESSAGE = {"username": "asha", "message": "📊 Daily summary\n✅ 8 won", "priority": 5}
POSTS = ["config", "start", "stop", "webhook", "broadcast", "preferences"]
GETS = ["config", "users", "stats", "preferences"]


async def notices(who: Trader) -> list[dict[str, Any]]:
    sql = "SELECT kind, severity, message, delivered_at FROM outbox WHERE user_id = :user ORDER BY id"
    return await who.house.reader.rows(sql, {"user": who.user_id})


async def test_a_message_is_kept_as_a_notice_for_the_keys_own_person(asha: Trader, ravi: Trader) -> None:
    reply = await asha.told("telegram/notify", **MESSAGE)

    assert reply == {"status": "success", "message": "Notification queued for delivery"}
    assert await notices(asha) == [
        {"kind": "message", "severity": "info", "message": MESSAGE["message"], "delivered_at": None}
    ]
    assert await notices(ravi) == []


@pytest.mark.parametrize(("priority", "severity"), [(1, "info"), (6, "info"), ("7", "warning"), (9, "critical")])
async def test_a_priority_becomes_a_severity(asha: Trader, priority: Any, severity: str) -> None:
    await asha.told("telegram/notify", **(MESSAGE | {"priority": priority}))

    assert [notice["severity"] for notice in await notices(asha)] == [severity]


@pytest.mark.parametrize("flag", [True, "True", "false"])
async def test_a_flag_may_be_text(asha: Trader, flag: Any) -> None:
    await asha.told("telegram/notify", **MESSAGE, wait_for_delivery=flag)

    assert len(await notices(asha)) == 1


@pytest.mark.parametrize("name", ["ravi", "nobody", "ASHA"])
async def test_nobody_else_can_be_written_to_and_all_strangers_look_alike(
    asha: Trader, ravi: Trader, name: str
) -> None:
    message = await asha.refused("telegram/notify", 404, **(MESSAGE | {"username": name}))

    assert message == "User not found or not linked to Telegram"
    assert await notices(asha) == await notices(ravi) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"message": ""}, "message"),
        ({"message": "x" * 4097}, "message"),
        ({"message": "x\u0000y"}, "message"),
        ({"username": ""}, "username"),
        ({"priority": 0}, "priority"),
        ({"priority": 11}, "priority"),
        ({"priority": True}, "priority"),
        ({"wait_for_delivery": "perhaps"}, "wait_for_delivery"),
        ({"wait_for_delivery": 1}, "wait_for_delivery"),
    ],
)
async def test_a_wrong_member_is_named_and_nothing_is_kept(asha: Trader, changes: dict[str, Any], field: str) -> None:
    message = await asha.refused("telegram/notify", 400, **(MESSAGE | changes))

    assert message.startswith("{'" + field + "': [")
    assert await notices(asha) == []


async def test_a_key_that_may_only_read_writes_to_nobody(asha: Trader) -> None:
    asha.key = await asha.house.accounts.add_key(asha.user_id, "sheet", ("read",))

    message = await asha.refused("telegram/notify", 403, **MESSAGE)

    assert "orders:write" in message
    assert await notices(asha) == []


async def test_a_person_is_written_to_thirty_times_a_minute_at_most(asha: Trader) -> None:
    busy = await trader(asha.house, asha.client, "busy")

    answers = [await busy.post("telegram/notify", **(MESSAGE | {"username": "busy"})) for _ in range(31)]

    assert [answer.status_code for answer in answers] == [200] * 30 + [429]


@pytest.mark.parametrize("path", POSTS)
async def test_what_would_change_the_bot_says_that_there_is_none(asha: Trader, path: str) -> None:
    message = await asha.refused(f"telegram/{path}", 409, message="hello", token="1:x")

    assert "no Telegram bot yet" in message


@pytest.mark.parametrize("path", GETS)
async def test_what_would_show_the_bot_says_that_there_is_none(asha: Trader, path: str) -> None:
    answer = await asha.get(f"telegram/{path}", days=7)

    assert answer.status_code == 409
    assert answer.json()["status"] == "error"
    assert "no Telegram bot yet" in answer.json()["message"]


async def test_nothing_is_sent_by_whatsapp(asha: Trader) -> None:
    message = await asha.refused("whatsapp/notify", 409, message="hello")

    assert "WhatsApp" in message


@pytest.mark.parametrize("path", ["telegram/notify", "telegram/start", "whatsapp/notify"])
async def test_a_stranger_learns_nothing(asha: Trader, path: str) -> None:
    asha.key = "brk_0_0"

    assert "Invalid API key" in await asha.refused(path, 401, **MESSAGE)
