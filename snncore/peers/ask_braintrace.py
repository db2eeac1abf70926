"""e-prop by braintrace, in a Python of its own (`snncore.peers.ask`), as it needs JAX.

A case has weights ``w_in`` (neuron, input), ``w_rec`` (neuron, neuron) and ``w_out`` (readout, neuron), whose type is that of
all numbers; input spikes ``x`` (time, batch, input) and ``target`` (time, batch, readout); ``tau``, ``v_th``, ``dampening``; ``tau_a`` and
``beta`` of the adaptation (``beta`` 0: there is none); ``tau_out`` of the readouts; ``windows``: each a number of steps after which it
learns, which divides the trial, 1 being a gradient at each step; ``repetitions`` for its time; ``threads``. The answer has, with a row for
each of the windows, the gradients of the mean squared error, ``grad_w_in``, ``grad_w_rec`` (no neuron is connected to itself) and
``grad_w_out``, the ``losses`` and the shortest ``seconds``; the ``versions``.

Its D-RTRL keeps how the states of a neuron depend on each other, and nothing of how neurons do. What makes that e-prop: spikes carry no
gradient to the reset and to other neurons; the readouts' filter comes before their weights, as a state of each neuron, since the filter
that its EProp has leaves the pseudo-derivative out; no state depends on another of the same step, as learning signals of single steps
would count that path twice; the readouts' weights are not part of the learner, which gives them no gradient in single steps.

In a new virtual environment: ``pip install braintrace jax``.
"""

import importlib.metadata
import math
import os
import timeit
from typing import Any

import numpy as np


def spike_with(dampening: float, v_th: float, dtype: Any) -> Any:
    """A step function with the pseudo-derivative of our neurons, in JAX."""
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def spike(above: Any) -> Any:
        return (above > 0).astype(dtype)

    @spike.defjvp
    def _(values: Any, tangents: Any) -> Any:
        psi = dampening / v_th * jnp.maximum(0, 1 - jnp.abs(values[0]) / v_th)
        return spike(*values), psi * tangents[0]

    return spike


def learn(case: dict[str, Any], window: int) -> tuple[dict[str, np.ndarray], float, float]:
    """Gradients, loss and seconds, learning after so many steps each."""
    import brainstate
    import braintrace
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", case["w_in"].dtype == np.float64)  # not before: brainstate sets it too
    alpha, rho, kappa = (math.exp(-1 / case[tau]) for tau in ("tau", "tau_a", "tau_out"))
    v_th, beta, dtype = case["v_th"], case["beta"], case["w_in"].dtype
    x, target = (jnp.asarray(case[name], dtype) for name in ("x", "target"))
    batch, n = x.shape[1], len(case["w_in"])
    weights = {name: brainstate.ParamState(jnp.asarray(case[name].T)) for name in ("w_in", "w_rec", "w_out")}

    spike = spike_with(case["dampening"], v_th, dtype)

    class Network(brainstate.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w_in, self.w_rec = weights["w_in"], weights["w_rec"]

        def init_state(self, **_: Any) -> None:
            for name in ("v", *(["b"] if beta else []), *(["sent"] if kappa else [])):
                setattr(self, name, brainstate.HiddenState(jnp.zeros((batch, n), dtype)))

        def spikes(self) -> Any:
            return spike(self.v.value - v_th - (beta * self.b.value if beta else 0.0))

        def update(self, x: Any) -> Any:
            """One step: what the readouts weight."""
            before = self.spikes()
            heard = jax.lax.stop_gradient(before)
            current = braintrace.matmul(x, self.w_in.value) + braintrace.matmul(heard, self.w_rec.value)
            self.v.value = alpha * self.v.value + current - v_th * heard
            if beta:
                self.b.value = rho * self.b.value + before
            if not kappa:
                return self.spikes()
            self.sent.value = kappa * self.sent.value + (1 - kappa) * before
            return kappa * self.sent.value + (1 - kappa) * self.spikes()

    single = window == 1
    learner = braintrace.compile(Network(), "d_rtrl", x[0], batch_size=batch, vjp_method="single-step" if single else "multi-step")
    states = [state for state in learner.states().values() if not isinstance(state, brainstate.ParamState)]
    rest = [state.value for state in states]

    def errors(x: Any, target: Any) -> Any:
        y = learner(x if single else braintrace.MultiStepData(x)) @ weights["w_out"].value
        return ((y - target) ** 2).mean((-2, -1))

    @brainstate.transform.jit
    def run(x: Any, target: Any) -> Any:
        for state, value in zip(states, rest, strict=True):
            state.value = value
        options = {"chunk_size": window, "weights": weights, "loss_output": "scalar", "return_value": True}
        return learner.etrace_grad(x, target, step_fn=errors, **options)

    gradients, loss = jax.block_until_ready(run(x, target))  # and compile
    times = timeit.repeat(lambda: jax.block_until_ready(run(x, target)), number=1, repeat=case["repetitions"])
    found = {name: np.array(gradient).T for name, gradient in gradients.items()}
    np.fill_diagonal(found["w_rec"], 0)
    return found, float(loss), min(times, default=math.inf)


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Learn in each of the windows."""
    if hasattr(os, "sched_setaffinity"):  # JAX has as many threads as it sees processors
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: case["threads"]])
    gradients, losses, seconds = zip(*(learn(case, int(window)) for window in case["windows"]), strict=True)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("braintrace", "jax"))
    by_window = {f"grad_{name}": np.stack([each[name] for each in gradients]) for name in gradients[0]}
    return {"losses": losses, "seconds": seconds, "versions": versions, **by_window}
