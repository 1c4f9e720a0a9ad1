"""Every crash point of the code, for each process that can pass it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

COMMAND = ("command.begun", "command.written", "command.outbox", "command.committed")
RELAY = ("relay.claimed", "relay.half", "relay.sent", "relay.acked")
CONSUMER = ("consumer.fetched", "consumer.inbox", "consumer.written", "consumer.committed")
PARKING = ("park.begun", "park.committed", "redrive.applied")
"""Passed only when somebody sends poison, or events in a wrong order."""
RUN = (
    "run.claiming",
    "run.claimed",
    "run.model.request.begun",
    "run.model.request.done",
    "run.model.request.journalled",
    "run.tool:create_project.begun",
    "run.command-sent",
    "run.tool:create_project.done",
    "run.tool:create_project.journalled",
    "run.ending",
    "run.cancelling",
)
FEED = ("feed.fetched", "feed.forwarded", "feed.sending", "feed.sent")

POINTS: dict[str, tuple[str, ...]] = {
    "auth": (*COMMAND, *RELAY),
    "modules": (*COMMAND, *RELAY, *CONSUMER, *PARKING),
    "chats": (*COMMAND, *RELAY, *CONSUMER, *PARKING),
    "agent": (*COMMAND, *RELAY, *CONSUMER, *PARKING, *RUN),
    "gateway": FEED,
}
"""By process. A step of a run names its points, so those of one model request and of one tool stand for all."""

ELSEWHERE = (
    "rebuild.batch",
    "rebuild.ending",
    "replay.cleared",
    "replay.recorded",
    "snapshot.items",
    "snapshot.sent",
)
"""Passed only when an operator asks for it: the chassis' own tests kill processes there."""

SWEPT = sorted({point for points in POINTS.values() for point in points})


def named_in(checkout: Path) -> Iterator[str]:
    """The points that the sources name; `*` stands where a name is made while it runs."""
    for folder in ("libs", "services", "gateway"):
        for path in (checkout / folder).rglob("src/**/*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "crash_point":
                    yield re.sub(r"\{[^}]*\}", "*", ast.unparse(node.args[0]).removeprefix("f").strip("'\""))
