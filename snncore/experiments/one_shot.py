"""One-shot learning of arm movements by learning signals that a second network has learned to emit.

``python -m snncore.experiments one_shot --train --seed 0`` trains both networks.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from snncore.experiments import training
from snncore.learning.descent import Descent, descend
from snncore.learning.losses import rate_cost
from snncore.learning.one_shot import Lesson, OneShot
from snncore.seeds import torch_generator
from snncore.tasks import arm
from snncore.tasks.arm import Movements

DT, STEPS = 2.0, 250  # half a second
CODE, CLOCK = arm.Code(), arm.clock(STEPS, DT)
NEURONS = LSG_NEURONS = 128
ETA = 3e-3
VELOCITY, POSITION = 0.1, 150.0  # what errors of velocity [rad/s] and of position (arm length 1) count in the loss
RATE, LSG_RATE, RATE_COST = 20.0, 10.0, 100.0  # firing rates [Hz] that training aims at, what others cost
RECIPE = Descent(30_000, rate=5e-3, warmup=50, end=0.03, clip=1.5, every=100)
LIVE = Descent(1200, rate=5e-3, warmup=50, end=0.03, clip=1.5)
SEEDS = 3


@dataclass(frozen=True)
class Config:
    """Held-out movements; those that also learn by ordinary updates, and how many; updates of the live training; seeds to train."""

    movements: int = 256
    ordinary: int = 32
    updates: int = 150
    live: int = LIVE.updates
    train: int = 0
    seed: int = 0


PRESETS = {
    "smoke": Config(movements=32, ordinary=4, updates=4, live=50),
    "book": Config(),
    "paper": Config(ordinary=64, updates=300, train=SEEDS),
}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


# --- Training ---------------------------------------------------------------------------------------------------------------------------


def network(seed: int) -> OneShot:
    """Learner and LSG with fresh weights."""
    shown = 2 * CODE.neurons
    return OneShot(CLOCK.shape[-1], shown, 2, NEURONS, LSG_NEURONS, DT, ETA, torch_generator(seed, "weights of learner and LSG"))


def loss_of(omega: Float[Tensor, "time batch 2"], m: Movements) -> Float[Tensor, " batch"]:
    """What a movement by these velocities costs: errors of velocity and position."""
    position = (arm.move(omega, DT) - m.tip).square().mean((0, 2))
    return (VELOCITY * (omega - m.omega).square().mean((0, 2)) + POSITION * position) / 2


def off(omega: Float[Tensor, "time batch 2"], m: Movements) -> Float[Tensor, " batch"]:
    """Mean squared error of the tip's position (mean over x and y; arm length 1)."""
    return (arm.move(omega, DT) - m.tip).square().mean((0, 2))


def lesson(net: OneShot, m: Movements, generator: torch.Generator) -> Lesson:
    """Show each movement once, update once."""
    return net(CLOCK, CODE.spikes(m.tip, DT, generator))


def outer(net: OneShot, batch: int = 16):
    """An update of the outer optimization: of learner and LSG, by the error after the inner update."""

    def update(k: int, g: torch.Generator) -> dict[str, float]:
        m = arm.draw(batch, STEPS, DT, g)
        found = lesson(net, m, g)
        omega = net.output(found.after)
        rate, lsg_rate = RATE * DT / 1000, LSG_RATE * DT / 1000
        costs = (rate_cost(found.before.z, rate, rate) + rate_cost(found.after.z, rate, rate)) / 2 + rate_cost(
            found.lsg.z, lsg_rate, lsg_rate
        )
        error = loss_of(omega, m).mean()
        (error + RATE_COST * costs).backward()
        return {"loss": float(error.detach()), "after": float(off(omega.detach(), m).mean())}

    return update


class Tested(NamedTuple):
    """Errors of each held-out movement before and after one update, and after one by another movement's learning signals."""

    before: Float[Tensor, " batch"]
    after: Float[Tensor, " batch"]
    shuffled: Float[Tensor, " batch"]


def held_out(c: Config) -> list[Movements]:
    """Movements that no training has seen, in batches."""
    sizes = [64] * (c.movements // 64) or [c.movements]
    return [arm.draw(n, STEPS, DT, torch_generator(c.seed, f"held-out movements {k}")) for k, n in enumerate(sizes)]


@torch.no_grad()
def test(net: OneShot, batches: list[Movements], seed: int) -> Tested:
    """One lesson for each held-out movement."""
    parts = []
    for k, m in enumerate(batches):
        found = lesson(net, m, torch_generator(seed, f"spikes that show held-out movements {k}"))
        weights = net.updated(CLOCK, found.before, found.learning_signal.roll(1, 1))
        swapped = net.trial(CLOCK.expand(-1, m.tip.shape[1], -1), weights)
        parts.append(Tested(*(off(net.output(a), m) for a in (found.before, found.after, swapped))))
    return Tested(*(torch.cat(column) for column in zip(*parts, strict=True)))


def train_arm(seed: int = 0) -> dict[str, Any]:
    """Train learner and LSG; if that is done, only read the account."""
    name = f"one_shot_{seed}"
    if training.kept(name, RECIPE) is None:
        start, net = training.commit(), network(seed)
        log = descend(net, outer(net), RECIPE, seed, training.state_of(name))
        found = test(net, held_out(Config()), 0)
        results = {f"test_{key}": float(f"{value.mean():.4g}") for key, value in found._asdict().items()}
        training.keep(name, "one_shot --train", seed, RECIPE, net, "movements of the family, 16 new ones per update", start, log, **results)
    account = training.kept(name, RECIPE)
    assert account
    return account
