from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncore.few_spike.schedule import answers, chain, pipeline, rhythm, with_memories


@st.composite
def graphs(draw):
    """Each layer receives from one or more of those before it; K of each."""
    layers = draw(st.integers(2, 8))
    senders = [[], *(sorted(draw(st.sets(st.integers(0, layer - 1), min_size=1))) for layer in range(1, layers))]
    return draw(st.lists(st.integers(1, 9), min_size=layers, max_size=layers)), senders


def depths(senders):
    depth = []
    for those in senders:
        depth.append(max((depth[sender] + 1 for sender in those), default=0))
    return depth


def periods(steps, senders, double):
    times = answers(pipeline(steps, 40, double, senders))
    return times[0], {b - a for a, b in pairwise(times[20:])}


@given(st.lists(st.integers(1, 20), min_size=2, max_size=8))
def test_period_and_latency_are_the_closed_form(steps):
    for double, period in ((False, max(a + b for a, b in pairwise(steps))), (True, max(steps))):
        times = answers(pipeline(steps, 40, double))
        assert times[0] == sum(steps)
        assert (times[-1] - times[19]) == 20 * period  # long after the pipeline has filled
        assert all(b - a >= 1 for a, b in pairwise(times))


@given(graphs(), st.booleans())
def test_a_clock_finds_the_same_emissions(graph, double):
    """Step by step, who is idle, has collected, and whose receivers (or, behind the last layers, the reader of answers) are free sends."""
    steps, senders = graph
    layers = range(len(steps))
    receivers = [[r for r in layers if layer in senders[r]] for layer in layers]
    last = [layer for layer in layers if not receivers[layer]]
    started, ends, sent, now = [0] * len(steps), [0] * len(steps), [], 0

    def may(layer, finished):
        image, free = started[layer], started if double else finished
        there = finished[layer] == image < 5 and all(finished[sender] > image for sender in senders[layer])
        return there and all([free[r] >= image for r in receivers[layer]] or [finished[other] >= image for other in last])

    while min(started) < 5:
        finished = [count - (end > now) for count, end in zip(started, ends, strict=True)]
        while ready := [layer for layer in layers if may(layer, finished)]:
            layer = ready[-1]
            sent.append((layer, started[layer], now, now + steps[layer]))
            started[layer], ends[layer] = started[layer] + 1, now + steps[layer]
        now += 1
    emissions = pipeline(steps, 5, double, senders)
    assert emissions == sorted(sent, key=lambda e: (e[2], e[0]))
    assert answers(emissions) == [max(end for _, i, _, end in sent if i == image) for image in range(5)]


@pytest.mark.parametrize("passed", [1, 2, 5])
def test_a_shortcut_costs_k_steps_for_each_layer_that_it_passes(passed):
    K, layers = 4, 9
    senders = chain(layers)
    senders[passed + 2].insert(0, 1)  # past the layers 2 to passed + 1
    steps = [K] * layers
    assert [periods(steps, senders, double) for double in (False, True)] == [(K * layers, {(passed + n) * K}) for n in (2, 1)]
    assert len(with_memories(steps, senders).steps) == layers + passed


@given(graphs())
def test_memories_give_any_graph_the_rhythm_of_a_chain(graph):
    _, senders = graph
    steps, depth = [3] * len(senders), depths(senders)
    held = with_memories(steps, senders)
    assert [periods(held.steps, held.senders, double) for double in (False, True)] == [(3 * (max(depth) + 1), {n}) for n in (6, 3)]


@given(graphs())
def test_with_memories_each_layer_receives_what_it_did_from_the_depth_before(graph):
    steps, senders = graph
    held, depth = with_memories(steps, senders), depths(senders)
    now = depths(held.senders)
    first: dict[int, int] = {}
    for place, layer in enumerate(held.origin):
        assert held.steps[place] == steps[layer]
        assert all(now[sender] == now[place] - 1 for sender in held.senders[place])
        if layer not in first:  # the layer itself comes before its memories
            first[layer] = place
            assert now[place] == depth[layer]
            assert sorted(held.origin[sender] for sender in held.senders[place]) == senders[layer]
        else:
            assert [held.origin[sender] for sender in held.senders[place]] == [layer]
    assert sorted(first) == list(range(len(steps)))


@pytest.mark.parametrize(("call", "given", "words"), [
    (pipeline, ([4], 1), "steps has 1 entries"), (pipeline, ([4, 0], 1), r"steps\[1\] is 0: give"),
    (pipeline, ([4, 4, 4], 1, False, [[], [0]]), "senders has 2 entries and steps 3"), (pipeline, ([4, 4], 2.0), r"images is 2\.0: give a"),
    (pipeline, ([4, 4, 4], 1, False, [[0], [0], [1]]), r"senders\[0\] is \[0\]: the input has none"),
    (pipeline, ([4, 4, 4], 1, False, [[], [0], [2]]),
     r"senders\[2\] is \[2\]: the input has none, and each layer one or more that come before it"),
    (rhythm, ([1] * 4, True, [[], [0], [0], [1]]), "images are answered after 1, 2 steps in turn"),
])  # fmt: skip
def test_bad_schedules_are_refused(call, given, words, unchecked):
    with pytest.raises(ValueError, match=words):
        call(*given)
