"""From sources to pictures: what is broken is named, what is left out is counted, what cannot be is an error."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vasari.foundation.errors import PlanError, TrainingError
from vasari.tasks.data.entries import Entry
from vasari.tasks.data.gather import gather, spread
from vasari.tasks.data.picture_set import check_batch, require
from vasari.tasks.data.plan import PicturesPlan
from vasari.tasks.data.provenance import describe_sources


def plan(**options: object) -> PicturesPlan:
    return PicturesPlan(**{"px": 32, **options})  # type: ignore[arg-type]


def text_of(lines: list[str]) -> str:
    return "\n".join(lines)


def test_mixed_sizes_and_formats_are_one_set(folder: Path, pictures: dict[str, np.ndarray]) -> None:
    found = gather([folder], plan())
    assert found.names == ("photos/astronaut.jpg", "photos/animals/cat.PNG", "photos/things/deep/coffee.tif")
    assert found.labels == ("photos", "animals", "things")
    assert [one.shape for one in found] == [(32, 32, 3), (32, 48, 3), (43, 32, 3)]
    for picture, name in zip(found, ("astronaut", "cat", "coffee"), strict=True):
        assert np.abs(picture.mean((0, 1)) - pictures[name].mean((0, 1))).max() < 2.0


def test_the_report_tells_what_was_read(folder: Path) -> None:
    (folder / "again.png").write_bytes((folder / "animals/cat.PNG").read_bytes())
    (folder / "torn.jpg").write_bytes((folder / "astronaut.jpg").read_bytes()[:3000])
    (folder / "letter.png").write_text("Dear sir")
    (folder / "notes.md").write_text("")
    Image.fromarray(np.tile(np.arange(60, dtype=np.uint8), (20, 1))).save(folder / "grey.png")
    report = gather([folder], plan()).report
    assert (report.pictures, report.grey, report.enlarged) == (5, 1, 1)
    assert (report.smallest, report.median, report.largest) == ((60, 20), (240, 160), (200, 200))
    assert report.duplicates == (("photos/again.png", "photos/animals/cat.PNG"),)
    assert [name for name, _ in report.broken] == ["photos/letter.png", "photos/torn.jpg"]
    assert [reason.partition(" (")[0] for _, reason in report.broken] == [
        "no picture of a known format",
        "image file is truncated",
    ]
    assert report.labels == {"animals": 1, "photos": 3, "things": 1}
    assert report.decoded_bytes == Path(report.cache).stat().st_size
    told = text_of(report.lines())
    assert "5 pictures from" in told and "4 in color, 1 grey" in told
    assert "smallest 60 × 20, median 240 × 160, largest 200 × 200" in told
    assert "Duplicates: 1 picture" in told and "photos/again.png = photos/animals/cat.PNG" in told
    assert "Broken, passed over: 2: photos/letter.png (no picture of a known format)" in told
    assert "animals 1, photos 3, things 1" in told and ".md 1" in told
    assert "1 of 5 pictures have a short side below px=32 and are enlarged" in told
    assert json.loads(json.dumps(report.to_dict()))["broken"][0][0] == "photos/letter.png"


def test_the_report_of_a_cached_set_is_the_same(folder: Path) -> None:
    (folder / "letter.png").write_text("Dear sir")
    assert gather([folder], plan()).report == gather([folder], plan()).report


def test_many_broken_pictures_do_not_fill_the_screen(folder: Path) -> None:
    for number in range(30):
        (folder / f"letter{number:02d}.png").write_text("Dear sir")
    report = gather([folder], plan()).report
    assert len(report.broken) == 30
    assert "letter09.png" in text_of(report.lines()) and "letter10.png" not in text_of(report.lines())
    assert "and 20 more" in text_of(report.lines())


def test_one_picture_is_warned_of(folder: Path) -> None:
    report = gather([folder / "astronaut.jpg"], plan()).report
    assert report.pictures == 1 and "1 picture from" in report.lines()[0]
    assert "there is one picture" in text_of(report.warnings())


def test_grey_pictures_are_warned_of_unless_grey_is_meant(tmp_path: Path) -> None:
    root = tmp_path / "grey"
    root.mkdir()
    for number in range(2):
        Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) + number, (64, 1))).save(root / f"{number}.png")
    assert "all pictures are grey" in text_of(gather([root], plan()).report.warnings())
    assert gather([root], plan(color="grey")).report.warnings() == []


def test_sources_of_several_kinds_are_joined(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(folder / "animals/cat.PNG", "cat.png")
    (tmp_path / "list.txt").write_text("photos/astronaut.jpg\n")
    (tmp_path / "index.csv").write_text("file,style\nphotos/things/deep/coffee.tif,still life\n")
    sources = [tmp_path / "list.txt", str(tmp_path / "index.csv"), tmp_path / "more.zip"]
    found = gather(sources, plan())
    assert found.labels == ("list.txt", "still life", "more.zip")
    of_folder = gather([folder], plan())
    assert all(np.array_equal(found[at], of_folder[other]) for at, other in ((0, 0), (1, 2), (2, 1)))


def test_excluded_names_are_left_out_and_counted(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "not.txt").write_text("cat.PNG\nthings/deep/coffee.tif\nnever-there.png\n")
    found = gather([folder], plan(exclude=str(tmp_path / "not.txt")))
    assert found.names == ("photos/astronaut.jpg",)
    assert found.report.excluded == 2 and "Left out by name: 2." in found.report.lines()


def test_a_limit_is_spread_over_all() -> None:
    entries = [Entry(f"set/{number}", "", "", bytes) for number in range(10)]
    assert [one.place for one in spread(entries, 4)] == ["0", "2", "5", "7"]
    assert spread(entries, 0) == spread(entries, 99) == entries


def test_a_limit_is_told(folder: Path) -> None:
    found = gather([folder], plan(limit=2))
    assert len(found) == 2 and "Left out by the option limit: 1." in found.report.lines()


def test_errors_say_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match=r"No picture was found in .*empty\."):
        gather([tmp_path / "empty"], plan())
    (tmp_path / "empty" / "a.mp4").write_text("")
    with pytest.raises(TrainingError, match=r"\(1 other files\)"):
        gather([tmp_path / "empty"], plan())
    with pytest.raises(PlanError, match="No pictures were named"):
        gather([], plan())
    with pytest.raises(PlanError, match="There is no"):
        gather([folder, tmp_path / "nowhere"], plan())
    (tmp_path / "empty" / "a.png").write_text("Dear sir")
    with pytest.raises(TrainingError, match=r"None of 1 pictures could be decoded \(empty/a.png: no picture"):
        gather([tmp_path / "empty"], plan())
    (tmp_path / "all.txt").write_text("astronaut.jpg\ncat.PNG\ncoffee.tif\n")
    with pytest.raises(TrainingError, match="All 3 pictures of .* are excluded"):
        gather([folder], plan(exclude=str(tmp_path / "all.txt")))
    with pytest.raises(PlanError, match="exclude=.* cannot be read"):
        gather([folder], plan(exclude=str(tmp_path / "none.txt")))


def test_plans_are_held_to_their_rules() -> None:
    with pytest.raises(PlanError, match="stored_px=16 is below px=32"):
        plan(stored_px=16)
    with pytest.raises(PlanError, match="color=blue is not known"):
        plan(color="blue")
    with pytest.raises(PlanError, match="closest=2"):
        plan(closest=2)
    assert plan().kept_px == 32 and plan(stored_px=48).kept_px == 48


def test_too_few_pictures_for_a_purpose_or_a_batch(folder: Path) -> None:
    found = gather([folder], plan())
    require(found, 3)
    with pytest.raises(TrainingError, match="A validation needs 4 pictures or more; there are 3"):
        require(found, 4, "A validation")
    check_batch(found, 3)
    with pytest.raises(PlanError) as caught:
        check_batch(found, 4)
    assert "train.batch=4" in caught.value.message and "--set train.batch=3" in caught.value.remedy


def test_whole_pictures_come_as_tensors(folder: Path) -> None:
    found = gather([folder], plan(stored_px=40))
    whole = found.tensor(1, 40)
    assert whole.shape == (3, 40, 40) and whole.dtype == torch.float32
    assert np.array_equal((whole * 255).round().byte().permute(1, 2, 0).numpy(), found[1][:, 10:50])
    expected = np.asarray(Image.fromarray(found[1][:, 10:50]).resize((20, 20), Image.Resampling.LANCZOS))
    assert np.abs(found.tensor(1, 20).permute(1, 2, 0).numpy() * 255 - expected).max() < 2


def test_a_part_of_a_set_shares_its_file(folder: Path) -> None:
    found = gather([folder], plan())
    part = found.select([2, 0])
    assert part.names == (found.names[2], found.names[0]) and part.labels == ("things", "photos")
    assert np.array_equal(part[0], found[2]) and len(found[1:]) == 2
    with pytest.raises(IndexError):
        part[2]


def test_corrections_are_made_once_on_decoding(folder: Path) -> None:
    faded = np.asarray(Image.open(folder / "animals/cat.PNG")) // 3 + 80
    Image.fromarray(faded).save(folder / "animals/cat.PNG")
    assert np.ptp(gather([folder], plan())[1]) < 100
    assert np.ptp(gather([folder], plan(correction="levels"))[1]) > 200


def test_sources_are_described_without_their_paths(folder: Path, tmp_path: Path) -> None:
    (folder / "index.csv").write_text("file,license\na.jpg,CC0\nb.jpg,CC0\nc.jpg,\n")
    described = describe_sources([folder, "hf://owner/name", f"{tmp_path}/list.txt"])
    assert described == [
        {"folder": "photos", "files": 3, "licenses": {"CC0": 2, "not stated": 1}, "repositories": {"not stated": 3}},
        {"folder": "hf://owner/name"},
        {"folder": "list.txt"},
    ]


def test_reports_are_frozen(folder: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        gather([folder], plan()).report.pictures = 4  # type: ignore[misc]


def test_warnings_of_decoders_stay_silent(folder: Path, recwarn: pytest.WarningsRecorder) -> None:
    file = io.BytesIO()
    Image.open(folder / "animals/cat.PNG").save(file, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    (folder / "odd.jpg").write_bytes(file.getvalue())
    assert len(gather([folder], plan())) == 4
    assert not [one for one in recwarn if "EXIF" in str(one.message)]
