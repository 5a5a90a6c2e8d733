"""A strategy that was written for OpenAlgo runs against Bridge with OpenAlgo's own, unmodified client."""

from __future__ import annotations

import os

import pytest

from scripts.sdk_scoreboard import PAGE
from tests.journeys.sdk import BEGIN, END, NoClient, environment, play, scoreboard, verdict
from tests.journeys.sdk_judges import JUDGES, Story


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Story, list[str]]:
    try:
        python = environment()
    except NoClient as problem:
        if os.environ.get("CI"):
            pytest.fail(str(problem))
        pytest.skip(str(problem))
    return play(tmp_path_factory.mktemp("sdk"), python)


@pytest.fixture(scope="module")
def story(day: tuple[Story, list[str]]) -> Story:
    return day[0]


@pytest.mark.parametrize("call", JUDGES)
def test_the_client_is_answered_as_a_strategy_needs_it(story: Story, call: str) -> None:
    assert JUDGES[call](story)


def test_every_method_of_the_client_is_called_and_every_call_judged(day: tuple[Story, list[str]]) -> None:
    story, methods = day

    assert {line.method for line in story.lines.values()} == set(methods)
    assert set(story.lines) == set(JUDGES)


def test_the_scoreboard_of_the_documentation_is_that_of_this_run(story: Story) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page.partition(BEGIN)[2].partition(END)[0].strip() == scoreboard(story)
    assert {verdict(story, call)[1] for call in story.lines} == {"works"}
