"""Figures and numbers are byte-identical when a chapter is run again (timings apart)."""

import os

import pytest

import chapters
from project import Project

RAN = chapters.up_to_date(Project(), "smoke")
if not RAN and os.environ.get("SNNCORE_SITE") == "required":
    pytest.fail("no chapter has an up-to-date run at preset smoke", pytrace=False)


@pytest.mark.skipif(not RAN, reason="no chapter has an up-to-date run at preset smoke (make reproduce PRESET=smoke)")
@pytest.mark.parametrize("name", RAN or ["none"])
def test_a_second_run_writes_the_same_bytes(name, capsys):
    assert chapters.main(Project(), ["again", "--preset", "smoke", "--chapter", name]) == 0
    assert f"{name}: " in capsys.readouterr().out
