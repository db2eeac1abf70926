"""A classifier and its few-spike version on a folder of labeled images, such as ImageNet's validation set: a row of the talk's table.

``python -m snncore.tools imagenet --model efficientnet_b7 --images DIR``

The folder holds one subfolder per category, in the order of their names (or named by the categories' numbers, from 0), or a table
``labels.csv`` with the columns ``file`` and ``label``. Answers of both networks are appended to files in the folder of results, a line per
image, so that a run that was killed goes on where it stopped, also with other processes, with as many threads in each.

``torchrun --nproc-per-node N -m snncore.tools imagenet ...`` starts processes that share the images, each with a CUDA GPU if there is one.
"""

import copy
import hashlib
import json
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path, PurePosixPath
from pickle import UnpicklingError
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.distributed as dist
from torch import Tensor, fx, nn
from tqdm import tqdm

from snncore.datafiles import RESULTS, DataError, sha256
from snncore.few_spike import Conversion, convert, published_neurons, relu_code, statistics
from snncore.few_spike.choose import CLOSED
from snncore.few_spike.layer import Report
from snncore.few_spike.trace import traced
from snncore.networks.images import SIZE, efficientnet_lite, efficientnet_lite_input
from snncore.shapes import check_whole
from snncore.tasks.data_sets import decode_image

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
CALIBRATION = 16  # images to which neurons are fitted, where none are published
UNREADABLE = "it cannot be read"  # perhaps only now: the next run tries again
AHEAD = 4  # batches that are read, by as many threads, while the networks compute


class Model(NamedTuple):
    """A classifier with its weights, how it wants a photograph, and how many categories it knows."""

    network: nn.Module
    prepare: Callable[[np.ndarray], Tensor]
    categories: int


def model(name: str) -> Model:
    """EfficientNet-Lite from packages (``efficientnet_lite0``), or a classifier of torchvision with its first ImageNet weights.

    Raises `ValueError` if there is no such network, or its weights are neither in PyTorch's cache nor can be downloaded, or are not the
    published ones.
    """
    from torchvision import models

    versions = {f"efficientnet_lite{version}": version for version in SIZE}
    if name in versions:
        version = versions[name]
        return Model(efficientnet_lite(version), lambda photograph: efficientnet_lite_input([photograph], version), 1000)
    known = models.get_model_weights(name).__members__ if name in models.list_models(module=models) else {}
    if "IMAGENET1K_V1" not in known:
        raise ValueError(f"model is {name!r}: give one of {', '.join(versions)}, or a classifier of torchvision such as efficientnet_b7")
    weights: Any = known["IMAGENET1K_V1"]
    _refuse_other_weights(name, weights.url)
    network, transform = models.get_model(name, weights=weights).eval(), weights.transforms()
    return Model(network, lambda p: transform(torch.from_numpy(p.copy()).permute(2, 0, 1))[None], len(weights.meta["categories"]))


def _refuse_other_weights(name: str, url: str) -> None:
    """Look at weights in PyTorch's cache, after a download if they are not there, before torchvision unpickles them.

    They need the checksum of which torchvision's address carries the first digits, and may hold nothing but tensors, so that no code runs.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / PurePosixPath(url).name
    digits = path.stem.rpartition("-")[2]
    if not re.fullmatch("[0-9a-f]{8,}", digits):
        raise ValueError(f"no weights of {name}: {url} names no checksum, so what comes from there cannot be checked; take another model")
    instead = f"remove it and run this again, or put in its place what {url} serves"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), digits)
        if not sha256(path).startswith(digits):
            raise ValueError(f"{path} are not the weights of {name}: its sha256 does not begin with {digits}; {instead}")
        torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ValueError(f"{path} holds something else than weights, and was not loaded: {instead}") from error
    except (OSError, EOFError, RuntimeError) as error:
        raise ValueError(f"no weights of {name} ({error}): get {url} and put it into {path.parent}") from error


def listing(folder: Path, categories: int) -> tuple[list[tuple[str, int]], int]:
    """The images of a folder with their labels, sorted by name, and how many others have no label; files of other kinds are left out.

    Raises `ValueError` if the folder holds no image, if it has neither a ``labels.csv`` nor a subfolder for each category, if a label is
    out of range, or if the table names a file that is not in the folder, or twice.
    """
    labels = _table(folder, categories) if (folder / "labels.csv").exists() else _subfolders(folder, categories)
    if not labels:
        raise ValueError(f"{folder} holds no image ({', '.join(sorted(SUFFIXES))})")
    unlabeled = sum(path.relative_to(folder).as_posix() not in labels for path in _images(folder))
    return sorted(labels.items()), unlabeled


def _images(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.is_dir())


def _table(folder: Path, categories: int) -> dict[str, int]:
    """Labels of the files that ``labels.csv`` lists."""
    path, labels = folder / "labels.csv", dict[str, int]()
    try:
        table = pd.read_csv(path, usecols=["file", "label"], dtype={"file": str, "label": int}, keep_default_na=False, encoding="utf-8-sig")
    except ValueError as error:
        raise ValueError(f"{path} is no table in UTF-8 with the columns file and label, a whole number: {error}") from error
    for given, label in zip(table["file"], table["label"], strict=True):
        file = Path(given).as_posix()
        if not 0 <= label < categories:
            raise ValueError(f"{path}: the label of {given!r} is {label}, and the network knows 0 to {categories - 1}")
        if Path(given).anchor or ".." in Path(given).parts or not (folder / given).is_file():
            raise ValueError(f"{path}: there is no file {given!r} inside of the folder: put it, or a link to it, there")
        if file in labels:
            raise ValueError(f"{path}: {given!r} was listed before")
        labels[file] = int(label)
    return labels


def _subfolders(folder: Path, categories: int) -> dict[str, int]:
    """Labels of the images in subfolders, by the order or number of the subfolder."""
    subs = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if subs and all(p.name.isdecimal() for p in subs):
        numbers = [int(p.name) for p in subs]
        if max(numbers) >= categories:
            raise ValueError(f"{folder} has the subfolder {max(numbers)}, and the network knows the categories 0 to {categories - 1}")
    elif len(subs) == categories:
        numbers = list(range(categories))
    else:
        raise ValueError(
            f"{folder} has {len(subs)} subfolders, and the network knows {categories} categories: have one for each, in their order, name "
            "them by the categories' numbers (from 0), or write a labels.csv with the columns file and label"
        )
    return {path.relative_to(folder).as_posix(): label for sub, label in zip(subs, numbers, strict=True) for path in _images(sub)}


class Row(NamedTuple):
    """The result: a line of the results for each file, how many images have no label, parameters, and the report of the conversion."""

    answers: dict[str, dict]
    unlabeled: int
    parameters: int
    report: Report

    @property
    def good(self) -> list[dict]:
        """The lines of images that could be read."""
        return [a for a in self.answers.values() if "damaged" not in a]

    @property
    def skipped(self) -> list[str]:
        """Files that could not, with reasons."""
        return [f"{file}: {a['damaged']}" for file, a in sorted(self.answers.items()) if "damaged" in a]


def evaluate(name: str, folder: Path, results: Path, batch: int | None = None) -> Row:
    """Ask both networks about all images of a folder, in as many processes as there are.

    Where there are published neurons (SiLU, sigmoid, ReLU) they are used; ReLU6 and Hardsigmoid have codes in closed form, of 8 steps.
    If there are other activations, such as Hardswish, all that is not published has 16 steps, and what has no closed form is fitted, layer
    by layer, to `CALIBRATION` images of the folder (a few minutes).

    A line of the results has file, label, the first five answers of each network, spikes; or why a damaged image is skipped.

    Raises `ValueError` as `model` and `listing`; if ``results`` lies in ``folder``, belongs to another model, other images, weights or
    neurons, or is damaged; if a network's output is not finite.
    """
    if batch is not None:
        check_whole("batch", batch)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    gpu = torch.cuda.is_available()
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local % torch.cuda.device_count()) if gpu else torch.device("cpu")
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: give one with a subfolder per category, or with a labels.csv")
    if results.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{results} lies in the folder of images, and would be one of its categories: name another by --results")
    classifier = model(name) if local == 0 else None  # one process per machine downloads the weights
    _together({})
    classifier = classifier or model(name)
    images, unlabeled = listing(folder, classifier.categories)
    float32 = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)  # and each run the same
    with float32, torch.inference_mode():
        if gpu:
            torch.cuda.set_device(device)
        ann = classifier.network.to(device)
        example = classifier.prepare(np.zeros((300, 300, 3), np.uint8)).to(device)
        snn, report = _converted(ann, example, lambda: _some(folder, images, classifier.prepare).to(device))
        _lock_results(results, name, images, snn, rank)
        answers = _together(read_answers(results))
        size = batch or (16 if gpu else 1)
        batches = [images[i : i + size] for i in range(0, len(images), size)]
        todo = [part for part in batches if any(file not in answers for file, _ in part)][rank::world]
        loaded = _ahead(lambda file: _load(folder / file, classifier.prepare), [[file for file, _ in part] for part in todo])
        bar = tqdm(loaded, total=len(todo), desc=f"{name}, process 1 of {world}", unit="batch", disable=None if rank == 0 else True)
        given = (_answer_batch(ann, snn, part, tensors, device) for part, tensors in zip(todo, bar, strict=True))
        answers |= _append(results / f"answers.{rank}.jsonl", given)
    return Row(_together(answers), unlabeled, sum(p.numel() for p in ann.parameters()), report)


def _append(path: Path, batches: Iterable[list[dict]]) -> dict[str, dict]:
    """Append answers to a file, each batch as soon as it is there, and return them by file."""
    if path.exists():  # what a kill has cut off would spoil the next line
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    answers: dict[str, dict] = {}
    with path.open("a", encoding="utf-8") as out:
        for given in batches:
            out.write("".join(json.dumps(answer) + "\n" for answer in given))
            out.flush()
            os.fsync(out.fileno())
            answers |= {answer["file"]: answer for answer in given}
    return answers


def _together(answers: dict[str, dict]) -> dict[str, dict]:
    """The answers of all processes, for each of them. None goes on before all are here."""
    if not dist.is_initialized():
        return answers
    parts: list[Any] = [None] * dist.get_world_size()
    try:
        dist.all_gather_object(parts, answers)
    except RuntimeError as error:
        raise ValueError("another process has stopped: its message says why") from error
    return {file: answer for part in parts for file, answer in part.items()}


def _lock_results(results: Path, name: str, images: list[tuple[str, int]], snn: fx.GraphModule, rank: int) -> None:
    """Write down what the results are about; refuse a folder in which something else was written."""
    digest, of_snn = hashlib.sha256(json.dumps(images).encode()).hexdigest(), hashlib.sha256()
    for key, tensor in snn.state_dict().items():  # all its weights and its few-spike neurons
        of_snn.update(key.encode() + tensor.cpu().numpy().tobytes())
    about = json.dumps({"model": name, "images": len(images), "sha256": digest, "snn": of_snn.hexdigest()})
    path = results / "about.json"
    results.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        part = path.with_suffix(f".{rank}")
        part.write_text(about, encoding="utf-8")
        os.replace(part, path)
    elif (before := path.read_text(encoding="utf-8")) != about:
        raise ValueError(
            f"{results} belongs to another model, other images, weights or few-spike neurons (also those of another version of snncore, or "
            f"fitted by another number of threads): {before}; name another folder by --results, or remove this one"
        )


def read_answers(results: Path) -> dict[str, dict]:
    """Answers of earlier runs, by file, but for files that could not be read."""
    answers = {}
    for path in sorted(results.glob("answers.*.jsonl")):
        for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):  # the last one is empty, or cut off by a kill
            try:
                answer = json.loads(line)
                if not answer.get("damaged", "").startswith(UNREADABLE):
                    answers[answer["file"]] = answer
            except (ValueError, AttributeError, KeyError) as error:
                raise ValueError(f"{path}, line {number} is damaged: remove it") from error
    return answers


def _converted(network: nn.Module, example: Tensor, some: Callable[[], Tensor]) -> Conversion:
    """The conversion with published neurons, closed forms or fits to what ``some`` images give."""
    authors = published_neurons() | {"relu": relu_code(25.0, 10, strict=True)}
    kinds = {a.name for a in traced(copy.deepcopy(network).to("meta"), example.to("meta")).places.values()}  # nothing is computed
    given = {a: p for a, p in authors.items() if a in kinds}
    if kinds <= {*authors, *CLOSED}:
        return convert(network, example, coefficients=given)
    return convert(network, example, some(), given, K=16)


def _some(folder: Path, images: list[tuple[str, int]], prepare: Callable[[np.ndarray], Tensor]) -> Tensor:
    """`CALIBRATION` images from all over the folder, as the network wants them; damaged ones are left out."""
    loaded = [_load(folder / file, prepare) for file, _ in images[:: -(-len(images) // CALIBRATION)]]
    whole = [x for x in loaded if isinstance(x, Tensor)]
    if not whole:
        raise ValueError(f"{folder}: none of {len(loaded)} images can be read, and the network's activations have no published neurons")
    return torch.cat(whole)


def _ahead(load: Callable[[str], Tensor | str], batches: list[list[str]]) -> Iterator[list[Tensor | str]]:
    """What is loaded for each batch of files, in order, by threads that are a little ahead."""
    waiting: deque[list[Future[Tensor | str]]] = deque()
    with ThreadPoolExecutor(AHEAD) as pool:
        for files in batches:
            waiting.append([pool.submit(load, file) for file in files])
            if len(waiting) > AHEAD:
                yield [future.result() for future in waiting.popleft()]
        for futures in waiting:
            yield [future.result() for future in futures]


def _load(path: Path, prepare: Callable[[np.ndarray], Tensor]) -> Tensor | str:
    """A photograph as the network wants it, or what is wrong with the file."""
    try:
        return prepare(decode_image(path.read_bytes()))
    except DataError as error:
        return str(error)
    except OSError as error:
        return f"{UNREADABLE}: {error.strerror}"


def _answer_batch(
    ann: nn.Module, snn: fx.GraphModule, part: list[tuple[str, int]], loaded: list[Tensor | str], device: torch.device
) -> list[dict]:
    """The lines of one batch."""
    lines: list[dict] = [{"file": file, "damaged": x} for (file, _), x in zip(part, loaded, strict=True) if isinstance(x, str)]
    whole = [image for image, x in zip(part, loaded, strict=True) if isinstance(x, Tensor)]
    if not whole:
        return lines
    x = torch.cat([x for x in loaded if isinstance(x, Tensor)]).to(device)
    converted, found = statistics(snn, x)
    outputs = {"original": ann(x), "converted": converted}
    for which, output in outputs.items():
        for i in (~output.isfinite().all(1)).nonzero().flatten().tolist():
            raise ValueError(f"{whole[i][0]}: the {which} network gives outputs that are not finite numbers")
    best = [output.topk(min(5, output.shape[1])).indices.tolist() for output in outputs.values()]
    rows = zip(whole, *best, found.per_image.tolist(), strict=True)
    return lines + [{"file": file, "label": label, "ann": a, "snn": s, "spikes": spikes} for (file, label), a, s, spikes in rows]


def text(name: str, row: Row) -> str:
    """The row as the talk's table has it, and more."""
    good, report = row.good, row.report
    left_out = f"{len(row.skipped):,} files skipped" + f", {row.unlabeled:,} images without a label" * bool(row.unlabeled)
    if not good:
        return f"{name}: no image could be read ({left_out})"

    def percent(hits: Iterable[bool]) -> str:
        return f"{100 * sum(hits) / len(good):.2f} %"

    right = {a: (percent(g[a][0] == g["label"] for g in good), percent(g["label"] in g[a] for g in good)) for a in ("ann", "snn")}
    networks = ", ".join(f"{a.upper()} {first} (top-5 {five})" for a, (first, five) in right.items())
    neurons = ", ".join(f"{count:,} {activation}" for activation, count in report.by_activation.items())
    spikes = sum(g["spikes"] for g in good) / len(good)
    return (
        f"{name}: n = {len(good):,} ({left_out}); {networks}; same answer {percent(g['ann'][0] == g['snn'][0] for g in good)}; "
        f"{row.parameters:,} parameters, {len(report.spiking)} layers that spike, {report.neurons:,} neurons ({neurons}), "
        f"{spikes:,.0f} spikes per image, {spikes / report.neurons:.4f} per neuron"
    )


def command(model: str, images: Path, results: Path | None = None, batch: int | None = None) -> None:
    """Evaluate a classifier and its few-spike version on a folder of images; go on where a run was stopped.

    Under torchrun several processes share the images. What was skipped goes to standard error.

    Parameters
    ----------
    model : str
        EfficientNet-Lite (efficientnet_lite0), or a classifier of torchvision (efficientnet_b7).
    images : path
        A folder with a subfolder per category, or with a labels.csv.
    results : path, optional
        Folder for the answers. Default: data/results/live/folder/MODEL.
    batch : int, optional
        How many images it takes at once. Default: 16 on a GPU, 1 on a CPU.
    """
    results = results or RESULTS / "live" / "folder" / model
    if shared := dist.is_torchelastic_launched():  # only answers are exchanged: gloo lets several use one GPU, and waits for the slowest
        dist.init_process_group("gloo", timeout=timedelta(days=7))
    try:
        row, first = evaluate(model, images, results, batch), not shared or dist.get_rank() == 0
    finally:
        if shared:
            dist.destroy_process_group()
    if first:
        for line in row.skipped:
            print(f"skipped {line}", file=sys.stderr)
        print(f"answers are in {results}", file=sys.stderr)
        print(text(model, row))
