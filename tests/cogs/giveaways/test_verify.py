"""The draw is fair, and a proof holds exactly when nothing in it was changed."""

from __future__ import annotations

import copy
import gzip
import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.giveaways import verify
from tests.cogs.giveaways.proofs import ID, TIP, make_proof

ROOT = "ab" * 32
FILE = Path(verify.__file__)


def order_of(
    seed_number: int, entries: list[tuple[str, int]], excluded: tuple[str, ...] = ()
) -> list[str]:
    seed = f"{seed_number:064x}"
    return list(verify.draw_order(seed, ID, 0, ROOT, entries, excluded))


# --- seeds ---------------------------------------------------------------------------------------


def test_seeds_of_all_rounds_are_committed_to() -> None:
    commitment = verify.commitment_of(TIP)
    seeds = [verify.seed_of(TIP, number) for number in range(verify.ROUNDS)]

    assert seeds[-1] == TIP
    assert len(set(seeds)) == verify.ROUNDS
    assert all(verify.is_committed(seed, at, commitment) for at, seed in enumerate(seeds))
    assert not any(
        verify.is_committed(seed, at, commitment) for at, (_, seed) in enumerate(pairwise(seeds))
    )


@pytest.mark.parametrize("number", [-1, verify.ROUNDS])
def test_seed_beyond_the_chain_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="rounds"):
        verify.seed_of(TIP, number)


def test_tips_and_salts_are_not_repeated() -> None:
    assert len({verify.make_tip() for _ in range(100)}) == 100
    assert len({verify.make_salt() for _ in range(100)}) == 100


# --- the draw ------------------------------------------------------------------------------------


@given(st.dictionaries(st.text("0123456789abcdef", min_size=1), st.integers(1, 2**40), max_size=40))
def test_order_holds_each_entry_once_whatever_order_they_came_in(weights: dict[str, int]) -> None:
    entries = list(weights.items())

    order = order_of(1, entries)

    assert sorted(order) == sorted(weights)
    assert order == order_of(1, entries[::-1])


@given(st.integers(0, 2**64 - 1), st.integers(1, 30))
def test_excluded_are_never_drawn(seed: int, count: int) -> None:
    entries = [(f"{one:02}", 1 + one % 4) for one in range(count)]
    excluded = tuple(digest for digest, _ in entries[::2])

    assert sorted(order_of(seed, entries, excluded)) == [digest for digest, _ in entries[1::2]]


def test_draw_depends_on_all_that_it_names() -> None:
    entries = [(f"{one:03}", 1) for one in range(200)]
    base: dict[str, Any] = {
        "seed": "00" * 32,
        "giveaway_id": ID,
        "round_number": 0,
        "root": ROOT,
    }
    others = {"seed": "01" * 32, "giveaway_id": ID[:-1] + "2", "round_number": 1, "root": "ac" * 32}
    orders = {tuple(verify.draw_order(**base, entries=entries))}
    for name, other in others.items():
        orders.add(tuple(verify.draw_order(**{**base, name: other}, entries=entries)))

    assert len(orders) == 5


@pytest.mark.parametrize("weight", [0, -1])
def test_weight_below_one_is_refused(weight: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        order_of(1, [("a", weight)])


def _chi_squared(counts: Counter[str], expected: dict[str, float]) -> float:
    return sum((counts[key] - value) ** 2 / value for key, value in expected.items())


def test_every_entry_is_as_likely_as_every_other() -> None:
    """Chi-squared over 50 entries: 49 degrees of freedom, 85.35 at a chance of one in a thousand.

    The seeds are fixed, so that this says the same at each run.
    """
    entries = [(f"{one:02}", 1) for one in range(50)]
    draws = 10_000
    first = Counter(
        next(verify.draw_order(f"{seed:064x}", ID, 0, ROOT, entries)) for seed in range(draws)
    )

    assert _chi_squared(first, dict.fromkeys([d for d, _ in entries], draws / 50)) < 85.35


def test_second_place_is_as_likely_for_every_entry() -> None:
    entries = [(f"{one:02}", 1) for one in range(20)]
    draws = 10_000
    second = Counter(order_of(seed, entries)[1] for seed in range(draws))

    # 19 degrees of freedom.
    assert _chi_squared(second, dict.fromkeys([d for d, _ in entries], draws / 20)) < 43.82


def test_chances_go_by_weight() -> None:
    weights = {"a": 1, "b": 2, "c": 3, "d": 10, "e": 4}
    entries, draws = list(weights.items()), 20_000
    orders = [order_of(seed, entries) for seed in range(draws)]
    first = Counter(order[0] for order in orders)
    total = sum(weights.values())

    # 4 degrees of freedom.
    assert _chi_squared(first, {k: draws * w / total for k, w in weights.items()}) < 18.47
    # Without replacement: given that "d" came first, "c" is next with 3 of the 10 that are left.
    after = [order[1] for order in orders if order[0] == "d"]
    share = after.count("c") / len(after)
    assert abs(share - 0.3) < 4 * sqrt(0.3 * 0.7 / len(after))


def test_last_entry_can_win() -> None:
    """The commonest fault of draws: an upper bound that leaves the last entry out."""
    entries = [("a", 1), ("b", 1)]
    winners = Counter(order_of(seed, entries)[0] for seed in range(400))

    assert 150 < winners["a"] < 250
    assert 150 < winners["b"] < 250


# --- the proof -----------------------------------------------------------------------------------


@pytest.mark.parametrize("passed_over", [0, 1])
def test_honest_proof_holds(passed_over: int) -> None:
    lines = verify.check_proof(make_proof(passed_over=passed_over))

    assert lines[0].startswith("20 entries")
    assert len(lines) == 1 + 2 * 3


def test_proof_holds_after_people_were_erased() -> None:
    proof = make_proof()
    for one in proof["entries"][::2]:
        del one["user_id"], one["salt"]
    for one in proof["entries"][1::2]:
        # What a person and a salt give need not be written down.
        del one["digest"]

    assert "10 of persons whose data was erased" in verify.check_proof(proof)[0]


def test_proof_of_nobody_holds() -> None:
    proof = make_proof(entrants=0, rounds=1)

    assert verify.check_proof(proof)


def test_proof_of_too_few_entrants_holds() -> None:
    assert verify.check_proof(make_proof(entrants=1, rounds=1, passed_over=0))


def _forge(proof: dict[str, Any], *, kind: str) -> None:
    first = proof["rounds"][0]
    if kind == "another winner":
        others = {one["digest"] for one in proof["entries"]} - {
            one["digest"] for one in first["drawn"]
        }
        first["drawn"][-1]["digest"] = min(others)
    elif kind == "a later seed":
        first["seed"] = proof["rounds"][1]["seed"]
    elif kind == "an entry more":
        proof["entries"].append({"digest": "00" * 32, "weight": 9, "user_id": None})
    elif kind == "an entry twice":
        proof["entries"].append(proof["entries"][0])
    elif kind == "another weight":
        proof["entries"][0]["weight"] += 1
    elif kind == "another person":
        proof["entries"][0]["user_id"] = "999"
    elif kind == "too few winners":
        first["drawn"].pop()
    elif kind == "too many winners":
        first["wanted"] = 1
    elif kind == "a round left out":
        proof["rounds"].pop(0)
    elif kind == "another commitment":
        proof["commitment"] = "00" * 32
    elif kind == "places changed":
        first["drawn"].reverse()


@pytest.mark.parametrize(
    "kind",
    [
        "another winner",
        "a later seed",
        "an entry more",
        "an entry twice",
        "another weight",
        "another person",
        "too few winners",
        "too many winners",
        "a round left out",
        "another commitment",
        "places changed",
    ],
)
def test_forged_proof_does_not_hold(kind: str) -> None:
    proof = make_proof()
    _forge(proof, kind=kind)

    with pytest.raises(verify.ProofError):
        verify.check_proof(proof)


@pytest.mark.parametrize("kind", ["the last draw left out", "fewer winners wanted", "passed over"])
def test_what_no_file_can_show_is_said(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it was published before the winners: who has the announcements can compare."""
    proof = make_proof()
    first = proof["rounds"][0]
    if kind == "the last draw left out":
        proof["rounds"].pop()
    else:
        del proof["rounds"][1:]
        first["wanted"] -= 1
        if kind == "passed over":
            first["drawn"][1]["passed_over"] = "left"
        else:
            first["drawn"].pop()
    path = tmp_path / "giveaway-1.json"
    path.write_text(json.dumps(proof), encoding="utf-8")
    assert verify.main([str(path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for part in ("how many winners were wanted", "who was passed over", "whether more was drawn"):
        assert part in said


# --- the command ---------------------------------------------------------------------------------


def test_script_alone_checks_a_file_with_nothing_but_python(tmp_path: Path) -> None:
    """Isolated, without site-packages: the file needs the standard library and nothing else."""
    good, forged = tmp_path / "good.json", tmp_path / "forged.json"
    proof = make_proof()
    good.write_text(json.dumps(proof))
    wrong = copy.deepcopy(proof)
    _forge(wrong, kind="another weight")
    forged.write_text(json.dumps(wrong))
    command = [sys.executable, "-I", "-S", str(FILE)]

    right = subprocess.run([*command, str(good)], capture_output=True, text=True, check=False)
    bad = subprocess.run([*command, str(forged)], capture_output=True, text=True, check=False)

    assert (right.returncode, right.stderr) == (0, "")
    assert proof["commitment"] in right.stdout
    assert bad.returncode == 1
    assert bad.stderr.startswith("WRONG: ")


def test_module_loads_the_standard_library_only(tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps(make_proof()))

    done = subprocess.run(
        [sys.executable, "-S", "-m", "cogs.giveaways.verify", str(proof)],
        cwd=FILE.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_file_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, broken = tmp_path / "none.json", tmp_path / "broken.json"
    broken.write_text("{")

    assert verify.main([str(missing)]) == 2
    assert verify.main([str(broken)]) == 2
    assert "can't be read" in capsys.readouterr().err


def test_a_compressed_file_is_checked_and_its_root_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = make_proof()
    path = tmp_path / "giveaway-1.json.gz"
    path.write_bytes(gzip.compress(json.dumps(proof).encode()))
    assert verify.main([str(path)]) == 0
    said = capsys.readouterr().out
    assert proof["commitment"] in said
    assert proof["rounds"][0]["entries_root"] in said
    path.write_bytes(path.read_bytes()[:-20])
    assert verify.main([str(path)]) == 2


def test_a_damaged_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "giveaway-1.json.gz"
    data = bytearray(gzip.compress(json.dumps(make_proof()).encode()))
    for at in range(10, len(data), 7):
        path.write_bytes(data[:at] + b"\xff\x00\xff" + data[at + 3 :])
        assert verify.main([str(path)]) == 2, at
    assert "can't be read" in capsys.readouterr().err


def test_what_it_says_can_be_written_in_any_encoding(tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(make_proof()))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "utf8=0", str(FILE), str(path)],
        env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
