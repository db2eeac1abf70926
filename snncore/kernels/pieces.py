"""A few-spike neuron looked up: it is constant between borders, of which 7 comparisons find the piece of a number, if there are up to 128.

The borders are exact: numbers of 32 bits in their order, halved where spikes differ until two are neighbors. All of them, and the outputs,
are in registers as tables (AVX-512), so that the steps of the neuron need not be gone through.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from snncore.kernels.vectors import LANES, WIDE, at, choose, load, load_wide, look_up, marked, store, will_read, will_write

LEVELS = 7
AHEAD = 512  # numbers that are asked for early
WORTH_FROM = 11  # steps; fewer take less than the comparisons


def _number(order: np.ndarray) -> np.ndarray:
    """The number of 32 bits at a place in their order, of which those from 0 on are positive."""
    return np.where(order < 0, -1 - order | 0x80000000, order).astype(np.uint32).view(np.float32)


def borders(spikes: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
    """First numbers of all pieces but the lowest, rising; None for more than there is room for. ``spikes`` tells them as one number."""
    infinite = int(np.float32(np.inf).view(np.int32))
    low, high = np.array([-1 - infinite]), np.array([infinite])
    while (high - low > 1).any():
        middle = (low + high) // 2
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        differ = spikes(_number(low)) != spikes(_number(high))
        low, high = low[differ], high[differ]
        if len(low) >= 2**LEVELS:
            return None
    return _number(np.sort(high))


def tables(borders: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Border of each comparison by those before it, the first of which is the lowest bit, and output by all; `LANES` numbers at least."""
    full = np.full(2**LEVELS, np.inf, np.float32)
    full[1 : 1 + len(borders)] = borders
    outputs = np.concatenate([outputs, np.full(len(full) - len(outputs), outputs[-1])]).astype(np.float32)
    levels = []
    for level in range(LEVELS + 1):
        index = np.arange(max(2**level, LANES)) % 2**level
        place = sum(((index >> j & 1) << (LEVELS - 1 - j) for j in range(level)), np.zeros_like(index))
        levels.append(outputs[place] if level == LEVELS else full[place + 2 ** (LEVELS - 1 - level)])
    return np.concatenate(levels)


@njit(cache=True, nogil=True)
def _find(x, y, n, t):
    """Outputs at the first n numbers, which are whole vectors."""
    t0, t1, t2, t3, t4 = t[0], load(t, 16), load(t, 32), load(t, 48), load(t, 64)
    t5, u5, t6, u6, v6, w6 = load(t, 80), load(t, 96), load(t, 112), load(t, 128), load(t, 144), load(t, 160)
    y0, y1, y2, y3, y4, y5, y6, y7 = (
        load(t, 176), load(t, 192), load(t, 208), load(t, 224), load(t, 240), load(t, 256), load(t, 272), load(t, 288)
    )  # fmt: skip
    for i in range(0, n, WIDE):
        for j in range(i + AHEAD, i + AHEAD + WIDE, LANES):
            will_read(x, j)
            will_write(y, j)
        v = load_wide(x, i)
        k = marked(0, v >= t0, 1)
        k = marked(k, v >= look_up(t1, None, k), 2)
        k = marked(k, v >= look_up(t2, None, k), 4)
        k = marked(k, v >= look_up(t3, None, k), 8)
        k = marked(k, v >= look_up(t4, None, k), 16)
        sixth = v >= look_up(t5, u5, k)
        last = v >= choose(sixth, look_up(v6, w6, k), look_up(t6, u6, k))
        low = choose(last, look_up(y4, y5, k), look_up(y0, y1, k))
        high = choose(last, look_up(y6, y7, k), look_up(y2, y3, k))
        store(y, i, choose(v == v, choose(sixth, high, low), v))


@njit(cache=True, nogil=True)
def search(x, y, table):
    """Write the output at each number of x into y, which may be x."""
    whole, rest = x.size // WIDE * WIDE, np.zeros(WIDE, x.dtype)
    _find(at(x, 0), at(y, 0), whole, at(table, 0))
    if whole < x.size:
        rest[: x.size - whole] = x[whole:]
        _find(at(rest, 0), at(rest, 0), WIDE, at(table, 0))
        y[whole:] = rest[: x.size - whole]
