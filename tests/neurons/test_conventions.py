"""Published neurons by their own equations, step by step, against ours with translated constants: the same spikes."""

import math

import numpy as np
import pytest
import torch

from snncore.networks.recurrent import Population, Weights, run
from snncore.neurons import ReadoutParams, conventions

N, IN, TIME = 12, 6, 400


def published(convention, x, w_in, w_rec, tau_m, tau_a, thr, beta, n_ref):
    """The equations of the public codes, one neuron model each, with their own order of statements."""
    a, rho = math.exp(-1 / tau_m), math.exp(-1 / tau_a)
    if convention == "custom":  # scaled when it is made; then unscaled currents and adaptation
        thr, beta = thr / (1 - a), beta * (1 - rho) / (1 - a)
    gain, jump = ((1 - a), (1 - rho)) if convention == "light" else (1.0, 1.0)
    v, b, z, r, spikes = np.zeros(N), np.zeros(N), np.zeros(N), np.zeros(N), []
    for t in range(TIME):
        b = rho * b + jump * z
        v = a * v + gain * (w_in @ x[t] + w_rec @ z) - thr * z
        new = (v > thr + beta * b) & (r == 0)
        r = np.clip(r + n_ref * new - 1, 0, n_ref)
        z = new.astype(float)
        spikes.append(z)
    return np.array(spikes)


@pytest.mark.parametrize("convention", ["light", "elig", "custom"])
@pytest.mark.parametrize("beta", [0.0, 1.8])
def test_translated_neurons_fire_as_the_published_ones(convention, beta):
    g = np.random.default_rng(0)
    thr = 0.03 if convention != "elig" else 0.6
    x, w_in, w_rec = (g.random((TIME, IN)) < 0.1).astype(float), g.standard_normal((N, IN)), g.standard_normal((N, N)) * 0.3
    strength = beta if convention != "elig" else beta * 0.05
    known = published(convention, x, w_in, w_rec, 20.0, 300.0, thr, strength, 3)
    p = conventions.alif(convention, 20.0, 300.0, thr, strength, 3) if beta else conventions.lif(convention, 20.0, thr, 3)
    weights = Weights(*(torch.from_numpy(w) for w in (w_in, w_rec, np.zeros((0, N)))))
    ours = run(torch.from_numpy(x)[:, None], weights, [Population(N, p)], ReadoutParams()).z[:, 0].numpy()
    assert 0.005 < known.mean() < 0.25
    assert np.array_equal(ours, known)
    if beta:
        plain = published(convention, x, w_in, w_rec, 20.0, 300.0, thr, 0.0, 3)
        assert known.sum() < 0.9 * plain.sum()  # adaptation matters here


def test_constants_taken_over_as_they_are_fire_otherwise():
    """The naive mapping is wrong."""
    g = np.random.default_rng(0)
    x, w_in, w_rec = (g.random((TIME, IN)) < 0.1).astype(float), g.standard_normal((N, IN)), g.standard_normal((N, N)) * 0.3
    known = published("light", x, w_in, w_rec, 20.0, 300.0, 0.03, 0.0, 0)
    weights = Weights(*(torch.from_numpy(w) for w in (w_in, w_rec, np.zeros((0, N)))))
    naive = (
        run(torch.from_numpy(x)[:, None], weights, [Population(N, conventions.lif("elig", 20.0, 0.03))], ReadoutParams()).z[:, 0].numpy()
    )
    assert not np.array_equal(naive, known)


def test_conventions_that_cannot_be_translated_are_refused():
    with pytest.raises(ValueError, match="fire one step after"):
        conventions.lif("lsnn", 20.0, 0.01)
    with pytest.raises(ValueError, match="convention is 'norse': choose one of light, elig, custom"):
        conventions.alif("norse", 20.0, 200.0, 0.01, 1.8)
