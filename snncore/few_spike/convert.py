"""Convert any traceable image classifier: each activation becomes a layer of few-spike neurons, everything else stays as it is.

Weights are untouched and nothing is trained. The next layer is linear, so the spikes sent one by one add up to the decoded number:
the converted network hands on decoded numbers in a single pass, and `snncore.few_spike.evaluate` sends the spikes step by step.

Source: C. Stöckl and W. Maass, Nature Machine Intelligence 3, 230-238 (2021); the choice of parameters per layer is ours.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import fx, nn
from tqdm import tqdm

from snncore.few_spike import operations
from snncore.few_spike.choose import CLOSED, Prices, calibrate, default, error_of, fitted, images_of, outputs, prices_of, relative_error
from snncore.few_spike.layer import Conversion, FSActivation, Inputs, Report, Samples
from snncore.few_spike.neuron import FSParams
from snncore.few_spike.operations import ConversionError
from snncore.few_spike.trace import put_neurons, traced
from snncore.shapes import FloatTensor, check_number, check_whole

TOO_FAR = 0.3  # relative error of the output, above which `convert` warns


def convert(
    network: nn.Module,
    example_input: Samples,
    calibration: Samples | Iterable | None = None,
    coefficients: Mapping[str, FSParams] | None = None,
    K: int = 8,
    spike_penalty: float = 0.0,
    seed: int = 0,
    steps: Mapping[str, int] | None = None,
    activations: Mapping[Any, Callable[[FloatTensor], FloatTensor]] | None = None,
    analog: Iterable = (),
    linear: Iterable = (),
    trainable: bool = False,
    everything: bool = False,
) -> Conversion:
    """A new network in which every activation is a layer of few-spike neurons. The given one is left as it is.

    It is traced by torch.fx, or by torch.export where its code decides by sizes or types. Layers of neurons may write over their inputs:
    see `FSActivation`. Warns, naming the worst layer, if the report's error is above `TOO_FAR`.

    >>> images = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
    >>> snn, report = convert(network, images, calibration=images, K=10)
    >>> snn(images).shape, report.neurons, report.error < 0.01
    (torch.Size([8, 10]), 144, True)

    Raises `ConversionError` if the network is converted already, cannot be traced, computes in half precision, has no activation, uses an
    operation that is not known to be linear, analog or an activation, or overwrites numbers that are used elsewhere; if input, calibration
    or options do not fit; if the output is not finite, or has no row for each image; if an activation has no parameters.

    Parameters
    ----------
    network : module
        Takes tensors with a row for each image (or rows of words, as whole numbers), one or several, and returns such tensors: one, or a
        tuple, dictionary or registered dataclass of them; evaluated as in ``network.eval()``. Parametrized weights, such as
        those of weight normalization, become plain ones.
    example_input : tensor, shape (batch, ...), or a tuple of them for a network with several inputs
        Shows shapes; original and trace are compared on it, and so is the result without calibration. May lie on the meta device with the
        network.
    calibration : tensor, shape (sample, ...), a tuple of them for several inputs, or batches such as a DataLoader's, optional
        Images (the first of each batch, if it is a tuple or list, or as many as there are inputs). From their activations the parameters
        of each layer are chosen: the range of a ReLU code, a fit for other functions. Default: published or usual ranges, which may not
        be those of the network: look at the report's error.
    coefficients : mapping from name of an activation to FSParams, optional
        Parameters for all layers of an activation, such as ``{"silu": coefficients("silu.published").params}``.
    K : int
        Time steps of all layers that ``coefficients`` leaves open, 1 to 62.
    steps : mapping from the name of a layer in the report to K, optional
        Layers with other steps: more where the report's error is large, fewer where spikes cost much.
    spike_penalty : float
        The factor λ in *squared error + λ · spikes per neuron*, which the fits minimize: the error of the network's output, as a share of
        its variance. That of a layer counts as far as it reaches the output. Fits layers twice, and needs two calibration images or more.
    seed : int
        Of the fits, and of the inputs that calibration looks at.
    activations : mapping from a class of modules, or a function, to the function of one number that it is, optional
        Activations that the package does not know, such as ``{nn.Mish: F.mish}``. They need calibration, or coefficients by the name of
        the class in small letters.
    analog, linear : classes of modules, or functions
        Other operations that it does not know. Linear ones have no constant part. All that is given has to occur in the network.
    trainable : bool
        Pass gradients through neurons as through their activations (straight-through), for fine-tuning. Otherwise they raise an error.
    everything : bool
        Let softmax, layer normalization, attention and products of two signals spike, too, and send spikes to all synapses but those of the
        image (`snncore.few_spike.expand`, which says what stays analog). Needs calibration.
    """
    _check_options(K, spike_penalty, coefficients=coefficients, steps=steps, activations=activations, analog=analog, linear=linear)
    steps, coefficients = steps or {}, coefficients or {}
    given = operations.given(activations or {}, analog, linear)
    graph, rows, places = traced(network, example_input, given, everything)
    seen = Inputs(example_input) if calibration is None else images_of(calibration, Inputs(example_input))
    if spike_penalty and (calibration is None or len(seen) == 1):
        held = "there is no calibration" if calibration is None else "calibration holds 1 image"
        raise ConversionError(f"{held}: spike_penalty compares errors with how outputs vary, so give two images or more")
    names = {a.name for a in places.values()}
    for name in coefficients.keys() - names:
        raise ConversionError(f"coefficients has {name!r}, but the network's activations are {', '.join(sorted(names))}")
    for key in given.keys() - {operations.key_of(node, graph) for node in graph.graph.nodes}:
        said = torch.typename(key) if callable(key) else repr(key)
        raise ConversionError(f"{said} is given, but occurs nowhere; the network's activations are {', '.join(sorted(names))}")
    open_ones = [node.name for node, a in places.items() if a.name not in coefficients]
    for name in steps.keys() - set(open_ones):
        raise ConversionError(f"steps has {name!r}, but the layers that spike, without given coefficients, are {', '.join(open_ones)}")
    original = outputs(graph, seen)
    samples = calibrate(graph, list(places), seen, seed, checked=calibration is not None) if not seen.is_meta else {}
    spiking = {row.node: row for row in rows if row.kind == "spiking"}

    def choose(node: fx.Node, prices: Prices) -> tuple[FSParams, str]:
        name, k = places[node].name, int(steps.get(node.name, K))
        if name in coefficients:
            return coefficients[name], "given parameters"
        if calibration is None or name in CLOSED:
            return default(places[node], k)
        fit = fitted(places[node], samples[node.name], k, spike_penalty * prices.get(node, 0.0), seed)
        return fit, "parameters for this layer's inputs"

    def choose_all(prices: Prices, what: str) -> dict[fx.Node, tuple[FSParams, str]]:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # fits run without Python's lock
            chosen = pool.map(partial(choose, prices=prices), places)
            return dict(zip(places, tqdm(chosen, what, len(places), disable=None, leave=False), strict=True))

    prices: Prices = {}
    if spike_penalty and names - coefficients.keys():
        first = choose_all(prices_of(graph, places, seen, {}, seed), "first look at layers")
        prices = prices_of(graph, places, seen, {node: params for node, (params, _) in first.items()}, seed)
    for node, (params, why) in choose_all(prices, "layers").items():
        row, inputs = spiking[node.name], samples.get(node.name)
        error = math.nan if inputs is None else error_of(places[node], params, inputs)
        low, high = (math.nan, math.nan) if inputs is None or calibration is None else (float(inputs[0]), float(inputs[-1]))
        rows[rows.index(row)] = replace(row, K=params.K, low=low, high=high, error=error, why=why)
        inplace, function = operations.reads_alone(node, graph) and not trainable, places[node].function if trainable else None
        put_neurons(graph, node, f"few_spike.{node.name}", FSActivation(params, inplace, function))
    graph.delete_all_unused_submodules()
    graph.graph.lint()
    graph.recompile()
    words = "example_input" if calibration is None else f"{len(seen)} calibration images"
    functions = {node.name: activation.function for node, activation in places.items()}
    report = Report(tuple(rows), relative_error(outputs(graph, seen), original), words, functions)
    if report.error > TOO_FAR:
        worst, way_out = report.worst, "give calibration images" if calibration is None else "give more steps K, or a smaller spike_penalty"
        warnings.warn(
            f"the converted network's output differs by {report.error:.2g} of its norm for {words}. The largest error of a layer is "
            f"{worst.error:.2g}, of {worst.node} ({worst.operation}, K = {worst.K}, {worst.why}): {way_out}",
            stacklevel=2,
        )
    return Conversion(graph, report)


def _check_options(K: int, spike_penalty: float, **given: Any) -> None:
    classes = "classes of modules or functions, such as (nn.Fold,)"
    for name, kind, way_out in (
        ("coefficients", Mapping, "FSParams by the name of the activation, such as coefficients('silu.published').params"),
        ("steps", Mapping, "K by the name of a layer in the report"),
        ("activations", Mapping, "functions by class or function, such as {nn.Mish: F.mish}"),
        ("analog", Iterable, classes),
        ("linear", Iterable, classes),
    ):
        if not isinstance(given[name], kind | None) or isinstance(given[name], str):
            raise ConversionError(f"{name} is of type {type(given[name]).__name__}: give {way_out}")
    try:
        check_number("spike_penalty", spike_penalty)
        for steps in (K, *(given["steps"] or {}).values()):
            check_whole("K", steps, high=62)
    except ValueError as error:
        raise ConversionError(str(error)) from error
    if spike_penalty and torch.is_inference_mode_enabled():
        raise ConversionError("spike_penalty needs gradients: call convert outside of torch.inference_mode()")
    for name, params in (given["coefficients"] or {}).items():
        if not isinstance(params, FSParams):
            raise ConversionError(f"coefficients[{name!r}] is of type {type(params).__name__}: give FSParams, such as a set's .params")
