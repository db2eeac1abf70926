"""Chapters are programs that a reader can follow: what computes is visible, short, and names the claims that it enters."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import jupytext
import pytest

from recorded import read_ledger
from snncore.datafiles import RESULTS
from snncore.ledger import package_claims

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.py"))
VISIBLE_LINES = 700
ENTERS = ("claim", "verdict")


class Cell(NamedTuple):
    """A code cell: its text, and whether readers see it."""

    text: str
    visible: bool


def cells(path: Path) -> list[Cell]:
    found = [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    return [
        Cell(cell.source, not {"hide-input", "remove-cell", "remove-input", "solution"} & set(cell.metadata.get("tags", [])))
        for cell in found
    ]


def entered(text: str) -> list[ast.Call]:
    """Calls that enter a number or a verdict."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [call for call in calls if call.func.attr in ENTERS and ast.unparse(call.func.value) == "page"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_numbers_come_from_visible_cells_and_ids_of_claims_stand_written_out(path):
    """A search for an id finds the line that makes its number: no id is put together from parts."""
    assert not [cell.text for cell in cells(path) if not cell.visible and (entered(cell.text) or "page.value(" in cell.text)]
    assert any(entered(cell.text) for cell in cells(path))
    for cell in cells(path):
        for call in entered(cell.text):
            assert isinstance(call.args[0], ast.Constant | ast.Name | ast.Subscript), f"{path.stem}: {ast.unparse(call)}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_functions_in_cells_are_short(path):
    for cell in cells(path):
        for node in ast.walk(ast.parse(cell.text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 10, f"{path.stem}: {node.name} belongs into the library, with a test"


OPENING = ["The claim", "In one picture", "What we did", "What we found", "What we could not do"]
END = ["Summary", "Exercises", "Use it on yours", "This chapter's rows of the ledger"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_says_what_was_claimed_found_and_missed_and_ends_with_exercises(path):
    notebook = jupytext.read(path)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    sections = re.split(r"(?m)^## (.+)$", text)
    heads = sections[1::2]
    body = dict(zip(heads, sections[2::2], strict=True))
    assert (heads[: len(OPENING)], heads[-len(END) :]) == (OPENING, END)
    assert "slide" in body["The claim"].lower() or path.stem == "speed"  # the talk says nothing of the speed of programs
    assert "{figure}" in body["In one picture"]
    assert "<!-- ledger -->" in body[END[-1]]
    solutions = [cell for cell in notebook.cells if "solution" in cell.metadata.get("tags", [])]
    assert 3 <= len(solutions) <= 5


def test_readers_see_most_of_what_computes():
    lines = [line for path in CHAPTERS for cell in cells(path) if cell.visible for line in cell.text.splitlines() if line.strip()]
    assert len(lines) >= VISIBLE_LINES


def test_a_chapter_has_the_verdict_beside_each_number_of_the_talk_that_it_could_not_reproduce():
    missed = [e for e in read_ledger(RESULTS).values() if e["of"] == "talk" and e["status"] in ("differs", "not-settled")]
    pages = {c.id: c.chapter for c in package_claims().values()}
    files = {page: "book/index.md" if page == "index" else f"notebooks/{page}.py" for page in pages.values()}
    texts = {page: (ROOT / file).read_text(encoding="utf-8") for page, file in files.items()}
    assert [e["id"] for e in missed if f"{{verdict}}`{e['id']}`" not in texts[pages[e["id"]]]] == []
