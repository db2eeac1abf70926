"""Chapters: plain text, one visible cell of parameters, alternative texts, and numbers that only runs write."""

import re

import jupytext
import nbclient
import pytest

from project import ROOT, Project


@pytest.fixture(params=sorted((ROOT / "notebooks").glob("*.py")), ids=lambda p: p.stem)
def notebook(request):
    return jupytext.read(request.param)


def prose(notebook) -> str:
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def test_parameters_are_one_visible_cell(notebook):
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(cells) == 1
    assert not set(cells[0].metadata["tags"]) & {"hide-input", "hide-cell", "remove-cell", "remove-input"}
    lines = cells[0].source.splitlines()
    assert [line.split(" = ")[0] for line in lines if not line.startswith("#")] == ["preset", "seed"]
    assert cells[0].source.count("#") >= 2  # each says what to change it to, behind it or on a line of its own


def test_figures_have_names_and_alternative_texts_and_show_data(notebook):
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    figures = re.findall(r"```\{figure\} \S+/([\w-]+)\.\*\n(.*?)```", prose(notebook), flags=re.DOTALL)
    saved = dict(re.findall(r'page\.figure\(\w+, "([\w-]+)"([,)])', code))
    assert {name for name, _ in figures} == set(saved)
    assert {name for name, end in saved.items() if end == ")"} <= {"scheme", "inputs"}  # all others are saved with their data
    for name, body in figures:
        assert ":name: fig-" in body, name
        alt = re.search(r":alt: (.+)", body)
        assert alt, name
        assert len(alt[1]) > 60, name


def test_numbers_of_the_text_come_from_the_run(notebook):
    """No measured-looking number (decimals, exponents, percent) is typed into prose; formulas, code and alternative texts may hold some."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|:alt: .*|95 % interval", "", prose(notebook), flags=re.DOTALL)
    assert re.findall(r"\b\d+\.\d\d+\b|\b\d+(?:\.\d+)?e-?\d+\b|\b\d+(?:\.\d+)? ?%", text) == []


@pytest.mark.book
def test_restart_and_run_all_in_plain_jupyter(tmp_path, monkeypatch):
    """Without papermill: the cells as they stand, from the notebooks' folder, give what the run of preset smoke gave."""
    live = Project().results("smoke", "few_spike")
    if not (live / "rows.json").exists():
        pytest.skip("few_spike has no run at preset smoke (make reproduce PRESET=smoke)")
    monkeypatch.setenv("SNNCORE_RESULTS", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = jupytext.read(ROOT / "notebooks" / "few_spike.py")
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace('"book"', '"smoke"')
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": ROOT / "notebooks"}}).execute()
    for name in ("rows.json", "values.json"):
        assert (tmp_path / "few_spike" / name).read_text() == (live / name).read_text()


@pytest.mark.book
def test_each_chapter_has_run_within_its_memory():
    manifests = [Project().manifest("smoke", c.name) for c in Project().chapters()]
    peaks = {m["chapter"]: m["peak_memory_mb"] for m in manifests if m}
    if not peaks:
        pytest.skip("no chapter has run at preset smoke (make reproduce PRESET=smoke)")
    assert max(peaks.values()) < 1500, peaks
