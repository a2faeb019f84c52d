"""Run folders: checkpoints whole or not there, logs cut to a checkpoint, recipes compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vasari.foundation.errors import TrainingError, WriteError
from vasari.foundation.runs import CHECKPOINTS_KEPT, Checkpoint, RunFolder, differences


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run", {"kind": "toy"})
    folder.begin({"kind": "toy", "train": {"batch": 4}})
    return folder


def checkpoint(number: int) -> Checkpoint:
    tensors = {"a/b": torch.full((3, 2), float(number)), "steps": torch.tensor(number)}
    return Checkpoint(tensors, {"counters": {"n": 0.1}})


def test_a_checkpoint_comes_back_and_the_newest_are_kept(run: RunFolder) -> None:
    assert run.read_checkpoint() is None
    for number in (5, 50, 500, 5000):
        run.write_checkpoint(number, checkpoint(number))
    found = run.read_checkpoint()
    assert found is not None and found.facts == {"counters": {"n": 0.1}}
    assert torch.equal(found.tensors["a/b"], torch.full((3, 2), 5000.0)) and found.tensors["steps"] == 5000
    assert len(run.checkpoints()) == CHECKPOINTS_KEPT == 2


@pytest.mark.parametrize("kept", [0, 7, 50, -1])
def test_a_damaged_checkpoint_is_named(run: RunFolder, kept: int) -> None:
    run.write_checkpoint(1, checkpoint(1))
    path = run.write_checkpoint(2, checkpoint(2))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(TrainingError, match=path.name) as caught:
        run.read_checkpoint()
    assert "delete that file" in caught.value.remedy
    path.unlink()
    found = run.read_checkpoint()
    assert found is not None and found.tensors["steps"] == 1


def test_a_checkpoint_that_cannot_be_written_leaves_the_others(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write_checkpoint(1, checkpoint(1))

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(WriteError, match="No space left"):
        run.write_checkpoint(2, checkpoint(2))
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["last-000000000001.safetensors"]


def test_the_leftovers_of_a_kill_are_cleared(run: RunFolder) -> None:
    leftover = run.path / "checkpoints" / ".last-000000000009.safetensors.ab12.part"
    leftover.write_bytes(b"half")
    assert run.checkpoints() == []
    run.begin({"kind": "toy"})
    assert not leftover.exists()


def test_the_log_is_cut_to_a_checkpoint_and_a_torn_line_is_left_out(run: RunFolder) -> None:
    for images in (10, 20, 30):
        run.log({"images_seen": images, "loss": 0.1})
    with (run.path / "log.jsonl").open("a") as file:
        file.write('{"images_seen": 40, "lo')
    assert [line["images_seen"] for line in run.read_log()] == [10, 20, 30]
    run.cut_log(20)
    run.log({"images_seen": 25, "loss": 0.2})
    assert [line["images_seen"] for line in run.read_log()] == [10, 20, 25]


def test_pictures_are_written(run: RunFolder) -> None:
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    path = run.write_picture("000000010-pairs", pixels)
    assert np.array_equal(np.asarray(Image.open(path)), pixels)


def test_one_holder_at_a_time(run: RunFolder) -> None:
    with run.held(), pytest.raises(TrainingError, match="Another process"), run.held():
        pass
    with run.held():
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be used"), RunFolder(tmp_path / "file" / "run").held():
        pass


def test_differences_name_what_changed() -> None:
    former = {"kind": "toy", "train": {"batch": 4, "workers": 1, "losses": {"content": 1.0}}, "data": ["a"]}
    asked = {"kind": "toy", "train": {"batch": 8, "workers": 2, "losses": {"content": 1.0, "style": 2.0}}}
    found = differences(former, asked, free=("train.workers", "data"))
    assert found == ["train.batch was 4, is 8", "train.losses.style was None, is 2.0"]
    assert differences(former, former, free=()) == []
