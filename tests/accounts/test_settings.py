"""Settings take what was meant, or say that they do not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bridge.accounts.model import AccountSettings, StrategySettings


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(
    "name", ["dedupe_window_s", "orders_per_minute", "quantity", "quantity_max", "scan_symbols_max"]
)
def test_a_flag_is_no_number(name: str, value: bool) -> None:
    with pytest.raises(ValidationError, match="expected a number"):
        StrategySettings.model_validate({name: value})


@pytest.mark.parametrize("value", [0, 1, 1.0])
def test_a_number_is_no_flag(value: Any) -> None:
    with pytest.raises(ValidationError, match="expected true or false"):
        StrategySettings.model_validate({"any_symbol": value})


@pytest.mark.parametrize("value", [0, 900, 15.15, True])
def test_a_number_is_no_time(value: Any) -> None:
    with pytest.raises(ValidationError, match="expected a time"):
        StrategySettings.model_validate({"window": {"start": "09:15", "end": "15:30", "square_off": value}})


def test_numbers_and_flags_may_be_text() -> None:
    strategy = StrategySettings.model_validate({"any_symbol": "true", "dedupe_window_s": "5", "quantity": "2"})
    account = AccountSettings.model_validate({"orders_per_second": "3"})

    assert (strategy.any_symbol, strategy.dedupe_window_s, strategy.quantity) == (True, 5.0, 2)
    assert account.orders_per_second == 3
