"""What keeps a feature from doing what it is set to do, found from its declarations. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.core.contracts import BotState, ChannelSummary
from bot.core.fields import FieldInfo, Widget, describe_fields
from bot.core.i18n import Message, _
from bot.core.preflight import Refusal, missing_permissions, role_above_bot
from bot.core.settings.model import FeatureState
from bot.core.settings.references import references_in

if TYPE_CHECKING:
    from bot.core.features import Feature

_Finding = tuple[str, Message, Message]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: `cause` and `subject` say which one it is, `message` and `fix` tell people."""

    feature: str
    cause: str
    subject: str
    message: Message
    fix: Message


def find_problems(
    feature: Feature,
    state: FeatureState,
    bot_state: BotState,
    guild_id: int,
    intents: Collection[str] | None = None,
) -> list[Problem]:
    """Return everything that speaks against a feature's settings in a guild as it is now.

    A feature that is off has no problems. `intents` are the privileged ones that are switched on;
    `None` leaves them out of the question.
    """
    if not state.enabled or bot_state.guild(guild_id) is None:
        return []
    found = list(_invalid(feature, state))
    for field in describe_fields(feature.settings):
        found += _in_field(feature, field, state, bot_state, guild_id)
    needs_intents = feature.needs_intents is None or feature.needs_intents(state.settings)
    if intents is not None and needs_intents:
        found += _missing_intents(feature, intents)
    if feature.check is not None:
        found += feature.check(state, bot_state, guild_id)
    return found


def _invalid(feature: Feature, state: FeatureState) -> Iterator[Problem]:
    titles = feature.settings.titles()
    for error in state.invalid:
        name = error.pointer.lstrip("/").split("/")[0]
        yield Problem(
            feature.key,
            "invalid_setting",
            name,
            _(
                "The stored value of “{field}” can't be used, so its default applies. {problem}",
                field=_(titles.get(name, feature.title)),
                problem=error.message,
            ),
            _("Set it again."),
        )


def _in_field(
    feature: Feature, field: FieldInfo, state: FeatureState, bot_state: BotState, guild_id: int
) -> Iterator[Problem]:
    # A document holds references of several kinds; the problem is told under its title.
    for one in references_in(state.settings, field.name):
        inner = replace(field, form=one.form)
        if one.form.widget in (Widget.ROLE, Widget.ROLES):
            refusal = _about_role(inner, one.id, bot_state, guild_id)
        else:
            refusal = _about_channel(inner, bot_state.channel(guild_id, one.id))
        if refusal is not None:
            cause, message, fix = refusal
            yield Problem(feature.key, cause, f"{field.name}:{one.id}", message, fix)


def _about_channel(field: FieldInfo, channel: ChannelSummary | None) -> _Finding | None:
    if channel is None:
        return (
            "channel_gone",
            _("The channel chosen for “{field}” is gone, or I can't see it.", field=_(field.title)),
            _("Choose another channel, or let me see it."),
        )
    refusal = missing_permissions(field.form.needs, channel.bot_permissions, channel)
    return ("channel_permission", *_with_field(field, refusal)) if refusal else None


def _about_role(
    field: FieldInfo, role_id: int, bot_state: BotState, guild_id: int
) -> _Finding | None:
    role = bot_state.role(guild_id, role_id)
    if role is None:
        return (
            "role_gone",
            _("The role chosen for “{field}” is gone.", field=_(field.title)),
            _("Choose another role."),
        )
    me = bot_state.me(guild_id)
    if not field.form.assignable or me is None:
        return None
    refusal = missing_permissions(("manage_roles",), me.permissions, None)
    if refusal is not None:
        return ("role_permission", *_with_field(field, refusal))
    if role.assignable:
        return None
    return ("role_above_bot", *_with_field(field, role_above_bot(role)))


def _with_field(field: FieldInfo, refusal: Refusal) -> tuple[Message, Message]:
    message = _("{field}: {problem}", field=_(field.title), problem=refusal.message)
    return message, refusal.fix


def _missing_intents(feature: Feature, intents: Collection[str]) -> Iterator[Problem]:
    for intent, loss in feature.intents.items():
        if intent not in intents:
            yield Problem(
                feature.key,
                "intent_off",
                intent,
                _(loss),
                _(
                    "The owner of this bot has to switch the {intent} intent on, in Discord's "
                    "developer portal and in config.toml.",
                    intent=intent,
                ),
            )
