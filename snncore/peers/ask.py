"""Programs by others: is one installed; or ask another Python, since its license or needs are others: arrays go there and back in files.

The other Python runs this file, which imports nothing of ours: ``python ask.py SCRIPT [WORD] CASE ANSWER``. The script has a function
``answer`` that gets the arrays of the file CASE (.npz), numbers as such, and the words, and returns the arrays of the file ANSWER.
"""

import importlib.util
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def has_oracle(module: str, name: str) -> bool:
    """Whether a package of the extra ``oracles`` is installed; says so if not."""
    there = importlib.util.find_spec(module) is not None
    if not there:
        print(f"{name} is left out: it is not installed (in a clone: pip install '.[oracles]')")
    return there


def ask(python: str, script: str, case: Mapping[str, Any], *words: str) -> dict[str, Any]:
    """The answer that a script of this folder gives in that Python for a case; `ValueError` if there is no such Python."""
    env = os.environ | {"MPLBACKEND": "agg"}  # a notebook's backend is unknown there
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder, "case.npz"), Path(folder, "answer.npz")
        np.savez(given, **case)
        command = [python, __file__, script, *words, str(given), str(answer)]
        try:
            subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)
        except OSError as error:
            raise ValueError(f"{python} cannot be run ({error.strerror}): name the Python of an environment for {script}") from error
        with np.load(answer) as arrays:
            return dict(arrays)


def main(script: str, *words: str) -> None:
    """In the other Python: give the case to a script and write its answer."""
    *words_of_script, case, answer = words
    with np.load(case) as arrays:
        given = {name: a if a.ndim else a.item() for name, a in arrays.items()}
    np.savez_compressed(answer, **runpy.run_path(str(Path(__file__).with_name(script)))["answer"](given, *words_of_script))


if __name__ == "__main__":
    main(*sys.argv[1:])
