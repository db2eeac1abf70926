"""Networks that accumulate evidence, by e-prop or BPTT, also in integers: ``python -m snncore.trainings evidence --signals random``."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from snncore.filters import low_pass
from snncore.learning import eprop_chip
from snncore.learning.compare import FORGET, PUBLISHED, Point, choice_error, published_neurons, share_wrong
from snncore.learning.descent import Descent, Update, descend
from snncore.learning.eprop import Learner, Signals
from snncore.learning.losses import rate_cost
from snncore.networks.checkpoints import load_checkpoint
from snncore.networks.recurrent import RecurrentNetwork
from snncore.neurons import ReadoutParams
from snncore.seeds import torch_generator
from snncore.tasks import evidence
from snncore.tasks.evidence import Evidence
from snncore.trainings.job import Done, Setting, rounded, train_or_read

FORM = Evidence()
SEEDS = 5  # trainings by each kind of learning signals
RECIPE = Descent(350, rate=8e-3, knee=60, clip=1.5, every=25)
CHIP_RECIPE = replace(RECIPE, clip=math.inf)
RATE = 0.01  # spikes per step that a neuron should have
STOP, BATCHES = 0.07, 8  # the mean error of so many batches when a task counts as learned; the published code asks it of new trials


@dataclass(frozen=True)
class Training:
    """A way to learn to accumulate evidence."""

    signal: str  #: one of `snncore.learning.eprop.SIGNALS`
    recipe: Descent = RECIPE
    dampening: float = PUBLISHED  #: height of the pseudo-derivative
    readout: float = 1.0  #: first readout weights, as a multiple of the usual ones
    integers: bool = False  #: by 8-bit weights and integer states, as on a chip
    form: Evidence = FORM
    batch: int = 64  #: new trials per update
    tested: int = 2048  #: new trials of each test


def at(signal: str, point: Point) -> Training:
    """A training with the choices of a point."""
    return Training(signal, replace(RECIPE, rate=point.rate), point.dampening, point.readout)


Kind = Signals | Literal["chip", "twin"]
Answer = Callable[[Tensor], tuple[Tensor, Any]]  # from inputs to readouts in the time of recall, and what else there is
TRAININGS: dict[Kind, Training] = {  # the points are those that the search of `evidence_grid` chose
    "random": at("random", Point(0.01, 0.3, 1.0)),
    "symmetric": at("symmetric", Point(0.01, 0.3, 10.0)),
    "adaptive": at("adaptive", Point(0.01, 0.3, 1.0)),
    "leak": at("leak", Point(0.003, 0.3, 3.0)),
    "bptt": at("bptt", Point(0.003, 0.1, 10.0)),
    "chip": Training("random", CHIP_RECIPE, integers=True),
    "twin": Training("random", CHIP_RECIPE),
}


class EvidenceLearner(Learner):
    """A network that accumulates evidence, the errors of its last batches, and when their mean first was below `STOP`."""

    def __init__(self, how: Training, seed: int):
        g = torch_generator(seed, "weights for evidence by random")  # the same for all learning signals
        network = RecurrentNetwork(evidence.INPUTS, published_neurons(how.dampening), 2, ReadoutParams(), g, (1 / 0.6, 1 / 0.6))
        super().__init__(network, how.signal, g, 1.0)
        self.recall = how.form.recall
        with torch.no_grad():
            self.network.w_out.mul_(how.readout)
        self.recent, self.stopped = nn.Buffer(torch.ones(BATCHES)), nn.Buffer(torch.zeros(()))

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
    p = published_neurons(how.dampening)[1].params
    forget = FORGET if how.signal == "adaptive" else 0.0
    return rounded({**asdict(p), "readout": how.readout, "forget": forget, "batch": how.batch, **asdict(how.form)})


def trained(kind: Kind, seed: int = 0) -> EvidenceLearner:
    """A network with the weights of `command`; those of kind chip are asked in integers, by `on_chip`."""
    how = TRAININGS[kind]
    return load_checkpoint(f"eprop_{kind}_{seed}", EvidenceLearner(how, seed), constants(how))


@torch.no_grad()
def errors_on_new_trials(answers: Sequence[Answer], count: int, seed: int, form: Evidence = FORM) -> list[float]:
    """Share of wrong answers (0 to 1) of each network in the same trials, that no training has seen."""
    wrong = np.zeros(len(answers))
    for k, first in enumerate(range(0, count, 128)):
        trials = evidence.draw(form, min(128, count - first), torch_generator(seed, f"test trials {k}"))
        for x, sides in zip(trials.x.split(64, 1), trials.answer.split(64), strict=True):
            wrong += [share_wrong(answer(x)[0], sides) * len(sides) for answer in answers]
    return (wrong / count).tolist()


def in_floats(learner: EvidenceLearner, how: Training) -> Update:
    """An update by the gradient that the learning signals give."""

    def update(k: int, g: torch.Generator) -> dict[str, float]:
        trials = evidence.draw(how.form, how.batch, g)
        y, z = learner.answer(trials.x)
        error = choice_error(y, trials.answer)
        (error + rate_cost(z, RATE, RATE)).backward()
        learner.adapt(FORGET * how.recipe.at(k) / how.recipe.rate)
        share = share_wrong(y.detach(), trials.answer)
        learner.watch(share, k)
        return {"loss": float(error.detach()), "error": share, "hertz": 1000 * float(z.detach().mean())}

    return update


# --- In integers ------------------------------------------------------------------------------------------------------------------------


def on_chip(learner: EvidenceLearner, x: Float[Tensor, "time batch input"]) -> tuple[Tensor, tuple[np.ndarray, ...]]:
    """Readouts of a network with 8-bit weights and integer states, by embedded processors; and what its synapses have seen."""
    network, v_th = learner.network, learner.network.populations[0].params.v_th
    c, spikes = eprop_chip.integers(network.populations, network.readout), x.numpy().astype(np.uint8)
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
    c = eprop_chip.integers(network.populations, network.readout)

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


def train(kind: Kind, seed: int = 0) -> dict[str, Any]:
    """Train one network; if that is done, only read the account."""
    how = TRAININGS[kind]

    def do(setting: Setting) -> Done:
        learner = EvidenceLearner(how, seed)
        update = in_integers(learner, how) if how.integers else in_floats(learner, how)
        log = descend(learner, update, *setting)
        if how.integers:
            put_on_grid(learner, torch_generator(seed, "last rounding"))
        answer = partial(on_chip, learner) if how.integers else learner.answer
        results: dict[str, float] = {"test_error": round(errors_on_new_trials([answer], how.tested, 0, how.form)[0], 4)}
        if not how.integers:
            results["stopped"] = int(learner.stopped)
        return Done(learner, f"evidence accumulation, {how.batch} new trials per update", log, results)

    words, about = f"evidence --signals {kind}", {"kind": kind}
    return train_or_read(f"eprop_{kind}_{seed}", words, how.recipe, seed, do, constants(how), about=about)


def command(signals: Kind, seed: int = 0) -> dict[str, Any]:
    """Train a network to accumulate evidence by e-prop or BPTT (two minutes; chip: 15).

    Parameters
    ----------
    signals : str
        Learning signals: by random, symmetric or adaptive feedback, by random feedback and the leak alone, or the whole gradient, bptt;
        chip: by random feedback in integers, twin: beside it in floats.
    seed : int
        Of the first weights and of the trials.
    """
    about = train(signals, seed)
    print(f"wrong answers in {TRAININGS[signals].tested:,} new trials: {100 * about['test_error']:.1f} %")
    return about
