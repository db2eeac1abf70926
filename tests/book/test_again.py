"""Figures and numbers are byte-identical when a chapter is run again (timings apart)."""

import pytest

import chapters
import tools
from book.browser import require
from project import Project

pytestmark = pytest.mark.book
RAN = chapters.up_to_date(Project(), "smoke")
require({"no chapter has an up-to-date run at preset smoke (make reproduce PRESET=smoke)": bool(RAN)})


def test_a_second_run_writes_the_same_bytes(capsys):
    """In the kernel's other form: all chapters at once, each beside others."""
    assert tools.main(Project(), ["again", "--preset", "smoke"]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.count("files are byte-identical") == len(RAN)
