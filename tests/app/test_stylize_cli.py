"""`vasari stylize` and `vasari styles`: refuse with a remedy, stylize, tell, replay; `vasari restore --style`."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.app.cli.main import main
from vasari.foundation import image_files
from vasari.foundation.errors import ExitCode
from vasari.foundation.treatment import read_treatment
from vasari.models import hub, model_files
from vasari.tasks.stylize import styles
from vasari.tasks.stylize.stylize_plan import StylizePlan

# In the help of `vasari styles`, and no options of it.
OTHERS = {"--name", "--pictures", "--style-scale"}
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VASARI_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def bundled(tmp_path: Path, tiny_painter: dict[str, str], tiny_restorer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The narrow networks in the place of the bundled ones."""
    monkeypatch.setattr(model_files, "BUNDLED_FOLDER", tmp_path / "bundled")
    monkeypatch.setattr(styles, "BUNDLED_FOLDER", tmp_path / "bundled" / "styles")
    for name, path in (("stylize", tiny_painter["model"]), ("restore-faithful", str(tiny_restorer))):
        hub.add_bundled(path, name)
    # Byte for byte, as the stylizer knows its encoder by its digest.
    encoder = Path(shutil.copy(tiny_painter["encoder"], tmp_path / "bundled" / "encoder.safetensors"))
    with (tmp_path / "bundled" / model_files.DIGESTS_FILE).open("a") as sums:
        sums.write(f"{model_files.digest(encoder)}  {encoder.name}\n")


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    Image.fromarray(data.chelsea()[:120, :160]).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def options_told(command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    assert main([*command.split(), "--help"]) == 0
    return set(re.findall(r"(?<![\w-])(--[a-z-]+)", capsys.readouterr().out)) - {"--help"}


def section(name: str) -> str:
    return DOCUMENT.read_text(encoding="utf-8").split(f"## {name}\n")[1].split("\n## ")[0]


def test_every_field_of_the_plan_is_an_option_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    told = options_told("stylize", capsys)
    names = {"settings": "set"}
    fields = {f"--{names.get(one.name, one.name).replace('_', '-')}" for one in dataclasses.fields(StylizePlan)}
    assert fields < told
    assert not [one for one in told if f"| `{one}" not in section("vasari stylize")]
    for command in ("add", "list", "show", "remove"):
        assert not [
            one for one in options_told(f"styles {command}", capsys) - OTHERS if one not in section("vasari styles")
        ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("stylize", ExitCode.USAGE),
        ("stylize SCANS --style CAT", ExitCode.USAGE),
        ("stylize SCANS -o OUT", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style no-such-style", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style CAT --strength 2", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style CAT --style CAT --mask CAT", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style CAT --mask no-such.png", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style CAT --content-weight 3", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style CAT --set loss=gram", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style CAT --method optimize --set los=gram", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style CAT --watch OUT", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style CAT --keep-color sepia", ExitCode.USAGE),
        ("stylize no-such.jpg -o OUT --style CAT", ExitCode.USAGE),
        ("stylize SCANS -o OUT --style TEXT", ExitCode.FAILED),
        ("stylize SCANS -o OUT --style CAT --model no-such-model", ExitCode.FAILED),
        ("stylize SCANS -o OUT --method no-such-translator", ExitCode.FAILED),
        ("restore SCANS -o OUT --style no-such-style", ExitCode.USAGE),
        ("restore SCANS -o OUT --style-strength 0.5", ExitCode.USAGE),
        ("restore SCANS -o OUT --style CAT --only-damage", ExitCode.USAGE),
        ("styles show no-such-style", ExitCode.USAGE),
        ("styles show CAT", ExitCode.USAGE),
        ("styles add Cat CAT", ExitCode.USAGE),
        ("styles add cat", ExitCode.USAGE),
        ("styles add cat CAT --scale 9", ExitCode.USAGE),
        ("styles add cat TEXT", ExitCode.FAILED),
        ("styles remove no-such-style", ExitCode.USAGE),
    ],
)
def test_wrong_usage_is_told_with_a_remedy(
    arguments: str, code: ExitCode, scans: Path, cat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    words = {"SCANS": scans, "OUT": tmp_path / "out", "CAT": cat, "TEXT": tmp_path / "text.jpg"}
    assert main([str(words.get(one, one)) for one in arguments.split()]) == code
    told = capsys.readouterr().err
    assert told.startswith("vasari: ")
    assert "remedy: " in told
    assert "Traceback" not in told
    assert not (tmp_path / "out" / "ledger.jsonl").exists()


def test_pictures_are_stylized_and_told_and_done_once(
    scans: Path, cat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    command = ["stylize", str(scans), "-o", str(tmp_path / "out"), "--style", f"{cat}:0.7", "--style", f"{cat}:0.3"]
    assert main([*command, "--json"]) == ExitCode.SOME_INPUTS_FAILED
    told = json.loads(capsys.readouterr().out)
    assert (told["done"], told["failed"], told["already_done"]) == (3, 1, 0)
    (scans / "bad.png").unlink()
    assert main([*command, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["already_done"] == 3
    assert main([*command, "--format", "png"]) == ExitCode.DONE
    assert "3 pages stylized into" in capsys.readouterr().err
    record = tmp_path / "out" / "pilot.treatment.json"
    assert main(["stylize", "--replay", str(record), "-o", str(tmp_path / "again"), "--json"]) == 0
    assert (tmp_path / "again" / "pilot.png").read_bytes() == (tmp_path / "out" / "pilot.png").read_bytes()


def test_a_style_is_named_shown_used_and_removed(
    scans: Path, cat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["styles", "list"]) == 0
    assert "No styles" in capsys.readouterr().out
    facts = ["--title", "Chelsea", "--artist", "Stéfan", "--source", "scikit-image", "--rights", "CC0"]
    assert main(["styles", "add", "my-cat", str(cat), *facts, "--scale", "0.25", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "my-cat"
    cat.unlink()
    assert main(["styles", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["artist"], row["rights"], row["bundled"]) == ("my-cat", "Stéfan", "CC0", False)
    assert main(["styles", "list"]) == 0
    assert "(your own)" in capsys.readouterr().out
    assert main(["styles", "show", "my-cat"]) == 0
    assert "source: scikit-image" in capsys.readouterr().out
    assert main(["stylize", str(scans / "pilot.jpg"), "-o", str(tmp_path / "out"), "--style", "my-cat"]) == 0
    record = read_treatment(tmp_path / "out" / "pilot.treatment.json")
    assert record.stages[0].did == "my-cat (Chelsea; Stéfan; scikit-image; CC0)"
    assert record.models[-1].digest == row["sha256"]
    assert main(["styles", "remove", "my-cat"]) == 0
    assert main(["styles", "show", "my-cat"]) == ExitCode.USAGE


def test_names_with_commas_and_colons_are_names(scans: Path, cat: Path, tmp_path: Path) -> None:
    odd = cat.rename(tmp_path / "cat, asleep: a study.png")
    mask = np.full((12, 16), 255, np.uint8)
    Image.fromarray(mask).save(tmp_path / "here, all.png")
    words = ["stylize", str(scans / "pilot.jpg"), "-o", str(tmp_path / "out"), "--style", str(odd)]
    assert main([*words, "--mask", str(tmp_path / "here, all.png")]) == 0


def test_optimizing_shows_pictures_on_the_way(scans: Path, cat: Path, tmp_path: Path) -> None:
    words = ["stylize", str(scans / "pilot.jpg"), "-o", str(tmp_path / "out"), "--style", str(cat)]
    words += [
        "--method",
        "optimize",
        "--set",
        "steps=2",
        "--set",
        "coarsest_px=256",
        "--working-px",
        "64",
        "--content-weight",
        "1",
    ]
    assert main([*words, "--watch", str(tmp_path / "shown")]) == 0
    assert (tmp_path / "shown" / "pilot.progress.jpg").exists()
    assert read_treatment(tmp_path / "out" / "pilot.treatment.json").stages[1].numbers["evaluations"] == 2


def test_scans_are_restored_and_stylized_in_one_pass(
    scans: Path, cat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["restore", str(scans), "-o", str(tmp_path / "out"), "--style", str(cat), "--style-strength", "0.6"]
    assert main([*words, "--evidence"]) == 0
    assert "3 pages restored and stylized" in capsys.readouterr().err
    record = tmp_path / "out" / "box" / "coffee.treatment.json"
    assert [one.name for one in read_treatment(record).stages] == ["tone", "repair", "style", "stylize", "blend"]
    assert (tmp_path / "out" / "pilot.damage.png").exists() and (tmp_path / "out" / "pilot.change.png").exists()
    assert not image_files.read(tmp_path / "out" / "camera.png").is_grey
    assert main(["restore", "--replay", str(record), "-o", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "coffee.tif").read_bytes() == (tmp_path / "out" / "box" / "coffee.tif").read_bytes()


def test_films_are_not_optimized(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"none yet")
    clip, out = str(tmp_path / "clip.mp4"), str(tmp_path / "out")
    words = ["stylize", clip, "--style", "oil", "--method", "optimize", "-o", out]
    assert main(words) == ExitCode.USAGE
    assert "films have many" in capsys.readouterr().err
