"""The relational network on chips: the published layout, chip for chip; spikes against the same integers, copy after copy."""

from collections import Counter

import numpy as np
import pytest
import torch

from snncore.loihi import board, emulator
from snncore.loihi.emulator import Group
from snncore.loihi.quantize import integers, registers, step_size
from snncore.loihi.relational import TABLE, asked, input_spikes, layout, program, untrained
from snncore.loihi.spec import LimitError
from snncore.networks.relational import SIZES, Timing
from snncore.networks.story_classifier import story_classifier
from snncore.tasks.stories import VOCABULARY, Example, arrays
from snncore.tasks.story_generator import generate
from tests import reading
from tests.reading import plain, weights

CORES = {  # on each of the chips that hold some, in the layout of github.com/intel-nrc-ecosystem/models, nxsdk_modules_ncl/lsnn/apps/relnet
    2: {0: 6, 1: 20, 2: 8, 3: 8, 4: 8, 5: 4, 6: 6, 7: 6, 8: 4, 9: 6, 10: 4, 11: 18, 20: 2, 21: 24},
    10: {0: 22, 1: 74, 2: 116, 3: 11, 4: 11, 5: 74, 6: 11, 7: 11, 8: 4, 9: 6, 10: 4, 11: 126, 12: 114, 15: 90, 20: 2, 21: 24},
    20: {0: 42, 20: 128, 21: 24}
    | dict.fromkeys((1, 5, 8, 10), 74)
    | dict.fromkeys((2, 3, 4, 6, 7, 9), 116)
    | dict.fromkeys(range(11, 20), 126),
}  # fmt: skip


@pytest.mark.parametrize("n", CORES)
def test_every_core_lies_where_the_authors_put_it(published, n):
    plan, placement = published
    assert Counter(chip for name in plan.used(n) for chip in placement.chips[name]) == CORES[n]


def test_cores_and_chips_are_those_of_the_talk_and_grow_with_pairs_and_with_sentences(published):
    plan, placement = published
    used = {n: placement.used(plan.used(n)) for n in range(1, 21)}
    assert [used[n][0] for n in TABLE] == [124, 332, 700, 1552, 2320]
    assert [len(used[n][1]) for n in TABLE] == [14, 16, 16, 22, 22]
    assert {n: cores for n, (cores, _) in used.items()} == {n: 10 * n * (n + 1) // 2 + 7 * n + 80 for n in used}


def test_relays_save_messages_by_closed_forms(published):
    plan, placement = published
    after = 210 * 256 * 2 + 195 * 256 + 15 * 256  # to a pair's next two cores, and to the sum, which shares a chip with 15 pairs in part
    before_relays = 20 * 200 * 21 * 4 + 200 * 210 * 4  # each sentence has 21 places in pairs, on four cores each
    by_relays = 20 * 200 * 4 + 200 * 10
    shared = 15 * 32  # 32 neurons of the sum lie on the chip of the last 15 pairs
    direct = layout(SIZES["paper"], 180, relays=False).network
    with_relays, without = (placement.message_table(network.projections).sum() for network in (plan.network, direct))
    assert with_relays / without == pytest.approx((by_relays + after - shared) / (before_relays + after - shared), abs=0.002)


def test_a_question_takes_its_steps_and_fewer_neurons_fire_the_later():
    """10 words of 10 steps and one of 14, one until relays fire, and 9 layers to the readouts. Copies share their weights."""
    net, plan = untrained("paper", 0)
    loaded, x = asked(net, plan, 6, 0)
    activity = board.run_board(plan.network, loaded, x)
    assert {len(z) for z in activity.z.values()} == {10 * 10 + 14 + 1 + 9}
    assert sum({id(w): w.size for w in loaded.weights}.values()) < 0.15 * sum(w.size for w in loaded.weights)
    fired = {p.module: activity.z[p.name].mean() for p in plan.network.populations if p.name in activity.z}
    assert fired["sum and answer"] <= fired["pairs, further layers"] < fired["pairs, layer 1"] < 0.1


def test_without_relays_the_network_does_not_fit():
    # 210 pairs on 4 cores are 840 axons, so that two neurons fill a core, and there are 100 cores, between which they project, too
    with pytest.raises(LimitError, match=r"axons of a neuron of 'question' is 940: .* beyond by 429"):
        layout(SIZES["paper"], 180, relays=False).network.cores()


def step_by_step(net, example):
    """The same network in the chip's integers, as the book writes both: spikes of each layer in the order of the story, and readouts."""
    window, until = net.statement.timing.window, net.statement.timing.steps(11).tolist()

    def encode(encoder, numbers):
        x = np.zeros((sum(until), 1, encoder.inputs), np.uint8)
        for t, number in enumerate(np.repeat(numbers, until)):
            x[t, 0, number - 1] = number > 0
        parts, w = encoder.network.populations, encoder.network.weights()
        one = emulator.ChipNetwork(integers(w.w_in), integers(w.w_rec), [Group(p.size, registers(p.params)) for p in parts])
        return emulator.emulate(one, x, input_lag=0, trace=True).z_trace[-window:, 0].astype(int)

    fired = []

    def layer(currents):
        currents = np.rint(currents).astype(np.int64)  # places are rounded once, with their sum
        n = currents.shape[1]
        own = reading.registers([Group(n, registers(net.statement.params))])
        fired.append(plain("chip").chip(currents, np.eye(n, dtype=int), np.zeros((n, n), int), own)[0])
        return fired[-1]

    question, *statements = arrays([example])[0][0].numpy()
    n = len(example.statements)
    s, q = [encode(net.statement, statements[k - n]) for k in range(n)], encode(net.question, question)
    w = weights(net, integers)
    w.w_out = integers(net.w_out, step_size(net.w_out))
    w.place_first, w.place_second = (127 * place.detach().numpy() for place in (net.place_first, net.place_second))
    readouts = plain("relational").relate(s, q, w, layer)
    pairs = [(i, j, k) for i in range(n) for j in range(i, n) for k in range(1, 2 + len(net.w_pairs))]
    return s, q, dict(zip([*pairs, "sum", "answer 1"], fired, strict=True)), 64 * readouts


@pytest.mark.parametrize("n", [2, 6, 12])
def test_on_chips_each_spike_is_that_of_the_network_step_by_step(n):
    net = story_classifier(SIZES["small"], Timing(), n).network
    for k, w in enumerate((net.place_first, net.place_second)):
        w.data = 0.1 * torch.randn(w.shape, generator=torch.Generator().manual_seed(k))
    net.w_sum.data.mul_(4)
    plan = layout(SIZES["small"], len(VOCABULARY))
    (example,) = generate(6, 1, np.random.default_rng(n), n)
    loaded, x = program(net, plan, n), input_spikes(net, example)
    activity = board.run_board(plan.network, loaded, x)
    s, q, layers, readouts = step_by_step(net, example)
    window, end = net.statement.timing.window, int(net.statement.timing.steps(11).sum())

    def late(name, delay):
        return activity.z[name][end - window + delay : end + delay]

    assert (late("question", 0) == q).all()
    for k in range(n):
        assert (late(f"sentence {n - k}", 0) == s[k]).all()
    for name, (i, j, k) in plan.pairs.items():
        if name in activity.z:
            z = layers[n - 1 - j, n - 1 - i, k]
            assert (late(name, k + 1) == z).all()
            assert activity.z[name].sum() == z.sum()  # no spike at other times
    assert (late("sum", 5) == layers["sum"]).all()
    assert (late("answer 1", 6) == layers["answer 1"]).all()
    assert layers["answer 1"].any()
    assert (activity.v["answer 2"] == readouts).all()
    shorter = board.run_board(plan.network, loaded, {name: spikes[:-1] for name, spikes in x.items()})
    assert (shorter.v["answer 2"] == readouts).all() == (not layers["answer 1"][-1].any())  # not a step too many
    for name, z in activity.z.items():
        if name.startswith("mask"):
            assert (z.sum(0) == [0] * n + [window] * (20 - n)).all()  # absent sentences


def test_what_cannot_be_put_on_chips_is_refused():
    plan = layout(SIZES["small"], len(VOCABULARY))
    artificial, net = (story_classifier(SIZES["small"], timing, 0).network for timing in (None, Timing()))
    with pytest.raises(ValueError, match="give one of spiking neurons"):
        program(artificial, plan, 2)
    with pytest.raises(ValueError, match="the layout has no relays"):
        program(net, layout(SIZES["small"], len(VOCABULARY), relays=False), 2)
    with pytest.raises(ValueError, match="the story has 21 sentences, but the network has places for 20"):
        input_spikes(net, Example(("mary went to the garden",) * 21, "where is mary", "garden"))
    net.w_pairs[0].data[0, 0] = 3.0
    with pytest.raises(LimitError, match="the largest weight is 381"):
        program(net, plan, 2)
