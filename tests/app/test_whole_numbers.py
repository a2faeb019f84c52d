"""Whole numbers on the command line: their digits, never a rounding; everything else as before."""

from __future__ import annotations

from typing import Annotated

import pytest
from cyclopts import App, Parameter

from vasari.app.cli.main import main
from vasari.app.cli.whole_numbers import as_written
from vasari.foundation.errors import ExitCode, PlanError


def asked(
    *paths: str,
    jobs: Annotated[int, Parameter(help="a number")] = 3,
    seed: int | None = None,
    share: float = 1.0,
    trust: bool = False,
    names: list[str] | None = None,
) -> tuple[object, ...]:
    return paths, jobs, seed, share, trust, names


@pytest.fixture
def app() -> App:
    made = App(default_parameter=Parameter(converter=as_written), result_action="return_value")
    made.default(asked)
    return made


def test_options_are_read_as_they_were_written(app: App) -> None:
    given = ["a", "b", "--jobs", "12", "--seed", "-7", "--share", "1.5", "--trust", "--names", "x", "--names", "y"]
    assert app(given) == (("a", "b"), 12, -7, 1.5, True, ["x", "y"])
    assert app([]) == ((), 3, None, 1.0, False, None)


@pytest.mark.parametrize("written", ["1.5", "2.0", "many", ""])
@pytest.mark.parametrize("option", ["--jobs", "--seed"])
def test_a_whole_number_is_not_rounded(app: App, option: str, written: str) -> None:
    with pytest.raises(PlanError, match=f"^{option}='{written}' is not a whole number"):
        app([option, written])


@pytest.mark.parametrize(
    "command",
    [
        ["restore", "scan.tif", "-o", "out", "--jobs", "1.5"],
        ["restore", "scan.tif", "-o", "out", "--quality", "95.5"],
        ["generate", "generate-retro", "-o", "out", "--number", "2.5"],
        ["archive", "trends", "lightness_mean", "--draws", "1000.5"],
    ],
    ids=" ".join,
)
def test_every_command_refuses_a_broken_number(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == ExitCode.USAGE
    assert "is not a whole number" in capsys.readouterr().err
