"""Emulators of Loihi by others, in a Python of their own, beside ours: ``python -m snncore.peers emulators --peer lava --python PYTHON``.

`ask_emulators` is the script that the other Python runs; it says what to install there. What the peers gave is kept in ``data/peers``.
"""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from snncore.datafiles import npz, package_file
from snncore.loihi.compartment import Compartment
from snncore.loihi.emulator import ChipNetwork, Emulation, Group, emulate
from snncore.loihi.fixed_point import OverflowWarning
from snncore.loihi.spec import FULL_DECAY, THRESHOLD_MANTISSA
from snncore.peers.ask import ask
from snncore.seeds import numpy_generator

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


def recorded(peer: str) -> dict[str, Any]:
    """The case of a peer, the potentials ``v`` (time, neuron) that it gave, and its ``versions``, as recorded in the package."""
    return npz(package_file(f"peers/{peer}.npz"))


def emulated(case: Mapping[str, Any], input_lag: int) -> Emulation:
    """The case on our emulator, with all potentials; no warning that some overflow."""
    names = {"decay_v": "decay_v", "vth_mant": "vth_mant", "decay_u": "decay_u", "refractory": "refractory", "bias_mant": "bias"}
    registers = Compartment(**{register: int(case[name]) for register, name in names.items()})
    network = ChipNetwork(case["w_in"], case["w_rec"], [Group(len(case["w_in"]), registers)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverflowWarning)
        return emulate(network, case["x"][:, None], input_lag, trace=True)


class Comparison(NamedTuple):
    """Potentials that differ, of how many, and the seconds that the peer took, of the named versions."""

    different: int
    numbers: int
    seconds: float
    versions: str


def compare_with(peer: str, python: str, case: Mapping[str, Any], keep: Path | None = None) -> Comparison:
    """Run a case with another emulator, which this Python has, and with ours, both keeping all potentials."""
    answer = ask(python, "ask_emulators.py", case, peer.removesuffix(OVERFLOW))
    if keep:
        np.savez(keep, **answer)
    v = answer["v"]
    different = int((emulated(case, PEERS[peer][0]).v_trace[:, 0] != v).sum())
    return Comparison(different, v.size, float(answer["seconds"]), str(answer["versions"]))


def command(
    peer: Literal["brian2_loihi", "nengo_loihi", "nengo_loihi_overflow", "lava"],
    python: str = os.environ.get("SNNCORE_PEERS", ""),
    keep: Path | None = None,
) -> Comparison:
    """Compare our emulator of Loihi with another one, on random steps.

    Parameters
    ----------
    peer : str
        The other emulator; overflow: with weights and inputs so strong that states leave their 24 bits.
    python : str
        The Python that has it; the environment variable SNNCORE_PEERS names it, too.
    keep : path, optional
        Write network, input and the peer's potentials there (.npz).
    """
    if not python:
        raise ValueError("name the Python of a virtual environment that has it: --python; snncore/peers/ask_emulators.py says how")
    comparison = compare_with(peer, python, case_of(peer), keep)
    print(f"{comparison.versions}: {comparison.different} of {comparison.numbers:,} potentials differ")
    return comparison
