import json

import numpy as np
import pytest
import torch

from snncore.experiments import eprop, loihi, speed
from snncore.few_spike import coefficients, convert, fs_run, relu_code
from snncore.few_spike.rate_curves import curves_of
from snncore.networks.recurrent import Weights
from snncore.peers.ask_spikingjelly import spikingjelly_runs
from snncore.record import Record, read_rows
from tests.few_spike.test_rate_curves import convolutional


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
    record = Record("speed", "book", tmp_path)
    speed.activation(record, speed.PRESETS["smoke"])
    values = json.loads((tmp_path / "values.json").read_text())
    assert {key: entry["text"] for key, entry in values.items()} == {"activation_numbers": "100,000", "activation_differ": "0"}
    timed = json.loads((tmp_path / "timings.json").read_text())["values"]
    assert timed["activation_silu"]["value"] == 1


def test_speed_of_the_recurrent_network_is_measured(tmp_path):
    record = Record("speed", "book", tmp_path)
    speed.recurrent(record, speed.PRESETS["smoke"])
    values = json.loads((tmp_path / "timings.json").read_text())["values"]
    assert set(values) == {"recurrent_ms", "recurrent_products_ms"}
    assert read_rows(tmp_path) == []  # a small run enters no claim


def test_speed_of_e_prop_is_measured(tmp_path):
    record = Record("speed", "book", tmp_path)
    speed.eprop(record, speed.PRESETS["smoke"])
    values = json.loads((tmp_path / "timings.json").read_text())["values"]
    assert set(values) == {"eprop_ms"}
    assert read_rows(tmp_path) == []


def test_costs_of_e_prop_are_measured_for_each_size(tmp_path):
    record = Record("speed", "book", tmp_path)
    speed.eprop_costs(record, speed.PRESETS["smoke"])
    timed = json.loads((tmp_path / "timings.json").read_text())["values"]
    assert set(timed) == {f"cost_{name}_{k}" for name in ("fused", "recursion", "bptt") for k in range(len(speed.SIZES))}
    texts = {name: entry["text"] for name, entry in json.loads((tmp_path / "values.json").read_text()).items()}
    assert (texts["cost_steps_2"], texts["cost_neurons_5"]) == ("10", "400")


def test_speed_refuses_to_time_what_is_not_equal(tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "fs_neuron", lambda x, p: x)
    with pytest.raises(ValueError, match="do not trust its time"):
        speed.activation(Record("speed", "book", tmp_path), speed.PRESETS["smoke"])


def test_a_peer_is_timed_with_what_it_needs_in_words(tmp_path):
    pytest.importorskip("spikingjelly", reason="needs SpikingJelly: .venv/bin/pip install -e '.[oracles]'")
    ann, x = convolutional()
    ann, x, record = ann.float(), x.float(), Record("speed", "book", tmp_path)
    few = convert(ann, x[:1], x, K=6).network
    curves = curves_of(few, spikingjelly_runs(ann, x, 60), x, ann(x).argmax(1), 100.0, "tests")
    speed.beside_spikingjelly(record, ann, few, x, x, curves)
    (row,) = read_rows(tmp_path)
    assert (row["id"], row["n"]) == ("speed.fs.spikingjelly", 25)
    assert row["ours"] > 1
    assert row["dataset"].startswith("time of the first 25 images with SpikingJelly 2.")
    assert "steps of tests" in row["dataset"]
    assert "; few spikes: 6 steps, " in row["dataset"]
    assert row["dataset"].endswith(f" % right; {speed.machine()}")


def test_nest_whose_losses_are_others_is_not_timed(tmp_path, monkeypatch):
    losses = np.array(eprop.published_losses("classification"))
    monkeypatch.setattr(eprop, "by_nest", lambda kind: (losses, 2.5, "NEST 0"))
    speed.nest_live(Record("speed", "book", tmp_path), 0.05)
    assert read_rows(tmp_path)[0]["ours"] == pytest.approx(2.5 / 5 / 0.05)
    monkeypatch.setattr(eprop, "by_nest", lambda kind: (losses * (1 + 1e-8), 2.5, "NEST 0"))
    with pytest.raises(ValueError, match="losses of NEST 0 differ from ours"):
        speed.nest_live(Record("speed", "book", tmp_path / "again"), 0.05)


def test_braintrace_whose_gradients_are_others_is_not_timed(tmp_path, monkeypatch):
    wrong = {np.dtype(np.float64): 0.0, np.dtype(np.float32): 0.0}

    def answer(case, windows, repetitions, python):
        ours = [np.stack([g.numpy()] * len(windows)) for g in eprop.fused_gradients(case)]
        ours[1][:, 0, 1] += wrong[case["w_in"].dtype]
        return dict(zip(Weights._fields, ours, strict=True)) | {"seconds": np.array([60.0, 20.0, 30.0]), "versions": "braintrace 0"}

    monkeypatch.setattr(eprop, "by_braintrace", answer)
    speed.braintrace_live(Record("speed", "book", tmp_path), "python", steps=90, batch=2)
    rows = {row["id"]: row for row in read_rows(tmp_path)}
    assert rows["speed.eprop.braintrace.online"]["ours"] == pytest.approx(3 * rows["speed.eprop.braintrace"]["ours"])
    assert "windows of 2 steps" in rows["speed.eprop.braintrace"]["dataset"]
    for precise, by in ((np.float64, 1e-6), (np.float32, 1.0)):
        monkeypatch.setitem(wrong, np.dtype(precise), by)
        with pytest.raises(ValueError, match="gradients of braintrace 0 differ from ours"):
            speed.braintrace_live(Record("speed", "book", tmp_path / "again"), "python", steps=90, batch=2)
        monkeypatch.setitem(wrong, np.dtype(precise), 0.0)


def test_memory_is_that_of_the_process_that_learns():
    """Whatever this process has had: a whole trial takes more the longer it is, a stream does not."""
    large = np.ones(60_000_000)  # half a gigabyte
    assert large.sum() > 0
    (whole, longer), (stream,) = speed.memory((1000, 3000), True), speed.memory((1000,), False)
    assert longer > 1.5 * whole > 1.5 * stream > 1


def test_claims_of_speed_need_equal_answers(tmp_path, monkeypatch):
    found = loihi.Beside(0, 10, 2.0, "other 1.0")
    monkeypatch.setattr(loihi, "beside_peer", lambda *_: found)
    monkeypatch.setattr(speed, "side_by_side", lambda *_: {"ours": 0.5})
    speed.emulators_live(Record("speed", "book", tmp_path), "python")
    timed = json.loads((tmp_path / "timings.json").read_text())["rows"]
    assert {row["id"]: row["ours"] for row in timed} == {"speed.loihi.brian2": 4.0, "speed.loihi.nengo": 4.0}
    found = loihi.Beside(2, 10, 2.0, "other 1.0")
    with pytest.raises(ValueError, match=r"2 of 10 potentials differ from those of other 1\.0"):
        speed.emulators_live(Record("speed", "book", tmp_path), "python")


def test_no_speed_without_equal_gradients(tmp_path, monkeypatch):
    """A loop that answers alike and learns otherwise, since no gradient goes through its recurrent weights."""
    plain = speed.plain_loop
    monkeypatch.setattr(speed, "plain_loop", lambda *args, **options: plain(*args[:4], False, **options))
    with pytest.raises(ValueError, match="learn otherwise: do not trust their times"):
        speed.outer(Record("speed", "book", tmp_path), speed.config("smoke"))
