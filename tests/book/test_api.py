"""The pages of the API: no module stands on two of them, and their examples run."""

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).resolve().parents[2] / "book" / "api").glob("*.md"))
EXAMPLES = {page.stem: code for page in PAGES for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)}


@pytest.mark.parametrize("page", EXAMPLES)
def test_examples_run(page):
    exec(compile(EXAMPLES[page], f"book/api/{page}.md", "exec"), {})


def test_no_module_stands_twice():
    modules = [m for page in PAGES for m in re.findall(r"automodule:: (\S+)", page.read_text(encoding="utf-8"))]
    assert len(modules) == len(set(modules)) > 80
