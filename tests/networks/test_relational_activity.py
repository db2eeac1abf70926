"""Measures of a relational network, each counted a second way."""

import numpy as np
import pandas as pd
import pytest
import torch

from snncore.networks import relational_activity as measures
from snncore.networks.relational import SIZES, RelationalNetwork, Size, Timing
from snncore.networks.story_classifier import story_classifier
from snncore.tasks.stories import arrays
from snncore.tasks.story_generator import generate

both = pytest.mark.parametrize("timing", [None, Timing()], ids=["artificial", "spiking"])


def stories(count=6, task=6, length=None):
    return generate(task, count, np.random.default_rng(0), length)


def classifier(timing=None):
    return story_classifier(Size(12, (10, 8), (9,)), timing, 0).eval().requires_grad_(False)


@both
def test_pairs_that_an_answer_needs(timing):
    network = classifier(timing)
    for w in network.network.w_answer:
        w.normal_()
    example = stories(40)[-1]
    answer = network.answer(arrays([example])[0])
    table = measures.pair_table(network.network, answer)
    count = len(example.statements)
    assert list(zip(table["first"], table["second"], strict=True)) == [(i, j) for i in range(1, count + 1) for j in range(i, count + 1)]
    last = answer.layers["pair 2"].z
    for k, changes in enumerate(table["changes"]):  # the sum without it, formed anew
        total = torch.cat([last[:, :k], last[:, k + 1 :]], 1).sum(1, keepdim=True)
        assert changes == (network.network.conclude(total)[0].argmax() != answer.logits.argmax())
    assert table["activity"].tolist() == pytest.approx(last.sum(0).mean(1).tolist())


def test_sizes_are_those_of_closed_forms():
    network = RelationalNetwork(SIZES["paper"], 180, 20, torch.Generator().manual_seed(0), Timing(10, 14))
    table = measures.module_sizes(network, 20)
    assert table["copies"].tolist() == [20, 1, 210, 1, 1]
    assert table["neurons"].tolist() == [20 * 200, 200, 210 * 4 * 256, 256, 256 + 512 + 159 + 181]
    last = 256 * 256 + 256 * 512 + 512 * 159 + 159 * 181
    encoder = 200 * (180 + 199)  # no neuron is connected to itself
    assert table["synapses"].tolist() == [20 * encoder, encoder, 210 * 350_208, 210 * 256, last]
    grown = measures.growth(network)
    assert grown["neurons"].tolist() == [n * (n + 1) // 2 * 1024 + n * 200 + 200 + 256 + 1108 for n in range(1, 21)]
    assert grown["feed-forward neurons"].iloc[-1] == pytest.approx(100 * (1 - 4200 / 220_604))


def test_locked_neurons():
    network = classifier(Timing())
    w = network.network.w_pairs[0]
    w.abs_()
    w[:3] = 0  # silent: they get no input
    w[3:5].neg_()  # silent, too, and locked below rest
    packed, _ = arrays(stories(50, 15))
    tables = [measures.layer_activity(network.network, [network.answer(x) for x in packed.split(n)]) for n in (50, 20)]
    pd.testing.assert_frame_equal(*tables)
    table = tables[0].set_index("layer")
    assert table.loc["pair 2", "locked"] == pytest.approx(200 / 8)  # not the silent ones
    assert table.loc["pair 1", "rate"] > 0


def test_readouts_at_the_last_step_are_the_network_s_answer():
    network = classifier(Timing())
    parts = [network.answer(x) for x in arrays(stories(50, 15))[0].split(20)]
    logits = torch.cat([a.logits for a in parts])
    y = measures.readouts_by_step(network.network, parts)
    assert len(y) == Timing().window
    assert [torch.allclose(now, logits, atol=1e-5) for now in y] == [False] * (len(y) - 1) + [True]


def test_spikes_are_counted_on_all_copies():
    network, n = classifier(Timing()), 4
    examples = stories(3, 1, n)
    expected = []
    for example in examples:
        spikes = neurons = 0
        story = arrays([example])[0]
        answer = network.answer(story)
        each = [network.network.statement.encode(story[:, -k]).z for k in range(1, n + 1)]
        for z in [*each, *(layer.z for name, layer in answer.layers.items() if name != "statement")]:
            spikes, neurons = spikes + z.sum().item(), neurons + z[0].numel()
        expected.append(spikes / neurons)
    together = network.answer(arrays(examples)[0])
    assert min(expected) > 0
    assert measures.spikes_per_neuron(together, n, list(together.layers)).tolist() == pytest.approx(expected)
    assert torch.allclose(measures.spikes_per_neuron(together, n, ["sum"]), together.layers["sum"].z.sum(0).mean(1))
