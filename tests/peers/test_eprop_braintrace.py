"""Gradients of braintrace, recorded."""

import numpy as np
import pytest
import torch

from snncore.learning.eprop import METHODS, Signal, gradient, observe
from snncore.networks.recurrent import Population, Weights
from snncore.neurons import ReadoutParams
from snncore.peers import eprop_braintrace
from snncore.peers.recorded import recorded


def test_gradients_of_braintrace():
    """A recorded run of braintrace, in double precision as ours: a gradient at each step, and every ten steps."""
    for kind, case in recorded("braintrace").items():
        assert eprop_braintrace.difference(case) < 1e-10
        x, target, *weights = (torch.from_numpy(case[name]).double() for name in ("x", "target", *Weights._fields))
        readout, neurons = ReadoutParams(float(case["tau_out"])), [Population(len(weights[0]), eprop_braintrace.NEURONS[kind])]
        trial, activity = observe(x, Weights(*weights), neurons, readout)
        assert 0.02 < float(activity.z.mean()) < 0.4
        error = activity.y - target
        assert case["losses"] == pytest.approx(float(error.square().mean()), rel=1e-10)
        signal = Signal(2 / target.numel() * error @ weights[2], readout.kappa)
        for method in METHODS:
            for ours, known in zip(gradient(trial, signal, method), (case["grad_w_in"], case["grad_w_rec"]), strict=True):
                assert np.abs(known).max() > 1e-3
                assert np.abs(known - ours.numpy()).max() < 1e-10 * np.abs(known).max()


def test_one_other_gradient_shows():
    case = recorded("braintrace")["LIF"]
    case["grad_w_rec"][1, 0, 1] += 1
    assert eprop_braintrace.difference(case) > 0.1
