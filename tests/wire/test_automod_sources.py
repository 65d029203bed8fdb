"""What Automod judges beside plain text, over the wire: files, threads, Discord's own AutoMod.

And what still works where Discord keeps the content of messages to itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from bot.sandbox import Actor, NotPossibleError, Sandbox
from bot.sandbox.events import Intent
from bot.sandbox.guild import Guild
from bot.sandbox.models import ChannelType
from bot.sandbox.permissions import Permission
from tests.wire.running import Bot, config_for, running, until

WARN = {"type": "warn", "points": 1}
TIMEOUT = {"type": "timeout", "duration": 600}
SCAM = {
    "name": "scam",
    "when": {"type": "words", "words": ["nitro"]},
    "actions": [{"type": "delete"}, WARN],
}
NATIVE = {"name": "discords", "when": {"type": "native"}, "actions": [TIMEOUT]}


async def set_rules(bot: Bot, guild: Guild, *rules: Any) -> None:
    await until(lambda: bot.kernel.state().guild(guild.id))
    changes = {"rules": list(rules), "log_channel_id": str(guild.channel("staff").id)}
    await bot.kernel.settings.change(guild.id, "automod", changes, actor=SYSTEM, enabled=True)


async def cases(bot: Bot, guild: Guild, count: int) -> list[tuple[str, int]]:
    """Wait for so many cases and return their kinds and targets."""

    async def look() -> list[tuple[str, int]]:
        found = await bot.kernel.cases.list(guild.id, limit=50)
        return sorted((str(one.kind), one.target.id) for one in found if len(found) >= count)

    return await until(look)


def automod_of(bot: Bot) -> Any:
    client = bot.runtime._connection.client
    assert client is not None
    return client.get_cog("Automod")


def add_native_rule(guild: Guild, *keywords: str) -> None:
    number = guild.world.snowflakes.next()
    guild.automod_rules[number] = {
        "id": str(number),
        "guild_id": str(guild.id),
        "creator_id": str(guild.owner_id),
        "name": "by hand",
        "event_type": 1,
        "trigger_type": 1,
        "trigger_metadata": {"keyword_filter": list(keywords)},
        "actions": [
            {"type": 1, "metadata": {}},
            {"type": 2, "metadata": {"channel_id": str(guild.channel("staff").id)}},
        ],
        "enabled": True,
        "exempt_roles": [],
        "exempt_channels": [],
    }


@pytest.fixture
def ada(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.join(guild, "ada")


@pytest.fixture
def bob(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.join(guild, "bob")


async def test_files_threads_and_discords_own_hits_are_judged(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, ada: Actor, bob: Actor
) -> None:
    general = guild.channel("general")
    add_native_rule(guild, "pineapple")
    fine = bob.start_thread(general, "Fishing")
    eve = sandbox.join(guild, "eve")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_rules(bot, guild, SCAM, NATIVE)
        kept = ada.send(general, "notes", files=[("plan.txt", b"nothing bad in here")])
        ada.send(general, "look", files=[("offer.txt", b"get your free nitro here")])
        await until(lambda: list(general.messages) == [kept.id])
        assert await cases(bot, guild, 1) == [("warn", ada.id)]

        # A new thread goes, one that is renamed is called as before; nobody is punished for that.
        bad = bob.start_thread(general, "Free nitro")
        await until(lambda: bad.id not in guild.channels)
        assert len(await cases(bot, guild, 2)) == 2
        bob.edit_thread(fine, name="nitro inside")
        await until(lambda: fine.name == "Fishing")

        # Discord tells of both actions of its rule; it is one hit.
        with pytest.raises(NotPossibleError):
            eve.send(general, "pineapple pizza")
        await until(lambda: eve.member.timed_out_until)
        found = await cases(bot, guild, 3)

    assert found == sorted([("warn", ada.id), ("warn", bob.id), ("timeout", eve.id)])
    downloads = [one for one in sandbox.recorder.calls if one.status >= 400]
    assert downloads == []


async def test_channel_and_thread_are_locked_and_opened_exactly(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, ada: Actor, bob: Actor
) -> None:
    general = guild.channel("general")
    general.set_overwrite(bob.id, 1, allow=Permission.SEND_MESSAGES)
    before = dict(general.overwrites)
    nook = ada.start_thread(general, "Nook")
    lock = {"name": "shut", "when": SCAM["when"], "actions": [{"type": "lock", "duration": 600}]}
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_rules(bot, guild, lock)
        ada.send(general, "nitro")
        bob.send(nook, "nitro")
        await until(lambda: nook.thread_state.locked and len(general.overwrites) > len(before))
        for who, place in ((bob, general), (ada, nook)):
            with pytest.raises(NotPossibleError):
                who.send(place, "hello")

        automod = automod_of(bot)
        for incident_id in (1, 2):
            await automod.service.undo(guild.id, incident_id, user_id=guild.owner_id)
        assert general.overwrites == before
        assert not nook.thread_state.locked
    assert [one for one in sandbox.recorder.calls if one.status >= 400] == []


async def test_member_who_hops_between_voice_channels_is_timed_out(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, ada: Actor
) -> None:
    rooms = [guild.add_channel(name, ChannelType.VOICE) for name in ("one", "two")]
    hops = {"type": "voice_moves", "limit": 4, "window": 60}
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_rules(bot, guild, {"name": "hops", "when": hops, "actions": [TIMEOUT]})
        for number in range(4):
            assert ada.member.timed_out_until is None
            ada.join_voice(rooms[number % 2])
        await until(lambda: ada.member.timed_out_until)
        assert await cases(bot, guild, 1) == [("timeout", ada.id)]


@pytest.mark.parametrize("sandbox_options", [{"allowed_intents": Intent.ALL & ~Intent.PRIVILEGED}])
async def test_without_message_content_the_rest_works_and_the_panel_says_what_does_not(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, ada: Actor, bob: Actor
) -> None:
    general, trap, staff = (guild.channel(name) for name in ("general", "welcome", "staff"))
    add_native_rule(guild, "pineapple")
    trapped = {"type": "honeypot", "channels": [str(trap.id)]}
    rules = (
        SCAM,
        NATIVE,
        {"name": "trap", "when": trapped, "actions": [{"type": "delete"}, TIMEOUT]},
        {"name": "flood", "when": {"type": "rate", "limit": 3, "window": 60}},
    )
    owner = sandbox.actor(sandbox.world.users[guild.owner_id], guild)
    without = {"members_intent": False, "message_content_intent": False}
    async with running(config_for(sandbox, sqlite_url, discord=without)) as bot:
        await until(lambda: sandbox.application.commands)
        await set_rules(bot, guild, *rules)

        # Gates that need no content.
        unread = ada.send(general, "free nitro")
        ada.send(trap, "hello?")
        await until(lambda: not trap.messages)
        await until(lambda: ada.member.timed_out_until)
        assert unread.id in general.messages
        # Discord's own rules.
        with pytest.raises(NotPossibleError):
            bob.send(general, "pineapple pizza")
        await until(lambda: bob.member.timed_out_until)
        found = await cases(bot, guild, 2)
        assert found == sorted([("timeout", ada.id), ("timeout", bob.id)])

        # Cases, commands and context menus.
        shown = await owner.slash(staff, "case view", number=1)
        assert shown.response is not None
        assert ada.user.name in shown.response.text()
        form = await owner.context_menu(general, "Delete and warn", unread)
        await owner.submit_modal(form, {"reason": "A scam"})
        await until(lambda: unread.id not in general.messages)
        assert ("warn", ada.id) in await cases(bot, guild, 3)
        tried = await owner.slash(staff, "automod test", text="free nitro")
        assert tried.response is not None
        assert "scam" in tried.response.text()

        # What is off, and why.
        panel = await owner.slash(staff, "automod settings")
        assert panel.response is not None
        said = panel.response.text()
        assert "I can't read what members write" in said
        assert "developer portal" in said
