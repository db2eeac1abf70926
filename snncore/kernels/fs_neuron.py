"""The few-spike neuron for many numbers at once, compiled: bitwise the plain step, at about the speed of memory.

Codes of ReLU and ReLU6 round to a grid, which needs no loop over steps. For all others straight-line code is generated for each number of
steps K, since compilers do not unroll the loop over steps and then vectorize the one over elements. A step waits for the step before it; so
several chains, far apart in the array, run interleaved. Parameters are arguments: a network whose layers all differ needs a single
compilation.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import carray, cfunc, from_dtype, njit, types
from numba.extending import intrinsic

from snncore.kernels import pieces
from snncore.kernels.threads import in_parts, openmp
from snncore.kernels.vectors import has_tables

CHAINS = 6 if has_tables() else 3  # interleaved; more would not fit the registers
RUN = 64  # elements of a chain in one block: all chains fit the first-level cache
BLOCK = CHAINS * RUN
PARALLEL_FROM = 1 << 15  # elements that are worth more than one thread


@intrinsic
def _wide(typing_context):
    """Lets the function that calls it use 512-bit vectors: LLVM avoids them on some processors, where these loops gain by half."""

    def generate(context, builder, signature, arguments):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # llvmlite's own method knows no attributes with a value
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def _choose(typing_context, condition, yes, no):
    """``yes if condition else no`` without a branch: numba's compile time grows faster than the number of branches."""

    def generate(context, builder, signature, arguments):
        return builder.select(*arguments)

    return yes(types.boolean, yes, yes), generate


def _source(name: str, K: int, strict: bool, y: str) -> str:
    """Python code of the kernel from array x to array ``y``; each line stands for one instruction per chain."""
    sign = ">" if strict else ">="

    def body(chains: range) -> list[str]:
        lines = [line for c in chains for line in (f"v{c} = x{c}[i]", f"s{c} = zero")]
        for t in range(K):
            lines += [f"z{c} = v{c} {sign} T{t}" for c in chains]
            lines += [f"number{c} = v{c} == v{c}" for c in chains] * (t == 0)
            lines += [f"v{c} = choose(z{c}, v{c} + h{t}, v{c})" for c in chains] * (t < K - 1)
            lines += [f"s{c} = choose(z{c}, s{c} + d{t}, s{c})" for c in chains]
        return lines + [f"{y}{c}[i] = choose(number{c}, s{c}, v{c})" for c in chains]

    def indented(lines: list[str], depth: int) -> str:
        return "\n".join("    " * depth + line for line in lines)

    read = [f"{name}{t} = parameters[{i * K + t}]" for i, name in enumerate("Thd") for t in range(K)]
    slices = [f"{a}{c} = {a}[b + {c * RUN}:b + {(c + 1) * RUN}]" for c in range(CHAINS) for a in dict.fromkeys(("x", y))]
    return f"""
def {name}(x, y, parameters):
    wide()
{indented(read, 1)}
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
def _compiled(K: int, strict: bool, y: str, dtype: np.dtype):
    """The kernel for numbers of one type. Numba keeps it on disk for this file, by its name: processes that keep others never meet."""
    name = f"few_spike_{K}_{'above' if strict else 'from'}_to_{y}_{dtype.name}"
    namespace: dict = {"__name__": __name__, "wide": _wide, "choose": _choose}
    lines = "\n" * (_source.__code__.co_firstlineno - 2)  # numba reads what this file has at its place: something that is Python
    exec(compile(lines + _source(name, K, strict, y), __file__, "exec"), namespace)
    return njit(cache=True, nogil=True)(namespace[name])


class Rounding(NamedTuple):
    """What a code for ReLU does: x becomes the multiple q of ``step`` with (q - shift) step <= x < (q + 1 - shift) step, in 0..top.

    Where the first spike silences the neuron, it does so up to x = ``silence``; beyond, all steps fire, which makes ``beyond``.
    """

    step: float
    shift: float
    top: float
    silence: float = math.inf
    beyond: float = math.inf


def as_rounding(T: tuple[float, ...], h: tuple[float, ...], d: tuple[float, ...], strict: bool, digits: int) -> Rounding | None:
    """The grid to which a neuron rounds, if its parameters are such a code and all its sums are exact in so many binary digits.

    They are if multiples of half a step fit: then every difference v - h is one of two numbers within a factor of two (Sterbenz), or
    the neuron is beyond its range and fires in all remaining steps.
    """
    n, step = len(T), d[-1]
    saturates = n > 1 and d[0] == 2 * d[1] and h[0] > math.ldexp(d[0], digits)
    bits = n - saturates
    code = tuple(math.ldexp(step, bits - 1 - t) for t in range(bits))
    lower = code[-1] - T[-1]
    numerator = step.as_integer_ratio()[0]
    exact = step > 0 and (numerator // (numerator & -numerator)).bit_length() + n + 1 <= digits
    if not (exact and 1e-25 < code[0] < 1e25 and bits <= 16 and lower in (0.0, step / 2)):
        return None
    if d[-bits:] != code or h[-bits:-1] != code[:-1] or T[-bits:] != tuple(c - lower for c in code):
        return None
    top = math.ldexp(step, bits)
    if not saturates:
        return Rounding(step, lower / step, top - step)
    return Rounding(step, 0.5, top, h[0], 2 * top - step) if lower and d[0] == top and T[0] == top - lower else None


@cache
def _rounding(strict: bool, inplace: bool):
    """Loop that rounds; in place it names a single array, or the compiler fears that two overlap."""

    def kernel(x, y, parameters):
        _wide()
        step, inverse, offset, magic, up, top, silence, beyond = parameters
        zero = x.dtype.type(0)
        for i in range(x.size):
            b = x[i]
            a = (b * inverse + offset + magic - magic) * step  # the multiple below, or the one below that
            border = a + up
            above = b > border if strict else b >= border
            a = a + step if above else a
            a = top if a > top else a
            a = zero if a < zero else a
            a = beyond if b > silence else a
            if inplace:
                x[i] = a
            else:
                y[i] = a

    return njit(nogil=True)(kernel)


@intrinsic
def _pointer(typing_context, address, to):
    """The integer ``address`` as a pointer to numbers of a type."""
    kind = types.CPointer(to.instance_type)

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(kind))

    return kind(address, to), generate


@cache
def _shared(kernel: Callable, dtype: np.dtype) -> Any:
    """The kernel as a C function that each thread of OpenMP calls for its part: to enter Python would cost more than many a layer.

    It gets the addresses of x, y and the parameters, and how many numbers these are.
    """
    library = openmp()
    assert library
    number, thread, threads = from_dtype(dtype), library.thread, library.threads

    def part(job):
        x, y, parameters, size, count = carray(job, 5, np.int64)
        first, last = size * thread() // threads(), size * (thread() + 1) // threads()
        of_x, of_y = carray(_pointer(x, number), size)[first:last], carray(_pointer(y, number), size)[first:last]
        kernel(of_x, of_y, carray(_pointer(parameters, number), count))

    return cfunc(types.void(types.voidptr))(part)


def _in_one(T: Sequence[float], h: Sequence[float], d: Sequence[float], dtype: np.dtype) -> np.ndarray:
    """Parameters of the steps; v + (-h) is bitwise v - h."""
    return np.concatenate([np.array(T, dtype), -np.array(h, dtype), np.array(d, dtype)])


def _pieces(T: tuple[float, ...], h: tuple[float, ...], d: tuple[float, ...], strict: bool, dtype: np.dtype) -> np.ndarray | None:
    """Table of the pieces of these neurons, unless there are too many."""
    kernel = _compiled(len(T), strict, "y", dtype)

    def decoded(x: np.ndarray, d: Sequence[float]) -> np.ndarray:
        y = np.empty_like(x)
        kernel(x, y, _in_one(T, h, d, dtype))
        return y

    if len(T) > np.finfo(dtype).nmant:  # each spike is a bit of the number that stands for all
        return None
    found = pieces.borders(lambda x: decoded(x, [2.0**t for t in range(len(T))]))
    return None if found is None else pieces.tables(found, decoded(np.concatenate([[-np.inf], found]).astype(dtype), d))


@lru_cache(maxsize=1024)
def _kernel(
    T: tuple[float, ...], h: tuple[float, ...], d: tuple[float, ...], strict: bool, dtype: np.dtype, inplace: bool
) -> tuple[Callable, np.ndarray]:
    """The loop for these neurons, and its parameters in one array."""
    digits = np.finfo(dtype).nmant + 1
    grid = as_rounding(T, h, d, strict, digits)
    if not grid:
        if dtype == np.float32 and len(T) >= pieces.WORTH_FROM and has_tables() and (table := _pieces(T, h, d, strict, dtype)) is not None:
            return pieces.search, table
        return _compiled(len(T), strict, "x" if inplace else "y", dtype), _in_one(T, h, d, dtype)
    offset, magic = grid.shift - 0.5 - 2.0**-5, 1.5 * 2.0 ** (digits - 1)
    numbers = (grid.step, 1 / grid.step, offset, magic, (1 - grid.shift) * grid.step, *grid[2:])
    return _rounding(strict, inplace), np.array(numbers, dtype)


def decode(
    x: np.ndarray, y: np.ndarray, T: Sequence[float], h: Sequence[float], d: Sequence[float], strict: bool, threads: int = 1
) -> None:
    """Write what the neuron sends for each number of x into y, both of shape (n,), float32 or float64; NaN stay NaN. y may be x."""
    kernel, parameters = _kernel(tuple(T), tuple(h), tuple(d), strict, x.dtype, y is x)
    if threads == 1 or x.size < PARALLEL_FROM:
        kernel(x, y, parameters)
    elif library := openmp():
        job = np.array([x.ctypes.data, y.ctypes.data, parameters.ctypes.data, x.size, parameters.size])
        library.parallel(_shared(kernel, x.dtype).address, job.ctypes.data, threads, 0)
    else:
        in_parts(lambda _, first, last: kernel(x[first:last], y[first:last], parameters), x.size, threads)


@njit(cache=True, nogil=True)
def _read(code, y, counts):
    for image in range(len(code)):
        for i in range(code.shape[1]):
            c = code[image, i]
            if c == c:
                counts[image, int(c)] += 1
                code[image, i] = y[int(c)]


def read_codes(code: np.ndarray, y: np.ndarray, threads: int = 1) -> np.ndarray:
    """Replace each number c of ``code``, shape (image, neuron), by y[c], and count them, shape (image, c). NaN stay NaN, uncounted."""
    counts = np.zeros((len(code), len(y)), np.int64)
    in_parts(lambda _, first, last: _read(code[first:last], y, counts[first:last]), len(code), threads)
    return counts
