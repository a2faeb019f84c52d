"""How the date parser agrees with a museum's own years.

    python benchmarks/dates_tate.py --catalog tate_artworks_compiled.csv.gz
    python benchmarks/dates_tate.py --catalog FILE --differing 20     # the texts on which they differ

The catalog is a CSV (or .csv.gz) with `dateText`, `year_start` and `year_end`, as compiled from the Tate's open data
(https://github.com/tategallery/collection, CC0). A row is dated where the museum gives both years. Each dated row is

- `equal`: the museum's range is exactly ours before "circa" widens it (all circa_* assumptions 0);
- `inside`: it is not, but lies wholly inside ours with the default assumptions;
- `open`: ours has no end, or is unknown, so that nothing false is said;
- `differs`: anything else.

Agreement is the share of the first two; what the project promises is `equal + inside + open` of all dated rows.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import time
from collections import Counter
from pathlib import Path

from vasari.archive.dates.dating import Assumptions
from vasari.archive.dates.parse import parse_date

STATED = Assumptions(circa_years=0, circa_decade_years=0, circa_century_years=0)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of the catalog."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return list(csv.DictReader(io.StringIO(text.decode("utf-8"))))


def verdict(text: str, first: int, last: int) -> str:
    """How our reading of a text stands to the museum's years."""
    dating, stated = parse_date(text), parse_date(text, STATED)
    if dating.earliest is None or dating.latest is None:
        return "open"
    if (stated.earliest, stated.latest) == (first, last):
        return "equal"
    return "inside" if dating.earliest <= min(first, last) and max(first, last) <= dating.latest else "differs"


def main() -> None:
    """Print the shares as JSON, and on demand the texts that differ most often."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalog", type=Path, required=True)
    parser.add_argument("--differing", type=int, default=0, help="list so many texts that differ")
    options = parser.parse_args()
    rows = rows_of(options.catalog)
    begun = time.perf_counter()
    counts: Counter[str] = Counter()
    differing: Counter[tuple[str, int, int]] = Counter()
    read_without_years = 0
    for row in rows:
        try:
            first, last = int(row["year_start"]), int(row["year_end"])
        except ValueError:
            read_without_years += parse_date(row["dateText"]).known
            continue
        found = verdict(row["dateText"], first, last)
        counts[found] += 1
        if found == "differs":
            differing[row["dateText"], first, last] += 1
    dated = sum(counts.values())
    report = {
        "rows": len(rows),
        "dated": dated,
        **{name: counts[name] for name in ("equal", "inside", "open", "differs")},
        "equal_share": round(counts["equal"] / dated, 4),
        "agreed_or_open_share": round(1 - counts["differs"] / dated, 4),
        "undated_by_the_museum_but_read": read_without_years,
        "different_texts": len({row["dateText"] for row in rows}),
        "seconds": round(time.perf_counter() - begun, 2),
    }
    print(json.dumps(report))
    for (text, first, last), count in differing.most_common(options.differing):
        dating = parse_date(text)
        print(f"{count:5}  {text!r}: the museum {first}-{last}, read {dating.earliest}-{dating.latest}")


if __name__ == "__main__":
    main()
