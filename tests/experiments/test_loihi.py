import dataclasses
import os

import numpy as np
import pytest

from snncore.datafiles import read_mnist
from snncore.experiments import loihi
from snncore.experiments.record import Record, read_rows
from snncore.loihi.compartment import AHPCompartments, Compartment
from snncore.loihi.emulator import Group

needs_data = pytest.mark.skipif(not os.environ.get("SNNCORE_DATA"), reason="needs data files: set SNNCORE_DATA to a folder that has them")
SILICON = "1 3 8 0 9 8 7 3 4 4 2 -> 7 5 5 8 3 0 9 2 8 0 3"  # true digits and answers of the 11 wrong ones among 200


def wrong(network, lag=2):
    test, which = read_mnist()["test"], loihi.silicon_images()
    found = loihi.replay(network, test.images[which], lag)
    bad = np.flatnonzero(found.answers != test.labels[which])
    return loihi.labels(test.labels[which][bad], found.answers[bad])


def changed(network, group, registers):
    groups = list(network.groups)
    groups[group] = Group(groups[group].size, registers)
    return dataclasses.replace(network, groups=groups)


@needs_data
def test_the_replay_repeats_all_wrong_answers_of_the_silicon_run():
    assert wrong(loihi.published_network()) == SILICON


class LIFAtEquality(Compartment):
    @property
    def threshold(self):
        return 64 * self.vth_mant - 1  # v >= n is v > n - 1


class AHPAtEquality(AHPCompartments):
    threshold = LIFAtEquality.threshold


class NeverReset(Compartment):
    threshold = 1 << 30


@needs_data
@pytest.mark.parametrize(
    "change",
    ["decay 205", "AHP decay 6", "fires at equality", "outputs are not reset", "refractory", "lag 0", "lag 1"],
)
def test_each_detail_is_needed(change):
    n = loihi.published_network()
    networks = {
        "decay 205": lambda: changed(changed(n, 0, Compartment(205, 127)), 1, dataclasses.replace(loihi.AHP, decay_v=205)),
        "AHP decay 6": lambda: changed(n, 1, dataclasses.replace(loihi.AHP, decay_aux=6)),
        "fires at equality": lambda: changed(changed(n, 0, LIFAtEquality(204, 127)), 1, AHPAtEquality(204, 508, weight_exp=2)),
        "outputs are not reset": lambda: changed(n, 2, NeverReset(204, 131071)),
        "refractory": lambda: changed(n, 0, Compartment(204, 127, refractory=2)),
    }
    lag = int(change[-1]) if change.startswith("lag") else 2
    assert wrong(n if lag < 2 else networks[change](), lag) != SILICON


def test_a_small_run_enters_nothing_but_what_it_computed(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (10_000, 28, 28), dtype=np.uint8)
    g = np.random.default_rng(1)
    weights = {name: g.integers(-60, 61, shape) for name, shape in (("w_in", (240, 80)), ("w_rec", (240, 240)), ("w_out", (10, 240)))}
    split = type("Split", (), {"images": images, "labels": np.zeros(10_000, int)})
    monkeypatch.setattr(loihi, "read_loihi_weights", lambda: weights)
    monkeypatch.setattr(loihi, "read_mnist", lambda: {"test": split})
    record = Record("loihi", "smoke", tmp_path)
    loihi.run(loihi.config("smoke"), record)
    assert read_rows(tmp_path) == []
    loihi.run(dataclasses.replace(loihi.config("smoke"), images=200), record)
    assert [row["id"] for row in read_rows(tmp_path)] == ["loihi.smnist.replay200", "loihi.smnist.replay200.labels"]
