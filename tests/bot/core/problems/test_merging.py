"""One cause in many channels is one problem for whoever reads it."""

from __future__ import annotations

from bot.core.contracts import ChannelSummary, RoleSummary
from bot.core.delivery_problems import problem_in
from bot.core.features import FeatureRegistry
from bot.core.i18n import Message, _
from bot.core.message_json import message_from_json, message_to_json
from bot.core.places import ChannelList
from bot.core.preflight import missing_permissions, role_above_bot
from bot.core.problems import Problem
from bot.core.problems.merging import merge_places
from bot.core.problems.news import news_of

SEEING = frozenset({"view_channel"})


def place(number: int, permissions: frozenset[str] = SEEING) -> ChannelSummary:
    return ChannelSummary(number, 7, f"room-{number}", "text", bot_permissions=permissions)


def parked(number: int, permissions: frozenset[str] = SEEING) -> Problem:
    return problem_in(number, place(number, permissions))


def in_field(number: int, field: str) -> Problem:
    refusal = missing_permissions(("send_messages",), SEEING, place(number))
    assert refusal is not None
    message = _("{field}: {problem}", field=_(field), problem=refusal.message)
    return Problem("pond", "channel_permission", f"{field}:{number}", message, refusal.fix)


def test_same_cause_in_many_channels_names_all_in_message_and_fix() -> None:
    [merged] = merge_places(parked(number) for number in (1, 2, 3))
    assert "in #room-1, #room-2, and #room-3." in str(merged.message)
    assert "the settings of #room-1, #room-2, and #room-3," in str(merged.fix)
    assert "#room-2 y #room-3" in merged.message.render("es")


def test_what_differs_in_more_than_the_channel_stays_apart() -> None:
    other_need = parked(2, frozenset({"view_channel", "send_messages"}))
    fields = [in_field(1, "Log"), in_field(1, "Greetings"), in_field(2, "Log")]
    odd = Message("Odd."), Message("Mend it.")
    no_place = [Problem("pond", "odd", str(number), *odd) for number in (1, 2)]
    merged = merge_places([parked(1), other_need, *fields, *no_place])
    texts = [str(one.message) for one in merged]
    assert len(texts) == 6
    assert texts[2] == "Log: I lack the permission Send Messages in #room-1 and #room-2."


def test_many_channels_are_counted() -> None:
    [merged] = merge_places(parked(number) for number in range(500))
    text = str(merged.message)
    assert "#room-9, and 490 more channels." in text
    assert len(text) < 400
    [twice] = merge_places([parked(1), parked(1)])
    assert str(twice.message) == str(parked(1).message)


def test_what_is_said_of_a_setting_is_not_said_again() -> None:
    def above(role_id: int, name: str, field: str = "") -> Problem:
        refusal = role_above_bot(RoleSummary(role_id, 7, name, 9))
        if not field:
            return Problem("general", "parked", f"high:{role_id}", refusal.message, refusal.fix)
        message = _("{field}: {problem}", field=_(field), problem=refusal.message)
        return Problem("pond", "above", f"{field}:{role_id}", message, refusal.fix)

    lacking = missing_permissions(("manage_roles",), SEEING, None)
    assert lacking is not None
    bare = Problem("general", "parked", "lacking:", lacking.message, lacking.fix)
    worded = _("{field}: {problem}", field="Join roles", problem=lacking.message)
    of_setting = Problem("pond", "lacking", "roles:1", worded, lacking.fix)

    # One of two settings does not say what the other says; another role of that name is another.
    apart = [above(1, "Sailor", "Join roles"), above(1, "Sailor", "Crew"), above(2, "Sailor")]
    assert merge_places([above(1, "Sailor"), *apart, bare, of_setting]) == [*apart, of_setting]
    assert merge_places([above(1, "Sailor"), bare]) == [above(1, "Sailor"), bare]


def test_channels_are_stored_and_read_back() -> None:
    message = _("Discord does not let me post in {channel}.", channel=ChannelList(("a_b", "c")))
    again = message_from_json(message_to_json(message))
    assert str(again) == "Discord does not let me post in #a_b and #c."
    assert merge_places([Problem("a", "b", "1", again, again)])[0].message == again


def test_news_counts_one_cause_once() -> None:
    text = news_of([parked(1), parked(2)], FeatureRegistry([]), "en")
    assert text.startswith("I found a problem with my settings here:")
    assert text.count("\n- ") == 1
