"""How winners are drawn, and how anybody checks it: `python -m cogs.giveaways.verify FILE`.

Standard library only, so that the proof of a draw can be checked offline, with this file alone.

- **Commitment.** A chain of `ROUNDS` seeds is made from a random tip: each seed is the SHA-256 of
  the one after it. The SHA-256 of the first is published when the giveaway starts. Round 0 uses
  the first seed, each further draw the next one, which nobody can tell from those before it.
- **Entries.** An entry is the SHA-256 of giveaway, person and salt, with its weight. The SHA-256 of
  the sorted list, the root, is published when the entries close, before the seed is. The file names
  a person and salt for each entry; where the person's data was erased, only the digest.
- **Draw.** HMAC-SHA256 with the seed as its key over giveaway, round, root and a counter gives
  numbers of 64 bits. One below the largest multiple of the total weight is taken modulo that weight
  (others are rejected, so that no entry is favoured), and falls on one entry, which then leaves the
  list. Whoever may not win is passed over, and the proof says who and why.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import hmac
import json
import secrets
import sys
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

# How a compressed file begins.
GZIP = b"\x1f\x8b"
FORMAT = "pegasus-giveaway-1"
# How many draws, rerolls included, one giveaway has seeds for.
ROUNDS = 100
_WORD = 2**64
_HEX = frozenset("0123456789abcdef")


def make_tip() -> str:
    """Return a new secret end of a chain of seeds, as hexadecimal digits."""
    return secrets.token_hex(32)


def make_salt() -> str:
    """Return what keeps an entry's digest from telling whose it is."""
    return secrets.token_hex(16)


def seed_of(tip: str, round_number: int) -> str:
    """Return the seed of a round, counted from 0, of the chain that ends in `tip`.

    Raises `ValueError` for a round that the chain is too short for.
    """
    if not 0 <= round_number < ROUNDS:
        raise ValueError(f"a giveaway has {ROUNDS} rounds, counted from 0, not {round_number}")
    seed = tip
    for _step in range(ROUNDS - 1 - round_number):
        seed = _sha256(bytes.fromhex(seed))
    return seed


def commitment_of(tip: str) -> str:
    """Return what is published when a giveaway starts."""
    return _sha256(bytes.fromhex(seed_of(tip, 0)))


def is_committed(seed: str, round_number: int, commitment: str) -> bool:
    """Tell whether a seed is the one of its round in the chain that was committed to."""
    found = seed
    for _step in range(round_number + 1):
        found = _sha256(bytes.fromhex(found))
    return hmac.compare_digest(found, commitment)


def digest_of(giveaway_id: UUID | str, user_id: int | str, salt: str) -> str:
    """Return what stands for a person's entry in the list."""
    return _sha256(f"{giveaway_id}:{user_id}:{salt}".encode())


def entries_root(entries: Iterable[tuple[str, int]]) -> str:
    """Return the root of a list of digests with their weights, in whatever order they come."""
    root = hashlib.sha256()
    for digest, weight in sorted(entries):
        root.update(f"{digest}:{weight}\n".encode())
    return root.hexdigest()


def draw_order(  # noqa: PLR0917 - what the result depends on, and nothing else
    seed: str,
    giveaway_id: UUID | str,
    round_number: int,
    root: str,
    entries: Iterable[tuple[str, int]],
    excluded: Collection[str] = (),
) -> Iterator[str]:
    """Yield the digests in the order in which they are drawn, each once, until none is left.

    Each draw falls on an entry with a chance of its weight over the weight of those that are left
    (rejection sampling). `excluded` are those of earlier rounds. Raises `ValueError` for a weight
    below one, and for weights of more than 2^64 together.
    """
    gone = frozenset(excluded)
    left = sorted(entry for entry in entries if entry[0] not in gone)
    if any(weight < 1 for _, weight in left):
        raise ValueError("an entry weighs at least 1")
    drawing = _Drawing([weight for _, weight in left])
    if drawing.total > _WORD:
        raise ValueError("all entries together weigh more than a number of 64 bits can choose from")
    numbers = _numbers(seed, f"{giveaway_id}|{round_number}|{root}")
    while drawing.total:
        yield left[drawing.take(_below(drawing.total, numbers))][0]


class _Drawing:
    """Weights in a Fenwick tree: an entry is found and removed in logarithmic time.

    P. M. Fenwick, "A new data structure for cumulative frequency tables" (1994).
    """

    def __init__(self, weights: Sequence[int]) -> None:
        self.total = sum(weights)
        self._weights = list(weights)
        self._sums = [0, *weights]
        for at in range(1, len(self._sums)):
            parent = at + (at & -at)
            if parent < len(self._sums):
                self._sums[parent] += self._sums[at]
        self._highest = 1 << max(len(weights).bit_length() - 1, 0)

    def take(self, point: int) -> int:
        """Remove the entry on which a point of 0 to `total` - 1 falls, and return its index."""
        at, step = 0, self._highest
        while step:
            if at + step < len(self._sums) and self._sums[at + step] <= point:
                at += step
                point -= self._sums[at]
            step >>= 1
        weight = self._weights[at]
        self.total -= weight
        above = at + 1
        while above < len(self._sums):
            self._sums[above] -= weight
            above += above & -above
        return at


def _numbers(seed: str, message: str) -> Iterator[int]:
    """Yield numbers of 64 bits, four from each HMAC."""
    key, counter = bytes.fromhex(seed), 0
    while True:
        block = hmac.digest(key, f"{message}|{counter}".encode(), "sha256")
        for start in range(0, len(block), 8):
            yield int.from_bytes(block[start : start + 8], "big")
        counter += 1


def _below(bound: int, numbers: Iterator[int]) -> int:
    """Return a number of 0 to `bound` - 1, each as likely as the others."""
    limit = _WORD - _WORD % bound
    return next(number for number in numbers if number < limit) % bound


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- checking a proof ----------------------------------------------------------------------------


class ProofError(Exception):
    """The proof does not hold; the text says what is wrong, in English."""


def check_proof(proof: Mapping[str, Any]) -> list[str]:
    """Check a proof whole and return a line for each thing that was found right.

    Raises `ProofError` at the first thing that is wrong.
    """
    try:
        return _check(proof)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProofError(f"the file is no proof of a giveaway ({error})") from error


def _check(proof: Mapping[str, Any]) -> list[str]:
    if proof["format"] != FORMAT:
        raise ProofError(f"the format {proof['format']!r} is not known, only {FORMAT}")
    giveaway_id, commitment = proof["giveaway_id"], proof["commitment"]
    if str(UUID(giveaway_id)) != giveaway_id:
        raise ProofError(f"{giveaway_id!r} is not how the number of a giveaway is written")
    if not proof["rounds"]:
        raise ProofError("the file holds no draw")
    entries, people = _read_entries(giveaway_id, proof["entries"])
    erased = len(entries) - len(people)
    lines = [f"{len(entries)} entries, each once; {erased} of persons whose data was erased"]
    drawn: list[str] = []
    for number, one in enumerate(proof["rounds"]):
        if one["round"] != number:
            raise ProofError(f"round {number} is missing")
        lines += _check_round(giveaway_id, commitment, entries, one, drawn)
        lines[-1] += _names_of(one["drawn"], people)
        drawn += [winner["digest"] for winner in one["drawn"]]
    return lines


def _read_entries(
    giveaway_id: str, listed: Iterable[Mapping[str, Any]]
) -> tuple[list[tuple[str, int]], dict[str, str]]:
    """Return the digests with their weights, and whose they are where the file names a person.

    Raises `ProofError` for what the bot never writes: a root says nothing of a list that may be
    read in two ways.
    """
    entries: list[tuple[str, int]] = []
    people: dict[str, str] = {}
    for one in listed:
        user_id, weight = one.get("user_id"), one["weight"]
        digest = one["digest"] if user_id is None else digest_of(giveaway_id, user_id, one["salt"])
        if one.get("digest", digest) != digest:
            raise ProofError(f"the entry of {user_id!r} has a digest that is not theirs")
        if not isinstance(digest, str) or len(digest) != 64 or not _HEX.issuperset(digest):
            raise ProofError(f"{digest!r} is no digest")
        if type(weight) is not int or weight < 1:
            raise ProofError(f"an entry weighs {weight!r}, which is no number of at least 1")
        if user_id is not None:
            if not isinstance(user_id, str) or str(int(user_id)) != user_id:
                raise ProofError(f"{user_id!r} is no person")
            people[digest] = user_id
        entries.append((digest, weight))
    if len({digest for digest, _ in entries}) != len(entries):
        raise ProofError("an entry is in the list twice")
    if len(set(people.values())) != len(people):
        raise ProofError("a person is in the list twice")
    return entries, people


def _check_round(
    giveaway_id: str,
    commitment: str,
    entries: Sequence[tuple[str, int]],
    one: Mapping[str, Any],
    earlier: Collection[str],
) -> list[str]:
    number, seed, root = one["round"], one["seed"], one["entries_root"]
    if not is_committed(seed, number, commitment):
        raise ProofError(f"round {number}: the seed is not the one committed to at the start")
    if entries_root(entries) != root:
        raise ProofError(f"round {number}: the entries don't have the root that it was drawn from")
    order = draw_order(seed, giveaway_id, number, root, entries, earlier)
    won = _check_drawn(order, one)
    over = len(one["drawn"]) - won
    found = f"exactly these {won} winners of {one['wanted']} wanted, {over} passed over"
    return [
        f"round {number}: the seed is the one committed to at the start",
        f"round {number}: the entries have the root {root}",
        f"round {number}: the draw gives {found}",
    ]


def _check_drawn(order: Iterator[str], one: Mapping[str, Any]) -> int:
    """Compare who was drawn with the order of drawing; return how many of them have won."""
    number, wanted, won = one["round"], one["wanted"], 0
    if type(wanted) is not int or wanted < 1:
        raise ProofError(f"round {number}: {wanted!r} winners can't have been wanted")
    for place, winner in enumerate(one["drawn"]):
        if won == wanted:
            raise ProofError(f"round {number}: more were drawn than needed for {wanted} winners")
        if winner["digest"] != next(order, None):
            raise ProofError(f"round {number}: the draw gives somebody else at place {place + 1}")
        reason = winner.get("passed_over")
        if reason is not None and not (isinstance(reason, str) and _is_plain(reason)):
            raise ProofError(f"round {number}: {reason!r} is no reason to pass somebody over")
        won += reason is None
    if won < wanted and next(order, None) is not None:
        raise ProofError(f"round {number}: entries were left, and too few winners were drawn")
    return won


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text)


def _names_of(drawn: Sequence[Mapping[str, Any]], people: Mapping[str, str]) -> str:
    """Return who was drawn, in their order, to compare with what was announced."""
    names = []
    for one in drawn:
        name = people.get(one["digest"], f"somebody erased ({one['digest'][:8]})")
        reason = one.get("passed_over")
        names.append(name if reason is None else f"{name} (passed over: {reason})")
    return f": {', '.join(names)}" if names else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the proof in a file; return 0 when it holds, 1 when it does not, 2 without one."""
    parser = argparse.ArgumentParser(
        prog="python -m cogs.giveaways.verify", description="Checks the proof of a giveaway's draw."
    )
    parser.add_argument("file", help="the proof, as /giveaway verify hands it out")
    path = parser.parse_args(arguments).file
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - this file stands alone
            data = file.read()
        proof = json.loads(gzip.decompress(data) if data.startswith(GZIP) else data)
        lines = check_proof(proof)
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        print(f"{path} can't be read: {error}", file=sys.stderr)
        return 2
    except ProofError as error:
        print(f"WRONG: {error}", file=sys.stderr)
        return 1
    for line in lines:
        print(f"right: {line}")
    print(
        "What this file can't show is that nobody made it up afterwards. Compare it yourself with"
    )
    print("the message with a lock that the bot posted when the entries closed, before the winners")
    print("were known; if there is none, nothing shows that:")
    print(f"  giveaway   {proof['giveaway_id']}")
    print(f"  commitment {proof['commitment']}")
    for root in dict.fromkeys(one["entries_root"] for one in proof["rounds"]):
        print(f"  list       {root}")
    print("Nor can it show how many winners were wanted, who was passed over and why,")
    print("whether more was drawn later, or what the prize was: compare that with what was")
    print("announced.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
