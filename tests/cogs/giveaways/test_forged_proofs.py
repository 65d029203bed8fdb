"""Proofs that were made up, such that seed and list are those that were published."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from cogs.giveaways import verify
from tests.cogs.giveaways.proofs import ID, make_proof


def _redraw(proof: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """Draw the first round anew from what the file lists now; the root has to be as it was."""
    first = proof["rounds"][0]
    weighted = [(one["digest"], one["weight"]) for one in proof["entries"]]
    giveaway_id = changed.pop("giveaway_id", ID)
    order = verify.draw_order(first["seed"], giveaway_id, 0, first["entries_root"], weighted)
    assert verify.entries_root(weighted) == first["entries_root"]
    found = list(islice(order, 2))
    first["drawn"] = [{"digest": one, "passed_over": None} for one in found]
    return proof


def _anonymous(proof: dict[str, Any]) -> dict[str, Any]:
    for one in proof["entries"]:
        del one["user_id"], one["salt"]
    return proof


def test_two_entries_that_are_written_as_one_are_refused() -> None:
    """Their lines give the same root, and another draw."""
    proof = _anonymous(make_proof(rounds=1))
    first, second, *others = sorted(proof["entries"], key=lambda one: str(one["digest"]))
    line = f"{first['digest']}:{first['weight']}\n{second['digest']}"
    proof["entries"] = [{"digest": line, "weight": second["weight"]}, *others]

    with pytest.raises(verify.ProofError, match="is no digest"):
        verify.check_proof(_redraw(proof))


def test_another_giveaway_is_refused_or_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where all are erased nothing but the draw depends on the giveaway's number."""
    proof = _anonymous(make_proof(rounds=1))
    proof["giveaway_id"] = "x"
    with pytest.raises(verify.ProofError):
        verify.check_proof(_redraw(proof, giveaway_id="x"))

    proof["giveaway_id"] = other = ID[:-1] + "2"
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(_redraw(proof, giveaway_id=other)))
    assert verify.main([str(path)]) == 0
    assert f"giveaway   {other}" in capsys.readouterr().out


def test_a_person_who_is_in_twice_is_refused() -> None:
    proof = make_proof(rounds=1)
    twice = proof["entries"][0]
    twice["user_id"] = proof["entries"][1]["user_id"]
    twice["digest"] = verify.digest_of(ID, twice["user_id"], twice["salt"])
    weighted = [(one["digest"], one["weight"]) for one in proof["entries"]]
    proof["rounds"][0]["entries_root"] = verify.entries_root(weighted)

    with pytest.raises(verify.ProofError, match="a person is in the list twice"):
        verify.check_proof(_redraw(proof))


@pytest.mark.parametrize("wanted", [0, float("nan"), 0.5, True, None, "2"])
def test_a_number_of_winners_that_is_none_is_refused(wanted: Any) -> None:
    proof = make_proof(rounds=1)
    proof["rounds"][0] |= {"wanted": wanted, "drawn": []}

    with pytest.raises(verify.ProofError):
        verify.check_proof(proof)


def test_who_was_drawn_after_enough_had_won_is_refused() -> None:
    """They would be left out of later rounds."""
    proof = make_proof(rounds=1)
    first = proof["rounds"][0]
    weighted = [(one["digest"], one["weight"]) for one in proof["entries"]]
    order = list(verify.draw_order(first["seed"], ID, 0, first["entries_root"], weighted))
    first["drawn"].append({"digest": order[3], "passed_over": "left"})

    with pytest.raises(verify.ProofError, match="more were drawn"):
        verify.check_proof(proof)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weight", float("nan")),
        ("weight", 1.0),
        ("weight", True),
        ("weight", 0),
        ("user_id", "007"),
        ("user_id", 7),
        ("user_id", "\x1b[2J"),
    ],
)
def test_an_entry_that_the_bot_never_writes_is_refused(name: str, value: Any) -> None:
    """A root that fits could be made for it, and with such a weight the draw would never end."""
    proof = make_proof(rounds=1)
    proof["entries"][0][name] = value
    del proof["entries"][0]["digest"]

    with pytest.raises(verify.ProofError) as refused:
        verify.check_proof(proof)
    assert str(refused.value).isprintable()
    assert "root" not in str(refused.value)


@pytest.mark.parametrize("reason", ["", "a\nb", True, "\x1b[2J"])
def test_a_reason_that_is_none_is_refused(reason: Any) -> None:
    proof = make_proof(rounds=1)
    proof["rounds"][0]["drawn"][0]["passed_over"] = reason

    with pytest.raises(verify.ProofError):
        verify.check_proof(proof)


def test_winners_are_named_as_they_were_announced() -> None:
    proof = make_proof(rounds=1)
    person = {one["digest"]: one["user_id"] for one in proof["entries"]}
    over, first, second = (one["digest"] for one in proof["rounds"][0]["drawn"])
    last = f"{person[over]} (passed over: left), {person[first]}, {person[second]}"
    assert verify.check_proof(proof)[-1].endswith(f"2 winners of 2 wanted, 1 passed over: {last}")

    assert f": somebody erased ({over[:8]})" in verify.check_proof(_anonymous(proof))[-1]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        [],
        5,
        {"format": verify.FORMAT},
        {"format": "other"},
        make_proof(rounds=0),
        make_proof() | {"rounds": None},
    ],
)
def test_what_is_no_proof_is_told(broken: Any) -> None:
    with pytest.raises(verify.ProofError):
        verify.check_proof(broken)
