"""An evaluation of real files: pairs by name, sets, pictures alone, and what is wrong with what it is given."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import skimage.metrics
import tifffile
from PIL import Image

from vasari.foundation.errors import PlanError
from vasari.tasks.evaluate import gathering, report
from vasari.tasks.evaluate.evaluating import evaluate
from vasari.tasks.evaluate.outcome import Outcome
from vasari.tasks.evaluate.plan import EvaluatePlan

SIDE = 180


@pytest.fixture
def plan(tmp_path: Path, tiny_painter: dict[str, str]) -> EvaluatePlan:
    """By a narrow encoder of seeded weights, at 64 px."""
    return EvaluatePlan(network=tiny_painter["encoder"], cache=str(tmp_path / "cache"), px=64, draws=200)


def folder(path: Path, count: int, deviation: float, side: int = SIDE, seed: int = 0, shift: int = 0) -> Path:
    """Crops of a photograph with noise, PNG."""
    path.mkdir()
    rng, whole = np.random.default_rng(seed), skimage.data.astronaut()
    for number in range(count):
        top, left = (number * 37 + shift) % (512 - side), (number * 53 + 5 * shift) % (512 - side)
        crop = whole[top : top + side, left : left + side].astype(float)
        noisy = crop + rng.normal(0, deviation, crop.shape) if deviation else crop
        Image.fromarray(np.clip(noisy.round(), 0, 255).astype(np.uint8)).save(path / f"p{number:03}.png")
    return path


def scores(outcome: Outcome, method: int = 0) -> dict[str, float]:
    return {one.metric: one.value for one in outcome.methods[method].scores}


def test_pairs_are_scored_as_scikit_image_does_and_methods_compared(tmp_path: Path, plan: EvaluatePlan) -> None:
    truth, good, bad = (folder(tmp_path / name, 6, s, seed=s) for name, s in (("truth", 0), ("good", 4), ("bad", 20)))
    outcome = evaluate(good, truth, plan, [bad])
    assert (outcome.kind, outcome.failures) == ("pairs", 0)
    name, values = outcome.methods[0].pictures[3]
    first, second = (np.asarray(Image.open(one / f"{name}.png")) for one in (truth, good))
    assert values["psnr-rgb"] == pytest.approx(skimage.metrics.peak_signal_noise_ratio(first, second), abs=1e-4)
    mean = np.mean([row["psnr-rgb"] for _, row in outcome.methods[0].pictures])
    assert scores(outcome)["psnr-rgb"] == pytest.approx(mean)
    for score in outcome.methods[0].scores:
        assert score.low <= score.value <= score.high and score.n == 6 and "sRGB 0..1" in score.protocol
    tests = {one.metric: one for one in outcome.comparisons[0][1]}
    assert tests["psnr-rgb"].difference > 8 and tests["psnr-rgb"].p == 2 / 2**6
    # Named by its digest: the name "vasari" is the bundled encoder's alone.
    (perceptual,) = [one for one in scores(outcome) if one.startswith("perceptual")]
    assert perceptual.startswith("perceptual-encoder-") and "vasari" not in perceptual


def test_the_luma_is_scored_where_it_is_asked_for_and_grey_results_beside_color(
    tmp_path: Path, plan: EvaluatePlan
) -> None:
    truth = folder(tmp_path / "truth", 1, 0)
    grey = tmp_path / "grey.png"
    rgb = np.asarray(Image.open(truth / "p000.png")).astype(float)
    exact = rgb @ [0.299, 0.587, 0.114]
    Image.fromarray(exact.round().astype(np.uint8)).save(grey)
    found = scores(evaluate(grey, truth / "p000.png", dataclasses.replace(plan, channels="luma")))
    assert found["psnr-luma"] == pytest.approx(
        20 * math.log10(255 / np.sqrt(((exact.round() - exact) ** 2).mean())), abs=0.01
    )
    assert scores(evaluate(grey, truth / "p000.png", plan))["psnr-rgb"] < 30


def test_orientation_is_applied_and_borders_left_out(tmp_path: Path, plan: EvaluatePlan) -> None:
    truth = folder(tmp_path / "truth", 1, 0)
    upright = Image.open(truth / "p000.png")
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[274] = 6  # shown turned by 90 degrees clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    outcome = evaluate(tmp_path / "turned.png", truth / "p000.png", plan)
    assert outcome.methods[0].pictures[0][1]["psnr-rgb"] == math.inf
    assert any("equal their truth" in one for one in outcome.methods[0].warnings)
    framed = np.asarray(upright).copy()
    framed[:3] = 0
    Image.fromarray(framed).save(tmp_path / "framed.png")
    values = [
        evaluate(tmp_path / "framed.png", truth / "p000.png", dataclasses.replace(plan, border_px=border))
        for border in (0, 3)
    ]
    assert [math.isinf(one.methods[0].pictures[0][1]["psnr-rgb"]) for one in values] == [False, True]


def test_what_cannot_be_scored_is_told_and_the_rest_goes_on(tmp_path: Path, plan: EvaluatePlan) -> None:
    truth, made = folder(tmp_path / "truth", 6, 0), folder(tmp_path / "made", 5, 6)
    Image.open(made / "p001.png").resize((100, 120)).save(made / "p001.png")
    (made / "p002.png").write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    (made / "p003.png").unlink()
    holed = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    holed[3, 4] = np.nan
    tifffile.imwrite(made / "p003.tif", holed, photometric="rgb")
    Image.open(made / "p000.png").save(made / "other.png")
    outcome = evaluate(made, truth, plan)
    failed = dict(outcome.methods[0].failed)
    assert set(failed) == {"p001", "p002", "p003", "other"}
    assert "100x120" in failed["p001"] and "not numbers" in failed["p003"] and "no truth" in failed["other"]
    assert [name for name, _ in outcome.methods[0].pictures] == ["p000", "p004"]
    assert any("p005" in one and "no result" in one for one in outcome.methods[0].warnings)
    resized = evaluate(made, truth, dataclasses.replace(plan, size="resize"))
    assert set(dict(resized.methods[0].failed)) == {"p002", "p003", "other"}
    assert "resized to the truth" in resized.methods[0].scores[0].protocol


def test_one_picture_and_small_ones_are_warned_of(tmp_path: Path, plan: EvaluatePlan) -> None:
    truth, made = (folder(tmp_path / name, 1, s, side=60) for name, s in (("truth", 0), ("made", 5)))
    (found,) = evaluate(made / "p000.png", truth / "p000.png", plan).methods
    assert any("One picture" in one for one in found.warnings) and any("too small" in one for one in found.warnings)
    by_name = {one.metric: one for one in found.scores}
    assert math.isnan(by_name["ms-ssim-rgb"].value) and math.isnan(by_name["psnr-rgb"].low)
    assert by_name["psnr-rgb"].value > 20


def test_sets_are_told_apart_and_features_kept(
    tmp_path: Path, plan: EvaluatePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, same, noisy = (
        folder(tmp_path / name, 44, s, side=72, seed=shift, shift=shift)
        for name, s, shift in (("real", 3, 0), ("same", 3, 17), ("noisy", 120, 31))
    )
    by_set = dataclasses.replace(plan, mode="sets")
    outcome = evaluate(same, real, by_set, [noisy])
    near, far = scores(outcome, 0), scores(outcome, 1)
    label = next(iter(near)).removeprefix("fid-")
    for name in ("fid", "kid"):
        assert near[f"{name}-{label}"] < far[f"{name}-{label}"]
    assert near[f"precision-{label}"] > far[f"precision-{label}"]
    kid = [{one.metric: one for one in method.scores}[f"kid-{label}"] for method in outcome.methods]
    assert kid[0].high < kid[1].low and "n = 44" in kid[0].protocol and "not KID" in kid[0].protocol
    assert any("biased upward" in one for one in outcome.methods[0].warnings)
    assert any("same names" in one for one in outcome.methods[0].warnings)

    difference = {one.metric: one for one in outcome.comparisons[0][1]}[f"kid-{label}"]
    assert difference.difference == pytest.approx(kid[0].value - kid[1].value) and difference.high < 0

    def never(*arguments: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(gathering, "decode", never)
    again = evaluate(same, real, by_set, [noisy])
    assert scores(again, 1) == far


def test_too_few_pictures_have_no_frechet_distance_and_identical_sets_are_told(
    tmp_path: Path, plan: EvaluatePlan
) -> None:
    real = folder(tmp_path / "real", 6, 0, side=80)
    copies = folder(tmp_path / "copies", 6, 0, side=80)
    holed = np.full((90, 90), 0.5, np.float32)
    holed[3, 4] = np.nan
    tifffile.imwrite(copies / "holed.tif", holed)
    outcome = evaluate(copies, real, dataclasses.replace(plan, mode="sets"))
    (found,) = outcome.methods
    assert [name for name, _ in found.failed] == ["holed"] and "not numbers" in found.failed[0][1]
    fid, kid = found.scores[:2]
    assert math.isnan(fid.value) and "too few" in fid.protocol
    assert math.isfinite(kid.value)
    assert any("kid-" in one and "too few" in one for one in found.warnings)
    assert any("6 of 6 results are, byte for byte" in one for one in found.warnings)
    assert json.loads(json.dumps(outcome.to_dict(), allow_nan=False))["methods"][0]["scores"][0]["value"] is None


def test_the_truth_decides_how_is_compared(tmp_path: Path, plan: EvaluatePlan) -> None:
    made = folder(tmp_path / "made", 4, 5, side=80)
    other = tmp_path / "other"
    other.mkdir()
    for number, path in enumerate(sorted(made.iterdir())):
        Image.open(path).rotate(90).save(other / f"q{number}.png")
    assert evaluate(made, other, plan).kind == "sets"
    alone = evaluate(made, None, plan)
    assert alone.kind == "alone" and set(scores(alone)) == {"sharpness", "noise", "colorfulness"}
    with pytest.raises(PlanError, match="truth of its name"):
        evaluate(made, other, dataclasses.replace(plan, mode="pairs"))
    with pytest.raises(PlanError, match="one picture is no set"):
        evaluate(made / "p000.png", other, plan)
    with pytest.raises(PlanError, match="two pictures or more"):
        evaluate(made / "p000.png", other, dataclasses.replace(plan, mode="sets"))
    with pytest.raises(PlanError, match="named twice"):
        evaluate(made, other, plan, [made])
    with pytest.raises(PlanError, match="truth"):
        evaluate(made, None, dataclasses.replace(plan, mode="sets"))
    Image.open(made / "p000.png").save(made / "p000.jpg")
    with pytest.raises(PlanError, match="two pictures of one name"):
        evaluate(made, other, plan)


def test_reports_are_whole_and_need_nothing_from_elsewhere(tmp_path: Path, plan: EvaluatePlan) -> None:
    truth, good, bad = (folder(tmp_path / name, 3, s, seed=s) for name, s in (("truth", 0), ("a<b", 4), ("bad", 20)))
    outcome = evaluate(good, truth, plan, [bad])
    page = report.write_report(outcome, tmp_path / "out").read_text()
    assert "a&lt;b" in page and "a<b" not in page and "<script" not in page and "http" not in page
    assert page.count("<svg") == 4
    names = {one.name for one in (tmp_path / "out").iterdir()}
    assert names == {"report.html", "report.md", "report.json", "scores.csv", "pictures.csv"}
    rows = (tmp_path / "out" / "pictures.csv").read_text().splitlines()
    assert len(rows) == 1 + 6 and rows[0].startswith("method,name,psnr-rgb,ssim-rgb,ms-ssim-rgb,perceptual-")
    assert float(rows[1].split(",")[2]) == outcome.methods[0].pictures[0][1]["psnr-rgb"]
    assert "| a<b | psnr-rgb (dB) |" in (tmp_path / "out" / "report.md").read_text()
    assert "psnr-rgb (dB)" in report.text(outcome)


def test_a_recognizer_scores_how_sure_and_how_varied_results_are(
    tmp_path: Path, plan: EvaluatePlan, tiny_painter: dict[str, str]
) -> None:
    from vasari.tasks.recognize.fitting import train_recognizer
    from vasari.tasks.recognize.labels import read_labeled
    from vasari.tasks.recognize.plan import RecognizePlan, SplitPlan

    (tmp_path / "labeled").mkdir()
    for name, deviation, side in (("clean", 2, 50), ("noisy", 60, 50)):
        folder(tmp_path / "labeled" / name, 12, deviation, side)
    labeled = read_labeled(tmp_path / "labeled")
    recognizing = RecognizePlan(features=tiny_painter["encoder"], px=32)
    trained = train_recognizer(labeled, recognizing, SplitPlan(group_by="none", seed=1))
    recognizer = trained.recognizer.save(tmp_path / "grain.safetensors")
    by_set = dataclasses.replace(plan, mode="sets", classifier=str(recognizer))
    both = tmp_path / "both"
    both.mkdir()
    for one in (tmp_path / "labeled").rglob("*.png"):
        (both / f"{one.parent.name}-{one.name}").write_bytes(one.read_bytes())
    outcome = evaluate(tmp_path / "labeled" / "clean", both, by_set, [both])
    one_kind, two_kinds = (scores(outcome, method)["is-grain"] for method in (0, 1))
    assert 1 <= one_kind < two_kinds <= 2
