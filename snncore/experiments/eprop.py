"""e-prop: one gradient computed in several ways, what knowing the future adds to learning signals, and how well networks learn without it.

``python -m snncore.experiments eprop --train random --seed 0`` trains one network to accumulate evidence.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from snncore.datafiles import package_file
from snncore.learning import eprop_chip
from snncore.learning.descent import Descent, descend
from snncore.learning.eprop import METHODS, SIGNALS, Learner, Signal, Trial, gradient, ideal_signal, low_pass, observe
from snncore.learning.losses import rate_cost
from snncore.networks.checkpoints import about_checkpoint, accounts, load_checkpoint
from snncore.networks.recurrent import Population, RecurrentNetwork, Weights
from snncore.networks.recurrent import run as run_network
from snncore.neurons import ALIFParams, LIFParams, ReadoutParams, conventions
from snncore.peers.ask import ask
from snncore.record import Record
from snncore.seeds import torch_generator
from snncore.statistics import interval
from snncore.tasks import evidence, pattern, store_recall
from snncore.tasks.evidence import Evidence
from snncore.tasks.store_recall import StoreRecall
from snncore.trainings.job import Done, rounded, train_or_read


@dataclass(frozen=True)
class Config:
    """Updates and seeds of the live trainings on patterns, and of those to store and recall; trials about which a recorded network is
    asked; whether networks are trained to accumulate evidence."""

    updates: int = 300
    seeds: int = 5
    recall_updates: int = 200
    recall_seeds: int = 2
    trials: int = 256
    train: bool = False
    seed: int = 0


PRESETS = {
    "smoke": Config(updates=6, seeds=2, recall_updates=2, trials=32),
    "book": Config(),
    "paper": Config(recall_seeds=3, train=True),
}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


# --- Learning signals -------------------------------------------------------------------------------------------------------------------

SEEDS = 5  # trainings by each of `SIGNALS`
FORGET = 0.003  # part of readout and feedback weights that is lost in an update, at the highest rate, where both adapt
# (of .01, .003 and .001 that with the fewest errors on evidence after 700 updates, by another seed)


# --- One gradient -----------------------------------------------------------------------------------------------------------------------


def problem(populations: list[Population], seed: int) -> tuple[Trial, ReadoutParams, Callable, Tensor]:
    """A network of such neurons with random inputs and targets, in double precision: trial, readout, loss, errors at the readouts."""
    g = torch_generator(seed, "network whose gradient is computed")
    network = RecurrentNetwork(10, populations, 2, ReadoutParams(), g, (3.0, 1.0)).double()
    weights = Weights(*(w.detach() for w in network.weights()))
    x = (torch.rand(200, 4, 10, generator=g) < 0.1).double()
    target = torch.randn(200, 4, 2, generator=g).double()
    trial, activity = observe(x, weights, populations, network.readout)

    def loss(z: Tensor, y: Tensor) -> Tensor:
        return (y - target).square().sum() + 10 * rate_cost(z, 0.02, 0.02)

    return trial, network.readout, loss, 2 * (activity.y - target)


def by_bptt(trial: Trial, readout: ReadoutParams, loss: Callable) -> tuple[Tensor, ...]:
    """The gradient for input and recurrent weights by PyTorch, through the plain loop over time."""
    w_in, w_rec = (w.clone().requires_grad_() for w in trial.weights[:2])
    found = run_network(trial.x, Weights(w_in, w_rec, trial.weights.w_out), trial.populations, readout, compiled=False)
    grad_in, grad_rec = torch.autograd.grad(loss(found.z, found.y), (w_in, w_rec))
    return grad_in, grad_rec.fill_diagonal_(0)


def difference(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> float:
    """The largest difference relative to the largest number; nan if one is."""
    return float(torch.stack([(x - y).abs().max() / y.abs().max() for x, y in zip(a, b, strict=True)]).max())


def cosine(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> float:
    """Of the angle between two gradients."""
    one, other = (torch.cat([part.flatten() for part in parts]) for parts in (a, b))
    return float(F.cosine_similarity(one, other, dim=0))


def one_gradient(record: Record, c: Config) -> pd.DataFrame:
    """e-prop with the ideal learning signal against backpropagation; with broadcast errors, in all ways against the published recursion."""
    cases = {"LIF": [Population(20, LIFParams(n_refractory=2))], "ALIF": [Population(20, ALIFParams(tau_a=200.0, beta=0.2))]}
    rows, identities, truncations = [], list[float](), list[float]()
    for name, populations in cases.items():
        trial, readout, loss, errors = problem(populations, c.seed)
        ideal = ideal_signal(trial, readout, loss)
        whole = by_bptt(trial, readout, loss)
        exact = difference(gradient(trial, Signal(torch.zeros_like(ideal), 0.0, ideal), "online"), whole)
        broadcast = Signal(errors @ trial.weights.w_out, readout.kappa)
        known = gradient(trial, broadcast, "online")
        others = {method: difference(gradient(trial, broadcast, method), known) for method in METHODS if method != "online"}
        identities, truncations = [*identities, exact], [*truncations, *others.values()]
        of_errors = by_bptt(trial, readout, lambda z, y, errors=errors: (errors * y).sum())  # of the same loss: spikes cost nothing
        angle = {"ideal signal against BPTT": f"{exact:.1e}", "cosine of e-prop and BPTT": f"{cosine(known, of_errors):.2f}"}
        rows.append({"neurons": name, **angle, **{f"{method} against online": f"{value:.1e}" for method, value in others.items()}})
    identity, truncated = float(np.max(identities)), float(np.max(truncations))  # nan if one is
    record.claim("eprop.identity", identity)
    record.claim("eprop.truncated", truncated)
    record.verdict("eprop.ideal", identity < 1e-10)
    record.verdict("eprop.update", truncated < 1e-10)
    return record.table(pd.DataFrame(rows), "gradients")


# --- The published losses ---------------------------------------------------------------------------------------------------------------


def _single(*arrays: np.ndarray) -> list[np.ndarray]:
    """Weights of the published code: drawn in double precision as (pre, post), kept in single, used here in double."""
    return [a.T.astype(np.float32).astype(float) for a in arrays]


class Case(NamedTuple):
    """What the published code drew: weights, and a sample for each of five updates; see `ask_nest` for the rest."""

    w_in: np.ndarray
    w_rec: np.ndarray
    w_out: np.ndarray
    w_feedback: np.ndarray
    x: np.ndarray
    target: np.ndarray
    constants: dict[str, Any]


UPDATES = 5


def regression_case() -> Case:
    """Pattern generation: 100 LIF neurons, random feedback, gradient descent."""
    g, n, steps = np.random.RandomState(1), 100, 1000  # the numbers that the published code drew
    w_in, w_rec, w_out = _single(g.randn(100, n) / 10, g.randn(n, n) / 10, g.randn(n, 1) / 10)
    (w_feedback,) = _single(g.randn(1, n).reshape(n, 1).T / 10)
    np.fill_diagonal(w_rec, 0)
    x = g.rand(steps, 100) < 0.05
    x[0] = False
    target = pattern.sines(steps, *(torch.from_numpy(g.uniform(low, high, 4)) for low, high in ((0.5, 2.0), (0, 2 * math.pi)))).numpy()
    constants = {"adaptive": 0, "tau": 30.0, "tau_a": 1.0, "beta": 0.0, "v_th": 0.03, "refractory": 0, "dampening": 0.3, "scaled": True,
                 "classes": False, "window": steps, "rate": 1e-4, "c_reg": 300.0}  # fmt: skip
    return Case(w_in, w_rec, w_out, w_feedback, np.stack([x] * UPDATES), np.stack([target.reshape(steps, 1)] * UPDATES), constants)


BETA = 1.7 * (1 - math.exp(-1 / 2000)) / (1 - math.exp(-1 / 20))  # of the published ALIF neurons


PUBLISHED = 0.3  # height of the pseudo-derivative


def evidence_neurons(dampening: float = PUBLISHED) -> list[Population]:
    """50 LIF and 50 ALIF neurons as published."""
    lif, alif = conventions.lif("elig", 20.0, 0.6, 5, dampening), conventions.alif("elig", 20.0, 2000.0, 0.6, BETA, 5, dampening)
    return [Population(50, lif), Population(50, alif)]


def classification_case() -> Case:
    """Evidence accumulation: 50 LIF and 50 ALIF neurons, random feedback, Adam."""
    g, n, form = np.random.RandomState(1), 100, Evidence()
    w_in, w_rec = _single(g.randn(40, n) / math.sqrt(40), g.randn(n, n) / 10)
    limit = math.sqrt(3 / ((n + 2) / 2))
    (w_out,) = _single(g.uniform(-limit, limit, (n, 2)))
    (w_feedback,) = _single(g.randn(n, 2).T)
    np.fill_diagonal(w_rec, 0)
    x, target = np.zeros((UPDATES, form.steps, 40), bool), np.zeros((UPDATES, form.steps, 2))
    for k in range(UPDATES):
        left = np.array([0.3, 0.7], np.float32)[g.choice([0, 1], 1)]
        cues = g.choice([0, 1], 7, p=np.array([left[0], 1 - left[0]], np.float32))
        p = np.zeros((form.steps, 40))
        for at, side in enumerate(cues):
            p[at * 150 + 50 : at * 150 + 150, side * 10 : side * 10 + 10] = form.rate
        p[-form.recall :, 20:30], p[:, 30:] = form.rate, form.noise
        x[k] = p > g.rand(p.size).reshape(p.shape)
        x[k, 0] = False
        target[k, :, int(cues.sum() > 3)] = 1
    constants = {"adaptive": 50, "tau": 20.0, "tau_a": 2000.0, "beta": BETA, "v_th": 0.6, "refractory": 5, "dampening": 0.3,
                 "scaled": False, "classes": True, "window": form.recall, "rate": 5e-3, "c_reg": 300.0}  # fmt: skip
    return Case(w_in, w_rec, w_out, w_feedback, x, target, constants)


CASES = {"regression": regression_case, "classification": classification_case}


def published_losses(kind: str) -> list[float]:
    """Losses in five updates of one sample each, by e-prop with the published random feedback."""
    case = CASES[kind]()
    classes, window = case.constants["classes"], case.constants["window"]
    neurons = evidence_neurons() if classes else [Population(100, conventions.lif("light", 30.0, 0.03))]
    readout, w_feedback = ReadoutParams(case.constants["tau"]), torch.from_numpy(case.w_feedback)
    weights = [torch.from_numpy(w) for w in case[:3]]
    moments, losses = [[torch.zeros_like(w), torch.zeros_like(w)] for w in weights], []
    for k, (x, target) in enumerate(zip(*map(torch.from_numpy, (case.x, case.target)), strict=True), 1):
        own = Weights(*(w.requires_grad_() for w in weights))
        found = run_network(x.double()[:, None], own, neurons, readout, credit=False, w_feedback=w_feedback)
        y = found.y[-window:, 0]
        error = F.cross_entropy(y, target[-window:]) if classes else (y - target).square().sum() / 2
        grads = torch.autograd.grad(error + 150 / (window if classes else 1) * rate_cost(found.z, 0.01, 0.01), own)
        grads[1].fill_diagonal_(0)
        step = case.constants["rate"]
        if classes:  # Adam as TensorFlow has it: its small number is added after the correction
            step *= math.sqrt(1 - 0.999**k) / (1 - 0.9**k)
            for (first, second), grad in zip(moments, grads, strict=True):
                first.lerp_(grad, 0.1), second.lerp_(grad.square(), 0.001)
            grads = tuple(first / (second.sqrt() + 1e-8) for first, second in moments)
        weights = [(w - step * grad).detach() for w, grad in zip(weights, grads, strict=True)]
        losses.append(float(error.detach()))
    return losses


def by_nest(kind: str) -> tuple[np.ndarray, float, str]:
    """Losses of the same updates by the NEST simulator, in a process of its own; seconds of simulation, and its version.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails; its own message is shown.
    """
    case = CASES[kind]()
    arrays = {name: a for name, a in case._asdict().items() if name != "constants"}
    found = ask(sys.executable, "ask_nest.py", arrays | case.constants)
    return found["losses"], float(found["seconds"]), str(found["versions"])


def keep_nest(path: Path) -> None:
    """Write what NEST finds to a file; the recorded one is ``data/peers/nest.npz``."""
    losses: dict[str, Any] = {}
    for kind in CASES:
        losses[kind], _, versions = by_nest(kind)
    np.savez(path, versions=np.array(versions), **losses)


def beside_nest(record: Record, ours: Mapping[str, list[float]]) -> None:
    """The recorded losses of the NEST simulator beside ours."""
    with np.load(package_file("peers/nest.npz")) as nest:
        off = [np.abs(np.array(ours[kind]) / nest[kind] - 1).max() for kind in CASES]
        record.claim("eprop.nest", float(max(off)), dataset=f"recorded run of {nest['versions']}", n=2 * UPDATES)
        record.value("nest_version", str(nest["versions"]))


def published(record: Record) -> None:
    """Our losses in the ten updates whose losses by the original code are published."""
    ours = {kind: published_losses(kind) for kind in CASES}
    for kind, losses in ours.items():
        for k, loss in enumerate(losses, 1):
            record.claim(f"eprop.golden.{kind}.{k}", loss, n=1)
            record.value(f"loss_{kind}_{k}", loss, "{:.9g}")
    beside_nest(record, ours)


# --- The same gradients by braintrace ---------------------------------------------------------------------------------------------------

PEER_NEURONS: dict[str, LIFParams | ALIFParams] = {"LIF": LIFParams(v_th=0.6), "ALIF": ALIFParams(tau_a=200.0, beta=0.1, v_th=0.6)}


def braintrace_case(kind: str, n: int, steps: int, batch: int, seed: int) -> dict[str, Any]:
    """A network of such neurons with random inputs and targets, in double precision; see `ask_braintrace`."""
    p, g, inputs = PEER_NEURONS[kind], torch_generator(seed, "network that braintrace has too"), max(2, 2 * n // 5)
    readout = ReadoutParams()
    network = RecurrentNetwork(inputs, [Population(n, p)], 2, readout, g, (3.0, 1.0)).double()
    weights = {name: w.detach().numpy() for name, w in network.weights()._asdict().items()}
    x, target = torch.rand(steps, batch, inputs, generator=g) < 0.05, torch.randn(steps, batch, 2, generator=g).double()
    slow = {"tau_a": p.tau_a, "beta": p.beta} if isinstance(p, ALIFParams) else {"tau_a": 1.0, "beta": 0.0}
    constants = {"tau": p.tau_m, "v_th": p.v_th, "dampening": p.dampening, "tau_out": readout.tau_out, **slow}
    return {"x": x.numpy(), "target": target.numpy(), **weights, **constants}


def fused_gradients(case: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Our gradients of the mean squared error for all three kinds of weights of such a case, in its precision."""
    own = Weights(*(torch.from_numpy(case[name]).requires_grad_() for name in Weights._fields))
    tau, tau_a, beta, v_th, dampening = (float(case[name]) for name in ("tau", "tau_a", "beta", "v_th", "dampening"))
    p = ALIFParams(tau, tau_a, beta, v_th, dampening=dampening) if beta else LIFParams(tau, v_th, dampening=dampening)
    x, target = (torch.from_numpy(case[name]).to(own.w_in.dtype) for name in ("x", "target"))
    found = run_network(x, own, [Population(len(own.w_in), p)], ReadoutParams(float(case["tau_out"])), credit=False)
    grad_in, grad_rec, grad_out = torch.autograd.grad(F.mse_loss(found.y, target), own)
    return grad_in, grad_rec.fill_diagonal_(0), grad_out


def by_braintrace(case: Mapping[str, Any], windows: list[int], repetitions: int, python: str) -> dict[str, Any]:
    """What braintrace, which this Python has, answers with as many threads as PyTorch has here; see `ask_braintrace`.

    Raises
    ------
    ValueError
        If a window does not divide the trial.
    subprocess.CalledProcessError
        If it fails; its own message is shown.
    """
    if wrong := [window for window in windows if window < 1 or len(case["x"]) % window]:
        raise ValueError(f"a window has {wrong[0]} steps, which does not divide the {len(case['x'])} of the trial")
    more = {"windows": windows, "repetitions": repetitions, "threads": torch.get_num_threads()}
    return ask(python, "ask_braintrace.py", {**case, **more})


def rows_of(theirs: Mapping[str, np.ndarray]) -> list[tuple[Tensor, ...]]:
    """Its gradients for each of the windows."""
    return list(zip(*(torch.from_numpy(theirs[name]) for name in Weights._fields), strict=True))


def off_braintrace(case: Mapping[str, Any], theirs: Mapping[str, np.ndarray]) -> float:
    """The largest relative difference of ours from its gradients, in all windows."""
    ours = fused_gradients(case)
    return float(np.max([difference(ours, row) for row in rows_of(theirs)]))


def keep_braintrace(python: str, path: Path) -> None:
    """Write what braintrace finds, with the cases, to a file; the recorded one is ``data/peers/braintrace.npz``."""
    kept: dict[str, Any] = {}
    for kind in PEER_NEURONS:
        case = braintrace_case(kind, 10, 50, 2, 0)
        found = by_braintrace(case, [1, 10], 0, python)
        kept |= {f"{kind}_case_{name}": a for name, a in case.items()}
        kept |= {f"{kind}_found_{name}": found[name] for name in (*Weights._fields, "losses")} | {"versions": found["versions"]}
    np.savez_compressed(path, **kept)


def recorded_braintrace() -> tuple[dict[str, tuple[dict[str, np.ndarray], dict[str, np.ndarray]]], str]:
    """For each kind of neurons, the case and what braintrace found; its version."""
    with np.load(package_file("peers/braintrace.npz")) as file:
        kept = dict(file)

    def part(start: str) -> dict[str, np.ndarray]:
        return {name.removeprefix(start): a for name, a in kept.items() if name.startswith(start)}

    return {kind: (part(f"{kind}_case_"), part(f"{kind}_found_")) for kind in PEER_NEURONS}, str(kept["versions"])


def beside_braintrace(record: Record) -> None:
    """The recorded gradients of braintrace beside ours."""
    kinds, versions = recorded_braintrace()
    off = float(np.max([off_braintrace(case, found) for case, found in kinds.values()]))
    record.claim("eprop.braintrace", off, dataset=f"recorded run of {versions}", n=len(kinds))
    record.value("braintrace_version", versions)


# --- Accumulating evidence --------------------------------------------------------------------------------------------------------------

FORM = Evidence()
RECIPE = Descent(1500, rate=8e-3, knee=60, every=25)  # chosen by errors of the first 350 updates with random feedback
BPTT_CLIP = 1.5  # with this, fewer errors after 700 updates than without, by another seed; with .3 below, it did not learn even so
BPTT_DAMPENING = 0.1  # of .3 (published), .1, .03: with .3 the gradient of BPTT explodes, as with patterns below
READOUT = {"symmetric": 10.0, "bptt": 10.0}  # first readout weights, in the usual ones, where these make the learning signals, which then
# are as strong as by random feedback; the largest of 1, 3, 10, by the errors of other seeds after 350 updates
SMALL = tuple(f"{signal}-small" for signal in READOUT)
BATCH, EARLY, TESTED = 64, 350, 2048  # trials per update; updates after which the network is tested, too; trials of each test
ABOUT = f"evidence accumulation, {BATCH} new trials per update"
HOPED = 3.0  # wrong answers [%] in the end
BOUNDS = {"test_error": 7.0, "early_error": 10.0}  # the aims: at most so many in the end [%], and after EARLY updates
STOP, BATCHES = 0.07, 8  # the mean error of so many batches that says when a task is learned; the published code asks it of fresh ones


def neurons_of(kind: str) -> list[Population]:
    """Of a kind of training: as published, but for BPTT, whose gradient would explode."""
    return evidence_neurons(BPTT_DAMPENING if kind.startswith("bptt") else PUBLISHED)


class ChoiceLearner(Learner):
    """A network of the published neurons that has to choose one of two answers; ``task`` is what its first weights are drawn for."""

    def __init__(self, inputs: int, signal: str, task: str, seed: int):
        g = torch_generator(seed, f"weights for {task}")
        super().__init__(RecurrentNetwork(inputs, neurons_of(signal), 2, ReadoutParams(), g, (1 / 0.6, 1 / 0.6)), signal, g, 1.0)


def constants(kind: str) -> dict[str, float]:
    """What makes trainings on evidence what they are, beside their recipe: neurons, first readout weights, what is forgotten, trials."""
    p = neurons_of(kind)[1].params
    own = {"readout": READOUT.get(kind, 1.0), "forget": FORGET * (kind == "adaptive"), "batch": BATCH}
    return rounded({**asdict(p), **own, **asdict(FORM)})


class EvidenceLearner(ChoiceLearner):
    """A network that accumulates evidence, the errors of its last batches, and when their mean first was below `STOP`.

    ``kind`` is one of `SIGNALS`, or of `SMALL`: without the factors of `READOUT`.
    """

    def __init__(self, kind: str, seed: int):
        signal = kind.removesuffix("-small")
        super().__init__(evidence.INPUTS, signal, f"evidence by {signal}", seed)
        with torch.no_grad():
            self.network.w_out.mul_(READOUT.get(kind, 1.0))
        self.recent: Tensor
        self.stopped: Tensor
        self.register_buffer("recent", torch.ones(BATCHES))
        self.register_buffer("stopped", torch.zeros(()))

    def answer(self, x: Tensor) -> tuple[Float[Tensor, "recall batch 2"], Tensor]:
        """Readouts in the time of recall, and all spikes."""
        found = self(x)
        return found.y[-FORM.recall :], found.z

    def watch(self, wrong: float, update: int) -> None:
        """Note the error of a batch."""
        self.recent.copy_(torch.cat([self.recent[1:], torch.tensor([wrong])]))
        if not self.stopped and self.recent.mean() < STOP:
            self.stopped.fill_(update + 1)


def choice_error(y: Float[Tensor, "recall batch 2"], answer: Tensor) -> Float[Tensor, ""]:
    """Cross-entropy at all steps at which the network is asked."""
    return F.cross_entropy(y.flatten(0, 1), answer.repeat(len(y)))


def wrong(y: Float[Tensor, "recall batch 2"], answer: Tensor) -> float:
    """Share of trials whose mean readout names the wrong answer."""
    return float((y.mean(0).argmax(1) != answer).float().mean())


def test_trials(count: int, seed: int) -> Iterator[evidence.Trials]:
    """Fresh trials, in batches of at most 128, the same for all networks of a seed."""
    for k, first in enumerate(range(0, count, 128)):
        yield evidence.draw(FORM, min(128, count - first), torch_generator(seed, f"test trials {k}"))


@torch.no_grad()
def test_error(answer: Callable[[Tensor], tuple[Tensor, Any]], trials: int, seed: int) -> float:
    """Share of wrong answers in fresh trials; ``answer`` gives readouts in the time of recall first."""
    return sum(wrong(answer(t.x)[0], t.answer) * len(t.answer) for t in test_trials(trials, seed)) / trials


def recipe(kind: str) -> Descent:
    """How a network is trained."""
    return CHIP if kind in ("chip", "twin") else replace(RECIPE, clip=BPTT_CLIP) if kind.startswith("bptt") else RECIPE


def train_evidence(kind: str, seed: int = 0) -> dict[str, Any]:
    """Train one network; if that is done, only read the account. Long gradients of BPTT are shortened."""
    how = recipe(kind)

    def do(state: Path) -> Done:
        learner = EvidenceLearner(kind, seed)

        def update(k: int, g: torch.Generator) -> dict[str, float]:
            trials, more = evidence.draw(FORM, BATCH, g), {"tested": test_error(learner.answer, TESTED, 0)} if k == EARLY else {}
            y, z = learner.answer(trials.x)
            error = choice_error(y, trials.answer)
            (error + rate_cost(z, 0.01, 0.01)).backward()
            learner.adapt(FORGET * how.at(k) / how.rate)
            share = wrong(y.detach(), trials.answer)
            learner.watch(share, k)
            return {"loss": float(error.detach()), "error": share, "hertz": 1000 * float(z.detach().mean())} | more

        log = descend(learner, update, how, seed, state, constants=constants(kind))
        early = next(row["tested"] for row in log if "tested" in row)
        found = {"test_error": round(test_error(learner.answer, TESTED, 0), 4), "early_error": early, "stopped": int(learner.stopped)}
        return Done(learner, ABOUT, log, found)

    return train_or_read(f"eprop_{kind}_{seed}", f"snncore.experiments eprop --train {kind}", how, seed, do, constants(kind))


# --- In integers ------------------------------------------------------------------------------------------------------------------------

CHIP = Descent(EARLY, rate=8e-3, knee=60, every=25)  # as far as the float networks' first test
CHIP_LOSS = 3.0  # the aim: at most so many wrong answers more than in floats [points]


def on_chip(learner: EvidenceLearner, x: Float[Tensor, "time batch input"]) -> tuple[Tensor, tuple[np.ndarray, ...]]:
    """Readouts of a network with 8-bit weights and integer states, by embedded processors; and what its synapses have seen."""
    network, v_th = learner.network, learner.network.populations[0].params.v_th
    c, spikes = eprop_chip.integers(list(network.populations), network.readout), x.numpy().astype(np.uint8)
    weights = network.weights()
    z, psi = eprop_chip.forward(c, spikes, eprop_chip.as_bytes(weights.w_in, v_th), eprop_chip.as_bytes(weights.w_rec, v_th))
    kappa = network.readout.kappa
    y = low_pass(torch.from_numpy(z).float() @ network.w_out.T, kappa, 1 - kappa)
    return y[-FORM.recall :], (spikes, z, psi)


@torch.no_grad()
def put_on_grid(learner: EvidenceLearner, g: torch.Generator) -> None:
    """Round the weights to 8 bits, at random up or down."""
    network, v_th = learner.network, learner.network.populations[0].params.v_th
    for w in (network.w_in, network.w_rec):
        w.copy_(eprop_chip.rounded(w, v_th, g))


def byte_signal(off: Float[Tensor, "recall batch 2"], w_feedback: Float[Tensor, "neuron 2"]) -> Int64[np.ndarray, "recall batch neuron"]:
    """127 times the learning signal of errors (-1 to 1) at the readouts, in integers: errors have 8 bits, weights 5 behind the point."""
    feedback = (32 * w_feedback).round().clamp(-127, 127).numpy().astype(np.int64)
    return ((off * 127).round().numpy().astype(np.int64) @ feedback.T + 16 >> 5).clip(-127, 127)


def train_chip(seed: int = 0, floats: bool = False) -> dict[str, Any]:
    """Train one network in integers, by random feedback and without a cost of rates; or its twin in floats, from the same weights."""
    name = "twin" if floats else "chip"

    def do(state: Path) -> Done:
        learner = EvidenceLearner("random", seed)
        network, w_feedback = learner.network, learner.w_feedback
        assert w_feedback is not None
        c = eprop_chip.integers(evidence_neurons(), network.readout)

        def update(k: int, g: torch.Generator) -> dict[str, float]:
            trials = evidence.draw(FORM, BATCH, g)
            if floats:
                y, z = learner.answer(trials.x)
            else:
                put_on_grid(learner, g)
                y, (spikes, fired, psi) = on_chip(learner, trials.x)
                z = torch.from_numpy(fired).float()
            error = choice_error(y, trials.answer)
            error.backward()  # in integers, of the readout weights alone, which belong to the processors
            if not floats:
                off = y.detach().softmax(-1) - F.one_hot(trials.answer, 2)
                signal = np.zeros(fired.shape, np.int8)
                signal[-FORM.recall :] = byte_signal(off, w_feedback)
                grads = torch.from_numpy(eprop_chip.learn(c, spikes, fired, psi, signal)).float()
                network.w_in.grad, network.w_rec.grad = (part.contiguous() for part in grads.split([evidence.INPUTS, len(grads)], -1))
            return {"loss": float(error.detach()), "error": wrong(y.detach(), trials.answer), "hertz": 1000 * float(z.detach().mean())}

        log = descend(learner, update, CHIP, seed, state, constants=constants(name))
        if not floats:
            put_on_grid(learner, torch_generator(seed, "last rounding"))
        answer = learner.answer if floats else partial(on_chip, learner)
        return Done(learner, ABOUT, log, {"test_error": round(test_error(answer, TESTED, 0), 4)})

    return train_or_read(f"eprop_{name}_{seed}", f"snncore.experiments eprop --train {name}", CHIP, seed, do, constants(name))


def stops(trained: Iterable[Mapping[str, Any]]) -> list[int]:
    """After how many updates trainings met the published code's rule; all, if never."""
    return [about["stopped"] or about["recipe"]["updates"] for about in trained]


def trainings(record: Record, c: Config) -> None:
    """Train with all signals and seeds; errors of each, for the ledger."""
    for signal in SIGNALS:
        found = [train_evidence(signal, seed) for seed in range(c.seed, c.seed + SEEDS)]
        where: dict[str, Any] = {"dataset": "fresh trials", "n": TESTED, "seeds": len(found)}
        for name, key in ((f"eprop.evidence.{signal}", "test_error"), (f"eprop.evidence.{signal}.at350", "early_error")):
            errors = [100 * about[key] for about in found]
            record.claim(name, float(np.mean(errors)), low=min(errors), high=max(errors), **where)
            record.claim(f"{name}.seeds", 100 * float(np.mean([error <= BOUNDS[key] for error in errors])), **where)
    for kind in (*SIGNALS, *SMALL):
        after = stops([train_evidence(kind, seed) for seed in range(c.seed, c.seed + SEEDS)])
        name = f"eprop.evidence.{kind.replace('-', '.')}.stop"
        dataset = f"trials of training, batches of {BATCH}"
        record.claim(name, float(np.mean(after)), low=min(after), high=max(after), dataset=dataset, seeds=len(after))
    lost = 100 * (train_chip(c.seed)["test_error"] - train_chip(c.seed, floats=True)["test_error"])
    record.claim("eprop.onchip", lost, dataset=f"fresh trials, after {CHIP.updates} updates", n=TESTED, seeds=1)


def evidence_curves() -> pd.DataFrame:
    """Errors [%] of the recorded trainings, each the mean over 25 batches of new trials."""
    rows = [
        {"signal": name.split("_")[1], "seed": about["seed"], "update": row["update"], "error": 100 * row["error"]}
        for name, about in accounts("eprop_").items()
        for row in about["log"]
    ]
    return pd.DataFrame(rows)


class Signals(NamedTuple):
    """Learning signals in one trial of the recorded network."""

    x: Float[Tensor, "time 1 input"]
    ideal: Float[Tensor, "time neuron"]
    broadcast: Float[Tensor, "time neuron"]


def signals_in_time(record: Record, c: Config) -> Signals:
    """The ideal learning signals of a trial, which know the future, beside what is broadcast; where the ideal ones do not explode."""
    learner = load_checkpoint("eprop_bptt_0", EvidenceLearner("bptt", 0), constants("bptt"))
    trials = evidence.draw(FORM, 1, torch_generator(c.seed, "trial whose learning signals are shown"))
    network = learner.network.double()
    weights = Weights(*(w.detach() for w in network.weights()))
    trial, activity = observe(trials.x.double(), weights, network.populations, network.readout)

    def loss(z: Tensor, y: Tensor) -> Tensor:
        return choice_error(y[-FORM.recall :], trials.answer)

    y = activity.y.clone().requires_grad_()
    (errors,) = torch.autograd.grad(loss(activity.z, y), y)
    ideal, broadcast = ideal_signal(trial, network.readout, loss), errors @ weights.w_out
    asked, cues = FORM.steps - FORM.recall, FORM.cues * (FORM.pause + FORM.cue)
    shares = {"ideal_cues": (ideal, 0, cues), "ideal_delay": (ideal, cues, asked), "ideal_asked": (ideal, asked, FORM.steps),
              "broadcast_before": (broadcast, 0, asked)}  # fmt: skip
    for name, (signal, first, last) in shares.items():
        record.value(name, 100 * float(signal[first:last].abs().sum() / signal.abs().sum()), "{:.0f} %")
    record.verdict("eprop.future", bool(ideal[:asked].any()), dataset="evidence, one trial", n=1)
    ours, whole = gradient(trial, Signal(broadcast, network.readout.kappa)), gradient(trial, Signal(0 * ideal, 0.0, ideal))
    record.value("evidence_cosine", cosine(ours, whole), "{:.2f}")
    return Signals(trials.x, ideal[:, 0], broadcast[:, 0])


# --- Generating a pattern ---------------------------------------------------------------------------------------------------------------

LOW = 0.03  # height of the pseudo-derivative with which gradients of BPTT do not explode in 1,000 steps, as they do with the published one
PATTERN_RATES = {  # of Adam: those of .001, .003, .01, .02 with the least error after 100 updates, by other patterns
    ("random", PUBLISHED): 1e-2, ("symmetric", PUBLISHED): 3e-3, ("adaptive", PUBLISHED): 1e-2, ("bptt", PUBLISHED): 2e-2,
    ("symmetric", LOW): 3e-3, ("bptt", LOW): 1e-2,
}  # fmt: skip
LEARNED = 0.1  # part of the target's variance that is left when a pattern counts as learned


def pattern_learner(signal: str, seed: int, dampening: float) -> Learner:
    """100 LIF neurons with the published constants."""
    g = torch_generator(seed, "weights for a pattern")
    p = conventions.lif("light", 30.0, 0.03, dampening=dampening)
    network = RecurrentNetwork(100, [Population(100, p)], 1, ReadoutParams(30.0), g, (1 / p.v_th, 1 / p.v_th))
    return Learner(network, signal, g, 0.1)


def pattern_curve(signal: str, seed: int, updates: int, dampening: float) -> list[dict[str, Any]]:
    """Part of the target's variance that is left before each update; now and then, the angle to the gradient of BPTT and its length."""
    learner = pattern_learner(signal, seed, dampening).double()  # or gradients that explode would not be numbers
    x, target = (a.double() for a in pattern.draw(100, 0.05, torch_generator(seed, "pattern")))
    whole = Learner(learner.network, "bptt", torch_generator(seed, "no feedback"), 0.0)
    parameters = [p for p in learner.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learner.parameters(), PATTERN_RATES[signal, dampening])
    rows, variance = [], float(target.var(correction=0))

    def gradients(network: Learner) -> tuple[float, tuple[Tensor, ...]]:
        found = network(x)
        error = (found.y - target).square().mean()
        grads = torch.autograd.grad(error + 0.3 * rate_cost(found.z, 0.01, 0.01), parameters)
        return float(error.detach()) / variance, grads

    for k in range(updates):
        left, grads = gradients(learner)
        row: dict[str, Any] = {"signal": signal, "dampening": dampening, "seed": seed, "update": k, "left": left}
        if signal != "bptt" and k % 10 == 0:
            known = gradients(whole)[1]
            row["cosine"] = cosine(grads[:2], known[:2])  # for input and recurrent weights
            row["length"] = float(known[1].norm() / grads[1].norm())
        norm = torch.nn.utils.get_total_norm(grads)
        for p, grad in zip(parameters, grads, strict=True):
            p.grad = grad / norm  # so that no gradient outweighs the others in Adam's means
        learner.adapt(FORGET)
        optimizer.step()
        rows.append(row)
    return rows


def pattern_curves(record: Record, c: Config) -> pd.DataFrame:
    """All signals on new patterns, from the same weights."""
    seeds = range(c.seed, c.seed + c.seeds)
    runs = [(signal, seed, c.updates, height) for signal, height in PATTERN_RATES for seed in seeds]
    table = pd.DataFrame([row for run_ in runs for row in pattern_curve(*run_)])
    by_kind = dict(iter(table.groupby(["signal", "dampening"])))
    exploding = by_kind["symmetric", PUBLISHED]
    last = by_kind["bptt", PUBLISHED].query("update == update.max()")["left"]
    for name, value in (("mean", last.mean()), ("least", last.min()), ("most", last.max())):
        record.value(f"left_bptt_{name}", 100 * float(value), "{:.0f} %")
    for signal in ("symmetric", "random", "adaptive"):
        record.value(f"cosine_{signal}", float(by_kind[signal, PUBLISHED]["cosine"].mean()), "{:.2f}")
    record.value("gamma_low", LOW)
    record.value("cosine_low", float(by_kind["symmetric", LOW]["cosine"].mean()), "{:.2f}")
    record.value("length", float(f"{exploding['length'].median():.1g}"), "{:,.0f}")
    needed = {kind: updates_needed(rows) for kind, rows in by_kind.items()}
    for name, kind in (("random", PUBLISHED), ("symmetric", PUBLISHED), ("adaptive", PUBLISHED), ("bptt", LOW)):
        count = needed[name, kind]
        record.value(f"needed_{name}", f"{count:.0f}" if count else f"more than {c.updates}")
    slower_on_patterns(record, first_learned(by_kind["random", PUBLISHED]), first_learned(by_kind["bptt", LOW]), c.updates)
    return table


def slower_on_patterns(record: Record, eprop: list[float], bptt: list[float], updates: int) -> None:
    """Claims from the updates that each seed needs by random feedback and by BPTT; nan if so many were not enough.

    If they were not enough for seeds of one of the two, only an end of the ratio is known; if for both, or if they were fewer than those of
    the book, nothing is said.
    """
    short = [any(map(math.isnan, needed)) for needed in (eprop, bptt)]
    if all(short) or (any(short) and updates < Config.updates):
        return
    mean, of_bptt = (float(np.mean([updates - 1 if math.isnan(k) else k for k in needed])) for needed in (eprop, bptt))
    bound = ">" if short[0] else "<" if short[1] else None  # more than updates - 1 are needed where updates were not enough
    ratios = [] if bound else [a / b for a, b in zip(eprop, bptt, strict=True)]
    ratio, dataset = mean / of_bptt, f"new patterns, {LEARNED:.0%} of the variance left"
    low, high = min(ratios, default=None), max(ratios, default=None)
    record.claim("eprop.pattern", ratio, bound=bound, low=low, high=high, dataset=dataset, seeds=len(eprop))
    if (bound == ">" and ratio < 1) or (bound == "<" and ratio > 1):
        return  # which of the two is slower is not known
    on_evidence = [np.mean(stops(accounts(f"eprop_{signal}_").values())) for signal in ("random", "bptt")]
    slower = (ratio > 1 or bound == ">") and bool(on_evidence[0] > on_evidence[1])
    record.verdict("eprop.slower", slower, dataset="new patterns, and recorded trainings on evidence; random feedback")


def first_learned(rows: pd.DataFrame) -> list[float]:
    """Updates until `LEARNED` is reached, of each seed; nan if it is not."""
    return [float(group[group["left"] < LEARNED]["update"].min()) for _, group in rows.groupby("seed")]


def updates_needed(rows: pd.DataFrame) -> float | None:
    """Updates until `LEARNED` is reached, mean over seeds; None if a seed does not reach it."""
    first = first_learned(rows)
    return None if any(math.isnan(k) for k in first) else float(np.mean(first))


# --- Store and recall -------------------------------------------------------------------------------------------------------------------

STORE_RECALL = StoreRecall()


def recall_learner(signal: str, seed: int) -> Learner:
    """The network for evidence, with the same first weights for all signals."""
    return ChoiceLearner(store_recall.INPUTS, signal, "store and recall", seed)


def recall_curve(signal: str, seed: int, updates: int) -> list[dict[str, Any]]:
    """Wrong answers [%] in the new trials of each update; learning rates are those for evidence."""
    learner, rows = recall_learner(signal, seed), []
    optimizer = torch.optim.Adam(learner.parameters(), RECIPE.rate)
    for k in range(updates):
        trials = store_recall.draw(STORE_RECALL, BATCH, torch_generator(seed, f"trials of update {k}"))
        found = learner(trials.x)
        y = found.y[-STORE_RECALL.slot :]
        optimizer.zero_grad()
        (choice_error(y, trials.answer) + rate_cost(found.z, 0.01, 0.01)).backward()
        optimizer.param_groups[0]["lr"] = RECIPE.at(k)
        optimizer.step()
        rows.append({"signal": signal, "seed": seed, "update": k, "wrong": 100 * wrong(y.detach(), trials.answer)})
    return rows


def recall_curves(record: Record, c: Config) -> pd.DataFrame:
    """Random and symmetric feedback, and BPTT, on new trials."""
    seeds = range(c.seed, c.seed + c.recall_seeds)
    runs = [(signal, seed, c.recall_updates) for signal in ("random", "symmetric", "bptt") for seed in seeds]
    table = pd.DataFrame([row for run_ in runs for row in recall_curve(*run_)])
    last = min(20, c.recall_updates)
    for signal, rows in table.groupby("signal"):
        each = rows[rows["update"] >= c.recall_updates - last].groupby("seed")["wrong"].mean()
        record.value(f"recall_{signal}", float(each.mean()), "{:.0f} %")
        record.value(f"recall_{signal}_range", interval(float(each.min()), float(each.max())))
    record.value("recall_seeds", c.recall_seeds)
    record.value("recall_last", last)
    record.value("recall_updates", c.recall_updates)
    record.value("recall_seconds", STORE_RECALL.steps / 1000, "{:.1f} s")
    return table


def about_trainings(record: Record, c: Config) -> None:
    """One recorded network is asked again; how the trainings went."""
    learner = load_checkpoint("eprop_random_0", EvidenceLearner("random", 0), constants("random"))
    error = test_error(learner.answer, c.trials, c.seed + 1)
    record.verdict("eprop.approximation", error < 0.25, dataset="evidence, random feedback", n=c.trials, seeds=1)
    about = about_checkpoint("eprop_random_0")
    plain, adapting = (eprop_chip.synapse_bytes(kind) for kind in (False, True))
    values = {
        "live_error": f"{100 * error:.1f} %", "live_trials": c.trials,
        "test_error": f"{100 * about['test_error']:.1f} %", "tested": f"{TESTED:,}",
        "minutes": f"{about['seconds'] / 60:.0f}", "machine": about["machine"],
        "forget": f"{100 * FORGET:.1f} %",
        "bound_end": f"{BOUNDS['test_error']:.0f} %",
        "bound_early": f"{BOUNDS['early_error']:.0f} %",
        "updates": f"{about['recipe']['updates']:,}", "batch": BATCH, "bptt_dampening": BPTT_DAMPENING, "bptt_clip": BPTT_CLIP,
        "readout_gain": f"{READOUT['symmetric']:.0f}",
        "seeds": SEEDS, "chip_updates": CHIP.updates, "onchip_aim": f"{CHIP_LOSS:g} points",
        "error_hoped": f"{HOPED:.0f} %",
        "synapse": f"{plain} bytes, or {adapting} if it leads to an adapting neuron",
    }  # fmt: skip
    for kind in ("chip", "twin"):
        values[f"{kind}_hertz"] = f"{about_checkpoint(f'eprop_{kind}_0')['log'][-1]['hertz']:.0f} Hz"
    for name, value in values.items():
        record.value(name, value)


class Result(NamedTuple):
    """What the chapter draws."""

    signals: Signals
    patterns: pd.DataFrame
    recalls: pd.DataFrame
    evidence: pd.DataFrame


def run(c: Config, record: Record) -> Result:
    """One gradient in several ways, learning signals in time, learning curves; with ``train``, also the trainings."""
    one_gradient(record, c)
    published(record)
    beside_braintrace(record)
    patterns = pattern_curves(record, c)
    about_trainings(record, c)
    if c.train:
        trainings(record, c)
    return Result(signals_in_time(record, c), patterns, recall_curves(record, c), evidence_curves())


def options(parser: argparse.ArgumentParser) -> None:
    """The words of the command that trains."""
    kinds = *SIGNALS, *SMALL, "chip", "twin"
    parser.add_argument("--train", choices=kinds, help="train a network, by such signals, or in integers, or its twin")
    parser.add_argument("--nest", action="store_true", help="write the losses of the NEST simulator (extra oracles)")
    parser.add_argument("--braintrace", metavar="PYTHON", help="write the gradients of braintrace, which this Python has")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="to this file, else nest.npz or braintrace.npz")


def command(given: argparse.Namespace) -> bool:
    """Train, or ask NEST or braintrace, if that is asked for."""
    peers: dict[str, Callable[[Path], None]] = {"nest": keep_nest, "braintrace": partial(keep_braintrace, given.braintrace)}
    for peer, keep in peers.items():
        if getattr(given, peer):
            path = given.keep or Path(f"{peer}.npz")
            keep(path)
            print(f"written to {path}")
            return True
    if given.train is None:
        return False
    if given.train in ("chip", "twin"):
        print(f"wrong answers in {TESTED:,} new trials: {100 * train_chip(given.seed, given.train == 'twin')['test_error']:.1f} %")
        return True
    about = train_evidence(given.train, given.seed)
    last, early = 100 * about["test_error"], 100 * about["early_error"]
    print(f"wrong answers in {TESTED:,} new trials: {last:.1f} %, after {EARLY} updates {early:.1f} %")
    return True
