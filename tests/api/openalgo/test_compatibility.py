"""The page about compatibility lists what there is."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.app import Bridge
from tests.api.openalgo.conftest import Trader

PAGE = Path(__file__).resolve().parents[3] / "docs" / "compatibility.md"
NAMES = re.compile(r"\{\w+(:\w+)?\}")


def listed() -> dict[str, str]:
    """What the page says of each endpoint."""
    rows = re.findall(r"^\| `([a-z/{}:_]+)` \| (served|not served: \d{3}) \|", PAGE.read_text(encoding="utf-8"), re.M)
    return {NAMES.sub("{}", path): said for path, said in rows}


def routed(house: Bridge) -> dict[str, set[str]]:
    """Each endpoint that OpenAlgo's clients call here, with its methods."""
    found = house._site().openapi()["paths"]
    return {
        NAMES.sub("{}", path.removeprefix("/api/v1/")): {method.upper() for method in operations}
        for path, operations in found.items()
        if any("openalgo" in operation.get("tags", ()) for operation in operations.values())
    }


def test_every_endpoint_of_openalgo_is_listed_as_it_is(house: Bridge) -> None:
    routes = routed(house)

    assert {path for path, said in listed().items() if said == "served"} <= set(routes)
    assert set(routes) <= {path for path, said in listed().items() if said != "not served: 404"}


async def test_what_is_not_served_says_so_with_the_status_of_the_page(asha: Trader) -> None:
    routes = routed(asha.house)
    for path, said in listed().items():
        if said != "served":
            ask = asha.get if routes.get(path) == {"GET"} else asha.post
            answer = await ask(path, username="asha", message="x")
            assert f"not served: {answer.status_code}" == said, path
