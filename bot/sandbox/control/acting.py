"""Acting as a person over the control API; the field `user_id` says who acts."""

from __future__ import annotations

import base64
from typing import Any

from ..codec import parse_time
from ..interactions import Interaction
from ..models import Json
from ..payloads import render_channel, render_message
from ..webhook_posts import post_through
from .request import Ask, UnknownThingError, operation


@operation("POST", "/channels/{channel_id}/messages")
async def send_message(ask: Ask) -> Json:
    """Post `content`, in answer to `reply_to` if given.

    Also `files` (`filename` with `text`, or `data` in base64), `stickers` (ids), `poll`. With
    `created_at` the message has been there since then, and nobody hears of it.
    """
    channel = ask.channel()
    content = str(ask.body.get("content", ""))
    if ask.body.get("created_at"):
        sent_at = parse_time(ask.body["created_at"])
        return render_message(channel.backdate_message(ask.user(), content, sent_at=sent_at))
    reply_to = ask.body.get("reply_to")
    message = ask.actor(channel.guild).send(
        channel,
        content,
        reply_to=channel.messages[int(reply_to)] if reply_to else None,
        files=[_file(entry) for entry in ask.body.get("files") or ()],
        stickers=[int(entry) for entry in ask.body.get("stickers") or ()],
        poll=ask.body.get("poll"),
    )
    return render_message(message)


def _file(entry: Json) -> tuple[str, bytes]:
    data = entry.get("data")
    content = str(entry.get("text", "")).encode() if data is None else base64.b64decode(data)
    return str(entry["filename"]), content


@operation("POST", "/channels/{channel_id}/burst")
async def send_burst(ask: Ask) -> Json:
    """Post all `contents` fast, `gap` seconds apart; returns those that came through."""
    channel = ask.channel()
    contents = [str(entry) for entry in ask.need("contents")]
    gap = float(ask.body.get("gap", 0))
    sent = await ask.actor(channel.guild).burst(channel, contents, gap=gap)
    return {"messages": [render_message(message) for message in sent]}


@operation("POST", "/channels/{channel_id}/forwards")
async def forward_message(ask: Ask) -> Json:
    """Forward the message `message_id` of the channel `from` here."""
    channel = ask.channel()
    source = ask.sandbox.world.channels[int(ask.need("from"))]
    message = source.messages[int(ask.need("message_id"))]
    return render_message(ask.actor(channel.guild).forward(message, channel))


@operation("POST", "/channels/{channel_id}/threads")
async def start_thread(ask: Ask) -> Json:
    """Open a thread `name`, on the message `message_id` if given, with `content` in it."""
    channel = ask.channel()
    message_id = ask.body.get("message_id")
    thread = ask.actor(channel.guild).start_thread(
        channel,
        str(ask.need("name")),
        message=channel.messages[int(message_id)] if message_id else None,
        content=str(ask.body.get("content", "")),
        private=bool(ask.body.get("private")),
    )
    return render_channel(thread)


@operation("PUT", "/guilds/{guild_id}/voice")
async def sit_in_voice(ask: Ask) -> Json:
    """Enter the voice channel `channel_id`, with `self_mute` and `self_deaf`; without, leave."""
    guild, actor = ask.guild(), ask.actor(ask.guild())
    if (channel_id := ask.body.get("channel_id")) is None:
        actor.leave_voice()
        return {}
    channel = guild.channels[int(channel_id)]
    marks = {name: bool(ask.body.get(name)) for name in ("self_mute", "self_deaf")}
    actor.join_voice(channel, **marks)
    return dict(guild.voice_states[actor.user.id])


@operation("POST", "/webhooks/{webhook_id}/messages")
async def post_through_webhook(ask: Ask) -> Json:
    """Post `content` and `embeds` through a webhook, as `username`."""
    webhook = ask.sandbox.world.webhooks[int(ask.params["webhook_id"])]
    known = ("content", "username", "embeds")
    fields = {key: ask.body[key] for key in known if key in ask.body}
    return render_message(post_through(webhook, **fields))


@operation("POST", "/direct-messages")
async def send_direct_message(ask: Ask) -> Json:
    """Write `content` to the bot directly."""
    return render_message(ask.actor().send_dm(str(ask.need("content"))))


@operation("PATCH", "/channels/{channel_id}/messages/{message_id}")
async def edit_message(ask: Ask) -> Json:
    """Edit an own message."""
    message = ask.message()
    ask.actor(message.channel.guild).edit(message, str(ask.need("content")))
    return render_message(message)


@operation("PUT", "/channels/{channel_id}/messages/{message_id}/previews")
async def show_previews(ask: Ask) -> Json:
    """Show `embeds` for the links of a message, as Discord does a moment after it was sent."""
    message, embeds = ask.message(), list(ask.need("embeds"))
    message.channel.edit_message(message, mark_edited=False, embeds=embeds)
    return render_message(message)


@operation("DELETE", "/channels/{channel_id}/messages/{message_id}")
async def delete_message(ask: Ask) -> Json:
    """Delete a message."""
    message = ask.message()
    ask.actor(message.channel.guild).delete(message)
    return {}


@operation("PUT", "/channels/{channel_id}/messages/{message_id}/reactions")
async def add_reaction(ask: Ask) -> Json:
    """React with `emoji`."""
    message = ask.message()
    ask.actor(message.channel.guild).react(message, str(ask.need("emoji")))
    return render_message(message)


@operation("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions")
async def remove_reaction(ask: Ask) -> Json:
    """Take an own reaction with `emoji` back."""
    message = ask.message()
    ask.actor(message.channel.guild).unreact(message, str(ask.need("emoji")))
    return render_message(message)


@operation("POST", "/channels/{channel_id}/commands")
async def use_command(ask: Ask) -> Json:
    """Use the slash command `command` ("welcome test") with `options`, and wait for the answer.

    An option that is a file is an object as in a message's `files`.
    """
    channel = ask.channel()
    options = {
        name: _file(value) if isinstance(value, dict) else value
        for name, value in (ask.body.get("options") or {}).items()
    }
    interaction = await ask.actor(channel.guild).slash(
        channel,
        str(ask.need("command")),
        options=options,
        wait=ask.body.get("wait", True),
    )
    return interaction.to_json()


@operation("POST", "/channels/{channel_id}/autocomplete")
async def type_option(ask: Ask) -> Json:
    """Type `typed` into `option` of `command` and return the choices."""
    channel = ask.channel()
    choices = await ask.actor(channel.guild).autocomplete(
        channel,
        str(ask.need("command")),
        str(ask.need("option")),
        ask.body.get("typed", ""),
        **(ask.body.get("options") or {}),
    )
    return {"choices": choices}


@operation("POST", "/channels/{channel_id}/context-menu")
async def use_context_menu(ask: Ask) -> Json:
    """Use the context menu command `name` on the message or member `target_id`."""
    channel = ask.channel()
    target_id = int(ask.need("target_id"))
    message = channel.messages.get(target_id)
    target = message or ask.user(target_id)
    actor = ask.actor(channel.guild)
    return (await actor.context_menu(channel, str(ask.need("name")), target)).to_json()


@operation("POST", "/messages/{message_id}/click")
async def click(ask: Ask) -> Json:
    """Click the button `custom_id`."""
    message = ask.message()
    actor = ask.actor(message.channel.guild)
    wait = ask.body.get("wait", True)
    return (await actor.click(message, str(ask.need("custom_id")), wait=wait)).to_json()


@operation("POST", "/messages/{message_id}/select")
async def select(ask: Ask) -> Json:
    """Choose `values` in the select `custom_id`."""
    message = ask.message()
    actor = ask.actor(message.channel.guild)
    values = list(ask.need("values"))
    wait = ask.body.get("wait", True)
    return (await actor.select(message, str(ask.need("custom_id")), values, wait=wait)).to_json()


def _interaction(ask: Ask) -> Interaction:
    found = ask.sandbox.interactions.find_interaction(int(ask.params["interaction_id"]))
    if found is None:
        raise UnknownThingError(f"there is no interaction {ask.params['interaction_id']}")
    return found


@operation("POST", "/interactions/{interaction_id}/modal")
async def submit_modal(ask: Ask) -> Json:
    """Submit the modal that an interaction opened, with `values` by custom id.

    Uploads are a list of files as a message takes them.
    """
    opened = _interaction(ask)
    actor = ask.actor(opened.guild)
    values = {key: _with_files(one) for key, one in (ask.body.get("values") or {}).items()}
    return (await actor.submit_modal(opened, values)).to_json()


def _with_files(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [_file(one) if isinstance(one, dict) else one for one in value]


@operation("GET", "/interactions/{interaction_id}")
async def get_interaction(ask: Ask) -> Json:
    """Return an interaction with all that was answered so far, ephemeral messages too."""
    return _interaction(ask).to_json()
