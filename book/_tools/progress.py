"""What a reader sees while chapters run: their cells, the share that is done, and the time that is left.

A terminal shows it in one line that changes; a log has a line when a chapter begins or ends.
"""

import heapq
import sys
import time
from collections.abc import Collection

from tqdm import tqdm


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def say(line: str) -> None:
    """A line of the log, above the bar that a terminal may show."""
    with tqdm.external_write_mode(file=sys.stdout):
        print(line, flush=True)


class Progress:
    """``expected``: seconds of each chapter, in the order in which they begin; ``last``: those that wait for all others."""

    def __init__(self, expected: dict[str, float], lanes: int, last: Collection[str] = ()):
        self.expected, self.lanes, self.last = expected, lanes, last
        self.took: dict[str, float] = {}
        self.begun: dict[str, float] = {}
        self.cells: dict[str, str] = {}
        form = "{desc} |{bar:16}| {n_fmt} %, {postfix}"
        self.bar = tqdm(total=100, bar_format=form, leave=False, disable=None, dynamic_ncols=True)  # on a terminal alone

    def begin(self, name: str) -> None:
        self.begun[name] = time.monotonic()
        say(f"{name}: running, about {duration(self.pace() * self.expected[name])}")

    def end(self, name: str, error: str | None) -> None:
        took = self.took[name] = time.monotonic() - self.begun.pop(name)
        self.cells.pop(name, None)
        said = f"FAILED after {duration(took)}: {error}" if error else f"done in {duration(took)}"
        rest = f" ({self.share()} % of all is done, about {duration(self.left())} left)" if len(self.took) < len(self.expected) else ""
        say(f"{name}: {said}{rest}")

    def skip(self, name: str, why: str) -> None:
        self.expected.pop(name)
        say(f"{name}: skipped, since {why}")

    def show(self) -> None:
        """Bring the line of a terminal up to date."""
        self.bar.n = self.share()
        self.bar.set_postfix_str(f"about {duration(self.left())} left", refresh=False)
        self.bar.set_description_str(", ".join(f"{name} {cell}" for name, cell in sorted(self.cells.items())))

    def pace(self) -> float:
        """Seconds here for an expected one: of chapters that are done, and of those that have run longer than expected."""
        now = time.monotonic()
        seen = self.took | {name: now - begun for name, begun in self.begun.items() if now - begun > self.expected[name]}
        return sum(seen.values()) / sum(self.expected[name] for name in seen) if seen else 1.0

    def remaining(self) -> dict[str, float]:
        """Seconds of each chapter that is not done, as far as this machine has shown: first of those that run."""
        pace, now = self.pace(), time.monotonic()
        names = [*self.begun, *(name for name in self.expected if name not in self.took and name not in self.begun)]
        return {name: max(0.0, pace * self.expected[name] - (now - self.begun.get(name, now))) for name in names}

    def share(self) -> int:
        """Percent of all seconds that are gone."""
        left, now = sum(self.remaining().values()), time.monotonic()
        gone = sum(self.took.values()) + sum(now - begun for begun in self.begun.values())
        return min(99, int(100 * gone / (gone + left))) if gone else 0

    def left(self) -> float:
        """Seconds until all is done: the lane that is free first takes the next chapter."""
        free, remaining = [0.0] * self.lanes, self.remaining()
        for name, seconds in remaining.items():
            if name not in self.last:
                heapq.heapreplace(free, free[0] + seconds)
        return max(free) + sum(remaining.get(name, 0.0) for name in self.last)
