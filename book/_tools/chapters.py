"""Run the chapters that are out of date, each by papermill in a kernel of its own.

A chapter is out of date when its code, the snncore modules that it imports (and files that these read when they are imported), its
inputs, its parameters, the versions of numeric packages or a chapter that it needs have changed, or its outputs are not what it wrote.
All by content, without comments, docstrings and prose: times of files mean nothing after a clone. A run writes to a scratch folder and
takes the place of the old results only when it is complete.

Chapters run side by side with one thread each, so that a result does not depend on the number of cores; a chapter whose header says
``alone`` runs after the others, since it measures times.
"""

import ast
import json
import os
import re
import shutil
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jupytext
import nbformat
import papermill
import psutil

import kernel
import recorded
from progress import Progress, duration, say
from project import NO_SPACE, BookError, Chapter, Project, full, outputs, parsed, read_json, sha256, write_json
from snncore import datafiles, ledger, provenance
from snncore.record import read_rows

TIMEOUT = {"smoke": 600, "book": 3600, "paper": 7 * 24 * 3600}  # seconds a single cell may take
NO_NUMBER = ("snncore.ledger", "snncore.provenance")  # judge and describe numbers, and change none; what cells read of claims is a part
MEMORY_GB = 2  # of a chapter, when it is decided how many run at once


@cache
def meaning(code: str) -> str:
    """What of a Python source can change what it computes: all but comments, layout and docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.dump(tree)


@cache
def module(text: str) -> tuple[str, tuple[str, ...], dict[str, str], tuple[str, ...]]:
    """Hash of what a module means; the modules of snncore that it imports, by whatever name; names that it imports when they are asked for;
    and words outside of its functions that may be names of files, which it reads when it is imported.

    The latter stand in the `if TYPE_CHECKING` of a package that hands them out by ``__getattr__``.
    """
    tree = ast.parse(text)
    guarded = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    late = {node for block in guarded for node in ast.walk(block)}
    names, handed_out = list[str](), dict[str, str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and node not in late:
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            of = {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            if node in late:
                handed_out |= of
            else:
                names += of.values()
    top = [node for node in tree.body if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    words = [node.value for part in top for node in ast.walk(part) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    files = tuple(word for word in words if re.fullmatch(r"[\w-]+\.\w+", word))
    return sha256(meaning(text).encode()), tuple(name for name in names if name.split(".")[0] == "snncore"), handed_out, files


def imported_modules(root: Path, code: str) -> dict[str, str]:
    """Hash of each snncore module that the code imports, directly or through others (comments and docstrings do not count)."""
    found: dict[str, str] = {}
    handed_out: dict[str, str] = {}

    def add(imported: str) -> None:
        parts = imported.split(".")
        for n in range(1, len(parts) + 1):
            name = ".".join(parts[:n])
            base = root.joinpath(*parts[:n])
            path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
            if name not in found and name not in NO_NUMBER and path.exists():
                found[name], others, late, words = module(path.read_text(encoding="utf-8"))
                for file in (folder / word for word in words for folder in (path.parent, root / "data")):
                    if file.is_file():
                        found[file.relative_to(root).as_posix()] = sha256(file.read_bytes())
                handed_out.update({f"{name}.{key}": home for key, home in late.items()})
                for other in others:
                    add(other)
        for name in [imported, *handed_out] if imported == "snncore" else [imported]:  # import snncore may ask for any name
            if home := handed_out.pop(name, None):
                add(home)

    for name in module(code)[1]:
        add(name)
    return dict(sorted(found.items()))


def plain(cell: str) -> str:
    """The Python of a cell: without lines for IPython or the shell."""
    return "\n".join(line for line in cell.splitlines() if not line.lstrip().startswith(("%", "!")))


def key_parts(project: Project, chapter: Chapter, preset: str, seed: int, upstream: dict[str, str]) -> dict:
    """All that decides whether a chapter has to run again."""
    _, _, cells = parsed(chapter.notebook.read_text(encoding="utf-8"))
    inputs: dict[str, str] = {}
    for name in chapter.inputs:
        if not (paths := sorted(project.root.glob(name))):
            raise BookError(f"{chapter.name} declares the input {name}, which is not there: restore it with 'git checkout {name}'")
        inputs |= {path.relative_to(project.root).as_posix(): sha256(path.read_bytes()) for path in paths}
    data = {name: [[f.path, f.sha256] for form in datafiles.dataset(name).forms for f in form.files] for name in chapter.data}
    try:
        code, modules = [meaning(plain(cell)) for cell in cells], imported_modules(project.root, "\n".join(map(plain, cells)))
    except SyntaxError:  # the run will say where
        code, modules = list(cells), {}
    text = "\n".join(cells)
    claims = {id: [c.published, c.target, c.minimum] for id, c in project.read_claims()[1].items() if f'"{id}"' in text}
    magic = [line for cell in cells for line in cell.splitlines() if line.lstrip().startswith(("%", "!"))]
    return {
        "code": sha256(json.dumps([code, magic]).encode()),
        "modules": modules,
        "inputs": inputs,
        "claims": claims,
        "data": data,
        "parameters": {"preset": preset, "seed": seed},
        "versions": {name: v for name, v in provenance.versions().items() if name not in provenance.UNSEEN},
        "needs": {n: upstream.get(n, "") for n in chapter.needs},
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
            more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
            reasons.append(f"{name} changed ({', '.join(changed[:5])}{more})")
        else:
            reasons.append(f"{name} changed")
    if not reasons and not project.intact(preset, chapter.name):
        reasons.append("its outputs are not what it wrote")
    return "; ".join(reasons) or None


def expected_seconds(project: Project, chapter: Chapter, preset: str) -> float:
    """How long a chapter took last time, else what its header says."""
    old = project.manifest(preset, chapter.name)
    return old["seconds"] if old else 60 * chapter.minutes.get(preset, 1.0)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def at_once(chapters: int, jobs: int | None = None) -> tuple[int, str]:
    """How many chapters to run side by side, one a core as far as memory allows, or ``jobs``; why it is only one, if it is."""
    if jobs is not None and not 1 <= jobs <= cores():
        raise BookError(f"--jobs is {jobs}: this machine can run 1 to {cores()} chapters side by side, one a core")
    free = psutil.virtual_memory().available / 1e9  # with what the system holds of files, and gives back
    many = max(1, min(jobs or cores(), chapters, jobs or int(free / MEMORY_GB)))
    if many > 1 or chapters == 1 or jobs == 1:
        return many, ""
    return many, "this machine has one core" if cores() == 1 else f"{free:.1f} GB of memory are free, and each may need {MEMORY_GB}"


@dataclass(frozen=True)
class Place:
    """Where a run goes: a folder, threads of a chapter, variables; whether it is what the book shows."""

    folder: Path
    threads: int = 1
    variables: tuple[tuple[str, str], ...] = ()
    shown: bool = False


def run_chapter(project: Project, chapter: Chapter, parts: dict, place: Place, progress: Progress) -> dict:
    """Run one chapter; returns its manifest, whose ``status`` is "ok" or "error". Only a complete run replaces what the book shows."""
    work = place.folder
    results, notebook = work / chapter.name, work / f"{chapter.name}.ipynb"
    shutil.rmtree(results, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    source = jupytext.read(chapter.notebook)
    source.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    variables = kernel.environment(work, project, chapter.name, place.threads, dict(place.variables))
    for name in ("IPYTHONDIR", "MPLCONFIGDIR"):
        Path(variables[name].replace("$$", "$")).mkdir(parents=True, exist_ok=True)
    started, error, commit, end = time.time(), None, provenance.commit(project.root), ""

    def told(cell: nbformat.NotebookNode, cell_index: int) -> None:
        progress.cells[chapter.name] = f"{cell_index + 1}/{len(source.cells) + 1}"  # papermill adds one, with the parameters

    try:
        papermill.execute_notebook(
            source,
            str(notebook).replace("{", "{{").replace("}", "}}"),  # for papermill, {x} is a parameter
            parameters=parts["parameters"],
            kernel_name="python3",
            kernel_manager_class=kernel.manager(variables),
            cwd=str(chapter.notebook.parent),
            progress_bar=False,
            start_timeout=600,  # a home on a slow disk
            execution_timeout=TIMEOUT[parts["parameters"]["preset"]],
            on_cell_start=told,
            request_save_on_cell_execute=True,
            # no warning about unencrypted loopback connections or interrupts at the end, no history shared with kernels beside it
            extra_arguments=["--IPKernelApp.log_level=50", "--HistoryManager.enabled=False"],
        )
        tidy(notebook)
    except papermill.PapermillExecutionError as failure:
        error, end = f"cell {failure.exec_count}: {failure.ename}: {failure.evalue}", "\n".join(failure.traceback[-2:])
    except Exception as failure:  # a dead kernel, a time-out: papermill passes on whatever the client raises
        error, end = f"{type(failure).__name__}: {failure}".strip(), "".join(traceback.format_exception(failure)[-2:])
    if not error and not results.exists():
        error = f"it kept nothing: begin with Record({chapter.name!r}, preset)"
    if error and full(work):
        shutil.rmtree(results, ignore_errors=True)  # half of something
        error = f"{NO_SPACE.format(work)} ({error.splitlines()[0]})"
    seconds = round(time.time() - started, 1)
    timings = results / "timings.json"
    manifest = {
        "chapter": chapter.name,
        **parts["parameters"],
        "status": "error" if error else "ok",
        "error": error,
        "traceback": re.sub(r"\x1b\[[0-9;]*m", "", end),  # without colors
        "key": key_of(parts),
        "key_parts": parts,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": seconds,
        "peak_memory_mb": (read_json(timings) or {}).get("run", {}).get("peak_memory_mb"),
        "commit": commit,
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "threads": place.threads,
        "environment": {name: value.replace(str(project.root), ".") for name, value in variables.items()},
        "outputs": outputs(results) if results.exists() else {},
    }
    if not error:
        manifest["executed_sha256"] = sha256(notebook.read_bytes())
    if place.shown:
        keep(project, manifest, results, notebook)
    return manifest


def keep(project: Project, manifest: dict, results: Path, notebook: Path) -> None:
    """Put a run in its place: a complete one where the book reads it, a failed one aside, beside the good one that may be there."""
    preset, name = manifest["preset"], manifest["chapter"]
    if manifest["status"] == "ok":
        target, executed, about = project.results(preset, name), project.executed(preset, name), project.about(preset, name)
        shutil.rmtree(project.failed(preset) / name, ignore_errors=True)
        (project.failed(preset) / f"{name}.json").unlink(missing_ok=True)
    else:
        target, executed, about = (project.failed(preset) / end for end in (name, f"{name}.ipynb", f"{name}.json"))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    for path, place in ((results, target), (notebook, executed)):
        if path.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)
    write_json(about, manifest)


def tidy(notebook: Path) -> None:
    """Remove what differs from run to run (times, process numbers), so that the executed notebook is comparable."""
    content = nbformat.read(notebook, 4)
    content.metadata.pop("papermill", None)
    for cell in content.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    nbformat.write(content, notebook)


@dataclass(frozen=True)
class Task:
    """A chapter, what decides whether it has to run, and why it has to (None: it is up to date); or why it cannot."""

    chapter: Chapter
    parts: dict
    why: str | None
    fault: str | None = None


def plan(project: Project, preset: str, seed: int | None = 0, only: list[Chapter] | None = None) -> list[Task]:
    """What has to run at a preset, in the order of the book; nothing is written. Seed None: that of the last run of each chapter."""
    keys: dict[str, str] = {}
    tasks = []
    for chapter in project.chapters() if only is None else only:
        own = (project.manifest(preset, chapter.name) or {"seed": 0})["seed"] if seed is None else seed
        try:
            parts = key_parts(project, chapter, preset, own, keys)
            keys[chapter.name] = key_of(parts)
            tasks.append(Task(chapter, parts, why_stale(project, chapter, preset, parts)))
        except (BookError, datafiles.DataError) as problem:
            tasks.append(Task(chapter, {"parameters": {"preset": preset, "seed": own}}, "it cannot run", str(problem)))
    return tasks


def up_to_date(tasks: list[Task]) -> list[str]:
    """The chapters of a `plan` whose last run is complete, intact, and of the code and data as they are now."""
    fresh: list[str] = []
    for task in tasks:
        if task.why is None and set(task.chapter.needs) <= set(fresh):
            fresh.append(task.chapter.name)
    return fresh


def live_rows(project: Project, preset: str, chapters: list[str]) -> dict[str, dict]:
    """Ledger rows of runs at a preset, with where they come from."""
    rows: dict[str, dict] = {}
    for chapter in chapters:
        manifest = project.manifest(preset, chapter)
        if manifest:
            rows |= rows_with_origin(project.results(preset, chapter), manifest)
    return rows


def rows_with_origin(results: Path, manifest: dict) -> dict[str, dict]:
    origin = {key: manifest[key] for key in ("preset", "commit", "seconds", "machine")}
    return {row["id"]: row | origin for row in read_rows(results)}


def judged(project: Project, live: dict[str, dict]) -> tuple[list[dict], list[recorded.Worsened]]:
    """The ledger with these live rows, and which of its verdicts are worse than the recorded ones."""
    folder = project.root / "data" / "results"
    _, claims = project.read_claims()
    entries = ledger.merge(claims, recorded.read_recorded(folder), live)
    return entries, recorded.worsened(claims, recorded.read_ledger(folder), entries)


def record(project: Project, preset: str, chapters: list[Chapter]) -> None:
    """Make the rows of the runs at a preset the recorded ones, and write the merged ledger."""
    folder = project.root / "data" / "results"
    _, claims = project.read_claims()
    names = [c.name for c in chapters]
    for chapter in (name for name in up_to_date(plan(project, preset, seed=None)) if name in names):
        new = live_rows(project, preset, [chapter])
        if any(row["commit"].endswith("+") or row["commit"] == "unknown" for row in new.values()):
            raise BookError(f"{chapter} ran with uncommitted changes: commit, run it again, then record")
        path = folder / f"{chapter}.json"
        rows = recorded.read_json(path) if path.exists() else []
        others = {c.name for c in project.chapters()} - {chapter}
        old = {row["id"]: row for row in rows if row["id"] in claims and claims[row["id"]].chapter not in others}
        rows_now = recorded.keep_larger(old, new)
        write_json(path, list(rows_now.values()))
        print(f"{chapter}: {len(new)} rows of preset {preset}")
        for id in (id for id in new if rows_now[id] is not new[id]):
            print(f"  {id} stays that of preset {rows_now[id]['preset']}, {rows_now[id]['commit']}: remove it if it is of something else")
    write_json(folder / "ledger.json", ledger.merge(claims, recorded.read_recorded(folder), {}))


def run_again(project: Project, preset: str, chapters: list[Chapter]) -> int:
    """Run complete chapters once more, aside, and compare every output byte for byte (timings apart)."""
    tasks, before, different = [], dict[str, dict](), 0
    for chapter in chapters:
        if chapter.alone:  # times are not repeated
            continue
        manifest = project.manifest(preset, chapter.name)
        if not manifest:
            raise BookError(f"{chapter.name} has not been run at preset {preset}: there is nothing to compare with")
        before[chapter.name] = manifest
        tasks.append(Task(chapter, manifest["key_parts"], "it is compared"))
    for task, again in side_by_side(project, tasks, Place(project.build / "again" / preset)):
        if again is None or again["status"] != "ok":
            return 1
        old = before[task.chapter.name]["outputs"]
        names = sorted((set(again["outputs"]) | set(old)) - {"timings.json"})
        changed = [n for n in names if again["outputs"].get(n) != old.get(n)]
        print(
            f"{task.chapter.name}: {len(names) - len(changed)} of {len(names)} files are byte-identical"
            + "".join(f"\n  differs: {n}" for n in changed)
        )
        different += len(changed)
    return 1 if different else 0


def side_by_side(project: Project, tasks: list[Task], place: Place, jobs: int | None = None) -> Iterator[tuple[Task, dict | None]]:
    """Run chapters, as many at once as cores and memory allow; yields each with its manifest, or None if it needs one that failed."""
    if not tasks:
        return
    kernel.refuse_what_kernels_die_of()
    many, alone = at_once(len(tasks), jobs)
    many = max(1, many // place.threads)
    expected = {task.chapter.name: expected_seconds(project, task.chapter, task.parts["parameters"]["preset"]) for task in tasks}
    waiting = sorted(tasks, key=lambda task: expected[task.chapter.name], reverse=True)  # so that no core idles at the end
    expected = {task.chapter.name: expected[task.chapter.name] for task in waiting}
    progress = Progress(expected, many, [task.chapter.name for task in tasks if task.chapter.alone])
    running, failed = dict[Future, Task](), set[str]()
    how = f"{many} at once" if many > 1 else "one after the other" + (f" ({alone})" if alone else "")
    say(f"{len(tasks)} chapters to run, {how}, about {duration(progress.left())} in all")
    with ThreadPoolExecutor(many) as pool, progress.bar:
        while waiting or running:
            names = {task.chapter.name for task in (*waiting, *running.values())}
            for task in list(waiting):
                chapter = task.chapter
                if blocked := [n for n in chapter.needs if n in failed]:
                    waiting.remove(task)
                    failed.add(chapter.name)
                    progress.skip(chapter.name, f"it needs {', '.join(blocked)}")
                    yield task, None
                elif len(running) < many and not names & set(chapter.needs) and not (chapter.alone and names - {chapter.name}):
                    waiting.remove(task)
                    progress.begin(chapter.name)
                    kernel.lend_compiled_loops(project, chapter.name, [t.chapter.name for t in running.values()])
                    running[pool.submit(run_chapter, project, chapter, task.parts, place, progress)] = task
            for future in wait(running, 0.5, FIRST_COMPLETED).done:
                task, manifest = running.pop(future), future.result()
                progress.end(task.chapter.name, manifest["error"])
                failed |= {task.chapter.name} if manifest["error"] else set()
                yield task, manifest
            progress.show()


def select(project: Project, name: str | None) -> list[Chapter]:
    """All chapters, or one and what it needs."""
    chapters = project.chapters()
    if name is None:
        return chapters
    if name not in (names := [c.name for c in chapters]):
        raise BookError(f"there is no chapter {name!r}: there are {', '.join(names)}")
    wanted = [name]
    for c in reversed(chapters):
        wanted += [n for n in c.needs if c.name in wanted]
    return [c for c in chapters if c.name in wanted]


def check(tasks: list[Task]) -> int:
    """Say which chapters are out of date, and why."""
    for task in tasks:
        print(f"{task.chapter.name}: " + (f"out of date: {task.fault or task.why}" if task.why else "up to date"))
    return 1 if any(task.why for task in tasks) else 0


def run(project: Project, preset: str, seed: int, chapters: list[Chapter], anew: bool = False, jobs: int | None = None) -> list[str]:
    """Run the chapters that are out of date (``anew``: all), and write the ledger; returns those that failed or could not run."""
    project.read_claims()  # a broken ledger should not be found out after an hour of runs
    failed, stale = list[str](), []
    for task in plan(project, preset, seed, chapters):
        name = task.chapter.name
        if task.fault:
            failed.append(name)
            print(f"{name}: cannot run: {task.fault}")
            unrun = {"chapter": name, "preset": preset, "status": "error", "error": task.fault, "traceback": "", "key": None}
            write_json(project.failed(preset) / f"{name}.json", unrun)
        elif blocked := [n for n in task.chapter.needs if n in failed]:
            failed.append(name)
            print(f"{name}: skipped, since it needs {', '.join(blocked)}")
        elif task.why or anew:
            stale.append(task)
        else:
            print(f"{name}: up to date")
    folder = project.live / ".running" / preset  # on the disk of the results, so that a complete run takes their place in one step
    complete = 0
    for task, manifest in side_by_side(project, stale, Place(folder, shown=True), jobs):
        if manifest is None or manifest["status"] != "ok":
            failed.append(task.chapter.name)
            continue
        complete += 1
        if complete == 1 and len(stale) > 1:
            command = "make book" + ("" if preset == "book" else f" PRESET={preset}")
            say(f"{task.chapter.name} can be read now, while the others run: '{command}' in another terminal shows what is complete")
    shutil.rmtree(folder, ignore_errors=True)
    entries, _ = judged(project, live_rows(project, preset, up_to_date(plan(project, preset, seed=None))))
    write_json(project.live / "ledger.json", entries)
    return failed
