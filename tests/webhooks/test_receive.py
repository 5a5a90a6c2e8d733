"""The door: who is let in, what is told to whom, and what reaches the pipeline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.accounts.model import SourceSettings
from bridge.kit.database import StorageUnavailable
from bridge.orders.arrival import Answer, Arrival
from bridge.webhooks import request
from bridge.webhooks.gates import Gates
from bridge.webhooks.receive import Hook
from tests.webhooks.door import ALERT, PATH, PUBLIC_ID, SECRET, SENDER, Door, scope_of


def code(response: httpx.Response) -> str:
    return str(response.json()["code"])


async def test_an_alert_reaches_the_pipeline_as_it_was_sent(door: Door) -> None:
    response = await door.post("  buy INFY ₹\n", headers={"content-type": "text/plain; charset=utf-8"})
    assert response.status_code == 202
    assert response.json()["alert_id"] == "al_1"
    arrival = door.arrivals[0]
    assert (arrival.body, arrival.content_type) == ("  buy INFY ₹\n", "text/plain; charset=utf-8")
    assert (arrival.source, arrival.sender) == (door.source, SENDER)
    assert (arrival.received_at, arrival.started) == (door.clock.now(), door.clock.monotonic())
    assert (arrival.idempotency_key, arrival.proofs, arrival.dry_run) == (None, (), False)


async def test_the_pipelines_answer_goes_back_whole(door: Door) -> None:
    door.answer = Answer(422, {"status": "refused", "code": "stale", "quantity": Decimal("1.50")}, {"X-Trace": "/t/1"})
    response = await door.post()
    assert response.status_code == 422
    assert response.json() == {"status": "refused", "code": "stale", "quantity": "1.50"}
    assert response.headers["x-trace"] == "/t/1"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.content))


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        (PATH, ""),
        (PATH, "/hook"),
        (PATH.removeprefix("/hook"), ""),
        (PATH.removeprefix("/hook"), "/hook"),
        (f"/bridge{PATH}", "/bridge"),
        (f"/bridge{PATH}", "/bridge/hook"),
    ],
)
async def test_the_address_is_found_however_the_door_is_mounted(door: Door, path: str, root_path: str) -> None:
    sent = await door.call({"path": path, "root_path": root_path}, [{"type": "http.request", "body": b"buy"}])
    assert sent[0]["status"] == 202


async def test_it_works_mounted_in_an_application(door: Door) -> None:
    app = FastAPI()
    app.mount("/hook", door.hook)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bridge") as client:
        assert (await client.post(PATH, content=ALERT)).status_code == 202
        assert (await client.post("/hook/nobody/knows", content=ALERT)).status_code == 404


# ---- who does not know the secret ----


async def test_an_unknown_address_a_wrong_secret_and_a_disabled_source_answer_byte_for_byte_the_same(
    door: Door,
) -> None:
    disabled = door.add_source(public_id="disabled", secret="s" * 43)
    door.keep(replace(disabled, disabled=True))
    paths = ["/hook/nobody/secret", f"/hook/{PUBLIC_ID}/{SECRET[:-1]}", f"/hook/disabled/{'s' * 43}"]
    answers = [await door.call(scope_of(path)) for path in paths]
    assert answers[0][0]["status"] == 404
    assert answers[0] == answers[1] == answers[2]
    assert door.arrivals == []


@pytest.mark.parametrize(
    "path", ["/hook/nobody/secret", f"/hook/{PUBLIC_ID}/wrong", f"/hook/{PUBLIC_ID}/é", "/hook", PATH]
)
async def test_every_answer_costs_exactly_one_hash_whether_the_address_exists_or_not(door: Door, path: str) -> None:
    before = door.vault.fingerprints
    await door.call(scope_of(path), [{"type": "http.request", "body": b"buy"}])
    assert door.vault.fingerprints - before == 1


@pytest.mark.parametrize(
    "path",
    [
        "/hook",
        "/hook/",
        f"/hook/{PUBLIC_ID}",
        f"/hook/{PUBLIC_ID}/",
        f"/hook//{SECRET}",
        f"/hook/{SECRET}/{PUBLIC_ID}",
        f"{PATH}/",
        f"{PATH}/more",
        f"/{PATH}",
        f"x{PATH}",
        f"/hook/{PUBLIC_ID}/{SECRET.lower()}",
        f"/hook/{PUBLIC_ID}/{SECRET}%00",
        f"/hook/{PUBLIC_ID.upper()}/{SECRET}",
        f"/hook/{PUBLIC_ID}/\udcff",
        f"/hook/\udcff/{SECRET}",
        f"/hook/{PUBLIC_ID}/{'x' * 10_000}",
        "",
    ],
)
async def test_nothing_but_the_exact_address_is_an_address(door: Door, path: str) -> None:
    sent = await door.call(scope_of(path))
    assert sent[0]["status"] == 404
    assert door.arrivals == []


async def test_a_body_for_nobody_is_not_even_read(door: Door) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield pytest.fail("was read")

    assert (await door.post(body(), path="/hook/nobody/secret")).status_code == 404


async def test_both_secrets_work_during_a_rotation_and_then_only_the_new_one(door: Door) -> None:
    new_path = f"/hook/{PUBLIC_ID}/new-secret"
    door.rotate("new-secret", overlap_s=24 * 3600)
    assert [(await door.post(path=path)).status_code for path in (PATH, new_path)] == [202, 202]
    door.clock.advance(24 * 3600 - 1)
    assert (await door.post()).status_code == 202
    door.clock.advance(1)
    assert [(await door.post(path=path)).status_code for path in (PATH, new_path)] == [404, 202]


async def test_a_source_that_was_switched_off_or_removed_is_gone_at_once(door: Door) -> None:
    assert (await door.post()).status_code == 202
    door.change_source(disabled=True)
    assert (await door.post()).status_code == 404


async def test_the_twenty_first_bad_token_of_an_address_in_a_minute_blocks_it_for_fifteen_minutes(door: Door) -> None:
    wrong = f"/hook/{PUBLIC_ID}/wrong"
    assert {(await door.post(path=wrong)).status_code for _ in range(20)} == {404}
    response = await door.post(path=wrong)
    assert (response.status_code, response.headers["retry-after"]) == (429, "900")
    door.clock.advance(899)
    assert (await door.post(path="/hook/other/x")).headers["retry-after"] == "1"
    assert (await door.post(path=wrong, peer="203.0.113.10")).status_code == 404
    door.clock.advance(1)
    assert (await door.post(path=wrong)).status_code == 404


async def test_guesses_from_a_shared_address_do_not_keep_out_alerts_that_know_their_secret(door: Door) -> None:
    for _ in range(30):
        await door.post(path=f"/hook/{PUBLIC_ID}/wrong")
    assert (await door.post()).status_code == 202


# ---- what may be sent ----


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", "BREW"])
async def test_only_post_is_taken(door: Door, method: str) -> None:
    sent = await door.call({"method": method})
    assert sent[0]["status"] == 405
    assert (b"allow", b"POST") in sent[0]["headers"]


async def test_64_kib_are_taken_and_one_byte_more_is_refused(door: Door) -> None:
    assert (await door.post("x" * 65536)).status_code == 202
    response = await door.post("x" * 65537)
    assert (response.status_code, code(response)) == (413, "too_large")


async def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_large(door: Door) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 4096
            yield b"x" * 4096

    assert (await door.call_streaming(endless()))[0]["status"] == 413
    assert sent == 65536 + 4096


@pytest.mark.parametrize("length", ["65537", "9" * 30])
async def test_a_length_that_is_too_large_is_refused_before_reading(door: Door, length: str) -> None:
    sent = await door.call({"headers": [(b"content-length", length.encode())]})
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "x"])
async def test_a_coded_body_is_refused(door: Door, coding: str) -> None:
    response = await door.post(headers={"content-encoding": coding})
    assert (response.status_code, code(response)) == (415, "coding_not_supported")


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_a_body_that_says_it_is_not_coded_is_taken(door: Door, coding: str) -> None:
    assert (await door.post(headers={"content-encoding": coding})).status_code == 202


async def test_two_lines_of_content_encoding_are_both_looked_at(door: Door) -> None:
    headers = [("content-encoding", "gzip"), ("content-encoding", "identity")]
    assert (await door.post(headers=headers)).status_code == 415


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "Multipart/Mixed"])
async def test_multipart_is_refused(door: Door, content_type: str) -> None:
    response = await door.post(headers={"content-type": content_type})
    assert (response.status_code, code(response)) == (415, "multipart_not_supported")


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", "what"]
)
async def test_any_other_content_type_is_a_hint(door: Door, content_type: str) -> None:
    assert (await door.post(headers={"content-type": content_type})).status_code == 202
    assert door.arrivals[0].content_type == content_type


@pytest.mark.parametrize("value", [b"text/\xe9", b"x" * 201, b"a\x00b"])
async def test_a_content_type_that_cannot_be_kept_is_dropped(door: Door, value: bytes) -> None:
    await door.call({"headers": [(b"content-type", value)]}, [{"type": "http.request", "body": b"buy"}])
    assert door.arrivals[0].content_type == ""


@pytest.mark.parametrize("body", [b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", b"\xc0\xaf", b'{"a":"\x00"}'])
async def test_a_body_that_is_no_text_is_refused_and_not_passed_on(door: Door, body: bytes) -> None:
    response = await door.post(body)
    assert (response.status_code, code(response)) == (400, "not_utf8")
    assert door.arrivals == []


async def test_an_empty_body_is_the_pipelines_to_refuse(door: Door) -> None:
    assert (await door.post("")).status_code == 202
    assert door.arrivals[0].body == ""


async def test_a_body_in_many_pieces_is_put_together(door: Door) -> None:
    pieces = [{"type": "http.request", "body": b"b", "more_body": True}, {"type": "http.request", "more_body": True}]
    await door.call({}, [*pieces, {"type": "http.request", "body": b"uy"}])
    assert door.arrivals[0].body == "buy"


async def test_a_body_that_never_ends_is_given_up_after_five_seconds(door: Door) -> None:
    answering = asyncio.create_task(door.call_silent())
    await door.clock.run(4.9)
    assert not answering.done()
    await door.clock.run(0.1)
    assert (await answering)[0]["status"] == 408
    assert door.arrivals == []


async def test_trickling_bytes_do_not_win_time(door: Door) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            await door.clock.sleep(1)
            yield b"x"

    answering = asyncio.create_task(door.call_streaming(trickle()))
    await door.clock.run(5)
    assert (await answering)[0]["status"] == 408


async def test_no_timer_is_left_behind_by_an_alert_that_came_in_time(door: Door) -> None:
    await door.post()
    await door.clock.settle()
    assert door.clock.sleepers == 0


async def test_a_sender_that_hangs_up_halfway_has_sent_nothing(door: Door) -> None:
    sent = await door.call({}, [{"type": "http.request", "body": b"buy", "more_body": True}])
    assert sent[0]["status"] == 400
    assert door.arrivals == []


# ---- how fast, how many ----


async def test_a_source_has_a_burst_of_30_and_then_60_a_minute(door: Door) -> None:
    assert {(await door.post()).status_code for _ in range(30)} == {202}
    response = await door.post()
    assert (response.status_code, code(response), response.headers["retry-after"]) == (429, "too_fast", "1")
    door.clock.advance(1)
    assert [(await door.post()).status_code for _ in range(2)] == [202, 429]


async def test_one_sources_flood_does_not_touch_another(door: Door) -> None:
    door.add_source(public_id="other", secret="other-secret")
    for _ in range(40):
        await door.post()
    assert (await door.post(path="/hook/other/other-secret")).status_code == 202


async def test_a_settings_change_does_not_refill_the_bucket_but_a_new_rate_counts_at_once(door: Door) -> None:
    for _ in range(30):
        await door.post()
    door.change_source(name="Renamed")
    assert (await door.post()).status_code == 429
    door.change_source(settings=SourceSettings(burst=31))
    assert (await door.post()).status_code == 202


def test_sources_that_are_gone_are_forgotten(door: Door) -> None:
    gates = Gates(door.vault, door.clock)
    old = door.directory.snapshot
    for number in range(50):
        gates.of(replace(door.source, id=f"so_{number}"), old)
    gates.of(door.source, old)
    assert len(gates) <= len(old.sources) + 1


async def test_alerts_above_the_number_in_flight_are_told_to_come_again() -> None:
    door = Door(max_in_flight=1)
    first = asyncio.create_task(door.call_silent())
    await door.clock.settle()
    response = await door.post()
    assert (response.status_code, code(response), response.headers["retry-after"]) == (503, "overloaded", "1")
    await door.clock.run(5)
    await first
    assert (await door.post()).status_code == 202


async def test_strangers_take_no_place_from_alerts_in_flight() -> None:
    door = Door(max_in_flight=1)
    stranger = asyncio.create_task(door.call_silent(path="/hook/nobody/secret"))
    assert (await door.post()).status_code == 202
    await stranger


async def test_an_alert_that_could_not_be_stored_is_asked_for_again(door: Door) -> None:
    door.problem = StorageUnavailable("database is locked: /var/lib/bridge.db")
    response = await door.post()
    assert (response.status_code, code(response), response.headers["retry-after"]) == (503, "cannot_store", "2")
    assert "locked" not in response.text
    door.problem = None
    assert (await door.post()).status_code == 202


async def test_a_fault_of_ours_goes_to_the_applications_handler_and_is_counted(door: Door) -> None:
    door.problem = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await door.post()
    assert door.registry.get_sample_value("bridge_webhook_answers_total", {"status": "500"}) == 1


# ---- who may send ----


async def test_a_source_with_a_list_takes_alerts_only_from_it() -> None:
    door = Door(SourceSettings(allowed_senders=("198.51.100.0/24", "2001:db8::7")))
    assert (await door.post(peer="198.51.100.200")).status_code == 202
    assert (await door.post(peer="2001:DB8:0::7")).status_code == 202
    response = await door.post(peer="198.51.101.1")
    assert (response.status_code, code(response)) == (403, "sender_not_allowed")
    assert door.arrivals[0].proofs == ("from an address on the source's list",)
    assert len(door.arrivals) == 2


async def test_a_tradingview_source_takes_only_tradingviews_four_addresses_and_its_own_list() -> None:
    door = Door(SourceSettings(preset="tradingview", allowed_senders=("10.0.0.1",)))
    for address in ("52.89.214.238", "34.212.75.30", "54.218.53.128", "::ffff:52.32.178.7", "10.0.0.1"):
        assert (await door.post(peer=address)).status_code == 202
    assert (await door.post(peer="52.89.214.239")).status_code == 403
    assert door.arrivals[3].proofs == ("from TradingView's address",)
    assert door.arrivals[3].sender == "52.32.178.7"


async def test_a_chartink_source_takes_alerts_from_anywhere_because_chartink_names_no_addresses() -> None:
    door = Door(SourceSettings(preset="chartink"))
    assert (await door.post()).status_code == 202


async def test_senders_that_are_not_allowed_do_not_use_up_the_rate() -> None:
    door = Door(SourceSettings(allowed_senders=("198.51.100.1",)))
    for _ in range(50):
        await door.post(peer="203.0.113.1")
    assert (await door.post(peer="198.51.100.1")).status_code == 202


async def test_a_list_that_cannot_be_read_lets_nobody_in() -> None:
    door = Door(SourceSettings(allowed_senders=("198.51.100.1", "my office")))
    with capture_logs() as lines:
        response = await door.post(peer="198.51.100.1")
    assert (response.status_code, code(response)) == (503, "source_unusable")
    assert lines[0]["event"] == "source_unusable"


async def test_a_server_on_a_unix_socket_knows_no_sender_and_no_list_lets_that_in(door: Door) -> None:
    await door.call({"client": None}, [{"type": "http.request", "body": b"buy"}])
    assert door.arrivals[0].sender == "unknown"
    door.change_source(settings=SourceSettings(allowed_senders=("0.0.0.0/0",)))
    assert (await door.call({"client": None}))[0]["status"] == 403


async def test_a_trusted_proxy_names_the_sender() -> None:
    door = Door(SourceSettings(preset="tradingview"), trusted_proxies="10.0.0.0/8, ::1")
    forwarded = {"x-forwarded-for": "6.6.6.6, 52.89.214.238"}
    assert (await door.post(peer="10.1.2.3", headers=forwarded)).status_code == 202
    assert (await door.post(peer="::1", headers=forwarded)).status_code == 202
    assert (await door.post(peer="11.1.2.3", headers=forwarded)).status_code == 403


async def test_a_proxy_list_with_something_else_in_it_stops_the_start() -> None:
    with pytest.raises(ValueError, match="caddy"):
        Door(trusted_proxies="caddy")


SUBJECT = r"CN=TradingView Webhooks,O=TradingView\, Inc.,L=Westerville,ST=Ohio,C=US"
CERTIFICATE = {"x-ssl-client-s-dn": SUBJECT, "x-ssl-client-verify": "SUCCESS"}


async def test_tradingviews_certificate_is_a_proof_when_a_trusted_proxy_has_verified_it() -> None:
    door = Door(trusted_proxies="10.0.0.1")
    await door.post(peer="10.0.0.1", headers=CERTIFICATE)
    assert door.arrivals[0].proofs == ("with TradingView's client certificate, verified by the proxy",)


@pytest.mark.parametrize(
    ("peer", "changes"),
    [
        ("10.0.0.2", {}),
        ("10.0.0.1", {"x-ssl-client-verify": "FAILED:self-signed certificate"}),
        ("10.0.0.1", {"x-ssl-client-verify": "NONE"}),
        ("10.0.0.1", {"x-ssl-client-verify": ""}),
        ("10.0.0.1", {"x-ssl-client-s-dn": r"CN=TradingView Webhooks,O=Evil\, Inc."}),
        ("10.0.0.1", {"x-ssl-client-s-dn": r"CN=x\,CN=TradingView Webhooks,O=TradingView\, Inc."}),
        ("10.0.0.1", {"x-ssl-client-s-dn": r"CN=TradingView Webhooks,CN=x,O=TradingView\, Inc."}),
        ("10.0.0.1", {"x-ssl-client-s-dn": "TradingView Webhooks"}),
    ],
)
async def test_anything_less_than_that_proves_nothing(peer: str, changes: dict[str, str]) -> None:
    door = Door(trusted_proxies="10.0.0.1")
    assert (await door.post(peer=peer, headers={**CERTIFICATE, **changes})).status_code == 202
    assert door.arrivals[0].proofs == ()


async def test_a_verdict_that_stands_twice_proves_nothing() -> None:
    door = Door(trusted_proxies="10.0.0.1")
    await door.post(peer="10.0.0.1", headers=[*CERTIFICATE.items(), ("x-ssl-client-verify", "SUCCESS")])
    assert door.arrivals[0].proofs == ()


# ---- the sender's own id ----


@pytest.mark.parametrize("key", ["a", "row 17", "x" * 200, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
async def test_an_idempotency_key_is_passed_on(door: Door, key: str) -> None:
    assert (await door.post(headers={"idempotency-key": key})).status_code == 202
    assert door.arrivals[0].idempotency_key == key


@pytest.mark.parametrize("key", [b"", b"x" * 201, b"\xe9", b"a\tb", b"a\x00"])
async def test_a_key_that_cannot_be_kept_is_refused_and_not_dropped(door: Door, key: bytes) -> None:
    sent = await door.call({"headers": [(b"idempotency-key", key)]}, [{"type": "http.request", "body": b"buy"}])
    assert sent[0]["status"] == 400
    assert door.arrivals == []


async def test_webhook_id_is_a_key_too_and_goes_before_the_other(door: Door) -> None:
    await door.post(headers={"webhook-id": "msg_1", "idempotency-key": "other"})
    assert door.arrivals[0].idempotency_key == "msg_1"


# ---- what is told ----


async def test_no_answer_of_the_door_repeats_what_was_sent_or_names_the_server(door: Door) -> None:
    canary = "canary-3f9d2b"
    headers = {"content-type": canary, "idempotency-key": canary + "\t", "user-agent": canary}
    answers = [
        await door.post(canary, path=f"/hook/{canary}/{canary}?{canary}", headers=headers),
        await door.post(canary, headers=headers),
        await door.post(canary.encode() + b"\xff"),
        await door.post(canary, headers={"content-encoding": canary}),
        await door.post(canary, method="DELETE"),
        await door.post(canary * 10_000),
    ]
    assert [answer.status_code for answer in answers] == [404, 400, 400, 415, 405, 413]
    for answer in answers:
        assert set(answer.json()) == {"status", "code", "message"}
        assert canary not in answer.text + str(answer.headers)
        assert set(answer.headers) <= {"content-type", "content-length", "cache-control", "connection", "allow"}


async def test_each_request_leaves_one_line_without_its_address(door: Door) -> None:
    with capture_logs() as lines:
        await door.post(path=f"{PATH}?token=abc")
        await door.post(path=f"/hook/{PUBLIC_ID}/wrong")
    assert [{key: line[key] for key in ("source", "status", "code", "sender")} for line in lines] == [
        {"source": door.source.id, "status": 202, "code": "accepted", "sender": SENDER},
        {"source": None, "status": 404, "code": "not_found", "sender": SENDER},
    ]
    assert all("ms" in line for line in lines)
    assert SECRET not in json.dumps(lines)


async def test_two_doors_of_one_process_count_together(door: Door) -> None:
    other = Hook(door.directory, door.vault, door.clock, door._submit, registry=door.registry)
    await door.post()
    door.hook = other
    await door.post()
    assert door.registry.get_sample_value("bridge_webhook_answers_total", {"status": "202"}) == 2


async def test_a_blocked_address_fills_no_log(door: Door) -> None:
    with capture_logs() as lines:
        for _ in range(100):
            await door.post(path=f"/hook/{PUBLIC_ID}/wrong")
    assert len(lines) == 20
    assert door.registry.get_sample_value("bridge_webhook_answers_total", {"status": "429"}) == 80


async def test_answers_are_counted_by_status_and_timed(door: Door) -> None:
    async def slowly(arrival: Arrival) -> Answer:
        await door.clock.sleep(0.3)
        return door.answer

    door.hook._submit = slowly
    answering = asyncio.create_task(door.post())
    await door.clock.run(0.3)
    await answering
    await door.post(path="/hook/a/b")

    def sample(name: str, **labels: str) -> float | None:
        return door.registry.get_sample_value(f"bridge_webhook_{name}", labels)

    assert (sample("answers_total", status="202"), sample("answers_total", status="404")) == (1, 1)
    assert sample("seconds_count") == 2
    assert sample("seconds_sum") == pytest.approx(0.3)


async def test_a_websocket_is_closed_and_other_scopes_are_left_alone(door: Door) -> None:
    assert [message["type"] for message in await door.call({"type": "websocket"})] == ["websocket.close"]
    assert await door.call({"type": "lifespan"}) == []


# ---- whatever comes ----

header_names = st.sampled_from([*sorted(request._WANTED), b"host"])
anything = st.binary(max_size=60) | st.sampled_from([b"SUCCESS", b"identity", b"1", b"1614265330", SUBJECT.encode()])
paths = (
    st.text(max_size=80) | st.builds("/hook/{}/{}".format, st.text(max_size=20), st.text(max_size=60)) | st.just(PATH)
)
clients = st.none() | st.tuples(st.text(max_size=50) | st.just("10.0.0.1"), st.integers(0, 65535))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["POST", "POST", "POST", "GET", ""]),
    path=paths,
    headers=st.lists(st.tuples(header_names, anything), max_size=12),
    client=clients,
    body=st.binary(max_size=200),
    signed=st.booleans(),
)
async def test_nothing_a_sender_does_is_answered_with_5xx(
    method: str,
    path: str,
    headers: list[tuple[bytes, bytes]],
    client: tuple[str, int] | None,
    body: bytes,
    signed: bool,
) -> None:
    door = Door(trusted_proxies="10.0.0.1")
    if signed:
        door.require_signatures()
    scope = {"method": method, "path": path, "headers": headers, "client": client}
    sent = await door.call(scope, [{"type": "http.request", "body": body}])
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] in {202, 400, 401, 404, 405, 413, 415}
    assert (sent[0]["status"] == 202) == bool(door.arrivals)


@settings(max_examples=300, deadline=None)
@given(secret=st.text(min_size=1, max_size=100).filter(lambda text: text != SECRET))
async def test_no_other_secret_opens(secret: str) -> None:
    door = Door()
    assert (await door.call(scope_of(f"/hook/{PUBLIC_ID}/{secret}")))[0]["status"] == 404
