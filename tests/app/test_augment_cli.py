"""`vasari augment`: refuses with a remedy, varies a set, goes on after a kill."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VASARI_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    for index in range(12):
        place = folder / ("even" if index % 2 == 0 else "odd")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(data.astronaut(), index * 9, axis=1)[:64, :80]).save(place / f"{index:02d}.png")
    return folder


def test_every_option_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["augment", "--help"]) == 0
    options = set(re.findall(r"(?<![\w-])(--[a-z-]+)", capsys.readouterr().out)) - {"--help", "--dataset"}
    section = DOCUMENT.read_text(encoding="utf-8").split("## vasari augment\n")[1].split("\n## ")[0]
    assert {"--model", "--era", "--flip", "--copies", "--seed", "--keep-original", "--output"} <= options
    assert not [one for one in sorted(options) if f"| `{one}" not in section]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["augment"], ExitCode.USAGE),
        (["augment", "SET", "--era", "albumen"], ExitCode.USAGE),
        (["augment", "SET", "-o", "OUT"], ExitCode.USAGE),
        (["augment", "SET", "-o", "OUT", "--era", "stone"], ExitCode.USAGE),
        (["augment", "SET", "-o", "OUT", "--era", "albumen", "--severities", "1,heavy"], ExitCode.USAGE),
        (["augment", "SET", "-o", "OUT", "--era", "albumen", "--copies", "0"], ExitCode.USAGE),
        (["augment", "no-such-set", "-o", "OUT", "--era", "albumen"], ExitCode.USAGE),
        (["augment", "SET", "-o", "SET", "--era", "albumen"], ExitCode.USAGE),
        (["augment", "SET", "-o", "OUT", "--model", "no-such-model"], ExitCode.FAILED),
    ],
)
def test_wrong_usage_is_told_with_a_remedy(
    arguments: list[str], code: ExitCode, labeled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {"SET": labeled, "OUT": tmp_path / "out"}
    assert main([str(words.get(one, one)) for one in arguments]) == code
    told = capsys.readouterr().err
    assert told.startswith("vasari: ")
    assert "remedy: " in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_a_set_is_varied_and_told(
    labeled: Path, tmp_path: Path, tiny_translator: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (labeled / "odd" / "bad.jpg").write_bytes(b"none")
    command = ["augment", str(labeled), "-o", str(tmp_path / "out"), "--model", str(tiny_translator)]
    command += ["--era", "albumen", "--era", "autochrome", "--flip", "horizontal", "--copies", "3", "--keep-original"]
    assert main([*command, "--json"]) == ExitCode.SOME_INPUTS_FAILED
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["done"], told["failed"], told["already_done"]) == (48, 1, 0)
    assert "bad.jpg" in captured.err
    with Path(told["manifest"]).open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 48
    assert {one["operation"].split("+")[-1] for one in rows} == {"original", "translate", "age"}
    (labeled / "odd" / "bad.jpg").unlink()
    assert main([*command, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["already_done"] == 48


def test_a_run_that_was_killed_goes_on_with_the_same_command(
    labeled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")

    def command(output: Path) -> list[str]:
        words = ["augment", str(labeled), "-o", str(output), "--era", "albumen", "--copies", "4", "--json"]
        return [sys.executable, "-m", "vasari.app.cli.main", *words]

    out = tmp_path / "out"
    process = subprocess.Popen(command(out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ledger = out / "ledger.jsonl"
    while process.poll() is None and not (ledger.exists() and ledger.stat().st_size):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    done = len((out / "ledger.jsonl").read_text().splitlines())
    assert 0 < done < 48
    assert not (out / "manifest.csv").exists()
    again = subprocess.run(command(out), capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["already_done"] + told["done"] == 48
    assert main(command(tmp_path / "calm")[3:]) == 0
    pictures = [
        {one.relative_to(folder): one.read_bytes() for one in folder.rglob("*.*") if one.suffix in (".jpg", ".csv")}
        for folder in (out, tmp_path / "calm")
    ]
    assert len(pictures[0]) == 49
    assert pictures[0] == pictures[1]
    lines = [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]
    assert len({(one["source"], one["page"]) for one in lines}) == len(lines) == 48
