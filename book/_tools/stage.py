"""Write the source of the site: the book's pages, each chapter with the outputs of its run, and what each number says.

The staged tree is plain MyST with the roles of `ledger_roles`, which reads ``quotes.json``. Resolved here is <!-- name --> on a line of
its own: it becomes a generated part (see `PARTS`). A chapter that failed gets a page that says why.
"""

import csv
import html
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat

import ledger_roles
import live_figures
import portability
import recorded
from chapters import Task, judged, key_of, live_rows, plan, rows_with_origin, up_to_date
from dark import write_dark
from ledger_roles import anchor
from project import BookError, Chapter, Project, plain, read_json, write_json
from quotes import ours_text, outcome, published_text, quotes, standing, values, verdict
from snncore import datafiles, ledger
from snncore.ledger import PRESETS
from snncore.statistics import text as printed


class Staging:
    """One staging of the book at a preset."""

    def __init__(self, project: Project, preset: str, src: Path):
        self.project, self.preset, self.src = project, preset, src
        self.chapters = {c.name: c for c in project.chapters()}
        self.slides, self.claims = project.read_claims()
        plans = {p: plan(project, p, seed=None) for p in dict.fromkeys((preset, *reversed(PRESETS)))}
        fresh = {p: up_to_date(tasks) for p, tasks in plans.items()}
        self.failures = self.failed(plans[preset])
        runs = {name: next((p for p, names in fresh.items() if name in names), None) for name in self.chapters}
        self.shown = {name: None if name in self.failures else p for name, p in runs.items()}
        if not any(self.shown.values()) and not self.failures:
            raise BookError("no chapter has a run that is up to date: make reproduce (make check says why)")
        self.manifests: dict[str, dict] = {name: project.manifest(p, name) or {} for name, p in self.shown.items() if p}
        live: dict[str, dict] = {}
        self.page = {claim.id: claim.chapter for claim in self.claims.values()}  # where a number of ours stands
        for name, p in self.shown.items():
            rows = live_rows(project, p, [name]) if p else {}
            live |= rows
            self.page |= dict.fromkeys(rows, name)
        merged, worsened = judged(project, live)
        self.entries = {entry["id"]: entry for entry in merged}
        self.worsened = {w.id: w for w in worsened}

    def failed(self, tasks: list[Task]) -> dict[str, dict]:
        """Chapters whose run at the preset failed, with code and data as they are now, and what needs them: what is known of it."""
        found: dict[str, dict] = {}
        for task in tasks:
            name = task.chapter.name
            about = read_json(self.project.failed(self.preset) / f"{name}.json")
            if task.fault:
                found[name] = {"error": task.fault, "traceback": ""}
            elif about and about["key"] and task.why and about["key_parts"]["parameters"]["preset"] == self.preset:
                parts = task.parts | {"parameters": about["key_parts"]["parameters"]}
                if about["key"] == key_of(parts):
                    found[name] = about
            if name not in found and task.why and (blocked := [n for n in task.chapter.needs if n in found]):
                found[name] = {"error": f"it needs {', '.join(blocked)}, which failed", "traceback": ""}
        return found

    def summary(self) -> str:
        """What a reader should know at the end of a run: which verdicts are worse than the recorded ones."""
        judged = sum(e["live"] and e["status"] != "reported" for e in self.entries.values())
        if not self.worsened:
            return f"no verdict of {judged} live ones is worse than the recorded one"
        one = "verdict differs" if len(self.worsened) == 1 else "verdicts differ"
        head = f"{len(self.worsened)} of {judged} {one} from the recorded ones on this machine:"
        return "\n".join([head, *(f"  {w}" for w in self.worsened.values())])

    # ------------------------------------------------------------------ text

    def parts(self, text: str, here: str, chapter: str | None = None) -> str:
        """Put in the generated parts of a page."""

        def part(m: re.Match) -> str:
            if m[1] not in PARTS:
                raise BookError(f"{here}: there is no generated part {m[1]!r}: there are {', '.join(PARTS)}")
            return PARTS[m[1]](self, chapter)

        return re.sub(r"(?m)^<!-- (\w+) -->$", part, text)

    # ------------------------------------------------------------------ chapters

    def chapter(self, name: str) -> None:
        """Stage a chapter: today's prose, the outputs of its run."""
        preset, chapter = self.shown[name], self.chapters[name]
        target = self.src / "notebooks" / name
        if preset is None:
            target.with_suffix(".md").write_text(self.stand_in(chapter), encoding="utf-8")
            return
        shutil.copytree(self.project.results(preset, name), self.src / "results" / name)
        write_dark(self.src / "results" / name)
        shutil.copy(chapter.notebook, target.with_suffix(".py"))  # where ledger_roles finds the lines of what it refuses
        notebook = jupytext.read(chapter.notebook)
        executed = nbformat.read(self.project.executed(preset, name), 4).cells
        ran = [c for c in executed if c.cell_type == "code" and "injected-parameters" not in c.metadata.get("tags", [])]
        cells = []
        for cell in notebook.cells:
            if cell.cell_type == "code":
                done = ran.pop(0)
                cell.outputs, cell.execution_count = done.outputs, done.execution_count
                if "solution" in (tags := cell.metadata.get("tags", [])):
                    cell.metadata |= {
                        "tags": [*tags, "hide-cell"],
                        "mystnb": {"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"},
                    }
                for figure in re.findall(r'\b(?!plt\b)\w+\.figure\([^"]*"([\w-]+)"', cell.source):
                    cells.append(nbformat.v4.new_markdown_cell(f"(code-{name}-{figure})="))
            else:
                cell.source = self.parts(cell.source + "\n", f"notebooks/{name}.py", name).rstrip("\n")
            cells.append(cell)
        first = next(c for c in cells if c.cell_type == "markdown")
        worse = self.worse([id for id in self.worsened if self.page[id] == name], "../")
        first.source = re.sub(r"(?m)^(# .+)$", lambda m: f"{m[1]}\n\n{worse}", first.source, count=1)
        cells.append(nbformat.v4.new_markdown_cell(self.banner(name)))
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

    def stand_in(self, chapter: Chapter) -> str:
        """The page of a chapter without a run to show: why, what was computed before it failed, and how to run it again."""
        name, command = chapter.name, f"make reproduce PRESET={self.preset} CHAPTER={chapter.name}"
        text = chapter.notebook.read_text(encoding="utf-8")
        head = "".join(f"({label})=\n" for label in re.findall(r"(?m)^# \((\S+)\)=$", text)[:1])
        labels = " ".join(next(filter(None, m.groups())) for m in LABEL.finditer(text))  # what refers to them is led here
        page = [f"---\nlabels: '{labels}'\n---\n\n{head}# {chapter.title}"]
        if name not in self.failures:
            return "\n\n".join([*page, f"This chapter has no run on this machine that is up to date: `{command}`.\n"])
        about = self.failures[name]
        fence = "`" * 12
        page.append(f"This chapter failed on this machine, and has no numbers of this run.\n\n{fence}text\n{about['error']}\n{fence}")
        if about["traceback"]:
            page.append(f"The end of its error:\n\n{fence}text\n{about['traceback'].strip()[-3000:]}\n{fence}")
        page.append(f"To run it again: `{command}`. A run that is complete takes the place of this page.")
        left = self.project.failed(self.preset) / name
        rows = rows_with_origin(left, about) if left.exists() and about.get("key") else {}
        if known := {id: self.claims[id] for id in rows if id in self.claims}:
            entries = ledger.merge(known, {}, {id: rows[id] for id in known})
            page.append("It had computed before:\n\n| claim | ours |\n|---|---|")
            page[-1] += "".join(f"\n| {plain(known[e['id']].quantity)} | {plain(ours_text(e))} |" for e in entries)
        for picture in sorted(left.glob("*.png")):
            shutil.copy(picture, self.src / "results" / f"{name}-{picture.name}")
            page.append(f"```{{image}} ../results/{name}-{picture.name}\n:alt: figure {picture.stem}, drawn before the chapter failed\n```")
        return "\n\n".join(page) + "\n"

    # ------------------------------------------------------------------ generated parts

    def worse(self, ids: list[str], up: str = "") -> str:
        """A warning about verdicts that are worse than the recorded ones; empty if there is none."""
        if not ids:
            return ""
        items = "".join(
            f'- {plain(w.quantity)}: <a class="claim" href="{up}claims.html#{anchor(w.id)}">{html.escape(w.here)}</a> here ({w.status}), '
            f"{plain(w.before)} recorded ({w.before_status}); {plain(w.aim)}. "
            f"This run: {plain(w.machine)}. Recorded: {plain(w.before_machine)}.\n"
            for w in (self.worsened[id] for id in ids)
        )
        return f"::::{{warning}}\nVerdicts that differ from the recorded ones on this machine:\n\n{items}::::"

    def differing(self, _: str | None) -> str:
        """The first page's list of verdicts that are worse here, and of chapters that failed."""
        parts = [self.worse(list(self.worsened))] if self.worsened else []
        if self.failures:
            links = ", ".join(f"[{self.chapters[name].title}](notebooks/{name})" for name in self.failures)
            parts.append(f"```{{warning}}\nFailed on this machine: {links}. Their pages say why.\n```")
        return "\n\n".join(parts)

    def strip(self, _: str | None) -> str:
        count = Counter(standing(e) for e in self.entries.values())
        ours = f"<b>{count['live']} live</b> · {count['recorded']} recorded · {count['not run']} not run, of our own numbers"
        return f'<p class="strip">{ours}. <a href="claims.html">See the ledger</a>.</p>'

    def verdicts(self, _: str | None) -> str:
        """How many claims have which verdict, of those that could have failed and of the others."""
        rows = []
        for of, title in (("talk", "The talk's claims"), ("package", "Checks of this package")):
            entries = [e for e in self.entries.values() if e["of"] == of]
            count = Counter(map(outcome, entries))
            agree = count["agrees"] + count["better"] + count["meets"]
            evidence = f"**{agree}** | **{count['differs']}** | **{count['not-settled']}**"
            others = " | ".join(str(count[status]) for status in ("definition", "inconsistent", "reported", "not-run", "cited-only"))
            rows.append(f"| [{title}](#{of}-claims) | {evidence} | {others} |")
        head = "| | agree | differ | not settled | by definition | contradictory | only reported | not run | only cited |"
        return "\n".join([head, "|---" * 9 + "|", *rows])

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
                sign = "≤" if c.better == "lower" else "≥"
                aim = f"<br><small>our target: {sign} {printed(c.target, c.unit)} (set in `{c.target_since}`)</small>"
            other = f"<br><small>{plain(printed(c.value, c.unit))} by {plain(c.value_source or '')}</small>" if c.value is not None else ""
            ours = ours_text(e)
            details = [f"n = {e['n']:,}" if e["n"] else "", e["dataset"] or "", f"preset {e['preset']}" if e["preset"] else ""]
            detail = f"<br><small>{plain(', '.join(d for d in details if d))}</small>" if e["ours"] is not None else ""
            worse = f"worse than recorded: {self.worsened[id]}" if id in self.worsened else ""
            why = (worse, c.definition and f"by definition: {c.definition}", c.unsettled and f"not settled: {c.unsettled}", c.inconsistent)
            notes = "".join(f"<br><small>{plain(t)}</small>" for t in (*why, c.note) if t)
            where = f" ({c.where})" if c.where.startswith("slide") else ""
            name = f'<span id="{anchor(id)}"></span>' if link else ""
            source = f"<br><small>{ledger.SOURCE_CLASSES[c.source_class]}: {plain(c.source)}</small>"
            judged = f'<span class="status {e["status"]}">{verdict(e)}</span>'
            origin = "" if e["kind"] == "cited" else f"<br><small>{e['kind']}, {standing(e)}</small>"
            use = f" · {{use}}`{id}`" if link else ""
            claim = f"{name}{plain(c.quantity)}<br><small>`{id}`{where}{use}</small>{notes}"
            expected = "expected: " if c.source_class == "ours" and c.published is not None else ""
            published = f"{expected}{plain(published_text(c))}{aim}{other}{source}"
            rows.append(f"| {claim} | {published} | {plain(ours)}{detail} | {judged}{origin} |")
        return "\n".join(rows)

    def chapter_ledger(self, chapter: str | None) -> str:
        return self.ledger_rows([c.id for c in self.claims.values() if c.chapter == chapter], link=False)

    def all_claims(self, _: str | None) -> str:
        parts = ["(talk-claims)=\n## The talk's claims"]
        of_talk = [c for c in self.claims.values() if c.of == "talk"]
        groups = {f"Slide {s.n}: {s.title}": [c.id for c in of_talk if c.where == f"slide {s.n}"] for s in self.slides}
        groups["Behind the slides: papers, and the authors' programs and logs"] = [
            c.id for c in of_talk if not c.where.startswith("slide ")
        ]
        parts += [self.group(title, ids) for title, ids in groups.items() if ids]
        parts.append("(package-claims)=\n## Checks of this package")
        for page, title in {"index": "The talk as a whole", **{c.name: c.title for c in self.chapters.values()}}.items():
            if ids := [c.id for c in self.claims.values() if c.of == "package" and c.chapter == page]:
                parts.append(self.group(title, ids))
        return "\n\n".join(parts)

    def group(self, title: str, ids: list[str]) -> str:
        count = Counter(verdict(self.entries[id]) for id in ids)
        counts = ", ".join(f"{word}: {n}" for word, n in count.most_common())
        return f"### {plain(title)}\n\n{counts}.\n\n{self.ledger_rows(ids, link=True)}"

    def slide_map(self, _: str | None) -> str:
        rows = ["| slide | title | where in this book | claims and verdicts |", "|---|---|---|---|"]
        for s in self.slides:
            ids = [c.id for c in self.claims.values() if c.where == f"slide {s.n}"]
            count = Counter(verdict(self.entries[id]) for id in ids)
            page = "[Start](index)" if s.page == "index" else f"[{self.chapters[s.page].title}](notebooks/{s.page})"
            verdicts = ", ".join(f"{word}: {n}" for word, n in count.most_common()) or "no claim"
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
        for e in ledger.merge(self.claims, recorded.read_recorded(self.project.root / "data" / "results"), {}):
            if e["ours"] is not None:
                what = (f"`{e['id']}`", plain(ours_text(e)), e["preset"], f"`{e['commit']}`", e["machine"], e["seconds"])
                rows.append("| " + " | ".join(map(str, what)) + " |")
        return "\n".join(rows) if len(rows) > 2 else "Nothing has been recorded yet."

    def prices(self, _: str | None) -> str:
        """Every energy and time that a number of this book is made of, with its source."""
        rows = ["| what | event | energy [pJ] | time [ns] | process | voltage | source |", "|---|---|---|---|---|---|---|"]
        costs = tomllib.loads((self.project.root / "data" / "loihi_costs.toml").read_text(encoding="utf-8"))
        sets = {s["name"]: s for s in costs["set"]}
        for c in costs["cost"]:
            of = sets[c["set"]]
            event = c["event"].replace("_", " ")
            priced = f"{c.get('energy_pj', 'not given')} | {c.get('time_ns', 'not given')}"
            rows.append(f"| {of['what']} | {event} | {priced} | {of['process']} | {of['voltage']} | {plain(c['source'])} |")
        rows.append("\n| measured run | number | value | source |\n|---|---|---|---|")
        for run in costs["measured"]:
            numbers = [(key, value) for key, value in run.items() if key not in ("run", "source")]
            rows += [f"| {run['run']} | {key.replace('_', ' ')} | {value} | {plain(run['source'])} |" for key, value in numbers]
        return "\n".join(rows)

    def data_sets(self, _: str | None) -> str:
        rows = ["| data set | what | size | license | form and source |", "|---|---|---|---|---|"]
        for d in datafiles.registry().values():
            forms = "; ".join(f"{f.name}: {f'package {f.package}' if f.package else f.files[0].path}" for f in d.forms)
            rows.append(f"| `{d.name}` | {plain(d.title)} | {d.size / 1e6:.1f} MB | {plain(d.license)} | {plain(forms)} |")
        return "\n".join(rows)


PARTS: dict[str, Callable[[Staging, str | None], str]] = {
    "strip": Staging.strip,
    "verdicts": Staging.verdicts,
    "differing": Staging.differing,
    "portability": lambda staging, _: portability.page(staging.project),
    "chapters": Staging.chapter_table,
    "ledger": Staging.chapter_ledger,
    "claims": Staging.all_claims,
    "slides": Staging.slide_map,
    "provenance": Staging.provenance,
    "recorded": Staging.recorded,
    "datasets": Staging.data_sets,
    "prices": Staging.prices,
}


# what other pages may refer to in a chapter: names of figures, tables, sections and equations
LABEL = re.compile(r"(?m)^# (?::(?:name|label): ([\w-]+)|\(([\w-]+)\)=|.*\$\$ \(([\w-]+)\))$")


def stage(project: Project, preset: str, src: Path) -> Staging:
    """Write the staged tree anew into the folder ``src``."""
    staging = Staging(project, preset, src)
    shutil.rmtree(src, ignore_errors=True)
    shutil.copytree(project.root / "book", src, ignore=shutil.ignore_patterns("_build", "_tools"))
    for folder in ("notebooks", "results", "_ext"):
        (src / folder).mkdir()
    for extension in (ledger_roles, live_figures):
        shutil.copy(str(extension.__file__), src / "_ext")
    try:
        (src / "snncore").symlink_to(project.root / "snncore")  # literalinclude shows library code
    except OSError:  # a system that has no links for everybody
        shutil.copytree(project.root / "snncore", src / "snncore")
    for name in staging.chapters:
        staging.chapter(name)
    for page in src.rglob("*.md"):
        here = page.relative_to(src).as_posix()
        if not here.startswith(("results/", "notebooks/", "snncore/")):
            page.write_text(staging.parts(page.read_text(encoding="utf-8"), here), encoding="utf-8")
    live_figures.write_data(src)
    said = quotes(staging.claims, staging.entries) | {"value": values(src / "results", list(staging.manifests))}
    said["use"] = {id: "index" if page == "index" else f"notebooks/{page}" for id, page in staging.page.items()}
    write_json(src / "quotes.json", said | {"not run": [name for name in staging.chapters if name not in staging.manifests]})
    write_json(src / "ledger.json", list(staging.entries.values()))
    compared = project.root / "data" / "results" / "portability.csv"
    text = compared.read_text(encoding="utf-8") if compared.exists() else "# not measured yet: make portability\n"
    (src / "portability.csv").write_text(text, encoding="utf-8")
    with (src / "ledger.csv").open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, fieldnames=list(next(iter(staging.entries.values()))))
        writer.writeheader()
        writer.writerows(staging.entries.values())
    return staging
