"""Share the samples of a batch among threads; the compiled loops run without Python's lock."""

import ctypes
import importlib.util
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class OpenMP(NamedTuple):
    """Functions of the OpenMP library: to call a C function with a pointer on several threads; and for it, which of how many it is on."""

    parallel: Any
    thread: Any
    threads: Any


@cache
def openmp() -> OpenMP | None:
    """The OpenMP library that PyTorch brings, where it is GNU's.

    After each of PyTorch's operations its threads keep their cores busy for a while, waiting for the next one: they may as well work.
    """
    torch = importlib.util.find_spec("torch")
    libraries = sorted(Path(torch.origin).parent.glob("lib/libgomp*.so*")) if torch and torch.origin else []
    try:
        library = ctypes.CDLL(str(libraries[0]))
        found = OpenMP(library.GOMP_parallel, library.omp_get_thread_num, library.omp_get_num_threads)
    except (IndexError, OSError, AttributeError):
        return None
    found.parallel.argtypes, found.parallel.restype = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint), None
    for about in found[1:]:
        about.argtypes, about.restype = (), ctypes.c_int
    return found


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def in_parts(f: Callable[[int, int, int], None], samples: int, threads: int) -> None:
    """Call f(part, first, last) for at most ``threads`` equal parts of the samples, side by side."""
    count = max(1, min(threads, samples))
    edges = [samples * i // count for i in range(count + 1)]
    parts = [(k, first, last) for k, (first, last) in enumerate(itertools.pairwise(edges))]
    if count == 1:
        f(*parts[0])
        return
    library, waiting, errors = openmp(), iter(parts), []

    def work(_: object = None) -> None:
        try:
            for part in waiting:
                f(*part)
        except BaseException as error:  # it would be lost in a thread that is not Python's
            errors.append(error)

    if library:  # as many threads as PyTorch has, or the library would make others
        library.parallel(_CALLBACK(work), None, threads, 0)  # ctypes.cast would keep f, and the arrays that it uses, in a circle
    else:
        list(_pool(threads).map(lambda _: work(), range(threads)))
    if errors:
        raise errors[0]
