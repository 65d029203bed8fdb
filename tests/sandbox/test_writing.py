"""Everything a message can carry, written by people and by the bot."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import discord
import pytest

from bot.sandbox import NotPossibleError, Sandbox
from bot.sandbox.actor import Actor
from bot.sandbox.guild import Guild
from bot.sandbox.models import ChannelType
from bot.sandbox.permissions import Permission
from bot.sandbox.stickers import add_sticker
from tests.sandbox.conftest import Client


@pytest.fixture
def ada(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.join(guild, "ada")


async def _received(client: Client, sandbox: Sandbox, guild: Guild) -> discord.Message:
    """Return the newest message as the bot got it."""
    await client.until("MESSAGE_CREATE")
    newest = guild.channel("general").last_message_id
    found = next((entry for entry in client.cached_messages if entry.id == newest), None)
    assert found is not None
    return found


async def test_files_can_be_fetched(
    client: Client, sandbox: Sandbox, guild: Guild, ada: Actor
) -> None:
    text, binary = (
        ("notes of mine.txt", b"free nitro"),
        ("run.exe", b"MZ", "application/x-msdownload"),
    )
    ada.send(guild.channel("general"), files=[text, binary])
    message = await _received(client, sandbox, guild)
    notes, program = message.attachments
    assert (notes.filename, notes.title) == ("notes_of_mine.txt", "notes of mine")
    assert notes.content_type == "text/plain; charset=utf-8"
    assert await notes.read() == b"free nitro"
    assert (program.content_type, program.size) == ("application/x-msdownload", 2)


async def test_stickers_and_polls_are_seen(
    client: Client, sandbox: Sandbox, guild: Guild, ada: Actor
) -> None:
    sticker = add_sticker(guild, "wave")
    general = guild.channel("general")
    ada.send(general, stickers=[int(sticker["id"])])
    ada.ask(general, "Tea?", "yes", "no")
    await client.until("MESSAGE_CREATE", times=2)
    shown, asked = client.cached_messages
    assert [entry.name for entry in shown.stickers] == ["wave"]
    assert asked.poll is not None
    assert [answer.text for answer in asked.poll.answers] == ["yes", "no"]
    with pytest.raises(NotPossibleError):
        ada.send(general, stickers=[99])


async def test_forward_carries_a_snapshot(
    client: Client, sandbox: Sandbox, guild: Guild, ada: Actor
) -> None:
    source = ada.send(guild.channel("welcome"), "read this", files=[("a.txt", b"a")])
    forwarded = ada.forward(source, guild.channel("general"))
    await client.until("MESSAGE_CREATE", times=2)
    message = client.cached_messages[-1]
    assert message.content == ""
    assert message.reference is not None
    assert message.reference.type is discord.MessageReferenceType.forward
    (snapshot,) = message.message_snapshots
    assert snapshot.content == "read this"
    assert [entry.filename for entry in snapshot.attachments] == ["a.txt"]
    assert "read this" in forwarded.text()


async def test_bot_forwards_asks_and_shows_stickers(
    client: Client, guild: Guild, ada: Actor
) -> None:
    source = client.get_channel(guild.channel("welcome").id)
    target = client.get_channel(guild.channel("general").id)
    assert isinstance(source, discord.TextChannel)
    assert isinstance(target, discord.TextChannel)
    poll = discord.Poll("Tea?", duration=timedelta(hours=2)).add_answer(text="yes")
    asked = await source.send(poll=poll)
    sticker = add_sticker(guild, "wave")
    shown = await source.send(stickers=[discord.Object(int(sticker["id"]))])
    assert shown.stickers[0].id == int(sticker["id"])
    plain = await source.send("plain")
    copy = await plain.forward(target)
    assert copy.message_snapshots[0].content == "plain"
    for unfit in (asked.forward(target), plain.forward(discord.Object(99))):  # type: ignore[arg-type]
        with pytest.raises((discord.HTTPException, AttributeError)):
            await unfit


async def test_webhook_posts_embeds(client: Client, guild: Guild, sandbox: Sandbox) -> None:
    owner = sandbox.actor(sandbox.world.users[guild.owner_id], guild)
    webhook = owner.create_webhook(guild.channel("general"), "news")
    embed = {"type": "rich", "title": "Headline", "description": "text"}
    owner.post_through(webhook, username="Paper", embeds=[embed])
    message = await _received(client, sandbox, guild)
    assert message.webhook_id == webhook.id
    assert message.author.name == "Paper"
    assert message.embeds[0].title == "Headline"


async def test_preview_of_a_link_comes_later_and_is_no_edit(
    client: Client, guild: Guild, ada: Actor
) -> None:
    message = ada.send(guild.channel("general"), "https://x.example")
    preview = {"type": "link", "title": "A page", "url": "https://x.example"}
    message.channel.edit_message(message, mark_edited=False, embeds=[preview])
    await client.until("MESSAGE_UPDATE")
    (seen,) = client.cached_messages
    assert (seen.embeds[0].title, seen.edited_at) == ("A page", None)


async def test_threads_of_members(
    client: Client, guild: Guild, sandbox: Sandbox, ada: Actor
) -> None:
    general = guild.channel("general")
    thread = ada.start_thread(general, "offers", message=ada.send(general, "see below"))
    forum = guild.add_channel("forum", ChannelType.FORUM)
    post = ada.start_thread(forum, "my post", content="hello")
    assert [message.content for message in post.messages.values()] == ["hello"]
    ada.edit_thread(thread, name="better offers")
    await client.until("THREAD_CREATE", times=2)
    await client.until("THREAD_UPDATE")
    found = client.get_channel(thread.id)
    assert isinstance(found, discord.Thread)
    assert found.name == "better offers"
    await found.edit(name="offers (closed)", locked=True, archived=True)
    with pytest.raises(NotPossibleError):
        ada.send(thread, "still here")
    with pytest.raises(NotPossibleError):
        ada.edit_thread(thread, locked=False)
    named = [entry["changes"] for entry in guild.audit_log if entry["action_type"] == 111]
    assert named[0] == [{"key": "name", "old_value": "offers", "new_value": "better offers"}]


async def test_burst_ends_with_a_timeout(client: Client, guild: Guild, ada: Actor) -> None:
    general = guild.channel("general")
    sent = await ada.burst(general, [f"spam {number}" for number in range(200)])
    assert len(sent) == 200
    await client.until("MESSAGE_CREATE", times=200)
    burst = asyncio.create_task(ada.burst(general, [str(number) for number in range(500)]))
    await client.until("MESSAGE_CREATE", times=205)
    found = client.get_guild(guild.id)
    assert found is not None
    await (await found.fetch_member(ada.id)).timeout(timedelta(minutes=1))
    assert len(await burst) <= 500
    with pytest.raises(NotPossibleError):
        ada.send(general, "more")


def test_files_need_their_permission(guild: Guild, ada: Actor) -> None:
    general = guild.channel("general")
    general.set_overwrite(guild.id, 0, deny=Permission.ATTACH_FILES)
    with pytest.raises(NotPossibleError):
        ada.send(general, files=[("a.txt", b"a")])
