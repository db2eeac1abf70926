"""Accumulate evidence: seven cues left and right, a long delay, then say on which side there were more.

Source: G. Bellec et al., Nature Communications 11, 3625 (2020), figure 3, after a task for mice (A. Morcos and C. Harvey, 2016).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

GROUP = 10  # inputs that mean one thing: a cue on the left, one on the right, recall, nothing (noise)
INPUTS = 4 * GROUP


@dataclass(frozen=True)
class Evidence:
    """A trial: ``pause`` before each cue, then the cue; delay; recall, in which the answer is read. A step is 1 ms.

    Raises `ValueError` if cues are even, there is no cue or recall, a pause or delay is negative, or a probability is outside 0 to 1.
    """

    cues: int = 7  #: odd, so that one side has more
    pause: int = 50  #: [steps]
    cue: int = 100  #: [steps]
    delay: int = 1050  #: [steps]
    recall: int = 150  #: [steps]
    likely: float = 0.7  #: probability of a cue to be on the side that the trial favors
    rate: float = 0.04  #: spikes per step of inputs that mean something now
    noise: float = 0.01  #: spikes per step of the last group at all times

    def __post_init__(self):
        if self.cues % 2 == 0 or min(self.cues, self.cue, self.recall) < 1 or min(self.pause, self.delay) < 0:
            raise ValueError(f"{self}: cues must be odd, cues and recall at least a step long, pause and delay not negative")
        if not all(0 <= p <= 1 for p in (self.likely, self.rate, self.noise)):
            raise ValueError(f"{self}: likely, rate and noise are probabilities")

    @property
    def steps(self) -> int:
        """Of a whole trial."""
        return self.cues * (self.pause + self.cue) + self.delay + self.recall


class Trials(NamedTuple):
    """Input spikes, the side of each cue, and the answer (0: left, 1: right)."""

    x: Float[Tensor, "time batch input"]
    cues: Int[Tensor, "batch cue"]
    answer: Int[Tensor, " batch"]


def draw(form: Evidence, batch: int, generator: torch.Generator) -> Trials:
    """New trials; each favors the left with probability 1/2."""
    favors = torch.rand(batch, 1, generator=generator, dtype=torch.float32) < 0.5
    right = torch.where(favors, form.likely, 1 - form.likely)
    cues = (torch.rand(batch, form.cues, generator=generator, dtype=torch.float32) < right).long()
    p = torch.zeros(form.steps, batch, INPUTS)
    for k in range(form.cues):
        first = k * (form.pause + form.cue) + form.pause
        for side in (0, 1):
            p[first : first + form.cue, cues[:, k] == side, side * GROUP : (side + 1) * GROUP] = form.rate
    p[-form.recall :, :, 2 * GROUP : 3 * GROUP] = form.rate
    p[:, :, 3 * GROUP :] = form.noise
    x = (torch.rand(p.shape, generator=generator, dtype=torch.float32) < p).float()
    return Trials(x, cues, (cues.sum(1) > form.cues // 2).long())
