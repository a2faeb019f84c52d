"""`vasari generate`: pictures with records, a sheet, a clip; done once, refused with a remedy."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vasari
from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode
from vasari.foundation.treatment import SOURCE_TYPES, read_treatment
from vasari.models import hub
from vasari.models.generators import ResidualGenerator


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options: dict[str, Any] = {"widths": [16, 16, 16], "latent": 16, "code": 16}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = ResidualGenerator(**options)
    recipe = {"network": {"name": "residual-generator", "options": options}, "task": "generate"}
    return hub.save(network, tmp_path_factory.mktemp("models") / "tiny.safetensors", recipe)


def made(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["generate", *map(str, arguments), "--json"]) == ExitCode.DONE
    return json.loads(capsys.readouterr().out)


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("[!.]*")}


def test_pictures_come_with_a_sheet_and_records(model: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    told = made(capsys, model, "-n", 3, "--seed", 7, "-o", out)
    names = ["tiny-seed7-0001.png", "tiny-seed7-0002.png", "tiny-seed7-0003.png", "tiny-seed7-grid.png"]
    assert [Path(one).name for one in told["made"]] == names
    records = [name.replace(".png", ".treatment.json") for name in names]
    assert sorted(path.name for path in out.glob("[!.]*")) == sorted(names + records)
    expected = vasari.generate(model, n=3, seed=7)
    for index, picture in enumerate(expected):
        assert np.array_equal(np.asarray(Image.open(out / names[index])), picture.to_array(8))
    record = read_treatment(out / records[1])
    assert record.operation == "generate" and record.seed == 7 and record.stages[0].numbers["number"] == 2
    assert record.digital_source_type == SOURCE_TYPES["trained"]
    assert record.digital_source_type.endswith("/trainedAlgorithmicMedia")
    assert record.models[0].digest == hub.digest(model) and record.result is not None
    assert record.result.sha256 == hashlib.sha256((out / names[1]).read_bytes()).hexdigest()
    assert str(model.parent) not in (out / records[1]).read_text()
    packet = vasari.open_picture(out / names[1]).metadata.xmp or b""
    assert b"trainedAlgorithmicMedia" in packet and hub.digest(model).encode() in packet
    sheet = np.asarray(Image.open(out / names[3]))
    assert sheet.shape == (70, 70, 3)
    assert np.array_equal(sheet[2:34, 36:68], expected[1].to_array(8))


def test_a_finished_folder_is_left_alone_and_a_longer_one_goes_on(model: Path, tmp_path: Path, capsys) -> None:
    command = (model, "--seed", 7, "-o", tmp_path / "out")
    made(capsys, *command, "-n", 2)
    before = times(tmp_path / "out")
    told = made(capsys, *command, "-n", 2)
    assert told["made"] == [] and len(told["already_made"]) == 3 and times(tmp_path / "out") == before
    assert main(["generate", *map(str, command), "-n", "2"]) == 0
    assert "Nothing to do" in capsys.readouterr().err
    told = made(capsys, *command, "-n", 3)
    assert [Path(one).name for one in told["made"]] == ["tiny-seed7-0003.png", "tiny-seed7-grid.png"]
    (tmp_path / "out" / "tiny-seed7-0002.png").unlink()
    assert len(made(capsys, *command, "-n", 3)["made"]) == 1
    # Another plan: what Vasari wrote is made anew, without --overwrite.
    assert len(made(capsys, *command, "-n", 3, "--truncation", 0.5)["made"]) == 4


def test_a_finished_folder_is_known_without_torch(model: Path, tmp_path: Path, capsys) -> None:
    made(capsys, model, "-n", 2, "-o", tmp_path / "out")
    code = (
        "import sys\n"
        "from vasari.app.cli.main import main\n"
        f"assert main(['generate', {str(model)!r}, '-n', '2', '-o', {str(tmp_path / 'out')!r}]) == 0\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "Nothing to do" in done.stderr, done.stderr


def test_a_run_that_broke_off_between_record_and_result_goes_on(
    model: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vasari.foundation.errors import WriteError
    from vasari.tasks.generate import making

    command = (model, "-n", 1, "-o", tmp_path / "out")
    made(capsys, *command)
    calls = []

    def breaking(staged: Path, target: Path) -> None:
        calls.append(target.name)
        if len(calls) == 2:
            raise WriteError("no more", remedy="none")
        publish(staged, target)

    publish = making.publish
    with monkeypatch.context() as patched:
        patched.setattr(making, "publish", breaking)
        assert main(["generate", *map(str, command), "--truncation", "0.5"]) == ExitCode.FAILED
    capsys.readouterr()
    assert calls == ["tiny-seed0-0001.treatment.json", "tiny-seed0-0001.png"]
    assert len(made(capsys, *command, "--truncation", 0.5)["made"]) == 1


def test_a_file_of_somebody_else_is_not_replaced(model: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    made(capsys, model, "-n", 2, "-o", out)
    mine = out / "tiny-seed0-0002.png"
    Image.new("RGB", (4, 4)).save(mine)
    before = mine.read_bytes()
    command = ["generate", str(model), "-n", "3", "-o", str(out)]
    assert main(command) == ExitCode.FAILED
    told = capsys.readouterr().err
    assert "tiny-seed0-0002.png stands where" in told and "--overwrite" in told
    assert mine.read_bytes() == before and not (out / "tiny-seed0-0003.png").exists()
    assert main([*command, "--overwrite"]) == ExitCode.DONE
    assert mine.read_bytes() != before


def test_a_record_is_not_taken_from_another_file(model: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    made(capsys, model, "-n", 1, "-o", out)
    before = times(out)
    command = ["generate", str(model), "-n", "1", "-o", str(out), "--format", "jpeg"]
    assert main(command) == ExitCode.FAILED
    told = capsys.readouterr().err
    assert "tiny-seed0-0001.treatment.json is the record of another file" in told and "--overwrite" in told
    assert times(out) == before
    assert main([*command, "--overwrite"]) == ExitCode.DONE
    record = read_treatment(out / "tiny-seed0-0001.treatment.json")
    assert record.result is not None and record.result.name == "tiny-seed0-0001.jpg"


def test_what_was_asked_for_is_in_the_picture_and_in_its_record(model: Path, tmp_path: Path, capsys) -> None:
    options = ["--truncation", "0.6", "--edit", "lightness=2,component-1-fine=-1", "--mix", "3:2", "--size-px", "80"]
    made(capsys, model, "-o", tmp_path, "--format", "jpeg", "--seed", 5, *options)
    record = read_treatment(tmp_path / "tiny-seed5-0001.treatment.json")
    assert [stage.name for stage in record.stages] == ["generate", "mix", "truncate", "edit", "edit", "enlarge"]
    assert "by Lanczos" in record.stages[-1].did and record.stages[-1].numbers == {"from_px": 32, "to_px": 80}
    with Image.open(tmp_path / "tiny-seed5-0001.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (80, 80))
        shown = np.asarray(image) / 255
    edit = ("lightness=2", "component-1-fine=-1")
    (expected,) = vasari.generate(model, seed=5, truncation=0.6, edit=edit, mix="3:2", size_px=80)
    assert np.abs(shown - expected.to_array(8) / 255).mean() < 0.02


def test_a_walk_begins_at_the_first_picture_and_ends_at_the_last(model: Path, tmp_path: Path, capsys) -> None:
    av = pytest.importorskip("av")
    walk = ["--step-s", 0.2, "--fps", 20]
    command = (model, "--seed", 7, "-n", 3, "-o", tmp_path, *walk)
    told = made(capsys, *command, "--walk", "clip.mp4", "--one-way")
    assert len(told["made"]) == 5
    with av.open(str(tmp_path / "clip.mp4")) as film:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(video=0)]
    assert len(frames) == 2 * 4 + 1
    pictures = [one.to_array(8).astype(int) for one in vasari.generate(model, n=3, seed=7)]
    for position, picture in zip((0, 4, 8), pictures, strict=True):
        nearest = min(range(9), key=lambda index: float(np.abs(frames[index] - picture).mean()))
        assert nearest == position
    record = read_treatment(tmp_path / "clip.mp4.treatment.json")
    assert record.plan["walk"]["one_way"] is True and record.stages[0].numbers["frames"] == 9
    assert made(capsys, *command, "--walk", "clip.mp4", "--one-way")["made"] == []
    # Back to the first: as many steps as stops, and nothing else is made again.
    told = made(capsys, *command, "--walk", "clip.mp4")
    assert [Path(one).name for one in told["made"]] == ["clip.mp4"]
    with av.open(str(tmp_path / "clip.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 12


def test_a_walk_between_named_seeds_alone(model: Path, tmp_path: Path, capsys) -> None:
    command = (model, "-o", tmp_path, "--only-grid", "--walk", "clip.webp", "--stops", "7,12:3", "--step-s", 0.2)
    assert [Path(one).name for one in made(capsys, *command)["made"]] == ["tiny-seed0-grid.png", "clip.webp"]
    with Image.open(tmp_path / "clip.webp") as image:
        assert image.n_frames == 10
    assert "7:1, 12:3" in read_treatment(tmp_path / "clip.webp.treatment.json").stages[0].did


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-n", "2"], ExitCode.USAGE, "No output folder"),
        (["-o", "OUT", "-n", "0"], ExitCode.USAGE, "n=0"),
        (["-o", "OUT", "--truncation", "1.2"], ExitCode.USAGE, "truncation=1.2"),
        (["-o", "OUT", "--edit", "mood=1"], ExitCode.USAGE, "lightness, warmth, contrast, saturation, texture"),
        (["-o", "OUT", "--edit", "lightness"], ExitCode.USAGE, "DIRECTION=AMOUNT"),
        (["-o", "OUT", "--walk", "clip.gif"], ExitCode.USAGE, "two pictures"),
        (["-o", "OUT", "-n", "2", "--walk", "clip.avi"], ExitCode.USAGE, "no kind of clip"),
        (["-o", "OUT", "-n", "2", "--walk", "../clip.gif"], ExitCode.USAGE, "no file name"),
        (["-o", "OUT", "-n", "2", "--walk", "tiny-seed0-0001.png"], ExitCode.USAGE, "name of a picture"),
        (["-o", "OUT", "--stops", "1,2"], ExitCode.USAGE, "no walk"),
        (["-o", "OUT", "-n", "2", "--walk", "a.gif", "--fps", "0"], ExitCode.USAGE, "fps=0"),
        (["-o", "OUT", "--mix", "x"], ExitCode.USAGE, "no picture"),
        (["-o", "OUT", "--enlarge", "MODEL", "--size-px", "64"], ExitCode.FAILED, "does not enlarge"),
        (["-o", "MODEL"], ExitCode.FAILED, "cannot be used"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_left(
    arguments: list[str], code: ExitCode, words: str, model: Path, tmp_path: Path, capsys
) -> None:
    given = [one.replace("OUT", str(tmp_path / "out")).replace("MODEL", str(model)) for one in arguments]
    assert main(["generate", str(model), *given]) == code
    told = capsys.readouterr().err
    assert words in told and "remedy: " in told and "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_models_that_do_not_generate_are_refused(tiny_restorer: Path, tmp_path: Path, capsys) -> None:
    for model, words in ((tiny_restorer, "does not generate"), (tmp_path / "none.safetensors", "no model")):
        assert main(["generate", str(model), "-o", str(tmp_path / "out")]) == ExitCode.FAILED
        assert words in capsys.readouterr().err
    assert main(["generate", "-o", str(tmp_path / "out")]) == ExitCode.USAGE
    assert not (tmp_path / "out").exists()


def test_the_directions_of_a_model_are_listed_with_what_they_do(model: Path, capsys, monkeypatch) -> None:
    from vasari.tasks.generate import directions

    monkeypatch.setattr(directions, "COMPONENTS", 2)
    rows = made(capsys, model, "--list-edits")
    assert [row["name"] for row in rows[:5]] == ["lightness", "warmth", "contrast", "saturation", "texture"]
    assert len(rows) == 5 + 2 * 4
    for row in rows:
        assert set(row["effects"]) == {"lightness", "warmth", "contrast", "saturation", "texture"}
        total = sum(abs(one) for one in row["effects"].values())
        main_effect = abs(row["effects"][row["moves"]]) if row["moves"] else max(map(abs, row["effects"].values()))
        assert row["side_effects"] == pytest.approx(1 - main_effect / total, abs=0.02)
        assert row["name"].endswith(row["moves"]) and 0 <= row["steady"] <= 1
    assert main(["generate", str(model), "--list-edits"]) == 0
    assert "component-1-coarse" in capsys.readouterr().out
