"""Look at calibration images, and choose the parameters of each layer of few-spike neurons: a code, or a fit to its inputs.

What an error in a layer does to the output of the network is its price.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from snncore.few_spike import expand
from snncore.few_spike.classify import Watch
from snncore.few_spike.coefficients import read_sets
from snncore.few_spike.fit import fit
from snncore.few_spike.layer import Inputs
from snncore.few_spike.neuron import FSParams, fs_neuron, relu6_code, relu_code
from snncore.few_spike.operations import Activation, ConversionError, operand
from snncore.few_spike.trace import numbers, run_on
from snncore.seeds import torch_generator

Prices = dict[fx.Node, float]
SAMPLES = 50_000  # inputs of each layer that calibration looks at
PROBES, PROBED = 16, 32  # random directions of the output, images
NO_IMAGE = "calibration holds no image: give some, or None"


def images_of(calibration: Any, example: Inputs) -> Inputs:
    """Calibration images together: as given, or the first tensors of batches, as many as the network has inputs."""
    given, count = calibration, len(example.parts)
    if isinstance(given, Iterable) and not isinstance(given, Tensor | tuple):
        loaded = (tuple(batch[:count]) if isinstance(batch, tuple | list) else batch for batch in given)
        batches = [Inputs(batch, "a batch of calibration").parts for batch in loaded]
        if not batches:
            raise ConversionError(NO_IMAGE)
        if len({tuple(a.shape[1:] for a in batch) for batch in batches}) > 1:
            raise ConversionError("calibration has batches of images of several sizes: bring them to one, as the network gets them")
        given = tuple(map(torch.cat, zip(*batches, strict=True)))
    images = Inputs(given, "calibration")
    if not len(images):
        raise ConversionError(NO_IMAGE)
    if len(images.parts) != count:
        raise ConversionError(f"calibration has {len(images.parts)} inputs, and example_input {count}: give both as the network gets them")
    for ours, theirs in zip(images.parts, example.parts, strict=True):
        if ours.dtype != theirs.dtype:
            types = f"calibration is of type {ours.dtype}, and example_input of {theirs.dtype}"
            raise ConversionError(f"{types}: give both in the type of the network")
    return images


def outputs(graph: fx.GraphModule, images: Inputs) -> Tensor:
    """What a network makes of images, 16 at a time, in one tensor."""
    return torch.cat([numbers(run_on(graph, batch, "calibration")) for batch in images.split(16)])


def calibrate(graph: fx.GraphModule, nodes: list[fx.Node], images: Inputs, seed: int, checked: bool = True) -> dict[str, np.ndarray]:
    """Sorted inputs of each activation for the calibration images, at most about `SAMPLES`, smallest and largest included.

    Places are drawn at random: at regular ones a layer might show the same column of each image only.
    """
    parts: dict[fx.Node, list[np.ndarray]] = {operand(node): [] for node in nodes}
    generator = torch_generator(seed, "inputs seen in calibration")

    def look(node: fx.Node, value: Any) -> None:
        if node in parts:
            flat = value.detach().flatten()
            share = math.ceil(SAMPLES * len(batch) / len(images))
            some = torch.randint(len(flat), (share,), generator=generator).to(flat.device) if len(flat) > share else slice(None)
            parts[node].append(torch.cat([flat[some], flat.min()[None], flat.max()[None]]).double().cpu().numpy())

    for batch in images.split(16):
        run_on(Watch(graph, look).run, batch, "calibration")
    inputs = {node.name: np.sort(np.concatenate(parts[operand(node)])) for node in nodes}
    for name, values in inputs.items():
        if checked and not np.isfinite(values).all():
            raise ConversionError(f"calibration: the input of {name} is not finite; look at the images and the network's weights")
    return inputs


def prices_of(
    graph: fx.GraphModule, places: Mapping[fx.Node, Activation], images: Inputs, neurons: Mapping[fx.Node, FSParams], seed: int
) -> Prices:
    r"""Mean squared error of a layer's outputs that weighs as much as one spike of each of its neurons, at a spike penalty of 1.

    An error e in the outputs a of a layer adds :math:`\sum_i (\sum_j e_j\, \partial y_i / \partial a_j)^2` to the squared error of the
    network's output y, to first order. The sum over i is estimated by random directions u, as the mean of
    :math:`(\sum_j e_j\, \partial (u y) / \partial a_j)^2`, for the errors of ``neurons``, or for white noise where these make none.
    """
    values: dict[fx.Node, Tensor] = {}
    wanted = {*places, *map(operand, places)}

    def keep(node: fx.Node, value: Any) -> None:
        if node in wanted:
            values[node] = value.requires_grad_()  # where weights are frozen, or inputs words, there is none yet

    white, added, injected = (dict.fromkeys(places, 0.0) for _ in range(3))
    answers: list[Tensor] = []
    some = images[:: math.ceil(len(images) / PROBED)]
    generator = torch_generator(seed, "directions of the output")
    with torch.enable_grad():
        for part in some.split(4):
            y = numbers(Watch(graph, keep).run(*part.copy(grad=True)))
            answers.append(y.detach())
            outputs = [values[n] for n in places]
            errors = {n: fs_neuron(values[operand(n)].detach(), p) - values[n].detach() for n, p in neurons.items()}
            for n, error in errors.items():
                injected[n] += float(error.double().square().sum())
            for _ in range(PROBES):
                u = torch.randn(y.shape, generator=generator, dtype=y.dtype).to(y.device)
                for n, g in zip(places, torch.autograd.grad(y, outputs, u, True, allow_unused=True, materialize_grads=True), strict=True):
                    white[n] += float(g.double().square().sum()) / PROBES
                    if n in errors:
                        added[n] += float((g * errors[n]).reshape(len(part), -1).sum(1).double().square().sum()) / PROBES
    size = {n: values[n].numel() // len(part) for n in places}
    reach = {n: added[n] / injected[n] if injected[n] else white[n] / (size[n] * len(some)) for n in places}  # per unit of squared error
    share = float(torch.cat(answers).unsqueeze(1).flatten(1).double().var(0).sum()) / sum(size.values())
    least = 1e-6 * max(reach.values())
    return {n: share / max(reach[n], least) if least else 0.0 for n in places}


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
