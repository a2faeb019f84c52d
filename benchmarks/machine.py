"""What a timing was taken on: the same words as those of `vasari benchmark`."""

from __future__ import annotations

from vasari.tasks.benchmark.machine import described

__all__ = ["described"]
