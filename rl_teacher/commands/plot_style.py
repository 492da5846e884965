"""How pictures of numbers look, and how they are written."""

import io
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rl_teacher.errors import require
from rl_teacher.files import make_folder, write_whole

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
        ConfigError: there is no such format.
        FolderUnwritable: it cannot be written.
    """
    suffix = out.suffix.removeprefix(".").lower() or "png"
    known = sorted(figure.canvas.get_supported_filetypes())
    require(suffix in known, "-o/--out", str(out), f"a name that ends in one of {', '.join(known)}")
    picture = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "rl-teacher"}):
        figure.savefig(picture, format=suffix, metadata={"Date": None} if suffix == "svg" else None)
    make_folder(out.parent)
    write_whole(out, picture.getvalue())
