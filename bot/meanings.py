"""What discord.py, the network and the database raise, as errors that people can be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.core.errors import (
    AppError,
    DatabaseUnavailable,
    Denied,
    DiscordFailed,
    InvalidInput,
    NotFound,
    TimedOut,
)
from bot.core.i18n import _
from db.engine import is_connection_error

log = structlog.get_logger(__name__)

LONGEST_VALUE = 100
# Unknown interaction; interaction has already been acknowledged.
# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_INTERACTION_GONE = frozenset({10062, 40060})


def expected_error(error: BaseException) -> AppError | None:
    """Return the expected error that an exception is or stands for; `None` for a fault of ours."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if isinstance(cause, app_commands.TransformerError) and isinstance(cause.__cause__, AppError):
        cause = cause.__cause__
    if isinstance(cause, AppError):
        return cause
    if is_connection_error(cause):
        return DatabaseUnavailable()
    if isinstance(cause, discord.HTTPException) and cause.code in _INTERACTION_GONE:
        log.info("interaction_gone", code=cause.code)
        return _too_slow(cause)
    if is_closed_session(cause):
        # The bot stops while somebody is answered.
        return _discord_down(cause)
    make = next((make for kinds, make in _MEANINGS if isinstance(cause, kinds)), None)
    return make(cause) if make else None


def is_closed_session(error: BaseException) -> bool:
    """Tell whether aiohttp says so that its session was closed meanwhile, as when the bot stops."""
    return isinstance(error, RuntimeError) and str(error) == "Session is closed"


def _not_allowed(_error: Any) -> AppError:
    return Denied(_("You can't use this command here."))


def _outdated(_error: Any) -> AppError:
    # Discord still shows a command as an earlier version of the bot registered it.
    return NotFound(
        _("This command has changed."),
        hint=_("Reload Discord (Ctrl+R, or close and open the app) and try it again."),
    )


def _unusable(error: app_commands.TransformerError) -> AppError:
    value = discord.utils.escape_markdown(str(error.value)[:LONGEST_VALUE])
    return InvalidInput(_("“{value}” can't be used here.", value=value))


def _forbidden(error: discord.Forbidden) -> AppError:
    return DiscordFailed(
        _("Discord refused that: I lack a permission for it."),
        hint=_("Check my role and the channel's permissions."),
        discord_code=error.code,
    )


def _discord_down(_error: Any) -> AppError:
    return DiscordFailed(
        _("Discord does not answer properly at the moment."),
        hint=_("Please try again in a minute."),
    )


def _too_slow(_error: Any) -> AppError:
    return TimedOut(_("That took too long."), hint=_("Please try again in a minute."))


_MEANINGS: tuple[tuple[Any, Callable[[Any], AppError]], ...] = (
    (app_commands.CheckFailure, _not_allowed),
    ((app_commands.CommandNotFound, app_commands.CommandSignatureMismatch), _outdated),
    (app_commands.TransformerError, _unusable),
    (discord.Forbidden, _forbidden),
    ((discord.DiscordServerError, discord.RateLimited, aiohttp.ClientError), _discord_down),
    (TimeoutError, _too_slow),
)
