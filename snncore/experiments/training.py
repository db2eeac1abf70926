"""Train a classifier by a command: resumed if it was begun, tested once, with an account of how it came about."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from torch import Tensor, nn

from snncore.datafiles import TRAINING
from snncore.experiments import provenance
from snncore.learning.classifier import Recipe, accuracy, train
from snncore.networks.checkpoints import save_checkpoint


class Job(NamedTuple):
    """A network with fresh weights, and what it learns from.

    Attributes
    ----------
    network : module
    data : mapping
        ``train``, ``validation`` and ``test``: inputs and labels. Parts of the test may have a name after that word.
    options : mapping
        Further ones of `snncore.learning.classifier.train`.
    about : str
        Which data these are.
    """

    network: nn.Module
    data: Mapping[str, tuple[Tensor, Tensor]]
    options: Mapping[str, Any]
    about: str


def train_once(name: str, words: str, recipe: Recipe, seed: int, prepare: Callable[[], Job]) -> dict[str, Any]:
    """Train a network, test it once, and write its checkpoint and account to ``data/training``; if that is done, only read the account.

    Parameters
    ----------
    name : str
        Of the checkpoint.
    words : str
        Of the command that does this, after ``python -m snncore.experiments``, without the seed.
    recipe : Recipe
    seed : int
    prepare : callable
        Called if there is something to train.
    """
    path = TRAINING / f"{name}.json"
    if not path.exists() or json.loads(path.read_text())["recipe"] != asdict(recipe):
        commit, job = provenance.commit(TRAINING.parents[1]), prepare()
        log = train(job.network, *job.data["train"], job.data["validation"], recipe, seed, TRAINING / f"{name}.state", **job.options)
        tested = {part: round(accuracy(job.network, *data), 4) for part, data in job.data.items() if part.startswith("test")}
        about = {
            "command": f"python -m snncore.experiments {words} --seed {seed}",
            "seed": seed,
            "data": job.about,
            "parameters": sum(p.numel() for p in job.network.parameters()),
            "recipe": asdict(recipe),
            "test_accuracy": tested.pop("test"),
            **({"tests": tested} if tested else {}),
            "seconds": round(sum(row["seconds"] for row in log)),
            "machine": provenance.machine(),
            "versions": provenance.versions(),
            "commit": commit,
            "log": log,
        }
        save_checkpoint(TRAINING, name, job.network, about)
    return json.loads(path.read_text())


def held_out(inputs: Tensor, labels: Tensor, count: int) -> dict[str, tuple[Tensor, Tensor]]:
    """The training part in two: without its last examples, and these."""
    return {"train": (inputs[:-count], labels[:-count]), "validation": (inputs[-count:], labels[-count:])}
