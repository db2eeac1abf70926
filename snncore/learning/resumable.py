"""The state of a training that is under way, in one file: found again after a kill, or refused if it belongs to another training."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn


def identity(recipe: Any, seed: int, network: nn.Module) -> dict[str, Any]:
    """What makes a training this one: its recipe (a dataclass), its seed, and the shapes of its network."""
    return {"recipe": asdict(recipe), "seed": seed, "shapes": {k: tuple(v.shape) for k, v in network.state_dict().items()}}


def read_state(path: Path, who: dict[str, Any]) -> dict[str, Any] | None:
    """What was written last, if anything was.

    Raises
    ------
    ValueError
        If it belongs to another recipe, seed or network.
    """
    if not path.exists():
        return None
    saved = torch.load(path, weights_only=True)
    if saved["identity"] != who:
        raise ValueError(f"{path} belongs to another recipe, seed or network: remove it to begin anew")
    return saved


def write_state(path: Path, who: dict[str, Any], **content: Any) -> None:
    """Write it beside the last one, and then in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    torch.save({"identity": who, **content}, part)
    os.replace(part, path)
