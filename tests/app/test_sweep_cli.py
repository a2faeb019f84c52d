"""`vasari sweep`: what it lists, refuses, reports, and its exit codes; the sweeps themselves are in tests/tasks."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from vasari.app.cli.main import main
from vasari.foundation.runs import RunFolder
from vasari.tasks.sweep.outcomes import FAILED, FINISHED, Outcome, run_folder, write_outcome
from vasari.tasks.sweep.plan import read_sweep
from vasari.tasks.sweep.trials import runs

ROOT = Path(__file__).resolve().parents[2]
PLAN = 'recipe = "hinge"\nseeds = 2\n[axes]\n"train.optimizer" = ["adam", "sgd"]\n'


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def ended(plan: Path, folder: Path, failed: int) -> None:
    """A sweep's folder as if all runs were over; the last `failed` of them failed."""
    planned = runs(read_sweep(plan), ("photos",))
    for place, run in enumerate(planned):
        path = run_folder(folder, run.key)
        path.mkdir(parents=True)
        lost = place >= len(planned) - failed
        values = {} if lost else {"kernel_distance": 1.0 + place}
        RunFolder(path).log({"images_seen": 8, "validation": values})
        write_outcome(folder, run.key, Outcome(FAILED if lost else FINISHED, values, 8, error="burst" if lost else ""))


@pytest.mark.parametrize(("failed", "code"), [(0, 0), (1, 3), (4, 1)])
def test_the_report_and_its_exit_code(
    failed: int, code: int, plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sweep"
    ended(plan, folder, failed)
    command = ["sweep", str(plan), "--data", "photos", "-o", str(folder), "--report"]
    assert main([*command, "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["counts"]["failed"] == failed and Path(told["report"]).is_file()
    assert (told["best"] is None) == (code == 1)
    assert main(command) == code
    assert ("adam" in capsys.readouterr().out) == (failed < 5)


def test_a_plan_is_looked_over(plan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    assert main(["sweep", str(plan), "--data", str(folder), "--check"]) == 1
    assert "pictures" in capsys.readouterr().err
    plan.write_text(PLAN.replace("train.optimizer", "train.optimiser"))
    assert main(["sweep", str(plan), "--data", str(folder), "-o", str(tmp_path / "sweep")]) == 2
    assert "did you mean train.optimizer" in capsys.readouterr().err
    assert not (tmp_path / "sweep").exists()


def test_wrong_usage(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(plan), "--data", "photos", "--report"]) == 2
    assert "-o SWEEP" in capsys.readouterr().err
    assert main(["sweep", str(plan), "--data", "photos", "-o", "x", "--jobs", "0"]) == 2
    assert main(["sweep", "nothing.toml", "--data", "photos", "-o", "x"]) == 2
    assert "nothing.toml" in capsys.readouterr().err


def page_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("optimizers_page", ROOT / "benchmarks" / "optimizers_page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_plans_that_ship_are_sound_and_make_their_page(tmp_path: Path) -> None:
    from vasari.tasks.sweep.checking import METRICS, check_keys, judged

    for name in ("generate", "restore"):
        asked = read_sweep(ROOT / "benchmarks" / "sweeps" / f"{name}.toml")
        planned = runs(asked, ("data",))
        assert len({run.trial.name for run in planned}) == 36
        check_keys(asked, ("adversarial",))
        found = judged(asked)
        assert found.metric in METRICS[name]
        folder = tmp_path / name
        folder.mkdir()
        (folder / "plan.toml").write_text('data = ["data"]\n')
        for place, run in enumerate(planned):
            path = run_folder(folder, run.key)
            path.mkdir(parents=True)
            write_outcome(folder, run.key, Outcome(FINISHED, {found.metric: place / 7.0}, 8))
    write = ["--generate", str(tmp_path / "generate"), "--restore", str(tmp_path / "restore")]
    page_script().main([*write, "--docs", str(tmp_path / "docs")])
    page = (tmp_path / "docs" / "optimizers.md").read_text()
    assert page.count("### By optimizer") == 2 and "Best: `" in page
    assert len(list((tmp_path / "docs" / "images").glob("sweep-*.svg"))) == 6
    # Of a sweep that has not tried everything, nothing is said to be best.
    for run in (planned[0], *planned[36:]):
        (run_folder(tmp_path / "restore", run.key) / "outcome.json").unlink()
    page_script().main([*write, "--docs", str(tmp_path / "docs")])
    page = (tmp_path / "docs" / "optimizers.md").read_text()
    assert page.count("### By optimizer") == 1 and "35 of 36 combinations" in page
