r"""Put into neurons, products and races of spikes what spikes cannot pass: softmax, normalization, attention, products of signals.

.. math::

    \mathrm{softmax}(x)_i &= e^{x_i - m} \cdot \Big(\sum_j e^{x_j - m}\Big)^{-1}, \qquad m = \max_j x_j, \\
    \mathrm{norm}(x)_i &= u_i \cdot \Big(\frac{1}{n} \sum_j u_j \cdot u_j + \epsilon\Big)^{-1/2}, \qquad u_i = x_i - \frac{1}{n} \sum_j x_j

Exponential, reciprocal and inverse square root act on each number alone: few-spike neurons compute them. Sums and means are linear.

- A **product** takes both numbers as spikes. A pair of spikes, of step s in one and step t in the other, adds the constant
  :math:`d(s)\, d'(t)`: :math:`\hat a\, \hat b = \sum_{s, t} d(s)\, d'(t)\; z(s)\, z'(t)`.
- The **largest** of several numbers wins a race of K rounds. Codes send their largest parts first, and in each step, whoever stays silent
  while another one that is still in the race fires drops out. What fires is the code of the largest.
- Where a product, a layer of synapses or a race would receive something else than spikes or the image, neurons that compute the identity
  send it.

Group normalization is layer normalization of each group. A constant mask of attention scales the exponentials, by 0 or 1 or by the
exponential of the mask. Constants that scale numbers, such as these or the weights of a normalization, stay: they could be put into the
weights behind them.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import fx, nn

from snncore.few_spike import operations
from snncore.few_spike.classify import Watch, making_signals
from snncore.few_spike.layer import Inputs
from snncore.few_spike.operations import Activation, Carries, Described, argument, operand

NEURONS: dict[str, Callable] = {
    "exp": torch.exp, "reciprocal": torch.reciprocal, "rsqrt": torch.rsqrt, "identity": torch.clone,
}  # fmt: skip
SOFTMAX, LAYER_NORM, GROUP_NORM = {nn.Softmax, "softmax"}, {nn.LayerNorm, "layer_norm"}, {nn.GroupNorm, "group_norm"}
AFFINE = "weight", "bias"  # of a normalization
MULTIPLY = operations.PRODUCTS - operations.QUOTIENTS
LOWEST = -1e4  # of numbers that a softmax gets: below, they are a mask


def expand(graph: fx.GraphModule, x: Inputs) -> None:
    """Rewrite the operations named above; the graph computes the same. ``snncore.few_spike.classify.Shapes`` has been run on it.

    A softmax over a mask (-inf, or very low numbers), attention with a mask that depends on the input, in groups of heads, or in
    ``nn.MultiheadAttention``, products of three factors, quotients of signals, and normalizations of another kind stay analog, and the
    report says so.
    """
    write = _Writer(graph, x)
    for change in (write.in_other_words, write.let_spikes_arrive):
        for node in list(graph.graph.nodes):
            if operations.signals(node) and operations.carried(node) and "given" not in node.meta:
                with graph.graph.inserting_before(node):
                    change(node)
    graph.graph.lint()
    graph.recompile()


class _Writer:
    """Writes nodes into a graph, before the one that they stand for."""

    def __init__(self, graph: fx.GraphModule, x: Inputs):
        self.network, self.graph, self.device = graph, graph.graph, x.parts[0].device
        for node in making_signals(graph):
            node.meta["carries"] = Carries.GRADED
        softmaxes = {node: operand(node) for node in graph.graph.nodes if operations.key_of(node, graph) in SOFTMAX}
        lowest: dict[fx.Node, float] = {}

        def look(node: fx.Node, value: Any) -> None:
            if node in softmaxes.values() and not value.is_meta:
                lowest[node] = float(value.min())

        Watch(graph, look).run(*x.copy())
        self.lowest = {node: lowest.get(of, 0.0) for node, of in softmaxes.items()}  # number that each gets

    def in_other_words(self, node: fx.Node) -> None:
        """Put simpler operations in place of softmax, layer normalization and attention."""
        key, new = operations.key_of(node, self.network), None
        if key in SOFTMAX:
            x, dim = operand(node), operations.setting(node, self.network, 1, "dim")
            others = [a for a in (*node.args, *node.kwargs.values()) if isinstance(a, torch.dtype) and a != x.meta["tensors"][0].dtype]
            if dim is not None and not others and self.lowest[node] >= LOWEST:
                new = self.softmax(node.name, x, dim)
        elif key in LAYER_NORM:
            new = self.layer_norm(node)
        elif key in GROUP_NORM:
            new = self.group_norm(node)
        elif key == "scaled_dot_product_attention":
            names = enumerate(("attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"), 3)
            given = {name: argument(node, i, name) for i, name in names}
            scale, mask, causal = given.pop("scale"), given.pop("attn_mask"), given.pop("is_causal")
            if not any(isinstance(a, fx.Node) or a for a in given.values()) and not (mask is not None and operations.carried(mask)):
                new = self.attention(node, scale, mask, bool(causal))
        if new is not None:
            new.meta["tensors"] = node.meta["tensors"]
            node.replace_all_uses_with(new)
            self.graph.erase_node(node)

    def let_spikes_arrive(self, node: fx.Node) -> None:
        """Put neurons before a product of two signals, or a layer of synapses, that would receive something else than spikes."""
        factors = operations.signals(node)
        constants = {n for n in node.all_input_nodes if n.meta.get("tensors")} - set(factors)
        product = operations.key_of(node, self.network) in MULTIPLY and len(factors) == 2 and not constants
        if not product and not (operations.has_weights(node, self.network) and len(factors) == 1):
            return
        if product:
            node.meta["given"] = Described("product", operations.PAIRS)
        for i, factor in enumerate(dict.fromkeys(factors)):
            source = operations.behind_views(factor, self.network)
            if operations.activation(source, self.network) is None and (product or source.op != "placeholder"):
                node.replace_input_with(factor, self.neuron(f"{node.name}_{'ab'[i]}", "identity", factor))

    def call(self, name: str, function: Callable, *args: Any) -> fx.Node:
        node = self.graph.create_node("call_function", function, args, name=name)
        if operations.signals(node):
            node.meta |= {"carries": Carries.GRADED, "tensors": [torch.empty(0, device="meta")]}
        return node

    def neuron(self, name: str, kind: str, x: fx.Node) -> fx.Node:
        node = self.call(f"{name}_{kind}", NEURONS[kind], x)
        node.meta["given"] = Activation(kind, NEURONS[kind])
        return node

    def softmax(self, name: str, x: fx.Node, dim: int, factor: fx.Node | None = None) -> fx.Node:
        x = self.neuron(name, "identity", x)
        largest = self.call(f"{name}_largest", torch.amax, x, dim, True)
        largest.meta["given"] = Described("race", operations.RACE)
        e = self.neuron(name, "exp", self.call(f"{name}_below", torch.sub, x, largest))
        e = e if factor is None else self.call(f"{name}_masked", torch.mul, e, factor)
        total = self.call(f"{name}_sum", torch.sum, e, dim, True)
        return self.call(f"{name}_product", torch.mul, e, self.neuron(name, "reciprocal", total))

    def layer_norm(self, node: fx.Node) -> fx.Node | None:
        shape, eps, *affine = self.constants(node, "normalized_shape")
        if isinstance(shape, fx.Node):
            return None
        return self.scaled(node.name, self.normalized(node.name, operand(node), tuple(range(-len(shape), 0)), eps), *affine)

    def group_norm(self, node: fx.Node) -> fx.Node:
        name, x, ones = node.name, operand(node), (1,) * (len(operand(node).meta["tensors"][0].shape) - 2)
        groups, eps, *affine = self.constants(node, "num_groups")
        split = self.call(f"{name}_groups", torch.unflatten, x, 1, (groups, -1))
        y = self.normalized(name, split, tuple(range(2, 3 + len(ones))), eps)
        shaped = (a and self.call(f"{name}_{kind}", torch.reshape, a, (-1, *ones)) for kind, a in zip(AFFINE, affine, strict=True))
        return self.scaled(name, self.call(f"{name}_channels", torch.flatten, y, 1, 2), *shaped)

    def constants(self, node: fx.Node, size: str) -> Iterator[Any]:
        """Of a normalization: its ``size``, eps, and weight and bias, None where there is none."""
        yield operations.setting(node, self.network, 1, size)
        yield operations.setting(node, self.network, 4, "eps", 1e-5)
        for place, name in enumerate(AFFINE, 2):
            a = operations.setting(node, self.network, place, name)
            yield self.graph.get_attr(f"{node.target}.{name}") if isinstance(a, nn.Parameter) else a

    def normalized(self, name: str, x: fx.Node, dims: tuple[int, ...], eps: float) -> fx.Node:
        u = self.neuron(name, "identity", self.call(f"{name}_centered", torch.sub, x, self.call(f"{name}_mean", torch.mean, x, dims, True)))
        variance = self.call(f"{name}_variance", torch.mean, self.call(f"{name}_squares", torch.mul, u, u), dims, True)
        return self.call(f"{name}_product", torch.mul, u, self.neuron(name, "rsqrt", self.call(f"{name}_eps", torch.add, variance, eps)))

    def scaled(self, name: str, y: fx.Node, weight: Any, bias: Any) -> fx.Node:
        y = y if weight is None else self.call(f"{name}_scaled", torch.mul, y, weight)
        return y if bias is None else self.call(f"{name}_shifted", torch.add, y, bias)

    def attention(self, node: fx.Node, scale: float | None, mask: fx.Node | None, causal: bool) -> fx.Node:
        q, k, v = (argument(node, i, name) for i, name in enumerate(("query", "key", "value")))
        name, scale = node.name, q.meta["tensors"][0].shape[-1] ** -0.5 if scale is None else scale
        scores = self.call(f"{name}_scores", torch.matmul, q, self.call(f"{name}_keys", torch.transpose, k, -2, -1))
        factor = mask
        if causal:
            queries, keys = (a.meta["tensors"][0] for a in (q, k))
            past = torch.ones(queries.shape[-2], keys.shape[-2], dtype=queries.dtype, device=self.device).tril()
            self.network.register_buffer(f"{name}_causal", past)
            factor = self.graph.get_attr(f"{name}_causal")
        elif mask is not None and mask.meta["tensors"][0].is_floating_point():
            factor = self.call(f"{name}_mask", torch.exp, mask)
        shares = self.softmax(name, self.call(f"{name}_scaled", torch.mul, scores, scale), -1, factor)
        return self.call(f"{name}_mix", torch.matmul, shares, v)
