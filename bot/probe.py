"""The `alive` command: asks the bot of this configuration whether its process lives.

For container health checks: which port that is, only the configuration knows.
"""

from __future__ import annotations

import http.client
import os
from ipaddress import ip_address
from pathlib import Path

from bot.core.config import load_config
from bot.core.config.model import Listener

SECONDS = 4.0
_OK = 200


def probe(config_path: Path | None) -> str | None:
    """Return what speaks against the process being alive, `None` when it is.

    Raises `ConfigurationError`. Where no listener with a fixed port serves health there is nobody
    to ask, which speaks against nothing.
    """
    config = load_config(config_path, os.environ)
    asked = [spot for spot in config.web.bound() if "health" in spot.serve and spot.port]
    return _ask(asked[0]) if asked else None


def _ask(spot: Listener) -> str | None:
    connection = http.client.HTTPConnection(_reachable(spot.host), spot.port, timeout=SECONDS)
    try:
        connection.request("GET", "/livez")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{spot.host}:{spot.port} does not answer: {error or type(error).__name__}"
    finally:
        connection.close()
    return None if status == _OK else f"{spot.host}:{spot.port} answers {status}"


def _reachable(host: str) -> str:
    """Return an address that reaches a listener: one on every address is asked on this machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"
