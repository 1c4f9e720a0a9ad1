"""The bugs that are planted to check the checker follow the code that they change."""

import os
from pathlib import Path

import pytest

from local_stack.paths import REPOSITORY

from .mutants import MUTANTS, Mutant, planted
from .nemesis import SORTS
from .points import SWEPT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_code_that_is_there_into_code(mutant: Mutant) -> None:
    compile(mutant.mutated(), mutant.file, "exec")
    assert mutant.mutated() != (mutant.original / mutant.file).read_text()
    assert set(mutant.faults) <= set(SORTS)
    assert mutant.crash_point in SWEPT


def test_a_planted_mutant_of_a_service_brings_its_migrations(tmp_path: Path) -> None:
    for mutant in MUTANTS:
        if mutant.original.is_relative_to(REPOSITORY / "services"):
            with planted(mutant, tmp_path):
                assert list((tmp_path / mutant.original.name / "migrations").rglob("*.py"))


def test_a_planted_mutant_stands_before_its_package_for_the_length_of_the_block(tmp_path: Path) -> None:
    mutant = MUTANTS[0]
    with planted(mutant, tmp_path):
        overlay = Path(os.environ["PYTHONPATH"]) / mutant.original.name
        assert overlay.is_relative_to(tmp_path)
        assert (overlay / mutant.file).read_text() == mutant.mutated()
    assert "PYTHONPATH" not in os.environ
