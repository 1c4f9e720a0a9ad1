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
    """Seconds of one round."""

    killed: str
    ready: float
    progress: float


def measure(stack: Stack, log: Callable[[str], None]) -> list[Recovery]:
    """Kills each process in turn, several times. Raises NotInTime."""
    found = list[Recovery]()
    for number in range(ROUNDS):
        for process in (NOBODY, *stack.urls, "postgres", "kafka"):
            found.append(_once(stack, process))
            log(f"round {number + 1} of {ROUNDS}: {process:8} {found[-1].ready:5.2f} {found[-1].progress:5.2f}")
    return found


def table(found: Iterable[Recovery]) -> str:
    """For people: the median and the longest of each."""
    lines = [f"{'killed':10}{'ready':>18}{'at work':>18}   median (longest), s"]
    rounds = list(found)
    for killed in dict.fromkeys(one.killed for one in rounds):
        mine = [one for one in rounds if one.killed == killed]
        lines.append(f"{killed:10}{_shown(one.ready for one in mine)}{_shown(one.progress for one in mine)}")
    return "\n".join(lines)


def _once(stack: Stack, process: str) -> Recovery:
    stack.healthy()
    chat = Conversation.opened(Organisation.founded(stack.url).founder)
    began = time.monotonic()
    if process != NOBODY:
        stack.kill(process)
    asked, ready = False, process == NOBODY
    ready_after = 0.0
    while not asked or not _answered(chat):
        if not ready and _well(stack, process):
            ready, ready_after = True, time.monotonic() - began
        asked = asked or _ask(chat)
        if time.monotonic() - began > RECOVERY_S:
            raise NotInTime(f"no work is done after the death of {process}")
        time.sleep(0.02)
    progress = time.monotonic() - began
    if not ready:
        eventually(lambda: _well(stack, process), f"{process} is back", RECOVERY_S)
        ready_after = time.monotonic() - began
    return Recovery(process, ready_after, progress)


def _well(stack: Stack, process: str) -> bool:
    return stack.ready_since(process) is not None if process in stack.urls else stack.is_well()


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
    return f"{statistics.median(found):9.2f} ({max(found):5.2f})"
