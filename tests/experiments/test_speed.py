import json

import pytest
import torch

from snncore.experiments import speed
from snncore.experiments.record import Record, read_rows
from snncore.few_spike import coefficients, fs_run, relu_code


@pytest.mark.parametrize("p", [coefficients("silu.published").params, relu_code(4.0, 6)], ids=["fires above", "fires at"])
def test_the_fast_plain_neuron_is_the_definition_bit_for_bit(p):
    """On the grid of the code, too, where it matters whether a neuron fires at its threshold."""
    x = torch.cat([torch.randn(2 * speed.BLOCK + 5, generator=torch.Generator().manual_seed(0)), torch.arange(-3.0, 6.0, 2**-4)])
    y = speed.inplace_neuron(x, p)
    assert torch.equal(y, speed.plain_neuron(x, p))
    z, _ = fs_run(x[-1000:], p)
    assert torch.allclose(y[-1000:], torch.tensor(p.d) @ z, atol=1e-5)
    images = x[:96].view(2, 3, 4, 4).to(memory_format=torch.channels_last)
    assert torch.equal(speed.inplace_neuron(images, p), speed.plain_neuron(images, p))


def test_speed_of_the_neuron_says_what_was_compared_and_on_what_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert speed.machine() == "3 threads, AVX-512"
    monkeypatch.undo()
    record = Record("speed", "smoke", tmp_path)
    speed.activation(record, speed.PRESETS["smoke"])
    values = json.loads((tmp_path / "values.json").read_text())
    assert {key: entry["text"] for key, entry in values.items()} == {"activation_numbers": "100,000", "activation_differ": "0"}
    timed = json.loads((tmp_path / "timings.json").read_text())["values"]
    assert timed["speed_machine"]["text"] == speed.machine()
    assert timed["activation_silu"]["value"] == 1


def test_speed_of_the_recurrent_network_is_measured(tmp_path):
    record = Record("speed", "smoke", tmp_path)
    speed.recurrent(record, speed.PRESETS["smoke"])
    values = json.loads((tmp_path / "timings.json").read_text())["values"]
    assert set(values) == {"recurrent_ms", "recurrent_products_ms"}
    assert read_rows(tmp_path) == []  # a small run enters no claim


def test_speed_of_e_prop_is_measured(tmp_path):
    record = Record("speed", "smoke", tmp_path)
    speed.eprop(record, speed.PRESETS["smoke"])
    values = json.loads((tmp_path / "timings.json").read_text())["values"]
    assert set(values) == {"eprop_ms"}
    assert read_rows(tmp_path) == []


def test_costs_of_e_prop_are_measured_for_each_size(tmp_path):
    record = Record("speed", "smoke", tmp_path)
    speed.eprop_costs(record, speed.PRESETS["smoke"])
    timed = json.loads((tmp_path / "timings.json").read_text())["values"]
    assert set(timed) == {f"cost_{name}_{k}" for name in ("fused", "recursion", "bptt") for k in range(len(speed.SIZES))}
    texts = {name: entry["text"] for name, entry in json.loads((tmp_path / "values.json").read_text()).items()}
    assert (texts["cost_steps_2"], texts["cost_neurons_5"]) == ("20", "400")
