"""The panel with which hosts change an open giveaway: a button for each form, one form each.

A form saves what it holds and nothing else; what it refuses can be corrected without loss.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import discord

from bot.checks import actor_of
from bot.core.durations import compact_duration, parse_duration
from bot.core.errors import InvalidInput
from bot.core.fields.values import read_colour
from bot.core.i18n import Message, _
from bot.forms import Input, Question, Values, ask
from bot.localization import locale_of
from bot.replies import OwnedView, answer, unique_id
from cogs.giveaways.access import Interaction, ensure_may_handle
from cogs.giveaways.desk import ensure_may_post, ensure_may_reward, read_moment
from cogs.giveaways.listing import describe
from cogs.giveaways.opening import Opening, plan_of
from cogs.giveaways.plan import Bonus, Look, Plan
from cogs.giveaways.rules import (
    LONGEST_ADDRESS,
    LONGEST_DESCRIPTION,
    LONGEST_PRIZE,
    LONGEST_TITLE,
    OLDEST,
)
from cogs.giveaways.settings import KEY
from db import giveaway_hosting as table
from db.giveaways import Giveaway

if TYPE_CHECKING:
    from bot.client import Pegasus

_PANEL_SECONDS = 840.0
Edit = Callable[[Interaction, Giveaway, Values], Awaitable["Change"]]


@dataclass(frozen=True, slots=True)
class Change:
    """What a form wants changed: the plan, and the end where it names one."""

    plan: Plan
    ends_at: Any = None


def ids_in(values: Values, name: str) -> tuple[int, ...]:
    """Return the ids that were chosen from a menu."""
    return tuple(int(one) for one in values[name])


def number_in(values: Values, name: str) -> int | None:
    """Return a number that was typed, `None` for nothing; raises `InvalidInput`."""
    text = str(values[name]).strip().replace(",", "").replace(".", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInput(_("“{text}” is no whole number.", text=str(values[name])[:50]))
    return int(text)


def duration_in(values: Values, name: str, maximum: timedelta = OLDEST) -> timedelta | None:
    """Return a duration that was typed, `None` for nothing; raises `InvalidInput`."""
    text = str(values[name]).strip()
    return parse_duration(text, maximum=maximum) if text and text != "0" else None


# --- the forms -----------------------------------------------------------------------------------


def basics_form(giveaway: Giveaway) -> Question:
    """Return the form of prize, winners, end, title and description."""
    title = giveaway.title if giveaway.title != giveaway.prize else ""
    return Question(
        _("Prize and end"),
        [
            Input("prize", _("Prize"), value=giveaway.prize, required=True, longest=LONGEST_PRIZE),
            Input(
                "winners",
                _("Winners"),
                value=str(giveaway.winner_count),
                required=True,
                longest=10,
            ),
            Input("ends", _("New end"), _("Such as 2 days or friday 8pm; empty: as it is")),
            Input("title", _("Title"), _("Empty: the prize"), value=title, longest=LONGEST_TITLE),
            Input(
                "description",
                _("Description"),
                value=giveaway.description or "",
                kind="paragraph",
                longest=LONGEST_DESCRIPTION,
            ),
        ],
    )


async def _basics(interaction: Interaction, giveaway: Giveaway, values: Values) -> Change:
    plan = replace(
        plan_of(giveaway),
        prize=values["prize"],
        winners=number_in(values, "winners") or 0,
        title=values["title"].strip() or None,
        description=values["description"] or None,
    )
    ends = values["ends"].strip()
    return Change(plan, await read_moment(interaction, ends) if ends else None)


def roles_form(giveaway: Giveaway) -> Question:
    """Return the form of required, forbidden and passing roles."""
    needs = plan_of(giveaway).requirements
    return Question(
        _("Roles to enter"),
        [
            Input("any_roles", _("One of these roles"), value=needs.any_roles, kind="roles"),
            Input("all_roles", _("All of these roles"), value=needs.all_roles, kind="roles"),
            Input("no_roles", _("None of these roles"), value=needs.no_roles, kind="roles"),
            Input(
                "bypass_roles",
                _("Need nothing of it"),
                _("Whoever has one of these enters anyway"),
                value=needs.bypass_roles,
                kind="roles",
            ),
        ],
    )


async def _roles(_interaction: Interaction, giveaway: Giveaway, values: Values) -> Change:
    plan = plan_of(giveaway)
    names = ("any_roles", "all_roles", "no_roles", "bypass_roles")
    chosen = {name: ids_in(values, name) for name in names}
    return Change(replace(plan, requirements=replace(plan.requirements, **chosen)))


def activity_form(giveaway: Giveaway) -> Question:
    """Return the form of ages, level and messages."""
    needs = plan_of(giveaway).requirements

    def shown(duration: timedelta | None) -> str:
        return compact_duration(duration) if duration else ""

    return Question(
        _("Age and activity to enter"),
        [
            Input(
                "account_age",
                _("Age of the account"),
                _("Such as 30 days"),
                value=shown(needs.account_age),
            ),
            Input(
                "time_in_guild",
                _("Time in this server"),
                _("Such as 7 days"),
                value=shown(needs.time_in_guild),
            ),
            Input("level", _("Level"), value=str(needs.level or ""), longest=10),
            Input(
                "messages",
                _("Messages since it began"),
                _("How many they have to write in this server"),
                value=str(needs.messages or ""),
                longest=10,
            ),
        ],
    )


async def _activity(_interaction: Interaction, giveaway: Giveaway, values: Values) -> Change:
    plan = plan_of(giveaway)
    needs = replace(
        plan.requirements,
        account_age=duration_in(values, "account_age"),
        time_in_guild=duration_in(values, "time_in_guild"),
        level=number_in(values, "level") or None,
        messages=number_in(values, "messages") or None,
    )
    return Change(replace(plan, requirements=needs))


def bonus_form(_giveaway: Giveaway) -> Question:
    """Return the form that gives roles more entries."""
    return Question(
        _("More chances"),
        [
            Input("roles", _("Roles"), kind="roles", required=True),
            Input(
                "entries",
                _("Entries more"),
                _("For each of these roles; 0 takes them away again"),
                value="1",
                required=True,
                longest=10,
            ),
        ],
    )


async def _bonus(_interaction: Interaction, giveaway: Giveaway, values: Values) -> Change:
    plan, chosen = plan_of(giveaway), ids_in(values, "roles")
    entries = number_in(values, "entries") or 0
    kept = tuple(one for one in plan.bonuses if one.role_id not in chosen)
    new = tuple(Bonus(one, entries) for one in chosen) if entries else ()
    return Change(replace(plan, bonuses=kept + new))


def look_form(giveaway: Giveaway) -> Question:
    """Return the form of colour and images."""
    look = plan_of(giveaway).look
    colour = "" if look.colour is None else f"#{look.colour:06x}"
    return Question(
        _("Look"),
        [
            Input("colour", _("Colour"), _("Such as gold or #f1c40f"), value=colour, longest=20),
            Input(
                "image",
                _("Large image"),
                _("An address that begins with https://"),
                value=look.image_url or "",
                longest=LONGEST_ADDRESS,
            ),
            Input(
                "thumbnail",
                _("Small image"),
                _("An address that begins with https://"),
                value=look.thumbnail_url or "",
                longest=LONGEST_ADDRESS,
            ),
        ],
    )


async def _look(_interaction: Interaction, giveaway: Giveaway, values: Values) -> Change:
    colour = values["colour"].strip()
    look = Look(
        colour=read_colour(colour) if colour else None,
        image_url=values["image"].strip() or None,
        thumbnail_url=values["thumbnail"].strip() or None,
    )
    return Change(replace(plan_of(giveaway), look=look))


def limits_form(giveaway: Giveaway) -> Question:
    """Return the form of limits, claims and what winners get."""
    plan = plan_of(giveaway)
    reward = () if plan.reward_role_id is None else (plan.reward_role_id,)
    window = compact_duration(plan.claim_window) if plan.claim_window else ""
    return Question(
        _("Limits and prizes"),
        [
            Input(
                "max_entries",
                _("Most entries"),
                _("Empty: as many as want to"),
                value=str(plan.max_entries or ""),
                longest=10,
            ),
            Input(
                "end_at_entries",
                _("Ends with so many entries"),
                _("Empty: it does not end for that"),
                value=str(plan.end_at_entries or ""),
                longest=10,
            ),
            Input(
                "claim_window",
                _("Time to claim"),
                _("Such as 24h; empty: winners need not claim"),
                value=window,
            ),
            Input(
                "reward",
                _("Role for winners"),
                _("One role; empty: none"),
                value=reward,
                kind="roles",
            ),
        ],
    )


async def _limits(interaction: Interaction, giveaway: Giveaway, values: Values) -> Change:
    reward = ids_in(values, "reward")
    if len(reward) > 1:
        raise InvalidInput(_("Winners can be given one role."))
    if reward and reward[0] != giveaway.reward_role_id:
        await ensure_may_reward(interaction, reward[0])
    plan = replace(
        plan_of(giveaway),
        max_entries=number_in(values, "max_entries"),
        end_at_entries=number_in(values, "end_at_entries"),
        claim_window=duration_in(values, "claim_window"),
        reward_role_id=reward[0] if reward else None,
    )
    return Change(plan)


_FORMS: Sequence[tuple[Message, Callable[[Giveaway], Question], Edit]] = (
    (_("Prize and end"), basics_form, _basics),
    (_("Roles to enter"), roles_form, _roles),
    (_("Age and activity"), activity_form, _activity),
    (_("More chances"), bonus_form, _bonus),
    (_("Look"), look_form, _look),
    (_("Limits and prizes"), limits_form, _limits),
)


# --- the panel -----------------------------------------------------------------------------------


class EditPanel(OwnedView):
    """One person's panel over one giveaway."""

    def __init__(
        self, interaction: Interaction, opening: Opening, giveaway: Giveaway, locale: str
    ) -> None:
        super().__init__(interaction.user.id, timeout=_PANEL_SECONDS)
        self._opening = opening
        self._giveaway = giveaway
        self._shown = interaction
        for at, (label, form, edit) in enumerate(_FORMS):
            button: discord.ui.Button[EditPanel] = discord.ui.Button(
                label=label.render(locale), custom_id=unique_id(KEY), row=at // 3
            )
            button.callback = self._opener(form, edit)
            self.add_item(button)

    def _opener(self, form: Callable[[Giveaway], Question], edit: Edit) -> Any:
        async def submitted(pressed: Interaction, values: Values) -> None:
            await pressed.response.defer(ephemeral=True, thinking=True)
            # Whoever was a host when the panel opened may be none by now.
            await ensure_may_handle(pressed, self._giveaway)
            change = await edit(pressed, self._giveaway, values)
            self._giveaway = await self._opening.change(
                self._giveaway, actor_of(pressed), change.plan, ends_at=change.ends_at
            )
            await answer(pressed, _("✅ Saved. The message shows it in a moment."))
            await self.show()

        async def open_form(pressed: Interaction) -> None:
            await ask(pressed, KEY, form(self._giveaway), submitted)

        return open_form

    async def show(self) -> None:
        """Show the giveaway as it is now."""
        text = await text_of(self._shown.client, self._giveaway, locale_of(self._shown))
        await self._shown.edit_original_response(content=text, view=self)


async def text_of(bot: Pegasus, giveaway: Giveaway, locale: str) -> str:
    """Return what is said of a giveaway."""
    async with bot.kernel.database.read() as session:
        entries = await table.count_entries(session, giveaway.id)
        winners = await table.list_winner_ids(session, giveaway.id)
    return describe(giveaway, entries, winners, locale)[:2000]


async def open_panel(interaction: Interaction, opening: Opening, giveaway: Giveaway) -> None:
    """Answer a deferred command with the panel."""
    locale = locale_of(interaction)
    panel = EditPanel(interaction, opening, giveaway, locale)
    text = await text_of(interaction.client, giveaway, locale)
    await interaction.edit_original_response(
        content=text, view=panel, allowed_mentions=discord.AllowedMentions.none()
    )


def create_form() -> Question:
    """Return the form of `/giveaway create`."""
    return Question(
        _("New giveaway"),
        [
            Input("prize", _("Prize"), required=True, longest=LONGEST_PRIZE),
            Input(
                "duration",
                _("How long, or until when"),
                _("Such as 2 days, friday 8pm or 2027-02-01 20:00"),
                required=True,
                longest=100,
            ),
            Input("winners", _("Winners"), value="1", required=True, longest=10),
            Input("description", _("Description"), kind="paragraph", longest=LONGEST_DESCRIPTION),
            Input("channel", _("Channel"), _("Empty: this one"), kind="channels"),
        ],
    )


def channel_in(interaction: Interaction, values: Values) -> int:
    """Return the one channel that was chosen, else the one that this is; raises in words."""
    chosen = ids_in(values, "channel")
    if len(chosen) > 1:
        raise InvalidInput(_("A giveaway is held in one channel."))
    channel_id = chosen[0] if chosen else interaction.channel_id or 0
    ensure_may_post(interaction, channel_id)
    return channel_id
