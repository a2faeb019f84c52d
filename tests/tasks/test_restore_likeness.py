"""Faces before and after a restoration: found, compared, treated more faithfully, and told of."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageOps
from scipy.ndimage import map_coordinates
from skimage import data

import vasari
from vasari.app.cli.main import main
from vasari.foundation import image_files
from vasari.foundation.errors import MissingExtraError, PlanError
from vasari.foundation.ledgers import Entry
from vasari.foundation.picture import Metadata, Picture
from vasari.foundation.plans import digest
from vasari.foundation.treatment import read_treatment
from vasari.models import hub, model_files
from vasari.models.restorers import Restorer
from vasari.tasks.film.refusals import refuse
from vasari.tasks.restore import apply, weights
from vasari.tasks.restore.batch import BatchOptions, restore_files
from vasari.tasks.restore.blending import NONE, WHOLE
from vasari.tasks.restore.faces import Box
from vasari.tasks.restore.guard import Guard, boxes_of, ladder_of
from vasari.tasks.restore.likeness import USUAL_DISTANCE, distances, load_encoder
from vasari.tasks.restore.likeness_words import LIKENESS, NUMBERS, Likeness, warning_of
from vasari.tasks.restore.plan import ENCODER, FAITHFUL, VIVID, RestorePlan
from vasari.tasks.restore.replay import replay
from vasari.tasks.restore.work import RestoreWork
from vasari.tasks.stylize.restored import RestoreStylizePlan

#: What undoes the turn that an EXIF orientation asks for.
TURNED = {
    1: None,
    3: Image.Transpose.ROTATE_180,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


def planes(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1))).float() / 255


@pytest.fixture(scope="module")
def pilot() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:200, 100:350])


@pytest.fixture(scope="module")
def face(pilot: np.ndarray) -> Box:
    (found,) = boxes_of(planes(pilot), Metadata())
    return found


@pytest.fixture(scope="module")
def spoiling(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A restorer that leaves pictures nearly as they are, and one of the same trunk that spoils them."""
    options = {"widths": [32, 32, 32], "depths": [1, 1, 1, 1, 1]}
    folder = tmp_path_factory.mktemp("models")
    paths = []
    for name, deviation in (("faithful", 0.002), ("vivid", 0.25)):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            network = Restorer(**options)  # type: ignore[arg-type]
            torch.nn.init.normal_(network.tail.weight, std=deviation)
        recipe = {"network": {"name": "restorer", "options": options}, "task": "restore"}
        paths.append(hub.save(network, folder / f"{name}.safetensors", recipe))
    return paths[0], paths[1]


@pytest.fixture
def mixing(spoiling: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `vividness` mix these two."""

    def shares(plan: RestorePlan) -> tuple[tuple[str, float], ...]:
        pairs = ((str(spoiling[0]), 1 - plan.vividness), (str(spoiling[1]), plan.vividness))
        return tuple(one for one in pairs if one[1] > 0)

    monkeypatch.setattr(weights, "shares", shares)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    apply._ready.cache_clear()


def plan(**options: object) -> RestorePlan:
    return RestorePlan(precision="float32", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("orientation", TURNED)
def test_a_face_is_found_whichever_way_it_was_scanned(pilot: np.ndarray, face: Box, orientation: int) -> None:
    turn = TURNED[orientation]
    stored = np.asarray(Image.fromarray(pilot).transpose(turn) if turn is not None else pilot)
    (box,) = boxes_of(planes(stored), Metadata(orientation=orientation))
    height, width = stored.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[round(box.top * height) : round(box.bottom * height), round(box.left * width) : round(box.right * width)] = 1
    image = Image.fromarray(mask)
    image.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))
    rows, columns = (np.flatnonzero(upright.any(axis)) for axis in (1, 0))
    expected = (face.top * 200, face.bottom * 200 - 1, face.left * 250, face.right * 250 - 1)
    assert np.abs(np.array([rows[0], rows[-1], columns[0], columns[-1]]) - expected).max() < 1.5


def test_no_face_is_found_where_there_is_none() -> None:
    assert boxes_of(planes(data.coffee()[:300, :400]), Metadata()) == ()
    assert boxes_of(planes(data.gravel()[:200, :200]), Metadata()) == ()
    assert boxes_of(torch.rand(1, 20, 30), Metadata()) == ()


def moved_features(pixels: np.ndarray, box: Box, amount: float) -> np.ndarray:
    """One eye up, the other down, the mouth aside, by a share of the side of the face."""
    height, width = pixels.shape[:2]
    side = (box.bottom - box.top) * height
    rows, columns = np.mgrid[:height, :width].astype(float)
    from_rows, from_columns = rows.copy(), columns.copy()
    for down, across, toward in ((0.38, 0.3, (1, 0)), (0.38, 0.7, (-1, 0)), (0.75, 0.5, (0, 1))):
        far = (rows - box.top * height - down * side) ** 2 + (columns - box.left * width - across * side) ** 2
        near = np.exp(-far / (2 * (0.11 * side) ** 2)) * amount * side
        from_rows += toward[0] * near
        from_columns += toward[1] * near
    bands = [
        map_coordinates(band, (from_rows, from_columns), order=1, mode="nearest") for band in np.moveaxis(pixels, 2, 0)
    ]
    return np.stack(bands, 2)


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream))


@pytest.mark.parametrize(
    ("change", "is_usual"),
    [
        (lambda pixels, box: pixels, True),
        (lambda pixels, box: as_jpeg(pixels), True),
        (lambda pixels, box: np.uint8(255 * (0.1 + 0.7 * (pixels / 255) ** 0.7)), True),
        (lambda pixels, box: pixels.mean(2, keepdims=True).repeat(3, 2).astype(np.uint8), True),
        (lambda pixels, box: moved_features(pixels, box, 0.08), False),
        (lambda pixels, box: pixels[:, ::-1], False),
    ],
    ids=["itself", "JPEG", "faded", "grey", "features moved", "mirrored"],
)
def test_distances_tell_who_is_changed_from_what_is_printed_otherwise(
    pilot: np.ndarray, face: Box, change: Callable[[np.ndarray, Box], np.ndarray], is_usual: bool
) -> None:
    (apart,) = distances(planes(pilot), planes(change(pilot, face)), [face], load_encoder(ENCODER))
    assert (apart <= USUAL_DISTANCE) == is_usual
    assert apart < 1e-4 or change(pilot, face) is not pilot


def test_persons_are_farther_from_each_other_than_is_usual() -> None:
    people = torch.from_numpy(data.lfw_subset()[:8]).float()
    whole, encoder = Box(0.0, 0.0, 1.0, 1.0), load_encoder(ENCODER)
    for first, second in pairwise(people):
        assert distances(first[None], second[None], [whole], encoder)[0] > 3 * USUAL_DISTANCE


def test_a_face_that_moved_is_restored_more_faithfully_and_nothing_else_is(
    mixing: None, pilot: np.ndarray, face: Box
) -> None:
    with pytest.warns(UserWarning, match="1 of 1 face restored at less vividness than asked for, down to 0"):
        watched = vasari.restore(pilot, plan(vividness=1.0, likeness=True)).pixels
    vivid, faithful = (vasari.restore(pilot, plan(vividness=one)).pixels for one in (1.0, 0.0))
    rows, columns = np.mgrid[:200, :250]
    half, middle = (face.bottom - face.top) * 100, ((face.top + face.bottom) * 100, (face.left + face.right) * 125)
    far = torch.from_numpy(np.hypot(rows + 0.5 - middle[0], columns + 0.5 - middle[1]) / half)
    inside, outside = far < WHOLE * 0.98, far > NONE * 1.02
    assert inside.any() and outside.any()
    assert torch.equal(watched[:, inside], faithful[:, inside])
    assert torch.equal(watched[:, outside], vivid[:, outside])
    assert (vivid - faithful)[:, inside].abs().mean() > 10 / 255
    encoder = load_encoder(ENCODER)
    before, after = (distances(planes(pilot), one, [face], encoder)[0] for one in (vivid, watched))
    assert before > USUAL_DISTANCE > after


def test_without_vividness_it_watches_and_changes_nothing(
    spoiling: tuple[Path, Path], pilot: np.ndarray, recwarn: pytest.WarningsRecorder
) -> None:
    calm, spoiled = (str(one) for one in spoiling)
    assert torch.equal(
        vasari.restore(pilot, plan(model=calm, likeness=True)).pixels, vasari.restore(pilot, plan(model=calm)).pixels
    )
    assert not recwarn.list
    with pytest.warns(UserWarning, match="1 of 1 face may no longer be the same person"):
        made = vasari.restore(pilot, plan(model=spoiled, likeness=True))
    assert torch.equal(made.pixels, vasari.restore(pilot, plan(model=spoiled)).pixels)


def test_files_in_tiles_are_as_the_whole_in_memory(mixing: None, pilot: np.ndarray, tmp_path: Path) -> None:
    grey = np.rint(pilot.mean(2) * 257).astype(np.uint16)
    tifffile.imwrite(tmp_path / "grey.tif", grey, photometric="minisblack")
    asked = plan(vividness=1.0, likeness=True, tile_px=96, evidence=True)
    summary = restore_files([tmp_path / "grey.tif"], BatchOptions(tmp_path / "out"), asked)
    assert len(summary.done) == 1
    with pytest.warns(UserWarning, match="less vividness"):
        whole = vasari.restore(tmp_path / "grey.tif", replace(asked, tile_px=4096)).pixels
    streamed = image_files.read(tmp_path / "out" / "grey.tif")
    assert streamed.is_grey and streamed.depth == 16
    assert (streamed.pixels - whole).abs().max() <= 1 / 255
    change = np.asarray(Image.open(tmp_path / "out" / "grey.change.png"))
    moved = (streamed.pixels - planes(grey) * 255 / 65535).abs()[0].numpy() * 510
    assert np.abs(np.clip(moved, 0, 255) - change).max() <= 1.5


def test_sound_pixels_stay_the_scans_own(mixing: None, pilot: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(pilot).save(tmp_path / "pilot.png")
    asked = plan(vividness=1.0, likeness=True, evidence=True)
    restore_files([tmp_path / "pilot.png"], BatchOptions(tmp_path / "all"), asked)
    found = np.asarray(Image.open(tmp_path / "all" / "pilot.damage.png")) / 255
    asked = replace(asked, only_damage=True, damage_threshold=float(np.quantile(found, 0.7)), tile_px=96)
    (entry,) = restore_files([tmp_path / "pilot.png"], BatchOptions(tmp_path / "out"), asked).done
    assert entry.warnings
    made, change = (np.asarray(Image.open(tmp_path / "out" / f"pilot{one}.png")) for one in ("", ".change"))
    assert 0.02 < (change == 0).mean() < 0.98
    assert np.array_equal(made[change == 0], pilot[change == 0])


def test_the_record_tells_it_and_is_replayed(
    mixing: None, pilot: np.ndarray, tmp_path: Path, tiny_enlarger: Path
) -> None:
    Image.fromarray(pilot).save(tmp_path / "pilot.png")
    asked = plan(
        vividness=1.0, likeness=True, tone="keep", stages=("tone", "repair", "enlarge"), enlarger=str(tiny_enlarger)
    )
    (entry,) = restore_files([tmp_path / "pilot.png"], BatchOptions(tmp_path / "out"), asked).done
    record = read_treatment(tmp_path / "out" / "pilot.treatment.json")
    assert [one.name for one in record.stages] == ["tone", "repair", "enlarge", LIKENESS]
    told = record.stages[-1].numbers
    assert (told["faces"], told["faces_lowered"], told["lowest_vividness"]) == (1, 1, 0.0)
    assert told["largest_distance_at_first"] > USUAL_DISTANCE
    assert not set(NUMBERS) & set(record.stages[1].numbers)
    assert record.models[-1].name == "encoder" and record.machine["faces"].startswith("scikit-image")
    assert entry.warnings == (record.stages[-1].did,)
    assert Entry.from_json(entry.to_json()) == entry
    made = replay(tmp_path / "out" / "pilot.treatment.json", tmp_path / "again")
    assert made.result.read_bytes() == (tmp_path / "out" / "pilot.png").read_bytes()
    assert made.remarks == ()


def test_the_command_tells_what_to_look_at(
    mixing: None, pilot: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(pilot).save(tmp_path / "pilot.png")
    Image.fromarray(data.coffee()[:80, :90]).save(tmp_path / "coffee.png")
    command = ["restore", str(tmp_path / "pilot.png"), str(tmp_path / "coffee.png"), "--precision", "float32"]
    command += ["--vividness", "1", "--likeness", "-o"]
    assert main([*command, str(tmp_path / "out")]) == 0
    told = capsys.readouterr().err
    assert "pilot.png: 1 of 1 face restored at less vividness" in told
    assert "2 pages restored" in told and "1 to be looked at, see" in told
    assert main([*command, str(tmp_path / "json"), "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert [len(one.get("warnings", ())) for one in sorted(entries, key=lambda one: one["source"])] == [0, 1]
    coffee = read_treatment(tmp_path / "out" / "coffee.treatment.json")
    assert coffee.stages[-1].did == "no face was found"


def test_words_and_numbers_agree() -> None:
    calm = Likeness(0.03, 0.5, (0.01, 0.02), (0.01, 0.02), (0.5, 0.5)).to_numbers()
    assert warning_of(calm) == ""
    both = Likeness(0.03, 0.5, (0.08, 0.2), (0.02, 0.05), (0.25, 0.0)).to_numbers()
    assert warning_of(both) == (
        "1 of 2 faces may no longer be the same person: distance 0.050 (up to 0.030 is usual); 2 of 2 faces restored "
        "at less vividness than asked for, down to 0: at first the distance was 0.200 (up to 0.030 is usual)"
    )
    assert [ladder_of(one) for one in (0.0, 0.5)] == [(0.0,), (0.5, 0.25, 0.0)]


def test_progress_ends_once(mixing: None, pilot: np.ndarray, tmp_path: Path) -> None:
    shares: dict[str, list[float]] = {}
    for name, pixels in (("pilot", pilot), ("coffee", data.coffee()[:80, :90])):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        told = shares.setdefault(name, [])
        worker = RestoreWork.of(plan(vividness=1.0, likeness=True, tile_px=64)).ready({})
        worker.treat(
            tmp_path / f"{name}.png",
            0,
            apply.Outputs(tmp_path / "out.png"),
            xmp=lambda metadata, format: metadata.xmp,
            limits=image_files.Limits(),
            advance=told.append,
        )
    for told in shares.values():
        assert told == sorted(told) and told[-1] == 1.0 and told.count(1.0) == 1


@pytest.mark.parametrize(
    "options", [{"stages": ("tone",)}, {"stages": ("enlarge",)}, {"strength": 0.0}], ids=["tone", "enlarge", "strength"]
)
def test_where_nothing_is_repaired_there_is_nothing_to_watch(options: dict) -> None:
    with pytest.raises(PlanError, match="nothing is repaired"):
        RestorePlan(likeness=True, **options)


def test_films_and_styles_are_refused_and_no_is_no_other_plan() -> None:
    with pytest.raises(PlanError, match="in films"):
        refuse(RestorePlan(likeness=True))
    with pytest.raises(PlanError, match="a style"):
        RestoreStylizePlan(RestorePlan(likeness=True))
    assert digest(RestorePlan(likeness=False)) == digest(RestorePlan()) != digest(RestorePlan(likeness=True))


def test_models_of_a_watched_plan(monkeypatch: pytest.MonkeyPatch, spoiling: tuple[Path, Path]) -> None:
    found, bundled = model_files.find, model_files.bundled()
    monkeypatch.setattr(model_files, "bundled", lambda: (*bundled, VIVID))
    monkeypatch.setattr(model_files, "find", lambda name: spoiling[1] if name == VIVID else found(name))
    models = weights.facts(RestorePlan(vividness=1.0, likeness=True))
    told = [(one.name, one.share) for one in models if one.name != "detect"]
    assert told == [("vivid", 1.0), (FAITHFUL, 0.0), ("encoder", 1.0)]
    assert [one.name for one in weights.facts(RestorePlan(vividness=0.5, likeness=True))].count(FAITHFUL) == 1


def test_a_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, spoiling: tuple[Path, Path]
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    apply._ready.cache_clear()
    with pytest.raises(MissingExtraError, match=r"vasari\[faces\]"):
        vasari.restore(Picture.from_array(data.camera()[:40, :40]), plan(model=str(spoiling[0]), likeness=True))
    assert RestoreWork.of(plan(model=str(spoiling[0]), likeness=True)).stages()[-1].name == LIKENESS


def test_lowered_treaters_are_loaded_once(mixing: None, pilot: np.ndarray) -> None:
    guard = Guard.of(apply.treater_of(plan(vividness=1.0, likeness=True)))
    picture = Picture.from_array(pilot)
    first = guard.treat_picture(picture, apply._manner(guard.treater.plan))
    kept = dict(guard.lowered)
    second = guard.treat_picture(picture, apply._manner(guard.treater.plan))
    assert torch.equal(first[0].pixels, second[0].pixels) and first[1] == second[1]
    assert guard.lowered == kept and set(kept) <= {0.5, 0.0}
