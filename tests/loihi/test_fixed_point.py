import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncore.loihi.fixed_point import OverflowWarning, clip, decay, wrap
from snncore.loihi.spec import STATE


@given(st.integers(-STATE, STATE), st.integers(0, 4096))
def test_rounding_the_rest_down_is_rounding_the_loss_up(x, k):
    """sign(x) floor(|x| (4096 - k) / 4096), as one emulator writes it, is x - sign(x) ceil(|x| k / 4096), as another one does."""
    loss = -(-abs(x) * k // 4096)  # rounded up
    assert decay(np.array([x]), k)[0] == (x - loss if x >= 0 else x + loss)


def test_decay_at_its_ends_and_toward_zero():
    x = np.array([-STATE, -5, -1, 0, 1, 5, STATE])
    assert (decay(x, 0) == x).all()
    assert not decay(x, 4096).any()
    assert decay(x, 1).tolist() == [-STATE + 2048, -4, 0, 0, 0, 4, STATE - 2048]  # small states are lost at once
    x = np.array([-5])  # a shift alone is another decay: x (4096 - k) >> 12 rounds negative states down, so that they never reach zero
    assert ((x * 4095) >> 12)[0] == -5 != decay(x, 1)[0]


def test_overflow_wraps_currents_and_clips_potentials_and_warns():
    x = np.array([STATE, STATE + 1, -STATE - 2])
    with pytest.warns(OverflowWarning, match="2 of 3 states wrapped around, by up to 2"):
        assert wrap(x).tolist() == [STATE, -STATE - 1, STATE]
    with pytest.warns(OverflowWarning, match="2 of 3 states were clipped"):
        assert clip(x).tolist() == [STATE, STATE, -STATE]
    with pytest.raises(OverflowWarning):  # the tests turn it into an error
        clip(x)
