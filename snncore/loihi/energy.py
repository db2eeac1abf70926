r"""What events on Loihi cost: energy and time of its neuron cores, from published prices per event.

.. math::

    E = \sum_\text{event} n_\text{event}\, E_\text{event}, \qquad
    t = \sum_\text{event} n_\text{event}\, t_\text{event}

where the time is that of one core. On a board (`step_times`), each step takes as long as its busiest core. Where a network lies on one core
(`cost`), input spikes come from a core of relays, one for each input, which works at the same time; its events cost energy, too. The prices
do not say when the update of a compartment counts as active, so there are two sums: all updates inactive but those of compartments that
fire, and all active. Static power, and the processors beside the cores, are not in it.

Source of the prices: the rows of ``data/loihi_costs.toml``.
"""

import tomllib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from snncore.datafiles import package_file
from snncore.loihi.board import Traffic
from snncore.loihi.emulator import Events


class Price(NamedTuple):
    """Energy [pJ; None where the source gives none] and time [ns] of an event, and who says so."""

    energy_pj: float | None
    time_ns: float
    source: str


def prices(name: str = "davies2018") -> dict[str, Price]:
    """A named set of prices, by event.

    Raises
    ------
    ValueError
        If there is no such set.
    """
    rows = tomllib.loads(package_file("loihi_costs.toml").read_text())["cost"]
    sets = sorted({row["set"] for row in rows})
    if name not in sets:
        raise ValueError(f"no set of prices is named {name!r}: there are {', '.join(sets)}")
    return {row["event"]: Price(row.get("energy_pj"), row["time_ns"], row["source"]) for row in rows if row["set"] == name}


def measured(run: str) -> dict[str, float]:
    """Numbers of a measured run on silicon, by their names in the file.

    Raises
    ------
    ValueError
        If there is no such run, or its row has no source.
    """
    rows = {row["run"]: row for row in tomllib.loads(package_file("loihi_costs.toml").read_text())["measured"]}
    if run not in rows or not rows[run].get("source"):
        raise ValueError(f"no measured run with a source is named {run!r}: there are {', '.join(rows)}")
    return {name: float(value) for name, value in rows[run].items() if name not in ("run", "source")}


def energy(counts: Mapping[str, float], name: str = "davies2018") -> float:
    """Energy [µJ] of so many events of each kind.

    Raises
    ------
    ValueError
        For a negative count, or an event for whose energy the set has no price.
    """
    price = prices(name)
    for event, n in counts.items():
        if not n >= 0:
            raise ValueError(f"there cannot be {n} events {event!r}")
        if event not in price or price[event].energy_pj is None:
            known = ", ".join(e for e, p in price.items() if p.energy_pj is not None)
            raise ValueError(f"set {name!r} has no price for the energy of event {event!r}: it has those of {known}")
    return sum(n * (price[event].energy_pj or 0) for event, n in counts.items()) / 1e6


def all_active(counts: Mapping[str, float]) -> dict[str, float]:
    """The same events, if each update of a compartment counts as active: the prices do not say when it does."""
    return {**counts, "update_active": counts["update_active"] + counts["update_inactive"], "update_inactive": 0.0}


class Cost(NamedTuple):
    """Least and largest energy [µJ] and time [ms] of an image."""

    energy_uj: tuple[float, float]
    time_ms: tuple[float, float]


def cost(events: Events, steps: int, relays: int, name: str = "davies2018") -> Cost:
    """Mean cost of an image.

    Parameters
    ----------
    events : Events
    steps : int
        Time steps of an image.
    relays : int
        Inputs of the network; each relay receives and sends the input spikes of one.
    name : str
        Of the set of prices.
    """
    price = prices(name)
    spikes, inputs = float(events.spikes.sum(1).mean()), float(events.input_spikes.mean())
    synaptic = float(events.synaptic_operations.mean())

    def core(synaptic: float, spikes: float, updates: float) -> dict[str, float]:
        return {
            "synaptic_operation": synaptic, "spike_in_tile": spikes, "update_active": spikes, "update_inactive": updates - spikes,
        }  # fmt: skip

    def total(network: dict[str, float], relayed: dict[str, float]) -> tuple[float, float]:
        time = sum(n * price[event].time_ns for event, n in network.items()) + steps * price["barrier"].time_ns
        return energy(network, name) + energy(relayed, name), time / 1e6

    network, relayed = core(synaptic, spikes, events.compartment_updates), core(inputs, inputs, relays * steps)
    least, most = total(network, relayed), total(all_active(network), all_active(relayed))
    return Cost((least[0], most[0]), (least[1], most[1]))


def event_counts(t: Traffic) -> dict[str, float]:
    """Events by the names of prices, if all updates are inactive but those of compartments that fire."""
    fired = float(t.spikes.sum())
    return {
        "update_active": fired, "update_inactive": len(t.spikes) * t.compartments.sum() - fired,
        "synaptic_operation": float(t.synaptic_operations.sum()), "spike_in_tile": float(t.sent.sum()),
        "hop_east_west": t.between_tiles_x, "hop_north_south": t.between_tiles_y,
    }  # fmt: skip


def step_times(t: Traffic, active: bool = False) -> Float[np.ndarray, " time"]:
    """How long each step takes on a board, at the prices "davies2018" [µs]: as long as the busiest core, and the barrier of a whole chip.

    Not in it: the ways of messages from tile to tile, which are short beside that, and all that happens between chips, which has no price.

    Parameters
    ----------
    t : snncore.loihi.board.Traffic
    active : bool
        Whether each update of a compartment counts as active, or only those of compartments that fire.
    """
    price = {event: of_event.time_ns for event, of_event in prices().items()}
    update = price["update_active" if active else "update_inactive"]
    busy = t.compartments * update + t.spikes * (price["update_active"] - update)
    busy = busy + t.synaptic_operations * price["synaptic_operation"] + t.sent * price["spike_in_tile"]
    return (busy.max(1) + price["barrier_of_chip"]) / 1000
