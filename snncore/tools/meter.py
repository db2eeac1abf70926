"""Time and energy of a question on this GPU and CPU: ``python -m snncore.tools meter``.

The relational network of artificial neurons, at the published sizes, answers questions on stories of task 1 for some seconds, with fresh
weights; equal sentences of a batch are encoded once. A GPU's energy is that of its card, by NVML (extra ``gpu``); a CPU's that of its
packages and memory, by RAPL, as Linux shows it; without that, only its times are measured. Power at rest is measured with the network
loaded, before the first question; energies are given with it and without.
"""

import importlib
import math
import platform
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch

from snncore.datafiles import ROOT, package_file
from snncore.loihi.relational import TABLE
from snncore.networks.relational import SIZES
from snncore.networks.story_classifier import story_classifier
from snncore.provenance import commit, machine
from snncore.seeds import numpy_generator
from snncore.tasks.stories import arrays
from snncore.tasks.story_generator import generate

BATCHES = (1, 8, 64, 256)  # questions at once: one, as in the talk, and those of which one may need less energy for a question
SECONDS, STEP = 3.0, 0.05  # of a measurement; between readings, for a counter that begins again after its range


class NoMeterError(RuntimeError):
    """Energy cannot be measured here: why, and what to do."""


class Meter(NamedTuple):
    """Energy since some time [J]; names of device and driver, and clocks as they are."""

    joules: Callable[[], float]
    about: Callable[[], dict[str, str]]


def gpu_meter() -> Meter:
    """Of the GPU that PyTorch uses: its counter of energy. Without CUDA, NVML or a counter: `NoMeterError`."""
    if not torch.cuda.is_available():
        raise NoMeterError("PyTorch finds no CUDA GPU: it needs one, its driver, and a build of PyTorch for CUDA")
    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        card = nvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(0).uuid}")
        device, driver = nvml.nvmlDeviceGetName(card), nvml.nvmlSystemGetDriverVersion()
        nvml.nvmlDeviceGetTotalEnergyConsumption(card)
    except ImportError as error:
        raise NoMeterError("NVML, which reads a GPU's energy, is not installed: in a clone, pip install '.[gpu]'") from error
    except nvml.NVMLError as error:
        raise NoMeterError(f"NVML cannot read the GPU: {error}; look whether nvidia-smi can") from error

    def clocks() -> str:
        kinds = {"SM": nvml.NVML_CLOCK_SM, "memory": nvml.NVML_CLOCK_MEM}
        return ", ".join(f"{name} {nvml.nvmlDeviceGetClockInfo(card, kind)} MHz" for name, kind in kinds.items())

    about = {"device": device, "driver": driver}
    return Meter(lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(card) / 1000, lambda: about | {"clocks": clocks()})


def of_cpu() -> dict[str, str]:
    """What is told of this machine's processor."""
    return {"device": machine(), "driver": f"Linux {platform.release()}, {torch.get_num_threads()} threads", "clocks": "not read"}


def cpu_meter(folder: Path = Path("/sys/class/powercap")) -> Meter:
    """Of all packages and their memory. If there is no counter, or none that can be read: `NoMeterError`."""

    def read(zone: Path, name: str) -> str:
        try:
            return (zone / name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise NoMeterError(f"{zone / name} cannot be read ({error.strerror}): run as root, or allow it by chmod a+r") from error

    zones = [zone for zone in sorted(folder.glob("intel-rapl:*")) if read(zone, "name").startswith(("package", "dram"))]  # not their parts
    if not zones:
        raise NoMeterError(
            f"there is no {folder}/intel-rapl:*/energy_uj: Linux has it on Intel's and AMD's processors, rarely in virtual ones"
        )
    ranges, last = ({zone: int(read(zone, name)) for zone in zones} for name in ("max_energy_range_uj", "energy_uj"))
    total = 0

    def joules() -> float:
        nonlocal total
        for zone, before in last.items():
            last[zone] = int(read(zone, "energy_uj"))
            total += last[zone] - before + (ranges[zone] if last[zone] < before else 0)  # after its range, it begins again
        return total / 1e6

    return Meter(joules, of_cpu)


def watched(work: Callable[[], object], joules: Callable[[], float], seconds: float) -> tuple[int, float, float]:
    """Do something again and again for so long: how often, and the seconds and energy [J] of all that."""
    start, before, count, due = time.perf_counter(), joules(), 0, STEP
    while not count or time.perf_counter() - start < seconds:
        work()
        count += 1
        if time.perf_counter() - start > due:
            joules()
            due += STEP
    spent, took = joules() - before, time.perf_counter() - start
    if spent <= 0:
        raise NoMeterError(f"the counter of energy did not move for {took:.1f} s: it does not work here")
    return count, took, spent


@torch.inference_mode()
def measure(meter: Meter, where: str, lengths: Sequence[int], batches: Sequence[int] = BATCHES, seconds: float = SECONDS) -> pd.DataFrame:
    """Time and energy of a question on ``where``, for each number of sentences at the first batch and at the best (without rest).

    A meter whose energy is no number leaves the energies out; the best batch is then the fastest.
    """
    software = {"torch": torch.__version__, "CUDA": torch.version.cuda or "none", "commit": commit(ROOT)}
    net, rows = story_classifier(SIZES["paper"], None, 0).to(where).eval(), []
    _, took, spent = watched(lambda: time.sleep(STEP), meter.joules, seconds)
    rest = spent / took
    for n in lengths:
        found: list[dict[str, Any]] = []
        for batch in batches:
            given = arrays(generate(1, batch, numpy_generator(0, f"stories of {n} sentences to measure"), n))[0].to(where)
            for so_long in (seconds / 3, seconds):  # the first time to warm up
                count, took, spent = watched(lambda: net(given).cpu(), meter.joules, so_long)  # noqa: B023
            each = {"time [ms]": took, "energy [mJ]": spent, "without rest [mJ]": spent - rest * took}
            each = {name: 1000 * value / (count * batch) for name, value in each.items()}
            about = {**meter.about(), **software, "date": date.today().isoformat()}
            found.append({"where": where, "sentences": n, "batch": batch, **each, "rest [W]": rest, **about})
        least = "time [ms]" if math.isnan(rest) else "without rest [mJ]"
        best = min(found, key=lambda row: row[least])
        rows += [found[0]] if best is found[0] else [found[0], best]
    return pd.DataFrame(rows)


def kept_gpu(lengths: Sequence[int], path: Path | None = None) -> pd.DataFrame | None:
    """What was measured on a GPU and kept in ``data/peers/gpu.csv``, as `measure` gives it; None if nothing was, or only on a CPU.

    Raises ValueError if it is not that: a column is missing, a number is not above 0, rows are of several cards or days, or single
    questions of a length were not measured once.
    """
    path = path or package_file("peers") / "gpu.csv"
    if not path.exists():
        return None
    numbers = ["time [ms]", "energy [mJ]", "without rest [mJ]", "rest [W]"]
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(numbers, float))
        found = table[table["where"] == "cuda"].reset_index(drop=True)
        if set(table["where"]) == {"cpu"}:
            return None
        positive = found[numbers].map(lambda x: 0 < x < math.inf).all(axis=None)
        told = found[["device", "clocks", "date"]].map(lambda x: isinstance(x, str) and bool(x.strip())).all(axis=None)
        one = found[["device", "date"]].nunique().max() == 1
        single = sorted(found[found["batch"] == 1]["sentences"]) == sorted(lengths)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: {error}: keep it by python -m snncore.tools meter --keep") from error
    if not (positive and told and one and single):
        raise ValueError(
            f"{path} has to be of one GPU, its clocks and one date, with numbers above 0, and one row of single questions (batch 1) for "
            f"each of {lengths} sentences: keep it by python -m snncore.tools meter --keep"
        )
    return found


def command(keep: Path | None = None, lengths: tuple[int, ...] = TABLE) -> None:
    """Measure time and energy of a question on this GPU and CPU, by the relational network of artificial neurons.

    Parameters
    ----------
    keep : Path
        Write the measurements to this file; the chapter on energy reads data/peers/gpu.csv.
    lengths : numbers of sentences
        Of the stories; the chapter needs all of the default.
    """
    tables = []
    for where, meter in (("cuda", gpu_meter), ("cpu", cpu_meter)):
        try:
            tables.append(measure(meter(), where, lengths))
        except NoMeterError as error:
            print(f"{where if where == 'cuda' else 'energy of this CPU'} is left out: {error}")
            if where == "cpu":
                tables.append(measure(Meter(lambda: math.nan, of_cpu), where, lengths))
    table = pd.concat(tables)
    print(table.to_string(index=False, float_format="{:.3g}".format))
    if keep:
        table.to_csv(keep, index=False)
