r"""Put into neurons, products and races of spikes what spikes cannot pass: softmax, layer normalization, attention, products of signals.

.. math::

    \mathrm{softmax}(x)_i &= e^{x_i - m} \cdot \Big(\sum_j e^{x_j - m}\Big)^{-1}, \qquad m = \max_j x_j, \\
    \mathrm{norm}(x)_i &= u_i \cdot \Big(\frac{1}{n} \sum_j u_j \cdot u_j + \epsilon\Big)^{-1/2}, \qquad u_i = x_i - \frac{1}{n} \sum_j x_j

Exponential, reciprocal and inverse square root act on each number alone: few-spike neurons compute them. Sums and means are linear.

- A **product** takes both numbers as spikes, where needed those of a neuron that computes the identity. A pair of spikes, of step s in one
  and step t in the other, adds the constant :math:`d(s)\, d'(t)`: :math:`\hat a\, \hat b = \sum_{s, t} d(s)\, d'(t)\; z(s)\, z'(t)`.
- The **largest** of several numbers wins a race: their spikes come largest first, and where some of those still in the race fire, the
  others drop out. What fires is the code of the largest.

So nothing multiplies numbers that it learns only then.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.fx.node import map_arg

from snncore.few_spike import operations
from snncore.few_spike.operations import Activation, Described, argument, operand

NEURONS: dict[str, Callable] = {
    "exp": torch.exp, "reciprocal": torch.reciprocal, "rsqrt": torch.rsqrt, "identity": torch.clone,
}  # fmt: skip
SOFTMAX = {nn.Softmax, F.softmax, torch.softmax, "softmax"}
LAYER_NORM = {nn.LayerNorm, F.layer_norm}
MULTIPLY = operations.PRODUCTS - operations.QUOTIENTS


def expand(graph: fx.GraphModule) -> None:
    """Rewrite the operations named above; the graph computes the same. ``snncore.few_spike.classify.Shapes`` has been run on it.

    Attention with a mask, ``nn.MultiheadAttention`` and what else is analog stay as they are, and the report says so.
    """
    write = _Writer(graph)
    for node in list(graph.graph.nodes):
        if node.op not in ("call_module", "call_function", "call_method") or not node.meta["tensors"] or "given" in node.meta:
            continue
        key, module = operations.key_of(node, graph), operations.module_of(node, graph)
        with graph.graph.inserting_before(node):
            if key in SOFTMAX and (dim := getattr(module, "dim", argument(node, 1, "dim"))) is not None:
                new = write.softmax(node.name, operand(node), dim)
            elif key in LAYER_NORM:
                new = write.layer_norm(node, module)
            elif key is F.scaled_dot_product_attention and not _masked(node):
                new = write.attention(node)
            elif key in MULTIPLY and len(factors := write.signals(node)) == 2:
                for i, factor in enumerate(dict.fromkeys(factors)):
                    node.replace_input_with(factor, write.spikes(f"{node.name}_{'ab'[i]}", factor))
                node.meta["given"] = Described("product", operations.PAIRS)
                continue
            else:
                continue
        node.replace_all_uses_with(new)
        graph.graph.erase_node(node)
    graph.graph.lint()
    graph.recompile()


def _masked(node: fx.Node) -> bool:
    """Whether attention leaves something out."""
    names = enumerate(("attn_mask", "dropout_p", "is_causal"), 3)
    return any(isinstance(given, fx.Node) or given for given in (argument(node, i, name) for i, name in names))


class _Writer:
    """Writes nodes into a graph, before the one that they stand for."""

    def __init__(self, graph: fx.GraphModule):
        self.network, self.graph = graph, graph.graph
        for node in graph.graph.nodes:
            of_signals = any(n.meta["signal"] for n in node.all_input_nodes)
            node.meta["signal"] = node.op == "placeholder" or (of_signals and bool(node.meta["tensors"]))

    def signals(self, node: fx.Node) -> list[fx.Node]:
        """The arguments of a node that are signals, each as often as it is given."""
        found: list[fx.Node] = []
        map_arg((node.args, node.kwargs), lambda n: found.append(n) if n.meta["signal"] else None)
        return found

    def call(self, name: str, function: Callable, *args: Any) -> fx.Node:
        return self.graph.create_node("call_function", function, args, name=name)

    def neuron(self, name: str, kind: str, x: fx.Node) -> fx.Node:
        node = self.call(f"{name}_{kind}", NEURONS[kind], x)
        node.meta["given"] = Activation(kind, NEURONS[kind])
        return node

    def spikes(self, name: str, x: fx.Node) -> fx.Node:
        """x as the spikes that it is, or those of neurons that compute the identity."""
        source = x
        while operations.aliases_its_input(source, self.network):
            source = operand(source)
        return x if operations.activation(source, self.network) else self.neuron(name, "identity", x)

    def product(self, name: str, function: Callable, a: fx.Node, b: fx.Node) -> fx.Node:
        node = self.call(name, function, self.spikes(f"{name}_a", a), self.spikes(f"{name}_b", b))
        node.meta["given"] = Described("product", operations.PAIRS)
        return node

    def softmax(self, name: str, x: fx.Node, dim: int) -> fx.Node:
        x = self.neuron(name, "identity", x)
        largest = self.call(f"{name}_largest", torch.amax, x, dim, True)
        largest.meta["given"] = Described("race", operations.RACE)
        e = self.neuron(name, "exp", self.call(f"{name}_below", torch.sub, x, largest))
        total = self.call(f"{name}_sum", torch.sum, e, dim, True)
        return self.product(f"{name}_product", torch.mul, e, self.neuron(name, "reciprocal", total))

    def layer_norm(self, node: fx.Node, module: nn.Module | None) -> fx.Node:
        name = node.name
        if module is None:
            shape, eps = argument(node, 1, "normalized_shape"), argument(node, 4, "eps", 1e-5)
            weight, bias = argument(node, 2, "weight"), argument(node, 3, "bias")
        else:
            shape, eps = module.normalized_shape, module.eps
            names = (a if getattr(module, a) is not None else None for a in ("weight", "bias"))
            weight, bias = (a and self.graph.get_attr(f"{node.target}.{a}") for a in names)
        dims = tuple(range(-len(shape), 0))
        x = operand(node)
        u = self.call(f"{name}_centered", torch.sub, x, self.call(f"{name}_mean", torch.mean, x, dims, True))
        u = self.neuron(name, "identity", u)
        variance = self.call(f"{name}_variance", torch.mean, self.product(f"{name}_squares", torch.mul, u, u), dims, True)
        y = self.product(f"{name}_product", torch.mul, u, self.neuron(name, "rsqrt", self.call(f"{name}_eps", torch.add, variance, eps)))
        y = y if weight is None else self.call(f"{name}_scaled", torch.mul, y, weight)
        return y if bias is None else self.call(f"{name}_shifted", torch.add, y, bias)

    def attention(self, node: fx.Node) -> fx.Node:
        q, k, v = (argument(node, i, name) for i, name in enumerate(("query", "key", "value")))
        scale = argument(node, 6, "scale") or q.meta["tensors"][0].shape[-1] ** -0.5
        name = node.name
        scores = self.product(f"{name}_scores", torch.matmul, q, self.call(f"{name}_keys", torch.transpose, k, -2, -1))
        shares = self.softmax(name, self.call(f"{name}_scaled", torch.mul, scores, scale), -1)
        return self.product(f"{name}_mix", torch.matmul, shares, v)
