"""e-prop by the published code and by the NEST simulator beside ours: losses of ten updates.

NEST (extra ``oracles``) is asked in a process of its own (`ask_nest`); what it has answered is kept (`snncore.peers.recorded`).
"""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from snncore.learning.compare import BETA, published_neurons
from snncore.learning.losses import rate_cost
from snncore.networks.recurrent import Population, Weights, run_network
from snncore.neurons import ReadoutParams, conventions
from snncore.peers.ask import ask
from snncore.tasks import pattern
from snncore.tasks.evidence import Evidence

SCRIPT = "ask_nest.py"
UPDATES = 5


def _single(*arrays: np.ndarray) -> list[np.ndarray]:
    """Weights of the published code: drawn in double precision as (pre, post), kept in single, used here in double."""
    return [a.T.astype(np.float32).astype(float) for a in arrays]


def regression_case() -> dict[str, Any]:
    """Pattern generation: 100 LIF neurons, random feedback, gradient descent; weights as the published code drew them (see `ask_nest`)."""
    g, n, steps = np.random.RandomState(1), 100, 1000  # the numbers that the published code drew
    w_in, w_rec, w_out = _single(g.randn(100, n) / 10, g.randn(n, n) / 10, g.randn(n, 1) / 10)
    (w_feedback,) = _single(g.randn(1, n).reshape(n, 1).T / 10)
    np.fill_diagonal(w_rec, 0)
    x = g.rand(steps, 100) < 0.05
    x[0] = False
    target = pattern.sines(steps, *(torch.from_numpy(g.uniform(low, high, 4)) for low, high in ((0.5, 2.0), (0, 2 * math.pi)))).numpy()
    return {"w_in": w_in, "w_rec": w_rec, "w_out": w_out, "w_feedback": w_feedback, "x": np.stack([x] * UPDATES),
            "target": np.stack([target.reshape(steps, 1)] * UPDATES), "adaptive": 0, "tau": 30.0, "tau_a": 1.0, "beta": 0.0, "v_th": 0.03,
            "refractory": 0, "dampening": 0.3, "scaled": True, "classes": False, "window": steps, "rate": 1e-4, "c_reg": 300.0}  # fmt: skip


def classification_case() -> dict[str, Any]:
    """Evidence accumulation: 50 LIF and 50 ALIF neurons, random feedback, Adam; weights as the published code drew them."""
    g, n, form = np.random.RandomState(1), 100, Evidence()
    w_in, w_rec = _single(g.randn(40, n) / math.sqrt(40), g.randn(n, n) / 10)
    limit = math.sqrt(3 / ((n + 2) / 2))
    (w_out,) = _single(g.uniform(-limit, limit, (n, 2)))
    (w_feedback,) = _single(g.randn(n, 2).T)
    np.fill_diagonal(w_rec, 0)
    x, target = np.zeros((UPDATES, form.steps, 40), bool), np.zeros((UPDATES, form.steps, 2))
    for k in range(UPDATES):
        left = np.array([0.3, 0.7], np.float32)[g.choice([0, 1], 1)]
        cues = g.choice([0, 1], 7, p=np.array([left[0], 1 - left[0]], np.float32))
        p = np.zeros((form.steps, 40))
        for at, side in enumerate(cues):
            p[at * 150 + 50 : at * 150 + 150, side * 10 : side * 10 + 10] = form.rate
        p[-form.recall :, 20:30], p[:, 30:] = form.rate, form.noise
        x[k] = p > g.rand(p.size).reshape(p.shape)
        x[k, 0] = False
        target[k, :, int(cues.sum() > 3)] = 1
    return {"w_in": w_in, "w_rec": w_rec, "w_out": w_out, "w_feedback": w_feedback, "x": x, "target": target,
            "adaptive": 50, "tau": 20.0, "tau_a": 2000.0, "beta": BETA, "v_th": 0.6, "refractory": 5, "dampening": 0.3,
            "scaled": False, "classes": True, "window": form.recall, "rate": 5e-3, "c_reg": 300.0}  # fmt: skip


CASES = {"regression": regression_case, "classification": classification_case}


def our_losses(kind: str) -> list[float]:
    """Losses in five updates of one sample each, by our e-prop with the published random feedback; ``kind`` is one of `CASES`."""
    case = CASES[kind]()
    classes, window = case["classes"], case["window"]
    neurons = published_neurons() if classes else [Population(100, conventions.lif("light", 30.0, 0.03))]
    readout, w_feedback = ReadoutParams(case["tau"]), torch.from_numpy(case["w_feedback"])
    weights = [torch.from_numpy(case[name]) for name in Weights._fields]
    moments, losses = [[torch.zeros_like(w), torch.zeros_like(w)] for w in weights], []
    for k, (x, target) in enumerate(zip(torch.from_numpy(case["x"]), torch.from_numpy(case["target"]), strict=True), 1):
        own = Weights(*(w.requires_grad_() for w in weights))
        activity = run_network(x.double()[:, None], own, neurons, readout, credit=False, w_feedback=w_feedback)
        y = activity.y[-window:, 0]
        error = F.cross_entropy(y, target[-window:]) if classes else (y - target).square().sum() / 2
        grads = torch.autograd.grad(error + 150 / (window if classes else 1) * rate_cost(activity.z, 0.01, 0.01), own)
        grads[1].fill_diagonal_(0)
        step = case["rate"]
        if classes:  # Adam as TensorFlow has it: its small number is added after the correction
            step *= math.sqrt(1 - 0.999**k) / (1 - 0.9**k)
            for (first, second), grad in zip(moments, grads, strict=True):
                first.lerp_(grad, 0.1), second.lerp_(grad.square(), 0.001)
            grads = tuple(first / (second.sqrt() + 1e-8) for first, second in moments)
        weights = [(w - step * grad).detach() for w, grad in zip(weights, grads, strict=True)]
        losses.append(float(error.detach()))
    return losses


def answers(_peer: str, python: str) -> dict[str, dict[str, Any]]:
    """Losses of these updates by the NEST simulator, in a process of its own, seconds of simulation and version, for each of `CASES`."""
    return {kind: ask(python, SCRIPT, case()) for kind, case in CASES.items()}
