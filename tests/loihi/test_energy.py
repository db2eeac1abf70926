import numpy as np
import pytest

from snncore.loihi.emulator import Events
from snncore.loihi.energy import cost, prices


def test_the_cost_is_events_times_prices():
    events = Events(np.array([5, 5]), np.array([[1, 2], [3, 4]]), np.array([100, 300]), np.zeros(2, int), np.zeros(2, int), 1000)
    energy, time = cost(events, steps=10)
    assert energy == pytest.approx((1e-6 * (200 * 23.6 + 5 * 1.7 + 5 * 81 + 995 * 52), 1e-6 * (200 * 23.6 + 5 * 1.7 + 1000 * 81)))
    assert time == pytest.approx(
        (1e-6 * (200 * 3.5 + 5 * 2.1 + 1130 + 5 * 8.4 + 995 * 5.3), 1e-6 * (200 * 3.5 + 5 * 2.1 + 1130 + 1000 * 8.4))
    )


def test_every_price_has_a_source():
    assert all(len(price.source) > 40 for price in prices().values())


def test_an_unknown_set_of_prices_is_refused():
    with pytest.raises(ValueError, match=r"named 'davies2019': there are davies2018"):
        prices("davies2019")
