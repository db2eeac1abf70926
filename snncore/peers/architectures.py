"""Which classifiers of timm and of Hugging Face's transformers convert, with random weights: ``python -m snncore.peers architectures``.

In the environment of this package: ``pip install timm transformers``. The table is kept in ``data/peers/architectures.csv``.
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

TIMM = [
    "resnet18", "convnext_atto", "efficientnet_b0", "tf_efficientnetv2_b0", "mixer_s32_224", "regnety_002", "poolformer_s12",
    "densenet121", "inception_v3", "fastvit_t8", "repvit_m1", "hgnetv2_b0", "dm_nfnet_f0", "ghostnet_100", "coatnet_nano_rw_224",
    "mobilenetv4_conv_small", "efficientformer_l1", "cait_xxs24_224", "hrnet_w18_small", "res2net50_26w_4s", "vit_tiny_patch16_224",
    "deit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "eva02_tiny_patch14_224", "beit_base_patch16_224", "pit_ti_224",
    "davit_tiny", "vit_small_patch16_dinov3", "xcit_nano_12_p16_224", "edgenext_xx_small", "vgg11", "tf_efficientnet_lite0",
    "maxvit_rmlp_pico_rw_256", "mobilevit_xxs", "tiny_vit_5m_224", "efficientvit_b0", "mobilenetv3_small_100", "levit_128s",
    "convnextv2_atto", "resmlp_12_224", "volo_d1_224",
]  # fmt: skip
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
    asked = [("timm", name) for name in TIMM] + [("transformers", name) for name in HUGGING_FACE]
    rows = []
    for library, name in asked:
        rows.append(converted(library, name))
        print(f"{name}: {rows[-1].get('refused', 'converts')}", flush=True)
    path = file or package_file("peers") / "architectures.csv"
    path.write_text(pd.DataFrame(rows).to_csv(index=False), encoding="utf-8")
    return path
