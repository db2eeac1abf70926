"""A layer of few-spike neurons in a network, and what the conversion says about each operation."""

import math
from dataclasses import asdict, dataclass
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, fx, nn

from snncore.few_spike.neuron import FSParams, fs_neuron
from snncore.few_spike.operations import ConversionError, module_of
from snncore.shapes import FloatTensor

Images = Float[Tensor, "batch *image"]


class FSActivation(nn.Module):
    """A layer of few-spike neurons, one per element, all with the same parameters; returns the decoded numbers, in float32 or float64.

    Where nothing else in the network reads its input, `convert` lets it write over it (``inplace``), as ``nn.ReLU(inplace=True)`` does.
    Before you add a reader, such as a hook on the layer before, set ``inplace`` to False.
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
    kind: str  #: "spiking", "linear" (spikes may pass it one by one) or "analog" (it needs decoded numbers)
    neurons: int  #: outputs of the operation per image
    K: int = 0  #: time steps; 0 where nothing spikes
    low: float = math.nan  #: smallest input seen in calibration; nan without
    high: float = math.nan  #: largest one
    why: str = ""  #: what happens there


@dataclass(frozen=True)
class Report:
    """What became of each operation, in order of execution; prints as a table.

    ``error`` is that of the output for ``example_input``: norm of the difference by norm of the original's output; nan on the meta device.
    """

    rows: tuple[Row, ...]
    error: float

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

    def __str__(self) -> str:
        table = self.frame.to_string(index=False, na_rep="", float_format="{:.4g}".format)
        return f"{table}\nRelative error of the output for example_input: {self.error:.2g}"


def fs_layers(network: fx.GraphModule) -> dict[fx.Node, FSActivation]:
    """Layers of few-spike neurons of a converted network, by the nodes that call them, in order of execution."""
    modules = {node: module_of(node, network) for node in network.graph.nodes}
    return {node: module for node, module in modules.items() if isinstance(module, FSActivation)}


class Conversion(NamedTuple):
    """A converted network and the report of its conversion."""

    network: fx.GraphModule
    report: Report
