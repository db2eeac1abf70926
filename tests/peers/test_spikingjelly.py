from functools import partial

import pytest
import torch

from snncore.few_spike.convert import convert
from snncore.few_spike.rate_code import CODES, curves_of, difference_of_spikes, later_half, rate_coded, simulate, synapses
from snncore.peers import ask
from snncore.peers.ask_spikingjelly import SPIKINGJELLY, run_spikingjelly, spikingjelly, spikingjelly_runs
from tests.few_spike.test_rate_code import convolutional


def test_a_missing_peer_is_left_out_with_a_word(monkeypatch, capsys):
    monkeypatch.setattr(ask.importlib.util, "find_spec", lambda name: None)
    assert spikingjelly_runs(torch.nn.Identity(), torch.zeros(1, 3, 8, 8), 10) == {}
    assert "SpikingJelly is left out: it is not installed (in a clone: pip install '.[oracles]')" in capsys.readouterr().out


def test_our_rate_code_does_in_every_step_what_spikingjelly_does():
    pytest.importorskip("spikingjelly", reason="needs SpikingJelly: .venv/bin/pip install -e '.[oracles]'")
    ann, x = convolutional()
    coded = rate_coded(ann, x)
    layers = synapses(coded, x)
    ours = simulate(coded, x, 30, layers)
    theirs = run_spikingjelly(spikingjelly(ann, x, **SPIKINGJELLY["spikingjelly_robust"]), x, 30, layers)
    readouts = torch.diff(theirs.outputs * torch.arange(1, 31).view(-1, 1, 1), dim=0, prepend=torch.zeros(1, *theirs.outputs.shape[1:]))
    assert torch.allclose(ours.outputs, later_half(readouts), rtol=1e-9, atol=1e-9)
    assert ours.spikes.min() > 0
    for name in ("spikes", "accumulates", "graded"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name))
    assert ours.neurons == theirs.neurons


def test_curves_of_a_peer_are_those_of_the_same_images():
    pytest.importorskip("spikingjelly", reason="needs SpikingJelly: .venv/bin/pip install -e '.[oracles]'")
    ann, x = convolutional()
    ann, x = ann.float(), x.float()
    few, coded = convert(ann, x[:1], x, K=6).network, rate_coded(ann, x)
    layers = synapses(coded, x)
    runs = {"rate": partial(simulate, coded, steps=60, layers=layers)} | spikingjelly_runs(ann, x, 60, layers)
    curves = curves_of(few, runs, x, ann(x).argmax(1), 100.0, "tests")
    assert set(curves["code"]) == set(CODES)
    assert difference_of_spikes(curves) < 1  # single precision
