"""A run that was killed goes on: what was measured is not measured again, and a torn line is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vasari.foundation.errors import PictureError, PlanError
from vasari.tasks.benchmark.cases import Case, Cases, as_saved
from vasari.tasks.benchmark.ledger import Ledger
from vasari.tasks.benchmark.measures import Likeness
from vasari.tasks.benchmark.methods import Method, nothing_done
from vasari.tasks.benchmark.running import Contest, Row, measured


def cases(count: int = 4, shift: float = 0.0) -> Cases:
    def each() -> Iterator[Case]:
        for index in range(count):
            truth = as_saved(torch.rand(3, 24, 20, generator=torch.Generator().manual_seed(index)))
            yield Case(f"c{index}", f"c{index}", {"kind": "all"}, as_saved(truth * 0.9 + shift), truth)

    return Cases(count, each)


class Counting:
    """A way that counts its pictures, and stops the process at one of them."""

    def __init__(self, stops_at: int = -1) -> None:
        self.made: list[str] = []
        self.stops_at = stops_at

    def __call__(self, case: Case) -> torch.Tensor:
        if len(self.made) == self.stops_at:
            raise KeyboardInterrupt
        self.made.append(case.name)
        return (case.given / 0.9).clamp(0, 1)

    def method(self, key: str = "k") -> Method:
        return Method("ours", key, self, "")


def contest(folder: Path, way: Method, **more: bool) -> Contest:
    return Contest((nothing_done(), way), (), Likeness(), folder, **more)


def values(rows: list[Row]) -> list[tuple[str, str, dict[str, float] | None]]:
    return [(row.method, row.case, row.scores) for row in rows]


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = measured(cases(), contest(tmp_path / "whole", Counting().method()))
    with pytest.raises(KeyboardInterrupt):
        measured(cases(), contest(tmp_path / "run", Counting(stops_at=2).method()))
    with (tmp_path / "run" / "scores.jsonl").open("ab") as file:
        file.write(b'{"key": "torn')
    rest = Counting()
    rows = measured(cases(), contest(tmp_path / "run", rest.method()))
    assert rest.made == ["c2", "c3"] and values(rows) == values(whole)
    again = Counting()
    assert values(measured(cases(), contest(tmp_path / "run", again.method()))) == values(whole)
    assert again.made == []


def test_other_weights_and_other_pictures_are_measured_anew(tmp_path: Path) -> None:
    measured(cases(), contest(tmp_path, Counting().method()))
    other = Counting()
    measured(cases(), contest(tmp_path, other.method("other weights")))
    assert len(other.made) == 4
    moved = Counting()
    measured(cases(shift=0.05), contest(tmp_path, moved.method()))
    assert len(moved.made) == 4


def test_pictures_are_kept_where_asked_for(tmp_path: Path) -> None:
    measured(cases(2), contest(tmp_path, Counting().method(), keep=True))
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")}
    parts = ("given", "truth", "results/given", "results/ours")
    assert found == {f"{part}/c{index}.png" for part in parts for index in range(2)}
    first = next(cases().each())
    written = np.asarray(Image.open(tmp_path / "given" / "c0.png"))
    assert np.array_equal(written, np.rint(first.given.permute(1, 2, 0).numpy() * 255))


def test_a_picture_that_fails_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    def make(case: Case) -> torch.Tensor:
        if case.name == "c1":
            raise PictureError("It is too odd.", remedy="none")
        return case.given

    rows = measured(cases(3), Contest((Method("ours", "k", make, ""),), (), Likeness(), tmp_path))
    assert [(row.case, row.failed) for row in rows if row.scores is None] == [("c1", "It is too odd.")]
    assert sum(row.scores is not None for row in rows) == 2


def test_nothing_to_measure_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="nothing to measure"):
        measured(cases(0), contest(tmp_path, Counting().method()))


def test_a_ledger_passes_over_lines_that_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text('nonsense\n[1]\n{"key": "a", "scores": {"psnr": null}}\n')
    with Ledger(path) as ledger:
        found = ledger.get("a")
        assert found is not None and np.isnan(found["scores"]["psnr"]) and ledger.get("b") is None
        ledger.put("b", {"psnr": 1.5})
    with Ledger(path) as ledger:
        assert ledger.get("b") == {"scores": {"psnr": 1.5}}
