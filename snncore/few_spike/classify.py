"""Classify the operations of a traced network, and note the signals that each hands on."""

from collections.abc import Callable, Iterator
from functools import reduce
from operator import or_
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.node import map_aggregate
from torch.utils._pytree import tree_leaves

from snncore.few_spike import operations
from snncore.few_spike.layer import Row, refuse_half
from snncore.few_spike.operations import Activation, Carries, ConversionError


def tensors(value: Any) -> list[Tensor]:
    """The tensors in a value: itself, or those of a tuple, list, dictionary or registered dataclass."""
    return [a for a in tree_leaves(value) if isinstance(a, Tensor)]


class Shapes(fx.Interpreter):
    """Notes the tensors that each node makes in ``meta["tensors"]``, without their numbers, and whether a cast had nothing to do."""

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        n.meta["tensors"] = [a.detach().to("meta") for a in tensors(value)]
        if "given" in n.meta and isinstance(value, Tensor) and not value.is_meta:
            self._check_given(n, value)
        n.meta["idle"] = (
            n.op in operations.CALLS and operations.key_of(n, self.module) in operations.CASTS and value is self.env[operations.operand(n)]
        )
        return value

    def _check_given(self, n: fx.Node, value: Tensor) -> None:
        """Refuse a function that is not what the operation computes, and one given as linear that does not add up."""
        said, arguments = n.meta["given"], self.fetch_args_kwargs_from_env(n)

        def call(change: Callable[[Tensor], Tensor]) -> Any:
            return getattr(self, n.op)(n.target, *map_aggregate(arguments, lambda a: change(a) if isinstance(a, Tensor) else a))

        if isinstance(said, Activation):
            expected, fault = said.function(self.env[operations.operand(n)]), "does not compute the function given for it"
        elif said.kind == "linear":
            expected, value = value + call(torch.cos), call(lambda a: a + a.cos())
            fault = "is given as linear, but its output for a sum is not the sum of its outputs: give it as analog"
        else:
            return
        if not torch.allclose(value, expected, rtol=1e-4, atol=1e-5):
            raise ConversionError(f"{n.name} {fault}{operations.where(n.stack_trace)}")


class Watch(fx.Interpreter):
    """Runs a graph, and shows ``see`` each node with its value."""

    def __init__(self, graph: fx.GraphModule, see: Callable[[fx.Node, Any], None]):
        super().__init__(graph)
        self.see = see

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        self.see(n, value)
        return value


def classify(graph: fx.GraphModule, batch: int) -> tuple[list[Row], dict[fx.Node, Activation]]:
    """A row per operation on signals (shape arithmetic and constants have none), and the activations. Idle casts are left out."""
    rows: list[Row] = []
    places: dict[fx.Node, Activation] = {}
    for node in making_signals(graph):
        made = node.meta["tensors"]
        if node.meta["idle"]:
            node.replace_all_uses_with(operations.operand(node))
            graph.graph.erase_node(node)
            continue
        neurons = sum(t.numel() for t in made) // batch
        activation = operations.activation(node, graph)
        if activation:
            refuse_half(f"the output of {node.name}", made[0].dtype)
            places[node] = activation
            node.meta["carries"] = Carries.SPIKES
            rows.append(Row(node.name, activation.name, "spiking", neurons))
            continue
        kind, why = operations.describe(node, graph)
        received = reduce(or_, (n.meta["carries"] for n in operations.signals(node)), Carries(0))
        node.meta["carries"] = received if why == operations.REORDER else Carries.GRADED
        if why == operations.SYNAPSES:
            why = f"receives {received.words}"
        rows.append(Row(node.name, operations.name_of(node, graph), kind, neurons, why=why))
    return rows, places


def making_signals(graph: fx.GraphModule) -> Iterator[fx.Node]:
    """Operations that make signals of signals, in order: no constants, and no arithmetic on shapes. The image is noted before."""
    for node in list(graph.graph.nodes):
        if node.op == "placeholder":
            node.meta["carries"] = Carries.IMAGE
        elif node.op in ("get_attr", "output") or operations.key_of(node, graph) in operations.SHAPED:
            continue
        elif operations.signals(node) and node.meta["tensors"]:
            yield node
