"""`vasari colorize`: refuses with a remedy, colors, tells, replays."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from vasari.app.cli.main import main
from vasari.app.engines import EnginePlan
from vasari.foundation.errors import ExitCode
from vasari.tasks.colorize.colorize_plan import ColorizePlan

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VASARI_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def networks(tiny_colorizer: dict[str, str]) -> list[str]:
    return ["--model", tiny_colorizer["model"], "--encoder", tiny_colorizer["encoder"]]


def test_every_field_of_the_plan_is_an_option_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["colorize", "--help"]) == 0
    text = capsys.readouterr().out
    section = DOCUMENT.read_text(encoding="utf-8").split("## vasari colorize\n")[1].split("\n## ")[0]
    for item in dataclasses.fields(ColorizePlan):
        option = f"--{item.name.replace('_', '-')}"
        assert option in text
        assert f"| `{option}" in section
    shared = {f"--{item.name.replace('_', '-')}" for item in dataclasses.fields(EnginePlan)} - {"--engine"}
    options = set(re.findall(r"(?<![\w-])(--[a-z-]+)", text)) - {"--help"} - shared
    assert not [one for one in options if f"`{one}" not in section]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["colorize"], ExitCode.USAGE),
        (["colorize", "SCANS"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--saturation", "3"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--samples", "0"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--samples", "2", "--palette-of", "monet"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--hint", "12,13"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--hint", "12,13=#ff0000"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--hints", "no-such-strokes.png"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--palette-of", "no-such-style"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--jobs", "0"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--workers", "2"], ExitCode.USAGE),
        (["colorize", "no-such-picture.jpg", "-o", "OUT"], ExitCode.USAGE),
        (["colorize", "SCANS", "-o", "OUT", "--model", "no-such-model"], ExitCode.FAILED),
        (["colorize", "SCANS", "-o", "OUT", "--model", "RESTORER"], ExitCode.FAILED),
    ],
)
def test_wrong_usage_is_told_with_a_remedy(
    arguments: list[str],
    code: ExitCode,
    scans: Path,
    tmp_path: Path,
    networks: list[str],
    tiny_restorer: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = {"SCANS": scans, "OUT": tmp_path / "out", "RESTORER": tiny_restorer}
    named = [str(words.get(one, one)) for one in arguments]
    assert main([*named, *(networks[2:] if "--model" in named else networks)]) == code
    told = capsys.readouterr().err
    assert told.startswith("vasari: ")
    assert "remedy: " in told
    assert "Traceback" not in told
    assert not (tmp_path / "out" / "scans").exists()


def test_pictures_are_colored_and_told_and_done_once(
    scans: Path, tmp_path: Path, networks: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    command = ["colorize", str(scans), "-o", str(tmp_path / "out"), *networks]
    assert main([*command, "--json"]) == ExitCode.SOME_INPUTS_FAILED
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["done"], told["failed"], told["already_done"]) == (3, 1, 0)
    assert "bad.png" in captured.err
    (scans / "bad.png").unlink()
    assert main([*command, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["already_done"] == 3
    assert main([*command, "--format", "png", "--samples", "2", "--seed", "4", "--confidence"]) == ExitCode.DONE
    assert "3 pages colorized into" in capsys.readouterr().err
    for name in ("coffee.png", "coffee.sample-2.png", "coffee.confidence.png", "coffee.treatment.json"):
        assert (tmp_path / "out" / "box" / name).exists()


def test_hints_are_given_one_by_one_and_a_replay_needs_none(
    scans: Path, tmp_path: Path, networks: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = scans / "camera.png", tmp_path / "out"
    hints = ["--hint", "10,12=#a05a40", "--hint", "90,40=#405aa0"]
    assert main(["colorize", str(source), "-o", str(out), *hints, *networks]) == 0
    with Image.open(out / "camera.png") as made:
        assert made.mode == "RGB"
    record = out / "camera.treatment.json"
    assert json.loads(record.read_text())["plan"]["hint"] == [hints[1], hints[3]]
    assert main(["colorize", "--replay", str(record), "-o", str(tmp_path / "again"), "--json"]) == 0
    assert (tmp_path / "again" / "camera.png").read_bytes() == (out / "camera.png").read_bytes()
    capsys.readouterr()
    assert main(["restore", "--replay", str(record), "-o", str(tmp_path / "fourth")]) == ExitCode.USAGE
    assert "vasari restore" in capsys.readouterr().err
