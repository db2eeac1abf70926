"""Randomness as an argument: one generator per named purpose, all from one integer.

The library never touches a global seed. Two purposes never share a stream, so a new use of randomness moves no other number.
"""

import hashlib

import numpy as np


def _child(seed: int, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:8], "little") >> 1


def numpy_generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator for ``purpose`` (any text, such as "noise" or "weights")."""
    return np.random.default_rng(_child(seed, purpose))
