"""Finds what keeps verification from working that the field declarations can't express; pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.contracts import BotState
from bot.core.i18n import Message, _
from bot.core.preflight import missing_permissions
from bot.core.problems.rules import Problem
from bot.core.settings.model import FeatureState
from cogs.verification.rules import can_judge_forms, is_staff
from cogs.verification.settings import Method, VerificationSettings

KEY = "verification"


def find_verification_problems(
    state: FeatureState, bot_state: BotState, guild_id: int
) -> list[Problem]:
    """Return what keeps members out, keeps nobody out, or does not happen although it is set."""
    settings: VerificationSettings = state.settings
    found = [
        *_about_roles(settings, bot_state, guild_id),
        *_about_form(settings),
        *_about_time(settings, bot_state, guild_id),
    ]
    return [Problem(KEY, cause, "", message, fix) for cause, message, fix in found]


_Found = Iterator[tuple[str, Message, Message]]


def _about_roles(settings: VerificationSettings, bot_state: BotState, guild_id: int) -> _Found:
    if settings.verified_role_id is None and settings.unverified_role_id is None:
        yield (
            "no_role",
            _("Nobody can pass verification: there is no role to give or to take."),
            _("Choose one with /verification settings."),
        )
        return
    if settings.verified_role_id is None:
        return
    role = bot_state.role(guild_id, settings.verified_role_id)
    if role is not None and is_staff(role.permissions):
        yield (
            "powerful_role",
            _(
                "Whoever passes verification gets the role {role}, which is for staff.",
                role=role.name,
            ),
            _("Choose a role without powers over other members."),
        )


def _about_form(settings: VerificationSettings) -> _Found:
    if settings.method is not Method.FORM:
        return
    if not settings.questions:
        yield (
            "no_questions",
            _("Nobody can pass verification: the form has no questions."),
            _("Write some with /verification settings, or choose another method."),
        )
    elif not can_judge_forms(settings):
        yield (
            "nowhere_to_judge",
            _("Nobody can pass verification: staff have no channel to judge answers in."),
            _("Choose the verification log, or accepted answers for every question."),
        )


def _about_time(settings: VerificationSettings, bot_state: BotState, guild_id: int) -> _Found:
    if settings.kick_after is not None and settings.kick_confirmation is None:
        yield (
            "kick_not_confirmed",
            _("Members who don't verify are not removed yet: that has to be confirmed in words."),
            _("Write kick under “Confirm removing”, or empty “Remove after”."),
        )
    me = bot_state.me(guild_id)
    if settings.kick_deadline is not None and me is not None:
        refusal = missing_permissions(("kick_members",), me.permissions, None)
        if refusal is not None:
            yield "kick_permission", refusal.message, refusal.fix
    if settings.remind_after is not None and settings.channel_id is None:
        yield (
            "nowhere_to_remind",
            _("Nobody is reminded to verify, because there is no channel for it."),
            _("Choose the verification channel, or empty “Remind after”."),
        )
    elif is_late(settings):
        yield (
            "reminder_too_late",
            _("Nobody is reminded to verify: they would be removed before."),
            _("Make “Remind after” shorter than “Remove after”."),
        )


def is_late(settings: VerificationSettings) -> bool:
    """Tell whether the reminder would come when somebody is removed already."""
    remind, kick = settings.remind_after, settings.kick_deadline
    return remind is not None and kick is not None and remind >= kick
