"""Stage the book and build it as a web site. A failed build leaves the previous site as it was."""

import argparse
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from project import BookError, Project, outputs, sha256
from snncore.experiments import PRESETS
from stage import stage


def build(project: Project, preset: str) -> Path:
    """Build the site into book/_build/html; returns its folder."""
    site, work, old = project.build / "html", project.build / "work", project.build / "old"
    if old.exists() and not site.exists():  # stopped between taking the old site away and putting the new one there
        os.replace(old, site)
    source = stage(project, preset)
    files = {name: digest for name, digest in outputs(source).items() if not name.startswith("snncore/")}
    library = {f"snncore/{name}": digest for name, digest in outputs(project.root / "snncore").items() if name.endswith(".py")}
    engine = [Path(__file__).read_text(), *(metadata.version(name) for name in ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme"))]
    key = sha256(repr((sorted((files | library).items()), engine)).encode())
    stamp = site / ".built-from"
    if stamp.exists() and stamp.read_text() == key:
        print(f"the book is up to date: {site / 'index.html'}")
        return site
    shutil.rmtree(work, ignore_errors=True)
    program = Path(sys.executable).parent / "jupyter-book"
    command = [str(program), "build", str(source), "--all", "-W", "-n", "--keep-going", "-q", f"--path-output={work}"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    if done.returncode:
        log = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if line.strip())
        raise BookError(f"the book could not be built, the previous one is as it was:\n{log[-6000:]}")
    html = work / "_build" / "html"
    slim(html)
    (html / ".built-from").write_text(key)
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        os.replace(site, old)
    os.replace(html, site)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    print(f"the book is built: {site / 'index.html'} (make serve shows it)")
    return site


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
        text = page.read_text()
        cleaned = text.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
        cleaned = re.sub(r' aria-label="(Search|Toggle hidden content)"', "", cleaned)  # hides the words that are on the button
        cleaned = re.sub(r"<script\b[^>]*(?:thebe|>const THEBE_JS_URL)[^<]*</script>|<link\b[^>]*thebe[^>]*>", "", cleaned)
        if cleaned != text:
            page.write_text(cleaned)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="book", choices=PRESETS)
    build(Project(), parser.parse_args().preset)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BookError, ValueError) as problem:
        sys.exit(f"error: {problem}")
