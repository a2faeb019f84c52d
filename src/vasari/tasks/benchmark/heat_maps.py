"""Heat maps of a matrix of robustness, as SVG and PNG; blue is good and red is bad."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vasari.foundation.damage import DAMAGES
from vasari.foundation.errors import MissingExtraError
from vasari.tasks.benchmark.single_damages import ALONE

if TYPE_CHECKING:
    from vasari.tasks.benchmark.robustness import Cell

MOST_DB = 5.0  # the ends of the scale; beyond, the color stays
DPI = 92


def check_drawing() -> None:
    """Raise `MissingExtraError` where nothing can be drawn, before hours are spent."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("Drawing heat maps", "archive") from None


def heat_maps(cells: Sequence[Cell], method: str, stem: str) -> list[tuple[str, bytes]]:
    """Three maps side by side, damages down and eras by severity across, as `STEM.svg` and `STEM.png`."""
    import matplotlib as drawing
    from matplotlib.figure import Figure

    eras = [one for one in dict.fromkeys(cell.era for cell in cells) if one not in ALONE]
    alone = [one for one in dict.fromkeys(cell.era for cell in cells) if one in ALONE]
    severities = sorted({cell.severity for cell in cells})
    damages = [one for one in DAMAGES if any(cell.damage == one for cell in cells)]
    panels: list[tuple[str, list[str], Callable[[Cell], float]]] = [
        ("Gain of restoring, the damage there", eras, lambda cell: cell.gain),
        ("What the damage costs the result", eras, lambda cell: -cell.cost_after),
        ("Gain, the damage alone", alone, lambda cell: cell.gain),
    ]
    panels = [one for one in panels if one[1]]
    widths = [len(columns) * len(severities) for _, columns, _ in panels]
    with drawing.rc_context({"svg.hashsalt": "vasari", "svg.fonttype": "none", "font.size": 7.5}):
        figure = Figure((2.2 + 0.24 * sum(widths), 1.6 + 0.19 * len(damages)), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, width_ratios=widths, squeeze=False)[0]
        shown: Any = None
        for axis, (title, columns, value) in zip(axes, panels, strict=True):
            matrix = matrix_of(cells, columns, severities, damages, value)
            shown = axis.imshow(matrix, cmap="RdBu", vmin=-MOST_DB, vmax=MOST_DB, aspect="auto")
            _label(axis, title, columns, severities, damages)
        figure.colorbar(shown, ax=list(axes), shrink=0.5, extend="both", label="dB of PSNR; blue: good, red: bad")
        figure.suptitle(f"{method}: era × severity × damage", fontsize=9)
        found = []
        for kind in ("svg", "png"):
            buffer = io.BytesIO()
            metadata = {"Date": None} if kind == "svg" else {"Software": None}
            figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
            found.append((f"{stem}.{kind}", buffer.getvalue()))
    return found


def matrix_of(
    cells: Sequence[Cell], eras: Sequence[str], severities: Sequence[int], damages: Sequence[str],
    value: Callable[[Cell], float],
) -> np.ndarray:  # fmt: skip
    """[damages, eras × severities]; nan where an era does not know a damage."""
    known = {(cell.era, cell.severity, cell.damage): value(cell) for cell in cells}
    return np.array(
        [[known.get((era, severity, one), math.nan) for era in eras for severity in severities] for one in damages]
    )


def _label(axis: Any, title: str, columns: Sequence[str], severities: Sequence[int], damages: Sequence[str]) -> None:
    count = len(severities)
    axis.set_title(title, fontsize=8)
    axis.set_yticks(range(len(damages)), [one.replace("_", " ") for one in damages])
    middles = [count * place + (count - 1) / 2 for place in range(len(columns))]
    axis.set_xticks(middles, [one.removeprefix("alone, ") for one in columns], rotation=30, ha="right")
    axis.tick_params(length=0)
    for place in range(1, len(columns)):
        axis.axvline(count * place - 0.5, color="black", linewidth=0.6)
    axis.set_xlabel(f"severity {', '.join(str(one) for one in severities)} from left to right", fontsize=6.5)
    axis.set_facecolor("0.85")
