"""The relational network on Loihi: on how many cores and chips it lies, what relays are for, and how much energy its events explain.

``python -m snncore.experiments energy --sanafe PYTHON --keep FILE`` asks SANA-FE, which that Python has, about the same spikes;
``--measure`` measures the network of artificial neurons on this GPU and CPU.
"""

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from snncore.experiments.on_chips import CHIPS, Layout, layout, program, shown
from snncore.loihi.board import Program, Run, Traffic, traffic
from snncore.loihi.board import run as run_program
from snncore.loihi.compartment import AHPCompartments, Compartment
from snncore.loihi.emulator import Group
from snncore.loihi.energy import HOPS, all_active, energy, event_counts, measured, step_times
from snncore.loihi.placement import DENSE, Placement, place
from snncore.loihi.quantize import UNIT
from snncore.loihi.spec import COMPARTMENTS, CORES, FULL_DECAY, LimitError
from snncore.networks.relational import SIZES, RelationalNetwork, Timing
from snncore.peers.sanafe_energy import beside_sanafe, keep_sanafe
from snncore.record import Record
from snncore.seeds import numpy_generator, torch_generator
from snncore.tasks.stories import LENGTH, SENTENCES, TASKS, VOCABULARY, arrays, read_stories
from snncore.tasks.story_generator import generate
from snncore.tools.meter import kept_gpu, measure_here
from snncore.trainings.stories import trained


@dataclass(frozen=True)
class Config:
    """Questions of each length that are emulated; whether those of the official files are counted, which are a download."""

    questions: int = 10
    files: bool = False
    seed: int = 0


PRESETS = {"smoke": Config(questions=1), "book": Config(), "paper": Config(questions=50, files=True)}


def config(preset: str, seed: int = 0) -> Config:
    """The configuration of a preset."""
    return replace(PRESETS[preset], seed=seed)


TABLE = (2, 6, 10, 16, 20)  # numbers of sentences in the talk's table
RATIOS = {  # and its ratios, GPU over Loihi
    "energy": (16.49, 11.92, 7.78, 5.32, 4.36),
    "latency": (0.73, 0.56, 0.44, 0.33, 0.38),
    "edp": (12.10, 6.73, 3.41, 1.73, 1.67),
}
WORDS, WINDOW, FORWARD, STEPS = 110, 14, 37, 143  # steps: of a sentence, of the gate, of what follows it, of a question; as published
ACTIVE = {"sentences": WORDS, "question": WORDS, "relays": WINDOW, "masks": 0}  # steps in which neurons may fire; others: `FORWARD`
EVENTS = ("update_active", "update_inactive", "synaptic_operation", "spike_in_tile")  # that are counted before a network has run
RATES = (0.01, 0.1)  # spikes per neuron and step: assumed, since none are published


def module_events(placement: Placement, used: Collection[str], rate: float) -> dict[str, dict[str, float]]:
    """Events of a question that uses these populations, if all of their neurons fire so often while they may: expected numbers.

    Updates count where neurons are, messages and synaptic operations where they arrive. Compartments are updated in all steps, but those of
    relays only while the gate is open, as in the published code. A word is one input that fires in each of its steps. What spikes pay on
    the way from tile to tile and from chip to chip is not in it: the prices have none for the latter.
    """
    network = placement.network
    populations = {p.name: p for p in network.populations if p.name in used}
    spikes = {p.name: rate * p.neurons * ACTIVE.get(p.module, FORWARD) for p in populations.values()}
    found = {p.module: dict.fromkeys(EVENTS, 0.0) for p in populations.values()}
    for p in populations.values():
        updates = (WINDOW if p.module == "relays" else STEPS) * p.neurons * p.compartments
        found[p.module]["update_active"] += spikes[p.name]
        found[p.module]["update_inactive"] += updates - spikes[p.name]
    spikes |= {f"words of {name}": float(WORDS) for name in spikes}  # of the sources that there are
    for o in network.projections:
        if o.pre in spikes and o.post in used:
            sent, dense = spikes[o.pre] * network.sources(o) / network.sizes[o.pre], o.kind == DENSE
            found[populations[o.post].module]["synaptic_operation"] += sent * (network.sizes[o.post] if dense else 1)
            found[populations[o.post].module]["spike_in_tile"] += sent * (len(placement.chips[o.post]) if dense else 1)
    return found


def events(placement: Placement, used: Collection[str], rate: float) -> dict[str, float]:
    """Events of all modules, as `module_events`."""
    return {name: sum(of[name] for of in module_events(placement, used, rate).values()) for name in EVENTS}


def drawn(found: Layout, placement: Placement, sentences: int, rate: float, g: np.random.Generator) -> Traffic:
    """When and where events happen if neurons fire at random in the steps in which they may, and all synapses exist.

    Relays are updated as in `module_events`. Beyond those events, spikes reach the own auxiliary compartments of neurons with two; messages
    of words do not leave a core here.
    """
    network, used, first = placement.network, found.used(sentences), {"sentences": 0, "question": 0, "relays": WORDS - WINDOW}
    kinds = {1: Compartment(FULL_DECAY, UNIT), 2: AHPCompartments(FULL_DECAY, UNIT)}
    z, groups, weights, x = {}, {}, defaultdict[tuple[str, str], list[np.ndarray]](list), {}
    for p in (p for p in network.populations if p.name in used):
        z[p.name], start = np.zeros((STEPS, p.neurons), np.uint8), first.get(p.module, STEPS - FORWARD)
        may = z[p.name][start : start + ACTIVE.get(p.module, FORWARD)]
        may[:] = g.random(may.shape) < rate
        groups[p.name] = [Group(p.neurons, kinds[p.compartments])]

    @cache
    def ones(post: int, pre: int, sources: int) -> np.ndarray:
        return np.broadcast_to(np.arange(pre) < sources, (post, pre)).astype(np.int8)

    for o in (o for o in network.projections if o.post in z and (o.pre in z or o.pre in network.inputs)):
        post, pre = network.sizes[o.post], network.sizes[o.pre]
        weights[o.pre, o.post].append(ones(post, pre, network.sources(o)) if o.kind == DENSE else np.ones(post, np.int8))
        if o.pre in network.inputs:
            x[o.pre] = np.zeros((STEPS, pre), np.uint8)
            x[o.pre][:WORDS, 0] = o.pre.startswith("words")
    found_there = traffic(placement, Program(groups, weights), x, Run(z, {}))
    updates = found_there.updates.copy()
    relays = [core for p in network.populations if p.name in z and p.module == "relays" for core in placement.cores[p.name]]
    updates[: WORDS - WINDOW, relays] = updates[WORDS:, relays] = 0
    return found_there._replace(updates=updates)


def question_time(counts: Sequence[Traffic]) -> tuple[float, float]:
    """Least and most time of a question by events, in the mean over some [ms]."""
    low, high = (float(np.mean([step_times(t, active).sum() for t in counts])) / 1000 for active in (False, True))
    return low, high


def span(few: Mapping[str, float], many: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Least and most energy of events [µJ] at two rates, by each set of prices; with "davies2018", at most all updates are active."""
    return {
        "davies2018": (energy(few, without=HOPS), energy(all_active(many), without=HOPS)),
        "sanafe": (energy(few, "sanafe", HOPS), energy(many, "sanafe", HOPS)),
    }


class Account(NamedTuple):
    """What is counted of a question before anything measured comes in.

    Attributes
    ----------
    cores, chips : int
        In use.
    energy, time : pair
        Least and most by events, both sets of prices and both rates, with resets [mJ], and of the busiest core and the barrier [ms].
    crossings : pair
        Messages to other chips.
    """

    cores: int
    chips: int
    energy: tuple[float, float]
    time: tuple[float, float]
    crossings: tuple[int, int]


def resets() -> float:
    """Energy of resets for a question [µJ]: of all chips, however few it uses, as in the published code."""
    return CHIPS * measured("reset of a chip")["energy_uj"]


def account(found: Layout, placement: Placement, sentences: int, ends: Mapping[str, tuple[float, float]], seed: int) -> Account:
    """Of a question about a story of so many sentences, whose events need between these ends, as `span` gives them."""
    cores, chips = placement.used(found.used(sentences))
    g = numpy_generator(seed, f"spikes at assumed rates, {sentences} sentences")
    few, many = (drawn(found, placement, sentences, rate, g) for rate in RATES)
    return Account(
        cores, len(chips),
        ((min(low for low, _ in ends.values()) + resets()) / 1000, (max(high for _, high in ends.values()) + resets()) / 1000),
        (question_time([few])[0], question_time([many])[1]),
        (few.between_chips, many.between_chips),
    )  # fmt: skip


def waiting(record: Record, explained: tuple[float, float]) -> None:
    """How much of the measured time events leave [ms], and how much of that barriers could explain, if they took as long as on boards of
    many more chips."""
    barriers, m = measured("barriers of many chips"), measured("relational network, 2 sentences")
    for chips in (256, 768):
        record.value(f"barrier_{chips}", barriers[f"barrier_{chips}_us"], "{:.1f} µs")
    longest = m["steps"] * barriers["barrier_768_us"] / 1000
    record.value("barriers", longest, "{:.2f} ms")
    low, high = (m["time_ms"] - end for end in reversed(explained))
    record.value("remainder", f"{between(low, high)} ms")
    record.value("time_left", low - longest, "{:.2f} ms")


def between(low: float, high: float, form: str = "{:.2f}") -> str:
    """Two ends in words, or the one number that they are."""
    low_text, high_text = form.format(low), form.format(high)
    return low_text if low_text == high_text else f"{low_text} to {high_text}"


def priced(record: Record, found: Layout, placement: Placement, seed: int) -> dict[int, Account]:
    """Energy and time of the events for each number of sentences of the table, between the least and the most that assumptions allow."""
    rows, times, accounts = [], [], {}
    for n in TABLE:
        few, many = (events(placement, found.used(n), rate) for rate in RATES)
        ends = span(few, many)
        a = accounts[n] = account(found, placement, n, ends, seed)
        if n == 2:
            most = events(placement, found.used(n), 1.0)
            record.value("every_step", energy(all_active(most), without=HOPS) / 1000, "{:.2f} mJ")
            record.value("every_step_sanafe", energy(most, "sanafe", HOPS) / 1000, "{:.2f} mJ")
            where = "events at assumed rates, both sets of prices, and resets"
            record.claim("relnet.measured.core_dynamic", sum(a.energy) / 2, low=a.energy[0], high=a.energy[1], dataset=where)
            where = "events at assumed rates, busiest core and barrier"
            record.claim("relnet.measured.time", sum(a.time) / 2, low=a.time[0], high=a.time[1], dataset=where)
            waiting(record, a.time)
            full = dict.fromkeys(EVENTS, 0.0) | {"update_inactive": float(a.cores * COMPARTMENTS * STEPS)}
            low, high = (energy(counts, without=HOPS) / 1000 for counts in (full, all_active(full)))
            record.value("whole_cores", f"{between(low, high)} mJ")
        rows.append({
            "sentences": n, "updates": f"{(few['update_active'] + few['update_inactive']) / 1e6:.1f} million",
            "synaptic operations": f"{few['synaptic_operation'] / 1e6:.2f} to {many['synaptic_operation'] / 1e6:.1f} million",
            **{f"energy, {name} [mJ]": between(ends[name][0] / 1000, ends[name][1] / 1000) for name in ends},
            "with resets [mJ]": between(*a.energy),
        })  # fmt: skip
        times.append({
            "sentences": n, "chips in use": a.chips, "time by events [ms]": between(*a.time),
            "messages to other chips": "{:,} to {:,}".format(*a.crossings),
        })  # fmt: skip
    record.table(pd.DataFrame(rows), "events")
    record.table(pd.DataFrame(times), "times")
    record.value("resets", resets() / 1000, "{:.2f} mJ")
    for name, value in (("rate_low", RATES[0]), ("rate_high", RATES[1])):
        record.value(name, 100 * value, "{:.0f} %")
    where_it_goes(record, found, placement)
    return accounts


def where_it_goes(record: Record, found: Layout, placement: Placement) -> None:
    """Energy of the events of each kind, and of all events in each module, for 2 and for 20 sentences."""
    columns: dict[str, dict[str, str]] = {}
    kinds = {"updates": EVENTS[:2], "synaptic operations": EVENTS[2:3], "messages": EVENTS[3:]}
    for n in (2, 20):
        few, many = (module_events(placement, found.used(n), rate) for rate in RATES)
        of: dict[str, tuple[dict[str, float], dict[str, float]]] = {}
        both = [events(placement, found.used(n), rate) for rate in RATES]
        for kind, names in kinds.items():
            low, high = (dict.fromkeys(EVENTS, 0.0) | {name: counts[name] for name in names} for counts in both)
            of[kind] = low, high
        of |= {module: (few[module], many[module]) for module in few}
        columns[f"{n} sentences [µJ]"] = {name: between(*span(*counts)["davies2018"], "{:,.1f}") for name, counts in of.items()}
    table = pd.DataFrame(columns).rename_axis("where").reset_index()
    record.table(table, "where")


# --- A trained network on the chips -----------------------------------------------------------------------------------------------------


def emulated(record: Record, c: Config) -> pd.DataFrame:
    """Our trained network of the small size on its chips, for stories of each length of the table: answers, events, and their energy.

    Returns
    -------
    table
        Of each core, how many synaptic operations and messages a question of the longest stories has on it.
    """
    classifier = trained("snn-lengths", 1)
    net, found = classifier.network, layout(SIZES["small"], len(VOCABULARY))
    placement = place(found.network, found.units, CHIPS)
    modules = {p.name: p.module for p in found.network.populations}
    rows, spikes, neurons, right = [], Counter[str](), Counter[str](), Counter[str]()
    for n in TABLE:
        loaded, counts = program(net, found, n), []
        for example in generate(1, c.questions, numpy_generator(c.seed, f"stories of {n} sentences on chips"), n):
            x = shown(net, example)
            done = run_program(found.network, loaded, x)
            counts.append(traffic(placement, loaded, x, done))
            with torch.inference_mode():
                stories, answers = arrays([example])
                said, floats = int(done.v[found.readouts].argmax()), int(classifier(stories).argmax())
            right.update(same=said == floats, right=said == int(answers), right_float=floats == int(answers))
            for name, z in done.z.items():
                spikes[modules[name]] += int(z.sum())
                neurons[modules[name]] += z.shape[1]
        priced = {name: float(np.mean([event_counts(t)[name] for t in counts])) for name in event_counts(counts[0])}
        crossings = priced.pop("between_chips")  # has no price: the table shows how many there are
        low, high = energy(priced), energy(all_active(priced))
        rows.append({
            "sentences": n, "cores": placement.used(found.used(n))[0], "spikes": f"{priced['update_active']:,.0f}",
            "synaptic operations": f"{priced['synaptic_operation']:,.0f}",
            "messages (to other chips)": f"{priced['spike_in_tile']:,.0f} ({crossings:,.0f})",
            "tile to tile": f"{priced['hop_east_west'] + priced['hop_north_south']:,.0f}",
            "energy [µJ]": f"{low:.1f} to {high:.1f}", "time [ms]": "{:.3f} to {:.3f}".format(*question_time(counts)),
        })  # fmt: skip
    record.table(pd.DataFrame(rows), "emulated")
    asked = len(TABLE) * c.questions
    record.value("emulated_questions", asked)
    for name, count in right.items():
        record.value(f"emulated_{name}", 100 * count / asked, "{:.1f} %")
    del neurons["masks"]
    assumed = {module: [rate * ACTIVE.get(module, FORWARD) for rate in RATES] for module in neurons}
    fired = [{
        "module": module, "ours": f"{spikes[module] / count:.2f}", "assumed above": "{:.1f} to {:.1f}".format(*assumed[module]),
    } for module, count in neurons.items()]  # fmt: skip
    record.table(pd.DataFrame(fired), "fired")
    cores, chips = placement.used(found.needs)
    record.value("emulated_cores", cores)
    record.value("emulated_chips", len(chips))
    core = np.arange(len(chips) * CORES)
    return pd.DataFrame({
        "chip": core // CORES, "core": core % CORES,
        "synaptic operations": np.mean([t.synaptic_operations.sum(0) for t in counts], 0),
        "messages": np.mean([t.received for t in counts], 0),
    })  # fmt: skip


def kept_bytes(loaded: Program, x: Mapping[str, np.ndarray], done: Run) -> int:
    """Bytes of the arrays of a run: weights, input spikes, spikes and potentials.

    Weights that copies share count once, and once more for the emulator's own order, by the neuron from which a spike comes.
    """
    weights = {id(w): w for arrays in loaded.weights.values() for w in arrays}.values()
    by_pre = sum(w.nbytes for w in weights if not w.T.flags.c_contiguous)
    return by_pre + sum(a.nbytes for a in (*weights, *x.values(), *done.z.values(), *done.v.values()))


def untrained(size: str, seed: int) -> tuple[RelationalNetwork, Layout]:
    """A network with fresh weights, small or of the published sizes ("paper"), and how it lies on the chips."""
    timing = Timing() if size == "small" else Timing(WORDS // LENGTH, WINDOW)
    net = RelationalNetwork(SIZES[size], len(VOCABULARY), SENTENCES, torch_generator(seed, "weights to time"), timing)
    return net, layout(SIZES[size], len(VOCABULARY))


def asked(net: RelationalNetwork, found: Layout, n: int, seed: int) -> tuple[Program, dict[str, np.ndarray]]:
    """What is loaded for a question about a drawn story of ``n`` sentences, and the input spikes."""
    (example,) = generate(1, 1, numpy_generator(seed, f"a story of {n} sentences to time"), n)
    return program(net, found, n), shown(net, example)


def throughput(record: Record, c: Config) -> None:
    """How much the emulator holds for a question, and what happens on the chips, against the length of stories and the size; how few
    neurons spike in a network that has not learned anything."""
    rows, happened, kept = [], [], {}
    for size in ("small", "paper"):
        net, found = untrained(size, c.seed)
        placement = place(found.network, found.units, CHIPS)
        for n in TABLE:
            loaded, x = asked(net, found, n, c.seed)
            done = run_program(found.network, loaded, x)
            weights = {id(w): w.size for arrays in loaded.weights.values() for w in arrays}
            kept[size, n] = kept_bytes(loaded, x, done), sum(len(v) for v in done.v.values())
            t = traffic(placement, loaded, x, done)
            on_cores = t.synaptic_operations.sum(0)
            happened.append({
                "size": size, "sentences": n,
                "synaptic operations": f"{on_cores.sum():,}", "on the busiest core": f"{on_cores.max():,}",
                "messages": f"{t.sent.sum():,}", "tile to tile": f"{t.between_tiles_x + t.between_tiles_y:,}",
                "to other chips": f"{t.between_chips:,}",
            })  # fmt: skip
            rows.append({
                "size": size, "sentences": n, "neurons": f"{kept[size, n][1]:,}",
                "synapses": f"{sum(w.size for arrays in loaded.weights.values() for w in arrays):,}",
                "weights that are kept": f"{sum(weights.values()):,}", "all arrays [MB]": f"{kept[size, n][0] / 1e6:.1f}",
            })  # fmt: skip
    record.table(pd.DataFrame(rows), "throughput")
    record.table(pd.DataFrame(happened), "happened")
    for k, name in enumerate(("memory", "neurons")):
        record.value(f"{name}_growth", kept["paper", 20][k] / kept["paper", 2][k], "{:.0f} times")
    spikes: dict[str, list[np.ndarray]] = defaultdict(list)  # of the last run: published sizes, stories of 20 sentences
    for p in (p for p in found.network.populations if p.name in done.z):
        spikes[p.module].append(done.z[p.name].sum(0))
    for name, module in (("first", "pairs, layer 1"), ("further", "pairs, further layers"), ("answer", "sum and answer")):
        record.value(f"untrained_{name}", float(np.concatenate(spikes[module]).mean()), "{:.2g}")


# --- From two measured runs to all lengths ----------------------------------------------------------------------------------------------


class Terms(NamedTuple):
    """What a question needs: energy of the cores at work [mJ], power of all at rest and of the processors at work [mW], time [ms]."""

    core_dynamic: float
    static_power: float
    x86_power: float
    time: float

    @property
    def static(self) -> float:
        """Energy of what flows at rest [mJ]."""
        return self.static_power * self.time / 1000

    @property
    def x86(self) -> float:
        """Energy of the processors at work [mJ]."""
        return self.x86_power * self.time / 1000

    @property
    def energy(self) -> float:
        """In all [mJ]."""
        return self.core_dynamic + self.static + self.x86

    def of_ratios(self) -> dict[str, float]:
        """What the talk's ratios are about: energy [mJ], latency [ms], energy-delay product [µJ s]."""
        return {"energy": self.energy, "latency": self.time, "edp": self.energy * self.time}


def terms(a: Account, two: Account) -> tuple[Terms, Terms]:
    """Least and most that a question needs, from what is counted of it and of one with 2 sentences, and the two measured runs.

    The lower ends are those of the run with 2 sentences, and what more events need. The upper ends grow with what is in use, along a line
    through both runs, which used other numbers of cores and chips: power at rest with cores (that of processors: with chips), power of the
    processors and the time of a step with chips, to which that of events comes. What the cores at work need grows with their number, since
    the other run, of one core, says nothing of the rest that events leave.

    Raises
    ------
    ValueError
        If less is in use than in the run with 2 sentences.
    """
    m, one = measured("relational network, 2 sentences"), measured("sequential MNIST")
    if a.cores < m["cores"] or a.chips < m["chips"]:
        raise ValueError(f"{a.cores} cores on {a.chips} chips are fewer than were measured, {m['cores']:.0f} on {m['chips']:.0f}")
    for run in (m, one):
        run["step_ms"] = run["time_ms"] / run["steps"]

    def line(name: str, by: str, now: int) -> float:
        return m[name] + (m[name] - one[name]) / (m[by] - one[by]) * (now - m[by])

    core = m["core_dynamic_mw"] * m["time_ms"] / 1000
    (less, more), (sooner, later) = ((now[0] - then[0], now[1] - then[1]) for now, then in ((a.energy, two.energy), (a.time, two.time)))
    return (
        Terms(core + less, m["core_static_mw"] + m["x86_static_mw"], m["x86_dynamic_mw"], m["time_ms"] + sooner),
        Terms(
            max(core * a.cores / m["cores"], core + more),
            line("core_static_mw", "cores", a.cores) + line("x86_static_mw", "chips", a.chips),
            line("x86_dynamic_mw", "chips", a.chips),
            m["steps"] * line("step_ms", "chips", a.chips) + later,
        ),
    )


def middle(low: Terms, high: Terms) -> Terms:
    """In the middle of each term."""
    return Terms(*((a + b) / 2 for a, b in zip(low, high, strict=True)))


def published_ratio(ratio: str, n: int) -> float:
    """One of the talk's `RATIOS`, for so many sentences."""
    return RATIOS[ratio][TABLE.index(n)]


def why_slower(gpu: float, many_chips: float, one_chip: float) -> str:
    """What measured runs tell about why a question takes Loihi longer than a GPU.

    Given are its times [ms]: on the GPU, as measured on many chips, and if each of its steps took as long as one of another network on a
    single chip.
    """
    if many_chips <= gpu:
        return "it does not take longer"
    return "the number of steps" if one_chip >= gpu else "longer steps, for whatever reason, not their number alone"


def lengths(record: Record, accounts: Mapping[int, Account]) -> dict[int, tuple[Terms, Terms]]:
    """What a question needs on Loihi for each length of the talk's table, part by part; and what the ratios then imply for the GPU."""
    ends = {n: terms(a, accounts[2]) for n, a in accounts.items()}
    names = {"energy": "energy{} [mJ]", "latency": "time{} [ms]", "edp": "energy-delay product{} [µJ s]"}
    parts = {"core_dynamic": "cores at work [mJ]", "static": "at rest [mJ]", "x86": "processors at work [mJ]"}
    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for n, (low, high) in ends.items():
        least, most = low.of_ratios(), high.of_ratios()
        tables["lengths"].append({names[ratio].format(""): between(least[ratio], most[ratio], "{:.1f}") for ratio in names})
        implied = {ratio: published_ratio(ratio, n) for ratio in names}
        tables["implied"].append({
            names[ratio].format(" of the GPU"): between(of * least[ratio], of * most[ratio], "{:.1f}") for ratio, of in implied.items()
        })  # fmt: skip
        tables["parts"].append({name: between(getattr(low, part), getattr(high, part), "{:.1f}") for part, name in parts.items()})
    for name, rows in tables.items():
        record.table(pd.DataFrame([{"sentences": n, **row} for n, row in zip(ends, rows, strict=True)]), name)
    return ends


def beside_ratios(record: Record, accounts: Mapping[int, Account], ends: Mapping[int, tuple[Terms, Terms]]) -> None:
    """What the text says of time and power, with numbers of the GPU that the talk's ratios imply."""
    m, one_chip = measured("relational network, 2 sentences"), measured("sequential MNIST")
    two = middle(*ends[2])
    gpu_energy, gpu_time = published_ratio("energy", 2) * two.energy, published_ratio("latency", 2) * two.time
    record.value("gpu_2", gpu_energy, "{:.0f} mJ")
    record.value("gpu_time", gpu_time, "{:.2f} ms")
    record.value("gpu_power", gpu_energy / gpu_time, "{:.1f} W")
    record.value("gpu_idle", measured("LSTM on a GPU")["idle_w"], "{:.1f} W")
    for n in (16, 20):
        same, (low, high) = gpu_time / published_ratio("latency", n), ends[n]
        record.value(f"time_{n}", same, "{:.1f} ms")
        where = "shorter than" if same < low.time else "longer than" if same > high.time else "inside"
        record.value(f"time_{n}_beside", where)
    first, last = accounts[2], accounts[20]
    record.value("crossings_growth", last.crossings[0] / first.crossings[0], "{:.0f} times")
    record.value("chips_growth", last.chips / first.chips, "{:.1f} times")
    step = one_chip["time_ms"] / one_chip["steps"]
    record.value("step_one_chip", 1000 * step, "{:.2f} µs")
    record.value("step_many_chips", 1000 * m["time_ms"] / m["steps"], "{:.2f} µs")
    record.value("time_one_chip", m["steps"] * step, "{:.2f} ms")
    record.value("why_slower", why_slower(gpu_time, m["time_ms"], m["steps"] * step))
    record.value("static_one_core", one_chip["core_static_mw"], "{:.2f} mW")
    record.value("static_many_cores", m["core_static_mw"] / m["cores"], "{:.2f} mW")


def beside_gpu(record: Record, ends: Mapping[int, tuple[Terms, Terms]], kept: pd.DataFrame | None) -> None:
    """The talk's ratios by a measured GPU, if there is one: single questions, without what it needs at rest, over the middle of ours."""
    singles = [] if kept is None else kept[kept["batch"] == 1].to_dict("records")
    card = [f"{gpu['device']}, {gpu['clocks']}, {gpu['date']}" for gpu in singles[:1]]
    record.value("gpu_card", card[0] if card else "none was measured")
    for gpu in singles:
        n, (low, high) = int(gpu["sentences"]), ends[int(gpu["sentences"])]
        given = Terms(gpu["without rest [mJ]"], 0.0, 0.0, gpu["time [ms]"]).of_ratios()
        mean, least, most = (end.of_ratios() for end in (middle(low, high), low, high))
        for ratio, of_gpu in given.items():
            record.claim(
                f"relnet.{ratio}_ratio.{n}", of_gpu / mean[ratio], low=of_gpu / most[ratio], high=of_gpu / least[ratio],
                dataset=f"{gpu['device']}, batch 1, {gpu['date']}",
            )  # fmt: skip


def sensitivity(record: Record, ends: Mapping[int, tuple[Terms, Terms]], kept: pd.DataFrame | None) -> pd.DataFrame:
    """Between which factors the ratio of energies would change for 2 and for 20 sentences, if one thing were taken otherwise.

    Each starts from the middle of all terms, which no ratio has chosen. What the GPU needs at rest is that of a measured one, if there is
    one, and so is the best batch; else it is that of another run, beside the power that the talk's ratios imply from our middle.
    """
    rows = []
    for n in (2, 20):
        low, high = ends[n]
        start = middle(low, high)
        changes = {
            name: tuple(sorted(start.energy / start._replace(**{term: getattr(end, term)}).energy for end in (low, high)))
            for term, name in (
                ("core_dynamic", "cores at work: by events, or by their number"),
                ("static_power", "power at rest: as measured, or by cores"),
                ("x86_power", "power of processors: as measured, or by chips"),
                ("time", "time of a step: as measured, or by chips"),
            )
        }
        changes["without what flows at rest"] = 1.0, start.energy / (start.energy - start.static)
        changes["without the x86 processors"] = 1.0, start.energy / (start.energy - start.x86)
        if kept is None:
            watts = published_ratio("energy", n) * start.energy / (published_ratio("latency", n) * start.time)
            changes["with what the GPU needs at rest"] = 1.0, 1 + measured("LSTM on a GPU")["idle_w"] / watts
        else:
            single, *others = kept[kept["sentences"] == n].sort_values("batch").to_dict("records")
            changes["with what the GPU needs at rest"] = 1.0, single["energy [mJ]"] / single["without rest [mJ]"]
            best = min([single, *others], key=lambda row: row["without rest [mJ]"])
            changes["GPU: best batch"] = best["without rest [mJ]"] / single["without rest [mJ]"], 1.0
        rows += [{"sentences": n, "change": name, "low": of[0], "high": of[1]} for name, of in changes.items()]
        factor, most = max((max(of[1], 1 / of[0]), name) for name, of in changes.items())
        record.value(f"moves_most_{n}", most)
        record.value(f"moves_most_{n}_factor", factor, "{:.1f}")
    return pd.DataFrame(rows)


class Result(NamedTuple):
    """What the chapter draws: cores of each module on each chip, and whether a story of so many sentences uses them; events on each core;
    least and most that a question of each length needs; what moves the ratio."""

    cores: pd.DataFrame
    board: pd.DataFrame
    lengths: dict[int, tuple[Terms, Terms]]
    sensitivity: pd.DataFrame


def many(cores: int, least: int) -> bool:
    """Whether a layout takes many cores beyond those that its compartments alone need: more than as many again."""
    return cores > 2 * least


def placed(record: Record, c: Config) -> Result:
    """Lay out the network of the published sizes, and count what stories of the talk's lengths use of it."""
    network, units, needs, *_ = found = layout(SIZES["paper"], len(VOCABULARY))
    placement = place(network, units, CHIPS)
    accounts = priced(record, found, placement, c.seed)
    record.claim("relnet.chips", len(placement.used(needs)[1]), dataset="published sizes, 20 sentences")
    counts = {}
    for n in range(1, SENTENCES + 1):
        counts[n], chips = placement.used(found.used(n))
        if n in TABLE:
            record.claim(f"relnet.cores.{n}", counts[n], dataset="published sizes")
            record.claim(f"relnet.chips.touched.{n}", len(chips), dataset="published sizes")
    a, b, d = np.polyfit(list(counts), list(counts.values()), 2)
    assert all(round(2 * a) * n * (n + 1) / 2 + round(b - a) * n + round(d) == count for n, count in counts.items())
    record.claim("relnet.cores.formula", f"{round(2 * a)} n(n+1)/2 + {round(b - a)} n + {round(d)}", dataset="1 to 20 sentences")

    direct = layout(SIZES["paper"], len(VOCABULARY), relays=False).network
    try:
        direct.cores()
        raise AssertionError("without relays the network would fit")
    except LimitError as error:
        record.value("without_relays", str(error))
    with_relays, without = placement.messages(network.projections), placement.messages(direct.projections)
    record.value("messages_with", with_relays, "{:,.0f}")
    record.value("messages_without", without, "{:,.0f}")
    record.claim("relnet.relay.messages", with_relays / without, dataset="each neuron fires once, 20 sentences")

    modules = {p.name: p.module for p in network.populations}
    rows = [(modules[name], chip, needs[name]) for name, chips in placement.chips.items() for chip in chips]
    cores = pd.DataFrame(rows, columns=["module", "chip", "needs"])
    least = math.ceil(sum(p.neurons * p.compartments for p in network.populations) / COMPARTMENTS)
    record.value("least_cores", least)
    record.verdict("relnet.tricks", many(len(cores), least), dataset="published sizes: cores, and compartments over those of a core")
    of_module = pd.DataFrame({n: cores[cores["needs"] <= n].groupby("module", sort=False).size() for n in TABLE}).fillna(0).astype(int)
    of_module.loc["all"] = of_module.sum()
    record.table(of_module.rename_axis("cores of").reset_index(), "cores")
    board, ends, kept = emulated(record, c), lengths(record, accounts), kept_gpu(TABLE)
    beside_ratios(record, accounts, ends)
    beside_gpu(record, ends, kept)
    return Result(cores, board, ends, sensitivity(record, ends, kept))


def product(record: Record) -> None:
    """Whether the talk's rows of ratios fit each other: the product of two of them, each rounded, can be the third."""

    def range_of(ratio: str, n: int) -> np.ndarray:
        return published_ratio(ratio, n) + np.array([-0.005, 0.005])

    fits = True
    for n in TABLE:
        (least, most), (low, high) = range_of("energy", n) * range_of("latency", n), range_of("edp", n)
        fits &= least <= high and low <= most
    record.verdict("relnet.edp_product", bool(fits), dataset="published ratios")


def short_stories(record: Record) -> None:
    """Share of the questions of all official test files that are about stories of at most six sentences."""
    lengths = [len(example.statements) for task in TASKS for example in read_stories(task, "test")]
    share = 100 * float(np.mean(np.array(lengths) <= 6))
    record.claim("rel.stories.upto6", share, dataset="official test files (en-10k)", n=len(lengths))


def run(c: Config, record: Record) -> Result:
    """Place the network, emulate it, and hold its energy against SANA-FE's; at preset paper also count stories."""
    product(record)
    if c.files:
        short_stories(record)
    throughput(record, c)
    beside_sanafe(record)
    return placed(record, c)


def options(parser: argparse.ArgumentParser) -> None:
    """The words of the commands that ask SANA-FE, and that measure."""
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--sanafe", metavar="PYTHON", help="write the energies that SANA-FE finds, which this Python has")
    asked.add_argument("--measure", action="store_true", help="measure time and energy of a question, without spikes, on this GPU and CPU")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="to this file: sanafe.npz by default; measurements only if it is given")


def command(given: argparse.Namespace) -> bool:
    """Ask SANA-FE, or measure, if that is asked for."""
    if given.sanafe:
        path = given.keep or Path("sanafe.npz")
        keep_sanafe(given.sanafe, path)
        print(f"written to {path}")
    if given.measure:
        table = measure_here(TABLE)
        print(table.to_string(index=False, float_format="{:.3g}".format))
        if given.keep:
            table.to_csv(given.keep, index=False)
    return bool(given.sanafe or given.measure)
