"""Gradients of e-prop by braintrace beside ours. It needs JAX, so another Python has it (`ask_braintrace`)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from snncore.networks.recurrent import Population, RecurrentNetwork, Weights, run_network
from snncore.neurons import ALIFParams, LIFParams, ReadoutParams
from snncore.peers.ask import ask
from snncore.seeds import torch_generator
from snncore.statistics import largest_difference

SCRIPT = "ask_braintrace.py"
NEURONS: dict[str, LIFParams | ALIFParams] = {"LIF": LIFParams(v_th=0.6), "ALIF": ALIFParams(tau_a=200.0, beta=0.1, v_th=0.6)}


def make_case(kind: str, n: int, steps: int, batch: int, seed: int) -> dict[str, Any]:
    """A network of n of these neurons with random inputs and targets, in double precision; see `ask_braintrace`."""
    p, g, inputs = NEURONS[kind], torch_generator(seed, "network that braintrace has too"), max(2, 2 * n // 5)
    readout = ReadoutParams()
    network = RecurrentNetwork(inputs, [Population(n, p)], 2, readout, g, (3.0, 1.0)).double()
    weights = {name: w.detach().numpy() for name, w in network.weights()._asdict().items()}
    x, target = torch.rand(steps, batch, inputs, generator=g) < 0.05, torch.randn(steps, batch, 2, generator=g).double()
    slow = {"tau_a": p.tau_a, "beta": p.beta} if isinstance(p, ALIFParams) else {"tau_a": 1.0, "beta": 0.0}
    constants = {"tau": p.tau_m, "v_th": p.v_th, "dampening": p.dampening, "tau_out": readout.tau_out, **slow}
    return {"x": x.numpy(), "target": target.numpy(), **weights, **constants}


def our_gradients(case: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Our gradients of the mean squared error for all three kinds of weights of a case, in its precision."""
    own = Weights(*(torch.from_numpy(case[name]).requires_grad_() for name in Weights._fields))
    tau, tau_a, beta, v_th, dampening = (float(case[name]) for name in ("tau", "tau_a", "beta", "v_th", "dampening"))
    p = ALIFParams(tau, tau_a, beta, v_th, dampening=dampening) if beta else LIFParams(tau, v_th, dampening=dampening)
    x, target = (torch.from_numpy(case[name]).to(own.w_in.dtype) for name in ("x", "target"))
    activity = run_network(x, own, [Population(len(own.w_in), p)], ReadoutParams(float(case["tau_out"])), credit=False)
    grad_in, grad_rec, grad_out = torch.autograd.grad(F.mse_loss(activity.y, target), own)
    return grad_in, grad_rec.fill_diagonal_(0), grad_out


def by_braintrace(case: Mapping[str, Any], windows: list[int], repetitions: int, python: str) -> dict[str, Any]:
    """The case, and the answer of braintrace, which this Python has, with as many threads as PyTorch has here; see `ask_braintrace`."""
    more = {"windows": windows, "repetitions": repetitions, "threads": torch.get_num_threads()}
    return {**case, **ask(python, SCRIPT, {**case, **more})}


def gradients_by_window(answer: Mapping[str, np.ndarray]) -> list[tuple[Tensor, ...]]:
    """The gradients of braintrace for each of the windows."""
    return list(zip(*(torch.from_numpy(answer[f"grad_{name}"]) for name in Weights._fields), strict=True))


def difference(answer: Mapping[str, np.ndarray]) -> float:
    """The largest relative difference of our gradients from those of braintrace, in all windows."""
    ours = our_gradients(answer)
    return float(np.max([largest_difference(ours, row) for row in gradients_by_window(answer)]))


def answers(_peer: str, python: str) -> dict[str, dict[str, Any]]:
    """A case of each kind of neurons, with what braintrace answers."""
    return {kind: by_braintrace(make_case(kind, 10, 50, 2, 0), [1, 10], 0, python) for kind in NEURONS}
