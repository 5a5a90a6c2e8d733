"""Plays a recorded conversation with a broker: compares what the adapter sends, gives the recorded answer.

One file is one call of the port; `bridge/brokers/fakebroker/README.md` describes the form.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

import bridge.brokers
from bridge.brokers import declaration
from bridge.brokers.base import Broker, BrokerError, Connection, OrderRequest
from bridge.domain.instrument import Instrument, InstrumentKind
from bridge.domain.intent import OrderType, Product, Side, TimeInForce

Json = dict[str, Any]
FOLDER = Path(bridge.brokers.__file__).parent


@dataclass(frozen=True, slots=True)
class Conversation:
    """One recording of one broker."""

    broker: str
    name: str
    said: Json = field(repr=False)

    @property
    def last_answer(self) -> Json:
        """What came back to the request that matters."""
        return dict(self.said["talk"][-1]["answer"])

    def cases(self) -> list[tuple[str, Conversation]]:
        """The conversation itself, or one for each answer in `answers` (same request, same outcome)."""
        if "answers" not in self.said:
            return [(self.name, self)]
        return [(f"{self.name}: {name}", self.answered(answer)) for name, answer in self.said["answers"].items()]

    def answered(self, answer: Json) -> Conversation:
        """The same with another last answer."""
        talk = [*self.said["talk"][:-1], {**self.said["talk"][-1], "answer": answer}]
        return Conversation(self.broker, self.name, {**self.said, "talk": talk})


def load(path: Path) -> Conversation:
    """One file."""
    return Conversation(path.parents[1].name, path.stem, json.loads(path.read_text(), parse_float=Decimal))


def recorded() -> list[Conversation]:
    """Every recording of every broker."""
    return [load(path) for path in sorted(FOLDER.glob("*/conversations/*.json"))]


class Tape:
    """The vendor's side: each request must be the next one recorded."""

    def __init__(self, talk: list[Json]) -> None:
        self.left = list(talk)
        self.heard: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.heard.append(request)
        assert self.left, f"not in the recording: {request.method} {request.url.path}"
        turn = self.left.pop(0)
        assert_same(request, turn["request"])
        return answer_of(turn["answer"])


def answer_of(answer: Json) -> httpx.Response:
    """`{"status", "json" | "text", "headers"}`, or `{"fails": "ReadTimeout"}` for a failure of httpx's by name."""
    if "fails" in answer:
        failure: Exception = getattr(httpx, answer["fails"])("as recorded")
        raise failure
    body = dumps(answer["json"]) if "json" in answer else answer.get("text", "")
    content = body if isinstance(body, bytes) else body.encode()
    return httpx.Response(answer["status"], content=content, headers=answer.get("headers"))


def assert_same(request: httpx.Request, expected: Json) -> None:
    """Everything the recording names must be what was sent."""
    assert (request.method, request.url.path) == (expected["method"], expected["path"])
    assert dict(request.url.params) == expected.get("query", {})
    for name, value in expected.get("headers", {}).items():
        assert request.headers.get(name) == value, name
    if "json" in expected:
        assert json.loads(request.content, parse_float=Decimal) == expected["json"]
    elif "form" in expected:
        assert dict(parse_qsl(request.content.decode(), keep_blank_values=True)) == expected["form"]
    else:
        assert request.content == b""


def connect(talk: Conversation, tape: Tape) -> Broker:
    """The adapter, with the tape in place of the network."""
    account = talk.said.get("account", {})
    connection = Connection(
        account_id="recorded",
        user_id="recorded",
        settings=account.get("settings", {}),
        credentials=account.get("credentials", {}),
        rest_url=account.get("rest_url", "https://broker.test"),
        services={"transport": httpx.MockTransport(tape)},
    )
    return declaration(talk.broker).connect(connection)


def play(talk: Conversation) -> tuple[Any, BrokerError | None, Tape]:
    """What the call gave, or the word it raised."""
    tape = Tape(talk.said["talk"])
    try:
        return asyncio.run(_call(connect(talk, tape), talk.said)), None, tape
    except BrokerError as word:
        return None, word, tape


async def _call(broker: Broker, said: Json) -> Any:
    arguments: list[Any] = [said["order_id"]] if "order_id" in said else []
    if "order" in said:
        arguments.append(order_request(said["order"]))
    try:
        return await getattr(broker, said["call"])(*arguments)
    finally:
        await broker.close()


def order_request(said: Json) -> OrderRequest:
    """`OrderRequest` from its JSON; the instrument's members stand beside the order's."""
    names = {each.name for each in fields(Instrument)} & set(said)
    instrument = {name: said[name] for name in names} | {"kind": InstrumentKind(said.get("kind", "equity"))}
    figures = ("price", "trigger_price", "market_protection_percent")
    return OrderRequest(
        ref=said["ref"],
        instrument=Instrument(**instrument),
        side=Side(said["side"]),
        quantity=Decimal(said["quantity"]),
        order_type=OrderType(said["order_type"]),
        product=Product(said["product"]),
        time_in_force=TimeInForce(said.get("time_in_force", "day")),
        **{name: Decimal(said[name]) for name in figures if said.get(name) is not None},
    )


def told(value: Any) -> Any:
    """A result as the recordings write it: decimals and times as text, enums as words."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: told(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, list | tuple):
        return [told(each) for each in value]
    return str(value) if isinstance(value, str) else value


def within(expected: Any, got: Any) -> bool:
    """Is everything expected there? Objects may have more members."""
    if isinstance(expected, Mapping):
        return isinstance(got, Mapping) and all(name in got and within(expected[name], got[name]) for name in expected)
    if isinstance(expected, list):
        return isinstance(got, list) and len(got) == len(expected) and all(map(within, expected, got))
    return bool(expected == got)


class _Exact(float):
    """A float that prints as the decimal it was read from."""

    def __new__(cls, number: Decimal) -> _Exact:
        made = super().__new__(cls, number)
        made.text = str(number)
        return made

    text: str

    def __repr__(self) -> str:
        return self.text


def dumps(value: Any) -> bytes:
    """JSON with decimals as the numbers they are."""
    return json.dumps(value, default=_Exact).encode()
