"""Emulators of Loihi by others, in a Python of their own (`ask_emulators`), beside ours."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from snncore.loihi.compartment import Compartment
from snncore.loihi.emulator import ChipNetwork, Emulation, Group, emulate
from snncore.loihi.fixed_point import OverflowWarning
from snncore.loihi.spec import FULL_DECAY, THRESHOLD_MANTISSA
from snncore.peers.ask import ask
from snncore.seeds import numpy_generator

SCRIPT = "ask_emulators.py"
OVERFLOW = "_overflow"  # what follows the name of a peer where currents and potentials leave their 24 bits
PEERS: dict[str, tuple[int, dict[str, int]]] = {  # steps until inputs arrive, how strong the drive is, and registers
    "brian2_loihi": (0, {"decay_u": 1024, "refractory": 2}),
    "nengo_loihi": (1, {"decay_u": 1024, "refractory": 2, "bias": -300}),
    f"nengo_loihi{OVERFLOW}": (1, {"strong": 2, "decay_u": 3, "vth_mant": THRESHOLD_MANTISSA}),
    "lava": (1, {"decay_u": 1024}),
}


def random_case(neurons: int, inputs: int, steps: int, recurrent: bool, strong: int = 1, **registers: int) -> dict[str, Any]:
    """A random network of LIF neurons, sparse if it is large, and its input, more and stronger if ``strong``; see `ask_emulators`."""
    g = numpy_generator(0, "network for peers")
    share = min(1.0, 20 / neurons)
    w_in = 2 * strong * g.integers(-30, 45, (neurons, inputs)) * (g.random((neurons, inputs)) < share)
    w_rec = 2 * strong * g.integers(-45, 30, (neurons, neurons)) * (g.random((neurons, neurons)) < share / 2) * recurrent
    x = (g.random((steps, inputs)) < 0.15 * strong**2).astype(np.uint8)
    plainest = {"decay_u": FULL_DECAY, "decay_v": 204, "vth_mant": 127, "refractory": 1, "bias": 0}
    return {"w_in": w_in, "w_rec": w_rec, "x": x} | plainest | registers


def case_of(peer: str) -> dict[str, Any]:
    """The case that a peer is asked: 12 neurons, 7 inputs, 1200 steps, registers of `PEERS`; Lava gets no recurrent weights."""
    return random_case(12, 7, 1200, peer != "lava", **PEERS[peer][1])


def emulated(case: Mapping[str, Any], input_lag: int) -> Emulation:
    """The case on our emulator, with all potentials; no warning that some overflow."""
    names = {"decay_v": "decay_v", "vth_mant": "vth_mant", "decay_u": "decay_u", "refractory": "refractory", "bias_mant": "bias"}
    registers = Compartment(**{register: int(case[name]) for register, name in names.items()})
    network = ChipNetwork(case["w_in"], case["w_rec"], [Group(len(case["w_in"]), registers)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverflowWarning)
        return emulate(network, case["x"][:, None], input_lag, trace=True)


def answer(peer: str, python: str, case: Mapping[str, Any]) -> dict[str, Any]:
    """A case, and what another emulator, which this Python has, gives for it, keeping all potentials; see `ask_emulators`."""
    return {**case, **ask(python, SCRIPT, case, peer.removesuffix(OVERFLOW))}


def different(peer: str, answer: Mapping[str, Any]) -> np.ndarray:
    """Where potentials that a peer gave differ from ours, shape (time, neuron)."""
    return emulated(answer, PEERS[peer][0]).v_trace[:, 0] != answer["v"]


def answers(peer: str, python: str) -> dict[str, dict[str, Any]]:
    """What a peer gives for its case; says how many of its potentials are other than ours."""
    given = answer(peer, python, case_of(peer))
    print(f"{different(peer, given).sum()} of {given['v'].size:,} potentials differ")
    return {"random steps": given}
