"""Finding the sender behind proxies."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from web.client import Client, parse_address, rightmost_untrusted

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "", None),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "127.0.0.1, 203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", None),
        ("10.0.0.1", "unknown", None),
        ("10.0.0.1", "203.0.113.7, garbage", None),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_rightmost_untrusted(peer: str, forwarded_for: str, expected: str | None) -> None:
    found = rightmost_untrusted(ip_address(peer), forwarded_for, PROXIES)
    assert found == (ip_address(expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ('"[2001:db8::1]"', "2001:db8::1"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("", None),
        (None, None),
        ("localhost", None),
    ],
)
def test_parse_address(text: str | None, expected: str | None) -> None:
    assert parse_address(text) == (ip_address(expected) if expected else None)


def test_bucket_is_the_whole_network_of_an_ipv6_user() -> None:
    one = Client(ip_address("2001:db8:1:2::1"), "http").bucket
    other = Client(ip_address("2001:db8:1:2:ffff::9"), "http").bucket
    assert one == other == "2001:db8:1:2::/64"
    assert Client(ip_address("192.0.2.1"), "http").bucket == "192.0.2.1"


def test_disguised_sender_is_in_no_network() -> None:
    networks = (ip_network("127.0.0.0/8"),)
    assert Client(ip_address("127.0.0.1"), "http").is_in(networks)
    assert not Client(ip_address("127.0.0.1"), "http", disguised=True).is_in(networks)
    assert not Client(None, "http").is_in(networks)
