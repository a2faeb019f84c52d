"""Films treated into a folder: sound and times stay, a cut-off run goes on with the same bytes, faults are told."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from vasari.foundation.devices import threads_of
from vasari.foundation.errors import PlanError
from vasari.foundation.image_formats import DEFAULT_LIMITS
from vasari.foundation.ledgers import DONE, FAILED
from vasari.foundation.treatment import read_treatment
from vasari.foundation.video_files import FilmReader
from vasari.tasks.batch.terms import BatchOptions, Summary
from vasari.tasks.film import replay as replay_module
from vasari.tasks.film import segments
from vasari.tasks.film.apply import Made, treat_film
from vasari.tasks.film.files import film_files
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.film.frame_treaters import FrameTreater
from vasari.tasks.film.replay import replay
from vasari.tasks.film.shots import Outline, Shot, outline
from vasari.tasks.film.treaters import of_worker
from vasari.tasks.film.work import FilmWork
from vasari.tasks.restore.apply import treat_picture
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.work import RestoreWork
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.stylize.work import StylizeWork
from vasari.tasks.translate.translate_plan import TranslatePlan
from vasari.tasks.translate.work import TranslateWork


@pytest.fixture
def work(tiny_restorer: Path, monkeypatch: pytest.MonkeyPatch) -> FilmWork:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    plan = RestorePlan(model=str(tiny_restorer), precision="float32")
    return FilmWork(RestoreWork.of(plan), FilmPlan(fusion=1))


def run(source: Path, output: Path, work: FilmWork, **options: object) -> Summary:
    return film_files([source], BatchOptions(output, **options), work)  # type: ignore[arg-type]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make(source: Path, treater: object, plan: FilmPlan, folder: Path) -> tuple[Made, list[Tensor]]:
    """A film treated, and its frames."""
    target = folder / f"result{source.suffix}"
    made = treat_film(source, treater, plan, target, folder / "segments")  # type: ignore[arg-type]
    with FilmReader(target) as reader:
        return made, [one.pixels() for one in reader.frames()]


def test_flicker_is_at_most_half_and_told(clips: ModuleType, tmp_path: Path) -> None:
    source = clips.write(tmp_path / "a.mp4", clips.shots(10, (72, 128)))
    treater = clips.Gains()
    made, frames = make(source, treater, FilmPlan(), tmp_path)
    assert made.numbers["frames"] == len(frames) == 20
    assert made.numbers["shots"] == treater.shots_begun == 2
    assert made.numbers["flicker"] < 0.5 * made.numbers["flicker_frame_by_frame"]
    assert not made.notes
    alone, _ = make(source, clips.Gains(), FilmPlan(steady=0), tmp_path / "alone")
    assert "flicker" not in alone.numbers


def test_the_survey_is_taken_once_a_shot_from_its_most_usual_frame(clips: ModuleType, tmp_path: Path) -> None:
    frames = clips.shots(8)
    for index in range(3):  # a fade in
        frames[index] = (frames[index] * ((index + 2) / 6)).astype(np.uint8)
    source = clips.write(tmp_path / "a.mkv", frames, codec="ffv1", options={}, pixel_format="yuv444p")
    seen: list[Tensor] = []

    class Looks(clips.Gains):  # type: ignore[name-defined]
        def begin_shot(self, frame: Tensor) -> None:
            seen.append(frame)

    make(source, Looks(), FilmPlan(), tmp_path)
    found = outline(source, DEFAULT_LIMITS)
    assert [(one.start, one.stop) for one in found.shots] == [(0, 8), (8, 16)]
    assert found.shots[0].usual >= 3
    whole = clips.tensors(frames)
    assert [float((one - whole[shot.usual]).abs().mean()) < 0.01 for one, shot in zip(seen, found.shots)] == [True] * 2
    assert found.shot_of(7).start == 0
    assert Outline.from_json(found.to_json()) == found


def test_segments_end_with_shots_and_after_some_seconds() -> None:
    times = tuple(range(0, 20000, 40))  # 500 frames at 25 a second, in milliseconds
    found = Outline(times, (Shot(0, 90, 5), Shot(90, 500, 200)))
    listed = segments.divide(found, Fraction(1, 1000))
    assert [one.start for one in listed] == [0, 75, 90, 165, 240, 315, 390, 465]
    assert [one.stop for one in listed] == [75, 90, 165, 240, 315, 390, 465, 500]
    crowded = Outline(tuple(range(300)), (Shot(0, 300, 0),))
    assert [one.stop for one in segments.divide(crowded, Fraction(1, 1000))] == [120, 240, 300]


@pytest.mark.parametrize("stops_at", [0.05, 0.3, 0.62, 0.95])
def test_a_run_that_is_cut_off_goes_on_with_the_same_bytes(
    stops_at: float, clips: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_FRAMES", 4)
    source = clips.write(tmp_path / "a.mp4", clips.shots(10), sound=["aac"])
    plan = FilmPlan(fusion=1)
    made, _ = make(source, clips.Gains(), plan, tmp_path)
    target, folder = tmp_path / "again.mp4", tmp_path / "again"

    def stop(share: float) -> None:
        if share >= stops_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        treat_film(source, clips.Gains(), plan, target, folder, advance=stop)
    done = len(list(folder.glob("*.packets")))
    assert done == [0, 1, 3, 5][[0.05, 0.3, 0.62, 0.95].index(stops_at)]
    assert not target.exists()
    again = treat_film(source, clips.Gains(), plan, target, folder)
    assert target.read_bytes() == (tmp_path / "result.mp4").read_bytes()
    assert again == made


@pytest.mark.slow
def test_kill_9_and_the_same_command_give_the_same_bytes(
    clips: ModuleType, tmp_path: Path, tiny_restorer: Path
) -> None:
    source = clips.write(tmp_path / "a.mp4", clips.shots(100), sound=["aac"])
    command = [sys.executable, "-m", "vasari.app.cli.main", "restore", str(source), "--model", str(tiny_restorer), "-o"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1000000000"}
    subprocess.run([*command, str(tmp_path / "one")], env=environment, check=True, capture_output=True)
    films = tmp_path / "two" / ".vasari" / "films"
    for wanted in (1, 2):
        process = subprocess.Popen([*command, str(tmp_path / "two")], env=environment, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < until:
            if len(list(films.glob("*/*.packets"))) >= wanted:
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.005)
        assert process.wait() == -signal.SIGKILL
    subprocess.run([*command, str(tmp_path / "two")], env=environment, check=True, capture_output=True)
    for name in ("a.mp4", "a.treatment.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert not list(films.iterdir())


def test_a_film_comes_out_with_its_sound_its_record_and_its_line(
    clips: ModuleType, tmp_path: Path, work: FilmWork
) -> None:
    (tmp_path / "in").mkdir()
    source = clips.write(
        tmp_path / "in" / "a.mp4", clips.shots(4),
        times=[100, 612, 1124, 2000, 2512, 3024, 4000, 4512], time_base=Fraction(1, 12800), sound=["aac"],
    )  # fmt: skip
    before = digest(source)
    summary = run(source.parent, tmp_path / "out", work)
    assert [one.status for one in summary.entries] == [DONE]
    result = tmp_path / "out" / "a.mp4"
    assert clips.times(result) == clips.times(source)
    assert clips.packets(result, "audio") == clips.packets(source, "audio") != []
    record = read_treatment(tmp_path / "out" / "a.treatment.json")
    assert (record.operation, record.source.sha256, record.digital_source_type.rsplit("/", 1)[-1]) == (
        "restore-film", before, "compositeWithTrainedAlgorithmicMedia",
    )  # fmt: skip
    assert record.result is not None
    assert record.result.sha256 == digest(result) == summary.entries[0].result_stamp.sha256  # type: ignore[union-attr]
    assert [one.name for one in record.stages] == ["fusion", "tone", "repair", "steady"]
    assert record.stages[-1].numbers["frames"] == 8
    assert {"threads", "opencv", "ffmpeg", "torch"} <= set(record.machine)
    line = json.loads((tmp_path / "out" / "ledger.jsonl").read_text())
    assert (line["status"], line["result"], line["source_sha256"]) == ("done", "a.mp4", before)
    assert digest(source) == before

    assert len(run(source.parent, tmp_path / "out", work).already_done) == 1
    other = dataclasses.replace(work, film=FilmPlan(steady=0))
    assert len(run(source.parent, tmp_path / "out", other).done) == 1
    assert read_treatment(tmp_path / "out" / "a.treatment.json").plan["film"]["steady"] == 0


def test_what_is_wrong_is_named_and_the_rest_goes_on(clips: ModuleType, tmp_path: Path, work: FilmWork) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    clips.write(folder / "good.mkv", clips.shots(2))
    cut = clips.write(folder / "cut.mkv", clips.shots(20), options={"g": "4"})
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size * 2 // 3])
    (folder / "empty.mp4").write_bytes(b"")
    summary = run(folder, tmp_path / "out", work)
    status = {Path(one.source).name: one.status for one in summary.entries}
    assert status == {"good.mkv": DONE, "cut.mkv": DONE, "empty.mp4": FAILED}
    failed = summary.failed[0]
    assert "cannot be read as a film" in (failed.error or "")
    assert failed.remedy
    notes = read_treatment(tmp_path / "out" / "cut.treatment.json").notes
    assert any("truncated" in one for one in notes)
    assert read_treatment(tmp_path / "out" / "good.treatment.json").notes == ()


def test_a_foreign_file_in_the_way_is_not_replaced(clips: ModuleType, tmp_path: Path, work: FilmWork) -> None:
    source = clips.write(tmp_path / "a.mp4", clips.shots(1))
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.mp4").write_bytes(b"mine")
    assert "stands where the result would go" in (run(source, out, work).failed[0].error or "")
    assert (out / "a.mp4").read_bytes() == b"mine"
    assert len(run(source, out, work, overwrite=True).done) == 1


def test_a_result_that_the_ledger_does_not_know_is_adopted(clips: ModuleType, tmp_path: Path, work: FilmWork) -> None:
    source = clips.write(tmp_path / "a.mp4", clips.shots(1))
    run(source, tmp_path / "out", work)
    before = digest(tmp_path / "out" / "a.mp4")
    (tmp_path / "out" / "ledger.jsonl").unlink()
    summary = run(source, tmp_path / "out", work)
    assert [one.status for one in summary.entries] == [DONE]
    assert digest(tmp_path / "out" / "a.mp4") == before


def test_a_replay_gives_the_recorded_bytes(clips: ModuleType, tmp_path: Path, work: FilmWork) -> None:
    source = clips.write(tmp_path / "a.mp4", clips.shots(2), sound=["aac"])
    run(source, tmp_path / "out", work)
    sidecar = tmp_path / "out" / "a.treatment.json"
    replayed = replay(sidecar, tmp_path / "again")
    assert replayed.result.read_bytes() == (tmp_path / "out" / "a.mp4").read_bytes()
    assert (tmp_path / "again" / "a.treatment.json").read_bytes() == sidecar.read_bytes()
    text = sidecar.read_text().replace('"operation": "restore-film"', '"operation": "restore"')
    sidecar.write_text(text)
    with pytest.raises(PlanError, match="tells of no film"):
        replay(sidecar, tmp_path / "third")


def test_a_replay_computes_with_the_threads_of_then(
    clips: ModuleType, tmp_path: Path, work: FilmWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clips.write(tmp_path / "a.mp4", clips.shots(1))
    with threads_of({"threads": "1"}):
        run(source, tmp_path / "out", work)
    asked, threads = replay_module.machine_of, []

    def counted(treater: FrameTreater) -> dict[str, str]:
        threads.append(torch.get_num_threads())
        return asked(treater)

    monkeypatch.setattr(replay_module, "machine_of", counted)
    with threads_of({"threads": "2"}):
        replayed = replay(tmp_path / "out" / "a.treatment.json", tmp_path / "again")
        assert torch.get_num_threads() == 2
    assert (threads, replayed.remarks) == ([1], ())
    assert replayed.result.read_bytes() == (tmp_path / "out" / "a.mp4").read_bytes()


def test_frames_are_treated_as_pictures_are(clips: ModuleType, tiny_restorer: Path, tiny_translator: Path) -> None:
    """With the survey of the frame itself, a frame comes out as a picture of the same pixels does."""
    from vasari.foundation.picture import Picture
    from vasari.tasks.translate.apply import translate_picture

    frame = clips.tensors(clips.shots(1))[0]
    restoring = RestoreWork.of(RestorePlan(model=str(tiny_restorer), precision="float32")).ready({})
    treater = of_worker(restoring)
    expected = treat_picture(Picture(frame), restoring.conservator).pixels
    assert torch.allclose(treater.treat(frame, treater.begin_shot(frame)), expected, atol=1e-6)
    assert not treater.paints
    for working_px in (0, 48):
        plan = TranslatePlan(str(tiny_translator), precision="float32", working_px=working_px, strength=0.7)
        translating = TranslateWork.of(plan).ready({})
        treater = of_worker(translating)
        expected = translate_picture(Picture(frame), translating.interpreter).pixels
        assert torch.allclose(treater.treat(frame, treater.begin_shot(frame)), expected, atol=1e-5), working_px
        assert treater.paints


@pytest.mark.parametrize("working_px", [0, 64])
def test_frames_are_painted_as_pictures_are(
    working_px: int, clips: ModuleType, tiny_painter: dict[str, str], tmp_path: Path
) -> None:
    from PIL import Image
    from skimage import data

    from vasari.foundation.picture import Picture
    from vasari.tasks.stylize.apply import stylize_picture

    Image.fromarray(data.coffee()[:120, :160]).save(tmp_path / "style.png")
    frame = clips.tensors(clips.shots(1))[0]
    plan = StylizePlan((str(tmp_path / "style.png"),), precision="float32", working_px=working_px, **tiny_painter)
    worker = StylizeWork.of(plan).ready({})
    treater = of_worker(worker)
    expected = stylize_picture(Picture(frame), worker.painter).pixels
    assert torch.allclose(treater.treat(frame, treater.begin_shot(frame)), expected, atol=1e-4)
    assert treater.paints


@pytest.mark.parametrize(
    "refused",
    [
        lambda model, style: RestoreWork.of(RestorePlan(model=model, only_damage=True)),
        lambda model, style: RestoreWork.of(RestorePlan(stages=("tone", "repair", "enlarge"), model=model)),
        lambda model, style: StylizeWork.of(StylizePlan((style,), method="optimize")),
    ],
)
def test_what_is_for_pictures_alone_is_refused(
    refused: Callable[[str, str], object], clips: ModuleType, tiny_restorer: Path, tmp_path: Path
) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64), (200, 90, 20)).save(tmp_path / "style.png")
    source = clips.write(tmp_path / "a.mp4", clips.shots(1))
    asked = refused(str(tiny_restorer), str(tmp_path / "style.png"))
    with pytest.raises(PlanError):
        run(source, tmp_path / "out", FilmWork(asked, FilmPlan()))  # type: ignore[arg-type]


def test_a_plan_holds_its_rules() -> None:
    for options in ({"steady": 1.5}, {"fusion": 2}, {"format": "avi"}, {"codec": "gif"}, {"crf": -1}):
        with pytest.raises(PlanError):
            FilmPlan(**options)  # type: ignore[arg-type]
