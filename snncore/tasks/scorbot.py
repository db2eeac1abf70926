r"""Movements of a robot arm in space, base and shoulder, and how they are shown to the networks of Ortner et al. 2025.

With angles :math:`q_0` (base) and :math:`q_1` (shoulder), elbow and wrist straight, lengths in metres:

.. math::

    R = 0.05 + 0.87 \cos q_1, \quad s = -0.033, \qquad
    (x, y, z) = (R \cos q_0 + s \sin q_0,\ s \cos q_0 - R \sin q_0,\ 0.3585 + 0.87 \sin q_1)

Source: T. Ortner et al., Rapid learning with phase-change memory-based in-memory computing through learning-to-learn, Nature
Communications 16 (2025), and its code, github.com/IGITUGraz/RapidLearningInMemoryComputing.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

STEPS = 249  # of a trial; of 1 ms for the neurons
DT = 0.01  # seconds that the arm moves in a step
LIMITS = 130.0, 70.0  # how far base and shoulder turn to each side [degrees]
FASTEST = np.pi  # speed of a joint [rad/s]
WINDOW, WALK = 120, 0.65  # steps of the window that smooths a random walk, and the walk's standard deviation after a second [rad/s]


class Movements(NamedTuple):
    """Movements to learn; where a joint meets its limit, the tip does not follow the speeds."""

    speed: Float[Tensor, "time batch 2"]  #: of base and shoulder [rad/s]
    tip: Float[Tensor, "time batch 3"]  #: where the tip should be [m]
    inside: Bool[Tensor, " batch"]  #: whether no joint meets its limit


def tip_of(q: Float[Tensor, "*shape 2"]) -> Float[Tensor, "*shape 3"]:
    """Where the tip is [m] at angles q [rad]."""
    reach, side, (c, s) = 0.05 + 0.87 * q[..., 1].cos(), -0.033, (q[..., 0].cos(), q[..., 0].sin())
    return torch.stack([reach * c + side * s, side * c - reach * s, 0.3585 + 0.87 * q[..., 1].sin()], -1)


def move(speed: Float[Tensor, "time batch 2"]) -> Float[Tensor, "time batch 3"]:
    """Where the tip goes [m] if the joints turn by these speeds [rad/s], from angles of 0 and without limits."""
    return tip_of(DT * speed.cumsum(0))


def draw(batch: int, generator: np.random.Generator) -> Movements:
    """New movements: a random walk of each joint's speed, smoothed by a Hann window; numbers are rounded to single precision.

    >>> m = draw(3, np.random.default_rng(0))
    >>> tuple(m.tip.shape)
    (249, 3, 3)
    """
    walk = np.cumsum(WALK * np.sqrt(DT) * generator.standard_normal((batch, STEPS, 2)), 1)
    padded = np.concatenate([np.zeros((batch, WINDOW - 1, 2)), walk, walk[:, :-WINDOW:-1]], 1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    parts = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, 1)[:, WINDOW // 2 :][:, :STEPS]
    speed = np.clip(parts @ (window / window.sum()), -FASTEST, FASTEST).astype(np.float32).swapaxes(0, 1)
    angle, limits = DT * np.cumsum(speed, 0, dtype=np.float32), np.deg2rad(LIMITS)
    kept = np.clip(angle, -limits, limits).astype(np.float32)
    inside = np.abs(angle - kept).max((0, 2)) < 1e-5
    return Movements(torch.from_numpy(speed), tip_of(torch.from_numpy(kept)), torch.from_numpy(inside))


def code(tip: Float[Tensor, "time batch 3"]) -> Float[Tensor, "time batch 48"]:
    """Inputs that show a path: each coordinate from -1 to 1 m as 16 bits, lowest first; each bit that is 1 is a spike in that step.

    Coordinates of 1 m or more begin again at -1 m, as in the authors' code.
    """
    level = ((tip.float() + 1) * 2**15).long()
    return ((level[..., None] >> torch.arange(16)) & 1).flatten(-2).to(torch.float64)


def clock() -> Float[Tensor, "249 1 5"]:
    """Inputs that tell the time: one of five fires in every tenth step of its fifth of a trial."""
    t = torch.arange(STEPS)[:, None]
    return ((t // 50 == torch.arange(5)) & (t % 10 == 0)).to(torch.float64)[:, None]


def distance(speed: Float[Tensor, "time #batch 2"], m: Movements) -> Float[Tensor, " batch"]:
    """Mean distance [cm] of the tip from the paths of movements, if the joints turn by these speeds."""
    return 100 * (move(speed) - m.tip).norm(dim=-1).mean(0)
