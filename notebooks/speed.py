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
#     minutes: {smoke: 0.7, book: 2.7, paper: 30}
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

# %% tags=["hide-input"]
from snncore.experiments import speed as experiment
from snncore.record import Record

record, config = Record("speed", preset), experiment.config(preset, seed)
record.timing("machine", experiment.machine(), "{}")

# %% tags=["hide-input"]
experiment.few_spikes(record, config)

# %% [markdown]
# ## Few-spike neurons and networks
#
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
#
# Fitting a few-spike neuron ({doc}`few_spike`) is a search with many trials. One trial costs {value}`trial`, since the neuron splits
# sorted inputs into intervals, and sums over an interval are differences of cumulative sums. The fit that takes longest here, of
# {value}`fit_trials` trials on one thread, takes {value}`slowest_fit`.

# %% tags=["hide-input"]
experiment.recurrent(record, config)

# %% [markdown]
# ## Training recurrent networks
#
# Training follows every neuron of a recurrent network ({doc}`memory`) through 840 steps and back. Our compiled loops skip what is zero,
# above all neurons that do not fire. One training step of 240 LIF and AHP neurons on 64 trials of random spikes takes
# {value}`recurrent_ms`, {claim}`speed.rsnn` as fast as the same computation by PyTorch's operations. Its matrix products alone, with the
# zeros, would take {value}`recurrent_products_ms`.

# %% tags=["hide-input"]
experiment.learning(record, config)

# %% [markdown]
# ## e-prop
#
# One gradient ({doc}`eprop`) for 32 trials of 2,250 steps takes {value}`eprop_ms` by our compiled loops. That is {claim}`speed.eprop.bptt` as fast as
# backpropagation through time (BPTT) in PyTorch's operations, and {claim}`speed.eprop.recursion` as fast as our PyTorch version of the published recursion with
# its trace for each synapse. Both factors compare compiled code with code that is not compiled; our loops compute BPTT, too, and
# trainings by it take about as long as by e-prop. The gradient takes {claim}`speed.eprop.floor` the time in which 9 bytes per neuron and step can be
# read, and as many written, which is about what has to be. {numref}`tab-costs` shows how the times grow with the steps of a
# trial and with the neurons.
#
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
#
# Memory depends on the machine as times do, so that it is measured here, too. `snncore.learning.eprop.Stream` learns chunk by chunk. Over
# {value}`endless_short` steps this takes {value}`memory_stream_short`, over {value}`endless_long` steps {value}`memory_stream_long`. If the whole
# trial is kept, these are {value}`memory_whole_short` and {value}`memory_whole_long`. (Recorded: 100,000 steps take the stream
# {claim}`eprop.chunked.memory` the memory of 10,000.)

# %% tags=["hide-input"]
experiment.chip(record, config)

# %% [markdown]
# ## The emulated chip
#
# For 240 LIF neurons and the steps of one digit, Brian2Loihi takes {claim}`speed.loihi.brian2` the time of our emulator ({doc}`loihi`), and Nengo Loihi
# {claim}`speed.loihi.nengo` (recorded); both were written to be general. Of the test images of MNIST, ours emulates {claim}`speed.loihi.replay` (recorded).
#
# The relational network ({doc}`energy`) lies on many chips. Its emulator touches weights only where a neuron has spiked, and copies of a module
# share them. {numref}`tab-questions` has the time of a question.
#
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

# %% tags=["hide-input"]
experiment.outer(record, config)

# %% [markdown]
# ## One-shot learning
#
# An iteration of the outer optimization ({doc}`one_shot`) goes through two trials, and back through both. It takes {claim}`speed.oneshot` of
# processor time on one thread by our compiled loops, and {claim}`speed.oneshot.plain` by PyTorch's operations, with as few of them in the loop over
# time as we can: {claim}`speed.oneshot.ratio`.
#
# ## What was claimed, what we found
#
# The talk makes no claim on the speed of programs. These are aims of this book, or numbers that are only reported.
#
# <!-- ledger -->

# %% tags=["remove-cell"]
record.close()
