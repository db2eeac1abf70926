"""Run chapters with other threads and with the plainest arithmetic, and compare all claims: what does another processor change?

Chapters that measure times are left out. What has been run once for the code and data as they are now is not run again.
"""

import platform
import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from chapters import Place, Task, key_of, live_rows, plan, rows_with_origin, run, side_by_side
from project import BookError, Chapter, Project, outputs, plain, read_json, table, write, write_json
from quotes import ours_text
from snncore import ledger, provenance

Variant = Literal["as the book runs", "plainest arithmetic", "two threads", "four threads"]
PLAINEST = {  # no instructions that only some processors have, in PyTorch, numba, oneDNN, MKL, OpenBLAS and NumPy
    "ATEN_CPU_CAPABILITY": "default",
    "NUMBA_CPU_NAME": "generic",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "ARMV8" if platform.machine() in ("aarch64", "arm64") else "Prescott",
    "NPY_DISABLE_CPU_FEATURES": " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])),
}
DEFAULT: Variant = "as the book runs"
VARIANTS: dict[Variant, tuple[int, dict[str, str]]] = {  # threads of a chapter, variables
    DEFAULT: (1, {}),
    "plainest arithmetic": (1, PLAINEST),
    "two threads": (2, {}),
    "four threads": (4, {}),
}


def difference(values: Sequence[object]) -> float | None:
    """The largest distance between numbers, relative to the largest of them; None of words."""
    numbers = [float(v) for v in values if isinstance(v, int | float)]
    if len(numbers) < len(values):
        return None
    largest = max(map(abs, numbers))
    return (max(numbers) - min(numbers)) / largest if largest else 0.0


def compared(claims: dict[str, ledger.Claim], runs: dict[str, dict[str, dict]]) -> list[dict[str, str]]:
    """For each claim that all variants entered: its value in each, the largest relative difference, and the verdicts."""
    entries = {name: {e["id"]: e for e in ledger.merge(claims, {}, rows)} for name, rows in runs.items()}
    ids = [id for id in claims if any(id in rows for rows in runs.values())]
    rows = []
    for id in ids:
        if absent := [name for name in runs if id not in runs[name]]:
            raise BookError(f"{id} was not entered with {', '.join(absent)}, but was with others: whether it is may not hang on arithmetic")
        each = [entries[name][id] for name in runs]
        found = difference([e["ours"] for e in each])
        verdicts = [e["status"] for e in each]
        rows.append({
            "claim": id,
            **{name: ours_text(e) for name, e in zip(runs, each, strict=True)},
            "largest relative difference": "" if found is None else f"{found:.2g}",
            "verdicts": verdicts[0] if len(set(verdicts)) == 1 else " / ".join(verdicts),
        })  # fmt: skip
    return rows


def run_variant(project: Project, name: Variant, preset: str, chapters: list[Chapter]) -> dict[str, dict]:
    """The ledger rows of all chapters in a variant; runs those that have not been run so."""
    if name == DEFAULT:  # the runs that the book shows
        if failed := run(project, preset, 0, chapters):
            raise BookError(f"failed or skipped: {', '.join(failed)}. What they left: {project.failed(preset)}")
        return live_rows(project, preset, [c.name for c in chapters])
    threads, variables = VARIANTS[name]
    folder = project.build / "portability" / preset / name.replace(" ", "-")
    stale: list[Task] = []
    for task in plan(project, preset, only=chapters):
        if task.fault:
            raise BookError(f"{task.chapter.name} cannot run: {task.fault}")
        about = read_json(folder / f"{task.chapter.name}.json")
        if not about or about["key"] != key_of(task.parts) or about["outputs"] != outputs(folder / task.chapter.name):
            stale.append(task)
    print(f"{name}: {len(chapters) - len(stale)} of {len(chapters)} chapters are there", flush=True)
    for task, about in side_by_side(project, stale, Place(folder, threads, tuple(variables.items()))):
        if about is None or about["status"] != "ok":
            raise BookError(f"{task.chapter.name} failed with {name}: {about['error'] if about else 'it needs one that failed'}")
        write_json(folder / f"{task.chapter.name}.json", about)
    rows: dict[str, dict] = {}
    for chapter in chapters:
        rows |= rows_with_origin(folder / chapter.name, read_json(folder / f"{chapter.name}.json"))
    return rows


def compare(project: Project, preset: str, chapters: list[Chapter], variants: Sequence[Variant]) -> int:
    """Run the variants, compare, and write ``data/results/portability.csv`` if all were asked for; 1 if a verdict differs."""
    chapters = [c for c in chapters if not c.alone]
    _, claims = project.read_claims()
    runs: dict[str, dict[str, dict]] = {name: run_variant(project, name, preset, chapters) for name in variants}
    rows = compared(claims, runs)
    about = f"preset {preset}, {provenance.machine()}, {provenance.commit(project.root)}, {time.strftime('%Y-%m-%d')}"
    path = project.root / "data" / "results" / "portability.csv"
    if preset == "smoke" or set(variants) != set(VARIANTS):  # not for the book
        path = project.build / "portability" / preset / "portability.csv"
    write(path, f"# Measured at {about}.\n" + pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))
    different = [row for row in rows if " / " in row["verdicts"]]
    print(f"{len(rows)} claims, {len(different)} with another verdict: {path}")
    for row in different:
        print("  " + ", ".join(f"{key} {value}" for key, value in row.items()))
    return 1 if different else 0


def page(project: Project) -> str:
    """What the book says of the comparison."""
    path = project.root / "data" / "results" / "portability.csv"
    if not path.exists():
        return "This has not been measured yet: `make portability`."
    comment = path.read_text(encoding="utf-8").partition("\n")[0]
    frame = pd.read_csv(path, skiprows=1, dtype=str, keep_default_na=False)
    head, rows = list(frame.columns), frame.to_dict("records")
    different = [row for row in rows if " / " in row["verdicts"]]
    size = {row["claim"]: float(row["largest relative difference"] or 0) for row in rows}
    moved = sorted((row for row in rows if size[row["claim"]]), key=lambda row: -size[row["claim"]])
    shown = [[f"`{row['claim']}`", *(plain(row[key]) for key in head[1:])] for row in moved[:12]]
    same = sum(not s for s in size.values())
    verdict = f"{len(different)} of {len(rows)} verdicts differ" if different else f"All {len(rows)} verdicts are the same"
    return (
        f"{verdict}; {same} numbers are the same to the last digit. {comment.removeprefix('# ')} The whole table as a file: "
        '<a href="portability.csv">CSV</a>.\n\nThe numbers that move most:\n\n' + table(head, shown)
    )
