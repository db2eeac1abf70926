"""What the tools share: where things lie, the chapters in their order, the manifests of their runs."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import jupytext
import yaml

ROOT = Path(__file__).resolve().parents[2]


class BookError(Exception):
    """Something a reader can mend; the message says how."""


@dataclass(frozen=True)
class Chapter:
    """A chapter and what it declares in the header of its notebook, under ``snncore``.

    ``needs``: chapters that have to run before; ``inputs``: files below the root (or a pattern); ``data``: registered data sets;
    ``minutes``: how long each preset is expected to take at most; ``summary``: one sentence for the index.
    """

    name: str
    notebook: Path
    title: str = ""
    summary: str = ""
    needs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    minutes: dict[str, float] = field(default_factory=dict)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Project:
    """A checkout: the repository itself, or a small one made by a test."""

    def __init__(self, root: Path = ROOT):
        self.root = root
        self.build = root / "book" / "_build"
        self.live = root / "data" / "results" / "live"

    def chapters(self) -> list[Chapter]:
        """The chapters in the order of ``book/_toc.yml``."""
        toc = yaml.safe_load((self.root / "book" / "_toc.yml").read_text())
        files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
        chapters = []
        for file in files:
            if not file.startswith("notebooks/"):
                continue
            path = self.root / f"{file}.py"
            if not path.exists():
                raise BookError(f"book/_toc.yml names {file}, and there is no {path}")
            notebook = jupytext.read(path)
            given = dict(notebook.metadata.get("snncore", {}))
            unknown = set(given) - {"summary", "needs", "inputs", "data", "minutes"}
            if unknown:
                raise BookError(f"{path}: unknown field {sorted(unknown)[0]!r} under snncore in the header")
            title = next(
                (line[2:] for c in notebook.cells if c.cell_type == "markdown" for line in c.source.splitlines() if line.startswith("# ")),
                path.stem,
            )
            lists = {key: tuple(given.pop(key, ())) for key in ("needs", "inputs", "data")}
            chapters.append(Chapter(path.stem, path, title, given.get("summary", ""), minutes=given.get("minutes", {}), **lists))
        names = [c.name for c in chapters]
        for i, c in enumerate(chapters):
            late = [n for n in c.needs if n not in names[:i]]
            if late:
                raise BookError(f"{c.notebook.name} needs {late[0]!r}, which does not stand before it in book/_toc.yml")
        return chapters

    def results(self, preset: str, chapter: str) -> Path:
        return self.live / preset / chapter

    def executed(self, preset: str, chapter: str) -> Path:
        return self.build / "executed" / preset / f"{chapter}.ipynb"

    def manifest(self, preset: str, chapter: str) -> dict | None:
        """What the last complete run of a chapter left; None if there was none, or if it cannot be read."""
        try:
            return json.loads((self.live / preset / f"{chapter}.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def intact(self, preset: str, chapter: str) -> bool:
        """Whether all that the last run wrote is still there as it was."""
        manifest, notebook = self.manifest(preset, chapter), self.executed(preset, chapter)
        if not manifest or not notebook.exists() or sha256(notebook.read_bytes()) != manifest["executed_sha256"]:
            return False
        return manifest["outputs"] == outputs(self.results(preset, chapter))


def write_json(path: Path, content: object) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    os.replace(part, path)


def outputs(folder: Path) -> dict[str, str]:
    """sha256 of each file of a run; timings too, since a changed file of any kind is no longer what the run wrote."""
    return {str(p.relative_to(folder)): sha256(p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}
