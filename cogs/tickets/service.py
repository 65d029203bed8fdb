"""All that runs tickets, put together; free of discord.py but for what is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cogs.tickets.archive import Archive
from cogs.tickets.capturing import Capture, History
from cogs.tickets.demotion import Demotion
from cogs.tickets.files import Fetcher, FileKeeper, FileStore
from cogs.tickets.following import Following
from cogs.tickets.handout import Handout
from cogs.tickets.herald import Herald
from cogs.tickets.keeper import RoomKeeper
from cogs.tickets.life import Life
from cogs.tickets.losses import Losses, Members
from cogs.tickets.office import Office
from cogs.tickets.opening import Opening
from cogs.tickets.quality import Quality
from cogs.tickets.rating import Ratings
from cogs.tickets.watch import Watch

if TYPE_CHECKING:
    from cogs.tickets.ports import Rooms


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the services reach beyond the database: Discord, and the place for files."""

    rooms: Rooms
    members: Members
    history: History
    fetcher: Fetcher
    store: FileStore


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketService:
    """The services of one process."""

    office: Office
    herald: Herald
    keeper: RoomKeeper
    watch: Watch
    opening: Opening
    life: Life
    losses: Losses
    files: FileKeeper
    handout: Handout
    capture: Capture
    archive: Archive
    quality: Quality
    ratings: Ratings
    following: Following
    demotion: Demotion

    @classmethod
    def build(cls, kernel: Any, outside: Outside) -> TicketService:
        """Put them together around the kernel's services."""
        office = Office(
            database=kernel.database,
            clock=kernel.clock,
            settings=kernel.settings,
            jobs=kernel.jobs,
            outbox=kernel.outbox,
            state=kernel.state,
        )
        herald = Herald(office)
        keeper = RoomKeeper(office, outside.rooms, herald, kernel.problems)
        watch = Watch(office, herald, keeper)
        files = FileKeeper(office, outside.store, outside.fetcher, outside.history)
        quality = Quality(office, kernel.audit)
        capture = Capture(
            office, watch, files, outside.history, spawn=kernel.supervisor.spawn, quality=quality
        )
        life = Life(office, keeper, herald, watch, capture)
        return cls(
            office=office,
            herald=herald,
            keeper=keeper,
            watch=watch,
            opening=Opening(office, keeper, files),
            life=life,
            losses=Losses(
                office, keeper, life, capture, rooms=outside.rooms, members=outside.members
            ),
            files=files,
            handout=Handout(office, outside.store),
            capture=capture,
            archive=Archive(office, capture, files),
            quality=quality,
            ratings=Ratings(office),
            following=Following(office, keeper, watch, capture),
            demotion=Demotion(office, keeper, kernel.supervisor.spawn),
        )

    async def start(self) -> None:
        """Take up the work of earlier runs."""
        self.life.start()
        self.keeper.start()
        self.losses.start()
        self.files.start()
        self.ratings.start()
        self.keeper.opened.append(self.files.room_opened)
        self.keeper.crowds.append(self.demotion.note)
        self.losses.looking.append(self.demotion.look_for_deleted)
        await self.capture.start()
        # What is due asks what was missed of rooms that are known by now.
        self.watch.start(self.life.close_in)
        await self.archive.start()
