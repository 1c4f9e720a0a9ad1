"""Lines of the corpus can be run."""

from pathlib import Path

from .corpus import corpus
from .nemesis import SORTS
from .points import SWEPT


def test_each_line_of_the_corpus_names_faults_and_a_crash_point_that_there_are(tmp_path: Path) -> None:
    for settings in corpus(tmp_path):
        assert settings.faults is not None
        assert set(settings.faults) <= set(SORTS)
        assert settings.crash_point in (None, *SWEPT)
