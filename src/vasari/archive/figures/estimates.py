"""An estimate of years as a figure: the likelihood, its middle half and 90 %, and what the archive says as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vasari.archive.figures.looks import FAINT, HUES, Labels, blank, headed, year_words
from vasari.archive.scan_dates import DatedScan

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def estimate_figure(found: DatedScan, name: str) -> Figure:
    """The likelihood over years of a scan called `name`."""
    figure, (axes,) = blank(height=3.6)
    headed(axes, Labels(f"When may {name} have been made?", "likelihood a year"))
    estimate = found.estimate
    axes.plot(estimate.years, found.prior, color=FAINT, linewidth=1, label="dated works here, as a whole")
    axes.plot(estimate.years, estimate.likelihood, color=HUES[0], linewidth=1.8, label="this scan")
    for share, strength in ((0.9, 0.15), (0.5, 0.3)):
        low, high = estimate.within(share)
        held = (estimate.years >= low) & (estimate.years <= high)
        top = np.where(held, estimate.likelihood, 0)
        axes.fill_between(estimate.years, 0, top, where=held, color=HUES[0], alpha=strength, linewidth=0)
    axes.set_ylim(bottom=0)
    axes.legend(loc="best", frameon=False, fontsize=8.5)
    ends = " and ".join(year_words(year) for year in estimate.within(0.9))
    trial = found.trial
    words = (
        f"Most likely between {ends}. Tried on {trial.works} works whose date is known, it missed by "
        f"{trial.error_years:.0f} years in the median ({trial.prior_error_years:.0f} without looking)."
    )
    figure.supxlabel(words, fontsize=8, color=FAINT, x=0.01, ha="left")
    return figure
