"""Interactions, from a person's click to the bot's answer and back, over the wire."""

from __future__ import annotations

import asyncio
from typing import Literal

import discord
import pytest
from discord import app_commands, ui

from bot.sandbox import Interaction, NotAnsweredError, NotPossibleError, Sandbox
from bot.sandbox.actor import Actor
from bot.sandbox.guild import Guild
from bot.sandbox.permissions import Permission
from tests.sandbox.conftest import Client

CHOICES = ["anchor", "buoy", "chain"]


class Form(ui.Modal, title="Tell us"):
    """A modal with a text field of each kind."""

    name = ui.TextInput(label="Name", custom_id="name", max_length=20)
    kind = ui.Label(
        text="Kind",
        component=ui.Select(
            custom_id="kind",
            options=[discord.SelectOption(label=text, value=text) for text in CHOICES],
        ),
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.kind.component, ui.Select)
        text = f"{self.name.value} wants {self.kind.component.values[0]}"
        await interaction.response.send_message(text)


class Panel(ui.View):
    """A message with a button, a modal opener and selects."""

    @ui.button(label="Press me", custom_id="press")
    async def press(self, interaction: discord.Interaction, button: ui.Button[Panel]) -> None:
        await interaction.response.edit_message(content=f"pressed by {interaction.user.id}")

    @ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, button: ui.Button[Panel]) -> None:
        await interaction.response.send_modal(Form())

    @ui.button(label="Work", custom_id="work")
    async def work(self, interaction: discord.Interaction, button: ui.Button[Panel]) -> None:
        await interaction.response.defer()
        await asyncio.sleep(0.05)
        await interaction.edit_original_response(content="worked")

    @ui.button(label="Rest", custom_id="rest")
    async def rest(self, interaction: discord.Interaction, button: ui.Button[Panel]) -> None:
        await interaction.response.defer()

    @ui.select(cls=ui.UserSelect, custom_id="who")
    async def who(self, interaction: discord.Interaction, select: ui.UserSelect[Panel]) -> None:
        await interaction.response.send_message(select.values[0].display_name, ephemeral=True)


@pytest.fixture
async def ada(client: Client, sandbox: Sandbox, guild: Guild) -> Actor:
    """A member of a guild whose bot has registered the commands below."""
    tree = client.tree

    @tree.command()
    async def greet(
        interaction: discord.Interaction, who: discord.Member, kind: Literal["join", "leave"]
    ) -> None:
        """Greet someone."""
        await interaction.response.send_message(f"{kind}: {who.display_name}", ephemeral=True)

    @tree.command()
    async def slow(interaction: discord.Interaction, private: bool = False) -> None:
        """Think first."""
        await interaction.response.defer(thinking=True, ephemeral=private)
        await interaction.edit_original_response(content="thought")
        await interaction.followup.send("and more")

    @tree.command()
    async def mute(interaction: discord.Interaction) -> None:
        """Never answer."""

    @tree.command()
    async def panel(interaction: discord.Interaction) -> None:
        """Show the panel."""
        await interaction.response.send_message("the panel", view=Panel())

    @tree.command()
    @app_commands.default_permissions(manage_guild=True)
    async def admin(interaction: discord.Interaction) -> None:
        """For admins."""
        await interaction.response.send_message(interaction.locale.value)

    @tree.command()
    async def pick(interaction: discord.Interaction, thing: str) -> None:
        """Pick a thing."""
        await interaction.response.send_message(thing)

    @pick.autocomplete("thing")
    async def offer(
        interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=text, value=text) for text in CHOICES if current in text]

    @tree.context_menu(name="Quote")
    async def quote(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"> {message.content}")

    @tree.context_menu(name="Inspect")
    async def inspect(interaction: discord.Interaction, member: discord.Member) -> None:
        await interaction.response.send_message(member.name)

    @tree.command()
    async def evidence(interaction: discord.Interaction) -> None:
        """Hand something in."""
        await interaction.response.send_modal(Report())

    group = app_commands.Group(name="harbour", description="The harbour")

    @group.command(name="open")
    async def open_harbour(interaction: discord.Interaction, at: discord.TextChannel) -> None:
        """Open it."""
        await interaction.response.send_message(f"open at {at.name}")

    tree.add_command(group)
    await tree.sync()
    return sandbox.join(guild, "ada", global_name="Ada", locale="es-ES")


async def test_slash_command_gets_an_ephemeral_answer(ada: Actor, guild: Guild) -> None:
    general = guild.channel("general")
    answer = await ada.slash(general, "greet", who=ada.member, kind="leave")
    assert answer.content == "leave: Ada"
    assert answer.ephemeral
    assert not general.messages


async def test_subcommand_with_a_channel(ada: Actor, guild: Guild) -> None:
    general = guild.channel("general")
    answer = await ada.slash(general, "harbour open", at=guild.channel("welcome"))
    assert answer.content == "open at welcome"
    assert answer.response is not None
    assert answer.response.id in general.messages


async def test_deferred_answer_is_awaited_with_its_follow_up(
    ada: Actor, sandbox: Sandbox, guild: Guild
) -> None:
    answer = await ada.slash(guild.channel("general"), "slow")
    assert answer.content == "thought"
    assert not answer.deferred
    await sandbox.wait_for_message(containing="and more")
    assert [message.content for message in answer.messages] == ["thought", "and more"]


async def test_deferred_private_answer_stays_private(ada: Actor, guild: Guild) -> None:
    answer = await ada.slash(guild.channel("general"), "slow", private=True)
    assert answer.ephemeral
    assert answer.response is not None
    assert answer.response.id not in guild.channel("general").messages


async def test_button_click_edits_the_message(ada: Actor, guild: Guild) -> None:
    panel = await ada.slash(guild.channel("general"), "panel")
    clicked = await ada.click(panel, "press")
    assert clicked.response is panel.response
    assert panel.content == f"pressed by {ada.id}"


async def test_select_resolves_the_chosen_member(
    ada: Actor, sandbox: Sandbox, guild: Guild
) -> None:
    bob = sandbox.join(guild, "bob", global_name="Bob")
    panel = await ada.slash(guild.channel("general"), "panel")
    answer = await ada.select(panel, "who", [bob.member])
    assert answer.content == "Bob"
    assert answer.ephemeral


async def test_modal_is_filled_in_and_submitted(ada: Actor, guild: Guild) -> None:
    panel = await ada.slash(guild.channel("general"), "panel")
    opened = await ada.click(panel, "Form")
    assert opened.modal is not None
    answer = await ada.submit_modal(opened, name="Ada", kind=["buoy"])
    assert answer.content == "Ada wants buoy"


@pytest.mark.parametrize(
    "values",
    [{"kind": ["buoy"]}, {"name": "x" * 21, "kind": ["buoy"]}, {"name": "x", "kind": ["?"]}],
)
async def test_modal_refuses_what_the_client_would(
    ada: Actor, guild: Guild, values: dict[str, object]
) -> None:
    opened = await ada.click(await ada.slash(guild.channel("general"), "panel"), "form")
    with pytest.raises(NotPossibleError):
        await ada.submit_modal(opened, values)


async def test_autocomplete_offers_choices(ada: Actor, guild: Guild) -> None:
    offered = await ada.autocomplete(guild.channel("general"), "pick", "thing", "ch")
    assert [choice["value"] for choice in offered] == ["anchor", "chain"]


async def test_autocomplete_of_an_option_that_does_not_complete(ada: Actor, guild: Guild) -> None:
    general = guild.channel("general")
    assert await ada.autocomplete(general, "greet", "who", "a") == []
    offered = await ada.autocomplete(general, "greet", "kind", "LEA")
    assert [choice["value"] for choice in offered] == ["leave"]
    with pytest.raises(NotPossibleError):
        await ada.autocomplete(general, "pick", "colour", "")


async def test_click_waits_for_the_edit_that_follows(
    ada: Actor, guild: Guild, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = await ada.slash(guild.channel("general"), "panel")
    assert (await ada.click(panel, "work")).content == "worked"
    monkeypatch.setattr("bot.sandbox.interactions.EDIT_SECONDS", 0.01)
    assert (await ada.click(panel, "rest")).content == "worked"


async def test_context_menus(ada: Actor, guild: Guild) -> None:
    general = guild.channel("general")
    message = ada.send(general, "well said")
    assert (await ada.context_menu(general, "Quote", message)).content == "> well said"
    assert (await ada.context_menu(general, "Inspect", ada.member)).content == "ada"


async def test_permissions_and_locale_reach_the_bot(
    ada: Actor, sandbox: Sandbox, guild: Guild
) -> None:
    general = guild.channel("general")
    with pytest.raises(NotPossibleError):
        await ada.slash(general, "admin")
    guild.add_member_role(ada.member, guild.add_role("mods", permissions=Permission.MANAGE_GUILD))
    assert (await ada.slash(general, "admin")).content == "es-ES"


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("nothing", {}),
        ("harbour", {}),
        ("harbour close", {}),
        ("greet", {}),
        ("pick", {"thing": "x", "more": 1}),
    ],
)
async def test_impossible_commands_are_refused(
    ada: Actor, guild: Guild, command: str, options: dict[str, object]
) -> None:
    with pytest.raises(NotPossibleError):
        await ada.slash(guild.channel("general"), command, options=options)


async def test_ephemeral_message_is_for_one_person(
    ada: Actor, sandbox: Sandbox, guild: Guild
) -> None:
    answer = await ada.slash(guild.channel("general"), "greet", who=ada.member, kind="join")
    bob = sandbox.join(guild, "bob")
    with pytest.raises(NotPossibleError):
        await bob.click(answer, "press")


async def test_unanswered_command_fails(ada: Actor, guild: Guild) -> None:
    interaction = await ada.slash(guild.channel("general"), "mute", wait=False)
    with pytest.raises(NotAnsweredError):
        await interaction.answered(0.1)


async def test_late_answer_is_refused_with_10062(client: Client, ada: Actor, guild: Guild) -> None:
    ada.sandbox.interactions.ack_window = 0.0
    arrived: asyncio.Future[discord.Interaction] = asyncio.get_running_loop().create_future()
    client.add_listener(_catch(arrived), "on_interaction")
    await ada.slash(guild.channel("general"), "mute", wait=False)
    interaction = await arrived
    with pytest.raises(discord.NotFound) as failure:
        await interaction.response.send_message("too late")
    assert failure.value.code == 10062


async def test_second_answer_is_refused_with_40060(
    client: Client, ada: Actor, guild: Guild
) -> None:
    arrived: asyncio.Future[discord.Interaction] = asyncio.get_running_loop().create_future()
    client.add_listener(_catch(arrived), "on_interaction")
    await ada.slash(guild.channel("general"), "mute", wait=False)
    interaction = await arrived
    await interaction.response.send_message("first")
    interaction.response._response_type = None
    with pytest.raises(discord.HTTPException) as failure:
        await interaction.response.send_message("second")
    assert failure.value.code == 40060


async def test_expired_token_is_refused_with_50027(
    client: Client, ada: Actor, guild: Guild
) -> None:
    arrived: asyncio.Future[discord.Interaction] = asyncio.get_running_loop().create_future()
    client.add_listener(_catch(arrived), "on_interaction")
    await ada.slash(guild.channel("general"), "mute", wait=False)
    interaction = await arrived
    await interaction.response.send_message("first")
    ada.sandbox.interactions.token_lifetime = 0.0
    with pytest.raises(discord.HTTPException) as failure:
        await interaction.followup.send("more")
    assert (failure.value.status, failure.value.code) == (401, 50027)


def _catch(future: asyncio.Future[discord.Interaction]):
    async def on_interaction(interaction: discord.Interaction) -> None:
        if not future.done():
            future.set_result(interaction)

    return on_interaction


async def test_command_in_direct_messages(ada: Actor, sandbox: Sandbox) -> None:
    channel = sandbox.world.open_dm(ada.user, sandbox.application.user)
    answer = await sandbox.actor(ada.user).slash(channel, "pick", thing="anchor")
    assert answer.content == "anchor"
    assert answer.response is not None
    assert answer.response.id in channel.messages


class Report(ui.Modal, title="Appeal"):
    """A modal with a field of every kind that takes more than text."""

    proof = ui.Label(text="Proof", component=ui.FileUpload(custom_id="proof", max_values=2))
    who = ui.Label(text="Who", component=ui.UserSelect(custom_id="who"))
    where = ui.Label(text="Where", component=ui.ChannelSelect(custom_id="where"))
    which = ui.Label(text="Which", component=ui.RoleSelect(custom_id="which"))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        proof, who, where, which = (
            label.component.values  # type: ignore[attr-defined]
            for label in (self.proof, self.who, self.where, self.which)
        )
        read = (await proof[0].read()).decode()
        names = (proof[0].filename, read, who[0].name, where[0].name, which[0].name)
        await interaction.response.send_message(" ".join(names))


class Appeal(ui.View):
    """What a banned person finds in their direct messages."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @ui.button(label="Appeal", custom_id="appeal")
    async def appeal(self, interaction: discord.Interaction, _: ui.Button[Appeal]) -> None:
        await interaction.response.send_modal(Report())

    @ui.button(label="Status", custom_id="status")
    async def status(self, interaction: discord.Interaction, _: ui.Button[Appeal]) -> None:
        assert interaction.guild is None
        await interaction.response.send_message(f"hello {interaction.user.name}", ephemeral=True)
        await interaction.followup.send("one moment")


async def test_banned_person_acts_in_their_direct_messages(
    client: Client, ada: Actor, guild: Guild, sandbox: Sandbox
) -> None:
    user = await client.fetch_user(ada.id)
    notice = await user.send("you were banned", view=Appeal())
    guild.ban(ada.user)
    away = sandbox.actor(ada.user)
    channel = sandbox.world.open_dm(ada.user, sandbox.application.user)
    answer = await away.click(channel.messages[notice.id], "status")
    assert answer.content == "hello ada"
    assert await _until_followed_up(answer) == "one moment"


async def _until_followed_up(answer: Interaction) -> str:
    async with asyncio.timeout(30):
        while not answer.followups:
            await asyncio.sleep(0)
    return answer.followups[0].content


async def test_modal_takes_files_and_choices(ada: Actor, guild: Guild) -> None:
    general = guild.channel("general")
    role = guild.add_role("crew")
    form = await ada.slash(general, "evidence")
    answer = await ada.submit_modal(
        form,
        proof=[("proof.txt", b"seen")],
        who=[ada.user],
        where=[guild.channel("welcome")],
        which=[role],
    )
    assert answer.content == "proof.txt seen ada welcome crew"
    with pytest.raises(NotPossibleError):
        await ada.submit_modal(form, who=[ada.user], where=[general], which=[role])
    three = [("a", b"a")] * 3
    with pytest.raises(NotPossibleError):
        await ada.submit_modal(form, proof=three, who=[ada.user], where=[general], which=[role])


async def test_context_menu_resolves_its_target(ada: Actor, guild: Guild, sandbox: Sandbox) -> None:
    general = guild.channel("general")
    bob = sandbox.join(guild, "bob")
    files = [("log.txt", b"log")]
    message = bob.send(general, "well said", files=files)
    quoted = await ada.context_menu(general, "Quote", message)
    resolved = quoted.data["resolved"]
    shown = resolved["messages"][str(message.id)]
    assert (shown["content"], shown["attachments"][0]["filename"]) == ("well said", "log.txt")
    assert shown["author"]["id"] == str(bob.id)
    inspected = await ada.context_menu(general, "Inspect", bob.member)
    resolved = inspected.data["resolved"]
    assert set(resolved["users"]) == set(resolved["members"]) == {str(bob.id)}
    assert "permissions" in resolved["members"][str(bob.id)]
