"""A cursor is read back as it was written, and nothing else is taken for one."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from bridge.api.queries import BadCursor, _read, _written

PRINTABLE = st.text(st.characters(blacklist_categories=("C", "Z")))


@given(st.integers(0, 2**63 - 1), PRINTABLE)
def test_a_cursor_comes_back_as_it_went(stamp: int, row_id: str) -> None:
    assert _read(_written([stamp, row_id]), (int, str)) == [stamp, row_id]


@given(st.text())
def test_no_text_breaks_the_reading_of_a_cursor(text: str) -> None:
    with suppress(BadCursor):
        stamp, row_id = _read(text, (int, str))
        assert isinstance(stamp, int)
        assert isinstance(row_id, str)
