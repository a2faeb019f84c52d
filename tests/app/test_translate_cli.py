"""`vasari translate`: refuses with a remedy, translates, tells, replays."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode
from vasari.tasks.translate.translate_plan import TranslatePlan

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VASARI_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "120")


def test_every_field_of_the_plan_is_an_option_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", "--help"]) == 0
    text = capsys.readouterr().out
    section = DOCUMENT.read_text(encoding="utf-8").split("## vasari translate\n")[1].split("\n## ")[0]
    for item in dataclasses.fields(TranslatePlan):
        option = f"--{item.name.replace('_', '-')}"
        assert option in text
        assert option == "--model" or f"| `{option}" in section
    options = set(re.findall(r"(?<![\w-])(--[a-z-]+)", text)) - {"--help", "--model", "--no-evidence"}
    assert not [one for one in options if f"`{one}" not in section]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["translate"], ExitCode.USAGE),
        (["translate", "MODEL"], ExitCode.USAGE),
        (["translate", "MODEL", "SCANS"], ExitCode.USAGE),
        (["translate", "MODEL", "SCANS", "-o", "OUT", "--strength", "2"], ExitCode.USAGE),
        (["translate", "MODEL", "SCANS", "-o", "OUT", "--working-px", "-1"], ExitCode.USAGE),
        (["translate", "MODEL", "SCANS", "-o", "OUT", "--jobs", "0"], ExitCode.USAGE),
        (["translate", "MODEL", "SCANS", "-o", "OUT", "--vividness", "1"], ExitCode.USAGE),
        (["translate", "MODEL", "no-such-picture.jpg", "-o", "OUT"], ExitCode.USAGE),
        (["translate", "no-such-model", "SCANS", "-o", "OUT"], ExitCode.FAILED),
        (["translate", "RESTORER", "SCANS", "-o", "OUT"], ExitCode.FAILED),
    ],
)
def test_wrong_usage_is_told_with_a_remedy(
    arguments: list[str],
    code: ExitCode,
    scans: Path,
    tmp_path: Path,
    tiny_translator: Path,
    tiny_restorer: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = {"MODEL": tiny_translator, "RESTORER": tiny_restorer, "SCANS": scans, "OUT": tmp_path / "out"}
    assert main([str(words.get(one, one)) for one in arguments]) == code
    told = capsys.readouterr().err
    assert told.startswith("vasari: ")
    assert "remedy: " in told
    assert "Traceback" not in told
    assert not (tmp_path / "out" / "ledger.jsonl").exists()


def test_pictures_are_translated_and_told_and_done_once(
    scans: Path, tmp_path: Path, tiny_translator: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    command = ["translate", str(tiny_translator), str(scans), "-o", str(tmp_path / "out"), "--working-px", "64"]
    assert main([*command, "--json"]) == ExitCode.SOME_INPUTS_FAILED
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["done"], told["failed"], told["already_done"]) == (3, 1, 0)
    assert "bad.png" in captured.err
    (scans / "bad.png").unlink()
    assert main([*command, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["already_done"] == 3
    assert main([*command, "--format", "png"]) == ExitCode.DONE
    assert "3 pages translated into" in capsys.readouterr().err
    assert (tmp_path / "out" / "box" / "coffee.png").exists()


def test_a_replay_needs_no_model(
    scans: Path, tmp_path: Path, tiny_translator: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["translate", str(tiny_translator), str(scans / "pilot.jpg"), "-o", str(tmp_path / "out")]) == 0
    record = tmp_path / "out" / "pilot.treatment.json"
    assert main(["translate", "--replay", str(record), "-o", str(tmp_path / "again"), "--json"]) == 0
    assert (tmp_path / "again" / "pilot.jpg").read_bytes() == (tmp_path / "out" / "pilot.jpg").read_bytes()
    assert json.loads(capsys.readouterr().out)["result"].endswith("pilot.jpg")
    moved = (scans / "pilot.jpg").rename(tmp_path / "moved.jpg")
    assert main(["translate", str(moved), "--replay", str(record), "-o", str(tmp_path / "third")]) == 0
    assert main(["restore", "--replay", str(record), "-o", str(tmp_path / "fourth")]) == ExitCode.USAGE
    assert "vasari restore" in capsys.readouterr().err
