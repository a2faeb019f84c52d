"""A labeled set varied: labels and lineage kept, every copy decided by the seed, gone on with after any end."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch.utils.data import DataLoader

import vasari
from vasari.foundation import damage, image_files
from vasari.foundation.errors import PlanError, TrainingError, WeightsError, WriteError
from vasari.foundation.ledgers import Ledger
from vasari.tasks.augment import files as files_module
from vasari.tasks.augment.draws import draw
from vasari.tasks.augment.files import augment_files
from vasari.tasks.augment.pictures import AugmentedPictures
from vasari.tasks.augment.plan import ERAS, AugmentPlan
from vasari.tasks.augment.sources import list_sources
from vasari.tasks.batch.terms import BatchOptions, Summary
from vasari.tasks.data.plan import PicturesPlan


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    """Two labels of two pictures each, one of them in a folder deeper down and turned by its EXIF."""
    folder = tmp_path / "set"
    for label, name, picture in (
        ("cats", "a", data.chelsea()[:90, :120]),
        ("cats", "deep/b", data.chelsea()[100:180, 100:220]),
        ("cups", "a", data.coffee()[:100, :100]),
    ):
        path = folder / label / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(data.coffee()[200:280, 200:300]).save(folder / "cups" / "turned.jpg", exif=exif, quality=95)
    return folder


AGED = AugmentPlan(eras=("albumen", "color-print"), copies=2, seed=5, format="png")


def run(dataset: Path, output: Path, plan: AugmentPlan = AGED, **options: Any) -> Summary:
    return augment_files(dataset, BatchOptions(output, **options), plan)


def rows(output: Path) -> list[dict[str, str]]:
    with (output / "manifest.csv").open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def contents(folder: Path) -> dict[str, bytes]:
    found = (one for one in folder.rglob("*") if one.is_file() and one.suffix not in ("", ".jsonl"))
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in found}


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")


def test_copies_stand_by_label_and_the_manifest_tells_where_each_comes_from(labeled: Path, tmp_path: Path) -> None:
    before = contents(labeled)
    summary = run(labeled, tmp_path / "out")
    assert (len(summary.done), len(summary.failed)) == (8, 0)
    told = rows(tmp_path / "out")
    assert [one["path"] for one in told if one["label"] == "cats"] == [
        f"cats/{name}--aug-{copy:03d}.png" for name in ("a", "b") for copy in (1, 2)
    ]
    for one in told:
        assert one["label"] == one["path"].partition("/")[0] == one["source"].partition("/")[0]
        assert one["source_sha256"] == hashlib.sha256((labeled / one["source"]).read_bytes()).hexdigest()
        assert one["operation"] == "age"
        assert json.loads(one["parameters"])["era"] in AGED.eras
    assert {one["path"] for one in told} | {"manifest.csv"} == set(contents(tmp_path / "out"))
    assert contents(labeled) == before


def test_a_copy_is_what_the_manifest_says(labeled: Path, tmp_path: Path) -> None:
    run(labeled, tmp_path / "out", dataclasses.replace(AGED, flips=("horizontal",)))
    flipped = 0
    for one in rows(tmp_path / "out"):
        values = json.loads(one["parameters"])
        source = Image.open(labeled / one["source"])
        turned = np.asarray(source.transpose(Image.Transpose.ROTATE_270) if source.getexif() else source)
        if values.get("flips"):
            turned, flipped = np.ascontiguousarray(turned[:, ::-1]), flipped + 1
        clean = torch.from_numpy(turned.transpose(2, 0, 1).copy()).float() / 255
        aged = damage.age(clean, era=values["era"], severity=values["severity"], seed=int(one["seed"])).aged
        made = image_files.read(tmp_path / "out" / one["path"])
        assert (made.pixels - aged).abs().max() <= 0.51 / 255
        assert made.metadata.orientation == 1
    assert 0 < flipped < 8


def test_a_copy_tells_inside_what_it_is(labeled: Path, tmp_path: Path) -> None:
    run(labeled, tmp_path / "out", dataclasses.replace(AGED, format="jpeg"))
    for one in rows(tmp_path / "out"):
        packet = image_files.inspect(tmp_path / "out" / one["path"]).metadata.xmp
        assert packet is not None
        assert b"digitalsourcetype/algorithmicallyEnhanced" in packet
        assert one["source_sha256"].encode() in packet


def test_styles_of_models_and_eras_come_round(labeled: Path, tmp_path: Path, tiny_translator: Path) -> None:
    plan = AugmentPlan(
        models=(str(tiny_translator),), eras=("autochrome",), copies=2, least_strength=0.4, precision="float32",
        format="png", working_px=64,
    )  # fmt: skip
    run(labeled, tmp_path / "out", plan)
    told = rows(tmp_path / "out")
    for source in {one["source"] for one in told}:
        assert {one["operation"] for one in told if one["source"] == source} == {"age", "translate"}
    made = [one for one in told if one["operation"] == "translate"]
    strengths = {json.loads(one["parameters"])["strength"] for one in made}
    assert len(strengths) > 1
    assert 0.4 <= min(strengths) <= max(strengths) <= 1
    one = next(one for one in made if one["path"].startswith("cats/a"))
    assert one["model_digest"] == hashlib.sha256(tiny_translator.read_bytes()).hexdigest()
    expected = vasari.translate(
        labeled / one["source"], tiny_translator, precision="float32", working_px=64,
        strength=json.loads(one["parameters"])["strength"],
    )  # fmt: skip
    assert (image_files.read(tmp_path / "out" / one["path"]).pixels - expected.pixels).abs().max() <= 0.51 / 255


def test_the_same_again_does_nothing_and_imports_no_torch(labeled: Path, tmp_path: Path) -> None:
    run(labeled, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
    code = (
        "import sys\n"
        "from vasari.app.cli.main import main\n"
        f"code = main(['augment', {str(labeled)!r}, '-o', {str(tmp_path / 'out')!r}, '--era', 'albumen',"
        " '--era', 'color-print', '--copies', '2', '--seed', '5', '--format', 'png'])\n"
        "assert code == 0 and 'torch' not in sys.modules, code\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Nothing to do" in done.stderr
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}


def test_the_seed_decides_and_more_copies_leave_the_first_alone(labeled: Path, tmp_path: Path) -> None:
    run(labeled, tmp_path / "one")
    run(labeled, tmp_path / "two", jobs=1)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    run(labeled, tmp_path / "three", dataclasses.replace(AGED, seed=6))
    first, other = contents(tmp_path / "one"), contents(tmp_path / "three")
    assert all(first[name] != other[name] for name in first)
    summary = run(labeled, tmp_path / "one", dataclasses.replace(AGED, copies=3))
    later = contents(tmp_path / "one")
    assert len(summary.done) == 12
    assert {name: later[name] for name in first if name != "manifest.csv"} == {
        name: one for name, one in first.items() if name != "manifest.csv"
    }
    assert len(rows(tmp_path / "one")) == 12
    run(labeled, tmp_path / "one")
    assert len(rows(tmp_path / "one")) == 8


def test_originals_are_kept_byte_for_byte(labeled: Path, tmp_path: Path) -> None:
    run(labeled, tmp_path / "out", dataclasses.replace(AGED, keep_original=True, copies=1))
    kept = [one for one in rows(tmp_path / "out") if one["operation"] == "original"]
    assert len(kept) == 4
    for one in kept:
        assert (tmp_path / "out" / one["path"]).read_bytes() == (labeled / one["source"]).read_bytes()
    assert run(labeled, tmp_path / "out", dataclasses.replace(AGED, keep_original=True, copies=1)).entries == ()


def test_tables_lists_and_archives_are_sets_too(labeled: Path, tmp_path: Path) -> None:
    (labeled / "table.csv").write_text("path,label\ncats/a.png,tabby & co.\ncups/a.png,../../flat white\n")
    run(labeled / "table.csv", tmp_path / "out")
    told = rows(tmp_path / "out")
    assert [(one["path"], one["label"]) for one in told][::2] == [
        ("tabby _ co/a--aug-001.png", "tabby & co."),
        ("_.._flat white/a--aug-001.png", "../../flat white"),
    ]
    assert {one.name for one in tmp_path.iterdir()} == {"set", "out"}
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("cats/a.png", "cups/a.png"):
            archive.write(labeled / name, name)
    run(tmp_path / "set.zip", tmp_path / "zipped")
    copies = contents(tmp_path / "zipped")
    assert copies["cats/a--aug-001.png"][:4] == b"\x89PNG"
    by_label = {one["source_sha256"]: one["label"] for one in rows(tmp_path / "zipped")}
    assert sorted(by_label.values()) == ["cats", "cups"]
    assert run(tmp_path / "set.zip", tmp_path / "zipped").entries == ()


def test_an_augmented_set_is_a_set(labeled: Path, tmp_path: Path) -> None:
    run(labeled, tmp_path / "out")
    found = list_sources(tmp_path / "out" / "manifest.csv", tmp_path / "elsewhere", set())
    assert len(found) == 8
    assert {one.entry.label for one in found} == {"cats", "cups"}


def test_pictures_of_one_name_and_one_label_are_told_apart(labeled: Path, tmp_path: Path) -> None:
    Image.fromarray(data.chelsea()[:80, :80]).save(labeled / "cats" / "a.jpg")
    run(labeled, tmp_path / "out")
    names = sorted(one["path"] for one in rows(tmp_path / "out") if "--aug-001" in one["path"])
    assert names[:3] == ["cats/a-jpg--aug-001.png", "cats/a-png--aug-001.png", "cats/b--aug-001.png"]


def test_a_bad_picture_is_named_and_the_rest_goes_on(labeled: Path, tmp_path: Path) -> None:
    (labeled / "cats" / "bad.png").write_bytes(b"no picture")
    (labeled / "cats" / "cut.png").write_bytes((labeled / "cats" / "a.png").read_bytes()[:500])
    summary = run(labeled, tmp_path / "out")
    assert sorted(Path(one.source).name for one in summary.failed) == ["bad.png", "cut.png"]
    assert all(one.error and one.remedy and "0x" not in one.error for one in summary.failed)
    assert len(summary.done) == len(rows(tmp_path / "out")) == 8
    assert len(run(labeled, tmp_path / "out").failed) == 2


def test_only_what_changed_is_done_again(labeled: Path, tmp_path: Path) -> None:
    run(labeled, tmp_path / "out")
    Image.fromarray(data.coffee()[:70, :70]).save(labeled / "cups" / "a.png")
    (tmp_path / "out" / "cats" / "b--aug-002.png").unlink()
    summary = run(labeled, tmp_path / "out")
    assert {Path(one.source).name for one in summary.entries} == {"a.png", "b.png"}
    with Image.open(tmp_path / "out" / "cups" / "a--aug-001.png") as made:
        assert made.size == (70, 70)
    assert (tmp_path / "out" / "cats" / "b--aug-002.png").exists()
    sha = hashlib.sha256((labeled / "cups" / "a.png").read_bytes()).hexdigest()
    assert [one["source_sha256"] for one in rows(tmp_path / "out") if one["source"] == "cups/a.png"] == [sha, sha]


@pytest.mark.parametrize("step", ["publish", "append"])
@pytest.mark.parametrize("moment", [0, 3])
def test_dying_between_two_steps_loses_and_doubles_nothing(
    labeled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, moment: int
) -> None:
    """A copy's steps are: moved into its place, told in the ledger. The process dies before one of them."""
    plan = dataclasses.replace(AGED, keep_original=True, format="jpeg" if moment else "png")
    run(labeled, tmp_path / "calm", plan)
    count = iter(range(100))

    class Died(BaseException):
        pass

    def dying(action):
        def acted(*arguments):
            if next(count) == moment:
                raise Died
            return action(*arguments)

        return acted

    with monkeypatch.context() as patch:
        where = files_module if step == "publish" else Ledger
        patch.setattr(where, step, dying(getattr(where, step)))
        with pytest.raises(Died):
            run(labeled, tmp_path / "out", plan, jobs=1)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*--aug*")}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000099")  # on another day
    assert not run(labeled, tmp_path / "out", plan).failed
    assert set(contents(tmp_path / "out")) == set(contents(tmp_path / "calm"))
    assert rows(tmp_path / "out") == rows(tmp_path / "calm")
    # What stood there already was taken over, not made again.
    assert written == {path: path.stat().st_mtime_ns for path in written}
    told = [json.loads(line) for line in (tmp_path / "out" / "ledger.jsonl").read_text().splitlines()]
    assert len({(one["source"], one["page"]) for one in told}) == len(told) == 12


def test_what_stands_in_the_way_is_not_overwritten(labeled: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "cats").mkdir(parents=True)
    (tmp_path / "out" / "cats" / "a--aug-001.png").write_bytes(b"mine")
    summary = run(labeled, tmp_path / "out")
    assert [Path(one.source).name for one in summary.failed] == ["a.png"]
    assert (tmp_path / "out" / "cats" / "a--aug-001.png").read_bytes() == b"mine"
    assert not run(labeled, tmp_path / "out", overwrite=True).failed
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.csv").write_text("a,b\n1,2\n")
    with pytest.raises(WriteError, match="manifest"):
        run(labeled, tmp_path / "other")
    assert (tmp_path / "other" / "manifest.csv").read_text() == "a,b\n1,2\n"


def test_a_copy_edited_by_somebody_who_kept_what_it_says_of_itself_is_theirs(labeled: Path, tmp_path: Path) -> None:
    run(labeled, tmp_path / "out")
    edited = tmp_path / "out" / "cats" / "a--aug-001.png"
    picture = image_files.read(edited)
    image_files.write(picture.with_pixels(1 - picture.pixels), tmp_path / "a.png")
    before = (tmp_path / "a.png").replace(edited).read_bytes()
    assert image_files.inspect(edited).metadata.xmp == picture.metadata.xmp
    for _ in range(2):
        assert [one.result for one in run(labeled, tmp_path / "out").failed] == ["cats/a--aug-001.png"]
        assert edited.read_bytes() == before
    assert not run(labeled, tmp_path / "out", overwrite=True).failed and edited.read_bytes() != before


def test_sources_are_never_written_onto(labeled: Path, tmp_path: Path) -> None:
    before = contents(labeled)
    with pytest.raises(PlanError, match="both the set"):
        run(labeled, labeled)
    # The output above the set: a source could stand in the place of a result of another.
    (labeled / "cats" / "a.png").rename(labeled / "cats" / "c.png")
    Image.fromarray(data.chelsea()[:80, :80]).save(labeled / "cats" / "c--aug-001.png")
    before = contents(labeled)
    Path(tmp_path / "set.csv").write_text("path,label\nset/cats/c.png,cats\nset/cats/c--aug-001.png,cats\n")
    summary = run(tmp_path / "set.csv", labeled, overwrite=True)
    assert [Path(one.source).name for one in summary.failed] == ["c.png"]
    after = contents(labeled)
    assert {name: after[name] for name in before} == before


def test_an_output_inside_the_set_is_not_taken_as_input_again(labeled: Path) -> None:
    assert len(run(labeled, labeled / "out").done) == 8
    assert run(labeled, labeled / "out").entries == ()


def test_what_cannot_be_meant_is_refused(labeled: Path, tmp_path: Path, tiny_restorer: Path) -> None:
    for options, told in (
        ({}, "Nothing was said"),
        ({"flips": ("horizontal",), "copies": 2}, "flips alone"),
        ({"eras": ("albumen", "albumen")}, "twice"),
        ({"eras": ("stone age",)}, "not known"),
        ({"eras": ("albumen",), "strength": 0.3, "least_strength": 0.5}, "above strength"),
    ):
        with pytest.raises(PlanError, match=told):
            AugmentPlan(**options)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="does not translate"):
        run(labeled, tmp_path / "out", AugmentPlan(models=(str(tiny_restorer),)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="No picture"):
        run(tmp_path / "empty", tmp_path / "out")
    (tmp_path / "two.csv").write_text("path,label\nset/cats/a.png,cats\nset/cats/a.png,dogs\n")
    with pytest.raises(PlanError, match="two labels"):
        run(tmp_path / "two.csv", tmp_path / "out")


def test_the_eras_are_those_of_the_simulator() -> None:
    assert tuple(damage.ERAS) == ERAS


def test_flips_alone_always_make_another_picture() -> None:
    plan = AugmentPlan(flips=("horizontal", "vertical"), copies=3)
    for content in ("a", "b", "c"):
        assert {draw(plan, content, copy).flips for copy in (1, 2, 3)} == set(plan.flip_sets)


@pytest.fixture
def shown(tmp_path: Path) -> PicturesPlan:
    return PicturesPlan(px=48, cache=str(tmp_path / "cache"))


def test_the_data_set_is_decided_by_seed_index_and_epoch(
    labeled: Path, shown: PicturesPlan, tiny_translator: Path
) -> None:
    plan = AugmentPlan(models=(str(tiny_translator),), eras=("albumen",), seed=3, precision="float32")
    one = AugmentedPictures.of([labeled], plan, shown)
    assert one.classes == ("cats", "cups")
    first = [one[index] for index in range(len(one))]
    assert [label for _, label in first] == [one.classes.index(label) for label in one.pictures.labels]
    assert all(pixels.shape == (3, 48, 48) and 0 <= pixels.min() <= pixels.max() <= 1 for pixels, _ in first)
    again = AugmentedPictures.of([labeled], plan, shown)
    assert all(torch.equal(again[index][0], first[index][0]) for index in reversed(range(4)))
    again.set_epoch(1)
    assert not any(torch.equal(again[index][0], first[index][0]) for index in range(4))
    again.set_epoch(0)
    assert torch.equal(again[2][0], first[2][0])
    with pytest.raises(IndexError):
        one[len(one)]


def test_workers_of_a_loader_give_the_same_and_hear_of_the_epoch(labeled: Path, shown: PicturesPlan) -> None:
    pictures = AugmentedPictures.of([labeled], AugmentPlan(eras=("albumen",)), shown)
    loader = DataLoader(pictures, batch_size=2, num_workers=2, persistent_workers=True, multiprocessing_context="fork")
    for epoch in (0, 1):
        pictures.set_epoch(epoch)
        batches = [pixels.clone() for pixels, _ in loader]
        expected = torch.stack([pictures[index][0] for index in range(4)])
        assert torch.equal(torch.cat(batches), expected)


def test_the_data_set_shows_pictures_as_they_are_at_times(labeled: Path, shown: PicturesPlan) -> None:
    plan = AugmentPlan(eras=("albumen",), copies=2, keep_original=True)
    still = dataclasses.replace(shown, place="center", closest=0.0, flip=False)
    pictures = AugmentedPictures.of([labeled], plan, still)
    plain = [pictures.pictures.tensor(index, 48) for index in range(4)]
    for index in range(4):
        seen = []
        for epoch in range(6):
            pictures.set_epoch(epoch)
            seen.append(torch.equal(pictures[index][0], plain[index]))
        assert sum(seen) == 2
