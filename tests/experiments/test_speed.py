import json

from snncore.experiments import speed
from snncore.experiments.record import Record, read_rows


def test_speed_of_the_recurrent_network_is_measured(tmp_path):
    record = Record("speed", "smoke", tmp_path)
    speed.recurrent(record, speed.PRESETS["smoke"])
    values = json.loads((tmp_path / "timings.json").read_text())["values"]
    assert set(values) == {"recurrent_x", "recurrent_ms", "recurrent_products_ms"}
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
