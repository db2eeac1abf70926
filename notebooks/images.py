# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   snncore:
#     summary: Image classifiers converted to few-spike networks in one line; what that costs in accuracy, spikes, time between images and energy
#     inputs: [data/few_spike_log.json, data/few_spike_coefficients.json, data/rate_coding.csv, data/results/images.json, "data/checkpoints/cifar.*"]
#     data: [photographs_20, efficientnet_lite0, efficientnet_lite1, efficientnet_lite2, photographs_700, mnist_test]
#     minutes: {smoke: 0.6, book: 3.3, paper: 60}
# ---

# %% [markdown]
# (images)=
# # Images
#
# ## The claim
#
# > FS conversion enables by far the best performance of SNNs on ImageNet. […] the network can start to classify a new image every $2K$ time
# > steps. Hence the resulting throughput is substantially higher than for rate-based ANN2SNN conversion. *(slide 8)*
#
# The table of slide 7: EfficientNet-B7 classifies {published}`img.b7.ann` of {term}`ImageNet`'s test images correctly before
# {term}`conversion <ANN-to-SNN conversion>` and {published}`img.b7.snn` after it, ResNet50 {published}`img.resnet50.ann` and
# {published}`img.resnet50.snn`. Spikes per neuron and image: {published}`img.b7.spikes_per_neuron` and {published}`img.resnet50.spikes_per_neuron`.
#
# ## In one picture
#
# ```{figure} ../results/images/conversions.*
# :name: fig-conversions
# :alt: Networks as rows in three groups. Left, accuracy before and after conversion, two dots that nearly coincide except for EfficientNet-B7 and for the small EfficientNet with published neurons. Middle, the points lost with their intervals, most of which contain zero. Right, spikes per neuron between about 1.4 and 2.1. Conversion costs little accuracy, and about two spikes per neuron are enough.
# Accuracy before and after {term}`conversion <ANN-to-SNN conversion>`, percentage points lost (left of zero: gained), and {term}`spikes <spike>` per neuron and image; bars are 95
# percent intervals over images. Most losses cannot be told from zero. The talk's networks are cited and give no intervals; the photographs are of this run; CIFAR-10 is recorded,
# except at preset `paper`. The numbers of our networks stand in {numref}`tab-conversions`, those of the talk in the claim above.
# ```
#
# ## What we did
#
# We converted three EfficientNet-Lite networks with Google's ImageNet weights and showed them photographs of ImageNet's categories.
# We trained three ResNets and a small EfficientNet on CIFAR-10 and converted them.
# We counted neurons and steps between images, also of the talk's own networks, whose graphs come without weights, and operations of ours.
# This is easier than the talk: EfficientNet-Lite has {term}`ReLU6` in place of {term}`SiLU`, so each neuron sends a binary code and nothing needs to be fitted.
#
# ## What we found
#
# - **No energy gain over 8-bit integers that skip zeros.** In few spikes, the operations of EfficientNet-Lite0 take
#   {claim}`img.energy.sparse` the energy of such integers, {claim}`img.energy.int8` that of integers without skipping, {claim}`img.energy.fp32` that of 32-bit floats.
# - **A new image every $2K$ steps only in a chain of layers**, where $K$ is the number of steps of a neuron. A shortcut, a connection past layers, makes neurons wait: EfficientNet-B7 takes one every
#   {claim}`img.schedule.b7` ({verdict}`img.schedule.b7`) and ResNet50 every {claim}`img.schedule.resnet50` ({verdict}`img.schedule.resnet50`). If each shortcut stores the spikes that come early, it is $2K$ again.
# - Of {size}`photographs_700` photographs, EfficientNet-Lite0, 1 and 2 lose {claim}`img.lite0.drop` ({interval}`img.lite0.drop`),
#   {claim}`img.lite1.drop` ({interval}`img.lite1.drop`) and {claim}`img.lite2.drop` ({interval}`img.lite2.drop`); whether this is little enough is {verdict}`img.lite0.drop`. They send
#   {claim}`img.lite0.spikes`, {claim}`img.lite1.spikes` and {claim}`img.lite2.spikes`.
# - To come within half a point of our ResNet-20, a rate code needs {claim}`img.rate.resnet20.steps` and {claim}`img.rate.resnet20.energy` the
#   energy of few spikes, both with 32-bit floats. In the same time few spikes take {claim}`img.throughput` times as many images ({verdict}`img.throughput`). These are rough: a single right answer more or less moves the number of steps much.
# - All of a small vision transformer can spike, softmax and attention too, but its operations then take {claim}`img.vit.energy` the energy of integers that skip zeros. Its accuracy
#   falls by {claim}`img.vit.drop` ({interval}`img.vit.drop`).
# - With two steps, a small SiLU network gains {claim}`img.tune.k2` by training on with spikes, while the original gains {value}`tune_original` by the same training; with eight steps
#   it gains {claim}`img.tune.k8`, no more than the original.
#
# ## What we could not do
#
# Reproduce the talk's accuracy: ImageNet cannot be shipped with a book, and no package holds weights of EfficientNet-B7 or ResNet50. Those numbers are cited.
# CIFAR-10 has no license and is a download; we ran it once on JPEG copies and keep the results.
# Energies are counted operations times published prices, without memory, which in most chips costs more ({doc}`../prices`).

# %% tags=["parameters"]
# smoke: a first look; book: the numbers of this page
# paper: all 700 photographs, and CIFAR-10, which is a download
preset = "book"
seed = 0  # another seed draws other threshold noise

# %%
import json
from functools import partial
from importlib import metadata
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch import nn
from torchvision.models import efficientnet_b0, efficientnet_b7, resnet50

from snncore import plotting
from snncore.datafiles import find, package_file
from snncore.few_spike import coefficients, convert, fs_decode, rate_code, spike_train, statistics, stepwise, variants
from snncore.few_spike.coefficients import spikes_per_step_log
from snncore.few_spike.comparison import PRICES, compare, cost, deviation, layer_errors, mean_traffic, operations_table
from snncore.few_spike.graphs import families, layers_of, rhythm_table, size_of
from snncore.few_spike.operations import NAMED
from snncore.few_spike.rate_code import rate_coded, simulate, synapses
from snncore.few_spike.schedule import IMAGES, Emission, chain, pipeline, rhythm, rhythms
from snncore.learning.classifier import accuracy
from snncore.ledger import package_claims
from snncore.networks.images import CIFAR, VisionTransformer, cifar_network, efficientnet_lite, efficientnet_lite_input, imagenet_categories
from snncore.peers.ask_spikingjelly import spikingjelly_runs
from snncore.provenance import release_memory
from snncore.record import Record
from snncore.seeds import seeded_draws, torch_generator
from snncore.statistics import share, tango
from snncore.tasks.data_sets import read_mnist_test, read_photographs_20, read_photographs_700
from snncore.tasks.images import CIFAR10_MEAN, CIFAR10_STD, cifar10
from snncore.trainings import cifar

page = Record("images", preset)
plotting.style()
BLUE, RED, GREEN = (plotting.COLORS[c] for c in ("blue", "red", "green"))
ANN, FEW, RATE = (plotting.METHODS[m] for m in ("artificial", "few-spike", "rate code"))

# %% [markdown]
# ## Do the talk's networks have the sizes of its table?
#
# Yes: layers and neurons agree exactly ({numref}`tab-counts`). We counted them in torchvision's graphs, without weights.
# The talk counts in three ways. The neurons of EfficientNet-B7 are its SiLU outputs, without the {claim}`img.b7.gates` of its
# {term}`squeeze-and-excitation` gates. Its layers are those of SiLU and of gates. The layers of ResNet50 are those of {term}`ReLU` and the classifier.
#
# :::{table} Sizes of the talk's networks: what the talk says, and what we counted. Spikes per neuron in the column *here* are the authors' logs of {value}`log_b7_images` and {value}`log_resnet50_images` images, divided by our neurons.
# :name: tab-counts
#
# | | EfficientNet-B7, talk | EfficientNet-B7, here | ResNet50, talk | ResNet50, here |
# |---|---|---|---|---|
# | parameters | {published}`img.b7.params` | {claim}`img.b7.params` | {published}`img.resnet50.params` | {claim}`img.resnet50.params` |
# | layers | {published}`img.b7.layers` | {claim}`img.b7.layers` | {published}`img.resnet50.layers` | {claim}`img.resnet50.layers` |
# | neurons (authors' README) | {published}`img.b7.neurons` | {claim}`img.b7.neurons` | {published}`img.resnet50.neurons` | {claim}`img.resnet50.neurons` |
# | spikes per image (talk; log) | {published}`img.b7.spikes` | {claim}`img.b7.spikes` | {published}`img.resnet50.spikes` | {claim}`img.resnet50.spikes` |
# | spikes per neuron | {published}`img.b7.spikes_per_neuron` | {claim}`img.b7.spikes_per_neuron` | {published}`img.resnet50.spikes_per_neuron` | {claim}`img.resnet50.spikes_per_neuron` |
# | accuracy, top 5, before | {published}`img.b7.ann_top5` | cited only | {published}`img.resnet50.ann_top5` | cited only |
# | accuracy, top 5, few spikes (talk; log) | {published}`img.b7.snn_top5` | {claim}`img.b7.snn_top5` | {published}`img.resnet50.snn_top5` | cited only |
# :::
#
# ImageNet has {published}`img.imagenet.train` for training and {published}`img.imagenet.test` for testing, which are its public validation set.
# Of its {claim}`img.imagenet.categories`, {claim}`img.imagenet.birds` are kinds of birds. The authors' log of the test images gives
# EfficientNet-B7 {claim}`img.b7.snn` in few spikes.

# %%
b7, resnet = size_of(efficientnet_b7, 600), size_of(resnet50, 224)
where = "torchvision efficientnet_b7, 600 x 600"
page.claim("img.b7.params", b7.parameters / 1e6, dataset="torchvision efficientnet_b7")
page.claim("img.b7.layers", b7.layers, dataset="torchvision efficientnet_b7")
page.claim("img.b7.neurons", b7.neurons["silu"], dataset=where)
page.claim("img.b7.gates", b7.neurons["sigmoid"], dataset=where)
page.claim("fs.why.neurons", b7.neurons["silu"] / 1e6, dataset=where)
page.verdict("fs.why.silu", max(b7.neurons, key=lambda name: b7.neurons[name]) == "silu")
where = "torchvision resnet50"
page.claim("img.resnet50.params", resnet.parameters / 1e6, dataset=where)
page.claim("img.resnet50.layers", resnet.layers + 1, dataset=where)  # and its classifier
page.claim("img.resnet50.neurons", resnet.neurons["relu"], dataset=f"{where}, 224 x 224")
print(b7, resnet, sep="\n")

# %%
categories = imagenet_categories()
birds = [*range(7, 25), *range(80, 101), *range(127, 147)]  # three ranges of the list
where = ", ".join(categories[i] for i in (7, 24, 80, 100, 127, 146))
page.claim("img.imagenet.categories", len(categories), dataset="torchvision's list")
page.claim("img.imagenet.birds", len(birds), dataset=f"torchvision's list: {where}")
log = json.loads(package_file("few_spike_log.json").read_text(encoding="utf-8"))
for name in ("b7", "resnet50"):
    page.value(f"log_{name}_images", log["spikes_per_image"][name]["images"], "{:,}")

# %% [markdown]
# The talk names {published}`img.record` {cite:p}`rueckauer2017` as the previous record. The authors' own earlier method had already reached {published}`img.record.amos` {cite:p}`stoeckl2020`.
# Since then other networks have passed the talk's, also with binary spikes.
#
# :::::{admonition} Spiking networks on ImageNet since the talk (cited; none was run here)
# :class: dropdown
#
# | network | how it is made | spikes | steps; parameters | correct answers | reviewed | source |
# |---| --- |---| --- |---| --- |---|
# | EfficientNet-B7 (the talk) | converted | binary, weighted by time | 16; {published}`img.b7.params` | {published}`img.b7.snn` | yes | {cite:p}`stoeckl2021` |
# | QKFormer | trained | binary | 4; 65 M | {published}`img.since.qkformer` | yes | {cite:p}`zhou2024` |
# | E-SpikeFormer | trained with integers | binary, several for an integer | not checked; 173 M | {published}`img.since.espikeformer` | yes | {cite:p}`yao2025` |
# | SpikeZIP-TF | converted | ternary | not checked | {published}`img.since.spikezip` | yes | {cite:p}`you2024` |
# | ECMT | converted | graded (several thresholds) | 4; not checked | {published}`img.since.ecmt` | yes | {cite:p}`huang2024` |
# | DCGS | converted, no training | several thresholds | not checked | not checked | yes | ICML 2025, quoted from a summary |
# | error-free conversion | converted | binary code, as in few-spike neurons | 4; not checked | {published}`img.since.error_free` | yes | TMLR 2025, quoted from a summary |
# | SFormer | converted | graded (several thresholds) | 1; not checked | {published}`img.record.since` | no | preprint, `arXiv 2510.23383` |
# | MBE | converted | several basis functions with thresholds | not checked | not checked | no | preprint {cite:p}`wang2025` |
# | SpikingJelly 2.0, a library | converts transformers | its SiLU and softmax: not binary, by its own words | any | not given | no | its documentation |
#
# Few-spike neurons live on in language models: LAS converts models of up to 66 billion parameters {cite:p}`chen2026`, as its abstract says.
# :::::
#
# If you have ImageNet, one command evaluates a network before and after conversion. It resumes where it stopped, and lists files that it cannot read:
#
# ```sh
# python -m snncore.tools imagenet --model efficientnet_b7 --images /path/to/imagenet/val
# ```
#
# It takes torchvision's weights, not the authors', so compare what the conversion costs rather than the accuracy itself.
#
# ## How does one line convert a network?
#
# {func}`~snncore.few_spike.convert.convert` puts a layer of {term}`few-spike neurons <few-spike neuron>` in the place of each activation, and leaves all weights as they are.
# Nothing is trained. Its report lists for each operation whether it spikes, is linear, so that spikes may pass it one by one, or stays analog. This network has random weights and was not calibrated, so a warning
# says that outputs differ; only the list of operations counts here:

# %%
page.value("activations", ", ".join(NAMED))
frame = convert(efficientnet_b0(), torch.zeros(1, 3, 64, 64), K=16).report.frame  # untrained
page.table(families(), "families")
frame.loc[:13, ["operation", "kind", "neurons", "K", "why"]]

# %% [markdown]
# It converts {value}`activations`, and refuses what it does not understand. In EfficientNet three things stay analog, as in the paper: the image, the
# product of each gate with the activations that it gates, and the reading of the last layer. Maximum pooling stays analog, too; so do attention and layer normalization unless they are asked to spike ({ref}`images-everything`).
#
# :::::{admonition} What convert makes of 18 families of classifiers
# :class: dropdown
#
# :::{csv-table} The smallest network of each family in torchvision, for one image of 224 by 224 pixels, counted without weights.
# :name: tab-families
# :file: ../results/images/families.csv
# :header-rows: 1
# :::
# :::::
#
# **Does one pass equal spikes sent one by one?** It should, because a layer $W$ is linear in the spikes $z(t)$ and their weights $d(t)$:
#
# $$
# \sum_{t=1}^{K} W d(t)\, z(t) = W \sum_{t=1}^{K} d(t)\, z(t) .
# $$
#
# So a {term}`collapsed evaluation` passes on the decoded numbers of a layer at once. We compare it with sending every spike in its own step, and with
# looking up each neuron's output in a table of its {term}`pieces <piece>`.

# %%
LITE_K = {0: 8, 1: 8, 2: 9}  # steps of the versions of EfficientNet-Lite
lite0_ann = efficientnet_lite(0)
photographs_20, labels_20, _ = read_photographs_20()


@torch.inference_mode()
def three_evaluations(batch):
    snn = convert(efficientnet_lite(0).double(), batch[:1], K=LITE_K[0]).network
    one_pass, (looked_up, _) = snn(batch), statistics(snn, batch)
    # photograph by photograph: all steps need memory
    sent, traffic = zip(*(stepwise(snn, one) for one in batch.split(1)), strict=True)
    return one_pass, looked_up, torch.cat(sent), mean_traffic(traffic)


exact = page.size(smoke=1, book=2)
batch = efficientnet_lite_input(photographs_20[:exact]).double()
one_pass, looked_up, stepped, traffic = three_evaluations(batch)
others = (looked_up, stepped)
difference = max(float((o - one_pass).abs().max() / one_pass.abs().max()) for o in others)
where = "EfficientNet-Lite0, ImageNet photographs of foolbox"
page.claim("img.evaluations.difference", difference, dataset=where, n=exact)
page.value("evaluations_photographs", f"{exact} photograph{'s' if exact > 1 else ''}")
release_memory()

# %% [markdown]
# For {size}`evaluations_photographs`, computed in double precision, the three agree to that precision
# ({verdict}`img.evaluations.difference`).
#
# ## Do real networks survive the conversion?
#
# EfficientNet-Lite is EfficientNet without gates and with ReLU6, whose outputs lie between 0 and 6. So all neurons of a network have the same
# binary code of {size}`lite_steps` steps ({size}`lite2_steps` in EfficientNet-Lite2). The maximum, 6, is encoded by one spike in the first step.


# %%
def on_photographs(version, photographs, labels, size=5):
    ann, n = efficientnet_lite(version), len(photographs)
    parts = (photographs[i : i + size] for i in range(0, n, size))
    batches = (efficientnet_lite_input(part, version) for part in parts)
    example = efficientnet_lite_input(photographs[:1], version)
    snn = convert(ann, example, K=LITE_K[version]).network
    return compare(ann, snn, batches, labels, f"EfficientNet-Lite{version}")


n = page.size(smoke=2, book=20)
photographs, labels = photographs_20[:n], labels_20[:n]
lite0 = on_photographs(0, photographs, labels)
release_memory()
page.value("lite_steps", LITE_K[0])
page.value("lite2_steps", LITE_K[2])
print(f"{(lite0.ann == lite0.snn).sum()} of {n} answers are the same")

# %% [markdown]
# {numref}`fig-images-answer` follows one photograph: spikes of the first layer, and the answers at the end.

# %%
[licensed], _, _ = read_photographs_700(1)
batch, ann = efficientnet_lite_input([licensed]), lite0_ann
snn, report = convert(ann, batch, K=LITE_K[0])
node = report.spiking[0].node
with torch.inference_mode():
    z = spike_train(snn, batch, node)[:, 0]  # step, channel, height, width: the first layer
    answers = {"original": ann(batch)[0].softmax(0), "few spikes": snn(batch)[0].softmax(0)}
z = z[:, :, z.shape[2] // 2, z.shape[3] // 2]  # a neuron per channel, at its center
number = fs_decode(z, snn.get_submodule(f"few_spike.{node}").params)
raster = pd.DataFrame(z.T.int().numpy(), columns=[f"step {t + 1}" for t in range(len(z))])
raster = raster.assign(number=number.numpy()).sort_values("number", ignore_index=True)
page.value("raster_neurons", len(number))
page.value("raster_silent", int((number == 0).sum()))
raster.tail(4)

# %% tags=["hide-input", "remove-output"]
fig, (photo, spikes, best) = plt.subplots(1, 3, figsize=(7.5, 2.9), width_ratios=(1.3, 1.6, 1.2))
photo.imshow(licensed)
photo.set(title="photograph", xticks=[], yticks=[])
neuron, step = raster.filter(like="step").to_numpy().nonzero()
spikes.plot(step + 1, neuron + 1, "|", color=FEW, ms=4, mew=1.8)
spikes.set(
    title="spikes of the first layer",
    xlabel="step $t$",
    ylabel="neuron, sorted",
    xticks=range(1, raster.shape[1]),
    ylim=(0, len(raster) + 1),
)
numbers_sent = spikes.secondary_yaxis("right")
numbers_sent.set_yticks(shown := range(2, len(raster) + 1, 6), [f"{raster['number'][i - 1]:.2f}" for i in shown])
numbers_sent.set_ylabel("number encoded")
top = answers["original"].topk(3).indices.tolist()
for shift, (name, color) in zip((0.13, -0.13), (("original", ANN), ("few spikes", FEW)), strict=True):
    best.barh(-np.arange(3) + shift, [100 * answers[name][i] for i in top], 0.26, color=color, label=name)
for place, i in enumerate(top):
    best.text(0, 0.32 - place, categories[i], va="bottom")
best.set(title="answers", xlabel="probability [%]", yticks=[], ylim=(-2.5, 0.9))
best.legend(loc="lower right")
page.figure(fig, "answer", raster)
plt.show()

# %% [markdown]
# ```{figure} ../results/images/answer.*
# :name: fig-images-answer
# :alt: A photograph; a raster of spikes with steps across and one row per neuron, empty rows at the bottom, and spikes earlier the larger the number; and bars of the probabilities of three categories, nearly the same for the original and in few spikes. Few spikes carry numbers that are exact enough for the same answer.
# From photograph to answer in EfficientNet-Lite0. Middle: spikes of {value}`raster_neurons` neurons of the first layer, one per channel at the center of the
# photograph, and the numbers that they encode; {value}`raster_silent` send nothing. Right: the three most probable categories before and after
# conversion. Photograph: Barry Badcock, CC BY 2.0.
# ```
#
# More photographs come with the book, in `data/evaluation`. They were preselected with classifiers, so absolute accuracies are too high: compare before and
# after. {func}`~snncore.few_spike.comparison.compare` shows the first {size}`photographs_700` of them to both networks (all 700 at preset `paper`).

# %%
n_700 = page.size(smoke=4, book=150, paper=700)
page.value("photographs_700", n_700)
photographs_700, labels_700, _ = read_photographs_700(n_700)
first, second, third = (on_photographs(v, photographs_700, labels_700) for v in (0, 1, 2))


def by_claim(of):  # each number, with the ends of its interval
    found = {ids: (a.accuracy, a.agreement, a.drop, a.spikes) for ids, a in of.items()}
    return {id: number for ids in of for id, number in zip(ids, found[ids], strict=True)}


measured = by_claim({
    ("img.lite0.ann", "img.lite0.agreement", "img.lite0.drop", "img.lite0.spikes"): first,
    ("img.lite1.ann", "img.lite1.agreement", "img.lite1.drop", "img.lite1.spikes"): second,
    ("img.lite2.ann", "img.lite2.agreement", "img.lite2.drop", "img.lite2.spikes"): third,
})  # fmt: skip
where = "photographs of the NIPS 2017 development set (WebP 85)"
for id, (ours, low, high) in measured.items():
    page.claim(id, ours, low=low, high=high, dataset=where, n=n_700)

# %% [markdown]
# So few photographs cannot tell these losses from zero. Nor is any of the three an independent test: $K = 8$ was chosen with some of these photographs for EfficientNet-Lite0 ({doc}`few_spike`), and taken over for Lite1; that of Lite2 was raised from
# 8 to 9 after its first run on all 700 had missed our target for same answers.
#
# **Networks trained here.** As in the paper, ResNets {cite:p}`he2016` classify CIFAR-10; we add a small EfficientNet with SiLU and gates. ResNet-8, 14 and 20 have
# one, two and three blocks of two convolutions at each of 16, 32 and 64 channels. The small EfficientNet has seven blocks of 24 to 64 channels, and, like
# ResNet-20, about a quarter of a million parameters. The stages of training were chosen with the test images in view, so their accuracy is slightly optimistic. The loss by
# conversion had no part in these choices. The neurons of each layer minimize squared error + $\lambda$ · spikes on {size}`cifar_calibration` training images;
# $\lambda$ was chosen so that neurons send at most {size}`cifar_most_relu` spikes for images held out (SiLU: {size}`cifar_most_silu`). They have {size}`cifar_steps`
# steps (SiLU: {size}`cifar_fitted_steps`). The published neurons, which were fitted once for EfficientNet-B7, lose {claim}`img.cifar.silu.published_drop`
# ({interval}`img.cifar.silu.published_drop`) in our small EfficientNet; with neurons fitted for each layer the difference is {claim}`img.cifar.silu.drop` ({interval}`img.cifar.silu.drop`), which cannot be told from zero.

# %%
titles = {
    "resnet8": "ResNet-8", "resnet14": "ResNet-14", "resnet20": "ResNet-20",
    "silu": "Small EfficientNet",
}  # fmt: skip
rows = []
for name, title in titles.items():
    for account in cifar.stages(name):  # as the training commands wrote it down
        recipe = account["recipe"]
        rows.append({
            "network": title, "stage": account["stage"], "epochs": recipe["epochs"],
            "hole [pixels]": recipe["hole"] or "none",
            "teacher": titles.get(recipe["teacher"], "none"),
            "minutes": round(account["seconds"] / 60),
            "accuracy [%]": f"{100 * account['test_accuracy']:.2f}",
        })  # fmt: skip
page.value("cifar_calibration", cifar.CALIBRATION)
page.value("cifar_steps", cifar.STEPS["resnet20"])
page.value("cifar_fitted_steps", cifar.STEPS["silu"])
page.value("cifar_most_relu", cifar.SPIKE_BUDGET["relu"])
page.value("cifar_most_silu", cifar.SPIKE_BUDGET["silu"])
trainings = page.table(pd.DataFrame(rows), "trainings")

# %%
if preset == "paper":  # CIFAR-10 is a download
    data = cifar10()
    images, answers_10 = data["test"]
    form = "JPEG copies (lossy)" if find("cifar10").form == "compact" else "official"
    test_images = f"CIFAR-10 test images, {form}"

    def on_cifar(name, published=False):
        few = cifar.conversion(name, data, published).network
        return compare(cifar_network(name), few, images.split(100), answers_10.numpy(), name)

    resnet8, resnet14, resnet20, silu = (on_cifar(name) for name in titles)
    silu_published = on_cifar("silu", published=True)

# %%
recorded = json.loads(package_file("results/images.json").read_text(encoding="utf-8"))
measured = {row["id"]: (row["ours"], row["low"], row["high"]) for row in recorded} | measured
if preset == "paper":
    on_test_images = by_claim({
        ("img.cifar.resnet8.ann", "img.cifar.resnet8.agreement",
         "img.cifar.resnet8.drop", "img.cifar.resnet8.spikes"): resnet8,
        ("img.cifar.resnet14.ann", "img.cifar.resnet14.agreement",
         "img.cifar.resnet14.drop", "img.cifar.resnet14.spikes"): resnet14,
        ("img.cifar.resnet20.ann", "img.cifar.resnet20.agreement",
         "img.cifar.resnet20.drop", "img.cifar.resnet20.spikes"): resnet20,
        ("img.cifar.silu.ann", "img.cifar.silu.agreement",
         "img.cifar.silu.drop", "img.cifar.silu.spikes"): silu,
    })  # fmt: skip
    on_test_images["img.cifar.silu.published_drop"] = silu_published.drop
    on_test_images["img.cifar.silu.published_spikes"] = silu_published.spikes
    for id, (ours, low, high) in on_test_images.items():
        page.claim(id, ours, low=low, high=high, dataset=test_images, n=len(images), seeds=1)
    measured |= on_test_images

# %% tags=["hide-input", "remove-output"]
said, none = package_claims(), (np.nan, np.nan)
ours = [
    (f"{n_700} photographs", f"EfficientNet-Lite{v}, ReLU6", f"img.lite{v}", "") for v in (0, 1, 2)
] + [
    (f"CIFAR-10{'' if preset == 'paper' else ' (recorded)'}", title, f"img.cifar.{name}", which)
    for title, name, which in (
        ("ResNet-8, ReLU", "resnet8", ""), ("ResNet-14, ReLU", "resnet14", ""), ("ResNet-20, ReLU", "resnet20", ""),
        ("small EfficientNet, SiLU", "silu", ""), ("the same, published neurons", "silu", "published_"),
    )
]  # fmt: skip
rows = []
for title, id in (("EfficientNet-B7, SiLU", "img.b7"), ("ResNet50, ReLU", "img.resnet50")):
    ann, snn, spikes = (float(said[f"{id}.{what}"].published) for what in ("ann", "snn", "spikes_per_neuron"))
    rows.append(("ImageNet (the talk, cited)", title, ann, *none, ann - snn, *none, spikes))
for group, title, id, which in ours:
    numbers = (measured[f"{id}.ann"], measured[f"{id}.{which}drop"], measured[f"{id}.{which}spikes"][:1])
    rows.append((group, title, *(number for three in numbers for number in three)))
ends = ["before", "before low", "before high", "lost", "lost low", "lost high"]
conversions = pd.DataFrame(rows, columns=["images", "network", *ends, "spikes per neuron"])
conversions["after"] = conversions["before"] - conversions["lost"]

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(7.5, 4.8), sharey=True, width_ratios=(2.2, 1.7, 1.5))
new_group = conversions["images"] != conversions["images"].shift()
c = conversions.assign(y=-np.arange(len(conversions)) - 1.1 * new_group.cumsum())
left.hlines(c["y"], c["before"], c["after"], color=ANN, lw=1)
left.errorbar(c["before"], c["y"], xerr=[c["before"] - c["before low"], c["before high"] - c["before"]], fmt="none", color=ANN, alpha=0.6)
left.plot(c["before"], c["y"], "o", mfc="white", mec=ANN, ms=8, label="before")
left.plot(c["after"], c["y"], "o", color=FEW, ms=4.5, label="after")
for group, y in c[new_group][["images", "y"]].itertuples(index=False):
    left.text(0.01, y + 0.95, group, transform=left.get_yaxis_transform(), va="center", fontsize=9, fontweight="bold").set_in_layout(False)
fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
middle.axvline(0, color=ANN, lw=1)
middle.errorbar(c["lost"], c["y"], xerr=[c["lost"] - c["lost low"], c["lost high"] - c["lost"]], fmt="o", color=FEW, ms=4.5)
right.plot(c["spikes per neuron"], c["y"], "o", color=FEW, ms=4.5)
for x, y in c[["spikes per neuron", "y"]].itertuples(index=False):
    right.text(x - 0.12, y, f"{x:.2f}", va="center", ha="right", fontsize=9)
left.set(yticks=c["y"], yticklabels=c["network"], xlabel="accuracy [%]", ylim=(c["y"].min() - 0.7, 0.9))
middle.set_xlabel("percentage points lost")
right.set(xlabel="spikes per neuron", xlim=(0, 2.5), xticks=[0, 1, 2])
for ax in (left, middle, right):
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
page.figure(fig, "conversions", conversions)
plt.show()

# %% [markdown]
# :::::{admonition} All conversions in numbers, and how the networks for CIFAR-10 were trained
# :class: dropdown
#
# :::{table} Conversions, with 95 percent intervals over images: Wilson's for accuracy and same answers; for the loss Tango's, which is for the difference of two shares of the same images. Accuracy on photographs is too high for ImageNet, accuracy on JPEG copies of CIFAR-10 too low.
# :name: tab-conversions
#
# | network | accuracy before | lost | same answer | spikes |
# |---|---|---|---|---|
# | EfficientNet-Lite0 | {claim}`img.lite0.ann` ({interval}`img.lite0.ann`) | {claim}`img.lite0.drop` ({interval}`img.lite0.drop`) | {claim}`img.lite0.agreement` ({interval}`img.lite0.agreement`) | {claim}`img.lite0.spikes` |
# | EfficientNet-Lite1 | {claim}`img.lite1.ann` ({interval}`img.lite1.ann`) | {claim}`img.lite1.drop` ({interval}`img.lite1.drop`) | {claim}`img.lite1.agreement` ({interval}`img.lite1.agreement`) | {claim}`img.lite1.spikes` |
# | EfficientNet-Lite2 | {claim}`img.lite2.ann` ({interval}`img.lite2.ann`) | {claim}`img.lite2.drop` ({interval}`img.lite2.drop`) | {claim}`img.lite2.agreement` ({interval}`img.lite2.agreement`) | {claim}`img.lite2.spikes` |
# | ResNet-8 | {claim}`img.cifar.resnet8.ann` ({interval}`img.cifar.resnet8.ann`) | {claim}`img.cifar.resnet8.drop` ({interval}`img.cifar.resnet8.drop`) | {claim}`img.cifar.resnet8.agreement` ({interval}`img.cifar.resnet8.agreement`) | {claim}`img.cifar.resnet8.spikes` |
# | ResNet-14 | {claim}`img.cifar.resnet14.ann` ({interval}`img.cifar.resnet14.ann`) | {claim}`img.cifar.resnet14.drop` ({interval}`img.cifar.resnet14.drop`) | {claim}`img.cifar.resnet14.agreement` ({interval}`img.cifar.resnet14.agreement`) | {claim}`img.cifar.resnet14.spikes` |
# | ResNet-20 | {claim}`img.cifar.resnet20.ann` ({interval}`img.cifar.resnet20.ann`) | {claim}`img.cifar.resnet20.drop` ({interval}`img.cifar.resnet20.drop`) | {claim}`img.cifar.resnet20.agreement` ({interval}`img.cifar.resnet20.agreement`) | {claim}`img.cifar.resnet20.spikes` |
# | small EfficientNet, fitted neurons | {claim}`img.cifar.silu.ann` ({interval}`img.cifar.silu.ann`) | {claim}`img.cifar.silu.drop` ({interval}`img.cifar.silu.drop`) | {claim}`img.cifar.silu.agreement` ({interval}`img.cifar.silu.agreement`) | {claim}`img.cifar.silu.spikes` |
# | the same, published neurons | as above | {claim}`img.cifar.silu.published_drop` ({interval}`img.cifar.silu.published_drop`) | not measured | {claim}`img.cifar.silu.published_spikes` |
# :::
#
# The authors' logs give ResNet-8, 14 and 20 {published}`img.cifar.resnet8.snn`, {published}`img.cifar.resnet14.snn` and
# {published}`img.cifar.resnet20.snn` in few spikes, with {published}`img.cifar.resnet8.spikes`, {published}`img.cifar.resnet14.spikes` and
# {published}`img.cifar.resnet20.spikes`. These are other trainings on the official images.
#
# :::{csv-table} Trainings on 48,000 images, as their commands logged them. Later stages go on with half the learning rate: with a square left out of each image (hole) {cite:p}`devries2017`, with the answers of another network (teacher) {cite:p}`hinton2015`, or with both. Accuracy on the test images.
# :name: tab-trainings
# :class: numbers
# :file: ../results/images/trainings.csv
# :header-rows: 1
# :::
# :::::
#
# ## How many steps does it take, and how many would a rate code need?
#
# A few-spike code halves the rounding error with each step, like $2^{-K}$. The usual {term}`rate code <rate coding>` {cite:p}`rueckauer2017` counts equal spikes
# over $N$ steps, and its error falls only like $1/N$. {numref}`fig-rate` shows both in the same EfficientNet-Lite0. Our rate code has a threshold for each channel,
# potentials that start at half the threshold, and leaves the first half of the steps out of the answer.

# %%
some = photographs_700 if preset == "paper" else photographs
ann, batches = lite0_ann, efficientnet_lite_input(some).split(5)
with torch.inference_mode():
    expected = torch.cat([ann(batch) for batch in batches])


@torch.inference_mode()
def with_steps(K):
    snn = convert(ann, batches[0][:1], K=K).network
    outputs, sent = zip(*(statistics(snn, batch) for batch in batches), strict=True)
    output, spikes = torch.cat(outputs), sum(sent[1:], sent[0]).spikes_per_neuron
    _, low, high = share(int((output.argmax(1) == expected.argmax(1)).sum()), len(output))
    return {"K": K, **deviation(expected, output), "low": low, "high": high, "spikes": spikes}


tried = page.size(smoke=(4, 8), book=(4, 5, 6, 7, 8, 9, 10, 12))
steps = pd.DataFrame([with_steps(K) for K in tried])
page.value("steps_photographs", len(some))
del some, batches
release_memory()

# %%
batch = efficientnet_lite_input(photographs[:3])  # more would take most of the time: many steps
ann, N = lite0_ann, page.size(smoke=2, book=96)
with torch.inference_mode():
    expected = ann(batch)
run = simulate(rate_coded(ann, batch), batch, N)  # thresholds for the photographs that it is shown
spikes = (run.spikes.cumsum(0) / run.neurons / len(batch)).tolist()
powers = [2**i for i in range(N.bit_length())]
errors = [deviation(expected, run.outputs[t - 1]) for t in powers]
rate = pd.DataFrame(errors).assign(steps=powers, spikes=[spikes[t - 1] for t in powers])
page.value("rate_photographs", len(batch))
del run
release_memory()

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(1, 3, figsize=(7.5, 2.8))
for ax, key, label in ((axes[0], "steps", "steps"), (axes[1], "spikes", "spikes per neuron")):
    ax.loglog(rate[key], rate["error"], "s-", ms=4, color=RATE)
    ax.loglog(steps["K" if key == "steps" else key], steps["error"], "o-", ms=4, color=FEW)
    ax.set(xlabel=label, title="error of the outputs", ylim=(None, 6))
    ax.tick_params(which="minor", labelbottom=False)
axes[0].text(0.6, 0.91, "rate code", color=RATE, ha="right", transform=axes[0].transAxes)
axes[0].text(0.05, 0.25, "few spikes", color=FEW, transform=axes[0].transAxes)
lengths = [steps["same"] - steps["low"], steps["high"] - steps["same"]]
axes[2].errorbar(steps["K"], steps["same"], yerr=lengths, fmt="o-", ms=4, color=FEW)
axes[2].set(xlabel="steps", title="same answers [%]", ylim=(0, 104), xticks=steps["K"])
both = pd.concat({"few spikes": steps.rename(columns={"K": "steps"}), "rate code": rate}, names=["code", None])
page.figure(fig, "rate", both.reset_index(0))
plt.show()

# %% [markdown]
# ```{figure} ../results/images/rate.*
# :name: fig-rate
# :alt: Left and middle, relative error of the outputs against steps and against spikes per neuron, on logarithmic axes. The curve of few spikes falls steeply; that of the rate code lies above it, flat at first and then falling slowly. Right, for few spikes only, the share of same answers rises with the steps and levels off, with wide intervals. Few spikes of five steps are closer than the rate code of sixty-four, which saw fewer photographs.
# EfficientNet-Lite0 in few spikes and in rate code. Left and middle: root mean square error of the outputs, relative to their spread. Right: photographs with the
# original's answer, few spikes only, with 95 percent intervals. Few spikes: {value}`steps_photographs` photographs. Rate code: the first
# {value}`rate_photographs`, with thresholds for just these, which favors it.
# ```
#
# The answers settle earlier than the numbers behind them, and each step costs about a quarter of a spike per neuron.
#
# **On a network with test images**: how long must a rate code run until our ResNet-20 is within half a percentage point of the original?
# A rate code is occupied by one image for all its steps. For few spikes, the time between images follows from the graph ({ref}`images-rhythm`).

# %%
graph_20 = layers_of(CIFAR["resnet20"], 32)  # who sends to each layer; neurons
senders, K_20 = graph_20[0], [cifar.STEPS["resnet20"]] * len(graph_20[0])
first_20, rhythms_20 = rhythm(K_20, senders=senders)[0], rhythms(K_20, senders)
pace_20 = rhythms_20["one"]
page.value("resnet20_layers", len(K_20) - 1)
page.value("resnet20_first", first_20)
for name in ("one", "two", "one_memory"):  # accumulators of a neuron; memories in the shortcuts
    page.value(f"resnet20_{name}", rhythms_20[name])
rhythms_20

# %%
curves, n_20 = rate_code.recorded_curves(), 500  # preset paper computes them anew
if preset == "paper":
    ann, calibration = cifar_network("resnet20"), data["train"].images[: cifar.CALIBRATION]
    few, coded = cifar.conversion("resnet20", data).network, rate_coded(ann, calibration)
    x, y, layers = images[:n_20], answers_10[:n_20], synapses(coded, images[:1])
    ours = {"rate": partial(simulate, coded, steps=256, layers=layers)}
    codes = ours | spikingjelly_runs(ann, calibration, 256, layers)
    version = f"SpikingJelly {metadata.version('spikingjelly')}"
    program = version if len(codes) > 1 else "without SpikingJelly"
    original, about = 100 * accuracy(ann, x, y), f"the first {n_20:,} {test_images}; {program}"
    curves = rate_code.curves_of(few, codes, x, y, original, about).round(6)
    page.table(curves, "rate_coding")

# %%
if preset == "paper" and (close := rate_code.first_close(curves))["enough"]["rate"]:  # the first step within half a percentage point
    needed, energy = close["steps"]["rate"], close["energy"]
    times = float(energy["rate"] / energy["few_spikes"])
    pace = f"{test_images}; a new image every {pace_20} steps, with one accumulator per neuron"
    page.claim("img.rate.resnet20.steps", int(needed), dataset=test_images, n=n_20)
    page.claim("img.rate.resnet20.energy", times, dataset=test_images, n=n_20)
    page.claim("img.throughput", float(needed / pace_20), dataset=pace, n=n_20)
page.value("rate_images", n_20)
page.value("curves_about", curves["about"][0])
of_few, of_rate = (curves[curves["code"] == code] for code in ("few_spikes", "rate"))
at_pace = of_rate.loc[of_rate["steps"] == pace_20, "accuracy"]  # of the rate code when few spikes are ready
for name, right in {"rate": at_pace, "few_spikes": of_few["accuracy"], "original": of_few["original"]}.items():
    page.value(f"pace_{name}", f"{right.item():.1f} %")
differ = rate_code.difference_of_spikes(curves)
shown = ("(not run)",) if differ is None else (differ, "{:.1g} %")
page.value("curves_difference", *shown)
rate_code.close_table(curves)

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(1, 2, figsize=(7.5, 3.4), sharey=True)
_, low, high = zip(*(share(round(n_20 * right / 100), n_20) for right in curves["accuracy"]), strict=True)
curves = curves.assign(low=low, high=high)
few = curves[curves["code"] == "few_spikes"].iloc[0]
styles = {"rate": (RATE, "-"), "spikingjelly": (GREEN, "--"), "spikingjelly_robust": (RED, ":")}
for ax, key, label in ((axes[0], "steps", "steps"), (axes[1], "energy", "energy of the operations [µJ]")):
    ax.axhspan(-1, rate_code.WITHIN, color=ANN, alpha=0.15, lw=0, label="within half a point")
    for name, (color, style) in styles.items():
        part = curves[curves["code"] == name]
        ax.semilogx(part[key], part["original"] - part["accuracy"], style, color=color, label=rate_code.CODES[name])
        ax.fill_between(part[key], part["original"] - part["high"], part["original"] - part["low"], color=color, alpha=0.12, lw=0)
    places = {"o": (pace_20, "to the next image"), "s": (first_20, "to the first answer")}
    for marker, (x, what) in (places if key == "steps" else {"o": (few[key], "")}).items():
        ax.plot(x, few["original"] - few["accuracy"], marker, color=FEW, ms=7, label=f"few spikes, {what}")
        ax.vlines(x, few["original"] - few["high"], few["original"] - few["low"], color=FEW, lw=1)
    ax.set(xlabel=label, ylim=(10, -1), xlim=(8, 600))
    ax.set_xticks([10, 20, 50, 100, 200, 500], ["10", "20", "50", "100", "200", "500"])
    ax.minorticks_off()
axes[0].set_ylabel("points below the original")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
page.figure(fig, "rate-coding", curves)
plt.show()

# %% [markdown]
# ```{figure} ../results/images/rate-coding.*
# :name: fig-rate-coding
# :alt: Percentage points below the original's accuracy against steps and against energy, on logarithmic axes. The curves of the rate codes rise toward a shaded band within half a point of the original and reach it after about seventy steps, or never; few spikes lie in the band with fewer steps between images and far less energy, but with a later first answer.
# ResNet-20 on CIFAR-10 in few spikes (disc, square) and in rate codes (curves, step by step): percentage points below the original's accuracy. Few spikes need fewer steps
# between images and less energy, but answer the first image later. Bands and lines: 95 % intervals of the accuracy over {size}`rate_images` images. Recorded: {value}`curves_about`;
# energy emulated: counted operations times prices, with 32 bits.
# ```
#
# The rate code needs {claim}`img.rate.resnet20.steps` for an image. Few spikes take a new one every {value}`resnet20_one` steps with one {term}`accumulator`
# per neuron, {value}`resnet20_two` with two, and {value}`resnet20_one_memory` with one and memories in the shortcuts. With one, that is {claim}`img.throughput` times as many images in the same
# time (the talk: {published}`img.throughput`). The operations of the rate code take {claim}`img.rate.resnet20.energy` the energy of few spikes.
#
# The *first* answer of few spikes comes later: after {value}`resnet20_first` steps, since each of {value}`resnet20_layers` layers waits for the one before, while in a rate code all work at once.
# Half a point of {size}`rate_images` images is two or three images, so this comparison is rough. At equal pace, after {value}`resnet20_one` steps, the rate code
# classifies {recorded}`pace_rate` correctly, few spikes {recorded}`pace_few_spikes`, the original {recorded}`pace_original`.
# SpikingJelly's converter {cite:p}`fang2023` is another rate code. Its robust mode sets thresholds by the 99.9th percentile of activations, not by the largest. After equal steps its
# neurons then send as many spikes as ours, to {recorded}`curves_difference`. It needs more steps, since its answer includes the first half of them. Two things favor rate codes here. We take the first step within half a point, although the accuracy may fall below it
# again later. And updates of membranes cost nothing in our count.
#
# ## Does training on help?
#
# Where the conversion loses much, yes: a small network with {term}`SiLU` gains {claim}`img.tune.k2` ({interval}`img.tune.k2`, over three networks) with two steps and {claim}`img.tune.k3`
# ({interval}`img.tune.k3`) with three. With eight steps it gains {claim}`img.tune.k8`, no more than the original does if that is trained on ({value}`tune_original`). With {term}`ReLU` and two steps the three networks gain {value}`tune_relu` ({numref}`fig-tune`).
# `convert` with `trainable=True` sends spikes forward, and gradients pass a neuron with coded value $\hat f(x)$ as they pass its activation $f$ (*straight-through*):
#
# $$
# \frac{\partial \hat f}{\partial x} := f'(x) .
# $$
#
# The network has two convolutions of 8 and 16 channels and a linear layer. It learns {size}`tune_train` of MNIST's test images, which come with a checkout, in {size}`tune_epochs` epochs; the other {size}`tune_test` test it. After
# its conversion it is trained on for {size}`tune_more` epochs. So is the original, for a fair comparison.

# %%
digits, chosen = read_mnist_test(), torch.randperm(10_000, generator=torch_generator(0, "digits to learn from"))
x, y = (torch.from_numpy(np.array(part))[chosen] for part in (digits.images, digits.labels))
x, y, split = x[:, None] / 255, y.long(), 5000
epochs, more = page.size(smoke=1, book=4), page.size(smoke=1, book=2)
page.value("tune_epochs", epochs)
page.value("tune_more", more)
page.value("tune_train", split, "{:,}")
page.value("tune_test", len(x) - split, "{:,}")


def train(network, epochs, rate, generator):
    optimizer = torch.optim.Adam(network.parameters(), rate)
    for _ in range(epochs):
        for batch in torch.randperm(split, generator=generator).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimizer.step()


def gained_by_training_on(network, generator):  # right answers before [%], and how many more after [pp]
    before = 100 * accuracy(network, x[split:], y[split:])
    train(network, more, 1e-3, generator)
    return before, 100 * accuracy(network, x[split:], y[split:]) - before


# %%
tuned = []
for k, kind in product(range(page.size(smoke=1, book=3)), (nn.SiLU, nn.ReLU)):
    with seeded_draws(k, "small network"):
        parts = nn.Conv2d(1, 8, 3, 2), kind(), nn.Conv2d(8, 16, 3, 2), kind(), nn.Flatten(), nn.Linear(576, 10)
    small, g = nn.Sequential(*parts), torch_generator(k, "order of digits")
    train(small, epochs, 2e-3, g)
    for K in (2, 3, 8) if kind is nn.SiLU else (2,):
        few = convert(small, x[:200], calibration=x[:200], K=K, seed=k, trainable=True).network
        tuned.append((kind.__name__, k, K, *gained_by_training_on(few, g)))
    tuned.append((kind.__name__, k, "original", *gained_by_training_on(small, g)))
tuned = pd.DataFrame(tuned, columns=["activation", "seed", "K", "right", "gained"])
gained = tuned[tuned["activation"] == "SiLU"].groupby("K")["gained"]
where = {"dataset": "MNIST's test images, a part that was not learned", "n": len(x) - split}
page.claim("img.tune.k2", gained.get_group(2), **where)
page.claim("img.tune.k3", gained.get_group(3), **where)
page.claim("img.tune.k8", gained.get_group(8), **where)
page.value("tune_original", float(gained.get_group("original").mean()), "{:.1f} pp")
of_relu = tuned.query("activation == 'ReLU' and K == 2")["gained"]
page.value("tune_relu", ", ".join(f"{pp:.1f}" for pp in of_relu) + " pp")
tuned.groupby(["activation", "K"])[["right", "gained"]].mean().round(2)

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(1, 2, figsize=(7.5, 2.9), sharey=True, width_ratios=(2, 1))
for ax, (kind, rows) in zip(axes, tuned.groupby("activation", sort=False), strict=True):
    for k, ends in enumerate((2, 3, 8, "original") if kind == "SiLU" else (2, "original")):
        some = rows[rows["K"] == ends]
        at, color = k + 0.14 * (some["seed"] - 1), ANN if ends == "original" else FEW
        ax.vlines(at, some["right"], some["right"] + some["gained"], color=color, lw=1.6)
        ax.plot(at, some["right"], "o", at, some["right"] + some["gained"], "^", ms=4, color=color)
    ax.set(title=kind, xticks=range(k + 1), xticklabels=rows["K"].astype(str).unique(), xlabel="steps K", xlim=(-0.5, k + 0.5))
axes[0].set_ylabel("right [%]")
page.figure(fig, "tune", tuned.astype({"K": str}))
plt.show()

# %% [markdown]
# ```{figure} ../results/images/tune.*
# :name: fig-tune
# :alt: Right answers before and after training on, an arrow for each of three networks. With SiLU and two or three steps the arrows are long where they begin low; with eight steps they are as short as those of the original. With ReLU and two steps one arrow is short and two are long. Training on brings back most of what few steps cost.
# Right answers on unseen digits [%], from the conversion (dot) to the same network trained on (arrowhead), for three networks each. The original is trained on as long.
# ```
#
# (images-everything)=
# ## Can all of a transformer spike?
#
# Yes, but its operations then take {claim}`img.vit.energy` the energy of 8-bit integers that skip zeros: a transformer has few zeros, and pairs of spikes are many. The network is a small vision transformer
# {cite:p}`dosovitskiy2021`, {size}`vit_depth` blocks on patches of 4 × 4 pixels. Attention, softmax and normalization spike with {size}`vit_K` steps, too. Its accuracy falls by {claim}`img.vit.drop` ({interval}`img.vit.drop`),
# and a neuron sends {claim}`img.vit.spikes`.
#
# `convert` leaves a product of two signals analog, and so softmax and layer normalization, unless it is told `everything=True`. Then it writes them with what spikes can do
# ({mod}`~snncore.few_spike.expand`):
#
# $$
# \begin{aligned}
# \text{softmax}(x)_i &= e^{x_i - m} \cdot \Big( \sum_j e^{x_j - m} \Big)^{-1} \\
# \text{norm}(x)_i &= u_i \cdot \Big( \frac{1}{n} \sum_j u_j \cdot u_j + \epsilon \Big)^{-\frac{1}{2}}
# \end{aligned}
# $$
#
# with the largest number $m$, and $u_i = x_i - \bar x$.
#
# - *Exponential, reciprocal and inverse square root* act on one number: few-spike neurons compute them. *Sums* are linear.
# - *A product* needs both numbers as spikes. A pair of spikes, of step $s$ in one and step $t$ in the other, adds the constant $d(s)\, d'(t)$.
# - *The largest number* $m$ wins a race of $K$ rounds. Codes send their largest parts first; in each step, whoever stays silent while another one that is still in the race fires drops out.
# - *Synapses* receive spikes: where a number is no neuron's output, a neuron for the identity sends it. Only pixels are multiplied by weights, {value}`vit_macs` of all multiply-accumulates. Constants that scale a
#   number, such as the weights of a normalization, could be put into the weights behind it.

# %%
with seeded_draws(0, "small transformer"):
    transformer = VisionTransformer(depth=2)
page.value("vit_depth", 2)
g = torch_generator(0, "order of digits, transformer")
train(transformer, page.size(smoke=1, book=24), 3e-3, g)
train(transformer, page.size(smoke=1, book=8), 5e-4, g)
transformer.eval()
unseen, digit, sent = x[split:].split(100), y[split:].numpy(), {}
for K in page.size(smoke=(6,), book=(10,), paper=(6, 8, 10)):
    few = convert(transformer, x[:1], calibration=x[:200], K=K, everything=True)
    sent[K] = compare(transformer, few.network, unseen, digit, f"K = {K}")
print(few.report)

# %% [markdown]
# Nothing in this report is analog.

# %%
where = {"dataset": "MNIST's test images, a part that was not learned", "n": len(digit)}
lost, low, high = sent[K].drop
page.claim("img.vit.drop", lost, low=low, high=high, **where)
number, low, high = sent[K].spikes
page.claim("img.vit.spikes", number, low=low, high=high, **where)
work = cost(few.network, unseen[0][:10]).set_index("network")
of_transformer = work["energy"]
sparse, spiking = (of_transformer[name] for name in ("original, 8-bit integers, zeros skipped", "few spikes, integers"))
page.claim("img.vit.energy", spiking / sparse, dataset=where["dataset"], n=10)
macs = work["multiply-accumulates"]
page.value("vit_macs", 100 * float(macs["few spikes, integers"] / macs["original, 8-bit integers"]), "{:.0f} %")
page.value("vit_K", K)
page.value("vit_pairs", f"{K**2}")
columns = {"right before conversion [%]": "accuracy", "same answers [%]": "agreement", "lost [pp]": "drop", "spikes per neuron": "spikes"}
print(of_transformer.div(1000).round().to_string(), "\n")  # nJ
pd.DataFrame({f"K = {K}": {name: getattr(a, key)[0] for name, key in columns.items()} for K, a in sent.items()}).round(2)

# %% [markdown]
# With {size}`vit_K` steps, two codes have {size}`vit_pairs` pairs of steps, and the codes of numbers of both signs fire at their first step always. So few spikes are not few here. We tried 6 and 8 steps, too (preset `paper`), and 12 with an
# earlier network; none was chosen by these answers. Not counted are exponentials, roots and quotients of the original, races, sums, and memory.
#
# (images-rhythm)=
# ## When can the next image start?
#
# In a chain of layers after $2K$ steps, as the talk says; in its own two networks later, unless shortcuts have memories.
#
# A layer collects spikes for $K$ steps and emits its own in the next $K$. While it emits it cannot collect, so in a chain a new image
# starts every {claim}`img.schedule.period` at $K = 16$. With two accumulators per neuron it is {value}`period_double` steps. The first answer of $L$ layers comes after
# $K (L + 1)$ steps: {value}`b7_latency` for a chain as long as EfficientNet-B7. We simulate the {term}`pipeline` event by event
# ({func}`~snncore.few_spike.schedule.pipeline`), and check the formulas against it.

# %%
K, layers = 16, b7.layers
first, period = rhythm([K] * (layers + 1))
_, period_double = rhythm([K] * (layers + 1), double_buffered=True)
where = f"event simulation, K = {K}, a chain of {layers} layers"
page.claim("img.schedule.period", period, dataset=where, n=IMAGES)
tried = [(k, depth, two) for k in (1, 4, 10, 16) for depth in (1, 7, 50) for two in (False, True)]
formula = all(rhythm([k] * (depth + 1), two)[0] == k * (depth + 1) for k, depth, two in tried)
formula = formula and first == K * (layers + 1)
where = f"event simulation of {len(tried) + 1} networks"
page.value("b7_latency", first, "{:,}")
page.value("period_double", period_double)
page.verdict("img.schedule.latency", formula, dataset=where)

# %%
small, shortcut = [4] * 5, chain(5)  # K of the input and of four layers
shortcut[3].insert(0, 1)  # layer 3 receives from layers 1 and 2
timelines = {
    "a chain, one accumulator": pipeline(small, 4),
    "a chain, two accumulators": pipeline(small, 4, double_buffered=True),
    "a shortcut past layer 2, one accumulator": pipeline(small, 4, senders=shortcut),
}
levels = 2 ** small[0]  # that 4 steps tell apart; a rate code needs as many steps
timelines[f"rate code of {levels} steps: as many levels as 4 binary steps"] = [
    Emission(layer, image, image * levels, (image + 1) * levels)
    for image in range(4) for layer in range(5)
]  # fmt: skip

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(4, 1, figsize=(7.5, 7.2), sharex=True)
rows = []
for ax, (title, emissions), gap in zip(axes, timelines.items(), ("$2K$", "$K$", "$3K$", "$2^K$"), strict=True):
    for e in emissions:
        ax.broken_barh([(e.start, e.end - e.start)], (e.layer - 0.4, 0.8), color=[BLUE, RED, GREEN, ANN][e.image], edgecolor="white")
        ax.text((e.start + e.end) / 2, e.layer, e.image + 1, color="white", ha="center", va="center", fontsize=9, fontweight="bold")
        rows.append({"network": title, **e._asdict()})
    start, end = (e.start for e in emissions if e.layer == 4 and e.image in (0, 1))
    ax.annotate("", (end, 4.85), (start, 4.85), arrowprops={"arrowstyle": "<->", "shrinkA": 0, "shrinkB": 0})
    ax.text(end + 0.6, 4.85, gap, va="center")
    ax.set(ylabel="layer", yticks=range(5), ylim=(5.4, -0.6), title=title)
axes[-1].set(xlabel="step", xlim=(0, 65))
page.figure(fig, "schedule", pd.DataFrame(rows))
plt.show()

# %% [markdown]
# ::::{live} pipeline
# :label: When can the next image start? Layers, shortcuts, accumulators and memories
# ```{figure} ../results/images/schedule.*
# :name: fig-schedule
# :alt: Four time lines of five layers, each emitting four images as numbered bars. In the first three, one layer emits after the other: in a chain with one accumulator a layer pauses between two images, with two it does not, with a shortcut it pauses twice as long. In the last, in rate code, all layers emit together, four times as long for each image. Arrows mark the steps from one image to the next. A shortcut makes few spikes slower, but not as slow as a rate code.
# Which layer emits which image (number, color) when, for $K = 4$; layer 0 is the input. Arrows: steps from one image to the next. A shortcut costs a further $K$ steps. In rate
# code an image occupies all layers at once, for as many steps as numbers have levels.
# ```
# ::::
#
# A neuron behind a shortcut receives from layers that emit at different times. Its accumulator is busy from the first of these emissions to
# the last. The blocks of EfficientNet-B7 end without an activation: neurons behind a block collect from all blocks of their stage. A memory
# in each shortcut restores the period of $2K$ steps. It holds spikes until the other senders emit: {claim}`img.schedule.b7.memories` of $K$
# bits for each neuron of EfficientNet-B7, {claim}`img.schedule.resnet50.memories` in ResNet50.

# %%
networks = {
    f"chain of {layers} layers": (chain(layers + 1), [0] * (layers + 1)),
    "ResNet-20 (CIFAR-10)": graph_20,
    "ResNet50": layers_of(resnet50, 224),
    "EfficientNet-B7": layers_of(efficientnet_b7, 600),
}
by_graph = rhythm_table(networks).set_index("network")
graphs = {name: {"senders": graph[0], "neurons": graph[1]} for name, graph in networks.items() if not name.startswith("chain")}
page.document("pipeline.live", {"layers": 4, "K": small[0], "networks": graphs})  # the time lines above compute in the page
one, held = by_graph["one accumulator"], by_graph["numbers to hold, per neuron"]
where, with_them = "event simulation, one accumulator", "memories with which the rhythm is 2 K"
page.claim("img.schedule.b7", int(one["EfficientNet-B7"]), dataset=where)
page.claim("img.schedule.b7.memories", float(held["EfficientNet-B7"]), dataset=with_them)
page.claim("img.schedule.resnet50", int(one["ResNet50"]), dataset=where)
page.claim("img.schedule.resnet50.memories", float(held["ResNet50"]), dataset=with_them)

# %% tags=["hide-input", "remove-output"]
fig, (left, right) = plt.subplots(1, 2, figsize=(7.5, 2.5), sharey=True, width_ratios=(1.7, 1))
y = -np.arange(len(by_graph))
left.hlines(y, by_graph["one, and memories"], one, color=ANN, lw=1)
left.plot(one, y, "o", color=FEW, ms=7, label="without memories")
left.plot(by_graph["one, and memories"], y, "o", mfc="white", mec=FEW, ms=7, label="with memories")
for x, place in zip(one, y, strict=True):
    left.text(x * 1.15, place, f"{x} K", va="center")
left.set(xscale="log", xlim=(1.5, 110), yticks=y, yticklabels=by_graph.index, xlabel="steps between images [$K$]", ylim=(y[-1] - 0.6, 0.6))
left.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
left.minorticks_off()
left.legend(loc="upper right")
right.barh(y, held, 0.5, color=ANN)
for x, place in zip(held, y, strict=True):
    right.text(x + 0.15, place, f"{x:.1f}", va="center")
right.set(xlabel="numbers to hold, per neuron", xlim=(0, 9))
page.figure(fig, "rhythms", by_graph.reset_index())
plt.show()

# %% [markdown]
# ```{figure} ../results/images/rhythms.*
# :name: fig-rhythms
# :alt: Left, steps between images for four networks: 2K for a chain, one and a half times and twice that for two ResNets, and {claim}`img.schedule.b7` for EfficientNet-B7, without memories; 2K for all with memories. Right, numbers that the memories hold per neuron: none for the chain, most for EfficientNet-B7. The talk's period holds for its networks only if much is stored.
# Steps from one image to the next, as multiples of $K$, with one accumulator per neuron (left), and what memories in the shortcuts must hold
# (right). The talk's $2K$ holds in a chain only. Event simulation (emulated), all layers with the same $K$.
# ```
#
# ## Does it save energy?
#
# Not by arithmetic alone. A spike at a synapse costs an addition in place of a multiply-accumulate. With $n$ operations at prices $e$,
#
# $$
# E = n_\text{mac}\, e_\text{mac} + n_\text{add}\, e_\text{add} .
# $$
#
# The prices are those of single operations in a 45 nm process {cite:p}`horowitz2014`. Few spikes have additions at synapses and in the neurons, one per step and one
# per spike. The bottlenecks of EfficientNet-Lite, the narrow layers at the ends of its blocks, have no activation, so the next layer receives sums of weighted spikes, not spikes.
# It still multiplies: {value}`graded_share` of the multiply-accumulates remain.

# %%
# comparisons with the threshold, and resets
updates = round(lite0.statistics.neurons * (LITE_K[0] + lite0.statistics.spikes_per_neuron))
work = operations_table(traffic, updates)
fp32, int8, sparse, few_fp32, few_int8 = work["energy"]
graded = sum(t.macs for t in traffic if t.graded) / sum(t.macs for t in traffic)
page.value("graded_share", 100 * graded, "{:.0f} %")
where = f"EfficientNet-Lite0, K = {LITE_K[0]}, operations without memory, at synapses on {exact} photographs, in neurons on {n}"
page.claim("img.energy.fp32", float(few_fp32 / fp32), dataset=where)
page.claim("img.energy.int8", float(few_int8 / int8), dataset=where)
page.claim("img.energy.sparse", float(few_int8 / sparse), dataset=where)
millions = (work.set_index("network") / 1e6).round(1)  # operations; energy [µJ]
millions.columns = ["multiply-accumulates [M]", "additions [M]", "energy [µJ]"]
millions

# %% tags=["hide-input", "remove-output"]
fig, axes = plt.subplots(1, 2, figsize=(7.5, 2.6), width_ratios=(1, 1.25))
groups = {"fp32": ["original, 32-bit floating point", "few spikes, 32-bit floating point"],
          "int8": ["original, 8-bit integers", "original, 8-bit integers, zeros skipped", "few spikes, integers"]}  # fmt: skip
for ax, (kind, names) in zip(axes, groups.items(), strict=True):
    part, y = work.set_index("network").loc[names] / 1e6, -np.arange(len(names))
    parts = part["multiply-accumulates"] * PRICES[kind][0], part["additions"] * PRICES[kind][1]
    ax.barh(y, parts[0], 0.6, color=ANN, label="multiply-accumulates")
    ax.barh(y, parts[1], 0.6, left=parts[0], color=FEW, label="additions")
    for energy, place in zip(part["energy"], y, strict=True):
        ax.text(energy, place, f" {energy:,.0f}", va="center")
    labels_y = [name.split(", ")[0] + (", zeros\nskipped" if "zeros" in name else "") for name in names]
    ax.set(yticks=y, yticklabels=labels_y, xlim=(0, 1.2 * part["energy"].max()), ylim=(y[-1] - 0.6, 0.6), xlabel="energy [µJ]")
    ax.grid(axis="y", visible=False)
axes[0].set_title("32-bit floating point")
axes[1].set_title("integers: 8 bits, sums 32 bits")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
page.figure(fig, "energy", millions.reset_index())
plt.show()

# %% [markdown]
# ```{figure} ../results/images/energy.*
# :name: fig-image-energy
# :alt: Bars of energy, split into multiply-accumulates and additions. In 32-bit floats few spikes need about two thirds of the original's energy. In integers they need three quarters of the dense original's, but as much as the original that skips zeros. Arithmetic alone gives few spikes no advantage over a sparse accelerator.
# Energy of the operations of EfficientNet-Lite0 for one photograph (emulated: operations counted on {value}`evaluations_photographs` at the synapses, times prices). Photographs of foolbox {cite:p}`rauber2020`.
# In integers, few spikes need as much as the original that skips zeros. Memory is not counted.
# ```
#
# Other networks fare no better, counted in the same way: a chain of ReLUs with shortcuts, the ResNet-20 of {numref}`tab-conversions`, and the transformer of {ref}`images-everything`. To count, ResNet-20 sees photographs made as small as those of CIFAR-10.

# %%
mean, std = (torch.tensor(a).view(3, 1, 1) for a in (CIFAR10_MEAN, CIFAR10_STD))
colors = [torch.from_numpy(p).permute(2, 0, 1)[None] / 255 for p in photographs_20[:10]]
shown = torch.cat([(torch.nn.functional.interpolate(p, (32, 32), mode="area") - mean) / std for p in colors])
resnet = convert(cifar_network("resnet20"), shown[:1], calibration=shown, K=cifar.STEPS["resnet20"])
of_resnet = cost(resnet.network, shown).set_index("network")["energy"]
of_lite = work.set_index("network")["energy"]
networks = {"EfficientNet-Lite0": of_lite, "ResNet-20": of_resnet, "vision transformer": of_transformer}
in_integers = pd.DataFrame(networks).T.filter(like="integers") / 1e6
times = in_integers["few spikes, integers"] / in_integers["original, 8-bit integers, zeros skipped"]
in_integers["few spikes / zeros skipped"] = times
page.value("resnet_energy", times["ResNet-20"], "{:.2f}×")
in_integers.round(3)  # µJ

# %% [markdown]
# In 8-bit integers few spikes take {claim}`img.energy.int8` the energy of a dense network and {claim}`img.energy.sparse` that of one that skips zeros, as sparse accelerators do; in ResNet-20 {value}`resnet_energy` and in the transformer {claim}`img.vit.energy`. Against 32-bit floats they take {claim}`img.energy.fp32`.
# Two choices favor few spikes: sums of weighted spikes are priced as 8-bit numbers, and the weighting by $d(t)$, here a shift, is free. One favors the original: its activations are free. Most
# conversions by rate coding save no energy either {cite:p}`davidson2021`. So a chip has to gain elsewhere, in memory or communication.
#
# The talk calls the cost of a few-spike neuron on a chip {published}`img.chip.cost`, and names the rival: {published}`img.chip.relu`. Whether SiLU can be built
# efficiently is {published}`img.chip.silu`; a few-spike neuron takes any activation with the same circuit. On an ordinary processor, see {doc}`speed`.
#
# ## Can the most frequent spike be saved?
#
# Yes, in arithmetic. Most inputs of EfficientNet-B7 need the spike of step {value}`offset_step`, which shifts the output down: {published}`fs.silu.offset_share` of all spikes in the
# authors' log. Let the receiver add that shift as a constant, and the neuron send a spike when it does *not* apply. The function is the same, with
# {claim}`img.complement.spikes`. Counted in our small EfficientNet with the published neurons, it is {claim}`img.cifar.silu.silence_spikes` in place of
# {claim}`img.cifar.silu.published_spikes`. This is our extension of the model, no result of the paper.

# %%
log = spikes_per_step_log()  # spikes of a neuron in each step
step = int(np.argmax(log))
page.value("offset_step", step + 1)
complement, where = sum(log) + 1 - 2 * log[step], "the authors' log of one ImageNet image"
page.claim("img.complement.spikes", complement, dataset=where, n=1)

# %%
if preset == "paper":
    params = coefficients("silu.published").params
    silent = variants.spikes_by_silence(silu_published.statistics, params, step)
    page.claim("img.cifar.silu.silence_spikes", silent, dataset=test_images, n=len(images), seeds=1)

# %% [markdown]
# ## Summary
#
# - One line converts a trained image classifier. What EfficientNet-Lite loses, {size}`photographs_700` photographs do not settle: {claim}`img.lite0.drop` ({interval}`img.lite0.drop`), with
#   two spikes per neuron or fewer. The published SiLU neurons cost our small EfficientNet {claim}`img.cifar.silu.published_drop`; with neurons fitted for each layer the difference is {claim}`img.cifar.silu.drop` ({interval}`img.cifar.silu.drop`).
# - The talk's accuracy on ImageNet is cited. Its numbers of neurons and layers are confirmed.
# - A new image every $2K$ steps holds in a chain. EfficientNet-B7 needs {claim}`img.schedule.b7`, or memories of {claim}`img.schedule.b7.memories` per neuron.
# - Few spikes beat a rate code in energy, but not in the time to the first answer. In images per time it is {verdict}`img.throughput`: the test images are too few.
# - They do not beat 8-bit integers that skip zeros by arithmetic alone.
#
# ## Exercises
#
# 1. Layer 4 of six layers also collects from layer 1. How many steps pass between images at $K = 16$, with one accumulator or two, without and with memories?

# %% tags=["solution"]
senders = chain(7)  # the input and six layers
senders[4].insert(0, 1)
print(rhythms([16] * 7, senders))  # the shortcut passes two layers: 2 K more

# %% [markdown]
# 2. What may an addition cost at most, if few spikes are to need no more energy than 8-bit integers that skip zeros?

# %% tags=["solution"]
_, _, rival, _, few_spikes = work.to_dict("records")
saved = (rival["multiply-accumulates"] - few_spikes["multiply-accumulates"]) * PRICES["int8"][0]
print(f"at most {saved / few_spikes['additions']:.3f} pJ; the price was {PRICES['int8'][1]} pJ")

# %% [markdown]
# 3. In which layers of EfficientNet-Lite0 do neurons send most spikes, and in which the fewest?

# %% tags=["solution"]
rows = [(a.node, a.neurons, a.spikes / a.neurons) for a in lite0.statistics.layers]
per_layer = pd.DataFrame(rows, columns=["layer", "neurons", "spikes per neuron"])
per_layer = per_layer.sort_values("spikes per neuron")
pd.concat([per_layer.tail(3)[::-1], per_layer.head(3)]).round(2)

# %% [markdown]
# 4. How many images does it take to tell a loss of 0.3 points from zero, if 1.3 percent of the answers change from right to wrong or back?

# %% tags=["solution"]
for n_images in (700, 5_000, 50_000):
    worse, better = round(0.008 * n_images), round(0.005 * n_images)
    low, high = (100 * end for end in tango(worse, better, n_images))
    print(f"{n_images:6,} images: {worse - better} answers lost, {low:.2f} to {high:.2f} points")

# %% [markdown]
# 5. What do noise of the thresholds (as a share of the code's range, 6) and weights of few bits do to the outputs?

# %% tags=["solution"]
lite, photograph = efficientnet_lite(0), efficientnet_lite_input(photographs[:1])
photograph = torch.nn.functional.interpolate(photograph, 96)  # small: a matter of seconds
with torch.inference_mode():
    right, few = lite(photograph), convert(lite, photograph, K=8).network
    for sigma in (0, 0.02):
        noisy = variants.noisy(few, 6 * sigma, torch_generator(seed, f"noise {sigma}"))
        print(f"noise of {sigma}: error {deviation(right, noisy(photograph))['error']:.2f}")
    for bits in (8, 5):
        rounded = variants.coarse(lite, bits)
        both = rounded, convert(rounded, photograph, K=8).network
        errors = [deviation(right, network(photograph))["error"] for network in both]
        print(f"{bits} bits: error {errors[0]:.2f} in the original, {errors[1]:.2f} in few spikes")

# %% [markdown]
# ## Use it on yours
#
# Any classifier of PyTorch that takes one tensor of images will do. What cannot be converted is refused, with the reason. {doc}`../guide/convert` chooses the number of steps and says what
# the network costs.

# %%
network = cifar_network("resnet20")  # put yours here
photos = efficientnet_lite_input(photographs_20[:4])
images_of_yours = torch.nn.functional.interpolate(photos, 32)  # and a few of your images

conversion = convert(network, images_of_yours[:1], calibration=images_of_yours, K=8)
with torch.inference_mode():
    output, sent = statistics(conversion.network, images_of_yours)
    print(deviation(network(images_of_yours), output))
print(f"{sent.spikes_per_neuron:.2f} spikes per neuron, of {sent.neurons:,}")
layer_errors(conversion, images_of_yours).tail(3)  # where the error arises

# %% [markdown]
# ## This chapter's rows of the ledger
#
# <!-- ledger -->
