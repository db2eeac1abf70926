"""Randomness as an argument: one generator per named purpose, all from one integer.

The library never touches a global seed. Two purposes never share a stream, so a new use of randomness moves no other number.
"""

import hashlib

import numpy as np
import torch


def _child(seed: int, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:8], "little") >> 1


def torch_generator(seed: int, purpose: str) -> torch.Generator:
    """A generator for ``purpose`` (any text, such as "noise" or "weights")."""
    return torch.Generator().manual_seed(_child(seed, purpose))


def numpy_generator(seed: int, purpose: str) -> np.random.Generator:
    """The same for NumPy."""
    return np.random.default_rng(_child(seed, purpose))
