"""Our emulator against other emulators' recorded potentials, and the way in which these are compared."""

import pytest

from snncore.peers import emulators
from snncore.peers.recorded import command, recorded


@pytest.fixture(params=emulators.PEERS)
def kept(request):
    return request.param, recorded(request.param)["random steps"]


def test_no_potential_differs_in_1200_random_steps(kept):
    peer, case = kept
    assert not emulators.different(peer, case).any()
    e = emulators.emulated(case, emulators.PEERS[peer][0])
    assert case["v"].shape == (1200, 12)
    assert (e.events.spikes[0] > 0).sum() >= 10
    assert e.events.spikes.mean() < 600


@pytest.mark.parametrize("changed", ["decay_v", "decay_u", "vth_mant", "refractory", "bias"])
def test_each_register_shows(kept, changed):
    peer, case = kept
    k = case[changed]
    other = {"decay_u": k - 1, "vth_mant": k - k // 100 - 1}.get(changed, k + 1)  # some are as large as can be
    assert emulators.different(peer, case | {changed: other}).any()


def test_the_recorded_case_is_the_one_that_the_command_makes(kept):
    peer, case = kept
    made = emulators.case_of(peer)
    assert made.keys() == case.keys() - {"v", "seconds", "versions"}
    for key, value in made.items():
        assert (case[key] == value).all()


def test_states_overflow_in_one_case():
    events = emulators.emulated(recorded(f"nengo_loihi{emulators.OVERFLOW}")["random steps"], 1).events
    assert events.wrapped.sum() > 0
    assert events.clipped.sum() > 1000


def test_differences_are_counted_and_the_answer_is_kept(monkeypatch, tmp_path, capsys):
    def answer(python, script, case, peer):
        v = emulators.emulated(case, 1).v_trace[:, 0].copy()
        v[50, 3] += 1
        v[7, :2] += 1
        return {"v": v, "seconds": 1.5, "versions": f"{peer} 1.0 of {python}"}

    monkeypatch.setattr(emulators, "ask", answer)
    strong = f"nengo_loihi{emulators.OVERFLOW}"
    command(strong, "there", tmp_path / f"{strong}.npz")
    assert capsys.readouterr().out.startswith("3 of 14,400 potentials differ\nrandom steps: nengo_loihi 1.0 of there has answered\n")
    monkeypatch.setattr("snncore.peers.recorded.package_file", lambda name: tmp_path / name.removeprefix("peers/"))
    assert (recorded(strong)["random steps"]["x"] == emulators.case_of(strong)["x"]).all()
    monkeypatch.delenv("SNNCORE_PEERS", raising=False)
    with pytest.raises(ValueError, match=r"name the Python of an environment that has lava: .*snncore/peers/ask_emulators\.py says what"):
        command("lava", "")
