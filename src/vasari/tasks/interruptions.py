"""Ctrl-C and SIGTERM, remembered until the step is done."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interruptions:
    """Remembers the signal that asks a training to end."""

    signal_name = ""

    @contextlib.contextmanager
    def listening(self, alone: bool) -> Iterator[None]:
        """Remember Ctrl-C and SIGTERM while the block lasts; `alone`, a second Ctrl-C interrupts at once.

        torchrun passes on the Ctrl-C that its processes have had already: among several it does not count twice.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def remember(number: int, _: FrameType | None) -> None:
            if self.signal_name and number == signal.SIGINT and alone:
                raise KeyboardInterrupt
            self.signal_name = signal.Signals(number).name

        former = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
