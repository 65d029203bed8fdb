"""Rules handed to Discord's own AutoMod over the wire: it acts on them, and others stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from bot.sandbox import Actor, NotPossibleError, Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.permissions import Permission
from cogs.automod.presets import Preset, rules_of
from tests.wire.running import Bot, config_for, running, until

WORDS = {"name": "insults", "when": {"type": "words", "words": ["idiot"]}}
MENTIONS = {
    "name": "mentions",
    "when": {"type": "mentions", "limit": 5},
    "actions": [{"type": "delete"}, {"type": "timeout", "duration": 600}, {"type": "alert"}],
}
CAPS = {"name": "caps", "when": {"type": "caps"}}


@pytest.fixture
async def bot(sandbox: Sandbox, guild: Guild, sqlite_url: str) -> AsyncIterator[Bot]:
    async with running(config_for(sandbox, sqlite_url)) as running_bot:
        await until(lambda: sandbox.application.commands)
        yield running_bot


@pytest.fixture
def owner(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.actor(sandbox.world.users[guild.owner_id], guild)


async def set_rules(bot: Bot, guild: Guild, *rules: Any) -> None:
    changes = {"rules": list(rules), "log_channel_id": str(guild.channel("staff").id)}
    await bot.kernel.settings.change(guild.id, "automod", changes, actor=SYSTEM, enabled=True)


async def say(owner: Actor, guild: Guild, command: str, **options: Any) -> str:
    answered = await owner.slash(guild.channel("staff"), command, **options)
    assert answered.response is not None
    return answered.response.content


def names(guild: Guild) -> list[str]:
    return sorted(rule["name"] for rule in guild.automod_rules.values())


async def test_pushed_rules_are_discords_and_a_second_push_changes_nothing(
    sandbox: Sandbox, guild: Guild, owner: Actor, bot: Bot
) -> None:
    hand_made = guild.world.snowflakes.next()
    guild.automod_rules[hand_made] = {
        "id": str(hand_made),
        "guild_id": str(guild.id),
        "creator_id": str(guild.owner_id),
        "name": "by hand",
        "event_type": 1,
        "trigger_type": 1,
        "trigger_metadata": {"keyword_filter": ["pineapple"]},
        "actions": [{"type": 1, "metadata": {}}],
        "enabled": True,
        "exempt_roles": [],
        "exempt_channels": [],
    }
    await set_rules(bot, guild, WORDS, MENTIONS, CAPS)

    said = await say(owner, guild, "automod native push", lists=True)

    assert "Discord has 3 of your rules now" in said
    assert "`caps`: Discord can't count capitals" in said
    assert names(guild) == [
        "Pegasus: discord-lists",
        "Pegasus: insults",
        "Pegasus: mentions",
        "by hand",
    ]
    ada = sandbox.join(guild, "ada")
    with pytest.raises(NotPossibleError):
        ada.send(guild.channel("general"), "you idiot")

    before = {one: dict(rule) for one, rule in guild.automod_rules.items()}
    await say(owner, guild, "automod native push", lists=True)
    assert guild.automod_rules == before
    assert "Discord has 3 rules of yours, as they should be" in await say(
        owner, guild, "automod native status"
    )


@pytest.mark.parametrize("preset", [Preset.STRICT, Preset.RAID])
async def test_presets_are_taken_by_discord(
    guild: Guild, owner: Actor, bot: Bot, preset: Preset
) -> None:
    rules = [one.model_dump(mode="json", by_alias=True) for one in rules_of(preset, "en")]
    await set_rules(bot, guild, *rules)

    said = await say(owner, guild, "automod native push", lists=True, spam=True)

    assert "Discord refused" not in said
    assert "`preset-invites`: Discord can't tell this server's invites" in said
    kinds = [one["trigger_type"] for one in guild.automod_rules.values()]
    assert {1, 3, 4, 5} == set(kinds)
    assert "as they should be" in await say(owner, guild, "automod native status")


async def test_what_discord_blocks_is_warned_for(
    sandbox: Sandbox, guild: Guild, owner: Actor, bot: Bot
) -> None:
    warned = {**WORDS, "actions": [{"type": "delete"}, {"type": "warn", "points": 2}]}
    await set_rules(bot, guild, warned)
    await say(owner, guild, "automod native push")
    ada = sandbox.join(guild, "ada")
    with pytest.raises(NotPossibleError):
        ada.send(guild.channel("general"), "you idiot")

    await until(lambda: _log_says(guild, "AutoMod blocked the message"))
    await until(lambda: _log_says(guild, "warned (case"))


def _log_says(guild: Guild, text: str) -> bool:
    return any(text in str(one.embeds) for one in guild.channel("staff").messages.values())


async def test_changed_rules_are_changed_and_removed_at_discord(
    guild: Guild, owner: Actor, bot: Bot
) -> None:
    await set_rules(bot, guild, WORDS, MENTIONS)
    await say(owner, guild, "automod native push")
    ids = set(guild.automod_rules)

    changed = {"name": "insults", "when": {"type": "words", "words": ["moron"]}}
    await set_rules(bot, guild, changed)
    assert "2 rules differ" in await say(owner, guild, "automod native status")
    await say(owner, guild, "automod native push")

    [rule] = guild.automod_rules.values()
    assert rule["trigger_metadata"]["keyword_filter"] == ["moron"]
    assert int(rule["id"]) in ids

    asked = await owner.slash(guild.channel("staff"), "automod native remove")
    await owner.click(asked, "Yes, go ahead")
    await until(lambda: not guild.automod_rules)


async def test_push_without_manage_server_says_what_to_do(
    sandbox: Sandbox, guild: Guild, owner: Actor, bot: Bot
) -> None:
    await set_rules(bot, guild, WORDS)
    [role_id] = guild.members[sandbox.application.user.id].roles
    guild.update_role(guild.roles[role_id], permissions=Permission.MODERATE_MEMBERS)
    await until(lambda: _lacks(bot, guild))

    said = await say(owner, guild, "automod native push")

    assert "only with the permission Manage Server" in said
    assert names(guild) == []


def _lacks(bot: Bot, guild: Guild) -> bool:
    me = bot.kernel.state().me(guild.id)
    return me is not None and "manage_guild" not in me.permissions
