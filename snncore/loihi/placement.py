r"""On how many cores and chips a network of populations and projections lies: compartments, synapses and axons are counted.

A core holds as many neurons of a population as all of its limits allow; a population is spread evenly over the fewest cores that suffice.
An *axon* goes from a neuron to a core on which it has synapses; projections do not share axons, as in the published layout. Cores whose
axons all stay on the chip have a larger table of them.

Source of the limits: those of `snncore.loihi.spec`.
"""

import functools
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from snncore.loihi.spec import AXONS, COMPARTMENTS, CORES, FAN_OUT, OUT_AXONS, SYNAPSE_BITS, WEIGHT_BITS, LimitError, within
from snncore.shapes import check_whole

SYNAPSES = SYNAPSE_BITS // WEIGHT_BITS  # of a core
DENSE, ONE_TO_ONE = "dense", "one to one"


@dataclass(frozen=True)
class BoardPopulation:
    """Neurons that are placed together."""

    name: str
    neurons: int
    module: str  #: part of the network to which it belongs
    synapses: int = SYNAPSES  #: most on a core, if the layout chooses fewer than it can have
    neurons_per_core: int = COMPARTMENTS  #: most on a core, likewise
    compartments: int = 1  #: of a neuron; one with an AHP current has two
    one_chip: bool = False  #: all axons stay on its chip, which `place` checks


class Projection(NamedTuple):
    """Synapses from ``neurons`` (by default all) of ``pre`` to all of ``post``, or one to one. ``pre`` may be inputs from elsewhere.

    If only some neurons of a population project, those of all its projections are taken to be spread evenly over it.
    """

    pre: str
    post: str
    kind: str = DENSE
    neurons: int | None = None
    weights: str = ""  #: what a program calls its weights


class Unit(NamedTuple):
    """Populations whose cores lie one after the other: from a new chip on, if so wanted, and all on one chip, unless they may be split."""

    populations: Sequence[str]
    new_chip: bool = False
    split: bool = False


@dataclass(frozen=True)
class BoardNetwork:
    """Populations and projections.

    Raises `ValueError` for a name that is used twice, a size or limit that is not a whole number above 0, a projection from or to a
    population that does not exist, of an unknown kind, from more neurons than there are, or one to one between different numbers.
    """

    populations: Sequence[BoardPopulation]
    projections: Sequence[Projection]
    inputs: dict[str, int]  #: sizes of the sources that lie elsewhere

    def __post_init__(self):
        if twice := [name for name, count in Counter(p.name for p in self.populations).items() if count > 1]:
            raise ValueError(f"two populations are named {twice[0]!r}")
        if twice := [p.name for p in self.populations if p.name in self.inputs]:
            raise ValueError(f"a population and an input are both named {twice[0]!r}")
        for population in self.populations:
            for what in ("neurons", "synapses", "neurons_per_core", "compartments"):
                check_whole(f"{what} of population {population.name!r}", getattr(population, what))
        for name, size in self.inputs.items():
            check_whole(f"the size of input {name!r}", size)
        for p in self.projections:
            self._check(p, self.sizes)

    def _check(self, p: Projection, sizes: dict[str, int]) -> None:
        """Raise unless a projection is possible."""
        what = f"a projection from {p.pre!r} to {p.post!r}"
        if p.post not in sizes or p.post in self.inputs or p.pre not in sizes:
            raise ValueError(f"there is {what}, but no population of one of these names")
        if p.kind not in (DENSE, ONE_TO_ONE):
            raise ValueError(f"{what} is {p.kind!r}: it should be {DENSE!r} or {ONE_TO_ONE!r}")
        if p.kind == ONE_TO_ONE and (sizes[p.pre] != sizes[p.post] or p.neurons is not None):
            raise ValueError(f"{what} is one to one, which all of {sizes[p.pre]:,} and {sizes[p.post]:,} neurons cannot be")
        if p.neurons is not None:
            check_whole(f"the number of neurons of {what}", p.neurons, high=sizes[p.pre])

    @functools.cached_property
    def sizes(self) -> dict[str, int]:
        """Neurons of each population and source, by name."""
        return self.inputs | {p.name: p.neurons for p in self.populations}

    def cores(self) -> dict[str, int]:
        """On how many cores each population lies; `snncore.loihi.spec.LimitError` if a single neuron is too much for a core."""
        into, out = defaultdict(list), defaultdict(list)
        for projection in self.projections:
            into[projection.post].append(projection)
            out[projection.pre].append(projection)
        cores = dict.fromkeys((p.name for p in self.populations), 1)
        while True:  # more cores of a target mean more axons of its sources, so that these may need more cores, too
            before = dict(cores)
            for p in self.populations:
                cores[p.name] = math.ceil(p.neurons / self._fit(p, into[p.name], out[p.name], cores))
            if cores == before:
                break
        for p in self.populations:
            within(f"the number of axons of a neuron of {p.name!r}", self._fan_out(p, out[p.name], cores), 0, FAN_OUT)
        return cores

    def running(self, populations: Collection[str]) -> list[Projection]:
        """Projections between these populations, and to them from inputs."""
        return [p for p in self.projections if p.post in populations and (p.pre in populations or p.pre in self.inputs)]

    def sources(self, projection: Projection) -> int:
        """Number of neurons from which a projection comes."""
        return self.sizes[projection.pre] if projection.neurons is None else projection.neurons

    def _fan_out(self, p: BoardPopulation, out: Sequence[Projection], cores: dict[str, int]) -> int:
        """Axons of a neuron, in the mean over a population."""
        return math.ceil(sum(self.sources(o) * (cores[o.post] if o.kind == DENSE else 1) for o in out) / p.neurons)

    def _fit(self, p: BoardPopulation, into: Sequence[Projection], out: Sequence[Projection], cores: dict[str, int]) -> int:
        """Number of neurons of a population that a core can hold."""
        dense = sum(self.sources(i) for i in into if i.kind == DENSE)
        single = sum(i.kind == ONE_TO_ONE for i in into)
        fan_out = self._fan_out(p, out, cores)
        limits = {  # of what: a neuron needs so many, all together once so many, and there are so many
            "compartments": (p.compartments, 0, COMPARTMENTS),
            "neurons": (1, 0, p.neurons_per_core),
            "synapses": (dense + single, 0, min(p.synapses, SYNAPSES)),
            "axons into a core": (single, dense, AXONS),
            "axons out of a core": (fan_out, 0, AXONS if p.one_chip else OUT_AXONS),
        }
        for what, (each, once, limit) in limits.items():
            within(f"the number of {what} that one neuron of {p.name!r} needs", each + once, 0, limit, "a core")
        return min((limit - once) // each for each, once, limit in limits.values() if each)


@dataclass(frozen=True)
class Placement:
    """Where a network lies."""

    network: BoardNetwork
    cores: dict[str, tuple[int, ...]]  #: numbers of the cores of each population, chip by chip

    @functools.cached_property
    def chips(self) -> dict[str, tuple[int, ...]]:
        """The chip of each core, by population."""
        return {name: tuple(core // CORES for core in cores) for name, cores in self.cores.items()}

    def used(self, populations: Collection[str]) -> tuple[int, set[int]]:
        """Number of cores, and the chips, on which these populations lie."""
        return sum(len(self.chips[name]) for name in populations), {chip for name in populations for chip in self.chips[name]}

    def core_of_neurons(self, population: str) -> np.ndarray:
        """The core of each neuron of a population."""
        cores, neurons = self.cores[population], self.network.sizes[population]
        return np.repeat(cores, math.ceil(neurons / len(cores)))[:neurons]

    def message_table(self, projections: Sequence[Projection]) -> Float[np.ndarray, "chip chip"]:
        """Spikes that go from chip (row) to chip (column) when each neuron of these projections fires once: one for each axon."""
        chips = 1 + max(chip for on in self.chips.values() for chip in on)
        table = np.zeros((chips, chips))
        for p in projections:
            if p.pre in self.network.inputs:
                continue
            source, sent = self.core_of_neurons(p.pre) // CORES, np.zeros_like(table)
            if p.kind == DENSE:
                sent += np.outer(*(np.bincount(on, minlength=chips) for on in (source, self.chips[p.post])))
            else:
                np.add.at(sent, (source, self.core_of_neurons(p.post) // CORES), 1)
            np.fill_diagonal(sent, 0)
            table += sent * self.network.sources(p) / len(source)
        return table


def place(network: BoardNetwork, units: Sequence[Unit], chips: int) -> Placement:
    """Lay a network on so many chips, unit by unit; each population belongs to one unit.

    Raises `ValueError` if a population is in no unit, or in two; or if the number of chips is not a whole number above 0;
    `snncore.loihi.spec.LimitError` if a unit is too large for a chip, the network for all chips, or if axons that must stay on a chip leave
    it.
    """
    check_whole("the number of chips", chips)
    cores = network.cores()
    counted = Counter(name for unit in units for name in unit.populations)
    if wrong := [name for name in {*cores, *counted} if counted[name] != 1 or name not in cores]:
        raise ValueError(f"population {wrong[0]!r} is in {counted[wrong[0]]} units; each population of the network is in one")
    taken: dict[str, list[int]] = {name: [] for name in cores}
    chip = used = 0
    for unit in units:
        owners = [name for name in unit.populations for _ in range(cores[name])]
        for k, together in enumerate([[name] for name in owners] if unit.split else [owners] * bool(owners)):
            within(f"the number of cores of the unit of {together[0]!r}", len(together), 1, CORES, "a chip")
            if used + len(together) > CORES or (unit.new_chip and used and k == 0):
                chip, used = chip + 1, 0
            for name in together:
                taken[name].append(chip * CORES + used)
                used += 1
    within("the number of chips that the network needs", chip + 1, 1, chips, "the board")
    staying = {p.name for p in network.populations if p.one_chip}
    for p in network.projections:
        if p.pre in staying and len({core // CORES for core in (*taken[p.pre], *taken[p.post])}) > 1:
            raise LimitError(f"axons of {p.pre!r} leave its chip, but it was given the larger table of those that stay")
    return Placement(network, {name: tuple(its_cores) for name, its_cores in taken.items()})
