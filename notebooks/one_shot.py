# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   snncore:
#     summary: A network that has learned to emit learning signals, with which another one learns a new arm movement in a single update
#     inputs: ["data/checkpoints/one_shot_[0-9]*"]
#     minutes: {smoke: 0.3, book: 2.6, paper: 6}
# ---

# %% [markdown]
# (one-shot)=
# # One-shot learning
#
# We learn many things from a single example: a movement that someone shows us, a new word, a letter of a foreign script. Following a
# gradient takes many updates for that. The talk's last idea starts from the brain, where learning signals come from structures that
# evolution has optimized. So why should they approximate a gradient at all? Let a second spiking network emit them, and
# optimize *that* network for what the brain needs: {published}`oneshot.proposal` {cite:p}`scherr2020`.
#
# The task is to {published}`oneshot.arm.range`. A movement is shown as a path of points ({published}`oneshot.arm.demonstration`). The *learner*, a network of
# {value}`neurons` spiking neurons, turns the two joints of the arm. The talk's *error module*, {published}`oneshot.arm.module` of
# {value}`lsg_neurons` neurons, sees the path, and what the learner does by itself, and sends a learning signal $L_j(t)$ to each neuron
# $j$ of the learner. After this one trial, the learner's weights change, once:
#
# $$
# W'_{ji} = W_{ji} - \eta \sum_t L_j(t)\, \psi_j(t)\, \epsilon_i^v(t),
# $$
#
# Here $\eta$ is the size of the step, $\psi_j$ says how near neuron $j$ is to its threshold, and $\epsilon_i^v$ are the spikes of its input $i$,
# filtered. Input and recurrent weights change, those of the readouts do not. This is the form of e-prop ({doc}`eprop`), with learned signals, and
# with traces that the readout does not filter once more. Then the learner moves the arm again, now without being shown anything.
#
# The path is shown by {value}`code` neurons, each of which fires the faster the closer the point is to a place of its own. They fire regularly,
# where the source draws their spikes at random, which adds noise. The learner's only input is a *clock*: ten inputs, of which two at a time fire,
# so that it knows how far the trial has come.

# %% tags=["parameters"]
preset = "book"  # smoke: few movements; paper: as book
seed = 0  # another seed draws other movements

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import pandas as pd

from snncore import plotting
from snncore.experiments import one_shot as experiment
from snncore.record import Record
from snncore.tasks import arm

plotting.style()
record = Record("one_shot", preset)
result = experiment.run(experiment.config(preset, seed), record)
BLUE, RED, GRAY, ORANGE, GREEN = (plotting.COLORS[c] for c in ("blue", "red", "gray", "orange", "green"))

# %% [markdown]
# ## Seen once, done once
#
# {numref}`fig-movements` shows it for movements that no training has seen: the path that was shown, and what the arm does before and after the one update
# (published: {published}`oneshot.arm.updates`).

# %% tags=["hide-input", "remove-output"]
seen = result.seen
net = experiment.trained(0)
before = arm.move(net.output(seen.lesson.before), experiment.DT)[:, 0].detach()
after = arm.move(net.output(seen.lesson.after), experiment.DT).detach()
order = result.errors.argsort()
ranks = [int(q * (len(order) - 1)) for q in (0.1, 0.3, 0.5, 0.7, 0.9)]
fig, axes = plt.subplots(1, 5, figsize=(7.5, 2.0), sharex=True, sharey=True)
frame = pd.DataFrame({"before_x": before[:, 0], "before_y": before[:, 1]})
for ax, rank in zip(axes, ranks, strict=True):
    k = int(order[rank])
    ax.plot(*seen.movements.tip[:, k].T, color=GRAY, lw=3.5, alpha=0.5, label="shown")
    ax.plot(*before.T, color=ORANGE, lw=1, ls=":", label="before")
    ax.plot(*after[:, k].T, color=BLUE, lw=1.3, label="after one update")
    ax.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xlabel="x")
    ax.set_title(f"error {float(result.errors[k]):.3f}", fontsize=9)
    for name, path in (("shown", seen.movements.tip[:, k]), ("after", after[:, k])):
        frame[f"{name}_{k}_x"], frame[f"{name}_{k}_y"] = path[:, 0], path[:, 1]
axes[0].set_ylabel("y (arm length 1)")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
record.figure(fig, "movements", frame)
plt.show()

# %% [markdown]
# ```{figure} ../results/one_shot/movements.*
# :name: fig-movements
# :alt: Five curved paths in the plane. Before the update the arm makes the same wide sweep to the right and down, and back, in all panels; after it, its path lies close to the one that was shown in four of them and follows it roughly in the last.
# Positions of the tip in the plane; held-out movements (live, with recorded networks): of {value}`shown`, a tenth, three tenths, half, seven and nine tenths have a smaller error. All begin in the same place.
# ```
#
# The error is the mean squared distance of the tip along x and along y, where the arm has length 1. {numref}`tab-arm` has its mean over
# {value}`movements` held-out movements, for {value}`seeds` pairs of networks.
#
# :::{list-table} Mean squared position error (live, with recorded networks): mean of the seeds, lowest and highest.
# :name: tab-arm
# :header-rows: 1
#
# * - What the learner did
#   - Error
# * - nothing yet
#   - {claim}`oneshot.arm.before` ({interval}`oneshot.arm.before`)
# * - one update by its learning signals
#   - {claim}`oneshot.arm.after` ({interval}`oneshot.arm.after`)
# * - one update by those of another movement
#   - {claim}`oneshot.arm.shuffled` ({interval}`oneshot.arm.shuffled`)
# * - one step of e-prop, of the best size
#   - {claim}`oneshot.arm.single_eprop` ({interval}`oneshot.arm.single_eprop`)
# * - one step of BPTT, of the best size
#   - {claim}`oneshot.arm.single_bptt` ({interval}`oneshot.arm.single_bptt`)
# :::
#
# The mean movement of the family, made each time, would have an error of {value}`variance`. Before the update the error is larger, since nothing was asked of
# the first trial. One update explains {claim}`oneshot.arm.result` of that variance. For half of the movements, the
# tip of the first pair's arm is off by less than {value}`distance` of the arm's length (root of the mean squared distance along the path). With the learning
# signals of another movement, the error is {value}`than_before_shuffled` of that before. A single step along a gradient, of the one size of {value}`sizes`
# that is best for all these very test movements together, comes only to about the error of the mean movement. It starts from weights that were
# optimized for the learned signals.
# (Of later work with a phase-change chip {cite:p}`ortner2025`, a public note gives {published}`oneshot.arm.chip` of deviation of the tip in
# software, for a few movements; cited second-hand. The length of that arm is not known to us, so that this cannot be compared.)
#
# ## What the networks do

# %% tags=["hide-input", "remove-output"]
k = int(order[ranks[0]])
fig, axes = plt.subplots(4, 1, figsize=(7.5, 6.0), sharex=True, height_ratios=[1.2, 1.2, 1.2, 1])
rows = []
for ax, (name, z) in zip(
    axes,
    (
        ("learner, before", seen.lesson.before.z[:, 0]),
        ("error module", seen.lesson.lsg.z[:, k]),
        ("learner, after", seen.lesson.after.z[:, k]),
    ),
    strict=False,
):
    t, j = z.detach().nonzero(as_tuple=True)
    ax.plot(t * experiment.DT, j, "|", ms=2, color=GREEN if name == "error module" else BLUE)
    ax.set(ylabel="neuron", title=f"spikes: {name}", yticks=[])
    rows.append(pd.DataFrame({"population": name, "time": t * experiment.DT, "neuron": j}))
signals = seen.lesson.learning_signal[:, k].detach()
strongest = signals.abs().sum(0).argsort(descending=True)[:3].tolist()
for j, color in zip(strongest, (BLUE, RED, GREEN), strict=True):
    axes[3].plot([experiment.DT * i for i in range(len(signals))], signals[:, j], color=color, lw=1, label=f"neuron {j}")
axes[3].set(xlabel="time [ms]", ylabel="$L_j(t)$", title="learning signals")
axes[3].legend(ncols=3, fontsize=8)
record.figure(fig, "activity", pd.concat(rows))
plt.show()

# %% [markdown]
# ```{figure} ../results/one_shot/activity.*
# :name: fig-activity
# :alt: Rasters of spikes over half a second for the learner before the update, for the error module, and for the learner after the update, all sparse, in short trains; below, learning signals of three neurons that rise and fall over a hundred milliseconds and more.
# Both networks in one lesson (the first movement of {numref}`fig-movements`), and three learning signals (live).
# ```
#
# The learning signals are those that make *one* update work, at moderate firing rates; nothing asks them to follow a gradient. The talk finds them
# {published}`oneshot.arm.signal_correlation` from those that BPTT proposes, $\mathrm{d}E/\mathrm{d}z_j(t)$ for the trial before the update.
# {numref}`fig-signals-compared` compares them.

# %% tags=["hide-input", "remove-output"]
ideal = seen.ideal[:, k]
fig, axes = plt.subplots(1, 4, figsize=(7.5, 2.4), width_ratios=[1, 1, 1, 1.2])
times = [experiment.DT * i for i in range(len(signals))]
for ax, j in zip(axes, strongest, strict=False):
    for signal, color, name in ((ideal[:, j], GRAY, "BPTT"), (signals[:, j], BLUE, "error module")):
        ax.plot(times, signal / signal.abs().max(), color=color, lw=1, label=name)
    ax.set(title=f"neuron {j}", xlabel="time [ms]", ylim=(-1.1, 1.1))
axes[0].set_ylabel("$L_j(t)$ / largest")
axes[1].legend(fontsize=7)
pairs = pd.DataFrame({"ours": seen.lesson.learning_signal.detach().flatten(), "bptt": seen.ideal.flatten()}).iloc[::997]
axes[3].plot(
    pairs["bptt"] / seen.ideal.std().item(), pairs["ours"] / seen.lesson.learning_signal.std().item(), ".", color=BLUE, ms=2, alpha=0.5
)
axes[3].set(xlabel="BPTT", ylabel="error module", xlim=(-4, 4), ylim=(-4, 4), title="all neurons")
record.figure(fig, "signals", pairs)
plt.show()

# %% [markdown]
# ```{figure} ../results/one_shot/signals.*
# :name: fig-signals-compared
# :alt: Three panels in which the learning signal of the error module and that of BPTT take different courses over time, and a cloud of points without direction.
# Learning signals of the error module and of BPTT in one lesson (live), each relative to its largest. Last panel: the same for all neurons, movements and steps (a sample), in standard
# deviations.
# ```
#
# Over all, their correlation is {claim}`oneshot.arm.signal_correlation`; neuron by neuron it is {claim}`oneshot.arm.signal_correlation.neuron`
# in the mean (lowest and highest: {interval}`oneshot.arm.signal_correlation.neuron`; one pair of networks).
#
# ## How many ordinary updates is it worth?
#
# After about {claim}`oneshot.arm.k_to_match.bptt` updates by BPTT, half of the movements are as good as after one update by learned signals; by e-prop it takes
# {claim}`oneshot.arm.k_to_match`. The talk promises a {published}`oneshot.arm.k_to_match`. Ordinary learning then goes on, and BPTT ends lower than the learned signals,
# which were made for one update ({numref}`fig-updates`).
#
# Each of {value}`ordinary` held-out movements is learned for itself, by e-prop with symmetric feedback or by BPTT, from the same first weights, with the error at hand in each
# update. (It is not e-prop online: the error of a position counts for all velocities that led to it.) A movement is matched by the first update from which on the mean of
# {value}`ordinary_span` errors is at most its own error after one update by learned signals. Adam runs at five rates ({value}`ordinary_rates`). We count the updates until half
# of the movements are matched at the best of them, chosen on these very movements, which favors ordinary learning. Numbers are medians of {value}`seeds` pairs of networks; lowest and
# highest are {interval}`oneshot.arm.k_to_match` for e-prop and {interval}`oneshot.arm.k_to_match.bptt` for BPTT. The best rates are {value}`rates_eprop` (e-prop) and
# {value}`rates_bptt` (BPTT).

# %% tags=["hide-input", "remove-output"]
curves = result.ordinary.curves
fig, ax = plt.subplots(figsize=(6, 3.2))
for rule, color in (("e-prop", GREEN), ("BPTT", RED)):
    rows = curves[curves["rule"] == rule]
    ax.fill_between(rows["updates"], rows["low"], rows["high"], color=color, alpha=0.2, lw=0)
    ax.plot(rows["updates"], rows["median"], color=color, lw=1.2, label=rule)
low, middle, high = sorted(result.ordinary.one_update)
ax.axhspan(low, high, color=BLUE, alpha=0.2, lw=0)
ax.plot([0, 1], [curves["median"].iloc[0], middle], "o-", color=BLUE, label="one update by learned signals")
ax.axhline(middle, color=BLUE, ls=":", lw=1)
ax.set(xlabel="updates", ylabel="mean squared error", yscale="log", xscale="symlog", xlim=(-0.1, None))
ax.legend(loc="lower left")
record.figure(fig, "updates", curves)
plt.show()

# %% [markdown]
# ```{figure} ../results/one_shot/updates.*
# :name: fig-updates
# :alt: Squared error against updates, both logarithmic. One update by learned signals brings the error down at once; the curve of BPTT comes as low after some fifty updates and goes on falling, that of e-prop after nearly a hundred.
# Position error of the middle one of {value}`ordinary` movements (arm length 1) before each ordinary update at the best rate, and after one update by learned signals: median of
# {value}`seeds` pairs of networks, shaded from lowest to highest (live, with recorded networks).
# ```
#
# Some movements get stuck at these rates, so that the mean over the movements is above the error of the middle one. Over the last {value}`ordinary_span` errors, the middle movement
# has {value}`typical_bptt` (BPTT) and {value}`typical_eprop` (e-prop), and the mean is {value}`mean_bptt` and {value}`mean_eprop`. After one update by learned signals, the
# middle movement has {value}`typical_one`, and the mean is {value}`mean_one` (lowest and highest of the pairs of networks).
#
# The comparison is not fair to ordinary learning in one respect: the first weights were optimized for the learned signals, not for gradients. From weights that are optimized for a
# gradient step, fewer updates may do. No such weights were trained for movements; {doc}`one_shot_symbols` makes that comparison for symbols.
#
# ## Outside of the family
#
# The networks were optimized for movements of one family, sums of sines of both joints' velocities. Are they good for *any* movement? {numref}`fig-drawn`
# shows paths of other kinds.

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(1, len(result.figures), figsize=(7.5, 2.2))
frame = pd.DataFrame()
for ax, (name, (m, unlearned, learned)) in zip(axes, result.figures.items(), strict=True):
    ax.plot(*m.tip[:, 0].T, color=GRAY, lw=3.5, alpha=0.5, label="shown")
    ax.plot(*unlearned.T, color=ORANGE, lw=1, ls=":", label="before")
    ax.plot(*learned.T, color=BLUE, lw=1.3, label="after one update")
    ax.set(aspect="equal", xticks=[0, 1], yticks=[0, 1], title=name, xlim=(-0.3, 1.05), ylim=(-0.3, 1.05), xlabel="x")
    for kind, path in (("shown", m.tip[:, 0]), ("after", learned)):
        frame[f"{name} {kind} x"], frame[f"{name} {kind} y"] = path[:, 0], path[:, 1]
axes[0].set_ylabel("y (arm length 1)")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
record.figure(fig, "drawn", frame)
plt.show()

# %% [markdown]
# ```{figure} ../results/one_shot/drawn.*
# :name: fig-drawn
# :alt: A circle, an eight, a letter S and a spiral, each with the path of the arm before and after one update. After it, the arm moves around the right places and follows circle, eight and S roughly; the spiral becomes a knot.
# Drawn paths: shown, before, and after one update (live); positions of the tip in the plane.
# ```
#
# :::{csv-table} Squared position errors of drawn paths (live).
# :name: tab-drawn
# :header-rows: 1
# :file: ../results/one_shot/drawn.csv
# :::
#
# For a path of your own, give one point per step, beginning where the arm starts: `m = arm.follow(points[:, None], experiment.DT)` is the
# movement, and `experiment.lesson(net, m)` the lesson.
#
# Drawn paths are smaller than most movements of the family, so the error alone flatters them. Of a path's own variance in time, one update
# explains {value}`family_median` for half of the family's movements, and {value}`family_low` for all but one in twenty. What it learned to do
# is therefore to *{claim}`oneshot.arm.range`* (by our rule: *any*, if each drawn path does as well as that).
#
# ## How the signals are learned
#
# An outer optimization improves both networks: the initial weights of the learner, and all weights of the error module. For
# {value}`batch` new movements, it goes through the first trial, the update, and the second trial, and follows the gradient of a loss *after* the
# update back through all of this, by BPTT: errors of position and, with a small weight, of velocity, and a cost for firing rates other than the wanted ones. This part is no online learning. It stands for evolution, or for a computer that
# prepares a chip. {numref}`fig-training` shows the {value}`seeds` trainings, of {value}`outer_updates` updates and
# {value}`minutes` minutes ({value}`machine`), by `python -m snncore.experiments one_shot --train`. The rate of learning falls over the first half of them,
# and then once more from half that height, whereby the error first rises and then falls below what it was.

# %% tags=["hide-input", "remove-output"]
c = result.curves
fig, ax = plt.subplots(figsize=(6, 2.8))
for k, (_, rows) in enumerate(c.groupby("seed")):
    smooth = rows["error"].rolling(10, min_periods=1).mean()
    ax.plot(rows["update"], smooth, lw=1, color=(BLUE, RED, GREEN, ORANGE)[k % 4], label=f"seed {k}")
ax.set(xlabel="updates of the outer optimization", ylabel="mean squared error", yscale="log")
ax.legend()
record.figure(fig, "training", c)
plt.show()

# %% [markdown]
# ```{figure} ../results/one_shot/training.*
# :name: fig-training
# :alt: Squared error after one update against updates of the outer optimization, on a logarithmic scale, falling from nearly a fifth to below a hundredth, with some early spikes; in the middle it rises a little, and then falls further.
# Error after one inner update, in new movements, during the trainings (recorded; running mean of 1,000 updates).
# ```
#
# To see it begin, we train two fresh networks here and now. After {value}`live_updates` updates, the error of held-out
# movements is {value}`live_before` before the inner update, and {value}`live_after` after it. (A training of 1,200 updates: {claim}`oneshot.arm.live`.)
# How long
# an iteration of the outer optimization takes: {doc}`speed`.
#
# ## What remains
#
# The talk's slide shows one movement. Here are hundreds, with what a skeptic would ask for: signals of other movements, gradients, ordinary
# learning, and paths that no training had in view. What it takes has its price. The outer optimization needs BPTT, and {value}`outer_movements`
# movements of one family. The talk also says that such an error module can be {published}`oneshot.chip` implemented in neuromorphic hardware
# (cited), and reports symbols and spoken words, which {doc}`one_shot_symbols` is about.

# %% tags=["remove-cell"]
record.close()
