"""Tells the operator's metrics and error webhook of faults that no person is told of.

Commands and requests report their own faults, with the reference that they answer with. What
fails in the background would be in the log only, where nobody may look.
"""

from __future__ import annotations

from bot.core.events import EventBus
from bot.core.health.lag import STALL_SECONDS
from bot.core.jobs import JobFailed
from bot.core.metrics import Metrics
from bot.core.outbox import DeliveryBroke
from bot.core.webhooks import WebhookSender
from db.engine import is_connection_error


class FaultReporter:
    """Passes faults on, each under the name of what failed, so that repeats are held back.

    That the database is away is no fault here: many things meet it at once, and health says it.
    """

    def __init__(self, metrics: Metrics, webhooks: WebhookSender) -> None:
        self._metrics = metrics
        self._webhooks = webhooks

    def listen(self, bus: EventBus) -> None:
        """Hear of the work that is given up or breaks."""
        bus.subscribe(JobFailed, self._on_job_failed)
        bus.subscribe(DeliveryBroke, self._on_delivery_broke)

    def task_failed(self, task: str, error: BaseException) -> None:
        """Take the death of background work; fits the supervisor's `on_failure`."""
        self._metrics.task_failed(task, error)
        # As there, "job:17" and "job:18" are one family.
        self._tell(f"task {task.partition(':')[0]}", error)

    def listener_failed(self, listener: str, error: BaseException | None) -> None:
        """Take the failure of a listener of the event bus or the gateway."""
        self._metrics.listener_failed(listener)
        if error is not None:
            self._tell(f"listener {listener}", error)

    def part_failed(self, part: str, error: BaseException) -> None:
        """Take the failure of a gate or observer of messages, or of a reader of raw events."""
        self._tell(f"intake {part}", error)

    def loop_lagged(self, seconds: float) -> None:
        """Take one measurement of the event loop's lag; a stall is told of when it is over."""
        self._metrics.loop_lagged(seconds)
        if seconds > STALL_SECONDS:
            self._webhooks.error(
                "event loop",
                f"stood still for {seconds:.0f} s; the log says where, at event_loop_stalled",
            )

    async def _on_job_failed(self, event: JobFailed) -> None:
        self._webhooks.error(f"job {event.job.kind}", event.error)

    async def _on_delivery_broke(self, event: DeliveryBroke) -> None:
        self._tell(f"delivery {event.kind}", event.error)

    def _tell(self, where: str, error: BaseException) -> None:
        if not is_connection_error(error):
            self._webhooks.error(where, error)
