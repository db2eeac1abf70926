"""Gradients of braintrace, recorded."""

import numpy as np
import pytest
import torch

from snncore.learning.eprop import METHODS, Signal, gradient, observe
from snncore.networks.recurrent import Population, Weights
from snncore.neurons import ReadoutParams
from snncore.peers import eprop_braintrace


def test_gradients_of_braintrace():
    """A recorded run of braintrace, in double precision as ours: a gradient at each step, and every ten steps."""
    for kind, (case, theirs) in eprop_braintrace.recorded()[0].items():
        assert eprop_braintrace.difference(case, theirs) < 1e-10
        x, target, *weights = (torch.from_numpy(case[name]).double() for name in ("x", "target", *Weights._fields))
        readout, neurons = ReadoutParams(float(case["tau_out"])), [Population(len(weights[0]), eprop_braintrace.NEURONS[kind])]
        trial, activity = observe(x, Weights(*weights), neurons, readout)
        assert 0.02 < float(activity.z.mean()) < 0.4
        error = activity.y - target
        assert theirs["losses"] == pytest.approx(float(error.square().mean()), rel=1e-10)
        signal = Signal(2 / target.numel() * error @ weights[2], readout.kappa)
        for method in METHODS:
            for ours, known in zip(gradient(trial, signal, method, chunk=7), (theirs["w_in"], theirs["w_rec"]), strict=True):
                assert np.abs(known).max() > 1e-3
                assert np.abs(known - ours.numpy()).max() < 1e-10 * np.abs(known).max()


def test_windows_of_braintrace_divide_the_trial():
    with pytest.raises(ValueError, match="a window has 22 steps, which does not divide the 90 of the trial"):
        eprop_braintrace.by_braintrace(eprop_braintrace.make_case("LIF", 4, 90, 1, 0), [1, 22], 0, "no python")


def test_what_braintrace_answers_is_kept_as_it_is_read(tmp_path, monkeypatch):
    def answer(python, script, case):
        ours = eprop_braintrace.our_gradients(case)
        named = {name: np.stack([grad.numpy()] * 2) for name, grad in zip(Weights._fields, ours, strict=True)}
        return named | {"losses": np.ones(2), "versions": "braintrace 0"}

    monkeypatch.setattr(eprop_braintrace, "ask", answer)
    eprop_braintrace.command("python", tmp_path / "kept.npz")
    monkeypatch.setattr(eprop_braintrace, "package_file", lambda name: tmp_path / "kept.npz")
    kinds, version = eprop_braintrace.recorded()
    assert version == "braintrace 0"
    for case, theirs in kinds.values():
        assert eprop_braintrace.difference(case, theirs) == 0
        theirs["w_rec"][1, 0, 1] += 1
        assert eprop_braintrace.difference(case, theirs) > 0.1
