"""The world's own rules: ids, mentions, threads, roles, rate limits and the record."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.events import Dispatch
from bot.sandbox.mentions import find_mentions
from bot.sandbox.recorder import Journal
from bot.sandbox.rest import load_routes
from bot.sandbox.rest.ratelimits import RateLimits
from bot.sandbox.rest.routing import all_routes, find_route
from bot.sandbox.snowflake import SnowflakeFactory, snowflake_time
from bot.sandbox.world import World


def test_snowflakes_are_unique_and_grow() -> None:
    factory = SnowflakeFactory()
    made = [factory.next() for _ in range(10_000)]
    assert made == sorted(set(made))
    spread = [factory.next_spread() >> 22 for _ in range(100)]
    assert len(set(spread)) == 100


def test_snowflake_tells_its_age() -> None:
    factory = SnowflakeFactory()
    moment = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert snowflake_time(factory.at(moment)) == moment
    assert factory.at(moment) != factory.at(moment)
    assert abs(snowflake_time(factory.next()) - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("allowed", "users", "roles", "everyone"),
    [
        (None, (1 << 60,), (1 << 61,), True),
        ({"parse": []}, (), (), False),
        ({"parse": ["users"]}, (1 << 60,), (), False),
        ({"parse": ["everyone"], "roles": [str(1 << 61)]}, (), (1 << 61,), True),
    ],
)
def test_mentions_obey_what_is_allowed(
    allowed: dict[str, list[str]] | None,
    users: tuple[int, ...],
    roles: tuple[int, ...],
    everyone: bool,
) -> None:
    found = find_mentions(f"<@{1 << 60}> <@&{1 << 61}> @everyone", allowed)
    assert (found.users, found.roles, found.everyone) == (users, roles, everyone)
    assert not find_mentions("@everyone", may_ping_everyone=False).everyone


def test_changes_are_announced_to_listeners() -> None:
    world = World()
    heard: list[Dispatch] = []
    world.listeners.append(heard.append)
    guild = world.add_guild("Harbour")
    channel = guild.add_channel("general")
    ada = guild.add_member(world.add_user("ada"), pending=True)
    guild.pass_screening(ada)
    message = channel.add_message(ada.user, "hello")
    channel.edit_message(message, content="hi")
    channel.delete_message(message)
    channel.delete_message(message)
    guild.ban(ada.user)
    assert [dispatch.event for dispatch in heard] == [
        "CHANNEL_CREATE",
        "GUILD_MEMBER_ADD",
        "GUILD_MEMBER_UPDATE",
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_DELETE",
        "GUILD_BAN_ADD",
        "GUILD_MEMBER_REMOVE",
    ]


def test_account_is_closed_where_nobody_knows_it() -> None:
    world = World()
    guild = world.add_guild("Harbour")
    ada, bob = world.add_user("ada"), world.add_user("bob")
    guild.add_member(ada)
    guild.ban(bob)
    assert not world.close_account(ada)
    assert not world.close_account(bob)
    guild.remove_member(ada.id)
    assert world.close_account(ada)
    assert ada.id not in world.users
    assert not world.close_account(ada)


def test_removed_role_leaves_members_and_overwrites() -> None:
    guild = World().add_guild("Harbour")
    channel, role = guild.add_channel("general"), guild.add_role("crew")
    owner = guild.members[guild.owner_id]
    guild.add_member_role(owner, role)
    channel.set_overwrite(role.id, 0, deny=1)
    guild.remove_role(role)
    assert owner.roles == ()
    assert not channel.overwrites


def test_removed_channel_takes_its_threads() -> None:
    world = World()
    guild = world.add_guild("Harbour")
    channel = guild.add_channel("general")
    thread = channel.add_thread(world.users[guild.owner_id], "talk")
    channel.delete()
    assert thread.id not in world.channels
    assert not guild.threads


def test_writing_wakes_an_archived_thread() -> None:
    world = World()
    guild = world.add_guild("Harbour")
    ada = world.add_user("ada")
    thread = guild.add_channel("general").add_thread(world.users[guild.owner_id], "talk")
    thread.update_thread(archived=True)
    thread.add_message(ada, "still there?")
    assert not thread.thread_state.archived
    assert ada.id in thread.thread_state.members


def test_large_world_is_spread_evenly() -> None:
    world = World()
    application = world.add_application("Pegasus", "token")
    guilds = world.populate(application, guilds=7, members=100)
    assert sum(len(guild.members) for guild in guilds) == 100
    assert {len(guild.members) for guild in guilds} == {14, 15}


def test_bucket_refuses_beyond_its_limit() -> None:
    limits = RateLimits()
    limits.set_rule("b", 2, 60)
    verdicts = [limits.charge("b", "b:1", "bot", counts_globally=True) for _ in range(3)]
    assert [verdict.retry_after is None for verdict in verdicts] == [True, True, False]
    assert verdicts[1].headers["X-RateLimit-Remaining"] == "0"
    assert verdicts[2].headers["X-RateLimit-Scope"] == "user"
    assert limits.charge("b", "b:2", "bot", counts_globally=True).retry_after is None


def test_global_limit_refuses_all_buckets() -> None:
    limits = RateLimits()
    limits.set_overall(1)
    assert not limits.charge("a", "a:", "bot", counts_globally=True).is_global
    assert limits.charge("b", "b:", "bot", counts_globally=True).is_global
    assert limits.charge("c", "c:", "bot", counts_globally=False).retry_after is None


async def test_journal_wakes_waiters_and_stays_bounded() -> None:
    journal: Journal[int] = Journal(3)
    waiting = asyncio.create_task(journal.wait_for(lambda entry: entry > 4, within=5))
    await asyncio.sleep(0)
    for number in range(7):
        journal.add(number)
    assert await waiting == 5
    assert list(journal) == [4, 5, 6]
    assert await journal.wait_for(lambda entry: entry == 4) == 4
    with pytest.raises(TimeoutError):
        await journal.wait_for(lambda entry: entry == 4, within=0.01, past=False)


def test_every_route_is_registered_once_and_found() -> None:
    load_routes()
    keys = [(route.method, route.template) for route in all_routes()]
    assert len(keys) == len(set(keys))
    found = find_route("PATCH", "/guilds/1/members/@me")
    assert found is not None
    assert found[0].template == "/guilds/{guild_id}/members/@me"


def test_mentions_let_people_into_a_thread_unless_a_role_has_a_hundred() -> None:
    sandbox = Sandbox()
    guild = sandbox.add_guild("Harbour", channels=("general",))
    role, crowd = guild.add_role("Few"), guild.add_role("Crowd")
    people = [sandbox.join(guild, f"sailor{number}") for number in range(102)]
    for person in people[2:]:
        guild.add_member_role(person.member, crowd)
    guild.add_member_role(people[1].member, role)
    owner = guild.members[guild.owner_id].user
    thread = guild.channel("general").add_thread(owner, "talk", private=True)
    thread.add_message(owner, f"{people[0].mention} <@&{role.id}> <@&{crowd.id}>")
    assert set(thread.thread_state.members) == {owner.id, people[0].id, people[1].id}
