"""Find, verify, fetch and read data: the only place that knows where files lie.

``data/datasets.toml`` registers every data set with its files, sizes, sha256, license, citation and sources. A data set may come in
several forms that read to the same arrays (an official archive, a compact file, a data package). A file is looked for in this order:
the package that carries it, ``data/raw``, the folder named by the environment variable SNNCORE_DATA; what is nowhere is downloaded to
``data/raw`` (resumed after a break, verified, then renamed), and what cannot be downloaded is an error that says how to get it by hand.

In a checkout, what is downloaded, trained and computed lies in its ``data``. What an installed package keeps lies in the user's folders:
downloads in that for caches, which may be emptied; trainings and results, which take hours, in that for data. ``RAW``, ``TRAINING`` and
``RESULTS`` say where.

``python -m snncore.datafiles`` lists the data sets; ``python -m snncore.datafiles fetch NAME`` gets one.
"""

import gzip
import hashlib
import http.client
import importlib.util
import io
import itertools
import os
import sys
import tarfile
import tomllib
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import platformdirs
from filelock import FileLock, Timeout
from tqdm import tqdm

_HERE = Path(__file__).resolve().parent
IN_CHECKOUT = (_HERE.parent / "pyproject.toml").exists()
ROOT = _HERE.parent  # of the checkout; for an installed package, a folder that is none


class DataError(ValueError):
    """A data file is missing, damaged or not what it should be; the message says what to do."""


class Places(NamedTuple):
    """Folders: what is downloaded, what is computed, what is trained."""

    raw: Path
    results: Path
    training: Path


def places(checkout: Path | None) -> Places:
    """Of a checkout; of an installed package, that is None: in the user's folders. What lies where earlier versions kept all of it,
    ``~/.cache/snncore/data``, stays in use until there is a folder of that kind in its new place."""
    if checkout:
        return Places(*(checkout / "data" / kind for kind in Places._fields))
    before = Path(os.path.expanduser("~/.cache/snncore/data"))
    data = platformdirs.user_data_path("snncore")
    now = Places(platformdirs.user_cache_path("snncore") / "data" / "raw", data / "results", data / "training")
    return Places(*(before / kind if (before / kind).exists() and not new.exists() else new for kind, new in now._asdict().items()))


RAW, RESULTS, TRAINING = places(ROOT if IN_CHECKOUT else None)


class File(NamedTuple):
    """One file: path below a data folder, size, checksum, where to download it."""

    path: str
    bytes: int
    sha256: str
    urls: tuple[str, ...]


class Form(NamedTuple):
    """One form in which a data set comes: in a Python package, or as files."""

    name: str
    files: tuple[File, ...]
    package: str | None


@dataclass(frozen=True)
class DataSet:
    """A registered data set."""

    name: str
    title: str
    license: str
    citation: str
    by_hand: str
    forms: tuple[Form, ...]

    @property
    def download_bytes(self) -> int:
        """What a reader without any of the files would download; 0 if a package carries it."""
        if any(form.package for form in self.forms):
            return 0
        return min((sum(f.bytes for f in form.files) for form in self.forms if all(f.urls for f in form.files)), default=0)


class Found(NamedTuple):
    """Where a data set was found: the form's name, and the verified path of each file."""

    form: str
    paths: dict[str, Path]


def package_file(name: str) -> Path:
    """A file of ``data/``: beside the package in a checkout, inside it when installed.

    Raises
    ------
    DataError
        If it is not there.
    """
    path = (_HERE.parent if IN_CHECKOUT else _HERE) / "data" / name
    if not path.exists():
        raise DataError(f"{path} is missing: restore it with 'git checkout data/{name}', or install snncore again")
    return path


@cache
def registry() -> dict[str, DataSet]:
    """All data sets of ``data/datasets.toml``, by name.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    try:
        return _parse_registry(tomllib.loads(package_file("datasets.toml").read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise DataError(f"data/datasets.toml is damaged ({error!r}): restore it with 'git checkout data/datasets.toml'") from error


def _parse_registry(content: dict) -> dict[str, DataSet]:
    sets = {}
    for name, row in content.items():
        forms = tuple(
            Form(f["name"], tuple(File(g["path"], g["bytes"], g["sha256"], tuple(g.get("urls", ()))) for g in f["files"]), f.get("package"))
            for f in row["forms"]
        )
        sets[name] = DataSet(name, row["title"], row["license"], row["citation"], row.get("by_hand", ""), forms)
    return sets


def dataset(name: str) -> DataSet:
    """A registered data set.

    Raises
    ------
    DataError
        If the name is not registered.
    """
    if name not in registry():
        raise DataError(f"no data set {name!r} is registered: there are {', '.join(sorted(registry()))}")
    return registry()[name]


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _verified(path: Path, file: File, package: str | None = None) -> Path:
    size = path.stat().st_size
    if size != file.bytes or sha256(path) != file.sha256:
        what = f"has {size:,} bytes instead of {file.bytes:,}" if size != file.bytes else "has another sha256 than the registered one"
        mend = f"Install the package again: pip install --force-reinstall {package}" if package else "Remove it and run this again"
        raise DataError(f"{path} is damaged or another version: it {what}. {mend}")
    return path


def _folders(form: Form) -> Iterator[Path]:
    if form.package:
        spec = importlib.util.find_spec(form.package)
        if spec and spec.submodule_search_locations:
            yield Path(spec.submodule_search_locations[0])
        return
    yield RAW
    if os.environ.get("SNNCORE_DATA"):
        yield Path(os.environ["SNNCORE_DATA"])


class _Part(NamedTuple):
    """What of a form lies in a folder: verified files, paths that are missing, and what is wrong with the others."""

    form: Form
    good: dict[str, Path]
    missing: list[Path]
    wrong: list[str]


def _parts(wanted: DataSet) -> Iterator[_Part]:
    """Of all forms, in all their folders."""
    for form in wanted.forms:
        for folder in _folders(form):
            part = _Part(form, {}, [], [])
            for file in form.files:
                path = folder / file.path
                if not path.exists():
                    part.missing.append(path)
                    continue
                try:
                    part.good[file.path] = _verified(path, file, form.package)
                except DataError as error:
                    part.wrong.append(str(error))
            yield part


def _nearest(wanted: DataSet) -> _Part | None:
    """A part that is whole, or else that with the most good files: what another form calls damaged may belong to it. None: nothing is here.

    Raises
    ------
    DataError
        If that has a damaged file.
    """
    parts = []
    for part in _parts(wanted):
        if len(part.good) == len(part.form.files):
            return part
        if part.good or not part.missing:
            parts.append(part)
    nearest = max(parts, key=lambda part: len(part.good), default=None)
    if nearest and nearest.wrong:
        raise DataError("; ".join(nearest.wrong))
    return nearest


def _found(part: _Part | None) -> Found | None:
    return Found(part.form.name, part.good) if part and not part.missing else None


def locate(name: str) -> Found | None:
    """Where a data set lies on this machine, verified; None if it is not here.

    Raises
    ------
    DataError
        If the name is not registered, or a file is damaged.
    """
    return _found(_nearest(dataset(name)))


def find(name: str) -> Found:
    """Where a data set lies, after a download if it is not on this machine.

    Raises
    ------
    DataError
        If the name is not registered, a file is damaged, or the data set is neither here nor can be downloaded.
    """
    wanted, reasons = dataset(name), []
    begun = _nearest(wanted)
    if found := _found(begun):
        return found
    for form in [begun.form] if begun else wanted.forms:
        if form.package:
            reasons.append(f"the Python package {form.package!r} is not installed, or lacks its files")
        elif all(file.urls for file in form.files):
            try:
                return Found(form.name, {file.path: _here(file) or download(file) for file in form.files})
            except DataError as error:
                reasons.append(str(error))
        elif begun:
            reasons.append(f"of its form {form.name!r}, {', '.join(map(str, begun.missing))} is missing")
    size = max(sum(f.bytes for f in form.files) for form in wanted.forms) / 1e6
    raise DataError(
        f"data set {name!r} ({wanted.title}; {size:.1f} MB; license: {wanted.license}) is not on this machine: "
        + "; ".join(reasons or ["it has no download address"])
        + f". By hand: {wanted.by_hand or 'put its files into ' + str(RAW)} (or into the folder named by SNNCORE_DATA). Files: "
        + " or ".join(", ".join(f.path for f in form.files[:6]) + (", ..." if len(form.files) > 6 else "") for form in wanted.forms)
    )


def _here(file: File) -> Path | None:
    """A file that an earlier, incomplete fetch has already brought."""
    path = RAW / file.path
    return _verified(path, file) if path.exists() else None


def download(file: File, folder: Path | None = None) -> Path:
    """Download one file: go on where a broken download stopped, verify, then rename. Processes that want it wait for each other.

    Raises
    ------
    DataError
        If no address serves the file with the registered checksum, or the folder cannot be written.
    """
    target = (folder or RAW) / file.path
    with alone(target.parent):
        if target.exists():  # another process was first
            return _verified(target, file)
        part, reasons = target.with_name(target.name + ".part"), []
        for url in file.urls:
            for _ in range(2):
                try:
                    resumed = _fetch(url, file, part)
                except (urllib.error.URLError, http.client.HTTPException, OSError, DataError) as error:
                    reasons.append(f"{url}: {error}")
                    break
                try:
                    _verified(part, file)
                except DataError:
                    got = part.stat().st_size
                    if got < file.bytes:  # a broken download: keep it, the next try goes on from there
                        reasons.append(f"{url}: {got:,} of {file.bytes:,} bytes came")
                        break
                    part.unlink()
                    if not resumed:
                        reasons.append(f"{url}: the checksum is wrong")
                        break
                else:
                    os.replace(part, target)
                    return target
        raise DataError("the download failed (" + "; ".join(reasons) + ")")


@contextmanager
def alone(folder: Path, busy: str = "") -> Iterator[None]:
    """Wait until no other process is inside for this folder, which is made; or, with words for that, refuse.

    While one is inside, the folder holds a file ``.lock``. It may stay there: a process that is inside holds it open, and that counts.

    Raises
    ------
    DataError
        If the folder cannot be written; or, with the words ``busy``, if they are given and another process is inside.
    """
    lock = FileLock(folder / ".lock", timeout=0 if busy else -1)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise DataError(busy) from error
    except OSError as error:
        raise DataError(f"{folder} cannot be written ({error.strerror or error}): make it a folder that you may write") from error
    try:
        yield
    finally:
        lock.release()


def _fetch(url: str, file: File, part: Path) -> bool:
    """Write what an address serves to ``part``, or behind what is there; whether it went on from there."""
    have = part.stat().st_size if part.exists() else 0
    if have >= file.bytes:
        part.unlink()
        have = 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        resumed = have > 0 and answer.status == 206
        size = answer.headers.get("Content-Length")
        if not resumed and size is not None and int(size) != file.bytes:
            raise DataError(f"the file there has {int(size):,} bytes instead of {file.bytes:,}")
        bar = tqdm(total=file.bytes, initial=have if resumed else 0, unit="B", unit_scale=True, desc=part.stem, disable=None)
        with part.open("ab" if resumed else "wb") as out, bar:
            while block := answer.read(1 << 16):
                out.write(block)
                bar.update(len(block))
    return resumed


def _arrays(path: Path, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Arrays of an npz file, never unpickled."""
    with np.load(path, allow_pickle=False) as npz:
        missing = [key for key in keys if key not in npz.files]
        if missing:
            raise DataError(f"{path} has no array {missing[0]!r}: it holds {', '.join(npz.files)}")
        return {key: npz[key] for key in keys}


def decode_image(data: bytes) -> np.ndarray:
    """An image file as an array (height, width, 3), uint8; what is transparent is on white.

    Raises
    ------
    DataError
        If the bytes are no complete image of 8 bits per color (with more, the conversion to RGB would clip).
    """
    from PIL import Image, UnidentifiedImageError

    try:
        image: Image.Image = Image.open(io.BytesIO(data))
        if image.mode.startswith(("I", "F")):
            raise DataError(f"an image of mode {image.mode}: save it with 8 bits per color")
        if image.has_transparency_data:
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image.convert("RGBA"))
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


def read_photographs_700() -> Photographs:
    """700 photographs (299 x 299) with ImageNet labels, of the NIPS 2017 development set; JPEG quality 95, so lossy."""
    (path,) = find("photographs_700").paths.values()
    z = _arrays(path, ("jpeg", "offsets", "label", "image_id"))
    images = [decode_image(z["jpeg"][a:b].tobytes()) for a, b in itertools.pairwise(z["offsets"])]
    return Photographs(images, z["label"].astype(np.int64), [str(name) for name in z["image_id"]])


class Split(NamedTuple):
    """Images (n, height, width[, 3]) uint8 and their labels (n,) int64."""

    images: np.ndarray
    labels: np.ndarray


def _read_idx(path: Path) -> np.ndarray:
    """An array of MNIST's idx format (gzipped), unsigned bytes only."""
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no complete gzip file: {error}") from error
    if len(data) < 4 or data[:3] != b"\0\0\x08" or len(data) < 4 + 4 * data[3]:
        raise DataError(f"{path} is no idx file of unsigned bytes")
    ndim = data[3]
    shape = np.frombuffer(data, ">u4", count=ndim, offset=4)
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * ndim)
    if values.size != shape.prod():
        raise DataError(f"{path} is damaged: it announces {shape.prod():,} values and holds {values.size:,}")
    return values.reshape(shape)


def read_mnist() -> dict[str, Split]:
    """MNIST: {"train": 60,000, "test": 10,000} images of 28 x 28."""
    paths = {Path(name).name: path for name, path in find("mnist").paths.items()}
    return {
        split: Split(_read_idx(paths[f"{stem}-images-idx3-ubyte.gz"]), _read_idx(paths[f"{stem}-labels-idx1-ubyte.gz"]).astype(np.int64))
        for split, stem in (("train", "train"), ("test", "t10k"))
    }


def read_cifar10() -> dict[str, Split]:
    """CIFAR-10: {"train": 50,000, "test": 10,000} images of 32 x 32 x 3. The form ``compact`` is lossy (JPEG, quality about 75)."""
    found = find("cifar10")
    (path,) = found.paths.values()
    if found.form == "compact":
        z = _arrays(path, tuple(f"{split}_{part}" for split in ("train", "test") for part in ("jpeg", "offsets", "labels")))
        splits = {}
        for split in ("train", "test"):
            jpeg, at = z[f"{split}_jpeg"], z[f"{split}_offsets"]
            images = np.stack([decode_image(jpeg[a:b].tobytes()) for a, b in itertools.pairwise(at)])
            splits[split] = Split(images, z[f"{split}_labels"].astype(np.int64))
        return splits
    batches = {"train": [f"data_batch_{i}.bin" for i in range(1, 6)], "test": ["test_batch.bin"]}
    members = {PurePosixPath(name).name: data for name, data in _tar_members(path)}
    splits = {}
    for split, names in batches.items():
        rows = np.concatenate([np.frombuffer(members[name], np.uint8).reshape(-1, 3073) for name in names])
        splits[split] = Split(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), rows[:, 0].astype(np.int64))
    return splits


def _tar_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Regular files of a tar archive, read in memory: nothing is ever extracted to disk."""
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile() and (file := tar.extractfile(member)):
                yield member.name, file.read()


class Omniglot(NamedTuple):
    """Omniglot: images (n, 105, 105) bool with True for ink; per image its character (0..1622), drawer (1..20), alphabet and whether it
    belongs to the evaluation alphabets; names of the characters and of the alphabets."""

    images: np.ndarray
    character: np.ndarray
    drawer: np.ndarray
    alphabet: np.ndarray
    is_eval: np.ndarray
    characters: list[str]
    alphabets: list[str]


def read_omniglot() -> Omniglot:
    """All 32,460 images of Omniglot, sorted by alphabet, character and drawer (alphabets of both parts in one alphabetical order)."""
    found = find("omniglot")
    if found.form == "compact":
        (path,) = found.paths.values()
        z = _arrays(path, ("images", "char", "chars", "alphabet", "alphabets", "drawer", "is_eval"))
        order = np.lexsort((z["drawer"], z["char"]))
        images = np.unpackbits(z["images"], axis=1)[order, : 105 * 105].reshape(-1, 105, 105).astype(bool)
        character, drawer, alphabet = (z[key][order].astype(np.int64) for key in ("char", "drawer", "alphabet"))
        names = [str(c) for c in z["chars"]], [str(a) for a in z["alphabets"]]
        return Omniglot(images, character, drawer, alphabet, z["is_eval"][order].astype(bool), *names)
    rows = []
    for name, path in found.paths.items():
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                parts = PurePosixPath(member).parts
                if len(parts) == 4 and member.endswith(".png"):
                    ink = decode_image(archive.read(member))[..., 0] < 128
                    rows.append((f"{parts[1]}/{parts[2]}", int(parts[3].split("_")[1][:-4]), parts[1], "evaluation" in name, ink))
    rows.sort(key=lambda row: row[:2])
    characters, alphabets = sorted({row[0] for row in rows}), sorted({row[2] for row in rows})
    index = {name: i for i, name in enumerate(characters)}, {name: i for i, name in enumerate(alphabets)}
    return Omniglot(
        np.stack([row[4] for row in rows]),
        np.array([index[0][row[0]] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([index[1][row[2]] for row in rows]),
        np.array([row[3] for row in rows]),
        characters,
        alphabets,
    )


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
        z = _arrays(path, ("delta", "offsets", "word", "speaker"))
        at = z["offsets"]
        waves = [np.cumsum(z["delta"][a:b].astype(np.int64)).astype(np.int16) for a, b in itertools.pairwise(at)]
        return Words(waves, list(map(str, z["word"])), list(map(str, z["speaker"])))
    import wave

    rows = []
    for name, data in _tar_members(path):
        parts = PurePosixPath(name).parts
        if len(parts) >= 2 and name.endswith(".wav") and not parts[-2].startswith("_"):
            with wave.open(io.BytesIO(data)) as sound:
                if (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) != (16000, 1, 2):
                    raise DataError(f"{path}: {name} is not 16-bit mono at 16 kHz")
                rows.append((parts[-2], parts[-1].split("_")[0], np.frombuffer(sound.readframes(sound.getnframes()), "<i2")))
    rows.sort(key=lambda row: row[:2])
    return Words([row[2] for row in rows], [row[0] for row in rows], [row[1] for row in rows])


def read_babi() -> dict[str, str]:
    """bAbI v1.2: the text of each file, by folder and name such as ``en-10k/qa15_basic-deduction_train.txt``."""
    (path,) = find("babi").paths.values()
    return dict(_babi(path))


@cache
def _babi(path: Path) -> dict[str, str]:
    texts = {}
    for name, data in _tar_members(path):
        parts = PurePosixPath(name).parts
        if len(parts) >= 2 and parts[-1].startswith("qa") and parts[-2].startswith("en"):
            texts["/".join(parts[-2:])] = data.decode("ascii")
    return texts


def read_loihi_weights() -> dict[str, np.ndarray]:
    """The 8-bit weights of the sequential-MNIST network that ran on Loihi, int64, shape (post, pre): w_in, w_rec, w_out."""
    weights = {}
    for name, path in find("loihi_lsnn_smnist").paths.items():
        w = np.load(path, allow_pickle=False)
        if not (w == np.round(w)).all():
            raise DataError(f"{path}: the weights are not whole numbers")
        weights[Path(name).stem] = w.astype(np.int64).T
    return weights


def main(arguments: list[str]) -> int:
    """Command line: list the data sets, or fetch one."""
    if arguments[:1] == ["fetch"] and len(arguments) == 2:
        try:
            found = find(arguments[1])
        except DataError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{arguments[1]} ({found.form}):", *map(str, found.paths.values()), sep="\n  ")
        return 0
    if arguments:
        print("usage: python -m snncore.datafiles [fetch NAME]", file=sys.stderr)
        return 2
    for known in registry().values():
        try:
            here = locate(known.name)
            where = f"here ({here.form})" if here else "not here"
        except DataError as error:
            where = f"damaged: {error}"
        size = max(sum(f.bytes for f in form.files) for form in known.forms) / 1e6
        print(f"{known.name:20} {size:8.1f} MB  {known.title}\n{'':20} {where}; license: {known.license}")
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # what a terminal cannot show ends no run
    raise SystemExit(main(sys.argv[1:]))
