"""Each rule is kept by the project itself, and by the small house that the other tests plant violations in."""

from pathlib import Path
from types import ModuleType

import pytest

from tools.__main__ import RULES

from .conftest import House

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


@each_rule
def test_the_project_keeps_the_rule(rule: ModuleType, checkout: Path) -> None:
    assert rule.problems(checkout) == []


@each_rule
def test_a_clean_house_keeps_the_rule(rule: ModuleType, house: House) -> None:
    assert rule.problems(house.root) == []
