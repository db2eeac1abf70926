"""Image classifiers as few-spike networks."""

import sys
import time
from dataclasses import asdict
from pathlib import Path

from snncore.datafiles import TRAINING
from snncore.experiments import provenance
from snncore.learning.classifier import Recipe, accuracy, train
from snncore.networks.checkpoints import save_checkpoint
from snncore.networks.images import CIFAR
from snncore.seeds import seeded_weights
from snncore.tasks.images import augmented, cifar10

RECIPES = {"resnet8": Recipe(40), "resnet14": Recipe(30), "resnet20": Recipe(30), "silu": Recipe(24)}


def train_cifar(name: str, seed: int = 0, state: Path | None = None) -> Path:
    """Train one of the CIFAR-10 networks (resumed if it was begun), test it once, and write checkpoint and log to data/training."""
    data = cifar10()
    start = time.perf_counter()
    with seeded_weights(seed, f"weights of {name}"):
        network = CIFAR[name]()
    state = state or TRAINING / f"cifar_{name}.state"
    log = train(network, *data["train"], data["validation"], RECIPES[name], seed, state, augmented)
    about = {
        "command": f"python -m snncore.experiments images --train {name} --seed {seed}",
        "seed": seed,
        "data": "CIFAR-10, 48,000 training images" + "; compact form of the package, JPEG of quality 75 (lossy)",
        "recipe": asdict(RECIPES[name]),
        "test_accuracy": accuracy(network, *data["test"]),
        "seconds": sum(row["seconds"] for row in log),
        "machine": provenance.machine(),
        "versions": provenance.versions(),
        "commit": "",
        "log": log,
    }
    print(f"test: {100 * about['test_accuracy']:.2f} % ({time.perf_counter() - start:.0f} s)")
    return save_checkpoint(TRAINING, f"cifar_{name}", network, about)


if __name__ == "__main__":
    train_cifar(sys.argv[1])
