"""Operations that measure: what they are given is what they measure."""

from pathlib import Path

import pytest

from vasari.app.operations.measuring import _gathered
from vasari.foundation.errors import PlanError


def sent(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(path))
    return paths


def test_files_of_several_folders_become_one(tmp_path: Path) -> None:
    paths = sent(tmp_path, "1/a.png", "2/b.png")
    for _ in range(2):  # begun again after it was cut off
        folder = _gathered(paths, tmp_path / "all")
        assert {one.name: one.read_text() for one in folder.iterdir()} == {one.name: str(one) for one in paths}
    assert _gathered(paths[:1], tmp_path / "none") == paths[0]


def test_of_two_files_of_one_name_none_is_left_out_in_silence(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="called a.png") as refused:
        _gathered(sent(tmp_path, "1/a.png", "2/a.png"), tmp_path / "all")
    assert refused.value.remedy
