"""Proofs as the bot hands them out, made without a database."""

from __future__ import annotations

from itertools import islice
from typing import Any

from cogs.giveaways import verify

ID = "6b0b4a5e-5f2c-4c55-8a53-6f6ad4c7a001"
TIP = "7f" * 32


def make_entries(count: int) -> list[dict[str, Any]]:
    entries = []
    for user_id in range(1, count + 1):
        salt = f"{user_id:032x}"
        digest = verify.digest_of(ID, user_id, salt)
        entries.append(
            {
                "user_id": str(user_id),
                "salt": salt,
                "digest": digest,
                "weight": 1 + user_id % 3,
            }
        )
    return entries


def make_proof(*, entrants: int = 20, rounds: int = 2, passed_over: int = 1) -> dict[str, Any]:
    """Make a proof as a giveaway with two winners a round would, the first drawn passed over."""
    entries = make_entries(entrants)
    weighted = [(one["digest"], one["weight"]) for one in entries]
    root, drawn, told = verify.entries_root(weighted), [], []
    for number in range(rounds):
        seed = verify.seed_of(TIP, number)
        order = verify.draw_order(seed, ID, number, root, weighted, drawn)
        found = list(islice(order, 2 + passed_over))
        drawn += found
        told.append(
            {
                "round": number,
                "seed": seed,
                "entries_root": root,
                "wanted": 2,
                "drawn": [
                    {"digest": digest, "passed_over": "left" if place < passed_over else None}
                    for place, digest in enumerate(found)
                ],
            }
        )
    return {
        "format": verify.FORMAT,
        "giveaway_id": ID,
        "commitment": verify.commitment_of(TIP),
        "entries": entries,
        "rounds": told,
    }
