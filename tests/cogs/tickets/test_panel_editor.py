"""The editor of a panel as its admin meets it: what is refused, corrected, warned of, asked."""

from __future__ import annotations

import re
from typing import Any

from cogs.tickets.panel import Panel
from tests.cogs.moderation.world import text_of
from tests.cogs.tickets.harbour import Desk, made

LIMITS = {"per_member": "2", "at_most": "", "cooldown": "", "priority": [], "rating": ["yes"]}
QUESTION = {"kind": ["line"], "description": "", "choices": "", "required": ["yes"]}


async def opened(desk: Desk) -> Any:
    await made(desk)
    return await desk.boss.slash(desk.channel, "ticket panel edit", panel="Support")


async def part(desk: Desk, editor: Any, name: str, /, **values: Any) -> Any:
    form = await desk.boss.select(editor.response, [name], custom_id="tickets:panel:parts")
    return await desk.boss.submit_modal(form, values)


async def add(desk: Desk, editor: Any, **values: Any) -> Any:
    form = await desk.boss.select(editor.response, ["new"], custom_id="tickets:panel:form")
    return await desk.boss.submit_modal(form, QUESTION | values)


def shown(editor: Any) -> str:
    return str(editor.response.components)


async def kept(desk: Desk) -> Panel:
    return Panel.model_validate((await desk.panel()).config)


async def test_a_panel_without_staff_says_so_wherever_it_is_met(desk: Desk) -> None:
    answer = await desk.boss.slash(desk.channel, "ticket panel create", name="Help")
    assert "`Help` has no staff: nobody is called" in shown(answer)
    assert "has no staff" in text_of(answer)
    desk.cog.desk._patience = 0
    assert "has no staff" in await desk.ask(desk.boss, "ticket panel post")


async def test_wrong_values_are_named_by_their_inputs(desk: Desk) -> None:
    editor = await opened(desk)
    limits = LIMITS | {"priority": ["normal"]}
    said = text_of(await part(desk, editor, "limits", **limits | {"at_most": "x", "cooldown": "y"}))
    assert "Open tickets in all: x is not a whole number." in said
    assert "Pause between two:" in said
    said = text_of(
        await part(desk, editor, "limits", **limits | {"per_member": "99", "at_most": "0"})
    )
    assert "Open tickets of a member: At most 10, please." in said
    assert "Open tickets in all: At least 1, please." in said
    said = text_of(await add(desk, editor, label="Kind", kind=["radio"], choices="A\na"))
    assert "Choices: `a` is there twice." in said


async def test_saved_does_not_stand_over_what_was_refused(desk: Desk) -> None:
    editor = await opened(desk)
    limits = LIMITS | {"priority": ["normal"]}
    await part(desk, editor, "limits", **limits)
    assert "Saved." in shown(editor)
    await part(desk, editor, "limits", **limits | {"per_member": "99"})
    assert "Not saved." in shown(editor)
    assert "✅" not in shown(editor)


async def test_a_name_that_is_taken_loses_nothing_of_the_form(desk: Desk) -> None:
    editor = await opened(desk)
    await desk.boss.slash(desk.channel, "ticket panel create", name="Help")
    form = {"name": "help", "description": "Long words", "emoji": "", "colour": ["red"]}
    refused = await part(desk, editor, "basics", **form, enabled=["yes"])
    assert "Name: There is a panel called" in text_of(refused)
    again = await desk.boss.click(refused.followups[-1], label="Correct it")
    assert "Long words" in str(again.modal)


async def test_what_is_corrected_shows_in_the_editor(desk: Desk) -> None:
    editor = await opened(desk)
    limits = LIMITS | {"priority": ["normal"]}
    refused = await part(desk, editor, "limits", **limits | {"per_member": "99"})
    again = await desk.boss.click(refused.followups[-1], label="Correct it")
    await desk.boss.submit_modal(again, limits | {"per_member": "7"})
    assert (await kept(desk)).per_member == 7
    assert "Open tickets of a member: 7" in shown(editor)
    assert "Saved." in refused.followups[-1].content
    assert not refused.followups[-1].components


async def test_who_gets_their_rights_back_corrects_in_the_editor(desk: Desk) -> None:
    editor = await opened(desk)
    limits = LIMITS | {"priority": ["normal"], "per_member": "7"}
    form = await desk.boss.select(editor.response, ["limits"], custom_id="tickets:panel:parts")
    backend, rights = desk.bench.env.backend, desk.crew.id
    backend.edit_role(desk.guild.id, rights, {"permissions": 0})
    await desk.bench.env.settle()
    refused = await desk.boss.submit_modal(form, limits)
    message = refused.followups[-1] if refused.followups else refused.response
    backend.edit_role(desk.guild.id, rights, {"permissions": 1 << 5})
    await desk.bench.env.settle()
    again = await desk.boss.click(message, label="Correct it")
    await desk.boss.submit_modal(again, limits)
    assert (await kept(desk)).per_member == 7
    assert "Saved." in shown(editor)


async def test_a_question_goes_with_what_hangs_on_it_when_asked_twice(desk: Desk) -> None:
    editor = await opened(desk)
    await add(desk, editor, label="Kind", kind=["radio"], choices="A\nB")
    form = await desk.boss.select(editor.response, ["route"], custom_id="tickets:panel:routes")
    route = {"when": "Kind: A", "roles": [], "priority": ["high"], "labels": ""}
    await desk.boss.submit_modal(form, route)
    await desk.boss.select(editor.response, ["q:kind"], custom_id="tickets:panel:form")
    await desk.boss.click(editor.response, label="Remove")
    assert len((await kept(desk)).routes) == 1
    assert "Nothing is removed yet" in shown(editor)
    assert "This route goes: Kind" in shown(editor)
    await desk.boss.click(editor.response, label="Remove")
    panel = await kept(desk)
    assert (panel.pages, panel.routes) == ((), ())


async def test_the_words_around_a_question_are_written_in_the_editor(desk: Desk) -> None:
    editor = await opened(desk)
    await add(desk, editor, label="Order")
    await desk.boss.select(editor.response, ["q:order"], custom_id="tickets:panel:form")
    form = await desk.boss.click(editor.response, label="Placeholder and title")
    words = {"placeholder": "ABC-123", "title": "Your order"}
    await desk.boss.submit_modal(form, words)
    (page,) = (await kept(desk)).pages
    assert (page.title, page.questions[0].placeholder) == ("Your order", "ABC-123")
    again = await desk.boss.click(editor.response, label="Placeholder and title")
    assert {"ABC-123", "Your order"} <= set(re.findall("[A-Z][-A-Za-z0-9 ]+", str(again.modal)))


async def test_a_route_is_edited_in_its_place(desk: Desk) -> None:
    editor = await opened(desk)
    await add(desk, editor, label="Kind", kind=["radio"], choices="A\nB")
    route = {"when": "Kind: A", "roles": [], "priority": ["high"], "labels": ""}
    for when in ("Kind: A", "Kind: B"):
        form = await desk.boss.select(editor.response, ["route"], custom_id="tickets:panel:routes")
        await desk.boss.submit_modal(form, route | {"when": when})
    await desk.boss.select(editor.response, ["r:0"], custom_id="tickets:panel:routes")
    form = await desk.boss.click(editor.response, label="Edit")
    assert "Kind: A" in str(form.modal)
    refused = await desk.boss.submit_modal(form, route | {"when": "Kind: B"})
    assert "this very route already" in text_of(refused)
    form = await desk.boss.click(editor.response, label="Edit")
    await desk.boss.submit_modal(form, route | {"priority": ["low"], "labels": "calm, later"})
    first, second = (await kept(desk)).routes
    assert (first.when.values, first.priority, first.labels) == (("a",), "low", ("calm", "later"))
    assert (second.when.values, second.priority) == (("b",), "high")
    await desk.boss.click(editor.response, label="Remove")
    assert (await kept(desk)).routes == (second,)


async def test_deleting_a_panel_says_whose_answers_lead_to_it(desk: Desk) -> None:
    editor = await opened(desk)
    await desk.boss.slash(desk.channel, "ticket panel create", name="Bills")
    await add(desk, editor, label="Kind", kind=["radio"], choices="A\nB")
    form = await desk.boss.select(editor.response, ["route"], custom_id="tickets:panel:routes")
    route = {"when": "Kind: A", "panel": ["Bills"], "roles": [], "priority": [], "labels": ""}
    await desk.boss.submit_modal(form, route)
    asked = await desk.boss.slash(desk.channel, "ticket panel delete", panel="Bills")
    assert "Answers in the forms of `Support` lead to it" in text_of(asked)


async def test_choices_are_not_dropped_without_a_word(desk: Desk) -> None:
    editor = await opened(desk)
    said = text_of(await add(desk, editor, label="Kind", kind=["line"], choices="A\nB"))
    assert "Answered with: Pick a menu" in said
    await add(desk, editor, label="Kind", kind=["radio"], choices="A\nB")
    await desk.boss.select(editor.response, ["q:kind"], custom_id="tickets:panel:form")
    form = await desk.boss.click(editor.response, label="Edit")
    changed = QUESTION | {"label": "Kind", "kind": ["line"], "choices": "A\nB"}
    await desk.boss.submit_modal(form, changed)
    assert (await kept(desk)).questions[0].choices == ()
