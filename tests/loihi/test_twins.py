import dataclasses

import numpy as np
import pytest

from snncore.loihi.silicon import AHP
from snncore.loihi.twins import twins
from snncore.seeds import numpy_generator


def test_float_twins_have_the_chips_constants_and_only_rounding_parts_them():
    g = numpy_generator(0, "input spikes")
    weights = g.integers(0, 26, (20, 20))
    strong = np.arange(400) * 6 // 400 == 1
    spikes = g.random((400, 20, 20)) < np.where(strong, 0.1, 0.04)[:, None, None]
    current = (spikes * weights).sum(1)
    fine = dataclasses.replace(AHP, decay_v=0, decay_aux=0)  # nothing decays, so nothing is rounded
    with pytest.raises(ValueError, match="only decays between"):
        twins(current, fine)
    t = twins(current, AHP)
    until = int((t.z_chip != t.z_float).any(1).argmax())
    assert until > 50
    unit = 1 / AHP.threshold
    gap = np.abs(t.a_chip - t.a_float)[:until].max()
    assert np.abs(t.v_chip - t.v_float)[:until].max() < unit * 21 + gap * 21  # at most a unit is lost per step
    assert 0 < (t.a_chip - t.a_float)[:until].max() < unit * until
    jumps = np.diff(t.a_chip, axis=0)[t.z_chip[:-1] == 1]
    assert jumps == pytest.approx(-384 * unit, abs=5 * unit)  # weight 96, exponent 2
