"""Role menus over the wire: posted, pressed, pressed again after a restart, and by reaction."""

from __future__ import annotations

from bot.core.contracts import SYSTEM
from bot.sandbox import Sandbox
from bot.sandbox.actor import Actor as Person
from bot.sandbox.guild import Guild
from bot.sandbox.models import Message, Role
from tests.wire.running import Bot, config_for, running, until


async def switch_on(bot: Bot, guild: Guild) -> None:
    kernel = bot.kernel
    await until(lambda: kernel.state().guild(guild.id), what="the guild")
    await kernel.settings.change(guild.id, "rolemenus", {}, enabled=True, actor=SYSTEM)


async def make(owner: Person, guild: Guild, title: str, roles: list[Role], **how: str) -> Message:
    """Make a menu and post it; gives its message."""
    channel = guild.channel("general")
    form = await owner.slash(channel, "rolemenu create", options=dict(how))
    filled = {"title": title, "text": "Pick one", "roles": roles}
    made = await owner.submit_modal(form, filled)
    assert made.response is not None
    assert title in made.response.text()
    before = set(channel.messages)
    posted = await owner.slash(channel, "rolemenu post", menu=title)
    assert posted.response is not None
    assert "Done: see" in posted.response.text()
    new = await until(lambda: set(channel.messages) - before, what="the menu's message")
    return channel.messages[max(new)]


async def test_button_works_after_a_restart(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann = sandbox.join(guild, "ann")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    red, blue = (guild.add_role(name, permissions=0) for name in ("Red", "Blue"))
    config = config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})
    async with running(config) as bot:
        await switch_on(bot, guild)
        message = await make(owner, guild, "Colours", [red, blue], mode="unique")

        pressed = await ann.click(message, "Red")
        assert pressed.response is not None
        assert pressed.response.text() == f"✅ You have <@&{red.id}> now."
        await until(lambda: ann.member.roles == (red.id,), what="the role")

    async with running(config):
        await ann.click(message, "Blue")
        await until(lambda: ann.member.roles == (blue.id,), what="the other role")


async def test_presses_have_a_limit_that_is_told(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, bob = sandbox.join(guild, "ann"), sandbox.join(guild, "bob")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    red = guild.add_role("Red", permissions=0)
    config = config_for(sandbox, sqlite_url, limits={"press": "2/60"})
    async with running(config) as bot:
        await switch_on(bot, guild)
        message = await make(owner, guild, "Colours", [red])
        for _number in range(2):
            await ann.click(message, "Red")

        third = await ann.click(message, "Red")

        assert third.response is not None
        assert third.ephemeral
        assert "too fast" in third.response.text()
        other = await bob.click(message, "Red")
        assert other.response is not None
        assert "You have" in other.response.text()


async def test_reaction_gives_switches_and_is_taken_back(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann = sandbox.join(guild, "ann")
    letters = sandbox.world.open_dm(sandbox.application.user, ann.user)
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    red, blue = (guild.add_role(name, permissions=0) for name in ("Red", "Blue"))
    config = config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})
    async with running(config) as bot:
        await switch_on(bot, guild)
        message = await make(owner, guild, "Colours", [red, blue], style="reactions", mode="unique")
        await until(lambda: list(message.reactions) == ["🔴", "🟠"], what="the bot's reactions")

        ann.react(message, "🔴")
        await until(lambda: ann.member.roles == (red.id,), what="the role")
        ann.react(message, "🟠")
        await until(lambda: ann.member.roles == (blue.id,), what="the other role")
        await until(
            lambda: ann.id not in message.reactions["🔴"].users, what="the reaction taken back"
        )

    async with running(config) as bot:
        await until(lambda: bot.kernel.state().guild(guild.id), what="the guild")
        ann.unreact(message, "🟠")
        await until(lambda: ann.member.roles == (), what="the role gone")

        panel = await owner.slash(guild.channel("general"), "rolemenu edit", menu="Colours")
        form = await owner.select(panel, "rolemenus:panel:edit", ["conditions"])
        gate = {"required": [guild.roles[red.id]], "forbidden": []}
        await owner.submit_modal(form, gate)
        ann.react(message, "🟠")

        await until(lambda: letters.messages, what="the word about it")
        (letter,) = letters.messages.values()
        assert "did nothing: This menu is for members with" in letter.content
        assert ann.id not in message.reactions["🟠"].users
        assert ann.member.roles == ()


async def test_long_menu_is_chosen_from_on_pages(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann = sandbox.join(guild, "ann")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    roles = [guild.add_role(f"R{number:02}", permissions=0) for number in range(30)]
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await switch_on(bot, guild)
        message = await make(owner, guild, "Many", roles[:25], style="select")
        panel = await owner.slash(guild.channel("general"), "rolemenu edit", menu="Many")
        form = await owner.click(panel, "rolemenus:panel:add")
        await owner.submit_modal(form, {"roles": roles[25:]})

        opened = await ann.click(message, "Choose roles")
        await ann.click(opened, "Next")
        await ann.select(opened, "rolemenus:choose:1:1", [str(roles[29].id)])

        await until(lambda: ann.member.roles == (roles[29].id,), what="the role")
