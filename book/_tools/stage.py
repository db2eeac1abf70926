"""Write book/_build/src: the book's pages, each chapter with the outputs of its run, every number in its place.

The staged tree is plain MyST: whatever this book adds is resolved here.

- {value}`name` in a chapter ({value}`chapter.name` elsewhere) becomes the number that the run kept under this name.
- {claim}`id` becomes our number for a claim (what another source says, if it is cited), {published}`id` the published one,
  {interval}`id` the interval of ours, without its unit, each with a link to the ledger, or the words "not run" or "not recorded";
  {run}`id` says which run gave ours.
- <!-- name --> on a line of its own becomes a generated part (see `PARTS`).
- :file: of a csv-table is replaced by the rows; a figure gets links to its code and files.

A missing number stops the build.
"""

import csv
import html
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat

from chapters import check_claims, live_rows, up_to_date
from project import BookError, Project
from snncore import datafiles
from snncore.experiments import PRESETS, ledger


class Staging:
    """One staging of the book at a preset."""

    def __init__(self, project: Project, preset: str):
        self.project = project
        self.src = project.build / "src"
        self.chapters = {c.name: c for c in project.chapters()}
        fresh = {p: up_to_date(project, p) for p in dict.fromkeys((preset, *reversed(PRESETS)))}
        self.shown = {name: next((p for p, names in fresh.items() if name in names), None) for name in self.chapters}
        if not any(self.shown.values()):
            raise BookError("no chapter has a run that is up to date: make reproduce (make check says why)")
        self.manifests: dict[str, dict] = {name: project.manifest(p, name) or {} for name, p in self.shown.items() if p}
        self.slides, self.claims = ledger.read_claims(project.root / "data" / "claims.toml")
        live: dict[str, dict] = {}
        for name, p in self.shown.items():
            live |= live_rows(project, p, [name]) if p else {}
        check_claims(project, live)
        recorded = ledger.read_recorded(project.root / "data" / "results")
        self.entries = {entry["id"]: entry for entry in ledger.merge(self.claims, recorded, live)}
        self.values: dict[str, dict] = {}
        for name, p in self.shown.items():
            if p:
                folder = project.results(p, name)
                values = json.loads((folder / "values.json").read_text()) if (folder / "values.json").exists() else {}
                timings = json.loads((folder / "timings.json").read_text())["values"] if (folder / "timings.json").exists() else {}
                self.values[name] = values | timings

    # ------------------------------------------------------------------ text

    def fill(self, text: str, here: str, chapter: str | None = None) -> str:
        """Resolve roles, generated parts and csv files of a page; ``here`` is its path below the staged root."""
        up = "../" * here.count("/")

        def value(m: re.Match) -> str:
            name, key = m[1].rsplit(".", 1) if "." in m[1] else (chapter, m[1])
            try:
                return self.values[name or ""][key]["text"]
            except KeyError:
                raise BookError(
                    f"{here}: the run wrote no value {m[1]!r}: keep it with record.value({key!r}, ...), or mend the name"
                ) from None

        def claim(m: re.Match) -> str:
            if m[2] not in self.entries:
                raise BookError(f"{here}: there is no claim {m[2]!r} in data/claims.toml")
            e = self.entries[m[2]]
            c = self.claims[m[2]]
            ours = c.value if e["kind"] == "cited" else e["ours"]
            number, shown = {
                "claim": (ours, ledger.text(ours, e["unit"])),
                "published": (e["published"], ledger.published_text(c)),
                "interval": (e["low"], ledger.interval(e["low"], e["high"])),
            }[m[1]]
            if number is None:
                if m[1] == "published" or e["kind"] == "cited" or e["live"]:
                    raise BookError(f"{here}: the claim {m[2]!r} has no number for {m[1]}")
                shown = "not run" if ours is None else "not recorded"  # by no run yet, or by one of older code, which gave no interval
            title = f"published {ledger.published_text(self.claims[m[2]])}; {self.verdict(e)}; {self.when(e)}"
            return f'<a class="claim" href="{up}claims.html#{anchor(m[2])}" title="{html.escape(title)}">{html.escape(shown)}</a>'

        def run(m: re.Match) -> str:
            if m[1] not in self.entries:
                raise BookError(f"{here}: there is no claim {m[1]!r} in data/claims.toml")
            e = self.entries[m[1]]
            if e["live"]:
                return "this run"
            return "not run" if e["ours"] is None else f"a recorded run of commit `{e['commit']}` on {e['machine']}"

        def table(m: re.Match) -> str:
            path = (self.src / here).parent / m[2]
            if not path.exists():
                raise BookError(f"{here}: the table {m[2]} was not written by the run")
            return f"{m[1]}{m[3]}\n{path.read_text()}"

        def part(m: re.Match) -> str:
            if m[1] not in PARTS:
                raise BookError(f"{here}: there is no generated part {m[1]!r}: there are {', '.join(PARTS)}")
            return PARTS[m[1]](self, chapter)

        text = re.sub(r"(?m)^<!-- (\w+) -->$", part, text)
        text = re.sub(r"\{value\}`([\w.]+)`", value, text)
        text = re.sub(r"\{(claim|published|interval)\}`([\w.]+)`", claim, text)
        text = re.sub(r"\{run\}`([\w.]+)`", run, text)
        text = re.sub(r"((?::::|```)\{csv-table\}[^\n]*\n(?::[a-z-]+:[^\n]*\n)*?):file: (\S+)\n((?::[a-z-]+:[^\n]*\n)*)", table, text)
        return re.sub(r"```\{figure\} (\S*results/(\w+)/([\w-]+))\.\*\n(.*?)\n```", self.figure, text, flags=re.DOTALL)

    def figure(self, m: re.Match) -> str:
        path, chapter, name, body = m.groups()
        preset = self.shown.get(chapter)
        folder = self.project.results(preset, chapter) if preset else None
        if folder is None or not (folder / f"{name}.svg").exists():
            raise BookError(f"the figure {chapter}/{name} was not written by the run")
        links = [f"{{download}}`{ext.upper()} <{path}.{ext}>`" for ext in ("svg", "pdf", "png")]
        if (folder / f"{name}.data.csv").exists():
            links.append(f"{{download}}`data <{path}.data.csv>`")
        return f"```{{figure}} {path}.*\n{body}\n\n{{ref}}`code <code-{chapter}-{name}>` · {' · '.join(links)}\n```"

    @staticmethod
    def verdict(entry: dict) -> str:
        return "cited" if entry["kind"] == "cited" and entry["status"] == "not-run" else entry["status"].replace("-", " ")

    @staticmethod
    def when(entry: dict) -> str:
        if entry["live"]:
            return "live"
        if entry["kind"] == "cited":
            return "cited"
        return "recorded" if entry["ours"] is not None else "not run"

    # ------------------------------------------------------------------ chapters

    def chapter(self, name: str) -> None:
        """Stage a chapter: today's prose, the outputs of its run."""
        preset, chapter = self.shown[name], self.chapters[name]
        target = self.src / "notebooks" / name
        if preset is None:
            target.with_suffix(".md").write_text(
                f"# {chapter.title}\n\nThis chapter has no run on this machine that is up to date: `make reproduce CHAPTER={name}`.\n"
            )
            return
        shutil.copytree(self.project.results(preset, name), self.src / "results" / name)
        notebook = jupytext.read(chapter.notebook)
        executed = nbformat.read(self.project.executed(preset, name), 4).cells
        ran = [c for c in executed if c.cell_type == "code" and "injected-parameters" not in c.metadata.get("tags", [])]
        cells = []
        for cell in notebook.cells:
            if cell.cell_type == "code":
                done = ran.pop(0)
                cell.outputs, cell.execution_count = done.outputs, done.execution_count
                for figure in re.findall(r'record\.figure\([^"]*"([\w-]+)"', cell.source):
                    cells.append(nbformat.v4.new_markdown_cell(f"(code-{name}-{figure})="))
            else:
                cell.source = self.fill(cell.source + "\n", f"notebooks/{name}.ipynb", name).rstrip("\n")
            cells.append(cell)
        first = next(c for c in cells if c.cell_type == "markdown")
        first.source = re.sub(r"(?m)^(# .+)$", lambda m: f"{m[1]}\n\n{self.banner(name)}", first.source, count=1)
        for i, cell in enumerate(cells):
            cell["id"] = f"cell-{i}"
        notebook.cells = cells
        notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(notebook, target.with_suffix(".ipynb"))

    def banner(self, chapter: str) -> str:
        m = self.manifests[chapter]
        return (
            f"```{{note}}\nRun at preset **{m['preset']}**, seed {m['seed']}, in {m['seconds']:.0f} s on {m['started'][:10]} "
            f"({m['machine']}; commit `{m['commit']}`). Numbers with a link lead to the {{ref}}`claim ledger <claims>`.\n```"
        )

    # ------------------------------------------------------------------ generated parts

    def strip(self, _: str | None) -> str:
        count = Counter(self.when(e) for e in self.entries.values())
        contradictions = sum(e["status"] == "inconsistent" for e in self.entries.values())
        parts = f"<b>{count['live']} live</b> · {count['recorded']} recorded · {count['cited']} cited · {count['not run']} not yet run"
        total = f"{len(self.entries)} claims; in {contradictions} the talk contradicts itself"
        return f'<p class="strip">{parts} — {total}. <a href="claims.html">See the ledger</a>.</p>'

    def chapter_table(self, _: str | None) -> str:
        rows = ["| chapter | what you will see | claims live | time | memory | download |", "|---|---|---|---|---|---|"]
        for c in self.chapters.values():
            m = self.manifests.get(c.name)
            live = sum(e["live"] for e in self.entries.values() if self.claims[e["id"]].chapter == c.name)
            total = sum(claim.chapter == c.name for claim in self.claims.values())
            size = sum(datafiles.registry()[name].download_bytes for name in c.data)
            took = f"{m['seconds']:.0f} s ({m['preset']})" if m else "not run"
            memory = f"{m['peak_memory_mb']:,} MB" if m and m["peak_memory_mb"] else "–"
            link = f"[{c.title}](notebooks/{c.name})"
            rows.append(f"| {link} | {c.summary} | {live} of {total} | {took} | {memory} | {f'{size / 1e6:.0f} MB' if size else 'none'} |")
        return "\n".join(rows)

    def ledger_rows(self, ids: list[str], link: bool) -> str:
        rows = ["| claim | published | ours | verdict |", "|---|---|---|---|"]
        for id in ids:
            c, e = self.claims[id], self.entries[id]
            aim = ""
            if c.target is not None:
                aim = f"<br><small>aim: {'≤' if c.better == 'lower' else '≥'} {ledger.text(c.target, c.unit)}</small>"
            other = (
                f"<br><small>{plain(ledger.text(c.value, c.unit))} by {plain(c.value_source or '')}</small>" if c.value is not None else ""
            )
            ours = ledger.text(e["ours"], c.unit)
            details = [f"n = {e['n']:,}" if e["n"] else "", e["dataset"] or "", f"preset {e['preset']}" if e["preset"] else ""]
            detail = f"<br><small>{plain(', '.join(d for d in details if d))}</small>" if e["ours"] is not None else ""
            notes = "".join(f"<br><small>{plain(t)}</small>" for t in (c.inconsistent, c.note) if t)
            where = f" ({c.where})" if c.where.startswith("slide") else ""
            name = f'<span id="{anchor(id)}"></span>' if link else ""
            source = f"<br><small>{ledger.SOURCE_CLASSES[c.source_class]}: {plain(c.source)}</small>"
            verdict = f'<span class="status {e["status"]}">{self.verdict(e)}</span>'
            standing = "" if e["kind"] == "cited" else f"<br><small>{e['kind']}, {self.when(e)}</small>"
            claim = f"{name}{plain(c.quantity)}<br><small>`{id}`{where}</small>{notes}"
            expected = "expected: " if c.source_class == "ours" and c.published is not None else ""
            published = f"{expected}{plain(ledger.published_text(c))}{aim}{other}{source}"
            rows.append(f"| {claim} | {published} | {plain(ours)}{detail} | {verdict}{standing} |")
        return "\n".join(rows)

    def chapter_ledger(self, chapter: str | None) -> str:
        return self.ledger_rows([c.id for c in self.claims.values() if c.chapter == chapter], link=False)

    def all_claims(self, _: str | None) -> str:
        parts = []
        for page, title in ledger.CHAPTERS.items():
            ids = [c.id for c in self.claims.values() if c.chapter == page]
            if ids:
                count = Counter(self.verdict(self.entries[id]) for id in ids)
                counts = ", ".join(f"{n} {word}" for word, n in count.most_common())
                parts.append(f"## {title}\n\n{len(ids)} claims: {counts}.\n\n{self.ledger_rows(ids, link=True)}")
        return "\n\n".join(parts)

    def slide_map(self, _: str | None) -> str:
        rows = ["| slide | title | where in this book | claims and verdicts |", "|---|---|---|---|"]
        for s in self.slides:
            ids = [c.id for c in self.claims.values() if c.where == f"slide {s.n}"]
            count = Counter(self.verdict(self.entries[id]) for id in ids)
            page = f"[{self.chapters[s.page].title}](notebooks/{s.page})" if s.page in self.chapters else (
                "[Start](index)" if s.page == "index" else f"{ledger.CHAPTERS[s.page]} (not yet written)")  # fmt: skip
            verdicts = ", ".join(f"{n} {word}" for word, n in count.most_common()) or "no claim"
            if ids:
                verdicts = f'<a href="claims.html#{anchor(ids[0])}">{verdicts}</a>'
            rows.append(f"| {s.n} | {plain(s.title)} | {page} | {verdicts} |")
        return "\n".join(rows)

    def provenance(self, _: str | None) -> str:
        rows = ["| chapter | preset | commit | started | seconds | memory | seed | machine |", "|---|---|---|---|---|---|---|---|"]
        for name, m in self.manifests.items():
            memory = f"{m['peak_memory_mb'] or '–'} MB"
            what = (name, m["preset"], f"`{m['commit']}`", m["started"], m["seconds"], memory, m["seed"], m["machine"])
            rows.append("| " + " | ".join(map(str, what)) + " |")
        for name, m in self.manifests.items():
            versions = ", ".join(f"{k} {v}" for k, v in m["versions"].items())
            files = "\n".join(f"| `{file}` | `{digest[:16]}…` |" for file, digest in m["outputs"].items())
            modules = ", ".join(f"`{k}`" for k in m["key_parts"]["modules"])
            rows.append(f"\n## {self.chapters[name].title}\n\nVersions: {versions}. Modules that it imports: {modules}.\n")
            rows.append(f"| file | sha256 |\n|---|---|\n{files}")
        return "\n".join(rows)

    def recorded(self, _: str | None) -> str:
        rows = ["| claim | value | preset | commit | machine | seconds |", "|---|---|---|---|---|---|"]
        for id, r in ledger.read_recorded(self.project.root / "data" / "results").items():
            what = (f"`{id}`", ledger.text(r["ours"], self.claims[id].unit), r["preset"], f"`{r['commit']}`", r["machine"], r["seconds"])
            rows.append("| " + " | ".join(map(str, what)) + " |")
        return "\n".join(rows) if len(rows) > 2 else "Nothing has been recorded yet."

    def data_sets(self, _: str | None) -> str:
        rows = ["| data set | what | size | license | form and source |", "|---|---|---|---|---|"]
        for d in datafiles.registry().values():
            forms = "; ".join(f"{f.name}: {f'package {f.package}' if f.package else f.files[0].path}" for f in d.forms)
            size = max(sum(f.bytes for f in form.files) for form in d.forms) / 1e6
            rows.append(f"| `{d.name}` | {plain(d.title)} | {size:.1f} MB | {plain(d.license)} | {plain(forms)} |")
        return "\n".join(rows)


PARTS: dict[str, Callable[[Staging, str | None], str]] = {
    "strip": Staging.strip,
    "chapters": Staging.chapter_table,
    "ledger": Staging.chapter_ledger,
    "claims": Staging.all_claims,
    "slides": Staging.slide_map,
    "provenance": Staging.provenance,
    "recorded": Staging.recorded,
    "datasets": Staging.data_sets,
}


def anchor(id: str) -> str:
    return "claim-" + id.replace(".", "-").replace("_", "-").lower()


def plain(text: str) -> str:
    """Text for a cell of a table: nothing in it is markup."""
    return re.sub(r"([|$*_~<>\[\]`#^])", r"\\\1", text).replace("\n", " ")


def stage(project: Project, preset: str) -> Path:
    """Write the staged tree anew; returns its folder."""
    staging = Staging(project, preset)
    shutil.rmtree(staging.src, ignore_errors=True)
    shutil.copytree(project.root / "book", staging.src, ignore=shutil.ignore_patterns("_build", "_tools"))
    (staging.src / "notebooks").mkdir()
    (staging.src / "snncore").symlink_to(project.root / "snncore")  # literalinclude shows library code, never a copy
    for name in staging.chapters:
        staging.chapter(name)
    for page in staging.src.rglob("*.md"):
        here = str(page.relative_to(staging.src))
        if not here.startswith(("results/", "notebooks/", "snncore/")):
            page.write_text(staging.fill(page.read_text(), here))
    (staging.src / "ledger.json").write_text(json.dumps(list(staging.entries.values()), indent=1, ensure_ascii=False) + "\n")
    with (staging.src / "ledger.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, fieldnames=list(next(iter(staging.entries.values()))))
        writer.writeheader()
        writer.writerows(staging.entries.values())
    return staging.src
