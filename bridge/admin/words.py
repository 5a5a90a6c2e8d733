"""Every state in one table: its word, its icon and its form on the page.

Forms: `move` outline, `gain` green outline, `good` green tint, `bad` red tint, `gone` grey, `ask` dashed amber
(we are finding out), `act` filled amber (a person must act), `wait` amber outline. Never colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.lifecycle import IntentState, OrderState


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as a person sees it."""

    word: str
    icon: str
    form: str

    def saying(self, word: str) -> Badge:
        """The same badge with more in its word: age, reason, figures."""
        return Badge(word, self.icon, self.form)


ORDER_BADGES = {
    OrderState.QUEUED: Badge("Queued", "clock", "move"),
    OrderState.SENDING: Badge("Sending", "send", "move"),
    OrderState.UNKNOWN: Badge("Unknown, checking", "scan-search", "ask"),
    OrderState.PARKED: Badge("Parked", "hand", "act"),
    OrderState.WORKING: Badge("Working", "circle-dot", "move"),
    OrderState.PARTIALLY_FILLED: Badge("Part filled", "circle-dashed", "gain"),
    OrderState.FILLED: Badge("Filled", "circle-check", "good"),
    OrderState.CANCELLED: Badge("Cancelled", "circle-slash", "gone"),
    OrderState.EXPIRED_AT_BROKER: Badge("Expired", "timer-off", "gone"),
    OrderState.REJECTED: Badge("Rejected", "circle-x", "bad"),
    OrderState.NOT_SENT: Badge("Not sent", "circle-minus", "gone"),
    OrderState.NOT_PLACED: Badge("Not placed, proved", "search-x", "gone"),
}

INTENT_BADGES = {
    IntentState.RECEIVED: Badge("Received", "inbox", "move"),
    IntentState.PLANNED: Badge("Planned", "list-ordered", "move"),
    IntentState.AWAITING_CONFIRM: Badge("Waits for you", "stamp", "wait"),
    IntentState.HELD: Badge("Held", "pause", "wait"),
    IntentState.REFUSED: Badge("Refused", "shield-x", "bad"),
    IntentState.EXPIRED: Badge("Too old", "timer-off", "gone"),
    IntentState.CANCELLED: Badge("Cancelled", "circle-slash", "gone"),
    IntentState.DONE: Badge("Done", "circle-check", "good"),
}

# What became of an alert, in the order in which the sum on the home page lists it.
OUTCOME_BADGES = {
    "done": Badge("Done", "circle-check", "good"),
    "working": Badge("Working", "circle-dot", "move"),
    "refused": Badge("Refused", "shield-x", "bad"),
    "parked": Badge("Parked", "hand", "act"),
    "duplicate": Badge("Repeat", "copy", "gone"),
    "noted": Badge("Note", "message-square", "gone"),
}
OUTCOME_LINES = {
    "done": "Done",
    "working": "Working or waiting",
    "refused": "Refused here or by the broker, each with its reason",
    "parked": "Parked",
    "duplicate": "Repeats, which changed nothing",
    "noted": "Notes, nothing to trade",
}

PENDING_WORDS = {"cancel": "Cancel asked", "modify": "Change asked"}
# What the house concluded by itself says its reason instead.
PROVENANCE_WORDS = {
    "broker_reply": "from the broker’s reply",
    "book": "proved by the order book",
    "stream": "seen on the stream",
    "person": "decided by a person",
}


def dialect_title(name: str) -> str:
    """`traders_post` as words."""
    return name.replace("_", " ")
