"""Sends a command of a run and waits for its reply: a short time in memory, else the run is let go."""

import asyncio

from agent.application.ports import CommandLog
from agent.application.signals import Signals
from agent.domain.commands import ModuleCommand, Reply, Suspend
from agent.domain.journal import Lease
from chassis.crash_points import crash_point

PATIENCE = 5.0
"""Seconds a worker keeps a run that waits for a reply."""

POLL = 0.1
"""Seconds between two looks: the reply may have been received by another replica."""


class SendCommand:
    """One command id has one effect, however often it is sent: so a replay simply sends again."""

    def __init__(self, log: CommandLog, signals: Signals, *, patience: float = PATIENCE) -> None:
        self._log = log
        self._signals = signals
        self._patience = patience

    async def __call__(self, lease: Lease, step: int, command: ModuleCommand) -> Reply:
        """The reply. Raises Suspend when none came within the patience, and LeaseLost."""
        with self._signals.looks(command.id, longest=POLL) as looks:
            await self._log.send(lease, step, command)
            crash_point("run.command-sent")
            clock = asyncio.get_running_loop()
            until = clock.time() + self._patience
            while (reply := await self._log.reply(lease, command.id)) is None:
                if clock.time() >= until:
                    raise Suspend(f"no reply to {command.id} yet")
                await looks.next()
            return reply
