"""Whether the statistics of trends keep their promises, on archives whose truth is known.

    python benchmarks/trends.py                       # alarms, hits, coverage and seconds; minutes on one core
    python benchmarks/trends.py --only seconds        # 100,000 works alone
    python benchmarks/trends.py --archives 1000       # finer

Prints a line of JSON for each measure: `alarms`, archives without change in which one is found, by kind of chance;
`hits`, archives in which a step of 0.8 standard deviations is found within 5 years; `coverage`, how
often the 95 % bands hold the truth; `seconds` and `cpu_seconds` of every kind of trend over 100,000 works.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from machine import described
from made_archives import NO_CHANGE, STEP_YEAR, Archive, make_archive, step
from vasari.archive.trends.changes import change_points
from vasari.archive.trends.curves import trend
from vasari.archive.trends.groups import compare
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.shares import shares
from vasari.archive.trends.works import Works

NEAR_YEARS = 5
STEPS: dict[str, dict[str, float]] = {
    "200 artists": {"artists": 200},
    "200 artists, dates within 10 years": {"artists": 200, "uncertain_years": 10},
    "200 artists, works that remember 0.5": {"artists": 200, "memory": 0.5},
    "100 artists": {"artists": 100},
}
BANDS: dict[str, dict[str, float]] = {
    "150 artists": {"artists": 150},
    "80 artists": {"artists": 80},
    "150 artists, dates within 5 years": {"artists": 150, "uncertain_years": 5},
    "150 artists, dates within 15 years": {"artists": 150, "uncertain_years": 15},
}


def alarms(kind: str, archives: int, plan: TrendPlan) -> dict[str, object]:
    """False alarms among archives without change."""
    found = [change_points({"": NO_CHANGE[kind](5000 + seed).works()}, plan)[""].points for seed in range(archives)]
    count = sum(map(bool, found))
    return {"measure": "alarms", "of": kind, "archives": archives, "alarms": count, "share": round(count / archives, 4)}


def hits(name: str, archives: int, plan: TrendPlan) -> dict[str, object]:
    """Steps found near their year."""
    near, held, other = 0, 0, 0
    for seed in range(archives):
        points = change_points({"": made(STEPS[name], 6000 + seed, step).works()}, plan)[""].points
        close = [point for point in points if abs(point.year - STEP_YEAR) <= NEAR_YEARS]
        near += bool(close)
        held += any(point.earliest <= STEP_YEAR <= point.latest for point in points)
        other += len(points) - len(close)
    return {
        "measure": "hits", "of": name, "archives": archives, "within_5_years": near,
        "interval_holds_the_year": held, "elsewhere": other,
    }  # fmt: skip


def coverage(name: str, archives: int, plan: TrendPlan) -> dict[str, object]:
    """How often the bands of the curves, the periods and the line hold a flat truth."""
    inside: dict[str, list[bool]] = {"moving_average": [], "loess": [], "periods": [], "line": []}
    for seed in range(archives):
        found = trend(made(BANDS[name], 7000 + seed, np.zeros_like).works(), plan)
        for curve_name, curve in (("moving_average", found.moving_average), ("loess", found.loess)):
            told = np.isfinite(curve.estimate)
            inside[curve_name] += ((curve.low <= 0) & (curve.high >= 0))[told].tolist()
        inside["periods"] += [one.low <= 0 <= one.high for one in found.periods if not one.blank]
        inside["line"].append(found.line.low <= 0 <= found.line.high)
    shares_inside = {key: round(float(np.mean(values)), 4) for key, values in inside.items()}
    return {"measure": "coverage", "of": name, "archives": archives, **shares_inside}


def made(options: dict[str, float], seed: int, truth: Callable[[np.ndarray], np.ndarray]) -> Archive:
    """An archive of the options of a table above."""
    whole = {key: value if key == "memory" else int(value) for key, value in options.items()}
    return make_archive(seed, truth=truth, **whole)  # type: ignore[arg-type]


def large() -> Archive:
    """About 100,000 works of 8,500 artists, half of them dated within up to 10 years, with a step."""
    return make_archive(1, artists=8500, mean_works=12.6, uncertain_years=10, truth=step)


def seconds() -> list[dict[str, object]]:
    """Every kind of trend over `large`, the table already made."""
    archive = large()
    works = archive.works()
    columns = (archive.values, archive.first, archive.last, archive.artists)
    halves = Works.of_years(*columns, np.where(archive.artists % 2, "odd", "even"))
    classes = Works.of_years(*columns, (archive.artists * 7 + archive.first) % 12)
    calls: dict[str, Callable[[], object]] = {
        "trend": lambda: trend(works),
        "change_points": lambda: change_points({"": works}),
        "compare": lambda: compare(halves),
        "shares of 12 classes": lambda: shares(classes),
    }
    result: list[dict[str, object]] = []
    for name, call in calls.items():
        begun, used = time.perf_counter(), time.process_time()
        call()
        wall, cpu = time.perf_counter() - begun, time.process_time() - used
        times = {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2)}
        result.append({"measure": "seconds", "of": name, "works": len(works), **times})
    return result


def main() -> None:
    """Print the measures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("alarms", "hits", "coverage", "seconds"))
    parser.add_argument("--archives", type=int, default=400, help="archives for each line; a quarter of them for hits")
    options = parser.parse_args()
    print(json.dumps({"measure": "machine", **described()}), flush=True)
    wanted = (options.only,) if options.only else ("alarms", "hits", "coverage", "seconds")
    if "alarms" in wanted:
        for kind in NO_CHANGE:
            print(json.dumps(alarms(kind, options.archives, TrendPlan(draws=60))), flush=True)
    if "hits" in wanted:
        for name in STEPS:
            print(json.dumps(hits(name, max(1, options.archives // 4), TrendPlan(draws=200))), flush=True)
    if "coverage" in wanted:
        for name in BANDS:
            print(json.dumps(coverage(name, options.archives, TrendPlan(step_years=10))), flush=True)
    if "seconds" in wanted:
        for line in seconds():
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
