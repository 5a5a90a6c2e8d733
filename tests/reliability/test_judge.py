"""The judge itself: silent about three ledgers that agree, and loud about each way in which they can disagree."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from tests.reliability.judge import assert_clean, judge
from tests.reliability.ledgers import Journal, Ledgers, Row, Sent, Try, Wish
from tests.reliability.sender import alert
from tests.reliability.test_clocks import late_by_true_time
from tests.reliability.test_outages import called_absent
from tests.reliability.test_squareoff import sign_flips

SECOND = 1_000_000
SENT_AT = 1000.0
POSITION = ("account_id", "strategy_id", "exchange", "symbol", "product")


@dataclass
class Case:
    """Ledgers that agree, in pieces that a test may spoil: one alert, one order, filled."""

    sent: list[Sent]
    tables: dict[str, list[Row]]
    broker: list[Row]
    accounts: dict[str, str] = field(default_factory=lambda: {"ac1": "alpha"})

    @property
    def order(self) -> Row:
        return self.tables["orders"][0]

    def ledgers(self) -> Ledgers:
        return Ledgers(self.sent, Journal(**self.tables), self.broker, self.accounts, speed=1.0)

    def event(self, kind: str, at: float, provenance: str, **said: Any) -> None:
        row = {"seq": len(self.tables["events"]), "order_id": "or1", "type": kind, "at": int(at * SECOND)}
        self.tables["events"].append(row | {"provenance": provenance, "payload": json.dumps(said)})

    def move(self, to: str, at: float, provenance: str = "policy", **changes: Any) -> None:
        """Change the order, with the event that explains it."""
        changes |= {"state": to}
        self.event(f"order.{to.lower()}", at, provenance, **{"from": self.order["state"], "set": changes})
        self.order.update(changes)


def agreeing() -> Case:
    """An alert for 5 SBIN, answered, planned, sent, filled, and told truthfully by all three."""
    sent = alert("a0", "single", "buy", "SBIN", 5)
    sent.tries.append(Try(SENT_AT, 202, {"alert_id": "al1", "status": "accepted", "orders": [{"order_id": "or1"}]}))
    order: Row = {
        "id": "or1",
        "ref": "REF0000001",
        "trading_date": "2026-01-05",
        "account_id": "ac1",
        "strategy_id": "st1",
        "intent_id": "in1",
        "alert_id": "al1",
        "exchange": "NSE",
        "symbol": "SBIN",
        "product": "MIS",
        "side": "buy",
        "quantity": "5",
        "order_type": "market",
        "price": None,
        "trigger_price": None,
        "reduces": 0,
        "state": "QUEUED",
        "deadline": int((SENT_AT + 60) * SECOND),
        "filled": "0",
        "broker_order_id": None,
    }
    intent = {"id": "in1", "alert_id": "al1", "account_id": "ac1"}
    place = {"order_id": "or1", "number": 1, "operation": "place"}
    tables: dict[str, list[Row]] = {
        "alerts": [{"id": "al1", "status": "accepted", "dedupe_key": "id:a0"}],
        "intents": [intent | {"state": "DONE", "code": None, "message": None, "result": "full"}],
        "orders": [order],
        "attempts": [place | {"opened_at": int(1001 * SECOND), "closed_at": int(1002 * SECOND)}],
        "fills": [{"order_id": "or1", "quantity": "5"}],
        "positions": [{name: order[name] for name in POSITION} | {"quantity": "5"}],
        "events": [],
        "outbox": [],
    }
    case = Case([sent], tables, [])
    case.event("order.queued", SENT_AT, "policy", set=dict(order))
    case.move("SENDING", 1001)
    case.move("WORKING", 1002, "broker_reply", broker_order_id="b1")
    case.move("FILLED", 1003, "book", filled="5")
    case.broker += [request(), accepted(), fill("b1", "5")]
    return case


def request(n: int = 1, clock: float = 1001.5, **changes: Any) -> Row:
    said = {"tag": "REF0000001", "symbol": "SBIN", "exchange": "NSE", "side": "BUY", "quantity": "5"}
    more: Row = {"order_type": "MARKET", "product": "MIS", "price": None, "trigger_price": None, "validity": "DAY"}
    row = {"event": "request", "n": n, "clock": clock, "account": "alpha", "method": "POST", "path": "/orders"}
    return row | {"body": said | more | changes}


def accepted(order_id: str = "b1", n: int = 1, **changes: Any) -> Row:
    row = {"event": "accepted", "n": n, "source": "api", "clock": 1001.5, "visible_at": 1001.5, "account": "alpha"}
    row |= {"order_id": order_id, "status": "OPEN", **request()["body"]}
    return row | changes


def fill(order_id: str, quantity: str) -> Row:
    row = {"event": "fill", "clock": 1001.6, "trade_id": f"T{order_id}", "price": "100"}
    return row | {"order_id": order_id, "quantity": quantity}


def uncertain() -> Case:
    """The same alert, but nobody knows yet: the request is out, the process is gone."""
    case = agreeing()
    case.tables["events"] = case.tables["events"][:2]
    case.order.update({"state": "SENDING", "filled": "0", "broker_order_id": None})
    case.tables["fills"], case.tables["positions"], case.broker = [], [], [request()]
    case.move("UNKNOWN", 1005, "local_proof")
    case.tables["outbox"].append({"order_id": "or1", "at": int(1005 * SECOND)})
    return case


def not_placed(reads: int = 3) -> Case:
    """The same, proved never to have arrived."""
    case = uncertain()
    case.move("NOT_PLACED", 1080)
    said = json.loads(case.tables["events"][-1]["payload"]) | {"reads": reads}
    case.tables["events"][-1]["payload"] = json.dumps(said)
    return case


def test_ledgers_that_agree_are_clean() -> None:
    assert_clean(agreeing().ledgers(), 0)
    assert_clean(not_placed().ledgers(), 0)


Spoil = Callable[[Case], Any]


def _replaced(table: str, **changes: Any) -> Spoil:
    return lambda case: case.tables[table][0].update(changes)


def _without_order(state: str) -> Spoil:
    def spoil(case: Case) -> None:
        case.tables["orders"].clear()
        case.tables["intents"][0].update(state=state, result=None)

    return spoil


def _linked_twice(case: Case) -> None:
    case.tables["orders"].append(case.order | {"ref": "REF0000002"})


def _wished_otherwise(case: Case) -> None:
    case.sent[0].wishes = (Wish("alpha", "SBIN", "sell", Decimal(5)),)


def _again(case: Case) -> None:
    """A second order for the same alert, in the journal as at the broker."""
    other = copy.deepcopy(case.order) | {"id": "or2", "ref": "REF0000002", "broker_order_id": "b2", "filled": "0"}
    case.tables["orders"].append(other | {"state": "WORKING"})


def _burst(case: Case) -> None:
    case.broker += [request(n, 1010 + n / 100, tag=f"OTHER{n}") for n in range(2, 14)]


def _open_twice(case: Case) -> None:
    first = case.tables["attempts"][0]
    case.tables["attempts"].append(first | {"number": 2, "opened_at": first["closed_at"] - 1})


SPOILS: list[tuple[str, str, str, Spoil]] = [
    ("the alert is not there", "LOST", "no alert al1", lambda case: case.tables["alerts"].clear()),
    ("the intent is not there", "LOST", "no intent for alpha", lambda case: case.tables["intents"].clear()),
    ("the intent waits for ever", "LOST", "still waits", _replaced("intents", state="HELD")),
    ("planned without an order", "LOST", "without an order", _without_order("PLANNED")),
    ("ended for no reason", "LOST", "without order or reason", _without_order("EXPIRED")),
    ("the answer names a stranger", "LOST", "which is not there", lambda case: case.order.update(id="or9")),
    ("the order rests unsent", "LOST", "came to rest as QUEUED", lambda case: case.order.update(state="QUEUED")),
    ("the order rests half sent", "LOST", "came to rest as SENDING", lambda case: case.order.update(state="SENDING")),
    ("nobody ever asks", "LOST", "came to rest as UNKNOWN", lambda case: case.order.update(state="UNKNOWN")),
    ("at the broker twice", "DUPLICATE", "2 times", lambda case: case.broker.append(accepted("b2", 2))),
    ("an order out of nowhere", "DUPLICATE", "does not know", lambda case: case.broker.append(accepted("b2", 2, tag="NOBODYS"))),
    ("sent again", "DUPLICATE", "was sent again", lambda case: case.broker.append(request(2, 1004))),
    ("planned twice", "DUPLICATE", "asked for 1 orders", _again),
    ("one broker order for two of ours", "DUPLICATE", "linked to 2", _linked_twice),
    ("the broker has nothing", "GHOST", "does not exist", lambda case: case.broker.clear()),
    ("the broker has it for another", "GHOST", "does not exist", lambda case: case.broker.__setitem__(1, accepted(account="beta"))),
    ("filled only here", "GHOST", "at the broker 0", lambda case: case.broker.pop()),
    ("another quantity was sent", "WRONG", "quantity planned 5, sent 50", lambda case: case.broker.__setitem__(0, request(quantity="50"))),
    ("another side was sent", "WRONG", "side planned BUY, sent SELL", lambda case: case.broker.__setitem__(0, request(side="SELL"))),
    ("another symbol was sent", "WRONG", "symbol planned SBIN, sent INFY", lambda case: case.broker.__setitem__(0, request(symbol="INFY"))),
    ("another type was sent", "WRONG", "order type", lambda case: case.broker.__setitem__(0, request(order_type="LIMIT"))),
    ("another price was sent", "WRONG", "price planned None, sent 7", lambda case: case.broker.__setitem__(0, request(price="7"))),
    ("sent to another account", "WRONG", "went to beta", lambda case: case.broker[0].update(account="beta")),
    ("planned otherwise", "WRONG", "was not asked for", _wished_otherwise),
    ("planned smaller", "WRONG", "was not asked for", lambda case: case.order.update(quantity="4")),
    ("shown otherwise", "WRONG", "at the broker COMPLETE", lambda case: case.order.update(state="CANCELLED")),
    ("failed by our own word", "WRONG", "had not refused it", lambda case: case.move("REJECTED", 1004, "broker_reply")),
    ("written off", "WRONG", "the broker has it as b1", lambda case: case.order.update(state="NOT_PLACED", broker_order_id=None)),
    ("sent too late", "LATE", "after its deadline", lambda case: case.broker[0].update(clock=1063.0)),
    ("an event is missing", "BROKEN", "starts from", lambda case: case.tables["events"].pop(1)),
    ("the first event is missing", "BROKEN", "no event begins it", lambda case: case.tables["events"].pop(0)),
    ("the row was changed alone", "BROKEN", "events say quantity", lambda case: case.order.update(quantity="6")),
    ("our own word over the broker's", "BROKEN", "which the broker had said", lambda case: case.move("NOT_PLACED", 1010)),
    ("a fill taken back", "BROKEN", "filled fell", lambda case: case.move("FILLED", 1010, "book", filled="4")),
    ("two attempts at once", "BROKEN", "before 1 was closed", _open_twice),
    ("bytes without an attempt", "BROKEN", "1 requests, 0 attempts", lambda case: case.tables["attempts"].clear()),
    ("a fill counted twice", "BROKEN", "fills add up to 10", lambda case: case.tables["fills"].append(case.tables["fills"][0])),
    ("filled beyond the order", "BROKEN", "6 filled of 5", lambda case: case.order.update(filled="6")),
    ("a position out of nothing", "BROKEN", "add up to something else", _replaced("positions", quantity="7")),
    ("a fill without an order", "BROKEN", "a fill of or8", _replaced("fills", order_id="or8")),
    ("a fill without a position", "BROKEN", "made no position", lambda case: case.tables["positions"].clear()),
    ("not sent, but it was", "BROKEN", "its request reached the broker", lambda case: case.order.update(state="NOT_SENT")),
    ("too many in a second", "BROKEN", "more than 10 orders", _burst),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "says", "spoil"), SPOILS, ids=[name for name, *_ in SPOILS])
def test_a_disagreement_is_found(name: str, kind: str, says: str, spoil: Spoil) -> None:
    case = agreeing()
    spoil(case)
    found = [finding.what for finding in judge(case.ledgers(), 0).findings if finding.kind == kind]
    assert any(says in what for what in found), f"{name}: {judge(case.ledgers(), 0)}"


def test_an_unknown_order_of_which_nobody_was_told_is_hidden() -> None:
    case = not_placed()
    case.tables["outbox"].clear()
    assert [finding.kind for finding in judge(case.ledgers(), 0).findings] == ["HIDDEN"]


def test_a_notice_after_more_than_a_minute_is_hidden_too() -> None:
    case = not_placed()
    case.tables["outbox"][0]["at"] += 61 * SECOND
    assert judge(case.ledgers(), 0).count("HIDDEN") == 1


def test_absence_without_three_reads_is_no_proof() -> None:
    assert judge(not_placed(reads=2).ledgers(), 0).count("BROKEN") == 1


def test_an_attempt_left_open_is_broken() -> None:
    case = not_placed()
    case.tables["attempts"][0]["closed_at"] = None
    assert judge(case.ledgers(), 0).count("BROKEN") == 1


def test_sent_again_after_the_gateway_turned_it_away_is_no_duplicate() -> None:
    case = agreeing()
    turned_away = {
        "event": "refused",
        "n": 0,
        "account": "alpha",
        "type": "RateException",
        "message": "",
        "clock": 1001.1,
    }
    case.broker = [request(0, 1001.1), turned_away, *case.broker]
    case.tables["attempts"].insert(0, {**case.tables["attempts"][0], "number": 0, "opened_at": 0, "closed_at": 1})
    assert_clean(case.ledgers(), 0)


def test_an_order_that_only_closes_may_be_smaller_than_the_alert() -> None:
    case = agreeing()
    case.sent[0].wishes = (Wish("alpha", "SBIN", "buy", Decimal(9)),)
    assert judge(case.ledgers(), 0).count("WRONG") == 1
    case.order["reduces"] = 1
    assert judge(case.ledgers(), 0).count("WRONG") == 0


def test_the_verdict_names_the_seed_the_counts_and_the_items() -> None:
    case = agreeing()
    case.broker.clear()
    with pytest.raises(
        AssertionError, match=r"seed 4711: 0 LOST, 0 DUPLICATE, 1 GHOST(.|\n)*REF0000001 is FILLED as b1"
    ):
        assert_clean(case.ledgers(), 4711)


def test_late_by_true_time_does_not_believe_the_programs_deadline() -> None:
    case = agreeing()
    case.order["deadline"] = int(1e12) * SECOND
    assert not list(late_by_true_time(case.ledgers()))
    case.broker[0]["clock"] = SENT_AT + 70
    assert len(list(late_by_true_time(case.ledgers()))) == 1


def test_an_order_called_absent_that_the_broker_has_is_found_also_after_it_was_corrected() -> None:
    case = not_placed()
    assert not list(called_absent(case.ledgers()))
    case.broker.append(accepted())
    case.move("WORKING", 1090, "book", broker_order_id="b1")
    assert len(list(called_absent(case.ledgers()))) == 1


def test_a_sale_of_more_than_was_bought_is_a_flip() -> None:
    case = agreeing()
    assert not list(sign_flips(case.ledgers()))
    sale = accepted("b2", 2, side="SELL", tag="REF0000002")
    case.broker += [sale, fill("b2", "6")]
    assert len(list(sign_flips(case.ledgers()))) == 1
