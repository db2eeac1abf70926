"""What the roles of the book say of each claim: its numbers as they are printed, and whose they are."""

from pathlib import Path

from project import read_json
from snncore import ledger
from snncore.ledger import Claim
from snncore.statistics import interval
from snncore.statistics import text as printed


def published_text(claim: Claim) -> str:
    """The published value as the book prints it."""
    return (claim.bound + " " if claim.bound else "") + printed(claim.published, claim.unit)


def ours_text(entry: dict) -> str:
    """Our number of an entry as the book prints it: with the decimals of its interval; with ">" or "<", if it lies beyond."""
    ours, ends = entry["ours"], (entry["low"], entry["high"])
    if entry["bound"]:
        return f"{entry['bound']} {printed(ours, entry['unit'])}"
    if entry.get("timed") and not isinstance(ours, str):
        return printed(float(f"{ours:.2g}"), entry["unit"])  # two digits are what another run gives, too
    if isinstance(ours, str) or None in ends or ends[0] == ends[1] or all(float(x).is_integer() for x in (ours, *ends)):
        return printed(ours, entry["unit"])
    low = ends_text(entry).split("\u00a0")[0]
    if "e" in low:
        return printed(ours, entry["unit"])
    return f"{ours:z,.{len(low.partition('.')[2])}f}" + printed(0, entry["unit"]).removeprefix("0")


def standing(entry: dict) -> str:
    """Where the number of an entry comes from: live, cited, recorded, or not run."""
    if entry["live"]:
        return "live"
    if entry["kind"] == "cited":
        return "cited"
    return "recorded" if entry["ours"] is not None else "not run"


AGAINST = {"talk": "the talk", "paper": "the paper", "log": "the authors' log", "ours": "what we expect"}


OUTCOMES = {  # in words
    "agrees": "agrees",
    "better": "better",
    "meets": "meets our target",
    "differs": "differs",
    "not-settled": "not settled",
    "inconsistent": "inconsistent",
    "definition": "by definition",
    "reported": "only reported",
    "not-run": "not run",
    "cited-only": "cited only",
}


def outcome(entry: dict) -> str:
    """What came of an entry, to be counted: its status, or that it is only cited."""
    return "cited-only" if entry["kind"] == "cited" and entry["status"] == "not-run" else entry["status"]


def verdict(entry: dict) -> str:
    """The verdict on an entry as the book prints it."""
    key = outcome(entry)
    if preposition := {"agrees": "with", "better": "than"}.get(key):
        return f"{key} {preposition} {AGAINST[entry['against']]}"
    return "as expected" if key == "meets" and entry["target"] is None else OUTCOMES[key]


def quotes(claims: dict[str, Claim], entries: dict[str, dict]) -> dict[str, dict]:
    """By role and claim: the words, the tip of their link and the badge. No entry, where there is no number."""
    said: dict[str, dict] = {role: {} for role in ("claim", "published", "interval", "run", "verdict")}
    for id, e in entries.items():
        said["run"][id] = (origin(e), "", "")
        said["verdict"][id] = (verdict(e), claims[id].quantity, outcome(e))
        for role in ("claim", "published", "interval"):
            if shown := number(role, claims[id], e):
                said[role][id] = (shown, whose(role, claims[id], e), badge(role, claims[id], e))
    return said


def badge(role: str, c: Claim, e: dict) -> str:
    """How a number came to be: live or recorded, and emulated if a model of a chip predicts it; or cited. Empty, if there is no number."""
    if role == "published":
        return "expected" if c.source_class == "ours" and c.kind != "cited" else "cited"
    if c.kind == "cited":
        return "cited"
    if number(role, c, e) in ("not run", "not recorded"):
        return ""
    return ("emulated " if c.kind == "emulated" else "") + standing(e)


def values(results: Path, chapters: list[str]) -> dict[str, str]:
    """The numbers that the runs kept for the text, by chapter and name."""
    found: dict[str, str] = {}
    for chapter in chapters:
        kept, timed = (read_json(results / chapter / f"{name}.json") or {} for name in ("values", "timings"))
        found |= {f"{chapter}.{name}": value["text"] for name, value in (kept | timed.get("values", {})).items()}
    return found


def number(role: str, c: Claim, e: dict) -> str | None:
    """The number that a role quotes, as it is printed; None if a run or a source should have given one, and has not."""
    cited = c.kind == "cited"
    ours = c.value if cited else e["ours"]
    if role == "published":
        return None if c.published is None else published_text(c)
    if role == "claim" and ours is not None:
        return printed(ours, c.unit) if cited else ours_text(e)
    if role == "interval" and (e["bound"] or e["low"] is not None):
        return ends_text(e)
    if cited or e["live"]:
        return None
    return "not run" if ours is None else "not recorded"  # by no run yet, or by one of older code, which gave no interval


def ends_text(entry: dict) -> str:
    """The interval of a number. One that is only known to lie beyond has ends as far as they are known."""
    low, high = entry["low"], entry["high"]
    if entry["bound"]:
        first, last = (printed(end) if end is not None else f"{entry['bound']} {printed(entry['ours'])}" for end in (low, high))
        return first if first == last else f"{first}\u00a0to\u00a0{last}"
    if None in (low, high):
        known = [f"at {side} {printed(end)}" for side, end in (("least", low), ("most", high)) if end is not None]
        return known[0] if known else "–"
    if all(float(x).is_integer() for x in (entry["ours"], low, high)):
        return f"{low:,.0f}\u00a0to\u00a0{high:,.0f}"
    return interval(low, high)


def with_ends(entry: dict) -> str:
    """Our number with its interval, if it has one that says more than its bound."""
    return ours_text(entry) + ("" if entry["bound"] or None in (entry["low"], entry["high"]) else f" ({ends_text(entry)})")


def whose(role: str, c: Claim, e: dict) -> str:
    """Whose number it is, as the tip of a link says it."""
    source = ledger.SOURCE_CLASSES[c.source_class] + ("" if c.where == "ours" else f", {c.where}")
    if role == "published" or c.kind == "cited":
        if role == "claim" and c.value_source:
            return f"cited: {c.value_source}"
        return f"{'expected' if c.source_class == 'ours' else 'cited'}: {source}"
    if e["ours"] is None:
        return "ours: not run"
    parts = [f"ours, {standing(e)}: {with_ends(e)}"]
    if c.published is not None:
        parts.append(f"{'expected' if c.source_class == 'ours' else source}: {published_text(c)}")
    return "; ".join([*parts, verdict(e)])


def origin(entry: dict) -> str:
    """Which run gave our number."""
    if entry["live"]:
        return "this run"
    return "not run" if entry["ours"] is None else f"a recorded run of commit `{entry['commit']}` on {entry['machine']}"
