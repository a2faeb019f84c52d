"""A small archive with known statements, and vectors put in by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vasari.archive.feature_tables import current_version
from vasari.archive.features.table import FEATURES as KNOWN
from vasari.archive.schema import FEATURES, FILES
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.archive.store import Archive

ARTISTS = ["Claude Monet", "Berthe Morisot", "Zoë Ö.", "", "ἀ"]
DATES = ["1885", "c. 1890", "1878-1893", "after 1880", "before 1850", "n.d.", "664 BC", "5 AD"]
STYLES = ["Impressionism", "impressionism", "Cubism"]


@pytest.fixture
def filled() -> Callable[[Archive, int], list[int]]:
    """Fill an archive with so many works of varied statements; every seventh is derived, every fifth has no picture."""

    def fill(archive: Archive, works: int) -> list[int]:
        draw = np.random.default_rng(works)
        keys = [f"work {number}" for number in range(works)]
        with archive.writing() as writer:
            ids = works_of(writer, [key for place, key in enumerate(keys) if place % 7])
            ids |= works_of(writer, [key for place, key in enumerate(keys) if place % 7 == 0], derived=True)
            claims = {
                ids[key]: [
                    Claim("title", f"Title {place % 6}"),
                    Claim("artist", str(draw.choice(ARTISTS))),
                    Claim("date", str(draw.choice(DATES))),
                    *(Claim("style", str(one)) for one in draw.choice(STYLES, 2)),
                ]
                for place, key in enumerate(keys)
            }
            state(writer, claims, Speaker("catalog", "Tate"))
            state(writer, {ids[keys[1]]: [Claim("style", "Guessed")]}, Speaker("model", "styles"))
            writer.add(FILES, [file_row(ids[key], place) for place, key in enumerate(keys) if place % 5])
        return [ids[key] for key in keys]

    return fill


@pytest.fixture
def measured() -> Callable[..., np.ndarray]:
    """Put vectors of a feature in for the works with a picture; they come back as an array in the order of places."""

    def measure(archive: Archive, name: str, works: int, seed: int = 0, version: str | None = None) -> np.ndarray:
        vectors = np.random.default_rng(seed).normal(size=(works, KNOWN[name].dimensions)).astype("<f4")
        rows = [
            {
                "content": f"{place:064x}",
                "name": name,
                "version": version or current_version(name),
                "vector": vectors[place].tobytes(),
            }
            for place in range(works)
            if place % 5
        ]
        with archive.writing() as writer:
            writer.put(FEATURES, rows)
            writer.put_fact("features", f"{seed + 1}")
        return vectors

    return measure


def file_row(work: int, number: int) -> dict[str, object]:
    """A present picture of a work, whose bytes nobody looks at."""
    content = f"{number:064x}"
    return {
        "work_id": work, "path": f"{number}.jpg", "page": 0, "content": content, "sha256": content, "bytes": 1,
        "modified_ns": 0, "width": 1, "height": 1, "format": "jpeg", "depth": 8, "phash": None, "copied": False,
        "state": "present", "added": "", "checked": "",
    }  # fmt: skip
