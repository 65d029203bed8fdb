"""What every command goes through: admission, the one error handler, and what is recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands
from sqlalchemy.exc import OperationalError

from bot.core.errors import AppError, InvalidInput, NotFound, RateLimited, Unexpected
from bot.core.i18n import Message
from bot.meanings import expected_error
from bot.replies import OwnedView
from bot.tree import as_app_error, outcome_of
from db.engine import Database
from tests.simcord_env import Bench, running_bench, speaking

Raise = Callable[[], Awaitable[None]]


@dataclass
class Place:
    """A guild with one member, and a command that does what the test says."""

    bench: Bench
    channel: Any
    ada: Any
    errors: list[Exception]

    async def fail_with(self, error: Exception) -> str:
        """Run the command so that it raises, and return what the person was told."""
        self.errors.append(error)
        result = await self.ada.slash(self.channel, "probe")
        assert result.response.ephemeral
        return result.response.content or ""

    def counted(self, name: str, **labels: str) -> float:
        value = self.bench.kernel.metrics.registry.get_sample_value(f"pegasus_bot_{name}", labels)
        return value or 0.0


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    errors: list[Exception] = []

    @app_commands.command(description="Do what the test says")
    async def probe(interaction: discord.Interaction) -> None:
        if errors:
            raise errors.pop()
        await interaction.response.send_message("done", ephemeral=True)

    async with running_bench(sqlite_database) as bench:
        bench.bot.tree.add_command(probe)
        await bench.bot.tree.sync()
        guild = bench.env.create_guild("Harbour")
        channel = guild.create_text_channel("general")
        yield Place(bench, channel, guild.add_member(bench.env.create_user("ada")), errors)


async def test_command_that_works_is_counted_and_recorded(place: Place) -> None:
    result = await place.ada.slash(place.channel, "probe")
    assert result.response.content == "done"
    assert place.counted("commands_total", command="probe", kind="slash", outcome="ok") == 1
    assert place.bench.kernel.usage.pending == 1


async def test_expected_error_is_told_with_its_hint(place: Place) -> None:
    error = NotFound(Message("There is no such ship."), hint=Message("Look in the other harbour."))
    said = await place.fail_with(error)
    assert said == "There is no such ship. Look in the other harbour."
    assert place.counted("commands_total", command="probe", kind="slash", outcome="user_error") == 1
    assert place.counted("command_errors_total", error="NotFound") == 1


async def test_unexpected_error_shows_only_a_reference(place: Place) -> None:
    said = await place.fail_with(ZeroDivisionError("secret detail"))
    assert "reference" in said
    assert "secret" not in said
    assert place.counted("commands_total", command="probe", kind="slash", outcome="error") == 1
    assert place.counted("command_errors_total", error="ZeroDivisionError") == 1


async def test_error_is_told_in_the_persons_language(place: Place) -> None:
    async with speaking("es-ES"):
        said = await place.fail_with(TimeoutError())
    assert "Ha tardado demasiado" in said


async def test_too_many_uses_are_refused(sqlite_database: Database) -> None:
    async with running_bench(sqlite_database, settings={"limits": {"default": "2/60"}}) as bench:
        guild = bench.env.create_guild("Harbour")
        channel = guild.create_text_channel("general")
        ada = guild.add_member(bench.env.create_user("ada"))
        for _ in range(2):
            await ada.slash(channel, "about")
        refused = await ada.slash(channel, "about")
        assert "too fast" in refused.response.content
        bea = guild.add_member(bench.env.create_user("bea"))
        assert (await bea.slash(channel, "about")).response.embeds


async def test_database_error_at_the_door_is_answered(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise OperationalError("SELECT", {}, ConnectionRefusedError(), connection_invalidated=True)

    monkeypatch.setattr(place.bench.kernel.limits, "check", gone)
    result = await place.ada.slash(place.channel, "probe")
    assert "database" in result.response.content


def response(status: int) -> Any:
    return SimpleNamespace(status=status, reason="", headers={})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (app_commands.CheckFailure(), "E005"),
        (app_commands.CommandNotFound("gone", []), "E006"),
        (discord.Forbidden(response(403), "no"), "E002"),
        (discord.DiscordServerError(response(503), "down"), "E002"),
        (discord.RateLimited(60.0), "E002"),
        (aiohttp.ClientConnectionError(), "E002"),
        (TimeoutError(), "E007"),
        (InvalidInput("no"), "E004"),
        (RuntimeError("Session is closed"), "E002"),
    ],
)
def test_known_errors_have_a_meaning(error: Exception, code: str) -> None:
    found = expected_error(error)
    assert found is not None
    assert found.code == code


def test_cause_is_looked_for_inside() -> None:
    cause = InvalidInput("no")
    wrapped = app_commands.TransformerError(
        "x", discord.AppCommandOptionType.string, app_commands.Transformer()
    )
    assert expected_error(wrapped) is not cause
    wrapped.__cause__ = cause
    assert expected_error(wrapped) is cause


def test_fault_of_ours_has_none() -> None:
    assert expected_error(KeyError("x")) is None
    cause = KeyError("x")
    error = as_app_error(cause)
    assert isinstance(error, Unexpected)
    assert error.context["error"] is cause
    assert (error.code, error.status) == ("E008", 500)
    assert error.context["reference"] in error.render("es")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (RateLimited(Message("slow"), retry_after=1.0), "cooldown"),
        (InvalidInput("no"), "user_error"),
        (as_app_error(KeyError("x")), "error"),
    ],
)
def test_outcome_of(error: AppError, outcome: str) -> None:
    assert outcome_of(error) == outcome


async def test_slow_database_at_the_door_is_answered_in_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def out_of_time(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(place.bench.kernel.limits, "check", out_of_time)
    result = await place.ada.slash(place.channel, "probe")
    assert "database" in result.response.content


@pytest.mark.parametrize("code", [10062, 40060])
def test_answer_that_comes_too_late_is_no_fault_of_ours(code: int) -> None:
    gone = discord.HTTPException(response(404), {"code": code, "message": "gone"})

    error = as_app_error(gone)

    assert not isinstance(error, Unexpected)
    assert error.code == "E007"


class BrokenButton(OwnedView):
    @discord.ui.button(label="Sink it", custom_id="ship:17")
    async def sink(self, _interaction: discord.Interaction, _button: Any) -> None:
        raise ZeroDivisionError


class BrokenForm(discord.ui.Modal, title="Sink it"):
    reason: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Reason", custom_id="reason")

    async def on_submit(self, _interaction: discord.Interaction) -> None:
        raise ZeroDivisionError

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        await interaction.client.tree.on_error(interaction, error)


@app_commands.command(description="Show a button")
async def button(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("?", view=BrokenButton(interaction.user.id))


@app_commands.command(description="Show a form")
async def form(interaction: discord.Interaction) -> None:
    await interaction.response.send_modal(BrokenForm(custom_id="fleet:17"))


async def test_fault_of_ours_is_reported_to_the_operator_wherever_it_is_met(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[tuple[str, str, str]] = []

    def note(where: str, error: Exception, *, reference: str) -> None:
        reports.append((where, type(error).__name__, reference))

    monkeypatch.setattr(place.bench.kernel.webhooks, "error", note)
    for command in (button, form):
        place.bench.bot.tree.add_command(command)
    await place.bench.bot.tree.sync()

    said = [await place.fail_with(ZeroDivisionError())]
    shown = await place.ada.slash(place.channel, "button")
    said.append((await place.ada.click(shown.response, label="Sink it")).response.content)
    opened = await place.ada.slash(place.channel, "form")
    submitted = await place.ada.submit_modal(opened, {"reason": "Pirates"})
    said.append(submitted.response.content)

    places = ["/probe", "component ship", "form fleet"]
    assert [where for where, _error, _reference in reports] == places
    for text, (_where, error, reference) in zip(said, reports, strict=True):
        assert error == "ZeroDivisionError"
        assert reference in text


async def test_expected_error_is_no_news_for_the_operator(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[object] = []
    monkeypatch.setattr(place.bench.kernel.webhooks, "error", lambda *a, **_: reports.append(a))
    await place.fail_with(NotFound(Message("There is no such ship.")))
    assert reports == []
