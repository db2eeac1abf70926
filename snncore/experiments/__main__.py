"""Run one experiment without its notebook: python -m snncore.experiments few_spike --preset book"""

import argparse
import importlib
import pkgutil
import sys

import snncore.experiments
from snncore import ledger
from snncore.datafiles import DataError
from snncore.learning.classifier import TrainingDiverged
from snncore.ledger import PRESETS
from snncore.record import Record, read_rows

TOOLS = ("__main__",)


def main() -> int:
    """Run, write to data/results/live/interactive/<preset>/<experiment>, print each claim with its verdict."""
    names = sorted(m.name for m in pkgutil.iter_modules(snncore.experiments.__path__) if m.name not in TOOLS)
    parser = argparse.ArgumentParser(prog="python -m snncore.experiments", description=__doc__)
    parser.add_argument("experiment", choices=names)
    parser.add_argument("--preset", choices=PRESETS, help="of a run of the chapter, or a training; book, if nothing is said")
    parser.add_argument("--seed", type=int, default=0)
    for word in sys.argv[1:2]:
        if word in names:  # its module may add words of its own
            getattr(importlib.import_module(f"snncore.experiments.{word}"), "options", lambda _: None)(parser)
    options = parser.parse_args()
    if options.seed < 0:
        parser.error(f"argument --seed: {options.seed} is negative: give 0 or more")
    common = "experiment", "preset", "seed"
    own = [name for name, value in vars(options).items() if name not in common and value != parser.get_default(name)]
    experiment = importlib.import_module(f"snncore.experiments.{options.experiment}")
    words = ", ".join(f"--{name.replace('_', '-')}" for name in own)
    if own and options.preset and options.preset not in getattr(experiment, "TRAINING_PRESETS", ()):
        parser.error(f"--preset is for runs of a chapter: leave it out beside {words}, which does one thing, always in the same way")
    try:
        if getattr(experiment, "command", lambda _: False)(options):
            return 0
        if own:
            parser.error(f"{words} does nothing alone: see --help for the word that says what to do")
    except (TrainingDiverged, ValueError) as error:  # what is refused, `DataError` included, in words that need no traceback
        raise SystemExit(f"error: {error}") from error
    preset = options.preset or "book"
    record = Record(options.experiment, preset)
    try:
        experiment.run(experiment.config(preset, options.seed), record)
    except DataError as error:
        raise SystemExit(f"error: {error}") from error
    record.close()
    rows = {row["id"]: row for row in read_rows(record.folder)}
    for entry in ledger.merge({id: ledger.package_claims()[id] for id in rows}, {}, rows):
        print(f"{entry['id']:32} {ledger.ours_text(entry):>16}  {entry['status']}")
    print(f"written to {record.folder}")
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # what a terminal cannot show, such as µ, ends no run
    sys.exit(main())
