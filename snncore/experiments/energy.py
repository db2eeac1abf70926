"""The relational network on Loihi: on how many cores and chips it lies, what relays are for, and how much energy its events explain.

``python -m snncore.experiments energy --sanafe PYTHON --keep FILE`` asks SANA-FE, which that Python has, about the same spikes;
``--measure`` measures the network of artificial neurons on this GPU and CPU.
"""

import argparse
import math
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from snncore.experiments import ledger, relational
from snncore.experiments.beside_sanafe import beside_sanafe, keep_sanafe
from snncore.experiments.meter import measure_here
from snncore.experiments.on_chips import CHIPS, Layout, layout, program, shown
from snncore.experiments.record import Record
from snncore.loihi.board import Program, Run, Traffic, traffic
from snncore.loihi.board import run as run_program
from snncore.loihi.compartment import AHPCompartments, Compartment
from snncore.loihi.emulator import Group
from snncore.loihi.energy import HOPS, all_active, energy, event_counts, measured, step_times
from snncore.loihi.placement import DENSE, Placement, place
from snncore.loihi.quantize import UNIT
from snncore.loihi.spec import COMPARTMENTS, CORES, FULL_DECAY, LimitError
from snncore.networks.relational import SIZES, RelationalNetwork, Timing
from snncore.seeds import numpy_generator, torch_generator
from snncore.tasks.stories import LENGTH, SENTENCES, TASKS, VOCABULARY, read_stories
from snncore.tasks.story_generator import generate


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


def waiting(record: Record, explained: float) -> None:
    """How much of the measured time barriers could explain, if they took as long as on boards of many more chips, beside events [ms]."""
    barriers, m = measured("barriers of many chips"), measured("relational network, 2 sentences")
    for chips in (256, 768):
        record.value(f"barrier_{chips}", barriers[f"barrier_{chips}_us"], "{:.1f} µs")
    longest = m["steps"] * barriers["barrier_768_us"] / 1000
    record.value("barriers", longest, "{:.2f} ms")
    record.value("time_left", m["time_ms"] - explained - longest, "{:.2f} ms")


def priced(record: Record, found: Layout, placement: Placement, seed: int) -> None:
    """Energy of the cores' events for each number of sentences of the table, between the least and the most that assumptions allow."""
    rows = []
    for n in TABLE:
        few, many, most = (events(placement, found.used(n), rate) for rate in (*RATES, 1.0))
        low, high = energy(few, without=HOPS) / 1000, energy(all_active(many), without=HOPS) / 1000
        if n == 2:
            record.value("every_step", energy(all_active(most), without=HOPS) / 1000, "{:.2f} mJ")
            record.claim("relnet.measured.core_dynamic", (low + high) / 2, low=low, high=high, dataset="events at assumed rates")
            g = numpy_generator(seed, "spikes at assumed rates")
            quick, slow = (question_time([drawn(found, placement, n, rate, g)]) for rate in RATES)
            short, long = quick[0], slow[1]
            where = "events at assumed rates, busiest core and barrier"
            record.claim("relnet.measured.time", (short + long) / 2, low=short, high=long, dataset=where)
            waiting(record, long)
        rows.append({
            "sentences": n, "updates": f"{(few['update_active'] + few['update_inactive']) / 1e6:.1f} million",
            "synaptic operations": f"{few['synaptic_operation'] / 1e6:.2f} to {many['synaptic_operation'] / 1e6:.1f} million",
            "energy": f"{low:.2f} to {high:.2f} mJ",
        })  # fmt: skip
    record.table(pd.DataFrame(rows), "events")
    for name, value in (("rate_low", RATES[0]), ("rate_high", RATES[1])):
        record.value(name, 100 * value, "{:.0f} %")


# --- A trained network on the chips -----------------------------------------------------------------------------------------------------


def emulated(record: Record, c: Config) -> pd.DataFrame:
    """Our trained network of the small size on its chips, for stories of each length of the table: answers, events, and their energy.

    Returns
    -------
    table
        Of each core, how many synaptic operations and messages a question of the longest stories has on it.
    """
    classifier = relational.trained("snn-lengths", 1)
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
                stories, answers = relational.arrays([example])
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


def throughput(record: Record, c: Config) -> None:
    """How long the emulator takes for a question, how much it holds, against the length of stories and the size; how few neurons spike
    in a network that has not learned anything."""
    rows = []
    for size in ("small", "paper"):
        timing = Timing() if size == "small" else Timing(WORDS // LENGTH, WINDOW)
        net = RelationalNetwork(SIZES[size], len(VOCABULARY), SENTENCES, torch_generator(c.seed, "weights to time"), timing)
        found = layout(SIZES[size], len(VOCABULARY))
        for n in TABLE:
            (example,) = generate(1, 1, numpy_generator(c.seed, f"a story of {n} sentences to time"), n)
            loaded, x = program(net, found, n), shown(net, example)
            start = time.perf_counter()
            done = run_program(found.network, loaded, x)
            record.timing(f"emulator_seconds_{size}_{n}", time.perf_counter() - start)
            weights = {id(w): w.size for arrays in loaded.weights.values() for w in arrays}
            rows.append({
                "size": size, "sentences": n, "neurons": f"{sum(len(v) for v in done.v.values()):,}",
                "synapses": f"{sum(w.size for arrays in loaded.weights.values() for w in arrays):,}",
                "weights that are kept": f"{sum(weights.values()):,}", "all arrays [MB]": f"{kept_bytes(loaded, x, done) / 1e6:.1f}",
            })  # fmt: skip
    record.table(pd.DataFrame(rows), "throughput")
    spikes: dict[str, list[np.ndarray]] = defaultdict(list)  # of the last run: published sizes, stories of 20 sentences
    for p in (p for p in found.network.populations if p.name in done.z):
        spikes[p.module].append(done.z[p.name].sum(0))
    for name, module in (("first", "pairs, layer 1"), ("further", "pairs, further layers"), ("answer", "sum and answer")):
        record.value(f"untrained_{name}", float(np.concatenate(spikes[module]).mean()), "{:.2g}")


# --- From one measured length to the others ---------------------------------------------------------------------------------------------


class Parts(NamedTuple):
    """Energy of a question [mJ]: cores at work, all that flows at rest, processors beside the cores."""

    core_dynamic: float
    static: float
    x86: float


def parts(cores: int, per_core: bool, time_ms: float | None = None) -> Parts:
    """Energy with so many cores at work, from the run with 2 sentences, and the same number of steps.

    What the cores need beyond rest grows with the number of those in use, or (not ``per_core``) stays as it is: what counts then is the
    chips, which are all laid out for 20 sentences. The measurement does not tell which. What flows at rest, and the processors, need the
    measured power as long as a question takes: by default as long as in that run.
    """
    m = measured("relational network, 2 sentences")
    time, grown = time_ms or m["time_ms"], cores / m["cores"] if per_core else 1.0
    at_rest = (m["core_static_mw"] + m["x86_static_mw"]) * time / 1000
    return Parts(grown * m["core_dynamic_mw"] * m["time_ms"] / 1000, at_rest, m["x86_dynamic_mw"] * time / 1000)


def published_ratio(ratio: str, n: int) -> float:
    """One of the talk's ratios, GPU over Loihi."""
    found = ledger.package_claims()[f"relnet.{ratio}_ratio.{n}"].published
    assert isinstance(found, float)
    return found


def why_slower(gpu: float, many_chips: float, one_chip: float) -> str:
    """What measured runs tell about why a question takes Loihi longer than a GPU.

    Given are its times [ms]: on the GPU, as measured on many chips, and if each of its steps took as long as one of another network on a
    single chip.
    """
    if many_chips <= gpu:
        return "it does not take longer"
    return "the number of steps" if one_chip >= gpu else "longer steps, for whatever reason, not their number alone"


def lengths(record: Record, cores: dict[int, int]) -> pd.DataFrame:
    """Energy for each length of the talk's table; what its ratios then imply for the GPU, for the time on Loihi, and its energy then.

    The GPU's time is that for 2 sentences: for more, it is at least that.
    """
    m = measured("relational network, 2 sentences")
    gpu_time = published_ratio("latency", 2) * m["time_ms"]
    rows = []
    for n in TABLE:
        high, low = parts(cores[n], per_core=True), parts(cores[n], per_core=False)
        ratio, time = published_ratio("energy", n), gpu_time / published_ratio("latency", n)
        longer = {end: sum(parts(cores[n], per_core, time)) for end, per_core in (("longer_low", False), ("longer_high", True))}
        rows.append({
            "sentences": n, "cores": cores[n], **high._asdict(), "low": sum(low), "high": sum(high),
            "gpu_low": ratio * sum(low), "gpu_high": ratio * sum(high), "gpu_time": gpu_time, "time": time, **longer,
        })  # fmt: skip
    table = pd.DataFrame(rows)

    def between(low: str, high: str) -> list[str]:
        return [f"{a:.1f}" if a == b else f"{a:.1f} to {b:.1f}" for a, b in zip(table[low], table[high], strict=True)]

    columns = {
        "energy on Loihi [mJ]": between("low", "high"), "energy of the GPU, implied [mJ]": between("gpu_low", "gpu_high"),
        "time on Loihi, implied [ms]": between("time", "time"), "energy on Loihi in that time [mJ]": between("longer_low", "longer_high"),
    }  # fmt: skip
    record.table(pd.DataFrame({"sentences": table["sentences"], "cores": table["cores"], **columns}), "lengths")
    first, last = table.iloc[0], table.iloc[-1]
    record.value("gpu_2", float(first["gpu_high"]), "{:.0f} mJ")
    record.value("gpu_growth", 100 * float(last["gpu_high"] / first["gpu_high"] - 1), "{:.0f} %")
    record.value("gpu_time", gpu_time, "{:.2f} ms")
    record.value("time_20", float(last["time"]), "{:.1f} ms")
    record.value("longer_20", float(last["longer_high"] - last["high"]), "{:.1f} mJ")
    record.value("gpu_power", float(first["gpu_high"]) / gpu_time, "{:.1f} W")
    record.value("gpu_idle", measured("LSTM on a GPU")["idle_w"], "{:.1f} W")
    one_chip = measured("sequential MNIST")
    step = one_chip["time_ms"] / one_chip["steps"]
    record.value("step_one_chip", 1000 * step, "{:.2f} µs")
    record.value("step_many_chips", 1000 * m["time_ms"] / m["steps"], "{:.2f} µs")
    record.value("time_one_chip", m["steps"] * step, "{:.2f} ms")
    record.value("why_slower", why_slower(gpu_time, m["time_ms"], m["steps"] * step))
    return table


def sensitivity(table: pd.DataFrame) -> pd.DataFrame:
    """By which factor the ratio of energies would be another, for 2 and for 20 sentences, if something were counted otherwise.

    The table is that of `lengths`, and its upper ends are what is changed. A GPU needs its idle power as long as it takes for a question.
    """
    idle, rows = measured("LSTM on a GPU")["idle_w"], []
    for n, row in table.set_index("sentences").loc[[2, 20]].iterrows():
        changed = {
            "without the x86 processors": row["high"] / (row["high"] - row["x86"]),
            "without what flows at rest": row["high"] / (row["high"] - row["static"]),
            "cores at work: energy by chips, not by cores": row["high"] / row["low"],
            "with what the GPU needs when idle": (row["gpu_high"] + idle * row["gpu_time"]) / row["gpu_high"],
        }
        rows += [{"sentences": n, "change": name, "factor": factor} for name, factor in changed.items()]
    return pd.DataFrame(rows)


class Result(NamedTuple):
    """What the chapter draws: cores of each module on each chip, and whether a story of so many sentences uses them; events on each core;
    energy by length; what moves the ratio."""

    cores: pd.DataFrame
    board: pd.DataFrame
    lengths: pd.DataFrame
    sensitivity: pd.DataFrame


def tricks(multiple: float) -> str:
    """What the layout takes, by how many times more cores it has than its compartments alone need: many is more than twice as many."""
    return f"a few tricks and {'many' if multiple > 2 else 'few'} additional cores"


def placed(record: Record, c: Config) -> Result:
    """Lay out the network of the published sizes, and count what stories of the talk's lengths use of it."""
    network, units, needs, *_ = found = layout(SIZES["paper"], len(VOCABULARY))
    placement = place(network, units, CHIPS)
    priced(record, found, placement, c.seed)
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
    ratio = placement.messages(network.projections) / placement.messages(direct.projections)
    record.claim("relnet.relay.messages", ratio, dataset="each neuron fires once, 20 sentences")

    modules = {p.name: p.module for p in network.populations}
    rows = [(modules[name], chip, needs[name]) for name, chips in placement.chips.items() for chip in chips]
    cores = pd.DataFrame(rows, columns=["module", "chip", "needs"])
    least = math.ceil(sum(p.neurons * p.compartments for p in network.populations) / COMPARTMENTS)
    record.value("least_cores", least)
    record.claim("relnet.tricks", tricks(len(cores) / least), dataset="published sizes: cores, and compartments over those of a core")
    of_module = pd.DataFrame({n: cores[cores["needs"] <= n].groupby("module", sort=False).size() for n in TABLE}).fillna(0).astype(int)
    of_module.loc["all"] = of_module.sum()
    record.table(of_module.rename_axis("cores of").reset_index(), "cores")
    board, table = emulated(record, c), lengths(record, counts)
    return Result(cores, board, table, sensitivity(table))


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
