"""The compiled emulator against the plain one of the book; `test_board` has it against the plain steps."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from snncore.loihi.compartment import AHPCompartments, Compartment
from snncore.loihi.emulator import ChipNetwork, Group, emulate, with_outputs
from snncore.loihi.fixed_point import OverflowWarning
from snncore.neurons import LIFParams
from tests.loihi.test_board import AHP, LIF, SLOW, SLOW_AHP
from tests.reading import plain, registers

GROUPS = Group(6, LIF), Group(5, AHP), Group(4, SLOW), Group(3, SLOW_AHP)
N, IN = 18, 7


def network(groups=GROUPS, scale=120):
    g = np.random.default_rng(0)
    w_in, w_rec = g.integers(-scale // 2, scale + 1, (N, IN)), g.integers(-scale, scale + 1, (N, N)) // 2
    return ChipNetwork(w_in * (g.random(w_in.shape) < 0.5), w_rec * (g.random(w_rec.shape) < 0.5), groups)


def inputs(steps, batch=1, rate=0.3):
    return (np.random.default_rng(1).random((steps, batch, IN)) < rate).astype(np.uint8)


def by_hand(net, x, lag):
    return plain("chip").chip(x.astype(np.int64), net.w_in, net.w_rec, registers(net.groups), lag)


@pytest.mark.parametrize(("steps", "batch", "lag", "threads"), [(2000, 1, 2, 1), (300, 3, 0, 2), (300, 4, 5, 3)])
def test_no_mismatch_with_the_plain_chip_in_random_steps(steps, batch, lag, threads):
    x = inputs(steps, batch)
    e = emulate(network(), x, lag, trace=True, threads=threads)
    for b in range(batch):
        spikes, potentials = by_hand(network(), x[:, b], lag)
        assert (e.z_trace[:, b] == spikes).all()
        assert (e.v_trace[:, b] == potentials).all()
    assert (e.v == e.v_trace[-1]).all()
    for group in np.split(e.z_trace.mean((0, 1)), [6, 11, 15]):
        assert 0.001 < group.mean() < 0.5


def test_events_are_counted_one_by_one():
    x, lag, net = inputs(200, batch=3), 2, network()
    e = emulate(net, x, lag, trace=True)
    assert (e.events.spikes == e.z_trace.sum(0)).all()
    assert (e.events.input_spikes == x.sum((0, 2))).all()
    ahp = np.repeat([isinstance(p, AHPCompartments) for _, p in net.groups], [size for size, _ in net.groups])
    expected = [
        sum((net.w_in[:, i] != 0).sum() for t in range(200 - lag) for i in np.flatnonzero(x[t, b]))
        + sum((net.w_rec[:, j] != 0).sum() + ahp[j] for t in range(199) for j in np.flatnonzero(e.z_trace[t, b]))
        for b in range(3)
    ]
    assert (e.events.synaptic_operations.tolist(), e.events.compartment_updates) == (expected, 200 * (N + 8))
    assert e.events.wrapped.sum() == e.events.clipped.sum() == 0


def test_overflow_wraps_and_clips_as_by_hand_and_warns():
    groups = (Group(N, Compartment(10, 2**17 - 1, decay_u=3, weight_exp=7)),)
    net, x = network(groups, scale=250), inputs(500, rate=0.6)
    with pytest.warns(OverflowWarning) as caught:
        e = emulate(net, x, trace=True)
    assert sorted(str(w.message).split(" ", 1)[1] for w in caught) == [
        "currents wrapped around in 1 of 1 runs, first in run 0: 24 bits end at 8,388,607",
        "potentials were clipped in 1 of 1 runs, first in run 0: 24 bits end at 8,388,607",
    ]
    spikes, potentials = by_hand(net, x[:, 0], 2)
    assert (e.z_trace[:, 0] == spikes).all()
    assert (e.v_trace[:, 0] == potentials).all()
    assert min(e.events.wrapped.sum(), e.events.clipped.sum()) > 0


def many(kind, w_rec):
    return ChipNetwork(np.zeros((600, IN), int), w_rec, [Group(600, kind(204, 508))])


@pytest.mark.parametrize(("make", "words"), [
    (lambda: replace(network(), w_rec=np.where(np.arange(N * N).reshape(N, N) == 3 * N + 11, 300, 0)),
     r"w_rec\[3, 11\], the weight from 11 to neuron 3, is 300: the chip has -255 to 255, so it is beyond by 45"),
    (lambda: replace(network(), w_in=np.full((N, IN), -(2**15), np.int16)), r"w_in\[0, 0\], .*, is -32,768"),
    (lambda: replace(network(), groups=GROUPS[:3]), r"w_rec \(18, 18\), but the groups have 15 neurons"),
    (lambda: many(AHPCompartments, np.zeros((600, 600), int)), "would need 1,200 compartments, 176 more than the 1,024 of a core: lay"),
    (lambda: many(Compartment, np.ones((600, 600), int)), "would need 2,880,000 bits of weights, 1,831,424 more"),
    (lambda: replace(network(), w_in=np.eye(N, 5000, dtype=int) + np.ones((N, 5000), int)), "would need 5,018 input axons, 922 more"),
    (lambda: replace(network(), w_in=network().w_in.tolist()), r"w_in is list: give an array of integers, \(post, pre\)"),
    (lambda: replace(network(), w_rec=np.zeros((N, N))), r"w_rec is float64 of shape \(18, 18\): give an array of integers"),
    (lambda: replace(network(), groups=[Group(N, LIFParams())]), r"groups\[0\] has LIFParams for registers"),
    (lambda: replace(network(), groups=[GROUPS[0], Group(-1, Compartment(204, 127))]), r"the size of groups\[1\] is -1: the chip has 1 to"),
    (lambda: replace(LIF, decay_v=4097), "decay_v is 4,097: the chip has 0 to 4,096, so it is beyond by 1"),
    (lambda: replace(LIF, decay_v=-2), "beyond by 2"), (lambda: replace(LIF, weight_exp=8), "weight_exp is 8"),
    (lambda: replace(LIF, refractory=0), "refractory is 0"),
    (lambda: replace(LIF, decay_v=20.0), "decay_v is 20.0: give a whole number"),
    (lambda: replace(LIF, decay_v=True), "decay_v is True: give a whole number"),
    (lambda: emulate(network(), 0.01 * inputs(9)), r"x is float64 of shape \(9, \d+, 7\): give an array of uint8"),
    (lambda: emulate(network(), torch.from_numpy(inputs(9))), "x is torch.uint8 of shape"),
    (lambda: emulate(network(), inputs(9)[..., :5]), "x has 5 inputs, but w_in has 7 columns"),
    (lambda: emulate(network(), 2 * inputs(9)), "x holds 2: an input spike is 1"),
    (lambda: emulate(network(), inputs(9), 9), "input_lag is 9: a run of 9 steps has 0 to 8, so it is beyond by 1"),
])  # fmt: skip
def test_what_the_chip_cannot_hold_is_refused_with_place_limit_and_excess(unchecked, make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_outputs_project_to_none():
    net = with_outputs(network().w_in, network().w_rec, np.full((2, N), 7), GROUPS, Group(2, Compartment(204, 131071)))
    x = inputs(100)
    e = emulate(net, x, trace=True)
    assert (e.z_trace[..., :N] == emulate(network(), x, trace=True).z_trace).all()
    assert (e.v[:, N:] > 0).all()
