r"""Energy and time of a question on the chips of the relational network: by its events, and in all.

Events have published prices (`snncore.loihi.energy`). What else a question needs is known from two measured runs only, so that everything
here has two ends:

.. math::

    E = E_\text{cores} + (P_\text{rest} + P_\text{x86})\, t

with the energy of the neuron cores at work, the power of all at rest, and that of the x86 processors at work (`Terms`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from snncore.loihi.board import BoardRun, CoreEvents, InputSpikes, Program, core_events
from snncore.loihi.energy import HOPS, all_active, energy, event_counts, measured, step_times
from snncore.loihi.placement import DENSE, Placement
from snncore.loihi.relational import CHIPS, FORWARD, STEPS, WINDOW, WORDS, Layout

ACTIVE = {"sentences": WORDS, "question": WORDS, "relays": WINDOW, "masks": 0}  # steps in which neurons may fire; others: `FORWARD`
EVENTS = "update_active", "update_inactive", "synaptic_operation", "spike_in_tile"  # that are counted before a network has run


# --- By events --------------------------------------------------------------------------------------------------------------------------


def events(placement: Placement, used: Collection[str], rate: float) -> dict[str, float]:
    """Expected events (`EVENTS`) of a question, if all neurons of the used populations fire at one rate while they may.

    Compartments are updated in all steps, but those of relays only while the gate is open, as in the published code. A word is one input
    that fires in each of its steps. What spikes pay on the way from tile to tile and from chip to chip is not in it: the prices have none
    for the latter.
    """
    network = placement.network
    populations = [p for p in network.populations if p.name in used]
    spikes = {p.name: rate * p.neurons * ACTIVE.get(p.module, FORWARD) for p in populations}
    updates = sum((WINDOW if p.module == "relays" else STEPS) * p.neurons * p.compartments for p in populations)
    active, synaptic, messages = float(sum(spikes.values())), 0.0, 0.0
    spikes |= {f"words of {name}": float(WORDS) for name in spikes}  # of the sources that there are
    for o in network.projections:
        if o.pre in spikes and o.post in used:
            sent, dense = spikes[o.pre] * network.sources(o) / network.sizes[o.pre], o.kind == DENSE
            synaptic += sent * (network.sizes[o.post] if dense else 1)
            messages += sent * (len(placement.chips[o.post]) if dense else 1)
    return dict(zip(EVENTS, (active, updates - active, synaptic, messages), strict=True))


def question_events(placement: Placement, program: Program, x: InputSpikes, activity: BoardRun) -> CoreEvents:
    """Count the events of a question as `core_events`, but updates of relays only while the gate is open, as in the published code."""
    e, gate = core_events(placement, program, x, activity), np.flatnonzero(x["gate"])
    relays = [c for p in placement.network.populations if p.name in activity.z and p.module == "relays" for c in placement.cores[p.name]]
    updates = e.updates.copy()
    updates[: gate[0], relays] = updates[gate[-1] + 1 :, relays] = 0
    return e._replace(updates=updates)


FORMS: dict[str, Callable[..., float]] = {  # energy of events [µJ]; ``without``: events that are left out
    "davies2018": energy,
    "active": lambda counts, **more: energy(all_active(counts), **more),
    "sanafe": lambda counts, **more: energy(counts, "sanafe", **more),
}


def needs(e: CoreEvents) -> dict[str, float]:
    """Energy of events [µJ] by the names of `FORMS`, and least and most time [ms], ``soonest`` and ``latest``."""
    counts = event_counts(e)
    priced = {name: counts[name] for name in (*EVENTS, *HOPS)}  # not those to other chips
    times = {name: float(step_times(e, name == "latest").sum()) / 1000 for name in ("soonest", "latest")}
    return {name: form(priced) for name, form in FORMS.items()} | times


def resets() -> float:
    """Energy of resets for a question [µJ]: of all chips, however few it uses, as in the published code."""
    return CHIPS * measured("reset of a chip")["energy_uj"]


class Estimate(NamedTuple):
    """Estimate of a question from its events, before anything measured comes in; pairs are least and most."""

    cores: int
    chips: int
    energy: tuple[float, float]  #: of events, by both sets of prices, with resets [mJ]
    time: tuple[float, float]  #: of the busiest core and the barrier [ms]


def estimate(plan: Layout, placement: Placement, sentences: int, needed: Mapping[str, float]) -> Estimate:
    """Estimate cores, energy and time of a question from what its events need (`needs`, or its mean over questions)."""
    cores, chips = placement.used(plan.used(sentences))
    energies = [(needed[name] + resets()) / 1000 for name in FORMS]
    return Estimate(cores, len(chips), (min(energies), max(energies)), (needed["soonest"], needed["latest"]))


# --- In all, from two measured runs -----------------------------------------------------------------------------------------------------


class Terms(NamedTuple):
    """Needs of a question: energy of the cores at work [mJ], power of all at rest and of the processors at work [mW], time [ms]."""

    core_dynamic: float
    static_power: float
    x86_power: float
    time: float

    @property
    def static(self) -> float:
        """Energy of the power at rest [mJ]."""
        return self.static_power * self.time / 1000

    @property
    def x86(self) -> float:
        """Energy of the processors at work [mJ]."""
        return self.x86_power * self.time / 1000

    @property
    def energy(self) -> float:
        """Energy in all [mJ]."""
        return self.core_dynamic + self.static + self.x86

    def totals(self) -> dict[str, float]:
        """Energy [mJ], latency [ms] and energy-delay product [µJ s], by the names of the talk's ratios."""
        return {"energy": self.energy, "latency": self.time, "edp": self.energy * self.time}


def terms(e: Estimate, two: Estimate) -> tuple[Terms, Terms]:
    """Least and most that a question needs, from its estimate, that of a question with 2 sentences, and the two measured runs.

    Lower ends: the measured values for 2 sentences plus the additional events. The upper ends grow with what is in use, along a line
    through both runs, which used other numbers of cores and chips: power at rest with cores (that of processors: with chips), power of the
    processors and the time of a step with chips, to which that of events comes. What the cores at work need grows with their number, since
    the other run, of one core, says nothing of the rest that events leave. Less in use than in the run with 2 sentences is refused.
    """
    m, one = measured("relational network, 2 sentences"), measured("sequential MNIST")
    if e.cores < m["cores"] or e.chips < m["chips"]:
        raise ValueError(f"{e.cores} cores on {e.chips} chips are fewer than were measured, {m['cores']:.0f} on {m['chips']:.0f}")
    for run in (m, one):
        run["step_ms"] = run["time_ms"] / run["steps"]

    def line(name: str, by: str, now: int) -> float:
        return m[name] + (m[name] - one[name]) / (m[by] - one[by]) * (now - m[by])

    core = m["core_dynamic_mw"] * m["time_ms"] / 1000
    (less, more), (sooner, later) = ((now[0] - then[0], now[1] - then[1]) for now, then in ((e.energy, two.energy), (e.time, two.time)))
    return (
        Terms(core + less, m["core_static_mw"] + m["x86_static_mw"], m["x86_dynamic_mw"], m["time_ms"] + sooner),
        Terms(
            max(core * e.cores / m["cores"], core + more),
            line("core_static_mw", "cores", e.cores) + line("x86_static_mw", "chips", e.chips),
            line("x86_dynamic_mw", "chips", e.chips),
            m["steps"] * line("step_ms", "chips", e.chips) + later,
        ),
    )


ASSUMED = {  # the terms of a question, and what each follows at the lower and at the upper end
    "core_dynamic": "energy of the cores",  # events, or their number
    "static_power": "power at rest",  # as measured, or by cores
    "x86_power": "power of the processors",  # as measured, or by chips
    "time": "time of a step",  # as measured, or by chips
}


def midpoint(low: Terms, high: Terms) -> Terms:
    """The middle of each term."""
    return Terms(*((a + b) / 2 for a, b in zip(low, high, strict=True)))


def sensitivity(
    ends: Mapping[int, tuple[Terms, Terms]], lengths: Iterable[int], watts: float, kept: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One-at-a-time sensitivity of the energy ratio, GPU over Loihi: factors by which it would change.

    Each change starts from the midpoint of ``ends`` (least and most that a question needs, by number of sentences), which no ratio has
    chosen. What the GPU needs at rest, and its best batch, are those of a measured one (``kept``, of `snncore.tools.meter.kept_gpu`), if
    there is one; else its rest is that of another run, beside the power (``watts``) that the talk's ratios imply. The table has
    ``sentences``, ``change``, and the factors ``low`` and ``high``.
    """
    rows = []
    for n in lengths:
        start = midpoint(*ends[n])
        changes = {
            name: tuple(sorted(start.energy / start._replace(**{term: getattr(end, term)}).energy for end in ends[n]))
            for term, name in ASSUMED.items()
        }
        changes["leave out the power at rest"] = 1.0, start.energy / (start.energy - start.static)
        changes["leave out the x86 processors"] = 1.0, start.energy / (start.energy - start.x86)
        if kept is None:
            changes["count the idle GPU"] = 1.0, 1 + measured("LSTM on a GPU")["idle_w"] / watts
        else:
            single, *others = kept[kept["sentences"] == n].sort_values("batch").to_dict("records")
            changes["count the idle GPU"] = 1.0, single["energy [mJ]"] / single["without rest [mJ]"]
            best = min([single, *others], key=lambda row: row["without rest [mJ]"])
            changes["GPU: best batch"] = best["without rest [mJ]"] / single["without rest [mJ]"], 1.0
        rows += [{"sentences": n, "change": name, "low": low, "high": high} for name, (low, high) in changes.items()]
    return pd.DataFrame(rows)
