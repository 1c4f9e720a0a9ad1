"""One run: a system of its own, clients, faults, healing, quiet, dump, verdict."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..stack import Stack
from . import disks, dumps, history, levels, quiet, reading, repairs, report
from .around import Around
from .checker.evidence import Evidence, Violation
from .checker.verdict import violations
from .clients import Account, Client, organisation_of
from .feeds import FeedClient
from .history import History
from .nemesis import Nemesis
from .storm import watch_leases
from .sweep import Sweep
from .workload import WEIGHTS, Known, Weights

ORGANISATIONS = ("north", "south")
WARM_UP_S = 3.0


@dataclass(frozen=True)
class Settings:
    """`folder` is made anew and keeps the history, the report and the logs. `faults` None: the crash sweep instead.
    `crash_point`: where the fault `crash` kills, None: anywhere. `pause_s`: of a client between two requests, at least
    and at most."""

    seed: int
    minutes: float
    faults: tuple[str, ...] | None
    folder: Path
    crash_point: str | None = None
    members: int = 3
    pause_s: tuple[float, float] = (0.1, 0.8)
    log: Callable[[str], None] = print


async def run_whole(stack: Stack, settings: Settings) -> tuple[str, list[Violation]]:
    """Starts a system with all around it that its faults need, drives it, ends it."""
    async with Around.of(stack, settings.faults or (), settings.seed) as around:
        try:
            proxies = {server: proxy.address for server, proxy in around.proxies.items()}
            await asyncio.to_thread(stack.start, proxies)
            return await run(stack, settings, around)
        finally:
            await asyncio.to_thread(stack.stop)


async def run(stack: Stack, settings: Settings, around: Around) -> tuple[str, list[Violation]]:
    """Drives a started system. The report as text, and what does not hold."""
    shutil.rmtree(settings.folder, ignore_errors=True)
    settings.folder.mkdir(parents=True)
    path = settings.folder / "history.jsonl"
    await watch_leases(stack)
    with History(path) as told:
        weights = dict(WEIGHTS)
        nemesis: Nemesis | Sweep = (
            Sweep(stack, told, settings.seed, weights, settings.log)
            if settings.faults is None
            else Nemesis(stack, told, settings.seed, _possible(settings, around), settings.crash_point, around)
        )
        try:
            quiet_after, people = await _drive(stack, settings, told, nemesis, weights)
            await reading.read_again(told, history.operations(history.read(path)), people, settings.seed)
            await quiet.revoked_everywhere(stack, told, people)
            await repairs.check_copies(stack, told)
            around.models.tell(told)
        finally:
            shutil.copytree(stack.workspace.state / "logs", settings.folder / "logs")
    dump = await dumps.dump(stack)
    lines = history.read(path)
    evidence = Evidence(history.operations(lines), [line for line in lines if line.type == "note"], dump)
    found = violations(evidence)
    figures = report.Figures.of(
        evidence, seed=settings.seed, minutes=settings.minutes, recoveries=nemesis.recoveries, quiet=quiet_after
    )
    report.save(settings.folder / "report.json", figures, found)
    return report.text(figures, found, evidence), found


def _possible(settings: Settings, around: Around) -> list[str]:
    """The sorts of faults that were asked for, as far as this machine allows them."""
    if disks.SORT in (settings.faults or ()) and not around.disks:
        settings.log("no fault `disk`: this process may not mount a file system")
        return [sort for sort in settings.faults or () if sort != disks.SORT]
    return list(settings.faults or ())


async def _drive(
    stack: Stack, settings: Settings, told: History, nemesis: Nemesis | Sweep, weights: Weights
) -> tuple[float, list[Account]]:
    over = asyncio.Event()
    people, clients = await _people(stack, settings, told, weights)
    feeds = [FeedClient(person, told, settings.seed) for person in people]
    listening = [asyncio.create_task(feed.run(over)) for feed in feeds]
    asking = [asyncio.create_task(client.run(over, settings.pause_s)) for client in clients]
    try:
        await asyncio.sleep(WARM_UP_S)
        levels.tell(stack, told)
        await nemesis.run(settings.minutes * 60)
        over.set()
        await asyncio.gather(*asking)
        seconds = await quiet.wait(stack, told)
        await quiet.feeds_at_end(stack, told, feeds)
        levels.tell(stack, told)
        return seconds, people
    finally:
        await _cancelled([*listening, *asking])


async def _people(
    stack: Stack, settings: Settings, told: History, weights: Weights
) -> tuple[list[Account], list[Client]]:
    accounts, clients = list[Account](), list[Client]()
    for name in ORGANISATIONS:
        people, agent_id = await organisation_of(stack.url, f"{name}-{settings.seed}", settings.members)
        for person in people:
            known = Known(agent_id, [other.id for other in people if other is not person])
            clients.append(Client(person, told, settings.seed, known, weights))
        accounts += people
    return accounts, clients


async def _cancelled(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
