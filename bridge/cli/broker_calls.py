"""One question to a broker, outside of any server: is the login good."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bridge.accounts.model import Account
from bridge.brokers.base import Broker, BrokerError, Funds, LoginRequired, Unavailable
from bridge.cli.house import House

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
