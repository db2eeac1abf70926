r"""Three evaluations of a converted network, all of the same function.

- **Collapsed**: ``network(images)``, one pass that hands on decoded numbers.
- **Stepwise**: the spikes of each step pass every linear operation by themselves and are added up where the next neurons collect them,
  :math:`\sum_t W\, d(t)\, z(t) = W \sum_t d(t)\, z(t)`. Products of two signals are sums over pairs of steps. It also counts synaptic
  operations. Rounding may move a number across a threshold.
- **Pieces**: each neuron looks up its piece (`snncore.few_spike.neuron.pieces`), by its input or by its spikes, whichever is faster.
  The piece knows its output and its spikes, which gives all statistics.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, fx
from torch.func import functional_call
from torch.fx.node import map_aggregate, map_arg

from snncore.few_spike import operations
from snncore.few_spike.layer import FSActivation, Inputs, OtherNeurons, Samples
from snncore.few_spike.neuron import FSParams, Pieces, fs_neuron, fs_run, pieces
from snncore.kernels.fs_neuron import read_codes
from snncore.shapes import SpikeTrain


@dataclass
class Steps:
    """A signal between neurons: a part that does not depend on spikes, and what the spikes of each step add."""

    constant: Any
    steps: list[Any]


def _decoded(signal: Any) -> Any:
    """The number that has arrived when all steps are over."""
    return sum(signal.steps, signal.constant) if isinstance(signal, Steps) else signal


def _constant(signal: Any) -> Any:
    """The part of a number that does not depend on spikes."""
    return signal.constant if isinstance(signal, Steps) else signal


def _replace(arguments: Any, change: Callable[[Any], Any]) -> Any:
    """Arguments of a call with ``change`` applied to each signal, also inside lists."""
    return map_aggregate(arguments, lambda a: change(a) if isinstance(a, Steps | Tensor) else a)


def with_constants(run: fx.Interpreter, n: fx.Node, change: Callable[[bool, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The layer that ``run`` is at, as a function of its signal: ``change`` is told whether a constant is added, and gives another one."""
    (source,), key = operations.signals(n), operations.key_of(n, run.module)
    values: dict[fx.Node, Any] = {a: run.env[a] for a in n.all_input_nodes if a is not source}
    if n.op == "call_module":
        module = run.fetch_attr(str(n.target))
        own = {name: change(name in operations.ADDED, a) for name, a in (*module.named_parameters(), *module.named_buffers())}
        call: Callable = partial(functional_call, module, own)
    else:
        added = [operations.argument(n, of[key], name) for name, of in operations.ADDED.items() if key in of]
        values = {a: change(a in added, value) if isinstance(value, Tensor) else value for a, value in values.items()}
        call = partial(getattr(run, n.op), n.target)
    return lambda x: call(*map_arg((n.args, n.kwargs), (values | {source: x}).__getitem__))


def with_ones(run: fx.Interpreter, n: fx.Node) -> Callable[[Tensor], Tensor]:
    """The layer of synapses that ``run`` is at, with all weights 1 and nothing added: it counts what arrives, borders included."""
    return with_constants(run, n, lambda added, a: torch.full_like(a, float(not added), dtype=torch.float64))


class Traffic(NamedTuple):
    """Work of one layer of synapses for a batch of images: a convolution, linear layer, product with constant weights or of spikes.

    Products of two signals, as in attention, are counted where both are spikes (``everything`` of `convert`); the report tells the others.
    """

    node: str
    macs: int  #: multiply-accumulates of the original network
    nonzero: int  #: those of them whose input is not 0: the work of a processor that skips zeros
    spikes: int  #: how often a spike arrives at a synapse, or pairs of spikes meet; 0 if the layer receives something else
    graded: int  #: multiply-accumulates, if the layer receives anything but spikes


@torch.no_grad()
def stepwise(network: fx.GraphModule, images: Samples) -> tuple[Any, tuple[Traffic, ...]]:
    """Evaluate a converted network by sending the spikes of each step by themselves; the output, and the work of each layer."""
    run = _Stepwise(network)
    return run.run(*Inputs(images).parts), tuple(run.traffic)


def _race(signal: Steps, dim: int) -> Steps:
    """The code of the largest number along ``dim``: who does not fire where another one fires drops out."""
    racing, steps = torch.ones_like(signal.constant, dtype=torch.bool), []
    for step in signal.steps:
        fires = racing & (step != 0)
        some = fires.any(dim, True)
        racing &= fires | ~some
        steps.append((step * fires).sum(dim, True) / fires.sum(dim, True).clamp(min=1))
    return Steps(signal.constant.amax(dim, True), steps)


def _send(name: str, neurons: FSActivation, x: Tensor) -> Steps:
    """The numbers that a layer of neurons sends in each step."""
    z, _ = fs_run(x, neurons.params)
    return Steps(torch.zeros_like(z[0]), [d * step for d, step in zip(neurons.params.d, z, strict=True)])


class _Stepwise(OtherNeurons):
    def __init__(self, network: fx.GraphModule):
        super().__init__(network, _send)
        operations.refuse_unnoted(network.graph)
        self.traffic: list[Traffic] = []

    def run_node(self, n: fx.Node) -> Any:
        if n.op in ("placeholder", "get_attr", "output"):
            return _replace(super().run_node(n), _decoded)
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        call = partial(getattr(self, n.op), n.target)
        if isinstance(operations.module_of(n, self.module), FSActivation):
            return call(*_replace((args, kwargs), _decoded))
        if not operations.carried(n):  # arithmetic on shapes
            return call(*_replace((args, kwargs), _constant))
        kind, why = operations.describe(n, self.module)
        if kind == "product":
            return self._pairs(n)
        if kind == "race":
            return _race(*args[:2])
        if why == operations.SYNAPSES:
            (source,), ones = operations.signals(n), with_ones(self, n)
            signal = self.env[source]
            spikes = operations.carried(source) == operations.Carries.SPIKES and isinstance(signal, Steps)
            self._count(n, lambda number: ones(number(signal)), spikes)
        signals = [self.env[sender] for sender in operations.signals(n) if isinstance(self.env[sender], Steps)]
        if kind == "analog" or not signals:
            return call(*_replace((args, kwargs), _decoded))
        constant = call(*_replace((args, kwargs), _constant))
        if why in (operations.SYNAPSES, operations.SHIFT):
            linear_part = with_constants(self, n, lambda added, a: torch.zeros_like(a) if added else a)
            return Steps(constant, [linear_part(step) for step in signals[0].steps])
        if why == operations.SUM:
            args = tuple(0 if isinstance(a, int | float) and len(args) < 3 else a for a in args)  # the second of three is alpha
            kwargs = {key: 0 if isinstance(a, int | float) and key != "alpha" else a for key, a in kwargs.items()}
        joined = why == operations.SUM or operations.key_of(n, self.module) in operations.JOINS

        def at(t: int, a: Any) -> Any:
            if isinstance(a, Steps):
                return a.steps[t] if t < len(a.steps) else _replace(a.constant, torch.zeros_like)
            return torch.zeros_like(a) if joined else a  # what does not depend on spikes is in the constant part

        return Steps(constant, [call(*_replace((args, kwargs), partial(at, t))) for t in range(max(len(s.steps) for s in signals))])

    def _pairs(self, n: fx.Node) -> Tensor:
        """The product of two signals that are spikes: the sum over pairs of steps, in double precision. Notes how many pairs there are."""
        first, second = (self.env[source] for source in operations.signals(n))
        args, kwargs = self.fetch_args_kwargs_from_env(n)

        def product(a: Any, b: Any) -> Any:
            factors = iter((a, b))
            return getattr(self, n.op)(n.target, *_replace((args, kwargs), lambda _: next(factors)))

        self._count(n, lambda number: product(number(first), number(second)), True)
        return sum(product(a.double(), b.double()) for a in first.steps for b in second.steps).to(first.constant.dtype)

    def _count(self, n: fx.Node, arriving: Callable[[Callable], Tensor], spikes: bool) -> None:
        """Note the work of a layer: all that arrives if each number of a signal is 1; whether it is not 0; how many spikes it is."""
        macs = int(arriving(lambda signal: torch.ones_like(_decoded(signal), dtype=torch.float64)).sum())
        nonzero = int(arriving(lambda signal: (_decoded(signal) != 0).double()).sum())
        sent = int(arriving(lambda signal: sum((step != 0).double() for step in signal.steps)).sum()) if spikes else 0
        self.traffic.append(Traffic(n.name, macs, nonzero, sent, 0 if spikes else macs))


@dataclass(frozen=True)
class Layer:
    """Spikes of one layer of few-spike neurons, the module ``few_spike.<node>`` of the network."""

    node: str
    params: FSParams
    neurons: int  #: per image
    counts: np.ndarray  #: how many of the neurons were in each piece, shape (piece,)
    per_image: np.ndarray  #: spikes for each image, shape (image,)
    pieces: Pieces

    @property
    def spikes_per_step(self) -> np.ndarray:
        """Spikes per neuron and image in each step, shape (K,)."""
        return self.pieces.spikes.long().numpy() @ self.counts / (self.neurons * len(self.per_image))

    @property
    def spikes(self) -> float:
        """Spikes per image."""
        return float(self.per_image.sum() / len(self.per_image))

    def __add__(self, other: "Layer") -> "Layer":
        return replace(self, counts=self.counts + other.counts, per_image=np.concatenate([self.per_image, other.per_image]))


@dataclass(frozen=True)
class Statistics:
    """Spikes of a converted network, layer by layer; statistics of several batches add up."""

    layers: tuple[Layer, ...]

    def __repr__(self) -> str:
        lines = [f"{layer.node}: {layer.spikes / layer.neurons:.3g}" for layer in self.layers]
        total = f"{self.spikes_per_neuron:.3g} spikes per neuron and image"
        return "\n  ".join([f"{total}, {self.neurons:,} neurons, {len(self.per_image)} images; by layer", *lines])

    def __add__(self, other: "Statistics") -> "Statistics":
        return Statistics(tuple(a + b for a, b in zip(self.layers, other.layers, strict=True)))

    @property
    def neurons(self) -> int:
        """Few-spike neurons per image."""
        return sum(layer.neurons for layer in self.layers)

    @property
    def per_image(self) -> np.ndarray:
        """Spikes for each image, shape (image,)."""
        return np.sum([layer.per_image for layer in self.layers], axis=0)

    @property
    def spikes_per_neuron(self) -> float:
        """Mean number of spikes of a neuron for one image."""
        return sum(layer.spikes for layer in self.layers) / self.neurons


_pieces = lru_cache(maxsize=256)(pieces)
CODED = 16  # up to so many steps, a table of 2^K numbers fits the processor's cache


def _lookup(x: Tensor, p: FSParams, table: Pieces, images: int) -> tuple[Tensor, Tensor]:
    """What the neurons hand on, and how many of each image are in each piece, shape (image, piece). NaN stay NaN and are in none."""
    if x.device.type == "cpu" and p.K <= CODED:  # much faster than a search: the spikes of a neuron, read as a binary number by itself
        digits = 2.0 ** torch.arange(p.K, dtype=torch.float32, device=x.device)
        codes = (digits @ table.spikes.float()).long()
        y = x.new_zeros(2**p.K).index_put_((codes,), table.y)
        code = fs_neuron(x, replace(p, d=digits.tolist())).contiguous()
        counts = read_codes(code.view(images, -1).numpy(), y.numpy(), torch.get_num_threads())
        return code, torch.from_numpy(counts)[:, codes]
    which = torch.bucketize(x, table.first[1:].to(x.device), right=True)
    y = torch.where(x.isnan(), x, table.y.to(x.device)[which])
    n = len(table) + 1  # the last is for NaN
    which = which.masked_fill(x.isnan(), len(table)).reshape(images, -1) + n * torch.arange(images, device=x.device)[:, None]
    return y, torch.bincount(which.flatten(), minlength=n * images).view(images, n)[:, :-1]


@torch.no_grad()
def statistics(network: fx.GraphModule, images: Samples) -> tuple[Any, Statistics]:
    """Evaluate a converted network by the pieces of its neurons; the output, and how many neurons were in each piece.

    Raises `ValueError` if there is no image, if images do not come first wherever neurons are (as far as sizes can tell), or if neurons
    get NaN or have too many pieces.
    """
    x = Inputs(images)
    if not len(x):
        raise ValueError("there is no image: give one or more")
    layers: list[Layer] = []

    def look_up(node: str, neurons: FSActivation, signal: Tensor) -> Tensor:
        if len(signal) % len(x):
            shape = f"few_spike.{node} gets numbers of shape {tuple(signal.shape)} for {len(x)} images"
            raise ValueError(f"{shape}: spikes are counted by image, so images must come first")
        table = _pieces(neurons.params, signal.dtype)
        y, in_pieces = _lookup(signal, neurons.params, table, len(x))
        if int(in_pieces.sum()) < signal.numel():
            raise ValueError(
                f"few_spike.{node} gets NaN, for which no neuron has a spike: look for the reason in the images or the weights"
            )
        counts = in_pieces.cpu().numpy()
        per_image = counts @ table.spikes.long().sum(0).numpy()
        layers.append(Layer(node, neurons.params, signal.numel() // len(x), counts.sum(0), per_image, table))
        return y

    output = OtherNeurons(network, look_up).run(*x.parts)
    return output, Statistics(tuple(layers))


@torch.no_grad()
def spike_train(network: fx.GraphModule, images: Samples, node: str) -> SpikeTrain:
    """All spikes of one layer, shape (K, batch, ...); `ValueError` if the network has no such layer of few-spike neurons."""
    sent: dict[str, Tensor] = {}

    def send(name: str, neurons: FSActivation, signal: Tensor) -> Tensor:
        sent[name] = fs_run(signal, neurons.params)[0] if name == node else torch.empty(0)
        return neurons(signal)

    OtherNeurons(network, send).run(*Inputs(images).parts)
    if node not in sent:
        raise ValueError(f"no layer of few-spike neurons is named {node!r}: there are {', '.join(sent)}")
    return sent[node]
