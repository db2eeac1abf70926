r"""What events on Loihi cost: energy and time of its neuron cores, from published prices per event.

.. math::

    E = \sum_\text{event} n_\text{event}\, E_\text{event}, \qquad
    t = \sum_\text{event} n_\text{event}\, t_\text{event} \quad \text{on one core}

The prices do not say when the update of a compartment counts as active, so there are two sums: all updates inactive but those of
compartments that fire, and all active. Static power, and the processors beside the cores, are not in it.

Source of the prices: the rows of ``data/loihi_costs.toml``.
"""

import tomllib
from typing import NamedTuple

from snncore.datafiles import package_file
from snncore.loihi.emulator import Events


class Price(NamedTuple):
    """Energy [pJ] and time [ns] of an event, and who says so."""

    energy_pj: float
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
    return {row["event"]: Price(row["energy_pj"], row["time_ns"], row["source"]) for row in rows if row["set"] == name}


class Cost(NamedTuple):
    """Least and largest energy [µJ] and time [ms] of an image."""

    energy_uj: tuple[float, float]
    time_ms: tuple[float, float]


def cost(events: Events, steps: int, name: str = "davies2018") -> Cost:
    """Mean cost of an image whose network lies on one core.

    Parameters
    ----------
    events : Events
    steps : int
        Time steps of an image.
    name : str
        Of the set of prices.
    """
    price = prices(name)
    spikes = float(events.spikes.sum(1).mean())
    common = {"synaptic_operation": float(events.synaptic_operations.mean()), "spike_in_tile": spikes, "barrier": steps}

    def total(active: float) -> tuple[float, float]:
        counts = {**common, "update_active": active, "update_inactive": events.compartment_updates - active}
        energy, time = (sum(n * getattr(price[event], unit) for event, n in counts.items()) for unit in ("energy_pj", "time_ns"))
        return energy / 1e6, time / 1e6

    (least, fastest), (most, slowest) = total(spikes), total(events.compartment_updates)
    return Cost((least, most), (fastest, slowest))
