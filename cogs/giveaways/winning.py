"""What becomes of winners: letters, claims, roles, codes, and draws again; free of discord.py.

A prize is claimed, runs out or is given to somebody else by a compare-and-set on the winner's row;
what follows from it is stored in the same transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.errors import Conflict, Denied, DiscordFailed, InvalidInput, NotFound
from bot.core.fields.text import escape_markdown, quote
from bot.core.i18n import Message, _
from bot.core.jobs import Job, Retry
from bot.core.money import Amount, currency_of
from bot.core.outbox import Delivery
from cogs.giveaways.announcing import (
    Result,
    codes_payload,
    letter_payload,
    longer_payload,
    no_more_draws_payload,
)
from cogs.giveaways.backstage import Backstage
from cogs.giveaways.rewarding import Rewarding, Winner
from cogs.giveaways.rounds import draw_again, has_left
from cogs.giveaways.rules import SHORTEST_CLAIM
from cogs.giveaways.verify import ROUNDS
from db import giveaway_draws as table
from db.giveaway_claims import expire_claims, extend_claims
from db.giveaways import ENDED, EXPIRED, PENDING, REPLACED, WON, Giveaway, GiveawayWinner

CLAIM_JOB = "giveaways.claim"
MOST_AT_ONCE = 50
# Whoever is so late was away: what waits its turn is done within seconds.
_AWAY = timedelta(minutes=2)
Note = Callable[[AsyncSession], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A prize is somebody's; `code` is what the vault held for them, `is_new` at the first time.

    Where others were handed codes and there is none left, the code `is_code_missing`. `amount` is
    what was put into their account. The role `is_role_withheld` from everybody where it has got
    rights of staff.
    """

    giveaway: Giveaway
    code: str | None
    is_new: bool
    amount: Amount | None = None
    is_role_withheld: bool = False
    is_code_missing: bool = False


class Winning:
    """Looks after those who have won."""

    def __init__(self, backstage: Backstage) -> None:
        self._stage = backstage
        self.rewarding = Rewarding(backstage)

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._stage.jobs.register(
            CLAIM_JOB, self.claim_due, max_attempts=1000, outlasts_absence=True
        )
        self.rewarding.start()

    async def begin(self, session: AsyncSession, result: Result, winners: Sequence[Winner]) -> None:
        """Tell those who have won and begin their time, or give them what is theirs at once."""
        giveaway = result.giveaway
        if result.claim_until is None:
            await self.rewarding.give(session, giveaway, winners, strict=False)
        else:
            for one in winners:
                await self._stage.jobs.schedule(
                    session,
                    CLAIM_JOB,
                    result.claim_until,
                    dedupe_key=f"{CLAIM_JOB}:{one.row_id}",
                    guild_id=giveaway.guild_id,
                )
        if (await self._stage.set_by(giveaway.guild_id)).tell_winners:
            await self._write_to(session, result, winners)

    async def _write_to(
        self, session: AsyncSession, result: Result, winners: Sequence[Winner]
    ) -> None:
        giveaway = result.giveaway
        locale = await self._stage.locale(giveaway.guild_id)
        name = self._stage.guild_name(giveaway.guild_id)
        for one in winners:
            await self._stage.outbox.send(
                session,
                Delivery.direct(
                    one.user_id,
                    letter_payload(result, one.row_id, name, locale),
                    dedupe_key=f"giveaways:won:{one.row_id}",
                    guild_id=giveaway.guild_id,
                    expires_at=result.claim_until,
                ),
            )

    # --- claiming ----------------------------------------------------------------------------

    async def claim(self, winner_id: int, user_id: int) -> Claimed:
        """Make a prize its winner's and hand them its code; the same again when asked again.

        Raises `Denied` for whoever did not win it or has left, `Conflict` when the time is up or
        somebody else was drawn, `ConfigurationError` when the code can't be read, `TooMuch` when
        their account can't hold what they have won, `DiscordFailed` while Discord can't say whether
        they are a member: then nothing is claimed.
        """
        async with self._stage.database.read() as session:
            winner = await table.get_winner(session, winner_id)
        if winner is None or winner.user_id != user_id:
            raise Denied(
                _("This prize is somebody else's."), hint=_("Only who has won it can claim it.")
            )
        return await self._claim(winner, user_id)

    async def claim_in(self, giveaway_id: UUID, user_id: int) -> Claimed:
        """Claim what somebody has won in a giveaway; raises as `claim` does."""
        async with self._stage.database.read() as session:
            winner = await table.find_winner(session, giveaway_id, user_id)
        if winner is None or winner.state not in (PENDING, WON, EXPIRED, REPLACED):
            raise Denied(
                _("You have not won in this giveaway."),
                hint=_("Only its winners can press this button."),
            )
        return await self._claim(winner, user_id)

    async def _claim(self, winner: GiveawayWinner, user_id: int) -> Claimed:
        role_ids: frozenset[int] = frozenset()
        async with self._stage.database.read() as session:
            giveaway = await table.get_giveaway(session, winner.giveaway_id)
        if giveaway is None:
            raise NotFound(_("This giveaway is not there any more."))
        await self._stage.recall(giveaway.guild_id)
        if winner.state == PENDING:
            role_ids = await self._roles_of_member(giveaway, winner, user_id)
        drawn = Winner(winner.id, user_id, winner.round, winner.position, role_ids)
        async with self._stage.database.write() as session:
            return await self._store_claim(session, drawn, winner.giveaway_id)

    async def _roles_of_member(
        self, giveaway: Giveaway, winner: GiveawayWinner, user_id: int
    ) -> frozenset[int]:
        """Return the roles of somebody who claims; raises where they are no member any more."""
        try:
            found = await self._stage.members.look_up(giveaway.guild_id, [user_id])
        except Retry as error:
            raise DiscordFailed(
                _("Discord does not say at the moment whether you are a member of the server."),
                hint=_("Press the button again in a minute."),
            ) from error
        if user_id not in found:
            raise _left(giveaway, self._stage.guild_name(giveaway.guild_id), winner.claim_until)
        return found[user_id].role_ids

    async def _store_claim(
        self, session: AsyncSession, winner: Winner, giveaway_id: UUID
    ) -> Claimed:
        giveaway = await table.get_giveaway(session, giveaway_id)
        if giveaway is None:
            raise NotFound(_("This giveaway is not there any more."))
        await self.rewarding.hold(session, giveaway, [winner.user_id])
        is_new = await table.claim_prize(session, winner.row_id, self._stage.clock.now())
        # Held until the code is handed over: nobody is drawn in their place at that moment.
        current = await table.get_winner(session, winner.row_id, lock=True)
        if current is None:
            raise NotFound(_("This giveaway is not there any more."))
        if current.state == REPLACED:
            raise Conflict(_("The host has drawn somebody else for this prize."))
        if current.state != WON:
            raise Conflict(_("The time to claim this prize is over: somebody else is drawn."))
        if is_new:
            await self._stage.jobs.cancel(session, f"{CLAIM_JOB}:{winner.row_id}")
            await self.rewarding.give(session, giveaway, [winner], strict=True)
            await self._stage.board.refresh(session, giveaway.id, giveaway.guild_id)
        code = await self._stage.vault.hand_over(session, giveaway.id, winner.row_id)
        return Claimed(
            giveaway,
            code,
            is_new,
            amount=await self.amount_of(giveaway),
            is_role_withheld=self.rewarding.is_role_withheld(giveaway),
            is_code_missing=code is None and await table.has_codes(session, giveaway.id),
        )

    async def amount_of(self, giveaway: Giveaway) -> Amount | None:
        """Return what each winner is given of the guild's currency, in words."""
        if giveaway.prize_amount is None:
            return None
        currency = await currency_of(self._stage.settings, giveaway.guild_id)
        return currency.amount(giveaway.prize_amount)

    async def claim_due(self, job: Job, session: AsyncSession) -> datetime | None:
        """Take back what was not claimed in time, and have somebody else drawn."""
        winner_id, now = int(job.dedupe_key.removeprefix(f"{CLAIM_JOB}:")), self._stage.clock.now()
        winner = await table.get_winner(session, winner_id)
        giveaway = await table.hold_giveaway(session, winner.giveaway_id) if winner else None
        if winner is None or giveaway is None or winner.state != PENDING:
            return None
        if (until := _made_up_for(giveaway, winner, now)) is not None:
            await self._give_longer(session, giveaway, now, until)
            return until
        # Each draw uses up one of the seeds that were committed to: what ran out at the same
        # moment is drawn at once.
        expired = await expire_claims(session, giveaway.id, now)
        if not expired:
            current = await table.get_winner(session, winner_id)
            return current.claim_until if current and current.state == PENDING else None
        for one in expired:
            if one.id != winner_id:
                await self._stage.jobs.cancel(session, f"{CLAIM_JOB}:{one.id}")
        if not await self._draw_again(session, giveaway, wanted=len(expired), by=None):
            await self._say_no_more(session, giveaway, expired)
        await self._stage.board.refresh(session, giveaway.id, giveaway.guild_id, at_once=True)
        return None

    async def _give_longer(
        self, session: AsyncSession, giveaway: Giveaway, now: datetime, until: datetime
    ) -> None:
        """Give winners time anew who could not claim because nobody was there, and tell them."""
        winners = await extend_claims(session, giveaway.id, now, until)
        people = [one.user_id for one in winners if one.user_id]
        if not people:
            return
        locale = await self._stage.locale(giveaway.guild_id)
        await self._stage.outbox.send(
            session,
            Delivery.message(
                giveaway.channel_id,
                longer_payload(giveaway, people, until, locale),
                dedupe_key=f"giveaways:longer:{winners[0].id}:{int(until.timestamp())}",
                guild_id=giveaway.guild_id,
                subject_id=people[0] if len(people) == 1 else None,
                expires_at=until,
            ),
        )

    async def _say_no_more(
        self, session: AsyncSession, giveaway: Giveaway, winners: Sequence[GiveawayWinner]
    ) -> None:
        """Say once of all of them that their prizes stay unclaimed."""
        locale = await self._stage.locale(giveaway.guild_id)
        people = [one.user_id for one in winners if one.user_id]
        await self._stage.outbox.send(
            session,
            Delivery.message(
                giveaway.channel_id,
                no_more_draws_payload(giveaway, people, locale),
                dedupe_key=f"giveaways:unclaimed:{winners[0].id}",
                guild_id=giveaway.guild_id,
                subject_id=people[0] if len(people) == 1 else None,
            ),
        )

    async def tell_of_codes(self, session: AsyncSession, giveaway_id: UUID) -> None:
        """Give winners a button for codes that came only after the draw; once, where none is."""
        giveaway = await table.get_giveaway(session, giveaway_id)
        if giveaway is None or giveaway.status != ENDED or giveaway.claim_seconds is not None:
            return
        winners = await table.list_winners(session, giveaway_id, (WON,))
        people = [one.user_id for one in winners if one.user_id]
        if not people:
            return
        locale = await self._stage.locale(giveaway.guild_id)
        await self._stage.outbox.send(
            session,
            Delivery.message(
                giveaway.channel_id,
                codes_payload(giveaway, people, locale),
                dedupe_key=f"giveaways:{giveaway_id}:codes",
                guild_id=giveaway.guild_id,
            ),
        )

    # --- drawing again -----------------------------------------------------------------------

    async def ensure_reroll(self, giveaway_id: UUID, user_id: int | None = None) -> None:
        """Raise what `reroll` would as things are now, before anybody is asked to confirm it."""
        async with self._stage.database.read() as session:
            giveaway = _ended(await table.get_giveaway(session, giveaway_id))
            winner = user_id and await table.find_winner(session, giveaway_id, user_id)
            if user_id and (not winner or winner.state not in (PENDING, WON)):
                raise _no_winner(user_id)
            if giveaway.rounds >= ROUNDS or not await has_left(session, giveaway_id):
                raise Conflict(_why_no_draw(giveaway))

    async def reroll(
        self,
        giveaway_id: UUID,
        *,
        by: int,
        count: int = 1,
        user_id: int | None = None,
        note: Note | None = None,
        seen: int | None = None,
    ) -> None:
        """Have so many further winners drawn, or one in the place of the winner `user_id`.

        Nobody who was drawn before is drawn again; `note` stores with it that it was ordered.
        With `seen` the giveaway has to have this revision still. Raises `NotFound` for somebody who
        has won nothing, `InvalidInput` for another number than 1 to 50, `Conflict` where no draw is
        possible or another revision was seen; then nothing is changed.
        """
        if not 1 <= count <= MOST_AT_ONCE:
            raise InvalidInput(
                _("1 to {most} winners can be drawn again at once.", most=MOST_AT_ONCE)
            )
        async with self._stage.database.write() as session:
            giveaway = _ended(await table.hold_giveaway(session, giveaway_id))
            if seen is not None and giveaway.revision != seen:
                raise Conflict(_("Somebody else has changed this giveaway meanwhile."))
            if user_id is not None:
                await self._take_back(session, giveaway, user_id)
            if not await self._draw_again(session, giveaway, wanted=count, by=by):
                raise Conflict(_why_no_draw(giveaway))
            await self._stage.board.refresh(session, giveaway.id, giveaway.guild_id)
            if note is not None:
                await note(session)

    async def _take_back(self, session: AsyncSession, giveaway: Giveaway, user_id: int) -> None:
        """Take the place and the role from a winner; money and experience stay theirs."""
        now = self._stage.clock.now()
        winner = await table.find_winner(session, giveaway.id, user_id, lock=True)
        was_given = winner is not None and winner.state == WON
        winner_id = await table.replace_winner(session, giveaway.id, user_id, now)
        if winner_id is None:
            raise _no_winner(user_id)
        await self._stage.jobs.cancel(session, f"{CLAIM_JOB}:{winner_id}")
        if was_given:
            await self.rewarding.take_role(session, giveaway, user_id)

    async def _draw_again(
        self, session: AsyncSession, giveaway: Giveaway, *, wanted: int, by: int | None
    ) -> bool:
        return await draw_again(
            self._stage, session, giveaway.id, giveaway.guild_id, wanted=wanted, by=by
        )


def _made_up_for(giveaway: Giveaway, winner: GiveawayWinner, now: datetime) -> datetime | None:
    """Return until when a prize can be claimed whose time ran out while the bot was away.

    For as long again as it was away since then, and no longer than the whole time to claim.
    """
    if winner.claim_until is None or (away := now - winner.claim_until) < _AWAY:
        return None
    whole = timedelta(seconds=giveaway.claim_seconds or 0)
    return now + min(max(away, SHORTEST_CLAIM), max(whole, SHORTEST_CLAIM))


def _ended(giveaway: Giveaway | None) -> Giveaway:
    if giveaway is None:
        raise NotFound(_("This giveaway is not there any more."))
    if giveaway.status != ENDED:
        raise Conflict(
            _("Only a giveaway that has ended can be drawn again."),
            hint=_("End it with /giveaway end."),
        )
    return giveaway


def _no_winner(user_id: int) -> NotFound:
    return NotFound(
        _("<@{user_id}> has no prize of this giveaway.", user_id=user_id),
        hint=_("Choose one of its winners, or leave the member out."),
    )


def _left(giveaway: Giveaway, guild_name: str, until: datetime | None) -> Denied:
    moment = int(until.timestamp()) if until else 0
    return Denied(
        _(
            "You are not in {guild} any more, and {prize} is for its members.",
            guild=escape_markdown(guild_name),
            prize=quote(giveaway.prize),
        ),
        hint=_("Join again by {when}, then press the button once more.", when=f"<t:{moment}:f>"),
    )


def _why_no_draw(giveaway: Giveaway) -> Message:
    if giveaway.rounds >= ROUNDS:
        return _("This giveaway has had all its {most} draws.", most=ROUNDS)
    return _("Everybody who entered has been drawn already.")
