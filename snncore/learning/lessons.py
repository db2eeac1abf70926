"""Lessons of one-shot classification: right answers and their controls, mistakes, and ordinary learning from the same first weights."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from snncore.learning.one_shot_classifier import OneShotClassifier
from snncore.learning.ordinary import Own, descended, first_weights, in_force, single_steps
from snncore.seeds import torch_generator
from snncore.statistics import mean_share
from snncore.tasks import episodes
from snncore.tasks.episodes import Episodes, Examples
from snncore.tasks.omniglot import Run, shrink

RATES = 3e-4, 1e-3, 3e-3  # of Adam
RULES = {"e-prop": False, "BPTT": True}  # whether gradients flow through the recurrent weights


def draw_slots(e: Episodes, slots: int, generator: torch.Generator) -> Int[Tensor, "episode way"]:
    """Draw a readout for each class of an episode, without repetition, out of ``slots``."""
    return torch.rand(len(e.support), slots, generator=generator).argsort(1)[:, : e.support.shape[1]]


class Right(NamedTuple):
    """Which answers are right (1, or 0), by what answers: the learner and its controls."""

    after: Float[Tensor, "episode query"]  #: one update
    features: Float[Tensor, "episode query"]  #: the example with the most similar features
    nearest: Float[Tensor, "episode query"]  #: the nearest image
    readouts: Float[Tensor, "episode query"]  #: one update, by readouts as they are, not relative to those for the lesson's examples
    before: Float[Tensor, "episode query"] | None = None  #: without an update
    shuffled: Float[Tensor, "episode query"] | None = None  #: one update by signals of another episode, or of the only one's next example

    def intervals(self) -> dict[str, tuple[float, float, float]]:
        """Mean [%] over episodes and its 95 % interval, by name."""
        return {name: mean_share(right.mean(1)) for name, right in self._asdict().items() if right is not None}


def drawn_for_test(held_out: Examples, ways: int, count: int, seed: int) -> list[tuple[Episodes, torch.Generator]]:
    """Batches of ``count`` episodes in all, with one query for each example, each with a generator for the slots."""
    batch, parts = max(1, 200 // ways), []
    for k in range(0, count, batch):
        g = torch_generator(seed, f"test episode {k}, {ways} ways")
        parts.append((episodes.draw(held_out.classes, min(batch, count - k), ways, 1, g), g))
    return parts


def _spikes(net: OneShotClassifier, images: Tensor, places: Tensor) -> Bool[Tensor, "time image feature"]:
    """Spikes of the features of the images at these places; each is computed once."""
    spikes = torch.zeros(net.features.steps, len(images), net.features.neurons.size, dtype=torch.bool)
    for some in places.unique().split(200):
        spikes[:, some] = net.features(images[some]).bool()
    return spikes


def _shown(e: Episodes) -> Int[Tensor, " image"]:
    """Places of all examples, then all queries."""
    return torch.cat([e.support.flatten(), e.query.flatten()])


def _answers(
    net: OneShotClassifier, images: Tensor, spikes: Tensor, e: Episodes, g: torch.Generator, controls: bool
) -> list[Float[Tensor, "episode query way"]]:
    """What the fields of `Right` answer in episodes, by images and the spikes of their features; the generator draws the slots."""
    slot = draw_slots(e, net.slots, g)
    s = net.lesson(spikes[:, _shown(e)].float(), slot)
    distance = torch.cdist(images[e.query].flatten(2), images[e.support].flatten(2))
    answers = [s.answers, s.alike, -distance, s.readouts]
    if controls:
        seen, asked = s.features.split([e.support.numel(), e.query.numel()], 1)
        others = s.learning_signal.roll(slot.shape[1] if len(slot) > 1 else 1, 1)
        mistaught = net.pair.updated(net.seen(seen), s.before, others, slot.shape[1])
        answers += [net.answer(seen, asked, slot, weights) for weights in (None, mistaught)]
    return answers


@torch.no_grad()
def right_in_episodes(
    net: OneShotClassifier, held_out: Examples, ways: Sequence[int], count: int, seed: int, controls: bool = True
) -> dict[int, Right]:
    """Ask a network in the episodes of `drawn_for_test`, by their number of ways; without ``controls``, only after the update."""
    images, drawn = held_out.images, {k: drawn_for_test(held_out, k, count, seed) for k in ways}
    spikes = _spikes(net.eval(), images, torch.cat([_shown(e) for batches in drawn.values() for e, _ in batches]))
    right: dict[int, Right] = {}
    for k, batches in drawn.items():
        parts = [[(y.argmax(-1) == e.label).float() for y in _answers(net, images, spikes, e, g, controls)] for e, g in batches]
        right[k] = Right(*(torch.cat(column) for column in zip(*parts, strict=True)))
    return right


class Wrong(NamedTuple):
    """Wrong answers [%] in each run of a 20-way test."""

    after: Float[Tensor, " run"]  #: one update
    readouts: Float[Tensor, " run"]  #: one update, by readouts as they are
    features: Float[Tensor, " run"]  #: the example with the most similar features


@torch.no_grad()
def wrong_in_runs(net: OneShotClassifier, runs: Sequence[Run]) -> Wrong:
    """Wrong answers [%] in each run of the official 20-way test, or of one like it; more symbols than readouts are a `ValueError`."""
    net.eval()
    wrong = []
    for run in runs:
        if len(run.examples) > net.slots:
            raise ValueError(f"{run.name} has {len(run.examples)} symbols: the network tells {net.slots} apart")
        slot = torch.randperm(net.slots, generator=torch_generator(0, run.name))[None, : len(run.examples)]
        s = net(shrink(run.examples)[None], slot, shrink(run.queries)[None])
        answers = torch.cat([s.answers, s.readouts, s.alike]).argmax(-1)
        wrong.append(100 * (answers != run.label).double().mean(1))
    return Wrong(*torch.stack(wrong, 1))


@torch.no_grad()
def confusions(
    net: OneShotClassifier, examples: Examples, names: Sequence[str], queries: int, lessons: int, g: torch.Generator
) -> pd.DataFrame:
    """Share of the queries of each class (row) that are answered by each class (column) [%], where all classes are to choose from."""
    counts, class_of = torch.zeros(len(names), len(names)), torch.full((len(examples.images),), -1)
    for k, places in enumerate(examples.classes):
        class_of[places] = k
    spikes = _spikes(net, examples.images, torch.cat(list(examples.classes)))
    for _ in range(lessons):
        e = episodes.draw(examples.classes, 5, len(names), queries, g)
        answers = net.lesson(spikes[:, _shown(e)].float(), draw_slots(e, net.slots, g)).answers.argmax(-1)
        taken_for = class_of[e.support.gather(1, answers)]
        counts.index_put_((class_of[e.query].flatten(), taken_for.flatten()), torch.ones(()), accumulate=True)
    return pd.DataFrame((100 * counts / counts.sum(1, keepdim=True)).numpy(), list(names), list(names))


def own_gradient(net: OneShotClassifier, own: Own, seen: Tensor, slot: Tensor, credit: bool) -> Own:
    """Gradient of each episode's cross-entropy on its examples, for the weights of its own learner, by BPTT or (no credit) e-prop.

    ``seen`` are the spikes of the features of the examples, of shape (time, example, feature); ``slot`` has shape (episode, way).
    """
    own = Own(*(w.detach().requires_grad_() for w in own))
    _, y = net.ask(seen, slot, in_force(net.pair.learner, own), credit)
    label = torch.arange(slot.shape[1]).repeat(len(slot))
    return Own(*torch.autograd.grad(F.cross_entropy(y.flatten(0, 1), label, reduction="sum"), own))


Interval = tuple[float, float, float]


class Compared(NamedTuple):
    """Right answers in some lessons: after one update by learned signals and, by rule, after ordinary updates.

    Each is the mean [%] over lessons and its 95 % interval, at the size of the step, or rate of updates, best for these very queries.
    """

    learned: Interval
    single: dict[str, Interval]  #: after the best single step
    curves: dict[str, list[Interval]]  #: before each of some updates by Adam, and after the last

    def reached(self, rule: str) -> int | None:
        """After how many updates a rule is as good as one by learned signals, but for rounding; None if after more than there were."""
        return next((k for k, right in enumerate(self.curves[rule]) if right[0] > self.learned[0] - 1e-3), None)


def compare_with_ordinary(
    net: OneShotClassifier, examples: Examples, lessons: int, ways: int, updates: int, g: torch.Generator
) -> Compared:
    """Compare one update by learned signals with ordinary ones from the same first weights, in the same lessons (two queries a class)."""
    e = episodes.draw(examples.classes, lessons, ways, 2, g)
    slot = draw_slots(e, net.slots, g)
    with torch.no_grad():
        s = net(examples.images[e.support], slot, examples.images[e.query])
    seen, asked = s.features.split([e.support.numel(), e.query.numel()], 1)
    fresh = first_weights(net.pair.learner.weights(), lessons)

    @torch.no_grad()
    def right(own: Own) -> Interval:
        answers = net.answer(seen, asked, slot, in_force(net.pair.learner, own))
        return mean_share((answers.argmax(-1) == e.label).float().mean(1))

    single, curves = {}, {}
    for rule, credit in RULES.items():

        def learn(own: Own, credit: bool = credit) -> tuple[Own, Interval]:
            return own_gradient(net, own, seen, slot, credit), right(own)

        single[rule] = max(map(right, single_steps(fresh, learn(fresh)[0])))
        curves[rule] = max((descended(fresh, learn, updates, rate) for rate in RATES), key=max)
    return Compared(mean_share((s.answers.argmax(-1) == e.label).float().mean(1)), single, curves)
