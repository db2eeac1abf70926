"""Handwritten symbols of Omniglot, small and gray, by part of the data set; and the runs of its official 20-way test.

Source: B. Lake, R. Salakhutdinov, J. Tenenbaum, Human-level concept learning through probabilistic program induction, Science 350 (2015).
"""

import math
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree
from torch import Tensor

from snncore.datafiles import DataError, find
from snncore.tasks.data_sets import Omniglot, decode_image
from snncore.tasks.episodes import Examples

SIDE = 28  # pixels
OFFICIAL = 105  # pixels of an original, on each side

Images = Float[Tensor, "image 1 side side"]


def shrink(ink: Bool[np.ndarray, "image height width"]) -> Images:
    """Images of 28 x 28 pixels, the share of ink around each, from 105 x 105 pixels; DataError for another size."""
    if ink.shape[1:] != (OFFICIAL, OFFICIAL):
        given = " x ".join(map(str, ink.shape[1:]))
        raise DataError(f"images of {given} pixels: those of Omniglot have {OFFICIAL} x {OFFICIAL}; scale them to that, or pad them")
    parts = torch.from_numpy(ink)[:, None].split(1000)  # all of them as floats would take a gigabyte
    return torch.cat([F.adaptive_avg_pool2d(part.float(), SIDE) for part in parts])


def symbols(data: Omniglot, evaluation: bool) -> Examples:
    """The symbols of the evaluation alphabets, or those of the background alphabets."""
    chosen = data.is_eval == evaluation
    character = torch.from_numpy(data.character[chosen])
    ink = data.images if chosen.all() else data.images[chosen]  # a copy would take 150 MB
    return Examples(shrink(ink), [(character == k).nonzero().flatten() for k in character.unique().tolist()])


def by_alphabet(data: Omniglot, evaluation: bool) -> list[list[int]]:
    """For each alphabet, which of the classes of `symbols` are its own."""
    chosen = data.is_eval == evaluation
    of = dict(zip(data.character[chosen].tolist(), data.alphabet[chosen].tolist(), strict=True))
    alphabets = [of[character] for character in sorted(of)]
    return [[k for k, a in enumerate(alphabets) if a == alphabet] for alphabet in sorted(set(alphabets))]


def varied(images: Images, generator: torch.Generator) -> Images:
    """Each image turned by up to 15 degrees, stretched by up to 15 % along both axes, sheared and moved a little, as by another hand."""
    turn, shear, *rest = 2 * torch.rand(6, len(images), generator=generator) - 1
    (a, b), (right, down) = (1 + 0.15 * part for part in rest[:2]), (2.5 * 2 / SIDE * part for part in rest[2:])
    cos, sin = (math.radians(15) * turn).cos(), (math.radians(15) * turn).sin()
    rows = torch.stack([a * cos, 0.2 * shear - b * sin, right], 1), torch.stack([a * sin, b * cos, down], 1)
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


class Run(NamedTuple):
    """One run of the official test: an example of each symbol, queries, and the place of the example of the same symbol."""

    name: str
    examples: Bool[np.ndarray, "way height width"]  #: ink
    queries: Bool[np.ndarray, "query height width"]
    label: Int[Tensor, " query"]


def official_runs() -> list[Run]:
    """The 20 runs of Omniglot's own one-shot test, which come with a checkout."""
    (path,) = find("omniglot_runs").paths.values()
    with zipfile.ZipFile(path) as archive:
        return [_run(archive, name) for name in sorted(archive.namelist()) if name.endswith("/class_labels.txt")]


def _run(archive: zipfile.ZipFile, name: str) -> Run:
    """A run by its list, which names pairs of images: one to classify, and the example of the same class."""

    def images(files: Sequence[str]) -> np.ndarray:
        return np.stack([decode_image(archive.read(file))[..., 0] < 128 for file in files])

    queries, shown = zip(*(line.split() for line in archive.read(name).decode().splitlines()), strict=True)
    examples = sorted(shown)
    return Run(name.split("/")[-2], images(examples), images(queries), torch.tensor([examples.index(file) for file in shown]))


def hausdorff_errors(run: Run) -> float:
    """Wrong answers [%] by the modified Hausdorff distance between the ink of two images, each around its center (Lake et al.)."""
    queries, examples = ([KDTree(np.argwhere(x) - np.argwhere(x).mean(0)) for x in images] for images in (run.queries, run.examples))

    def nearest(query: KDTree) -> int:
        forth = np.array([example.query(query.data)[0].mean() for example in examples])  # the larger of forth and back is the distance
        distance = np.full(len(examples), np.inf)
        for k in forth.argsort():
            if forth[k] < distance.min():  # else another is nearer, whatever back is
                distance[k] = max(forth[k], query.query(examples[k].data)[0].mean())
        return int(distance.argmin())

    return 100 * float((np.array([nearest(query) for query in queries]) != run.label.numpy()).mean())


def draw_runs(data: Omniglot, count: int, ways: int, generator: torch.Generator) -> list[Run]:
    """Runs like the official ones: symbols of one evaluation alphabet, examples by one drawer, queries by another.

    Raises `ValueError` if an evaluation alphabet has fewer symbols than ways, or there are less than two drawers.
    """
    runs, chosen = [], data.is_eval
    alphabets, drawers = np.unique(data.alphabet[chosen]), np.unique(data.drawer[chosen])
    for k in range(count):
        alphabet = alphabets[int(torch.randint(len(alphabets), (), generator=generator))]
        symbols = np.unique(data.character[data.alphabet == alphabet])
        if len(symbols) < ways or len(drawers) < 2:
            raise ValueError(f"{data.alphabets[alphabet]} has {len(symbols)} symbols, {len(drawers)} drawers: a run needs {ways} and 2")
        some = symbols[torch.randperm(len(symbols), generator=generator)[:ways].numpy()]
        pair = drawers[torch.randperm(len(drawers), generator=generator)[:2].numpy()]
        examples, queries = (np.concatenate([data.images[(data.character == c) & (data.drawer == by)] for c in some]) for by in pair)
        runs.append(Run(f"{data.alphabets[alphabet]} {k + 1}", examples, queries, torch.arange(ways)))
    return runs
