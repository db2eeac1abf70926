"""What the operations of a traced network are for a few-spike network: activation, linear or analog. What is in no table is refused.

- An **activation** acts on each number alone: a few-spike neuron can take its place.
- A **linear** operation (convolution, product with a constant matrix, batch normalization by tracked statistics, interpolation, mean, sum,
  reordering) gives the same whether the spikes of K steps pass it one by one and are added up, or their sum passes it.
- An **analog** operation (product of two signals or of one with itself, division by a signal, maximum, normalization by its own input)
  needs the decoded numbers.

The tables name functions, methods and ATen's operations alike (`key_of`), and modules by their class or one that it comes from.
"""

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Flag, auto
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.fx.node import map_arg

from snncore.shapes import FloatTensor


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
        {key_of_call(key): Described("analog", "given as analog") for key in analog}
        | {key_of_call(key): Described("linear", GIVEN) for key in linear}
        | {key_of_call(key): Activation(str(getattr(key, "__name__", key)).lower(), function) for key, function in activations.items()}
    )


MODULES: dict[type[nn.Module], str] = {
    nn.ReLU: "relu", nn.ReLU6: "relu6", nn.SiLU: "silu", nn.GELU: "gelu", nn.Sigmoid: "sigmoid", nn.Hardswish: "hardswish",
    nn.Hardsigmoid: "hardsigmoid", nn.Tanh: "tanh", nn.LeakyReLU: "leaky_relu",
}  # fmt: skip
CONSTANTS_OF = {"gelu": "approximate", "leaky_relu": "negative_slope"}
NAMED: dict[str, Callable[..., FloatTensor]] = {name: getattr(F, name) for name in MODULES.values()}
NAMED |= {"sigmoid": torch.sigmoid, "tanh": torch.tanh}
ACTIVATIONS: dict[Any, str] = {**MODULES, **{key: name for name in NAMED for key in (name, f"{name}_")}}
MEANINGS: tuple[tuple[tuple, tuple[str, ...], dict[tuple, str]], ...] = (  # calls, their constants after the input, what these make of them
    (("clamp", "clamp_", "clip", "clip_"), ("min", "max"), {(0, None): "relu", (0, 6): "relu6"}),
    (("clamp_min", "clamp_min_"), ("min",), {(0,): "relu"}),
    ((nn.Hardtanh, "hardtanh", "hardtanh_"), ("min_val", "max_val"), {(0, 6): "relu6"}),
    ((nn.Threshold, "threshold", "threshold_"), ("threshold", "value"), {(0, 0): "relu"}),
)
IN_OTHER_WORDS = {key: (names, meant) for keys, names, meant in MEANINGS for key in keys}

CALLS = ("call_module", "call_function", "call_method")
VIEWS: set[Any] = {  # they may share memory with their input
    "flatten", "reshape", "permute", "transpose", "squeeze", "unsqueeze", "chunk", "split", "getitem", "dropout", "dropout1d", "dropout2d",
    "dropout3d", "pixel_shuffle", "pixel_unshuffle", "narrow", ".T", ".mT", "view", "unsafe_view", "unbind", "select", "slice",
    "split_with_sizes", "unfold", "contiguous", "expand", "swapaxes", "roll", "movedim", "unflatten",
    "stochastic_depth", "patch_merging_pad",  # torchvision's; the first is idle in evaluation mode
    nn.Identity, nn.Flatten, nn.Unflatten, nn.modules.dropout._DropoutNd, nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle, nn.Unfold,
}  # fmt: skip
JOINS = {"cat", "stack"}
COPIES: set[Any] = JOINS | {
    "clone", "flip", "repeat", "tile", "repeat_interleave", "im2col", "index", "index_select", "upsample_nearest2d",
    nn.modules.padding._ReflectionPadNd, nn.modules.padding._ReplicationPadNd, nn.modules.padding._CircularPadNd,
}  # fmt: skip
IDLE = {"detach", ".data"}  # what only gradients notice
SHAPED = {"new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like"}  # constants of a signal's shape
CASTS = {"to", "float", "double", "type_as"}  # idle where the numbers are of this type already
LIKE = {"view_as": "view", "reshape_as": "reshape", "expand_as": "expand"}  # they take the size from another signal
MEANS: set[Any] = {
    "mean", "sum", "neg", "fold", "col2im", "avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d",
    nn.modules.pooling._AvgPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd,
}  # fmt: skip
SUMS = {"add", "sub", "rsub"}
WEIGHTED: set[Any] = {  # input, weight, bias
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "linear", nn.Linear, nn.modules.conv._ConvNd,
}  # fmt: skip
ADDED: dict[str, dict[Any, int]] = {  # what is added, and its place in calls: zero it, and the rest is linear
    "bias": dict.fromkeys(WEIGHTED, 2) | {"batch_norm": 4},
    "running_mean": {"batch_norm": 1},
}
QUOTIENTS = {"truediv", "div"}
MATRICES = {"matmul", "mm", "bmm", "einsum"}
PRODUCTS = {"mul"} | MATRICES | QUOTIENTS
BATCH_NORMS: set[Any] = {"batch_norm", nn.modules.batchnorm._BatchNorm}
INTERPOLATIONS = {"interpolate", nn.Upsample}
PADDINGS = {"pad", nn.modules.padding._ConstantPadNd}
IN_PLACE: dict[str, Callable] = {f"i{name}": getattr(operator, name) for name in ("add", "sub", "mul", "truediv")} | {
    f"{name}_": getattr(torch, name) for name in ("add", "sub", "mul", "div")
}
PRODUCT = "multiplies two signals"
PAIRS = "adds a constant for each pair of spikes"
RACE = "takes the largest of several codes, by their spikes, step by step"
UNCOUNTED = "multiplies two signals; its work is not counted"
NORMALIZATION = "divides by a statistic of its own input"
QUOTIENT, ROUNDING = "divides by a signal", "rounds to whole numbers"
SYNAPSES, SHIFT, SUM = "weighs and adds", "scale and shift, as trained", "adds signals"
MEAN, REORDER, CONSTANTS = "means or sums of signals", "passes signals on, in other places", "weighs by constants"
GIVEN = "given as linear"
LINEAR = {SYNAPSES: WEIGHTED, SHIFT: BATCH_NORMS, SUM: SUMS, MEAN: MEANS, REORDER: VIEWS | COPIES | PADDINGS, CONSTANTS: INTERPOLATIONS}
ANALOG: dict[str, set[Any]] = {
    "takes the largest of several numbers": {
        "max_pool2d", "adaptive_max_pool2d", "max", "amax", nn.modules.pooling._MaxPoolNd, nn.AdaptiveMaxPool2d,
    },
    NORMALIZATION: {
        "layer_norm", "group_norm", "normalize", "softmax", "log_softmax", nn.LayerNorm, nn.GroupNorm, nn.Softmax, nn.LogSoftmax,
    },
    UNCOUNTED: {nn.MultiheadAttention, "scaled_dot_product_attention", "shifted_window_attention"},
    "takes the norm of several numbers": {"norm", "linalg_vector_norm"},
    "looks up rows of constants": {nn.Embedding, "embedding"},
}  # fmt: skip


def module_of(node: fx.Node, network: nn.Module) -> nn.Module | None:
    """The module that a node calls, or None."""
    return network.get_submodule(str(node.target)) if node.op == "call_module" else None


def key_of_call(target: Any) -> Any:
    """A function of PyTorch, Python's operators or torchvision by its name, as if it were a method; whatever else as it is."""
    if isinstance(target, torch._ops.OpOverload):
        return target.overloadpacket.__name__.removeprefix("_")
    home = str(getattr(target, "__module__", "")).partition(".")[0]
    return target.__name__.removeprefix("_") if home in ("torch", "_operator", "torchvision") and not isinstance(target, type) else target


def key_of(node: fx.Node, network: nn.Module) -> Any:
    """Key of a node in the tables: the class of its module, or the name of a function, a method, or an attribute (with a dot)."""
    if node.op == "call_module":
        return type(module_of(node, network))
    return f".{node.args[1]}" if node.target is getattr else key_of_call(node.target)


def among(key: Any, table: Collection) -> bool:
    """Whether a table has a key, or a class from which it comes."""
    return any(k in table for k in (key.__mro__ if isinstance(key, type) else (key,)))


def arguments_as_in_python(node: fx.Node) -> None:
    """Give ATen's batch normalizations their arguments in Python's order."""
    a, name = node.args, key_of_call(node.target)
    if name == "batch_norm":
        node.target, node.args = F.batch_norm, (a[0], a[3], a[4], a[1], a[2], *a[5:8])
    elif name == "native_batch_norm_legit_no_training":  # makes a tuple, of which the rest is empty
        node.target, node.args = F.batch_norm, (a[0], a[3], a[4], a[1], a[2], False, *a[5:])
        for item in list(node.users):
            item.replace_all_uses_with(node)
            node.graph.erase_node(item)


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


def setting(node: fx.Node, network: nn.Module, place: int, name: str, default: Any = None) -> Any:
    """An attribute of a module, or the argument that a function has in its place."""
    module = module_of(node, network)
    return argument(node, place, name, default) if module is None else getattr(module, name, default)


def operand(node: fx.Node) -> Any:
    """The first argument of a call: the signal that it acts on."""
    return argument(node, 0, "input")


def activation(node: fx.Node, network: nn.Module) -> Activation | None:
    """The activation that a node is, or None."""
    if isinstance(said := node.meta.get("given"), Activation):
        return said
    key = key_of(node, network) if node.op in CALLS else None
    if key in IN_OTHER_WORDS:
        names, meant = IN_OTHER_WORDS[key]
        name = meant.get(tuple(setting(node, network, i, n) for i, n in enumerate(names, 1)))
        return Activation(name, NAMED[name]) if name else None
    if (name := ACTIVATIONS.get(key)) is None:
        return None
    constant = CONSTANTS_OF.get(name)
    if constant and (value := setting(node, network, 1, constant)) is not None:
        return Activation(name, partial(NAMED[name], **{constant: value}))
    return Activation(name, NAMED[name])


def in_place(node: fx.Node, network: nn.Module) -> bool:
    """Whether a call overwrites its first argument."""
    if node.op not in CALLS:
        return False
    if (key := key_of(node, network)) in IN_PLACE:
        return True
    if activation(node, network) is None:
        return False
    if node.op == "call_module":
        return bool(getattr(module_of(node, network), "inplace", False))
    given = node.kwargs.get("inplace", len(node.args) > 1 and node.args[-1] is True)  # the only truth value among the arguments
    return bool(given) or str(key).endswith("_")


def aliases_its_input(node: fx.Node, network: nn.Module) -> bool:
    """Whether the result may share memory with its input."""
    if node.op not in CALLS:
        return False
    if (key := key_of(node, network)) == "einsum":
        return len(node.all_input_nodes) == 1  # a view, if nothing is summed
    return among(key, VIEWS | CASTS)


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
    key = key_of(node, network)
    return (among(key, WEIGHTED) or (key in MATRICES and len(node.all_input_nodes) > 1)) and len(signals(node)) == 1


def signals(node: fx.Node) -> list[fx.Node]:
    """The arguments of a call that depend on the image, each as often as it is given."""
    found: list[fx.Node] = []
    map_arg((node.args, node.kwargs), lambda n: found.append(n) if carried(n) else None)
    return found


def describe(node: fx.Node, network: nn.Module) -> tuple[str, str]:
    """Kind ("linear" or "analog") and reason of an operation that is no activation; `ConversionError` if it is in no table."""
    if said := node.meta.get("given"):
        return said.kind, said.why
    key, sources, of = key_of(node, network), signals(node), partial(setting, node, network)
    if key in PRODUCTS:
        if key in QUOTIENTS and argument(node, 1, "other") in sources:
            return "analog", QUOTIENT
        if key in QUOTIENTS and node.kwargs.get("rounding_mode"):
            return "analog", ROUNDING
        if len(sources) > 1:
            return "analog", UNCOUNTED if key in MATRICES else PRODUCT
        return "linear", SYNAPSES if has_weights(node, network) else CONSTANTS
    if among(key, WEIGHTED | BATCH_NORMS) and sources != [operand(node)]:
        return "analog", PRODUCT
    if among(key, BATCH_NORMS) and (of(5, "training", False) or of(1, "running_mean") is None):
        return "analog", NORMALIZATION
    if key in INTERPOLATIONS and of(3, "mode", "nearest").startswith("nearest"):
        return "linear", REORDER
    if among(key, PADDINGS) and of(2, "mode", "constant") == "constant" and of(3, "value"):
        return "analog", "pads with a number other than 0"
    for kind, table in (("linear", LINEAR), ("analog", ANALOG)):
        for why, keys in table.items():
            if among(key, keys):
                return kind, why
    name = name_of(node, network)
    raise ConversionError(f"{node.name} ({name}) {_refusal(key, name)}{where(node.stack_trace)}")


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
