"""Generated parts of the first page: what the badges mean, how to cite, how many claims have which verdict, the chapters."""

from collections import Counter
from typing import TYPE_CHECKING

import yaml

from ledger_roles import mark
from project import table
from quotes import outcome, standing

if TYPE_CHECKING:
    from stage import Staging

BADGES = {
    "live": "the run that made these pages computed it, with code and data as they are now",
    "recorded": "an earlier, often longer run computed it",
    "emulated live": "a stated model of a chip predicts it; hollow if an earlier run did",
    "cited": "quoted from the talk, a paper or a log",
}


def legend(staging: "Staging", _: str | None) -> str:
    """What each badge means."""
    rows = "".join(f"<li>{mark(badge)}<b>{badge.split()[0]}</b> {words}</li>" for badge, words in BADGES.items())
    return f'<ul class="legend-of-badges">{rows}</ul>'


def cite(staging: "Staging", _: str | None) -> str:
    """The entry of this book for BibTeX, of CITATION.cff, and where its repository is, if that says so."""
    files = (staging.project.root / "CITATION.cff", staging.project.root / "book" / "_config.yml")
    about, book = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)
    authors = " and ".join(f"{{{a['name']}}}" if "name" in a else f"{a['family-names']}, {a['given-names']}" for a in about["authors"])
    fields = {"author": authors, "title": about["title"], "year": book["copyright"], "version": about["version"]}
    url = about.get("repository-code") or about.get("url")
    fields |= {"url": url} if url else {}
    width = max(map(len, fields))
    lines = "\n".join(f"  {key:{width}} = {{{value}}}," for key, value in fields.items())
    return f"```bibtex\n@software{{snncore,\n{lines}\n}}\n```" + (f"\n\nRepository: <{url}>" if url else "")


def strip(staging: "Staging", _: str | None) -> str:
    """How many of our numbers are live."""
    count = Counter(standing(e) for e in staging.entries.values())
    ours = f"<b>{count['live']} live</b> · {count['recorded']} recorded · {count['not run']} not run, of our own numbers"
    return f'<p class="strip">{ours}. <a href="claims.html">See the ledger</a>.</p>'


def verdicts(staging: "Staging", _: str | None) -> str:
    """How many claims have which verdict, of those that could have failed and of the others."""
    rows, counted = [], ("definition", "inconsistent", "reported", "not-run", "cited-only")
    parts = (
        ("talk", "The talk's own words and numbers", lambda e: e["against"] == "talk"),
        ("talk", "Papers and logs behind it", lambda e: e["against"] != "talk"),
        ("package", "Checks of this package", lambda _: True),
    )
    for of, title, chosen in parts:
        entries = [e for e in staging.entries.values() if e["of"] == of and chosen(e)]
        count = Counter(map(outcome, entries))
        agree = count["agrees"] + count["better"] + count["meets"]
        evidence = [f"**{n}**" for n in (agree, count["differs"], count["not-settled"])]
        rows.append([f"[{title}](#{of}-claims)", *evidence, *(count[status] for status in counted)])
    head = ("", "agree", "differ", "not settled", "by definition", "inconsistent", "only reported", "not run", "only cited")
    return table(head, rows)


def chapter_table(staging: "Staging", _: str | None) -> str:
    rows = []
    for c in staging.chapters.values():
        m = staging.manifests.get(c.name)
        live = sum(e["live"] for e in staging.entries.values() if staging.claims[e["id"]].chapter == c.name)
        total = sum(claim.chapter == c.name for claim in staging.claims.values())
        took = f"{m['seconds']:.0f} s ({m['preset']})" if m else "not run"
        rows.append([f"[{c.title}](notebooks/{c.name})", c.summary, f"{live} of {total}", took])
    return table(("chapter", "what you will see", "claims live", "time"), rows)
