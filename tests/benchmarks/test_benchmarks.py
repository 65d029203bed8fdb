"""Every scenario of the benchmark command runs, at a scale that measures nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import BEGIN, END, describe_machine, write
from tests.benchmarks.scenarios import SCENARIOS, SMOKE, Table, percentile

pytestmark = pytest.mark.timeout(180)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_runs_and_fills_its_table(name: str) -> None:
    table = SCENARIOS[name](SMOKE)
    assert table.rows
    assert {len(row) for row in table.rows} == {len(table.heads)}
    assert table.title in table.markdown()


@pytest.mark.parametrize(("part", "value"), [(50, 2), (75, 3), (99, 4), (100, 4), (1, 1)])
def test_percentile_is_a_measured_value(part: float, value: float) -> None:
    assert percentile([4, 1, 3, 2], part) == value


def test_table_is_markdown() -> None:
    text = Table("Speed", ["What", "µs"], [["bot", "3"]]).markdown()
    assert text == "### Speed\n\n| What | µs |\n| --- | --- |\n| bot | 3 |\n"


def test_results_replace_only_the_old_results(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write(page, "new\n")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_results_need_a_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here", encoding="utf-8")
    with pytest.raises(ValueError, match="results"):
        write(page, "new")


def test_the_machine_is_described_by_its_versions() -> None:
    assert "discord.py 2.7.1" in describe_machine()
