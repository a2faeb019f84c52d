"""What is done beside other work: again and again, and never after."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from vasari.foundation import repeating as module
from vasari.foundation.repeating import repeating


def test_it_is_done_until_the_block_is_left() -> None:
    calls = threading.Semaphore(0)
    done: list[int] = []

    def do() -> None:
        done.append(len(done))
        calls.release()

    with repeating(0.001, do):
        for _ in range(3):
            assert calls.acquire(timeout=20)
    assert len(done) >= 3 and not [one for one in threading.enumerate() if one.name == "vasari-repeating"]


def test_what_takes_long_is_done_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((0.0, 2.0))  # it takes two seconds
    waits: list[float] = []

    class Event:
        def wait(self, seconds: float) -> bool:
            waits.append(seconds)
            return len(waits) == 2

        def set(self) -> None:
            """Nothing: it ends by itself."""

    monkeypatch.setattr(module.time, "monotonic", lambda: next(times))
    monkeypatch.setattr(module, "threading", SimpleNamespace(Event=Event, Thread=threading.Thread))
    with repeating(30.0, lambda: None):
        pass
    assert waits == [30.0, pytest.approx(40.0)]
