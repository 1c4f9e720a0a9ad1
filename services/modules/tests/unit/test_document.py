from typing import Any

import pytest

from chassis.core import Err, Ok
from modules.application import typed_data
from modules.application.typed_data import InvalidData
from modules.domain.errors import RuleBroken
from modules.kinds.document import ARCHIVE, KIND, MOST_TAGS, PUBLISH, TAG, Document, Status, Tagging, with_tags

from ..builders import NOW, a_doer, a_module


@pytest.mark.parametrize("body", ["", " \n"])
def test_a_document_without_a_text_is_not_published(body: str) -> None:
    module = a_module(KIND, {"title": "Stage plan", "body": body})
    refused = module.act(PUBLISH, PUBLISH.example, by=a_doer(), now=NOW)
    assert isinstance(refused, Err)
    assert isinstance(refused.failure, RuleBroken)
    assert refused.failure.rule == "published-documents-have-a-text"
    assert module.status == Status.DRAFT


def test_a_published_document_may_still_be_changed() -> None:
    module = a_module(KIND, status=Status.PUBLISHED)
    changed = module.change(module.data.model_copy(update={"body": "New"}), by=a_doer(), now=NOW)
    assert isinstance(changed, Ok)
    assert changed.value is not None
    assert changed.value.changed == ("body",)


def test_an_archived_document_changes_neither_by_hand_nor_by_tags() -> None:
    module = a_module(KIND)
    module.act(ARCHIVE, ARCHIVE.example, by=a_doer(), now=NOW)
    changed = module.change(Document(title="Other"), by=a_doer(), now=NOW)
    tagged = module.act(TAG, TAG.example, by=a_doer(), now=NOW)
    assert isinstance(changed, Err)
    assert "archived-documents-do-not-change" in changed.failure.detail
    assert isinstance(tagged, Err)
    assert module.data == KIND.example


def test_tags_are_added_and_removed_and_the_others_stay_in_their_order() -> None:
    document = Document(title="Plan", tags=("a", "b", "c"))
    assert with_tags(document, Tagging(add=("d", "a"), remove=("b", "x"))).tags == ("a", "c", "d")


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"title": "Plan", "body": "x" * 100_001}, "/data/body"),
        ({"title": "Plan", "tags": ["a", "a"]}, "/data/tags"),
        ({"title": "Plan", "tags": ["a", " "]}, "/data/tags/1"),
        ({"title": "Plan", "tags": [str(number) for number in range(MOST_TAGS + 1)]}, "/data/tags"),
        ({"title": "Plan", "tags": "a"}, "/data/tags"),
    ],
)
def test_bad_data_names_its_field(data: dict[str, Any], pointer: str) -> None:
    refused = typed_data.read(KIND.data, data, at="data")
    assert isinstance(refused, Err)
    assert isinstance(refused.failure, InvalidData)
    assert [error.pointer for error in refused.failure.errors] == [pointer]
