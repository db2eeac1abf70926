"""Few-spike neurons: the published ones evaluated and re-fitted, and EfficientNet-Lite0 speaking in their spikes about 20 photographs."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.stats
import torch

from snncore.datafiles import package_file, read_photographs_20
from snncore.few_spike import (
    FUNCTIONS,
    FSParams,
    coefficients,
    fit,
    from_shifted,
    fs_neuron,
    fs_run,
    noisy_mse,
    pieces,
    quality,
    read_sets,
    relu_code,
    rounded,
)
from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import statistics
from snncore.networks.images import efficientnet_lite, efficientnet_lite_input
from snncore.record import Record
from snncore.seeds import numpy_generator
from snncore.statistics import interval, share, text

B7_INPUT = scipy.stats.norm(-0.0632, 1.5633)  # inputs of EfficientNet-B7's SiLU neurons, mean and std of the authors' README


def mixed_cdf(x: np.ndarray) -> np.ndarray:
    """Half the inputs as in EfficientNet-B7, half uniform on [-8, 12], so that a fit forgets neither the usual nor the rare."""
    return 0.5 * B7_INPUT.cdf(x) + 0.5 * scipy.stats.uniform(-8, 20).cdf(x)


@dataclass(frozen=True)
class Fit:
    """What to fit: the arguments of `snncore.few_spike.fit`."""

    function: str
    K: int
    interval: tuple[float, float]
    cdf: Callable[[np.ndarray], np.ndarray] | None = None
    spike_penalty: float = 0.0
    bits: int | None = None
    noise: float = 0.0


INTERVALS = {"silu": (-8.0, 12.0), "gelu": (-8.0, 12.0), "sigmoid": (-10.0, 10.0), "tanh": (-5.0, 5.0)}
ZOO = {f"{name}.k{K}": Fit(name, K, interval) for name, interval in INTERVALS.items() for K in (4, 8, 12, 16)} | {
    "silu.k16sparse": Fit("silu", 16, INTERVALS["silu"], mixed_cdf, spike_penalty=2e-4),
    "silu.k16bits8": Fit("silu", 16, INTERVALS["silu"], bits=8),
    "silu.k16noise": Fit("silu", 16, INTERVALS["silu"], mixed_cdf, noise=0.05),
}
RELU_ALPHA = 8.0


@dataclass(frozen=True)
class Config:
    """Size of the experiment.

    Attributes
    ----------
    evaluations : int
        Trials of T and h in each fit (a fortieth of it where the fit expects noise: such a trial costs as much more).
    restarts : int
        Independent searches among which they are divided.
    live_fits : tuple of str
        Which sets of the zoo this run fits anew; the others are read from the package.
    full_size : bool
        Whether fits and photographs are enough for numbers of the ledger.
    photographs : int
        How many of the 20.
    seed : int
    """

    evaluations: int
    restarts: int
    live_fits: tuple[str, ...]
    full_size: bool = True
    photographs: int = 20
    seed: int = 0


PRESETS = {
    "smoke": Config(evaluations=20_000, restarts=1, live_fits=("silu.k16",), full_size=False, photographs=4),
    "book": Config(evaluations=1_000_000, restarts=2, live_fits=("silu.k8", "silu.k16", "silu.k16sparse")),
    "paper": Config(evaluations=3_000_000, restarts=4, live_fits=tuple(ZOO)),
}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


def fit_one(name: str, c: Config) -> FSParams:
    """Fit one set of the zoo, on one thread."""
    f = ZOO[name]
    evaluations = max(1, c.evaluations // 40) if f.noise else c.evaluations
    return fit(FUNCTIONS[f.function], f.K, f.interval, f.cdf, f.spike_penalty, f.bits, f.noise, True, evaluations, c.restarts, c.seed)


def fit_zoo(c: Config) -> dict[str, FSParams]:
    """Fit the sets that ``c`` names, two at a time where PyTorch has two threads."""
    with ThreadPoolExecutor(min(2, torch.get_num_threads())) as pool:
        return dict(zip(c.live_fits, pool.map(lambda name: fit_one(name, c), c.live_fits), strict=True))


def zoo_document(fits: dict[str, FSParams], seed: int) -> dict:
    """The content of ``data/few_spike_coefficients.json`` with the fits of preset paper: published sets as they are, our own renewed."""

    def numbers(p: FSParams) -> dict:
        return {"strict": p.strict, "T": p.T, "h": p.h, "d": p.d}

    published = [
        row
        for row in json.loads(package_file("few_spike_coefficients.json").read_text(encoding="utf-8"))["sets"]
        if row["origin"] == "published"
    ]
    ours = f"python -m snncore.experiments few_spike --preset paper --seed {seed}"
    rows = [{"name": name, "function": ZOO[name].function, "interval": ZOO[name].interval, "origin": "fitted", "source": ours} | numbers(p)
            for name, p in fits.items()]  # fmt: skip
    for K in (4, 8, 12, 16):
        p = relu_code(RELU_ALPHA, K)
        interval = (-RELU_ALPHA, RELU_ALPHA * (1 - 2.0**-K))
        rows.append({"name": f"relu.k{K}", "function": "relu", "interval": interval, "origin": "closed form",
                     "source": "snncore.few_spike.relu_code"} | numbers(p))  # fmt: skip
    return {"sets": published + rows}


def short(number: float) -> str:
    """A number for tables and text: three digits."""
    return text(float(f"{number:.3g}"))


def published(record: Record) -> None:
    """What the published neurons are: error on the intervals that they were made for, pieces, spikes, the form of the ReLU code."""
    found = {}
    for name, claim in (("silu.published", "fs.silu"), ("sigmoid.published", "fs.sigmoid")):
        s = coefficients(name)
        found[name] = q = quality(s.params, FUNCTIONS[s.function], s.interval)
        record.claim(f"{claim}.mse", q.mse, dataset=f"uniform on {list(s.interval)}", n=200_000)
        record.claim(f"{claim}.pieces", len(pieces(s.params)), dataset="all finite float32 numbers")
    silu, relu = coefficients("silu.published").params, coefficients("relu.published").params
    record.claim("fs.silu.steps", silu.K)
    record.claim("fs.relu.steps", relu.K)
    record.claim("fs.silu.max_error", found["silu.published"].max_error, dataset="uniform on [-8, 12]", n=200_000)
    record.claim("fs.silu.spikes", float(pieces(silu).spikes_per_step(B7_INPUT.cdf).sum()), dataset="normal, mean -0.063, std 1.563")
    record.claim("fs.relu.mse", quality(relu, FUNCTIONS["relu"], (0.0, 25.0)).mse, dataset="uniform on [0, 25]", n=200_000)
    y = FUNCTIONS["silu"](torch.linspace(-8, 12, 2001))
    record.verdict("fs.why.sign", bool(y.min() < 0 < y.max()))
    record.verdict("fs.binary", relu.T == relu.h == relu.d == tuple(25 * 2.0 ** -(t + 1) for t in range(relu.K)))
    x = torch.linspace(-8, 12, 2001, dtype=torch.float64)
    count = fs_run(x, silu)[0].sum(0).numpy()
    at_mode = int(count[np.abs(x.numpy() - B7_INPUT.mean()).argmin()])
    least = int(count.min())
    record.verdict("fs.silu.fewest", at_mode == least, dataset="x in [-8, 12]; most frequent: -0.063")
    record.value("spikes_mode", at_mode)
    record.value("spikes_least", least)
    record.value("spikes_most", int(count.max()))
    record.value("spikes_uniform", found["silu.published"].spikes, "{:.2f}")


def shifted_trap(record: Record) -> pd.DataFrame:
    """The same published arrays read in both conventions, on the interval of each neuron."""
    rows = []
    for name in ("silu.published", "sigmoid.published"):
        s = coefficients(name)
        p = s.params
        wrong = from_shifted(p.T, p.h, p.d, p.strict)
        right, misread = (quality(q, FUNCTIONS[s.function], s.interval) for q in (p, wrong))
        rows.append({"neuron": name, "interval": f"[{s.interval[0]:g}, {s.interval[1]:g}]", "MSE, fire then subtract": f"{right.mse:.3g}",
                     "MSE, subtract then fire": f"{misread.mse:.3g}", "times worse": f"{misread.mse / right.mse:.0f}"})  # fmt: skip
    record.value("shifted_silu", rows[0]["MSE, subtract then fire"])
    return record.table(pd.DataFrame(rows), "trap")


def spikes_per_step_log() -> list[float]:
    """Spikes per SiLU neuron of EfficientNet-B7 in each step, for one ImageNet image: the authors' log."""
    return json.loads(package_file("few_spike_log.json").read_text(encoding="utf-8"))["silu_spikes_per_step"]


def profile(record: Record) -> pd.DataFrame:
    """Probability of a spike in each step: predicted from the published parameters, beside the authors' ImageNet log."""
    p = coefficients("silu.published").params
    predicted = pieces(p).spikes_per_step(B7_INPUT.cdf)
    log = np.array(spikes_per_step_log())
    record.claim(
        "fs.silu.profile",
        float(np.corrcoef(log, predicted)[0, 1]),
        dataset="authors' log of one ImageNet image, normal inputs; n counts time steps",
        n=p.K,
    )
    record.value("spikes_predicted", float(predicted.sum()), "{:.2f}")
    record.value("spikes_log", float(log.sum()), "{:.2f}")
    record.value("offset_share", float(100 * predicted[13] / predicted.sum()), "{:.0f} %")
    return pd.DataFrame({"step": np.arange(1, p.K + 1), "predicted": predicted, "log": log})


def fitted(record: Record, c: Config) -> tuple[dict[str, FSParams], pd.DataFrame]:
    """Fit anew what the preset allows, take the rest from the package; all sets, and a table of their quality."""
    fits = fit_zoo(c)
    sets = {name: s for name, s in read_sets().items() if name not in fits}
    rows, params = [], {name: s.params for name, s in sets.items()} | fits
    for name, p in params.items():
        function, interval = (sets[name].function, sets[name].interval) if name in sets else (ZOO[name].function, ZOO[name].interval)
        q = quality(p, FUNCTIONS[function], interval)
        usual = quality(p, FUNCTIONS[function], interval, B7_INPUT.cdf)
        made = "fitted in this run" if name in fits else sets[name].origin
        rows.append({"set": name, "function": function, "K": p.K, "interval": f"[{interval[0]:g}, {interval[1]:.3g}]", "MSE": q.mse,
                     "max error": q.max_error, "spikes": q.spikes, "MSE, B7 inputs": usual.mse, "spikes, B7 inputs": usual.spikes,
                     "origin": made})  # fmt: skip
    table = pd.DataFrame(rows)
    order = {name: i for i, name in enumerate(FUNCTIONS)}
    table = table.sort_values(
        ["function", "K", "set"], key=lambda col: col.map(order) if col.name == "function" else col, ignore_index=True
    )
    best = table.set_index("set")
    if c.full_size:  # a short fit says nothing about the method
        for claim, name, column in (
            ("fs.fit.silu.k16", "silu.k16", "MSE"),
            ("fs.fit.silu.k8", "silu.k8", "MSE"),
            ("fs.fit.silu.k16sparse", "silu.k16sparse", "MSE, B7 inputs"),
            ("fs.fit.silu.k16sparse.spikes", "silu.k16sparse", "spikes, B7 inputs"),
        ):
            where = "normal, mean -0.063, std 1.563" if "B7" in column else "uniform on [-8, 12]"
            record.claim(claim, float(best[column][name]), dataset=where, n=200_000, seeds=1)
    if set(c.live_fits) == set(ZOO):
        record.document(zoo_document(fits, c.seed), "few_spike_coefficients")
    for key, name, column in (
        ("k16", "silu.k16", "MSE"),
        ("k16_spikes", "silu.k16", "spikes"),
        ("k16_b7_spikes", "silu.k16", "spikes, B7 inputs"),
        ("tbpi16", "silu.tbpi16", "MSE"),
        ("k8", "silu.k8", "MSE"),
        ("k8_b7", "silu.k8", "MSE, B7 inputs"),
        ("published_mse", "silu.published", "MSE"),
        ("published_b7", "silu.published", "MSE, B7 inputs"),
        ("published_b7_spikes", "silu.published", "spikes, B7 inputs"),
        ("sparse", "silu.k16sparse", "MSE, B7 inputs"),
        ("sparse_spikes", "silu.k16sparse", "spikes, B7 inputs"),
    ):
        record.value(key, short(float(best[column][name])))
    record.value("tbpi16_gain", float(best["MSE"]["silu.tbpi16"] / best["MSE"]["silu.k16"]), "{:.1f}")
    record.value("k16_gain", float(best["MSE"]["silu.published"] / best["MSE"]["silu.k16"]), "{:.0f}")
    shown = table.drop(columns="function")
    shown = shown.assign(**{column: shown[column].map(short) for column in ("MSE", "max error", "MSE, B7 inputs")})
    record.table(shown.assign(**{c: shown[c].map("{:.2f}".format) for c in ("spikes", "spikes, B7 inputs")}), "zoo")
    return params, table


def error_against_bits(params: dict[str, FSParams], bits: list[int]) -> pd.DataFrame:
    """Error of SiLU neurons with T, h, d rounded to Q bits, on [-8, 12]."""
    rows = [
        {"bits": q, "set": name, "MSE": quality(rounded(params[name], q), FUNCTIONS["silu"], INTERVALS["silu"]).mse}
        for name in ("silu.published", "silu.k16", "silu.k16bits8")
        for q in bits
    ]
    return pd.DataFrame(rows)


def error_against_noise(params: dict[str, FSParams], noise: list[float], seed: int) -> pd.DataFrame:
    """Error of SiLU neurons with membrane noise, for the inputs of EfficientNet-B7."""
    rows = [
        {"noise": sigma, "set": name,
         "MSE": noisy_mse(params[name], FUNCTIONS["silu"], INTERVALS["silu"], sigma, numpy_generator(seed, "membrane noise"), B7_INPUT.cdf)}
        for name in ("silu.published", "silu.k16sparse", "silu.k16noise")
        for sigma in noise
    ]  # fmt: skip
    return pd.DataFrame(rows)


def code_error(steps: list[int], seed: int, n: int = 20_000) -> pd.DataFrame:
    """Root mean squared error with which N time steps carry a number drawn from [0, 1): spike count against few-spike code."""
    x = torch.from_numpy(numpy_generator(seed, "coded numbers").random(n))
    rows = []
    for N in steps:
        v, count = torch.zeros_like(x), torch.zeros_like(x)
        for _ in range(N):  # integrate and fire, threshold 1, reset by subtraction
            v = v + x
            z = (v >= 1).to(v.dtype)
            v, count = v - z, count + z
        y = fs_neuron(x, relu_code(1.0, N))
        rows.append(
            {"steps": N, "rate code": float(((count / N - x) ** 2).mean().sqrt()), "few-spike code": float(((y - x) ** 2).mean().sqrt())}
        )
    return pd.DataFrame(rows)


class Lite0(NamedTuple):
    """Both networks' answers about the photographs, and the spikes.

    ``spikes`` and ``neurons`` are per layer; ``spikes`` is the mean number per image.
    """

    photographs: list[np.ndarray]
    labels: np.ndarray
    ann: np.ndarray
    snn: np.ndarray
    largest_difference: float
    spikes: np.ndarray
    neurons: np.ndarray


RELU6_K = 8  # chosen by hand, in a trial with these photographs and others


@torch.inference_mode()
def lite0(c: Config) -> Lite0:
    """EfficientNet-Lite0 with its real ImageNet weights, and the same network with few-spike neurons for each ReLU6."""
    photographs, labels, _ = read_photographs_20()
    photographs, labels = photographs[: c.photographs], labels[: c.photographs]
    ann, batch = efficientnet_lite(0), efficientnet_lite_input(photographs)
    snn, _ = convert(ann, batch[:1], K=RELU6_K)
    s, found = statistics(snn, batch)
    a = ann(batch)
    return Lite0(photographs, labels, a.argmax(1).numpy(), s.argmax(1).numpy(), float((a - s).abs().max()),
                 np.array([layer.spikes for layer in found.layers]), np.array([layer.neurons for layer in found.layers]))  # fmt: skip


def lite0_claims(record: Record, c: Config, found: Lite0) -> None:
    """Record accuracy, agreement and spikes of the 20 photographs (at full size only)."""
    n, same, spikes = len(found.labels), found.ann == found.snn, float(found.spikes.sum() / found.neurons.sum())
    record.value("lite0_ann", int((found.ann == found.labels).sum()))
    record.value("lite0_snn", int((found.snn == found.labels).sum()))
    record.value("lite0_same", int(same.sum()))
    record.value("lite0_same_interval", interval(*share(same)[1:]))
    record.value("lite0_n", n)
    record.value("lite0_steps", RELU6_K)
    record.value("lite0_neurons", int(found.neurons.sum()), "{:,}")
    record.value("lite0_layers", len(found.neurons))
    record.value("lite0_spikes", spikes, "{:.2f}")
    record.value("lite0_difference", found.largest_difference, "{:.2g}")
    if c.full_size:
        where = "20 ImageNet photographs of foolbox"
        record.claim("fs.lite0.agreement", float(100 * same.mean()), dataset=where, n=n)
        record.claim("fs.lite0.spikes", spikes, dataset=where, n=n)


class Result(NamedTuple):
    """What the chapter shows."""

    code_error: pd.DataFrame
    profile: pd.DataFrame
    params: dict[str, FSParams]
    zoo: pd.DataFrame
    bits: pd.DataFrame
    noise: pd.DataFrame
    lite0: Lite0


def run(c: Config, record: Record) -> Result:
    """The whole experiment: every claim, value and table; what it returns is for the figures."""
    errors = code_error([1, 2, 3, 4, 6, 8, 10, 12, 14, 16], c.seed)
    record.value("rate16", float(errors["rate code"].iloc[-1]), "{:.3f}")
    record.value("code16", float(errors["few-spike code"].iloc[-1] * 1e6), "{:.0f}")
    published(record)
    shifted_trap(record)
    spikes = profile(record)
    params, zoo = fitted(record, c)
    bits = error_against_bits(params, [4, 5, 6, 7, 8, 10, 12])
    at8 = bits[bits["bits"] == 8].set_index("set")["MSE"]
    for key, name in (("published", "silu.published"), ("ours", "silu.k16"), ("fitted", "silu.k16bits8")):
        record.value(f"bits8_{key}", short(at8[name]))
    noise = error_against_noise(params, [0.0, 0.01, 0.02, 0.05, 0.1, 0.2], c.seed)
    found = lite0(c)
    lite0_claims(record, c, found)
    return Result(errors, spikes, params, zoo, bits, noise, found)
