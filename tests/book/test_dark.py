"""Drawings for dark pages."""

import re
import xml.etree.ElementTree as xml

import matplotlib.pyplot as plt

from dark import COLORS, dark
from snncore import plotting


def luminance(color: str) -> float:
    """Relative luminance of a color, as WCAG 2.2 defines it."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_all_colors_of_the_book_can_be_seen_on_the_dark_ground():
    ground = luminance(COLORS["#ffffff"])
    for color in plotting.COLORS.values():
        assert (luminance(COLORS[color.lower()]) + 0.05) / (ground + 0.05) > 4.5, color


def test_a_drawing_keeps_its_form_and_changes_its_colors(tmp_path):
    plotting.style()
    fig, ax = plt.subplots()
    ax.plot([0, 1], color=plotting.COLORS["blue"])
    ax.set_title("a title")
    fig.savefig(tmp_path / "a.svg", metadata={"Date": None})
    light = (tmp_path / "a.svg").read_text()
    made = dark(light)
    assert "#0072b2" in light
    assert "#0072b2" not in made
    assert "#ffffff" not in made
    assert re.sub(r"#[0-9a-f]{6}| fill=\"[^\"]*\"", "", made) == re.sub(r"#[0-9a-f]{6}", "", light)
    assert xml.fromstring(made.split('dtd">')[1]).tag.endswith("svg")
