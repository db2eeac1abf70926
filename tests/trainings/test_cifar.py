import dataclasses
import json
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from snncore.datafiles import DataError
from snncore.networks.images import CIFAR
from snncore.tasks.images import Labeled
from snncore.trainings import cifar, job


def test_a_stage_goes_on_with_the_weights_of_the_one_before(tmp_path, monkeypatch):
    """A second stage that learns nothing, from a teacher, has the parameters of the first; its account holds the first one's."""
    x = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    data = dict.fromkeys(("train", "validation", "test"), Labeled(x, torch.arange(64) % 10))
    monkeypatch.setattr(cifar, "cifar10", lambda: data)
    monkeypatch.setattr(cifar, "find", lambda name: SimpleNamespace(form="official"))
    monkeypatch.setattr(job, "TRAINING", tmp_path)
    first = cifar.CifarRecipe(2, batch=32, bfloat16=False, hole=2)
    still = dataclasses.replace(first, epochs=1, peak_rate=0.0, vector_rate=0.0, teacher="silu")
    monkeypatch.setitem(cifar.RECIPES, "resnet8", (first, still))
    about = cifar.command("resnet8", 5)
    before, after = (load_file(tmp_path / f"cifar_resnet8_5_{stage}.safetensors") for stage in (1, 2))
    assert all(torch.equal(before[name], after[name]) for name, _ in CIFAR["resnet8"]().named_parameters())
    assert about["before"] == json.loads((tmp_path / "cifar_resnet8_5_1.json").read_text())
    assert (about["recipe"], about["before"]["recipe"]) == (dataclasses.asdict(still), dataclasses.asdict(first))
    assert "answers of silu as trained at commit" in about["data"]
    with monkeypatch.context() as nothing_to_train:
        nothing_to_train.setattr(job, "train", None)
        assert cifar.command("resnet8", 5) == about
    other = tmp_path / "cifar_resnet8_5_1.json"  # as from another run of the first stage: the second has to follow it
    other.write_text(other.read_text().replace('"test_accuracy"', '"seen": 1, "test_accuracy"'))
    (tmp_path / "cifar_resnet8_5_2.state").unlink()
    assert cifar.command("resnet8", 5)["before"]["seen"] == 1
    monkeypatch.setattr(cifar, "find", lambda name: SimpleNamespace(form="compact"))
    for path in tmp_path.glob("*.state"):
        path.unlink()
    assert "JPEG copies" in cifar.command("resnet8", 5)["before"]["data"]
    (tmp_path / "cifar_resnet8_5_1.safetensors").write_bytes(b"")
    (tmp_path / "cifar_resnet8_5_2.json").unlink()
    with pytest.raises(DataError, match=r"cifar_resnet8_5_1\.safetensors cannot be read: .*Remove cifar_resnet8_5_1\.json and \.state"):
        cifar.command("resnet8", 5)


@pytest.mark.parametrize("name", CIFAR)
def test_the_stages_of_a_checkpoint_are_those_of_the_code(name):
    accounts = cifar.stages(name)
    assert [about["recipe"] for about in accounts] == [dataclasses.asdict(recipe) for recipe in cifar.RECIPES[name]]
    for about in accounts:
        assert about["log"][-1]["held_out"] == pytest.approx(about["test_accuracy"], abs=0.03)  # of 2,000 images
