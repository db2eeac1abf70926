"""The relational network on chips, spike by spike, against the same integers copy after copy."""

import numpy as np
import pytest
import torch

from snncore.experiments import on_chips, relational
from snncore.loihi import board, emulator
from snncore.loihi.compartment import Compartment, compartment_rest, compartment_step
from snncore.loihi.emulator import Group
from snncore.loihi.quantize import integers, registers, step_size
from snncore.loihi.spec import LimitError
from snncore.networks.relational import SIZES
from snncore.tasks.stories import VOCABULARY, Example
from snncore.tasks.stories import encode as encode_words
from snncore.tasks.story_generator import generate


def test_without_relays_the_network_does_not_fit():
    # 210 pairs on 4 cores are 840 axons, so that two neurons fill a core, and there are 100 cores, between which they project, too
    with pytest.raises(LimitError, match="a neuron of 'question' would need 940 axons, 429 more than the 511 it can have"):
        on_chips.layout(SIZES["paper"], 180, relays=False).network.cores()


def step_by_step(net, example):
    """The same network in the chip's integers, copy after copy: spikes of each layer in the order of the story, and readouts."""
    lif, window = registers(net.statement.params), net.statement.timing.window
    until = net.statement.timing.steps(11).tolist()

    def encode(encoder, numbers):
        x = np.zeros((sum(until), 1, encoder.inputs), np.uint8)
        for t, number in enumerate(np.repeat(numbers, until)):
            x[t, 0, number - 1] = number > 0
        parts, w = encoder.network.populations, encoder.network.weights()
        one = emulator.Network(integers(w.w_in), integers(w.w_rec), [Group(p.size, registers(p.params)) for p in parts])
        return emulator.emulate(one, x, input_lag=0, trace=True).z_trace[-window:, 0].astype(int)

    def fire(currents, p=lif):
        state, z = compartment_rest(currents[:1]), []
        for current in currents:
            state = compartment_step(current[None], state, p)[1]
            z.append(state.z[0])
        return np.array(z), state.v[0]

    encoded = encode_words([example])
    count = len(example.statements)
    s = [encode(net.statement, encoded.statements[0, k - count]) for k in range(count)]
    q = encode(net.question, encoded.question[0])
    w_first, w_second, w_question, w_sum = (integers(w.detach()) for w in (net.w_first, net.w_second, net.w_question, net.w_sum))
    layers, total = {}, 0
    for i in range(count):
        for j in range(i, count):
            place = integers((net.place_first[i - count] + net.place_second[j - count]).detach())
            z, _ = fire(s[i] @ w_first.T + s[j] @ w_second.T + q @ w_question.T + place)
            layers[i, j, 1] = z
            for k, w in enumerate(net.w_pairs, 2):
                layers[i, j, k] = z = fire(z @ integers(w.detach()).T)[0]
            total = total + w_sum * z
    layers["sum"] = z = fire(total)[0]
    layers["answer 1"] = z = fire(z @ integers(net.w_answer[0].detach()).T)[0]
    return s, q, layers, fire(z @ integers(net.w_out.detach(), step_size(net.w_out)).T, Compartment(0, 2**17 - 1))[1]


@pytest.mark.parametrize("n", [2, 6, 12])
def test_on_chips_each_spike_is_that_of_the_network_step_by_step(n):
    net = relational.story_classifier("snn", SIZES["small"], n).network
    with torch.no_grad():
        for k, w in enumerate((net.place_first, net.place_second)):
            w.copy_(0.1 * torch.randn(w.shape, generator=torch.Generator().manual_seed(k)))
        net.w_sum.mul_(4)
    found = on_chips.layout(SIZES["small"], len(VOCABULARY))
    (example,) = generate(6, 1, np.random.default_rng(n), n)
    loaded, x = on_chips.program(net, found, n), on_chips.shown(net, example)
    done = board.run(found.network, loaded, x)
    s, q, layers, readouts = step_by_step(net, example)
    window, end = net.statement.timing.window, int(net.statement.timing.steps(11).sum())

    def late(name, delay):
        return done.z[name][end - window + delay : end + delay]

    assert (late("question", 0) == q).all()
    for k in range(n):
        assert (late(f"sentence {n - k}", 0) == s[k]).all()
    for name, (i, j, k) in found.pairs.items():
        if name in done.z:
            z = layers[n - 1 - j, n - 1 - i, k]
            assert (late(name, k + 1) == z).all()
            assert done.z[name].sum() == z.sum()  # no spike at other times
    assert (late("sum", 5) == layers["sum"]).all()
    assert (late("answer 1", 6) == layers["answer 1"]).all()
    assert layers["answer 1"].any()
    assert (done.v["answer 2"] == readouts).all()
    shorter = board.run(found.network, loaded, {name: spikes[:-1] for name, spikes in x.items()})
    assert (shorter.v["answer 2"] == readouts).all() == (not layers["answer 1"][-1].any())  # not a step too many
    for name, z in done.z.items():
        if name.startswith("mask"):
            assert (z.sum(0) == [0] * n + [window] * (20 - n)).all()  # absent sentences


def test_copies_share_weights():
    net, found = relational.story_classifier("snn", SIZES["small"], 0).network, on_chips.layout(SIZES["small"], len(VOCABULARY))
    loaded = on_chips.program(net, found, 6)
    of = {name: {id(w) for (pre, post), arrays in loaded.weights.items() for w in arrays if name(pre, post)} for name in (
        lambda pre, post: pre == post and pre.startswith("sentence"),
        lambda pre, post: post.endswith("layer 2"),
        lambda pre, post: post == "sum",
    )}  # fmt: skip
    assert [len(ids) for ids in of.values()] == [1, 1, 1]


def test_what_cannot_be_put_on_chips_is_refused():
    found = on_chips.layout(SIZES["small"], len(VOCABULARY))
    artificial, net = (relational.story_classifier(kind, SIZES["small"], 0).network for kind in ("ann", "snn"))
    with pytest.raises(ValueError, match="only a network of spiking neurons"):
        on_chips.program(artificial, found, 2)
    with pytest.raises(ValueError, match="the layout has no relays"):
        on_chips.program(net, on_chips.layout(SIZES["small"], len(VOCABULARY), relays=False), 2)
    with pytest.raises(ValueError, match="the story has 21 sentences, but the network has places for 20"):
        on_chips.shown(net, Example(("mary went to the garden",) * 21, "where is mary", "garden"))
    with torch.no_grad():
        net.w_pairs[0][0, 0] = 3.0
    with pytest.raises(LimitError, match="the largest weight is 381"):
        on_chips.program(net, found, 2)
