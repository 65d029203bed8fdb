"""The benchmark command: python -m tests.benchmarks SCENARIO|all [--quick]

Prints Markdown; `--write` puts it into docs/performance.md. It wants the machine for itself.
"""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from tests.benchmarks.lines import ROOT
from tests.benchmarks.scenarios import FULL, QUICK, SCENARIOS

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
LIBRARIES = ("discord.py", "aiohttp", "orjson", "uvloop", "zstandard", "SQLAlchemy")


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("scenario", choices=[*SCENARIOS, "all"])
    parser.add_argument("--quick", action="store_true", help="smaller numbers, a minute in all")
    parser.add_argument("--write", action="store_true", help="put the results into the page")
    arguments = parser.parse_args()
    names = SCENARIOS if arguments.scenario == "all" else [arguments.scenario]
    scale = QUICK if arguments.quick else FULL
    tables = [SCENARIOS[name](scale).markdown() for name in names]
    report = "\n".join([describe_machine(), *tables])
    print(report)
    if arguments.write:
        write(PAGE, report)


def describe_machine() -> str:
    """Return a line about processor, memory and versions."""
    memory = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    return (
        f"Machine: {_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.system()}; Python {platform.python_version()}; {libraries}.\n"
    )


def write(page: Path, report: str) -> None:
    """Replace the results in the page; raises ValueError when it has no place for them."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{page} has no {BEGIN} … {END}")
    page.write_text(f"{before}{BEGIN}\n\n{report}\n{END}{after}", encoding="utf-8")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


if __name__ == "__main__":
    main()
