"""Tickets in the demo: owners open a help desk, members ask there, the staff see to them.

They do it by what they see, as people do: a button they know, a thread that they are in.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from ..actor import Actor
from ..channel import Channel
from ..command_data import NotPossibleError
from ..models import Json, Message, walk_components
from .population import Town

if TYPE_CHECKING:
    from ..server import Sandbox

OPEN, CLAIM, CLOSE = "tickets:open:", "tickets:claim:", "tickets:close:"
_MOST_OPEN = 4
# How far up people scroll.
_SEEN = 40
_TALKED_OUT = 8

_PANELS = {"en": ("Support", "A suggestion"), "es": ("Ayuda", "Una idea")}
_ASKED = {
    "en": (
        "Hi! I can't see the channels for regulars.",
        "My purchase did not arrive yet, could you look?",
        "Somebody is bothering me in private messages.",
        "I have an idea for the next event.",
        "How do I change my colour?",
    ),
    "es": (
        "¡Hola! No veo los canales de siempre.",
        "¿Podéis mirar mi inscripción?",
        "Alguien me molesta por privado.",
        "Tengo una idea para la próxima salida.",
    ),
}
_ANSWERED = {
    "en": ("I'm looking into it.", "Could you send a picture?", "That should work now.", "Thanks!"),
    "es": ("Lo estoy mirando.", "¿Puedes mandar una foto?", "Ya debería funcionar.", "¡Gracias!"),
}
_REASONS = {"en": ("Solved", "No answer", "Thank you"), "es": ("Resuelto", "Gracias")}


class Desks:
    """What the demo's people do with tickets."""

    def __init__(self, sandbox: Sandbox, random: Random) -> None:
        self._sandbox = sandbox
        self._random = random

    async def found(self, town: Town) -> None:
        """Have the owner make two panels and post them in the last channel, which is for help."""
        moderator = next(one for one in town.guild.roles.values() if one.name == "Moderator")
        for name in _PANELS[town.plan.language]:
            options = {"name": name, "staff": moderator}
            await town.owner.slash(town.log, "ticket panel create", options=options)
        place = {"channel": town.talk[-1]}
        await town.owner.slash(town.log, "ticket panel post", options=place)

    async def open(self, town: Town) -> None:
        """Have somebody open a ticket and say what it is about, unless there are enough."""
        if len(self._rooms(town)) >= _MOST_OPEN:
            raise NotPossibleError("enough tickets are open")
        message, button = self._panel(town)
        plain = [one for one in town.members if one not in town.staff]
        actor: Actor = self._random.choice(plain)
        known = set(self._rooms(town))
        await actor.click(message, str(button["custom_id"]))
        for room in set(self._rooms(town)) - known:
            if actor.id in room.thread_state.members:
                actor.send(room, self._random.choice(_ASKED[town.plan.language]))

    async def go_on(self, town: Town) -> None:
        """Have somebody say something in a ticket; one that is talked out is closed."""
        rooms = self._rooms(town)
        if not rooms:
            raise NotPossibleError("there is no ticket")
        room = self._random.choice(rooms)
        inside = [one for one in town.members if one.id in room.thread_state.members]
        helpers = [one for one in inside if one in town.staff]
        if not inside or not helpers:
            raise NotPossibleError("nobody is there")
        helper = self._random.choice(helpers)
        said = [one for one in room.messages.values() if not one.author.bot]
        if len(said) >= _TALKED_OUT:
            await self._close(town, room, helper)
            return
        card, claim = self._button(room, CLAIM)
        if card is not None and claim is not None and len(said) > 1:
            await helper.click(card, str(claim["custom_id"]))
        speaker = helper if self._random.random() < 0.6 else self._random.choice(inside)
        speaker.send(room, self._random.choice(_ANSWERED[town.plan.language]))

    async def _close(self, town: Town, room: Channel, helper: Actor) -> None:
        card, close = self._button(room, CLOSE)
        if card is None or close is None:
            raise NotPossibleError("the ticket is closed")
        form = await helper.click(card, str(close["custom_id"]))
        reason = self._random.choice(_REASONS[town.plan.language])
        await helper.submit_modal(form, {"reason": reason})

    def _rooms(self, town: Town) -> list[Channel]:
        """Return the threads of tickets that are open."""
        return [
            one
            for one in town.guild.threads.values()
            if one.thread_state.private and not one.thread_state.archived
        ]

    def _panel(self, town: Town) -> tuple[Message, Json]:
        found = [
            (message, one)
            for message in town.talk[-1].messages.values()
            if message.author is self._sandbox.application.user
            for one in _buttons(message, OPEN)
        ]
        if not found:
            raise NotPossibleError("there is no help desk")
        return self._random.choice(found)

    def _button(self, room: Channel, prefix: str) -> tuple[Message | None, Json | None]:
        for message in list(room.messages.values())[:_SEEN]:
            for one in _buttons(message, prefix):
                return message, one
        return None, None


def _buttons(message: Message, prefix: str) -> list[Json]:
    """Return the buttons of a message that can be pressed and whose id begins so."""
    return [
        one
        for one in walk_components(message.components)
        if str(one.get("custom_id", "")).startswith(prefix) and not one.get("disabled")
    ]
