# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   snncore:
#     summary: The relational network on 22 chips, core by core; how much of its measured energy and time events explain
#     inputs: [data/loihi_costs.toml, "data/checkpoints/relational_snn-lengths.*", "data/checkpoints/relational_snn.*", "data/checkpoints/memory.*", "data/peers/[gs]*", "data/story_*"]
#     data: [babi_test]
#     minutes: {smoke: 0.4, book: 0.9, paper: 4}
# ---

# %% [markdown]
# (energy)=
# # The relational network on 22 chips
#
# ## The claim
#
# > A few tricks (and many additional cores) were needed to overcome constraints on fan-out and number of synapses of a core. Additional
# > relay cores (green) turned out to be useful for reducing inter-chip communication.
# >
# > Loihi needs for relational reasoning 4-12 time less energy than a GPU
# >
# > Slides 18 and 20
#
# ## In one picture
#
# ::::{live} chips
# :label: 22 chips: sentences, relays, firing rates, prices, and what they do to cores, messages and energy
# ```{figure} ../results/energy/chips.*
# :name: fig-chips
# :alt: Two maps of 22 chips with 128 cores each, colored by module. With 2 sentences only some relays in green, the encoders, a few pairs and the answer are in use on {claim}`relnet.chips.touched.2`, and eight chips are empty. With 20 sentences about four fifths of the cores are in use, most of them for pairs of sentences; each of the first ten chips of pairs has a strip of green relays. So the network grows with the number of pairs, and relays then take only a small part of it.
# Each square is one of the 128 cores of a chip, as our placement fills them, for stories of 2 and of 20 sentences. Chip 0 encodes; chips 1 to 10 hold the
# first layer of a block of pairs, with relays (green); chips 11 to 20 hold further layers; the sum and the answer follow. Cores and chips are those of the talk.
# ```
# ::::
#
# ## What we did
#
# The {term}`relational network` answers a question on a short story, a task of {term}`bAbI`. It encodes each sentence, applies the same layers to each pair of sentences and the question, and adds
# what they give ({doc}`relational`). We laid the published network on chips by a general account of what a {term}`core` can hold, counted the events of a question, and priced
# them. We ran two trained networks of the published sizes on emulated chips. We had no chip: all energies and times of silicon are the authors'
# measurements.
#
# ## What we found
#
# - The energy ratios of the talk stay **unconfirmed**: they belong to one GPU, and to firing rates that were not published. GPU measured
#   here so far: {size}`gpu_card`.
# - We trained networks of the published sizes, and ran them on emulated chips. Events of the one for the task that was measured, and
#   {value}`resets` for resets, explain {interval}`relnet.measured.core_dynamic` mJ of the {published}`relnet.measured.core_dynamic` that the cores needed
#   ({verdict}`relnet.measured.core_dynamic`); events explain {interval}`relnet.measured.time` ms of {published}`relnet.measured.time` ({verdict}`relnet.measured.time`).
# - If the GPU needed the same for all lengths, the talk's ratios would imply energies of Loihi {value}`energy_beside` our model's range, and
#   times {value}`time_beside` it.
# - The {term}`placement` gives the talk's five numbers of cores exactly, from {claim}`relnet.cores.2` to {claim}`relnet.cores.20`, on
#   {claim}`relnet.chips`.
# - Relays reduce the messages between chips to {claim}`relnet.relay.messages` their number, if each neuron fires once.
# - The talk's *4-12 times* does not fit its own table, which has {published}`relnet.energy_ratio.2` for 2 sentences.
#
# ## What we could not do
#
# - Say how often the published neurons fire: neither rates nor trained weights are public. Those of the network that we
#   trained for the measured task spike in {value}`trained_rate` of the steps. Our recipe sets no upper limit of rates here, while the talk's
#   activity was extremely sparse; fewer spikes would explain still less.
# - Check any length but 2 sentences, the only one that was measured in public.
# - Derive the layout from the limits of a core alone: three choices are the authors'.
# - Tell from {size}`trained_questions` questions whether our network for the measured task is as good as we wanted ({verdict}`relnet.trained.right`).

# %% tags=["parameters"]
preset = "book"  # smoke: few questions; book: the numbers of this page; paper: more questions
seed = 0  # another seed draws other stories

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.colors import LogNorm

from snncore import plotting
from snncore.ledger import package_claims
from snncore.loihi import board_energy
from snncore.loihi.board import run_board
from snncore.loihi.board_energy import EVENTS, events, question_events
from snncore.loihi.energy import HOPS, all_active, energy, event_counts, measured
from snncore.loihi.placement import BoardNetwork, BoardPopulation, Projection, Unit, place
from snncore.loihi.relational import CHIPS, STEPS, TABLE, input_spikes, layout, program
from snncore.loihi.spec import COMPARTMENTS, CORES, LimitError
from snncore.networks.relational import SIZES
from snncore.peers.sanafe_energy import compare_with_sanafe
from snncore.record import Record
from snncore.seeds import numpy_generator
from snncore.statistics import share
from snncore.tasks.stories import SENTENCES, TASKS, VOCABULARY, arrays, read_stories
from snncore.tasks.story_generator import generate
from snncore.tools.meter import kept_gpu
from snncore.trainings.stories import trained

plotting.style()
SILICON, EMULATOR, GPU = (plotting.METHODS[m] for m in ("silicon", "emulator", "GPU"))
BLUE, GRAY = plotting.COLORS["blue"], plotting.COLORS["gray"]
names = ("sentences", "question", "relays", "masks", "pairs, layer 1", "pairs, further layers", "sum and answer")
hues = ("blue", "sky", "green", "black", "orange", "pink", "gray")
MODULES = {name: plotting.COLORS[hue] for name, hue in zip(names, hues, strict=True)}
page = Record("energy", preset)

# %% [markdown]
# ## How many neurons fit on a core?
#
# A core has 1,024 {term}`compartments <compartment>` and a memory for synapses {cite:p}`davies2018`. {term}`Axons <axon>` are scarce: a neuron
# needs one for each core on which it has synapses. A core has 4,096 axons for incoming spikes and 4,096 for outgoing ones, but only 2,048 outgoing ones if
# any of them leave the chip. A neuron has at most 511 {cite:p}`intel2020`.
#
# {func}`~snncore.loihi.placement.place` takes any populations and projections, finds how many neurons fit on a core, and lays them on chips. It is given the
# published network and three choices of its authors: how many synapses a core may have (40,000, and 60,000 for the
# recurrent encoders), that only 16 neurons of the layer that sums up lie on a core, and in which order the chips are filled.
#
# | module | neurons | copies for $n$ sentences |
# | --- | --- | --- |
# | encoder of a sentence, and of the question | 200 (how many have AHP currents is not published) | $n$, and 1 |
# | pairs of sentences, $i \le j$ | four layers of 256 | $n (n + 1) / 2$ |
# | sum, then answer | 256; 256, 512, 159, and 181 outputs | 1 |

# %%
plan = layout(SIZES["paper"], len(VOCABULARY))  # populations, projections, order of the chips
placement = place(plan.network, plan.units, CHIPS)
populations = plan.network.populations
sizes = len(populations), sum(p.neurons for p in populations), len(plan.network.projections)
print("{:,} populations, {:,} neurons, {:,} projections".format(*sizes))

# %% [markdown]
# ## Why are relays needed?
#
# Each sentence takes part in 20 pairs, in one of them twice: 21 connections. The question takes part in all 210. The first layer of a pair lies on several cores, and a neuron needs an axon to each. Axons straight to all these cores do not fit:
# {size}`without_relays`.
#
# So sentences are put in groups of five, and pairs in blocks of two groups. The first layers of a block share a chip with {term}`relays <relay>`,
# copies of its sentences and of the question. One spike goes from an encoder to each relay; all further axons start inside the chip. The
# relays are also the gate that opens at the end of a sentence. A further population of each block, the mask, shuts off the pairs of absent
# sentences.

# %%
direct = layout(SIZES["paper"], len(VOCABULARY), relays=False).network  # straight from encoders to pairs
try:
    direct.cores()
except LimitError as error:
    page.value("without_relays", str(error))

least = math.ceil(sum(p.neurons * p.compartments for p in populations) / COMPARTMENTS)
page.value("least_cores", least)
in_use, chips_in_use = placement.used(plan.needs)
page.value("times_least", in_use / least, "{:.0f}")
where = "published sizes: cores, and compartments over those of a core"
page.verdict("relnet.tricks", in_use > 2 * least, dataset=where)

sent = {name: placement.message_table(of.projections) for name, of in {"with relays": plan.network, "without": direct}.items()}
with_relays, without = (float(table.sum()) for table in sent.values())  # from all chips to all
where = "each neuron fires once, 20 sentences"
page.claim("relnet.relay.messages", with_relays / without, dataset=where)
page.value("messages_with", with_relays, "{:,.0f}")
page.value("messages_without", without, "{:,.0f}")
page.value("relay_factor", sent["without"][0].sum() / sent["with relays"][0].sum(), "{:.0f}")  # of chip 0, which holds the encoders
print(f"{with_relays:,.0f} messages between chips with relays, {without:,.0f} without")

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(1, 2, figsize=(7.5, 3.6), sharey=True)
scale = LogNorm(300, max(table.max() for table in sent.values()))
for ax, (name, table) in zip(axes, sent.items(), strict=True):
    shade = ax.imshow(np.where(table > 0, table, np.nan), norm=scale, cmap="viridis", interpolation="nearest")
    ax.set(title=f"{name}: {table.sum():,.0f}", xlabel="to chip", xticks=range(0, CHIPS, 5), yticks=range(0, CHIPS, 5))
    ax.grid(visible=False)
axes[0].set_ylabel("from chip")
fig.colorbar(shade, ax=axes, label="messages").ax.minorticks_off()
frame = pd.concat({name: pd.DataFrame(table) for name, table in sent.items()}, names=["layout", "from chip"])
page.figure(fig, "messages", frame.reset_index())
plt.show()

# %% [markdown]
# If each neuron fires once, {value}`messages_with` messages go between chips with relays and {value}`messages_without` without: a ratio of
# {claim}`relnet.relay.messages` (the talk: {published}`relnet.relay.messages`; {numref}`fig-messages`). Relays take cores, {value}`relay_cores` of all with 20 sentences. The compartments alone
# would fit on {value}`least_cores` cores; the layout takes {value}`times_least` times as many, mostly since a core holds so few synapses. The talk names {published}`relnet.tricks`; only the cores are computed here.
#
# ```{figure} ../results/energy/messages.*
# :name: fig-messages
# :alt: Two maps with a row for each of 22 chips that send and a column for each that receives. With relays the first row, of the chip of the encoders, is filled for the ten chips of pairs; these send to chips 11 to 20, which send to the last two. Without relays the first row is about {value}`relay_factor` times as strong. So relays thin out what the encoders send.
# Messages from chip to chip if each neuron fires once, with 20 sentences. Chip 0 holds the encoders. Left: with relays; right: without.
# ```
#
# ## Do the talk's numbers of cores follow?
#
# Yes, all five: {claim}`relnet.cores.2`, {claim}`relnet.cores.6`, {claim}`relnet.cores.10`, {claim}`relnet.cores.16` and {claim}`relnet.cores.20`
# ({numref}`fig-cores`), on {claim}`relnet.chips` (the talk: {published}`relnet.chips`). With $n$ sentences the network takes {claim}`relnet.cores.formula`
# cores. This agrees with the authors' layout; it does not follow from the limits of a core alone.

# %%
module_of = {p.name: p.module for p in populations}
rows = [
    (module_of[name], core // CORES, core % CORES, plan.needs[name])
    for name, its_cores in placement.cores.items()
    for core in its_cores
]  # fmt: skip
cores = pd.DataFrame(rows, columns=["module", "chip", "core", "needs"])  # needs: sentences
counts = {n: cores[cores["needs"] <= n].groupby("module", sort=False).size() for n in TABLE}
of_module = pd.DataFrame(counts).fillna(0).astype(int)
of_module.loc["all"] = of_module.sum()
most = of_module[TABLE[-1]]
page.value("relay_cores", 100 * most["relays"] / most["all"], "{:.0f} %")

# %%
used = {n: placement.used(plan.used(n)) for n in range(1, SENTENCES + 1)}  # cores, and chips
ids = {
    2: ("relnet.cores.2", "relnet.chips.touched.2"), 6: ("relnet.cores.6", "relnet.chips.touched.6"),
    10: ("relnet.cores.10", "relnet.chips.touched.10"), 16: ("relnet.cores.16", "relnet.chips.touched.16"),
    20: ("relnet.cores.20", "relnet.chips.touched.20"),
}  # fmt: skip
page.claim("relnet.chips", len(chips_in_use), dataset="published sizes, 20 sentences")
for n, (id_cores, id_chips) in ids.items():
    page.claim(id_cores, used[n][0], dataset="published sizes")
    page.claim(id_chips, len(used[n][1]), dataset="published sizes")

# %%
n, count = np.array(list(used)), np.array([count for count, _ in used.values()])
a, b, c = np.polyfit(n, count, 2)
of_pair, of_sentence, always = round(2 * a), round(b - a), round(c)
assert (of_pair * n * (n + 1) / 2 + of_sentence * n + always == count).all()
formula = f"{of_pair} n(n+1)/2 + {of_sentence} n + {always}"
page.claim("relnet.cores.formula", formula, dataset="1 to 20 sentences")

# %% tags=["hide-input", "remove-output"]
WIDE, HIGH, ROW = 16, 8, 11  # a chip is drawn as 16 by 8 cores, 11 chips in a row
left, up = 18 * (np.arange(CHIPS) % ROW), 13 * (np.arange(CHIPS) // ROW)
fig, axes = plt.subplots(2, 1, figsize=(7.5, 3.3))
for ax, n in zip(axes, (2, 20), strict=True):
    for module, color in MODULES.items():
        part = cores[(cores["module"] == module) & (cores["needs"] <= n)].sort_values(["chip", "core"])
        x = left[part["chip"]] + part["core"].to_numpy() % WIDE
        y = up[part["chip"]] + part["core"].to_numpy() // WIDE
        ends = np.flatnonzero((np.diff(x) != 1) | (np.diff(y) != 0)) + 1  # of cores that lie side by side
        for xs, ys in zip(np.split(x, ends), np.split(y, ends), strict=True):
            ax.broken_barh([(xs[0], len(xs))], (ys[0], 1), facecolor=color, lw=0, label=module)
    for x in range(1, WIDE):
        ax.vlines(left + x, up, up + HIGH, color="white", lw=0.4)
    for y in range(1, HIGH):
        ax.hlines(up + y, left, left + WIDE, color="white", lw=0.4)
    for chip in range(CHIPS):
        ax.add_patch(plt.Rectangle((left[chip], up[chip]), WIDE, HIGH, fill=False, ec=GRAY, lw=0.7, zorder=3))
        ax.text(left[chip] + WIDE / 2, up[chip] - 1, chip, ha="center", fontsize=9)
    ax.set(xlim=(-1, 18 * ROW), ylim=(22, -4.5), aspect="equal", title=f"{n} sentences: {used[n][0]:,} cores on {len(used[n][1])} chips")
    ax.axis("off")
named = dict(zip(*axes[1].get_legend_handles_labels()[::-1], strict=True))
fig.legend([named[m] for m in MODULES], MODULES, loc="outside lower center", ncols=4)
page.figure(fig, "chips", cores)
plt.show()

# %% tags=["hide-input", "remove-output"]
fig, ax = plt.subplots(figsize=(7.5, 2.8))
bottom = np.zeros(len(TABLE))
for module, color in MODULES.items():
    ax.bar(range(len(TABLE)), of_module.loc[module], bottom=bottom, color=color, width=0.6, label=module)
    bottom += of_module.loc[module].to_numpy()
talk = package_claims()
for x, n in enumerate(TABLE):
    ax.plot((x - 0.4, x + 0.4), 2 * [talk[f"relnet.cores.{n}"].published], color=SILICON, lw=1.5, label="the talk" * (x == 0))
    ax.text(x, of_module.loc["all", n] + 50, f"{of_module.loc['all', n]:,}", ha="center")
ax.set(xticks=range(len(TABLE)), xlabel="sentences of a story", ylabel="cores", ylim=(0, 2700))
ax.set_xticklabels(TABLE)
ax.grid(axis="x", visible=False)
ax.legend(loc="upper left")
page.figure(fig, "cores", of_module.rename_axis("cores of").reset_index())
plt.show()

# %% [markdown]
# ```{figure} ../results/energy/cores.*
# :name: fig-cores
# :alt: Five stacked bars for stories of 2 to 20 sentences, colored by module, each topped exactly by a black line for the talk's number. Pairs of sentences make up most of each bar from 6 sentences on. So the talk's table is reproduced, and it grows with the number of pairs.
# Cores in use, by module (colors of {numref}`fig-chips`). Lines across the bars: the talk's numbers.
# ```
#
# ## Do trained networks run on the chips?
#
# Yes. Neither the weights of the published network nor its firing rates are public. So we trained two networks of the published sizes, with the
# published 10 steps of a word and 14 steps in which the relays' gate is open, at the end of a sentence; in our networks the last word lasts these 14 steps. One network learned task 17, whose stories of 2 sentences were measured, the other one
# newly generated stories of task 1 with 2 to 20 sentences. {func}`~snncore.loihi.board.run_board` runs them step by step in the chip's integers: weights of
# 8 bits, relays that need a spike and the open gate, masks, one step from layer to layer. For small networks a test of the package demands
# the same spikes as without cores.
#
# On the chips the first network answers {claim}`relnet.trained.right` ({interval}`relnet.trained.right`) of {size}`trained_questions` test questions right, in
# floating point {value}`trained_float`. Whether that meets our aim, at least {value}`trained_aim`: {verdict}`relnet.trained.right`. The second network was asked {size}`emulated_questions` new
# questions. {value}`emulated_right` of its answers are right on the chips, {value}`emulated_float` in floating point, and {value}`emulated_same` are the same in
# both. So few questions cannot separate the answers on chips from those in floating point. Neither network was trained for 8 bits. In the first network neurons spike in {value}`trained_rate` of the steps; in the second one, with 20 sentences,
# in {value}`emulated_rate` ({numref}`fig-board`). Relays count while the gate is open, masks not at all.

# %%
# python -m snncore.trainings stories --task 17 --kind snn --size published --seed 0
# python -m snncore.trainings stories --task 1 --kind snn-lengths --size published --seed 0
networks = {17: trained("snn", 17, size="published"), 1: trained("snn-lengths", 1, size="published")}


@torch.inference_mode()
def ask(classifier, loaded, example):  # events, spikes, and answers on chips and in floating point
    x, (story, answer) = input_spikes(classifier.network, example), arrays([example])
    activity = run_board(plan.network, loaded, x)
    ours, floats = int(activity.v[plan.readouts].argmax()), int(classifier(story).argmax())
    answers = {"same": ours == floats, "right": ours == int(answer), "in floats": floats == int(answer)}
    return question_events(placement, loaded, x, activity), activity, answers


def spikes(activity, gate):  # of a neuron for a question, by module but masks; and of all, by steps [%]
    each = {name: z for name, z in activity.z.items() if module_of[name] != "masks"}
    fired = pd.Series({name: z.sum() for name, z in each.items()}).groupby(module_of).sum()
    neurons = pd.Series({name: z.shape[1] for name, z in each.items()}).groupby(module_of).sum()
    steps = {m: gate if m == "relays" else len(activity.z[plan.readouts]) for m in fired.index}
    return fired / neurons, 100 * fired.sum() / (neurons * pd.Series(steps)).sum()


# %%
each = page.size(smoke=1, book=8, paper=50)  # questions of each length
stories = {(17, 2): read_stories(17, "test")[:: page.size(smoke=500, book=10, paper=1)]}
for n in TABLE:
    g = numpy_generator(seed, f"stories of {n} sentences on chips")
    stories[1, n] = generate(1, each, g, n)
rows, fired = [], {}
for (task, n), examples in stories.items():
    loaded, of_questions = program(networks[task].network, plan, n), []
    for example in examples:
        happened, activity, answers = ask(networks[task], loaded, example)
        of_modules, rate = spikes(activity, networks[task].network.statement.timing.window)
        rows.append({"task": task, "sentences": n, "rate": rate} | answers | board_energy.needs(happened) | event_counts(happened))
        of_questions.append(of_modules)
    fired[task, n] = pd.concat(of_questions, axis=1).mean(axis=1)
asked = pd.DataFrame(rows)
asked.groupby(["task", "sentences"])[["rate", "right", "in floats", "same"]].mean().round(2)

# %%
measured_task, others = (asked[asked["task"] == task] for task in networks)
right, low, high = share(measured_task["right"].sum(), len(measured_task))
where = "official test file of task 17"
page.claim("relnet.trained.right", right, low=low, high=high, dataset=where, n=len(measured_task), seeds=1)
page.value("trained_questions", len(measured_task))
page.value("trained_aim", package_claims()["relnet.trained.right"].target, "{:g} %")
page.value("trained_float", 100 * measured_task["in floats"].mean(), "{:.0f} %")
page.value("emulated_questions", len(others))
for name, column in {"right": "right", "float": "in floats", "same": "same"}.items():
    page.value(f"emulated_{name}", 100 * others[column].mean(), "{:.0f} %")
page.value("trained_steps", len(happened.updates))
page.value("trained_rate", measured_task["rate"].mean(), "{:.1f} %")
page.value("emulated_rate", others.loc[others["sentences"] == TABLE[-1], "rate"].mean(), "{:.1f} %")

# %% tags=["hide-input", "remove-output"]
names = {(17, 2): "task 17, 2 sentences", (1, 2): "task 1, 2 sentences", (1, TABLE[-1]): "task 1, 20 sentences"}
frame = pd.DataFrame({name: fired[key] for key, name in names.items()}).reindex([m for m in MODULES if m != "masks"])
operations = happened.synaptic_operations.sum(0).reshape(-1, CORES)  # of the last question
fig, (rate, board) = plt.subplots(1, 2, figsize=(7.5, 3.1), width_ratios=[1, 1.25])
y = np.arange(len(frame))[::-1]
for (name, column), color, marker in zip(frame.items(), (BLUE, EMULATOR, EMULATOR), ("x", "o", "s"), strict=True):
    rate.plot(column, y, marker, color=color, mfc="white" if marker == "o" else color, ms=6, label=name)
rate.set(xscale="log", xlabel="spikes of a neuron per question", ylim=(-0.6, len(frame) + 1.6))
rate.minorticks_off()
rate.set_xticks((0.3, 1, 3), labels=("0.3", "1", "3"))
rate.set_yticks(y, labels=frame.index)
rate.legend(loc="upper left", fontsize=9)
rate.grid(axis="y", visible=False)
look = {"norm": "log", "cmap": "viridis", "aspect": "auto", "interpolation": "nearest"}
image = board.imshow(np.where(operations > 0, operations, np.nan), **look)
board.set(xlabel="core", ylabel="chip", yticks=range(0, len(operations), 2))
board.grid(visible=False)
fig.colorbar(image, ax=board, label="synaptic operations").ax.minorticks_off()
page.figure(fig, "activity", frame.rename_axis("module").reset_index())
plt.show()

# %% [markdown]
# ```{figure} ../results/energy/activity.*
# :name: fig-board
# :alt: Left, marks for each module on a logarithmic axis from a fifth to six spikes. In all modules but the last, neurons of the network for task 17 spike two to eight times as often as those of the other one, whose further layers of pairs spike a quarter as often with 20 sentences as with 2. Right, 22 chips with 128 cores each, colored by synaptic operations. With 20 sentences all chips are at work; the busiest cores are a few of the last chip. So activity is spread over the chips, and sparse.
# Left: spikes of a neuron for a question on the chips, mean over a module and over questions, without masks. Right: synaptic operations of each core for
# one question with 20 sentences.
# ```
#
# ## How much do events explain?
#
# A published question takes 143 steps: 110 for a sentence, in the last 14 of which the gate is open, and 33 until the answer {cite:p}`intel2020`. If
# $n_k$ events of kind $k$ have the price $c_k$, and $n_{ki}(t)$ of them happen on core $i$ in step $t$ and take $d_k$ each, a question needs
#
# $$
# \begin{aligned}
# \text{energy} &= \sum_k n_k\, c_k, \\
# \text{time} &= \sum_t \Bigl(\max_i \sum_k n_{ki}(t)\, d_k + d_0\Bigr),
# \end{aligned}
# $$
#
# since a step takes as long as its busiest core, and then all wait for each other (the {term}`barrier`, $d_0$). Events are updates of compartments, synaptic
# operations, messages that leave a core, and their ways from {term}`tile` to tile: the chip is {term}`event-driven`. There are two sets of prices ({doc}`../prices`): estimates from the design {cite:p}`davies2018`, and those of SANA-FE
# {cite:p}`boyle2023,boyle2025`, calibrated on measurements. The published code also resets all chips once a question, which takes {value}`resets`
# {cite:p}`frady2020`.
#
# We count the events of our trained networks. Their questions take {value}`trained_steps` steps: a sentence takes longer, since its last word stays while
# the gate is open, and the answer comes sooner.

# %%
page.value("resets", board_energy.resets() / 1000, "{:.2f} mJ")
mean = asked.groupby(["task", "sentences"], sort=False).mean()  # of a question
of_both = {key: board_energy.estimate(plan, placement, key[1], needed) for key, needed in mean.iterrows()}
estimates = {n: estimate for (task, n), estimate in of_both.items() if task == 1}
core, took = of_both[17, 2][2:]
for id, (low, high), where in (
    ("relnet.measured.core_dynamic", core, "both sets of prices, and resets"),
    ("relnet.measured.time", took, "busiest core and barrier"),
):
    where = f"events of a trained network, {where}"
    page.claim(id, (low + high) / 2, low=low, high=high, dataset=where, n=len(measured_task))


# %%
def as_range(low, high):  # one number if both look alike
    return " to ".join(dict.fromkeys((f"{low:.2f}", f"{high:.2f}")))


page.table(pd.DataFrame([
    {"network": f"task {task}", "sentences": n, "firing [% of steps]": f"{events_of['rate']:.1f}",
     "spikes": f"{events_of['update_active']:,.0f}", "synaptic operations": f"{events_of['synaptic_operation']:,.0f}",
     "messages": f"{events_of['spike_in_tile']:,.0f}", "energy [mJ]": as_range(*of_both[task, n].energy),
     "time [ms]": as_range(*of_both[task, n].time)}
    for (task, n), events_of in mean.iterrows()
]), "events")  # fmt: skip
longest_story, where = estimates[TABLE[-1]], "events of a trained network, 20 sentences"
for id, (low, high) in {"relnet.trained.energy.20": longest_story.energy, "relnet.trained.time.20": longest_story.time}.items():
    page.claim(id, (low + high) / 2, low=low, high=high, dataset=where, n=each, seeds=1)
page.value("longer_20", sum(longest_story.time) / sum(estimates[2].time), "{:.1f}")

# %%
every_step = events(placement, plan.used(2), 1.0)  # each neuron fires whenever it may
forms = energy(every_step, without=HOPS), energy(all_active(every_step), without=HOPS), energy(every_step, "sanafe", HOPS)
extreme = min(forms), max(forms)
page.value("every_step", as_range(extreme[0] / 1000, extreme[1] / 1000) + " mJ")
updates = float(estimates[2].cores * COMPARTMENTS * STEPS)  # all that there are, in all steps
whole = dict.fromkeys(EVENTS, 0.0) | {"update_inactive": updates}
all_updates = energy(whole, without=HOPS), energy(all_active(whole), without=HOPS)
page.value("all_updates", as_range(all_updates[0] / 1000, all_updates[1] / 1000) + " mJ")
of_two = measured("relational network, 2 sentences")
longest = of_two["steps"] * measured("barriers of many chips")["barrier_768_us"] / 1000
page.value("barriers", longest, "{:.2f} ms")
core_energy = of_two["core_dynamic_mw"] * of_two["time_ms"] / 1000

# %% tags=["hide-input", "remove-output"]
explained = pd.DataFrame([
    ("energy of the cores [mJ]", "events and resets", *core),
    ("energy of the cores [mJ]", "if cores updated all\ncompartments", *np.divide(all_updates, 1000)),
    ("energy of the cores [mJ]", "if all neurons fired\nwhenever they may", *np.divide(extreme, 1000)),
    ("time [ms]", "events", *took),
    ("time [ms]", "events and the\nlongest barrier", *np.add(took, longest)),
], columns=["of", "what", "low", "high"])  # fmt: skip
fig, axes = plt.subplots(1, 2, figsize=(7.5, 2.4))
for ax, (name, part), measurement in zip(axes, explained.groupby("of"), (core_energy, of_two["time_ms"]), strict=True):
    y = np.arange(len(part))[::-1]
    ax.barh(y, part["high"] - part["low"], left=part["low"], color=EMULATOR, height=0.5)
    ax.axvline(measurement, color=SILICON)
    ax.text(0.985 * measurement, y[0] + 0.42, "measured", ha="right", va="bottom")
    ax.set(xlabel=name, xlim=(0, 1.15 * measurement), ylim=(-0.6, y[0] + 0.9))
    ax.set_yticks(y, labels=part["what"])
    ax.grid(axis="y", visible=False)
page.figure(fig, "explained", explained)
plt.show()

# %% [markdown]
# ```{figure} ../results/energy/explained.*
# :name: fig-explained
# :alt: Two panels of bars beside a line for what was measured with 2 sentences. Energy of the cores: events and resets reach a seventh of the line at most; updating all compartments about half to three quarters; neurons that fire whenever they may two thirds to just beyond it. Time: events reach a ninth, with the longest barrier about a third. So most of energy and time is not explained by events.
# Stories of 2 sentences. Top bars: events of a trained network (left: and resets, from the least to the most of both sets of prices; right: with updates
# priced as inactive or as active). Further bars on the left: what-if cases over the published 143 steps, without resets. Lines: what the authors measured.
# ```
#
# Most of what was measured is not explained ({numref}`fig-explained`). The cores needed {published}`relnet.measured.core_dynamic`; the trained network's events and resets give
# {claim}`relnet.measured.core_dynamic` in the middle of their range. If each neuron fired in every step in which it may, events alone would give {value}`every_step`. If a core
# updated all compartments that it has, this alone would be {value}`all_updates`. The question took {published}`relnet.measured.time`; events give
# {claim}`relnet.measured.time`, and the longest barrier that was measured, of 768 chips, would add {value}`barriers`. What the rest
# consists of is not known. Candidates without a published price are the ways from chip to chip, and waiting for the processors, which use
# {published}`relnet.measured.x86_share` of all energy. {numref}`tab-board-events` has the events of both networks. In the network for all lengths, events
# and resets with 20 sentences need {claim}`relnet.trained.energy.20` ({interval}`relnet.trained.energy.20`), more than ten times as much as with 2. They take
# {claim}`relnet.trained.time.20`, {value}`longer_20` times as long as with 2, since the chips work at the same time.
#
# :::{csv-table} Events of a question on the emulated chips, mean over the questions asked, with nothing assumed about rates. Energy: events and resets. Energy and time: least and most of our prices. Measured with 2 sentences: {published}`relnet.measured.core_dynamic` by the cores, {published}`relnet.measured.time`.
# :name: tab-board-events
# :header-rows: 1
# :file: ../results/energy/events.csv
# :::

# %% [markdown]
# Are events counted right? SANA-FE {cite:p}`boyle2023,boyle2025` is an independent simulator. Given the spikes of two stories and of a digit, on one chip, it differs by
# {claim}`relnet.model.sanafe` at most: in our layout the pair of a sentence with itself gets each message twice, in SANA-FE once. This checks the count, not the prices.
# Against silicon the same account overestimates the energy of the cores for the digits ({doc}`loihi`) and underestimates it here. It underestimates the time of both.

# %%
sanafe, version = compare_with_sanafe()
worst = (100 * (sanafe["ours"] / sanafe["SANA-FE"] - 1).abs()).max()
where = f"recorded run of {version}, one chip, two stories and a digit"
page.claim("relnet.model.sanafe", float(worst), dataset=where)
print(f"{len(sanafe)} parts of the energy compared, the worst differs by {worst:.1f} %")

# %% [markdown]
# ## What do two measured runs say about other lengths?
#
# Only stories of 2 sentences were measured in public: {published}`relnet.measured.energy` in {published}`relnet.measured.time`, a product of
# {published}`relnet.measured.edp` {cite:p}`intel2020`. The other public run is that of the digits on one core ({doc}`loihi`). A question needs
#
# $$
# \text{energy} = \text{energy}_\text{cores} + (P_\text{rest} + P_\text{x86}) \cdot \text{time}.
# $$
#
# *Lower end*: the measured values for 2 sentences plus the additional events of our second network. *Upper end*: all terms grow with what is in use. The
# energy of the cores is proportional to their number, or grows by the additional events if these need more. Three terms lie on straight lines
# through the two runs. The cores' power at rest grows with the number of cores; the processors' power, at work and at rest, and the time of a step grow with the number of chips. The time of the additional
# events is added. The two runs are of different networks, so the ends are assumptions, not bounds. Neither end uses the talk's ratios. With 20 sentences the ends are {interval}`relnet.loihi.energy.20` mJ and
# {interval}`relnet.loihi.time.20` ms.

# %%
ends = {n: board_energy.terms(e, estimates[2]) for n, e in estimates.items()}  # least and most
totals = {n: [end.totals() for end in pair] for n, pair in ends.items()}
two = board_energy.midpoint(*ends[2])  # as measured
ratios = {name: [talk[f"relnet.{name}_ratio.{n}"].published for n in TABLE] for name in ("energy", "latency", "edp")}
gpu_energy, gpu_time = ratios["energy"][0] * two.energy, ratios["latency"][0] * two.time
page.value("gpu_2", gpu_energy, "{:.0f} mJ")
page.value("gpu_time", gpu_time, "{:.2f} ms")
for name, part in {"cores": two.core_dynamic, "static": two.static, "x86": two.x86}.items():
    page.value(f"part_{name}", part, "{:.2f} mJ")
page.value("events_energy", as_range(*np.subtract(core, board_energy.resets() / 1000)) + " mJ")
page.value("events_time", as_range(*took) + " ms")
page.value("gpu_power", gpu_energy / gpu_time, "{:.1f} W")
page.value("gpu_idle", measured("LSTM on a GPU")["idle_w"], "{:.1f} W")
implied = {  # of Loihi, if the GPU needed the same for all lengths
    "energy": dict(zip(TABLE, gpu_energy / np.array(ratios["energy"]), strict=True)),
    "latency": dict(zip(TABLE, gpu_time / np.array(ratios["latency"]), strict=True)),
}


def beside(key):  # where what is implied lies, beside the range of the model
    low, high = (np.array([totals[n][end][key] for n in TABLE[1:]]) for end in (0, 1))
    line = np.array([implied[key][n] for n in TABLE[1:]])
    inside = (low <= line) & (line <= high)
    side = "above" if (line > high).all() else "below" if (line < low).all() else "partly outside"
    return "inside" if inside.all() else side


for name, key in (("energy_beside", "energy"), ("time_beside", "latency")):
    page.value(name, beside(key))

# %% [markdown]
# :::{list-table} A question with 2 sentences: what the authors measured {cite:p}`intel2020`, and which part events explain.
# :name: tab-rest
# :header-rows: 1
#
# * - What
#   - Measured
#   - Explained by
# * - x86 processors at work
#   - {value}`part_x86`
#   - nothing that we count: programs on them read the answer {cite:p}`intel2020`
# * - neuron cores at work
#   - {value}`part_cores`
#   - events of the trained network, {value}`events_energy` {cite:p}`davies2018,boyle2025`; resets of all chips, {value}`resets` {cite:p}`frady2020`
# * - energy at rest (cores and processors)
#   - {value}`part_static`
#   - nothing that we count: it flows whatever happens, and grows with the time {cite:p}`intel2020`
# * - time
#   - {published}`relnet.measured.time`
#   - events of the busiest core and barriers of single chips, {value}`events_time` {cite:p}`davies2018`; the longest barrier of many chips that was measured would
#     add {value}`barriers` {cite:p}`frady2020`
# :::
#
# {numref}`tab-rest` shows what is left. {numref}`fig-chips` computes in the page what follows if all neurons fire at a rate that you choose; its events are without
# the ways from tile to tile:


# %% tags=["hide-input"]
def crossings(network):  # messages between chips if each neuron fires once, by the sentences of a story
    first = np.array([max(plan.needs.get(o.pre, 1), plan.needs[o.post]) for o in network.projections])
    each = np.array([placement.message_table([o]).sum() for o in network.projections])
    return [float(each[first <= n].sum()) for n in range(1, SENTENCES + 1)]


every = {rate: [events(placement, plan.used(n), rate) for n in range(1, SENTENCES + 1)] for rate in (0, 1)}
document = {key: cores[key].to_numpy(np.uint8) for key in ("chip", "core", "needs")}
document["module"] = cores["module"].map(list(MODULES).index).to_numpy(np.uint8)
document |= {"modules": list(MODULES), "messages": {"with": crossings(plan.network), "without": crossings(direct)}}
document["energy"] = {name: [[kind(e, without=HOPS) for e in every[rate]] for rate in every] for name, kind in board_energy.FORMS.items()}
document |= {"lengths": list(TABLE), "ratios": ratios["energy"], "rates": (0.01, 0.1), "gpu": gpu_energy, "measured": two.energy}
document["ends"] = {n: [end._asdict() for end in pair] for n, pair in ends.items()}
page.document("chips.live", document)

# %%
for id, n, key in (
    ("relnet.loihi.energy.6", 6, "energy"), ("relnet.loihi.time.6", 6, "latency"),
    ("relnet.loihi.energy.10", 10, "energy"), ("relnet.loihi.time.10", 10, "latency"),
    ("relnet.loihi.energy.16", 16, "energy"), ("relnet.loihi.time.16", 16, "latency"),
    ("relnet.loihi.energy.20", 20, "energy"), ("relnet.loihi.time.20", 20, "latency"),
):  # fmt: skip
    low, high = totals[n][0][key], totals[n][1][key]
    where = "two ends of a model, one step from a measured run"
    page.claim(id, (low + high) / 2, low=low, high=high, dataset=where)

# %%
gpu = kept_gpu(TABLE)  # None if none was measured
singles = [] if gpu is None else gpu[gpu["batch"] == 1].to_dict("records")
card = "{device}, {clocks}, {date}".format(**singles[0]) if singles else "none"
page.value("gpu_card", card)
gpu_ids = {
    2: ("relnet.gpu.energy.2", "relnet.gpu.time.2"), 6: ("relnet.gpu.energy.6", "relnet.gpu.time.6"),
    10: ("relnet.gpu.energy.10", "relnet.gpu.time.10"), 16: ("relnet.gpu.energy.16", "relnet.gpu.time.16"),
    20: ("relnet.gpu.energy.20", "relnet.gpu.time.20"),
}  # fmt: skip
for single in singles:
    where = f"{single['device']}, batch 1, {single['date']}"
    ids = zip(gpu_ids[single["sentences"]], ("without rest [mJ]", "time [ms]"), strict=True)
    for id, column in ids:
        page.claim(id, single[column], dataset=where)

# %% tags=["hide-input", "remove-output"]
shown = pd.DataFrame([
    {"sentences": n, "of": key, "low": totals[n][0][key], "high": totals[n][1][key], "implied": implied[key][n]}
    for key in implied for n in TABLE
])  # fmt: skip
fig, axes = plt.subplots(1, 2, figsize=(7.5, 3.2))
for ax, (key, label) in zip(axes, {"energy": "energy of a question [mJ]", "latency": "time of a question [ms]"}.items(), strict=True):
    part = shown[shown["of"] == key]
    ax.fill_between(part["sentences"], part["low"], part["high"], color=EMULATOR, alpha=0.3, lw=0)
    ax.plot(part["sentences"], part["implied"], "o-", color=GPU, ms=4)
    ax.plot(2, totals[2][0][key], "o", color=SILICON, ms=7)
    ax.set(xlabel="sentences", xticks=TABLE, ylabel=label, ylim=(0, 1.08 * part[["high", "implied"]].to_numpy().max()))
axes[0].text(12.5, 55, "our model, between\nits two ends", color=EMULATOR, ha="right")
for ax, y in zip(axes, (5, 8.5), strict=True):
    ax.text(2.1, y, "measured", va="top")
axes[1].text(9.5, 15.6, "implied by the\ntalk's ratios", color=GPU, ha="right", va="bottom")
page.figure(fig, "lengths", shown)
plt.show()

# %% [markdown]
# ```{figure} ../results/energy/lengths.*
# :name: fig-board-lengths
# :alt: Two panels against the sentences of a story. Energy: a band that opens from the measured point at 2 sentences to a range of a factor of ten at 20; the line that the talk's ratios imply runs inside it. Time: a narrow band that rises little, and a line that runs above it at all lengths but the first, highest at 16 sentences. So the energy ratios fit the model, the latency ratios do not, if the GPU takes the same for all lengths.
# What Loihi needs for a question. Point: the authors' measurement. Green: between the two ends of our model. Orange: what the talk's ratios imply, if the GPU
# needed the same for all lengths as for 2 sentences.
# ```
#
# For 2 sentences, the talk's ratios and the authors' run imply a GPU that needs {value}`gpu_2` in {value}`gpu_time`. A small network that
# answers one question at a time hardly loads a GPU, so suppose that longer stories cost it no more. Then the talk's ratios give Loihi's needs for all
# lengths ({numref}`fig-board-lengths`). The energies lie {value}`energy_beside` our range, the times {value}`time_beside` it: either time grows on Loihi by what
# neither events nor the two runs tell, or the GPU became faster, or a ratio is not what we take it for. We do not know which.
#
# The implied power of the GPU is {value}`gpu_power`. Only one GPU's idle power was published, {value}`gpu_idle` in the run with digits: the talk's GPU energy
# seems to exclude idle power, while Loihi's includes it.

# %%
moved = board_energy.sensitivity(ends, (2, 20), gpu_energy / gpu_time, gpu)
moved["factor"] = np.maximum(moved["high"], 1 / moved["low"])
farthest = moved.sort_values("factor", ascending=False).groupby("sentences").head(2)
for n, two_changes in farthest.groupby("sentences"):
    page.value(f"moves_most_{n}", ", then to ".join(f"{row.change} ({row.factor:.1f} times)" for row in two_changes.itertuples()))
farthest[["sentences", "change", "factor"]].round(2)

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(1, 2, figsize=(7.5, 2.8), sharex=True, sharey=True)
for ax, n in zip(axes, (2, 20), strict=True):
    rows = moved[moved["sentences"] == n].iloc[::-1]
    colors = [EMULATOR if change in board_energy.ASSUMED.values() else GRAY for change in rows["change"]]
    ax.barh(rows["change"], rows["high"] - rows["low"], left=rows["low"], color=colors, height=0.6)
    ax.axvline(1, color=SILICON, lw=0.8)
    ax.set(title=f"{n} sentences", xlabel="factor on GPU / Loihi", xlim=(0.9 * moved["low"].min(), 1.05 * moved["high"].max()))
    ax.grid(axis="y", visible=False)
axes[0].text(1.05, 4.5, "measured: no range", va="center")
page.figure(fig, "sensitivity", moved)
plt.show()

# %% [markdown]
# ```{figure} ../results/energy/sensitivity.*
# :name: fig-sensitivity
# :alt: Bars around one, for four terms of the model and three ways to count. With 2 sentences the terms do not matter, and counting the idle GPU moves the ratio most. With 20 sentences the energy of the cores and the power at rest move it to both sides, leaving out the power at rest a little farther than either, and counting the idle GPU as far as with 2. So how one counts matters as much as what one does not know.
# By which factors the energy ratio would change if one thing were taken otherwise. Green: a term of the model from its lower to its upper end, all others in the middle. Gray: what is
# counted; the idle GPU is that of the run with digits, beside the {value}`gpu_power` that a GPU draws by the talk's ratios for 2 sentences.
# ```
#
# What moves the ratio most ({numref}`fig-sensitivity`)? With 2 sentences, to {value}`moves_most_2`; with 20, to {value}`moves_most_20`. Card and batch size would move the ratio, too. If you have a GPU, run
# `python -m snncore.tools meter --keep data/peers/gpu.csv`: the next run of this chapter enters what it measures. Where Linux tells a processor's
# energy, the command prints that, too. How long the artificial network takes on the processor that runs the book: {doc}`speed`.
#
# ## Why is Loihi slower?
#
# The talk names a reason. Two measured runs neither confirm nor exclude it:

# %%
one_chip = measured("sequential MNIST")
step = one_chip["time_ms"] / one_chip["steps"]
page.value("step_one_chip", 1000 * step, "{:.1f} µs")
page.value("step_many_chips", 1000 * of_two["time_ms"] / of_two["steps"], "{:.1f} µs")
page.value("time_one_chip", of_two["steps"] * step, "{:.1f} ms")

# %% [markdown]
# The talk: apparently {published}`relnet.slower.reason`. With digits on one chip a step took {value}`step_one_chip`, here {value}`step_many_chips`. With steps as short as on one chip a question would take {value}`time_one_chip`,
# less than the implied {value}`gpu_time` of the GPU. All we can say: steps take longer, and their number alone does not explain the latency. Whether
# messages between chips, waiting for the processors, or the network itself make them longer, two runs of different networks cannot tell.
#
# ## Is the talk's table consistent?
#
# :::{table} GPU over Loihi, as the talk has it; below 1, Loihi needs more.
# :name: tab-ratios
#
# | sentences | 2 | 6 | 10 | 16 | 20 |
# |---|---|---|---|---|---|
# | energy | {published}`relnet.energy_ratio.2` | {published}`relnet.energy_ratio.6` | {published}`relnet.energy_ratio.10` | {published}`relnet.energy_ratio.16` | {published}`relnet.energy_ratio.20` |
# | latency | {published}`relnet.latency_ratio.2` | {published}`relnet.latency_ratio.6` | {published}`relnet.latency_ratio.10` | {published}`relnet.latency_ratio.16` | {published}`relnet.latency_ratio.20` |
# | {term}`EDP` | {published}`relnet.edp_ratio.2` | {published}`relnet.edp_ratio.6` | {published}`relnet.edp_ratio.10` | {published}`relnet.edp_ratio.16` | {published}`relnet.edp_ratio.20` |
# :::

# %%
# each ratio is rounded to two digits: can energy times latency be the energy-delay product?
least, most = ({name: np.array(row) + shift for name, row in ratios.items()} for shift in (-0.005, 0.005))
fits = (least["energy"] * least["latency"] <= most["edp"]) & (least["edp"] <= most["energy"] * most["latency"])
page.verdict("relnet.edp_product", bool(fits.all()), dataset="published ratios")
stories = [example.statements for task in TASKS for example in read_stories(task, "test")]
lengths = np.array([len(statements) for statements in stories])
where = {"dataset": "official test files (en-10k)", "n": len(lengths)}
page.claim("rel.stories.upto6", 100 * float(np.mean(lengths <= 6)), **where)

# %% [markdown]
# Its rows fit each other within their rounding: {claim}`relnet.edp_product`. The words around it do not always fit. They say {published}`relnet.energy_words` less energy, but
# the table has {published}`relnet.energy_ratio.2` for 2 sentences. They say that the EDP is {published}`relnet.edp_words` lower for up to 6 sentences, which fits: the table has that or more.
# Questions on such stories are {claim}`rel.stories.upto6` of all in the official test files.
#
# On the next chip, Loihi 2, a state-space model fed one number after the other needs {published}`relnet.loihi2.s4d` less energy than on a small GPU; with many
# sequences at once the GPU wins {cite:p}`meyer2024`. Of the relational network on Loihi 2 we know no numbers.
#
# ## Summary
#
# - Synapses decide how many cores the pairs take, and axons make relays necessary.
# - The talk's numbers of cores and chips follow from the published sizes and three choices of layout.
# - Events of a trained network and resets explain a small part of the measured energy of the cores, and events a small part of the time. What the rest
#   consists of is not known.
# - The ratios to a GPU depend on what is counted as much as on what is not known.
#
# ## Exercises
#
# 1. By cores alone, for how many sentences would the 22 chips suffice?

# %% tags=["solution"]
n = np.arange(1, 41)
needed = of_pair * n * (n + 1) // 2 + of_sentence * n + always
print(f"{n[needed <= CHIPS * CORES].max()} sentences: {needed[needed <= CHIPS * CORES].max():,} cores of {CHIPS * CORES:,}")

# %% [markdown]
# 2. How often would neurons have to fire so that events and resets explain the measured energy of the cores at 2 sentences?

# %% tags=["solution"]
for prices in ("davies2018", "sanafe"):
    none, every = (energy(events(placement, plan.used(2), rate), prices, HOPS) / 1000 for rate in (0, 1))
    rate = (core_energy - board_energy.resets() / 1000 - none) / (every - none)
    print(f"{prices}: in {rate:.0%} of the steps in which they may{', which is impossible' * (rate > 1)}")

# %% [markdown]
# 3. If only the neuron cores at work counted, what would the talk's energy ratio for 2 sentences be?

# %% tags=["solution"]
ratio = ratios["energy"][0]
print(f"{ratio * two.energy / two.core_dynamic:.0f} instead of {ratio}: {two.energy:.1f} mJ are {two.core_dynamic:.1f} of the cores,")
print(f"{two.x86:.1f} of the processors and {two.static:.1f} that flow at rest")

# %% [markdown]
# 4. Where does the energy of events go with 20 sentences, the ways from tile to tile left out?

# %% tags=["solution"]
counts = event_counts(happened)
kinds = {"updates": EVENTS[:2], "synaptic operations": EVENTS[2:3], "messages": EVENTS[3:]}
for kind, names in kinds.items():
    of_kind = {event: counts[event] * (event in names) for event in EVENTS}
    print(f"{kind}: {energy(of_kind, without=HOPS):.0f} µJ")

# %% [markdown]
# 5. The last question that was emulated had 20 sentences. How much memory does its emulation hold, and how many bytes are that per neuron?

# %% tags=["solution"]
shared = {w.ctypes.data: (2 - w.T.flags.c_contiguous) * w.nbytes for w in loaded.weights}  # and by the neuron from which a spike comes
spikes_of, alive = [*input_spikes(networks[1].network, example).values(), *activity.z.values()], sum(map(len, activity.v.values()))
held = sum(shared.values()) + sum(a.nbytes for a in (*spikes_of, *activity.v.values()))
print(f"{held / 1e6:.1f} MB for {alive:,} neurons: {held / alive:.0f} bytes each")
print("copies of a module share their weights, so most of it is spikes and potentials")

# %% [markdown]
# ## Use it on yours
#
# Name populations and projections; {func}`~snncore.loihi.placement.place` lays them on chips or says which limit is exceeded.

# %%
own = BoardNetwork(
    [BoardPopulation("hidden", 2000, "mine"), BoardPopulation("out", 10, "mine")],
    [Projection("pixels", "hidden"), Projection("hidden", "hidden"), Projection("hidden", "out")],
    inputs={"pixels": 784},
)
units = [Unit(["hidden"], split=True), Unit(["out"], new_chip=True)]
lies = place(own, units, chips=2)
print("cores:", {name: len(on) for name, on in lies.cores.items()})
print(f"messages between chips if each neuron fires once: {lies.message_table(own.projections).sum():,.0f}")

# %% [markdown]
# ## This chapter's rows of the ledger
#
# <!-- ledger -->
