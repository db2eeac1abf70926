"""One-shot learning of arm movements by learning signals that a second network has learned to emit.

``python -m snncore.experiments one_shot --train --seed 0`` trains both networks.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from snncore.learning.descent import Descent, descend
from snncore.learning.eprop import ideal_signal, observe
from snncore.learning.losses import rate_cost
from snncore.learning.one_shot import Lesson, OneShot
from snncore.networks.checkpoints import about_checkpoint, accounts, load_checkpoint
from snncore.networks.recurrent import Weights
from snncore.networks.recurrent import run as run_network
from snncore.record import Record
from snncore.seeds import torch_generator
from snncore.tasks import arm
from snncore.tasks.arm import Movements
from snncore.trainings.job import Done, train_or_read

DT, STEPS = 2.0, 250  # half a second
CODE, CLOCK = arm.Code(), arm.clock(STEPS, DT)
NEURONS = LSG_NEURONS = 128
ETA = 3e-3
VELOCITY, POSITION = 0.1, 150.0  # what errors of velocity [rad/s] and of position (arm length 1) count in the loss
RATE, LSG_RATE, RATE_COST = 20.0, 10.0, 100.0  # firing rates [Hz] that training aims at, what others cost
BATCH = 16  # new movements per update of the outer optimization
RECIPE = Descent(120_000, rate=2e-3, warmup=50, end=0.03, clip=1.5, every=100, cycles=2)
LIVE = Descent(1200, rate=5e-3, warmup=50, end=0.03, clip=1.5)
SEEDS = 3


@dataclass(frozen=True)
class Config:
    """Held-out movements; those that also learn by ordinary updates, and how many; updates of the live training."""

    movements: int = 256
    ordinary: int = 16
    updates: int = 200
    live: int = LIVE.updates
    seed: int = 0


PRESETS = {
    "smoke": Config(movements=32, ordinary=4, updates=4, live=50),
    "book": Config(),
    "paper": Config(),
}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


# --- Training ---------------------------------------------------------------------------------------------------------------------------


def network(seed: int) -> OneShot:
    """Learner and LSG with fresh weights."""
    shown = 2 * CODE.neurons
    return OneShot(CLOCK.shape[-1], shown, 2, NEURONS, LSG_NEURONS, DT, ETA, torch_generator(seed, "weights of learner and LSG"))


def constants(net: OneShot) -> dict[str, float]:
    """What decides what the weights mean, beside their shapes: of the network, of what it is shown, and of what it was trained for."""
    shown = {"steps": STEPS, "clock_spikes": int(CLOCK.sum())} | {f"code_{name}": value for name, value in CODE._asdict().items()}
    aims = {"velocity": VELOCITY, "position": POSITION, "firing": RATE, "lsg_firing": LSG_RATE, "firing_cost": RATE_COST, "batch": BATCH}
    return net.constants | shown | aims


def loss_of(omega: Float[Tensor, "time batch 2"], m: Movements) -> Float[Tensor, " batch"]:
    """What a movement by these velocities costs: errors of velocity and position."""
    return (VELOCITY * (omega - m.omega).square().mean((0, 2)) + POSITION * off(omega, m)) / 2


def off(omega: Float[Tensor, "time #batch 2"], m: Movements) -> Float[Tensor, " batch"]:
    """Mean squared error of the tip's position (mean over x and y; arm length 1)."""
    return (arm.move(omega, DT) - m.tip).square().mean((0, 2))


def lesson(net: OneShot, m: Movements) -> Lesson:
    """Show each movement once, update once."""
    return net(CLOCK, CODE.spikes(m.tip, DT))


def outer(net: OneShot):
    """An update of the outer optimization: of learner and LSG, by the error after the inner update."""

    def update(k: int, g: torch.Generator) -> dict[str, float]:
        m = arm.draw(BATCH, STEPS, DT, g)
        found = lesson(net, m)
        omega = net.output(found.after)
        rate, lsg_rate = RATE * DT / 1000, LSG_RATE * DT / 1000
        costs = (rate_cost(found.before.z, rate, rate) + rate_cost(found.after.z, rate, rate)) / 2
        costs = costs + rate_cost(found.lsg.z, lsg_rate, lsg_rate)
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
    """Movements that no training has seen, in batches of at most 64."""
    sizes = [min(64, c.movements - first) for first in range(0, c.movements, 64)]
    return [arm.draw(n, STEPS, DT, torch_generator(c.seed, f"held-out movements {k}")) for k, n in enumerate(sizes)]


def joined(batches: list[Movements]) -> Movements:
    """All movements in one batch."""
    return Movements(*(torch.cat(parts, 1) for parts in zip(*batches, strict=True)))


@torch.no_grad()
def lessons(net: OneShot, batches: list[Movements]) -> Tested:
    """One lesson for each held-out movement."""
    parts = []
    for m in batches:
        found = lesson(net, m)
        weights = net.updated(CLOCK, found.before, found.learning_signal.roll(1, 1))
        swapped = net.trial(CLOCK.expand(-1, m.tip.shape[1], -1), weights)
        parts.append(Tested(*(off(net.output(a), m) for a in (found.before, found.after, swapped))))
    return Tested(*(torch.cat(column) for column in zip(*parts, strict=True)))


def train_arm(seed: int = 0) -> dict[str, Any]:
    """Train learner and LSG; if that is done, only read the account."""

    def do(state: Path) -> Done:
        net = network(seed)
        log = descend(net, outer(net), RECIPE, seed, state, constants=constants(net))
        found = lessons(net, held_out(Config()))
        results = {f"test_{key}": float(f"{value.mean():.4g}") for key, value in found._asdict().items()}
        return Done(net, "movements of the family, 16 new ones per update", log, results)

    return train_or_read(f"one_shot_{seed}", "snncore.experiments one_shot --train", RECIPE, seed, do, constants(network(seed)))


# --- Ordinary learning, from the same weights -------------------------------------------------------------------------------------------

SIZES = (  # of a single step, relative to the recurrent weights
    0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.01, 0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0,
)  # fmt: skip
RATES = 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2  # of Adam
SPAN = 10  # updates over whose errors a mean is taken, since an error goes up and down from one to the next


class Own(NamedTuple):
    """Weights of each movement's own learner."""

    w_in: Float[Tensor, "batch neuron input"]
    w_rec: Float[Tensor, "batch neuron neuron"]


def ordinary_gradient(net: OneShot, own: Own, m: Movements, credit: bool) -> tuple[Own, Float[Tensor, " batch"]]:
    """Gradient of each movement's loss for its own weights, by BPTT or (no credit) e-prop; and its position error."""
    w_in, w_rec = (w.detach().requires_grad_() for w in own)
    x = CLOCK.expand(-1, len(w_in), -1)
    learner = net.learner
    w_out = learner.w_out.detach().expand(len(w_in), -1, -1)
    found = run_network(x, Weights(w_in, w_rec * learner.no_self, w_out), learner.populations, learner.readout, credit=credit)
    omega = net.output(found)
    grads = torch.autograd.grad(loss_of(omega, m).sum(), (w_in, w_rec))
    return Own(*grads), off(omega.detach(), m)


def single_steps(start: Own, grads: Own) -> Iterator[Own]:
    """The weights after one step against a gradient, of each of `SIZES`."""
    unit = start.w_rec.std() / grads.w_rec.std()
    for size in SIZES:
        yield Own(*(w - size * unit * grad for w, grad in zip(start, grads, strict=True)))


def descended(start: Own, learn: Callable[[Own], tuple[Own, float]], updates: int, rate: float) -> list[float]:
    """What ``learn`` gives beside the gradient, before each of so many updates by Adam."""
    own = Own(*(w.clone() for w in start))
    optimizer, curve = torch.optim.Adam(own, rate), []
    for _ in range(updates + 1):
        grads, found = learn(own)
        curve.append(found)
        for w, grad in zip(own, grads, strict=True):
            w.grad = grad
        optimizer.step()
    return curve


def best_single(net: OneShot, m: Movements, credit: bool) -> float:
    """Mean position error after one step of a gradient, by the size that is best for these very movements."""
    weights, batch = Weights(*(w.detach() for w in net.learner.weights())), m.tip.shape[1]
    grads, _ = ordinary_gradient(net, Own(*(w.expand(batch, -1, -1) for w in weights[:2])), m, credit)
    x, w_out = CLOCK.expand(-1, batch, -1), weights.w_out.expand(batch, -1, -1)
    return min(float(off(net.output(net.trial(x, Weights(*own, w_out))), m).mean()) for own in single_steps(Own(*weights[:2]), grads))


class Followed(NamedTuple):
    """Ordinary updates at the rate that matches first: the rate, after how many (None if after more), and the errors before each."""

    rate: float
    needed: int | None
    errors: Float[Tensor, "update batch"]


def follow(
    net: OneShot, m: Movements, credit: bool, updates: int, goal: Float[Tensor, " batch"], rates: tuple[float, ...] = RATES
) -> Followed:
    """Position errors before each of so many updates by Adam, each movement with its own weights, at all rates side by side.

    A movement is matched by the first update from which on the mean of `SPAN` errors is at most its goal. As soon as half of the
    movements are matched at one rate, only that rate goes on. If none is, it is the one with the lowest median error in the end.
    """
    batch, start = m.tip.shape[1], [w.detach() for w in net.learner.weights()[:2]]
    owns = [Own(*(w.expand(batch, -1, -1).clone() for w in start)) for _ in rates]
    optimizer = torch.optim.Adam([{"params": own, "lr": rate} for own, rate in zip(owns, rates, strict=True)])
    every, matched, needed, going = [], torch.zeros(len(rates), batch, dtype=torch.bool), None, range(len(rates))
    for k in range(updates + SPAN):  # so that ten errors follow the last update, too
        together = Own(*(torch.cat(parts) for parts in zip(*(owns[i] for i in going), strict=True)))
        copies = Movements(*(part.repeat(1, len(going), 1) for part in m))
        grads, errors = ordinary_gradient(net, together, copies, credit)
        every.append(errors.unflatten(0, (len(going), batch)))
        if needed is None and k + 1 >= SPAN:
            matched |= torch.stack(every[-SPAN:]).mean(0) <= goal
            shares = matched.float().mean(1)
            if shares.max() >= 0.5:
                best, needed = int(shares.argmax()), k + 1 - SPAN
                going, every = range(best, best + 1), [errors[best : best + 1] for errors in every]
                grads = Own(*(grad[best * batch : (best + 1) * batch] for grad in grads))
        optimizer.zero_grad()
        for i, *parts in zip(going, *(grad.split(batch) for grad in grads), strict=True):
            for w, grad in zip(owns[i], parts, strict=True):
                w.grad = grad
        optimizer.step()
    curves = torch.stack(every, 1)  # of the rates that went on
    last = int(curves[:, -SPAN:].mean(1).median(-1).values.argmin())
    return Followed(rates[going[last]], needed, curves[last])


# --- What the signals are ---------------------------------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """One batch of lessons, with the learning signals that BPTT would propose for the trial before the update."""

    movements: Movements
    lesson: Lesson
    ideal: Float[Tensor, "time batch neuron"]


def signals(net: OneShot, m: Movements) -> Seen:
    """The LSG's learning signals, and dE/dz of the same trial."""
    with torch.no_grad():
        found = lesson(net, m)
    weights = Weights(*(w.detach() for w in net.learner.weights()))
    trial, _ = observe(CLOCK.expand(-1, m.tip.shape[1], -1), weights, net.learner.populations, net.learner.readout)
    return Seen(m, found, ideal_signal(trial, net.learner.readout, lambda _, y: loss_of(net.scale * y, m).sum()))


def correlation(a: Float[Tensor, " n"], b: Float[Tensor, " n"]) -> float:
    """Pearson's."""
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


# --- Drawn paths: outside the family ----------------------------------------------------------------------------------------------------


def drawn() -> dict[str, Movements]:
    """Paths that begin where the arm starts: a circle, an eight, a letter S, and a spiral."""
    s = torch.linspace(0, 1, STEPS)
    turn, start = 2 * math.pi * s, arm.tip_of(torch.tensor(arm.START))
    curves = {
        "circle": (0.2 * (turn.cos() - 1), 0.2 * turn.sin()),
        "eight": (0.25 * turn.sin(), 0.15 * (2 * turn).sin()),
        "letter S": (-0.15 * (1.5 * turn).sin(), -0.5 * s),
        "spiral": (0.2 * s * (2 * turn).cos(), 0.2 * s * (2 * turn).sin()),
    }
    return {name: arm.follow((start + torch.stack(curve, -1))[:, None], DT) for name, curve in curves.items()}


# --- The chapter ------------------------------------------------------------------------------------------------------------------------


class Ordinary(NamedTuple):
    """Median position errors of the movements: before each ordinary update, over the networks (median, lowest, highest); after one update
    by learned signals, of each network."""

    curves: pd.DataFrame
    one_update: list[float]


class Result(NamedTuple):
    """What the chapter draws."""

    seen: Seen
    errors: Float[Tensor, " batch"]
    ordinary: Ordinary
    figures: dict[str, tuple[Movements, Float[Tensor, "time 2"], Float[Tensor, "time 2"]]]
    curves: pd.DataFrame


def trained(seed: int) -> OneShot:
    """Learner and LSG with recorded weights."""
    net = network(seed)
    return load_checkpoint(f"one_shot_{seed}", net, constants(net))


def tests(record: Record, c: Config, batches: list[Movements]) -> Tested:
    """All recorded networks about held-out movements, with all controls; returns what the first one does."""
    everything = joined(batches)
    variance = float((everything.tip - everything.tip.mean(1, keepdim=True)).square().mean())
    nets, rows = [trained(seed) for seed in range(SEEDS)], []
    every = [lessons(net, batches) for net in nets]
    for net, found in zip(nets, every, strict=True):
        rows.append({**{key: float(value.mean()) for key, value in found._asdict().items()},
                     "result": 100 * (1 - float(found.after.mean()) / variance),
                     "single_eprop": best_single(net, everything, False), "single_bptt": best_single(net, everything, True)})  # fmt: skip
    table = pd.DataFrame(rows)
    for key in table:
        low, high = float(table[key].min()), float(table[key].max())
        record.claim(
            f"oneshot.arm.{key}", float(table[key].mean()), low=low, high=high, dataset="held-out movements", n=c.movements, seeds=SEEDS
        )
    faster = table["after"].mean() < min(table["single_eprop"].mean(), table["single_bptt"].mean())
    record.verdict("oneshot.proposal", bool(faster), dataset="held-out movements", n=c.movements, seeds=SEEDS)
    record.value("variance", variance, "{:.3f}")
    record.claim("oneshot.arm.updates", 1, bound=None if table["result"].min() > 50 else ">")  # one is not enough: more than one
    first = every[0]
    record.value("distance", 100 * float(torch.sqrt(2 * first.after).median()), "{:.0f} %")
    record.value("than_before_shuffled", 100 * float(table["shuffled"].mean() / table["before"].mean()), "{:.0f} %")
    return first


def ordinary(record: Record, c: Config, m: Movements) -> Ordinary:
    """How many ordinary updates from the weights of each trained learner are as good as one by learned signals, at the best rate."""
    nets, curves = [trained(seed) for seed in range(SEEDS)], []
    with torch.no_grad():
        goals = [off(net.output(lesson(net, m).after), m) for net in nets]
    for rule, name, end in (("e-prop", "eprop", ""), ("BPTT", "bptt", ".bptt")):
        found = [follow(net, m, rule == "BPTT", c.updates, goal) for net, goal in zip(nets, goals, strict=True)]
        needed = sorted(c.updates + 1 if one.needed is None else one.needed for one in found)  # the largest stands for all beyond
        beyond = [k > c.updates for k in needed]
        middle = SEEDS // 2
        record.claim(
            f"oneshot.arm.k_to_match{end}",
            min(needed[middle], c.updates),
            bound=">" if beyond[middle] else None,
            low=None if beyond[0] else needed[0],
            high=None if beyond[-1] else needed[-1],
            dataset="held-out movements",
            n=c.ordinary,
            seeds=SEEDS,
        )
        record.value(f"rates_{name}", " and ".join(f"{rate:g}" for rate in sorted({one.rate for one in found})))
        medians = torch.stack([one.errors.quantile(0.5, 1) for one in found])
        over_networks = {"median": medians.quantile(0.5, 0), "low": medians.amin(0), "high": medians.amax(0)}
        curves.append(pd.DataFrame({"rule": rule, "updates": range(medians.shape[1]), **over_networks}))
        last = [one.errors[-SPAN:] for one in found]
        record.value(f"typical_{name}", span([float(errors.mean(0).quantile(0.5)) for errors in last]))
        record.value(f"mean_{name}", span([float(errors.mean()) for errors in last]))
    one_update = [float(goal.quantile(0.5)) for goal in goals]
    record.value("typical_one", span(one_update))
    record.value("mean_one", span([float(goal.mean()) for goal in goals]))
    record.value("ordinary", c.ordinary)
    record.value("ordinary_updates", c.updates)
    record.value("ordinary_span", SPAN)
    record.value("ordinary_rates", ", ".join(f"{rate:g}" for rate in RATES))
    return Ordinary(pd.concat(curves, ignore_index=True), one_update)


def span(errors: list[float]) -> str:
    """Lowest and highest, as the text quotes them."""
    return f"{min(errors):.4f} to {max(errors):.4f}"


def explained(error: Float[Tensor, " batch"], m: Movements) -> Float[Tensor, " batch"]:
    """Share of each path's own variance in time, mean over x and y, that is not error; negative if a still arm would be better."""
    return 1 - error / m.tip.var(0, correction=0).mean(-1)


def figures(record: Record, batches: list[Movements], first: Tested) -> dict[str, tuple[Movements, Tensor, Tensor]]:
    """The network about drawn paths, which are not of its family: paths before and after one update."""
    net, found, rows, shares = trained(0), {}, [], []
    for name, m in drawn().items():
        with torch.no_grad():
            one = lesson(net, m)
        before, after = (net.output(a).detach() for a in (one.before, one.after))
        found[name] = (m, arm.move(before, DT)[:, 0], arm.move(after, DT)[:, 0])
        share = float(explained(off(after, m), m))
        rows.append({"path": name, "error before": f"{float(off(before, m)):.4f}", "error after one update": f"{float(off(after, m)):.4f}",
                     "of the path's own variance explained": f"{100 * share:.0f} %"})  # fmt: skip
        shares.append(share)
    record.table(pd.DataFrame(rows), "drawn")
    family = explained(first.after, joined(batches))
    low = float(family.quantile(0.05))
    record.value("family_median", 100 * float(family.median()), "{:.0f} %")
    record.value("family_low", 100 * low, "{:.0f} %")
    record.verdict("oneshot.arm.range", min(shares) >= low, dataset="drawn paths", n=len(shares), seeds=1)
    return found


def live(record: Record, c: Config, batches: list[Movements]) -> None:
    """Train from scratch, here and now."""
    net, recipe = network(c.seed), replace(LIVE, updates=c.live)
    path = record.folder / "live.state"
    descend(net, outer(net), recipe, c.seed, path, progress=False)
    path.unlink()
    found = lessons(net, batches)
    after = float(found.after.mean())
    if c.live >= LIVE.updates:  # a shorter one enters no claim
        record.claim("oneshot.arm.live", after, dataset="held-out movements", n=c.movements, seeds=1)
    record.value("live_after", after, "{:.3f}")
    record.value("live_before", float(found.before.mean()), "{:.3f}")
    record.value("live_updates", f"{c.live:,}")


def curves() -> pd.DataFrame:
    """Position error after one update in the recorded trainings, in new movements of each 100 updates."""
    rows = [(about["seed"], row["update"], row["after"]) for about in accounts("one_shot_[0-9]").values() for row in about["log"]]
    return pd.DataFrame(rows, columns=["seed", "update", "error"])


def run(c: Config, record: Record) -> Result:
    """Lessons for held-out movements with all controls, what the signals are, drawn paths, and a short training."""
    batches = held_out(c)
    first = tests(record, c, batches)
    seen = signals(trained(0), batches[0])
    ours, ideal = seen.lesson.learning_signal, seen.ideal
    each = [correlation(ours[:, :, j].flatten(), ideal[:, :, j].flatten()) for j in range(NEURONS)]
    where: dict[str, Any] = {"dataset": "held-out movements", "n": batches[0].tip.shape[1], "seeds": 1}
    record.value("shown", len(seen.movements.tip[0]))
    record.claim("oneshot.arm.signal_correlation", correlation(ours.flatten(), ideal.flatten()), **where)
    record.claim(
        "oneshot.arm.signal_correlation.neuron", float(np.nanmean(each)), low=float(np.nanmin(each)), high=float(np.nanmax(each)), **where
    )
    about = about_checkpoint("one_shot_0")
    updates, times = about["recipe"]["updates"], [about_checkpoint(f"one_shot_{k}")["seconds"] for k in range(SEEDS)]
    words = {
        "outer_updates": f"{updates:,}", "outer_movements": f"{BATCH * updates:,}", "batch": BATCH, "sizes": len(SIZES),
        "minutes": " to ".join(f"{seconds / 60:.0f}" for seconds in (min(times), max(times))), "machine": about["machine"],
    }  # fmt: skip
    sizes = {"code": 2 * CODE.neurons, "neurons": NEURONS, "lsg_neurons": LSG_NEURONS, "movements": c.movements, "seeds": SEEDS}
    for name, value in (words | sizes).items():
        record.value(name, value)
    live(record, c, batches)
    few = Movements(*(part[:, : c.ordinary] for part in batches[0]))
    errors = off(trained(0).output(seen.lesson.after), seen.movements)
    return Result(seen, errors, ordinary(record, c, few), figures(record, batches, first), curves())


def options(parser: argparse.ArgumentParser) -> None:
    """The words of the command that trains."""
    parser.add_argument("--train", action="store_true", help="train learner and LSG to learn movements in one update")


def command(given: argparse.Namespace) -> bool:
    """Train, if that is asked for."""
    if not given.train:
        return False
    about = train_arm(given.seed)
    print("mean squared position error of held-out movements: " + ", ".join(f"{key} {about[f'test_{key}']}" for key in Tested._fields))
    return True
