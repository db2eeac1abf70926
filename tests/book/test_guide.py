"""The README and the pages of the guide run from top to bottom, and print what stands under their code."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "book" / "guide").glob("*.md"))]
NUMBER = re.compile(r"-?\d+\.?\d*")
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_code_of_a_page_prints_what_it_shows(page, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for code, shown in BLOCK.findall(page.read_text(encoding="utf-8")):
        exec(compile(code, page.name, "exec"), names)
        said = capsys.readouterr().out
        assert NUMBER.sub("#", said) == NUMBER.sub("#", shown), code
        for here, there in zip(NUMBER.findall(said), NUMBER.findall(shown), strict=True):  # trainings differ by processor
            assert float(here) == pytest.approx(float(there), rel=0.1, abs=0.05), said
