"""A simulated Discord: real HTTP and WebSocket on loopback, state in memory, no account needed.

    async with Sandbox() as sandbox:                       # or `await sandbox.start()` … `stop()`
        guild = sandbox.add_guild("Harbour", channels=("general", "welcome"))
        discord.http.Route.BASE = sandbox.api_base_url     # and connect a bot with sandbox.token
        ada = sandbox.join(guild, "ada", global_name="Ada")
        ada.send(guild.channel("general"), "hello")
        answer = await ada.slash(guild.channel("general"), "welcome test", kind="join")
        form = await ada.click(answer, "welcome:edit")     # by custom id or label
        await ada.submit_modal(form, {"text": "Hi!"})
        await sandbox.wait_for_message(guild.channel("welcome"), containing="Ada")

State lives in `sandbox.world` (world.py, guild.py, channel.py, models.py): their methods change
it and announce it; `world.listeners` hear every Dispatch. Acting as people, within the limits of
Discord's own client: actor.py; what they write: writing.py; what staff do, with its audit log
entries: moderating.py (`owner.ban(ada, reason="spam")`) and building.py. Native auto moderation:
automod.py judges what members send, edit and are called. Answers to interactions, ephemeral ones
too: interactions.py. What the bot did: `sandbox.recorder` (REST calls and gateway frames, with
listeners), `wait_for_call`, `wait_for_message`. Trouble: `sandbox.faults`. Rate limits:
`sandbox.limits`. REST routes: one module per resource in rest/, each registered with `@route`.
Everything is also open over HTTP under `/sandbox/` (control/), and people take part on the page at
`/` (page/).

The package imports nothing of the bot: it is the other side of the wire.
"""

from __future__ import annotations

from .actor import Actor
from .command_data import NotPossibleError
from .faults import RestFault
from .interactions import Interaction, NotAnsweredError
from .server import DEFAULT_TOKEN, Sandbox, serve
from .world import World

__all__ = [
    "DEFAULT_TOKEN",
    "Actor",
    "Interaction",
    "NotAnsweredError",
    "NotPossibleError",
    "RestFault",
    "Sandbox",
    "World",
    "serve",
]
