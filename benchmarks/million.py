"""What a million scans take and cost, reckoned from measured rates and from prices that you name.

    python benchmarks/million.py
    python benchmarks/million.py --megapixels 35 --mb-read 200 --mb-written 210 --cores 64
    python benchmarks/million.py --core-hour 0.04 --tb-month 20 --prices-from "our contract" --prices-of 2026-11-01

The rates are of one core, from docs/benchmarks.md, where their protocols stand; measure your own with
`vasari profile` and benchmarks/ray_batch.py, and give them as options. Nothing is assumed about prices: without them
only core hours, days and terabytes are told; with them, where they are from and of when. Prints JSON with `--json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from datetime import date

HOUR_S, DAY_S, TB_MB = 3600.0, 86400.0, 1e6


@dataclass(frozen=True)
class Rate:
    """A measured rate of one core: `per_s` of `unit` a second, and where the figure stands."""

    per_s: float
    unit: str
    source: str


#: Name -> rate; each is a figure of docs/benchmarks.md.
RATES = {
    "restore": Rate(0.71, "megapixels", "Speed: 1.42 MP/s end to end on two cores without AMX, the slower hour"),
    "add": Rate(12.1, "scans", "The archive: TIFFs of 24 megapixels, decoded and hashed"),
    "index": Rate(1.0, "scans", "The archive: all features of a picture of 24 megapixels"),
}
#: What the one process that leads a batch reads: every source once before, once after, by SHA-256.
HASH_MB_S = 203.0
HASH_SOURCE = "The archive: fixity by the clock"
READINGS = 2


@dataclass(frozen=True)
class Reckoned:
    """What one kind of work takes for all scans: core hours, and days on the cores that there are."""

    work: str
    core_hours: float
    days: float
    rate: str
    cost: float | None


def reckoned(given: argparse.Namespace) -> list[Reckoned]:
    """Every kind of work for all scans."""
    found = []
    for name, rate in RATES.items():
        per_s = getattr(given, name) or rate.per_s
        amount = given.scans * (given.megapixels if rate.unit == "megapixels" else 1.0)
        seconds = amount / (per_s * given.efficiency)
        source = "given" if getattr(given, name) else rate.source
        told = f"{per_s:g} {rate.unit} a second and core ({source})"
        cost = seconds / HOUR_S * given.core_hour if given.core_hour is not None else None
        found.append(Reckoned(name, round(seconds / HOUR_S), round(seconds / given.cores / DAY_S, 1), told, cost))
    return found


def summary(given: argparse.Namespace) -> dict[str, object]:
    """All that is told, as plain values."""
    works = reckoned(given)
    busiest = max(works, key=lambda one: one.core_hours)
    read, written = (given.scans * size / TB_MB for size in (given.mb_read, given.mb_written))
    seconds = busiest.core_hours * HOUR_S / given.cores
    leader_s = READINGS * given.scans * given.mb_read / given.hash_mb_s
    values: dict[str, object] = {
        "scans": given.scans,
        "megapixels_each": given.megapixels,
        "cores": given.cores,
        "efficiency": given.efficiency,
        "works": [asdict(one) for one in works],
        "terabytes_read": round(read, 1),
        "terabytes_written": round(written, 1),
        "storage_mb_s": round((given.mb_read + given.mb_written) * given.scans / seconds, 1),
        "leader_days": round(leader_s / DAY_S, 1),
        "cores_that_one_leader_keeps_busy": int(busiest.core_hours * HOUR_S / leader_s),
    }
    if given.tb_month is not None:
        values["storage_a_month"] = round((read + written) * given.tb_month, 2)
    if given.core_hour is not None or given.tb_month is not None:
        values["prices"] = {"from": given.prices_from, "of": given.prices_of.isoformat(), "in": given.currency}
    return values


def tell(values: dict[str, object], works: list[Reckoned], given: argparse.Namespace) -> None:
    """The same in words."""
    print(f"{given.scans:,} scans of {given.megapixels:g} megapixels on {given.cores} cores:")
    for one in works:
        cost = "" if one.cost is None else f", {one.cost:,.0f} {given.currency}"
        print(f"  {one.work:8} {one.core_hours:>9,} core hours, {one.days:g} days{cost}; {one.rate}")
    read, written = values["terabytes_read"], values["terabytes_written"]
    print(f"  reading {read} TB, writing {written} TB: {values['storage_mb_s']} MB/s while the longest runs")
    print(f"  the process that leads hashes for {values['leader_days']} days at {given.hash_mb_s:g} MB/s: it keeps")
    print(
        f"  {values['cores_that_one_leader_keeps_busy']} cores busy; split the folders into several batches beyond that"
    )
    if "storage_a_month" in values:
        print(f"  keeping both: {values['storage_a_month']} {given.currency} a month")
    if "prices" in values:
        print(f"  prices from {given.prices_from}, of {given.prices_of}")


def main() -> int:
    """Reckon and tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scans", type=int, default=1_000_000)
    parser.add_argument("--megapixels", type=float, default=24.0, help="of a scan")
    parser.add_argument("--mb-read", type=float, default=72.0, help="of a scan; 72: 8-bit TIFF of 24 megapixels")
    parser.add_argument("--mb-written", type=float, default=73.0, help="of a result with its record")
    parser.add_argument("--cores", type=int, default=32)
    parser.add_argument("--efficiency", type=float, default=0.85, help="of a core under Ray beside one alone")
    parser.add_argument("--hash-mb-s", type=float, default=HASH_MB_S, help=HASH_SOURCE)
    for name, rate in RATES.items():
        parser.add_argument(f"--{name}", type=float, help=f"{rate.unit} a second and core; default {rate.per_s:g}")
    parser.add_argument("--core-hour", type=float, help="price of a core for an hour")
    parser.add_argument("--tb-month", type=float, help="price of a terabyte for a month")
    parser.add_argument("--currency", default="EUR")
    parser.add_argument("--prices-from", help="where the prices stand")
    parser.add_argument("--prices-of", type=date.fromisoformat, help="their date, as 2026-11-01")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    priced = given.core_hour is not None or given.tb_month is not None
    if priced and not (given.prices_from and given.prices_of):
        parser.error("a price needs --prices-from and --prices-of: without them nobody can check it")
    values = summary(given)
    if given.json:
        print(json.dumps(values, indent=2))
    else:
        tell(values, reckoned(given), given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
