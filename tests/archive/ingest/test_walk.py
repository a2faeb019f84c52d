"""The walk finds what people mean, in order, one after the other, and never the archive itself."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from vasari.archive.ingest import walk
from vasari.archive.ingest.walk import Walk
from vasari.foundation.errors import PlanError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Pictures, other files, hidden ones, an archive, an output folder with evidence maps, a link to a folder."""
    root = tmp_path / "root"
    for name in (
        "b.jpg", "a.TIF", "notes.txt", ".hidden.jpg", "deep/er/c.png", ".cache/x.jpg", "art/masters/aa/bb/m.jpg",
        "out/a.jpg", "out/a.damage.png", "out/a.treatment.json", "out/b.damage.png",
    ):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "again").symlink_to(root / "deep")
    (root / "folder.jpg").mkdir()
    os.mkfifo(root / "pipe.jpg")
    return root


def names(tree: Path, *inputs: str) -> list[str]:
    found = Walk([str(tree / one) for one in inputs], tree / "art")
    return [str(Path(one.path).relative_to(tree)) for one in found]


def test_folders_are_searched_in_order(tree: Path) -> None:
    assert names(tree, "") == ["a.TIF", "b.jpg", "deep/er/c.png", "out/a.jpg", "out/b.damage.png"]


def test_files_globs_and_links_that_are_named_count(tree: Path) -> None:
    (tree / "odd.dat").touch()
    assert names(tree, "odd.dat", "*.jpg", "again") == ["odd.dat", "b.jpg", "deep/er/c.png"]
    # A glob means what it matches, also by way of the link.
    assert set(names(tree, "**/*.png")) == {"deep/er/c.png", "out/a.damage.png", "out/b.damage.png"}
    assert names(tree, "art/masters", "art/masters/aa/bb/m.jpg", "art/*") == []


@pytest.mark.parametrize("one", ["missing", "missing.jpg", "pipe.jpg"])
def test_what_is_not_there_is_refused_before_anything_is_read(tree: Path, one: str) -> None:
    with pytest.raises(PlanError):
        Walk([str(tree), str(tree / one)], tree / "art")


def test_files_come_one_after_the_other(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    found = walk._found

    def watched(path: str) -> walk.Found | None:
        looked.append(path)
        return found(path)

    monkeypatch.setattr(walk, "_found", watched)
    list(itertools.islice(Walk([str(tree)], tree / "art"), 2))
    assert len(looked) == 2


def test_a_folder_that_cannot_be_listed_is_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refused(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    found = Walk([str(tree)], tree / "art")
    assert len(list(found)) == 4 and found.unread == [(str(tree / "deep"), "Permission denied")]
