"""Closed forms: what a neuron must do, known without running its step."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from snncore.kernels import published_digits as kernel
from snncore.kernels.published_digits import Layer
from snncore.networks.recurrent import Population, Weights, run_network
from snncore.neurons import JUMP, AHPParams, ALIFParams, BRFParams, LIFParams, ReadoutParams
from snncore.neurons.model import model_of
from snncore.unroll import unroll


def trace(p, current):
    """All states of single neurons, driven by ``current`` (time,)."""
    model, drive = model_of(p), current[:, None, None]
    return unroll(lambda i, s: (model.step(i, s, p)[1],) * 2, drive, model.rest(drive[0]))[0]


def constant(value, steps):
    return torch.full((steps,), value, dtype=torch.float64)


def kick(steps):
    """One strong input in the first step, nothing afterwards."""
    return torch.tensor([1.5] + [0.0] * (steps - 1), dtype=torch.float64)


@pytest.mark.parametrize(("params", "tau", "decay"), [
    (LIFParams, "tau_m", "alpha"), (ALIFParams, "tau_m", "alpha"), (AHPParams, "tau_m", "alpha"),
    (ALIFParams, "tau_a", "rho"), (AHPParams, "tau_ahp", "rho"), (ReadoutParams, "tau_out", "kappa"),
])  # fmt: skip
def test_decays_are_those_of_a_step(params, tau, decay):
    assert getattr(params(**{tau: 30.0}, dt=2.0), decay) == math.exp(-2 / 30)


@pytest.mark.parametrize("params", [LIFParams(), ALIFParams(beta=0.0), AHPParams(beta=0.0)], ids=lambda p: type(p).__name__)
@pytest.mark.parametrize(("reset_to_zero", "left"), [(True, 0.0), (False, 0.5 - (1 - math.exp(-1 / 20)) * 1.5)])
def test_reset(params, reset_to_zero, left):
    s = trace(replace(params, reset_to_zero=reset_to_zero), kick(2))
    assert s.z[:, 0, 0].tolist() == [1, 0]
    assert math.isclose(s.v[1, 0, 0], left, abs_tol=1e-15)


def test_strong_input_meets_the_refractory_period():
    for n in (0, 1, 4):
        for params in (LIFParams, ALIFParams):
            z = trace(params(n_refractory=n), constant(50.0, 30)).z[:, 0, 0]
            assert z.nonzero().flatten().tolist() == list(range(0, 30, n + 1))


def test_the_ahp_current_is_the_equation_of_the_talk():
    """i[t + dt] = rho i[t] - (1 - rho) beta z[t], so i is minus beta times the low-passed spike train."""
    p = AHPParams(tau_ahp=100.0)
    s = trace(p, 0.5 * torch.rand(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    z, a = s.z[:, 0, 0], s.a[:, 0, 0]
    assert 5 < z.sum() < 200
    kernel = (1 - p.rho) * p.rho ** torch.arange(400, dtype=torch.float64)
    filtered = torch.stack([(kernel[: t + 1].flip(0) * z[: t + 1]).sum() for t in range(400)])
    assert torch.allclose(a, -p.beta * filtered, rtol=1e-12)
    s = trace(AHPParams(tau_ahp=50.0, beta=8.3), constant(100.0, 2000))  # one spike per step: it settles at minus beta
    assert s.z.all()
    assert math.isclose(s.a[-1, 0, 0], -8.3, rel_tol=1e-12)


def test_a_population_of_resonators_fires_as_the_published_equations_say():
    """Their compiled loop in seconds, with steps of 10 ms, against ours with steps of 1 ms; frequencies up to the highest allowed."""
    g, n = np.random.default_rng(0), 20
    pixels, w_in, w_rec = g.random((2, 784)), g.normal(0, 60, (1, n)), g.normal(0, 20, (n, n))
    omega = np.linspace(30, 100, n)
    edge = 100 * (np.sqrt(1 - (omega / 100) ** 2) - 1)
    published = Layer(kernel.BALANCED, w_in, w_rec, np.zeros(n), omega, edge - 0.7)
    known, sent = np.zeros((784, 2, n), np.bool_), (np.zeros((2, 10)), np.zeros((2, 1)))
    kernel.run(pixels, 1, (published,), np.zeros((n, 10)), np.ones(10), False, np.zeros((2, n)), *sent, known, 0, 2)
    weights = Weights(*(torch.from_numpy(0.01 * w).contiguous() for w in (w_in.T, w_rec.T)), torch.zeros(0, n, dtype=torch.float64))
    p = BRFParams(0.3, 1.0, b_0=0.007)
    z = run_network(torch.from_numpy(pixels.T)[..., None].contiguous(), weights, [Population(n, p)], ReadoutParams()).z
    assert 0.02 < known.mean() < 0.4
    assert np.array_equal(z.numpy().astype(bool), known)


def test_no_gradient_flows_through_the_reset():
    """dv(t)/dI(0) is alpha**t whatever the neuron fired in between, if it subtracts; nothing, if it was set to zero."""
    subtracts, to_zero = (LIFParams(), AHPParams(beta=0.0, reset_to_zero=False)), (AHPParams(beta=0.0), ALIFParams(reset_to_zero=True))
    for p, expected in (*((p, math.exp(-3 / 20)) for p in subtracts), *((p, 0.0) for p in to_zero)):
        current = kick(4).requires_grad_()
        v = trace(p, current).v[3, 0, 0]
        assert math.isclose(torch.autograd.grad(v, current)[0][0], expected, rel_tol=1e-12)


@pytest.mark.parametrize(("params", "changes", "words"), [
    (LIFParams, {"tau_m": 0.0}, "tau_m is 0.0: it must be a positive finite number"),
    (AHPParams, {"beta": -1.0}, "beta is -1.0: it must be a finite number, zero or more"),
    (ALIFParams, {"tau_a": float("nan")}, "tau_a is nan"), (ReadoutParams, {"tau_out": -5.0}, "tau_out is -5"),
    (BRFParams, {"omega_max": 1.1}, "omega_max 1.1: at dt = 1.0 give at most 1"), (BRFParams, {"b_0": -1.0}, "b_0 is -1.0"),
    (LIFParams, {"n_refractory": 2.5}, "n_refractory is 2.5: give"), (ALIFParams, {"n_refractory": -1}, "n_refractory is -1"),
])  # fmt: skip
def test_impossible_constants_are_refused(params, changes, words, unchecked):
    with pytest.raises(ValueError, match=words):
        params(**changes)


def test_a_spike_keeps_the_potential_down_by_the_jump():
    p = AHPParams(5.0, 1000.0, v_th=2.0).with_jump(JUMP)
    assert (1 - p.rho) * p.beta / (1 - p.alpha) == pytest.approx(JUMP * p.v_th)  # the membrane follows before the current fades
