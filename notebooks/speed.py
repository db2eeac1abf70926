# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   snncore:
#     summary: How long our programs take beside PyTorch's own operations and the simulators of others, after it was checked that they give the same
#     inputs: [data/few_spike_coefficients.json, data/rate_coding.csv, "data/checkpoints/cifar_resnet20*", "snncore/peers/ask_*.py"]
#     data: [efficientnet_lite0]
#     alone: true
#     minutes: {smoke: 0.7, book: 2.2, paper: 30}
# ---

# %% [markdown]
# (speed)=
# # Speed
#
# Spiking networks were made for other hardware than ours. On an ordinary processor, a program for them is good if it takes no longer than the best
# other program for the same task. All times of this book are measured in this chapter, which runs alone (`make benchmark`), with all threads
# that PyTorch takes (here {value}`machine`). The other chapters may run side by side, and measure no times.
#
# Each program is timed beside another one: PyTorch's operations, written as fast as we can, or a simulator by others. First, both have to
# give the same result, or the chapter stops. Then they run in turns, so that whatever else the machine does hits both, and the shortest
# time of each counts. {numref}`tab-fast` has the ratios. They say more than the seconds below, which belong to one machine; but
# ratios, too, depend on the number of cores and on the instructions of a processor.
#
# :::{list-table} Our programs beside others (live in a run at preset `book`; the last five rows need programs of others, and are recorded).
# :name: tab-fast
# :header-rows: 1
#
# * - What
#   - beside
#   - ratio
# * - SiLU in few spikes, 16 steps: time
#   - PyTorch's SiLU
#   - {claim}`speed.fs.activation`
# * - EfficientNet-B0 in few spikes, 8 steps: time
#   - the original network
#   - {claim}`speed.fs.network.efficientnet_b0`
# * - Training step of a recurrent network: speed
#   - PyTorch's operations
#   - {claim}`speed.rsnn`
# * - Gradient by e-prop: speed
#   - backpropagation through time by PyTorch's operations
#   - {claim}`speed.eprop.bptt`
# * - Outer iteration of one-shot learning: speed
#   - PyTorch's operations
#   - {claim}`speed.oneshot.ratio`
# * - ResNet-20 in few spikes: speed
#   - SpikingJelly, in rate code
#   - {claim}`speed.fs.spikingjelly`
# * - Gradient by e-prop, for a sample: speed
#   - NEST
#   - {claim}`speed.eprop.nest`
# * - Gradient by e-prop: speed
#   - braintrace
#   - {claim}`speed.eprop.braintrace`
# * - Emulated Loihi, 240 neurons: speed
#   - Nengo Loihi
#   - {claim}`speed.loihi.nengo`
# * - Emulated Loihi, 240 neurons: speed
#   - Brian2Loihi
#   - {claim}`speed.loihi.brian2`
# :::

# %% tags=["parameters"]
preset = "book"  # smoke: small sizes, so that times say little; book: the numbers of this page; paper: also what needs downloads and programs by others
seed = 0  # another seed draws other inputs and weights

# %%
import os
import time
import warnings
from functools import partial

import torch
import torch.nn.functional as F

from snncore.few_spike import coefficients, convert, fs_neuron, published_neurons
from snncore.few_spike.rate_curves import BATCH, recorded_curves
from snncore.few_spike.zoo import fit_one
from snncore.loihi import silicon
from snncore.loihi.board import run_board
from snncore.loihi.fixed_point import OverflowWarning
from snncore.loihi.relational import TABLE, asked, untrained
from snncore.networks.images import cifar_network, efficientnet_lite
from snncore.networks.recurrent import Population, RecurrentNetwork, Weights, run_network
from snncore.neurons import AHPParams, LIFParams, ReadoutParams
from snncore.peers import times
from snncore.peers.ask import has_oracle
from snncore.peers.plain import gradients_of_eprop, naive_neuron, plain_loop, plain_neuron, with_plain_neurons
from snncore.provenance import release_memory
from snncore.record import Record
from snncore.seeds import seeded_draws, torch_generator
from snncore.tasks import arm
from snncore.tasks.images import cifar10
from snncore.tasks.sequential_images import INPUTS
from snncore.timing import machine, refuse_unequal, seconds, side_by_side
from snncore.tools.memory import memory_of_learning
from snncore.trainings import arm as movements
from snncore.trainings import cifar

page = Record("speed", preset)
page.timing("machine", machine(), "{}")
repetitions = page.size(smoke=2, book=3, paper=41)  # of which the shortest counts
threads = f"{torch.get_num_threads()} threads"

# %% [markdown]
# ## Few-spike neurons and networks
#
# One activation: SiLU of normal numbers as in EfficientNet-B7, by PyTorch, by our compiled neuron of 16 steps, and by that neuron in plain operations.

# %%
numbers, p = page.size(smoke=100_000, book=10_000_000), coefficients("silu.published").params
x = 1.5633 * torch.randn(numbers, generator=torch_generator(seed, "inputs")) - 0.0632
refuse_unequal("compiled and plain neuron", [fs_neuron(x, p)] * 2, [plain_neuron(x, p), naive_neuron(x, p)])
page.value("activation_numbers", f"{numbers:,}")
page.value("activation_differ", 0)  # else the cell would have stopped

candidates = {"copy": x.clone, "relu": lambda: F.relu(x), "silu": lambda: F.silu(x), "few_spikes": lambda: fs_neuron(x, p)}
took = side_by_side({**candidates, "plain": lambda: plain_neuron(x, p)}, repetitions)
page.claim("speed.fs.activation", took["few_spikes"] / took["silu"], dataset=f"{numbers:,} numbers, {machine()}", timing=True)
for name, one in took.items():
    page.timing(f"activation_{name}", one / took["silu"], "{:.2f}")
naive = side_by_side({"silu": candidates["silu"], "naive": lambda: naive_neuron(x, p)}, 3)
page.timing("activation_naive", naive["naive"] / naive["silu"], "{:.0f}")
page.timing("silu_ms", 1e3 * took["silu"], "{:.3g} ms")
del x, candidates

# %% [markdown]
# Whole networks: the time of a pass does not depend on weights, so random ones will do.

# %%
from torchvision.models import efficientnet_b0, resnet50

with seeded_draws(seed, "networks for timing"):
    cases = {  # network, steps, neurons that are given
        "efficientnet_lite0": (efficientnet_lite(0), 8, None),
        "efficientnet_b0": (efficientnet_b0(), 8, None),
        "efficientnet_b0_published": (efficientnet_b0(), 16, published_neurons()),
        "resnet50": (resnet50(), 10, None),
    }
batch, pixels = page.size(smoke=1, book=4), page.size(smoke=64, book=224)
images = torch.randn(batch, 3, pixels, pixels, generator=torch_generator(seed, "images for timing"))
ratios, outputs = {}, 0
with torch.inference_mode():
    for name, (original, K, given) in cases.items():
        snn, other = (convert(original.eval(), images[:1], coefficients=given, K=K).network for _ in range(2))
        other = with_plain_neurons(other)
        refuse_unequal(name, [answers := snn(images)], [other(images)])
        outputs += answers.numel()
        runs = {"original": partial(original, images), "few spikes": partial(snn, images), "plain": partial(other, images)}
        took = side_by_side(runs, repetitions)
        ratios[name] = took["few spikes"] / took["original"]
        page.timing(f"{name}_ms", 1e3 * took["original"] / batch, "{:.3g} ms")
        page.timing(f"{name}_x", ratios[name], "{:.2f}")
        page.timing(f"{name}_plain_x", took["plain"] / took["original"], "{:.1f}")
where = f"{batch} images of {pixels} x {pixels}, {machine()}"
page.claim("speed.fs.network.efficientnet_lite0", ratios["efficientnet_lite0"], dataset=f"K = 8, {where}", timing=True)
page.claim("speed.fs.network.efficientnet_b0", ratios["efficientnet_b0"], dataset=f"K = 8, {where}", timing=True)
page.claim("speed.fs.network.resnet50", ratios["resnet50"], dataset=f"K = 10, {where}", timing=True)
for name, value in {"speed_images": batch, "network_outputs": f"{outputs:,}", "network_outputs_differ": 0}.items():
    page.value(name, value)
del cases, original, snn, other, runs, answers
release_memory()

# %% [markdown]
# The fit of a neuron of 16 steps, on one thread:

# %%
trials = page.size(smoke=20_000, book=1_000_000, paper=3_000_000)
restarts = page.size(smoke=1, book=1, paper=4)
fit_one("silu.k16", 1, 1, seed)  # compiles the loop, so that this counts for nobody
took = seconds(lambda: fit_one("silu.k16", trials, restarts, seed))
page.claim("speed.fs.fit", took, dataset=f"silu.k16, {trials:,} trials", n=1, timing=True)
page.value("fit_trials", f"{trials:,}")
page.timing("slowest_fit", took, "{:.1f} s")
page.timing("trial", 1e6 * took / trials, "{:.0f} microseconds")

# %% [markdown]
# A converted network ({doc}`images`) should not take longer than the original. Codes of ReLU and ReLU6 round to
# a grid, which takes a dozen instructions however many steps there are. For other neurons, straight-line code is generated for each number
# of steps, three instructions per step. Both give exactly the same numbers as the plain neuron, bit for bit: of {value}`activation_numbers`
# numbers and {value}`network_outputs` outputs of networks, {value}`activation_differ` and {value}`network_outputs_differ` differ. The plain
# PyTorch beside it works in place and block by block, with three operations per step. The neuron as one writes it down first, with a new
# tensor for each operation, takes {value}`activation_naive` times as long as SiLU.
#
# :::{list-table} Shortest time of a pass: of the original in milliseconds, of the others as a multiple of it. The activations handle {value}`activation_numbers` numbers each and write a new tensor; networks take images of random numbers, {value}`speed_images` at once, EfficientNet-B0 and ResNet50 with random weights.
# :name: tab-speed
# :header-rows: 1
#
# * -
#   - Original
#   - Few spikes
#   - Few spikes in plain PyTorch
# * - SiLU, 16 steps
#   - {value}`silu_ms` (a mere copy: {value}`activation_copy`)
#   - {value}`activation_few_spikes`
#   - {value}`activation_plain`
# * - EfficientNet-Lite0, 8 steps
#   - {value}`efficientnet_lite0_ms` per image
#   - {value}`efficientnet_lite0_x`
#   - {value}`efficientnet_lite0_plain_x`
# * - EfficientNet-B0, 8 steps
#   - {value}`efficientnet_b0_ms` per image
#   - {value}`efficientnet_b0_x`
#   - {value}`efficientnet_b0_plain_x`
# * - the same, published 16 steps
#   - {value}`efficientnet_b0_published_ms` per image
#   - {value}`efficientnet_b0_published_x`
#   - {value}`efficientnet_b0_published_plain_x`
# * - ResNet50, 10 steps
#   - {value}`resnet50_ms` per image
#   - {value}`resnet50_x`
#   - {value}`resnet50_plain_x`
# :::
#
# SpikingJelly {cite:p}`fang2023` simulates the usual rate code. With as many steps as our ResNet-20 for CIFAR-10 needs there to come within half a
# percentage point of the original's accuracy, it takes {claim}`speed.fs.spikingjelly` the time of ours in few spikes. This compares programs, not codes:
# SpikingJelly computes its network step by step, ours takes one pass with decoded numbers. The number comes from {run}`speed.fs.spikingjelly`, those
# of the activations from {run}`speed.fs.activation`; times of different runs are not to be compared with each other.

# %%
if preset == "paper" and has_oracle("spikingjelly", "SpikingJelly"):
    curves, data = recorded_curves(), cifar10()
    few, calibration = cifar.conversion("resnet20", data).network, data["train"].images[: cifar.CALIBRATION]
    batch = data["test"].images[:BATCH]
    longer = times.spikingjelly(cifar_network("resnet20"), few, calibration, batch, curves)
    if longer:  # else none of its versions came close to the original
        page.claim("speed.fs.spikingjelly", longer.ratio, dataset=longer.where, n=len(batch), timing=True)

# %% [markdown]
# Fitting a few-spike neuron ({doc}`few_spike`) is a search with many trials. One trial costs {value}`trial`, since the neuron splits
# sorted inputs into intervals, and sums over an interval are differences of cumulative sums. The fit that takes longest here, of
# {value}`fit_trials` trials on one thread, takes {value}`slowest_fit`.

# %% [markdown]
# ## Training recurrent networks
#
# Training follows every neuron of a recurrent network ({doc}`memory`) through 840 steps and back. Our compiled loops skip what is zero,
# above all neurons that do not fire. One training step of 240 LIF and AHP neurons on 64 trials of random spikes takes
# {value}`recurrent_ms`, {claim}`speed.rsnn` as fast as the same computation by PyTorch's operations. Its matrix products alone, with the
# zeros, would take {value}`recurrent_products_ms`.

# %%
samples, steps = page.size(smoke=4, book=64), page.size(smoke=20, book=840)
g = torch_generator(seed, "recurrent network for timing")
network = RecurrentNetwork(80, [Population(140, LIFParams(reset_to_zero=True)), Population(100, AHPParams())], 10, ReadoutParams(), g)
spikes = (torch.rand(steps, samples, 80, generator=g) < 0.03).float()
labels = torch.randint(0, 10, (samples,), generator=g)


def training_step(compiled, dtype=torch.float32):
    weights = Weights(*(w.to(dtype) for w in network.weights()))
    activity = run_network(spikes.to(dtype), weights, network.populations, network.readout, compiled=compiled)
    rates = activity.z.sum((0, 1)) / (steps * samples)
    loss = F.cross_entropy(activity.y[-steps // 15 :].mean(0), labels) + (rates - 0.01).square().sum()
    return [loss, *torch.autograd.grad(loss, list(network.parameters()))]


def products():  # alone, zeros included: of the inputs, of the recurrent weights forward and backward, and for the gradients
    F.linear(spikes.reshape(-1, 80), network.w_in.detach())
    for _ in range(2 * steps):
        z @ network.w_rec.detach()
    many.T @ many, many.T @ spikes.reshape(-1, 80)


refuse_unequal("recurrent networks", training_step(True, torch.float64), training_step(False, torch.float64), 1e-5, 1e-9)
z, many = torch.rand(samples, 240), torch.rand(steps * samples, 240)
runs = {"compiled": partial(training_step, True), "plain": partial(training_step, False), "products": products}
took = side_by_side(runs, page.size(smoke=2, book=2, paper=8))
page.claim("speed.rsnn", took["plain"] / took["compiled"], dataset=f"{samples} samples, {steps} steps, {threads}", timing=True)
page.timing("recurrent_ms", 1e3 * took["compiled"], "{:.0f} ms")
page.timing("recurrent_products_ms", 1e3 * took["products"], "{:.0f} ms")
release_memory()

# %% [markdown]
# ## e-prop
#
# One gradient ({doc}`eprop`) for 32 trials of 2,250 steps takes {value}`eprop_ms` by our compiled loops. That is {claim}`speed.eprop.bptt` as fast as
# backpropagation through time (BPTT) in PyTorch's operations, and {claim}`speed.eprop.recursion` as fast as our PyTorch version of the published recursion with
# its trace for each synapse. Both factors compare compiled code with code that is not compiled; our loops compute BPTT, too, and
# trainings by it take about as long as by e-prop. The gradient takes {claim}`speed.eprop.floor` the time in which 9 bytes per neuron and step can be
# read, and as many written, which is about what has to be. {numref}`tab-costs` shows how the times grow with the steps of a
# trial and with the neurons.

# %%
steps, samples = page.size(smoke=50, book=2250), 32
candidates = gradients_of_eprop(100, steps, samples, seed)  # compiled, published recursion, BPTT: compared first
traffic = torch.ones(18 * steps * samples * 100 // 8)  # a copy reads and writes 4 bytes for each number: 18 bytes per neuron and step
copy = torch.ones_like(traffic)
took = side_by_side({**candidates, "copy": lambda: copy.copy_(traffic)}, page.size(smoke=2, book=3))
where = f"{samples} samples, {steps:,} steps, 100 neurons, {threads}"
page.claim("speed.eprop.bptt", took["bptt"] / took["fused"], dataset=where, timing=True)
page.claim("speed.eprop.recursion", took["recursion"] / took["fused"], dataset=where, timing=True)
page.claim("speed.eprop.floor", took["fused"] / took["copy"], dataset=where, timing=True)
page.timing("eprop_ms", 1e3 * took["fused"], "{:.0f} ms")
each = took["fused"] / samples
del candidates, traffic, copy
release_memory()

# %%
for k, (steps, n) in enumerate(((250, 100), (500, 100), (1000, 100), (500, 50), (500, 200), (500, 400))):
    few = page.size(smoke=steps // 100, book=steps)
    page.value(f"cost_steps_{k}", f"{few:,}")
    page.value(f"cost_neurons_{k}", n)
    for name, took in side_by_side(gradients_of_eprop(n, few, 8, seed), 1).items():
        page.timing(f"cost_{name}_{k}", 1e3 * took, "{:,.0f}")

# %% [markdown]
# :::{list-table} Time of one gradient for 8 trials [ms].
# :name: tab-costs
# :header-rows: 1
#
# * - Steps
#   - neurons
#   - e-prop, compiled
#   - e-prop, published recursion
#   - BPTT by PyTorch
# * - {value}`cost_steps_0`
#   - {value}`cost_neurons_0`
#   - {value}`cost_fused_0`
#   - {value}`cost_recursion_0`
#   - {value}`cost_bptt_0`
# * - {value}`cost_steps_1`
#   - {value}`cost_neurons_1`
#   - {value}`cost_fused_1`
#   - {value}`cost_recursion_1`
#   - {value}`cost_bptt_1`
# * - {value}`cost_steps_2`
#   - {value}`cost_neurons_2`
#   - {value}`cost_fused_2`
#   - {value}`cost_recursion_2`
#   - {value}`cost_bptt_2`
# * - {value}`cost_steps_3`
#   - {value}`cost_neurons_3`
#   - {value}`cost_fused_3`
#   - {value}`cost_recursion_3`
#   - {value}`cost_bptt_3`
# * - {value}`cost_steps_4`
#   - {value}`cost_neurons_4`
#   - {value}`cost_fused_4`
#   - {value}`cost_recursion_4`
#   - {value}`cost_bptt_4`
# * - {value}`cost_steps_5`
#   - {value}`cost_neurons_5`
#   - {value}`cost_fused_5`
#   - {value}`cost_recursion_5`
#   - {value}`cost_bptt_5`
# :::
#
# NEST is made for large sparse networks and follows one sample at a time, here with one thread. Per sample, our gradient is
# {claim}`speed.eprop.nest` as fast (recorded), for a network of the same size and as many steps, but with other inputs, many samples at once and all
# threads; and NEST's time includes its updates of weights. Beside braintrace, for LIF neurons, it is {claim}`speed.eprop.braintrace` as fast if
# braintrace learns after windows of steps, and {claim}`speed.eprop.braintrace.online` as fast if it learns at each step (recorded), which ours, the sum
# for a whole trial, does not.

# %%
if preset == "paper" and has_oracle("nest", "NEST"):
    longer = times.nest(each)  # or refused, since the losses differ
    page.claim("speed.eprop.nest", longer.ratio, dataset=longer.where, timing=True)
if preset == "paper" and (python := os.environ.get("SNNCORE_BRAINTRACE")):
    windows, online = times.braintrace(python)  # or refused, since the gradients differ
    page.claim("speed.eprop.braintrace", windows.ratio, dataset=windows.where, timing=True)
    page.claim("speed.eprop.braintrace.online", online.ratio, dataset=online.where, timing=True)

# %% [markdown]
# Memory depends on the machine as times do, so that it is measured here, too. `snncore.learning.eprop.Stream` learns chunk by chunk. Over
# {value}`endless_short` steps this takes {value}`memory_stream_short`, over {value}`endless_long` steps {value}`memory_stream_long`. If the whole
# trial is kept, these are {value}`memory_whole_short` and {value}`memory_whole_long`. (Recorded: 100,000 steps take the stream
# {claim}`eprop.chunked.memory` the memory of 10,000.)

# %%
long = page.size(smoke=1000, book=5000, paper=100_000)
for name, whole in (("stream", False), ("whole", True)):
    memory = memory_of_learning((long // 10, long), whole)
    page.timing(f"memory_{name}_short", memory[0], "{:.0f} MB")
    page.timing(f"memory_{name}_long", memory[1], "{:.0f} MB")
    if name == "stream" and preset == "paper":
        where = "100 ALIF neurons, 8 samples, chunks of 50 steps"
        page.claim("eprop.chunked.memory", memory[1] / memory[0], dataset=where, timing=True)
page.value("endless_short", f"{long // 10:,}")
page.value("endless_long", f"{long:,}")

# %% [markdown]
# ## The emulated chip
#
# For 240 LIF neurons and the steps of one digit, Brian2Loihi takes {claim}`speed.loihi.brian2` the time of our emulator ({doc}`loihi`), and Nengo Loihi
# {claim}`speed.loihi.nengo` (recorded); both were written to be general. Of the test images of MNIST, ours emulates {claim}`speed.loihi.replay` (recorded).

# %%
if preset == "paper":
    from snncore.tasks.data_sets import read_mnist_test

    network, test = silicon.published_network(), read_mnist_test().images
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverflowWarning)  # which belongs to the answers of this network
        silicon.replay(network, test[:10])  # compiles
        rate = len(test) / seconds(partial(silicon.replay, network, test))
    page.claim("speed.loihi.replay", rate, dataset=f"MNIST test, {threads}", n=len(test), timing=True)
if preset == "paper" and (python := os.environ.get("SNNCORE_PEERS")):
    brian2, nengo = (times.emulator(peer, python, 240, INPUTS, silicon.STEPS) for peer in ("brian2_loihi", "nengo_loihi"))
    page.claim("speed.loihi.brian2", brian2.ratio, dataset=brian2.where, timing=True)
    page.claim("speed.loihi.nengo", nengo.ratio, dataset=nengo.where, timing=True)

# %% [markdown]
# The relational network ({doc}`energy`) lies on many chips. Its emulator touches weights only where a neuron has spiked, and copies of a module
# share them. {numref}`tab-questions` has the time of a question.

# %%
for size in ("small", "paper"):
    net, layout = untrained(size, seed)
    run_board(layout.network, *asked(net, layout, TABLE[0], seed))  # compiles
    for n in TABLE:
        question = partial(run_board, layout.network, *asked(net, layout, n, seed))
        page.timing(f"emulator_seconds_{size}_{n}", seconds(question))

# %% [markdown]
# :::{list-table} Time of a question about a story of so many sentences [s], by networks with fresh weights.
# :name: tab-questions
# :header-rows: 1
#
# * - Sentences
#   - 2
#   - 6
#   - 10
#   - 16
#   - 20
# * - small network
#   - {value}`emulator_seconds_small_2`
#   - {value}`emulator_seconds_small_6`
#   - {value}`emulator_seconds_small_10`
#   - {value}`emulator_seconds_small_16`
#   - {value}`emulator_seconds_small_20`
# * - published sizes
#   - {value}`emulator_seconds_paper_2`
#   - {value}`emulator_seconds_paper_6`
#   - {value}`emulator_seconds_paper_10`
#   - {value}`emulator_seconds_paper_16`
#   - {value}`emulator_seconds_paper_20`
# :::
#
# With fresh weights, the network of the published sizes is nearly silent, so that its seconds are a lower end: a trained network of this size would take longer.

# %% [markdown]
# ## One-shot learning
#
# An iteration of the outer optimization ({doc}`one_shot`) goes through two trials, and back through both. It takes {claim}`speed.oneshot` of
# processor time on one thread by our compiled loops, and {claim}`speed.oneshot.plain` by PyTorch's operations, with as few of them in the loop over
# time as we can: {claim}`speed.oneshot.ratio`.

# %%
net, loops = movements.network(seed), {"compiled": run_network, "plain": plain_loop}
paths = arm.draw(2, movements.STEPS, movements.DT, torch_generator(seed, "movements for timing"))
shown, answers = movements.CODE.spikes(paths.tip, movements.DT).double(), []
net.double()
for net.loop in loops.values():
    error = movements.loss_of(net.output(net(movements.CLOCK.double(), shown).after), paths).mean()
    answers.append([error, *torch.autograd.grad(error, list(net.parameters()))])
refuse_unequal("outer iterations", *answers, rtol=1e-6, atol=1e-9)
net.float()
one = movements.outer(net)


def iterate(name):
    net.loop = loops[name]
    net.zero_grad()
    one(0, torch_generator(seed, "movements for timing"))


torch.set_num_threads(1)
took = side_by_side({name: partial(iterate, name) for name in loops}, page.size(smoke=1, book=5), time.process_time)
where = f"{movements.BATCH} movements, {movements.STEPS} steps, {movements.NEURONS} + {movements.LSG_NEURONS} neurons, 1 thread"
page.claim("speed.oneshot", 1e3 * took["compiled"], dataset=where, timing=True)
page.claim("speed.oneshot.plain", 1e3 * took["plain"], dataset=where, timing=True)
page.claim("speed.oneshot.ratio", took["plain"] / took["compiled"], dataset=where, timing=True)

# %% [markdown]
# ## What was claimed, what we found
#
# The talk makes no claim on the speed of programs. These are aims of this book, or numbers that are only reported.
#
# <!-- ledger -->
