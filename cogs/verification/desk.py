"""What the parts of verification share: services, the guild's settings, the log; no discord.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.contracts import BotState, MemberFacts
from bot.core.guild_locale import BASICS, locale_of_guild
from bot.core.i18n import Message
from bot.core.jobs import JobService
from bot.core.outbox import Delivery, OutboxService
from bot.core.preflight import Action, Refusal, can_act
from bot.core.roles import RoleChange, RoleService, RoleSource
from bot.core.settings import SettingsStore
from cogs.verification.rules import (
    Applicant,
    Standing,
    State,
    after_passing,
    at_the_gate,
    round_at,
)
from cogs.verification.settings import VerificationSettings
from cogs.verification.wording import AUDIT_REASON, log_payload, who, with_refusal
from db import role_wishes
from db import verification as table
from db.engine import Database

KEY = "verification"
TIMER_JOB = "verification.timer"
# The occasion of a reminder in a round.
REMINDER = "reminder"

# What comes so soon after a pass was done before the role was seen.
_RECENT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Turn:
    """One decision about one person; `row` is as it was found, `standing` what holds from here."""

    session: AsyncSession
    settings: VerificationSettings
    applicant: Applicant
    standing: Standing
    row: table.VerificationMember


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The services, and the few things that every part does with them."""

    database: Database
    clock: Clock
    settings: SettingsStore
    jobs: JobService
    outbox: OutboxService
    roles: RoleService
    state: Callable[[], BotState]
    count: Callable[[str], None]

    async def active_settings(self, guild_id: int) -> VerificationSettings | None:
        """Return what the guild has set, `None` while verification is switched off there."""
        state = await self.settings.get(guild_id, KEY)
        return state.settings if state.enabled else None

    async def locale(self, guild_id: int) -> str | None:
        """Return the guild's language."""
        return await locale_of_guild(self.settings, self.state(), guild_id)

    async def log_channel(self, guild_id: int, settings: VerificationSettings) -> int | None:
        """Return where staff read of verification: its own channel, else the guild's log."""
        if settings.log_channel_id is not None:
            return settings.log_channel_id
        return (await self.settings.get(guild_id, BASICS)).settings.log_channel_id

    @asynccontextmanager
    async def turn(
        self, settings: VerificationSettings, applicant: Applicant
    ) -> AsyncIterator[Turn]:
        """A transaction that holds a person's row, as nobody else does until it ends."""
        now = self.clock.now()
        async with self.database.write() as session:
            row = await table.lock_member(
                session,
                applicant.guild_id,
                applicant.user_id,
                applicant.name,
                now,
                round_=round_at(now),
            )
            yield Turn(session, settings, applicant, at_the_gate(standing_of(row), now), row)

    async def write(self, turn: Turn, **values: Any) -> None:
        """Write where the person stands now."""
        standing = turn.standing
        values = {"changed_at": self.clock.now()} | values
        await table.change_member(
            turn.session,
            turn.applicant.guild_id,
            turn.applicant.user_id,
            state=standing.state.value,
            round=standing.round,
            attempts=standing.attempts,
            asked=standing.asked,
            locked_until=standing.locked_until,
            **values,
        )

    async def let_in(self, turn: Turn, title: Message, text: Message) -> None:
        """Let somebody in: roles, the end of their time, the log; all in this transaction."""
        session, guild_id, user_id = turn.session, turn.applicant.guild_id, turn.applicant.user_id
        turn = replace(turn, standing=after_passing(turn.standing))
        await self.write(turn)
        await table.drop_challenge(session, guild_id, user_id)
        await self.jobs.cancel(session, timer_key(guild_id, user_id))
        await self.withdraw_reminder(session, turn.settings, turn.row)
        await self.roles.want(session, role_changes(turn.settings, turn.applicant))
        if (refusal := self.in_the_way(turn.settings, guild_id)) is not None:
            text = with_refusal(text, refusal)
        await self.note(turn, title, text, "passed")
        self.count("passed")

    async def is_on_its_way(self, turn: Turn) -> bool:
        """Tell whether somebody has passed whose roles are yet to be changed or seen."""
        row = turn.row
        if row.state != table.PASSED:
            return False
        wishes = await role_wishes.list_wishes(turn.session, row.guild_id, row.user_id)
        is_wanted = any(wish.source == RoleSource.VERIFICATION for wish in wishes)
        return is_wanted or row.changed_at > self.clock.now() - _RECENT

    def in_the_way(self, settings: VerificationSettings, guild_id: int) -> Refusal | None:
        """Return why the roles of who passes have to wait, which the queue of roles tells staff."""
        state = self.state()
        me = state.me(guild_id)
        if me is None:
            return None
        # The member's own rank does not matter to Discord here.
        target = MemberFacts(0, guild_id, "", top_role_position=-1)
        for action, role_id in (
            (Action.ADD_ROLE, settings.verified_role_id),
            (Action.REMOVE_ROLE, settings.unverified_role_id),
        ):
            role = state.role(guild_id, role_id) if role_id is not None else None
            if role is not None:
                refusal = can_act(action, bot=me, target=target, role=role)
                if refusal is not None:
                    return refusal
        return None

    async def note(self, turn: Turn, title: Message, text: Message, what: str) -> None:
        """Tell staff, once under `what` in a person's round."""
        locale = await self.locale(turn.applicant.guild_id)
        told = f"{who(turn.row.user_id, turn.row.name)}\n{text.render(locale)}"
        await self.tell_staff(turn, log_payload(title, told, locale), what)

    async def tell_staff(self, turn: Turn, payload: Mapping[str, Any], what: str) -> None:
        """Send a message to the log, where the guild has one."""
        applicant, round_ = turn.applicant, turn.standing.round
        channel_id = await self.log_channel(applicant.guild_id, turn.settings)
        if channel_id is None:
            return
        await self.outbox.send(
            turn.session,
            Delivery.message(
                channel_id,
                payload,
                dedupe_key=occasion(applicant.guild_id, applicant.user_id, round_, what),
                guild_id=applicant.guild_id,
                subject_id=applicant.user_id,
            ),
        )

    async def withdraw_reminder(
        self, session: AsyncSession, settings: VerificationSettings, row: table.VerificationMember
    ) -> None:
        """Take back the mention of somebody who no longer needs it."""
        key = occasion(row.guild_id, row.user_id, row.round, REMINDER)
        if await self.outbox.cancel_waiting(session, [key]) or settings.channel_id is None:
            return
        receipt = await self.outbox.get_receipt(session, key)
        if receipt is None or not (receipt.is_open or receipt.message_id):
            return
        await self.outbox.send(
            session,
            Delivery.delete(
                settings.channel_id,
                key,
                dedupe_key=f"{key}:gone",
                guild_id=row.guild_id,
                subject_id=row.user_id,
            ),
        )


def standing_of(row: table.VerificationMember) -> Standing:
    """Return the part of a row that is decided on."""
    return Standing(State(row.state), row.round, row.attempts, row.asked, row.locked_until)


def occasion(guild_id: int, user_id: int, round_: int, what: str) -> str:
    """Return the key of what is said about a person once in a round."""
    return f"{KEY}:{guild_id}:{user_id}:{round_}:{what}"


def timer_key(guild_id: int, user_id: int) -> str:
    """Return the key of the job that reminds and removes a member."""
    return f"{TIMER_JOB}:{guild_id}:{user_id}"


def role_changes(settings: VerificationSettings, applicant: Applicant) -> list[RoleChange]:
    """Return the wishes for somebody who has passed; screening has to be passed, too."""
    wanted = ((settings.verified_role_id, True), (settings.unverified_role_id, False))
    return [
        RoleChange(
            guild_id=applicant.guild_id,
            user_id=applicant.user_id,
            role_id=role_id,
            want=want,
            source=RoleSource.VERIFICATION,
            reason=AUDIT_REASON,
            after_screening=True,
            occasion=KEY,
        )
        for role_id, want in wanted
        if role_id is not None
    ]
