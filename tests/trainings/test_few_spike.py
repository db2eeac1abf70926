from snncore.few_spike import read_sets
from snncore.few_spike.zoo import ZOO
from snncore.trainings.few_spike import command


def test_the_command_writes_what_the_package_reads(tmp_path, capsys):
    sets = read_sets(command(seed=1, evaluations=40, restarts=1, file=tmp_path / "new" / "sets.json"))
    assert set(sets) == set(read_sets())
    fitted = {name: s for name, s in sets.items() if s.origin == "fitted"}
    assert set(fitted) == set(ZOO)
    assert {s.source for s in fitted.values()} == {"python -m snncore.trainings few-spike --evaluations 40 --restarts 1 --seed 1"}
    assert capsys.readouterr().out.startswith("27 neurons in ")
