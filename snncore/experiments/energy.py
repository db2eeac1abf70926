"""The relational network on Loihi: on how many cores and chips it lies, what relays are for, and how much energy its events explain."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations_with_replacement, pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from snncore.datafiles import package_file
from snncore.experiments import ledger
from snncore.experiments.record import Record
from snncore.loihi.energy import all_active, energy, measured
from snncore.loihi.placement import DENSE, ONE_TO_ONE, Network, Placement, Population, Projection, Unit, place
from snncore.loihi.spec import LimitError
from snncore.networks.relational import SIZES, Size
from snncore.tasks.stories import SENTENCES, TASKS, VOCABULARY, read_stories


@dataclass(frozen=True)
class Config:
    """Whether the questions of the official files are counted, which are a download."""

    files: bool = False
    seed: int = 0


PRESETS = {"smoke": Config(), "book": Config(), "paper": Config(files=True)}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


TABLE = (2, 6, 10, 16, 20)  # numbers of sentences in the talk's table
CHIPS = 22
WORDS, WINDOW, FORWARD, STEPS = 110, 14, 37, 143  # steps: of a sentence, of the gate, of what follows it, of a question; as published
ACTIVE = {"sentences": WORDS, "question": WORDS, "relays": WINDOW, "masks": 0}  # steps in which neurons may fire; others: `FORWARD`
RATES = (0.01, 0.1)  # spikes per neuron and step: assumed, since none are published
BLOCK = 5  # sentences of a group; a block has the pairs of two groups
LSNN_SYNAPSES, SYNAPSES, SUM_NEURONS = 60_000, 40_000, 16  # of a core, by choice of the published layout: 210 axons each allow 19 neurons


class Layout(NamedTuple):
    """The network for stories of 20 sentences, the units in which it is laid out, and from how many sentences on a population is used."""

    network: Network
    units: list[Unit]
    needs: dict[str, int]

    def used(self, sentences: int) -> list[str]:
        """Populations that a story of so many sentences uses."""
        return [name for name, needed in self.needs.items() if needed <= sentences]


def layout(size: Size, words: int, relays: bool = True) -> Layout:
    """Populations and projections of a relational network, with relays as published, or with axons straight from encoders to pairs.

    Pairs of sentences are cut into blocks of two groups of five sentences. A block's first layers lie on a chip of their own, with a copy
    of each of its sentences and of the question, from which all further axons go out inside the chip, and a mask: a neuron for each
    sentence, which shuts off its pairs if it is absent. All other layers of pairs follow, then the sum and the answer.
    """
    populations: list[Population] = []
    projections: list[Projection] = []
    needs: dict[str, int] = {}

    def add(name: str, neurons: int, module: str, sentences: int = 0, synapses: int = SYNAPSES, **options: Any) -> str:
        populations.append(Population(name, neurons, module, synapses, **options))
        needs[name] = sentences
        return name

    lsnn = {"synapses": LSNN_SYNAPSES, "compartments": 2}  # at most: AHP neurons have two
    sentences = [add(f"sentence {s}", size.encoder, "sentences", s, **lsnn) for s in range(1, SENTENCES + 1)]
    question = add("question", size.encoder, "question", **lsnn)
    for name in (*sentences, question):
        projections += [Projection(f"words of {name}", name), Projection(name, name)]
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
                projections.append(Projection(name, sources[name], ONE_TO_ONE))
                here.append(sources[name])
        mask = add(f"mask, block {number}", SENTENCES, "masks", one_chip=True)
        projections.append(Projection("absent sentences", mask, ONE_TO_ONE))
        here.append(mask)
        for i, j in block:
            layers = [
                add(f"pair {i + 1}, {j + 1}, layer {k}", width, f"pairs, layer{'s 2 to 4' if k > 1 else ' 1'}", j + 1)
                for k, width in enumerate(size.pairs, 1)
            ]
            projections += [Projection(sources[name], layers[0]) for name in (sentences[i], sentences[j], question)]
            projections.append(Projection(mask, layers[0], neurons=len({i, j})))
            projections += [Projection(pre, post) for pre, post in pairwise(layers)]
            projections.append(Projection(layers[-1], "sum", ONE_TO_ONE))
            here.append(layers[0])
            last_layers.append(Unit(layers[1:], new_chip=not last_layers))
        units.append(Unit(here, new_chip=True))

    answer = [add("sum", size.pairs[-1], "sum and answer", neurons_per_core=SUM_NEURONS)]
    answer += [add(f"answer {k}", width, "sum and answer") for k, width in enumerate((*size.answer, size.answers), 1)]
    projections += [Projection(pre, post) for pre, post in pairwise(answer)]
    inputs = {f"words of {name}": words for name in (*sentences, question)} | {"absent sentences": SENTENCES}
    return Layout(Network(populations, projections, inputs), [*units, *last_layers, Unit(answer, split=True)], needs)


def events(placement: Placement, used: Collection[str], rate: float) -> dict[str, float]:
    """Events of a question that uses these populations, if all of their neurons fire so often while they may: expected numbers.

    All compartments are updated in all steps. A word is one input that fires in each of its steps. What spikes pay on the way from tile to
    tile and from chip to chip is not in it: the prices have none for the latter.
    """
    network = placement.network
    populations = [p for p in network.populations if p.name in used]
    spikes = {p.name: rate * p.neurons * ACTIVE.get(p.module, FORWARD) for p in populations}
    fired = sum(spikes.values())
    updates = STEPS * sum(p.neurons * p.compartments for p in populations)
    spikes |= {f"words of {name}": float(WORDS) for name in spikes}  # of the sources that there are
    synaptic = messages = 0.0
    for p in network.projections:
        if p.pre in spikes and p.post in used:
            sent, dense = spikes[p.pre] * network.sources(p) / network.sizes[p.pre], p.kind == DENSE
            synaptic += sent * (network.sizes[p.post] if dense else 1)
            messages += sent * (len(placement.chips[p.post]) if dense else 1)
    return {"update_active": fired, "update_inactive": updates - fired, "synaptic_operation": synaptic, "spike_in_tile": messages}


def priced(record: Record, found: Layout, placement: Placement) -> None:
    """Energy of the cores' events for each number of sentences of the table, between the least and the most that assumptions allow."""
    rows = []
    for n in TABLE:
        few, many, most = (events(placement, found.used(n), rate) for rate in (*RATES, 1.0))
        low, high = energy(few) / 1000, energy(all_active(many)) / 1000
        if n == 2:
            record.value("every_step", energy(all_active(most)) / 1000, "{:.2f} mJ")
            record.claim("relnet.measured.core_dynamic", (low + high) / 2, low=low, high=high, dataset="events at assumed rates")
        rows.append({
            "sentences": n, "updates": f"{(few['update_active'] + few['update_inactive']) / 1e6:.1f} million",
            "synaptic operations": f"{few['synaptic_operation'] / 1e6:.2f} to {many['synaptic_operation'] / 1e6:.1f} million",
            "energy": f"{low:.2f} to {high:.2f} mJ",
        })  # fmt: skip
    record.table(pd.DataFrame(rows), "events")
    for name, value in (("rate_low", RATES[0]), ("rate_high", RATES[1])):
        record.value(name, 100 * value, "{:.0f} %")


# --- From one measured length to the others ---------------------------------------------------------------------------------------------


class Parts(NamedTuple):
    """Energy of a question [mJ]: cores at work, all that flows at rest, processors beside the cores."""

    core_dynamic: float
    static: float
    x86: float


def parts(cores: int, per_core: bool) -> Parts:
    """Energy with so many cores at work, from the run with 2 sentences, and the same time for each step.

    What the cores need beyond rest grows with the number of those in use, or (not ``per_core``) stays as it is: what counts then is the
    chips, which are all laid out for 20 sentences. The measurement does not tell which.
    """
    m = measured("relational network, 2 sentences")
    energies = {name: m[f"{name}_mw"] * m["time_ms"] / 1000 for name in ("core_dynamic", "core_static", "x86_dynamic", "x86_static")}
    grown = cores / m["cores"] if per_core else 1.0
    return Parts(energies["core_dynamic"] * grown, energies["core_static"] + energies["x86_static"], energies["x86_dynamic"])


@cache
def _claims() -> dict[str, ledger.Claim]:
    return ledger.read_claims(package_file("claims.toml"))[1]


def published_ratio(ratio: str, n: int) -> float:
    """One of the talk's ratios, GPU over Loihi."""
    found = _claims()[f"relnet.{ratio}_ratio.{n}"].published
    assert isinstance(found, float)
    return found


def lengths(record: Record, cores: dict[int, int]) -> pd.DataFrame:
    """Energy for each length of the talk's table; what its ratios then imply for the GPU, and for the time on Loihi."""
    m = measured("relational network, 2 sentences")
    gpu_time = published_ratio("latency", 2) * m["time_ms"]
    rows = []
    for n in TABLE:
        high, low = parts(cores[n], per_core=True), parts(cores[n], per_core=False)
        ratio = published_ratio("energy", n)
        rows.append({
            "sentences": n, "cores": cores[n], **high._asdict(), "low": sum(low), "high": sum(high),
            "gpu_low": ratio * sum(low), "gpu_high": ratio * sum(high), "time": gpu_time / published_ratio("latency", n),
        })  # fmt: skip
    table = pd.DataFrame(rows)

    def between(low: str, high: str) -> list[str]:
        return [f"{a:.1f}" if a == b else f"{a:.1f} to {b:.1f}" for a, b in zip(table[low], table[high], strict=True)]

    implied = "energy of the GPU that the talk's ratio implies [mJ]"
    shown = {"energy on Loihi [mJ]": between("low", "high"), implied: between("gpu_low", "gpu_high")}
    record.table(pd.DataFrame({"sentences": table["sentences"], "cores": table["cores"], **shown}), "lengths")
    record.value("gpu_2", float(table["gpu_high"].iloc[0]), "{:.0f} mJ")
    record.value("gpu_time", gpu_time, "{:.2f} ms")
    record.value("time_20", float(table["time"].iloc[-1]), "{:.1f} ms")
    record.value("gpu_power", float(table["gpu_high"].iloc[0]) / gpu_time, "{:.1f} W")
    record.value("gpu_idle", measured("LSTM on a GPU")["idle_w"], "{:.1f} W")
    one_chip = measured("sequential MNIST")
    step = one_chip["time_ms"] / one_chip["steps"]
    record.value("step_one_chip", 1000 * step, "{:.2f} µs")
    record.value("step_many_chips", 1000 * m["time_ms"] / m["steps"], "{:.2f} µs")
    record.value("time_one_chip", m["steps"] * step, "{:.2f} ms")
    slower = m["steps"] * step < gpu_time < m["time_ms"]
    reason = "communication between chips and the larger number of computation steps"
    record.claim("relnet.slower.reason", reason if slower else "the larger number of computation steps alone", dataset="two measured runs")
    return table


def sensitivity(cores: dict[int, int]) -> pd.DataFrame:
    """By which factor the ratio of energies would be another, for 2 and for 20 sentences, if something were counted otherwise."""
    gpu, rows = measured("LSTM on a GPU"), []
    for n in (2, 20):
        p = parts(cores[n], per_core=True)
        base = sum(p)
        changed = {
            "without the x86 processors": base / (base - p.x86),
            "without what flows at rest": base / (base - p.static),
            "cores at work: energy by chips, not by cores": base / sum(parts(cores[n], per_core=False)),
            "with what the GPU needs when idle": gpu["power_w"] / (gpu["power_w"] - gpu["idle_w"]),
        }
        rows += [{"sentences": n, "change": name, "factor": factor} for name, factor in changed.items()]
    return pd.DataFrame(rows)


class Result(NamedTuple):
    """What the chapter draws: cores of each module on each chip, and whether a story of so many sentences uses them; energy by length; what
    moves the ratio."""

    cores: pd.DataFrame
    lengths: pd.DataFrame
    sensitivity: pd.DataFrame


def placed(record: Record) -> Result:
    """Lay out the network of the published sizes, and count what stories of the talk's lengths use of it."""
    network, units, needs = found = layout(SIZES["paper"], len(VOCABULARY))
    placement = place(network, units, CHIPS)
    priced(record, found, placement)
    record.claim("relnet.chips", len(placement.used(needs)[1]), dataset="published sizes, 20 sentences")
    counts = {}
    for n in range(1, SENTENCES + 1):
        counts[n], chips = placement.used(found.used(n))
        if n in TABLE:
            record.claim(f"relnet.cores.{n}", counts[n], dataset="published sizes")
            record.claim(f"relnet.chips.touched.{n}", len(chips), dataset="published sizes")
    a, b, c = np.polyfit(list(counts), list(counts.values()), 2)
    assert all(round(2 * a) * n * (n + 1) / 2 + round(b - a) * n + round(c) == count for n, count in counts.items())
    record.claim("relnet.cores.formula", f"{round(2 * a)} n(n+1)/2 + {round(b - a)} n + {round(c)}", dataset="1 to 20 sentences")

    direct = layout(SIZES["paper"], len(VOCABULARY), relays=False).network
    try:
        direct.cores()
        raise AssertionError("without relays the network would fit")
    except LimitError as error:
        record.value("without_relays", str(error))
    ratio = placement.messages(network.projections) / placement.messages(direct.projections)
    record.claim("relnet.relay.messages", ratio, dataset="each neuron fires once, 20 sentences")

    modules = {p.name: p.module for p in network.populations}
    rows = [(modules[name], chip, needs[name]) for name, chips in placement.chips.items() for chip in chips]
    cores = pd.DataFrame(rows, columns=["module", "chip", "needs"])
    of_module = pd.DataFrame({n: cores[cores["needs"] <= n].groupby("module", sort=False).size() for n in TABLE}).fillna(0).astype(int)
    of_module.loc["all"] = of_module.sum()
    record.table(of_module.rename_axis("cores of").reset_index(), "cores")
    return Result(cores, lengths(record, counts), sensitivity(counts))


def product(record: Record) -> None:
    """Whether the talk's rows of ratios fit each other: the product of two of them, each rounded, can be the third."""

    def range_of(ratio: str, n: int) -> np.ndarray:
        return published_ratio(ratio, n) + np.array([-0.005, 0.005])

    fits = True
    for n in TABLE:
        (least, most), (low, high) = range_of("energy", n) * range_of("latency", n), range_of("edp", n)
        fits &= least <= high and low <= most
    record.claim(
        "relnet.edp_product", "EDP ratio = energy ratio x latency ratio" if fits else "the rows do not fit", dataset="published ratios"
    )


def short_stories(record: Record) -> None:
    """Share of the questions of all official test files that are about stories of at most six sentences."""
    lengths = [len(example.statements) for task in TASKS for example in read_stories(task, "test")]
    share = 100 * float(np.mean(np.array(lengths) <= 6))
    record.claim("rel.stories.upto6", share, dataset="official test files (en-10k)", n=len(lengths))


def run(c: Config, record: Record) -> Result:
    """Place the network; at preset paper also count stories."""
    product(record)
    if c.files:
        short_stories(record)
    return placed(record)
