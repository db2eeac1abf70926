"""Choose the parameters of a layer of few-spike neurons: a code, or a fit to its inputs."""

import math

import numpy as np
import torch
from torch import Tensor

from snncore.few_spike import expand
from snncore.few_spike.coefficients import read_sets
from snncore.few_spike.fit import fit
from snncore.few_spike.neuron import FSParams, fs_neuron, relu6_code, relu_code
from snncore.few_spike.operations import Activation, ConversionError


def hardsigmoid_code(K: int) -> FSParams:
    """Hardsigmoid is relu6(x + 3) / 6."""
    p = relu6_code(K)
    return FSParams([T - 3.0 for T in p.T], p.h, [d / 6.0 for d in p.d], p.strict)


CLOSED = {"relu6": relu6_code, "hardsigmoid": hardsigmoid_code}  # activations whose range is known: their codes need no images


@torch.no_grad()
def fitted(activation: Activation, x: np.ndarray, K: int, price: float, seed: int) -> FSParams:
    """Parameters for the inputs x of one layer: the best range of a ReLU code, or a fit of T, h and d."""
    y = activation.function(torch.from_numpy(x)).numpy()
    if activation.name == "relu":
        return _scaled_code(x, y, K, price)
    low, high = float(x[0]), float(x[-1])
    if activation.name == "identity":
        return _signed_code(low, high, K) if low < 0 else _scaled_code(x, y, K, price)
    written = activation.name in expand.NEURONS
    margin = 0.05 * (high - low) + 1e-3 * (min(1.0, max(abs(low), abs(high), 1e-9)) if written else 1.0)

    weights = 1 / y**2 if activation.name in ("reciprocal", "rsqrt") else np.ones_like(x)  # these scale others: their relative error counts
    seen = np.append(0.0, weights.cumsum() / weights.sum())

    def cdf(edges: np.ndarray) -> np.ndarray:  # mostly what was seen, a little of everything, so that nothing rare is lost
        return 0.98 * seen[np.searchsorted(x, edges)] + 0.02 * (edges - low + margin) / (high - low + 2 * margin)

    def function(a: Tensor) -> Tensor:  # beyond what was seen it may have no value, as 1/a below 0
        return activation.function(a.clamp(low, high) if written else a)

    return fit(function, K, (low - margin, high + margin), cdf, price, evaluations=400_000, seed=seed)


@torch.no_grad()
def error_of(activation: Activation, p: FSParams, x: np.ndarray) -> float:
    """Error of neurons for these inputs: norm of the difference by norm of the activation's outputs."""
    given = torch.from_numpy(x)
    return relative_error(fs_neuron(given, p), activation.function(given))


def relative_error(y: Tensor, expected: Tensor) -> float:
    """Norm of the difference by norm of what is expected; 0 for equal numbers, nan on the meta device."""
    off = (y - expected).double().norm()
    return math.nan if off.is_meta else float(off / expected.double().norm()) if off else 0.0


def _round_to_bits(x: float, digits: int) -> float:
    """x rounded to so many binary digits: then sums of a code's numbers are exact, and the compiled neuron needs no steps."""
    mantissa, exponent = math.frexp(x)
    return math.ldexp(round(math.ldexp(mantissa, digits)), exponent - digits)


def _signed_code(low: float, high: float, K: int) -> FSParams:
    """A code for all numbers from low < 0 to high: the first step always fires, and takes low off; the others send what is left."""
    if K == 1:
        raise ConversionError("numbers of both signs need K = 2 steps or more: the first spike is their smallest number")
    rest = relu_code(((high - low) or 1.0) * 2 ** (K - 1) / (2 ** (K - 1) - 1), K - 1, nearest=True)
    return FSParams([-1e30, *rest.T], [low, *rest.h], [low, *rest.d], strict=False)


def _scaled_code(x: np.ndarray, y: np.ndarray, K: int, price: float) -> FSParams:
    """The ReLU code of the range with the least squared error plus price per spike."""
    largest = float(y.max()) or 1.0  # 1 if the layer was silent for all images
    candidates = []
    for top in largest * 2.0 ** (np.arange(24, -25, -1) / 8):  # beyond the largest output, first steps are silent: coarser, fewer spikes
        step = float(top) / (2**K - 1)
        p = relu_code(2**K * (_round_to_bits(step, 23 - K) if K <= 16 else step), K, nearest=True)
        digits = np.clip(np.floor(x / p.h[-1] + 0.5), 0, 2**K - 1).astype(np.int64)
        candidates.append((np.mean((digits * p.d[-1] - y) ** 2) + price * np.mean(np.bitwise_count(digits)), top, p))
    return min(candidates, key=lambda c: c[:2])[2]


def default(activation: Activation, K: int) -> tuple[FSParams, str]:
    """Parameters that need no calibration images, and the range that they are for."""
    name, slope = activation.name, getattr(activation.function, "keywords", {}).get("negative_slope", 0.01)
    if name in CLOSED:
        return CLOSED[name](K), "its whole range"
    if name == "relu":
        return relu_code(25.0, K), "published range 0 to 25, no images seen"
    sets = read_sets()
    if slope != 0.01:
        raise ConversionError(f"the package's leaky_relu neurons are for a slope of 0.01, not {slope:g}: give calibration images")
    neuron = sets.get(f"{name}.k{K}")
    if neuron is None:
        there = [str(k) for k in range(1, 63) if f"{name}.k{k}" in sets]
        choose = f"choose K among {', '.join(there)}, " if there else ""
        raise ConversionError(f"the package has no {name} neuron with K = {K}: {choose}give calibration images, or coefficients[{name!r}]")
    return neuron.params, "usual range {:g} to {:g}, no images seen".format(*neuron.interval)
