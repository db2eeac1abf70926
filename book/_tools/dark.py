"""Figures for the dark pages: the drawing of a run in colors that are light enough on a dark ground."""

import re
from pathlib import Path

COLORS = {  # of snncore.plotting, and matplotlib's own
    "#ffffff": "#121212",  # the ground of the theme's dark pages
    "#000000": "#e6e6e6",
    "#6b6b6b": "#a8adb5",
    "#b0b0b0": "#8a9099",
    "#0072b2": "#4aa8e8",
    "#56b4e9": "#a3d8f7",
    "#009e73": "#35c79c",
    "#d55e00": "#ff8f47",
    "#e69f00": "#f5b83d",
    "#cc79a7": "#e7a3c8",
}


def dark(svg: str) -> str:
    """A drawing of matplotlib in the colors of a dark page; what has no color of its own (text) is light, and bitmaps stay."""
    text = re.sub(r"#[0-9a-f]{6}\b", lambda m: COLORS.get(m[0], m[0]), svg)
    return text.replace('<g id="figure_1">', f'<g id="figure_1" fill="{COLORS["#000000"]}">', 1)


def write_dark(folder: Path) -> None:
    """Write ``dark/NAME.svg`` for each drawing in the folder."""
    for path in sorted(folder.glob("*.svg")):
        (folder / "dark").mkdir(exist_ok=True)
        (folder / "dark" / path.name).write_text(dark(path.read_text(encoding="utf-8")), encoding="utf-8")
