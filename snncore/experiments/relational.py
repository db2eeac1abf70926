"""Questions about stories: a relational network of artificial or of spiking neurons, what its parts do, and which tasks it solves.

``python -m snncore.experiments relational --task 15`` trains a network of artificial neurons on the official files, ``--kind snn`` a
spiking one.
"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from snncore.datafiles import package_file
from snncore.experiments.record import Record
from snncore.experiments.training import Job, held_out, train_once
from snncore.learning.classifier import Recipe
from snncore.networks.checkpoints import accounts, load_checkpoint
from snncore.networks.relational import SIZES, Answer, RelationalNetwork, Size, Spiking, Timing
from snncore.seeds import numpy_generator, seeded_weights, torch_generator
from snncore.tasks.stories import SENTENCES, TASKS, VOCABULARY, Example, encode, read_stories
from snncore.tasks.story_generator import generate
from snncore.tasks.story_solver import CannotTell, solve


@dataclass(frozen=True)
class Config:
    """Generated questions of each task; whether networks are trained, for which the official files are a download."""

    questions: int = 1000
    train: bool = False
    seed: int = 0


PRESETS = {"smoke": Config(questions=50), "book": Config(), "paper": Config(train=True)}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


# --- Trainings ----------------------------------------------------------------------------------------------------------------------


KINDS = {"ann": None, "snn": Timing()}  # artificial and spiking neurons
RECIPE = Recipe(16, batch=64, peak_rate=0.01, weight_decay=0.0, bfloat16=False)  # rate chosen by held-out questions of tasks 4, 6 and 15
SAID = {"ann": "artificial", "snn": "spiking"}
HELD_OUT = 1000  # the last questions of the training part
GENERATED = (3,)  # tasks whose training part is drawn by our generator, since some copies of the official files lack it
SOLVED = 95.0  # right answers [%] with which a task counts as solved


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
    with seeded_weights(seed, f"relational network, {kind}"):
        network = RelationalNetwork(size, len(VOCABULARY), SENTENCES, torch_generator(seed, f"weights of layers, {kind}"), KINDS[kind])
    return StoryClassifier(network)


def training_stories(task: int, seed: int) -> list[Example]:
    """The training part of the official files, or of our generator."""
    return generate(task, 10_000, numpy_generator(seed, "training stories")) if task in GENERATED else read_stories(task, "train")


def train_stories(kind: str, task: int, seed: int = 0) -> dict[str, Any]:
    """Train one network on one task, as `train_once` does."""

    def prepare() -> Job:
        parts = {"train": arrays(training_stories(task, seed)), "test": arrays(read_stories(task, "test"))}
        about = "bAbI: training part drawn by the generator" if task in GENERATED else "bAbI, official files (en-10k)"
        return Job(story_classifier(kind, SIZES["small"], seed), parts | held_out(*parts["train"], HELD_OUT), {}, about)

    return train_once(f"relational_{kind}_{task}_{seed}", f"relational --task {task} --kind {kind}", RECIPE, seed, prepare)


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
    """The published sizes, counted in the network itself."""
    network = RelationalNetwork(SIZES["paper"], len(VOCABULARY), SENTENCES, torch_generator(0, "sizes"), Timing(10, 14, 23))
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


def trained(kind: str, task: int, seed: int = 0) -> StoryClassifier | None:
    """A network with its recorded weights, if these were kept."""
    name = f"relational_{kind}_{task}_{seed}"
    if not package_file("checkpoints").joinpath(f"{name}.safetensors").exists():
        return None
    return load_checkpoint(name, story_classifier(kind, SIZES["small"], seed)).eval()


class Read(NamedTuple):
    """What a network makes of one question.

    Attributes
    ----------
    answer : str
    pairs : table
        Of each pair: places of its two sentences (from 1), activity of its last layer (artificial neurons: mean; spiking ones: spikes
        per neuron), and whether the answer changes when the pair is left out of the sum.
    """

    answer: str
    pairs: pd.DataFrame


@torch.inference_mode()
def read(classifier: StoryClassifier, example: Example) -> Read:
    """Ask a network one question."""
    found = classifier.answer(arrays([example])[0])
    *_, last = (layer.z for name, layer in found.layers.items() if name.startswith("pair"))
    said = found.logits.argmax(1)
    others = classifier.network.conclude(last.sum(1, keepdim=True) - last)[0].argmax(1)
    absent = int(found.first.min())
    pairs = pd.DataFrame({
        "first": 1 + found.first - absent, "second": 1 + found.second - absent,
        "activity": last.sum(0).mean(1), "changes": others != said,
    })  # fmt: skip
    return Read(VOCABULARY[int(said) - 1], pairs)


def talk_examples(record: Record) -> dict[str, Read]:
    """The talk's stories: what follows from them (the claims), and what our networks say, by the id of the claim."""
    found, rows, right = {}, [], 0
    for story in TALK:
        network = next((n for kind in ("snn", "ann") if (n := trained(kind, story.task))), None)
        for question, (name, published) in story.asked.items():
            example = Example(story.statements, question, solve(story.statements, question))
            follows = in_the_talk(example.answer)
            record.claim(f"rel.example.{name}", follows, dataset="by the symbolic solver")
            row = {"task": str(story.task), "question": question, "talk": published, "solver": follows}
            if network:
                found[name] = read(network, example)
                row["network"] = in_the_talk(found[name].answer)
                right += row["network"] == follows
            rows.append(row)
    record.table(pd.DataFrame(rows), "talk")
    record.value("talk_questions", len(found))
    record.value("talk_right", right)
    record.value("talk_changed", "; ".join(f"task {story.task}: {story.changed}" for story in TALK if story.changed))
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


def generated(record: Record, c: Config) -> None:
    """Stories of the generator: what the symbolic solver answers, and how often the end of a story is enough."""
    right, n = 0, 0
    for task in TASKS:
        examples = generate(task, c.questions, numpy_generator(c.seed, f"stories of task {task}"))
        right += sum(solve(e.statements, e.question) == e.answer for e in examples)
        n += len(examples)
        if task in (5, 13):
            record.value(f"shortcut_{task}", 100 * float(np.mean([from_the_end(task, e) for e in examples])), "{:.0f} %")
    record.claim("rel.solver.generated", 100 * right / n, dataset="questions of our generator, all tasks", n=n)
    record.value("solver_questions", n, "{:,}")


# --- All tasks ----------------------------------------------------------------------------------------------------------------------


def table(record: Record) -> None:
    """All tasks: test accuracy of each kind of network, as its training recorded it; the mean, if there are several seeds."""
    rows = [[*name.split("_")[1:3], 100 * about["test_accuracy"]] for name, about in accounts("relational_").items()]
    found = pd.DataFrame(rows, columns=["kind", "task", "accuracy"]).astype({"task": int})
    means = found.pivot_table(index="task", columns="kind", values="accuracy").reindex(index=list(TASKS), columns=list(KINDS))
    record.value("ann_trained", int(means["ann"].notna().sum()))
    record.value("ann_solved", int((means["ann"] >= SOLVED).sum()))
    shown = pd.DataFrame({"task": [f"{task} {name}" for task, name in TASKS.items()]})
    for kind, label in SAID.items():
        shown[label] = ["" if np.isnan(a) else f"{a:.1f} %{'' if a >= SOLVED else ' (not solved)'}" for a in means[kind]]
    record.table(shown, "tasks")


def solved(record: Record, kind: str, seed: int) -> None:
    """Train a network for each task, where that has not been done yet, and count the solved ones."""
    right = [100 * train_stories(kind, task, seed)["test_accuracy"] for task in TASKS]
    where = "official test files (en-10k), one network per task"
    record.claim(f"rel.{kind}.solved", sum(a >= SOLVED for a in right), dataset=where, n=1000 * len(TASKS), seeds=1)


class Result(NamedTuple):
    """What the chapter draws."""

    growth: pd.DataFrame
    talk: dict[str, Read]

    @property
    def pairs(self) -> pd.DataFrame:
        """Of all questions of the talk."""
        return pd.concat([pd.DataFrame(), *(r.pairs.assign(question=name) for name, r in self.talk.items())])


def run(c: Config, record: Record) -> Result:
    """Sizes, stories and answers; at preset paper also the trainings."""
    record.claim("rel.criterion", 100 - SOLVED)
    grown = architecture(record)
    generated(record, c)
    table(record)
    if c.train:
        solved(record, "ann", c.seed)
    return Result(grown, talk_examples(record))


def options(parser: argparse.ArgumentParser) -> None:
    """The words of the command that trains."""
    parser.add_argument("--task", type=int, choices=TASKS, metavar="1 to 20", help="train one network on a task")
    parser.add_argument("--kind", choices=KINDS, default="ann", help="its neurons")


def command(given: argparse.Namespace) -> bool:
    """Train, if that is asked for."""
    if given.task is None:
        return False
    about = train_stories(given.kind, given.task, given.seed)
    print(f"accuracy on the test questions: {100 * about['test_accuracy']:.1f} %")
    return True
