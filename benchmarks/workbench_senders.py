"""Patient clients of a workbench that is killed beneath them: they send a picture, ask for a job, wait for its end."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from vasari.app.client import Workbench, WorkbenchError

T = TypeVar("T")
#: One picture in so many is painted over, which loads a network's library first; the others come into the archive.
EACH = 6
#: What a picture goes through: its life.
PHASES = ("sending", "asking", "queued", "running", "between")


def picture(number: int, side_px: int = 160) -> bytes:
    """A PNG that is like no other."""
    from PIL import Image

    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (side_px, side_px, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


class _Stopped(Exception):
    """The clients are told to end."""


class Senders:
    """`count` clients, one life after another, until told to stop; what was answered is kept.

    What is cut off they ask for again until it is answered. `lives_s` are how long lives took that nothing disturbed.
    """

    def __init__(self, address: str, work: Path, count: int, side_px: int) -> None:
        self.address, self.work, self.side_px = address, work, side_px
        self.begun: set[str] = set()  # what may be there: SHA-256 of all that was ever sent
        self.sent: set[str] = set()  # what must be there: those that were answered
        self.asked: dict[str, str] = {}  # jobs that were answered -> the picture
        self.adding: set[str] = set()  # pictures that must come into the archive
        self.cut_off, self.refused = 0, list[str]()
        self.lives_s: list[float] = []
        self.phases = ["between"] * count
        self.births = self.deaths = 0
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self._live, args=(number,)) for number in range(count)]

    def __enter__(self) -> Senders:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _live(self, sender: int) -> None:
        number = sender * 1_000_000
        try:
            while True:
                number += 1
                self._one_life(sender, number)
        except _Stopped:
            pass
        except BaseException as error:
            self.refused.append(f"a client ended: {type(error).__name__}: {error}")
            raise

    def _one_life(self, sender: int, number: int) -> None:
        data = picture(number, self.side_px)
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.work / f"sender{sender}.png"
        path.write_bytes(data)
        cut_off = self.cut_off
        with self.lock:
            self.begun.add(sha256)
            self.births += 1
        began, self.phases[sender] = time.monotonic(), "sending"
        reference = self._patiently(lambda client: client.upload(path))
        with self.lock:
            self.sent.add(sha256)
        self.phases[sender] = "asking"
        adds = number % EACH != 0
        order = ("archive-add", {}) if adds else ("inpaint", {"box": [4, 4, 24, 24], "method": "exemplar"})
        job = self._patiently(lambda client: client.submit(order[0], [reference], order[1]))
        with self.lock:
            self.asked[job.id] = sha256
            if adds:
                self.adding.add(sha256)
        while job.state in ("queued", "running"):
            self.phases[sender] = job.state
            self.stop.wait(0.25)
            job = self._patiently(lambda client, id=job.id: client.job(id))  # type: ignore[misc]
        with self.lock:
            self.deaths += 1
            if cut_off == self.cut_off:
                self.lives_s.append(time.monotonic() - began)
        self.phases[sender] = "between"

    def _patiently(self, ask: Callable[[Workbench], T]) -> T:
        """What is answered in the end; anything but silence is written down as wrong."""
        while not self.stop.is_set():
            try:
                return ask(Workbench(self.address, token="", timeout_s=20))
            except WorkbenchError as error:
                with self.lock:
                    self.cut_off += 1
                    if error.status:
                        self.refused.append(f"{error.status}: {error.message}")
                self.stop.wait(0.5)
        raise _Stopped
