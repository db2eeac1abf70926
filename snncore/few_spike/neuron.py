r"""Few-spike (FS) neuron: sends a number as at most K binary spikes.

.. math::

    v(1) &= x, & z(t) &= \Theta(v(t) - T(t)), \\
    v(t+1) &= v(t) - h(t)\, z(t), & \hat f(x) &= \sum_{t=1}^{K} d(t)\, z(t)

It fires first and subtracts afterwards: h(t) belongs to the spike of step t, and h(K) never matters. The published neurons fire at
v > T (``strict``); a code for ReLU should fire at v >= T, so that numbers which lie on its grid are sent exactly.
Step t of the formula is index t - 1 here.

Source: C. Stöckl and W. Maass, Optimized spiking neurons can classify images with high accuracy through temporal coding with two
spikes, Nature Machine Intelligence 3, 230-238 (2021), Methods.
"""

import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snncore.kernels.fs_neuron import decode
from snncore.shapes import FloatTensor, Spikes, SpikeTrain, check_whole


@dataclass(frozen=True)
class FSParams:
    """Parameters of one few-spike neuron, in units of its input (T, h) and output (d), each of length K.

    Raises `ValueError` if K < 1, if the lengths differ, or if a number is not finite.
    """

    T: Sequence[float]  #: thresholds
    h: Sequence[float]  #: resets: what a spike of step t takes off the membrane potential, before step t + 1
    d: Sequence[float]  #: outputs: the weight of a spike of step t
    strict: bool = True  #: fire at v > T (True, as published) or at v >= T (False)

    def __post_init__(self):
        for name in "Thd":
            values = tuple(float(a) for a in getattr(self, name))
            object.__setattr__(self, name, values)
            bad = [(t, a) for t, a in enumerate(values) if not math.isfinite(a)]
            if bad:
                raise ValueError(f"{name}[{bad[0][0]}] is {bad[0][1]}: the parameters of a few-spike neuron must be finite numbers")
        if not self.T:
            raise ValueError("T is empty: a few-spike neuron needs K >= 1 steps, so give at least one threshold, reset and output")
        if not len(self.T) == len(self.h) == len(self.d):
            raise ValueError(
                f"T, h, d have {len(self.T)}, {len(self.h)}, {len(self.d)} entries: give one of each per step (h(K) never matters; use 0)"
            )

    @property
    def K(self) -> int:
        """Number of time steps."""
        return len(self.T)


class OnDevice(NamedTuple):
    """`FSParams` as tensors of shape (K,), so that one compiled loop serves all neurons of K steps."""

    T: Tensor
    h: Tensor
    d: Tensor
    strict: bool
    K: int


def fs_step(v: FloatTensor, t: int, p: FSParams | OnDevice, noise: FloatTensor | float = 0.0) -> tuple[Spikes, FloatTensor]:
    """Step t (from 0): fire, then subtract. Returns z(t) and v(t+1). Noise is seen by the comparison only."""
    u = v + noise
    z = (u > p.T[t] if p.strict else u >= p.T[t]).to(v.dtype)
    return z, v - p.h[t] * z


def fs_run(x: FloatTensor, p: FSParams) -> tuple[SpikeTrain, SpikeTrain]:
    """Spikes z(t) and membrane potentials v(t) (before the spike of step t), t = 1..K, for x of any shape; `ValueError` if it holds NaN.

    >>> z, v = fs_run(torch.tensor([5.0]), relu_code(8.0, 3))
    >>> z.flatten().tolist()  # 5 = 4 + 1
    [1.0, 0.0, 1.0]
    """
    if bad := int(torch.isnan(x).sum()):
        raise ValueError(f"x holds {bad} NaN of {x.numel()} numbers: a spike code has no sign for them; look upstream")
    v, spikes, potentials = x, [], []
    for t in range(p.K):
        potentials.append(v)
        z, v = fs_step(v, t, p)
        spikes.append(z)
    return torch.stack(spikes), torch.stack(potentials)


def fs_decode(z: SpikeTrain, p: FSParams) -> FloatTensor:
    """The number that a spike train stands for: the sum over t of d(t) z(t), added in order of time."""
    return sum((d * of_step for d, of_step in zip(p.d, z, strict=True)), torch.zeros_like(z[0]))


def fs_sum(x: FloatTensor, p: FSParams | OnDevice, noise: Callable[[], FloatTensor | float] = lambda: 0.0) -> FloatTensor:
    """f̂(x) step by step, for x without NaN; ``noise`` is asked at each comparison for what is added to v there."""
    v, y = x, torch.zeros_like(x)
    for t in range(p.K):
        z, v = fs_step(v, t, p, noise())
        y = y + p.d[t] * z
    return y


def _plain(x: FloatTensor, p: FSParams | OnDevice) -> FloatTensor:
    return torch.where(torch.isnan(x), x, fs_sum(x, p))


@cache
def _fused() -> Callable[[FloatTensor, FSParams | OnDevice], FloatTensor]:
    """The plain loop as one kernel of a CUDA GPU, where PyTorch's build can compile for it."""
    return torch.compile(_plain, dynamic=True) if importlib.util.find_spec("triton") else _plain


@lru_cache(maxsize=1024)
def _on_device(p: FSParams, device: torch.device, dtype: torch.dtype) -> OnDevice:
    T, h, d = (torch.tensor(a, dtype=dtype, device=device) for a in (p.T, p.h, p.d))
    return OnDevice(T, h, d, p.strict, p.K)


UNROLLED = 32  # steps; for more, the compiler needs minutes, or gives up


def fs_neuron(x: FloatTensor, p: FSParams, inplace: bool = False) -> FloatTensor:
    """The function that the neuron computes, f̂(x), element by element, without a gradient; NaN stays NaN, as with any activation function.

    Up to `UNROLLED` steps it is compiled, on CPU and CUDA GPU, with the same bits as `fs_step`. With ``inplace`` it may write over x.

    >>> fs_neuron(torch.tensor([-1.0, 2.5, 9.9]), relu_code(8.0, 4))  # multiples of 8 / 2^4, up to 7.5
    tensor([0.0000, 2.5000, 7.5000])
    """
    traced = torch.compiler.is_compiling() or torch.jit.is_tracing()
    if traced or x.dtype not in (torch.float32, torch.float64) or x.device.type not in ("cpu", "cuda") or p.K > UNROLLED:
        return _plain(x, p)
    if x.is_cuda:
        return _fused()(x, _on_device(p, x.device, x.dtype))
    x = x.detach() if x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last) else x.detach().contiguous()
    y = x if inplace else torch.empty_like(x)
    numbers = [a.as_strided((a.numel(),), (1,)).numpy() for a in ((x,) if inplace else (x, y))]  # in the order of memory, whichever it is
    decode(numbers[0], numbers[-1], p.T, p.h, p.d, p.strict, torch.get_num_threads())
    return y


def from_shifted(T: Sequence[float], h: Sequence[float], d: Sequence[float], strict: bool = True) -> FSParams:
    """Import parameters of the shifted convention: subtract first, then fire.

    There the spike of step t - 1 is taken off with h[t] at the start of step t, and h[0] is never used: here each reset stands one place
    earlier. The published fitting scripts and LAS (arXiv 2505.09659) have this convention.
    """
    h = [float(a) for a in h]
    return FSParams(T=tuple(T), h=(*h[1:], 0.0) if h else (), d=tuple(d), strict=strict)


def relu_code(alpha: float, K: int, strict: bool = False, nearest: bool = False) -> FSParams:
    r"""Binary code for ReLU: :math:`T(t) = h(t) = d(t) = \alpha 2^{-t}`, t = 1..K.

    It rounds x in [0, alpha) down to a multiple of the grid step :math:`\alpha 2^{-K}`, gives 0 below and
    :math:`\alpha(1 - 2^{-K})` above. With ``strict`` (as published, where alpha = 25 and K = 10) a number that lies on the grid is sent
    one grid step too low. With ``nearest`` it rounds to the nearest multiple.

    Raises `ValueError` if K is no whole number from 1 on, or alpha not a positive finite number.
    """
    check_whole("K", K)
    if not (math.isfinite(alpha) and alpha > 0):
        raise ValueError(f"alpha is {alpha}: the largest value of the code must be a positive finite number")
    code = tuple(alpha * 2.0 ** -(t + 1) for t in range(K))
    lower = code[-1] / 2 if nearest else 0.0
    return FSParams(T=tuple(c - lower for c in code), h=code, d=code, strict=strict)


def relu6_code(K: int) -> FSParams:
    r"""Code for ReLU6, which is constant above 6.

    It rounds to the nearest multiple of :math:`6 \cdot 2^{-(K-1)}`, as a binary code up to 12 does, but its first step, which fires for
    all inputs that round to 6, silences the neuron: a saturated neuron sends one spike, not K. K is 1 or more.
    """
    p = relu_code(12.0, K, nearest=True)
    return replace(p, h=(SILENCE, *p.h[1:]))


SILENCE = 1e30  # a reset after which no threshold is reached any more


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

    As long as its spikes so far are the same, v(t) is x minus a constant, and floating-point subtraction is monotone: all inputs with the
    same spike pattern form one interval. So bisection over the floating-point numbers finds each border exactly, and every statistic
    (spikes per neuron, per step, output levels) is a sum over pieces, without sampling.

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
