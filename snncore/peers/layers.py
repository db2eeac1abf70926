r"""Layers of LIF neurons with learned time constants by snnTorch, Norse and SpikingJelly, timed beside `snncore.neurons.layer`.

All compute :math:`v(t) = \alpha v(t-1) (1 - z(t-1)) + I(t)` and fire above 1. Pseudo-derivatives are each one's own, so only outputs are
compared. Each neuron has a time constant, in SpikingJelly each layer.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from importlib import metadata
from typing import Any

import torch
from torch import Tensor, nn

from snncore.neurons.layer import SpikingLayer
from snncore.neurons.lif import LIFParams
from snncore.peers.times import Longer
from snncore.seeds import seeded_draws, torch_generator
from snncore.timing import machine, refuse_unequal, side_by_side
from snncore.unroll import unroll

ALPHA = math.exp(-1 / 5)  # of a time constant of 5 steps
SHAPES = ((8, 12, 12), (16, 5, 5))  # of the layers of neurons of `network`, for images of 28 x 28
Neurons = Callable[[Sequence[int]], nn.Module]


class Ours(SpikingLayer):
    """Spikes alone, as the others give them."""

    def __init__(self, shape: Sequence[int]):
        super().__init__(LIFParams(tau_m=-1 / math.log(ALPHA), reset_to_zero=True), shape, ["tau_m"])

    def forward(self, current: Tensor, state: None = None) -> Tensor:  # type: ignore[override]
        return super().forward(current)[0]


class Stepwise(nn.Module):
    """Neurons that take one step at a time, with their state, in the loop that both programs show; ``first`` makes the first state."""

    def __init__(self, cell: nn.Module, first: Callable[[Tensor], Any], time_constants: nn.Parameter | None = None):
        super().__init__()
        self.cell, self.first, self.time_constants = cell, first, time_constants

    def forward(self, current: Tensor) -> Tensor:
        return unroll(self.cell, current, self.first(current[0]))[0].to(current)  # snnTorch's are always in single precision


def snntorch(shape: Sequence[int]) -> nn.Module:
    """snnTorch's `Leaky`."""
    from snntorch import Leaky

    return Stepwise(Leaky(torch.full(tuple(shape), ALPHA), learn_beta=True, reset_mechanism="zero"), torch.zeros_like)


def norse(shape: Sequence[int]) -> nn.Module:
    """Norse's `LIFBoxCell`, which has no synapse. It scales its input by what leaks in a step (1 ms), and so we do its threshold."""
    from norse.torch import LIFBoxCell, LIFBoxParameters

    inverse = nn.Parameter(torch.full(tuple(shape), 1000 * (1 - ALPHA)))
    return Stepwise(LIFBoxCell(LIFBoxParameters(tau_mem_inv=inverse, v_th=torch.tensor(1 - ALPHA)), dt=0.001), lambda _: None, inverse)


class SpikingJelly(nn.Module):
    """SpikingJelly's `ParametricLIFNode` for all steps in one call, its fastest code on a processor."""

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        from spikingjelly.activation_based.neuron import ParametricLIFNode

        self.neurons = ParametricLIFNode(1 / (1 - ALPHA), decay_input=False, detach_reset=True, step_mode="m")

    def forward(self, current: Tensor) -> Tensor:
        self.neurons.reset()
        return self.neurons(current)


PEERS: dict[str, Neurons] = {"snntorch": snntorch, "norse": norse, "spikingjelly": SpikingJelly}


def network(neurons: Neurons, steps: int, samples: int) -> nn.Module:
    """Two convolutions and a readout, which see all steps at once, with a layer of neurons after each convolution."""

    def at_once(*modules: nn.Module) -> nn.Module:
        return nn.Sequential(nn.Flatten(0, 1), *modules, nn.Unflatten(0, (steps, samples)))

    with seeded_draws(0, "network of layers"):
        parts = nn.Conv2d(1, 8, 5, stride=2), nn.Conv2d(8, 16, 3, stride=2), nn.Linear(400, 10)
    first, second = map(neurons, SHAPES)
    return nn.Sequential(at_once(parts[0]), first, at_once(parts[1]), second, at_once(nn.Flatten(), parts[2]))


def training_step(module: nn.Module, x: Tensor, of_output: Tensor) -> list[Tensor]:
    """Gradients of all parameters, and of x if it needs them, from that of the output."""
    inputs = [*module.parameters(), *([x] if x.requires_grad else [])]
    return list(torch.autograd.grad(module(x), inputs, of_output))


def fastest(whole: bool, steps: int = 50, samples: int = 32, repetitions: int = 10) -> Longer:
    """Time of the fastest of `PEERS` for forward and backward over ours: of the `network`, or of its first layer of neurons alone.

    Outputs are compared first, in double precision; `ValueError` if they differ.
    """
    g = torch_generator(0, "inputs of layers")
    x = torch.rand(steps, samples, *((1, 28, 28) if whole else SHAPES[0]), generator=g)
    build = partial(network, steps=steps, samples=samples) if whole else lambda neurons: neurons(SHAPES[0])
    sides: dict[str, Neurons] = {"ours": Ours, **PEERS}
    torch.set_default_dtype(torch.float64)
    try:
        outputs = {name: build(neurons)(x.double()) for name, neurons in sides.items()}
    finally:
        torch.set_default_dtype(torch.float32)
    for name in PEERS:
        refuse_unequal(f"{name} {metadata.version(name)}", [outputs[name]], [outputs["ours"]], atol=1e-9)
    of_output = torch.rand(outputs["ours"].shape, generator=g)
    given = x.requires_grad_(not whole)  # what comes before a layer needs the gradient of its currents
    took = side_by_side({name: partial(training_step, build(neurons), given, of_output) for name, neurons in sides.items()}, repetitions)
    ratios = {name: took[name] / took["ours"] for name in PEERS}
    each = ", ".join(f"{name} {metadata.version(name)} {ratio:.1f}" for name, ratio in ratios.items())
    neurons = " and ".join(f"{math.prod(shape):,}" for shape in (SHAPES if whole else SHAPES[:1]))
    return Longer(min(ratios.values()), f"{each}; {neurons} neurons, {steps} steps, {samples} samples, {machine()}")
