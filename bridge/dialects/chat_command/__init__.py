"""The chat commands of freqtrade, github.com/freqtrade/freqtrade docs/telegram-usage.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.pairs import is_text
from bridge.domain.intent import Kind, OrderIntent, OrderType, Reading, Side

_COMMAND = re.compile(r"/([A-Za-z][A-Za-z_]{0,30})(?:@\w{1,40})?(?=\s|$)")
_TRADE_ID = re.compile(r"\d{1,12}")

_CONTROLS: Mapping[str, str] = {
    "start": "start",
    "stop": "stop",
    "pause": "stop_entries",
    "stopentry": "stop_entries",
    "stopbuy": "stop_entries",
    "reload_config": "reload_config",
    "reload_conf": "reload_config",
    "unlock": "unlock",
    "lock": "lock",
    "delete": "delete_trade",
    "reload_trade": "reload_trade",
    "marketdir": "market_direction",
    "blacklist_delete": "blacklist_delete",
    "bl_delete": "blacklist_delete",
}
_QUERIES = frozenset(
    {
        "status",
        "count",
        "locks",
        "profit",
        "profit_long",
        "profit_short",
        "performance",
        "balance",
        "daily",
        "weekly",
        "monthly",
        "stats",
    }
    | {
        "exits",
        "entries",
        "mix_tags",
        "trades",
        "order",
        "logs",
        "health",
        "edge",
        "help",
        "version",
        "whitelist",
        "show_config",
        "tg_info",
        "list_custom_data",
        "buys",
        "sells",
    }
)
_LISTS = frozenset({"blacklist", "bl"})  # show the list, or add to it


def recognise(message: Message) -> str | None:
    """One line that begins with a slash and a word."""
    found = _COMMAND.match(message.text) if is_text(message) and "\n" not in message.text else None
    return f"/{found[1]} is a chat command" if found else None


def read(message: Message, context: Context) -> Reading:
    """An order, or a word to the bot itself, which never trades."""
    words = message.text.split()
    name, arguments = words[0][1:].split("@")[0].casefold(), words[1:]
    if name in _ORDERS:
        return _ORDERS[name](arguments)
    if name in _CONTROLS or (name in _LISTS and arguments):
        return Reading(
            dialect=DIALECT.name,
            kind=Kind.CONTROL,
            control=_CONTROLS.get(name, "blacklist"),
            extras={"arguments": arguments} if arguments else {},
        )
    if name in _QUERIES | _LISTS:
        return Reading(dialect=DIALECT.name, kind=Kind.QUERY, extras={"query": " ".join([name, *arguments])})
    raise Unreadable("unknown_command", f'there is no command "/{values.shown(name)}"')


def _enter(side: Side, arguments: list[str]) -> Reading:
    if not 1 <= len(arguments) <= 2:
        raise Unreadable("bad_arguments", "expected a pair and at most a rate: /forcelong ETH/BTC 0.034")
    rate = values.positive(arguments[1], "rate") if len(arguments) == 2 else None
    order = OrderIntent(
        intent=moves.ENTER[side],
        symbol=values.symbol(arguments[0], "pair"),
        side=side,
        order_type=OrderType.LIMIT if rate else OrderType.DEFAULT,
        price=rate,
    )
    return Reading(dialect=DIALECT.name, kind=Kind.ORDER, orders=(order,))


def _exit(arguments: list[str]) -> Reading:
    if not arguments:
        # The bot answers with a list of trades to choose from.
        return Reading(dialect=DIALECT.name, kind=Kind.QUERY, extras={"query": "forceexit"})
    if len(arguments) > 1:
        raise Unreadable("bad_arguments", "expected one trade id, or all")
    if arguments[0].casefold() == "all":
        everything = moves.flatten("all")
        return Reading(dialect=DIALECT.name, kind=Kind.FLATTEN, orders=(everything,))
    order = moves.leave(
        "both", order_type=OrderType.DEFAULT, symbol_from="trade", extras={"trade_id": _trade(arguments)}
    )
    return Reading(dialect=DIALECT.name, kind=Kind.ORDER, orders=(order,))


def _cancel(arguments: list[str]) -> Reading:
    order = moves.cancel(symbol_from="trade", extras={"trade_id": _trade(arguments)})
    return Reading(dialect=DIALECT.name, kind=Kind.CANCEL, orders=(order,))


def _trade(arguments: list[str]) -> str:
    if len(arguments) != 1 or not _TRADE_ID.fullmatch(arguments[0]):
        raise Unreadable("bad_trade_id", f'expected a trade id, was "{values.shown(" ".join(arguments))}"')
    return arguments[0]


_ORDERS: Mapping[str, Callable[[list[str]], Reading]] = {
    **dict.fromkeys(("forcelong", "forcebuy", "forceenter"), lambda arguments: _enter(Side.BUY, arguments)),
    "forceshort": lambda arguments: _enter(Side.SELL, arguments),
    **dict.fromkeys(("forceexit", "forcesell", "fx"), _exit),
    **dict.fromkeys(("cancel_open_order", "coo"), _cancel),
}

DIALECT = Dialect(name="chat_command", title="Chat commands (freqtrade)", rank=20, recognise=recognise, read=read)
