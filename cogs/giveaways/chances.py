"""The forms in which hosts say who has more chances: by role, by level, by items of the shop."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.core.errors import InvalidInput
from bot.core.i18n import _
from bot.forms import Input, Question, Values
from cogs.giveaways.access import Interaction
from cogs.giveaways.items import ItemCheck
from cogs.giveaways.plan import Bonus, ItemBonus, LevelBonus, Plan
from cogs.giveaways.rules import MOST_ROLES
from cogs.giveaways.typed import Change, number_in, roles_in

# A level with its entries, such as "20: 3" or "20: +3".
_STEP = re.compile(r"(?P<level>\d{1,9})\s*[:=]\s*\+?(?P<entries>\d{1,9})", re.ASCII)
_LONGEST_STEPS = 200


def bonus_form(plan: Plan) -> Question:
    """Return the form that gives roles and levels more entries."""
    return Question(
        _("More chances"),
        [
            Input("roles", _("Roles"), kind="roles", most=MOST_ROLES),
            Input(
                "entries",
                _("Entries more"),
                _("For each of these roles; 0 takes them away again"),
                value="1",
                longest=10,
            ),
            Input(
                "levels",
                _("Levels, each with its entries more"),
                _("Such as 5: 1, 20: 3, which is 4 more from level 20 on; empty: none"),
                value=", ".join(f"{one.level}: {one.entries}" for one in plan.level_bonuses),
                longest=_LONGEST_STEPS,
            ),
        ],
    )


async def read_bonus(interaction: Interaction, plan: Plan, values: Values) -> Change:
    """Return the plan with the bonus entries of roles and levels that the form says."""
    chosen = roles_in(interaction, values, "roles")
    entries = number_in(values, "entries") or 0
    kept = tuple(one for one in plan.role_bonuses if one.role_id not in chosen)
    new = tuple(Bonus(one, entries) for one in chosen) if entries else ()
    steps = steps_in(values, "levels")
    return Change(replace(plan, bonuses=(*kept, *new, *steps, *plan.item_bonuses)))


def steps_in(values: Values, name: str) -> tuple[LevelBonus, ...]:
    """Return the levels that were typed with their entries, the lowest first.

    Raises `InvalidInput` that quotes what can't be read.
    """
    steps = []
    for text in re.split(r"[,;\n]", str(values[name])):
        if not (text := text.strip()):
            continue
        if (found := _STEP.fullmatch(text)) is None:
            raise InvalidInput(
                _(
                    "“{text}” is no level with its entries. Write the level, a colon and the "
                    "number of entries, such as 5: 1, 20: 3.",
                    text=text[:50],
                )
            )
        steps.append(LevelBonus(int(found["level"]), int(found["entries"])))
    return tuple(sorted(steps, key=lambda one: one.level))


def items_form(_plan: Plan) -> Question:
    """Return the form of what an item of the shop gives."""
    return Question(
        _("Items of the shop"),
        [
            Input("item", _("Item"), _("Its name in the shop"), required=True, longest=50),
            Input(
                "entries",
                _("Entries more"),
                _("For each piece that somebody uses; 0 takes the item away again"),
                value="1",
                required=True,
                longest=10,
            ),
            Input(
                "most",
                _("Pieces at most"),
                _("How many each person can use"),
                value="1",
                required=True,
                longest=10,
            ),
        ],
    )


async def read_items(interaction: Interaction, plan: Plan, values: Values) -> Change:
    """Return the plan with what the form says that an item gives."""
    kernel = interaction.client.kernel
    check = ItemCheck(kernel.database, kernel.settings)
    named = await check.find(interaction.guild_id or 0, values["item"], plan)
    entries, most = number_in(values, "entries") or 0, number_in(values, "most") or 0
    ids = {one.id for one in (named[:1] if entries else named)}
    others = tuple(
        one for one in plan.bonuses if not (isinstance(one, ItemBonus) and one.item_id in ids)
    )
    new = (ItemBonus(named[0].id, entries, most),) if entries else ()
    return Change(replace(plan, bonuses=(*others, *new)))
