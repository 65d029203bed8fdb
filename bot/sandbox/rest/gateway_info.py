"""Where the gateway is."""

from __future__ import annotations

from .call import Call
from .routing import route

_SESSION_STARTS = 1_000


@route("GET", "/gateway", authenticated=False)
def get_gateway(call: Call) -> dict[str, object]:
    """Return the gateway's address."""
    return {"url": call.context.gateway_url}


@route("GET", "/gateway/bot")
def get_gateway_bot(call: Call) -> dict[str, object]:
    """Return the gateway's address, how many shards to use and how often one may identify."""
    guilds = len(call.world.guilds_of(call.caller))
    used = call.context.identifies % _SESSION_STARTS
    return {
        "url": call.context.gateway_url,
        "shards": call.context.recommended_shards or 1 + guilds // 1_000,
        "session_start_limit": {
            "total": _SESSION_STARTS,
            "remaining": _SESSION_STARTS - used,
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        },
    }
