"""Each rule is kept by the small house that the other tests plant violations in; `make lint` asks it of the project."""

from types import ModuleType

import pytest

from tools.__main__ import RULES

from .conftest import House


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_clean_house_keeps_the_rule(rule: ModuleType, house: House) -> None:
    assert rule.problems(house.root) == []
