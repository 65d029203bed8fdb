"""Using commands on both databases: who may, cooldowns, what is answered and counted."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from bot.core.errors import Denied, InvalidInput, NotFound, RateLimited
from cogs.customcommand import using
from cogs.customcommand.rules import Draft, EmbedTexts, Response
from cogs.customcommand.using import purge_cooldowns
from db import custom_commands as table
from tests.cogs.customcommand.world import GUILD, ROOM, ROOT, World, draft, invocation

NOBODY = {"parse": [], "users": [], "roles": []}


async def test_answer_fills_in_the_words(world: World) -> None:
    await world.book.add(GUILD, draft("hug", "A", "{user.name} hugs {1}"), ROOT)
    said = await world.use.answer(invocation("hug", "@everyone now"))
    assert said == {"content": "ann hugs @everyone", "allowed_mentions": NOBODY}


async def test_only_the_admins_words_may_notify(world: World) -> None:
    role = 111111111111111111
    await world.book.add(GUILD, draft("call", f"<@&{role}> {{user.mention}}: {{args}}"), ROOT)
    said = await world.use.answer(
        invocation("call", "<@222222222222222222> <@&333333333333333333>")
    )
    assert said["allowed_mentions"] == {"parse": [], "users": ["1001"], "roles": [str(role)]}


async def test_a_mention_that_is_not_said_notifies_nobody_whatever_a_member_writes(
    world: World,
) -> None:
    role = 111111111111111111
    mention = f"<@&{role}>"
    untaken = f"{{if not 1}}{mention}{{end}} {{args}}"
    embedded = Response(("{args}",), EmbedTexts("News", f"For {mention}"))
    await world.book.add(GUILD, draft("branch", untaken), ROOT)
    await world.book.add(GUILD, Draft("card", embedded), ROOT)
    await world.book.add(GUILD, draft("long", f"{{args}} {'x' * 600} {mention}"), ROOT)

    for name, args in (("branch", "hi"), ("card", "hi"), ("long", "y" * 1470)):
        said = await world.use.answer(invocation(name, f"{mention} {args}"))
        assert mention in said["content"]
        assert said["allowed_mentions"] == NOBODY


async def test_embed_goes_along(world: World) -> None:
    embed = EmbedTexts("{1}", "{if 1}to {1}{end}", "https://example.org/a.png", 255)
    await world.book.add(GUILD, Draft("card", Response((), embed)), ROOT)
    assert (await world.use.answer(invocation("card", "Bo")))["embeds"] == [
        {
            "title": "Bo",
            "description": "to Bo",
            "image": {"url": "https://example.org/a.png"},
            "color": 255,
        }
    ]


async def test_nothing_to_say_is_told_and_starts_no_cooldown(world: World) -> None:
    wanted = draft("ask", "{if 1}Yes{end}", cooldown=timedelta(hours=1))
    await world.book.add(GUILD, wanted, ROOT)
    with pytest.raises(InvalidInput, match="no answer to that"):
        await world.use.answer(invocation("ask"))
    assert (await world.use.answer(invocation("ask", "me")))["content"] == "Yes"


async def test_restrictions_are_told_with_what_would_do(world: World) -> None:
    wanted = draft(channel_ids=(600, 601), role_ids=(700, 701))
    await world.book.add(GUILD, wanted, ROOT)
    with pytest.raises(Denied) as place:
        await world.use.answer(invocation(role_ids=[700]))
    assert "<#600> <#601>" in place.value.render("en")
    with pytest.raises(Denied) as person:
        await world.use.answer(invocation(channel_id=600, role_ids=[702]))
    assert "<@&700> <@&701>" in person.value.render("en")
    assert await world.use.answer(invocation(channel_id=600, role_ids=[701]))
    assert await world.use.answer(invocation(channel_id=ROOM, parent_id=601, role_ids=[701]))


async def test_command_for_the_role_that_all_members_have_is_for_all(world: World) -> None:
    # The role that Discord shows as @everyone has the guild's id, and no message names it.
    await world.book.add(GUILD, draft(role_ids=(GUILD,)), ROOT)
    assert await world.use.answer(invocation(role_ids=[702]))


async def test_what_is_off_or_gone_says_so(world: World) -> None:
    await world.book.add(GUILD, draft(enabled=False), ROOT)
    with pytest.raises(Denied, match="switched off"):
        await world.use.answer(invocation())
    with pytest.raises(NotFound):
        await world.use.answer(invocation("laws"))
    await world.switch(enabled=False)
    with pytest.raises(Denied, match="Custom commands are switched off"):
        await world.use.answer(invocation())


async def test_cooldown_is_each_members_own_and_survives_the_process(world: World) -> None:
    await world.book.add(GUILD, draft(cooldown=timedelta(minutes=5)), ROOT)
    await world.use.answer(invocation())
    after = World(world.database, world.clock)
    with pytest.raises(RateLimited) as caught:
        await after.use.answer(invocation())
    assert caught.value.retry_after == 300
    assert "/rules again <t:" in caught.value.render("en")
    await after.use.answer(invocation(user_id=1002))
    world.clock.advance(timedelta(minutes=5))
    await after.use.answer(invocation())


async def test_of_two_uses_at_once_one_is_answered(world: World) -> None:
    await world.book.add(GUILD, draft(cooldown=timedelta(minutes=5)), ROOT)
    other = World(world.database, world.clock)
    outcomes = await asyncio.gather(
        world.use.answer(invocation()), other.use.answer(invocation()), return_exceptions=True
    )
    assert [type(one) for one in outcomes if isinstance(one, Exception)] == [RateLimited]


async def test_guilds_cooldown_holds_where_it_is_longer(world: World) -> None:
    await world.switch(cooldown="1m")
    await world.book.add(GUILD, draft(), ROOT)
    await world.use.answer(invocation())
    with pytest.raises(RateLimited) as caught:
        await world.use.answer(invocation())
    assert caught.value.retry_after == 60


async def test_uses_are_counted_behind(world: World) -> None:
    rules = await world.book.add(GUILD, draft(), ROOT)
    laws = await world.book.add(GUILD, draft("laws"), ROOT)
    for name in ("rules", "laws", "rules"):
        await world.use.answer(invocation(name))
    await world.counter.flush()
    await world.counter.flush()
    await world.use.answer(invocation("rules"))
    await world.counter.flush()
    world.book.forget(GUILD)
    uses = {one.id: one.uses for one in await world.book.commands(GUILD)}
    assert uses == {rules.id: 3, laws.id: 1}
    assert (await world.book.find(GUILD, "rules")).last_used_at == world.clock.now()


async def test_last_uses_of_a_burst_are_written_without_another_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(using, "FLUSH_SECONDS", 0.2)
    await world.book.add(GUILD, draft(), ROOT)
    await world.use.answer(invocation())
    await asyncio.sleep(0.05)
    await world.use.answer(invocation())
    await world.use.answer(invocation())

    async def uses() -> int:
        world.book.forget(GUILD)
        return (await world.book.find(GUILD, "rules")).uses

    async with asyncio.timeout(30):
        # Nobody asks for them, and a process that is killed now has them in the database.
        while await uses() < 3:
            await asyncio.sleep(0.02)


async def test_uses_wait_while_the_database_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    await world.use.answer(invocation())

    async def fail(*_: object) -> None:
        raise OperationalError("", {}, Exception("away"))

    with monkeypatch.context() as patch:
        patch.setattr(table, "add_uses", fail)
        await world.counter.flush()
    world.clock.advance(timedelta(seconds=1))
    await world.use.answer(invocation())
    await world.counter.flush()
    world.book.forget(GUILD)
    assert (await world.book.find(GUILD, "rules")).uses == 2


async def test_who_reads_the_uses_waits_for_those_that_are_being_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.book.add(GUILD, draft(), ROOT)
    original, begun = table.add_uses, asyncio.Event()

    async def slow(*args: Any) -> None:
        begun.set()
        await asyncio.sleep(0.05)
        await original(*args)

    monkeypatch.setattr(table, "add_uses", slow)
    await world.use.answer(invocation())
    await begun.wait()
    await world.counter.flush()
    world.book.forget(GUILD)
    assert (await world.book.find(GUILD, "rules")).uses == 1


async def test_use_of_a_command_that_was_removed_counts_nothing(world: World) -> None:
    seen = await world.book.add(GUILD, draft(cooldown=timedelta(minutes=5)), ROOT)
    await world.use.answer(invocation())
    await world.book.remove(seen, ROOT)
    await world.counter.flush()
    assert await world.book.commands(GUILD) == ()


async def test_cooldowns_that_are_over_are_deleted(world: World) -> None:
    await world.book.add(GUILD, draft(cooldown=timedelta(minutes=5)), ROOT)
    await world.use.answer(invocation())
    await world.use.answer(invocation(user_id=1002))
    world.clock.advance(timedelta(minutes=5))
    await world.use.answer(invocation(user_id=1003))
    async with world.database.write() as session:
        await purge_cooldowns(session, world.clock.now())
        assert await table.delete_cooldowns(session, world.clock.now()) == 0
    with pytest.raises(RateLimited):
        await world.use.answer(invocation(user_id=1003))
