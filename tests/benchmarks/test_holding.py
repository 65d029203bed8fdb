"""What the loop is held by stays a small part of what it was, on whatever machine."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks import figures


async def test_figures_of_ten_thousand_tickets_hold_the_loop_for_moments(tmp_path: Path) -> None:
    objects, pages = await figures.compare(10_000, tmp_path)
    # A pause of the machine may come at any time: the best of three tells.
    for _try in range(2):
        if pages.delay < objects.delay / 5:
            break
        folder = tmp_path / str(_try)
        folder.mkdir()
        objects, pages = await figures.compare(10_000, folder)
    assert pages.delay < objects.delay / 5
