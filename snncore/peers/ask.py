"""Programs by others: is one installed; or ask another Python, since its license or needs are others: arrays go there and back in files."""

import importlib.util
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def has_oracle(module: str, name: str) -> bool:
    """Whether a package of the extra ``oracles`` is installed; says so if not."""
    there = importlib.util.find_spec(module) is not None
    if not there:
        print(f"{name} is left out: it is not installed (pip install 'snncore[oracles]')")
    return there


def ask(python: str, script: str, case: Mapping[str, Any], *words: str) -> dict[str, Any]:
    """The answer of a script of this folder, to which that Python gives ``words``, a file with the case and one for the answer (both .npz).

    Raises `ValueError` if there is no such Python; `subprocess.CalledProcessError` if the script fails; its own message is shown.
    """
    env = os.environ | {"MPLBACKEND": "agg"}  # a notebook's backend is unknown there
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder, "case.npz"), Path(folder, "answer.npz")
        np.savez(given, **case)
        command = [python, str(Path(__file__).with_name(script)), *words, str(given), str(answer)]
        try:
            subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)
        except OSError as error:
            raise ValueError(f"{python} cannot be run ({error.strerror}): name the Python of an environment for {script}") from error
        with np.load(answer) as arrays:
            return dict(arrays)
