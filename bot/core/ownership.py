"""Keeps a bot from working on another bot's database.

Another bot is in other guilds: it would take all of those on record for left, and cancel what was
still to be done in them.
"""

from __future__ import annotations

from bot.core.errors import ConfigurationError
from bot.core.i18n import _
from bot.core.tokens import account_of
from db.bot_identity import claim_database, get_owner
from db.engine import Database


class DatabaseOwnership:
    """Knows which bot the database belongs to: the first one that Discord let in with it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._confirmed: int | None = None

    async def check_token(self, token: str) -> None:
        """Look before anything is begun; raises `ConfigurationError` for another bot's database.

        A token that doesn't say whose it is passes, and so does a database that has no bot yet.
        """
        bot_id = account_of(token)
        if bot_id is None:
            return
        async with self._database.read() as session:
            owner = await get_owner(session)
        if owner is not None and owner != bot_id:
            raise _foreign(owner, bot_id)

    async def confirm(self, bot_id: int) -> None:
        """Take the database for the bot that has logged in, or raise `ConfigurationError`."""
        if self._confirmed == bot_id:
            return
        async with self._database.write() as session:
            owner = await claim_database(session, bot_id)
        if owner != bot_id:
            raise _foreign(owner, bot_id)
        self._confirmed = bot_id


def _foreign(owner: int, bot_id: int) -> ConfigurationError:
    return ConfigurationError(
        _(
            "The database belongs to another bot: it was made by the one with the id {owner}, and "
            "DISCORD_TOKEN is that of {bot}. Nothing was changed in it.",
            owner=str(owner),
            bot=str(bot_id),
        ),
        hint=_(
            "Set database.url to a database of this bot's own, or DISCORD_TOKEN to the token of "
            "the other. If this bot takes the other's place for good, run once: "
            "pegasus adopt"
        ),
    )
