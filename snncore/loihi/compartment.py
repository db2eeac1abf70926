r"""Loihi's compartments: a LIF neuron is one, a neuron with an AHP current is two.

.. math::

    u(t) &= D_{k_u}(u(t-1)) + 2^{6+e} \textstyle\sum_i w_i z_i, \\
    a(t) &= D_{k_a}(a(t-1)) + 2^{6+e_a} w_a\, z(t-1), \\
    v(t) &= D_{k_v}(v(t-1)) + u(t) + \text{bias} + a(t), \\
    z(t) &= \Theta(v(t) - 2^6\, \mathrm{vth\_mant}), \qquad v(t) \leftarrow 0 \text{ at a spike}

with D of `snncore.loihi.fixed_point`; u wraps around at 24 bits, v and a are clipped. The auxiliary compartment of an AHP neuron receives
the neuron's own spikes and passes its potential a on (the chip's join ADD); without one, a is 0. The steps have the signature of those of
`snncore.neurons`, whose twins they are.

What the chip has and this model has not: delays of synapses, learning, traces, noise, homeostasis, other joins, and threshold adaptation.

Source: M. Davies et al., IEEE Micro 38(1), 82-99 (2018); constants of the AHP neuron from the code of A. Rao et al. (2022), published by
Intel under BSD-3-Clause in github.com/intel-nrc-ecosystem/models, nxsdk_modules_ncl/lsnn.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Int

from snncore.loihi import spec
from snncore.loihi.fixed_point import clip, decay, wrap

States = Int[np.ndarray, "batch neuron"]


@dataclass(frozen=True)
class Compartment:
    """Registers of a neuron of one compartment; `snncore.loihi.spec.LimitError` if one cannot hold its value."""

    decay_v: int  #: decay of the potential, 0 (keeps all) to 4096 (keeps nothing)
    vth_mant: int  #: fires at v > 64 * vth_mant
    decay_u: int = spec.FULL_DECAY  #: decay of the current
    weight_exp: int = 0  #: a weight of 1 adds 2 ** (6 + weight_exp) to u; from -6 (the chip goes down to -8, and loses bits of the weight)
    bias_mant: int = 0  #: a bias of bias_mant * 2 ** bias_exp is added to v at each step
    bias_exp: int = 0
    refractory: int = 1  #: steps from a spike to the next possible one; meanwhile v is held at 0
    compartments: ClassVar[int] = 1  #: of a neuron

    def __post_init__(self):
        spec.within("decay_v", self.decay_v, 0, spec.FULL_DECAY)
        spec.within("decay_u", self.decay_u, 0, spec.FULL_DECAY)
        spec.within("vth_mant", self.vth_mant, 0, spec.THRESHOLD_MANTISSA)
        spec.within("weight_exp", self.weight_exp, -spec.THRESHOLD_SHIFT, spec.WEIGHT_EXPONENT[1], "this emulator")
        spec.within("bias_mant", self.bias_mant, -spec.BIAS_MANTISSA, spec.BIAS_MANTISSA)
        spec.within("bias_exp", self.bias_exp, 0, spec.BIAS_EXPONENT)
        spec.within("refractory", self.refractory, 1, spec.REFRACTORY)

    @property
    def threshold(self) -> int:
        """Threshold in the unit of v."""
        return self.vth_mant << spec.THRESHOLD_SHIFT

    @property
    def gain(self) -> int:
        """Jump of u by a weight of 1."""
        return 1 << (spec.THRESHOLD_SHIFT + self.weight_exp)

    @property
    def bias(self) -> int:
        """Bias in the unit of v."""
        return self.bias_mant << self.bias_exp

    @property
    def aux_jump(self) -> int:
        """Jump of an AHP current at a spike: there is no such current."""
        return 0


@dataclass(frozen=True)
class AHPCompartments(Compartment):
    """Registers of a neuron with an AHP current: those of its main compartment, and of the auxiliary one."""

    decay_aux: int = 5  #: decay of the AHP current
    aux_weight: int = -96  #: a spike adds aux_weight * 2 ** (6 + aux_exp) to it, which is negative
    aux_exp: int = -4
    compartments: ClassVar[int] = 2

    def __post_init__(self):
        super().__post_init__()
        spec.within("decay_aux", self.decay_aux, 0, spec.FULL_DECAY)
        spec.within("aux_weight", self.aux_weight, -spec.WEIGHT, 0)
        spec.within("aux_exp", self.aux_exp, -spec.THRESHOLD_SHIFT, spec.WEIGHT_EXPONENT[1])

    @property
    def aux_jump(self) -> int:
        """Jump of the AHP current at a spike."""
        return self.aux_weight * (1 << (spec.THRESHOLD_SHIFT + self.aux_exp))


class CompartmentState(NamedTuple):
    """Spikes z, currents u, potentials v after the reset, AHP currents a, steps r left in which v is held; shape (batch, neuron)."""

    z: States
    u: States
    v: States
    a: States
    r: States


def compartment_rest(like: States) -> CompartmentState:
    """The state of neurons that have received nothing, in the shape of ``like``."""
    return CompartmentState(*(np.zeros_like(like, dtype=np.int64) for _ in range(5)))


def compartment_step(current: States, state: CompartmentState, p: Compartment) -> tuple[States, CompartmentState]:
    """One time step, for a sum of weights ``current``: spikes, and the state after it."""
    z, u, v, a, r = state
    u = wrap(decay(u, p.decay_u) + p.gain * current)
    if isinstance(p, AHPCompartments):
        a = clip(decay(a, p.decay_aux) + p.aux_jump * z)
    v = clip(decay(v, p.decay_v) + u + p.bias + a)
    v = np.where(r > 0, 0, v)
    z = (v > p.threshold).astype(np.int64)
    r = np.where(z == 1, p.refractory - 1, np.maximum(r - 1, 0))
    return z, CompartmentState(z, u, np.where(z == 1, 0, v), a, r)
