"""A network in few spikes and in rate codes: accuracy, spikes, operations and energy after each step, and when each code comes close."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, fx
from tqdm import tqdm

from snncore.datafiles import package_file
from snncore.few_spike.energy import PRICES
from snncore.few_spike.evaluate import statistics, stepwise
from snncore.few_spike.layer import Images, fs_layers
from snncore.few_spike.rate_code import RateRun

BATCH = 25
WITHIN = 0.5  # percentage points of accuracy below the original's that count as close
CODES = {
    "few_spikes": "few spikes",
    "rate": "rate code, ours",
    "spikingjelly": "rate code, SpikingJelly as it comes",
    "spikingjelly_robust": "rate code, SpikingJelly's robust mode",
}
COLUMNS = ["code", "steps", "accuracy", "spikes", "additions", "multiply-accumulates", "energy", "original", "about"]


def few_spike_run(network: fx.GraphModule, images: Images) -> RateRun:
    """Evaluate a converted network as a rate code of a single step."""
    (output, sent), (_, traffic) = statistics(network, images), stepwise(network, images)
    counts = (sent.spikes_per_neuron * sent.neurons * len(images), sum(t.spikes for t in traffic), sum(t.graded for t in traffic))
    spikes, accumulates, graded = torch.tensor(counts, dtype=torch.float64)[:, None]
    return RateRun(output[None], spikes, accumulates, graded, sent.neurons)


def curve(run: Callable[[Tensor], RateRun], images: Images, labels: Tensor, name: str) -> pd.DataFrame:
    """After each step: accuracy [%], and until then spikes per neuron, additions and multiply-accumulates per image, energy [µJ]."""
    sums: Any = 0
    pairs = list(zip(images.split(BATCH), labels.split(BATCH), strict=True))
    for x, y in tqdm(pairs, desc=name, disable=None, leave=False):
        part = run(x)
        right = (part.outputs.argmax(-1) == y).sum(1).double()
        sums = sums + torch.stack([100 * right, *(a.cumsum(0) for a in (part.spikes / part.neurons, part.accumulates, part.graded))])
    table = pd.DataFrame((sums / len(images)).T.numpy(), columns=["accuracy", "spikes", "additions", "multiply-accumulates"])
    energy = table["multiply-accumulates"] * PRICES["fp32"][0] + table["additions"] * PRICES["fp32"][1]
    return table.assign(energy=energy / 1e6, steps=range(1, len(table) + 1))


def curves_of(
    few: fx.GraphModule, runs: Mapping[str, Callable[[Tensor], RateRun]], images: Images, labels: Tensor, original: float, about: str
) -> pd.DataFrame:
    """The `curve` of a converted network, a single point at its largest K, and of each rate code.

    ``runs`` are rate codes by their names in `CODES`, ``original`` is the accuracy of the original network [%], ``about`` names images
    and programs.
    """
    parts = {"few_spikes": curve(partial(few_spike_run, few), images, labels, "few spikes")}
    parts["few_spikes"]["steps"] = max(neurons.params.K for neurons in fs_layers(few).values())
    parts |= {code: curve(run, images, labels, code) for code, run in runs.items()}
    curves = pd.concat([table.assign(code=code) for code, table in parts.items()], ignore_index=True)
    return curves.assign(original=original, about=about)[COLUMNS]


def first_close(curves: pd.DataFrame) -> pd.DataFrame:
    """The first step of each code `WITHIN` reach of the original's accuracy; its last step if none is (``enough`` is False)."""
    rows = []
    for _, table in curves.groupby("code", sort=False):
        enough = table[table["accuracy"] > table["original"] - WITHIN - 1e-6]
        rows.append((table[-1:] if enough.empty else enough[:1]).assign(enough=not enough.empty))
    return pd.concat(rows).set_index("code")


def recorded_curves() -> pd.DataFrame:
    """The curves of our ResNet-20 from a run of the chapter on images at preset paper."""
    return pd.read_csv(package_file("rate_coding.csv"))


def close_table(curves: pd.DataFrame) -> pd.DataFrame:
    """The steps, spikes and operations of each code at `first_close`, as the page shows them."""
    close = first_close(curves)
    shown = {
        "code": close.index.map(CODES),
        "steps": [n if enough else f"never within {n}" for n, enough in zip(close["steps"], close["enough"], strict=True)],
        "right answers [%]": close["accuracy"].map("{:.2f}".format),
        "spikes per neuron": close["spikes"].map("{:.2f}".format),
        "additions [M]": (close["additions"] / 1e6).map("{:.2f}".format),
        "energy [µJ]": close["energy"].map("{:.1f}".format),
        "× few spikes": (close["energy"] / close["energy"]["few_spikes"]).map("{:.2f}".format),
    }
    return pd.DataFrame(shown).reset_index(drop=True)


def difference_of_spikes(curves: pd.DataFrame) -> float | None:
    """Largest difference of spikes until a step between SpikingJelly's robust mode and our rate code [%]; None if that has not run."""
    spikes = {code: table["spikes"].to_numpy() for code, table in curves.groupby("code")}
    if "spikingjelly_robust" not in spikes:
        return None
    return float(100 * np.abs(spikes["spikingjelly_robust"] / spikes["rate"] - 1).max())
