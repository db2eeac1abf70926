"""Train by a command: resumed if it was begun, tested once, with an account of how it came about."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from snncore import provenance
from snncore.datafiles import TRAINING, DataError
from snncore.learning.classifier import accuracy, train
from snncore.networks.checkpoints import read_account, save_checkpoint


class Job(NamedTuple):
    """A network, and what it learns from."""

    network: nn.Module  #: with fresh weights
    data: Mapping[str, tuple[Tensor, Tensor]]  #: inputs and labels of ``train``, ``validation``, ``test`` and parts of it ("test 1")
    options: Mapping[str, Any]  #: further ones of `snncore.learning.classifier.train`
    about: str  #: which data these are


class Setting(NamedTuple):
    """What `snncore.learning.descent.descend` needs beside a network and its updates."""

    recipe: Any
    seed: int
    state: Path  #: of the training while it is under way
    constants: Mapping[str, Any]


class Done(NamedTuple):
    """A training that is over."""

    network: nn.Module  #: trained
    about: str  #: which data it learned from
    log: list[dict[str, Any]]  #: rows with ``seconds``
    results: Mapping[str, Any]  #: of its tests, by name


def to_json(recipe: Any) -> dict[str, Any]:
    """A recipe as JSON can hold it: an infinite number is null."""
    return {name: None if value == math.inf else value for name, value in asdict(recipe).items()}


def rounded(constants: Mapping[str, float]) -> dict[str, float]:
    """Constants to six digits, so that they are the same on all machines."""
    return {name: value if isinstance(value, int) else float(f"{value:.6g}") for name, value in constants.items()}


def train_or_read(
    name: str,
    words: str,  # of the command that does this, after ``python -m snncore.trainings``, without the seed; the first is the family
    recipe: Any,
    seed: int,
    do: Callable[[Setting], Done],  # trains
    constants: Mapping[str, Any] | None = None,  # what decides what the weights mean beside their shapes, by name; numbers and words
    before: Mapping[str, Any] | None = None,  # the account of the training whose weights this one begins with
    data: str = "",  # how `Done.about` begins, if that may differ from one machine or day to another
    about: Mapping[str, Any] | None = None,  # which training of its family it is, such as its kind, task and form, by name
) -> dict[str, Any]:
    """Train, write checkpoint and account to ``data/training``, and return the account; if that was done, only read it."""
    if seed < 0:
        raise ValueError(f"--seed {seed} is negative: give 0 or more")
    path = TRAINING / f"{name}.json"
    setting, further = Setting(recipe, seed, path.with_suffix(".state"), constants or {}), {"constants": constants, "before": before}
    kept = {"recipe": to_json(recipe), **{key: dict(value) for key, value in further.items() if value}}
    with FileLock(path.with_suffix(".lock")):  # waits while another process trains it, and reads what that has written
        there = read_account(path) if path.exists() else {}
        if {key: there[key] for key in ("recipe", *further) if key in there} == kept and there.get("data", "").startswith(data):
            return there
        commit, done = provenance.commit(TRAINING.parents[1]), do(setting)
        account = {
            "command": f"python -m snncore.trainings {words} --seed {seed}",
            "family": words.split()[0],
            **(about or {}),
            "seed": seed,
            "data": done.about,
            "parameters": sum(p.numel() for p in done.network.parameters()),
            **kept,
            **done.results,
            "seconds": round(sum(row["seconds"] for row in done.log)),
            "machine": provenance.machine(),
            "versions": provenance.versions(),
            "commit": commit,
            "log": done.log,
        }
        save_checkpoint(TRAINING, name, done.network, account)
    return read_account(path)


def classified(prepare: Callable[[], Job], before: str = "") -> Callable[[Setting], Done]:
    """Training of a classifier for `train_or_read`: tested once, and begun with the weights of the training ``before``, if one is named.

    Raises `DataError` if these weights are missing or damaged.
    """

    def do(setting: Setting) -> Done:
        recipe, seed, state, constants = setting
        job = prepare()
        made_of = {**constants, "data": job.about}
        if before:
            weights = TRAINING / f"{before}.safetensors"
            try:
                job.network.load_state_dict(load_file(weights))
            except (OSError, SafetensorError, RuntimeError) as error:
                raise DataError(f"{weights} cannot be read: {error}. Remove {before}.json and .state, to train it anew") from error
            made_of["begins with"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        options = {"constants": made_of, "after": before, **job.options}
        log = train(job.network, *job.data["train"], job.data["validation"], recipe, seed, state, **options)
        tested = {part: round(accuracy(job.network, *data), 4) for part, data in job.data.items() if part.startswith("test")}
        return Done(job.network, job.about, log, {"test_accuracy": tested.pop("test"), **({"tests": tested} if tested else {})})

    return do


def held_out(inputs: Tensor, labels: Tensor, count: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Hold the last examples of the training part out."""
    return {"train": (inputs[:-count], labels[:-count]), "validation": (inputs[-count:], labels[-count:])}
