"""A recurrent network on Loihi, emulated in integers: the same answers as the chip, and every event counted.

What the chip has and the emulator has not, besides what `snncore.loihi.compartment` lists: time (a step takes as long as it takes), delays
of synapses, and the processors around the cores, with the core that relays their spikes. An input spike reaches the neurons ``input_lag``
steps later, since it comes through these; spikes of neurons one step later.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from snncore.kernels import loihi as kernel
from snncore.loihi import spec
from snncore.loihi.compartment import Compartment
from snncore.loihi.fixed_point import OverflowWarning
from snncore.shapes import described


class Group(NamedTuple):
    """A number of neurons with the same registers."""

    size: int
    registers: Compartment


@dataclass(frozen=True)
class ChipNetwork:
    """A network as it lies on a core, or, unless ``one_core``, on as many as it needs. Output neurons are neurons like the others.

    Weights are integers from -255 to 255, excitatory and inhibitory synapses kept apart: a group of both would have even weights only.

    Raises `ValueError` if shapes or types do not fit; `snncore.loihi.spec.LimitError` if a weight is too large, or the network for a core.
    """

    w_in: Int[np.ndarray, "neuron input"]
    w_rec: Int[np.ndarray, "neuron neuron"]
    groups: Sequence[Group]
    one_core: bool = True

    def __post_init__(self):
        for k, (size, registers) in enumerate(self.groups):
            if not isinstance(registers, Compartment):
                what = f"groups[{k}] has {described(registers)} for registers"
                raise ValueError(f"{what}: give a Compartment, see snncore.loihi.quantize.registers")
            spec.within(f"the size of groups[{k}]", size, 1, spec.CORES * spec.COMPARTMENTS)
        for name in ("w_in", "w_rec"):
            w = getattr(self, name)
            if not isinstance(w, np.ndarray) or w.ndim != 2 or not np.issubdtype(w.dtype, np.integer):
                raise ValueError(f"{name} is {described(w)}: give an array of integers, (post, pre), see snncore.loihi.quantize.integers")
            for post, pre in np.argwhere((w < -spec.WEIGHT) | (w > spec.WEIGHT))[:1]:
                what = f"{name}[{post}, {pre}], the weight from {pre} to neuron {post},"
                spec.within(what, int(w[post, pre]), -spec.WEIGHT, spec.WEIGHT)
        n = sum(size for size, _ in self.groups)
        if self.w_in.shape[0] != n or self.w_rec.shape != (n, n):
            raise ValueError(
                f"w_in has shape {self.w_in.shape} and w_rec {self.w_rec.shape}, but the groups have {n} neurons: weights have one row per "
                "neuron (post) and one column per input or neuron (pre)"
            )
        connected = np.hstack([self.w_in, self.w_rec]) != 0
        for what, count, limit in (
            ("compartments", sum(size * p.compartments for size, p in self.groups), spec.COMPARTMENTS),
            ("input axons", connected.any(0).sum(), spec.AXONS),
            ("bits of weights", spec.WEIGHT_BITS * connected.sum(), spec.SYNAPSE_BITS),
        ):
            if self.one_core and count > limit:
                beyond = f"{count - limit:,} more than the {limit:,} of a core"
                raise spec.LimitError(f"the network would need {count:,} {what}, {beyond}: lay it on a board (snncore.loihi.deploy)")


def with_outputs(
    w_in: Int[np.ndarray, "neuron input"],
    w_rec: Int[np.ndarray, "neuron neuron"],
    w_out: Int[np.ndarray, "output neuron"],
    groups: Sequence[Group],
    outputs: Group,
    one_core: bool = True,
) -> ChipNetwork:
    """A network whose last neurons are outputs: they receive spikes by ``w_out`` and project to none."""
    m, inputs = len(w_out), w_in.shape[1]
    w_in = np.vstack([w_in, np.zeros((m, inputs), w_in.dtype)])
    w_rec = np.hstack([np.vstack([w_rec, w_out]), np.zeros((len(w_in), m), w_rec.dtype)])
    return ChipNetwork(w_in, w_rec, (*groups, outputs), one_core)


class Events(NamedTuple):
    """Events of a run, per image. Synapses are weights that are not zero, and that to an own auxiliary compartment."""

    input_spikes: Int[np.ndarray, " batch"]
    spikes: Int[np.ndarray, "batch neuron"]
    synaptic_operations: Int[np.ndarray, " batch"]  #: spikes times their synapses
    wrapped: Int[np.ndarray, " batch"]  #: currents that overflowed
    clipped: Int[np.ndarray, " batch"]  #: potentials that overflowed
    compartment_updates: int  #: compartments times steps


class Emulation(NamedTuple):
    """Potentials v at the end, the events, and, if wanted, spikes and potentials (after the reset) of all steps."""

    v: Int[np.ndarray, "batch neuron"]
    events: Events
    z_trace: UInt8[np.ndarray, "time batch_ neuron_"]
    v_trace: Int[np.ndarray, "time batch_ neuron_"]


def emulate(
    network: ChipNetwork, x: UInt8[np.ndarray, "time batch input"], input_lag: int = 2, trace: bool = False, threads: int = 1
) -> Emulation:
    """Run a network from rest, on input spikes x, 0 or 1; an `snncore.loihi.fixed_point.OverflowWarning` says if states overflowed.

    An input spike arrives ``input_lag`` steps later; those that would come after the last step are lost. ``trace`` keeps spikes and
    potentials of all steps. Threads share the images.

    Raises `ValueError` if x is of another type or has another number of inputs than the network, or numbers besides 0 and 1;
    `snncore.loihi.spec.LimitError` if the lag is negative, or so long that no spike arrives.
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.uint8 or x.ndim != 3:
        raise ValueError(f"x is {described(x)}: give an array of uint8, (time, batch, input)")
    if x.shape[2] != network.w_in.shape[1]:
        raise ValueError(f"x has {x.shape[2]} inputs, but w_in has {network.w_in.shape[1]} columns")
    if x.size and x.max() > 1:
        raise ValueError(f"x holds {x.max()}: an input spike is 1, and no spike 0")
    spec.within("input_lag", input_lag, 0, max(len(x) - 1, 0), f"a run of {len(x):,} steps")
    rows = [
        (size, p.decay_u, p.decay_v, p.threshold, p.gain, p.bias, p.refractory, getattr(p, "decay_aux", 0), p.aux_jump)
        for size, p in network.groups
    ]
    registers = kernel.Registers(*np.ascontiguousarray(np.array(rows, np.int64).T))
    spikes, synaptic, v, overflows, z_trace, v_trace = kernel.emulate(x, input_lag, network.w_in, network.w_rec, registers, trace, threads)
    for count, how in zip(overflows.sum(0), ("currents wrapped around", "potentials were clipped"), strict=True):
        if count:
            runs = np.flatnonzero(overflows.sum(1))
            where = f"in {len(runs):,} of {x.shape[1]:,} runs, first in run {runs[0]:,}: 24 bits end at {spec.STATE:,}"
            warnings.warn(f"{count:,} {how} {where}", OverflowWarning, stacklevel=2)
    updates = len(x) * sum(size * p.compartments for size, p in network.groups)
    events = Events(x.sum((0, 2), dtype=np.int64), spikes, synaptic, overflows[:, 0], overflows[:, 1], updates)
    return Emulation(v, events, z_trace, v_trace)
