"""Where the gateway is."""

from __future__ import annotations

from .call import Call
from .routing import route


@route("GET", "/gateway", authenticated=False)
def get_gateway(call: Call) -> dict[str, object]:
    """Return the gateway's address."""
    return {"url": call.context.gateway_url}


@route("GET", "/gateway/bot")
def get_gateway_bot(call: Call) -> dict[str, object]:
    """Return the gateway's address, how many shards to use and how often one may identify."""
    guilds = len(call.world.guilds_of(call.caller))
    starts = call.context.starts
    return {
        "url": call.context.gateway_url,
        "shards": call.context.recommended_shards or 1 + guilds // 1_000,
        "session_start_limit": {
            "total": starts.total,
            "remaining": starts.remaining,
            "reset_after": round(starts.reset_after * 1000),
            "max_concurrency": 1,
        },
    }
