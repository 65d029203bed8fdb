"""What staff decide at the gate: on the answers to a form, and by hand; free of discord.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.core.contracts import Actor
from bot.core.errors import Conflict, InvalidInput
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _
from bot.core.outbox import Delivery
from cogs.verification import wording
from cogs.verification.desk import Desk, Turn, occasion
from cogs.verification.rules import (
    Applicant,
    State,
    after_refusal,
    has_role_to_change,
    is_verified,
    round_at,
)
from cogs.verification.settings import VerificationSettings

# News of a refusal that come later than this only confuse.
_NEWS_AGE = timedelta(days=1)
_BY_STAFF = _("Verified by staff")


class StaffGate:
    """Lets in and turns down on staff's word."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def decide(
        self, applicant: Applicant, moment: int, *, let_in: bool, actor: Actor
    ) -> Message:
        """Decide on the form that was handed in at a moment; returns what was decided.

        The moment is in milliseconds since the epoch, as the card's buttons have it.
        Raises `Conflict` when that is done already or they started anew, `InvalidInput` where the
        setup can't let anybody in.
        """
        settings = await self.usable_settings(applicant.guild_id)
        async with self._desk.turn(settings, applicant) as turn:
            if turn.standing.state is not State.REVIEW or round_at(turn.row.changed_at) != moment:
                raise Conflict(
                    _("This is decided already, or they have left or started anew meanwhile.")
                )
            by = _decided_by(actor)
            if let_in:
                await self._desk.let_in(turn, _BY_STAFF, by)
                return _("They are let in.")
            await self._turn_down(turn, by)
            return _("They are turned down, and can try again after the pause.")

    async def _turn_down(self, turn: Turn, by: Message) -> None:
        now = self._desk.clock.now()
        standing = after_refusal(turn.settings, turn.standing, now)
        turn = replace(turn, standing=standing)
        await self._desk.write(turn)
        moment = round(now.timestamp() * 1000)
        await self._desk.note(turn, _("Answers turned down"), by, f"refused:{moment}")
        guild_id, user_id = turn.applicant.guild_id, turn.applicant.user_id
        guild = self._desk.state().guild(guild_id)
        text = _(
            "The staff of {guild} did not accept your answers. You can try again {when}.",
            guild=escape_markdown(guild.name) if guild else "Discord",
            when=wording.end_of_pause(standing),
        )
        await self._desk.outbox.send(
            turn.session,
            Delivery.direct(
                user_id,
                {"content": text.render(await self._desk.locale(guild_id))},
                dedupe_key=occasion(guild_id, user_id, standing.round, f"refusal:{moment}"),
                guild_id=guild_id,
                expires_at=now + _NEWS_AGE,
            ),
        )

    async def pass_by_hand(self, applicant: Applicant, actor: Actor) -> Message:
        """Let somebody in whatever they were asked; returns what staff read.

        Membership screening still comes first. Raises `Conflict` for who is verified already, or
        about to be, or is being removed, `InvalidInput` where the setup can't let anybody in.
        """
        settings = await self.usable_settings(applicant.guild_id)
        if applicant.is_bot:
            raise Conflict(_("Bots don't have to verify."), hint=_("Choose another member."))
        if is_verified(settings, applicant.role_ids):
            raise Conflict(_("They are verified already."))
        async with self._desk.turn(settings, applicant) as turn:
            if turn.standing.state is State.KICKING:
                raise Conflict(_("They are being removed at this moment; their time was over."))
            if await self._desk.is_on_its_way(turn):
                raise Conflict(_("They have been let in already; their role is on its way."))
            await self._desk.let_in(turn, _BY_STAFF, _decided_by(actor))
        if applicant.pending:
            return _("They get their role as soon as they have accepted the server's rules.")
        return _("They are let in.")

    async def usable_settings(self, guild_id: int) -> VerificationSettings:
        """Return the settings; raises `InvalidInput` while nobody can be let in by them."""
        settings = await self._desk.active_settings(guild_id)
        if settings is None:
            raise InvalidInput(
                _("Verification is switched off."),
                hint=_("Switch it on with /verification settings."),
            )
        if not has_role_to_change(settings, self._desk.state(), guild_id):
            raise InvalidInput(
                _("There is no role to give or take, so nobody can be let in."),
                hint=_("Choose one with /verification settings."),
            )
        return settings


def _decided_by(actor: Actor) -> Message:
    return _("Decided by {who}", who=wording.who(actor.user_id, actor.name))
