"""How every figure of an archive looks: colors, type, years, and its bytes as SVG or PNG."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vasari.foundation.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#22252b"
FAINT = "#8b9099"
GRID = "#e4e6ea"
#: Seven hues that color-blind readers tell apart (Okabe and Ito 2008, without the yellow that vanishes on white).
HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6c6f76")
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "vasari",
}
PNG_DPI = 160


@dataclass(frozen=True)
class Labels:
    """What stands on a figure: its title, the measured thing with its unit, and what the archive was asked for."""

    title: str
    axis: str
    query: str = ""

    @property
    def subtitle(self) -> str:
        """Of which works it speaks: of this collection, never of art."""
        return f"in this collection: {self.query}" if self.query else "in this collection"


def blank(rows: tuple[float, ...] = (1.0,), height: float = 4.4) -> tuple[Figure, list[Axes]]:
    """A figure 8 inches wide with axes one above the other, of these relative heights, that share their years.

    Raises `MissingExtraError` without the extra `archive`.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError("Drawing figures", "archive") from error
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8, height), layout="constrained")
        axes = figure.subplots(len(rows), 1, sharex=True, height_ratios=rows, squeeze=False)[:, 0]
        axes[-1].xaxis.set_major_formatter(lambda year, _: year_words(round(year)))
        return figure, list(axes)


def headed(axes: Axes, labels: Labels) -> None:
    """Write the title, and under it of which works it speaks."""
    axes.set_title(labels.title, loc="left", fontsize=12, fontweight="bold", pad=22)
    axes.annotate(
        labels.subtitle, (0, 1), xytext=(0, 7), xycoords="axes fraction", textcoords="offset points", color=FAINT
    )
    axes.set_ylabel(labels.axis)


def drawn(figure: Figure, format: str) -> bytes:
    """The figure's bytes, the same for the same figure: `svg`, with text as text, or `png`."""
    import matplotlib

    file = io.BytesIO()
    facts = {"Date": None} if format == "svg" else {"Software": None}
    with matplotlib.rc_context(_STYLE):
        figure.savefig(file, format=format, dpi=PNG_DPI, metadata=facts, facecolor="white")
    return file.getvalue()


def year_words(year: int) -> str:
    """An astronomical year as readers know it: 1890, 44 BC."""
    return str(year) if year > 0 else f"{1 - year} BC"
