"""The command ``python -m snncore.experiments``, and what its modules have in common."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import snncore.experiments
from snncore import ledger, record
from snncore.datafiles import DataError
from snncore.experiments import eprop, loihi
from snncore.experiments.__main__ import TOOLS, main
from snncore.learning.classifier import TrainingDiverged


def test_modules_are_experiments_or_tools():
    names = {module.name for module in pkgutil.iter_modules(snncore.experiments.__path__)}
    loaded = {name: importlib.import_module(f"snncore.experiments.{name}") for name in names - {"__main__"}}
    experiments = {name for name, module in loaded.items() if all(hasattr(module, word) for word in ("PRESETS", "config", "run"))}
    assert experiments == names - set(TOOLS)
    assert set(TOOLS) < names


def test_no_published_sentence_stands_in_code_a_second_time():
    """But for the answers to the talk's stories, which are data of the chapter: `test_relational` holds them against the list of claims."""
    words = {c.published: c.id for c in ledger.package_claims().values() if c.kind != "cited" and isinstance(c.published, str)}
    sentences = {text: id for text, id in words.items() if " " in text and not id.startswith("rel.example.")}
    assert "mem.ahp.equation" in sentences.values()
    for path in Path(snncore.experiments.__path__[0]).glob("*.py"):
        if path.name.startswith("one_shot"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            assert text not in sentences, f"{path.name}:{node.lineno} has the published words of {sentences[text]}: use record.verdict"


def test_a_run_prints_verdicts_and_numbers_that_are_only_known_to_lie_beyond_one(monkeypatch, capsys, tmp_path):
    def run(_, book):
        book.verdict("mem.ahp.equation", False)
        book.claim("eprop.pattern", 3.0, bound=">")

    monkeypatch.setattr("sys.argv", ["snncore.experiments", "loihi", "--preset", "book"])
    monkeypatch.setattr(loihi, "run", run)
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    assert main() == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert printed[:2] == [["mem.ahp.equation", "another", "equation", "differs"], ["eprop.pattern", ">", "3×", "agrees"]]


def test_a_preset_beside_a_command_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["snncore.experiments", "eprop", "--train", "random", "--preset", "smoke"])
    with pytest.raises(SystemExit):
        main()
    assert "--preset is for runs of a chapter: leave it out beside --train, which" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["memory", "--form", "full"], ["relational", "--kind", "snn"], ["eprop", "--keep", "x"]])
def test_words_that_do_nothing_alone_are_refused_before_a_chapter_runs(monkeypatch, capsys, words):
    monkeypatch.setattr("sys.argv", ["snncore.experiments", *words])
    with pytest.raises(SystemExit):
        main()
    assert f"{words[1]} does nothing alone: see --help" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [TrainingDiverged, DataError, ValueError])
@pytest.mark.parametrize(("experiment", "train", "value"), [(eprop, "train_evidence", "random")])
def test_what_a_command_refuses_is_said_without_a_traceback(monkeypatch, experiment, train, value, kind):
    def refused(*_, **__):
        raise kind("epoch 3: the loss is nan")

    monkeypatch.setattr(experiment, train, refused)
    name = experiment.__name__.rsplit(".", 1)[1]
    monkeypatch.setattr("sys.argv", ["snncore.experiments", name, "--train", value])
    with pytest.raises(SystemExit, match=r"^error: epoch 3: the loss is nan$"):
        main()


def test_data_that_a_chapter_lacks_is_said_without_a_traceback(monkeypatch, tmp_path):
    def refused(*_):
        raise DataError("MNIST is missing: get it from there")

    monkeypatch.setattr(eprop, "run", refused)
    monkeypatch.setenv("SNNCORE_RESULTS", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["snncore.experiments", "eprop", "--preset", "smoke"])
    with pytest.raises(SystemExit, match=r"^error: MNIST is missing: get it from there$"):
        main()


def test_a_negative_seed_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["snncore.experiments", "eprop", "--seed", "-1"])
    with pytest.raises(SystemExit):
        main()
    assert "argument --seed: -1 is negative: give 0 or more" in capsys.readouterr().err
