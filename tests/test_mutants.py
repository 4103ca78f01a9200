"""The bugs that `tests/mutants/run.py` plants still fit the sources; to run them takes minutes: `nox -s mutants`."""

from pathlib import Path

from mutants.patches import PATCHES
import pytest

SOURCES = Path(__file__).parents[1] / "src" / "loyaltycore"


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name)
def test_a_bug_can_be_planted(patch):
    text = (SOURCES / patch.file).read_text()
    planted = text.replace(patch.old, patch.new)

    assert text.count(patch.old) == 1, f"{patch.file} has changed: find the new place for {patch.name!r}"
    assert planted != text
    compile(planted, patch.file, "exec")


def test_no_two_are_the_same():
    assert len({patch.name for patch in PATCHES}) == len(PATCHES)
    assert len({(patch.file, patch.old, patch.new) for patch in PATCHES}) == len(PATCHES)
