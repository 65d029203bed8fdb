"""The first answer to an interaction: message, deferral, update, choices or modal."""

from __future__ import annotations

from typing import Any

from ..interactions import CallbackType, Interaction, InteractionType, interaction_metadata
from ..models import Message, MessageFlag
from ..payloads import render_message
from .call import Call, Reply
from .component_rules import check_modal
from .drafts import read_draft, read_edit
from .errors import FormCheck, error, invalid_form, not_found
from .routing import route

Json = dict[str, Any]

_CHAT_INPUT_COMMAND, _REPLY, _CONTEXT_MENU_COMMAND = 20, 19, 23
_MESSAGE_LIKE = {CallbackType.MESSAGE, CallbackType.DEFERRED_MESSAGE}
_UPDATES = {CallbackType.DEFERRED_UPDATE, CallbackType.UPDATE}
_ALLOWED = {
    InteractionType.COMMAND: _MESSAGE_LIKE | {CallbackType.MODAL},
    InteractionType.COMPONENT: _MESSAGE_LIKE | _UPDATES | {CallbackType.MODAL},
    InteractionType.AUTOCOMPLETE: {CallbackType.AUTOCOMPLETE},
    InteractionType.MODAL_SUBMIT: _MESSAGE_LIKE | _UPDATES,
}


@route(
    "POST",
    "/interactions/{interaction_id}/{token}/callback",
    authenticated=False,
    counts_globally=False,
)
def answer_interaction(call: Call) -> Json | Reply | None:
    """Take the first answer; raises 10062 when late or unknown, 40060 the second time."""
    engine = call.context.interactions
    interaction = engine.find(call.snowflake("interaction_id"), call.params["token"])
    if interaction is None:
        raise not_found(10062)
    if interaction.callback is not None:
        raise error(400, 40060)
    if not engine.in_time(interaction):
        raise not_found(10062)
    kind = _checked_kind(interaction, call.json.get("type"))
    data = call.json.get("data") or {}
    _ANSWERS[kind](call, interaction, data)
    interaction.note_callback(kind)
    if call.query.get("with_response", "").lower() in ("true", "1"):
        return _callback_response(interaction, kind)
    return None


def _checked_kind(interaction: Interaction, kind: Any) -> int:
    allowed = _ALLOWED[interaction.type]
    if interaction.type == InteractionType.MODAL_SUBMIT and interaction.source is None:
        allowed = _MESSAGE_LIKE
    if kind not in allowed:
        raise invalid_form(
            "type", "INTERACTION_CALLBACK_TYPE_INVALID", "Invalid interaction callback type."
        )
    return int(kind)


def _send(call: Call, interaction: Interaction, data: Json) -> None:
    draft = read_draft(data, call.uploads, interaction.channel, prefix="data.")
    interaction.response = post_answer(interaction, draft.content, **draft.fields())


def post_answer(interaction: Interaction, content: str, **fields: Any) -> Message:
    """Make an answer's message; it goes into the channel unless it is ephemeral."""
    kind: int = (
        _CHAT_INPUT_COMMAND if interaction.data.get("type", 1) == 1 else _CONTEXT_MENU_COMMAND
    )
    reference = None
    if interaction.source is not None:
        kind = _REPLY
        reference = {
            "type": 0,
            "channel_id": str(interaction.channel.id),
            "message_id": str(interaction.source.id),
        }
    message = interaction.channel.new_message(
        interaction.application.user,
        content,
        type=kind,
        reference=reference,
        webhook_id=interaction.application.id,
        application_id=interaction.application.id,
        interaction=interaction_metadata(interaction),
        **fields,
    )
    if not message.ephemeral:
        interaction.channel.publish(message)
    return message


def _defer(_: Call, interaction: Interaction, data: Json) -> None:
    flags = (int(data.get("flags") or 0) & MessageFlag.EPHEMERAL) | MessageFlag.LOADING
    interaction.response = post_answer(interaction, "", flags=flags)


def _defer_update(_: Call, interaction: Interaction, __: Json) -> None:
    interaction.response = interaction.source


def _update(call: Call, interaction: Interaction, data: Json) -> None:
    message = interaction.source
    if message is None or message.deleted:
        raise not_found(10008)
    changes = read_edit(data, call.uploads, message, prefix="data.")
    interaction.response = message
    message.channel.edit_message(message, **changes)


def _offer_choices(_: Call, interaction: Interaction, data: Json) -> None:
    check = FormCheck()
    choices = check.entries("data.choices", data.get("choices"), 0, 25)
    for index, choice in enumerate(choices):
        check.text(f"data.choices.{index}.name", choice.get("name"), 1, 100, required=True)
        value = choice.get("value")
        if isinstance(value, str):
            check.text(f"data.choices.{index}.value", value, 1, 100)
    check.finish()
    interaction.choices = choices


def _show_modal(_: Call, interaction: Interaction, data: Json) -> None:
    check = FormCheck()
    check_modal(check, data)
    check.finish()
    interaction.modal = data


_ANSWERS = {
    CallbackType.MESSAGE: _send,
    CallbackType.DEFERRED_MESSAGE: _defer,
    CallbackType.DEFERRED_UPDATE: _defer_update,
    CallbackType.UPDATE: _update,
    CallbackType.AUTOCOMPLETE: _offer_choices,
    CallbackType.MODAL: _show_modal,
}


def _callback_response(interaction: Interaction, kind: int) -> Json:
    about: Json = {"id": str(interaction.id), "type": interaction.type}
    message = interaction.response
    if message is None:
        return {"interaction": about}
    about |= {
        "response_message_id": str(message.id),
        "response_message_loading": interaction.deferred,
        "response_message_ephemeral": message.ephemeral,
    }
    if kind not in (CallbackType.MESSAGE, CallbackType.UPDATE):
        return {"interaction": about}
    resource = {"type": kind, "message": render_message(message)}
    return {"interaction": about, "resource": resource}
