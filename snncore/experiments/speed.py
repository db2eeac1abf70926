"""How long our compiled forms take, as multiples of well-written others, measured side by side in one run; equality is checked first.

It is no chapter of its own: chapters call the parts that belong to them. ``python -m snncore.experiments speed`` measures everything.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from snncore.experiments.folder import published
from snncore.experiments.record import Record
from snncore.few_spike import FSParams, coefficients, fs_neuron, fs_step
from snncore.few_spike.convert import FSActivation, Images, convert, put_neurons, traced
from snncore.few_spike.rate_code import RateRun, Synapses
from snncore.learning.eprop import Signal, gradient, observe
from snncore.learning.one_shot import traces
from snncore.networks.images import efficientnet_lite
from snncore.networks.recurrent import MODELS, Activity, Population, RecurrentNetwork, Weights
from snncore.networks.recurrent import run as run_network
from snncore.neurons import AHPParams, LIFParams, ReadoutParams, conventions
from snncore.seeds import seeded_draws, torch_generator


@dataclass(frozen=True)
class Config:
    """Numbers per activation, images per batch, their size (None: that of the network), samples and steps of the recurrent network,
    steps of e-prop, repetitions."""

    numbers: int = 10_000_000
    batch: int = 4
    pixels: int | None = None
    samples: int = 64
    steps: int = 840
    eprop_steps: int = 2250
    repetitions: int = 15
    full_size: bool = True
    seed: int = 0


PRESETS = {
    "smoke": Config(numbers=100_000, batch=1, pixels=64, samples=4, steps=20, eprop_steps=50, repetitions=2, full_size=False),
    "book": Config(),
    "paper": Config(repetitions=41),
}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


EQUAL = 300  # steps in which gradients are compared before they are timed
SIZES = (500, 100), (1000, 100), (2000, 100), (1000, 50), (1000, 200), (1000, 400)  # steps and neurons of `eprop_costs`


def side_by_side(
    candidates: Mapping[str, Callable[[], object]], repetitions: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Shortest time of each [s], taken in turns, so that a disturbance hits all of them; by processor time with that clock."""
    best = dict.fromkeys(candidates, float("inf"))
    for round_ in range(repetitions + 1):
        for name, candidate in candidates.items():
            start = clock()
            candidate()
            if round_:  # the first round warms up
                best[name] = min(best[name], clock() - start)
    return best


def machine() -> str:
    """Threads of PyTorch and of the compiled loops, and the widest instructions of the processor that both use, in words."""
    threads, instructions = torch.get_num_threads(), torch.backends.cpu.get_cpu_capability().replace("AVX512", "AVX-512")
    return f"{threads} thread{'s' * (threads > 1)}, {instructions}"


def plain_neuron(x: Tensor, p: FSParams) -> Tensor:
    """The few-spike neuron by its definition: PyTorch operations, a new tensor for each."""
    v, y = x, torch.zeros_like(x)
    for t in range(p.K):
        z, v = fs_step(v, t, p)
        y = y + p.d[t] * z
    return y


BLOCK = 2**17  # numbers of which three tensors stay in the processor's cache, and which are enough to share among threads


def inplace_neuron(x: Tensor, p: FSParams) -> Tensor:
    """The same with PyTorch's operations as fast as we can: in place, block by block."""
    compare, y = torch.gt if p.strict else torch.ge, torch.zeros_like(x, memory_format=torch.contiguous_format)
    for v, total in zip(x.flatten().split(BLOCK), y.view(-1).split(BLOCK), strict=True):
        v, z = v.clone(), torch.empty_like(v)
        for T, h, d in zip(p.T, p.h, p.d, strict=True):
            compare(v, T, out=z)
            v.sub_(z, alpha=h)
            total.add_(z, alpha=d)
    return y


def differ(a: Tensor, b: Tensor) -> int:
    """How many numbers differ, in whatever bits."""
    return int((a != b).sum())


def activation(record: Record, c: Config) -> None:
    """The SiLU neuron of 16 steps against SiLU itself, each writing a new tensor, for inputs as in EfficientNet-B7."""
    p = coefficients("silu.published").params
    x = 1.5633 * torch.randn(c.numbers, generator=torch_generator(c.seed, "inputs")) - 0.0632
    record.value("activation_numbers", f"{c.numbers:,}")
    if record.value("activation_differ", max(differ(fs_neuron(x, p), f(x, p)) for f in (plain_neuron, inplace_neuron))):
        raise ValueError("the compiled neuron differs from the plain one: do not trust its time")
    candidates = {"copy": x.clone, "relu": lambda: F.relu(x), "silu": lambda: F.silu(x), "few_spikes": lambda: fs_neuron(x, p)}
    times = side_by_side({**candidates, "plain": lambda: inplace_neuron(x, p)}, c.repetitions)
    if c.full_size:
        where = f"{c.numbers:,} numbers, {machine()}"
        record.claim("speed.fs.activation", times["few_spikes"] / times["silu"], dataset=where, timing=True)
    for name, seconds in times.items():
        record.timing(f"activation_{name}", seconds / times["silu"], "{:.2f}")
    naive = side_by_side({"silu": candidates["silu"], "naive": lambda: plain_neuron(x, p)}, 3)
    record.timing("activation_naive", naive["naive"] / naive["silu"], "{:.0f}")
    record.timing("silu_ms", 1e3 * times["silu"], "{:.3g} ms")
    record.timing("speed_machine", machine(), "{}")


class _Plain(nn.Module):
    def __init__(self, params: FSParams):
        super().__init__()
        self.params = params

    def forward(self, x):
        return inplace_neuron(x, self.params)


@torch.inference_mode()
def networks(record: Record, c: Config) -> None:
    """Converted networks against their originals, end to end: time does not depend on weights, so random ones will do."""
    from torchvision.models import efficientnet_b0, resnet50

    with seeded_draws(c.seed, "networks for timing"):
        cases: list[tuple[str, nn.Module, int, int, dict[str, FSParams] | None]] = [
            ("efficientnet_lite0", efficientnet_lite(0), 224, 8, None),
            ("efficientnet_b0", efficientnet_b0(), 224, 8, None),
            ("efficientnet_b0_published", efficientnet_b0(), 224, 16, published()),
            ("resnet50", resnet50(), 224, 10, None),
        ]
    outputs = different = 0
    for name, original, pixels, K, given in cases:
        size = c.pixels or pixels
        x = torch.randn(c.batch, 3, size, size, generator=torch_generator(c.seed, "images for timing"))
        snn = convert(original.eval(), x[:1], coefficients=given, K=K).network
        plain = convert(original, x[:1], coefficients=given, K=K).network
        for target, module in list(plain.named_modules()):
            if isinstance(module, FSActivation):
                setattr(plain.get_submodule("few_spike"), target.removeprefix("few_spike."), _Plain(module.params))
        answers = snn(x)
        outputs, different = outputs + answers.numel(), different + differ(answers, plain(x))
        if different:
            raise ValueError(f"{name}: compiled and plain neurons give different answers: do not trust their times")
        runs = {"original": lambda: original(x), "few spikes": lambda: snn(x), "plain": lambda: plain(x)}  # noqa: B023
        times = side_by_side(runs, c.repetitions)
        ratio = times["few spikes"] / times["original"]
        record.timing(f"{name}_ms", 1e3 * times["original"] / c.batch, "{:.3g} ms")
        record.timing(f"{name}_x", ratio, "{:.2f}")
        record.timing(f"{name}_plain_x", times["plain"] / times["original"], "{:.1f}")
        if c.full_size and given is None:
            where = f"{c.batch} images of {size} x {size}, K = {K}, {machine()}"
            record.claim(f"speed.fs.network.{name}", ratio, dataset=where, timing=True)
    record.value("speed_images", c.batch)
    record.value("network_outputs", f"{outputs:,}")
    record.value("network_outputs_differ", different)


def recurrent(record: Record, c: Config) -> None:
    """One training step of 240 LIF and AHP neurons on 80 spiking inputs: compiled, in plain PyTorch, and its matrix products alone."""
    g = torch_generator(c.seed, "recurrent network for timing")
    populations = [Population(140, LIFParams(reset_to_zero=True)), Population(100, AHPParams())]
    network = RecurrentNetwork(80, populations, 10, ReadoutParams(), g)
    x = (torch.rand(c.steps, c.samples, 80, generator=g) < 0.03).float()
    labels = torch.randint(0, 10, (c.samples,), generator=g)

    def step(compiled: bool, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        weights = Weights(*(w.to(dtype) for w in network.weights()))
        activity = run_network(x.to(dtype), weights, populations, network.readout, compiled=compiled)
        rates = activity.z.sum((0, 1)) / (c.steps * c.samples)
        loss = F.cross_entropy(activity.y[-c.steps // 15 :].mean(0), labels) + (rates - 0.01).square().sum()
        return [loss, *torch.autograd.grad(loss, list(network.parameters()))]

    for ours, plain in zip(step(True, torch.float64), step(False, torch.float64), strict=True):
        if not torch.allclose(ours, plain, rtol=1e-5, atol=1e-9):
            raise ValueError("the compiled network learns otherwise than the plain one: do not trust its time")
    z, w_in, w_rec = torch.rand(c.samples, 240), network.w_in.detach(), network.w_rec.detach()
    many = torch.rand(c.steps * c.samples, 240)

    def products() -> None:
        inputs = x.reshape(-1, 80)
        F.linear(inputs, w_in)
        for _ in range(2 * c.steps):  # forward and backward
            z @ w_rec
        many.T @ many, many.T @ inputs

    repetitions = max(2, c.repetitions // 5)
    times = side_by_side({"compiled": lambda: step(True), "plain": lambda: step(False), "products": products}, repetitions)
    ratio = times["plain"] / times["compiled"]
    if c.full_size:
        record.claim("speed.rsnn", ratio, dataset=f"{c.samples} samples, {c.steps} steps, {torch.get_num_threads()} threads", timing=True)
    record.timing("recurrent_ms", 1e3 * times["compiled"], "{:.0f} ms")
    record.timing("recurrent_products_ms", 1e3 * times["products"], "{:.0f} ms")


def plain_loop(
    x: Tensor, weights: Weights, populations: Sequence[Population], readout: ReadoutParams, credit: bool = True, potentials: bool = False
) -> Activity:
    """`snncore.networks.recurrent.run` for one population by PyTorch's operations, with as few in the loop as we can: inputs
    and readouts are products over all steps at once, and a sum of recurrent inputs is one fused operation."""
    ((_, p),) = populations
    rest, step = MODELS[type(p)]
    (w_in, w_rec, w_out), own = weights, weights.w_rec.ndim == 3

    def product(a: Tensor, w: Tensor) -> Tensor:
        return (a.transpose(0, 1) @ w.transpose(1, 2)).transpose(0, 1) if w.ndim == 3 else F.linear(a, w)

    current = product(x, w_in)
    state, z, spikes, voltages = rest(torch.zeros_like(current[0])), torch.zeros_like(current[0]), [], []
    for c in current.unbind():
        sent = z if credit else z.detach()
        c = torch.baddbmm(c[:, None], sent[:, None], w_rec.mT)[:, 0] if own else torch.addmm(c, sent, w_rec.mT)
        z, state = step(c, state, p)
        spikes.append(z)
        voltages.append(state.v)
    z = torch.stack(spikes)
    y = (1 - readout.kappa) * traces(product(z, w_out), readout.kappa)
    return Activity(z, torch.stack(voltages) if potentials else z.new_empty(0), y)


def eprop_candidates(n: int, steps: int, samples: int, seed: int) -> dict[str, Callable[[], tuple[Tensor, ...]]]:
    """One gradient for n neurons, half of them LIF and half ALIF: e-prop compiled, by the published recursion, and BPTT by autograd.

    The recursion is given spikes that the compiled loop has found.

    Raises
    ------
    ValueError
        If the compiled gradient and that of the recursion differ in double precision, where few steps are compared.
    """
    g = torch_generator(seed, "e-prop for timing")
    lif, alif = conventions.lif("elig", 20.0, 0.6, 5), conventions.alif("elig", 20.0, 2000.0, 0.6, 0.0174, 5)
    populations = [Population(n // 2, lif), Population(n - n // 2, alif)]
    network = RecurrentNetwork(40, populations, 2, ReadoutParams(), g, (1 / 0.6, 1 / 0.6))
    x = (torch.rand(steps, samples, 40, generator=g) < 0.02).float()
    target = torch.randn(steps, samples, 2, generator=g)
    feedback = torch.randn(n, 2, generator=g)

    def backward(dtype: torch.dtype = torch.float32, part: slice = slice(None), **options: bool) -> tuple[Tensor, ...]:
        weights = Weights(*(w.detach().to(dtype).requires_grad_() for w in network.weights()))
        back = None if options.get("credit") else feedback.to(dtype)
        y = run_network(x[part].to(dtype), weights, populations, network.readout, w_feedback=back, **options).y
        return torch.autograd.grad((y - target[part].to(dtype)).square().sum() / 2, weights[:2])

    def recursion(dtype: torch.dtype = torch.float32, part: slice = slice(None)) -> tuple[Tensor, ...]:
        weights = Weights(*(w.detach().to(dtype) for w in network.weights()))
        trial, activity = observe(x[part].to(dtype), weights, populations, network.readout)
        return gradient(trial, Signal((activity.y - target[part].to(dtype)) @ feedback.T.to(dtype), network.readout.kappa), "online")

    few = slice(0, EQUAL)
    for ours, known in zip(backward(torch.float64, few, credit=False), recursion(torch.float64, few), strict=True):
        off_diagonal = 1 - torch.eye(n) if known.shape[1] == n else 1.0
        if not torch.allclose(ours * off_diagonal, known, rtol=1e-9, atol=1e-9):
            raise ValueError("compiled e-prop differs from the published recursion: do not trust its time")
    return {
        "fused": lambda: backward(credit=False), "recursion": recursion, "bptt": lambda: backward(credit=True, compiled=False),
    }  # fmt: skip


def eprop(record: Record, c: Config) -> float:
    """One gradient for 50 LIF and 50 ALIF neurons in three ways, and copies of numbers; returns the compiled one's seconds per sample."""
    steps, samples = c.eprop_steps, 32
    candidates: dict[str, Callable[[], object]] = {**eprop_candidates(100, steps, samples, c.seed)}
    traffic = torch.ones(18 * steps * samples * 100 // 8)  # a copy reads and writes 4 bytes for each number: 18 bytes per neuron and step
    copy = torch.ones_like(traffic)
    times = side_by_side(candidates | {"copy": lambda: copy.copy_(traffic)}, min(5, c.repetitions))
    where = f"{samples} samples, {steps:,} steps, 100 neurons, {torch.get_num_threads()} threads"
    if c.full_size:
        for name in ("bptt", "recursion"):
            record.claim(f"speed.eprop.{name}", times[name] / times["fused"], dataset=where, timing=True)
        record.claim("speed.eprop.floor", times["fused"] / times["copy"], dataset=where, timing=True)
    record.timing("eprop_ms", 1e3 * times["fused"], "{:.0f} ms")
    return times["fused"] / samples


def eprop_costs(record: Record, c: Config) -> None:
    """How the time of one gradient grows with steps and neurons."""
    for k, (steps, n) in enumerate(SIZES):
        few = steps if c.full_size else steps // 100
        record.value(f"cost_steps_{k}", f"{few:,}")
        record.value(f"cost_neurons_{k}", n)
        for name, seconds in side_by_side(eprop_candidates(n, few, 8, c.seed), 2).items():
            record.timing(f"cost_{name}_{k}", 1e3 * seconds, "{:,.0f}")


# --- SpikingJelly, of the extra ``oracles`` ------------------------------------------------------------------------------------------

SPIKINGJELLY: dict[str, dict] = {  # options of its RateCodingRecipe: as it comes, and the best that was found
    "spikingjelly": {},
    "spikingjelly_robust": {"mode": "99.9%", "channel_wise": True, "half_threshold": True},
}


def spikingjelly(network: nn.Module, calibration: Float[Tensor, "sample *image"], **options: object) -> nn.Module:
    """SpikingJelly's rate-coded version of a network. It knows nn.ReLU alone, so that is what all activations become before."""
    from spikingjelly.activation_based.ann2snn import Converter, RateCodingRecipe

    graph, _, places = traced(network, calibration[:1])
    for node in places:
        put_neurons(graph, node, f"relu_{node.name}", nn.ReLU())
    graph.recompile()
    return Converter(RateCodingRecipe([calibration], **options)).convert(graph).eval().to(memory_format=torch.channels_last)


@torch.inference_mode()
def run_spikingjelly(network: nn.Module, images: Images, steps: int, layers: Synapses | None = None) -> RateRun:
    """Run it step by step; its output is the mean over all steps.

    Spikes and what they reach are counted if ``layers`` of our rate-coded version of the same network are given.
    """
    from spikingjelly.activation_based import functional, neuron

    functional.reset_net(network)
    sent: list[Tensor] = []
    spikes, accumulates, graded = torch.zeros(3, steps, dtype=torch.float64)
    nodes = [module for module in network.modules() if isinstance(module, neuron.BaseNode)] if layers else []
    handles = [node.register_forward_hook(lambda _, __, z: sent.append(z.movedim(1, -1).sum(0).double())) for node in nodes]
    images, total, outputs = images.contiguous(memory_format=torch.channels_last), torch.zeros(()), []
    for t in range(steps):
        total = total + network(images)
        outputs.append(total / (t + 1))
        if layers:
            spikes[t] = sum(z.sum() for z in sent)
            accumulates[t] = sum((z * reached).sum() for z, reached in zip(sent, layers.reached.values(), strict=True))
            graded[t] = len(images) * (layers.each_step + (layers.once if t == 0 else 0))
            neurons = sum(z.numel() for z in sent)
            sent.clear()
    for handle in handles:
        handle.remove()
    return RateRun(torch.stack(outputs), spikes, accumulates, graded, neurons if layers else 0)


def run(c: Config, record: Record) -> None:
    """Measure, with the threads that PyTorch has."""
    activation(record, c)
    networks(record, c)
    recurrent(record, c)
    eprop(record, c)
