"""Members by name: what a search answers with, and who can search."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.core.errors import DiscordFailed
from bot.core.i18n import _

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class NamedMember:
    """A member with the names that people know them by, the one that is shown first."""

    id: int
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """The first of the names, with the last and the id, which tell them apart."""
        rest = self.names[1:]
        others = [f"@{rest[-1]}"] if rest else []
        return f"{self.names[0]} ({', '.join([*others, str(self.id)])})"

    def is_called(self, text: str) -> bool:
        """Tell whether one of the names is this, in whatever case."""
        return text.casefold() in (one.casefold() for one in self.names)

    def begins_with(self, text: str) -> bool:
        """Tell whether one of the names begins so, in whatever case."""
        return any(one.casefold().startswith(text.casefold()) for one in self.names)


# Returns at most 100 members of a guild whose user name or nickname begins with a text; raises
# `DiscordFailed`.
MemberSearch = Callable[[int, str], Awaitable[Sequence[NamedMember]]]


async def search_nowhere(_guild_id: int, _text: str) -> Sequence[NamedMember]:
    """Stand in while there is no Discord to ask: raise `DiscordFailed`."""
    raise no_answer()


def no_answer() -> DiscordFailed:
    """Return the error of a search that Discord does not answer."""
    return DiscordFailed(_("Names can't be looked up right now: give the ID."))
