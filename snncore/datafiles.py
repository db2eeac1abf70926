"""Find, verify and fetch data: the only place that knows where files lie.

``data/datasets.toml`` registers every data set with its files, sizes, sha256, license, citation and sources. A data set may come in
several forms that read to the same arrays (an official archive, a compact file, a data package). A file is looked for in this order:
the package that carries it, ``data/evaluation`` and ``data/published`` of a checkout, ``data/raw``, the folder named by the environment
variable SNNCORE_DATA.
What is nowhere is downloaded to ``data/raw`` (verified, then renamed); what cannot be is an error that says how to get it by hand.

In a checkout, what is downloaded, trained and computed lies in its ``data``. For an installed package, downloads lie in the user's folder
for caches, trainings and results in that for data. ``python -m snncore.datafiles`` lists the data sets, with ``fetch NAME`` it gets one.
"""

import hashlib
import http.client
import importlib.util
import os
import shutil
import sys
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import platformdirs
from filelock import FileLock, Timeout
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]  # of the checkout; for an installed package, a folder that is none
IN_CHECKOUT = (ROOT / "pyproject.toml").exists()
RAW = ROOT / "data" / "raw" if IN_CHECKOUT else platformdirs.user_cache_path("snncore") / "data" / "raw"
_KEPT = ROOT / "data" if IN_CHECKOUT else platformdirs.user_data_path("snncore")
OWN = "evaluation", "published"  # folders of ``data`` that come with a checkout: data sets, and networks that others published
RESULTS, TRAINING = _KEPT / "results", _KEPT / "training"


class DataError(ValueError):
    """A data file is missing, damaged or not what it should be; the message says what to do."""


class File(NamedTuple):
    """One file: path below a data folder, size, checksum, where to download it."""

    path: str
    bytes: int
    sha256: str
    urls: Sequence[str] = ()


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
    def size(self) -> int:
        """Bytes of the largest form."""
        return max(sum(f.bytes for f in form.files) for form in self.forms)


class Found(NamedTuple):
    """Where a data set was found, or a part of it: the form's name, and the verified path of each file; missing files, faults of others."""

    form: str
    paths: dict[str, Path]
    missing: Sequence[Path] = ()
    wrong: Sequence[str] = ()


def package_file(name: str) -> Path:
    """A file of ``data/``: beside the package in a checkout, inside it when installed. Raises `DataError` if it is not there."""
    path = (ROOT if IN_CHECKOUT else ROOT / "snncore") / "data" / name
    if not path.exists():
        raise DataError(f"{path} is missing: restore it with 'git checkout data/{name}', or install snncore again")
    return path


@cache
def registry() -> dict[str, DataSet]:
    """All data sets of ``data/datasets.toml``, by name. Raises `DataError` if the file is damaged."""
    sets = {}
    try:
        for name, row in tomllib.loads(package_file("datasets.toml").read_text(encoding="utf-8")).items():
            forms = tuple(Form(form["name"], tuple(File(**f) for f in form["files"]), form.get("package")) for form in row.pop("forms"))
            sets[name] = DataSet(name, forms=forms, **row)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise DataError(f"data/datasets.toml is damaged ({error!r}): restore it with 'git checkout data/datasets.toml'") from error
    return sets


def dataset(name: str) -> DataSet:
    """The data set of this name. Raises `DataError` if there is none."""
    if name not in registry():
        raise DataError(f"no data set {name!r} is registered: there are {', '.join(sorted(registry()))}")
    return registry()[name]


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _fault(path: Path, file: File) -> str:
    """What is wrong with a file that is there; empty if nothing is."""
    size = path.stat().st_size
    if size != file.bytes:
        return f"it has {size:,} bytes instead of {file.bytes:,}"
    return "" if sha256(path) == file.sha256 else "it has another sha256 than the registered one"


def _folders(form: Form) -> list[Path]:
    """Where the files of a form may lie."""
    if form.package:
        spec = importlib.util.find_spec(form.package)
        return [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
    own = os.environ.get("SNNCORE_DATA")
    return [*(ROOT / "data" / name for name in OWN), RAW, *([Path(own)] if own else [])]


def _nearest(wanted: DataSet) -> Found | None:
    """The first place with all files, or else that with the most good ones: what another form calls damaged may belong to it. None if no
    file is there. Raises `DataError` if that place has a damaged file."""
    nearest, places = None, [(form, folder) for form in wanted.forms for folder in _folders(form)]
    for form, folder in places:
        paths, missing, wrong = dict[str, Path](), list[Path](), list[str]()
        mend = f"Install the package again: pip install --force-reinstall {form.package}" if form.package else "Remove it and run again"
        if folder.parent == ROOT / "data" and folder.name in OWN:
            mend = f"Restore it: git checkout data/{folder.name}"
        for file in form.files:
            path = folder / file.path
            if not path.exists():
                missing.append(path)
            elif fault := _fault(path, file):
                wrong.append(f"{path} is damaged or another version: {fault}. {mend}")
            else:
                paths[file.path] = path
        if len(paths) == len(form.files):
            return Found(form.name, paths)
        if (paths or not missing) and (nearest is None or len(paths) > len(nearest.paths)):
            nearest = Found(form.name, paths, missing, wrong)
    if nearest and nearest.wrong:
        raise DataError("; ".join(nearest.wrong))
    return nearest


def locate(name: str) -> Found | None:
    """Where a data set lies on this machine, verified; None if it is not here. Raises `DataError` for an unknown name or a damaged file."""
    place = _nearest(dataset(name))
    return place if place and not place.missing else None


def find(name: str) -> Found:
    """Where a data set lies, after a download if it is not on this machine.

    Raises `DataError` if the name is not registered, a file is damaged, or the data set is neither here nor can be downloaded.
    """
    wanted, reasons = dataset(name), []
    begun = _nearest(wanted)
    if begun and not begun.missing:
        return begun
    for form in wanted.forms if begun is None else [form for form in wanted.forms if form.name == begun.form]:
        if form.package:
            reasons.append(f"the Python package {form.package!r} is not installed, or lacks its files")
        elif all(file.urls for file in form.files):
            try:
                return Found(form.name, {file.path: download(file) for file in form.files})
            except DataError as error:
                reasons.append(str(error))
        elif begun:
            reasons.append(f"of its form {form.name!r}, {', '.join(map(str, begun.missing))} is missing")
    raise DataError(
        f"data set {name!r} ({wanted.title}; {wanted.size / 1e6:.1f} MB; license: {wanted.license}) is not on this machine: "
        + "; ".join(reasons or ["it has no download address"])
        + f". By hand: {wanted.by_hand} (or into the folder named by SNNCORE_DATA). Files: "
        + " or ".join(", ".join(f.path for f in form.files[:6]) + (", ..." if len(form.files) > 6 else "") for form in wanted.forms)
    )


def arrays(name: str, stem: str) -> dict[str, np.ndarray]:
    """Arrays of the NumPy file ``stem`` of a data set, by name. Raises `DataError` as `find`."""
    return npz({path.stem: path for path in find(name).paths.values()}[stem])


def npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a NumPy file, by name, never unpickled: `DataError` for objects, which are code, and for files that are none."""
    try:
        with np.load(path, allow_pickle=False) as z:
            return dict(z)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: {error}") from error


def download(file: File) -> Path:
    """Download one file to ``data/raw``, verify it, then give it its name. Processes that want it wait for each other.

    Raises `DataError` if no address serves the file with the registered checksum, or the folder cannot be written.
    """
    target = RAW / file.path
    part, reasons = target.with_name(target.name + ".part"), []
    with alone(target.parent):
        if target.exists() and not _fault(target, file):  # brought by another process, or by an earlier fetch
            return target
        for url in file.urls:
            try:
                with (
                    urllib.request.urlopen(url, timeout=60) as answer,
                    tqdm.wrapattr(answer, "read", file.bytes, desc=target.name, disable=None) as body,
                    part.open("wb") as out,
                ):
                    shutil.copyfileobj(body, out)
                fault = _fault(part, file)
            except (OSError, http.client.HTTPException) as error:
                fault = str(error)
            if not fault:
                os.replace(part, target)
                return target
            reasons.append(f"{url}: {fault}")
            part.unlink(missing_ok=True)
    raise DataError("the download failed (" + "; ".join(reasons) + ")")


@contextmanager
def alone(folder: Path, busy: str = "") -> Iterator[None]:
    """Wait until no other process is inside for this folder, which is made; or refuse by a `DataError` with the words ``busy``.

    The folder holds a file ``.lock``, which may stay there: what counts is that a process holds it open.
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


def main(arguments: list[str]) -> None:
    """Command line: list the data sets, or fetch one."""
    if arguments[:1] == ["fetch"] and len(arguments) == 2:
        found = find(arguments[1])
        print(f"{arguments[1]} ({found.form}):", *map(str, found.paths.values()), sep="\n  ")
    elif arguments:
        raise SystemExit("usage: python -m snncore.datafiles [fetch NAME]")
    else:
        for known in registry().values():
            try:
                here = locate(known.name)
                where = f"here ({here.form})" if here else "not here"
            except DataError as error:
                where = f"damaged: {error}"
            print(f"{known.name:20} {known.size / 1e6:8.1f} MB  {known.title}\n{'':20} {where}; license: {known.license}")


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # what a terminal cannot show ends no run
    try:
        main(sys.argv[1:])
    except DataError as error:
        raise SystemExit(str(error)) from error
