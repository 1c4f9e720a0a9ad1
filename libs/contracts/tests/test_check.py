"""The library passes its own check, and each rule of the check bites on a planted violation."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.audience import to_org
from contracts.chats.topics import CHATS
from contracts.chats.v1 import MessageSent
from contracts.checks import Library
from contracts.event import Contract, Event
from contracts.files import HOME, Files
from contracts.registry import all_contracts, all_topics, find, known_kind, register
from contracts.topics import Topic


@pytest.fixture
def copy(tmp_path: Path) -> Library:
    """The library with its files copied, to plant violations in."""
    for folder in ("schemas", "examples"):
        shutil.copytree(HOME / folder, tmp_path / folder)
    shutil.copy(HOME / "CATALOGUE.md", tmp_path)
    return Library(files=Files(tmp_path))


def only_finding(library: Library) -> str:
    (finding,) = library.findings(before=None)
    return finding


def test_every_kind_is_complete() -> None:
    assert Library().findings(before=None) == []


def test_the_registry_finds_all_services() -> None:
    services = {event.contract.kind.partition(".")[0] for event in all_contracts()}
    assert services == {path.parent.name for path in Path(find.__code__.co_filename).parent.glob("*/v*.py")}
    assert {topic.name for topic in all_topics()} >= {event.contract.topic.name for event in all_contracts()}


def test_kinds_are_found_by_name_and_version() -> None:
    assert find("chats.message-sent", 1) is MessageSent
    assert find("chats.message-sent", 2) is None
    assert known_kind("chats.message-sent")
    assert not known_kind("chats.message-painted")


def test_export_writes_what_check_demands(copy: Library) -> None:
    shutil.rmtree(copy.files.home / "schemas")
    copy.files.catalogue.unlink()
    copy.export()
    assert copy.findings(before=None) == []


def test_a_missing_schema_is_found(copy: Library) -> None:
    copy.files.schema(MessageSent).unlink()
    assert only_finding(copy).startswith("chats.message-sent v1: has no schema schemas/chats/message-sent.v1.json")


def test_a_schema_that_differs_from_its_model_is_found(copy: Library) -> None:
    path = copy.files.schema(MessageSent)
    path.write_text(path.read_text().replace("run_id", "walk_id"))
    assert only_finding(copy).startswith("chats.message-sent v1: the committed schema differs from the model")


def test_a_missing_example_is_found(copy: Library) -> None:
    copy.files.example(MessageSent).unlink()
    assert only_finding(copy).startswith("chats.message-sent v1: has no example examples/chats/message-sent.v1.json")


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda document: document | {"number": "one"}, "the example is no MessageSent"),
        (lambda document: document | {"mood": "glad"}, "the example must show every field, and no other"),
        (lambda document: document | {"chat_id": document["chat_id"].upper()}, "the example must show every field"),
        (lambda document: {k: v for k, v in document.items() if k != "run_id"}, "the example must show every field"),
        (lambda document: document | {"participants": document["participants"] * 60}, ""),
    ],
)
def test_an_example_that_is_not_right_is_found(
    copy: Library, change: Callable[[dict[str, object]], object], finding: str
) -> None:
    path = copy.files.example(MessageSent)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    found = copy.findings(before=None)
    assert [line.startswith(f"chats.message-sent v1: {finding}") for line in found] == [True] * bool(finding)


def test_a_file_of_no_kind_is_found(copy: Library) -> None:
    (copy.files.home / "schemas" / "chats" / "chat-painted.v1.json").write_text("{}")
    assert only_finding(copy) == "schemas/chats/chat-painted.v1.json: belongs to no kind; delete it"


def test_a_stale_catalogue_is_found(copy: Library) -> None:
    copy.files.catalogue.write_text("# Catalogue of messages\n")
    assert only_finding(copy).startswith("CATALOGUE.md: is stale")


@pytest.mark.parametrize(
    ("terms", "finding"),
    [
        ({"topic": replace(CHATS, name="chats-rooms")}, "topic chats-rooms is declared in no topics.py"),
        ({"topic": next(topic for topic in all_topics() if topic.producer == "auth")}, "belongs to producer auth"),
        ({"readers": ("transcript",)}, "reader 'transcript' must be <service>.<purpose>"),
        ({"audience": lambda _: "everyone"}, "no envelope can carry it: 'ce_audience' must be org, internal or users"),
    ],
)
def test_a_wrong_declaration_is_found(
    copy: Library, monkeypatch: pytest.MonkeyPatch, terms: dict[str, object], finding: str
) -> None:
    monkeypatch.setattr(MessageSent, "contract", replace(MessageSent.contract, **terms))  # type: ignore[arg-type]
    copy.export()
    assert finding in only_finding(copy)


@pytest.mark.parametrize(
    ("topic", "finding"),
    [
        (replace(CHATS, name="chats.rooms"), "topic chats.rooms: must be lower-case words with hyphens"),
        (replace(CHATS, key="room id"), "topic chats-chats: is declared twice"),
        (replace(CHATS, name="chats-rooms", retention=timedelta()), "topic chats-rooms: must keep its events"),
    ],
)
def test_a_wrong_topic_is_found(copy: Library, topic: Topic, finding: str) -> None:
    planted = replace(copy, topics=(*all_topics(), topic))
    planted.export()
    assert only_finding(planted).startswith(finding)


def test_a_kind_belongs_to_the_service_that_its_name_says(copy: Library) -> None:
    class Painted(Event):
        """Somebody has painted the wall."""

    Painted.contract = Contract("chats.wall-painted", 1, CHATS, to_org, ())
    planted = replace(copy, events=(*all_contracts(), Painted))
    planted.export()
    copy.files.example(Painted).write_text("{}")
    assert "its place is contracts.chats.v1" in only_finding(planted)


def test_two_classes_cannot_claim_one_kind() -> None:
    class Other(Event):
        contract = MessageSent.contract

    with pytest.raises(ValueError, match="claimed by both MessageSent and Other"):
        register(Other)
