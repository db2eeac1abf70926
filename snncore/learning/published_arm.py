r"""The published networks of Ortner et al. 2025, which learn a movement of a robot arm in one update: an exact anchor.

The learner has 250 LIF neurons (threshold 0.6). The learning-signal generator has 560 LIF neurons and 240 adaptive ones, whose threshold
each spike raises for 600 steps, and from whose potential a spike takes off the threshold in force, which it has already raised:

.. math::

    a(t) &= \rho\, a(t-1) + z(t-1), \qquad \theta(t) = v_\text{th} + \beta\, a(t), \\
    v(t) &= \alpha\, v(t-1) + I(t) - \theta(t)\, z(t-1), \qquad z(t) = \Theta(v(t) - \theta(t)) \quad\text{unless refractory}

All compute in double precision here, where the order of sums does not matter.

Source: T. Ortner et al., Nature Communications 16 (2025); github.com/IGITUGraz/RapidLearningInMemoryComputing, commit cc689bd,
``online_learning_robot`` (Apache-2.0).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from snncore.datafiles import arrays
from snncore.filters import low_pass
from snncore.learning.one_shot import Lesson, updated
from snncore.networks.recurrent import Activity, Population, Weights, run_network, stepwise
from snncore.neurons import ALIFParams, LIFParams, ReadoutParams
from snncore.neurons.alif import ALIFState
from snncore.neurons.lif import fire
from snncore.neurons.model import at_rest, register
from snncore.tasks import scorbot

ETA = 1e-4  # of the update
REFRACTORY = 4  # steps after a spike without another
LEARNER = LIFParams(20.0, 0.6, n_refractory=REFRACTORY)
READOUT = ReadoutParams(20.0)


@dataclass(frozen=True)
class RaisedParams(ALIFParams):
    """Constants of adaptive neurons whose reset takes off the raised threshold."""


def raised_step(current: Float[Tensor, "batch neuron"], state: ALIFState, p: RaisedParams) -> tuple[Tensor, ALIFState]:
    """One time step: spikes, next state."""
    z, v, b, r = state
    theta = p.v_th + p.beta * b
    v = p.alpha * v + current - theta * z.detach()
    z, r = fire((v - theta) / p.v_th, r, p.dampening, p.n_refractory)
    return z, ALIFState(z, v, p.rho * b + z, r)


register(RaisedParams, at_rest(ALIFState), raised_step)
LSG = [
    Population(560, LIFParams(20.0, 1.3, n_refractory=REFRACTORY)),
    Population(240, RaisedParams(20.0, 600.0, 1.6, 1.3, n_refractory=REFRACTORY)),
]


class Networks(NamedTuple):
    """Weights before the update."""

    learner: Weights
    lsg: Weights


def published() -> Networks:
    """Both networks with the weights that their authors published; no neuron is connected to itself."""
    w = {name: torch.from_numpy(a.T.astype(np.float64)).contiguous() for name, a in arrays("ortner2025", "ortner2025_arm").items()}
    for who in ("trainee", "lsg"):
        w[f"W_rec_{who}"].fill_diagonal_(0)
    return Networks(*(Weights(*(w[f"W_{kind}_{who}"] for kind in ("in", "rec", "out"))) for who in ("trainee", "lsg")))


def trial(weights: Weights) -> Activity:
    """The learner with the clock; of weights, there is one set or one for each movement."""
    batch = len(weights.w_in) if weights.w_in.ndim == 3 else 1
    return run_network(scorbot.clock().expand(-1, batch, -1), weights, [Population(250, LEARNER)], READOUT, potentials=True)


def output(activity: Activity) -> Float[Tensor, "time batch readout"]:
    """Readouts in which a spike counts its weight at first: speeds of the joints [rad/s], or learning signals."""
    return activity.y / (1 - READOUT.kappa)


def changed(learner: Weights, before: Activity, signal: Float[Tensor, "time batch neuron"], unit: float = 0.0) -> Weights:
    """The learner's weights after one update by each movement's learning signals; changes are multiples of ``unit``, if it is above 0."""
    new = updated(learner, scorbot.clock().to(signal.dtype), before, signal, LEARNER, ETA)
    if not unit:
        return new
    return Weights(*(w + ((after - w) / unit).round() * unit for w, after in zip(learner, new, strict=True)))


@torch.no_grad()
def lesson(nets: Networks, tip: Float[Tensor, "time batch 3"]) -> Lesson:
    """Show each path once, update once by the signals of the generator, and try again. Raises `ValueError` for a path of other length.

    >>> from snncore.networks.recurrent import RecurrentNetwork
    >>> paths, g = scorbot.draw(2, np.random.default_rng(0)).tip, torch.Generator().manual_seed(0)
    >>> clock, code = scorbot.clock().shape[-1], scorbot.code(paths).shape[-1]  # inputs
    >>> sizes = (clock, [Population(250, LEARNER)], 2), (clock + code, LSG, 250)
    >>> fresh = Networks(*(RecurrentNetwork(*s, READOUT, g).double().weights() for s in sizes))  # those of the authors: published()
    >>> tuple(output(lesson(fresh, paths).after).shape)
    (249, 2, 2)
    """
    if tip.ndim != 3 or len(tip) != scorbot.STEPS or tip.shape[2] != 3:
        raise ValueError(f"tip has shape {tuple(tip.shape)}: ({scorbot.STEPS}, batch, 3) is expected, (time, batch, coordinate)")
    before = trial(nets.learner)
    seen = torch.cat([scorbot.clock().expand(-1, tip.shape[1], -1), scorbot.code(tip)], -1)
    lsg = run_network(seen, nets.lsg, LSG, READOUT)
    weights = changed(nets.learner, before, output(lsg))
    return Lesson(before, lsg, output(lsg), weights, trial(weights))


@torch.no_grad()
def on_device(learner: Weights, signal: Float[Tensor, "time batch neuron"], g: torch.Generator, unit: float = 0.0) -> Activity:
    """The trial after the update if the learner's weights are conductances of phase-change memory, with the noise of the authors' code.

    All are programmed and drift before the first trial, and those that the update changes once more after it; each step reads them anew.
    As in that code, what exceeds 1 is taken off twice before the first trial (176 weights): without that, noise would cost less.
    """

    def noisy(w: Tensor, sd: Tensor) -> Tensor:  # noise changes no sign
        moved = (w + sd * torch.randn(w.shape, generator=g)).clamp(-1, 1)
        return moved.where(moved * w > 0, 0.0)

    def drifted(w: Tensor) -> Tensor:  # after 32 s
        log = w.abs().log()
        nu = (0.0244 - 0.0155 * log).clamp(0.049, 0.1) + (-0.0059 - 0.0125 * log).clamp(0.008, 0.045) * torch.randn(w.shape, generator=g)
        return (w * 32 ** -nu.abs()).clamp(-1, 1)

    def read(w: Tensor) -> Tensor:  # for 250 ns; 25 µS are a weight of 1, and a synapse two devices
        return noisy(w, w.abs() * (0.0088 / (25 * w.abs()) ** 0.65).clamp(max=0.2) * math.sqrt(math.log(1 + 32 / 2.5e-7) / 2))

    def noisy_trial(w: Weights) -> Activity:  # only those synapses are read that a spike reaches
        unread, batch = w._replace(w_rec=torch.zeros_like(w.w_rec[0]), w_out=w.w_out[0, :0]), len(w.w_in)
        step, state = stepwise(unread, [Population(250, LEARNER)], READOUT, w.w_in[:, 0], potentials=True)
        steps = []
        for fires in scorbot.clock()[:, 0].bool():
            row, pre = state[0].nonzero(as_tuple=True)
            current = read(w.w_in[..., fires]).sum(-1).index_add_(0, row, read(w.w_rec[row, :, pre]))
            activity, state = step(current, state)
            steps.append(activity)
        z, v, _ = map(torch.stack, zip(*steps, strict=True))
        t, row, pre = z.nonzero(as_tuple=True)
        sent = z.new_zeros(len(z), batch, 2).index_put_((t, row), read(w.w_out[row, :, pre]), accumulate=True)
        return Activity(z, v, low_pass(sent, READOUT.kappa, 1 - READOUT.kappa))

    first = [w.expand(signal.shape[1], -1, -1).float() for w in learner]
    start = Weights(*((w.clamp(-1, 1) + 0.02 * torch.rand(w.shape, generator=g) - 0.01 + drifted(w) - w).clamp(-1, 1) for w in first))
    start.w_rec.diagonal(dim1=1, dim2=2).zero_()
    written = []
    for w, new in zip(start, changed(start, noisy_trial(start), signal.float(), unit), strict=True):
        sd = (0.2635 + 1.965 * new.abs() - 1.1731 * new.square()).clamp(min=0) / 25
        written.append((new.clamp(-1, 1) + noisy(new, sd) + drifted(new) - 2 * new).clamp(-1, 1).where(new != w, w))
    return noisy_trial(Weights(*written))


class Golden(NamedTuple):
    """Two movements in the authors' code: paths [m], spikes, learning signals, and outputs [rad/s] after the update."""

    tip: Float[Tensor, "time batch 3"]
    before: Bool[Tensor, "time 1 neuron"]
    lsg: Bool[Tensor, "time batch neuron"]
    after: Bool[Tensor, "time batch neuron"]
    signal: Float[Tensor, "time batch neuron"]
    output: Float[Tensor, "time batch 2"]


def golden() -> Golden:
    """The run that every spike of `lesson` should equal."""
    g = arrays("ortner2025", "golden")
    spikes = [np.unpackbits(g[f"z_{name}"], -1, count=n).astype(bool) for name, n in (("before", 250), ("teacher", 800), ("after", 250))]
    parts = g["tip"], *spikes, g["learning_signal"], g["y_after"]
    return Golden(*(torch.from_numpy(np.ascontiguousarray(a.swapaxes(0, 1))) for a in parts))
