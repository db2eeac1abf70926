# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   snncore:
#     summary: How a neuron says a number in few spikes; the published SiLU neuron, better ones, and a real network that speaks in them
#     inputs: [data/few_spike_coefficients.json, data/few_spike_log.json]
#     data: [photographs_20, efficientnet_lite0]
#     minutes: {smoke: 0.5, book: 2.5, paper: 6}
# ---

# %% [markdown]
# (few-spike)=
# # Few-spike neurons
#
# An artificial neuron hands on a number. A spiking neuron can only say *now*, or nothing. The first part of the talk turns a trained
# network into a spiking one by giving each neuron a short time window of $K$ steps and a fixed internal rhythm, so that it says its number
# in a pattern of few spikes {cite:p}`stoeckl2021`. This chapter takes that neuron apart: how it works, how good the published ones are,
# how much better they can be made, and what happens when a network trained on ImageNet speaks in such spikes about real photographs.
#
# Change the parameters and run the page again: the cells below compute every number and figure, except what is marked as published, cited or recorded.

# %% tags=["parameters"]
preset = "book"  # smoke: a first look in seconds; book: the numbers of this page; paper: fits every neuron anew (minutes)
seed = 0  # another seed draws other noise and searches elsewhere

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from snncore import plotting
from snncore.experiments import few_spike as experiment
from snncore.few_spike import FUNCTIONS, coefficients, fs_decode, fs_run, pieces, relu_code
from snncore.networks.images import imagenet_categories
from snncore.record import Record

plotting.style()
config = experiment.config(preset, seed)
record = Record("few_spike", preset)
result = experiment.run(config, record)  # all that this page shows; the cells below draw it
BLUE, RED, GREEN, GRAY, ORANGE = (plotting.COLORS[c] for c in ("blue", "red", "green", "gray", "orange"))

# %% [markdown]
# ## Why counting spikes is not enough
#
# The usual conversion lets a neuron's firing rate stand for its number. Two things go wrong with the best image classifiers.
# A count over $N$ steps takes $N + 1$ values, so its error falls only as $1/N$. And the networks of the EfficientNet family
# {cite:p}`tan2019` use SiLU {cite:p}`elfwing2018,ramachandran2017`, $x / (1 + e^{-x})$, which is negative for negative $x$: a count never is.
#
# The brain has another way: many neurons answer a current with a *pattern* of few spikes. The talk shows a recording of a human neuron that
# does so, a layer-3 spiny neuron of the middle temporal gyrus {cite:p}`allen2015`. We only cite it: the recording is not part of this
# package, and nothing here depends on it. Mathematics has the matching idea, binary numbers: $N$ binary places take $2^N$ values.

# %% tags=["hide-input", "remove-output"]
errors = result.code_error
fig, ax = plt.subplots(figsize=(6, 3.2))
ax.semilogy(errors["steps"], errors["rate code"], "o-", color=RED, label="spike count (rate code)")
ax.semilogy(errors["steps"], errors["few-spike code"], "s-", color=BLUE, label="few-spike code")
ax.set(xlabel="time steps", ylabel="rms error of a number in [0, 1)")
ax.legend()
record.figure(fig, "code-error", errors)
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/code-error.*
# :name: fig-code-error
# :alt: Error against the number of time steps, on a logarithmic scale. The spike count falls slowly, to {value}`rate16` at sixteen steps. The few-spike code falls as a straight line, by half with each step, to {value}`code16` millionths.
# Root mean square error of numbers, uniform in [0, 1), that are sent in a window of time steps by counting spikes and by a few-spike (binary) code.
# ```
#
# After 16 steps a count is off by {value}`rate16`, the binary code by {value}`code16` millionths ({numref}`fig-code-error`).

# %% [markdown]
# ## The neuron
#
# A few-spike neuron takes its input $x$ as membrane potential $v$ and runs through $K$ steps with three fixed lists of numbers. In step $t$ it
# spikes ($z(t) = 1$) if $v$ exceeds the threshold $T(t)$; then the reset $h(t)$ is subtracted, and the spike is worth $d(t)$ to the next layer. The
# sum of these is its output $\hat f(x)$. $\Theta$ is 1 for positive numbers and 0 for negative ones; at equality the published neurons stay silent,
# and codes for ReLU fire:
#
# $$
# \begin{aligned}
# v(1) &= x, & z(t) &= \Theta\big(v(t) - T(t)\big), \\
# v(t+1) &= v(t) - h(t)\,z(t), & \hat f(x) &= \sum_{t=1}^{K} d(t)\,z(t).
# \end{aligned}
# $$ (eq-fs)
#
# It fires first and subtracts afterwards. This is the whole of it in code; training, conversion and tests all use this one step:
#
# ```{literalinclude} ../snncore/few_spike/neuron.py
# :pyobject: fs_step
# ```
#
# With $T(t) = h(t) = d(t) = \alpha 2^{-t}$, equation {eq}`eq-fs` writes a number between 0 and $\alpha$ in binary, and anything below 0
# stays silent: that is a code for ReLU.

# %% tags=["hide-input", "remove-output"]
code = relu_code(alpha=8.0, K=5)
fig, axes = plt.subplots(1, 3, figsize=(8, 2.8), sharey=True)
rows = []
for ax, x in zip(axes, (5.3, 2.0, -1.0), strict=True):
    z, v = fs_run(torch.tensor([x]), code)
    time = np.arange(1, code.K + 1)
    plotting.membrane_trace(ax, v[:, 0].numpy(), z[:, 0].numpy(), np.array(code.T), time)
    y = float(fs_decode(z, code)[0])
    bits = "".join(str(int(b)) for b in z[:, 0])
    ax.set(title=f"x = {x:g}: {bits} = {y:g}", xlabel="step $t$", xticks=time)
    rows += [{"x": x, "step": t, "v": float(v[t - 1, 0]), "T": code.T[t - 1], "z": int(z[t - 1, 0])} for t in time]
axes[0].set_ylabel("membrane potential")
axes[0].legend(fontsize=8)
record.figure(fig, "binary-code", pd.DataFrame(rows))
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/binary-code.*
# :name: fig-binary-code
# :alt: Three panels, inputs 5.3, 2 and minus 1. The threshold halves with each step. For 5.3 the neuron spikes at steps one, three and five, which reads 10101 or 5.25; for 2 once, at step two; for minus 1 never.
# A code for ReLU with $\alpha = 8$ and $K = 5$: the spikes are the binary digits of the input.
# ```

# %% [markdown]
# ## The published SiLU neuron
#
# For SiLU no formula is known; the 48 numbers were found by optimization. {numref}`fig-silu-parameters` and {numref}`tab-silu-parameters`
# show them, as the talk does.

# %% tags=["hide-input", "remove-output"]
silu = coefficients("silu.published").params
steps = np.arange(1, silu.K + 1)
parameters = pd.DataFrame({"t": steps, "T(t)": silu.T, "h(t)": silu.h, "d(t)": silu.d})
record.table(parameters.map(lambda a: f"{a:.4f}" if isinstance(a, float) else a), "silu-table")
fig, ax = plt.subplots(figsize=(7, 3))
for column, marker, color in (("T(t)", "o", BLUE), ("h(t)", "s", RED), ("d(t)", "^", GREEN)):
    ax.plot(steps, parameters[column], marker + "-", color=color, label=f"${column}$", ms=4, lw=1)
ax.set(xlabel="step $t$", ylabel="value", ylim=(-5, 9), xticks=steps)
ax.annotate(f"h({steps[14]}) = {silu.h[14]:.1f}", (15, -5), (11.4, -4.3), arrowprops={"arrowstyle": "->"})
ax.legend(ncols=3)
record.figure(fig, "silu-parameters", parameters)
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/silu-parameters.*
# :name: fig-silu-parameters
# :alt: Thresholds, resets and outputs of the published SiLU neuron over its sixteen steps. All but one lie between minus five and eight; an arrow marks the reset of step fifteen, far below. Resets and outputs go together except at steps ten, fourteen and fifteen.
# Internal parameters of the few-spike neuron that the talk optimizes for SiLU, $K = 16$ (numbers published by {cite:t}`stoeckl2021`).
# ```
#
# :::{csv-table} The same numbers. The last reset never acts; nor do, for inputs in $[-8, 12]$, resets and outputs of steps 10 and 15, which never spike there.
# :name: tab-silu-parameters
# :file: ../results/few_spike/silu-table.csv
# :header-rows: 1
# :::

# %% tags=["hide-input", "remove-output"]
inputs = (-6.0, -1.0, 0.5, 7.0)
fig, axes = plt.subplots(2, 2, figsize=(8, 5), sharex=True)
rows = []
for ax, x in zip(axes.flat, inputs, strict=True):
    z, v = fs_run(torch.tensor([x], dtype=torch.float64), silu)
    plotting.membrane_trace(ax, v[:, 0].numpy(), z[:, 0].numpy(), np.array(silu.T), steps)
    y, exact = float(fs_decode(z, silu)[0]), float(FUNCTIONS["silu"](torch.tensor(x)))
    ax.set_title(f"x = {x:g}: {int(z.sum())} spikes, {y:.3f} (SiLU: {exact:.3f})", fontsize=10)
    rows += [{"x": x, "step": t, "v": float(v[t - 1, 0]), "T": silu.T[t - 1], "z": int(z[t - 1, 0])} for t in steps]
for ax in axes[1]:
    ax.set(xlabel="step $t$", xticks=(1, 4, 8, 12, 16))
for ax in axes[:, 0]:
    ax.set_ylabel("membrane potential")
axes[0, 0].legend(fontsize=8)
record.figure(fig, "traces", pd.DataFrame(rows))
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/traces.*
# :name: fig-traces
# :alt: Four panels with the membrane potential, the moving threshold and the spikes for the inputs minus six, minus one, one half and seven. Minus six stays silent, minus one needs a single spike at step fourteen, one half three spikes, and seven seven.
# What happens inside: membrane potential, threshold and spikes of the published SiLU neuron for four inputs.
# ```

# %% tags=["hide-input", "remove-output"]
x = torch.linspace(-8, 12, 2001, dtype=torch.float64)
z, _ = fs_run(x, silu)
y, count = fs_decode(z, silu).numpy(), z.sum(0).numpy()
density = experiment.B7_INPUT.pdf(x.numpy())
fig, axes = plt.subplots(4, 1, figsize=(7, 7.2), sharex=True, height_ratios=(3, 1.6, 2, 1.2))
axes[0].plot(x, FUNCTIONS["silu"](x), color=GRAY, lw=4, alpha=0.5, label="SiLU")
axes[0].plot(x, y, color=BLUE, lw=1, label="few-spike neuron")
axes[0].legend()
axes[0].set_ylabel("output")
axes[1].plot(x, count, color=RED, lw=1)
axes[1].set_ylabel("spikes")
axes[2].imshow(z.numpy(), aspect="auto", extent=(-8, 12, 16.5, 0.5), cmap="Greys", interpolation="nearest")
axes[2].set(ylabel="step $t$", yticks=(1, 4, 8, 12, 16))
axes[2].grid(False)
axes[3].fill_between(x, density, color=ORANGE, alpha=0.6)
axes[3].set(xlabel="input $x$", ylabel="density in\nEfficientNet-B7", xlim=(-8, 12))
response = pd.DataFrame({"x": x, "silu": FUNCTIONS["silu"](x), "few_spike": y, "spikes": count, "density": density})
record.figure(fig, "response", response)
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/response.*
# :name: fig-response
# :alt: From top to bottom against the input: SiLU and the staircase of the few-spike neuron close to it; the number of spikes, none for strongly negative inputs, few around zero and rising to {value}`spikes_most` for large ones; the spike pattern as black bars; and the bell-shaped density of inputs around zero.
# Output, number of spikes and spike pattern of the published SiLU neuron over its input, above the distribution of inputs in
# EfficientNet-B7 (a normal distribution with the mean and spread that the authors report).
# ```
#
# The talk says that this neuron uses *the fewest spikes for the most frequently occurring values of x*. In the mean that holds:
# {value}`spikes_predicted` spikes for normally distributed inputs with the mean and spread reported for EfficientNet-B7 (the authors' log of one
# image has {value}`spikes_log`, cited), against {value}`spikes_uniform` if all inputs in $[-8, 12]$ were equally
# frequent. Word for word it does not: the most frequent of these normal inputs needs {value}`spikes_mode` spikes, and strongly negative ones, which are
# rare, {value}`spikes_least`. From here on, *B7 inputs* means this normal distribution, not inputs recorded in the network.
#
# ## An exact view: pieces
#
# As long as its spikes so far are the same, $v(t)$ is just $x$ minus a constant. So all inputs with the same spike pattern form one
# interval, and the neuron is a staircase. Its pieces can be listed exactly, over all numbers in single precision, by bisection; how often each step
# spikes is then a sum over pieces, without sampling (errors below are means over a fine grid). Of $2^{16}$ conceivable patterns the published SiLU
# neuron uses only {claim}`fs.silu.pieces`. The authors' sigmoid neuron, with 12 steps, uses {claim}`fs.sigmoid.pieces` of $2^{12}$.

# %% tags=["hide-input"]
for name in ("silu.published", "sigmoid.published"):
    print(f"{name}: {len(pieces(coefficients(name).params))} pieces")

# %% [markdown]
# On $[-8, 12]$, with all inputs weighted alike, the mean squared error of the SiLU neuron is {claim}`fs.silu.mse` (its fit probably weighted inputs near
# zero more); that of the sigmoid neuron, on $[-10, 10]$, is {claim}`fs.sigmoid.mse`.
#
# The pieces also predict how often each step spikes, once the distribution of inputs is known. The authors kept a log of such counts for
# EfficientNet-B7 on ImageNet. {numref}`fig-profile` holds our prediction against it: nothing is fitted here, the parameters are the
# published ones, the mean and spread of the inputs are those that the authors report, and that the inputs are normal is our assumption.
# Prediction and log correlate at {claim}`fs.silu.profile`. So parameters, convention and log belong together. In the sum the prediction is too high:
# {value}`spikes_predicted` spikes per neuron, where the log has {value}`spikes_log`. The log is of one image, and inputs need not be normal.
# Step 14 alone sends {value}`offset_share` of the predicted spikes (in the log {published}`fs.silu.offset_share`, cited): most inputs need it just to shift
# the output down.

# %% tags=["hide-input", "remove-output"]
profile = result.profile
fig, ax = plt.subplots(figsize=(7, 3))
ax.bar(profile["step"] - 0.2, profile["log"], 0.4, color=GRAY, label="authors' log, one ImageNet image")
ax.bar(profile["step"] + 0.2, profile["predicted"], 0.4, color=BLUE, label="predicted from the parameters")
ax.set(xlabel="step $t$", ylabel="probability of a spike", xticks=steps)
ax.legend(loc="upper left")
record.figure(fig, "profile", profile)
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/profile.*
# :name: fig-profile
# :alt: Bars for each of the sixteen steps, logged and predicted side by side. Both are high at step 14 (about nine in ten), below one half at step 1, about a tenth to a third at steps 11 to 13, about a tenth at step 16, and smaller elsewhere. The prediction is the higher one at most steps.
# Probability of a spike in each step: the authors' log of EfficientNet-B7 (cited) and our prediction (reproduced).
# ```
#
# ## A trap: when does the reset act?
#
# In equation {eq}`eq-fs` the spike of step $t$ takes off $h(t)$. The scripts with which the published numbers were fitted are written the
# other way round, the reset of the last spike comes at the start of the next step, with that step's $h$. Read in that order, the very same
# arrays are another neuron ({numref}`tab-trap`), and for SiLU its error is {value}`shifted_silu`. Parameters of later work are published in
# the shifted order; `from_shifted` imports them.
#
# :::{csv-table} The same published arrays in two reading orders (mean squared error on the neuron's interval).
# :name: tab-trap
# :file: ../results/few_spike/trap.csv
# :header-rows: 1
# :::

# %% [markdown]
# ## Better neurons
#
# For given $T$ and $h$ the error is quadratic in $d$: the best outputs solve a linear least-squares problem. So only $T$ and $h$ need a
# search, and each trial is judged at its best ({cite:t}`golub1973` call this variable projection). Our search is simulated annealing over
# $T$ and $h$, starting from a plain binary code; it never sees the published numbers. How long a fit takes: {doc}`speed`.
#
# {numref}`tab-fits` lists all neurons of the package. Those marked *fitted in this run* were found when this page was run;
# *published* numbers are others' work (cited); *fitted* parameters are recorded, from an earlier and longer run of ours by the command that
# `data/few_spike_coefficients.json` names, and their errors are computed anew here; a *closed form* needs no fit.
#
# :::{csv-table} Few-spike neurons: error and spikes on a fine grid of the stated interval. Left columns: uniform inputs. *B7 inputs*: the normal distribution with the mean and spread of EfficientNet-B7's SiLU inputs, cut to the interval, so compare only rows with the same interval (`relu.published` leaves out negative inputs, which cost no spikes). For functions other than SiLU these are only an example.
# :name: tab-fits
# :class: numbers
# :file: ../results/few_spike/zoo.csv
# :header-rows: 1
# :::
#
# With 16 steps the error on $[-8, 12]$ falls from the {value}`published_mse` of {cite:t}`stoeckl2021` to {value}`k16`, a factor of {value}`k16_gain`
# (of {value}`tbpi16_gain` against the {value}`tbpi16` of {cite:t}`jeong2024`). It costs spikes: {value}`k16_spikes` instead of {value}`spikes_uniform` for
# uniform inputs, {value}`k16_b7_spikes` instead of {value}`published_b7_spikes` for B7 inputs. Eight steps reach the accuracy of {cite:t}`stoeckl2021`
# there ({value}`k8`), at half the latency, though not for B7 inputs
# ({value}`k8_b7` against {value}`published_b7`). And a price on spikes gives a neuron that is both more
# accurate and no more talkative for B7 inputs: {value}`sparse` at {value}`sparse_spikes` spikes, against
# {value}`published_b7` at {value}`published_b7_spikes`. It was fitted half for such inputs and half for uniform ones. The authors, too, seem to have
# weighted inputs near zero: the loss and the spike count that they note beside their numbers are too high for equal weights. What this gains in a whole network is another question: there, inputs beyond
# the fitted interval saturate as well.

# %% tags=["hide-input", "remove-output"]
zoo = result.zoo
fig, ax = plt.subplots(figsize=(7, 3.6))
for function, color, marker in (
    ("silu", BLUE, "o"),
    ("gelu", GREEN, "s"),
    ("sigmoid", ORANGE, "^"),
    ("tanh", plotting.COLORS["pink"], "v"),
):
    rows = zoo[zoo["set"].isin([f"{function}.k{K}" for K in (4, 8, 12, 16)])].sort_values("K")
    ax.semilogy(rows["K"], rows["MSE"], marker + "-", color=color, label=f"{function}, ours")
published = zoo[zoo["set"].isin(["silu.published", "sigmoid.published"])]
ax.semilogy(published["K"], published["MSE"], "*", color=RED, ms=12, label="published (SiLU 16, sigmoid 12)")
tbpi = zoo[zoo["set"].str.startswith("silu.tbpi")].sort_values("K")
ax.semilogy(tbpi["K"], tbpi["MSE"], "x", color=BLUE, ms=8, label="SiLU of TBPI")
ax.set(xlabel="steps $K$", ylabel="mean squared error", xticks=(4, 8, 12, 16))
ax.legend(fontsize=8, ncols=2)
record.figure(fig, "error-steps", zoo)
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/error-steps.*
# :name: fig-error-steps
# :alt: Mean squared error against four, eight, twelve and sixteen steps on a logarithmic scale. Each function's error falls by about two orders of magnitude. Stars, for SiLU at sixteen steps and sigmoid at twelve, lie about tenfold above our curve of the same function; crosses, SiLU of TBPI, lie above ours at twelve and sixteen steps and on it at four.
# Error against the number of steps, for inputs uniform on each function's interval (TBPI: {cite:t}`jeong2024`). Compare a star only with the curve of
# its own function: the lower one, sigmoid, lies on the curve of tanh by chance. Which fits are live and which recorded says {numref}`tab-fits`.
# ```
#
# ### Rounding and noise
#
# Hardware stores numbers in few bits and its membranes are noisy. {numref}`fig-bits-noise` emulates that, without a chip: it rounds $T$, $h$ and $d$ to
# multiples of $16 / 2^Q$, without limiting their range, while input and membrane potential stay floating-point numbers, or adds Gaussian noise to the membrane
# potential at each comparison. At 8 bits the published numbers have an error of
# {value}`bits8_published`, ours {value}`bits8_ours`, and a fit that already expected 8 bits {value}`bits8_fitted`, at the price of what
# more bits could have given. Of the three in the right panel, the fit that expects noise of $0.05$ is the most accurate from that noise on, but it
# sends more spikes ({numref}`tab-fits`), since its fit put no price on them.

# %% tags=["hide-input", "remove-output"]
names = {
    "silu.published": ("published", RED, "*-"),
    "silu.k16": ("ours", BLUE, "o-"),
    "silu.k16sparse": ("ours, sparse", BLUE, "o-"),
    "silu.k16bits8": ("ours, fitted for 8 bits", GREEN, "s--"),
    "silu.k16noise": ("ours, fitted for noise 0.05", GREEN, "s--"),
}
fig, axes = plt.subplots(1, 2, figsize=(8, 3.4))
for ax, table, axis in ((axes[0], result.bits, "bits"), (axes[1], result.noise, "noise")):
    for name, rows in table.groupby("set", sort=False):
        label, color, mark = names[name]
        ax.semilogy(rows[axis], rows["MSE"], mark, color=color, label=label, ms=5)
    ax.legend(fontsize=8)
axes[0].set(xlabel="bits $Q$ of $T$, $h$, $d$", ylabel="mean squared error on [-8, 12]")
axes[1].set(xlabel="membrane noise (std)", ylabel="mean squared error, B7 inputs")
record.figure(fig, "bits-noise", pd.concat([result.bits, result.noise]))
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/bits-noise.*
# :name: fig-bits-noise
# :alt: Left, error against the number of bits: errors are small from ten bits on and large below seven; the neuron fitted for eight bits is the best at eight. Right, error against noise from 0 to 0.2: all rise, and from 0.05 on the one fitted for noise is the best.
# Emulated: SiLU neurons with rounded parameters, uniform inputs on $[-8, 12]$ (left), and with noisy membranes, B7 inputs (right).
# ```

# %% [markdown]
# ## A real network in few spikes
#
# EfficientNet-Lite0 is a small relative of the talk's network: trained by Google on ImageNet, but with ReLU6 instead of SiLU and without
# squeeze-and-excitation. Its weights come as a package, so this works without ImageNet and without a download. We put a few-spike neuron
# with {value}`lite0_steps` steps in the place of each of its {value}`lite0_neurons` ReLU6 neurons, in {value}`lite0_layers` layers, and change nothing else:
# the same weights, no retraining. Since the next layer is linear, sending the spikes one by one and adding up comes to the same as sending
# the decoded number; that is how it is computed here. Batch normalization, the additions of residual branches and the average pooling are
# linear, too: spikes pass them one by one. What stays analog: the image itself and the last layer's output.
#
# Both networks look at {value}`lite0_n` labeled photographs of ImageNet, those that the package foolbox carries {cite:p}`rauber2020`.
# **So this is not the talk's result**: a handful of photographs is no test set, and ReLU6 is the easy case. The code rounds to the
# nearest of its numbers, with thresholds half a grid step lower than in a plain binary code, and a neuron that saturates at 6 says so by a
# single spike in the first step.

# %% tags=["hide-input", "remove-output"]
found = result.lite0
categories = imagenet_categories()
columns = 5
fig, axes = plt.subplots(-(-len(found.labels) // columns), columns, figsize=(9, 2.3 * -(-len(found.labels) // columns)), squeeze=False)
for ax in axes.flat:
    ax.axis("off")
for ax, image, label, a, s in zip(axes.flat, found.photographs, found.labels, found.ann, found.snn, strict=False):
    ax.imshow(image)
    answer = categories[s] if a == s else f"ANN {categories[a]}, SNN {categories[s]}"
    ax.set_title(f"{answer}\n({'both right' if a == s == label else 'labeled ' + categories[label]})", fontsize=7)
answers = pd.DataFrame(
    {"label": [categories[i] for i in found.labels], "ANN": [categories[i] for i in found.ann], "SNN": [categories[i] for i in found.snn]}
)
record.figure(fig, "photographs", answers)
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/photographs.*
# :name: fig-photographs
# :alt: A grid of labeled photographs, animals and objects, each with the answers of the original network and of its few-spike version above it.
# The photographs with the networks' answer, or both answers where they differ, and the label where it is another. The photographs are
# ImageNet's and carry no license of their own.
# ```
#
# Of {value}`lite0_n` photographs the original network names {value}`lite0_ann` as labeled, the spiking one {value}`lite0_snn`; the two give
# the same answer on {value}`lite0_same` (95 percent interval {value}`lite0_same_interval` %). The number of steps was chosen by hand with these photographs among
# others, so this is not quite a test on unseen images; more photographs follow in the chapter {doc}`images`. Their logits, the outputs before softmax, differ by
# at most {value}`lite0_difference`. On average a neuron sends {value}`lite0_spikes` spikes per image.

# %% tags=["hide-input", "remove-output"]
layers = pd.DataFrame({"layer": np.arange(1, len(found.neurons) + 1), "neurons": found.neurons, "spikes": found.spikes})
layers["spikes per neuron"] = layers["spikes"] / layers["neurons"]
fig, ax = plt.subplots(figsize=(7, 3))
ax.bar(layers["layer"], layers["spikes per neuron"], color=BLUE)
ax.axhline(layers["spikes"].sum() / layers["neurons"].sum(), color=RED, ls="--", label="mean over all neurons")
ax.set(xlabel="layer", ylabel="spikes per neuron and image")
ax.legend()
record.figure(fig, "layers", layers)
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/layers.*
# :name: fig-layers
# :alt: Bars for each spiking layer with the mean number of spikes per neuron; a dashed line marks the mean over all neurons.
# Spikes per neuron and image in each layer of the few-spike EfficientNet-Lite0, mean over the {value}`lite0_n` photographs.
# ```

# %% [markdown]
# ## What was claimed, what we found
#
# <!-- ledger -->

# %% tags=["remove-cell"]
record.close()
