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


def test_the_kept_table_is_of_all_models():
    table = pd.read_csv(package_file("peers/architectures.csv"))
    assert table["model"].tolist() == [*architectures.TIMM, *architectures.HUGGING_FACE]
    assert (table["neurons"] > 0).sum() >= 38 + 4
