"""What the database says to news of members that it does not store: later, or never."""

from __future__ import annotations

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from bot.core.errors import DatabaseUnavailable
from db.engine import is_connection_error

# The last two are what drivers raise for what they can't put into a statement.
NOT_STORED = (SQLAlchemyError, DatabaseUnavailable, OSError, UnicodeError, OverflowError)


def is_away(error: BaseException) -> bool:
    """Return whether an error is the database's, so that the same may be stored later."""
    away = (OperationalError, DatabaseUnavailable, OSError)
    return isinstance(error, away) or is_connection_error(error)
