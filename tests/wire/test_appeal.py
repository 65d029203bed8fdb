"""Somebody who is banned appeals from the direct message, which is all they have left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.core.cases import CaseKind, Order, Target
from bot.core.contracts import SYSTEM
from bot.core.contracts import Actor as Person
from bot.sandbox import Actor, Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.models import Message
from tests.wire.running import Bot, config_for, running, until


@asynccontextmanager
async def banned(
    sandbox: Sandbox, guild: Guild, url: str, ann: Actor
) -> AsyncIterator[tuple[Bot, Message]]:
    """Run a bot that has banned Ann; gives the message that she got."""
    letters = sandbox.world.open_dm(sandbox.application.user, ann.user)
    async with running(config_for(sandbox, url, jobs={"poll_seconds": 0.2})) as bot:
        kernel = bot.kernel
        await until(lambda: kernel.state().guild(guild.id), what="the guild")
        changes = {"appeal_channel_id": str(guild.channel("staff").id)}
        await kernel.settings.change(guild.id, "moderation", changes, actor=SYSTEM)
        await kernel.cases.order(
            Order(
                guild_id=guild.id,
                kind=CaseKind.BAN,
                target=Target(ann.id, "ann"),
                moderator=Person(guild.owner_id, "command", "captain"),
                source="command",
                dedupe_key="interaction:1",
            )
        )
        assert ann.id in guild.bans
        (letter,) = letters.messages.values()
        yield bot, letter


async def test_banned_person_appeals_in_the_message_and_is_let_in(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann = sandbox.join(guild, "ann")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    staff = guild.channel("staff")
    async with banned(sandbox, guild, sqlite_url, ann) as (_, letter):
        form = await ann.click(letter, "moderation:appeal:1")
        await ann.submit_modal(form, {"text": "I am sorry"})
        await until(lambda: len(staff.messages) == 1, what="the card")
        (card,) = staff.messages.values()
        assert "I am sorry" in str(card.embeds)
        await owner.click(card, "moderation:appeal:accept:1")

        await until(lambda: ann.id not in guild.bans, what="the lift")


async def test_banned_person_is_asked_by_the_only_button_they_have(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann = sandbox.join(guild, "ann")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    staff = guild.channel("staff")
    async with banned(sandbox, guild, sqlite_url, ann) as (_, letter):
        form = await ann.click(letter, "moderation:appeal:1")
        await ann.submit_modal(form, {"text": "I am sorry"})
        await until(lambda: len(staff.messages) == 1, what="the card")
        (card,) = staff.messages.values()

        form = await owner.click(card, "moderation:appeal:ask:1")
        asked = await owner.submit_modal(form, {"text": "What for?"})
        # They share no server with the bot: Discord refuses its message.
        assert asked.response is not None
        assert "They take no messages from me" in asked.response.text()
        form = await ann.click(letter, "moderation:appeal:1")
        assert "What for?" in str(form.modal)
        await ann.submit_modal(form, {"text": "For the flood"})

        await until(lambda: len(staff.messages) == 3, what="the answer")
        *_, told, answered = (one.content for one in staff.messages.values())
        assert "I could not ask" in told
        assert "> For the flood" in answered
        await until(lambda: "For the flood" in str(card.embeds), what="the card with the answer")
