"""What the tools share: where things lie, the chapters in their order, the manifests of their runs."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jupytext
import yaml

from snncore import datafiles, ledger

ROOT = Path(__file__).resolve().parents[2]


class BookError(Exception):
    """Something a reader can mend; the message says how."""


@dataclass(frozen=True)
class Chapter:
    """A chapter and what it declares in the header of its notebook, under ``snncore``.

    ``needs``: chapters that have to run before; ``inputs``: files below the root (or a pattern); ``data``: registered data sets;
    ``minutes``: how long each preset is expected to take at most; ``alone``: it measures times, so that nothing may run beside it;
    ``summary``: one sentence for the index.
    """

    name: str
    notebook: Path
    title: str = ""
    summary: str = ""
    needs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    minutes: dict[str, float] = field(default_factory=dict)
    alone: bool = False


NO_SPACE = "no space left on the disk of {}: make room, then run the same command again; nothing is lost"


def full(folder: Path) -> bool:
    """Whether a failure is one of the disk."""
    return shutil.disk_usage(folder).free < 50e6


def plain(text: str) -> str:
    """Text for a cell of a table: nothing in it is markup."""
    return re.sub(r"([|$*_~<>\[\]`#^])", r"\\\1", text).replace("\n", " ")


def line(cells: Iterable[object]) -> str:
    """A row of a table of a page."""
    return "| " + " | ".join(map(str, cells)) + " |"


def table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table of a page: the titles of its columns, and the cells of each row."""
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def parsed(notebook: str) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """What a notebook declares in its header under ``snncore``, its title, and the sources of its code cells."""
    content = jupytext.reads(notebook, fmt="py:percent")
    text = [line for c in content.cells if c.cell_type == "markdown" for line in c.source.splitlines()]
    title = next((line[2:] for line in text if line.startswith("# ")), "")
    return dict(content.metadata.get("snncore", {})), title, tuple(c.source for c in content.cells if c.cell_type == "code")


class Project:
    """A checkout: the repository itself, or a small one made by a test."""

    def __init__(self, root: Path = ROOT):
        self.root = root
        self.build = root / "book" / "_build"
        self.live = root / "data" / "results" / "live"
        self.claims = root / "data" / "claims.toml"

    def chapters(self) -> list[Chapter]:
        """The chapters in the order of ``book/_toc.yml``."""
        toc = yaml.safe_load((self.root / "book" / "_toc.yml").read_text(encoding="utf-8"))
        files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
        chapters: list[Chapter] = []
        for file in (file for file in files if file.startswith("notebooks/")):
            path = self.root / f"{file}.py"
            if not path.exists():
                raise BookError(f"book/_toc.yml names {file}, and there is no {path}")
            header, title, _ = parsed(path.read_text(encoding="utf-8"))
            if unknown := set(header) - {"summary", "needs", "inputs", "data", "minutes", "alone"}:
                raise BookError(f"{path}: unknown field {min(unknown)!r} under snncore in the header")
            if not title:
                raise BookError(f"{path} has no title: begin its first cell of text with '# # TITLE'")
            if not header.get("summary"):
                raise BookError(f"{path} has no summary: give one sentence for the first page under snncore in the header")
            lists = {key: tuple(header.get(key, ())) for key in ("needs", "inputs", "data")}
            if late := [n for n in lists["needs"] if n not in [c.name for c in chapters]]:
                raise BookError(f"{path.name} needs {late[0]!r}, which does not stand before it in book/_toc.yml")
            chapters.append(Chapter(name=path.stem, notebook=path, title=title, **(header | lists)))
        return chapters

    def read_claims(self) -> tuple[list[ledger.Slide], dict[str, ledger.Claim]]:
        """Slides and claims, each of a chapter that there is, or of "index", the first page."""
        slides, claims = ledger.read_claims(self.claims)
        pages = ["index", *(c.name for c in self.chapters())]
        named = {f"slide {s.n}: page": s.page for s in slides} | {f"claim {c.id!r}: chapter": c.chapter for c in claims.values()}
        for what, page in named.items():
            if page not in pages:
                way = f"choose one of {', '.join(pages)}, or write notebooks/{page}.py and name it in book/_toc.yml"
                raise BookError(f"{what} is {page!r}, which is no chapter: {way}")
        return slides, claims

    def results(self, preset: str, chapter: str) -> Path:
        return self.live / preset / chapter

    def about(self, preset: str, chapter: str) -> Path:
        return self.live / preset / f"{chapter}.json"

    def executed(self, preset: str, chapter: str) -> Path:
        return self.build / "executed" / preset / f"{chapter}.ipynb"

    def failed(self, preset: str) -> Path:
        return self.build / "failed" / preset

    def manifest(self, preset: str, chapter: str) -> dict | None:
        """What the last complete run of a chapter left; None if there was none, or if it cannot be read."""
        return read_json(self.about(preset, chapter))

    def site(self) -> Path:
        """The folder of the built book. One that a stop between two renames has left beside its place is put back first."""
        site, old = self.build / "html", self.build / "old"
        if old.exists() and not site.exists():
            os.replace(old, site)
        return site

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Runs of one checkout come one after the other."""
        with datafiles.alone(self.build, "another process runs chapters in this folder: wait for it, or stop it"):
            yield

    @contextmanager
    def building(self) -> Iterator[None]:
        """So do builds, which wait; a book of the complete chapters can be built while others run."""
        with datafiles.alone(self.build / "building"):
            yield

    def intact(self, preset: str, chapter: str) -> bool:
        """Whether all that the last run wrote is still there as it was."""
        manifest, notebook = self.manifest(preset, chapter), self.executed(preset, chapter)
        if not manifest or not notebook.exists() or sha256(notebook.read_bytes()) != manifest["executed_sha256"]:
            return False
        return manifest["outputs"] == outputs(self.results(preset, chapter))


def read_json(path: Path) -> Any:
    """A file's content; None if there is none, or if it is damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def write_json(path: Path, content: object) -> None:
    write(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def outputs(folder: Path) -> dict[str, str]:
    """sha256 of each file of a run; timings too, since a changed file of any kind is no longer what the run wrote."""
    return {p.relative_to(folder).as_posix(): sha256(p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}
