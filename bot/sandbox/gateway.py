"""The gateway's hub.

It takes what the world announces and hands it to every session that may hear it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .application_payloads import render_application
from .codec import encode, isoformat
from .events import Dispatch, Intent
from .models import Application, Json, Member
from .payloads import (
    blank_content,
    render_channel,
    render_guild,
    render_member,
    render_thread_member,
    render_user,
)
from .permissions import channel_permissions
from .session import Session
from .starts import StartBudget
from .world import World

if TYPE_CHECKING:
    from .channel import Channel
    from .connection import Connection
    from .guild import Guild

FrameListener = Callable[[Session | None, Json], None]

API_VERSION = 10
LARGE_GUILD = 250


class Gateway:
    """Sessions and connections of every connected bot.

    `heartbeat_interval` and `resume_window` are in seconds; `replay_limit` bounds the events kept
    per session.
    """

    def __init__(
        self,
        world: World,
        *,
        heartbeat_interval: float = 41.25,
        resume_window: float = 180.0,
        replay_limit: int = 20_000,
        sends_per_minute: int = 120,
    ) -> None:
        self.world = world
        self.url = ""
        self.heartbeat_interval = heartbeat_interval
        self.resume_window = resume_window
        self.replay_limit = replay_limit
        self.sends_per_minute = sends_per_minute
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.frame_listeners: list[FrameListener] = []
        self.identifies = 0
        self.starts = StartBudget()
        # Faults: heartbeats stay unanswered, and so do IDENTIFY and RESUME; before this monotonic
        # instant nobody may connect.
        self.ignore_heartbeats = False
        self.ignore_sessions = False
        self.refuse_until = 0.0
        world.listeners.append(self.deliver)

    # -- sessions ---------------------------------------------------------------------------------

    def application_for(self, token: str) -> Application | None:
        """Return the application with this token; the prefix "Bot " is optional."""
        bare = token.removeprefix("Bot ").strip()
        return next(
            (entry for entry in self.world.applications.values() if entry.token == bare), None
        )

    def open_session(
        self, application: Application, intents: int, shard: tuple[int, int]
    ) -> Session:
        """Start a session and return it; nothing has been sent yet."""
        self._forget_expired()
        session = Session(application, intents, shard[0], shard[1], replay_limit=self.replay_limit)
        self.sessions[session.id] = session
        self.identifies += 1
        return session

    def close_session(self, session: Session) -> None:
        """End a session for good: it can no longer be resumed."""
        self.sessions.pop(session.id, None)

    def find_session(self, session_id: str) -> Session | None:
        """Return a session that can still be resumed."""
        self._forget_expired()
        return self.sessions.get(session_id)

    def _forget_expired(self) -> None:
        oldest = time.monotonic() - self.resume_window
        for session in list(self.sessions.values()):
            if (
                session.outlet is None
                and session.detached_at is not None
                and session.detached_at < oldest
            ):
                del self.sessions[session.id]

    def greet(self, session: Session) -> None:
        """Send READY and then every guild of the session's shard."""
        guilds = [guild for guild in self.world.guilds.values() if session.covers(guild)]
        application = render_application(session.application)
        ready = {
            "v": API_VERSION,
            "user": render_user(session.application.user)
            | {"email": None, "verified": True, "mfa_enabled": True},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": f"{self.url}/resume",
            "shard": [session.shard_id, session.shard_count],
            "application": {"id": application["id"], "flags": application["flags"]},
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "user_settings": {},
            "geo_ordered_rtc_regions": [],
            "_trace": ["sandbox"],
        }
        session.push("READY", encode(ready))
        if session.intents & Intent.GUILDS:
            for guild in guilds:
                session.push("GUILD_CREATE", encode(self._render_guild(session, guild)))

    def _render_guild(self, session: Session, guild: Guild) -> Json:
        viewer = guild.members[session.application.user.id]
        members = self._listed_members(session, guild)
        return render_guild(guild) | {
            "joined_at": isoformat(viewer.joined_at),
            "large": len(guild.members) >= LARGE_GUILD,
            "unavailable": False,
            "member_count": len(guild.members),
            "members": [render_member(member) for member in members],
            "channels": [render_channel(channel) for channel in guild.channels.values()],
            "threads": _open_threads(guild, viewer),
            "presences": [],
            "voice_states": list(guild.voice_states.values()),
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    @staticmethod
    def _listed_members(session: Session, guild: Guild) -> list[Member]:
        """Members in GUILD_CREATE.

        All of a small guild with the presence intent, else the bot and who is in voice.
        """
        wanted = Intent.GUILD_PRESENCES | Intent.GUILD_MEMBERS
        if len(guild.members) < LARGE_GUILD and session.intents & wanted == wanted:
            return list(guild.members.values())
        listed = {session.application.user.id, *guild.voice_states}
        return [guild.members[user_id] for user_id in listed if user_id in guild.members]

    # -- events -----------------------------------------------------------------------------------

    def deliver(self, dispatch: Dispatch) -> None:
        """Hand an event to every session that may hear it.

        It is encoded at most twice: with the content, and without.
        """
        full = blanked = None
        for session in list(self.sessions.values()):
            if dispatch.event in ("GUILD_CREATE", "GUILD_DELETE"):
                self._deliver_membership(session, dispatch)
            elif session.hears(dispatch):
                if session.reads_content_of(dispatch):
                    full = full or encode(dispatch.data)
                    session.push(dispatch.event, full)
                else:
                    blanked = blanked or encode(_blanked(dispatch))
                    session.push(dispatch.event, blanked)

    def _deliver_membership(self, session: Session, dispatch: Dispatch) -> None:
        guild = dispatch.guild
        if guild is None or dispatch.application_id != session.application.id:
            return
        on_shard = (guild.id >> 22) % session.shard_count == session.shard_id
        if not on_shard or not session.intents & Intent.GUILDS:
            return
        data = dispatch.data
        if dispatch.event == "GUILD_CREATE":
            data = self._render_guild(session, guild)
            # Said only of guilds that READY has named: by this clients tell one that is new.
            del data["unavailable"]
        session.push(dispatch.event, encode(data))

    def send_encoded(self, event: str, body: bytes, *, guild_id: int | None = None) -> None:
        """Send an already encoded event to every session (of the guild's shard), unfiltered.

        For floods and malformed events.
        """
        for session in list(self.sessions.values()):
            if guild_id is None or (guild_id >> 22) % session.shard_count == session.shard_id:
                session.push(event, body)

    def note_frame(self, session: Session | None, frame: Json) -> None:
        """Tell every listener of a message a client sent."""
        for listener in tuple(self.frame_listeners):
            listener(session, frame)

    # -- what clients ask for ---------------------------------------------------------------------

    def send_members(self, session: Session, request: Json) -> None:
        """Answer Request Guild Members with chunks of 1,000.

        https://discord.com/developers/docs/events/gateway-events#request-guild-members
        """
        guild = self.world.guilds.get(int(request.get("guild_id") or 0))
        if guild is None or not session.covers(guild):
            return
        found, missing = self._select_members(session, guild, request)
        chunks = [found[start : start + 1_000] for start in range(0, len(found), 1_000)] or [[]]
        for index, chunk in enumerate(chunks):
            place = (index, len(chunks))
            data = _chunk(guild, request, chunk, place=place, missing=missing)
            session.push("GUILD_MEMBERS_CHUNK", encode(data))

    @staticmethod
    def _select_members(
        session: Session, guild: Guild, request: Json
    ) -> tuple[list[Member], list[str]]:
        wanted = request.get("user_ids")
        if wanted:
            ids = [int(entry) for entry in (wanted if isinstance(wanted, list) else [wanted])][:100]
            missing = [str(entry) for entry in ids if entry not in guild.members]
            return [guild.members[entry] for entry in ids if entry in guild.members], missing
        query, limit = str(request.get("query") or "").lower(), int(request.get("limit") or 0)
        if not query and not limit:
            return (
                list(guild.members.values()) if session.intents & Intent.GUILD_MEMBERS else []
            ), []
        matching = (
            member
            for member in guild.members.values()
            if any(name and name.lower().startswith(query) for name in _names(member))
        )
        return [
            member for member, _ in zip(matching, range(min(limit or 100, 100)), strict=False)
        ], []

    def set_voice_state(self, session: Session, request: Json) -> None:
        """Move the bot into or out of a voice channel (no audio is ever carried)."""
        guild = self.world.guilds.get(int(request.get("guild_id") or 0))
        if guild is None or not session.covers(guild):
            return
        channel_id = request.get("channel_id")
        guild.set_voice_state(
            session.application.user,
            guild.channels.get(int(channel_id)) if channel_id else None,
            session_id=session.id,
            self_mute=bool(request.get("self_mute")),
            self_deaf=bool(request.get("self_deaf")),
        )

    async def close(self) -> None:
        """Close every connection with 1001 (going away)."""
        await asyncio.gather(*(connection.close(1001) for connection in list(self.connections)))


def _blanked(dispatch: Dispatch) -> Json:
    """Return an event's data as a session without the message content intent gets it."""
    if dispatch.message is not None:
        return blank_content(dispatch.data)
    return dispatch.data | dict.fromkeys(dispatch.withheld, "")


def _names(member: Member) -> tuple[str | None, ...]:
    return member.user.name, member.nick, member.user.global_name


def _chunk(
    guild: Guild,
    request: Json,
    members: list[Member],
    *,
    place: tuple[int, int],
    missing: list[str],
) -> Json:
    chunk: Json = {
        "guild_id": str(guild.id),
        "members": [render_member(member) for member in members],
        "chunk_index": place[0],
        "chunk_count": place[1],
        "not_found": missing,
    }
    if request.get("presences"):
        chunk["presences"] = []
    if request.get("nonce") is not None:
        chunk["nonce"] = request["nonce"]
    return chunk


def _open_threads(guild: Guild, viewer: Member) -> list[Json]:
    """Return the threads a bot is told of at the start: active ones that it may see."""
    return [
        render_channel(thread) | _own_membership(thread, viewer.id)
        for thread in guild.threads.values()
        if not thread.thread_state.archived and channel_permissions(viewer, thread)
    ]


def _own_membership(thread: Channel, user_id: int) -> Json:
    if user_id not in thread.thread_state.members:
        return {}
    return {"member": render_thread_member(thread, user_id)}
