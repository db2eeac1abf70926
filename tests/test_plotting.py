import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from snncore import plotting
from snncore.record import Record


def draw(folder):
    plotting.style()
    fig, axes = plt.subplots(1, 2)
    axes[0].plot([1, 3, 2], "o-", label="$v$ [ms]")
    axes[0].legend()
    axes[1].imshow([[1, 2], [3, 4]])
    axes[1].set_title("many")
    Record("c", "book", folder, {}).figure(fig, "plot")
    plt.close(fig)


USERS = """
text.usetex: True
font.family: serif
lines.linewidth: 5
image.cmap: gray
savefig.bbox: tight
path.sketch: 1, 100, 2
figure.autolayout: True
svg.image_inline: False
pdf.fonttype: 42
"""


def test_a_users_matplotlibrc_changes_no_byte_of_a_figure(tmp_path):
    (tmp_path / "matplotlibrc").write_text(USERS, encoding="utf-8")
    env = {**os.environ, "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
    subprocess.run([sys.executable, __file__, tmp_path / "theirs"], check=True, env=env)
    draw(tmp_path / "ours")
    theirs, ours = ({path.name: path.read_bytes() for path in (tmp_path / whose / "c").glob("plot.*")} for whose in ("theirs", "ours"))
    assert set(ours) == {"plot.svg", "plot.pdf", "plot.png"}
    assert theirs == ours


def test_neurons_are_sorted_by_their_first_spikes():
    z = np.zeros((5, 4))
    z[3, 0] = z[1, 2] = z[4, 2] = z[3, 3] = 1  # the second is silent
    assert plotting.by_first_spike(z).tolist() == [1, 3, 0, 2]
    _t, j = z.nonzero()
    assert plotting.by_first_spike(z)[j].tolist() == [0, 1, 2, 0]


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
