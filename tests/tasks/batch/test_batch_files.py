"""The batch that all tasks share, with a task of a few lines: it makes negatives, and knows no network."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from skimage import data

from vasari.foundation import image_files
from vasari.foundation.batches import CHANGE_ENDING, RECORD_ENDING
from vasari.foundation.devices import machine_of, threads_of
from vasari.foundation.errors import PlanError, WeightsError, WriteError
from vasari.foundation.ledgers import Ledger
from vasari.foundation.plans import check, option
from vasari.foundation.treatment import ModelFacts, Stage, read_treatment
from vasari.tasks.batch import page as page_module
from vasari.tasks.batch import streams
from vasari.tasks.batch.files import treat_files
from vasari.tasks.batch.replay import replay_file
from vasari.tasks.batch.streams import Manner, Treated
from vasari.tasks.batch.terms import BatchOptions, Silent
from vasari.tasks.batch.work import as_then, models_digest
from vasari.tasks.colorize.colorize_plan import ColorizePlan
from vasari.tasks.inpaint.plan import InpaintPlan
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.translate.translate_plan import TranslatePlan


@dataclass(frozen=True)
class NegativePlan:
    strength: float = option(1.0, "how much", minimum=0.0, maximum=1.0)
    format: str | None = option(None, "format", choices=("tiff", "png", "jpeg"))
    seed: int = option(0, "seed")

    def __post_init__(self) -> None:
        check(self)


class Inverter:
    """The treater: each pixel its negative; what it surveys is the thumbnail's mean."""

    halo, multiple_of = 0, 1

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def survey(self, thumbnail: torch.Tensor) -> float:
        return float(thumbnail.mean())

    def treat(self, pixels: torch.Tensor, survey: float, window: torch.Tensor) -> Treated:
        assert 0 < survey < 1
        result = torch.lerp(pixels, 1 - pixels, self.strength)
        change = (result - pixels).abs().amax(1, keepdim=True)
        return Treated(result, torch.zeros_like(change), change)


class NegativeWorker:
    machine: ClassVar[Mapping[str, str]] = {"precision": "float32"}

    def __init__(self, plan: NegativePlan) -> None:
        self.plan = plan

    def treat(self, path: Path, page: int, outputs: Any, **options: Any) -> Mapping[str, float]:
        manner = Manner(32, 64, self.plan.format)
        return streams.treat_page(path, page, Inverter(self.plan.strength), manner, outputs, **options).to_numbers()


@dataclass(frozen=True)
class NegativeWork:
    operation: ClassVar[str] = "negate"
    participle: ClassVar[str] = "negated"
    plan_kind: ClassVar[type] = NegativePlan
    loaded: ClassVar[list[Mapping[str, str]]] = []

    plan: NegativePlan
    models: tuple[ModelFacts, ...] = (ModelFacts("none", "0" * 64),)
    source_type: str = "enhanced"

    @classmethod
    def of(cls, plan: NegativePlan) -> NegativeWork:
        return cls(plan)

    @property
    def format(self) -> str | None:
        return self.plan.format

    @property
    def maps(self) -> tuple[str, ...]:
        return (CHANGE_ENDING,)

    @property
    def seed(self) -> int:
        return self.plan.seed

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        return (Stage("negate", "each pixel its negative", numbers or {}),)

    def ready(self, machine: Mapping[str, str]) -> NegativeWorker:
        self.loaded.append(machine)
        return NegativeWorker(self.plan)


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    NegativeWork.loaded.clear()


def run(scans: Path, output: Path, **options: Any) -> Any:
    return treat_files([scans], BatchOptions(output), NegativeWork(NegativePlan(**options)))


def test_any_work_gets_results_maps_records_and_a_ledger(scans: Path, tmp_path: Path) -> None:
    summary = run(scans, tmp_path / "out", seed=7)
    assert (len(summary.done), len(NegativeWork.loaded)) == (3, 1)
    for name in ("camera.png", "box/coffee.tif"):
        before, after = image_files.read(scans / name), image_files.read(tmp_path / "out" / name)
        torch.testing.assert_close(after.pixels, 1 - before.pixels, atol=1e-6, rtol=0)
        assert after.depth == before.depth
        record = read_treatment((tmp_path / "out" / name).with_suffix(RECORD_ENDING))
        assert (record.operation, record.seed, record.plan["seed"]) == ("negate", 7, 7)
        assert record.machine["precision"] == "float32"
        assert record.stages[0].numbers["changed_share"] > 0.9
        assert [one.name for one in record.evidence] == [Path(name).with_suffix(CHANGE_ENDING).name]
    assert not list((tmp_path / "out").rglob("*.damage.png"))


def test_nothing_is_loaded_for_a_finished_folder_and_all_for_another_plan(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "out")
    NegativeWork.loaded.clear()
    assert run(scans, tmp_path / "out").entries == ()
    assert NegativeWork.loaded == []
    assert len(run(scans, tmp_path / "out", seed=1).done) == 3


def test_two_operations_do_not_take_each_other_for_done(scans: Path, tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Other(NegativeWork):
        operation: ClassVar[str] = "other"

    run(scans, tmp_path / "out")
    summary = treat_files([scans], BatchOptions(tmp_path / "out"), Other(NegativePlan()))
    assert len(summary.done) == 3
    assert read_treatment(tmp_path / "out" / "pilot.treatment.json").operation == "other"


@pytest.mark.parametrize("moment", range(4))
def test_a_process_that_dies_between_two_steps_is_made_good(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """A page's steps are: change map, record, result, ledger."""
    run(scans, tmp_path / "calm")
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
            treat_files([scans], BatchOptions(tmp_path / "out", jobs=1), NegativeWork(NegativePlan()))
    assert len(run(scans, tmp_path / "out").done) == 3
    bytes_of = [
        {one.relative_to(folder): one.read_bytes() for one in folder.rglob("*.*") if one.suffix not in ("", ".jsonl")}
        for folder in (tmp_path / "calm", tmp_path / "out")
    ]
    assert bytes_of[0] == bytes_of[1]
    told = [json.loads(line)["source"] for line in (tmp_path / "out" / "ledger.jsonl").read_text().splitlines()]
    assert len(told) == len(set(told)) == 3


def test_a_replay_is_of_its_own_operation_and_on_the_machine_of_then(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "out", strength=0.4)
    NegativeWork.loaded.clear()
    done = replay_file(NegativeWork, tmp_path / "out" / "pilot.treatment.json", tmp_path / "again")
    assert done.result.read_bytes() == (tmp_path / "out" / "pilot.jpg").read_bytes()
    assert NegativeWork.loaded[0]["precision"] == "float32"
    from vasari.tasks.restore.replay import replay

    with pytest.raises(PlanError, match="no restored file") as caught:
        replay(tmp_path / "out" / "pilot.treatment.json")
    assert "vasari restore" in caught.value.remedy


@pytest.mark.parametrize("named", [[], ["negative", "another"]], ids=["too few", "too many"])
def test_a_record_of_another_number_of_models_is_refused(scans: Path, tmp_path: Path, named: list[str]) -> None:
    run(scans, tmp_path / "out")
    record = tmp_path / "out" / "pilot.treatment.json"
    values = json.loads(record.read_text(encoding="utf-8"))
    (model,) = values["models"]
    record.write_text(json.dumps({**values, "models": [{**model, "name": one} for one in named]}), encoding="utf-8")
    with pytest.raises(WeightsError, match=f"names {len(named)} models .*; its plan needs 1") as refused:
        replay_file(NegativeWork, record, tmp_path / "again")
    assert "as it was written" in refused.value.remedy
    assert not list((tmp_path / "again").glob("pilot.*"))


def test_a_worker_that_cannot_be_made_ends_the_batch_and_not_each_page(scans: Path, tmp_path: Path) -> None:
    class Broken(NegativeWork):
        def ready(self, machine: Mapping[str, str]) -> NegativeWorker:
            raise WeightsError("No.", remedy="none")

    with pytest.raises(WeightsError):
        treat_files([scans], BatchOptions(tmp_path / "out"), Broken(NegativePlan()))
    assert not (tmp_path / "out" / "ledger.jsonl").exists()


def test_a_failure_of_one_page_leaves_the_others(scans: Path, tmp_path: Path) -> None:
    class Picky(NegativeWorker):
        def treat(self, path: Path, *arguments: Any, **options: Any) -> Mapping[str, float]:
            if path.name == "camera.png":
                raise RuntimeError("no")
            return super().treat(path, *arguments, **options)

    class Work(NegativeWork):
        def ready(self, machine: Mapping[str, str]) -> NegativeWorker:
            return Picky(self.plan)

    seen: list[str] = []

    class Watch(Silent):
        def finished(self, entry: Any) -> None:
            seen.append(f"{Path(entry.source).name} {entry.status}")

    summary = treat_files([scans], BatchOptions(tmp_path / "out"), Work(NegativePlan()), Watch())
    assert [Path(one.source).name for one in summary.failed] == ["camera.png"]
    assert sorted(seen) == ["camera.png failed", "coffee.tif done", "pilot.jpg done"]


@pytest.mark.parametrize(
    "plan", [RestorePlan(), StylizePlan(), TranslatePlan(model="m.safetensors"), ColorizePlan(), InpaintPlan()]
)
def test_a_plan_as_then_has_the_precision_and_the_device_that_a_record_names(plan: Any) -> None:
    then = as_then(plan, {"precision": "bfloat16", "device": "cuda", "torch": "2.0", "threads": "61"})
    assert then == dataclasses.replace(plan, precision="bfloat16", device="cuda") != plan
    assert as_then(plan, {"device": "mps"}) == dataclasses.replace(plan, device="mps")
    assert as_then(plan, {}) == plan


def test_the_digest_of_models_tells_shares_and_order_apart() -> None:
    one, two = ModelFacts("a", "1" * 64, 0.3), ModelFacts("b", "2" * 64, 0.7)
    digests = {models_digest(both) for both in ((one, two), (two, one), (one,), ())}
    assert len(digests) == 4
    assert models_digest((one, two)) == models_digest((ModelFacts("other name", "1" * 64, 0.3), two))


def test_a_picture_in_memory_comes_out_as_its_file_does(tmp_path: Path) -> None:
    array = data.coffee()[:90, :130].astype(np.uint16) * 257
    picture = streams.as_picture(array)
    picture.save(tmp_path / "in.tif")
    made = streams.treat_picture(picture, Inverter(0.6), Manner(32, 64))
    work = NegativeWork(NegativePlan(strength=0.6))
    treat_files([tmp_path / "in.tif"], BatchOptions(tmp_path / "out"), work)
    read = image_files.read(tmp_path / "out" / "in.tif")
    torch.testing.assert_close(read.pixels, made.pixels, atol=1 / 65535, rtol=0)
    assert torch.equal(streams.as_picture(tmp_path / "in.tif").pixels, picture.pixels)


def test_a_plan_and_options_together_are_refused() -> None:
    assert streams.plan_of(NegativePlan, None, {"strength": 0.5}, "negate") == NegativePlan(strength=0.5)
    with pytest.raises(PlanError, match="a plan and the options strength"):
        streams.plan_of(NegativePlan, NegativePlan(), {"strength": 0.5}, "negate")


class ThreadedWorker(NegativeWorker):
    """Other bytes with another number of threads: what arithmetic may do, done each time."""

    machine = property(lambda self: machine_of(torch.device("cpu"), torch.float32))  # type: ignore[assignment]

    def treat(self, path: Path, page: int, outputs: Any, **options: Any) -> Mapping[str, float]:
        inverter = Inverter(self.plan.strength / torch.get_num_threads())
        return streams.treat_page(path, page, inverter, Manner(32, 64), outputs, **options).to_numbers()


class ThreadedWork(NegativeWork):
    def ready(self, machine: Mapping[str, str]) -> NegativeWorker:
        self.loaded.append(machine)
        return ThreadedWorker(self.plan)


def threaded(scans: Path, output: Path, threads: str, watch: Silent | None = None) -> Any:
    with threads_of({"threads": threads}):
        return treat_files([scans], BatchOptions(output, jobs=1), ThreadedWork(NegativePlan()), watch)


@pytest.fixture
def one_thread(scans: Path, tmp_path: Path) -> Path:
    """The record of a page that one thread treated."""
    threaded(scans / "pilot.jpg", tmp_path / "out", "1")
    return tmp_path / "out" / "pilot.treatment.json"


def test_a_replay_computes_with_the_threads_of_then(one_thread: Path, tmp_path: Path) -> None:
    assert read_treatment(one_thread).machine["threads"] == "1"
    with threads_of({"threads": "2"}):
        done = replay_file(ThreadedWork, one_thread, tmp_path / "again")
        assert torch.get_num_threads() == 2
    assert done.remarks == ()
    assert done.result.read_bytes() == (tmp_path / "out" / "pilot.jpg").read_bytes()


def changed(record: Path, machine: Mapping[str, str | None], **facts: Any) -> Path:
    """A record beside another, with other facts of the machine (None: not told) and of the result."""
    values = json.loads(record.read_text())
    values["machine"] = {key: one for key, one in {**values["machine"], **machine}.items() if one is not None}
    values["result"] |= facts
    path = record.with_name("changed.treatment.json")
    path.write_text(json.dumps(values))
    return path


def test_a_record_that_tells_no_threads_is_replayed_with_those_of_now(one_thread: Path, tmp_path: Path) -> None:
    old = changed(one_thread, {"threads": None})
    with threads_of({"threads": "1"}):
        assert replay_file(ThreadedWork, old, tmp_path / "again").remarks == ()
    with (
        threads_of({"threads": "2"}),
        pytest.raises(WriteError, match="not tell with how many .*; these were 2") as told,
    ):
        replay_file(ThreadedWork, old, tmp_path / "third")
    assert told.value.remedy == "replay with as many threads as then (try OMP_NUM_THREADS=1 first), or do the work anew"
    assert not (tmp_path / "third" / "pilot.jpg").exists()


def test_where_the_bytes_differ_a_replay_says_what_does(one_thread: Path, tmp_path: Path) -> None:
    elsewhere = changed(one_thread, {"torch": "1.0", "cpu": "PDP-11", "libvips": "7.0"}, sha256="0" * 64)
    with pytest.raises(WriteError, match="other bytes .* nothing was written. The same bytes need") as told:
        replay_file(ThreadedWork, elsewhere, tmp_path / "again")
    assert f"Torch was 1.0 and is {torch.__version__}." in str(told.value)
    assert "The processor's capability was PDP-11 and is" in str(told.value)
    for wanted in ("torch 1.0", "the processor's capability PDP-11", "libvips 7.0"):
        assert wanted in told.value.remedy
    with pytest.raises(WriteError, match="the same here; the processor may be of another kind") as told:
        replay_file(ThreadedWork, changed(one_thread, {}, sha256="0" * 64), tmp_path / "again")
    assert told.value.remedy == "replay on the machine of then, or do the work anew"


@pytest.mark.parametrize("threads", ["0", "-1", "two", "", "1025"])
def test_threads_that_nobody_has_are_refused(one_thread: Path, tmp_path: Path, threads: str) -> None:
    before = torch.get_num_threads()
    with pytest.raises(PlanError, match="a number from 1 to 1024 is needed"):
        replay_file(ThreadedWork, changed(one_thread, {"threads": threads}), tmp_path / "again")
    assert torch.get_num_threads() == before


def test_a_batch_goes_on_with_other_threads_and_does_nothing_twice(scans: Path, tmp_path: Path) -> None:
    class Died(BaseException):
        pass

    class Dying(Silent):
        def finished(self, entry: Any) -> None:
            raise Died

    with pytest.raises(Died):
        threaded(scans, tmp_path / "out", "1", Dying())
    (first,) = (tmp_path / "out").rglob(f"*{RECORD_ENDING}")
    before = first.read_bytes(), first.stat().st_mtime_ns
    summary = threaded(scans, tmp_path / "out", "2")
    assert (len(summary.already_done), len(summary.done)) == (1, 2)
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before
    records = (tmp_path / "out").rglob(f"*{RECORD_ENDING}")
    assert {read_treatment(path).machine["threads"]: path == first for path in records} == {"1": True, "2": False}
    NegativeWork.loaded.clear()
    assert threaded(scans, tmp_path / "out", "3").entries == ()
    assert NegativeWork.loaded == []
