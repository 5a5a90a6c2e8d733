"""No secret reaches a log, in whatever shape somebody hands it over."""

from __future__ import annotations

import ast
import asyncio
import base64
import copy
import io
import json
import logging
import pickle
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

import bridge
from bridge.kit import logs
from bridge.kit.logs import FIELDS, Secret, configure, mask
from bridge.kit.settings import Settings

Lines = Callable[[], str]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    before = root.handlers[:], root.level, logging.raiseExceptions
    root.handlers.clear()  # `configure` would close them
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level, logging.raiseExceptions = before
    sys.excepthook, threading.excepthook = hooks
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = True
    structlog.reset_defaults()


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.fixture(params=["json", "text"])
def written(request: pytest.FixtureRequest) -> Lines:
    stream = io.StringIO()
    configure(settings(log_format=request.param, log_level="debug"), stream)
    return stream.getvalue


@pytest.fixture
def lines() -> Callable[[], list[dict[str, Any]]]:
    stream = io.StringIO()
    configure(settings(log_format="json"), stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def canary() -> str:
    """Fresh each time, so that none is remembered: the shape of our own secrets."""
    return secrets.token_urlsafe(32)


PLAIN = "kanarienvogel7"  # a secret that looks like a word: only its surroundings give it away
LONG = "Zk3vQ0f5bq8cXy1rT6mN2sLdWh4gJpEa9uOiRtCxVzM"


def shapes(secret: str) -> dict[str, str]:
    """A secret as it turns up in texts."""
    body = {"action": "buy", "secret": secret, "quantity": 1}
    plain_json, spaced = json.dumps(body, separators=(",", ":")), json.dumps(body, indent=1)
    return {
        "JSON": plain_json,
        "JSON with blanks": spaced,
        "JSON in JSON": json.dumps({"body": plain_json}),
        "JSON in JSON in JSON": json.dumps({"outer": json.dumps({"body": plain_json})}),
        "JSON cut short": plain_json[: plain_json.index(secret) + len(secret)],
        "JSON with a quote inside": json.dumps({"password": f'a"{secret}'}),
        "dict repr": repr(body),
        "bytes repr": repr(plain_json.encode()),
        "dict of bytes": repr({b"x-api-key": secret.encode()}),
        "dataclass repr": f"Login(user='me', api_secret='{secret}')",
        "keyword": f"connecting with access_token={secret}, again",
        "camel case": f'{{"accessToken": "{secret}", "clientSecret": "{secret}"}}',
        "YAML": f"password: {secret}",
        "nested": f"credentials={{'user': 'x', 'value': '{secret}'}}",
        "list": f"'tokens': ['{secret}', '{secret}']",
        "query": f"GET /orders?limit=5&token={secret}&page=2",
        "encoded query": f"/orders?{urlencode({'note': 'a b', 'token': secret})}",
        "form": urlencode({"username": "me", "password": secret}),
        "form in JSON": json.dumps(urlencode({"apikey": secret, "q": "ä"})),
        "Authorization": f"Authorization: Bearer {secret}",
        "Authorization of a broker": f"authorization: token abc:{secret}",
        "basic": f"Basic {base64.b64encode(f'me:{secret}'.encode()).decode()}",
        "Cookie": f"Cookie: theme=dark; id={secret}; x=1",
        "Set-Cookie": f"set-cookie: sid={secret}; HttpOnly",
        "ASGI headers": f"[(b'host', b'x'), (b'x-api-key', b'{secret}')]",
        "ASGI authorization": f"[(b'authorization', b'Bearer {secret}')]",
        "API key": f"the key brk_7w3kq9_{secret} is not known",
        "hook path": f"POST /hook/7w3kq9/{secret} HTTP/1.1",
        "hook address": f"https://bridge.example/hook/7w3kq9/{secret}?x=1",
        "hook path with escaped slashes": rf'"\/hook\/7w3kq9\/{secret}"',
        "hook path encoded": quote(f"/hook/7w3kq9/{secret}", safe=""),
        "hook path encoded twice": quote(quote(f"/hook/7w3kq9/{secret}", safe=""), safe=""),
        "JSON percent-encoded": quote(plain_json),
        "JSON percent-encoded with plus": quote_plus(spaced),
        "JSON in base64": base64.b64encode(plain_json.encode()).decode(),
        "JSON in URL-safe base64": base64.urlsafe_b64encode(plain_json.encode()).decode().rstrip("="),
        "hook path in base64": base64.b64encode(f"/hook/7w3kq9/{secret}".encode()).decode(),
        "database URL": f"postgresql://bridge:{secret}@db.example/bridge",
        "signing secret": f"whsec_{secret}",
        "TOTP": f"totp={secret} pin: {secret}",
        "environment": f"BRIDGE_DATABASE_PASSWORD={secret}",
        "tabs": f"secret\t=\t{secret}",
        "capitals": f"API_KEY: {secret.swapcase()}",
    }


def hidden(secret: str) -> list[str]:
    """What may not be found: the secret, and it in encodings from which anybody gets it back."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return [secret, secret.swapcase(), secret[:12], encoded, quote(secret)]


@pytest.mark.parametrize("shape", list(shapes("")))
@pytest.mark.parametrize("secret", [PLAIN, LONG])
def test_a_secret_is_masked_in_every_shape(shape: str, secret: str) -> None:
    text = shapes(secret)[shape]
    for surroundings in (text, f"before {text} after", text.ljust(200)):
        masked = mask(surroundings)
        assert logs.MASK in masked
        for form in hidden(secret):
            assert form not in masked


@pytest.mark.parametrize("shape", ["JSON in base64", "JSON in URL-safe base64", "basic"])
def test_no_base64_is_left_from_which_a_secret_can_be_read(shape: str) -> None:
    text = shapes(PLAIN)[shape].removeprefix("Basic ")
    assert text[:16] not in mask(shapes(PLAIN)[shape])


@pytest.mark.parametrize(
    "text",
    [
        f"{canary()}",
        f"value was {canary()}.",
        "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHiJkLmNoPq",
        base64.b64encode(canary().encode()).decode(),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "xoxb-1234-5678-abcdef",
        "https://api.telegram.org/bot123456789:AAF9x_abcdefghijklmnopqrstuvwxyz0/getMe",
        "gAAAAABmZm9vYmFyYmF6cXV4",
    ],
    ids=["token", "token in a sentence", "letters", "base64", "JWT", "Slack", "Telegram", "Fernet"],
)
def test_a_credential_is_known_by_its_own_looks(text: str) -> None:
    assert logs.MASK in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "alert_answered",
        "al_01kabcdefghjkmnpqrstvwxyz0 went to ac_01kabcdefghjkmnpqrstvwxyz0",
        "52.89.214.238 and 2001:db8::7",
        "2026-01-05T04:00:00.123456Z",
        "NSE:NIFTY26JAN25000CE buy 75 @ 102.35",
        "the token has expired, log in again",
        "order 250105000000123 is open at zerodha, instrument_token=408065",
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
        "Traceback: File /usr/lib/python3.11/asyncio/base_events.py, line 653, in run_until_complete",
        "test_a_repeated_alert_is_answered_but_not_sent_twice",
        'GET /api/v1/orderbook?symbol=INFY HTTP/1.1" 200',
        "idempotency_key=row 17",
        "100% of 20 % done",
        "₹ 1,00,000 – ok",
    ],
)
def test_what_a_person_needs_is_left_as_it_is(text: str) -> None:
    assert mask(text) == text


@given(st.text(max_size=300))
def test_masking_never_fails_and_never_undoes_itself(text: str) -> None:
    once = mask(text)
    assert isinstance(mask(once), str)


@given(st.text(alphabet="abcXYZ019_-", min_size=6, max_size=30), st.sampled_from(["secret", "password", "api_key"]))
def test_whatever_stands_behind_such_a_name_is_gone(value: str, name: str) -> None:
    for text in (
        json.dumps({name: value}),
        repr({name: value}),
        f"{name}={value}",
        json.dumps(json.dumps({name: value})),
    ):
        assert value not in mask(text)


def test_a_very_long_text_is_cut() -> None:
    masked = mask("x " * 200_000 + " secret=" + PLAIN)
    assert len(masked) < 40_000
    assert PLAIN not in masked


@pytest.mark.parametrize(
    "piece",
    ["token", 'secret="', "secret\\", "secret\\n", "eyJ-", "hook/", "://a:", "Bearer ", "aB1-", "%2f", "cookie: "],
)
def test_no_text_takes_more_than_a_moment(piece: str) -> None:
    started = time.process_time()
    mask(piece * (32_000 // len(piece)))
    assert time.process_time() - started < 1.0  # some 10 ms; a pattern that backtracks takes minutes


def test_a_value_that_contains_itself_ends_somewhere(lines: Callable[[], list[dict[str, Any]]]) -> None:
    endless: dict[str, Any] = {"pin": PLAIN}
    endless["again"] = endless
    structlog.get_logger("bridge.test").info("event", state=endless)
    assert PLAIN not in json.dumps(lines())


# ---- Secret ----


def test_a_secret_prints_as_stars_wherever_it_goes() -> None:
    secret = Secret(PLAIN)
    printed = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", f"{secret!s} {secret!r}"]
    assert all(PLAIN not in text and logs.MASK in text for text in printed)
    assert secret.reveal() == PLAIN
    assert not hasattr(secret, "__dict__")


def test_a_secret_does_not_get_out_through_a_serialiser() -> None:
    for dump in (json.dumps, pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            dump(Secret(PLAIN))
    assert PLAIN not in json.dumps({"x": Secret(PLAIN)}, default=str)


def test_secrets_compare_by_their_text() -> None:
    assert Secret(PLAIN) == Secret(PLAIN)
    assert len({Secret(PLAIN), Secret(PLAIN), Secret("other")}) == 2
    assert Secret(PLAIN) != PLAIN
    assert not Secret("")


# ---- what is written ----


class Colour(Enum):
    RED = "red"


def test_forty_canaries_in_every_place_of_an_event_leave_no_trace(written: Lines) -> None:
    log, seeded = structlog.get_logger("bridge.test"), []
    for text in shapes(PLAIN).values():
        log.info(text)
        log.info("said %s", text)
        log.info(
            "event", reason=text, path=Path(text[:100]), unlisted=text, error=ValueError(text), state={"deep": [text]}
        )
    for _ in range(40):
        seeded.append(canary())
        log.debug("event", secret=seeded[-1], reason=seeded[-1], problem={"pin": seeded[-1]}, state=Secret(seeded[-1]))
        log.warning(
            "event", step=[("authorization", seeded[-1]), (b"x-api-key", seeded[-1].encode())], code=seeded[-1].encode()
        )
        log.info(
            "event", **{seeded[-1]: "as a name", "password": 739184650273, "job": {seeded[-1]: {"token": seeded[-1]}}}
        )
    assert logs.MASK in written()
    for found in [PLAIN, *seeded]:
        assert found not in written()
    assert "739184650273" not in written()


@pytest.mark.parametrize("text", list(shapes(PLAIN).values()))
def test_other_libraries_lines_are_masked_too(written: Lines, text: str) -> None:
    for name in ("httpx", "uvicorn.error", "telegram.ext", "sqlalchemy.engine"):
        logging.getLogger(name).warning("sending %s", text)
        logging.getLogger(name).error("failed: %r", {"body": text}, extra={"token": text})
    assert written().count("sending") == 4
    assert PLAIN not in written()


def test_exceptions_are_written_without_their_secrets(written: Lines) -> None:
    secret = canary()
    for log in (structlog.get_logger("bridge.test"), logging.getLogger("elsewhere")):
        try:
            try:
                raise KeyError(json.dumps({"password": PLAIN}))
            except KeyError as problem:
                raise RuntimeError(f"POST /hook/7w3kq9/{secret} failed") from problem
        except RuntimeError:
            log.exception("it broke")
    assert written().count("RuntimeError: POST") == 2
    assert "test_logs.py" in written()
    assert PLAIN not in written()
    assert secret not in written()


def test_local_variables_are_never_shown(written: Lines) -> None:
    shown_by_a_pretty_formatter = canary()[:20]
    try:
        raise ValueError(len(shown_by_a_pretty_formatter))
    except ValueError:
        structlog.get_logger("bridge.test").exception("it broke")
    assert shown_by_a_pretty_formatter not in written()


def test_ctrl_c_is_no_crash(written: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert "KeyboardInterrupt" in capsys.readouterr().err
    assert written() == ""


def test_a_crash_of_the_process_or_of_a_thread_is_masked(written: Lines) -> None:
    try:
        raise RuntimeError(f"secret={PLAIN}")
    except RuntimeError as problem:
        sys.excepthook(RuntimeError, problem, problem.__traceback__)
        crash = threading.ExceptHookArgs((RuntimeError, problem, problem.__traceback__, None))
    threading.excepthook(crash)
    assert written().count("crashed") == 2
    assert PLAIN not in written()


async def test_a_task_that_nobody_waited_for_is_masked(written: Lines) -> None:
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": RuntimeError(f"Bearer {LONG}")}
    )
    assert "never retrieved" in written()
    assert LONG not in written()


def test_a_line_that_cannot_be_formatted_is_not_printed_raw(written: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("elsewhere").error("%d tokens", PLAIN)
    assert PLAIN not in written() + capsys.readouterr().err


def test_servers_lines_have_neither_secret_nor_query_and_no_way_around(written: Lines) -> None:
    access = logging.getLogger("uvicorn.access")
    access.addHandler(logging.StreamHandler(io.StringIO()))
    configure(settings(log_format="json"), stream := io.StringIO())
    for path in (f"/hook/7w3kq9/{LONG}?a=b", f"/orders?q={PLAIN}", f"/hook%2F7w3kq9%2F{PLAIN}"):
        access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "POST", path, "1.1", 202)
    assert not access.handlers
    assert stream.getvalue().count("POST /") == 3
    assert LONG not in stream.getvalue()
    assert PLAIN not in stream.getvalue()


def test_an_event_is_a_line_of_json(lines: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.get_logger("bridge.test").info("sent", order="or_1", quantity=Decimal("1.5"), side=Colour.RED, ms=0.25)
    line = lines()[0]
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "sent",
        "level": "info",
        "logger": "bridge.test",
        "order": "or_1",
        "quantity": "1.5",
        "side": "red",
        "ms": 0.25,
    }


def test_text_under_a_field_that_is_not_listed_is_withheld(lines: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.get_logger("bridge.test").info("sent", comment="what I had for lunch", tries=3)
    assert lines()[0]["comment"] == "withheld: bridge.kit.logs.FIELDS does not list comment"
    assert lines()[0]["tries"] == 3


def test_nobody_can_forge_a_line_or_move_the_cursor(written: Lines) -> None:
    structlog.get_logger("bridge.test").info("a\nb", reason="x\n2026-01-05 [info] forged\x1b[2J")
    logging.getLogger("elsewhere").info("c\r\nd\x1b[31m")
    assert len(written().splitlines()) == 2
    assert "\x1b[2J" not in written()


def test_levels_are_kept(lines: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.get_logger("bridge.test").debug("too fine")
    logging.getLogger("elsewhere").debug("too fine")
    assert lines() == []


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="log_level"):
        settings(log_level="loud")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "coloured"), [(Terminal(), True), (io.StringIO(), False)])
def test_auto_is_coloured_text_on_a_terminal_and_json_elsewhere(stream: io.StringIO, coloured: bool) -> None:
    configure(settings(), stream)
    structlog.get_logger("bridge.test").info("hello")
    assert ("\x1b[" in stream.getvalue()) == coloured
    assert stream.getvalue().startswith("{") != coloured


def test_a_file_gets_json_lines_and_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 2_000)
    file = tmp_path / "logs" / "bridge.log"
    configure(settings(log_format="text", log_file=file), io.StringIO())
    for number in range(300):
        structlog.get_logger("bridge.test").info("line", number=number, secret=PLAIN)
    files = list(file.parent.iterdir())
    assert len(files) == 6
    assert json.loads(file.read_text().splitlines()[-1])["number"] == 299
    assert all(PLAIN not in each.read_text() for each in files)


def test_configuring_twice_writes_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure(settings(), first)
    configure(settings(), second)
    structlog.get_logger("bridge.test").info("hello")
    assert first.getvalue() == ""
    assert second.getvalue().count("hello") == 1


NUMBERS_AND_FLAGS = {"fence", "lease_kept", "ms", "seconds"}


def test_every_word_that_the_program_logs_may_be_written() -> None:
    """A text under a name that is not listed would be withheld just when somebody needs it."""
    calls = [
        (path.name, node.lineno, keyword.arg)
        for path in Path(bridge.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[0] in ("log", "_log")
        for keyword in node.keywords
    ]

    assert len(calls) > 50
    allowed = FIELDS | NUMBERS_AND_FLAGS | {"exc_info"}
    assert [call for call in calls if call[2] not in allowed] == []
