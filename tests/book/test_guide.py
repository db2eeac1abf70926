"""README, guide and API: their code runs from top to bottom and prints what stands under it; no module stands on two pages of the API."""

import re

import pytest

from project import ROOT, read_json
from quotes import ends_text, ours_text

GUIDE = [ROOT / "README.md", *sorted((ROOT / "book" / "guide").glob("*.md"))]
API = sorted((ROOT / "book" / "api").glob("*.md"))
NUMBER = re.compile(r"-?\d+\.?\d*")
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


@pytest.mark.parametrize("page", [*(pytest.param(page, marks=pytest.mark.slow) for page in GUIDE), *API], ids=lambda p: p.stem)
def test_the_code_of_a_page_prints_what_it_shows(page, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for code, shown in BLOCK.findall(page.read_text(encoding="utf-8")):
        exec(compile(code, page.name, "exec"), names)
        said = capsys.readouterr().out
        assert NUMBER.sub("#", said) == NUMBER.sub("#", shown), code
        for here, there in zip(NUMBER.findall(said), NUMBER.findall(shown), strict=True):  # trainings differ by processor
            decimals = len(there.partition(".")[2])
            assert float(here) == pytest.approx(float(there), rel=0.1, abs=10.0**-decimals if decimals else 0), said


def test_no_module_stands_twice():
    modules = [m for page in API for m in re.findall(r"automodule:: (\S+)", page.read_text(encoding="utf-8"))]
    assert len(modules) == len(set(modules)) > 80


def test_the_numbers_of_the_readme_are_those_of_the_ledger():
    text = GUIDE[0].read_text(encoding="utf-8")
    said = re.findall(r"\[([^]]+)\]\(data/results/ledger.json \"(\S+)\"\)", text)
    entries = {e["id"]: e for e in read_json(ROOT / "data" / "results" / "ledger.json")}
    assert len(said) >= 5
    for words, id in said:
        entry = entries[id]
        assert words.replace("\u00a0", " ") in {t.replace("\u00a0", " ") for t in (ours_text(entry), ends_text(entry))}, id
    assert len(text.splitlines()) <= 70
