"""Who asks, and whether they are let in."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from gtr_jobs.domain.networks import find_client, is_within, parse_networks

PROXIES = parse_networks("10.0.0.0/8,::1/128")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.5", None, "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.9, 10.0.0.7", "10.0.0.9"),
        ("::1", "2001:db8::5", "2001:db8::5"),
        ("::1", "[2001:db8::5]", "2001:db8::5"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "unknown", None),
        ("10.0.0.1", "198.51.100.1, ", None),
        ("", None, None),
    ],
)
def test_a_header_is_believed_from_its_end(
    peer: str, forwarded: str | None, client: str | None
) -> None:
    """For as long as those that wrote it are trusted; what a stranger put before that is not."""
    found = find_client(peer, forwarded, PROXIES)

    assert found == (None if client is None else ip_address(client))


def test_no_header_is_believed_where_no_proxy_is_trusted() -> None:
    """Whoever is connected asks."""
    assert find_client("10.0.0.1", "198.51.100.1", ()) == ip_address("10.0.0.1")


@pytest.mark.parametrize(
    ("address", "within"),
    [
        ("203.0.113.200", True),
        ("203.0.114.1", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
    ],
)
def test_an_address_is_within_a_network_or_not(address: str, within: bool) -> None:
    """Of either family."""
    networks = parse_networks("203.0.113.0/24, 2001:db8::/32")

    assert is_within(ip_address(address), networks) is within


@pytest.mark.parametrize("text", ["", " , ", "203.0.113.5/24", "example.com", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text: str) -> None:
    """Host bits that are set are a mistake: which network is meant is not known."""
    with pytest.raises(ValueError, match=r"network|permitted|host bits"):
        parse_networks(text)
