"""One-shot learning of handwritten symbols and of spoken words, from a single weight update.

``python -m snncore.experiments one_shot_symbols --train omniglot`` trains features, learner and learning-signal generator;
``--runs DIR`` scores a folder of runs of the official 20-way test.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from snncore.datafiles import read_omniglot, read_spoken_words
from snncore.learning.descent import Descent, descend
from snncore.learning.losses import rate_cost, voltage_cost
from snncore.learning.one_shot_classifier import LOGITS, OneShotClassifier, Session
from snncore.learning.ordinary import Own, descended, single_steps
from snncore.networks.checkpoints import about_checkpoint, accounts, load_checkpoint
from snncore.networks.recurrent import Weights
from snncore.record import Record
from snncore.seeds import torch_generator
from snncore.tasks import episodes, omniglot, printed, spoken_words
from snncore.tasks.episodes import Episodes, Examples
from snncore.trainings.job import Done, train_or_read

DT, STEPS = 2.0, 20  # an image is there for 40 ms
SLOTS, FEATURES, NEURONS, LSG_NEURONS = 20, 128, 200, 200
ETA = 3e-4
RATE, RATE_COST = 40.0, 0.2  # firing rate [Hz] that training aims at, what others cost
VOLTAGE_COST = 0.01  # what potentials of the learner cost that are farther from rest than its threshold


class Kind(NamedTuple):
    """What is learned: size of an image; ways of the training, with so many updates of each; which data these are."""

    height: int
    width: int
    ways: tuple[tuple[int, int], ...]
    about: str

    @property
    def recipe(self) -> Descent:
        """As many updates as all ways have."""
        return Descent(sum(updates for _, updates in self.ways), rate=3e-3, warmup=30, end=0.03, clip=1.5, every=50)


KINDS = {
    "omniglot": Kind(
        omniglot.SIDE, omniglot.SIDE, ((5, 1500), (20, 3500)),
        "Omniglot, 964 symbols of the background alphabets, each turned by 0, 90, 180 or 270 degrees",
    ),
    "words": Kind(
        spoken_words.BANDS, spoken_words.STRETCHES, ((5, 3000),), "Speech Commands, 25 words, each also backwards, moved in time and pitch"
    ),
}  # fmt: skip
IMAGES = 240  # in an update, examples and queries
TESTED = {"omniglot": (2, 5, 10, 20), "words": (2, 5, 10)}  # ways
COUNT = 1000  # episodes of each
LEARNED, RUNS = 300, 200  # examples that are also learned by ordinary updates; runs like the official ones


@dataclass(frozen=True)
class Config:
    """Episodes of printed letters; those that also learn by ordinary updates, and how many; updates of the live training; whether to test
    on handwritten symbols and spoken words, which are downloads."""

    episodes: int = COUNT
    ordinary: int = 30
    updates: int = 10
    live: int = 150
    downloads: bool = False
    seed: int = 0


PRESETS = {"smoke": Config(episodes=20, ordinary=4, updates=2, live=10), "book": Config(), "paper": Config(downloads=True)}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


# --- Training ---------------------------------------------------------------------------------------------------------------------------


def network(kind: str, seed: int, lsg: bool = True) -> OneShotClassifier:
    """Features, learner and LSG (or none) with fresh weights."""
    k, lsg_neurons = KINDS[kind], LSG_NEURONS if lsg else 0
    sizes = {"slots": SLOTS, "features": FEATURES, "neurons": NEURONS, "lsg_neurons": lsg_neurons, "steps": STEPS}
    return OneShotClassifier(k.height, k.width, **sizes, dt=DT, eta=ETA, seed=seed)


def constants(net: OneShotClassifier, kind: str) -> dict[str, Any]:
    """What decides what the weights mean, beside their shapes: of the network, of what it is shown, and of what it was trained for."""
    (_, features), w = net.features.neurons, spoken_words
    own = {"steps": net.features.steps, "features_v_th": features.v_th, "logits": LOGITS}
    aims = {"firing": RATE, "firing_cost": RATE_COST, "voltage_cost": VOLTAGE_COST, "images": IMAGES}
    hearing = {"lowest": w.LOWEST, "highest": w.HIGHEST, "stretch": w.STRETCH, "fibers": w.FIBERS, "fastest": w.FASTEST, "range": w.RANGE}
    ways = {f"updates_{ways}": updates for ways, updates in KINDS[kind].ways}
    return net.pair.constants | own | aims | ways | (hearing if kind == "words" else {})


@cache
def data(kind: str) -> tuple[Examples, Examples]:
    """What is learned from, and what is tested: other classes (and, of words, other speakers)."""
    if kind == "omniglot":
        everything = read_omniglot()
        return omniglot.symbols(everything, False), omniglot.symbols(everything, True)
    return spoken_words.split(read_spoken_words())


def slots(e: Episodes, generator: torch.Generator) -> Tensor:
    """A slot for each way, drawn without repetition."""
    return torch.rand(len(e.support), SLOTS, generator=generator).argsort(1)[:, : e.support.shape[1]]


def changed(kind: str, images: Tensor, generator: torch.Generator) -> Tensor:
    """Images as other examples, or as other classes, in training: of symbols, all are turned; of words, all may be backwards."""
    if kind == "omniglot":
        return images.rot90(int(torch.randint(4, (), generator=generator)), (-2, -1))
    backwards = bool(torch.randint(2, (), generator=generator))
    return spoken_words.varied(images.flip(-1) if backwards else images, generator)


def outer(net: OneShotClassifier, kind: str, known: Examples) -> Callable[[int, torch.Generator], dict[str, float]]:
    """An update of the outer optimization: of everything, by the answers after the inner update, and by how alike features are."""
    ends = np.cumsum([updates for _, updates in KINDS[kind].ways])

    def update(k: int, g: torch.Generator) -> dict[str, float]:
        ways = KINDS[kind].ways[int(np.searchsorted(ends, k, side="right"))][0]
        queries = 2 if ways == 5 else 1
        e = episodes.draw(known.classes, IMAGES // (ways * (1 + queries)), ways, queries, g)
        places = torch.cat([e.support, e.query], 1)
        images = changed(kind, known.images[places.flatten()], g).unflatten(0, places.shape)
        s = net(images[:, :ways], slots(e, g), images[:, ways:])
        error, alike = (F.cross_entropy(y.flatten(0, 1), e.label.flatten()) for y in (s.answers, s.alike))
        rate = RATE * DT / 1000
        costs = sum(rate_cost(a.z, rate, rate) for a in (s.before, s.after, s.lsg) if a)
        v_th = net.pair.lif.v_th
        far = voltage_cost(s.before.v, -v_th, v_th) + voltage_cost(s.after.v, -v_th, v_th)
        (error + alike + RATE_COST * costs + VOLTAGE_COST * far).backward()
        return {"loss": float(error.detach()), f"right_{ways}": float((s.answers.argmax(-1) == e.label).float().mean()),
                f"alike_{ways}": float((s.alike.argmax(-1) == e.label).float().mean())}  # fmt: skip

    return update


# --- Tests ------------------------------------------------------------------------------------------------------------------------------


class Score(NamedTuple):
    """Right answers [%]: mean over episodes, and an interval of 95 % for it, of that many episodes."""

    mean: float
    low: float
    high: float


def score(right: Float[Tensor, " episode"]) -> Score:
    """From shares of right answers in episodes."""
    mean, error = 100 * float(right.mean()), 100 * 1.96 * float(right.std()) / math.sqrt(len(right))
    return Score(mean, max(0.0, mean - error), min(100.0, mean + error))


class Answered(NamedTuple):
    """Shares of right answers in each episode: after one update, before it, after one by the learning signals of another episode (of the
    next example, if there is no other), by the most similar features, by the nearest image."""

    after: Float[Tensor, " episode"]
    before: Float[Tensor, " episode"]
    shuffled: Float[Tensor, " episode"]
    features: Float[Tensor, " episode"]
    nearest: Float[Tensor, " episode"]


def scores(found: Answered) -> dict[str, Score]:
    """By name."""
    return {name: score(right) for name, right in found._asdict().items()}


@torch.no_grad()
def answered(net: OneShotClassifier, images: Tensor, e: Episodes, generator: torch.Generator) -> Answered:
    """What a trained network answers in episodes, and what it would without an update, or by comparing."""
    net.eval()
    slot = slots(e, generator)
    s, (count, ways) = net(images[e.support], slot, images[e.query]), e.support.shape
    seen, asked = s.features.split([count * ways, e.query.numel()], 1)
    _, untaught = net.ask(asked, slot)
    x = torch.cat([seen, net.clock.expand(-1, count * ways, -1)], -1)
    _, mistaught = net.ask(asked, slot, net.pair.updated(x, s.before, s.learning_signal.roll(ways if count > 1 else 1, 1), ways))
    distance = torch.cdist(images[e.query].flatten(2), images[e.support].flatten(2))
    return Answered(*((y.argmax(-1) == e.label).float().mean(1) for y in (s.answers, untaught, mistaught, s.alike, -distance)))


def test(net: OneShotClassifier, held_out: Examples, ways: int, count: int, seed: int) -> Answered:
    """Episodes of classes that no training has seen, with one query for each example."""
    batch, parts = max(1, 200 // ways), []
    for k in range(0, count, batch):
        g = torch_generator(seed, f"test episode {k}, {ways} ways")
        e = episodes.draw(held_out.classes, min(batch, count - k), ways, 1, g)
        parts.append(answered(net, held_out.images, e, g))
    return Answered(*(torch.cat(column) for column in zip(*parts, strict=True)))


BEGINNING, ALONE = "one_shot_symbols_", "-alone"  # of the names of checkpoints; and an end of the kind, if there is no LSG


def kind_of(name: str) -> str:
    """What was learned, from the name of a checkpoint."""
    return name.removeprefix(BEGINNING).rsplit("_", 1)[0]


def train_symbols(kind: str, seed: int = 0, lsg: bool = True) -> dict[str, Any]:
    """Train everything; if that is done, only read the account."""

    def do(state: Path) -> Done:
        known, held_out = data(kind)
        net = network(kind, seed, lsg)
        log = descend(net, outer(net, kind, known), KINDS[kind].recipe, seed, state, constants=constants(net, kind))
        found = {}
        for ways in TESTED[kind]:
            all_scores = scores(test(net, held_out, ways, COUNT, 0))
            found[f"test_{ways}"] = {name: [round(x, 2) for x in values] for name, values in all_scores.items()}
        return Done(net, KINDS[kind].about, log, found)

    name, words = (kind, f"--train {kind}") if lsg else (kind + ALONE, f"--train {kind} --alone")
    its = constants(network(kind, seed, lsg), kind)
    return train_or_read(f"{BEGINNING}{name}_{seed}", f"snncore.experiments one_shot_symbols {words}", KINDS[kind].recipe, seed, do, its)


# --- Ordinary learning, from the same weights -------------------------------------------------------------------------------------------

RATES = 3e-4, 1e-3, 3e-3  # of Adam


def ordinary_gradient(net: OneShotClassifier, own: Own, seen: Tensor, slot: Tensor, credit: bool) -> Own:
    """Gradient of each episode's error about its examples, of these features, for its own weights, by BPTT or (no credit) e-prop."""
    w_in, w_rec = (w.detach().requires_grad_() for w in own)
    _, y = net.ask(seen, slot, _all(net, Own(w_in, w_rec)), credit)
    label = torch.arange(slot.shape[1]).repeat(len(slot))
    return Own(*torch.autograd.grad(F.cross_entropy(y.flatten(0, 1), label, reduction="sum"), (w_in, w_rec)))


def _all(net: OneShotClassifier, own: Own) -> Weights:
    """All weights of each episode's learner: its own ones, and the common readouts."""
    learner = net.pair.learner
    return Weights(own.w_in, own.w_rec * learner.no_self, learner.w_out.detach().expand(len(own.w_in), -1, -1))


RULES = {"e-prop": False, "BPTT": True}  # whether gradients flow through the recurrent weights


class Compared(NamedTuple):
    """Right answers [%] in some lessons: after one update by learned signals, and, for each rule, after the best single step, and before
    each of some ordinary updates. Each rule has the size of a step, and the rate, that are best for these very queries."""

    learned: float
    single: dict[str, float]
    curves: dict[str, list[float]]

    def reached(self, rule: str) -> int | None:
        """After how many updates a rule is as good as one update by learned signals; None if after more than there were."""
        return next((k for k, right in enumerate(self.curves[rule]) if right >= self.learned), None)


def compared(net: OneShotClassifier, symbols: Examples, lessons: int, ways: int, updates: int, g: torch.Generator) -> Compared:
    """Ordinary updates from the weights of the trained learner beside one by learned signals, in the same lessons."""
    e = episodes.draw(symbols.classes, lessons, ways, 2, g)
    slot, start = slots(e, g), net.pair.learner.weights()
    with torch.no_grad():
        s = net(symbols.images[e.support], slot, symbols.images[e.query])
    seen, asked = s.features.split([e.support.numel(), e.query.numel()], 1)
    fresh = Own(*(w.detach().expand(lessons, -1, -1) for w in start[:2]))

    @torch.no_grad()
    def right(own: Own) -> float:
        return 100 * float((net.ask(asked, slot, _all(net, own))[1].argmax(-1) == e.label).float().mean())

    single, curves = {}, {}
    for rule, credit in RULES.items():

        def learn(own: Own, credit: bool = credit) -> tuple[Own, float]:
            return ordinary_gradient(net, own, seen, slot, credit), right(own)

        single[rule] = max(map(right, single_steps(fresh, learn(fresh)[0])))
        curves[rule] = max((descended(fresh, learn, updates, rate) for rate in RATES), key=max)
    return Compared(100 * float((s.answers.argmax(-1) == e.label).float().mean()), single, curves)


def ordinary(record: Record, net: OneShotClassifier, c: Config) -> tuple[pd.DataFrame, float]:
    """Right answers [%] about printed letters after ordinary updates, and after one by learned signals."""
    g = torch_generator(c.seed, "printed letters for ordinary learning")
    found = compared(net, printed.letters().symbols, c.ordinary, 5, c.updates, g)
    record.value("ordinary_learned", found.learned, "{:.0f} %")
    record.value("ordinary_lessons", c.ordinary)
    record.value("rates", len(RATES))
    for rule in RULES:
        name = rule.replace("-", "")
        record.value(f"single_{name}", found.single[rule], "{:.0f} %")
        record.value(f"most_{name}", max(found.curves[rule]), "{:.0f} %")
        needed = found.reached(rule)
        record.value(f"k_{name}", f"more than {c.updates}" if needed is None else needed)
    rows = [{"rule": rule, "updates": k, "right": right} for rule, curve in found.curves.items() for k, right in enumerate(curve)]
    return pd.DataFrame(rows), found.learned


# --- The official runs ------------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def official(net: OneShotClassifier, runs: Sequence[omniglot.Run], seed: int = 0) -> pd.DataFrame:
    """Wrong answers [%] in each run of the official 20-way test, or of one like it.

    Raises
    ------
    ValueError
        If a run has more symbols than the network has readouts.
    """
    net.eval()
    rows = []
    for run in runs:
        if len(run.support) > SLOTS:
            raise ValueError(f"{run.name} has {len(run.support)} symbols: the network tells {SLOTS} apart")
        slot = torch.randperm(SLOTS, generator=torch_generator(seed, run.name))[None, : len(run.support)]
        answers = net(run.support[None], slot, run.query[None]).answers[0].argmax(-1)
        rows.append({"run": run.name, "wrong": 100 * float((answers != run.label).float().mean())})
    return pd.DataFrame(rows)


# --- The chapter ------------------------------------------------------------------------------------------------------------------------


class Shown(NamedTuple):
    """One lesson with printed letters: which ones, examples, queries, their classes, readouts before and after, slots, and the session."""

    letters: list[str]
    support: Float[Tensor, "way side side"]
    query: Float[Tensor, "query side side"]
    label: Tensor
    before: Float[Tensor, "query way"]
    after: Float[Tensor, "query way"]
    slot: Tensor
    session: Session


class Result(NamedTuple):
    """What the chapter draws."""

    shown: Shown
    w_out: Float[Tensor, "way neuron"]
    ordinary: pd.DataFrame
    learned: float
    confusion: pd.DataFrame
    ways: pd.DataFrame
    curves: pd.DataFrame


def trained(kind: str) -> OneShotClassifier:
    """Features, learner and LSG with recorded weights."""
    net = network(kind, 0)
    return load_checkpoint(f"{BEGINNING}{kind}_0", net, constants(net, kind)).eval()


@torch.no_grad()
def lesson(net: OneShotClassifier, seed: int, ways: int = 5) -> Shown:
    """Show a few printed letters in one typeface, update once, and ask about all other typefaces."""
    p, g = printed.letters(), torch_generator(seed, "printed letters of a lesson")
    chosen = torch.randperm(len(p.symbols.classes), generator=g)[:ways].tolist()
    first = p.typefaces.index("DejaVuSans")
    others = [k for k in range(len(p.typefaces)) if k != first]
    support = torch.stack([p.symbols.classes[k][first] for k in chosen])[None]
    query = torch.stack([p.symbols.classes[k][others] for k in chosen]).flatten()[None]
    label = torch.arange(ways).repeat_interleave(len(others))[None]
    e = Episodes(support, query, label)
    slot, images = slots(e, g), p.symbols.images
    s = net(images[e.support], slot, images[e.query])
    _, untaught = net.ask(s.features[:, ways:], slot)
    return Shown([printed.LETTERS[k] for k in chosen], images[support[0], 0], images[query[0], 0], label[0], untaught[0], s.answers[0],
                 slot[0], s)  # fmt: skip


def ways_of_accounts() -> pd.DataFrame:
    """Right answers [%] in the tests after all recorded trainings, against ways."""
    rows = []
    for name, about in accounts(BEGINNING).items():
        kind = kind_of(name)
        for ways in TESTED[kind.removesuffix(ALONE)]:
            for who, (mean, low, high) in about[f"test_{ways}"].items():
                rows.append({"kind": kind, "seed": about["seed"], "ways": ways, "who": who, "right": mean, "low": low, "high": high})
    return pd.DataFrame(rows)


def curves_of_accounts() -> pd.DataFrame:
    """Right answers [%] in new episodes of known classes, during all recorded trainings."""
    rows = []
    for name, about in accounts(BEGINNING).items():
        kind = kind_of(name)
        for row in about["log"]:
            rows += [{"kind": kind, "seed": about["seed"], "update": row["update"], "ways": int(key.removeprefix("right_")),
                      "right": 100 * value} for key, value in row.items() if key.startswith("right_")]  # fmt: skip
    return pd.DataFrame(rows)


def claims_of(record: Record, kind: str, ways: Sequence[int], name: str, c: Config) -> None:
    """Recorded networks about held-out classes, beside the nearest image, the signals of another lesson, and ordinary learning."""
    net, (_, held_out) = trained(kind), data(kind)
    for n in ways:
        found = test(net, held_out, n, COUNT, 0)
        where: dict[str, Any] = {"dataset": f"{name}, episodes", "seeds": 1}
        for end, right in (("", found.after), (".margin", found.after - found.nearest), (".shuffled", found.shuffled)):
            mean, low, high = score(right)
            record.claim(f"oneshot.{kind}.{n}way{end}", mean, low=low, high=high, n=COUNT, **where)
        lessons = LEARNED // n
        others = compared(net, held_out, lessons, n, c.updates, torch_generator(0, f"ordinary learning, {n} ways"))
        for rule, short in (("e-prop", "eprop"), ("BPTT", "bptt")):
            record.claim(f"oneshot.{kind}.{n}way.single_{short}", others.single[rule], n=lessons, **where)
            needed = others.reached(rule)
            needed, bound = (c.updates, ">") if needed is None else (needed, None)
            record.claim(f"oneshot.{kind}.{n}way.k_{short}", needed, bound=bound, n=lessons, **where)


def like_official(record: Record) -> None:
    """Wrong answers in runs like the official ones, of symbols that no training has seen."""
    runs = omniglot.draw_runs(read_omniglot(), RUNS, SLOTS, torch_generator(0, "runs like the official ones"))
    wrong = score(torch.from_numpy(official(trained("omniglot"), runs)["wrong"].to_numpy() / 100))
    where: dict[str, Any] = {"dataset": "Omniglot evaluation alphabets, runs", "n": RUNS, "seeds": 1}
    record.claim("oneshot.omniglot.runs", wrong.mean, low=wrong.low, high=wrong.high, **where)


def confusion(
    net: OneShotClassifier, symbols: Examples, names: Sequence[str], queries: int, lessons: int, g: torch.Generator
) -> pd.DataFrame:
    """For which class each is taken [%], all to choose from; rows: what is shown."""
    counts, of = torch.zeros(len(names), len(names)), torch.full((len(symbols.images),), -1)
    for k, places in enumerate(symbols.classes):
        of[places] = k
    for _ in range(lessons):
        e = episodes.draw(symbols.classes, 5, len(names), queries, g)
        with torch.no_grad():
            answers = net(symbols.images[e.support], slots(e, g), symbols.images[e.query]).answers.argmax(-1)
        taken_for = of[e.support.gather(1, answers)]
        counts.index_put_((of[e.query].flatten(), taken_for.flatten()), torch.ones(()), accumulate=True)
    return pd.DataFrame((100 * counts / counts.sum(1, keepdim=True)).numpy(), list(names), list(names))


def confused(found: pd.DataFrame) -> tuple[str, float]:
    """The most frequent mistake, and in which share of cases [%] it is made."""
    mistakes = found.to_numpy().copy()
    np.fill_diagonal(mistakes, 0)
    i, j = divmod(int(mistakes.argmax()), len(found))
    return f"{found.index[i]} for {found.columns[j]}", float(mistakes[i, j])


def live(record: Record, c: Config) -> None:
    """Train from scratch, here and now, on every second printed letter; test on the others."""
    p, net, path = printed.letters().symbols, network("omniglot", c.seed), record.folder / "live.state"
    known, others = (Examples(p.images, p.classes[first::2]) for first in (0, 1))
    recipe = Descent(c.live, rate=3e-3, warmup=30, end=0.03, clip=1.5, every=min(50, c.live))
    descend(net, outer(net, "omniglot", known), recipe, c.seed, path, progress=False)
    path.unlink()
    found = scores(test(net, others, 5, max(1, c.episodes // 10), c.seed))
    for who in ("before", "after", "nearest"):
        record.value(f"live_{who}", found[who].mean, "{:.0f} %")
    record.value("live_updates", c.live)
    record.value("live_letters", len(known.classes))


WHO = {
    "after": "after one update",
    "before": "before it",
    "shuffled": "by another lesson's signals",
    "features": "most similar features",
    "nearest": "nearest image",
}


def letters(record: Record, net: OneShotClassifier, c: Config) -> None:
    """Printed letters: a table, 5 and 20 to choose from."""
    rows = []
    for ways in (5, 20):
        found = scores(test(net, printed.letters().symbols, ways, c.episodes, c.seed))
        row = {WHO[who]: f"{s.mean:.1f} % ({s.low:.1f} to {s.high:.1f})" for who, s in found.items()}
        rows.append({"letters to choose from": ways} | row)
    record.table(pd.DataFrame(rows), "printed")
    record.value("episodes", f"{c.episodes:,}")
    record.value("confidence", "95 %")


def trainings(record: Record) -> None:
    """Tests after the recorded trainings: a table, one row for each."""
    rows = []
    for name, about in accounts(BEGINNING).items():
        kind, most = kind_of(name), max(TESTED[kind_of(name).removesuffix(ALONE)])
        row: dict[str, Any] = {"trained on": kind.replace(ALONE, ", no second network"), "seed": about["seed"]}
        for who in ("after", "features", "nearest"):
            for n in (5, most):
                row[f"{WHO[who]}, {n if n == 5 else '20 (words: 10)'} ways"] = f"{about[f'test_{n}'][who][0]:.1f} %"
        rows.append(row)
    record.table(pd.DataFrame(rows), "trainings")


def run(c: Config, record: Record) -> Result:
    """Printed letters, here and now; with downloads, handwritten symbols and spoken words."""
    net = trained("omniglot")
    letters(record, net, c)
    live(record, c)
    shown = lesson(net, c.seed)
    record.value("lesson_right", int((shown.after.argmax(-1) == shown.label).sum()))
    record.value("lesson_before", int((shown.before.argmax(-1) == shown.label).sum()))
    record.value("lesson_asked", len(shown.label))
    w_out, signal = net.pair.learner.w_out.detach()[shown.slot], shown.session.learning_signal.mean(0)
    record.value("signal_correlation", float(torch.corrcoef(torch.stack([signal.flatten(), w_out.flatten()]))[0, 1]), "{:.2f}")
    for kind in KINDS:
        about = about_checkpoint(f"{BEGINNING}{kind}_0")
        record.value(f"{kind}_updates", f"{about['recipe']['updates']:,}")
        record.value(f"{kind}_minutes", about["seconds"] / 60, "{:.0f}")
        record.value(f"{kind}_machine", about["machine"])
    for name, value in {"features": FEATURES, "neurons": NEURONS, "lsg_neurons": LSG_NEURONS, "slots": SLOTS}.items():
        record.value(name, value)
    for kind, n in (("omniglot", 5), ("omniglot", 20), ("words", 5)):
        together, alone = (about_checkpoint(f"{BEGINNING}{kind}{end}_0")[f"test_{n}"] for end in ("", ALONE))
        after = together["after"][0]
        record.value(f"{kind}_features_{n}", together["features"][0] - after, "{:.1f} pp")
        every = [about[f"test_{n}"]["after"][0] for about in accounts(f"{BEGINNING}{kind}_").values()]
        record.value(f"{kind}_together_{n}", " and ".join(f"{right:.1f} %" for right in every))
        record.value(f"{kind}_alone_{n}", alone["after"][0], "{:.1f} %")
    trainings(record)
    if c.downloads:
        claims_of(record, "omniglot", (5, 20), "Omniglot evaluation alphabets", c)
        claims_of(record, "words", (5,), "Speech Commands subset", c)
        like_official(record)
        heard, words = data("words")[1], sorted(spoken_words.HELD_OUT)
        mistake, share = confused(confusion(trained("words"), heard, words, 5, 100, torch_generator(0, "words that may be confused")))
        where: dict[str, Any] = {"dataset": "Speech Commands subset, 10 words to choose from", "seeds": 1}
        record.claim("oneshot.words.confused", mistake, **where)
        record.claim("oneshot.words.confused.share", share, **where)
    p, g = printed.letters(), torch_generator(c.seed, "printed letters that may be confused")
    few = Examples(p.symbols.images, p.symbols.classes[:SLOTS])
    taken_for = confusion(net, few, printed.LETTERS[:SLOTS], len(p.typefaces) - 1, max(1, c.episodes // 100), g)
    mistake, share = confused(taken_for)
    record.value("confused", mistake)
    record.value("confused_share", share, "{:.0f} %")
    record.value("confused_right", float(np.diag(taken_for).mean()), "{:.0f} %")
    return Result(shown, w_out, *ordinary(record, net, c), taken_for, ways_of_accounts(), curves_of_accounts())


def options(parser: argparse.ArgumentParser) -> None:
    """The words of the commands that train and score."""
    parser.add_argument("--train", choices=KINDS, help="train features, learner and learning-signal generator")
    parser.add_argument("--alone", action="store_true", help="without the generator: errors of the readouts are the learning signals")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="score the recorded network on a folder of official 20-way runs")


def command(given: argparse.Namespace) -> bool:
    """Train or score, if that is asked for."""
    if given.runs:
        found = official(trained("omniglot"), omniglot.read_runs(given.runs), given.seed)
        print(found.to_string(index=False, float_format="%.1f"))
        print(f"wrong answers, mean of {len(found)} runs: {found['wrong'].mean():.1f} %")
        return True
    if given.alone and not given.train:
        raise SystemExit("--alone needs --train: it says how to train")
    if not given.train:
        return False
    about = train_symbols(given.train, given.seed, not given.alone)
    for ways in TESTED[given.train]:
        print(f"{ways} ways: " + ", ".join(f"{name} {values[0]:.1f} %" for name, values in about[f"test_{ways}"].items()))
    return True
