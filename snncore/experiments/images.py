"""Image classifiers as few-spike networks: the talk's table, real networks about photographs, and what limits them.

``python -m snncore.experiments images --train resnet8`` trains one of the CIFAR-10 networks of ``data/checkpoints``;
``--model efficientnet_b7 --images DIR`` evaluates a network about a folder of images (`snncore.tools.imagenet`).
"""

import argparse
import copy
import importlib
import json
import math
import operator
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.optimize
import scipy.stats
import torch
from torch import Tensor, fx, nn
from tqdm import tqdm

from snncore.datafiles import find, package_file, read_photographs_20, read_photographs_700
from snncore.few_spike import FUNCTIONS, FSParams, coefficients, fs_decode, fs_run, fs_step, published_neurons, quality
from snncore.few_spike.coefficients import spikes_per_step_log
from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import Statistics, Traffic, spike_train, statistics, stepwise
from snncore.few_spike.layer import Conversion, FSActivation, Report
from snncore.few_spike.operations import NAMED
from snncore.few_spike.rate_code import RateRun, rate_coded, simulate, synapses
from snncore.few_spike.schedule import Emission, Senders, answers, chain, pipeline, with_memories
from snncore.few_spike.trace import Traced, traced
from snncore.few_spike.zoo import B7_INPUT
from snncore.learning.classifier import Recipe, accuracy, distilled
from snncore.networks.checkpoints import about_checkpoint
from snncore.networks.images import CIFAR, cifar_network, efficientnet_lite, efficientnet_lite_input, imagenet_categories
from snncore.peers import ask_spikingjelly
from snncore.peers.ask import has_oracle
from snncore.provenance import release_memory
from snncore.record import Record
from snncore.seeds import seeded_draws, torch_generator
from snncore.statistics import interval, share
from snncore.tasks.images import Labeled, augmented, cifar10
from snncore.trainings.job import Job, train_or_read_classifier

LITE_K = {0: 8, 1: 8, 2: 9}  # steps of the EfficientNet-Lite networks: how they were chosen is said in the chapter
CALIBRATION = 256  # training images from which the layers of a CIFAR-10 network get their parameters
CIFAR_K = {"resnet8": 9, "resnet14": 9, "resnet20": 9, "silu": 16}  # chosen with the validation images
TRIED = (2e-4, 4e-4, 5e-4, 6e-4, 7e-4, 8e-4, 1e-3)  # prices
MOST = {"relu": 1.45, "silu": 2.1}  # spikes per neuron: a little less than the paper has for ResNet50 and EfficientNet-B7
PENALTY = {"resnet8": 7e-4, "resnet14": 5e-4, "resnet20": 5e-4, "silu": 4e-4}  # the lowest with which validation images cause no more
BATCH, CIFAR_BATCH = 25, 100
RATE_PHOTOGRAPHS, NOISE_PHOTOGRAPHS = 5, 10  # more would take most of the time: many steps, and noise to draw


@dataclass(frozen=True)
class Config:
    """Size of the experiment.

    Attributes
    ----------
    photographs : int
        How many of foolbox's 20.
    versions : tuple of int
        EfficientNet-Lite networks.
    steps : tuple of int
        K for the error against the number of steps.
    noise : tuple of float
        Standard deviations of threshold noise, as a share of the range that the code covers.
    bits : tuple of int
        Bits of a weight.
    b7_pixels : int
        Width and height of the image for EfficientNet-B7 with stand-in weights.
    exact : int
        Photographs on which the three evaluations are compared.
    full_size : bool
        Whether the numbers may enter the ledger.
    large : bool
        Also the 700 photographs and CIFAR-10, which no package carries.
    rate_steps : int
        Of EfficientNet-Lite0 in rate code.
    rate_images : int
        Test images of CIFAR-10 for the comparison with rate coding.
    seed : int
    """

    photographs: int = 20
    versions: tuple[int, ...] = (0, 1, 2)
    steps: tuple[int, ...] = (4, 5, 6, 7, 8, 9, 10, 12)
    noise: tuple[float, ...] = (0.002, 0.005, 0.01, 0.02)
    bits: tuple[int, ...] = (4, 5, 6, 7, 8)
    b7_pixels: int = 224
    exact: int = 2
    full_size: bool = True
    large: bool = False
    rate_steps: int = 128
    rate_images: int = 500
    seed: int = 0


PRESETS = {
    "smoke": Config(
        photographs=2, versions=(0,), steps=(4, 8), noise=(0.01,), bits=(8,), rate_steps=2, b7_pixels=64, exact=1, full_size=False
    ),
    "book": Config(),
    "paper": Config(large=True),
}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


# --- Counting without weights -------------------------------------------------------------------------------------------------------


class Size(NamedTuple):
    """What a network is made of: millions of parameters, layers of the talk's count, neurons by activation."""

    params: float
    layers: int
    neurons: dict[str, int]


def found_in(network: nn.Module, pixels: int) -> Traced:
    """What `convert` finds in a network, on the meta device, where nothing is computed and no weights are needed."""
    return traced(network.to("meta").eval(), torch.empty(1, 3, pixels, pixels, device="meta"))


def size_of(make: Callable[[], nn.Module], pixels: int, further_layers: int) -> Size:
    """Count a network without weights."""
    with torch.device("meta"):
        network = make()
    report = Report(tuple(found_in(network, pixels).rows), math.nan)
    return Size(sum(p.numel() for p in network.parameters()) / 1e6, len(report.spiking) + further_layers, report.by_activation)


FAMILIES = (  # the smallest of each family of classifiers in torchvision
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t",
    "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t",
    "vgg11", "vit_b_16",
)  # fmt: skip


def families(record: Record) -> None:
    """What `convert` makes of torchvision's classifiers, without weights: what spikes, and what stays analog."""
    from torchvision import models

    rows = []
    for name in FAMILIES:
        options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        with torch.device("cpu" if name == "regnet_x_400mf" else "meta"):  # it computes its sizes with tensors
            network = getattr(models, name)(**options)
        found = found_in(network, 224).rows
        spiking = [row for row in found if row.kind == "spiking"]
        analog = Counter(row.operation for row in found if row.kind == "analog")
        activations = ", ".join(sorted({row.operation for row in spiking}))
        kept = ", ".join(f"{count} {operation}" for operation, count in analog.items())
        rows.append((name, len(spiking), f"{sum(row.neurons for row in spiking):,}", activations, kept))
    columns = ["network", "layers that spike", "neurons", "activations", "analog"]
    record.table(pd.DataFrame(rows, columns=columns), "families")
    record.value("activations", ", ".join(NAMED))


def counts(record: Record) -> dict[str, Size]:
    """EfficientNet-B7 and ResNet50 as torchvision has them, at the image sizes of the talk's results; ImageNet's categories."""
    from torchvision.models import efficientnet_b7, resnet50

    sizes = {"b7": size_of(efficientnet_b7, 600, 0), "resnet50": size_of(resnet50, 224, 1)}  # ResNet50: and its classifier
    b7, resnet = sizes["b7"], sizes["resnet50"]
    record.claim("img.b7.params", b7.params, dataset="torchvision efficientnet_b7")
    record.claim("img.b7.layers", b7.layers, dataset="torchvision efficientnet_b7")
    record.claim("img.b7.neurons", b7.neurons["silu"], dataset="torchvision efficientnet_b7, 600 x 600")
    record.claim("img.b7.gates", b7.neurons["sigmoid"], dataset="torchvision efficientnet_b7, 600 x 600")
    record.claim("fs.why.neurons", b7.neurons["silu"] / 1e6, dataset="torchvision efficientnet_b7, 600 x 600")
    record.verdict("fs.why.silu", max(b7.neurons, key=lambda name: b7.neurons[name]) == "silu")
    record.claim("img.resnet50.params", resnet.params, dataset="torchvision resnet50")
    record.claim("img.resnet50.layers", resnet.layers, dataset="torchvision resnet50")
    record.claim("img.resnet50.neurons", resnet.neurons["relu"], dataset="torchvision resnet50, 224 x 224")
    for name, neurons in (("b7", b7.neurons["silu"]), ("resnet50", resnet.neurons["relu"])):
        log = json.loads(package_file("few_spike_log.json").read_text(encoding="utf-8"))["spikes_per_image"][name]
        record.value(f"log_{name}_per_neuron", log["spikes"] / neurons, "{:.4f}")
        record.value(f"log_{name}_images", log["images"], "{:,}")
    categories = imagenet_categories()
    birds = [*range(7, 25), *range(80, 101), *range(127, 147)]
    record.claim("img.imagenet.categories", len(categories), dataset="torchvision's list")
    record.claim(
        "img.imagenet.birds", len(birds), dataset="torchvision's list: " + ", ".join(categories[i] for i in (7, 24, 80, 100, 127, 146))
    )
    return sizes


# --- Real networks about photographs ------------------------------------------------------------------------------------------------


class Answers(NamedTuple):
    """What a network and its few-spike version say about the same images."""

    labels: np.ndarray
    ann: np.ndarray
    snn: np.ndarray
    statistics: Statistics

    @property
    def drop(self) -> float:
        """Accuracy lost by conversion [percentage points]."""
        return float(100 * ((self.ann == self.labels).mean() - (self.snn == self.labels).mean()))

    @property
    def drop_interval(self) -> tuple[float, float]:
        """95 % interval of the drop, from the images about which just one of the networks is right."""
        ann, snn = self.ann == self.labels, self.snn == self.labels
        low, high = tango(int((ann & ~snn).sum()), int((snn & ~ann).sum()), len(self.labels))
        return 100 * low, 100 * high

    @property
    def spikes_interval(self) -> tuple[float, float]:
        """95 % interval of the mean number of spikes per neuron, over images (Student's t)."""
        each = self.statistics.per_image / self.statistics.neurons
        half = scipy.stats.t.ppf(0.975, len(each) - 1) * each.std(ddof=1) / math.sqrt(len(each))
        return float(each.mean() - half), float(each.mean() + half)


@torch.inference_mode()
def compare(ann: nn.Module, snn: fx.GraphModule, batches: Iterator[Tensor], labels: np.ndarray, n: int, name: str) -> Answers:
    """Answers of both networks, and the spikes (of all images)."""
    a: list[Tensor] = []
    s: list[Tensor] = []
    total: Statistics | None = None
    with tqdm(desc=name, total=n, unit="image", disable=None, leave=False) as bar:
        for batch in batches:
            output, found = statistics(snn, batch)
            total = found if total is None else total + found
            a.append(ann(batch))
            s.append(output)
            bar.update(len(batch))
    logits = torch.cat(a), torch.cat(s)
    for which, output in zip(("original", "converted"), logits, strict=True):
        if not torch.isfinite(output).all():
            raise ValueError(
                f"{name}: the {which} network gives {int((~torch.isfinite(output)).sum())} outputs that are not finite numbers"
            )
    assert total is not None
    return Answers(labels, logits[0].argmax(1).numpy(), logits[1].argmax(1).numpy(), total)


def lite(version: int, photographs: list[np.ndarray], labels: np.ndarray, K: int) -> Answers:
    """EfficientNet-Lite with its ImageNet weights, and with few-spike neurons for each ReLU6."""
    ann = efficientnet_lite(version)
    batches = (efficientnet_lite_input(photographs[i : i + BATCH], version) for i in range(0, len(photographs), BATCH))
    snn = convert(ann, efficientnet_lite_input(photographs[:1], version), K=K).network
    return compare(ann, snn, batches, labels, len(photographs), f"EfficientNet-Lite{version}")


def photographs_20(record: Record, c: Config) -> dict[int, Answers]:
    """All versions of EfficientNet-Lite about foolbox's photographs."""
    photographs, labels, _ = read_photographs_20()
    photographs, labels = photographs[: c.photographs], labels[: c.photographs]
    found = {version: lite(version, photographs, labels, LITE_K[version]) for version in c.versions}
    for version, a in found.items():
        (low, high), (fewest, most) = a.drop_interval, a.spikes_interval
        record.value(f"lite{version}_drop", a.drop, "{:.3g} pp")
        record.value(f"lite{version}_drop_interval", interval(low, high))
        record.value(f"lite{version}_spikes_interval", interval(fewest, most))
        record.value(f"lite{version}_same", int((a.ann == a.snn).sum()))
        record.value(f"lite{version}_same_interval", interval(*share(a.ann == a.snn)[1:]))
        record.value(f"lite{version}_ann", int((a.ann == a.labels).sum()))
        record.value(f"lite{version}_snn", int((a.snn == a.labels).sum()))
        record.value(f"lite{version}_spikes", a.statistics.spikes_per_neuron, "{:.2f}")
        record.value(f"lite{version}_neurons", a.statistics.neurons, "{:,}")
    record.value("photographs", len(labels))
    record.value("lite_steps", LITE_K[0])
    record.value("lite2_steps", LITE_K[2])
    record.value("cifar_calibration", CALIBRATION)
    record.value("cifar_steps", CIFAR_K["resnet20"])
    record.value("cifar_fitted_steps", CIFAR_K["silu"])
    record.value("cifar_prices", f"{min(PENALTY.values()):g} to {max(PENALTY.values()):g}")
    for activation, most in MOST.items():
        record.value(f"cifar_most_{activation}", most)
    return found


@torch.inference_mode()
def raster(record: Record) -> pd.DataFrame:
    """Spikes of EfficientNet-Lite0's first layer and the numbers that they add up to: a neuron per channel, at a photograph's center."""
    batch = efficientnet_lite_input(read_photographs_20().images[:1])
    snn, report = convert(efficientnet_lite(0), batch, K=LITE_K[0])
    node = report.spiking[0].node
    neurons = snn.get_submodule(f"few_spike.{node}")
    assert isinstance(neurons, FSActivation)
    z = spike_train(snn, batch, node)[:, 0]
    z = z[:, :, z.shape[2] // 2, z.shape[3] // 2]
    number = fs_decode(z, neurons.params)
    record.value("raster_neurons", len(number))
    record.value("raster_silent", int((number == 0).sum()))
    table = pd.DataFrame(z.T.int().numpy(), columns=[f"step {t + 1}" for t in range(len(z))])
    return table.assign(number=number.numpy()).sort_values("number", ignore_index=True)


def photographs_700(record: Record) -> None:
    """The same about the 700 photographs, for the ledger."""
    photographs, labels, _ = read_photographs_700()
    where = "700 photographs of the NIPS 2017 development set (JPEG 95)"
    for version in (0, 1, 2):
        found = lite(version, photographs, labels, LITE_K[version])
        all_claims(record, f"img.lite{version}.", found, dataset=where, n=len(labels))


def all_claims(record: Record, beginning: str, found: Answers, **about: Any) -> None:
    """Claims, by the beginning of their names, about both networks: accuracy before conversion, same answers, and `drop_and_spikes`."""
    for claim, same in (("ann", found.ann == found.labels), ("agreement", found.ann == found.snn)):
        percent, low, high = share(same)
        record.claim(f"{beginning}{claim}", percent, low=low, high=high, **about)
    drop_and_spikes(record, beginning, found, **about)


def drop_and_spikes(record: Record, beginning: str, found: Answers, **about: Any) -> None:
    """Claims, by the beginning of their names, about what a conversion loses and how much it sends, with intervals."""
    (low, high), (fewest, most) = found.drop_interval, found.spikes_interval
    record.claim(f"{beginning}drop", found.drop, low=low, high=high, **about)
    record.claim(f"{beginning}spikes", found.statistics.spikes_per_neuron, low=fewest, high=most, **about)


def tango(only_first: int, only_second: int, n: int) -> tuple[float, float]:
    r"""95 % interval of the difference of two shares of the same n images, which only the first or only the second has.

    All differences :math:`\delta` with :math:`(b - c - n\delta)^2 \le z^2 n\, (2 \hat q + \delta (1 - \delta))`, where b and c count these
    images and :math:`\hat q` is the likeliest share of the latter: T. Tango, Statistics in Medicine 17, 891-908 (1998).
    """
    b, c, z = only_first, only_second, float(scipy.stats.norm.ppf(0.975))

    def excess(delta: float) -> float:
        linear = (2 * n - b + c) * delta - b - c
        q = (math.sqrt(max(linear**2 + 8 * n * c * delta * (1 - delta), 0.0)) - linear) / (4 * n)
        return (b - c - n * delta) ** 2 - z**2 * n * (2 * q + delta * (1 - delta))

    middle = (b - c) / n
    low, high = (sign if middle == sign else scipy.optimize.brentq(excess, middle + 1e-9 * sign, sign) for sign in (-1.0, 1.0))
    return float(low), float(high)


# --- CIFAR-10 -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CifarRecipe(Recipe):
    """A stage of the training of a CIFAR-10 network; further ones go on with the weights of the one before.

    Attributes
    ----------
    hole : int
        Width and height [pixel] of a square that is left out of each image (`snncore.tasks.images.augmented`).
    teacher : str
        A network of `CIFAR` whose answers it learns, too (`snncore.learning.classifier.distilled`): that of ``data/checkpoints``.
    """

    hole: int = 0
    teacher: str = ""


FURTHER: dict[str, Any] = {"peak_rate": 0.01, "vector_rate": 0.05, "bfloat16": False}  # half as fast; bfloat16 is slow on many processors
RECIPES = {
    "resnet8": (CifarRecipe(100, cycles=2), CifarRecipe(12, teacher="silu", **FURTHER)),
    "resnet14": (CifarRecipe(32), CifarRecipe(26, hole=8, teacher="silu", **FURTHER), CifarRecipe(40, teacher="silu", **FURTHER)),
    "resnet20": (
        CifarRecipe(28),
        CifarRecipe(28, hole=12, **FURTHER),
        CifarRecipe(20, hole=8, teacher="silu", **FURTHER),
        CifarRecipe(36, teacher="silu", **FURTHER),
    ),
    "silu": (CifarRecipe(26), CifarRecipe(26, hole=12, **FURTHER), CifarRecipe(22, hole=8, teacher="resnet20", **FURTHER)),
}


def train_cifar(name: str, seed: int = 0) -> dict[str, Any]:
    """Train one of the CIFAR-10 networks, stage by stage, each by itself. The account of the last stage holds the others'."""

    form = {"compact": "JPEG copies of quality 75 (lossy)"}.get(find("cifar10").form, "official")
    data = f"CIFAR-10, 48,000 training images, {form}"

    def prepare(recipe: CifarRecipe) -> Job:
        with seeded_draws(seed, f"weights of {name}"):
            network = CIFAR[name]()
        options: dict[str, Any] = {"augment": partial(augmented, hole=recipe.hole)}
        about = data
        if recipe.teacher:
            options["loss"] = distilled(cifar_network(recipe.teacher))
            its = about_checkpoint(f"cifar_{recipe.teacher}")
            about += f", and the answers of {recipe.teacher} as trained at commit {its['commit']}"
        return Job(network, cifar10(), options, about)

    before, about = "", {}
    for stage, recipe in enumerate(RECIPES[name], start=1):
        kept = f"cifar_{name}_{seed}_{stage}"
        about = train_or_read_classifier(
            kept, f"snncore.experiments images --train {name}", recipe, seed, partial(prepare, recipe), before=before, data=data
        )
        before = kept
    return about


TITLES = {"resnet8": "ResNet-8", "resnet14": "ResNet-14", "resnet20": "ResNet-20", "silu": "Small EfficientNet"}


def stages(name: str) -> list[dict[str, Any]]:
    """Accounts of the stages of the training of a CIFAR-10 network, the first one first."""
    about = about_checkpoint(f"cifar_{name}")
    found = [about]
    while "before" in about:
        about = about["before"]
        found.insert(0, about)
    return found


def trainings(record: Record) -> None:
    """How the checkpoints came about, as the training commands wrote it down: recorded numbers, not of this run."""
    rows = []
    for name in CIFAR:
        for stage, about in enumerate(stages(name), start=1):
            recipe = about["recipe"]
            rows.append({"network": TITLES[name], "stage": stage, "epochs": recipe["epochs"], "cycles": recipe["cycles"],
                         "hole": recipe["hole"] or "none", "teacher": TITLES[recipe["teacher"]] if recipe["teacher"] else "none",
                         "minutes": round(about["seconds"] / 60), "seed": about["seed"],
                         "accuracy": f"{100 * about['test_accuracy']:.2f} %"})  # fmt: skip
    record.table(pd.DataFrame(rows), "trainings")


def cifar_conversion(name: str, data: dict[str, Labeled], published: bool = False, penalty: float | None = None) -> Conversion:
    """A CIFAR-10 network converted with parameters for each layer (from `CALIBRATION` training images), or with the published ones."""
    given = published_neurons() if published else None
    images = data["train"].images
    return convert(
        cifar_network(name), images[:1], images[:CALIBRATION], given, CIFAR_K[name], PENALTY[name] if penalty is None else penalty
    )


def prices(name: str) -> pd.DataFrame:
    """What spikes cost and what they save, by their price, about the validation images: `PENALTY` is chosen by this table and `MOST`."""
    data = cifar10()
    (images, labels), ann, rows = data["validation"], cifar_network(name), []
    for penalty in TRIED:
        few = cifar_conversion(name, data, penalty=penalty).network
        a = compare(ann, few, iter(images.split(CIFAR_BATCH)), labels.numpy(), len(labels), f"{name}, price {penalty:g}")
        rows.append({"price": penalty, "lost [pp]": a.drop, "spikes per neuron": a.statistics.spikes_per_neuron})
    return pd.DataFrame(rows)


def cifar(record: Record, rate_images: int) -> pd.DataFrame:
    """Our CIFAR-10 networks and their few-spike versions on the test images, for the ledger; ResNet-20 also in rate code, as curves."""
    data = cifar10()
    images, labels = data["test"]
    form = "JPEG copies (lossy)" if find("cifar10").form == "compact" else "official"
    where, n = f"CIFAR-10 test images, {form}", len(labels)
    about: dict[str, Any] = {"dataset": where, "n": n, "seeds": 1}
    curves = pd.DataFrame()
    for name in CIFAR:
        ann, few = cifar_network(name), cifar_conversion(name, data).network
        a = compare(ann, few, iter(images.split(CIFAR_BATCH)), labels.numpy(), n, name)
        all_claims(record, f"img.cifar.{name}.", a, **about)
        if name == "silu":
            published = cifar_conversion(name, data, published=True).network
            p = compare(ann, published, iter(images.split(CIFAR_BATCH)), labels.numpy(), n, name)
            drop_and_spikes(record, "img.cifar.silu.published_", p, **about)
            params, step = coefficients("silu.published").params, offset_step()
            same_by_silence(ann, images[:4], params, step)
            record.claim("img.cifar.silu.silence_spikes", spikes_by_silence(p.statistics, params, step), **about)
        if name == "resnet20":
            test = Labeled(images[:rate_images], labels[:rate_images])
            curves = against_rate_coding(record, name, ann, few, data["train"].images[:CALIBRATION], test, where)
    return curves


# --- Against rate coding ------------------------------------------------------------------------------------------------------------

RATE_STEPS = 256
CLOSE = 0.5  # percentage points of accuracy below the original's
PRICES = {"fp32": (4.6, 0.9), "int8": (0.3, 0.1)}  # pJ of a multiply-accumulate and of an addition (sums: 32 bits); Horowitz, ISSCC 2014
CODES = {
    "few_spikes": "few spikes",
    "rate": "rate code, ours",
    "spikingjelly": "rate code, SpikingJelly as it comes",
    "spikingjelly_robust": "rate code, SpikingJelly's robust mode",
}


def in_few_spikes(network: fx.GraphModule, images: Tensor) -> RateRun:
    """A converted network in the terms of rate coding: a single "step" gives its answer."""
    (output, found), (_, traffic) = statistics(network, images), stepwise(network, images)
    counts = (found.spikes_per_neuron * found.neurons * len(images), sum(t.spikes for t in traffic), sum(t.graded for t in traffic))
    spikes, accumulates, graded = torch.tensor(counts, dtype=torch.float64)[:, None]
    return RateRun(output[None], spikes, accumulates, graded, found.neurons)


def curve(run: Callable[[Tensor], RateRun], images: Tensor, labels: Tensor, name: str) -> pd.DataFrame:
    """After each step: accuracy [%], and until then spikes per neuron, additions and multiply-accumulates per image, energy [µJ]."""
    rows: Any = 0
    pairs = list(zip(images.split(BATCH), labels.split(BATCH), strict=True))
    for x, y in tqdm(pairs, desc=name, disable=None, leave=False):
        found = run(x)
        right = (found.outputs.argmax(-1) == y).sum(1).double()
        rows = rows + torch.stack([100 * right, *(a.cumsum(0) for a in (found.spikes / found.neurons, found.accumulates, found.graded))])
    table = pd.DataFrame((rows / len(images)).T.numpy(), columns=["accuracy", "spikes", "additions", "multiply-accumulates"])
    energy = table["multiply-accumulates"] * PRICES["fp32"][0] + table["additions"] * PRICES["fp32"][1]
    return table.assign(energy=energy / 1e6, steps=range(1, len(table) + 1))


def first_close(curves: pd.DataFrame) -> pd.DataFrame:
    """Of each code the first step within `CLOSE` of the original's accuracy, or its last step if none is, which ``enough`` says."""
    rows = []
    for _, table in curves.groupby("code", sort=False):
        enough = table[table["accuracy"] > table["original"] - CLOSE - 1e-6]
        rows.append((table[-1:] if enough.empty else enough[:1]).assign(enough=not enough.empty))
    return pd.concat(rows).set_index("code")


def against_rate_coding(
    record: Record, name: str, ann: nn.Module, few: fx.GraphModule, calibration: Tensor, test: Labeled, where: str, steps: int = RATE_STEPS
) -> pd.DataFrame:
    """A network in few spikes, in rate code, and in SpikingJelly's: what each needs to come within `CLOSE` of the original.

    Returns their curves, as the table ``rate_coding`` keeps them.
    """
    images, labels = test
    coded, n = rate_coded(ann, calibration), len(labels)
    layers = synapses(coded, images)
    asked = ask_spikingjelly.SPIKINGJELLY if has_oracle("spikingjelly", "SpikingJelly") else {}
    peers = {key: ask_spikingjelly.spikingjelly(ann, calibration, **options) for key, options in asked.items()}
    runs = {"rate": partial(simulate, coded), **{key: partial(ask_spikingjelly.run_spikingjelly, peer) for key, peer in peers.items()}}
    parts = {"few_spikes": curve(partial(in_few_spikes, few), images, labels, "few spikes")}
    parts["few_spikes"]["steps"] = max(m.params.K for m in few.modules() if isinstance(m, FSActivation))
    parts |= {code: curve(partial(run, steps=steps, layers=layers), images, labels, code) for code, run in runs.items()}
    program = f"SpikingJelly {metadata.version('spikingjelly')}" if peers else "without SpikingJelly"
    curves = pd.concat([table.assign(code=code) for code, table in parts.items()], ignore_index=True)
    curves = curves.assign(original=100 * accuracy(ann, images, labels), about=f"the first {n:,} {where}; {program}")
    record.table(curves[CURVES].round(6), "rate_coding")
    found = first_close(curves)
    needed, K = found["steps"], int(found["steps"]["few_spikes"])
    if found["enough"]["rate"]:
        record.claim(f"img.rate.{name}.steps", int(needed["rate"]), dataset=where, n=n)
        senders = senders_of(few, [node for node in few.graph.nodes if _neurons(few, node)])
        _, period = rhythm([K] * len(senders), senders=senders)
        graph = f"{where}; a new image every {period:g} steps in few spikes, with one accumulator per neuron"
        record.claim("img.throughput", float(needed["rate"] / period), dataset=graph, n=n)
        record.claim(f"img.rate.{name}.energy", float(found["energy"]["rate"] / found["energy"]["few_spikes"]), dataset=where, n=n)
    return curves


def _neurons(network: fx.GraphModule, node: fx.Node) -> FSActivation | None:
    """The layer of few-spike neurons that a node of a converted network is, or None."""
    module = network.get_submodule(str(node.target)) if node.op == "call_module" else None
    return module if isinstance(module, FSActivation) else None


SHOWN = ["code", "steps", "right answers", "spikes per neuron", "additions", "energy", "× few spikes"]
CURVES = ["code", "steps", "accuracy", "spikes", "additions", "multiply-accumulates", "energy", "original", "about"]


def kept_curves() -> pd.DataFrame:
    """The curves of `against_rate_coding` that a run of preset paper gave and ``data/rate_coding.csv`` keeps; without rows if none did.

    Raises
    ------
    ValueError
        If the file has other columns.
    """
    curves = pd.read_csv(package_file("rate_coding.csv"))
    if list(curves.columns) != CURVES:
        raise ValueError(
            f"data/rate_coding.csv has the columns {', '.join(curves.columns)}: copy it anew from a run of images at preset paper"
        )
    return curves


def rate_table(record: Record, curves: pd.DataFrame) -> None:
    """What each code needs to come close to the original, for the page, and what the curves are about."""
    if curves.empty:
        record.table(pd.DataFrame([["not run", *[""] * 6]], columns=SHOWN), "rate_close")
        record.value("curves_about", "not run")
        record.value("curves_difference", "(not run)")
        return
    found, by_code = first_close(curves), dict(list(curves.groupby("code")))
    rows = [
        (
            CODES[str(code)],
            int(row["steps"]) if row["enough"] else f"never within {int(row['steps'])}",
            f"{row['accuracy']:.2f} %",
            f"{row['spikes']:.2f}",
            f"{row['additions'] / 1e6:.2f} M",
            f"{row['energy']:.1f} µJ",
            f"{row['energy'] / found['energy']['few_spikes']:.2f}",
        )
        for code, row in found.iterrows()
    ]
    record.table(pd.DataFrame(rows, columns=SHOWN), "rate_close")
    record.value("curves_about", curves["about"][0])
    if "spikingjelly_robust" in by_code:
        ours, theirs = (by_code[code]["spikes"].to_numpy() for code in ("rate", "spikingjelly_robust"))
        record.value("curves_difference", float(100 * np.abs(theirs / ours - 1).max()), "{:.1g} %")
    else:
        record.value("curves_difference", "(not run)")


def at_equal_pace(record: Record, curves: pd.DataFrame, period: int) -> None:
    """What share the rate code has right in the steps that few spikes take from one image to the next; few spikes and the original, too."""
    few, rate = (curves[curves["code"] == code] for code in ("few_spikes", "rate"))
    shares = {"rate": rate.loc[rate["steps"] == period, "accuracy"], "few_spikes": few["accuracy"], "original": few["original"]}
    for name, right in shares.items():
        record.value(f"pace_{name}", "(not run)" if curves.empty else f"{right.item():.1f} %")


# --- What limits a conversion -------------------------------------------------------------------------------------------------------


def _against(expected: Tensor, output: Tensor) -> dict[str, float]:
    """Error of outputs relative to the spread of the expected ones, and the share of same answers [%]."""
    error = (output - expected).square().mean().sqrt() / expected.std()
    return {"error": float(error), "same": float(100 * (output.argmax(1) == expected.argmax(1)).double().mean())}


@torch.inference_mode()
def against_steps(record: Record, c: Config) -> pd.DataFrame:
    """EfficientNet-Lite0 with K steps against the original: error, same answers, accuracy, spikes. All photographs at hand."""
    photographs, labels, _ = read_photographs_700() if c.large else read_photographs_20()
    photographs, target = photographs[: None if c.large else c.photographs], torch.from_numpy(labels)
    ann = efficientnet_lite(0)
    batches = efficientnet_lite_input(photographs).split(BATCH)
    expected, rows = torch.cat([ann(batch) for batch in batches]), []
    target = target[: len(expected)]
    for K in tqdm(c.steps, desc="EfficientNet-Lite0 with K steps", disable=None, leave=False):
        snn = convert(ann, batches[0][:1], K=K).network
        outputs, found = zip(*(statistics(snn, batch) for batch in batches), strict=True)
        output, spikes = torch.cat(outputs), reduce(operator.add, found).spikes_per_neuron
        right = 100 * float((output.argmax(1) == target).double().mean())
        rows.append({"K": K, **_against(expected, output), "accuracy": right, "spikes": spikes})
    record.value("steps_photographs", len(expected))
    record.value("steps_ann", 100 * float((expected.argmax(1) == target).double().mean()), "{:.1f} %")
    return pd.DataFrame(rows)


class Noisy(nn.Module):
    """Few-spike neurons whose comparison sees v + noise, Gaussian, drawn anew in each step."""

    def __init__(self, params: FSParams, sigma: float, generator: torch.Generator):
        super().__init__()
        self.params, self.sigma, self.generator = params, sigma, generator

    def forward(self, x):
        v, y = x, torch.zeros_like(x)
        for t in range(self.params.K):
            z, v = fs_step(v, t, self.params, self.sigma * torch.randn(x.shape, generator=self.generator))
            y += self.params.d[t] * z
        return y


def rounded(network: nn.Module, bits: int) -> nn.Module:
    """A copy whose convolutions and linear layers have weights of so many bits, symmetric, with one scale per output channel."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            w = module.weight.data
            scale = w.abs().flatten(1).amax(1).clamp_min(1e-30).view(-1, *[1] * (w.dim() - 1)) / (2 ** (bits - 1) - 1)
            module.weight.data = (w / scale).round() * scale
    return network


@torch.inference_mode()
def disturbances(c: Config) -> pd.DataFrame:
    """EfficientNet-Lite0 in few spikes with noisy thresholds, and both networks with weights of few bits; foolbox's photographs."""
    photographs, _, _ = read_photographs_20()
    ann, batch = efficientnet_lite(0), efficientnet_lite_input(photographs[: c.photographs])
    expected, rows = ann(batch), []
    for sigma in c.noise:
        snn = convert(ann, batch[:1], K=LITE_K[0]).network
        generator = torch_generator(c.seed, f"threshold noise {sigma}")
        for name, module in snn.get_submodule("few_spike").named_children():
            assert isinstance(module, FSActivation)
            setattr(snn.get_submodule("few_spike"), name, Noisy(module.params, 6 * sigma, generator))
        some = min(len(batch), NOISE_PHOTOGRAPHS)
        output = torch.cat([snn(part) for part in batch[:some].split(5)])
        rows.append({"disturbance": "noise", "size": sigma, "network": "few spikes", **_against(expected[:some], output)})
    for bits in c.bits:
        coarse = rounded(ann, bits)
        for name, network in (("original", coarse), ("few spikes", convert(coarse, batch[:1], K=LITE_K[0]).network)):
            rows.append({"disturbance": "bits", "size": bits, "network": name, **_against(expected, network(batch))})
    return pd.DataFrame(rows)


def against_rate(c: Config) -> pd.DataFrame:
    """EfficientNet-Lite0 in rate code, with thresholds for the very photographs it is shown: error, same answers and spikes by step."""
    photographs, _, _ = read_photographs_20()
    ann, batch = efficientnet_lite(0), efficientnet_lite_input(photographs[: min(c.photographs, RATE_PHOTOGRAPHS)])
    with torch.inference_mode():
        expected = ann(batch)
    run = simulate(rate_coded(ann, batch), batch, c.rate_steps)
    spikes = (run.spikes.cumsum(0) / run.neurons / len(batch)).tolist()
    steps = [2**i for i in range(c.rate_steps.bit_length())]
    return pd.DataFrame([{"steps": N, **_against(expected, run.outputs[N - 1]), "spikes": spikes[N - 1]} for N in steps])


@torch.inference_mode()
def evaluations(record: Record, c: Config) -> tuple[Traffic, ...]:
    """The three evaluations of a real network, in double precision: equal up to rounding. Returns the work of each layer per image."""
    photographs, _, _ = read_photographs_20()
    batch = efficientnet_lite_input(photographs[: c.exact]).double()
    snn = convert(efficientnet_lite(0).double(), batch[:1], K=LITE_K[0]).network
    collapsed, (looked_up, _) = snn(batch), statistics(snn, batch)
    sent, traffic = zip(*(stepwise(snn, photograph) for photograph in batch.split(1)), strict=True)  # one by one: all steps need memory
    size = collapsed.abs().max()
    difference = max(float((other - collapsed).abs().max() / size) for other in (looked_up, torch.cat(sent)))
    record.value("evaluations_photographs", f"{c.exact} photograph{'s' if c.exact > 1 else ''}")
    record.value("evaluations_difference", difference, "{:.1g}")
    record.value("evaluations_pieces", "the same bits" if torch.equal(collapsed, looked_up) else "other bits")
    if c.full_size:
        record.claim("img.evaluations.difference", difference, dataset="EfficientNet-Lite0, ImageNet photographs of foolbox", n=c.exact)
    return tuple(
        Traffic(layer[0].node, *(sum(work) // c.exact for work in zip(*(one[1:] for one in layer), strict=True)))
        for layer in zip(*traffic, strict=True)
    )


class _Watch(fx.Interpreter):
    """Runs a converted network, or with ``functions`` its original, and shows ``see`` the name and the output of each activation."""

    def __init__(
        self, network: fx.GraphModule, see: Callable[[str, Tensor], None], functions: dict[str, Callable[[Tensor], Tensor]] | None = None
    ):
        super().__init__(network)
        self.see, self.functions = see, functions or {}

    def call_module(self, target: Any, args: tuple, kwargs: dict) -> Any:
        function = self.functions.get(str(target))
        value = function(*args) if function else super().call_module(target, args, kwargs)
        if isinstance(self.fetch_attr(str(target)), FSActivation):
            self.see(str(target), value)
        return value


def b7_errors(c: Config) -> pd.DataFrame:
    """Relative error after each layer of EfficientNet-B7 with stand-in weights: random ones, normalized for the photographs.

    The control is the original network, its image disturbed by noise of 1 % of the spread: what the graph itself makes of an error.
    """
    from torchvision.models import efficientnet_b7

    photographs, _, _ = read_photographs_20()
    batch = torch.nn.functional.interpolate(efficientnet_lite_input(photographs[:4]), c.b7_pixels, mode="area")
    with seeded_draws(c.seed, "stand-in weights of EfficientNet-B7"):
        network = efficientnet_b7()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # running statistics of what comes next
    rows: list[dict[str, Any]] = []
    with torch.no_grad():
        network.train()
        for module in network.modules():
            if isinstance(module, nn.Dropout) or type(module).__name__ == "StochasticDepth":
                module.eval()
        network(batch)
        network.eval()
        image = batch[:1]
        noise = torch.randn(image.shape, generator=torch_generator(c.seed, "disturbed image"))
        disturbed = image + 0.01 * image.std() * noise
        sets: dict[str, dict[str, FSParams]] = {
            "published": published_neurons(),
            "ours": {"silu": coefficients("silu.k16sparse").params, "sigmoid": coefficients("sigmoid.k16").params},
        }
        for name, given in sets.items():
            snn, report = convert(network, image, coefficients=given)
            functions = {f"few_spike.{row.node}": FUNCTIONS[row.operation] for row in report.spiking}
            outputs: dict[str, Tensor] = {}
            _Watch(snn, outputs.__setitem__, functions).run(image)
            for label in (name,) if rows else (name, "control"):
                errors: dict[str, float] = {}

                def compare(target: str, value: Tensor, exact: dict = outputs, errors: dict = errors) -> None:
                    errors[target] = float((value - exact[target]).square().mean().sqrt() / exact[target].std())

                _Watch(snn, compare, functions if label == "control" else None).run(disturbed if label == "control" else image)
                for i, row in enumerate(report.spiking):
                    rows.append({"set": label, "layer": i + 1, "activation": row.operation, "error": errors[f"few_spike.{row.node}"]})
            del snn, report, outputs, compare
            release_memory()  # without this the next one is made beside it
    return pd.DataFrame(rows)


def b7_error(name: str) -> float:
    """Mean squared error of a SiLU neuron of the package for the inputs of EfficientNet-B7."""
    s = coefficients(name)
    return quality(s.params, FUNCTIONS[s.function], s.interval, B7_INPUT.cdf).mse


def offset_step() -> int:
    """The step (from 0) in which the published SiLU neuron fires for most inputs, to shift its output down."""
    log = spikes_per_step_log()
    return max(range(len(log)), key=lambda t: log[t])


def complement(record: Record, c: Config) -> None:
    """If the offset spike were coded by its absence: arithmetic about the authors' log."""
    log, step = spikes_per_step_log(), offset_step()
    record.value("log_spikes", sum(log), "{:.2f}")
    record.value("log_offset", 100 * log[step] / sum(log), "{:.0f} %")
    record.value("offset_step", step + 1)
    if c.full_size:
        record.claim("img.complement.spikes", sum(log) + 1 - 2 * log[step], dataset="the authors' log of one ImageNet image", n=1)


def spikes_by_silence(found: Statistics, params: FSParams, step: int) -> float:
    """Spikes per neuron if layers with these parameters coded one step by its absence: one spike where there was none, none where one."""
    more = sum(layer.neurons * (1 - 2 * float(layer.spikes_per_step[step])) for layer in found.layers if layer.params == params)
    return found.spikes_per_neuron + more / found.neurons


class BySilence(nn.Module):
    """Few-spike neurons that fire in one step when they otherwise would not; the receiver adds what that step means as a constant."""

    def __init__(self, params: FSParams, step: int):
        super().__init__()
        self.params, self.step = params, step

    def spikes(self, x):
        """What is sent, shape (K, ...)."""
        z, _ = fs_run(x, self.params)
        z[self.step] = 1 - z[self.step]
        return z

    def forward(self, x):
        shift = self.params.d[self.step]
        d = [-shift if t == self.step else weight for t, weight in enumerate(self.params.d)]
        return fs_decode(self.spikes(x), replace(self.params, d=d)) + shift


def by_silence(network: fx.GraphModule, params: FSParams, step: int) -> fx.GraphModule:
    """A copy of a converted network in which layers with these parameters code one step by its absence."""
    network = copy.deepcopy(network)
    for node in network.graph.nodes:
        module = _neurons(network, node)
        if module is not None and module.params == params:
            network.set_submodule(str(node.target), BySilence(params, step))
    return network


@torch.inference_mode()
def same_by_silence(ann: nn.Module, images: Tensor, params: FSParams, step: int) -> None:
    """Refuse to go on unless the network answers the same (in double precision) when one step is coded by its absence."""
    x = images.double()
    few = convert(copy.deepcopy(ann).double(), x, coefficients=published_neurons()).network
    expected, output = few(x), by_silence(few, params, step)(x)
    if not torch.allclose(output, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max())):
        raise ValueError("a step coded by its absence changes what the network computes: do not trust the number of spikes")


# --- When images are answered -------------------------------------------------------------------------------------------------------

IMAGES = 12  # that follow each other in a simulated pipeline
RHYTHMS = {"one": (False, False), "two": (True, False), "one_memory": (False, True), "two_memory": (True, True)}  # accumulators; memories


def senders_of(graph: fx.GraphModule, neurons: Collection[fx.Node]) -> list[list[int]]:
    """For the image (0) and each layer of neurons, in order: the layers whose numbers it receives, through whatever lies between."""
    sources: dict[fx.Node, set[int]] = {}
    found: list[list[int]] = []
    for node in graph.graph.nodes:
        received = set().union(*(sources[n] for n in node.all_input_nodes)) if "carries" in node.meta else set[int]()
        if node.op == "placeholder" or node in neurons:
            sources[node] = {len(found)}
            found.append(sorted(received))
        else:
            sources[node] = received
    return found


def layers_of(make: Callable[[], nn.Module], pixels: int) -> tuple[list[list[int]], list[int]]:
    """Of a network without weights: `senders_of` it, and the numbers of the image and of each layer of neurons."""
    with torch.device("meta"):
        network = make()
    found = found_in(network, pixels)
    neurons = [row.neurons for row in found.rows if row.kind == "spiking"]
    return senders_of(found.graph, found.places), [3 * pixels**2, *neurons]


def rhythm(steps: Sequence[int], double_buffered: bool = False, senders: Senders | None = None) -> tuple[int, int]:
    """When the first image is answered, and how many steps later each further one: by the event simulation.

    Raises
    ------
    ValueError
        If further images are not answered in equal steps.
    """
    times = answers(pipeline(steps, IMAGES, double_buffered, senders))
    gaps = {later - before for before, later in pairwise(times[IMAGES // 2 :])}  # the pipeline has filled
    if len(gaps) > 1:
        raise ValueError(f"images are answered after {', '.join(map(str, sorted(gaps)))} steps in turn: this graph has no simple rhythm")
    return times[0], gaps.pop()


def rhythms(steps: Sequence[int], senders: Senders) -> dict[str, int]:
    """Steps between images with one or two accumulators per neuron, and with memories in the shortcuts."""
    held = with_memories(steps, senders)
    forms = {False: (steps, senders), True: (held.steps, held.senders)}
    return {name: rhythm(forms[memory][0], two, forms[memory][1])[1] for name, (two, memory) in RHYTHMS.items()}


def schedules(record: Record) -> tuple[dict[str, list[Emission]], dict[str, int]]:
    """When images are answered: the event simulation against the closed form, for a chain and for graphs with shortcuts.

    Returns small pipelines, for the figure, and for ResNet-20 the step of the first answer and its `rhythms`.
    """
    from torchvision.models import efficientnet_b7, resnet50

    K, layers = 16, 218
    (first, period), (_, period_double) = (rhythm([K] * (layers + 1), buffered) for buffered in (False, True))
    record.claim("img.schedule.period", period, dataset="event simulation, K = 16, a chain of 218 layers", n=IMAGES)
    formula = all(
        rhythm([k] * (depth + 1), buffered)[0] == k * (depth + 1)
        for k in (1, 4, 10, 16)
        for depth in (1, 7, 50)
        for buffered in (False, True)
    )
    record.verdict("img.schedule.latency", formula and first == K * (layers + 1), dataset="event simulation of 25 networks")
    record.value("b7_latency", first, "{:,}")
    record.value("period_double", period_double)
    graphs = {
        "a chain": (chain(layers + 1), [0] * (layers + 1)),
        "ResNet-20 (CIFAR-10)": layers_of(CIFAR["resnet20"], 32),
        "ResNet50": layers_of(resnet50, 224),
        "EfficientNet-B7": layers_of(efficientnet_b7, 600),
    }
    rows = []
    for name, (senders, neurons) in graphs.items():
        found, held = rhythms([1] * len(senders), senders), with_memories([1] * len(senders), senders)  # in units of K
        memories = sum(neurons[layer] for layer in held.origin) - sum(neurons)
        share = f"{memories / sum(neurons[1:]):.2f}" if memories else ""
        rows.append((name, len(senders) - 1, *("K" if found[key] == 1 else f"{found[key]}K" for key in RHYTHMS), share))
    columns = ["network", "layers", "one accumulator", "two", "one, and memories", "two, and memories", "numbers to hold, per neuron"]
    record.table(pd.DataFrame(rows, columns=columns), "rhythms")
    senders, _ = graphs["ResNet-20 (CIFAR-10)"]
    steps = [CIFAR_K["resnet20"]] * len(senders)
    resnet20 = {"first": rhythm(steps, senders=senders)[0], **rhythms(steps, senders)}
    record.value("resnet20_layers", len(senders) - 1)
    for key, value in resnet20.items():
        record.value(f"resnet20_{key}", value, "{} steps")
    small, shortcut = [4] * 5, chain(5)
    shortcut[3].insert(0, 1)
    forms = {"one": (False, None), "two": (True, None), "shortcut": (False, shortcut)}
    shown = {name: pipeline(small, 4, two, graph) for name, (two, graph) in forms.items()}
    levels = 2 ** small[0]  # that K steps of a binary code tell apart, and as many steps of a rate code; there all layers send at once
    shown["rate"] = [Emission(layer, image, image * levels, (image + 1) * levels) for image in range(4) for layer in range(5)]
    return shown, resnet20


# --- Work, and the whole experiment -------------------------------------------------------------------------------------------------


def work(record: Record, traffic: tuple[Traffic, ...], updates: int) -> pd.DataFrame:
    """Operations of EfficientNet-Lite0 per photograph, and their energy with prices of a 45 nm process.

    ``updates`` are what neurons do themselves, comparisons of potentials with thresholds and resets: they are priced as additions.
    """
    macs, nonzero, spikes, graded = (sum(getattr(t, key) for t in traffic) for key in ("macs", "nonzero", "spikes", "graded"))
    additions = spikes + updates
    rows = [
        ("original, 32-bit floating point", "fp32", macs, 0),
        ("original, 8-bit integers", "int8", macs, 0),
        ("original, 8-bit integers, zeros skipped", "int8", nonzero, 0),
        ("few spikes, 32-bit floating point", "fp32", graded, additions),
        ("few spikes, integers", "int8", graded, additions),
    ]
    priced = [(name, n, m, n * PRICES[kind][0] + m * PRICES[kind][1]) for name, kind, n, m in rows]
    table = pd.DataFrame(priced, columns=["network", "multiply-accumulates", "additions", "energy"])
    record.value("graded_share", 100 * sum(t.macs for t in traffic if t.graded) / macs, "{:.0f} %")
    record.value("energy_fp32", float(table["energy"][3] / table["energy"][0]), "{:.2f}")
    record.value("energy_int8", float(table["energy"][4] / table["energy"][1]), "{:.2f}")
    record.value("energy_sparse", float(table["energy"][4] / table["energy"][2]), "{:.2f}")
    shown = table.assign(**{key: (table[key] / 1e6).map("{:,.1f} M".format) for key in ("multiply-accumulates", "additions")})
    shown["energy"] = (table["energy"] / 1e6).map("{:,.1f} µJ".format)
    record.table(shown, "work")
    return table


class Result(NamedTuple):
    """What the chapter shows."""

    photographs: list[np.ndarray]
    lite: dict[int, Answers]
    raster: pd.DataFrame
    steps: pd.DataFrame
    rate: pd.DataFrame
    disturbed: pd.DataFrame
    b7: pd.DataFrame
    schedules: dict[str, list[Emission]]
    resnet20: dict[str, int]
    curves: pd.DataFrame


def run(c: Config, record: Record) -> Result:
    """The whole experiment: every claim, value and table; what it returns is for the figures."""
    traffic = evaluations(record, c)  # these two need the most memory, while the rest has none yet
    b7 = b7_errors(c)
    release_memory()
    counts(record)
    families(record)
    trainings(record)
    record.value("rate_images", c.rate_images)
    record.value("rate_photographs", min(c.photographs, RATE_PHOTOGRAPHS))
    record.value("noise_photographs", min(c.photographs, NOISE_PHOTOGRAPHS))
    record.value("k8_b7", b7_error("silu.k8") / b7_error("silu.published"), "{:.1f}")
    found = photographs_20(record, c)
    steps = against_steps(record, c)
    rate, disturbed = against_rate(c), disturbances(c)
    silu = b7[b7["activation"] == "silu"].groupby("set")["error"]
    for name in ("published", "ours"):
        record.value(f"b7_first_{name}", float(100 * silu.first()[name]), "{:.0f} %")
        record.value(f"b7_last_{name}", float(silu.last()[name]), "{:.1f} times")
    record.value("b7_pixels", c.b7_pixels)
    record.value("b7_gain", float(silu.last()["control"] / 0.01), "{:.0f}")
    complement(record, c)
    timelines, resnet20 = schedules(record)
    lite = found[0].statistics
    work(record, traffic, round(lite.neurons * (LITE_K[0] + lite.spikes_per_neuron)))
    if c.large:
        photographs_700(record)
    curves = cifar(record, c.rate_images) if c.large else kept_curves()
    rate_table(record, curves)
    at_equal_pace(record, curves, resnet20["one"])
    photographs = read_photographs_20().images[: c.photographs]
    return Result(photographs, found, raster(record), steps, rate, disturbed, b7, timelines, resnet20, curves)


def options(parser: argparse.ArgumentParser) -> None:
    """Further words of the command line."""
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--train", choices=list(CIFAR), help="train this CIFAR-10 network instead; go on if it was begun")
    instead.add_argument(
        "--prices", choices=list(CIFAR), help="show what this CIFAR-10 network loses and sends by the price of spikes instead"
    )
    instead.add_argument("--model", help="evaluate this network about a folder of images instead; go on if it was begun")
    parser.add_argument("--images", type=Path, metavar="DIR", help="the images for --model: a subfolder per category, or a labels.csv")
    parser.add_argument(
        "--results", type=Path, metavar="DIR", help="where --model writes its answers (default: data/results/live/folder/MODEL)"
    )
    parser.add_argument("--batch", type=int, metavar="N", help="how many images --model takes at once")


def command(arguments: argparse.Namespace) -> bool:
    """Do what the further words ask for; False if there were none.

    Raises
    ------
    SystemExit
        If ``--model`` and ``--images`` do not come together, or a seed is given that would decide nothing.
    """
    if arguments.train:
        about = train_cifar(arguments.train, arguments.seed)
        print(f"accuracy on the test images: {100 * about['test_accuracy']:.2f} %")
    elif arguments.seed and (arguments.prices or arguments.model):
        raise SystemExit("error: --seed decides about --train and a run of the chapter only: leave it out")
    elif arguments.prices:
        print(prices(arguments.prices).to_string(index=False))
    elif arguments.model and arguments.images:
        # by name, so that a change to this command, which no page shows, does not put the chapter out of date
        folder = importlib.import_module("snncore.tools.imagenet")
        folder.command(arguments.model, arguments.images, arguments.results, arguments.batch)
    elif any(value is not None for value in (arguments.model, arguments.images, arguments.results, arguments.batch)):
        raise SystemExit("error: give --model and --images together: --model efficientnet_b7 --images DIR [--results DIR] [--batch N]")
    else:
        return False
    return True
