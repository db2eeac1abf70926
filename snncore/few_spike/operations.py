"""What the operations of a traced network are for a few-spike network: activation, linear or analog. What is in no table is refused.

- An **activation** acts on each number alone: a few-spike neuron can take its place.
- A **linear** operation (convolution, product with a constant matrix, batch normalization by tracked statistics, interpolation, mean, sum,
  reordering) gives the same whether the spikes of K steps pass it one by one and are added up, or their sum passes it.
- An **analog** operation (product of two signals or of one with itself, division by a signal, maximum, normalization by its own input)
  needs the decoded numbers.

A network may come from torch.fx, in Python's words, or from torch.export, in ATen's, which `in_python` puts into Python's where it can.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Flag, auto
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.fx.node import map_arg

from snncore.shapes import FloatTensor

aten = torch.ops.aten


class ConversionError(ValueError):
    """The network cannot be converted as it is; the message says where and what to do."""


class Carries(Flag):
    """Signals that a node of a traced network hands on; reordering may join several."""

    GRADED = auto()
    SPIKES = auto()
    IMAGE = auto()

    @property
    def words(self) -> str:
        names = {Carries.GRADED: "graded numbers", Carries.SPIKES: "spikes", Carries.IMAGE: "the image"}
        return ", ".join(names[kind] for kind in self)


def carried(node: fx.Node) -> Carries | None:
    """Signals that a node hands on, noted by `snncore.few_spike.trace.traced`; None for constants and arithmetic on shapes."""
    return node.meta.get("carries")


def refuse_unnoted(graph: fx.Graph) -> None:
    """Raise a ValueError if no node notes its signals."""
    if not any(carried(node) for node in graph.nodes):
        raise ValueError("pickling has lost what layers receive: convert the original again, and load the state_dict() of this network")


class Activation(NamedTuple):
    """An activation: its name and the function with its constants, out of place."""

    name: str
    function: Callable[[FloatTensor], FloatTensor]


class Described(NamedTuple):
    """An operation that is no activation: "linear", "analog", "product" or "race" (of spikes), and why."""

    kind: str
    why: str


def given(activations: Mapping[Any, Callable], analog: Iterable, linear: Iterable) -> dict[Any, Activation | Described]:
    """What users say of operations that are their own, by key: the class of a module, a function, or the name of a method."""
    return (
        {key: Described("analog", "given as analog") for key in analog}
        | {key: Described("linear", GIVEN) for key in linear}
        | {key: Activation(str(getattr(key, "__name__", key)).lower(), function) for key, function in activations.items()}
    )


FORMS: dict[str, tuple[type[nn.Module], Callable[..., FloatTensor]]] = {
    "relu": (nn.ReLU, F.relu),
    "relu6": (nn.ReLU6, F.relu6),
    "silu": (nn.SiLU, F.silu),
    "gelu": (nn.GELU, F.gelu),
    "sigmoid": (nn.Sigmoid, torch.sigmoid),
    "hardswish": (nn.Hardswish, F.hardswish),
    "hardsigmoid": (nn.Hardsigmoid, F.hardsigmoid),
    "tanh": (nn.Tanh, torch.tanh),
    "leaky_relu": (nn.LeakyReLU, F.leaky_relu),
}
CONSTANTS_OF = {"gelu": "approximate", "leaky_relu": "negative_slope"}
NAMED = {name: function for name, (_, function) in FORMS.items()}
ACTIVATIONS: dict[Any, str] = {key: name for name, keys in FORMS.items() for key in keys} | {
    torch.relu: "relu", torch.relu_: "relu", F.relu_: "relu", F.sigmoid: "sigmoid", torch.sigmoid_: "sigmoid", F.tanh: "tanh",
    torch.tanh_: "tanh", F.leaky_relu_: "leaky_relu", "relu": "relu", "relu_": "relu", "sigmoid": "sigmoid", "sigmoid_": "sigmoid",
    "tanh": "tanh", "tanh_": "tanh",
}  # fmt: skip
CLAMPS = (torch.clamp, torch.clamp_, torch.clip, torch.clip_, "clamp", "clamp_", "clip", "clip_")
MEANINGS: tuple[tuple[tuple, tuple[str, ...], dict[tuple, str]], ...] = (  # calls, their constants after the input, what these make of them
    (CLAMPS, ("min", "max"), {(0, None): "relu", (0, 6): "relu6"}),
    ((torch.clamp_min, torch.clamp_min_, "clamp_min", "clamp_min_"), ("min",), {(0,): "relu"}),
    ((nn.Hardtanh, F.hardtanh, F.hardtanh_), ("min_val", "max_val"), {(0, 6): "relu6"}),
    ((nn.Threshold, F.threshold, torch.threshold, torch.threshold_), ("threshold", "value"), {(0, 0): "relu"}),
)
IN_OTHER_WORDS = {key: (names, meant) for keys, names, meant in MEANINGS for key in keys}

CALLS = ("call_module", "call_function", "call_method")
AFFINE = (nn.Linear, nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm)  # with a constant part
REORDERING_MODULES = (nn.Identity, nn.Flatten, nn.Unflatten, nn.modules.dropout._DropoutNd)
SHUFFLES = (nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle, nn.Unfold)
PADDINGS = (nn.modules.padding._ReflectionPadNd, nn.modules.padding._ReplicationPadNd, nn.modules.padding._CircularPadNd)
MEANS_MODULES = (
    nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d,
)  # fmt: skip
REORDERING = {
    torch.flatten, torch.reshape, torch.permute, torch.transpose, torch.squeeze, torch.unsqueeze, torch.chunk, torch.split,
    operator.getitem, F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.pixel_shuffle, F.pixel_unshuffle, torch.narrow, "narrow",
    ".T", ".mT", "view", "reshape", "flatten", "permute", "transpose", "squeeze", "unsqueeze", "chunk", "split",
    torch.unbind, "unbind", torch.select, "select", aten.slice, aten.split_with_sizes,
    "contiguous", "expand", torch.swapaxes, "swapaxes", torch.roll, "roll", torch.movedim, "movedim", torch.unflatten, "unflatten",
    "stochastic_depth", "_patch_merging_pad",  # torchvision's; the first is idle in evaluation mode
}  # fmt: skip
COPIES = {
    torch.clone, "clone", torch.flip, "flip", "repeat", torch.tile, "tile", torch.repeat_interleave, "repeat_interleave", F.unfold,
    aten.im2col, aten.index, torch.index_select, "index_select", aten.upsample_nearest2d,
}  # fmt: skip
JOINS = {torch.cat, torch.stack}
IDLE = {torch.detach, "detach", ".data"}  # what only gradients notice
SHAPED = {"new_zeros", "new_ones", "new_full", torch.zeros_like, torch.ones_like, torch.full_like}  # constants of a signal's shape
CASTS = {"to", "float", "double", "type_as"}  # idle where the numbers are of this type already
LIKE = {"view_as": "view", "reshape_as": "reshape", "expand_as": "expand"}  # they take the size from another signal
MEANS = {
    torch.mean, torch.sum, F.avg_pool1d, F.avg_pool2d, F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, operator.neg, torch.neg, "mean", "sum",
    F.fold, aten.col2im,
}  # fmt: skip
SUMS = {operator.add, operator.sub, torch.add, torch.sub, torch.rsub, "add", "sub"}
SUMS_OF_PRODUCTS: dict[Any, Any] = {torch.addcmul: torch.mul, "addcmul": torch.mul}  # traced as a sum and a product
WEIGHTED = {F.conv1d, F.conv2d, F.conv3d, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d, F.linear}  # input, weight, bias
QUOTIENTS = {operator.truediv, torch.div, "div"}
MATRICES = {torch.matmul, operator.matmul, torch.mm, torch.bmm, torch.einsum, "matmul", "mm", "bmm"}
PRODUCTS = {operator.mul, torch.mul, "mul"} | MATRICES | QUOTIENTS
IN_PLACE: dict[Any, Any] = {
    operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul, operator.itruediv: operator.truediv,
    "add_": torch.add, "sub_": torch.sub, "mul_": torch.mul, "div_": torch.div,
}  # fmt: skip
PRODUCT = "multiplies two signals"
PAIRS = "adds a constant for each pair of spikes"
RACE = "takes the largest of several codes, by their spikes, step by step"
UNCOUNTED = "multiplies two signals; its work is not counted"
MAXIMUM = "takes the largest of several numbers"
LOOKUP = "looks up rows of constants"
NORMALIZATION = "divides by a statistic of its own input"
ANALOG: dict[Any, str] = (
    dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveMaxPool2d, F.max_pool2d, F.adaptive_max_pool2d, torch.max, "max",
                     torch.amax, "amax"), MAXIMUM)
    | dict.fromkeys((nn.LayerNorm, nn.GroupNorm, F.layer_norm, F.group_norm, F.normalize), NORMALIZATION)
    | dict.fromkeys((nn.Softmax, nn.LogSoftmax, F.softmax, torch.softmax, F.log_softmax, "softmax", "log_softmax"), NORMALIZATION)
    | dict.fromkeys((nn.MultiheadAttention, F.scaled_dot_product_attention, "shifted_window_attention"), UNCOUNTED)
    | dict.fromkeys((torch.norm, "norm", torch.linalg.vector_norm), "takes the norm of several numbers")
    | dict.fromkeys((nn.Embedding, F.embedding, torch.embedding), LOOKUP)
    | {F.pad: "pads with a number other than 0"}
)  # fmt: skip
KNOWN: set[Any] = set().union(ACTIVATIONS, IN_OTHER_WORDS, REORDERING, COPIES, JOINS, MEANS, SUMS, SUMS_OF_PRODUCTS, WEIGHTED,
                              PRODUCTS, ANALOG, IDLE, CASTS, SHAPED)  # fmt: skip
QUOTIENT, ROUNDING = "divides by a signal", "rounds to whole numbers"
SYNAPSES, SHIFT, SUM = "weighs and adds", "scale and shift, as trained", "adds signals"
MEAN, REORDER, CONSTANTS = "means or sums of signals", "passes signals on, in other places", "weighs by constants"
GIVEN = "given as linear"


def module_of(node: fx.Node, network: nn.Module) -> nn.Module | None:
    """The module that a node calls, or None."""
    return network.get_submodule(str(node.target)) if node.op == "call_module" else None


def key_of(node: fx.Node, network: nn.Module) -> Any:
    """Key of a node in the tables: the class of its module, the function, or the name of a method, of an attribute (with a dot) or of a
    function of torchvision."""
    if node.op == "call_module":
        return type(module_of(node, network))
    if node.target is getattr:
        return f".{node.args[1]}"
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target.overloadpacket
    if callable(node.target) and node.target.__module__ and node.target.__module__.startswith("torchvision."):
        return node.target.__name__
    return node.target


def in_python(node: fx.Node) -> None:
    """Name an operation of ATen as Python does, where the tables have a function or method of the same name and arguments."""
    name, a = node.target._schema.name.removeprefix("aten::").replace("_unsafe_view", "view"), node.args  # type: ignore[union-attr]
    for home in (torch, F):
        if getattr(home, name, None) in KNOWN:
            node.target, node.args = getattr(home, name), a[:5] if name in ("layer_norm", "group_norm") else a  # the sixth is of cuDNN
            return
    if name == "batch_norm":
        node.target, node.args = F.batch_norm, (a[0], a[3], a[4], a[1], a[2], *a[5:8])
    elif name == "_native_batch_norm_legit_no_training":  # makes a tuple, of which the rest is empty
        node.target, node.args = F.batch_norm, (a[0], a[3], a[4], a[1], a[2], False, *a[5:])
        for item in list(node.users):
            item.replace_all_uses_with(node)
            node.graph.erase_node(item)
    elif name in KNOWN:
        node.op, node.target = "call_method", name


USERS = re.compile(r'File "(?!.*/torch/)([^"]+)", line (\d+)')


def where(trace: str | None) -> str:
    """The last place of a traceback that is not PyTorch's own, in words; nothing if there is none."""
    places = USERS.findall(trace or "")
    return f" ({places[-1][0]}, line {places[-1][1]})" if places else ""


def name_of(node: fx.Node, network: nn.Module) -> str:
    """The name of an operation for people."""
    key = key_of(node, network)
    return key if isinstance(key, str) else str(getattr(key, "__name__", key)).removeprefix("_")


def argument(node: fx.Node, place: int, name: str, default: Any = None) -> Any:
    """An argument of a call, whether given by place or by name."""
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)


def operand(node: fx.Node) -> Any:
    """The first argument of a call: the signal that it acts on."""
    return argument(node, 0, "input")


def activation(node: fx.Node, network: nn.Module) -> Activation | None:
    """The activation that a node is, or None."""
    if isinstance(said := node.meta.get("given"), Activation):
        return said
    if node.op not in CALLS:
        return None
    key, module = key_of(node, network), module_of(node, network)

    def given(place: int, name: str) -> Any:
        return getattr(module, name) if module else argument(node, place, name)

    if key in IN_OTHER_WORDS:
        names, meant = IN_OTHER_WORDS[key]
        name = meant.get(tuple(given(i, n) for i, n in enumerate(names, 1)))
        return Activation(name, NAMED[name]) if name else None
    name = ACTIVATIONS.get(key)
    if name is None:
        return None
    constant = CONSTANTS_OF.get(name)
    if constant and (value := given(1, constant)) is not None:
        return Activation(name, partial(NAMED[name], **{constant: value}))
    return Activation(name, NAMED[name])


def in_place(node: fx.Node, network: nn.Module) -> bool:
    """Whether a call overwrites its first argument."""
    if node.op == "call_module":
        return bool(getattr(module_of(node, network), "inplace", False)) and activation(node, network) is not None
    if node.op not in ("call_function", "call_method"):
        return False
    if node.target in IN_PLACE:
        return True
    if activation(node, network) is None:
        return False
    given = node.kwargs.get("inplace", len(node.args) > 1 and node.args[-1] is True)  # the only truth value among the arguments
    return bool(given) or name_of(node, network).endswith("_")


def aliases_its_input(node: fx.Node, network: nn.Module) -> bool:
    """Whether the result may share memory with its input."""
    if node.op == "call_module":
        return isinstance(module_of(node, network), REORDERING_MODULES + SHUFFLES)
    if node.target is torch.einsum:
        return len(node.all_input_nodes) == 1  # a view, if nothing is summed
    return node.op in ("call_function", "call_method") and key_of(node, network) in REORDERING | CASTS


def behind_views(node: fx.Node, network: nn.Module) -> fx.Node:
    """The node that computed what a node hands on in other places or another shape; the node itself if it computes something."""
    while aliases_its_input(node, network) and node.all_input_nodes:
        node = node.all_input_nodes[0]
    return node


def reads_alone(node: fx.Node, network: nn.Module) -> bool:
    """Whether the operand of a node is computed for it alone, in memory of its own."""
    x = operand(node)
    own = not isinstance(x.meta.get("given"), Described) and not aliases_its_input(x, network)  # what users give may hand on its input
    return x.op in CALLS and len(x.users) == 1 and own


def has_weights(node: fx.Node, network: nn.Module) -> bool:
    """Whether an operation is a layer of synapses: one signal and constant weights."""
    if node.op == "call_module":
        return isinstance(module_of(node, network), nn.Linear | nn.modules.conv._ConvNd)
    return (node.target in WEIGHTED or (node.target in MATRICES and len(node.all_input_nodes) > 1)) and len(signals(node)) == 1


def signals(node: fx.Node) -> list[fx.Node]:
    """The arguments of a call that depend on the image, each as often as it is given."""
    found: list[fx.Node] = []
    map_arg((node.args, node.kwargs), lambda n: found.append(n) if carried(n) else None)
    return found


def describe(node: fx.Node, network: nn.Module) -> tuple[str, str]:
    """Kind ("linear" or "analog") and reason of an operation that is no activation; `ConversionError` if it is in no table."""
    key, sources, module = key_of(node, network), signals(node), module_of(node, network)
    if said := node.meta.get("given"):
        return said.kind, said.why
    if module is not None:
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
            return "analog", NORMALIZATION
        if isinstance(module, nn.Upsample):
            return "linear", _interpolation(module.mode)
        if isinstance(module, nn.modules.padding._ConstantPadNd) and module.value == 0:
            return "linear", REORDER
        for classes, why in ((nn.modules.batchnorm._BatchNorm, SHIFT), (AFFINE, SYNAPSES), (MEANS_MODULES, MEAN),
                             (REORDERING_MODULES + PADDINGS + SHUFFLES, REORDER)):  # fmt: skip
            if isinstance(module, classes):
                return "linear", why
    elif key in QUOTIENTS and argument(node, 1, "other") in sources:
        return "analog", QUOTIENT
    elif key in QUOTIENTS and node.kwargs.get("rounding_mode"):
        return "analog", ROUNDING
    elif key in PRODUCTS:
        if len(sources) > 1:
            return "analog", UNCOUNTED if key in MATRICES else PRODUCT
        return "linear", SYNAPSES if has_weights(node, network) else CONSTANTS
    elif key in WEIGHTED | {F.batch_norm} and sources != [operand(node)]:
        return "analog", PRODUCT
    elif key is F.batch_norm:
        return ("analog", NORMALIZATION) if argument(node, 5, "training", False) else ("linear", SHIFT)
    elif key is F.interpolate:
        return "linear", _interpolation(argument(node, 3, "mode", "nearest"))
    elif key is F.pad and not (argument(node, 2, "mode", "constant") == "constant" and argument(node, 3, "value")):
        return "linear", REORDER
    else:
        for keys, why in ((SUMS, SUM), (WEIGHTED, SYNAPSES), (MEANS, MEAN), (REORDERING | COPIES | JOINS, REORDER)):
            if key in keys:
                return "linear", why
    if key in ANALOG:
        return "analog", ANALOG[key]
    name = name_of(node, network)
    raise ConversionError(f"{node.name} ({name}) {_refusal(key, name)}{where(node.stack_trace)}")


def _interpolation(mode: str) -> str:
    return REORDER if mode.startswith("nearest") else CONSTANTS


def _refusal(key: Any, name: str) -> str:
    """What is wrong with an operation that is in no table, and the way out."""
    if key in CASTS:
        return "changes the type or the place of numbers: convert a network of one type on one device"
    if key in IN_OTHER_WORDS:
        names, meant = IN_OTHER_WORDS[key]
        known = " or ".join(", ".join(f"{n}={value}" for n, value in zip(names, values, strict=True)) for values in meant)
        return f"has few-spike neurons only with {known}: write it so, or put another activation in its place"
    if name.replace("_", "").lower() in map(str.lower, nn.modules.activation.__all__):
        return (
            f"is no activation that has few-spike neurons: there are {', '.join(NAMED)}. Put one of them in its place, or give its "
            f"function and calibration images, as activations={{{getattr(key, '__name__', repr(key))}: ...}}, as in {{nn.Mish: F.mish}}"
        )
    return "is not known to be linear or analog: say which, as in analog=(MyNorm,) or linear=(MyShuffle,), or put others in its place"
