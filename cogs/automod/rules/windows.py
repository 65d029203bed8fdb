"""What was counted lately, bounded in memory whatever is sent."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple

from cogs.automod.rules.room import START, Room

# Of each kind of key (members and channels, texts, strikes), the ones used last are kept.
MAX_KEYS = 10_000
MAX_ENTRIES = 100_000
# No fewer than any limit in messages; the oldest go first, and of them the weight stays.
MAX_PER_KEY = 100
# Hits closer together than this are one burst, and one strike.
BURST = 10.0
_MAX_STRIKES = 50
# So many messages are remembered by their text for each that a table of texts may hold.
_MARKS = 4
# Who has to give something up gives a tenth more.
_SLACK = 10

Key = tuple[Hashable, ...]


class Entry(NamedTuple):
    """What one message counted; `mark` tells texts apart, or is the text until that is needed."""

    at: float
    weight: int
    message_id: int
    channel_id: int
    user_id: int
    mark: int | str = 0


# An entry from a tuple of its values, at a third of the time that the class itself takes.
new_entry = tuple.__new__


class Row(list[Entry]):
    """The entries of one key, oldest first; `top` is the highest message id that ever was in it.

    `dropped` is the weight of those that went too early, the first of which was of `dropped_at`.
    A list, though the oldest go first: it is short, and a tenth of the size of a deque.
    """

    __slots__ = ("dropped", "dropped_at", "top")

    def __init__(self) -> None:
        self.top = self.dropped = 0
        self.dropped_at = float("-inf")

    def drop(self, before: float) -> None:
        """Drop the oldest entry, of which the weight stays; what began before the time goes."""
        oldest = self.pop(0)
        if self.dropped_at <= before:
            self.dropped_at, self.dropped = oldest[0], 0
        self.dropped += oldest[1]

    def put(self, entry: Entry) -> None:
        """Add an entry as the newest."""
        self.append(entry)
        self.top = max(self.top, entry[2])


class _Table:
    """Rows by key; the key used longest ago is dropped when there are too many."""

    def __init__(self, room: Room) -> None:
        self.rows: OrderedDict[Key, Row] = OrderedDict()
        self.total = 0
        self.most = START
        self._room = room
        room.admit(self)

    def row(self, key: Key) -> Row:
        row = self.rows.get(key)
        if row is None:
            self.rows[key] = row = Row()
        else:
            self.rows.move_to_end(key)
        return row

    def add(self, row: Row, entry: Entry) -> None:
        row.put(entry)
        self.total += 1
        self.shrink(row)

    def shrink(self, row: Row, before: float = float("-inf")) -> None:
        """Drop what is beyond the bounds: of this row, whose window begins then, and of all."""
        if len(row) > MAX_PER_KEY:
            row.drop(before)
            self.total -= 1
        most = self.most
        if self.total > most and self._room.widen(self, MAX_ENTRIES):
            most = self.most
        elif self.total > most and most < MAX_ENTRIES:
            # A little more than has to go, so that the next message does not ask again.
            most -= most // _SLACK
        while len(self.rows) > MAX_KEYS or self.total > most:
            self._drop_oldest()

    def give_up(self, most: int) -> None:
        """Hold so many entries from now on."""
        self.most = most
        while self.total > most - most // _SLACK:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _key, dropped = self.rows.popitem(last=False)
        self.total -= len(dropped)

    def prune(self, row: Row, before: float) -> None:
        while row and row[0][0] <= before:
            del row[0]
            self.total -= 1

    def take_out(self, wanted: Callable[[Entry], bool]) -> None:
        for key in list(self.rows):
            row = self.rows[key]
            kept = [one for one in row if not wanted(one)]
            if len(kept) != len(row):
                self.total -= len(row) - len(kept)
                row[:] = kept
                if not kept:
                    del self.rows[key]


class _Strikes(OrderedDict[tuple[str, int], tuple["deque[float]", float]]):
    """When each member hit which rule; those who did so longest ago make room."""

    # As a table, not as what it holds, it is told from others by the room.
    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType]
    __eq__ = object.__eq__

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.most = START
        self._room = room
        room.admit(self)

    def shrink(self) -> None:
        """Drop what is beyond the bounds."""
        if len(self) <= self.most or self._room.widen(self, MAX_KEYS):
            return
        if self.most == MAX_KEYS:
            self.popitem(last=False)
        else:
            self.give_up(self.most)

    def give_up(self, most: int) -> None:
        """Hold so many members' strikes from now on."""
        self.most = most
        while len(self) > most - most // _SLACK:
            self.popitem(last=False)


class Windows:
    """The counts of one guild: messages, mentions, texts and strikes within their windows.

    Lost on restart, but for strikes, which the service can bring back with `restore_strikes`.
    `room` is what the guilds of a process share; without it the windows have one of their own.
    """

    def __init__(self, room: Room | None = None) -> None:
        self._room = room or Room()
        self._counts = _Table(self._room)
        self._texts = _Table(self._room)
        self._marks: OrderedDict[tuple[str, int], int | str] = OrderedDict()
        self._strikes = _Strikes(self._room)

    def close(self) -> None:
        """Give the room back that these windows have been granted; they are used no more."""
        for holder in (self._counts, self._texts, self._strikes):
            self._room.release(holder)

    def count(
        self, key: Key, entry: Entry, span: float, add: bool = True, peek: bool = False
    ) -> list[Entry]:
        """Count a message under the key and return what lies within the window, oldest first.

        The answer is for reading at once: the next count changes it.

        A message counted before keeps its time and gets the new weight. With `add` off, one that
        was not is not added; with `peek`, nothing changes and the answer is what would be.
        """
        if peek:
            row = self._counts.rows.get(key, ())
            return _replaced([one for one in row if one.at > entry.at - span], entry, add)
        if add and entry[1]:
            return self.add(key, entry, span)
        table = self._counts
        row = table.rows.get(key)
        if row is None:
            return []
        table.rows.move_to_end(key)
        table.prune(row, entry[0] - span)
        if entry[2] <= row.top:
            self._replace(table, row, entry)
        if not row:
            del table.rows[key]
        return row

    def add(self, key: Key, entry: Entry, span: float) -> Row:
        """Count a message that weighs something, as `count` does."""
        # One of the few places that every message passes: no call that could be spared.
        table = self._counts
        rows = table.rows
        row = rows.get(key)
        message_id = entry[2]
        if row is None:
            rows[key] = row = Row()
        else:
            rows.move_to_end(key)
            before = entry[0] - span
            while row and row[0][0] <= before:
                del row[0]
                table.total -= 1
            # Ids grow with time: nearly every message is newer than all that were counted.
            if message_id <= row.top:
                if self._replace(table, row, entry):
                    return row
                message_id = row.top
        row.append(entry)
        row.top = message_id
        table.total += 1
        if len(row) > MAX_PER_KEY or table.total > table.most or len(rows) > MAX_KEYS:
            table.shrink(row, entry[0] - span)
        return row

    def dropped(self, key: Key, before: float) -> int:
        """Return the weight within the window of messages that are too many to be held.

        Never too much: all of it goes when the oldest of them leaves the window.
        """
        row = self._counts.rows.get(key)
        return row.dropped if row is not None and row.dropped_at > before else 0

    @staticmethod
    def _replace(table: _Table, row: Row, entry: Entry) -> bool:
        for index, one in enumerate(row):
            if one.message_id == entry.message_id:
                if entry.weight:
                    row[index] = entry._replace(at=one.at)
                else:
                    del row[index]
                    table.total -= 1
                return True
        return False

    def count_text(
        self, leaf: str, entry: Entry, span: float, *, peek: bool = False
    ) -> list[Entry]:
        """Count a text that anyone may send and return its senders within the window.

        An edit takes the message from its earlier text to the new one; a mark of 0 is no text.
        """
        key = (leaf, entry.mark)
        if peek:
            row = self._texts.rows.get(key, ())
            return _replaced([one for one in row if one.at > entry.at - span], entry, add=True)
        table, seen = self._texts, (leaf, entry.message_id)
        earlier = self._marks.get(seen)
        if earlier is not None and earlier != entry.mark:
            self._leave(leaf, earlier, entry.message_id)
        if not entry.mark:
            return []
        row = table.row(key)
        table.prune(row, entry.at - span)
        if not any(one.message_id == entry.message_id for one in row):
            table.add(row, entry)
        self._marks[seen] = entry.mark
        while len(self._marks) > min(MAX_KEYS, _MARKS * table.most):
            self._marks.popitem(last=False)
        return list(row)

    def _leave(self, leaf: str, mark: int | str, message_id: int) -> None:
        self._marks.pop((leaf, message_id), None)
        row = self._texts.rows.get((leaf, mark))
        if row is None:
            return
        kept = [one for one in row if one.message_id != message_id]
        self._texts.total -= len(row) - len(kept)
        row[:] = kept
        if not kept:
            del self._texts.rows[leaf, mark]

    def strike(
        self, rule: str, user_id: int, now: float, span: float, *, peek: bool = False
    ) -> int:
        """Count a hit as a strike and return how many the member has; a burst counts once."""
        times, last = self._strikes.get((rule, user_id), (deque(), float("-inf")))
        live = deque((one for one in times if one > now - span), _MAX_STRIKES)
        if not live or now - last > BURST:
            live.append(now)
        if not peek:
            self._strikes[rule, user_id] = (live, max(now, last))
            self._strikes.move_to_end((rule, user_id))
            self._strikes.shrink()
        return len(live)

    def forget_message(self, message_id: int) -> None:
        """Take out what a message counted, as when it was no violation."""
        for table in (self._counts, self._texts):
            table.take_out(lambda one: one.message_id == message_id)

    def forget_member(self, user_id: int) -> None:
        """Take out all that a member counted, strikes included."""
        for table in (self._counts, self._texts):
            table.take_out(lambda one: one.user_id == user_id)
        for key in [key for key in self._strikes if key[1] == user_id]:
            del self._strikes[key]

    def take_back_strike(self, rule: str, user_id: int) -> None:
        """Take out the latest strike, as when its hit was undone; none is fine."""
        times, _last = self._strikes.get((rule, user_id), (deque(), 0.0))
        if times:
            times.pop()
        self._strikes[rule, user_id] = (times, float("-inf"))
        if not times:
            del self._strikes[rule, user_id]

    def restore_strikes(self, rule: str, user_id: int, times: Iterable[float]) -> None:
        """Count strikes from before a restart; times in seconds since the epoch."""
        known, _last = self._strikes.get((rule, user_id), (deque(), 0.0))
        merged = deque(sorted({*known, *times}), _MAX_STRIKES)
        if merged:
            self._strikes[rule, user_id] = (merged, merged[-1])
        self._strikes.shrink()

    @property
    def size(self) -> int:
        """How many entries are held in all."""
        strikes = sum(len(times) for times, _last in self._strikes.values())
        return self._counts.total + self._texts.total + len(self._marks) + strikes


def _replaced(row: list[Entry], entry: Entry, add: bool) -> list[Entry]:
    known = any(one.message_id == entry.message_id for one in row)
    if known:
        same = [entry if one.message_id == entry.message_id else one for one in row]
        return [one for one in same if one.weight]
    return [*row, entry] if add and entry.weight else row
