"""Alertatron: `Keys(SYMBOL) { command(name=value, …); … }` and then `#bot`, https://alertatron.com/docs."""

from __future__ import annotations

from bridge.dialects.base import Context, Dialect, Message
from bridge.dialects.families.block_reading import reading
from bridge.dialects.families.command_blocks import has_block, is_older, parse
from bridge.domain.intent import Reading

_MARKER = "#bot"


def recognise(message: Message) -> str | None:
    """A block of commands with Alertatron's names, or with its `#bot`."""
    if not has_block(message.text):
        return None
    if _MARKER in message.text:
        return "it has a block of commands and #bot"
    return None if is_older(message.text) else "it has a block of commands: keys, symbol and braces"


def read(message: Message, context: Context) -> Reading:
    """The commands of each block. Without `#bot` Alertatron itself would not act, which is said in `anomaly`."""
    extras = {} if _MARKER in message.text else {"anomaly": "#bot marker missing"}
    return reading(DIALECT.name, parse(message.text), secret=None, extras=extras, notify=None)


DIALECT = Dialect(name="alertatron", title="Alertatron", rank=15, recognise=recognise, read=read)
