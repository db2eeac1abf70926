"""A layer of few-spike neurons in a network, and what the conversion says about each operation."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import pandas as pd
import torch
from jaxtyping import Shaped
from torch import Tensor, fx, nn

from snncore.few_spike.neuron import FSParams, fs_neuron
from snncore.few_spike.operations import ConversionError, module_of
from snncore.shapes import FloatTensor

Images = Shaped[Tensor, "batch *image"]  #: or rows of words, as whole numbers
Samples = Images | tuple[Tensor, ...]  #: a tuple for a network with several inputs


class Inputs:
    """Samples for a network: one tensor, or a tuple of tensors with a row for each sample. ``what`` names them in errors."""

    def __init__(self, given: Any, what: str = "images"):
        self.parts: tuple[Tensor, ...] = given if isinstance(given, tuple) else (given,)
        if not self.parts:
            raise ConversionError(f"{what} is an empty tuple: give a tensor for each input")
        for a in self.parts:
            if not isinstance(a, Tensor):
                way_out = "give one tensor, or a tuple of tensors, as the network gets it"
                raise ConversionError(f"{what} is of type {type(a).__name__}: {way_out}")
        self.rows, *others = dict.fromkeys(len(a) if a.ndim else 0 for a in self.parts)
        if others:
            shapes = ", ".join(str(tuple(a.shape)) for a in self.parts)
            raise ConversionError(f"{what} has parts of shapes {shapes}: give each a row for each sample")

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, rows: slice) -> "Inputs":
        return Inputs(tuple(a[rows] for a in self.parts))

    def split(self, size: int) -> "list[Inputs]":
        """Batches of at most ``size`` samples."""
        return [self[first : first + size] for first in range(0, len(self), size)]

    def copy(self, grad: bool = False) -> tuple[Tensor, ...]:
        """Copies, which a network may overwrite; with gradients, if they are wanted and there can be any."""
        return tuple(a.clone().requires_grad_(grad and a.is_floating_point()) for a in self.parts)

    @property
    def shape(self) -> str:
        """Shapes, in words."""
        return " and ".join(str(tuple(a.shape)) for a in self.parts)

    @property
    def is_meta(self) -> bool:
        """Whether shapes are all that is known."""
        return any(a.is_meta for a in self.parts)


class FSActivation(nn.Module):
    """A layer of few-spike neurons, one per element, all with the same parameters; returns the decoded numbers, in float32 or float64.

    Where nothing else in the network reads its input, `convert` lets it write over it (``inplace``), as ``nn.ReLU(inplace=True)`` does.
    Before you add a reader, such as a hook on the layer before, set ``inplace`` to False.

    Spikes have no derivative. With a ``function``, gradients pass as through that function (straight-through); without, they are refused.
    """

    def __init__(self, params: FSParams, inplace: bool = False, function: Callable[[FloatTensor], FloatTensor] | None = None):
        super().__init__()
        self.params, self.inplace, self.function = params, inplace, function

    def forward(self, x: FloatTensor) -> FloatTensor:
        refuse_half("the input of few-spike neurons", x.dtype)
        if x.requires_grad and torch.is_grad_enabled() and not (torch.compiler.is_compiling() or torch.jit.is_tracing()):
            return _StraightThrough.apply(x, self.params, self.function)
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


class _StraightThrough(torch.autograd.Function):
    """Spikes forward, the derivative of the function that they stand for backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, params: FSParams, function: Callable | None) -> Tensor:
        ctx.save_for_backward(*([] if function is None else [x]))
        ctx.function = function
        return fs_neuron(x, params)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        if ctx.function is None:
            raise ConversionError(
                "no gradient passes few-spike neurons: convert with trainable=True to pass that of the activation, or evaluate under "
                "torch.no_grad()"
            )
        with torch.enable_grad():
            x = ctx.saved_tensors[0].detach().requires_grad_()
            return torch.autograd.grad(ctx.function(x), x, gradients)[0], None, None


def refuse_half(what: str, dtype: torch.dtype) -> None:
    """Raise a ConversionError if a type is neither float32 nor float64."""
    if dtype not in (torch.float32, torch.float64):
        raise ConversionError(
            f"{what} is of type {dtype}: thresholds need more digits; use network.float() with images in float32, outside of torch.autocast"
        )


@dataclass(frozen=True)
class Row:
    """One operation of a converted network."""

    node: str  #: its name in the traced graph; spiking ones are the modules ``few_spike.<node>`` of the network
    operation: str  #: activation or operation that it was
    kind: str  #: "spiking", "linear" (spikes pass it one by one), "product" or "race" (of spikes), or "analog" (it needs decoded numbers)
    neurons: int  #: outputs of the operation per image
    K: int = 0  #: time steps; 0 where nothing spikes
    low: float = math.nan  #: smallest input seen in calibration; nan without
    high: float = math.nan  #: largest one
    error: float = math.nan  #: of the layer's outputs for these inputs, or those of example_input: norm of the difference by norm
    why: str = ""  #: what happens there


@dataclass(frozen=True)
class Report:
    """What became of each operation, in order of execution: ``frame`` is the table, and printed it is a summary.

    ``error`` is that of the output for the images ``seen``: norm of the difference by norm of the original's output; nan on the meta
    device.
    """

    rows: tuple[Row, ...]
    error: float = math.nan
    seen: str = "example_input"
    functions: Mapping[str, Callable] = field(default_factory=dict, repr=False, compare=False)  #: what each layer stands for, by its node

    @property
    def frame(self) -> pd.DataFrame:
        """One line per operation."""
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

    @property
    def worst(self) -> Row:
        """The layer of few-spike neurons with the largest error of its own."""
        return max(self.spiking, key=lambda row: (not math.isnan(row.error), row.error))

    def __repr__(self) -> str:
        spiking = Counter(f"{row.operation}, K = {row.K}" for row in self.spiking)
        analog = Counter(f"{row.operation} {row.why}" for row in self.rows if row.kind == "analog")
        lines = [f"{len(self.spiking)} layers of few-spike neurons, {self.neurons:,} neurons per image"]
        lines += [f"  spiking  {count:4} x {what}" for what, count in spiking.items()]
        lines += [f"  analog   {count:4} x {what}" for what, count in analog.items()]
        lines += [f"  {kind:8} {n:4} x of spikes" for kind in ("product", "race") if (n := sum(row.kind == kind for row in self.rows))]
        lines += [f"  linear   {sum(row.kind == 'linear' for row in self.rows):4} operations"]
        worst = f"; largest error of a layer: {self.worst.error:.2g}, {self.worst.node}" if self.spiking else ""
        return "\n".join([*lines, f"Relative error of the output for {self.seen}: {self.error:.2g}{worst}"])


def fs_layers(network: fx.GraphModule) -> dict[fx.Node, FSActivation]:
    """Layers of few-spike neurons of a converted network, by the nodes that call them, in order of execution."""
    modules = {node: module_of(node, network) for node in network.graph.nodes}
    return {node: module for node, module in modules.items() if isinstance(module, FSActivation)}


class OtherNeurons(fx.Interpreter):
    """Runs a converted network with ``compute`` in place of its layers of neurons: it gets the name of each, the layer, and its input.

    Raises `TypeError` for a network that is not converted.
    """

    def __init__(self, network: fx.GraphModule, compute: Callable[[str, FSActivation, Tensor], Any]):
        if not isinstance(network, fx.GraphModule):
            name = type(network).__name__
            raise TypeError(f"the network is a {name}: give the converted one, snn of snn, report = convert(network, ...)")
        super().__init__(network)
        self.compute = compute

    def call_module(self, target: Any, args: tuple, kwargs: dict) -> Any:
        """Compute a layer of neurons by ``compute``, all else as it is."""
        module = self.fetch_attr(str(target))
        if not isinstance(module, FSActivation):
            return super().call_module(target, args, kwargs)
        refuse_half("the input of few-spike neurons", args[0].dtype)
        return self.compute(str(target).removeprefix("few_spike."), module, *args)


class Conversion(NamedTuple):
    """A converted network and the report of its conversion."""

    network: fx.GraphModule
    report: Report
