import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from data import encoded
from snncore import commandline
from snncore.datafiles import find, sha256
from snncore.few_spike import fs_run, relu_code
from snncore.few_spike.convert import convert
from snncore.few_spike.layer import Report, Row, fs_layers
from snncore.networks.images import efficientnet_lite, efficientnet_lite_input
from snncore.tasks.data_sets import read_photographs_20
from snncore.tools import imagenet as folder

LABELS = [0, 438, 990, 927]  # of photographs 1 to 4; the first is wrong, and the last is only the second answer
N = len(LABELS)
LITE0 = "efficientnet_lite0"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Some of foolbox's photographs, in subfolders that are named by their labels."""
    path = tmp_path_factory.mktemp("photographs")
    for source, label in zip(sorted(find("photographs_20").paths.values())[1:], LABELS, strict=False):
        (path / str(label)).mkdir()
        shutil.copy(source, path / str(label))
    return path


@pytest.fixture(scope="module")
def alone(photographs, tmp_path_factory):
    """The row of one process that is left in peace, and its answers."""
    results = tmp_path_factory.mktemp("alone")
    return folder.evaluate(LITE0, photographs, results), folder.read_answers(results)


def test_the_row_is_what_both_networks_say_when_called_by_hand(alone):
    row, answers = alone
    ann, x = efficientnet_lite(0), efficientnet_lite_input(read_photographs_20().images[1 : N + 1])
    snn, report = convert(ann, x[:1])
    counts: list[int] = []
    for layer in fs_layers(snn).values():
        layer.register_forward_pre_hook(lambda m, inputs: counts.append(int(fs_run(inputs[0], m.params)[0].sum())))
    expected = []
    with torch.inference_mode():
        for label, one in zip(LABELS, x.split(1), strict=True):
            counts.clear()
            a, s = (network(one)[0].argsort(descending=True)[:5].tolist() for network in (ann, snn))
            expected.append((label, a, s, sum(counts)))
    assert sorted((a["label"], a["ann"], a["snn"], a["spikes"]) for a in answers.values()) == sorted(expected)
    assert (row.answers, row.unlabeled, row.parameters) == (answers, 0, sum(p.numel() for p in ann.parameters()))
    assert (len(row.report.spiking), row.report.by_activation) == (len(counts), {"relu6": report.neurons})


@pytest.mark.slow
def test_two_processes_go_on_where_one_was_killed_and_give_the_same_row(alone, photographs, tmp_path):
    path = tmp_path / "answers.0.jsonl"
    words = ["-m", "snncore.tools", "imagenet", "--model", LITE0, "--images", str(photographs), "--results", str(tmp_path)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, *words], env=env)
    while process.poll() is None and not (path.exists() and path.stat().st_size):
        time.sleep(0.005)
    process.kill()
    assert process.wait() != 0
    assert 0 < len(folder.read_answers(tmp_path)) < N
    before = path.read_text().rpartition("\n")[0]
    with path.open("a") as out:
        out.write('{"file": "cut o')  # a line that it could not finish
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run([*torchrun, *words], env=env, check=True, capture_output=True, text=True)
    assert (done.stdout.splitlines(), folder.read_answers(tmp_path)) == ([folder.text(LITE0, alone[0])], alone[1])
    assert path.read_text().startswith(before)
    assert "cut o" not in path.read_text()
    assert (tmp_path / "answers.1.jsonl").read_text().count("\n") >= (N - 2) // 2


# --- A network so small that it costs nothing ---------------------------------------------------------------------------------------


def prepare(photograph):
    return torch.from_numpy(photograph.copy()).float().mean((0, 1))[None] / 255


@pytest.fixture
def network(monkeypatch):
    """Three categories: whether an image is red, green or blue."""
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    for layer in (network[0], network[2]):
        nn.init.eye_(layer.weight)
        nn.init.zeros_(layer.bias)
    monkeypatch.setattr(folder, "model", lambda name: folder.Model(network.eval(), prepare, 3))
    return network


def jpeg(color):
    """A colored image with some noise."""
    noise = np.random.default_rng(0).integers(0, 40, (40, 30, 3))
    return encoded(Image.fromarray((np.array(color) * 200 + noise).astype(np.uint8)), "JPEG", quality=95)


RED, GREEN, BLUE = np.eye(3)


@pytest.fixture
def colors(tmp_path):
    path = tmp_path / "colors"
    for name, color in (("a", RED), ("b", GREEN), ("c", BLUE)):
        (path / name).mkdir(parents=True)
        for i in range(2):
            (path / name / f"{i}.jpg").write_bytes(jpeg(color))
    return path


def test_what_cannot_be_read_is_skipped_and_named_and_tried_again(colors, tmp_path, network):
    results = tmp_path / "results"
    (colors / "a" / "0.jpg").write_bytes(jpeg(RED)[:-200])
    (colors / "b" / "0.jpg").unlink()
    (colors / "b" / "0.jpg").symlink_to(tmp_path / "later.jpg")  # a link that leads nowhere
    (colors / "b" / "1.xml").write_text("about 1.jpg")
    (colors / "d.jpg").write_bytes(jpeg(RED))
    row = folder.evaluate("small", colors, results)
    assert (len(row.good), row.unlabeled) == (4, 1)
    damaged, link = row.skipped
    assert damaged.startswith("a/0.jpg: not a complete image file: image file is truncated")
    assert link == "b/0.jpg: it cannot be read: No such file or directory"
    words = (
        "(2 files skipped, 1 images without a label); ANN 100.00 % (top-5 100.00 %), SNN 100.00 % (top-5 100.00 %); same answer 100.00 %"
    )
    assert words in folder.text("small", row)
    assert folder.evaluate("small", colors, results) == row  # nothing left to do
    assert (results / "answers.0.jsonl").read_text().count("it cannot be read") == 2
    (tmp_path / "later.jpg").write_bytes(jpeg(GREEN))
    assert folder.evaluate("small", colors, results) == folder.evaluate("small", colors, tmp_path / "anew")
    assert folder.read_answers(results)["b/0.jpg"] == folder.read_answers(tmp_path / "anew")["b/0.jpg"]


def test_every_count_counts_what_it_says():
    def answer(ann, snn):
        return {"label": 0, "ann": ann, "snn": snn, "spikes": 10}

    answers = [answer([0, 1], [0, 2]), answer([0, 1], [1, 0]), answer([1, 0], [2, 3]), answer([3, 4], [3, 4]), answer([0, 1], [2, 1])]
    answers = {f"{i}.jpg": a for i, a in enumerate(answers)} | {"x.jpg": {"damaged": "cut"}}
    layers = [(("silu", "spiking"), 10), (("conv", "linear"), 70), (("sigmoid", "spiking"), 4), (("silu", "spiking"), 6)]
    report = Report(tuple(Row(f"a{i}", *kind, neurons) for i, (kind, neurons) in enumerate(layers)), 0.0)
    assert folder.text("small", folder.Row(answers, 7, 1234, report)) == (
        "small: n = 5 (1 files skipped, 7 images without a label); "
        "ANN 60.00 % (top-5 80.00 %), SNN 20.00 % (top-5 40.00 %); "
        "same answer 40.00 %; 1,234 parameters, 3 layers that spike, 20 neurons (16 silu, 4 sigmoid), "
        "10 spikes per image, 0.5000 per neuron"
    )


def test_batches_change_no_answer(colors, tmp_path, network):
    (colors / "a" / "0.jpg").write_bytes(b"")
    one, four = (folder.evaluate("small", colors, tmp_path / str(batch), batch) for batch in (1, 4))
    assert one == four
    assert folder.read_answers(tmp_path / "1") == folder.read_answers(tmp_path / "4")


def test_a_table_gives_the_labels_that_subfolders_give(colors, tmp_path, network):
    by_folder, _ = folder.listing(colors, 3)
    numbered = tmp_path / "numbered"
    for label, name in enumerate("abc"):
        shutil.copytree(colors / name, numbered / f"{label:02}")
    assert [label for _, label in folder.listing(numbered, 3)[0]] == [label for _, label in by_folder] == [0, 0, 1, 1, 2, 2]
    shutil.rmtree(numbered / "01")
    assert [label for _, label in folder.listing(numbered, 3)[0]] == [0, 0, 2, 2]
    rows = "".join(f"{file},{label}\n" for file, label in reversed(by_folder))
    (colors / "labels.csv").write_text("\ufefffile,label\n\n" + rows, encoding="utf-8")
    assert folder.listing(colors, 3) == (by_folder, 0)
    (colors / "labels.csv").write_text("file,label\n" + rows.split("\n", 1)[1])
    assert folder.listing(colors, 3) == (by_folder[:-1], 1)


def test_relu_and_silu_get_the_published_neurons():
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.SiLU(), nn.Linear(3, 3))
    snn, report = folder._converted(network, torch.rand(1, 3), pytest.fail)
    relu, silu = (layer.params for layer in fs_layers(snn).values())
    assert relu == relu_code(25.0, 10, strict=True)
    assert (silu.K, report.by_activation) == (16, {"relu": 3, "silu": 3})


def test_neurons_that_nobody_published_are_fitted_to_images_of_the_folder(colors, tmp_path, network, quick_fits, monkeypatch):
    network[1] = nn.Hardswish()
    made, converted = [], folder._converted
    monkeypatch.setattr(folder, "_converted", lambda *given: made.append(converted(*given)) or made[-1])
    (colors / "c" / "1.jpg").write_bytes(b"")
    row = folder.evaluate("small", colors, tmp_path / "results")
    assert [a["ann"][0] == a["snn"][0] for a in row.good] == [True] * 5
    assert row.report.by_activation == {"hardswish": 3}
    whole = ("a/0.jpg", "a/1.jpg", "b/0.jpg", "b/1.jpg", "c/0.jpg")
    given = torch.cat([prepare(np.asarray(Image.open(colors / file))) for file in whole])
    by_hand, _ = convert(network, given[:1], given, K=16)
    snn = made[0].network
    assert snn.get_submodule("few_spike._1").params == by_hand.get_submodule("few_spike._1").params
    with torch.no_grad():  # it was made where nothing is recorded for gradients
        assert (snn(given) - network(given)).abs().max() < 0.01
    for path in colors.rglob("*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="colors: none of 6 images can be read, and the network's activations have no published neurons"):
        folder.evaluate("small", colors, tmp_path / "others")


# --- What is refused ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "message"), [
    ("name,label\na/0.jpg,0\n", r"the columns file and label, a whole number: .*not found: \['file'\]"),
    ("file,label\na/0.jpg,0\n\na/1.jpg,red\n", "invalid literal for int.*'red'"),
    ("file,label\n\xe9.jpg,0\n", "'utf-8' codec can't decode"),
    ('file,label\na/0.jpg,0\n"a/1.jpg,0\na/2.jpg,1\n', "EOF inside string"),
    ("file,label\na/0.jpg,3\n", "the label of 'a/0.jpg' is 3, and the network knows 0 to 2"),
    ("file,label\na/0.jpg,0\n./a//0.jpg,1\n", "'./a//0.jpg' was listed before"),
    ("file,label\na/../../x.jpg,0\n", r"there is no file 'a/\.\./\.\./x\.jpg' inside of the folder"),
    ("file,label\n/etc/hosts,0\n", "there is no file '/etc/hosts' inside of the folder"),
    ("file,label\n", "holds no image"),
])  # fmt: skip
def test_a_bad_table_is_refused(colors, table, message):
    (colors / "labels.csv").write_text(table, encoding="latin-1")
    (colors.parent / "x.jpg").touch()
    with pytest.raises(ValueError, match=message):
        folder.listing(colors, 3)


@pytest.mark.parametrize(("subfolders", "categories", "words"), [
    ("", 3, "has 0 subfolders, and the network knows 3 categories"),
    ("01", 3, "refused holds no image"),
    ("013", 3, "has the subfolder 3, and the network knows the categories 0 to 2"),
    ("abc", 2, r"has 3 subfolders, and the network knows 2 categories.*labels\.csv"),
    ("abc", 4, r"has 3 subfolders, and the network knows 4 categories.*labels\.csv"),
])  # fmt: skip
def test_a_folder_that_does_not_fit_is_refused(tmp_path, subfolders, categories, words):
    for name in ("", *subfolders):
        (tmp_path / "refused" / name).mkdir(parents=True)
    with pytest.raises(ValueError, match=words):
        folder.listing(tmp_path / "refused", categories)


@pytest.mark.parametrize("other", ["model", "image", "weight", "neurons"])
def test_results_of_something_else_are_refused(colors, tmp_path, network, monkeypatch, other):
    folder.evaluate("small", colors, tmp_path / "results")
    if other == "image":
        (colors / "a" / "0.jpg").rename(colors / "a" / "2.jpg")
    if other == "weight":
        network[2].weight.data[0, 0].fill_(1.5)
    if other == "neurons":
        monkeypatch.setattr(folder, "relu_code", lambda *_, **__: relu_code(25.0, 9, strict=True))
    words = r'belongs to another model, other images, weights or few-spike neurons.*\{"model": "small", "images": 6'
    with pytest.raises(ValueError, match=words):
        folder.evaluate("other" if other == "model" else "small", colors, tmp_path / "results")


def test_folders_that_cannot_be_are_refused_before_weights_are_downloaded(colors, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "model", lambda name: pytest.fail("asked for weights"))
    for place in (".", "results", "a/results"):
        with pytest.raises(ValueError, match=r"lies in the folder of images.*name another by --results"):
            folder.evaluate("small", colors, colors / place)
    assert {path.name for path in colors.iterdir()} == set("abc")
    with pytest.raises(ValueError, match="nowhere is no folder"):
        folder.evaluate("efficientnet_b7", tmp_path / "nowhere", tmp_path / "results")


@pytest.mark.parametrize("line", ["5", "[]", '{"label": 5}', '{"file": "a/0.jpg", "ann" [1]}'])
def test_a_damaged_line_of_results_is_refused_by_its_number(colors, tmp_path, network, line):
    folder.evaluate("small", colors, tmp_path)
    with (tmp_path / "answers.0.jsonl").open("a") as out:
        out.write(line + "\n")
    with pytest.raises(ValueError, match=r"answers\.0\.jsonl, line 7 is damaged: remove it"):
        folder.evaluate("small", colors, tmp_path)


@pytest.mark.parametrize("which", ["original", "converted"])
def test_answers_that_are_no_numbers_are_refused_with_the_name_of_the_image(colors, tmp_path, network, monkeypatch, which):
    if which == "original":
        network[0].weight.data[0, 0] = network[2].weight.data[0, 0] = 1e38  # too much for red; few spikes can say 25 at most
    else:
        monkeypatch.setattr(folder, "statistics", lambda snn, x: (torch.full((len(x), 3), torch.inf), None))
    with pytest.raises(ValueError, match=rf"a/0\.jpg: the {which} network gives outputs that are not finite"):
        folder.evaluate("small", colors, tmp_path)
    assert folder.read_answers(tmp_path) == {}


def test_the_command_line_prints_the_row_and_refuses_in_its_words(colors, tmp_path, network, monkeypatch, capsys):
    (colors / "a" / "0.jpg").write_bytes(b"")
    words = ["tools", "imagenet", "--model", "small", "--images", str(colors), "--results", str(tmp_path / "r"), "--batch", "2"]
    monkeypatch.setattr("sys.argv", words)
    commandline.main("snncore.tools")
    out, err = capsys.readouterr()
    assert out == folder.text("small", folder.evaluate("small", colors, tmp_path / "r")) + "\n"
    assert err.splitlines()[-2:] == [
        "skipped a/0.jpg: not a complete image file: its format is not known",
        f"answers are in {tmp_path / 'r'}",
    ]
    monkeypatch.setattr("sys.argv", [*words[:-1], "0"])
    with pytest.raises(SystemExit, match=r"error: batch is 0: give a whole number \(int\), 1 or more"):
        commandline.main("snncore.tools")


def test_the_console_script_hands_a_word_on(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["snncore", "peers", "--help"])
    with pytest.raises(SystemExit, match="0"):
        commandline.console()
    assert "architectures" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["snncore", "--help"])
    commandline.console()
    said = capsys.readouterr().out
    assert all(f"\n  {word} " in said for part in ("peers", "tools", "trainings") for word in commandline.commands(f"snncore.{part}"))
    monkeypatch.setattr("sys.argv", ["snncore", "cook"])
    with pytest.raises(SystemExit, match=r"usage: snncore \{peers,tools,trainings\}"):
        commandline.console()


# --- Weights ----------------------------------------------------------------------------------------------------------------------------


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
