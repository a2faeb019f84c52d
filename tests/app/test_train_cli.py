"""`vasari train`: recipes listed, data checked, what is missing told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from vasari.app.cli.main import main
from vasari.app.cli.train import first_sentence
from vasari.foundation.errors import ExitCode
from vasari.tasks.recipe import shipped


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two photographs and a file that is none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(data.astronaut()[:300, :300]).save(folder / "a.png")
    Image.fromarray(data.coffee()[:300, :300]).save(folder / "b.jpg")
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


def test_the_recipes_that_ship_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert tuple(line.split()[0] for line in lines) == shipped()
    restore = next(line for line in lines if line.startswith("restore "))
    assert restore.endswith("Restoration for fidelity: losses against the truth alone, no critic.")
    assert main(["train", "--list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert tuple(row["name"] for row in rows) == shipped() and all(row["description"] for row in rows)


def test_a_sentence_ends_before_a_capital() -> None:
    assert first_sentence("By DCGAN (Radford et al. 2016). Then more. And more.") == "By DCGAN (Radford et al. 2016)."
    assert first_sentence("No stop at all") == "No stop at all"
    assert first_sentence("") == ""


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        ([], "No recipe was named", "vasari train --list"),
        (["restore"], "No data were named", "--data DATA"),
        (["restore", "--data", "photos"], "No run folder was named", "add -o RUN"),
        (["perfection", "--data", "photos", "--check"], "There is no recipe 'perfection'", "restore"),
    ],
)
def test_what_is_missing_is_told(
    words: list[str], message: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *words]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert message in told and remedy in told


def test_data_are_checked_as_the_recipe_sees_them(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = ["--set", "train.batch=2"]
    assert main(["train", "dcgan", "--data", str(photos), "--check", *pair]) == 0
    told = capsys.readouterr().out
    assert "2 pictures from" in told and "photos/torn.jpg" in told
    assert main(["train", "dcgan", "--data", str(photos), "--check", "--json", *pair]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["recipe"] == "dcgan" and values["data"] == [str(photos)] and values["report"][0] in told
    assert sorted(path.name for path in photos.iterdir()) == ["a.png", "b.jpg", "torn.jpg"]


def test_a_batch_beyond_the_data_is_told_before_training(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "dcgan", "--data", str(photos), "--check"]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert "train.batch=16 is more than the 2 pictures" in told and "--set train.batch=2" in told


def test_data_that_cannot_be_are_told_without_training(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in photos.iterdir():
        path.unlink()
    assert main(["train", "dcgan", "--data", str(photos), "--check"]) == ExitCode.FAILED
    assert "No picture was found" in capsys.readouterr().err
    assert main(["train", "dcgan", "--data", "nowhere", "--check"]) == ExitCode.USAGE
    assert "There is no nowhere" in capsys.readouterr().err


def test_restoring_still_takes_folders(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "restore", "--data", str(photos), "--check"]) == 0
    assert "can be read" in capsys.readouterr().out
