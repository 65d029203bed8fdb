"""Which invites a text holds, as browsers and people read them."""

from __future__ import annotations

import pytest

from cogs.automod.rules.invites import Invite, invites_of
from cogs.automod.rules.values import InviteBook
from cogs.automod.rules.views import Views
from cogs.automod.rules.windows import Windows
from tests.cogs.automod.rules.corpora import message
from tests.cogs.automod.rules.judging import context, engine

MADE = engine({"when": {"type": "invites"}})
BOOK = InviteBook({"Abcdef": 9, "abcdef": 9})


def codes(text: str) -> list[str]:
    return [one.code for one in invites_of(Views(text))]


@pytest.mark.parametrize(
    "text",
    [
        "discord.gg/Abcdef",
        "discord.gg/Abcdef/x",
        "DISCORD.GG/Abcdef?event=1",
        "discord。gg/Abcdef",
        "discord｡gg/Abcdef",
        "discord．gg/Abcdef",
        "discord.gg:443/Abcdef",
        "discord.gg./Abcdef",
        "discord.gg.:443/Abcdef",
        "discord.com:443/invite/Abcdef",
        "discord.com./invite/Abcdef",
        "https://canary.discord.com/invite/Abcdef",
        "discord.com/./invite/Abcdef",
        "discord.com/x/../invite/Abcdef",
        "discord.com/x/y/../../invite/./Abcdef",
        "discord.com/%2e%2e/invite/Abcdef",
        "discord.com\\x\\..\\invite\\Abcdef",
        f"discord.com/{'x/../' * 20}invite/Abcdef",
        "discord.com//invite//Abcdef",
        "discord.com / invite / Abcdef",
        "discord.gg/./Abcdef",
        "discord.gg/x/../Abcdef",
        "discord.gg/invite/Abcdef",
        "discord.gg/1nvite/Abcdef",
        "discord[.]gg/Abcdef",
        "discord(dot)gg/Abcdef",
        "discord {punto} gg/Abcdef",
        "discord dot gg / Abcdef",
        "discord(.)com/invite/Abcdef",
        "d i s c o r d . g g / Abcdef",
        "d-i-s-c-o-r-d.gg/Abcdef",
        "d i s c o r d . g g / A b c d e f",
        "discord.gg/A b c d e f",
        "[x](https://discord.gg:443/Abcdef)",
        "[x](https://discord%2Egg/Abcdef)",
        "[.]gg/Abcdef",
        ".gg:443/Abcdef",
    ],
)
def test_invite_is_found_however_it_is_written(text: str) -> None:
    assert codes(text) == ["Abcdef"]
    found = MADE.judge(message(text), context(invites=BOOK), Windows())
    assert found is not None
    assert found.is_hit


@pytest.mark.parametrize(
    "text",
    [
        "discord.com/channels/1/2",
        "discord.com/invite",
        "discord.com/invite/..",
        "discord.com/invite/../channels/12",
        "discord.com/x/invite/abcdef",
        "discord.gg",
        "discord.gg is / was nice",
        "discord.gg/ ",
        "d i s c o r d . g g",
        "discord and gg/wp",
        "gg/wp",
        "dsc is short for discord",
        "discord.gg/a",
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert codes(text) == []
    assert MADE.judge(message(text), context(invites=BOOK), Windows()) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [("dsc.gg/abc", "abc"), ("discord.me/abc", "abc"), ("discord.io:443/abc", "abc"),
     ("discord.li./abc", "abc"), ("dsc(dot)gg/abc", "abc")],
)  # fmt: skip
def test_invite_on_a_foreign_site(text: str, code: str) -> None:
    [found] = invites_of(Views(text))

    assert (found.code, found.foreign) == (code, True)


def test_invite_has_its_place_and_its_code_its_case() -> None:
    text = "come to discord.gg/AbC now, or to discord.gg/AbC"

    assert invites_of(Views(text)) == [Invite("AbC", 8, 22)]
