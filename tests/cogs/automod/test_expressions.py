"""Rules as one line: what is written is read back, and what is wrong is named with its place."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import InvalidInput
from cogs.automod.actions import AnyAction
from cogs.automod.editing import (
    read_rule,
    read_rule_json,
    read_steps,
    split_items,
    write_rule_json,
    write_steps,
)
from cogs.automod.expressions import (
    read_actions,
    read_expression,
    write_actions,
    write_expression,
)
from cogs.automod.settings import Rule, Step
from cogs.automod.summaries import describe_tree, summary, summary_line
from cogs.automod.triggers import (
    AccountYoungerThan,
    All,
    AnyOf,
    Attachments,
    Campaign,
    Caps,
    Duplicates,
    HasRoles,
    Honeypot,
    InChannels,
    Invites,
    JoinedWithin,
    Links,
    Mentions,
    Name,
    NoAvatar,
    Not,
    Rate,
    Regex,
    Words,
)

# Whatever can be stored: no halves of surrogates, no NUL, and something to see.
CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\x00")
WORD = st.text(CHARACTERS, min_size=1, max_size=20).map(str.strip).filter(bool)
IDS = st.lists(st.integers(1, 2**63 - 1), max_size=3, unique=True).map(tuple)
SOME_IDS = IDS.filter(bool)
SPAN = st.integers(60, 3600).map(lambda seconds: timedelta(seconds=seconds))
MAYBE_SPAN = st.none() | SPAN

LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        Words,
        words=st.lists(WORD, min_size=1, max_size=4).map(tuple),
        match=st.sampled_from(["word", "part"]),
        look_alikes=st.booleans(),
        allowed=st.lists(WORD, max_size=2).map(tuple),
        sources=st.sampled_from([("content",), ("content", "name"), ("embed",)]),
    ),
    st.builds(
        Regex,
        patterns=st.lists(
            st.sampled_from([r"(a|b)+\d", r"[a-z`]\"x", "a, b", r"\bfree\s", "x=[1]", "a`\\d"]),
            min_size=1,
            max_size=3,
        ).map(tuple),
        case_sensitive=st.booleans(),
    ),
    st.builds(
        Links,
        mode=st.sampled_from(["allow", "deny"]),
        domains=st.just(("a.com", "b.org")),
        shorteners=st.booleans(),
        blocked=st.booleans(),
    ),
    st.builds(Invites, allowed_guilds=IDS),
    st.builds(Caps, percent=st.integers(10, 100)),
    st.builds(Mentions, limit=st.integers(1, 500), window=MAYBE_SPAN, unique=st.booleans()),
    st.builds(Rate, limit=st.integers(2, 100), per=st.sampled_from(["member", "channel"])),
    st.builds(Campaign, members=st.integers(2, 50), window=SPAN, everyone=st.booleans()),
    st.builds(Duplicates, limit=st.integers(2, 50), tolerance=st.integers(0, 20)),
    st.builds(Attachments, extensions=st.just(("exe",)), mimes=st.just(("image/*",))),
    st.builds(Name, hoisted=st.booleans(), copies=st.lists(WORD, max_size=2).map(tuple)),
    st.builds(Honeypot, channels=SOME_IDS),
    st.builds(AccountYoungerThan, age=SPAN),
    st.builds(JoinedWithin, age=SPAN),
    st.builds(HasRoles, roles=IDS),
    st.builds(InChannels, channels=IDS),
    st.just(NoAvatar()),
)


def _branches(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return (
        several.map(lambda parts: All(all=parts))
        | several.map(lambda parts: AnyOf(any=parts))
        | inner.map(lambda part: Not.model_validate({"not": part}))
    )


TREES = st.recursive(LEAVES, _branches, max_leaves=6)


def _actions() -> st.SearchStrategy[Any]:
    values = {"role_id": st.integers(1, 2**63 - 1), "duration": SPAN}
    made = []
    for model in get_args(AnyAction):
        fields = {name: values[name] for name in values if name in model.model_fields}
        made.append(st.builds(model, **fields))
    return st.lists(st.one_of(made), min_size=1, max_size=4).map(tuple)


ACTIONS = _actions()


@given(TREES)
def test_expression_is_read_as_it_was_written(tree: Any) -> None:
    assert read_expression(write_expression(tree)) == tree


@given(TREES)
def test_expression_in_json_is_read_as_it_was_written(tree: Any) -> None:
    text = json.dumps(tree.model_dump(mode="json", by_alias=True))

    assert read_expression(text) == tree


@given(ACTIONS)
def test_actions_are_read_as_they_were_written(actions: tuple[Any, ...]) -> None:
    assert read_actions(write_actions(actions)) == actions
    assert read_actions(write_actions(actions).replace("), ", ")\n")) == actions


@given(TREES, ACTIONS, st.sampled_from(["en", "es"]))
def test_rule_survives_document_and_summary(tree: Any, actions: Any, locale: str) -> None:
    rule = Rule(
        name="rule",
        when=tree,
        actions=actions,
        escalation=(Step(after=2, actions=actions), Step(after=4, actions=actions)),
    )

    assert read_rule(rule.model_dump(mode="json", by_alias=True)) == rule
    assert read_rule_json(write_rule_json(rule)) == rule
    assert read_steps(write_steps(rule.escalation)) == rule.escalation
    assert 0 < len(summary(rule, locale)) < 12_000
    assert 0 < len(summary_line(rule, locale)) < 500


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_expression, read_actions, read_steps):
        with contextlib.suppress(InvalidInput):
            read(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "I expected one of these"),
        ("wrds(a)", "Character 1 (`wrds(a)`): There is no “wrds”. Did you mean words?"),
        ("caps and nto lines", "Did you mean not?"),
        ("words(a) and", "At the end: I expected one of these"),
        ("words(a) caps", "Character 10 (`caps`): I expected the end"),
        ("words(a", "At the end: I expected “)”"),
        ("words(a, b=c)", "Character 10 (`b=c)`): words has no “b”"),
        ("words", "At `words`: This is needed"),
        ("words()", "At `words`: At least 1"),
        ("caps(7)", "At `percent`: At least 10"),
        ("caps(20, 20, 20)", "Too many values for caps"),
        ("regex(`fine`, `(`)", "patterns → #2"),
        ('words("a\\q")', "unknown escape"),
        ("account_younger_than(soon)", "is not a duration"),
        ("(" * 50, "goes too deep"),
        ("not " * 50 + "caps", "goes too deep"),
        ('{"all": []}', "At `all`: At least 1"),
        ('{"type": "caps", "percent": 200}', "At `percent`: At most 100"),
        ('{"type": "cap"}', "There is no cap here"),
        ("[" * 2000, "I expected one of these"),
        ("{" + '"not":{' * 600, "This is not JSON"),
        ("x" * 5000, "too long"),
        ("words(\x00)", "can't be stored"),
    ],
)
def test_expression_refusal_names_the_place(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_expression(text)

    assert said in refused.value.render("en")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dlete", "Did you mean delete?"),
        ("delete, , , bam", "Did you mean ban?"),
        ("timeout soon", "is not a duration"),
        ("tempban", "At `duration`: This is needed"),
        ("warn 1000", "At most 100"),
    ],
)
def test_actions_refusal_names_the_place(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_actions(text)

    assert said in refused.value.render("en")


def test_expression_reads_how_people_write() -> None:
    tree = read_expression("Words(idiot,  kill yourself , *bad) AND NOT (caps or has_roles(<@&5>))")

    assert tree.all[0].words == ("idiot", "kill yourself", "*bad")
    assert tree.all[1].negated.any[1].roles == (5,)
    assert read_expression("caps y no lines") == read_expression("caps and not lines")
    assert read_actions("timeout 1h\nwarn 2; ban") == read_actions("timeout(1h), warn(2), ban")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("links(a.example, mode=deny)", "links to `a.example`"),
        (
            "links(a.example, mode=deny, shorteners=true, blocked=true)",
            "links to `a.example`, known link shorteners, sites that the bot's operator blocks",
        ),
        ("links", "links"),
        (
            "links(a.example, blocked=true)",
            "links to other places than `a.example`, links to sites that the bot's operator blocks",
        ),
        ("duplicates(3, 60s)", "the same text 3 times by one member within 1 minute"),
        (
            "duplicates(3, 60s, tolerance=10)",
            "nearly the same text 3 times by one member within 1 minute",
        ),
        ("campaign(5, 60s)", "the same text by 5 members within 1 minute"),
        (
            "campaign(5, 60s, everyone=false)",
            "the same text by 5 members within 1 minute, about those who write it from then on",
        ),
    ],
)
def test_tree_in_words(text: str, said: str) -> None:
    assert describe_tree(read_expression(text)).render("en") == said


def test_items_are_apart_by_commas_or_lines() -> None:
    assert split_items("a, b\n c ,,a") == ["a", "b", "c"]
    assert split_items("a, b\nc", lines_only=True) == ["a, b", "c"]


GUIDE = (Path(__file__).parents[3] / "docs" / "automod.md").read_text(encoding="utf-8")


def test_lines_in_the_guide_are_read() -> None:
    [block] = re.findall(r"^```\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)

    options = re.findall(r"^\| `(\w+\(.*?\))` \|", GUIDE, re.MULTILINE)
    assert len(options) == 4

    for line in [*block.splitlines(), *options, "words(idiot, match=part, look_alikes=false)"]:
        tree = read_expression(line)
        assert read_expression(write_expression(tree)) == tree
