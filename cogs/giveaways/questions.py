"""The forms in which hosts say what a giveaway is to be, and what they read of them.

A form changes what it holds and nothing else; what it refuses can be corrected without loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.core.durations import compact_duration
from bot.core.errors import InvalidInput
from bot.core.fields.values import read_colour
from bot.core.i18n import Message, _
from bot.forms import Input, Question, Values
from cogs.giveaways.access import Interaction
from cogs.giveaways.chances import bonus_form, items_form, read_bonus, read_items
from cogs.giveaways.desk import ensure_may_post, is_never, read_moment
from cogs.giveaways.plan import Look, Plan
from cogs.giveaways.rules import (
    LONGEST_ADDRESS,
    LONGEST_DESCRIPTION,
    LONGEST_PRIZE,
    LONGEST_TITLE,
    MOST_ROLES,
)
from cogs.giveaways.typed import Change, Edit, duration_in, ids_in, number_in, roles_in

# --- the forms -----------------------------------------------------------------------------------


def basics_form(plan: Plan) -> Question:
    """Return the form of prize, winners, end, title and description."""
    return Question(
        _("Prize and end"),
        [
            Input("prize", _("Prize"), value=plan.prize, required=True, longest=LONGEST_PRIZE),
            Input(
                "winners",
                _("Winners"),
                value=str(plan.winners),
                required=True,
                longest=10,
            ),
            Input("ends", _("New end"), _("Such as 2 days, friday 8pm or never; empty: as it is")),
            Input(
                "title",
                _("Title"),
                _("Empty: the prize"),
                value=plan.title or "",
                longest=LONGEST_TITLE,
            ),
            Input(
                "description",
                _("Description"),
                value=plan.description or "",
                kind="paragraph",
                longest=LONGEST_DESCRIPTION,
            ),
        ],
    )


async def _basics(interaction: Interaction, plan: Plan, values: Values) -> Change:
    plan = replace(
        plan,
        prize=values["prize"],
        winners=number_in(values, "winners") or 0,
        title=values["title"].strip() or None,
        description=values["description"] or None,
    )
    ends = values["ends"].strip()
    if not ends or is_never(ends):
        return Change(plan, ends=ends)
    return Change(plan, await read_moment(interaction, ends), ends)


def roles_form(plan: Plan) -> Question:
    """Return the form of required, forbidden and passing roles."""
    needs = plan.requirements
    return Question(
        _("Roles to enter"),
        [
            _roles_input("any_roles", _("One of these roles"), needs.any_roles),
            _roles_input("all_roles", _("All of these roles"), needs.all_roles),
            _roles_input("no_roles", _("None of these roles"), needs.no_roles),
            _roles_input(
                "bypass_roles",
                _("Need nothing of it"),
                needs.bypass_roles,
                _("Whoever has one of these enters anyway"),
            ),
        ],
    )


def _roles_input(
    name: str, label: Message, chosen: Sequence[int], note: Message | None = None
) -> Input:
    return Input(name, label, note, value=chosen, kind="roles", most=MOST_ROLES)


async def _roles(interaction: Interaction, plan: Plan, values: Values) -> Change:
    names = ("any_roles", "all_roles", "no_roles", "bypass_roles")
    chosen = {name: roles_in(interaction, values, name) for name in names}
    return Change(replace(plan, requirements=replace(plan.requirements, **chosen)))


def activity_form(plan: Plan) -> Question:
    """Return the form of ages, level and messages."""
    needs = plan.requirements

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


async def _activity(_interaction: Interaction, plan: Plan, values: Values) -> Change:
    needs = replace(
        plan.requirements,
        account_age=duration_in(values, "account_age"),
        time_in_guild=duration_in(values, "time_in_guild"),
        level=number_in(values, "level") or None,
        messages=number_in(values, "messages") or None,
    )
    return Change(replace(plan, requirements=needs))


def look_form(plan: Plan) -> Question:
    """Return the form of colour and images."""
    look = plan.look
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


async def _look(_interaction: Interaction, plan: Plan, values: Values) -> Change:
    colour = values["colour"].strip()
    look = Look(
        colour=read_colour(colour) if colour else None,
        image_url=values["image"].strip() or None,
        thumbnail_url=values["thumbnail"].strip() or None,
    )
    return Change(replace(plan, look=look))


def limits_form(plan: Plan) -> Question:
    """Return the form of limits and of the time to claim."""
    window = compact_duration(plan.claim_window) if plan.claim_window else ""
    return Question(
        _("Limits"),
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
        ],
    )


async def _limits(_interaction: Interaction, plan: Plan, values: Values) -> Change:
    plan = replace(
        plan,
        max_entries=number_in(values, "max_entries"),
        end_at_entries=number_in(values, "end_at_entries"),
        claim_window=duration_in(values, "claim_window") or timedelta(0),
    )
    return Change(plan)


def rewards_form(plan: Plan) -> Question:
    """Return the form of what the bot itself gives winners."""
    reward = () if plan.reward_role_id is None else (plan.reward_role_id,)
    time = compact_duration(plan.reward_role_time) if plan.reward_role_time else ""
    return Question(
        _("Currency, experience and role"),
        [
            Input(
                "amount",
                _("Currency for each winner"),
                _("Empty: none"),
                value=str(plan.prize_amount or ""),
                longest=20,
            ),
            Input(
                "experience",
                _("Experience for each winner"),
                _("Empty: none"),
                value=str(plan.prize_xp or ""),
                longest=20,
            ),
            Input(
                "reward",
                _("Role for winners"),
                _("One role; empty: none"),
                value=reward,
                kind="roles",
                most=1,
            ),
            Input("time", _("For how long"), _("Such as 30 days; empty: for good"), value=time),
        ],
    )


async def _rewards(_interaction: Interaction, plan: Plan, values: Values) -> Change:
    reward = ids_in(values, "reward")
    if len(reward) > 1:
        raise InvalidInput(_("Winners can be given one role."))
    plan = replace(
        plan,
        prize_amount=number_in(values, "amount") or None,
        prize_xp=number_in(values, "experience") or None,
        reward_role_id=reward[0] if reward else None,
        reward_role_time=duration_in(values, "time"),
    )
    return Change(plan)


FORMS: Sequence[tuple[Message, Callable[[Plan], Question], Edit]] = (
    (_("Prize and end"), basics_form, _basics),
    (_("Roles to enter"), roles_form, _roles),
    (_("Age and activity"), activity_form, _activity),
    (_("More chances"), bonus_form, read_bonus),
    (_("Items of the shop"), items_form, read_items),
    (_("Look"), look_form, _look),
    (_("Limits"), limits_form, _limits),
    (_("Currency, experience and role"), rewards_form, _rewards),
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
                _("Such as 2 days, friday 8pm, 2027-02-01 20:00 or never"),
                required=True,
                longest=100,
            ),
            Input("winners", _("Winners"), value="1", required=True, longest=10),
            Input("description", _("Description"), kind="paragraph", longest=LONGEST_DESCRIPTION),
            Input("channel", _("Channel"), _("Empty: this one"), kind="channels", most=1),
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
