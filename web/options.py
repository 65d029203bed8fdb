"""The web's part of the configuration, as values that handlers can use without reading it again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from yarl import URL

from bot.core.config import Config
from bot.core.config.model import DISCORD_CDN, LOOPBACK
from web.client import Network
from web.routes import PARTS, Part


@dataclass(frozen=True, slots=True)
class Address:
    """A place to listen on, and the parts of the web that are served there."""

    host: str
    port: int
    parts: frozenset[Part] = frozenset(PARTS)
    key: str = "web.port"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """How the web server behaves; `access_key_hash` is the SHA-256 of the operator's key."""

    listeners: tuple[Address, ...] = (Address("127.0.0.1", 8080),)
    trusted_networks: tuple[Network, ...] = LOOPBACK
    trusted_proxies: tuple[Network, ...] = ()
    access_key_hash: bytes | None = field(default=None, repr=False)
    public_url: str | None = None
    cdn_base_url: str = DISCORD_CDN
    insecure_http: bool = False
    shutdown_timeout: float = 1.5
    per_minute: int = 30
    per_hour: int = 1000

    @property
    def public_origin(self) -> str | None:
        """Scheme, host and port under which browsers reach the web, when that is configured."""
        if self.public_url is None:
            return None
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def image_origin(self) -> str:
        """Where the pages show avatars and icons from, in the spelling of a policy."""
        return str(URL(self.cdn_base_url).origin())

    @property
    def is_https(self) -> bool:
        """Whether browsers come over TLS, so that cookies can be bound to it."""
        return (self.public_url or "").startswith("https://")


def options_from(config: Config) -> WebOptions:
    """Return the web's options from the configuration."""
    section = config.web
    secret = section.access_key.get_secret_value() if section.access_key else None
    return WebOptions(
        listeners=tuple(
            Address(
                one.host,
                one.port,
                frozenset(one.serve),
                f"web.listeners[{number}]" if section.listeners else "web.port",
            )
            for number, one in enumerate(section.bound())
        ),
        trusted_networks=section.trusted(),
        trusted_proxies=section.trusted_proxies,
        access_key_hash=hashlib.sha256(secret.encode()).digest() if secret else None,
        public_url=section.public_url,
        cdn_base_url=config.discord.cdn_base_url,
        insecure_http=section.insecure_http,
        shutdown_timeout=section.shutdown_timeout,
        per_minute=config.limits.api_per_minute,
        per_hour=config.limits.api_per_hour,
    )
