import json

import numpy as np
import pytest

from snncore.datafiles import package_file
from snncore.few_spike import coefficients, pieces
from snncore.few_spike.zoo import B7_INPUT, fit_zoo, mixed_cdf, zoo_document, zoo_table


def test_zoo_document_keeps_the_published_sets_and_the_codes():
    before = json.loads(package_file("few_spike_coefficients.json").read_text())["sets"]
    after = json.loads(json.dumps(zoo_document(fit_zoo(["silu.k4"], 200, 1, seed=0).values(), "a command")))["sets"]
    for origin in ("published", "closed form"):
        assert [row for row in before if row["origin"] == origin] == [row for row in after if row["origin"] == origin]
    assert {row["name"]: row["source"] for row in after if row["origin"] == "fitted"} == {"silu.k4": "a command"}


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
