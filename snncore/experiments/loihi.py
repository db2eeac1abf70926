"""Sequential MNIST on Loihi, emulated in integers: the published weights give the answers of the published silicon run."""

import argparse
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int, UInt8
from tqdm import tqdm

from snncore.datafiles import package_file, read_loihi_weights, read_mnist
from snncore.loihi.compartment import AHPCompartments, Compartment, compartment_rest, compartment_step
from snncore.loihi.emulator import Emulation, Events, Group, Network, emulate, with_outputs
from snncore.loihi.energy import cost, measured
from snncore.loihi.fixed_point import OverflowWarning
from snncore.loihi.quantize import UNIT, in_force
from snncore.loihi.spec import FULL_DECAY, THRESHOLD_MANTISSA
from snncore.neurons import AHPParams, ahp_rest, ahp_step
from snncore.peers.ask import ask
from snncore.record import Record
from snncore.seeds import numpy_generator
from snncore.tasks.sequential_images import CUE, INPUTS, threshold_code

STEPS = 28 * 28 + CUE
LIF, AHP, OUTPUTS = Compartment(decay_v=204, vth_mant=127), AHPCompartments(decay_v=204, vth_mant=508, weight_exp=2), 10


@dataclass(frozen=True)
class Config:
    """Neurons and steps for which integers are held against floats; how many of the 10,000 test images are replayed.

    The silicon run had 200. Images and published weights are downloads, so the smaller presets replay none.
    """

    neurons: int = 500
    steps: int = 2000
    images: int = 0
    seed: int = 0


PRESETS = {"smoke": Config(neurons=50, steps=600), "book": Config(), "paper": Config(images=10_000)}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset; replaying draws nothing, so the seed matters only to the neurons that are compared."""
    return replace(PRESETS[preset], seed=seed)


def silicon_images(count: int = 200) -> Int[np.ndarray, " image"]:
    """Which test images the silicon run had: the notebook drew them with NumPy's legacy generator, seed 0."""
    return np.random.RandomState(0).choice(10_000, 200, replace=False)[:count]


def published_network() -> Network:
    """The network of the silicon run: 140 LIF and 100 AHP neurons, 10 outputs which spike and are reset at the largest threshold."""
    w = read_loihi_weights()
    outputs = Group(OUTPUTS, Compartment(decay_v=204, vth_mant=THRESHOLD_MANTISSA))
    return with_outputs(w["w_in"], w["w_rec"], w["w_out"], [Group(140, LIF), Group(100, AHP)], outputs)


class Replay(NamedTuple):
    """Answers (the output with the largest potential at the end), and the events of all images."""

    answers: Int[np.ndarray, " image"]
    events: Events


def replay(
    network: Network, images: UInt8[np.ndarray, "image height width"], input_lag: int = 2, batch: int = 250, progress: bool = False
) -> Replay:
    """Show images to a network on the emulated chip.

    Warns
    -----
    snncore.loihi.fixed_point.OverflowWarning
        As `emulate`.
    """
    answers, events = [], []
    for start in tqdm(range(0, len(images), batch), disable=None if progress else True, leave=False, desc="replay"):
        x = threshold_code(images[start : start + batch]).numpy()
        emulation = emulate(network, x, input_lag, threads=torch.get_num_threads())
        answers.append(emulation.v[:, -OUTPUTS:].argmax(1))
        events.append(emulation.events)
    names = [name for name in Events._fields if name != "compartment_updates"]
    per_image: dict[str, Any] = {name: np.concatenate([getattr(e, name) for e in events]) for name in names}
    return Replay(np.concatenate(answers), events[0]._replace(**per_image))


def labels(truth: Int[np.ndarray, " wrong"], answers: Int[np.ndarray, " wrong"]) -> str:
    """Wrong answers as the ledger writes them: true digits, then answers."""
    return f"{' '.join(map(str, truth))} -> {' '.join(map(str, answers))}"


# --- The same neuron in integers and in floats ---------------------------------------------------------------------------------------


def drive(c: Config) -> Int[np.ndarray, "time neuron"]:
    """Sums of weights that reach the neurons: 20 inputs each, strong in the second sixth of the time, weak otherwise."""
    g = numpy_generator(c.seed, "input spikes")
    weights = g.integers(0, 26, (20, c.neurons))
    strong = np.arange(c.steps) * 6 // c.steps == 1
    spikes = g.random((c.steps, 20, c.neurons)) < np.where(strong, 0.1, 0.04)[:, None, None]
    return (spikes * weights).sum(1)


class Twins(NamedTuple):
    """Spikes z, potentials v and AHP currents a on the chip and in floats, v and a as multiples of the threshold."""

    z: tuple[Float[np.ndarray, "time neuron"], ...]
    v: tuple[Float[np.ndarray, "time neuron"], ...]
    a: tuple[Float[np.ndarray, "time neuron"], ...]


def twins(current: Int[np.ndarray, "time neuron"], registers: AHPCompartments) -> Twins:
    """AHP neurons on the chip, and the float neurons that have exactly their decays and jumps, with the same input."""
    p = in_force(registers)
    assert isinstance(p, AHPParams)
    like = np.zeros((1, current.shape[1]))
    chip, floats = compartment_rest(like.astype(np.int64)), ahp_rest(torch.from_numpy(like))
    rows: list[list[np.ndarray]] = [[] for _ in range(6)]
    for now in current[:, None]:
        a = floats.a.numpy()[0]
        _, chip = compartment_step(now, chip, registers)
        _, floats = ahp_step(torch.from_numpy(now / UNIT), floats, p)
        v = np.where(floats.z.numpy()[0] > 0, 0.0, floats.v.numpy()[0])  # after the reset, as on the chip
        state = (chip.z[0], floats.z.numpy()[0], chip.v[0] / registers.threshold, v, chip.a[0] / registers.threshold, a)
        for row, value in zip(rows, state, strict=True):
            row.append(value)
    z_chip, z, v_chip, v, a_chip, a = (np.stack(row) for row in rows)
    return Twins((z_chip, z), (v_chip, v), (a_chip, a))


def beside_floats(c: Config, record: Record) -> pd.DataFrame:
    """Where the traces of both part: values for the text, and the traces of the first neuron for a figure."""
    p = in_force(AHP)
    assert isinstance(p, AHPParams)
    record.value("tau_m", p.tau_m, "{:.2f}")
    record.value("tau_ahp", p.tau_ahp, "{:.0f}")
    t = twins(drive(c), AHP)
    differ = t.z[0] != t.z[1]
    first = np.where(differ.any(0), differ.argmax(0), c.steps)
    spikes = t.z[1].sum(0) > 0
    record.value("neurons", c.neurons, "{:,}")
    record.value("steps", c.steps, "{:,}")
    record.value("first_difference", float(np.median(first)), "{:.0f}")
    record.value("never_differ", int((first == c.steps).sum()))
    record.value("spikes_float", float(t.z[1].sum(0).mean()), "{:.1f}")
    record.value("spikes_chip", float(t.z[0].sum(0).mean()), "{:.1f}")
    strong = t.a[1] < -0.1
    record.value("ahp_gap", 100 * float((t.a[0] - t.a[1])[strong].mean()), "{:.1f} %")
    half_a_unit_lost = 0.5 / (AHP.decay_aux / FULL_DECAY) / AHP.threshold  # in each step, forgotten as slowly as the current itself
    record.value("ahp_gap_expected", 100 * half_a_unit_lost, "{:.1f} %")
    k = int(np.flatnonzero(spikes)[0])
    columns = {f"{name}_{where}": pair[i][:, k] for name, pair in t._asdict().items() for i, where in enumerate(("chip", "float"))}
    return pd.DataFrame({"time": np.arange(c.steps), **columns})


# --- Details without which the answers are others ------------------------------------------------------------------------------------


class LIFAtEquality(Compartment):
    """Fires at its threshold, too."""

    @property
    def threshold(self) -> int:
        """v >= n is v > n - 1."""
        return super().threshold - 1


class AHPAtEquality(LIFAtEquality, AHPCompartments):
    """The same with an AHP current."""


class NeverFires(Compartment):
    """Never fires."""

    threshold = 1 << 30  # type: ignore[assignment]


def _with(network: Network, **groups: Compartment) -> Network:
    """The network with other registers for some of its groups: lif, ahp, out."""
    return replace(
        network,
        groups=[Group(g.size, groups.get(name, g.registers)) for name, g in zip(("lif", "ahp", "out"), network.groups, strict=True)],
    )


DETAILS: dict[str, tuple[Callable[[Network], Network], int]] = {  # one change of the network each, and the lag of its inputs
    "decay": (lambda n: _with(n, lif=replace(LIF, decay_v=205), ahp=replace(AHP, decay_v=205)), 2),
    "ahp_decay": (lambda n: _with(n, ahp=replace(AHP, decay_aux=6)), 2),
    "equality": (
        lambda n: _with(n, lif=LIFAtEquality(LIF.decay_v, LIF.vth_mant), ahp=AHPAtEquality(AHP.decay_v, AHP.vth_mant, weight_exp=2)), 2,
    ),
    "reset": (lambda n: _with(n, out=NeverFires(204, THRESHOLD_MANTISSA)), 2),
    "refractory": (lambda n: _with(n, lif=replace(LIF, refractory=2)), 2),
    "lag0": (lambda n: n, 0),
    "lag1": (lambda n: n, 1),
}  # fmt: skip


# --- Emulators by others ---------------------------------------------------------------------------------------------------------------

OVERFLOW = "_overflow"  # what follows the name of a peer where currents and potentials leave their 24 bits
PEERS: dict[str, tuple[int, dict[str, int]]] = {  # steps until inputs arrive, how strong the drive is, and registers
    "brian2_loihi": (0, {"decay_u": 1024, "refractory": 2}),
    "nengo_loihi": (1, {"decay_u": 1024, "refractory": 2, "bias": -300}),
    f"nengo_loihi{OVERFLOW}": (1, {"strong": 2, "decay_u": 3, "vth_mant": THRESHOLD_MANTISSA}),
    "lava": (1, {"decay_u": 1024}),
}


def peer_case(neurons: int, inputs: int, steps: int, recurrent: bool, strong: int = 1, **registers: int) -> dict[str, Any]:
    """A random network of LIF neurons, sparse if it is large, and its input, more and stronger if ``strong``; see `peers`."""
    g = numpy_generator(0, "network for peers")
    share = min(1.0, 20 / neurons)
    w_in = 2 * strong * g.integers(-30, 45, (neurons, inputs)) * (g.random((neurons, inputs)) < share)
    w_rec = 2 * strong * g.integers(-45, 30, (neurons, neurons)) * (g.random((neurons, neurons)) < share / 2) * recurrent
    x = (g.random((steps, inputs)) < 0.15 * strong**2).astype(np.uint8)
    plainest = {"decay_u": FULL_DECAY, "decay_v": 204, "vth_mant": 127, "refractory": 1, "bias": 0}
    return {"w_in": w_in, "w_rec": w_rec, "x": x} | plainest | registers


def as_peer(case: Mapping[str, Any], input_lag: int) -> Emulation:
    """The case on our emulator, with all potentials; that some overflow is no news."""
    registers = Compartment(
        int(case["decay_v"]),
        int(case["vth_mant"]),
        decay_u=int(case["decay_u"]),
        refractory=int(case["refractory"]),
        bias_mant=int(case["bias"]),
    )
    network = Network(case["w_in"], case["w_rec"], [Group(len(case["w_in"]), registers)], mixed_sign=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverflowWarning)
        return emulate(network, case["x"][:, None], input_lag, trace=True)


class Beside(NamedTuple):
    """Potentials that differ, of how many, and the seconds that the peer took, of the named versions."""

    different: int
    numbers: int
    seconds: float
    versions: str


def beside_peer(peer: str, python: str, case: Mapping[str, Any], keep: Path | None = None) -> Beside:
    """Run a case with another emulator, which this Python has, and with ours, both keeping all potentials.

    Raises
    ------
    subprocess.CalledProcessError
        If the peer fails; its own message is shown.
    """
    found = ask(python, "ask_emulators.py", case, peer.removesuffix(OVERFLOW))
    if keep:
        np.savez(keep, **found)
    v = found["v"]
    different = int((as_peer(case, PEERS[peer][0]).v_trace[:, 0] != v).sum())
    return Beside(different, v.size, float(found["seconds"]), str(found["versions"]))


def recorded_peers(record: Record) -> None:
    """Our emulator against what the peers gave, which is recorded in the package."""
    different = numbers = 0
    for peer, (lag, _) in PEERS.items():
        with np.load(package_file(f"peers/{peer}.npz")) as case:
            e, v = as_peer(case, lag), case["v"]
            record.value(f"{peer}_versions", str(case["versions"]))
        record.value(f"{peer}_different", int((e.v_trace[:, 0] != v).sum()))
        record.value(f"{peer}_spikes", int(e.events.spikes.sum()), "{:,}")
        record.value(f"{peer}_left", int(e.events.wrapped.sum() + e.events.clipped.sum()), "{:,}")
        different, numbers = different + int((e.v_trace[:, 0] != v).any(1).sum()), numbers + v.size
    record.value("peer_steps", len(v), "{:,}")
    record.value("peer_numbers", numbers, "{:,}")
    record.claim("loihi.oracle.mismatches", different, dataset="recorded runs of three emulators, one of them twice", n=len(PEERS) * len(v))


RATIOS = {
    "edp_ratio.survey": "energy-delay, quoted in a survey",
    "energy_ratio.dynamic": "energy, GPU's idle power subtracted",
    "energy_ratio.total": "energy, idle power included",
    "edp_ratio.dynamic": "energy-delay, GPU's idle power subtracted",
    "edp_ratio.total": "energy-delay, idle power included",
}

SURVEY = 37  # the ratio that the survey quotes


def published_ratios() -> pd.DataFrame:
    """How many times less the chip needs than something else: from published measurements, or, that of the survey, quoted."""
    chip, gpu = measured("sequential MNIST"), measured("LSTM on a GPU")
    watts = sum(power for name, power in chip.items() if name.endswith("_mw")) / 1000
    slower = gpu["time_ms"] / chip["time_ms"]
    found: dict[str, float] = {"edp_ratio.survey": SURVEY}
    for kind, power in (("dynamic", gpu["mean_w"] - gpu["idle_w"]), ("total", gpu["mean_w"])):
        found |= {f"energy_ratio.{kind}": power / watts * slower, f"edp_ratio.{kind}": power / watts * slower**2}
    return pd.DataFrame([{"ratio": name, "value": found[key]} for key, name in RATIOS.items()])


def run(c: Config, record: Record) -> pd.DataFrame:
    """Integers beside floats; with images, replay those of the silicon run, and all test images."""
    traces = beside_floats(c, record)
    recorded_peers(record)
    if c.images:
        with warnings.catch_warnings():
            # strong inhibition drives some AHP neurons of this network to the lower end of their 24 bits, which belongs to its answers
            warnings.simplefilter("ignore", OverflowWarning)
            replays(c, record)
    return traces


def replays(c: Config, record: Record) -> None:
    """The published network about the images of the silicon run, and about all test images."""
    network, test = published_network(), read_mnist()["test"]
    which = silicon_images(c.images)
    found = replay(network, test.images[which])
    wrong = np.flatnonzero(found.answers != test.labels[which])
    if len(which) == 200:
        record.claim("loihi.smnist.replay200", 100 * (1 - len(wrong) / 200), dataset="the silicon run's images", n=200)
        record.claim("loihi.smnist.replay200.labels", labels(test.labels[which][wrong], found.answers[wrong]), n=200)
        for name, (change, lag) in DETAILS.items():
            others = int((replay(change(network), test.images[which], lag).answers != found.answers).sum())
            record.claim(f"loihi.smnist.detail.{name}", others, dataset="the silicon run's images", n=200)
        estimate = cost(found.events, STEPS, relays=INPUTS)
        product = tuple(energy * time / 1000 for energy, time in zip(estimate.energy_uj, estimate.time_ms, strict=True))
        for claim, (low, high) in (("core_dynamic", estimate.energy_uj), ("time", estimate.time_ms), ("core_edp", product)):
            record.claim(f"loihi.smnist.measured.{claim}", (low + high) / 2, low=low, high=high, dataset="the silicon run's images", n=200)
    if c.images < len(test.labels):
        return
    found, n = replay(network, test.images, progress=True), len(test.labels)
    record.claim("loihi.smnist.replay10k", 100 * float((found.answers == test.labels).mean()), dataset="MNIST test", n=n)
    record.claim("loihi.smnist.replay10k.spikes", float(found.events.spikes[:, :-OUTPUTS].sum(1).mean()), dataset="MNIST test", n=n)
    record.claim("loihi.smnist.replay10k.synops", float(found.events.synaptic_operations.mean()), dataset="MNIST test", n=n)


def options(parser: argparse.ArgumentParser) -> None:
    """Further words of the command line."""
    parser.add_argument("--peer", choices=PEERS, help="compare our emulator with this one instead, on random steps")
    parser.add_argument("--python", default=os.environ.get("SNNCORE_PEERS"), help="the Python that has it (default: $SNNCORE_PEERS)")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write network, input and the peer's potentials there (.npz)")


def command(given: argparse.Namespace) -> bool:
    """Compare, if that is asked for."""
    if given.peer is None:
        return False
    if not given.python:
        raise SystemExit("--peer needs --python: the Python of a virtual environment that has it; snncore/peers/ask_emulators.py says how")
    case = peer_case(12, 7, 1200, given.peer != "lava", **PEERS[given.peer][1])
    found = beside_peer(given.peer, given.python, case, given.keep)
    print(f"{found.versions}: {found.different} of {found.numbers:,} potentials differ")
    return True
