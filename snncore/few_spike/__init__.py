# ruff: noqa: F401
"""Few-spike neurons: code a number in a few spikes, in place of any activation function."""

from snncore.few_spike.coefficients import FUNCTIONS, coefficients, published_neurons, read_sets
from snncore.few_spike.comparison import cost, fewest_spikes
from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import spike_train, statistics, stepwise
from snncore.few_spike.fit import fit, noisy_mse, quality, rounded
from snncore.few_spike.layer import Conversion
from snncore.few_spike.neuron import FSParams, from_shifted, fs_decode, fs_neuron, fs_run, fs_step, pieces, relu6_code, relu_code
from snncore.few_spike.operations import ConversionError
