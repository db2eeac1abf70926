"""Pages with one live figure each, as the book has them, without the book around them; and the numbers of a script's functions."""

import contextlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import live_figures
from snncore.record import Record

STATIC = Path(__file__).resolve().parents[2] / "book" / "_static" / "live"
TOUCHED = ".live-host :is(button, summary, select, .live-segments span, .live-slider input, .live-number input, .live-check)"
PHONE = {"width": 390, "height": 844}


def written(folder: Path, name: str, documents: dict[str, object]) -> Path:
    """The page NAME.html of a live figure with its data, in a folder; returns its path."""
    record = Record(name, "smoke", folder / "results", {})
    for key, content in documents.items():
        record.document(f"{key}.live", content)
    shutil.copytree(STATIC, folder / "_static" / "live", dirs_exist_ok=True)
    live_figures.write_data(folder)
    scripts = ["core.js", *sorted(path.name for path in STATIC.glob(f"{name}_*.js")), f"{name}.js"]
    loads = "".join(f'<script defer src="_static/live/{script}"></script>' for script in scripts)
    element = f"snn-{name.replace('_', '-')}"
    (folder / "picture.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="500" height="140"/>')
    page = folder / f"{name}.html"
    page.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{name}</title>'
        f'<link rel="stylesheet" href="_static/live/live.css">{loads}<body><{element}><figure><img src="picture.svg" alt="the figure">'
        f"<figcaption>Caption.</figcaption></figure></{element}></body></html>"
    )
    return page


@contextlib.contextmanager
def opened(browser, address: str, **options) -> Iterator:
    """A page that has become live, for readers who want less motion (no waiting); errors of its scripts are errors of the test."""
    with browser.new_context(reduced_motion="reduce", **options) as context:
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector(".live-on, .live-excuse")
        yield page
        assert page.errors == []


def on_a_phone(browser, folder: Path, name: str, document: dict[str, object]):
    """A live figure on the screen of a phone, from a folder."""
    return opened(browser, written(folder, name, {name: document}).as_uri(), viewport=PHONE)


def fits_a_phone(page) -> None:
    """All that a finger touches is 44 pixels high, and nothing scrolls sideways."""
    heights = page.evaluate(f"[...document.querySelectorAll('{TOUCHED}')].map((e) => e.getBoundingClientRect().height)")
    assert min(filter(None, heights)) >= 44
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def lines(page) -> str:
    """The lines of Python that compute what is shown."""
    page.evaluate("document.querySelector('.live-python').open = true")
    page.wait_for_function("document.querySelector('.live-python code').textContent")
    return page.locator(".live-python code").inner_text()


def printed(page) -> str:
    """What they print."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(lines(page), {})
    return said.getvalue()
