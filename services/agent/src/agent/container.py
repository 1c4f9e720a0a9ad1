"""The composition root of agent: settings in, everything wired out. Production and tests use it alike."""

from dataclasses import replace
from functools import partial

from agent.adapters.command_log import PostgresCommandLog
from agent.adapters.journals import PostgresJournals
from agent.adapters.keeping import COMMANDS, STEPS
from agent.adapters.knowledge import PostgresConversations, PostgresKinds, PostgresModules
from agent.adapters.loaded_later import LoadedLater
from agent.adapters.queue import PostgresQueue
from agent.adapters.snapshots import sources
from agent.adapters.transaction import PostgresTransaction
from agent.application.drive_run import DriveRun
from agent.application.loop import AgentLoop
from agent.application.send_command import SendCommand
from agent.application.signals import Signals
from agent.application.use_cases import UseCases
from agent.entrypoints.http import routes
from agent.entrypoints.kafka import consumers
from agent.entrypoints.waiting import Waiting
from agent.entrypoints.worker import Worker
from agent.settings import Settings
from chassis.core import Clock, SystemClock
from chassis.http.tokens import KeySource
from chassis.memberships import memberships_consumer
from chassis.serve import Parts
from chassis.wiring import Wiring


def build(settings: Settings, *, clock: Clock | None = None, keys: KeySource | None = None) -> Parts:
    """The parts of one process of agent."""
    wiring = Wiring("agent", settings, PostgresTransaction, keys)
    signals, clock = Signals(), clock or SystemClock()
    use_cases = UseCases(clock, signals, assistant_model=settings.assistant_model)
    waiting = Waiting(wiring.runner, use_cases, signals, wiring.revocations)
    loop = LoadedLater(partial(_load, settings))
    drive_run = _drive_run(wiring, loop, signals, clock)
    queue = PostgresQueue(wiring.database)
    worker = Worker(queue, wiring.runner, use_cases, drive_run, signals, slots=settings.run_slots)
    parts = wiring.parts(
        description="What acts: assistants, and their runs.",
        routers=[routes(use_cases, wiring.doors, waiting)],
        consumers=[*consumers(use_cases), memberships_consumer("agent")],
        snapshots=sources(),
        workers=[loop, worker],
        keeps=[STEPS, COMMANDS],
    )
    return replace(parts, closing=[waiting.close])


def _drive_run(wiring: Wiring[PostgresTransaction], loop: AgentLoop, signals: Signals, clock: Clock) -> DriveRun:
    database = wiring.database
    return DriveRun(
        PostgresJournals(database, signals),
        loop,
        PostgresKinds(database),
        PostgresConversations(database),
        PostgresModules(database),
        SendCommand(PostgresCommandLog(database, wiring.runner, clock), signals),
    )


def _load(settings: Settings) -> AgentLoop:
    """With the libraries that it needs, which nothing else does."""
    from agent.adapters.agent_loop import PydanticAgentLoop
    from agent.adapters.providers import Provider, Providers, offline

    providers: dict[str, Provider] = {"offline": offline}
    if settings.openai_key is not None:
        from agent.adapters.openai_provider import OpenAIModels  # and its client only where it is asked for

        key = settings.openai_key.get_secret_value()
        providers["openai"] = OpenAIModels(settings.openai_url, key, settings.model_seconds)
    return PydanticAgentLoop(Providers(providers))
