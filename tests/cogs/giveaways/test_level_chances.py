"""Whoever has reached a level has more entries: the steps add up, and the message says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from bot.core.contracts import SYSTEM
from bot.core.errors import InvalidInput
from cogs.giveaways.chances import steps_in
from cogs.giveaways.columns import plan_of
from cogs.giveaways.entering import Entered, Inside
from cogs.giveaways.plan import Bonus, LevelBonus
from cogs.giveaways.proof import Proofs
from cogs.giveaways.verify import check_proof
from cogs.giveaways.wording import bonus_lines
from db.engine import Database
from db.guilds import GuildMember
from tests.cogs.giveaways.stage import GUILD, Stage, make_stage
from tests.cogs.giveaways.test_hosting import desk as desk
from tests.cogs.giveaways.test_hosting import start, stored
from tests.cogs.giveaways.test_proving import Desk

STEPS = [{"level": 5, "entries": 1}, {"level": 20, "entries": 3}]


@pytest.fixture
def stage(database: Database) -> Stage:
    return make_stage(database)


async def set_level(stage: Stage, user_id: int, level: int) -> None:
    async with stage.database.write() as session:
        now = stage.clock.now()
        member = GuildMember(guild_id=GUILD, user_id=user_id, level=level, joined_at=now)
        await session.merge(member)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


async def test_weight_follows_the_level_when_the_button_is_pressed_again(stage: Stage) -> None:
    giveaway = await stage.add(bonus_entries=[{"role_id": "7", "entries": 10}, *STEPS])

    for level, weight in ((4, 1), (5, 2), (19, 2), (20, 5), (300, 5), (0, 1)):
        await set_level(stage, 1, level)
        entered = await stage.entering.enter(giveaway, stage.person(1))
        assert entered in (Entered(weight), Inside(weight))
        assert [one.weight for one in await stage.entries(giveaway)] == [weight]

    await set_level(stage, 2, 20)
    assert await stage.entering.enter(giveaway, stage.person(2, 7)) == Entered(15)


async def test_level_costs_a_press_no_query_of_its_own(stage: Stage) -> None:
    counts = []
    # The first of them reads the settings.
    for number, bonuses in enumerate(([], [], STEPS), start=1):
        giveaway = await stage.add(number=number, bonus_entries=bonuses)
        with statements(stage.database) as seen:
            await stage.enter(giveaway, 1)
        counts.append(len(seen))
    assert counts[1] == counts[2]


async def test_draw_with_levels_is_proved_offline(stage: Stage) -> None:
    giveaway = await stage.add(bonus_entries=STEPS)
    for user_id, level in ((1, 0), (2, 5), (3, 50)):
        await set_level(stage, user_id, level)
        await stage.enter(giveaway, user_id)
    assert await stage.end(giveaway)

    proof = await Proofs(stage.database).make(GUILD, giveaway, 3)
    assert proof is not None
    assert proof.file is not None
    assert check_proof(json.loads(proof.file))
    assert sorted(one["weight"] for one in json.loads(proof.file)["entries"]) == [1, 2, 5]
    [first] = await stage.rounds(giveaway)
    assert (first.entry_count, first.total_weight) == (3, 1 + 2 + 5)


def test_everybody_can_read_that_steps_add_up() -> None:
    lines = bonus_lines((Bonus(7, 4), LevelBonus(5, 1), LevelBonus(20, 3)))
    assert [one.render("en") for one in lines] == [
        "<@&7>: 4 more entries",
        "from level 5 on: 1 more entry",
        "from level 20 on: 3 more entries",
        "all of this adds up",
    ]
    assert [one.render("es") for one in lines][1:] == [
        "desde el nivel 5: 1 participación más",
        "desde el nivel 20: 3 participaciones más",
        "todo esto se suma",
    ]
    assert len(bonus_lines((LevelBonus(5, 1),))) == 1


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", ()),
        ("20: 3, 5:1", (LevelBonus(5, 1), LevelBonus(20, 3))),
        ("5 = +1;\n20 : 3 ,", (LevelBonus(5, 1), LevelBonus(20, 3))),
    ],
)
def test_levels_are_read_as_people_write_them(text: str, steps: tuple[LevelBonus, ...]) -> None:
    assert steps_in({"levels": text}, "levels") == steps


@pytest.mark.parametrize("text", ["5", "five: 1", "5: -1", "5: 1.5", "5: 1 20: 3", "٥: 1"])
def test_what_is_no_level_is_quoted(text: str) -> None:
    with pytest.raises(InvalidInput, match="no level with its entries"):
        steps_in({"levels": text}, "levels")


async def test_form_gives_levels_more_while_levels_are_on(desk: Desk) -> None:
    await start(desk)
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1")
    values: dict[str, Any] = {"roles": [], "entries": "1", "levels": "5: 1, 20: 3"}

    async def send(**changes: Any) -> str:
        form = await desk.host.click(panel, label="More chances")
        sent = await desk.host.submit_modal(form, values | changes)
        text = sent.followups[-1] if sent.followups else sent.response
        return text.content

    assert "Levels are switched off" in await send()
    assert not plan_of((await stored(desk))[0]).bonuses

    settings = desk.bench.kernel.settings
    await settings.change(desk.guild.id, "levels", {}, enabled=True, actor=SYSTEM)
    await send()
    assert plan_of((await stored(desk))[0]).bonuses == (LevelBonus(5, 1), LevelBonus(20, 3))
    assert "A level is between" in await send(levels="1001: 1")

    # What was promised before stays while levels are off, and can be taken away.
    await settings.change(desk.guild.id, "levels", {}, enabled=False, actor=SYSTEM)
    await send(levels="20: 7")
    assert plan_of((await stored(desk))[0]).bonuses == (LevelBonus(20, 7),)
    await send(levels="")
    assert plan_of((await stored(desk))[0]).bonuses == ()
