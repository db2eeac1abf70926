"""Recorded results, the files of ``data/results``: read, compared with those of a run, and replaced by those of a larger one."""

import json
from pathlib import Path
from typing import NamedTuple

from quotes import published_text, with_ends
from snncore import ledger
from snncore.statistics import text


def read_json(path: Path) -> list[dict]:
    """A file of ``data/results``; a damaged one is a ValueError that says how to restore it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged ({error}): restore it with 'git checkout data/results/{path.name}'") from error


def read_recorded(folder: Path) -> dict[str, dict]:
    """Committed rows of ``data/results/<chapter>.json``, by claim id.

    Raises ValueError if a file is not valid JSON, or two files have a row of the same id.
    """
    rows: dict[str, dict] = {}
    places: dict[str, Path] = {}
    for path in sorted(folder.glob("*.json")):
        for row in read_json(path) if path.name != "ledger.json" else ():
            if row["id"] in rows:
                raise ValueError(f"{places[row['id']]} and {path} both have a number for {row['id']!r}: remove that of the wrong chapter")
            rows[row["id"]], places[row["id"]] = row, path
    return rows


def read_ledger(folder: Path) -> dict[str, dict]:
    """The committed ledger ``data/results/ledger.json``, by claim id; empty if there is none.

    Raises ValueError if it is not valid JSON, or has a verdict that there is not.
    """
    path = folder / "ledger.json"
    entries = read_json(path) if path.exists() else []
    for entry in entries:
        if entry["status"] not in ledger.STATUSES:
            raise ValueError(f"{path}: {entry['id']} has the verdict {entry['status']!r}: there are {', '.join(ledger.STATUSES)}")
    return {entry["id"]: entry for entry in entries}


class Worsened(NamedTuple):
    """A claim that the committed ledger says was met, and that is not met now."""

    id: str
    quantity: str
    here: str
    status: str
    before: str
    before_status: str
    aim: str
    machine: str
    before_machine: str

    def __str__(self) -> str:
        return (
            f"{self.id} ({self.quantity}): {self.here} here, {self.before} recorded; {self.aim}. "
            f"Here: {self.machine}. Recorded: {self.before_machine}."
        )


def worsened(claims: dict[str, ledger.Claim], committed: dict[str, dict], entries: list[dict]) -> list[Worsened]:
    """Claims that the committed ledger says were met and that are not met now, but for times: machines differ."""
    found = []
    for entry in entries:
        claim, before = claims[entry["id"]], committed.get(entry["id"], {})
        if claim.timed or entry["status"] not in ("differs", "not-settled") or before.get("status") not in ledger.MET:
            continue
        if claim.target is not None:
            aim = f"the aim is {'at most' if claim.better == 'lower' else 'at least'} {text(claim.target, claim.unit)}"
        else:
            aim = f"published is {published_text(claim)}" + (f" ± {claim.tolerance:.2%}" if claim.tolerance is not None else "")
        old = {key: before.get(key) for key in (*ledger.ROW, "unit")}
        machines = [str(row["machine"] or "unknown machine") for row in (entry, old)]
        found.append(
            Worsened(claim.id, claim.quantity, with_ends(entry), entry["status"], with_ends(old), before["status"], aim, *machines)
        )
    return found


def keep_larger(recorded: dict[str, dict], new: dict[str, dict]) -> dict[str, dict]:
    """Recorded rows after a run: a new row replaces one of the same or a smaller preset; smoke rows are never kept."""
    kept = dict(recorded)
    for id, row in new.items():
        size = ledger.PRESETS.index(row["preset"])
        if size > 0 and (id not in kept or size >= ledger.PRESETS.index(kept[id]["preset"])):
            kept[id] = row
    return kept
