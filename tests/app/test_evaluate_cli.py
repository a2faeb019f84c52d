"""`vasari evaluate` from the command line: tables, JSON, reports, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A truth and results of three pictures each."""
    truth, made = tmp_path / "truth", tmp_path / "made"
    rng = np.random.default_rng(0)
    for one in (truth, made):
        one.mkdir()
    for name, picture in (("a", data.coffee()), ("b", data.chelsea()), ("c", data.astronaut())):
        clean = picture[:180, :190]
        Image.fromarray(clean).save(truth / f"{name}.png")
        noisy = np.clip(clean + rng.normal(0, 9, clean.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(made / f"{name}.png")
    return truth, made


def test_results_are_measured_and_reported(folders: tuple[Path, Path], tmp_path: Path, capsys) -> None:
    truth, made = folders
    assert main(["evaluate", str(made), "--against", str(truth), "-o", str(tmp_path / "out")]) == ExitCode.DONE
    captured = capsys.readouterr()
    assert "psnr-rgb (dB)" in captured.out and "perceptual-vasari" in captured.out and "not LPIPS" in captured.out
    assert "report.html" in captured.err
    assert (tmp_path / "out" / "report.html").exists()


def test_json_tells_all_and_a_missing_truth_the_exit_code(folders: tuple[Path, Path], capsys) -> None:
    truth, made = folders
    (truth / "c.png").unlink()
    command = ["evaluate", str(made), "--against", str(truth), "--channels", "luma", "--json"]
    assert main(command) == ExitCode.SOME_INPUTS_FAILED
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "pairs" and told["methods"][0]["failed"][0]["name"] == "c"
    score = told["methods"][0]["scores"][0]
    assert (score["metric"], score["n"], score["unit"]) == ("psnr-luma", 2, "dB")
    assert told["facts"]["plan"]["channels"] == "luma"


def test_sets_bear_the_name_of_the_bundled_encoder(folders: tuple[Path, Path], tmp_path: Path, capsys) -> None:
    truth, made = folders
    command = ["evaluate", str(made), "--against", str(truth), "--mode", "sets", "--px", "64", "--json"]
    assert main([*command, "--cache", str(tmp_path / "cache")]) == ExitCode.DONE
    scores = {one["metric"]: one["value"] for one in json.loads(capsys.readouterr().out)["methods"][0]["scores"]}
    assert scores["fid-vasari"] is None
    assert isinstance(scores["kid-vasari"], float)


@pytest.mark.parametrize(
    "arguments",
    [["evaluate"], ["evaluate", "NONE"], ["evaluate", "MADE", "--against", "NONE"], ["evaluate", "MADE", "--px", "8"]],
)
def test_wrong_usage_has_a_remedy(arguments: list[str], folders: tuple[Path, Path], capsys) -> None:
    assert main([one.replace("MADE", str(folders[1])) for one in arguments]) == ExitCode.USAGE
    assert "remedy: " in capsys.readouterr().err


def test_where_nothing_can_be_scored_the_command_failed(folders: tuple[Path, Path], capsys) -> None:
    truth, made = folders
    Image.open(made / "a.png").crop((0, 0, 90, 90)).save(made / "a.png")
    command = ["evaluate", str(made / "a.png"), "--against", str(truth / "a.png")]
    assert main(command) == ExitCode.FAILED
    assert "sizes must agree" in capsys.readouterr().out
