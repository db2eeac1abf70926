"""The claim ledger: every claim of the talk beside what a run here gave, and the verdict.

A claim says what was published and how closely a run must agree (``data/claims.toml``); a row is what a run wrote. Rows of the run at
hand are *live*; committed rows of ``data/results`` are *recorded*. Claims that are only quoted are *cited*.
"""

import math
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from snncore.datafiles import package_file
from snncore.statistics import Printed

PRESETS = ("smoke", "book", "paper")
KINDS = ("reproduced", "emulated", "cited")
SOURCE_CLASSES = {"talk": "talk", "paper": "paper", "log": "authors' code or log", "ours": "ours"}
STATUSES = ("agrees", "better", "meets", "differs", "not-settled", "inconsistent", "definition", "reported", "not-run")
MET = ("agrees", "better", "meets", "definition")


@dataclass(frozen=True)
class Claim:
    """One row of ``data/claims.toml``; its head comment explains the fields."""

    id: str
    chapter: str
    where: str
    quantity: str
    kind: str
    source_class: str
    source: str
    published: float | str | None = None
    unit: str = ""
    tolerance: float | None = None
    target: float | None = None
    better: str | None = None
    value: float | str | None = None
    value_source: str | None = None
    bound: str | None = None
    inconsistent: str | None = None
    otherwise: str = "this does not hold here"
    definition: str = ""
    unsettled: str = ""
    target_since: str = ""
    minimum: str = "book"
    note: str = ""

    @property
    def of(self) -> str:
        """Whose claim it is: "talk", of a slide or of what it rests on, or "package", a check of ours."""
        return "talk" if self.where != "ours" else "package"

    @property
    def timed(self) -> bool:
        """Whether it depends on the speed of a machine, which one chapter measures: no other run repeats the number."""
        return self.chapter == "speed"

    def __post_init__(self):
        def refuse(field: str, why: str):
            raise ValueError(f"claim {self.id!r}: {field} is {getattr(self, field)!r}: {why}")

        for field in ("chapter", "where", "quantity", "source"):
            if not isinstance(getattr(self, field), str) or not getattr(self, field):
                refuse(field, "give a text")
        for field, allowed in (
            ("kind", KINDS),
            ("source_class", SOURCE_CLASSES),
            ("better", ("lower", "higher", None)),
            ("bound", ("<", ">", None)),
            ("minimum", PRESETS),
        ):
            if getattr(self, field) not in allowed:
                refuse(field, "choose one of " + ", ".join(str(a) for a in allowed if a))
        for field in ("published", "tolerance", "target", "value"):
            number = getattr(self, field)
            if isinstance(number, bool) or (isinstance(number, float) and not math.isfinite(number)):
                refuse(field, "give a finite number")
        if self.target is not None and self.better is None:
            refuse("better", "a target needs a direction, lower or higher")
        if self.target is not None and not re.fullmatch("[0-9a-f]{10}", self.target_since):
            refuse("target_since", "name the commit that set the target, by 10 digits")
        if self.tolerance is not None and not (isinstance(self.published, int | float) and self.tolerance >= 0):
            refuse("tolerance", "it needs a published number, and must not be negative")
        if self.published is None and self.target is None and (self.kind == "cited" or self.source_class != "ours"):
            refuse("published", "a claim that is cited or of others needs what was published; only a number of ours may stand alone")
        if self.kind != "cited" and isinstance(self.published, int | float) and self.tolerance is None and self.target is None:
            refuse("tolerance", "a published number that a run can meet needs a tolerance or a target")
        if self.value is not None and (self.kind != "cited" or not self.value_source):
            refuse("value", "a second published number belongs to a cited claim and needs its value_source")


@dataclass(frozen=True)
class Slide:
    """A slide of the talk and the chapter that treats it."""

    n: int
    title: str
    page: str
    figure: str = ""
    shows: str = ""


def _build(cls, table: dict):
    try:
        return cls(**table)
    except TypeError as error:  # a field that is missing, or unknown
        raise ValueError(f"{cls.__name__.lower()} {table.get('id', table.get('title'))!r}: {error}") from error


def read_claims(path: Path) -> tuple[list[Slide], dict[str, Claim]]:
    """Slides and claims of ``claims.toml``. Raises ValueError if it is not valid TOML, or naming the claim and the field that is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Printed)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    slides = [_build(Slide, s) for s in content.get("slide", [])]
    claims: dict[str, Claim] = {}
    numbers = {str(s.n) for s in slides}
    for table in content.get("claim", []):
        claim = _build(Claim, table)
        if claim.id in claims:
            raise ValueError(f"claim {claim.id!r} stands twice in {path.name}: one id, one number")
        if claim.where.startswith("slide ") and claim.where.removeprefix("slide ") not in numbers:
            raise ValueError(f"claim {claim.id!r}: where is {claim.where!r}: there is no such slide")
        claims[claim.id] = claim
    return slides, claims


@cache
def package_claims() -> dict[str, Claim]:
    """The claims of this package, by id."""
    return read_claims(package_file("claims.toml"))[1]


def named(claims: dict[str, Claim], id: str, where: str) -> Claim:
    """The claim of this id that a run may enter a number for. Raises ValueError if there is none, or if it is cited."""
    if id not in claims:
        raise ValueError(f"{where} has a number for {id!r}, which is no claim of data/claims.toml: add the claim, or mend the id")
    if claims[id].kind == "cited":
        raise ValueError(f"{where} has a number for {id!r}, a claim of kind cited: a number that a run wrote is reproduced or emulated")
    return claims[id]


def _beyond(a: float, b: float, better: str | None) -> bool:
    return (better == "lower" and a < b) or (better == "higher" and a > b)


def status(
    claim: Claim, ours: float | str | bool | None, bound: str | None = None, low: float | None = None, high: float | None = None
) -> str:
    """The verdict on a claim: one of `STATUSES`. It uses the interval from ``low`` to ``high``, or to infinity on the side of ``bound``.

    - **inconsistent**: the talk contradicts itself or its source, whatever a run gives.
    - **not-run**: no run here has given a number.
    - **agrees**: with what others published: within the tolerance, equal to the words, or as good as the target by which we judge words,
      and not short of the published number. True says that the published words hold.
    - **better**: beyond the published number in the better direction, by more than the tolerance.
    - **meets**: our own target, or a number that we computed before.
    - **definition**: it holds by construction (the claim says why) and could not have failed.
    - **not-settled**: parts of the interval have different verdicts, or the claim says why no verdict can be given yet.
    - **reported**: a number of ours with neither a published number nor a target.
    - **differs**: none of these.

    Of a cited claim with a bound or a tolerance, the second published number is held against the first.
    """
    if claim.inconsistent:
        return "inconsistent"
    if claim.kind == "cited":
        return _cited(claim)
    if ours is None:
        return "not-run"
    verdict = _judged(claim, ours, bound, low, high)
    if claim.unsettled and verdict != "reported":
        return "not-settled"
    return "definition" if claim.definition and verdict in MET else verdict


def _cited(claim: Claim) -> str:
    published, value = claim.published, claim.value
    if not isinstance(value, int | float) or not isinstance(published, int | float):
        return "not-run"
    if claim.bound:
        return "agrees" if (value < published) == (claim.bound == "<") else "inconsistent"
    if claim.tolerance is None:
        return "not-run"
    return "agrees" if abs(value - published) <= claim.tolerance * abs(published) else "differs"


def _judged(claim: Claim, ours: float | str | bool, bound: str | None, low: float | None, high: float | None) -> str:
    published, target = claim.published, claim.target
    met = "meets" if published is None or claim.source_class == "ours" else "agrees"
    if isinstance(ours, bool):
        return met if ours else "differs"
    if published is None and target is None:
        return "reported"
    if isinstance(ours, str) or (isinstance(published, str) and target is None):
        return met if ours == published else "differs"
    lowest, highest = (ours if end is None else end for end in (low, high))
    lowest, highest = -math.inf if bound == "<" else lowest, math.inf if bound == ">" else highest
    inside = [x for x in (published, target) if isinstance(x, int | float) and lowest < x < highest]
    verdicts = {_of_number(claim, x, met) for x in (lowest, ours, highest, *inside)}
    return verdicts.pop() if len(verdicts) == 1 else met if verdicts == {met, "better"} else "not-settled"


def _of_number(claim: Claim, ours: float, met: str) -> str:
    """The verdict on a number without an interval."""
    published = None if isinstance(claim.published, str) else claim.published  # words beside a target: the target decides
    margin = (claim.tolerance or 0.0) * abs(published) if published is not None else 0.0
    beats_published = published is not None and abs(ours - published) > margin and _beyond(ours, published, claim.better)
    if claim.target is not None:
        reached = ours == claim.target or _beyond(ours, claim.target, claim.better)
        short = published is not None and abs(ours - published) > margin and _beyond(published, ours, claim.better)
        return ("better" if beats_published else met) if reached and not short else "differs"
    if published is not None and abs(ours - published) <= margin * (1 + 1e-9):
        return met
    return "better" if beats_published else "differs"


ROW = ("ours", "bound", "low", "high", "preset", "dataset", "n", "seeds", "commit", "seconds", "machine")


def merge(claims: dict[str, Claim], recorded: dict[str, dict], live: dict[str, dict]) -> list[dict]:
    """The ledger: one entry per claim, with the live row if this run wrote one, else the recorded row.

    Raises ValueError if a row names no claim, or if a cited claim has one.
    """
    for rows, where in ((recorded, "data/results"), (live, "this run")):
        for id in rows:
            named(claims, id, where)
    entries = []
    for id, claim in claims.items():
        row = live.get(id) or recorded.get(id) or {}
        verdict = status(claim, *(row.get(key) for key in ("ours", "bound", "low", "high")))
        entry = {"id": id, "of": claim.of, "published": claim.published, "unit": claim.unit, "status": verdict, "kind": claim.kind}
        entry |= {"against": claim.source_class, "target": claim.target, "timed": claim.timed}
        entry |= {key: row.get(key) for key in ROW} | {"live": id in live}
        if isinstance(entry["ours"], bool):  # the published words, or those for their contrary, stand in claims.toml alone
            entry["ours"] = claim.published if entry["ours"] else claim.otherwise
        entries.append(entry)
    return entries
