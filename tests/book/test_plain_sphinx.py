"""On demand: plain Sphinx, of a later major version, builds the same pages as jupyter-book.

``SNNCORE_SPHINX`` names a Python that has it, with the extensions that CONTRIBUTING lists.
"""

import os
import re
import subprocess
import sys

import pytest

from book.browser import require
from project import Project
from stage import stage

SITE = Project().site()
PYTHON = os.environ.get("SNNCORE_SPHINX", "")
pytestmark = [pytest.mark.book, pytest.mark.slow, pytest.mark.skipif(not PYTHON, reason="SNNCORE_SPHINX names no Python with Sphinx 9")]
require({"no built book (make reproduce PRESET=smoke)": (SITE / "index.html").exists()})


def words(page):
    """The text of a page's article, without what a theme adds."""
    html = page.read_text(encoding="utf-8").partition('<article class="bd-article')[2].partition("</article>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def test_plain_sphinx_builds_the_same_pages(tmp_path):
    source, out = tmp_path / "src", tmp_path / "html"
    stage(Project(), "smoke", source)
    configure = "from jupyter_book.cli.main import main; main()"
    subprocess.run([sys.executable, "-c", configure, "config", "sphinx", str(source)], check=True, capture_output=True)
    command, own = [PYTHON, "-m", "sphinx", "-b", "html", "-q", str(source), str(out)], os.environ | {"PYTHONPATH": str(source / "_ext")}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=own)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = sorted(path.relative_to(SITE) for path in SITE.rglob("*.html") if "_modules" not in path.parts and path.stem != "genindex")
    assert [str(page) for page in pages if not (out / page).exists()] == []
    assert {str(page) for page in pages if len(words(out / page)) < 0.95 * len(words(SITE / page))} == set()
