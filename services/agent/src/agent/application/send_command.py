"""Sends a command of a run and waits for its reply: a short time in memory, else the run is let go."""

import asyncio
from collections import defaultdict
from uuid import UUID

from agent.application.ports import CommandLog
from agent.domain.commands import ModuleCommand, Reply, Suspend
from agent.domain.journal import Lease
from chassis.crash_points import crash_point

PATIENCE = 5.0
"""Seconds a worker keeps a run that waits for a reply."""

POLL = 0.1
"""Seconds between two looks: the reply may have been received by another replica."""


class Arrivals:
    """Wakes those in this process who wait for the reply to a command."""

    def __init__(self) -> None:
        self._waiting: defaultdict[UUID, list[asyncio.Event]] = defaultdict(list)

    def came(self, command_id: UUID) -> None:
        """To be called after the transaction that stored the reply."""
        for event in self._waiting.get(command_id, ()):
            event.set()

    async def wait(self, command_id: UUID, seconds: float) -> None:
        """Returns when `came` is called for the command, or after `seconds`."""
        event = asyncio.Event()
        self._waiting[command_id].append(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        finally:
            self._waiting[command_id].remove(event)
            if not self._waiting[command_id]:
                del self._waiting[command_id]


class SendCommand:
    """One command id has one effect, however often it is sent: so a replay simply sends again."""

    def __init__(self, log: CommandLog, arrivals: Arrivals, *, patience: float = PATIENCE) -> None:
        self._log = log
        self._arrivals = arrivals
        self._patience = patience

    async def __call__(self, lease: Lease, step: int, command: ModuleCommand) -> Reply:
        """The reply. Raises Suspend when none came within the patience, and LeaseLost."""
        await self._log.send(lease, step, command)
        crash_point("run.command-sent")
        clock = asyncio.get_running_loop()
        until = clock.time() + self._patience
        while (reply := await self._log.reply(lease, command.id)) is None:
            left = until - clock.time()
            if left <= 0:
                raise Suspend(f"no reply to {command.id} yet")
            await self._arrivals.wait(command.id, min(POLL, left))
        return reply
