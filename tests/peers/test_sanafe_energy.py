"""SANA-FE's energies, recorded, beside ours."""

import numpy as np
import pytest

from snncore.peers import sanafe_energy as sanafe
from snncore.peers.recorded import command


def test_sanafe_finds_the_same_energy_for_the_same_spikes():
    table, version = sanafe.compare_with_sanafe()
    for name, rows in table.groupby("run"):
        ours, theirs = (rows.set_index("part")[who] for who in ("ours", "SANA-FE"))
        assert {*ours.index} == {"synapse", "soma", "network"}
        assert ours.drop("network").to_dict() == pytest.approx(theirs.drop("network").to_dict())
        arrays, once = sanafe.CASES[name]().arrays(), 0.0
        spikes = arrays["spikes"].sum(0)
        for i, core in sorted({(i, arrays["core"][j]) for i, j in zip(arrays["pre"], arrays["post"], strict=True)}):
            tile, there = (int(k) // 4 for k in (arrays["core"][i], core))
            once += spikes[i] * (111 + 3.0 * abs(tile // 4 - there // 4) + 4.2 * abs(tile % 4 - there % 4))
        assert once == pytest.approx(theirs["network"])  # where a neuron has one axon to a core, whatever its projections
    assert 0 < (table["ours"] / table["SANA-FE"] - 1).abs().max() < 0.1
    assert version.startswith("SANA-FE")


def test_sanafe_must_have_been_asked_about_these_spikes(monkeypatch):
    case = sanafe.CASES["2 sentences"]()
    changed = {name: z.copy() for name, z in case.activity.z.items()}
    changed["question"][0, 0] ^= 1
    monkeypatch.setitem(sanafe.CASES, "2 sentences", lambda: case._replace(activity=case.activity._replace(z=changed)))
    with pytest.raises(ValueError, match="about other spikes than those that our networks have now: ask it again"):
        sanafe.compare_with_sanafe()
    monkeypatch.setattr(sanafe, "ask", lambda python, script, arrays: {"spikes": np.array(1.0)})
    with pytest.raises(ValueError, match=r"SANA-FE has 1\.0 spikes of neurons and their drivers"):
        sanafe.answers("sanafe", "python")


def test_a_python_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere/python cannot be run .*the Python of an environment for ask_sanafe\.py"):
        command("sanafe", str(tmp_path / "nowhere/python"))
