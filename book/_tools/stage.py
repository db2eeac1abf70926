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
from PIL import Image, ImageOps

import author_year
import front
import ledger_page
import ledger_roles
import live_figures
import navigation
import portability
import recorded
from chapters import Task, judged, key_of, live_rows, plan, rows_with_origin, up_to_date
from dark import write_dark
from ledger_roles import anchor
from project import BookError, Chapter, Project, line, plain, read_json, table, write_json
from quotes import ours_text, quotes, values, verdict
from snncore import datafiles, ledger
from snncore.ledger import PRESETS


class Staging:
    """One staging of the book at a preset."""

    def __init__(self, project: Project, preset: str, src: Path):
        self.project, self.preset, self.src = project, preset, src
        self.chapters = {c.name: c for c in project.chapters()}
        self.slides, self.claims = project.read_claims()
        ran = [p for p in reversed(PRESETS) if any(project.manifest(p, name) for name in self.chapters)]
        plans = {p: plan(project, p, seed=None) for p in dict.fromkeys((preset, *ran))}
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
        noun, verb = "verdict" if judged == 1 else "verdicts", "differs" if len(self.worsened) == 1 else "differ"
        head = f"{len(self.worsened)} of {judged} {noun} {verb} from the recorded ones on this machine:"
        return "\n".join([head, *(f"  {w}" for w in self.worsened.values())])

    def parts(self, text: str, here: str, chapter: str | None = None) -> str:
        """Put in the generated parts of a page."""

        def part(m: re.Match) -> str:
            if m[1] not in PARTS:
                raise BookError(f"{here}: there is no generated part {m[1]!r}: there are {', '.join(PARTS)}")
            return PARTS[m[1]](self, chapter)

        return re.sub(r"(?m)^<!-- (\w+) -->$", part, text)

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
            rows_known = [(plain(known[e["id"]].quantity), plain(ours_text(e))) for e in entries]
            page.append(f"It had computed before:\n\n{table(('claim', 'ours'), rows_known)}")
        for picture in sorted(left.glob("*.png")):
            shutil.copy(picture, self.src / "results" / f"{name}-{picture.name}")
            page.append(f"```{{image}} ../results/{name}-{picture.name}\n:alt: figure {picture.stem}, drawn before the chapter failed\n```")
        return "\n\n".join(page) + "\n"

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

    def slide_map(self, _: str | None) -> str:
        """A row a slide: its title, where this book treats it with a small picture, and its verdicts."""
        rows = []
        for s in self.slides:
            ids = [c.id for c in self.claims.values() if c.where == f"slide {s.n}"]
            count = Counter(verdict(self.entries[id]) for id in ids)
            page = "[Start](index)" if s.page == "index" else f"[{self.chapters[s.page].title}](notebooks/{s.page})"
            picture = f"{{thumb}}`{s.shows} <{s.figure}>` " if s.figure else ""
            verdicts = " · ".join(f"{word}: {n}" for word, n in count.most_common())
            link = f"[{verdicts}](slide-{s.n})" if ids else "no claim"
            rows.append((s.n, plain(s.title), picture + page, link))
        return table(("slide", "title", "where in this book", "verdicts"), rows)

    def provenance(self, _: str | None) -> str:
        """A card a run: what, where, when; versions and hashes are folded."""
        cards = []
        for name, m in self.manifests.items():
            versions = ", ".join(f"{k} {v}" for k, v in m["versions"].items())
            files = table(("file", "sha256"), [(f"`{file}`", f"`{digest[:16]}…`") for file, digest in m["outputs"].items()])
            modules = ", ".join(f"`{k}`" for k in m["key_parts"]["modules"])
            facts = {"preset": m["preset"], "seed": m["seed"], "commit": f"`{m['commit']}`", "started": m["started"]}
            facts |= {"took": f"{m['seconds']} s, {m['peak_memory_mb'] or '–'} MB", "machine": m["machine"]}
            card = "\n".join(f"- **{key}** {value}" for key, value in facts.items())
            folded = f"Versions: {versions}.\n\nModules that it imports: {modules}.\n\n{files}"
            summary = f"<details><summary>versions, modules, {len(m['outputs'])} files with sha256</summary>"
            cards.append(f"## {self.chapters[name].title}\n\n{card}\n\n{summary}\n\n{folded}\n\n</details>")
        return "\n\n".join(cards)

    def recorded(self, _: str | None) -> str:
        """Numbers of earlier runs, folded by chapter."""
        entries = ledger.merge(self.claims, recorded.read_recorded(self.project.root / "data" / "results"), {})
        head, parts = ("claim", "value", "preset", "commit", "machine", "seconds of that run"), []
        for name, chapter in self.chapters.items():
            rows = [
                (f"`{e['id']}`", plain(ours_text(e)), e["preset"], f"`{e['commit']}`", e["machine"], e["seconds"])
                for e in entries
                if e["ours"] is not None and self.claims[e["id"]].chapter == name
            ]
            if rows:
                summary = f"<summary>{html.escape(chapter.title)} ({len(rows)})</summary>"
                parts.append(f"<details>{summary}\n\n{table(head, rows)}\n\n</details>")
        return "\n\n".join(parts) or "Nothing has been recorded yet."

    def prices(self, _: str | None) -> str:
        """Rows of the table of prices of a chip's events, and a table of measured runs, each with its source."""
        rows = []
        costs = tomllib.loads((self.project.root / "data" / "loihi_costs.toml").read_text(encoding="utf-8"))
        sets = {s["name"]: s for s in costs["set"]}
        for c in costs["cost"]:
            of, event, priced = sets[c["set"]], c["event"].replace("_", " "), (c.get(key, "not given") for key in ("energy_pj", "time_ns"))
            rows.append((of["what"], event, *priced, of["process"], of["voltage"], plain(c["source"])))
        measured = [
            (run["run"], key.replace("_", " "), value, plain(run["source"]))
            for run in costs["measured"]
            for key, value in run.items()
            if key not in ("run", "source")
        ]
        return "\n".join(map(line, rows)) + "\n\n" + table(("measured run", "number", "value", "source"), measured)

    def data_sets(self, _: str | None) -> str:
        rows = []
        for d in datafiles.registry().values():
            forms = "; ".join(f"{f.name}: `{f.package or Path(f.files[0].path).name}`" for f in d.forms)
            rows.append((f"`{d.name}`<br>{plain(d.title)}", f"{d.size / 1e6:.1f}&nbsp;MB", plain(d.license), forms))
        return table(("data set", "size", "license", "forms"), rows)

    def architectures(self, _: str | None) -> str:
        """Models of others that convert, as `snncore.peers.architectures` recorded them."""
        with (self.project.root / "data" / "peers" / "architectures.csv").open(encoding="utf-8") as file:
            rows = [
                (r["library"], r["model"], r["activations"], r["layers"], f"{int(r['neurons']):,}", r["analog"].replace("_", " "))
                for r in csv.DictReader(file)
            ]
        return table(("library", "model", "activations", "layers of neurons", "neurons", "stays analog"), rows)


PARTS: dict[str, Callable[[Staging, str | None], str]] = {
    "strip": front.strip,
    "verdicts": front.verdicts,
    "differing": Staging.differing,
    "portability": lambda staging, _: portability.page(staging.project),
    "chapters": front.chapter_table,
    "legend": front.legend,
    "cite": front.cite,
    "ledger": ledger_page.chapter_ledger,
    "claims": ledger_page.all_claims,
    "unmet": ledger_page.unmet,
    "slides": Staging.slide_map,
    "provenance": Staging.provenance,
    "recorded": Staging.recorded,
    "datasets": Staging.data_sets,
    "prices": Staging.prices,
    "architectures": Staging.architectures,
}


# what other pages may refer to in a chapter: names of figures, tables, sections and equations
LABEL = re.compile(r"(?m)^# (?::(?:name|label): ([\w-]+)|\(([\w-]+)\)=|.*\$\$ \(([\w-]+)\))$")


THUMB = (320, 196)  # pixels: twice what a page shows


def thumbnails(staging: Staging) -> dict[str, str]:
    """The names by which figures of the runs are referred to; small pictures are drawn of those that a staged page asks for."""
    (staging.src / "thumbs").mkdir()
    asked = {name for page in staging.src.glob("*.md") for name in re.findall(r"\{thumb\}`[^`]*<(.*?)>`", page.read_text(encoding="utf-8"))}
    names = {}
    for chapter in staging.manifests:
        text = staging.chapters[chapter].notebook.read_text(encoding="utf-8")
        for figure, name in re.findall(r"\{figure\} \S*results/(\w+/[\w-]+)\.\*\n(?:# :.*\n)*?# :name: ([\w-]+)", text):
            if (path := staging.src / "results" / f"{figure}.png").exists():
                names[figure] = name
                if figure not in asked:
                    continue
                with Image.open(path) as picture:
                    small = ImageOps.fit(picture.convert("RGB"), THUMB, centering=(0, 0))  # its first panel
                    small.save(staging.src / "thumbs" / f"{figure.replace('/', '-')}.png", optimize=True)
    return names


def stage(project: Project, preset: str, src: Path) -> Staging:
    """Write the staged tree anew into the folder ``src``."""
    staging = Staging(project, preset, src)
    shutil.rmtree(src, ignore_errors=True)
    shutil.copytree(project.root / "book", src, ignore=shutil.ignore_patterns("_build", "_tools"))
    for folder in ("notebooks", "results", "_ext"):
        (src / folder).mkdir()
    for extension in (ledger_roles, live_figures, author_year, navigation):
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
    said["figures"] = thumbnails(staging)
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
