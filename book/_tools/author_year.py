"""Labels of the bibliography as the text cites: authors and year, sorted by them. A style of pybtex, for ``bibtex_default_style``."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx


def label(entry: Entry) -> str:
    """Such as "Stöckl and Maass, 2021"."""
    people = [" ".join(str(part) for part in (*p.rich_prelast_names, *p.rich_last_names)) for p in entry.persons["author"]]
    return f"{' and '.join(people) if len(people) < 3 else f'{people[0]} et al.'}, {entry.fields['year']}"


class Labels(BaseLabelStyle):
    def format_labels(self, sorted_entries: Sequence[Entry]) -> Iterator[str]:
        """A letter tells works of the same authors and year apart."""
        labels = [label(entry) for entry in sorted_entries]
        often, seen = Counter(labels), Counter[str]()
        for one in labels:
            seen[one] += 1
            yield one + (chr(ord("a") + seen[one] - 1) if often[one] > 1 else "")


class AuthorYear(Style):
    default_label_style = Labels


def setup(app: Sphinx) -> dict[str, bool]:
    register_plugin("pybtex.style.formatting", "author_year", AuthorYear)
    return {"parallel_read_safe": True}
