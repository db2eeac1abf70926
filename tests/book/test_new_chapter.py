"""A new chapter needs four files: its notebook, its line in the table of contents, its claims and, if it brings modules, their pages."""

import json
import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

import tools
from book.conftest import CLAIM, chapter, rendered
from project import BookError, Project, outputs

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = """# ---
# jupyter:
#   snncore:
#     summary: A chapter of two cells
#     minutes: {smoke: 0.1, book: 0.1}
# ---

# %% [markdown]
# (toy)=
# # Toys
#
# There are {value}`count` toys, of {claim}`toy.weight` each.

# %% tags=["parameters"]
preset = "book"
seed = 0

# %%
from snncore.record import Record

page = Record("toy", preset)
page.value("count", 3)
page.claim("toy.weight", 2.1, low=1.9, high=2.3, n=3)
"""


@pytest.mark.slow
def test_a_chapter_is_added_with_its_files_alone(tmp_path):
    root = tmp_path / "copy"
    ignored = shutil.ignore_patterns("[.]*", "_build", "__pycache__", "raw", "*.ipynb")
    shutil.copytree(ROOT, root, ignore=ignored)
    before = outputs(root)
    (root / "notebooks" / "toy.py").write_text(NOTEBOOK, encoding="utf-8")
    for path, old, new in (
        ("book/_toc.yml", "      - file: notebooks/speed\n", "      - file: notebooks/speed\n      - file: notebooks/toy\n"),
        ("data/claims.toml", None, CLAIM.format(id="toy.weight").replace('"first"', '"toy"').replace("slide 1", "slide 2")),
        ("book/api/index.md", "# API\n", "# API\n\n## Toys\n\n```{eval-rst}\n.. automodule:: snncore\n   :no-index:\n```\n"),
    ):
        text = (root / path).read_text(encoding="utf-8")
        (root / path).write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
    after = outputs(root)
    touched = {name for name in after if before.get(name) != after[name]}
    assert touched == {"notebooks/toy.py", "book/_toc.yml", "data/claims.toml", "book/api/index.md"}

    project = Project(root)
    assert tools.main(project, ["run", "--preset", "smoke", "--chapter", "toy"]) == 0
    site = rendered(project, only=("claims", "notebooks/toy"))
    page, ledger = (
        BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser") for name in ("notebooks/toy", "claims")
    )
    assert page.h1.get_text().startswith("Toys")
    number = page.find("a", class_="claim")
    assert number.parent.get_text() == "There are 3 live toys, of 2.10 live each."  # with the words of the badges
    assert number["href"] == "../claims.html#claim-toy-weight"
    assert number["title"] == "ours, live: 2.10 (1.90\u00a0to\u00a02.30); talk, slide 2: 2.0; not settled"
    row = ledger.find("details", id="claim-toy-weight")
    assert "2.1" in row.get_text()
    assert "not settled" in row.get_text()  # its interval reaches beyond the tolerance
    assert row.find_previous("h3").get_text().startswith("Slide 2: ")
    assert row.find("a", href="notebooks/toy.html#use-claim-toy-weight")
    entry = next(e for e in json.loads((project.live / "ledger.json").read_text()) if e["id"] == "toy.weight")
    assert entry["live"]


@pytest.mark.parametrize(("file", "change", "words"), [
    ("data/claims.toml", ('chapter = "first"', 'chapter = "x"'), r"claim 'a\.b': chapter is 'x', which is no chapter: choose one"),
    ("data/claims.toml", ('page = "first"', 'page = "x"'), r"slide 1: page is 'x', .* index, first, second, or write notebooks/x\.py"),
    ("notebooks/second.py", ("# # Chapter", "# Chapter"), r"notebooks/second\.py has no title"),
    ("notebooks/second.py", ("summary", "#"), r"notebooks/second\.py has no summary"),
])  # fmt: skip
def test_what_a_chapter_lacks_is_said_by_name_before_anything_runs(project, file, change, words):
    path = project.root / file
    path.write_text(path.read_text().replace(*change))
    for action in ("run", "build"):
        with pytest.raises(BookError, match=words):
            tools.main(project, [action, "--preset", "smoke"])
    assert not project.live.exists()


def test_a_run_that_keeps_nothing_is_a_failure(project, capsys):
    chapter(project.root, "second", 'record.value("number", 7)')
    source = project.root / "notebooks" / "second.py"
    source.write_text(source.read_text().replace('Record("second"', 'Record("other"'))
    assert tools.main(project, ["run", "--preset", "smoke", "--chapter", "second"]) == 1
    assert "it kept nothing: begin with Record('second', preset)" in capsys.readouterr().out
