"""Words that the members of several endpoints are made of: exchanges, dates, intervals."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from bridge.api.openalgo.wire import Body, Name, Upper
from bridge.market.candles import INTERVALS
from bridge.market.contracts import DERIVATIVE_EXCHANGES
from bridge.market.sessions import SEGMENT_OF_EXCHANGE

EXCHANGES = (*SEGMENT_OF_EXCHANGE, "GLOBAL_INDEX")
_WITH_CONTRACTS = (*DERIVATIVE_EXCHANGES, "CRYPTO")
_FIRST_YEAR, _LAST_YEAR = 1970, 2100


def _among(known: tuple[str, ...]) -> AfterValidator:
    def check(word: str) -> str:
        if word not in known:
            raise ValueError(f"expected one of {', '.join(known)}")
        return word

    return AfterValidator(check)


def _shown(known: tuple[str, ...]) -> Any:
    return Field(json_schema_extra={"enum": list(known)})


def day(value: Any) -> date:
    """A date as `YYYY-MM-DD`. Raises ValueError for anything else."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()):
        raise ValueError("expected a date as YYYY-MM-DD")
    try:
        found = date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("expected a date that the calendar has, as YYYY-MM-DD") from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise ValueError(f"expected a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return found


Exchange = Annotated[Upper, _among(EXCHANGES), _shown(EXCHANGES)]
DerivativesExchange = Annotated[Upper, _among(_WITH_CONTRACTS), _shown(_WITH_CONTRACTS)]
Interval = Annotated[Name, _among(INTERVALS), _shown(INTERVALS)]
Day = Annotated[date, BeforeValidator(day), WithJsonSchema({"type": "string", "format": "date"})]


class Listed(Body):
    """One instrument by its names."""

    symbol: Upper
    exchange: Exchange
