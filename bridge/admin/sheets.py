"""Lists as CSV files that a spreadsheet opens as they are meant: numbers as numbers, and nothing as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from starlette.responses import Response

ROWS_MAX = 2_000
# What makes a spreadsheet take a text for a formula; the wide ones are those of East Asian keyboards.
_FORMULA_STARTS = frozenset("=+-@＝＋－＠")

Cell = str | Decimal | None


def sheet(name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A download called `name`.csv. Numbers come as `Decimal`, so that no text that looks like one is taken for it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_written(cell) for cell in row] for row in rows)
    # With the mark in front, Excel reads UTF-8 and not the codepage of its country.
    content = text.getvalue().encode("utf-8-sig")
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(content, media_type="text/csv", headers=headers)


def _written(cell: Cell) -> str:
    """The cell as text. Senders and brokers choose some of the words, so a formula's start is disarmed by an apostrophe."""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    text = cell or ""
    return f"'{text}" if text.lstrip()[:1] in _FORMULA_STARTS else text
