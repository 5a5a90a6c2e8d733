"""Addresses in canonical form, lists of them, and the proxies that may speak for others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5}", re.ASCII)
_LONGEST = 64  # characters of an address with zone and port
_MAPPED = IPv6Network("::ffff:0:0/96")


def parse_address(text: str) -> Address | None:
    """An address in canonical form, or None. Takes a port, brackets and a zone; IPv4 inside IPv6 (`::ffff:a.b.c.d`) is
    IPv4. Decimal, octal, hexadecimal and shortened IPv4 are nobody's address."""
    text = text.strip(" \t")
    return _parse_address(text) if len(text) <= _LONGEST and text.isascii() else None


@lru_cache(maxsize=4096)
def _parse_address(text: str) -> Address | None:
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _parse_network(text: str) -> Network:
    network = ip_network(text.strip(), strict=False)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        inside = IPv4Address(int(network.network_address) & 0xFFFFFFFF)
        return IPv4Network((inside, network.prefixlen - 96))
    return network


@dataclass(frozen=True, slots=True)
class Networks:
    """A list of addresses and networks."""

    addresses: frozenset[Address] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Networks:
        """The list as a person wrote it; raises `ValueError` naming the entry that is no address or network."""
        found = [_parse_network(text) for text in texts if text.strip()]
        single = frozenset(network.network_address for network in found if network.num_addresses == 1)
        return cls(single, tuple(network for network in found if network.num_addresses > 1))

    def __contains__(self, sender: Address | None) -> bool:
        if sender is None:
            return False
        return sender in self.addresses or any(sender in network for network in self.networks)

    def __bool__(self) -> bool:
        return bool(self.addresses or self.networks)


def sender_of(peer: Address | None, forwarded_for: str, proxies: Networks) -> Address | None:
    """The address a request came from: the peer or, when the peer is a trusted proxy, the rightmost address in
    X-Forwarded-For that is not one. What stands left of it, the sender may have written itself."""
    if not proxies or peer not in proxies:
        return peer
    nearest = peer
    for hop in reversed(forwarded_for.split(",")):
        named = parse_address(hop)
        if named is None:  # no proxy of ours writes that: what is known for sure is who handed it over
            return nearest
        if named not in proxies:
            return named
        nearest = named
    return nearest
