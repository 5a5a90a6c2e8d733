"""A whole script of command blocks as a reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bridge.dialects.base import Unreadable
from bridge.dialects.families import moves
from bridge.dialects.families.block_run import Run, run
from bridge.dialects.families.command_blocks import Script
from bridge.domain.intent import Intent, Kind, OrderIntent, Reading


def reading(
    dialect: str, script: Script, *, secret: str | None, extras: Mapping[str, Any], notify: str | None
) -> Reading:
    """The blocks' orders one block after the other; the blocks themselves run side by side."""
    moves.refuse_many(sum(len(block.steps) for block in script.blocks))
    runs = [run(block) for block in script.blocks]
    if not any(block.steps for block in script.blocks):
        raise Unreadable("empty_block", "there is no command between the braces")
    names = {found.block.account for found in runs}
    orders = tuple(_named(order, found, names) for found in runs for order in found.orders)
    waited, orders = _leading_wait(runs, orders)
    only = next(iter(names)) if len(names) == 1 else None
    called = all(step.called for block in script.blocks for step in block.steps)
    kind = _kind(runs, orders)
    conditions = sorted({order.extras["condition"] for order in orders if "condition" in order.extras})
    return Reading(
        dialect=dialect,
        kind=kind,
        orders=orders,
        account=only if called else None,
        bot=None if called else only,
        secret=secret,
        control="wait" if kind is Kind.CONTROL and waited else None,
        delay_s=waited,
        # Nobody here asks the exchange whether the condition holds, so the orders are shown and not sent.
        dry_run=True if conditions else None,
        because=tuple(f"the orders are not sent: they run {said}, which is not checked here" for said in conditions),
        notify=notify or "\n".join(said for found in runs for said in found.notices) or None,
        extras=extras,
    )


def _leading_wait(
    runs: Sequence[Run], orders: tuple[OrderIntent, ...]
) -> tuple[Decimal | None, tuple[OrderIntent, ...]]:
    """A wait before the first order delays the whole message; what is waited later belongs to the order behind it."""
    if len(runs) > 1:
        return None, orders
    if not orders:
        return runs[0].delay_s or None, orders
    first = orders[0].delay_s
    if first is None:
        return None, orders
    return first, tuple(replace(order, delay_s=((order.delay_s or first) - first) or None) for order in orders)


def _named(order: OrderIntent, found: Run, names: set[str]) -> OrderIntent:
    if len(names) == 1:
        return order
    return replace(order, extras=dict(order.extras) | {"account": found.block.account})


def _kind(runs: Sequence[Run], orders: Sequence[OrderIntent]) -> Kind:
    if orders:
        return Kind.CANCEL if all(order.intent is Intent.CANCEL_ORDERS for order in orders) else Kind.ORDER
    if any(found.delay_s or found.leverage for found in runs):
        return Kind.CONTROL
    if any(found.asks_account for found in runs):
        return Kind.QUERY
    return Kind.NOTIFY if any(found.notices for found in runs) else Kind.CONTROL
