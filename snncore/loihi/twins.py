"""The AHP neuron twice: in the chip's integers, and in floats with exactly the constants of its registers."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from snncore.loihi.compartment import AHPCompartments, compartment_rest, compartment_step
from snncore.loihi.quantize import UNIT, in_force
from snncore.neurons import AHPParams, ahp_step, rest


class Twins(NamedTuple):
    """Spikes z, potentials v and AHP currents a on the chip and in floats; v and a as multiples of the threshold."""

    z_chip: Float[np.ndarray, "time neuron"]
    z_float: Float[np.ndarray, "time neuron"]
    v_chip: Float[np.ndarray, "time neuron"]
    v_float: Float[np.ndarray, "time neuron"]
    a_chip: Float[np.ndarray, "time neuron"]
    a_float: Float[np.ndarray, "time neuron"]


def twins(current: Int[np.ndarray, "time neuron"], registers: AHPCompartments) -> Twins:
    """Give AHP neurons on the chip, and float neurons with exactly their decays and jumps, the same input: sums of weights that spike.

    Registers by which something does not decay have no float neuron and are refused.
    """
    p = in_force(registers)
    assert isinstance(p, AHPParams)
    like = np.zeros((1, current.shape[1]))
    chip, floats = compartment_rest(like.astype(np.int64)), rest(p, torch.from_numpy(like))
    steps = []
    for now in current[:, None]:
        a = floats.a.numpy()[0]
        _, chip = compartment_step(now, chip, registers)
        _, floats = ahp_step(torch.from_numpy(now / UNIT), floats, p)
        v = np.where(floats.z.numpy()[0] > 0, 0.0, floats.v.numpy()[0])  # after the reset, as on the chip
        steps.append((chip.z[0], floats.z.numpy()[0], chip.v[0] / registers.threshold, v, chip.a[0] / registers.threshold, a))
    return Twins(*map(np.stack, zip(*steps, strict=True)))
