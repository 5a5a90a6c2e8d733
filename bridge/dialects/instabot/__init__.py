"""Instabot Trader: the block grammar with older names, github.com/instabot42/trader-docs."""

from __future__ import annotations

import re

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.block_reading import reading
from bridge.dialects.families.command_blocks import has_block, is_older, parse
from bridge.domain.intent import Reading

# The password, or 16 hex digits of a SHA-256 over message and secret.
_SIGNATURE = re.compile(r"^[ \t]*sig:[ \t]*(\S{1,128})[ \t]*$", re.MULTILINE | re.IGNORECASE)
_NOTICE = "{!}"


def recognise(message: Message) -> str | None:
    """A block of commands with Instabot's names, and no `#bot`."""
    if "#bot" in message.text or not has_block(message.text):
        return None
    return "it has a block of commands with Instabot's names" if is_older(message.text) else None


def read(message: Message, context: Context) -> Reading:
    """The commands of each block; `{!}` sends the free text as a notice, a `sig:` line is the secret."""
    signature = _SIGNATURE.search(message.text)
    script = parse(_SIGNATURE.sub("", message.text).replace(_NOTICE, ""))
    return reading(
        DIALECT.name,
        script,
        secret=signature[1] if signature else None,
        extras={},
        notify=script.text or None if _NOTICE in message.text else None,
    )


DIALECT = Dialect(name="instabot", title="Instabot Trader", rank=15, recognise=recognise, read=read)
