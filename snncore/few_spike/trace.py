"""Trace a network as a graph that says the same: in evaluation, with plain weights, and without operations in place."""

import copy
import inspect
import traceback
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx, nn
from torch.nn.utils import parametrize, prune, remove_spectral_norm, remove_weight_norm
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from snncore.few_spike import operations
from snncore.few_spike.classify import Shapes, classify, tensors
from snncore.few_spike.expand import expand
from snncore.few_spike.layer import FSActivation, Inputs, Row, Samples, refuse_half
from snncore.few_spike.operations import Activation, Carries, ConversionError, Described

Given = Mapping[Any, Activation | Described]

WAYS_OUT = {  # by words of torch.fx
    "'len' is not supported": "Write x.shape[0] in place of len(x)",
    "cannot be iterated": "Name sizes and parts one by one, such as x.shape[1], in place of a star or a loop",
}
ONE_WAY = "Its forward must do the same for every input: decide outside of it, and convert the part behind the decision"


class Traced(NamedTuple):
    """A copy of a network as a graph, a row per operation, and its activations."""

    graph: fx.GraphModule
    rows: list[Row]
    places: dict[fx.Node, Activation]


def traced(network: nn.Module, example_input: Samples, given: Given = MappingProxyType({}), everything: bool = False) -> Traced:
    """Trace a network and classify its operations, with the errors of `convert`; nodes note in ``meta["carries"]`` what they hand on.

    ``given`` are operations that are not in the tables, as of `operations.given`. With ``everything``, what is analog in the tables is put
    into neurons and products of spikes, where `snncore.few_spike.expand` can.
    """
    x = Inputs(example_input, "example_input")
    _check(network, x)
    expected = run_on(_copy(network).eval(), x)  # a copy that is gone before the next one is made
    graph = _trace(_with_plain_weights(_copy(network).eval()), x, given)
    _normalize_calls(graph)
    for node in graph.graph.nodes:
        if said := given.get(operations.key_of(node, graph)):
            node.meta["given"] = said
    _out_of_place(graph)
    _refuse_answer(expected, x)
    try:
        with torch.no_grad():
            if everything:
                Shapes(graph).run(*x.copy())
                expand(graph, x)
            output = Shapes(graph).run(*x.copy())
    except Exception as error:  # whatever its operations raise, though the network itself has run
        what = f"{type(network).__name__} does not run as torch.fx has traced it"
        raise ConversionError(f"{what}: {_first_lines(error)}. {ONE_WAY}") from error
    if not x.is_meta:
        _same(expected, output)
    rows, places = classify(graph, len(x))
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
    new.meta["carries"] = Carries.SPIKES


def _check(network: nn.Module, x: Inputs) -> None:
    if not isinstance(network, nn.Module):
        what = f"the class {network.__name__}" if isinstance(network, type) else f"of type {type(network).__name__}"
        raise ConversionError(f"network is {what}: give a module, such as nn.Sequential(nn.Linear(2, 3), nn.ReLU())")
    for name, module in network.named_modules():
        what = name or "the network"
        if isinstance(module, FSActivation):
            raise ConversionError(f"{what} is a layer of few-spike neurons: the network is converted already; give the original")
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            raise ConversionError(f"{what} is wrapped in {type(module).__name__}: give its .module")
        if isinstance(module, torch.jit.ScriptModule):
            raise ConversionError(f"{what} is compiled by torch.jit, which keeps no code to trace: give the module that it was made from")
        if hasattr(module, "_orig_mod"):
            raise ConversionError(f"{what} is compiled by torch.compile: give the original, convert it, and compile the result")
    if hasattr(network, "few_spike") and not isinstance(network.few_spike, nn.Module):
        raise ConversionError("the network has an attribute few_spike, where layers of neurons would come: rename it")
    try:
        inspect.signature(network.forward).bind(*x.parts)
    except TypeError as error:
        way_out = "give a tuple with a tensor for each, or wrap the network in a module that takes the images alone"
        inputs = f"example_input has {len(x.parts)} inputs, which the network's forward does not take ({error})"
        raise ConversionError(f"{inputs}: {way_out}") from error
    if not all(a.ndim and a.numel() for a in x.parts):
        raise ConversionError(f"example_input of shape {x.shape} holds no number: give one image or more")
    for what, a in (*(("example_input", a) for a in x.parts), *(("a parameter", p) for p in network.parameters())):
        if a.is_floating_point():
            refuse_half(what, a.dtype)


def _copy(network: nn.Module) -> nn.Module:
    """A deep copy, also of weights that hooks have computed, which torch refuses to copy with their gradients' history."""
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
    """An error's message, without torch.fx's words about its graph."""
    return str(error).split("\n\nWhile executing")[0]


class _InputsAlone(fx.Tracer):
    """Traces a module as it is called with its ``count`` inputs: further arguments have their defaults. Modules in ``given`` stay whole."""

    def __init__(self, count: int = 1, given: Given = MappingProxyType({})):  # defaults for pickle, which traces again
        super().__init__()
        self.count, self.given, self.record_stack_traces = count, given, True

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return type(m) in self.given or super().is_leaf_module(m, module_qualified_name)

    def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> tuple[Any, list]:
        patched, args = super().create_args_for_root(root_fn, is_module, concrete_args)
        first, others = ([a.node for a in part] for part in (args[1 : 1 + self.count], args[1 + self.count :]))
        if any(n.target.startswith("*") for n in first) or any(not n.args and not n.target.startswith("*") for n in others):
            return patched, args  # as many inputs as it takes, which `_trace` refuses
        for n in others:
            self.graph.erase_node(n)
        for n in first:
            n.args = ()  # no default
        return root_fn, args[: 1 + self.count]


def _trace(network: nn.Module, x: Inputs, given: Given) -> fx.GraphModule:
    tracer = _InputsAlone(len(x.parts), given)
    try:
        code = tracer.trace(network)
        graph = fx.GraphModule(tracer.root, code, type(network).__name__)
    except Exception as error:  # whatever the network's own code raises when it meets a symbol in place of numbers
        try:
            for name, module in network.named_modules():
                if type(module) in given:
                    raise ConversionError(f"it keeps no module whole, as {name}, {type(module).__name__}, which is given, must be")
            return _exported(network, x)
        except Exception as second:
            here = operations.where("".join(traceback.format_tb(error.__traceback__)))
            way_out = next((way for words, way in WAYS_OUT.items() if words in str(error)), ONE_WAY)
            reasons = f"by torch.fx: {error}{here}; nor by torch.export: {str(second).splitlines()[0]}"
            raise ConversionError(f"{type(network).__name__} cannot be traced {reasons}. {way_out}") from error
    if len(graph.graph.find_nodes(op="placeholder")) != len(x.parts):
        raise ConversionError(f"the network takes any number of inputs: wrap it in a module that takes {len(x.parts)}")
    return graph


def _exported(network: nn.Module, x: Inputs) -> fx.GraphModule:
    """The graph of torch.export, for any number of images, without operations in place."""
    several = tuple(torch.cat([a, a]) for a in x.parts)  # a single image would be taken for a constant
    any_number = tuple({0: torch.export.Dim.AUTO} for _ in several)
    program = torch.export.export(network, several, dynamic_shapes=any_number, strict=False).run_decompositions({})
    module = program.module(check_guards=False)
    module.graph._tracer_cls = None  # neither it nor the module can be pickled
    graph = fx.GraphModule(module, module.graph, type(network).__name__)
    for node in list(graph.graph.nodes):
        if isinstance(node.target, torch._ops.OpOverload):
            operations.arguments_as_in_python(node)
    if len(numbers(run_on(graph, x))) != len(x):
        raise ConversionError(f"its trace is for {2 * len(x)} images only: sizes must come from the images' shape")
    return graph


def _normalize_calls(graph: fx.GraphModule) -> None:
    """Leave out operations on signals that only gradients notice, and give sizes that are taken from another signal as sizes."""
    signals: set[fx.Node] = set()
    for node in list(graph.graph.nodes):
        if node.op == "placeholder" or signals.intersection(node.all_input_nodes):
            signals.add(node)
        if node.op not in ("call_function", "call_method"):
            continue
        if node.kwargs.get("out") is not None:
            raise ConversionError(f"{node.name} ({operations.name_of(node, graph)}) writes into its argument out: call it without")
        key = operations.key_of(node, graph)
        if key == "addcmul" and len(node.args) == 3:
            (first, *factors), alpha = node.args, node.kwargs.get("value", 1)
            with graph.graph.inserting_before(node):
                product = graph.graph.call_function(torch.mul, tuple(factors))
            node.op, node.target, node.args, node.kwargs = "call_function", torch.add, (first, product), {"alpha": alpha}
        elif node in signals and key in operations.IDLE:
            node.replace_all_uses_with(operations.operand(node))
            graph.graph.erase_node(node)
        elif node.op == "call_method" and node.target in operations.LIKE:
            with graph.graph.inserting_before(node):
                size = graph.graph.call_method("size", (operations.argument(node, 1, "other"),))
            node.target, node.args, node.kwargs = operations.LIKE[node.target], (operations.operand(node), size), {}


def _out_of_place(graph: fx.GraphModule) -> None:
    """Replace calls that overwrite their input by calls that do not; later uses of the input become uses of the result."""
    place = {node: i for i, node in enumerate(graph.graph.nodes)}
    memory = {node: operations.behind_views(node, graph) for node in place}
    for node in place:
        if not operations.in_place(node, graph):
            continue
        if "given" in node.meta:
            raise ConversionError(f"{node.name} overwrites its input: make it out of place (inplace=False)")
        x = operations.operand(node)
        for other in place:
            late = [user for user in other.users if place[user] > place[node]]
            if late and other is not x and memory[other] is memory[x] and memory[other] is not node:
                reads = f"{late[0].name} uses the overwritten numbers under another name ({other.name})"
                raise ConversionError(f"{node.name} overwrites its input, and {reads}: make {node.name} out of place (inplace=False)")
        if activation := operations.activation(node, graph):
            constants = getattr(activation.function, "keywords", {})
            node.op, node.target, node.args, node.kwargs = "call_function", operations.NAMED[activation.name], (x,), constants
        else:
            node.op, node.target = "call_function", operations.IN_PLACE[operations.key_of(node, graph)]
        for user in list(x.users):
            if place[user] > place[node]:
                user.replace_input_with(x, node)
    graph.recompile()


def run_on(network: Callable[..., Any], x: Inputs, what: str = "example_input") -> Any:
    try:
        with torch.no_grad():
            return network(*x.copy())
    except (RuntimeError, ValueError, IndexError, AssertionError) as error:
        raise ConversionError(f"the network does not take {what} of shape {x.shape}: {_first_lines(error)}") from error


def numbers(output: Any) -> Tensor:
    """What a network returns, a row for each image: a tensor itself, or all tensors of a tuple, dictionary or dataclass side by side."""
    parts = tensors(output)
    return parts[0] if len(parts) == 1 else torch.cat([a.flatten(1) for a in parts], 1)


def _refuse_answer(output: Any, x: Inputs) -> None:
    parts = tensors(output)
    if not parts:
        what = f"{type(output).__name__}, in which there is no tensor"
        raise ConversionError(f"the network returns {what}: wrap it in a module that returns one")
    for y in parts:
        if not y.ndim or len(y) != len(x):
            shapes = f"an output of shape {tuple(y.shape)} of example_input of shape {x.shape}"
            number = "the first size of both must be the number of images; for a single image give image[None]"
            raise ConversionError(f"the network makes {shapes}: {number}")
        if not y.is_meta and not y.isfinite().all():
            raise ConversionError("the network's output for example_input is not finite: look at both")


def _same(expected: Any, output: Any) -> None:
    ours, theirs = tensors(output), tensors(expected)
    if [a.shape for a in ours] != [a.shape for a in theirs] or not all(
        torch.allclose(b, a, rtol=1e-4, atol=1e-5 * float(b.abs().max())) for a, b in zip(ours, theirs, strict=True)
    ):
        why = "it depends on randomness, state, or code that tracing does not see"
        raise ConversionError(f"the traced network does not give what the network gives: {why}")
