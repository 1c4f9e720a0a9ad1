"""What happens by itself when the service starts."""

import asyncio

import structlog

from chassis.core import Actor, new_id
from chassis.database import is_passing
from chassis.health import Health
from chassis.use_case import Context, Runner
from modules.application.ports import Transaction
from modules.application.publish_kinds import PublishKinds
from modules.application.use_cases import UseCases

log = structlog.get_logger("kinds")

_LONGEST_PAUSE_S = 2.0


class KindsAtStart:
    """Publishes the kinds once per start: a release may have changed them, and the topic keeps only the newest."""

    name = "modules.kinds"

    def __init__(self, runner: Runner[Transaction], use_cases: UseCases) -> None:
        self._runner = runner
        self._use_cases = use_cases
        self._health = Health.unhealthy("not published yet")

    def health(self) -> Health:
        return self._health

    async def run(self) -> None:
        pause = 0.1
        while not await self._published():
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        await asyncio.Event().wait()

    async def _published(self) -> bool:
        context = Context(actor=Actor.system("modules"), org_id=None, role=None, correlation_id=new_id())
        try:
            await self._runner.run(context, self._use_cases.publish_kinds, PublishKinds())
        except Exception as error:
            if not is_passing(error):
                raise
            self._health = Health.unhealthy(f"waits for the database: {type(error).__name__}")
            log.warning("kinds-wait", error=type(error).__name__)
            return False
        self._health = Health.healthy("published")
        return True
