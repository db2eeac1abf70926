r"""One-shot classification: after one update, a spiking network tells classes apart of which it has seen one example each.

Features of an image are found by convolutions, in analog numbers. From there on there are spikes only: a layer of LIF neurons fires at the
features, and a clock fires for what is shown at all. The learner sees both. While it learns, the learning-signal generator (LSG) sees
what the learner sees and does, and the class of each example, as a neuron that fires. All examples lead to one update,

.. math:: W'_{ji} = W_{ji} - \eta \sum_\text{examples} \sum_t L_j(t)\, \psi_j(t)\, \epsilon^v_i(t)

and the answer about another image is the class whose readout is highest after it. The weights before the update, the LSG and the features
are trained together, by backpropagation through the update.

A readout y may be high whatever is shown. So answers are relative to readouts for the lesson's own examples e, asked once more after the
update:

.. math:: y'_k = \frac{y_k - \text{mean}_e\, y_k(e)}{\text{sd}_e\, y_k(e) + 0.05}

Source: F. Scherr, C. Stöckl, W. Maass, One-shot learning with spiking neural networks, bioRxiv (2020).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from snncore.learning.one_shot import OneShot
from snncore.networks.recurrent import Activity, Population, Weights, run_network
from snncore.neurons import LIFParams, ReadoutParams
from snncore.seeds import seeded_draws, torch_generator

CHANNELS = 64  # of each convolution
CLOCK, EACH = 10, 5  # inputs that fire in turn for as long as something is shown, each in one of so many steps
LOGITS = 0.6  # of a softmax, in which a filtered spike counts about 1
LEAST = 0.05  # added to the spread of a readout


class Features(nn.Module):
    """Images to spikes: convolutions of 3 x 3 pixels, a linear layer that looks at all places, and LIF neurons; ``dt`` is in ms.

    What goes to the neurons has mean 0 and variance 1 over images, for each neuron, and then over neurons, for each image, so that
    images differ in which neurons fire, and not in how many.
    """

    def __init__(self, height: int, width: int, strides: Sequence[int], neurons: int, steps: int, dt: float):
        super().__init__()
        self.size = (1, height, width)
        layers: list[nn.Module] = []
        for k, stride in enumerate(strides):
            layers += [nn.Conv2d(CHANNELS if k else 1, CHANNELS, 3, stride, 1, bias=False), nn.BatchNorm2d(CHANNELS), nn.ReLU()]
            height, width = -(-height // stride), -(-width // stride)
        layers += [nn.Flatten(), nn.Linear(CHANNELS * height * width, neurons, bias=False), nn.BatchNorm1d(neurons, affine=False)]
        self.layers = nn.Sequential(*layers, nn.LayerNorm(neurons, elementwise_affine=False))
        self.neurons, self.steps = Population(neurons, LIFParams(20.0, 1.0, n_refractory=2, dt=dt)), steps

    def forward(self, images: Float[Tensor, "image 1 height width"]) -> Float[Tensor, "time image neuron"]:
        """Spikes of the features, while an image is shown; images of another size are refused (`ValueError`)."""
        if tuple(images.shape[1:]) != self.size:
            given, wanted = (" x ".join(map(str, size)) for size in (images.shape[1:], self.size))
            raise ValueError(f"images of {given} numbers: this network was made for {wanted} (channel, height, width)")
        n, p = self.neurons
        current = 3 * (1 - p.alpha) * p.v_th * self.layers(images)  # at a feature of 1, three times what makes a neuron fire at last
        weights = Weights(torch.eye(n).to(current), current.new_zeros(n, n), current.new_zeros(0, n))
        return run_network(current.expand(self.steps, -1, -1), weights, [self.neurons], ReadoutParams(20.0, p.dt)).z


class Session(NamedTuple):
    """One update for all examples of each episode, and answers to its queries."""

    features: Float[Tensor, "time image feature"]  #: spikes for all examples, then all queries
    before: Activity  #: of the learner at the examples
    lsg: Activity | None  #: of the LSG, if there is one
    learning_signal: Float[Tensor, "time example neuron"]  #: for each example
    weights: Weights  #: of the learner after the update, for each episode
    after: Activity  #: of the learner with these at the queries
    readouts: Float[Tensor, "episode query way"]  #: means over time
    answers: Float[Tensor, "episode query way"]  #: readouts relative to those for the lesson's own examples
    alike: Float[Tensor, "episode query way"]  #: see `OneShotClassifier.alike`


class OneShotClassifier(nn.Module):
    """Features, a learner, and the generator of its learning signals.

    Images of ``height`` x ``width`` pixels, convolved with these ``strides``, are shown for ``steps`` time steps of ``dt`` [ms]; ``slots``
    readouts tell as many classes apart, and ``eta`` is the step size of the update. Without ``lsg_neurons``, the learning signal is the
    error of the learner's own readouts at that step, sent back by their weights (and not filtered, as e-prop would).
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        strides: Sequence[int],
        slots: int,
        features: int,
        neurons: int,
        lsg_neurons: int,
        steps: int,
        dt: float,
        eta: float,
        seed: int,
    ):
        super().__init__()
        with seeded_draws(seed, "weights of the features"):
            self.features = Features(height, width, strides, features, steps, dt)
        generator = torch_generator(seed, "weights of learner and LSG")
        self.pair = OneShot(features + CLOCK, slots, slots, neurons, lsg_neurons, dt, eta, generator)
        self.slots = slots
        self.size = nn.Parameter(torch.ones(()), requires_grad=not lsg_neurons)  # of learning signals that no LSG can make larger
        clock = (torch.arange(steps)[:, None] - torch.arange(CLOCK) // (CLOCK // EACH)) % EACH == 0
        self.clock = nn.Buffer(clock[:, None].float(), persistent=False)
        with torch.no_grad():  # the learner waits: what it does by itself is small, and the clock brings it some way to its threshold
            self.pair.learner.w_in.mul_(0.5)
            self.pair.learner.w_in[:, -CLOCK:] = 0.02 * self.pair.lif.v_th
            self.pair.learner.w_rec.mul_(0.1)

    def signals(self, x: Tensor, slot: Int[Tensor, " example"], before: Activity) -> tuple[Tensor, Activity | None]:
        """Learning signals for examples of the classes in these slots, and the activity of the LSG."""
        shown = F.one_hot(slot, self.slots).to(x.dtype)
        if self.pair.lsg is not None:
            fires = torch.arange(len(x), device=x.device) % 2 == 0
            lsg = self.pair.signals(x, fires[:, None, None] * shown, before)
            return self.pair.output(lsg), lsg
        error = (LOGITS * self.pair.output(before)).softmax(-1) - shown
        return self.size * error @ self.pair.learner.w_out, None

    def seen(self, features: Float[Tensor, "time image feature"]) -> Float[Tensor, "time image input"]:
        """What the learner sees: spikes of features, and the clock."""
        return torch.cat([features, self.clock.expand(-1, features.shape[1], -1)], -1)

    def ask(
        self,
        features: Float[Tensor, "time image feature"],
        slot: Int[Tensor, "episode way"],
        weights: Weights | None = None,
        credit: bool = True,
    ) -> tuple[Activity, Float[Tensor, "episode query way"]]:
        """Activity of the learner at queries, with weights of each episode or with its own; and mean readouts of the slots."""
        queries = features.shape[1] // len(slot)
        x = self.seen(features)
        if weights is None:
            activity = self.pair.trial(x, None, credit)
        else:  # one episode after the other: its weights stay in the cache, and queries need no copies of them
            parts = [self.pair.trial(part, Weights(*own), credit) for part, *own in zip(x.split(queries, 1), *weights, strict=True)]
            activity = Activity(*(torch.cat(column, 1) for column in zip(*parts, strict=True)))
        readouts = LOGITS * self.pair.output(activity).mean(0).unflatten(0, (len(slot), queries))
        return activity, readouts.gather(2, slot[:, None].expand(-1, queries, -1))

    def answer(
        self,
        seen: Float[Tensor, "time example feature"],
        asked: Float[Tensor, "time image feature"],
        slot: Int[Tensor, "episode way"],
        weights: Weights | None = None,
    ) -> Float[Tensor, "episode query way"]:
        """Answers to queries, by spikes of their features and of those of the lesson's examples; weights as in `ask`."""
        return self.relative(self.ask(asked, slot, weights)[1], self.ask(seen, slot, weights)[1])

    def forward(
        self,
        support: Float[Tensor, "episode way 1 height width"],
        slot: Int[Tensor, "episode way"],
        query: Float[Tensor, "episode query 1 height width"],
    ) -> Session:
        """Learn the examples, each of the class in its slot, and answer queries: for each way, the readout of its slot.

        Raises `ValueError` for less than two ways, or more than there are slots, for two ways with the same slot, or if images, their sizes
        and slots do not fit.
        """
        episodes, ways = slot.shape
        if ways < 2:
            raise ValueError(f"{ways} way: there is nothing to tell apart, give the examples of two classes or more")
        for row in slot.tolist():
            if len(set(row)) < ways or not all(0 <= k < self.slots for k in row):
                raise ValueError(f"{ways} ways need as many different slots, from 0 to {self.slots - 1}: given {row}")
        if support.shape[:2] != slot.shape or len(query) != episodes or support.shape[2:] != query.shape[2:]:
            given = f"{tuple(support.shape)} examples, {tuple(slot.shape)} slots, {tuple(query.shape)} queries"
            raise ValueError(f"{given}: give an example for each slot, and queries for each episode, all images of one size")
        return self.lesson(self.features(torch.cat([support.flatten(0, 1), query.flatten(0, 1)])), slot)

    def lesson(self, z: Float[Tensor, "time image feature"], slot: Int[Tensor, "episode way"]) -> Session:
        """As `forward`, by the spikes of the features for all examples, then all queries."""
        episodes, ways = slot.shape
        z_support, z_query = z.split([episodes * ways, z.shape[1] - episodes * ways], 1)
        x = self.seen(z_support)
        before = self.pair.trial(x)
        learning_signal, lsg = self.signals(x, slot.flatten(), before)
        weights = self.pair.updated(x, before, learning_signal, ways)
        after, readouts = self.ask(z_query, slot, weights)
        answers = self.relative(readouts, self.ask(z_support, slot, weights)[1])
        return Session(z, before, lsg, learning_signal, weights, after, readouts, answers, self.alike(z, episodes, ways))

    @staticmethod
    def relative(readouts: Float[Tensor, "episode query way"], own: Float[Tensor, "episode way way"]) -> Float[Tensor, "episode query way"]:
        """Readouts relative to ``own``, those for the lesson's own examples. No label of a query is used."""
        return (readouts - own.mean(1, keepdim=True)) / (own.std(1, keepdim=True) + LEAST)

    def alike(self, z: Float[Tensor, "time image feature"], episodes: int, ways: int) -> Float[Tensor, "episode query way"]:
        """Ten times the cosine of rates of queries' and examples' features, less the mean of the episode's examples (in training: all)."""
        rates = z.mean(0)
        support, query = (part.unflatten(0, (episodes, -1)) for part in rates.split([episodes * ways, len(rates) - episodes * ways]))
        mean = support.mean((0, 1) if self.training else 1, keepdim=True)
        support, query = (F.normalize(part - mean, dim=-1) for part in (support, query))
        return 10 * query @ support.transpose(1, 2)
