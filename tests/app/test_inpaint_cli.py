"""`vasari inpaint`: refuses with a remedy, fills, tells; and is described."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode
from vasari.tasks.inpaint.plan import InpaintPlan

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VASARI_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(data.coffee()[50:150, 100:260]).save(tmp_path / "coffee.png")
    mask = np.zeros((100, 160), np.uint8)
    mask[30:50, 60:90] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(mask[:50]).save(tmp_path / "half.png")
    Image.fromarray(np.full_like(mask, 255)).save(tmp_path / "full.png")
    return tmp_path / "coffee.png"


def test_every_field_of_the_plan_is_an_option_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inpaint", "--help"]) == 0
    text = capsys.readouterr().out
    section = DOCUMENT.read_text(encoding="utf-8").split("## vasari inpaint\n")[1].split("\n## ")[0]
    options = set(re.findall(r"(?<![\w-])(--[a-z-]+)", text)) - {"--help", "--picture"}
    assert {f"--{item.name.replace('_', '-')}" for item in dataclasses.fields(InpaintPlan)} <= options
    assert not [one for one in options if f"| `{one}" not in section]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["P"], ExitCode.USAGE),
        (["P", "-o", "OUT.png"], ExitCode.USAGE),
        (["P", "--box", "1,1,5,5", "--damage", "-o", "OUT.png"], ExitCode.USAGE),
        (["P", "--box", "1,1,5", "-o", "OUT.png"], ExitCode.USAGE),
        (["P", "--box", "150,1,20,5", "-o", "OUT.png"], ExitCode.USAGE),
        (["P", "--box", "1,1,5,5", "-o", "OUT.png", "--method", "magic"], ExitCode.USAGE),
        (["P", "--box", "1,1,5,5", "-o", "OUT.png", "--patch-px", "8"], ExitCode.USAGE),
        (["P", "--box", "1,1,5,5", "-o", "OUT.png", "--page", "0"], ExitCode.USAGE),
        (["P", "--box", "1,1,5,5", "-o", "OUT.jpg"], ExitCode.USAGE),
        (["P", "--box", "1,1,5,5", "-o", "OUT.jpg", "--format", "png"], ExitCode.USAGE),
        (["P", "--mask", "P", "-o", "OUT.png"], ExitCode.USAGE),
        (["P", "--mask", "half.png", "-o", "OUT.png"], ExitCode.FAILED),
        (["P", "--mask", "full.png", "-o", "OUT.png"], ExitCode.FAILED),
        (["P", "--mask", "no-such.png", "-o", "OUT.png"], ExitCode.FAILED),
        (["P", "--mask", "mask.png", "-o", "P"], ExitCode.FAILED),
        (["P", "--mask", "mask.png", "-o", "OUT.bmp"], ExitCode.FAILED),
        (["P", "--mask", "mask.png", "-o", "OUT.png", "--model", "no-such"], ExitCode.FAILED),
        (["no-such.png", "--mask", "mask.png", "-o", "OUT.png"], ExitCode.FAILED),
    ],
)
def test_wrong_usage_is_told_with_a_remedy(
    arguments: list[str], code: ExitCode, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, before = picture.parent, sorted(picture.parent.iterdir())
    ready = [
        str(picture) if one == "P" else str(folder / one) if one.endswith((".png", ".jpg", ".bmp")) else one
        for one in arguments
    ]
    assert main(["inpaint", *ready]) == code
    told = capsys.readouterr().err
    assert told.startswith("vasari: ") and "remedy: " in told and "Traceback" not in told
    assert sorted(folder.iterdir()) == before


def test_a_picture_is_filled_and_told(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = picture.parent
    command = ["inpaint", str(picture), "--mask", str(folder / "mask.png"), "--method", "exemplar"]
    assert main([*command, "-o", str(folder / "out.png"), "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["filled_pixels"] == 600 and told["filled_share"] == pytest.approx(600 / 16000)
    given, made = np.asarray(Image.open(picture)), np.asarray(Image.open(told["result"]))
    changed = (given != made).any(2)
    assert changed[30:50, 60:90].mean() > 0.9 and changed.sum() == changed[30:50, 60:90].sum()
    record = json.loads(Path(told["record"]).read_text(encoding="utf-8"))
    assert record["operation"] == "inpaint" and record["result"]["sha256"] == told["sha256"]
    again = ["inpaint", str(picture), "--box", "60,30,30,20", "--method", "exemplar", "-o", str(folder / "out.png")]
    assert main(again) == ExitCode.DONE
    assert "filled" in capsys.readouterr().err
    assert np.array_equal(np.asarray(Image.open(folder / "out.png")), made)


def test_an_empty_mask_is_no_failure(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = picture.parent
    Image.new("L", (160, 100)).save(folder / "empty.png")
    out = folder / "out.png"
    assert main(["inpaint", str(picture), "--mask", str(folder / "empty.png"), "-o", str(out)]) == ExitCode.DONE
    assert "nothing to fill" in capsys.readouterr().err
    assert out.read_bytes() == picture.read_bytes()
