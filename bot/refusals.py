"""What Discord's error answers mean for a delivery: later, when permitted, never, or done."""

from __future__ import annotations

from datetime import timedelta

import discord

from bot.core.outbox.deliveries import (
    SENDING,
    Delayed,
    DeliveryError,
    DeliveryKind,
    Entry,
    NotPermitted,
    Refused,
    Undeliverable,
)

DM_PAUSE = timedelta(hours=1)
BLOCKED_PAUSE = timedelta(minutes=10)
SHORT_PAUSE = timedelta(minutes=1)

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
FLAGGED_AS_SPAM = 20026
MISSING = {50001: "missing_access", 50013: "missing_permissions"}
LATER = {
    20016: "slowmode",
    20028: "channel_rate_limited",
    FLAGGED_AS_SPAM: "flagged_as_spam",
    40003: "opening_dms_too_fast",
    40004: "sending_disabled",
}
DMS_CLOSED = "dms_closed"
NEVER = {
    UNKNOWN_CHANNEL: "channel_gone",
    UNKNOWN_MESSAGE: "message_gone",
    10013: "user_gone",
    50005: "not_our_message",
    50006: "empty_message",
    50007: DMS_CLOSED,
    50008: "not_a_text_channel",
    50035: "invalid_payload",
    50083: "thread_archived",
    # No server in common, as after a ban: the person's side, and no fault, just as well.
    50278: DMS_CLOSED,
    160005: "thread_locked",
    200000: "blocked_by_automod",
    200001: "blocked_by_automod",
}


def judge_refusal(entry: Entry, error: discord.HTTPException) -> DeliveryError:
    """Return what an error answer of Discord means for a delivery."""
    text = f"{error.status} {error.code} {error.text}"
    if error.status >= 500:
        return Delayed("discord_error", text, maybe_sent=True)
    if error.status == 429:
        return Delayed("rate_limited", after=_retry_after(error))
    if reason := LATER.get(error.code):
        after = DM_PAUSE if error.code == FLAGGED_AS_SPAM else SHORT_PAUSE
        return Delayed(reason, text, after=after)
    if reason := MISSING.get(error.code):
        # Nobody can grant a permission for somebody else's direct messages.
        direct = entry.kind is DeliveryKind.DIRECT or entry.is_direct
        return Refused(DMS_CLOSED, text) if direct else NotPermitted(reason, text)
    if error.code == 0 and error.status in (401, 403):
        # No answer of the API but of what stands before it, or the token has been reset.
        return Delayed("refused_at_the_door", text, after=BLOCKED_PAUSE)
    reason = NEVER.get(error.code, f"rejected_{error.code}")
    return Refused(reason, text) if reason == DMS_CLOSED else Undeliverable(reason, text)


def is_settled_by(entry: Entry, error: discord.HTTPException) -> bool:
    """Return whether an error says that what was wanted is so already.

    Discord answers a repeated nonce with Unknown Message when the message was deleted meanwhile,
    on purpose: https://github.com/discord/discord-api-docs/pull/6647
    """
    if entry.kind is DeliveryKind.DELETE:
        return error.code in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE)
    return entry.kind in SENDING and error.code == UNKNOWN_MESSAGE


def _retry_after(error: discord.HTTPException) -> timedelta:
    header = error.response.headers.get("Retry-After", "")
    if not header.replace(".", "", 1).isdecimal():
        return SHORT_PAUSE
    return timedelta(seconds=float(header))
