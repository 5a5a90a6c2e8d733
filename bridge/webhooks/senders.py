"""Who sends alerts: published addresses of senders, and how a proxy vouches for one."""

from __future__ import annotations

from functools import lru_cache

from cryptography.x509 import Name, NameOID

from bridge.kit.addresses import Networks

# Chartink publishes no addresses: its alerts are proved by the secret alone, unless the source lists some.
PRESET_SENDERS: dict[str, tuple[str, ...]] = {
    "any": (),
    # https://www.tradingview.com/support/solutions/43000529348
    "tradingview": ("52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7"),
    "chartink": (),
}


def preset_networks(preset: str) -> Networks:
    """The published addresses of that sender."""
    return Networks.parse(PRESET_SENDERS[preset])


@lru_cache(maxsize=64)
def is_tradingview_certificate(subject: str) -> bool:
    """Whether an RFC 4514 subject is that of TradingView's webhook servers.
    https://www.tradingview.com/support/solutions/43000680459"""
    try:
        name = Name.from_rfc4514_string(subject)
    except ValueError:
        return False
    wanted = {NameOID.ORGANIZATION_NAME: "TradingView, Inc.", NameOID.COMMON_NAME: "TradingView Webhooks"}
    return all([found.value for found in name.get_attributes_for_oid(oid)] == [value] for oid, value in wanted.items())
