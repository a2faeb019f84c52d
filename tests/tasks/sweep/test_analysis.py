"""What outcomes say, beside sums by hand; and the drawings and tables made of it."""

from __future__ import annotations

import itertools
import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from vasari.tasks.evaluate.intervals import holm
from vasari.tasks.sweep.analysis import cell_means, findings
from vasari.tasks.sweep.checking import Judged
from vasari.tasks.sweep.outcomes import FAILED, FINISHED, PRUNED, Outcome, read_outcome, write_outcome
from vasari.tasks.sweep.plan import read_sweep
from vasari.tasks.sweep.report import write_report
from vasari.tasks.sweep.running import Swept
from vasari.tasks.sweep.trials import runs

PLAN = """
recipe = "tiny.toml"
seeds = 4
[axes]
"train.optimizer" = ["sgd", "adam", "lion"]
"objective.adversarial" = ["bce", "hinge"]
"""
EFFECTS = {"sgd": 5.0, "adam": 1.0, "lion": 1.5, "bce": 0.0, "hinge": 0.3}


@pytest.fixture
def swept(written: Callable[[str], Path], tmp_path: Path) -> Swept:
    """A sweep judged by a number that is less where better; lion with hinge fails once and is pruned once."""
    asked, rng = read_sweep(written(PLAN)), np.random.default_rng(2)
    planned = tuple(runs(asked, ("data",)))
    outcomes = {}
    for run in planned:
        value = sum(EFFECTS[label] for label in run.trial.labels.values()) + 0.1 * rng.normal()
        outcomes[run.key] = Outcome(FINISHED, {"kernel_distance": value}, 32, 1.0, 2.0, 10**8)
    lion = [run.key for run in planned if run.trial.name == "lion hinge"]
    outcomes[lion[0]] = Outcome(FAILED, {}, 8, troubles=("divergence",), error="not finite")
    outcomes[lion[1]] = Outcome(PRUNED, {"kernel_distance": 9.0}, 16)
    return Swept(asked, tmp_path / "swept", ("data",), Judged("kernel_distance", "min"), planned, outcomes)


def values(swept: Swept, *labels: str) -> dict[int, float]:
    return {
        run.seed: swept.outcomes[run.key].metrics["kernel_distance"]
        for run in swept.runs
        if list(run.trial.labels.values()) == list(labels) and swept.outcomes[run.key].state == FINISHED
    }


def test_trials_are_ranked_and_tested_against_the_best(swept: Swept) -> None:
    found = findings(swept).trials
    assert [one.trial.name for one in found[:4]] == ["adam bce", "adam hinge", "lion bce", "sgd bce"]
    assert found[-1].trial.name == "lion hinge"  # of which fewer seeds finished: not ranked before whole ones
    last = found[-1]
    assert (last.finished, last.failed, last.pruned, last.last) == (2, 1, 1, 9.0)
    assert last.troubles == {"divergence": 1}
    best = list(values(swept, "adam", "bce").values())
    assert found[0].mean == pytest.approx(np.mean(best)) and math.isnan(found[0].p)
    half = stats.t.ppf(0.975, 3) * stats.sem(best)
    assert found[0].interval.high - found[0].mean == pytest.approx(half, rel=1e-4)
    raw = [
        stats.ttest_ind(best, list(values(swept, *one.trial.labels.values()).values()), equal_var=False).pvalue
        for one in found[1:]
    ]
    assert [one.p for one in found[1:]] == pytest.approx(raw)
    assert [one.adjusted for one in found[1:]] == pytest.approx(holm(raw))


def test_an_axis_is_judged_by_runs_that_differ_in_it_alone(swept: Swept) -> None:
    axis = findings(swept).axes["train.optimizer"]
    assert [one.label for one in axis] == ["adam", "lion", "sgd"]
    adam, lion, sgd = axis
    assert adam.pairs == 0 and math.isnan(adam.p)
    assert (lion.pairs, lion.failed, lion.pruned, lion.ended) == (6, 1, 1, 8)
    pairs = [
        values(swept, "sgd", kind)[seed] - values(swept, "adam", kind)[seed]
        for kind, seed in itertools.product(("bce", "hinge"), range(4))
    ]
    assert sgd.difference == pytest.approx(np.mean(pairs)) and sgd.pairs == 8
    assert sgd.p == pytest.approx(2 / 2**8)  # all eight of one sign: two of 256 ways
    assert sgd.adjusted == pytest.approx(2 * sgd.p)
    assert sgd.interval.low < np.mean(pairs) < sgd.interval.high


def test_cells_tell_their_mean_and_what_was_lost(swept: Swept) -> None:
    cells = cell_means(swept, "train.optimizer", "objective.adversarial")
    assert cells["lion", "hinge"][1:] == (2, 2)
    assert cells["sgd", "bce"] == (pytest.approx(np.mean(list(values(swept, "sgd", "bce").values()))), 4, 0)


def test_the_report_is_whole(swept: Swept) -> None:
    page = write_report(swept).read_text()
    assert "<script" not in page and "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "adam bce" in page and "not finite" in page
    drawn = sorted((swept.folder / "drawings").glob("*.svg"))
    assert len(drawn) == 3
    for one in drawn:
        assert ElementTree.parse(one).getroot().tag.endswith("svg")
    told = json.loads((swept.folder / "report.json").read_text())
    assert told["best"] == {"train.optimizer": "adam", "objective.adversarial": "bce"}
    assert told["counts"] == {
        "runs": 24, "finished": 22, "pruned": 1, "failed": 1, "not_run": 0, "images": 22 * 32 + 24, "seconds": 44.0
    }  # fmt: skip
    assert len((swept.folder / "runs.csv").read_text().splitlines()) == 25
    assert "| 1 | adam | bce |" in (swept.folder / "report.md").read_text()


def test_a_sweep_without_a_finished_run_says_so(swept: Swept) -> None:
    none = Swept(swept.sweep, swept.folder, swept.data, swept.judged, swept.runs, {})
    assert "No run finished" in write_report(none).read_text()
    assert not (swept.folder / "chosen.toml").exists()


def test_outcomes_are_read_as_they_were_written(tmp_path: Path) -> None:
    outcome = Outcome(FAILED, {"psnr": math.inf, "ssim": 0.5}, 32, 1.5, 2.5, 7, 1, ("divergence",), "why")
    write_outcome(tmp_path, "key", outcome)
    again = read_outcome(tmp_path, "key")
    assert again is not None and math.isnan(again.metrics["psnr"]) and again.metrics["ssim"] == 0.5
    assert again.troubles == ("divergence",) and again.error == "why"
    assert read_outcome(tmp_path, "other") is None
