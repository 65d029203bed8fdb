"""What the windows of all guilds of a process may hold together."""

from __future__ import annotations

import tracemalloc

from cogs.automod.rules.room import START, Room
from cogs.automod.rules.windows import MAX_ENTRIES, Entry, Windows

HOUR = 3600.0


def flood(windows: Windows, count: int, first: int = 0) -> None:
    """Count so many messages of as many members."""
    for number in range(first, first + count):
        entry = Entry(number / 1000, 1, number + 1, 7, number)
        windows.add(("rate", number % 5_000), entry, HOUR)


def test_guilds_that_are_flooded_share_what_there_is() -> None:
    room = Room(20_000)
    guilds = [Windows(room) for _ in range(10)]
    for windows in guilds:
        flood(windows, 20_000)

    sizes = [windows.size for windows in guilds]
    assert sum(sizes) <= 20_000 + 10 * START
    # The later ones have taken from the earlier ones, and nobody was left with nothing.
    assert min(sizes) >= START // 2
    assert max(sizes) < MAX_ENTRIES


def test_flood_takes_nothing_from_quiet_guilds() -> None:
    room = Room(5_000)
    quiet = [Windows(room) for _ in range(50)]
    for windows in quiet:
        flood(windows, 200)
    flood(Windows(room), 100_000)

    assert [windows.size for windows in quiet] == [200] * 50


def test_quiet_guild_that_once_was_large_gives_way() -> None:
    room = Room(8_000)
    first, second = Windows(room), Windows(room)
    flood(first, 20_000)
    large = first.size
    flood(second, 3_000)

    assert large > 7_000
    assert second.size == 3_000
    assert first.size < large
    # What was counted last is still there.
    assert len(first.count(("rate", 4_999), Entry(20.0, 1, 30_000, 7, 1), HOUR)) > 1


def test_room_of_a_guild_that_is_gone_is_free_again() -> None:
    room = Room(4_000)
    for _again in range(5):
        windows = Windows(room)
        flood(windows, 4_000)
        assert windows.size >= 3_000
        windows.close()


def test_strikes_and_texts_of_many_guilds_are_bounded_too() -> None:
    room = Room(3_000)
    guilds = [Windows(room) for _ in range(20)]
    for windows in guilds:
        for number in range(2_000):
            windows.strike("rule", number, float(number), HOUR)
            windows.count_text("leaf", Entry(float(number), 1, number, 7, number, number + 1), 60.0)

    # For each text that may be held, four messages may be remembered by theirs.
    assert sum(windows.size for windows in guilds) <= 5 * (3_000 + 20 * 3 * START)


def test_memory_of_flooded_guilds_does_not_grow() -> None:
    room = Room(4_000)
    guilds = [Windows(room) for _ in range(4)]
    tracemalloc.start()
    try:
        for windows in guilds:
            flood(windows, 4_000)
        before, _peak = tracemalloc.get_traced_memory()
        for round_ in range(1, 4):
            for windows in guilds:
                flood(windows, 4_000, round_ * 4_000)
        after, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after < before * 1.25
