"""How well the works of an archive are dated by what they resemble, their artists hidden, feature by feature.

    python benchmarks/archive_dating.py --archive DIR

The trial is the one that `vasari archive date` makes and tells (`vasari.archive.estimate`): up to 400 dated works,
each hidden with all others of its artist. `gain` is in bits, against how the archive is dated as a whole; errors are
medians.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from vasari.archive.estimate import Estimator, Evidence
from vasari.archive.feature_tables import numbers
from vasari.archive.features.comparing import comparable
from vasari.archive.query import parsed
from vasari.archive.store import Archive
from vasari.archive.trending import dated_works

FEATURES = ("color", "palette", "edges", "complexity", "style", "style_components", "embedding")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--query", default="")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| feature | works | gain, bits | error, years | without looking | true years within 90 % |")
    print("|---|---|---|---|---|---|")
    with Archive.open(options.archive) as archive, archive.reading() as connection:
        works = dated_works(connection, parsed(options.query))
        _, artists = np.unique(works.artists, return_inverse=True)
        for name in FEATURES:
            vectors = comparable(name, numbers(connection, works.ids, name)).astype(np.float64)
            used = works.known & np.isfinite(vectors).all(1)
            evidence = Evidence(vectors[used], works.first[used], works.last[used], artists[used])
            trial = Estimator(evidence, options.seed).trial
            print(
                f"| {name} | {trial.works} of {int(used.sum())} | {trial.gain:.2f} | {trial.error_years:.0f} | "
                f"{trial.prior_error_years:.0f} | {trial.held:.0%} |"
            )


if __name__ == "__main__":
    main()
