import os
import re
import urllib.error
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from snncore.datafiles import sha256
from snncore.tools import imagenet as folder


def test_unknown_models_and_missing_weights_are_refused(monkeypatch, tmp_path):
    for name in ("efficientnet_lite9", "vit_h_14"):  # the second has other weights only
        with pytest.raises(ValueError, match=f"model is '{name}': give one of efficientnet_lite0"):
            folder.model(name)

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", Mock(side_effect=urllib.error.URLError("no network")))
    with pytest.raises(ValueError, match=r"no weights of squeezenet1_1 .*no network.*: get https://.*squeezenet1_1.*pth and put it into"):
        folder.model("squeezenet1_1")


class Trap:
    """Unpickled, it runs a command."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def cached(monkeypatch, tmp_path):
    """Puts a file into PyTorch's cache, as weights of SqueezeNet: with the published name, or one that carries the file's own checksum."""
    from torchvision.models import SqueezeNet1_1_Weights

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    weights = SqueezeNet1_1_Weights.IMAGENET1K_V1.value

    def put(content, own_checksum=False):
        torch.save(content, tmp_path / "file")
        if own_checksum:
            monkeypatch.setattr(weights, "url", f"https://a/squeezenet-{sha256(tmp_path / 'file')[:8]}.pth")
        path = tmp_path / "hub" / "checkpoints" / weights.url.rpartition("/")[2]
        return (tmp_path / "file").replace(path)

    return put


def test_a_trap_in_the_cache_runs_nothing(cached, tmp_path):
    trap, sprung = {"weight": Trap(tmp_path / "sprung")}, tmp_path / "sprung"
    path = re.escape(str(cached(trap)))
    words = "its sha256 does not begin with .*; remove it and run"
    with pytest.raises(ValueError, match=rf"^{path} are not the weights of squeezenet1_1: {words}"):
        folder.model("squeezenet1_1")
    path = re.escape(str(cached(trap, own_checksum=True)))  # the digits in a file's name are few enough to be forged
    with pytest.raises(ValueError, match=rf"^{path} holds something else than weights, and was not loaded: remove it and run this again, "):
        folder.model("squeezenet1_1")
    assert not sprung.exists()
    torch.load(tmp_path / "hub" / "checkpoints" / os.path.basename(cached(trap)), weights_only=False)
    assert sprung.exists()  # so it is a trap


def test_weights_with_the_published_checksum_are_taken(cached):
    from torchvision.models import squeezenet1_1

    state = squeezenet1_1().state_dict()
    cached(state, own_checksum=True)
    network, ready, categories = folder.model("squeezenet1_1")
    assert not network.training
    assert categories == 1000
    assert network(ready(np.zeros((300, 400, 3), np.uint8))).shape == (1, 1000)
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())


def test_an_address_without_a_checksum_is_refused(monkeypatch):
    from torchvision.models import SqueezeNet1_1_Weights

    monkeypatch.setattr(SqueezeNet1_1_Weights.IMAGENET1K_V1.value, "url", "https://a/squeezenet.pth")
    with pytest.raises(ValueError, match=r"https://a/squeezenet\.pth names no checksum"):
        folder.model("squeezenet1_1")
