"""How fast the system is at work again when one process is killed: by process, the seconds until it is ready, and until
an order that a person gives at the moment of the kill is carried out and answered.

On a quiet system; the order of nobody's death is the baseline.
"""

import secrets
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import httpx

from ..people import Conversation, Organisation
from ..stack import RECOVERY_S, NotInTime, Stack, eventually

NOBODY = "nobody"
ROUNDS = 3


@dataclass(frozen=True)
class Recovery:
    """Seconds of one round. Servers are not asked whether they are ready: what counts is that work goes on."""

    killed: str
    ready: float | None
    progress: float

    def __str__(self) -> str:
        return f"{self.killed:8} {'-' if self.ready is None else f'{self.ready:.2f}':>5} {self.progress:5.2f}"


def measure(stack: Stack, log: Callable[[str], None]) -> list[Recovery]:
    """Kills each process in turn, several times. Raises NotInTime."""
    found = list[Recovery]()
    for number in range(ROUNDS):
        for process in (NOBODY, *stack.urls, "postgres", "kafka"):
            found.append(once(stack, process))
            log(f"round {number + 1} of {ROUNDS}: {found[-1]}")
    return found


def table(found: Iterable[Recovery]) -> str:
    """For people: the median and the longest of each."""
    lines = [f"{'killed':10}{'ready':>18}{'at work':>18}   median (longest), s"]
    rounds = list(found)
    for killed in dict.fromkeys(one.killed for one in rounds):
        mine = [one for one in rounds if one.killed == killed]
        ready = [one.ready for one in mine if one.ready is not None]
        lines.append(f"{killed:10}{_shown(ready)}{_shown(one.progress for one in mine)}")
    return "\n".join(lines)


def once(stack: Stack, process: str) -> Recovery:
    """Kills the process while a person gives an order. Raises NotInTime."""
    stack.healthy()
    chat = Conversation.opened(Organisation.founded(stack.url).founder)
    began = time.monotonic()
    if process != NOBODY:
        stack.kill(process)
    asked, ready = False, None
    while not asked or not _answered(chat):
        if ready is None and _is_ready(stack, process):
            ready = time.monotonic() - began
        asked = asked or _ask(chat)
        if time.monotonic() - began > RECOVERY_S:
            raise NotInTime(f"no work is done after the death of {process}")
        time.sleep(0.02)
    progress = time.monotonic() - began
    if ready is None and process in stack.urls:
        eventually(lambda: _is_ready(stack, process), f"{process} is back", RECOVERY_S)
        ready = time.monotonic() - began
    return Recovery(process, ready, progress)


def _is_ready(stack: Stack, process: str) -> bool:
    return process in stack.urls and stack.ready_since(process) is not None


def _ask(chat: Conversation) -> bool:
    with suppress(httpx.HTTPError):
        order = {"text": f"create a project called {secrets.token_hex(4)}"}
        return chat.person.http.post(chat.path, json=order, timeout=2).status_code == 201
    return False


def _answered(chat: Conversation) -> bool:
    with suppress(httpx.HTTPError):
        answer = chat.person.http.get(chat.path, timeout=2)
        return answer.status_code == 200 and answer.json()["items"][-1]["author"]["kind"] != "user"
    return False


def _shown(seconds: Iterable[float]) -> str:
    found = list(seconds)
    if not found:
        return f"{'-':>18}"
    return f"{statistics.median(found):9.2f} ({max(found):5.2f})"
