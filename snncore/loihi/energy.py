r"""Energy and time of Loihi's neuron cores, from published prices per event.

.. math::

    E = \sum_\text{event} n_\text{event}\, E_\text{event}, \qquad
    t = \sum_\text{event} n_\text{event}\, t_\text{event}

where the time is that of one core. On a board (`step_times`), each step takes as long as its busiest core. Where a network lies on one core
(`cost`), input spikes come from a core of relays, one for each input, which works at the same time; its events cost energy, too. The prices
do not say when the update of a compartment counts as active, so there are two sums: all updates inactive but those of compartments that
fire, and all active. Static power, and the processors beside the cores, are not in it.

Source of the prices: the rows of ``data/loihi_costs.toml``.
"""

import math
import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from snncore.datafiles import package_file
from snncore.loihi.board import CoreEvents
from snncore.loihi.emulator import Events

HOPS = "hop_east_west", "hop_north_south"  # events on the way of a message, which those have to leave out who do not count them


class Price(NamedTuple):
    """Energy [pJ] and time [ns] of an event, None where the source gives none or it is not used, and who says so."""

    energy_pj: float | None
    time_ns: float | None
    source: str


@cache
def _rows(kind: str) -> list[dict[str, Any]]:
    return tomllib.loads(package_file("loihi_costs.toml").read_text(encoding="utf-8"))[kind]


def prices(name: str = "davies2018") -> dict[str, Price]:
    """A named set of prices, by event; ValueError if there is none of that name."""
    rows = _rows("cost")
    if name not in (names := {row["set"] for row in rows}):
        raise ValueError(f"no set of prices is named {name!r}: there are {', '.join(sorted(names))}")
    return {row["event"]: Price(row.get("energy_pj"), row.get("time_ns"), row["source"]) for row in rows if row["set"] == name}


def _times() -> dict[str, float]:
    """Times of events [ns], of which "davies2018" alone has some."""
    return {event: price.time_ns for event, price in prices().items() if price.time_ns is not None}


def measured(run: str) -> dict[str, float]:
    """Numbers of a measured run on silicon, by their names in the file; ValueError if there is no such run."""
    rows = {row["run"]: row for row in _rows("measured")}
    if run not in rows:
        raise ValueError(f"no measured run is named {run!r}: there are {', '.join(rows)}")
    return {name: float(value) for name, value in rows[run].items() if name not in ("run", "source")}


def energy(counts: Mapping[str, float], name: str = "davies2018", without: Collection[str] = ()) -> float:
    """Energy [µJ] of events, by a named set of prices; events of ``without`` are left out of the sum.

    Raises `ValueError` if a count is not a number from 0 on; if an event has no price; or if one that has a price is neither counted nor
    left out, or both.
    """
    price = {event: of_event.energy_pj for event, of_event in prices(name).items() if of_event.energy_pj is not None}
    for event in (*counts, *without):
        if event not in price:
            raise ValueError(f"set {name!r} has no price for the energy of event {event!r}: it has those of {', '.join(price)}")
    for event in price:
        if event not in counts and event not in without:
            raise ValueError(f"there is no count of event {event!r}: give 0 if it did not happen, or name it as one that is left out")
        if event in counts and event in without:
            raise ValueError(f"event {event!r} is counted, and named as one that is left out")
    for event, n in counts.items():
        if not 0 <= n < math.inf:
            raise ValueError(f"there cannot be {n} events {event!r}")
    return sum(n * price[event] for event, n in counts.items()) / 1e6


def all_active(counts: Mapping[str, float]) -> dict[str, float]:
    """Count each update of a compartment as active. The prices "davies2018" do not say when it is; in "sanafe", it is at a spike."""
    return {**counts, "update_active": counts["update_active"] + counts["update_inactive"], "update_inactive": 0.0}


class Cost(NamedTuple):
    """Least and largest energy [µJ] and time [ms] of an image."""

    energy_uj: tuple[float, float]
    time_ms: tuple[float, float]


def cost(events: Events, steps: int, relays: int) -> Cost:
    """Mean cost of an image at the prices "davies2018", without the ways of spikes from tile to tile.

    Each of the relays, one for each input of the network, receives and sends the input spikes of one.
    """
    times = _times()

    def core(synaptic: float, spikes: float, updates: float) -> dict[str, float]:
        return {
            "synaptic_operation": synaptic, "spike_in_tile": spikes, "update_active": spikes, "update_inactive": updates - spikes,
        }  # fmt: skip

    def total(network: dict[str, float], relayed: dict[str, float]) -> tuple[float, float]:
        time = sum(n * times[event] for event, n in network.items()) + steps * times["barrier"]
        return energy(network, without=HOPS) + energy(relayed, without=HOPS), time / 1e6

    inputs = float(events.input_spikes.mean())
    network = core(float(events.synaptic_operations.mean()), float(events.spikes.sum(1).mean()), events.compartment_updates)
    relayed = core(inputs, inputs, relays * steps)
    least, most = total(network, relayed), total(all_active(network), all_active(relayed))
    return Cost((least[0], most[0]), (least[1], most[1]))


def event_counts(e: CoreEvents) -> dict[str, float]:
    """Events by the names of prices, if all updates are inactive but those of compartments that fire.

    Messages to other chips, ``between_chips``, are among them, and no set has a price for these: who asks for the energy has to take them
    out first, and should say so.
    """
    fired = float(e.spikes.sum())
    return {
        "update_active": fired, "update_inactive": float(e.updates.sum()) - fired,
        "synaptic_operation": float(e.synaptic_operations.sum()), "spike_in_tile": float(e.sent.sum()),
        "hop_east_west": e.between_tiles_x, "hop_north_south": e.between_tiles_y,
        "between_chips": e.between_chips,
    }  # fmt: skip


def step_times(e: CoreEvents, active: bool = False) -> Float[np.ndarray, " time"]:
    """Time of each step on a board, at the prices "davies2018" [µs]: that of the busiest core, and of the barrier of a whole chip.

    With ``active``, all updates of compartments count as active, else only those of compartments that fire. Not in it: the ways of
    messages from tile to tile, which are short beside that, and all that happens between chips, which has no price. How long many chips
    wait for each other was measured on larger boards: ``measured("barriers of many chips")``.
    """
    price = _times()
    update = price["update_active" if active else "update_inactive"]
    busy = e.updates * update + e.spikes * (price["update_active"] - update)
    busy = busy + e.synaptic_operations * price["synaptic_operation"] + e.sent * price["spike_in_tile"]
    return (busy.max(1) + price["barrier_of_chip"]) / 1000
