"""Limits of Loihi's registers and cores, and errors that say what does not fit.

Source: M. Davies et al., Loihi: a neuromorphic manycore processor with on-chip learning, IEEE Micro 38(1), 82-99 (2018); ranges of the
registers as in the validation code of nengo-loihi; axons out of a core and of a neuron as in the published layout of the spiking relational
network, github.com/intel-nrc-ecosystem/models, nxsdk_modules_ncl/lsnn/apps/relnet.
"""

from typing import Any

import numpy as np

STATE = (1 << 23) - 1  # largest current or potential
FULL_DECAY = 1 << 12  # keeps nothing
THRESHOLD_MANTISSA = (1 << 17) - 1
THRESHOLD_SHIFT = 6  # also that of weights
BIAS_MANTISSA, BIAS_EXPONENT = (1 << 12) - 1, 7
WEIGHT = 255  # largest, where excitatory and inhibitory synapses are kept apart
WEIGHT_EXPONENT = (-8, 7)
REFRACTORY = 63
CORES = 128
CORES_OF_TILE, TILES_OF_COLUMN = 4, 4  # of the mesh; tiles are numbered column by column, as in that code
COMPARTMENTS, CONFIGURATIONS = 1024, 32  # a core; compartments share configurations: their decays
AXONS = 4096  # a core, in and out each
OUT_AXONS = 2048  # a core, if some go to other chips
FAN_OUT = 511  # axons of a neuron
WEIGHT_BITS, SYNAPSE_BITS = 8, 1 << 20  # a weight, a core


class LimitError(ValueError):
    """The chip cannot hold this; the message names the place, the limit, and by how much it is passed."""


def within(what: str, value: Any, low: int, high: int, where: str = "the chip") -> None:
    """Raise a `LimitError` unless ``value`` is an integer between ``low`` and ``high``, which ``where`` has."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise LimitError(f"{what} is {value!r}: give a whole number")
    if not low <= value <= high:
        beyond = value - high if value > high else low - value
        raise LimitError(f"{what} is {value:,}: {where} has {low:,} to {high:,}, so it is beyond by {beyond:,}")
