"""The proof of a draw, as it is made from the tables."""

from __future__ import annotations

import gzip
import json
import uuid

import pytest

from cogs.giveaways import proof as proof_module
from cogs.giveaways.proof import Proofs
from cogs.giveaways.verify import check_proof, digest_of
from db import giveaway_proofs
from db.engine import Database
from db.people import erase_person
from tests.cogs.giveaways.rows import GUILD, add_drawn, make_entry, make_giveaway

USERS = {user_id: 1 + user_id % 3 for user_id in range(1, 31)}
UNKNOWN = uuid.UUID(int=99)


async def test_proof_of_a_draw_holds(database: Database) -> None:
    giveaway = make_giveaway()
    async with database.write() as session:
        await add_drawn(session, giveaway, USERS)
    proof = await Proofs(database).make(GUILD, giveaway.id, 7)

    assert proof is not None
    assert proof.file is not None
    assert (proof.fault, proof.entries, proof.passed_over) == (None, 30, 1)
    assert check_proof(json.loads(proof.file))
    assert proof.own is not None
    assert proof.own.digest == digest_of(giveaway.id, 7, proof.own.salt or "")


async def test_proof_holds_and_names_nobody_whose_data_was_erased(database: Database) -> None:
    giveaway = make_giveaway()
    async with database.write() as session:
        winners = await add_drawn(session, giveaway, USERS)
        erased = winners[1].user_id
        assert erased is not None
        await erase_person(session, erased)
    proof = await Proofs(database).make(GUILD, giveaway.id, erased)

    assert proof is not None
    assert proof.file is not None
    assert (proof.fault, proof.own) == (None, None)
    named = [one.get("user_id") for one in json.loads(proof.file)["entries"]]
    assert str(erased) not in named
    assert named.count(None) == 1


async def test_changed_entry_is_found_out(database: Database) -> None:
    giveaway = make_giveaway()
    async with database.write() as session:
        await add_drawn(session, giveaway, USERS)
        session.add(make_entry(giveaway, 999))
    proof = await Proofs(database).make(GUILD, giveaway.id, 1)

    assert proof is not None
    assert proof.fault is not None
    assert "root" in proof.fault


async def test_nothing_secret_is_told_before_the_draw(database: Database) -> None:
    giveaway = make_giveaway(status="active")
    async with database.write() as session:
        session.add_all([giveaway, make_entry(giveaway, 1)])
    proof = await Proofs(database).make(GUILD, giveaway.id, 1)

    assert proof is not None
    assert (proof.file, tuple(proof.rounds)) == (None, ())
    assert proof.own is not None


async def test_giveaway_of_another_guild_has_no_proof(database: Database) -> None:
    giveaway = make_giveaway()
    async with database.write() as session:
        session.add(giveaway)

    assert await Proofs(database).make(GUILD + 1, giveaway.id, 1) is None
    assert await Proofs(database).make(GUILD, UNKNOWN, 1) is None


async def test_a_large_proof_is_compressed_and_pages_are_whole(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof_module, "LARGEST_PLAIN", 100)
    monkeypatch.setattr(proof_module, "_AT_ONCE", 7)
    monkeypatch.setattr(giveaway_proofs, "_PAGE", 7)
    giveaway = make_giveaway()
    async with sqlite_database.write() as session:
        await add_drawn(session, giveaway, USERS)
    proof = await Proofs(sqlite_database).make(GUILD, giveaway.id, 7)

    assert proof is not None
    assert proof.file is not None
    assert proof.filename.endswith(".json.gz")
    told = json.loads(gzip.decompress(proof.file))
    assert len(told["entries"]) == 30
    assert check_proof(told)
    assert {one["state"] for one in told["rounds"][0]["drawn"]} <= {"won", "skipped", "pending"}
