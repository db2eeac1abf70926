r"""Rate coding of ReLU, the baseline that few-spike neurons are compared with: a number is sent as a rate of equal spikes.

Each activation becomes a layer of integrate-and-fire neurons with reset by subtraction. In each of N steps

.. math::

    u(t) &= v(t-1) + x(t), & z(t) &= \Theta(u(t) - \theta), \\
    v(t) &= u(t) - \theta\, z(t), & v(0) &= \theta / 2,

where the current x(t) is what the layers between deliver in this step: weighted spikes of height :math:`\theta` of the neurons before,
biases, and the image, which comes in as a constant current. For a constant x the mean of :math:`\theta z` is x, cut off at 0 and
:math:`\theta` and rounded to the nearest multiple of :math:`\theta / N`. In deep layers the rounding errors of all layers, and of uneven
spikes, add up, still like 1 / N. The output of the network is the mean of its readout over the later half of the steps until now: in the
first ones deep layers have not received much yet, and without them fewer steps suffice.

Sources: B. Rueckauer et al., Conversion of continuous-valued deep networks to efficient event-driven networks, Front. Neurosci. 11:682
(2017), for reset by subtraction, constant input currents and thresholds from the 99.9th percentile; Y. Kim et al., Spiking-YOLO, AAAI
2020, for one threshold per channel; S. Deng and S. Gu, Optimal conversion of conventional artificial neural networks to spiking neural
networks, ICLR 2021, and T. Bu et al., Optimized potential initialization, AAAI 2022, for v(0). The later half is our choice.
"""

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval
from tqdm import tqdm

from snncore.datafiles import package_file
from snncore.few_spike import operations
from snncore.few_spike.classify import Watch
from snncore.few_spike.comparison import PRICES
from snncore.few_spike.evaluate import statistics, stepwise, with_ones
from snncore.few_spike.layer import Images, fs_layers
from snncore.few_spike.operations import ConversionError
from snncore.few_spike.trace import put_neurons, traced
from snncore.shapes import FloatTensor, Spikes, check_whole


def rate_step(x: FloatTensor, v: FloatTensor, theta: Tensor) -> Spikes:
    """One step: integrate, fire at v >= theta, subtract. Returns z(t) and leaves v(t) in the place of v(t-1)."""
    v += x
    z = torch.ge(v, theta, out=torch.empty_like(v))
    v.addcmul_(z, theta, value=-1)
    return z


class RateNeurons(nn.Module):
    """A layer of integrate-and-fire neurons with thresholds ``theta`` per channel. Without time it is the function that it codes."""

    def __init__(self, theta: Tensor):
        super().__init__()
        self.theta = nn.Buffer(theta)

    def forward(self, x: FloatTensor) -> FloatTensor:
        return torch.minimum(x.clamp(min=0), self.theta)


PERCENTILE = 99.9


def rate_coded(network: nn.Module, calibration: Float[Tensor, "sample *image"]) -> fx.GraphModule:
    """A new network in which every ReLU (or ReLU6) is a layer of integrate-and-fire neurons. The given one is left as it is.

    The threshold of each channel is the `PERCENTILE` of its activations for the calibration images (of all, also zeros); where that is 0,
    the largest activation of the layer. Batch normalization becomes part of the convolution before it. `simulate` runs the new network
    step by step; called directly, it computes the limit of many steps.

    Raises `ConversionError` as `snncore.few_spike.convert.convert`; for other activations; for operations that are not linear, such as max
    pooling or a product.
    """
    graph, rows, places = traced(network, calibration)
    for row in rows:
        if row.kind == "spiking" and row.operation not in ("relu", "relu6"):
            raise ConversionError(f"{row.node} is {row.operation}: rate coding here is for ReLU; use snncore.few_spike.convert")
        if row.kind == "analog":
            raise ConversionError(f"{row.node} ({row.operation}) {row.why}: rate coding is for linear layers; take averages instead")
    _fuse(graph)

    thetas: dict[fx.Node, Tensor] = {}

    def choose(node: fx.Node, value: Any) -> None:
        if node in places:
            y = value.cpu().numpy()
            theta = np.quantile(y, PERCENTILE / 100, axis=tuple(i for i in range(y.ndim) if i != 1), keepdims=True)[0]
            thetas[node] = torch.from_numpy(np.where(theta > 0, theta, y.max() or 1.0)).to(value)

    with torch.no_grad():
        Watch(graph, choose).run(calibration)
    for node, theta in thetas.items():
        put_neurons(graph, node, f"rate_code.{node.name}", RateNeurons(theta))
    graph.delete_all_unused_submodules()
    graph.graph.lint()
    graph.recompile()
    volumes = any(p.ndim == 5 for p in graph.parameters())  # which that order of memory is not for
    return graph if volumes else graph.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # convolutions are faster


def _fuse(graph: fx.GraphModule) -> None:
    """Make batch normalization part of the convolution before it, where nothing else uses that."""
    calls = Counter(node.target for node in graph.graph.nodes)
    for node in list(graph.graph.nodes):
        norm = operations.module_of(node, graph)
        if not isinstance(norm, _BatchNorm) or norm.running_mean is None:
            continue
        before = operations.operand(node)
        conv = operations.module_of(before, graph)
        if isinstance(conv, nn.Conv1d | nn.Conv2d | nn.Conv3d) and len(before.users) == 1 == calls[before.target]:
            graph.set_submodule(str(before.target), fuse_conv_bn_eval(conv, norm))
            node.replace_all_uses_with(before)
            graph.graph.erase_node(node)


class RateRun(NamedTuple):
    """A simulation of N steps for a batch of images; counts are those of all images together in each step.

    The image is weighed once, in the first step, and so is the mean that the readout receives.
    """

    outputs: Tensor  #: after each step t, the mean of the readout over the steps after t // 2, shape (N, batch, ...)
    spikes: Float[Tensor, " time"]
    accumulates: Float[Tensor, " time"]  #: arrivals of spikes at synapses
    graded: Float[Tensor, " time"]  #: multiply-accumulates of layers that receive anything else
    neurons: int  #: per image


def simulate(network: fx.GraphModule, images: Images, steps: int, layers: "Synapses | None" = None) -> RateRun:
    """Simulate a network from `rate_coded`, step by step.

    ``layers``, which `synapses` counts for images of this shape, saves time where several batches are simulated. Raises `ValueError` if
    steps is no whole number from 1 on, or if the network has no integrate-and-fire neurons.
    """
    check_whole("steps", steps)
    if not any(isinstance(module, RateNeurons) for module in network.modules()):
        raise ValueError("the network has no layer of integrate-and-fire neurons: make it by rate_coded")
    layers = layers or synapses(network, images)
    with torch.inference_mode():
        if images.ndim == 4:
            images = images.contiguous(memory_format=torch.channels_last)
        run = _Simulation(network, layers.reached, steps, images.device)
        readouts = []
        for t in range(steps):
            run.t = t
            readouts.append(run.run(images))
        outputs = later_half(torch.stack(readouts))
    graded = torch.full((steps,), float(layers.each_step), dtype=torch.float64)
    graded[0] += layers.once
    return RateRun(outputs, run.spikes, run.accumulates, len(images) * graded, sum(v[0].numel() for v in run.v.values()))


def later_half(readouts: Float[Tensor, "time *output"]) -> Float[Tensor, "time *output"]:
    """After each step t = 1, 2, ...: the mean over the steps after t // 2."""
    total = torch.cat([torch.zeros_like(readouts[:1]), readouts.cumsum(0)])
    t = torch.arange(1, len(total), device=total.device)
    return (total[t] - total[t // 2]) / (t - t // 2).view(-1, *[1] * (readouts.ndim - 1))


def _around_spikes(network: fx.GraphModule) -> tuple[set[fx.Node], set[fx.Node]]:
    """Nodes that depend on spikes, and nodes on which spikes depend."""
    spiking = {n for n in network.graph.nodes if isinstance(operations.module_of(n, network), RateNeurons)}
    after, before = set(spiking), set(spiking)
    for node in network.graph.nodes:
        if any(n in after for n in node.all_input_nodes):
            after.add(node)
    for node in reversed(network.graph.nodes):
        if any(n in before for n in node.users):
            before.add(node)
    return after, before


class _Simulation(fx.Interpreter):
    """One step of all layers per run. What does not depend on spikes is computed once."""

    def __init__(self, network: fx.GraphModule, reached: dict[str, Tensor], steps: int, device: torch.device):
        super().__init__(network)
        self.changing, _ = _around_spikes(network)
        self.reached, self.v, self.constant, self.t = reached, dict[str, Tensor](), dict[fx.Node, Any](), 0
        self.spikes, self.accumulates = (torch.zeros(steps, dtype=torch.float64, device=device) for _ in range(2))

    def run_node(self, n: fx.Node) -> Any:
        if n in self.changing:
            return super().run_node(n)
        if n not in self.constant:
            self.constant[n] = super().run_node(n)
        return self.constant[n]

    def call_module(self, target: Any, args: tuple, kwargs: dict) -> Any:
        if target not in self.reached:
            return super().call_module(target, args, kwargs)
        theta = self.fetch_attr(target).theta
        if target not in self.v:
            self.v[target] = torch.empty_like(args[0]).copy_(theta / 2)
        z = rate_step(args[0], self.v[target], theta)
        sent = z.movedim(1, -1).sum(0).double()  # in the order of memory
        self.spikes[self.t] += sent.sum()
        self.accumulates[self.t] += (sent * self.reached[target]).sum()
        return z * theta


class Synapses(NamedTuple):
    """Layers of synapses of a rate-coded network; multiply-accumulates are those of layers that do not receive spikes, per image."""

    reached: dict[str, Tensor]  #: synapses that a spike of each neuron of a module reaches, borders included, shape (..., channel)
    once: int  #: multiply-accumulates from the image and into the readout
    each_step: int  #: multiply-accumulates between neurons


def synapses(network: fx.GraphModule, image: Images) -> Synapses:
    """Count synapses for images of this shape.

    The synapses that a spike reaches are a gradient: of all that would arrive if all weights were 1, by what each neuron sends.
    """
    operations.refuse_unnoted(network.graph)
    with torch.inference_mode(False), torch.enable_grad():
        run = _Arrivals(network)
        run.run(torch.zeros(image[:1].shape, dtype=torch.float64, device=image.device))
        gradients = torch.autograd.grad(run.arrived, list(run.sent.values()), materialize_grads=True)
    return Synapses({target: g[0].movedim(0, -1) for target, g in zip(run.sent, gradients, strict=True)}, run.once, run.each_step)


class _Arrivals(fx.Interpreter):
    def __init__(self, network: fx.GraphModule):
        super().__init__(copy.deepcopy(network).double())
        self.arrived, self.sent = torch.zeros((), dtype=torch.float64, requires_grad=True), dict[str, Tensor]()
        self.once = self.each_step = 0
        after, before = _around_spikes(network)
        self.between = {n.name for n in after & before}

    def run_node(self, n: fx.Node) -> Any:
        if isinstance(operations.module_of(n, self.module), RateNeurons):
            self.sent[str(n.target)] = torch.zeros_like(self.env[operations.operand(n)], requires_grad=True)
            return self.sent[str(n.target)]
        if not operations.has_weights(n, self.module):
            return super().run_node(n)
        (source,) = operations.signals(n)
        x, arriving = self.env[source], with_ones(self, n)
        if operations.carried(source) == operations.Carries.SPIKES:
            self.arrived = self.arrived + arriving(x).sum()
        else:
            macs = int(arriving(torch.ones_like(x)).sum())
            if n.name in self.between:
                self.each_step += macs
            else:
                self.once += macs
        return arriving(torch.zeros_like(x)).detach()


BATCH = 25
WITHIN = 0.5  # percentage points of accuracy below the original's that count as close
CODES = {
    "few_spikes": "few spikes",
    "rate": "rate code, ours",
    "spikingjelly": "rate code, SpikingJelly as it comes",
    "spikingjelly_robust": "rate code, SpikingJelly's robust mode",
}
COLUMNS = ["code", "steps", "accuracy", "spikes", "additions", "multiply-accumulates", "energy", "original", "about"]


def few_spike_run(network: fx.GraphModule, images: Images) -> RateRun:
    """Evaluate a converted network as a rate code of a single step."""
    (output, sent), (_, traffic) = statistics(network, images), stepwise(network, images)
    counts = (sent.spikes_per_neuron * sent.neurons * len(images), sum(t.spikes for t in traffic), sum(t.graded for t in traffic))
    spikes, accumulates, graded = torch.tensor(counts, dtype=torch.float64)[:, None]
    return RateRun(output[None], spikes, accumulates, graded, sent.neurons)


def curve(run: Callable[[Tensor], RateRun], images: Images, labels: Tensor, name: str) -> pd.DataFrame:
    """After each step: accuracy [%], and until then spikes per neuron, additions and multiply-accumulates per image, energy [µJ]."""
    sums: Any = 0
    pairs = list(zip(images.split(BATCH), labels.split(BATCH), strict=True))
    for x, y in tqdm(pairs, desc=name, disable=None, leave=False):
        part = run(x)
        right = (part.outputs.argmax(-1) == y).sum(1).double()
        sums = sums + torch.stack([100 * right, *(a.cumsum(0) for a in (part.spikes / part.neurons, part.accumulates, part.graded))])
    table = pd.DataFrame((sums / len(images)).T.numpy(), columns=["accuracy", "spikes", "additions", "multiply-accumulates"])
    energy = table["multiply-accumulates"] * PRICES["fp32"][0] + table["additions"] * PRICES["fp32"][1]
    return table.assign(energy=energy / 1e6, steps=range(1, len(table) + 1))


def curves_of(
    few: fx.GraphModule, runs: Mapping[str, Callable[[Tensor], RateRun]], images: Images, labels: Tensor, original: float, about: str
) -> pd.DataFrame:
    """The `curve` of a converted network, a single point at its largest K, and of each rate code.

    ``runs`` are rate codes by their names in `CODES`, ``original`` is the accuracy of the original network [%], ``about`` names images
    and programs.
    """
    parts = {"few_spikes": curve(partial(few_spike_run, few), images, labels, "few spikes")}
    parts["few_spikes"]["steps"] = max(neurons.params.K for neurons in fs_layers(few).values())
    parts |= {code: curve(run, images, labels, code) for code, run in runs.items()}
    curves = pd.concat([table.assign(code=code) for code, table in parts.items()], ignore_index=True)
    return curves.assign(original=original, about=about)[COLUMNS]


def first_close(curves: pd.DataFrame) -> pd.DataFrame:
    """The first step of each code `WITHIN` reach of the original's accuracy; its last step if none is (``enough`` is False)."""
    rows = []
    for _, table in curves.groupby("code", sort=False):
        enough = table[table["accuracy"] > table["original"] - WITHIN - 1e-6]
        rows.append((table[-1:] if enough.empty else enough[:1]).assign(enough=not enough.empty))
    return pd.concat(rows).set_index("code")


def recorded_curves() -> pd.DataFrame:
    """The curves of our ResNet-20 from a run of the chapter on images at preset paper."""
    return pd.read_csv(package_file("rate_coding.csv"))


def close_table(curves: pd.DataFrame) -> pd.DataFrame:
    """The steps, spikes and operations of each code at `first_close`, as the page shows them."""
    close = first_close(curves)
    shown = {
        "code": close.index.map(CODES),
        "steps": [n if enough else f"never within {n}" for n, enough in zip(close["steps"], close["enough"], strict=True)],
        "right answers [%]": close["accuracy"].map("{:.2f}".format),
        "spikes per neuron": close["spikes"].map("{:.2f}".format),
        "additions [M]": (close["additions"] / 1e6).map("{:.2f}".format),
        "energy [µJ]": close["energy"].map("{:.1f}".format),
        "× few spikes": (close["energy"] / close["energy"]["few_spikes"]).map("{:.2f}".format),
    }
    return pd.DataFrame(shown).reset_index(drop=True)


def difference_of_spikes(curves: pd.DataFrame) -> float | None:
    """Largest difference of spikes until a step between SpikingJelly's robust mode and our rate code [%]; None if that has not run."""
    spikes = {code: table["spikes"].to_numpy() for code, table in curves.groupby("code")}
    if "spikingjelly_robust" not in spikes:
        return None
    return float(100 * np.abs(spikes["spikingjelly_robust"] / spikes["rate"] - 1).max())
