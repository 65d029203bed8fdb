"""What a visitor does with the bot: commands, their options, buttons, selects and modals."""

from __future__ import annotations

from typing import Any

from ..interactions import CallbackType, Interaction
from ..models import Json
from .command_views import view_choices
from .message_views import safe_for_scripts
from .visit import NotThereError, UnfitError, Visit, action

# The answer is on its way when the bot's time runs out.
_GRACE = 0.5


@action("POST", r"/channels/{channel_id:\d+}/commands")
async def use_command(visit: Visit) -> Json:
    """Use the slash command `command` ("welcome test") with `options`."""
    channel = visit.channel()
    options = {name: _value(visit, value) for name, value in _options(visit).items()}
    interaction = await visit.actor(channel).slash(
        channel, visit.text("command"), options=options, wait=False
    )
    return await _outcome(visit, interaction)


@action("POST", r"/channels/{channel_id:\d+}/autocomplete")
async def type_option(visit: Visit) -> Json:
    """Return what the bot offers for `option` of `command` after `typed`."""
    channel = visit.channel()
    typed = str(visit.body.get("typed") or "")
    choices = await visit.actor(channel).autocomplete(
        channel, visit.text("command"), visit.text("option"), typed, **_options(visit)
    )
    return {"choices": safe_for_scripts(view_choices(choices, visit.locale))}


def _options(visit: Visit) -> Json:
    options = visit.body.get("options") or {}
    if not isinstance(options, dict):
        raise UnfitError("the options must be an object")
    return options


def _value(visit: Visit, value: Any) -> Any:
    """Return a value with files turned from `{"filename", "data"}` into name and bytes."""
    if isinstance(value, list):
        return [_value(visit, entry) for entry in value]
    return visit.file(value) if isinstance(value, dict) else value


@action("POST", r"/channels/{channel_id:\d+}/context-menu")
async def use_context_menu(visit: Visit) -> Json:
    """Use the context menu command `name` on the message or member `target_id`."""
    channel = visit.channel()
    target_id = int(visit.need("target_id"))
    target = channel.messages.get(target_id) or visit.sandbox.world.users.get(target_id)
    if target is None:
        raise NotThereError("what you chose is gone")
    actor = visit.actor(channel)
    interaction = await actor.context_menu(channel, visit.text("name"), target, wait=False)
    return await _outcome(visit, interaction)


@action("POST", r"/channels/{channel_id:\d+}/messages/{message_id:\d+}/components")
async def use_component(visit: Visit) -> Json:
    """Click the button `custom_id`, or choose `values` in the select of that id."""
    message, custom_id = visit.message(), visit.text("custom_id")
    actor, values = visit.actor(message.channel), visit.body.get("values")
    if values is None:
        interaction = await actor.click(message, custom_id, wait=False)
    else:
        interaction = await actor.select(message, custom_id, list(values), wait=False)
    return await _outcome(visit, interaction)


@action("POST", r"/interactions/{interaction_id:\d+}/modal")
async def submit_modal(visit: Visit) -> Json:
    """Submit the modal that an interaction has opened, with `values` by custom id."""
    opened = visit.visitor.interaction(int(visit.params["interaction_id"]))
    if opened is None:
        raise NotThereError("this form is no longer open")
    values = {key: _value(visit, value) for key, value in visit.need("values").items()}
    actor = visit.actor(opened.channel)
    return await _outcome(visit, await actor.submit_modal(opened, values, wait=False))


async def _outcome(visit: Visit, interaction: Interaction) -> Json:
    """Wait for the first answer; messages come to the page as events, a modal comes here."""
    visit.visitor.note_interaction(interaction)
    await interaction.answered(visit.sandbox.interactions.ack_window + _GRACE)
    modal = interaction.modal if interaction.callback == CallbackType.MODAL else None
    return {"id": str(interaction.id), "modal": safe_for_scripts(modal)}
