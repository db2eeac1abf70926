import pandas as pd
import torch
from torch import nn

from snncore.datafiles import package_file
from snncore.peers import architectures
from tests.few_spike.test_convert import Functional


def test_a_row_says_what_spikes_or_why_a_model_is_refused(monkeypatch):
    odd = Functional(lambda x: torch.fft.rfft(x).abs().relu())
    small = nn.Sequential(nn.Linear(4, 6), nn.SiLU(), nn.LayerNorm(6), nn.Linear(6, 3), nn.ReLU())
    for network, wanted in ((small, {"layers": 2, "neurons": 9, "activations": "silu, relu", "analog": "layernorm"}), (odd, None)):
        monkeypatch.setattr(architectures, "model", lambda library, name, network=network: (network, torch.rand(2, 4)))
        row = architectures.converted("torch", "a")
        assert row["model"] == "a"
        assert row["library"].startswith("torch ")
        assert wanted.items() <= row.items() if wanted else "fft_rfft" in row["refused"]


def test_the_models_of_the_kept_table_are_asked_again(monkeypatch, tmp_path):
    monkeypatch.setattr(architectures, "converted", lambda library, name: {"library": f"{library} 2", "model": name})
    kept = pd.read_csv(package_file("peers/architectures.csv"))
    again = pd.read_csv(architectures.command(tmp_path / "again.csv"))
    assert again["model"].tolist() == kept["model"].tolist()
    assert {*again["library"]} == {"timm 2", "transformers 2"}
    assert {*kept["model"]} > {*architectures.HUGGING_FACE}
    assert (kept["neurons"] > 0).sum() >= 38 + 4
