"""Sentences: what became of an alert, and whether everything is all right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bridge.accounts.model import Stop
from bridge.admin import figures
from bridge.admin.order_lines import OrderLine
from bridge.admin.words import INTENT_BADGES, OUTCOME_BADGES, OUTCOME_LINES, Badge
from bridge.domain.lifecycle import IntentState, OrderState
from bridge.kit.database import Row

_ENDS = {
    OrderState.PARKED: "needs you",
    OrderState.UNKNOWN: "being checked",
    OrderState.QUEUED: "queued",
    OrderState.SENDING: "being sent",
    OrderState.WORKING: "working",
    OrderState.PARTIALLY_FILLED: "part filled",
    OrderState.FILLED: "filled",
    OrderState.CANCELLED: "cancelled",
    OrderState.EXPIRED_AT_BROKER: "expired",
    OrderState.REJECTED: "rejected",
    OrderState.NOT_SENT: "not sent",
    OrderState.NOT_PLACED: "not placed",
}


def alert_title(alert: Row, intents: Sequence[Row], orders: Sequence[Row], lines: Sequence[OrderLine]) -> str:
    """The alert's page in a sentence: `Buy 65 SBIN: filled at 982.40`."""
    if alert["status"] == "duplicate":
        return "A repeat, which changed nothing"
    if alert["status"] == "noted":
        return _first_sentence(alert["message"]) or "A note, with nothing to trade"
    if orders:
        return f"{_wish(orders, lines)}: {_ends(orders, lines)}"
    said = alert["message"] or next((row["message"] for row in intents if row["message"]), "")
    if alert["outcome"] == "refused":
        return f"Refused: {_first_sentence(said)}" if said else "Refused"
    waiting = next((row for row in intents if row["state"] in ("AWAITING_CONFIRM", "HELD")), None)
    if waiting:
        return f"{intent_badge(waiting).word}: {waiting['symbol']}"
    return _first_sentence(said) or ("Accepted, orders are being planned" if intents else "Accepted")


def _first_sentence(text: str | None) -> str:
    return (text or "").strip().rstrip(".")


def _wish(orders: Sequence[Row], lines: Sequence[OrderLine]) -> str:
    symbols, sides = {row["symbol"] for row in orders}, {str(row["side"]).capitalize() for row in orders}
    accounts = {row["account_id"] for row in orders}
    side = sides.pop() if len(sides) == 1 else "Trade"
    if len(orders) == 1:
        return f"{side} {lines[0].quantity} {lines[0].symbol}"
    what = symbols.pop() if len(symbols) == 1 else figures.counted(len(symbols), "symbol")
    return f"{side} {what} on {figures.counted(len(accounts), 'account')}"


def _ends(orders: Sequence[Row], lines: Sequence[OrderLine]) -> str:
    if len(orders) == 1:
        end = _ENDS[OrderState(orders[0]["state"])]
        return f"{end} at {lines[0].average}" if end == "filled" and lines[0].average else end
    ends = Counter(OrderState(row["state"]) for row in orders)
    if len(ends) == 1 and (state := next(iter(ends))) is not OrderState.PARKED:
        return f"all {_ENDS[state]}"
    # What is settled first, what needs the reader last: it is what they will remember.
    places = list(_ENDS)
    ordered = sorted(ends, key=places.index, reverse=True)
    return ", ".join(f"{figures.number_word(ends[state])} {_end(state, ends[state])}" for state in ordered)


def _end(state: OrderState, number: int) -> str:
    return "need you" if state is OrderState.PARKED and number > 1 else _ENDS[state]


def intent_badge(intent: Row) -> Badge:
    """The intent's state; done says how much was done, refused and held say why."""
    badge = INTENT_BADGES[IntentState(intent["state"])]
    if intent["state"] == "DONE" and intent["result"]:
        return badge.saying({"full": "Done", "partial": "Done in part", "none": "Done, no trade"}[intent["result"]])
    if intent["state"] in ("REFUSED", "HELD") and intent["code"]:
        return badge.saying(f"{badge.word}: {intent['code'].replace('_', ' ')}")
    return badge


def outcome_badge(alert: Row, lines: Sequence[OrderLine]) -> Badge:
    """What became of an alert, as one badge; a single order's own state says more."""
    if len(lines) == 1 and alert["status"] == "accepted":
        return lines[0].badge
    badge = OUTCOME_BADGES[alert["outcome"]]
    if alert["outcome"] == "refused" and alert["code"]:
        return badge.saying(f"Refused: {alert['code'].replace('_', ' ')}")
    return badge


@dataclass(frozen=True, slots=True)
class SumLine:
    """One line of the day's sum, with its share of the bar on a scale of a thousand."""

    outcome: str
    label: str
    number: int
    x: int
    width: int


def day_sum(counts: Mapping[str, int]) -> tuple[list[SumLine], int]:
    """The day's alerts by outcome and their total. Every alert is in exactly one line, so the lines add up."""
    whole = sum(counts.values())
    found, x = [], 0
    for outcome, label in OUTCOME_LINES.items():
        number = counts.get(outcome, 0)
        width = 1000 * number // whole if whole else 0
        found.append(SumLine(outcome, label, number, x, width))
        x += width
    return found, whole


@dataclass(frozen=True, slots=True)
class Headline:
    """The first second's answer. `tone`: calm, act or stop."""

    sentence: str
    tone: str


def headline(unfinished: Mapping[str, int], stop: Stop | None, last_alert_at: int | None) -> Headline:
    """Is everything all right, what needs me."""
    parked, unknown = unfinished.get("PARKED", 0), unfinished.get("UNKNOWN", 0)
    waiting = unfinished.get("AWAITING_CONFIRM", 0)
    if parked:
        rest = (
            "Trading is stopped." if stop else "The rest is in order." if not unknown else "Others are being checked."
        )
        return Headline(
            f"{_capital(figures.counted(parked, 'order'))} {'needs' if parked == 1 else 'need'} you. {rest}", "act"
        )
    if stop:
        return Headline("Trading is stopped.", "stop")
    if unknown:
        return Headline(f"We are asking about {figures.counted(unknown, 'order')}. You need do nothing.", "calm")
    if waiting:
        number = _capital(figures.counted(waiting, "order"))
        return Headline(f"{number} {'waits' if waiting == 1 else 'wait'} for your yes.", "calm")
    if last_alert_at is None:
        return Headline("Ready. No alert yet.", "calm")
    return Headline("Everything is in order.", "calm")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def stop_sentence(stop: Stop, mine: str) -> str:
    """`Trading is stopped for everyone since 11:43:00.`"""
    whom = "for everyone" if stop.scope == "global" else "for you" if stop.scope == "user" else mine
    return f"Trading is stopped {whom} since {figures.clock_time(stop.changed_at)} IST."


def uncertain_sentence(line: OrderLine, row: Row, last: Decimal | None, currency: str) -> str:
    """What an order that nobody is sure of means for the strategy's money."""
    price = last if last is not None else figures.decimal(row["price"] or row["trigger_price"])
    holds = f"The strategy holds either {line.filled} {line.symbol} from it"
    if price is None:
        return f"{holds}."
    return f"{holds}, worth about {figures.in_prose(price * Decimal(row['quantity']), currency)}."
