import dataclasses
import os
import warnings

import numpy as np
import pytest

from snncore import ledger
from snncore.datafiles import read_mnist
from snncore.experiments import loihi
from snncore.loihi.compartment import compartment_rest, compartment_step
from snncore.loihi.fixed_point import OverflowWarning
from snncore.record import Record, read_rows

needs_data = pytest.mark.skipif(not os.environ.get("SNNCORE_DATA"), reason="needs data files: set SNNCORE_DATA to a folder that has them")
SILICON = "1 3 8 0 9 8 7 3 4 4 2 -> 7 5 5 8 3 0 9 2 8 0 3"  # true digits and answers of the 11 wrong ones among 200


def wrong(network, lag=2):
    test, which = read_mnist()["test"], loihi.silicon_images()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverflowWarning)
        found = loihi.replay(network, test.images[which], lag)
    bad = np.flatnonzero(found.answers != test.labels[which])
    return loihi.labels(test.labels[which][bad], found.answers[bad])


def test_ratios_follow_from_what_was_measured():
    """Against those that were divided by hand, from numbers with more digits."""
    found, claims = loihi.published_ratios().set_index("ratio")["value"], ledger.package_claims()
    for key, name in loihi.RATIOS.items():
        assert found[name] == pytest.approx(claims[f"loihi.smnist.{key}"].published, rel=3e-4)
    assert claims["loihi.smnist.edp_ratio.survey"].published == loihi.SURVEY


@needs_data
def test_the_replay_repeats_all_wrong_answers_of_the_silicon_run():
    assert wrong(loihi.published_network()) == SILICON


@needs_data
def test_in_most_images_some_neurons_stay_at_the_end_of_their_24_bits():
    with pytest.warns(OverflowWarning, match="potentials were clipped"):
        events = loihi.replay(loihi.published_network(), read_mnist()["test"].images[:50]).events
    assert (events.clipped > 0).mean() > 0.5
    assert not events.wrapped.any()


@needs_data
@pytest.mark.parametrize("detail", list(loihi.DETAILS))
def test_each_detail_is_needed(detail):
    change, lag = loihi.DETAILS[detail]
    assert wrong(change(loihi.published_network()), lag) != SILICON


def test_neurons_that_fire_at_their_threshold_do():
    for neuron in (loihi.LIFAtEquality(204, 127), loihi.AHPAtEquality(204, 127)):
        rest = compartment_rest(np.zeros((1, 1), np.int64))
        assert compartment_step(np.array([[127]]), rest, neuron)[0] == 1
        assert compartment_step(np.array([[126]]), rest, neuron)[0] == 0
    assert compartment_step(np.array([[127]]), rest, loihi.LIF)[0] == 0


def test_float_twins_have_the_chips_constants_and_only_rounding_parts_them():
    c = dataclasses.replace(loihi.config("smoke"), neurons=20, steps=400)
    current = loihi.drive(c)
    fine = dataclasses.replace(loihi.AHP, decay_v=0, decay_aux=0)  # nothing decays, so nothing is rounded
    with pytest.raises(ValueError, match="only decays between"):
        loihi.twins(current, fine)
    t = loihi.twins(current, loihi.AHP)
    until = int((t.z[0] != t.z[1]).any(1).argmax())
    assert until > 50
    unit = 1 / loihi.AHP.threshold
    assert np.abs(t.v[0] - t.v[1])[:until].max() < unit * 21 + np.abs(t.a[0] - t.a[1])[:until].max() * 21  # at most a unit is lost per step
    assert 0 < (t.a[0] - t.a[1])[:until].max() < unit * until
    jumps = np.diff(t.a[0], axis=0)[t.z[0][:-1] == 1]
    assert jumps == pytest.approx(-384 * unit, abs=5 * unit)  # weight 96, exponent -4


def test_a_small_run_enters_nothing_but_what_it_computed(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (10_000, 28, 28), dtype=np.uint8)
    g = np.random.default_rng(1)
    weights = {name: g.integers(-60, 61, shape) for name, shape in (("w_in", (240, 80)), ("w_rec", (240, 240)), ("w_out", (10, 240)))}
    split = type("Split", (), {"images": images, "labels": np.zeros(10_000, int)})
    monkeypatch.setattr(loihi, "read_loihi_weights", lambda: weights)
    monkeypatch.setattr(loihi, "read_mnist", lambda: {"test": split})
    loihi.run(dataclasses.replace(loihi.config("smoke"), images=20), Record("loihi", "book", tmp_path / "20"))
    assert [row["id"] for row in read_rows(tmp_path / "20")] == ["loihi.oracle.mismatches"]
    loihi.run(dataclasses.replace(loihi.config("smoke"), images=200), Record("loihi", "book", tmp_path))
    measured = [f"measured.{name}" for name in ("core_dynamic", "time", "core_edp")]
    expected = ["replay200", "replay200.labels", *(f"detail.{name}" for name in loihi.DETAILS), *measured]
    assert [row["id"] for row in read_rows(tmp_path)][1:] == [f"loihi.smnist.{name}" for name in expected]


def test_without_images_no_data_is_asked_for(tmp_path, monkeypatch):
    for reader in ("read_loihi_weights", "read_mnist"):
        monkeypatch.setattr(loihi, reader, lambda: pytest.fail("data were read"))
    traces = loihi.run(loihi.config("smoke"), Record("loihi", "book", tmp_path))
    assert len(traces) == loihi.config("smoke").steps
    assert [row["id"] for row in read_rows(tmp_path)] == ["loihi.oracle.mismatches"]
