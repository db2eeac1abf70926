"""The command that scores a folder of official runs."""

from snncore.tools import runs
from tests.tasks.test_symbols import official


def test_a_folder_of_runs_is_scored(tmp_path, capsys):
    official(tmp_path)
    runs.command(tmp_path)
    first, last = capsys.readouterr().out.splitlines()
    name, wrong = first.split()
    assert name == "run01"
    assert last == f"wrong answers, mean of 1 runs: {wrong} %"
