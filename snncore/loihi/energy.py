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

import math
import tomllib
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, NoReturn

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


def _price(row: Mapping[str, Any]) -> Price:
    """The price in a row of the file, checked."""

    def refuse(why: str) -> NoReturn:
        raise ValueError(f"loihi_costs.toml, set {row.get('set')!r}, event {row.get('event')!r}: {why}")

    for field in ("set", "event", "source"):
        if not isinstance(row.get(field), str) or not row[field].strip():
            refuse(f"there is no {field}: each price says whose it is, of what, and where it was published")
    if "time_ns" not in row:
        refuse("there is no time_ns: give the time of the event")
    for field in ("energy_pj", "time_ns"):
        if field in row and not (type(row[field]) in (int, float) and 0 < row[field] < math.inf):
            refuse(f"{field} is {row[field]!r}: give a number above 0, and leave an event out that has no price")
    return Price(row.get("energy_pj"), row["time_ns"], row["source"])


def prices(name: str = "davies2018") -> dict[str, Price]:
    """A named set of prices, by event.

    Raises
    ------
    ValueError
        If there is no such set; if a row of the file has no set, event, source or time, or a price that is not above 0; or if two rows of
        a set are about the same event.
    """
    sets: dict[str, dict[str, Price]] = defaultdict(dict)
    for row in tomllib.loads(package_file("loihi_costs.toml").read_text())["cost"]:
        price = _price(row)
        if row["event"] in sets[row["set"]]:
            raise ValueError(f"loihi_costs.toml, set {row['set']!r}, event {row['event']!r}: there are two prices, of which one has to go")
        sets[row["set"]][row["event"]] = price
    if name not in sets:
        raise ValueError(f"no set of prices is named {name!r}: there are {', '.join(sorted(sets))}")
    return sets[name]


def _priced(events: Collection[str], known: Collection[str], what: str, name: str) -> None:
    """Refuse events for which a set has no price."""
    if unknown := [event for event in events if event not in known]:
        raise ValueError(f"set {name!r} has no price for the {what} of event {unknown[0]!r}: it has those of {', '.join(known)}")


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
        If there are no counts, or a negative one; or for an event for whose energy the set has no price.
    """
    price = {event: of_event.energy_pj for event, of_event in prices(name).items() if of_event.energy_pj is not None}
    if not counts:
        raise ValueError("there are no counts of events: give those that there are; an event that did not happen has a count of 0")
    for event, n in counts.items():
        if not n >= 0:
            raise ValueError(f"there cannot be {n} events {event!r}")
    _priced(counts, price, "energy", name)
    return sum(n * price[event] for event, n in counts.items()) / 1e6


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

    Raises
    ------
    ValueError
        If the set has no price for the time of one of these events, or of the barrier of a tile.
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
    _priced([*network, "barrier"], price, "time", name)
    least, most = total(network, relayed), total(all_active(network), all_active(relayed))
    return Cost((least[0], most[0]), (least[1], most[1]))


def event_counts(t: Traffic) -> dict[str, float]:
    """Events by the names of prices, if all updates are inactive but those of compartments that fire.

    Messages to other chips, ``between_chips``, are among them, and no set has a price for these: who asks for the energy has to take them
    out first, and should say so.
    """
    fired = float(t.spikes.sum())
    return {
        "update_active": fired, "update_inactive": len(t.spikes) * t.compartments.sum() - fired,
        "synaptic_operation": float(t.synaptic_operations.sum()), "spike_in_tile": float(t.sent.sum()),
        "hop_east_west": t.between_tiles_x, "hop_north_south": t.between_tiles_y,
        "between_chips": t.between_chips,
    }  # fmt: skip


def step_times(t: Traffic, active: bool = False) -> Float[np.ndarray, " time"]:
    """How long each step takes on a board, at the prices "davies2018" [µs]: as long as the busiest core, and the barrier of a whole chip.

    Not in it: the ways of messages from tile to tile, which are short beside that, and all that happens between chips, which has no price.
    How long many chips wait for each other was measured on larger boards: ``measured("barriers of many chips")``.

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
