"""What is asked of a broker outside of any server: whether the login is good; that practice money begins anew."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

from bridge.accounts.model import Account
from bridge.brokers.base import Broker, BrokerError, Funds, LoginRequired, PracticeBroker, Unavailable
from bridge.cli.house import House
from bridge.orders import anew
from bridge.orders.lease import Leases

PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Proof:
    """What the broker said; `message` is a sentence."""

    account_id: str
    ok: bool
    message: str


def prove(house: House, account: Account) -> Proof:
    """Ask the account's broker for its login and its money, once."""
    try:
        return asyncio.run(_asked(house, account))
    except LoginRequired as problem:
        return Proof(account.id, False, f"the broker wants a login ({problem}): bridge account login {account.id}")
    except (Unavailable, TimeoutError) as problem:
        return Proof(
            account.id, False, f"the broker cannot be reached ({str(problem) or 'no answer'}): is the address right?"
        )
    except BrokerError as problem:
        return Proof(account.id, False, f"the broker's answer was not understood: {problem}")


async def _asked(house: House, account: Account) -> Proof:
    broker = _connected(house, account)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await broker.check_login()
            return Proof(account.id, True, _sentence(await broker.funds()))
    finally:
        await broker.close()


def begin_anew(house: House, account: Account, who: str) -> str | None:
    """Empty a practice account; a sentence when that cannot be done now. Raises `BrokerError`."""
    return asyncio.run(_begun_anew(house, account, who))


async def _begun_anew(house: House, account: Account, who: str) -> str | None:
    leases = Leases(house.writer, house.reader, house.clock)
    lease = await leases.acquire(account.id)
    if lease is None:
        return f"a running server serves {account.name}: stop the server, and begin anew then"
    broker = _connected(house, account)
    try:
        practice = cast(PracticeBroker, broker)
        refusal = await anew.begin_anew(account, practice, lease, house.writer, house.clock, who)
        return refusal.message if refusal else None
    finally:
        await broker.close()
        await leases.release(lease)


def _sentence(funds: Funds) -> str:
    return f"the login is good; {funds.available:f} {funds.currency} available, {funds.used_margin:f} used"


def _connected(house: House, account: Account) -> Broker:
    # The whole product: only a question to a broker needs it.
    from bridge.app import calendar_of, connect_broker, market_of

    calendar = calendar_of(house.settings)
    return connect_broker(
        account,
        house.accounts,
        writer=house.writer,
        reader=house.reader,
        # The server's own prices: a paper account may turn to a new day here, and settle what expired.
        market=market_of(house.settings, house.clock, calendar),
        clock=house.clock,
        calendar=calendar,
    )
