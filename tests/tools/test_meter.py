"""Energy of a GPU by a fake NVML, of a CPU by a fake powercap folder, and of questions at a power that is known."""

import itertools
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pandas as pd
import pytest
import torch

from snncore.tools import meter


class FakeError(Exception):
    """What NVML raises."""


def fake_nvml(**changed):
    """A card of 25 W, whose counter moves with time."""
    functions = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByUUID": {"GPU-1-2": "card"}.get,
        "nvmlDeviceGetName": {"card": "Fake 1000"}.get,
        "nvmlSystemGetDriverVersion": lambda: "1.2.3",
        "nvmlDeviceGetTotalEnergyConsumption": lambda card: round(25_000 * time.perf_counter()),
        "nvmlDeviceGetClockInfo": lambda card, kind: {1: 1500, 2: 900}[kind],
    }
    return SimpleNamespace(NVMLError=FakeError, NVML_CLOCK_SM=1, NVML_CLOCK_MEM=2, **functions | changed)


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only where it is slept."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.append(now.pop() + seconds))


@pytest.fixture
def cuda(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid="1-2"))


def test_energy_of_a_gpu_is_power_times_time(cuda, clock):
    found = meter.gpu_meter()
    count, took, spent = meter.watched(lambda: time.sleep(0.01), found.joules, 0.195)
    assert (count, took, spent) == (20, pytest.approx(0.2), pytest.approx(25 * 0.2, rel=1e-3))
    assert found.about() == {"device": "Fake 1000", "driver": "1.2.3", "clocks": "SM 1500 MHz, memory 900 MHz"}


def test_a_gpu_that_cannot_be_read_is_refused(cuda, monkeypatch):
    for name in ("nvmlInit", "nvmlDeviceGetTotalEnergyConsumption"):
        monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(**{name: Mock(side_effect=FakeError("Not Supported"))}))
        with pytest.raises(meter.NoMeterError, match="NVML cannot read the GPU: Not Supported; look whether nvidia-smi can"):
            meter.gpu_meter()
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(meter.NoMeterError, match=r"NVML, .*, is not installed: in a clone, pip install '.\[gpu\]'"):
        meter.gpu_meter()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(meter.NoMeterError, match="PyTorch finds no CUDA GPU"):
        meter.gpu_meter()


def zone(folder: Path, name: str, microjoules: int) -> Path:
    folder.mkdir(exist_ok=True)
    for file, content in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", 1_000_000)):
        (folder / file).write_text(f"{content}\n")
    return folder / "energy_uj"


def test_energy_of_a_cpu_is_that_of_packages_and_memory(tmp_path):
    counters = [zone(tmp_path / f"intel-rapl:{k}", f"package-{k}", 400_000) for k in range(2)]
    counters.append(zone(tmp_path / "intel-rapl:0:1", "dram", 400_000))
    others = [zone(tmp_path / "intel-rapl:0:0", "core", 0), zone(tmp_path / "intel-rapl:2", "psys", 0)]  # in packages; around them
    found = meter.cpu_meter(tmp_path)
    for counter in (*counters, *others):
        counter.write_text("900000")
    assert found.joules() == pytest.approx(3 * 0.5)
    counters[1].write_text("300000")  # once around
    assert found.joules() == pytest.approx(3 * 0.5 + 0.4)
    assert found.joules() == pytest.approx(3 * 0.5 + 0.4)
    assert "Linux" in found.about()["driver"]


def test_a_cpu_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(meter.NoMeterError, match=r"there is no .*/intel-rapl:.*/energy_uj: Linux has it"):
        meter.cpu_meter(tmp_path)
    counter = zone(tmp_path / "intel-rapl:0", "package-0", 0)
    counter.unlink()
    counter.mkdir()
    with pytest.raises(meter.NoMeterError, match=r"intel-rapl:0/energy_uj cannot be read \(Is a directory\): run as root"):
        meter.cpu_meter(tmp_path)


def test_questions_at_a_known_power(clock, monkeypatch):
    """At 10 W, a question of a millisecond needs 10 mJ; none of it is more than at rest."""
    net = Mock(side_effect=lambda given: time.sleep(0.001 * len(given)) or given)
    monkeypatch.setattr(meter, "story_classifier", lambda *_: Mock(to=lambda where: Mock(eval=lambda: net)))
    known = meter.Meter(lambda: 10 * time.perf_counter(), lambda: {"device": "ours"})
    table = meter.measure(known, "cpu", lengths=[2], batches=(1, 2, 4), seconds=0.1)
    assert (table[["where", "device", "torch"]] == ["cpu", "ours", torch.__version__]).all(axis=None)
    numbers = table[["time [ms]", "energy [mJ]", "without rest [mJ]", "rest [W]"]].iloc[0]
    assert numbers.tolist() == pytest.approx([1, 10, 0, 10], abs=1e-6)


def test_the_second_row_is_the_batch_that_needs_least(monkeypatch):
    """At 10 W at rest: 3 J more for a question alone, 4 J for two, 12 J for four; each is done once to warm up."""
    seen = iter([(1, 1.0, 10.0), *2 * [(1, 1.0, 13.0)], *2 * [(1, 1.5, 19.0)], *2 * [(1, 4.0, 52.0)]])
    monkeypatch.setattr(meter, "watched", lambda *_: next(seen))
    table = meter.measure(meter.Meter(lambda: 0.0, dict), "cpu", lengths=[2], batches=(1, 2, 4))
    assert table[["batch", "energy [mJ]", "without rest [mJ]"]].to_numpy().tolist() == [[1, 13000, 3000], [2, 9500, 2000]]


def test_no_second_row_if_single_questions_need_least(tmp_path):
    """With a counter that doubles at each reading, what is measured later needs more."""
    readings = itertools.count()
    known = meter.Meter(lambda: 2.0 ** next(readings), lambda: {"device": "ours", "clocks": "1 MHz"})
    table = meter.measure(known, "cpu", lengths=[2], batches=(1, 1), seconds=0.2)
    assert table["batch"].tolist() == [1]
    table.assign(where="cuda").to_csv(tmp_path / "gpu.csv", index=False)
    assert meter.kept_gpu([2], tmp_path / "gpu.csv")["time [ms]"].tolist() == pytest.approx(table["time [ms]"].tolist())


def test_a_counter_that_stands_still_is_no_energy_of_0():
    with pytest.raises(meter.NoMeterError, match="the counter of energy did not move"):
        meter.watched(lambda: None, lambda: 5.0, 0.01)


@pytest.mark.parametrize("energy", [True, False])
def test_the_command_measures_what_it_can(tmp_path, monkeypatch, capsys, energy):
    known = meter.Meter(lambda: 10 * time.perf_counter(), lambda: {"device": "ours"})
    none = Mock(side_effect=meter.NoMeterError("none here"))
    monkeypatch.setattr(meter, "gpu_meter", none)
    monkeypatch.setattr(meter, "cpu_meter", (lambda: known) if energy else none)
    monkeypatch.setattr(meter, "measure", partial(meter.measure, batches=(1, 2), seconds=0.02))
    meter.command(tmp_path / "kept.csv", lengths=(2,))
    said = capsys.readouterr().out
    assert "cuda is left out: none here" in said
    assert ("energy of this CPU is left out: none here" in said) is not energy
    table = pd.read_csv(tmp_path / "kept.csv")
    assert table["batch"].iloc[0] == 1
    assert (table["time [ms]"] > 0).all()
    assert (table["energy [mJ]"].notna() == energy).all()
    assert meter.kept_gpu((2,), tmp_path / "kept.csv") is None


GPU = {"where": "cuda", "sentences": 2, "batch": 1, "time [ms]": 5.0, "energy [mJ]": 300.0, "without rest [mJ]": 100.0, "rest [W]": 40.0}
GPU |= {"device": "Fake 1000", "driver": "1.2.3, counter", "clocks": "SM 1500 MHz", "date": "2026-11-27"}


def test_a_kept_gpu_is_read(tmp_path):
    path = tmp_path / "gpu.csv"
    assert meter.kept_gpu([2], path) is None
    pd.DataFrame([GPU, GPU | {"batch": 8, "energy [mJ]": 50.0}, GPU | {"where": "cpu", "device": "another"}]).to_csv(path, index=False)
    found = meter.kept_gpu([2], path)
    assert found["batch"].tolist() == [1, 8]
    assert found["energy [mJ]"].tolist() == [300.0, 50.0]


@pytest.mark.parametrize(("rows", "words"), [
    ([GPU | {"without rest [mJ]": "much"}], "could not convert string to float: 'much'"),
    ([GPU, GPU | {"batch": 8, "device": "Fake 2000"}], "has to be of one GPU"),
    ([GPU | {"energy [mJ]": float("nan")}], "numbers above 0"),
    ([GPU | {"batch": 8}], r"one row of single questions \(batch 1\) for each"),
    ([GPU, GPU], "one row of single questions"),
])  # fmt: skip
def test_a_kept_gpu_that_says_too_little_is_refused(tmp_path, rows, words):
    pd.DataFrame(rows).to_csv(tmp_path / "gpu.csv", index=False)
    with pytest.raises(ValueError, match=words):
        meter.kept_gpu([2], tmp_path / "gpu.csv")
