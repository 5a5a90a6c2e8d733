"""Words for what to do, as home-made alerts spell them, and how several of them in one message go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.dialects.base import Unreadable
from bridge.dialects.families.positions import ENTER, LEAVE, PLAIN, SIDE_OF, Stance, claim
from bridge.dialects.families.synonyms import Member, Roles, bare_name
from bridge.dialects.families.values import boolean, refuse_placeholder, shown
from bridge.domain.intent import Intent, OrderType, Side

# "Open" and "hold" are no intents by themselves: the first needs a direction, the second asks for nothing.
OPEN = "open"
NOTHING = "nothing"

_SPELLINGS: dict[Intent | str, str] = {
    Intent.BUY: "buy b bull bullish strongbuy buysignal buyalert opbuy buylimit buystop buymarket",
    Intent.SELL: "sell s bear bearish strongsell sellsignal sellalert opsell selllimit sellstop sellmarket",
    Intent.ENTER_LONG: "long enterlong entrylong longentry longenter openlong longopen golong buytoopen bto longsignal",
    Intent.ENTER_SHORT: "short entershort entryshort shortentry shortenter openshort shortopen goshort selltoopen sto "
    "sellshort shortsignal",
    Intent.EXIT_LONG: "exitlong closelong longexit longclose selltoclose stc",
    Intent.EXIT_SHORT: "exitshort closeshort shortexit shortclose buytoclose buytocover cover",
    Intent.EXIT: "exit close flat closeposition exitposition",
    Intent.FLATTEN: "flatten closeall exitall closeallpositions flattenall",
    Intent.CANCEL_ORDERS: "cancel cancelall cancelorders cancelallorders",
    Intent.REVERSE: "reverse flip",
    Intent.ADD: "add increase",
    OPEN: "open enter entry",
    NOTHING: "none hold neutral wait nothing",
}
# A verb that says how, too, as MetaTrader writes them.
TYPES = {
    f"{side}{kind}": order_type
    for side in ("buy", "sell")
    for kind, order_type in (("limit", OrderType.LIMIT), ("stop", OrderType.STOP), ("market", OrderType.MARKET))
}
# Verbs that undo: in a member nobody knows they must not be passed over.
LEAVING = frozenset(
    {Intent.EXIT, Intent.EXIT_LONG, Intent.EXIT_SHORT, Intent.FLATTEN, Intent.CANCEL_ORDERS, Intent.REVERSE}
)
VERBS = {spelling: verb for verb, spellings in _SPELLINGS.items() for spelling in spellings.split()}

_FLAGS = {
    "buy": Intent.BUY,
    "long": Intent.ENTER_LONG,
    "sell": Intent.SELL,
    "short": Intent.ENTER_SHORT,
    "cover": Intent.EXIT_SHORT,
}
_TURNS = {
    frozenset({Intent.BUY, Intent.EXIT_SHORT}): Side.BUY,
    frozenset({Intent.SELL, Intent.ENTER_SHORT}): Side.SELL,
}
_STANCE_OF: dict[Any, Stance] = {Intent.ENTER_LONG: "long", Intent.ENTER_SHORT: "short"}
_ENTERED = {Side.BUY: Intent.ENTER_LONG, Side.SELL: Intent.ENTER_SHORT}


def known_verb(value: Any) -> Intent | str | None:
    """The verb a word stands for, in any case and with any marks between (`LONG_OPEN`), or `None`."""
    return VERBS.get(bare_name(value)) if isinstance(value, str) else None


def type_in_verb(said: Roles) -> OrderType | None:
    """The order type that stands inside a verb such as `BUY_LIMIT`."""
    words = (member.value for member in (*said.all("action"), *said.all("type")))
    return next((TYPES[bare_name(word)] for word in words if isinstance(word, str) and bare_name(word) in TYPES), None)


def verb_of(said: Roles) -> tuple[Intent | str, Side | None]:
    """What a message asks for, and the side when it has one. Refuses what is missing, unknown or contradicts itself."""
    if flags := _flags(said):
        return flags
    verbs = _verbs(said)
    if not verbs:
        raise Unreadable(
            "missing_side", "the message does not say what to do; add an action such as buy, sell or close"
        )
    return _together(verbs, known_verb(said.value("position_side")))


def _flags(said: Roles) -> tuple[Intent | str, Side | None] | None:
    """Boolean members named buy, sell, short and cover, of which usually one is set."""
    sent = {name: said.first(name) for name in _FLAGS if name in said}
    if not sent or "action" in said:
        return None
    raised = [_FLAGS[name] for name, flag in sent.items() if boolean(flag.value, flag.name)]
    if not raised:
        return NOTHING, None
    if len(raised) == 1:
        return raised[0], SIDE_OF[raised[0]]
    if side := _TURNS.get(frozenset(raised)):
        return Intent.REVERSE, side
    raise Unreadable("ambiguous_side", f"{' and '.join(sent)} are set together; it is not clear which one counts")


def _verbs(said: Roles) -> list[Intent | str]:
    found = [_verb(member) for member in said.all("action")]
    found += [verb for member in said.all("type") if (verb := known_verb(member.value))]
    if not found:
        found = [_verb(member) for member in said.all("position")]
    return found or _from_positions(said)


def _from_positions(said: Roles) -> list[Intent | str]:
    """TradingView's position words alone: the pair before and after tells the order, the one after where to be."""
    after, before = (
        claim(said.value(role), None, said.first(role).name) for role in ("position_after", "position_before")
    )
    if after is None or not bare_name(said.first("position_after").name).endswith("position"):
        return []
    if before is not None and before.side == after.side:
        return []  # more of it, or less: without the order's side nobody can tell
    if after.side == "flat":
        return [Intent.EXIT if before is None else LEAVE[before.side]]
    turns = before is not None and before.side != "flat"
    return [PLAIN[SIDE_OF[ENTER[after.side]]] if turns else ENTER[after.side]]


def _verb(member: Member) -> Intent | str:
    refuse_placeholder(member.value, member.name)
    verb = known_verb(member.value)
    if verb is None:
        raise Unreadable(
            "unknown_side",
            f'{member.name}: "{shown(member.value)}" is not known; expected a word such as buy, sell or close',
        )
    return verb


def _together(verbs: Sequence[Intent | str], held: Intent | str | None) -> tuple[Intent | str, Side | None]:
    different = list(dict.fromkeys(verbs))
    sides = {SIDE_OF[verb] for verb in different if verb in SIDE_OF}  # type: ignore[index]  # OPEN is in no table
    if len(different) == 1 and held is None:
        return different[0], next(iter(sides), None)
    if held is not None and len(sides) == 1:
        return _of_position(sides.pop(), held)
    if combined := _pair(different, sides):
        return combined
    raise Unreadable(
        "ambiguous_side", f"the message says {' and '.join(map(str, different))} at once; send one of them"
    )


def _of_position(side: Side, held: Intent | str) -> tuple[Intent, Side]:
    """Hedge-mode senders say the order's side and which position it belongs to."""
    stance = _STANCE_OF.get(held)
    entered = _ENTERED[side]
    if stance is None:
        return PLAIN[side], side
    return (entered, side) if _STANCE_OF[entered] == stance else (LEAVE[stance], side)


def _pair(different: Sequence[Intent | str], sides: set[Side]) -> tuple[Intent | str, Side | None] | None:
    """Two words that complete each other: close + long, open + buy, reverse + sell, buy + long."""
    if len(different) != 2 or len(sides) != 1:
        return None
    side = next(iter(sides))
    if Intent.EXIT in different:
        stance = next((_STANCE_OF[verb] for verb in different if verb in _STANCE_OF), None)
        return (LEAVE[stance], SIDE_OF[LEAVE[stance]]) if stance else None
    if OPEN in different:
        return _ENTERED[side], side
    for kept in (Intent.REVERSE, Intent.ADD, Intent.EXIT_LONG, Intent.EXIT_SHORT):
        if kept in different:
            return kept, side
    return (_ENTERED[side], side) if _ENTERED[side] in different else None
