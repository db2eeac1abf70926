"""Share the samples of a batch among threads; the compiled loops run without Python's lock."""

import ctypes
import importlib.util
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


@cache
def _openmp() -> Callable | None:
    """``GOMP_parallel`` of the OpenMP library that PyTorch brings, where it is GNU's.

    After each of PyTorch's operations its threads keep their cores busy for a while, waiting for the next one: they may as well work.
    """
    torch = importlib.util.find_spec("torch")
    libraries = sorted(Path(torch.origin).parent.glob("lib/libgomp*.so*")) if torch and torch.origin else []
    try:
        parallel = ctypes.CDLL(str(libraries[0])).GOMP_parallel
    except (IndexError, OSError, AttributeError):
        return None
    parallel.argtypes, parallel.restype = (_CALLBACK, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint), None
    return parallel


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
    openmp, waiting, errors = _openmp(), iter(parts), []

    def work(_: object = None) -> None:
        try:
            for part in waiting:
                f(*part)
        except BaseException as error:  # it would be lost in a thread that is not Python's
            errors.append(error)

    if openmp:
        openmp(_CALLBACK(work), None, threads, 0)  # as many threads as PyTorch has, or the library would make others
    else:
        list(_pool(threads).map(lambda _: work(), range(threads)))
    if errors:
        raise errors[0]
