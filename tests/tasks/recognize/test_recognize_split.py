"""No artist is ever in two parts, each class is in all three, and what is too small is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vasari.foundation.errors import PlanError, TrainingError
from vasari.tasks.recognize.labels import LabeledPicture
from vasari.tasks.recognize.plan import SplitPlan
from vasari.tasks.recognize.split import PARTS, enough, groups_of, split

# For each class the number of works of each of its artists; artists of class k may also work in class k + 1.
COLLECTIONS = st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=9), min_size=2, max_size=5)
ARTISTS_OF = st.lists(st.integers(0, 9), min_size=60)


def collection(counts: list[list[int]], nameless: int = 0) -> list[LabeledPicture]:
    pictures = [
        LabeledPicture(Path(f"{label}-{artist}-{work}.png"), f"class {label}", f"artist {label}-{artist}")
        for label, artists in enumerate(counts)
        for artist, works in enumerate(artists)
        for work in range(works)
    ]
    return [*pictures, *(LabeledPicture(Path(f"nameless-{at}.png"), "class 0") for at in range(nameless))]


@settings(max_examples=60, deadline=None)
@given(COLLECTIONS, st.integers(0, 5), st.integers(0, 1000))
def test_no_artist_is_in_two_parts_and_every_class_is_in_all(counts: list[list[int]], nameless: int, seed: int) -> None:
    pictures = collection(counts, nameless)
    found = split(pictures, SplitPlan(seed=seed))
    parts = [found.part(name) for name in PARTS]
    assert sorted(index for part in parts for index in part) == list(range(len(pictures)))
    artists = [{pictures[index].artist for index in part} - {""} for part in parts]
    assert not artists[0] & artists[1] and not artists[0] & artists[2] and not artists[1] & artists[2]
    classes = {one.label for one in pictures}
    assert all({pictures[index].label for index in part} == classes for part in parts)
    assert found == split(pictures, SplitPlan(seed=seed))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=12, max_size=60), ARTISTS_OF, st.integers(0, 9))
def test_artists_of_several_classes_stay_whole(labels: list[int], artists: list[int], seed: int) -> None:
    pictures = [
        LabeledPicture(Path(f"{at}.png"), f"class {label}", f"artist {artists[at]}") for at, label in enumerate(labels)
    ]
    try:
        kept, _ = enough(pictures, SplitPlan(small_classes="leave-out"))
        found = split(kept, SplitPlan(seed=seed))
    except TrainingError:
        return  # told, not leaked
    where = {}
    for name in PARTS:
        for index in found.part(name):
            assert where.setdefault(kept[index].artist, name) == name


def test_shares_are_near_those_asked_for() -> None:
    pictures = collection([[2] * 40, [1] * 100, [3] * 30])
    found = split(pictures, SplitPlan(test_share=0.3, validation_share=0.1))
    for label in {one.label for one in pictures}:
        whole = sum(one.label == label for one in pictures)
        for name, share in (("training", 0.6), ("validation", 0.1), ("test", 0.3)):
            part = sum(pictures[index].label == label for index in found.part(name))
            assert part / whole == pytest.approx(share, abs=0.04)


def test_without_grouping_an_artist_is_a_class_of_pictures() -> None:
    pictures = [LabeledPicture(Path(f"{a}-{w}.png"), f"artist {a}", f"artist {a}") for a in range(3) for w in range(10)]
    plan = SplitPlan(group_by="none")
    assert len(set(groups_of(pictures, "none"))) == 30
    kept, notes = enough(pictures, plan)
    assert len(kept) == 30 and not notes
    counts = Counter(pictures[index].label for index in split(kept, plan).test)
    assert set(counts.values()) == {2}
    with pytest.raises(TrainingError, match="too small") as caught:
        enough(pictures, SplitPlan())
    assert "--group-by none" in caught.value.remedy


def test_small_classes_are_refused_or_left_out_by_name() -> None:
    pictures = collection([[4, 4, 4], [4, 4, 4], [9, 9]])
    with pytest.raises(TrainingError, match=r"class 2 \(18 pictures, 2 artists\)"):
        enough(pictures, SplitPlan())
    kept, notes = enough(pictures, SplitPlan(small_classes="leave-out"))
    assert {one.label for one in kept} == {"class 0", "class 1"} and "class 2" in notes[0]
    with pytest.raises(TrainingError, match="Two classes or more"):
        enough(collection([[4, 4, 4]]), SplitPlan())
    with pytest.raises(TrainingError, match="Two classes or more"):
        enough(collection([[4, 4, 4], [1, 1]]), SplitPlan(small_classes="leave-out"))
    with pytest.raises(PlanError, match="would be trained on"):
        split(pictures, SplitPlan(test_share=0.5, validation_share=0.4))
