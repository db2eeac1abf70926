r"""Recurrent network of spiking neurons with leaky readouts.

.. math:: I(t) = W^\text{in} x(t) + W^\text{rec} z(t-1), \qquad y(t) = \kappa\, y(t-1) + (1 - \kappa)\, W^\text{out} z(t)

Neurons come in populations side by side, each of a model of `snncore.neurons`; no neuron is connected to itself.

Source: G. Bellec, D. Salaj, A. Subramoney, R. Legenstein, W. Maass, Long short-term memory and learning-to-learn in networks of spiking
neurons, NeurIPS 2018.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from snncore.kernels import recurrent as kernel
from snncore.neurons import (
    AHPParams,
    ALIFParams,
    LIFParams,
    ReadoutParams,
    ahp_rest,
    ahp_step,
    alif_rest,
    alif_step,
    lif_rest,
    lif_step,
    readout_step,
)
from snncore.unroll import unroll

Params = LIFParams | ALIFParams | AHPParams
MODELS: dict[type, tuple] = {LIFParams: (lif_rest, lif_step), ALIFParams: (alif_rest, alif_step), AHPParams: (ahp_rest, ahp_step)}


class Population(NamedTuple):
    """So many neurons with the same constants."""

    size: int
    params: Params


class Weights(NamedTuple):
    """Weights of a recurrent network, each of shape (post, pre)."""

    w_in: Float[Tensor, "neuron input"]
    w_rec: Float[Tensor, "neuron neuron"]
    w_out: Float[Tensor, "readout neuron"]


class Activity(NamedTuple):
    """What a network did: spikes z, membrane potentials v (none unless wanted), readouts y."""

    z: Float[Tensor, "time batch neuron"]
    v: Float[Tensor, "*time_batch_neuron"]
    y: Float[Tensor, "time batch readout"]


def _constants(populations: Sequence[Population], dtype: np.dtype) -> kernel.Constants:
    """Constants of the general form of the compiled loop."""
    rows = []
    for _, p in populations:
        if isinstance(p, LIFParams):
            slow: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, float(p.reset_to_zero), p.n_refractory)
        elif isinstance(p, ALIFParams):
            slow = (p.rho, 1.0, 0.0, p.beta, 0.0, p.n_refractory)
        else:
            slow = (p.rho, -(1 - p.rho) * p.beta, 1.0, 0.0, 1.0, 0.0)
        rows.append((p.alpha, p.v_th, *slow, p.dampening))
    return kernel.Constants(np.array([size for size, _ in populations]), *np.ascontiguousarray(np.array(rows, dtype).T))


class _Compiled(torch.autograd.Function):
    """The compiled twin of the loop in `spikes`."""

    @staticmethod
    def forward(ctx, x, w_in, w_rec, constants, credit, potentials):
        arrays = (a.detach().numpy() for a in (x, w_in, w_rec))
        z, v, psi = map(torch.from_numpy, kernel.forward(*arrays, constants, potentials, torch.get_num_threads()))
        ctx.set_materialize_grads(False)
        ctx.constants, ctx.credit = constants, credit
        ctx.save_for_backward(x, w_in, w_rec, z, psi)
        return z, v

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_z, grad_v):
        x, w_in, w_rec, z, psi = ctx.saved_tensors
        grad_z = torch.zeros_like(z) if grad_z is None else grad_z
        arrays = (None if a is None else a.detach().numpy() for a in (grad_z, grad_v, x, w_in, w_rec))
        needs_x, threads = ctx.needs_input_grad[0], torch.get_num_threads()
        gradients = kernel.backward(*arrays, ctx.constants, z.numpy(), psi.numpy(), ctx.credit, needs_x, threads)
        grad_w_in, grad_w_rec, grad_current = map(torch.from_numpy, gradients)
        grad_x = _product(grad_current, w_in.transpose(-1, -2)) if needs_x else None
        return grad_x, grad_w_in, grad_w_rec, None, None, None


class _LeakySum(torch.autograd.Function):
    """The compiled twin of the readout's loop, without its factor (1 - kappa)."""

    @staticmethod
    def forward(ctx, x, kappa):
        ctx.kappa = kappa
        return torch.from_numpy(kernel.leaky_sum(x.detach().numpy(), kappa))

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        return torch.from_numpy(kernel.leaky_sum(grad.numpy(), ctx.kappa, reverse=True)), None


def _compilable(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


def _product(x: Tensor, w: Tensor) -> Tensor:
    """Weighted sums of x (..., batch, pre) with weights (post, pre) or (batch, post, pre)."""
    return F.linear(x, w) if w.ndim == 2 else torch.einsum("...bi,bji->...bj", x, w)


def spikes(
    x: Float[Tensor, "time batch input"],
    w_in: Float[Tensor, "*batch neuron input"],
    w_rec: Float[Tensor, "*batch neuron neuron"],
    populations: Sequence[Population],
    credit: bool = True,
    potentials: bool = False,
    compiled: bool | None = None,
) -> tuple[Float[Tensor, "time batch neuron"], Float[Tensor, "*time_batch_neuron"]]:
    """Spikes and, if wanted, membrane potentials of recurrently connected neurons that start at rest.

    Parameters
    ----------
    x : tensor, shape (time, batch, input)
        Input spikes, or numbers.
    w_in, w_rec : tensors, shape (post, pre) or (batch, post, pre)
        Weights, shared or one set per sample.
    populations : sequence of Population
        Their sizes add up to the number of neurons.
    credit : bool
        Whether gradients flow through the recurrent weights (backpropagation through time) or not (e-prop).
    potentials : bool
        Whether to keep the membrane potentials; otherwise there are none in the answer.
    compiled : bool, optional
        Use the compiled twin; by default wherever it can: on the CPU, in single or double precision.

    Raises
    ------
    ValueError
        If sizes do not fit.
    TypeError
        For neurons of an unknown model.
    """
    n = sum(size for size, _ in populations)
    if w_in.shape[-2:] != (n, x.shape[-1]) or w_rec.shape[-2:] != (n, n):
        raise ValueError(
            f"w_in has shape {tuple(w_in.shape)} and w_rec {tuple(w_rec.shape)}, but the populations have {n} neurons and x {x.shape[-1]} "
            "inputs: weights have one row per neuron (post) and one column per input or neuron (pre)"
        )
    for _, p in populations:
        if type(p) not in MODELS:
            raise TypeError(f"no model has constants of type {type(p).__name__}: use one of {', '.join(m.__name__ for m in MODELS)}")
    if _compilable(x) if compiled is None else compiled:
        constants = _constants(populations, np.dtype(str(x.dtype).removeprefix("torch.")))
        return _Compiled.apply(x, w_in, w_rec, constants, credit, potentials)
    sizes = [size for size, _ in populations]

    def step(current: Tensor, state: tuple) -> tuple:
        z, states = state
        currents = (current + _product(z if credit else z.detach(), w_rec)).split(sizes, -1)
        states = [MODELS[type(p)][1](c, s, p)[1] for c, s, (_, p) in zip(currents, states, populations, strict=True)]
        z = torch.cat([s.z for s in states], -1)
        return (z, torch.cat([s.v for s in states], -1)) if potentials else (z,), (z, states)

    current = _product(x, w_in)
    rest = [MODELS[type(p)][0](part) for part, (_, p) in zip(current[0].split(sizes, -1), populations, strict=True)]
    outputs, _ = unroll(step, current, (torch.zeros_like(current[0]), rest))
    return outputs if potentials else (outputs[0], current.new_empty(0))


def readouts(
    current: Float[Tensor, "time batch readout"], p: ReadoutParams, compiled: bool | None = None
) -> Float[Tensor, "time batch readout"]:
    """Leaky readouts of weighted spikes, from zero."""
    if _compilable(current) if compiled is None else compiled:
        return _LeakySum.apply((1 - p.kappa) * current, p.kappa)
    return unroll(partial(readout_step, p=p), current, torch.zeros_like(current[0]))[0]


def run(
    x: Float[Tensor, "time batch input"],
    weights: Weights,
    populations: Sequence[Population],
    readout: ReadoutParams,
    credit: bool = True,
    potentials: bool = False,
    compiled: bool | None = None,
) -> Activity:
    """A whole network, from input to readouts; arguments and errors as in `spikes`."""
    z, v = spikes(x, weights.w_in, weights.w_rec, populations, credit, potentials, compiled)
    return Activity(z, v, readouts(F.linear(z, weights.w_out), readout, compiled))


class RecurrentNetwork(nn.Module):
    """The weights of a recurrent network, and how it is built.

    Parameters
    ----------
    inputs, outputs : int
    populations : sequence of Population
    readout : ReadoutParams
    generator : torch.Generator
        Draws the initial weights: normal, with standard deviation ``gain`` over the root of the number of inputs of a neuron, in units of
        its threshold; readouts with deviation 1 over the root of the number of neurons.
    gain : pair of float
        For the weights from the inputs, and for the recurrent ones.
    """

    def __init__(
        self,
        inputs: int,
        populations: Sequence[Population],
        outputs: int,
        readout: ReadoutParams,
        generator: torch.Generator,
        gain: tuple[float, float] = (1.0, 1.0),
    ):
        super().__init__()
        self.populations, self.readout = tuple(populations), readout
        v_th = torch.cat([torch.full((size, 1), p.v_th) for size, p in populations])
        n = len(v_th)
        self.w_in = nn.Parameter(gain[0] / math.sqrt(inputs) * v_th * torch.randn(n, inputs, generator=generator))
        self.w_rec = nn.Parameter(gain[1] / math.sqrt(n) * v_th * torch.randn(n, n, generator=generator))
        self.w_out = nn.Parameter(torch.randn(outputs, n, generator=generator) / math.sqrt(n))
        self.no_self: Tensor
        self.register_buffer("no_self", 1 - torch.eye(n), persistent=False)

    def weights(self) -> Weights:
        """The weights in force: no neuron is connected to itself."""
        return Weights(self.w_in, self.w_rec * self.no_self, self.w_out)

    def forward(self, x: Float[Tensor, "time batch input"]) -> Activity:
        """What the network does with inputs x, from rest."""
        return run(x, self.weights(), self.populations, self.readout)
