"""From a network to the chip: against the emulator, and against a board."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from snncore.loihi.board import run_board
from snncore.loihi.deploy import check, deploy, for_chip
from snncore.loihi.emulator import emulate
from snncore.loihi.quantize import to_chip
from snncore.loihi.spec import LimitError
from snncore.networks.recurrent import Population, RecurrentNetwork
from snncore.neurons import AHPParams, ALIFParams, LIFParams, ReadoutParams

OUT = 3


def network(sizes=(14, 10), inputs=8, v_th=1.0, outputs=OUT, lif=None, learn=()):
    g = torch.Generator().manual_seed(0)
    params = lif or LIFParams(v_th=v_th, reset_to_zero=True), AHPParams(v_th=v_th)
    populations = [Population(n, p) for n, p in zip(sizes, params, strict=True)]
    return RecurrentNetwork(inputs, populations, outputs, ReadoutParams(30.0), g, (1.2, 0.5), learn)


def spikes(inputs, steps=200, batch=3):
    return torch.rand(steps, batch, inputs, generator=torch.Generator().manual_seed(1)) < 0.2


@pytest.mark.parametrize("kind", [torch.float32, torch.bool, "uint8"])
def test_a_small_network_is_that_of_the_emulator(kind):
    net, x = network(v_th=0.4), spikes(8)
    on_chip, given = deploy(for_chip(network(v_th=0.4))), x.byte().numpy() if kind == "uint8" else x.to(kind)
    run = on_chip.run(given)
    known = emulate(to_chip(*net.weights(), net.populations, net.readout), x.byte().numpy(), input_lag=0, trace=True)
    assert 0.02 < run.z[..., :-OUT].mean() < 0.4
    assert (run.z == known.z_trace).all()
    assert (run.v == known.v_trace[..., -OUT:]).all()
    assert (run.answers == known.v[:, -OUT:].argmax(1)).all()
    assert on_chip.placement.used(["neurons"]) == (1, {0})

    synapses = (on_chip.chip.w_rec != 0).sum(0) + np.array([0] * 14 + [1] * 10 + [0] * OUT)  # and one to the own AHP current
    synaptic = (run.z[:-1].sum(0) @ synapses + run.x.sum(0) @ (on_chip.chip.w_in != 0).sum(0)).mean()
    fired, sent, updates = run.z.sum((0, 2)).mean(), run.z[:-1, :, :24].sum((0, 2)).mean(), 200 * (24 + 10 + OUT)
    common, cost = 23.6 * synaptic + 1.7 * sent, on_chip.cost(run)
    assert cost.energy_uj == pytest.approx(((common + 81 * fired + 52 * (updates - fired)) / 1e6, (common + 81 * updates) / 1e6))
    low = 3.5 * synaptic + 2.1 * sent + 8.4 * fired + 5.3 * (updates - fired) + 200 * 465
    assert cost.time_ms == pytest.approx((low / 1e6, (low + (8.4 - 5.3) * (updates - fired)) / 1e6))
    assert cost[2:] == (1, 1)


def test_a_large_network_is_a_board_of_several_cores():
    net, x = for_chip(network((180, 120), 700)), spikes(700, 60, 2) * (torch.rand(700, generator=torch.Generator().manual_seed(2)) < 0.3)
    on_chip = deploy(net)
    run, cost = on_chip.run(x), on_chip.cost(on_chip.run(x))
    for k in range(2):
        itself = run_board(on_chip.placement.network, on_chip.program, {"inputs": run.x[:, k]})
        assert (itself.z["neurons"] == run.z[:, k]).all()
        assert (itself.v["neurons"][-OUT:] == run.v[-1, k]).all()
    assert all(0.01 < part.mean() < 0.5 for part in (run.z[..., :180], run.z[..., 180:300]))
    assert (cost.cores, cost.chips) == (on_chip.placement.used(["neurons"])[0], 1)
    assert cost.cores > 1


def test_a_network_for_the_chip_trains_as_what_the_chip_makes_of_it():
    net, x = for_chip(network()), spikes(8).float()
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    target = torch.tensor([0.5, -0.5, 0.0])
    losses = []
    for _ in range(10):
        activity = net(x)
        losses.append((activity.y - target).square().mean())
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.8 * losses[0]
    with torch.no_grad():
        activity, run = net(x), deploy(net).run(x)
    assert check(net) == []
    assert (activity.z.numpy() != run.z[..., :-OUT]).mean() < 0.05 < activity.z.mean()
    assert np.corrcoef(activity.y[:-1].flatten(), run.v[1:].flatten())[0, 1] > 0.95


def spoiled():
    net = network()
    net.w_in.data[0, :2], net.w_rec.data[1, 0] = torch.tensor([2.1, -2.1]), torch.nan
    return net


def learned():
    net = network((18, 15), learn=["tau_m"])
    for layer in net.layers:
        layer.log_tau["tau_m"].data += 0.1 * torch.arange(len(layer.log_tau["tau_m"]))
    return net


@pytest.mark.parametrize(("net", "limits"), [
    (network(lif=LIFParams()), ["population 0: .* needs reset_to_zero=True and n_refractory=0"]),
    (network(lif=ALIFParams(), outputs=0), ["population 0: .* thresholds stay as they are", "readouts: there are none, whose"]),
    (network(lif=LIFParams(1e6, reset_to_zero=True), inputs=4100), ["population 0: tau_m is too long", "cores: .* axons .* 4,124"]),
    (network(lif=SimpleNamespace(v_th=1.0)), ["population 0: .* is no neuron of the chip: it has those of LIFParams and AHPParams"]),
    (learned(), ["populations: neurons have 33 kinds of constants, a core 32: let more neurons share theirs"]),
    (spoiled(), ["2 of 192 of w_in are larger than 2.01 thresholds: clip them, by clamp_", "w_rec has numbers that are not f"]),
])  # fmt: skip
def test_all_limits_are_listed_before_training(net, limits, unchecked):
    found = check(net)
    assert len(found) == len(limits)
    assert all(re.search(words, text) for words, text in zip(limits, found, strict=True))
    for refuse in (for_chip, deploy):
        with pytest.raises(LimitError, match="the chip cannot hold the network: .*" + ".*; .*".join(limits)):
            refuse(net)


def test_what_is_refused_is_left_as_it_was(unchecked):
    net = network(lif=LIFParams(1e-3, v_th=2.0, reset_to_zero=True))
    before = net.w_in.detach().clone()
    with pytest.raises(ValueError, match="only decays between 0 and 4096 have a time constant"):
        for_chip(net)
    assert torch.equal(net.w_in, before)
    assert for_chip(network(lif=LIFParams(v_th=2.0, dampening=0.1, reset_to_zero=True))).populations[0].params.dampening == 0.1
    with pytest.raises(TypeError, match="the network is a Linear: give a RecurrentNetwork"):
        deploy(torch.nn.Linear(2, 2))


@pytest.mark.parametrize(("call", "words"), [
    (lambda: deploy(network()).run(torch.full((2, 1, 8), 0.5)), r"x\[0, 0, 0\] is 0.5: the chip receives spikes, 0 or 1"),
    (lambda: deploy(network()).run(np.zeros((2, 8))), r"x is torch.float64 of shape \(2, 8\): give spikes of shape \(time, batch, input\)"),
    (lambda: deploy(network()).run(np.zeros((2, 1, 7))), "x has 7 inputs, but w_in has 8 columns"),
    (lambda: for_chip(for_chip(network())), "call for_chip once"),
])  # fmt: skip
def test_what_is_no_input_and_a_second_preparation_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
