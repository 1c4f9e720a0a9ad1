"""Clients of the live feed that lose their connection and resume, and write down each event that they were sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random

import httpx

from .clients import Account
from .history import History, Json


class FeedClient:
    """Listens as one person. The joined stream is what stands in the history, in order."""

    def __init__(self, account: Account, history: History, seed: int) -> None:
        self._account, self._history = account, history
        self._random = Random(f"{seed} feed {account.name}")
        self.name = f"feed of {account.name}"
        self._connections = 0
        self.position: str | None = None
        """The last that was told, from which it resumes."""

    async def run(self, until: asyncio.Event) -> None:
        """Listens; drops the connection at random moments until `until` is set; cancel it when all has been read."""
        while True:
            patience = None if until.is_set() else self._random.expovariate(1 / 6)
            try:
                async with asyncio.timeout(patience):
                    await self._listen()
            except (httpx.HTTPError, TimeoutError, OSError) as error:
                self._note("lost", {"error": type(error).__name__})
            await asyncio.sleep(self._random.uniform(0.05, 0.5))

    async def _listen(self) -> None:
        resume = {"Last-Event-ID": self.position} if self.position else {}
        self._connections += 1
        timeout = httpx.Timeout(10, read=25)
        async with self._account.http.stream("GET", "/api/v1/events", headers=resume, timeout=timeout) as answer:
            if answer.status_code == 401:
                await self._account.sign_in()
            if answer.status_code != 200:
                self._note("refused", {"status": answer.status_code})
                return
            async for frame in frames(answer.aiter_lines()):
                self._take(frame)

    def _take(self, frame: dict[str, str]) -> None:
        if "id" not in frame:
            return
        kind = frame.get("event", "")
        if kind == "reset":
            self._note("reset", {"position": frame["id"], "data": frame["data"]})
        elif kind:
            data = json.loads(frame["data"])
            told = {name: data[name] for name in ("id", "kind", "subject", "sequence")}
            self._note("event", {"position": frame["id"], **told})
        elif self.position is None:
            self._note("connected", {"position": frame["id"]})
        self.position = frame["id"]

    def _note(self, op: str, value: Json) -> None:
        person = {"user": self._account.id, "organisation": self._account.organisation}
        self._history.note(self.name, op, {**value, **person, "connection": self._connections})


async def frames(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, str]]:
    """Whole server-sent events by field; what is cut off in the middle is no event (WHATWG HTML, section 9.2.6)."""
    frame: dict[str, str] = {}
    async for line in lines:
        if not line:
            yield frame
            frame = {}
        else:
            name, _, value = line.partition(":")
            frame[name] = value.removeprefix(" ")
