"""Times of programs that give the same: taken in turns, in one run, and only if the results are equal."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def side_by_side(
    candidates: Mapping[str, Callable[[], object]], repetitions: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Shortest time of each [s], taken in turns, so that a disturbance hits all of them; by processor time with that clock."""
    best = dict.fromkeys(candidates, float("inf"))
    for round_ in range(repetitions + 1):
        for name, candidate in candidates.items():
            start = clock()
            candidate()
            if round_:  # the first round warms up
                best[name] = min(best[name], clock() - start)
    return best


def machine() -> str:
    """Threads of PyTorch and of the compiled loops, and the widest instructions of the processor that both use, in words."""
    import torch  # slow to load

    threads, instructions = torch.get_num_threads(), torch.backends.cpu.get_cpu_capability().replace("AVX512", "AVX-512")
    return f"{threads} thread{'s' * (threads > 1)}, {instructions}"


def refuse_unequal(what: str, ours: Sequence[Any], theirs: Sequence[Any], rtol: float = 0.0, atol: float = 0.0) -> None:
    """Refuse, by a ValueError that names ``what``, to time programs whose tensors are not the same.

    ``rtol`` and ``atol`` say how far two numbers may be apart: relative to the number, and to the largest of its tensor.
    """
    import torch  # slow to load

    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape or not torch.allclose(a, b, rtol=rtol, atol=atol * float(b.detach().abs().max())):
            raise ValueError(f"{what}: the results differ: do not trust their times")
