"""Autoview: `key=value` parts with blanks between; commands on lines or between `|`; `&` joins exits to an order.

Source: https://autoview.com/syntax and https://autoview.com/builder/oanda.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from bridge.dialects.autoview.parameters import EXIT_KEYS, KEYS, order, portion
from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.pairs import Pairs, is_text, level, read_pairs, refuse_unknown
from bridge.domain.intent import Level, OrderIntent, Reading, Trailing

_COMMAND = re.compile(r"(?:^|[\s|&])(?:b=(?:buy|sell|long|short|all)|c=(?:order|position))(?=$|[\s|&])", re.IGNORECASE)
_FIRST_PART = re.compile(r"(?:^|[\s|&])([a-z]{1,5})=[^\s|&;,]", re.IGNORECASE)
_ATTACHED = EXIT_KEYS | {"q", "t"}


def recognise(message: Message) -> str | None:
    """A part `b=` with a side or `c=order|position`, among parts with short keys."""
    if not is_text(message):
        return None
    found = _COMMAND.search(message.text)
    if found:
        return f"it has the part {found[0].strip(' |&')}"
    # A side that is misspelt, as in b=lng, or missing is still this grammar when exchange and symbol are written its way.
    keys = {match[1].casefold() for match in _FIRST_PART.finditer(message.text[:400])}
    named = keys & {"e", "s"}
    return "it has e= and s=" if keys <= KEYS and (len(named) == 2 or (named and "b" in keys)) else None


def read(message: Message, context: Context) -> Reading:
    """The commands in order; those with `d=1` are shown and not sent."""
    commands = list(_commands(message.text))
    disabled = [bool(values.optional_boolean(pairs.get("d"), "d")) for pairs, _ in commands]
    dry_run = all(disabled)
    chosen = [command for command, off in zip(commands, disabled, strict=True) if dry_run or not off]
    orders = tuple(found for pairs, attached in chosen for found in _orders(pairs, attached))
    accounts = sorted({name for pairs, _ in chosen for name in pairs.get("a", "").split(",") if name})
    return Reading(
        dialect=DIALECT.name,
        kind=moves.kind_of(orders),
        orders=orders,
        account=accounts[0] if len(accounts) == 1 else None,
        accounts=tuple({"account": name} for name in accounts) if len(accounts) > 1 else (),
        dry_run=dry_run or None,
        because=("commands with d=1 were left out",) if any(disabled) and not dry_run else (),
    )


def _commands(text: str) -> Iterator[tuple[Pairs, list[Pairs]]]:
    """Each command with the parts that `&` joins to it. A part without `=` is a title; a lone delay= waits for the next."""
    waited: Pairs = {}
    moves.refuse_many(text.count("\n") + text.count("|") + text.count("&"))
    for said in re.split(r"[\n|]", text):
        if "=" not in said:
            continue
        first, *joined = [_pairs(part) for part in said.split("&") if part.strip()]
        if first.keys() == {"delay"}:
            waited = first
            continue
        yield {**waited, **first}, joined
        waited = {}


def _pairs(part: str) -> Pairs:
    pairs = read_pairs(part.split())
    refuse_unknown(pairs, KEYS, "Autoview")
    return pairs


def _orders(pairs: Pairs, joined: list[Pairs]) -> Iterator[OrderIntent]:
    main = order(pairs)
    others = []
    for part in joined:
        if part.keys() <= _ATTACHED and part.keys() & EXIT_KEYS:
            main = _attach(main, part)
        else:
            # Another order: it shares account, exchange and symbol with the one before.
            others.append(order({key: pairs[key] for key in ("a", "e", "s") if key in pairs} | dict(part)))
    yield main
    yield from others


def _attach(main: OrderIntent, part: Pairs) -> OrderIntent:
    share = portion(part)
    for key in part.keys() & EXIT_KEYS:
        found = level(part[key], key, "price" if key.startswith("f") else "offset")
        if found is not None:
            main = _with_exit(main, key, replace(found, portion_percent=share))
    return main


def _with_exit(main: OrderIntent, key: str, found: Level) -> OrderIntent:
    if key.endswith("tp"):
        return replace(main, take_profit=(*main.take_profit, found))
    if (main.trailing if key == "ts" else main.stop_loss) is not None:
        raise Unreadable("repeated_level", f"{key}: this exit is given twice; keep one of them")
    if key == "ts":
        return replace(main, trailing=Trailing(type=found.type, distance=found.value))
    return replace(main, stop_loss=found)


DIALECT = Dialect(name="autoview", title="Autoview", rank=25, recognise=recognise, read=read)
