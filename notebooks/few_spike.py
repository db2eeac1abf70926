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

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from snncore import plotting
from snncore.few_spike import FUNCTIONS, coefficients, fs_decode, fs_neuron, fs_run, pieces, read_sets, relu_code
from snncore.few_spike.coefficients import spikes_per_step_log
from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import statistics
from snncore.few_spike.fit import noisy_mse, quality, rounded
from snncore.few_spike.neuron import from_shifted
from snncore.few_spike.zoo import B7_INPUT, INTERVALS, ZOO, fit_zoo, zoo_table
from snncore.networks.images import efficientnet_lite, efficientnet_lite_input, imagenet_categories
from snncore.record import Record
from snncore.seeds import numpy_generator
from snncore.statistics import interval, share, text
from snncore.tasks.data_sets import read_photographs_20

plotting.style()
page = Record("few_spike", preset)  # keeps the numbers, tables and figures of this page
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
#
# Both codes now send the same random numbers. One neuron integrates its input and fires at 1, and its spikes are counted; the other
# is the few-spike neuron of the next section. The count is rounded down to a multiple of $1/N$, the binary code to one of $2^{-N}$. In theory
# the root mean square error is that over $\sqrt 3$, as the last two columns say.

# %%
numbers = torch.from_numpy(numpy_generator(seed, "coded numbers").random(20_000))


def spike_count(x, N):  # integrate and fire: threshold 1, reset by subtraction
    v = count = torch.zeros_like(x)
    for _ in range(N):
        v = v + x
        z = (v >= 1).to(v.dtype)
        v, count = v - z, count + z
    return count


def rms_error(sent):
    return float(((sent - numbers) ** 2).mean().sqrt())


# %%
rows = [
    {"steps": N, "rate code": rms_error(spike_count(numbers, N) / N), "few-spike code": rms_error(fs_neuron(numbers, relu_code(1.0, N)))}
    for N in (1, 2, 3, 4, 6, 8, 10, 12, 14, 16)
]
errors = pd.DataFrame(rows)
page.value("rate16", errors["rate code"].iloc[-1], "{:.3f}")
page.value("code16", 1e6 * errors["few-spike code"].iloc[-1], "{:.0f}")
errors.assign(**{"1 / (N √3)": 1 / (errors["steps"] * 3**0.5), "1 / (2^N √3)": 0.5 ** errors["steps"] / 3**0.5})

# %% tags=["hide-input", "remove-output"]
fig, ax = plt.subplots(figsize=(6, 3.2))
ax.semilogy(errors["steps"], errors["rate code"], "o-", color=RED, label="spike count (rate code)")
ax.semilogy(errors["steps"], errors["few-spike code"], "s-", color=BLUE, label="few-spike code")
ax.set(xlabel="time steps", ylabel="rms error of a number in [0, 1)")
ax.legend()
page.figure(fig, "code-error", errors)
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
page.figure(fig, "binary-code", pd.DataFrame(rows))
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/binary-code.*
# :name: fig-binary-code
# :alt: Three panels, inputs 5.3, 2 and minus 1. The threshold halves with each step. For 5.3 the neuron spikes at steps one, three and five, which reads 10101 or 5.25; for 2 once, at step two; for minus 1 never.
# A code for ReLU with $\alpha = 8$ and $K = 5$: the spikes are the binary digits of the input.
# ```
#
# The published neuron for ReLU is such a code, with $\alpha = 25$:

# %%
relu = coefficients("relu.published").params
page.claim("fs.relu.steps", relu.K)
page.claim("fs.relu.mse", quality(relu, torch.relu, (0.0, 25.0)).mse, dataset="uniform on [0, 25]", n=200_000)
page.verdict("fs.binary", relu.T == relu.h == relu.d == tuple(25 * 2.0 ** -(t + 1) for t in range(relu.K)))

# %% [markdown]
# ## The published SiLU neuron
#
# For SiLU no formula is known; the 48 numbers were found by optimization. {numref}`fig-silu-parameters` and {numref}`tab-silu-parameters`
# show them, as the talk does.

# %%
silu = coefficients("silu.published").params
steps = np.arange(1, silu.K + 1)
parameters = pd.DataFrame({"t": steps, "T(t)": silu.T, "h(t)": silu.h, "d(t)": silu.d})
page.table(parameters.map(lambda a: f"{a:.4f}" if isinstance(a, float) else a), "silu-table")
page.claim("fs.silu.steps", silu.K)

# %% tags=["hide-input", "remove-output"]
fig, ax = plt.subplots(figsize=(7, 3))
for column, marker, color in (("T(t)", "o", BLUE), ("h(t)", "s", RED), ("d(t)", "^", GREEN)):
    ax.plot(steps, parameters[column], marker + "-", color=color, label=f"${column}$", ms=4, lw=1)
ax.set(xlabel="step $t$", ylabel="value", ylim=(-5, 9), xticks=steps)
ax.annotate(f"h({steps[14]}) = {silu.h[14]:.1f}", (15, -5), (11.4, -4.3), arrowprops={"arrowstyle": "->"})
ax.legend(ncols=3)
page.figure(fig, "silu-parameters", parameters)
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
page.figure(fig, "traces", pd.DataFrame(rows))
plt.show()

# %% [markdown]
# ```{figure} ../results/few_spike/traces.*
# :name: fig-traces
# :alt: Four panels with the membrane potential, the moving threshold and the spikes for the inputs minus six, minus one, one half and seven. Minus six stays silent, minus one needs a single spike at step fourteen, one half three spikes, and seven seven.
# What happens inside: membrane potential, threshold and spikes of the published SiLU neuron for four inputs.
# ```

# %% [markdown]
# Over all inputs that it was made for, the neuron is a staircase close to SiLU. SiLU takes both signs there, as no count can:

# %%
x = torch.linspace(-8, 12, 2001, dtype=torch.float64)
z, _ = fs_run(x, silu)
y, count, exact = fs_decode(z, silu).numpy(), z.sum(0).numpy(), F.silu(x)
density = B7_INPUT.pdf(x.numpy())
response = pd.DataFrame({"x": x, "silu": exact, "few_spike": y, "spikes": count, "density": density})
page.verdict("fs.why.sign", bool(exact.min() < 0 < exact.max()))
page.document("few_spike.live", {  # the figure below computes in the page, with all neurons of the package
    "input": {"mean": B7_INPUT.mean(), "sd": B7_INPUT.std()},
    "sets": [{"name": s.name, "function": s.function, "interval": s.interval, "origin": s.origin, **vars(s.params)} for s in read_sets().values()],
})  # fmt: skip
response[::400]

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(4, 1, figsize=(7, 7.2), sharex=True, height_ratios=(3, 1.6, 2, 1.2))
axes[0].plot(x, exact, color=GRAY, lw=4, alpha=0.5, label="SiLU")
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
page.figure(fig, "response", response)
plt.show()

# %% [markdown]
# ::::{live} few_spike
# :label: A few-spike neuron: slide its input, move its numbers
# ```{figure} ../results/few_spike/response.*
# :name: fig-response
# :alt: From top to bottom against the input: SiLU and the staircase of the few-spike neuron close to it; the number of spikes, none for strongly negative inputs, few around zero and rising to {value}`spikes_most` for large ones; the spike pattern as black bars; and the bell-shaped density of inputs around zero.
# Output, number of spikes and spike pattern of the published SiLU neuron over its input, above the distribution of inputs in
# EfficientNet-B7 (a normal distribution with the mean and spread that the authors report).
# ```
# ::::
#
# The talk says that this neuron uses *the fewest spikes for the most frequently occurring values of x*. In the mean that holds:
# {value}`spikes_predicted` spikes for normally distributed inputs with the mean and spread reported for EfficientNet-B7 (the authors' log of one
# image has {value}`spikes_log`, cited), against {value}`spikes_uniform` if all inputs in $[-8, 12]$ were equally
# frequent. Word for word it does not: the most frequent of these normal inputs needs {value}`spikes_mode` spikes, and strongly negative ones, which are
# rare, {value}`spikes_least`. From here on, *B7 inputs* means this normal distribution, not inputs recorded in the network.

# %%
at_mode = int(count[np.abs(x.numpy() - B7_INPUT.mean()).argmin()])
page.verdict("fs.silu.fewest", at_mode == int(count.min()), dataset="x in [-8, 12]; most frequent: -0.063")
for name, number in {"spikes_mode": at_mode, "spikes_least": int(count.min()), "spikes_most": int(count.max())}.items():
    print(name, page.value(name, number))

# %% [markdown]
# ## An exact view: pieces
#
# As long as its spikes so far are the same, $v(t)$ is just $x$ minus a constant. So all inputs with the same spike pattern form one
# interval, and the neuron is a staircase. Its pieces can be listed exactly, over all numbers in single precision, by bisection; how often each step
# spikes is then a sum over pieces, without sampling (errors below are means over a fine grid). Of $2^{16}$ conceivable patterns the published SiLU
# neuron uses only {claim}`fs.silu.pieces`. The authors' sigmoid neuron, with 12 steps, uses {claim}`fs.sigmoid.pieces` of $2^{12}$.

# %%
for name, number, error in (
    ("silu.published", "fs.silu.pieces", "fs.silu.mse"),
    ("sigmoid.published", "fs.sigmoid.pieces", "fs.sigmoid.mse"),
):
    s = coefficients(name)
    page.claim(number, len(pieces(s.params)), dataset="all finite float32 numbers")
    mse = quality(s.params, FUNCTIONS[s.function], s.interval).mse
    page.claim(error, mse, dataset=f"uniform on {list(s.interval)}", n=200_000)
    print(f"{name}: {len(pieces(s.params))} pieces, mean squared error {mse:.3g}")

on_grid = quality(silu, F.silu, (-8.0, 12.0))
page.claim("fs.silu.max_error", on_grid.max_error, dataset="uniform on [-8, 12]", n=200_000)
page.value("spikes_uniform", on_grid.spikes, "{:.2f}")

# %% [markdown]
# On $[-8, 12]$, with all inputs weighted alike, the mean squared error of the SiLU neuron is {claim}`fs.silu.mse` (its fit probably weighted inputs near
# zero more); that of the sigmoid neuron, on $[-10, 10]$, is {claim}`fs.sigmoid.mse`.
#
# The pieces also predict how often each step spikes, once the distribution of inputs is known. The authors kept a log of such counts for
# EfficientNet-B7 on ImageNet. {numref}`fig-profile` holds our prediction against it: nothing is fitted here, the parameters are the
# published ones, the mean and spread of the inputs are those that the authors report, and that the inputs are normal is our assumption.
# The shape is that of the log, the prediction is too high: {value}`spikes_predicted` spikes per neuron, where the log has {value}`spikes_log`, {claim}`fs.silu.log_ratio` as many; in
# the first step {claim}`fs.silu.log_ratio.step1` as many. The log is of one image, and inputs need not be normal.
# Step 14 alone sends {value}`offset_share` of the predicted spikes (in the log {published}`fs.silu.offset_share`, cited): most inputs need it just to shift
# the output down.

# %%
predicted = pieces(silu).spikes_per_step(B7_INPUT.cdf)
log = np.array(spikes_per_step_log())
where = "authors' log of one ImageNet image, normal inputs"
page.claim("fs.silu.log_ratio", float(predicted.sum() / log.sum()), dataset=where)
page.claim("fs.silu.log_ratio.step1", float(predicted[0] / log[0]), dataset=where)
page.claim("fs.silu.spikes", float(predicted.sum()), dataset="normal, mean -0.063, std 1.563")
page.value("spikes_predicted", predicted.sum(), "{:.2f}")
page.value("spikes_log", log.sum(), "{:.2f}")
page.value("offset_share", 100 * predicted[13] / predicted.sum(), "{:.0f} %")
profile = pd.DataFrame({"step": steps, "predicted": predicted, "log": log})

# %% tags=["hide-input", "remove-output"]
fig, ax = plt.subplots(figsize=(7, 3))
ax.bar(profile["step"] - 0.2, profile["log"], 0.4, color=GRAY, label="authors' log, one ImageNet image")
ax.bar(profile["step"] + 0.2, profile["predicted"], 0.4, color=BLUE, label="predicted from the parameters")
ax.set(xlabel="step $t$", ylabel="probability of a spike", xticks=steps)
ax.legend(loc="upper left")
page.figure(fig, "profile", profile)
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

# %%
rows = []
for name in ("silu.published", "sigmoid.published"):
    s = coefficients(name)
    misread = from_shifted(s.params.T, s.params.h, s.params.d, s.params.strict)
    right, wrong = (quality(p, FUNCTIONS[s.function], s.interval).mse for p in (s.params, misread))
    low, high = s.interval
    row = {"neuron": name, "interval": f"[{low:g}, {high:g}]", "MSE, fire then subtract": f"{right:.3g}"}
    rows.append(row | {"MSE, subtract then fire": f"{wrong:.3g}", "times worse": f"{wrong / right:.0f}"})
page.table(pd.DataFrame(rows), "trap")
page.value("shifted_silu", rows[0]["MSE, subtract then fire"])

# %% [markdown]
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

# %%
names = page.size(smoke=("silu.k16",), book=("silu.k8", "silu.k16", "silu.k16sparse"), paper=tuple(ZOO))
evaluations, restarts = page.size(smoke=(20_000, 1), book=(1_000_000, 2), paper=(3_000_000, 4))
sets = read_sets() | fit_zoo(names, evaluations, restarts, seed)
zoo = zoo_table(sets.values())
zoo.loc[zoo["origin"] == "fitted in this run", ["set", "MSE", "spikes", "MSE, B7 inputs", "spikes, B7 inputs"]]


# %%
def short(number):
    return text(float(f"{number:.3g}"))


shown = zoo.drop(columns="function")
for columns, form in ((["MSE", "max error", "MSE, B7 inputs"], short), (["spikes", "spikes, B7 inputs"], "{:.2f}".format)):
    shown[columns] = shown[columns].map(form)
page.table(shown, "zoo")
len(shown)

# %% [markdown]
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

# %%
mse, spikes, mse_b7, spikes_b7 = (zoo.set_index("set")[c] for c in ("MSE", "spikes", "MSE, B7 inputs", "spikes, B7 inputs"))
uniform = {"dataset": "uniform on [-8, 12]", "n": 200_000, "seeds": 1}
normal = uniform | {"dataset": "normal, mean -0.063, std 1.563"}
page.claim("fs.fit.silu.k16", mse["silu.k16"], **uniform)
page.claim("fs.fit.silu.k8", mse["silu.k8"], **uniform)
page.claim("fs.fit.silu.k16sparse", mse_b7["silu.k16sparse"], **normal)
page.claim("fs.fit.silu.k16sparse.spikes", spikes_b7["silu.k16sparse"], **normal)

# %%
quoted = {
    "k16": mse["silu.k16"], "k16_spikes": spikes["silu.k16"], "k16_b7_spikes": spikes_b7["silu.k16"],
    "k8": mse["silu.k8"], "k8_b7": mse_b7["silu.k8"], "tbpi16": mse["silu.tbpi16"],
    "published_mse": mse["silu.published"], "published_b7": mse_b7["silu.published"], "published_b7_spikes": spikes_b7["silu.published"],
    "sparse": mse_b7["silu.k16sparse"], "sparse_spikes": spikes_b7["silu.k16sparse"],
}  # fmt: skip
for name, number in quoted.items():
    page.value(name, short(number))
page.value("tbpi16_gain", mse["silu.tbpi16"] / mse["silu.k16"], "{:.1f}")
page.value("k16_gain", mse["silu.published"] / mse["silu.k16"], "{:.0f}")

# %% tags=["hide-input", "remove-output"]
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
page.figure(fig, "error-steps", zoo)
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

# %%
by_bits = pd.DataFrame(
    {"bits": Q, "set": name, "MSE": quality(rounded(sets[name].params, Q), F.silu, INTERVALS["silu"]).mse}
    for name in ("silu.published", "silu.k16", "silu.k16bits8")
    for Q in (4, 5, 6, 7, 8, 10, 12)
)
at8 = by_bits[by_bits["bits"] == 8].set_index("set")["MSE"]
page.value("bits8_published", short(at8["silu.published"]))
page.value("bits8_ours", short(at8["silu.k16"]))
page.value("bits8_fitted", short(at8["silu.k16bits8"]))
by_bits.pivot(index="set", columns="bits", values="MSE")


# %%
def error_with_noise(name, sigma):
    generator = numpy_generator(seed, "membrane noise")
    return noisy_mse(sets[name].params, F.silu, INTERVALS["silu"], sigma, generator, B7_INPUT.cdf)


by_noise = pd.DataFrame(
    {"noise": sigma, "set": name, "MSE": error_with_noise(name, sigma)}
    for name in ("silu.published", "silu.k16sparse", "silu.k16noise")
    for sigma in (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
)
by_noise.pivot(index="set", columns="noise", values="MSE")

# %% tags=["hide-input", "remove-output"]
styles = {
    "silu.published": ("published", RED, "*-"),
    "silu.k16": ("ours", BLUE, "o-"),
    "silu.k16sparse": ("ours, sparse", BLUE, "o-"),
    "silu.k16bits8": ("ours, fitted for 8 bits", GREEN, "s--"),
    "silu.k16noise": ("ours, fitted for noise 0.05", GREEN, "s--"),
}
fig, axes = plt.subplots(1, 2, figsize=(8, 3.4))
for ax, table, axis in ((axes[0], by_bits, "bits"), (axes[1], by_noise, "noise")):
    for name, rows in table.groupby("set", sort=False):
        label, color, mark = styles[name]
        ax.semilogy(rows[axis], rows["MSE"], mark, color=color, label=label, ms=5)
    ax.legend(fontsize=8)
axes[0].set(xlabel="bits $Q$ of $T$, $h$, $d$", ylabel="mean squared error on [-8, 12]")
axes[1].set(xlabel="membrane noise (std)", ylabel="mean squared error, B7 inputs")
page.figure(fig, "bits-noise", pd.concat([by_bits, by_noise]))
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

# %%
n, K = page.size(smoke=4, book=20), 8  # K was chosen by hand, in a trial with these photographs and others
photographs, labels = (part[:n] for part in read_photographs_20()[:2])
original, batch = efficientnet_lite(0), efficientnet_lite_input(photographs)
with torch.inference_mode():
    spiking, _ = convert(original, batch[:1], K=K)
    logits_snn, traffic = statistics(spiking, batch)
    logits_ann = original(batch)
ann, snn = logits_ann.argmax(1).numpy(), logits_snn.argmax(1).numpy()
same = ann == snn
layers = pd.DataFrame([{"layer": i + 1, "neurons": a.neurons, "spikes": a.spikes} for i, a in enumerate(traffic.layers)])
layers["spikes per neuron"] = layers["spikes"] / layers["neurons"]
spikes_per_neuron = float(layers["spikes"].sum() / layers["neurons"].sum())
layers.head()

# %%
where = {"dataset": "20 ImageNet photographs of foolbox", "n": n}
page.claim("fs.lite0.agreement", float(100 * same.mean()), **where)
page.claim("fs.lite0.spikes", spikes_per_neuron, **where)
for name, number in {
    "lite0_n": n,
    "lite0_ann": int((ann == labels).sum()),
    "lite0_snn": int((snn == labels).sum()),
    "lite0_same": int(same.sum()),
    "lite0_same_interval": interval(*share(same)[1:]),
    "lite0_steps": K,
    "lite0_layers": len(layers),
}.items():
    print(name, page.value(name, number))
page.value("lite0_neurons", traffic.neurons, "{:,}")
page.value("lite0_spikes", spikes_per_neuron, "{:.2f}")
page.value("lite0_difference", float((logits_ann - logits_snn).abs().max()), "{:.2g}")

# %% tags=["hide-input", "remove-output"]
categories = imagenet_categories()
rows, columns = -(-n // 5), 5
fig, axes = plt.subplots(rows, columns, figsize=(9, 2.3 * rows), squeeze=False)
for ax in axes.flat:
    ax.axis("off")
for ax, image, label, a, b in zip(axes.flat, photographs, labels, ann, snn, strict=False):
    ax.imshow(image)
    answer = categories[b] if a == b else f"ANN {categories[a]}, SNN {categories[b]}"
    ax.set_title(f"{answer}\n({'both right' if a == b == label else 'labeled ' + categories[label]})", fontsize=7)
answers = pd.DataFrame({head: [categories[i] for i in these] for head, these in (("label", labels), ("ANN", ann), ("SNN", snn))})
page.figure(fig, "photographs", answers)
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
fig, ax = plt.subplots(figsize=(7, 3))
ax.bar(layers["layer"], layers["spikes per neuron"], color=BLUE)
ax.axhline(spikes_per_neuron, color=RED, ls="--", label="mean over all neurons")
ax.set(xlabel="layer", ylabel="spikes per neuron and image")
ax.legend()
page.figure(fig, "layers", layers)
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
