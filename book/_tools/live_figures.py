"""Figures that compute in the page, for Sphinx: the directive ``live``, around the figure that they come from.

    ::::{live} arm
    ```{figure} ../results/one_shot/movements.*
    ...
    ```
    ::::

becomes ``<snn-arm> the figure </snn-arm>``. The page loads from ``_static/live``: ``live.css``, ``core.js``, ``arm_*.js``, ``arm.js``; the
last loads its data, ``arm.data.js``: what a run wrote by ``Record.document("arm.live", ...)``. Other builders show the figure alone.
"""

from pathlib import Path
from typing import ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import OptionSpec
from sphinx.writers.html5 import HTML5Translator

FOLDER = "live"  # of _static


class live(nodes.container):
    """The element around a figure; ``name`` says which."""


class Live(SphinxDirective):
    """The directive; the option ``label`` is the figure's name for screen readers."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[OptionSpec] = {"label": str}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if not (Path(self.env.srcdir) / "_static" / FOLDER / f"{name}.js").exists():
            raise self.error(f"there is no live figure {name!r}: write book/_static/{FOLDER}/{name}.js, or mend the name")
        node = live(name=name, label=self.options.get("label", "Live figure"))
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


def enter(self: HTML5Translator, node: live) -> None:
    self.body.append(f'<snn-{node["name"].replace("_", "-")} label="{self.attval(node["label"])}">\n')


def leave(self: HTML5Translator, node: live) -> None:
    self.body.append(f"</snn-{node['name'].replace('_', '-')}>\n")


def load(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Only pages with a live figure load its scripts and its style; Jupyter Book would load all that is in ``_static`` on all pages."""
    for key in ("script_files", "css_files"):
        context[key][:] = [file for file in context[key] if not str(file.filename).startswith(f"_static/{FOLDER}/")]
    names = dict.fromkeys(node["name"] for node in doctree.findall(live)) if doctree else {}
    if not names:
        return
    app.add_css_file(f"{FOLDER}/live.css")
    folder = Path(app.srcdir) / "_static" / FOLDER
    parts = [sorted(path.name for path in folder.glob(f"{name}_*.js") if not path.name.endswith(".data.js")) for name in names]
    files = ["core.js", *(file for name, before in zip(names, parts, strict=True) for file in (*before, f"{name}.js"))]
    for k, file in enumerate(files):
        app.add_js_file(f"{FOLDER}/{file}", priority=600 + k, loading_method="defer")


def write_data(src: Path) -> None:
    """Write the data of live figures as scripts, since pages that are opened from a folder can load nothing else."""
    folder = src / "_static" / FOLDER
    for path in sorted(src.glob("results/*/*.live.json")):
        name, text = path.name.removesuffix(".live.json"), path.read_text(encoding="utf-8").strip()
        script = f'((globalThis.snnLive ||= {{}}).data ||= {{}})["{name}"] = {text};\n'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.data.js").write_text(script, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    nothing = (lambda self, node: None, lambda self, node: None)
    app.add_node(live, html=(enter, leave), latex=nothing, text=nothing, man=nothing, texinfo=nothing)
    app.add_directive("live", Live)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True}
