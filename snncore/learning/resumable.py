"""A training that is under way, in one file: found again after a kill, or refused if it belongs to another training."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pandas as pd
import torch
from torch import nn

from snncore.networks.checkpoints import differences

Row = dict[str, Any]
Log = list[Row]


class TrainingDiverged(RuntimeError):
    """The loss is no longer a sensible number; the message names the epoch or update, and the state that was kept."""


def identity(recipe: Any, seed: int, network: nn.Module, constants: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Identity of a training, for JSON: recipe (a dataclass), seed, shapes, and constants; `TypeError` for values that JSON cannot hold."""
    shapes = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    who = {"recipe": asdict(recipe), "seed": seed, "shapes": shapes} | ({"constants": dict(constants)} if constants else {})
    return json.loads(json.dumps(who))


def logged(path: Path, who: dict[str, Any], rows: Callable[[Log], Iterator[Row]], numbers: dict[str, float], **parts: Any) -> Log:
    """The whole log of a training, which goes on from where the file ``path`` stands, if it exists.

    ``rows`` gets the log, which grows, and yields the rows that it lacks. After each, the row with its ``seconds``, the ``numbers``, and
    the states of the ``parts`` (network, optimizer), all of which are what they were then when the training goes on, take the place of
    the file. Raises `ValueError` if it is the state of another training than ``who``, is no state, or is damaged.
    """
    log: Log = []
    if path.exists():
        saved = _read(path, who, [*parts, *numbers])
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        numbers.update({name: saved[name] for name in numbers})
        log = saved["log"]
    start = time.perf_counter()
    for row in rows(log):
        log.append(row | {"seconds": round(time.perf_counter() - start, 1)})
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".part")
        torch.save({"identity": who, "log": log, **numbers, **{name: part.state_dict() for name, part in parts.items()}}, beside)
        os.replace(beside, path)
        start = time.perf_counter()
    return log


def _read(path: Path, who: dict[str, Any], names: list[str]) -> dict[str, Any]:
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        there, *_ = (saved[name] for name in ("identity", "log", *names))
    except (OSError, EOFError, RuntimeError, UnpicklingError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is no state of a training, or damaged: remove it to begin anew") from error
    if there != who:
        what = differences(*(pd.json_normalize(of).to_dict("records")[0] for of in (there, who)))  # type: ignore[arg-type]
        raise ValueError(f"{path} belongs to another recipe, seed or network ({what}): remove it to begin anew")
    return saved
