"""Networks on PyTorch's meta device, where nothing is computed: their size, what of them spikes, and which layers send to which."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

import pandas as pd
import torch
from torch import fx, nn

from snncore.few_spike.layer import Report
from snncore.few_spike.operations import carried
from snncore.few_spike.schedule import RHYTHMS, Senders, rhythms, with_memories
from snncore.few_spike.trace import Traced, traced

FAMILIES = (  # the smallest of each family of classifiers in torchvision
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t",
    "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t",
    "vgg11", "vit_b_16",
)  # fmt: skip


def trace_shapes(make: Callable[[], nn.Module], pixels: int, device: str = "meta") -> Traced:
    """Trace the network that ``make`` makes on a device, for square color images; it is moved to the meta device."""
    with torch.device(device):
        network = make()
    return traced(network.to("meta").eval(), torch.empty(1, 3, pixels, pixels, device="meta"))


class Size(NamedTuple):
    """Parameters that a network uses, layers that spike, neurons for one image by the activation that they stand for."""

    parameters: int
    layers: int
    neurons: dict[str, int]


def size_of(make: Callable[[], nn.Module], pixels: int) -> Size:
    """Size of the network that ``make`` makes, for images of so many pixels across."""
    graph, rows, places = trace_shapes(make, pixels)
    return Size(sum(p.numel() for p in graph.parameters()), len(places), Report(tuple(rows)).by_activation)


def families(names: Collection[str] = FAMILIES) -> pd.DataFrame:
    """List for classifiers of torchvision, at 224 x 224 pixels, what `convert` lets spike and what stays analog."""
    from torchvision import models

    rows = []
    for name in names:
        make = partial(getattr(models, name), **{"init_weights": False} if name in ("googlenet", "inception_v3") else {})
        device = "cpu" if name == "regnet_x_400mf" else "meta"  # it computes its sizes with tensors
        report = Report(tuple(trace_shapes(make, 224, device).rows))
        analog = Counter(row.operation for row in report.rows if row.kind == "analog")
        kept = ", ".join(f"{count} {operation}" for operation, count in analog.items())
        rows.append((name, len(report.spiking), f"{report.neurons:,}", ", ".join(sorted(report.by_activation)), kept))
    return pd.DataFrame(rows, columns=["network", "layers that spike", "neurons", "activations", "analog"])


def senders_of(graph: fx.GraphModule, neurons: Collection[fx.Node]) -> list[list[int]]:
    """Find from which layers each layer of neurons receives, through whatever lies between; layer 0 is the image.

    ``graph`` is one of `snncore.few_spike.trace.traced`, or a converted network with the layers `snncore.few_spike.layer.fs_layers`.
    """
    sources: dict[fx.Node, set[int]] = {}
    senders: list[list[int]] = []
    for node in graph.graph.nodes:
        received = set().union(*(sources[n] for n in node.all_input_nodes)) if carried(node) else set[int]()
        if node.op == "placeholder" or node in neurons:
            sources[node] = {len(senders)}
            senders.append(sorted(received))
        else:
            sources[node] = received
    return senders


def layers_of(make: Callable[[], nn.Module], pixels: int) -> tuple[list[list[int]], list[int]]:
    """The `senders_of` a network without weights, and how many numbers the image and each layer of neurons hold."""
    graph, rows, places = trace_shapes(make, pixels)
    return senders_of(graph, places), [3 * pixels**2, *(row.neurons for row in rows if row.kind == "spiking")]


def rhythm_table(graphs: Mapping[str, tuple[Senders, list[int]]]) -> pd.DataFrame:
    """Steps from one image to the next, in units of K, and numbers that memories in the shortcuts hold; ``graphs`` are `layers_of`."""
    rows = []
    for name, (senders, neurons) in graphs.items():
        ones = [1] * len(senders)
        periods, held = rhythms(ones, senders), with_memories(ones, senders)
        memories = sum(neurons[layer] for layer in held.origin) - sum(neurons)
        rows.append((name, len(senders) - 1, *(periods[key] for key in RHYTHMS), memories and memories / sum(neurons[1:])))
    columns = ["network", "layers", "one accumulator", "two", "one, and memories", "two, and memories", "numbers to hold, per neuron"]
    return pd.DataFrame(rows, columns=columns)
