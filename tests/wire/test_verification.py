"""The gate over the wire: screening first, then letters in a picture, a pause, staff by hand."""

from __future__ import annotations

import re

import pytest

from bot.core.contracts import SYSTEM
from bot.core.i18n import Message
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.interactions import Interaction
from cogs.verification import gate
from cogs.verification.easel import Easel
from cogs.verification.words import WordQuestion
from tests.wire.running import config_for, running, until


def said(interaction: Interaction) -> str:
    assert interaction.response is not None
    return interaction.response.text()


async def test_member_passes_screening_then_the_gate(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    draw = Easel.draw

    async def noting(self: Easel, letters: str) -> bytes:
        drawn.append(letters)
        return await draw(self, letters)

    monkeypatch.setattr(Easel, "draw", noting)
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    role, lobby, staff = guild.add_role("Sailor"), guild.channel("welcome"), guild.channel("staff")
    changes = {
        "channel_id": str(lobby.id),
        "log_channel_id": str(staff.id),
        "verified_role_id": str(role.id),
        "method": "captcha",
        "attempts": 2,
    }
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = bot.kernel
        await until(lambda: kernel.state().guild(guild.id), what="the guild")
        await kernel.settings.change(guild.id, "verification", changes, enabled=True, actor=SYSTEM)
        await owner.slash(lobby, "verification post")
        panel = await sandbox.wait_for_message(lobby, containing="Press the button")

        # Screening comes first, and verification is no way around it.
        ann = sandbox.join(guild, "ann", pending=True)
        told = await ann.click(panel, "verification:begin")
        assert "accept this server's rules" in said(told)
        ann.pass_screening()
        shown = await ann.click(panel, "verification:begin")
        form = await ann.click(shown, "Enter the text")
        await ann.submit_modal(form, {"typed": drawn[-1]})
        await until(lambda: role.id in ann.member.roles, what="the role")

        # Wrong answers lead to a pause; staff may end it.
        bob = sandbox.join(guild, "bob")
        shown = await bob.click(panel, "verification:begin")
        for _wrong in range(2):
            form = await bob.click(shown, "Enter the text")
            await bob.submit_modal(form, {"typed": "wrong"})
        told = await bob.click(panel, "verification:begin")
        assert re.search(r"too many attempts.*<t:\d+:R>", said(told))
        await owner.slash(lobby, "verification manual", member=bob.member)
        await until(lambda: role.id in bob.member.roles, what="the role by hand")

        await until(lambda: len(staff.messages) == 3, what="the log")
        titles = [one.embeds[0]["title"] for one in staff.messages.values()]
        assert titles == ["Verified", "Too many attempts to verify", "Verified by staff"]


@pytest.mark.parametrize("method", ["button", "form", "captcha"])
async def test_gate_works_without_the_members_intent(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    question = WordQuestion(Message("Say ship"), "ship")
    monkeypatch.setattr(gate, "draw_words", lambda _random, _locale: question)
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    new, lobby = guild.add_role("Sailor"), guild.channel("welcome")
    old = guild.add_role("Newcomer")
    changes = {
        "channel_id": str(lobby.id),
        "verified_role_id": str(new.id),
        "unverified_role_id": str(old.id),
        "method": method,
        "questions": ["Who may post here? = everyone"],
    }
    config = config_for(sandbox, sqlite_url, discord={"members_intent": False})
    async with running(config) as bot:
        kernel = bot.kernel
        await until(lambda: kernel.state().guild(guild.id), what="the guild")
        await kernel.settings.change(guild.id, "verification", changes, enabled=True, actor=SYSTEM)
        await owner.slash(lobby, "verification post")
        panel = await sandbox.wait_for_message(lobby, containing="Press the button")
        ann = sandbox.join(guild, "ann")
        guild.add_member_role(ann.member, old)

        pressed = await ann.click(panel, "verification:begin")
        if method == "form":
            await ann.submit_modal(pressed, {"answer1": "Everyone"})
        if method == "captcha":
            # What a screen reader reads out is as good as the picture.
            asked = await ann.click(pressed, "Question in words")
            assert "Say ship" in said(asked)
            form = await ann.click(asked, "Answer")
            await ann.submit_modal(form, {"typed": "ship"})
        await until(lambda: ann.member.roles == (new.id,), what="the roles")
        # Nobody is reminded or removed, so nothing is missed and nothing is said of it.
        problems = await kernel.problems.find(guild.id, "verification")
        assert [one.cause for one in problems] == []
