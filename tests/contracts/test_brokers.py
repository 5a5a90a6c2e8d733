"""Every broker folder keeps the port's promises: its recordings, and every bad reply we know."""

from __future__ import annotations

from importlib import import_module

import pytest

from bridge.brokers import declaration, declarations
from bridge.brokers.base import BrokerError, OutcomeUnknown, Unavailable
from tests.contracts.broker_conversations import Conversation, play, recorded, told, within
from tests.fakebroker.replies import BAD_REPLIES

RECORDED = recorded()
CASES = [(f"{each.broker}/{name}", case) for each in RECORDED for name, case in each.cases()]
ACCEPTED = [each for each in RECORDED if each.name == "place_order__accepted"]
NEVER_LEFT = ("ConnectError", "ConnectTimeout", "PoolTimeout")
MAY_HAVE_LEFT = ("ReadTimeout", "WriteTimeout", "ReadError", "WriteError", "CloseError", "RemoteProtocolError")
# what a transport can play back; the rest needs a socket and is in tests/brokers
WHOLE = [name for name, spoil in BAD_REPLIES.items() if spoil(b"{}").raw is None and spoil(b"{}").then == "keep"]


@pytest.mark.parametrize("talk", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_the_adapter_says_and_understands_what_was_recorded(talk: Conversation) -> None:
    result, word, tape = play(talk)
    assert tape.left == []
    if "raises" in talk.said:
        assert word is not None
        assert type(word).__name__ == talk.said["raises"]
        assert talk.said.get("code", word.code) == word.code
        assert talk.said.get("message", "") in str(word)
    else:
        assert word is None, word
        assert within(talk.said["gives"], told(result)), told(result)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("talk", ACCEPTED, ids=lambda talk: talk.broker)
def test_no_bad_reply_to_an_order_is_taken_for_an_answer(talk: Conversation, name: str) -> None:
    spoilt = BAD_REPLIES[name](b'{"status":"success","data":{"order_id":"1"}}')
    answer = {"status": spoilt.status, "text": spoilt.body, "headers": dict(spoilt.headers)}
    _, word, tape = play(talk.answered(answer))
    assert type(word) is OutcomeUnknown
    assert len(tape.heard) == len(talk.said["talk"])


@pytest.mark.parametrize(
    ("failure", "expected"),
    [*((each, Unavailable) for each in NEVER_LEFT), *((each, OutcomeUnknown) for each in MAY_HAVE_LEFT)],
)
@pytest.mark.parametrize("talk", ACCEPTED, ids=lambda talk: talk.broker)
def test_a_broken_connection_is_unknown_unless_no_byte_left(
    talk: Conversation, failure: str, expected: type[BrokerError]
) -> None:
    _, word, tape = play(talk.answered({"fails": failure}))
    assert type(word) is expected
    assert len(tape.heard) == len(talk.said["talk"])


@pytest.mark.parametrize("name", list(declarations()))
def test_a_broker_folder_has_its_card(name: str) -> None:
    card = declaration(name)
    assert card.name == name
    assert card.title


@pytest.mark.parametrize("name", list(declarations()))
def test_a_broker_with_a_network_has_recorded_an_accepted_order(name: str) -> None:
    assert declaration(name).capabilities.paper or name in {each.broker for each in ACCEPTED}


@pytest.mark.parametrize("name", [name for name in declarations() if not declaration(name).capabilities.paper])
def test_every_listed_refusal_has_been_recorded(name: str) -> None:
    lists = import_module(f"bridge.brokers.{name}.translate")
    assert lists.REFUSALS
    cases = [case for _, case in CASES if case.broker == name and "code" in case.said]
    proved = {(case.said["raises"], case.said["code"], case.last_answer["status"]) for case in cases}
    for listed, word in (("REFUSALS", "Rejected"), ("LOGIN", "LoginRequired"), ("THROTTLED", "Unavailable")):
        for code, status in getattr(lists, listed, ()):
            assert (word, code, status) in proved


def test_a_broker_that_does_not_exist_is_named_in_the_error() -> None:
    with pytest.raises(KeyError, match="no broker is called 'atlantis'"):
        declaration("atlantis")
