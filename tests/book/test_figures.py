"""Every figure of the runs at preset smoke: nothing is cut off at its edge, in the bitmap or in the drawing."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from book.browser import require
from project import Project

pytestmark = pytest.mark.book

FIGURES = sorted((Project().live / "smoke").glob("*/*.svg"))
require({"no figures (make reproduce PRESET=smoke)": bool(FIGURES)})

EDGE = 2  # pixels that have to stay free of ink
INK = 0.9  # of the brightest: darker is ink
OUTSIDE = """
() => {
  const svg = document.querySelector('svg'), frame = svg.getBoundingClientRect(), found = [];
  for (const e of svg.querySelectorAll('path, use, text, image')) {
    if (e.closest('defs, clipPath, [clip-path]') || getComputedStyle(e).clipPath !== 'none') continue;
    const b = e.getBoundingClientRect(), style = getComputedStyle(e);
    if (b.width * b.height === 0 && !e.getTotalLength) continue;
    if ((style.fill === 'none' || style.fill === 'rgb(255, 255, 255)') && style.stroke === 'none') continue;
    if (b.left < frame.left - 0.5 || b.top < frame.top - 0.5 || b.right > frame.right + 0.5 || b.bottom > frame.bottom + 0.5) {
      const group = e.closest('g[id]');
      found.push(group ? group.id : e.tagName);
    }
  }
  return [...new Set(found)];
}
"""


def inked_edges(path: Path) -> list[str]:
    """Sides of a bitmap with ink in their outermost pixels."""
    gray = np.asarray(Image.open(path).convert("L")) / 255
    edges = {"top": gray[:EDGE], "bottom": gray[-EDGE:], "left": gray[:, :EDGE], "right": gray[:, -EDGE:]}
    return [name for name, pixels in edges.items() if pixels.min() < INK]


def test_ink_at_an_edge_is_found(tmp_path):
    white = np.full((40, 60), 255, np.uint8)
    white[0, 30] = 0
    Image.fromarray(white).save(tmp_path / "a.png")
    assert inked_edges(tmp_path / "a.png") == ["top"]


@pytest.mark.parametrize("path", FIGURES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_no_bitmap_has_ink_at_its_edge(path):
    assert inked_edges(path.with_suffix(".png")) == []


def test_no_drawing_reaches_beyond_its_canvas(browser, tmp_path):
    page, cut = browser.new_page(viewport={"width": 1600, "height": 1600}), []
    for path in FIGURES:
        drawing, drawn = path.read_text(encoding="utf-8"), tmp_path / "drawn.png"
        page.set_content(f"<style>body{{margin:20px}}svg{{overflow:visible}}</style>{drawing}")
        outside = page.evaluate(OUTSIDE)
        page.set_content(f"<style>body{{margin:0}}</style>{drawing}")
        page.locator("svg").first.screenshot(path=drawn)
        cut += [f"{path.parent.name}/{path.name}: {part}" for part in (*outside, *inked_edges(drawn))]
    assert cut == []


def test_text_can_be_read():
    """At least 9 pt in a drawing that is at most as wide as a page's column, 7.5 inches, where it is shown in its own size."""
    small = []
    for path in FIGURES:
        text = path.read_text(encoding="utf-8")
        sizes = [100 * float(scale) for scale in re.findall(r'<g transform="[^"]*scale\(([\d.]+) -[\d.]+\)', text)]
        width = float(re.search(r'width="([\d.]+)pt"', text)[1])
        if min(sizes, default=9) < 8.99 or width > 540.5:
            small.append((path, min(sizes, default=9), width))
    assert small == []
