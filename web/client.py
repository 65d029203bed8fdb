"""Who sends a request, as far as the network says: address and scheme, behind proxies too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Client:
    """The sender's address (`None` on a Unix socket) and the scheme the sender used.

    `disguised` is true when the address is a forwarder's and says nothing of the sender: somebody
    forwards who is not known as a proxy, or a proxy of ours does not say for whom.
    """

    address: Address | None
    scheme: str
    disguised: bool = False

    @property
    def bucket(self) -> str:
        """What rate limits count by: an IPv4 address, or the /64 that an IPv6 user controls."""
        if isinstance(self.address, IPv6Address):
            return str(IPv6Network((self.address, 64), strict=False))
        return str(self.address)

    def is_in(self, networks: Iterable[Network]) -> bool:
        """Return whether the sender certainly belongs to one of the networks."""
        return not self.disguised and contains(networks, self.address)


@lru_cache(maxsize=1024)
def parse_address(text: str | None) -> Address | None:
    """Return the address in a peer name or a forwarding header, `None` for anything else.

    A port and brackets are taken off, and an IPv4 address wrapped in IPv6 is unwrapped.
    """
    host = (text or "").strip().strip('"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def contains(networks: Iterable[Network], address: Address | None) -> bool:
    """Return whether the address lies in one of the networks."""
    return address is not None and any(address in network for network in networks)


def rightmost_untrusted(
    peer: Address | None, forwarded_for: str, proxies: Iterable[Network]
) -> Address | None:
    """Return the last hop that is no proxy of ours, `None` when the list does not lead to one.

    Every proxy appends the address it was called from, so the list is true from its right end as
    far as our own proxies reach; what stands left of that, the sender may have made up.
    """
    known = tuple(proxies)
    address = peer
    hops = _from_the_right(forwarded_for)
    while contains(known, address):
        address = next(hops, None)
    return address


def _from_the_right(forwarded_for: str) -> Iterator[Address | None]:
    return (parse_address(hop) for hop in reversed(forwarded_for.split(",")))
