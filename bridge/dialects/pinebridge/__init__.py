"""Pinebridge: flat `signal=…,symbol=…,key=value` or the same keys as JSON.

Source: github.com/jakeshake/pinebridge, docs/tradingview-alert-format.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from bridge.dialects.base import Context, Dialect, Message, Unreadable
from bridge.dialects.families import moves, values
from bridge.dialects.families.levels import level, some
from bridge.dialects.families.pairs import is_text, one_of, read_pairs
from bridge.dialects.families.positions import PLAIN
from bridge.domain.intent import Intent, Level, OrderIntent, OrderType, QuantityType, Reading, Side

Members = Mapping[str, Any]

_ENTRIES: Mapping[str, tuple[Side, Intent]] = {
    "long": (Side.BUY, Intent.ENTER_LONG),
    "short": (Side.SELL, Intent.ENTER_SHORT),
    "buy": (Side.BUY, PLAIN[Side.BUY]),
    "sell": (Side.SELL, PLAIN[Side.SELL]),
}
_EXITS: Mapping[str, Literal["long", "short", "both"]] = {
    **dict.fromkeys(("closelong", "closealllong", "exitlong"), "long"),
    **dict.fromkeys(("closeshort", "closeallshort", "exitshort"), "short"),
    **dict.fromkeys(("close", "closeall", "exit"), "both"),
}
_ARMS = {"armlong": Side.BUY, "armshort": Side.SELL}
_CANCELS = {"cancellong": Side.BUY, "cancelshort": Side.SELL}
# Words that no other JSON dialect has under `signal`.
_OWN = frozenset({*_EXITS, *_ARMS, *_CANCELS, "modify"} - {"close", "closeall", "exit"})
_OWN_KEYS = frozenset(
    {"entry_price", "sl_price", "tp_price", "sl_pips", "tp_pips", "zone_id", "zone_src", "tv_price", "tv_time"}
)
_SIGNALS = frozenset({*_ENTRIES, *_OWN, *_EXITS})

_SIZES = {"qty": QuantityType.BASE, "size": QuantityType.LOTS}


def recognise(message: Message) -> str | None:
    """Pairs with `signal=` and `symbol=` between commas, or a JSON object with this dialect's own words."""
    if isinstance(message.json, dict):
        signal = message.json.get("signal")
        own = isinstance(signal, str) and (signal.casefold() in _OWN or not _OWN_KEYS.isdisjoint(message.json))
        return "it has `signal` with a word or a level of Pinebridge" if own and "symbol" in message.json else None
    text = message.text
    if (
        not is_text(message)
        or "signal" not in text.casefold()
        or "=" not in text
        or ";" in text
        or "\n" in text.strip()
    ):
        return None
    keys = [part.split("=", 1)[0].strip().casefold() for part in text.split(",") if "=" in part]
    return "it has signal= and symbol= between commas" if "signal" in keys and "symbol" in keys else None


def read(message: Message, context: Context) -> Reading:
    """One signal. Keys that the bridge does not know pass through it untouched, and mean nothing here."""
    said: Members = message.json if isinstance(message.json, dict) else read_pairs(message.text.split(","))
    signal = values.text(said.get("signal"), "signal").casefold()
    if signal not in _SIGNALS:
        raise Unreadable("unknown_command", f'Pinebridge has no signal "{values.shown(signal)}"')
    order = _order(signal, said)
    return Reading(
        dialect=DIALECT.name,
        kind=moves.kind_of([order]),
        orders=(order,),
        strategy=values.optional_text(said.get("strategy"), "strategy"),
        secret=values.optional_text(said.get("secret"), "secret"),
        alert_time=values.optional_text(said.get("tv_time"), "tv_time"),
    )


def _order(signal: str, said: Members) -> OrderIntent:
    members: dict[str, Any] = {"symbol": values.symbol(said.get("symbol")), "tag": _tag(said)}
    if signal in _EXITS:
        return moves.leave(_EXITS[signal], **members)
    if signal in _CANCELS:
        return _cancel(_CANCELS[signal], said, members)
    members |= {"stop_loss": _exit(said, "sl"), "take_profit": some(_exit(said, "tp"))}
    if signal == "modify":
        return _modify(members)
    members |= _size(said) | _price(signal, said)
    if signal in _ARMS:
        side = _ARMS[signal]
        # a zone that is armed again replaces the order that rests there
        verb, limit = PLAIN[side], OrderType.LIMIT
        return OrderIntent(intent=verb, side=side, order_type=limit, cancel_open_orders=True, **members)
    side, intent = _ENTRIES[signal]
    return OrderIntent(intent=intent, side=side, order_type=OrderType.MARKET, **members)


def _modify(members: dict[str, Any]) -> OrderIntent:
    if members["stop_loss"] is None and not members["take_profit"]:
        raise Unreadable("nothing_to_modify", "modify: needs a new sl_price or tp_price")
    return OrderIntent(intent=Intent.MODIFY_POSITION, **members)


def _cancel(side: Side, said: Members, members: dict[str, Any]) -> OrderIntent:
    # Only the order of that zone is removed, so the zone narrows the cancel.
    zone = values.optional_text(said.get("zone_id"), "zone_id")
    return moves.cancel(filter={"side": side.value} | ({"zone_id": zone} if zone else {}), **members)


def _size(said: Members) -> dict[str, Any]:
    found = one_of(said, _SIZES, "duplicate_volume", "size")
    if found is None:
        return {}
    key, unit = found
    return {"quantity": values.positive(said[key], key), "quantity_type": unit}


def _price(signal: str, said: Members) -> dict[str, Any]:
    if signal in _ARMS:
        return {"price": values.positive(said.get("limit_price"), "limit_price")}
    # The price when the signal was given; it turns absolute levels into distances and is no limit.
    return {"signal_price": values.unless_zero(said.get("entry_price") or said.get("tv_price"), "entry_price")}


def _exit(said: Members, stem: str) -> Level | None:
    price = level("price", said.get(f"{stem}_price"), f"{stem}_price")
    pips = level("pips", said.get(f"{stem}_pips"), f"{stem}_pips")
    if price and pips:
        raise Unreadable("repeated_level", f"{stem}_price and {stem}_pips both say it; keep one of them")
    return price or pips


def _tag(said: Members) -> str | None:
    zone = [values.text(said[key], key) for key in ("zone_id", "zone_src") if not values.absent(said.get(key))]
    return "/".join(zone) or values.optional_text(said.get("comment"), "comment")


DIALECT = Dialect(name="pinebridge", title="Pinebridge", rank=30, recognise=recognise, read=read)
