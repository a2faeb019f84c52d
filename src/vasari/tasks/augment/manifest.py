"""The manifest of an augmented set: a table with a row a picture, its label and where it comes from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import WriteError

NAME = "manifest.csv"


@dataclass(frozen=True)
class Row:
    """One picture: its place below the manifest's folder, its label, and its lineage.

    `source` is the place of the picture it was made from, within the set; `model` and `model_digest` are empty
    where no model had a hand in it; `parameters` is JSON.
    """

    path: str
    label: str
    source: str
    source_sha256: str
    operation: str
    model: str = ""
    model_digest: str = ""
    seed: str = ""
    parameters: str = "{}"


COLUMNS = tuple(item.name for item in fields(Row))


def parameters_text(values: Mapping[str, Any]) -> str:
    """Parameters as one line of JSON."""
    return json.dumps(dict(values), sort_keys=True, ensure_ascii=False)


def write(folder: Path, rows: Iterable[Row]) -> Path:
    """Write the manifest whole, unless it stands there already so; raises `WriteError`."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(astuple(one) for one in rows)
    data = text.getvalue().encode("utf-8", "surrogateescape")
    path = folder / NAME
    return path if _bytes(path) == data else write_whole(path, data)


def refuse_foreign(folder: Path) -> None:
    """Raise `WriteError` where another table stands in the manifest's place."""
    path = folder / NAME
    found = _bytes(path)
    if found is not None and found.partition(b"\n")[0].strip() != ",".join(COLUMNS).encode():
        raise WriteError(
            f"{path} stands where the manifest would go, and is none.",
            remedy="move it elsewhere, choose another folder, or use --overwrite to replace it",
        )


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
