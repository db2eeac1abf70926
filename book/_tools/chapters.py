"""Run the chapters that are out of date, each by papermill in a kernel of its own.

A chapter is out of date when its code, the snncore modules that it imports, its inputs, its parameters, the versions of numeric packages or
a chapter that it needs have changed, or when its outputs are not what it wrote. All by content: times of files mean nothing after a clone.
A run writes to a scratch folder and takes the place of the old results only when it is complete.
"""

import argparse
import ast
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import jupytext
import nbformat
import papermill
from tqdm import tqdm

from project import BookError, Chapter, Project, outputs, sha256, write_json
from snncore import datafiles
from snncore.experiments import PRESETS, ledger, provenance
from snncore.experiments.record import read_rows

TIMEOUT = {"smoke": 300, "book": 1200, "paper": 7 * 24 * 3600}  # seconds a single cell may take


def imported_modules(root: Path, code: str) -> dict[str, str]:
    """Hash of each snncore module that the code imports, directly or through others (comments do not count)."""
    found: dict[str, str] = {}

    def add(module: str) -> None:
        parts = module.split(".")
        for n in range(1, len(parts) + 1):
            name = ".".join(parts[:n])
            base = root.joinpath(*parts[:n])
            path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
            if name in found or not path.exists():
                continue
            tree = ast.parse(path.read_text())
            found[name] = sha256(ast.dump(tree).encode())
            walk(tree)

    def walk(tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                continue
            for name in names:
                if name.split(".")[0] == "snncore":
                    add(name)

    walk(ast.parse(code))
    return dict(sorted(found.items()))


def key_parts(project: Project, chapter: Chapter, preset: str, seed: int, upstream: dict[str, str]) -> dict:
    """All that decides whether a chapter has to run again."""
    cells = [c for c in jupytext.read(chapter.notebook).cells if c.cell_type == "code"]
    code = "\n".join("\n".join(line for line in c.source.splitlines() if not line.lstrip().startswith(("%", "!"))) for c in cells)
    inputs: dict[str, str] = {}
    for name in chapter.inputs:
        if not (paths := sorted(project.root.glob(name))):
            raise BookError(f"{chapter.name} declares the input {name}, which is not there: restore it with 'git checkout {name}'")
        inputs |= {str(path.relative_to(project.root)): sha256(path.read_bytes()) for path in paths}
    data = {name: [[f.path, f.sha256] for form in datafiles.dataset(name).forms for f in form.files] for name in chapter.data}
    return {
        "code": sha256(json.dumps([[c.source, c.metadata.get("tags", [])] for c in cells]).encode()),
        "modules": imported_modules(project.root, code),
        "inputs": inputs,
        "data": data,
        "parameters": {"preset": preset, "seed": seed},
        "versions": provenance.versions(),
        "needs": {n: upstream[n] for n in chapter.needs},
    }


def key_of(parts: dict) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode())


def why_stale(project: Project, chapter: Chapter, preset: str, parts: dict) -> str | None:
    """Why a chapter has to run, in words; None if it does not. A damaged data file raises `snncore.datafiles.DataError`."""
    for name in chapter.data:
        datafiles.locate(name)
    old = project.manifest(preset, chapter.name)
    if old is None:
        return "it has not been run at this preset"
    reasons = []
    for name, new in parts.items():
        before = old["key_parts"].get(name)
        if before == new:
            continue
        if isinstance(new, dict) and isinstance(before, dict):
            changed = sorted(k for k in set(new) | set(before) if new.get(k) != before.get(k))
            reasons.append(f"{name} changed ({', '.join(changed)})")
        else:
            reasons.append(f"{name} changed")
    if not reasons and not project.intact(preset, chapter.name):
        reasons.append("its outputs are not what it wrote")
    return "; ".join(reasons) or None


class Progress:
    """Time left on a terminal, plain lines in a log."""

    def __init__(self, name: str, preset: str, expected: float):
        self.name, self.expected, self.stop = name, max(expected, 1.0), threading.Event()
        self.terminal = sys.stderr.isatty()
        print(f"{name}: running at preset {preset}, about {self.expected:.0f} s", flush=True)
        if self.terminal:
            self.thread = threading.Thread(target=self._draw, daemon=True)
            self.thread.start()

    def _draw(self) -> None:
        form = "{desc} {bar} {elapsed}, about {remaining} left"
        with tqdm(total=round(self.expected), desc=self.name, bar_format=form, leave=False) as bar:
            start = time.monotonic()
            while not self.stop.wait(0.5):
                bar.n = min(round(time.monotonic() - start), round(self.expected))
                bar.refresh()

    def done(self, line: str) -> None:
        self.stop.set()
        if self.terminal:
            self.thread.join()
        print(f"{self.name}: {line}", flush=True)


def expected_seconds(project: Project, chapter: Chapter, preset: str) -> float:
    """How long a chapter took last time, else what its header says."""
    old = project.manifest(preset, chapter.name)
    return old["seconds"] if old else 60 * chapter.minutes.get(preset, 1.0)


def run_chapter(project: Project, chapter: Chapter, preset: str, seed: int, parts: dict, scratch: Path | None = None) -> dict:
    """Run one chapter; returns its manifest, whose ``status`` is "ok" or "error". Without ``scratch``, a complete run takes its place."""
    work = scratch or project.build / "running" / preset
    results, notebook = work / chapter.name, work / f"{chapter.name}.ipynb"
    shutil.rmtree(results, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    source = jupytext.read(chapter.notebook)
    source.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(source, work / f"{chapter.name}.source.ipynb")
    environment = {
        "SNNCORE_RESULTS": str(work),
        "PYTHONHASHSEED": "0",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    for name in ("SNNCORE_DATA", "SNNCORE_PEERS", "SNNCORE_BRAINTRACE"):
        if os.environ.get(name):  # a kernel has another working directory
            environment[name] = str(Path(os.environ[name]).absolute())
    progress = Progress(chapter.name, preset, expected_seconds(project, chapter, preset))
    started, error, commit = time.time(), None, provenance.commit(project.root)
    try:
        with mock.patch.dict(os.environ, environment):
            papermill.execute_notebook(
                work / f"{chapter.name}.source.ipynb",
                notebook,
                parameters=parts["parameters"],
                kernel_name="python3",
                cwd=str(chapter.notebook.parent),
                progress_bar=False,
                execution_timeout=TIMEOUT[preset],
                request_save_on_cell_execute=True,
                extra_arguments=["--IPKernelApp.log_level=40"],  # no warning about unencrypted loopback connections
            )
    except papermill.PapermillExecutionError as failure:
        error = f"cell {failure.exec_count}: {failure.ename}: {failure.evalue}"
    except Exception as failure:  # a dead kernel, a time-out: papermill passes on whatever the client raises
        error = f"{type(failure).__name__}: {failure}".strip()
    seconds = round(time.time() - started, 1)
    (work / f"{chapter.name}.source.ipynb").unlink()
    timings = results / "timings.json"
    manifest = {
        "chapter": chapter.name,
        "preset": preset,
        "seed": seed,
        "status": "error" if error else "ok",
        "error": error,
        "key": key_of(parts),
        "key_parts": parts,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": seconds,
        "peak_memory_mb": json.loads(timings.read_text())["run"]["peak_memory_mb"] if timings.exists() else None,
        "commit": commit,
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "outputs": outputs(results) if results.exists() else {},
    }
    if notebook.exists():
        tidy(notebook)
        manifest["executed_sha256"] = sha256(notebook.read_bytes())
    if error:
        failed = project.build / "failed" / preset
        shutil.rmtree(failed / chapter.name, ignore_errors=True)
        failed.mkdir(parents=True, exist_ok=True)
        for path in (results, notebook):
            if path.exists():
                shutil.move(path, failed / path.name)
        write_json(failed / f"{chapter.name}.json", manifest)
        progress.done(f"FAILED after {seconds:.0f} s: {error}\n  what it left: {failed}")
    elif scratch is None:
        target = project.results(preset, chapter.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(results, target)
        executed = project.executed(preset, chapter.name)
        executed.parent.mkdir(parents=True, exist_ok=True)
        os.replace(notebook, executed)
        write_json(project.live / preset / f"{chapter.name}.json", manifest)
        progress.done(f"done in {seconds:.0f} s")
    else:
        progress.done(f"ran again in {seconds:.0f} s")
    return manifest


def tidy(notebook: Path) -> None:
    """Remove what differs from run to run (times, process numbers), so that the executed notebook is comparable."""
    content = nbformat.read(notebook, 4)
    content.metadata.pop("papermill", None)
    for cell in content.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    nbformat.write(content, notebook)


def up_to_date(project: Project, preset: str) -> list[str]:
    """The chapters whose last run at a preset is complete, intact, and of the code and data as they are now."""
    keys: dict[str, str] = {}
    fresh: list[str] = []
    for chapter in project.chapters():
        manifest = project.manifest(preset, chapter.name)
        if manifest is None or not set(chapter.needs) <= set(fresh):
            continue
        parts = key_parts(project, chapter, preset, manifest["seed"], keys)
        keys[chapter.name] = key_of(parts)
        if why_stale(project, chapter, preset, parts) is None:
            fresh.append(chapter.name)
    return fresh


def live_rows(project: Project, preset: str, chapters: list[str]) -> dict[str, dict]:
    """Ledger rows of runs at a preset, with where they come from."""
    rows: dict[str, dict] = {}
    for chapter in chapters:
        manifest = project.manifest(preset, chapter)
        if manifest:
            origin = {"preset": preset, **{key: manifest[key] for key in ("commit", "seconds", "machine")}}
            rows |= {row["id"]: row | origin for row in read_rows(project.results(preset, chapter))}
    return rows


def check_claims(project: Project, live: dict[str, dict]) -> None:
    """Write the ledger of live rows; refuse claims that were met when they were recorded and fail now."""
    folder = project.root / "data" / "results"
    _, claims = ledger.read_claims(project.root / "data" / "claims.toml")
    entries = ledger.merge(claims, ledger.read_recorded(folder), live)
    write_json(project.live / "ledger.json", entries)
    faults = ledger.worsened(claims, ledger.read_ledger(folder), entries)
    if faults:
        raise BookError("\n".join([*map(str, faults), "The book was not built; the previous one is as it was."]))


def record(project: Project, preset: str) -> None:
    """Make the rows of the runs at a preset the recorded ones, and write the merged ledger."""
    folder = project.root / "data" / "results"
    _, claims = ledger.read_claims(project.root / "data" / "claims.toml")
    for chapter in up_to_date(project, preset):
        new = live_rows(project, preset, [chapter])
        if any(row["commit"].endswith("+") or row["commit"] == "unknown" for row in new.values()):
            raise BookError(f"{chapter} ran with uncommitted changes: commit, run it again, then record")
        path = folder / f"{chapter}.json"
        rows = ledger.read_json(path) if path.exists() else []
        others = {c.name for c in project.chapters()} - {chapter}
        old = {row["id"]: row for row in rows if row["id"] in claims and claims[row["id"]].chapter not in others}
        write_json(path, list(ledger.keep_larger(old, new).values()))
        print(f"{chapter}: {len(new)} rows of preset {preset}")
    write_json(folder / "ledger.json", ledger.merge(claims, ledger.read_recorded(folder), {}))


def run_again(project: Project, preset: str, chapters: list[Chapter]) -> int:
    """Run complete chapters once more, aside, and compare every output byte for byte (timings apart)."""
    different = 0
    for chapter in chapters:
        manifest = project.manifest(preset, chapter.name)
        if not manifest:
            raise BookError(f"{chapter.name} has not been run at preset {preset}: there is nothing to compare with")
        again = run_chapter(project, chapter, preset, manifest["seed"], manifest["key_parts"], scratch=project.build / "again" / preset)
        if again["status"] != "ok":
            return 1
        names = sorted((set(again["outputs"]) | set(manifest["outputs"])) - {"timings.json"})
        changed = [n for n in names if again["outputs"].get(n) != manifest["outputs"].get(n)]
        print(
            f"{chapter.name}: {len(names) - len(changed)} of {len(names)} files are byte-identical"
            + "".join(f"\n  differs: {n}" for n in changed)
        )
        different += len(changed)
    return 1 if different else 0


def main(project: Project, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("run", "check", "again", "record"))
    parser.add_argument("--preset", default="book", choices=PRESETS)
    parser.add_argument("--chapter", help="only this one (and what it needs)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    chapters = project.chapters()
    if options.action == "record":
        record(project, options.preset)
        return 0
    names = [c.name for c in chapters]
    if options.chapter:
        if options.chapter not in names:
            raise BookError(f"there is no chapter {options.chapter!r}: there are {', '.join(names)}")
        wanted = [options.chapter]
        for c in reversed(chapters):
            wanted += [n for n in c.needs if c.name in wanted]
        chapters = [c for c in chapters if c.name in wanted]
    if options.action == "again":
        return run_again(project, options.preset, chapters)
    if options.action == "check":
        return go_through(project, chapters, options)
    ledger.read_claims(project.root / "data" / "claims.toml")  # a broken ledger should not be found out after an hour of runs
    project.build.mkdir(parents=True, exist_ok=True)
    with datafiles.alone(project.build, "another process runs chapters in this folder: wait for it, or stop it"):
        return go_through(project, chapters, options)


def go_through(project: Project, chapters: list[Chapter], options: argparse.Namespace) -> int:
    """Run the chapters that are out of date, or only say which are."""
    keys: dict[str, str] = {}
    failed: list[str] = []
    stale = 0
    for i, chapter in enumerate(chapters):
        blocked = [n for n in chapter.needs if n in failed]
        if blocked:
            print(f"{chapter.name}: skipped, since it needs {', '.join(blocked)}")
            failed.append(chapter.name)
            continue
        parts = key_parts(project, chapter, options.preset, options.seed, keys)
        keys[chapter.name] = key_of(parts)
        why = why_stale(project, chapter, options.preset, parts)
        if options.action == "check":
            print(f"{chapter.name}: " + (f"out of date: {why}" if why else "up to date"))
            stale += bool(why)
        elif why is None:
            print(f"{chapter.name}: up to date")
        else:
            left = sum(expected_seconds(project, later, options.preset) for later in chapters[i:])
            print(f"chapter {i + 1} of {len(chapters)}, at most {left / 60:.0f} min left")
            if run_chapter(project, chapter, options.preset, options.seed, parts)["status"] != "ok":
                failed.append(chapter.name)
    if options.action == "check":
        return 1 if stale else 0
    if failed:
        print(f"\nfailed or skipped: {', '.join(failed)}. The book was not built; the previous one is as it was.", file=sys.stderr)
        return 1
    check_claims(project, live_rows(project, options.preset, up_to_date(project, options.preset)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Project(), sys.argv[1:]))
    except (BookError, ValueError) as problem:
        sys.exit(f"error: {problem}")
