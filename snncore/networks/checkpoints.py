"""Checkpoints of our own trainings: weights in ``data/checkpoints/<name>.safetensors``, how they came about in ``<name>.json``."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from snncore.datafiles import DataError, package_file

Module = TypeVar("Module", bound=nn.Module)


def save_checkpoint(folder: Path, name: str, network: nn.Module, about: dict[str, Any]) -> Path:
    """Write weights, and the account of their training; files that were there before are replaced only by complete ones."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    text, account, parts = _text(about), path.with_suffix(".json"), (folder / f"{name}.part", folder / f"{name}.account.part")
    save_file({key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}, parts[0])
    parts[1].write_text(text + "\n", encoding="utf-8")
    os.replace(parts[0], path)
    os.replace(parts[1], account)
    return path


def _text(about: Mapping[str, Any]) -> str:
    """An account as JSON, with a line for each row of its log; ``before`` holds the account of an earlier training."""

    def value(key: str, content: Any) -> str:
        if key == "log":
            return "[\n" + ",\n".join(" " + json.dumps(row) for row in content) + "\n]"
        return _text(content) if key == "before" else json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)

    lines = ",\n".join(f"{json.dumps(key)}: {value(key, content)}" for key, content in about.items())
    return "{\n " + lines.replace("\n", "\n ") + "\n}"


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Describe which values differ; empty if none do."""
    names = [name for name in dict.fromkeys([*there, *here]) if there.get(name) != here.get(name)]
    return ", ".join(f"{name} is {there.get(name, 'not given')} there and {here.get(name, 'not given')} here" for name in names)


def load_checkpoint(name: str, network: Module, constants: Mapping[str, Any] | None = None) -> Module:
    """Load the weights of a checkpoint of the package into ``network``.

    ``constants`` decide what the weights mean beside their shapes. Raises `DataError` if the file is missing or damaged, or belongs to
    another architecture or to other constants.
    """
    try:
        path = package_file(f"checkpoints/{name}.safetensors")
    except DataError as error:
        raise DataError(f"{error}. If it was never kept, train it (python -m snncore.trainings), and copy it from data/training") from error
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read: {error}. Restore it with 'git checkout data/checkpoints/{path.name}'") from error
    about = about_checkpoint(name)
    remedy = f"take that of its training, {about['command']!r}, or train anew by it"
    if what := differences(about.get("constants", {}), constants or {}):
        raise DataError(f"{path} is of another configuration ({what}): {remedy}")
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(f"{path} is of another network ({error}): {remedy}") from error
    return network


def about_checkpoint(name: str) -> dict[str, Any]:
    """Account of the training of a checkpoint: command, seed, recipe, log, seconds, machine, versions."""
    return read_account(package_file(f"checkpoints/{name}.json"))


def read_account(path: Path) -> dict[str, Any]:
    """Read an account that `save_checkpoint` wrote; DataError if the file is damaged."""
    remedy = "restore it by git, or remove it and the .state beside it to train anew"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is no account of a training ({error}): {remedy}") from error
    if not isinstance(about, dict) or "command" not in about:
        raise DataError(f"{path} is no account of a training (it names no command): {remedy}")
    return about


def accounts(beginning: str, **fields: Any) -> dict[str, dict[str, Any]]:
    """Accounts of recorded trainings, by name, with or without weights that were kept.

    Names begin with ``beginning``, which may be a pattern such as ``cifar_*_20``; fields have the given values, such as ``task=3``.
    """
    recorded = {path.stem: about_checkpoint(path.stem) for path in sorted(package_file("checkpoints").glob(f"{beginning}*.json"))}
    return {name: about for name, about in recorded.items() if all(about.get(key) == value for key, value in fields.items())}
