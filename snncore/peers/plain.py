"""Neurons, networks and e-prop in PyTorch's operations, as fast as we can write them: our compiled loops are timed beside these."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from snncore.few_spike.neuron import FSParams
from snncore.filters import low_pass_product
from snncore.learning.compare import published_neurons
from snncore.learning.eprop import Signal, gradient, observe
from snncore.networks.recurrent import Activity, Population, RecurrentNetwork, Weights, run_network
from snncore.neurons import ReadoutParams
from snncore.neurons.model import model_of
from snncore.seeds import torch_generator
from snncore.timing import refuse_unequal

BLOCK = 2**17  # numbers of which three tensors stay in the processor's cache, and which are enough to share among threads


def plain_neuron(x: Tensor, p: FSParams) -> Tensor:
    """The few-spike neuron in place and block by block."""
    compare, y = torch.gt if p.strict else torch.ge, torch.zeros_like(x, memory_format=torch.contiguous_format)
    for v, total in zip(x.flatten().split(BLOCK), y.view(-1).split(BLOCK), strict=True):
        v, z = v.clone(), torch.empty_like(v)
        for T, h, d in zip(p.T, p.h, p.d, strict=True):
            compare(v, T, out=z)
            v.sub_(z, alpha=h)
            total.add_(z, alpha=d)
    return y


def plain_loop(
    x: Tensor, weights: Weights, populations: Sequence[Population], readout: ReadoutParams, credit: bool = True, potentials: bool = False
) -> Activity:
    """Run a network of one population as `snncore.networks.recurrent.run_network` does, with as few operations in the loop as we can.

    Inputs and readouts are products over all steps at once, and a sum of recurrent inputs is one fused operation.
    """
    ((_, p),) = populations
    rest, step, _ = model_of(p)
    (w_in, w_rec, w_out), own = weights, weights.w_rec.ndim == 3

    def product(a: Tensor, w: Tensor) -> Tensor:
        return (a.transpose(0, 1) @ w.transpose(1, 2)).transpose(0, 1) if w.ndim == 3 else F.linear(a, w)

    current = product(x, w_in)
    state, z, spikes, voltages = rest(torch.zeros_like(current[0])), torch.zeros_like(current[0]), [], []
    for c in current.unbind():
        sent = z if credit else z.detach()
        c = torch.baddbmm(c[:, None], sent[:, None], w_rec.mT)[:, 0] if own else torch.addmm(c, sent, w_rec.mT)
        z, state = step(c, state, p)
        spikes.append(z)
        voltages.append(state.v)
    z = torch.stack(spikes)
    y = (1 - readout.kappa) * low_pass_product(product(z, w_out), readout.kappa)
    return Activity(z, torch.stack(voltages) if potentials else z.new_empty(0), y)


EQUAL = 300  # steps in which gradients are compared before they are timed


def gradients_of_eprop(n: int, steps: int, samples: int, seed: int) -> dict[str, Callable[[], tuple[Tensor, ...]]]:
    """One gradient for n neurons, half of them LIF and half ALIF: e-prop compiled, by the published recursion, and BPTT by autograd.

    The recursion is given the spikes of the compiled loop. Both gradients are compared on `EQUAL` steps, in double precision.
    """
    g = torch_generator(seed, "e-prop for timing")
    populations = [Population(size, p) for size, (_, p) in zip((n // 2, n - n // 2), published_neurons(), strict=True)]
    network = RecurrentNetwork(40, populations, 2, ReadoutParams(), g, (1 / 0.6, 1 / 0.6))
    x = (torch.rand(steps, samples, 40, generator=g) < 0.02).float()
    target = torch.randn(steps, samples, 2, generator=g)
    feedback = torch.randn(n, 2, generator=g)

    def backward(dtype: torch.dtype = torch.float32, part: slice = slice(None), **options: bool) -> tuple[Tensor, ...]:
        weights = Weights(*(w.detach().to(dtype).requires_grad_() for w in network.weights()))
        back = None if options.get("credit") else feedback.to(dtype)
        y = run_network(x[part].to(dtype), weights, populations, network.readout, w_feedback=back, **options).y
        return torch.autograd.grad((y - target[part].to(dtype)).square().sum() / 2, weights[:2])

    def recursion(dtype: torch.dtype = torch.float32, part: slice = slice(None)) -> tuple[Tensor, ...]:
        weights = Weights(*(w.detach().to(dtype) for w in network.weights()))
        trial, activity = observe(x[part].to(dtype), weights, populations, network.readout)
        return gradient(trial, Signal((activity.y - target[part].to(dtype)) @ feedback.T.to(dtype), network.readout.kappa), "online")

    few = slice(0, EQUAL)
    w_in, w_rec = backward(torch.float64, few, credit=False)
    refuse_unequal("e-prop", [w_in, w_rec * network.no_self], recursion(torch.float64, few), 1e-9, 1e-9)
    return {
        "fused": lambda: backward(credit=False), "recursion": recursion, "bptt": lambda: backward(credit=True, compiled=False),
    }  # fmt: skip
