"""Styles of periods: each artist counts equally, the works are cited, and the stylizer takes the file."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from vasari.archive.feature_tables import current_version
from vasari.archive.features.coding import Coder
from vasari.archive.features.table import FEATURES
from vasari.archive.periods import period_style, walk_styles
from vasari.archive.scan_dates import dated_scan
from vasari.archive.schema import FEATURES as FEATURE_ROWS
from vasari.archive.schema import FILES
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.foundation.errors import PlanError
from vasari.foundation.treatment import now
from vasari.models.style import StyleCode, read_style

MUSEUM = Speaker("catalog", "a museum")


@pytest.fixture(scope="module")
def coder():
    return Coder.of(device="cpu", precision="float32")


def fill(archive, rows, feature="style"):
    """Works of (key, artist, date, vector); a vector of None has no picture."""
    with archive.writing() as writer:
        ids = works_of(writer, [key for key, *_ in rows])
        state(
            writer, {ids[key]: [Claim("artist", artist), Claim("date", date)] for key, artist, date, _ in rows}, MUSEUM
        )
        pictured = [(number, key, vector) for number, (key, _, _, vector) in enumerate(rows) if vector is not None]
        writer.add(FILES, (_file(ids[key], number) for number, key, _ in pictured))
        version = current_version(feature)
        writer.put(
            FEATURE_ROWS,
            (
                {"content": f"{number:064x}", "name": feature, "version": version, "vector": vector.tobytes()}
                for number, _, vector in pictured
            ),
        )


def _file(work: int, number: int):
    return {
        "work_id": work, "path": f"{number}.tif", "page": 0, "content": f"{number:064x}", "sha256": f"{number:064x}",
        "bytes": 1, "modified_ns": 0, "width": 1, "height": 1, "format": "tiff", "depth": 8, "phash": None,
        "copied": False, "state": "present", "added": now(), "checked": now(),
    }  # fmt: skip


def vector(value: float) -> np.ndarray:
    return np.full(FEATURES["style"].dimensions, value, "<f4")


def test_each_artist_has_one_vote(sqlite_archive, coder, tmp_path):
    rows = [(f"many {row}", "MONET, Claude", "1890", vector(1.0)) for row in range(3)]
    rows += [
        ("four", "Claude Monet (French, 1840–1926)", "1891", vector(1.0)),
        ("one", "Berthe Morisot", "1889", vector(5.0)),
    ]
    rows += [("late", "Berthe Morisot", "1895", vector(9.0)), ("bare", "Edgar Degas", "1890", None)]
    fill(sqlite_archive, rows)
    with sqlite_archive.reading() as connection:
        found = period_style(connection, "1888/1892", coder)
    assert found.artists == 2
    assert found.keys == ("four", "many 0", "many 1", "many 2", "one")
    assert torch.allclose(found.code.vector(), torch.full((838,), 3.0))  # (1 + 5) / 2, not (4 × 1 + 5) / 5
    code, facts = read_style(found.save(tmp_path / "style.safetensors"))
    assert isinstance(code, StyleCode)
    assert code.encoder == coder.digest
    assert json.loads(facts["works"]) == list(found.keys)
    assert "5 works by 2 artists" in facts["source"]
    assert "Berthe Morisot, 1889" in facts["source"]


def test_the_order_of_rows_does_not_matter(sqlite_archive, coder, tmp_path):
    from vasari.archive.store import Archive

    rng = np.random.default_rng(0)
    rows = [(f"w{row}", f"A{row % 4}", "1890", rng.random(838).astype("<f4")) for row in range(12)]
    fill(sqlite_archive, rows)
    with Archive.create(tmp_path / "other") as other:
        fill(other, rows[::-1])
        with sqlite_archive.reading() as one, other.reading() as two:
            codes = [period_style(connection, "", coder).code.vector() for connection in (one, two)]
    assert torch.equal(*codes)


def test_a_walk_has_a_style_for_each_year_or_says_which_is_missing(sqlite_archive, coder):
    fill(sqlite_archive, [("a", "A", "1700", vector(1.0)), ("b", "B", "1800", vector(2.0))])
    with sqlite_archive.reading() as connection:
        found = walk_styles(connection, "artist in ('A', 'B')", (1700, 1800), 20, coder)
        assert [float(found[year].code.lab[0]) for year in (1700, 1800)] == [1.0, 2.0]
        with pytest.raises(PlanError, match="no style of 1750"):
            walk_styles(connection, "", (1700, 1750), 20, coder)


def test_nothing_found_is_said(sqlite_archive, coder):
    fill(sqlite_archive, [("bare", "Edgar Degas", "1890", None)])
    with sqlite_archive.reading() as connection:
        with pytest.raises(PlanError, match="None of the works"):
            period_style(connection, "", coder)
        with pytest.raises(PlanError, match="finds no works"):
            period_style(connection, "artist='Nobody'", coder)


def test_a_scan_is_dated_by_what_it_resembles(sqlite_archive, tmp_path):
    from PIL import Image

    rng = np.random.default_rng(1)
    rows = []
    for row in range(120):
        artist = row % 24
        color = np.zeros(FEATURES["color"].dimensions, "<f4")
        color[0] = color[4] = 20 + 2.5 * artist + rng.normal(0, 1)  # each later artist is lighter
        rows.append((f"w{row}", f"Artist {artist}", f"{1600 + 12 * artist + row // 24}", color))
    fill(sqlite_archive, rows, feature="color")
    darkness = {}
    for name, grey in (("dark", 60), ("light", 200)):
        Image.new("RGB", (64, 64), (grey, grey, grey)).save(tmp_path / f"{name}.png")
        with sqlite_archive.reading() as connection:
            darkness[name] = dated_scan(connection, tmp_path / f"{name}.png", by="color")
    dark, light = darkness["dark"], darkness["light"]
    assert dark.trial.gain > 1
    assert dark.estimate.median < 1700 < light.estimate.median
    assert len({row["artist"] for row in dark.evidence}) == len(dark.evidence)
    json.dumps(dark.data(), allow_nan=False)
    own = hashlib.sha256((tmp_path / "dark.png").read_bytes()).hexdigest()
    with sqlite_archive.writing() as writer:
        nearest = works_of(writer, [dark.evidence[0]["key"]])
        writer.add(FILES, [{**_file(next(iter(nearest.values())), 999), "sha256": own, "content": own}])
    with sqlite_archive.reading() as connection:
        without = dated_scan(connection, tmp_path / "dark.png", by="color")
    assert without.works == dark.works - 1  # a work is no evidence for itself
    assert dark.evidence[0]["key"] not in {row["key"] for row in without.evidence}
    with sqlite_archive.reading() as connection, pytest.raises(PlanError, match="no resemblance"):
        dated_scan(connection, tmp_path / "dark.png", by="smell")
