"""Questions about stories: a relational network of artificial or of spiking neurons, what its parts do, and which tasks it solves.

``python -m snncore.experiments relational --task 15`` trains a network of artificial neurons on the official files, ``--kind snn`` a
spiking one, ``--preset paper`` one of the published size.
"""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from snncore.datafiles import package_file
from snncore.learning.classifier import Recipe
from snncore.learning.losses import rate_cost, voltage_cost
from snncore.networks.checkpoints import accounts, load_checkpoint
from snncore.networks.relational import SIZES, Answer, RelationalNetwork, Size, Spiking, Timing
from snncore.record import Record
from snncore.seeds import numpy_generator, seeded_draws, torch_generator
from snncore.tasks.stories import SENTENCES, TASKS, VOCABULARY, Example, encode, read_stories
from snncore.tasks.story_generator import generate
from snncore.tasks.story_solver import CannotTell, solve
from snncore.trainings.job import Job, held_out, train_or_read_classifier


@dataclass(frozen=True)
class Config:
    """Generated stories of each task for the solver, and questions for networks; whether networks are trained, for which the official
    files are a download."""

    questions: int = 1000
    train: bool = False
    seed: int = 0


PRESETS = {"smoke": Config(questions=50), "book": Config(), "paper": Config(train=True)}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


# --- Trainings ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SpikingRecipe(Recipe):
    r"""How to train spiking neurons: also what firing rates and potentials outside a band cost. To the error of the answer each layer adds

    .. math:: C_r \Bigl( \sum_i \max(0, r_- - r_i)^2 + n \max(0, \bar r - r_+)^2 \Bigr) + C_v E_v

    with the rates r of its n neurons, their mean, and the cost of potentials :math:`E_v` of `snncore.learning.losses`. The lower limit
    keeps a layer from falling silent, since then it passes nothing on and does not learn. There is no upper limit at first; from the part
    ``begin`` of all steps on it falls geometrically, from `START` to ``high`` at ``end``. A network that must be sparse from the start,
    or from one step to the next, learns little.

    Attributes
    ----------
    rate_factor, voltage_factor : float
        :math:`C_r` and :math:`C_v`.
    low : float
        Lower limit of the rate of a neuron [spikes per step].
    high : float
        Upper limit of the mean rate of a layer; 1 is none. How it is shared among its neurons is free.
    begin, end : float
        Parts of all steps.
    """

    rate_factor: float = 20.0
    voltage_factor: float = 0.0005
    low: float = 0.01
    high: float = 1.0
    begin: float = 0.25
    end: float = 0.85

    def ceiling(self, done: float) -> float:
        """Upper limit of rates when the part ``done`` of all steps is over."""
        if done < self.begin or self.high >= 1:
            return 1.0
        start = max(START, self.high)
        return start * (self.high / start) ** min(1.0, (done - self.begin) / (self.end - self.begin))


@dataclass(frozen=True)
class SparseRecipe(SpikingRecipe):
    """The same, with weights that are means over steps in the end, since under a low limit single steps change much.

    Attributes
    ----------
    average : float
        Part of the past in these means.
    """

    average: float = 0.999


START = 0.3  # rate from which the upper limit falls, about the highest of a layer that is free
BAND = -2.0, 2.4  # potentials that cost nothing, in thresholds
ANN = Recipe(24, batch=64, peak_rate=0.01, weight_decay=0.1, bfloat16=False)  # chosen by held-out questions of tasks 4, 6, 15 and 17
LONG: dict[str, Any] = {"epochs": 64}
CHANGES: dict[tuple[str, int | str], dict[str, Any]] = {  # of recipes, by held-out questions, too (task 4: of two of three seeds)
    **{("ann", task): LONG for task in (2, 4, 17, 19)}, ("ann-drawn", 13): LONG, ("ann-drawn", 19): LONG,
    **{("snn", task): LONG for task in (2, 4, 6, 7, 9, 10, 11, 13, 14, 16)}, ("ann", "joint"): {"epochs": 12},
    **{("snn-drawn", task): LONG for task in (7, 13)},
    ("snn", 17): {"epochs": 160, "peak_rate": 0.004}, ("snn", 19): {"epochs": 512, "cycles": 2, "peak_rate": 0.004},
}  # fmt: skip
WIDE = replace(SIZES["small"], encoder=128)
WIDER = {("snn", 17), ("snn", 19)}  # which have these sizes; by held-out questions
SNN = SpikingRecipe(24, batch=32, peak_rate=0.01, weight_decay=0.03, bfloat16=False)  # by those of tasks 6, 7, 10 and 15
SPARSE = SparseRecipe(  # by those of task 15
    **asdict(replace(SNN, epochs=32, rate_factor=5.0, voltage_factor=0.0015, low=0.0, high=0.0165, end=0.6))
)
LENGTHS = range(2, SENTENCES + 1, 2)


def stories_of_lengths(task: int, count: int, g: np.random.Generator) -> list[Example]:
    """So many questions, after each of `LENGTHS` sentences by turns."""
    drawn = [generate(task, -(-count // len(LENGTHS)), g, length) for length in LENGTHS]
    return [example for turn in zip(*drawn, strict=True) for example in turn][:count]


class Kind(NamedTuple):
    """Which neurons a network has, how it is trained, and how its stories are drawn, if they are not those of the official files."""

    timing: Timing | None
    recipe: Recipe
    draw: Callable[[int, int, np.random.Generator], list[Example]] | None = None


KINDS = {
    "ann": Kind(None, ANN),
    "snn": Kind(Timing(), SNN),
    "snn-upper-v": Kind(Timing(window=10), SPARSE),  # upper limit, cost of potentials; in a longer window, fewer spikes per step suffice
    "snn-upper": Kind(Timing(window=10), replace(SPARSE, voltage_factor=0.0)),  # upper limit alone
    "snn-free": Kind(Timing(window=10), replace(SPARSE, low=0.01, high=1.0)),  # a lower limit instead
    "snn-lengths": Kind(Timing(), SNN, stories_of_lengths),
    "ann-drawn": Kind(None, ANN, generate),
    "snn-drawn": Kind(Timing(), SNN, generate),
}
HELD_OUT = 1000  # the last questions of the training part
GENERATED = (3,)  # tasks whose training part is drawn by our generator, since some copies of the official files lack it
JOINT = "joint"  # one network for all tasks
TRAINED = {  # tasks for which there are networks
    "ann": tuple(TASKS), "snn": tuple(TASKS), "snn-free": (15,), "snn-upper": (15,),
    "snn-upper-v": (15,), "snn-lengths": (1,), "ann-drawn": (5, 7, 13, 15, 19, 20), "snn-drawn": (5, 7, 13, 15, 20),
}  # fmt: skip
QUICK, SEEDS = (1, 4, 8, 12, 15, 18, 20), 3  # tasks of which networks have so many seeds, where others have one
JOINTLY = ("ann",)  # kinds of which a network learns all tasks together
SHOWN = {"ann": "artificial", "snn": "spiking"}
SOLVED = 95.0  # right answers [%] with which a task counts as solved
FEW_LOCKED = 5.0  # neurons [%] that may be locked in a network that is said to have none


def recipe_of(kind: str, task: int | str, preset: str = "book") -> Recipe:
    """How a network is trained: with smoke, for an epoch or a few."""
    recipe = replace(KINDS[kind].recipe, **CHANGES.get((kind, task), {}))
    return replace(recipe, epochs=recipe.cycles) if preset == "smoke" else recipe


def constants(kind: str) -> dict[str, float]:
    """What makes the training of a spiking network what it is, beside its recipe: its steps, and what its costs are counted from."""
    timing = KINDS[kind].timing
    return asdict(timing) | {"start": START, "band_low": BAND[0], "band_high": BAND[1]} if timing else {}


def size_of(kind: str, task: int | str, preset: str = "book") -> Size:
    """How many neurons a network has: with paper, as many as the published one."""
    return SIZES["paper"] if preset == "paper" else WIDE if (kind, task) in WIDER else SIZES["small"]


class StoryClassifier(nn.Module):
    """A relational network that gets the question and the statements of each story as rows of one array."""

    def __init__(self, network: RelationalNetwork):
        super().__init__()
        self.network = network

    def answer(self, stories: Int[Tensor, "batch sentence word"]) -> Answer:
        """What the network says and does."""
        return self.network(stories[:, 1:], stories[:, 0])

    def forward(self, stories: Int[Tensor, "batch sentence word"]) -> Float[Tensor, "batch answer"]:
        return self.answer(stories).logits


def arrays(examples: Sequence[Example]) -> tuple[Int[Tensor, "batch sentence word"], Int[Tensor, " batch"]]:
    """Stories as a `StoryClassifier` gets them, and the answers."""
    e = encode(examples)
    return torch.from_numpy(np.concatenate([e.question[:, None], e.statements], 1)), torch.from_numpy(e.answer)


def story_classifier(kind: str, size: Size, seed: int) -> StoryClassifier:
    """A network with fresh weights."""
    neurons = kind.split("-")[0]  # with or without costs, the first weights are the same
    with seeded_draws(seed, f"relational network, {neurons}"):
        generator = torch_generator(seed, f"weights of layers, {neurons}")
        network = RelationalNetwork(size, len(VOCABULARY), SENTENCES, generator, KINDS[kind].timing)
    return StoryClassifier(network)


def files_of(task: int, seed: int) -> tuple[list[Example], list[Example]]:
    """Training and test part of the official files; see `GENERATED`."""
    train = generate(task, 10_000, numpy_generator(seed, "training stories")) if task in GENERATED else read_stories(task, "train")
    return train, read_stories(task, "test")


def job(kind: str, task: int | str, seed: int, preset: str = "book") -> Job:
    """What a network learns from and is tested by: a task, or all of them (`JOINT`). The published size learns on a GPU if there is one."""
    draw = KINDS[kind].draw
    if draw:
        if isinstance(task, str):
            raise ValueError(f"networks of kind {kind} learn a single task, not all of them")
        train, test = (draw(task, n, numpy_generator(seed, f"{n} stories")) for n in (10_000, 1000))
        stories = {task: (train, test)}
        about = "stories of our generator"
    else:
        stories = {t: files_of(t, seed) for t in (TASKS if isinstance(task, str) else [task])}
        about = "bAbI, official files (en-10k)"
        about += "".join(f", training part of task {t} drawn by our generator" for t in GENERATED if t in stories)
    cut = sum(len(e.statements) > SENTENCES for parts in stories.values() for part in parts for e in part)
    about += f"; {cut:,} questions are about more than {SENTENCES} statements, of which they get the last" * (cut > 0)

    tasks = {t: held_out(*arrays(train), HELD_OUT) | {"test": arrays(test)} for t, (train, test) in stories.items()}

    def together(part: str) -> tuple[Tensor, Tensor]:
        inputs, answers = map(torch.cat, zip(*(parts[part] for parts in tasks.values()), strict=True))
        return inputs, answers

    data = {part: together(part) for part in ("train", "validation", "test")}
    if task == JOINT:
        data |= {f"test {t}": parts["test"] for t, parts in tasks.items()}
    recipe = recipe_of(kind, task, preset)
    options: dict[str, Any] = {"loss": partial(sparse_loss, recipe=recipe)} if isinstance(recipe, SpikingRecipe) else {}
    options |= {"average": recipe.average} if isinstance(recipe, SparseRecipe) else {}
    network = story_classifier(kind, size_of(kind, task, preset), seed)
    return Job(network.cuda() if preset == "paper" and torch.cuda.is_available() else network, data, options, about)


def sparse_loss(classifier: nn.Module, stories: Tensor, answers: Tensor, done: float, recipe: SpikingRecipe) -> Float[Tensor, ""]:
    """Cross-entropy, and the costs of a recipe when the part ``done`` of all steps is over."""
    assert isinstance(classifier, StoryClassifier)
    found = classifier.answer(stories)
    loss = F.cross_entropy(found.logits, answers)
    for layer in found.layers.values():
        z, size = layer.z, layer.z.shape[2]
        rates = rate_cost(z, recipe.low, 1.0) + size * rate_cost(z.mean(2, keepdim=True), 0.0, recipe.ceiling(done))
        loss = loss + recipe.rate_factor * rates
        if recipe.voltage_factor:
            loss = loss + recipe.voltage_factor * voltage_cost(layer.v, *BAND)
    return loss


def train_stories(kind: str, task: int | str, seed: int = 0, preset: str = "book") -> dict[str, Any]:
    """Train one network on one task or on all, as `train_or_read_classifier` does; those of `TRAINED` are of preset book."""
    words, end = f"snncore.experiments relational --task {task} --kind {kind}", ""
    if preset != "book":
        words, end = f"{words} --preset {preset}", f"_{preset}"
    recipe, prepare = recipe_of(kind, task, preset), partial(job, kind, task, seed, preset)
    return train_or_read_classifier(f"relational_{kind}_{task}_{seed}{end}", words, recipe, seed, prepare, constants(kind))


# --- The network itself -------------------------------------------------------------------------------------------------------------


def parts(network: RelationalNetwork, sentences: int) -> pd.DataFrame:
    """Copies, neurons and synapses of each module when a story has so many sentences: on a chip without shared weights."""
    assert isinstance(network.statement, Spiking)
    spiking = network.statement.network
    pairs = sentences * (sentences + 1) // 2
    last = len(network.w_sum)
    encoder = len(spiking.w_rec), spiking.w_in.numel() + spiking.w_rec.numel() - len(spiking.w_rec)
    g, f = [network.w_first, network.w_second, network.w_question, *network.w_pairs], [*network.w_answer, network.w_out]
    rows = [
        ("A, a sentence", sentences, *encoder),
        ("B, the question", 1, *encoder),
        ("C, a pair", pairs, len(network.w_first) + sum(len(w) for w in network.w_pairs), sum(w.numel() for w in g)),
        ("D, the sum", 1, last, pairs * last),
        ("D, the answer", 1, sum(len(w) for w in f), sum(w.numel() for w in f)),
    ]
    table = pd.DataFrame(rows, columns=["module", "copies", "neurons", "synapses"])
    return table.assign(neurons=table["copies"] * table["neurons"], synapses=table["copies"] * table["synapses"])


def growth(network: RelationalNetwork) -> pd.DataFrame:
    """Pairs, neurons and synapses against the number of sentences, and which share of neurons and synapses is feed-forward."""
    rows = []
    for sentences in range(1, SENTENCES + 1):
        table = parts(network, sentences)
        total, feedforward = (part[["neurons", "synapses"]].sum() for part in (table, table[2:]))  # modules C and D
        rows.append({"sentences": sentences, "pairs": int(table["copies"][2]), **total.to_dict(),
                     **{f"feed-forward {key}": 100 * feedforward[key] / total[key] for key in total.index}})  # fmt: skip
    return pd.DataFrame(rows)


def degree(x: np.ndarray, y: np.ndarray) -> int:
    """Of the polynomial that numbers at equidistant places follow: how often differences can be taken until they are all zero."""
    assert len(set(np.diff(x))) == 1
    for found in range(len(y) - 1):
        y = np.diff(y)
        if not y.any():
            return found
    raise ValueError("no polynomial")


def architecture(record: Record) -> pd.DataFrame:
    """The published sizes: layers are counted in the network itself, of which a chip has the copies of `parts`."""
    network = RelationalNetwork(SIZES["paper"], len(VOCABULARY), SENTENCES, torch_generator(0, "sizes"), Timing(10, 14))
    table = growth(network)
    names = {1: "linear", 2: "quadratic", 3: "cubic"}
    n = table["sentences"].to_numpy()
    record.claim("rel.pairs", names.get(degree(n, table["pairs"].to_numpy()), "another"))
    record.claim("rel.size", "roughly " + names.get(degree(n, table["neurons"].to_numpy()), "another"))
    full = table.iloc[-1]
    record.claim("rel.feedforward_share", float(min(full["feed-forward neurons"], full["feed-forward synapses"])),
                 dataset=f"published size, {SENTENCES} sentences: the smaller of the shares of neurons and of synapses")  # fmt: skip
    record.claim("rel.vocabulary", len(VOCABULARY))
    for name in ("pairs", "neurons", "synapses"):
        record.value(f"full_{name}", int(full[name]), "{:,}")
    for key in ("neurons", "synapses"):
        record.value(f"feedforward_{key}", float(full[f"feed-forward {key}"]), "{:.1f} %")
        record.value(f"feedforward_{key}_2", float(table[f"feed-forward {key}"][1]), "{:.1f} %")
    record.table(parts(network, SENTENCES).map(lambda entry: entry if isinstance(entry, str) else f"{entry:,}"), "modules")
    return table


# --- Stories ------------------------------------------------------------------------------------------------------------------------


class TalkStory(NamedTuple):
    """An example of the talk in words of the official files, with its questions and the talk's answers, and what was changed."""

    task: int
    statements: tuple[str, ...]
    asked: dict[str, tuple[str, str]]  # question: id of the claim, answer in the talk's words
    changed: str


TALK = (
    TalkStory(
        5, ("mary got the football there", "mary gave the football to fred", "fred gave the football to bill", "bill took the milk there",
            "bill gave the milk to jeff"),
        {"who gave the football to fred": ("5.1", "Mary"), "who did fred give the football to": ("5.2", "Bill")},
        "a football for the cake; Bill gave, for *was given by*; two more statements, since one has what one gives",
    ),
    TalkStory(
        7, ("daniel picked up the football", "daniel dropped the football", "daniel got the milk", "daniel took the apple"),
        {"how many objects is daniel carrying": ("7", "two")}, "*carrying* for *holding*",
    ),
    TalkStory(
        13, ("daniel and sandra journeyed to the office", "then they went to the garden", "sandra and john travelled to the kitchen",
             "after that they moved to the hallway"),
        {"where is daniel": ("13", "garden")}, "",
    ),
    TalkStory(
        15, ("sheep are afraid of wolves", "cats are afraid of mice", "mice are afraid of cats", "gertrude is a sheep",
             "wolves are afraid of cats", "jessica is a mouse", "winona is a wolf", "emily is a cat"),
        {"what is gertrude afraid of": ("15", "wolves")}, "mice for dogs; four more statements, to make it eight",
    ),
    TalkStory(
        19, ("the kitchen is north of the hallway", "the bathroom is west of the bedroom", "the garden is east of the hallway",
             "the office is south of the bedroom", "the bathroom is north of the kitchen"),
        {"how do you go from the garden to the kitchen": ("19.1", "west, north"),
         "how do you go from the office to the bathroom": ("19.2", "north, west")},
        "a garden for the den; one more statement, to make it five",
    ),
    TalkStory(
        20, ("jason is hungry", "jason went to the kitchen", "jason grabbed the apple there", "antoine is hungry"),
        {"where will antoine go": ("20.1", "kitchen"), "why did jason go to the kitchen": ("20.2", "hungry")},
        "Jason and Antoine for John and Daniel; *will go*, *went* for *goes*",
    ),
)  # fmt: skip


def in_the_talk(answer: str) -> str:
    """An answer of the official files in the talk's words."""
    if re.fullmatch("[nsew],[nsew]", answer):
        return ", ".join({"n": "north", "s": "south", "e": "east", "w": "west"}[letter] for letter in answer.split(","))
    return "wolves" if answer == "wolf" else answer


def trained(kind: str, task: int, seed: int = 0) -> StoryClassifier:
    """A network with its recorded weights."""
    return load_checkpoint(f"relational_{kind}_{task}_{seed}", story_classifier(kind, size_of(kind, task), seed), constants(kind)).eval()


class Read(NamedTuple):
    """What a network makes of one question.

    Attributes
    ----------
    answer : str
    pairs : table
        Of each pair: places of its two sentences (from 1), activity of its last layer (artificial neurons: mean; spiking ones: spikes
        per neuron), and whether the answer changes when the pair is left out of the sum.
    found : Answer
        Its logits and layers.
    """

    answer: str
    pairs: pd.DataFrame
    found: Answer


@torch.inference_mode()
def read(classifier: StoryClassifier, example: Example) -> Read:
    """Ask a network one question."""
    found = classifier.answer(arrays([example])[0])
    absent = int(found.first.min())
    pairs = pd.DataFrame({
        "first": 1 + found.first - absent, "second": 1 + found.second - absent,
        "activity": found.last_of_pairs.sum(0).mean(1), "changes": changes(classifier.network, found),
    })  # fmt: skip
    return Read(VOCABULARY[int(found.logits.argmax()) - 1], pairs, found)


def changes(network: RelationalNetwork, found: Answer) -> Bool[Tensor, " pair"]:
    """Whether the answer about a story changes when a pair is left out of its sum."""
    return network.without_pair(found).argmax(1) != found.logits.argmax(1)[found.story]


def talk_examples(record: Record) -> dict[str, Read]:
    """The talk's stories: what follows from them (the claims), and what our networks say.

    Returns
    -------
    dict of Read
        What spiking networks make of the questions, by the id of the claim.
    """
    found, rows = {}, []
    right = {"ann": 0, "ann_drawn": 0, "spiking": 0}
    for story in TALK:
        kinds = "ann", "ann-drawn", "snn-drawn" if story.task in TRAINED["snn-drawn"] else "snn"
        networks = {name: trained(kind, story.task) for name, kind in zip(right, kinds, strict=True)}
        for question, (name, published) in story.asked.items():
            example = Example(story.statements, question, solve(story.statements, question))
            follows = in_the_talk(example.answer)
            record.claim(f"rel.example.{name}", follows, dataset="by the symbolic solver")
            reads = {kind: read(network, example) for kind, network in networks.items()}
            found[name] = reads["spiking"]
            said = {kind: in_the_talk(r.answer) for kind, r in reads.items()}
            for kind, answer in said.items():
                right[kind] += answer == follows
            row = {"task": str(story.task), "question": question, "talk": published, "solver": follows}
            rows.append(row | {"artificial": said["ann_drawn"], "spiking": said["spiking"]})
    table = pd.DataFrame(rows)
    record.table(table, "talk")
    told = [{"task": str(story.task), "story": " · ".join(f"{k} {said}" for k, said in enumerate(story.statements, 1))} for story in TALK]
    record.table(pd.DataFrame(told), "told")
    record.value("talk_questions", len(table))
    for kind, count in right.items():
        record.value(f"talk_right_{kind}", count)
    record.value("talk_changed", "; ".join(f"task {story.task}: {story.changed}" for story in TALK if story.changed))
    return found


def structure(record: Record) -> Read:
    """What the spiking network does with the talk's story of sheep and wolves."""
    (story,) = (story for story in TALK if story.task == 15)
    classifier = trained("snn-upper-v", story.task)
    (question,) = story.asked
    found = read(classifier, Example(story.statements, question, solve(story.statements, question)))
    record.claim("rel.structure", in_the_talk(found.answer), dataset="spiking network, one story")
    return found


def from_the_end(task: int, example: Example) -> bool:
    """Whether the end of a story is enough for the answer: its last gift (task 5) or its last two statements (task 13)."""
    statements = example.statements[-2:]
    if task == 5:
        *_, gift = (match for s in example.statements if (match := re.fullmatch(r"(\w+) (?:gave|passed|handed) (the \w+) to \w+", s)))
        statements = (f"{gift[1]} got {gift[2]}", gift[0])
    try:
        return solve(statements, example.question) == example.answer
    except CannotTell:
        return False


PER_STORY = {4: 1, 15: 4, 16: 1, 17: 8, 19: 1, 20: 12}  # questions, at most; else 5


def generated(record: Record, c: Config) -> None:
    """Stories of the generator: what the symbolic solver answers, and how often the end of a story is enough."""
    right, n, stories = 0, 0, []
    for task in TASKS:
        examples = generate(task, c.questions * PER_STORY.get(task, 5), numpy_generator(c.seed, f"stories of task {task}"))
        stories.append(1 + sum(now.statements[: len(last.statements)] != last.statements for last, now in pairwise(examples)))
        right += sum(solve(e.statements, e.question) == e.answer for e in examples)
        n += len(examples)
        if task in (5, 13):
            record.value(f"shortcut_{task}", 100 * float(np.mean([from_the_end(task, e) for e in examples])), "{:.0f} %")
        if task == 15:
            answers = np.array([e.answer for e in examples])
            mixed = numpy_generator(c.seed, "answers in another order").permutation(answers)
            record.value("mixed_exact", 100 * float((mixed == answers).mean()), "{:.0f} %")
            record.value("mixed_overlap", 100 * len({*mixed} & {*answers}) / len({*answers}), "{:.0f} %")
    where = f"questions about at least {min(stories):,} stories of our generator for each task"
    record.claim("rel.solver.generated", 100 * right / n, dataset=where, n=n)
    record.value("solver_questions", n, "{:,}")
    record.value("solver_stories", min(stories), "{:,}")


# --- Spikes -------------------------------------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """A network, its answers to generated questions of task 15 in parts, and the right ones."""

    network: RelationalNetwork
    found: list[Answer]
    answers: Int[Tensor, " question"]

    @property
    def logits(self) -> Float[Tensor, "question answer"]:
        """Of all questions."""
        return torch.cat([f.logits for f in self.found])


@torch.inference_mode()
def asked(kind: str, c: Config) -> Asked:
    """Ask a network of a kind questions of task 15."""
    classifier = trained(kind, 15)
    stories, answers = arrays(generate(15, c.questions, numpy_generator(c.seed, "stories of task 15")))
    return Asked(classifier.network, [classifier.answer(part) for part in stories.split(100)], answers)


def activity(a: Asked) -> pd.DataFrame:
    """What each layer of a network does while the gate is open, and how many answers are right.

    Of each layer: neurons, each counted once for all of its copies; rate, silent and locked ones [%]; lowest potential [thresholds]. A
    locked neuron is driven below rest, and its potential is never above 0: it never has a pseudo-derivative.
    """
    spiking = a.network.statement
    assert isinstance(spiking, Spiking)
    layers, v_th, rows = [f.copies() for f in a.found], spiking.params.v_th, []
    for name in layers[0]:
        z, v = (torch.cat(parts, 1) for parts in zip(*(of_part[name] for of_part in layers), strict=True))
        silent, locked = z.sum((0, 1)) == 0, (v.amax((0, 1)) <= 0) & (v.amin((0, 1)) < 0)
        shares = (100 * float(x.float().mean()) for x in (z, silent, locked))
        rows.append((name, len(silent), *shares, float(v.min()) / v_th))
    right = 100 * float((a.logits.argmax(1) == a.answers).float().mean())
    return pd.DataFrame(rows, columns=["layer", "neurons", "rate", "silent", "locked", "lowest"]).assign(right=right)


def regularization(record: Record, c: Config) -> None:
    """What limits of rates and the cost of potentials do: a row for each network of task 15."""
    rows, locked, silent, elsewhere = [], {}, {}, {}
    window = {kind: k.timing.window for kind, k in KINDS.items() if k.timing}
    for kind in ("snn-free", "snn-upper", "snn-upper-v"):
        layers, recipe = activity(asked(kind, c)), KINDS[kind].recipe  # one network's activity at a time: half a gigabyte
        assert isinstance(recipe, SpikingRecipe)
        busiest = layers.iloc[layers["rate"].argmax()]
        used = {"upper limit": recipe.high < 1, "lower limit": recipe.low > 0, "cost of potentials": recipe.voltage_factor > 0}
        of_all = {name: of_neurons(layers, name) for name in ("rate", "silent", "locked")}
        locked[kind], silent[kind] = of_all["locked"], of_all["silent"]
        elsewhere[kind] = of_neurons(layers[layers["layer"] != "question"], "locked")
        rows.append({
            **{name: "yes" if is_used else "no" for name, is_used in used.items()},
            "right": f"{busiest['right']:.1f} %", "mean rate": f"{of_all['rate']:.2f} %",
            "busiest layer": f"{busiest['rate']:.2f} % ({busiest['layer']})",
            "silent": f"{of_all['silent']:.1f} %", "locked": f"{of_all['locked']:.1f} %",
            "in A, B, C, D": " / ".join(f"{share:.1f}" for share in by_module(layers, "locked")) + " %",
            "lowest potential": f"{layers['lowest'].min():.1f}",
        })  # fmt: skip
        if kind == "snn-upper-v":
            record.claim("rel.snn.rate", float(busiest["rate"]), dataset="stories of task 15 of our generator", n=c.questions)
            record.value("spikes_busiest", float(busiest["rate"]) / 100 * window[kind], "{:.2f}")
    where = f"task 15, upper limit of rates; not locked: {FEW_LOCKED:.0f} % at most with the cost, more than twice as many without"
    record.verdict("rel.voltage.locked", unlocked(locked["snn-upper"], locked["snn-upper-v"]), dataset=where, n=c.questions)
    for name, kind in (("with", "snn-upper-v"), ("without", "snn-upper")):
        record.value(f"locked_{name}", locked[kind], "{:.1f} %")
        record.value(f"silent_{name}", silent[kind], "{:.1f} %")
        record.value(f"locked_elsewhere_{name}", elsewhere[kind], "{:.1f} %")
    record.value("questions_asked", len({e.question for e in generate(15, c.questions, numpy_generator(c.seed, "stories of task 15"))}))
    record.value("window_sparse", window["snn-upper-v"])
    record.value("window_other", window["snn"])
    record.table(pd.DataFrame(rows), "regularization")
    record.value("high", 100 * SPARSE.high, "{:.2f} %")
    record.value("begin", 100 * SPARSE.begin, "{:.0f} %")
    record.value("end", 100 * SPARSE.end, "{:.0f} %")


def of_neurons(layers: pd.DataFrame, name: str) -> float:
    """The mean over the neurons of some layers."""
    return float(np.average(layers[name], weights=layers["neurons"]))


def by_module(layers: pd.DataFrame, name: str) -> list[float]:
    """The mean over the neurons of each module, A to D."""
    of = {"statement": "A", "question": "B", "pair": "C", "sum": "D", "answer": "D"}
    return [of_neurons(part, name) for _, part in layers.groupby(layers["layer"].str.split().str[0].map(of))]


def unlocked(without: float, with_cost: float) -> bool:
    """Whether a cost of potentials keeps neurons from being locked, by the shares [%] of locked ones without and with it."""
    return with_cost <= FEW_LOCKED < without and with_cost < without / 2


def reading(record: Record, a: Asked) -> pd.DataFrame:
    """What would be right if readouts were read after an earlier step."""
    *_, last = a.found[0].layers
    y = F.linear(torch.cat([f.layers[last].z for f in a.found], 1), a.network.w_out.detach()).cumsum(0)
    steps = sum(torch.allclose(now, a.logits, rtol=1e-4, atol=1e-4) for now in y)
    record.claim("rel.readout.steps", steps, dataset="steps at which what readouts have added up is the answer; stories of our generator")
    right = (y.argmax(2) == a.answers).float().mean(1)
    for k in (1, 2):
        record.value(f"read_{k}", 100 * float(right[k - 1]), "{:.1f} %")
    return pd.DataFrame({"step": range(1, len(y) + 1), "right": 100 * right})


@torch.inference_mode()
def sparsity(record: Record, c: Config) -> pd.DataFrame:
    """Spikes of a neuron, and pairs on which the answer rests, against the number of sentences, in stories of task 1.

    Spikes are those while the gate is open, of all neurons of the modules that a story of this length uses. Pairs are those of questions
    that are answered right.
    """
    classifier = trained("snn-lengths", 1)
    count, rows = c.questions // len(LENGTHS), []
    for length in LENGTHS:
        stories, answers = arrays(generate(1, count, numpy_generator(c.seed, f"stories of {length} sentences"), length))
        found = classifier.answer(stories)
        z = [layer.z for layer in found.copies().values()]
        spikes = sum(float(of_layer.sum()) for of_layer in z) / sum(of_layer[0].numel() for of_layer in z)
        right = found.logits.argmax(1) == answers
        needed = float(changes(classifier.network, found)[right[found.story]].sum()) / max(int(right.sum()), 1)
        last, summed = float(found.last_of_pairs.sum(0).mean()), float(found.layers["sum"].z.sum(0).mean())
        rows.append((length, 100 * float(right.float().mean()), spikes, last, summed, len(found.story) // count, needed))
    table = pd.DataFrame(rows, columns=["sentences", "right", "spikes", "last", "sum", "pairs", "needed"])
    least = int(table["spikes"].argmin())
    for name, k in (("first", 0), ("least", least), ("last", -1)):
        record.value(f"spikes_{name}", table["spikes"].iloc[k], "{:.2f}")
    record.value("stories_each", count)
    record.value("right_last", table["right"].iloc[-1], "{:.0f} %")
    record.value("sentences_least", int(table["sentences"].iloc[least]))
    record.value("needed_first", table["needed"].iloc[0], "{:.2f}")
    record.value("needed_most", table["needed"].iloc[1:].max(), "{:.2f}")
    for name in ("last", "sum"):
        record.value(f"{name}_first", table[name].iloc[0], "{:.2f}")
        record.value(f"{name}_last", table[name].iloc[-1], "{:.2f}")
    where = "stories of task 1 of our generator"

    def slope(y: pd.Series) -> float:
        return float(np.polyfit(table["sentences"], y, 1)[0])

    record.claim("rel.snn.sparsity", slope(table["spikes"]), dataset=where, n=count * len(LENGTHS))
    slower = slope(table["needed"] / table["pairs"]) < 0
    record.verdict("rel.relations", slower, dataset=f"pairs without which the answer is another, {where}")
    return table


# --- All tasks ----------------------------------------------------------------------------------------------------------------------


def table(record: Record) -> None:
    """All tasks: test accuracy of each kind of network, as its training recorded it, and of networks that learned all tasks together."""
    found = accounts("relational_")
    right: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
    for name in found:
        _, kind, task, _ = name.split("_")
        if kind not in right:
            raise ValueError(f"data/checkpoints/{name}.json is of a kind that there is not: there are {', '.join(KINDS)}")
        right[kind].setdefault(task, []).append(100 * found[name]["test_accuracy"])
    shown = pd.DataFrame({"task": [f"{task} {name}" for task, name in TASKS.items()]})
    for kind, label in SHOWN.items():
        alone = {task: right[kind][str(task)] for task in TASKS if str(task) in right[kind]}
        shown[label] = [as_text(alone[task]) if task in alone else "" for task in TASKS]
        record.value(f"{kind}_trained", len(alone))
        record.value(f"{kind}_solved", sum(map(solved, alone.values())))
    for kind in JOINTLY:
        tests = found[f"relational_{kind}_{JOINT}_0"]["tests"]
        alike = [100 * tests[f"test {task}"] for task in TASKS]
        shown[f"{SHOWN[kind]}, one for all"] = [as_text([accuracy]) for accuracy in alike]
        record.value(f"{kind}_joint_solved", sum(solved([accuracy]) for accuracy in alike))
    record.table(shown, "tasks")
    several = [len(networks) for kind in SHOWN for networks in right[kind].values() if len(networks) > 1]
    record.value("seeds", min(several, default=1))
    record.value("small_encoder", SIZES["small"].encoder)
    record.value("wide_encoder", WIDE.encoder)
    for key in sorted(WIDER):
        record.value("wide_epochs_{}_{}".format(*key), recipe_of(*key).epochs)


def solved(right: Sequence[float]) -> bool:
    """Whether networks, of one seed each, solve a task: all of them."""
    return min(right) >= SOLVED


def as_text(right: Sequence[float]) -> str:
    """Mean accuracy [%], with the lowest and the highest, if there are several networks, and whether they do not solve the task."""
    spread = f" ({min(right):.1f} to {max(right):.1f})" if len(right) > 1 else ""
    return f"{np.mean(right):.1f} %{spread}{'' if solved(right) else ', not solved'}"


EXCEPTIONS = "story_exceptions.csv"  # in data/: official questions for which another answer follows, and what their stories say


def exceptions(tests: Mapping[int, Sequence[Example]]) -> pd.DataFrame:
    """The questions of the test files of each task for which another answer follows by logic than the one they have."""
    others = []
    for task, examples in tests.items():
        for number, example in enumerate(examples, 1):
            try:
                follows = solve(example.statements, example.question)
            except CannotTell as reason:
                follows = f"the story does not tell {reason}"
            if follows != example.answer:
                others.append((task, number, example.question, example.answer, follows))
    return pd.DataFrame(others, columns=["task", "number", "question", "file", "by logic"])


def files(record: Record) -> None:
    """What is to be known of the official files: answers by logic, long stories, and test questions that are training questions, too."""
    tests = {task: read_stories(task, "test") for task in TASKS}
    n = sum(map(len, tests.values()))
    record.claim("rel.solver.files", 100 * (1 - len(exceptions(tests)) / n), dataset="official test files (en-10k)", n=n)
    longer = sum(len(e.statements) > SENTENCES for examples in tests.values() for e in examples)
    record.claim("rel.files.longer", longer, dataset="official test files (en-10k)", n=n)
    seen, questions = {(e.statements, e.question) for e in read_stories(4, "train")}, [(e.statements, e.question) for e in tests[4]]
    record.claim("rel.files.seen.4", 100 * float(np.mean([q in seen for q in questions])), dataset="task 4", n=len(questions))


def trainings(record: Record, seed: int) -> None:
    """Train all networks of the chapter, where that has not been done yet, and count the tasks that each kind solves."""

    def right(kind: str, task: int | str) -> list[float]:
        seeds = SEEDS if kind in SHOWN and task in QUICK else 1
        return [100 * train_stories(kind, task, s)["test_accuracy"] for s in range(seed, seed + seeds)]

    found = {kind: {task: right(kind, task) for task in tasks} for kind, tasks in TRAINED.items()}
    for kind in SHOWN:
        networks = sum(map(len, found[kind].values()))
        where = f"official test files (en-10k), {networks} networks for {len(found[kind])} tasks: all of a task have to solve it"
        record.claim(f"rel.{kind}.solved", sum(map(solved, found[kind].values())), dataset=where, n=1000 * networks)
    (free,), (sparse,) = found["snn-free"][15], found["snn-upper-v"][15]
    record.claim("rel.snn.rate.accuracy_loss", free - sparse, dataset="official test file of task 15", n=1000, seeds=1)
    for kind in JOINTLY:
        train_stories(kind, JOINT, seed)


class Result(NamedTuple):
    """What the chapter draws."""

    growth: pd.DataFrame
    talk: dict[str, Read]
    structure: Read
    reading: pd.DataFrame
    sparsity: pd.DataFrame

    @property
    def spikes(self) -> pd.DataFrame:
        """Of each neuron of each layer in the story of `structure`."""
        found = {name: layer.z.sum(0).int().numpy() for name, layer in self.structure.found.copies().items()}
        return pd.concat([pd.DataFrame(z).assign(layer=name, copy=range(len(z))) for name, z in found.items()])

    @property
    def pairs(self) -> pd.DataFrame:
        """Of all questions of the talk."""
        return pd.concat([pd.DataFrame(), *(r.pairs.assign(question=name) for name, r in self.talk.items())])


def run(c: Config, record: Record) -> Result:
    """Sizes, stories, answers and spikes; at preset paper also the trainings."""
    grown = architecture(record)
    generated(record, c)
    table(record)
    record.table(pd.read_csv(package_file(EXCEPTIONS)), "exceptions")
    regularization(record, c)
    if c.train:
        files(record)
        trainings(record, c.seed)
    return Result(grown, talk_examples(record), structure(record), reading(record, asked("snn-upper-v", c)), sparsity(record, c))


def options(parser: argparse.ArgumentParser) -> None:
    """The words of the command that trains."""
    parser.add_argument(
        "--task",
        type=lambda word: int(word) if word.isdecimal() else word,
        choices=[*TASKS, JOINT],
        metavar=f"1 to 20, or {JOINT}",
        help="train one network on a task, or on all",
    )
    parser.add_argument("--kind", choices=KINDS, default="ann", help="its neurons")


TRAINING_PRESETS = tuple(PRESETS)  # smoke: an epoch; paper: the published size


def command(given: argparse.Namespace) -> bool:
    """Train, if that is asked for."""
    if given.task is None:
        return False
    about = train_stories(given.kind, given.task, given.seed, given.preset or "book")
    print(f"accuracy on the test questions: {100 * about['test_accuracy']:.1f} %")
    return True
