"""`vasari recognize` and `vasari recognize train`, as they are documented."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two kinds of pictures that colors alone tell apart, by six artists each."""
    root = tmp_path_factory.mktemp("cli") / "pictures"
    rng = np.random.default_rng(1)
    for style, color in (("warm", (200, 90, 40)), ("cold", (40, 90, 200))):
        for artist in range(6):
            for work in range(2):
                path = root / style / f"{style}-{artist}" / f"{work}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                noise = rng.normal(0, 25, (48, 64, 3))
                Image.fromarray((np.array(color) + noise).clip(0, 255).astype(np.uint8)).save(path)
    return root


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    path = folder.parent / "styles.safetensors"
    words = ["--method", "knn", "--neighbors", "3", "--px", "64", "--sure", "0.5"]
    assert main(["recognize", "train", "--data", str(folder), "-o", str(path), *words]) == ExitCode.DONE
    return path


def test_training_writes_a_recognizer_and_a_report(model: Path) -> None:
    report = model.with_suffix(".report.html").read_text(encoding="utf-8")
    assert "Confusion" in report and "warm" in report and str(model.parent) not in report


def test_answers_as_lines_json_table_and_maps(
    model: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    table, maps = tmp_path / "answers.csv", tmp_path / "maps"
    words = ["recognize", str(folder / "warm" / "warm-0"), str(broken), "--model", str(model)]
    assert main([*words, "--json", "--maps", str(maps), "-o", str(table)]) == ExitCode.SOME_INPUTS_FAILED
    told = capsys.readouterr()
    rows = [json.loads(line) for line in told.out.splitlines()]
    assert [row.get("best") for row in rows] == ["warm", "warm", None]
    assert "broken.png" in rows[2]["error"] and "broken.png" in told.err and " object at " not in told.err
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1) and rows[0]["evidence"][0]["label"] == "warm"
    assert all(Path(row["map"]).is_file() for row in rows[:2]) and len(list(maps.iterdir())) == 2
    with table.open(encoding="utf-8", newline="") as file:
        assert [row["best"] for row in csv.DictReader(file)] == ["warm", "warm", ""]
    assert main([*words[:2], "--model", str(model)]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "nearest warm/" in lines[0]


def test_a_map_of_a_picture_with_the_longest_name(model: Path, folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / ("\u0416" * 125 + ".png")  # 254 bytes
    picture.write_bytes((folder / "warm" / "warm-0" / "0.png").read_bytes())
    words = ["recognize", str(picture), "--model", str(model), "--maps", str(tmp_path / "maps")]
    assert main(words) == ExitCode.DONE
    assert len(list((tmp_path / "maps").iterdir())) == 1


def test_what_is_missing_is_told(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = {
        ("recognize", str(folder)): "add --model",
        ("recognize", "--model", str(model)): "name files or folders",
        ("recognize", "nowhere.png", "--model", str(model)): "There is no nowhere.png",
        ("recognize", "train", "--data", str(folder)): "No output file",
        ("recognize", "train", "-o", "x.safetensors"): "No data",
        ("recognize", "train", "--data", str(folder), "-o", "x.bin"): "no .safetensors",
        ("recognize", "train", "--data", str(folder), "-o", "x.safetensors", "--run", "r"): "--method cnn",
        ("recognize", "train", "--data", str(folder), "-o", "x.safetensors", "--method", "svm"): "choose from",
    }
    for words, expected in cases.items():
        assert main(list(words)) == ExitCode.USAGE
        assert expected in capsys.readouterr().err
