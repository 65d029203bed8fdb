"""Seeing what happened over the control API, waiting for it, and making trouble."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..faults import RestFault
from ..models import Json
from ..payloads import render_message
from .request import Ask, operation

_LONGEST_WAIT = 60.0
_REST_FAULT_FIELDS: dict[str, Callable[[Any], Any]] = {
    "status": int,
    "method": str,
    "pattern": str,
    "times": int,
    "delay": float,
    "code": int,
    "message": str,
    "retry_after": float,
    "scope": str,
}


@operation("GET", "/calls")
async def list_calls(ask: Ask) -> Json:
    """Return recorded REST calls: `method`, `path` (a glob), `after` (a number), newest `limit`."""
    after, limit = int(ask.number("after", 0)), int(ask.number("limit", 100))
    found = ask.sandbox.recorder.calls_to(ask.query.get("method"), ask.query.get("path"))
    shown = [call.to_json() for call in found if call.number > after]
    return {"calls": shown[-limit:], "last": ask.sandbox.recorder.calls.total}


@operation("GET", "/frames")
async def list_frames(ask: Ask) -> Json:
    """Return recorded gateway messages of clients, after the number `after`."""
    after = int(ask.number("after", 0))
    frames = ask.sandbox.recorder.frames
    shown = [frame.to_json() for frame in frames if frame.number > after]
    return {"frames": shown, "last": frames.total}


@operation("GET", "/channels/{channel_id}/messages")
async def list_messages(ask: Ask) -> Json:
    """Return a channel's newest messages; with `user_id` also the ephemeral ones they see."""
    channel, limit = ask.channel(), int(ask.number("limit", 50))
    messages = list(channel.messages.values())
    if "user_id" in ask.query:
        user = ask.user(ask.query["user_id"])
        for interaction in ask.sandbox.interactions.journal:
            if interaction.user is user and interaction.channel is channel:
                messages += [entry for entry in interaction.messages if entry.ephemeral]
    messages = sorted(set(messages), key=lambda message: message.id)
    return {"messages": [render_message(message) for message in messages[-limit:]]}


@operation("GET", "/wait")
async def wait(ask: Ask) -> Json:
    """Wait up to `timeout` seconds for a `call`, `message`, `frame` or `connection` that fits.

    A call fits by `method` and `path`, a message by `channel_id`, `author_id` and `containing`,
    a frame by `op`; `after` skips earlier numbers (of a message: ids).
    """
    within = min(ask.number("timeout", 10), _LONGEST_WAIT)
    after = int(ask.query.get("after", 0))
    what = ask.query.get("for", "call")
    if what == "call":
        return await _wait_for_call(ask, within, after)
    if what == "message":
        return await _wait_for_message(ask, within, after)
    if what == "frame":
        return await _wait_for_frame(ask, within, after)
    if what == "connection":
        session = await ask.sandbox.wait_for_connection(within=within)
        return {"session_id": session.id, "shard": [session.shard_id, session.shard_count]}
    raise ValueError("wait for a call, message, frame or connection")


async def _wait_for_call(ask: Ask, within: float, after: int) -> Json:
    call = await ask.sandbox.recorder.wait_for_call(
        ask.query.get("method"), ask.query.get("path"), within=within, after=after
    )
    return call.to_json()


async def _wait_for_message(ask: Ask, within: float, after: int) -> Json:
    channel_id, author_id = ask.query.get("channel_id"), ask.query.get("author_id")
    message = await ask.sandbox.wait_for_message(
        ask.sandbox.world.channels[int(channel_id)] if channel_id else None,
        author=ask.user(author_id) if author_id else None,
        containing=ask.query.get("containing", ""),
        within=within,
        after=after,
    )
    return render_message(message)


async def _wait_for_frame(ask: Ask, within: float, after: int) -> Json:
    op = int(ask.query["op"])
    frame = await ask.sandbox.recorder.frames.wait_for(
        lambda entry: entry.op == op and entry.number > after, within=within
    )
    return frame.to_json()


@operation("POST", "/faults")
async def add_fault(ask: Ask) -> Json:
    """Inject trouble; `kind` names it.

    `rest` (fields of RestFault), `drop`, `close` (`code`), `reconnect`, `invalidate` (`resumable`),
    `ignore-heartbeats` (`ignore`), `refuse-connections` (`seconds`), `dispatch` (`event`, `data`,
    `guild_id`), `garbage`, `truncate`; the gateway's take `shard_id`.
    """
    kind = ask.need("kind")
    if kind not in FAULTS:
        raise ValueError(f"no such fault: {kind}; there are {', '.join(sorted(FAULTS))}")
    touched = FAULTS[kind](ask)
    if kind == "close":
        touched = await touched
    return {"touched": touched}


def _rest(ask: Ask) -> None:
    fields: dict[str, Any] = {
        key: read(ask.body[key])
        for key, read in _REST_FAULT_FIELDS.items()
        if ask.body.get(key) is not None
    }
    if "times" in ask.body:
        fields.setdefault("times", None)
    ask.sandbox.faults.add(RestFault(**fields))


def _dispatch(ask: Ask) -> None:
    guild_id = ask.body.get("guild_id")
    shard_guild = int(guild_id) if guild_id else None
    ask.sandbox.faults.send_dispatch(ask.need("event"), ask.body.get("data"), guild_id=shard_guild)


def _shard(ask: Ask) -> int | None:
    return ask.body.get("shard_id")


FAULTS: dict[str, Any] = {
    "rest": _rest,
    "drop": lambda ask: ask.sandbox.faults.drop(_shard(ask)),
    "close": lambda ask: ask.sandbox.faults.close(int(ask.need("code")), _shard(ask)),
    "reconnect": lambda ask: ask.sandbox.faults.reconnect(_shard(ask)),
    "invalidate": lambda ask: ask.sandbox.faults.invalidate(
        resumable=bool(ask.body.get("resumable")), shard_id=_shard(ask)
    ),
    "ignore-heartbeats": lambda ask: ask.sandbox.faults.ignore_heartbeats(
        ignore=bool(ask.body.get("ignore", True))
    ),
    "refuse-connections": lambda ask: ask.sandbox.faults.refuse_connections(
        float(ask.need("seconds"))
    ),
    "dispatch": _dispatch,
    "garbage": lambda ask: ask.sandbox.faults.send_garbage(_shard(ask)),
    "truncate": lambda ask: ask.sandbox.faults.truncate(_shard(ask)),
}


@operation("DELETE", "/faults")
async def clear_faults(ask: Ask) -> Json:
    """Disarm every fault."""
    ask.sandbox.faults.clear()
    return {}


@operation("PUT", "/rate-limits")
async def set_rate_limit(ask: Ask) -> Json:
    """Set a bucket's limit: `limit` calls per `window` seconds.

    A `bucket` is named like "POST /channels/{channel_id}/messages".
    """
    limit, window = int(ask.need("limit")), float(ask.body.get("window", 1.0))
    ask.sandbox.limits.set_rule(str(ask.need("bucket")), limit, window)
    return {}


@operation("GET", "/violations")
async def list_violations(ask: Ask) -> Json:
    """Return how the bot's REST requests differ from the document, if one was given."""
    validator = ask.sandbox.validator
    found = validator.violations if validator else []
    checked = validator.checked if validator else 0
    return {"violations": [entry.to_json() for entry in found], "checked": checked}
