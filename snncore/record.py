"""Write down what a chapter found: claims, values, tables, figures. Same run, same bytes; timings are kept apart."""

import base64
import json
import math
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from snncore import ledger, provenance
from snncore.datafiles import RESULTS
from snncore.ledger import PRESETS

PNG_DPI = 150


def read_rows(folder: Path) -> list[dict]:
    """The claims that a run wrote into its folder, timed ones included."""
    rows, timings = folder / "rows.json", folder / "timings.json"
    timed = json.loads(timings.read_text(encoding="utf-8"))["rows"] if timings.exists() else []
    return (json.loads(rows.read_text(encoding="utf-8")) if rows.exists() else []) + timed


class Record:
    """The results of one chapter at a preset (smoke, book or paper), in files of one folder, which is emptied first.

    ``rows.json`` holds claims, ``values.json`` numbers that the text quotes, ``timings.json`` whatever depends on the machine's speed;
    a figure is three files (svg, pdf, png) and a csv with its data, a table is a csv.

    The folder is ``<chapter>`` in ``folder``, else in the one that the environment variable SNNCORE_RESULTS names (the chapters' runner
    sets it), else in ``data/results/live/interactive/<preset>``, which the book never shows. Claims that may be entered are ``claims``, by
    id, else those of the file that the environment variable SNNCORE_CLAIMS names, else those of this package.
    """

    def __init__(self, chapter: str, preset: str, folder: Path | None = None, claims: dict[str, ledger.Claim] | None = None):
        if preset not in PRESETS:
            raise ValueError(f"preset is {preset!r}: choose one of {', '.join(PRESETS)}")
        self.chapter, self.preset = chapter, preset
        self.folder = Path(folder or os.environ.get("SNNCORE_RESULTS") or RESULTS / "live" / "interactive" / preset) / chapter
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._entered: set[str] = set()  # also claims for which this preset is too small
        self._rows: list[dict] = []
        self._timed_rows: list[dict] = []
        self._values: dict[str, dict] = {}
        self._timings: dict[str, dict] = {}
        given = os.environ.get("SNNCORE_CLAIMS")
        self._claims = claims if claims is not None else ledger.read_claims(Path(given))[1] if given else ledger.package_claims()
        self._start = time.perf_counter()

    def size(self, **by_preset: Any) -> Any:
        """What has another size at each preset: ``page.size(smoke=4, book=256)``. Where ``paper`` is not given, it is that of book."""
        if not {"smoke", "book"} <= set(by_preset) <= set(PRESETS):
            raise ValueError(f"sizes for {', '.join(by_preset) or 'no preset'}: give smoke=…, book=… and, if it is another one, paper=…")
        return ({"paper": by_preset["book"]} | by_preset)[self.preset]

    def claim(
        self,
        id: str,
        ours: float | str | np.generic | Sequence[float],
        *,
        bound: str | None = None,
        low: float | None = None,
        high: float | None = None,
        dataset: str | None = None,
        n: int | None = None,
        seeds: int | None = None,
        timing: bool = False,
    ) -> None:
        """Enter a number (or a word) for the claim ``id`` of the ledger, with its interval, data set, sample size and seeds.

        A list holds one number per seed: entered are their mean, the lowest and the highest as the interval, and how many there are.
        ``bound`` says that the number is only known to be larger (">") or smaller ("<") than ``ours``. ``timing`` says that it depends on
        the machine's speed, so that no re-run repeats it. A run smaller than the claim's ``minimum`` is checked, but enters nothing.

        Raises `ValueError` if there is no claim ``id`` to enter a number for, if it is entered twice, or if a number is not finite.
        """
        if isinstance(ours, np.generic):
            ours = float(ours.item())
        elif not isinstance(ours, int | float | str):
            if len(ours) == 0 or not low is high is seeds is bound is None:
                raise ValueError(f"{id}: a list of numbers, not an empty one, gives low, high and seeds by itself: leave them out")
            each = [float(number) for number in ours]
            ours, low, high, seeds = float(np.mean(each)), min(each), max(each), len(each)
        for number in (ours, low, high):
            self._finite(id, number)
        if bound not in (None, "<", ">") or (bound and isinstance(ours, str)):
            raise ValueError(f"{id}: bound is {bound!r} beside {ours!r}: give '>' or '<' beside a number, or nothing")
        self._enter(id, timing, ours=ours, bound=bound, low=low, high=high, dataset=dataset, n=n, seeds=seeds)

    def verdict(self, id: str, holds: bool, *, dataset: str | None = None, n: int | None = None, seeds: int | None = None) -> None:
        """Enter whether the published words of the claim ``id`` hold. The ledger prints them, or its words for the contrary."""
        holds = bool(holds)
        if id in self._claims and not isinstance(self._claims[id].published, str):
            raise ValueError(f"claim {id!r} has no published words that could hold: enter a number with page.claim")
        self._enter(id, False, ours=holds, bound=None, low=None, high=None, dataset=dataset, n=n, seeds=seeds)

    def _enter(self, id: str, timing: bool, **row: object) -> None:
        ledger.named(self._claims, id, f"the chapter {self.chapter}")
        if id in self._entered:
            raise ValueError(f"claim {id!r} is entered twice: one id, one number")
        self._entered.add(id)
        if PRESETS.index(self.preset) < PRESETS.index(self._claims[id].minimum):
            return
        rows = self._timed_rows if timing else self._rows
        rows.append({"id": id} | {key: value for key, value in row.items() if key != "bound" or value})
        self._write("rows.json", self._rows)
        self.close()

    def value(self, name: str, value: float | str, form: str = "{}") -> None:
        """Keep a number for the text, which quotes it as {value}`name`, formatted by ``form``."""
        self._finite(name, value)
        self._values[name] = {"value": value, "text": form.format(value)}
        self._write("values.json", self._values)
        self.close()

    def timing(self, name: str, value: float | str, form: str = "{:.3g}") -> None:
        """Keep a duration, or what else depends on the machine, so that no re-run repeats it; the text quotes it like a value."""
        self._finite(name, value)
        self._timings[name] = {"value": value, "text": form.format(value)}
        self.close()

    def table(self, frame: pd.DataFrame, name: str) -> pd.DataFrame:
        """Save a table, as the text shows it, as ``name.csv``."""
        frame.to_csv(self.folder / f"{name}.csv", index=False)
        self.close()
        return frame

    def document(self, name: str, content: object) -> None:
        """Save what a figure that computes in the page starts from as ``name.json``; arrays keep their bits, in base64."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_array)
        (self.folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        self.close()

    def figure(self, figure: Any, name: str, data: pd.DataFrame | None = None) -> None:
        """Save a figure of matplotlib as svg, pdf and png, without dates, and the numbers that it shows as csv."""
        _settle(figure)
        figure.savefig(self.folder / f"{name}.svg", metadata={"Date": None})
        figure.savefig(self.folder / f"{name}.pdf", metadata={"CreationDate": None})
        figure.savefig(self.folder / f"{name}.png", dpi=PNG_DPI, metadata={"Software": None})
        if data is not None:
            data.to_csv(self.folder / f"{name}.data.csv", index=False, float_format="%.8g")
        self.close()

    def close(self) -> None:
        """Note how long the run took and how much memory it had at most."""
        peak = provenance.peak_memory_mb()
        run = {"seconds": round(time.perf_counter() - self._start, 1), "peak_memory_mb": peak and round(peak)}
        self._write("timings.json", {"run": run, "values": self._timings, "rows": self._timed_rows})

    def _write(self, name: str, content: object) -> None:
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        (self.folder / name).write_text(text, encoding="utf-8")

    @staticmethod
    def _finite(name: str, value: float | str | None) -> None:
        if not isinstance(value, str | None) and not math.isfinite(value):
            raise ValueError(f"{name} is {value}: only finite numbers are recorded; look for the reason upstream")


def _array(a: Any) -> dict[str, object]:
    """An array or tensor for JSON: little-endian."""
    a = np.asarray(a)
    data = a.astype(a.dtype.newbyteorder("<")).tobytes()
    return {"dtype": a.dtype.name, "shape": a.shape, "base64": base64.b64encode(data).decode()}


def _settle(figure: Any) -> None:
    """Lay out a figure of matplotlib until nothing moves, and to the same bits in each run: the solver leaves the last ones to chance."""
    figure.set_dpi(PNG_DPI)
    places: list[tuple[float, ...]] = []
    for _ in range(3):  # a layout needs more than one pass where the axes have an aspect of their own
        figure.draw_without_rendering()
        before, places = places, [tuple(np.round(ax.get_position(original=True).bounds, 6)) for ax in figure.axes]
        if places == before:
            break
    if figure.get_layout_engine():
        figure.set_layout_engine("none")
        for ax, bounds in zip(figure.axes, places, strict=True):
            ax.set_position(bounds)
