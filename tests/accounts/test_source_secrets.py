"""What a source may ask of its senders besides knowing the address."""

from __future__ import annotations

import pytest

from bridge.accounts.model import SourceSettings
from bridge.accounts.service import SourceSecret
from bridge.webhooks.gates import Gates
from tests.accounts.office import Office
from tests.webhooks.door import ALERT, sign


async def a_source(office: Office) -> str:
    return (await office.accounts.add_source("us", "st", "Hook", SourceSettings(burst=7))).source_id


async def settings_of(office: Office, source_id: str) -> SourceSettings:
    return (await office.directory.refresh()).sources[source_id].settings


async def test_a_signing_secret_is_kept_sealed_and_the_door_knows_its_signatures(office: Office) -> None:
    source_id = await a_source(office)

    key = await office.accounts.set_signing_secret("us", source_id)

    assert key is not None
    assert key not in str(office.rows("SELECT * FROM sources"))
    snapshot = await office.directory.refresh()
    verifier = Gates(office.vault, office.clock).of(snapshot.sources[source_id], snapshot).verifier
    assert verifier is not None
    message_id, timestamp, signature = (value.encode() for value in sign(ALERT, timestamp=1000, secret=key).values())
    assert verifier.flaw(message_id, timestamp, signature, ALERT.encode(), now=1000) is None


async def test_a_new_signing_secret_ends_the_one_before(office: Office) -> None:
    source_id = await a_source(office)
    first = await office.accounts.set_signing_secret("us", source_id)
    sealed = (await settings_of(office, source_id)).signing_secret

    assert await office.accounts.set_signing_secret("us", source_id) != first
    assert (await settings_of(office, source_id)).signing_secret != sealed


@pytest.mark.parametrize("chosen", [None, "my own words"])
async def test_of_a_body_secret_only_a_fingerprint_is_kept(office: Office, chosen: str | None) -> None:
    source_id = await a_source(office)

    secret = await office.accounts.set_body_secret("us", source_id, chosen)

    assert secret is not None
    assert chosen in (None, secret)
    assert secret not in str(office.rows("SELECT * FROM sources"))
    settings = await settings_of(office, source_id)
    assert office.vault.matches(secret, settings.body_secret_hash or "")
    assert settings.burst == 7


@pytest.mark.parametrize("chosen", ["", "short", "x" * 201, " padded secret ", "two\nlines of it"])
async def test_a_body_secret_that_could_not_be_typed_or_is_too_short_is_refused(office: Office, chosen: str) -> None:
    source_id = await a_source(office)

    with pytest.raises(ValueError, match="8 to 200 visible characters"):
        await office.accounts.set_body_secret("us", source_id, chosen)

    assert (await settings_of(office, source_id)).body_secret_hash is None


async def test_each_secret_is_dropped_by_itself(office: Office) -> None:
    source_id = await a_source(office)
    await office.accounts.set_signing_secret("us", source_id)
    await office.accounts.set_body_secret("us", source_id)

    assert await office.accounts.drop_source_secret("us", source_id, "signing_secret")
    settings = await settings_of(office, source_id)
    assert settings.signing_secret is None
    assert settings.body_secret_hash is not None

    assert await office.accounts.drop_source_secret("us", source_id, "body_secret_hash")
    assert (await settings_of(office, source_id)).body_secret_hash is None


@pytest.mark.parametrize("setting", ["signing_secret", "body_secret_hash"])
async def test_anothers_source_keeps_its_secrets(office: Office, setting: SourceSecret) -> None:
    source_id = await a_source(office)
    await office.accounts.set_signing_secret("us", source_id)
    await office.accounts.set_body_secret("us", source_id)
    before = await settings_of(office, source_id)

    assert await office.accounts.set_signing_secret("other", source_id) is None
    assert await office.accounts.set_body_secret("other", source_id) is None
    assert not await office.accounts.drop_source_secret("other", source_id, setting)

    assert await settings_of(office, source_id) == before
