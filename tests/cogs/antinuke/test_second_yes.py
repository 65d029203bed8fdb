"""A mass ban waits for another moderator's yes where the guild wants that."""

from __future__ import annotations

from tests.cogs.antinuke.staffworld import set_up
from tests.cogs.moderation.world import Place, text_of


async def raiders(place: Place, count: int) -> str:
    users = [place.bench.env.create_user(f"raider{number}") for number in range(count)]
    for user in users:
        place.guild.add_member(user)
    await place.bench.env.settle()
    return " ".join(str(one.id) for one in users)


async def test_mass_ban_waits_for_another_moderators_yes(place: Place) -> None:
    await set_up(place, approve_from=3)
    guild = place.backend.get_guild(place.guild.id)
    asked = await place.run(place.mod, "massban", users=await raiders(place, 3), reason="Raid")
    assert "second person's yes" in text_of(asked)
    await place.mod.click(asked.response, label="Yes, go ahead")
    assert "asked for somebody else's yes" in text_of(asked)
    await place.bench.deliver()

    (card,) = place.log.history()
    assert "Ban 3 people" in card.embeds[0].title
    assert "somebody else" in text_of(await place.mod.click(card, label="Approve"))
    assert "Ban Members" in text_of(await place.ada.click(card, label="Approve"))
    assert guild.bans == {}
    assert "I carry it out" in text_of(await place.boss.click(card, label="Approve"))
    await place.bench.run_jobs()
    await place.bench.deliver()

    assert len(guild.bans) == 3
    cases = await place.cases.list(place.guild.id)
    assert {case.moderator_id for case in cases} == {place.mod.id}
    assert {case.reason for case in cases} == {"Raid"}
    assert len(place.calls("POST", "/bulk-ban")) == 1
    assert "was approved" in place.dms(place.mod)[-1]
    (card, *_cases) = place.log.history()
    assert not card.components


async def test_approved_ban_names_and_leaves_alone_who_was_promoted(place: Place) -> None:
    await set_up(place, approve_from=3)
    listed = await raiders(place, 4)
    asked = await place.run(place.mod, "massban", users=listed)
    await place.mod.click(asked.response, label="Yes, go ahead")
    await place.bench.deliver()
    (card,) = place.log.history()
    promoted_id = int(listed.split()[1])
    await place.promote(promoted_id)

    await place.boss.click(card, label="Approve")
    await place.bench.run_jobs()
    await place.bench.deliver()

    guild = place.backend.get_guild(place.guild.id)
    assert set(guild.bans) == {int(one) for one in listed.split()} - {promoted_id}
    letter = place.dms(place.mod)[-1]
    assert "3 people are banned. Left alone" in letter
    assert "raider1" in letter


async def test_few_are_banned_at_once_and_so_are_many_unless_it_is_set(place: Place) -> None:
    guild = place.backend.get_guild(place.guild.id)
    for approve_from, count in ((3, 2), (0, 4)):
        await set_up(place, approve_from=approve_from)
        asked = await place.run(place.mod, "massban", users=await raiders(place, count))
        await place.mod.click(asked.response, label="Yes, go ahead")

    assert len(guild.bans) == 6


async def test_mass_ban_without_a_channel_to_ask_in_says_so(place: Place) -> None:
    await set_up(place, approve_from=2, log_channel_id=None)
    asked = await place.run(place.mod, "massban", users=await raiders(place, 2))
    await place.mod.click(asked.response, label="Yes, go ahead")

    assert "no channel to ask" in text_of(asked)
    assert place.backend.get_guild(place.guild.id).bans == {}
