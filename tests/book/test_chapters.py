"""Running chapters: what makes one stale, what a failure leaves, what is written down."""

import hashlib
import json
import os
import shutil
import sys
import time
from types import SimpleNamespace

import pytest

import chapters
import kernel
import progress
from book.conftest import CLAIM, chapter, do, edit
from project import BookError, Project, read_json
from snncore import datafiles


def test_a_run_is_complete_cached_and_byte_identical(project, capsys, monkeypatch):
    before = dict(os.environ)
    assert do(project, "run") == 0
    assert dict(os.environ) == before
    manifest = project.manifest("smoke", "first")
    assert manifest["status"] == "ok"
    assert manifest["seconds"] > 0
    assert manifest["peak_memory_mb"] > 50
    assert {"commit", "versions", "machine", "seed", "outputs", "key_parts"} <= set(manifest)
    assert (manifest["threads"], manifest["environment"]["OMP_NUM_THREADS"], manifest["environment"]["PYTHONSTARTUP"]) == (1, "1", "")
    ledger = read_json(project.live / "ledger.json")
    assert ledger[0] | {"id": "a.b", "ours": 2.1, "n": 3, "status": "not-settled", "live": True, "preset": "smoke"} == ledger[0]
    assert "first can be read now, while the others run: 'make book PRESET=smoke' in another" in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setattr(chapters, "run_chapter", lambda *_: pytest.fail("nothing has changed, and yet a chapter runs"))
        assert do(project, "run") == 0
    assert "first: up to date\nsecond: up to date" in capsys.readouterr().out
    assert do(project, "again") == 0
    assert "byte-identical" in capsys.readouterr().out


def test_staleness_is_by_content_and_says_why(ran, capsys):
    def check():
        capsys.readouterr()
        return do(ran, "check"), capsys.readouterr().out

    for path in ran.root.rglob("*.py"):  # times mean nothing
        path.touch()
    assert check() == (0, "first: up to date\nsecond: up to date\n")
    source = ran.root / "notebooks" / "first.py"
    text = source.read_text()
    for old, new in (  # prose, a comment, a tag, minutes
        ("The number is", "This number is"),
        ("2.1)", "2.1)  # why"),
        ("# %%\nfrom", '# %% tags=["hide-input"]\nfrom'),
        ("smoke: 0.1", "smoke: 0.2"),
    ):
        edit(source, old, new)
        assert check()[0] == 0
    parts = []
    for words in ("Words.", "Others."):  # a function more may compute something, its docstring cannot
        source.write_text(text.replace("record = Record", f'def f():\n    """{words}"""\n\nrecord = Record'))
        assert check()[0] == 1
        parts.append(chapters.plan(ran, "smoke")[0].parts)
    assert parts[0] == parts[1]
    source.write_text(text)
    before = ran.claims.read_text()
    ran.claims.write_text(before + CLAIM.format(id="z.z"))  # a claim more is no number more
    assert check()[0] == 0
    ran.claims.write_text(before.replace("published = 2", "published = 3"))  # a cell may read what was published
    assert "first: out of date: claims changed" in check()[1]
    ran.claims.write_text(before)
    edit(source, "2.1", "2.05")
    status, out = check()
    assert status == 1
    assert "first: out of date: code changed" in out
    assert "second: out of date: needs changed (first)" in out
    source.write_text(text)
    given, more = ran.root / "data" / "input.txt", ran.root / "data" / "input_2.txt"
    given.write_text("2")
    more.write_text("of the same pattern")
    assert "inputs changed (data/input.txt, data/input_2.txt)" in check()[1]
    given.write_text("1")
    more.unlink()
    edit(ran.results("smoke", "first") / "values.json", "2.1", "9.9")
    assert "first: out of date: its outputs are not what it wrote" in check()[1]
    ran.about("smoke", "first").write_text('{"chapter": "fi')  # a manifest that was cut off
    assert "first: out of date: it has not been run at this preset" in check()[1]


@pytest.mark.parametrize(("code", "words"), [
    ('raise RuntimeError("boom")', "RuntimeError: boom"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "DeadKernelError"),
    ('record.claim("a.c", 1.0)', "the chapter first has a number for 'a.c', which is no claim of data/claims.toml"),
])  # fmt: skip
def test_a_failed_chapter_is_set_aside_and_its_dependents_skipped(ran, capsys, code, words):
    before = {name: ran.manifest("smoke", name) for name in ("first", "second")}
    chapter(ran.root, "first", code)
    assert do(ran, "run") == 1
    captured = capsys.readouterr()
    assert words in captured.out
    assert "second: skipped, since it needs first" in captured.out
    assert "failed or skipped: first, second. What they left: " in captured.err
    assert {name: ran.manifest("smoke", name) for name in ("first", "second")} == before  # the good runs are still there
    assert ran.intact("smoke", "first")
    failed = read_json(ran.failed("smoke") / "first.json")
    assert failed["status"] == "error"
    assert words.split(":")[0] in failed["error"]


def test_one_chapter_brings_what_it_needs(project):
    assert do(project, "run", "--chapter", "second") == 0
    assert project.manifest("smoke", "first") is not None
    with pytest.raises(BookError, match=r"no chapter 'third': there are first, second"):
        do(project, "run", "--chapter", "third")


def test_a_broken_ledger_stops_before_anything_runs(project):
    (project.root / "data" / "claims.toml").write_text(CLAIM.format(id="a.b").replace("tolerance", "tolerence"))
    with pytest.raises(ValueError, match=r"claim 'a\.b': .*unexpected keyword argument 'tolerence'"):
        do(project, "run")
    assert project.manifest("smoke", "first") is None


def test_a_damaged_data_file_is_named_although_the_chapter_is_cached(project, monkeypatch, tmp_path, capsys):
    file = datafiles.File("a.bin", 4, hashlib.sha256(b"1234").hexdigest(), ())
    known = datafiles.DataSet("d", "t", "MIT", "c", "", (datafiles.Form("official", (file,), None),))
    monkeypatch.setattr(datafiles, "registry", lambda: {"d": known})
    monkeypatch.setattr(datafiles, "RAW", tmp_path)
    (tmp_path / "a.bin").write_bytes(b"1234")
    chapter(project.root, "first", 'record.value("number", 2)', more="data: [d]")
    chapter(project.root, "second", 'record.value("number", 7)')
    assert do(project, "run") == 0
    (tmp_path / "a.bin").write_bytes(b"1235")
    chapter(project.root, "second", 'record.value("number", 8)')
    capsys.readouterr()
    assert do(project, "run") == 1
    assert "a.bin is damaged" in (out := capsys.readouterr().out)
    assert "second: done" in out  # the others go on
    chapter(project.root, "first", 'record.value("number", 2)', more="data: [e]")
    assert do(project, "run") == 1
    assert "first: cannot run: no data set 'e' is registered" in capsys.readouterr().out


def test_missing_input_and_impossible_order_are_named(project, capsys):
    edit(project.root / "book" / "_toc.yml", "notebooks/second\n", "notebooks/second\n      - file: notebooks/third\n")
    chapter(project.root, "first", "pass", inputs="data/gone.txt")
    chapter(project.root, "third", "pass", needs="second")
    assert do(project, "run") == 1
    out = capsys.readouterr().out
    assert "first: cannot run: first declares the input data/gone.txt, which is not there" in out
    assert "second: skipped, since it needs first\nthird: skipped, since it needs second\n" in out
    assert "running" not in out
    chapter(project.root, "first", "pass", needs="second")
    with pytest.raises(BookError, match=r"first\.py needs 'second', which does not stand before it"):
        do(project, "run")


def test_recording_keeps_the_larger_preset_drops_what_is_gone_and_refuses_uncommitted_code(project, monkeypatch, capsys):
    recorded = project.root / "data" / "results" / "first.json"
    monkeypatch.setattr(chapters.provenance, "commit", lambda root: "abc+")
    assert do(project, "run", preset="book") == 0
    with pytest.raises(BookError, match="ran with uncommitted changes"):
        do(project, "record", preset="book")
    for manifest in (project.live / "book").glob("*.json"):
        edit(manifest, "abc+", "abc")
    assert do(project, "record", preset="book") == 0
    (row,) = read_json(recorded)
    assert row | {"id": "a.b", "ours": 2.1, "preset": "book", "commit": "abc"} == row
    assert read_json(recorded.with_name("ledger.json"))[0]["ours"] == 2.1
    row |= {"preset": "paper", "ours": 2.05}
    recorded.write_text(json.dumps([row, row | {"id": "a.gone", "ours": 7}]))
    assert do(project, "record", preset="book") == 0
    assert "a.b stays that of preset paper, abc: remove it if it is of something else" in capsys.readouterr().out
    assert read_json(recorded) == [row]
    recorded.with_name("second.json").write_text(json.dumps([row]))
    with pytest.raises(ValueError, match=r"first\.json and .*second\.json both have a number for 'a\.b': remove that of the wrong"):
        chapters.recorded.read_recorded(recorded.parent)


def test_two_runs_at_once_are_refused_and_a_book_can_be_built_meanwhile(ran, monkeypatch):
    with ran.locked(), monkeypatch.context() as patch:
        patch.setattr("build.render", lambda *_: pytest.fail("it builds"))
        with pytest.raises(pytest.fail.Exception, match="it builds"):
            do(ran, "build")
    with ran.locked(), pytest.raises(datafiles.DataError, match="another process runs chapters in this folder: wait"):
        do(ran, "run")
    assert do(ran, "run") == 0


def test_modules_are_followed_through_imports_and_words_do_not_count(tmp_path):
    package = tmp_path / "snncore"
    package.mkdir()
    written = {"__init__": "", "a": "from snncore import b\n", "b": "def f():\n    import snncore.c\n", "d": "x = 1\n"}
    for name, code in written.items():
        (package / f"{name}.py").write_text(code)

    def found(code_of_c):
        (package / "c.py").write_text(code_of_c)
        return chapters.imported_modules(tmp_path, "import snncore.a\n")

    before = found('"""What it is."""\n\nx = 1  # a comment\n')
    assert list(before) == ["snncore", "snncore.a", "snncore.b", "snncore.c"]
    assert found('"""What else it is."""\nx = 1\n') == before
    assert found("x = 2\n") != before


def test_what_a_package_hands_out_is_followed_when_it_is_asked_for(tmp_path):
    package = tmp_path / "snncore"
    package.mkdir()
    (package / "__init__.py").write_text("if TYPE_CHECKING:\n    from snncore.a import load\n    from snncore.b import f\n")
    for name in "abc":
        (package / f"{name}.py").write_text("x = 1\n")
    asked = {"from snncore import c": "c", "from snncore import c, load": "ac", "from snncore import f as g": "b", "import snncore": "ab"}
    for code, names in asked.items():
        assert list(chapters.imported_modules(tmp_path, code)) == ["snncore", *(f"snncore.{name}" for name in names)]


def test_files_that_a_module_reads_when_it_is_imported_count(tmp_path):
    package, data = tmp_path / "snncore", tmp_path / "data"
    package.mkdir()
    data.mkdir()
    lines = ["WORDS = package_file('words.txt').read_text()", "STYLE = Path(__file__).with_name('look.mplstyle')"]
    (package / "a.py").write_text("\n".join([*lines, "def f():\n    return package_file('later.csv')\n"]))
    seen = []
    for changed in (data / "words.txt", package / "look.mplstyle", data / "later.csv", data / "words.txt", package / "look.mplstyle"):
        changed.write_text(f"{len(seen)}\n")
        seen.append(chapters.imported_modules(tmp_path, "import snncore.a\n"))
    assert list(seen[-1]) == ["data/words.txt", "snncore.a", "snncore/look.mplstyle"]
    assert seen[1] == seen[2] != seen[3] != seen[4]


def test_a_tool_for_progress_is_in_no_key(project, monkeypatch):
    def versions(tqdm, numpy):
        monkeypatch.setattr(chapters.provenance, "versions", lambda: {"python": "3", "tqdm": tqdm, "numpy": numpy})
        return chapters.plan(project, "smoke")[0].parts["versions"]

    assert versions("1", "2") == versions("2", "2")
    assert versions("1", "2") != versions("1", "3")


def test_nothing_of_a_user_reaches_a_chapter(project, tmp_path, monkeypatch):
    """Start-up files, paths and settings of Python, IPython and matplotlib, and a kernel of the same name."""
    home = tmp_path / "home"
    startup = home / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    for path in (startup / "00.py", home / "startup.py", home / "sitecustomize.py"):
        path.write_text("import builtins; builtins.foreign = True\n")
    (home / "matplotlibrc").write_text("lines.linewidth: 99\n")
    spec = home / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(json.dumps({"argv": ["false", "{connection_file}"], "display_name": "p", "language": "python"}))
    for name, value in {"IPYTHONDIR": home / "ipython", "PYTHONSTARTUP": home / "startup.py", "PYTHONPATH": home, "MATPLOTLIBRC": home,
                        "JUPYTER_PATH": home / "jupyter", "PYTHONOPTIMIZE": "2"}.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    code = (
        "import builtins, sys, matplotlib\n"
        'record.value("number", str((hasattr(builtins, "foreign"), matplotlib.rcParams["lines.linewidth"], sys.flags.optimize)))\n'
        'record.value("python", sys.executable)'
    )
    chapter(project.root, "first", code)
    assert do(project, "run", "--chapter", "first") == 0
    values = read_json(project.results("smoke", "first") / "values.json")
    assert [values[name]["text"] for name in ("number", "python")] == ["(False, 1.5, 0)", sys.executable]


def test_compiled_loops_are_lent_by_chapters_that_do_not_run(project):
    """Each with its index, which says what there is; a chapter's own are not touched."""
    folder = kernel.settings(project, "numba")
    for name, loops in {"done": ("f-1", "g[x]-2"), "runs": ("h-3",), "starts": ("f-1",)}.items():
        (folder / name / "kernels_0").mkdir(parents=True)
        for loop in loops:
            for end in ("nbi", "1.nbc", "2.nbc"):
                (folder / name / "kernels_0" / f"{loop}.py311.{end}").write_text(name)
    kernel.lend_compiled_loops(project, "starts", ["runs"])
    there = {path.name: path.read_text() for path in (folder / "starts" / "kernels_0").iterdir()}
    ends = ("1.nbc", "2.nbc", "nbi")
    assert there == {f"f-1.py311.{end}": "starts" for end in ends} | {f"g[x]-2.py311.{end}": "done" for end in ends}


def test_a_folder_may_have_any_name(tmp_path, project):
    odd = tmp_path / "a {preset} $HOME {{x}}"
    shutil.copytree(project.root, odd, ignore=shutil.ignore_patterns(odd.name))
    there = Project(odd)
    assert do(there, "run", "--chapter", "first") == 0
    assert there.intact("smoke", "first")


def test_chapters_run_side_by_side_but_one_that_measures_runs_alone(project, monkeypatch):
    spans = {}

    def run_chapter(project, chapter, *_):
        start = time.monotonic()
        time.sleep(0.3)
        spans[chapter.name] = start, time.monotonic()
        return {"status": "ok", "error": None}

    monkeypatch.setattr(chapters, "run_chapter", run_chapter)
    monkeypatch.setattr(chapters, "at_once", lambda *_: (2, ""))

    def go(needs="", more=""):
        chapter(project.root, "first", "pass", more=more)
        chapter(project.root, "second", "pass", needs)
        done = list(chapters.side_by_side(project, chapters.plan(project, "smoke"), chapters.Place(project.build)))
        assert len(done) == 2
        return *spans["first"], *spans["second"]

    a, b, c, d = go()
    assert max(a, c) < min(b, d)
    a, b, c, d = go(more="alone: true")
    assert a >= d  # it waits for the others, wherever it stands
    a, b, c, d = go(needs="first")
    assert c >= b


@pytest.mark.parametrize(("available", "cores", "jobs", "many", "why"), [
    (1e9, 3, None, 1, "1.0 GB of memory are free, and each may need 2"), (4.1e9, 3, None, 2, ""), (9e9, 3, None, 3, ""),
    (9e9, 1, None, 1, "this machine has one core"), (1e9, 3, 2, 2, ""), (9e9, 3, 1, 1, "")])  # fmt: skip
def test_as_many_chapters_run_side_by_side_as_memory_and_cores_allow_or_a_reader_wants(monkeypatch, available, cores, jobs, many, why):
    monkeypatch.setattr(chapters, "cores", lambda: cores)
    monkeypatch.setattr(chapters.psutil, "virtual_memory", lambda: SimpleNamespace(available=available))
    assert chapters.at_once(10, jobs) == (many, why)
    assert chapters.at_once(1, jobs) == (1, "")
    for wrong in (0, cores + 1):
        with pytest.raises(BookError, match=f"--jobs is {wrong}: this machine can run 1 to {cores} chapters"):
            chapters.at_once(10, wrong)


def test_time_left_follows_what_this_machine_has_shown(monkeypatch, capsys):
    """Two lanes, a chapter that runs alone at the end, and a machine that is half as fast as expected."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.now)
    seen = progress.Progress({"a": 60.0, "b": 40.0, "c": 20.0, "d": 10.0}, 2, ["d"])
    assert (seen.left(), seen.share()) == (70, 0)
    seen.begin("a")
    seen.begin("b")
    clock.now = 30.0
    assert (seen.left(), seen.share()) == (40, 46)  # 60 of 130
    clock.now = 80.0
    seen.end("b", None)
    assert seen.pace() == pytest.approx(160 / 100)  # a is late, too
    seen.begin("c")
    assert seen.left() == pytest.approx(20 * 1.6 + 10 * 1.6)
    assert "b: done in 80 s (71 % of all is done, about 48 s left)\n" in capsys.readouterr().out
    seen.skip("d", "it needs a")
    clock.now = 120.0
    seen.end("a", "it broke")
    seen.end("c", None)
    said = "a: FAILED after 2 min: it broke (99 % of all is done, about 0 s left)\nc: done in 40 s\n"
    assert capsys.readouterr().out.endswith(said)
