"""Which files a batch means, and what their results are called."""

from __future__ import annotations

import itertools
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vasari.foundation.batches import Source, discover, name_results, page_stem, refuse_masters
from vasari.foundation.errors import PlanError

SUFFIXES = frozenset({".tif", ".tiff", ".jpg", ".png"})


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def relatives(sources: list[Source]) -> list[str]:
    return [str(source.relative) for source in sources]


def test_a_folder_is_searched_below_its_root_and_the_output_inside_it_is_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif", "box/b.JPG", "box/notes.txt", ".hidden/c.tif", "box/.d.png", "restored/a.tif")
    found = discover([tmp_path], tmp_path / "restored", SUFFIXES)
    assert relatives(found) == ["a.tif", "box/b.JPG"]


def test_results_of_an_earlier_batch_are_no_scans_unless_their_folder_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif", "first/a.tif", "first/ledger.jsonl", "first/.vasari/lock")
    touch(tmp_path, "other/ledger.jsonl", "other/b.tif")
    assert relatives(discover([tmp_path], tmp_path / "second", SUFFIXES)) == ["a.tif", "other/b.tif"]
    assert relatives(discover([tmp_path / "first"], tmp_path / "second", SUFFIXES)) == ["a.tif"]


def test_evidence_maps_of_an_earlier_treatment_are_no_pictures(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif", "a.treatment.json", "a.damage.png", "a.change.png", "b.damage.png")
    assert relatives(discover([tmp_path], tmp_path / "out", SUFFIXES)) == ["a.tif", "b.damage.png"]


def test_a_glob_keeps_the_folders_below_its_plain_part(tmp_path: Path) -> None:
    touch(tmp_path, "1901/a.tif", "1902/deep/b.tif", "1902/c.txt")
    assert relatives(discover([f"{tmp_path}/*/*.tif"], tmp_path / "out", SUFFIXES)) == ["1901/a.tif"]
    found = relatives(discover([f"{tmp_path}/**/*.tif"], tmp_path / "out", SUFFIXES))
    assert found == ["1901/a.tif", "1902/deep/b.tif"]
    assert relatives(discover([f"{tmp_path}/190*"], tmp_path / "out", SUFFIXES)) == ["1901/a.tif", "1902/deep/b.tif"]


def test_a_named_file_with_glob_characters_is_that_file(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].tif")
    assert relatives(discover([tmp_path / "a[1].tif"], tmp_path / "out", SUFFIXES)) == ["a[1].tif"]


@pytest.mark.parametrize("address", ["s3://scans/box", "s3://scans/*.tif", "gs://scans/[ab].tif"])
def test_an_address_is_no_source(tmp_path: Path, address: str) -> None:
    with pytest.raises(PlanError, match="is an address, and sources are read from a file system"):
        discover([address], tmp_path / "out", SUFFIXES)


def test_the_same_file_given_twice_is_taken_once(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif")
    assert len(discover([tmp_path / "a.tif", tmp_path, f"{tmp_path}/*.tif"], tmp_path / "out", SUFFIXES)) == 1


@pytest.mark.parametrize("bad", ["nowhere.tif", "none-*.tif", "empty"])
def test_an_input_that_means_nothing_is_told(tmp_path: Path, bad: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PlanError) as caught:
        discover([tmp_path / bad], tmp_path / "out", SUFFIXES)
    assert caught.value.remedy


def test_input_and_output_may_not_be_one_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif")
    with pytest.raises(PlanError, match="both the input and the output"):
        discover([tmp_path], tmp_path, SUFFIXES)


def test_a_result_is_never_put_onto_a_master(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif")
    source = Source(tmp_path / "a.tif", PurePosixPath("a.tif"))
    (tmp_path / "link").symlink_to(tmp_path)
    for target in (tmp_path / "a.tif", tmp_path / "link" / "a.tif"):
        with pytest.raises(PlanError, match="onto an input"):
            refuse_masters([target], [source])
    refuse_masters([tmp_path / "b.tif"], [source])


def source(path: str, relative: str) -> Source:
    return Source(Path(path), PurePosixPath(relative))


def test_two_inputs_of_one_name_get_two_results_whatever_their_order() -> None:
    sources = [
        source("/s/a.tif", "a.tif"),
        source("/s/a.jpg", "a.jpg"),
        source("/x/A.tif", "A.tif"),
        source("/s/b.tif", "b.tif"),
    ]
    expected = name_results(sources, {})
    assert expected[Path("/s/b.tif")] == "b"
    assert expected[Path("/s/a.jpg")] == "a-jpg"
    assert len({name.lower() for name in expected.values()}) == 4
    for order in itertools.permutations(sources):
        assert name_results(list(order), {}) == expected


def test_names_of_maps_records_and_pages_are_not_given_to_other_sources() -> None:
    names = name_results([source("/s/a.tif", "a.tif"), source("/s/a.damage.png", "a.damage.png")], {})
    assert names == {Path("/s/a.tif"): "a", Path("/s/a.damage.png"): "a.damage-png"}
    assert page_stem("a", 0, 1) == "a"
    assert page_stem("a", 1, 3) == "a.page-002"


PLACES = st.sampled_from(["/x", "/y", "/x/a-tif"])
FILES = st.sampled_from(["a.tif", "a.jpg", "A.tif", "a-tif.tif", "a-tif.jpg", "b.tif", "a.page-001.tif"])
BATCHES = st.lists(st.tuples(PLACES, FILES), unique=True, min_size=1, max_size=8)


@given(BATCHES, BATCHES, st.randoms(use_true_random=False))
def test_names_are_unlike_and_outlive_kills_and_later_batches(first, second, random) -> None:
    def sources(batch):
        return [source(f"{place}/{file}", file) for place, file in batch]

    named = name_results(sources(first), {})
    # The batch is killed after some files; the same command gives the others the names they would have had.
    done = {path: name for path, name in named.items() if random.random() < 0.5}
    assert name_results(sources(first), done) == named
    later = name_results(sources(second), named)
    together = named | later
    assert len({name.lower() for name in together.values()}) == len(together)
    assert all(later[path] == named[path] for path in later if path in named)
