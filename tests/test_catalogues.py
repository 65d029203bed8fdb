"""Every text that people can see is in the Spanish catalogues, once and in the same words.

Texts stand in the code (marked), in templates, and in commands; a catalogue lies next to what uses
it, and holds nothing else.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message as Entry
from babel.messages.pofile import read_po

from tests.commandtree import Named, list_commands
from tests.postgres import run_in_thread

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path
    for folder in ("bot", "web", "cogs")
    for path in (ROOT / folder).rglob("*.py")
    if "sandbox" not in path.parts
)
PAGES = sorted((ROOT / "web" / "dashboard" / "templates").glob("*.html"))
CATALOGUES = sorted([*ROOT.glob("*/locales/es.po"), *ROOT.glob("cogs/*/locales/es.po")])
MARKERS = {"_", "N_", "ngettext", "Message"}
NAMES = {"command": "command-name", "option": "parameter-name", "menu": None}

Key = tuple[str | None, str]


def _label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def _entries(path: Path) -> list[Entry]:
    with path.open("rb") as stream:
        return [entry for entry in read_po(stream, locale="es") if entry.id]


def _key(entry: Entry) -> Key:
    return entry.context, entry.id[0] if isinstance(entry.id, tuple) else entry.id


def _all_keys() -> set[Key]:
    return {_key(entry) for path in CATALOGUES for entry in _entries(path)}


def _marked_in(path: Path) -> set[str]:
    """Return the texts that a module marks for translation; of a plural, the singular."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in MARKERS
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(node.args[0].value)
    return found


def _strings_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def _texts_on(page: Path) -> set[str]:
    return set(re.findall(r"""_\("([^"]+)"[,)]""", page.read_text(encoding="utf-8")))


def _needs_words(text: str) -> bool:
    return bool(re.sub(r"\{[^}]*\}|[\s\W]", "", text))


@pytest.fixture(scope="module")
def commands(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Named, ...]:
    """Every top-level command and context menu, as Discord is told of it."""
    found: list[Named] = []

    async def collect() -> None:
        found.extend(await list_commands(tmp_path_factory.mktemp("commands"), sqlite_template))

    run_in_thread(collect())
    return tuple(found)


def _walk(commands: tuple[Named, ...]) -> Iterator[Named]:
    for command in commands:
        yield from command.walk()


# --- nothing is missing -----------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=_label)
def test_marked_texts_are_translated(path: Path) -> None:
    known = {text for context, text in _all_keys() if context is None}

    assert sorted(text for text in _marked_in(path) - known if _needs_words(text)) == []


@pytest.mark.parametrize("page", PAGES, ids=_label)
def test_texts_on_pages_are_translated(page: Path) -> None:
    known = {text for context, text in _all_keys() if context is None}

    assert _texts_on(page) - known == set()


def test_command_names_are_translated(commands: tuple[Named, ...]) -> None:
    known = _all_keys()
    named = [one for one in _walk(commands) if NAMES.get(one.kind)]

    assert [str(one) for one in named if (NAMES[one.kind], one.name) not in known] == []


def test_command_descriptions_and_choices_are_translated(commands: tuple[Named, ...]) -> None:
    assert [str(one) for one in _walk(commands) if not one.is_translated] == []


# --- nothing is too much ----------------------------------------------------------------------


@pytest.mark.parametrize("path", CATALOGUES, ids=_label)
def test_catalogue_holds_only_what_its_folder_uses(path: Path, commands: tuple[Named, ...]) -> None:
    folder = path.parent.parent
    used: set[Key] = {
        (None, text) for source in folder.rglob("*.py") for text in _strings_in(source)
    }
    used |= {(None, text) for page in folder.rglob("*.html") for text in _texts_on(page)}
    own = {folder.name.removeprefix("_")} if folder.parent.name == "cogs" else _features(commands)
    used |= {
        (NAMES[one.kind], one.name)
        for one in _walk(commands)
        if one.kind in NAMES and one.feature in own
    }

    assert sorted(text for context, text in {_key(one) for one in _entries(path)} - used) == []


def _features(commands: tuple[Named, ...]) -> set[str]:
    return {one.feature for one in commands}


@pytest.mark.parametrize("path", CATALOGUES, ids=_label)
def test_catalogue_names_nothing_twice(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "#~" not in text, "obsolete entries are removed"
    # Reading keeps the last of several entries with the same text, so the blocks are read apart.
    blocks = (block.encode() for block in text.split("\n\n"))
    entries = (entry for block in blocks for entry in read_po(BytesIO(block), locale="es"))
    counts = Counter(_key(entry) for entry in entries if entry.id)
    assert [key for key, count in counts.items() if count > 1] == []


def test_catalogues_agree_on_shared_texts() -> None:
    found: defaultdict[Key, set[str]] = defaultdict(set)
    for path in CATALOGUES:
        for entry in _entries(path):
            found[_key(entry)].add(str(entry.string))

    assert {key: texts for key, texts in found.items() if len(texts) > 1} == {}


def _translations(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each English text with its Spanish one; the plural forms by themselves."""
    for entry in _entries(path):
        english = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        spanish = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        yield from zip(english, spanish, strict=False)


@pytest.mark.parametrize("path", CATALOGUES, ids=_label)
def test_translations_say_each_value_once(path: Path) -> None:
    """A form that is given twice is read as one long text, which says all of it twice."""
    named = re.compile(r"\{\w+\}")

    said_again = [
        spanish
        for english, spanish in _translations(path)
        if Counter(named.findall(spanish)) - Counter(named.findall(english))
    ]
    assert said_again == []


@pytest.mark.parametrize("path", CATALOGUES, ids=_label)
def test_catalogue_keeps_to_one_word_for_one_thing(path: Path) -> None:
    avoided = re.compile(r"\b(usted|vuestr\w+|gremio|guild|fragmento)\b", re.IGNORECASE)
    texts = [re.sub(r"\{[^}]*\}", "", spanish) for _, spanish in _translations(path)]

    assert [text for text in texts if avoided.search(text)] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=_label)
def test_catalogue_names_commands_as_spanish_clients_show_them(
    path: Path, commands: tuple[Named, ...]
) -> None:
    shown = {f"/{' '.join(names)}": f"/{' '.join(spanish)}" for names, spanish in _paths(commands)}
    longest_first = "|".join(sorted(map(re.escape, shown), key=len, reverse=True))
    mention = re.compile(rf"(?<![\w/.])(?:{longest_first})(?![\w/])")

    for english, spanish in _translations(path):
        for command in mention.findall(english):
            assert shown[command] in spanish, english


def _paths(commands: tuple[Named, ...]) -> Iterator[tuple[list[str], list[str]]]:
    def below(one: Named, names: list[str], spanish: list[str]) -> Iterator[Any]:
        names, spanish = [*names, one.name], [*spanish, one.spanish_name]
        yield names, spanish
        for child in one.children():
            if child.kind == "command":
                yield from below(child, names, spanish)

    for command in commands:
        yield from below(command, [], [])
