"""The AHP neuron twice: in the chip's integers, and in floats with exactly the constants of its registers."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from snncore.loihi.compartment import AHPCompartments, compartment_rest, compartment_step
from snncore.loihi.quantize import UNIT, in_force
from snncore.neurons import AHPParams, ahp_rest, ahp_step


class Twins(NamedTuple):
    """Spikes z, potentials v and AHP currents a on the chip and in floats; v and a as multiples of the threshold."""

    z_chip: Float[np.ndarray, "time neuron"]
    z_float: Float[np.ndarray, "time neuron"]
    v_chip: Float[np.ndarray, "time neuron"]
    v_float: Float[np.ndarray, "time neuron"]
    a_chip: Float[np.ndarray, "time neuron"]
    a_float: Float[np.ndarray, "time neuron"]


def twins(current: Int[np.ndarray, "time neuron"], registers: AHPCompartments) -> Twins:
    """Give AHP neurons on the chip, and float neurons with exactly their decays and jumps, the same input.

    Parameters
    ----------
    current : array, shape (time, neuron)
        Sums of the weights whose inputs spike.
    registers : AHPCompartments

    Raises
    ------
    ValueError
        If the registers have no float neuron, since something does not decay.
    """
    p = in_force(registers)
    assert isinstance(p, AHPParams)
    like = np.zeros((1, current.shape[1]))
    chip, floats = compartment_rest(like.astype(np.int64)), ahp_rest(torch.from_numpy(like))
    rows: list[list[np.ndarray]] = [[] for _ in Twins._fields]
    for now in current[:, None]:
        a = floats.a.numpy()[0]
        _, chip = compartment_step(now, chip, registers)
        _, floats = ahp_step(torch.from_numpy(now / UNIT), floats, p)
        v = np.where(floats.z.numpy()[0] > 0, 0.0, floats.v.numpy()[0])  # after the reset, as on the chip
        state = (chip.z[0], floats.z.numpy()[0], chip.v[0] / registers.threshold, v, chip.a[0] / registers.threshold, a)
        for row, value in zip(rows, state, strict=True):
            row.append(value)
    return Twins(*map(np.stack, rows))
