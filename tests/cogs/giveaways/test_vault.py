"""Prize codes are unreadable at rest, and each goes to one winner."""

from __future__ import annotations

import asyncio
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.core.errors import ConfigurationError, Conflict, InvalidInput
from cogs.giveaways.vault import LONGEST_CODE, MOST_CODES, Stock, Vault, read_codes
from db.engine import Database
from db.giveaways import Giveaway, GiveawayPrize
from tests.cogs.giveaways.rows import make_giveaway
from tests.fakes import FakeClock

SECRET = "correct horse battery staple, and then some"


@pytest.fixture
def vault(clock: FakeClock) -> Vault:
    """A vault with the operator's secret."""
    return Vault(clock, secret=SECRET, key_file=None)


async def _start(database: Database, *, status: str = "active") -> Giveaway:
    giveaway = make_giveaway(status=status)
    async with database.write() as session:
        session.add(giveaway)
    return giveaway


async def _hand_over(
    database: Database, vault: Vault, giveaway: Giveaway, winner: int
) -> str | None:
    async with database.write() as session:
        return await vault.hand_over(session, giveaway.id, winner)


async def test_codes_are_handed_over_in_order_and_once(database: Database, vault: Vault) -> None:
    giveaway = await _start(database)
    async with database.write() as session:
        assert await vault.add(session, giveaway.id, ["AAA", " ", "BBB"]) == Stock(2, 0)

    assert await _hand_over(database, vault, giveaway, 1) == "AAA"
    assert await _hand_over(database, vault, giveaway, 1) == "AAA"
    assert await _hand_over(database, vault, giveaway, 2) == "BBB"
    assert await _hand_over(database, vault, giveaway, 3) is None
    async with database.read() as session:
        assert await vault.stock(session, giveaway.id) == Stock(2, 2)


async def test_codes_are_unreadable_at_rest(database: Database, vault: Vault) -> None:
    giveaway = await _start(database)
    async with database.write() as session:
        await vault.add(session, giveaway.id, ["SECRET-CODE-1", "SECRET-CODE-2"])
    async with database.read() as session:
        sealed = (await session.scalars(select(GiveawayPrize.secret))).all()

    assert len(set(sealed)) == 2
    assert not any(b"SECRET" in one for one in sealed)


async def test_many_winners_at_once_get_each_their_own(database: Database, vault: Vault) -> None:
    giveaway = await _start(database)
    async with database.write() as session:
        await vault.add(session, giveaway.id, [f"code {one}" for one in range(5)])

    handed = await asyncio.gather(
        *(_hand_over(database, vault, giveaway, winner) for winner in range(8))
    )

    assert handed.count(None) == 3
    assert len(set(handed)) == 6


async def test_code_of_a_rolled_back_claim_is_free_again(database: Database, vault: Vault) -> None:
    giveaway = await _start(database)
    async with database.write() as session:
        await vault.add(session, giveaway.id, ["AAA"])
    with suppress(RuntimeError):
        async with database.write() as session:
            assert await vault.hand_over(session, giveaway.id, 1) == "AAA"
            raise RuntimeError

    assert await _hand_over(database, vault, giveaway, 2) == "AAA"


async def test_swapped_codes_are_not_read(sqlite_database: Database, vault: Vault) -> None:
    giveaway = await _start(sqlite_database)
    async with sqlite_database.write() as session:
        await vault.add(session, giveaway.id, ["AAA", "BBB"])
        second = await session.scalar(
            select(GiveawayPrize.secret).where(GiveawayPrize.position == 2)
        )
        await session.execute(
            update(GiveawayPrize).where(GiveawayPrize.position == 1).values(secret=second)
        )

    with pytest.raises(ConfigurationError):
        await _hand_over(sqlite_database, vault, giveaway, 1)


async def test_other_key_gives_nothing_away(
    sqlite_database: Database, clock: FakeClock, vault: Vault
) -> None:
    giveaway = await _start(sqlite_database)
    async with sqlite_database.write() as session:
        await vault.add(session, giveaway.id, ["AAA"])
    other = Vault(clock, secret=SECRET[::-1], key_file=None)

    with pytest.raises(ConfigurationError, match="another key"):
        await _hand_over(sqlite_database, other, giveaway, 1)
    assert await _hand_over(sqlite_database, vault, giveaway, 2) == "AAA"


async def test_key_file_is_made_once_for_the_owner_alone(
    sqlite_database: Database, clock: FakeClock, tmp_path: Path
) -> None:
    giveaway = await _start(sqlite_database)
    path = tmp_path / "vault.key"
    async with sqlite_database.write() as session:
        await Vault(clock, secret=None, key_file=path).add(session, giveaway.id, ["AAA"])
    made = path.read_bytes()
    later = Vault(clock, secret=None, key_file=path)

    assert await _hand_over(sqlite_database, later, giveaway, 1) == "AAA"
    assert path.read_bytes() == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.glob("vault.key*")) == [path]


async def test_without_a_key_nothing_is_kept(sqlite_database: Database, clock: FakeClock) -> None:
    giveaway = await _start(sqlite_database)
    keyless = Vault(clock, secret=None, key_file=None)

    with pytest.raises(ConfigurationError, match="no key"):
        async with sqlite_database.write() as session:
            await keyless.add(session, giveaway.id, ["AAA"])


@pytest.mark.parametrize("content", [b"", b"short"])
async def test_key_file_that_holds_none_is_told(
    sqlite_database: Database, clock: FakeClock, tmp_path: Path, content: bytes
) -> None:
    giveaway = await _start(sqlite_database)
    path = tmp_path / "vault.key"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match="holds no key"):
        async with sqlite_database.write() as session:
            await Vault(clock, secret=None, key_file=path).add(session, giveaway.id, ["AAA"])


async def test_cancelled_giveaway_takes_no_codes(sqlite_database: Database, vault: Vault) -> None:
    giveaway = await _start(sqlite_database, status="cancelled")

    with pytest.raises(Conflict):
        async with sqlite_database.write() as session:
            await vault.add(session, giveaway.id, ["AAA"])


async def test_vault_does_not_grow_without_end(sqlite_database: Database, vault: Vault) -> None:
    giveaway = await _start(sqlite_database)
    async with sqlite_database.write() as session:
        await vault.add(session, giveaway.id, [f"code {one}" for one in range(MOST_CODES)])

    with pytest.raises(InvalidInput, match="can hold"):
        async with sqlite_database.write() as session:
            await vault.add(session, giveaway.id, ["one more"])


@pytest.mark.parametrize(
    "lines", [[], ["", "  "], ["x" * (LONGEST_CODE + 1)], ["x"] * (MOST_CODES + 1)]
)
def test_lines_that_are_no_codes_are_refused(lines: list[str]) -> None:
    with pytest.raises(InvalidInput):
        read_codes(lines)


async def test_a_code_is_taken_once(database: Database, vault: Vault) -> None:
    giveaway = await _start(database)
    async with database.write() as session:
        await vault.add(session, giveaway.id, ["A", "B"])
    for codes, words in (
        (["C", "D", "C"], "Line 3 repeats"),
        (["C", "B"], "Code 2 is in the vault"),
    ):
        with pytest.raises(InvalidInput, match=words):
            async with database.write() as session:
                await vault.add(session, giveaway.id, codes)
    async with database.read() as session:
        assert (await vault.stock(session, giveaway.id)).total == 2
