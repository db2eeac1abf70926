"""Which classifiers of timm and of Hugging Face's transformers convert, with random weights: ``python -m snncore.peers architectures``.

In the environment of this package: ``pip install timm transformers``. The table is kept in ``data/peers/architectures.csv``; its rows say
which models are tried, and a new one needs but library and name.
"""

import importlib
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from snncore.datafiles import package_file
from snncore.few_spike.convert import convert
from snncore.few_spike.operations import ConversionError
from snncore.seeds import seeded_draws, torch_generator

_TRANSFORMER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
_CONVOLUTIONS = {"hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1]}
HUGGING_FACE: dict[str, dict[str, Any]] = {  # small configurations: what is asked is whether the code of a model converts
    "ViT": _TRANSFORMER | {"image_size": 32, "patch_size": 8},
    "ConvNext": _CONVOLUTIONS,
    "ResNet": _CONVOLUTIONS | {"embedding_size": 8},
    "Bert": _TRANSFORMER,
}


def model(library: Any, name: str) -> tuple[nn.Module, Tensor]:
    """A model with random weights, and two inputs."""
    g = torch_generator(0, name)
    with seeded_draws(0, name):
        if name not in HUGGING_FACE:
            network = library.create_model(name)
            return network, torch.randn(2, *network.default_cfg["input_size"], generator=g)
        kind = "Sequence" if name == "Bert" else "Image"
        network = getattr(library, f"{name}For{kind}Classification")(getattr(library, f"{name}Config")(**HUGGING_FACE[name]))
    return network, torch.randint(50, (2, 7), generator=g) if name == "Bert" else torch.randn(2, 3, 32, 32, generator=g)


def converted(library: str, name: str) -> dict[str, Any]:
    """What becomes of a model at K = 16, without calibration; why, if it is refused."""
    row: dict[str, Any] = {"library": f"{library} {metadata.version(library)}", "model": name}
    network, x = model(importlib.import_module(library), name)
    try:
        report = convert(network.eval(), x, K=16).report
    except ConversionError as error:
        return row | {"refused": str(error)}
    analog = sorted({r.operation.lower() for r in report.rows if r.kind == "analog"})
    spiking = {"activations": ", ".join(report.by_activation), "layers": len(report.spiking), "neurons": report.neurons}
    return row | spiking | {"analog": ", ".join(analog)}


def command(file: Path | None = None) -> Path:
    """Try all models, and write the table (half an hour).

    Parameters
    ----------
    file
        Default: the one that the book shows.
    """
    kept, rows = package_file("peers/architectures.csv"), []
    for library, name in pd.read_csv(kept)[["library", "model"]].to_numpy():
        rows.append(converted(library.split()[0], name))
        print(f"{name}: {rows[-1].get('refused', 'converts')}", flush=True)
    (file or kept).write_text(pd.DataFrame(rows).to_csv(index=False), encoding="utf-8")
    return file or kept
