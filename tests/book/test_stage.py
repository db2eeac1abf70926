"""Staging and building: every number comes from the run, a missing one stops the build, a failed build harms nothing."""

import json

import build
import chapters
import nbformat
import pytest
import stage
from project import BookError

from book.conftest import chapter


@pytest.fixture
def ran(project):
    assert chapters.main(project, ["run", "--preset", "smoke"]) == 0
    return project


def test_numbers_come_from_the_run(ran):
    src = stage.stage(ran, "smoke")
    assert "The first number is 2.1." in (src / "index.md").read_text()
    assert "1 live</b>" in (src / "index.md").read_text()
    notebook = nbformat.read(src / "notebooks" / "first.ipynb", 4)
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert "The number is 2.1." in text
    assert "preset **smoke**" in text
    assert json.loads((src / "ledger.json").read_text())[0]["live"] is True


def test_a_missing_number_stops_the_build(ran):
    page = ran.root / "book" / "index.md"
    for text, words in (
        ("{value}`first.other`", r"the run wrote no value 'first\.other'"),
        ("{claim}`x.y`", r"there is no claim 'x\.y'"),
        ("<!-- nothing -->", "no generated part 'nothing'"),
        (":::{csv-table} t\n:file: results/first/gone.csv\n:header-rows: 1\n:::", r"the table results/first/gone\.csv was not written"),
        ("```{figure} results/first/gone.*\n:name: a\n:alt: b\nc\n```", "the figure first/gone was not written"),
    ):
        page.write_text(f"# Start\n\n{text}\n")
        with pytest.raises(BookError, match=words):
            stage.stage(ran, "smoke")


def test_code_that_changed_since_the_run_stops_the_build(ran):
    source = ran.root / "notebooks" / "first.py"
    source.write_text(source.read_text().replace('record.value("number", 2.1)', 'record.value("number", 3)'))
    with pytest.raises(BookError, match="the code of first has changed since its run"):
        stage.stage(ran, "smoke")


def test_prose_may_change_without_a_run(ran):
    source = ran.root / "notebooks" / "first.py"
    source.write_text(source.read_text().replace("The number is", "Today it is"))
    notebook = nbformat.read(stage.stage(ran, "smoke") / "notebooks" / "first.ipynb", 4)
    assert any("Today it is 2.1." in c.source for c in notebook.cells)


def test_a_chapter_that_never_ran_says_so_and_a_damaged_run_is_not_shown(project):
    assert chapters.main(project, ["run", "--preset", "smoke", "--chapter", "first"]) == 0
    src = stage.stage(project, "book")  # falls back on the run that there is
    assert "has not been run on this machine" in (src / "notebooks" / "second.md").read_text()
    assert (src / "notebooks" / "first.ipynb").exists()
    (project.results("smoke", "first") / "values.json").write_text("{}")
    (project.root / "book" / "index.md").write_text("# Start\n")
    src = stage.stage(project, "book")
    assert "has not been run" in (src / "notebooks" / "first.md").read_text()


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
