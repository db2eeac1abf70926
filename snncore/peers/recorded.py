"""What programs by others answered, kept in ``data/peers``: ``python -m snncore.peers recorded --peer NAME --python PYTHON`` asks again.

The module of this folder that is at home with a program has its cases, and ``answers`` to them; the script that the other Python runs
(``SCRIPT``, see `snncore.peers.ask`) says what to install there.
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Literal

import numpy as np

from snncore.datafiles import npz, package_file

HOMES = {"nest": "eprop_nest", "braintrace": "eprop_braintrace", "sanafe": "sanafe_energy"}  # of others: emulators


def recorded(peer: str) -> dict[str, dict[str, np.ndarray]]:
    """What a program was asked and has answered, by the name of the case; ``versions`` says which program that was."""
    cases: dict[str, dict[str, np.ndarray]] = {}
    for name, array in npz(package_file(f"peers/{peer}.npz")).items():
        case, key = name.split("/")
        cases.setdefault(case, {})[key] = array
    return cases


def command(
    peer: Literal["nest", "braintrace", "sanafe", "brian2_loihi", "nengo_loihi", "nengo_loihi_overflow", "lava"],
    python: str = "",
    keep: Path | None = None,
) -> None:
    """Ask a program by others about its cases again: NEST, braintrace, SANA-FE, or an emulator of Loihi on random steps.

    Parameters
    ----------
    peer : str
        The program; overflow: with weights and inputs so strong that states leave their 24 bits.
    python : str
        The Python that has it; by default that which the environment variable SNNCORE_PEERS names, and for NEST (extra oracles) this one.
    keep : path, optional
        Write cases and answers there (.npz); the chapters read data/peers/NAME.npz.
    """
    home = importlib.import_module(f"snncore.peers.{HOMES.get(peer, 'emulators')}")
    python = python or (sys.executable if peer == "nest" else os.environ.get("SNNCORE_PEERS", ""))
    if not python:
        raise ValueError(f"name the Python of an environment that has {peer}: --python; snncore/peers/{home.SCRIPT} says what it needs")
    answers = home.answers(peer, python)
    for name, answer in answers.items():
        print(f"{name}: {answer['versions']} has answered")
    if keep:
        np.savez_compressed(keep, **{f"{name}/{key}": array for name, answer in answers.items() for key, array in answer.items()})
        print(f"written to {keep}")
