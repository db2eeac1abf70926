"""Staging and building: every number comes from the run, a missing one stops the build, a failed build harms nothing."""

import errno
import json
from types import SimpleNamespace

import pytest

import build
import chapters
import kernel
import ledger_page
import stage
import tools
from book.conftest import CLAIM, chapter, do, edit, rendered, soup
from ledger_roles import NoNumber
from project import BookError, read_json
from quotes import ends_text
from snncore import ledger


def staged(project, preset="smoke"):
    stage.stage(project, preset, project.build / "src")
    return project.build / "src"


def words(out, name="index") -> str:
    """What a reader sees: without the words of the badges."""
    main = soup(out, name).find(role="main")
    for said in main.find_all(class_="said"):
        said.decompose()
    return main.get_text()


def test_numbers_come_from_the_run(ran):
    (ran.root / "book" / "claims.md").write_text("(claims)=\n# Claims\n\nBetween {interval}`a.b`.\n")
    edit(ran.root / "notebooks" / "first.py", "The number is", "Today it is")  # prose may change without a run
    out = rendered(ran)
    assert "The first number is 2.1." in words(out)
    assert "1 live" in words(out)
    assert "Between 1.90\u00a0to\u00a02.30." in words(out, "claims")
    assert "Today it is 2.1." in words(out, "notebooks/first")
    assert "preset smoke" in words(out, "notebooks/first")
    assert read_json(ran.build / "src" / "ledger.json")[0]["live"] is True


PLACES = """# Title {claim}`a.b`

{value}`first.number` in *{value}`first.number`*, in [a link of {value}`first.number`](claims.md), ({claim}`a.b`).

- an item {claim}`a.b`

| a table | {claim}`a.b` |
|---|---|
| a cell | {published}`a.b` |

:::{list-table} A caption with {claim}`a.b`
* - {claim}`a.b`
:::

```{figure} _static/a.svg
:alt: A drawing of {value}`first.number` and {published}`a.b`
:name: fig

Its caption: {interval}`a.b`
```

`` {claim}`no.claim` ``

```
{claim}`no.claim` and {value}`no.value`
```
"""


def test_roles_act_wherever_text_is_and_not_in_code(ran):
    (ran.root / "book" / "_static" / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (ran.root / "book" / "index.md").write_text(PLACES)
    out = rendered(ran)
    main = soup(out).find(role="main")
    links = main.find_all("a", class_="claim")
    assert [link["href"] for link in links] == ["claims.html#claim-a-b"] * 8  # title, text, item, two cells, caption, cell, caption
    assert main.img["alt"] == "A drawing of 2.1 and 2.0"
    for line in ("2.1 in 2.1, in a link of 2.1, (2.10).", "an item 2.10", "Its caption: 1.90\u00a0to\u00a02.30"):
        assert line in words(out)
    badges = [[sign["class"][1] for sign in link.find_all(class_="standing")] for link in links]
    assert badges == [["live"]] * 4 + [["cited"], ["live"], ["live"], []]  # an interval goes without beside its number
    assert main.find(class_="value").get_text() == "2.1 live"
    assert "{claim}`no.claim` and {value}`no.value`" in main.pre.get_text()
    text = (rendered(ran, builder="text") / "index.txt").read_text()
    said = "2.1 in *2.1*, in a link of 2.1, (2.10).", "Its caption: 1.90\u00a0to\u00a02.30", "{claim}`no.claim` and {value}`no.value`"
    assert [line for line in said if line not in text] == []
    assert "an item 2.10" in next(rendered(ran, builder="latex").glob("*.tex")).read_text()


def test_what_no_run_wrote_stops_the_build_with_file_and_line_of_each(ran):
    with (ran.root / "data" / "claims.toml").open("a") as claims:
        claims.write(CLAIM.format(id="c.d").replace("reproduced", "cited"))
    (ran.root / "book" / "index.md").write_text(
        "# Start\n\nTwo lines, and {value}`first.other`,\n{claim}`x.y`\n\n{claim}`c.d` {interval}`c.d`\n\n{run}`x.y` {value}`number`\n\n"
        "```{figure} results/first/gone.*\n:name: a\n:alt: b {value}`first.alt`\nc\n```\n"
    )
    with (ran.root / "notebooks" / "second.py").open("a+") as source:
        source.write("\n# %% [markdown]\n# More:\n# {value}`more`\n")
        source.seek(0)
        line = len(source.readlines())
    no_value = "the run wrote no value {0!r}: keep it with page.value({1!r}, ...), or mend the name"
    with pytest.raises(NoNumber) as refused:
        rendered(ran)
    assert sorted(str(refused.value).splitlines()) == sorted([
        "book/index.md:3: {value}`first.other`: " + no_value.format("first.other", "other"),
        "book/index.md:4: {claim}`x.y`: there is no claim 'x.y' in data/claims.toml: add it, or mend the id",
        "book/index.md:6: {claim}`c.d`: the claim 'c.d' has no number for claim: give it one, or ask for another",
        "book/index.md:6: {interval}`c.d`: the claim 'c.d' has no number for interval: give it one, or ask for another",
        "book/index.md:8: {run}`x.y`: there is no claim 'x.y' in data/claims.toml: add it, or mend the id",
        "book/index.md:8: {value}`number`: " + no_value.format("number", "number"),
        "book/index.md:10: results/first/gone.*: the run wrote no such figure: save it with page.figure, or mend the name",
        "book/index.md:12: {value}`first.alt`: " + no_value.format("first.alt", "alt"),
        f"notebooks/second.py:{line}: {{value}}`more`: " + no_value.format("more", "more"),
    ])  # fmt: skip


@pytest.mark.parametrize(("low", "high", "text"), [(1.6, None, "at least 1.6"), (None, 7, "at most 7"), (None, None, "–")])
def test_an_interval_with_one_end_says_which(low, high, text):
    assert ends_text({"ours": 5.0, "bound": None, "low": low, "high": high}) == text


def test_an_unknown_part_of_a_page_is_refused(ran):
    (ran.root / "book" / "index.md").write_text("# Start\n\n<!-- nothing -->\n")
    with pytest.raises(BookError, match=r"index\.md: there is no generated part 'nothing': there are strip"):
        staged(ran)


def test_a_page_can_say_which_run_gave_a_number_and_tips_whose_it_is(ran):
    cited = CLAIM.format(id="g.h").replace("reproduced", "cited").replace("tolerance = 0.1", "value = 2.05\nvalue_source = 'a log'")
    with ran.claims.open("a") as claims:
        claims.write(CLAIM.format(id="c.d") + CLAIM.format(id="e.f") + cited)
    row = dict.fromkeys(ledger.ROW) | {"id": "c.d", "ours": 2.0, "preset": "paper", "commit": "0123456789", "machine": "a machine"}
    (ran.root / "data" / "results" / "first.json").write_text(json.dumps([row]))
    said = "{interval}`c.d`, {run}`a.b`; {run}`c.d`; {run}`e.f`; {claim}`e.f`, {interval}`e.f`"
    linked = "{claim}`a.b` {published}`a.b` {claim}`g.h` {published}`g.h`"
    (ran.root / "book" / "index.md").write_text(f"# Start\n\n{said}.\n\n{linked}\n")
    out = rendered(ran)
    assert "not recorded, this run; a recorded run of commit 0123456789 on a machine; not run; not run, not run." in words(out)
    tips = [link["title"] for link in soup(out).find_all("a", class_="claim")]
    theirs = "cited: talk, slide 1"
    assert tips[-4:] == ["ours, live: 2.10 (1.90\u00a0to\u00a02.30); talk, slide 1: 2.0; not settled", theirs, "cited: a log", theirs]


def test_a_chapter_that_never_ran_says_so_and_a_damaged_run_is_not_shown(project):
    assert do(project, "run", "--chapter", "first") == 0
    src = staged(project, "book")  # falls back on the run that there is
    assert "has no run on this machine that is up to date" in (src / "notebooks" / "second.md").read_text()
    assert (src / "notebooks" / "first.ipynb").exists()
    (project.results("smoke", "first") / "values.json").write_text("{}")
    with pytest.raises(BookError, match="no chapter has a run that is up to date"):
        staged(project, "book")


def test_a_run_of_other_code_is_never_live(ran):
    """An input changed after the run: its rows and pages are gone until it runs again."""
    (ran.root / "data" / "input.txt").write_text("2")
    with pytest.raises(BookError, match="no chapter has a run that is up to date"):
        staged(ran)
    (ran.root / "data" / "input.txt").write_text("1")
    assert "1 live" in (staged(ran) / "index.md").read_text()


def worsen(project):
    """What is met when it is recorded is not met any more."""
    folder = project.root / "data" / "results"
    row = dict.fromkeys(ledger.ROW) | {"id": "a.b", "ours": 2.1, "preset": "book", "commit": "0123456789", "machine": "an old machine"}
    (folder / "first.json").write_text(json.dumps([row]))
    claims = ledger.read_claims(project.claims)[1]
    (folder / "ledger.json").write_text(json.dumps(ledger.merge(claims, {"a.b": row}, {})))
    chapter(project.root, "first", 'record.claim("a.b", 2.5, low=2.4, high=2.6)\nrecord.value("number", 2.5)', inputs="data/input*.txt")


@pytest.fixture
def pages(monkeypatch):
    """Reproduces a project, but for the step from pages to a site, which takes long; reads a page."""
    monkeypatch.setattr(build, "build", lambda p, preset, look=False: None if look else stage.stage(p, preset, p.build / "src"))
    return lambda project, name: (project.build / "src" / name).read_text()


def test_a_verdict_that_got_worse_is_shown_and_the_book_is_built(ran, pages, capsys):
    (ran.root / "book" / "index.md").write_text("# Start\n\n<!-- differing -->\n\n{value}`first.number`\n")
    assert do(ran, "reproduce") == 0
    assert "no verdict of 1 live ones is worse than the recorded one" in capsys.readouterr().out
    worsen(ran)
    assert do(ran, "reproduce") == 0
    out = capsys.readouterr().out
    assert "1 of 1 verdict differs from the recorded ones on this machine:" in out
    assert "a.b (a number): 2.50 (2.40\u00a0to\u00a02.60) here, 2.1 recorded; published is 2.0 ± 10.00%" in out
    for page in ("index.md", "claims.md", "notebooks/first.ipynb"):
        text = pages(ran, page)
        assert "an old machine" in text, page
        assert "2.5" in text, page
    assert do(ran, "reproduce", "--strict") == 1  # nothing to run, and still not as recorded


FIGURE = "# ```{figure} ../results/first/plot.*\n# :name: fig\n# :alt: a plot\n# A caption.\n# ```\n#\n# The number is"
DRAWS = (
    'import matplotlib.pyplot as plt, pandas as pd\nfig, ax = plt.subplots()\nrecord.claim("a.b", 2.1)\n'
    'record.figure(fig, "plot", pd.DataFrame({"x": [1]}))\nrecord.value("number", 1)'
)


def drawing(project, code):
    """A first chapter with a figure, which the first page refers to; a second one that does not need it."""
    (project.root / "book" / "index.md").write_text("# Start\n\n<!-- differing -->\n\n{value}`first.number`, {claim}`a.b`, {numref}`fig`\n")
    chapter(project.root, "second", 'record.value("number", 7)')
    chapter(project.root, "first", code)
    edit(project.root / "notebooks" / "first.py", "# The number is", FIGURE)


def test_a_chapter_that_failed_has_a_page_that_says_why(project, pages, capsys):
    drawing(project, DRAWS.replace('record.value("number", 1)', 'raise RuntimeError("boom")'))
    assert do(project, "reproduce") == 1
    assert "failed or skipped: first. What they left" in capsys.readouterr().err
    stand_in = pages(project, "notebooks/first.md")
    for piece in ("RuntimeError: boom", "make reproduce PRESET=smoke CHAPTER=first", "It had computed before", "| 2.1 |", "first-plot.png"):
        assert piece in stand_in
    assert (project.build / "src" / "results" / "first-plot.png").exists()
    out = rendered(project)
    assert "Failed on this machine: Chapter first" in words(out)
    assert "not run, not run, Chapter first" in words(out)  # its value, its claim, its figure
    assert soup(out).find(role="main").find_all("a", string="Chapter first")[-1]["href"] == "notebooks/first.html"
    assert "The number is 7" in words(out, "notebooks/second")
    drawing(project, DRAWS)
    assert do(project, "reproduce") == 0
    out = rendered(project)
    assert "Failed on this machine" not in words(out)
    assert "2.1, Fig. 1" in words(out)


def test_what_cannot_run_and_what_needs_it_have_pages_too(project, pages):
    (project.root / "data" / "input.txt").unlink()
    (project.root / "book" / "index.md").write_text("# Start\n\n<!-- differing -->\n")
    assert do(project, "reproduce") == 1
    assert "declares the input" in pages(project, "notebooks/first.md")
    assert "it needs first, which failed" in pages(project, "notebooks/second.md")


@pytest.mark.slow
def test_a_book_that_is_up_to_date_needs_no_right_to_write(project, capsys, monkeypatch):
    (project.root / "book" / "index.md").write_text("# Start\n\n<!-- differing -->\n")
    assert do(project, "reproduce") == 0
    monkeypatch.setattr(chapters, "run", lambda *_: pytest.fail("it runs"))
    monkeypatch.setattr(project, "locked", lambda: pytest.fail("it locks"))
    before = {path: path.stat().st_mtime_ns for path in project.root.rglob("*")}
    assert do(project, "reproduce") == 0
    assert {path: path.stat().st_mtime_ns for path in project.root.rglob("*")} == before
    assert "the book is up to date" in capsys.readouterr().out


@pytest.mark.parametrize(("problem", "words"), [
    (BookError("mend it"), "error: mend it"),
    (OSError(errno.ENOSPC, "No space left on device", "/x"), "no space left on the disk of /x: make room"),
    (PermissionError(errno.EACCES, "Permission denied", "/x"), "/x cannot be written: make the folder yours"),
    (OSError(errno.EROFS, "Read-only file system", "/x"), "/x cannot be written"),
    (OSError(errno.EMFILE, "Too many open files"), "too many open files for this shell: allow more"),
    (OSError(errno.EIO, "Input/output error"), None), (KeyError("x"), None),
])  # fmt: skip
def test_what_a_reader_can_mend_is_said_in_words_and_a_fault_of_these_tools_is_not(problem, words):
    said = tools.in_words(problem)
    assert said is None if words is None else words in said


def test_what_kernels_die_of_is_refused_before(project, monkeypatch):
    resource = pytest.importorskip("resource", reason="this system has no limits of processes")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (48, 48))
    with pytest.raises(BookError, match="allows 48 open files, too few for a chapter's kernel: allow more"):
        do(project, "reproduce")
    monkeypatch.setattr(kernel.time, "time", lambda: 2.0**31)
    with pytest.raises(BookError, match="the clock of this machine says"):
        do(project, "reproduce")


def test_figures_lead_to_code_and_files(project):
    drawing(project, DRAWS)
    (project.root / "book" / "index.md").write_text("# Start\n")
    assert do(project, "run") == 0
    page = soup(rendered(project), "notebooks/first")
    links = {a.get_text(): a["href"].split("/")[-1] for a in page.figure.find_all("a", class_=["internal", "download"])}
    expected = {"code": "#code-first-plot", "SVG": "plot.svg", "PDF": "plot.pdf", "PNG": "plot.png", "data": "plot.data.csv"}
    assert links | expected == links
    assert page.find(id="code-first-plot")


@pytest.mark.slow
def test_a_site_is_built_once_and_a_failed_build_or_a_stop_leaves_it(ran, capsys):
    first = ran.root / "book" / "index.md"
    first.write_text("# Start\n\n<!-- chapters -->\n")
    build.build(ran, "smoke")
    site = ran.site()
    before = (site / "index.html").read_text()
    assert "Chapter first" in before
    assert (site / "notebooks" / "first.html").exists()
    stamp = (site / "index.html").stat().st_mtime_ns
    build.build(ran, "smoke")
    assert "up to date" in capsys.readouterr().out
    assert (site / "index.html").stat().st_mtime_ns == stamp
    site.rename(ran.build / "old")  # a stop between the old and the new site
    for text, why in (("{ref}`nowhere`", "the previous one is as it was"), ("{value}`first.gone`", r"book/index\.md:3: .*wrote no value")):
        first.write_text(f"# Start\n\n{text}\n")
        with pytest.raises(BookError, match=why):
            build.build(ran, "smoke")
        assert (ran.site() / "index.html").read_text() == before


@pytest.mark.parametrize(("better", "low", "high", "where", "drawn"), [
    ("lower", 1.0, 2.5, "on both sides of the target", ("M-25.0 0H50.0", 'cx="25.0"')),
    ("higher", 1.0, 1.8, "short of the target", ("M-50.0 0H-10.0", 'cx="-25.0"')),
    ("lower", None, None, "beyond the target", ("M50.0 0H50.0", 'cx="50.0"'))])  # fmt: skip
def test_the_better_side_of_a_target_is_the_right_one(better, low, high, where, drawn):
    entry = {"ours": 1.5, "low": low, "high": high, "bound": None, "kind": "reproduced", "status": "not-settled"}
    shown = ledger_page.beside_target(SimpleNamespace(target=2.0, better=better), entry)
    assert all(part in shown for part in (f'aria-label="{where}"', *drawn))
