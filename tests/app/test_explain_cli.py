"""`vasari explain` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode


def test_a_scan_is_explained(scans: Path, tmp_path: Path, tiny_restorer: Path, capsys) -> None:
    command = ["explain", str(scans / "pilot.jpg"), "-o", str(tmp_path / "out"), "--model", str(tiny_restorer)]
    assert main([*command, "--shifts", "0", "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["views"] == 4 and Path(told["report"]).name == "pilot.restoration.html"
    assert Path(told["report"]).exists()


def test_a_scan_is_held_against_a_style(scans: Path, tmp_path: Path, capsys) -> None:
    command = ["explain", str(scans / "pilot.jpg"), "-o", str(tmp_path / "out"), "--style", "mosaic"]
    assert main(command) == ExitCode.DONE
    assert "relative distance by depth: " in capsys.readouterr().out
    assert (tmp_path / "out" / "pilot.style.npy").exists()


def test_wrong_usage_has_a_remedy(scans: Path, tmp_path: Path, capsys) -> None:
    assert main(["explain", str(scans / "pilot.jpg")]) == ExitCode.USAGE
    assert "remedy: " in capsys.readouterr().err
    assert main(["explain", str(tmp_path / "none.png"), "-o", str(tmp_path / "out")]) == ExitCode.FAILED
    assert not (tmp_path / "out").exists()
