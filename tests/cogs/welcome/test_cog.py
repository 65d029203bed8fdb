"""Welcome in a running bot: events come in, messages appear, the preview tells the truth."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import discord
import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from db.engine import Database
from db.outbox import OutboxMessage
from tests.simcord_env import Bench, running_bench, speaking


@dataclass
class Place:
    """A guild with a lobby that Welcome posts in, an admin and a plain member."""

    bench: Bench
    guild: Any
    lobby: Any
    boss: Any
    ada: Any

    async def set(self, *, enabled: bool = True, **changes: Any) -> None:
        await self.bench.kernel.settings.change(
            self.guild.id, "welcome", changes, enabled=enabled, actor=SYSTEM
        )

    async def join(self, name: str) -> Any:
        user = self.bench.env.create_user(name)
        member = self.guild.add_member(user)
        await self.bench.env.settle()
        await self.bench.deliver()
        return member

    async def gateway(self, event: str, **payload: Any) -> None:
        """Send what simcord can't: a raw gateway event."""
        self.bench.env.backend.emit(event, {"guild_id": str(self.guild.id)} | payload)
        await self.bench.env.settle()
        await self.bench.deliver()

    def history(self) -> list[discord.Message]:
        return self.lobby.history()


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    async with running_bench(sqlite_database, settings={"discord": {"shard_count": 1}}) as bench:
        guild = bench.env.create_guild("Harbour")
        role = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
        lobby = guild.create_text_channel("lobby")
        boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
        ada = guild.add_member(bench.env.create_user("ada"))
        await bench.env.settle()
        place = Place(bench, guild, lobby, boss, ada)
        await place.set(join_channel_id=lobby.id)
        yield place


async def test_join_is_greeted_with_a_card(place: Place) -> None:
    member = await place.join("grace")

    (message,) = place.history()
    assert f"<@{member.id}>" in message.content
    assert [user.id for user in message.mentions] == [member.id]
    assert [file.filename for file in message.attachments] == ["welcome.png"]


async def test_leave_is_told(place: Place) -> None:
    await place.set(leave_enabled=True, leave_texts=["Farewell {member}"])
    place.guild.remove_member(place.ada)
    await place.bench.env.settle()
    await place.bench.deliver()

    (message,) = place.history()
    assert message.content == "Farewell ada"


async def test_member_of_a_screened_guild_is_greeted_after_screening(place: Place) -> None:
    await place.set(join_texts=["Hi {member}, once known as {member.name}"])
    user = {
        "id": "4242",
        "username": "new",
        "global_name": "Newt",
        "discriminator": "0",
        "avatar": None,
    }
    joined = {"user": user, "roles": [], "joined_at": place.bench.env.now().isoformat(), "flags": 0}
    await place.gateway("GUILD_MEMBER_ADD", **joined, pending=True)
    assert place.history() == []

    await place.gateway("GUILD_MEMBER_UPDATE", **joined, nick="Nick", pending=True)
    assert place.history() == []
    await place.gateway("GUILD_MEMBER_UPDATE", **joined, nick="Nick", pending=False)
    await place.gateway("GUILD_MEMBER_UPDATE", **joined, nick="Nick", pending=False)

    assert [message.content for message in place.history()] == ["Hi Nick, once known as new"]


def newcomer(place: Place, number: int) -> dict[str, Any]:
    user = {"id": str(4242 + number), "username": f"new{number}", "discriminator": "0"}
    joined_at = place.bench.env.now().isoformat()
    return {
        "guild_id": str(place.guild.id),
        "user": user | {"avatar": None, "global_name": None},
        "roles": [],
        "joined_at": joined_at,
        "flags": 0,
    }


async def test_member_who_passes_screening_at_once_is_greeted(place: Place) -> None:
    await place.set(join_texts=["Hi {member}"])
    backend = place.bench.env.backend
    for number in range(6):
        joined = newcomer(place, number)
        backend.emit("GUILD_MEMBER_ADD", {**joined, "pending": True})
        backend.emit("GUILD_MEMBER_UPDATE", {**joined, "pending": False})
    await place.bench.env.settle()

    async with place.bench.kernel.database.read() as session:
        rows = (await session.scalars(select(OutboxMessage))).all()
    assert sorted(row.subject_id or 0 for row in rows) == [4242 + number for number in range(6)]


async def test_joins_of_a_burst_each_have_their_own_number(place: Place) -> None:
    await place.set(join_texts=["{count}"], card_enabled=False)
    backend = place.bench.env.backend
    for number in range(3):
        backend.emit("GUILD_MEMBER_ADD", {**newcomer(place, number), "pending": False})
    await place.bench.env.settle()

    async with place.bench.kernel.database.read() as session:
        rows = (await session.scalars(select(OutboxMessage).order_by("id"))).all()
    numbers = [int(row.payload["content"]) for row in rows if row.payload]
    assert numbers == list(range(numbers[-1] - len(numbers) + 1, numbers[-1] + 1))


async def test_update_without_word_of_screening_greets_nobody(place: Place) -> None:
    joined = newcomer(place, 1)
    await place.gateway("GUILD_MEMBER_ADD", **{**joined, "pending": True})
    await place.gateway("GUILD_MEMBER_UPDATE", **{**joined, "nick": "Nick"})

    assert place.history() == []


async def test_closed_private_messages_are_no_fault(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    await place.set(dm_enabled=True)
    place.bench.env.inject_error("POST", "/users/@me/channels", status=403, code=50007)
    await place.join("grace")

    assert len(place.history()) == 1
    snapshot = await place.bench.kernel.outbox.snapshot()
    assert snapshot.failed == 0
    assert snapshot.outcomes["dm.send", "refused"] == 1
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


async def test_card_that_can_not_be_drawn_leaves_the_text(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> bytes:
        raise OSError("no font")

    monkeypatch.setattr("cogs.welcome.cog.draw_card", fail)
    await place.set(embed_enabled=True, join_texts=["Hi {member}"])
    await place.join("grace")

    (message,) = place.history()
    assert message.embeds[0].description == "Hi grace"
    assert message.embeds[0].image.url is None
    assert message.attachments == []


async def preview(place: Place, who: Any = None, **options: Any) -> tuple[Any, str]:
    result = await (who or place.boss).slash(place.lobby, "welcome test", **options)
    notes = [followup.content for followup in result.followups]
    return result.response, notes[-1] if notes else ""


async def test_preview_shows_the_very_message_and_where_it_goes(place: Place) -> None:
    shown, notes = await preview(place)

    assert shown.ephemeral
    assert shown.content.startswith("Welcome to Harbour, <@")
    assert [file.filename for file in shown.attachments] == ["welcome.png"]
    assert notes == f"This is what I would send in <#{place.lobby.id}>."
    assert place.history() == []


async def test_preview_is_for_the_member_asked_for(place: Place) -> None:
    await place.set(returning_texts=["Back: {member}"])
    shown, _ = await preview(place, kind="returning", member=place.ada)

    assert shown.content == "Back: ada"


@pytest.mark.parametrize("kind", ["join", "returning", "leave", "private", "raid"])
async def test_preview_of_each_kind_says_what_is_switched_off(place: Place, kind: str) -> None:
    await place.set(enabled=False, join_enabled=False, returning_enabled=False, card_enabled=False)
    shown, notes = await preview(place, kind=kind)

    assert shown.content
    assert "- Welcome is switched off here. Switch it on with /welcome settings." in notes
    assert "- This message is switched off. Switch it on with /welcome settings." in notes


async def test_preview_names_missing_permissions_and_the_fix(place: Place) -> None:
    secret = place.guild.create_text_channel("secret")
    await place.set(join_channel_id=secret.id)
    me = place.guild.me
    overwrites = {me: discord.PermissionOverwrite(send_messages=False, attach_files=False)}
    await me.guild.get_channel(secret.id).edit(overwrites=overwrites)
    shown, notes = await preview(place)

    assert shown.attachments == []
    assert "Send Messages" in notes
    assert "Attach Files" in notes


async def test_preview_is_for_those_who_manage_the_feature(place: Place) -> None:
    shown, _ = await preview(place, place.ada)
    assert "You need the Manage Server permission" in shown.content


async def test_preview_notes_speak_the_readers_language(place: Place) -> None:
    async with speaking("es-ES"):
        _, notes = await preview(place)

    assert notes == f"Esto es lo que enviaría en <#{place.lobby.id}>."


async def test_settings_open_a_panel_with_every_group(place: Place) -> None:
    result = await place.boss.slash(place.lobby, "welcome settings")

    assert "When someone joins" in str(result.response.components)
