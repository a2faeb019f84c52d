"""Progress of counted work: lines with the time left where there is no terminal, a bar where there is one."""

from __future__ import annotations

import io

import pytest

from vasari.app.cli import meters
from vasari.app.cli.meters import meter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr(meters.time, "monotonic", lambda: now[0])
    return now


def test_lines_come_now_and_then_with_the_time_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with meter("verifying", "files") as files:
        files.advance()
        clock[0] += 20
        files.show(1000, 3000, "a.tif")
        files.advance(500)
        clock[0] += 20
        files.advance(1500)
    assert capsys.readouterr().err.splitlines() == [
        "verifying: 1,000 of 3,000 files, about 40 s left",
        "verifying: 3,000 of 3,000 files",
    ]


def test_without_a_total_there_is_no_time_left(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with meter("copying", "rows") as rows:
        clock[0] += 11
        rows.advance(7)
        rows.failed("row 8 is torn")
    assert capsys.readouterr().err.splitlines() == ["copying: 7 rows", "row 8 is torn"]


def test_on_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with meter("measuring", "pictures") as pictures:
        pictures.expect(4)
        pictures.advance(name="a[b].tif")
        pictures.failed("c.tif: failed")
        pictures.show(4, name="d.tif")
    shown = terminal.getvalue()
    assert "c.tif: failed" in shown and "d.tif" in shown and "4/4" in shown
