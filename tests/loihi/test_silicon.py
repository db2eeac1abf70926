import warnings

import numpy as np
import pytest

from snncore import ledger
from snncore.loihi import silicon
from snncore.loihi.compartment import Compartment, compartment_rest, compartment_step
from snncore.loihi.emulator import Group, emulate, with_outputs
from snncore.loihi.fixed_point import OverflowWarning
from snncore.tasks.data_sets import read_mnist_test
from snncore.tasks.sequential_images import threshold_code

SILICON = "1 3 8 0 9 8 7 3 4 4 2 -> 7 5 5 8 3 0 9 2 8 0 3"  # true digits and answers of the 11 wrong ones among 200


def wrong(network, lag=2):
    test, which = read_mnist_test(), silicon.silicon_images()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverflowWarning)
        answers = silicon.replay(network, test.images[which], lag).answers
    return silicon.wrong_answers(test.labels[which], answers)


def test_ratios_follow_from_what_was_measured():
    """Against those that were divided by hand, from numbers with more digits."""
    ratios, claims = silicon.published_ratios(), ledger.package_claims()
    assert len(ratios) == 5
    assert ratios == pytest.approx({name: claims[f"loihi.smnist.{name}"].published for name in ratios}, rel=3e-4)
    assert claims["loihi.smnist.edp_ratio.survey"].published == silicon.SURVEY


def test_the_replay_repeats_all_wrong_answers_of_the_silicon_run_and_clips_in_most_images():
    assert wrong(silicon.published_network()) == SILICON
    with pytest.warns(OverflowWarning, match="potentials were clipped"):
        events = silicon.replay(silicon.published_network(), read_mnist_test().images[:50]).events
    assert (events.clipped > 0).mean() > 0.5
    assert not events.wrapped.any()


@pytest.mark.parametrize("detail", list(silicon.DETAILS))
def test_each_detail_is_needed(detail):
    registers, lag = silicon.DETAILS[detail]
    assert wrong(silicon.with_registers(silicon.published_network(), registers), lag) != SILICON


def test_a_replay_in_batches_is_one_emulation():
    g = np.random.default_rng(1)
    w = [2 * g.integers(-30, 31, shape) for shape in ((24, 80), (24, 24), (10, 24))]
    w[0][:, -1] = 0  # no cue, which would be the same for all images
    network = with_outputs(*w, [Group(14, silicon.LIF), Group(10, silicon.AHP)], Group(10, Compartment(204, 4000)))
    images = g.integers(0, 256, (5, 28, 28), dtype=np.uint8)
    images[:, -2:] = np.arange(20, 250, 50)[:, None, None]  # stripes at the end, on which the answers depend
    images[:, -2:, ::2] //= np.arange(1, 6, dtype=np.uint8)[:, None, None]
    replay, whole = silicon.replay(network, images, 1, batch=2), emulate(network, threshold_code(images).numpy(), 1)
    assert (replay.answers == whole.v[:, 24:].argmax(1)).all()
    assert len(set(replay.answers)) > 1
    assert all(map(np.array_equal, replay.events, whole.events))


def test_neurons_that_fire_at_their_threshold_do():
    rest = compartment_rest(np.zeros((1, 1), np.int64))
    for c in (silicon.LIF, silicon.AHP):
        neuron = silicon.firing_above(c, c.threshold - 1)
        assert [compartment_step(np.array([[current]]), rest, neuron)[0] for current in (127, 126)] == [1, 0]
        assert compartment_step(np.array([[127]]), rest, c)[0] == 0
