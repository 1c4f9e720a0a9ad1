"""Lines of the corpus can be run."""

from pathlib import Path

from .corpus import corpus
from .drive import CRASH_POINTS
from .nemesis import SORTS


def test_each_line_of_the_corpus_names_faults_and_a_crash_point_that_there_are(tmp_path: Path) -> None:
    for settings in corpus(tmp_path):
        assert set(settings.faults) <= set(SORTS)
        assert settings.crash_point in CRASH_POINTS
