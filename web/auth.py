"""Who is asking: the operator's network, the holder of the access key, a person who is logged in.

It answers who somebody is; what that person may do is decided in `web.access`.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from aiohttp import web

from bot.core.errors import RateLimited, Unauthenticated
from bot.core.i18n import _
from bot.core.metrics import Metrics
from web.client import Client
from web.options import WebOptions
from web.pacing import Pacer


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, and how that is known; `user_id` is set for people who are logged in.

    `is_on_network` says of such a person that they come from a trusted network.
    """

    known_by: Literal["nothing", "network", "key", "session"] = "nothing"
    user_id: int | None = None
    name: str | None = None
    is_owner: bool = False
    is_on_network: bool = False

    @property
    def may_operate(self) -> bool:
        """Whether the inner state of the process is this visitor's business."""
        return self.known_by in ("network", "key") or self.is_owner or self.is_on_network

    @property
    def shown_name(self) -> str:
        """How pages call a person: by name, by id where the bot has not met them; else ""."""
        return self.name or str(self.user_id or "")


NOBODY = Visitor()


def has_key(request: web.Request) -> bool:
    """Return whether the request carries a key; such a request is judged by the key alone."""
    return _split_authorization(request)[0] == "bearer"


def _split_authorization(request: web.Request) -> tuple[str, str]:
    """Return scheme and credentials; the scheme is in lower case, as case does not matter in it."""
    scheme, _space, credentials = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower(), credentials.strip()


def check_key(
    request: web.Request, client: Client, options: WebOptions, pacer: Pacer, metrics: Metrics
) -> Visitor:
    """Return the visitor that the request's key makes of its sender.

    Raises `Unauthenticated` for a wrong key and `RateLimited` after ten of them in ten minutes.
    """
    if locked := pacer.locked_for(client.bucket):
        metrics.request_refused("key")
        raise RateLimited(
            _("Too many wrong keys from this address. Try again later."), retry_after=locked
        )
    key = _split_authorization(request)[1]
    given = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
    expected = options.access_key_hash
    if expected is not None and hmac.compare_digest(given, expected):
        return Visitor("key")
    pacer.note_wrong_key(client.bucket)
    metrics.login_attempted("wrong_key")
    raise Unauthenticated(_("The access key is not right."))


def is_operators_network(request: web.Request, client: Client, options: WebOptions) -> bool:
    """Return whether the sender's network is trusted, and really the sender's.

    The name asked for must be an address or a name without dots: a web page elsewhere can point a
    name of its own at 127.0.0.1 and have a browser here read the answers (DNS rebinding).
    """
    return client.is_in(options.trusted_networks) and _is_inner_name(request.host)


def _is_inner_name(host: str) -> bool:
    name = _name_in(host)
    if "." not in name and ":" not in name:
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_on_this_machine(request: web.Request) -> bool:
    """Return whether the browser believes to talk to its own machine, where no one listens in."""
    name = _name_in(request.host)
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _name_in(host: str) -> str:
    """Return the Host header without its port; IPv6 addresses stand in brackets there."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
