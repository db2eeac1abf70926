"""A small project of two chapters, with the real tools: its own notebooks, claims and book, the installed snncore."""

import io
import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

import stage
import tools
from book.browser import chromium
from project import Project

HEADER = """# ---
# jupyter:
#   snncore:
#     summary: {summary}
#     needs: [{needs}]
#     inputs: [{inputs}]{more}
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
"""

CLAIM = """
[[claim]]
id = "{id}"
chapter = "first"
where = "slide 1"
quantity = "a number"
published = 2.0
tolerance = 0.1
kind = "reproduced"
source_class = "talk"
source = "slide 1"
minimum = "smoke"
"""


def chapter(root: Path, name: str, code: str, needs: str = "", inputs: str = "", more: str = "") -> None:
    """Write a chapter; ``more`` is a line of its header."""
    text = HEADER.format(name=name, code=code, needs=needs, inputs=inputs, summary=f"about {name}", more=more and f"\n#     {more}")
    (root / "notebooks" / f"{name}.py").write_text(text)


def edit(path: Path, old: str, new: str) -> None:
    """Replace words that stand in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old} is not in {path}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def do(project: Project, action: str, *words: str, preset: str = "smoke") -> int:
    """The status of an action of the command line."""
    return tools.main(project, [action, "--preset", preset, *words])


def rendered(project: Project, only: tuple[str, ...] = (), builder: str = "html") -> Path:
    """The folder of the pages of a book (``only`` some: links to others lead nowhere), by Sphinx alone, without theme and other checks."""
    src, out, warnings = project.build / "src", project.build / builder, io.StringIO()
    stage.stage(project, "smoke", src)
    if only:
        (src / "_toc.yml").write_text(f"format: jb-book\nroot: {only[0]}\nchapters:\n" + "".join(f"  - file: {x}\n" for x in only[1:]))
    settings = {
        "extensions": ["sphinx_external_toc", "myst_nb", "live_figures", "ledger_roles"],
        "html_static_path": ["_static"],
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"],
        "numfig": True,
        "exclude_patterns": ["snncore", "results"],
        "external_toc_exclude_missing": bool(only),
        "suppress_warnings": ["etoc.toctree", *(("ref", "myst.xref_missing") if only else ())],
    }
    with docutils_namespace(), patch_docutils(src):
        app = Sphinx(src, None, out, out / ".doctrees", builder, settings, status=None, warning=warnings, freshenv=True)
        app.build(force_all=True)
    assert not warnings.getvalue(), warnings.getvalue()
    return out


def soup(out: Path, name: str = "index") -> BeautifulSoup:
    """A page of that folder."""
    return BeautifulSoup((out / f"{name}.html").read_text(encoding="utf-8"), "html.parser")


def new_project(root: Path) -> Project:
    """first writes a claim and a value; second needs first."""
    for folder in ("book/_static", "notebooks", "data/results"):
        (root / folder).mkdir(parents=True)
    files = "".join(f"      - file: {name}\n" for name in ("notebooks/first", "notebooks/second", "claims"))
    (root / "book" / "_toc.yml").write_text(f"format: jb-book\nroot: index\nparts:\n  - caption: c\n    chapters:\n{files}")
    config = "title: t\nauthor: a\nexecute: {execute_notebooks: 'off'}\nonly_build_toc_files: true\n"
    (root / "book" / "_config.yml").write_text(config + "sphinx: {local_extensions: {ledger_roles: _ext}}\n")
    (root / "book" / "index.md").write_text("# Start\n\n<!-- strip -->\n\nThe first number is {value}`first.number`.\n")
    (root / "book" / "claims.md").write_text("(claims)=\n# Claims\n\n<!-- claims -->\n")
    (root / "data" / "claims.toml").write_text('[[slide]]\nn = 1\ntitle = "a slide"\npage = "first"\n' + CLAIM.format(id="a.b"))
    (root / "data" / "input.txt").write_text("1")
    (root / "snncore").mkdir()
    chapter(root, "first", 'record.claim("a.b", 2.1, low=1.9, high=2.3, n=3)\nrecord.value("number", 2.1)', inputs="data/input*.txt")
    chapter(root, "second", 'record.value("number", 7)', needs="first")
    return Project(root)


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def project(tmp_path) -> Project:
    return new_project(tmp_path)


@pytest.fixture(scope="session")
def run_once(tmp_path_factory):
    """A project whose chapters have run."""
    made = new_project(tmp_path_factory.mktemp("project"))
    assert do(made, "run") == 0
    return made


@pytest.fixture
def ran(run_once, tmp_path):
    """A copy of that: nothing in it depends on its place."""
    return Project(shutil.copytree(run_once.root, tmp_path / "copy"))
