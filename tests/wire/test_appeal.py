"""Somebody who is banned appeals from the direct message, which is all they have left."""

from __future__ import annotations

from bot.core.cases import CaseKind, Order, Target
from bot.core.contracts import SYSTEM, Actor
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import config_for, running, until


async def test_banned_person_appeals_in_the_message_and_is_let_in(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann = sandbox.join(guild, "ann")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    staff = guild.channel("staff")
    letters = sandbox.world.open_dm(sandbox.application.user, ann.user)
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        kernel = bot.kernel
        await until(lambda: kernel.state().guild(guild.id), what="the guild")
        await kernel.settings.change(
            guild.id, "moderation", {"appeal_channel_id": str(staff.id)}, actor=SYSTEM
        )
        await kernel.cases.order(
            Order(
                guild_id=guild.id,
                kind=CaseKind.BAN,
                target=Target(ann.id, "ann"),
                moderator=Actor(owner.id, "command", "captain"),
                source="command",
                dedupe_key="interaction:1",
            )
        )
        assert ann.id in guild.bans
        (letter,) = letters.messages.values()

        form = await ann.click(letter, "moderation:appeal:1")
        await ann.submit_modal(form, {"text": "I am sorry"})
        await until(lambda: len(staff.messages) == 1, what="the card")
        (card,) = staff.messages.values()
        assert "I am sorry" in str(card.embeds)
        await owner.click(card, "moderation:appeal:accept:1")

        await until(lambda: ann.id not in guild.bans, what="the lift")
