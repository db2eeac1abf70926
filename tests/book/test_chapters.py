"""Running chapters: what makes one stale, what a failure leaves, what is written down."""

import hashlib
import json
import os

import pytest

import chapters
from book.conftest import CLAIM, chapter
from project import BookError
from snncore import datafiles


def run(project, *words):
    return chapters.main(project, ["run", "--preset", "smoke", *words])


def test_a_run_is_complete_cached_and_byte_identical(project, capsys, monkeypatch):
    assert run(project) == 0
    manifest = project.manifest("smoke", "first")
    assert manifest["status"] == "ok"
    assert manifest["seconds"] > 0
    assert manifest["peak_memory_mb"] > 50
    assert {"commit", "versions", "machine", "seed", "outputs", "key_parts"} <= set(manifest)
    ledger = json.loads((project.live / "ledger.json").read_text())
    assert ledger[0] | {"id": "a.b", "ours": 2.1, "n": 3, "status": "agrees", "live": True, "preset": "smoke"} == ledger[0]
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(chapters, "run_chapter", lambda *_: pytest.fail("nothing has changed, and yet a chapter runs"))
        assert run(project) == 0
    assert "first: up to date\nsecond: up to date" in capsys.readouterr().out
    assert chapters.main(project, ["again", "--preset", "smoke"]) == 0
    assert "byte-identical" in capsys.readouterr().out


def test_staleness_is_by_content_and_says_why(project, capsys):
    assert run(project) == 0

    def check():
        capsys.readouterr()
        status = chapters.main(project, ["check", "--preset", "smoke"])
        return status, capsys.readouterr().out

    for path in project.root.rglob("*.py"):  # times mean nothing
        path.touch()
    assert check() == (0, "first: up to date\nsecond: up to date\n")
    source = project.root / "notebooks" / "first.py"
    text = source.read_text()
    source.write_text(text.replace("The number is", "This number is"))  # prose does not run a chapter again
    assert check()[0] == 0
    source.write_text(text.replace("2.1", "2.05"))
    status, out = check()
    assert status == 1
    assert "first: out of date: code changed" in out
    assert "second: out of date: needs changed (first)" in out
    source.write_text(text)
    (project.root / "data" / "input.txt").write_text("2")
    assert "inputs changed (data/input.txt)" in check()[1]
    (project.root / "data" / "input.txt").write_text("1")
    (project.root / "data" / "input_2.txt").write_text("of the same pattern")
    assert "inputs changed (data/input_2.txt)" in check()[1]
    (project.root / "data" / "input_2.txt").unlink()
    values = project.results("smoke", "first") / "values.json"
    values.write_text(values.read_text().replace("2.1", "9.9"))
    assert "first: out of date: its outputs are not what it wrote" in check()[1]
    assert (
        "second: out of date: it has not been run at this preset"
        in (
            chapters.main(project, ["check", "--preset", "book"]),
            capsys.readouterr().out,
        )[1]
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('raise RuntimeError("boom")', "RuntimeError: boom"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "DeadKernelError"),
        ('record.value("number", float("nan"))', "only finite numbers are recorded"),
    ],
)
def test_a_failed_chapter_is_set_aside_and_its_dependents_skipped(project, capsys, code, words):
    assert run(project) == 0
    before = {name: project.manifest("smoke", name) for name in ("first", "second")}
    chapter(project.root, "first", code)
    capsys.readouterr()
    assert run(project) == 1
    captured = capsys.readouterr()
    assert words in captured.out
    assert "second: skipped, since it needs first" in captured.out
    assert "The book was not built; the previous one is as it was" in captured.err
    assert {name: project.manifest("smoke", name) for name in ("first", "second")} == before  # the good runs are still there
    assert project.intact("smoke", "first")
    failed = json.loads((project.build / "failed" / "smoke" / "first.json").read_text())
    assert failed["status"] == "error"
    assert words.split(":")[0] in failed["error"]


def test_a_cell_that_takes_too_long_fails(project, capsys, monkeypatch):
    monkeypatch.setitem(chapters.TIMEOUT, "smoke", 3)
    chapter(project.root, "first", "import time; time.sleep(60)")
    assert run(project) == 1
    assert "CellTimeoutError" in capsys.readouterr().out


def test_other_chapters_run_although_one_fails(project):
    chapter(project.root, "first", 'raise RuntimeError("boom")')
    chapter(project.root, "second", 'record.value("number", 7)')
    assert run(project) == 1
    assert project.manifest("smoke", "second")["status"] == "ok"
    assert project.manifest("smoke", "first") is None


def test_one_chapter_brings_what_it_needs(project):
    assert run(project, "--chapter", "second") == 0
    assert project.manifest("smoke", "first") is not None
    with pytest.raises(BookError, match=r"no chapter 'third': there are first, second"):
        run(project, "--chapter", "third")


def test_a_number_without_claim_stops_the_run(project):
    chapter(project.root, "first", 'record.claim("a.c", 1.0)\nrecord.value("number", 1)')
    with pytest.raises(ValueError, match=r"this run has a number for 'a\.c', which is no claim"):
        run(project)


def test_a_broken_ledger_stops_before_anything_runs(project):
    (project.root / "data" / "claims.toml").write_text(CLAIM.format(id="a.b").replace("tolerance", "tolerence"))
    with pytest.raises(ValueError, match=r"claim 'a\.b' has an unknown field 'tolerence'"):
        run(project)
    assert project.manifest("smoke", "first") is None


def test_a_claim_that_was_met_and_fails_now_stops_the_book(project):
    row = {"id": "a.b", "ours": 2.0, "preset": "book", "commit": "abc", "seconds": 1.0, "machine": "m"}
    (project.root / "data" / "results" / "first.json").write_text(json.dumps([row]))
    chapter(project.root, "first", 'record.claim("a.b", 2.5)\nrecord.value("number", 2.5)')
    (project.root / "data" / "results" / "ledger.json").write_text(json.dumps([{"id": "a.b", "status": "agrees"}]))
    with pytest.raises(BookError, match=r"claim a\.b \(a number\): this run gives 2\.5, published is 2\.0 ± 10\.00%.*'agrees'"):
        run(project)


def test_an_edited_claim_that_no_longer_holds_stops_the_book(project):
    assert run(project) == 0
    (project.root / "data" / "results" / "ledger.json").write_text((project.live / "ledger.json").read_text())
    claims = project.root / "data" / "claims.toml"
    claims.write_text(claims.read_text().replace("published = 2.0", "published = 9.9"))
    with pytest.raises(BookError, match=r"claim a\.b .* published is 9\.9"):
        run(project)


def test_timings_may_fail_their_aim(project):
    claims = project.root / "data" / "claims.toml"
    claims.write_text(claims.read_text().replace('"a.b"', '"speed.a"'))
    chapter(project.root, "first", 'record.claim("speed.a", 50.0, timing=True)\nrecord.value("number", 1)')
    (project.root / "data" / "results" / "ledger.json").write_text(json.dumps([{"id": "speed.a", "status": "agrees"}]))
    assert run(project) == 0
    assert json.loads((project.live / "ledger.json").read_text())[0]["status"] == "differs"


def test_a_damaged_data_file_is_named_although_the_chapter_is_cached(project, monkeypatch, tmp_path):
    file = datafiles.File("a.bin", 4, hashlib.sha256(b"1234").hexdigest(), ())
    known = datafiles.DataSet("d", "t", "MIT", "c", "", (datafiles.Form("official", (file,), None),))
    monkeypatch.setattr(datafiles, "registry", lambda: {"d": known})
    monkeypatch.setattr(datafiles, "RAW", tmp_path)
    (tmp_path / "a.bin").write_bytes(b"1234")
    source = project.root / "notebooks" / "first.py"
    source.write_text(source.read_text().replace("#     needs: []", "#     needs: []\n#     data: [d]"))
    assert run(project) == 0
    (tmp_path / "a.bin").write_bytes(b"1235")
    with pytest.raises(datafiles.DataError, match=r"a\.bin is damaged"):
        run(project)
    source.write_text(source.read_text().replace("data: [d]", "data: [e]"))
    with pytest.raises(datafiles.DataError, match="no data set 'e' is registered"):
        run(project)


def test_a_truncated_manifest_means_not_run(project, capsys):
    assert run(project) == 0
    (project.live / "smoke" / "first.json").write_text('{"chapter": "fi')
    capsys.readouterr()
    assert chapters.main(project, ["check", "--preset", "smoke"]) == 1
    assert "first: out of date: it has not been run at this preset" in capsys.readouterr().out


def test_a_run_leaves_the_environment_as_it_was(project):
    before = dict(os.environ)
    assert run(project) == 0
    assert dict(os.environ) == before


def test_missing_input_and_impossible_order_are_named(project):
    chapter(project.root, "first", "pass", inputs="data/gone.txt")
    with pytest.raises(BookError, match=r"first declares the input data/gone\.txt, which is not there"):
        run(project)
    chapter(project.root, "first", "pass", needs="second")
    with pytest.raises(BookError, match=r"first\.py needs 'second', which does not stand before it"):
        run(project)


def test_recording_keeps_the_larger_preset_and_refuses_uncommitted_code(project, monkeypatch):
    recorded = project.root / "data" / "results" / "first.json"
    monkeypatch.setattr(chapters.provenance, "commit", lambda root: "abc+")
    assert chapters.main(project, ["run", "--preset", "book"]) == 0
    with pytest.raises(BookError, match="ran with uncommitted changes"):
        chapters.main(project, ["record", "--preset", "book"])
    for manifest in (project.live / "book").glob("*.json"):
        manifest.write_text(manifest.read_text().replace("abc+", "abc"))
    assert chapters.main(project, ["record", "--preset", "book"]) == 0
    (row,) = json.loads(recorded.read_text())
    assert row | {"id": "a.b", "ours": 2.1, "preset": "book", "commit": "abc"} == row
    assert json.loads((project.root / "data" / "results" / "ledger.json").read_text())[0]["ours"] == 2.1
    recorded.write_text(recorded.read_text().replace('"book"', '"paper"').replace("2.1", "2.05"))
    assert chapters.main(project, ["record", "--preset", "book"]) == 0
    assert json.loads(recorded.read_text())[0]["ours"] == 2.05


def test_recording_drops_rows_of_claims_that_are_gone_or_moved(project, monkeypatch):
    recorded = project.root / "data" / "results" / "first.json"
    monkeypatch.setattr(chapters.provenance, "commit", lambda root: "abc")
    assert chapters.main(project, ["run", "--preset", "book"]) == 0
    assert chapters.main(project, ["record", "--preset", "book"]) == 0
    (row,) = json.loads(recorded.read_text())
    recorded.write_text(json.dumps([row, row | {"id": "a.gone", "ours": 7}]))
    assert chapters.main(project, ["record", "--preset", "book"]) == 0
    assert json.loads(recorded.read_text()) == [row]
    recorded.with_name("second.json").write_text(json.dumps([row]))
    with pytest.raises(ValueError, match=r"first\.json and .*second\.json both have a number for 'a\.b': remove that of the wrong"):
        chapters.ledger.read_recorded(recorded.parent)


def test_two_runs_at_once_are_refused(project):
    project.build.mkdir(parents=True, exist_ok=True)
    with (
        chapters.datafiles.alone(project.build),
        pytest.raises(chapters.datafiles.DataError, match="another process runs chapters in this folder: wait"),
    ):
        run(project)
    assert run(project) == 0


def test_modules_are_followed_through_imports_and_comments_do_not_count(tmp_path):
    package = tmp_path / "snncore"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from snncore import b\n")
    (package / "b.py").write_text("def f():\n    import snncore.c\n")
    (package / "c.py").write_text("x = 1\n")
    (package / "d.py").write_text("x = 1\n")
    before = chapters.imported_modules(tmp_path, "import snncore.a\n")
    assert list(before) == ["snncore", "snncore.a", "snncore.b", "snncore.c"]
    (package / "c.py").write_text("x = 1  # a comment\n")
    assert chapters.imported_modules(tmp_path, "import snncore.a\n") == before
    (package / "c.py").write_text("x = 2\n")
    assert chapters.imported_modules(tmp_path, "import snncore.a\n") != before
