r"""Relational network: it answers a question about a story from relations between all pairs of its sentences.

.. math:: \text{answer} = f_\phi\Bigl(\sum_{i \le j} g_\theta(s_i, s_j, q)\Bigr)

The sentences s and the question q are encoded word by word; g and f are layers of neurons. It is one architecture with two choices of
neurons. *Artificial*: LSTM units encode, rectified linear units make the layers. *Spiking*: LIF and AHP neurons encode, with one input
neuron per word; only their spikes in the last steps of a sentence are passed on to the LIF neurons of all layers, through which a spike
can go in a single step, and readouts, which add up what arrives, are read once, at the last step. The order of sentences enters as a
current into the first layer of g that belongs to their places in the story. Absent sentences have no pairs.

Sources: A. Santoro et al., A simple neural network module for relational reasoning, NeurIPS 2017; A. Rao, P. Plank, A. Wild, W. Maass,
Nature Machine Intelligence 4, 467-479 (2022).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from snncore.networks.recurrent import Population, RecurrentNetwork
from snncore.neurons import JUMP, AHPParams, LIFParams, ReadoutParams
from snncore.neurons.layer import lif_through_time
from snncore.tasks.stories import LENGTH


@dataclass(frozen=True)
class Size:
    """Numbers of neurons: encoder of sentences or questions, layers of g, layers of f, answers."""

    encoder: int
    pairs: tuple[int, ...]
    answer: tuple[int, ...]
    answers: int = 181


EMBEDDED = 32  # numbers that stand for a word in artificial encoders
SIZES = {"small": Size(64, (64, 64, 64), (64,)), "paper": Size(200, (256, 256, 256, 256), (256, 512, 159))}


@dataclass(frozen=True)
class Timing:
    """How long words are shown, and how long the spikes of a sentence are passed on [steps]; then the answer is read.

    The last word stays as long as spikes are passed on, so that layers have steps left after its first spikes. The time constant of AHP
    currents is the length of a sentence whose last word does not stay.
    """

    word: int = 2  #: steps of a word
    window: int = 6  #: steps at the end of a sentence in which its spikes are passed on
    membrane: float = 20.0  #: time constant of membranes [steps]

    def steps(self, words: int) -> Int[Tensor, " word"]:
        """Steps for which each of ``words`` words is shown."""
        return torch.tensor([self.word] * (words - 1) + [max(self.word, self.window)])


class Layer(NamedTuple):
    """Activity of a layer: spikes z and potentials v."""

    z: Float[Tensor, "time *batch neuron"]
    v: Float[Tensor, "time *batch neuron"]


class Artificial(nn.Module):
    """LSTM units and rectified linear units: there is one time step."""

    def __init__(self, words: int, units: int):
        super().__init__()
        self.words, self.lstm = nn.Embedding(words + 1, EMBEDDED, padding_idx=0), nn.LSTM(EMBEDDED, units)

    def encode(self, sentences: Int[Tensor, "sentence word"]) -> Layer:
        """The last output of the LSTM units."""
        h = self.lstm(self.words(sentences.T))[0][-1:]
        return Layer(h, h)

    @staticmethod
    def layer(current: Float[Tensor, "time batch neuron"]) -> Layer:
        """Rectified linear units."""
        return Layer(F.relu(current), current)


class Spiking(nn.Module):
    """LIF and AHP neurons, half and half, encode; LIF neurons make the layers."""

    def __init__(self, words: int, neurons: int, timing: Timing, generator: torch.Generator):
        super().__init__()
        self.timing, self.inputs = timing, words
        self.params = LIFParams(timing.membrane, reset_to_zero=True)
        ahp = AHPParams(timing.membrane, float(timing.word * LENGTH)).with_jump(JUMP)
        populations = [Population(neurons - neurons // 2, self.params), Population(neurons // 2, ahp)]
        gain = 0.6 / timing.word * math.sqrt(words), 1.0  # a word raises or lowers a potential by 0.6 thresholds, if it does not stay
        self.network = RecurrentNetwork(words, populations, 0, ReadoutParams(), generator, gain)

    def encode(self, sentences: Int[Tensor, "sentence word"]) -> Layer:
        """Activity in the last steps of a sentence, the window."""
        words = F.one_hot(sentences.T, self.inputs + 1)[..., 1:].to(self.network.w_in.dtype)
        steps = self.timing.steps(len(words)).to(words.device)
        activity = self.network(words.repeat_interleave(steps, 0), potentials=True)
        return Layer(activity.z[-self.timing.window :], activity.v[-self.timing.window :])

    def layer(self, current: Float[Tensor, "time batch neuron"]) -> Layer:
        """LIF neurons."""
        return Layer(*lif_through_time(current, self.params)[:2])


class Answer(NamedTuple):
    """Answers of the network, and the activity of its layers."""

    logits: Float[Tensor, "batch answer"]
    #: ``statement``, ``question``: a row for each different sentence of the batch; ``pair 1``, …: for each pair of present sentences;
    #: ``sum``, ``answer 1``, …: for each story
    layers: dict[str, Layer]
    story: Int[Tensor, " pair"]  #: story of a pair, in the batch
    first: Int[Tensor, " pair"]  #: first sentence of a pair, in its story
    second: Int[Tensor, " pair"]
    statement: Int[Tensor, " sentence"]  #: row of each present sentence in the layer ``statement``, story by story
    question: Int[Tensor, " batch"]  #: row of each question in the layer ``question``

    @property
    def last_of_pairs(self) -> Float[Tensor, "time pair neuron"]:
        """Activity of the last layer of g."""
        *_, last = (layer.z for name, layer in self.layers.items() if name.startswith("pair"))
        return last

    def copies(self) -> dict[str, Layer]:
        """Layers in which each sentence and each question has its own row, as it has its own neurons on a chip."""
        rows = {"statement": self.statement, "question": self.question}
        return {name: Layer(z[:, rows[name]], v[:, rows[name]]) if name in rows else Layer(z, v) for name, (z, v) in self.layers.items()}


def sum_over_pairs(last: Float[Tensor, "time pair neuron"], story: Int[Tensor, " pair"], batch: int) -> Float[Tensor, "time batch neuron"]:
    """The sum over all pairs of each story."""
    return last.new_zeros(len(last), batch, last.shape[2]).index_add(1, story, last)


class RelationalNetwork(nn.Module):
    """The network, of spiking neurons with a timing, of artificial ones without.

    The generator draws the weights of layers: normal, with standard deviation 1.5 (spiking: 2; readouts: 1) over the root of the number of
    inputs. ``words`` and ``sentences`` are the size of the vocabulary and the largest number of sentences in a story.
    """

    def __init__(self, size: Size, words: int, sentences: int, generator: torch.Generator, timing: Timing | None = None):
        super().__init__()

        def weights(post: int, pre: int, gain: float = 2.0 if timing else 1.5) -> nn.Parameter:
            return nn.Parameter(gain / math.sqrt(pre) * torch.randn(post, pre, generator=generator))

        def encoder() -> Artificial | Spiking:
            return Spiking(words, size.encoder, timing, generator) if timing else Artificial(words, size.encoder)

        self.statement, self.question = encoder(), encoder()
        self.w_first, self.w_second, self.w_question = (nn.Parameter(w) for w in weights(size.pairs[0], 3 * size.encoder).chunk(3, 1))
        self.place_first, self.place_second = (nn.Parameter(torch.zeros(sentences, size.pairs[0])) for _ in range(2))
        self.w_pairs = nn.ParameterList(weights(post, pre) for pre, post in pairwise(size.pairs))
        self.w_sum = nn.Parameter(torch.full((size.pairs[-1],), 0.2 if timing else 0.1))
        widths = (size.pairs[-1], *size.answer)
        self.w_answer = nn.ParameterList(weights(post, pre) for pre, post in pairwise(widths))
        self.w_out = weights(size.answers, widths[-1], 1.0 if timing else 1.5)

    def forward(self, statements: Int[Tensor, "batch sentence word"], question: Int[Tensor, "batch word"]) -> Answer:
        """Answer questions on stories, both as numbers of words (0: none); `ValueError` if a story has no sentence, or too many."""
        batch, count, _ = statements.shape
        if count > len(self.place_first):
            raise ValueError(f"stories have {count} sentences, but the network has places for {len(self.place_first)}")
        present: Bool[Tensor, "batch sentence"] = (statements > 0).any(2)
        if not present.any(1).all():
            raise ValueError(f"story {int((~present.any(1)).nonzero()[0, 0])} of the batch has no sentence")
        first, second = torch.triu_indices(count, count, device=statements.device)
        story, pair = (present[:, first] & present[:, second]).nonzero().T
        first, second = first[pair], second[pair]
        (s, which), (q, asked) = self._encoded(self.statement, statements.flatten(0, 1)), self._encoded(self.question, question)
        which = which.view(batch, count)
        layers = {"statement": s, "question": q}

        place = len(self.place_first) - count
        current = F.linear(s.z, self.w_first)[:, which[story, first]] + F.linear(s.z, self.w_second)[:, which[story, second]]
        current = current + F.linear(q.z, self.w_question)[:, asked[story]]
        current = current + self.place_first[place + first] + self.place_second[place + second]
        for k, w in enumerate([None, *self.w_pairs], 1):
            layers[f"pair {k}"] = self.statement.layer(current if w is None else F.linear(layers[f"pair {k - 1}"].z, w))
        logits, further = self.conclude(sum_over_pairs(layers[f"pair {len(self.w_pairs) + 1}"].z, story, batch))
        return Answer(logits, layers | further, story, first, second, which[present], asked)

    def conclude(self, total: Float[Tensor, "time batch neuron"]) -> tuple[Float[Tensor, "batch answer"], dict[str, Layer]]:
        """Logits from the sum over pairs, and the layers from ``sum`` on; readouts add up all steps (artificial neurons have one)."""
        layer = self.statement.layer(self.w_sum * total)
        layers = {"sum": layer}
        for k, w in enumerate(self.w_answer, 1):
            layer = layers[f"answer {k}"] = self.statement.layer(F.linear(layer.z, w))
        return F.linear(layer.z, self.w_out).sum(0), layers

    def encoders(self) -> tuple[Spiking, Spiking]:
        """The encoders of sentences and of the question; `ValueError` if they are artificial."""
        if not (isinstance(self.statement, Spiking) and isinstance(self.question, Spiking)):
            raise ValueError("the network has artificial neurons: give one of spiking neurons, which is made with a timing")
        return self.statement, self.question

    @staticmethod
    def _encoded(encoder: Artificial | Spiking, sentences: Int[Tensor, "sentence word"]) -> tuple[Layer, Int[Tensor, " sentence"]]:
        """The different sentences, encoded, and which of them each sentence is."""
        different, which = sentences.unique(dim=0, return_inverse=True)
        return encoder.encode(different), which
