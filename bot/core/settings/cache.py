"""What the process remembers of settings: whole guilds, the least recently used forgotten first.

It holds states and knows no database. A load that a newer change overtakes never hides the change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from bot.core.settings.model import FeatureState

States = dict[str, FeatureState]


class _Load:
    """One read of the database under way, and what became known while it ran."""

    def __init__(self) -> None:
        self.newer: list[FeatureState] = []
        self.void = False


class StateCache:
    """States by guild and feature; a guild is either remembered whole or not at all."""

    def __init__(self, max_guilds: int) -> None:
        self._guilds: OrderedDict[int, States] = OrderedDict()
        self._max_guilds = max_guilds
        # Compared by identity: two loads of the same guild are different loads.
        self._loads: set[_Load] = set()

    def get(self, guild_id: int) -> States | None:
        """Return a guild's states, or `None` when it is not remembered."""
        states = self._guilds.get(guild_id)
        if states is not None:
            self._guilds.move_to_end(guild_id)
        return states

    def put(self, state: FeatureState) -> None:
        """Remember a state that was just committed or read, unless a newer one is known."""
        for load in self._loads:
            load.newer.append(state)
        states = self._guilds.get(state.guild_id)
        if states is not None:
            _keep_newer(states, state)

    def clear(self) -> set[int]:
        """Forget everything, also what is being read now; returns the guilds that were known."""
        known = set(self._guilds)
        self._guilds.clear()
        for load in self._loads:
            load.void = True
        return known

    def forget(self, guild_id: int) -> None:
        """Forget one guild."""
        self._guilds.pop(guild_id, None)
        for load in self._loads:
            load.void = True

    @contextmanager
    def loading(self) -> Iterator[Callable[[Mapping[int, Iterable[FeatureState]]], bool]]:
        """Watch changes while the database is read.

        Gives the function that remembers what was read; it returns false when that is void, and
        then the database has to be read again.
        """
        load = _Load()
        self._loads.add(load)
        try:
            yield lambda found: self._finish(load, found)
        finally:
            self._loads.discard(load)

    def _finish(self, load: _Load, found: Mapping[int, Iterable[FeatureState]]) -> bool:
        if load.void:
            return False
        for guild_id, states in found.items():
            known = self._guilds.setdefault(guild_id, {})
            self._guilds.move_to_end(guild_id)
            for state in states:
                _keep_newer(known, state)
        for state in load.newer:
            if state.guild_id in found:
                _keep_newer(self._guilds[state.guild_id], state)
        while len(self._guilds) > self._max_guilds:
            self._guilds.popitem(last=False)
        return True


def _keep_newer(states: States, state: FeatureState) -> None:
    known = states.get(state.feature)
    if known is None or known.revision <= state.revision:
        states[state.feature] = state
