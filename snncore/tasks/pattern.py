"""Generate a pattern: frozen noise comes in, a sum of four sines has to come out.

Source: G. Bellec et al., Nature Communications 11, 3625 (2020), and the authors' tutorial on pattern generation.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

PERIODS = (1000, 500, 333, 200)  # steps


class Pattern(NamedTuple):
    """Input spikes of one frozen trial, and the target, which begins at 0 and whose largest absolute value is 1."""

    x: Float[Tensor, "time 1 input"]
    target: Float[Tensor, "time 1 1"]


def sines(steps: int, amplitudes: Float[Tensor, " 4"], phases: Float[Tensor, " 4"]) -> Float[Tensor, "time 1 1"]:
    """The target: a sum of sines with whole numbers of periods in the trial; phases in radians."""
    parts = []
    for period, amplitude, phase in zip(PERIODS, amplitudes, phases, strict=True):
        turns = 2 * math.pi * (steps // period) * torch.linspace(0, 1, steps, dtype=amplitude.dtype)
        parts.append(amplitude * torch.sin(phase + turns))
    target = torch.stack(parts).sum(0)
    target = target - target[0]
    return (target / target.abs().max().clamp(min=1e-6))[:, None, None]


def draw(inputs: int, rate: float, generator: torch.Generator) -> Pattern:
    """A new pattern: Poisson spikes, ``rate`` per step and input, and sines of amplitudes .5 to 2."""
    steps = max(PERIODS)
    x = (torch.rand(steps, 1, inputs, generator=generator, dtype=torch.float32) < rate).float()
    amplitudes = 0.5 + 1.5 * torch.rand(4, generator=generator, dtype=torch.float32)
    return Pattern(x, sines(steps, amplitudes, 2 * math.pi * torch.rand(4, generator=generator, dtype=torch.float32)))
