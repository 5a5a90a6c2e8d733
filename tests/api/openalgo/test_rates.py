"""How fast a program may ask: each key, and all keys of an account together."""

from __future__ import annotations

from bridge.accounts.model import KeySettings
from tests.api.openalgo.conftest import SCOPES, Trader


async def statuses(who: Trader, *keys: str) -> list[int]:
    """What a ping with each of those keys is answered, one after the other."""
    return [(await who.client.post("/api/v1/ping", json={"apikey": key})).status_code for key in keys]


async def fast_key(who: Trader, **settings: object) -> str:
    made = KeySettings.model_validate({"orders_per_second": 1000, "requests_per_second": 1000, **settings})
    return await who.house.accounts.add_key(who.user_id, "fast", SCOPES, settings=made)


async def test_a_key_is_told_to_slow_down_at_its_own_rate(asha: Trader) -> None:
    slow = await fast_key(asha, requests_per_second=3)

    assert await statuses(asha, slow, slow, slow, slow) == [200, 200, 200, 429]
    assert await statuses(asha, asha.key) == [200]


async def test_all_keys_of_an_account_share_its_rate(asha: Trader, ravi: Trader) -> None:
    await asha.house.accounts.change_account(asha.user_id, asha.account_id, requests_per_second=3)
    await asha.house.directory.refresh()
    other = await fast_key(asha)

    assert await statuses(asha, asha.key, other, asha.key, other) == [200, 200, 200, 429]
    assert await statuses(ravi, ravi.key) == [200]


async def test_keys_for_different_accounts_do_not_slow_each_other(asha: Trader) -> None:
    second = await asha.house.accounts.add_account(asha.user_id, "Second", "paper")
    await asha.house.accounts.change_account(asha.user_id, asha.account_id, requests_per_second=2)
    await asha.house.directory.refresh()
    first_key = await fast_key(asha, account_id=asha.account_id)
    second_key = await fast_key(asha, account_id=second)

    assert await statuses(asha, first_key, first_key, first_key) == [200, 200, 429]
    assert await statuses(asha, second_key, second_key, second_key) == [200, 200, 200]


async def test_a_wait_is_told(asha: Trader) -> None:
    slow = await fast_key(asha, requests_per_second=1)
    await statuses(asha, slow)

    answer = await asha.client.post("/api/v1/ping", json={"apikey": slow})

    assert answer.json()["message"] == "Rate limit exceeded. Please slow down your requests."
    assert answer.json()["retry_after"] == int(answer.headers["retry-after"]) == 1
