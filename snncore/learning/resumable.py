"""The state of a training that is under way, in one file: found again after a kill, or refused if it belongs to another training."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pandas as pd
import torch
from torch import nn

from snncore.networks.checkpoints import differences


def identity(recipe: Any, seed: int, network: nn.Module, constants: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Identity of a training, for JSON: recipe (a dataclass), seed, shapes, and constants; `TypeError` for values that JSON cannot hold."""
    shapes = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    who = {"recipe": asdict(recipe), "seed": seed, "shapes": shapes} | ({"constants": dict(constants)} if constants else {})
    return json.loads(json.dumps(who))


def read_state(path: Path, who: dict[str, Any]) -> dict[str, Any] | None:
    """Read the last state, if there is one; `ValueError` if it belongs to another training, is no such file, or is damaged."""
    if not path.exists():
        return None
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        there = saved["identity"]
    except (OSError, EOFError, RuntimeError, UnpicklingError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is no state of a training, or damaged: remove it to begin anew") from error
    if there != who:
        what = differences(*(pd.json_normalize(of).to_dict("records")[0] for of in (there, who)))  # type: ignore[arg-type]
        raise ValueError(f"{path} belongs to another recipe, seed or network ({what}): remove it to begin anew")
    return saved


def write_state(path: Path, who: dict[str, Any], **content: Any) -> None:
    """Write a state beside the last one, and rename it to take its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    torch.save({"identity": who, **content}, part)
    os.replace(part, path)
