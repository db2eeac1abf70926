"""What another processor changes: the comparison of claims, and the runs that it compares."""

import pandas as pd
import pytest

import portability
from book.conftest import CLAIM, chapter, do
from snncore import ledger


def rows(**ours):
    return {id.replace("_", "."): {"id": id.replace("_", "."), "ours": value} for id, value in ours.items()}


@pytest.fixture
def claims(project):
    with project.claims.open("a", encoding="utf-8") as file:
        file.write(CLAIM.format(id="c.d").replace("published = 2.0\ntolerance = 0.1", 'published = "it holds"'))
    return ledger.read_claims(project.claims)[1]


def test_numbers_and_verdicts_are_compared(claims):
    first, second = portability.compared(claims, {"a": rows(a_b=2.0, c_d=True), "b": rows(a_b=2.5, c_d=True)})
    assert first == {"claim": "a.b", "a": "2", "b": "2.5", "largest relative difference": "0.2", "verdicts": "agrees / differs"}
    assert second == {"claim": "c.d", "a": "it holds", "b": "it holds", "largest relative difference": "", "verdicts": "agrees"}
    assert [portability.difference(numbers) for numbers in ([0.0, 0.0], [-1.0, 1.0])] == [0, 2]


def test_chapters_run_with_other_arithmetic_and_only_once(project, capsys, monkeypatch):
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)  # of a test under the plainest arithmetic
    code = 'import os\nrecord.claim("a.b", 2.5 if "ATEN_CPU_CAPABILITY" in os.environ else 2.1)\nrecord.value("number", 1)'
    chapter(project.root, "first", code)
    chapter(project.root, "second", 'record.value("number", 7)', more="alone: true")  # measures times: left out
    words = ("portability", "--variants", portability.DEFAULT, "plainest arithmetic")
    assert do(project, *words) == 1
    out = capsys.readouterr().out
    assert "1 claims, 1 with another verdict" in out
    assert "second" not in out
    assert project.manifest("smoke", "first")["status"] == "ok"  # the default variant is what the book shows
    path = project.build / "portability" / "smoke" / "portability.csv"
    assert not (project.root / "data" / "results" / "portability.csv").exists()  # smoke is not for the book
    assert path.read_text(encoding="utf-8").startswith("# Measured at preset smoke, ")
    assert list(pd.read_csv(path, skiprows=1)["verdicts"]) == ["agrees / differs"]
    monkeypatch.setattr("chapters.run_chapter", lambda *_: pytest.fail("it runs again"))
    assert do(project, *words) == 1
