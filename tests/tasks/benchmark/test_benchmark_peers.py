"""Programs beside ours: run once and without a shell, matched by name, and told of where they fail."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from vasari.foundation.errors import PlanError
from vasari.tasks.benchmark.peers import PeerError, filled, parse, parse_all, results_of
from vasari.tasks.benchmark.plans import DenoisePlan, InpaintBenchPlan
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.table import benchmark

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def plan(photos: Path, tiny_restorer: Path, tiny_painter: dict[str, str]) -> DenoisePlan:
    return DenoisePlan(
        data=str(photos), sigmas=(20.0,), clipped=True, model=str(tiny_restorer), network=tiny_painter["encoder"]
    )


def test_what_names_no_program_is_refused(tmp_path: Path) -> None:
    for text in (
        "nothing",
        "a b={input} {output}",
        "=x {output}",
        "a=",
        f"a={tmp_path}/none",
        "a=run '{output}",
        "given=run {output}",
    ):
        with pytest.raises(PlanError):
            parse(text)
    with pytest.raises(PlanError, match=r"no \{mask\}"):
        parse_all(["a=run {input} {output}"], ("input", "mask", "output"))
    with pytest.raises(PlanError, match="one name"):
        parse_all(["a=run {input} {output}", "a=run {input} {output}"], ("input", "output"))
    assert parse(f"a={tmp_path}").folder == tmp_path


def test_no_shell_reads_a_command_and_other_braces_stay(tmp_path: Path) -> None:
    peer = parse("a=run '{input}/x y' {output};rm {other} $HOME")
    assert peer.command == ("run", "{input}/x y", "{output};rm", "{other}", "$HOME")
    assert filled(peer.command, {"input": "/in", "output": "/out"})[1:4] == ["/in/x y", "/out;rm", "{other}"]
    assert "/secret" not in parse("a=/secret/run {output}").told


def test_a_program_is_measured_beside_ours_and_not_run_again(plan: DenoisePlan, tmp_path: Path, program) -> None:
    trace = tmp_path / "trace"
    command = program(f"Image.fromarray(255 - array).save(out)\nopen({str(trace)!r}, 'a').write('x')")
    report, page = benchmark("denoise", plan, tmp_path / "run", [f"negative={command}"])
    assert trace.read_text() == "xxx" and page.is_file() and not report.failed
    rows = {(row.method, row.photo): row.scores for row in report.rows}
    clean = np.asarray(Image.open(Path(plan.data) / "cat.png")).astype(float)
    made = np.asarray(Image.open(tmp_path / "run" / "peers" / "negative" / "results" / "cat-20.png")).astype(float)
    by_hand = 10 * np.log10(255**2 / np.square(clean - made).mean())
    assert rows["negative", "cat"]["psnr"] == pytest.approx(by_hand, abs=1e-3)
    tests = [one for one in report.values["tests"] if one["metric"] == "psnr"]
    assert tests[0]["versus"] == "negative" and tests[0]["difference"] > 5 and tests[0]["pictures"] == 3
    benchmark("denoise", plan, tmp_path / "run", [f"negative={command}"])
    assert trace.read_text() == "xxx"
    # Its results as a folder score the same.
    results = tmp_path / "run" / "peers" / "negative" / "results"
    again, _ = benchmark("denoise", plan, tmp_path / "again", [f"saved={results}"])
    assert _psnr(again, "saved") == _psnr(report, "negative")


def _psnr(report: Report, method: str) -> list[float]:
    return [row.scores["psnr"] for row in report.rows if row.method == method and row.scores]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sys.exit('no such option')", "failed with 1: no such option"),
        ("pass", "wrote no picture"),
        ("Image.fromarray(array[:-1]).save(out)", "96x79 px, the truth 96x80"),
        ("Image.fromarray(array).save(out.with_name('x' + out.name))", "no result of this name"),
    ],
)
def test_programs_that_fail_are_told_of(plan: DenoisePlan, tmp_path: Path, program, body: str, told: str) -> None:
    with pytest.raises(PeerError, match=told):
        benchmark("denoise", plan, tmp_path / "run", [f"bad={program(body)}"])


def test_a_program_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="cannot be started"):
        results_of(parse("a=/no/such/program {output}"), tmp_path, {}, "")


def test_single_bad_results_are_named_and_the_rest_goes_on(plan: DenoisePlan, tmp_path: Path, program) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("cat", "cup"):
        shutil.copy(Path(plan.data) / f"{name}.png", folder / f"{name}-20.png")
    holed = np.full((80, 96, 3), np.nan, np.float32)
    tifffile.imwrite(folder / "pilot-20.tif", holed, photometric="rgb")
    (folder / "cup-20.png").write_bytes(b"no picture")
    report, _ = benchmark("denoise", plan, tmp_path / "run", [f"mixed={folder}"])
    assert {name for _, name, _ in report.failed} == {"cup-20", "pilot-20"}
    assert _psnr(report, "mixed") == [60.0]
    assert json.loads((tmp_path / "run" / "report.json").read_text())["failed"][0]["method"] == "mixed"


def test_opencv_stands_beside_ours(photos: Path, tmp_path: Path, tiny_painter: dict[str, str]) -> None:
    """Telea's inpainting as a command, and beside it our own call of the same function."""
    plan = InpaintBenchPlan(data=str(photos), shares=("10-20",), method="telea", network=tiny_painter["encoder"])
    script = ROOT / "benchmarks" / "peers.py"
    command = f"telea={sys.executable} {script} telea {{input}} {{mask}} {{output}}"
    report, _ = benchmark("inpaint", plan, tmp_path / "run", [command])
    theirs, ours = _psnr(report, "telea"), _psnr(report, "vasari telea")
    assert len(theirs) == len(ours) == 3
    assert np.mean(theirs) == pytest.approx(np.mean(ours), abs=1.5)  # ours works in 16 bits, channel by channel
