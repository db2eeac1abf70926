"""The roles of this book, for Sphinx: every number of a page comes from the run that the stager found.

- {value}`name` in a chapter ({value}`chapter.name` elsewhere) is the number that the run kept under this name; {recorded}`name` one that
  the run only read from an earlier one's account; {cited}`name` one that it computed from published ones alone; {size}`name` a setting,
  such as a number of neurons or seeds.
- {claim}`id` is our number for a claim (what another source says, if it is cited), {published}`id` the published one,
  {interval}`id` the interval of ours, without its unit, each with a link to the ledger, or the words "not run" or "not recorded";
  {run}`id` says which run gave ours, {verdict}`id` what came of the claim.
- Every number but a setting has a badge after it, live, recorded, emulated or cited; an interval goes without beside its number.
- {thumb}`words <chapter/name>` is a small picture of a figure, which leads to it; nothing if the chapter has no run.
- {use}`id`, or {use}`words <id>`, leads to the first place where the claim's chapter quotes it, or to the chapter.
- The alternative text of a figure may hold these roles; its numbers are plain text.
- A figure of a run gets links to its code and files. What refers to a part of a chapter that has no run leads to the chapter's page.

It reads ``quotes.json`` of the source folder: what each role says, by role and name. What no run wrote is an error of the build, which
names file and line; all of them are told at once.
"""

import json
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.directives import patches
from sphinx.environment import BuildEnvironment
from sphinx.errors import NoUri, SphinxError
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_refnode

KEPT = {"value": "live", "recorded": "recorded", "cited": "cited", "size": ""}  # roles of numbers that a run kept, with their badges
ROLES = (*KEPT, "claim", "published", "interval", "run", "verdict")
BOOKS: dict[str, "Quotes"] = {}  # by source folder


class NoNumber(SphinxError):
    """A page asks for what no run wrote."""

    category = "Not every number of the book is there"


def anchor(id: str) -> str:
    """The name of a claim's row on the page of the ledger."""
    return "claim-" + re.sub("[._]", "-", id).lower()


def mark(standing: str) -> str:
    """The badge of a number in HTML: a sign by the style sheet, and words for who does not see it."""
    return f'<span class="standing {standing}"><span class="said"> {standing.replace(" ", ", ")}</span></span>' if standing else ""


class badge(nodes.General, nodes.Inline, nodes.Element):
    """How a number came to be; pages of HTML alone show it."""


def show_badge(writer: Any, node: badge) -> None:
    writer.body.append(mark(node["standing"]))
    raise nodes.SkipNode


def hide_badge(writer: Any, node: badge) -> None:
    raise nodes.SkipNode


class Quotes:
    """What each role says, and what pages asked for in vain."""

    def __init__(self, src: Path):
        self.src = src
        self.said = json.loads((src / "quotes.json").read_text(encoding="utf-8"))
        self.missing: dict[tuple[str, str], str] = {}  # why, by page and words of the source
        self.placed: set[tuple[str, str]] = set()  # pages and the claims that they quote
        self.last = ("", "")  # the page and the claim of the number before

    def look_up(self, page: str, role: str, name: str) -> tuple[str, str, str]:
        """What a role says, the tip of its link, and the badge; of a verdict, its class."""
        if role in KEPT:
            chapter, key = name.rsplit(".", 1) if "." in name else (page.removeprefix("notebooks/"), name)
            if chapter in self.said["not run"]:
                return "not run", "", ""
            if (full := f"{chapter}.{key}") not in self.said["value"]:
                raise NoNumber(f"the run wrote no value {name!r}: keep it with page.value({key!r}, ...), or mend the name")
            return self.said["value"][full], "", KEPT[role]
        if name not in self.said["run"]:
            raise NoNumber(f"there is no claim {name!r} in data/claims.toml: add it, or mend the id")
        if name not in self.said[role]:
            raise NoNumber(f"the claim {name!r} has no number for {role}: give it one, or ask for another")
        beside, self.last = self.last == (page, name), (page, name)
        shown, tip, standing = self.said[role][name]
        return shown, tip, "" if role == "interval" and beside else standing

    def place(self, page: str, id: str) -> list[nodes.Node]:
        """Where a page quotes a claim first: the ledger leads there."""
        if (page, id) in self.placed:
            return []
        self.placed.add((page, id))
        return [nodes.target("", "", ids=[f"use-{anchor(id)}"])]

    def note(self, page: str, words: str, why: object) -> str:
        self.missing[page, words] = str(why)
        return words

    def refuse(self, app: Sphinx, env: BuildEnvironment) -> None:
        """Tell all that is missing, with file and line."""
        told = []
        for (page, words), why in self.missing.items():
            chapter = self.src / f"{page}.py"  # the source of a chapter lies beside its notebook
            path = chapter if chapter.exists() else Path(env.doc2path(page))
            lines = [str(n) for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if words in line]
            name = path.relative_to(self.src).as_posix()
            told.append(f"{name if chapter.exists() else f'book/{name}'}:{','.join(lines)}: {words}: {why}")
        if told:
            raise NoNumber("\n".join(told))


class Quote(SphinxRole):
    """A number: text of a run, or a link to a row of the ledger."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        quotes, page = BOOKS[str(self.env.srcdir)], self.env.docname
        self.env.note_dependency("quotes.json")
        if self.name == "use":
            m = re.fullmatch(r"(?s)(?:(.+) <)?([\w.]+)>?", self.text)
            assert m, self.text
            return [pending_xref("", nodes.inline("", m[1] or ""), refdomain="", reftype="use", reftarget=m[2])], []
        try:
            shown, tip, standing = quotes.look_up(page, self.name, self.text)
        except NoNumber as problem:
            return [nodes.Text(quotes.note(page, f"{{{self.name}}}`{self.text}`", problem))], []
        sign = [badge(standing=standing)] if standing else []
        if not tip:
            said, messages = self.inliner.parse(shown, self.lineno, self.inliner, self.inliner.parent)  # type: ignore[arg-type]
            return [nodes.inline("", "", *said, *sign, classes=[self.name])], messages
        about = {"refdomain": "", "reftype": "claim", "reftarget": anchor(self.text), "tip": tip}
        if self.name == "verdict":
            return [pending_xref("", nodes.Text(shown), looks=["status", standing], **about)], []
        link = pending_xref(
            "", nodes.inline("", shown), *sign, looks=["claim", self.name, *(["words"] if len(shown) > 24 else [])], **about
        )
        return [*quotes.place(page, self.text), link], []


class Thumb(SphinxRole):
    """A small picture of a figure of a run, as a link to it."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        quotes, m = BOOKS[str(self.env.srcdir)], re.fullmatch(r"(.+) <((\w+)/[\w-]+)>", self.text)
        if not m or m[2] not in quotes.said["figures"]:
            if not m or m[3] not in quotes.said["not run"]:
                quotes.note(self.env.docname, f"{{thumb}}`{self.text}`", "there is no such figure: write {thumb}`words <chapter/name>`")
            return [], []
        image = nodes.image("", uri=f"/thumbs/{m[2].replace('/', '-')}.png", alt=m[1], classes=["thumb"])
        about = {"page": f"notebooks/{m[3]}", "reftarget": quotes.said["figures"][m[2]]}
        return [pending_xref("", image, refdomain="", reftype="thumb", **about)], []


class Figure(patches.Figure, SphinxDirective):
    """A figure, with numbers in its alternative text; one of a run has links to its code and files under the caption."""

    def run(self) -> list[nodes.Node]:
        quotes, page = BOOKS[str(self.env.srcdir)], self.env.docname

        def number(m: re.Match) -> str:
            try:
                return quotes.look_up(page, m[1], m[2])[0]
            except NoNumber as problem:
                return quotes.note(page, m[0], problem)

        if "alt" in self.options:
            self.options["alt"] = re.sub(rf"\{{({'|'.join(ROLES)})\}}`([\w.]+)`", number, self.options["alt"])
        if m := re.fullmatch(r"(\S*results/((\w+)/[\w-]+))\.\*", self.arguments[0]):
            path, file, chapter = m.groups()
            files = {end: label for end, label in FILES.items() if (quotes.src / "results" / f"{file}.{end}").exists()}
            if "svg" not in files and chapter in quotes.said["not run"]:  # a figure elsewhere, of a chapter that failed
                return []
            if "svg" not in files:
                quotes.note(page, m[0], "the run wrote no such figure: save it with page.figure, or mend the name")
                return []
            links = [f"{{download}}`{label} <{path}.{end}>`" for end, label in files.items()]
            code = f"{{ref}}`code <code-{file.replace('/', '-')}>`"
            for line in ("", " · ".join([code, *links])):
                self.content.append(line, page)
            return self.in_both_modes(super().run())
        return super().run()

    @staticmethod
    def in_both_modes(made: list[nodes.Node]) -> list[nodes.Node]:
        """A figure with its drawing for dark pages beside the one for light pages."""
        for image in [image for node in made for image in node.findall(nodes.image)]:
            folder, _, name = image["uri"].rpartition("/")
            other = image.deepcopy()
            other["uri"] = f"{folder}/dark/{name}"
            image["classes"] = [*image["classes"], "on-light"]
            other["classes"] = [*other["classes"], "on-dark"]
            image.parent.insert(image.parent.index(image) + 1, other)
        return made


FILES = {"svg": "SVG", "pdf": "PDF", "png": "PNG", "data.csv": "data"}


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, words: nodes.Element) -> nodes.Element | None:
    """The link of a number to its row; for a label of a chapter without a run, a link to its page, which lists its labels."""
    here, target, text = node["refdoc"], node["reftarget"], words.astext()
    if node["reftype"] == "use":
        quotes = BOOKS[str(env.srcdir)]
        page = quotes.said["use"][target]
        if page not in env.titles:  # a book of a few pages
            return None
        place = f"use-{anchor(target)}" if (page, target) in quotes.placed else ""
        return make_refnode(app.builder, here, page, place, nodes.Text(text or env.titles[page].astext()))
    if node["reftype"] == "claim":
        if app.builder.format != "html":
            raise NoUri
        uri = f"{app.builder.get_relative_uri(here, 'claims')}#{target}"
        shown = [nodes.Text(text), *node.findall(badge)]
        return nodes.reference("", "", *shown, refuri=uri, internal=True, classes=node["looks"], reftitle=node["tip"])
    if node["reftype"] == "thumb":
        if app.builder.format != "html":
            raise NoUri
        uri = f"{app.builder.get_relative_uri(here, node['page'])}#{target}"
        return nodes.reference("", "", words, refuri=uri, internal=True)
    for page, about in env.metadata.items():
        if target in about.get("labels", "").split():
            named = node.get("refexplicit") and "%" not in text
            return make_refnode(app.builder, here, page, "", nodes.Text(text if named else env.titles[page].astext()))
    return None


def start(app: Sphinx) -> None:
    quotes = BOOKS[str(app.srcdir)] = Quotes(Path(app.srcdir))
    app.connect("env-updated", quotes.refuse)


def setup(app: Sphinx) -> dict[str, bool]:
    for name in (*ROLES, "use"):
        app.add_role(name, Quote(), override=True)
    app.add_role("thumb", Thumb(), override=True)
    app.add_node(badge, html=(show_badge, None), latex=(hide_badge, None), text=(hide_badge, None))
    app.add_directive("figure", Figure, override=True)
    app.connect("builder-inited", start)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": False}
