"""`vasari profile` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode


def test_a_model_is_profiled_and_a_folder_forecast(scans: Path, tiny_restorer: Path, capsys) -> None:
    command = ["profile", str(tiny_restorer), "--megapixels", "0.01", "--runs", "1", "--folder", str(scans)]
    assert main(command) == ExitCode.DONE
    told = capsys.readouterr().out
    assert "3 scans, about " in told and "of the machine's peak" in told and "restorer.tail" in told
    assert main([*command, "--json"]) == ExitCode.DONE
    found = json.loads(capsys.readouterr().out)
    assert found["forecast"]["pictures"] == 3
    assert [one["precision"] for one in found["machine_peaks"]] == ["float32", "bfloat16"]
    assert found["picture_px"] == [100, 100] and found["stages"][-1]["name"] == "between layers"


def test_wrong_usage_has_a_remedy(tmp_path: Path, tiny_restorer: Path, capsys) -> None:
    assert main(["profile", str(tiny_restorer), "--folder", str(tmp_path / "none"), "--megapixels", "0.01"]) == 2
    assert "remedy: " in capsys.readouterr().err
    assert main(["profile"]) == ExitCode.USAGE
