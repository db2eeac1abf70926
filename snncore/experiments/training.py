"""Train by a command: resumed if it was begun, tested once, with an account of how it came about."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
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


def state_of(name: str) -> Path:
    """Where a training that is under way keeps its state."""
    return TRAINING / f"{name}.state"


def commit() -> str:
    """The commit that a training starts from."""
    return provenance.commit(TRAINING.parents[1])


def _as_kept(recipe: Any) -> dict[str, Any]:
    """A recipe as JSON can hold it: what is infinite, such as a limit that there is not, is null."""
    return {name: None if value == math.inf else value for name, value in asdict(recipe).items()}


def keep(
    name: str, words: str, seed: int, recipe: Any, network: nn.Module, about: str, start: str, log: list[dict[str, Any]], **found: Any
) -> None:
    """Write a checkpoint and its account to ``data/training``.

    Parameters
    ----------
    name : str
        Of the checkpoint.
    words : str
        Of the command that did this, after ``python -m snncore.experiments``, without the seed.
    seed : int
    recipe : dataclass
    network : module
    about : str
        Which data it learned from.
    start : str
        The commit that it started from.
    log : list of dict
        Rows with ``seconds``.
    found : any
        What else the account says, such as the tests.
    """
    account = {
        "command": f"python -m snncore.experiments {words} --seed {seed}",
        "seed": seed,
        "data": about,
        "parameters": sum(p.numel() for p in network.parameters()),
        "recipe": _as_kept(recipe),
        **found,
        "seconds": round(sum(row["seconds"] for row in log)),
        "machine": provenance.machine(),
        "versions": provenance.versions(),
        "commit": start,
        "log": log,
    }
    save_checkpoint(TRAINING, name, network, account)


def kept(name: str, recipe: Any) -> dict[str, Any] | None:
    """The account of a training by this recipe, if it is done."""
    path = TRAINING / f"{name}.json"
    account = json.loads(path.read_text()) if path.exists() else None
    return account if account and account["recipe"] == _as_kept(recipe) else None


def train_once(name: str, words: str, recipe: Recipe, seed: int, prepare: Callable[[], Job]) -> dict[str, Any]:
    """Train a classifier, test it once, and keep it; if that is done, only read the account.

    Parameters
    ----------
    name, words, recipe, seed
        As of `keep`.
    prepare : callable
        Called if there is something to train.
    """
    if kept(name, recipe) is None:
        start, job = commit(), prepare()
        log = train(job.network, *job.data["train"], job.data["validation"], recipe, seed, state_of(name), **job.options)
        tested = {part: round(accuracy(job.network, *data), 4) for part, data in job.data.items() if part.startswith("test")}
        found = {"test_accuracy": tested.pop("test"), **({"tests": tested} if tested else {})}
        keep(name, words, seed, recipe, job.network, job.about, start, log, **found)
    account = kept(name, recipe)
    assert account
    return account


def held_out(inputs: Tensor, labels: Tensor, count: int) -> dict[str, tuple[Tensor, Tensor]]:
    """The training part in two: without its last examples, and these."""
    return {"train": (inputs[:-count], labels[:-count]), "validation": (inputs[-count:], labels[-count:])}
