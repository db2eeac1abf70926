"""Few-spike neurons for six functions, SiLU to leaky ReLU, by `snncore.few_spike.zoo`: ``python -m snncore.trainings few-spike``."""

import json
from pathlib import Path

from snncore.datafiles import TRAINING
from snncore.few_spike import FUNCTIONS, quality
from snncore.few_spike.zoo import ZOO, fit_zoo, zoo_document


def command(seed: int = 0, evaluations: int = 3_000_000, restarts: int = 4, file: Path | None = None) -> Path:
    """Fit our few-spike neurons and write them, with the published ones, to a file (twenty minutes).

    Parameters
    ----------
    seed : int
        Of the searches.
    evaluations : int
        Trials of thresholds and resets for each neuron.
    restarts : int
        Independent searches among which these are divided.
    file : path, optional
        Default: few_spike_coefficients.json in data/training.
    """
    file = file or TRAINING / "few_spike_coefficients.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    fits = fit_zoo(ZOO, evaluations, restarts, seed)
    words = f"python -m snncore.trainings few-spike --evaluations {evaluations} --restarts {restarts} --seed {seed}"
    text = json.dumps(zoo_document(fits.values(), words), indent=1, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")
    silu = fits["silu.k16"]
    error = quality(silu.params, FUNCTIONS[silu.function], silu.interval).mse
    print(f"{len(fits)} neurons in {file}; mean squared error of {silu.name}: {error:.3g}")
    return file
