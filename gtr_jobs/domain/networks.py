"""Who asks, and whether they are let in: addresses and networks of the internet."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Networks = tuple[Network, ...]

# What comes through so many proxies has no end worth finding.
_MOST_HOPS = 20


def parse_networks(text: str) -> Networks:
    """Read networks that are separated by commas.

    Raises:
        ValueError: There is none, or one of them is no network.
    """
    networks = tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    if not networks:
        raise ValueError("no network is named")
    return networks


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Say whether an address is in one of the networks."""
    return any(address in network for network in networks)


def find_client(peer: str, forwarded: str | None, proxies: Networks) -> Address | None:
    """Find who asks: whoever is connected, or whom a trusted proxy names.

    A header is read from its end, for as long as those that wrote it are trusted: its beginning is
    written by anybody.

    Args:
        peer: The address at the other end of the connection.
        forwarded: What stands in the proxies' header.
        proxies: Who is believed.

    Returns:
        The address; None where a trusted proxy names none that can be read.
    """
    client = _read(peer)
    if forwarded is None:
        return client
    hops = forwarded.split(",")[-_MOST_HOPS:]
    while client is not None and hops and is_within(client, proxies):
        client = _read(hops.pop())
    return client


def _read(text: str) -> Address | None:
    try:
        address = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    # A socket for both families shows an address of the older one inside the newer.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
