"""Sequential MNIST on Loihi, emulated in integers: the published weights give the answers of the published silicon run."""

import warnings
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int, UInt8
from tqdm import tqdm

from snncore.datafiles import read_loihi_weights, read_mnist
from snncore.experiments.record import Record
from snncore.loihi.compartment import AHPCompartments, Compartment
from snncore.loihi.emulator import Events, Group, Network, emulate, with_outputs
from snncore.loihi.fixed_point import OverflowWarning
from snncore.loihi.spec import THRESHOLD_MANTISSA
from snncore.tasks.sequential_images import threshold_code

LIF, AHP, OUTPUTS = Compartment(decay_v=204, vth_mant=127), AHPCompartments(decay_v=204, vth_mant=508, weight_exp=2), 10


@dataclass(frozen=True)
class Config:
    """How many of the 10,000 test images are replayed (the silicon run had 200)."""

    images: int = 10_000
    seed: int = 0


PRESETS = {"smoke": Config(images=20), "book": Config(), "paper": Config()}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset; replaying draws nothing, so the seed does not matter."""
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

    In the published network strong inhibition drives some AHP neurons to the lower end of their 24 bits: such overflow belongs to its
    answers, so it is counted, without a warning.
    """
    answers, events = [], []
    for start in tqdm(range(0, len(images), batch), disable=None if progress else True, leave=False, desc="replay"):
        x = threshold_code(images[start : start + batch]).numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OverflowWarning)
            emulation = emulate(network, x, input_lag, threads=torch.get_num_threads())
        answers.append(emulation.v[:, -OUTPUTS:].argmax(1))
        events.append(emulation.events)
    names = [name for name in Events._fields if name != "compartment_updates"]
    per_image: dict[str, Any] = {name: np.concatenate([getattr(e, name) for e in events]) for name in names}
    return Replay(np.concatenate(answers), events[0]._replace(**per_image))


def labels(truth: Int[np.ndarray, " wrong"], answers: Int[np.ndarray, " wrong"]) -> str:
    """Wrong answers as the ledger writes them: true digits, then answers."""
    return f"{' '.join(map(str, truth))} -> {' '.join(map(str, answers))}"


def run(c: Config, record: Record) -> None:
    """Replay the silicon run's images, and all test images."""
    network, test = published_network(), read_mnist()["test"]
    which = silicon_images(c.images)
    found = replay(network, test.images[which])
    wrong = np.flatnonzero(found.answers != test.labels[which])
    if len(which) == 200:
        record.claim("loihi.smnist.replay200", 100 * (1 - len(wrong) / 200), dataset="the silicon run's images", n=200)
        record.claim("loihi.smnist.replay200.labels", labels(test.labels[which][wrong], found.answers[wrong]), n=200)
    if c.images < len(test.labels):
        return
    found = replay(network, test.images, progress=True)
    n = len(test.labels)
    record.claim("loihi.smnist.replay10k", 100 * float((found.answers == test.labels).mean()), dataset="MNIST test", n=n)
    record.claim("loihi.smnist.replay10k.spikes", float(found.events.spikes[:, :-OUTPUTS].sum(1).mean()), dataset="MNIST test", n=n)
    record.claim("loihi.smnist.replay10k.synops", float(found.events.synaptic_operations.mean()), dataset="MNIST test", n=n)
    record.value("updates", found.events.compartment_updates, "{:,}")
    record.value("input_spikes", float(found.events.input_spikes.mean()), "{:,.0f}")
    record.value("clipped", float(found.events.clipped.mean()), "{:.0f}")
