"""Figures and numbers are byte-identical when a chapter is run again (timings apart)."""

import pytest

import chapters
from book.browser import require
from project import Project

pytestmark = pytest.mark.book
RAN = chapters.up_to_date(chapters.plan(Project(), "smoke", seed=None))
SOME = ("eprop", "loihi", "memory", "relational")  # quick ones that draw, compute in compiled loops and learn; each week all run again
require({f"{name} has no up-to-date run at preset smoke (make reproduce PRESET=smoke)": name in RAN for name in SOME})


def test_a_second_run_writes_the_same_bytes(capsys):
    status = chapters.run_again(Project(), "smoke", [c for c in Project().chapters() if c.name in SOME])
    out = capsys.readouterr().out
    assert status == 0, out
    assert out.count("files are byte-identical") == len(SOME)
