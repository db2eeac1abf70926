r"""Movements of a planar arm with two joints: what it has to copy, and how a movement is shown to a network.

.. math::

    \varphi(t) = \varphi(0) + \mathrm{d}t \sum_{t' \le t} \omega(t'), \qquad
    (x, y) = \ell \bigl(\cos\varphi_1 + \cos(\varphi_1 + \varphi_2),\ \sin\varphi_1 + \sin(\varphi_1 + \varphi_2)\bigr)

with links of length :math:`\ell = 1/2` and :math:`\varphi(0) = (0, \pi/2)`. Movements are sums of five sines for each joint's angular
velocity, scaled so that no angle leaves :math:`\varphi(0) \pm \pi/2`.

Source: the family of movements of G. Bellec, F. Scherr et al., branch eprop2 of github.com/IGITUGraz/eligibility_propagation (2019).
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from snncore.shapes import described

LINK = 0.5
START = (0.0, math.pi / 2)  # angles of the joints [rad]
RANGE = math.pi / 2  # how far a joint can turn to each side of its start
FASTEST = 60.0  # fastest turn of a joint [rad/s]: one of 20,000 movements of the family is faster


class Movements(NamedTuple):
    """Positions of the tip (x, y), arm length 1, and angular velocities of the joints [rad/s]."""

    tip: Float[Tensor, "time batch 2"]
    omega: Float[Tensor, "time batch 2"]

    def first(self, n: int) -> "Movements":
        """The first n movements."""
        return Movements(self.tip[:, :n], self.omega[:, :n])

    def repeat(self, n: int) -> "Movements":
        """All movements n times, one after the other."""
        return Movements(self.tip.repeat(1, n, 1), self.omega.repeat(1, n, 1))


def joined(batches: Sequence[Movements]) -> Movements:
    """Several batches as one."""
    return Movements(*(torch.cat(parts, 1) for parts in zip(*batches, strict=True)))


def explained(error: Float[Tensor, " batch"], m: Movements) -> Float[Tensor, " batch"]:
    """Share of each path's own variance in time, mean over x and y, that is not error; negative if a still arm would be better."""
    return 1 - error / m.tip.var(0, correction=0).mean(-1)


def tip_of(phi: Float[Tensor, "*shape 2"]) -> Float[Tensor, "*shape 2"]:
    """Where the tip is at angles phi [rad]."""
    first, second = phi[..., 0], phi.sum(-1)
    return LINK * torch.stack([first.cos() + second.cos(), first.sin() + second.sin()], -1)


def move(omega: Float[Tensor, "time batch 2"], dt: float) -> Float[Tensor, "time batch 2"]:
    """Where the tip goes if the joints turn by omega [rad/s], with steps of dt [ms]."""
    return tip_of(omega.new_tensor(START) + omega.cumsum(0) * dt / 1000)


def draw(batch: int, steps: int, dt: float, generator: torch.Generator, small: float = 0.0) -> Movements:
    """New movements of the family, with steps of dt [ms]; a part ``small`` of them scaled down: turns and velocities times 0 to 1."""
    turns = torch.linspace(0, 2 * math.pi, steps)[:, None, None, None]
    period = 0.3 + 0.7 * torch.rand(batch, 2, 5, generator=generator, dtype=torch.float32)
    sines = torch.sin(turns / period + 2 * math.pi * torch.rand(batch, 2, 5, generator=generator, dtype=torch.float32))
    first = 30 * torch.rand(batch, 5, generator=generator, dtype=torch.float32) * sines[:, :, 0]
    second = 20 * sines[:, :, 1] / (sines[:, :, 1].amax(0) - sines[:, :, 1].amin(0))
    omega = torch.stack([first.sum(-1), second.sum(-1)], -1)
    farthest = (omega.cumsum(0) * dt / 1000).abs().amax(0)
    omega = omega * (RANGE / farthest).clamp(max=1)
    if small:
        omega = omega * (torch.rand(batch, 1, generator=generator, dtype=torch.float32) / small).clamp(max=1)
    return Movements(move(omega, dt), omega)


def follow(path: Float[Tensor, "time batch 2"], dt: float) -> Movements:
    """The movement that brings the tip along a path of points (x, y), elbow bent to the left, by inverse kinematics; steps of dt [ms].

    Raises `ValueError` if the path is no tensor of floats of this shape, has fewer than 3 steps, or has a point that is not finite, out of
    reach, or needs a joint to turn farther or faster than it can.
    """
    if not (
        isinstance(path, Tensor) and path.is_floating_point() and path.ndim == 3 and path.shape[2] == 2 and path.shape[1] and len(path) > 2
    ):
        raise ValueError(
            f"the path is {described(path)}: give a tensor of floats, (time, batch, 2), of at least 3 steps; of a list of points (x, y), "
            "torch.tensor(points).float()[:, None]"
        )
    _refuse(~path.isfinite().all(-1), "is not finite: remove such points, or fill the gaps")
    distance = path.norm(dim=-1)
    _refuse(distance > 2 * LINK, f"is out of reach: the arm ends {2 * LINK} from the shoulder, (0, 0); shrink the path")
    second = torch.acos((distance**2 / (2 * LINK**2) - 1).clamp(-1, 1))
    first = torch.atan2(path[..., 1], path[..., 0]) - second / 2
    phi = torch.stack([first, second], -1)
    turned = phi - phi.new_tensor(START)
    limit = RANGE + 2 * torch.finfo(path.dtype).eps ** 0.5  # as uncertain is the arc cosine of a stretched arm
    _refuse((turned.abs() > limit).any(-1), f"needs a joint to turn by more than {RANGE:.2f} rad from its start: move or shrink the path")
    omega = torch.cat([turned[:1], turned.diff(dim=0)]) / (dt / 1000)
    _refuse(
        (omega.abs() > FASTEST).any(-1),
        f"needs a joint to turn faster than {FASTEST:.0f} rad/s: begin where the arm starts, (0.5, 0.5), slow the path down, and keep away "
        "from the shoulder, (0, 0)",
    )
    return Movements(path, omega)


def resampled(path: Any, steps: int) -> Float[Tensor, "time 2"]:
    """Points at equal distances along a polyline of points (x, y), which is moved to begin where the arm starts, at (0.5, 0.5).

    Raises `ValueError` if the path is no list of finite points, or has no length.

    >>> resampled([(0, 0), (0.2, 0), (0.2, 0.2)], 5)
    tensor([[0.5000, 0.5000],
            [0.6000, 0.5000],
            [0.7000, 0.5000],
            [0.7000, 0.6000],
            [0.7000, 0.7000]])
    """
    try:
        points = np.asarray(path, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError("the path is no list of points: give pairs of numbers, (x, y)") from error
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f"the path is {described(points)}, or has numbers that are not finite: give a list of points (x, y)")
    along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    if not along[-1] > 0:
        raise ValueError(f"the path has no length: give at least two points, not {len(points)} at one place")
    at = np.linspace(0, along[-1], steps)
    moved = np.stack([np.interp(at, along, x) for x in (points - points[0]).T], -1)
    return tip_of(torch.tensor(START)) + torch.from_numpy(moved).float()


def _refuse(wrong: Bool[Tensor, "time batch"], why: str) -> None:
    """Raise a ValueError that names the first wrong point, if there is one."""
    if wrong.any():
        step, number = wrong.nonzero()[0].tolist()
        raise ValueError(f"step {step} of path {number} {why}")


def drawn(steps: int, dt: float) -> dict[str, Movements]:
    """Paths outside of the family that begin where the arm starts: a circle, an eight, a letter S, and a spiral."""
    s = torch.linspace(0, 1, steps)
    turn, start = 2 * math.pi * s, tip_of(torch.tensor(START))
    curves = {
        "circle": (0.2 * (turn.cos() - 1), 0.2 * turn.sin()),
        "eight": (0.25 * turn.sin(), 0.15 * (2 * turn).sin()),
        "letter S": (-0.15 * (1.5 * turn).sin(), -0.5 * s),
        "spiral": (0.2 * s * (2 * turn).cos(), 0.2 * s * (2 * turn).sin()),
    }
    return {name: follow((start + torch.stack(curve, -1))[:, None], dt) for name, curve in curves.items()}


class Code(NamedTuple):
    """Population code of a position: the rates of neurons are bells over -1.1 to 1.1."""

    neurons: int = 32  #: for x and for y each
    sigma: float = 0.125  #: width of a bell
    highest: float = 200.0  #: rate at the center of a bell [Hz]

    def spikes(self, tip: Float[Tensor, "time batch 2"], dt: float) -> Float[Tensor, "time batch input"]:
        """Spikes of the neurons for x, then of those for y, as regular as perfect integrators fire; steps of dt [ms].

        A neuron fires when the integral of its rate reaches the next whole number. It starts from a fraction of its own, so that
        neighbors do not fire together. The source draws spikes at these rates instead.
        """
        k = torch.arange(2 * self.neurons, device=tip.device)
        centers = torch.linspace(-1.1, 1.1, self.neurons, device=tip.device)
        rates = self.highest * dt / 1000 * torch.exp(-((tip[..., None] - centers) ** 2) / (2 * self.sigma**2))
        start = (k * (math.sqrt(5) - 1) / 2 % 1).expand(1, tip.shape[1], -1)
        return torch.cat([start, start + rates.flatten(-2).cumsum(0)]).floor().diff(dim=0)


def clock(steps: int, dt: float) -> Float[Tensor, "time 1 input"]:
    """Spikes that tell the time in a trial: in each of five phases, two inputs of its own fire once every 10 ms."""
    t, phase = torch.arange(steps)[:, None], torch.arange(5).repeat_interleave(2)
    length, every = steps // 5, max(1, round(10 / dt))
    return ((t // length == phase) & (t % length % every == 0)).float()[:, None]
