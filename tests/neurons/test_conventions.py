"""Published neurons by their own equations, step by step, against ours with translated constants: the same spikes."""

import math

import numpy as np
import pytest
import torch

from snncore.networks.recurrent import Population, Weights, run_network
from snncore.neurons import ReadoutParams, conventions

N, IN, TIME = 12, 6, 400


def published(convention, x, w_in, w_rec, tau_m, tau_a, thr, beta, n_ref):
    """The equations of the public codes, with their own order of statements."""
    a, rho = math.exp(-1 / tau_m), math.exp(-1 / tau_a)
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


def drawn():
    g = np.random.default_rng(0)
    return (g.random((TIME, IN)) < 0.1).astype(float), g.standard_normal((N, IN)), g.standard_normal((N, N)) * 0.3


def ours(x, w_in, w_rec, p):
    weights = Weights(*(torch.from_numpy(w) for w in (w_in, w_rec, np.zeros((0, N)))))
    return run_network(torch.from_numpy(x)[:, None], weights, [Population(N, p)], ReadoutParams()).z[:, 0].numpy()


@pytest.mark.parametrize(("convention", "thr", "beta"), [("light", 0.03, 1.8), ("elig", 0.6, 0.09), ("light", 0.03, 0), ("elig", 0.6, 0)])
def test_translated_neurons_fire_as_the_published_ones(convention, thr, beta):
    known = published(convention, *drawn(), 20.0, 300.0, thr, beta, 3)
    p = conventions.alif(convention, 20.0, 300.0, thr, beta, 3) if beta else conventions.lif(convention, 20.0, thr, 3)
    assert 0.005 < known.mean() < 0.25
    assert np.array_equal(ours(*drawn(), p), known)
    if beta:  # adaptation matters here
        assert known.sum() < 0.9 * published(convention, *drawn(), 20.0, 300.0, thr, 0.0, 3).sum()


def test_constants_taken_over_as_they_are_fire_otherwise():
    """The naive mapping is wrong."""
    naive = ours(*drawn(), conventions.lif("elig", 20.0, 0.03))
    assert not np.array_equal(naive, published("light", *drawn(), 20.0, 300.0, 0.03, 0.0, 0))
    with pytest.raises(ValueError, match="convention is 'lsnn': choose light or elig"):
        conventions.lif("lsnn", 20.0, 0.03)
