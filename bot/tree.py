"""The command tree: rate limits, the disabled-feature check, usage and the one error handler.

It is one of the two places that turn an error into an answer; the other is the web's middleware.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp
import discord
import structlog
from discord import app_commands
from structlog.contextvars import bind_contextvars

from bot.acknowledgements import namespace_of
from bot.checks import in_time
from bot.core.errors import AppError, Denied, RateLimited, Unexpected
from bot.core.features import Feature, RateClass
from bot.core.i18n import _
from bot.core.usage import UsageEvent
from bot.meanings import expected_error, is_closed_session
from bot.replies import answer_error
from bot.written.answering import WrittenInteraction
from db.base import NOBODY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bot.client import Pegasus

log = structlog.get_logger(__name__)

Command = app_commands.Command[Any, ..., Any] | app_commands.ContextMenu
OwnCommands: TypeAlias = "Callable[[discord.Interaction[Pegasus]], Awaitable[Sequence[OwnCommand]]]"
Fallback: TypeAlias = "Callable[[discord.Interaction[Pegasus]], Awaitable[bool]]"
_STARTED = "pegasus_started"
_UNNAMED = "pegasus_unnamed"
_KINDS = {
    discord.AppCommandType.chat_input: "slash",
    discord.AppCommandType.user: "user_menu",
    discord.AppCommandType.message: "message_menu",
}


@dataclass(frozen=True, slots=True)
class OwnCommand:
    """A slash command that a guild's admins wrote; `for_roles` when it is not for everybody."""

    name: str
    description: str
    takes_text: bool
    for_roles: bool


class PegasusTree(app_commands.CommandTree["Pegasus"]):
    """Runs app commands with the kernel's rules around them."""

    async def interaction_check(self, interaction: discord.Interaction[Pegasus], /) -> bool:
        """Count the command and refuse it when its feature is off or the person is too fast."""
        if interaction.type is discord.InteractionType.autocomplete:
            return True
        interaction.extras[_STARTED] = time.monotonic()
        command = interaction.command
        if command is None:
            return not await self._fall_back(interaction)
        # Each interaction is a task of its own, so whatever it logs from here on bears this.
        bind_contextvars(command=command.qualified_name, guild_id=interaction.guild_id)
        try:
            async with in_time():
                await self._admit(interaction, command)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person gets an answer
            told = not _is_noise(error, interaction)
            await self._finish(interaction, as_app_error(error), told=told)
            return False
        return True

    async def _fall_back(self, interaction: discord.Interaction[Pegasus]) -> bool:
        fallback = interaction.client.fallback
        if fallback is None:
            return False
        try:
            return await fallback(interaction)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person gets an answer
            await self._finish(interaction, as_app_error(error))
            return True

    async def _admit(self, interaction: discord.Interaction[Pegasus], command: Command) -> None:
        kernel = interaction.client.kernel
        feature = interaction.client.feature_of(command)
        await kernel.limits.check(interaction.user.id, _rate_class(command, feature))
        if feature is None or feature.always_on or interaction.guild_id is None:
            return
        # The panel must open while the feature is off: it is where it is switched on. Commands that
        # only show what the settings would do say so themselves.
        if command.extras.get("settings_panel") or command.extras.get("works_while_off"):
            return
        if not (await kernel.settings.get(interaction.guild_id, feature.key)).enabled:
            raise Denied(
                _("{feature} is switched off here.", feature=_(feature.title)),
                hint=_("An admin can switch it on with /feature enable."),
            )

    async def on_error(
        self,
        interaction: discord.Interaction[Pegasus],
        error: Exception,
        /,
    ) -> None:
        """Answer an error in words; an unexpected one is logged under a reference that is shown."""
        await self._finish(interaction, as_app_error(error))

    async def _finish(
        self, interaction: discord.Interaction[Pegasus], error: AppError, *, told: bool = True
    ) -> None:
        outcome = outcome_of(error)
        record_use(interaction, outcome)
        interaction.client.acknowledgements.failed(interaction, outcome)
        kernel = interaction.client.kernel
        kernel.metrics.command_failed(error.context.get("error", error))
        if isinstance(error, Unexpected):
            kernel.webhooks.error(
                _place_of(interaction),
                error.context["error"],
                reference=error.context["reference"],
            )
        if not told:
            return
        try:
            await answer_error(interaction, error)
        except (discord.DiscordException, aiohttp.ClientError, OSError, RuntimeError) as failure:
            # The interaction is gone (3 s or 15 min are over) or Discord is: nobody can be told.
            if isinstance(failure, RuntimeError) and not is_closed_session(failure):
                raise
            log.info(
                "error_answer_not_delivered",
                error=type(failure).__name__,
                answer_code=error.code,
            )


def as_app_error(error: BaseException) -> AppError:
    """Return the expected error inside an exception, or a logged `Unexpected` with a reference."""
    if (expected := expected_error(error)) is not None:
        return expected
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    reference = secrets.token_hex(4)
    log.error("command_failed", reference=reference, exc_info=cause)
    return Unexpected(reference, error=cause)


def _is_noise(error: Exception, interaction: discord.Interaction[Pegasus]) -> bool:
    """Tell whether a refusal is better not told: in public, to each of too many messages."""
    if not isinstance(error, RateLimited) or not isinstance(interaction, WrittenInteraction):
        return False
    return not interaction.client.prefixes.may_complain(interaction.user.id)


def outcome_of(error: AppError) -> str:
    """Return the outcome under which the failed command is counted."""
    if isinstance(error, Unexpected):
        return "error"
    return {"E003": "cooldown", "E004": "user_error", "E005": "denied", "E006": "user_error"}.get(
        error.code, "error"
    )


def leave_unnamed(interaction: discord.Interaction[Pegasus]) -> None:
    """Have the use of this command recorded without whose it was."""
    interaction.extras[_UNNAMED] = True


def record_use(interaction: discord.Interaction[Pegasus], outcome: str) -> None:
    """Record one finished command for metrics and statistics, without its argument values."""
    command = interaction.command
    started = interaction.extras.pop(_STARTED, None)
    if command is None or started is None:
        return
    kernel = interaction.client.kernel
    seconds = time.monotonic() - started
    kind = (
        _KINDS.get(command.type, "slash")
        if isinstance(command, app_commands.ContextMenu)
        else "slash"
    )
    if isinstance(interaction, WrittenInteraction):
        kind = "prefix"
    name = command.qualified_name
    kernel.metrics.command_finished(name, kind, outcome, seconds)
    kernel.usage.record(
        UsageEvent(
            guild_id=interaction.guild_id,
            user_id=NOBODY if interaction.extras.get(_UNNAMED) else interaction.user.id,
            command=name,
            kind=kind,
            outcome=outcome,
            duration_ms=round(seconds * 1000),
            at=kernel.clock.now(),
        )
    )


def _place_of(interaction: discord.Interaction[Pegasus]) -> str:
    """Name what was used, in the same words each time: a custom id's namespace, not the id."""
    if interaction.command is not None:
        return f"/{interaction.command.qualified_name}"
    is_form = interaction.type is discord.InteractionType.modal_submit
    return f"{'form' if is_form else 'component'} {namespace_of(interaction)}".strip()


def _rate_class(command: Command, feature: Feature | None) -> RateClass:
    declared = command.extras.get("rate_class")
    if declared is not None:
        return declared
    return feature.rate_class if feature else RateClass.DEFAULT
