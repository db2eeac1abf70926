r"""One-shot learning: a second network has learned to emit learning signals with which one update of the first one suffices.

.. math::

    L_j(t) = \sum_k W^\text{out,lsg}_{jk} \bar\xi_k(t), \qquad
    W'_{ji} = W_{ji} - \eta \sum_t L_j(t)\, \psi_j(t)\, \epsilon^v_i(t)

where :math:`\bar\xi` are the filtered spikes of the learning-signal generator (LSG), which sees what is to be learned and how the learner
behaves. Learner and LSG are trained together, by backpropagation through the update: of the loss after it, over many tasks of one family.

Source: F. Scherr, C. Stöckl, W. Maass, One-shot learning with spiking neural networks, bioRxiv (2020); G. Bellec, F. Scherr et al.,
branch eprop2 of github.com/IGITUGraz/eligibility_propagation (2019).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snncore.filters import low_pass_product
from snncore.learning.eprop import delayed, no_self, pseudo_derivatives
from snncore.networks.recurrent import Activity, Population, RecurrentNetwork, Weights, run_network
from snncore.neurons import LIFParams, ReadoutParams


def updated(
    weights: Weights,
    x: Float[Tensor, "time #trial input"],
    before: Activity,
    learning_signal: Float[Tensor, "time trial neuron"],
    lif: LIFParams,
    eta: float,
    trials: int = 1,
) -> Weights:
    r"""Weights after an update by each ``trials`` trials, a set for each: :math:`W' = W - \eta \sum_t L(t)\, \psi(t)\, \epsilon^v(t)^\top`.

    Pseudo-derivatives and filtered presynaptic spikes are those of ``before``, which may be one trial for all learning signals. Gradients
    flow through all; readouts stay. Raises `ValueError` if shapes do not fit.
    """
    (n, inputs), (steps, count) = weights.w_in.shape[-2:], learning_signal.shape[:2]
    for name, a, size in (("learning_signal", learning_signal, n), ("before.z", before.z, n), ("x", x, inputs)):
        if a.shape not in ((steps, count, size), (steps, 1, size)):
            raise ValueError(f"{name} has shape {tuple(a.shape)}: ({steps}, {count} or 1, {size}) is expected, (time, trial, neuron)")
    psi = joined(pseudo_derivatives(before.z.detach(), before.v, lif), trials)
    learning_signal = joined(learning_signal, trials)
    w_in, w_rec = (
        w - eta * torch.einsum("tbj,tbi->bji", learning_signal * psi, joined(low_pass_product(pre, lif.alpha), trials))
        for w, pre in ((weights.w_in, x), (weights.w_rec, delayed(before.z)))
    )
    return Weights(w_in, no_self(w_rec), weights.w_out.expand(len(w_in), -1, -1))


def joined(x: Float[Tensor, "time trial neuron"], trials: int) -> Float[Tensor, "steps batch neuron"]:
    """Put each ``trials`` trials, which lead to one update, one after the other in time."""
    return x.unflatten(1, (-1, trials)).transpose(1, 2).flatten(0, 1)


class Lesson(NamedTuple):
    """What happened in a lesson, in this order."""

    before: Activity  #: of the learner
    lsg: Activity | None  #: of the LSG, if there is one
    learning_signal: Float[Tensor, "time batch neuron"]  #: for each thing shown
    weights: Weights  #: of the learner after the update
    after: Activity  #: of the learner with these


class OneShot(nn.Module):
    """A learner, and the generator of its learning signals, if that has neurons; both networks of LIF neurons.

    ``inputs`` and ``outputs`` are those of the learner, ``shown`` the inputs that show the LSG what is to be learned; ``dt`` is the time
    step [ms], ``eta`` the step size of the update.
    """

    loop: Callable[..., Activity] = staticmethod(run_network)  #: runs both networks; another of the same form can take its place

    def __init__(
        self, inputs: int, shown: int, outputs: int, neurons: int, lsg_neurons: int, dt: float, eta: float, generator: torch.Generator
    ):
        super().__init__()
        self.eta, self.lif = eta, LIFParams(20.0, 0.4, n_refractory=max(1, round(5 / dt)), dt=dt)
        readout, gain = ReadoutParams(20.0, dt), (1 / 0.4, 1 / 0.4)
        self.learner = RecurrentNetwork(inputs, [Population(neurons, self.lif)], outputs, readout, generator, gain)
        with torch.no_grad():
            self.learner.w_out.mul_(2.0)
        self.lsg: RecurrentNetwork | None = None
        if not lsg_neurons:
            return
        self.lsg = RecurrentNetwork(shown + neurons + inputs, [Population(lsg_neurons, self.lif)], neurons, readout, generator, gain)
        with torch.no_grad():
            total = shown + neurons + inputs
            sizes = torch.tensor([shown] * shown + [4 * neurons] * neurons + [4 * inputs] * inputs)
            self.lsg.w_in.mul_((total / sizes).sqrt())  # what is shown counts as much as a layer, all else a quarter of that

    @property
    def constants(self) -> dict[str, float]:
        """Constants without which the weights mean nothing: times [ms], step size, threshold."""
        lif, tau_out = self.lif, self.learner.readout.tau_out
        return {"dt": lif.dt, "eta": self.eta, "tau_m": lif.tau_m, "v_th": lif.v_th, "n_refractory": lif.n_refractory, "tau_out": tau_out}

    @property
    def scale(self) -> float:
        """Factor from readouts to outputs, in which a spike counts 1 at first."""
        return 1 / (1 - self.learner.readout.kappa)

    def output(self, activity: Activity) -> Tensor:
        """Scaled readouts."""
        return self.scale * activity.y

    def trial(self, x: Float[Tensor, "time batch input"], weights: Weights | None = None, credit: bool = True) -> Activity:
        """The learner with its own weights, or with those after an update; ``credit`` as in `run_network`."""
        weights = weights or self.learner.weights()
        return self.loop(x, weights, self.learner.populations, self.learner.readout, credit, potentials=True)

    def signals(self, x: Float[Tensor, "time #batch input"], shown: Float[Tensor, "time batch shown"], before: Activity) -> Activity:
        """Activity of the LSG, which sees what is shown, the learner's spikes and its input; its readouts are the learning signals."""
        batch = shown.shape[1]
        assert self.lsg is not None
        seen = torch.cat([shown, before.z.expand(-1, batch, -1), x.expand(-1, batch, -1)], -1)
        return self.loop(seen, self.lsg.weights(), self.lsg.populations, self.lsg.readout)

    def updated(
        self, x: Float[Tensor, "time #trial input"], before: Activity, learning_signal: Float[Tensor, "time trial neuron"], trials: int = 1
    ) -> Weights:
        """The learner's weights after one update by each ``trials`` trials (`updated`)."""
        return updated(self.learner.weights(), x, before, learning_signal, self.lif, self.eta, trials)

    def forward(self, x: Float[Tensor, "time 1 input"], shown: Float[Tensor, "time batch shown"]) -> Lesson:
        """One trial, one update for each of the things shown, and the trial after it."""
        if len(shown) != len(x):
            raise ValueError(f"what is shown has {len(shown)} steps, but a trial {len(x)}: resample it to as many")
        before = self.trial(x)
        lsg = self.signals(x, shown, before)
        return self.learn(x, before, self.output(lsg), lsg)

    def learn(
        self, x: Float[Tensor, "time 1 input"], before: Activity, learning_signal: Float[Tensor, "time batch neuron"], lsg: Activity | None
    ) -> Lesson:
        """One update by each learning signal, and the trial after it."""
        weights = self.updated(x, before, learning_signal)
        return Lesson(before, lsg, learning_signal, weights, self.trial(x.expand(-1, learning_signal.shape[1], -1), weights))
