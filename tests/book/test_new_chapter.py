"""A new chapter needs four files: its notebook, its line in the table of contents, its claims and, if it brings modules, their pages."""

import shutil

import pytest

from book.conftest import CLAIM, chapter, do, edit, rendered, soup
from project import ROOT, BookError, Project, outputs, read_json


@pytest.mark.slow
def test_a_chapter_is_added_with_its_files_alone(tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("[.]*", "_build", "__pycache__", "raw", "*.ipynb"))
    before = outputs(root)
    chapter(root, "toy", 'record.value("number", 3)\nrecord.claim("toy.weight", 2.1, low=1.9, high=2.3, n=3)')
    edit(root / "notebooks" / "toy.py", "The number is {value}`number`.", "There are {value}`number` toys, of {claim}`toy.weight` each.")
    edit(root / "book" / "_toc.yml", "      - file: notebooks/speed\n", "      - file: notebooks/speed\n      - file: notebooks/toy\n")
    with (root / "data" / "claims.toml").open("a", encoding="utf-8") as claims:
        claims.write(CLAIM.format(id="toy.weight").replace('"first"', '"toy"').replace("slide 1", "slide 2"))
    with (root / "book" / "api" / "index.md").open("a", encoding="utf-8") as api:
        api.write("\n## Toys\n\n```{eval-rst}\n.. automodule:: snncore\n   :no-index:\n```\n")
    touched = {name for name, digest in outputs(root).items() if before.get(name) != digest}
    assert touched == {"notebooks/toy.py", "book/_toc.yml", "data/claims.toml", "book/api/index.md"}

    project = Project(root)
    assert do(project, "run", "--chapter", "toy") == 0
    site = rendered(project, only=("claims", "notebooks/toy"))
    page, ledger = soup(site, "notebooks/toy"), soup(site, "claims")
    assert page.h1.get_text().startswith("Chapter toy")
    number = page.find("a", class_="claim")
    assert number.parent.get_text() == "There are 3 live toys, of 2.10 live each."  # with the words of the badges
    assert number["href"] == "../claims.html#claim-toy-weight"
    assert number["title"] == "ours, live: 2.10 (1.90\u00a0to\u00a02.30); talk, slide 2: 2.0; not settled"
    row = ledger.find("details", id="claim-toy-weight")
    assert "2.1" in row.get_text()
    assert "not settled" in row.get_text()  # its interval reaches beyond the tolerance
    assert row.find_previous("h3").get_text().startswith("Slide 2: ")
    assert row.find("a", href="notebooks/toy.html#use-claim-toy-weight")
    assert next(e for e in read_json(project.live / "ledger.json") if e["id"] == "toy.weight")["live"]


@pytest.mark.parametrize(("file", "change", "words"), [
    ("data/claims.toml", ('chapter = "first"', 'chapter = "x"'), r"claim 'a\.b': chapter is 'x', which is no chapter: choose one"),
    ("data/claims.toml", ('page = "first"', 'page = "x"'), r"slide 1: page is 'x', .* index, first, second, or write notebooks/x\.py"),
    ("notebooks/second.py", ("# # Chapter", "# Chapter"), r"notebooks/second\.py has no title"),
    ("notebooks/second.py", ("summary", "#"), r"notebooks/second\.py has no summary"),
])  # fmt: skip
def test_what_a_chapter_lacks_is_said_by_name_before_anything_runs(project, file, change, words):
    edit(project.root / file, *change)
    for action in ("run", "build"):
        with pytest.raises(BookError, match=words):
            do(project, action)
    assert not project.live.exists()


def test_a_run_that_keeps_nothing_is_a_failure(project, capsys):
    chapter(project.root, "second", 'record.value("number", 7)')
    edit(project.root / "notebooks" / "second.py", 'Record("second"', 'Record("other"')
    assert do(project, "run", "--chapter", "second") == 1
    assert "it kept nothing: begin with Record('second', preset)" in capsys.readouterr().out
