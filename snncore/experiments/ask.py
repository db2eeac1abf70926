"""Ask a program that another Python has, since its license or what it needs is another: arrays go there and come back in files."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def ask(python: str, script: str, case: Mapping[str, Any], *words: str) -> dict[str, Any]:
    """What a script of this folder answers, to which that Python gives ``words``, a file with the case and one for the answer (both .npz).

    Raises
    ------
    subprocess.CalledProcessError
        If it fails; its own message is shown.
    """
    env = os.environ | {"MPLBACKEND": "agg"}  # a notebook's backend is unknown there
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder, "case.npz"), Path(folder, "answer.npz")
        np.savez(given, **case)
        subprocess.run([python, Path(__file__).with_name(script), *words, given, answer], check=True, env=env, stdout=subprocess.DEVNULL)
        with np.load(answer) as found:
            return dict(found)
