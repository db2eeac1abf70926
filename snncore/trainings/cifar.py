"""Image classifiers for CIFAR-10, trained in stages (``python -m snncore.trainings cifar --network resnet8 --seed 0``), and converted.

A further stage goes on with the weights of the one before.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from snncore.datafiles import find
from snncore.few_spike import published_neurons
from snncore.few_spike.convert import convert
from snncore.few_spike.layer import Conversion
from snncore.learning.classifier import Recipe, distilled
from snncore.networks.checkpoints import about_checkpoint
from snncore.networks.images import CIFAR, cifar_network
from snncore.seeds import seeded_draws
from snncore.tasks.images import Labeled, augmented, cifar10
from snncore.trainings.job import Job, classified, train_or_read

Network = Literal["resnet8", "resnet14", "resnet20", "silu"]

CALIBRATION = 256  # training images from which the layers of a converted network get their parameters
STEPS = {"resnet8": 9, "resnet14": 9, "resnet20": 9, "silu": 16}  # K, chosen with the validation images
SPIKE_BUDGET = {"relu": 1.45, "silu": 2.1}  # spikes per neuron: a little less than the paper has for ResNet50 and EfficientNet-B7
PENALTY = {"resnet8": 7e-4, "resnet14": 5e-4, "resnet20": 5e-4, "silu": 4e-4}  # the lowest with which validation images cause no more


@dataclass(frozen=True)
class CifarRecipe(Recipe):
    """A stage of the training of a CIFAR-10 network."""

    hole: int = 0  #: width and height [pixel] of a square that is left out of each image (`snncore.tasks.images.augmented`)
    #: trained network of `snncore.networks.images.CIFAR` whose answers it learns, too (`snncore.learning.classifier.distilled`)
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


def stages(network: str) -> list[dict[str, Any]]:
    """Accounts of the stages of a recorded training, the first one first."""
    accounts = [about_checkpoint(f"cifar_{network}")]
    while "before" in accounts[0]:
        accounts.insert(0, accounts[0]["before"])
    return accounts


def conversion(network: str, data: dict[str, Labeled], published: bool = False, penalty: float | None = None) -> Conversion:
    """Convert one of the networks `snncore.networks.images.CIFAR`, with published neurons or with parameters for each layer.

    ``data`` is `snncore.tasks.images.cifar10`, ``penalty`` the price on spikes (default: that of `PENALTY`).
    """
    given = published_neurons() if published else None
    images = data["train"].images
    price = PENALTY[network] if penalty is None else penalty
    return convert(cifar_network(network), images[:1], images[:CALIBRATION], given, STEPS[network], price)


def command(network: Network, seed: int = 0) -> dict[str, Any]:
    """Train an image classifier for CIFAR-10, stage by stage (hours); go on where a run was stopped.

    Parameters
    ----------
    network : str
        ResNet of that depth, or a small EfficientNet with SiLU.
    seed : int
        Of the first weights, and of order and augmentation of the images.
    """
    form = {"compact": "JPEG copies of quality 75 (lossy)"}.get(find("cifar10").form, "official")
    data = f"CIFAR-10, 48,000 training images, {form}"

    def prepare(recipe: CifarRecipe) -> Job:
        with seeded_draws(seed, f"weights of {network}"):
            fresh = CIFAR[network]()
        options: dict[str, Any] = {"augment": partial(augmented, hole=recipe.hole)}
        about = data
        if recipe.teacher:
            options["loss"] = distilled(cifar_network(recipe.teacher))
            its = about_checkpoint(f"cifar_{recipe.teacher}")
            about += f", and the answers of {recipe.teacher} as trained at commit {its['commit']}"
        return Job(fresh, cifar10(), options, about)

    before, account = "", dict[str, Any]()
    for stage, recipe in enumerate(RECIPES[network], start=1):
        name, words = f"cifar_{network}_{seed}_{stage}", f"cifar --network {network}"
        about = {"network": network, "stage": stage}
        do = classified(partial(prepare, recipe), before)
        account = train_or_read(name, words, recipe, seed, do, before=account, data=data, about=about)
        before = name
    print(f"accuracy on the test images: {100 * account['test_accuracy']:.2f} %")
    return account
