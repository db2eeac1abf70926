"""The ledger: claims on one line each, the rest unfolds; by slide and by chapter, with slides and verdicts in one picture on top.

The rows are complete without a script; ``_static/live/ledger.js`` adds search and filters.
"""

import html
from collections import Counter
from typing import TYPE_CHECKING

from ledger_roles import anchor, mark
from project import plain
from quotes import OUTCOMES, badge, ends_text, number, outcome, published_text, verdict
from snncore import ledger
from snncore.statistics import text as printed

if TYPE_CHECKING:
    from stage import Staging

HEAD = '<div class="row-head" aria-hidden="true"><span>claim</span><span>published</span><span>ours</span><span>verdict</span></div>'


def row(staging: "Staging", id: str, home: bool, up: str = "../") -> str:
    """A claim; at ``home``, in the ledger, others lead to it, and it leads back."""
    c, e = staging.claims[id], staging.entries[id]
    said = "<span class='said'>{} </span>"
    theirs = said.format("published") + html.escape(published_text(c)) + mark(badge("published", c, e)) if c.published is not None else ""
    shown, sign, ours = number("claim", c, e), badge("claim", c, e), ""
    if shown and sign:
        ends = "" if e["bound"] or e["low"] is None or c.kind == "cited" else f" <small>({ends_text(e)})</small>"
        ours = said.format("found elsewhere" if c.kind == "cited" else "ours") + html.escape(shown) + mark(sign) + ends
    slide = c.where.removeprefix("slide ") if c.where.startswith("slide ") else ""
    about = {"verdict": outcome(e), "standing": kind(sign), "chapter": c.chapter, "slide": slide, "of": c.of}
    data = " ".join(f'data-{key}="{value}"' for key, value in about.items())
    name = f' id="{anchor(id)}"' if home else ""
    cells = (html.escape(c.quantity), theirs, ours, f'<span class="status {outcome(e)}">{verdict(e)}</span>' + beside_target(c, e))
    line = "".join(f'<span class="{what}">{cell}</span>' for what, cell in zip(("what", "theirs", "ours", "verdict"), cells, strict=True))
    unfolded = " open" if id in staging.worsened else ""
    return f'<details class="row"{name} {data}{unfolded}><summary>{line}</summary>\n\n{details(staging, id, home, up)}\n\n</details>'


def beside_target(claim: ledger.Claim, entry: dict) -> str:
    """A number that is not met, and its interval, beside our target: a picture whose right side is the better one, in its own scale."""
    ours = entry["ours"]
    if outcome(entry) not in ("differs", "not-settled") or claim.target is None or entry["bound"] or isinstance(ours, str):
        return ""
    sign = -1 if claim.better == "lower" else 1
    left, dot, right = sorted(sign * ((ours if x is None else x) - claim.target) for x in (entry["low"], ours, entry["high"]))
    where = "short of the target" if right < 0 else "beyond the target" if left > 0 else "on both sides of the target"
    scale = 50 / (max(-left, right) or 1)
    shapes = (
        f'<title>{where}</title><path class="better" d="M0-8h56v16H0z"/><path d="M0-8v16"/>'
        f'<path class="ends" d="M{scale * left:.1f} 0H{scale * right:.1f}"/><circle cx="{scale * dot:.1f}" r="4"/>'
    )
    return f'<svg class="beside" viewBox="-56 -8 112 16" role="img" aria-label="{where}">{shapes}</svg>'


def kind(badge: str) -> str:
    """The word by which the ledger filters: emulated numbers are one kind, live or not."""
    return badge.split()[0] if badge else "not run"


def details(staging: "Staging", id: str, home: bool, up: str) -> str:
    """Whose claim it is and why it is judged so: a list."""
    c, e = staging.claims[id], staging.entries[id]
    at = f"quoted in {{use}}`{id}`" if home else f'<a href="{up}claims.html#{anchor(id)}">in the ledger</a>'
    where = f", {c.where}" if c.where.startswith("slide") and c.where not in c.source else ""
    whose = "Expected by us" if c.source_class == "ours" and c.published is not None else ledger.SOURCE_CLASSES[c.source_class].capitalize()
    lines = [f"{whose}: {plain(c.source)}{where}; {at}; `{id}`"]
    if c.target is not None:
        sign = "≤" if c.better == "lower" else "≥"
        lines.append(f"Our target: {sign} {plain(printed(c.target, c.unit))}, set in commit `{c.target_since}`")
    if c.value is not None:
        lines.append(f"Found elsewhere: {plain(c.value_source or '')}")
    if e["ours"] is not None:
        run = [f"n = {e['n']:,}" if e["n"] else "", e["dataset"] or "", f"preset {e['preset']}", badge("claim", c, e).replace(" ", ", ")]
        lines.append("Ours: " + plain(", ".join(part for part in run if part)))
    worse = f"Worse than recorded: {staging.worsened[id]}" if id in staging.worsened else ""
    why = (worse, c.definition and f"By definition: {c.definition}", c.unsettled and f"Not settled: {c.unsettled}", c.inconsistent, c.note)
    return "\n".join(f"- {line}" for line in [*lines, *(plain(text) for text in why if text)])


def rows(staging: "Staging", ids: list[str], home: bool, up: str = "../") -> str:
    return "\n\n".join([*([] if home else [HEAD]), *(row(staging, id, home, up) for id in ids)])


def chapter_ledger(staging: "Staging", chapter: str | None) -> str:
    return rows(staging, [c.id for c in staging.claims.values() if c.chapter == chapter], home=False)


def all_claims(staging: "Staging", _: str | None) -> str:
    """The talk's claims, slide by slide, and the checks of this package, chapter by chapter."""
    talk = [c for c in staging.claims.values() if c.of == "talk"]
    parts = [matrix(staging), '<div id="ledger-filters"></div>\n<script defer src="_static/live/ledger.js"></script>']
    parts.append(f"(talk-claims)=\n## The talk's claims\n\n{HEAD}")
    for s in staging.slides:
        if ids := [c.id for c in talk if c.where == f"slide {s.n}"]:
            page = "" if s.page == "index" else f"[{staging.chapters[s.page].title}](notebooks/{s.page})"
            parts.append(f"(slide-{s.n})=\n{group(staging, f'Slide {s.n}: {s.title}', ids, page)}")
    behind = [c.id for c in talk if not c.where.startswith("slide ")]
    parts.append(group(staging, "Behind the slides: papers, and the authors' programs and logs", behind) if behind else "")
    parts.append(f"(package-claims)=\n## Checks of this package\n\n{HEAD}")
    for page, title in {"index": "The talk as a whole", **{c.name: c.title for c in staging.chapters.values()}}.items():
        if ids := [c.id for c in staging.claims.values() if c.of == "package" and c.chapter == page]:
            parts.append(group(staging, title, ids))
    return "\n\n".join(parts)


def unmet(staging: "Staging", _: str | None) -> str:
    """What differs, is not settled, contradicts itself or was not run: first the talk's claims."""
    parts = []
    for key in ("differs", "inconsistent", "not-settled", "not-run"):
        entries = [e for e in staging.entries.values() if outcome(e) == key]
        ids = [e["id"] for e in sorted(entries, key=lambda e: e["of"] != "talk")]
        parts.append(f"### {OUTCOMES[key].capitalize()}\n\n{rows(staging, ids, home=False, up='')}" if ids else "")
    return "\n\n".join(parts)


def group(staging: "Staging", title: str, ids: list[str], page: str = "") -> str:
    count = Counter(verdict(staging.entries[id]) for id in ids)
    counts = [f"{word}: {n}" for word, n in count.most_common()]
    return f"### {plain(title)}\n\n{' · '.join([page, *counts] if page else counts)}\n\n{rows(staging, ids, home=True)}"


def matrix(staging: "Staging") -> str:
    """Slides beside verdicts: how many claims have which, each a view of the ledger."""
    found = {}
    for s in staging.slides:
        found[s.n] = Counter(outcome(staging.entries[c.id]) for c in staging.claims.values() if c.where == f"slide {s.n}")
    lines = []
    for key, words in OUTCOMES.items():
        if not any(count[key] for count in found.values()):
            continue
        cells = []
        for s in staging.slides:
            n, name = found[s.n][key], html.escape(f"slide {s.n}, {s.title}: {found[s.n][key]} {words}")
            view = f'<a href="#slide={s.n}&amp;verdict={key}" aria-label="{name}" title="{name}">{n}</a>'
            cells.append(f'<td class="square {key}">{view}</td>' if n else "<td></td>")
        lines.append(f'<tr><th scope="row"><a href="#verdict={key}">{words}</a></th>{"".join(cells)}</tr>')
    heads = []
    for s in staging.slides:
        name = html.escape(f"slide {s.n}, {s.title}")
        link = f'<a href="#slide-{s.n}" title="{name}" aria-label="{name}">{s.n}</a>' if sum(found[s.n].values()) else str(s.n)
        heads.append(f'<th scope="col">{link}</th>')
    caption = "<caption>Claims of the talk, by slide and verdict. A square shows its claims below.</caption>"
    head = f'<thead><tr><th scope="col">slide</th>{"".join(heads)}</tr></thead>'
    table = f"<table>{caption}{head}<tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="matrix" tabindex="0" role="region" aria-label="slides and verdicts">{table}</div>'
