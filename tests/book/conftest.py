"""A small project of two chapters, with the real tools: its own notebooks, claims and book, the installed snncore."""

from pathlib import Path

import pytest

from project import Project

HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   snncore:
#     summary: {summary}
#     needs: [{needs}]
#     inputs: [{inputs}]
#     minutes: {{smoke: 0.1, book: 0.1}}
# ---

# %% [markdown]
# # Chapter {name}

# %% tags=["parameters"]
preset = "smoke"
seed = 0

# %%
from snncore.record import Record

record = Record("{name}", preset)

# %%
{code}

# %% [markdown]
# The number is {{value}}`number`.

# %% tags=["remove-cell"]
record.close()
"""

CLAIM = """
[[claim]]
id = "{id}"
chapter = "few_spike"
where = "slide 1"
quantity = "a number"
published = 2.0
tolerance = 0.1
kind = "reproduced"
source_class = "talk"
source = "slide 1"
"""


def chapter(root: Path, name: str, code: str, needs: str = "", inputs: str = "") -> None:
    (root / "notebooks" / f"{name}.py").write_text(HEADER.format(name=name, code=code, needs=needs, inputs=inputs, summary=f"about {name}"))


@pytest.fixture
def project(tmp_path) -> Project:
    """first writes a claim and a value; second needs first."""
    for folder in ("book/_static", "notebooks", "data/results"):
        (tmp_path / folder).mkdir(parents=True)
    files = "".join(f"      - file: {name}\n" for name in ("notebooks/first", "notebooks/second", "claims"))
    (tmp_path / "book" / "_toc.yml").write_text(f"format: jb-book\nroot: index\nparts:\n  - caption: c\n    chapters:\n{files}")
    (tmp_path / "book" / "_config.yml").write_text("title: t\nauthor: a\nexecute: {execute_notebooks: 'off'}\nonly_build_toc_files: true\n")
    (tmp_path / "book" / "index.md").write_text("# Start\n\n<!-- strip -->\n\nThe first number is {value}`first.number`.\n")
    (tmp_path / "book" / "claims.md").write_text("(claims)=\n# Claims\n\n<!-- claims -->\n")
    (tmp_path / "data" / "claims.toml").write_text('[[slide]]\nn = 1\ntitle = "a slide"\npage = "few_spike"\n' + CLAIM.format(id="a.b"))
    (tmp_path / "data" / "input.txt").write_text("1")
    (tmp_path / "snncore").mkdir()
    chapter(tmp_path, "first", 'record.claim("a.b", 2.1, low=1.9, high=2.3, n=3)\nrecord.value("number", 2.1)', inputs="data/input*.txt")
    chapter(tmp_path, "second", 'record.value("number", 7)', needs="first")
    return Project(tmp_path)
