"""Networks that accumulate evidence, by e-prop or BPTT, also in integers: ``python -m snncore.trainings evidence --signals random``."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from snncore.filters import low_pass
from snncore.learning import eprop_chip
from snncore.learning.compare import FORGET, ChoiceLearner, choice_error, neurons_for, share_wrong
from snncore.learning.descent import Descent, Update, descend
from snncore.learning.losses import rate_cost
from snncore.networks.checkpoints import load_checkpoint
from snncore.seeds import torch_generator
from snncore.tasks import evidence
from snncore.tasks.evidence import Evidence
from snncore.trainings.job import Done, rounded, train_or_read

FORM = Evidence()
SEEDS = 5  # trainings by each kind of learning signals
RECIPE = Descent(1500, rate=8e-3, knee=60, every=25)  # chosen by errors of the first 350 updates with random feedback
BPTT_RECIPE = replace(RECIPE, clip=1.5)  # so fewer errors after 700 updates than without, by another seed; .3 below, it did not learn
CHIP_RECIPE = replace(RECIPE, updates=350)  # as far as the first test of networks in floats
# first readout weights, in the usual ones, where these make the learning signals, which then are as strong as by random feedback
LARGE = 10.0  # the largest of 1, 3, 10, by the errors of other seeds after 350 updates
AIMS = {"test_error": 7.0, "early_error": 10.0}  # wrong answers [%], at most: in the end, and after 350 updates
RATE = 0.01  # spikes per step that a neuron should have
CHIP_AIM = 2.0  # at most so many wrong answers more than in floats [points]
STOP, BATCHES = 0.07, 8  # the mean error of so many batches when a task counts as learned; the published code asks it of new trials


@dataclass(frozen=True)
class Training:
    """A way to learn to accumulate evidence."""

    signal: str  #: one of `snncore.learning.eprop.SIGNALS`
    recipe: Descent = RECIPE
    readout: float = 1.0  #: first readout weights, as a multiple of the usual ones
    forget: float = 0.0  #: part of readout and feedback weights that is lost in an update, at the highest rate
    early: int | None = 350  #: updates after which the network is tested, too
    integers: bool = False  #: by 8-bit weights and integer states, as on a chip
    form: Evidence = FORM
    batch: int = 64  #: new trials per update
    tested: int = 2048  #: new trials of each test


Kind = Literal["random", "symmetric", "adaptive", "bptt", "symmetric-small", "bptt-small", "chip", "twin"]
TRAININGS: dict[Kind, Training] = {
    "random": Training("random"),
    "symmetric": Training("symmetric", readout=LARGE),
    "adaptive": Training("adaptive", forget=FORGET),
    "bptt": Training("bptt", BPTT_RECIPE, readout=LARGE),
    "symmetric-small": Training("symmetric"),
    "bptt-small": Training("bptt", BPTT_RECIPE),
    "chip": Training("random", CHIP_RECIPE, early=None, integers=True),
    "twin": Training("random", CHIP_RECIPE, early=None),
}


class EvidenceLearner(ChoiceLearner):
    """A network that accumulates evidence, the errors of its last batches, and when their mean first was below `STOP`."""

    def __init__(self, how: Training, seed: int):
        super().__init__(evidence.INPUTS, how.signal, f"evidence by {how.signal}", seed)
        self.recall = how.form.recall
        with torch.no_grad():
            self.network.w_out.mul_(how.readout)
        self.recent: Tensor
        self.stopped: Tensor
        self.register_buffer("recent", torch.ones(BATCHES))
        self.register_buffer("stopped", torch.zeros(()))

    def answer(self, x: Tensor) -> tuple[Float[Tensor, "recall batch 2"], Tensor]:
        """Readouts in the time of recall, and all spikes."""
        activity = self(x)
        return activity.y[-self.recall :], activity.z

    def watch(self, wrong: float, update: int) -> None:
        """Note the error of a batch."""
        self.recent.copy_(torch.cat([self.recent[1:], torch.tensor([wrong])]))
        if not self.stopped and self.recent.mean() < STOP:
            self.stopped.fill_(update + 1)


def constants(how: Training) -> dict[str, float]:
    """Constants without which the weights mean nothing: of neurons, trials, and the training."""
    p = neurons_for(how.signal)[1].params
    return rounded({**asdict(p), "readout": how.readout, "forget": how.forget, "batch": how.batch, **asdict(how.form)})


def trained(kind: Kind, seed: int = 0) -> EvidenceLearner:
    """A network with the weights of `command`; those of kind chip are asked in integers, by `on_chip`."""
    how = TRAININGS[kind]
    return load_checkpoint(f"eprop_{kind}_{seed}", EvidenceLearner(how, seed), constants(how))


@torch.no_grad()
def error_on_new_trials(answer: Callable[[Tensor], tuple[Tensor, Any]], count: int, seed: int, form: Evidence = FORM) -> float:
    """Share of wrong answers (0 to 1) in trials that no training has seen; ``answer`` gives readouts in the time of recall first."""
    wrong = 0.0
    for k, first in enumerate(range(0, count, 128)):
        trials = evidence.draw(form, min(128, count - first), torch_generator(seed, f"test trials {k}"))
        wrong += share_wrong(answer(trials.x)[0], trials.answer) * len(trials.answer)
    return wrong / count


def in_floats(learner: EvidenceLearner, how: Training) -> Update:
    """An update by the gradient that the learning signals give."""

    def update(k: int, g: torch.Generator) -> dict[str, float]:
        trials = evidence.draw(how.form, how.batch, g)
        more = {"tested": error_on_new_trials(learner.answer, how.tested, 0, how.form)} if k == how.early else {}
        y, z = learner.answer(trials.x)
        error = choice_error(y, trials.answer)
        (error + rate_cost(z, RATE, RATE)).backward()
        learner.adapt(how.forget * how.recipe.at(k) / how.recipe.rate)
        share = share_wrong(y.detach(), trials.answer)
        learner.watch(share, k)
        return {"loss": float(error.detach()), "error": share, "hertz": 1000 * float(z.detach().mean())} | more

    return update


# --- In integers ------------------------------------------------------------------------------------------------------------------------


def on_chip(learner: EvidenceLearner, x: Float[Tensor, "time batch input"]) -> tuple[Tensor, tuple[np.ndarray, ...]]:
    """Readouts of a network with 8-bit weights and integer states, by embedded processors; and what its synapses have seen."""
    network, v_th = learner.network, learner.network.populations[0].params.v_th
    c, spikes = eprop_chip.integers(list(network.populations), network.readout), x.numpy().astype(np.uint8)
    weights = network.weights()
    z, psi = eprop_chip.forward(c, spikes, eprop_chip.as_bytes(weights.w_in, v_th), eprop_chip.as_bytes(weights.w_rec, v_th))
    kappa = network.readout.kappa
    y = low_pass(torch.from_numpy(z).float() @ network.w_out.T, kappa, 1 - kappa)
    return y[-learner.recall :], (spikes, z, psi)


@torch.no_grad()
def put_on_grid(learner: EvidenceLearner, g: torch.Generator) -> None:
    """Round the weights to 8 bits, at random up or down."""
    network, v_th = learner.network, learner.network.populations[0].params.v_th
    for w in (network.w_in, network.w_rec):
        w.copy_(eprop_chip.rounded(w, v_th, g))


def in_integers(learner: EvidenceLearner, how: Training) -> Update:
    """An update by e-prop in integers; readouts, whose gradient is the usual one, and how far rates are off belong to embedded processors.

    For the latter a synapse keeps a second sum, of traces alone. (The first is 127 times too large, and over the steps of recall.)
    """
    network, w_feedback = learner.network, learner.w_feedback
    assert w_feedback is not None
    c = eprop_chip.integers(list(network.populations), network.readout)

    def update(k: int, g: torch.Generator) -> dict[str, float]:
        trials = evidence.draw(how.form, how.batch, g)
        put_on_grid(learner, g)
        y, (spikes, z, psi) = on_chip(learner, trials.x)
        error = choice_error(y, trials.answer)
        error.backward()
        off = y.detach().softmax(-1) - F.one_hot(trials.answer, 2)
        signal = np.zeros(z.shape, np.int8)
        signal[-how.form.recall :] = eprop_chip.byte_signal(off, w_feedback)
        of_error, traces = (eprop_chip.learn(c, spikes, z, psi, s) for s in (signal, np.ones_like(signal)))
        rates = z.mean((0, 1))
        grads = torch.from_numpy(of_error / (127 * how.form.recall) + 2 * (rates - RATE)[:, None] / len(z) * traces).float()
        network.w_in.grad, network.w_rec.grad = (part.contiguous() for part in grads.split([evidence.INPUTS, len(grads)], -1))
        return {"loss": float(error.detach()), "error": share_wrong(y.detach(), trials.answer), "hertz": 1000 * float(rates.mean())}

    return update


def train(kind: Kind, seed: int = 0, how: Training | None = None) -> dict[str, Any]:
    """Train one network; if that is done, only read the account. ``how`` is that of `TRAININGS` if not given."""
    how = how or TRAININGS[kind]

    def do(state: Path) -> Done:
        learner = EvidenceLearner(how, seed)
        update = in_integers(learner, how) if how.integers else in_floats(learner, how)
        log = descend(learner, update, how.recipe, seed, state, constants=constants(how))
        if how.integers:
            put_on_grid(learner, torch_generator(seed, "last rounding"))
        answer = partial(on_chip, learner) if how.integers else learner.answer
        results: dict[str, float] = {"test_error": round(error_on_new_trials(answer, how.tested, 0, how.form), 4)}
        if how.early is not None:
            early = next(row["tested"] for row in log if "tested" in row)
            results |= {"early_error": early, "stopped": int(learner.stopped)}
        return Done(learner, f"evidence accumulation, {how.batch} new trials per update", log, results)

    words, about = f"evidence --signals {kind}", {"kind": kind}
    return train_or_read(f"eprop_{kind}_{seed}", words, how.recipe, seed, do, constants(how), about=about)


def command(signals: Kind, seed: int = 0) -> dict[str, Any]:
    """Train a network to accumulate evidence by e-prop or BPTT (5 to 15 minutes; twin: one).

    Parameters
    ----------
    signals : str
        Learning signals: by random, symmetric or adaptive feedback, or the whole gradient, bptt; symmetric-small, bptt-small: with smaller
        first readout weights; chip: by random feedback in integers, twin: beside it in floats.
    seed : int
        Of the first weights and of the trials.
    """
    about, how = train(signals, seed), TRAININGS[signals]
    early = f", after {how.early} updates {100 * about['early_error']:.1f} %" if how.early is not None else ""
    print(f"wrong answers in {how.tested:,} new trials: {100 * about['test_error']:.1f} %{early}")
    return about
