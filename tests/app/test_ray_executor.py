"""Ray on two machines in one: everything once, lost workers replaced, and the bytes of the local engine."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from sqlalchemy import select
from torch import Tensor

from vasari.app.engines import EnginePlan, executor_of
from vasari.app.ray_executor import IN_HAND, LOSSES, RayExecutor
from vasari.archive.indexing import index
from vasari.archive.ingest.adding import add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.schema import FEATURES
from vasari.archive.store import Archive
from vasari.foundation.errors import MissingExtraError, PlanError, VasariError, WeightsError
from vasari.foundation.execute import in_order
from vasari.foundation.ledgers import FAILED, Ledger
from vasari.tasks.batch.terms import BatchOptions
from vasari.tasks.evaluate.evaluating import evaluate
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.evaluate.plan import EvaluatePlan
from vasari.tasks.restore.batch import restore_files
from vasari.tasks.restore.plan import RestorePlan


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers, and notes each try in `folder`; `once` and `always` end the process that touches them."""

    folder: Path
    once: frozenset[int] = frozenset()
    always: frozenset[int] = frozenset()
    refused: str = ""

    def ready(self) -> Callable[[int], int | str]:
        if self.refused:
            raise WeightsError(self.refused, remedy="a remedy that must come along")
        return self.double

    def double(self, number: int) -> int | str:
        tried = self.folder / f"{number}-{time.time_ns()}-{os.getpid()}"
        first = not any(self.folder.glob(f"{number}-*"))
        tried.touch()
        if number in self.always or (number in self.once and first):
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * number

    def lost(self, item: int, error: VasariError) -> str:
        return f"{item} lost: {error.message}"


@pytest.fixture
def cluster(cluster: str) -> str:
    """The cluster of all tests, whose workers are told the assignments of this file."""
    import ray

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    return cluster


def test_lost_workers_are_replaced_and_poison_is_told(cluster: str, tmp_path: Path) -> None:
    assignment = Doubling(tmp_path, once=frozenset({3, 8}), always=frozenset({5}))
    with RayExecutor(cluster) as executor:
        records = list(executor.map(assignment, range(10)))
    numbers = [one for one in records if isinstance(one, int)]
    assert sorted(numbers) == [2 * one for one in range(10) if one != 5]
    (poison,) = (one for one in records if isinstance(one, str))
    assert poison.startswith("5 lost: It ended 5 workers")
    tries = Counter(int(name.split("-")[0]) for name in os.listdir(tmp_path))
    assert tries[3] == tries[8] == 2
    assert LOSSES <= tries[5] <= LOSSES + 1, "at most once it had another beside it; since then it went alone"
    assert all(1 <= tries[one] <= 2 for one in range(10) if one != 5), "a record may be lost with the worker, once"


def test_few_items_are_taken_ahead_and_an_early_end_ends_the_workers(cluster: str, tmp_path: Path) -> None:
    taken: list[int] = []

    def items() -> Iterable[int]:
        for one in itertools.count():
            taken.append(one)
            yield one

    with RayExecutor(cluster) as executor:
        with closing(in_order(executor, Doubling(tmp_path), items())) as records:
            assert list(itertools.islice(records, 20)) == [2 * one for one in range(20)]
        # Those in hand, those that wait for a hand, and what one worker did while the other lagged behind.
        workers = {int(name.split("-")[2]) for name in os.listdir(tmp_path)}
        done = len({name.split("-")[0] for name in os.listdir(tmp_path)})
        assert len(taken) <= done + 2 * (IN_HAND + 1) + 1  # and that of a worker for whom there is no machine
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{one}").exists() for one in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [one for one in workers if Path(f"/proc/{one}").exists()]


def test_what_cannot_be_made_ready_ends_the_batch_with_its_remedy(cluster: str, tmp_path: Path) -> None:
    with (
        RayExecutor(cluster) as executor,
        pytest.raises(WeightsError, match="no such weights") as told,
    ):
        list(executor.map(Doubling(tmp_path, refused="There are no such weights."), [1]))
    assert told.value.remedy == "a remedy that must come along"


@pytest.mark.usefixtures("one_thread")
def test_restored_by_workers_as_here(
    cluster: str, scans: Path, tiny_restorer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    Image.open(scans / "camera.png").save(scans / "again.png")
    (scans / "broken.jpg").write_bytes((scans / "pilot.jpg").read_bytes()[:300])
    plan = RestorePlan(model=str(tiny_restorer), evidence=True)
    here = restore_files([scans], BatchOptions(tmp_path / "here", jobs=1), plan)
    with RayExecutor(cluster) as executor:
        there = restore_files([scans], BatchOptions(tmp_path / "there"), plan, executor=executor)
        again = restore_files([scans], BatchOptions(tmp_path / "there"), plan, executor=executor)
    assert len(here.done) == len(there.done) == len(again.already_done) == 4
    assert [Path(one.source).name for one in there.failed] == ["broken.jpg"]
    assert there.failed[0].error == here.failed[0].error
    assert _bytes(tmp_path / "there") == _bytes(tmp_path / "here")
    assert not list((tmp_path / "there" / ".vasari").glob("work*"))
    known = Ledger(tmp_path / "there").entries.values()
    assert sum(one.status == FAILED for one in known) == 1


def test_measured_and_scored_by_workers_as_here(cluster: str, scans: Path, tmp_path: Path) -> None:
    (scans / "broken.jpg").write_bytes((scans / "pilot.jpg").read_bytes()[:300])
    vectors = []
    for name, place in (("here", None), ("there", cluster)):
        with Archive.create(tmp_path / name) as archive, closing_executor(place) as executor:
            add(archive, [str(scans)], AddPlan())
            found = index(archive, ["color", "edges"], executor=executor)
            assert (found.measured, found.failures) == (3, [])
            with archive.reading() as connection:
                rows = connection.execute(select(FEATURES).order_by(FEATURES.c.content, FEATURES.c.name))
                vectors.append([tuple(row) for row in rows])
    assert len(vectors[0]) == 6
    for mine, other in zip(*vectors):
        assert mine[:-1] == other[:-1]
        # A worker has one thread, this process all of them: sums are rounded in another order.
        np.testing.assert_allclose(*(np.frombuffer(one[-1], np.float32) for one in (mine, other)), rtol=1e-4, atol=1e-5)
    here = evaluate(scans, None, EvaluatePlan())
    told: list[int] = []
    with closing_executor(cluster) as executor:
        there = evaluate(scans, None, EvaluatePlan(), advance=lambda done, all: told.append(done), executor=executor)
    assert there.methods == here.methods
    assert [name for name, _ in there.methods[0].failed] == ["broken"]
    assert told == [1, 2, 3, 4]


@pytest.mark.slow
def test_sets_are_compared_by_the_features_that_workers_make(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = (data.astronaut(), data.coffee(), data.chelsea())
    for name, offset in (("made", 0), ("true", 60)):
        (tmp_path / name).mkdir()
        for number, source in enumerate(sources * 2):
            crop = source[offset : offset + 160, 30 * number : 30 * number + 160]
            Image.fromarray(np.ascontiguousarray(crop)).save(tmp_path / name / f"{name}-{number}.png")
    (tmp_path / "made" / "broken.png").write_bytes(b"no picture")
    found = []
    for place in (None, cluster):
        plan = EvaluatePlan(mode="sets", cache=str(tmp_path / f"cache-{place is None}"))
        with closing_executor(place) as executor, monkeypatch.context() as patch:
            if place:
                patch.setattr(Comparer, "features", _of_nothing)  # in this process, not in the workers
            (method,) = evaluate(tmp_path / "made", tmp_path / "true", plan, executor=executor).methods
        found.append(method)
    here, there = found
    assert here.failed == there.failed and [name for name, _ in there.failed] == ["broken"]
    assert [one.metric for one in here.scores] == [one.metric for one in there.scores]
    values = [[one.value for one in x.scores] for x in found]
    np.testing.assert_allclose(values[1], values[0], rtol=1e-3, atol=1e-6)


def _of_nothing(comparer: Comparer, squares: Tensor, made: Callable[..., Tensor] = Comparer.features) -> Tensor:
    """Features of a black square, by which their number is found; of no picture."""
    assert not squares.any(), "features were made by the process that leads"
    return made(comparer, squares)


def closing_executor(address: str | None) -> AbstractContextManager[RayExecutor | None]:
    """The executor of an address; None for none."""
    return nullcontext() if address is None else RayExecutor(address)


def _bytes(folder: Path) -> dict[str, bytes]:
    """Everything in an output folder but the ledger, whose lines tell seconds."""
    files = (one for one in folder.rglob("*") if one.is_file() and ".vasari" not in one.parts)
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in files if one.name != "ledger.jsonl"}


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(PlanError, match="not understood"):
        RayExecutor(address)


def test_a_cluster_needs_its_engine() -> None:
    with pytest.raises(PlanError, match="not its engine"):
        EnginePlan(address="auto")
    with executor_of(EnginePlan()) as executor:
        assert executor is None


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        executor_of(EnginePlan("ray")) as executor,
        pytest.raises(MissingExtraError) as told,
    ):
        assert executor is not None
        list(executor.map(Doubling(Path()), [1]))
    assert "vasari[cluster]" in told.value.remedy
