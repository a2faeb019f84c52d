"""When an undated scan may have been made, by the dated works of an archive that it resembles; nothing is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from vasari.archive.estimate import MOST, Estimate, Estimator, Evidence, Settings, Trial
from vasari.archive.feature_tables import numbers
from vasari.archive.features.coding import Coder
from vasari.archive.features.comparing import comparable
from vasari.archive.features.measuring import measure
from vasari.archive.query import parsed
from vasari.archive.schema import FILES
from vasari.archive.trending import dated_works
from vasari.foundation.errors import PlanError

#: By what pictures are compared: the name of an option, and the feature it means.
RESEMBLANCES: Mapping[str, str] = {"overall": "embedding", "style": "style_components", "color": "color"}
NEAREST_SHOWN = 8


@dataclass(frozen=True, eq=False)
class DatedScan:
    """The likelihood over years of a scan, what it leans on, how such estimates fare here, and the archive's own years.

    `evidence` rows have key, title, artist, date and distance, nearest first.
    """

    estimate: Estimate
    evidence: tuple[dict[str, Any], ...]
    settings: Settings
    trial: Trial
    prior: np.ndarray
    works: int
    by: str

    def data(self) -> dict[str, Any]:
        """As JSON; years are astronomical."""
        return {
            "median": self.estimate.median,
            "half": self.estimate.within(0.5),
            "most": self.estimate.within(MOST),
            "by": self.by,
            "works": self.works,
            "settings": vars(self.settings),
            "trial": vars(self.trial),
            "evidence": list(self.evidence),
            "years": self.estimate.years.tolist(),
            "likelihood": [float(f"{value:.6g}") for value in self.estimate.likelihood],
        }


def dated_scan(connection: Connection, scan: Path, query: str = "", by: str = "overall", seed: int = 0) -> DatedScan:
    """Estimate the years of a picture file by the dated works that a query finds.

    Raises `PlanError` for too thin an archive or an unknown resemblance, `PictureError` for a file that cannot be read,
    `ArchiveError` where the archive is not indexed.
    """
    if by not in RESEMBLANCES:
        raise PlanError(f"by={by!r} is no resemblance.", remedy=f"use one of {', '.join(RESEMBLANCES)}")
    name = RESEMBLANCES[by]
    works = dated_works(connection, parsed(query))
    vectors = numbers(connection, works.ids, name)
    itself = np.isin(works.ids, _works_of_file(connection, scan))
    used = np.flatnonzero(works.known & np.isfinite(vectors).all(1) & ~itself)
    if not len(used):
        raise PlanError(
            "None of the works that were found is both dated and indexed.", remedy="run: vasari archive index"
        )
    found = measure(scan, (name,), Coder.of(device="cpu") if name != "color" else None)
    for error in found.failures.values():
        raise error
    space = comparable(name, np.concatenate([vectors[used], found.vectors[name][None]])).astype(np.float64)
    artists = _artist_numbers(works.artists[used])
    estimator = Estimator(Evidence(space[:-1], works.first[used], works.last[used], artists), seed)
    estimate = estimator.estimate(space[-1])
    rows = used[estimate.nearest[:NEAREST_SHOWN]].tolist()
    evidence = tuple(
        {
            "key": works.keys[row], "title": works.titles[row], "artist": str(works.artists[row]),
            "date": works.dates[row], "distance": float(distance),
        }
        for row, distance in zip(rows, estimate.distances)
    )  # fmt: skip
    return DatedScan(estimate, evidence, estimator.settings, estimator.trial, estimator.smooth_prior, len(used), by)


def _works_of_file(connection: Connection, scan: Path) -> list[int]:
    """The works of which the scan is a picture, byte by byte: they are no evidence for themselves."""
    try:
        with scan.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return []  # measuring it will say what is wrong
    return list(connection.execute(select(FILES.c.work_id).where(FILES.c.sha256 == digest)).scalars())


def _artist_numbers(names: np.ndarray) -> np.ndarray:
    """Artists as numbers; each unknown one is an artist of its own."""
    _, numbers = np.unique(names, return_inverse=True)
    unknown = names == ""
    return np.where(unknown, -1 - np.cumsum(unknown), numbers)
