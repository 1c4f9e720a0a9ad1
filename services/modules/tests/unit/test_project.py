from typing import Any

import pytest

from chassis.core import Err, Ok
from modules.application import typed_data
from modules.application.typed_data import InvalidData
from modules.kinds.project import FINISH, KIND, PAUSE, RESUME, START, Status

from ..builders import NOW, a_doer, a_module


def test_a_project_is_planned_then_active_rests_goes_on_and_is_done() -> None:
    module = a_module(KIND)
    seen = [module.status]
    for action in (START, PAUSE, RESUME, FINISH):
        assert isinstance(module.act(action, action.example, by=a_doer(), now=NOW), Ok)
        seen.append(module.status)
    assert seen == [Status.PLANNED, Status.ACTIVE, Status.ON_HOLD, Status.ACTIVE, Status.DONE]


def test_a_project_that_rests_can_be_finished() -> None:
    assert FINISH.moves[Status.ON_HOLD] == Status.DONE


def test_a_project_that_was_not_started_cannot_be_finished() -> None:
    refused = a_module(KIND).act(FINISH, FINISH.example, by=a_doer(), now=NOW)
    assert isinstance(refused, Err)
    assert "must be active or on-hold, and it is planned" in refused.failure.detail


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({}, "/data/name"),
        ({"name": "   "}, "/data/name"),
        ({"name": "x" * 201}, "/data/name"),
        ({"name": 7}, "/data/name"),
        ({"name": "Tour", "client": ""}, "/data/client"),
        ({"name": "Tour", "status": "done"}, "/data/status"),
        ({"name": "Tour", "configuration": {"fee": 7}}, "/data/configuration/fee"),
        ({"name": "Tour", "configuration": {"a b": "c"}}, "/data/configuration/a b"),
        ({"name": "Tour", "configuration": {str(number): "" for number in range(201)}}, "/data/configuration"),
    ],
)
def test_bad_data_names_its_field(data: dict[str, Any], pointer: str) -> None:
    refused = typed_data.read(KIND.data, data, at="data")
    assert isinstance(refused, Err)
    assert isinstance(refused.failure, InvalidData)
    assert [error.pointer for error in refused.failure.errors] == [pointer]
