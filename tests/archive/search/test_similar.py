"""The nearest works, against distances computed one by one; with a filter, with a graph, and after changes."""

from __future__ import annotations

import numpy as np
import pytest

from vasari.archive.feature_tables import current_version
from vasari.archive.features.comparing import distances
from vasari.archive.ingest.catalogs.importing import adopt
from vasari.archive.query import parsed, work_ids
from vasari.archive.schema import FILES
from vasari.archive.search import similar, vectors
from vasari.archive.search.similar import like_work, nearest
from vasari.archive.search.vectors import ASPECTS, Vectors, load
from vasari.archive.statements import works_of
from vasari.foundation.errors import ArchiveError, PlanError


@pytest.mark.parametrize("by", ASPECTS)
def test_hits_are_the_nearest_with_their_distances(archive, filled, measured, by):
    ids = filled(archive, 40)
    given = measured(archive, ASPECTS[by], 40)
    with archive.reading() as connection:
        hits = like_work(connection, archive.folder, "work 3", by=by, limit=8)
        own = set(work_ids(connection, parsed("has picture")))
    gaps = distances(ASPECTS[by], given[3], given)
    wanted = sorted((gaps[place], ids[place]) for place in range(40) if ids[place] in own and place != 3)[:8]
    assert [hit.work_id for hit in hits] == [id for _, id in wanted]
    assert [hit.distance for hit in hits] == pytest.approx([gap for gap, _ in wanted], rel=1e-5)


def test_a_query_says_among_which(sqlite_archive, filled, measured):
    filled(sqlite_archive, 40)
    measured(sqlite_archive, "embedding", 40)
    with sqlite_archive.reading() as connection:
        asked = parsed("title = 'Title 2' or derived")
        hits = like_work(connection, sqlite_archive.folder, "work 3", limit=1000, query=asked)
        allowed = set(work_ids(connection, asked))
        pictured = set(work_ids(connection, parsed("has picture and (derived or not derived)")))
        plain = like_work(connection, sqlite_archive.folder, "work 3", limit=1000)
        derived = set(work_ids(connection, parsed("derived")))
    assert {hit.work_id for hit in hits} == allowed & pictured
    assert allowed & pictured & derived
    assert not {hit.work_id for hit in plain} & derived


def test_vectors_are_made_anew_when_something_was_measured(sqlite_archive, filled, measured):
    filled(sqlite_archive, 20)
    first = measured(sqlite_archive, "embedding", 20)
    with sqlite_archive.reading() as connection:
        load(connection, sqlite_archive.folder, "overall")
    second = measured(sqlite_archive, "embedding", 20, seed=9)
    with sqlite_archive.reading() as connection:
        held = load(connection, sqlite_archive.folder, "overall")
    assert len(list((sqlite_archive.folder / "index").iterdir())) == 1
    directions = held.vectors / np.linalg.norm(held.vectors, axis=1, keepdims=True)
    for given, here in ((first, False), (second, True)):
        alike = directions @ (given[1] / np.linalg.norm(given[1]))
        assert bool(np.isclose(alike, 1).any()) is here


def test_hits_follow_pictures_to_the_work_that_a_catalog_gives_them(sqlite_archive, filled, measured):
    ids = filled(sqlite_archive, 20)
    measured(sqlite_archive, "embedding", 20)
    with sqlite_archive.reading() as connection:
        before = like_work(connection, sqlite_archive.folder, "work 3", limit=20)
    with sqlite_archive.writing() as writer:
        new = works_of(writer, ["Tate:N1"])["Tate:N1"]
        adopt(writer, {ids[8]: new})
    with sqlite_archive.reading() as connection:
        after = like_work(connection, sqlite_archive.folder, "work 3", limit=20)
    assert [new if hit.work_id == ids[8] else hit.work_id for hit in before] == [hit.work_id for hit in after]
    assert new in {hit.work_id for hit in after}


def test_a_file_that_is_found_missing_is_no_hit_and_one_that_is_whole_makes_nothing_anew(
    sqlite_archive, filled, measured
):
    ids = filled(sqlite_archive, 20)
    measured(sqlite_archive, "embedding", 20)
    places = []
    for state, same in (("present", True), ("missing", False)):
        with sqlite_archive.reading() as connection:
            hits = like_work(connection, sqlite_archive.folder, "work 3", limit=20)
        places.append(sorted((sqlite_archive.folder / "index").iterdir()))
        assert ids[8] in {hit.work_id for hit in hits}
        with sqlite_archive.writing() as writer:
            row = writer.connection.execute(FILES.select().where(FILES.c.work_id == ids[8])).mappings().one()
            writer.put(FILES, [{**row, "state": state, "checked": "later"}], same_pictures=same)
    with sqlite_archive.reading() as connection:
        hits = like_work(connection, sqlite_archive.folder, "work 3", limit=20)
    assert places[0] == places[1]
    assert ids[8] not in {hit.work_id for hit in hits}


def of_clusters(count: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    centers = draw.normal(size=(50, 128))
    return (centers[draw.integers(0, 50, count)] + 0.5 * draw.normal(size=(count, 128))).astype(np.float32)


def test_a_graph_finds_nearly_all_and_tells_exact_distances(tmp_path, monkeypatch):
    monkeypatch.setattr(similar, "EXACT_WORKS", 500)
    given = of_clusters(3000, 1)
    batches = ((np.arange(at, at + 1000) + 10, given[at : at + 1000]) for at in range(0, 3000, 1000))
    vectors._make(tmp_path / "embedding-made", "embedding", batches, exact_works=500)
    held = vectors.read(tmp_path / "embedding-made", "embedding", "1")
    assert held.graph is not None
    exact = Vectors("embedding", "1", held.ids, held.vectors, held.squares, None)
    found = []
    for number, row in enumerate(np.random.default_rng(2).integers(0, 3000, 40)):
        wanted = np.array(held.vectors[row])
        even = held.ids[held.ids % 2 == 0] if number % 2 else None
        hits, true = nearest(held, wanted, 20, even), nearest(exact, wanted, 20, even)
        assert even is None or all(hit.work_id % 2 == 0 for hit in hits)
        gaps = {hit.work_id: hit.distance for hit in true}
        assert all(hit.distance == gaps[hit.work_id] for hit in hits if hit.work_id in gaps)
        found.append(len({hit.work_id for hit in hits} & set(gaps)) / 20)
    assert np.mean(found) >= 0.95
    few = held.ids[:40]
    assert nearest(held, held.vectors[0], 10, few) == nearest(exact, held.vectors[0], 10, few)


def test_equal_pictures_are_at_zero_and_in_the_order_of_their_works(tmp_path):
    given = np.repeat(of_clusters(5, 3), 4, axis=0)
    vectors._make(tmp_path / "embedding-made", "embedding", iter([(np.arange(20)[::-1] + 1, given)]), 1000)
    held = vectors.read(tmp_path / "embedding-made", "embedding", "1")
    hits = nearest(held, held.vectors[0], 4)
    assert [hit.work_id for hit in hits] == [17, 18, 19, 20]
    assert all(hit.distance == 0 for hit in hits)


def test_what_cannot_be_compared_is_told(sqlite_archive, filled, measured):
    filled(sqlite_archive, 10)
    with sqlite_archive.reading() as connection:
        with pytest.raises(ArchiveError, match="embedding") as caught:
            load(connection, sqlite_archive.folder, "overall")
        assert "vasari archive index" in caught.value.remedy
    measured(sqlite_archive, "embedding", 10, version="0-old")
    with sqlite_archive.reading() as connection, pytest.raises(ArchiveError, match="embedding"):
        load(connection, sqlite_archive.folder, "overall")
    measured(sqlite_archive, "embedding", 10, seed=2)
    with sqlite_archive.reading() as connection:
        folder = sqlite_archive.folder
        for error, options in (
            (PlanError, {"key": "work 1", "by": "smell"}),
            (PlanError, {"key": "work 1", "limit": 0}),
            (ArchiveError, {"key": "nobody's"}),
            (ArchiveError, {"key": "work 5"}),
        ):
            with pytest.raises(error):
                like_work(connection, folder, options.pop("key"), **{"limit": 5, **options})
    assert current_version("embedding") != "0-old"
