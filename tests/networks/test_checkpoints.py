"""Trainings that are kept together, each as it was: its weights, its account, what is refused."""

import pytest
import torch
from torch import nn

from snncore.datafiles import DataError, package_file
from snncore.networks import checkpoints
from snncore.networks.checkpoints import about_checkpoint, accounts, keep, load_checkpoint, names_of_weights, save_checkpoint

ACCOUNT = {"command": "c", "seed": 0, "recipe": {"rate": 1}, "log": [{"epoch": 1}, {"epoch": 2}]}


@pytest.fixture
def done(tmp_path, monkeypatch):
    """Two trainings and a third, kept in two files, and a place for more."""
    (tmp_path / "checkpoints").mkdir()
    monkeypatch.setattr(checkpoints, "package_file", tmp_path.joinpath)
    monkeypatch.setattr(checkpoints, "TRAINING", tmp_path / "training")

    def train(name, size=2, **about):
        torch.manual_seed(len(name))
        net = nn.Sequential(nn.Linear(size, 3), nn.BatchNorm1d(3))
        save_checkpoint(tmp_path / "training", name, net, {**ACCOUNT, **about})
        return net

    for name, file in (("a_lif_1", "a"), ("a_lif_0", ""), ("a_lif-slow_0", "a_lif-slow")):
        train(name)
        keep(name, file=file)
    return train


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_a_training_is_kept_beside_the_others(done, tmp_path):
    folder = tmp_path / "checkpoints"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    net = done("a_lif-slow_1", constants={"tau": 20.0})
    assert keep("a_lif-slow_1") == folder / "a_lif-slow.safetensors"
    assert same(load_checkpoint("a_lif-slow_1", done("other"), {"tau": 20.0}), net)
    for name in ("a_lif_0", "a_lif_1", "a_lif-slow_0"):
        assert same(load_checkpoint(name, done("other")), done(name))
        assert about_checkpoint(name) == ACCOUNT
    assert list(accounts("a_lif_")) == ["a_lif_0", "a_lif_1"]
    assert list(accounts("a*0", seed=0)) == ["a_lif-slow_0", "a_lif_0"]
    assert accounts("a_lif_0.") == accounts("a", seed=1) == {}
    assert {path.name: path.read_bytes() for path in folder.glob("a.*")}.items() <= before.items()
    text = (folder / "a.json").read_text()
    assert text.count('\n   {"epoch"') == 4  # a line for each row
    done("a_lif_1", machine="another")
    keep("a_lif_1", weights=False)  # as trained again
    assert names_of_weights() == ["a_lif-slow_0", "a_lif-slow_1", "a_lif_0"]
    assert about_checkpoint("a_lif_1")["machine"] == "another"
    net = done("a_x_0")
    keep("a_x_0", "a_y", half=True)
    assert same(load_checkpoint("a_y", done("other")), net.half().float())
    assert (folder / "a.safetensors").stat().st_mode == (folder / "a.json").stat().st_mode


def test_what_would_be_lost_or_mistaken_is_not_kept(done, tmp_path):
    folder = tmp_path / "checkpoints"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done("a_lif_1", recipe={"rate": 2})
    with pytest.raises(DataError, match=r"a_lif_1 is there as another training \(recipe is .*1.* there and .*2.* here\): give it another"):
        keep("a_lif_1")
    for name, file in (("a_lif_2", "b"), ("a_lif-slow_1", "a"), ("a_lif-slow_1", "a_lif-"), ("a_lif_2", "a_lif")):
        with pytest.raises(DataError, match=f"{file} cannot be the file: a_lif.* would be looked for elsewhere than it is"):
            keep("a_lif_0", name, file)
    with pytest.raises(DataError, match="b_0 does not begin with the name of a file"):
        keep("a_lif_0", "b_0")
    done("a_lif_2")
    (tmp_path / "training" / "a_lif_2.safetensors").unlink()
    with pytest.raises(DataError, match=r"a_lif_2\.safetensors cannot be read"):
        keep("a_lif_2")
    with pytest.raises(DataError, match=r"a_lif_9\.json is no account of a training \(.*No such file"):
        keep("a_lif_9")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_another_network_and_a_damaged_file_are_refused(done, tmp_path):
    other = done("other")
    fresh, path = done("other"), tmp_path / "checkpoints" / "a.safetensors"
    with pytest.raises(DataError, match=r"(?s)a_lif_0 in .* is of another network .*size mismatch.* its training, 'c', or train anew"):
        load_checkpoint("a_lif_0", done("large", 5))
    with pytest.raises(DataError, match=r"another configuration \(tau is not given there and 20.0 here\)"):
        load_checkpoint("a_lif_0", other, {"tau": 20.0})
    with pytest.raises(DataError, match=r"a\.json has no account of a_9: it has those of a_lif_0, a_lif_1"):
        about_checkpoint("a_9")
    assert same(fresh, other)
    with pytest.raises(ValueError, match="not JSON compliant"):  # before anything is written
        done("new", loss=float("nan"))
    assert not [*(tmp_path / "training").glob("new*")]
    for damaged in ("", "[1]", "5", '{"a_lif_0": {}}', '{"a_lif_0": 5}'):
        path.with_suffix(".json").write_text(damaged, encoding="utf-8")
        with pytest.raises(DataError, match=r"a\.json is no account of a training .*: restore it by git"):
            load_checkpoint("a_lif_0", other)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"cannot be read: .*git checkout"):
        load_checkpoint("a_lif_0", other)


def test_the_files_are_few_and_small():
    files = [*package_file("checkpoints").iterdir()]
    assert len(files) <= 60
    assert max(path.stat().st_size for path in files) < 12e6
    for name in {*accounts("eprop"), *names_of_weights()}:  # which are in files of several names
        about_checkpoint(name)
