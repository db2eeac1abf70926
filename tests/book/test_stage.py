"""Staging and building: every number comes from the run, a missing one stops the build, a failed build harms nothing."""

import json

import nbformat
import pytest

import build
import chapters
import stage
from book.conftest import CLAIM, chapter
from project import BookError
from snncore.experiments import ledger


@pytest.fixture
def ran(project):
    assert chapters.main(project, ["run", "--preset", "smoke"]) == 0
    return project


def test_numbers_come_from_the_run(ran):
    (ran.root / "book" / "claims.md").write_text("# Claims\n\nBetween {interval}`a.b`.\n")
    src = stage.stage(ran, "smoke")
    assert "The first number is 2.1." in (src / "index.md").read_text()
    assert "1 live</b>" in (src / "index.md").read_text()
    assert ">1.90\u00a0to\u00a02.30</a>." in (src / "claims.md").read_text()
    notebook = nbformat.read(src / "notebooks" / "first.ipynb", 4)
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert "The number is 2.1." in text
    assert "preset **smoke**" in text
    assert json.loads((src / "ledger.json").read_text())[0]["live"] is True


def test_a_missing_number_stops_the_build(ran):
    with (ran.root / "data" / "claims.toml").open("a") as claims:
        claims.write(CLAIM.format(id="c.d").replace("reproduced", "cited"))
    page = ran.root / "book" / "index.md"
    for text, words in (
        ("{value}`first.other`", r"the run wrote no value 'first\.other'"),
        ("{claim}`x.y`", r"there is no claim 'x\.y'"),
        ("{claim}`c.d`", r"the claim 'c\.d' has no number for claim"),
        ("{interval}`c.d`", r"the claim 'c\.d' has no number for interval"),
        ("{run}`x.y`", r"there is no claim 'x\.y'"),
        ("<!-- nothing -->", "no generated part 'nothing'"),
        (":::{csv-table} t\n:file: results/first/gone.csv\n:header-rows: 1\n:::", r"the table results/first/gone\.csv was not written"),
        ("```{figure} results/first/gone.*\n:name: a\n:alt: b\nc\n```", "the figure first/gone was not written"),
    ):
        page.write_text(f"# Start\n\n{text}\n")
        with pytest.raises(BookError, match=words):
            stage.stage(ran, "smoke")


def test_a_claim_that_no_run_has_entered_says_so(ran):
    with (ran.root / "data" / "claims.toml").open("a") as claims:
        claims.write(CLAIM.format(id="c.d"))
    (ran.root / "book" / "index.md").write_text("# Start\n\n{claim}`c.d`, between {interval}`c.d`\n")
    assert (stage.stage(ran, "smoke") / "index.md").read_text().count(">not run</a>") == 2


def test_an_interval_that_the_run_at_hand_did_not_give_stops_the_build(project):
    chapter(project.root, "first", 'record.claim("a.b", 2.1)\nrecord.value("number", 2.1)')
    assert chapters.main(project, ["run", "--preset", "smoke", "--chapter", "first"]) == 0
    (project.root / "book" / "index.md").write_text("# Start\n\n{interval}`a.b`\n")
    with pytest.raises(BookError, match=r"the claim 'a\.b' has no number for interval"):
        stage.stage(project, "smoke")


def test_a_page_can_say_which_run_gave_a_number(ran):
    with (ran.root / "data" / "claims.toml").open("a") as claims:
        claims.write(CLAIM.format(id="c.d") + CLAIM.format(id="e.f"))
    row = dict.fromkeys(ledger.ROW) | {"id": "c.d", "ours": 2.0, "preset": "paper", "commit": "0123456789", "machine": "a machine"}
    (ran.root / "data" / "results" / "few_spike.json").write_text(json.dumps([row]))
    (ran.root / "book" / "index.md").write_text("# Start\n\n{interval}`c.d`, {run}`a.b`; {run}`c.d`; {run}`e.f`.\n")
    text = (stage.stage(ran, "smoke") / "index.md").read_text()
    assert ">not recorded</a>, " in text  # the recorded run gave no interval
    assert text.endswith("this run; a recorded run of commit `0123456789` on a machine; not run.\n")


def test_prose_may_change_without_a_run(ran):
    source = ran.root / "notebooks" / "first.py"
    source.write_text(source.read_text().replace("The number is", "Today it is"))
    notebook = nbformat.read(stage.stage(ran, "smoke") / "notebooks" / "first.ipynb", 4)
    assert any("Today it is 2.1." in c.source for c in notebook.cells)


def test_a_chapter_that_never_ran_says_so_and_a_damaged_run_is_not_shown(project):
    assert chapters.main(project, ["run", "--preset", "smoke", "--chapter", "first"]) == 0
    src = stage.stage(project, "book")  # falls back on the run that there is
    assert "has no run on this machine that is up to date" in (src / "notebooks" / "second.md").read_text()
    assert (src / "notebooks" / "first.ipynb").exists()
    (project.results("smoke", "first") / "values.json").write_text("{}")
    with pytest.raises(BookError, match="no chapter has a run that is up to date"):
        stage.stage(project, "book")


def test_a_run_of_other_code_is_never_live(ran):
    """An input changed after the run: its rows and pages are gone until it runs again."""
    (ran.root / "book" / "index.md").write_text("# Start\n\n<!-- strip -->\n")
    (ran.root / "data" / "input.txt").write_text("2")
    with pytest.raises(BookError, match="no chapter has a run that is up to date"):
        stage.stage(ran, "smoke")
    (ran.root / "data" / "input.txt").write_text("1")
    assert "1 live" in (stage.stage(ran, "smoke") / "index.md").read_text()


def test_the_book_is_not_built_against_a_broken_claim(ran):
    (ran.root / "data" / "results" / "ledger.json").write_text((ran.live / "ledger.json").read_text())
    claims = ran.root / "data" / "claims.toml"
    claims.write_text(claims.read_text().replace("published = 2.0", "published = 9.9"))
    with pytest.raises(BookError, match=r"claim a\.b .* published is 9\.9"):
        stage.stage(ran, "smoke")


def test_a_stop_between_the_old_and_the_new_site_loses_nothing(ran):
    (ran.root / "book" / "index.md").write_text("# Start\n")
    site = build.build(ran, "smoke")
    site.rename(ran.build / "old")
    (ran.root / "book" / "index.md").write_text("# Start\n\n{value}`first.gone`\n")
    with pytest.raises(BookError, match="wrote no value"):
        build.build(ran, "smoke")
    assert (site / "index.html").exists()


def test_figures_lead_to_code_and_files(project):
    code = (
        "import matplotlib.pyplot as plt, pandas as pd\nfig, ax = plt.subplots()\n"
        'record.figure(fig, "plot", pd.DataFrame({"x": [1]}))\nrecord.value("number", 1)'
    )
    chapter(project.root, "first", code)
    source = project.root / "notebooks" / "first.py"
    source.write_text(
        source.read_text().replace(
            "# The number is",
            "# ```{figure} ../results/first/plot.*\n# :name: fig\n# :alt: a plot\n# A caption.\n# ```\n#\n# The number is",
        )
    )
    assert chapters.main(project, ["run", "--preset", "smoke"]) == 0
    cells = nbformat.read(stage.stage(project, "smoke") / "notebooks" / "first.ipynb", 4).cells
    text = "\n".join(c.source for c in cells)
    assert "(code-first-plot)=" in text
    for link in ("code <code-first-plot>", "plot.svg>", "plot.pdf>", "plot.png>", "plot.data.csv>"):
        assert link in text


def test_a_failed_build_leaves_the_previous_site(ran):
    site = ran.build / "html"
    site.mkdir(parents=True)
    (site / "index.html").write_text("the previous one")
    (ran.root / "book" / "index.md").write_text("# Start\n\n{ref}`nowhere`\n")
    with pytest.raises(BookError, match="the previous one is as it was"):
        build.build(ran, "smoke")
    assert (site / "index.html").read_text() == "the previous one"


def test_a_site_is_built_once(ran, capsys):
    (ran.root / "book" / "index.md").write_text("# Start\n\n<!-- chapters -->\n")
    site = build.build(ran, "smoke")
    assert "Chapter first" in (site / "index.html").read_text()
    assert (site / "notebooks" / "first.html").exists()
    stamp = (site / "index.html").stat().st_mtime_ns
    build.build(ran, "smoke")
    assert "up to date" in capsys.readouterr().out
    assert (site / "index.html").stat().st_mtime_ns == stamp
