"""Progress of a batch: the time left is told in lines and in a bar, and not before there is something to tell."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from vasari.app.cli.messages import duration
from vasari.app.cli.progress import Bar, Lines
from vasari.foundation.ledgers import DONE, FAILED, Entry, Stamp
from vasari.foundation.pace import work_of

SIZES = {"a-thumbnail.png": 2_000, "b-scan.tif": 36_000_000, "c-scan.tif": 36_000_000}
SECONDS = {"a-thumbnail.png": 0.1, "b-scan.tif": 40.0, "c-scan.tif": 40.0}


def steps(watch: Lines | Bar, failing: str = "") -> Iterator[str]:
    """A thumbnail and two scans, in ten steps each, by the watch's own clock; the name after each step."""
    now = 0.0
    watch.tally.clock = lambda: now
    watch.begin(len(SIZES), sum(work_of(Path(name), size) for name, size in SIZES.items()), 0)
    for name, size in SIZES.items():
        for tenth in range(1, 11):
            now += SECONDS[name] / 10
            if name != failing:
                watch.advance(Path(name), 0, tenth / 10, work_of(Path(name), size))
            yield name
        entry = Entry(DONE, name, source_stamp=Stamp("", size, 0), result=name)
        if name == failing:
            entry = Entry(FAILED, name, source_stamp=Stamp("", size, 0), error="It is torn.", remedy="scan it again")
        watch.finished(entry)


def test_lines_tell_it_once_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines() as lines:
        assert len(list(steps(lines))) == 30
    assert capsys.readouterr().err.splitlines() == [
        "[1] a-thumbnail.png -> a-thumbnail.png",
        "[2] b-scan.tif -> b-scan.tif, about 40 s left",
        "[3] c-scan.tif -> c-scan.tif",
    ]


def test_the_bar_tells_it_once_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    told = []
    with Bar("restoring") as bar:
        for name in steps(bar, failing="c-scan.tif"):
            told.append((name, bar.progress.tasks[0].fields["left"], bar.tally.seconds_left()))
            bar.progress.refresh()
    assert {left for name, left, _ in told if name == "a-thumbnail.png"} == {""}
    for step, (left, seconds) in enumerate((left, seconds) for name, left, seconds in told if name == "b-scan.tif"):
        assert step == 0 or (seconds == pytest.approx(76 - 4 * step, rel=0.05) and left == f"{duration(seconds)} left")
    shown = terminal.getvalue()
    assert " s left" in shown and "c-scan.tif: failed. It is torn." in shown and "100%" in shown
