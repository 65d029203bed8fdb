"""What is said of a posted panel is what became of it."""

from __future__ import annotations

from typing import Any

from bot.sandbox import Sandbox
from bot.sandbox.faults import RestFault
from bot.sandbox.guild import Guild
from tests.wire.running import config_for, running, until
from tests.wire.test_tickets import ready, said_in


async def test_a_post_that_discord_refuses_is_not_called_posted(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    general = guild.channel("general")
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support")
        posted = await owner.slash(general, "ticket panel post")
        assert f"Posted in <#{general.id}>" in said_in(posted)

        message = await sandbox.wait_for_message(general, containing="Talk to the staff")
        link = f"https://discord.com/channels/{guild.id}/{general.id}/{message.id}"
        looks: dict[str, Any] = {"title": "Need help?", "colour": "#ff0000", "style": "select"}

        async def is_changed() -> bool:
            # The message can be seen a moment before the bot has noted its number.
            changed = await owner.slash(general, "ticket panel post", message=link, **looks)
            return "is changed" in said_in(changed)

        await until(is_changed, what="the message being changed")
        assert (message.embeds[0]["title"], message.embeds[0]["color"]) == ("Need help?", 0xFF0000)

        invalid = "Invalid Form Body"
        posts = rf"/channels/{general.id}/messages"
        sandbox.faults.add(RestFault(400, "POST", posts, times=1, code=50035, message=invalid))
        refused = await owner.slash(general, "ticket panel post")
        assert "Discord did not take the message" in said_in(refused)
        assert "Look at the texts and the emoji" in said_in(refused)

        wrong = {"emoji": "<:gone:123456789012345678>"}
        editor = await owner.slash(general, "ticket panel edit", panel="Support")
        form = await owner.select(editor, "tickets:panel:parts", ["basics"])
        values = {"name": "Support", "description": "", "colour": "blurple", "enabled": "yes"}
        answered = await owner.submit_modal(form, values | wrong)

        async def is_told() -> bool:
            return any("no emoji of this server" in one.text() for one in answered.followups)

        await until(is_told, what="the refusal after the editor says that nothing is saved")
