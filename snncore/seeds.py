"""Randomness as an argument: one generator per named purpose, all from one integer.

The library never touches a global seed. Two purposes never share a stream, so a new use of randomness moves no other number.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def _child(seed: int, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:8], "little") >> 1


def numpy_generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator for ``purpose`` (any text, such as "noise" or "weights")."""
    return np.random.default_rng(_child(seed, purpose))


def torch_generator(seed: int, purpose: str) -> torch.Generator:
    """The same for torch, on the CPU."""
    return torch.Generator().manual_seed(_child(seed, purpose))


@contextmanager
def seeded_draws(seed: int, purpose: str) -> Iterator[None]:
    """Inside, what torch modules draw by themselves on the CPU, such as initial weights or dropout, comes from a generator for
    ``purpose``; the global state is put back afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(_child(seed, purpose))
        yield
