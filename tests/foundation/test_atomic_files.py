"""Files whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from vasari.foundation.atomic_files import remove_leftovers, write_whole
from vasari.foundation.errors import WriteError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    assert write_whole(path, b"one").read_bytes() == b"one"
    assert write_whole(path, b"two").read_bytes() == b"two"
    assert [one.name for one in path.parent.iterdir()] == ["a.bin"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_whole(tmp_path / "a.bin", b"one")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WriteError, match="No space left") as caught:
        write_whole(path, b"two")
    assert "free some space" in caught.value.remedy
    assert path.read_bytes() == b"one" and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        write_whole(tmp_path / "file" / "a.bin", b"")


def test_leftovers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".a.bin.12ab.part", "b.part", ".hidden"):
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [".hidden", "b.part"]
