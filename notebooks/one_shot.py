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

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd
import torch

from snncore import plotting
from snncore.learning.descent import descend
from snncore.learning.eprop import ideal_signal, observe
from snncore.learning.ordinary import RATES, SIZES, SPAN, first_weights, follow, single_steps
from snncore.networks.checkpoints import about_checkpoint
from snncore.networks.recurrent import Weights
from snncore.record import Record
from snncore.statistics import censored_median, correlation
from snncore.tasks import arm
from snncore.trainings.arm import (
    BATCH,
    CLOCK,
    CODE,
    DT,
    LSG_NEURONS,
    NEURONS,
    SEEDS,
    SHORT,
    STEPS,
    constants,
    errors,
    held_out,
    lesson,
    loss_of,
    network,
    outer,
    own_gradient,
    position_error,
    trained,
)  # fmt: skip

plotting.style()
BLUE, RED, GRAY, ORANGE, GREEN = (plotting.COLORS[c] for c in ("blue", "red", "gray", "orange", "green"))
page = Record("one_shot", preset)  # keeps what this page quotes

n = page.size(smoke=32, book=256)
batches = held_out(n, seed)  # movements that no training has seen
movements = arm.joined(batches)
nets = [trained(k) for k in range(SEEDS)]  # python -m snncore.trainings arm --seed 0 (1, 2)

sizes = {"code": 2 * CODE.neurons, "neurons": NEURONS, "lsg_neurons": LSG_NEURONS, "movements": n, "seeds": SEEDS, "sizes": len(SIZES)}
for name, size in sizes.items():
    page.value(name, size)

# %% [markdown]
# A lesson is four statements. The learner's only input is the clock, so its first trial is the same for all movements.
#
# ```{literalinclude} ../snncore/learning/one_shot.py
# :pyobject: OneShot.forward
# :start-at: before =
# ```

# %%
net = nets[0]
with torch.no_grad():
    one = lesson(net, batches[0])  # net(CLOCK, CODE.spikes(tip, DT)): show each movement once, update once
error = position_error(net.output(one.after), batches[0])  # mean squared distance along x and along y
page.value("shown", len(error))
tuple(one.before.z.shape), tuple(one.learning_signal.shape), tuple(one.weights.w_rec.shape)  # time, movement, neuron; weights of each

# %% [markdown]
# ## Seen once, done once
#
# {numref}`fig-movements` shows it for movements that no training has seen: the path that was shown, and what the arm does before and after the one update
# (published: {published}`oneshot.arm.updates`).

# %% tags=["hide-input", "remove-output"]
before, after = (arm.move(net.output(trial), DT) for trial in (one.before, one.after))
tip, order = batches[0].tip, error.argsort()
ranks = [int(q * (len(order) - 1)) for q in (0.1, 0.3, 0.5, 0.7, 0.9)]
fig, axes = plt.subplots(1, 5, figsize=(7.5, 2.0), sharex=True, sharey=True)
frame = pd.DataFrame({"before_x": before[:, 0, 0], "before_y": before[:, 0, 1]})
for ax, rank in zip(axes, ranks, strict=True):
    k = int(order[rank])
    plotting.paths(ax, tip[:, k], before[:, 0], after[:, k])
    ax.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xlabel="x")
    ax.set_title(f"error {float(error[k]):.3f}", fontsize=9)
    for name, path in (("shown", tip[:, k]), ("after", after[:, k])):
        frame[f"{name}_{k}_x"], frame[f"{name}_{k}_y"] = path[:, 0], path[:, 1]
axes[0].set_ylabel("y (arm length 1)")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
page.figure(fig, "movements", frame)
plt.show()

# %% [markdown]
# ::::{live} arm
# :label: Draw a movement, and see it learned in one update
# ```{figure} ../results/one_shot/movements.*
# :name: fig-movements
# :alt: Five curved paths in the plane. Before the update the arm makes the same wide sweep to the right and down, and back, in all panels; after it, its path lies close to the one that was shown in four of them and follows it roughly in the last.
# Positions of the tip in the plane; held-out movements (live, with recorded networks): of {value}`shown`, a tenth, three tenths, half, seven and nine tenths have a smaller error. All begin in the same place.
# ```
# ::::
#
# The error is the mean squared distance of the tip along x and along y, where the arm has length 1. Its controls are the trial before the update, and an
# update by the learning signals of *another* movement. The mean movement of the family is what one could do without being shown anything.

# %%
where = {"dataset": "held-out movements", "n": n}
results = [errors(net, batches) for net in nets]
page.claim("oneshot.arm.before", before_update := [float(e.before.mean()) for e in results], **where)
page.claim("oneshot.arm.after", after_update := [float(e.after.mean()) for e in results], **where)
page.claim("oneshot.arm.shuffled", shuffled := [float(e.shuffled.mean()) for e in results], **where)

variance = float((movements.tip - movements.tip.mean(1, keepdim=True)).square().mean())
page.claim("oneshot.arm.result", explained := [100 * (1 - e / variance) for e in after_update], **where)
page.claim("oneshot.arm.updates", 1, bound=None if min(explained) > 50 else ">")  # one is not enough: more than one
page.value("variance", variance, "{:.3f}")
page.value("distance", 100 * float(torch.sqrt(2 * results[0].after).median()), "{:.0f} %")
page.value("than_before_shuffled", 100 * ((sum(shuffled) / SEEDS) / (sum(before_update) / SEEDS)), "{:.0f} %")

# %% [markdown]
# The other control is a single step along a gradient, by e-prop or by BPTT, from the same weights. We try many sizes of the step, relative to the recurrent
# weights, and take the one that is best for these very movements. The table shows the errors of the first pair of networks.


# %%
def errors_by_size(net, credit):  # credit: the gradient by BPTT; without it, e-prop
    weights = Weights(*(w.detach() for w in net.learner.weights()))
    grads, _ = own_gradient(net, first_weights(weights, n), movements, credit)
    x, w_out = CLOCK.expand(-1, n, -1), weights.w_out.expand(n, -1, -1)
    steps = (Weights(*own, w_out) for own in single_steps(first_weights(weights, 1), grads))
    return [float(position_error(net.output(net.trial(x, stepped)), movements).mean()) for stepped in steps]


by_eprop, by_bptt = ([errors_by_size(net, credit) for net in nets] for credit in (False, True))
page.claim("oneshot.arm.single_eprop", single_eprop := [min(sizes) for sizes in by_eprop], **where)
page.claim("oneshot.arm.single_bptt", single_bptt := [min(sizes) for sizes in by_bptt], **where)
page.verdict("oneshot.proposal", sum(after_update) < min(sum(single_eprop), sum(single_bptt)), **where, seeds=SEEDS)
pd.DataFrame({"e-prop": by_eprop[0], "BPTT": by_bptt[0]}, index=pd.Index(SIZES, name="size")).round(3)

# %% [markdown]
# {numref}`tab-arm` has the errors over {value}`movements` held-out movements, for {value}`seeds` pairs of networks.
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
        ("learner, before", one.before.z[:, 0]),
        ("error module", one.lsg.z[:, k]),
        ("learner, after", one.after.z[:, k]),
    ),
    strict=False,
):
    t, j = z.nonzero(as_tuple=True)
    ax.plot(t * DT, j, "|", ms=2, color=GREEN if name == "error module" else BLUE)
    ax.set(ylabel="neuron", title=f"spikes: {name}", yticks=[])
    rows.append(pd.DataFrame({"population": name, "time": t * DT, "neuron": j}))
signals = one.learning_signal[:, k]
strongest = signals.abs().sum(0).argsort(descending=True)[:3].tolist()
for j, color in zip(strongest, (BLUE, RED, GREEN), strict=True):
    axes[3].plot([DT * i for i in range(len(signals))], signals[:, j], color=color, lw=1, label=f"neuron {j}")
axes[3].set(xlabel="time [ms]", ylabel="$L_j(t)$", title="learning signals")
axes[3].legend(ncols=3, fontsize=8)
page.figure(fig, "activity", pd.concat(rows))
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

# %%
learner, weights = net.learner, Weights(*(w.detach() for w in net.learner.weights()))
trial, _ = observe(CLOCK.expand(-1, len(error), -1), weights, learner.populations, learner.readout)  # before the update, for each movement
bptt = ideal_signal(trial, learner.readout, lambda _, y: loss_of(net.scale * y, batches[0]).sum())
each = torch.tensor([correlation(one.learning_signal[:, :, j].flatten(), bptt[:, :, j].flatten()) for j in range(NEURONS)])
each = each[~each.isnan()].double()  # a neuron without signals has none
pair = {"dataset": "held-out movements", "n": len(error), "seeds": 1}
page.claim("oneshot.arm.signal_correlation", correlation(one.learning_signal.flatten(), bptt.flatten()), **pair)
page.claim("oneshot.arm.signal_correlation.neuron", float(each.mean()), low=float(each.min()), high=float(each.max()), **pair)

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(1, 4, figsize=(7.5, 2.4), width_ratios=[1, 1, 1, 1.2])
times = [DT * i for i in range(len(signals))]
for ax, j in zip(axes, strongest, strict=False):
    for signal, color, name in ((bptt[:, k, j], GRAY, "BPTT"), (signals[:, j], BLUE, "error module")):
        ax.plot(times, signal / signal.abs().max(), color=color, lw=1, label=name)
    ax.set(title=f"neuron {j}", xlabel="time [ms]", ylim=(-1.1, 1.1))
axes[0].set_ylabel("$L_j(t)$ / largest")
axes[1].legend(fontsize=7)
pairs = pd.DataFrame({"ours": one.learning_signal.flatten(), "bptt": bptt.flatten()}).iloc[::997]
axes[3].plot(pairs["bptt"] / bptt.std().item(), pairs["ours"] / one.learning_signal.std().item(), ".", color=BLUE, ms=2, alpha=0.5)
axes[3].set(xlabel="BPTT", ylabel="error module", xlim=(-4, 4), ylim=(-4, 4), title="all neurons")
page.figure(fig, "signals", pairs)
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

# %%
few, updates = batches[0].first(page.size(smoke=4, book=16)), page.size(smoke=4, book=200)
with torch.no_grad():
    goals = [position_error(net.output(lesson(net, few).after), few) for net in nets]  # after one update by learned signals


def ordinary(net, goal, credit):  # updates by Adam at all rates, each movement with its own weights
    start = first_weights(net.learner.weights(), len(goal))
    return follow(lambda own, copies: own_gradient(net, own, few.repeat(copies), credit), start, updates, goal)


followed = {rule: [ordinary(net, goal, rule == "BPTT") for net, goal in zip(nets, goals, strict=True)] for rule in ("e-prop", "BPTT")}
needed = {rule: censored_median([one.needed for one in runs], updates) for rule, runs in followed.items()}
few_movements = {"dataset": "held-out movements", "n": len(goals[0]), "seeds": SEEDS}
page.claim("oneshot.arm.k_to_match", **needed["e-prop"], **few_movements)
page.claim("oneshot.arm.k_to_match.bptt", **needed["BPTT"], **few_movements)
pd.DataFrame(needed)

# %% [markdown]
# What the text and the figure take from these runs:


# %%
def span(numbers):
    return f"{min(numbers):.4f} to {max(numbers):.4f}"


curves = []
for rule, name in (("e-prop", "eprop"), ("BPTT", "bptt")):
    runs = followed[rule]
    medians = torch.stack([run.errors.quantile(0.5, 1) for run in runs])
    over_networks = {"median": medians.quantile(0.5, 0), "low": medians.amin(0), "high": medians.amax(0)}
    curves.append(pd.DataFrame({"rule": rule, "updates": range(medians.shape[1]), **over_networks}))
    page.value(f"rates_{name}", " and ".join(f"{rate:g}" for rate in sorted({run.rate for run in runs})))
    page.value(f"typical_{name}", span([float(run.errors[-SPAN:].mean(0).quantile(0.5)) for run in runs]))
    page.value(f"mean_{name}", span([float(run.errors[-SPAN:].mean()) for run in runs]))
curves = pd.concat(curves, ignore_index=True)
one_update = [float(goal.quantile(0.5)) for goal in goals]
page.value("typical_one", span(one_update))
page.value("mean_one", span([float(goal.mean()) for goal in goals]))
for name, value in {"": len(goals[0]), "_updates": updates, "_span": SPAN, "_rates": ", ".join(f"{rate:g}" for rate in RATES)}.items():
    page.value(f"ordinary{name}", value)

# %% tags=["hide-input", "remove-output"]
fig, ax = plt.subplots(figsize=(6, 3.2))
for rule, color in (("e-prop", GREEN), ("BPTT", RED)):
    rows = curves[curves["rule"] == rule]
    ax.fill_between(rows["updates"], rows["low"], rows["high"], color=color, alpha=0.2, lw=0)
    ax.plot(rows["updates"], rows["median"], color=color, lw=1.2, label=rule)
low, middle, high = sorted(one_update)
ax.axhspan(low, high, color=BLUE, alpha=0.2, lw=0)
ax.plot([0, 1], [curves["median"].iloc[0], middle], "o-", color=BLUE, label="one update by learned signals")
ax.axhline(middle, color=BLUE, ls=":", lw=1)
ax.set(xlabel="updates", ylabel="mean squared error", yscale="log", xscale="symlog", xlim=(-0.1, None))
ax.legend(loc="lower left")
page.figure(fig, "updates", curves)
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

# %%
drawn, rows, shares, paths = arm.drawn(STEPS, DT), [], [], {}
for name, path in drawn.items():
    with torch.no_grad():
        first = lesson(net, path)
    off_before, off_after = (position_error(net.output(trial), path) for trial in (first.before, first.after))
    shares.append(float(arm.explained(off_after, path)))
    paths[name] = [arm.move(net.output(trial), DT)[:, 0] for trial in (first.before, first.after)]
    rows.append({"path": name, "error before": f"{float(off_before):.4f}", "error after one update": f"{float(off_after):.4f}",
                 "of the path's own variance explained": f"{100 * shares[-1]:.0f} %"})  # fmt: skip
page.table(pd.DataFrame(rows), "drawn")

family = arm.explained(results[0].after, movements)
low = float(family.quantile(0.05))
page.value("family_median", 100 * float(family.median()), "{:.0f} %")
page.value("family_low", 100 * low, "{:.0f} %")
page.verdict("oneshot.arm.range", min(shares) >= low, dataset="drawn paths", n=len(shares), seeds=1)

# %% [markdown]
# {numref}`fig-movements` computes in the page, from these numbers and the weights of the first pair of networks:


# %% tags=["hide-input"]
def seen(name, m, k=0, **more):  # movement k of m, and the lesson on it
    with torch.no_grad():
        one = lesson(net, m)
    off_before, off_after = (position_error(net.output(trial), m) for trial in (one.before, one.after))
    found = {"errors": [float(off_before.expand_as(off_after)[k]), float(off_after[k])], "explained": float(arm.explained(off_after, m)[k])}
    return {"name": name, "tip": m.tip[:, k], "omega": m.omega[:, k], "after": net.output(one.after)[:, k], **found, **more}


chosen = [int(order[rank]) for rank in ranks]
document = {
    "constants": constants(net),
    "before": net.output(one.before)[:, 0],
    "movements": [seen(f"movement {j + 1}", batches[0], k, family=k) for j, k in enumerate(chosen)]
    + [seen(*item) for item in drawn.items()],
    "sizes": {
        rule: SIZES[min(range(len(SIZES)), key=by_size[0].__getitem__)] for rule, by_size in (("e-prop", by_eprop), ("BPTT", by_bptt))
    },
    "median": float(results[0].after.median()),
    "explained": {"median": float(family.quantile(0.5)), "low": low},
    "seed": seed,
    "shown": len(error),
}
spikes = {"before": one.before.z[:, 0], "lsg": one.lsg.z[:, chosen[0]], "after": one.after.z[:, chosen[0]]}
activity = {name: z.nonzero().to(torch.uint8) for name, z in spikes.items()}  # pairs of step and neuron
document["movements"][0]["activity"] = activity | {"neurons": strongest, "signals": signals[:, strongest].T}
page.document("arm.live", document)
page.document("arm_weights.live", net.state_dict())

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(1, len(drawn), figsize=(7.5, 2.2))
frame = pd.DataFrame()
for ax, (name, path) in zip(axes, drawn.items(), strict=True):
    plotting.paths(ax, path.tip[:, 0], *paths[name])
    ax.set(aspect="equal", xticks=[0, 1], yticks=[0, 1], title=name, xlim=(-0.3, 1.05), ylim=(-0.3, 1.05), xlabel="x")
    for kind, points in (("shown", path.tip[:, 0]), ("after", paths[name][1])):
        frame[f"{name} {kind} x"], frame[f"{name} {kind} y"] = points[:, 0], points[:, 1]
axes[0].set_ylabel("y (arm length 1)")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
page.figure(fig, "drawn", frame)
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
# For a path of your own, give one point per step, beginning where the arm starts: `m = arm.follow(points[:, None], DT)` is the
# movement, and `lesson(net, m)` the lesson.
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
# {value}`minutes` minutes ({value}`machine`), by `python -m snncore.trainings arm`. The rate of learning falls over the first half of them,
# and then once more from half that height, whereby the error first rises and then falls below what it was.

# %%
trainings = [about_checkpoint(f"one_shot_{k}") for k in range(SEEDS)]
log = pd.DataFrame(
    [(about["seed"], row["update"], row["after"]) for about in trainings for row in about["log"]], columns=["seed", "update", "error"]
)
outer_updates, minutes = trainings[0]["recipe"]["updates"], [about["seconds"] / 60 for about in trainings]
page.value("batch", BATCH)
page.value("outer_updates", f"{outer_updates:,}")
page.value("outer_movements", f"{BATCH * outer_updates:,}")
page.value("minutes", f"{min(minutes):.0f} to {max(minutes):.0f}")
page.value("machine", trainings[0]["machine"])

# %% tags=["hide-input", "remove-output"]
fig, ax = plt.subplots(figsize=(6, 2.8))
for k, (_, rows) in enumerate(log.groupby("seed")):
    smooth = rows["error"].rolling(10, min_periods=1).mean()
    ax.plot(rows["update"], smooth, lw=1, color=(BLUE, RED, GREEN, ORANGE)[k % 4], label=f"seed {k}")
ax.set(xlabel="updates of the outer optimization", ylabel="mean squared error", yscale="log")
ax.legend()
page.figure(fig, "training", log)
plt.show()

# %% [markdown]
# ```{figure} ../results/one_shot/training.*
# :name: fig-training
# :alt: Squared error after one update against updates of the outer optimization, on a logarithmic scale, falling from nearly a fifth to below a hundredth, with some early spikes; in the middle it rises a little, and then falls further.
# Error after one inner update, in new movements, during the trainings (recorded; running mean of 1,000 updates).
# ```
#
# To see it begin, we train two fresh networks here and now.

# %%
fresh, live_updates = network(seed), page.size(smoke=50, book=SHORT.updates)
state = page.folder / "live.state"  # from which a longer training would go on
descend(fresh, outer(fresh), replace(SHORT, updates=live_updates), seed, state)
state.unlink()
live = errors(fresh, batches)
page.claim("oneshot.arm.live", float(live.after.mean()), **where, seeds=1)
page.value("live_after", float(live.after.mean()), "{:.3f}")
page.value("live_before", float(live.before.mean()), "{:.3f}")
page.value("live_updates", f"{live_updates:,}")

# %% [markdown]
# After {value}`live_updates` updates, the error of held-out
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
