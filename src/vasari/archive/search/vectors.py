"""Vectors of all works in one file, by which pictures are compared: made from the database, and never the truth.

The folder `index` of the archive holds for each feature a folder with `ids` (int64), `vectors` (float32, where the
Euclidean distance compares) and, for large archives, `graph.usearch`. Its name tells the state that it was made from.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from vasari.archive.feature_tables import current_version, feature_batches
from vasari.archive.schema import DERIVATIVES, FACTS, FILES
from vasari.archive.search.facets import FOLDER
from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.errors import ArchiveError, PlanError, WriteError

#: What pictures can be alike in -> the feature that tells.
ASPECTS = MappingProxyType({"overall": "embedding", "palette": "palette", "texture": "style"})
#: Up to so many works every one is compared; beyond it a graph leads to the nearest.
EXACT_WORKS = 100_000
#: Of the graph: neighbors kept for each work, and how many are looked at in building and in searching.
CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 128, 128
_ROWS = 20_000
#: What a process that was killed left behind is cleared away after this time.
_LONGEST_MAKING_SECONDS = 24 * 3600


@dataclass(frozen=True, eq=False)
class Vectors:
    """`ids` int64 [N], `vectors` float32 [N, k] and `squares` float32 [N] (their squared lengths), memory-mapped.

    `graph` is a usearch index of rows, or None where every row is compared.
    """

    feature: str
    version: str
    ids: np.ndarray
    vectors: np.ndarray
    squares: np.ndarray
    graph: Any | None


_TELLING = ("features", "made", "pictures")


def feature_of(by: str) -> str:
    """The feature by which pictures are compared; raises `PlanError` for an unknown aspect."""
    if by not in ASPECTS:
        raise PlanError(f"Pictures are not compared by {by!r}.", remedy=f"use one of {', '.join(ASPECTS)}")
    return ASPECTS[by]


def load(connection: Connection, folder: Path, by: str, exact_works: int = EXACT_WORKS) -> Vectors:
    """The vectors of all works that are measured; made in the archive's `folder` where they are not there yet.

    Raises `ArchiveError` where nothing is measured, `WriteError` where the folder cannot be written.
    """
    feature = feature_of(by)
    version = current_version(feature)
    place = folder / FOLDER / f"{feature}-{version}-{_state(connection)}"
    if not (place / "about.json").is_file():
        _make(place, feature, feature_batches(connection, feature, version), exact_works)
    return read(place, feature, version)


def is_measured(connection: Connection, by: str) -> bool:
    """Whether any work is; asked of the database alone, nothing is made. Raises `PlanError` as `feature_of`."""
    feature = feature_of(by)
    return any(True for _ in feature_batches(connection, feature, current_version(feature)))


def read(place: Path, feature: str, version: str) -> Vectors:
    """What `_make` wrote; raises `ArchiveError` where nothing is measured."""
    about = json.loads((place / "about.json").read_text())
    rows, columns = about["rows"], about["columns"]
    if not rows:
        raise ArchiveError(
            f"No picture has the feature {feature}.", remedy=f"measure them: vasari archive index --features {feature}"
        )
    ids = np.memmap(place / "ids", "<i8", "r", shape=(rows,))
    vectors = np.memmap(place / "vectors", "<f4", "r", shape=(rows, columns))
    squares = np.memmap(place / "squares", "<f4", "r", shape=(rows,))
    graph = None
    if (place / "graph.usearch").is_file():
        graph = _graph(columns)
        graph.view(str(place / "graph.usearch"))
    return Vectors(feature, version, ids, vectors, squares, graph)


def _state(connection: Connection) -> str:
    """A name for the pictures and vectors that the database holds: it changes when any come, go, or are measured."""
    files = connection.execute(select(func.max(FILES.c.id), func.count()).select_from(FILES)).one()
    derived = connection.execute(select(func.count()).select_from(DERIVATIVES)).scalar_one()
    facts = connection.execute(select(FACTS.c.name, FACTS.c.value).where(FACTS.c.name.in_(_TELLING)))
    told = json.dumps([*files, derived, sorted(map(list, facts))])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _make(place: Path, feature: str, batches: Iterator[tuple[np.ndarray, np.ndarray]], exact_works: int) -> None:
    """Write the files of a feature beside their place, and put them there when they are whole."""
    try:
        place.parent.mkdir(exist_ok=True)
        for killed in place.parent.glob("making-*"):
            if time.time() - killed.stat().st_mtime > _LONGEST_MAKING_SECONDS:
                shutil.rmtree(killed, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=place.parent, ignore_cleanup_errors=True) as name:
            staged = Path(name) / place.name
            staged.mkdir()
            rows, columns = _write(staged, feature, batches)
            if rows > exact_works:
                _build_graph(staged, rows, columns)
            (staged / "about.json").write_text(json.dumps({"rows": rows, "columns": columns}))
            for old in place.parent.glob(f"{feature}-*"):
                shutil.rmtree(old, ignore_errors=True)
            staged.rename(place)
            sync_folder(place.parent)
    except OSError as error:
        raise WriteError(
            f"The index {place} could not be written: {error.strerror or error}.",
            remedy="free some space, or let the archive's folder be written to",
        ) from error


def _write(staged: Path, feature: str, batches: Iterator[tuple[np.ndarray, np.ndarray]]) -> tuple[int, int]:
    from vasari.archive.features.comparing import comparable

    rows = columns = 0
    with (
        (staged / "ids").open("wb") as ids,
        (staged / "vectors").open("wb") as vectors,
        (staged / "squares").open("wb") as squares,
    ):
        for works, given in batches:
            prepared = np.ascontiguousarray(comparable(feature, given), "<f4")
            ids.write(works.astype("<i8").tobytes())
            vectors.write(prepared.tobytes())
            squares.write(np.einsum("nk,nk->n", prepared, prepared).astype("<f4").tobytes())
            rows, columns = rows + len(works), prepared.shape[1]
        for file in (ids, vectors, squares):
            file.flush()
            os.fsync(file.fileno())
    return rows, columns


def _graph(columns: int) -> Any:
    from usearch.index import Index

    return Index(
        ndim=columns, metric="l2sq", dtype="f16", connectivity=CONNECTIVITY, expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )  # fmt: skip


def _build_graph(staged: Path, rows: int, columns: int) -> None:
    """A graph of near neighbors (Malkov and Yashunin 2018, HNSW) with the vectors in float16."""
    graph = _graph(columns)
    vectors = np.memmap(staged / "vectors", "<f4", "r", shape=(rows, columns))
    for begin in range(0, rows, _ROWS):
        end = min(rows, begin + _ROWS)
        graph.add(np.arange(begin, end, dtype=np.uint64), np.ascontiguousarray(vectors[begin:end]))
    graph.save(str(staged / "graph.usearch"))
