"""Few-spike neurons for six functions, SiLU to leaky ReLU: ``python -m snncore.trainings few-spike``; and how good neurons are."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats
import torch

from snncore.datafiles import TRAINING, package_file
from snncore.few_spike import FUNCTIONS, fit, quality
from snncore.few_spike.coefficients import CoefficientSet
from snncore.few_spike.neuron import FSParams, relu_code

B7_INPUT = scipy.stats.norm(-0.0632, 1.5633)  # inputs of EfficientNet-B7's SiLU neurons, mean and std of the authors' README


def mixed_cdf(x: np.ndarray) -> np.ndarray:
    """Half the inputs as in EfficientNet-B7, half uniform on [-8, 12], so that a fit forgets neither the usual nor the rare."""
    return 0.5 * B7_INPUT.cdf(x) + 0.5 * scipy.stats.uniform(-8, 20).cdf(x)


WIDE = (-8.0, 12.0)
INTERVALS = {"silu": WIDE, "gelu": WIDE, "sigmoid": (-10.0, 10.0), "tanh": (-5.0, 5.0), "hardswish": WIDE, "leaky_relu": WIDE}
ZOO: dict[str, tuple[str, int, dict[str, Any]]] = {  # what to fit: function, K, and further options of `snncore.few_spike.fit`
    **{f"{name}.k{K}": (name, K, {}) for name in INTERVALS for K in (4, 8, 12, 16)},
    "silu.k16sparse": ("silu", 16, {"cdf": mixed_cdf, "spike_penalty": 2e-4}),
    "silu.k16bits8": ("silu", 16, {"bits": 8}),
    "silu.k16noise": ("silu", 16, {"cdf": mixed_cdf, "noise": 0.05}),
}
RELU_ALPHA = 8.0


def fit_one(name: str, evaluations: int, restarts: int, seed: int) -> FSParams:
    """Fit one neuron of `ZOO`, on one thread.

    A fit that expects noise makes a fortieth of the trials, each of which costs forty times as much.
    """
    function, K, options = ZOO[name]
    evaluations = max(1, evaluations // 40) if "noise" in options else evaluations
    return fit(FUNCTIONS[function], K, INTERVALS[function], **options, evaluations=evaluations, restarts=restarts, seed=seed)


def fit_zoo(names: Iterable[str], evaluations: int, restarts: int, seed: int) -> dict[str, CoefficientSet]:
    """Fit neurons of `ZOO` by `fit_one`, two at a time where PyTorch has two threads."""

    def one(name: str) -> CoefficientSet:
        function, how = ZOO[name][0], f"{evaluations:,} trials, seed {seed}"
        params = fit_one(name, evaluations, restarts, seed)
        return CoefficientSet(name, function, INTERVALS[function], params, "fitted in this run", how)

    with ThreadPoolExecutor(min(2, torch.get_num_threads())) as pool:
        return {s.name: s for s in pool.map(one, names)}


def zoo_table(sets: Iterable[CoefficientSet]) -> pd.DataFrame:
    """Errors and spikes of neurons on the interval of each, sorted by function and K.

    Inputs are uniform or, in the columns *B7 inputs*, distributed as `B7_INPUT`.
    """
    rows = []
    for s in sets:
        uniform, usual = (quality(s.params, FUNCTIONS[s.function], s.interval, cdf) for cdf in (None, B7_INPUT.cdf))
        row = {"set": s.name, "function": s.function, "K": s.params.K, "interval": f"[{s.interval[0]:g}, {s.interval[1]:.3g}]"}
        row |= {"MSE": uniform.mse, "max error": uniform.max_error, "spikes": uniform.spikes}
        rows.append(row | {"MSE, B7 inputs": usual.mse, "spikes, B7 inputs": usual.spikes, "origin": s.origin})
    order = {name: i for i, name in enumerate(FUNCTIONS)}
    by = ["function", "K", "set"]
    return pd.DataFrame(rows).sort_values(by, key=lambda col: col.map(order) if col.name == "function" else col, ignore_index=True)


def zoo_document(fits: Iterable[CoefficientSet], source: str) -> dict:
    """The content of ``data/few_spike_coefficients.json``: published neurons as there, fits by the command ``source``, codes for ReLU."""

    def row(s: CoefficientSet) -> dict:
        about = {key: getattr(s, key) for key in ("name", "function", "interval", "origin", "source")}
        return about | {key: getattr(s.params, key) for key in ("strict", "T", "h", "d")}

    here = json.loads(package_file("few_spike_coefficients.json").read_text(encoding="utf-8"))["sets"]
    published = [there for there in here if there["origin"] == "published"]
    sets = [replace(s, origin="fitted", source=source) for s in fits]
    for K in (4, 8, 12, 16):
        interval = -RELU_ALPHA, RELU_ALPHA * (1 - 2.0**-K)
        sets.append(CoefficientSet(f"relu.k{K}", "relu", interval, relu_code(RELU_ALPHA, K), "closed form", "snncore.few_spike.relu_code"))
    return {"sets": published + [row(s) for s in sets]}


def command(seed: int = 0, evaluations: int = 3_000_000, restarts: int = 4, file: Path | None = None) -> Path:
    """Fit our few-spike neurons and write them, with the published ones, to a file (twenty minutes).

    Parameters
    ----------
    seed : int
        Of the searches.
    evaluations : int
        Trials of thresholds and resets for each neuron.
    restarts : int
        Independent searches among which these are divided.
    file : path, optional
        Default: few_spike_coefficients.json in data/training.
    """
    file = file or TRAINING / "few_spike_coefficients.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    fits = fit_zoo(ZOO, evaluations, restarts, seed)
    words = f"python -m snncore.trainings few-spike --evaluations {evaluations} --restarts {restarts} --seed {seed}"
    text = json.dumps(zoo_document(fits.values(), words), indent=1, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")
    silu = fits["silu.k16"]
    error = quality(silu.params, FUNCTIONS[silu.function], silu.interval).mse
    print(f"{len(fits)} neurons in {file}; mean squared error of {silu.name}: {error:.3g}")
    return file
