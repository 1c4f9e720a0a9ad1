"""Final reads: which are made, and that the checker finds each way in which they can differ from rows and history."""

from collections.abc import Callable
from typing import Any

import pytest

from .checker.evidence import Evidence
from .checker.verdict import violations
from .history import Operation
from .reading import MOST, PATHS, READ, READ_BY_OTHERS, places
from .small_world import AGENT, ANSWER, CHAT, COMMAND, MODULE, ORDER, RUN, USER, World, an_id, good_world

CHAT_PATH, MODULE_PATH, RUN_PATH = f"/api/v1/chats/{CHAT}", f"/api/v1/modules/{MODULE}", f"/api/v1/runs/{RUN}"


def messages() -> list[dict[str, Any]]:
    question = {"id": str(an_id("message 1")), "number": 1, "text": ORDER, "run_id": None}
    answer = {"id": str(an_id("message 2")), "number": 2, "text": ANSWER, "run_id": str(RUN)}
    return [
        {**question, "author": {"kind": "user", "id": str(USER)}},
        {**answer, "author": {"kind": "agent", "id": str(AGENT)}},
    ]


def versions() -> list[dict[str, Any]]:
    now = {"name": "Tour", "status": "planned", "data": {}}
    author = {"user_id": str(USER), "tool_call": str(COMMAND)}
    return [{"revision": 1, "change": "created", "action": None, "author": author, **now}]


def read_world() -> World:
    """The small world, in which all was read again."""
    world = good_world()
    module = {"id": str(MODULE), "kind": "project", "name": "Tour", "status": "planned", "revision": 1, "data": {}}
    run = {"id": str(RUN), "status": "completed", "text": ORDER, "reply": ANSWER, "reason": None, "revision": 3}
    chat = {"id": str(CHAT), "title": "Plans", "message_count": 2, "revision": 1}
    for path, body in ((CHAT_PATH, chat), (MODULE_PATH, module), (RUN_PATH, run)):
        world.note("client", READ, path=path, status=200, body=body)
    for path, items in ((f"{CHAT_PATH}/messages", messages()), (f"{MODULE_PATH}/versions", versions())):
        world.note("client", READ, path=path, status=200, items=items)
    world.note("other", READ_BY_OTHERS, path=CHAT_PATH, status=404, body={})
    return world


def read(world: World, path: str) -> dict[str, Any]:
    """The value of one read, to be changed."""
    return next(line.value for line in world.evidence.notes if line.op == READ and line.value["path"] == path)


def items(world: World, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(world, path)["items"]
    return found


def of_messages(world: World) -> list[dict[str, Any]]:
    return items(world, f"{CHAT_PATH}/messages")


def found_in(world: World) -> list[tuple[str, str]]:
    """Invariant and what does not hold."""
    evidence = Evidence(world.evidence.operations, world.evidence.notes, world.evidence.dump)
    return [(violation.invariant, violation.what) for violation in violations(evidence)]


def test_reads_that_show_what_is_there_are_no_violation() -> None:
    world = read_world()
    version: dict[str, Any] = {"answer_id": str(MODULE), "answer_revision": 1}
    world.asked("create-module", "Tour", "/api/v1/modules", **version)
    assert found_in(world) == []


def deleted(world: World) -> None:
    """The module is deleted: nobody may read it any more, but for its history."""
    world.rows("modules", "modules")[0].update(deleted=True)


def test_what_was_deleted_is_not_there_and_its_history_is() -> None:
    world = read_world()
    deleted(world)
    read(world, MODULE_PATH).update(status=404, body={})
    assert found_in(world) == []


def test_a_chat_without_messages_shows_none() -> None:
    world = good_world()
    empty = str(an_id("empty chat"))
    chat = {"id": empty, "title": "Quiet", "revision": 1}
    world.dump.tables["chats"]["chats"].append({**chat, "last_number": 0, "sequence": 1})
    world.note("client", READ, path=f"/api/v1/chats/{empty}", status=200, body={**chat, "message_count": 0})
    world.note("client", READ, path=f"/api/v1/chats/{empty}/messages", status=200, items=[])
    assert [what for _, what in found_in(world) if "/api/v1/" in what] == []


Break = Callable[[World], object]
DIFFERENT: dict[str, tuple[str, Break]] = {
    "a message is not shown": ("I1", lambda w: of_messages(w).pop(0)),
    "a message is shown without its row": ("I2", lambda w: w.rows("chats", "messages").pop(1)),
    "messages are in another order": ("I5", lambda w: of_messages(w).reverse()),
    "a message is shown twice": ("I5", lambda w: of_messages(w).append(messages()[1])),
    "a message is shown under another author": (
        "I2",
        lambda w: of_messages(w)[1].update(author=messages()[0]["author"]),
    ),
    "a message is shown with another text": ("I1", lambda w: of_messages(w)[0].update(text="other")),
    "a chat shows an old count": ("I1", lambda w: read(w, CHAT_PATH)["body"].update(message_count=1)),
    "a module shows an old name": ("I1", lambda w: read(w, MODULE_PATH)["body"].update(name="Old")),
    "a module shows data that nobody wrote": (
        "I2",
        lambda w: read(w, MODULE_PATH)["body"].update(data={"client": "x"}),
    ),
    "a module that is there is not found": ("I1", lambda w: read(w, MODULE_PATH).update(status=404, body={})),
    "a deleted module is shown": ("I1", deleted),
    "a history lacks a version": ("I1", lambda w: items(w, f"{MODULE_PATH}/versions").clear()),
    "a history hides the tool call": (
        "I1",
        lambda w: items(w, f"{MODULE_PATH}/versions")[0]["author"].update(tool_call=None),
    ),
    "a run shows another end": ("I1", lambda w: read(w, RUN_PATH)["body"].update(status="failed")),
    "an object cannot be read": ("I1", lambda w: read(w, CHAT_PATH).update(status=503, body={})),
    "somebody of another organisation is answered": (
        "I16",
        lambda w: w.note("other", READ_BY_OTHERS, path=CHAT_PATH, status=200, body={}),
    ),
    "nobody answers": ("I1", lambda w: read(w, CHAT_PATH).update(status=0)),
}


@pytest.mark.parametrize(("invariant", "break_it"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_read_that_differs_from_the_rows_is_found(invariant: str, break_it: Break) -> None:
    world = read_world()
    break_it(world)
    assert invariant in {found for found, what in found_in(world) if "/api/v1/" in what}


VERSION: dict[str, Any] = {"answer_id": str(MODULE), "answer_revision": 2}
UNTOLD: dict[str, Break] = {
    "send-message": lambda w: w.asked("send-message", "lost", f"{CHAT_PATH}/messages", answer_id="x"),
    "open-chat": lambda w: w.asked("open-chat", "Other plans", "/api/v1/chats", answer_id=str(CHAT)),
    "create-module": lambda w: w.asked("create-module", "Tour", "/api/v1/modules", **VERSION),
    "change-module": lambda w: w.asked("change-module", "Tour", MODULE_PATH, **VERSION),
    "act-on-module": lambda w: w.asked("act-on-module", "x", f"{MODULE_PATH}/actions/start", **VERSION),
    "delete-module": lambda w: w.asked("delete-module", "x", MODULE_PATH),
    "act": lambda w: w.asked("act", "other", "/", answer_run_id=str(RUN), answer_chat_id=str(CHAT)),
    "cancel-run": lambda w: w.asked(
        "cancel-run", "x", f"{RUN_PATH}/cancel", answer_id=str(RUN), answer_status="cancelled"
    ),
}


@pytest.mark.parametrize(("op", "ask"), UNTOLD.items(), ids=UNTOLD)
def test_what_a_client_was_told_and_does_not_read_is_found(op: str, ask: Break) -> None:
    world = read_world()
    ask(world)
    assert ("I1", f"{op} succeeded and is not read in the end") in found_in(world)


def test_every_request_that_is_followed_has_its_bad_world() -> None:
    assert UNTOLD.keys() == PATHS.keys()


def test_nothing_is_said_of_what_was_not_sampled() -> None:
    world = good_world()
    UNTOLD["send-message"](world)
    assert not [what for _, what in found_in(world) if "read in the end" in what]


def told(count: int, outcome: str = "ok") -> list[Operation]:
    world = World()
    for number in range(count):
        world.asked("open-chat", str(number), "/api/v1/chats", outcome, answer_id=f"chat-{number}")
    return world.evidence.operations


def test_a_sample_of_what_succeeded_is_read_and_the_same_seed_takes_the_same() -> None:
    found = places(told(100), 7)
    assert len(found) == 2 * MOST
    assert found == places(told(100), 7) != places(told(100), 8)
    assert {client for client, _ in found} == {"client"}
    assert found[1][1] == f"{found[0][1]}/messages"


def test_nothing_else_is_read_and_nothing_twice() -> None:
    assert places(told(3, "fail") + told(3, "info"), 7) == []
    assert len(places(told(3) + told(3), 7)) == 6
