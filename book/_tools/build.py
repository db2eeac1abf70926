"""Stage the book and build it as a web site. A failed build leaves the previous site as it was."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from project import NO_SPACE, BookError, Project, full, outputs, sha256
from stage import Staging, stage


def key_of(project: Project, source: Path) -> str:
    """What a site is built from: the staged tree, the library that it shows, and the engine."""
    files = {name: digest for name, digest in outputs(source).items() if not name.startswith("snncore/")}
    library = {f"snncore/{name}": digest for name, digest in outputs(project.root / "snncore").items() if name.endswith(".py")}
    packages = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme")
    engine = [Path(__file__).read_text(encoding="utf-8"), *(metadata.version(name) for name in packages)]
    return sha256(repr((sorted((files | library).items()), engine)).encode())


def build(project: Project, preset: str, look: bool = False) -> Staging | None:
    """Build the site into book/_build/html, if it is not there as it would be built; returns what was staged.

    With ``look``, nothing is written, and None says that the site is not up to date.
    """
    site = project.site()
    with tempfile.TemporaryDirectory(prefix="snncore-book-") as folder:  # so that a book that is up to date can be read-only
        source = Path(folder) / "src"
        staging = stage(project, preset, source)
        key, stamp = key_of(project, source), site / ".built-from"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == key:
            print(f"the book is up to date: {site / 'index.html'}")
            return staging
        if look:
            return None
        work, old = project.build / "work", project.build / "old"
        render(project, source, work, "html")
        html = work / "_build" / "html"
        slim(html)
        (html / ".built-from").write_text(key, encoding="utf-8")
        shutil.rmtree(old, ignore_errors=True)
        if site.exists():
            os.replace(site, old)
        os.replace(html, site)  # stopped before this, `Project.site` puts the old one back
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(work, ignore_errors=True)
    print(f"the book is built: {site / 'index.html'} (make serve shows it)")
    return staging


def render(project: Project, source: Path, work: Path, builder: str) -> None:
    """Have jupyter-book write the staged book into ``work`` by one of Sphinx's builders; a warning is a failure."""
    shutil.rmtree(work, ignore_errors=True)
    options = ["--all", "-W", "-n", "--keep-going", "-q", f"--path-output={work}", f"--builder={builder}"]
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(source), *options]
    variables = os.environ | {"PYTHONWARNINGS": "ignore", "PYTHONUTF8": "1", "PYTHONSTARTUP": "", "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", env=variables)
    if done.returncode and full(project.build):
        shutil.rmtree(work, ignore_errors=True)
        raise BookError(NO_SPACE.format(project.build))
    if done.returncode:
        said = done.stderr.partition("Traceback (most recent call last)")[0].strip() or done.stderr  # what went wrong stands before it
        log = "\n".join(line for line in (done.stdout + said).replace(str(source), "book").splitlines() if line.strip())
        raise BookError(f"the book could not be built, the previous one is as it was:\n{log[-6000:]}")


def slim(html: Path) -> None:
    """Drop what no page needs: most of MathJax, live cells by a service elsewhere, and list roles that screen readers stumble over."""
    mathjax = html / "_static" / "mathjax"
    keep = ("tex-chtml.js", "output/chtml/fonts")
    for path in sorted(mathjax.rglob("*"), reverse=True):
        if path.is_file() and not str(path.relative_to(mathjax)).startswith(keep):
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        cleaned = text.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
        cleaned = cleaned.replace(' role="doc-biblioentry"', "")  # deprecated
        cleaned = cleaned.replace(
            '<summary><span class="toctree-toggle"', '<summary aria-label="pages of this part"><span class="toctree-toggle"'
        )
        cleaned = re.sub(r' aria-label="(Search|Toggle hidden content)"', "", cleaned)  # hides the words that are on the button
        cleaned = re.sub(r"<script\b[^>]*(?:thebe|>const THEBE_JS_URL)[^<]*</script>|<link\b[^>]*thebe[^>]*>", "", cleaned)
        if cleaned != text:
            page.write_text(cleaned, encoding="utf-8")
