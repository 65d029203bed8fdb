"""Finds what is wrong with a guild's menus, and has it told once; what is put right is closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from bot.core.contracts import BotState
from bot.core.i18n import _
from bot.core.power import is_powerful
from bot.core.problems import Problem, ProblemService
from bot.core.settings import SettingsStore
from cogs.rolemenus.desk import MenuDesk
from cogs.rolemenus.reading import KEY
from cogs.rolemenus.rules import Menu
from db.role_menus import RoleMenuPost

_ROLE_GONE = "role_gone"
_DANGEROUS = "role_dangerous"
_DELETED = "message_deleted"
_CAUSES = frozenset({_ROLE_GONE, _DANGEROUS, _DELETED})

Posted = Sequence[tuple[Menu, Sequence[RoleMenuPost]]]


def find_menu_problems(menus: Posted, state: BotState, guild_id: int) -> Iterator[Problem]:
    """Yield what is wrong with menus: roles that are gone or have got power, deleted messages."""
    for menu, posts in menus:
        title = menu.title
        for option in menu.options:
            role = state.role(guild_id, option.role_id)
            subject = f"{menu.id}:{option.role_id}"
            if role is None:
                yield Problem(
                    KEY,
                    _ROLE_GONE,
                    subject,
                    _("The role menu {title} offers a role that no longer exists.", title=title),
                    _("Take it out with /rolemenu edit."),
                )
            elif is_powerful(role) and not option.trusted:
                yield Problem(
                    KEY,
                    _DANGEROUS,
                    subject,
                    _(
                        "The role {role} of the role menu {title} has got power over this server, "
                        "so the menu no longer gives it.",
                        role=role.name,
                        title=title,
                    ),
                    _("Take the permissions from the role, or allow it with /rolemenu edit."),
                )
        if posts and all(one.gone for one in posts):
            yield Problem(
                KEY,
                _DELETED,
                str(menu.id),
                _("The message of the role menu {title} was deleted.", title=title),
                _("Post it again with /rolemenu post, or delete the menu with /rolemenu delete."),
            )


class MenuProblems:
    """Compares what is told with what is wrong."""

    def __init__(
        self,
        desk: MenuDesk,
        settings: SettingsStore,
        problems: ProblemService,
        state: Callable[[], BotState],
    ) -> None:
        self._desk = desk
        self._settings = settings
        self._problems = problems
        self._state = state

    async def review(self, guild_id: int) -> None:
        """Have told what is wrong now, and closed what no longer is.

        Does nothing for a guild that the bot does not see.
        """
        if self._state().guild(guild_id) is None:
            return
        found: Iterable[Problem] = ()
        if (await self._settings.get(guild_id, KEY)).enabled:
            menus = await self._desk.list(guild_id)
            found = list(find_menu_problems(menus, self._state(), guild_id))
        standing = {(one.cause, one.subject) for one in found}
        known: set[tuple[str, str]] = set()
        for one in await self._problems.list(guild_id):
            problem = one.problem
            if problem.feature != KEY or problem.cause not in _CAUSES:
                continue
            known.add((problem.cause, problem.subject))
            if (problem.cause, problem.subject) not in standing:
                await self._problems.solve(guild_id, KEY, problem.cause, problem.subject)
        for one in found:
            if (one.cause, one.subject) not in known:
                await self._problems.report(guild_id, one)
