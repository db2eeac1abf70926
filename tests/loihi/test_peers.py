"""Our emulator against other emulators' recorded potentials, and the way in which these are compared."""

import argparse
import subprocess

import numpy as np
import pytest

from snncore.datafiles import package_file
from snncore.experiments import loihi
from snncore.record import Record, read_rows


@pytest.fixture(params=loihi.PEERS)
def recorded(request):
    with np.load(package_file(f"peers/{request.param}.npz")) as file:
        return request.param, dict(file)


def test_no_potential_differs_in_1200_random_steps(recorded):
    peer, case = recorded
    e = loihi.as_peer(case, loihi.PEERS[peer][0])
    assert case["v"].shape == (1200, 12)
    assert (e.v_trace[:, 0] == case["v"]).all()
    assert (e.events.spikes[0] > 0).sum() >= 10
    assert e.events.spikes.mean() < 600


@pytest.mark.parametrize("changed", ["decay_v", "decay_u", "vth_mant", "refractory", "bias"])
def test_each_register_shows(recorded, changed):
    peer, case = recorded
    k = case[changed]
    other = {"decay_u": k - 1, "vth_mant": k - k // 100 - 1}.get(changed, k + 1)  # some are as large as can be
    e = loihi.as_peer(case | {changed: other}, loihi.PEERS[peer][0])
    assert (e.v_trace[:, 0] != case["v"]).any()


def test_the_recorded_case_is_the_one_that_the_command_makes(recorded):
    peer, case = recorded
    made = loihi.peer_case(12, 7, 1200, peer != "lava", **loihi.PEERS[peer][1])
    assert made.keys() == case.keys() - {"v", "seconds", "versions"}
    for key, value in made.items():
        assert (case[key] == value).all()


def test_states_overflow_in_one_case():
    with np.load(package_file(f"peers/nengo_loihi{loihi.OVERFLOW}.npz")) as case:
        events = loihi.as_peer(case, 1).events
    assert events.wrapped.sum() > 0
    assert events.clipped.sum() > 1000


def test_differences_are_counted(monkeypatch):
    case = loihi.peer_case(12, 7, 100, True)

    def peer(words, check, **_):
        given = dict(np.load(words[3]))
        v = loihi.as_peer(given, 1).v_trace[:, 0].copy()
        v[50, 3] += 1
        v[7, :2] += 1
        np.savez(words[4], v=v, seconds=1.5, versions="other 1.0", **given)

    monkeypatch.setattr(subprocess, "run", peer)
    found = loihi.beside_peer("nengo_loihi", "python", case)
    assert found == loihi.Beside(3, 1200, 1.5, "other 1.0")


def test_the_recorded_peers_enter_their_claim(tmp_path):
    loihi.recorded_peers(Record("loihi", "book", tmp_path))
    (row,) = read_rows(tmp_path)
    assert (row["id"], row["ours"], row["n"]) == ("loihi.oracle.mismatches", 0, 4800)


def test_without_the_peers_python_the_command_says_what_it_needs():
    with pytest.raises(SystemExit, match="needs --python: the Python of a virtual environment"):
        loihi.command(argparse.Namespace(peer="lava", python=None, keep=None))
    assert not loihi.command(argparse.Namespace(peer=None))
