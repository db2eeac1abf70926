"""e-prop in integers: compiled against the equations, and both against floats."""

import dataclasses

import numpy as np
import pytest
import torch

from snncore.learning import eprop_chip
from snncore.learning.eprop import Signal, gradient, observe
from snncore.learning.eprop_chip import as_bytes, forward, integers, learn, rounded
from snncore.loihi.spec import STATE
from snncore.networks.recurrent import Population, Weights
from snncore.neurons import ALIFParams, LIFParams, ReadoutParams
from tests.reference import eprop_chip_forward, eprop_chip_learn

LIF, ALIF = LIFParams(20.0, 0.6, n_refractory=4), ALIFParams(20.0, 2000.0, 0.0174, 0.6, 4)
POPULATIONS = [Population(9, LIF), Population(8, ALIF)]
READOUT = ReadoutParams(20.0)
N, IN, TIME, BATCH = 17, 7, 300, 5


def problem(recurrent=0.15):
    g = torch.Generator().manual_seed(0)
    x = torch.rand(TIME, BATCH, IN, generator=g) < 0.05
    w_in, w_rec = (rounded(s * torch.randn(N, k, generator=g), 0.6, g) for k, s in ((IN, 0.4), (N, recurrent)))
    signal = (20 * torch.randn(TIME, BATCH, N, generator=g)).round().clamp(-127, 127)
    return x, w_in, w_rec.fill_diagonal_(0), signal


def numbers(x, w_in, w_rec, signal):
    return x.numpy().astype(np.uint8), as_bytes(w_in, 0.6), as_bytes(w_rec, 0.6), signal.numpy().astype(np.int8)


@pytest.mark.parametrize("threads", [1, 2])
def test_compiled_is_as_written(threads):
    c, (x, w_in, w_rec, signal) = integers(POPULATIONS, READOUT), numbers(*problem())
    z, psi, _ = eprop_chip_forward(c, x, w_in, w_rec)
    grad, _ = eprop_chip_learn(c, x, z, psi, signal)
    grad[np.arange(N), IN + np.arange(N)] = 0
    assert all(0.005 < part.mean() < 0.2 for part in (z[..., :9], z[..., 9:]))
    torch.set_num_threads(threads)
    ours = forward(c, x, w_in, w_rec)
    compiled = learn(c, x, *ours, signal)
    for a, b in zip((*ours, compiled), (z, psi, grad), strict=True):
        assert np.array_equal(a, b)


def test_potentials_stop_at_24_bits_alike():
    """Four inputs drive them up for 400 steps, then three down: when neurons fall silent tells where the potentials have been."""
    c = integers(POPULATIONS, READOUT)._replace(jump=1 << 22, decay_v=1, decay_a=1)
    x, w_in = np.zeros((1200, BATCH, IN), np.uint8), np.full((N, IN), 127, np.int8)
    x[:400, :, :4], x[400:, :, 4:], w_in[:, 4:] = 1, 1, -127
    *_, w_rec, _ = numbers(*problem())
    z, psi, largest = eprop_chip_forward(c, x, w_in, w_rec)
    assert largest.tolist() == [STATE, STATE]
    assert 400 < int(np.flatnonzero(z.any((1, 2)))[-1]) < 1100
    assert all(map(np.array_equal, forward(c, x, w_in, w_rec), (z, psi)))


def test_traces_stop_at_24_bits_alike():
    """All inputs come at all times, and all neurons are near their thresholds."""
    c = integers(POPULATIONS, READOUT)._replace(feedback=1, decay_out=1, decay_a=1)
    x, z, psi = (np.full((900, BATCH, k), value, np.uint8) for k, value in ((IN, 1), (N, 0), (N, 127)))
    signal = np.tile(numbers(*problem())[3], (3, 1, 1))
    grad, largest = eprop_chip_learn(c, x, z, psi, signal)
    assert largest.tolist() == [STATE, STATE]
    assert np.array_equal(learn(c, x, z, psi, signal), grad)
    assert grad[:, :IN].all()


def test_it_is_e_prop():
    """Against the float network with the same weights: nearly the same spikes, and a gradient in nearly the same direction."""
    x, w_in, w_rec, signal = problem(0.05)  # with more, the smallest difference grows until spikes differ
    weights = Weights(w_in.double(), w_rec.double(), torch.zeros(0, N, dtype=torch.float64))
    trial, _ = observe(x.double(), weights, POPULATIONS, READOUT)
    known = torch.cat(gradient(trial, Signal(signal.double(), READOUT.kappa), "online"), 1)
    c, (xb, *w, s) = integers(POPULATIONS, READOUT), numbers(x, w_in, w_rec, signal)
    z, psi = forward(c, xb, *w)
    floats = trial.z.numpy() > 0
    assert (z.astype(bool) & floats).sum() > 0.9 * floats.sum()
    ours = torch.from_numpy(learn(c, xb, z, psi, s)).double()
    for rows in (slice(0, 9), slice(9, N)):  # the ones without, and with adaptation
        assert float(torch.nn.functional.cosine_similarity(ours[rows].flatten(), known[rows].flatten(), dim=0)) > 0.95
    scale = float((ours * known).sum() / known.square().sum())
    # traces count 2**10, psi 127 of dampening / v_th = .5, and the filter has no factor 1 - kappa
    assert scale == pytest.approx(1024 * (127 / 128) / 0.5 / (1 - READOUT.kappa), rel=0.1)


def test_rounding_is_right_in_the_mean():
    w = torch.full((200, 200), 0.3 + 0.3 * 0.6 / 127)
    found = rounded(w, 0.6, torch.Generator().manual_seed(0))
    assert abs(float((found - w).mean())) < 3 * 0.5 * 0.6 / 127 / 200
    assert len(found.unique()) == 2
    assert as_bytes(rounded(torch.full((1, 1), 9.0), 0.6, torch.Generator()), 0.6).item() == 127


def test_arrays_and_constants_that_would_be_misread_are_refused(unchecked):
    c, (x, w_in, w_rec, signal) = integers(POPULATIONS, READOUT), numbers(*problem())
    z, psi = forward(c, x, w_in, w_rec)

    def constants(**changed):
        return integers([POPULATIONS[0], Population(8, dataclasses.replace(ALIF, **changed))], READOUT)

    for refused, words in (
        (lambda: forward(c, 2 * x, w_in, w_rec), "x has a 2: spikes are 0 or 1"),
        (lambda: forward(c, x, w_in[:, 1:], w_rec), r"w_in is int8 of shape \(17, 6\): it must be int8 of shape \(17, 7\)"),
        (lambda: forward(c, x, w_in.astype(float), w_rec), "w_in is float64"),
        (lambda: forward(c, x, w_in[:4], w_rec[:4, :4]), "there are 4 neurons, but 8 adapting ones among them"),
        (lambda: learn(c, x, z, psi, 0.5 * signal), "signal is float64"),
        (lambda: learn(c, x, z[1:], psi, signal), r"z is uint8 of shape \(299, 5, 17\)"),
        (lambda: constants(beta=3.0), r"one spike would drive the adaptation to [\d,]+, and 24 bits end at 8,388,607; lower beta"),
        (lambda: constants(beta=20.0), "grows without bound; lower beta"),
        (lambda: constants(tau_a=8200.0), "tau_a is too long for the chip, where at least a part of 0.00024 decays in a step"),
        (lambda: constants(tau_m=10.0), "must share tau_m"),
        (lambda: integers(POPULATIONS, ReadoutParams(10.0)), "shorter than 16 steps"),
        (lambda: as_bytes(torch.full((1, 1), 0.1), 0.6), "round them first"),
    ):
        with pytest.raises(ValueError, match=words):
            refused()


def test_signals_in_integers_are_those_in_floats():
    g = torch.Generator().manual_seed(0)
    off, w = 2 * torch.rand(5, 8, 2, generator=g) - 1, torch.randn(30, 2, generator=g)
    exact = (127 * off @ w.T).clamp(-127, 127)
    most = 0.5 * w.abs().sum(1) + 0.5 / 32 * (127 * off.abs() + 0.5).sum(2, keepdim=True) + 0.5  # errors, weights, sum, each rounded
    assert ((torch.from_numpy(eprop_chip.byte_signal(off, w)) - exact).abs() <= most + 1e-4).all()
    assert (most < 8).all()
    assert exact.abs().max() > 100
