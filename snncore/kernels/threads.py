"""Share the samples of a batch among threads; the compiled loops run without Python's lock."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def in_parts(f: Callable[[int, int, int], None], samples: int, threads: int) -> None:
    """Call f(part, first, last) for at most ``threads`` equal parts of the samples, each on a thread of its own."""
    threads = max(1, min(threads, samples))
    edges = [samples * i // threads for i in range(threads + 1)]
    parts = [(k, first, last) for k, (first, last) in enumerate(itertools.pairwise(edges))]
    if threads == 1:
        f(*parts[0])
    else:
        list(_pool(threads).map(lambda part: f(*part), parts))
