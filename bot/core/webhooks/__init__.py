"""Tells the operator's Discord webhooks of errors and of audit log entries.

Queued, so that nobody waits for Discord; repeats are held back, so that a storm of errors stays
readable; redacted, because a channel is no place for secrets.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
from pydantic import SecretStr

from bot.core.audit import AuditRecorded
from bot.core.clock import Clock
from bot.core.config.model import Config
from bot.core.log.redaction import Redactor
from bot.core.webhooks.mailbox import Kind, Mailbox, Outcome
from bot.core.webhooks.payloads import audit_payload, error_payload, signature

__all__ = ["Kind", "Outcome", "WebhookSender"]

COALESCE_SECONDS = 60.0
MOST_REMEMBERED = 200


@dataclass(slots=True)
class _Seen:
    """When an error was last told, and how often it was held back since."""

    at: float
    repeats: int = 0


class WebhookSender:
    """Queues messages for the webhooks; each kind has a queue of its own and its own pace.

    Without a configured URL a kind is silently not sent. `on_delivery` is told the kind and the
    outcome of every message: delivered, failed, dropped (the queue was full) or coalesced.
    """

    def __init__(
        self,
        config: Config,
        session: aiohttp.ClientSession,
        clock: Clock,
        *,
        redact: Callable[[str], str] | None = None,
        on_delivery: Callable[[Kind, Outcome], None] | None = None,
    ) -> None:
        self._clock = clock
        self._redact = redact or Redactor(config.secrets())
        self._on_delivery = on_delivery
        self._mailboxes = {
            kind: Mailbox(kind, url, session, clock, self._count)
            for kind, url in _urls(config).items()
        }
        self._seen: OrderedDict[tuple[str, str], _Seen] = OrderedDict()

    @property
    def pending(self) -> int:
        """How many messages wait to be delivered."""
        return sum(mailbox.pending for mailbox in self._mailboxes.values())

    def error(self, where: str, error: BaseException | str, *, reference: str = "") -> None:
        """Tell of an unexpected error; repeats within a minute are counted, not sent.

        `where` names the place and is the same for each repeat. `reference` finds this one in the
        log.
        """
        mailbox = self._open_mailbox("error")
        if mailbox is None:
            return
        repeats = self._count_repeat((where, signature(error)))
        if repeats is None:
            self._count("error", "coalesced")
            return
        now = self._clock.now()
        mailbox.put(
            error_payload(where, error, now, self._redact, repeats=repeats, reference=reference)
        )

    def audit(self, entry: AuditRecorded) -> None:
        """Tell of an audit log entry."""
        if mailbox := self._open_mailbox("audit"):
            mailbox.put(audit_payload(entry, self._redact))

    async def hear(self, event: AuditRecorded) -> None:
        """Listen to the event bus."""
        self.audit(event)

    async def run(self) -> None:
        """Deliver what is queued, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for kind, mailbox in self._mailboxes.items():
                tasks.create_task(mailbox.run(), name=f"webhooks:{kind}")
            # A supervised task that ends counts as finished; without a webhook there is no work.
            await asyncio.Event().wait()

    async def flush(self, seconds: float = 2.0) -> None:
        """Deliver what is queued within so many seconds; give up and count what is left then."""
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                for mailbox in self._mailboxes.values():
                    tasks.create_task(mailbox.empty())
        except TimeoutError:
            for mailbox in self._mailboxes.values():
                mailbox.give_up()

    def _open_mailbox(self, kind: Kind) -> Mailbox | None:
        mailbox = self._mailboxes.get(kind)
        return mailbox if mailbox is not None and mailbox.is_open else None

    def _count_repeat(self, signature: tuple[str, str]) -> int | None:
        """Return how often the error was held back before, or `None` to hold it back now."""
        now = self._clock.monotonic()
        seen = self._seen.get(signature)
        if seen is not None and now - seen.at < COALESCE_SECONDS:
            seen.repeats += 1
            return None
        self._seen[signature] = _Seen(now)
        self._seen.move_to_end(signature)
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return seen.repeats if seen else 0

    def _count(self, kind: Kind, outcome: Outcome) -> None:
        if self._on_delivery is not None:
            self._on_delivery(kind, outcome)


def _urls(config: Config) -> dict[Kind, str]:
    given: dict[Kind, SecretStr | None] = {
        "error": config.webhooks.error_url,
        "audit": config.webhooks.audit_url,
    }
    return {kind: url.get_secret_value() for kind, url in given.items() if url is not None}
