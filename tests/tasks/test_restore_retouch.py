"""Taking a restoration back by hand: the scan's own samples where it was painted, the restored ones elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.treatment import read_treatment
from vasari.tasks.restore.retouch import RetouchPlan, RetouchWork, retouch_file

SCAN = np.ascontiguousarray(data.astronaut()[:120, :160])


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    white = np.zeros((120, 160), np.uint8)
    white[20:60, 30:90] = 255
    Image.fromarray(white).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


@pytest.mark.parametrize("depth", [8, 16])
def test_samples_are_copied_and_the_record_tells_of_it(tmp_path: Path, mask: Path, depth: int) -> None:
    scan = SCAN.astype(np.uint16) * 257 if depth == 16 else SCAN
    restored = np.roll(scan, 7, axis=1)
    (tmp_path / "job").mkdir()
    tifffile.imwrite(tmp_path / "scan.tif", scan, photometric="rgb")
    tifffile.imwrite(tmp_path / "job" / "scan.tif", restored, photometric="rgb")
    before = (tmp_path / "scan.tif").read_bytes()
    shares: list[float] = []
    page = retouch_file(
        tmp_path / "scan.tif", tmp_path / "job" / "scan.tif", mask, tmp_path / "out", advance=shares.append
    )
    white = np.asarray(Image.open(mask)) > 0
    found = tifffile.imread(page.result)
    assert found.dtype == scan.dtype and (found == np.where(white[:, :, None], scan, restored)).all()
    record = read_treatment(tmp_path / "out" / "scan.treatment.json")
    assert record.operation == "retouch" and record.stages[-1].numbers["kept_pixels"] == white.sum()
    assert record.plan["keep"] and record.result is not None and shares[-1] == 1.0
    assert (tmp_path / "scan.tif").read_bytes() == before


def test_what_was_done_before_stays_in_the_record(tmp_path: Path, mask: Path) -> None:
    Image.fromarray(SCAN).save(tmp_path / "scan.png")
    Image.fromarray(SCAN[::-1]).save(tmp_path / "other.png")
    first = retouch_file(tmp_path / "scan.png", tmp_path / "other.png", mask, tmp_path / "one")
    second = retouch_file(tmp_path / "scan.png", first.result, mask, tmp_path / "two")
    stages = read_treatment(tmp_path / "two" / "scan.treatment.json").stages
    assert [stage.name for stage in stages] == ["keep", "keep"]
    # Taken back twice at the same place is as taken back once.
    assert (np.asarray(Image.open(second.result)) == np.asarray(Image.open(first.result))).all()


def test_a_lossy_result_is_written_losslessly(tmp_path: Path, mask: Path) -> None:
    Image.fromarray(SCAN).save(tmp_path / "scan.jpg", quality=95)
    Image.fromarray(SCAN[::-1]).save(tmp_path / "other.jpg", quality=95)
    page = retouch_file(tmp_path / "scan.jpg", tmp_path / "other.jpg", mask, tmp_path / "out")
    assert page.result.suffix == ".png"
    white = np.asarray(Image.open(mask)) > 0
    scan = np.asarray(Image.open(tmp_path / "scan.jpg").convert("RGB")).astype(int)
    # Two JPEG decoders may differ by a level or two.
    assert np.abs(scan - np.asarray(Image.open(page.result)))[white].max() <= 2


def test_pictures_that_do_not_fit_are_refused(tmp_path: Path, mask: Path) -> None:
    Image.fromarray(SCAN).save(tmp_path / "scan.png")
    Image.fromarray(SCAN[:100]).save(tmp_path / "lower.png")
    Image.fromarray(SCAN[:, :, 0]).save(tmp_path / "grey.png")
    for other in ("lower.png", "grey.png"):
        with pytest.raises(PictureError, match="do not fit"):
            retouch_file(tmp_path / "scan.png", tmp_path / other, mask, tmp_path / "out")
    assert not [path for path in (tmp_path / "out").glob("*") if path.suffix]
    with pytest.raises(PlanError):
        RetouchWork.of(RetouchPlan())
