"""What the commands of a block mean, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from bridge.dialects.base import Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.block_order import ORDER_TYPES, BlockOrder
from bridge.dialects.families.block_values import place, seconds
from bridge.dialects.families.command_blocks import Block, Step
from bridge.dialects.families.levels import some
from bridge.domain.intent import Intent, OrderIntent, Side

_ALIASES = {
    "marketorder": "market",
    "limitorder": "limit",
    "stopmarket": "stoporder",
    "stopmarketorder": "stoporder",
    "stoplimit": "stoporder",
    "stoplimitorder": "stoporder",
    "trailingstoporder": "trailingstop",
    "trailingstoploss": "trailingstop",
    "trailingstoplossorder": "trailingstop",
    "aggressive": "aggressiveentry",
    "aggressiveentryorder": "aggressiveentry",
    "scaledorder": "scaled",
    **dict.fromkeys(("steppedmarketorder", "twap", "twaporder"), "steppedmarket"),
    **dict.fromkeys(("icebergorder", "accdisorder"), "iceberg"),
    "stoportakeprofitorder": "stoportakeprofit",
    "cancelorders": "cancel",
    **dict.fromkeys(("slack", "sms", "telegram", "discord"), "notify"),
    "balance": "account",
}


@dataclass(slots=True)
class Run:
    """A block as far as it was read.

    `condition` is what must hold at the exchange for the rest to run.
    """

    block: Block
    orders: list[OrderIntent] = field(default_factory=list)
    delay_s: Decimal = Decimal(0)
    condition: str | None = None
    notices: list[str] = field(default_factory=list)
    asks_account: bool = False
    leverage: Decimal | None = None
    in_group: bool = False
    ended: bool = False
    entry: int | None = None
    left: Decimal = values.HUNDRED

    def obey(self, step: Step) -> None:
        """Take one command in."""
        name = _ALIASES.get(step.name, step.name)
        if not step.called and name == "stop":
            name = "stoporder"
        if name in ORDER_TYPES:
            self._order(name, step)
        elif name in _OTHERS:
            _OTHERS[name](self, step)
        else:
            raise Unreadable("unknown_command", f'"{values.shown(step.name)}" is no command that can be obeyed here')

    def _order(self, name: str, step: Step) -> None:
        order = BlockOrder(name, step, self.block.symbol)
        if self.entry is not None and order.leaves(self.orders[self.entry]):
            self._attach(order, self.entry)
        else:
            self._add(order)

    def _add(self, order: BlockOrder) -> None:
        intent = order.intent(after_entry=bool(self.orders) and any(o.side for o in self.orders))
        extras = dict(intent.extras) | ({"condition": self.condition} if self.condition else {})
        leverage = values.unless_zero(order.named.get("leverage"), "leverage") or self.leverage
        self.orders.append(replace(intent, delay_s=self.delay_s or None, extras=extras, leverage=leverage))
        self.entry = len(self.orders) - 1 if intent.side else None
        self.left = values.HUNDRED

    def _attach(self, order: BlockOrder, entry: int) -> None:
        main = self.orders[entry]
        if self.in_group:
            main = replace(main, extras=dict(main.extras) | {"oco": True})
        share = order.share(self.left, main)
        if order.name == "limit":
            self.left = max(self.left - share, Decimal(0)) if "position" in order.named else self.left
            main = replace(main, take_profit=(*main.take_profit, order.exit(share)))
        elif main.stop_loss is not None or main.trailing is not None:
            raise Unreadable("duplicate_stop_loss", "the entry has two stops; keep one of them")
        elif order.name == "trailingstop":
            main = replace(main, trailing=order.trailing())
        else:
            main = replace(main, stop_loss=order.exit(share if share < values.HUNDRED else None))
        self.orders[entry] = main


def _cancel(run: Run, step: Step) -> None:
    which = step.named.get("which") or (step.bare[0] if step.bare else "session")
    tag = step.named.get("tag") or (step.bare[1] if len(step.bare) > 1 else None)
    members: dict[str, Any] = {"symbol": run.block.symbol, "delay_s": run.delay_s or None}
    if which.casefold() in ("buy", "sell"):
        run.orders.append(moves.cancel(Side(which.casefold()), **members))
    elif which.casefold() == "all":
        run.orders.append(moves.cancel(scope="all", **members))
    elif which.casefold() == "tagged" and tag:
        run.orders.append(moves.cancel(filter={"tag": tag}, tag=tag, **members))
    elif which.casefold() == "session":
        run.orders.append(moves.cancel(filter={"opened_by": "this message"}, **members))
    else:
        raise Unreadable(
            "unknown_filter", f'{step.name}: expected all, buy, sell, session or tagged, was "{values.shown(which)}"'
        )
    run.entry = None


def _wait(run: Run, step: Step) -> None:
    said = step.named.get("duration") or (step.bare[0] if step.bare else "60s")
    run.delay_s += seconds(said, "wait")
    run.entry = None  # what follows is an order of its own, later


def _group(run: Run, step: Step) -> None:
    run.in_group = bool(step.named or step.bare)


def _condition(run: Run, step: Step) -> None:
    """Both test something about the exchange, which is not done here; only `always` and `never` are known beforehand."""
    said = step.named.get("if") or (step.bare[0] if step.bare else "always")
    if said.casefold() in ("always", "never"):
        run.ended = (said.casefold() == "always") == (step.name == "stop")
        return
    value = f" {step.named['value']}" if "value" in step.named else ""
    words = f"{'unless' if step.name == 'stop' else 'only if'} {values.text(said, step.name)}{value}"
    run.condition = f"{run.condition} and {words}" if run.condition else words


def _bracket(run: Run, step: Step) -> None:
    """Stop and target at once: those of the entry before, or new ones for the open position."""
    unknown = step.named.keys() - {"side", "tp", "sl", "amount", "tag"}
    if unknown:
        raise Unreadable("unknown_key", f'{step.name} has no argument "{values.shown(min(unknown))}"')
    target, stop = (place(step.named[key], key).level() if key in step.named else None for key in ("tp", "sl"))
    if target is None and stop is None:
        raise Unreadable("nothing_to_modify", f"{step.name}: needs tp= or sl=")
    if run.entry is None:
        symbol, delay = run.block.symbol, run.delay_s or None
        change = OrderIntent(intent=Intent.MODIFY_POSITION, symbol=symbol, delay_s=delay)
        run.orders.append(replace(change, stop_loss=stop, take_profit=some(target)))
        return
    main = run.orders[run.entry]
    if values.side(step.named.get("side"), "side") is main.side or main.stop_loss or main.take_profit:
        raise Unreadable("bad_bracket", f"{step.name}: must be the only exit of the entry before it, on the other side")
    run.orders[run.entry] = replace(main, stop_loss=stop, take_profit=some(target))


def _notify(run: Run, step: Step) -> None:
    run.notices.append(
        next((step.named[key] for key in ("msg", "message", "text") if key in step.named), " ".join(step.bare))
    )


def _account(run: Run, step: Step) -> None:
    run.asks_account = True


def _settings(run: Run, step: Step) -> None:
    run.leverage = values.unless_zero(step.named.get("leverage"), "leverage")


_OTHERS: Mapping[str, Callable[[Run, Step], None]] = {
    "cancel": _cancel,
    "wait": _wait,
    "onecancelsother": _group,
    "continue": _condition,
    "stop": _condition,
    "stoportakeprofit": _bracket,
    "notify": _notify,
    "account": _account,
    "exchangesettings": _settings,
}


def run(block: Block) -> Run:
    """Read a block to its end, or to a `stop` without condition."""
    state = Run(block)
    for step in block.steps:
        if not state.ended:
            state.obey(step)
    return state
