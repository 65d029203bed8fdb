"""A ticket's form over the wire: who sends it is looked at anew, however long ago it was begun."""

from __future__ import annotations

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.permissions import Permission
from tests.wire.running import config_for, running
from tests.wire.test_tickets import change_panel, ready, said_in

PAGES = [
    {"questions": [{"key": "what", "label": "What"}]},
    {"questions": [{"key": "why", "label": "Why"}]},
]


async def test_roles_of_now_count(sandbox: Sandbox, guild: Guild, sqlite_url: str) -> None:
    ann, sam, bob = (sandbox.join(guild, name) for name in ("ann", "sam", "bob"))
    barred = guild.add_role("Barred")
    staff = guild.add_role("Helper", permissions=int(Permission.MENTION_EVERYONE))
    guild.update_member(sam.member, roles=(staff.id,))
    general = guild.channel("general")
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support", staff=staff)
        await change_panel(bot, guild, pages=PAGES, blocked_roles=[str(barred.id)])

        first = await ann.slash(general, "ticket open")
        assert first.modal is not None
        assert first.modal["title"] == "Support · 1/2"
        offered = await ann.submit_modal(first, {"what": "Lamp"})
        second = await ann.click(offered, "tickets:form:1:1")
        guild.update_member(ann.member, roles=(barred.id,))
        refused = await ann.submit_modal(second, {"why": "Dark"})
        assert "you can't open this ticket" in said_in(refused)
        assert "you can't open this ticket" in said_in(await ann.click(offered, "tickets:form:1:1"))

        first = await sam.slash(general, "ticket open", member=bob.user)
        offered = await sam.submit_modal(first, {"what": "Lamp"})
        second = await sam.click(offered, "tickets:form:1:1")
        guild.update_member(sam.member, roles=())
        refused = await sam.submit_modal(second, {"why": "Dark"})
        assert "Only the staff can open tickets for others" in said_in(refused)
