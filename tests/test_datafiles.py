"""Finding, fetching and reading data; the compact files and the official archives read to the same arrays."""

import gzip
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import time
import wave
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from data import inked
from snncore import datafiles
from snncore.datafiles import DataError, DataSet, File, Form
from snncore.tasks import data_sets


def file_of(path: str, content: bytes, urls: tuple[str, ...] = ()) -> File:
    return File(path, len(content), hashlib.sha256(content).hexdigest(), urls)


def register(monkeypatch, tmp_path, name: str, *forms: tuple[str, dict[str, bytes]]) -> Path:
    """Make ``name`` a data set of these forms, the files of the first one lying in data/raw."""
    raw = tmp_path / "raw"
    for path, content in forms[0][1].items():
        (raw / path).parent.mkdir(parents=True, exist_ok=True)
        (raw / path).write_bytes(content)
    made = tuple(Form(form, tuple(file_of(p, c) for p, c in files.items()), None) for form, files in forms)
    monkeypatch.setattr(datafiles, "RAW", raw)
    monkeypatch.delenv("SNNCORE_DATA", raising=False)
    monkeypatch.setattr(datafiles, "registry", lambda: {name: DataSet(name, "t", "MIT", "c", "ask the owner", made)})
    return raw


CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def address(monkeypatch, tmp_path):
    """The address of a file with this content; downloads go to the folder ``raw``."""
    monkeypatch.setattr(datafiles, "RAW", tmp_path / "raw")
    (tmp_path / "served").write_bytes(CONTENT)
    return (tmp_path / "served").as_uri()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_a_download_is_verified_and_renamed_and_the_next_address_tried(address, tmp_path):
    folder = tmp_path / "raw" / "sub"
    folder.mkdir(parents=True)
    (folder / "a.bin.part").write_bytes(b"what a kill has left")
    path = datafiles.download(file_of("sub/a.bin", CONTENT, ("http://127.0.0.1:9/nothing", address)))
    assert (path, path.read_bytes()) == (folder / "a.bin", CONTENT)
    assert names(folder) == ["a.bin"]


def test_what_is_broken_off_or_wrong_is_never_kept(address, tmp_path):
    with pytest.raises(DataError, match=r"the download failed \(file:.*/served: it has another sha256 than the registered one\)"):
        datafiles.download(File("a.bin", len(CONTENT), "0" * 64, (address,)))
    (tmp_path / "served").write_bytes(CONTENT[:300_000])
    with pytest.raises(DataError, match=r"it has 300,000 bytes instead of 1,024,000"):
        datafiles.download(file_of("a.bin", CONTENT, (address,)))
    assert names(tmp_path / "raw") == []


def test_processes_that_want_one_file_wait_for_each_other(address, tmp_path):
    raw = tmp_path / "raw"
    with ThreadPoolExecutor(4) as pool:
        with datafiles.alone(raw):
            waiting = [pool.submit(datafiles.download, file_of("a.bin", b"12", (address,))) for _ in range(4)]
            time.sleep(0.2)
            assert not any(one.done() for one in waiting)
            (raw / "a.bin").write_bytes(b"12")  # what the first one leaves
        assert {one.result() for one in waiting} == {raw / "a.bin"}


INSIDE = "import sys\nfrom snncore.datafiles import alone, Path\nwith alone(Path(sys.argv[1])):\n    print('in', flush=True)\n    input()"


def test_one_process_is_inside_and_leaves_when_it_is_killed(tmp_path):
    folder = tmp_path / "new" / "folder"
    with subprocess.Popen([sys.executable, "-c", INSIDE, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline().strip() == b"in"
        with pytest.raises(DataError, match="not now"), datafiles.alone(folder, "not now"):
            pytest.fail("both are inside")
        other.kill()
        other.wait()
        with datafiles.alone(folder, "not now"):
            assert names(folder) == []
    with datafiles.alone(folder, "not now"), pytest.raises(DataError, match="not now"), datafiles.alone(folder, "not now"):
        pytest.fail("this process is inside twice")


def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    folder = tmp_path / "file" / "a"
    message = rf"^{re.escape(str(folder))} cannot be written \(.*\): make it a folder that you may write$"
    with pytest.raises(DataError, match=message), datafiles.alone(folder):
        pytest.fail("inside of no folder")


def test_a_copy_outside_of_a_checkout_keeps_its_files_with_the_user(tmp_path):
    (tmp_path / "snncore").mkdir()
    (tmp_path / "snncore" / "__init__.py").touch()
    shutil.copy(datafiles.__file__, tmp_path / "snncore")
    script = "from snncore import datafiles as d; print(d.RAW, d.RESULTS, d.TRAINING, sep='\\n')"
    out = subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path, capture_output=True, text=True).stdout
    raw, results, training = map(Path, out.splitlines())
    assert results.parent == training.parent != raw.parents[1]
    assert not any(path.is_relative_to(tmp_path) for path in (raw, results, training))


def test_order_of_places(address, monkeypatch, tmp_path):
    raw, own = tmp_path / "raw" / "a.bin", tmp_path / "own" / "a.bin"
    own.parent.mkdir()
    monkeypatch.setenv("SNNCORE_DATA", str(own.parent))
    dataset = DataSet("d", "t", "MIT", "c", "", (Form("official", (file_of("a.bin", CONTENT, (address,)),), None),))
    monkeypatch.setattr(datafiles, "registry", lambda: {"d": dataset})
    assert datafiles.locate("d") is None
    assert datafiles.find("d").paths["a.bin"] == raw  # downloaded
    raw.rename(own)
    assert datafiles.find("d").paths["a.bin"] == own
    raw.write_bytes(CONTENT)
    assert datafiles.find("d").paths["a.bin"] == raw


def test_what_cannot_be_had_or_is_damaged_is_explained(monkeypatch, tmp_path):
    raw = register(monkeypatch, tmp_path, "d", ("official", {"a.bin": b"1234"}))
    for content, fault in ((b"12345", "it has 5 bytes instead of 4"), (b"1235", "it has another sha256 than the registered one")):
        (raw / "a.bin").write_bytes(content)
        with pytest.raises(DataError, match=rf"a\.bin is damaged or another version: {fault}\. Remove it"):
            datafiles.find("d")
    (raw / "a.bin").unlink()
    with pytest.raises(DataError, match=r"'d' \(t; 0\.0 MB; license: MIT\) is not on this machine.*By hand: ask the owner.*a\.bin"):
        datafiles.find("d")
    with pytest.raises(DataError, match="no data set 'e' is registered: there are d"):
        datafiles.find("e")
    monkeypatch.setattr(datafiles, "ROOT", tmp_path)
    (tmp_path / "data" / "evaluation").mkdir(parents=True)
    (tmp_path / "data" / "evaluation" / "a.bin").write_bytes(b"1235")
    with pytest.raises(DataError, match=r"a\.bin is damaged .* Restore it: git checkout data/evaluation"):
        datafiles.find("d")


def test_what_comes_with_a_checkout_is_restored_by_git():
    own = [known for known in datafiles.registry().values() if known.forms[0].name in datafiles.OWN]
    assert own
    assert all(f"git checkout data/{known.forms[0].name}" in known.by_hand for known in own)


def test_a_bad_or_missing_file_is_named_and_not_a_good_one_of_another_form(monkeypatch, tmp_path):
    """Both forms have the same names, as MNIST's official files and those that are recompressed."""
    official, npm = ({f"{name}.gz": text * k for name in "abc"} for text, k in ((b"official", 2), (b"npm", 3)))
    raw = register(monkeypatch, tmp_path, "d", ("official", official), ("npm", npm))
    for path, content in npm.items():
        (raw / path).write_bytes(content)
    assert datafiles.find("d").form == "npm"
    (raw / "b.gz").write_bytes(b"np")
    with pytest.raises(DataError, match=r"^[^ ]*b\.gz is damaged or another version: it has 2 bytes instead of 9\.[^;]*$"):
        datafiles.find("d")
    (raw / "b.gz").unlink()
    assert datafiles.locate("d") is None
    with pytest.raises(DataError, match=r"of its form 'npm', [^ ]*b\.gz is missing\. By hand: ask the owner"):
        datafiles.find("d")


def idx(array: np.ndarray) -> bytes:
    header = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def test_mnist_reads_idx_files(monkeypatch, tmp_path):
    images, labels = np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256, np.array([7, 2, 1])
    files = {
        f"mnist/{stem}-{kind}-ubyte.gz": idx(a)
        for stem in ("train", "t10k")
        for kind, a in (("images-idx3", images), ("labels-idx1", labels))
    }
    register(monkeypatch, tmp_path, "mnist", ("official", files))
    test = data_sets.read_mnist()["test"]
    assert np.array_equal(test.images, images)
    assert np.array_equal(test.labels, labels)


def tar(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_cifar10_reads_the_binary_archive(monkeypatch, tmp_path):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (6, 2, 3, 32, 32), dtype=np.uint8)
    labels = generator.integers(0, 10, (6, 2), dtype=np.uint8)
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    rows = np.concatenate([labels[..., None], images.reshape(6, 2, -1)], 2)  # a label, then its image
    members = {f"cifar-10-batches-bin/{name}": row.tobytes() for name, row in zip(names, rows, strict=True)}
    register(monkeypatch, tmp_path, "cifar10", ("official", {"cifar-10-binary.tar.gz": tar(members)}))
    found = data_sets.read_cifar10()
    assert found["train"].images.shape == (10, 32, 32, 3)
    assert np.array_equal(found["test"].images, images[5].transpose(0, 2, 3, 1))
    assert np.array_equal(found["train"].labels, labels[:5].ravel())


def test_omniglot_reads_the_same_from_both_forms(monkeypatch, tmp_path):
    """Three alphabets with two characters by three drawers; the first alphabet is for evaluation."""
    ink, (char, drawer) = np.random.default_rng(0).random((18, 105, 105)) < 0.1, np.divmod(np.arange(18), 3)
    alphabets = ["Angelic", "Bengali", "Latin"]
    chars, alphabet = [f"{name}/character{c:02d}" for name in alphabets for c in (1, 2)], char // 2
    archives = {name: io.BytesIO() for name in ("images_evaluation", "images_background")}
    for k in reversed(range(18)):
        part = "images_background" if alphabet[k] else "images_evaluation"
        with zipfile.ZipFile(archives[part], "a") as archive:
            archive.writestr(f"{part}/{chars[char[k]]}/0001_{drawer[k] + 1:02d}.png", inked(ink[k]))
    register(monkeypatch, tmp_path, "omniglot", ("official", {f"{part}.zip": out.getvalue() for part, out in archives.items()}))
    official, compact = data_sets.read_omniglot(), io.BytesIO()
    images, where = np.packbits(ink.reshape(18, -1), axis=1), {"alphabet": alphabet, "alphabets": alphabets, "is_eval": alphabet == 0}
    np.savez(compact, images=images, char=char, drawer=drawer + 1, **where)
    register(monkeypatch, tmp_path, "omniglot", ("compact", {"omniglot_105_packbits.npz": compact.getvalue()}))
    for a, b in zip(official, data_sets.read_omniglot(), strict=True):
        assert np.array_equal(a, b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
    np.savez(tmp_path / "code.npz", a=np.array([print], dtype=object))
    with pytest.raises(DataError, match=r"code\.npz: Object arrays cannot be loaded"):
        datafiles.npz(tmp_path / "code.npz")
    (tmp_path / "code.npz").write_bytes((tmp_path / "code.npz").read_bytes()[:50])
    with pytest.raises(DataError, match=r"code\.npz: "):
        datafiles.npz(tmp_path / "code.npz")


def test_spoken_words_read_the_official_archive(monkeypatch, tmp_path):
    waves = {"yes": np.arange(-8000, 8000, dtype=np.int16), "no": np.zeros(16000, np.int16)}
    members = {"./_background_noise_/a.wav": b"", "./README.md": b""}
    for word, samples in waves.items():
        out = io.BytesIO()
        with wave.open(out, "wb") as sound:
            sound.setparams((1, 2, 16000, 0, "NONE", None))  # one channel, two bytes
            sound.writeframes(samples.tobytes())
        members[f"./{word}/0a1b2c3d_nohash_0.wav"] = out.getvalue()
    register(monkeypatch, tmp_path, "speech_commands", ("official", {"speech_commands_test_set_v0.02.tar.gz": tar(members)}))
    found = data_sets.read_spoken_words()
    assert (found.words, found.speakers) == (["no", "yes"], ["0a1b2c3d", "0a1b2c3d"])
    assert np.array_equal(found.waveforms[1], waves["yes"])


def test_babi_reads_text_and_nothing_else(monkeypatch, tmp_path):
    members = {
        "tasks_1-20_v1-2/en/qa1_single-supporting-fact_train.txt": b"1 Mary moved to the bathroom.\n",
        "tasks_1-20_v1-2/hn/qa1_single-supporting-fact_train.txt": b"x",
        "tasks_1-20_v1-2/README.txt": b"x",
        "../../outside/en/qa2.txt": b"2 never written to disk\n",
    }
    register(monkeypatch, tmp_path, "babi", ("official", {"tasks_1-20_v1-2.tar.gz": tar(members)}))
    found = data_sets.read_babi()
    assert found["en/qa1_single-supporting-fact_train.txt"] == "1 Mary moved to the bathroom.\n"
    assert not (tmp_path.parent / "outside").exists()
    assert set(found) == {"en/qa1_single-supporting-fact_train.txt", "en/qa2.txt"}
