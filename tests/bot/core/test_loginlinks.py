"""Login links: made for one person, used once."""

from __future__ import annotations

from bot.core.loginlinks import LoginLinks
from db.engine import Database
from tests.fakes import FakeClock


async def test_login_link_names_the_address_and_a_long_secret(
    database: Database, clock: FakeClock
) -> None:
    links = LoginLinks(database, clock, "https://bot.example/")
    link = await links.create(7)
    base, _, token = link.rpartition("/")
    assert base == "https://bot.example/login"
    assert len(token) >= 43
    assert await links.redeem(token) == 7
    assert await links.redeem(token) is None


async def test_login_links_of_two_people_live_side_by_side(
    database: Database, clock: FakeClock
) -> None:
    links = LoginLinks(database, clock, "http://127.0.0.1:8080")
    tokens = [(await links.create(person)).rpartition("/")[2] for person in (7, 8)]
    assert [await links.redeem(token) for token in tokens] == [7, 8]
