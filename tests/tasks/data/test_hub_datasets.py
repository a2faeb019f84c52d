"""`hf://`: through the real library on local files where it is installed, else through a stand-in for it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vasari.foundation.errors import MissingExtraError, PlanError
from vasari.tasks.data.decoding import decode
from vasari.tasks.data.entries import Entry
from vasari.tasks.data.hub_datasets import list_dataset

INSTALLED = importlib.util.find_spec("datasets") is not None


class StandIn:
    """As much of `datasets.Dataset` as is used, with the same meaning, over rows in memory."""

    class Image:
        """The feature of pictures."""

        def __init__(self, decode: bool = True) -> None:
            self.decode = decode

    class ClassLabel:
        """The feature of classes."""

        def __init__(self, names: Sequence[str]) -> None:
            self.names = names

        def int2str(self, number: int) -> str:
            """The name of a class."""
            return self.names[number]

    def __init__(self, features: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self.features, self._rows, self.cache_files = features, rows, []

    def select_columns(self, names: list[str]) -> StandIn:
        """A table of some columns."""
        return StandIn({one: self.features[one] for one in names}, [{n: r[n] for n in names} for r in self._rows])

    def cast_column(self, name: str, feature: Any) -> StandIn:
        """A table with another feature of a column."""
        return StandIn({**self.features, name: feature}, self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return [row[key] for row in self._rows]
        feature = self.features["image"]
        if feature.decode:
            raise AssertionError("pictures are to be decoded by ourselves")
        return self._rows[key]


@pytest.fixture
def image_folder(tmp_path: Path, pictures: dict[str, np.ndarray]) -> Path:
    """A folder as the library's loader `imagefolder` takes it: a class a folder."""
    root = tmp_path / "classes"
    for label, name in (("beasts", "cat"), ("people", "astronaut")):
        (root / label).mkdir(parents=True)
        Image.fromarray(pictures[name]).save(root / label / f"{name}.png")
    return root


def check_entries(entries: list[Entry], pictures: dict[str, np.ndarray]) -> None:
    assert [one.name for one in entries] == ["set/0000000", "set/0000001"]
    assert [one.label for one in entries] == ["beasts", "people"]
    for entry, name in zip(entries, ("cat", "astronaut"), strict=True):
        assert np.array_equal(decode(entry.read(), 200, "rgb", "none").pixels, pictures[name])


@pytest.mark.skipif(not INSTALLED, reason="needs the extra hub")
def test_a_data_set_is_read_by_the_library(
    image_folder: Path, pictures: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    check_entries(list_dataset(f"hf://{image_folder}", "set", "").entries, pictures)
    assert len(list_dataset(f"hf://{image_folder}:train[:1]", "set", "label").entries) == 1
    with pytest.raises(PlanError, match="cannot be loaded: Unknown split"):
        list_dataset(f"hf://{image_folder}:validation", "set", "")
    with pytest.raises(PlanError, match="label_column=period is no column"):
        list_dataset(f"hf://{image_folder}", "set", "period")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, image_folder: Path) -> SimpleNamespace:
    """The module `datasets` replaced by a stand-in with one data set of two splits."""
    files = sorted(image_folder.rglob("*.png"))
    rows = [
        {"image": {"bytes": files[0].read_bytes(), "path": None}, "label": 0, "title": "a cat"},
        {"image": {"bytes": None, "path": str(files[1])}, "label": 1, "title": None},
    ]
    features = {"title": object(), "image": StandIn.Image(), "label": StandIn.ClassLabel(["beasts", "people"])}
    asked: list[tuple[str, str]] = []

    def load_dataset(name: str, split: str) -> StandIn:
        asked.append((name, split))
        if name != "owner/name":
            raise ConnectionError("Couldn't reach\nthe Hub.")
        if split == "words":
            return StandIn({"text": object()}, [])
        return StandIn(features, [*rows, {"image": None, "label": -1, "title": ""}] if split == "gaps" else rows)

    module = ModuleType("datasets")
    module.__dict__.update(load_dataset=load_dataset, Image=StandIn.Image, ClassLabel=StandIn.ClassLabel)
    monkeypatch.setitem(sys.modules, "datasets", module)
    return SimpleNamespace(asked=asked)


def test_splits_labels_and_pictures_of_a_data_set(stand_in: SimpleNamespace, pictures: dict[str, np.ndarray]) -> None:
    check_entries(list_dataset("hf://owner/name", "set", "").entries, pictures)
    check_entries(list_dataset("hf://owner/name:test[10:20]", "set", "").entries, pictures)
    assert stand_in.asked == [("owner/name", "train"), ("owner/name", "test[10:20]")]
    assert [one.label for one in list_dataset("hf://owner/name", "set", "title").entries] == ["a cat", ""]


def test_an_empty_row_is_broken(stand_in: SimpleNamespace) -> None:
    entry = list_dataset("hf://owner/name:gaps", "set", "").entries[2]
    assert entry.label == ""
    with pytest.raises(ValueError, match="an empty row"):
        entry.read()


def test_wrong_data_sets_are_told(stand_in: SimpleNamespace) -> None:
    with pytest.raises(PlanError, match=r"hf://nobody/nothing cannot be loaded: Couldn't reach the Hub\."):
        list_dataset("hf://nobody/nothing", "set", "")
    with pytest.raises(PlanError, match="no column of pictures; it has: text"):
        list_dataset("hf://owner/name:words", "set", "")
    with pytest.raises(PlanError, match="label_column=period is no column"):
        list_dataset("hf://owner/name", "set", "period")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError) as caught:
        list_dataset("hf://owner/name", "set", "")
    assert "vasari[hub]" in caught.value.remedy
