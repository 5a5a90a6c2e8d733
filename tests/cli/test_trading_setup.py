"""Accounts, strategies and sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.kit.vault import Vault
from tests.cli.terminal import Terminal
from tests.fakebroker.client import FakeBrokerProcess

SECRET = "s3cret-token-of-the-broker"


@pytest.fixture
def ravi(asha: Terminal) -> Terminal:
    """The commands, with a second user who has a paper account."""
    asha("user", "add", "ravi", "--password-file", "-", said="correct horse battery staple\n")
    return asha


# -- accounts ----------------------------------------------------------------------------------------------------------


def test_every_broker_is_listed_with_what_it_can_do(bridge: Terminal) -> None:
    paper = next(each for each in bridge.json("account", "brokers") if each["broker"] == "paper")

    assert "NSE" in paper["exchanges"]
    assert "limit" in paper["order_types"]


def test_a_paper_account_needs_nothing_and_answers(asha: Terminal) -> None:
    account_id = asha.id("account", "add", "practice", "--broker", "paper")

    proof = asha.json("account", "test", account_id)

    assert proof["ok"] is True
    assert "available" in proof["message"]


@pytest.mark.parametrize("way", ["prompt", "file"])
def test_credentials_are_asked_for_or_read_and_kept_sealed(asha: Terminal, tmp_path: Path, way: str) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"token": SECRET}))
    given = ["--credentials-file", str(file)] if way == "file" else []

    shown = asha("account", "add", "live", "--broker", "fakebroker", *given, said=f"{SECRET}\n")

    assert SECRET not in shown + asha("account", "list") + str(asha.rows("SELECT * FROM accounts"))
    (row,) = asha.rows("SELECT id, credentials FROM accounts")
    unsealed = Vault.open(asha.folder / "master.key").unseal(row[1], f"accounts.{row[0]}")
    assert json.loads(unsealed) == {"token": SECRET}


def test_credentials_that_are_missing_are_named(asha: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text('{"user": "asha"}')

    shown = asha("account", "add", "live", "--broker", "fakebroker", "--credentials-file", str(file), fails=1)

    assert "token is missing" in shown


def test_a_login_is_tried_and_replaced(asha: Terminal, fakebroker: FakeBrokerProcess) -> None:
    fakebroker.set(bad_tokens=["old"])
    adding = ("account", "add", "live", "--broker", "fakebroker", "--rest", fakebroker.url)
    account_id = asha.id(*adding, said="old\n")

    before = asha.json("account", "test", account_id, fails=1)
    after = asha("account", "login", account_id, said="new\n")

    assert f"bridge account login {account_id}" in before["message"]
    assert "the login is good" in after
    assert asha.json("account", "test", account_id)["ok"] is True
    assert fakebroker.sent() == []


def test_a_broker_that_cannot_be_reached_is_said_so(asha: Terminal) -> None:
    account_id = asha.id("account", "add", "live", "--broker", "fakebroker", "--rest", "http://127.0.0.1:1", said="t\n")

    assert "cannot be reached" in asha.json("account", "test", account_id, fails=1)["message"]


@pytest.mark.parametrize("address", ["broker", "ftp://broker", "https://name:secret@broker", "https://broker/?token=1"])
def test_an_address_that_is_none_is_refused(asha: Terminal, address: str) -> None:
    asha("account", "add", "live", "--broker", "paper", "--rest", address, fails=2)

    assert asha.json("account", "list") == []


def test_a_broker_that_does_not_exist_is_answered_with_those_that_do(asha: Terminal) -> None:
    assert "there are fakebroker, paper" in asha("account", "add", "live", "--broker", "zerodah", fails=1)


def test_limits_of_an_account_come_from_a_file_and_are_checked(asha: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "limits.json"
    file.write_text('{"orders_per_day": 5}')
    asha("account", "add", "small", "--broker", "paper", "--settings", str(file))
    file.write_text('{"orders_per_day": "few", "unlimited": true}')

    shown = asha("account", "add", "wrong", "--broker", "paper", "--settings", str(file), fails=1)

    assert "orders_per_day" in shown
    assert "unlimited" in shown
    assert json.loads(asha.rows("SELECT settings FROM accounts")[0][0])["orders_per_day"] == 5


# -- strategies --------------------------------------------------------------------------------------------------------


def test_a_strategy_is_made_of_options_over_a_file(asha: Terminal, tmp_path: Path) -> None:
    account_id = asha.id("account", "add", "practice", "--broker", "paper")
    file = tmp_path / "settings.json"
    file.write_text('{"direction": "short", "quantity_max": "100"}')
    options = ("--account", f"{account_id}*2.5", "--direction", "long", "--any-symbol", "--settings", str(file))

    shown = asha.json("strategy", "show", asha.id("strategy", "add", "alpha", *options))

    settings = shown["settings"]
    assert settings["accounts"] == [{"account_id": account_id, "multiplier": "2.5"}]
    assert (settings["direction"], settings["any_symbol"], settings["quantity_max"]) == ("long", True, "100")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--quantity", "-1"), "quantity"),
        (("--quantity", "ten"), "quantity"),
        (("--account", "ac_x*two"), "two is not a number"),
        (("--account", "ac_unknown"), "no account ac_unknown"),
    ],
)
def test_what_is_wrong_with_a_strategy_is_named(asha: Terminal, options: tuple[str, ...], named: str) -> None:
    assert named in asha("strategy", "add", "alpha", *options, fails=1)
    assert asha.json("strategy", "list") == []


def test_a_strategy_cannot_trade_on_anothers_account(ravi: Terminal) -> None:
    account_id = ravi.id("account", "add", "ravis", "--broker", "paper", "--user", "ravi")

    shown = ravi("strategy", "add", "alpha", "--account", account_id, "--user", "asha", fails=1)

    assert f"no account {account_id}" in shown


def test_a_strategy_is_switched_off_and_on(asha: Terminal) -> None:
    strategy_id = asha.id("strategy", "add", "alpha")

    asha("strategy", "disable", strategy_id)
    assert asha.json("strategy", "list")[0]["enabled"] is False
    asha("strategy", "enable", strategy_id)
    assert asha.json("strategy", "list")[0]["enabled"] is True


@pytest.mark.parametrize("words", [("strategy", "show"), ("strategy", "enable"), ("strategy", "disable")])
def test_anothers_strategy_is_not_there(ravi: Terminal, words: tuple[str, str]) -> None:
    strategy_id = ravi.id("strategy", "add", "alpha", "--user", "ravi")

    assert f"no strategy {strategy_id}" in ravi(*words, strategy_id, "--user", "asha", fails=1)


@pytest.mark.parametrize("words", [("account", "test"), ("account", "login")])
def test_anothers_account_is_not_there(ravi: Terminal, words: tuple[str, str]) -> None:
    account_id = ravi.id("account", "add", "ravis", "--broker", "paper", "--user", "ravi")

    assert f"no account {account_id}" in ravi(*words, account_id, "--user", "asha", fails=1)


# -- sources -----------------------------------------------------------------------------------------------------------


def test_a_webhook_address_is_shown_once_and_kept_as_a_fingerprint(asha: Terminal) -> None:
    strategy_id = asha.id("strategy", "add", "alpha")

    made = asha.json("source", "add", "tv", "--strategy", strategy_id, "--preset", "tradingview")

    secret = made["webhook_url"].rsplit("/", 1)[1]
    assert made["webhook_url"].startswith("http://127.0.0.1:8000/hook/")
    assert secret not in asha("source", "list") + str(asha.rows("SELECT * FROM sources"))
    assert asha.rows("SELECT secret_hash FROM sources") == [
        (Vault.open(asha.folder / "master.key").fingerprint(secret),)
    ]


def test_a_rotated_address_is_new_and_keeps_its_public_half(asha: Terminal) -> None:
    strategy_id = asha.id("strategy", "add", "alpha")
    old = asha.json("source", "add", "tv", "--strategy", strategy_id)

    new = asha.json("source", "rotate", old["id"])

    assert new["webhook_url"] != old["webhook_url"]
    assert new["webhook_url"].rsplit("/", 1)[0] == old["webhook_url"].rsplit("/", 1)[0]


def test_anothers_strategy_gets_no_source_and_anothers_source_no_secret(ravi: Terminal) -> None:
    strategy_id = ravi.id("strategy", "add", "alpha", "--user", "ravi")
    source_id = ravi.id("source", "add", "tv", "--strategy", strategy_id, "--user", "ravi")

    assert "no strategy" in ravi("source", "add", "tv", "--strategy", strategy_id, "--user", "asha", fails=1)
    assert "no source" in ravi("source", "rotate", source_id, "--user", "asha", fails=1)
    assert ravi.json("source", "list", "--user", "asha") == []


@pytest.mark.parametrize(("word", "member"), [("signing", "signing_secret"), ("body-secret", "body_secret")])
def test_a_secret_of_the_senders_is_shown_once_and_can_be_dropped(asha: Terminal, word: str, member: str) -> None:
    strategy_id = asha.id("strategy", "add", "alpha")
    source_id = asha.id("source", "add", "tv", "--strategy", strategy_id)
    shown = word.replace("signing", "signed").replace("-", "_")

    secret = asha.json("source", word, source_id)[member]

    assert secret not in asha("source", "list") + str(asha.rows("SELECT * FROM sources"))
    assert asha.json("source", "list")[0][shown] is True
    assert asha.json("source", word, source_id, "--off") == {"id": source_id, shown: False}
    assert asha.json("source", "list")[0][shown] is False


def test_a_body_secret_of_ones_own_is_read_and_not_shown(asha: Terminal) -> None:
    strategy_id = asha.id("strategy", "add", "alpha")
    source_id = asha.id("source", "add", "tv", "--strategy", strategy_id)

    assert "hunter2!" not in asha("source", "body-secret", source_id, "--file", "-", said="hunter2!\n")
    assert "8 to 200" in asha("source", "body-secret", source_id, "--file", "-", said="short\n", fails=1)

    ((settings,),) = asha.rows("SELECT settings FROM sources")
    assert Vault.open(asha.folder / "master.key").matches("hunter2!", json.loads(settings)["body_secret_hash"])


@pytest.mark.parametrize(
    "words",
    [("strategy", "add", "a", "--dialect", "tradersposts"), ("strategy", "add", "a", "--exchange", "MOON")],
)
def test_a_word_that_is_none_is_answered_with_those_that_are(asha: Terminal, words: tuple[str, ...]) -> None:
    assert "there is" in asha(*words, fails=2)


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (("account", "add", "a", "--broker", "paper"), {"broker": {"zone": "Mars"}}),
        (("strategy", "add", "a"), {"window": {"zone": "Mars"}}),
    ],
)
def test_a_time_zone_that_is_none_is_refused(
    asha: Terminal, tmp_path: Path, words: tuple[str, ...], settings: dict[str, object]
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings))

    shown = asha(*words, "--settings", str(file), fails=1)

    assert f"{next(iter(settings))}.zone" in shown
    assert "Mars" in shown


def test_asking_a_paper_account_settles_what_expired_at_the_servers_prices(asha: Terminal) -> None:
    account_id = asha.id("account", "add", "practice", "--broker", "paper")
    asha("account", "test", account_id)
    ((user_id,),) = asha.rows("SELECT id FROM users")
    asha.rows("UPDATE paper_accounts SET trading_date = '2025-01-01'")
    asha.rows(
        "INSERT INTO paper_positions (account_id, exchange, symbol, product, user_id, currency, quantity, cost, realised,"
        " margin, blocked) VALUES (?, 'NFO', 'NIFTY07JAN25100CE', 'NRML', ?, 'INR', '65', '65', '0', '0', '0')",
        account_id,
        user_id,
    )

    asha("account", "test", account_id)

    ((price,),) = asha.rows("SELECT price FROM paper_trades")
    assert float(price) > 10_000  # deep in the money; without a price it would end at its cost, 1


def test_a_network_that_is_none_is_refused(asha: Terminal) -> None:
    strategy_id = asha.id("strategy", "add", "alpha")

    asha("source", "add", "tv", "--strategy", strategy_id, "--allow", "300.0.0.1", fails=2)

    assert asha.json("source", "list") == []
