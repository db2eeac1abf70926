"""Readers of data sets: what a file holds, as arrays; what is lossy says so. `snncore.datafiles` finds and verifies the files.

Evaluation sets are parts of data sets that come with a checkout.
"""

import csv
import gzip
import io
import itertools
import tarfile
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from snncore.datafiles import DataError, find, npz


def _tar_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Regular files of a tar archive, read in memory: nothing is ever extracted to disk."""
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and (file := tar.extractfile(member)):
                yield member.name, file.read()


def decode_image(data: bytes) -> np.ndarray:
    """An image file as an array (height, width, 3), uint8; what is transparent is on white.

    Raises `DataError` if the bytes are no complete image of 8 bits per color (with more, the conversion to RGB would clip).
    """
    from PIL import Image, UnidentifiedImageError

    try:
        image: Image.Image = Image.open(io.BytesIO(data))
        if image.mode.startswith(("I", "F")):
            raise DataError(f"an image of mode {image.mode}: save it with 8 bits per color")
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        return np.asarray(image.convert("RGB"))
    except (DataError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise DataError("not a complete image file: its format is not known") from error
    except Exception as error:  # what a decoder raises about damaged bytes: OSError, SyntaxError, ValueError, TypeError, RuntimeError, ...
        raise DataError(f"not a complete image file: {error}") from error


class Photographs(NamedTuple):
    """Labeled photographs: arrays (height, width, 3) uint8, ImageNet categories 0..999, names."""

    images: list[np.ndarray]
    labels: np.ndarray
    names: list[str]


def read_photographs_20() -> Photographs:
    """The 20 labeled ImageNet photographs that the package foolbox carries; the label is in the file's name."""
    paths = sorted(find("photographs_20").paths.values())
    labels = np.array([int(path.stem.split("_")[2]) for path in paths])
    return Photographs([decode_image(path.read_bytes()) for path in paths], labels, [path.stem for path in paths])


def read_photographs_700(count: int = 700) -> Photographs:
    """The first of 700 photographs (299 x 299) with ImageNet labels, of the NIPS 2017 development set, WebP, lossy; see photographs.csv."""
    paths = find("photographs_700").paths
    with paths["photographs.csv"].open(encoding="utf-8", newline="") as file:
        labels = {row["image"]: int(row["label"]) for row in itertools.islice(csv.DictReader(file), count)}
    images: dict[str, np.ndarray] = {}
    for part in ("photographs_1.zip", "photographs_2.zip"):
        with zipfile.ZipFile(paths[part]) as archive:
            chosen = [member for member in archive.namelist() if member.removesuffix(".webp") in labels]
            images |= {member.removesuffix(".webp"): decode_image(archive.read(member)) for member in chosen}
    return Photographs([images[name] for name in labels], np.array(list(labels.values())), list(labels))


class Split(NamedTuple):
    """Images (n, height, width[, 3]) uint8 and their labels (n,) int64."""

    images: np.ndarray
    labels: np.ndarray


def read_mnist() -> dict[str, Split]:
    """MNIST: {"train": 60,000, "test": 10,000} images of 28 x 28."""
    return {"train": _mnist("mnist", "mnist/train"), "test": _mnist("mnist", "mnist/t10k")}


def read_mnist_test() -> Split:
    """The 10,000 test images of MNIST, which come with a checkout."""
    return _mnist("mnist_test", "t10k")


def _mnist(name: str, stem: str) -> Split:
    paths = find(name).paths
    images, labels = (
        np.frombuffer(gzip.decompress(paths[f"{stem}-{kind}-ubyte.gz"].read_bytes()), np.uint8, offset=header)
        for kind, header in (("images-idx3", 16), ("labels-idx1", 8))
    )
    return Split(images.reshape(-1, 28, 28), labels.astype(np.int64))


def read_cifar10() -> dict[str, Split]:
    """CIFAR-10: {"train": 50,000, "test": 10,000} images of 32 x 32 x 3. The form ``compact`` is lossy (JPEG, quality about 75)."""
    found, splits = find("cifar10"), {}
    (path,) = found.paths.values()
    if found.form == "compact":
        z = npz(path)
        for split in ("train", "test"):
            files = [z[f"{split}_jpeg"][a:b].tobytes() for a, b in itertools.pairwise(z[f"{split}_offsets"])]
            splits[split] = Split(np.stack([decode_image(file) for file in files]), z[f"{split}_labels"].astype(np.int64))
        return splits
    members = {PurePosixPath(name).name: data for name, data in _tar_members(path)}
    for split, names in (("train", [f"data_batch_{i}.bin" for i in range(1, 6)]), ("test", ["test_batch.bin"])):
        rows = np.concatenate([np.frombuffer(members[name], np.uint8).reshape(-1, 3073) for name in names])
        splits[split] = Split(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), rows[:, 0].astype(np.int64))
    return splits


class Omniglot(NamedTuple):
    """Omniglot: images (n, 105, 105) bool with True for ink; per image its character (0..1622), drawer (1..20), alphabet and whether it
    belongs to the evaluation alphabets; names of the alphabets."""

    images: np.ndarray
    character: np.ndarray
    drawer: np.ndarray
    alphabet: np.ndarray
    is_eval: np.ndarray
    alphabets: list[str]


def read_omniglot() -> Omniglot:
    """All 32,460 images of Omniglot, sorted by alphabet, character and drawer (alphabets of both parts in one alphabetical order)."""
    found = find("omniglot")
    if found.form == "compact":
        return _packed(*found.paths.values())
    rows = []  # name of the character, drawer, alphabet, whether for evaluation, image
    for name, path in found.paths.items():
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith(".png"):
                    _, script, letter, drawing = PurePosixPath(member).parts
                    ink = decode_image(archive.read(member))[..., 0] < 128
                    rows.append((f"{script}/{letter}", int(drawing.split("_")[1][:-4]), script, "evaluation" in name, ink))
    rows.sort(key=lambda row: row[:2])
    names, drawers, scripts, is_eval, inks = zip(*rows, strict=True)
    _, character = np.unique(names, return_inverse=True)
    alphabets, alphabet = np.unique(scripts, return_inverse=True)
    return Omniglot(np.stack(inks), character, np.array(drawers), alphabet, np.array(is_eval), alphabets.tolist())


def read_omniglot_evaluation() -> Omniglot:
    """The 13,180 images of the 20 evaluation alphabets, which come with a checkout; characters and alphabets are counted among these."""
    return _packed(*find("omniglot_evaluation").paths.values())


def _packed(path: Path) -> Omniglot:
    z = npz(path)
    order = np.lexsort((z["drawer"], z["char"]))
    images = np.unpackbits(z["images"][order], axis=1, count=105 * 105).reshape(-1, 105, 105).view(bool)
    character, drawer, alphabet = (z[key][order].astype(np.int64) for key in ("char", "drawer", "alphabet"))
    return Omniglot(images, character, drawer, alphabet, z["is_eval"][order].astype(bool), z["alphabets"].tolist())


class Words(NamedTuple):
    """Spoken words: waveforms (int16, 16 kHz), the word and the speaker of each."""

    waveforms: list[np.ndarray]
    words: list[str]
    speakers: list[str]


def read_spoken_words() -> Words:
    """One-second words of Google Speech Commands: the compact form is a subset (1,615 words), the official one the test set v0.02."""
    found = find("speech_commands")
    (path,) = found.paths.values()
    if found.form == "compact":
        return _differences(path)
    from scipy.io import wavfile

    rows = []
    for name, data in _tar_members(path):
        word, speaker = PurePosixPath(name).parent.name, PurePosixPath(name).name.split("_")[0]
        if name.endswith(".wav") and not word.startswith("_"):
            rows.append((word, speaker, wavfile.read(io.BytesIO(data))[1]))
    rows.sort(key=lambda row: row[:2])
    return Words([row[2] for row in rows], [row[0] for row in rows], [row[1] for row in rows])


def read_words_evaluation() -> Words:
    """The 151 held-out words by held-out speakers, which come with a checkout."""
    return _differences(*find("words_evaluation").paths.values())


def _differences(path: Path) -> Words:
    z = npz(path)
    waves = [np.cumsum(z["delta"][a:b].astype(np.int64)).astype(np.int16) for a, b in itertools.pairwise(z["offsets"])]
    return Words(waves, z["word"].tolist(), z["speaker"].tolist())


def read_babi(name: str = "babi") -> dict[str, str]:
    """bAbI v1.2: the text of each file, by folder and name such as ``en-10k/qa15_basic-deduction_train.txt``.

    The data set ``babi_test``, which comes with a checkout, has the test files of en-10k, and the training file of task 4.
    """
    return dict(_babi(*find(name).paths.values()))


@cache
def _babi(path: Path) -> dict[str, str]:
    texts = {}
    for name, data in _tar_members(path):
        member = PurePosixPath(name)
        if member.parent.name.startswith("en") and member.name.startswith("qa"):
            texts[f"{member.parent.name}/{member.name}"] = data.decode("ascii")
    return texts


def read_loihi_weights() -> dict[str, np.ndarray]:
    """The 8-bit weights of the sequential-MNIST network that ran on Loihi, int64, shape (post, pre): w_in, w_rec, w_out."""
    paths = find("loihi_lsnn_smnist").paths
    return {Path(name).stem: np.load(path, allow_pickle=False).astype(np.int64).T for name, path in paths.items()}
