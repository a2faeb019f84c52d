"""The command `vasari`: helps, refuses with a remedy, restores, stops and goes on."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.app.cli.main import COMMANDS, main
from vasari.app.cli.messages import counted, duration
from vasari.app.cli.plan_options import describe, plan_from_options
from vasari.foundation.devices import threads_of
from vasari.foundation.errors import ExitCode, PlanError
from vasari.foundation.version import VERSION
from vasari.tasks.restore.plan import RestorePlan


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VASARI_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "120")


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "vasari.app.cli.main", *map(str, arguments)]
    # Tests that run in the background inherit a SIGINT that is ignored; a person's terminal does not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"vasari {name}" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == VERSION


def test_every_field_of_the_plan_is_an_option_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", "--help"]) == 0
    text = "".join(capsys.readouterr().out.split())
    for item in dataclasses.fields(RestorePlan):
        assert f"--{item.name.replace('_', '-')}" in text
        assert "".join(describe(item).split())[:20] in text


def test_the_defaults_of_the_command_line_are_those_of_the_plan() -> None:
    assert plan_from_options(RestorePlan, {}) == RestorePlan()
    assert plan_from_options(RestorePlan, {"stages": "repair, tone"}).stages == ("repair", "tone")
    with pytest.raises(PlanError):
        plan_from_options(RestorePlan, {"stages": "sharpen"})


@pytest.mark.parametrize(
    "arguments",
    [
        ["restore"],
        ["restore", "x.tif"],
        ["restore", "x.tif", "-o"],
        ["restore", "no-such.tif", "-o", "OUT"],
        ["restore", "x.tif", "-o", "OUT", "--tone", "blue"],
        ["restore", "x.tif", "-o", "OUT", "--vividness", "2"],
        ["restore", "x.tif", "-o", "OUT", "--vividness", "much"],
        ["restore", "x.tif", "-o", "OUT", "--stages", "sharpen"],
        ["restore", "x.tif", "-o", "OUT", "--stages", "enlarge", "--scale", "3"],
        ["restore", "x.tif", "-o", "OUT", "--scale", "2"],
        ["restore", "x.tif", "-o", "OUT", "--style", "monet.jpg"],
        ["restore", "x.tif", "-o", "OUT", "--jobs", "0"],
        ["restore", "--replay", "no-such.json"],
        ["restore", "x.tif", "y.tif", "--replay", "x.json"],
        ["resore", "x.tif"],
        ["train", "no-such-recipe", "--data", ".", "-o", "RUN"],
        ["train"],
    ],
)
def test_wrong_usage_is_told_with_a_remedy_and_exit_code_2(
    arguments: list[str], tmp_path: Path, tiny_restorer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(tiny_restorer)] if "-o" in arguments and arguments[0] == "restore" else []
    assert main([one.replace("OUT", str(tmp_path / "out")) for one in arguments + model]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert told.startswith("vasari: ")
    assert "remedy: " in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_scans_are_restored_and_told_as_json(scans: Path, tmp_path: Path, tiny_restorer: Path, capsys) -> None:
    (scans / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    command = ["restore", str(scans), "-o", str(tmp_path / "out"), "--model", str(tiny_restorer), "--json"]
    assert main(command) == ExitCode.SOME_INPUTS_FAILED
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["done"], told["failed"], told["already_done"]) == (3, 1, 0)
    assert "bad.png" in captured.err
    (scans / "bad.png").unlink()
    assert main(command) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["already_done"] == 3


def test_a_replay_from_the_command_line(scans: Path, tmp_path: Path, tiny_restorer: Path, capsys) -> None:
    assert main(["restore", str(scans), "-o", str(tmp_path / "out"), "--model", str(tiny_restorer)]) == 0
    record = tmp_path / "out" / "pilot.treatment.json"
    assert main(["restore", "--replay", str(record), "-o", str(tmp_path / "again"), "--json"]) == 0
    assert (tmp_path / "again" / "pilot.jpg").read_bytes() == (tmp_path / "out" / "pilot.jpg").read_bytes()
    assert json.loads(capsys.readouterr().out)["result"].endswith("pilot.jpg")


def test_a_replay_has_the_threads_of_then_whatever_the_environment_says(
    scans: Path, tmp_path: Path, tiny_restorer: Path
) -> None:
    restoring = ["restore", str(scans / "pilot.jpg"), "-o", str(tmp_path / "out"), "--model", str(tiny_restorer)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "vasari.app.cli.main", *restoring, "--precision", "float32"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    record = tmp_path / "out" / "pilot.treatment.json"
    assert json.loads(record.read_bytes())["machine"]["threads"] == "1"
    with threads_of({"threads": "2"}):
        assert main(["restore", "--replay", str(record), "-o", str(tmp_path / "again")]) == ExitCode.DONE
    assert (tmp_path / "again" / "pilot.jpg").read_bytes() == (tmp_path / "out" / "pilot.jpg").read_bytes()


@pytest.mark.parametrize("by", ["--debug", "VASARI_DEBUG"])
def test_a_traceback_is_shown_only_on_request(by: str, tmp_path: Path, capsys, monkeypatch) -> None:
    command = ["models", "show", str(tmp_path / "none.safetensors")]
    assert main(command) == ExitCode.FAILED
    assert "Traceback" not in capsys.readouterr().err
    if by == "VASARI_DEBUG":
        monkeypatch.setenv(by, "1")
    assert main([*command, *([by] if by == "--debug" else [])]) == ExitCode.FAILED
    assert "Traceback" in capsys.readouterr().err


def test_the_traceback_of_a_single_picture_is_shown_on_request(
    scans: Path, tmp_path: Path, tiny_restorer: Path, capsys, monkeypatch
) -> None:
    from vasari.tasks.batch import page

    def failing(*arguments: object, **options: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(page, "stage", failing)
    command = ["restore", str(scans), "-o", str(tmp_path / "out"), "--model", str(tiny_restorer)]
    assert main(command) == ExitCode.SOME_INPUTS_FAILED
    assert "Traceback" not in capsys.readouterr().err
    assert main([*command, "--debug"]) == ExitCode.SOME_INPUTS_FAILED
    assert "Traceback" in capsys.readouterr().err


def test_names_that_are_no_utf8_go_through(tmp_path: Path, tiny_restorer: Path, capsys) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    Image.fromarray(data.camera()[:70, :70]).save(scans / "fine.png")
    strange = os.fsdecode(bytes(scans) + b"/b\xe9b\xe9.png")
    Path(strange).write_bytes((scans / "fine.png").read_bytes())
    code = main(["restore", str(scans), "-o", str(tmp_path / "out"), "--model", str(tiny_restorer), "--json"])
    told = json.loads(capsys.readouterr().out)
    # libvips takes only names in UTF-8: the file is refused in words, and the rest goes on.
    assert code in (ExitCode.DONE, ExitCode.SOME_INPUTS_FAILED)
    assert told["done"] >= 1
    assert all("unexpected" not in one.get("error", "") for one in told["entries"])


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for index in range(30):
        Image.fromarray(np.roll(data.astronaut(), index * 7, axis=1)[:120, :160]).save(folder / f"{index:02d}.png")
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_batch_that_is_stopped_goes_on_with_the_same_command(
    number: signal.Signals, album: Path, tmp_path: Path, tiny_restorer: Path
) -> None:
    out = tmp_path / "out"
    command = ["restore", album, "-o", out, "--model", tiny_restorer]
    process, ledger = start(*command), out / "ledger.jsonl"
    while process.poll() is None and not (ledger.exists() and ledger.stat().st_size):
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    done = len(ledger.read_text().splitlines())
    assert 0 < done < 30
    assert process.returncode == (ExitCode.INTERRUPTED if number == signal.SIGINT else -9)
    if number == signal.SIGINT:
        assert "the same command goes on" in told
        assert not list((out / ".vasari").glob("work/*"))
    assert "Traceback" not in told
    again = start(*command, "--json")
    output, told = again.communicate(timeout=120)
    assert again.returncode == 0, told
    summary = json.loads(output)
    assert summary["already_done"] >= done
    assert summary["already_done"] + summary["done"] == 30
    assert len({json.loads(line)["source"] for line in (out / "ledger.jsonl").read_text().splitlines()}) == 30


def test_models_are_listed_and_shown(tiny_restorer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from vasari.models import hub

    assert main(["models", "list", "--json"]) == 0
    assert tuple(one["name"] for one in json.loads(capsys.readouterr().out)) == hub.bundled()
    assert main(["models", "list"]) == 0
    assert main(["models", "show", str(tiny_restorer)]) == 0
    assert "network: restorer" in capsys.readouterr().out
    assert main(["models", "show", str(tiny_restorer), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["network"]["options"]["widths"] == [32, 32, 32]


@pytest.mark.slow
def test_training_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, picture in (("a", data.astronaut()), ("b", data.coffee())):
        Image.fromarray(picture[:300, :300]).save(photos / f"{name}.png")
    settings = ["train.images=4", "train.batch=2", "train.workers=0", "train.warmup_images=0"]
    settings += ["network.options.widths=[32, 32, 32]", "network.options.depths=[1, 1, 1, 1, 1]"]
    settings += ["objective.examples.region_px=96", "objective.examples.patch_px=32"]
    command = ["train", "restore", "--data", str(photos), "-o", str(tmp_path / "run"), "--json"]
    for one in settings:
        command += ["--set", one]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["images_seen"] == 4
    assert main(command) == ExitCode.FAILED
    assert "--resume" in capsys.readouterr().err


def test_numbers_in_words() -> None:
    assert [duration(one) for one in (0.4, 59.4, 61, 3725)] == ["0 s", "59 s", "1 min 01 s", "1 h 02 min"]
    assert [counted(1, "page"), counted(2, "page")] == ["1 page", "2 pages"]
