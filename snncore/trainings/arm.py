"""Learner and learning-signal generator (LSG) for arm movements: ``python -m snncore.trainings arm --seed 0``.

The outer optimization draws new movements of the family, gives a lesson on each, and follows the gradient of the loss after the update
back through the whole lesson.
"""

from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snncore.filters import low_pass_product
from snncore.learning.descent import Descent, descend
from snncore.learning.eprop import pseudo_derivatives
from snncore.learning.losses import rate_cost
from snncore.learning.one_shot import Lesson, OneShot
from snncore.learning.ordinary import Own, in_force
from snncore.networks.checkpoints import about_checkpoint, load_checkpoint
from snncore.seeds import torch_generator
from snncore.tasks import arm
from snncore.tasks.arm import Movements
from snncore.trainings.job import Done, Setting, train_or_read
from snncore.unroll import unroll

DT, STEPS = 2.0, 250  # half a second
CODE, CLOCK = arm.Code(), arm.clock(STEPS, DT)
NEURONS = LSG_NEURONS = 128
ETA = 3e-3
VELOCITY, POSITION = 0.1, 150.0  # what errors of velocity [rad/s] and of position (arm length 1) count in the loss
HERTZ, LSG_HERTZ, RATE_COST = 20.0, 10.0, 100.0  # firing rates that training aims at, what others cost
BATCH = 16  # new movements per update of the outer optimization
RECIPE = Descent(120_000, rate=2e-3, warmup=50, end=0.03, clip=1.5, every=100, cycles=2)
FIRST_CYCLE = replace(RECIPE, updates=RECIPE.cycle, cycles=1)  # of the controls with random and ideal signals
WIDER, SMALL = Descent(30_000, rate=1e-3, warmup=1000, end=0.03, clip=1.5, every=100), 0.5  # afterwards: half of the movements are small
SHORT = Descent(1200, rate=5e-3, warmup=50, end=0.03, clip=1.5)  # that a chapter can run
SEEDS = 3
Signals = Literal["learned", "own", "random", "ideal"]


class Alone(OneShot):
    r"""A learner without LSG: its learning signals are its own errors, sent back by its readouts' weights, or by ``random`` ones B,

    .. math:: L_j(t) = \sum_k B_{jk} \sum_{t' \ge t} \kappa^{t'-t}\, \partial E/\partial y_k(t').

    ``ideal`` signals are those of `snncore.learning.eprop.ideal_signal`, which has no second derivatives: to the errors that readouts send
    back they add what a spike does to later ones, W^rec' delta(t+1), with delta(t) = psi(t) L(t) + alpha delta(t+1). The outer gradient
    flows through signals of each kind. The size of the step is learned with the first weights, which are those of `network` at this seed.
    """

    def __init__(self, seed: int, signals: Signals):
        super().__init__(CLOCK.shape[-1], 0, 2, NEURONS, 0, DT, ETA, torch_generator(seed, "weights of learner and LSG"))
        self.log_size = nn.Parameter(torch.tensor(3.0))
        drawn = self.learner.w_out.std() * torch.randn(self.learner.w_out.shape, generator=torch_generator(seed, "random feedback"))
        self.feedback = nn.Buffer(drawn.detach()) if signals == "random" else None
        self.ideal = signals == "ideal"

    def teach(self, m: Movements) -> Lesson:
        """One trial, one update for each movement by the errors in it, and the trial after it."""
        x = CLOCK.to(m.omega.dtype)
        before = self.trial(x)
        error = error_of(self.output(before), m).flip(0)  # the readouts' filter acts on it, and not on the traces: the sum is the same
        signal = low_pass_product(error, self.learner.readout.kappa) @ (self.learner.w_out if self.feedback is None else self.feedback)
        if self.ideal:
            w_rec, psi = self.learner.weights().w_rec, pseudo_derivatives(before.z.detach(), before.v, self.lif).flip(0)

            def step(now: Tensor, delta: Tensor) -> tuple[Tensor, Tensor]:
                total = now[0] + delta @ w_rec
                return total, now[1] * total + self.lif.alpha * delta

            signal, _ = unroll(step, torch.stack([signal, psi.expand_as(signal)], 1), torch.zeros_like(signal[0]))
        return self.learn(x, before, self.log_size.exp() * signal.flip(0), None)


def network(seed: int, signals: Signals = "learned") -> OneShot:
    """Learner and LSG with fresh weights, or a learner taught by its own errors (`Alone`). Raises `ValueError` for other signals."""
    if signals not in get_args(Signals):
        raise ValueError(f"signals is {signals!r}: give one of {', '.join(get_args(Signals))}")
    if signals != "learned":
        return Alone(seed, signals)
    shown = 2 * CODE.neurons
    return OneShot(CLOCK.shape[-1], shown, 2, NEURONS, LSG_NEURONS, DT, ETA, torch_generator(seed, "weights of learner and LSG"))


def constants(net: OneShot, wider: bool = False) -> dict[str, float]:
    """Constants without which the weights mean nothing: of the network, of its inputs, and of its training."""
    shown = {"steps": STEPS, "clock_spikes": int(CLOCK.sum())} | {f"code_{name}": value for name, value in CODE._asdict().items()}
    aims = {"velocity": VELOCITY, "position": POSITION, "firing": HERTZ, "lsg_firing": LSG_HERTZ, "firing_cost": RATE_COST, "batch": BATCH}
    return net.constants | shown | aims | ({"small": SMALL} if wider else {})


def named(seed: int, signals: Signals, wider: bool = False) -> str:
    """Name of a checkpoint."""
    return "one_shot" + f"_{signals}" * (signals != "learned") + "_wider" * wider + f"_{seed}"


def trained(seed: int, signals: Signals = "learned", wider: bool = False) -> OneShot:
    """The network with the weights of `command`."""
    net = network(seed, signals)
    return load_checkpoint(named(seed, signals, wider), net, constants(net, wider))


def position_error(omega: Float[Tensor, "time #batch 2"], m: Movements) -> Float[Tensor, " batch"]:
    """Mean squared error of the tip's position (mean over x and y; arm length 1)."""
    return (arm.move(omega, DT) - m.tip).square().mean((0, 2))


def loss_of(omega: Float[Tensor, "time batch 2"], m: Movements) -> Float[Tensor, " batch"]:
    r"""Errors of velocity and position, :math:`(0.1 \overline{(\omega - \omega^*)^2} + 150 \overline{(x - x^*)^2})/2`."""
    return (VELOCITY * (omega - m.omega).square().mean((0, 2)) + POSITION * position_error(omega, m)) / 2


def error_of(omega: Float[Tensor, "time #batch 2"], m: Movements) -> Float[Tensor, "time batch 2"]:
    """Derivative of each movement's loss by the velocities, differentiable if they are."""
    with torch.enable_grad():
        each = omega.expand(m.omega.shape)
        each = each if omega.requires_grad else each.detach().requires_grad_()
        return torch.autograd.grad(loss_of(each, m).sum(), each, create_graph=omega.requires_grad)[0]


def lesson(net: OneShot, m: Movements) -> Lesson:
    """Show each movement once, update once."""
    return net.teach(m) if isinstance(net, Alone) else net(CLOCK, CODE.spikes(m.tip, DT))


def outer(net: OneShot, small: float = 0.0):
    """An update of the outer optimization: of learner and LSG, by the error after the inner update; a part of the movements is small."""

    def update(k: int, g: torch.Generator) -> dict[str, float]:
        m = arm.draw(BATCH, STEPS, DT, g, small)
        one = lesson(net, m)
        omega = net.output(one.after)
        rate, lsg_rate = HERTZ * DT / 1000, LSG_HERTZ * DT / 1000
        costs = (rate_cost(one.before.z, rate, rate) + rate_cost(one.after.z, rate, rate)) / 2
        costs = costs + rate_cost(one.lsg.z, lsg_rate, lsg_rate) if one.lsg else costs
        error = loss_of(omega, m).mean()
        (error + RATE_COST * costs).backward()
        return {"loss": float(error.detach()), "after": float(position_error(omega.detach(), m).mean())}

    return update


def held_out(n: int, seed: int = 0) -> list[Movements]:
    """Movements that no training has seen, in batches of at most 64."""
    sizes = [min(64, n - first) for first in range(0, n, 64)]
    return [arm.draw(size, STEPS, DT, torch_generator(seed, f"held-out movements {k}")) for k, size in enumerate(sizes)]


class Errors(NamedTuple):
    """Position error of each movement."""

    before: Float[Tensor, " batch"]  #: without an update
    after: Float[Tensor, " batch"]  #: one update
    shuffled: Float[Tensor, " batch"]  #: one update by the learning signals of another movement


@torch.no_grad()
def errors(net: OneShot, batches: list[Movements]) -> Errors:
    """One lesson for each movement. Raises `ValueError` for a batch of one, which has no other movement's signals."""
    parts = []
    for m in batches:
        if m.tip.shape[1] < 2:
            raise ValueError("a batch has a single movement: give two or more, so that each can have another's signals")
        one = lesson(net, m)
        swapped = net.updated(CLOCK, one.before, one.learning_signal.roll(1, 1))
        trials = one.before, one.after, net.trial(CLOCK.expand(-1, m.tip.shape[1], -1), swapped)
        parts.append([position_error(net.output(trial), m) for trial in trials])
    return Errors(*(torch.cat(column) for column in zip(*parts, strict=True)))


def own_gradient(net: OneShot, own: Own, m: Movements, credit: bool) -> tuple[Own, Float[Tensor, " batch"]]:
    """Gradient of each movement's loss for its own weights, by BPTT or (no credit) e-prop; and its position error."""
    own = Own(*(w.detach().requires_grad_() for w in own))
    omega = net.output(net.trial(CLOCK.expand(-1, len(own.w_in), -1), in_force(net.learner, own), credit))
    return Own(*torch.autograd.grad(loss_of(omega, m).sum(), own)), position_error(omega.detach(), m)


def command(signals: Signals = "learned", wider: bool = False, seed: int = 0) -> dict[str, Any]:
    """Train learner and learning-signal generator to learn an arm movement in one update (two hours).

    Parameters
    ----------
    signals : str
        By which the learner is taught: the generator's (learned), or, without a generator, the learner's own errors, sent back by the
        weights of its readouts (own), or, for one cycle, by fixed random weights (random), or as BPTT has them (ideal).
    wider : bool
        Go on from the weights of this training that are kept, with a wider family: half of the movements are smaller (half an hour).
    seed : int
        Of the first weights and of the movements.
    """

    def do(setting: Setting) -> Done:
        net = trained(seed, signals) if wider else network(seed, signals)
        log = descend(net, outer(net, SMALL * wider), *setting)
        results = {f"test_{key}": float(f"{value.mean():.4g}") for key, value in errors(net, held_out(256))._asdict().items()}
        return Done(net, "movements of the family, 16 new ones per update" + ", half of them smaller" * wider, log, results)

    recipe = WIDER if wider else FIRST_CYCLE if signals in ("random", "ideal") else RECIPE
    of = constants(network(seed, signals), wider)
    words = "arm" + f" --signals {signals}" * (signals != "learned") + " --wider" * wider
    which = {"signals": signals} if signals != "learned" else None
    before = about_checkpoint(named(seed, signals)) if wider else None
    about = train_or_read(named(seed, signals, wider), words, recipe, seed, do, of, before, about=which)
    print("mean squared position error of held-out movements: " + ", ".join(f"{key} {about[f'test_{key}']}" for key in Errors._fields))
    return about
