"""Published few-spike neurons and our own fits, each with its source, read from ``data/few_spike_coefficients.json``."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from snncore.datafiles import package_file
from snncore.few_spike.neuron import FSParams
from snncore.shapes import FloatTensor

FUNCTIONS: dict[str, Callable[[FloatTensor], FloatTensor]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
}


@dataclass(frozen=True)
class CoefficientSet:
    """One few-spike neuron and where it comes from.

    Attributes
    ----------
    name : str
        Such as ``silu.published`` or ``silu.k16``.
    function : str
        A key of `FUNCTIONS`.
    interval : tuple of float
        Inputs for which it was made.
    params : FSParams
    origin : str
        "published", "fitted" (by this project; `snncore.few_spike.zoo`), "fitted in this run" or "closed form".
    source : str
        Publication, command or function that it comes from.
    """

    name: str
    function: str
    interval: tuple[float, float]
    params: FSParams
    origin: str
    source: str


def read_sets(path: Path | None = None) -> dict[str, CoefficientSet]:
    """All coefficient sets of a file (default: those of the package), by name.

    Raises
    ------
    ValueError
        If the file is not valid JSON, or if a set lacks a field, names an unknown function or holds bad numbers.
    """
    path = path or package_file("few_spike_coefficients.json")
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["sets"]
    except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is damaged ({error}): restore it with 'git checkout data/{path.name}', or install snncore again"
        ) from error
    sets = {}
    for row in rows:
        name = row.get("name", "(a set without a name)")
        try:
            params = FSParams(row["T"], row["h"], row["d"], strict=row["strict"])
            low, high = map(float, row["interval"])
            if row["function"] not in FUNCTIONS:
                raise ValueError(f"function is {row['function']!r}: known are {', '.join(FUNCTIONS)}")
            sets[name] = CoefficientSet(name, row["function"], (low, high), params, row["origin"], row["source"])
        except KeyError as error:
            raise ValueError(f"{path.name}: set {name!r} has no field {error}") from error
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path.name}: set {name!r}: {error}") from error
    return sets


def coefficients(name: str) -> CoefficientSet:
    """One coefficient set by its name.

    Raises
    ------
    ValueError
        If there is no set of this name; the message lists those that there are.
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
