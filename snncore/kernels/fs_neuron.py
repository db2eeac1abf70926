"""The few-spike neuron for many numbers at once, compiled as straight-line code: bitwise the plain step, at about the speed of memory.

The code of each number of steps K is generated, since compilers do not unroll the loop over steps and then vectorize the one over
elements. A step waits for the step before it; so several chains, far apart in the array, run interleaved. Parameters are arguments: a
network whose layers all differ needs a single compilation.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numba import njit

from snncore.kernels.threads import in_parts

CHAINS = 6  # interleaved; more would not fit the registers
RUN = 64  # elements of a chain in one block: all chains fit the first-level cache
BLOCK = CHAINS * RUN
PER_THREAD = 1 << 16  # elements for which another thread is worth its start


def _source(K: int, strict: bool, y: str) -> str:
    """Python code of the kernel from array x to array ``y``; each line stands for one instruction per chain."""
    sign = ">" if strict else ">="

    def body(chains: range) -> list[str]:
        lines = [line for c in chains for line in (f"v{c} = x{c}[i]", f"s{c} = zero")]
        for t in range(K):
            lines += [f"z{c} = v{c} {sign} T{t}" for c in chains]
            lines += [f"number{c} = v{c} == v{c}" for c in chains] * (t == 0)
            lines += [f"v{c} = v{c} + h{t} if z{c} else v{c}" for c in chains] * (t < K - 1)
            lines += [f"s{c} = s{c} + d{t} if z{c} else s{c}" for c in chains]
        return lines + [f"{y}{c}[i] = s{c} if number{c} else v{c}" for c in chains]

    def indented(lines: list[str], depth: int) -> str:
        return "\n".join("    " * depth + line for line in lines)

    names = ", ".join(f"{name}{t}" for name in "Thd" for t in range(K))
    slices = [f"{a}{c} = {a}[b + {c * RUN}:b + {(c + 1) * RUN}]" for c in range(CHAINS) for a in dict.fromkeys(("x", y))]
    return f"""
def kernel(x, y, parameters):
    {names}, = parameters
    zero, n = x.dtype.type(0), x.size
    for b in range(0, n - n % {BLOCK}, {BLOCK}):
{indented(slices, 2)}
        for i in range({RUN}):
{indented(body(range(CHAINS)), 3)}
    x0, {y}0 = x[n - n % {BLOCK}:], {y}[n - n % {BLOCK}:]
    for i in range(n % {BLOCK}):
{indented(body(range(1)), 2)}
"""


@cache
def _compiled(K: int, strict: bool, y: str):
    namespace: dict = {}
    exec(compile(_source(K, strict, y), f"<few-spike kernel, K = {K}>", "exec"), namespace)
    return njit(nogil=True)(namespace["kernel"])


def decode(
    x: np.ndarray, y: np.ndarray, T: Sequence[float], h: Sequence[float], d: Sequence[float], strict: bool, threads: int = 1
) -> None:
    """Write what the neuron sends for each number of x into y, both of shape (n,), float32 or float64; NaN stay NaN. y may be x."""
    type_ = x.dtype.type
    parameters = (*map(type_, T), *(-type_(a) for a in h), *map(type_, d))  # v + (-h) is bitwise v - h
    kernel = _compiled(len(T), strict, "x" if y is x else "y")  # one name for one array, or the compiler fears that they overlap
    in_parts(lambda _, first, last: kernel(x[first:last], y[first:last], parameters), x.size, min(threads, x.size // PER_THREAD))


@njit(cache=True, nogil=True)
def _read(code, y, counts):
    for image in range(len(code)):
        for i in range(code.shape[1]):
            c = code[image, i]
            if c == c:
                counts[image, int(c)] += 1
                code[image, i] = y[int(c)]
            else:
                counts[image, 0] += 1


def read_codes(code: np.ndarray, y: np.ndarray, threads: int = 1) -> np.ndarray:
    """Replace each number c of ``code``, shape (image, neuron), by y[c], and count them, shape (image, c). NaN stay NaN and count as 0."""
    counts = np.zeros((len(code), len(y)), np.int64)
    in_parts(lambda _, first, last: _read(code[first:last], y, counts[first:last]), len(code), threads)
    return counts
