"""Make the evaluation sets of this folder again from the whole data sets: ``python data/evaluation/make.py``.

The whole data sets have to be on this machine: ``python -m snncore.datafiles`` lists them and says how to get them. Another version of
Pillow or numpy may write other bytes; then put the sizes and checksums that this program prints into data/datasets.toml.
"""

import csv
import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from snncore import datafiles
from snncore.tasks import data_sets, spoken_words

HERE = Path(__file__).parent
WEBP_QUALITY = 85


def mnist() -> None:
    """The files of the 10,000 test images, as they are."""
    for name, path in datafiles.find("mnist").paths.items():
        if "t10k" in name:
            shutil.copyfile(path, HERE / Path(name).name)


def stories() -> None:
    """The 20 test files of en-10k, and the training file of task 4, which repeats questions of the test."""
    texts = data_sets.read_babi()
    with tarfile.open(HERE / "babi_test.tar.xz", "w:xz", preset=9) as tar:
        for name in sorted(texts):
            if name.startswith("en-10k/") and (name.endswith("_test.txt") or "qa4_" in name):
                data = texts[name].encode("ascii")
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def omniglot() -> None:
    """All images of the 20 evaluation alphabets, in full size, 1 bit per pixel."""
    whole = data_sets.read_omniglot()
    images, character, drawer, alphabet = (a[whole.is_eval] for a in (whole.images, whole.character, whole.drawer, whole.alphabet))
    characters, index = np.unique(character, return_inverse=True)
    alphabets, of = np.unique(alphabet, return_inverse=True)
    np.savez_compressed(
        HERE / "omniglot_evaluation.npz", images=np.packbits(images.reshape(len(images), -1), axis=1),
        char=index.astype(np.int16), chars=np.array(whole.characters)[characters], alphabet=of.astype(np.int8),
        alphabets=np.array(whole.alphabets)[alphabets], drawer=drawer.astype(np.int8), is_eval=np.ones(len(images), bool),
    )  # fmt: skip


def words() -> None:
    """The held-out words by held-out speakers, who are those that `snncore.tasks.spoken_words.places` finds in the whole set."""
    whole = data_sets.read_spoken_words()
    places = spoken_words.held_out(whole)
    waves = [whole.waveforms[k].astype(np.int32) for k in places]
    np.savez_compressed(
        HERE / "words_evaluation.npz", delta=np.concatenate([np.diff(w, prepend=0).astype(np.int16) for w in waves]),
        offsets=np.cumsum([0, *map(len, waves)]), word=np.array([whole.words[k] for k in places]),
        speaker=np.array([whole.speakers[k] for k in places]),
    )  # fmt: skip


def photographs() -> None:
    """The 700 photographs as WebP, in two archives, and a table of their labels, authors and licenses."""
    (path,) = datafiles.find("photographs_700_jpeg").paths.values()
    with np.load(path, allow_pickle=False) as whole:
        z = {key: whole[key] for key in whole.files}
    names = [str(name) for name in z["image_id"]]
    with (HERE / "photographs.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["image", "label", "author", "license", "landing_url"])
        table.writerows(zip(names, z["label"].tolist(), *(z[key].tolist() for key in ("author", "license", "landing_url")), strict=True))
    for part, chosen in enumerate(np.array_split(np.arange(len(names)), 2), 1):
        with zipfile.ZipFile(HERE / f"photographs_{part}.zip", "w") as archive:
            for k in chosen:
                image, encoded = Image.open(io.BytesIO(z["jpeg"][z["offsets"][k] : z["offsets"][k + 1]].tobytes())), io.BytesIO()
                image.convert("RGB").save(encoded, "WEBP", quality=WEBP_QUALITY, method=6)
                archive.writestr(zipfile.ZipInfo(f"{names[k]}.webp"), encoded.getvalue())


if __name__ == "__main__":
    for make in (mnist, stories, omniglot, words, photographs):
        make()
    for path in sorted(HERE.iterdir()):
        if path.is_file() and path.suffix not in (".md", ".py"):
            print(f'{{ path = "{path.name}", bytes = {path.stat().st_size}, sha256 = "{datafiles.sha256(path)}" }},')
