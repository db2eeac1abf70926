"""The navigation beside each page, for Sphinx: made from the titles of all pages, which are taken out of their contents once.

Sphinx copies the contents of all pages, with every section and every function of the API, for each page anew, and drops all but the titles
then: 40 % of the time of a build.
"""

from functools import cache

from docutils import nodes
from sphinx.addnodes import toctree
from sphinx.application import Sphinx


@cache
def titles(app: Sphinx) -> dict[str, nodes.bullet_list]:
    """The contents of each page that Sphinx keeps for a navigation of titles: its title, and where it names other pages."""
    kept = {page: contents.deepcopy() for page, contents in app.env.tocs.items()}
    for contents in kept.values():
        for top in contents:
            if len(top) > 1:
                top[1:] = [nodes.bullet_list("", *below)] if (below := list(top.findall(toctree))) else []
    return kept


def lighten(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    whole, make = app.env.tocs, context["toctree"]

    def navigation(**options: object) -> str:
        app.env.tocs = titles(app) if options.get("titles_only") else whole
        try:
            return make(**options)
        finally:
            app.env.tocs = whole

    context["toctree"] = navigation


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", lighten, priority=400)  # before the theme asks
    return {"parallel_read_safe": True}
