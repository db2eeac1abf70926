"""Variants of converted networks: noisy thresholds, coarse weights, and a step that is coded by its absence (silence)."""

import copy
from dataclasses import replace

import torch
from torch import Tensor, fx, nn

from snncore.few_spike.coefficients import published_neurons
from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import Statistics
from snncore.few_spike.layer import fs_layers
from snncore.few_spike.neuron import FSParams, fs_decode, fs_run, fs_sum


class NoisyNeurons(nn.Module):
    """Few-spike neurons that compare v + noise with the threshold: Gaussian noise, drawn anew in each step."""

    def __init__(self, params: FSParams, sigma: float, generator: torch.Generator):
        super().__init__()
        self.params, self.sigma, self.generator = params, sigma, generator

    def forward(self, x):
        return fs_sum(x, self.params, lambda: self.sigma * torch.randn(x.shape, generator=self.generator))


def noisy(network: fx.GraphModule, sigma: float, generator: torch.Generator) -> fx.GraphModule:
    """A copy of a converted network whose thresholds have Gaussian noise of standard deviation ``sigma``."""
    network = copy.deepcopy(network)
    for node, neurons in fs_layers(network).items():
        network.set_submodule(str(node.target), NoisyNeurons(neurons.params, sigma, generator))
    return network


def coarse(network: nn.Module, bits: int) -> nn.Module:
    """A copy whose convolutions and linear layers have weights of so many bits, symmetric, with one scale per output channel."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            w = module.weight.data
            scale = w.abs().flatten(1).amax(1).clamp_min(1e-30).view(-1, *[1] * (w.dim() - 1)) / (2 ** (bits - 1) - 1)
            module.weight.data = (w / scale).round() * scale
    return network


class SilentStep(nn.Module):
    """Few-spike neurons that fire in one step when they otherwise would not; the receiver adds what that step means as a constant."""

    def __init__(self, params: FSParams, step: int):
        super().__init__()
        self.params, self.step = params, step

    def spikes(self, x):
        """All spikes that are sent, shape (K, ...)."""
        z, _ = fs_run(x, self.params)
        z[self.step] = 1 - z[self.step]
        return z

    def forward(self, x):
        shift = self.params.d[self.step]
        d = [-shift if t == self.step else weight for t, weight in enumerate(self.params.d)]
        return fs_decode(self.spikes(x), replace(self.params, d=d)) + shift


def by_silence(network: fx.GraphModule, params: FSParams, step: int) -> fx.GraphModule:
    """A copy of a converted network in which layers with these parameters code one step by its absence."""
    network = copy.deepcopy(network)
    for node, neurons in fs_layers(network).items():
        if neurons.params == params:
            network.set_submodule(str(node.target), SilentStep(params, step))
    return network


def spikes_by_silence(sent: Statistics, params: FSParams, step: int) -> float:
    """Spikes per neuron if layers with these parameters coded one step by its absence."""
    more = sum(layer.neurons * (1 - 2 * float(layer.spikes_per_step[step])) for layer in sent.layers if layer.params == params)
    return sent.spikes_per_neuron + more / sent.neurons


@torch.inference_mode()
def refuse_other_function(ann: nn.Module, images: Tensor, params: FSParams, step: int) -> None:
    """Raise a ValueError if a network of published neurons computes anything else when one step is coded by its absence."""
    x = images.double()
    few = convert(copy.deepcopy(ann).double(), x, coefficients=published_neurons()).network
    expected, output = few(x), by_silence(few, params, step)(x)
    if not torch.allclose(output, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max())):
        raise ValueError("a step coded by its absence changes what the network computes: do not trust the number of spikes")
