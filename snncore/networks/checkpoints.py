"""Checkpoints of our own trainings, by name: weights, and accounts of how they came about.

In ``data/training`` each training has its own two files, ``<name>.safetensors`` and ``<name>.json``. In ``data/checkpoints`` two files hold
many: tensors ``<name>/<tensor>`` and an object of accounts. A training is in the file whose name is the longest beginning of its own:
``relational_snn-drawn_7_0`` in ``relational_snn-drawn``, not in ``relational_snn``. `keep` takes it in.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from snncore.datafiles import TRAINING, DataError, alone, package_file

Module = TypeVar("Module", bound=nn.Module)
IDENTITY = "command", "seed", "recipe", "constants"  # what of an account says which training it is


def save_checkpoint(folder: Path, name: str, network: nn.Module, about: dict[str, Any]) -> Path:
    """Write weights, and the account of their training; files that were there before are replaced only by complete ones."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    return _write(folder / f"{name}.safetensors", tensors, _text(about))


def _write(path: Path, tensors: dict[str, Tensor], account: str) -> Path:
    """Write weights, if there are any, and accounts beside what was there, and rename them to take its place."""
    parts = path.with_suffix(".part"), path.with_suffix(".account.part")
    parts[1].write_text(account + "\n", encoding="utf-8")
    if tensors:
        save_file(tensors, parts[0])
        shutil.copymode(parts[1], parts[0])  # that of a file that only its owner could read
        os.replace(parts[0], path)
    os.replace(parts[1], path.with_suffix(".json"))
    return path


def _text(about: Mapping[str, Any]) -> str:
    """An account as JSON, with a line for each row of its log; ``before`` holds the account of an earlier training."""

    def value(key: str, content: Any) -> str:
        if key == "log":
            return "[\n" + ",\n".join(" " + json.dumps(row) for row in content) + "\n]"
        return _text(content) if key == "before" else json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)

    return _object({key: value(key, content) for key, content in about.items()})


def _object(values: Mapping[str, str]) -> str:
    """A JSON object of values that are JSON already."""
    lines = ",\n".join(f"{json.dumps(key)}: {value}" for key, value in values.items())
    return "{\n " + lines.replace("\n", "\n ") + "\n}"


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Describe which values differ; empty if none do."""
    names = [name for name in dict.fromkeys([*there, *here]) if there.get(name) != here.get(name)]
    return ", ".join(f"{name} is {there.get(name, 'not given')} there and {here.get(name, 'not given')} here" for name in names)


def _file_of(name: str, new: Path | None = None) -> Path:
    """The file of weights in ``data/checkpoints`` that a training belongs to, as the accounts beside it say; ``new`` may be one of them."""
    folder = package_file("checkpoints")
    stems = [stem for stem in [*(path.stem for path in folder.glob("*.json")), new.stem if new else ""] if stem and name.startswith(stem)]
    if not stems:
        raise DataError(f"{name} does not begin with the name of a file of {folder}")
    return folder / f"{max(stems, key=len)}.safetensors"


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A file of weights; DataError if it is missing or damaged."""
    try:
        with safe_open(path, "pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read: {error}. Restore it with 'git checkout data/checkpoints/{path.name}'") from error


def _tensors(path: Path, start: str = "") -> dict[str, Tensor]:
    """Tensors whose names begin so, by the rest of their names; no other is read."""
    with _opened(path) as file:
        return {key.removeprefix(start): file.get_tensor(key) for key in sorted(file.keys()) if key.startswith(start)}


def load_checkpoint(name: str, network: Module, constants: Mapping[str, Any] | None = None) -> Module:
    """Load the weights of a checkpoint of the package into ``network``.

    ``constants`` decide what the weights mean beside their shapes. Raises `DataError` if it is missing or its file damaged, or if it
    belongs to another architecture or to other constants.
    """
    path = _file_of(name)
    if not (weights := _tensors(path, f"{name}/")):
        how = "train it (python -m snncore.trainings), and keep it (python -m snncore.trainings keep)"
        raise DataError(f"{path} has no weights of {name}. If they were never kept, {how}")
    about = about_checkpoint(name)
    remedy = f"take that of its training, {about['command']!r}, or train anew by it"
    if what := differences(about.get("constants", {}), constants or {}):
        raise DataError(f"{name} in {path} is of another configuration ({what}): {remedy}")
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(f"{name} in {path} is of another network ({error}): {remedy}") from error
    return network


def about_checkpoint(name: str) -> dict[str, Any]:
    """Account of the training of a checkpoint: command, seed, recipe, log, seconds, machine, versions. `DataError` if there is none."""
    path = _file_of(name).with_suffix(".json")
    if name not in (kept := _accounts_in(path)):
        raise DataError(f"{path} has no account of {name}: it has those of {', '.join(kept)}")
    return kept[name]


def read_account(path: Path) -> dict[str, Any]:
    """Read an account that `save_checkpoint` wrote; DataError if the file is damaged."""
    return _accounts_in(path, alone=True)[path.stem]


def _accounts_in(path: Path, alone: bool = False) -> dict[str, dict[str, Any]]:
    """Accounts by name, of a file that holds one alone, or many; DataError if the file is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {path.stem: content} if alone else dict(content)
        if not all(isinstance(about, dict) and "command" in about for about in found.values()):
            raise ValueError("it names no command")
    except (OSError, ValueError, TypeError) as error:
        remedy = "restore it by git, or remove it and the .state beside it to train anew"
        raise DataError(f"{path} is no account of a training ({error}): {remedy}") from error
    return found


def accounts(beginning: str, **fields: Any) -> dict[str, dict[str, Any]]:
    """Accounts of recorded trainings, by name, with or without weights that were kept.

    Names begin with ``beginning``, which may be a pattern such as ``cifar_*_20``; fields have the given values, such as ``task=3``.
    """
    plain = re.split(r"[*?[]", beginning)[0]
    files = [path for path in package_file("checkpoints").glob("*.json") if path.stem.startswith(plain) or plain.startswith(path.stem)]
    recorded = {name: a for path in files for name, a in _accounts_in(path).items() if fnmatchcase(name, f"{beginning}*")}
    return {name: about for name, about in sorted(recorded.items()) if all(about.get(key) == value for key, value in fields.items())}


def names_of_weights() -> list[str]:
    """Names of all trainings whose weights were kept."""
    names = set[str]()
    for path in package_file("checkpoints").glob("*.safetensors"):
        with _opened(path) as file:
            names |= {key.partition("/")[0] for key in sorted(file.keys())}
    return sorted(names)


def keep(training: str, name: str = "", file: str = "", weights: bool = True, half: bool = False) -> Path:
    """Take a training that is done from ``data/training`` into ``data/checkpoints``; return the file of its weights there.

    Parameters
    ----------
    training : str
        Its name in data/training, such as memory_ahp_rows_3.
    name : str
        By which it is kept, if that is another, as for the last stage of a CIFAR-10 network. One by the same recipe is replaced.
    file : str
        Of data/checkpoints, without ending, if it shall be new; it must begin the name.
    weights : bool
        Whether to keep the weights, or the account alone.
    half : bool
        Round the weights to half precision.

    Raises
    ------
    DataError
        If one of this name is there by another command, recipe, seed or constants, if it or others would not be found, or a file is
        missing or damaged. What is there stays until all is written.
    """
    source, name, folder = TRAINING / f"{training}.json", name or training, package_file("checkpoints")
    about = read_account(source)
    with alone(TRAINING):
        path = folder / f"{file}.safetensors" if file else _file_of(name)
        kept = _accounts_in(path.with_suffix(".json")) if path.with_suffix(".json").exists() else {}
        here = {*kept, name}
        if lost := [other for other in sorted({*here, *accounts(path.stem)}) if (_file_of(other, path) == path) != (other in here)]:
            raise DataError(f"{path.stem} cannot be the file: {lost[0]} would be looked for elsewhere than it is")
        if what := differences(*({key: of.get(key) for key in IDENTITY} for of in (kept.get(name, about), about))):
            raise DataError(f"{name} is there as another training ({what}): give it another name, or take the old one out first")
        new = _tensors(source.with_suffix(".safetensors")) if weights else {}
        tensors = {key: w for key, w in (_tensors(path) if path.exists() else {}).items() if not key.startswith(f"{name}/")}
        tensors |= {f"{name}/{key}": w.half() if half and w.is_floating_point() else w for key, w in new.items()}
        texts = {other: _text(account) for other, account in sorted({**kept, name: about}.items())}
        return _write(path, tensors, _object(texts))
