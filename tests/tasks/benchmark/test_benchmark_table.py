"""Every bench of the table runs on small pictures, and says how; bad input is refused before the work."""

from __future__ import annotations

import csv
import json
import math
import os
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from vasari.foundation.errors import PlanError, WeightsError, WriteError
from vasari.tasks.benchmark import memory, speed
from vasari.tasks.benchmark.bench import Setting
from vasari.tasks.benchmark.machine import described
from vasari.tasks.benchmark.plans import (
    PLANS,
    AgedPlan,
    DenoisePlan,
    GenerateBenchPlan,
    InpaintBenchPlan,
    MemoryPlan,
    SpeedPlan,
    StylizeBenchPlan,
)
from vasari.tasks.benchmark.report import Report, section
from vasari.tasks.benchmark.sources import sources
from vasari.tasks.benchmark.table import BENCHES, benchmark


@pytest.fixture
def small(photos: Path, tiny_restorer: Path, tiny_painter: dict[str, str]) -> dict[str, str]:
    return {"data": str(photos), "model": str(tiny_restorer), "network": tiny_painter["encoder"]}


def told(report: Report, folder: Path) -> str:
    """The report's Markdown, after looking at what every report must have."""
    text = section(report)
    assert report.facts["vasari"] and report.facts["machine"]["torch"] == torch.__version__ and report.facts["date"]
    assert f"vasari benchmark {report.bench}" in text and str(folder) not in text and "intervals of 95 %" in text
    for name in ("report.html", "report.md", "report.json", "scores.csv"):
        assert (folder / name).is_file(), name
    assert str(Path(folder).parent) not in text  # no path of this machine travels
    return text


def test_benches_and_plans_are_the_same() -> None:
    assert list(BENCHES) == list(PLANS) and all(BENCHES[name].plan is PLANS[name] for name in PLANS)


def test_aged_pictures_by_era_and_severity(small: dict[str, str], tmp_path: Path) -> None:
    plan = AgedPlan(**small, severities=(1, 3), eras=("albumen", "color-print"), long_side_px=64)
    report, _ = benchmark("aged", plan, tmp_path / "run")
    text = told(report, tmp_path / "run")
    for group in ("albumen", "color-print", "severity 1", "severity 3", "**all**"):
        assert f"| {group} |" in text
    gain = next(one for one in report.estimates if one.metric == "psnr gain" and one.group == ("all", "all"))
    rows = list(csv.DictReader((tmp_path / "run" / "pictures.csv").read_text().splitlines()))
    by_method = {
        m: {r["case"]: float(r["psnr"]) for r in rows if r["method"] == m} for m in {r["method"] for r in rows}
    }
    ours, given = by_method["vasari tiny"], by_method["given"]
    assert gain.value == pytest.approx(np.mean([ours[case] - given[case] for case in ours])) and gain.photos == 3
    assert "sha256" in text and "3 photographs, seed 0" in text


def test_pairs_that_were_aged_elsewhere(small: dict[str, str], photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    for part in ("aged", "truth"):
        (folder / part).mkdir(parents=True)
    lines = [("name", "photo", "era", "severity", "channels")]
    for number, path in enumerate(sorted(photos.iterdir())):
        pixels = np.asarray(Image.open(path))
        Image.fromarray(pixels).save(folder / "truth" / f"p{number}.png")
        Image.fromarray((pixels * 0.8).astype(np.uint8)).save(folder / "aged" / f"p{number}.png")
        lines.append((f"p{number}", path.stem, "faded", str(number), "rgb"))
    lines += [("p0", "x", "faded", "1", "cmyk"), ("missing", "x", "faded", "1", "rgb")]
    (folder / "pairs.csv").write_text("".join(f"{','.join(line)}\n" for line in lines))
    plan = AgedPlan(pairs=str(folder), model=small["model"], network=small["network"])
    report, _ = benchmark("aged", plan, tmp_path / "run")
    assert "| faded |" in told(report, tmp_path / "run")
    assert {(name, why[:8]) for _, name, why in report.failed} == {("p0", "channels"), ("missing", "it is no")}
    (folder / "pairs.csv").write_text("name\np0\n")
    with pytest.raises(PlanError, match="columns"):
        benchmark("aged", plan, tmp_path / "other")
    with pytest.raises(PlanError, match="Both"):
        AgedPlan(pairs="a", data="b")


def test_noise_has_the_strength_that_was_asked_for(small: dict[str, str], tmp_path: Path) -> None:
    plan = DenoisePlan(**small, sigmas=(5.0, 20.0), keep_pictures=True)
    report, _ = benchmark("denoise", plan, tmp_path / "run")
    assert "| sigma 5 |" in told(report, tmp_path / "run")
    truth = np.asarray(Image.open(Path(small["data"]) / "cup.png")).astype(float)
    for sigma in (5, 20):
        noisy = tifffile.imread(tmp_path / "run" / "given" / f"cup-{sigma}.tif") * 255.0
        assert np.std(noisy - truth) == pytest.approx(sigma, rel=0.03) and abs(np.mean(noisy - truth)) < 0.5
        assert noisy.dtype == np.float32 and (noisy.max() > 255 or noisy.min() < 0)


def test_holes_are_of_their_share_and_masks_may_be_given(small: dict[str, str], tmp_path: Path) -> None:
    shared = {"data": small["data"], "network": small["network"], "method": "telea"}
    plan = InpaintBenchPlan(**shared, shares=("10-20", "30-50"), keep_pictures=True)  # type: ignore[arg-type]
    report, _ = benchmark("inpaint", plan, tmp_path / "run")
    assert "Holes of 30-50 %" in told(report, tmp_path / "run")
    for path in (tmp_path / "run" / "mask").iterdir():
        low, high = (int(one) / 100 for one in path.stem.split("-")[1:])
        mask = np.asarray(Image.open(path)) > 0
        assert low <= mask.mean() <= high
        given, made = (
            np.asarray(Image.open(tmp_path / "run" / part / path.name)) for part in ("given", "results/vasari-telea")
        )
        truth = np.asarray(Image.open(tmp_path / "run" / "truth" / path.name))
        assert not given[mask].any() and np.array_equal(made[~mask], truth[~mask])
    (tmp_path / "masks" / "10-20").mkdir(parents=True)
    for name in ("cat", "cup", "pilot"):
        mask = np.zeros((80, 96), np.uint8)
        mask[10:40, 20:60] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / "10-20" / f"{name}.png")
    masks = str(tmp_path / "masks")
    report, _ = benchmark("inpaint", InpaintBenchPlan(**shared, shares=("10-20",), masks=masks), tmp_path / "given")  # type: ignore[arg-type]
    assert len(report.rows) == 3 and "masks given: the folder masks" in section(report)
    (tmp_path / "masks" / "10-20" / "cup.png").unlink()
    with pytest.raises(PlanError, match="no mask for cup"):
        benchmark("inpaint", InpaintBenchPlan(**shared, shares=("10-20",), masks=masks), tmp_path / "lost")  # type: ignore[arg-type]


def test_styles_are_taken_in_turn(photos: Path, tiny_painter: dict[str, str], tmp_path: Path) -> None:
    plan = StylizeBenchPlan(
        data=str(photos), styles=str(photos), styles_each=2, count=2, model=tiny_painter["model"], passes=1,
        network=tiny_painter["encoder"],
    )  # fmt: skip
    with pytest.raises(WeightsError):  # a stylizer of another encoder than the bundled one
        benchmark("stylize", plan, tmp_path / "tiny")
    report, _ = benchmark("stylize", StylizeBenchPlan(**{**vars(plan), "model": "stylize"}), tmp_path / "run")
    given = {row.case: row.scores for row in report.rows if row.method == "given"}
    assert set(given) == {"cat-cat", "cat-cup", "cup-cup", "cup-pilot"}
    style, content = report.estimates[0].metric, "content"
    assert given["cat-cat"][style] == pytest.approx(0, abs=1e-8)
    assert all(
        row.scores[name] > 0 for row in report.rows if row.method != "given" for name in row.scores if content in name
    )
    assert "distances" in told(report, tmp_path / "run").lower()


def test_samples_are_compared_with_a_set(photos: Path, tiny_painter: dict[str, str], tmp_path: Path) -> None:
    folder, others = tmp_path / "set", tmp_path / "others"
    for one in (folder, others):
        one.mkdir()
    rng = np.random.default_rng(0)
    for number in range(24):
        pixels = np.asarray(Image.open(sorted(photos.iterdir())[number % 3]).resize((40, 40)))
        Image.fromarray(np.roll(pixels, number, 1)).save(folder / f"{number}.png")
        Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(others / f"{number}.png")
    plan = GenerateBenchPlan(data=str(folder), samples=24, px=32, network=tiny_painter["encoder"])
    report, _ = benchmark("generate", plan, tmp_path / "run", [f"noise={others}"])
    text = told(report, tmp_path / "run")
    assert "24 samples of seed 7 of generate-paintings" in text and "vasari generate-paintings - noise" in text
    samples = sorted((tmp_path / "run" / "samples").rglob("*.png"))
    before = [path.stat().st_mtime_ns for path in samples]
    samples[3].unlink()
    benchmark("generate", plan, tmp_path / "run")
    after = [path.stat().st_mtime_ns for path in samples]
    assert [a == b for a, b in zip(before, after, strict=True)].count(False) == 1  # the lost one alone is made again


def test_speed_is_a_ratio_within_a_run(tmp_path: Path) -> None:
    report, _ = benchmark("speed", SpeedPlan(megapixels=0.05, rounds=3), tmp_path / "run")
    text = told(report, tmp_path / "run")
    assert "as shipped" in text and "plain PyTorch" in text
    assert {len(one) for one in report.values["seconds"].values()} == {3}
    value, low, high = speed.ratio([2.0, 4.0, 8.0], [1.0, 2.0, 4.0], 500, 0)
    assert (value, low, high) == pytest.approx((2, 2, 2))
    value, low, high = speed.ratio([2.0, 4.0, 8.0], [1.0, 1.0, 1.0], 500, 0)
    assert value == pytest.approx(4) and low < 4 < high


def test_whole_programs_take_turns(tmp_path: Path, program) -> None:  # type: ignore[no-untyped-def]
    order: list[str] = []
    seconds = speed.timed({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, Setting(tmp_path))
    assert "".join(order) == "abababab" and {len(one) for one in seconds.values()} == {3}


def test_memory_is_that_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours is a Python of known appetite: it takes four times the bytes of the scan."""
    code = (
        "import sys,os; keep=b'x'*(4*os.path.getsize(sys.argv[1])); open(sys.argv[2]+'/done','w').write(str(len(keep)))"
    )
    monkeypatch.setitem(memory.SUBJECTS, "restore", (sys.executable, "-c", code, "{input}", "{output}"))
    idle = f"{sys.executable} -c pass {{input}} {{output}}"
    report, _ = benchmark("memory", MemoryPlan(sides=(256, 2048)), tmp_path / "run", [f"idle={idle}"])
    told(report, tmp_path / "run")
    ours = [one["peak_bytes"] for one in report.values["vasari restore"]]
    assert ours[1] - ours[0] == pytest.approx(4 * 6 * (2048**2 - 256**2), rel=0.1)
    assert report.values["idle"][1]["peak_bytes"] < ours[1] / 2


def test_unknown_benches_folders_of_others_and_empty_ones_are_refused(small: dict[str, str], tmp_path: Path) -> None:
    plan = DenoisePlan(**small, sigmas=(5.0,))
    with pytest.raises(PlanError, match=r"no bench 'none'.*aged"):
        benchmark("none", plan, tmp_path / "run")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "truth.png").write_bytes(b"a master")
    with pytest.raises(PlanError, match="not empty"):
        benchmark("denoise", plan, mine)
    assert [path.name for path in mine.iterdir()] == ["truth.png"]
    benchmark("denoise", plan, tmp_path / "run")
    with pytest.raises(PlanError, match="another bench"):
        benchmark("aged", AgedPlan(**small), tmp_path / "run")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PlanError, match="no pictures"):
        benchmark("denoise", DenoisePlan(**{**small, "data": str(tmp_path / "empty")}), tmp_path / "other")
    with pytest.raises(PlanError, match="cannot measure a folder"):
        benchmark("speed", SpeedPlan(), tmp_path / "speed", [f"a={mine}"])
    for asked in ({"sigmas": ()}, {"sigmas": (5.0, 5.0)}, {"sigmas": (math.nan,)}, {"sigmas": (-1.0,)}):
        with pytest.raises(PlanError):
            DenoisePlan(**asked)
    for shares in (("20-10",), ("a-b",), ("10",), ("50-99",)):
        with pytest.raises(PlanError):
            InpaintBenchPlan(shares=shares)


def test_one_process_works_in_a_folder(small: dict[str, str], tmp_path: Path) -> None:
    import fcntl

    plan = DenoisePlan(**small, sigmas=(5.0,))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "benchmark.json").write_text(json.dumps({"bench": "denoise"}))
    with (tmp_path / "run" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(WriteError, match="Another process"):
            benchmark("denoise", plan, tmp_path / "run")


def test_pictures_that_cannot_be_used_are_named(small: dict[str, str], photos: Path, tmp_path: Path) -> None:
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    tifffile.imwrite(photos / "holed.tif", np.full((40, 40, 3), np.nan, np.float32), photometric="rgb")
    Image.new("RGB", (8, 90)).save(photos / "thin.png")
    report, _ = benchmark("denoise", DenoisePlan(**small, sigmas=(5.0,)), tmp_path / "run")
    assert {name for method, name, _ in report.failed if method == "source"} == {"broken", "holed", "thin"}
    assert len({row.photo for row in report.rows}) == 3
    only = tmp_path / "only"
    only.mkdir()
    (photos / "thin.png").rename(only / "thin.png")
    with pytest.raises(PlanError, match="No picture can be used"):
        benchmark("denoise", DenoisePlan(**{**small, "data": str(only)}, sigmas=(5.0,)), tmp_path / "none")


def test_pictures_are_those_that_are_listed_and_at_even_distances(photos: Path, tmp_path: Path) -> None:
    listing = tmp_path / "names.txt"
    listing.write_text("pilot.png\ncat\n")
    assert [name for name, _ in sources(str(photos), 0, 64, str(listing)).paths] == ["pilot", "cat"]
    assert [name for name, _ in sources(str(photos), 2, 64).paths] == ["cat", "cup"]
    listing.write_text("nobody.png\n")
    with pytest.raises(PlanError, match=r"1 of 1 .*nobody"):
        sources(str(photos), 0, 64, str(listing))
    found = sources("", 0, 64)
    assert len(found) == 8 and found.read(0)[1].shape == (3, 64, 64)


def test_the_machine_is_told() -> None:
    machine = described()
    assert machine["cores"] == os.cpu_count() and machine["torch"] == torch.__version__
    script = Path(__file__).resolve().parents[3] / "benchmarks" / "machine.py"
    assert runpy.run_path(str(script))["described"] is described
