import pytest

from snncore.few_spike.energy import mean_traffic, operations_table
from snncore.few_spike.evaluate import Traffic


def test_work_adds_up():
    table = operations_table((Traffic("a", 1000, 1000, 0, 1000), Traffic("b", 3000, 900, 1500, 0)), 80)
    integers = 0.2 + 0.1  # a product of 8 bits, and an addition to a sum of 32
    assert table["energy"].tolist() == pytest.approx(
        [4000 * 4.6, 4000 * integers, 1900 * integers, 1000 * 4.6 + 1580 * 0.9, 1000 * integers + 1580 * 0.1]
    )


def test_work_of_several_images_is_their_mean_in_each_layer():
    first, second = (Traffic("a", 10, 8, 4, 0), Traffic("b", 6, 6, 0, 6)), (Traffic("a", 10, 4, 9, 0), Traffic("b", 6, 2, 0, 6))
    assert mean_traffic([first, second]) == (Traffic("a", 10, 6, 6, 0), Traffic("b", 6, 4, 0, 6))
