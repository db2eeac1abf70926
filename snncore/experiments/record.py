"""Write down what a chapter found: claims, values, tables, figures. Same run, same bytes; timings are kept apart."""

import json
import math
import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from snncore.datafiles import RESULTS
from snncore.experiments import PRESETS


def read_rows(folder: Path) -> list[dict]:
    """The claims that a run wrote into its folder, timed ones included."""
    rows, timings = folder / "rows.json", folder / "timings.json"
    timed = json.loads(timings.read_text())["rows"] if timings.exists() else []
    return (json.loads(rows.read_text()) if rows.exists() else []) + timed


@runtime_checkable
class SavesFigure(Protocol):
    """A matplotlib figure, or whatever else saves itself."""

    def savefig(self, fname: Any, **options: Any) -> Any: ...


class Record:
    """The results of one chapter, in files of one folder.

    ``rows.json`` holds claims, ``values.json`` numbers that the text quotes, ``timings.json`` whatever depends on the machine's speed;
    a figure is three files (svg, pdf, png) and a csv with its data, a table is a csv.

    Parameters
    ----------
    chapter : str
    preset : str
        smoke, book or paper.
    folder : path, optional
        Default: ``<chapter>`` in the folder that the environment variable SNNCORE_RESULTS names (the chapters' runner sets it), else in
        ``data/results/live/interactive/<preset>``, which the book never shows. Emptied first.

    Raises
    ------
    ValueError
        For an unknown preset.
    """

    def __init__(self, chapter: str, preset: str, folder: Path | None = None):
        if preset not in PRESETS:
            raise ValueError(f"preset is {preset!r}: choose one of {', '.join(PRESETS)}")
        self.chapter, self.preset = chapter, preset
        self.folder = Path(folder or Path(os.environ.get("SNNCORE_RESULTS") or RESULTS / "live" / "interactive" / preset) / chapter)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._rows: dict[str, dict] = {}
        self._timed_rows: dict[str, dict] = {}
        self._values: dict[str, dict] = {}
        self._timings: dict[str, dict] = {}
        self._start = time.perf_counter()

    def claim(
        self,
        id: str,
        ours: float | str,
        *,
        low: float | None = None,
        high: float | None = None,
        dataset: str | None = None,
        n: int | None = None,
        seeds: int | None = None,
        timing: bool = False,
    ) -> float | str:
        """Enter a number (or a word) for the claim ``id`` of the ledger, with its interval, data set, sample size and seeds.

        ``timing`` says that it depends on the machine's speed, so that no re-run repeats it.
        """
        self._finite(id, ours)
        if id in self._rows or id in self._timed_rows:
            raise ValueError(f"claim {id!r} is entered twice: one id, one number")
        rows = self._timed_rows if timing else self._rows
        rows[id] = {"id": id, "ours": ours, "low": low, "high": high, "dataset": dataset, "n": n, "seeds": seeds}
        self._write("rows.json", list(self._rows.values()))
        self.close()
        return ours

    def value(self, name: str, value: float | str, form: str = "{}") -> float | str:
        """Keep a number for the text, which quotes it as {value}`name`, formatted by ``form``."""
        self._finite(name, value)
        self._values[name] = {"value": value, "text": form.format(value)}
        self._write("values.json", self._values)
        return value

    def timing(self, name: str, value: float | str, form: str = "{:.3g}") -> float | str:
        """Keep a duration, or what else depends on the machine, so that no re-run repeats it; the text quotes it like a value."""
        self._finite(name, value)
        self._timings[name] = {"value": value, "text": form.format(value)}
        self.close()
        return value

    def table(self, frame: pd.DataFrame, name: str) -> pd.DataFrame:
        """Save a table, as the text shows it, as ``name.csv``."""
        frame.to_csv(self.folder / f"{name}.csv", index=False)
        return frame

    def document(self, content: dict, name: str) -> None:
        """Save structured data, such as fitted parameters, as ``name.json``."""
        self._write(f"{name}.json", content)

    def figure(self, figure: SavesFigure, name: str, data: pd.DataFrame | None = None) -> SavesFigure:
        """Save a figure as svg, pdf and png, without dates, and the numbers that it shows as csv."""
        figure.savefig(self.folder / f"{name}.svg", metadata={"Date": None})
        figure.savefig(self.folder / f"{name}.pdf", metadata={"CreationDate": None})
        figure.savefig(self.folder / f"{name}.png", dpi=150, metadata={"Software": None})
        if data is not None:
            data.to_csv(self.folder / f"{name}.data.csv", index=False, float_format="%.8g")
        return figure

    def close(self) -> None:
        """Note how long the run took and how much memory it had at most."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        run = {"seconds": round(time.perf_counter() - self._start, 1), "peak_memory_mb": round(peak)}
        self._write("timings.json", {"run": run, "values": self._timings, "rows": list(self._timed_rows.values())})

    def _write(self, name: str, content: object) -> None:
        (self.folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    @staticmethod
    def _finite(name: str, value: float | str) -> None:
        if not isinstance(value, str) and not math.isfinite(value):
            raise ValueError(f"{name} is {value}: only finite numbers are recorded; look for the reason upstream")
