"""A giveaway's proof: what `/giveaway verify` says and what its file holds; free of discord.py."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cogs.giveaways.verify import FORMAT, GZIP, ProofError, check_proof
from db import giveaway_proofs as table
from db.giveaways import REPLACED, SKIPPED

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from db.giveaway_proofs import EntryLine
    from db.giveaways import Giveaway, GiveawayRound, GiveawayWinner


# Discord takes ten megabytes from a bot: https://discord.com/developers/docs/reference#uploading-files
LARGEST_PLAIN = 8_000_000
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof with its file, and what is wrong with it, `None` when it holds.

    `own` is the entry of whoever asks, `winners` all whose prize a draw made theirs, in the order
    of drawing; `None` is somebody who was erased. Without `rounds` nothing is drawn yet: then there
    is no file, only what was published so far.
    """

    giveaway: Giveaway
    rounds: Sequence[GiveawayRound]
    own: EntryLine | None
    winners: Sequence[int | None] = ()
    entries: int = 0
    passed_over: int = 0
    replaced: int = 0
    file: bytes | None = None
    fault: str | None = None

    @property
    def filename(self) -> str:
        """The name of the file."""
        name = f"giveaway-{self.giveaway.number}.json"
        return f"{name}.gz" if self.file and self.file.startswith(GZIP) else name


class Proofs:
    """Makes the proofs of giveaways and checks them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # One at a time: each holds all entries in memory and works a thread.
        self._turn = asyncio.Semaphore(1)

    async def make(self, guild_id: int, giveaway_id: UUID, user_id: int) -> Proof | None:
        """Return the proof of a guild's giveaway, checked, as one person sees it."""
        async with self._turn:
            return await self._make(guild_id, giveaway_id, user_id)

    async def _make(self, guild_id: int, giveaway_id: UUID, user_id: int) -> Proof | None:
        async with self._database.read() as session:
            giveaway = await table.get_giveaway(session, guild_id, giveaway_id)
            if giveaway is None:
                return None
            own = await table.get_entry_line(session, giveaway_id, user_id)
            rounds = await table.list_drawn_rounds(session, giveaway_id)
            if not rounds:
                return Proof(giveaway, (), own)
            entries = await table.list_entry_lines(session, giveaway_id)
            drawn = await table.list_drawn(session, giveaway_id)
        told = {one.round for one in rounds}
        drawn = [one for one in drawn if one.round in told]
        # 100,000 entries take seconds.
        file, fault = await asyncio.to_thread(_write, giveaway, entries, rounds, drawn)
        passed_over = sum(one.state == SKIPPED for one in drawn)
        replaced = sum(one.state == REPLACED for one in drawn)
        return Proof(
            giveaway,
            rounds,
            own,
            winners=[one.user_id for one in drawn if one.state != SKIPPED],
            entries=len(entries),
            passed_over=passed_over,
            replaced=replaced,
            file=file,
            fault=fault,
        )


def _write(
    giveaway: Giveaway,
    entries: Sequence[EntryLine],
    rounds: Sequence[GiveawayRound],
    drawn: Sequence[GiveawayWinner],
) -> tuple[bytes, str | None]:
    proof = proof_of(giveaway, entries, rounds, drawn)
    try:
        check_proof(proof)
    except ProofError as error:
        fault = str(error)
    else:
        fault = None
    return _encode(proof), fault


def _encode(proof: dict[str, Any]) -> bytes:
    """Return the proof as JSON, compressed when it would not fit into an upload."""
    entries = proof.pop("entries")
    # In parts: one call of the encoder would keep every other thread waiting until its end.
    parts = [_dump(entries[at : at + _AT_ONCE])[1:-1] for at in range(0, len(entries), _AT_ONCE)]
    text = f'{_dump(proof)[:-1]},"entries":[{",".join(parts)}]}}'
    data = text.encode()
    return gzip.compress(data, 6) if len(data) > LARGEST_PLAIN else data


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def proof_of(
    giveaway: Giveaway,
    entries: Sequence[EntryLine],
    rounds: Sequence[GiveawayRound],
    drawn: Sequence[GiveawayWinner],
) -> dict[str, Any]:
    """Return the proof as `cogs.giveaways.verify` reads it; entries are in the order of digests."""
    return {
        "format": FORMAT,
        "giveaway_id": str(giveaway.id),
        "guild_id": str(giveaway.guild_id),
        "number": giveaway.number,
        "prize": giveaway.prize,
        "commitment": giveaway.commitment,
        "rounds": [
            {
                "round": one.round,
                "seed": one.seed,
                "entries_root": one.entries_root,
                "wanted": one.wanted,
                "requested_by": str(one.requested_by) if one.requested_by else None,
                "drawn": [_drawn(winner) for winner in drawn if winner.round == one.round],
            }
            for one in rounds
        ],
        "entries": [_entry(one) for one in sorted(entries, key=lambda one: one.digest)],
    }


def _drawn(winner: GiveawayWinner) -> Mapping[str, Any]:
    passed_over = winner.reason or "not eligible" if winner.state == SKIPPED else None
    return {"digest": winner.digest, "passed_over": passed_over, "state": winner.state}


def _entry(entry: EntryLine) -> Mapping[str, Any]:
    # What a person and a salt give is left out, so that 100,000 entries fit into one upload.
    if entry.user_id is None or entry.salt is None:
        return {"digest": entry.digest, "weight": entry.weight}
    return {"user_id": str(entry.user_id), "salt": entry.salt, "weight": entry.weight}
