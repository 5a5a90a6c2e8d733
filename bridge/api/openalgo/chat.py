"""Messages to a person's phone. There is no bot yet: what is to be told waits among the person's notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from bridge.api.openalgo.wire import Body, Call, Name, Refused, Wire
from bridge.kit.clock import micros
from bridge.orders import journal

LONGEST = 4096  # characters: what Telegram takes in one message
_BOT_POSTS = ("config", "start", "stop", "webhook", "broadcast", "preferences")
_BOT_GETS = ("config", "users", "stats", "preferences")


class Notify(Body):
    """A message to the person that the key belongs to."""

    username: Name
    message: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*$")]
    priority: Annotated[int, Field(ge=1, le=10)] = 5
    wait_for_delivery: bool = False


class Unserved(Body):
    """A body that nobody reads further."""


def severity(priority: int) -> str:
    """A priority of 1 to 10 in the words of notices: 7 and 8 warn, 9 and 10 are critical."""
    return "critical" if priority >= 9 else "warning" if priority >= 7 else "info"


def add(wire: Wire) -> None:
    """The endpoints of this module."""
    ports = wire.ports

    async def notify(call: Call, body: Notify) -> Mapping[str, Any]:
        """Tell the key's own person something. It is kept as a notice, which chats deliver once they are connected."""
        user, at = call.caller.user, micros(ports.clock.now())
        if body.username != user.name:
            # Nobody else can be written to, and whether such a person exists is not told.
            raise Refused(404, "User not found or not linked to Telegram")
        notice = journal.Notice("message", severity(body.priority), body.message)
        await ports.writer.run(lambda tx: journal.tell(tx, notice, at, user.id))
        return {"message": "Notification queued for delivery"}

    async def no_bot(call: Call, _: Unserved) -> Mapping[str, Any]:
        """Not served: Bridge has no Telegram bot yet (409)."""
        raise Refused(409, "This Bridge has no Telegram bot yet; telegram/notify keeps messages as notices.")

    async def no_whatsapp(call: Call, _: Unserved) -> Mapping[str, Any]:
        """Not served: Bridge sends nothing by WhatsApp (409)."""
        raise Refused(409, "This Bridge sends nothing by WhatsApp; telegram/notify keeps messages as notices.")

    wire.post("telegram/notify", Notify, notify, scope="orders:write", pace="chat")
    for path in _BOT_POSTS:
        wire.post(f"telegram/{path}", Unserved, no_bot, scope="orders:write", pace="chat")
    for path in _BOT_GETS:
        wire.get(f"telegram/{path}", Unserved, no_bot, pace="chat")
    wire.post("whatsapp/notify", Unserved, no_whatsapp, scope="orders:write", pace="chat")
