"""What a message asks for, and how it is shown."""

from __future__ import annotations

import json
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.intent import (
    BreakEven,
    Intent,
    Kind,
    Level,
    OrderIntent,
    OrderType,
    QuantityType,
    Reading,
    Side,
    plain,
)
from bridge.domain.refusal import Refusal


def test_each_side_undoes_the_other() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
    assert (Side.BUY.opposite, Side.SELL.opposite) == (Side.SELL, Side.BUY)


def test_an_intent_shows_only_what_was_said() -> None:
    said = OrderIntent(intent=Intent.BUY, symbol="INFY", quantity=Decimal("10.00"), extras={"magic": Decimal("1.5")})

    assert said.to_json() == {
        "intent": "buy",
        "symbol": "INFY",
        "quantity": 10,
        "quantity_type": "default",
        "order_type": "default",
        "magic": 1.5,
    }


def test_a_break_even_names_its_unit() -> None:
    plan = BreakEven(trigger=Decimal(20), offset=Decimal("1.5"), unit="percent")

    assert OrderIntent(intent=Intent.BUY, break_even=plan).to_json()["break_even"] == {
        "trigger_percent": 20,
        "offset_percent": 1.5,
    }
    without = OrderIntent(intent=Intent.BUY, break_even=BreakEven(trigger=Decimal(20)))
    assert without.to_json()["break_even"] == {"trigger_pips": 20}


def test_levels_are_shown_without_empty_members() -> None:
    intent = OrderIntent(intent=Intent.SELL, take_profit=(Level(type="price", value=Decimal(110), order="limit"),))

    assert intent.to_json()["take_profit"] == [{"type": "price", "value": 110, "order": "limit"}]


def test_a_reading_is_shown_without_its_secret() -> None:
    reading = Reading(
        dialect="generic_json",
        kind=Kind.ORDER,
        orders=(OrderIntent(intent=Intent.EXIT, symbol="SBIN"),),
        because=("it has a symbol",),
        strategy="Breakout",
        dedupe_value="42",
        secret="hunter2",
        extras={"magic": 7},
    )

    assert reading.to_json() == {
        "dialect": "generic_json",
        "kind": "order",
        "orders": [{"intent": "exit", "symbol": "SBIN", "quantity_type": "default", "order_type": "default"}],
        "refusal": None,
        "repaired": False,
        "strategy": "Breakout",
        "because": ["it has a symbol"],
        "magic": 7,
    }
    assert "hunter2" not in repr(reading)


def test_a_refused_reading_says_why() -> None:
    reading = Reading(dialect="x", kind=Kind.INVALID, refusal=Refusal("bad_number", "quantity: “ten” is no number"))

    assert reading.to_json()["refusal"] == {"code": "bad_number", "message": "quantity: “ten” is no number"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("10.000"), 10),
        (Decimal("10.5"), 10.5),
        (Decimal(10) ** 15, 1e15),
        (Decimal(10) ** 15 - 1, 999_999_999_999_999),
        (Decimal(-(10**15)), -1e15),
        (OrderType.STOP_LIMIT, "stop_limit"),
        (MappingProxyType({"a": (Decimal(1), [QuantityType.LOTS])}), {"a": [1, ["lots"]]}),
        (Level(type="percent", value=Decimal(2)), {"type": "percent", "value": 2}),
        ("text", "text"),
        (None, None),
        (True, True),
    ],
)
def test_values_become_plain_json(value: object, shown: object) -> None:
    found = plain(value)

    assert found == shown
    assert type(found) is type(shown)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**20), max_value=10**20))
def test_every_decimal_can_be_written_as_json(number: Decimal) -> None:
    assert json.loads(json.dumps(plain(number))) == pytest.approx(float(number))
