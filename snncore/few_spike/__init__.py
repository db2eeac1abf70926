"""Few-spike neurons: code a number in a few spikes, in place of any activation function."""

from snncore.few_spike.coefficients import FUNCTIONS, CoefficientSet, coefficients, read_sets
from snncore.few_spike.fit import Quality, fit, noisy_mse, quality, rounded
from snncore.few_spike.neuron import FSParams, from_shifted, fs_decode, fs_neuron, fs_run, fs_step, relu6_code, relu_code
from snncore.few_spike.pieces import Pieces, pieces

__all__ = [
    "FUNCTIONS",
    "CoefficientSet",
    "FSParams",
    "Pieces",
    "Quality",
    "coefficients",
    "fit",
    "from_shifted",
    "fs_decode",
    "fs_neuron",
    "fs_run",
    "fs_step",
    "noisy_mse",
    "pieces",
    "quality",
    "read_sets",
    "relu6_code",
    "relu_code",
    "rounded",
]
