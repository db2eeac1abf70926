"""Figures and numbers are byte-identical when a chapter is run again (timings apart)."""

import pytest

import chapters
import tools
from book.browser import require
from project import Project

pytestmark = pytest.mark.book
ALONE = {c.name for c in Project().chapters() if c.alone}  # measure times, which no run repeats
RAN = [name for name in chapters.up_to_date(chapters.plan(Project(), "smoke", seed=None)) if name not in ALONE]
require({"no chapter has an up-to-date run at preset smoke (make reproduce PRESET=smoke)": bool(RAN)})


def test_a_second_run_writes_the_same_bytes(capsys):
    status, out = tools.main(Project(), ["again", "--preset", "smoke"]), capsys.readouterr().out
    assert status == 0, out
    assert out.count("files are byte-identical") == len(RAN)
