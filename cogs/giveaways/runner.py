"""All that runs giveaways, put together; free of discord.py but for what is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cogs.giveaways.backstage import Backstage
from cogs.giveaways.blocklist import Blocklist
from cogs.giveaways.counting import MessageCounter
from cogs.giveaways.drawing import Drawing
from cogs.giveaways.entering import Entering
from cogs.giveaways.using import Using
from cogs.giveaways.winning import Winning

if TYPE_CHECKING:
    from bot.core.kernel import Kernel
    from cogs.giveaways.ports import Board, Members, Vault


@dataclass(frozen=True, slots=True)
class Runner:
    """The services of one process."""

    stage: Backstage
    counter: MessageCounter
    winning: Winning
    drawing: Drawing
    entering: Entering
    using: Using
    blocklist: Blocklist

    @classmethod
    def build(cls, kernel: Kernel, *, board: Board, vault: Vault, members: Members) -> Runner:
        """Put them together around the kernel's services."""
        stage = Backstage(
            database=kernel.database,
            clock=kernel.clock,
            settings=kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            roles=kernel.roles,
            state=kernel.state,
            board=board,
            members=members,
            vault=vault,
        )
        counter = MessageCounter(kernel.database, spawn=kernel.supervisor.spawn)
        winning = Winning(stage)
        drawing = Drawing(stage, winning, unwritten=counter.pending)
        entering = Entering(stage, counter, close=drawing.close)
        blocklist = Blocklist(kernel.database, kernel.clock, kernel.audit)
        using = Using(stage, entering)
        return cls(stage, counter, winning, drawing, entering, using, blocklist)

    async def start(self) -> None:
        """Take up the work of earlier runs."""
        await self.counter.reload()
        self.winning.start()
        self.drawing.start()
