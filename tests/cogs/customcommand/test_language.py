"""The language of custom commands: what each construction gives, and what no text can do to it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.i18n import LANGUAGES
from bot.core.templates import InvalidTemplate
from bot.core.templates import render as render_template
from cogs.customcommand.evaluation import Occasion, evaluate
from cogs.customcommand.language import (
    MAX_DEPTH,
    MAX_SOURCE,
    MAX_STEPS,
    POSITIONS,
    VARIABLES,
    If,
    Nodes,
    Program,
    Random,
    parse,
)
from cogs.customcommand.rules import LONGEST_COOLDOWN, MAX_ALIASES, MAX_TEXTS

GUIDE = Path(__file__).parents[3] / "docs" / "custom-commands.md"
OCCASION = Occasion(
    user_id=1001,
    user_name="Ann_*",
    guild_name="Harbour",
    member_count=42,
    channel_id=500,
    channel_name="general",
    command="hi",
    args="red 7 @everyone",
)
PIECES = (
    *(f"{{{name}}}" for name in (*VARIABLES, "1", "2")),
    *("{", "}", "{{", "}}", "|", "||", "{random:", "{random: a|b}", "{if args}", "{if", "{else}"),
    *(
        "{end}",
        "{if not 1}",
        '{if 1 == "red"}',
        "{if 2 > 6 and args}",
        " ",
        "text",
        "<@&",
        '"',
        "\n",
    ),
)
SOURCES = st.one_of(
    st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
)


def say(source: str, *, choose: int = 0, args: str | None = None, limit: int = 2000) -> str:
    values = OCCASION.values() if args is None else {**OCCASION.values(), **_args(args)}
    return evaluate(parse(source), values, lambda count: choose % count, limit=limit).text


def _args(args: str) -> dict[str, str]:
    values = Occasion(1, "", "", 0, 0, "", "", args).values()
    return {name: values[name] for name in ("args", "args.count", *POSITIONS)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hello {user.mention}", "Hello <@1001>"),
        ("{user.name}", r"Ann\_\*"),
        ("{ server.name }: {server.members}", "Harbour: 42"),
        ("{1}-{2}-{9}", "red-7-"),
        ("{args.count} {args}", "3 red 7 @everyone"),
        ("{{args}} and }} and }", "{args} and } and }"),
        ("a|b||c", "a|b||c"),
        ("{random: one | two }", "one"),
        ("{random:a||b|c}", "a|b"),
        ("{random: {{x|y}", "{x"),
        ("{random: {random: a|b}{1}|c}", "ared"),
        ("{if args}yes{else}no{end}", "yes"),
        ("{if {1}", None),
        ('{if 1 == "RED"}yes{end}', "yes"),
        ('{if 1 is "blue"}yes{else}no{end}', "no"),
        ("{if 2 > 6}big{end}", "big"),
        ("{if 2 >= 7 and 2 <= 7 and not 2 < 7}seven{end}", "seven"),
        ("{if 2 > 10}big{else}small{end}", "small"),
        ('{if 1 > "a"}big{else}no order{end}', "no order"),
        ('{if 1 != "blue" and not 4}yes{end}', "yes"),
        ('{if 4 or args contains "EVERY"}yes{end}', "yes"),
        ("{if 4}a{else}{if 3}b{else}c{end}{end}", "b"),
        ("{random: {if 4}a{else}b{end}|c}", "b"),
        ('{if 1 == ""}nothing{else}something{end}', "something"),
    ],
)
def test_constructions(source: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(InvalidTemplate):
            parse(source)
    else:
        assert say(source) == expected


def test_chance_chooses_among_all_options() -> None:
    assert [say("{random: a|b|c}", choose=number) for number in range(3)] == ["a", "b", "c"]


def test_values_are_not_searched_for_variables() -> None:
    assert say("{args}", args="{user.id} {random: a|b}") == "{user.id} {random: a|b}"


def test_positions_without_words_are_empty() -> None:
    assert say("{if 1}{1}{else}nobody{end}", args="") == "nobody"


@pytest.mark.parametrize(
    ("source", "position", "said", "hint"),
    [
        ("Hi {user.nam}", 4, "{user.nam}", "{user.name}"),
        ("Hi {zzzzzz}", 4, "no variable", "{user.mention}"),
        ("{10}", 1, "{10}", "{1}"),
        ("ab {args", 4, "never closed", "twice"),
        ("{random: a|b", 1, "never closed", "Close it"),
        ("x {if args}yes", 3, "has no end", "{end}"),
        ("{random: {if args}a|b{end}}", 10, "has no end", "{end}"),
        ("no {end}", 4, "no condition", "{if args}"),
        ("{if args}a{else}b{else}c{end}", 18, "a second {else}", "{if args}"),
        ("{random: a{else}b}", 11, "no condition", "{if args}"),
        ("{if}x{end}", 1, "no condition", "quotation marks"),
        ("{if args ==}x{end}", 1, "breaks off", "quotation marks"),
        ("{if args 1}x{end}", 1, "I don't understand 1", "quotation marks"),
        ("{if and}x{end}", 1, "I don't understand and", "quotation marks"),
        ("{if colour == 3}x{end}", 1, "{colour}", "You can use"),
        ("{if " + "not " * 40 + "args}x{end}", 1, "too long", "quotation marks"),
        ("{random: " * 9 + "a" + "}" * 9, 81, "nested too deeply", "8 levels"),
        ("{1}" * 501, 1504, "500 steps", "fewer"),
        ("x" * 4010, 4001, "10 characters too long", "4000"),
    ],
)
def test_mistakes_name_the_place_and_the_way_out(
    source: str, position: int, said: str, hint: str
) -> None:
    with pytest.raises(InvalidTemplate) as caught:
        parse(source)
    error = caught.value
    assert error.position == position
    assert said in str(error.message)
    assert hint in str(error.hint)


def test_only_written_mentions_may_notify() -> None:
    program = parse("<@&111111111111111111> <@222222222222222222> {args} {user.mention}")
    assert program.roles == (111111111111111111,)
    assert program.users == (222222222222222222,)
    assert parse("<@&{1}>").roles == ()


def test_takes_text_only_where_it_matters() -> None:
    assert parse("{1}").takes_text
    assert parse("{if args.count > 1}x{end}").takes_text
    assert not parse("{user.mention} {{args}}").takes_text


def test_long_text_ends_in_an_ellipsis_and_cuts_no_mention() -> None:
    assert say("{args}" * 400, args="x" * 1500) == "x" * 1999 + "…"
    assert say("aaaa {user.mention}", limit=8) == "aaaa…"


@given(SOURCES, st.text(max_size=100), st.integers(0, 5))
def test_no_text_does_more_than_be_refused(source: str, args: str, choose: int) -> None:
    program = _parsed(source)
    if isinstance(program, InvalidTemplate):
        assert 1 <= program.position <= len(source) + 1
        assert all(program.render(language) for language in LANGUAGES)
        return
    nodes, depth = _measure(program.nodes)
    assert nodes <= MAX_STEPS
    assert depth <= MAX_DEPTH
    assert program.names <= {*VARIABLES, *POSITIONS}
    said = evaluate(
        program, {**OCCASION.values(), **_args(args)}, lambda count: choose % count, limit=100
    )
    assert len(said.text) <= 100


def _parsed(source: str) -> Program | InvalidTemplate:
    try:
        return parse(source)
    except InvalidTemplate as error:
        return error


def _measure(nodes: Nodes) -> tuple[int, int]:
    """Return how many nodes there are and how deep they are nested."""
    count, deepest = len(nodes), 0
    for node in nodes:
        parts = node.options if isinstance(node, Random) else ()
        parts = (node.then, node.otherwise) if isinstance(node, If) else parts
        for inner, depth in map(_measure, parts):
            count, deepest = count + inner, max(deepest, depth + 1)
    return count, deepest


@given(
    st.lists(st.sampled_from(("{user.name}", "{{", "}}", "}", "|", "a ", "ñ", "b")), max_size=30)
)
def test_templates_of_settings_mean_the_same_here(pieces: list[str]) -> None:
    source = "".join(pieces)
    values = OCCASION.values()
    assert say(source) == render_template(source, values, 2000).strip()


def test_longest_source_is_read() -> None:
    assert say("x" * MAX_SOURCE) == "x" * 1999 + "…"


# --- docs/custom-commands.md --------------------------------------------------------------------


def _rows(heading: str) -> list[list[str]]:
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in rows]
    return [[cell.replace("\\|", "|").strip().strip("`") for cell in row] for row in cells]


def test_guide_names_each_variable() -> None:
    assert dict(_rows("Variable")) == {f"{{{name}}}": said for name, said in VARIABLES.items()}


@pytest.mark.parametrize(("written", "said"), _rows("Written"))
def test_examples_in_the_guide_say_what_they_promise(written: str, said: str) -> None:
    ann = Occasion(1, "Ann", "Harbour", 3, 5, "general", "hug", "Bo 7")
    assert evaluate(parse(written), ann.values(), lambda _count: 0, limit=2000).text == said


def test_guide_tells_the_limits() -> None:
    limits = [MAX_SOURCE, MAX_STEPS, MAX_DEPTH, MAX_TEXTS, MAX_ALIASES]
    told = [row[1] for row in _rows("What")]
    assert told == [*map(str, limits), f"{LONGEST_COOLDOWN.days} days"]
