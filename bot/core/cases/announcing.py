"""Puts into the outbox what people are told of a case, in the transaction that decides it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases.desk import Desk, read_case
from bot.core.cases.rules import FAREWELLS, HOLDS, LIFTS
from bot.core.cases.values import CaseKind
from bot.core.cases.wording import (
    bulk_log_message,
    correction,
    direct_message,
    lifted_message,
    log_message,
)
from bot.core.outbox import Delivery
from db import cases as table

# A farewell that comes later than this would only confuse: the member is gone by then.
FAREWELL_AGE = timedelta(minutes=1)


def direct_key(case_id: int) -> str:
    """Return the key of the direct message about a case."""
    return f"case:{case_id}:dm"


def _log_key(case_id: int, revision: int) -> str:
    return f"case:{case_id}:log:{revision}" if revision else f"case:{case_id}:log"


class Announcer:
    """Writes to the log channel and to members."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def write_to_member(self, session: AsyncSession, case: table.Case) -> None:
        """Tell the member, where that is wanted."""
        if not case.notify or case.target_is_bot:
            return
        locale = await self._desk.locale(case.guild_id)
        name = self._desk.guild_name(case.guild_id)
        closing = await self._desk.policy.closing_words(case.guild_id, CaseKind(case.kind))
        payload = direct_message(read_case(case), name, locale, closing)
        if payload is None:
            return
        if rows := await self._desk.policy.components(read_case(case), locale):
            payload["components"] = list(rows)
        is_farewell = CaseKind(case.kind) in FAREWELLS
        expires_at = self._desk.clock.now() + FAREWELL_AGE if is_farewell else None
        await self._desk.outbox.send(
            session,
            Delivery.direct(
                case.target_id,
                payload,
                dedupe_key=direct_key(case.id),
                guild_id=case.guild_id,
                expires_at=expires_at,
            ),
        )

    async def tell_lifted(self, case: table.Case) -> None:
        """Tell a member that what held them is lifted, where they were told of it.

        Who is unbanned is not here to be told.
        """
        kind = CaseKind(case.kind)
        lift = next(one for one, held in LIFTS.items() if held is HOLDS[kind])
        if not case.notify or case.target_is_bot or lift is CaseKind.UNBAN:
            return
        if not await self._desk.policy.notifies(case.guild_id, kind):
            return
        locale = await self._desk.locale(case.guild_id)
        payload = lifted_message(lift, self._desk.guild_name(case.guild_id), locale)
        async with self._desk.database.write() as session:
            await self._desk.outbox.send(
                session,
                Delivery.direct(
                    case.target_id,
                    payload,
                    dedupe_key=f"{direct_key(case.id)}:lifted",
                    guild_id=case.guild_id,
                ),
            )

    async def correct(self, session: AsyncSession, case: table.Case) -> None:
        """Take back what the member was told, or say that it was wrong if they may have read it."""
        key = direct_key(case.id)
        if await self._desk.outbox.cancel_waiting(session, [key]):
            return
        receipt = await self._desk.outbox.get_receipt(session, key)
        if receipt is None or not (receipt.is_open or receipt.message_id):
            return
        locale = await self._desk.locale(case.guild_id)
        payload = correction(self._desk.guild_name(case.guild_id), locale)
        await self._desk.outbox.send(
            session,
            Delivery.edit_direct(
                case.target_id,
                key,
                payload,
                dedupe_key=f"{key}:correction",
                guild_id=case.guild_id,
            ),
        )

    async def log(self, session: AsyncSession, case: table.Case) -> None:
        """Show the case in the log channel as it stands now: one message, edited from then on."""
        if case.details.get("log") is False or case.details.get("bulk"):
            return
        payload = log_message(read_case(case), await self._desk.locale(case.guild_id))
        if await self._edit_log(session, case, payload):
            return
        channel_id = case.channel_id or await self._desk.log_channel(case.guild_id)
        if channel_id is None:
            return
        # The first may be long gone from the outbox: its key would be another message's.
        revision = 0 if case.log_revision is None else case.revision
        await self._desk.outbox.send(
            session,
            Delivery.message(
                channel_id,
                payload,
                dedupe_key=_log_key(case.id, revision),
                guild_id=case.guild_id,
                subject_id=case.target_id,
            ),
        )
        await table.note_log(session, case.id, channel_id=channel_id, log_revision=revision)

    async def _edit_log(
        self, session: AsyncSession, case: table.Case, payload: dict[str, object]
    ) -> bool:
        if case.channel_id is None or case.log_revision is None:
            return False
        key = _log_key(case.id, case.log_revision)
        receipt = await self._desk.outbox.get_receipt(session, key)
        if receipt is None or not (receipt.is_open or receipt.message_id):
            return False
        edit = Delivery.edit(
            case.channel_id,
            key,
            payload,
            dedupe_key=f"case:{case.id}:log:edit:{case.revision}",
            guild_id=case.guild_id,
            subject_id=case.target_id,
        )
        await self._desk.outbox.send(session, edit)
        return True

    async def log_many(self, session: AsyncSession, cases: Sequence[table.Case]) -> None:
        """Show many bans in the log channel with one message."""
        first = cases[0]
        channel_id = await self._desk.log_channel(first.guild_id)
        if channel_id is None or first.details.get("log") is False:
            return
        locale = await self._desk.locale(first.guild_id)
        payload = bulk_log_message([read_case(case) for case in cases], locale)
        await self._desk.outbox.send(
            session,
            Delivery.message(
                channel_id,
                payload,
                dedupe_key=f"case:{first.id}:bulk",
                guild_id=first.guild_id,
            ),
        )
