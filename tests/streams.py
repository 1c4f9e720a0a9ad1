"""A client that listens to server-sent events in the background."""

import threading
from types import TracebackType
from typing import Self

import httpx

from .people import Person
from .stack import eventually


class Stream:
    """`with Stream(person, "/api/v1/events") as stream:` listens from when it is entered until the stream ends."""

    def __init__(self, person: Person, path: str) -> None:
        self._http, self._path = person.http, path
        self._began, self._ended, self._left = threading.Event(), threading.Event(), threading.Event()
        self.text = ""
        """All that came."""

    @property
    def ended(self) -> bool:
        """Whether the server has ended it, or it was cut off."""
        return self._ended.is_set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        eventually(self._began.is_set, f"{self._path} has begun")
        assert not self.ended
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()

    def _listen(self) -> None:
        try:
            with self._http.stream("GET", self._path) as answer:
                assert answer.status_code == 200
                for part in answer.iter_text():
                    self.text += part
                    self._began.set()
                    if self._left.is_set():
                        return
        except httpx.TransportError:
            pass  # cut off is ended too
        self._ended.set()
