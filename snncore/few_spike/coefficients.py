"""Published few-spike neurons and our own fits, each with its source, read from ``data/few_spike_coefficients.json``."""

import json
from dataclasses import dataclass
from pathlib import Path

from snncore.datafiles import package_file
from snncore.few_spike.neuron import FSParams
from snncore.few_spike.operations import NAMED

FUNCTIONS = {name: NAMED[name] for name in ("silu", "gelu", "sigmoid", "tanh", "relu", "hardswish", "leaky_relu")}


@dataclass(frozen=True)
class CoefficientSet:
    """One few-spike neuron and where it comes from."""

    name: str  #: such as ``silu.published`` or ``silu.k16``
    function: str  #: a key of `FUNCTIONS`
    interval: tuple[float, float]  #: inputs for which it was made
    params: FSParams
    origin: str  #: "published", "fitted" (by `snncore.trainings.few_spike`), "fitted in this run" or "closed form"
    source: str  #: publication, command or function


def read_sets(path: Path | None = None) -> dict[str, CoefficientSet]:
    """All coefficient sets of a file (default: those of the package), by name; `ValueError` if the file is damaged."""
    path = path or package_file("few_spike_coefficients.json")
    sets = {}
    try:
        for row in json.loads(path.read_text(encoding="utf-8"))["sets"]:
            params, (low, high) = FSParams(row["T"], row["h"], row["d"], row["strict"]), map(float, row["interval"])
            sets[row["name"]] = CoefficientSet(row["name"], row["function"], (low, high), params, row["origin"], row["source"])
    except (KeyError, TypeError, ValueError) as error:
        where = f"behind set {list(sets)[-1]!r}" if sets else "at its beginning"
        raise ValueError(
            f"{path} is damaged {where} ({error!r}): restore it with 'git checkout data/{path.name}', or install snncore again"
        ) from error
    return sets


def coefficients(name: str) -> CoefficientSet:
    """One coefficient set by its name; `ValueError`, with those that there are, if there is none of this name.

    >>> coefficients("silu.published").params.K
    16
    """
    sets = read_sets()
    if name not in sets:
        raise ValueError(f"no coefficient set {name!r}: there are {', '.join(sorted(sets))}")
    return sets[name]


def published_neurons() -> dict[str, FSParams]:
    """The authors' neurons of EfficientNet, by activation: of SiLU, and of its gates."""
    return {activation: coefficients(f"{activation}.published").params for activation in ("silu", "sigmoid")}


def spikes_per_step_log() -> list[float]:
    """Spikes per SiLU neuron of EfficientNet-B7 in each of 16 steps, for one ImageNet image: the authors' log."""
    return json.loads(package_file("few_spike_log.json").read_text(encoding="utf-8"))["silu_spikes_per_step"]
