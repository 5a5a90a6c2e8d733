"""CrossTrade for NinjaTrader: `key=value;` pairs, https://crosstrade.io/answers/faq/payload-reference."""

from __future__ import annotations

import re

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.crosstrade.commands import COMMANDS
from bridge.dialects.families import moves, values
from bridge.dialects.families.pairs import is_text, read_pairs, refuse_unknown
from bridge.domain.intent import Reading

_COMMAND = re.compile(r"(?:^|[;\s])command\s{0,3}=\s{0,3}([^;=]{0,40});", re.IGNORECASE)
_BARE = re.compile(r"(?:^|[\s,])command\s{0,3}=\s{0,3}([A-Za-z]{5,20})", re.IGNORECASE)
_ORDER_KEYS = frozenset(
    {"key", "relay_user", "relay_id", "command", "account", "instrument", "action", "qty", "order_type", "tif"}
    | {"limit_price", "stop_price", "take_profit", "stop_loss", "order_id"}
    | {"sync_strategy", "market_position", "prev_market_position", "out_of_sync"}
    | {"strategy", "strategy_id", "strategy_tag", "flatten_first", "delay"}
)
# Conditions that CrossTrade checks before it trades; handed on in its words.
_GUARDS = ("require_market_position", "max_positions", "trading_window")
# What only annotates the alert there.
_NOTES = frozenset(
    {"bypass_trade_windows", "cancel_after", "rate_limit"}
    | {"comment", "comments", "notes", "alert_name", "destination", "oco_id", "id", "time", "ticker"}
)


def recognise(message: Message) -> str | None:
    """A `command=…;` pair, or one of the commands without the semicolons that it needs."""
    if not is_text(message):
        return None
    if ";" in message.text and (found := _COMMAND.search(message.text)):
        return f"it has command={found[1].strip()}; between semicolons"
    bare = _BARE.search(message.text)
    return f"it has command={bare[1]}" if bare and bare[1].casefold() in COMMANDS else None


def read(message: Message, context: Context) -> Reading:
    """The command's orders for its account."""
    if ";" not in message.text:
        raise Unreadable("missing_separator", "every pair ends in a semicolon: command=PLACE;account=sim101;")
    pairs = read_pairs(part for part in message.text.split(";") if part.strip())
    refuse_unknown(pairs, _ORDER_KEYS | _NOTES | {*_GUARDS}, "CrossTrade")
    name = values.text(pairs.get("command"), "command").casefold()
    if name not in COMMANDS:
        raise Unreadable("unknown_command", f'CrossTrade has no command "{values.shown(name.upper())}"')
    orders = COMMANDS[name](pairs)
    guards = {key: values.shown(pairs[key]) for key in _GUARDS if pairs.get(key)}
    accounts = [account.strip() for account in pairs.get("account", "").split(",") if account.strip()]
    return Reading(
        dialect=DIALECT.name,
        kind=moves.kind_of(orders),
        orders=orders,
        account=accounts[0] if len(accounts) == 1 else None,
        accounts=tuple({"account": account} for account in accounts) if len(accounts) > 1 else (),
        strategy=values.optional_text(pairs.get("relay_id") or pairs.get("strategy_tag"), "strategy_tag"),
        secret=values.optional_text(pairs.get("key"), "key"),
        atomic=True if len(orders) > 1 else None,
        # Nobody here looks whether the condition holds, so the orders are shown and not sent.
        dry_run=True if guards else None,
        because=tuple(f"the orders are not sent: {key}={said} is not checked here" for key, said in guards.items()),
        extras=guards,
    )


DIALECT = Dialect(name="crosstrade", title="CrossTrade", rank=20, recognise=recognise, read=read)
