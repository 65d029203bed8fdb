"""What Discord's REST API can do to the bot: nothing is said twice, and nothing is left unsaid."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.core.contracts import SYSTEM
from bot.core.outbox import Delivery
from bot.sandbox import RestFault, Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import Bot, config_for, running, until

POSTS = "/channels/*/messages"
ANSWERS = "/interactions/*/*/callback"


@pytest.fixture
async def bot(sandbox: Sandbox, guild: Guild, sqlite_url: str) -> AsyncIterator[Bot]:
    """A bot that greets in #welcome, with words alone."""
    async with running(config_for(sandbox, sqlite_url)) as running_bot:
        await running_bot.kernel.settings.change(
            guild.id,
            "welcome",
            {"join_channel_id": guild.channel("welcome").id, "card_enabled": False},
            actor=SYSTEM,
            enabled=True,
        )
        await until(lambda: sandbox.application.commands)
        yield running_bot


async def greeted_once(sandbox: Sandbox, guild: Guild, *names: str) -> None:
    """Hold that each of them is greeted, and that nobody is greeted twice."""
    people = [sandbox.join(guild, name) for name in names]
    for person in people:
        await sandbox.wait_for_message(
            guild.channel("welcome"), containing=person.mention, within=15
        )
    texts = [message.text() for message in guild.channel("welcome").messages.values()]
    assert len(texts) == len(people)


@pytest.mark.parametrize(
    "fault",
    [
        RestFault(429, "POST", POSTS, times=2, retry_after=0.1),
        RestFault(429, "POST", POSTS, times=1, retry_after=0.1, scope="shared"),
        RestFault(429, "POST", POSTS, times=1, retry_after=0.1, scope="global"),
        RestFault(500, "POST", POSTS, times=1),
        RestFault(503, "POST", POSTS, times=1),
        RestFault(None, "POST", POSTS, times=1, delay=0.5),
    ],
    ids=["bucket", "shared", "global", "500", "503", "delay"],
)
async def test_message_that_meets_trouble_is_sent_exactly_once(
    sandbox: Sandbox, guild: Guild, bot: Bot, fault: RestFault
) -> None:
    sandbox.faults.add(fault)
    await greeted_once(sandbox, guild, "ada", "bea")
    assert fault.times == 0


async def test_rate_limits_are_measured(sandbox: Sandbox, guild: Guild, bot: Bot) -> None:
    sandbox.faults.add(RestFault(429, "POST", POSTS, times=1, retry_after=0.05))
    sandbox.faults.add(RestFault(429, "POST", POSTS, times=1, retry_after=0.05, scope="shared"))
    await greeted_once(sandbox, guild, "ada")
    assert await bot.metric("discord_ratelimited_total", scope="user") == 1
    assert await bot.metric("discord_ratelimited_total", scope="shared") == 1
    assert await bot.metric("discord_invalid_requests_total", status="429") == 1


@pytest.mark.parametrize("status", [429, 500])
async def test_command_is_answered_in_spite_of_trouble(
    sandbox: Sandbox, guild: Guild, bot: Bot, status: int
) -> None:
    sandbox.faults.add(RestFault(status, "POST", ANSWERS, times=1, retry_after=0.1))
    ada = sandbox.join(guild, "ada")
    answer = await ada.slash(guild.channel("general"), "about")
    assert answer.response is not None


async def test_command_that_discord_fails_gets_an_error_in_words(
    sandbox: Sandbox, guild: Guild, bot: Bot
) -> None:
    sandbox.faults.add(RestFault(403, "POST", ANSWERS, times=1, code=50001))
    ada = sandbox.join(guild, "ada")
    answer = await ada.slash(guild.channel("general"), "about")
    assert answer.response is not None
    assert "Discord refused that" in answer.response.content
    assert await bot.metric("command_errors_total", error="DiscordFailed") == 1


async def test_permission_that_is_missing_parks_tells_and_resumes(
    sandbox: Sandbox, guild: Guild, bot: Bot
) -> None:
    await bot.kernel.settings.change(
        guild.id, "general", {"log_channel_id": guild.channel("staff").id}, actor=SYSTEM
    )
    refusal = RestFault(
        403, "POST", f"/channels/{guild.channel('welcome').id}/messages", times=1, code=50013
    )
    sandbox.faults.add(refusal)
    ada = sandbox.join(guild, "ada")
    news = await sandbox.wait_for_message(guild.channel("staff"), containing="problem")
    assert "post in \\#welcome" in news.text()
    assert not guild.channel("welcome").messages
    # Any change of roles or channels makes the bot try again.
    guild.update_role(guild.role("Pegasus"), name="Pegasus, the bot")
    await sandbox.wait_for_message(guild.channel("welcome"), containing=ada.mention)
    assert not await bot.kernel.problems.list(guild.id)
    assert len(guild.channel("staff").messages) == 1


async def test_message_that_automod_stops_is_told_to_the_staff_once(
    sandbox: Sandbox, guild: Guild, bot: Bot
) -> None:
    staff, place = guild.channel("staff"), guild.channel("welcome")
    await bot.kernel.settings.change(
        guild.id, "general", {"log_channel_id": staff.id}, actor=SYSTEM
    )
    stopped = f"/channels/{place.id}/messages"
    sandbox.faults.add(RestFault(400, "POST", stopped, times=2, code=200000, message="Blocked"))
    sandbox.join(guild, "ada")
    sandbox.join(guild, "bea")
    told = await sandbox.wait_for_message(staff, containing="AutoMod stopped")
    assert "Welcome" in told.text()
    assert "#welcome" in told.text()
    await until(lambda: len(sandbox.recorder.calls_to("POST", stopped)) == 2)
    cid = sandbox.join(guild, "cid")
    await sandbox.wait_for_message(place, containing=cid.mention)
    assert len([one for one in staff.messages.values() if "AutoMod" in one.text()]) == 1


async def test_card_of_a_message_left_by_an_earlier_run_is_not_forgotten(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    """The outbox runs before the bot has logged in, and cards are drawn by features loaded then."""
    sandbox.faults.add(RestFault(None, "GET", "/users/@me", delay=0.5))
    welcome = guild.channel("welcome")
    texts = {"headline": "hi", "name": "ada", "username": "ada", "footline": "#1", "accent": 1}
    card = {
        "renderer": "welcome_card",
        "filename": "welcome.png",
        "args": {"card": texts, "user_id": 5, "avatar": None},
    }
    config = config_for(sandbox, sqlite_url)
    async with running(config, ready=False) as bot:
        async with bot.kernel.database.write() as session:
            await bot.kernel.outbox.send(
                session,
                Delivery.message(
                    welcome.id,
                    {"content": "Welcome ada", "attachments": [card]},
                    dedupe_key="earlier",
                    guild_id=guild.id,
                ),
            )
        message = await sandbox.wait_for_message(welcome, containing="Welcome ada")
        assert [file.filename for file in message.attachments] == ["welcome.png"]
