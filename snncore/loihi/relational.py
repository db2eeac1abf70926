"""The relational network on Loihi: populations and relays as in the published code (`snncore.loihi.spec`), weights, input spikes."""

from itertools import combinations_with_replacement, pairwise
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from snncore.loihi.board import Program
from snncore.loihi.compartment import Compartment
from snncore.loihi.emulator import Group
from snncore.loihi.placement import ONE_TO_ONE, BoardNetwork, BoardPopulation, Projection, Unit
from snncore.loihi.quantize import UNIT, integers, registers, step_size
from snncore.loihi.spec import FULL_DECAY, THRESHOLD_MANTISSA, WEIGHT, within
from snncore.networks.relational import SIZES, RelationalNetwork, Size, Timing
from snncore.seeds import numpy_generator, torch_generator
from snncore.tasks.stories import LENGTH, SENTENCES, VOCABULARY, Example, arrays
from snncore.tasks.story_generator import generate

CHIPS = 22
TABLE = (2, 6, 10, 16, 20)  # numbers of sentences in the talk's table
WORDS, WINDOW, FORWARD, STEPS = 110, 14, 37, 143  # steps: of a sentence, of the gate, of what follows it, of a question; as published
PUBLISHED = Timing(WORDS // LENGTH, WINDOW, membrane=100.0)  # steps as published; time constants, in words, as in small networks
BLOCK = 5  # sentences of a group; a block has the pairs of two groups
LSNN_SYNAPSES, SYNAPSES, SUM_NEURONS = 60_000, 40_000, 16  # of a core, by choice of the published layout: 210 axons each allow 19 neurons


class Layout(NamedTuple):
    """Layout of the network for stories of 20 sentences; dicts are by the name of a population."""

    network: BoardNetwork
    units: list[Unit]
    needs: dict[str, int]  #: from how many sentences on it is used
    pairs: dict[str, tuple[int, int, int]]  #: of a layer, its two sentences (the last one of the story is 0) and its number, from 1

    @property
    def readouts(self) -> str:
        """Name of the population that gives the answer."""
        return self.network.populations[-1].name

    def used(self, sentences: int) -> list[str]:
        """Populations that a story of ``sentences`` sentences uses."""
        return [name for name, needed in self.needs.items() if needed <= sentences]


def layout(size: Size, words: int, relays: bool = True) -> Layout:
    """Lay out a relational network, with relays as published, or with axons straight from encoders to pairs.

    Pairs of sentences are cut into blocks of two groups of five sentences. A block's first layers lie on a chip of their own, with a copy
    of each of its sentences and of the question, from which all further axons go out inside the chip, and a mask: a neuron for each
    sentence, which shuts off its pairs if it is absent. All other layers of pairs follow, then the sum and the answer. An input opens the
    gate; another one tells first layers their places in the story while it is open.
    """
    populations: list[BoardPopulation] = []
    projections: list[Projection] = []
    needs: dict[str, int] = {}
    pairs: dict[str, tuple[int, int, int]] = {}

    def add(name: str, neurons: int, module: str, sentences: int = 0, synapses: int = SYNAPSES, **options: Any) -> str:
        populations.append(BoardPopulation(name, neurons, module, synapses, **options))
        needs[name] = sentences
        return name

    lsnn = {"synapses": LSNN_SYNAPSES, "compartments": 2}  # at most: AHP neurons have two
    sentences = [add(f"sentence {s}", size.encoder, "sentences", s, **lsnn) for s in range(1, SENTENCES + 1)]
    question = add("question", size.encoder, "question", **lsnn)
    for name in (*sentences, question):
        encoder = "question" if name == question else "statement"
        projections.append(Projection(f"words of {name}", name, weights=f"{encoder}, w_in"))
        projections.append(Projection(name, name, weights=f"{encoder}, w_rec"))
    units = [Unit([*sentences, question])]

    groups = np.arange(SENTENCES).reshape(-1, BLOCK).tolist()
    blocks = [[(i, j) for i in a for j in b if i <= j] for a, b in combinations_with_replacement(groups, 2)]
    last_layers: list[Unit] = []
    for number, block in enumerate(blocks, 1):
        here, sources = [], {}
        for name, needed in (*((sentences[s], s + 1) for s in sorted({s for ij in block for s in ij})), (question, 0)):
            sources[name] = name
            if relays:
                sources[name] = add(f"relay of {name}, block {number}", size.encoder, "relays", needed, one_chip=True)
                projections.append(Projection(name, sources[name], ONE_TO_ONE, weights="half open"))
                projections.append(Projection("gate", sources[name], weights="half open"))
                here.append(sources[name])
        mask = add(f"mask, block {number}", SENTENCES, "masks", one_chip=True)
        projections.append(Projection("absent sentences", mask, ONE_TO_ONE, weights="open"))
        here.append(mask)
        for i, j in block:
            layers = [
                add(f"pair {i + 1}, {j + 1}, layer {k}", width, f"pairs, {'further layers' if k > 1 else 'layer 1'}", j + 1)
                for k, width in enumerate(size.pairs, 1)
            ]
            for name, weights in ((sentences[i], "w_second"), (sentences[j], "w_first"), (question, "w_question")):
                projections.append(Projection(sources[name], layers[0], weights=weights))
            projections.append(Projection(mask, layers[0], neurons=len({i, j}), weights="shut"))
            projections.append(Projection("places", layers[0], weights="places"))
            pairs |= {layer: (i, j, k) for k, layer in enumerate(layers, 1)}
            projections += [Projection(pre, post, weights=f"pair {k}") for k, (pre, post) in enumerate(pairwise(layers), 2)]
            projections.append(Projection(layers[-1], "sum", ONE_TO_ONE, weights="w_sum"))
            here.append(layers[0])
            last_layers.append(Unit(layers[1:], new_chip=not last_layers))
        units.append(Unit(here, new_chip=True))

    answer = [add("sum", size.pairs[-1], "sum and answer", neurons_per_core=SUM_NEURONS)]
    answer += [add(f"answer {k}", width, "sum and answer") for k, width in enumerate((*size.answer, size.answers), 1)]
    projections += [Projection(pre, post, weights=post) for pre, post in pairwise(answer)]
    inputs = {f"words of {name}": words for name in (*sentences, question)} | {"absent sentences": SENTENCES, "gate": 1, "places": 1}
    return Layout(BoardNetwork(populations, projections, inputs), [*units, *last_layers, Unit(answer, split=True)], needs, pairs)


CONSTANT = {"half open": 100, "open": WEIGHT}  # two spikes at once open a relay, of a neuron and of the gate; one makes a mask fire


def program(net: RelationalNetwork, plan: Layout, sentences: int) -> Program:
    """Load a network for stories of ``sentences`` sentences, with 8-bit weights.

    The last sentence of a story comes first, so that the place of a pair in the story is that of its layers on the chips. An artificial
    network, a layout without relays, which are its gate, and weights that are too large for the chip are refused.
    """
    statement, question = net.encoders()
    network, lif, used = plan.network, registers(statement.params), {*plan.used(sentences)}
    if not any(p.module == "relays" for p in network.populations):
        raise ValueError("the layout has no relays: they are the gate that opens at the end of a sentence")

    def groups(p: BoardPopulation) -> list[Group]:
        if p.module in ("sentences", "question"):
            encoder = question if p.module == "question" else statement
            return [Group(part.size, registers(part.params)) for part in encoder.network.populations]
        if p.module in ("relays", "masks"):
            return [Group(p.neurons, Compartment(FULL_DECAY, UNIT))]
        return [Group(p.neurons, Compartment(0, THRESHOLD_MANTISSA) if p.name == plan.readouts else lif)]

    def loaded(w: Tensor) -> np.ndarray:
        within("the largest weight", round(UNIT * float(w.detach().abs().max())), 0, WEIGHT)
        return integers(w)

    own: dict[str, Tensor] = {name: getattr(net, name) for name in ("w_first", "w_second", "w_question", "w_sum")}
    for encoder in ("statement", "question"):
        w = getattr(net, encoder).network.weights()
        own |= {f"{encoder}, w_in": w.w_in, f"{encoder}, w_rec": w.w_rec}
    own |= {f"pair {k}": w for k, w in enumerate(net.w_pairs, 2)} | {f"answer {k}": w for k, w in enumerate(net.w_answer, 1)}
    shared = {name: loaded(w) for name, w in own.items()} | {plan.readouts: integers(net.w_out, step_size(net.w_out))}

    def weights(p: Projection) -> np.ndarray:
        if p.weights in shared:
            return shared[p.weights]
        n = network.sizes[p.post]
        if p.weights in CONSTANT:
            return np.full((n, 1) if p.pre == "gate" else n, CONSTANT[p.weights])
        i, j, _ = plan.pairs[p.post]
        if p.weights == "places":
            return loaded(net.place_first[SENTENCES - 1 - j] + net.place_second[SENTENCES - 1 - i])[:, None]
        shut = np.zeros((n, SENTENCES), np.int64)
        shut[:, [i, j]] = -WEIGHT
        return shut

    running = {p.name: groups(p) for p in network.populations if p.name in used}
    return Program(running, [weights(p) for p in network.running(running)])


def input_spikes(net: RelationalNetwork, example: Example) -> dict[str, np.ndarray]:
    """Encode a story and its question in input spikes: words, absent sentences, the gate and places, until the answer."""
    statement, _ = net.encoders()
    count = len(example.statements)
    if count > SENTENCES:
        raise ValueError(f"the story has {count} sentences, but the network has places for {SENTENCES}")
    (question, *statements), until = arrays([example])[0][0].numpy(), statement.timing.steps(LENGTH)
    words = {f"words of sentence {k}": statements[-k] for k in range(1, count + 1)}
    words["words of question"] = question
    closed = int(until.sum()) + 1
    opened = closed - statement.timing.window
    steps = closed + len(net.w_pairs) + len(net.w_answer) + 3  # pairs have a layer more; then the sum, and the readouts
    x = {name: np.zeros((steps, statement.inputs), np.uint8) for name in words}
    for name, numbers in words.items():
        x[name][: closed - 1] = np.eye(1 + statement.inputs, dtype=np.uint8)[np.repeat(numbers, until), 1:]
    for k, name in enumerate(("gate", "places")):
        x[name] = np.zeros((steps, 1), np.uint8)
        x[name][opened + k : closed + k] = 1
    x["absent sentences"] = np.zeros((steps, SENTENCES), np.uint8)
    x["absent sentences"][opened:closed, count:] = 1
    return x


def untrained(size: str, seed: int) -> tuple[RelationalNetwork, Layout]:
    """A network with fresh weights, small or of the published sizes ("paper"), and its layout."""
    g, timing = torch_generator(seed, "weights to time"), Timing() if size == "small" else PUBLISHED
    return RelationalNetwork(SIZES[size], len(VOCABULARY), SENTENCES, g, timing), layout(SIZES[size], len(VOCABULARY))


def asked(net: RelationalNetwork, plan: Layout, n: int, seed: int) -> tuple[Program, dict[str, np.ndarray]]:
    """The program and the input spikes for a question about a drawn story of ``n`` sentences."""
    (example,) = generate(1, 1, numpy_generator(seed, f"a story of {n} sentences to time"), n)
    return program(net, plan, n), input_spikes(net, example)
