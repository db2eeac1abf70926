import json

import numpy as np
import pytest

from snncore.datafiles import package_file
from snncore.few_spike import coefficients, pieces, read_sets
from snncore.trainings.few_spike import B7_INPUT, ZOO, command, mixed_cdf, zoo_table


def test_the_command_writes_what_the_package_reads_and_keeps_the_published_sets_and_the_codes(tmp_path, capsys):
    path = command(seed=1, evaluations=40, restarts=1, file=tmp_path / "new" / "sets.json")
    sets = read_sets(path)
    assert set(sets) == set(read_sets())
    fitted = {name: s for name, s in sets.items() if s.origin == "fitted"}
    assert set(fitted) == set(ZOO)
    assert {s.source for s in fitted.values()} == {"python -m snncore.trainings few-spike --evaluations 40 --restarts 1 --seed 1"}
    before, after = (json.loads(file.read_text())["sets"] for file in (package_file("few_spike_coefficients.json"), path))
    for origin in ("published", "closed form"):
        assert [row for row in before if row["origin"] == origin] == [row for row in after if row["origin"] == origin]
    assert capsys.readouterr().out.startswith("27 neurons in ")


def test_zoo_table_is_sorted_and_weights_inputs_as_they_are_in_the_network():
    """The published SiLU neuron spends fewer spikes on usual inputs; their mean over its pieces is a second way to count them."""
    table = zoo_table([coefficients(name) for name in ("sigmoid.published", "silu.published", "silu.k4")])
    assert list(table["set"]) == ["silu.k4", "silu.published", "sigmoid.published"]
    published = table.set_index("set").loc["silu.published"]
    assert published["spikes, B7 inputs"] < published["spikes"]
    by_pieces = pieces(coefficients("silu.published").params).spikes_per_step(B7_INPUT.cdf).sum()
    assert published["spikes, B7 inputs"] == pytest.approx(by_pieces, rel=1e-3)


def test_mixed_inputs_are_half_usual_and_half_uniform():
    low, middle, high = mixed_cdf(np.array([-8.0, 2.0, 12.0]))
    assert high - low == pytest.approx(1, abs=1e-6)
    assert middle == pytest.approx((B7_INPUT.cdf(2.0) + 0.5) / 2)
