"""A folder of scans restored: goes on after interruptions, names what failed, harms no master."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage import data

from vasari.foundation import image_files
from vasari.foundation.errors import PictureError, PlanError, WeightsError, WriteError
from vasari.foundation.ledgers import DONE, FAILED, Entry, Ledger
from vasari.foundation.treatment import read_treatment
from vasari.foundation.treatment_xmp import VASARI
from vasari.tasks.restore.batch import BatchOptions, Silent, Summary, restore_files
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.replay import replay


@pytest.fixture
def asked(tiny_restorer: Path, monkeypatch: pytest.MonkeyPatch) -> RestorePlan:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    return RestorePlan(model=str(tiny_restorer), precision="float32", evidence=True)


def run(scans: Path, output: Path, asked: RestorePlan, **options: object) -> Summary:
    return restore_files([scans], BatchOptions(output, **options), asked)  # type: ignore[arg-type]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("ledger.jsonl", "lock")
    }


def lines(output: Path) -> list[dict]:
    return [json.loads(line) for line in (output / "ledger.jsonl").read_text().splitlines()]


def test_a_folder_comes_out_with_its_structure_records_maps_and_ledger(
    scans: Path, tmp_path: Path, asked: RestorePlan
) -> None:
    masters = digests(scans)
    summary = run(scans, tmp_path / "out", asked)
    assert len(summary.done) == 3
    assert not summary.failed
    assert set(digests(tmp_path / "out")) == {
        f"{stem}{ending}"
        for stem, suffix in (("pilot", ".jpg"), ("camera", ".png"), ("box/coffee", ".tif"))
        for ending in (suffix, ".treatment.json", ".damage.png", ".change.png")
    }
    assert digests(scans) == masters
    told = {one["source"]: one for one in lines(tmp_path / "out")}
    entry = told[str(scans / "box" / "coffee.tif")]
    assert (entry["status"], entry["result"], entry["source_sha256"]) == (
        "done",
        "box/coffee.tif",
        masters["box/coffee.tif"],
    )
    assert entry["result_sha256"] == digests(tmp_path / "out")["box/coffee.tif"]


def test_the_record_tells_the_truth_beside_and_inside(
    scans: Path, tmp_path: Path, asked: RestorePlan, tiny_restorer: Path
) -> None:
    run(scans, tmp_path / "out", asked)
    hashes = digests(tmp_path / "out")
    for stem, suffix in (("pilot", ".jpg"), ("camera", ".png"), ("box/coffee", ".tif")):
        record = read_treatment(tmp_path / "out" / f"{stem}.treatment.json")
        assert record.result is not None
        assert record.result.sha256 == hashes[f"{stem}{suffix}"]
        assert {one.sha256 for one in record.evidence} == {hashes[f"{stem}.damage.png"], hashes[f"{stem}.change.png"]}
        assert record.models[0].digest == hashlib.sha256(tiny_restorer.read_bytes()).hexdigest()
        assert record.digital_source_type.endswith("compositeWithTrainedAlgorithmicMedia")
        assert [one.name for one in record.stages] == ["tone", "repair"]
        inside = image_files.inspect(tmp_path / "out" / f"{stem}{suffix}").metadata.xmp
        assert inside is not None
        assert VASARI.encode() in inside
        assert record.source.sha256.encode() in inside


class Count(Silent):
    """Counts what was worked on."""

    def __init__(self) -> None:
        self.worked: set[str] = set()

    def advance(self, source: Path, page: int, share: float, of_work: float) -> None:
        self.worked.add(source.name)


def test_the_same_command_again_does_nothing_and_imports_no_torch(
    scans: Path, tmp_path: Path, asked: RestorePlan
) -> None:
    run(scans, tmp_path / "out", asked)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
    code = (
        "import sys\n"
        "from vasari.app.cli.main import main\n"
        f"code = main(['restore', {str(scans)!r}, '-o', {str(tmp_path / 'out')!r}, '--evidence',"
        f" '--precision', 'float32', '--model', {asked.model!r}])\n"
        "assert code == 0 and 'torch' not in sys.modules, code\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Nothing to do" in done.stderr
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}


def test_only_what_changed_is_done_again(scans: Path, tmp_path: Path, asked: RestorePlan) -> None:
    run(scans, tmp_path / "out", asked)
    os.utime(scans / "pilot.jpg", ns=(1, 1))  # another time, the same bytes
    tifffile.imwrite(scans / "box" / "coffee.tif", data.coffee()[:90, :80], photometric="rgb")
    (tmp_path / "out" / "camera.png").unlink()
    watch = Count()
    summary = restore_files([scans], BatchOptions(tmp_path / "out"), asked, watch)
    assert watch.worked == {"coffee.tif", "camera.png"}
    assert len(summary.already_done) == 1
    assert tifffile.imread(tmp_path / "out" / "box" / "coffee.tif").shape == (90, 80, 3)


def test_another_plan_or_model_is_done_anew(
    scans: Path, tmp_path: Path, asked: RestorePlan, other_restorer: Path
) -> None:
    first = run(scans, tmp_path / "out", asked)
    second = run(scans, tmp_path / "out", dataclasses.replace(asked, strength=0.5))
    third = run(scans, tmp_path / "out", dataclasses.replace(asked, strength=0.5, model=str(other_restorer)))
    assert [len(one.done) for one in (first, second, third)] == [3, 3, 3]
    assert (
        run(scans, tmp_path / "out", dataclasses.replace(asked, strength=0.5, model=str(other_restorer))).entries == ()
    )


def test_a_bad_file_is_named_and_the_rest_goes_on(scans: Path, tmp_path: Path, asked: RestorePlan) -> None:
    (scans / "bad.tif").write_bytes(b"II*\0 this is no picture")
    (scans / "cut.jpg").write_bytes((scans / "pilot.jpg").read_bytes()[:2000])
    (scans / "empty.png").write_bytes(b"")
    summary = run(scans, tmp_path / "out", asked)
    assert {Path(one.source).name for one in summary.failed} == {"bad.tif", "cut.jpg", "empty.png"}
    assert all(one.error and one.remedy for one in summary.failed)
    assert len(summary.done) == 3
    assert {one["status"] for one in lines(tmp_path / "out")} == {DONE, FAILED}
    assert not list((tmp_path / "out").glob("cut*"))
    again = run(scans, tmp_path / "out", asked)
    assert (len(again.failed), len(again.done)) == (3, 0)


def test_each_page_of_a_tiff_comes_out(tmp_path: Path, asked: RestorePlan) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    with tifffile.TiffWriter(scans / "album.tif") as writer:
        writer.write(data.astronaut()[:80, :90], photometric="rgb")
        writer.write(data.camera()[:70, :60], photometric="minisblack")
    summary = run(scans, tmp_path / "out", asked)
    assert sorted(one.result for one in summary.done if one.result) == ["album.page-001.tif", "album.page-002.tif"]
    assert tifffile.imread(tmp_path / "out" / "album.page-002.tif").shape == (70, 60)
    (tmp_path / "out" / "album.page-002.tif").unlink()
    watch = Count()
    again = restore_files([scans], BatchOptions(tmp_path / "out"), asked, watch)
    assert [one.page for one in again.entries] == [0, 1]
    assert (tmp_path / "out" / "album.page-002.tif").exists()


def test_two_inputs_of_one_name_do_not_overwrite_each_other(tmp_path: Path, asked: RestorePlan) -> None:
    for folder, picture in (("x", data.astronaut()), ("y", data.coffee())):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "1.tif", picture[:80, :80], photometric="rgb")
    inputs = [tmp_path / "x" / "1.tif", tmp_path / "y" / "1.tif"]
    first = restore_files(inputs, BatchOptions(tmp_path / "out"), asked)
    assert len({one.result for one in first.done}) == 2
    assert restore_files(inputs[::-1], BatchOptions(tmp_path / "out"), asked).entries == ()


def test_what_stands_in_the_place_of_a_result_is_not_overwritten(
    scans: Path, tmp_path: Path, asked: RestorePlan
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pilot.jpg").write_bytes(b"mine")
    summary = run(scans, tmp_path / "out", asked)
    assert [Path(one.source).name for one in summary.failed] == ["pilot.jpg"]
    assert (tmp_path / "out" / "pilot.jpg").read_bytes() == b"mine"
    assert not run(scans, tmp_path / "out", asked, overwrite=True).failed
    assert (tmp_path / "out" / "pilot.jpg").read_bytes() != b"mine"


def test_a_result_that_somebody_changed_is_kept_until_told_otherwise(
    scans: Path, tmp_path: Path, asked: RestorePlan
) -> None:
    run(scans, tmp_path / "out", asked)
    (tmp_path / "out" / "camera.png").write_bytes(b"edited")
    assert len(run(scans, tmp_path / "out", asked).failed) == 1
    assert (tmp_path / "out" / "camera.png").read_bytes() == b"edited"


def test_masters_are_never_written_onto(scans: Path, tmp_path: Path, asked: RestorePlan) -> None:
    masters = digests(scans)
    with pytest.raises(PlanError, match="onto an input"):
        restore_files([scans / "pilot.jpg"], BatchOptions(scans), asked)
    with pytest.raises(PlanError, match="both the input and the output"):
        run(scans, scans, asked)
    png = dataclasses.replace(asked, format="png")
    summary = restore_files([scans / "camera.png", scans / "pilot.jpg"], BatchOptions(scans, overwrite=True), png)
    assert [Path(one.source).name for one in summary.failed] == ["camera.png"]
    assert {name: digest for name, digest in digests(scans).items() if name in masters} == masters


def test_an_output_inside_the_input_is_not_taken_as_input_again(scans: Path, asked: RestorePlan) -> None:
    assert len(run(scans, scans / "restored", asked).done) == 3
    assert run(scans, scans / "restored", asked).entries == ()


def test_a_master_that_another_program_changes_is_told(scans: Path, tmp_path: Path, asked: RestorePlan) -> None:
    class Vandal(Silent):
        def finished(self, entry: Entry) -> None:
            if entry.source.endswith("camera.png"):
                (scans / "camera.png").write_bytes(b"changed")

    summary = restore_files([scans], BatchOptions(tmp_path / "out", jobs=1), asked, Vandal())
    assert any("not as it was" in (one.error or "") for one in summary.failed)


def test_a_result_without_its_ledger_line_is_adopted_not_made_again(
    scans: Path, tmp_path: Path, asked: RestorePlan
) -> None:
    run(scans, tmp_path / "out", asked)
    ledger = tmp_path / "out" / "ledger.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:1]))
    (tmp_path / "out" / ".vasari" / "work").mkdir()
    (tmp_path / "out" / ".vasari" / "work" / "half.tif").write_bytes(b"half")
    before, watch = digests(tmp_path / "out"), Count()
    restore_files([scans], BatchOptions(tmp_path / "out"), asked, watch)
    assert watch.worked == set()
    assert {name: one for name, one in before.items() if "work" not in name} == digests(tmp_path / "out")
    assert len(lines(tmp_path / "out")) == 3


@pytest.mark.parametrize("moment", range(5))
def test_dying_between_any_two_steps_loses_and_doubles_nothing(
    scans: Path, tmp_path: Path, asked: RestorePlan, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """A page's steps are: damage map, change map, record, result, ledger. The process dies before step `moment`."""
    from vasari.tasks.batch import page as page_module

    run(scans, tmp_path / "calm", asked)
    steps = iter(range(100))

    class Died(BaseException):
        pass

    def dying(action):
        def step(*arguments):
            if next(steps) == moment:
                raise Died
            return action(*arguments)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(page_module, "publish", dying(page_module.publish))
        patch.setattr(Ledger, "append", dying(Ledger.append))
        with pytest.raises(Died):
            run(scans, tmp_path / "out", asked, jobs=1)
    assert len(run(scans, tmp_path / "out", asked).done) == 3
    assert digests(tmp_path / "out") == digests(tmp_path / "calm")
    assert len(lines(tmp_path / "out")) == 3


def test_an_old_result_is_replaced_even_if_the_process_died_after_the_new_record(
    scans: Path, tmp_path: Path, asked: RestorePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vasari.tasks.batch import page as page_module

    run(scans, tmp_path / "out", asked)
    publish = page_module.publish

    def no_result(staged: Path, target: Path) -> None:
        if target.suffix in (".jpg", ".tif") or target.name == "camera.png":
            raise KeyboardInterrupt
        publish(staged, target)

    other = dataclasses.replace(asked, strength=0.5)
    with monkeypatch.context() as patch:
        patch.setattr(page_module, "publish", no_result)
        with pytest.raises(KeyboardInterrupt):
            run(scans, tmp_path / "out", other, jobs=1)
    assert not run(scans, tmp_path / "out", other).failed
    run(scans, tmp_path / "calm", other)
    assert digests(tmp_path / "out") == digests(tmp_path / "calm")


def test_a_missing_model_stops_before_anything_is_written(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        run(scans, tmp_path / "out", RestorePlan(model="no-such-model"))
    assert not (tmp_path / "out").exists()


def test_weights_that_cannot_be_used_end_the_batch_and_not_each_page(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    with pytest.raises(WeightsError):
        run(scans, tmp_path / "out", RestorePlan(model=str(tmp_path / "broken.safetensors")))
    assert not (tmp_path / "out" / "ledger.jsonl").exists()


def test_the_cap_on_pixels_is_an_option(scans: Path, tmp_path: Path, asked: RestorePlan) -> None:
    tifffile.imwrite(scans / "large.tif", np.zeros((1100, 1000), np.uint8))
    summary = run(scans, tmp_path / "out", asked, max_megapixels=1)
    assert [Path(one.source).name for one in summary.failed] == ["large.tif"]


def test_an_unexpected_failure_is_one_files_failure(
    scans: Path, tmp_path: Path, asked: RestorePlan, monkeypatch
) -> None:
    from vasari.tasks.batch import page as page_module

    stage = page_module.stage

    def failing(page, *arguments, **options):
        if page.source.name == "camera.png":
            raise RuntimeError("a bug")
        return stage(page, *arguments, **options)

    monkeypatch.setattr(page_module, "stage", failing)
    summary = run(scans, tmp_path / "out", asked)
    assert [Path(one.source).name for one in summary.failed] == ["camera.png"]
    assert "RuntimeError: a bug" in (summary.failed[0].error or "")
    assert len(summary.done) == 2


def test_a_replay_gives_the_same_bytes(scans: Path, tmp_path: Path, asked: RestorePlan, monkeypatch) -> None:
    run(scans, tmp_path / "out", asked)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "2000000000")
    for stem in ("pilot", "camera", "box/coffee"):
        done = replay(tmp_path / "out" / f"{stem}.treatment.json", tmp_path / "again" / Path(stem).parent)
        assert done.remarks == ()
    assert digests(tmp_path / "again") == digests(tmp_path / "out")


def test_a_lost_result_is_made_again_where_it_was(scans: Path, tmp_path: Path, asked: RestorePlan) -> None:
    run(scans, tmp_path / "out", asked)
    before = digests(tmp_path / "out")
    (tmp_path / "out" / "pilot.jpg").unlink()
    replay(tmp_path / "out" / "pilot.treatment.json")
    assert digests(tmp_path / "out") == before


def test_a_replay_says_what_does_not_fit(scans: Path, tmp_path: Path, asked: RestorePlan, other_restorer: Path) -> None:
    run(scans, tmp_path / "out", asked)
    sidecar = tmp_path / "out" / "box" / "coffee.treatment.json"
    values = json.loads(sidecar.read_text())

    def changed(**changes: object) -> Path:
        path = tmp_path / "changed.treatment.json"
        path.write_text(json.dumps({**values, **changes}))
        return path

    with pytest.raises(WeightsError, match="another than the recorded"):
        replay(changed(plan={**values["plan"], "model": str(other_restorer)}), tmp_path / "again")
    with pytest.raises(WriteError, match="other bytes"):
        replay(changed(plan={**values["plan"], "strength": 0.5}), tmp_path / "again")
    with pytest.raises(PictureError, match="is not the picture"):
        replay(sidecar, tmp_path / "again", source=scans / "pilot.jpg")
    (tmp_path / "again").mkdir(exist_ok=True)
    (tmp_path / "again" / "coffee.tif").write_bytes(b"mine")
    with pytest.raises(WriteError, match="exists and is not"):
        replay(sidecar, tmp_path / "again")
    (scans / "box" / "coffee.tif").unlink()
    with pytest.raises(PictureError, match="is not there"):
        replay(sidecar, tmp_path / "again")
    assert (tmp_path / "again" / "coffee.tif").read_bytes() == b"mine"


def test_a_moved_source_is_found_by_its_name(scans: Path, tmp_path: Path, asked: RestorePlan) -> None:
    run(scans, tmp_path / "out", asked)
    moved = (scans / "pilot.jpg").rename(tmp_path / "elsewhere.jpg")
    done = replay(tmp_path / "out" / "pilot.treatment.json", tmp_path / "again", source=moved)
    assert done.sha256 == digests(tmp_path / "out")["pilot.jpg"]


def test_the_literal_suffixes_are_those_of_the_formats() -> None:
    from vasari.foundation.batches import PICTURE_SUFFIXES
    from vasari.foundation.image_formats import SUFFIXES

    assert frozenset(SUFFIXES) == PICTURE_SUFFIXES
