"""How pictures of numbers look, and how they are written."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rl_teacher.errors import FolderUnwritable

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5D3A9B", "#4D4D4D")
"""Told apart by people who see few colors. Source: Okabe and Ito 2008, jfly.uni-koeln.de/color; two added."""
DASHES = ("-", "--", ":", "-.")


def tidy(axes: Axes) -> None:
    """A light grid behind the data, and no frame above or at the right."""
    axes.grid(color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, out: Path) -> None:
    """Write a picture; its suffix (.png, .svg, .pdf) is the format. The same picture has the same bytes.

    Raises:
        FolderUnwritable: it cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with mpl.rc_context({"svg.hashsalt": "rl-teacher"}):
            figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)
    except OSError as error:
        raise FolderUnwritable(f"picture {str(out)!r}: cannot be written: {error.strerror}.") from error
