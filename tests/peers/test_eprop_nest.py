"""Losses of the published code and of the NEST simulator."""

import numpy as np
import pytest

from snncore.peers import ask, eprop_nest
from snncore.peers.ask import has_oracle

REGRESSION = (101.964363, 103.466736, 103.340607, 103.680244, 104.412781)  # NEST, test_eprop_bsshslm_2020_plasticity.py, from TensorFlow
CLASSIFICATION = (0.741153, 0.740388, 0.665785, 0.663644, 0.729429)


def test_losses_of_the_published_code():
    assert eprop_nest.our_losses("regression") == pytest.approx(REGRESSION, rel=2e-7)
    assert eprop_nest.our_losses("classification") == pytest.approx(CLASSIFICATION, rel=1e-6)  # printed with six digits
    exact = (0.741152524948, 0.740388214588, 0.665785133838, 0.663644134998, 0.729429066181)
    assert eprop_nest.our_losses("classification") == pytest.approx(exact, rel=2e-7)


def test_losses_of_nest():
    """A recorded run of the NEST simulator, in double precision as ours."""
    losses, version = eprop_nest.recorded()
    assert set(losses) == set(eprop_nest.CASES)
    assert version.startswith("NEST ")
    for kind, theirs in losses.items():
        assert eprop_nest.our_losses(kind) == pytest.approx(list(theirs), rel=1e-10)


def test_losses_of_nest_here_and_now():
    if not has_oracle("nest", "NEST"):
        pytest.skip("needs the NEST simulator: .venv/bin/pip install -e '.[oracles]'")
    for kind in eprop_nest.CASES:
        assert eprop_nest.our_losses(kind) == pytest.approx(list(eprop_nest.by_nest(kind)[0]), rel=1e-10)


def test_what_nest_answers_is_kept_as_it_is_read(tmp_path, monkeypatch, capsys):
    def answer(python, script, case):
        assert script == "ask_nest.py"
        return {"losses": case["target"].sum((1, 2)), "seconds": 1.0, "versions": "NEST 0"}

    monkeypatch.setattr(eprop_nest, "ask", answer)
    eprop_nest.command(tmp_path / "nest.npz")
    monkeypatch.setattr(eprop_nest, "package_file", lambda name: tmp_path / "nest.npz")
    losses, version = eprop_nest.recorded()
    assert version == "NEST 0"
    assert np.array_equal(losses["classification"], [2250.0] * 5)  # one of two classes at each step
    assert "nest.npz" in capsys.readouterr().out


def test_without_nest_a_run_says_so(capsys, monkeypatch):
    monkeypatch.setattr(ask.importlib.util, "find_spec", lambda name: None)
    assert not has_oracle("nest", "NEST")
    assert "NEST is left out: it is not installed (pip install 'snncore[oracles]')" in capsys.readouterr().out
