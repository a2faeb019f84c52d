"""Features that others make: the same numbers, nothing twice, and no picture opened that took workers down."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.foundation.errors import WorkerLostError
from vasari.foundation.execute import Assignment
from vasari.tasks.data import entries
from vasari.tasks.evaluate.evaluating import evaluate
from vasari.tasks.evaluate.plan import EvaluatePlan


class Losing:
    """An executor whose workers end with any picture called poison; `asked` is what it was given."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def map(self, assignment: Assignment, items: Iterable[Any]) -> Generator[Any, None, None]:
        do = assignment.ready()
        for item in items:
            self.asked.append(item.stem)
            if item.stem == "poison":
                yield assignment.lost(item, WorkerLostError("It ended 3 workers.", remedy="treat it alone"))
            else:
                yield do(item)


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders of eight pictures; the first with a poison and a damaged one as well."""
    for name, offset in (("made", 0), ("true", 60)):
        (tmp_path / name).mkdir()
        for number, source in enumerate((data.astronaut(), data.coffee(), data.chelsea(), data.rocket()) * 2):
            crop = source[offset : offset + 96, 20 * number : 20 * number + 96]
            Image.fromarray(np.ascontiguousarray(crop)).save(tmp_path / name / f"{name}-{number}.png")
    made = tmp_path / "made"
    (made / "poison.png").write_bytes((made / "made-0.png").read_bytes() + b" ")
    (made / "torn.png").write_bytes(b"no picture")
    return made, tmp_path / "true"


def test_features_of_workers_give_the_same_distances(sets: tuple[Path, Path], tmp_path: Path) -> None:
    first, again = Losing(), Losing()
    plan = EvaluatePlan(mode="sets", cache=str(tmp_path / "there"))
    (there,) = evaluate(*sets, plan, executor=first).methods
    assert sorted(there.failed)[0] == ("poison", "It ended 3 workers.")
    assert [name for name, _ in there.failed] == ["poison", "torn"]
    assert len(first.asked) == 18
    evaluate(*sets, plan, executor=again)
    assert sorted(again.asked) == ["poison", "torn"]
    (sets[0] / "poison.png").unlink()
    (here,) = evaluate(*sets, EvaluatePlan(mode="sets", cache=str(tmp_path / "here"))).methods
    assert [name for name, _ in here.failed] == ["torn"]
    assert [one.metric for one in there.scores] == [one.metric for one in here.scores]
    mine, others = ([one.value for one in x.scores] for x in (there, here))
    np.testing.assert_allclose(mine, others, rtol=1e-4, atol=1e-7)


def test_a_file_over_the_limit_fails_alone(
    sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = max(one.stat().st_size for folder in sets for one in folder.iterdir())
    monkeypatch.setattr(entries, "MAX_FILE_BYTES", largest)
    (sets[0] / "huge.png").write_bytes(bytes(largest + 1))
    executor = Losing()
    plan = EvaluatePlan(mode="sets", cache=str(tmp_path / "there"))
    (method,) = evaluate(*sets, plan, executor=executor).methods
    reasons = dict(method.failed)
    assert sorted(reasons) == ["huge", "poison", "torn"] and "more than" in reasons["huge"]
    assert "huge" not in executor.asked and len(executor.asked) == 18
