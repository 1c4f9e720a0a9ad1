from typing import Any

import pytest

from chassis.core import Err, Ok
from modules.application import typed_data
from modules.application.typed_data import MAX_BYTES, InvalidData
from modules.kinds.document import Document
from modules.kinds.project import Project


@pytest.mark.parametrize(
    "given",
    [
        {"title": "a\0b"},
        {"title": "Plan", "a\0b": 1},
        {"title": "Plan", "tags": ["a\0b"]},
    ],
)
def test_a_nul_character_is_refused_wherever_it_stands(given: dict[str, Any]) -> None:
    assert _refused(Document, given).errors[0].rule == "nul-character"


def test_half_a_surrogate_pair_is_refused() -> None:
    assert isinstance(typed_data.read(Document, {"title": "\ud800"}, at="data"), Err)


def test_numbers_of_any_size_are_refused_where_a_text_is_due() -> None:
    assert _refused(Document, {"title": 10**40}).errors[0].pointer == "/data/title"


def test_data_may_be_as_large_as_the_limit_and_no_larger() -> None:
    value, keys = "x" * 2_000, range(200)
    fits = {"name": "Tour", "configuration": {str(key): value for key in keys[:130]}}
    assert isinstance(typed_data.read(Project, fits, at="data"), Ok)
    too_large = {"name": "Tour", "configuration": {str(key): value for key in keys[:132]}}
    error = _refused(Project, too_large).errors[0]
    assert (error.pointer, error.rule) == ("/data", "too-large")
    assert str(MAX_BYTES) in error.detail


def test_the_size_counts_bytes_and_not_characters() -> None:
    assert _refused(Document, {"title": "Plan", "body": "€" * 100_000}).errors[0].rule == "too-large"


def test_the_refusal_says_in_words_what_is_wrong_and_repeats_no_value() -> None:
    failure = _refused(Document, {"body": 7, "secret": "canary"})
    assert "/data/title: Field required" in failure.detail
    assert "/data/secret: " in failure.detail
    assert "canary" not in failure.detail


def test_the_refusal_tells_five_things_and_how_many_more() -> None:
    failure = _refused(Document, {"title": "Plan", **{f"field_{number}": 1 for number in range(7)}})
    assert len(failure.errors) == 7
    assert failure.detail.endswith("; and 2 more")


def test_pointers_escape_what_json_pointers_escape() -> None:
    assert _refused(Document, {"title": "Plan", "a/b~c": 1}).errors[0].pointer == "/data/a~1b~0c"


def _refused(model: type[Any], given: dict[str, Any]) -> InvalidData:
    refused = typed_data.read(model, given, at="data")
    assert isinstance(refused, Err)
    assert isinstance(refused.failure, InvalidData)
    return refused.failure
