# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   snncore:
#     summary: Spiking networks answer questions on stories by comparing all pairs of sentences, one network for each task
#     inputs: [data/checkpoints/relational_*, "data/story_*", data/talk_stories.toml]
#     data: [babi_test]
#     minutes: {smoke: 0.4, book: 1.3, paper: 1020}
# ---

# %% [markdown]
# (relational)=
# # Relational network
#
# ## The claim
#
# > RelNet can solve 17 of the 20 bAbI tasks. *(slide 19)*
# >
# > The activity became sparser for larger RelNets. … Membrane voltage regularization … allows us to use strong spike-rate
# > regularization without locking neurons into an ineffective strongly hyperpolarized state. *(slide 17)*
#
# ## In one picture
#
# ```{figure} ../results/relational/solved.*
# :name: fig-solved
# :alt: A dot plot of twenty tasks, sorted by the accuracy of the spiking networks. Seventeen blue dots lie right of the line at 95 percent, near 100. Three lie far left of it: two supporting facts, basic induction and three supporting facts. The hollow diamonds of one artificial network for all tasks are left of the line for about a quarter of the tasks, the hollow circles of one spiking network for all tasks for half of them; both are near 10 percent for path finding. So a network of its own for each task leaves three tasks unsolved, and one spiking network for all tasks leaves half.
# Right answers on the official test of each {term}`bAbI` task, mean of the task's networks, with 95 % intervals of the 1,000 questions. A task is solved if each of its networks is right of the dashed line.
# One spiking network for all tasks solves {claim}`rel.snn.joint`, one artificial network {claim}`rel.ann.joint`; spiking networks with one task each solve {claim}`rel.snn.solved`. All
# trainings are ours.
# ```
#
# ## What we did
#
# - **We trained one network for each task, and one for all tasks.** The talk's network is, as far as we know, one for all tasks, which is harder.
# - The training code was never published. We rebuilt the network from the talk and from Intel's program that places it on chips, once with
#   artificial and once with spiking neurons, and with {size}`small_encoder` neurons in an encoder instead of {size}`paper_encoder`, and fewer and smaller layers after it. The networks for all tasks, and the spiking ones of tasks 17 and 19, have {size}`wide_encoder`. A word is shown for {size}`word_steps` steps; then a gate passes the encoders' spikes on, for {size}`gate_steps` steps. In Intel's program these are 10 and 14 steps.
#
# ## What we found
#
# - **One spiking network for all tasks solves {claim}`rel.snn.joint` of 20**, that of the talk {published}`rel.snn.joint` ({verdict}`rel.snn.joint`). One artificial network,
#   with as many updates and as large encoders, solves {claim}`rel.ann.joint` (our aim of {size}`ann_joint_aim`: {verdict}`rel.ann.joint`). The last third of its training gained little.
# - **Voltage regularization keeps neurons from being locked.** With it {claim}`rel.voltage.with` of the neurons are locked (their potential never rises above rest while the gate
#   is open), without it {value}`locked_without`, in {size}`voltage_seeds` networks each ({verdict}`rel.voltage.locked`). Most of these encode the question, where a locked neuron may still learn. Whether it allows a stronger
#   limit of rates, we cannot tell: under the strictest limit the busiest layer spikes more with it. Under our middle limit
#   it costs {claim}`rel.voltage.accuracy` of right answers ({interval}`rel.voltage.accuracy`), under the strictest one it adds
#   {claim}`rel.voltage.accuracy.tight` ({interval}`rel.voltage.accuracy.tight`). But these networks spike about as much as those without it under the middle limit, which answer more questions right.
# - Other spiking networks, trained on stories of our generator (for task 19 on the official files), answer {claim}`rel.example.snn` of the {size}`talk_questions` questions on slide 13 right, in stories that we put into the form of the official files ({verdict}`rel.example.snn`).
#   We trained two of them again after the first ones had erred; of the networks of task 7, {value}`talk_seven` are right.
# - Spiking networks, one a task, solve {claim}`rel.snn.solved` of 20; artificial ones
#   {claim}`rel.ann.solved` ({interval}`rel.ann.solved`; our aim of 17: {verdict}`rel.ann.solved`).
# - In our networks with a limit of rates and voltage regularization, the busiest layer spikes in {claim}`rel.snn.rate` ({interval}`rel.snn.rate`) of the steps in which the gate is open. The talk says *{published}`rel.snn.rate`*; we read this as at most {size}`rate_aim` ({verdict}`rel.snn.rate`). In these networks the gate is
#   open for 10 steps in place of {size}`gate_steps`; a longer window may lower this share. In another network, without a limit, spikes per neuron fall on average as stories grow, and rise again a little in the longest.
#
# ## What we could not do
#
# - **Find what the spiking network for all tasks lacks.** It had {size}`joint_epochs_snn` epochs (almost three hours on one processor core), and the last ones gained little ({numref}`fig-joint`).
#   The spiking network misses tasks {value}`snn_joint_unsolved`, the artificial one {value}`ann_joint_unsolved`. Their recipe differs from that of single tasks: in short trainings of artificial networks, a lower learning rate and far less weight decay, by which weights shrink a little in each update, gave the most right answers to held-out questions. The talk does not name its three unsolved tasks, so we compare counts, not tasks.
# - The formula of the voltage regularization was not at hand. In the networks on which we test it, ours costs every potential without a pseudo-derivative. How strong it has
#   to be we cannot say.
# - Most tasks have one training of each kind. Spiking networks needed longer training in ten tasks, and also larger encoders in two more; artificial ones needed longer training in four.

# %% tags=["parameters"]
preset = "book"  # smoke: few stories; paper: also trains networks
seed = 0  # another seed draws other stories

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy.stats import linregress
from scipy.stats import t as student

from snncore import plotting
from snncore.datafiles import package_file
from snncore.ledger import package_claims
from snncore.networks import relational_activity as measures
from snncore.networks.checkpoints import accounts
from snncore.networks.relational import SIZES, RelationalNetwork, Timing
from snncore.provenance import release_memory
from snncore.record import Record
from snncore.seeds import numpy_generator, torch_generator
from snncore.statistics import mean_interval, share
from snncore.tasks import stories as babi
from snncore.tasks.stories import SENTENCES, TASKS, VOCABULARY, Example, arrays, words_of
from snncore.tasks.story_checks import TALK, exceptions, follows_from_end, in_the_talk
from snncore.tasks.story_generator import EVEN_LENGTHS, generate
from snncore.tasks.story_solver import solve
from snncore.trainings import stories as training

plotting.style()
page = Record("relational", preset)
questions = page.size(smoke=50, book=1000)  # of a task, for a network
RED, GRAY = plotting.COLORS["red"], plotting.COLORS["gray"]
SPIKING, ARTIFICIAL = plotting.METHODS["AHP"], plotting.METHODS["artificial"]

# %% [markdown]
# ## What is asked?
#
# Much of what we understand is relations ({published}`rel.scope`). bAbI {cite:p}`weston2016` tests this with short stories:
# *Sheep are afraid of wolves. … Gertrude is a sheep. What is Gertrude afraid of?* It has 20 tasks, each of which needs another kind of
# reasoning. Together they use {claim}`rel.vocabulary`, words and lists of words (published: {published}`rel.vocabulary`). A task counts
# as solved if at most {published}`rel.criterion` of the answers to new questions are wrong.
#
# We count a question as right if the answer matches exactly. The published notebook prints {published}`rel.notebook.accuracy` by another
# measure: it compares the *sets* of labels. By that measure, the right answers to our questions of task 15 in random order score
# {value}`mixed_overlap`, although only {value}`mixed_exact` of the questions are answered correctly.
#
# Our generator ({func}`~snncore.tasks.story_generator.generate`) draws new stories with the same grammar and words, and our solver
# ({func}`~snncore.tasks.story_solver.solve`) answers them by logic. Each tests the other: of {size}`solver_questions` questions on
# generated stories, the solver answers {claim}`rel.solver.generated` correctly, and of those in the official test files
# {claim}`rel.solver.files`. The others have two right answers (task 5) or an answer that contradicts their story (task 10).

# %%
several = {4: 1, 15: 4, 16: 1, 17: 8, 19: 1, 20: 12}  # questions on a story, at most; on others 5
count = {task: questions * several.get(task, 5) for task in TASKS}
drawn = {
    task: generate(task, count[task], numpy_generator(seed, f"stories of task {task}"))
    for task in TASKS
}  # fmt: skip
begun = [
    1 + sum(b.statements[: len(a.statements)] != a.statements for a, b in pairwise(told))
    for told in drawn.values()
]  # fmt: skip
right = [solve(e.statements, e.question) == e.answer for told in drawn.values() for e in told]
where = f"questions about at least {min(begun):,} stories of our generator for each task"
page.value("solver_questions", len(right), "{:,}")
page.claim("rel.vocabulary", len(VOCABULARY))
page.claim("rel.solver.generated", 100 * sum(right) / len(right), dataset=where, n=len(right))

# %%
answers = np.array([e.answer for e in drawn[15]])
mixed = numpy_generator(seed, "answers in another order").permutation(answers)
page.value("mixed_exact", 100 * float((mixed == answers).mean()), "{:.0f} %")
page.value("mixed_overlap", 100 * len({*mixed} & {*answers}) / len({*answers}), "{:.0f} %")

# %%
page.table(pd.read_csv(package_file("story_exceptions.csv")), "exceptions")
tests = {task: babi.read_stories(task, "test") for task in TASKS}
n = sum(map(len, tests.values()))
longer = sum(len(e.statements) > SENTENCES for examples in tests.values() for e in examples)
where = "official test files (en-10k)"
page.claim("rel.solver.files", 100 * (1 - len(exceptions(tests)) / n), dataset=where, n=n)
page.claim("rel.files.longer", longer, dataset=where, n=n)
seen = {(e.statements, e.question) for e in babi.read_stories(4, "train")}
asked = [(e.statements, e.question) in seen for e in tests[4]]
page.claim("rel.files.seen.4", 100 * float(np.mean(asked)), dataset="task 4", n=len(asked))

# %% [markdown]
# ::::{admonition} The questions of the official test files on which our solver and the files differ
# :class: dropdown
#
# Either somebody gives two things to the same person (task 5), or somebody is *either in the school or the school*, which the files
# answer by *maybe* (task 10).
#
# :::{csv-table} Official questions that our solver answers otherwise.
# :name: tab-exceptions
# :header-rows: 1
# :file: ../results/relational/exceptions.csv
# :::
# ::::
#
# ## How does the network read a story?
#
# A {term}`relational network` {cite:p}`santoro2017` applies one and the same module to every *pair* of sentences, a sentence with itself included, and adds up what it
# finds:
#
# $$
# \text{answer} = \arg\max f_\phi \Bigl( \sum_{i \le j} g_\theta(s_i, s_j, q) \Bigr).
# $$
#
# {numref}`fig-modules` shows its four modules. **A** encodes each sentence $s_i$ and **B** the question $q$, word by word. **C** is
# $g_\theta$: it sees two sentences and the question, once for every pair. **D** adds up over pairs, neuron by neuron, and is $f_\phi$.

# %% tags=["hide-input", "remove-output"]
fig, ax = plt.subplots(figsize=(7.5, 3.2))
told = ["sheep are afraid of wolves", "cats are afraid of dogs", "mice are afraid of cats", "gertrude is a sheep"]
box = {"boxstyle": "round,pad=0.35", "fc": "white", "lw": 1.5}
rows = [3.2, 2.4, 1.6, 0.8]


def module(x, y, text, color):
    ax.text(x, y, text, ha="center", va="center", fontsize=9, bbox=box | {"ec": color}, zorder=3)


def arrow(x, y, to_x, to_y, color=GRAY):
    style = {"arrowstyle": "->", "color": color, "lw": 1.3, "shrinkA": 0, "shrinkB": 3}
    ax.annotate("", (to_x, to_y), (x, y), arrowprops=style)


for y, sentence in zip(rows, told, strict=True):
    ax.text(2.45, y, sentence, ha="right", va="center", fontsize=9)
    arrow(2.5, y, 2.8, y)
    module(3.0, y, "A", SPIKING)
ax.text(2.45, -0.4, "what is gertrude afraid of", ha="right", va="center", fontsize=9, style="italic")
arrow(2.5, -0.4, 2.8, -0.4)
module(3.0, -0.4, "B", SPIKING)
cells = [(i, j) for j in range(4) for i in range(j + 1)]
for i, j in cells:
    needed = (i, j) == (0, 3)
    ax.add_patch(plt.Rectangle((4.6 + 0.55 * i, rows[j] - 0.3), 0.5, 0.6, fc="none", ec=RED if needed else GRAY, lw=2 if needed else 1))
    ax.text(4.85 + 0.55 * i, rows[j], f"{i + 1}, {j + 1}", ha="center", va="center", fontsize=9, color=RED if needed else GRAY)
for row in (0, 3):
    arrow(3.25, rows[row], 4.55, rows[3] + (0.15 if row == 0 else 0), RED)
arrow(3.25, -0.4, 4.55, 0.55)
ax.axvline(3.85, 0.02, 0.9, color=GRAY, ls="--", lw=1)
ax.text(3.85, 3.8, "gate", ha="center", va="center", fontsize=9, color=GRAY)
ax.text(3.0, 3.8, "encoders", ha="center", va="center", fontsize=9, color=SPIKING)
ax.text(5.7, 3.8, "C: a copy for each pair", ha="center", va="center", fontsize=9, color=GRAY)
arrow(6.85, 2.0, 7.35, 2.0)
module(7.65, 2.0, "sum", GRAY)
arrow(7.95, 2.0, 8.3, 2.0)
module(8.55, 2.0, "D", GRAY)
arrow(8.8, 2.0, 9.15, 2.0)
ax.text(9.2, 2.0, "wolves", ha="left", va="center", fontsize=10, color=RED)
ax.text(8.2, 0.2, "blue: recurrent, with memory\ngray: feed-forward", fontsize=9, ha="center", va="top")
ax.set(xlim=(-0.1, 10.1), ylim=(-0.8, 4.0))
ax.axis("off")
page.figure(fig, "scheme", pd.DataFrame(cells, columns=["first", "second"]) + 1)
plt.show()

# %% [markdown]
# ```{figure} ../results/relational/scheme.*
# :name: fig-modules
# :alt: Four sentences enter four boxes A, the question a box B. Behind a dashed line, the gate, ten boxes C form a triangle, one for each pair of sentences. The pair of sentences 1 and 4 is marked in vermillion: the sheep are afraid of wolves, and Gertrude is a sheep. All boxes C lead to a sum, then to D, then to the answer wolves. So the answer needs one pair, and the number of copies of C grows with the square of the number of sentences.
# The four modules on the talk's example (slide 14). Blue: recurrent spiking neurons with memory. Gray: feed-forward. Vermillion: the pair
# from which the answer follows.
# ```
#
# The encoders need a memory for words: {published}`rel.needs_lstm` {cite:p}`rao2022`. In the spiking network, half of their neurons are
# {term}`LIF` neurons and half have an {term}`AHP current` (equations in {doc}`memory`). Each word is shown for {size}`word_steps` steps.
# Only at the end of a sentence a gate opens, for {size}`gate_steps` steps, and passes the encoders' spikes on. The last word stays until
# the gate closes, since it often decides the answer. Modules C and D are LIF neurons through which a spike passes within one step. A
# {term}`readout` for each possible answer adds up their spikes, and is read once, at the last step. In the artificial network,
# {term}`LSTM` units encode and rectified linear units make C and D.
#
# Training minimizes the cross-entropy of the answer. For spiking neurons each layer of $n$ neurons adds a cost of its firing rates $r_i$
# (spikes per step, mean $\bar r$) and one of its potentials outside of a band:
#
# $$
# \begin{aligned}
# E &= \text{cross-entropy} + \textstyle\sum_\text{layers} ( C_r R + C_v V ), \\
# R &= \textstyle\sum_i \max(0, r_- - r_i)^2 + n \max(0, \bar r - r_+)^2, \\
# V &= \textstyle\sum_i \langle \max(0, v_i - v_+)^2 + \max(0, v_- - v_i)^2 \rangle.
# \end{aligned}
# $$
#
# Here $\langle\cdot\rangle$ is the mean over steps and stories, $v_\pm$ are the ends of the band, and $C_r$ and $C_v$ weigh the costs. The lower limit $r_-$ keeps a layer from falling silent; the upper limit $r_+$ makes it sparse (below, *How sparse can it be?*).


# %%
def network_of(size, timing):
    return RelationalNetwork(size, len(VOCABULARY), SENTENCES, torch_generator(0, "sizes"), timing)


as_published = network_of(SIZES["paper"], Timing(10, 14))
small = network_of(SIZES["small"], Timing())
modules, ours = (measures.module_sizes(net, SENTENCES) for net in (as_published, small))
sizes = pd.DataFrame({
    "module": modules["module"], "copies": modules["copies"],
    "neurons a copy, ours": ours["neurons"] // ours["copies"],
    "neurons a copy, published": modules["neurons"] // modules["copies"],
    "all neurons, published": modules["neurons"],
    "all synapses, published": modules["synapses"],
})  # fmt: skip
page.table(sizes.map(lambda entry: entry if isinstance(entry, str) else f"{entry:,}"), "modules")
page.value("gate_steps", Timing().window)
page.value("word_steps", Timing().word)
for name in ("small", "paper"):
    page.value(f"{name}_encoder", SIZES[name].encoder)

# %% [markdown]
# :::{csv-table} Sizes for a story of 20 sentences (copies and synapses as on a chip, where copies share no weights).
# :name: tab-modules
# :header-rows: 1
# :file: ../results/relational/modules.csv
# :::
#
# ## How large does it become on a chip?
#
# A chip has no shared weights, so each pair needs its own copy of C. The growth of the number of pairs is {claim}`rel.pairs`, that of the
# whole network {claim}`rel.size`, both by construction. With 20 sentences there are {size}`full_pairs` pairs, {size}`full_neurons` neurons and
# {size}`full_synapses` synapses. The talk calls {published}`rel.feedforward_share` of the network feed-forward, without saying of what.
# With 20 sentences, modules C and D hold {value}`feedforward_neurons` of the neurons and {claim}`rel.feedforward_share` of the synapses,
# the number that we compare; with two, {value}`feedforward_neurons_2` and {value}`feedforward_synapses_2`.


# %%
def degree(y):  # how often differences can be taken until they are all equal
    powers = "constant", "linear", "quadratic", "cubic"
    return powers[next(k for k in range(4) if not np.diff(y, k + 1).any())]


growth = measures.growth(as_published)
full, two = growth.iloc[-1], growth.iloc[1]
for name in ("pairs", "neurons", "synapses"):
    page.value(f"full_{name}", int(full[name]), "{:,}")
page.value("feedforward_neurons", float(full["feed-forward neurons"]), "{:.1f} %")
for name in ("neurons", "synapses"):
    page.value(f"feedforward_{name}_2", float(two[f"feed-forward {name}"]), "{:.1f} %")
where = f"published size, {SENTENCES} sentences: the smaller share, of neurons or of synapses"
smaller = float(min(full["feed-forward neurons"], full["feed-forward synapses"]))
page.claim("rel.feedforward_share", smaller, dataset=where)
page.claim("rel.pairs", degree(growth["pairs"]))
page.claim("rel.size", "roughly " + degree(growth["neurons"]))

# %% tags=["hide-input", "remove-output"]
fig, (left, right) = plt.subplots(1, 2, figsize=(7.5, 2.7))
encoders = growth["neurons"] * (1 - growth["feed-forward neurons"] / 100) / 1000
left.fill_between(growth["sentences"], growth["neurons"] / 1000, color=GRAY, alpha=0.35, lw=0)
left.fill_between(growth["sentences"], encoders, color=SPIKING, lw=0)
left.text(19.6, 45, "pairs (C), sum (D)", ha="right", color="black", fontsize=9)
left.annotate("encoders (A, B)", (13, 2), (6, 75), ha="center", fontsize=9, color=SPIKING, arrowprops={"arrowstyle": "-", "color": SPIKING})
left.set(xlabel="sentences", ylabel="thousand neurons", xlim=(1, 20), ylim=(0, None), xticks=[1, 5, 10, 15, 20])
for key, color, y in (("neurons", "black", 95.9), ("synapses", GRAY, 87)):
    right.plot(growth["sentences"], growth[f"feed-forward {key}"], color=color, lw=1.8)
    right.text(5, y, key, ha="right" if key == "neurons" else "left", color=color, fontsize=9)
right.axhline(95, color=plotting.METHODS["published"], lw=0.8, ls="--")
right.text(20, 93.4, "the talk: more than 95 %", ha="right", fontsize=9)
right.set(xlabel="sentences", ylabel="feed-forward [%]", ylim=(75, 100), xlim=(1, 20), xticks=[1, 5, 10, 15, 20])
page.figure(fig, "growth", growth)
plt.show()

# %% [markdown]
# ```{figure} ../results/relational/growth.*
# :name: fig-growth
# :alt: Left, the number of neurons against the number of sentences curves upward to more than two hundred thousand; the encoders are a thin strip at the bottom. Right, the feed-forward shares of neurons and of synapses rise from about eighty percent, pass the dashed line at 95 percent with eight and with nine sentences, and end at 98. So the talk's number holds for long stories only.
# The published network on a chip without shared weights, counted in our network of the published sizes. The talk's 95 % holds from about
# nine sentences on.
# ```
#
# ## What does a network do with a story?
#
# {numref}`fig-structure` shows all {term}`spikes <spike>` of a sparse network for a story of the talk that we made longer. Its answer is
# *{claim}`rel.structure`*, as in the talk. Few neurons spike. In module C the pair of *sheep are afraid of wolves*
# and *gertrude is a sheep*, from which the answer follows, has the most spikes, though not many more than the next ones.

# %%
(wolves,) = (story for story in TALK if story.task == 15)
# python -m snncore.trainings stories --task 15 --kind snn-upper
sparse = training.trained("snn-upper", 15)
answer = sparse.answer(arrays([wolves.example("what is gertrude afraid of")])[0])
# while the gate is open
spikes = {name: layer.z.sum(0).numpy() for name, layer in answer.copies().items()}
(word,) = words_of(answer.logits.argmax(1))
page.claim("rel.structure", in_the_talk(word), dataset="spiking network, one story")
pd.DataFrame({
    "copies": [len(z) for z in spikes.values()],
    "neurons": [z.shape[1] for z in spikes.values()],
    "spikes": [int(z.sum()) for z in spikes.values()],
}, spikes)  # fmt: skip

# %% tags=["hide-input", "remove-output"]
fig = plt.figure(figsize=(7.5, 5.0))
grid = fig.add_gridspec(2, 3, width_ratios=[1, 2.1, 1], height_ratios=[8, 1.2])
last = grid[:, 2].subgridspec(5, 1, height_ratios=[1, 1, 0.6, 2.4, 2])


def raster(place, title, activity):
    ax = fig.add_subplot(place)
    ax.imshow(activity, cmap="Greys", vmin=0, vmax=3, aspect="auto", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=10)
    ax.spines[["top", "right"]].set_visible(True)
    ax.grid(visible=False)
    return ax


ax = raster(grid[0, 0], "A: sentences", spikes["statement"])
ax.set_yticks(range(8), [f"{k} {said}" for k, said in enumerate(wolves.statements, 1)], fontsize=9)
ax = raster(grid[1, 0], "B: question", spikes["question"])
ax.set_yticks([0], ["what is gertrude\nafraid of"], fontsize=9)
pair_layers = [name for name in spikes if name.startswith("pair")]
ax = raster(grid[:, 1], "C: pairs, in three layers", np.concatenate([spikes[name] for name in pair_layers], 1))
for k in range(1, len(pair_layers)):
    ax.axvline(k * spikes["pair 1"].shape[1] - 0.5, color=SPIKING, lw=1)
first, second = answer.first - answer.first.min(), answer.second - answer.second.min()
starts = [int((first < k).sum()) for k in range(8)]
ax.set_yticks([(a + b - 1) / 2 for a, b in pairwise([*starts, len(first)])], [f"{k} +" for k in range(1, 9)], fontsize=9)
ax.tick_params(axis="y", length=0)
for start in starts[1:]:
    ax.axhline(start - 0.5, color=GRAY, lw=0.5)
row = int(((first == 0) & (second == 3)).nonzero()[0, 0])
ax.add_patch(plt.Rectangle((-0.5, row - 0.5), 3 * spikes["pair 1"].shape[1], 1, fc="none", ec=RED, lw=1.2))
ax.text(190, row + 2.2, "1 + 4", ha="right", color=RED, fontsize=9)
raster(last[0], "D: sum", spikes["sum"])
raster(last[1], "answer", spikes["answer 1"])
ax = fig.add_subplot(last[3])
best = answer.logits[0].argsort(descending=True)[:4].flip(0)
ax.barh([in_the_talk(w) for w in words_of(best)], answer.logits[0, best].numpy(), color=[GRAY, GRAY, GRAY, RED])
ax.set_title("readouts", fontsize=10)
frames = [pd.DataFrame(z.astype(int)).assign(layer=name, copy=range(len(z))) for name, z in spikes.items()]
page.figure(fig, "structure", pd.concat(frames))
plt.show()

# %% [markdown]
# ```{figure} ../results/relational/structure.*
# :name: fig-structure
# :alt: Panels of dark marks on white for modules A, B, C and D. Most of each panel is white, since few neurons spike. In module C, the row of the pair of sentences 1 and 4, framed in vermillion, has more marks than any other. The readout of wolves is the longest of four bars. So the network finds the relation and answers with few spikes.
# Spikes while the gate is open (dark: more), a column for each neuron. Rows: sentences in A, pairs in C (*1 +*: sentence 1 with itself and with each later
# one). Below right: the four largest readouts. A sparse network of this chapter, trained on the official files.
# ```
#
# ## Does it answer the talk's questions?
#
# The talk's examples, which are the data set's, do not all have the form of the official stories. We changed words and names, and added statements to some stories ({numref}`tab-told`). By logic, the
# answers are those of the slide ({numref}`tab-examples`). Artificial networks, trained on our generator's stories, answer all
# {value}`talk_right_ann_drawn` right. Spiking ones answer {claim}`rel.example.snn` right; that of task 19 learned the official files. **We saw these answers while we trained**: the first networks of tasks 5 and 7 erred. So the network of task 5 learned for longer, and task 7 got two more networks. Of its networks we ask the one that answers most held-out questions right ({recorded}`talk_seven_held`); {value}`talk_seven` of them are right about the talk's story. The artificial networks of {numref}`fig-solved`,
# trained on the official files only, answer {value}`talk_right_ann` right.
#
# Accuracy on such stories is no proof of understanding, because stories have shortcuts. Of our questions of task 5, {value}`shortcut_5`
# follow from the story's last gift alone; of task 13, {value}`shortcut_13` from its last two sentences. The talk asks for what was before.

# %%
told = [
    {"task": str(story.task), "story": " · ".join(f"{k} {said}" for k, said in enumerate(story.statements, 1)),
     "what we changed": story.changed.replace("*", "") or "nothing"}
    for story in TALK
]  # fmt: skip
page.table(pd.DataFrame(told), "told")
asked = {
    name: (story.task, story.example(question))
    for story in TALK for question, (name, _) in story.asked.items()
}  # fmt: skip
follows = {name: in_the_talk(example.answer) for name, (_, example) in asked.items()}
for id, ours in {
    "rel.example.5.1": follows["5.1"], "rel.example.5.2": follows["5.2"],
    "rel.example.7": follows["7"], "rel.example.13": follows["13"], "rel.example.15": follows["15"],
    "rel.example.19.1": follows["19.1"], "rel.example.19.2": follows["19.2"],
    "rel.example.20.1": follows["20.1"], "rel.example.20.2": follows["20.2"],
}.items():  # fmt: skip
    page.claim(id, ours, dataset="by the symbolic solver")


# %%
def ask(nets):  # one for each task: networks and their answers, by the name of the question
    given = {name: nets[task].answer(arrays([example])[0]) for name, (task, example) in asked.items()}
    return {name: (nets[task].network, given[name]) for name, (task, _) in asked.items()}


def words(answers):
    best = {name: answer.logits.argmax(1) for name, (_, answer) in answers.items()}
    return {name: in_the_talk(*words_of(number)) for name, number in best.items()}


tasks = [story.task for story in TALK]
nets = {kind: {task: training.trained(kind, task) for task in tasks} for kind in ("ann", "ann-drawn")}
learned_from = {task: "snn-drawn" if task in training.TRAINED["snn-drawn"] else "snn" for task in tasks}
# held-out questions that each network answered right, by seed (task 7 has several)
held_out = {
    task: [about["log"][-1]["held_out"] for about in accounts(f"relational_{kind}_{task}_", size="book").values()]
    for task, kind in learned_from.items()
}  # fmt: skip
spiking = ask({task: training.trained(kind, task, int(np.argmax(held_out[task]))) for task, kind in learned_from.items()})
said = {"ann_drawn": words(ask(nets["ann-drawn"])), "ann": words(ask(nets["ann"])), "spiking": words(spiking)}

# %%
by_the_talk = {name: answer for story in TALK for name, answer in story.asked.values()}


def marked(kind, name):
    return said[kind][name] + ("" if said[kind][name] == by_the_talk[name] else " ✗ (wrong)")


rows = [
    {"task": str(task), "question": example.question, "talk and logic": by_the_talk[name],
     "artificial": marked("ann_drawn", name), "spiking": marked("spiking", name)}
    for name, (task, example) in asked.items()
]  # fmt: skip
page.table(pd.DataFrame(rows), "talk")
page.value("talk_questions", len(rows))
right_by_spikes = sum(said["spiking"][name] == by_the_talk[name] for name in asked)
where = "spiking networks, one for each task"
page.claim("rel.example.snn", right_by_spikes, dataset=where, n=len(asked))
story, answer = arrays([asked["7"][1]])
right_of_seven = [bool(training.trained("snn-drawn", 7, s)(story).argmax(1) == answer) for s in range(training.SEEDS)]
page.value("talk_seven", f"{sum(right_of_seven)} of {len(right_of_seven)}")
page.value("talk_seven_held", ", ".join(f"{100 * held:.1f} %" for held in held_out[7]))
for kind in ("ann_drawn", "ann"):
    page.value(f"talk_right_{kind}", sum(said[kind][name] == follows[name] for name in asked))
for task in (5, 13):
    enough = [follows_from_end(task, e) for e in drawn[task]]
    page.value(f"shortcut_{task}", 100 * float(np.mean(enough)), "{:.0f} %")

# %% [markdown]
# :::{csv-table} The talk's questions, and the answers of our networks, one for each task.
# :name: tab-examples
# :header-rows: 1
# :file: ../results/relational/talk.csv
# :::
#
# :::::{admonition} The talk's stories as our networks read them
# :class: dropdown
#
# The spiking network of task 19 was trained on the official files, the others on stories of our generator.
#
# ::::{csv-table} Stories, and what we changed so that they have the form of the official ones.
# :name: tab-told
# :header-rows: 1
# :widths: 8 62 30
# :file: ../results/relational/told.csv
# ::::
# :::::
#
# ## On which pair of sentences does an answer rest?
#
# We leave one pair at a time out of the sum, and see whether the answer changes
# ({func}`~snncore.networks.relational_activity.pairs_that_matter`).
#
# **Of the questions answered right, {value}`one_pair` have an answer that follows from one pair, or from one sentence paired with itself. In {value}`first_ranked` of them this pair is the most active one** ({numref}`fig-pairs`). For Gertrude it is
# *sheep are afraid of wolves* with *gertrude is a sheep* (most active of {size}`pairs_15` pairs). For the way from the garden to the
# kitchen it is the two sentences that name the hallway (most active of {size}`pairs_19`); without this pair the answer changes. For Antoine
# (task 20) it is the sentence on who is hungry, paired with itself. So activity often marks the relation. Where it is the most active one, only the two ways of task 19 need it:
# without it the answer changes, while for Gertrude and Antoine no single pair is needed. In task 13, for the first question of task 5 and for the second of task 20 the expected pair is
# needed, but is not the most active one; for the second question of task 5 it is neither. For task 7, which asks how many, six pairs are needed.

# %%
pairs_of = {name: measures.pair_table(*asked_net) for name, asked_net in spiking.items()}
for name in ("15", "19.1"):
    page.value(f"pairs_{name.split('.')[0]}", len(pairs_of[name]))
# pairs from which the answer follows
expected = {"15": (1, 4), "19.1": (1, 3), "19.2": (2, 4), "20.1": (4, 4), "20.2": (1, 1), "13": (1, 2), "5.1": (2, 2), "5.2": (3, 3)}
ranks = {
    name: 1 + int((t["activity"] > t.set_index(["first", "second"])["activity"][pair]).sum())
    for name, pair in expected.items() for t in [pairs_of[name]]
}  # fmt: skip
page.value("first_ranked", sum(rank == 1 for rank in ranks.values()))
page.value("one_pair", len(ranks))
ranks

# %% tags=["hide-input", "remove-output"]
fig = plt.figure(figsize=(7.5, 4.4))
above, below = fig.subfigures(2, 1, height_ratios=[1.1, 1])
places = dict(zip(("15", "19.1"), above.subplots(1, 2), strict=True))
places |= dict(zip(("20.1", "13", "5.2", "7"), below.subplots(1, 4), strict=True))
for name, ax in places.items():
    pairs, statements = pairs_of[name], asked[name][1].statements
    count = len(statements)
    square = np.full((count, count), np.nan)
    square[pairs["second"] - 1, pairs["first"] - 1] = pairs["activity"] / pairs["activity"].max()
    image = ax.imshow(square, cmap="Blues", vmin=0, vmax=1)
    ax.grid(visible=False)
    needed = pairs[pairs["changes"]]
    ax.plot(needed["first"] - 1, needed["second"] - 1, "o", ms=5, mfc="none", mec=RED, mew=1.5)
    word, large = said["spiking"][name], name in ("15", "19.1")
    if name in expected:
        i, j = (k - 1 for k in expected[name])
        ax.add_patch(plt.Rectangle((i - 0.5, j - 0.5), 1, 1, fc="none", ec="black", lw=1.8))
    ok = word == by_the_talk[name]
    ax.set_title(f"task {asked[name][0]}: {word}{'' if ok else ' ✗'}", fontsize=10, color="black" if ok else RED)
    labels = [f"{s} {k}" if large else str(k) for k, s in enumerate(statements, 1)]
    ax.set_yticks(range(count), labels, fontsize=9)
    ax.set_xticks(range(count), range(1, count + 1), fontsize=9)
    ax.set_xlabel("sentence $i$", fontsize=9)
places["20.1"].set_ylabel("sentence $j$", fontsize=9)
bar = below.colorbar(image, ax=list(places.values())[2:], shrink=0.8, ticks=[0, 0.5, 1])
bar.set_label("activity / largest", fontsize=9)
page.figure(fig, "pairs", pd.concat([pairs.assign(question=name) for name, pairs in pairs_of.items()]))
plt.show()

# %% [markdown]
# ```{figure} ../results/relational/pairs.*
# :name: fig-pairs
# :alt: Six triangles of squares, one square for each pair of sentences, shaded by activity. For tasks 15, 19 and 20, the darkest square is framed in black: it is the pair from which the answer follows. For task 19 it also has a vermillion ring, since without it the answer changes. For task 13 the framed square has a ring but is not the darkest; for task 5 it is neither the darkest nor ringed. For task 7 six of the ten squares have a ring. So activity often marks the right relation.
# Activity of the last layer of C for each pair of sentences (dark: most active pair of the story). Black frame: the pair from which the
# answer follows (task 7 has no single one). Vermillion ring: without this pair the answer is another. Spiking networks on the talk's stories.
# ```
#
# A pair without a ring may matter all the same: if two pairs carry the same information, neither is needed alone.
#
# ## How many tasks are solved?
#
# {numref}`fig-solved` shows the answers. The official files have 10,000 questions for training, of which we hold out the last thousand, and
# 1,000 for the test, which each network sees once. Where a task has several networks ({size}`seeds`, or two), all have to solve it.
# With other questions some accuracies would cross the bound. So a count has an interval, too: the first number counts the tasks whose whole
# interval lies above it, the second those whose interval reaches it: {claim}`rel.ann.solved` ({interval}`rel.ann.solved`) and
# {claim}`rel.snn.solved` ({interval}`rel.snn.solved`). It holds the chance of the questions, not that of another training.
#
# - **Unsolved**: tasks 3 (three supporting facts) and 16 (what color is someone, to judge by others of its kind), by both kinds of
#   neurons; spiking networks also miss task 2 (two supporting facts).
# - **Barely solved**, within the chance of 1,000 questions: tasks 2 and 14 by artificial neurons (two trainings each: {recorded}`ann_2` in task 2, {recorded}`ann_14` in task 14).
# - **At a price**: spiking networks usually had {size}`usual_epochs` epochs, in ten tasks {size}`long_epochs`; so had artificial ones in four (2, 4, 17 and 19). For task 17 they had {size}`wide_epochs_snn_17`, for task 19 {size}`wide_epochs_snn_19`, both with {size}`wide_encoder` instead of {size}`small_encoder`
#   neurons in each encoder. All this was chosen by held-out questions.
# - **Easy to score**: {claim}`rel.files.seen.4` of the test questions of task 4 also occur, with the same story, in its training file.
#
# **What does the spiking network for all tasks lack?** It learns more slowly than the artificial one. After {size}`joint_epochs_snn` epochs it answers {recorded}`joint_held` of the held-out questions right; the artificial one had passed this after {recorded}`joint_passed`
# ({numref}`fig-joint`). The second and the third cycle of the learning rate added {recorded}`joint_gain_snn` percentage points to it, and {recorded}`joint_gain_ann` to the artificial one. It has seen the stories of each task more often than the networks of one task that had {size}`usual_epochs` epochs, so it lacks more than repetitions. In short trainings from fresh weights, wider layers or a gate that is open for twice as many steps did not help; higher learning rates did, but threw weights back that were already trained. What it lacks, we do not know.
#
# ```{figure} ../results/relational/joint.*
# :name: fig-joint
# :alt: Right answers to held-out questions against epochs, for two networks that learn all tasks. The artificial one rises steeply to above 80 percent in four epochs, and slowly from there. The spiking one rises more slowly all along, and stays below. Both fall back a little at the dashed lines, where the learning rate starts again. So most of what the spiking network learns it learns in the first two rises.
# Right answers to held-out questions after each epoch, for one network for all tasks of each kind: 1,000 questions a task, at which the trainings did not look. Their learning rate rises and falls three times. From the logs of the trainings.
# ```
#
# The published artificial network, one for all tasks, solves {published}`rel.ancestor.solved` and misses tasks 2 and 3
# {cite:p}`santoro2017`. An independent reproduction solves {published}`rel.ancestor.again` and misses the same three tasks as our spiking
# networks. On Loihi, the talk left task 19 out: {published}`relnet.task19`. Two things are easier or harder here: the training file of
# task 3 was missing in our copy, so it comes from our generator; and networks see the last 20 sentences of a story, which cuts
# {claim}`rel.files.longer` of the test files, most of them in task 3.


# %%
def solved(right):  # accuracies [%] of a task's networks
    return min(right) >= 95


# python -m snncore.trainings stories --task …
recorded = pd.DataFrame(accounts("relational_", family="stories").values())
recorded["right"] = 100 * recorded["test_accuracy"]
of_task = recorded[recorded["kind"].isin(["ann", "snn"]) & (recorded["task"] != "joint")]
alone = of_task.groupby(["kind", "task"])["right"].agg(list)
of_kind = {kind: dict(alone[kind]) for kind in ("snn", "ann")}


# %%
def right_on_file(net, task):  # [%]
    release_memory()
    stories, expected = arrays(tests[task][:questions])
    answers = torch.cat([net(part).argmax(1) for part in stories.split(100)])
    return 100 * float((answers == expected).double().mean())


for kind in ("snn", "ann"):  # networks for all tasks, asked here
    net = training.trained(kind, training.JOINT)
    of_kind[f"{kind} joint"] = {task: [right_on_file(net, task)] for task in TASKS}


# %%
def with_interval(right, n):  # mean of a task's networks [%], each asked n questions, and its 95 % interval
    mean, low, high = share(round(np.mean(right) / 100 * n), n)
    return {"right": mean, "low": low, "high": high}


scores = pd.DataFrame([
    {"kind": kind, "task": task, "seeds": len(right)}
    | with_interval(right, questions if "joint" in kind else len(tests[task]))
    for kind, by_task in of_kind.items() for task, right in by_task.items()
])  # fmt: skip
for id, kind in {"rel.snn.joint": "snn", "rel.ann.joint": "ann"}.items():
    right = of_kind[f"{kind} joint"]
    low, high = (int((scores.loc[scores["kind"] == f"{kind} joint", end] >= 95).sum()) for end in ("low", "high"))
    where = "official test files (en-10k), one network for 20 tasks"
    page.claim(id, sum(map(solved, right.values())), low=low, high=high, dataset=where, n=20 * questions)
    page.value(f"{kind}_joint_unsolved", ", ".join(str(task) for task in TASKS if not solved(right[task])))
logs = recorded[recorded["task"] == training.JOINT].set_index("kind")["log"]
held = {kind: [100 * row["held_out"] for row in logs[kind]] for kind in ("snn", "ann")}  # after each epoch
cycle = (for_all := training.recipe_of("snn", training.JOINT)).epochs // for_all.cycles
page.value("joint_passed", next(epoch for epoch, right in enumerate(held["ann"], 1) if right > held["snn"][-1]))
page.value("joint_held", held["snn"][-1], "{:.0f} %")
for kind in ("snn", "ann"):
    page.value(f"joint_epochs_{kind}", len(held[kind]))
    page.value(f"joint_gain_{kind}", " and ".join(f"{gain:.1f}" for gain in np.diff(held[kind][cycle - 1 :: cycle])))
page.value("ann_joint_aim", package_claims()["rel.ann.joint"].target, "{:g}")
for task in (2, 14):
    page.value(f"ann_{task}", " and ".join(f"{right:.1f} %" for right in alone["ann"][task]))
page.value("seeds", training.SEEDS)
page.value("wide_encoder", training.LARGE_ENCODER.encoder)
page.value("rate_aim", package_claims()["rel.snn.rate"].target, "{:g} %")
page.value("usual_epochs", training.SNN.epochs)
page.value("long_epochs", training.LONG["epochs"])
for task in (17, 19):
    page.value(f"wide_epochs_snn_{task}", training.recipe_of("snn", task).epochs)

# %% tags=["hide-input", "remove-output"]
fig, (low, high) = plt.subplots(1, 2, figsize=(7.5, 5.6), sharey=True, width_ratios=[1, 1.6])
order = scores[scores["kind"] == "snn"].sort_values(["right", "task"], ascending=[True, False])["task"].tolist()
looks = {
    "snn": ("spiking, one a task", SPIKING, "o", SPIKING, 0),
    "ann": ("artificial, one a task", ARTIFICIAL, "s", ARTIFICIAL, 0.22),
    "ann joint": ("artificial, one for all", ARTIFICIAL, "D", "white", -0.22),
    "snn joint": ("spiking, one for all", SPIKING, "o", "white", -0.4),
}
for kind, (name, color, marker, face, shift) in looks.items():
    of_this = scores[scores["kind"] == kind].set_index("task").loc[order]
    y = np.arange(20) + shift
    for ax in (low, high):
        ax.hlines(y, of_this["low"], of_this["high"], color=color, lw=1)
        ax.plot(of_this["right"], y, marker, color=color, mfc=face, ms=6 if kind == "snn" else 4.5, label=name)
low.set_yticks(range(20), [f"{TASKS[task]}  {task}" for task in order], fontsize=9)
low.set(xlim=(0, 90), ylim=(-0.6, 19.6), xticks=[0, 30, 60], xlabel="right answers [%]")
high.set(xlim=(90, 100.4), xticks=[90, 95, 100], xlabel="right answers [%], enlarged")
high.axvline(95, color="black", ls="--", lw=1)
high.spines["left"].set_visible(False)
high.tick_params(axis="y", length=0)
fig.legend(*high.get_legend_handles_labels(), loc="outside upper right", ncols=3, fontsize=9)
page.figure(fig, "solved", scores)
plt.show()

fig, ax = plt.subplots(figsize=(7.5, 2.6))
for kind, name, color in (("ann", "artificial", ARTIFICIAL), ("snn", "spiking", SPIKING)):
    ax.plot(range(1, len(held[kind]) + 1), held[kind], color=color)
    ax.text(len(held[kind]) + 0.2, held[kind][-1], name, color=color, va="center", fontsize=9)
for start in range(cycle, for_all.epochs, cycle):
    ax.axvline(start, color=GRAY, lw=1, ls="--")
ax.text(cycle + 0.2, 55, "learning rate starts again", color=GRAY, fontsize=9)
ax.set(xlabel="epochs", ylabel="right answers [%]", xlim=(0, 1.15 * for_all.epochs))
page.figure(fig, "joint", pd.DataFrame([{"kind": k, "epoch": e, "right": r} for k in held for e, r in enumerate(held[k], 1)]))
plt.show()

# %%
if preset == "paper":  # trains what data/training does not hold, for about seventeen hours
    right = {}
    for kind, tasks in training.TRAINED.items():
        for task in tasks:
            runs = range(seed, seed + training.SEVERAL.get((kind, task), 1))
            abouts = [training.command(task, kind, seed=s) for s in runs]
            right[kind, task] = [100 * about["test_accuracy"] for about in abouts]
    for id, kind in {"rel.ann.solved": "ann", "rel.snn.solved": "snn"}.items():
        each = [right[kind, task] for task in TASKS]
        n = sum(map(len, each))
        where = f"official test files (en-10k), {n} networks for {len(each)} tasks"
        where += ": all of a task have to solve it"
        worst = [share(round(10 * min(right)), 1000) for right in each]
        low, high = (sum(ends[k] >= 95 for ends in worst) for k in (1, 2))
        page.claim(id, sum(map(solved, each)), low=low, high=high, dataset=where, n=1000 * n)

# %% [markdown]
# ## How sparse can it be?
#
# The talk says that activity had to be made {published}`rel.snn.rate`. Our sparse networks begin with many spikes. After
# {size}`begin` of the training an upper limit of the mean rate of each layer appears ({term}`firing rate regularization`); it falls until
# it is {size}`high` of the steps at {size}`end` of the training. In the end, neurons of the busiest layer spike in {claim}`rel.snn.rate`
# of the steps in which the gate is open ({interval}`rel.snn.rate`; {size}`voltage_seeds` networks, with a cost of potentials, too): {value}`spikes_busiest`
# spikes per neuron and question. The limit is a cost, so networks come close to it, and may exceed it. Spikes of encoders before the gate opens are neither counted
# nor costed. On the official test these networks lose {claim}`rel.snn.rate.accuracy_loss` ({interval}`rel.snn.rate.accuracy_loss`) against one
# network without an upper limit.
#
# ## Does voltage regularization keep neurons from being locked?
#
# The talk finds {term}`membrane voltage regularization` {published}`rel.voltage.tool` where rates are regularized
# strongly: with it, *{published}`rel.voltage.locked`*. We call a neuron *locked* if its potential, while the gate is open, falls below rest in some story
# and rises above rest in none. At these steps it has no {term}`pseudo-derivative`. In C and D no error then reaches its
# weights. In the encoders, A and B, an error may still do so through earlier steps of the sentence, at which we did not look.
#
# In these networks the cost is the squared distance of a potential from the range that has a pseudo-derivative, from rest to two thresholds
# ({func}`~snncore.learning.losses.voltage_cost`; a band as in another network of the same laboratory {cite:p}`chen2022`); in all others of this chapter the band is from −2 to 2.4 thresholds. We train networks
# for task 15 under three upper limits of rates, with and without this cost, {size}`voltage_seeds` of each, and look at them while they
# answer {size}`voltage_questions` new questions ({numref}`fig-voltage`).
#
# **The cost unlocks the neurons** ({verdict}`rel.voltage.locked`). With it {claim}`rel.voltage.with` are locked, without it
# {value}`locked_without`: {claim}`rel.voltage.prevented` less. Under an upper limit twice as high it is
# {claim}`rel.voltage.prevented.loose` less, under one half as high {claim}`rel.voltage.prevented.tight`.
#
# Most of the neurons that it unlocks are in module B. It reads only {size}`questions_asked` different questions here, and an error may still reach its locked neurons. In C no neuron is locked even without the cost.
#
# **Does it allow strong rate regularization?** We cannot tell. The busiest layer spikes more with the cost: by {value}`busiest_more_tight` percentage points of the steps under the strictest limit, by {value}`busiest_more_upper` under the middle one and
# {value}`busiest_more_loose` under the loosest (means and 95 % intervals); the last two may be chance. Under the loosest one all neurons together spike less. Under the strictest limit, networks with the cost give
# {claim}`rel.voltage.accuracy.tight` more right answers on the official test ({interval}`rel.voltage.accuracy.tight`), but none solves task 15. Their busiest layer spikes in {value}`busiest_tight_with` of the steps, about as
# much as that of networks without the cost under the middle limit ({value}`busiest_without`), and those solve task 15. Under the middle limit the cost takes {claim}`rel.voltage.accuracy`
# away ({interval}`rel.voltage.accuracy`); under the loosest one the difference is {claim}`rel.voltage.accuracy.loose` ({interval}`rel.voltage.accuracy.loose`; negative: fewer with it), which may be chance.
#
# **How strong must the cost be?** We cannot say. A few single trainings with stronger and weaker costs unlocked neurons, too; some of them did not
# learn the task. Our optimizer, Muon, gives all directions of an update about the same size, so that a weak cost can move a row of weights
# that nothing else moves.

# %%
new = generate(15, page.size(smoke=50, book=200), numpy_generator(seed, "stories of task 15"))
stories, expected = arrays(new)
edges = np.linspace(-10.5, 3, 109)  # of potentials, in thresholds
PLACES = ("all", "A", "B", "C", "D")  # modules


def watched(kind, s):  # what neurons do while the gate is open, and potentials, all neurons alike [%]
    release_memory()  # one network's activity at a time
    net = training.trained(kind, 15, s)
    answers = [net.answer(part) for part in stories.split(100)]
    right = torch.cat([a.logits for a in answers]).argmax(1) == expected
    each = [layer.v for layer in answers[0].layers.values()]
    counts = sum(torch.histc(v, len(edges) - 1, edges[0], edges[-1]) / v[..., 0].numel() for v in each)  # by neuron
    table = measures.layer_activity(net.network, answers)
    return table, (100 * counts / counts.sum()).numpy(), 100 * float(right.double().mean())


modules = {"statement": "A", "question": "B", "pair": "C", "sum": "D", "answer": "D"}  # by the first word of a layer's name


def neuron_mean(table, column):  # each neuron counts once
    return float(np.average(table[column], weights=table["neurons"]))


def of_all(table):  # means of all neurons, and of modules [%]
    by_module = table.groupby(table["layer"].str.split().str[0].map(modules))
    locked = neuron_mean(table, "locked"), *(neuron_mean(part, "locked") for _, part in by_module)
    return dict(zip(PLACES, locked, strict=True)) | {"rate": neuron_mean(table, "rate")}


# %%
spread, rows = {}, []
# python -m snncore.trainings stories --task 15 --kind …
_, spread["snn-free"], _ = watched("snn-free", 0)
for limit in training.LIMITS:
    for cost in ("", "-v"):
        kind = f"snn-{limit}{cost}"
        for s in range(page.size(smoke=2, book=training.COST_SEEDS)):
            table, potentials, right = watched(kind, s)
            if s == 0:
                spread[kind] = potentials
            row = {"limit": limit, "cost": bool(cost), "seed": s, "right": right, "busiest": table["rate"].max()}
            rows.append(row | of_all(table))
voltage = pd.DataFrame(rows)
voltage.groupby(["limit", "cost"]).mean().drop(columns="seed").round(1)


# %%
def right_in_15(kind, s=0):  # [%]
    return right_on_file(training.trained(kind, 15, s), 15)


on_file = pd.DataFrame({kind: right_in_15(kind, s) for kind in training.COMPARED} for s in voltage["seed"].unique())
where, n, seeds = "official test file of task 15", len(tests[15][:questions]), len(on_file)
for id, differ in (
    ("rel.snn.rate.accuracy_loss", right_in_15("snn-free") - on_file["snn-upper-v"]),
    ("rel.voltage.accuracy", on_file["snn-upper"] - on_file["snn-upper-v"]),
    ("rel.voltage.accuracy.loose", on_file["snn-loose-v"] - on_file["snn-loose"]),
    ("rel.voltage.accuracy.tight", on_file["snn-tight-v"] - on_file["snn-tight"]),
):
    low, high = mean_interval(differ)
    page.claim(id, differ.mean(), low=low, high=high, dataset=where, n=n, seeds=seeds)

# %%
for name, form in {"high": "{:.2f} %", "begin": "{:.0f} %", "end": "{:.0f} %"}.items():
    page.value(name, 100 * getattr(training.SPARSE, name), form)
page.value("questions_asked", len({e.question for e in new}))
where, n = "five pairs of trainings, stories of task 15 of our generator", len(new)
of = voltage.pivot(index="seed", columns=["limit", "cost"])  # a row a seed
without, with_cost = (of["all"]["upper"][cost].to_numpy() for cost in (False, True))
page.claim("rel.voltage.with", with_cost.tolist(), dataset=where, n=n)
page.value("locked_without", without.mean(), "{:.0f} %")
page.value("voltage_seeds", seeds)
page.value("voltage_questions", n)
page.value("busiest_tight_with", of["busiest"]["tight"][True].mean(), "{:.1f} %")
for limit in training.LIMITS:
    more = of["busiest"][limit][True] - of["busiest"][limit][False]
    low, high = mean_interval(more)
    page.value(f"busiest_more_{limit}", f"{more.mean():.2f} ({low:.2f} to {high:.2f})")
page.value("busiest_without", of["busiest"]["upper"][False].mean(), "{:.1f} %")

# %%
for id, limit in (
    ("rel.voltage.prevented", "upper"),
    ("rel.voltage.prevented.loose", "loose"),
    ("rel.voltage.prevented.tight", "tight"),
):
    fewer = of["all"][limit][False] - of["all"][limit][True]
    low, high = mean_interval(fewer)
    page.claim(id, fewer.mean(), low=low, high=high, dataset=where, n=n, seeds=seeds)

# %%
few, more = 5, mean_interval(without - with_cost)[0]  # locked neurons [%] in a network that is said to have none
page.verdict("rel.voltage.locked", with_cost.max() <= few and more > 0, dataset=where, n=n, seeds=seeds)
rates, gate = of["busiest"]["upper"][True], training.KINDS["snn-upper-v"].timing.window
low, high = mean_interval(rates)
where = "stories of task 15 of our generator"
page.claim("rel.snn.rate", rates.mean(), low=low, high=high, dataset=where, n=n, seeds=seeds)
page.value("spikes_busiest", rates.mean() / 100 * gate, "{:.2f}")

# %% tags=["hide-input", "remove-output"]
fig, (left, middle, right_ax) = plt.subplots(1, 3, figsize=(7.5, 3.3), width_ratios=[1.7, 1, 1])
shades = {"snn-free": plotting.COLORS["sky"], "snn-upper": plotting.COLORS["orange"], "snn-upper-v": plotting.COLORS["green"]}
for ends in ((edges[0], 0), (2, edges[-1])):
    left.axvspan(*ends, color=GRAY, alpha=0.15, lw=0)
left.text(-10.2, 60, "no pseudo-derivative", fontsize=9, va="top")
names = {"snn-free": "voltage cost", "snn-upper": "upper limit", "snn-upper-v": "upper limit and voltage cost"}
for kind, name in names.items():
    left.stairs(spread[kind], edges, color=shades[kind], lw=1.5, label=name)
limits = {limit: 100 * high for limit, high in training.LIMITS.items()}
for cost, kind in ((False, "snn-upper"), (True, "snn-upper-v")):
    for limit, highest in limits.items():
        each = of["all"][limit][cost]
        middle.plot(np.full(len(each), highest * (1.08 if cost else 0.92)), each, "o", color=shades[kind], ms=4.5, alpha=0.7)
    share_of = {place: of[place]["upper"][cost].to_numpy() for place in PLACES}
    mean, (low, high) = [a.mean() for a in share_of.values()], np.clip(np.transpose([mean_interval(a) for a in share_of.values()]), 0, 100)
    right_ax.barh(np.arange(5) + (0.2 if cost else -0.2), mean, 0.36, color=shades[kind], xerr=np.abs([mean - low, high - mean]))
left.set(xlabel="potential [thresholds]", ylabel="share of potentials [%]", yscale="log", ylim=(1e-4, 100), xlim=(-10.5, 3))
middle.set(xlabel="upper limit of rates\n[% of steps]", ylabel="locked neurons [%]", xscale="log", ylim=(-1, None))
middle.set_xticks(list(limits.values()), [f"{highest:.2g}" for highest in limits.values()])
middle.minorticks_off()
right_ax.set_yticks(range(5), PLACES)
right_ax.invert_yaxis()
right_ax.set(xlabel="locked neurons [%]", ylabel="module")
fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=9)
frame = pd.DataFrame({"from": edges[:-1], "to": edges[1:]} | {names[kind]: spread[kind] for kind in names})
page.figure(fig, "voltage", frame)
page.table(voltage.round(2), "locked")
plt.show()

# %% [markdown]
# ```{figure} ../results/relational/voltage.*
# :name: fig-voltage
# :alt: Left, three histograms of membrane potentials on a logarithmic scale. With an upper limit of rates alone, potentials reach down to eight thresholds below rest, with the voltage cost alone to six, with both to less than three. Middle, locked neurons against the limit of rates: orange dots, without the cost, lie between nine and thirteen percent at all three limits, green dots, with it, at zero or less than one percent. Right, by module without the cost: about three fifths of module B, few of A and D, none of C; with it none. So the cost keeps neurons from being locked.
# Networks for task 15. Left: membrane potentials while the gate is open (100 stories, one network each; all neurons count alike). In the shaded ranges a neuron has no
# pseudo-derivative; there potentials have a cost, except in the orange network. The light blue network has no upper limit of rates, but a lower limit, so that it does not fall silent. Middle: neurons that are locked, in five networks each,
# under three upper limits of rates. Right: by module, under the middle limit (means, 95 % intervals).
# ```
#
# :::::{admonition} All these networks as a table
# :class: dropdown
#
# ::::{csv-table} Networks for task 15 under three upper limits of rates, with and without the cost of potentials: right answers to new questions, rate of the busiest layer, locked neurons in all and by module, mean rate; all in percent.
# :name: tab-locked
# :header-rows: 1
# :file: ../results/relational/locked.csv
# ::::
# :::::
#
# ## Is a longer story sparser?
#
# This is {verdict}`rel.snn.sparsity` (talk: *{published}`rel.snn.sparsity`*). In the one network that we trained for this it holds on average, and turns in the longest stories. We trained it on stories of 2 to 20 sentences of
# task 1, without an upper limit. Spikes per neuron fall from {value}`spikes_first` with two sentences to {value}`spikes_least` with
# {value}`sentences_least`, and then rise a little, to {value}`spikes_last`, where the network also errs more ({value}`right_last` right).
# A line through all lengths has a slope of {claim}`rel.snn.sparsity` ({interval}`rel.snn.sparsity`). Not all layers become sparser: in the
# last layer of C spikes fall from {value}`last_first` to {value}`last_last`, in the sum they rise from {value}`sum_first` to
# {value}`sum_last` ({numref}`fig-spikes`, middle).
#
# Is this because few relations matter, as the talk thinks? Does the number of pairs that a right answer needs grow with the network?
# *{claim}`rel.relations`*: with two sentences, {value}`needed_first` pairs on average are needed, that is, a right answer changes if one of them is left out. With more sentences this mean is {value}`needed_most` or less ({numref}`fig-spikes`, panel on the right). This
# could hardly be otherwise, so it is no evidence for the talk's reason: task 1 asks for one fact, however long the story, and the number of pairs grows with the square of the length.
#
# As in the talk, the answer is read at a single step, the last. In the sparse network of {numref}`fig-structure` it could be read earlier: after
# the first step {value}`read_1` of the answers would be right, after the second {value}`read_2` ({numref}`fig-spikes`, panel on the left). {numref}`fig-readouts` shows what the
# readouts of another network, with fewer steps, add up for Gertrude.

# %%
answers = [sparse.answer(part) for part in stories.split(100)]
y = measures.readouts_by_step(sparse.network, answers)
logits = torch.cat([a.logits for a in answers])
del answers
hits = (y.argmax(2) == expected).sum(1).tolist()
reading = pd.DataFrame([share(n, len(expected)) for n in hits], columns=["right", "low", "high"])
reading.insert(0, "step", range(1, len(y) + 1))
for k in (1, 2):
    page.value(f"read_{k}", float(reading["right"][k - 1]), "{:.1f} %")
steps = sum(torch.allclose(now, logits, rtol=1e-4, atol=1e-4) for now in y)
where = "steps at which what readouts have added up is the answer; stories of our generator"
page.claim("rel.readout.steps", steps, dataset=where)

# %% tags=["hide-input", "remove-output"]
added = measures.readouts_by_step(spiking["15"][0], [spiking["15"][1]])[:, 0].numpy()  # step, answer
best, at = np.argsort(-added[-1])[:4], np.arange(1, len(added) + 1)
fig, ax = plt.subplots(figsize=(7.5, 2.6))
ax.plot(at, added, color=GRAY, lw=0.4)
for k, word, color in zip(best, words_of(torch.from_numpy(best)), (RED, *["black"] * 3), strict=True):
    ax.plot(at, added[:, k], color=color, lw=1.6 if color == RED else 0.8)
    ax.text(len(added) + 0.1, added[-1, k], in_the_talk(word), color=color, va="center", fontsize=9)
ax.set(xlabel="step of the reading", ylabel="readout", xticks=at, xlim=(1, len(added) + 1.5))
page.figure(fig, "readouts", pd.DataFrame(added, index=at).rename_axis("step").reset_index())
plt.show()

# %% [markdown]
# ```{figure} ../results/relational/readouts.*
# :name: fig-readouts
# :alt: Readouts of all answers against the steps of the reading. That of wolves rises above all others and stays there; three further ones that are named, and all others in gray, remain below. So the answer is there before the last step.
# The talk's question about Gertrude, in the network of {numref}`fig-pairs`, whose gate is open for {size}`gate_steps` steps: what each readout of the spiking network has added up after each step of the reading. Red: its answer. The four readouts that are largest
# at the last step are named; the largest is the answer.
# ```

# %%
# python -m snncore.trainings stories --task 1 --kind snn-lengths
net = training.trained("snn-lengths", 1)
each = questions // len(EVEN_LENGTHS)
page.value("stories_each", each)

lengths, stories_apart = [], []
for sentences in EVEN_LENGTHS:
    g = numpy_generator(seed, f"stories of {sentences} sentences")
    stories, expected = arrays(generate(1, each, g, sentences))
    answer = net.answer(stories)
    right = answer.logits.argmax(1) == expected
    matters = measures.pairs_that_matter(net.network, answer)
    needed = torch.zeros(each).index_add_(0, answer.story, matters.float())[right]  # of questions that are answered right
    *_, last = (name for name in answer.layers if name.startswith("pair"))
    layers = {"spikes": list(answer.layers), "last": [last], "sum": ["sum"]}
    apart = {column: measures.spikes_per_neuron(answer, sentences, names) for column, names in layers.items()} | {"needed": needed}
    stories_apart.append({column: mean_interval(numbers.numpy()) for column, numbers in apart.items()})
    lengths.append({
        "sentences": sentences,
        "right": 100 * float(right.float().mean()),
        "pairs": len(answer.story) // each,
        **{column: float(numbers.mean()) for column, numbers in apart.items()},
    })  # fmt: skip
    del answer  # spikes of all pairs: memory for the next length
lengths = pd.DataFrame(lengths)
lengths.round(2)


# %%
first, least, last = lengths.iloc[0], lengths.iloc[lengths["spikes"].argmin()], lengths.iloc[-1]
page.value("sentences_least", int(least["sentences"]))
for name, row in {"spikes_first": first, "spikes_least": least, "spikes_last": last}.items():
    page.value(name, row["spikes"], "{:.2f}")
for column in ("last", "sum"):
    page.value(f"{column}_first", first[column], "{:.2f}")
    page.value(f"{column}_last", last[column], "{:.2f}")
page.value("right_last", last["right"], "{:.0f} %")
line = linregress(lengths["sentences"], lengths["spikes"])
margin = line.stderr * student.ppf(0.975, len(lengths) - 2)
ends = {"low": line.slope - margin, "high": line.slope + margin}
where = "stories of task 1 of our generator"
page.claim("rel.snn.sparsity", line.slope, **ends, dataset=where, n=each * len(EVEN_LENGTHS))

# %%
page.value("needed_first", lengths["needed"].iloc[0], "{:.2f}")
page.value("needed_most", lengths["needed"].iloc[1:].max(), "{:.2f}")
falls = linregress(lengths["sentences"], lengths["needed"] / lengths["pairs"]).slope < 0
where = "pairs without which the answer is another, stories of task 1 of our generator"
page.verdict("rel.relations", falls, dataset=where)

# %% tags=["hide-input", "remove-output"]
fig, (left, middle, right_ax) = plt.subplots(1, 3, figsize=(7.5, 2.7))
left.plot(reading["step"], 100 - reading["right"], "o-", color=SPIKING, ms=4)
left.fill_between(reading["step"], 100 - reading["high"], 100 - reading["low"], color=SPIKING, alpha=0.2, lw=0)
left.set(xlabel="step of the reading", ylabel="wrong answers [%]", ylim=(0, None), xticks=range(2, len(reading) + 1, 2))
for column, color, name in (("sum", GRAY, "sum"), ("spikes", SPIKING, "all neurons"), ("last", RED, "C, last layer")):
    middle.plot(lengths["sentences"], lengths[column], "o-", color=color, ms=3)
    middle.fill_between(lengths["sentences"], *zip(*(ends[column] for ends in stories_apart), strict=True), color=color, alpha=0.3, lw=0)
    at, above = (8, 0.1) if column == "sum" else (20, 0.09)
    middle.text(at, lengths[column].iloc[at // 2 - 1] + above, name, ha="right", color=color, fontsize=9)
middle.set(xlabel="sentences", ylabel="spikes per neuron", ylim=(0, None), xticks=[2, 8, 14, 20])
for column, color in (("pairs", GRAY), ("needed", RED)):
    right_ax.plot(lengths["sentences"], lengths[column], "o-", color=color, ms=3)
right_ax.fill_between(lengths["sentences"], *zip(*(ends["needed"] for ends in stories_apart), strict=True), color=RED, alpha=0.3, lw=0)
right_ax.text(8, 55, "all", ha="right", color=GRAY, fontsize=9)
right_ax.text(20, 1.3, "needed for the answer", ha="right", color=RED, fontsize=9)
right_ax.set(xlabel="sentences", ylabel="pairs", yscale="log", ylim=(0.05, 400), xticks=[2, 8, 14, 20])
page.figure(fig, "spikes", pd.concat([reading, lengths], axis=1))
plt.show()

# %% [markdown]
# ```{figure} ../results/relational/spikes.*
# :name: fig-spikes
# :alt: Left, a few of a hundred answers are wrong at the first step, hardly any at the second, none later. Middle, spikes per neuron against the number of sentences: over all neurons they fall slowly, in the last layer of pairs to almost none, in the sum they rise. Right, the number of all pairs rises steeply to 210, that of needed pairs stays below one. So longer stories are sparser on average, but not in every layer.
# Left: wrong answers in task 15 if the readouts were read earlier (band: 95 % interval over questions). Middle: spikes per neuron in stories of task 1. Right: all pairs of
# sentences, and those without which a right answer would change (mean over {size}`stories_each` stories of each length; bands: 95 % intervals over stories).
# ```
#
# ## Summary
#
# A spiking network can find relations between sentences: it reads first, compares all pairs at once, and is feed-forward from there on,
# which suits a chip. The cost is that the number of pairs grows quadratically. One spiking network for all tasks solves {claim}`rel.snn.joint` of 20,
# that of the talk {published}`rel.snn.joint` ({verdict}`rel.snn.joint`). With one network a task, which is easier, ours solve {claim}`rel.snn.solved`. A cost of potentials keeps neurons from being locked. Networks that write a memory while they read solved all tasks in the best of ten trainings each
# {cite:p}`henaff2017`, one of them by Hebbian synapses {cite:p}`limbacher2020`. For a spiking network with such synapses, a public table gives
# {published}`eprop.since.hebbian` of the answers right, as a mean over tasks {cite:p}`limbacher2022` (a preprint).
#
# ## Exercises
#
# 1. Nobody asked about Jessica. Predict what the sparse network answers to *what is jessica afraid of* in the talk's story, and
#    which pair of sentences is most active. Then ask it.

# %% tags=["solution"]
jessica = wolves.example("what is jessica afraid of")
answer = sparse.answer(arrays([jessica])[0])
print("network:", *words_of(answer.logits.argmax(1)), "· by logic:", jessica.answer)
print(measures.pair_table(sparse.network, answer).nlargest(3, "activity").round(2))

# %% [markdown]
# 2. Task 16 ends near one half. How much of that would you get without reading the story?

# %% tags=["solution"]
given = pd.Series([e.answer for e in tests[16]]).value_counts(normalize=True)
print(f"always {given.index[0]}: {100 * given.iloc[0]:.1f} % right")
print(f"our spiking network: {alone['snn'][16][0]:.1f} % right")
last_color = [e.statements[-1].split()[-1] == e.answer for e in tests[16]]
print(f"the last word of the story: {100 * np.mean(last_color):.1f} % right")

# %% [markdown]
# 3. Does the order of sentences matter? Reverse the stories of task 1 (*where is Mary?*, which the last of her moves decides) and ask
#    the network for lengths again.

# %% tags=["solution"]
some = generate(1, 100, numpy_generator(seed, "stories to be reversed"), 6)
back = [Example(e.statements[::-1], e.question, e.answer) for e in some]
true = [e._replace(answer=solve(e.statements, e.question)) for e in back]
for name, told in {"as told": some, "reversed": back, "reversed, by logic": true}.items():
    asked_now, wanted = arrays(told)
    right = (net(asked_now).argmax(1) == wanted).float().mean()
    print(f"{name}: {100 * float(right):.0f} % right")

# %% [markdown]
# 4. From how many sentences on is our *small* network feed-forward to 95 percent of its neurons? And the published one?

# %% tags=["solution"]
for name, network in {"ours": small, "published": as_published}.items():
    shares = measures.growth(network, 40).set_index("sentences")["feed-forward neurons"]
    print(f"{name}: from {shares[shares >= 95].index[0]} sentences on")

# %% [markdown]
# ## Use it on yours
#
# Tell a story of task 15, in the words of the files, and ask. The network should agree with logic, and show which pairs are most active.

# %%
story = (
    "wolves are afraid of mice", "emily is a wolf",
    "mice are afraid of sheep", "jessica is a mouse",
)  # fmt: skip
question = "what is emily afraid of"
example = Example(story, question, solve(story, question))
answer = sparse.answer(arrays([example])[0])
print("network:", *words_of(answer.logits.argmax(1)), "· by logic:", example.answer)
for pair in measures.pair_table(sparse.network, answer).nlargest(2, "activity").itertuples():
    print(f"{pair.activity:.2f} spikes per neuron:", story[pair.first - 1], "+", story[pair.second - 1])

# %% [markdown]
# ## This chapter's rows of the ledger
#
# <!-- ledger -->
