"""`vasari benchmark` from the command line: tables, JSON, documents, peers, exit codes; and its page in the docs."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.app.cli.main import main
from vasari.foundation.errors import ExitCode
from vasari.tasks.benchmark.plans import PLANS
from vasari.tasks.benchmark.sections import END, mark

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, picture in (("cat", data.chelsea()), ("cup", data.coffee())):
        Image.fromarray(np.ascontiguousarray(picture[40:250:3, 60:300:3])).save(folder / f"{name}.png")
    return folder


def command(photos: Path, tiny_restorer: Path, tiny_painter: dict[str, str], *more: str) -> list[str]:
    start = ["benchmark", "denoise", "--data", str(photos), "--model", str(tiny_restorer)]
    sigmas = [] if "--sigmas" in more else ["--sigmas", "10,30"]
    return [*start, *sigmas, "--network", tiny_painter["encoder"], *more]


def test_a_bench_is_run_and_told(
    photos: Path, tiny_restorer: Path, tiny_painter: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(command(photos, tiny_restorer, tiny_painter, "-o", str(out))) == ExitCode.DONE
    captured = capsys.readouterr()
    assert "sigma 10" in captured.out and "vasari tiny" in captured.out and "report.html" in captured.err
    document = tmp_path / "page.md"
    document.write_text(f"before\n{mark('denoise')}\nold\n{END}\nafter\n")
    peer = f"self={sys.executable} {ROOT / 'benchmarks' / 'peers.py'} non-local-means {{input}} {{output}}"
    more = ["-o", str(out), "--json", "--docs", str(document), "--peer", peer]
    assert main(command(photos, tiny_restorer, tiny_painter, *more)) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["bench"] == "denoise" and told["facts"]["plan"]["sigmas"] == [10.0, 30.0]
    assert {one["versus"] for one in told["values"]["tests"]} == {"self"}
    text = document.read_text()
    assert text.startswith(f"before\n{mark('denoise')}\n") and text.endswith(f"{END}\nafter\n")
    assert "| sigma 30 |" in text and "vasari benchmark denoise --data DATA --sigmas 10,30" in text
    assert str(tmp_path) not in text and "old" not in text.split(END)[0]


def test_what_is_wrong_is_told_before_the_work(
    photos: Path, tiny_restorer: Path, tiny_painter: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks")
    out = str(tmp_path / "run")
    for more, message in (
        (["--docs", str(page)], "0 sections of denoise"),
        (["--peer", "x=program {output}"], "no {input}"),
        (["--peer", "nothing"], "names no program"),
        (["--sigmas", ""], "sigmas is empty"),
        (["--sigmas", "ten"], "not a list of numbers"),
        (["--count", "-1"], "below 0"),
    ):
        assert main(command(photos, tiny_restorer, tiny_painter, "-o", out, *more)) == ExitCode.USAGE
        assert message in capsys.readouterr().err
    assert not (tmp_path / "run" / "report.html").exists()
    assert main(["benchmark", "none"]) == ExitCode.USAGE
    assert "none" in capsys.readouterr().err


def test_failures_have_the_exit_codes_of_every_command(
    photos: Path, tiny_restorer: Path, tiny_painter: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "broken.png").write_bytes(b"no picture")
    out = str(tmp_path / "run")
    assert main(command(photos, tiny_restorer, tiny_painter, "-o", out)) == ExitCode.SOME_INPUTS_FAILED
    assert "broken" in capsys.readouterr().out
    peer = f"x={sys.executable} -c pass {{input}} {{output}}"
    assert main(command(photos, tiny_restorer, tiny_painter, "-o", out, "--peer", peer)) == ExitCode.FAILED
    assert "wrote no picture" in capsys.readouterr().err


def test_every_option_is_described() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = text.split("## vasari benchmark\n")[1].split("\n## ")[0]
    described = set(re.findall(r"`(--[a-z-]+)", section))
    options = {f"--{one.name.replace('_', '-')}" for plan in PLANS.values() for one in dataclasses.fields(plan)}
    assert options | {"--output", "--peer", "--docs", "--json"} <= described
    assert described <= options | {"--output", "--peer", "--docs", "--json", "--help"}
    missing = [name for name in PLANS if f"`{name}`" not in section]
    assert not missing, missing


def test_the_sections_of_the_docs_have_their_marks() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for name in ("aged", "denoise", "inpaint"):
        assert text.count(mark(name)) == 1
        body = text.partition(mark(name))[2].partition(END)[0]
        assert f"vasari benchmark {name}" in body and "sha256" in body and "intervals of 95 %" in body
    robustness = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")
    assert robustness.count(mark("robustness")) == 1 and "vasari benchmark robustness" in robustness
    assert (ROOT / "docs" / "images" / "robustness.png").stat().st_size <= 150_000
