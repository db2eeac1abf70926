"""Convert any traceable image classifier: each activation becomes a layer of few-spike neurons, everything else stays as it is.

Weights are untouched and nothing is trained. The next layer is linear, so the spikes sent one by one add up to the decoded number:
the converted network hands on decoded numbers in a single pass, and `snncore.few_spike.evaluate` sends the spikes step by step.

Source: C. Stöckl and W. Maass, Nature Machine Intelligence 3, 230-238 (2021); the choice of parameters per layer is ours.
"""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from numbers import Real

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from tqdm import tqdm

from snncore.few_spike import operations
from snncore.few_spike.calibrate import Prices, calibrate, check_calibration, prices_of
from snncore.few_spike.choose import CLOSED, default, fitted
from snncore.few_spike.layer import Conversion, FSActivation, Images, Report
from snncore.few_spike.neuron import FSParams
from snncore.few_spike.operations import ConversionError
from snncore.few_spike.trace import put_neurons, run_on, traced


def convert(
    network: nn.Module,
    example_input: Images,
    calibration: Float[Tensor, "sample *image"] | None = None,
    coefficients: Mapping[str, FSParams] | None = None,
    K: int = 8,
    spike_penalty: float = 0.0,
    seed: int = 0,
) -> Conversion:
    """A new network in which every activation is a layer of few-spike neurons. The given one is left as it is.

    Layers of neurons may write over their inputs: see `FSActivation`. No gradient passes them: train the given network, then convert.

    Raises `ConversionError` if the network is converted already, cannot be traced, computes in half precision, has no activation, uses an
    operation that is not known to be linear, analog or an activation, or overwrites numbers that are used elsewhere; if input, calibration
    or options do not fit; if the output is not finite, or has no row for each image; if an activation has no parameters.

    Parameters
    ----------
    network : module
        Takes one tensor of images, and returns one with a row for each; evaluated as in ``network.eval()``. Parametrized weights, such as
        those of weight normalization, become plain ones.
    example_input : tensor, shape (batch, ...)
        Shows shapes; original, trace and report's error are evaluated on it. May lie on the meta device with the network.
    calibration : tensor, shape (sample, ...), optional
        Images from whose activations the parameters of each layer are chosen: the range of a ReLU code, a fit for other functions.
        Default: published or usual ranges, which may not be those of the network: look at the report's error.
    coefficients : mapping from name of an activation to FSParams, optional
        Parameters for all layers of an activation, such as ``{"silu": coefficients("silu.published").params}``.
    K : int
        Time steps of all layers that ``coefficients`` leaves open, 1 to 62.
    spike_penalty : float
        Squared error of the network's output, as a share of its variance, that one more spike of each neuron must save. The error of a
        layer counts as much as it reaches the output. Layers are fitted twice then. Needs two calibration images or more.
    seed : int
        Of the fits, and of the inputs that calibration looks at.
    """
    if not (isinstance(K, int | np.integer) and 1 <= K <= 62):
        raise ConversionError(f"K is {K!r}: give a whole number of steps, 1 to 62")
    K = int(K)
    if not (isinstance(spike_penalty, Real) and math.isfinite(spike_penalty) and spike_penalty >= 0):
        raise ConversionError(f"spike_penalty is {spike_penalty!r}: give a finite number, 0 or more")
    if spike_penalty and torch.is_inference_mode_enabled():
        raise ConversionError("spike_penalty needs gradients: call convert outside of torch.inference_mode()")
    if not isinstance(coefficients, Mapping | None):
        raise ConversionError(
            f"coefficients is of type {type(coefficients).__name__}: give FSParams by the name of the activation, such as "
            '{"silu": coefficients("silu.published").params}'
        )
    coefficients = coefficients or {}
    for name, given in coefficients.items():
        if not isinstance(given, FSParams):
            raise ConversionError(f"coefficients[{name!r}] is of type {type(given).__name__}: give FSParams, such as a set's .params")
    graph, rows, places = traced(network, example_input)
    if calibration is not None:
        check_calibration(calibration, example_input)
    if spike_penalty and (calibration is None or len(calibration) == 1):
        held = "there is no calibration" if calibration is None else "calibration holds 1 image"
        raise ConversionError(f"{held}: spike_penalty compares errors with how outputs vary, so give two images or more")
    names = {a.name for a in places.values()}
    for name in coefficients.keys() - names:
        raise ConversionError(f"coefficients has {name!r}, but the network's activations are {', '.join(sorted(names))}")
    original = run_on(graph, example_input.clone())
    samples = calibrate(graph, list(places), calibration, seed) if calibration is not None else {}
    spiking = {row.node: row for row in rows if row.kind == "spiking"}

    def choose(node: fx.Node, prices: Prices) -> tuple[FSParams, str]:
        name, seen = places[node].name, samples.get(node.name)
        if name in coefficients:
            return coefficients[name], "given parameters"
        if seen is None or name in CLOSED:
            return default(name, K)
        return fitted(places[node], seen, K, spike_penalty * prices.get(node, 0.0), seed), "parameters for this layer's inputs"

    def choose_all(prices: Prices, what: str) -> dict[fx.Node, tuple[FSParams, str]]:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # fits run without Python's lock
            chosen = pool.map(partial(choose, prices=prices), places)
            return dict(zip(places, tqdm(chosen, what, len(places), disable=None, leave=False), strict=True))

    if calibration is not None and spike_penalty and names - coefficients.keys():
        first = choose_all(prices_of(graph, places, calibration, {}, seed), "first look at layers")
        prices = prices_of(graph, places, calibration, {node: params for node, (params, _) in first.items()}, seed)
        chosen = choose_all(prices, "layers")
    else:
        chosen = choose_all({}, "layers")
    for node, (params, why) in chosen.items():
        row, seen = spiking[node.name], samples.get(node.name)
        low, high = (float(seen[0]), float(seen[-1])) if seen is not None else (math.nan, math.nan)
        rows[rows.index(row)] = replace(row, K=params.K, low=low, high=high, why=why)
        put_neurons(graph, node, f"few_spike.{node.name}", FSActivation(params, operations.reads_alone(node, graph)))
    graph.delete_all_unused_submodules()
    graph.graph.lint()
    graph.recompile()
    off = (run_on(graph, example_input.clone()) - original).double().norm()
    error = math.nan if off.is_meta else float(off / original.double().norm()) if off else 0.0
    return Conversion(graph, Report(tuple(rows), error))
