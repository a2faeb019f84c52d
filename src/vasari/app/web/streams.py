"""Answers that go on for long: how many a visitor may have open at once, and whether they still may have them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from vasari.app.web.errors import Refusal
from vasari.app.web.security.visitors import identify
from vasari.app.web.workbench import Visitor
from vasari.archive.workbench.roles import Role

#: A page has one or two, a browser six at most of one server over HTTP/1.1; the rest is for programs.
MOST_OF_A_VISITOR = 32
#: Seconds between two looks whether a visitor has logged out, was disabled, or had their token revoked.
LOOK_AGAIN_S = 10.0


class Streams:
    """The streams that are open in this process, by visitor."""

    def __init__(self, most: int = MOST_OF_A_VISITOR) -> None:
        self.most = most
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    def check(self, name: str) -> None:
        """Raise `Refusal` (429) where a visitor has as many as they may."""
        with self._lock:
            if self._open[name] >= self.most:
                raise self._refused()

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Count one while the block lasts; raises as `check`."""
        with self._lock:
            if self._open[name] >= self.most:
                raise self._refused()
            self._open[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._open[name] -= 1
                if not self._open[name]:
                    del self._open[name]

    def _refused(self) -> Refusal:
        return Refusal(
            429, f"You have {self.most} streams of events open already.", remedy="close some pages or programs"
        )


class CountedStream(EventSourceResponse):
    """Server-sent events, counted among the visitor's streams from the first byte to the last."""

    def __init__(self, streams: Streams, visitor: Visitor, content: Any) -> None:
        streams.check(visitor.name)
        super().__init__(content)
        self._streams, self._name = streams, visitor.name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.held(self._name):
            await super().__call__(scope, receive, send)


def still_may(request: Request, visitor: Visitor) -> bool:
    """Whether who began a stream may still have it. It is no visit: an open page alone keeps no session alive."""
    try:
        now = identify(request, is_visit=False)
    except Refusal:
        return False
    return now.name == visitor.name and now.role >= Role.VIEWER
