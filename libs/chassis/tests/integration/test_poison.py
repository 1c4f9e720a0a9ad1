"""Bytes that are no event: kept as they came, with the reason, while everything else goes on."""

from collections.abc import Callable
from dataclasses import replace
from unittest.mock import AsyncMock

import pytest
from prometheus_client import REGISTRY

from chassis.core import new_id
from chassis.kafka.offsets import Offsets
from chassis.testing.waiting import eventually, running

from ..sample.stage import Stage, noting
from ..sample.topics import Message

COPIES = "sample.copies"

Spoil = Callable[[Message], Message]


def value(content: bytes | None) -> Spoil:
    return lambda sent: Message(sent.topic, sent.key, content, sent.headers)


def header(name: str, content: bytes | None) -> Spoil:
    return lambda sent: sent.with_header(name, content)


POISON: dict[str, tuple[Spoil, str]] = {
    "bytes that are no JSON": (value(b"\x00\xff{"), "BadData"),
    "no value": (value(None), "BadData"),
    "a field that is missing": (value(b"{}"), "BadData"),
    "a type that is wrong": (value(b'{"thing_id": 7, "name": "lamp"}'), "BadData"),
    "an unknown version": (header("ce_dataschema", b"urn:stoa:schema:testing.thing-made:9"), "UnknownVersion"),
    "a missing header": (lambda sent: sent.without("ce_actor"), "'ce_actor' is missing"),
    "no header at all": (lambda sent: Message(sent.topic, sent.key, sent.value, []), "is missing"),
    "a header that is no UTF-8": (header("ce_actor", b"\xff\xfe"), "must be UTF-8"),
    "a foreign header that is no UTF-8": (header("x-strange", b"\xff"), "must be UTF-8"),
    "a header that is null": (header("ce_actor", None), "'ce_actor' must have a value"),
    "a doubled header": (
        lambda sent: Message(sent.topic, sent.key, sent.value, [*sent.headers, ("ce_id", b"x")]),
        "'ce_id' appears twice",
    ),
    "another key": (
        lambda sent: Message(sent.topic, b"another", sent.value, sent.headers),
        "the key is not ce_subject",
    ),
    "no key": (lambda sent: Message(sent.topic, None, sent.value, sent.headers), "the key is not ce_subject"),
    "a key that is no text": (
        lambda sent: Message(sent.topic, b"\xff\x00", sent.value, sent.headers),
        "the key is not ce_subject",
    ),
    "no sequence": (lambda sent: sent.without("ce_sequence"), "'ce_sequence' is missing"),
    "a sequence that is no number": (header("ce_sequence", b"one"), "'ce_sequence' must be a whole number"),
}


async def test_poison_is_parked_as_it_came_and_the_consumer_goes_on(stage: Stage) -> None:
    poison = {name: spoil(stage.fact(new_id(), 1)) for name, (spoil, _) in POISON.items()}
    where = await stage.topics.send(*poison.values())
    others = [new_id() for _ in range(5)]
    await stage.topics.send(*(stage.fact(other, number) for other in others for number in (1, 2)))
    async with running(*stage.consuming(noting())):
        for other in others:
            await stage.until_effects(COPIES, ["1", "2"], other)
        letters = {(one.kafka_partition, one.kafka_offset): one for one in await stage.until_parked(len(POISON))}
        await stage.until_read(COPIES)
    for (name, sent), position in zip(poison.items(), where, strict=True):
        letter = letters[position]
        assert POISON[name][1] in letter.error, name
        assert (letter.raw_key, letter.value, letter.retry_at) == (sent.key, sent.value, None), name
        assert letter.headers == [part for pair in sent.headers for part in (pair[0].encode(), pair[1])], name


async def test_poison_that_comes_again_is_parked_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Offsets, "commit", AsyncMock())
    thing = new_id()
    newer = stage.fact(thing, 9).with_header("ce_dataschema", b"urn:stoa:schema:testing.thing-renamed:9")
    await stage.topics.send(stage.fact(thing, 5).without("ce_actor"), newer, newer)
    for number in (1, 2):  # each run reads from the beginning, as nothing was committed
        async with running(*stage.consuming(noting())):
            await stage.topics.send(stage.fact(thing, number))
            await stage.until_effects(COPIES, ["1", "2"][:number], thing)
    assert [letter.sequence for letter in await stage.letters()] == [9, None]


async def test_the_key_of_a_poison_event_waits_in_order(stage: Stage) -> None:
    thing = new_id()
    bad = stage.fact(thing, 2).with_header("ce_dataschema", b"urn:stoa:schema:testing.thing-renamed:9")
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(thing, 1), bad, stage.fact(thing, 3))
        assert [letter.sequence for letter in await stage.until_parked(2)] == [2, 3]
        await stage.until_effects(COPIES, ["1"], thing)
        await stage.topics.send(stage.fact(thing, 2))  # the owner mends it
        await stage.until_read(COPIES)
        assert len(await stage.letters()) == 2


async def test_an_event_whose_number_was_lost_leaves_a_gap_that_its_key_waits_for(stage: Stage) -> None:
    thing = new_id()
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(thing, 1), stage.fact(thing, 2).without("ce_sequence"), stage.fact(thing, 3))
        await stage.until_parked(2)
        await stage.hurry()
        await stage.topics.send(stage.fact(thing, 2))
        await stage.until_effects(COPIES, ["1", "2", "3"], thing)
        assert [letter.sequence for letter in await stage.until_parked(1)] == [None]


async def test_poison_and_unknown_kinds_are_counted_under_names_that_no_stranger_makes_up(stage: Stage) -> None:
    strange = stage.fact(new_id(), 1).with_header("ce_type", b"made.up-by-me")
    strange = strange.with_header("ce_dataschema", b"urn:stoa:schema:made.up-by-me:1")
    async with running(*stage.consuming(noting("sample.counted"))):
        await stage.topics.send(strange, stage.fact(new_id(), 1).without("ce_id"))
        await eventually(lambda: counted("unknown", "skipped"))
        await eventually(lambda: counted("poison", "parked"))


async def counted(kind: str, outcome: str) -> bool:
    labels = {"consumer": "sample.counted", "kind": kind, "outcome": outcome}
    return REGISTRY.get_sample_value("stoa_consumer_events_total", labels) == 1


async def test_a_record_under_a_strange_key_does_not_take_the_place_of_an_event_of_that_key(stage: Stage) -> None:
    thing = new_id()
    forged = stage.fact(new_id(), 2)
    async with running(*stage.consuming(noting())):
        await stage.topics.send(stage.fact(thing, 1), replace(forged, key=str(thing).encode()))
        await stage.until_parked(1)
        await stage.topics.send(stage.fact(thing, 2), stage.fact(thing, 3))
        await stage.until_effects(COPIES, ["1", "2", "3"], thing)
        [letter] = await stage.until_parked(1)
    assert (letter.sequence, letter.error) == (None, "the key is not ce_subject")
