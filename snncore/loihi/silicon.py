"""Sequential MNIST as it ran on Loihi: the published network, the images of that run, and their replay on the emulated chip.

Source: A. Rao, P. Plank, A. Wild, W. Maass, Nature Machine Intelligence 4, 467-479 (2022); weights and answers: its code, by Intel.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int, UInt8
from tqdm import tqdm

from snncore.loihi.compartment import AHPCompartments, Compartment
from snncore.loihi.emulator import ChipNetwork, Events, Group, emulate, with_outputs
from snncore.loihi.energy import measured
from snncore.loihi.spec import THRESHOLD_MANTISSA
from snncore.tasks.data_sets import read_loihi_weights
from snncore.tasks.sequential_images import CUE, threshold_code

STEPS = 28 * 28 + CUE
LIF, AHP = Compartment(decay_v=204, vth_mant=127), AHPCompartments(decay_v=204, vth_mant=508, weight_exp=2)
OUTPUT, OUTPUTS = Compartment(decay_v=204, vth_mant=THRESHOLD_MANTISSA), 10  # which spike and are reset at the largest threshold
SURVEY = 37  # the ratio of energy-delay products that a survey quotes


def silicon_images() -> Int[np.ndarray, " image"]:
    """Indices of the 200 test images of the silicon run: its notebook drew them with NumPy's legacy generator, seed 0."""
    return np.random.RandomState(0).choice(10_000, 200, replace=False)


def published_network() -> ChipNetwork:
    """The network of the silicon run: 140 LIF and 100 AHP neurons, 10 outputs."""
    w = read_loihi_weights()
    return with_outputs(w["w_in"], w["w_rec"], w["w_out"], [Group(140, LIF), Group(100, AHP)], Group(OUTPUTS, OUTPUT))


class Replay(NamedTuple):
    """Answers (the output with the largest potential at the end), and the events of all images."""

    answers: Int[np.ndarray, " image"]
    events: Events


def replay(network: ChipNetwork, images: UInt8[np.ndarray, "image height width"], input_lag: int = 2, batch: int = 250) -> Replay:
    """Show images to a network on the emulated chip."""
    answers, events = [], []
    for start in tqdm(range(0, len(images), batch), disable=None, leave=False, desc="replay"):
        x = threshold_code(images[start : start + batch]).numpy()
        emulation = emulate(network, x, input_lag, threads=torch.get_num_threads())
        answers.append(emulation.v[:, -OUTPUTS:].argmax(1))
        events.append(emulation.events)
    names = [name for name in Events._fields if name != "compartment_updates"]  # which are the same in each batch
    whole: Any = {name: np.concatenate([getattr(e, name) for e in events]) for name in names}
    return Replay(np.concatenate(answers), events[0]._replace(**whole))


def wrong_answers(labels: Int[np.ndarray, " image"], answers: Int[np.ndarray, " image"]) -> str:
    """The wrong answers as the ledger writes them: true digits, then answers."""
    wrong = answers != labels
    return f"{' '.join(map(str, labels[wrong]))} -> {' '.join(map(str, answers[wrong]))}"


def published_ratios() -> dict[str, float]:
    """Ratios of an LSTM network on a GPU over the chip, divided from published measurements; and the ratio that a survey quotes.

    Energy and energy-delay product (EDP); ``dynamic`` leaves out the GPU's idle power, ``total`` includes it.
    """
    chip, gpu = measured("sequential MNIST"), measured("LSTM on a GPU")
    watts = sum(power for name, power in chip.items() if name.endswith("_mw")) / 1000
    slower = gpu["time_ms"] / chip["time_ms"]
    ratios: dict[str, float] = {"edp_ratio.survey": SURVEY}
    for kind, power in (("dynamic", gpu["mean_w"] - gpu["idle_w"]), ("total", gpu["mean_w"])):
        ratios |= {f"energy_ratio.{kind}": power / watts * slower, f"edp_ratio.{kind}": power / watts * slower**2}
    return ratios


# --- Details without which the answers are others ------------------------------------------------------------------------------------


def firing_above(c: Compartment, threshold: int) -> Compartment:
    """The same registers with a threshold that no mantissa gives; v >= n is v > n - 1."""
    kind: Any = type(type(c).__name__, (type(c),), {"threshold": threshold})
    return kind(**vars(c))


def with_registers(network: ChipNetwork, registers: Mapping[str, Compartment]) -> ChipNetwork:
    """The network with other registers for some of its groups: ``lif``, ``ahp``, ``out``."""
    named = zip(("lif", "ahp", "out"), network.groups, strict=True)
    return replace(network, groups=[Group(g.size, registers.get(name, g.registers)) for name, g in named])


DETAILS: dict[str, tuple[dict[str, Compartment], int]] = {  # changes of registers, and the lag of inputs
    "decay": ({"lif": replace(LIF, decay_v=205), "ahp": replace(AHP, decay_v=205)}, 2),
    "ahp_decay": ({"ahp": replace(AHP, decay_aux=6)}, 2),
    "equality": ({"lif": firing_above(LIF, LIF.threshold - 1), "ahp": firing_above(AHP, AHP.threshold - 1)}, 2),
    "reset": ({"out": firing_above(OUTPUT, 1 << 30)}, 2),  # which no potential reaches
    "refractory": ({"lif": replace(LIF, refractory=2)}, 2),
    "lag0": ({}, 0),
    "lag1": ({}, 1),
}
