"""Convert any traceable image classifier: each activation becomes a layer of few-spike neurons, everything else stays as it is.

Weights are untouched and nothing is trained. The next layer is linear, so the spikes sent one by one add up to the decoded number:
the converted network hands on decoded numbers in a single pass, and `snncore.few_spike.evaluate` sends the spikes step by step.

Source: C. Stöckl and W. Maass, Nature Machine Intelligence 3, 230-238 (2021); the choice of parameters per layer is ours.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate
from torch.nn.utils import parametrize, prune, remove_spectral_norm, remove_weight_norm
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm
from tqdm import tqdm

from snncore.few_spike import operations
from snncore.few_spike.coefficients import read_sets
from snncore.few_spike.fit import fit
from snncore.few_spike.neuron import FSParams, fs_neuron, relu6_code, relu_code
from snncore.few_spike.operations import Activation, ConversionError
from snncore.seeds import torch_generator
from snncore.shapes import FloatTensor

Images = Float[Tensor, "batch *image"]
Prices = dict[fx.Node, float]


class FSActivation(nn.Module):
    """A layer of few-spike neurons, one per element, all with the same parameters; it hands on the decoded numbers, in float32 or float64.

    Where nothing else in the network reads its input, `convert` makes it ``inplace``: it may then write over it, as
    ``nn.ReLU(inplace=True)`` does. Before you add a reader of your own, such as a hook on the layer before, set ``inplace`` to False.
    """

    def __init__(self, params: FSParams, inplace: bool = False):
        super().__init__()
        self.params, self.inplace = params, inplace

    def forward(self, x: FloatTensor) -> FloatTensor:
        refuse_half("the input of few-spike neurons", x.dtype)
        return fs_neuron(x, self.params, self.inplace)

    def get_extra_state(self) -> Tensor:
        """The parameters, for ``state_dict``: rows of T, h, d, and whether thresholds are strict, in float64."""
        p = self.params
        return torch.tensor([p.T, p.h, p.d, [float(p.strict)] * p.K], dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        """The parameters of ``load_state_dict``; their number of steps may be another."""
        T, h, d, strict = state.tolist()
        self.params = FSParams(T, h, d, bool(strict[0]))

    def extra_repr(self) -> str:
        return f"K={self.params.K}" + ", inplace" * self.inplace


@dataclass(frozen=True)
class Row:
    """One operation of a converted network.

    Attributes
    ----------
    node : str
        Its name in the traced graph; spiking ones are the modules ``few_spike.<node>`` of the network.
    operation : str
        Activation or operation that it was.
    kind : str
        "spiking", "linear" (spikes may pass it one by one) or "analog" (it needs decoded numbers).
    neurons : int
        Outputs of the operation per image.
    K : int
        Time steps; 0 where nothing spikes.
    low, high : float
        Interval of inputs seen in calibration; nan without.
    why : str
        What happens there.
    """

    node: str
    operation: str
    kind: str
    neurons: int
    K: int = 0
    low: float = math.nan
    high: float = math.nan
    why: str = ""


@dataclass(frozen=True)
class Report:
    """What became of each operation, in order of execution; prints as a table.

    Attributes
    ----------
    rows : tuple of Row
    error : float
        What the neurons change in the output for ``example_input``: norm of the difference by norm of the original's output; nan on the
        meta device.
    """

    rows: tuple[Row, ...]
    error: float

    @property
    def frame(self) -> pd.DataFrame:
        """The report as a table."""
        return pd.DataFrame([asdict(row) for row in self.rows])

    @property
    def spiking(self) -> tuple[Row, ...]:
        """The layers of few-spike neurons."""
        return tuple(row for row in self.rows if row.kind == "spiking")

    @property
    def neurons(self) -> int:
        """Few-spike neurons per image."""
        return sum(row.neurons for row in self.spiking)

    @property
    def by_activation(self) -> dict[str, int]:
        """Few-spike neurons per image, by what they stand for: squeeze-and-excitation gates are apart from SiLU."""
        kinds = dict.fromkeys(row.operation for row in self.spiking)
        return {kind: sum(row.neurons for row in self.spiking if row.operation == kind) for kind in kinds}

    def to_csv(self, path: Path | str) -> None:
        """Write the table."""
        self.frame.to_csv(path, index=False)

    def __str__(self) -> str:
        table = self.frame.to_string(index=False, na_rep="", float_format="{:.4g}".format)
        return f"{table}\nRelative error of the output for example_input: {self.error:.2g}"


class Conversion(NamedTuple):
    """A converted network and the report of its conversion."""

    network: fx.GraphModule
    report: Report


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

    Parameters
    ----------
    network : module
        Takes one tensor of images, and returns one with a row for each; evaluated as in ``network.eval()``. Parametrized weights, such as
        those of weight normalization, become plain ones.
    example_input : tensor, shape (batch, ...)
        Used for shapes, to check that the traced network gives what the network gives, and for the report's error. May lie on the meta
        device with the network.
    calibration : tensor, shape (sample, ...), optional
        Images from whose activations the parameters of each layer are chosen: the range of a ReLU code, a fit for other functions.
        Without, they are made for published or usual ranges, which may not be those of the network: look at the report's error.
    coefficients : mapping from name of an activation to FSParams, optional
        Parameters for all layers of an activation, such as ``{"silu": coefficients("silu.published").params}``.
    K : int
        Time steps of all layers that ``coefficients`` leaves open, 1 to 62.
    spike_penalty : float
        What one more spike of each neuron must save in squared error of the network's output, as a share of the output's variance.
        The error of a layer counts as much as it reaches the output. Layers are fitted twice then. Needs two calibration images or more.
    seed : int
        Of the fits, and of the inputs that calibration looks at.

    Returns
    -------
    Conversion
        ``network`` and ``report``.

    Raises
    ------
    ConversionError
        If the network is converted already, or cannot be traced; if it computes in half precision, uses an operation that is not known to
        be linear, analog or an activation, or overwrites numbers that are used elsewhere; if the input or the calibration does not fit,
        or the output is not finite or has no row for each image; if an activation has no parameters, or ``coefficients`` are none; if K
        is no whole number from 1 to 62; if ``spike_penalty`` is no number from 0 on, or is above 0 with less than two calibration images.
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
    for name, given in (coefficients or {}).items():
        if not isinstance(name, str):
            raise ConversionError(f"coefficients has the key {name!r}: give the name of an activation, such as 'relu'")
        if not isinstance(given, FSParams):
            raise ConversionError(f"coefficients[{name!r}] is of type {type(given).__name__}: give FSParams, such as a set's .params")
    graph, rows, places = traced(network, example_input)
    if calibration is not None:
        _check_calibration(calibration, example_input)
    if spike_penalty and (calibration is None or len(calibration) == 1):
        held = "there is no calibration" if calibration is None else "calibration holds 1 image"
        raise ConversionError(f"{held}: spike_penalty compares errors with how outputs vary, so give two images or more")
    used = set(coefficients or {})
    names = {a.name for a in places.values()}
    if used - names:
        raise ConversionError(f"coefficients has {sorted(used - names)[0]!r}, but the network's activations are {', '.join(sorted(names))}")
    original = _run(graph, example_input.clone())
    samples = _calibrate(graph, list(places), calibration, seed) if calibration is not None else {}
    spiking = {row.node: row for row in rows if row.kind == "spiking"}

    def choose(node: fx.Node, prices: Prices) -> tuple[FSParams, str]:
        name, seen = places[node].name, samples.get(node.name)
        if coefficients and name in coefficients:
            return coefficients[name], "given parameters"
        if seen is None or name in CLOSED:
            return _default(name, K)
        return _fitted(places[node], seen, K, spike_penalty * prices.get(node, 0.0), seed), "parameters for this layer's inputs"

    def choose_all(prices: Prices, what: str) -> dict[fx.Node, tuple[FSParams, str]]:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # fits run without Python's lock
            found = pool.map(partial(choose, prices=prices), places)
            return dict(zip(places, tqdm(found, what, len(places), disable=None, leave=False), strict=True))

    if calibration is not None and spike_penalty and names - used:
        first = choose_all(_prices(graph, places, calibration, {}, seed), "first look at layers")
        prices = _prices(graph, places, calibration, {node: params for node, (params, _) in first.items()}, seed)
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
    error = math.nan if example_input.is_meta else _relative_error(_run(graph, example_input.clone()), original)
    return Conversion(graph, Report(tuple(rows), error))


class Traced(NamedTuple):
    """A copy of a network as a graph, a row per operation, and its activations."""

    graph: fx.GraphModule
    rows: list[Row]
    places: dict[fx.Node, Activation]


def traced(network: nn.Module, example_input: Images) -> Traced:
    """Trace a network and classify its operations; each node of a signal says in ``meta["carries"]`` what it hands on.

    Raises
    ------
    ConversionError
        As `convert`.
    """
    _check(network, example_input)
    expected = _run(_copy(network).eval(), example_input.clone())  # a copy that is gone before the next one is made
    graph = _trace(_with_plain_weights(_copy(network).eval()))
    _in_plain_words(graph)
    _out_of_place(graph)
    _refuse_answer(expected, example_input)
    try:
        with torch.no_grad():
            found = _Shapes(graph).run(example_input.clone())
    except Exception as error:  # whatever its operations raise, though the network itself has run
        raise ConversionError(
            f"{type(network).__name__} does not run as torch.fx has traced it: {_first_lines(error)}. {ONE_WAY}"
        ) from error
    if not example_input.is_meta:
        _same(expected, found)
    rows, places = _classify(graph, len(example_input))
    graph.recompile()
    if not places:
        raise ConversionError("the network has no activation that could spike: known are " + ", ".join(operations.NAMED))
    return Traced(graph, rows, places)


def put_neurons(graph: fx.GraphModule, node: fx.Node, target: str, neurons: nn.Module) -> None:
    """Put a layer of spiking neurons where an activation was, as the module ``target``."""
    graph.add_submodule(target, neurons)
    with graph.graph.inserting_before(node):
        new = graph.graph.call_module(target, (operations.operand(node),))
    node.replace_all_uses_with(new)
    graph.graph.erase_node(node)
    new._rename(node.name)
    new.meta["carries"] = "spikes"


ONE_WAY = "Its forward must do the same for every input: decide outside of it, and convert the part behind the decision"


def _check(network: nn.Module, x: Tensor) -> None:
    if not isinstance(network, nn.Module):
        what = (
            f"the class {network.__name__}: give one of its modules" if isinstance(network, type) else f"of type {type(network).__name__}"
        )
        raise ConversionError(f"network is {what}: give a module, such as nn.Sequential(nn.Linear(2, 3), nn.ReLU())")
    for name, module in network.named_modules():
        what = name or "the network"
        if isinstance(module, FSActivation):
            raise ConversionError(f"{what} is a layer of few-spike neurons: the network is converted already; give the original")
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            raise ConversionError(f"{what} is wrapped in {type(module).__name__}: give its .module")
        if isinstance(module, torch.jit.ScriptModule):
            raise ConversionError(
                f"{what} is compiled by torch.jit, which keeps no Python code to trace: give the module that it was made from"
            )
        if hasattr(module, "_orig_mod"):
            raise ConversionError(f"{what} is compiled by torch.compile: give the original, convert it, and compile the result")
    if hasattr(network, "few_spike") and not isinstance(network.few_spike, nn.Module):
        raise ConversionError("the network has an attribute few_spike, where layers of neurons would come: rename it")
    if not isinstance(x, Tensor):
        raise ConversionError(f"example_input is of type {type(x).__name__}: give one tensor, as the network gets it")
    if not x.ndim or not x.numel():
        raise ConversionError(f"example_input of shape {tuple(x.shape)} holds no number: give one image or more")
    for what, tensors in (("example_input", [x]), ("a parameter", list(network.parameters()))):
        for t in tensors:
            if t.is_floating_point():
                refuse_half(what, t.dtype)


def _check_calibration(images: Tensor, example_input: Tensor) -> None:
    if not isinstance(images, Tensor):
        raise ConversionError(f"calibration is of type {type(images).__name__}: give images in one tensor, as the network gets them")
    if not images.ndim or len(images) == 0:
        raise ConversionError("calibration holds no image: give some, or None")
    if images.dtype != example_input.dtype:
        raise ConversionError(
            f"calibration is of type {images.dtype}, and example_input of {example_input.dtype}: give both in the type of the network"
        )


def refuse_half(what: str, dtype: torch.dtype) -> None:
    """Few-spike neurons compute in float32 or float64.

    Raises
    ------
    ConversionError
        If ``dtype`` is another.
    """
    if dtype not in (torch.float32, torch.float64):
        raise ConversionError(
            f"{what} is of type {dtype}: thresholds need more digits; use network.float() with images in float32, outside of torch.autocast"
        )


def _copy(network: nn.Module) -> nn.Module:
    """A deep copy, also where hooks keep weights that they have computed, which torch refuses to copy with their gradients' history."""
    computed = [a for module in network.modules() for a in vars(module).values() if isinstance(a, Tensor) and not a.is_leaf]
    return copy.deepcopy(network, {id(a): a.detach().clone() for a in computed})


def _with_plain_weights(network: nn.Module) -> nn.Module:
    """Replace weights that hooks or parametrizations compute by what they are: in evaluation they are fixed. Returns the network.

    A parametrized module shares its class with its copies, so that `parametrize.remove_parametrizations` would break the original.
    """
    remove: dict[Any, Callable] = {WeightNorm: remove_weight_norm, SpectralNorm: remove_spectral_norm}
    for module in list(network.modules()):
        hooks: list[Any] = list(module._forward_pre_hooks.values())
        for hook in hooks:
            if type(hook) in remove:
                remove[type(hook)](module, hook.name)
            elif isinstance(hook, prune.BasePruningMethod):
                prune.remove(module, hook._tensor_name)
        if parametrize.is_parametrized(module):
            names: Any = module.parametrizations
            weights = {name: getattr(module, name).detach() for name in names}
            module.__class__ = parametrize.type_before_parametrizations(module)
            del module.parametrizations
            for name, weight in weights.items():
                module.register_parameter(name, nn.Parameter(weight))
    return network


def _first_lines(error: Exception) -> str:
    """What an error says, without what torch.fx adds about its graph."""
    return str(error).split("\n\nWhile executing")[0]


class _ImagesAlone(fx.Tracer):
    """Traces a module as it is called with images alone: optional arguments have their defaults from the start, which it may ask for."""

    def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> tuple[Any, list]:
        patched, args = super().create_args_for_root(root_fn, is_module, concrete_args)
        first, *others = (a.node for a in args[1:])
        if first.target.startswith("*") or any(not n.args and not n.target.startswith("*") for n in others):
            return patched, args  # as many inputs as it takes, which `_trace` refuses
        for n in others:
            self.graph.erase_node(n)
        return root_fn, args[:2]


def _trace(network: nn.Module) -> fx.GraphModule:
    tracer = _ImagesAlone()
    try:
        code = tracer.trace(network)
        graph = fx.GraphModule(tracer.root, code, type(network).__name__)
    except Exception as error:  # whatever the network's own code raises when it meets a symbol in place of numbers
        raise ConversionError(f"{type(network).__name__} cannot be traced by torch.fx: {error}. {_way_out(str(error))}") from error
    inputs = [node for node in graph.graph.nodes if node.op == "placeholder"]
    if len(inputs) > 1:
        raise ConversionError(f"the network takes {len(inputs)} inputs: wrap it in a module that takes the images alone")
    return graph


def _way_out(said: str) -> str:
    """What to change in a network about which torch.fx has said this."""
    if said.startswith("'len' is not supported"):
        return "Write x.shape[0] in place of len(x)"
    if "cannot be iterated" in said:
        return "Name sizes and parts one by one, such as x.shape[1], in place of a star or a loop"
    return ONE_WAY


def _in_plain_words(graph: fx.GraphModule) -> None:
    """Leave out operations on signals that only gradients notice, and give sizes that are taken from another signal as sizes."""
    signals: set[fx.Node] = set()
    for node in list(graph.graph.nodes):
        if node.op == "placeholder" or signals.intersection(node.all_input_nodes):
            signals.add(node)
        if node.op not in ("call_function", "call_method"):
            continue
        if node.kwargs.get("out") is not None:
            raise ConversionError(f"{node.name} ({operations.name_of(node, graph)}) writes into its argument out: call it without")
        if node in signals and operations.key_of(node, graph) in operations.IDLE:
            node.replace_all_uses_with(operations.operand(node))
            graph.graph.erase_node(node)
        elif node.op == "call_method" and node.target in operations.LIKE:
            with graph.graph.inserting_before(node):
                size = graph.graph.call_method("size", (operations.argument(node, 1, "other"),))
            node.target, node.args, node.kwargs = operations.LIKE[node.target], (operations.operand(node), size), {}


class _Shapes(fx.Interpreter):
    """Notes the tensors that each node makes in ``meta["tensors"]``, without their numbers, and whether a cast had nothing to do."""

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        made: list[Tensor] = []
        map_aggregate(value, lambda a: made.append(a.detach().to("meta")) if isinstance(a, Tensor) else None)
        n.meta["tensors"] = made
        n.meta["idle"] = n.op == "call_method" and n.target in operations.CASTS and value is self.env[operations.operand(n)]
        return value


def _out_of_place(graph: fx.GraphModule) -> None:
    """Replace calls that overwrite their input by calls that do not; later uses of the input become uses of the result."""
    place = {node: i for i, node in enumerate(graph.graph.nodes)}

    def root(node: fx.Node) -> fx.Node:
        while operations.aliases_its_input(node, graph) and node.all_input_nodes:
            node = node.all_input_nodes[0]
        return node

    memory = {node: root(node) for node in place}
    for node in list(place):
        if not operations.in_place(node, graph):
            continue
        x = operations.operand(node)
        for other in place:
            if other is not x and memory[other] is memory[x] and memory[other] is not node:
                late = [user for user in other.users if place[user] > place[node]]
                if late:
                    raise ConversionError(
                        f"{node.name} overwrites its input, and {late[0].name} uses the overwritten numbers under another name "
                        f"({other.name}): make {node.name} out of place (inplace=False)"
                    )
        if node.op == "call_function" and node.target in operations.IN_PLACE:
            node.target = operations.IN_PLACE[node.target]
        elif node.op == "call_method" and node.target in operations.IN_PLACE:
            node.op, node.target = "call_function", operations.IN_PLACE[node.target]
        else:
            found = operations.activation(node, graph)
            assert found is not None
            with graph.graph.inserting_before(node):
                keywords = found.function.keywords if hasattr(found.function, "keywords") else {}
                new = graph.graph.call_function(operations.NAMED[found.name], (x,), keywords)
            place[new] = place[node]
            memory[new] = new
            node.replace_all_uses_with(new)
            graph.graph.erase_node(node)
            del place[node], memory[node]
            memory.update({other: new for other, owner in memory.items() if owner is node})  # its views
            node = new
        memory[node] = node
        for user in list(x.users):
            if place[user] > place[node]:
                user.replace_input_with(x, node)
    graph.recompile()


def _run(network: Callable[[Tensor], Any], x: Tensor, what: str = "example_input") -> Any:
    try:
        with torch.no_grad():
            return network(x)
    except (RuntimeError, ValueError, IndexError, AssertionError) as error:
        raise ConversionError(f"the network does not take {what} of shape {tuple(x.shape)}: {_first_lines(error)}") from error


def _refuse_answer(y: Any, x: Tensor) -> None:
    if not isinstance(y, Tensor):
        raise ConversionError(f"the network returns {type(y).__name__}, not one tensor: wrap it in a module that returns one")
    if not y.ndim or len(y) != len(x):
        raise ConversionError(
            f"the network makes an output of shape {tuple(y.shape)} of example_input of shape {tuple(x.shape)}: the first size of both "
            "must be the number of images; for a single image give image[None]"
        )
    if not y.is_meta and not y.isfinite().all():
        raise ConversionError("the network's output for example_input is not finite: look at both")


def _same(expected: Tensor, found: Any) -> None:
    if not isinstance(found, Tensor) or not torch.allclose(expected, found, rtol=1e-4, atol=1e-5 * float(expected.abs().max())):
        raise ConversionError(
            "the traced network does not give what the network gives: it depends on randomness, state, or code that tracing does not see"
        )


def _relative_error(found: Tensor, expected: Tensor) -> float:
    off = (found - expected).double().norm()
    return float(off / expected.double().norm()) if off else 0.0


def _classify(graph: fx.GraphModule, batch: int) -> tuple[list[Row], dict[fx.Node, Activation]]:
    """A row per operation on signals (shape arithmetic and constants have none), and the activations. Idle casts are left out."""
    rows: list[Row] = []
    places: dict[fx.Node, Activation] = {}
    for node in _making_signals(graph):
        made = node.meta["tensors"]
        if node.meta["idle"]:
            node.replace_all_uses_with(operations.operand(node))
            graph.graph.erase_node(node)
            continue
        neurons = sum(t.numel() for t in made) // batch
        found = operations.activation(node, graph)
        if found:
            refuse_half(f"the output of {node.name}", made[0].dtype)
            places[node] = found
            node.meta["carries"] = "spikes"
            rows.append(Row(node.name, found.name, "spiking", neurons))
            continue
        kind, why = operations.describe(node, graph)
        received = _hand_on(node, why)
        if why == operations.SYNAPSES:
            why = f"receives {received}"
        rows.append(Row(node.name, operations.name_of(node, graph), kind, neurons, why=why))
    return rows, places


def _making_signals(graph: fx.GraphModule) -> Iterator[fx.Node]:
    """Operations that make signals of signals, in order: no constants, and no arithmetic on shapes. The image is noted before."""
    for node in list(graph.graph.nodes):
        if node.op == "placeholder":
            node.meta["carries"] = "the image"
        elif node.op not in ("get_attr", "output") and operations.signals(node) and node.meta["tensors"]:
            yield node


def _hand_on(node: fx.Node, why: str) -> str:
    """Note what an operation hands on; returns what it receives."""
    received = ", ".join(sorted({n.meta["carries"] for n in operations.signals(node)}))
    node.meta["carries"] = received if why == operations.REORDER else "graded numbers"
    return received


def note_signals(network: fx.GraphModule, images: Images, neurons: type[nn.Module]) -> None:
    """Note in ``meta["carries"]`` what each node of a converted network hands on, unless that is known: pickling keeps only code."""
    if any("carries" in node.meta for node in network.graph.nodes):
        return
    with torch.no_grad():
        _Shapes(network).run(images)
    for node in _making_signals(network):
        if node.op == "call_module" and isinstance(network.get_submodule(str(node.target)), neurons):
            node.meta["carries"] = "spikes"
        else:
            _hand_on(node, operations.describe(node, network)[1])


SAMPLES = 50_000  # inputs of each layer that calibration looks at


def _calibrate(graph: fx.GraphModule, nodes: list[fx.Node], images: Tensor, seed: int) -> dict[str, np.ndarray]:
    """Sorted inputs of each activation for the calibration images, at most about `SAMPLES`, smallest and largest included.

    Places are drawn at random: at regular ones a layer might show the same column of each image only.
    """
    wanted = {operations.operand(node) for node in nodes}
    parts: dict[fx.Node, list[np.ndarray]] = {node: [] for node in wanted}
    generator = torch_generator(seed, "inputs seen in calibration")

    class Watch(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            value = super().run_node(n)
            if n in parts:
                flat = value.detach().flatten()
                share = math.ceil(SAMPLES * len(batch) / len(images))
                some = torch.randint(len(flat), (share,), generator=generator).to(flat.device) if len(flat) > share else slice(None)
                parts[n].append(torch.cat([flat[some], flat.min()[None], flat.max()[None]]).double().cpu().numpy())
            return value

    for batch in images.split(16):
        _run(Watch(graph).run, batch, "calibration")
    found = {node.name: np.sort(np.concatenate(parts[operations.operand(node)])) for node in nodes}
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise ConversionError(f"calibration: the input of {name} is not finite; look at the images and the network's weights")
    return found


PROBES, PROBED = 16, 32  # random directions of the output, images


def _prices(
    graph: fx.GraphModule, places: Mapping[fx.Node, Activation], images: Tensor, neurons: Mapping[fx.Node, FSParams], seed: int
) -> Prices:
    r"""Mean squared error of a layer's outputs that weighs as much as one spike of each of its neurons, at a spike penalty of 1.

    An error e in the outputs a of a layer adds :math:`\sum_i (\sum_j e_j\, \partial y_i / \partial a_j)^2` to the squared error of the
    network's output y, to first order. The sum over i is estimated by random directions u, as the mean of
    :math:`(\sum_j e_j\, \partial (u y) / \partial a_j)^2`, for the errors of ``neurons``, or for white noise where these make none.
    """
    values: dict[fx.Node, Tensor] = {}
    wanted = {*places, *map(operations.operand, places)}

    class Keep(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            value = super().run_node(n)
            if n in wanted:
                values[n] = value
            return value

    white, added, injected = (dict.fromkeys(places, 0.0) for _ in range(3))
    answers, some = [], images[:: math.ceil(len(images) / PROBED)]
    generator = torch_generator(seed, "directions of the output")
    with torch.enable_grad():
        for part in some.split(4):
            y = Keep(graph).run(part.clone().requires_grad_())
            answers.append(y.detach())
            outputs = [values[n] for n in places]
            errors = {n: fs_neuron(values[operations.operand(n)].detach(), p) - values[n].detach() for n, p in neurons.items()}
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


CLOSED = "relu6", "hardsigmoid"  # activations whose range is known, so that their codes need no images


def _fitted(activation: Activation, x: np.ndarray, K: int, price: float, seed: int) -> FSParams:
    """Parameters for the inputs x of one layer: the best range of a ReLU code, or a fit of T, h and d."""
    y = activation.function(torch.from_numpy(x)).numpy()
    if activation.name == "relu":
        return _scaled_code(x, y, K, price)
    low, high = float(x[0]), float(x[-1])
    margin = 0.05 * (high - low) + 1e-3

    def cdf(edges: np.ndarray) -> np.ndarray:  # mostly what was seen, a little of everything, so that nothing rare is lost
        return 0.98 * np.searchsorted(x, edges) / len(x) + 0.02 * (edges - low + margin) / (high - low + 2 * margin)

    return fit(activation.function, K, (low - margin, high + margin), cdf, price, evaluations=400_000, seed=seed)


def _code(name: str, K: int, top: float) -> FSParams:
    """A code that rounds to the nearest, up to ``top``: for ReLU, ReLU6, or Hardsigmoid, which is relu6(x + 3) / 6."""
    if name == "hardsigmoid":
        p = relu6_code(K)
        return FSParams([T - 3.0 for T in p.T], p.h, [d / 6.0 for d in p.d], p.strict)
    if name == "relu6":
        return relu6_code(K)
    step = top / (2**K - 1)
    return relu_code(2**K * (_few_digits(step, 23 - K) if K <= 16 else step), K, nearest=True)


def _few_digits(x: float, digits: int) -> float:
    """x rounded to so many binary digits: then sums of a code's numbers are exact, and the compiled neuron needs no steps."""
    mantissa, exponent = math.frexp(x)
    return math.ldexp(round(math.ldexp(mantissa, digits)), exponent - digits)


def _scaled_code(x: np.ndarray, y: np.ndarray, K: int, price: float) -> FSParams:
    """The ReLU code of the range with the least squared error plus price per spike."""
    largest = float(y.max()) or 1.0  # 1 if the layer was silent for all images
    candidates = []
    for top in largest * 2.0 ** (np.arange(24, -25, -1) / 8):  # beyond the largest output, first steps are silent: coarser, fewer spikes
        p = _code("relu", K, float(top))
        digits = np.clip(np.floor(x / p.h[-1] + 0.5), 0, 2**K - 1).astype(np.int64)
        candidates.append((np.mean((digits * p.d[-1] - y) ** 2) + price * np.mean(np.bitwise_count(digits)), top, p))
    return min(candidates, key=lambda c: c[:2])[2]


def _default(name: str, K: int) -> tuple[FSParams, str]:
    """Parameters that need no calibration images, and the range that they are for."""
    if name in CLOSED:
        return _code(name, K, 6.0), "its whole range"
    if name == "relu":
        return relu_code(25.0, K), "published range 0 to 25, no images seen"
    sets = read_sets()
    if f"{name}.k{K}" not in sets:
        there = [str(k) for k in range(1, 63) if f"{name}.k{k}" in sets]
        choose = f"choose K among {', '.join(there)}, " if there else ""
        raise ConversionError(f"the package has no {name} neuron with K = {K}: {choose}give calibration images, or coefficients[{name!r}]")
    low, high = sets[f"{name}.k{K}"].interval
    return sets[f"{name}.k{K}"].params, f"usual range {low:g} to {high:g}, no images seen"
