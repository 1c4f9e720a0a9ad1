"""The workload: the same seed asks the same, no value is used twice, and the history tells what came of each."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .feeds import frames
from .history import History, Json, operations, read
from .workload import Generator, Known, Request

ANSWERS: dict[str, Json] = {
    "open-chat": {"id": "chat"},
    "act": {"run_id": "run"},
    "create-module": {"id": "module", "kind": "project", "name": "n", "status": "planned", "revision": 1},
}


def asked(seed: int, count: int = 200) -> list[Request]:
    """What a client asks that is always answered the same."""
    generator, known, found = Generator(seed, "somebody"), Known("agent", ["friend"]), []
    for _ in range(count):
        request = generator.next(known)
        known.learn(request, ANSWERS.get(request.op) or ANSWERS["create-module"])
        found.append(request)
    return found


def test_the_same_seed_asks_the_same() -> None:
    assert asked(7) == asked(7)
    assert asked(7) != asked(8)


def test_no_value_and_no_key_is_used_twice() -> None:
    requests = asked(7)
    assert len({request.unique for request in requests}) == len(requests)
    keys = [request.key for request in requests if request.key is not None]
    assert len(set(keys)) == len(keys) > 100


def test_everything_is_asked_sooner_or_later() -> None:
    assert {request.op for request in asked(7)} == {
        "send-message",
        "create-module",
        "change-module",
        "act-on-module",
        "open-chat",
        "act",
        "delete-module",
        "cancel-run",
    }


def test_each_unique_value_is_part_of_what_is_sent() -> None:
    for request in asked(7):
        if request.op not in ("delete-module", "cancel-run", "act-on-module"):
            assert request.unique in json.dumps(request.body)


def test_what_somebody_else_has_changed_is_left_alone_after_a_refusal() -> None:
    known = Known()
    known.learn(Request("create-module", "POST", "/api/v1/modules", "n"), ANSWERS["create-module"])
    known.forget(Request("change-module", "PATCH", "/api/v1/modules/module", "n"))
    assert known.modules == {}


def test_an_operation_without_an_end_has_an_unknown_outcome(tmp_path: Path) -> None:
    with History(tmp_path / "history") as history:
        first = history.invoke("client", "act", {"unique": "a"})
        history.invoke("client", "act", {"unique": "b"})
        history.end(first, "ok", {"status": 202})
        history.note("feed", "event", {"id": "1"})
    found = operations(read(tmp_path / "history"))
    assert [(one.given["unique"], one.outcome) for one in found] == [("a", "ok"), ("b", "info")]


@pytest.mark.parametrize("cut", [0, 5, 20])
async def test_an_event_that_is_cut_off_is_none(cut: int) -> None:
    text = ["id: c-0-1", "event: a", "data: {}", "", *["id: c-0-2", "event: b", "data: {}"][: cut // 5]]

    async def lines() -> AsyncIterator[str]:
        for line in text:
            yield line

    assert [frame["id"] async for frame in frames(lines())] == ["c-0-1"]
