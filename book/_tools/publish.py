"""What is handed on: the book as one PDF, and a release of everything with checksums. Nothing is uploaded."""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import yaml

from build import render
from project import BookError, Project, sha256
from snncore import provenance
from stage import stage

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium() -> str | None:
    """The path of a Chromium of this machine."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


PRINTING = (  # options of Chromium: no profile of the reader's, no traffic; equations are set before the page is printed
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    "--export-tagged-pdf",
    "--virtual-time-budget=120000",
)


def pdf(project: Project, preset: str) -> Path:
    """Write the book as one tagged PDF with an outline: one page of HTML, printed by Chromium."""
    if (browser := chromium()) is None:
        raise BookError(f"a PDF is printed by Chromium, and none of {', '.join(BROWSERS)} was found: Debian: apt install chromium")
    target = project.build / "book.pdf"
    with tempfile.TemporaryDirectory(prefix="snncore-pdf-") as folder:
        source, work = Path(folder) / "src", Path(folder) / "work"
        stage(project, preset, source)
        toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
        for part in toc["parts"]:  # the API is for screens
            part["chapters"] = [c for c in part["chapters"] if not c["file"].startswith("api/")]
        (source / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
        render(project, source, work, "singlehtml")
        page = next((work / "_build" / "singlehtml").glob("index.html"))
        made = Path(folder) / "book.pdf"
        command = [browser, *PRINTING, f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}", page.as_uri()]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
        if done.returncode or not made.exists():
            raise BookError(f"{browser} printed no PDF: {done.stderr.strip()[-500:]}")
        shutil.move(made, target)
    print(f"the book as a PDF: {target} ({target.stat().st_size / 1e6:.1f} MB)")
    return target


def codecheck(project: Project) -> str:
    """``codecheck.yml`` (specification 2.0): every figure of the runs at preset book.

    Who checks the book adds name, report and certificate.
    """
    citation = yaml.safe_load((project.root / "CITATION.cff").read_text(encoding="utf-8"))
    manifest = [
        {"file": path.relative_to(project.root).as_posix(), "comment": f"{chapter.title}: figure {path.stem}"}
        for chapter in project.chapters()
        for path in sorted(project.results("book", chapter.name).glob("*.svg"))
    ]
    about = {
        "version": "https://codecheck.org.uk/spec/config/2.0/",
        "paper": {"title": citation["title"], "authors": [{"name": author["name"]} for author in citation["authors"]]},
        "manifest": manifest,
    }
    return "---\n" + yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=140)


def version(project: Project) -> str:
    """The version that is released: the same in pyproject.toml, CITATION.cff and the changelog, which names its date."""
    said = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    cited = str(yaml.safe_load((project.root / "CITATION.cff").read_text(encoding="utf-8"))["version"])
    heading = re.search(r"(?m)^## (\S+) \((.+)\)$", (project.root / "book" / "changelog.md").read_text(encoding="utf-8"))
    if cited != said or not heading or heading[1] != said:
        raise BookError(f"pyproject.toml says version {said}, CITATION.cff {cited}, the changelog {heading and heading[1]}: make them one")
    return said


def release(project: Project, preset: str, tag: bool) -> Path:
    """Build wheel, HTML and PDF of the version into ``dist``, with checksums and codecheck.yml; with ``tag``, tag the commit, too."""
    number, dist = version(project), project.root / "dist"
    if not (project.site() / "index.html").exists():
        raise BookError("there is no book to release: make reproduce")
    commit, changes = provenance.commit(project.root), (project.root / "book" / "changelog.md").read_text(encoding="utf-8")
    if tag and (commit.endswith("+") or f"## {number} (unreleased)" in changes):
        raise BookError("a release is tagged on a clean commit whose changelog names a date: commit, write the date, run it again")
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", f"--wheel-dir={dist}", str(project.root)], check=True)
    shutil.make_archive(str(dist / f"snncore-book-{number}"), "zip", project.site())
    shutil.copy(pdf(project, preset), dist / f"snncore-book-{number}.pdf")
    shutil.copy(project.root / "CITATION.cff", dist)
    (dist / "codecheck.yml").write_text(codecheck(project), encoding="utf-8")
    sums = "".join(f"{sha256(path.read_bytes())}  {path.name}\n" for path in sorted(dist.iterdir()))
    (dist / "SHA256SUMS").write_text(sums, encoding="utf-8")
    if tag:
        subprocess.run(["git", "tag", "-a", f"v{number}", "-m", f"snncore {number}"], cwd=project.root, check=True)
    print(f"version {number} of commit {commit} in {dist}{'' if tag else ' (nothing was tagged: make release TAG=1)'}:\n{sums}", end="")
    return dist
