"""A door for every test."""

import pytest

from tests.webhooks.door import Door


@pytest.fixture
def door() -> Door:
    return Door()
