"""The few-spike neuron as a piecewise constant function, its pieces listed exactly.

As long as its spikes so far are the same, v(t) is x minus a constant, and floating-point subtraction is monotone: all inputs with the same
spike pattern form one interval. So bisection over the floating-point numbers finds each border exactly, and every statistic (spikes per
neuron, per step, output levels) is a sum over pieces, without sampling.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from snncore.few_spike.neuron import FSParams, fs_decode, fs_run, fs_step
from snncore.shapes import FloatTensor, SpikeTrain


@dataclass(frozen=True)
class Pieces:
    """All pieces of a few-spike neuron over the finite numbers of one floating-point type, from left to right."""

    first: FloatTensor  #: smallest input of each piece, shape (piece,)
    last: FloatTensor  #: largest one
    spikes: SpikeTrain  #: the spike pattern of each piece, 0 or 1, shape (K, piece)
    y: FloatTensor  #: its output, shape (piece,)

    def __len__(self) -> int:
        return len(self.y)

    def probability(self, cdf: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Probability of each piece for inputs with the cumulative distribution function ``cdf``; they add up to 1."""
        return np.diff(cdf(self.last[:-1].double().numpy()), prepend=0.0, append=1.0)

    def spikes_per_step(self, cdf: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Probability of a spike in each step, shape (K,); its sum is the mean number of spikes per neuron."""
        return self.spikes.double().numpy() @ self.probability(cdf)


def _turned(bits: Tensor) -> Tensor:
    """Integers in the order of the floating-point numbers that have these bits, neighbors to neighbors; and from those back to bits."""
    return torch.where(bits < 0, bits ^ torch.iinfo(bits.dtype).max, bits)


MOST_PIECES = 2**20


def pieces(p: FSParams, dtype: torch.dtype = torch.float32) -> Pieces:
    """List the pieces of a few-spike neuron, exactly, over all finite numbers of a type; more than `MOST_PIECES` are a `ValueError`.

    >>> from snncore.few_spike.neuron import relu_code
    >>> len(pieces(relu_code(8.0, 4)))
    16
    """
    integer = {torch.float32: torch.int32, torch.float64: torch.int64}.get(dtype)
    if integer is None:
        raise ValueError(f"dtype is {dtype}: pieces are listed for torch.float32 or torch.float64")
    largest = torch.finfo(dtype).max

    def fires(i: Tensor, t: int) -> Tensor:
        v = _turned(i).view(dtype)
        for s in range(t + 1):
            z, v = fs_step(v, s, p)
        return z > 0

    first, last = _turned(torch.tensor([-largest, largest], dtype=dtype).view(integer)).split(1)
    for t in range(p.K):
        split = fires(first, t) != fires(last, t)
        low, high = first[split], last[split]  # silent at low, spiking at high: within a piece the larger inputs spike
        while (low + 1 < high).any():
            middle = (low >> 1) + (high >> 1) + (low & high & 1)
            up = fires(middle, t)
            low, high = torch.where(up, low, middle), torch.where(up, middle, high)
        first, last = torch.cat([first, high]).sort().values, torch.cat([last, low]).sort().values
        if len(first) > MOST_PIECES:
            raise ValueError(
                f"a neuron of {p.K} steps has more than {MOST_PIECES:,} pieces: take fewer steps, or run it (fs_run, stepwise)"
            )
    x = _turned(first).view(dtype)
    spikes, _ = fs_run(x, p)
    return Pieces(first=x, last=_turned(last).view(dtype), spikes=spikes, y=fs_decode(spikes, p))
