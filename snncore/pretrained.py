"""Networks that this project trained, ready to use: `list` lists them, `load` gets one.

A name is the family of the training, what it was trained for, and its seed, where that is not 0. The relational network of a task answers
questions on stories of that kind; the arm, symbols and words learn what they are shown by one update; all others are plain modules.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from snncore.datafiles import DataError
from snncore.learning.one_shot import OneShot
from snncore.learning.one_shot_classifier import OneShotClassifier
from snncore.networks.checkpoints import accounts, names_of_weights
from snncore.networks.images import cifar_network
from snncore.networks.story_classifier import StoryClassifier
from snncore.shapes import described
from snncore.tasks import omniglot, spoken_words
from snncore.tasks.arm import follow, move, resampled
from snncore.tasks.stories import SENTENCES, Example, arrays, words_of
from snncore.trainings import arm, digits, evidence, stories, symbols

NAMES = {  # how names of checkpoints begin, the longer ones first, and the names here
    "one_shot_symbols_omniglot": "symbols", "one_shot_symbols_words": "words", "one_shot": "arm", "memory": "digits", "eprop": "evidence",
}  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """Answers questions on stories of the kind that its network has learned (`snncore.tasks.stories.TASKS`; joint: all), in 180 words."""

    network: StoryClassifier

    def ask(self, story: Sequence[str], question: str) -> str:
        """The answer, one word. Capitals, and a full stop or question mark at the end of a sentence, make no difference.

        Raises `ValueError` for a story that is one string, has no sentence or more than 20; for a sentence of more than 11 words, or with
        a word that the network does not know.
        """
        if isinstance(story, str) or len(story) > SENTENCES:
            given = "one string" if isinstance(story, str) else f"{len(story)} sentences"
            raise ValueError(f"the story is {given}: give a list of at most {SENTENCES} sentences; of a longer story, the last ones")
        *plain, asked = (s.strip().removesuffix(".").removesuffix("?").lower() for s in (*story, question))
        no_matter = Example(tuple(plain), asked, "yes")  # the answer that examples have is not shown to the network
        return words_of(self.network(arrays([no_matter])[0]).argmax(1))[0]


class Copied(NamedTuple):
    """A path, and where the tip of the arm went before and after one update [m]; mean squared errors of x and y [m²]."""

    path: Float[Tensor, "time 2"]
    before: Float[Tensor, "time 2"]
    after: Float[Tensor, "time 2"]
    error_before: float
    error_after: float


@dataclass(frozen=True)
class Arm:
    """Learns a movement of the tip of a planar arm, with links of half a meter, from being shown it once."""

    network: OneShot

    @torch.no_grad()
    def learn(self, path: Any) -> Copied:
        """One update for a polyline of points (x, y) [m]: it begins where the arm starts, at (0.5, 0.5), wherever its first point is,
        and is followed at one speed in half a second, by 250 points (`snncore.tasks.arm.resampled`).

        Raises `ValueError` if the path is none, or the arm cannot follow it (`snncore.tasks.arm.follow`).

        >>> copied = load("arm").learn([(0, 0), (0, 0.3), (-0.3, 0.3), (-0.3, 0), (0, 0)])
        >>> copied.error_after < copied.error_before / 10
        True
        """
        m = follow(resampled(path, arm.STEPS)[:, None], arm.DT)
        one = arm.lesson(self.network, m)
        omegas = [self.network.output(activity) for activity in (one.before, one.after)]
        before, after = (move(omega, arm.DT)[:, 0] for omega in omegas)
        error_before, error_after = (float(arm.position_error(omega, m)) for omega in omegas)
        return Copied(m.tip[:, 0], before, after, error_before, error_after)


@dataclass(frozen=True)
class Classifier:
    """Tells classes apart of which it has seen one example each, after one update."""

    network: OneShotClassifier
    image: Callable[[np.ndarray], Float[Tensor, "1 height width"]]  #: what the network is shown of an example

    @torch.no_grad()
    def classify(self, examples: Mapping[Any, Any], queries: Sequence[Any]) -> list[Any]:
        """The label of each query, by one example of each label.

        Symbols are arrays of bool, 105 x 105, True where there is ink; words are waveforms of int16, 16,000 numbers a second, at most one
        second. Raises `ValueError` unless there are 2 to 20 labels and a query; `DataError` for other arrays, for no ink, and for silence.

        >>> bar, dot = np.zeros((105, 105), bool), np.zeros((105, 105), bool)
        >>> bar[20:85, 48:56], dot[45:60, 45:60] = True, True
        >>> load("symbols").classify({"bar": bar, "dot": dot}, [bar, dot, np.roll(bar, 3, 1)])
        ['bar', 'dot', 'bar']
        """
        labels = [*examples]
        if not 2 <= len(labels) <= self.network.slots or not len(queries):
            given = f"{len(labels)} labels and {len(queries)} queries"
            raise ValueError(f"{given}: give an example each of 2 to {self.network.slots} labels, and at least one query")
        shown = [self._image(f"the example of {label!r}", a) for label, a in examples.items()]
        asked = [self._image(f"query {k}", a) for k, a in enumerate(queries)]
        answers = self.network(torch.stack(shown)[None], torch.arange(len(labels))[None], torch.stack(asked)[None]).answers
        return [labels[k] for k in answers[0].argmax(-1).tolist()]

    def _image(self, what: str, example: Any) -> Float[Tensor, "1 height width"]:
        try:
            return self.image(np.asarray(example))
        except DataError as error:
            raise DataError(f"{what}: {error}") from error


def _ink(image: np.ndarray) -> Float[Tensor, "1 height width"]:
    if image.dtype != bool or image.ndim != 2:
        wanted = f"an array of bool, {omniglot.OFFICIAL} x {omniglot.OFFICIAL}, True where there is ink"
        raise DataError(f"the image is {described(image)}: give {wanted}; of gray values with dark ink, image < 128")
    if not image.any():
        raise DataError("there is no ink")
    return omniglot.shrink(image[None])[0]


def _named(checkpoints: Iterable[str]) -> Sequence[str]:
    """The names here of checkpoints."""
    starts = {name: next((start for start in NAMES if name.startswith(start)), "") for name in checkpoints}
    return sorted((NAMES.get(start, "") + n.removeprefix(start)).removesuffix("_0").replace("_", "/") for n, start in starts.items())


def list() -> Sequence[str]:
    """Names of all networks whose weights are kept.

    >>> from snncore import pretrained
    >>> pretrained.list()[:3]
    ['arm', 'arm/1', 'arm/2']
    """
    return _named(names_of_weights())


def load(name: str) -> Any:
    """A trained network: an `Arm` ("arm"), a `Classifier` ("symbols", "words"), a `Reader` ("relational/…"), or else its module.

    "symbols-alone", "words-alone", "arm/own": no second network. "arm/wider": smaller movements, too. "evidence/chip": `evidence.on_chip`.

    Raises `ValueError` for a name that is not in `list`, with those close to it; `DataError` if the file is damaged.

    >>> load("relational/snn-drawn/15").ask(["Mice are afraid of wolves.", "Gertrude is a mouse."], "What is Gertrude afraid of?")
    'wolf'
    """
    kept = list()
    if name not in kept:
        what = "was trained, but its weights are not kept" if name in _named(accounts("")) else "is no trained network"
        close = difflib.get_close_matches(name, kept, 8, 0.5)
        raise ValueError(f"{name!r} {what}: " + (f"close to it are {', '.join(close)}" if close else f"there are {', '.join(kept)}"))
    parts: Sequence[Any] = name.split("/")
    family, *rest = parts
    match family:
        case "arm":
            wider, rest = "wider" in rest, [part for part in rest if part != "wider"]
            signals: Any = rest.pop(0) if rest and not rest[0].isdecimal() else "learned"
            return Arm(arm.trained(int(*rest), signals, wider))
        case "symbols" | "symbols-alone":
            return Classifier(symbols.trained("omniglot", generator=family == "symbols"), _ink)
        case "words" | "words-alone":
            return Classifier(symbols.trained("words", generator=family == "words"), spoken_words.image)
        case "relational":
            kind, task, seed, size = *rest, *(0, "book")[len(rest) - 2 :]
            return Reader(stories.trained(kind, int(task) if task.isdecimal() else task, int(seed), size))
        case "digits":
            return digits.trained(rest[0], *map(int, rest[2:])).eval()
        case "evidence":
            return evidence.trained(rest[0], *map(int, rest[1:])).eval()
    return cifar_network(rest[0])
