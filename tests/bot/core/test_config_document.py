"""Holds config.toml and the configuration model together: every key, default and explanation."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.core.config import Config, load_config, read_config
from bot.core.config.problems import is_secret, known_keys, sections

DOCUMENT = Path(__file__).parents[3] / "config.toml"
KEYS = known_keys()
SECRETS = {keys for keys, info in KEYS.items() if is_secret(info) and keys != ("database", "url")}
UNSET = {keys for keys, info in KEYS.items() if info.default is None} - SECRETS


def document() -> str:
    return DOCUMENT.read_text()


def section_text(section: str) -> str:
    _before, _header, rest = document().partition(f"[{section}]\n")
    return re.split(r"(?m)^\[\w+\]$", rest)[0]


def test_document_holds_exactly_the_defaults() -> None:
    assert load_config(DOCUMENT, {}) == Config()


def test_document_names_every_section_and_key_with_a_value() -> None:
    written = tomllib.loads(document())
    assert list(written) == list(sections())
    active = {(section, key) for section, keys in written.items() for key in keys}
    assert active == set(KEYS) - SECRETS - UNSET


@pytest.mark.parametrize("keys", sorted(KEYS), ids=".".join)
def test_document_explains_key_in_the_words_of_the_model(keys: tuple[str, str]) -> None:
    section, key = keys
    comments = re.sub(r"\s+", " ", re.sub(r"(?m)^# ?", "", section_text(section)))
    description = KEYS[keys].description
    assert description
    following = comments.partition(description)[2]
    assert following, f"{key} is not explained"
    expected = " Only as" if keys in SECRETS else f" {key} = "
    assert following.startswith(expected)


@pytest.mark.parametrize("keys", sorted(UNSET), ids=".".join)
def test_document_shows_example_of_unset_key(keys: tuple[str, str], tmp_path: Path) -> None:
    section, key = keys
    match = re.search(rf"(?m)^# ({key} = .+)$", section_text(section))
    assert match
    path = tmp_path / "config.toml"
    path.write_text(f"[{section}]\n{match[1]}\n")
    # The example's secret file does not exist here; nothing else may be wrong with it.
    problems = [str(one) for one in read_config(path, {}).problems]
    assert all("can't be read" in problem for problem in problems)
    assert bool(problems) == key.endswith("_file")


def test_document_comments_name_no_unknown_key() -> None:
    for section in sections():
        for key in re.findall(r"(?m)^# (\w+) = ", section_text(section)):
            assert (section, key) in KEYS or key in ("host", "port", "serve")


def test_document_example_of_three_listeners_works(tmp_path: Path) -> None:
    example = re.search(r"(?ms)^(# \[\[web\.listeners\]\]\n.*?)\n\n", document())
    assert example
    path = tmp_path / "config.toml"
    path.write_text(re.sub(r"(?m)^# ", "", example[1]))
    bound = load_config(path, {}).web.bound()
    assert [(one.port, one.serve) for one in bound] == [
        (3000, ("health",)),
        (9090, ("metrics",)),
        (3001, ("api", "dashboard")),
    ]
