"""Reading the tables that ship with the package (`bridge/market/data/*.csv`)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def rows(table: str) -> tuple[Mapping[str, str], ...]:
    """Every row of `data/<table>.csv` as column → text; empty cells are empty strings."""
    text = (files("bridge.market") / "data" / f"{table}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
