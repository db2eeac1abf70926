"""How long our programs take, as multiples of well-written others, measured side by side in one run; equality is checked first.

All timings of the book are taken here, in a chapter that runs alone, with all threads that PyTorch has.
"""

import math
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from snncore import provenance
from snncore.datafiles import read_mnist
from snncore.experiments import energy, few_spike, loihi, one_shot
from snncore.experiments import eprop as experiment
from snncore.few_spike import FUNCTIONS, FSParams, coefficients, fit, fs_neuron, fs_step, published_neurons
from snncore.few_spike.convert import FSActivation, convert
from snncore.few_spike.rate_curves import BATCH, CODES, first_close, recorded_curves
from snncore.learning.eprop import Signal, Stream, gradient, observe
from snncore.learning.one_shot import traces
from snncore.loihi.board import run as run_program
from snncore.loihi.fixed_point import OverflowWarning
from snncore.networks.images import cifar_network, efficientnet_lite
from snncore.networks.recurrent import MODELS, Activity, Population, RecurrentNetwork, Weights
from snncore.networks.recurrent import run as run_network
from snncore.neurons import AHPParams, ALIFParams, LIFParams, ReadoutParams, conventions
from snncore.peers import ask_spikingjelly
from snncore.peers.ask import has_oracle
from snncore.record import Record
from snncore.seeds import seeded_draws, torch_generator
from snncore.tasks import arm
from snncore.tasks.images import cifar10
from snncore.trainings import cifar

LONGEST_FIT = replace(few_spike.PRESETS["book"], live_fits=("silu.k16",))


@dataclass(frozen=True)
class Config:
    """Size of the measurements.

    Attributes
    ----------
    fits : few_spike.Config
        Which neurons are fitted, and with how many trials.
    numbers : int
        Numbers per activation.
    batch, pixels : int
        Images per batch, and their size (None: that of the network).
    samples, steps : int
        Of the recurrent network.
    eprop_steps, endless : int
        Steps of e-prop, and of the longer of two endless runs.
    repetitions : int
        Of which the shortest counts.
    full_size : bool
        Whether the numbers may enter the ledger.
    large : bool
        Also what needs MNIST, CIFAR-10 or programs by others.
    seed : int
    """

    fits: few_spike.Config = LONGEST_FIT
    numbers: int = 10_000_000
    batch: int = 4
    pixels: int | None = None
    samples: int = 64
    steps: int = 840
    eprop_steps: int = 2250
    endless: int = 5_000
    repetitions: int = 5
    full_size: bool = True
    large: bool = False
    seed: int = 0


PRESETS = {
    "smoke": Config(
        few_spike.PRESETS["smoke"], numbers=100_000, batch=1, pixels=64, samples=4, steps=20, eprop_steps=50, endless=1000,
        repetitions=2, full_size=False,
    ),
    "book": Config(),
    "paper": Config(few_spike.PRESETS["paper"], endless=100_000, repetitions=41, large=True),
}  # fmt: skip


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


# --- How it is measured -----------------------------------------------------------------------------------------------------------------


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


def seconds(task: Callable[[], object]) -> float:
    """How long it takes, once."""
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def machine() -> str:
    """Threads of PyTorch and of the compiled loops, and the widest instructions of the processor that both use, in words."""
    threads, instructions = torch.get_num_threads(), torch.backends.cpu.get_cpu_capability().replace("AVX512", "AVX-512")
    return f"{threads} thread{'s' * (threads > 1)}, {instructions}"


# --- Few-spike neurons and networks -------------------------------------------------------------------------------------------------------


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
            ("efficientnet_b0_published", efficientnet_b0(), 224, 16, published_neurons()),
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


def fits(record: Record, c: Config) -> None:
    """Seconds of our fits of neurons, each on one thread, two at a time."""
    sizes = replace(c.fits, seed=c.seed)
    tasks = [partial(few_spike.fit_one, name, sizes) for name in sizes.live_fits]
    fit(FUNCTIONS["silu"], 2, few_spike.INTERVALS["silu"], evaluations=1)  # compiles the kernel, so that it counts for nobody
    with ThreadPoolExecutor(2) as pool:
        times = dict(zip(sizes.live_fits, pool.map(seconds, tasks), strict=True))
    if c.full_size:
        where = f"{' and '.join(times)}, {sizes.evaluations:,} trials"
        record.claim("speed.fs.fit", max(times.values()), dataset=where, n=len(times), timing=True)
    record.value("fit_trials", f"{sizes.evaluations:,}")
    record.timing("slowest_fit", max(times.values()), "{:.1f} s")
    record.timing("trial", 1e6 * times["silu.k16"] / sizes.evaluations, "{:.0f} microseconds")


@torch.inference_mode()
def beside_spikingjelly(
    record: Record, ann: nn.Module, few: fx.GraphModule, calibration: Tensor, test: Tensor, curves: pd.DataFrame
) -> None:
    """SpikingJelly's versions of a network and ours in few spikes, for one batch of images.

    ``curves`` (`snncore.few_spike.rate_curves.recorded_curves`) say with how many steps each comes close to the original.
    """
    found = first_close(curves)
    x = test[:BATCH].contiguous(memory_format=torch.channels_last)
    few.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as the others
    candidates: dict[str, Callable[[], object]] = {"few_spikes": partial(few, x)}
    for code, options in ask_spikingjelly.SPIKINGJELLY.items():
        peer = ask_spikingjelly.spikingjelly(ann, calibration, **options)
        candidates[code] = partial(ask_spikingjelly.run_spikingjelly, peer, x, int(found["steps"][code]))
    times = side_by_side(candidates, 3)
    ratios = {code: times[code] / times["few_spikes"] for code in ask_spikingjelly.SPIKINGJELLY if found["enough"][code]}
    best = min(ratios, key=lambda code: ratios[code], default="few_spikes")
    sides = [
        f"{CODES[code]}: {found['steps'][code]} steps, {found['accuracy'][code]:.2f} % right"
        for code in dict.fromkeys(("few_spikes", best))
    ]
    about = f"time of the first {len(x)} images with SpikingJelly {metadata.version('spikingjelly')}; steps of {curves['about'][0]}"
    where = "; ".join([about, *sides, machine()])
    record.claim("speed.fs.spikingjelly", ratios.get(best, "never"), dataset=where, n=len(x), timing=True)


def resnet20_beside_spikingjelly(record: Record) -> None:
    """Our ResNet-20 for CIFAR-10, with the steps that a run of the chapter on images has found; nothing if none has."""
    curves = recorded_curves()
    if set(ask_spikingjelly.SPIKINGJELLY) <= set(curves["code"]):
        data = cifar10()
        few, calibration = cifar.conversion("resnet20", data).network, data["train"].images[: cifar.CALIBRATION]
        beside_spikingjelly(record, cifar_network("resnet20"), few, calibration, data["test"].images, curves)


# --- Recurrent networks -------------------------------------------------------------------------------------------------------------------


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


# --- e-prop -------------------------------------------------------------------------------------------------------------------------------


EQUAL = 300  # steps in which gradients are compared before they are timed
SIZES = (250, 100), (500, 100), (1000, 100), (500, 50), (500, 200), (500, 400)  # steps and neurons of `eprop_costs`


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
    times = side_by_side(candidates | {"copy": lambda: copy.copy_(traffic)}, min(3, c.repetitions))
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
        for name, seconds in side_by_side(eprop_candidates(n, few, 8, c.seed), 1).items():
            record.timing(f"cost_{name}_{k}", 1e3 * seconds, "{:,.0f}")


def nest_live(record: Record, each: float) -> None:
    """Claim of speed against NEST, here and now, where our gradient takes so many seconds for each sample.

    Raises
    ------
    ValueError
        If its losses are others.
    """
    ours, (losses, theirs, versions) = experiment.published_losses("classification"), experiment.by_nest("classification")
    if not np.allclose(losses, ours, rtol=1e-10, atol=0):
        raise ValueError(f"losses of {versions} differ from ours, {losses} and {ours}: do not trust its time")
    where = f"{versions}, 1 thread and sample; ours {torch.get_num_threads()} threads, 32 samples of random inputs, without updates"
    record.claim("speed.eprop.nest", theirs / experiment.UPDATES / each, dataset=where, timing=True)


def braintrace_live(record: Record, python: str, steps: int = 2250, batch: int = 32) -> None:
    """Claims of speed against braintrace, here and now, on LIF neurons: the best of two windows, and at each step, as it learns online.

    Raises
    ------
    ValueError
        If its gradients are others: in double precision, or as they are timed, in single precision, where one spike may change others, by
        their angle.
    """
    windows, case = [1, steps // 45, steps // 10], experiment.braintrace_case("LIF", 100, steps, batch, 0)
    single = {key: a.astype(np.float32) if key in ("x", "target", *Weights._fields) else a for key, a in case.items()}
    exact, timed = experiment.by_braintrace(case, windows, 0, python), experiment.by_braintrace(single, windows, 3, python)
    off, ours = experiment.off_braintrace(case, exact), experiment.fused_gradients(single)
    alike = float(np.min([experiment.cosine(ours, row) for row in experiment.rows_of(timed)]))
    if not (off <= 1e-9 and alike >= 0.99):
        different = f"differ from ours by {off:.1e}; in single precision, the cosine of their angle is {alike:.3f}"
        raise ValueError(f"gradients of {timed['versions']} {different}: do not trust its time")
    each_step, *others = timed["seconds"] / side_by_side({"fused": lambda: experiment.fused_gradients(single)}, 5)["fused"]
    where = f"{timed['versions']}; {len(case['w_in'])} LIF neurons, {steps:,} steps, {batch} samples, {torch.get_num_threads()} threads"
    window = windows[1 + int(np.argmin(others))]
    record.claim("speed.eprop.braintrace", float(min(others)), dataset=f"{where}; windows of {window} steps", timing=True)
    record.claim("speed.eprop.braintrace.online", float(each_step), dataset=where, timing=True)


def _peak() -> float:
    """Most memory that this process has had [MiB]. The usual measure would include what the process had that started this one."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM")) / 2**10
    return provenance.peak_memory_mb() or math.nan


def _learn(steps: int, whole: bool) -> None:
    """Learn over so many steps, as a stream, or as one whole trial."""
    populations, batch, chunk = [Population(100, ALIFParams(tau_a=2000.0))], 8, 50
    g = torch_generator(0, "stream")
    network = RecurrentNetwork(10, populations, 1, ReadoutParams(), g, (3.0, 1.0))
    weights = Weights(*(w.detach() for w in network.weights()))
    if whole:
        x = (torch.rand(steps, batch, 10, generator=g) < 0.02).float()
        trial, found = observe(x, weights, populations, network.readout)
        gradient(trial, Signal((found.y - 1) @ weights.w_out, network.readout.kappa))
    else:
        stream = Stream(weights, populations, network.readout, torch.zeros(batch, 10))
        for _ in range(steps // chunk):
            found = stream.run((torch.rand(chunk, batch, 10, generator=g) < 0.02).float())
            stream.learn(Signal((found.y - 1) @ weights.w_out, network.readout.kappa))


def _raised(lengths: Sequence[int], whole: bool) -> list[float]:
    """By how much learning raises this process's memory [MiB], for numbers of steps that grow."""
    start, raised = _peak(), []
    for steps in lengths:
        _learn(steps, whole)
        raised.append(_peak() - start)
    return raised


def memory(lengths: Sequence[int], whole: bool) -> list[float]:
    """The same in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_raised, lengths, whole).result()


def endless(record: Record, c: Config) -> None:
    """Memory of learning by chunks, and of learning from a whole trial, in a tenth of the steps and in all."""
    for name, whole in (("stream", False), ("whole", True)):
        short, long = memory((c.endless // 10, c.endless), whole)
        record.timing(f"memory_{name}_short", short, "{:.0f} MB")
        record.timing(f"memory_{name}_long", long, "{:.0f} MB")
        if name == "stream" and c.endless >= 100_000:
            record.claim("eprop.chunked.memory", long / short, dataset="100 ALIF neurons, 8 samples, chunks of 50 steps", timing=True)
    record.value("endless_short", f"{c.endless // 10:,}")
    record.value("endless_long", f"{c.endless:,}")


# --- The emulated chip --------------------------------------------------------------------------------------------------------------------


def questions(record: Record, c: Config) -> None:
    """Seconds that the emulator takes for a question about stories of so many sentences."""
    for size in ("small", "paper"):
        net, found = energy.untrained(size, c.seed)
        for n in energy.TABLE:
            question = partial(run_program, found.network, *energy.asked(net, found, n, c.seed))
            if n == energy.TABLE[0]:
                question()  # compiles
            record.timing(f"emulator_seconds_{size}_{n}", seconds(question))


def digits(record: Record) -> None:
    """Test images of MNIST that the emulator classifies in a second, with the published network."""
    network, test = loihi.published_network(), read_mnist()["test"].images
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverflowWarning)  # which belongs to the answers of this network
        loihi.replay(network, test[:10])  # compiles
        rate = len(test) / seconds(partial(loihi.replay, network, test, progress=True))
    record.claim("speed.loihi.replay", rate, dataset=f"MNIST test, {torch.get_num_threads()} threads", n=len(test), timing=True)


def emulators_live(record: Record, python: str) -> None:
    """Claims of speed against both peers that run in one Python, on as many neurons as the published network has, for one image's steps.

    Raises
    ------
    ValueError
        If a potential differs.
    """
    case = loihi.peer_case(240, loihi.INPUTS, loihi.STEPS, True)
    for peer in ("brian2_loihi", "nengo_loihi"):
        found, ours = loihi.beside_peer(peer, python, case), partial(loihi.as_peer, case, loihi.PEERS[peer][0])
        if found.different:
            raise ValueError(
                f"{found.different} of {found.numbers} potentials differ from those of {found.versions}: do not trust its time"
            )
        times_longer = found.seconds / side_by_side({"ours": ours}, 3)["ours"]
        record.claim(f"speed.loihi.{peer.removesuffix('_loihi')}", times_longer, dataset=found.versions, timing=True)


# --- One-shot learning --------------------------------------------------------------------------------------------------------------------


def outer(record: Record, c: Config) -> None:
    """Processor time of one outer iteration on one thread, compiled and by PyTorch's operations, in turns; gradients are compared first.

    Raises
    ------
    ValueError
        If loss or gradients differ in double precision.
    """
    net, loops = one_shot.network(c.seed), {"compiled": run_network, "plain": plain_loop}
    one = one_shot.outer(net)

    def iterate(name: str) -> None:
        net.loop = loops[name]
        net.zero_grad()
        one(0, torch_generator(c.seed, "movements for timing"))

    net.double()
    m = arm.draw(2, one_shot.STEPS, one_shot.DT, torch_generator(c.seed, "movements for timing"))
    shown, answers = one_shot.CODE.spikes(m.tip, one_shot.DT).double(), []
    for net.loop in loops.values():
        error = one_shot.loss_of(net.output(net(one_shot.CLOCK.double(), shown).after), m).mean()
        answers.append((error, *torch.autograd.grad(error, list(net.parameters()))))
    for ours, plain in zip(*answers, strict=True):
        if not torch.allclose(ours, plain, rtol=1e-6, atol=1e-9 * float(plain.detach().abs().max())):
            raise ValueError("compiled and plain networks learn otherwise: do not trust their times")
    net.float()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = side_by_side({name: partial(iterate, name) for name in loops}, 5 if c.full_size else 1, time.process_time)
    finally:
        torch.set_num_threads(threads)
    compiled, plain = (1e3 * times[name] for name in loops)
    if c.full_size:
        neurons = f"{one_shot.NEURONS} + {one_shot.LSG_NEURONS} neurons"
        where = f"{one_shot.BATCH} movements, {one_shot.STEPS} steps, {neurons}, 1 thread"
        record.claim("speed.oneshot", compiled, dataset=where, timing=True)
        record.claim("speed.oneshot.plain", plain, dataset=where, timing=True)
        record.claim("speed.oneshot.ratio", plain / compiled, dataset=where, timing=True)


# --- The chapter --------------------------------------------------------------------------------------------------------------------------


def few_spikes(record: Record, c: Config) -> None:
    """Neurons, networks and fits; with ``large``, also SpikingJelly."""
    activation(record, c)
    networks(record, c)
    fits(record, c)
    if c.large and has_oracle("spikingjelly", "SpikingJelly"):
        resnet20_beside_spikingjelly(record)


def learning(record: Record, c: Config) -> None:
    """Gradients by e-prop, and memory; with ``large``, also NEST and braintrace."""
    each = eprop(record, c)
    eprop_costs(record, c)
    endless(record, c)
    if c.large and has_oracle("nest", "NEST"):
        nest_live(record, each)
    if c.large and (python := os.environ.get("SNNCORE_BRAINTRACE")):
        braintrace_live(record, python)


def chip(record: Record, c: Config) -> None:
    """Questions; with ``large``, also digits and emulators by others."""
    questions(record, c)
    if c.large:
        digits(record)
    if c.large and (python := os.environ.get("SNNCORE_PEERS")):
        emulators_live(record, python)


def run(c: Config, record: Record) -> None:
    """All that the chapter measures, with the threads that PyTorch has."""
    record.timing("machine", machine(), "{}")
    for part in (few_spikes, recurrent, learning, chip, outer):
        part(record, c)
