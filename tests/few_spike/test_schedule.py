from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncore.few_spike.schedule import answers, pipeline

networks = st.lists(st.integers(1, 20), min_size=2, max_size=8)


@settings(deadline=None, max_examples=100)
@given(networks)
def test_period_and_latency_are_the_closed_form(steps):
    for double, period in ((False, max(a + b for a, b in pairwise(steps))), (True, max(steps))):
        times = answers(pipeline(steps, 40, double))
        assert times[0] == sum(steps)
        assert (times[-1] - times[19]) == 20 * period  # long after the pipeline has filled
        assert all(b - a >= 1 for a, b in pairwise(times))


@settings(deadline=None, max_examples=50)
@given(networks, st.booleans())
def test_no_neuron_does_two_things_at_once(steps, double):
    emissions = pipeline(steps, 6, double)
    at = {(e.layer, e.image): e for e in emissions}
    assert len(at) == len(emissions) == 6 * len(steps)
    for (layer, image), e in at.items():
        assert e.end - e.start == steps[layer]
        if layer > 0:
            assert at[layer - 1, image].end <= e.start  # it has collected the whole image before it emits
            if image > 0:  # and its accumulator is free before the next image comes in
                before = at[layer, image - 1]
                assert at[layer - 1, image].start >= (before.start if double else before.end)
        if image > 0:
            assert at[layer, image - 1].end <= e.start


@settings(deadline=None, max_examples=50)
@given(networks, st.booleans())
def test_events_are_the_max_plus_recurrence(steps, double):
    """A second way to know each time: start = max(collected, own last emission over, receiver free)."""
    at = {(e.layer, e.image): e.start for e in pipeline(steps, 5, double)}
    start: dict[tuple[int, int], int] = {}
    for image in range(5):
        for layer, K in enumerate(steps):
            reasons = [0]
            if layer > 0:
                reasons.append(start[layer - 1, image] + steps[layer - 1])
            if image > 0:
                reasons.append(start[layer, image - 1] + K)
                if layer + 1 < len(steps):
                    reasons.append(start[layer + 1, image - 1] + (0 if double else steps[layer + 1]))
            start[layer, image] = max(reasons)
    assert at == start


def test_equal_layers_answer_every_2k_steps():
    K, layers = 16, 5
    single, double = (answers(pipeline([K] * (layers + 1), 10, d)) for d in (False, True))
    assert single == [K * (layers + 1) + 2 * K * i for i in range(10)]
    assert double == [K * (layers + 1) + K * i for i in range(10)]


@pytest.mark.parametrize(
    ("steps", "images", "words"), [([4], 1, "steps has 1 entries"), ([4, 0], 1, r"steps\[1\] is 0"), ([4, 4], 0, "images is 0")]
)
def test_bad_schedules_are_refused(steps, images, words):
    with pytest.raises(ValueError, match=words):
        pipeline(steps, images)
