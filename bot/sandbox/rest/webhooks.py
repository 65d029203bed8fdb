"""Webhooks, and the same paths under an interaction's token: its original answer and follow-ups."""

from __future__ import annotations

import hmac
from typing import Any

from ..audit import AuditAction, changes
from ..interactions import Interaction
from ..models import Message, MessageFlag, Webhook
from ..payloads import render_message, render_webhook
from ..permissions import Permission
from ..webhook_posts import post_through
from .call import Call
from .drafts import read_draft, read_edit
from .errors import FormCheck, error, not_found
from .interactions import post_answer
from .routing import route

Json = dict[str, Any]

_WEBHOOKS_PER_CHANNEL = 15
_PATH = "/webhooks/{webhook_id}/{webhook_token}"


# -- managing webhooks ----------------------------------------------------------------------------


@route("POST", "/channels/{channel_id}/webhooks", permissions=Permission.MANAGE_WEBHOOKS)
def create_webhook(call: Call) -> Json:
    """Create a webhook."""
    channel = call.channel()
    check = FormCheck()
    check.text("name", call.json.get("name"), 1, 80, required=True)
    check.finish()
    if channel.guild is None:
        raise error(403, 50003)
    if (
        sum(entry.channel is channel for entry in channel.guild.webhooks.values())
        >= _WEBHOOKS_PER_CHANNEL
    ):
        raise error(400, 30007)
    webhook = call.world.add_webhook(
        channel,
        call.json["name"],
        creator=call.bot,
        application_id=call.caller.id,
    )
    _log(call, webhook, AuditAction.WEBHOOK_CREATE, {}, _state(webhook))
    return render_webhook(webhook)


@route("GET", "/channels/{channel_id}/webhooks", permissions=Permission.MANAGE_WEBHOOKS)
def list_channel_webhooks(call: Call) -> list[Json]:
    """Return a channel's webhooks."""
    channel = call.channel()
    webhooks = channel.guild.webhooks.values() if channel.guild else ()
    return [render_webhook(entry) for entry in webhooks if entry.channel is channel]


@route("GET", "/guilds/{guild_id}/webhooks", permissions=Permission.MANAGE_WEBHOOKS)
def list_guild_webhooks(call: Call) -> list[Json]:
    """Return a guild's webhooks."""
    return [render_webhook(entry) for entry in call.guild().webhooks.values()]


def _owned(call: Call) -> Webhook:
    webhook = call.world.webhooks.get(call.snowflake("webhook_id"))
    if webhook is None:
        raise not_found(10015)
    call.require(webhook.channel, Permission.MANAGE_WEBHOOKS)
    return webhook


@route("GET", "/webhooks/{webhook_id}")
def get_webhook(call: Call) -> Json:
    """Return a webhook."""
    return render_webhook(_owned(call))


@route("PATCH", "/webhooks/{webhook_id}")
def edit_webhook(call: Call) -> Json:
    """Rename a webhook."""
    webhook = _owned(call)
    before = _state(webhook)
    renamed = _rename(call, webhook)
    _log(call, webhook, AuditAction.WEBHOOK_UPDATE, before, _state(webhook))
    return renamed


@route("DELETE", "/webhooks/{webhook_id}")
def delete_webhook(call: Call) -> None:
    """Delete a webhook."""
    webhook = _owned(call)
    call.world.remove_webhook(webhook)
    _log(call, webhook, AuditAction.WEBHOOK_DELETE, _state(webhook), {})


def _state(webhook: Webhook) -> Json:
    return {"name": webhook.name, "channel_id": str(webhook.channel.id), "type": 1}


def _log(call: Call, webhook: Webhook, action: AuditAction, before: Json, after: Json) -> None:
    found, guild = changes(before, after), webhook.channel.home
    guild.log(action, call.bot.id, webhook.id, reason=call.reason, changes=found)


def _rename(call: Call, webhook: Webhook) -> Json:
    check = FormCheck()
    check.text("name", call.json.get("name"), 1, 80)
    check.finish()
    webhook.name = call.json.get("name") or webhook.name
    return render_webhook(webhook)


# -- with a token ---------------------------------------------------------------------------------


def _by_token(call: Call) -> Webhook | Interaction:
    """Return what the path's id and token name; raises 10015 or 50027."""
    webhook_id = call.snowflake("webhook_id")
    token = call.params["webhook_token"]
    webhook = call.world.webhooks.get(webhook_id)
    if webhook is not None:
        if not hmac.compare_digest(webhook.token.encode(), token.encode()):
            raise error(401, 50027)
        return webhook
    if webhook_id not in call.world.applications:
        raise not_found(10015)
    interaction = call.context.interactions.find_by_token(webhook_id, token)
    if interaction is None:
        raise error(401, 50027)
    return interaction


def _webhook(call: Call) -> Webhook:
    found = _by_token(call)
    if isinstance(found, Interaction):
        raise not_found(10015)
    return found


@route("GET", _PATH, authenticated=False)
def get_webhook_with_token(call: Call) -> Json:
    """Return a webhook by its token."""
    return render_webhook(_webhook(call))


@route("PATCH", _PATH, authenticated=False)
def edit_webhook_with_token(call: Call) -> Json:
    """Rename a webhook by its token."""
    return _rename(call, _webhook(call))


@route("DELETE", _PATH, authenticated=False)
def delete_webhook_with_token(call: Call) -> None:
    """Delete a webhook by its token."""
    call.world.remove_webhook(_webhook(call))


@route("POST", _PATH, authenticated=False, counts_globally=False)
def execute_webhook(call: Call) -> Json | None:
    """Post through a webhook, or follow up on an interaction."""
    found = _by_token(call)
    if isinstance(found, Interaction):
        return render_message(_follow_up(call, found))
    message = _post(call, found)
    return render_message(message) if call.query.get("wait", "").lower() in ("true", "1") else None


def _post(call: Call, webhook: Webhook) -> Message:
    check = FormCheck()
    check.text("username", call.json.get("username"), 1, 80)
    check.finish()
    channel = webhook.channel
    thread_id = call.query_snowflake("thread_id")
    if thread_id is not None:
        channel = call.world.channels.get(thread_id)
        if channel is None or channel.parent is not webhook.channel:
            raise not_found(10003)
    draft = read_draft(call.json, call.uploads, channel)
    draft.flags &= ~MessageFlag.EPHEMERAL
    return post_through(
        webhook, draft.content, username=call.json.get("username"), thread=channel, **draft.fields()
    )


def _follow_up(call: Call, interaction: Interaction) -> Message:
    """Post a follow-up; the first one after a deferral takes the place of "thinking…"."""
    draft = read_draft(call.json, call.uploads, interaction.channel)
    if interaction.deferred and interaction.response is not None:
        message = interaction.response
        keep = message.flags & MessageFlag.EPHEMERAL
        draft.flags = (draft.flags & ~MessageFlag.EPHEMERAL) | keep
        fields = {key: value for key, value in draft.fields().items() if key != "mentions"}
        message.channel.edit_message(message, mark_edited=False, content=draft.content, **fields)
    else:
        message = post_answer(interaction, draft.content, **draft.fields())
        interaction.followups.append(message)
    interaction.note_message()
    return message


def _answer(call: Call) -> tuple[Message, Interaction | None]:
    """Return the path's message under a token; `@original` is an interaction's first answer."""
    found = _by_token(call)
    wanted = call.params["message_id"]
    if isinstance(found, Interaction):
        if wanted == "@original":
            message = found.response
        else:
            message = next((entry for entry in found.messages if str(entry.id) == wanted), None)
        if message is None or message.deleted:
            raise not_found(10008)
        return message, found
    message = found.channel.messages.get(call.snowflake("message_id"))
    if message is None or message.webhook_id != found.id:
        raise not_found(10008)
    return message, None


@route("GET", f"{_PATH}/messages/{{message_id}}", authenticated=False, counts_globally=False)
def get_webhook_message(call: Call) -> Json:
    """Return a webhook's message or an interaction's answer."""
    return render_message(_answer(call)[0])


@route("PATCH", f"{_PATH}/messages/{{message_id}}", authenticated=False, counts_globally=False)
def edit_webhook_message(call: Call) -> Json:
    """Edit a webhook's message or an interaction's answer."""
    message, interaction = _answer(call)
    changes = read_edit(call.json, call.uploads, message)
    loading = bool(message.flags & MessageFlag.LOADING)
    changes["flags"] &= ~MessageFlag.LOADING
    message.channel.edit_message(message, mark_edited=not loading, **changes)
    if interaction is not None:
        interaction.note_message()
    return render_message(message)


@route("DELETE", f"{_PATH}/messages/{{message_id}}", authenticated=False, counts_globally=False)
def delete_webhook_message(call: Call) -> None:
    """Delete a webhook's message or an interaction's answer."""
    message, interaction = _answer(call)
    message.channel.delete_message(message)
    message.deleted = True
    if interaction is not None:
        interaction.note_message()
