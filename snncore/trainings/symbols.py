"""Features, learner and learning-signal generator for symbols and spoken words: ``python -m snncore.trainings symbols --data omniglot``.

The outer optimization draws episodes of known classes, updates the learner once, and follows the gradient of the error of the answers
after the update back through all of it, into the features, too. Half of the episodes of symbols are of one alphabet, each of their classes
is turned, and each image varies as by another hand.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from snncore.learning.descent import Descent, descend
from snncore.learning.lessons import draw_slots, right_in_episodes
from snncore.learning.losses import rate_cost, voltage_cost
from snncore.learning.one_shot_classifier import LEAST, LOGITS, OneShotClassifier
from snncore.networks.checkpoints import load_checkpoint
from snncore.tasks import episodes, omniglot, spoken_words
from snncore.tasks.data_sets import read_omniglot, read_omniglot_evaluation, read_spoken_words, read_words_evaluation
from snncore.tasks.episodes import Episodes, Examples
from snncore.trainings.job import Done, Setting, train_or_read

DT, STEPS = 2.0, 20  # an image is there for 40 ms
KNOWN_WORDS = 25
SLOTS, FEATURES, NEURONS, LSG_NEURONS = 20, 128, 200, 200
ETA = 3e-4
HERTZ, RATE_COST = 40.0, 0.2  # firing rate that training aims at, what others cost
VOLTAGE_COST = 0.01  # what potentials of the learner cost that are farther from rest than its threshold
IMAGES = 240  # in an update, examples and queries
EPISODES = 1000  # of each test
WITHIN = 0.5  # of the episodes of symbols are of one alphabet
SHARP = 2.5  # of the softmax of relative answers


class Kind(NamedTuple):
    """Examples, and episodes of training and tests."""

    height: int  #: of an image [pixels]
    width: int
    strides: tuple[int, ...]  #: of the convolutions
    ways: tuple[tuple[int, int], ...]  #: classes in an episode, and for how many updates
    tested: tuple[int, ...]  #: classes in an episode of a test
    about: str

    @property
    def recipe(self) -> Descent:
        """As many updates as all ways have."""
        return Descent(sum(updates for _, updates in self.ways), rate=3e-3, warmup=30, end=0.03, clip=1.5, every=50)


SYMBOLS = "Omniglot, 964 symbols of the background alphabets, each turned by 0, 90, 180 or 270 degrees, and varied as by other hands"
WORDS = f"Speech Commands, {KNOWN_WORDS} words, each also backwards, moved in time and pitch"
KINDS = {
    "omniglot": Kind(omniglot.SIDE, omniglot.SIDE, (2, 2, 1, 1, 2), ((5, 500), (20, 8500)), (2, 5, 10, 20), SYMBOLS),
    "words": Kind(spoken_words.BANDS, spoken_words.STRETCHES, (2, 2, 2), ((5, 3000),), (2, 5, 10), WORDS),
}


def network(kind: str, seed: int, generator: bool = True) -> OneShotClassifier:
    """Features, learner and learning-signal generator (or none) with fresh weights."""
    k, lsg_neurons = KINDS[kind], LSG_NEURONS if generator else 0
    sizes = {"slots": SLOTS, "features": FEATURES, "neurons": NEURONS, "lsg_neurons": lsg_neurons, "steps": STEPS}
    return OneShotClassifier(k.height, k.width, strides=k.strides, **sizes, dt=DT, eta=ETA, seed=seed)


def constants(net: OneShotClassifier, kind: str) -> dict[str, Any]:
    """Constants without which the weights mean nothing: of the network, of its inputs, and of its training."""
    (_, features), w = net.features.neurons, spoken_words
    own = {"steps": net.features.steps, "features_v_th": features.v_th, "logits": LOGITS}
    aims = {"firing": HERTZ, "firing_cost": RATE_COST, "voltage_cost": VOLTAGE_COST, "images": IMAGES}
    hearing = {"lowest": w.LOWEST, "highest": w.HIGHEST, "stretch": w.STRETCH, "fibers": w.FIBERS, "fastest": w.FASTEST, "range": w.RANGE}
    ways = {f"updates_{ways}": updates for ways, updates in KINDS[kind].ways}
    answers = {"sharp": SHARP, "least_spread": LEAST}
    seeing = {"within": WITHIN, "strides": list(KINDS[kind].strides)}
    return net.pair.constants | own | aims | ways | answers | (hearing if kind == "words" else seeing)


def trained(kind: str, seed: int = 0, generator: bool = True) -> OneShotClassifier:
    """Features, learner and learning-signal generator (or none) with the weights of `command`, in evaluation mode."""
    net, name = network(kind, seed, generator), kind if generator else f"{kind}-alone"
    return load_checkpoint(f"one_shot_symbols_{name}_{seed}", net, constants(net, kind)).eval()


@cache
def examples(kind: str) -> tuple[Examples, Examples]:
    """Known examples, to learn from, and held-out ones, of other classes (and, of words, other speakers)."""
    if kind == "omniglot":
        everything = read_omniglot()
        return omniglot.symbols(everything, False), omniglot.symbols(everything, True)
    words = read_spoken_words()
    known, held_out = (spoken_words.heard(words, at) for at in spoken_words.places(words))
    return known, held_out


def held_out(kind: str) -> Examples:
    """The held-out examples of `examples`, from the sets in ``data/evaluation``."""
    if kind == "omniglot":
        return omniglot.symbols(read_omniglot_evaluation(), True)
    words = read_words_evaluation()
    return spoken_words.heard(words, np.arange(len(words.words)))


def drawn(known: Examples, together: Sequence[Sequence[int]], count: int, ways: int, queries: int, g: torch.Generator) -> Episodes:
    """Episodes, of which about `WITHIN` are of classes that belong together, if such are given."""
    parts, large = [], [group for group in together if len(group) >= ways]
    for _ in range(count):
        classes = known.classes
        if large and float(torch.rand((), generator=g)) < WITHIN:
            classes = [classes[k] for k in large[int(torch.randint(len(large), (), generator=g))]]
        parts.append(episodes.draw(classes, 1, ways, queries, g))
    return Episodes(*(torch.cat(part) for part in zip(*parts, strict=True)))


def varied(kind: str, images: Tensor, way: Tensor, generator: torch.Generator) -> Tensor:
    """Images of episodes, shape (episode, place, ...), as other examples and classes, in training; ``way`` is the class at each place.

    Each class of symbols is turned, by 0 to 3 quarters, and each image varies as by another hand; all words may be backwards.
    """
    if kind == "omniglot":
        quarters = torch.randint(4, (len(way), int(way.max()) + 1), generator=generator).gather(1, way).flatten()
        turned = torch.stack([images.flatten(0, 1).rot90(k, (-2, -1)) for k in range(4)])[quarters, torch.arange(len(quarters))]
        return omniglot.varied(turned, generator).view_as(images)
    backwards = bool(torch.randint(2, (), generator=generator))
    return spoken_words.varied((images.flip(-1) if backwards else images).flatten(0, 1), generator).view_as(images)


def outer(
    net: OneShotClassifier, kind: str, known: Examples, together: Sequence[Sequence[int]] = ()
) -> Callable[[int, torch.Generator], dict[str, float]]:
    """An update of the outer optimization: of everything, by the answers after the inner update, and by how alike features are.

    Answers count half; the other half are readouts as they are, without which an update is hardly found.
    """
    ends = np.cumsum([updates for _, updates in KINDS[kind].ways])

    def update(k: int, g: torch.Generator) -> dict[str, float]:
        ways = KINDS[kind].ways[int(np.searchsorted(ends, k, side="right"))][0]
        queries = 2 if ways == 5 else 1
        count = IMAGES // (ways * (1 + queries))
        e = drawn(known, together, count, ways, queries, g)
        way = torch.cat([torch.arange(ways).expand(count, -1), e.label], 1)
        images = varied(kind, known.images[torch.cat([e.support, e.query], 1)], way, g)
        s = net(images[:, :ways], draw_slots(e, net.slots, g), images[:, ways:])
        scores = SHARP * s.answers, s.readouts, s.alike
        answers, readouts, alike = (F.cross_entropy(y.flatten(0, 1), e.label.flatten()) for y in scores)
        error = (answers + readouts) / 2
        rate = HERTZ * DT / 1000
        costs = sum(rate_cost(a.z, rate, rate) for a in (s.before, s.after, s.lsg) if a)
        v_th = net.pair.lif.v_th
        far = voltage_cost(s.before.v, -v_th, v_th) + voltage_cost(s.after.v, -v_th, v_th)
        (error + alike + RATE_COST * costs + VOLTAGE_COST * far).backward()
        right, right_alike = (float((y.argmax(-1) == e.label).float().mean()) for y in (s.answers, s.alike))
        return {"loss": float(error.detach()), f"right_{ways}": right, f"alike_{ways}": right_alike}

    return update


def command(data: Literal["omniglot", "words"], generator: bool = True, classes: int | None = None, seed: int = 0) -> dict[str, Any]:
    """Train networks to tell symbols or spoken words apart after one update (an hour).

    Parameters
    ----------
    data : str
        Handwritten symbols (omniglot) or spoken words.
    generator : bool
        Whether a second network makes the learning signals; without it, they are errors of the learner's own readouts.
    classes : int
        How many of the known words to learn from, the first ones by the alphabet; all, if not given.
    seed : int
        Of the first weights and of the episodes.
    """
    kind, name, option = KINDS[data], data + "-alone" * (not generator), " --no-generator" * (not generator)
    which: dict[str, Any] = {"kind": data, "generator": generator}
    if classes is not None:
        if data != "words" or not 5 <= classes <= KNOWN_WORDS:
            raise ValueError(f"--classes {classes} of {data}: give 5 to {KNOWN_WORDS}, and of words only; episodes have 5")
        name, option, which = f"{name}-{classes}", f"{option} --classes {classes}", which | {"classes": classes}

    def do(setting: Setting) -> Done:
        known, held_out = examples(data)
        known = known._replace(classes=known.classes[:classes])
        together = omniglot.by_alphabet(read_omniglot(), False) if data == "omniglot" else []
        net = network(data, seed, generator)
        log = descend(net, outer(net, data, known, together), *setting)
        tests = {
            f"test_{ways}": {name: [round(x, 2) for x in values] for name, values in right.intervals().items()}
            for ways, right in right_in_episodes(net, held_out, kind.tested, EPISODES, 0).items()
        }
        return Done(net, kind.about + (f", the first {classes} words alone" if classes else ""), log, tests)

    of = constants(network(data, seed, generator), data) | ({"classes": classes} if classes else {})
    about = train_or_read(f"one_shot_symbols_{name}_{seed}", f"symbols --data {data}{option}", kind.recipe, seed, do, of, about=which)
    for ways in kind.tested:
        print(f"{ways} ways: " + ", ".join(f"{who} {values[0]:.1f} %" for who, values in about[f"test_{ways}"].items()))
    return about
