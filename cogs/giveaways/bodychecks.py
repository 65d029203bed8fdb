"""Whether what the API is sent of a giveaway can be: its channel, roles, people and promises.

The rules of a plan itself are in `rules`; what the commands ask of an interaction is in `desk`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import TYPE_CHECKING

from bot.core.errors import Denied, FieldError
from bot.core.i18n import _
from bot.core.leveling import are_levels_on
from bot.core.money import is_economy_on
from bot.core.power import is_powerful
from bot.core.preflight import can_post
from bot.core.settings.validation import from_field_errors
from cogs.giveaways.bodies import TermsBody
from cogs.giveaways.rules import PLACES

if TYPE_CHECKING:
    from bot.core.contracts import BotState
    from bot.core.settings import SettingsStore
    from cogs.giveaways.items import ItemCheck
    from cogs.giveaways.plan import Plan

# The role that mutes in a guild, if any.
MuteRole = Callable[[int], Awaitable[int | None]]
# What the database holds, and more than Discord has given out.
_LARGEST_ID = 2**63 - 1


def is_id(text: str) -> bool:
    """Tell whether a text is an id."""
    return text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= _LARGEST_ID


class BodyChecks:
    """Checks bodies against a guild as it is.

    What is as it was `before` is not asked about: a channel or a role may be gone by now.
    """

    def __init__(
        self,
        settings: SettingsStore,
        state: Callable[[], BotState],
        mute_role: MuteRole,
        *,
        items: ItemCheck,
    ) -> None:
        self._settings = settings
        self._items = items
        self._state = state
        self._mute_role = mute_role

    async def check(
        self,
        guild_id: int,
        body: TermsBody,
        before: Plan | None = None,
        *,
        channel_id: str | None = None,
        host_id: str | None = None,
    ) -> None:
        """Raise `InvalidInput` per wrong field, `Denied` for a channel that can't be posted to.

        `channel_id` and `host_id` are what the body newly names, `None` where it names none.
        """
        errors = [
            *([] if channel_id is None else self._wrong_channel(guild_id, channel_id)),
            *_said_twice(body),
            *self._wrong_roles(guild_id, body, before),
            *await self._wrong_reward(guild_id, body, before),
            *await self._wrong_promises(guild_id, body, before),
        ]
        if host_id is not None and not is_id(host_id):
            errors.append(FieldError("/host_id", _("This is no ID.")))
        if errors:
            raise from_field_errors(errors, {name: name for name in type(body).model_fields})
        place = channel_id and self._state().channel(guild_id, int(channel_id))
        refusal = place and can_post(place, ("embed_links",))
        if refusal:
            raise Denied(refusal.message, hint=refusal.fix)

    def _wrong_channel(self, guild_id: int, text: str) -> Iterator[FieldError]:
        place = self._state().channel(guild_id, int(text)) if is_id(text) else None
        if place is None:
            message = _("There is no channel with the ID {id} in this server.", id=text)
            yield FieldError("/channel_id", message)
        elif place.kind not in PLACES:
            message = _("A giveaway can't be posted in {channel}.", channel=f"<#{place.id}>")
            yield FieldError("/channel_id", message)

    def _wrong_roles(
        self, guild_id: int, body: TermsBody, before: Plan | None
    ) -> Iterator[FieldError]:
        state, kept = self._state(), _kept(before)
        for name, pointer, role_id in _roles_in(body):
            if (name, role_id) in kept:
                continue
            if not is_id(role_id) or state.role(guild_id, int(role_id)) is None:
                message = _("There is no role with the ID {id} in this server.", id=role_id)
                yield FieldError(pointer, message)
            elif int(role_id) == guild_id:
                yield FieldError(pointer, _("Everybody has @everyone: name another role."))

    async def _wrong_reward(
        self, guild_id: int, body: TermsBody, before: Plan | None
    ) -> list[FieldError]:
        role_id = body.reward_role_id
        if role_id is None or ("reward_role_id", role_id) in _kept(before) or not is_id(role_id):
            return []
        role = self._state().role(guild_id, int(role_id))
        if role is None:
            return []
        if not role.assignable:
            return [FieldError("/reward_role_id", _("I can't give that role."))]
        if role.id == await self._mute_role(guild_id):
            return [FieldError("/reward_role_id", _("That is the mute role."))]
        if is_powerful(role):
            message = _("That role gives power over the server, so it can't be won.")
            return [FieldError("/reward_role_id", message)]
        return []

    async def _wrong_promises(
        self, guild_id: int, body: TermsBody, before: Plan | None
    ) -> list[FieldError]:
        errors = []
        asked = before.requirements.level if before else None
        if (body.requirements.level or 0) > (asked or 0) and not await are_levels_on(
            self._settings, guild_id
        ):
            message = _(
                "Levels are switched off in this server, so nobody could reach one to enter."
            )
            errors.append(FieldError("/requirements/level", message))
        errors += await self._wrong_steps(guild_id, body, before)
        errors += await self._wrong_items(guild_id, body, before)
        promised = before.total_amount if before else 0
        if body.winners * (body.prize_amount or 0) > promised and not await is_economy_on(
            self._settings, guild_id
        ):
            errors.append(FieldError("/prize_amount", _("The economy is switched off.")))
        promised = before.total_xp if before else 0
        if body.winners * (body.prize_xp or 0) > promised and not await are_levels_on(
            self._settings, guild_id
        ):
            message = _("Levels are switched off in this server, so no experience can be won.")
            errors.append(FieldError("/prize_xp", message))
        return errors

    async def _wrong_steps(
        self, guild_id: int, body: TermsBody, before: Plan | None
    ) -> list[FieldError]:
        kept = {one.level for one in before.level_bonuses} if before else set[int]()
        steps = enumerate(body.level_bonus_entries)
        new = [index for index, one in steps if one.level not in kept]
        if not new or await are_levels_on(self._settings, guild_id):
            return []
        message = _("Levels are switched off in this server, so nobody could reach one.")
        return [FieldError(f"/level_bonus_entries/{index}/level", message) for index in new]

    async def _wrong_items(
        self, guild_id: int, body: TermsBody, before: Plan | None
    ) -> list[FieldError]:
        named = [one.item_id for one in body.item_bonus_entries]
        kept = {one.item_id for one in before.item_bonuses} if before else set[int]()
        ids = {int(one) for one in named if is_id(one)} - kept
        mistakes = dict(await self._items.mistakes(guild_id, ids))
        return [
            FieldError(
                f"/item_bonus_entries/{index}/item_id",
                mistakes[int(text)] if is_id(text) else _("This is no ID."),
            )
            for index, text in enumerate(named)
            if not is_id(text) or int(text) in mistakes
        ]


def _said_twice(body: TermsBody) -> Iterator[FieldError]:
    named = {
        "bonus_entries/{}/role_id": [one.role_id for one in body.bonus_entries],
        "level_bonus_entries/{}/level": [one.level for one in body.level_bonus_entries],
        "item_bonus_entries/{}/item_id": [one.item_id for one in body.item_bonus_entries],
    }
    for pointer, values in named.items():
        for index, value in enumerate(values):
            if value in values[:index]:
                yield FieldError(f"/{pointer.format(index)}", _("This is in the list already."))


def _kept(before: Plan | None) -> Collection[tuple[str, str]]:
    """Return what each role was named for before, with its id."""
    if before is None:
        return ()
    needs = before.requirements
    named = {
        "any_roles": needs.any_roles,
        "all_roles": needs.all_roles,
        "no_roles": needs.no_roles,
        "bypass_roles": needs.bypass_roles,
        "bonus_entries": [one.role_id for one in before.role_bonuses],
        "reward_role_id": [before.reward_role_id],
    }
    return {(name, str(one)) for name, ids in named.items() for one in ids}


def _roles_in(body: TermsBody) -> Iterator[tuple[str, str, str]]:
    """Yield what each role is named for, where it stands, and its id."""
    for name in ("any_roles", "all_roles", "no_roles", "bypass_roles"):
        for index, role_id in enumerate(getattr(body.requirements, name)):
            yield name, f"/requirements/{name}/{index}", role_id
    for index, bonus in enumerate(body.bonus_entries):
        yield "bonus_entries", f"/bonus_entries/{index}/role_id", bonus.role_id
    if body.reward_role_id is not None:
        yield "reward_role_id", "/reward_role_id", body.reward_role_id
