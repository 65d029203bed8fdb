"""/customcommand in a running bot: forms, previews, bad input, and commands used by members."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest

from bot.core.contracts import SYSTEM, Actor
from bot.core.i18n import LANGUAGES
from cogs.customcommand.book import KEY
from cogs.customcommand.cog import CustomCommands, pages_of
from cogs.customcommand.registrations import registrations
from cogs.customcommand.rules import Command, Draft, EmbedTexts, Response
from cogs.customcommand.wording import describe, info
from db.engine import Database
from tests.cogs.customcommand.world import draft
from tests.simcord_env import Bench, running_bench, speaking

ROOT = Actor(9, "web", "root")


@dataclass
class Desk:
    """A guild with an admin and a plain member, and the cog at work."""

    bench: Bench
    guild: Any
    channel: Any
    boss: Any
    ada: Any
    crew: Any

    @property
    def cog(self) -> CustomCommands:
        cog = self.bench.bot.get_cog("CustomCommands")
        assert isinstance(cog, CustomCommands)
        return cog

    async def say(self, command: str, /, **options: Any) -> str:
        """Run a command as the admin and return what was answered."""
        result = await self.boss.slash(self.channel, command, **options)
        return text_of(result.response)

    async def open(self, command: str, /, **options: Any) -> Any:
        """Run a command that opens the form."""
        return await self.boss.slash(self.channel, command, **options)

    async def fill(self, form: Any, **values: str) -> Any:
        """Submit the form and return the message that follows."""
        result = await self.boss.submit_modal(form, values)
        return result.followups[-1] if result.followups else result.response

    async def add(self, name: str, text: str, **options: Any) -> None:
        """Add a command through form and preview."""
        preview = await self.fill(await self.open(f"{KEY} add", name=name, **options), text=text)
        await self.boss.click(preview, label="Save")

    async def known(self) -> tuple[Command, ...]:
        """Return the commands as they are in the database."""
        self.cog.book.forget(self.guild.id)
        return await self.cog.book.commands(self.guild.id)

    async def register(self) -> None:
        """Do what the job does with Discord; simcord knows a smaller part of its API."""
        bodies: list[Any] = registrations(await self.known(), (), "en")
        bot = self.bench.bot
        assert bot.application_id is not None
        await bot.http.bulk_upsert_guild_commands(bot.application_id, self.guild.id, bodies)

    async def switch_on(self) -> None:
        await self.bench.kernel.settings.change(self.guild.id, KEY, {}, enabled=True, actor=SYSTEM)


def text_of(message: Any) -> str:
    parts = [message.content or ""]
    parts += [f"{one.title}\n{one.description}" for one in message.embeds]
    return "\n".join(parts)


def menus_of(message: Any) -> list[str]:
    """Return the ids of a message's menus in their order."""
    shown = message.message if hasattr(message, "message") else message
    rows = [one.to_dict() for one in shown.components]
    parts = [part for row in rows for part in row["components"]]
    return [one["custom_id"] for one in parts if one["type"] != discord.ComponentType.button.value]


@pytest.fixture
async def desk(sqlite_database: Database) -> AsyncIterator[Desk]:
    async with running_bench(sqlite_database) as bench:
        guild = bench.env.create_guild("Harbour")
        crew = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
        boss = guild.add_member(bench.env.create_user("boss"), roles=[crew])
        ada = guild.add_member(bench.env.create_user("ada"))
        yield Desk(bench, guild, guild.create_text_channel("general"), boss, ada, crew)


async def test_add_shows_a_preview_and_saves(desk: Desk) -> None:
    form = await desk.open(
        f"{KEY} add",
        name="Hug",
        description="Hug somebody",
        cooldown="30s",
        aliases="cuddle, squeeze",
    )
    preview = await desk.fill(
        form, text="{user.name} hugs {1}\n---\nno hug", title="A hug", colour="red"
    )
    shown = text_of(preview)
    assert "nothing is saved yet" in shown
    assert "**/hug** Hug somebody" in shown
    assert "/cuddle, /squeeze" in shown
    assert "30 seconds" in shown
    assert ("boss hugs some" in shown) or ("no hug" in shown)
    assert "A hug" in shown
    assert await desk.known() == ()

    saved = await desk.boss.click(preview, label="Save")
    assert "switched off here" in text_of(saved.response)
    [command] = await desk.known()
    assert command.draft.names == ("hug", "cuddle", "squeeze")
    assert command.draft.response.texts == ("{user.name} hugs {1}", "no hug")
    assert command.draft.response.embed is not None
    assert command.created_by == desk.boss.id


async def test_role_that_the_author_may_not_mention_is_refused(desk: Desk) -> None:
    open_to_all = desk.guild.create_role("Open", mentionable=True)
    for role, is_saved in ((desk.crew, False), (open_to_all, True)):
        form = await desk.open(f"{KEY} add", name="call")
        preview = await desk.fill(form, text=f"<@&{role.id}> come")
        pressed = await desk.boss.click(preview, label="Save")
        assert bool(await desk.known()) == is_saved
        refusals = [one for one in pressed.followups if "may not notify" in one.content]
        assert bool(refusals) != is_saved


async def test_mistake_in_the_answer_keeps_what_was_typed(desk: Desk) -> None:
    form = await desk.open(f"{KEY} add", name="hug")
    refused = await desk.fill(form, text="{user.nam} hugs", title="Kept")
    assert "Text: There is no variable {user.nam} (character 1)." in refused.content
    assert "{user.name}" in refused.content
    again = await desk.boss.click(refused, label="Correct it")
    assert "{user.nam} hugs" in str(again.modal)
    assert "Kept" in str(again.modal)
    preview = await desk.fill(again, text="{user.name} hugs")
    await desk.boss.click(preview, label="Save")
    assert len(await desk.known()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "two words"}, "Discord takes no command called `two words`"),
        ({"name": "help"}, "I have a command /help myself"),
        ({"name": "ayuda"}, "I have a command /ayuda myself"),
        ({"name": "hug", "cooldown": "soon"}, "is not a duration"),
        ({"name": "hug", "aliases": "a b! c"}, "`b!`"),
    ],
)
async def test_bad_options_are_told_before_the_form(
    desk: Desk, options: dict[str, str], said: str
) -> None:
    assert said in await desk.say(f"{KEY} add", **options)


async def test_preview_can_be_changed_restricted_and_left(desk: Desk) -> None:
    preview = await desk.fill(await desk.open(f"{KEY} add", name="hug"), text="One")
    again = await desk.boss.click(preview, label="Change the answer")
    preview = await desk.fill(again, text="Two")
    roles, channels = menus_of(preview)
    await desk.boss.select(preview, [desk.crew], custom_id=roles)
    await desk.boss.select(preview, [desk.channel], custom_id=channels)
    await desk.boss.click(preview, label="Save")
    [command] = await desk.known()
    assert command.draft.response.texts == ("Two",)
    assert command.draft.role_ids == (desk.crew.id,)
    assert command.draft.channel_ids == (desk.channel.id,)

    left = await desk.fill(await desk.open(f"{KEY} add", name="kiss"), text="One")
    await desk.boss.click(left, label="Cancel")
    assert len(await desk.known()) == 1


async def test_edit_begins_with_what_there_is(desk: Desk) -> None:
    await desk.add("hug", "One\n---\nTwo", cooldown="1h")
    form = await desk.open(f"{KEY} edit", command="hug", name="cuddle", cooldown="0", enabled=False)
    assert "One\n---\nTwo" in str(form.modal) or "One\\n---\\nTwo" in str(form.modal)
    preview = await desk.fill(form, text="Three")
    await desk.boss.click(preview, label="Save")
    [command] = await desk.known()
    assert (command.draft.name, command.draft.response.texts) == ("cuddle", ("Three",))
    assert not command.draft.cooldown
    assert not command.draft.enabled
    assert command.revision == 2


async def test_edit_of_what_somebody_removed_is_told(desk: Desk) -> None:
    await desk.add("hug", "One")
    preview = await desk.fill(await desk.open(f"{KEY} edit", command="hug"), text="Two")
    [seen] = await desk.known()
    await desk.cog.book.remove(seen, ROOT)
    result = await desk.boss.click(preview, label="Save")
    assert "removed /hug meanwhile" in (result.followups[-1].content)
    assert await desk.known() == ()


async def test_remove_asks_first(desk: Desk) -> None:
    await desk.add("hug", "One")
    asked = await desk.boss.slash(desk.channel, f"{KEY} remove", command="hug")
    assert "Remove /hug? Nobody has used it yet." in asked.response.content
    await desk.boss.click(asked.response, label="Yes, go ahead")
    assert await desk.known() == ()


async def test_list_info_and_variables_tell_all(desk: Desk) -> None:
    assert "no commands yet" in await desk.say(f"{KEY} list")
    await desk.add("hug", "{user.name} hugs {1}", description="A *hug*", aliases="cuddle")
    listed = await desk.say(f"{KEY} list")
    assert r"🟢 **/hug, /cuddle**: A \*hug\* · 0 uses" in listed
    told = await desk.say(f"{KEY} info", command="cuddle")
    assert "{user.name} hugs {1}" in told
    assert f"<@{desk.boss.id}>" in told
    assert "no custom command `hag`" in await desk.say(f"{KEY} info", command="hag")
    assert "`{user.mention}` a mention" in await desk.say(f"{KEY} variables")


async def test_members_may_not_manage_and_are_offered_nothing(desk: Desk) -> None:
    await desk.add("hug", "One")
    refused = await desk.ada.slash(desk.channel, f"{KEY} remove", command="hug")
    assert "Manage Server" in refused.response.content
    assert await desk.ada.autocomplete(desk.channel, f"{KEY} info", "command", "h") == []
    offered = await desk.boss.autocomplete(desk.channel, f"{KEY} info", "command", "H")
    assert [one["value"] for one in offered] == ["hug"]


async def test_member_uses_the_command(desk: Desk) -> None:
    await desk.add("hug", "{user.mention} hugs {args}", aliases="cuddle")
    await desk.switch_on()
    await desk.register()
    used = await desk.ada.slash(desk.channel, "cuddle", text="@everyone")
    assert used.response.content == f"<@{desk.ada.id}> hugs @everyone"
    assert not used.response.ephemeral
    assert not used.response.message.mention_everyone
    told = await desk.say(f"{KEY} info", command="hug")
    assert "Uses: 1" in told


async def test_refusals_are_for_the_members_eyes_in_their_language(desk: Desk) -> None:
    await desk.cog.book.add(desk.guild.id, draft("hug", role_ids=(desk.crew.id,)), ROOT)
    await desk.switch_on()
    await desk.register()
    async with speaking("es-ES"):
        refused = await desk.ada.slash(desk.channel, "hug")
    assert "/hug no es para ti" in refused.response.content
    assert refused.response.ephemeral


async def test_command_that_is_gone_or_off_still_answers(desk: Desk) -> None:
    await desk.add("hug", "One")
    await desk.register()
    off = await desk.ada.slash(desk.channel, "hug")
    assert "switched off here" in off.response.content
    await desk.switch_on()
    [seen] = await desk.known()
    await desk.cog.book.remove(seen, ROOT)
    gone = await desk.ada.slash(desk.channel, "hug")
    assert "removed just now" in gone.response.content
    assert gone.response.ephemeral


async def test_help_shows_the_guilds_own_commands_to_those_who_may_use_them(desk: Desk) -> None:
    await desk.add("hug", "One")
    oath = Draft("oath", Response(("Two",)), role_ids=(desk.crew.id,))
    await desk.cog.book.add(desk.guild.id, oath, ROOT)
    shown = await desk.ada.slash(desk.channel, "help", command="hug")
    assert not shown.response.embeds
    await desk.switch_on()
    shown = await desk.ada.slash(desk.channel, "help", command="hug")
    assert shown.response.embeds[0].title == "/hug"
    fields = (await desk.ada.slash(desk.channel, "help")).response.embeds[-1].fields
    assert "`/hug`" in fields[-1].value
    assert "oath" not in fields[-1].value


def test_texts_fit_however_long_names_are() -> None:
    names = [f"{number}".rjust(32, "-") for number in range(6)]
    longest = Draft(
        names[0],
        Response(("```" * 1000,), EmbedTexts("*" * 300, "_" * 3000)),
        "*" * 100,
        timedelta(days=7),
        tuple(names[1:]),
        channel_ids=tuple(range(10**18, 10**18 + 25)),
        role_ids=tuple(range(10**18, 10**18 + 25)),
    )
    now = datetime(2026, 6, 1, tzinfo=UTC)
    command = Command(1, 1, 2, longest, now, 10**18, now, 10**18, 10**9, now)
    for locale in LANGUAGES:
        pages = pages_of([command] * 100, locale)
        assert max(len(page.description or "") for page in pages) <= 4096
        assert len(info(command, locale)) <= 4096
        assert len(describe(longest, locale)) <= 1900
