"""A stranger's check: any Kafka client and the CloudEvents SDK can read every event that the services publish."""

import json
from asyncio import gather, to_thread
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator, FormatChecker

from contracts.registry import all_topics
from contracts.topics import Topic
from local_stack import scenario

from ..people import Organisation
from ..records import Record, headers, records
from ..stack import Stack

SCHEMAS = Path(__file__).parents[2] / "libs" / "contracts" / "schemas"
TOPICS = {topic.name: topic for topic in all_topics()}
COPIES = [
    ("chats", "chats.memberships"),
    ("chats", "chats.agents"),
    ("agent", "agent.chats"),
    ("agent", "agent.modules"),
]
"""One of each owner's snapshots."""


@pytest.fixture(scope="module")
async def found(stack: Stack) -> dict[str, list[Record]]:
    """All records by topic, after the main job, a sign-out, and a look at each copy, so that no topic is empty."""
    stack.healthy()
    await scenario.run(stack.url)
    organisation = Organisation.founded(stack.url)
    organisation.join("viewer").http.post("/api/v1/auth/logout").raise_for_status()
    checks = [
        to_thread(stack.execute, service, "projections", "check", consumer, "--wait") for service, consumer in COPIES
    ]
    await gather(*checks)
    by_topic = defaultdict[str, list[Record]](list)
    for record in await records(stack, TOPICS):
        by_topic[record.topic].append(record)
    return by_topic


@cache
def schema_of(dataschema: str) -> Draft202012Validator:
    """The committed schema that a record names, found by its name alone."""
    kind, version = dataschema.removeprefix("urn:stoa:schema:").rsplit(":", 1)
    service, _, name = kind.partition(".")
    schema: dict[str, Any] = json.loads((SCHEMAS / service / f"{name}.v{version}.json").read_text())
    assert schema["$id"] == dataschema
    return Draft202012Validator(schema, format_checker=FormatChecker())


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_the_sdk_reads_every_record_of_a_topic(found: dict[str, list[Record]], topic: Topic) -> None:
    assert found[topic.name], "the topic is empty"
    for record in found[topic.name]:
        assert record.value is not None
        event = from_binary(KafkaMessage(dict(record.headers), record.key, record.value), JSONFormat())
        assert event.get_dataschema() == f"urn:stoa:schema:{event.get_type()}:1"
        assert event.get_source().startswith("/stoa/")
        schema_of(str(event.get_dataschema())).validate(event.get_data())


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_every_record_says_whose_it_is_and_what_caused_it(found: dict[str, list[Record]], topic: Topic) -> None:
    for record in found[topic.name]:
        named = headers(record)
        assert UUID(named["ce_id"]).version == 7
        assert named["ce_actor"].split(":")[0] in ("user", "system")
        assert named["ce_audience"] in ("org", "internal") or named["ce_audience"].startswith("users:")
        assert UUID(named["ce_correlationid"])
        assert named["content-type"] == "application/json"


@pytest.mark.parametrize(
    "topic", [topic for topic in TOPICS.values() if topic.sort == "aggregate"], ids=lambda topic: topic.name
)
def test_the_events_of_an_aggregate_are_numbered_without_a_gap(found: dict[str, list[Record]], topic: Topic) -> None:
    numbers = defaultdict[str, dict[int, str]](dict)
    for record in found[topic.name]:
        named = headers(record)
        assert record.key is not None
        assert named["ce_subject"] == record.key.decode()
        earlier = numbers[named["ce_subject"]].setdefault(int(named["ce_sequence"]), named["ce_id"])
        assert earlier == named["ce_id"], "one number, two events"
    assert all(sorted(of_one) == list(range(1, len(of_one) + 1)) for of_one in numbers.values())


def test_no_personal_data_leaves_auth_but_on_its_own_topic(found: dict[str, list[Record]]) -> None:
    for topic in TOPICS.keys() - {"auth-users"}:
        for record in found[topic]:
            assert b"@example.com" not in (record.value or b"")


def test_the_feed_carries_nothing_internal(found: dict[str, list[Record]]) -> None:
    assert {headers(record)["ce_audience"].split(":")[0] for record in found["feed"]} <= {"org", "users"}
