"""Losses of the published code and of the NEST simulator."""

import sys
from functools import cache

import pytest

from snncore.peers import eprop_nest
from snncore.peers.ask import has_oracle
from snncore.peers.recorded import recorded

REGRESSION = (101.964363, 103.466736, 103.340607, 103.680244, 104.412781)  # NEST, test_eprop_bsshslm_2020_plasticity.py, from TensorFlow
CLASSIFICATION = (0.741152524948, 0.740388214588, 0.665785133838, 0.663644134998, 0.729429066181)  # there printed with six digits
our_losses = cache(eprop_nest.our_losses)


def test_losses_of_the_published_code():
    assert our_losses("regression") == pytest.approx(REGRESSION, rel=2e-7)
    assert our_losses("classification") == pytest.approx(CLASSIFICATION, rel=2e-7)


def test_losses_of_nest():
    """A recorded run of the NEST simulator, in double precision as ours."""
    for kind, theirs in recorded("nest").items():
        assert str(theirs["versions"]).startswith("NEST ")
        assert our_losses(kind) == pytest.approx(list(theirs["losses"]), rel=1e-10)


def test_losses_of_nest_here_and_now():
    if not has_oracle("nest", "NEST"):
        pytest.skip("needs the NEST simulator: .venv/bin/pip install -e '.[oracles]'")
    for kind, theirs in eprop_nest.answers("nest", sys.executable).items():
        assert our_losses(kind) == pytest.approx(list(theirs["losses"]), rel=1e-10)
