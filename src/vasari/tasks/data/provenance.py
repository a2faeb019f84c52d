"""What a model's card says of its training data: sources, numbers of files, licenses."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def describe_sources(sources: Sequence[str | Path]) -> list[dict[str, Any]]:
    """For each source its name (never its whole path), and where its folder has an index.csv: files, licenses, origins.

    `index.csv` is a table with a column `license` (or `licence`) and, if at hand, `repository`.
    """
    described = []
    for source in sources:
        text = str(source)
        if text.startswith("hf://"):
            described.append({"folder": text})
            continue
        path = Path(text).expanduser()
        entry: dict[str, Any] = {"folder": path.name or path.resolve().name}
        index = path if path.suffix.lower() == ".csv" else path / "index.csv"
        if index.is_file():
            with index.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.DictReader(file))
            licenses = Counter(row.get("licence") or row.get("license") or "not stated" for row in rows)
            origins = Counter(row.get("repository") or "not stated" for row in rows)
            entry |= {"files": len(rows), "licenses": dict(licenses), "repositories": dict(origins)}
        described.append(entry)
    return described
