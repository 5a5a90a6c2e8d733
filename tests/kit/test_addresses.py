"""Addresses in every spelling, and the proxies that may speak for others."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.kit.addresses import Networks, parse_address, sender_of

V4 = IPv4Address("192.0.2.7")
V6 = IPv6Address("2001:db8::7")


def spellings_of_v4() -> list[str]:
    """192.0.2.7, alone and inside IPv6, with and without port, brackets, blanks."""
    mapped_prefixes = [
        "::ffff:",
        "::FFFF:",
        "0:0:0:0:0:ffff:",
        "0000:0000:0000:0000:0000:FFFF:",
        "::0:ffff:",
        "0::ffff:",
    ]
    mapped = [prefix + tail for prefix in mapped_prefixes for tail in ("192.0.2.7", "c000:207", "C000:0207")]
    bracketed = [form.format(text) for text in mapped for form in ("[{}]", "[{}]:443")]
    return ["192.0.2.7", "192.0.2.7:443", " 192.0.2.7", "192.0.2.7\t", "192.0.2.7:1", *mapped, *bracketed]


def spellings_of_v6() -> list[str]:
    """2001:db8::7 with every mixture of short, padded and capital groups, and the shortened forms."""
    groups = [("2001",), ("db8", "0db8", "DB8", "0Db8"), *[("0", "0000")] * 3, ("0", "00"), ("0",), ("7", "07", "0007")]
    whole = [":".join(chosen) for chosen in itertools.product(*groups)]
    short = [
        "2001:db8::7",
        "2001:DB8::0007",
        "2001:db8:0::7",
        "2001:db8:0:0:0::7",
        "2001:0db8::0:7",
        "2001:db8::0.0.0.7",
    ]
    dressed = [form.format(text) for text in short for form in ("[{}]", "[{}]:8443", "{}%eth0", " {}")]
    return [*whole[::2], *short, *dressed]


SAME = [(text, V4) for text in spellings_of_v4()] + [(text, V6) for text in spellings_of_v6()]
NOT_AN_ADDRESS = [
    "", " ", "192.0.2", "192.0.2.7.", ".192.0.2.7", "192.0.2.07", "192.0.2.007", "0300.0.2.7", "0xc0.0.2.7", "0xC0000207",
    "3221225991", "192.0.519", "192.519", "192.0.2.256", "192.0.2.-7", "192.0.2.+7", "192.0.2. 7",
    "192.0.2.7/32", "192.0.2.7,10.0.0.1", "192.0.2.7:", "192.0.2.7:port", "192.0.2.7:999999", "192.0.2.7#", "1９2.0.2.7",
    "192。0。2。7", "\u0661\u0669\u0662.0.2.7", "[192.0.2.7", "192.0.2.7]", "[]", "[]:80", "[[::1]]", "::ffff:192.0.2",
    "::ffff:192.0.2.07", "::ffff:192.0.2.256", "2001:db8:::7", "2001:db8::7::", "2001:db8::g", "2001:db8::00007",
    "1:2:3:4:5:6:7:8:9", "2001:db8::7/128", "unknown", "_hidden", "localhost", "tradingview.com", "null", "192.0.2.7\x00",
    "192.0.2.7\n", "0" * 100 + "1", "for=192.0.2.7",
]  # fmt: skip
ANOTHER_ADDRESS = [
    "192.0.2.70", "192.0.2.8", "7.2.0.192", "::192.0.2.7", "::c000:207", "64:ff9b::192.0.2.7", "2002:c000:207::",
    "::ffff:0:192.0.2.7", "2001:db8::70", "2001:db8:7::", "2001:db80::7", "fe80::7", "::7", "[::ffff:192.0.2.8]:443",
]  # fmt: skip


def test_two_hundred_spellings_are_told_apart() -> None:
    assert len(SAME) + len(NOT_AN_ADDRESS) + len(ANOTHER_ADDRESS) >= 200
    assert len({text for text, _ in SAME}) == len(SAME)


@pytest.mark.parametrize(("text", "address"), SAME)
def test_every_spelling_of_an_address_is_that_address_and_stands_on_its_list(
    text: str, address: IPv4Address | IPv6Address
) -> None:
    assert parse_address(text) == address
    assert parse_address(text) in Networks.parse([str(address)])


@pytest.mark.parametrize("text", NOT_AN_ADDRESS)
def test_what_other_programs_might_take_for_the_address_is_none(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize("text", ANOTHER_ADDRESS)
def test_an_address_that_looks_like_it_is_not_on_the_list(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert address not in Networks.parse([str(V4), str(V6)])


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_an_address(text: str) -> None:
    address = parse_address(text)
    assert address is None or parse_address(str(address)) == address


@given(st.ip_addresses())
def test_an_address_reads_as_itself_unless_it_is_ipv4_in_disguise(address: IPv4Address | IPv6Address) -> None:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    assert parse_address(str(address)) == (mapped or address)


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
        ("192.0.2.9/24", "192.0.2.1", "192.0.1.255"),
        ("::ffff:192.0.2.0/120", "192.0.2.200", "192.0.3.1"),
        ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
        ("0.0.0.0/0", "8.8.8.8", "2001:db8::1"),
        ("::/0", "2001:db8::1", "8.8.8.8"),
        (" 192.0.2.0/24 ", "::ffff:192.0.2.1", "::192.0.2.1"),
    ],
)
def test_networks_hold_what_they_say(network: str, inside: str, outside: str) -> None:
    networks = Networks.parse([network])
    assert parse_address(inside) in networks
    assert parse_address(outside) not in networks
    assert None not in networks


@pytest.mark.parametrize("entry", ["my office", "192.0.2.0/33", "192.0.2.1-192.0.2.9", "192.0.2.*", "3221225991/24x"])
def test_a_list_with_something_else_in_it_is_refused_by_name(entry: str) -> None:
    with pytest.raises(ValueError, match=entry.partition("/")[0].replace("*", r"\*")):
        Networks.parse(["192.0.2.1", entry])


def test_an_empty_list_is_false_and_holds_nobody() -> None:
    assert not Networks.parse(["", " "])
    assert V4 not in Networks.parse([])


PROXIES = Networks.parse(["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "sender"),
    [
        # a stranger's header counts for nothing
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "192.0.2.7", "203.0.113.9"),
        ("203.0.113.9", "192.0.2.7, 10.0.0.1", "203.0.113.9"),
        ("11.0.0.1", "192.0.2.7", "11.0.0.1"),
        # one trusted proxy: the rightmost entry is the one it wrote
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "52.89.214.238, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "52.89.214.238,192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "52.89.214.238 ,  192.0.2.7:4711", "192.0.2.7"),
        ("10.0.0.1", "::ffff:192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", '"[2001:db8::7]:4711"', "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("fd00::1", "192.0.2.7", "192.0.2.7"),
        # several: the first from the right that is none of ours
        ("10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.1", "52.89.214.238, 192.0.2.7, 10.0.0.3, fd00::2", "192.0.2.7"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        # no header, or one that says nothing: whoever handed it over
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", ",", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.7,", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.7, _hidden, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "192.0.2.7 10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", "for=192.0.2.7", "10.0.0.1"),
        ("10.0.0.1", "x" * 10_000, "10.0.0.1"),
    ],
)
def test_the_sender_is_the_first_that_no_proxy_of_ours_vouches_for(peer: str, forwarded_for: str, sender: str) -> None:
    assert str(sender_of(parse_address(peer), forwarded_for, PROXIES)) == sender


def test_without_trusted_proxies_the_header_is_never_read() -> None:
    assert sender_of(V4, "52.89.214.238", Networks()) == V4
    assert sender_of(None, "52.89.214.238", PROXIES) is None


@given(st.text(max_size=100))
def test_no_header_makes_a_stranger_somebody_else(forwarded_for: str) -> None:
    assert sender_of(V4, forwarded_for, PROXIES) == V4
