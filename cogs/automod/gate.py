"""The gate: judges messages synchronously, and all else that rules look at as it comes in.

A clean message costs a look-up and the engine's scan. Only what needs an effect starts a task.
Free of discord.py: payloads are read here, Discord is asked through protocols.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.core.cases import Target
from bot.core.contracts import MessageFacts
from bot.core.messages import Verdict
from cogs.automod.calls import CallError
from cogs.automod.directory import Directory
from cogs.automod.engines import Engines, Entry
from cogs.automod.nativehits import NativeHits
from cogs.automod.needs import NeedsResolver
from cogs.automod.planning import Occasion
from cogs.automod.rules.values import (
    Context,
    Judgement,
    NameFacts,
    Needs,
    ThreadFacts,
    VoiceFacts,
)
from cogs.automod.rules.windows import Windows
from cogs.automod.threaded import judge_in_thread

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.supervisor import TaskSupervisor
    from cogs.automod.service import AutomodService

Payload = Mapping[str, Any]

# Names that were judged, so that a change of roles is not another hit.
MOST_NAMES = 50_000
# Who is in which voice channel, of guilds with rules about that.
MOST_VOICES = 20_000


class Gate:
    """Joins the engines to the intake and hands what they find to the service."""

    def __init__(
        self,
        engines: Engines,
        needs: NeedsResolver,
        service: AutomodService,
        *,
        directory: Directory,
        clock: Clock,
        supervisor: TaskSupervisor,
    ) -> None:
        self._engines = engines
        self._needs = needs
        self._service = service
        self._directory = directory
        self._clock = clock
        self._supervisor = supervisor
        self._native = NativeHits(
            needs, self._handle, directory=directory, clock=clock, supervisor=supervisor
        )
        self._names: OrderedDict[tuple[int, int], int] = OrderedDict()
        self._voices: OrderedDict[tuple[int, int], int] = OrderedDict()
        self._steps = itertools.count(1)
        # Two threads would not be done any sooner.
        self._one_at_a_time = asyncio.Semaphore(1)

    # --- messages ----------------------------------------------------------------------------

    def judge(self, facts: MessageFacts) -> Verdict | None:
        """Return what is to become of a message or an edit; `None` for a clean one."""
        entry = self._engines.get(facts.guild_id)
        if entry is None:
            self._engines.hold(facts.guild_id, lambda: self._judge_late(facts))
            return None
        if entry.engine is None:
            return None
        if entry.keeps_names:
            entry.note_name(facts.author_id, _name_in(facts.raw))
        judgement = entry.engine.judge(facts, entry.context, entry.windows)
        if judgement is None:
            return None
        return self._verdict(entry, facts, judgement)

    def _verdict(self, entry: Entry, facts: MessageFacts, judgement: Judgement) -> Verdict | None:
        if judgement.is_hit or judgement.shadow_hits:
            return Verdict(
                not judgement.delete,
                lambda: self._act(entry, facts, judgement),
                ",".join(judgement.rules),
            )
        self._needs.expire()
        return Verdict(True, lambda: self._look_closer(entry, facts, judgement))

    async def would_pass(self, facts: MessageFacts) -> bool:
        """Return whether no rule would delete these words, were they a message of their author.

        Nothing is counted, so rules about how much somebody writes have nothing to say.
        """
        entry = await self._engines.wait_for(facts.guild_id)
        if entry is None or entry.engine is None:
            return True
        context = entry.context
        judgement = entry.engine.judge(facts, context, Windows())
        if judgement is not None and judgement.needs and not judgement.delete:
            context = await self._needs.resolve(judgement.needs, context)
            judgement = entry.engine.judge(facts, context, Windows())
        return judgement is None or not judgement.delete

    def _judge_late(self, facts: MessageFacts) -> None:
        """Judge a message that has passed before its engine was there."""
        verdict = self.judge(facts)
        if verdict is not None and verdict.effect is not None:
            self._supervisor.spawn("automod.late", verdict.effect())

    async def _look_closer(self, entry: Entry, facts: MessageFacts, judgement: Judgement) -> None:
        """Judge again once what was missing is there; what was counted counts once."""
        context = await self._needs.resolve(judgement.needs, entry.context)
        if entry.engine is None:
            return
        context.now = self._clock.now().timestamp()
        if judgement.needs.texts:
            async with self._one_at_a_time:
                again = await judge_in_thread(entry.engine, facts, context, entry.windows)
        else:
            again = entry.engine.judge(facts, context, entry.windows)
        if again is not None and (again.is_hit or again.shadow_hits):
            await self._act(entry, facts, replace(again, needs=Needs()))

    async def _act(self, entry: Entry, facts: MessageFacts, judgement: Judgement) -> None:
        name = _name_in(facts.raw)
        is_bot = facts.author_is_bot or facts.webhook_id is not None
        scope = "campaign" if judgement.scope == "campaign" else "member"
        occasion = Occasion(
            guild_id=facts.guild_id,
            judgement=judgement,
            rules=entry.rules_in(judgement),
            person=Target(facts.author_id, name, is_bot),
            scope=scope,
            key=judgement.scope_key or str(facts.author_id),
            channel_id=facts.channel_id,
            message_id=facts.id,
            content=facts.content,
            names=dict(entry.names) if scope == "campaign" else {},
            spares_staff=entry.spares_staff,
        )
        await self._handle(occasion)
        if judgement.needs:
            await self._look_closer(entry, facts, judgement)

    async def _handle(self, occasion: Occasion) -> None:
        if occasion.judgement.is_hit:
            await self._service.handle(occasion)
        if occasion.judgement.shadow_hits:
            shadow = replace(occasion, shadow=True, key=str(occasion.person.id))
            await self._service.handle(shadow)

    # --- names -------------------------------------------------------------------------------

    def hear_member(self, payload: Payload) -> None:
        """Judge how a member is called, on GUILD_MEMBER_ADD and GUILD_MEMBER_UPDATE."""
        guild_id = int(payload["guild_id"])
        entry = self._engines.get(guild_id)
        if entry is None:
            self._engines.hold(guild_id, lambda: self.hear_member(payload))
            return
        if entry.engine is None:
            return
        facts = read_name(payload)
        mark = hash((facts.username, facts.global_name, facts.nick, facts.joined_at))
        key = (guild_id, facts.user_id)
        if self._names.get(key) == mark:
            return
        self._names[key] = mark
        if len(self._names) > MOST_NAMES:
            self._names.popitem(last=False)
        judgement = entry.engine.judge_name(facts, entry.context, entry.windows)
        if judgement is not None:
            self._supervisor.spawn("automod.name", self._act_on_name(entry, facts, judgement))

    async def _act_on_name(self, entry: Entry, facts: NameFacts, judgement: Judgement) -> None:
        if judgement.needs and entry.engine is not None:
            context = await self._needs.resolve(judgement.needs, entry.context)
            again = entry.engine.judge_name(facts, context, entry.windows)
            if again is None:
                return
            judgement = again
        name = facts.nick or facts.global_name or facts.username
        # One incident for as long as the member stays and is called this.
        said = f"{facts.username}\n{facts.global_name}\n{facts.nick}\n{facts.joined_at}"
        digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
        await self._handle(
            Occasion(
                guild_id=entry.guild_id,
                judgement=judgement,
                rules=entry.rules_in(judgement),
                person=Target(facts.user_id, name, facts.is_bot),
                scope="name",
                key=f"{facts.user_id}:{digest}",
                content=name,
                spares_staff=entry.spares_staff,
            )
        )

    # --- threads -----------------------------------------------------------------------------

    def hear_thread(self, payload: Payload, *, created: bool) -> None:
        """Judge what a thread is called, on THREAD_CREATE and THREAD_UPDATE."""
        if "guild_id" not in payload or (created and not payload.get("newly_created")):
            return
        guild_id, thread_id = int(payload["guild_id"]), int(payload["id"])
        before = None if created else self._directory.thread_name(guild_id, thread_id)
        if created or before != payload.get("name"):
            self._judge_thread(payload, before, created=created)

    def _judge_thread(self, payload: Payload, before: str | None, *, created: bool) -> None:
        guild_id, thread_id = int(payload["guild_id"]), int(payload["id"])
        entry = self._engines.get(guild_id)
        if entry is None:
            # What it was called is known only now: the cache changes after this.
            self._engines.hold(
                guild_id, lambda: self._judge_thread(payload, before, created=created)
            )
            return
        if entry.engine is None:
            return
        facts = ThreadFacts(thread_id, int(payload.get("owner_id") or 0), str(payload["name"]))
        entry.context.parents = _with_parent(entry.context, thread_id, payload)
        judgement = entry.engine.judge_thread_name(facts, entry.context, entry.windows)
        if judgement is not None:
            work = self._act_on_thread(entry, facts, before, created=created)
            self._supervisor.spawn("automod.thread", work)

    async def _act_on_thread(
        self, entry: Entry, facts: ThreadFacts, before: str | None, *, created: bool
    ) -> None:
        """Deal with a bad name: a new thread goes, one that was renamed gets its name back.

        Who renamed it, Discord does not say: nobody is punished for that. One that is opened again
        after a long time was perhaps not renamed at all: then it is left alone.
        """
        if not created and before is None:
            before = await self._directory.former_name(entry.guild_id, facts.channel_id, facts.name)
            if before is None:
                return
        member = await self._directory.member(entry.guild_id, facts.author_id)
        if member is None or entry.engine is None:
            return
        known = replace(facts, role_ids=member.role_ids, joined_at=member.joined_at)
        judgement = entry.engine.judge_thread_name(known, entry.context, entry.windows)
        if judgement is not None and judgement.needs:
            context = await self._needs.resolve(judgement.needs, entry.context)
            judgement = entry.engine.judge_thread_name(known, context, entry.windows)
        if judgement is None:
            return
        if judgement.delete:
            try:
                if before is None:
                    await self._directory.delete_thread(entry.guild_id, facts.channel_id)
                else:
                    await self._directory.rename_thread(entry.guild_id, facts.channel_id, before)
            except CallError:
                await self._service.troubles.cannot_delete(entry.guild_id, facts.channel_id)
        if before is None:
            await self._handle(
                Occasion(
                    guild_id=entry.guild_id,
                    judgement=judgement,
                    rules=entry.rules_in(judgement),
                    person=Target(facts.author_id, member.name, member.is_bot),
                    scope="thread",
                    key=str(facts.channel_id),
                    channel_id=facts.channel_id,
                    content=facts.name,
                    spares_staff=entry.spares_staff,
                )
            )

    # --- voice -------------------------------------------------------------------------------

    def hear_voice(self, payload: Payload) -> None:
        """Judge who enters a voice channel, on VOICE_STATE_UPDATE; muting oneself is one, too."""
        if "guild_id" not in payload or not isinstance(payload.get("member"), Mapping):
            return
        guild_id, user_id = int(payload["guild_id"]), int(payload["user_id"])
        entry = self._engines.get(guild_id)
        if entry is None or entry.engine is None or not entry.engine.hears_voice:
            return
        channel_id = int(payload.get("channel_id") or 0)
        before = self._voices.pop((guild_id, user_id), 0)
        if channel_id:
            self._voices[guild_id, user_id] = channel_id
            if len(self._voices) > MOST_VOICES:
                self._voices.popitem(last=False)
        if channel_id in (0, before):
            return
        member = read_name({**payload["member"], "guild_id": guild_id})
        facts = VoiceFacts(
            next(self._steps), user_id, channel_id, member.role_ids, member.joined_at
        )
        if member.is_bot:
            return
        judgement = entry.engine.judge_voice(facts, entry.context, entry.windows)
        if judgement is not None:
            occasion = Occasion(
                guild_id=guild_id,
                judgement=judgement,
                rules=entry.rules_in(judgement),
                person=Target(user_id, member.username),
                key=str(user_id),
                channel_id=channel_id,
                spares_staff=entry.spares_staff,
            )
            self._supervisor.spawn("automod.voice", self._handle(occasion))

    # --- Discord's own AutoMod ---------------------------------------------------------------

    def hear_native(self, payload: Payload) -> None:
        """Take over what Discord's own AutoMod did."""
        guild_id = int(payload["guild_id"])
        entry = self._engines.get(guild_id)
        if entry is None:
            self._engines.hold(guild_id, lambda: self.hear_native(payload))
        elif entry.engine is not None:
            self._native.hear(entry, payload)


def read_name(payload: Payload) -> NameFacts:
    """Return a member as a GUILD_MEMBER payload shows them."""
    user = payload["user"]
    return NameFacts(
        int(user["id"]),
        str(user.get("username") or ""),
        user.get("global_name"),
        payload.get("nick"),
        frozenset(map(int, payload.get("roles") or ())),
        _instant(payload.get("joined_at")),
        has_avatar=bool(user.get("avatar") or payload.get("avatar")),
        is_bot=bool(user.get("bot", False)),
    )


def _instant(text: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


def _name_in(raw: Mapping[str, Any]) -> str:
    author = raw.get("author")
    return str(author.get("username") or "") if isinstance(author, Mapping) else ""


def _with_parent(context: Context, thread_id: int, payload: Payload) -> Mapping[int, int]:
    parents = context.parents
    if isinstance(parents, dict) and payload.get("parent_id"):
        parents[thread_id] = int(payload["parent_id"])
    return parents
