import json
import subprocess
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from quotes import ours_text
from snncore import ledger, plotting, provenance
from snncore import record as record_module
from snncore.record import Record, read_rows

NUMBER = ledger.Claim("a.b", "few_spike", "slide 1", "q", "reproduced", "talk", "s", published=2.0, tolerance=0.1)
CLAIMS = {claim.id: claim for claim in (
    NUMBER, replace(NUMBER, id="speed.a", chapter="speed"), replace(NUMBER, id="a.cited", kind="cited", tolerance=None),
    replace(NUMBER, id="a.words", published="it learns", tolerance=None, otherwise="it does not"),
)}  # fmt: skip


def test_record_writes_the_same_bytes_twice(tmp_path):
    contents, others = [], tmp_path / "not ours"
    others.touch()
    for _ in range(2):
        record = Record("c", "book", tmp_path, CLAIMS)
        plotting.style()
        fig, ax = plt.subplots()
        ax.plot([1, 2], label="a")
        ax.legend()
        record.figure(fig, "plot", pd.DataFrame({"y": [1.0, 2.0]}))
        record.table(pd.DataFrame({"a": [1]}), "table")
        record.value("v", 1 / 3, "{:.2f}")
        record.claim("a.b", 2, n=1)
        record.timing("t", 1.0)
        contents.append({p.name: p.read_bytes() for p in record.folder.iterdir() if p.name != "timings.json"})
        plt.close(fig)
    assert contents[0] == contents[1]
    assert others.exists()
    assert set(contents[0]) == {"plot.svg", "plot.pdf", "plot.png", "plot.data.csv", "table.csv", "values.json", "rows.json"}
    assert json.loads(contents[0]["values.json"])["v"]["text"] == "0.33"


def test_timed_claims_are_kept_apart(tmp_path):
    record = Record("c", "book", tmp_path, CLAIMS)
    record.claim("speed.a", np.float32(1.5), timing=True)
    record.claim("a.b", np.int64(300), bound=">")
    assert [row["id"] for row in json.loads((tmp_path / "c" / "rows.json").read_text())] == ["a.b"]
    rows = {row["id"]: row for row in read_rows(tmp_path / "c")}
    assert {id: row["ours"] for id, row in rows.items()} == {"a.b": 300, "speed.a": 1.5}
    assert [ours_text(entry) for entry in ledger.merge(CLAIMS, {}, rows)[:2]] == ["> 300", "1.5"]


def test_words_hold_or_do_not_and_stand_in_the_list_of_claims_alone(tmp_path):
    for holds, shown in ((True, "it learns"), (False, "it does not")):
        Record("c", "book", tmp_path, CLAIMS).verdict("a.words", holds, n=3)
        rows = {row["id"]: row for row in read_rows(tmp_path / "c")}
        assert "it " not in (tmp_path / "c" / "rows.json").read_text()
        entries = {entry["id"]: entry for entry in ledger.merge(CLAIMS, {}, rows)}
        assert [entries["a.words"][field] for field in ("ours", "n", "status")] == [shown, 3, "agrees" if holds else "differs"]


def test_bad_entries_are_refused(tmp_path):
    record = Record("c", "book", tmp_path, CLAIMS)
    record.claim("a.b", 1.0)
    with pytest.raises(ValueError, match=r"claim 'a\.b' is entered twice"):
        record.claim("a.b", 2.0)
    for enter in (record.claim, record.value, record.timing):
        with pytest.raises(ValueError, match="x is nan"):
            enter("x", float("nan"))
    for id, words in (("a.c", r"the chapter c has a number for 'a\.c', which is no claim"), ("a.cited", "a claim of kind cited")):
        with pytest.raises(ValueError, match=words):
            record.claim(id, 1.0)
        with pytest.raises(ValueError, match=r"no claim|has no published words"):
            record.verdict(id, True)
    with pytest.raises(ValueError, match=r"speed\.a is nan"):
        record.claim("speed.a", 2.0, low=float("nan"))
    with pytest.raises(ValueError, match=r"speed\.a: bound is '>=' beside 2\.0"):
        record.claim("speed.a", 2.0, bound=">=")
    with pytest.raises(ValueError, match="preset is 'huge': choose one of smoke, book, paper"):
        Record("c", "huge", tmp_path)


def test_a_run_by_hand_never_touches_what_the_book_shows(tmp_path, monkeypatch):
    monkeypatch.delenv("SNNCORE_RESULTS", raising=False)
    monkeypatch.setattr(record_module, "RESULTS", tmp_path)
    assert Record("c", "smoke").folder == tmp_path / "live" / "interactive" / "smoke" / "c"
    monkeypatch.setenv("SNNCORE_RESULTS", str(tmp_path))  # as the runner of the chapters does
    assert Record("c", "smoke").folder == tmp_path / "c"


def test_the_commit_is_that_of_the_folder_itself(tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True, capture_output=True)

    inside = tmp_path / "copy"
    inside.mkdir()
    assert provenance.commit(tmp_path) == "unknown"
    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "a")
    sha = provenance.commit(tmp_path)
    assert len(sha) == 10
    for name, content, back in (("a", "2", "1"), ("b", "1", None)):  # changed; new, as a module that a run could import
        (tmp_path / name).write_text(content)
        assert provenance.commit(tmp_path) == sha + "+"
        if back:
            (tmp_path / name).write_text(back)
            assert provenance.commit(tmp_path) == sha
    assert provenance.commit(inside) == "unknown"  # a copy without git of its own, in somebody's repository
