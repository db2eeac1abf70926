"""Variants of converted networks: noisy thresholds, coarse weights, and a step that is coded by its absence (silence)."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, fx, nn

from snncore.few_spike.evaluate import Statistics
from snncore.few_spike.layer import fs_layers
from snncore.few_spike.neuron import FSParams, fs_sum

Compute = Callable[[Tensor, FSParams], Tensor]


class Variant(nn.Module):
    """Few-spike neurons in another form: ``compute`` gets their input and parameters."""

    def __init__(self, params: FSParams, compute: Compute):
        super().__init__()
        self.params, self.compute = params, compute

    def forward(self, x):
        return self.compute(x, self.params)


def varied(network: fx.GraphModule, compute: Compute) -> fx.GraphModule:
    """A copy of a converted network, whose neurons are computed by a function of input and parameters."""
    network = copy.deepcopy(network)
    for node, neurons in fs_layers(network).items():
        network.set_submodule(str(node.target), Variant(neurons.params, compute))
    return network


def noisy(network: fx.GraphModule, sigma: float, generator: torch.Generator) -> fx.GraphModule:
    """A copy of a converted network whose thresholds have Gaussian noise of standard deviation ``sigma``, drawn anew in each step."""
    return varied(network, lambda x, p: fs_sum(x, p, lambda: sigma * torch.randn(x.shape, generator=generator)))


def coarse(network: nn.Module, bits: int) -> nn.Module:
    """A copy whose convolutions and linear layers have weights of so many bits, symmetric, with one scale per output channel.

    Transposed convolutions keep theirs. Raises `ValueError` for less than two bits, one of which is the sign.
    """
    if bits < 2:
        raise ValueError(f"bits is {bits}: give 2 or more, one of which is the sign")
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
            w = module.weight.data
            scale = w.abs().flatten(1).amax(1).clamp_min(1e-30).view(-1, *[1] * (w.dim() - 1)) / (2 ** (bits - 1) - 1)
            module.weight.data = (w / scale).round() * scale
    return network


def spikes_by_silence(sent: Statistics, params: FSParams, step: int) -> float:
    """Spikes per neuron if layers with these parameters coded one step by its absence.

    They compute the same, d z = d - d (1 - z): where 1 - z is sent, with weight -d, the constant d is added.
    """
    more = sum(layer.neurons * (1 - 2 * float(layer.spikes_per_step[step])) for layer in sent.layers if layer.params == params)
    return sent.spikes_per_neuron + more / sent.neurons
