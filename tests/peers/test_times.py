"""A program whose answers are others is not timed."""

import numpy as np
import pytest

from snncore.networks.recurrent import Weights
from snncore.peers import times


def test_nest_whose_losses_are_others_is_not_timed(monkeypatch):
    losses = np.array(times.eprop_nest.our_losses("classification"))
    answer = {"losses": losses, "seconds": 2.5, "versions": "NEST 0"}
    monkeypatch.setattr(times, "ask", lambda *_: answer)
    assert times.nest(0.05).ratio == pytest.approx(2.5 / 5 / 0.05)
    answer["losses"] = losses * (1 + 1e-8)
    with pytest.raises(ValueError, match="losses of NEST 0 differ from ours"):
        times.nest(0.05)


def test_braintrace_whose_gradients_are_others_is_not_timed(monkeypatch):
    wrong = {np.dtype(np.float64): 0.0, np.dtype(np.float32): 0.0}

    def answer(case, windows, repetitions, python):
        ours = [np.stack([g.numpy()] * len(windows)) for g in times.eprop_braintrace.our_gradients(case)]
        ours[1][:, 0, 1] += wrong[case["w_in"].dtype]
        grads = {f"grad_{name}": a for name, a in zip(Weights._fields, ours, strict=True)}
        return case | grads | {"seconds": np.array([60.0, 20.0, 30.0]), "versions": "braintrace 0"}

    monkeypatch.setattr(times.eprop_braintrace, "by_braintrace", answer)
    windows, online = times.braintrace("python", steps=90, batch=2)
    assert online.ratio == pytest.approx(3 * windows.ratio)
    assert windows.where.endswith("windows of 2 steps")
    for precise, by in ((np.float64, 1e-6), (np.float32, 1.0)):
        monkeypatch.setitem(wrong, np.dtype(precise), by)
        with pytest.raises(ValueError, match="gradients of braintrace 0 differ from ours"):
            times.braintrace("python", steps=90, batch=2)
        monkeypatch.setitem(wrong, np.dtype(precise), 0.0)
