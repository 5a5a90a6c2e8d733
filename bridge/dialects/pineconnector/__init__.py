"""PineConnector: `LicenseID,command,symbol[,key=value…]`, https://docs.pineconnector.com/syntax."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.pairs import Pairs, is_text, items, read_pairs, refuse_unknown
from bridge.dialects.families.positions import PLAIN
from bridge.dialects.pineconnector.commands import COMMANDS, Closes, Command
from bridge.dialects.pineconnector.parameters import KEYS, SIZES, entry, management, size, stop, targets
from bridge.domain.intent import Intent, Kind, OrderIntent, OrderType, Reading, Side

_LICENCE = re.compile(r"\d{8,24}")
_WORD = re.compile(r"[A-Za-z+]{2,40}")
# TradeSgnl has the same licence in front but writes the action third; these are actions in both.
_ACTION_THIRD = ("buy", "sell", "close", "cancel")


def recognise(message: Message) -> str | None:
    """A licence, then a command, then a symbol; what else stands behind a licence number is a misspelt command."""
    if not is_text(message):
        return None
    parts = [part.strip() for part in message.text.split(",", 4)]
    if len(parts) < 2 or "=" in parts[0] or " " in parts[0]:
        return None
    if parts[1].casefold() in COMMANDS and (_LICENCE.fullmatch(parts[0]) or _has_pairs(parts)):
        return f'"{parts[1]}" stands between a licence and a symbol'
    if not _LICENCE.fullmatch(parts[0]):
        return None
    if _without_commas(parts[1]):
        return "it begins with a licence number and a command"
    if not _WORD.fullmatch(parts[1]) or len(parts) < 3:
        return None
    third = parts[2].casefold()
    return (
        None
        if "=" in third or third.startswith(_ACTION_THIRD)
        else "it begins with a licence number, a word and a symbol"
    )


def _without_commas(part: str) -> bool:
    """Whether the command was left out, or the rest was written with blanks."""
    return not part or part.split()[0].casefold() in COMMANDS


def _has_pairs(parts: list[str]) -> bool:
    return len(parts) > 3 and "=" in parts[3] and "=" not in parts[2]


def read(message: Message, context: Context) -> Reading:
    """One command for one symbol, as orders in the order in which they happen."""
    licence, command, symbol, pairs = _parts(message.text)
    orders = tuple(_orders(command, symbol, pairs))
    return Reading(
        dialect=DIALECT.name,
        kind=Kind.CONTROL if command.control else moves.kind_of(orders),
        orders=orders,
        control=command.control,
        account=licence,
        secret=values.optional_text(pairs.get("secret"), "secret"),
        atomic=command.combined or None,
        because=tuple(_unused(command, pairs)),
    )


def _parts(text: str) -> tuple[str, Command, str, Pairs]:
    parts = items(text, ",", 2, "LicenseID,command,symbol")
    if not parts[0]:
        raise Unreadable("missing_licence", "the first part must be the licence: LicenseID,command,symbol")
    command = COMMANDS.get(parts[1].casefold())
    if command is None:
        raise Unreadable("unknown_command", f'PineConnector has no command "{values.shown(parts[1])}"')
    if len(parts) < 3 or not parts[2] or "=" in parts[2]:
        raise Unreadable("missing_symbol", "the third part must be the symbol: LicenseID,command,symbol")
    pairs = read_pairs(parts[3:])
    refuse_unknown(pairs, KEYS, "PineConnector")
    if command.control and parts[2].casefold() != parts[1].casefold():
        raise Unreadable(
            "unexpected_symbol", f"{parts[1]} is for the receiver itself: repeat it where a symbol would stand"
        )
    return parts[0], command, values.symbol(parts[2]), pairs


def _orders(command: Command, symbol: str, pairs: Pairs) -> Iterator[OrderIntent]:
    if command.cancels:
        yield moves.cancel(command.cancels, symbol=symbol)
    if command.closes:
        yield _close(command.closes, command, symbol, pairs)
    if command.opens:
        yield _open(command.opens, command, symbol, pairs)
    if command.modifies:
        yield _modify(command.modifies, command, symbol, pairs)


def _open(side: Side, command: Command, symbol: str, pairs: Pairs) -> OrderIntent:
    members: dict[str, Any] = size(pairs) | entry(pairs, command.order_type) | management(pairs)
    return OrderIntent(
        intent=(moves.ENTER if command.closes else PLAIN)[side],
        symbol=symbol,
        side=side,
        order_type=command.order_type,
        stop_loss=stop(pairs),
        take_profit=targets(pairs),
        **members,
    )


def _close(position: Closes, command: Command, symbol: str, pairs: Pairs) -> OrderIntent:
    if position == "all":
        # The command closes every symbol; it is repeated where the symbol would stand.
        named = None if symbol.casefold() in COMMANDS else symbol
        return moves.flatten("all", symbol=named)
    if position == "both":
        return moves.flatten("symbol", symbol=symbol)
    if command.partly is None:
        return moves.leave(position, symbol=symbol)
    amount = values.positive(pairs.get("risk"), "risk")
    return moves.leave(position, symbol=symbol, quantity=amount, quantity_type=command.partly)


def _modify(side: Side, command: Command, symbol: str, pairs: Pairs) -> OrderIntent:
    stop_loss, take_profit = stop(pairs), targets(pairs)
    if stop_loss is None and not take_profit:
        raise Unreadable(
            "nothing_to_modify", "a new stop loss or take profit is needed: sl_pips=, tp_pips= or their like"
        )
    pending = command.order_type is not OrderType.MARKET
    narrowed = {"side": side.value} | ({"order_type": command.order_type.value} if pending else {})
    return OrderIntent(
        intent=Intent.MODIFY_ORDER if pending else Intent.MODIFY_POSITION,
        symbol=symbol,
        side=side,
        filter=narrowed,
        stop_loss=stop_loss,
        take_profit=take_profit,
    )


def _unused(command: Command, pairs: Pairs) -> Iterator[str]:
    if not command.opens and not command.partly:
        yield from (f"{key}= says nothing to this command and was not used" for key in SIZES if key in pairs)


DIALECT = Dialect(
    name="pineconnector",
    title="PineConnector",
    rank=20,
    recognise=recognise,
    read=read,
)
