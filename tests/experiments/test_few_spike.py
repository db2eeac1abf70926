import json
from collections import Counter
from dataclasses import replace

import pytest
import torch

from snncore.datafiles import package_file, read_photographs_20
from snncore.experiments import few_spike
from snncore.few_spike.convert import convert
from snncore.few_spike.layer import FSActivation
from snncore.networks.images import efficientnet_lite, efficientnet_lite_input
from snncore.record import Record, read_rows


def test_rate_code_and_few_spike_code_have_their_known_errors():
    """Counting over N steps rounds x down to a multiple of 1/N, a few-spike code to one of 2^-N: rms error is that over sqrt 3."""
    table = few_spike.code_error([1, 4, 8], seed=0)
    for row in table.to_dict("records"):
        assert row["rate code"] == pytest.approx(1 / row["steps"] / 3**0.5, rel=0.05)
        assert row["few-spike code"] == pytest.approx(2.0 ** -row["steps"] / 3**0.5, rel=0.05)


def small(**change):
    return replace(few_spike.PRESETS["smoke"], **change)


def test_lite0_spikes_are_the_binary_digits_of_the_numbers_sent():
    """A second way to count: read the digits off the decoded outputs of each layer; the largest number, 6, is the first digit alone."""
    found = few_spike.lite0(small(photographs=1))
    photographs, _, _ = read_photographs_20()
    batch = efficientnet_lite_input(photographs[:1])
    snn, _ = convert(efficientnet_lite(0), batch, K=few_spike.RELU6_K)
    grid, digits = 6 / 2 ** (few_spike.RELU6_K - 1), []

    def count(layer, inputs, output):
        sent = (output / grid).round().to(torch.int64)
        digits.append(int(sum((sent >> k & 1).sum() for k in range(few_spike.RELU6_K))))

    for module in snn.modules():
        if isinstance(module, FSActivation):
            module.register_forward_hook(count)
    with torch.inference_mode():
        snn(batch)
    assert found.spikes.tolist() == digits
    assert len(digits) == 33
    assert found.neurons[0] == 32 * 112 * 112  # the stem of EfficientNet-Lite0 on 224 x 224


def test_smoke_run_writes_each_claim_once_and_only_full_size_numbers(tmp_path):
    record = Record("few_spike", "book", tmp_path)
    few_spike.published(record)
    few_spike.profile(record)
    few_spike.fitted(record, small(evaluations=500))
    rows = {row["id"]: row["ours"] for row in read_rows(tmp_path)}
    assert (rows["fs.why.sign"], rows["fs.binary"], rows["fs.silu.fewest"]) == (True, True, False)
    values = json.loads((tmp_path / "values.json").read_text())
    assert [values[f"spikes_{name}"]["value"] for name in ("least", "mode", "most")] == [0, 2, 11]
    ids = Counter(row["id"] for row in read_rows(tmp_path))
    assert {"fs.silu.mse", "fs.silu.pieces", "fs.sigmoid.mse", "fs.sigmoid.pieces", "fs.silu.profile"} <= set(ids)
    assert max(ids.values()) == 1
    assert not any(id.startswith("fs.fit") for id in ids)  # a short fit is no number of the book


def test_zoo_document_keeps_the_published_sets():
    before = json.loads(package_file("few_spike_coefficients.json").read_text())["sets"]
    c = small(evaluations=200, live_fits=("silu.k4",))
    after = few_spike.zoo_document(few_spike.fit_zoo(c), seed=0)["sets"]
    assert [row for row in before if row["origin"] == "published"] == [row for row in after if row["origin"] == "published"]
    assert {row["name"] for row in after if row["origin"] == "fitted"} == {"silu.k4"}
