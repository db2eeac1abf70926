"""A classifier and its few-spike version about a folder of labeled images, such as ImageNet's validation set: the talk's row, by one command.

``python -m snncore.experiments images --model efficientnet_b7 --images DIR``

The folder holds one subfolder per category, in the order of their names, or a table ``labels.csv`` with the columns ``file`` and ``label``
(0 for the first category). What each network answers is appended to a file, image by image, so that a run that was killed goes on where it
stopped. Several processes (``torchrun --nproc-per-node N -m snncore.experiments images ...``) share the images, on as many machines as
torchrun starts them; each uses a CUDA GPU of its own where there is one.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from tqdm import tqdm

from snncore.datafiles import DataError, decode_image
from snncore.few_spike import coefficients, relu_code
from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import statistics
from snncore.networks.images import SIZE, efficientnet_lite, efficientnet_lite_input

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


class Model(NamedTuple):
    """A classifier with its weights, how it wants images, and how many categories it knows."""

    network: nn.Module
    prepare: Callable[[list[np.ndarray]], Tensor]
    categories: int


def model(name: str) -> Model:
    """EfficientNet-Lite from packages (``efficientnet_lite0``), or a network of torchvision with its first ImageNet weights.

    Raises
    ------
    ValueError
        If there is no such network, or its weights are neither in torchvision's cache nor can be downloaded.
    """
    versions = {f"efficientnet_lite{v}": v for v in SIZE}
    if name in versions:
        v = versions[name]
        return Model(efficientnet_lite(v), lambda photographs: efficientnet_lite_input(photographs, v), 1000)
    from torchvision import models

    if name not in models.list_models(module=models):
        raise ValueError(f"model is {name!r}: give one of {', '.join(versions)}, or a classifier of torchvision such as efficientnet_b7")
    weights = models.get_model_weights(name)["IMAGENET1K_V1"]
    try:
        network = models.get_model(name, weights=weights)
    except OSError as error:
        where = Path(torch.hub.get_dir()) / "checkpoints"
        raise ValueError(f"the weights of {name} cannot be downloaded ({error}): get {weights.url} and put it into {where}") from error
    transform = weights.transforms()

    def prepare(photographs: list[np.ndarray]) -> Tensor:
        return torch.stack([transform(torch.from_numpy(p.copy()).permute(2, 0, 1)) for p in photographs])

    return Model(network.eval(), prepare, len(weights.meta["categories"]))


class Listing(NamedTuple):
    """Images of a folder with their labels, and files that are none."""

    images: list[tuple[str, int]]
    others: list[str]


def listing(folder: Path, categories: int) -> Listing:
    """The images of a folder, sorted by name.

    Raises
    ------
    ValueError
        If the folder is missing or empty, if a label is out of range, if a listed file is missing.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: give one with a subfolder per category, or with a labels.csv")
    table, rows = folder / "labels.csv", []
    if table.exists():
        for number, row in enumerate(csv.DictReader(io.StringIO(table.read_text())), 2):
            try:
                rows.append((row["file"], int(row["label"])))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{table}, line {number}: {row} has no file or no whole number as label") from error
            if not (folder / row["file"]).is_file():
                raise ValueError(f"{table}, line {number}: there is no file {row['file']!r}")
    else:
        for label, sub in enumerate(sorted(p for p in folder.iterdir() if p.is_dir())):
            rows += [(str(p.relative_to(folder)), label) for p in sub.rglob("*") if p.is_file()]
    wrong = [row for row in rows if not 0 <= row[1] < categories]
    if wrong:
        raise ValueError(f"{folder}: {wrong[0][0]} has the label {wrong[0][1]}, and the network knows 0 to {categories - 1}")
    images = sorted(row for row in rows if Path(row[0]).suffix.lower() in IMAGES)
    if not images:
        raise ValueError(f"{folder} holds no image ({', '.join(sorted(IMAGES))})")
    return Listing(images, sorted(row[0] for row in rows if Path(row[0]).suffix.lower() not in IMAGES))


class Row(NamedTuple):
    """The result: counts over all images."""

    n: int
    ann: int
    ann_top5: int
    snn: int
    snn_top5: int
    agree: int
    spikes: int
    neurons: int
    skipped: int


def _finished(path: Path) -> dict[int, list[int]]:
    """Lines of an earlier run, by index of the image; what was cut off by a kill is removed."""
    if not path.exists():
        return {}
    whole, _, rest = path.read_text().rpartition("\n")
    if rest:
        path.write_text(whole + "\n" if whole else "")
    lines = [json.loads(line) for line in whole.splitlines()]
    return {line[0]: line[1:] for line in lines}


@torch.inference_mode()
def evaluate(name: str, folder: Path, results: Path, batch: int = 16) -> Row:
    """Both networks about all images of a folder, with the published neurons, in as many processes as there are.

    Each process appends one line per image to a file of its own in ``results``. A damaged image is skipped, named and counted.

    Raises
    ------
    ValueError
        As `model` and `listing`; if ``results`` belongs to other images.
    """
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if torch.cuda.is_available() else torch.device("cpu")
    found = model(name)
    images, others = listing(folder, found.categories)
    for file in others if rank == 0 else []:
        tqdm.write(f"skipped, no image: {file}")
    results.mkdir(parents=True, exist_ok=True)
    identity, stamp = hashlib.sha256(json.dumps([name, images]).encode()).hexdigest(), results / f"images.{rank}-of-{world}"
    if stamp.exists() and stamp.read_text() != identity:
        raise ValueError(f"{results} belongs to another model or other images: name another folder, or remove it")
    stamp.write_text(identity)
    path = results / f"answers.{rank}-of-{world}.jsonl"
    done = _finished(path)
    published = {a: coefficients(f"{a}.published").params for a in ("silu", "sigmoid")} | {"relu": relu_code(25.0, 10, strict=True)}
    example = found.prepare([np.zeros((300, 300, 3), np.uint8)])
    kinds = {row.operation for row in convert(found.network, example).report.spiking}
    snn = convert(found.network, example, coefficients={a: p for a, p in published.items() if a in kinds}).network.to(device)
    ann = found.network.to(device)
    todo = [i for i in range(rank, len(images), world) if i not in done]
    neurons = 0
    with path.open("a") as out:
        for part in tqdm(_batches(todo, batch), total=-(-len(todo) // batch), desc=f"{name}, process {rank}", disable=None):
            photographs, whole = [], []
            for i in part:
                try:
                    photographs.append(decode_image((folder / images[i][0]).read_bytes()))
                    whole.append(i)
                except DataError as error:
                    tqdm.write(f"skipped, damaged: {images[i][0]} ({error})")
                    out.write(json.dumps([i]) + "\n")
                    done[i] = []
            if whole:
                x = found.prepare(photographs).to(device)
                a, s = ann(x).topk(5).indices.cpu(), []
                for one in x.split(1):  # spikes of each image by themselves
                    output, spikes = statistics(snn, one)
                    s.append(output)
                    neurons = spikes.neurons
                    i, top = whole[len(s) - 1], output.topk(5).indices[0].tolist()
                    label, original = images[i][1], a[len(s) - 1].tolist()
                    done[i] = [original[0] == label, label in original, top[0] == label, label in top, original[0] == top[0],
                               round(sum(layer.spikes for layer in spikes.layers)), neurons]  # fmt: skip
                    out.write(json.dumps([i, *map(int, done[i])]) + "\n")
            out.flush()
            os.fsync(out.fileno())
    good = [row for row in done.values() if row]
    sums = torch.tensor([len(good), *(sum(int(row[k]) for row in good) for k in range(6)), len(done) - len(good)], dtype=torch.int64)
    largest = torch.tensor([max((int(row[6]) for row in good), default=0)])
    if world > 1:
        dist.all_reduce(sums)
        dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    n, right, right5, snn_right, snn_right5, agree, spikes_, skipped = sums.tolist()
    return Row(n, right, right5, snn_right, snn_right5, agree, spikes_, int(largest), skipped + len(others))


def _batches(indices: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


def text(name: str, row: Row) -> str:
    """The row as the talk's table has it."""
    if not row.n:
        return f"{name}: no image could be read ({row.skipped} files skipped)"
    percent = {key: f"{100 * getattr(row, key) / row.n:.2f} %" for key in ("ann", "ann_top5", "snn", "snn_top5", "agree")}
    return (
        f"{name}: n = {row.n:,} ({row.skipped} files skipped); ANN {percent['ann']} (top-5 {percent['ann_top5']}), "
        f"SNN {percent['snn']} (top-5 {percent['snn_top5']}); same answer {percent['agree']}; "
        f"{row.spikes / row.n / row.neurons:.4f} spikes per neuron, {row.neurons:,} neurons"
    )
