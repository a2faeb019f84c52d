"""How long an archive of many generated works takes to list, count and search, and how good its graph is.

    python benchmarks/archive_scale.py --folder DIR [--works 100000] [--vectors 1000000] [--postgresql URL]

Works have 3,000 artists, 60 styles and dates of 1500..1990; vectors are mixtures of 2,000 clusters in the dimensions of
the embedding (128), their variance falling as 1/n from dimension to dimension. Times are the 95th percentiles of many
questions in one process with warm caches: by the clock, and of the processor alone, which other work on the machine
hardly changes.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert

from vasari.archive import feature_tables
from vasari.archive.dates.parse import parse_date
from vasari.archive.query import parsed, work_ids
from vasari.archive.reporting import Question, answers
from vasari.archive.schema import ARTISTS, FEATURES, FILES, STATEMENTS, TERMS, WORDS, WORKS
from vasari.archive.search import facets, listing, similar, vectors
from vasari.archive.statements import digest_of
from vasari.archive.store import Archive
from vasari.archive.terms import term_rows
from vasari.foundation.treatment import now

DIMENSIONS = 128
QUESTIONS = 200
ARTISTS_COUNT, STYLES, MEDIA, PLACES = 3000, 60, 40, 200
QUERIES = (
    "",
    "artist = 'Family7'",
    "style = 'style 3' and 1850/1900",
    "1885/1895",
    "title ~ 'river'",
    "river morning",
    "medium = 'medium 4' or place = 'place 9'",
    "not style = 'style 1' and after 1800",
)
QUESTIONS_OF_TIME = {
    "lightness_mean of all": Question(measures=("lightness_mean",)),
    "lightness_mean of a style": Question("style = 'style 3'", ("lightness_mean",)),
    "shares of styles": Question(shares="style"),
}


def main() -> None:
    """Run what is asked for, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the generated archive and vectors go")
    parser.add_argument("--works", type=int, default=100_000)
    parser.add_argument("--vectors", type=int, default=0, help="of the graph alone; 0 leaves it out")
    parser.add_argument("--postgresql", default=None, help="address of an empty database")
    given = parser.parse_args()
    told: dict[str, Any] = {}
    if given.works:
        told["catalog"] = catalog(given.folder / "archive", given.works, given.postgresql)
    if given.vectors:
        told["graph"] = graph(given.folder / "graph", given.vectors)
    told["most_memory_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(told, indent=1))


def catalog(folder: Path, works: int, database: str | None) -> dict[str, Any]:
    """Times of listing, counting and searching an archive of generated works."""
    archive = Archive.open(folder) if folder.exists() else made(folder, works, database)
    told: dict[str, Any] = {"works": works, "database": archive.engine.dialect.name}
    with archive, archive.reading() as connection:
        began = time.perf_counter()
        facets.load(connection, folder)
        told["facet codes made, s"] = round(time.perf_counter() - began, 2)
        told["listing with facets, p95 ms"] = {}
        for text in QUERIES:
            query = parsed(text)

            def faceted(query: Any = query) -> None:
                listing.list_works(connection, query, limit=50)
                facets.facets(connection, folder, query)

            told["listing with facets, p95 ms"][text or "(all)"] = {
                "works": len(work_ids(connection, query)),
                **p95(faceted, 30),
            }
        began = time.perf_counter()
        held = vectors.load(connection, folder, "overall")
        told["vectors made, s"] = round(time.perf_counter() - began, 2)
        draw = np.random.default_rng(3)
        wanted = [np.array(held.vectors[row]) for row in draw.integers(0, len(held.ids), QUESTIONS)]
        told["exact search, p95 ms"] = p95(lambda: similar.nearest(held, wanted.pop(), 20), QUESTIONS)
        ids = feature_tables.feature_table(connection, "color").work_ids
        began = time.perf_counter()
        feature_tables.numbers(connection, ids, "color")
        told["all works' colors read, s"] = round(time.perf_counter() - began, 2)
        told["trends, s"] = {name: trends(connection, question) for name, question in QUESTIONS_OF_TIME.items()}
    return told


def trends(connection: Connection, question: Question) -> dict[str, float]:
    """Seconds from the query to the figure: the first time, the median of five more, and of the processor alone."""
    clock, processor = [], []
    for _ in range(6):
        began, worked = time.perf_counter(), time.process_time()
        answers(connection, question)
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
    told = {"first": clock[0], "median": float(np.median(clock[1:])), "processor": float(np.median(processor[1:]))}
    return {name: round(value, 2) for name, value in told.items()}


def made(folder: Path, works: int, database: str | None) -> Archive:
    """An archive of generated works with statements, files and vectors, put in without journal."""
    archive = Archive.create(folder, database)
    draw = np.random.default_rng(1)
    versions = {name: feature_tables.current_version(name) for name in ("embedding", "color")}
    embedded = mixture(works, draw)
    names = [f"Given{number % 211} Family{number}" for number in range(ARTISTS_COUNT)]
    with archive.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(insert(ARTISTS), [{"id": place + 1, "name": name} for place, name in enumerate(names)])
        for begin in range(0, works, 2000):
            span = range(begin, min(works, begin + 2000))
            rows = [_work(number, names, draw) for number in span]
            said = [one for _, statements in rows for one in statements]
            terms, words = term_rows(said)
            connection.execute(insert(WORKS), [row for row, _ in rows])
            connection.execute(insert(STATEMENTS), said)
            for table, new in ((TERMS, _new(TERMS, terms)), (WORDS, _new(WORDS, words))):
                if new:
                    connection.execute(insert(table), new)
            connection.execute(insert(FILES), [_file(number) for number in span])
            vectors_of = {"embedding": embedded, "color": draw.normal(size=(works, 14)).astype("<f4")}
            connection.execute(
                insert(FEATURES),
                [
                    {
                        "content": f"{number:064x}", "name": name, "version": version,
                        "vector": vectors_of[name][number].astype("<f4").tobytes(),
                    }
                    for number in span
                    for name, version in versions.items()
                ],
            )  # fmt: skip
    return archive


_SEEN: set[tuple[str, ...]] = set()


def _new(table: Any, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows whose primary key was not put in before."""
    keys = [column.name for column in table.primary_key]
    found = [row for row in rows if (table.name, *(row[key] for key in keys)) not in _SEEN]
    _SEEN.update((table.name, *(row[key] for key in keys)) for row in found)
    return found


_NOUNS = ("river", "mountain", "garden", "portrait", "harbor", "bridge", "forest", "village", "market", "field", "sea")
_TIMES = ("morning", "evening", "winter", "summer", "storm", "dawn", "night", "spring", "autumn", "rain")


def _work(number: int, names: list[str], draw: np.random.Generator) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    artist = int(ARTISTS_COUNT * draw.random() ** 3)
    year = int(1500 + 490 * draw.random() ** 0.5)
    date = str(draw.choice([f"{year}", f"c. {year}", f"{year}-{year + 5}", "n.d."], p=[0.6, 0.2, 0.15, 0.05]))
    dating = parse_date(date)
    values = {
        "title": f"{draw.choice(_NOUNS)} in the {draw.choice(_TIMES)} no. {number}".capitalize(),
        "artist": names[artist],
        "date": date,
        "medium": f"medium {int(MEDIA * draw.random() ** 2)}",
        "place": f"place {int(PLACES * draw.random() ** 2)}",
    }
    said = [*values.items(), ("style", f"style {int(STYLES * draw.random() ** 2)}")]
    row = {
        "id": number + 1, "key": f"gen:{number:07}", "title": values["title"], "artist_id": artist + 1,
        "date_text": date, "date_edtf": dating.edtf, "date_kind": dating.kind.value, "date_first": dating.earliest,
        "date_last": dating.latest, "medium": values["medium"], "place": values["place"], "added": now(),
    }  # fmt: skip
    statements = [
        {
            "work_id": number + 1, "field": field, "kind": "catalog", "by": "generated", "digest": digest_of(value),
            "value": value, "at": now(),
        }
        for field, value in said
    ]  # fmt: skip
    return row, statements


def _file(number: int) -> dict[str, Any]:
    content = f"{number:064x}"
    return {
        "work_id": number + 1, "path": f"{number:07}.jpg", "content": content, "sha256": content, "bytes": 1,
        "modified_ns": 0, "width": 1, "height": 1, "format": "jpeg", "depth": 8, "added": now(), "checked": now(),
    }  # fmt: skip


def mixture(count: int, draw: np.random.Generator) -> np.ndarray:
    """Vectors of length 1, float32 [count, 128]: clusters whose spread is most in few of the dimensions."""
    scale = (np.arange(1, DIMENSIONS + 1) ** -0.5).astype(np.float32)
    centers = draw.normal(size=(2000, DIMENSIONS)).astype(np.float32) * scale
    found = np.empty((count, DIMENSIONS), np.float32)
    for begin in range(0, count, 20_000):
        some = slice(begin, min(count, begin + 20_000))
        size = some.stop - some.start
        noise = draw.normal(size=(size, DIMENSIONS)).astype(np.float32) * scale
        found[some] = centers[draw.integers(0, len(centers), size)] + 0.7 * noise
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def graph(folder: Path, count: int) -> dict[str, Any]:
    """Build time, search times and recall of the graph over generated vectors."""
    place = folder / f"embedding-{count}"
    built = 0.0
    if not place.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        given = mixture(count, np.random.default_rng(5))
        batches = ((np.arange(at, min(count, at + 5000)) + 1, given[at : at + 5000]) for at in range(0, count, 5000))
        began = time.perf_counter()
        vectors._make(place, "embedding", batches, vectors.EXACT_WORKS)
        built = time.perf_counter() - began
        del given
    held = vectors.read(place, "embedding", "generated")
    draw = np.random.default_rng(7)
    rows = draw.integers(0, count, QUESTIONS)
    wanted = [np.array(held.vectors[row]) + draw.normal(0, 0.02, DIMENSIONS).astype(np.float32) for row in rows]
    exact = vectors.Vectors(held.feature, held.version, held.ids, held.vectors, held.squares, None)
    found: list[set[int]] = []
    asked = iter(wanted)
    took = p95(lambda: found.append({hit.work_id for hit in similar.nearest(held, next(asked), 20)}), QUESTIONS)
    true = [{hit.work_id for hit in similar.nearest(exact, one, 20)} for one in wanted]
    recall = float(np.mean([len(one & other) / 20 for one, other in zip(found, true, strict=True)]))
    return {
        "vectors": count,
        "dimensions": DIMENSIONS,
        "built, s": round(built, 1),
        "search, p95 ms": took,
        "recall at 20": round(recall, 4),
        "file of the graph, MB": round((place / "graph.usearch").stat().st_size / 1e6) if held.graph else 0,
    }


def p95(run: Callable[[], object], times: int) -> dict[str, float]:
    """The 95th percentiles of so many runs in ms: by the clock, and of the processor."""
    took = []
    for _ in range(times):
        began = time.perf_counter(), time.process_time()
        run()
        took.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    clock, processor = np.percentile(np.array(took), 95, axis=0)
    return {"clock": round(1000 * float(clock), 1), "processor": round(1000 * float(processor), 1)}


if __name__ == "__main__":
    main()
