r"""Layers of neurons beside PyTorch's own, time first: ``z, state = layer(current, state)``.

.. math:: z(t), s(t) = \text{step}(I(t), s(t-1))

for any neuron model of `snncore.neurons.model`. With learned time constants, :math:`\alpha = e^{-\mathrm{d}t/\tau}` with a
:math:`\tau > 0` for each neuron, whose logarithm is the parameter. LIF neurons without refractory period run in the compiled loop of
`snncore.kernels.layer`, forward and backward, others in the plain one.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snncore.kernels import layer as kernel
from snncore.neurons.lif import LIFParams, LIFState, lif_step
from snncore.neurons.model import at_rest, model_of
from snncore.shapes import check_alike, check_finite, check_whole, refuse_second_derivatives, runs_compiled
from snncore.unroll import unroll

DECAYS = {"tau_m": "alpha", "tau_a": "rho", "tau_ahp": "rho"}  # of which time constant a decay per step is made


class _Compiled(torch.autograd.Function):
    """Spikes and potentials of LIF neurons, by the compiled twin of the loop over `lif_step`."""

    @staticmethod
    def forward(ctx, current, alpha, z_first, v_first, p):
        ctx.p = p
        arrays = (a.detach().contiguous().numpy() for a in (current, alpha, z_first, v_first))
        z, v = map(torch.from_numpy, kernel.forward(*arrays, p.v_th, p.reset_to_zero, torch.get_num_threads()))
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(z, v, alpha, z_first, v_first)
        return z, v

    @staticmethod
    def backward(ctx, grad_z, grad_v):
        refuse_second_derivatives()
        arrays = (a.detach().contiguous().numpy() for a in ctx.saved_tensors)
        of_z, of_v = (None if g is None else g.contiguous().numpy() for g in (grad_z, grad_v))
        constants = ctx.p.v_th, ctx.p.reset_to_zero, ctx.p.dampening, torch.get_num_threads()
        current, alpha, v_first = map(torch.from_numpy, kernel.backward(of_z, of_v, *arrays, *constants))
        return current, alpha, None, v_first, None


def lif_through_time(
    current: Float[Tensor, "time *batch neuron"], p: LIFParams, state: LIFState | None = None, compiled: bool | None = None
) -> tuple[Float[Tensor, "time *batch neuron"], Float[Tensor, "time *batch neuron"], LIFState]:
    """Spikes, potentials and the last state of LIF neurons, from a state (None: at rest); ``p`` may have an alpha for each neuron.

    ``compiled``: use the compiled loop; by default where it can be used: on the CPU, in single or double precision, without refractory
    period. Raises `ValueError` if there is no time step, or for a state of another shape; `TypeError` for types that no loop takes.
    """
    if not len(current):
        raise ValueError(f"current has shape {tuple(current.shape)}: there is no time step")
    if not current.is_floating_point():
        raise TypeError(f"currents are {current.dtype}: give floating-point numbers")
    if compiled and p.n_refractory:
        raise ValueError(f"n_refractory is {p.n_refractory}: the compiled loop has no refractory period")
    flat = current.reshape(len(current), -1, current.shape[-1])
    last = at_rest(LIFState)(flat[0]) if state is None else _fitting(state, flat)
    if p.n_refractory == 0 and runs_compiled("current", current, compiled):
        alpha = torch.as_tensor(p.alpha, dtype=current.dtype).expand_as(flat[0])
        z, v = _Compiled.apply(flat, alpha, last.z, last.v, p)
        last = LIFState(z[-1], v[-1], last.r)
    else:

        def step(now: Tensor, before: LIFState) -> tuple[tuple[Tensor, Tensor], LIFState]:
            z, after = lif_step(now, before, p)
            return (z, after.v), after

        (z, v), last = unroll(step, flat, last)
    return z.view_as(current), v.view_as(current), last


def _fitting(state: Any, flat: Float[Tensor, "time batch neuron"]) -> Any:
    """The state, if it is one of these neurons."""
    if state.v.shape != flat.shape[1:]:
        raise ValueError(f"state is of {(*state.v.shape,)} (batch, neuron), but current has {(*flat.shape[1:],)}: begin anew, with None")
    check_alike("state", state.v, "current", flat)
    return state


class SpikingLayer(nn.Module):
    """Neurons of one kind. Currents (time, batch, ...) give spikes of the same shape, and the state after the last step.

    >>> layer = SpikingLayer(LIFParams(tau_m=5.0), (3,), learn=["tau_m"])
    >>> z, state = layer(torch.full((4, 1, 3), 0.6))
    >>> z[:, 0, 0].tolist(), [name for name, _ in layer.named_parameters()]
    ([0.0, 1.0, 0.0, 1.0], ['log_tau.tau_m'])

    Parameters
    ----------
    params : constants of a registered neuron model
        Such as `LIFParams`, or those of your own after `snncore.neurons.model.register`.
    shape : sequence of int
        Of a time constant that is learned: that of the currents without time and batch, or () for one time constant for all neurons.
    learn : names of time constants
        Which of the model's are learned: of tau_m, tau_a, tau_ahp.
    """

    def __init__(self, params: Any, shape: Sequence[int] = (), learn: Collection[str] = ()):
        super().__init__()
        model_of(params)
        for size in shape:
            check_whole("a size in shape", size)
        for name in learn:
            if name not in DECAYS or not hasattr(params, name):
                has = ", ".join(known for known in DECAYS if hasattr(params, known)) or "none"
                raise ValueError(f"learn has {name!r}: {type(params).__name__} has these time constants that can be learned: {has}")
        self.params = params
        self.log_tau = nn.ParameterDict({name: nn.Parameter(torch.full(tuple(shape), math.log(getattr(params, name)))) for name in learn})

    def constants(self) -> Any:
        """The constants, with the decays that are learned now."""
        if not self.log_tau:
            return self.params
        kind = type(self.params)
        decays = {DECAYS[name]: (-self.params.dt * torch.exp(-log)).exp().flatten() for name, log in self.log_tau.items()}
        model = {"model": model_of(self.params)._replace(row=None)}
        learned: Any = object.__new__(type(kind.__name__, (kind,), decays | model))  # the decays stand in for the properties
        vars(learned).update(vars(self.params))
        return learned

    def neurons(self) -> list[Any]:
        """Constants of each neuron of the shape, with its learned time constants as they are now; none if none are learned."""
        taus = [log.exp().flatten().tolist() for log in self.log_tau.values()]
        return [replace(self.params, **dict(zip(self.log_tau, at, strict=True))) for at in zip(*taus, strict=True)]

    def forward(self, current: Float[Tensor, "time batch *neuron"], state: Any = None) -> tuple[Float[Tensor, "time batch *neuron"], Any]:
        """Spikes, and the last state; ``state``: that of an earlier call, from which it goes on (None: at rest).

        Cut its history with ``.detach()`` on its parts for truncated backpropagation. Raises `ValueError` for a state, or learned time
        constants, of another shape; `TypeError` for a state of another type.
        """
        if current.ndim < 3 or not current.numel():
            raise ValueError(f"current has shape {tuple(current.shape)}: give (time, batch, ...), each at least 1")
        check_finite("current", current)
        for name, a in self.log_tau.items():
            if a.shape not in ((), current.shape[2:]):
                raise ValueError(f"{name} is learned in shape {tuple(a.shape)}: make the layer with shape () or {tuple(current.shape[2:])}")
        flat, model, p = current.flatten(2), model_of(self.params), self.constants()
        rest = model.rest(flat[0])
        state = rest if state is None else state
        if type(state) is not type(rest):
            raise TypeError(f"state is {type(state).__name__}, but {type(self.params).__name__} neurons have a {type(rest).__name__}")
        if type(self.params) is LIFParams:  # a model with other constants may have another step
            z, _, state = lif_through_time(flat, p, state)
        else:
            z, state = unroll(lambda now, before: model.step(now, before, p), flat, _fitting(state, flat))
        return z.view_as(current), state

    def extra_repr(self) -> str:
        return ", ".join([repr(self.params), *(f"learns {name}" for name in self.log_tau)])


class OverTime(nn.Sequential):
    """A chain of modules, each step by step: those without a state see all steps at once, as a larger batch.

    >>> net = OverTime(nn.Conv2d(1, 4, 3), SpikingLayer(LIFParams()), nn.Flatten(), nn.Linear(144, 10))
    >>> y, states = net(torch.rand(20, 2, 1, 8, 8))
    >>> y.shape, [state is None for state in states]
    (torch.Size([20, 2, 10]), [True, False, True, True])
    """

    def forward(self, x: Float[Tensor, "time batch *rest"], state: Any = None) -> tuple[Tensor, list]:
        """Outputs of all steps, and the states of its modules, from which another call may go on."""
        states = []
        if state and len(state) != len(self):
            raise ValueError(f"state has {len(state)} parts, but there are {len(self)} modules: give what an earlier call gave")
        for module, before in zip(self, state or [None] * len(self), strict=True):
            if isinstance(module, SpikingLayer | OverTime):
                x, after = module(x, before)
            else:
                if any(isinstance(part, SpikingLayer) for part in module.modules()):
                    raise TypeError(f"{type(module).__name__} has a SpikingLayer inside: put that into OverTime itself")
                x, after = module(x.flatten(0, 1)).unflatten(0, x.shape[:2]), None
            states.append(after)
        return x, states
