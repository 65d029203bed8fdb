"""What holds for every feature at once, so that a new one is held to it from its first day.

That settings are sound is in `test_feature_settings.py`, that every text is translated in
`test_catalogues.py`, that rules load without discord.py in `test_architecture.py`, that the guide's
copy of the template works in `test_feature_guide.py`.
"""

from __future__ import annotations

import gc
import re
import unicodedata
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.core.features import Feature
from bot.core.fields import FieldInfo, describe_fields
from bot.core.kernel import Kernel
from bot.core.nullstate import NullState
from bot.intake import Intake
from bot.panels.forms import FieldModal
from bot.sandbox.rest.component_rules import check_components, check_modal
from bot.sandbox.rest.errors import FormCheck
from cogs import _template
from db import people, schema
from db.engine import Database
from tests.commandtree import Named, list_commands, loaded_client, resting_kernel
from tests.declared import (
    DECLARED,
    FEATURES,
    LANGUAGES,
    every_declaration,
    every_feature,
    every_field,
)
from tests.postgres import run_in_thread
from tests.simcord_env import Bench, running_bench, speaking

ROOT = Path(__file__).parent.parent

# Limits of Discord: https://discord.com/developers/docs/interactions/application-commands
MOST_COMMANDS = 100
MOST_CHILDREN = 25
LONGEST_DESCRIPTION = 100
LONGEST_CHOICE = 100
LONGEST_COMMAND = 8000
LONGEST_CUSTOM_ID = 100

# Buttons and menus of messages that were sent long ago come back with these ids: a name that ever
# stood here stays, and keeps working. Dynamic items are named by their pattern.
PERSISTENT_IDS: frozenset[str] = frozenset(
    {
        r"antinuke:approval:(?P<what>approve|refuse):(?P<id>\d{1,18})",
        r"antinuke:restore:(?P<id>\d{1,18})",
        r"automod:(?P<what>explain|undo|pardon):(?P<id>\d{1,18})",
        r"automod:raid:(?P<what>end|ban|explain):(?P<id>\d{1,18})",
        r"moderation:appeal:(?P<id>\d{1,18})",
        r"moderation:appeal:(?P<what>accept|reject):(?P<id>\d{1,18})",
        r"moderation:appeal:ask:(?P<id>\d{1,18})",
        r"moderation:appeal:answer:(?P<id>\d{1,18})",
        r"moderation:batch:stop:(?P<id>\d{1,18})",
        r"moderation:report:(?P<what>claim|warn|timeout|resolve|dismiss|who):(?P<id>\d{1,18})",
        (
            r"economy:buy:(?P<item>\d{1,18}):(?P<price>\d{1,13}):(?P<quantity>\d{1,4})"
            r":(?P<occasion>\d{1,20})"
        ),
        r"economy:choose:(?P<page>\d{1,4})",
        r"economy:page:(?P<page>\d{1,4}|first)",
        r"economy:trade:(?P<verb>accept|decline|cancel):(?P<trade>\d{1,18})",
        r"economy:blackjack:(?P<move>hit|stand|double):(?P<game>\d{1,18}):(?P<version>\d{1,6})",
        r"economy:odds:(?P<game>coinflip|dice|slots|blackjack)",
        r"giveaways:claim:(?P<winner>\d{1,18})",
        r"giveaways:prize:(?P<giveaway>[0-9a-f-]{32,36})",
        r"giveaways:use:(?P<giveaway>[0-9a-f-]{32,36}):(?P<item>\d{1,18}):(?P<nth>\d{1,4})",
        r"giveaways:enter:(?P<giveaway>[0-9a-f-]{32,36})",
        r"giveaways:leave:(?P<giveaway>[0-9a-f-]{32,36})",
        r"rolemenus:choose:(?P<menu>\d{1,18}):(?P<page>\d{1,2})",
        r"rolemenus:open:(?P<menu>\d{1,18})",
        r"rolemenus:page:(?P<menu>\d{1,18}):(?P<page>\d{1,2})",
        r"rolemenus:role:(?P<menu>\d{1,18}):(?P<role>\d{1,20})",
        r"tickets:(?P<verb>claim|unclaim|close|reopen|accept|decline|keep):(?P<ticket>\d{1,18})",
        r"tickets:choose:(?P<post>\d{1,18})",
        r"tickets:form:(?P<panel>\d{1,18}):(?P<what>\d{1,2}|discard)",
        r"tickets:open:(?P<panel>\d{1,18})",
        r"tickets:rate:(?P<ticket>\d{1,18}):(?P<stars>[1-5])",
        r"verification:begin",
        r"verification:enter:(?P<token>[0-9a-f]{32})",
        r"verification:review:(?P<what>approve|refuse):(?P<user>\d{1,20}):(?P<moment>\d{1,15})",
        r"verification:show:(?P<kind>picture|words)",
    }
)


@pytest.fixture(scope="module")
def commands(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Named, ...]:
    """Every top-level command and context menu."""
    found: list[Named] = []

    async def collect() -> None:
        found.extend(await list_commands(tmp_path_factory.mktemp("commands"), sqlite_template))

    run_in_thread(collect())
    return tuple(found)


# --- the panel --------------------------------------------------------------------------------


@every_feature
async def test_panel_fits_discord_in_both_languages(
    sqlite_database: Database, feature: Feature
) -> None:
    if not feature.settings.model_fields:
        return
    async with running_bench(sqlite_database, settings={"discord": {"shard_count": 1}}) as bench:
        for locale in LANGUAGES:
            async with speaking(locale, locale):
                pages = await _panel_pages(bench, feature.group_name)
            assert _edited_in(pages) == {one.name for one in describe_fields(feature.settings)}
            for page in pages:
                check = FormCheck()
                check_components(check, page, v2=True)
                check.finish()


async def _panel_pages(bench: Bench, group: str) -> list[list[dict[str, Any]]]:
    """Open the panel as an admin and return the components of each page."""
    guild = bench.env.create_guild("Harbour")
    role = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
    boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
    panel = (await boss.slash(guild.create_text_channel("general"), f"{group} settings")).response
    pages = [_payload_of(panel)]
    while any(
        one.get("custom_id") == "panel:next" and not one["disabled"] for one in _all(pages[-1])
    ):
        await boss.click(panel, custom_id="panel:next")
        pages.append(_payload_of(panel))
    return pages


def _payload_of(panel: Any) -> list[dict[str, Any]]:
    message = panel.message if hasattr(panel, "message") else panel
    return [one.to_dict() for one in message.components]


def _all(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for one in node:
            yield from _all(one)
    elif isinstance(node, dict):
        yield node
        for part in ("components", "accessory"):
            yield from _all(node.get(part))


def _edited_in(pages: list[list[dict[str, Any]]]) -> set[str]:
    ids = (one.get("custom_id") or "" for page in pages for one in _all(page))
    edits = "panel:edit:"
    return {one.removeprefix(edits) for one in ids if one.startswith(edits)}


@every_field
@pytest.mark.parametrize("locale", LANGUAGES)
async def test_panel_form_fits_discord(feature: Feature, field: FieldInfo, locale: str) -> None:
    async def submitted(*_arguments: Any) -> None:
        raise AssertionError("nothing is submitted here")

    modal = FieldModal(
        field,
        field.default,
        state=NullState(),
        guild_id=1,
        locale=locale,
        submitted=submitted,
    )

    check = FormCheck()
    check_modal(check, modal.to_dict())
    check.finish()


# --- commands ---------------------------------------------------------------------------------


def test_commands_fit_discords_numbers(commands: tuple[Named, ...]) -> None:
    kinds = Counter(one.kind for one in commands)
    assert kinds["command"] <= MOST_COMMANDS
    assert kinds["menu"] <= 10
    for one in (named for command in commands for named in command.walk()):
        assert len(one.children()) <= MOST_CHILDREN, str(one)


def test_commands_names_are_unique_in_both_languages(commands: tuple[Named, ...]) -> None:
    every = [named for command in commands for named in command.walk()]
    for siblings in ([*commands], *(one.children() for one in every)):
        for names in ([one.name for one in siblings], [one.spanish_name for one in siblings]):
            assert [name for name, count in Counter(names).items() if count > 1] == []


@every_declaration
def test_commands_names_follow_discords_rule(commands: tuple[Named, ...], feature: Feature) -> None:
    for one in _of(commands, feature):
        for name in (one.name, one.spanish_name):
            if one.kind == "choice":
                assert 1 <= len(name) <= LONGEST_CHOICE, str(one)
            elif one.kind == "menu":
                assert 1 <= len(name) <= 32, str(one)
            else:
                assert _is_chat_input_name(name), f"{one}: {name!r}"


def _is_chat_input_name(name: str) -> bool:
    r"""Tell whether ``^[-_'\p{L}\p{N}]{1,32}$`` fits and nothing is in upper case."""
    letters = all(one in "-_'" or unicodedata.category(one)[0] in "LN" for one in name)
    return letters and 1 <= len(name) <= 32 and name == name.lower()


@every_declaration
def test_commands_descriptions_fit_in_both_languages(
    commands: tuple[Named, ...], feature: Feature
) -> None:
    for one in _of(commands, feature):
        for text in one.descriptions:
            assert 1 <= len(text) <= LONGEST_DESCRIPTION, f"{one}: {text!r}"
            # An option that nobody described.
            assert text != "…", str(one)


def test_commands_fit_discords_length_as_a_whole(commands: tuple[Named, ...]) -> None:
    for command in commands:
        texts = (
            max(map(len, texts))
            for one in command.walk()
            for texts in ([one.name, one.spanish_name], one.descriptions or [""])
        )
        assert sum(texts) <= LONGEST_COMMAND, command.name


@every_declaration
def test_commands_required_options_come_first(
    commands: tuple[Named, ...], feature: Feature
) -> None:
    for one in _of(commands, feature):
        required = [child.payload.get("required", False) for child in one.children()]
        assert required == sorted(required, reverse=True), str(one)


@every_declaration
def test_commands_include_the_settings_panel(commands: tuple[Named, ...], feature: Feature) -> None:
    panels = [one for one in _of(commands, feature) if one.path == (feature.group_name, "settings")]

    assert len(panels) == (1 if feature.settings.model_fields else 0)


def _of(commands: tuple[Named, ...], feature: Feature) -> list[Named]:
    return [one for top in commands if top.feature == feature.key for one in top.walk()]


def test_commands_all_belong_to_a_feature(commands: tuple[Named, ...]) -> None:
    assert {one.feature for one in commands} == {feature.key for feature in DECLARED}


# --- loading ----------------------------------------------------------------------------------


async def test_persistent_components_keep_their_ids(sqlite_database: Database) -> None:
    async with (
        resting_kernel(sqlite_database) as (kernel, intake),
        loaded_client(kernel, intake) as client,
    ):
        ids = {
            item.custom_id  # pyright: ignore[reportAttributeAccessIssue]
            for view in client.persistent_views
            for item in view.walk_children()
            if item.is_dispatchable()
        }
        # discord.py has no public list of its dynamic items.
        patterns = {pattern.pattern for pattern in client._connection._view_store._dynamic_items}

    assert ids | patterns == PERSISTENT_IDS
    assert all(len(one) <= LONGEST_CUSTOM_ID for one in ids)


async def test_features_load_again_for_a_new_connection(sqlite_database: Database) -> None:
    async with resting_kernel(sqlite_database) as (kernel, intake):
        async with loaded_client(kernel, intake) as first:
            names = {command.name for command in first.tree.get_commands()}
            handlers = _handlers(kernel, intake)
        gone = weakref.ref(first)

        async with loaded_client(kernel, intake) as second:
            del first
            gc.collect()

            assert {command.name for command in second.tree.get_commands()} == names
            assert _handlers(kernel, intake) == handlers
            assert gone() is None, "something of the first connection is still registered"


def _handlers(kernel: Kernel, intake: Intake) -> dict[str, Any]:
    """Return who is registered at what outlives a client; the services keep that to themselves."""
    return {
        "events": {kind: len(found) for kind, found in kernel.bus._listeners.items()},
        "jobs": sorted(kernel.jobs._runner.kinds),
        "gates": [one.name for one in intake._gates],
        "observers": [one.name for one in intake._observers],
        "payloads": {event: sorted(found) for event, found in intake._listeners.items() if found},
        "tasks": sorted(one.name for one in kernel.supervisor.statuses()),
    }


# --- people's data, documents, tests ----------------------------------------------------------


@every_declaration
def test_feature_tables_can_be_exported_and_erased(feature: Feature) -> None:
    tables = schema.metadata().tables
    for name in feature.tables:
        assert name in tables, f"{feature.key} names a table that is not there"
        assert people.list_person_columns(tables[name]), f"{name}: /mydata would miss it"


def test_features_numbers_have_names_of_their_own() -> None:
    # Of two with one name, Prometheus would take neither and the statistics the last.
    gauges = [gauge.name for feature in FEATURES for gauge in feature.gauges]
    counters = [name for feature in FEATURES for name in feature.counters]
    for names in (gauges, counters):
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


def test_feature_modules_keep_their_tables_declared() -> None:
    # A table that lies beside a feature's queries belongs to the feature.
    declared = {feature.key: set(feature.tables) for feature in FEATURES}
    for name, table in schema.metadata().tables.items():
        owner = name.partition("_")[0]
        if owner in declared and people.list_person_columns(table):
            assert name in declared[owner], f"{owner}: FEATURE.tables lacks {name}"


def test_readme_has_a_row_for_every_feature() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+ \| `(\w+)` \| ", readme, re.MULTILINE)

    assert sorted(rows) == sorted(feature.key for feature in FEATURES)


@every_declaration
def test_feature_has_tests_and_a_catalogue(feature: Feature) -> None:
    folder = "_template" if feature is _template.FEATURE else feature.key

    assert list((ROOT / "tests" / "cogs" / folder).glob("test_*.py"))
    assert (ROOT / "cogs" / folder / "locales" / "es.po").is_file()
