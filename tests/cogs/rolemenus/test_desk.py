"""Menus on a real database: made, changed, posted and deleted, with the messages that show them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from bot.core.outbox.deliveries import DeliveryKind, NotPermitted, OutboxFailed, Undeliverable
from cogs.rolemenus.editing import with_option, with_roles, with_texts, without_roles
from cogs.rolemenus.posts import MESSAGE_GONE
from cogs.rolemenus.resource import MenuResource
from cogs.rolemenus.rules import Menu, Option, Style
from db.audit import list_audit_entries
from db.engine import Database
from tests.cogs.rolemenus.world import BLUE, CHANNEL, GREEN, GUILD, RED, World


def delivered(world: World, kind: DeliveryKind) -> list[dict[str, Any]]:
    return [dict(one.payload) for one in world.courier.delivered if one.kind is kind]


def labels(payload: dict[str, Any]) -> list[str]:
    return [one["label"] for row in payload["components"] for one in row["components"]]


async def posted(world: World, **values: Any) -> tuple[Menu, int]:
    """Return a menu that is posted, and its message."""
    menu = await world.make(**values)
    await world.desk.post(menu, CHANNEL)
    await world.work()
    ((_menu, (post,)),) = await world.desk.list(GUILD)
    assert post.message_id is not None
    return menu, post.message_id


async def test_posts_follow_each_change(world: World) -> None:
    menu, message_id = await posted(world)
    (shown,) = delivered(world, DeliveryKind.SEND)
    assert labels(shown) == ["R701", "R702", "R703"]

    def edit(one: Menu) -> Menu:
        changed = with_option(one, RED, label="Crimson", emoji="🍒", description="", cap="")
        return without_roles(changed, {GREEN})

    changed = await world.desk.change(menu, edit)
    await world.work()

    (edited,) = delivered(world, DeliveryKind.EDIT)
    assert labels(edited) == ["Crimson", "R702"]
    assert world.courier.delivered[-1].message_id == message_id
    assert changed.revision == 2


async def test_change_of_what_somebody_else_changed_is_refused(world: World) -> None:
    menu = await world.make()
    await world.desk.change(menu, lambda one: with_texts(one, "Paints", ""))

    with pytest.raises(Conflict, match="Somebody else"):
        await world.desk.change(menu, lambda one: with_texts(one, "Hues", ""))
    await world.make(title="Pings")
    current = await world.desk.find(GUILD, " paints ")
    with pytest.raises(Conflict, match="already"):
        await world.desk.change(current, lambda one: with_texts(one, "PINGS", ""))
    with pytest.raises(NotFound):
        await world.desk.find(GUILD, "Colours")


async def test_post_names_the_missing_permission(world: World) -> None:
    menu = await world.make(style=Style.REACTIONS)
    world.view.channel_permissions -= {"add_reactions"}

    with pytest.raises(Denied, match="I lack the permission Add Reactions in #c"):
        await world.desk.post(menu, CHANNEL)
    with pytest.raises(NotFound):
        await world.desk.post(menu, 999)
    empty = await world.make(title="Empty", options=())
    world.view.channel_permissions |= {"add_reactions"}
    with pytest.raises(InvalidInput, match="no roles yet"):
        await world.desk.post(empty, CHANNEL)


async def test_what_a_style_cannot_hold_is_refused_in_words(world: World) -> None:
    for style, limit in ((Style.BUTTONS, 25), (Style.REACTIONS, 20)):
        roles = tuple(Option(role_id=one) for one in range(1, limit + 2))
        with pytest.raises(InvalidInput, match=f"at most {limit} .* would have {limit + 1} roles"):
            await world.make(style=style, options=roles)
    many = tuple(Option(role_id=one) for one in range(1, 251))
    menu = await world.make(style=Style.SELECT, options=many)
    with pytest.raises(InvalidInput, match="at most 250 roles"):
        await world.desk.change(menu, lambda one: with_roles(one, [999]))
    with pytest.raises(InvalidInput, match="at most 25 buttons"):
        await world.desk.change(menu, lambda one: replace(one, style=Style.BUTTONS))


async def test_reactions_are_set_and_follow(world: World) -> None:
    menu, message_id = await posted(world, style=Style.REACTIONS)
    assert world.reactor.reactions == {message_id: ["🔴", "🟠", "🟡"]}

    def edit(one: Menu) -> Menu:
        return with_option(
            one, BLUE, label="", emoji="<:wave:123456789012345678>", description="", cap=""
        )

    menu = await world.desk.change(menu, edit)
    await world.work()
    assert world.reactor.reactions[message_id] == ["🔴", "wave:123456789012345678", "🟡"]
    with pytest.raises(InvalidInput, match="can't have the same emoji"):
        await world.desk.change(
            menu,
            lambda one: with_option(one, GREEN, label="", emoji="🔴", description="", cap=""),
        )

    await world.desk.change(menu, lambda one: replace(one, style=Style.BUTTONS))
    await world.work()
    assert world.reactor.reactions[message_id] == []


async def test_a_servers_own_emoji_has_to_be_there(world: World) -> None:
    menu, _message_id = await posted(world)
    gone, known = "<:wave:123456789012345679>", "<a:wave:123456789012345678>"
    world.gone_emoji.add(123456789012345679)

    def edit(emoji: str) -> Any:
        return lambda one: with_option(one, BLUE, label="", emoji=emoji, description="", cap="")

    with pytest.raises(InvalidInput, match="no emoji of this server"):
        await world.desk.change(menu, edit(gone))
    assert await world.desk.get(GUILD, menu.id) == menu
    menu = await world.desk.change(menu, edit(known))
    # What was chosen once is not asked for again: other things can be changed when it is gone.
    world.gone_emoji.add(123456789012345678)
    await world.desk.change(menu, lambda one: with_texts(one, "Other", ""))


async def test_reactions_wait_for_a_permission_and_tell_once(world: World) -> None:
    world.reactor.error = NotPermitted("missing_permissions")
    menu = await world.make(style=Style.REACTIONS)
    await world.desk.post(menu, CHANNEL)
    await world.work()
    assert await world.problem_causes() == ["reactions"]

    world.reactor.error = None
    world.clock.advance(301)
    await world.work()

    assert await world.problem_causes() == []
    assert list(world.reactor.reactions.values()) == [["🔴", "🟠", "🟡"]]


async def test_post_is_found_again_after_a_death_before_it_was_noted(
    database: Database, world: World
) -> None:
    menu = await world.make(style=Style.REACTIONS)
    await world.desk.post(menu, CHANNEL)
    await world.outbox.run_due()

    later = World(database, world.clock, world.discord)
    await later.start()
    await later.jobs.run_due()

    (message_id,) = later.reactor.reactions
    assert later.posts.find(message_id) is not None


async def test_last_message_that_people_delete_is_told_until_it_is_posted_again(
    world: World,
) -> None:
    menu, first = await posted(world)
    await world.desk.post(menu, CHANNEL)
    await world.work()
    ((_menu, posts),) = await world.desk.list(GUILD)
    second = posts[1].message_id or 0

    for message_id, causes in ((first, []), (second, ["message_deleted"])):
        assert await world.posts.deleted([message_id]) == {GUILD}
        await world.problems.review(GUILD)
        assert await world.problem_causes() == causes
    assert await world.posts.deleted([second]) == set()

    await world.desk.post(menu, CHANNEL)
    await world.problems.review(GUILD)
    assert await world.problem_causes() == []


async def test_message_deleted_while_away_is_seen_at_the_next_change(world: World) -> None:
    menu, message_id = await posted(world)
    ((_menu, (post,)),) = await world.desk.list(GUILD)
    failed = OutboxFailed(
        at=world.clock.now(),
        guild_id=GUILD,
        channel_id=CHANNEL,
        user_id=None,
        dedupe_key=f"rolemenus:post:{post.id}:2",
        reason=MESSAGE_GONE,
    )

    assert await world.posts.delivery_failed(failed) == {GUILD}
    assert world.posts.find(message_id) is None
    assert await world.posts.delivery_failed(replace(failed, dedupe_key="report:1")) == set()
    assert menu.id


async def test_reaction_on_a_deleted_message_is_no_failure(world: World) -> None:
    menu, message_id = await posted(world, style=Style.REACTIONS)
    world.reactor.error = Undeliverable(MESSAGE_GONE)

    await world.desk.renew(GUILD, 1)
    await world.work()

    assert world.posts.find(message_id) is None
    assert menu.id


async def test_deleted_menu_takes_its_messages_and_choices_along(world: World) -> None:
    menu, message_id = await posted(world, caps={RED: 1})
    await world.press(menu, RED)
    await world.desk.post(menu, CHANNEL)

    world.posts.forget(await world.desk.delete(menu, SYSTEM))
    await world.work()

    (deletion,) = [one for one in world.courier.delivered if one.kind is DeliveryKind.DELETE]
    assert deletion.message_id == message_id
    # The second one had not left yet, and never does.
    assert len(delivered(world, DeliveryKind.SEND)) == 1
    assert await world.places(menu, RED) == 0
    assert world.posts.find(message_id) is None


async def test_menu_that_follows_a_deleted_one_is_posted(world: World) -> None:
    """Its post must not be taken for the deleted one's, which was sent already."""
    menu, _ = await posted(world)
    world.posts.forget(await world.desk.delete(menu, SYSTEM))
    await world.work()
    following, message_id = await posted(world)

    assert len(delivered(world, DeliveryKind.SEND)) == 2
    assert following.id != menu.id
    assert world.posts.find(message_id) is not None


async def test_programs_read_menus_and_delete_them_as_they_were_seen(world: World) -> None:
    menu, message_id = await posted(world, caps={RED: 1})
    removed: list[tuple[int, int]] = []
    resource = MenuResource(world.desk, lambda guild, posts: removed.append((guild, len(posts))))
    (item,) = await resource.list(GUILD)
    body = item.body.model_dump(mode="json")
    assert (item.id, body["style"], body["options"][0]["places"]) == (menu.id, "buttons", 1)
    assert [one["message_id"] for one in body["posts"]] == [str(message_id)]

    await world.desk.change(menu, lambda one: without_roles(one, {RED}))
    with pytest.raises(Conflict, match="changed this menu"):
        await resource.remove(GUILD, item.id, item.revision, SYSTEM)
    item = await resource.get(GUILD, menu.id)
    await resource.remove(GUILD, item.id, item.revision, SYSTEM)
    with pytest.raises(NotFound):
        await resource.get(GUILD, menu.id)
    async with world.database.read() as session:
        entries = await list_audit_entries(session, guild_id=GUILD, action="rolemenus.delete")
    assert (removed, len(entries)) == ([(GUILD, 1)], 1)


async def test_role_that_has_gone_or_got_power_is_told(world: World) -> None:
    menu = await world.make()
    del world.view.positions[RED]
    world.view.rights[BLUE] = frozenset({"manage_guild"})
    await world.problems.review(GUILD)
    assert sorted(await world.problem_causes()) == ["role_dangerous", "role_gone"]

    menu = await world.desk.change(menu, lambda one: without_roles(one, {RED}))
    await world.desk.change(menu, lambda one: with_roles(one, [BLUE], trusted=[BLUE]))
    await world.problems.review(GUILD)
    assert await world.problem_causes() == []
