r"""From float neurons and weights to the chip's registers, and back: what the chip will make of them.

Train with the constants that `in_force` gives and with weights from `on_grid`: then the float network has the decays, AHP currents and
8-bit weights of the chip, while gradients reach the full-precision weights (straight through, Bengio et al., arXiv 1308.3432). What then
differs is only that the chip rounds its states toward zero.

A weight of 127 lifts a neuron from rest to its threshold. The threshold of AHP neurons is four times larger than that of LIF neurons, and
so are their weights, by the exponent: this leaves room for small AHP currents.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from snncore.loihi import spec
from snncore.loihi.compartment import AHPCompartments, Compartment
from snncore.loihi.emulator import ChipNetwork, Group, with_outputs
from snncore.neurons import AHPParams, ALIFParams, LIFParams, ReadoutParams
from snncore.shapes import check_finite

UNIT = 127  # the weight that reaches the threshold
AHP_EXPONENT = 2


def registers(p: LIFParams | ALIFParams | AHPParams) -> Compartment:
    """The nearest registers.

    Raises `ValueError` for neurons that the chip has not: those that subtract or change their threshold, or stay refractory; slower ones
    than its registers can have, or smaller AHP currents; `snncore.loihi.spec.LimitError` for larger ones.

    >>> registers(LIFParams(tau_m=20.0, reset_to_zero=True)).decay_v  # of 4096 each step
    200
    """
    if isinstance(p, ALIFParams):
        raise ValueError(f"{p} is not on the chip, whose thresholds stay as they are: AHPParams have a current instead")
    if not isinstance(p, LIFParams | AHPParams):
        raise ValueError(f"{p} is no neuron of the chip: it has those of LIFParams and AHPParams")
    if not p.reset_to_zero or getattr(p, "n_refractory", False):
        raise ValueError(f"{p} is not on the chip: it needs reset_to_zero=True" + " and n_refractory=0" * isinstance(p, LIFParams))
    decay_v = decay_register("tau_m", p.alpha)
    if isinstance(p, LIFParams):
        return Compartment(decay_v, UNIT)
    main = Compartment(decay_v, UNIT << AHP_EXPONENT, weight_exp=AHP_EXPONENT)
    jump = (1 - p.rho) * p.beta / p.v_th * main.threshold
    aux_exp = next((e for e in range(-6, spec.WEIGHT_EXPONENT[1]) if round(jump / 2 ** (6 + e)) <= spec.WEIGHT), spec.WEIGHT_EXPONENT[1])
    weight = -round(jump / 2 ** (6 + aux_exp))
    if not weight:
        raise ValueError(f"{p}: what a spike adds to its AHP current is less than the smallest weight: raise beta, or lower tau_ahp")
    decay_aux = decay_register("tau_ahp", p.rho)
    return AHPCompartments(main.decay_v, main.vth_mant, weight_exp=AHP_EXPONENT, decay_aux=decay_aux, aux_weight=weight, aux_exp=aux_exp)


def decay_register(name: str, keep: float) -> int:
    """The decay register for what a neuron keeps per step."""
    if not (k := round(spec.FULL_DECAY * (1 - keep))):
        raise ValueError(f"{name} is too long for the chip, where at least a part of {1 / spec.FULL_DECAY:.2g} decays in a step")
    return k


def in_force(c: Compartment) -> LIFParams | AHPParams:
    """The float neuron (threshold 1) that has exactly the decays and the AHP current of these registers; ValueError if there is none."""
    if c.decay_u != spec.FULL_DECAY or c.bias or c.refractory > 1:
        raise ValueError(f"{c}: float neurons have neither a current of their own, nor a bias, nor is v held at 0 after a spike")
    tau_m = time_constant("decay_v", c.decay_v)
    if not isinstance(c, AHPCompartments):
        return LIFParams(tau_m, reset_to_zero=True)
    return AHPParams(tau_m, time_constant("decay_aux", c.decay_aux), -c.aux_jump / c.threshold / (c.decay_aux / spec.FULL_DECAY))


def time_constant(name: str, k: int) -> float:
    """Time constant [ms] of a decay register, for steps of 1 ms."""
    if not 0 < k < spec.FULL_DECAY:
        raise ValueError(f"{name} is {k}: only decays between 0 and {spec.FULL_DECAY} have a time constant")
    return -1.0 / math.log(1 - k / spec.FULL_DECAY)


def step_size(w_out: Float[Tensor, "readout neuron"]) -> float:
    """Grid step of readout weights: the largest one uses the whole range. Their common scale does not matter."""
    return max(float(w_out.detach().abs().max()), torch.finfo(w_out.dtype).tiny) / spec.WEIGHT


def on_grid(w: Float[Tensor, "*shape"], step: float = 1 / UNIT) -> Float[Tensor, "*shape"]:
    """Weights rounded to the grid of the chip, and clipped to its range; their gradient is that of ``w`` itself.

    A unit of the chip's weight is worth ``step``: v_th / 127 for weights to neurons, `step_size` for readouts.
    """
    q = (w / step).round().clamp(-spec.WEIGHT, spec.WEIGHT)
    return w + (q * step - w).detach()


class OnGrid(nn.Module):
    """Weights as the chip has them; ``whole_range``: the largest one uses the whole range, since the common scale does not matter."""

    def __init__(self, whole_range: bool):
        super().__init__()
        self.whole_range = whole_range

    def forward(self, w: Float[Tensor, "post pre"]) -> Float[Tensor, "post pre"]:
        return on_grid(w, step_size(w)) if self.whole_range else on_grid(w)


def integers(w: Float[Tensor, "*shape"], step: float = 1 / UNIT) -> Int[np.ndarray, "*shape"]:
    """Weights of `on_grid` as the chip holds them; they have to be finite."""
    return (on_grid(_finite(w), step) / step).round().long().numpy()


def _finite(w: Tensor) -> Tensor:
    """Weights in double precision, since integers know neither infinity nor nan."""
    check_finite("a set of weights", w)
    return w.detach().double().cpu()


def to_chip(
    w_in: Float[Tensor, "neuron input"],
    w_rec: Float[Tensor, "neuron neuron"],
    w_out: Float[Tensor, "readout neuron"],
    populations: Sequence[tuple[int, LIFParams | ALIFParams | AHPParams]],
    readout: ReadoutParams,
    one_core: bool = True,
) -> ChipNetwork:
    """A float network as a network on the chip. Its readouts become the last group of neurons: read their potentials.

    Raises `ValueError` as `registers`, or if shapes do not fit, or a weight is not finite; `snncore.loihi.spec.LimitError` if a weight does
    not fit 8 bits (clip it before, or train with `on_grid`), or the network does not fit a core and should lie on one (``one_core``).
    """
    steps = torch.cat([torch.full((size, 1), p.v_th / UNIT, dtype=torch.float64) for size, p in populations])
    n = len(steps)
    if w_in.ndim != 2 or len(w_in) != n or w_rec.shape != (n, n) or w_out.ndim != 2 or w_out.shape[1] != n:
        shapes = ", ".join(str(tuple(w.shape)) for w in (w_in, w_rec, w_out))
        raise ValueError(f"w_in, w_rec, w_out have shapes {shapes}, but the populations have {n} neurons: weights are (post, pre)")
    inputs, recurrent = ((_finite(w) / steps).round().clamp(-(2.0**53), 2.0**53).long().numpy() for w in (w_in, w_rec))
    out = integers(w_out, step_size(w_out))
    groups = [Group(size, registers(p)) for size, p in populations]
    outputs = Group(len(out), Compartment(decay_register("tau_out", readout.kappa), spec.THRESHOLD_MANTISSA))
    return with_outputs(inputs, recurrent, out, groups, outputs, one_core)
