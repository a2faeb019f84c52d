"""Turns of previews: one at a time, in order, and of a visitor only the newest; things kept between requests."""

from __future__ import annotations

import threading
import time

import pytest

from vasari.app.web import preview_models
from vasari.app.web.errors import Refusal
from vasari.app.web.preview_models import Kept, PreviewModels, Turns
from vasari.foundation.errors import PlanError


def _ask(turns: Turns, name: str, label: str, log: list[str]) -> threading.Thread:
    """A request in a thread, which has taken its ticket when this returns."""
    before = turns._tickets

    def work() -> None:
        with turns.turn(name) as mine:
            log.append(f"{label} {'made' if mine else 'dropped'}")

    thread = threading.Thread(target=work)
    thread.start()
    while turns._tickets == before:
        time.sleep(0.001)
    return thread


def test_of_what_a_visitor_asks_only_the_newest_is_made() -> None:
    turns, log = Turns(), list[str]()
    with turns.turn("ada") as mine:
        assert mine
        first = _ask(turns, "ada", "first", log)
        other = _ask(turns, "bob", "other", log)
        second = _ask(turns, "ada", "second", log)
        first.join(5)  # dropped while another is still at work
        assert log == ["first dropped"]
    for thread in (other, second):
        thread.join(5)
    assert log == ["first dropped", "other made", "second made"]


def test_a_turn_that_fails_is_given_on() -> None:
    turns = Turns()
    with pytest.raises(PlanError), turns.turn("ada"):
        raise PlanError("No.", remedy="yes")
    with turns.turn("ada") as mine:
        assert mine


def test_two_previews_never_run_at_once() -> None:
    turns, inside, most = Turns(), 0, 0
    lock = threading.Lock()

    def work(name: str) -> None:
        nonlocal inside, most
        for _ in range(20):
            with turns.turn(name) as mine:
                if mine:
                    with lock:
                        inside += 1
                        most = max(most, inside)
                    time.sleep(0.0002)
                    with lock:
                        inside -= 1

    threads = [threading.Thread(target=work, args=(str(number % 3),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads) and most == 1


def test_what_can_wait_comes_after_previews_and_is_never_dropped() -> None:
    turns, log = Turns(), list[str]()

    def patient(label: str) -> threading.Thread:
        before = turns._tickets

        def work() -> None:
            with turns.patient_turn():
                log.append(label)

        thread = threading.Thread(target=work)
        thread.start()
        while turns._tickets == before:
            time.sleep(0.001)
        return thread

    with turns.turn("ada"):
        threads = [patient("swatch 1"), patient("swatch 2"), _ask(turns, "bob", "preview", log)]
    for thread in threads:
        thread.join(5)
    assert log == ["preview made", "swatch 1", "swatch 2"]


def test_only_some_may_wait_behind_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that waits holds a thread, and there are forty for all pages and tiles."""
    monkeypatch.setattr(preview_models, "MOST_PATIENT", 1)
    turns = Turns()

    def wait() -> None:
        with turns.patient_turn():
            pass

    with turns.turn("ada"):
        before, waiting = turns._tickets, threading.Thread(target=wait)
        waiting.start()
        while turns._tickets == before:
            time.sleep(0.001)
        with pytest.raises(Refusal) as refused, turns.patient_turn():
            pass
    waiting.join(5)
    assert refused.value.status == 503 and not waiting.is_alive()


def test_what_is_kept_is_made_once_and_the_oldest_goes() -> None:
    kept, made = Kept(2), list[str]()

    def make(key: str) -> str:
        made.append(key)
        return key.upper()

    for key in ("a", "b", "a", "c", "a", "b"):
        assert kept.of(key, lambda key=key: make(key)) == key.upper()  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]


def test_latencies_are_told_as_their_median() -> None:
    models = PreviewModels()
    assert models.median_seconds("restore") is None
    with models.measured("restore") as seconds:
        time.sleep(0.01)
        assert seconds() >= 0.01
    found = models.median_seconds("restore")
    assert found is not None and 0.01 <= found < 5


def test_networks_warm_up_once_and_a_failure_may_be_tried_again() -> None:
    models, calls = PreviewModels(), list[int]()
    ready = threading.Event()

    def load() -> None:
        calls.append(1)
        ready.set()

    models.warm("restore", load)
    assert ready.wait(5)
    models.warm("restore", load)
    time.sleep(0.05)
    assert calls == [1]

    def fail() -> None:
        calls.append(2)
        raise PlanError("No weights.", remedy="install them")

    for count in (1, 2):
        models.warm("style", fail)
        for _ in range(500):
            if calls.count(2) == count and "style" not in models._warming:
                break
            time.sleep(0.01)
    assert calls == [1, 2, 2]
