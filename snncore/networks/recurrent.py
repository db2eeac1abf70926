r"""Recurrent network of spiking neurons with leaky readouts.

.. math:: I(t) = W^\text{in} x(t) + W^\text{rec} z(t-1), \qquad y(t) = \kappa\, y(t-1) + (1 - \kappa)\, W^\text{out} z(t)

Neurons come in populations side by side, each of a model of `snncore.neurons`; no neuron is connected to itself.

Source: G. Bellec et al., Long short-term memory and learning-to-learn in networks of spiking neurons, NeurIPS 2018.
"""

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from snncore.kernels import recurrent as kernel
from snncore.neurons import ALIFParams, ReadoutParams, check_trace, readout_step
from snncore.neurons.layer import SpikingLayer
from snncore.neurons.model import model_of
from snncore.shapes import check_alike, check_finite, check_whole, refuse_second_derivatives, runs_compiled
from snncore.unroll import unroll


class Population(NamedTuple):
    """Neurons with the same constants, of a registered model (`snncore.neurons.model`)."""

    size: int
    params: Any


class Weights(NamedTuple):
    """Weights of a recurrent network, each of shape (post, pre) or, one set per sample, (batch, post, pre)."""

    w_in: Float[Tensor, "*batch neuron input"]
    w_rec: Float[Tensor, "*batch neuron neuron"]
    w_out: Float[Tensor, "*batch readout neuron"]


class Activity(NamedTuple):
    """What a network did: spikes z, membrane potentials v (empty unless asked for), readouts y."""

    z: Float[Tensor, "time batch neuron"]
    v: Float[Tensor, "*time_batch_neuron"]
    y: Float[Tensor, "time batch readout"]


def _constants(populations: Sequence[Population], dtype: np.dtype) -> kernel.Constants:
    """Constants of the general form of the compiled loop."""
    rows = []
    for _, p in populations:
        row = model_of(p).row
        if row is None:
            raise TypeError(f"{type(p).__name__} is no case of the compiled loop: leave compiled out, or give the model its row")
        rows.append(row(p))
    return kernel.Constants(np.array([size for size, _ in populations]), *np.ascontiguousarray(np.array(rows, dtype).T))


class _Compiled(torch.autograd.Function):
    """The compiled twin of the loop in `run_network`."""

    @staticmethod
    def forward(ctx, x, w_in, w_rec, w_out, w_feedback, kappa, constants, credit, leak, potentials):
        arrays = (a.detach().numpy() for a in (x, w_in, w_rec, w_out))
        z, v, y, psi, fired = map(torch.from_numpy, kernel.forward(*arrays, kappa, constants, potentials, torch.get_num_threads()))
        ctx.set_materialize_grads(False)
        through = constants._replace(to_v=0 * constants.to_v, to_threshold=0 * constants.to_threshold) if leak else constants
        ctx.constants = kappa, through, credit
        ctx.save_for_backward(x, w_in, w_rec, w_out if w_feedback is None else w_feedback.T.expand_as(w_out), z, psi, fired)
        return z, v, y

    @staticmethod
    def backward(ctx, *gradients):
        refuse_second_derivatives()
        *tensors, z, psi, fired = ctx.saved_tensors
        kappa, constants, credit = ctx.constants
        arrays = (None if a is None else a.detach().numpy() for a in (*gradients, *tensors))
        needs_x, threads = ctx.needs_input_grad[0], torch.get_num_threads()
        results = kernel.backward(*arrays, kappa, constants, z.numpy(), psi.numpy(), fired.numpy(), credit, needs_x, threads)
        *grad_weights, grad_current = map(torch.from_numpy, results)
        grad_x = _product(grad_current, tensors[1].transpose(-1, -2)) if needs_x else None
        return grad_x, *grad_weights, None, None, None, None, None, None


def _product(x: Tensor, w: Tensor) -> Tensor:
    """Weighted sums of x (..., batch, pre) with weights (post, pre) or (batch, post, pre)."""
    return F.linear(x, w) if w.ndim == 2 else torch.einsum("...bi,bji->...bj", x, w)


def _sent(z: Tensor, w_out: Tensor, w_feedback: Tensor | None) -> Tensor:
    """What reaches the readouts; gradients come back through the feedback weights, if given."""
    if w_feedback is None:
        return _product(z, w_out)
    back = F.linear(z, w_feedback.detach().T)
    return _product(z.detach(), w_out) + (back - back.detach())


def run_network(
    x: Float[Tensor, "time batch input"],
    weights: Weights,
    populations: Sequence[Population],
    readout: ReadoutParams,
    credit: bool = True,
    potentials: bool = False,
    compiled: bool | None = None,
    w_feedback: Float[Tensor, "neuron readout"] | None = None,
    leak: bool = False,
) -> Activity:
    """What a network does with inputs x (spikes, or numbers), from rest.

    Raises `ValueError` if sizes do not fit, there is no time step, or an input is not finite; without credit, if `check_trace` refuses ALIF
    neurons; `TypeError` for neurons of an unknown model, if types or devices differ, or the compiled twin is asked for where it cannot run.

    Weights are shared, or one set per sample; without readouts, ``w_out`` has no rows. Gradients flow through the recurrent weights
    (backpropagation through time), or without ``credit`` not (e-prop). ``compiled`` uses the compiled twin: by default wherever it can, on
    the CPU, in single or double precision. By ``w_feedback`` the gradient at the readouts reaches the neurons, in place of the transposed
    ``w_out``. With ``leak`` they go back through a neuron's own potential alone, not through its adaptation.
    """
    n = sum(size for size, _ in populations)
    w_in, w_rec, w_out = weights
    shapes = ", ".join(str(tuple(w.shape)) for w in weights)
    if w_in.shape[-2:] != (n, x.shape[-1]) or w_rec.shape[-2:] != (n, n) or w_out.shape[-1] != n:
        raise ValueError(
            f"w_in, w_rec, w_out have shapes {shapes}, but the populations have {n} neurons and x {x.shape[-1]} inputs: weights have one "
            "row per neuron or readout (post) and one column per input or neuron (pre)"
        )
    if x.ndim != 3 or not len(x) or any(w.ndim != 2 and (w.ndim != 3 or len(w) != x.shape[1]) for w in weights):
        raise ValueError(
            f"x has shape {tuple(x.shape)}, w_in, w_rec, w_out {shapes}: x is (time, batch, input) with at least one time step, and "
            "weights are shared, (post, pre), or one set per sample, (batch, post, pre)"
        )
    for name, w in zip(("w_in", "w_rec", "w_out", "w_feedback"), (*weights, w_feedback), strict=True):
        if w is not None:
            check_alike(name, w, "x", x)
    if not x.sum().isfinite():  # much quicker than to look at each number, which is done only if need be
        check_finite("x", x)
    if w_feedback is not None and w_feedback.shape != (n, w_out.shape[-2]):
        raise ValueError(f"w_feedback has shape {tuple(w_feedback.shape)}: give (neuron, readout), {(n, w_out.shape[-2])}")
    for _, p in populations:
        model_of(p)
        if not credit and isinstance(p, ALIFParams):
            check_trace(p)
    if compiled is None and any(model_of(p).row is None for _, p in populations):
        compiled = False
    if runs_compiled("x", x, compiled):
        constants = _constants(populations, np.dtype(str(x.dtype).removeprefix("torch.")))
        return Activity(*_Compiled.apply(x, w_in, w_rec, w_out, w_feedback, readout.kappa, constants, credit, leak, potentials))
    step, rest = stepwise(weights, populations, readout, x[0], credit, potentials, w_feedback, leak)
    return unroll(step, _product(x, w_in), rest)[0]


def stepwise(
    weights: Weights,
    populations: Sequence[Population],
    readout: ReadoutParams,
    like: Float[Tensor, "batch input"],
    credit: bool = True,
    potentials: bool = False,
    w_feedback: Float[Tensor, "neuron readout"] | None = None,
    leak: bool = False,
) -> tuple[Callable[[Tensor, tuple], tuple[Activity, tuple]], tuple]:
    """The step of a network, a function of input current and state, and its state at rest: spikes, states of the populations, readouts.

    ``like`` is an input of one step: the state has its batch, type and device. The rest is as in `run_network`.
    """
    sizes = [size for size, _ in populations]

    def step(current: Tensor, state: tuple) -> tuple:
        z, states, y = state
        currents = (current + _product(z if credit else z.detach(), weights.w_rec)).split(sizes, -1)
        states = [model_of(p).step(c, s, p)[1] for c, s, (_, p) in zip(currents, states, populations, strict=True)]
        z = torch.cat([s.z for s in states], -1)
        v = torch.cat([s.v for s in states], -1) if potentials else z.new_empty(0)
        y, _ = readout_step(_sent(z, weights.w_out, w_feedback), y, readout)
        if leak:
            states = [s._replace(**{name: x.detach() for name, x in s._asdict().items() if name not in ("z", "v")}) for s in states]
        return Activity(z, v, y), (z, states, y)

    silent = like.new_zeros(len(like), sum(sizes))
    rest = [model_of(p).rest(part) for part, (_, p) in zip(silent.split(sizes, -1), populations, strict=True)]
    return step, (silent, rest, like.new_zeros(len(like), weights.w_out.shape[-2]))


class RecurrentNetwork(nn.Module):
    """The weights of a recurrent network, and how it is built.

    The generator draws initial weights: normal, with standard deviation ``gain`` (from inputs, from neurons) over the root of the number of
    inputs of a neuron, in units of its threshold; those of readouts have deviation 1 over the root of the number of neurons. Time
    constants named in ``learn`` are learned, for each neuron that has them (`SpikingLayer`); this takes the plain loop.

    >>> from snncore.neurons import LIFParams
    >>> generator = torch.Generator().manual_seed(0)
    >>> net = RecurrentNetwork(10, [Population(50, LIFParams())], 2, ReadoutParams(), generator)
    >>> y = net(torch.ones(20, 4, 10)).y
    >>> tuple(y.shape)  # time, batch, readout
    (20, 4, 2)
    """

    def __init__(
        self,
        inputs: int,
        populations: Sequence[Population],
        outputs: int,
        readout: ReadoutParams,
        generator: torch.Generator,
        gain: tuple[float, float] = (1.0, 1.0),
        learn: Collection[str] = (),
    ):
        super().__init__()
        if len(steps := {getattr(p, "dt", readout.dt) for _, p in populations} | {readout.dt}) > 1:
            raise ValueError(f"populations and readouts have time steps of {', '.join(map(str, sorted(steps)))} ms: give all the same dt")
        check_whole("inputs", inputs)
        for name, count in (("outputs", outputs), *(("the size of a population", size) for size, _ in populations)):
            check_whole(name, count, 0)
        self.populations, self.readout = tuple(populations), readout
        v_th = torch.cat([torch.full((size, 1), p.v_th) for size, p in populations])
        n = len(v_th)
        if absent := [name for name in learn if not any(hasattr(p, name) for _, p in populations)]:
            raise ValueError(f"learn has {absent[0]!r}, which no population has")
        if learn:
            self.layers.extend(SpikingLayer(p, (size,), [name for name in learn if hasattr(p, name)]) for size, p in populations)
        self.w_in = nn.Parameter(gain[0] / math.sqrt(inputs) * v_th * torch.randn(n, inputs, generator=generator))
        self.w_rec = nn.Parameter(gain[1] / math.sqrt(n) * v_th * torch.randn(n, n, generator=generator))
        self.w_out = nn.Parameter(torch.randn(outputs, n, generator=generator) / math.sqrt(n))
        self.no_self: Tensor
        self.register_buffer("no_self", 1 - torch.eye(n), persistent=False)

    @property
    def populations(self) -> tuple[Population, ...]:
        """As given, or given since; with learned time constants, single neurons as they are now."""
        layers = cast("list[SpikingLayer]", self.layers)
        parts = ([Population(1, p) for p in layer.neurons()] or [given] for given, layer in zip(self._given, layers, strict=False))
        return tuple(population for part in parts for population in part) or self._given

    @populations.setter
    def populations(self, populations: Sequence[Population]) -> None:
        self._given, self.layers = tuple(populations), nn.ModuleList()

    def weights(self) -> Weights:
        """The weights in force: no neuron is connected to itself."""
        return Weights(self.w_in, self.w_rec * self.no_self, self.w_out)

    def forward(self, x: Float[Tensor, "time batch input"], potentials: bool = False) -> Activity:
        """What the network does with inputs x, from rest."""
        layers = cast("list[SpikingLayer]", self.layers)
        learned = [Population(size, layer.constants()) for (size, _), layer in zip(self._given, layers, strict=False)]
        return run_network(x, self.weights(), learned or self._given, self.readout, potentials=potentials)
