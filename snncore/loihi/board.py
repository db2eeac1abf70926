r"""A network of many populations on the cores of many chips, emulated in integers: every spike is sent, and every event counted.

What a neuron sends at one step arrives at the next; input spikes arrive in the step for which they are given. Weights are touched where a
neuron has spiked, and projections that are given the same array share it. A message goes from a neuron to a core where it has synapses:
through its tile, from tile to tile over the mesh of its chip, or to another chip, whose distance is not counted.

What chips have and this model has not, besides what `snncore.loihi.compartment` lists: time, and the processors around the cores.

Sources: those of `snncore.loihi.compartment`; the mesh as in SANA-FE (J. A. Boyle et al., IEEE TCAD, 2025), with four cores to a tile and
tiles numbered column by column, as also in the published code of the spiking relational network (see `snncore.loihi.spec`).
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Integer, UInt8

from snncore.loihi import spec
from snncore.loihi.compartment import Compartment, compartment_rest, compartment_step
from snncore.loihi.emulator import Group
from snncore.loihi.placement import DENSE, BoardNetwork, Placement, Projection

IntegerWeights = Integer[np.ndarray, "..."]  # signed or unsigned; (post, pre), or (neuron,) where a projection is one to one
InputSpikes = Mapping[str, UInt8[np.ndarray, "time _input"]]  # of each input, 0 or 1
CountsInTime = Int[np.ndarray, "time core"]


class Program(NamedTuple):
    """Neurons and weights that are loaded for a placed network."""

    groups: Mapping[str, Sequence[Group]]  #: neurons of each population that runs, in their order
    weights: Sequence[IntegerWeights]  #: of each projection between these, in the order of the network


def load(network: BoardNetwork, program: Program) -> list[tuple[Projection, IntegerWeights]]:
    """All projections between populations that run, in the order of the network, with their weights.

    Raises `ValueError` if groups are of no population, or have not as many neurons or compartments as it has; if there are more or fewer
    weights, or of another shape or type, or they come from more neurons than the projection has; `snncore.loihi.spec.LimitError` if one is
    too large.
    """
    populations = {p.name: p for p in network.populations}
    for name, groups in program.groups.items():
        if name not in populations:
            raise ValueError(f"there are groups of {name!r}, which is no population")
        size, p = sum(group.size for group in groups), populations[name]
        if size != p.neurons:
            raise ValueError(f"groups of {name!r} have {size:,} neurons, but it has {p.neurons:,}")
        if p.compartments < 2 and any(group.registers.compartments > 1 for group in groups):
            raise ValueError(f"neurons of {name!r} have one compartment, but one with an AHP current has two")
    running = network.running(program.groups)
    if len(program.weights) != len(running):
        raise ValueError(f"there are {len(program.weights)} arrays of weights for {len(running)} projections that run: give one of each")
    for projection, w in zip(running, program.weights, strict=True):
        pre, post, kind, *_ = projection
        shape = (network.sizes[post], network.sizes[pre]) if kind == DENSE else (network.sizes[post],)
        what = f"weights from {pre!r} to {post!r}"
        if w.shape != shape or not np.issubdtype(w.dtype, np.integer):
            raise ValueError(f"{what} are {w.dtype} of shape {w.shape}: integers of shape {shape} are expected")
        if kind == DENSE and (used := int(w.any(0).sum())) > network.sources(projection):
            raise ValueError(f"{what} come from {used} neurons, but only {network.sources(projection)} project")
        spec.within(f"the largest of the {what}", max(int(w.max(initial=0)), -int(w.min(initial=0))), 0, spec.WEIGHT)
    return list(zip(running, program.weights, strict=True))


class BoardRun(NamedTuple):
    """Spikes z of each population, shape (time, neuron), and potentials v of its neurons' main compartments at the end, after the reset."""

    z: dict[str, UInt8[np.ndarray, "time _neuron"]]
    v: dict[str, Int[np.ndarray, " _neuron"]]


def run_board(network: BoardNetwork, program: Program, x: InputSpikes) -> BoardRun:
    """Run a program from rest, on spikes of all inputs of populations that run.

    An `snncore.loihi.fixed_point.OverflowWarning` says if states overflowed. Raises as `load`; `ValueError`, too, if spikes of an input are
    missing, of another shape, type or number of steps, or of an input that nothing uses; or if no population that runs has one.
    """
    projections = load(network, program)
    steps = max((len(of_input) for of_input in x.values()), default=0)
    inputs = {p.pre for p, _ in projections} & {*network.inputs}
    if unused := sorted({*x} - inputs):
        raise ValueError(f"there are spikes of {unused[0]!r}, which no population that runs has as input")
    if not inputs:
        raise ValueError("no population that runs has an input, whose spikes say for how many steps: give one an input, even a silent one")
    for name in sorted(inputs):
        if name not in x or x[name].shape != (steps, network.inputs[name]):
            given = x[name].shape if name in x else "missing"
            raise ValueError(f"spikes of {name!r} are {given}: {steps} steps of {network.inputs[name]} inputs are expected")
        if x[name].dtype != np.uint8 or x[name].max(initial=0) > 1:
            raise ValueError(f"spikes of {name!r} are {x[name].dtype} up to {x[name].max()}: they are 0 or 1, of type uint8")

    where, total = {}, 0  # the neurons of each population, and those with the same registers, which are updated together
    alike: dict[Compartment, list[np.ndarray]] = defaultdict(list)
    for name, groups in program.groups.items():
        where[name] = slice(total, total + network.sizes[name])
        for size, registers in groups:
            alike[registers].append(np.arange(total, total + size))
            total += size
    together = {registers: np.concatenate(parts) for registers, parts in alike.items()}
    states = {registers: compartment_rest(np.zeros((1, len(own)), np.int64)) for registers, own in together.items()}
    current, z, v = np.zeros(total, np.int64), np.zeros((steps, total), np.uint8), np.zeros(total, np.int64)
    by_pre = {id(w): np.ascontiguousarray(w.T) for _, w in projections}
    sent: dict[str, dict[tuple[int, bool], list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))  # targets that share weights
    for p, w in projections:
        sent[p.pre][id(w), p.kind == DENSE].append(current[where[p.post]])
    names, first = list(where), np.array([part.start for part in where.values()])

    for t in range(steps):
        current[:] = 0
        fired = {name: np.flatnonzero(x[name][t]) for name in inputs}
        last = np.flatnonzero(z[t - 1])  # at first those of the last row, still 0
        owner = np.searchsorted(first, last, side="right") - 1
        fired |= {names[k]: last[owner == k] - first[k] for k in np.unique(owner)}
        for name, neurons in fired.items():
            for (key, dense), targets in sent[name].items():
                rows = by_pre[key][neurons]
                arriving = rows.sum(0, dtype=np.int64) if dense else rows.astype(np.int64)
                for into in targets:
                    into[slice(None) if dense else neurons] += arriving
        for registers, own in together.items():
            states[registers] = compartment_step(current[None, own], states[registers], registers)[1]
            z[t, own], v[own] = states[registers].z[0], states[registers].v[0]
    return BoardRun({name: z[:, part] for name, part in where.items()}, {name: v[part] for name, part in where.items()})


class CoreEvents(NamedTuple):
    """Events of a run on each core of the board. Synapses are weights that are not zero, and that to an own auxiliary compartment."""

    updates: CountsInTime  #: of compartments, here of each one in each step
    spikes: CountsInTime
    sent: CountsInTime  #: messages by which spikes leave their core
    synaptic_operations: CountsInTime  #: spikes that arrive, times their synapses
    between_tiles_x: int  #: steps of messages from tile to tile along rows
    between_tiles_y: int  #: steps of messages from tile to tile along columns
    between_chips: int  #: messages to other chips


def core_events(placement: Placement, program: Program, x: InputSpikes, activity: BoardRun) -> CoreEvents:
    """Count the events of a run. Spikes of its last step do not arrive. Messages of inputs come from elsewhere: they only arrive.

    Raises `ValueError` as `load`; or if spikes have different numbers of steps.
    """
    network, lengths = placement.network, {len(spikes_of) for spikes_of in (*activity.z.values(), *x.values())}
    if len(lengths) != 1:
        raise ValueError(f"some spikes have {min(lengths)} steps, others {max(lengths)}: give those of one run")
    steps = lengths.pop()
    cores = spec.CORES * (1 + max(core for name in program.groups for core in placement.cores[name]) // spec.CORES)
    compartments = np.zeros(cores, np.int64)
    spikes, sent, synaptic = (np.zeros((cores, steps), np.int64) for _ in range(3))  # each core's steps side by side
    arrived = {name: np.concatenate([0 * z[:1], z[:-1]]).T.astype(np.int64) for name, z in activity.z.items()}
    arrived |= {name: of_input.T.astype(np.int64) for name, of_input in x.items()}
    for name, groups in program.groups.items():
        own = placement.core_of_neurons(name)
        sizes = [group.size for group in groups]
        each = np.repeat([group.registers.compartments for group in groups], sizes)
        jumps = np.repeat([group.registers.aux_jump != 0 for group in groups], sizes)  # no synapse has weight 0
        for core in placement.cores[name]:
            here = own == core
            compartments[core] += each[here].sum()
            spikes[core] += activity.z[name].T[here].sum(0, np.int64)
            synaptic[core] += arrived[name][here & jumps].sum(0)
    along_x = along_y = crossings = 0
    fans: dict[tuple[int, int], np.ndarray] = {}  # synapses of each neuron on each core, shape (core, pre): copies share weights
    for p, w in load(network, program):
        fired, on = np.flatnonzero(arrived[p.pre].any(1)), placement.cores[p.post]
        when = arrived[p.pre][fired]
        if (key := (id(w), len(on))) not in fans:
            synapses = (w if p.kind == DENSE else np.diag(w)) != 0
            fans[key] = np.add.reduceat(synapses, range(0, len(w), math.ceil(len(w) / len(on))), 0, np.int64)
        fan = fans[key][:, fired]
        synaptic[list(on[: len(fan)])] += fan @ when
        if p.pre in network.inputs:
            continue
        source = placement.core_of_neurons(p.pre)[fired]
        senders, (column, row) = np.unique(source), _tile(source)
        for core, reached in zip(on, fan > 0, strict=False):
            axons = when.sum(1) * reached
            for sender in senders:
                sent[sender] += when[reached & (source == sender)].sum(0)
            same = source // spec.CORES == core // spec.CORES
            its_column, its_row = _tile(core)
            along_x, along_y = along_x + int(axons @ (abs(column - its_column) * same)), along_y + int(axons @ (abs(row - its_row) * same))
            crossings += int(axons @ ~same)
    sent = np.roll(sent, -1, 1)  # in the step before; the first has none
    updates = np.broadcast_to(compartments, (steps, cores))
    return CoreEvents(updates, spikes.T, sent.T, synaptic.T, along_x, along_y, crossings)


def _tile(core: Any) -> tuple[Any, Any]:
    """Column and row of a core's tile in the mesh of its chip."""
    tile = core % spec.CORES // spec.CORES_OF_TILE
    return tile // spec.TILES_OF_COLUMN, tile % spec.TILES_OF_COLUMN
