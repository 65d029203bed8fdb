"""Where bad words can stand, over the wire: names, polls, forwards, embeds, edits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.core.contracts import SYSTEM
from bot.sandbox import Actor, Sandbox
from bot.sandbox.channel import Channel
from bot.sandbox.guild import Guild
from tests.wire.running import Bot, config_for, running, until

SOURCES = ["content", "embed", "forward", "poll", "attachment", "sticker", "thread", "name"]
SCAM = {
    "name": "scam",
    "when": {"type": "words", "words": ["nitro"], "sources": SOURCES},
    "actions": [{"type": "delete"}, {"type": "warn", "points": 1}],
}


async def set_rules(bot: Bot, guild: Guild, *rules: Any) -> None:
    await until(lambda: bot.kernel.state().guild(guild.id))
    changes = {"rules": list(rules), "log_channel_id": str(guild.channel("staff").id)}
    await bot.kernel.settings.change(guild.id, "automod", changes, actor=SYSTEM, enabled=True)


async def warned(bot: Bot, guild: Guild, *people: Actor) -> None:
    """Wait until each of them, and nobody else, has one warning."""
    wanted = sorted(one.id for one in people)

    async def look() -> bool:
        found = await bot.kernel.cases.list(guild.id, limit=50)
        return sorted(one.target.id for one in found) == wanted

    await until(look)


def forward(actor: Actor, general: Channel, elsewhere: Channel) -> Any:
    return actor.forward(elsewhere.add_message(actor.user, "free nitro"), general)


POSTS: dict[str, Callable[[Actor, Channel, Channel], Any]] = {
    "poll": lambda actor, general, _: actor.ask(general, "Want something?", "free nitro", "no"),
    "forward": forward,
    "file name": lambda actor, general, _: actor.send(general, files=[("free nitro.png", b"x")]),
    "embed": lambda actor, general, _: general.add_message(
        actor.user, "look", embeds=[{"title": "hello"}, {"footer": {"text": "free nitro"}}]
    ),
}


async def test_bad_words_are_found_wherever_a_message_can_hold_them(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    general, elsewhere = guild.channel("general"), guild.channel("staff")
    people = [sandbox.join(guild, name.replace(" ", "")) for name in POSTS]
    eve = sandbox.join(guild, "eve")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        # What is written before the rules are there stays.
        edited = eve.send(general, "hello")
        await set_rules(bot, guild, SCAM)
        for actor, post in zip(people, POSTS.values(), strict=True):
            message = post(actor, general, elsewhere)
            await until(lambda gone=message: gone.id not in general.messages)
        eve.edit(edited, "free nitro")
        await until(lambda: not general.messages)
        await warned(bot, guild, *people, eve)


async def test_names_are_judged_on_join_and_on_every_change(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    bob, eve = sandbox.join(guild, "bob"), sandbox.join(guild, "eve")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_rules(bot, guild, SCAM)
        ann = sandbox.join(guild, "free nitro")
        await warned(bot, guild, ann)
        bob.rename("nitro bob")
        await warned(bot, guild, ann, bob)
        eve.change_name("Eve gives nitro")
        await warned(bot, guild, ann, bob, eve)
        # The same name told again is no other hit.
        bob.rename("bob")
        guild.update_member(bob.member, roles=[])
        await warned(bot, guild, ann, bob, eve)
