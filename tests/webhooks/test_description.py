"""What OpenAPI says about the webhook route is what README says and what the door answers."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.webhooks import description, replies

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_answer_that_readme_explains_is_described() -> None:
    explained = set(re.findall(r"\b(?:[245]\d\d)\b", README.split("| answer |")[1].split("\n\n")[0]))

    assert explained <= description.ANSWERS.keys()


def test_every_answer_of_the_door_itself_is_described() -> None:
    statuses = {str(reply.status) for reply in vars(replies).values() if isinstance(reply, replies.Reply)} - {"500"}

    assert statuses
    assert statuses <= description.ANSWERS.keys()


def test_the_route_stands_under_its_own_path_and_takes_a_post() -> None:
    item = description.path_item()

    assert set(item) == {"post"}
    assert all(f"{{{parameter['name']}}}" in description.PATH for parameter in item["post"]["parameters"][:2])
