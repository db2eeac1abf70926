"""Our emulator against other emulators' recorded potentials, and the way in which these are compared."""

import numpy as np
import pytest

from snncore.peers import emulators


@pytest.fixture(params=emulators.PEERS)
def recorded(request):
    return request.param, emulators.recorded(request.param)


def test_no_potential_differs_in_1200_random_steps(recorded):
    peer, case = recorded
    e = emulators.emulated(case, emulators.PEERS[peer][0])
    assert case["v"].shape == (1200, 12)
    assert (e.v_trace[:, 0] == case["v"]).all()
    assert (e.events.spikes[0] > 0).sum() >= 10
    assert e.events.spikes.mean() < 600


@pytest.mark.parametrize("changed", ["decay_v", "decay_u", "vth_mant", "refractory", "bias"])
def test_each_register_shows(recorded, changed):
    peer, case = recorded
    k = case[changed]
    other = {"decay_u": k - 1, "vth_mant": k - k // 100 - 1}.get(changed, k + 1)  # some are as large as can be
    e = emulators.emulated(case | {changed: other}, emulators.PEERS[peer][0])
    assert (e.v_trace[:, 0] != case["v"]).any()


def test_the_recorded_case_is_the_one_that_the_command_makes(recorded):
    peer, case = recorded
    made = emulators.case_of(peer)
    assert made.keys() == case.keys() - {"v", "seconds", "versions"}
    for key, value in made.items():
        assert (case[key] == value).all()


def test_states_overflow_in_one_case():
    events = emulators.emulated(emulators.recorded(f"nengo_loihi{emulators.OVERFLOW}"), 1).events
    assert events.wrapped.sum() > 0
    assert events.clipped.sum() > 1000


def test_differences_are_counted_and_the_answer_is_kept(monkeypatch, tmp_path, capsys):
    def answer(python, script, case, peer):
        v = emulators.emulated(case, 1).v_trace[:, 0].copy()
        v[50, 3] += 1
        v[7, :2] += 1
        return {"v": v, "seconds": 1.5, "versions": "other 1.0", **case}

    monkeypatch.setattr(emulators, "ask", answer)
    assert emulators.command("nengo_loihi", "python", tmp_path / "kept.npz") == (3, 14_400, 1.5, "other 1.0")
    assert capsys.readouterr().out == "other 1.0: 3 of 14,400 potentials differ\n"
    with np.load(tmp_path / "kept.npz") as kept:
        assert (kept["x"] == emulators.case_of("nengo_loihi")["x"]).all()
