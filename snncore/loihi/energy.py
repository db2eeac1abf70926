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
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from snncore.datafiles import package_file
from snncore.loihi.board import Traffic
from snncore.loihi.emulator import Events

HOPS = "hop_east_west", "hop_north_south"  # events on the way of a message, which those have to leave out who do not count them


class Price(NamedTuple):
    """Energy [pJ] and time [ns] of an event, None where the source gives none or it is not used, and who says so."""

    energy_pj: float | None
    time_ns: float | None
    source: str


def _rows(kind: str, texts: Sequence[str], numbers: Collection[str] = ()) -> list[dict[str, Any]]:
    """Rows of the file, checked: each has its texts and a source, no two the same texts, and numbers (of these names, if given) above 0."""
    rows = tomllib.loads(package_file("loihi_costs.toml").read_text(encoding="utf-8")).get(kind, [])
    if not rows:
        raise ValueError(f"loihi_costs.toml has no rows [[{kind}]]")
    found = set()
    for row in rows:
        where = f"loihi_costs.toml, {', '.join(f'{field} {row.get(field)!r}' for field in texts)}"
        for field in (*texts, "source"):
            if not isinstance(row.get(field), str) or not row[field].strip():
                raise ValueError(f"{where}: there is no {field}: each row says of what it is, and where that was published")
        given = {field: value for field, value in row.items() if field not in (*texts, "source")}
        if not given:
            raise ValueError(f"{where}: there is no number")
        for field, value in given.items():
            if numbers and field not in numbers:
                raise ValueError(f"{where}: there is no field {field}: there are {', '.join(numbers)}")
            if type(value) not in (int, float) or not 0 < value < math.inf:
                raise ValueError(f"{where}: {field} is {value!r}: give a number above 0, and leave out what has none")
        if (name := tuple(row[field] for field in texts)) in found:
            raise ValueError(f"{where}: there are two rows, of which one has to go")
        found.add(name)
    return rows


def prices(name: str = "davies2018") -> dict[str, Price]:
    """A named set of prices, by event.

    Raises
    ------
    ValueError
        If there is no such set; if a row of the file has no set, event, source, or neither energy nor time, a field of another name, or a
        price that is not above 0; or if two rows of a set are about the same event.
    """
    sets: dict[str, dict[str, Price]] = defaultdict(dict)
    for row in _rows("cost", ("set", "event"), ("energy_pj", "time_ns")):
        sets[row["set"]][row["event"]] = Price(row.get("energy_pj"), row.get("time_ns"), row["source"])
    if name not in sets:
        raise ValueError(f"no set of prices is named {name!r}: there are {', '.join(sorted(sets))}")
    return sets[name]


def _times(name: str) -> dict[str, float]:
    """Times of events [ns], of those for which a set has one."""
    return {event: price.time_ns for event, price in prices(name).items() if price.time_ns is not None}


def _priced(events: Collection[str], known: Collection[str], what: str, name: str) -> None:
    """Refuse events for which a set has no price."""
    if unknown := [event for event in events if event not in known]:
        has = ", ".join(known) or "none"
        raise ValueError(f"set {name!r} has no price for the {what} of event {unknown[0]!r}: it has those of {has}")


def measured(run: str) -> dict[str, float]:
    """Numbers of a measured run on silicon, by their names in the file.

    Raises
    ------
    ValueError
        If there is no such run; or if a row of the file has no run or source, no number, or one that is not above 0; or if two are of the
        same run.
    """
    rows = {row["run"]: row for row in _rows("measured", ("run",))}
    if run not in rows:
        raise ValueError(f"no measured run is named {run!r}: there are {', '.join(rows)}")
    return {name: float(value) for name, value in rows[run].items() if name not in ("run", "source")}


def energy(counts: Mapping[str, float], name: str = "davies2018", without: Collection[str] = ()) -> float:
    """Energy [µJ] of so many events of each kind.

    Parameters
    ----------
    counts : dict
        Of each event for whose energy the set has a price.
    name : str
        Of the set of prices.
    without : names of events
        Not counted, so that the sum leaves them out.

    Raises
    ------
    ValueError
        If there are no counts, or one that is not a number from 0 on; for an event for whose energy the set has no price; or if an event
        that has one is neither counted nor left out, or both.
    """
    price = {event: of_event.energy_pj for event, of_event in prices(name).items() if of_event.energy_pj is not None}
    if not counts:
        raise ValueError("there are no counts of events: give those that there are; an event that did not happen has a count of 0")
    for event, n in counts.items():
        if isinstance(n, bool) or not isinstance(n, int | float | np.number) or not 0 <= n < math.inf:
            raise ValueError(f"there cannot be {n} events {event!r}")
    _priced([*counts, *without], price, "energy", name)
    for event in price:
        if event not in counts and event not in without:
            raise ValueError(f"there is no count of event {event!r}: give 0 if it did not happen, or name it as one that is left out")
        if event in counts and event in without:
            raise ValueError(f"event {event!r} is counted, and named as one that is left out")
    return sum(n * price[event] for event, n in counts.items()) / 1e6


def all_active(counts: Mapping[str, float]) -> dict[str, float]:
    """The same events, if each update of a compartment counts as active: the prices "davies2018" do not say when it does.

    Those of "sanafe" do: when the compartment fires.

    Raises
    ------
    ValueError
        If updates are not counted.
    """
    if missing := [event for event in ("update_active", "update_inactive") if event not in counts]:
        raise ValueError(f"there is no count of event {missing[0]!r}")
    return {**counts, "update_active": counts["update_active"] + counts["update_inactive"], "update_inactive": 0.0}


class Cost(NamedTuple):
    """Least and largest energy [µJ] and time [ms] of an image."""

    energy_uj: tuple[float, float]
    time_ms: tuple[float, float]


def cost(events: Events, steps: int, relays: int, name: str = "davies2018") -> Cost:
    """Mean cost of an image, without the ways of spikes from tile to tile.

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
        If the set has no price for the time of one of these events, or of the barrier of a tile; or if there are no steps, or fewer relays
        than none.
    """
    if steps < 1 or relays < 0:
        raise ValueError(f"there cannot be {steps} steps and {relays} relays")
    times = _times(name)
    spikes, inputs = float(events.spikes.sum(1).mean()), float(events.input_spikes.mean())
    synaptic = float(events.synaptic_operations.mean())

    def core(synaptic: float, spikes: float, updates: float) -> dict[str, float]:
        return {
            "synaptic_operation": synaptic, "spike_in_tile": spikes, "update_active": spikes, "update_inactive": updates - spikes,
        }  # fmt: skip

    def total(network: dict[str, float], relayed: dict[str, float]) -> tuple[float, float]:
        time = sum(n * times[event] for event, n in network.items()) + steps * times["barrier"]
        return energy(network, name, HOPS) + energy(relayed, name, HOPS), time / 1e6

    network, relayed = core(synaptic, spikes, events.compartment_updates), core(inputs, inputs, relays * steps)
    _priced([*network, "barrier"], times, "time", name)
    least, most = total(network, relayed), total(all_active(network), all_active(relayed))
    return Cost((least[0], most[0]), (least[1], most[1]))


def _refuse_negative(t: Traffic) -> None:
    """Refuse what cannot have been counted."""
    for what, counts in t._asdict().items():
        if np.min(counts, initial=0) < 0:
            raise ValueError(f"there cannot be {np.min(counts)} {what.replace('_', ' ')}")
    if (t.spikes > t.updates).any():
        raise ValueError("there cannot be more spikes than updates of compartments on a core in a step")


def event_counts(t: Traffic) -> dict[str, float]:
    """Events by the names of prices, if all updates are inactive but those of compartments that fire.

    Messages to other chips, ``between_chips``, are among them, and no set has a price for these: who asks for the energy has to take them
    out first, and should say so.

    Raises
    ------
    ValueError
        If counts are negative, or more compartments fired than were updated.
    """
    _refuse_negative(t)
    fired = float(t.spikes.sum())
    return {
        "update_active": fired, "update_inactive": float(t.updates.sum()) - fired,
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

    Raises
    ------
    ValueError
        As `event_counts`.
    """
    _refuse_negative(t)
    price = _times("davies2018")
    update = price["update_active" if active else "update_inactive"]
    busy = t.updates * update + t.spikes * (price["update_active"] - update)
    busy = busy + t.synaptic_operations * price["synaptic_operation"] + t.sent * price["spike_in_tile"]
    return (busy.max(1) + price["barrier_of_chip"]) / 1000
